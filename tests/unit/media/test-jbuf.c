/* Table vectors: packets in, instructions out, one row for each rule of the buffer. */
#include "jbuf.h"

#include <string.h>

#define T0 G_GINT64_CONSTANT (7000000000)
#define TS0 0xffffe000u /* wraps within the first frames */
#define SEQ0 65534u     /* as does the sequence number */

typedef enum {
  POLL, /* only time passes */
  PLAIN,
  LBRR,  /* with redundancy for the frame before */
  MS60,  /* a packet of 60 ms */
  COPY1, /* with a copy of the packet before */
  COPY2, /* and of the one before that */
  ALIEN, /* with a copy of more than its place holds */
  EMPTY, /* no payload */
  BAD,   /* not Opus */
  RESET,
} Kind;

typedef struct {
  double at_ms;
  Kind kind;
  int seq; /* from SEQ0 */
  int ts;  /* samples from TS0 */
  const char *trace;
} Step;

typedef struct {
  const char *name;
  Step steps[12];
} Row;

#define F(n) (960 * (n))

/* D = decode (packet), F = FEC, P = PLC, S = silence (samples), Q = pause (samples), C = decode
 * (copy), X = discontinuity (jump), Z = stalled, R = resumed. */
static const Row rows[] = {
    {"in-order",
     {{0, PLAIN, 0, 0, "D0"}, {20, PLAIN, 1, F (1), "D1"}, {40, PLAIN, 2, F (2), "D2"}}},
    {"burst",
     {{0, PLAIN, 0, 0, "D0"},
      {50, PLAIN, 1, F (1), "D1"},
      {50, PLAIN, 2, F (2), "D2"},
      {50, PLAIN, 3, F (3), "D3"}}},
    {"wrap",
     {{0, PLAIN, 0, 0, "D0"},
      {20, PLAIN, 1, F (1), "D1"},
      {40, PLAIN, 2, F (2), "D2"},
      {60, PLAIN, 3, F (3), "D3"},
      {80, PLAIN, 4, F (4), "D4"},
      {100, PLAIN, 5, F (5), "D5"},
      {120, PLAIN, 6, F (6), "D6"},
      {140, PLAIN, 7, F (7), "D7"},
      {160, PLAIN, 8, F (8), "D8"},
      {180, PLAIN, 9, F (9), "D9"},
      {200, PLAIN, 10, F (10), "D10"}}},
    {"gap-filled-in-time",
     {{0, PLAIN, 0, 0, "D0"}, {40, PLAIN, 2, F (2), ""}, {45, PLAIN, 1, F (1), "D1 D2"}}},
    {"gap-deadline-plc",
     {{0, PLAIN, 0, 0, "D0"},
      {40, PLAIN, 2, F (2), ""},
      {79, POLL, 0, 0, ""},
      {80, POLL, 0, 0, "P960 D2"}}},
    {"gap-deadline-fec",
     {{0, PLAIN, 0, 0, "D0"}, {40, LBRR, 2, F (2), ""}, {80, POLL, 0, 0, "F960 D2"}}},
    {"no-loss-no-fec", {{0, PLAIN, 0, 0, "D0"}, {20, LBRR, 1, F (1), "D1"}}},
    {"three-newer-end-the-wait",
     {{0, PLAIN, 0, 0, "D0"},
      {40, LBRR, 2, F (2), ""},
      {41, LBRR, 3, F (3), ""},
      {42, LBRR, 4, F (4), "F960 D2 D3 D4"}}},
    {"two-gaps",
     {{0, PLAIN, 0, 0, "D0"},
      {40, PLAIN, 2, F (2), ""},
      {70, PLAIN, 4, F (4), ""},
      {80, POLL, 0, 0, "P960 D2"},
      {109, POLL, 0, 0, ""},
      {110, POLL, 0, 0, "P960 D4"}}},
    {"late-is-dropped",
     {{0, PLAIN, 0, 0, "D0"},
      {40, PLAIN, 2, F (2), ""},
      {80, POLL, 0, 0, "P960 D2"},
      {81, PLAIN, 1, F (1), ""},
      {82, PLAIN, 3, F (3), "D3"}}},
    {"duplicates-are-dropped",
     {{0, PLAIN, 0, 0, "D0"},
      {1, PLAIN, 0, 0, ""},
      {40, PLAIN, 2, F (2), ""},
      {41, PLAIN, 2, F (2), ""},
      {42, PLAIN, 2, F (2), ""},
      {45, PLAIN, 1, F (1), "D1 D2"},
      {46, PLAIN, 1, F (1), ""}}},
    {"before-the-first",
     {{0, PLAIN, 0, 0, "D0"}, {1, PLAIN, -1, -F (1), ""}, {20, PLAIN, 1, F (1), "D1"}}},
    {"five-lost",
     {{0, PLAIN, 0, 0, "D0"}, {40, LBRR, 6, F (6), ""}, {80, POLL, 0, 0, "P2880 S960 F960 D6"}}},
    {"two-lost-fec",
     {{0, PLAIN, 0, 0, "D0"}, {40, LBRR, 3, F (3), ""}, {80, POLL, 0, 0, "P960 F960 D3"}}},
    {"60ms-lost-before-20ms-fec",
     {{0, MS60, 0, 0, "D0"}, {60, LBRR, 2, F (6), ""}, {100, POLL, 0, 0, "P1920 F960 D2"}}},
    {"dtx", {{0, PLAIN, 0, 0, "D0"}, {50, PLAIN, 1, F (10), "Q5760 Q2880 D1"}}},
    {"dtx-redundancy-is-not-used", {{0, PLAIN, 0, 0, "D0"}, {50, LBRR, 1, F (3), "Q1920 D1"}}},
    {"dtx-1s",
     {{0, PLAIN, 0, 0, "D0"},
      {50, PLAIN, 1, F (51), "Q5760 Q5760 Q5760 Q5760 Q5760 Q5760 Q5760 Q5760 Q1920 D1"}}},
    {"jump-over-1s",
     {{0, PLAIN, 0, 0, "D0"},
      {50, PLAIN, 1, F (51) + 1, "X48001 D1"},
      {70, PLAIN, 2, F (52) + 1, "D2"}}},
    {"jump-back",
     {{0, PLAIN, 0, 0, "D0"}, {20, PLAIN, 1, 0, "X-960 D1"}, {40, PLAIN, 2, F (1), "D2"}}},
    {"lost-dtx-refresh",
     {{0, PLAIN, 0, 0, "D0"}, {40, PLAIN, 2, F (14), ""}, {80, POLL, 0, 0, "P960 Q5760 Q5760 D2"}}},
    {"lost-dtx-refresh-fec",
     {{0, PLAIN, 0, 0, "D0"}, {40, LBRR, 2, F (14), ""}, {80, POLL, 0, 0, "Q5760 Q5760 F960 D2"}}},
    {"odd-gap",
     {{0, PLAIN, 0, 0, "D0"}, {40, PLAIN, 2, F (2) + 7, ""}, {80, POLL, 0, 0, "P960 Q7 D2"}}},
    {"tiny-gap",
     {{0, PLAIN, 0, 0, "D0"}, {40, LBRR, 2, F (1) + 100, ""}, {80, POLL, 0, 0, "S100 D2"}}},
    {"lost-without-duration",
     {{0, PLAIN, 0, 0, "D0"}, {40, LBRR, 2, F (1), ""}, {80, POLL, 0, 0, "D2"}}},
    {"restart",
     {{0, PLAIN, 0, 0, "D0"},
      {20, PLAIN, 20000, 5000000, ""},
      {40, PLAIN, 20001, 5000960, "X0 D20001"},
      {60, PLAIN, 20002, 5001920, "D20002"}}},
    {"restart-drops-what-waits",
     {{0, PLAIN, 0, 0, "D0"},
      {20, PLAIN, 2, F (2), ""},
      {21, PLAIN, 20000, 0, ""},
      {22, PLAIN, 20001, F (1), "X0 D20001"},
      {60, PLAIN, 3, F (3), ""}}},
    {"lone-stray",
     {{0, PLAIN, 0, 0, "D0"},
      {20, PLAIN, 20000, 0, ""},
      {21, PLAIN, 1, F (1), "D1"},
      {41, PLAIN, 2, F (2), "D2"}}},
    {"far-ahead",
     {{0, PLAIN, 0, 0, "D0"},
      {50, PLAIN, 200, F (200), ""},
      {89, POLL, 0, 0, ""},
      {90, POLL, 0, 0, "X191040 D200"},
      {110, PLAIN, 201, F (201), "D201"}}},
    {"stall",
     {{0, PLAIN, 0, 0, "D0"},
      {59.9, POLL, 0, 0, ""},
      {60, POLL, 0, 0, "Z"},
      {500, POLL, 0, 0, ""},
      {501, PLAIN, 1, F (1), "R D1"},
      {560, POLL, 0, 0, ""},
      {561, POLL, 0, 0, "Z"}}},
    {"stall-of-60ms-packets",
     {{0, MS60, 0, 0, "D0"}, {119.9, POLL, 0, 0, ""}, {120, POLL, 0, 0, "Z"}}},
    {"stall-and-gap",
     {{0, PLAIN, 0, 0, "D0"},
      {60, POLL, 0, 0, "Z"},
      {100, PLAIN, 5, F (5), "R"},
      {140, POLL, 0, 0, "P2880 S960 D5"}}},
    {"no-stall-before-the-first", {{5000, POLL, 0, 0, ""}}},
    {"late-does-not-end-a-stall",
     {{0, PLAIN, 0, 0, "D0"},
      {60, POLL, 0, 0, "Z"},
      {70, PLAIN, 0, 0, ""},
      {80, PLAIN, 1, F (1), "R D1"}}},
    {"empty-takes-its-number",
     {{0, PLAIN, 0, 0, "D0"}, {10, EMPTY, 1, F (1), ""}, {20, PLAIN, 2, F (1), "D2"}}},
    {"empty-after-a-gap",
     {{0, PLAIN, 0, 0, "D0"},
      {20, EMPTY, 2, F (2), ""},
      {40, LBRR, 3, F (2), ""},
      {60, POLL, 0, 0, "F960 D3"}}},
    {"malformed-is-lost",
     {{0, PLAIN, 0, 0, "D0"},
      {20, BAD, 1, F (1), ""},
      {40, LBRR, 2, F (2), ""},
      {80, POLL, 0, 0, "F960 D2"}}},
    {"reset",
     {{0, PLAIN, 0, 0, "D0"},
      {40, PLAIN, 2, F (2), ""},
      {41, RESET, 0, 0, ""},
      {42, PLAIN, 0, 777, "X0 D0"},
      {62, PLAIN, 1, 1737, "D1"}}},
    {"copy-ends-the-gap", {{0, PLAIN, 0, 0, "D0"}, {40, COPY1, 2, F (2), "C1 D2"}}},
    {"copy-of-what-is-here", {{0, PLAIN, 0, 0, "D0"}, {20, COPY1, 1, F (1), "D1"}}},
    {"copy-then-the-packet",
     {{0, PLAIN, 0, 0, "D0"},
      {40, COPY1, 2, F (2), "C1 D2"},
      {45, PLAIN, 1, F (1), ""},
      {60, COPY1, 3, F (3), "D3"}}},
    {"two-lost-two-copies", {{0, PLAIN, 0, 0, "D0"}, {60, COPY2, 3, F (3), "C1 C2 D3"}}},
    {"two-lost-one-copy",
     {{0, PLAIN, 0, 0, "D0"}, {60, COPY1, 3, F (3), ""}, {100, POLL, 0, 0, "F960 C2 D3"}}},
    {"copies-in-the-first", {{0, COPY2, 2, F (2), "D2"}, {20, COPY2, 3, F (3), "D3"}}},
    {"copy-in-a-later-packet",
     {{0, PLAIN, 0, 0, "D0"}, {40, PLAIN, 2, F (2), ""}, {60, COPY2, 3, F (3), "C1 D2 D3"}}},
    {"copy-that-does-not-fit",
     {{0, PLAIN, 0, 0, "D0"}, {40, ALIEN, 2, F (2), ""}, {80, POLL, 0, 0, "P960 D2"}}},
    {"copy-that-would-turn-back",
     {{0, PLAIN, 0, 0, "D0"},
      {60, COPY1, 3, F (1), ""},
      {100, POLL, 0, 0, "D3"},
      {110, PLAIN, 4, F (2), "D4"}}},
    {"reset-before-the-first", {{0, RESET, 0, 0, ""}, {1, PLAIN, 0, 0, "D0"}}},
};

