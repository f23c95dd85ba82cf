#include "timeline.h"

#include <stdlib.h>
#include <string.h>

struct _RpTimeline {
  gint64 begin_us;
  GArray *turns; /* of RpTimelineTurn */
  GArray *spans; /* of RpTimelineSpan, in the order of their begin as it was told */
  GArray *tools; /* of RpTimelineTool */
  GArray *marks; /* of RpTimelineMark */
  RpTimelineDropped dropped;
  guint64 tool_counts[RP_TIMELINE_TOOL_N_STATUSES];
  guint n_turns;
  gboolean was_connected;
  gboolean worker_missing;
  gboolean user_speaks;
  gboolean turn_is_spoken; /* the user's last span is the next turn's */
  gint64 barge_in_us;      /* of the user's speech that is no turn yet; negative = none */
  gboolean ended;
  RpTimelineEnd end;
  gboolean failed;
  char end_reason[RP_TIMELINE_MAX_TEXT];
};

static const char *const part_names[RP_N_TURN_PARTS] = {
    [RP_TURN_PART_VOICE_TO_VOICE] = "voice_to_voice",
    [RP_TURN_PART_TURN_DECISION] = "turn_decision",
    [RP_TURN_PART_STT] = "stt",
    [RP_TURN_PART_LLM_TTFT] = "llm_ttft",
    [RP_TURN_PART_TTS_TTFA] = "tts_ttfa",
    [RP_TURN_PART_BARGE_IN_STOP] = "barge_in_stop",
};

static const char *const status_names[RP_TIMELINE_TOOL_N_STATUSES] = {
    [RP_TIMELINE_TOOL_STATUS_STARTED] = "started",
    [RP_TIMELINE_TOOL_STATUS_DONE] = "done",
    [RP_TIMELINE_TOOL_STATUS_FAILED] = "failed",
    [RP_TIMELINE_TOOL_STATUS_CANCELLED] = "cancelled",
};

static const char *const mark_names[] = {
    [RP_TIMELINE_MARK_CONNECTED] = "connected",
    [RP_TIMELINE_MARK_DISCONNECTED] = "disconnected",
    [RP_TIMELINE_MARK_RECONNECTED] = "reconnected",
    [RP_TIMELINE_MARK_RESTART] = "restart",
    [RP_TIMELINE_MARK_ICE_RESTART] = "ice_restart",
    [RP_TIMELINE_MARK_WORKER_LOST] = "worker_lost",
    [RP_TIMELINE_MARK_WORKER_REPLACED] = "worker_replaced",
    [RP_TIMELINE_MARK_INTERRUPTED] = "interrupted",
    [RP_TIMELINE_MARK_SILENT] = "silent",
    [RP_TIMELINE_MARK_ENDED] = "ended",
};

static const char *const end_names[RP_TIMELINE_N_ENDS] = {
    [RP_TIMELINE_END_CLIENT] = "client", [RP_TIMELINE_END_AGENT] = "agent",
    [RP_TIMELINE_END_LOST] = "lost",     [RP_TIMELINE_END_UNREACHABLE] = "unreachable",
    [RP_TIMELINE_END_WORKER] = "worker", [RP_TIMELINE_END_SERVER] = "server",
    [RP_TIMELINE_END_OFFER] = "offer",
};

const char *
rp_timeline_end_name (RpTimelineEnd end)
{
  return end_names[end];
}

const char *
rp_turn_part_name (RpTurnPart part)
{
  return part_names[part];
}

const char *
rp_timeline_tool_status_name (RpTimelineToolStatus status)
{
  return status_names[status];
}

const char *
rp_timeline_mark_name (RpTimelineMarkKind kind)
{
  return mark_names[kind];
}

/* Copies as much of @text (nullable) as fits, in whole characters. */
static void
copy_text (char *out, gsize size, const char *text)
{
  gsize len = text != NULL ? strlen (text) : 0;
  if (len >= size) {
    len = size - 1;
    while (len > 0 && ((guchar) text[len] & 0xc0) == 0x80)
      len--;
  }
  memset (out, 0, size);
  if (len > 0)
    memcpy (out, text, len);
}

