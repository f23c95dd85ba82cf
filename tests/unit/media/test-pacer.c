#include "pacer.h"

#include <string.h>

#define T0 G_GINT64_CONSTANT (1000000000)
#define TS0 0xfffff000u
#define SEQ0 32000

static RpPacer *
new_pacer (guint max_queue_frames)
{
  RpPacerConfig config = {.ssrc = 7,
                          .first_sequence = SEQ0,
                          .first_timestamp = TS0,
                          .max_queue_frames = max_queue_frames};
  RpPacer *pacer = rp_pacer_new (&config, T0 - 12345);
  g_assert_nonnull (pacer);
  return pacer;
}

static RpPacer *
new_started (void)
{
  RpPacer *pacer = new_pacer (0);
  rp_pacer_start (pacer, T0);
  return pacer;
}

/* A 20 ms packet that says which frame it is. */
static RpPacerResult
push (RpPacer *pacer, guint32 utterance, guint32 frame_seq, guint flags)
{
  guint8 payload[] = {0x48, 0, (guint8) utterance, (guint8) frame_seq};
  g_autofree guint8 *exact = g_memdup2 (payload, sizeof payload);
  return rp_pacer_push (pacer, utterance, frame_seq, flags, exact, sizeof payload);
}

static void
push_utterance (RpPacer *pacer, guint32 utterance, guint32 n_frames)
{
  for (guint32 i = 0; i < n_frames; i++)
    g_assert_cmpint (push (pacer, utterance, i, i + 1 == n_frames ? RP_PACER_FRAME_LAST : 0), ==,
                     RP_PACER_OK);
}

/* Exactly one frame is due at @now_us. */
static RpPacerOut
poll_one (RpPacer *pacer, gint64 now_us)
{
  RpPacerOut out, none;
  g_assert_false (rp_pacer_poll (pacer, now_us - 1, &out));
  g_assert_true (rp_pacer_poll (pacer, now_us, &out));
  g_assert_cmpuint (out.payload_bytes, >, 0);
  g_autofree guint8 *copy = g_memdup2 (out.payload, out.payload_bytes);
  if (out.utterance != 0) {
    g_assert_cmpuint (copy[2], ==, (guint8) out.utterance);
    g_assert_cmpuint (copy[3], ==, (guint8) out.frame_index);
  }
  g_assert_false (rp_pacer_poll (pacer, now_us, &none));
  g_assert_cmpint (rp_pacer_deadline (pacer), ==, now_us + RP_PACER_FRAME_US);
  return out;
}

static void
test_silence (void)
{
  g_autoptr (RpPacer) pacer = new_started ();
  for (guint i = 0; i < 40000; i++) {
    RpPacerOut out = poll_one (pacer, T0 + (gint64) i * RP_PACER_FRAME_US);
    g_assert_cmpmem (out.payload, out.payload_bytes, "\xf8\xff\xfe", 3);
    g_assert_cmpuint (out.sequence, ==, (guint16) (SEQ0 + i));
    g_assert_cmpuint (out.timestamp, ==, (guint32) (TS0 + i * 960));
    g_assert_cmpuint (out.ssrc, ==, 7);
    g_assert_cmpint (out.marker, ==, i == 0);
    g_assert_cmpuint (out.utterance, ==, 0);
  }
  RpPacerStats stats;
  rp_pacer_stats (pacer, &stats);
  g_assert_cmpuint (stats.silence_sent, ==, 40000);
  g_assert_cmpuint (stats.late_bursts + stats.underruns + stats.skipped, ==, 0);
}

static void
test_nothing_before_start (void)
{
  g_autoptr (RpPacer) pacer = new_pacer (0);
  RpPacerOut out;
  push_utterance (pacer, 1, 3);
  g_assert_cmpint (rp_pacer_deadline (pacer), ==, G_MAXINT64);
  g_assert_false (rp_pacer_poll (pacer, T0 + 1000000, &out));
  rp_pacer_start (pacer, T0 + 1003000);
  rp_pacer_start (pacer, T0);
  g_assert_cmpint (rp_pacer_deadline (pacer), ==, T0 + 1003000);
  out = poll_one (pacer, T0 + 1003000);
  g_assert_cmpuint (out.timestamp, ==, TS0);
  g_assert_true (out.is_first && out.marker);
}

