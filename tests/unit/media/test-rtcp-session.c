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
  g_test_add_func ("/rtcp-session/new-remote-ssrc", test_new_remote_ssrc);
  return g_test_run ();
}