void
rp_timeline_event_init (RpTimelineEvent *event, RpTimelineEventType type, gint64 at_us,
                        const char *text, const char *id)
{
  *event = (RpTimelineEvent){.type = type, .at_us = at_us};
  for (guint i = 0; i < RP_N_TURN_PARTS; i++)
    event->parts_us[i] = -1;
  copy_text (event->text, sizeof event->text, text);
  copy_text (event->id, sizeof event->id, id);
}

RpTimeline *
rp_timeline_new (gint64 begin_us)
{
  RpTimeline *self = g_new0 (RpTimeline, 1);
  self->begin_us = begin_us;
  self->turns = g_array_new (FALSE, FALSE, sizeof (RpTimelineTurn));
  self->spans = g_array_new (FALSE, FALSE, sizeof (RpTimelineSpan));
  self->tools = g_array_new (FALSE, FALSE, sizeof (RpTimelineTool));
  self->marks = g_array_new (FALSE, FALSE, sizeof (RpTimelineMark));
  self->barge_in_us = -1;
  return self;
}

void
rp_timeline_free (RpTimeline *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->turns);
  g_array_unref (self->spans);
  g_array_unref (self->tools);
  g_array_unref (self->marks);
  g_free (self);
}

/* --- entries --- */

static void
append (GArray *array, gconstpointer entry, guint max, guint *dropped)
{
  if (array->len >= max) {
    g_array_remove_index (array, 0);
    (*dropped)++;
  }
  g_array_append_vals (array, entry, 1);
}

static void
add_mark (RpTimeline *self, RpTimelineMarkKind kind, gint64 at_ms, const char *text)
{
  RpTimelineMark mark = {.at_ms = at_ms, .kind = kind};
  copy_text (mark.text, sizeof mark.text, text);
  append (self->marks, &mark, RP_TIMELINE_MAX_MARKS, &self->dropped.marks);
}

static RpTimelineSpan *
last_span (RpTimeline *self, gboolean is_agent)
{
  for (guint i = self->spans->len; i > 0; i--) {
    RpTimelineSpan *span = &g_array_index (self->spans, RpTimelineSpan, i - 1);
    if (span->is_agent == is_agent)
      return span;
  }
  return NULL;
}

static void
open_span (RpTimeline *self, gboolean is_agent, gint64 at_ms)
{
  const RpTimelineSpan span = {.from_ms = at_ms, .to_ms = -1, .is_agent = is_agent};
  append (self->spans, &span, RP_TIMELINE_MAX_SPANS, &self->dropped.spans);
}

static void
close_span (RpTimeline *self, gboolean is_agent, gint64 at_ms)
{
  RpTimelineSpan *span = last_span (self, is_agent);
  if (span != NULL && span->to_ms < 0)
    span->to_ms = MAX (at_ms, span->from_ms);
}

static RpTimelineTurn *
last_turn (RpTimeline *self)
{
  return self->turns->len > 0 ? &g_array_index (self->turns, RpTimelineTurn, self->turns->len - 1)
                              : NULL;
}

/* --- the user --- */

static void
user_started (RpTimeline *self, gint64 at_ms)
{
  if (self->user_speaks)
    return;
  self->user_speaks = TRUE;
  self->turn_is_spoken = FALSE;
  self->barge_in_us = -1;
  open_span (self, FALSE, at_ms);
}

static void
user_stopped (RpTimeline *self, gint64 at_ms)
{
  if (!self->user_speaks)
    return;
  self->user_speaks = FALSE;
  self->turn_is_spoken = TRUE;
  close_span (self, FALSE, at_ms);
}

static void
user_turn (RpTimeline *self, gint64 at_ms)
{
  const RpTimelineSpan *span = self->turn_is_spoken ? last_span (self, FALSE) : NULL;
  RpTimelineTurn turn = {
      .number = ++self->n_turns,
      .at_ms = at_ms,
      .user_from_ms = span != NULL ? span->from_ms : -1,
      .user_to_ms = span != NULL ? span->to_ms : -1,
      .agent_from_ms = -1,
      .agent_to_ms = -1,
  };
  for (guint i = 0; i < RP_N_TURN_PARTS; i++)
    turn.parts_us[i] = -1;
  turn.parts_us[RP_TURN_PART_BARGE_IN_STOP] = self->barge_in_us;
  self->barge_in_us = -1;
  self->turn_is_spoken = FALSE;
  append (self->turns, &turn, RP_TIMELINE_MAX_TURNS, &self->dropped.turns);
}

