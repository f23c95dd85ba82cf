#pragma once

/* RTP packets (RFC 3550 section 5.1) and the demultiplexing of one UDP port (RFC 7983, RFC 5761).
 * Pure functions. */

#include <glib.h>

#define RP_RTP_HEADER_BYTES 12
#define RP_RTP_MAX_CSRC 15

typedef struct {
  gboolean marker;
  guint8 payload_type; /* 0..127 */
  guint16 sequence;
  guint32 timestamp;
  guint32 ssrc;
  guint n_csrc; /* 0..RP_RTP_MAX_CSRC */
  guint32 csrc[RP_RTP_MAX_CSRC];
  gboolean has_extension;
  guint16 extension_profile;
  const guint8 *extension; /* (nullable): body of the header extension, not interpreted */
  gsize extension_bytes;   /* a multiple of 4 */
  gsize header_bytes;      /* all before the payload; filled by rp_rtp_parse () */
  const guint8 *payload;   /* points into the parsed packet; may be of length 0 */
  gsize payload_bytes;     /* without padding */
  guint padding_bytes;     /* 0..255 */
} RpRtpPacket;

/*
 * rp_rtp_parse:
 * @data: a decrypted packet; @out_packet points into it
 *
 * Returns: FALSE (and @out_packet untouched) for anything that is not a whole RTP version 2 packet.
 */
gboolean rp_rtp_parse (const guint8 *data, gsize length, RpRtpPacket *out_packet);

/*
 * rp_rtp_write_header:
 * @packet: the fields up to extension_bytes are used; no padding is written
 *
 * Returns: the bytes written (12 + 4 per CSRC + extension), after which the payload goes; 0 when a
 * field is out of its range or @size is too small.
 */
gsize rp_rtp_write_header (const RpRtpPacket *packet, guint8 *buffer, gsize size);

typedef enum {
  RP_DEMUX_OTHER, /* drop it: ZRTP, TURN channels, anything too short for its protocol */
  RP_DEMUX_STUN,
  RP_DEMUX_DTLS,
  RP_DEMUX_RTP,  /* at least 12 bytes, as srtp_unprotect () needs */
  RP_DEMUX_RTCP, /* at least 8 bytes, as srtp_unprotect_rtcp () needs */
} RpDemux;

/* rp_demux: what a datagram is, by its first two bytes and its length. Works on encrypted packets.
 */
RpDemux rp_demux (const guint8 *data, gsize length);
