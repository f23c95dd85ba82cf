#include "rtcp.h"

#include <string.h>

#define BYTES(s) s, sizeof s - 1
#define SSRC "\0\0\0\1"
#define RR "\x80\xc9\0\1" SSRC
#define BLOCK "\0\0\0\2\x40\xff\xff\xfe\0\1\x12\x34\0\0\0\x64\x11\x22\x33\x44\0\0\x80\0"
#define SR_INFO "\x11\x22\x33\x44\x80\0\0\0\0\0\x03\xc0\0\0\0\x0a\0\0\x01\0"

typedef struct {
  const char *name;
  const char *bytes;
  gsize length;
  gboolean ok;
} Row;

static const Row rows[] = {
    {"rr", BYTES (RR), TRUE},
    {"rr-block", BYTES ("\x81\xc9\0\7" SSRC BLOCK), TRUE},
    {"rr-block-and-extension", BYTES ("\x81\xc9\0\x8" SSRC BLOCK "\1\2\3\4"), TRUE},
    {"rr-block-missing", BYTES ("\x81\xc9\0\1" SSRC), FALSE},
    {"rr-31-blocks-missing", BYTES ("\x9f\xc9\0\7" SSRC BLOCK), FALSE},
    {"sr", BYTES ("\x80\xc8\0\6" SSRC SR_INFO), TRUE},
    {"sr-cut", BYTES ("\x80\xc8\0\5" SSRC "0123456789abcdef"), FALSE},
    {"empty", BYTES (""), FALSE},
    {"header-only", BYTES ("\x80\xc9\0\0"), FALSE},
    {"version-1", BYTES ("\x40\xc9\0\1" SSRC), FALSE},
    {"not-words", BYTES (RR "\x80"), FALSE},
    {"length-past-end", BYTES ("\x80\xc9\0\2" SSRC), FALSE},
    {"length-huge", BYTES ("\x80\xc9\xff\xff" SSRC), FALSE},
    {"type-191", BYTES ("\x80\xbf\0\1" SSRC), FALSE},
    {"type-224", BYTES ("\x80\xe0\0\1" SSRC), FALSE},
    {"second-malformed", BYTES (RR "\x81\xc9\0\1" SSRC), FALSE},
    {"second-cut", BYTES (RR "\x80\xc9\0\1"), FALSE},
    {"padding-last", BYTES (RR "\xa0\xc9\0\2" SSRC "\0\0\0\4"), TRUE},
    {"padding-not-last", BYTES ("\xa0\xc9\0\2" SSRC "\0\0\0\4" RR), FALSE},
    {"padding-zero", BYTES ("\xa0\xc9\0\2" SSRC "\0\0\0\0"), FALSE},
    {"padding-not-words", BYTES ("\xa0\xc9\0\2" SSRC "\0\0\0\3"), FALSE},
    {"padding-over-body", BYTES ("\xa0\xc9\0\2" SSRC "\0\0\0\x10"), FALSE},
    {"padding-eats-body", BYTES ("\xa0\xc9\0\2" SSRC "\0\0\0\x8"), FALSE},
    {"feedback-alone", BYTES ("\x81\xcd\0\3" SSRC "\0\0\0\2\0\1\0\0"), TRUE},
    {"other-without-ssrc", BYTES (RR "\x80\xcc\0\0"), FALSE},
    {"sdes", BYTES (RR "\x81\xca\0\3" SSRC "\1\2ab\0\0\0\0"), TRUE},
    {"sdes-none", BYTES (RR "\x80\xca\0\0"), TRUE},
    {"sdes-two", BYTES (RR "\x82\xca\0\5" SSRC "\1\2ab\0\0\0\0\0\0\0\2\1\1x\0"), TRUE},
    {"sdes-item-past-end", BYTES (RR "\x81\xca\0\3" SSRC "\1\7ab\0\0\0\0"), FALSE},
    {"sdes-unterminated", BYTES (RR "\x81\xca\0\2" SSRC "\1\2ab"), FALSE},
    {"sdes-chunk-missing", BYTES (RR "\x82\xca\0\3" SSRC "\1\2ab\0\0\0\0"), FALSE},
    {"bye", BYTES (RR "\x81\xcb\0\1" SSRC), TRUE},
    {"bye-none", BYTES (RR "\x80\xcb\0\0"), TRUE},
    {"bye-reason", BYTES (RR "\x81\xcb\0\2" SSRC "\3abc"), TRUE},
    {"bye-reason-past-end", BYTES (RR "\x81\xcb\0\2" SSRC "\4abc"), FALSE},
    {"bye-cut", BYTES (RR "\x82\xcb\0\1" SSRC), FALSE},
};

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autofree guint8 *exact = g_memdup2 (row->bytes, row->length);
  RpRtcpReader reader;
  RpRtcpPacket packet;
  gboolean ok = rp_rtcp_reader_init (&reader, exact, row->length);
  g_assert_cmpint (ok, ==, row->ok);
  while (rp_rtcp_reader_next (&reader, &packet))
    g_assert_cmpuint (packet.packet_type, >=, 192);
}

