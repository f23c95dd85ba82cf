#include "candidate.h"

#include <string.h>

static gboolean
parse (const char *text, gsize len, RpCandidate *out, GError **error)
{
  g_autofree char *copy = g_memdup2 (text, len);
  return rp_candidate_parse (copy, len, out, error);
}

static const struct {
  const char *text;
  RpCandidate expected;
  const char *written; /* NULL: as @text without "a=" */
} good[] = {
    /* Chromium, trickled */
    {"candidate:842163049 1 udp 1677729535 203.0.113.7 61000 typ srflx raddr 192.0.2.7 rport 61000 "
     "generation 0 ufrag "
     "nPxa network-id 1 network-cost 999",
     {"842163049", 1, RP_CANDIDATE_UDP, 1677729535, "203.0.113.7", 61000, RP_CANDIDATE_SRFLX,
      "192.0.2.7", 61000, "nPxa"},
     "candidate:842163049 1 udp 1677729535 203.0.113.7 61000 typ srflx raddr 192.0.2.7 rport "
     "61000"},
    /* Firefox, as an SDP line with its end */
    {"a=candidate:0 1 UDP 2122252543 192.0.2.20 51472 typ host\r\n",
     {"0", 1, RP_CANDIDATE_UDP, 2122252543, "192.0.2.20", 51472, RP_CANDIDATE_HOST, "", 0, ""},
     "candidate:0 1 udp 2122252543 192.0.2.20 51472 typ host"},
    {"candidate:1 1 TCP 2105524479 192.0.2.20 9 typ host tcptype active",
     {"1", 1, RP_CANDIDATE_TCP_ACTIVE, 2105524479, "192.0.2.20", 9, RP_CANDIDATE_HOST, "", 0, ""},
     "candidate:1 1 tcp 2105524479 192.0.2.20 9 typ host tcptype active"},
    {"candidate:1 1 tcp 1 192.0.2.20 443 typ host tcptype passive",
     {"1", 1, RP_CANDIDATE_TCP_PASSIVE, 1, "192.0.2.20", 443, RP_CANDIDATE_HOST, "", 0, ""},
     NULL},
    {"candidate:1 1 tcp 1 192.0.2.20 443 typ host tcptype so",
     {"1", 1, RP_CANDIDATE_TCP_SO, 1, "192.0.2.20", 443, RP_CANDIDATE_HOST, "", 0, ""},
     NULL},
    /* aiortc: the longest foundation there may be; IPv6 is made canonical */
    {"candidate:d0bcf3d9c29a2bc887618212a1623bfa 1 udp 2130706431 2001:DB8:0:0::2 35601 typ host",
     {"d0bcf3d9c29a2bc887618212a1623bfa", 1, RP_CANDIDATE_UDP, 2130706431, "2001:db8::2", 35601,
      RP_CANDIDATE_HOST, "", 0, ""},
     "candidate:d0bcf3d9c29a2bc887618212a1623bfa 1 udp 2130706431 2001:db8::2 35601 typ host"},
    /* Chromium hides the base behind 0.0.0.0, Safari behind a name: neither is needed. */
    {"candidate:a+/ 1 udp 1 203.0.113.7 1 typ relay raddr 0.0.0.0 rport 0",
     {"a+/", 1, RP_CANDIDATE_UDP, 1, "203.0.113.7", 1, RP_CANDIDATE_RELAY, "", 0, ""},
     NULL},
    {"candidate:1 1 udp 2147483647 203.0.113.7 65535 typ prflx raddr x.local rport 5",
     {"1", 1, RP_CANDIDATE_UDP, 2147483647, "203.0.113.7", 65535, RP_CANDIDATE_PRFLX, "", 5, ""},
     "candidate:1 1 udp 2147483647 203.0.113.7 65535 typ prflx raddr 0.0.0.0 rport 0"},
    /* An extension without a value at the end is no reason to drop it. */
    {"candidate:1 1 udp 5 127.0.0.1 5 typ host foo",
     {"1", 1, RP_CANDIDATE_UDP, 5, "127.0.0.1", 5, RP_CANDIDATE_HOST, "", 0, ""},
     "candidate:1 1 udp 5 127.0.0.1 5 typ host"},
};

static void
assert_equal (const RpCandidate *a, const RpCandidate *b)
{
  g_assert_cmpstr (a->foundation, ==, b->foundation);
  g_assert_cmpuint (a->component, ==, b->component);
  g_assert_cmpint (a->transport, ==, b->transport);
  g_assert_cmpuint (a->priority, ==, b->priority);
  g_assert_cmpstr (a->address, ==, b->address);
  g_assert_cmpuint (a->port, ==, b->port);
  g_assert_cmpint (a->type, ==, b->type);
  g_assert_cmpstr (a->related_address, ==, b->related_address);
  g_assert_cmpuint (a->related_port, ==, b->related_port);
  g_assert_cmpstr (a->ufrag, ==, b->ufrag);
}

