#include "srtp.h"

#include <string.h>

#define PACKET 60

typedef struct {
  RpSrtp *a;
  RpSrtp *b;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  guint8 one[30], two[30];
  g_autoptr (GError) error = NULL;
  for (guint i = 0; i < 30; i++) {
    one[i] = (guint8) i;
    two[i] = (guint8) (100 + i);
  }
  f->a = rp_srtp_new (one, two, &error);
  g_assert_no_error (error);
  f->b = rp_srtp_new (two, one, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  rp_srtp_free (f->a);
  rp_srtp_free (f->b);
}

static gsize
make_rtp (guint8 *out, gsize size, guint32 ssrc, guint16 sequence)
{
  memset (out, 0x5a, size);
  out[0] = 0x80;
  out[1] = 111;
  out[2] = (guint8) (sequence >> 8);
  out[3] = (guint8) sequence;
  for (guint i = 0; i < 4; i++)
    out[8 + i] = (guint8) (ssrc >> (24 - 8 * i));
  return PACKET;
}

/* Protects at a and unprotects at b in a heap copy of exactly the datagram's size. */
static RpSrtpResult
pass (Fixture *f, guint32 ssrc, guint16 sequence)
{
  guint8 buffer[PACKET + RP_SRTP_TAILROOM];
  gsize len = make_rtp (buffer, sizeof buffer, ssrc, sequence);
  g_assert_cmpint (rp_srtp_protect_rtp (f->a, buffer, &len, sizeof buffer), ==, RP_SRTP_OK);
  g_assert_cmpuint (len, ==, PACKET + 10);
  g_autofree guint8 *datagram = g_memdup2 (buffer, len);
  RpSrtpResult result = rp_srtp_unprotect_rtp (f->b, datagram, &len);
  if (result == RP_SRTP_OK) {
    g_assert_cmpuint (len, ==, PACKET);
    g_assert_cmpuint (datagram[PACKET - 1], ==, 0x5a);
  }
  return result;
}

static void
test_round_trip (Fixture *f, gconstpointer data)
{
  RpSrtpCounters counters;
  for (guint i = 0; i < 70000; i++) /* over the sequence number's wrap */
    g_assert_cmpint (pass (f, 7, (guint16) (60000 + i)), ==, RP_SRTP_OK);
  rp_srtp_counters (f->b, &counters);
  g_assert_cmpuint (counters.unprotected_packets, ==, 70000);
}

/* The packets of libsrtp's own reference tests, made with other ciphers than ours. */
static void
test_reference (void)
{
  static const guint8 master[30] = {0xe1, 0xf9, 0x7a, 0x0d, 0x3e, 0x01, 0x8b, 0xe0, 0xd6, 0x4f,
                                    0xa3, 0x2c, 0x06, 0xde, 0x41, 0x39, 0x0e, 0xc6, 0x75, 0xad,
                                    0x49, 0x8a, 0xfe, 0xeb, 0xb6, 0x96, 0x0b, 0x3a, 0xab, 0xe6};
  static const guint8 plain[28] = {0x80, 0x0f, 0x12, 0x34, 0xde, 0xca, 0xfb, 0xad, 0xca, 0xfe,
                                   0xba, 0xbe, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab,
                                   0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab};
  static const guint8 wanted[38] = {0x80, 0x0f, 0x12, 0x34, 0xde, 0xca, 0xfb, 0xad, 0xca, 0xfe,
                                    0xba, 0xbe, 0x4e, 0x55, 0xdc, 0x4c, 0xe7, 0x99, 0x78, 0xd8,
                                    0x8c, 0xa4, 0xd2, 0x15, 0x94, 0x9d, 0x24, 0x02, 0xb7, 0x8d,
                                    0x6a, 0xcc, 0x99, 0xea, 0x17, 0x9b, 0x8d, 0xbb};
  guint8 buffer[sizeof plain + RP_SRTP_TAILROOM];
  gsize len = sizeof plain;
  g_autoptr (RpSrtp) srtp = rp_srtp_new (master, master, NULL);
  g_assert_nonnull (srtp);
  memcpy (buffer, plain, sizeof plain);
  g_assert_cmpint (rp_srtp_protect_rtp (srtp, buffer, &len, sizeof buffer), ==, RP_SRTP_OK);
  g_assert_cmpmem (buffer, len, wanted, sizeof wanted);

  static const guint8 plain_rtcp[24] = {0x81, 0xc8, 0x00, 0x0b, 0xca, 0xfe, 0xba, 0xbe,
                                        0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab,
                                        0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab};
  static const guint8 wanted_rtcp[38] = {0x81, 0xc8, 0x00, 0x0b, 0xca, 0xfe, 0xba, 0xbe, 0x71, 0x28,
                                         0x03, 0x5b, 0xe4, 0x87, 0xb9, 0xbd, 0xbe, 0xf8, 0x90, 0x41,
                                         0xf9, 0x77, 0xa5, 0xa8, 0x80, 0x00, 0x00, 0x01, 0x99, 0x3e,
                                         0x08, 0xcd, 0x54, 0xd6, 0xc1, 0x23, 0x07, 0x98};
  guint8 rtcp[sizeof plain_rtcp + RP_SRTP_TAILROOM];
  len = sizeof plain_rtcp;
  memcpy (rtcp, plain_rtcp, sizeof plain_rtcp);
  g_assert_cmpint (rp_srtp_protect_rtcp (srtp, rtcp, &len, sizeof rtcp), ==, RP_SRTP_OK);
  g_assert_cmpmem (rtcp, len, wanted_rtcp, sizeof wanted_rtcp);
}

/* Packets that are late by as much as they may be, and by one more; with the sequence number's wrap
 * behind the newest and between them, where the late ones belong to another rollover counter. */
static void
test_window (Fixture *f, gconstpointer data)
{
  enum { N = 2000, NEWEST = 1500, WINDOW = 1024 };
  static const guint16 starts[] = {0, 65000, 64500};
  static const struct {
    guint packet;
    RpSrtpResult result;
  } steps[] = {
      {0, RP_SRTP_OK},
      {NEWEST, RP_SRTP_OK},
      {NEWEST - WINDOW + 1, RP_SRTP_OK},
      {NEWEST - WINDOW, RP_SRTP_REPLAY}, /* too old */
      {0, RP_SRTP_REPLAY},
      {NEWEST - 1, RP_SRTP_OK},
      {NEWEST - 1, RP_SRTP_REPLAY},
      {NEWEST - WINDOW + 1, RP_SRTP_REPLAY},
      {N - 1, RP_SRTP_OK},
      {NEWEST, RP_SRTP_REPLAY},
      {NEWEST + 1, RP_SRTP_OK},
  };
  for (guint32 i = 0; i < G_N_ELEMENTS (starts); i++) {
    guint8 packets[N][PACKET + RP_SRTP_TAILROOM];
    gsize len = 0;
    for (guint n = 0; n < N; n++) {
      len = make_rtp (packets[n], sizeof packets[n], i + 1, (guint16) (starts[i] + n));
      g_assert_cmpint (rp_srtp_protect_rtp (f->a, packets[n], &len, sizeof packets[n]), ==,
                       RP_SRTP_OK);
    }
    for (guint step = 0; step < G_N_ELEMENTS (steps); step++) {
      g_autofree guint8 *datagram = g_memdup2 (packets[steps[step].packet], len);
      gsize n = len;
      g_test_message ("from %u, step %u", starts[i], step);
      g_assert_cmpint (rp_srtp_unprotect_rtp (f->b, datagram, &n), ==, steps[step].result);
    }
  }
}

static void
test_rtcp (Fixture *f, gconstpointer data)
{
  guint8 buffer[8 + RP_SRTP_TAILROOM] = {0x80, 201, 0, 1, 0, 0, 0, 7};
  gsize len = 8;
  g_assert_cmpint (rp_srtp_protect_rtcp (f->a, buffer, &len, sizeof buffer), ==, RP_SRTP_OK);
  g_assert_cmpuint (len, ==, 8 + 4 + 10);
  g_autofree guint8 *datagram = g_memdup2 (buffer, len);
  g_autofree guint8 *again = g_memdup2 (buffer, len);
  gsize again_len = len;
  g_assert_cmpint (rp_srtp_unprotect_rtcp (f->b, datagram, &len), ==, RP_SRTP_OK);
  g_assert_cmpuint (len, ==, 8);
  g_assert_cmpint (rp_srtp_unprotect_rtcp (f->b, again, &again_len), ==, RP_SRTP_REPLAY);
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  guint8 buffer[PACKET + RP_SRTP_TAILROOM];
  RpSrtpCounters counters;

  gsize len = make_rtp (buffer, sizeof buffer, 7, 1);
  g_assert_cmpint (rp_srtp_protect_rtp (f->a, buffer, &len, sizeof buffer - 1), ==, RP_SRTP_FAILED);
  len = 11;
  g_assert_cmpint (rp_srtp_protect_rtp (f->a, buffer, &len, sizeof buffer), ==, RP_SRTP_INVALID);

  len = make_rtp (buffer, sizeof buffer, 7, 1);
  rp_srtp_protect_rtp (f->a, buffer, &len, sizeof buffer);
  /* Every truncation, every flipped byte, the packet, and the packet again. */
  for (gsize n = 0; n < len; n++) {
    g_autofree guint8 *cut = g_memdup2 (buffer, n);
    gsize cut_len = n;
    g_assert_cmpint (rp_srtp_unprotect_rtp (f->b, cut, &cut_len), !=, RP_SRTP_OK);
    cut_len = n;
    g_assert_cmpint (rp_srtp_unprotect_rtcp (f->b, cut, &cut_len), !=, RP_SRTP_OK);
  }
  for (gsize i = 0; i < len; i++) {
    g_autofree guint8 *flipped = g_memdup2 (buffer, len);
    gsize flipped_len = len;
    flipped[i] ^= 0x10;
    g_assert_cmpint (rp_srtp_unprotect_rtp (f->b, flipped, &flipped_len), !=, RP_SRTP_OK);
  }
  g_autofree guint8 *good = g_memdup2 (buffer, len);
  g_autofree guint8 *again = g_memdup2 (buffer, len);
  gsize good_len = len, again_len = len;
  g_assert_cmpint (rp_srtp_unprotect_rtp (f->b, good, &good_len), ==, RP_SRTP_OK);
  g_assert_cmpint (rp_srtp_unprotect_rtp (f->b, again, &again_len), ==, RP_SRTP_REPLAY);
  rp_srtp_counters (f->b, &counters);
  g_assert_cmpuint (counters.auth_fail, >, 0);
  g_assert_cmpuint (counters.invalid, >, 0);
  g_assert_cmpuint (counters.replay, ==, 1);
}

/* Headers that claim more than there is: CSRCs and extensions beyond the end. */
static void
test_lying_headers (Fixture *f, gconstpointer data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  for (guint i = 0; i < 20000; i++) {
    gsize len = (gsize) g_rand_int_range (rand, 0, 80);
    g_autofree guint8 *packet = g_malloc (MAX (len, 1));
    for (gsize j = 0; j < len; j++)
      packet[j] = (guint8) g_rand_int (rand);
    if (len > 0)
      packet[0] = (guint8) (0x80 | (packet[0] & 0x3f));
    gsize n = len;
    g_assert_cmpint (rp_srtp_unprotect_rtp (f->b, packet, &n), !=, RP_SRTP_OK);
    n = len;
    g_assert_cmpint (rp_srtp_unprotect_rtcp (f->b, packet, &n), !=, RP_SRTP_OK);
  }
}

/* An authenticated peer cannot make us keep more than so many streams; forged SSRCs take no place.
 */
static void
test_ssrc_limit (Fixture *f, gconstpointer data)
{
  for (guint32 ssrc = 1000; ssrc < 1100; ssrc++) {
    guint8 forged[PACKET];
    gsize len = make_rtp (forged, sizeof forged, ssrc, 1);
    g_assert_cmpint (rp_srtp_unprotect_rtp (f->b, forged, &len), ==, RP_SRTP_AUTH_FAIL);
  }
  for (guint32 ssrc = 1; ssrc <= RP_SRTP_MAX_SSRC; ssrc++)
    g_assert_cmpint (pass (f, ssrc, 1), ==, RP_SRTP_OK);
  g_assert_cmpint (pass (f, RP_SRTP_MAX_SSRC + 1, 1), ==, RP_SRTP_SSRC_LIMIT);
  g_assert_cmpint (pass (f, 1, 2), ==, RP_SRTP_OK);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/srtp/reference", test_reference);
#define ADD(name, func) g_test_add ("/srtp/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("round-trip", test_round_trip);
  ADD ("window", test_window);
  ADD ("rtcp", test_rtcp);
  ADD ("refused", test_refused);
  ADD ("lying-headers", test_lying_headers);
  ADD ("ssrc-limit", test_ssrc_limit);
  return g_test_run ();
}
