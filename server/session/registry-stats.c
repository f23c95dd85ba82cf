#include "registry-private.h"
#include "timeline-json.h"

#include "json.h"
#include "log.h"

static void
add_int (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_double (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_double_value (builder, value);
}

static void
add_sessions (JsonBuilder *builder, RpRegistry *registry)
{
  json_builder_set_member_name (builder, "sessions");
  json_builder_begin_object (builder);
  add_int (builder, "active", g_hash_table_size (registry->entries));
  add_int (builder, "total", (gint64) registry->monitor->began);
  add_int (builder, "peak", registry->peak);
  add_int (builder, "failed", (gint64) registry->monitor->failed);
  add_int (builder, "refused", (gint64) rp_monitor_all_refused (registry->monitor));
  add_int (builder, "max", registry->config->max_sessions);
  json_builder_end_object (builder);
}

static void
add_workers (JsonBuilder *builder, RpRegistry *registry)
{
  RpPoolStats stats;
  rp_pool_stats (registry->pool, &stats);
  json_builder_set_member_name (builder, "workers");
  json_builder_begin_object (builder);
  add_int (builder, "idle", stats.idle);
  add_int (builder, "starting", stats.starting);
  add_int (builder, "busy", stats.busy);
  add_int (builder, "waiting", stats.waiting);
  add_int (builder, "restarts", stats.restarts);
  json_builder_end_object (builder);
}

static void
add_loops (JsonBuilder *builder, RpRegistry *registry)
{
  json_builder_set_member_name (builder, "loops");
  json_builder_begin_array (builder);
  for (guint i = 0; i < registry->loops->len; i++) {
    const RpRegistryLoop *slot = &g_array_index (registry->loops, RpRegistryLoop, i);
    RpLoopStats stats;
    rp_loop_stats (slot->loop, &stats);
    json_builder_begin_object (builder);
    json_builder_set_member_name (builder, "tick_late_ms");
    json_builder_begin_object (builder);
    add_double (builder, "p50", (double) stats.late_p50_us / 1000);
    add_double (builder, "p99", (double) stats.late_p99_us / 1000);
    add_double (builder, "max", (double) stats.late_max_us / 1000);
    json_builder_end_object (builder);
    add_int (builder, "sessions", slot->sessions);
    add_int (builder, "ticks_skipped", (gint64) stats.skipped);
    add_int (builder, "commands_refused", (gint64) stats.posted_refused);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}

static void
add_latencies (JsonBuilder *builder, RpRegistry *registry)
{
  json_builder_set_member_name (builder, "latency_ms");
  json_builder_begin_object (builder);
  for (guint i = 0; i < RP_N_LATENCIES; i++)
    if (i != RP_LATENCY_BARGE_IN_STOP)
      rp_call_stats_add_histogram (builder, rp_latency_name ((RpLatency) i),
                                   registry->latencies[i]);
  json_builder_end_object (builder);
  rp_call_stats_add_histogram (builder, "barge_in_stop_ms",
                               registry->latencies[RP_LATENCY_BARGE_IN_STOP]);
}

static void
add_calls (JsonBuilder *builder, RpRegistry *registry, gint64 now_us)
{
  GHashTableIter iter;
  gpointer value = NULL;
  json_builder_set_member_name (builder, "calls");
  json_builder_begin_array (builder);
  g_hash_table_iter_init (&iter, registry->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const RpCall *call = ((RpRegistryEntry *) value)->call;
    rp_call_stats_add_call (builder, rp_call_short_id (call), rp_call_agent (call),
                            now_us - rp_call_started_us (call), rp_call_snapshot (call));
  }
  json_builder_end_array (builder);
}

/* The monotonic clock's time as the calendar's, in ms. */
static gint64
unix_ms (gint64 at_us)
{
  return (g_get_real_time () - rp_loop_now_us () + at_us) / 1000;
}

static void
add_recent (JsonBuilder *builder, RpRegistry *registry)
{
  json_builder_set_member_name (builder, "recent");
  json_builder_begin_array (builder);
  for (GList *l = registry->monitor->recent.head; l != NULL; l = l->next) {
    const RpCallRecord *record = l->data;
    gint64 started_us = rp_call_started_us (record->call);
    const RpTimelineJsonTimes times = {unix_ms (started_us), record->ended_us - started_us};
    rp_timeline_json_add_recent (builder, rp_call_short_id (record->call),
                                 rp_call_agent (record->call), &times,
                                 rp_call_snapshot (record->call), rp_call_timeline (record->call));
  }
  json_builder_end_array (builder);
}

/* One call with its timeline. @ended_us: 0 = it runs */
static char *
call_json (const RpCall *call, gint64 ended_us)
{
  const RpTimeline *timeline = rp_call_timeline (call);
  const char *state = rp_call_state_name (rp_call_snapshot (call)->state);
  gint64 started_us = rp_call_started_us (call);
  gint64 until_us = ended_us != 0 ? ended_us : rp_loop_now_us ();
  JsonBuilder *builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "id");
  json_builder_add_string_value (builder, rp_call_short_id (call));
  json_builder_set_member_name (builder, "agent");
  json_builder_add_string_value (builder, rp_call_agent (call));
  json_builder_set_member_name (builder, "state");
  json_builder_add_string_value (builder, ended_us != 0 ? "ended" : state);
  add_int (builder, "started_at", unix_ms (started_us));
  add_double (builder, "age_s", (double) ((until_us - started_us) / 1000) / 1000);
  json_builder_set_member_name (builder, "ended");
  json_builder_add_boolean_value (builder, ended_us != 0);
  rp_timeline_json_add_end (builder, timeline);
  rp_timeline_json_add (builder, timeline);
  json_builder_end_object (builder);
  return rp_json_builder_to_string (builder);
}

char *
rp_registry_call_stats (RpRegistry *registry, const char *short_id)
{
  GHashTableIter iter;
  gpointer value = NULL;
  g_hash_table_iter_init (&iter, registry->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const RpCall *call = ((RpRegistryEntry *) value)->call;
    if (g_str_equal (rp_call_short_id (call), short_id))
      return call_json (call, 0);
  }
  for (GList *l = registry->monitor->recent.head; l != NULL; l = l->next) {
    const RpCallRecord *record = l->data;
    if (g_str_equal (rp_call_short_id (record->call), short_id))
      return call_json (record->call, record->ended_us);
  }
  return NULL;
}

char *
rp_registry_history (RpRegistry *registry)
{
  return rp_timeline_json_history (registry->monitor->history);
}

static void
add_ice_tcp (JsonBuilder *builder, RpRegistry *registry)
{
  RpIceTcpCounters counters;
  if (registry->session.ice_tcp == NULL)
    return;
  rp_ice_tcp_counters (registry->session.ice_tcp, &counters);
  json_builder_set_member_name (builder, "ice_tcp");
  json_builder_begin_object (builder);
  add_int (builder, "open", counters.open);
  add_int (builder, "accepted", (gint64) counters.accepted);
  add_int (builder, "refused", (gint64) counters.refused);
  add_int (builder, "dropped", (gint64) counters.dropped);
  json_builder_end_object (builder);
}

char *
rp_registry_stats (RpRegistry *registry)
{
  gint64 now_us = rp_loop_now_us ();
  JsonBuilder *builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "version");
  json_builder_add_string_value (builder, RP_VERSION);
  add_double (builder, "uptime_s", (double) ((now_us - registry->started_us) / 1000) / 1000);
  json_builder_set_member_name (builder, "draining");
  json_builder_add_boolean_value (builder, registry->draining);
  add_sessions (builder, registry);
  add_workers (builder, registry);
  add_loops (builder, registry);
  rp_registry_admission_stats (registry, builder);
  add_ice_tcp (builder, registry);
  add_latencies (builder, registry);
  add_int (builder, "log_dropped", (gint64) rp_log_dropped ());
  add_calls (builder, registry, now_us);
  add_recent (builder, registry);
  json_builder_end_object (builder);
  return rp_json_builder_to_string (builder);
}
