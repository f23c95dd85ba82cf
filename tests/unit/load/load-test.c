/* The load tool's pure parts: what it measures at the wire, when a caller speaks, and its STUN. */
#include "ice-check.h"
#include "talk.h"
#include "wire.h"

#include <string.h>

#define MS 1000
#define FRAME_US (20 * MS)
#define FRAME_TS 960

typedef struct {
  const char *what;
  guint16 first_sequence;
  guint32 first_timestamp;
  guint n;         /* packets, 20 ms apart */
  guint late_from; /* those from here … */
  guint late_to;   /* … to before here … */
  gint64 late_us;  /* … come so much later */
  guint missing;   /* one that never comes; 0 = none */
  guint twice;     /* one that comes twice; 0 = none */
  guint swapped;   /* one that comes after its successor, at that one's time; 0 = none */
  guint64 gaps;
  guint64 lost;
  guint64 duplicates;
  guint64 reordered;
  gint64 late_max_us;
  gint64 interval_max_us;
} WireCase;

static const WireCase wire_cases[] = {
    {.what = "steady", .n = 200, .interval_max_us = 20 * MS},
    {.what = "both counters wrap",
     .first_sequence = 65500,
     .first_timestamp = G_MAXUINT32 - 5000,
     .n = 200,
     .interval_max_us = 20 * MS},
    {.what = "one late by 21 ms is a gap",
     .n = 200,
     .late_from = 100,
     .late_to = 101,
     .late_us = 20 * MS + 500,
     .gaps = 1,
     .late_max_us = 20 * MS + 500,
     .interval_max_us = 40 * MS + 500},
    {.what = "one late by 20 ms is none",
     .n = 200,
     .late_from = 100,
     .late_to = 101,
     .late_us = 20 * MS,
     .late_max_us = 20 * MS,
     .interval_max_us = 40 * MS},
    {.what = "late from then on is late, with one gap",
     .n = 200,
     .late_from = 100,
     .late_to = 200,
     .late_us = 70 * MS,
     .gaps = 1,
     .late_max_us = 70 * MS,
     .interval_max_us = 90 * MS},
    {.what = "the first ones do not tell what late is",
     .n = 200,
     .late_from = 0,
     .late_to = 40,
     .late_us = 15 * MS,
     .late_max_us = 0,
     .interval_max_us = 20 * MS},
    {.what = "one lost", .n = 200, .missing = 77, .lost = 1, .interval_max_us = 40 * MS},
    {.what = "one lost where the counter wraps",
     .first_sequence = 65500,
     .n = 200,
     .missing = 36,
     .lost = 1,
     .interval_max_us = 40 * MS},
    {.what = "one twice", .n = 200, .twice = 77, .duplicates = 1, .interval_max_us = 20 * MS},
    {.what = "two in the wrong order are not lost",
     .n = 200,
     .swapped = 77,
     .reordered = 1,
     .late_max_us = 20 * MS,
     .interval_max_us = 40 * MS},
};

static void
put (RpLoadWire *wire, RpLoadWireTotals *totals, const WireCase *c, guint i, gint64 at_us)
{
  rp_load_wire_packet (wire, at_us, 7, (guint16) (c->first_sequence + i),
                       c->first_timestamp + i * FRAME_TS, totals);
}

static void
test_wire (gconstpointer data)
{
  const WireCase *c = data;
  RpLoadWireTotals totals;
  RpLoadWire wire = {0};
  guint64 expected = c->n - (c->missing > 0 ? 1 : 0);

  rp_load_wire_totals_init (&totals);
  for (guint i = 0; i < c->n; i++) {
    gint64 at_us = 5000 * MS + (gint64) i * FRAME_US;
    if (i >= c->late_from && i < c->late_to)
      at_us += c->late_us;
    if (i == c->missing && i > 0)
      continue;
    if (i == c->swapped && i > 0) {
      put (&wire, &totals, c, i + 1, at_us + FRAME_US);
      put (&wire, &totals, c, i, at_us + FRAME_US);
      i++;
      continue;
    }
    put (&wire, &totals, c, i, at_us);
    if (i == c->twice && i > 0)
      put (&wire, &totals, c, i, at_us);
  }
  g_assert_cmpuint (totals.packets, ==, expected);
  g_assert_cmpuint (totals.gaps, ==, c->gaps);
  g_assert_cmpuint (totals.lost, ==, c->lost);
  g_assert_cmpuint (totals.duplicates, ==, c->duplicates);
  g_assert_cmpuint (totals.reordered, ==, c->reordered);
  g_assert_cmpint (rp_histogram_max_us (totals.late), ==, c->late_max_us);
  g_assert_cmpint (rp_histogram_max_us (totals.interval), ==, c->interval_max_us);
  rp_load_wire_totals_clear (&totals);
}

