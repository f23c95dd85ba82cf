#include "rtcp-session.h"

#include <string.h>

#define DEFAULT_CLOCK_RATE 48000
#define FIRST_REPORT_US (G_USEC_PER_SEC / 2)
#define MEAN_INTERVAL_US (5 * G_USEC_PER_SEC / 2)
/* A round trip above this is a wrong LSR or DLSR, not a network. */
#define MAX_RTT_US (60 * G_USEC_PER_SEC)
/* What fits in DLSR: 18 hours. */
#define MAX_DLSR_US (G_GINT64_CONSTANT (65535) * G_USEC_PER_SEC)
/* Our NTP time is the time since the session began (allowed by RFC 3550 4), and 1 s so that no LSR
 * is 0 = none. */
#define NTP_START_US G_USEC_PER_SEC

struct _RpRtcpSession {
  guint32 ssrc;
  char *cname;
  guint32 clock_rate;
  guint32 random_state;
  gint64 start_us;
  gint64 next_us;
  gboolean ended;

  guint64 packets_sent;
  guint64 payload_bytes_sent;
  guint32 last_timestamp;
  gint64 last_sent_us;

  gboolean has_receiver;
  RpRtcpReceiver receiver;

  guint64 reports_sent;
  guint64 reports_received;
  guint64 blocks_received;
  guint64 malformed;
  gint64 rtt_us;
  gint64 remote_jitter_us;
  gint32 remote_lost;
  guint8 remote_fraction_lost;
  gboolean remote_bye;
};

/* Microseconds to clock units modulo 2^32, without overflow at any time value. */
static guint32
us_to_units (gint64 us, guint32 clock_rate)
{
  guint64 seconds = (guint64) (us / G_USEC_PER_SEC);
  gint64 rest_us = us % G_USEC_PER_SEC;
  return (guint32) (seconds * clock_rate +
                    (guint64) (rest_us * (gint64) clock_rate / G_USEC_PER_SEC));
}

void
rp_rtcp_receiver_init (RpRtcpReceiver *self, guint32 ssrc, guint32 clock_rate)
{
  *self = (RpRtcpReceiver){.ssrc = ssrc, .clock_rate = clock_rate, .last_sr_us = G_MININT64};
}

void
rp_rtcp_receiver_packet (RpRtcpReceiver *self, gint64 now_us, guint16 sequence, guint32 timestamp)
{
  guint64 unwrapped;
  switch (rp_seq_unwrap (&self->seq, sequence, &unwrapped)) {
  case RP_SEQ_JUMP:
    return;
  case RP_SEQ_FIRST:
  case RP_SEQ_RESTART:
    self->base_seq = unwrapped;
    self->received = 0;
    self->expected_prior = 0;
    self->received_prior = 0;
    self->has_transit = FALSE;
    break;
  case RP_SEQ_NEWER:
  case RP_SEQ_OLDER:
    break;
  }
  self->received++;

  /* RFC 3550 A.8: only differences of the transit time count, so any epoch will do, modulo 2^32. */
  guint32 transit = us_to_units (now_us, self->clock_rate) - timestamp;
  if (self->has_transit) {
    gint64 d = (gint32) (transit - self->transit);
    gint64 jitter = self->jitter_q4;
    jitter += ABS (d) - ((jitter + 8) >> 4);
    self->jitter_q4 = (guint32) CLAMP (jitter, 0, G_MAXUINT32);
  }
  self->transit = transit;
  self->has_transit = TRUE;
}

void
rp_rtcp_receiver_sender_report (RpRtcpReceiver *self, gint64 now_us, guint64 ntp)
{
  self->last_sr = (guint32) (ntp >> 16);
  self->last_sr_us = now_us;
}

static guint64
receiver_expected (const RpRtcpReceiver *self)
{
  return self->seq.started ? self->seq.highest - self->base_seq + 1 : 0;
}

gint64
rp_rtcp_receiver_lost (const RpRtcpReceiver *self)
{
  return (gint64) (receiver_expected (self) - self->received);
}

gint64
rp_rtcp_receiver_jitter_us (const RpRtcpReceiver *self)
{
  return (gint64) ((guint64) (self->jitter_q4 >> 4) * G_USEC_PER_SEC / self->clock_rate);
}

