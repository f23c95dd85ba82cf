/* A call's timeline: rows of events and what is made of them. */
#include "timeline.h"

#include <string.h>

#define MS G_GINT64_CONSTANT (1000)
/* Far from 0, as a monotonic clock is. */
#define BEGIN_US (G_GINT64_CONSTANT (777) * G_USEC_PER_SEC)

static RpTimelineEvent
event_at (RpTimelineEventType type, gint64 at_ms, const char *text, const char *id)
{
  RpTimelineEvent event;
  rp_timeline_event_init (&event, type, BEGIN_US + at_ms * MS, text, id);
  return event;
}

static void
input (RpTimeline *timeline, RpTimelineEventType type, gint64 at_ms)
{
  const RpTimelineEvent event = event_at (type, at_ms, NULL, NULL);
  rp_timeline_input (timeline, &event);
}

static void
input_text (RpTimeline *timeline, RpTimelineEventType type, gint64 at_ms, const char *text,
            const char *id)
{
  const RpTimelineEvent event = event_at (type, at_ms, text, id);
  rp_timeline_input (timeline, &event);
}

static void
input_part (RpTimeline *timeline, gint64 at_ms, RpTurnPart part, gint64 part_ms)
{
  RpTimelineEvent event = event_at (RP_TIMELINE_METRICS, at_ms, NULL, NULL);
  event.parts_us[part] = part_ms * MS;
  rp_timeline_input (timeline, &event);
}

/* The user speaks, is answered. */
static void
input_turn (RpTimeline *timeline, gint64 at_ms)
{
  RpTimelineEvent metrics = event_at (RP_TIMELINE_METRICS, at_ms + 1230, NULL, NULL);
  metrics.parts_us[RP_TURN_PART_VOICE_TO_VOICE] = 230 * MS;
  metrics.parts_us[RP_TURN_PART_TURN_DECISION] = 200 * MS;
  metrics.parts_us[RP_TURN_PART_STT] = 30 * MS;
  input (timeline, RP_TIMELINE_USER_STARTED, at_ms);
  input (timeline, RP_TIMELINE_USER_STOPPED, at_ms + 1200);
  input (timeline, RP_TIMELINE_USER_TURN, at_ms + 1200);
  input (timeline, RP_TIMELINE_AGENT_AUDIBLE, at_ms + 1230);
  rp_timeline_input (timeline, &metrics);
  input (timeline, RP_TIMELINE_AGENT_QUIET, at_ms + 3000);
}

static void
assert_span (const RpTimeline *timeline, guint index, gboolean is_agent, gint64 from_ms,
             gint64 to_ms, gboolean interrupted)
{
  guint n = 0;
  const RpTimelineSpan *spans = rp_timeline_spans (timeline, &n);
  g_assert_cmpuint (index, <, n);
  g_assert_cmpint (spans[index].is_agent, ==, is_agent);
  g_assert_cmpint (spans[index].from_ms, ==, from_ms);
  g_assert_cmpint (spans[index].to_ms, ==, to_ms);
  g_assert_cmpint (spans[index].interrupted, ==, interrupted);
}

static guint
count_spans (const RpTimeline *timeline)
{
  guint n = 0;
  rp_timeline_spans (timeline, &n);
  return n;
}

static const RpTimelineTurn *
last_turn (const RpTimeline *timeline)
{
  guint n = 0;
  const RpTimelineTurn *turns = rp_timeline_turns (timeline, &n);
  g_assert_cmpuint (n, >, 0);
  return &turns[n - 1];
}

static void
test_empty (void)
{
  g_autoptr (RpTimeline) timeline = rp_timeline_new (BEGIN_US);
  guint n = 7;
  g_assert_null (rp_timeline_turns (timeline, &n));
  g_assert_cmpuint (n, ==, 0);
  g_assert_null (rp_timeline_marks (timeline, &n));
  g_assert_false (rp_timeline_has_ended (timeline));
  g_assert_cmpstr (rp_timeline_end_reason (timeline), ==, "");
  g_assert_cmpint (rp_timeline_median_voice_to_voice_us (timeline), ==, -1);
}