/* Another SSRC is another stream, and what is not measured still tells what late is. */
static void
test_wire_streams (void)
{
  RpLoadWireTotals totals;
  RpLoadWire wire = {0};

  rp_load_wire_totals_init (&totals);
  for (guint i = 0; i < 100; i++)
    rp_load_wire_packet (&wire, (gint64) i * FRAME_US, 7, (guint16) i, i * FRAME_TS, NULL);
  g_assert_cmpuint (totals.packets, ==, 0);
  rp_load_wire_packet (&wire, 100 * FRAME_US + 3 * MS, 7, 100, 100 * FRAME_TS, &totals);
  g_assert_cmpint (rp_histogram_max_us (totals.late), ==, 3 * MS);
  rp_load_wire_packet (&wire, 300 * FRAME_US, 8, 4000, 12345, &totals);
  rp_load_wire_packet (&wire, 301 * FRAME_US, 8, 4001, 12345 + FRAME_TS, &totals);
  g_assert_cmpuint (totals.packets, ==, 3);
  g_assert_cmpuint (totals.lost, ==, 0);
  g_assert_cmpuint (totals.gaps, ==, 0);
  rp_load_wire_totals_clear (&totals);
}

/* Times in ms. The agent is audible in [from, to), in frames of 20 ms. */
typedef struct {
  guint from;
  guint to;
} Span;

typedef struct {
  const char *what;
  Span agent[3];
  guint clip;        /* length of what the caller says */
  guint first_start; /* when it begins to speak for the first time; 0 = never */
  guint n_starts;    /* within 12 s */
  guint n_answered;
  guint n_early;
  guint n_missing;
  guint v2v; /* of the last answer */
} TalkCase;

static const RpLoadTalkConfig waits = {.greeting_us = 3000 * MS,
                                       .quiet_us = 1000 * MS,
                                       .answer_us = 4000 * MS,
                                       .hesitate_us = 500 * MS};
static const RpLoadTalkConfig by_clock = {
    .by_clock = TRUE, .talk_us = 2000 * MS, .pause_us = 3000 * MS};
static const RpLoadTalkConfig endless = {.by_clock = TRUE};

static const TalkCase waiting_cases[] = {
    {"after the greeting, answered", {{100, 600}, {3300, 9900}}, 1000, 2080, 2, 1, 0, 0, 240},
    {"no greeting, no answer", {{0, 0}}, 1000, 3000, 2, 0, 0, 1, 0},
    {"a pause within the answer is no second one",
     {{100, 600}, {3300, 4000}, {4600, 9900}},
     1000,
     2080,
     2,
     1,
     0,
     0,
     240},
    {"early and still speaking", {{100, 600}, {2500, 9900}}, 1000, 2080, 2, 0, 1, 0, 0},
    {"early, stopped, and answered",
     {{100, 600}, {2400, 2600}, {3300, 9900}},
     1000,
     2080,
     2,
     1,
     0,
     0,
     240},
};

static const TalkCase clock_case = {"by the clock", {{2250, 2600}}, 1000, 20, 6, 1, 0, 0, 260};
static const TalkCase endless_case = {"without end", {{0, 0}}, 1000, 20, 12, 0, 0, 0, 0};

static void
run_talk (const TalkCase *c, const RpLoadTalkConfig *config)
{
  guint seen[4] = {0};
  guint starts = 0;
  guint first = 0;
  guint until = 0; /* the clip's end; 0 = none */
  RpLoadTalk talk;

  rp_load_talk_init (&talk, config, 0);
  for (guint t = 20; t <= 12000; t += 20) {
    for (guint i = 0; i < G_N_ELEMENTS (c->agent); i++)
      if (t >= c->agent[i].from && t < c->agent[i].to)
        seen[rp_load_talk_agent (&talk, (gint64) t * MS)]++;
    if (until == 0 && rp_load_talk_due (&talk, (gint64) t * MS)) {
      starts++;
      first = first > 0 ? first : t;
      until = t + c->clip - 20;
      rp_load_talk_speech_start (&talk, (gint64) t * MS);
    }
    if (t == until) {
      seen[rp_load_talk_speech_end (&talk, (gint64) t * MS)]++;
      until = 0;
    }
    seen[rp_load_talk_tick (&talk, (gint64) t * MS)]++;
  }
  g_assert_cmpuint (first, ==, c->first_start);
  g_assert_cmpuint (starts, ==, c->n_starts);
  g_assert_cmpuint (seen[RP_LOAD_TALK_ANSWERED], ==, c->n_answered);
  g_assert_cmpuint (seen[RP_LOAD_TALK_EARLY], ==, c->n_early);
  g_assert_cmpuint (seen[RP_LOAD_TALK_MISSING], ==, c->n_missing);
  if (c->v2v > 0)
    g_assert_cmpint (talk.v2v_us, ==, c->v2v * MS);
}