static void
test_values (void)
{
  static const char compound[] =
      "\x81\xc8\0\x0c" SSRC SR_INFO BLOCK "\x81\xca\0\3" SSRC "\1\2ab\0\0\0\0"
      "\x82\xcb\0\2\0\0\0\7\0\0\0\x8";
  RpRtcpReader reader;
  RpRtcpPacket p;
  g_assert_true (rp_rtcp_reader_init (&reader, (const guint8 *) compound, sizeof compound - 1));
  g_assert_true (rp_rtcp_reader_next (&reader, &p));
  g_assert_cmpint (p.type, ==, RP_RTCP_SR);
  g_assert_cmphex (p.ssrc, ==, 1);
  g_assert_cmphex (p.sender.ntp, ==, G_GUINT64_CONSTANT (0x1122334480000000));
  g_assert_cmpuint (p.sender.rtp_timestamp, ==, 960);
  g_assert_cmpuint (p.sender.packets, ==, 10);
  g_assert_cmpuint (p.sender.payload_bytes, ==, 256);
  g_assert_cmpuint (p.n_blocks, ==, 1);
  g_assert_cmpuint (p.blocks[0].ssrc, ==, 2);
  g_assert_cmpuint (p.blocks[0].fraction_lost, ==, 64);
  g_assert_cmpint (p.blocks[0].total_lost, ==, -2);
  g_assert_cmphex (p.blocks[0].highest_seq, ==, 0x11234);
  g_assert_cmpuint (p.blocks[0].jitter, ==, 100);
  g_assert_cmphex (p.blocks[0].lsr, ==, 0x11223344);
  g_assert_cmphex (p.blocks[0].dlsr, ==, 0x8000);
  g_assert_true (rp_rtcp_reader_next (&reader, &p));
  g_assert_cmpint (p.type, ==, RP_RTCP_SDES);
  g_assert_cmpmem (p.cname, p.cname_bytes, "ab", 2);
  g_assert_true (rp_rtcp_reader_next (&reader, &p));
  g_assert_cmpint (p.type, ==, RP_RTCP_BYE);
  g_assert_cmpuint (p.n_bye, ==, 2);
  g_assert_cmpuint (p.bye[0], ==, 7);
  g_assert_cmpuint (p.bye[1], ==, 8);
  g_assert_false (rp_rtcp_reader_next (&reader, &p));
}

static void
assert_same_block (const RpRtcpBlock *a, const RpRtcpBlock *b)
{
  g_assert_cmpuint (a->ssrc, ==, b->ssrc);
  g_assert_cmpuint (a->fraction_lost, ==, b->fraction_lost);
  g_assert_cmpint (a->total_lost, ==, b->total_lost);
  g_assert_cmpuint (a->highest_seq, ==, b->highest_seq);
  g_assert_cmpuint (a->jitter, ==, b->jitter);
  g_assert_cmpuint (a->lsr, ==, b->lsr);
  g_assert_cmpuint (a->dlsr, ==, b->dlsr);
}

