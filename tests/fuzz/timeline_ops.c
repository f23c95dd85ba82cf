/*
 * A call's timeline under any events: 4 bytes each. It stays within its bounds, no stretch ends
 * before it begins, of each kind at most one goes on, and nothing is left open at the end.
 */
#include "timeline.h"

#include <stdint.h>

#define OP_BYTES 4

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_spans (const RpTimeline *timeline)
{
  guint n = 0;
  guint open[2] = {0, 0};
  const RpTimelineSpan *spans = rp_timeline_spans (timeline, &n);
  g_assert (n <= RP_TIMELINE_MAX_SPANS);
  for (guint i = 0; i < n; i++) {
    g_assert (spans[i].from_ms >= 0);
    g_assert (spans[i].to_ms < 0 || spans[i].to_ms >= spans[i].from_ms);
    open[spans[i].is_agent ? 1 : 0] += spans[i].to_ms < 0 ? 1 : 0;
  }
  guint most = rp_timeline_has_ended (timeline) ? 0 : 1;
  g_assert (open[0] <= most && open[1] <= most);
}

static void
check_rest (const RpTimeline *timeline)
{
  guint n = 0;
  const RpTimelineTurn *turns = rp_timeline_turns (timeline, &n);
  g_assert (n <= RP_TIMELINE_MAX_TURNS);
  for (guint i = 0; i < n; i++) {
    g_assert (i == 0 || turns[i].number == turns[i - 1].number + 1);
    g_assert ((turns[i].user_from_ms < 0) == (turns[i].user_to_ms < 0));
    g_assert (turns[i].user_to_ms >= turns[i].user_from_ms);
    g_assert (turns[i].agent_to_ms < 0 || turns[i].agent_to_ms >= turns[i].agent_from_ms);
  }
  const RpTimelineTool *tools = rp_timeline_tools (timeline, &n);
  g_assert (n <= RP_TIMELINE_MAX_TOOLS);
  for (guint i = 0; i < n; i++)
    g_assert ((tools[i].to_ms < 0) == (tools[i].status == RP_TIMELINE_TOOL_STATUS_STARTED));
  rp_timeline_marks (timeline, &n);
  g_assert (n <= RP_TIMELINE_MAX_MARKS);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (RpTimeline) timeline = rp_timeline_new (G_USEC_PER_SEC);
  gint64 now_us = 0;
  for (size_t at = 0; at + OP_BYTES <= size; at += OP_BYTES) {
    RpTimelineEvent event;
    const char id[] = {(char) ('a' + data[at + 3] % 4), '\0'};
    now_us += data[at + 1] * 10000;
    /* Some are told late. */
    gint64 at_us = now_us - (data[at + 2] & 0x0f) * 100000;
    rp_timeline_event_init (&event, (RpTimelineEventType) (data[at] % RP_TIMELINE_N_EVENTS), at_us,
                            id, id);
    event.parts_us[data[at + 3] % RP_N_TURN_PARTS] = data[at + 2] * 5000;
    rp_timeline_input (timeline, &event);
    check_spans (timeline);
  }
  check_rest (timeline);
  return 0;
}
