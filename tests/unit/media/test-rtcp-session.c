#include "rtcp-session.h"

#include <string.h>

#define T0 G_GINT64_CONSTANT (5000000000)
#define OURS 0x0a0b0c0du
#define THEIRS 0x99u

static RpRtcpSession *
new_session (guint32 seed)
{
  RpRtcpSessionConfig config = {.ssrc = OURS, .cname = "us", .random_seed = seed};
  return rp_rtcp_session_new (&config, T0);
}

static RpRtcpPacket
first_packet (const RpRtcpOut *out)
{
  RpRtcpReader reader;
  RpRtcpPacket packet;
  g_assert_true (rp_rtcp_reader_init (&reader, out->data, out->length));
  g_assert_true (rp_rtcp_reader_next (&reader, &packet));
  return packet;
}

static void
test_interval (void)
{
  for (guint32 seed = 0; seed < 20; seed++) {
    g_autoptr (RpRtcpSession) session = new_session (seed);
    RpRtcpOut out;
    gint64 now_us = T0;
    gint64 shortest_us = G_MAXINT64, longest_us = 0;
    g_assert_cmpint (rp_rtcp_session_deadline (session), ==, T0 + 500000);
    g_assert_false (rp_rtcp_session_poll (session, T0 + 499999, &out));
    for (guint i = 0; i < 200; i++) {
      gint64 next_us = rp_rtcp_session_deadline (session);
      if (i > 0) {
        shortest_us = MIN (shortest_us, next_us - now_us);
        longest_us = MAX (longest_us, next_us - now_us);
      }
      now_us = next_us;
      g_assert_true (rp_rtcp_session_poll (session, now_us, &out));
      g_assert_false (rp_rtcp_session_poll (session, now_us, &out));
      g_assert_cmpint (rp_rtcp_session_deadline (session), >, now_us);
    }
    g_assert_cmpint (shortest_us, >=, 1250000);
    g_assert_cmpint (longest_us, <=, 3750000);
    g_assert_cmpint (longest_us - shortest_us, >, 1500000);
  }
}

static void
test_silent_session (void)
{
  g_autoptr (RpRtcpSession) session = new_session (1);
  RpRtcpOut out;
  g_assert_true (rp_rtcp_session_poll (session, T0 + 500000, &out));
  RpRtcpPacket packet = first_packet (&out);
  g_assert_cmpint (packet.type, ==, RP_RTCP_RR);
  g_assert_cmpuint (packet.n_blocks, ==, 0);
  RpRtcpStats stats;
  rp_rtcp_session_stats (session, &stats);
  g_assert_cmpint (stats.rtt_us, ==, -1);
  g_assert_cmpint (stats.remote_jitter_us, ==, -1);
}

static void
test_sender_report (void)
{
  g_autoptr (RpRtcpSession) session = new_session (1);
  RpRtcpOut out;
  rp_rtcp_session_sent (session, T0 + 480000, 1000, 50);
  rp_rtcp_session_sent (session, T0 + 500000, 1960, 60);
  g_assert_true (rp_rtcp_session_poll (session, T0 + 510000, &out));
  RpRtcpPacket packet = first_packet (&out);
  g_assert_cmpint (packet.type, ==, RP_RTCP_SR);
  g_assert_cmpuint (packet.ssrc, ==, OURS);
  g_assert_cmpuint (packet.sender.packets, ==, 2);
  g_assert_cmpuint (packet.sender.payload_bytes, ==, 110);
  /* 10 ms after the last packet. */
  g_assert_cmpuint (packet.sender.rtp_timestamp, ==, 1960 + 480);
}

static void
feed (RpRtcpSession *session, guint from, guint to, guint drop_every)
{
  for (guint i = from; i < to; i++)
    if (drop_every == 0 || i % drop_every != 0)
      rp_rtcp_session_received (session, T0 + (gint64) i * 20000, THEIRS, (guint16) (65000 + i),
                                i * 960);
}

static void
test_receiver_report (void)
{
  g_autoptr (RpRtcpSession) session = new_session (1);
  RpRtcpOut out;
  feed (session, 0, 1000, 0);
  g_assert_true (rp_rtcp_session_poll (session, T0 + 20000000, &out));
  RpRtcpBlock block = first_packet (&out).blocks[0];
  g_assert_cmpuint (block.ssrc, ==, THEIRS);
  g_assert_cmpuint (block.fraction_lost, ==, 0);
  g_assert_cmpint (block.total_lost, ==, 0);
  g_assert_cmphex (block.highest_seq, ==, 65000 + 999);
  g_assert_cmpuint (block.jitter, ==, 0);
  g_assert_cmpuint (block.lsr, ==, 0);
  g_assert_cmpuint (block.dlsr, ==, 0);

  /* One in four lost since: the fraction is of this interval alone. */
  feed (session, 1001, 2001, 4);
  g_assert_true (rp_rtcp_session_poll (session, T0 + 40000000, &out));
  block = first_packet (&out).blocks[0];
  g_assert_cmpuint (block.fraction_lost, ==, 250 * 256 / 1000);
  g_assert_cmpint (block.total_lost, ==, 250);

  /* Nothing since: no loss is invented. */
  g_assert_true (rp_rtcp_session_poll (session, T0 + 60000000, &out));
  block = first_packet (&out).blocks[0];
  g_assert_cmpuint (block.fraction_lost, ==, 0);
  g_assert_cmpint (block.total_lost, ==, 250);
}

