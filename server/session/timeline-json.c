#include "timeline-json.h"

static void
add_count (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

/* A time that may be unknown or still to come. */
static void
add_ms (JsonBuilder *builder, const char *name, gint64 ms)
{
  json_builder_set_member_name (builder, name);
  if (ms < 0)
    json_builder_add_null_value (builder);
  else
    json_builder_add_int_value (builder, ms);
}

static void
add_us_as_ms (JsonBuilder *builder, const char *name, gint64 us)
{
  json_builder_set_member_name (builder, name);
  if (us < 0)
    json_builder_add_null_value (builder);
  else
    json_builder_add_double_value (builder, (double) us / 1000);
}

static void
add_text (JsonBuilder *builder, const char *name, const char *text)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, text);
}

static void
add_flag (JsonBuilder *builder, const char *name, gboolean value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

static void
begin_array (JsonBuilder *builder, const char *name)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
}

static void
add_turns (JsonBuilder *builder, const RpTimeline *timeline)
{
  guint n = 0;
  const RpTimelineTurn *turns = rp_timeline_turns (timeline, &n);
  begin_array (builder, "turns");
  for (guint i = 0; i < n; i++) {
    const RpTimelineTurn *turn = &turns[i];
    json_builder_begin_object (builder);
    add_count (builder, "n", turn->number);
    add_ms (builder, "at_ms", turn->at_ms);
    add_flag (builder, "typed", turn->user_from_ms < 0);
    add_ms (builder, "user_from_ms", turn->user_from_ms);
    add_ms (builder, "user_to_ms", turn->user_to_ms);
    add_ms (builder, "agent_from_ms", turn->agent_from_ms);
    add_ms (builder, "agent_to_ms", turn->agent_to_ms);
    add_flag (builder, "interrupted", turn->interrupted);
    for (guint part = 0; part < RP_N_TURN_PARTS; part++) {
      g_autofree char *member = g_strdup_printf ("%s_ms", rp_turn_part_name ((RpTurnPart) part));
      add_us_as_ms (builder, member, turn->parts_us[part]);
    }
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}

static void
add_spans (JsonBuilder *builder, const RpTimeline *timeline)
{
  guint n = 0;
  const RpTimelineSpan *spans = rp_timeline_spans (timeline, &n);
  begin_array (builder, "spans");
  for (guint i = 0; i < n; i++) {
    json_builder_begin_object (builder);
    add_text (builder, "who", spans[i].is_agent ? "agent" : "user");
    add_ms (builder, "from_ms", spans[i].from_ms);
    add_ms (builder, "to_ms", spans[i].to_ms);
    add_flag (builder, "interrupted", spans[i].interrupted);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}

static void
add_tools (JsonBuilder *builder, const RpTimeline *timeline)
{
  guint n = 0;
  const RpTimelineTool *tools = rp_timeline_tools (timeline, &n);
  begin_array (builder, "tools");
  for (guint i = 0; i < n; i++) {
    json_builder_begin_object (builder);
    add_text (builder, "name", tools[i].name);
    add_text (builder, "status", rp_timeline_tool_status_name (tools[i].status));
    add_count (builder, "turn", tools[i].turn);
    add_ms (builder, "from_ms", tools[i].from_ms);
    add_ms (builder, "to_ms", tools[i].to_ms);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}

static void
add_marks (JsonBuilder *builder, const RpTimeline *timeline)
{
  guint n = 0;
  const RpTimelineMark *marks = rp_timeline_marks (timeline, &n);
  begin_array (builder, "marks");
  for (guint i = 0; i < n; i++) {
    json_builder_begin_object (builder);
    add_ms (builder, "at_ms", marks[i].at_ms);
    add_text (builder, "kind", rp_timeline_mark_name (marks[i].kind));
    if (marks[i].text[0] != '\0')
      add_text (builder, "text", marks[i].text);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}

void
rp_timeline_json_add (JsonBuilder *builder, const RpTimeline *timeline)
{
  RpTimelineDropped dropped;
  add_turns (builder, timeline);
  add_spans (builder, timeline);
  add_tools (builder, timeline);
  add_marks (builder, timeline);
  rp_timeline_dropped (timeline, &dropped);
  json_builder_set_member_name (builder, "dropped");
  json_builder_begin_object (builder);
  add_count (builder, "turns", dropped.turns);
  add_count (builder, "spans", dropped.spans);
  add_count (builder, "tools", dropped.tools);
  add_count (builder, "marks", dropped.marks);
  json_builder_end_object (builder);
}

void
rp_timeline_json_add_end (JsonBuilder *builder, const RpTimeline *timeline)
{
  add_flag (builder, "failed", rp_timeline_has_failed (timeline));
  if (rp_timeline_has_ended (timeline)) {
    add_text (builder, "end", rp_timeline_end_name (rp_timeline_end (timeline)));
    add_text (builder, "end_reason", rp_timeline_end_reason (timeline));
    return;
  }
  json_builder_set_member_name (builder, "end");
  json_builder_add_null_value (builder);
  json_builder_set_member_name (builder, "end_reason");
  json_builder_add_null_value (builder);
}

void
rp_timeline_json_add_recent (JsonBuilder *builder, const char *id, const char *agent,
                             const RpTimelineJsonTimes *times, const RpCallSnapshot *snapshot,
                             const RpTimeline *timeline)
{
  json_builder_begin_object (builder);
  add_text (builder, "id", id);
  add_text (builder, "agent", agent);
  add_count (builder, "started_at", times->started_unix_ms);
  json_builder_set_member_name (builder, "duration_s");
  json_builder_add_double_value (builder, (double) (times->age_us / 1000) / 1000);
  add_count (builder, "turns", snapshot->turns);
  add_flag (builder, "failed", rp_timeline_has_failed (timeline));
  add_text (builder, "end", rp_timeline_end_name (rp_timeline_end (timeline)));
  add_text (builder, "reason", rp_timeline_end_reason (timeline));
  json_builder_set_member_name (builder, "loss");
  json_builder_add_double_value (builder, (double) (gint64) (snapshot->loss_in * 10000) / 10000);
  add_us_as_ms (builder, "voice_to_voice_ms", rp_timeline_median_voice_to_voice_us (timeline));
  json_builder_end_object (builder);
}

/* --- the history --- */

/* Four decimals at most; negative: null. */
static void
append_known (GString *json, const char *name, double value)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  g_string_append_printf (json, ",\"%s\":", name);
  if (value < 0)
    g_string_append (json, "null");
  else
    g_string_append (json, g_ascii_formatd (number, sizeof number, "%.6g",
                                            (double) (gint64) (value * 1e4 + 0.5) / 1e4));
}

static double
ms (gint64 us)
{
  return us < 0 ? -1 : (double) us / 1000;
}

static void
append_latency (GString *json, const char *name, const RpHistoryLatency *latency)
{
  gboolean known = latency->n > 0;
  g_string_append_printf (json, ",\"%s\":{\"n\":%" G_GUINT64_FORMAT, name, latency->n);
  append_known (json, "p50", known ? ms (latency->p50_us) : -1);
  append_known (json, "p95", known ? ms (latency->p95_us) : -1);
  g_string_append_c (json, '}');
}

char *
rp_timeline_json_history (const RpHistory *history)
{
  GString *json = g_string_new (NULL);
  g_string_append_printf (json, "{\"interval_s\":%d,\"points\":[", RP_HISTORY_INTERVAL_S);
  for (guint i = 0; i < rp_history_length (history); i++) {
    const RpHistoryPoint *point = rp_history_get (history, i);
    g_string_append_printf (
        json, "%s{\"t\":%" G_GINT64_FORMAT ",\"active\":%u,\"idle\":%u,\"busy\":%u",
        i > 0 ? "," : "", point->unix_s, point->active, point->idle, point->busy);
    append_known (json, "tick_late_p99_ms", ms (point->tick_late_p99_us));
    append_known (json, "loss", point->loss);
    append_known (json, "jitter_ms", ms (point->jitter_us));
    append_latency (json, "voice_to_voice", &point->voice_to_voice);
    append_latency (json, "barge_in", &point->barge_in);
    g_string_append_printf (json, ",\"started\":%u,\"failed\":%u,\"refused\":%u}", point->started,
                            point->failed, point->refused);
  }
  g_string_append (json, "]}\n");
  return g_string_free (json, FALSE);
}