static void
test_good (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++) {
    RpCandidate candidate;
    char text[RP_CANDIDATE_MAX_TEXT_BYTES];
    g_autoptr (GError) error = NULL;
    parse (good[i].text, strlen (good[i].text), &candidate, &error);
    g_assert_no_error (error);
    assert_equal (&candidate, &good[i].expected);
    gsize n = rp_candidate_write (&candidate, text, sizeof text);
    g_assert_cmpstr (text, ==, good[i].written != NULL ? good[i].written : good[i].text);
    g_assert_cmpuint (n, ==, strlen (text));
    g_assert_cmpuint (rp_candidate_write (&candidate, text, n), ==, 0);
    g_assert_cmpuint (rp_candidate_write (&candidate, text, n + 1), ==, n);
  }
}

#define INVALID RP_CANDIDATE_ERROR_INVALID
#define UNUSABLE RP_CANDIDATE_ERROR_UNUSABLE

static const struct {
  const char *text;
  RpCandidateError code;
  const char *message;
} bad[] = {
    {"", INVALID, "candidate does not begin with \"candidate:\""},
    {"a=", INVALID, "candidate does not begin with \"candidate:\""},
    {"1 1 udp 5 127.0.0.1 5 typ host", INVALID, "candidate does not begin with \"candidate:\""},
    {"candidate:", INVALID, "candidate has 0 words, at least 8 are needed"},
    {"candidate:1 1 udp 5 127.0.0.1 5 typ", INVALID,
     "candidate has 7 words, at least 8 are needed"},
    {"candidate:1! 1 udp 5 127.0.0.1 5 typ host", INVALID, "candidate foundation is malformed"},
    {"candidate:123456789012345678901234567890123 1 udp 5 127.0.0.1 5 typ host", INVALID,
     "candidate foundation is malformed"},
    {"candidate:1 0 udp 5 127.0.0.1 5 typ host", INVALID, "candidate component is not 1 to 256"},
    {"candidate:1 257 udp 5 127.0.0.1 5 typ host", INVALID, "candidate component is not 1 to 256"},
    {"candidate:1 -1 udp 5 127.0.0.1 5 typ host", INVALID, "candidate component is not 1 to 256"},
    {"candidate:1 2 udp 5 127.0.0.1 5 typ host", UNUSABLE,
     "candidate is for component 2, only 1 is used"},
    {"candidate:1 1 dccp 5 127.0.0.1 5 typ host", UNUSABLE,
     "candidate transport is neither UDP nor TCP"},
    {"candidate:1 1 udp 0 127.0.0.1 5 typ host", INVALID, "candidate priority is not 1 to 2^31-1"},
    {"candidate:1 1 udp 2147483648 127.0.0.1 5 typ host", INVALID,
     "candidate priority is not 1 to 2^31-1"},
    {"candidate:1 1 udp 18446744073709551617 127.0.0.1 5 typ host", INVALID,
     "candidate priority is not 1 to 2^31-1"},
    {"candidate:1 1 udp 5x 127.0.0.1 5 typ host", INVALID, "candidate priority is not 1 to 2^31-1"},
    {"candidate:1 1 udp 5 127.0.0.1 0 typ host", INVALID, "candidate port is not 1 to 65535"},
    {"candidate:1 1 udp 5 127.0.0.1 65536 typ host", INVALID, "candidate port is not 1 to 65535"},
    {"candidate:1 1 udp 5 127.0.0.1 5 type host", INVALID,
     "candidate has no \"typ\" where it belongs"},
    {"candidate:1 1 udp 5 127.0.0.1 5 typ zeroconf", UNUSABLE, "candidate type is unknown"},
    {"candidate:1 1 udp 5 127.0.0.256 5 typ host", INVALID, "candidate address is malformed"},
    {"candidate:1 1 udp 5 fe80::1%eth0 5 typ host", INVALID, "candidate address is malformed"},
    {"candidate:1 1 udp 5 [::1] 5 typ host", INVALID, "candidate address is malformed"},
    {"candidate:1 1 udp 5 0.0.0.0 5 typ host", UNUSABLE,
     "candidate address is not that of one host"},
    {"candidate:1 1 udp 5 224.0.0.251 5 typ host", UNUSABLE,
     "candidate address is not that of one host"},
    {"candidate:1 1 udp 5 255.255.255.255 5 typ host", UNUSABLE,
     "candidate address is not that of one host"},
    {"candidate:1 1 udp 5 :: 5 typ host", UNUSABLE, "candidate address is not that of one host"},
    {"candidate:1 1 udp 5 ff02::fb 5 typ host", UNUSABLE,
     "candidate address is not that of one host"},
    {"candidate:1 1 udp 5 201aed8c-9253-4289-bbb9-c7beae59ccef.local 5 typ host", UNUSABLE,
     "candidate address is a host name (mDNS), not a number"},
    {"candidate:1 1 udp 5 example.org 5 typ host", UNUSABLE,
     "candidate address is a host name (mDNS), not a number"},
    {"candidate:1 1 tcp 5 127.0.0.1 5 typ host", UNUSABLE, "TCP candidate has no known tcptype"},
    {"candidate:1 1 tcp 5 127.0.0.1 5 typ host tcptype x", UNUSABLE,
     "TCP candidate has no known tcptype"},
    {"candidate:1 1 udp 5 127.0.0.1 5 typ srflx raddr 1.2.3.4 rport 65536", INVALID,
     "candidate rport is not a port"},
    {"candidate:1 1 udp 5 127.0.0.1 5 typ host ufrag a:b", INVALID, "candidate ufrag is malformed"},
    {"candidate:1 1 udp 5 127.0.0.1\t5 typ host", INVALID, "candidate has the byte 0x09"},
    {"candidate:1 1 udp 5 127.0.0.1 5 typ host\r\na=ice-lite", INVALID,
     "candidate has the byte 0x0d"},
};