static void
test_turn (void)
{
  g_autoptr (RpTimeline) timeline = rp_timeline_new (BEGIN_US);
  input_turn (timeline, 5000);
  const RpTimelineTurn *turn = last_turn (timeline);
  g_assert_cmpuint (turn->number, ==, 1);
  g_assert_cmpint (turn->at_ms, ==, 6200);
  g_assert_cmpint (turn->user_from_ms, ==, 5000);
  /* The voice had ended before it was decided that the turn had. */
  g_assert_cmpint (turn->user_to_ms, ==, 6000);
  g_assert_cmpint (turn->agent_from_ms, ==, 6230);
  g_assert_cmpint (turn->agent_to_ms, ==, 8000);
  g_assert_false (turn->interrupted);
  g_assert_cmpint (turn->parts_us[RP_TURN_PART_VOICE_TO_VOICE], ==, 230 * MS);
  g_assert_cmpint (turn->parts_us[RP_TURN_PART_STT], ==, 30 * MS);
  g_assert_cmpint (turn->parts_us[RP_TURN_PART_LLM_TTFT], ==, -1);
  g_assert_cmpuint (count_spans (timeline), ==, 2);
  assert_span (timeline, 0, FALSE, 5000, 6000, FALSE);
  assert_span (timeline, 1, TRUE, 6230, 8000, FALSE);
  g_assert_cmpint (rp_timeline_median_voice_to_voice_us (timeline), ==, 230 * MS);
}

static void
test_greeting_is_no_turn (void)
{
  g_autoptr (RpTimeline) timeline = rp_timeline_new (BEGIN_US);
  guint n = 0;
  input (timeline, RP_TIMELINE_AGENT_AUDIBLE, 100);
  assert_span (timeline, 0, TRUE, 100, -1, FALSE);
  input (timeline, RP_TIMELINE_AGENT_QUIET, 900);
  /* A breath between two sentences, and then a real pause. */
  input (timeline, RP_TIMELINE_AGENT_AUDIBLE, 1200);
  input (timeline, RP_TIMELINE_AGENT_QUIET, 2000);
  input (timeline, RP_TIMELINE_AGENT_AUDIBLE, 9000);
  input (timeline, RP_TIMELINE_AGENT_QUIET, 9500);
  rp_timeline_turns (timeline, &n);
  g_assert_cmpuint (n, ==, 0);
  g_assert_cmpuint (count_spans (timeline), ==, 2);
  assert_span (timeline, 0, TRUE, 100, 2000, FALSE);
  assert_span (timeline, 1, TRUE, 9000, 9500, FALSE);
}

static void
test_barge_in (void)
{
  g_autoptr (RpTimeline) timeline = rp_timeline_new (BEGIN_US);
  guint n = 0;
  input_turn (timeline, 0);
  input (timeline, RP_TIMELINE_AGENT_AUDIBLE, 3100);
  input (timeline, RP_TIMELINE_USER_STARTED, 5000);
  input (timeline, RP_TIMELINE_AGENT_QUIET, 5002);
  input_part (timeline, 5003, RP_TURN_PART_BARGE_IN_STOP, 190);
  input (timeline, RP_TIMELINE_INTERRUPTED, 5003);
  g_assert_true (last_turn (timeline)->interrupted);
  assert_span (timeline, 1, TRUE, 1230, 5002, TRUE);
  /* When the voice began is known from how long it took to stop for it. */
  assert_span (timeline, 2, FALSE, 4812, -1, FALSE);
  input (timeline, RP_TIMELINE_USER_STOPPED, 6000);
  input (timeline, RP_TIMELINE_USER_TURN, 6000);
  g_assert_cmpint (last_turn (timeline)->parts_us[RP_TURN_PART_BARGE_IN_STOP], ==, 190 * MS);
  g_assert_cmpint (last_turn (timeline)->user_from_ms, ==, 4812);
  const RpTimelineTurn *turns = rp_timeline_turns (timeline, &n);
  g_assert_cmpint (turns[0].parts_us[RP_TURN_PART_BARGE_IN_STOP], ==, -1);
  const RpTimelineMark *marks = rp_timeline_marks (timeline, &n);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpstr (rp_timeline_mark_name (marks[0].kind), ==, "interrupted");
  /* The answer is another span, however soon it comes. */
  input (timeline, RP_TIMELINE_AGENT_AUDIBLE, 6010);
  g_assert_cmpuint (count_spans (timeline), ==, 4);
  g_assert_cmpint (last_turn (timeline)->agent_from_ms, ==, 6010);
  g_assert_false (last_turn (timeline)->interrupted);
}