static void
test_utterance (void)
{
  g_autoptr (RpPacer) pacer = new_started ();
  RpPacerPosition position;
  RpPacerOut out = poll_one (pacer, T0);
  push_utterance (pacer, 5, 10);
  for (guint i = 0; i < 10; i++) {
    rp_pacer_position (pacer, &position);
    g_assert_cmpuint (position.utterance, ==, i == 0 ? 0 : 5);
    g_assert_cmpuint (position.frames_played, ==, i);
    g_assert_cmpuint (position.queued_frames, ==, 10 - i);
    g_assert_cmpuint (position.pushed_utterance, ==, 5);
    g_assert_cmpuint (position.pushed_frames, ==, 10);
    g_assert_false (position.complete);
    out = poll_one (pacer, T0 + (i + 1) * RP_PACER_FRAME_US);
    g_assert_cmpuint (out.utterance, ==, 5);
    g_assert_cmpuint (out.frame_index, ==, i);
    g_assert_cmpint (out.is_first, ==, i == 0);
    g_assert_cmpint (out.is_last, ==, i == 9);
    g_assert_cmpint (out.marker, ==, i == 0);
  }
  rp_pacer_position (pacer, &position);
  g_assert_true (position.complete);
  out = poll_one (pacer, T0 + 11 * RP_PACER_FRAME_US);
  g_assert_cmpuint (out.utterance, ==, 0);
  g_assert_false (out.marker);
  RpPacerStats stats;
  rp_pacer_stats (pacer, &stats);
  g_assert_cmpuint (stats.underruns, ==, 0);
  g_assert_cmpuint (stats.speech_sent, ==, 10);
}

static void
test_waits_for_the_next_tick_only (void)
{
  gint64 total_us = 0;
  for (gint64 offset_us = 0; offset_us < RP_PACER_FRAME_US; offset_us += 100) {
    g_autoptr (RpPacer) pacer = new_started ();
    RpPacerOut out;
    for (guint i = 0; i < 10; i++)
      poll_one (pacer, T0 + i * RP_PACER_FRAME_US);
    gint64 now_us = T0 + 9 * RP_PACER_FRAME_US + offset_us;
    push_utterance (pacer, 1, 1);
    gint64 due_us = rp_pacer_deadline (pacer);
    g_assert_cmpint (due_us - now_us, >, 0);
    g_assert_cmpint (due_us - now_us, <=, RP_PACER_FRAME_US);
    total_us += due_us - now_us;
    g_assert_true (rp_pacer_poll (pacer, due_us, &out));
    g_assert_cmpuint (out.utterance, ==, 1);
  }
  g_assert_cmpint (total_us / (RP_PACER_FRAME_US / 100), ==, 10050);
}

static void
test_underrun (void)
{
  g_autoptr (RpPacer) pacer = new_started ();
  RpPacerStats stats;
  push (pacer, 1, 0, 0);
  poll_one (pacer, T0);
  g_assert_cmpuint (poll_one (pacer, T0 + 20000).utterance, ==, 0);
  g_assert_cmpuint (poll_one (pacer, T0 + 40000).utterance, ==, 0);
  g_assert_cmpint (push (pacer, 1, 1, RP_PACER_FRAME_LAST), ==, RP_PACER_OK);
  RpPacerOut out = poll_one (pacer, T0 + 60000);
  g_assert_cmpuint (out.frame_index, ==, 1);
  g_assert_true (out.marker);
  g_assert_false (out.is_first);
  rp_pacer_stats (pacer, &stats);
  g_assert_cmpuint (stats.underruns, ==, 1);
}

typedef struct {
  gint64 late_us;
  guint n_frames;
  guint n_skipped;
} Lateness;