static void
test_bad (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    RpCandidate candidate = {.port = 4711};
    g_autoptr (GError) error = NULL;
    g_test_message ("row %" G_GSIZE_FORMAT, i);
    g_assert_false (parse (bad[i].text, strlen (bad[i].text), &candidate, &error));
    g_assert_error (error, RP_CANDIDATE_ERROR, (int) bad[i].code);
    g_assert_cmpstr (error->message, ==, bad[i].message);
    g_assert_cmpuint (candidate.port, ==, 4711);
  }
}

static void
test_bounds (void)
{
  RpCandidate candidate;
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) text = g_string_new ("candidate:1 1 udp 5 127.0.0.1 5 typ host");
  for (guint i = 0; i < 60; i++)
    g_string_append (text, " x");
  g_assert_false (parse (text->str, text->len, &candidate, &error));
  g_assert_cmpstr (error->message, ==, "candidate has more than 64 words");
  g_clear_error (&error);

  while (text->len <= RP_CANDIDATE_MAX_LINE_BYTES)
    g_string_append (text, "y");
  g_assert_false (parse (text->str, text->len, &candidate, &error));
  g_assert_cmpstr (error->message, ==, "candidate is longer than 1024 bytes");
  g_clear_error (&error);

  g_assert_false (parse ("candidate:1 1 udp 5 127.0.0.1 5 typ host\0x y", 45, &candidate, &error));
  g_assert_cmpstr (error->message, ==, "candidate has the byte 0x00");
  g_clear_error (&error);

  /* The longest ufrag fits, one more does not. */
  g_autofree char *ufrag = g_strnfill (RP_ICE_MAX_CREDENTIAL, 'u');
  g_string_printf (text, "candidate:1 1 udp 5 127.0.0.1 5 typ host ufrag %s", ufrag);
  g_assert_true (parse (text->str, text->len, &candidate, NULL));
  g_assert_cmpstr (candidate.ufrag, ==, ufrag);
  g_string_append_c (text, 'u');
  g_assert_false (parse (text->str, text->len, &candidate, &error));
  g_assert_error (error, RP_CANDIDATE_ERROR, RP_CANDIDATE_ERROR_INVALID);
}

static void
test_end (void)
{
  static const char *const ends[] = {"", "\r\n", "end-of-candidates", "a=end-of-candidates",
                                     "a=end-of-candidates\r\n"};
  static const char *const others[] = {"candidate:1 1 udp 5 127.0.0.1 5 typ host",
                                       "end-of-candidates x", "x"};
  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++)
    g_assert_true (rp_candidate_is_end (ends[i], strlen (ends[i])));
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_false (rp_candidate_is_end (others[i], strlen (others[i])));
  g_assert_true (rp_candidate_is_end (NULL, 0));
}

static void
test_priority (void)
{
  g_assert_cmpuint (rp_candidate_priority (RP_CANDIDATE_HOST, 65535, 1), ==, 2130706431);
  g_assert_cmpuint (rp_candidate_priority (RP_CANDIDATE_SRFLX, 65535, 1), ==, 1694498815);
  g_assert_cmpuint (rp_candidate_priority (RP_CANDIDATE_RELAY, 0, 256), ==, 0);
  g_assert_cmpuint (rp_candidate_priority (RP_CANDIDATE_HOST, 2, 1), >,
                    rp_candidate_priority (RP_CANDIDATE_HOST, 1, 1));
  /* TCP is for where UDP finds no way, and better than a relay. RFC 6544 section 4.2. */
  g_assert_cmpuint (rp_candidate_tcp_priority (8191), ==, 90u << 24 | 0x9fffu << 8 | 255);
  g_assert_cmpuint (rp_candidate_tcp_priority (8191), >, rp_candidate_tcp_priority (0));
  g_assert_cmpuint (rp_candidate_tcp_priority (8191), <,
                    rp_candidate_priority (RP_CANDIDATE_SRFLX, 0, 1));
  g_assert_cmpuint (rp_candidate_tcp_priority (0), >,
                    rp_candidate_priority (RP_CANDIDATE_RELAY, 65535, 1));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/candidate/good", test_good);
  g_test_add_func ("/candidate/bad", test_bad);
  g_test_add_func ("/candidate/bounds", test_bounds);
  g_test_add_func ("/candidate/end", test_end);
  g_test_add_func ("/candidate/priority", test_priority);
  return g_test_run ();
}
