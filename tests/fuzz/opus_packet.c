/* Opus packets: the frames of an accepted packet lie inside it and last at most 120 ms. */
#include "opus-packet.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  RpOpusPacket packet;
  gboolean ok = rp_opus_packet_parse (data, size, &packet);
  gboolean has_lbrr = rp_opus_packet_has_lbrr (data, size);
  guint samples = rp_opus_packet_samples (data, size);
  if (!ok) {
    g_assert (!has_lbrr && samples == 0);
    return 0;
  }
  gsize total = 0;
  g_assert (packet.n_frames >= 1 && packet.n_frames <= RP_OPUS_MAX_FRAMES);
  for (guint i = 0; i < packet.n_frames; i++) {
    g_assert (packet.frame_bytes[i] <= RP_OPUS_MAX_FRAME_BYTES);
    total += packet.frame_bytes[i];
  }
  g_assert (packet.first_frame > data && packet.first_frame + total <= data + size);
  g_assert (samples == packet.n_frames * packet.frame_samples);
  g_assert (samples >= 120 && samples <= RP_OPUS_MAX_PACKET_SAMPLES && samples % 120 == 0);
  return 0;
}
