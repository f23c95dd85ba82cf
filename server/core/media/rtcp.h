#pragma once

/* RTCP compound packets (RFC 3550 section 6): strict parsing, and writing of SR/RR + SDES and of
 * BYE. Pure functions. */

#include <glib.h>

#define RP_RTCP_MAX_BLOCKS 31
/* The largest compound that rp_rtcp_write_report () can make: SR with one block, SDES with the
 * longest CNAME. */
#define RP_RTCP_MAX_REPORT_BYTES 320
#define RP_RTCP_MAX_CNAME_BYTES 255

typedef enum {
  RP_RTCP_SR,
  RP_RTCP_RR,
  RP_RTCP_SDES,
  RP_RTCP_BYE,
  RP_RTCP_OTHER, /* APP, feedback, XR: bounds checked, content skipped */
} RpRtcpType;

typedef struct {
  guint32 ssrc;         /* whom the block is about */
  guint8 fraction_lost; /* of 256, since the previous report */
  gint32 total_lost;    /* signed 24 bits: duplicates can make it negative */
  guint32 highest_seq;  /* cycles << 16 | sequence */
  guint32 jitter;       /* RTP units */
  guint32 lsr;          /* middle 32 bits of the NTP time of the last SR; 0 = none yet */
  guint32 dlsr;         /* 1/65536 s */
} RpRtcpBlock;

typedef struct {
  guint64 ntp; /* 32.32 fixed point */
  guint32 rtp_timestamp;
  guint32 packets;
  guint32 payload_bytes;
} RpRtcpSenderInfo;

typedef struct {
  RpRtcpType type;
  guint8 packet_type; /* as on the wire, 192..223 */
  guint32 ssrc;       /* the sender; of SDES and BYE the first source, 0 when they name none */
  RpRtcpSenderInfo sender;
  guint n_blocks; /* SR and RR */
  RpRtcpBlock blocks[RP_RTCP_MAX_BLOCKS];
  const guint8
      *cname; /* (nullable): SDES, first source; not NUL-terminated, points into the input */
  gsize cname_bytes;
  guint n_bye; /* BYE */
  guint32 bye[RP_RTCP_MAX_BLOCKS];
} RpRtcpPacket;

typedef struct {
  const guint8 *data;
  gsize length;
  gsize offset;
} RpRtcpReader;

/*
 * rp_rtcp_reader_init:
 * @data: a decrypted compound, which must outlive the reader
 *
 * Checks the whole compound before anything is read from it: versions, lengths that add up exactly,
 * padding only in the last packet, counts that fit. Reduced-size packets (RFC 5506) are accepted:
 * any type may come first.
 *
 * Returns: FALSE when something is wrong; nothing of such a compound may be used.
 */
gboolean rp_rtcp_reader_init (RpRtcpReader *reader, const guint8 *data, gsize length);

/* rp_rtcp_reader_next: Returns: FALSE at the end of the compound. */
gboolean rp_rtcp_reader_next (RpRtcpReader *reader, RpRtcpPacket *out_packet);

/*
 * rp_rtcp_write_report:
 * @sender: (nullable): makes the first packet an SR, else an RR
 * @block: (nullable): what we report of the remote source
 * @cname: 1..255 bytes, NUL-terminated
 * @bye: append a BYE
 *
 * Returns: the bytes written, a multiple of 4; 0 when @size is too small (RP_RTCP_MAX_REPORT_BYTES
 * is always enough) or the CNAME is out of range.
 */
gsize rp_rtcp_write_report (guint32 ssrc, const RpRtcpSenderInfo *sender, const RpRtcpBlock *block,
                            const char *cname, gboolean bye, guint8 *buffer, gsize size);

/* rp_rtcp_ntp_from_us: microseconds of any epoch, >= 0, as 32.32 seconds. */
guint64 rp_rtcp_ntp_from_us (gint64 us);