gboolean
rp_rtcp_receiver_report (RpRtcpReceiver *self, gint64 now_us, RpRtcpBlock *out_block)
{
  if (self->received == 0)
    return FALSE;

  guint64 expected = receiver_expected (self);
  gint64 expected_interval = (gint64) (expected - self->expected_prior);
  gint64 lost_interval = expected_interval - (gint64) (self->received - self->received_prior);
  self->expected_prior = expected;
  self->received_prior = self->received;
  guint8 fraction = 0;
  if (expected_interval > 0 && lost_interval > 0)
    fraction = (guint8) MIN (lost_interval * 256 / expected_interval, 255);

  guint32 dlsr = 0;
  if (self->last_sr_us != G_MININT64) {
    gint64 delay_us = CLAMP (now_us - self->last_sr_us, 0, MAX_DLSR_US);
    dlsr = (guint32) (delay_us * 65536 / G_USEC_PER_SEC);
  }
  *out_block = (RpRtcpBlock){
      .ssrc = self->ssrc,
      .fraction_lost = fraction,
      .total_lost = (gint32) CLAMP (rp_rtcp_receiver_lost (self), -0x800000, 0x7fffff),
      /* The first cycle of rp_seq_unwrap () is number one, that of RFC 3550 number zero. */
      .highest_seq = (guint32) (self->seq.highest - 0x10000),
      .jitter = self->jitter_q4 >> 4,
      .lsr = self->last_sr,
      .dlsr = dlsr,
  };
  return TRUE;
}

RpRtcpSession *
rp_rtcp_session_new (const RpRtcpSessionConfig *config, gint64 now_us)
{
  RpRtcpSession *self = g_new0 (RpRtcpSession, 1);
  self->ssrc = config->ssrc;
  self->cname = g_strndup (config->cname, RP_RTCP_MAX_CNAME_BYTES);
  self->clock_rate = config->clock_rate != 0 ? config->clock_rate : DEFAULT_CLOCK_RATE;
  /* xorshift stays at 0 once there. */
  self->random_state = config->random_seed != 0 ? config->random_seed : 1;
  self->start_us = now_us;
  self->next_us = now_us + FIRST_REPORT_US;
  self->rtt_us = -1;
  self->remote_jitter_us = -1;
  return self;
}

void
rp_rtcp_session_free (RpRtcpSession *self)
{
  if (self == NULL)
    return;
  g_free (self->cname);
  g_free (self);
}

void
rp_rtcp_session_sent (RpRtcpSession *self, gint64 now_us, guint32 timestamp, gsize payload_bytes)
{
  self->packets_sent++;
  self->payload_bytes_sent += payload_bytes;
  self->last_timestamp = timestamp;
  self->last_sent_us = now_us;
}

void
rp_rtcp_session_received (RpRtcpSession *self, gint64 now_us, guint32 ssrc, guint16 sequence,
                          guint32 timestamp)
{
  if (!self->has_receiver || self->receiver.ssrc != ssrc) {
    rp_rtcp_receiver_init (&self->receiver, ssrc, self->clock_rate);
    self->has_receiver = TRUE;
    self->remote_bye = FALSE;
  }
  rp_rtcp_receiver_packet (&self->receiver, now_us, sequence, timestamp);
}

static guint64
ntp_now (const RpRtcpSession *self, gint64 now_us)
{
  return rp_rtcp_ntp_from_us (MAX (now_us - self->start_us, 0) + NTP_START_US);
}

static void
input_block (RpRtcpSession *self, gint64 now_us, const RpRtcpBlock *block)
{
  self->blocks_received++;
  self->remote_fraction_lost = block->fraction_lost;
  self->remote_lost = block->total_lost;
  self->remote_jitter_us = (gint64) ((guint64) block->jitter * G_USEC_PER_SEC / self->clock_rate);
  if (block->lsr == 0)
    return;
  gint32 rtt = (gint32) ((guint32) (ntp_now (self, now_us) >> 16) - block->lsr - block->dlsr);
  gint64 rtt_us = (gint64) rtt * G_USEC_PER_SEC / 65536;
  if (rtt_us > MAX_RTT_US || rtt_us < -MAX_RTT_US)
    return;
  /* Coarse clocks can make a short trip come out slightly negative. */
  rtt_us = MAX (rtt_us, 0);
  self->rtt_us = self->rtt_us < 0 ? rtt_us : self->rtt_us + (rtt_us - self->rtt_us) / 8;
}