static void
test_lateness (void)
{
  static const Lateness table[] = {
      {0, 1, 0},        {1999, 1, 0},
      {19999, 1, 0},    {20000, 2, 0},
      {39999, 2, 0},    {40000, 2, 1},
      {59999, 2, 1},    {60000, 2, 2},
      {1000000, 2, 49}, {G_GINT64_CONSTANT (86400000000), 2, 4319999},
  };
  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    g_autoptr (RpPacer) pacer = new_started ();
    RpPacerOut out;
    RpPacerStats stats;
    push_utterance (pacer, 1, 5);
    poll_one (pacer, T0);
    gint64 now_us = T0 + RP_PACER_FRAME_US + table[i].late_us;
    for (guint k = 0; k < table[i].n_frames; k++) {
      g_assert_true (rp_pacer_poll (pacer, now_us, &out));
      /* Speech is delayed, never dropped; the timestamp stays on the clock. */
      g_assert_cmpuint (out.frame_index, ==, 1 + k);
      g_assert_cmpuint (out.sequence, ==, SEQ0 + 1 + k);
      g_assert_cmpuint (out.timestamp, ==, (guint32) (TS0 + (1 + table[i].n_skipped + k) * 960));
      g_assert_cmpint (out.marker, ==, k == 0 && table[i].n_skipped > 0);
    }
    g_assert_false (rp_pacer_poll (pacer, now_us, &out));
    g_assert_cmpint (rp_pacer_deadline (pacer), >, now_us);
    g_assert_cmpint (rp_pacer_deadline (pacer), <=, now_us + RP_PACER_FRAME_US);
    g_assert_cmpint ((rp_pacer_deadline (pacer) - T0) % RP_PACER_FRAME_US, ==, 0);
    rp_pacer_stats (pacer, &stats);
    g_assert_cmpuint (stats.skipped, ==, table[i].n_skipped);
    g_assert_cmpuint (stats.late_bursts, ==, table[i].n_frames > 1 ? 1 : 0);
  }
}

static void
test_no_drift (void)
{
  /* An owner that is always late by some random part of 12 ms sends the right number of frames all
   * the same. */
  g_autoptr (RpPacer) pacer = new_started ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (4);
  RpPacerOut out;
  guint n = 0;
  gint64 now_us = T0;
  while (now_us < T0 + 600 * G_GINT64_CONSTANT (1000000)) {
    while (rp_pacer_poll (pacer, now_us, &out)) {
      g_assert_cmpuint (out.timestamp, ==, (guint32) (TS0 + n * 960));
      n++;
    }
    now_us = rp_pacer_deadline (pacer) + g_rand_int_range (rand, 0, 12000);
  }
  g_assert_cmpuint (n, ==, 30000);
}

static void
test_flush_at_each_position (void)
{
  enum { N = 12 };
  for (guint played = 0; played <= N; played++) {
    g_autoptr (RpPacer) pacer = new_started ();
    RpPacerFlush report;
    RpPacerOut out;
    push_utterance (pacer, 3, N);
    push_utterance (pacer, 4, N);
    gint64 now_us = T0;
    for (guint i = 0; i < played; i++, now_us += RP_PACER_FRAME_US)
      poll_one (pacer, now_us);
    rp_pacer_flush (pacer, now_us - 5000, 4, &report);
    g_assert_cmpuint (report.utterance, ==, played == 0 ? 0 : 3);
    g_assert_cmpuint (report.frames_played, ==, played);
    g_assert_cmpuint (report.dropped, ==, 2 * N - played);
    g_assert_cmpint (report.complete, ==, played == N);
    out = poll_one (pacer, now_us);
    g_assert_cmpuint (out.utterance, ==, 0);
    /* The answer stays the same however late it is asked again. */
    rp_pacer_flush (pacer, now_us, 4, &report);
    g_assert_cmpuint (report.frames_played, ==, played);
    g_assert_cmpuint (report.dropped, ==, 0);
    RpPacerStats stats;
    rp_pacer_stats (pacer, &stats);
    g_assert_cmpuint (stats.underruns, ==, 0);
    g_assert_cmpuint (stats.flushed + stats.speech_sent, ==, stats.pushed);
  }
}

