#include <stdint.h>

#include "wav.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_auto (RpWav) wav = {0};

  if (rp_wav_parse (data, size, &wav, NULL)) {
    g_autofree float *mono = NULL;
    gsize n = 0;

    g_assert (wav.n_channels == 1 || wav.n_channels == 2);
    g_assert (wav.n_frames * wav.n_channels * 2 <= size);
    mono = rp_wav_mono (&wav, 16000, &n);
    for (gsize i = 0; i < n; i++)
      g_assert (mono[i] >= -1 && mono[i] <= 1);
  }
  return 0;
}
