#pragma once

/*
 * The RTCP of one audio stream pair (we send one SSRC, we hear one SSRC): honest receiver reports
 * (RFC 3550 A.3, A.8), sender reports, round-trip time, and when to send (RFC 3550 6.2). Sans-IO:
 * the caller encrypts and sends.
 */

#include "rtcp.h"
#include "seq.h"

/* Reception statistics of one remote SSRC. A plain value: rp_rtcp_receiver_init (). */
typedef struct {
  guint32 ssrc;
  guint32 clock_rate;
  RpSeq seq;
  guint64 base_seq;
  guint64 received;
  guint64 expected_prior;
  guint64 received_prior;
  gboolean has_transit;
  guint32 transit;
  guint32 jitter_q4; /* RTP units, 4 fractional bits as in RFC 3550 A.8 */
  guint32 last_sr;   /* middle 32 bits of its NTP time */
  gint64 last_sr_us; /* when it came; G_MININT64 = never */
} RpRtcpReceiver;

void rp_rtcp_receiver_init (RpRtcpReceiver *self, guint32 ssrc, guint32 clock_rate);

/* rp_rtcp_receiver_packet: counts an arrived RTP packet, duplicates and late ones too (RFC
 * 3550 6.4.1). */
void rp_rtcp_receiver_packet (RpRtcpReceiver *self, gint64 now_us, guint16 sequence,
                              guint32 timestamp);

/* rp_rtcp_receiver_sender_report: remembers a sender report of this SSRC for LSR/DLSR. */
void rp_rtcp_receiver_sender_report (RpRtcpReceiver *self, gint64 now_us, guint64 ntp);

/*
 * rp_rtcp_receiver_report: fills the report block and starts the next interval of fraction_lost.
 * Returns: FALSE when no packet of this SSRC has been received.
 */
gboolean rp_rtcp_receiver_report (RpRtcpReceiver *self, gint64 now_us, RpRtcpBlock *out_block);

/* rp_rtcp_receiver_lost: packets missing so far (expected - received); negative with duplicates. */
gint64 rp_rtcp_receiver_lost (const RpRtcpReceiver *self);

/* rp_rtcp_receiver_jitter_us: interarrival jitter in microseconds. */
gint64 rp_rtcp_receiver_jitter_us (const RpRtcpReceiver *self);

typedef struct _RpRtcpSession RpRtcpSession;

typedef struct {
  guint32 ssrc;        /* ours */
  const char *cname;   /* 1..255 bytes, copied */
  guint32 clock_rate;  /* of both directions; 0 = 48000 */
  guint32 random_seed; /* for the randomised interval; any value */
} RpRtcpSessionConfig;

typedef struct {
  guint64 packets_sent;
  guint64 payload_bytes_sent;
  guint64 reports_sent;
  guint64 reports_received; /* valid compounds */
  guint64 blocks_received;  /* receiver reports on our stream */
  guint64 malformed;        /* compounds refused */
  guint64 packets_received;
  gint64 packets_lost;         /* remote -> us, whole session, current SSRC */
  gint64 jitter_us;            /* remote -> us */
  gint64 rtt_us;               /* smoothed (1/8); -1 = unknown */
  gint64 remote_jitter_us;     /* us -> remote, as the peer reports; -1 = unknown */
  gint32 remote_lost;          /* us -> remote, as the peer reports */
  guint8 remote_fraction_lost; /* of 256, last report: feeds the encoder's expected loss */
  gboolean remote_bye;         /* the remote source said BYE */
} RpRtcpStats;

typedef struct {
  guint8 data[RP_RTCP_MAX_REPORT_BYTES]; /* plain compound, to be encrypted by the caller */
  gsize length;
} RpRtcpOut;

/*
 * The first report is due 0.5 s after rp_rtcp_session_new (), so that the peer's bandwidth and loss
 * estimates and our RTT start early; then every 2.5 s times 0.5..1.5 at random (RFC 3550 6.2 with
 * the minimum of 5 s reduced as 6.2 permits on links of this rate; the average is what browsers do
 * for audio).
 */
RpRtcpSession *rp_rtcp_session_new (const RpRtcpSessionConfig *config, gint64 now_us);
void rp_rtcp_session_free (RpRtcpSession *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpRtcpSession, rp_rtcp_session_free)

/* rp_rtcp_session_sent: one RTP packet was put on the wire. @timestamp is its RTP timestamp, for
 * the next SR. */
void rp_rtcp_session_sent (RpRtcpSession *self, gint64 now_us, guint32 timestamp,
                           gsize payload_bytes);

/* rp_rtcp_session_received: one RTP packet arrived. Another SSRC than before starts new statistics.
 */
void rp_rtcp_session_received (RpRtcpSession *self, gint64 now_us, guint32 ssrc, guint16 sequence,
                               guint32 timestamp);

/* rp_rtcp_session_input: a decrypted RTCP compound. Returns: FALSE when malformed (counted, nothing
 * used). */
gboolean rp_rtcp_session_input (RpRtcpSession *self, gint64 now_us, const guint8 *data,
                                gsize length);

/* rp_rtcp_session_poll: Returns: TRUE with a report to send when one is due. */
gboolean rp_rtcp_session_poll (RpRtcpSession *self, gint64 now_us, RpRtcpOut *out);

/* rp_rtcp_session_deadline: when the next report is due; always > now after poll returned FALSE. */
gint64 rp_rtcp_session_deadline (const RpRtcpSession *self);

/* rp_rtcp_session_bye: writes a last report with BYE, to be sent at once; nothing more is due
 * afterwards. */
void rp_rtcp_session_bye (RpRtcpSession *self, gint64 now_us, RpRtcpOut *out);

void rp_rtcp_session_stats (const RpRtcpSession *self, RpRtcpStats *out_stats);
