#include "rtcp.h"

#include <string.h>

#include "bytes.h"

#define RTCP_VERSION 2
#define HEADER_BYTES 4
#define SENDER_INFO_BYTES 20
#define BLOCK_BYTES 24
#define PT_SR 200
#define PT_RR 201
#define PT_SDES 202
#define PT_BYE 203
#define SDES_END 0
#define SDES_CNAME 1

/* One SDES chunk at *offset of @body: checks its items, steps over its padding, and keeps the CNAME
 * when asked to. */
static gboolean
parse_sdes_chunk (const guint8 *body, gsize length, gsize *offset, RpRtcpPacket *out)
{
  gsize at = *offset;
  if (length - at < 4)
    return FALSE;
  if (out != NULL)
    out->ssrc = rp_read_u32 (body + at);
  at += 4;
  while (at < length && body[at] != SDES_END) {
    if (length - at < 2 || length - at - 2 < body[at + 1])
      return FALSE;
    if (out != NULL && body[at] == SDES_CNAME && out->cname == NULL) {
      out->cname = body + at + 2;
      out->cname_bytes = body[at + 1];
    }
    at += 2 + (gsize) body[at + 1];
  }
  if (at >= length)
    return FALSE;
  /* At least one null byte ends the list, then up to the next word (RFC 3550 6.5). */
  *offset = (at + 4) & ~(gsize) 3;
  return *offset <= length;
}

/* Whether @body, without padding, has room for the @count things that a packet of this type says it
 * has. */
static gboolean
body_is_whole (guint8 packet_type, guint count, const guint8 *body, gsize length)
{
  gsize offset = 0;
  switch (packet_type) {
  case PT_SR:
    return length >= 4 + SENDER_INFO_BYTES + (gsize) count * BLOCK_BYTES;
  case PT_RR:
    return length >= 4 + (gsize) count * BLOCK_BYTES;
  case PT_SDES:
    for (guint i = 0; i < count; i++)
      if (!parse_sdes_chunk (body, length, &offset, NULL))
        return FALSE;
    return TRUE;
  case PT_BYE:
    offset = 4 * (gsize) count;
    return length == offset || (length > offset && length - offset > body[offset]);
  default:
    return length >= 4;
  }
}

/* The packet at @offset. Returns its whole length, or 0 when it is malformed. */
static gsize
check_packet (const guint8 *data, gsize length, gsize offset, gsize *out_body_bytes)
{
  const guint8 *p = data + offset;
  gsize left = length - offset;
  if (left < HEADER_BYTES || p[0] >> 6 != RTCP_VERSION || p[1] < 192 || p[1] > 223)
    return 0;
  gsize packet_bytes = 4 * ((gsize) rp_read_u16 (p + 2) + 1);
  if (packet_bytes > left)
    return 0;
  gsize body_bytes = packet_bytes - HEADER_BYTES;
  if (p[0] & 0x20) {
    guint8 padding = p[packet_bytes - 1];
    if (packet_bytes != left || padding == 0 || padding % 4 != 0 || padding > body_bytes)
      return 0;
    body_bytes -= padding;
  }
  if (!body_is_whole (p[1], p[0] & 0x1f, p + HEADER_BYTES, body_bytes))
    return 0;
  *out_body_bytes = body_bytes;
  return packet_bytes;
}

gboolean
rp_rtcp_reader_init (RpRtcpReader *reader, const guint8 *data, gsize length)
{
  gsize body_bytes;
  *reader = (RpRtcpReader){.data = data, .length = 0};
  if (length < 8 || length % 4 != 0)
    return FALSE;
  for (gsize offset = 0; offset < length;) {
    gsize packet_bytes = check_packet (data, length, offset, &body_bytes);
    if (packet_bytes == 0)
      return FALSE;
    offset += packet_bytes;
  }
  reader->length = length;
  return TRUE;
}

static void
read_blocks (RpRtcpPacket *out, guint count, const guint8 *p)
{
  out->n_blocks = count;
  for (guint i = 0; i < count; i++, p += BLOCK_BYTES) {
    gint32 lost = (gint32) rp_read_u24 (p + 5);
    out->blocks[i] = (RpRtcpBlock){
        .ssrc = rp_read_u32 (p),
        .fraction_lost = p[4],
        .total_lost = lost >= 0x800000 ? lost - 0x1000000 : lost,
        .highest_seq = rp_read_u32 (p + 8),
        .jitter = rp_read_u32 (p + 12),
        .lsr = rp_read_u32 (p + 16),
        .dlsr = rp_read_u32 (p + 20),
    };
  }
}

