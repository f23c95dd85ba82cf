#include "wav.h"

#include <math.h>
#include <string.h>

#define FORMAT_PCM 1
#define FORMAT_EXTENSIBLE 0xfffe
#define HEADER_BYTES 44
#define MIN_RATE_HZ 8000
#define MAX_RATE_HZ 192000
/* Zero crossings of the resampling filter on either side. */
#define FILTER_ZEROS 16

G_DEFINE_QUARK (rp - wav - error - quark, rp_wav_error)

static guint
u16 (const guint8 *p)
{
  return p[0] | (guint) p[1] << 8;
}

static guint32
u32 (const guint8 *p)
{
  return u16 (p) | (guint32) u16 (p + 2) << 16;
}

static gboolean
parse_format (const guint8 *chunk, gsize size, RpWav *wav, GError **error)
{
  guint format;
  guint bits;

  if (size < 16) {
    g_set_error_literal (error, RP_WAV_ERROR, RP_WAV_ERROR_FORMAT, "format chunk is too short");
    return FALSE;
  }
  format = u16 (chunk);
  /* The true format of the extensible kind begins its GUID. */
  if (format == FORMAT_EXTENSIBLE && size >= 26)
    format = u16 (chunk + 24);
  wav->n_channels = u16 (chunk + 2);
  wav->rate_hz = u32 (chunk + 4);
  bits = u16 (chunk + 14);
  if (format != FORMAT_PCM || bits != 16 || wav->n_channels < 1 || wav->n_channels > 2 ||
      wav->rate_hz < MIN_RATE_HZ || wav->rate_hz > MAX_RATE_HZ) {
    g_set_error (error, RP_WAV_ERROR, RP_WAV_ERROR_UNSUPPORTED,
                 "format %u with %u bits, %u channels at %u Hz; needed are 16-bit PCM, 1 or 2 "
                 "channels at 8 to 192 kHz",
                 format, bits, wav->n_channels, wav->rate_hz);
    return FALSE;
  }
  return TRUE;
}

gboolean
rp_wav_parse (const guint8 *data, gsize size, RpWav *out, GError **error)
{
  RpWav wav = {0};
  gsize at = 12;

  if (size < 12 || memcmp (data, "RIFF", 4) != 0 || memcmp (data + 8, "WAVE", 4) != 0) {
    g_set_error_literal (error, RP_WAV_ERROR, RP_WAV_ERROR_FORMAT, "not a WAV file");
    return FALSE;
  }
  while (size - at >= 8) {
    const guint8 *chunk = data + at;
    gsize length = MIN (u32 (chunk + 4), size - at - 8);

    if (memcmp (chunk, "fmt ", 4) == 0) {
      if (!parse_format (chunk + 8, length, &wav, error))
        return FALSE;
    } else if (memcmp (chunk, "data", 4) == 0 && wav.n_channels > 0) {
      wav.n_frames = length / 2 / wav.n_channels;
      wav.pcm = g_new (gint16, wav.n_frames * wav.n_channels);
      for (gsize i = 0; i < wav.n_frames * wav.n_channels; i++)
        wav.pcm[i] = (gint16) u16 (chunk + 8 + 2 * i);
      *out = wav;
      return TRUE;
    }
    /* Chunks begin at even places. */
    at += 8 + length;
    at = MIN (at + (length & 1), size);
  }
  g_set_error_literal (error, RP_WAV_ERROR, RP_WAV_ERROR_FORMAT,
                       "WAV file without audio or without a format before it");
  return FALSE;
}

gboolean
rp_wav_read (const char *path, RpWav *wav, GError **error)
{
  g_autofree char *data = NULL;
  gsize size = 0;

  if (!g_file_get_contents (path, &data, &size, error))
    return FALSE;
  if (!rp_wav_parse ((const guint8 *) data, size, wav, error)) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  return TRUE;
}

static void
put_u32 (guint8 *p, guint32 value)
{
  for (int i = 0; i < 4; i++)
    p[i] = (guint8) (value >> (8 * i));
}

gboolean
rp_wav_write (const char *path, guint rate_hz, guint n_channels, const gint16 *pcm, gsize n_frames,
              GError **error)
{
  gsize n = n_frames * n_channels;
  g_autofree guint8 *data = g_malloc (HEADER_BYTES + 2 * n);

  memcpy (data, "RIFF", 4);
  memcpy (data + 8, "WAVEfmt ", 8);
  memcpy (data + 36, "data", 4);
  put_u32 (data + 4, (guint32) (HEADER_BYTES - 8 + 2 * n));
  put_u32 (data + 16, 16);
  put_u32 (data + 20, FORMAT_PCM | n_channels << 16);
  put_u32 (data + 24, rate_hz);
  put_u32 (data + 28, rate_hz * n_channels * 2);
  put_u32 (data + 32, n_channels * 2 | 16 << 16);
  put_u32 (data + 40, (guint32) (2 * n));
  for (gsize i = 0; i < n; i++) {
    data[HEADER_BYTES + 2 * i] = (guint8) pcm[i];
    data[HEADER_BYTES + 2 * i + 1] = (guint8) (pcm[i] >> 8);
  }
  return g_file_set_contents (path, (const char *) data, (gssize) (HEADER_BYTES + 2 * n), error);
}

static float
mono_at (const RpWav *wav, gsize frame)
{
  const gint16 *pcm = wav->pcm + frame * wav->n_channels;

  return wav->n_channels == 1 ? (float) pcm[0] / 32768 : ((float) pcm[0] + (float) pcm[1]) / 65536;
}

float *
rp_wav_mono (const RpWav *wav, guint rate_hz, gsize *out_n)
{
  double step = (double) wav->rate_hz / rate_hz;
  /* Downwards the filter passes only what the lower rate can hold. */
  double cutoff = MIN (1.0, 1.0 / step);
  double reach = FILTER_ZEROS / cutoff;
  gsize n = (gsize) ((guint64) wav->n_frames * rate_hz / wav->rate_hz);
  float *out = g_new (float, MAX (n, 1));

  for (gsize i = 0; i < n; i++) {
    double centre = (double) i * step;
    gssize first = MAX ((gssize) ceil (centre - reach), 0);
    gssize last = MIN ((gssize) floor (centre + reach), (gssize) wav->n_frames - 1);
    double sum = 0;

    if (wav->rate_hz == rate_hz) {
      out[i] = mono_at (wav, i);
      continue;
    }
    for (gssize j = first; j <= last; j++) {
      double x = ((double) j - centre) * cutoff;
      double sinc = fabs (x) < 1e-9 ? 1 : sin (G_PI * x) / (G_PI * x);
      double window = 0.5 + 0.5 * cos (G_PI * x / FILTER_ZEROS);

      sum += mono_at (wav, (gsize) j) * sinc * window * cutoff;
    }
    out[i] = (float) CLAMP (sum, -1.0, 1.0);
  }
  *out_n = n;
  return out;
}

void
rp_wav_clear (RpWav *wav)
{
  g_clear_pointer (&wav->pcm, g_free);
}