static void
test_typed (void)
{
  g_autoptr (RpTimeline) timeline = rp_timeline_new (BEGIN_US);
  input_turn (timeline, 0);
  input (timeline, RP_TIMELINE_USER_TURN, 8000);
  g_assert_cmpuint (last_turn (timeline)->number, ==, 2);
  g_assert_cmpint (last_turn (timeline)->user_from_ms, ==, -1);
  g_assert_cmpint (last_turn (timeline)->user_to_ms, ==, -1);
  input (timeline, RP_TIMELINE_AGENT_AUDIBLE, 8050);
  g_assert_cmpint (last_turn (timeline)->agent_from_ms, ==, 8050);
  /* A decision is none of it. */
  input_part (timeline, 8060, RP_TURN_PART_TURN_DECISION, 100);
  g_assert_cmpint (last_turn (timeline)->user_to_ms, ==, -1);
  assert_span (timeline, 0, FALSE, 0, 1000, FALSE);
}

static void
test_noise_is_no_turn (void)
{
  g_autoptr (RpTimeline) timeline = rp_timeline_new (BEGIN_US);
  guint n = 0;
  input (timeline, RP_TIMELINE_USER_STARTED, 100);
  input (timeline, RP_TIMELINE_USER_STARTED, 150);
  input (timeline, RP_TIMELINE_USER_STOPPED, 400);
  input (timeline, RP_TIMELINE_USER_STOPPED, 450);
  input_text (timeline, RP_TIMELINE_SILENT, 400, "nothing was said", NULL);
  assert_span (timeline, 0, FALSE, 100, 400, FALSE);
  const RpTimelineMark *marks = rp_timeline_marks (timeline, &n);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpstr (marks[0].text, ==, "nothing was said");
  /* What is typed afterwards was not spoken. */
  input (timeline, RP_TIMELINE_USER_TURN, 2000);
  g_assert_cmpint (last_turn (timeline)->user_from_ms, ==, -1);
}

static void
test_tools (void)
{
  static const RpTimelineEventType ends[] = {RP_TIMELINE_TOOL_DONE, RP_TIMELINE_TOOL_FAILED,
                                             RP_TIMELINE_TOOL_CANCELLED};
  static const char *const names[] = {"done", "failed", "cancelled"};
  for (gsize i = 0; i < G_N_ELEMENTS (ends); i++) {
    g_autoptr (RpTimeline) timeline = rp_timeline_new (BEGIN_US);
    guint n = 0;
    input_text (timeline, RP_TIMELINE_TOOL_STARTED, 5, "early", "0");
    input (timeline, RP_TIMELINE_USER_TURN, 10);
    input_text (timeline, RP_TIMELINE_TOOL_STARTED, 20, "book", "a");
    input_text (timeline, RP_TIMELINE_TOOL_STARTED, 25, "book", "a");
    input_text (timeline, ends[i], 30, NULL, "b");
    input_text (timeline, ends[i], 70, "book", "a");
    input_text (timeline, RP_TIMELINE_TOOL_DONE, 99, "book", "a");
    const RpTimelineTool *tools = rp_timeline_tools (timeline, &n);
    g_assert_cmpuint (n, ==, 2);
    g_assert_cmpuint (tools[0].turn, ==, 0);
    g_assert_cmpint (tools[0].to_ms, ==, -1);
    g_assert_cmpstr (tools[1].name, ==, "book");
    g_assert_cmpuint (tools[1].turn, ==, 1);
    g_assert_cmpint (tools[1].from_ms, ==, 20);
    g_assert_cmpint (tools[1].to_ms, ==, 70);
    g_assert_cmpstr (rp_timeline_tool_status_name (tools[1].status), ==, names[i]);
  }
}

static void
assert_tool_counts (const RpTimeline *timeline, guint started, guint done, guint failed,
                    guint cancelled)
{
  const guint64 *counts = rp_timeline_tool_counts (timeline);
  g_assert_cmpuint (counts[RP_TIMELINE_TOOL_STATUS_STARTED], ==, started);
  g_assert_cmpuint (counts[RP_TIMELINE_TOOL_STATUS_DONE], ==, done);
  g_assert_cmpuint (counts[RP_TIMELINE_TOOL_STATUS_FAILED], ==, failed);
  g_assert_cmpuint (counts[RP_TIMELINE_TOOL_STATUS_CANCELLED], ==, cancelled);
}