static void
test_flush_keeps_newer (void)
{
  g_autoptr (RpPacer) pacer = new_started ();
  RpPacerFlush report;
  push_utterance (pacer, 1, 4);
  push_utterance (pacer, 2, 4);
  poll_one (pacer, T0);
  rp_pacer_flush (pacer, T0, 1, &report);
  g_assert_cmpuint (report.dropped, ==, 3);
  g_assert_cmpuint (report.frames_played, ==, 1);
  RpPacerOut out = poll_one (pacer, T0 + 20000);
  g_assert_cmpuint (out.utterance, ==, 2);
  g_assert_true (out.is_first);
  rp_pacer_flush (pacer, T0 + 20000, 1, &report);
  g_assert_cmpuint (report.utterance, ==, 2);
  g_assert_cmpuint (report.frames_played, ==, 1);
  g_assert_cmpuint (report.dropped, ==, 0);
}

static void
test_stale (void)
{
  g_autoptr (RpPacer) pacer = new_started ();
  RpPacerFlush report;
  RpPacerStats stats;
  push (pacer, 1, 0, 0);
  rp_pacer_flush (pacer, T0, 2, &report);
  g_assert_cmpint (push (pacer, 1, 1, 0), ==, RP_PACER_STALE);
  g_assert_cmpint (push (pacer, 2, 0, 0), ==, RP_PACER_STALE);
  /* Whatever is wrong with it besides. */
  g_assert_cmpint (rp_pacer_push (pacer, 2, 99, 0, NULL, 0), ==, RP_PACER_STALE);
  g_assert_cmpint (push (pacer, 3, 0, 0), ==, RP_PACER_OK);
  /* A flush of less does not revive anything. */
  rp_pacer_flush (pacer, T0, 1, &report);
  g_assert_cmpint (push (pacer, 2, 0, 0), ==, RP_PACER_STALE);
  g_assert_cmpint (push (pacer, 3, 1, 0), ==, RP_PACER_OK);
  rp_pacer_stats (pacer, &stats);
  g_assert_cmpuint (stats.stale, ==, 4);
  g_assert_cmpuint (stats.rejected, ==, 0);
}

static void
test_order (void)
{
  g_autoptr (RpPacer) pacer = new_started ();
  RpPacerStats stats;
  g_assert_cmpint (push (pacer, 2, 1, 0), ==, RP_PACER_ORDER);
  g_assert_cmpint (push (pacer, 2, 0, 0), ==, RP_PACER_OK);
  g_assert_cmpint (push (pacer, 2, 0, 0), ==, RP_PACER_ORDER);
  g_assert_cmpint (push (pacer, 2, 2, 0), ==, RP_PACER_ORDER);
  g_assert_cmpint (push (pacer, 1, 0, 0), ==, RP_PACER_ORDER);
  g_assert_cmpint (push (pacer, 2, 1, RP_PACER_FRAME_LAST), ==, RP_PACER_OK);
  g_assert_cmpint (push (pacer, 2, 2, 0), ==, RP_PACER_ORDER);
  g_assert_cmpint (push (pacer, 3, 0, 0), ==, RP_PACER_OK);
  /* Abandons utterance 3. */
  g_assert_cmpint (push (pacer, 9, 0, 0), ==, RP_PACER_OK);
  g_assert_cmpint (push (pacer, 3, 1, 0), ==, RP_PACER_ORDER);
  rp_pacer_stats (pacer, &stats);
  g_assert_cmpuint (stats.pushed, ==, 4);
  g_assert_cmpuint (stats.rejected, ==, 6);
}