/* --- the agent --- */

static void
agent_audible (RpTimeline *self, gint64 at_ms)
{
  RpTimelineSpan *span = last_span (self, TRUE);
  RpTimelineTurn *turn = last_turn (self);
  gboolean answers = turn != NULL && turn->agent_from_ms < 0;
  if (span != NULL && !span->interrupted && !answers && span->to_ms >= 0 &&
      at_ms - span->to_ms <= RP_TIMELINE_PAUSE_US / 1000)
    span->to_ms = -1;
  else if (span == NULL || span->to_ms >= 0)
    open_span (self, TRUE, at_ms);
  if (answers)
    turn->agent_from_ms = at_ms;
  if (turn != NULL)
    turn->agent_to_ms = -1;
}

static void
agent_quiet (RpTimeline *self, gint64 at_ms)
{
  RpTimelineTurn *turn = last_turn (self);
  close_span (self, TRUE, at_ms);
  if (turn != NULL && turn->agent_from_ms >= 0 && turn->agent_to_ms < 0)
    turn->agent_to_ms = MAX (at_ms, turn->agent_from_ms);
}

static void
interrupted (RpTimeline *self, gint64 at_ms)
{
  RpTimelineSpan *span = last_span (self, TRUE);
  RpTimelineTurn *turn = last_turn (self);
  if (span != NULL)
    span->interrupted = TRUE;
  if (turn != NULL && turn->agent_from_ms >= 0)
    turn->interrupted = TRUE;
  add_mark (self, RP_TIMELINE_MARK_INTERRUPTED, at_ms, NULL);
}

/* --- where the time went --- */

/* The user's voice was there so long before the agent's fell silent. */
static void
take_barge_in (RpTimeline *self, gint64 barge_in_us)
{
  RpTimelineSpan *user = last_span (self, FALSE);
  const RpTimelineSpan *agent = last_span (self, TRUE);
  self->barge_in_us = barge_in_us;
  if (!self->user_speaks || user == NULL || agent == NULL || agent->to_ms < 0)
    return;
  gint64 onset_ms = agent->to_ms - barge_in_us / 1000;
  if (onset_ms >= agent->from_ms)
    user->from_ms = MIN (user->from_ms, onset_ms);
}

/* The voice had ended before it was decided that the turn had. */
static void
take_decision (RpTimelineTurn *turn, RpTimelineSpan *user, gint64 decision_us)
{
  if (turn->user_from_ms < 0)
    return;
  gint64 end_ms = MAX (turn->at_ms - decision_us / 1000, turn->user_from_ms);
  if (user != NULL && user->from_ms == turn->user_from_ms)
    user->to_ms = end_ms;
  turn->user_to_ms = end_ms;
}

static void
metrics (RpTimeline *self, const gint64 *parts_us)
{
  RpTimelineTurn *turn = last_turn (self);
  if (parts_us[RP_TURN_PART_BARGE_IN_STOP] >= 0)
    take_barge_in (self, parts_us[RP_TURN_PART_BARGE_IN_STOP]);
  for (guint i = 0; turn != NULL && i < RP_N_TURN_PARTS; i++) {
    if (i == RP_TURN_PART_BARGE_IN_STOP || parts_us[i] < 0 || turn->parts_us[i] >= 0)
      continue;
    turn->parts_us[i] = parts_us[i];
    if (i == RP_TURN_PART_TURN_DECISION)
      take_decision (turn, self->user_speaks ? NULL : last_span (self, FALSE), parts_us[i]);
  }
}

/* --- tools --- */