/* Whatever is told of it and how often, a tool starts once and ends once. */
static void
test_tool_counts (void)
{
  g_autoptr (RpTimeline) timeline = rp_timeline_new (BEGIN_US);
  assert_tool_counts (timeline, 0, 0, 0, 0);
  input_text (timeline, RP_TIMELINE_TOOL_STARTED, 1, "show", "a");
  input (timeline, RP_TIMELINE_WORKER_LOST, 2);
  input_text (timeline, RP_TIMELINE_TOOL_STARTED, 3, "show", "a");
  assert_tool_counts (timeline, 1, 0, 0, 0);
  input_text (timeline, RP_TIMELINE_TOOL_DONE, 4, "show", "a");
  input_text (timeline, RP_TIMELINE_TOOL_FAILED, 5, "show", "a");
  input_text (timeline, RP_TIMELINE_TOOL_CANCELLED, 6, "show", "never begun");
  assert_tool_counts (timeline, 1, 1, 0, 0);
  input_text (timeline, RP_TIMELINE_TOOL_STARTED, 7, "book", "b");
  input_text (timeline, RP_TIMELINE_TOOL_FAILED, 8, "book", "b");
  input_text (timeline, RP_TIMELINE_TOOL_STARTED, 9, "book", "c");
  input (timeline, RP_TIMELINE_ENDED, 10);
  input_text (timeline, RP_TIMELINE_TOOL_STARTED, 11, "book", "d");
  assert_tool_counts (timeline, 3, 1, 1, 1);
}

static void
test_worker_and_connection (void)
{
  static const char *const kinds[] = {"connected", "worker_lost", "worker_replaced", "disconnected",
                                      "restart",   "reconnected", "ice_restart",     "reconnected"};
  g_autoptr (RpTimeline) timeline = rp_timeline_new (BEGIN_US);
  guint n = 0;
  input (timeline, RP_TIMELINE_WORKER_READY, 1);
  input (timeline, RP_TIMELINE_CONNECTED, 2);
  input (timeline, RP_TIMELINE_USER_STARTED, 3);
  input_text (timeline, RP_TIMELINE_WORKER_LOST, 10, "crashed", NULL);
  input (timeline, RP_TIMELINE_WORKER_READY, 12);
  input_text (timeline, RP_TIMELINE_DISCONNECTED, 20, "no answer", NULL);
  input (timeline, RP_TIMELINE_RESTARTED, 30);
  input (timeline, RP_TIMELINE_CONNECTED, 31);
  input (timeline, RP_TIMELINE_ICE_RESTARTED, 40);
  input (timeline, RP_TIMELINE_CONNECTED, 41);
  const RpTimelineMark *marks = rp_timeline_marks (timeline, &n);
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (kinds));
  for (guint i = 0; i < n; i++)
    g_assert_cmpstr (rp_timeline_mark_name (marks[i].kind), ==, kinds[i]);
  g_assert_cmpstr (marks[1].text, ==, "crashed");
  assert_span (timeline, 0, FALSE, 3, 10, FALSE);
}

static void
test_end (void)
{
  g_autoptr (RpTimeline) timeline = rp_timeline_new (BEGIN_US);
  guint n = 0;
  input (timeline, RP_TIMELINE_USER_TURN, 10);
  input (timeline, RP_TIMELINE_AGENT_AUDIBLE, 20);
  input (timeline, RP_TIMELINE_USER_STARTED, 30);
  input_text (timeline, RP_TIMELINE_TOOL_STARTED, 35, "slow", "a");
  RpTimelineEvent event = event_at (RP_TIMELINE_ENDED, 50, "nothing came", NULL);
  event.end = RP_TIMELINE_END_LOST;
  event.failed = TRUE;
  rp_timeline_input (timeline, &event);
  g_assert_true (rp_timeline_has_ended (timeline));
  g_assert_true (rp_timeline_has_failed (timeline));
  g_assert_cmpstr (rp_timeline_end_name (rp_timeline_end (timeline)), ==, "lost");
  g_assert_cmpstr (rp_timeline_end_reason (timeline), ==, "nothing came");
  assert_span (timeline, 0, TRUE, 20, 50, FALSE);
  assert_span (timeline, 1, FALSE, 30, 50, FALSE);
  g_assert_cmpint (last_turn (timeline)->agent_to_ms, ==, 50);
  const RpTimelineTool *tools = rp_timeline_tools (timeline, &n);
  g_assert_cmpint (tools[0].status, ==, RP_TIMELINE_TOOL_STATUS_CANCELLED);
  /* Nothing comes after it. */
  input (timeline, RP_TIMELINE_USER_TURN, 60);
  input (timeline, RP_TIMELINE_ENDED, 70);
  rp_timeline_turns (timeline, &n);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpstr (rp_timeline_end_reason (timeline), ==, "nothing came");
}