static void
test_duplicates_make_loss_negative (void)
{
  RpRtcpReceiver receiver;
  RpRtcpBlock block;
  rp_rtcp_receiver_init (&receiver, 1, 48000);
  g_assert_false (rp_rtcp_receiver_report (&receiver, T0, &block));
  for (guint i = 0; i < 20; i++)
    rp_rtcp_receiver_packet (&receiver, T0, (guint16) (i / 2), i / 2 * 960);
  g_assert_true (rp_rtcp_receiver_report (&receiver, T0, &block));
  g_assert_cmpint (block.total_lost, ==, -10);
  g_assert_cmpuint (block.fraction_lost, ==, 0);
}

static void
test_everything_lost_but_the_ends (void)
{
  RpRtcpReceiver receiver;
  RpRtcpBlock block;
  rp_rtcp_receiver_init (&receiver, 1, 48000);
  rp_rtcp_receiver_packet (&receiver, T0, 0, 0);
  rp_rtcp_receiver_report (&receiver, T0, &block);
  rp_rtcp_receiver_packet (&receiver, T0, 2000, 2000 * 960);
  g_assert_true (rp_rtcp_receiver_report (&receiver, T0, &block));
  g_assert_cmpint (block.total_lost, ==, 1999);
  g_assert_cmpuint (block.fraction_lost, ==, 255);
}

static void
test_jitter (void)
{
  /* Transit alternates by 10 ms = 480 units: RFC 3550's estimate converges to that difference. */
  RpRtcpReceiver receiver;
  rp_rtcp_receiver_init (&receiver, 1, 48000);
  for (guint i = 0; i < 500; i++)
    rp_rtcp_receiver_packet (&receiver, T0 + (gint64) i * 20000 + (i % 2) * 10000, (guint16) i,
                             i * 960);
  g_assert_cmpint (rp_rtcp_receiver_jitter_us (&receiver), >=, 9900);
  g_assert_cmpint (rp_rtcp_receiver_jitter_us (&receiver), <=, 10000);
}

static void
test_lsr_dlsr (void)
{
  g_autoptr (RpRtcpSession) session = new_session (1);
  RpRtcpSenderInfo sender = {.ntp = G_GUINT64_CONSTANT (0xaabb112233440000)};
  guint8 buffer[RP_RTCP_MAX_REPORT_BYTES];
  RpRtcpOut out;
  rp_rtcp_session_received (session, T0, THEIRS, 1, 0);
  gsize n = rp_rtcp_write_report (THEIRS, &sender, NULL, "them", FALSE, buffer, sizeof buffer);
  g_assert_true (rp_rtcp_session_input (session, T0 + 100000, buffer, n));
  /* A report of a stranger must not count as theirs. */
  n = rp_rtcp_write_report (THEIRS + 1, &sender, NULL, "them", FALSE, buffer, sizeof buffer);
  g_assert_true (rp_rtcp_session_input (session, T0 + 200000, buffer, n));
  g_assert_true (rp_rtcp_session_poll (session, T0 + 600000, &out));
  RpRtcpBlock block = first_packet (&out).blocks[0];
  g_assert_cmphex (block.lsr, ==, 0x11223344);
  g_assert_cmpuint (block.dlsr, ==, 32768);
}