static RpTimelineTool *
running_tool (RpTimeline *self, const char *id)
{
  for (guint i = self->tools->len; i > 0; i--) {
    RpTimelineTool *tool = &g_array_index (self->tools, RpTimelineTool, i - 1);
    if (tool->status == RP_TIMELINE_TOOL_STATUS_STARTED && g_str_equal (tool->id, id))
      return tool;
  }
  return NULL;
}

static void
tool_started (RpTimeline *self, const RpTimelineEvent *event, gint64 at_ms)
{
  RpTimelineTool tool = {
      .from_ms = at_ms,
      .to_ms = -1,
      .turn = self->n_turns,
      .status = RP_TIMELINE_TOOL_STATUS_STARTED,
  };
  if (running_tool (self, event->id) != NULL)
    return;
  copy_text (tool.name, sizeof tool.name, event->text);
  copy_text (tool.id, sizeof tool.id, event->id);
  append (self->tools, &tool, RP_TIMELINE_MAX_TOOLS, &self->dropped.tools);
  self->tool_counts[RP_TIMELINE_TOOL_STATUS_STARTED]++;
}

static void
end_tool (RpTimeline *self, RpTimelineTool *tool, RpTimelineToolStatus status, gint64 at_ms)
{
  tool->status = status;
  tool->to_ms = MAX (at_ms, tool->from_ms);
  self->tool_counts[status]++;
}

static void
tool_ended (RpTimeline *self, const char *id, RpTimelineToolStatus status, gint64 at_ms)
{
  RpTimelineTool *tool = running_tool (self, id);
  if (tool != NULL)
    end_tool (self, tool, status, at_ms);
}

/* --- the connection, the worker, the end --- */

static void
ended (RpTimeline *self, const RpTimelineEvent *event, gint64 at_ms)
{
  self->ended = TRUE;
  self->end = event->end;
  self->failed = event->failed;
  copy_text (self->end_reason, sizeof self->end_reason, event->text);
  user_stopped (self, at_ms);
  agent_quiet (self, at_ms);
  for (guint i = 0; i < self->tools->len; i++) {
    RpTimelineTool *tool = &g_array_index (self->tools, RpTimelineTool, i);
    if (tool->status == RP_TIMELINE_TOOL_STATUS_STARTED)
      end_tool (self, tool, RP_TIMELINE_TOOL_STATUS_CANCELLED, at_ms);
  }
  add_mark (self, RP_TIMELINE_MARK_ENDED, at_ms, event->text);
}

static void
worker_ready (RpTimeline *self, gint64 at_ms)
{
  if (self->worker_missing)
    add_mark (self, RP_TIMELINE_MARK_WORKER_REPLACED, at_ms, NULL);
  self->worker_missing = FALSE;
}

static void
worker_lost (RpTimeline *self, const RpTimelineEvent *event, gint64 at_ms)
{
  self->worker_missing = TRUE;
  /* Whether the user still speaks is for the next one to find out. */
  user_stopped (self, at_ms);
  self->turn_is_spoken = FALSE;
  add_mark (self, RP_TIMELINE_MARK_WORKER_LOST, at_ms, event->text);
}

static void
connected (RpTimeline *self, gint64 at_ms)
{
  add_mark (self, self->was_connected ? RP_TIMELINE_MARK_RECONNECTED : RP_TIMELINE_MARK_CONNECTED,
            at_ms, NULL);
  self->was_connected = TRUE;
}