static void
test_talk (gconstpointer data)
{
  run_talk (data, &waits);
}

static void
test_talk_by_clock (void)
{
  run_talk (&clock_case, &by_clock);
  run_talk (&endless_case, &endless);
}

/* RFC 5769 section 2.1 */
static const guint8 sample_request[] = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73,
    0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
    0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09,
    0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14,
    0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49,
    0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf};
#define SAMPLE_PASSWORD "VOkJxbRl1RmTxUk/WvJxBt"

static gboolean
parse_copy (const guint8 *data, gsize len, const char *own, const char *remote, RpIceCheck *out)
{
  g_autofree guint8 *copy = g_memdup2 (data, len);
  return rp_ice_check_parse (copy, len, own, remote, out);
}

static void
test_stun_sample (void)
{
  RpIceCheck check;

  g_assert_true (
      rp_ice_check_parse (sample_request, sizeof sample_request, SAMPLE_PASSWORD, NULL, &check));
  g_assert_cmpint (check.kind, ==, RP_ICE_CHECK_REQUEST);
  g_assert_true (check.transaction == sample_request + 8);
  g_assert_false (
      parse_copy (sample_request, sizeof sample_request, "another password", NULL, &check));
  for (gsize len = 0; len < sizeof sample_request; len++)
    g_assert_false (parse_copy (sample_request, len, SAMPLE_PASSWORD, NULL, &check));
  /* Attributes that claim to be longer than the message. */
  for (gsize at = 20; at < sizeof sample_request; at++) {
    g_autofree guint8 *bad = g_memdup2 (sample_request, sizeof sample_request);
    bad[at] ^= 0xff;
    (void) rp_ice_check_parse (bad, sizeof sample_request, SAMPLE_PASSWORD, NULL, &check);
  }
}

static guint32
crc32 (const guint8 *data, gsize len)
{
  guint32 crc = 0xffffffffu;
  for (gsize i = 0; i < len * 8; i++) {
    guint32 bit = (data[i / 8] >> i % 8 & 1u) ^ (crc & 1u);
    crc = crc >> 1 ^ (bit ? 0xedb88320u : 0);
  }
  return ~crc;
}

/* Both sides of a check, and their FINGERPRINT: the last attribute, over all before it. */
static void
test_stun_exchange (void)
{
  static const guint8 transaction[RP_ICE_CHECK_TRANSACTION_BYTES] = "twelve bytes";
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = g_htons (40000)};
  guint8 request[RP_ICE_CHECK_MAX_BYTES];
  guint8 answer[RP_ICE_CHECK_MAX_BYTES];
  RpIceCheck check;

  from.sin_addr.s_addr = g_htonl (0x7f000001);
  gsize len = rp_ice_check_write_request (request, transaction, "them:us", "their password", 1, 2);
  g_assert_cmpuint (len, >, 0);
  g_assert_true (parse_copy (request, len, "their password", NULL, &check));
  g_assert_false (parse_copy (request, len, "our password", "their password", &check));
  len = rp_ice_check_write_success (answer, transaction, &from, "their password");
  g_assert_true (rp_ice_check_parse (answer, len, NULL, "their password", &check));
  g_assert_cmpint (check.kind, ==, RP_ICE_CHECK_SUCCESS);
  g_assert_cmpmem (check.transaction, sizeof transaction, transaction, sizeof transaction);
  g_assert_false (parse_copy (answer, len, "their password", NULL, &check));
  guint32 fingerprint = 0;
  memcpy (&fingerprint, answer + len - 4, sizeof fingerprint);
  g_assert_cmpuint (g_ntohl (fingerprint), ==, crc32 (answer, len - 8) ^ 0x5354554e);

  g_autofree char *too_long = g_strnfill (600, 'x');
  g_assert_cmpuint (rp_ice_check_write_request (request, transaction, too_long, "p", 1, 2), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (wire_cases); i++) {
    g_autofree char *path = g_strdup_printf ("/load/wire/%s", wire_cases[i].what);
    g_test_add_data_func (path, &wire_cases[i], test_wire);
  }
  g_test_add_func ("/load/wire/streams", test_wire_streams);
  for (gsize i = 0; i < G_N_ELEMENTS (waiting_cases); i++) {
    g_autofree char *path = g_strdup_printf ("/load/talk/%s", waiting_cases[i].what);
    g_test_add_data_func (path, &waiting_cases[i], test_talk);
  }
  g_test_add_func ("/load/talk/by-clock", test_talk_by_clock);
  g_test_add_func ("/load/stun/sample", test_stun_sample);
  g_test_add_func ("/load/stun/exchange", test_stun_exchange);
  return g_test_run ();
}