typedef struct {
  RpJbuf *jbuf;
  guint64 position;
} Player;

static void
player_input (Player *player, gint64 now_us, const Step *step)
{
  guint8 payload[] = {0x48, 0x00, (guint8) step->seq, 0};
  gsize length = sizeof payload;
  switch (step->kind) {
  case POLL:
    return;
  case RESET:
    rp_jbuf_reset (player->jbuf, now_us);
    return;
  case LBRR:
    payload[1] = 0x40;
    break;
  case MS60:
    payload[0] = 0x58;
    break;
  case EMPTY:
    length = 0;
    break;
  case BAD:
    payload[0] = 0x4b;
    payload[1] = 0;
    break;
  case PLAIN:
  case COPY1:
  case COPY2:
  case ALIEN:
    break;
  }
  g_autofree guint8 *exact = g_memdup2 (payload, length);
  guint8 before[2][4] = {{0x48, 0x40, (guint8) (step->seq - 1), 0},
                         {0x48, 0x40, (guint8) (step->seq - 2), 0}};
  if (step->kind == ALIEN)
    before[0][0] = 0x58;
  const RpJbufCopy copies[] = {{1, 960, before[0], 4}, {2, 1920, before[1], 4}};
  guint n = step->kind == COPY1 || step->kind == ALIEN ? 1 : step->kind == COPY2 ? 2 : 0;
  rp_jbuf_input_redundant (player->jbuf, now_us, (guint16) (SEQ0 + (guint) step->seq),
                           TS0 + (guint32) step->ts, step->seq % 2 == 0, exact, length, copies, n);
}