static void
test_invalid (void)
{
  g_autoptr (RpPacer) pacer = new_started ();
  guint8 big[1276] = {0x48};
  static const guint8 ten_ms[] = {0x40, 0};
  static const guint8 forty_ms[] = {0x49, 0, 0};
  static const guint8 malformed[] = {0x4b};
  g_assert_cmpint (push (pacer, 0, 0, 0), ==, RP_PACER_INVALID);
  g_assert_cmpint (rp_pacer_push (pacer, 1, 0, 0, NULL, 0), ==, RP_PACER_INVALID);
  g_assert_cmpint (rp_pacer_push (pacer, 1, 0, 0, big, 0), ==, RP_PACER_INVALID);
  g_assert_cmpint (rp_pacer_push (pacer, 1, 0, 0, ten_ms, 2), ==, RP_PACER_INVALID);
  g_assert_cmpint (rp_pacer_push (pacer, 1, 0, 0, forty_ms, 3), ==, RP_PACER_INVALID);
  g_assert_cmpint (rp_pacer_push (pacer, 1, 0, 0, malformed, 1), ==, RP_PACER_INVALID);
  g_assert_cmpint (rp_pacer_push (pacer, 1, 0, 0, big, 1276), ==, RP_PACER_INVALID);
  g_assert_cmpint (rp_pacer_push (pacer, 1, 0, 0, big, 1275), ==, RP_PACER_OK);

  RpPacerConfig config = {.silence = ten_ms, .silence_bytes = sizeof ten_ms};
  g_assert_null (rp_pacer_new (&config, T0));
  rp_pacer_free (NULL);
}

static void
test_overflow (void)
{
  g_autoptr (RpPacer) pacer = new_pacer (5);
  RpPacerStats stats;
  rp_pacer_start (pacer, T0);
  for (guint i = 0; i < 5; i++)
    g_assert_cmpint (push (pacer, 1, i, 0), ==, RP_PACER_OK);
  g_assert_cmpint (push (pacer, 1, 5, 0), ==, RP_PACER_OVERFLOW);
  poll_one (pacer, T0);
  /* The dropped one may be tried again, and only that one. */
  g_assert_cmpint (push (pacer, 1, 6, 0), ==, RP_PACER_ORDER);
  g_assert_cmpint (push (pacer, 1, 5, 0), ==, RP_PACER_OK);
  rp_pacer_stats (pacer, &stats);
  g_assert_cmpuint (stats.overflow, ==, 1);
}

static void
test_timestamp_at (void)
{
  g_autoptr (RpPacer) pacer = new_started ();
  g_assert_cmpuint (rp_pacer_timestamp_at (pacer, T0), ==, TS0);
  poll_one (pacer, T0);
  g_assert_cmpuint (rp_pacer_timestamp_at (pacer, T0), ==, TS0);
  g_assert_cmpuint (rp_pacer_timestamp_at (pacer, T0 + 10000), ==, TS0 + 480);
  g_assert_cmpuint (rp_pacer_timestamp_at (pacer, T0 + 2000000), ==, (guint32) (TS0 + 96000));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pacer/silence", test_silence);
  g_test_add_func ("/pacer/nothing-before-start", test_nothing_before_start);
  g_test_add_func ("/pacer/utterance", test_utterance);
  g_test_add_func ("/pacer/waits-for-the-next-tick-only", test_waits_for_the_next_tick_only);
  g_test_add_func ("/pacer/underrun", test_underrun);
  g_test_add_func ("/pacer/lateness", test_lateness);
  g_test_add_func ("/pacer/no-drift", test_no_drift);
  g_test_add_func ("/pacer/flush-at-each-position", test_flush_at_each_position);
  g_test_add_func ("/pacer/flush-keeps-newer", test_flush_keeps_newer);
  g_test_add_func ("/pacer/stale", test_stale);
  g_test_add_func ("/pacer/order", test_order);
  g_test_add_func ("/pacer/invalid", test_invalid);
  g_test_add_func ("/pacer/overflow", test_overflow);
  g_test_add_func ("/pacer/timestamp-at", test_timestamp_at);
  return g_test_run ();
}