static void
read_body (RpRtcpPacket *out, guint count, const guint8 *body, gsize length)
{
  gsize offset = 0;
  switch (out->packet_type) {
  case PT_SR:
    out->type = RP_RTCP_SR;
    out->ssrc = rp_read_u32 (body);
    out->sender = (RpRtcpSenderInfo){
        .ntp = (guint64) rp_read_u32 (body + 4) << 32 | rp_read_u32 (body + 8),
        .rtp_timestamp = rp_read_u32 (body + 12),
        .packets = rp_read_u32 (body + 16),
        .payload_bytes = rp_read_u32 (body + 20),
    };
    read_blocks (out, count, body + 4 + SENDER_INFO_BYTES);
    break;
  case PT_RR:
    out->type = RP_RTCP_RR;
    out->ssrc = rp_read_u32 (body);
    read_blocks (out, count, body + 4);
    break;
  case PT_SDES:
    out->type = RP_RTCP_SDES;
    if (count > 0)
      parse_sdes_chunk (body, length, &offset, out);
    break;
  case PT_BYE:
    out->type = RP_RTCP_BYE;
    out->n_bye = count;
    for (guint i = 0; i < count; i++)
      out->bye[i] = rp_read_u32 (body + 4 * (gsize) i);
    out->ssrc = count > 0 ? out->bye[0] : 0;
    break;
  default:
    out->type = RP_RTCP_OTHER;
    out->ssrc = rp_read_u32 (body);
    break;
  }
}

gboolean
rp_rtcp_reader_next (RpRtcpReader *reader, RpRtcpPacket *out_packet)
{
  gsize body_bytes;
  if (reader->offset >= reader->length)
    return FALSE;
  gsize packet_bytes = check_packet (reader->data, reader->length, reader->offset, &body_bytes);
  if (packet_bytes == 0)
    return FALSE;
  const guint8 *p = reader->data + reader->offset;
  memset (out_packet, 0, sizeof *out_packet);
  out_packet->packet_type = p[1];
  read_body (out_packet, p[0] & 0x1f, p + HEADER_BYTES, body_bytes);
  reader->offset += packet_bytes;
  return TRUE;
}

static void
write_header (guint8 *p, guint8 packet_type, guint count, gsize packet_bytes)
{
  p[0] = (guint8) (RTCP_VERSION << 6 | count);
  p[1] = packet_type;
  rp_write_u16 (p + 2, (guint16) (packet_bytes / 4 - 1));
}

static void
write_block (guint8 *p, const RpRtcpBlock *block)
{
  gint32 lost = CLAMP (block->total_lost, -0x800000, 0x7fffff);
  rp_write_u32 (p, block->ssrc);
  rp_write_u32 (p + 4, (guint32) lost & 0xffffff);
  p[4] = block->fraction_lost;
  rp_write_u32 (p + 8, block->highest_seq);
  rp_write_u32 (p + 12, block->jitter);
  rp_write_u32 (p + 16, block->lsr);
  rp_write_u32 (p + 20, block->dlsr);
}

gsize
rp_rtcp_write_report (guint32 ssrc, const RpRtcpSenderInfo *sender, const RpRtcpBlock *block,
                      const char *cname, gboolean bye, guint8 *buffer, gsize size)
{
  gsize cname_bytes = strlen (cname);
  if (cname_bytes == 0 || cname_bytes > RP_RTCP_MAX_CNAME_BYTES)
    return 0;
  gsize report_bytes = HEADER_BYTES + 4 + (sender != NULL ? SENDER_INFO_BYTES : 0) +
                       (block != NULL ? BLOCK_BYTES : 0);
  /* The item list ends with one to four null bytes, up to a whole word. */
  gsize sdes_bytes = (HEADER_BYTES + 4 + 2 + cname_bytes + 4) & ~(gsize) 3;
  gsize bye_bytes = bye ? HEADER_BYTES + 4 : 0;
  if (report_bytes + sdes_bytes + bye_bytes > size)
    return 0;

  guint8 *p = buffer;
  memset (p, 0, report_bytes + sdes_bytes + bye_bytes);
  write_header (p, sender != NULL ? PT_SR : PT_RR, block != NULL ? 1 : 0, report_bytes);
  rp_write_u32 (p + 4, ssrc);
  p += 8;
  if (sender != NULL) {
    rp_write_u32 (p, (guint32) (sender->ntp >> 32));
    rp_write_u32 (p + 4, (guint32) sender->ntp);
    rp_write_u32 (p + 8, sender->rtp_timestamp);
    rp_write_u32 (p + 12, sender->packets);
    rp_write_u32 (p + 16, sender->payload_bytes);
    p += SENDER_INFO_BYTES;
  }
  if (block != NULL) {
    write_block (p, block);
    p += BLOCK_BYTES;
  }

  write_header (p, PT_SDES, 1, sdes_bytes);
  rp_write_u32 (p + 4, ssrc);
  p[8] = SDES_CNAME;
  p[9] = (guint8) cname_bytes;
  memcpy (p + 10, cname, cname_bytes);
  p += sdes_bytes;

  if (bye) {
    write_header (p, PT_BYE, 1, bye_bytes);
    rp_write_u32 (p + 4, ssrc);
    p += bye_bytes;
  }
  return (gsize) (p - buffer);
}

guint64
rp_rtcp_ntp_from_us (gint64 us)
{
  guint64 seconds = (guint64) us / G_USEC_PER_SEC;
  guint64 rest_us = (guint64) us % G_USEC_PER_SEC;
  return seconds << 32 | (rest_us << 32) / G_USEC_PER_SEC;
}