static char *
player_drain (Player *player, gint64 now_us)
{
  GString *trace = g_string_new (NULL);
  RpJbufItem item;
  while (rp_jbuf_poll (player->jbuf, now_us, &item)) {
    g_assert_cmpuint (item.position, ==, player->position);
    g_assert_cmpuint (item.samples, <=, RP_JBUF_MAX_ITEM_SAMPLES);
    player->position += item.samples;
    g_assert_cmpuint (rp_jbuf_position (player->jbuf), ==, player->position);
    if (trace->len > 0)
      g_string_append_c (trace, ' ');
    switch (item.type) {
    case RP_JBUF_DECODE: {
      int seq = (gint16) (guint16) (item.sequence - SEQ0);
      g_string_append_printf (trace, "%c%d", item.is_copy ? 'C' : 'D', seq);
      g_assert_cmpuint (item.payload[2], ==, (guint8) seq);
      g_assert_cmpint (item.marker, ==, !item.is_copy && seq % 2 == 0);
      break;
    }
    case RP_JBUF_FEC:
      g_string_append_printf (trace, "F%u", item.samples);
      g_assert_cmpuint (item.payload[1], ==, 0x40);
      break;
    case RP_JBUF_PLC:
      g_string_append_printf (trace, "P%u", item.samples);
      break;
    case RP_JBUF_SILENCE:
      g_string_append_printf (trace, "%c%u", item.is_pause ? 'Q' : 'S', item.samples);
      break;
    case RP_JBUF_DISCONTINUITY:
      g_string_append_printf (trace, "X%" G_GINT64_FORMAT, item.jump_samples);
      break;
    case RP_JBUF_STALLED:
      g_string_append_c (trace, 'Z');
      break;
    case RP_JBUF_RESUMED:
      g_string_append_c (trace, 'R');
      break;
    }
  }
  g_assert_cmpint (rp_jbuf_deadline (player->jbuf), >, now_us);
  return g_string_free (trace, FALSE);
}