static void
test_round_trip (void)
{
  RpRtcpSenderInfo sender = {G_GUINT64_CONSTANT (0x0102030405060708), 0xfffffffe, 77, 88};
  RpRtcpBlock block = {9, 255, -5, 0x20001, 3, 4, 5};
  for (guint length = 1; length <= RP_RTCP_MAX_CNAME_BYTES; length++) {
    g_autofree char *cname = g_strnfill (length, 'c');
    guint8 buffer[RP_RTCP_MAX_REPORT_BYTES];
    gsize n = rp_rtcp_write_report (6, length % 2 ? &sender : NULL, length % 3 ? &block : NULL,
                                    cname, length % 5 == 0, buffer, sizeof buffer);
    g_assert_cmpuint (n, >, 0);
    g_assert_cmpuint (n % 4, ==, 0);
    guint8 small[RP_RTCP_MAX_REPORT_BYTES];
    g_assert_cmpuint (rp_rtcp_write_report (6, length % 2 ? &sender : NULL,
                                            length % 3 ? &block : NULL, cname, length % 5 == 0,
                                            small, n - 1),
                      ==, 0);

    g_autofree guint8 *exact = g_memdup2 (buffer, n);
    RpRtcpReader reader;
    RpRtcpPacket p;
    g_assert_true (rp_rtcp_reader_init (&reader, exact, n));
    g_assert_true (rp_rtcp_reader_next (&reader, &p));
    g_assert_cmpint (p.type, ==, length % 2 ? RP_RTCP_SR : RP_RTCP_RR);
    if (length % 2)
      g_assert_cmphex (p.sender.ntp, ==, sender.ntp);
    g_assert_cmpuint (p.n_blocks, ==, length % 3 ? 1 : 0);
    if (length % 3)
      assert_same_block (&p.blocks[0], &block);
    g_assert_true (rp_rtcp_reader_next (&reader, &p));
    g_assert_cmpmem (p.cname, p.cname_bytes, cname, length);
    g_assert_cmpuint (p.ssrc, ==, 6);
    g_assert_cmpint (rp_rtcp_reader_next (&reader, &p), ==, length % 5 == 0);
  }
  guint8 buffer[1000];
  g_autofree char *long_name = g_strnfill (256, 'c');
  g_assert_cmpuint (rp_rtcp_write_report (6, NULL, NULL, "", FALSE, buffer, sizeof buffer), ==, 0);
  g_assert_cmpuint (rp_rtcp_write_report (6, NULL, NULL, long_name, FALSE, buffer, sizeof buffer),
                    ==, 0);
}

static void
test_lost_is_clamped (void)
{
  guint8 buffer[RP_RTCP_MAX_REPORT_BYTES];
  RpRtcpReader reader;
  RpRtcpPacket p;
  static const gint32 in[] = {G_MAXINT32, G_MININT32};
  static const gint32 out[] = {0x7fffff, -0x800000};
  for (guint i = 0; i < 2; i++) {
    RpRtcpBlock block = {.total_lost = in[i], .fraction_lost = 7};
    gsize n = rp_rtcp_write_report (1, NULL, &block, "c", FALSE, buffer, sizeof buffer);
    g_assert_true (rp_rtcp_reader_init (&reader, buffer, n));
    g_assert_true (rp_rtcp_reader_next (&reader, &p));
    g_assert_cmpint (p.blocks[0].total_lost, ==, out[i]);
    g_assert_cmpint (p.blocks[0].fraction_lost, ==, 7);
  }
}

static void
test_ntp (void)
{
  g_assert_cmphex (rp_rtcp_ntp_from_us (0), ==, 0);
  g_assert_cmphex (rp_rtcp_ntp_from_us (1500000), ==, G_GUINT64_CONSTANT (0x180000000));
  g_assert_cmphex (rp_rtcp_ntp_from_us (G_GINT64_CONSTANT (4000000000) * 1000000) >> 32, ==,
                   4000000000u);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *path = g_strdup_printf ("/rtcp/parse/%s", rows[i].name);
    g_test_add_data_func (path, &rows[i], test_row);
  }
  g_test_add_func ("/rtcp/values", test_values);
  g_test_add_func ("/rtcp/round-trip", test_round_trip);
  g_test_add_func ("/rtcp/lost-is-clamped", test_lost_is_clamped);
  g_test_add_func ("/rtcp/ntp", test_ntp);
  return g_test_run ();
}
