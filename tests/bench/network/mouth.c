#include "mouth.h"

#include "red.h"
#include "rtcp.h"
#include "rtp.h"

#include <math.h>
#include <opus.h>
#include <string.h>

#define SSRC 5
/* As libwebrtc: complexity 9 on desktops, the loss smoothed over some 10 s and told in steps. */
#define COMPLEXITY 9
#define SMOOTH_US (10.0 * G_USEC_PER_SEC)

struct _RpMouth {
  OpusEncoder *encoder;
  gboolean red;
  guint16 sequence;
  guint32 timestamp;
  guint8 before[RP_RED_MAX_BLOCK_BYTES];
  gsize before_bytes;
  double loss;
  gint64 report_us;
  guint percent;
};

RpMouth *
rp_mouth_new (gboolean red, int bitrate)
{
  int failure = OPUS_OK;
  RpMouth *mouth = g_new0 (RpMouth, 1);
  mouth->red = red;
  mouth->encoder = opus_encoder_create (RP_MOUTH_RATE_HZ, 1, OPUS_APPLICATION_VOIP, &failure);
  g_assert (mouth->encoder != NULL);
  opus_encoder_ctl (mouth->encoder, OPUS_SET_BITRATE (bitrate));
  opus_encoder_ctl (mouth->encoder, OPUS_SET_COMPLEXITY (COMPLEXITY));
  opus_encoder_ctl (mouth->encoder, OPUS_SET_INBAND_FEC (1));
  opus_encoder_ctl (mouth->encoder, OPUS_SET_PACKET_LOSS_PERC (0));
  return mouth;
}

void
rp_mouth_free (RpMouth *mouth)
{
  if (mouth == NULL)
    return;
  opus_encoder_destroy (mouth->encoder);
  g_free (mouth);
}

static gsize
write_payload (RpMouth *mouth, const guint8 *opus, gsize len, guint8 *out, gsize size)
{
  const RpRed red = {
      .n_blocks = mouth->before_bytes > 0 ? 1 : 0,
      .blocks = {{RP_MOUTH_OPUS, RP_MOUTH_FRAME_SAMPLES, mouth->before, mouth->before_bytes}},
      .primary = {RP_MOUTH_OPUS, 0, opus, len}};
  gsize bytes = len;
  if (mouth->red)
    bytes = rp_red_write (&red, out, size);
  else
    memcpy (out, opus, len);
  mouth->before_bytes = MIN (len, sizeof mouth->before);
  memcpy (mouth->before, opus, mouth->before_bytes);
  return bytes;
}

gsize
rp_mouth_packet (RpMouth *mouth, const float *pcm, guint8 *out, gsize size)
{
  guint8 opus[1275];
  const RpRtpPacket header = {.payload_type = mouth->red ? RP_MOUTH_RED : RP_MOUTH_OPUS,
                              .sequence = mouth->sequence++,
                              .timestamp = mouth->timestamp,
                              .ssrc = SSRC};
  opus_int32 len =
      opus_encode_float (mouth->encoder, pcm, RP_MOUTH_FRAME_SAMPLES, opus, sizeof opus);
  mouth->timestamp += RP_MOUTH_FRAME_SAMPLES;
  g_assert (len > 0);
  gsize at = rp_rtp_write_header (&header, out, size);
  return at + write_payload (mouth, opus, (gsize) len, out + at, size - at);
}

static guint
step (double loss)
{
  static const guint steps[] = {20, 10, 5, 1};
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++)
    if (loss * 100 >= steps[i] * 0.9)
      return steps[i];
  return 0;
}

void
rp_mouth_rtcp (RpMouth *mouth, gint64 now_us, const guint8 *data, gsize len)
{
  RpRtcpReader reader;
  RpRtcpPacket packet;
  if (!rp_rtcp_reader_init (&reader, data, len))
    return;
  while (rp_rtcp_reader_next (&reader, &packet))
    for (guint i = 0; i < packet.n_blocks; i++) {
      double fraction = packet.blocks[i].fraction_lost / 256.0;
      double weight =
          mouth->report_us > 0 ? exp (-(double) (now_us - mouth->report_us) / SMOOTH_US) : 0;
      mouth->loss = weight * mouth->loss + (1 - weight) * fraction;
      mouth->report_us = now_us;
    }
  if (step (mouth->loss) == mouth->percent)
    return;
  mouth->percent = step (mouth->loss);
  opus_encoder_ctl (mouth->encoder, OPUS_SET_PACKET_LOSS_PERC ((int) mouth->percent));
}

guint
rp_mouth_expected_loss (const RpMouth *mouth)
{
  return mouth->percent;
}