static void
assert_sums (const RpJbufStats *s)
{
  g_assert_cmpuint (s->received + s->copies, ==,
                    s->decoded + s->empty + s->held + s->duplicate + s->late + s->malformed +
                        s->implausible + s->discarded);
}

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (RpJbuf) jbuf = rp_jbuf_new (NULL, T0);
  Player player = {jbuf, 0};
  for (guint i = 0; i < G_N_ELEMENTS (row->steps) && row->steps[i].trace != NULL; i++) {
    gint64 now_us = T0 + (gint64) (row->steps[i].at_ms * 1000);
    player_input (&player, now_us, &row->steps[i]);
    g_autofree char *trace = player_drain (&player, now_us);
    g_assert_cmpstr (trace, ==, row->steps[i].trace);
  }
  RpJbufStats stats;
  rp_jbuf_stats (jbuf, &stats);
  assert_sums (&stats);
}

/* Plain packet @seq comes at @at_ms; every deadline before it is met. */
static void
feed (Player *player, double at_ms, int seq)
{
  Step step = {at_ms, PLAIN, seq, F (seq), NULL};
  gint64 now_us = T0 + (gint64) (at_ms * 1000);
  for (gint64 due_us; (due_us = rp_jbuf_deadline (player->jbuf)) < now_us;)
    g_free (player_drain (player, due_us));
  player_input (player, now_us, &step);
  g_free (player_drain (player, now_us));
}

