#include "rtp.h"

#include <string.h>

#include "bytes.h"

#define RTP_VERSION 2
#define STUN_HEADER_BYTES 20
#define DTLS_RECORD_HEADER_BYTES 13
#define RTCP_HEADER_BYTES 8

gboolean
rp_rtp_parse (const guint8 *data, gsize length, RpRtpPacket *out_packet)
{
  if (length < RP_RTP_HEADER_BYTES || data[0] >> 6 != RTP_VERSION)
    return FALSE;

  RpRtpPacket packet = {
      .marker = (data[1] & 0x80) != 0,
      .payload_type = data[1] & 0x7f,
      .sequence = rp_read_u16 (data + 2),
      .timestamp = rp_read_u32 (data + 4),
      .ssrc = rp_read_u32 (data + 8),
      .n_csrc = data[0] & 0x0f,
      .has_extension = (data[0] & 0x10) != 0,
  };
  gsize offset = RP_RTP_HEADER_BYTES;

  if (length - offset < 4 * (gsize) packet.n_csrc)
    return FALSE;
  for (guint i = 0; i < packet.n_csrc; i++, offset += 4)
    packet.csrc[i] = rp_read_u32 (data + offset);

  if (packet.has_extension) {
    if (length - offset < 4)
      return FALSE;
    packet.extension_profile = rp_read_u16 (data + offset);
    packet.extension_bytes = 4 * (gsize) rp_read_u16 (data + offset + 2);
    offset += 4;
    if (length - offset < packet.extension_bytes)
      return FALSE;
    packet.extension = data + offset;
    offset += packet.extension_bytes;
  }

  if (data[0] & 0x20) {
    /* The count includes its own byte, so 0 is malformed. */
    packet.padding_bytes = data[length - 1];
    if (packet.padding_bytes == 0 || packet.padding_bytes > length - offset)
      return FALSE;
  }

  packet.header_bytes = offset;
  packet.payload = data + offset;
  packet.payload_bytes = length - offset - packet.padding_bytes;
  *out_packet = packet;
  return TRUE;
}

gsize
rp_rtp_write_header (const RpRtpPacket *packet, guint8 *buffer, gsize size)
{
  if (packet->payload_type > 127 || packet->n_csrc > RP_RTP_MAX_CSRC)
    return 0;
  gsize need = RP_RTP_HEADER_BYTES + 4 * (gsize) packet->n_csrc;
  if (packet->has_extension) {
    if (packet->extension_bytes % 4 != 0 || packet->extension_bytes / 4 > G_MAXUINT16)
      return 0;
    need += 4 + packet->extension_bytes;
  }
  if (need > size)
    return 0;

  buffer[0] = (guint8) (RTP_VERSION << 6 | (packet->has_extension ? 0x10 : 0) | packet->n_csrc);
  buffer[1] = (guint8) ((packet->marker ? 0x80 : 0) | packet->payload_type);
  rp_write_u16 (buffer + 2, packet->sequence);
  rp_write_u32 (buffer + 4, packet->timestamp);
  rp_write_u32 (buffer + 8, packet->ssrc);
  guint8 *p = buffer + RP_RTP_HEADER_BYTES;
  for (guint i = 0; i < packet->n_csrc; i++, p += 4)
    rp_write_u32 (p, packet->csrc[i]);
  if (packet->has_extension) {
    rp_write_u16 (p, packet->extension_profile);
    rp_write_u16 (p + 2, (guint16) (packet->extension_bytes / 4));
    if (packet->extension_bytes > 0)
      memcpy (p + 4, packet->extension, packet->extension_bytes);
  }
  return need;
}

RpDemux
rp_demux (const guint8 *data, gsize length)
{
  if (length < 2)
    return RP_DEMUX_OTHER;
  /* The ranges of RFC 7983 section 7. */
  if (data[0] <= 3)
    return length >= STUN_HEADER_BYTES ? RP_DEMUX_STUN : RP_DEMUX_OTHER;
  if (data[0] >= 20 && data[0] <= 63)
    return length >= DTLS_RECORD_HEADER_BYTES ? RP_DEMUX_DTLS : RP_DEMUX_OTHER;
  if (data[0] >= 128 && data[0] <= 191) {
    /* RFC 5761 section 4: payload types 64..95 are RTCP, which takes packet types 192..223. */
    guint8 payload_type = data[1] & 0x7f;
    if (payload_type >= 64 && payload_type <= 95)
      return length >= RTCP_HEADER_BYTES ? RP_DEMUX_RTCP : RP_DEMUX_OTHER;
    return length >= RP_RTP_HEADER_BYTES ? RP_DEMUX_RTP : RP_DEMUX_OTHER;
  }
  return RP_DEMUX_OTHER;
}
