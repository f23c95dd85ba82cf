#include "opus-packet.h"

/* Frame durations by configuration number, RFC 6716 table 2. */
static guint
frame_samples_of (guint config)
{
  static const guint silk[] = {480, 960, 1920, 2880};
  if (config < 12)
    return silk[config & 3];
  if (config < 16)
    return (config & 1) ? 960 : 480;
  return 120u << (config & 3);
}

typedef struct {
  const guint8 *p;
  gsize left;
} Cursor;

/* A frame length of one or two bytes (RFC 6716 3.2.1). */
static gboolean
read_length (Cursor *c, gsize *out_bytes)
{
  if (c->left < 1)
    return FALSE;
  gsize bytes = c->p[0];
  gsize used = 1;
  if (bytes >= 252) {
    if (c->left < 2)
      return FALSE;
    bytes += 4 * (gsize) c->p[1];
    used = 2;
  }
  c->p += used;
  c->left -= used;
  *out_bytes = bytes;
  return TRUE;
}

/* Takes the padding that a code 3 packet has at its end off @c (RFC 6716 3.2.5). */
static gboolean
strip_padding (Cursor *c)
{
  guint8 byte;
  gsize padding = 0;
  do {
    if (c->left < 1)
      return FALSE;
    byte = *c->p++;
    c->left--;
    padding += byte == 255 ? 254 : byte;
  } while (byte == 255);
  if (padding > c->left)
    return FALSE;
  c->left -= padding;
  return TRUE;
}

/* @n frames of which all but the last have their length written first; the last takes the rest. */
static gboolean
read_variable_frames (Cursor *c, guint n, gsize *frame_bytes)
{
  gsize total = 0;
  for (guint i = 0; i + 1 < n; i++) {
    if (!read_length (c, &frame_bytes[i]))
      return FALSE;
    total += frame_bytes[i];
  }
  if (total > c->left)
    return FALSE;
  frame_bytes[n - 1] = c->left - total;
  return frame_bytes[n - 1] <= RP_OPUS_MAX_FRAME_BYTES;
}

static gboolean
read_equal_frames (Cursor *c, guint n, gsize *frame_bytes)
{
  if (c->left % n != 0 || c->left / n > RP_OPUS_MAX_FRAME_BYTES)
    return FALSE;
  for (guint i = 0; i < n; i++)
    frame_bytes[i] = c->left / n;
  return TRUE;
}

static gboolean
read_code3 (Cursor *c, RpOpusPacket *out)
{
  if (c->left < 1)
    return FALSE;
  guint8 count = *c->p++;
  c->left--;
  out->n_frames = count & 0x3f;
  if (out->n_frames == 0 || out->n_frames * out->frame_samples > RP_OPUS_MAX_PACKET_SAMPLES)
    return FALSE;
  if ((count & 0x40) && !strip_padding (c))
    return FALSE;
  return (count & 0x80) ? read_variable_frames (c, out->n_frames, out->frame_bytes)
                        : read_equal_frames (c, out->n_frames, out->frame_bytes);
}

gboolean
rp_opus_packet_parse (const guint8 *data, gsize length, RpOpusPacket *out_packet)
{
  if (length < 1)
    return FALSE;
  guint config = data[0] >> 3;
  Cursor c = {data + 1, length - 1};
  gboolean whole = FALSE;

  out_packet->mode = config < 12   ? RP_OPUS_MODE_SILK
                     : config < 16 ? RP_OPUS_MODE_HYBRID
                                   : RP_OPUS_MODE_CELT;
  out_packet->stereo = (data[0] & 4) != 0;
  out_packet->frame_samples = frame_samples_of (config);
  out_packet->n_frames = 0;
  switch (data[0] & 3) {
  case 0:
    out_packet->n_frames = 1;
    whole = read_equal_frames (&c, 1, out_packet->frame_bytes);
    break;
  case 1:
    out_packet->n_frames = 2;
    whole = read_equal_frames (&c, 2, out_packet->frame_bytes);
    break;
  case 2:
    out_packet->n_frames = 2;
    whole = read_variable_frames (&c, 2, out_packet->frame_bytes);
    break;
  default:
    whole = read_code3 (&c, out_packet);
    break;
  }
  out_packet->first_frame = c.p;
  out_packet->packet_samples = out_packet->n_frames * out_packet->frame_samples;
  return whole;
}

guint
rp_opus_packet_samples (const guint8 *data, gsize length)
{
  RpOpusPacket packet;
  return rp_opus_packet_parse (data, length, &packet) ? packet.packet_samples : 0;
}

gboolean
rp_opus_packet_info_has_lbrr (const RpOpusPacket *packet)
{
  if (packet->mode == RP_OPUS_MODE_CELT || packet->frame_bytes[0] == 0)
    return FALSE;
  /* The header bits of a SILK frame are the first ones of the range coder, which with even odds
     come out as they are: per channel one VAD bit for each 20 ms (or one for 10 ms), then the LBRR
     bit (RFC 6716 4.2.3). */
  guint n_vad = packet->frame_samples > 960 ? packet->frame_samples / 960 : 1;
  guint8 bits = packet->first_frame[0];
  gboolean mid = (bits >> (7 - n_vad)) & 1;
  gboolean side = packet->stereo && ((bits >> (6 - 2 * n_vad)) & 1);
  return mid || side;
}

gboolean
rp_opus_packet_has_lbrr (const guint8 *data, gsize length)
{
  RpOpusPacket packet;
  return rp_opus_packet_parse (data, length, &packet) && rp_opus_packet_info_has_lbrr (&packet);
}