static gint64
wait_us (const RpJbuf *jbuf)
{
  RpJbufStats stats;
  rp_jbuf_stats (jbuf, &stats);
  return stats.wait_us;
}

static void
test_wait_decays (void)
{
  g_autoptr (RpJbuf) jbuf = rp_jbuf_new (NULL, T0);
  Player player = {jbuf, 0};
  g_assert_cmpint (wait_us (jbuf), ==, 40000);
  for (int i = 0; i <= 500; i++)
    feed (&player, i * 20, i);
  g_assert_cmpint (wait_us (jbuf), ==, 30000);
  for (int i = 501; i <= 1500; i++)
    feed (&player, i * 20, i);
  g_assert_cmpint (wait_us (jbuf), ==, 20000);
}

static void
test_wait_grows_with_late_packets (void)
{
  g_autoptr (RpJbuf) jbuf = rp_jbuf_new (NULL, T0);
  Player player = {jbuf, 0};
  RpJbufStats stats;
  int seq = 0;
  double at_ms = 0;
  gint64 seen_us[3] = {0};
  feed (&player, at_ms, seq++);
  for (int i = 0; i < 3; i++) {
    /* Each second packet comes 65 ms after the one behind it, with nothing else in between. */
    feed (&player, at_ms + 20, seq + 1);
    feed (&player, at_ms + 85, seq);
    seq += 2;
    at_ms += 200;
    seen_us[i] = wait_us (jbuf);
  }
  rp_jbuf_stats (jbuf, &stats);
  /* The first was late; the lateness it taught is waited for from then on. */
  g_assert_cmpuint (stats.late, ==, 1);
  g_assert_cmpint (seen_us[0], ==, 70000);
  g_assert_cmpint (seen_us[2], >=, 69000);
  g_assert_cmpuint (stats.reordered, ==, 2);
}

static void
test_three_late_raise_the_wait (void)
{
  RpJbufConfig config = {.initial_wait_us = 20000, .early_release = 1};
  g_autoptr (RpJbuf) jbuf = rp_jbuf_new (&config, T0);
  Player player = {jbuf, 0};
  /* Nothing is ever waited for with early_release = 1, so 1 ms of disorder makes every such packet
   * late. */
  feed (&player, 0, 0);
  for (int i = 0; i < 3; i++) {
    g_assert_cmpint (wait_us (jbuf), <=, 20000);
    feed (&player, 40 + i * 1000, 2 + 2 * i);
    feed (&player, 41 + i * 1000, 1 + 2 * i);
  }
  g_assert_cmpint (wait_us (jbuf), ==, 40000);
  /* Two more within ten seconds are not three. */
  for (int i = 3; i < 5; i++) {
    feed (&player, 40 + i * 1000, 2 + 2 * i);
    feed (&player, 41 + i * 1000, 1 + 2 * i);
  }
  g_assert_cmpint (wait_us (jbuf), <, 40000);
}

static void
test_hopeless_lateness_is_not_waited_for (void)
{
  g_autoptr (RpJbuf) jbuf = rp_jbuf_new (NULL, T0);
  Player player = {jbuf, 0};
  int seq = 0;
  feed (&player, 0, seq++);
  for (int i = 0; i < 200; i++) {
    feed (&player, 20 + i * 400, seq + 1);
    feed (&player, 170 + i * 400, seq);
    seq += 2;
  }
  g_assert_cmpint (wait_us (jbuf), ==, 20000);
}

static void
test_unpolled_is_bounded (void)
{
  g_autoptr (RpJbuf) jbuf = rp_jbuf_new (NULL, T0);
  Player player = {jbuf, 0};
  RpJbufStats stats;
  for (int i = 0; i < 5000; i++) {
    Step step = {0, PLAIN, i, F (i), NULL};
    player_input (&player, T0 + i, &step);
    rp_jbuf_stats (jbuf, &stats);
    g_assert_cmpuint (stats.held, <=, RP_JBUF_SLOTS);
    assert_sums (&stats);
  }
  g_assert_cmpint (rp_jbuf_deadline (jbuf), <=, T0 + 5000);
  g_autofree char *trace = player_drain (&player, T0 + 5000);
  g_assert_true (g_str_has_prefix (trace, "D4872 D4873 "));
  rp_jbuf_stats (jbuf, &stats);
  g_assert_cmpuint (stats.decoded, ==, 128);
  g_assert_cmpuint (stats.discarded, ==, 5000 - 128);
  assert_sums (&stats);
}