gboolean
rp_rtcp_session_input (RpRtcpSession *self, gint64 now_us, const guint8 *data, gsize length)
{
  RpRtcpReader reader;
  RpRtcpPacket packet;
  if (!rp_rtcp_reader_init (&reader, data, length)) {
    self->malformed++;
    return FALSE;
  }
  self->reports_received++;
  while (rp_rtcp_reader_next (&reader, &packet)) {
    gboolean is_remote = self->has_receiver && packet.ssrc == self->receiver.ssrc;
    if (packet.type == RP_RTCP_SR && is_remote)
      rp_rtcp_receiver_sender_report (&self->receiver, now_us, packet.sender.ntp);
    for (guint i = 0; i < packet.n_blocks; i++)
      if (packet.blocks[i].ssrc == self->ssrc)
        input_block (self, now_us, &packet.blocks[i]);
    for (guint i = 0; i < packet.n_bye; i++)
      if (self->has_receiver && packet.bye[i] == self->receiver.ssrc)
        self->remote_bye = TRUE;
  }
  return TRUE;
}

static void
write_report (RpRtcpSession *self, gint64 now_us, gboolean bye, RpRtcpOut *out)
{
  RpRtcpBlock block;
  gboolean has_block =
      self->has_receiver && rp_rtcp_receiver_report (&self->receiver, now_us, &block);
  RpRtcpSenderInfo sender = {
      .ntp = ntp_now (self, now_us),
      .rtp_timestamp =
          self->last_timestamp + us_to_units (now_us - self->last_sent_us, self->clock_rate),
      .packets = (guint32) self->packets_sent,
      .payload_bytes = (guint32) self->payload_bytes_sent,
  };
  out->length = rp_rtcp_write_report (self->ssrc, self->packets_sent > 0 ? &sender : NULL,
                                      has_block ? &block : NULL, self->cname, bye, out->data,
                                      sizeof out->data);
  self->reports_sent++;
}

static gint64
random_interval_us (RpRtcpSession *self)
{
  guint32 x = self->random_state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  self->random_state = x;
  return MEAN_INTERVAL_US / 2 + (gint64) ((guint64) x * MEAN_INTERVAL_US >> 32);
}

gboolean
rp_rtcp_session_poll (RpRtcpSession *self, gint64 now_us, RpRtcpOut *out)
{
  if (self->ended || now_us < self->next_us)
    return FALSE;
  write_report (self, now_us, FALSE, out);
  self->next_us = now_us + random_interval_us (self);
  return TRUE;
}

gint64
rp_rtcp_session_deadline (const RpRtcpSession *self)
{
  return self->ended ? G_MAXINT64 : self->next_us;
}

void
rp_rtcp_session_bye (RpRtcpSession *self, gint64 now_us, RpRtcpOut *out)
{
  write_report (self, now_us, TRUE, out);
  self->ended = TRUE;
}

void
rp_rtcp_session_stats (const RpRtcpSession *self, RpRtcpStats *out_stats)
{
  *out_stats = (RpRtcpStats){
      .packets_sent = self->packets_sent,
      .payload_bytes_sent = self->payload_bytes_sent,
      .reports_sent = self->reports_sent,
      .reports_received = self->reports_received,
      .blocks_received = self->blocks_received,
      .malformed = self->malformed,
      .rtt_us = self->rtt_us,
      .remote_jitter_us = self->remote_jitter_us,
      .remote_lost = self->remote_lost,
      .remote_fraction_lost = self->remote_fraction_lost,
      .remote_bye = self->remote_bye,
  };
  if (self->has_receiver) {
    out_stats->packets_received = self->receiver.received;
    out_stats->packets_lost = rp_rtcp_receiver_lost (&self->receiver);
    out_stats->jitter_us = rp_rtcp_receiver_jitter_us (&self->receiver);
  }
}