static void
test_bounds (void)
{
  g_autoptr (RpTimeline) timeline = rp_timeline_new (BEGIN_US);
  RpTimelineDropped dropped;
  const guint n_turns = RP_TIMELINE_MAX_SPANS; /* of two spans each */
  for (guint i = 0; i < n_turns; i++) {
    g_autofree char *id = g_strdup_printf ("%u", i);
    input_turn (timeline, i * 5000);
    input_text (timeline, RP_TIMELINE_TOOL_STARTED, i * 5000, "t", id);
    input_text (timeline, RP_TIMELINE_SILENT, i * 5000, "s", NULL);
  }
  guint n = 0;
  rp_timeline_dropped (timeline, &dropped);
  g_assert_cmpuint (dropped.turns, ==, n_turns - RP_TIMELINE_MAX_TURNS);
  g_assert_cmpuint (dropped.spans, ==, n_turns * 2 - RP_TIMELINE_MAX_SPANS);
  g_assert_cmpuint (dropped.tools, ==, n_turns - RP_TIMELINE_MAX_TOOLS);
  g_assert_cmpuint (dropped.marks, ==, n_turns - RP_TIMELINE_MAX_MARKS);
  const RpTimelineTurn *turns = rp_timeline_turns (timeline, &n);
  g_assert_cmpuint (n, ==, RP_TIMELINE_MAX_TURNS);
  g_assert_cmpuint (turns[0].number, ==, n_turns - RP_TIMELINE_MAX_TURNS + 1);
  g_assert_cmpuint (turns[n - 1].number, ==, n_turns);
}

static void
test_long_texts (void)
{
  static const struct {
    const char *piece;
    gsize bytes; /* of what is kept */
  } rows[] = {{"a", RP_TIMELINE_MAX_TEXT - 1},
              {"é", (RP_TIMELINE_MAX_TEXT - 1) / 2 * 2},
              {"語", (RP_TIMELINE_MAX_TEXT - 1) / 3 * 3},
              {"😀", (RP_TIMELINE_MAX_TEXT - 1) / 4 * 4}};
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    GString *text = g_string_new (NULL);
    for (guint k = 0; k < RP_TIMELINE_MAX_TEXT; k++)
      g_string_append (text, rows[i].piece);
    g_autofree char *exact = g_memdup2 (text->str, text->len + 1);
    RpTimelineEvent event;
    rp_timeline_event_init (&event, RP_TIMELINE_SILENT, 0, exact, exact);
    g_assert_cmpuint (strlen (event.text), ==, rows[i].bytes);
    g_assert_true (g_utf8_validate (event.text, -1, NULL));
    g_assert_true (g_utf8_validate (event.id, -1, NULL));
    g_assert_true (g_str_has_prefix (exact, event.text));
    g_string_free (text, TRUE);
  }
}

/* A clock that was read before the call began, as the wire's may be. */
static void
test_before_the_begin (void)
{
  g_autoptr (RpTimeline) timeline = rp_timeline_new (BEGIN_US);
  input (timeline, RP_TIMELINE_AGENT_AUDIBLE, -50);
  input (timeline, RP_TIMELINE_AGENT_QUIET, -60);
  assert_span (timeline, 0, TRUE, 0, 0, FALSE);
}

static void
test_median (void)
{
  g_autoptr (RpTimeline) timeline = rp_timeline_new (BEGIN_US);
  static const gint64 values_ms[] = {900, 100, 300, 200, 250};
  for (guint i = 0; i < G_N_ELEMENTS (values_ms); i++) {
    input (timeline, RP_TIMELINE_USER_TURN, i * 1000);
    input_part (timeline, i * 1000 + 10, RP_TURN_PART_VOICE_TO_VOICE, values_ms[i]);
  }
  g_assert_cmpint (rp_timeline_median_voice_to_voice_us (timeline), ==, 250 * MS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/timeline/empty", test_empty);
  g_test_add_func ("/timeline/turn", test_turn);
  g_test_add_func ("/timeline/greeting-is-no-turn", test_greeting_is_no_turn);
  g_test_add_func ("/timeline/barge-in", test_barge_in);
  g_test_add_func ("/timeline/typed", test_typed);
  g_test_add_func ("/timeline/noise-is-no-turn", test_noise_is_no_turn);
  g_test_add_func ("/timeline/tools", test_tools);
  g_test_add_func ("/timeline/tool-counts", test_tool_counts);
  g_test_add_func ("/timeline/worker-and-connection", test_worker_and_connection);
  g_test_add_func ("/timeline/end", test_end);
  g_test_add_func ("/timeline/bounds", test_bounds);
  g_test_add_func ("/timeline/long-texts", test_long_texts);
  g_test_add_func ("/timeline/before-the-begin", test_before_the_begin);
  g_test_add_func ("/timeline/median", test_median);
  return g_test_run ();
}