static void
test_rtt (void)
{
  /* Two sessions, 40 ms away from each other one way. */
  g_autoptr (RpRtcpSession) a = new_session (1);
  RpRtcpSessionConfig config = {.ssrc = THEIRS, .cname = "them", .random_seed = 9};
  g_autoptr (RpRtcpSession) b = rp_rtcp_session_new (&config, T0 - 123456);
  RpRtcpOut out;
  RpRtcpStats stats;
  rp_rtcp_session_sent (a, T0 + 500000, 960, 100);
  rp_rtcp_session_received (b, T0 + 540000, OURS, 5, 960);
  g_assert_true (rp_rtcp_session_poll (a, T0 + 500000, &out));
  g_assert_true (rp_rtcp_session_input (b, T0 + 540000, out.data, out.length));
  g_assert_true (rp_rtcp_session_poll (b, T0 + 900000, &out));
  g_assert_true (rp_rtcp_session_input (a, T0 + 940000, out.data, out.length));
  rp_rtcp_session_stats (a, &stats);
  g_assert_cmpint (stats.rtt_us, >=, 79900);
  g_assert_cmpint (stats.rtt_us, <=, 80100);
  g_assert_cmpint (stats.remote_jitter_us, ==, 0);
  g_assert_cmpuint (stats.reports_received, ==, 1);

  /* Another one of 160 ms counts for an eighth. */
  g_assert_true (rp_rtcp_session_poll (b, T0 + 10000000, &out));
  g_assert_true (rp_rtcp_session_input (a, T0 + 10120000, out.data, out.length));
  rp_rtcp_session_stats (a, &stats);
  g_assert_cmpint (stats.rtt_us, >=, 89900);
  g_assert_cmpint (stats.rtt_us, <=, 90100);

  /* A DLSR of nonsense changes nothing; malformed is counted and nothing of it used. */
  RpRtcpBlock block = {.ssrc = OURS, .fraction_lost = 51, .lsr = 1, .dlsr = 0x70000000};
  guint8 buffer[RP_RTCP_MAX_REPORT_BYTES];
  gsize n = rp_rtcp_write_report (THEIRS, NULL, &block, "them", FALSE, buffer, sizeof buffer);
  g_assert_false (rp_rtcp_session_input (a, T0 + 950000, buffer, n - 4));
  rp_rtcp_session_stats (a, &stats);
  g_assert_cmpuint (stats.malformed, ==, 1);
  g_assert_cmpuint (stats.remote_fraction_lost, ==, 0);
  g_assert_true (rp_rtcp_session_input (a, T0 + 950000, buffer, n));
  rp_rtcp_session_stats (a, &stats);
  g_assert_cmpuint (stats.remote_fraction_lost, ==, 51);
  g_assert_cmpint (stats.rtt_us, <=, 90100);
}

static void
test_bye (void)
{
  g_autoptr (RpRtcpSession) session = new_session (1);
  RpRtcpOut out;
  RpRtcpStats stats;
  guint8 buffer[RP_RTCP_MAX_REPORT_BYTES];
  rp_rtcp_session_received (session, T0, THEIRS, 1, 0);
  gsize n = rp_rtcp_write_report (THEIRS + 1, NULL, NULL, "x", TRUE, buffer, sizeof buffer);
  rp_rtcp_session_input (session, T0, buffer, n);
  rp_rtcp_session_stats (session, &stats);
  g_assert_false (stats.remote_bye);
  n = rp_rtcp_write_report (THEIRS, NULL, NULL, "x", TRUE, buffer, sizeof buffer);
  rp_rtcp_session_input (session, T0, buffer, n);
  rp_rtcp_session_stats (session, &stats);
  g_assert_true (stats.remote_bye);

  rp_rtcp_session_bye (session, T0, &out);
  RpRtcpReader reader;
  RpRtcpPacket packet = {0};
  g_assert_true (rp_rtcp_reader_init (&reader, out.data, out.length));
  while (rp_rtcp_reader_next (&reader, &packet))
    ;
  g_assert_cmpint (packet.type, ==, RP_RTCP_BYE);
  g_assert_cmpuint (packet.ssrc, ==, OURS);
  g_assert_cmpint (rp_rtcp_session_deadline (session), ==, G_MAXINT64);
  g_assert_false (rp_rtcp_session_poll (session, G_MAXINT64 - 1, &out));
}

static void
test_new_remote_ssrc (void)
{
  g_autoptr (RpRtcpSession) session = new_session (1);
  RpRtcpStats stats;
  feed (session, 0, 100, 2);
  rp_rtcp_session_received (session, T0, THEIRS + 1, 4242, 0);
  rp_rtcp_session_stats (session, &stats);
  g_assert_cmpint (stats.packets_lost, ==, 0);
  g_assert_cmpuint (stats.packets_received, ==, 1);
}

#define RR_31_BYTES (8 + 31 * 24)
/* What the sockets take. */
#define DATAGRAM_BYTES 2048

/* A receiver report of @n blocks, all about us, but for whom the last tells a loss of @loss. */
static void
append_report (GByteArray *out, guint n, guint8 loss)
{
  const guint8 header[] = {
      (guint8) (0x80 | n), 201, (guint8) ((1 + 6 * n) >> 8), (guint8) (1 + 6 * n), 0, 0, 0, THEIRS};
  g_byte_array_append (out, header, sizeof header);
  for (guint i = 0; i < n; i++) {
    guint8 block[24] = {0x0a, 0x0b, 0x0c, 0x0d, i + 1 == n ? loss : 0};
    g_byte_array_append (out, block, sizeof block);
  }
}