static void
test_counters (void)
{
  g_autoptr (RpJbuf) jbuf = rp_jbuf_new (NULL, T0);
  static const Step steps[] = {
      {0, PLAIN, 0, 0, "D0"},     {1, PLAIN, 0, 0, ""},
      {20, PLAIN, 2, F (2), ""},  {30, PLAIN, 1, F (1), "D1 D2"},
      {60, LBRR, 6, F (6), ""},   {100, POLL, 0, 0, "P1920 F960 D6"},
      {101, PLAIN, 3, F (3), ""}, {102, BAD, 7, F (7), ""},
      {103, EMPTY, 7, F (7), ""}, {104, PLAIN, 8, F (9), "Q1920 D8"},
      {105, PLAIN, 9000, 0, ""},  {106, PLAIN, 9, F (200), "X182400 D9"},
  };
  Player player = {jbuf, 0};
  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    gint64 now_us = T0 + (gint64) (steps[i].at_ms * 1000);
    player_input (&player, now_us, &steps[i]);
    g_autofree char *trace = player_drain (&player, now_us);
    g_assert_cmpstr (trace, ==, steps[i].trace);
  }
  RpJbufStats s;
  rp_jbuf_stats (jbuf, &s);
  assert_sums (&s);
  g_assert_cmpuint (s.received, ==, 11);
  g_assert_cmpuint (s.decoded, ==, 6);
  g_assert_cmpuint (s.duplicate, ==, 1);
  g_assert_cmpuint (s.late, ==, 1);
  g_assert_cmpuint (s.malformed, ==, 1);
  g_assert_cmpuint (s.empty, ==, 1);
  g_assert_cmpuint (s.implausible, ==, 1);
  g_assert_cmpuint (s.lost, ==, 3);
  g_assert_cmpuint (s.reordered, ==, 1);
  g_assert_cmpuint (s.fec_used, ==, 1);
  g_assert_cmpuint (s.fec_samples, ==, 960);
  g_assert_cmpuint (s.plc_samples, ==, 1920);
  g_assert_cmpuint (s.silence_samples, ==, 0);
  g_assert_cmpuint (s.pause_samples, ==, 1920);
  g_assert_cmpuint (s.decoded_samples, ==, F (6));
  g_assert_cmpuint (s.discontinuities, ==, 1);
}

static void
test_passed_over_is_lost (void)
{
  g_autoptr (RpJbuf) jbuf = rp_jbuf_new (NULL, T0);
  Player player = {jbuf, 0};
  RpJbufStats s;
  feed (&player, 0, 0);
  feed (&player, 20, 3);
  feed (&player, 30, 200);
  feed (&player, 200, 201);
  rp_jbuf_stats (jbuf, &s);
  assert_sums (&s);
  g_assert_cmpuint (s.lost, ==, 198);
  g_assert_cmpuint (s.discarded, ==, 1);
  g_assert_cmpuint (s.decoded, ==, 3);
}

static void
test_too_large (void)
{
  g_autoptr (RpJbuf) jbuf = rp_jbuf_new (NULL, T0);
  RpJbufStats stats;
  guint8 payload[RP_JBUF_MAX_PAYLOAD_BYTES + 1] = {0x49};
  rp_jbuf_input (jbuf, T0, 1, 1, FALSE, payload, sizeof payload);
  rp_jbuf_stats (jbuf, &stats);
  g_assert_cmpuint (stats.malformed, ==, 1);
  rp_jbuf_free (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *path = g_strdup_printf ("/jbuf/%s", rows[i].name);
    g_test_add_data_func (path, &rows[i], test_row);
  }
  g_test_add_func ("/jbuf/wait/decays", test_wait_decays);
  g_test_add_func ("/jbuf/wait/learns", test_wait_grows_with_late_packets);
  g_test_add_func ("/jbuf/wait/three-late", test_three_late_raise_the_wait);
  g_test_add_func ("/jbuf/wait/hopeless", test_hopeless_lateness_is_not_waited_for);
  g_test_add_func ("/jbuf/unpolled-is-bounded", test_unpolled_is_bounded);
  g_test_add_func ("/jbuf/counters", test_counters);
  g_test_add_func ("/jbuf/passed-over-is-lost", test_passed_over_is_lost);
  g_test_add_func ("/jbuf/too-large", test_too_large);
  return g_test_run ();
}