void
rp_timeline_input (RpTimeline *self, const RpTimelineEvent *event)
{
  gint64 at_ms = MAX (event->at_us - self->begin_us, 0) / 1000;
  if (self->ended)
    return;
  switch (event->type) {
  case RP_TIMELINE_CONNECTED:
    connected (self, at_ms);
    break;
  case RP_TIMELINE_DISCONNECTED:
    add_mark (self, RP_TIMELINE_MARK_DISCONNECTED, at_ms, event->text);
    break;
  case RP_TIMELINE_RESTARTED:
    add_mark (self, RP_TIMELINE_MARK_RESTART, at_ms, NULL);
    break;
  case RP_TIMELINE_ICE_RESTARTED:
    add_mark (self, RP_TIMELINE_MARK_ICE_RESTART, at_ms, NULL);
    break;
  case RP_TIMELINE_WORKER_LOST:
    worker_lost (self, event, at_ms);
    break;
  case RP_TIMELINE_WORKER_READY:
    worker_ready (self, at_ms);
    break;
  case RP_TIMELINE_USER_STARTED:
    user_started (self, at_ms);
    break;
  case RP_TIMELINE_USER_STOPPED:
    user_stopped (self, at_ms);
    break;
  case RP_TIMELINE_USER_TURN:
    user_turn (self, at_ms);
    break;
  case RP_TIMELINE_AGENT_AUDIBLE:
    agent_audible (self, at_ms);
    break;
  case RP_TIMELINE_AGENT_QUIET:
    agent_quiet (self, at_ms);
    break;
  case RP_TIMELINE_INTERRUPTED:
    interrupted (self, at_ms);
    break;
  case RP_TIMELINE_METRICS:
    metrics (self, event->parts_us);
    break;
  case RP_TIMELINE_TOOL_STARTED:
    tool_started (self, event, at_ms);
    break;
  case RP_TIMELINE_TOOL_DONE:
    tool_ended (self, event->id, RP_TIMELINE_TOOL_STATUS_DONE, at_ms);
    break;
  case RP_TIMELINE_TOOL_FAILED:
    tool_ended (self, event->id, RP_TIMELINE_TOOL_STATUS_FAILED, at_ms);
    break;
  case RP_TIMELINE_TOOL_CANCELLED:
    tool_ended (self, event->id, RP_TIMELINE_TOOL_STATUS_CANCELLED, at_ms);
    break;
  case RP_TIMELINE_SILENT:
    self->turn_is_spoken = FALSE;
    add_mark (self, RP_TIMELINE_MARK_SILENT, at_ms, event->text);
    break;
  case RP_TIMELINE_ENDED:
    ended (self, event, at_ms);
    break;
  case RP_TIMELINE_N_EVENTS:
    break;
  }
}

/* --- what is told --- */

static gconstpointer
entries (const GArray *array, guint *out_n)
{
  *out_n = array->len;
  return array->len > 0 ? array->data : NULL;
}

const RpTimelineTurn *
rp_timeline_turns (const RpTimeline *self, guint *out_n)
{
  return entries (self->turns, out_n);
}

const RpTimelineSpan *
rp_timeline_spans (const RpTimeline *self, guint *out_n)
{
  return entries (self->spans, out_n);
}

const RpTimelineTool *
rp_timeline_tools (const RpTimeline *self, guint *out_n)
{
  return entries (self->tools, out_n);
}

const RpTimelineMark *
rp_timeline_marks (const RpTimeline *self, guint *out_n)
{
  return entries (self->marks, out_n);
}

void
rp_timeline_dropped (const RpTimeline *self, RpTimelineDropped *out)
{
  *out = self->dropped;
}

const guint64 *
rp_timeline_tool_counts (const RpTimeline *self)
{
  return self->tool_counts;
}

gboolean
rp_timeline_has_ended (const RpTimeline *self)
{
  return self->ended;
}

gboolean
rp_timeline_has_failed (const RpTimeline *self)
{
  return self->failed;
}

RpTimelineEnd
rp_timeline_end (const RpTimeline *self)
{
  return self->end;
}

const char *
rp_timeline_end_reason (const RpTimeline *self)
{
  return self->end_reason;
}

static gint
compare_us (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a;
  gint64 y = *(const gint64 *) b;
  return (x > y) - (x < y);
}

gint64
rp_timeline_median_voice_to_voice_us (const RpTimeline *self)
{
  gint64 values[RP_TIMELINE_MAX_TURNS];
  guint n = 0;
  for (guint i = 0; i < self->turns->len; i++) {
    gint64 us =
        g_array_index (self->turns, RpTimelineTurn, i).parts_us[RP_TURN_PART_VOICE_TO_VOICE];
    if (us >= 0)
      values[n++] = us;
  }
  if (n == 0)
    return -1;
  qsort (values, n, sizeof values[0], compare_us);
  return values[(n - 1) / 2];
}