static gboolean
input_exact (RpRtcpSession *session, gint64 now_us, const guint8 *data, gsize len)
{
  g_autofree guint8 *exact = g_memdup2 (data, len);
  return rp_rtcp_session_input (session, now_us, exact, len);
}

/* Compounds from the smallest to the largest, and the same cut anywhere: all of one counts or
 * nothing of it. */
static void
test_sizes (void)
{
  g_autoptr (RpRtcpSession) session = new_session (1);
  g_autoptr (GByteArray) full = g_byte_array_new ();
  RpRtcpStats stats;
  guint n_reports = 0;
  while (full->len + RR_31_BYTES <= DATAGRAM_BYTES) {
    append_report (full, 31, 77);
    n_reports++;
  }
  for (gsize len = 0; len < full->len; len++)
    g_assert_cmpint (input_exact (session, T0, full->data, len), ==,
                     len > 0 && len % RR_31_BYTES == 0);
  rp_rtcp_session_stats (session, &stats);
  g_assert_cmpuint (stats.malformed, ==, full->len - (n_reports - 1));
  g_assert_cmpuint (stats.blocks_received, ==, 31 * n_reports * (n_reports - 1) / 2);
  g_assert_true (input_exact (session, T0, full->data, full->len));
  rp_rtcp_session_stats (session, &stats);
  g_assert_cmpuint (stats.blocks_received, ==, 31 * n_reports * (n_reports + 1) / 2);
  g_assert_cmpuint (stats.remote_fraction_lost, ==, 77);

  /* As many packets as fit; and one as long as its length can say. */
  g_autoptr (GByteArray) many = g_byte_array_new ();
  while (many->len < DATAGRAM_BYTES)
    g_byte_array_append (many, (const guint8 *) "\x80\xca\0\0", 4);
  g_assert_true (input_exact (session, T0, many->data, many->len));
  g_autofree guint8 *giant = g_malloc0 (4 * 0x10000);
  memcpy (giant, "\x80\xcc\xff\xff", 4);
  g_assert_true (input_exact (session, T0, giant, 4 * 0x10000));
  g_assert_false (input_exact (session, T0, giant, 4 * 0xffff));
  rp_rtcp_session_stats (session, &stats);
  g_assert_cmpuint (stats.reports_received, ==, n_reports + 2);
}

/* Whatever comes, and however much of it, we answer no faster. */
static void
test_flood (void)
{
  g_autoptr (RpRtcpSession) session = new_session (3);
  g_autoptr (GByteArray) report = g_byte_array_new ();
  RpRtcpStats stats;
  RpRtcpOut out;
  guint n_sent = 0;
  append_report (report, 31, 200);
  rp_rtcp_session_received (session, T0, THEIRS, 1, 0);
  for (guint ms = 0; ms < 60000; ms++) {
    gint64 now_us = T0 + (gint64) ms * 1000;
    for (guint i = 0; i < 5; i++)
      g_assert_true (rp_rtcp_session_input (session, now_us, report->data, report->len));
    g_assert_false (rp_rtcp_session_input (session, now_us, report->data, report->len - 4));
    while (rp_rtcp_session_poll (session, now_us, &out)) {
      g_assert_cmpuint (out.length, <, 100);
      n_sent++;
    }
    g_assert_cmpint (rp_rtcp_session_deadline (session), >, now_us);
  }
  g_assert_cmpuint (n_sent, >=, 16);
  g_assert_cmpuint (n_sent, <=, 48); /* 60 s at the shortest interval, 1.25 s */
  rp_rtcp_session_stats (session, &stats);
  g_assert_cmpuint (stats.reports_received, ==, 300000);
  g_assert_cmpuint (stats.malformed, ==, 60000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtcp-session/interval", test_interval);
  g_test_add_func ("/rtcp-session/silent", test_silent_session);
  g_test_add_func ("/rtcp-session/sender-report", test_sender_report);
  g_test_add_func ("/rtcp-session/receiver-report", test_receiver_report);
  g_test_add_func ("/rtcp-session/duplicates", test_duplicates_make_loss_negative);
  g_test_add_func ("/rtcp-session/heavy-loss", test_everything_lost_but_the_ends);
  g_test_add_func ("/rtcp-session/jitter", test_jitter);
  g_test_add_func ("/rtcp-session/lsr-dlsr", test_lsr_dlsr);
  g_test_add_func ("/rtcp-session/rtt", test_rtt);
  g_test_add_func ("/rtcp-session/bye", test_bye);
  g_test_add_func ("/rtcp-session/sizes", test_sizes);
  g_test_add_func ("/rtcp-session/flood", test_flood);
  g_test_add_func ("/rtcp-session/new-remote-ssrc", test_new_remote_ssrc);
  return g_test_run ();
}
