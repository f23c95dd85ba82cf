#include "report.h"

#include "json.h"

#include <math.h>
#include <string.h>
#include <sys/resource.h>

static void
add_int (JsonBuilder *b, const char *name, gint64 value)
{
  json_builder_set_member_name (b, name);
  json_builder_add_int_value (b, value);
}

static void
add_number (JsonBuilder *b, const char *name, double value)
{
  json_builder_set_member_name (b, name);
  json_builder_add_double_value (b, round (value * 1000) / 1000);
}

static void
begin (JsonBuilder *b, const char *name)
{
  json_builder_set_member_name (b, name);
  json_builder_begin_object (b);
}

static double
percentile_ms (const RpHistogram *h, double percent)
{
  return (double) rp_histogram_percentile_us (h, percent) / 1000;
}

static void
add_percentiles (JsonBuilder *b, const char *name, const RpHistogram *h)
{
  begin (b, name);
  add_number (b, "p50", percentile_ms (h, 50));
  add_number (b, "p95", percentile_ms (h, 95));
  add_number (b, "p99", percentile_ms (h, 99));
  add_number (b, "max", (double) rp_histogram_max_us (h) / 1000);
  add_int (b, "n", (gint64) rp_histogram_count (h));
  json_builder_end_object (b);
}

static JsonObject *
parse (const char *text)
{
  return text ? rp_json_parse_object (text, strlen (text), 0, NULL) : NULL;
}

/* The worst of the loops. */
static void
add_loops (JsonBuilder *b, JsonObject *stats)
{
  JsonArray *loops = rp_json_array (stats, "loops");
  double p99 = 0;
  double max = 0;
  gint64 skipped = 0;
  gint64 refused = 0;

  for (guint i = 0; loops && i < json_array_get_length (loops); i++) {
    JsonObject *loop = rp_json_array_object (loops, i);
    JsonObject *late = rp_json_object (loop, "tick_late_ms");
    p99 = MAX (p99, rp_json_double (late, "p99", 0));
    max = MAX (max, rp_json_double (late, "max", 0));
    skipped += rp_json_int (loop, "ticks_skipped", 0);
    refused += rp_json_int (loop, "commands_refused", 0);
  }
  add_number (b, "tick_late_p99_ms", p99);
  add_number (b, "tick_late_max_ms", max);
  add_int (b, "ticks_skipped", skipped);
  add_int (b, "commands_refused", refused);
}

/* Of the intervals that lie within the phase; NAN when none does. */
static double
worst_tick_late_ms (const RpLoadPhase *phase)
{
  g_autoptr (JsonObject) history = parse (phase->history);
  JsonArray *points = rp_json_array (history, "points");
  gint64 interval_s = rp_json_int (history, "interval_s", 10);
  gint64 ended_s = phase->begun_unix_s + (phase->ended_us - phase->begun_us) / G_USEC_PER_SEC;
  double worst = NAN;

  for (guint i = 0; points && i < json_array_get_length (points); i++) {
    JsonObject *point = rp_json_array_object (points, i);
    gint64 t = rp_json_int (point, "t", 0);
    double late = rp_json_double (point, "tick_late_p99_ms", NAN);
    if (t - interval_s >= phase->begun_unix_s && t <= ended_s && !isnan (late))
      worst = isnan (worst) ? late : MAX (worst, late);
  }
  return worst;
}

static void
add_stats (JsonBuilder *b, const RpLoadPhase *phase)
{
  static const char *const copied[] = {"sessions", "workers", "latency_ms", "admission"};
  g_autoptr (JsonObject) stats = parse (phase->stats);
  double worst = worst_tick_late_ms (phase);

  if (!stats)
    return;
  begin (b, "stats");
  add_loops (b, stats);
  if (!isnan (worst))
    add_number (b, "tick_late_p99_worst_10s_ms", worst);
  for (gsize i = 0; i < G_N_ELEMENTS (copied); i++) {
    JsonNode *node = rp_json_member (stats, copied[i]);
    if (!node)
      continue;
    json_builder_set_member_name (b, copied[i]);
    json_builder_add_value (b, json_node_copy (node));
  }
  json_builder_end_object (b);
}

static double
seconds (const RpLoadPhase *phase)
{
  return (double) (phase->ended_us - phase->begun_us) / G_USEC_PER_SEC;
}

/* By what was really there: each call sends and hears 50 packets a second. */
static double
call_seconds (const RpLoadPhase *phase)
{
  return (double) phase->tally.packets_sent / 50;
}

static double
per_call_second (const RpLoadPhase *phase, gint64 cpu_us)
{
  double n = call_seconds (phase);
  return n > 0 ? (double) cpu_us / 1000 / n : 0;
}

/* What the watched processes used between two looks, a little apart from the phase itself. */
typedef struct {
  double root_ms; /* per call-second */
  double rest_ms;
  double cores;
} Watched;

static gboolean
watched (const RpLoadPhase *phase, Watched *out)
{
  gint64 span_us = phase->after.at_us - phase->before.at_us;
  gint64 root_us = phase->after.root_cpu_us - phase->before.root_cpu_us;
  gint64 rest_us = phase->after.rest_cpu_us - phase->before.rest_cpu_us;

  if (phase->before.at_us == 0 || phase->after.at_us == 0 || span_us <= 0)
    return FALSE;
  double scale = seconds (phase) * G_USEC_PER_SEC / (double) span_us;
  out->root_ms = per_call_second (phase, root_us) * scale;
  out->rest_ms = per_call_second (phase, rest_us) * scale;
  out->cores = (double) (root_us + rest_us) / (double) span_us;
  return TRUE;
}

static void
add_watched (JsonBuilder *b, const RpLoadPhase *phase)
{
  Watched w;

  if (!watched (phase, &w))
    return;
  begin (b, "watched");
  add_number (b, "root_cpu_ms_per_call_second", w.root_ms);
  add_number (b, "rest_cpu_ms_per_call_second", w.rest_ms);
  add_number (b, "cores", w.cores);
  add_number (b, "root_pss_mb", (double) phase->after.root_pss_bytes / (1 << 20));
  add_number (b, "rest_pss_mb", (double) phase->after.rest_pss_bytes / (1 << 20));
  add_int (b, "processes", phase->after.processes);
  json_builder_end_object (b);
}

static double
own_cost (const RpLoadPhase *phase)
{
  return per_call_second (phase, phase->own_cpu_us);
}

static double
share (guint64 part, guint64 whole)
{
  return whole > 0 ? (double) part / (double) whole : 0;
}

static void
add_phase (JsonBuilder *b, const RpLoadPhase *phase)
{
  const RpLoadTally *t = &phase->tally;

  json_builder_begin_object (b);
  add_int (b, "calls", phase->calls);
  add_int (b, "up", phase->up);
  add_number (b, "seconds", seconds (phase));
  add_percentiles (b, "setup_ms", t->setup);
  add_percentiles (b, "bot_ready_ms", t->bot_ready);
  add_percentiles (b, "interval_ms", t->wire.interval);
  add_percentiles (b, "late_ms", t->wire.late);
  add_int (b, "gaps_over_40ms", (gint64) t->wire.gaps);
  add_int (b, "packets", (gint64) t->wire.packets);
  add_int (b, "lost", (gint64) t->wire.lost);
  add_int (b, "duplicates", (gint64) t->wire.duplicates);
  add_int (b, "reordered", (gint64) t->wire.reordered);
  add_int (b, "undecipherable", (gint64) t->undecipherable);
  add_int (b, "packets_sent", (gint64) t->packets_sent);
  add_number (b, "caller_talk_share", share (t->speech_sent, t->packets_sent));
  add_number (b, "agent_talk_share", share (t->sound, t->wire.packets));
  add_percentiles (b, "voice_to_voice_ms", t->voice_to_voice);
  add_int (b, "answers_missing", (gint64) t->answers_missing);
  add_int (b, "answers_early", (gint64) t->answers_early);
  add_stats (b, phase);
  add_watched (b, phase);
  begin (b, "own");
  add_number (b, "cpu_ms_per_call_second", own_cost (phase));
  add_percentiles (b, "late_ms", t->own_late);
  add_int (b, "frames_skipped", (gint64) t->frames_skipped);
  add_int (b, "stalls", (gint64) t->stalls);
  json_builder_end_object (b);
  json_builder_end_object (b);
}

static void
add_calls (JsonBuilder *b, const RpLoadOutcome *o)
{
  GHashTableIter iter;
  gpointer reason;
  gpointer n;

  begin (b, "calls");
  add_int (b, "attempted", (gint64) o->attempted);
  add_int (b, "connected", (gint64) o->connected);
  add_int (b, "refused", (gint64) o->refused);
  if (o->retry_after_s >= 0)
    add_int (b, "retry_after_s", o->retry_after_s);
  begin (b, "failed");
  g_hash_table_iter_init (&iter, o->reasons);
  while (g_hash_table_iter_next (&iter, &reason, &n))
    add_int (b, reason, GPOINTER_TO_UINT (n));
  json_builder_end_object (b);
  begin (b, "killed");
  for (guint stage = RP_LOAD_STAGE_HTTP; stage < RP_LOAD_N_STAGES; stage++)
    if (o->killed[stage] > 0)
      add_int (b, rp_load_stage_name (stage), (gint64) o->killed[stage]);
  json_builder_end_object (b);
  json_builder_end_object (b);
}

static void
add_own (JsonBuilder *b, GPtrArray *phases)
{
  struct rusage usage;
  double cost = 0;
  double late = 0;

  getrusage (RUSAGE_SELF, &usage);
  for (guint i = 0; i < phases->len; i++) {
    const RpLoadPhase *phase = g_ptr_array_index (phases, i);
    cost = MAX (cost, own_cost (phase));
    late = MAX (late, percentile_ms (phase->tally.own_late, 99));
  }
  begin (b, "own");
  add_number (b, "cpu_ms_per_call_second", cost);
  add_number (b, "max_rss_mb", (double) usage.ru_maxrss / 1024);
  add_number (b, "late_ms_p99", late);
  json_builder_end_object (b);
}

char *
rp_load_report_json (const RpLoadOptions *options, RpLoadFleet *fleet)
{
  JsonBuilder *b = json_builder_new ();
  GPtrArray *phases = rp_load_fleet_phases (fleet);
  const RpLoadOutcome *outcome = rp_load_fleet_outcome (fleet);

  json_builder_begin_object (b);
  json_builder_set_member_name (b, "ok");
  json_builder_add_boolean_value (b, rp_load_report_ok (fleet));
  json_builder_set_member_name (b, "interrupted");
  json_builder_add_boolean_value (b, outcome->interrupted);
  json_builder_set_member_name (b, "url");
  json_builder_add_string_value (b, options->url);
  add_calls (b, outcome);
  json_builder_set_member_name (b, "phases");
  json_builder_begin_array (b);
  for (guint i = 0; i < phases->len; i++)
    add_phase (b, g_ptr_array_index (phases, i));
  json_builder_end_array (b);
  add_own (b, phases);
  json_builder_end_object (b);
  return rp_json_builder_to_string (b);
}

static void
print_phase (GString *out, const RpLoadPhase *phase)
{
  const RpLoadTally *t = &phase->tally;
  g_autoptr (JsonObject) stats = parse (phase->stats);
  double worst = worst_tick_late_ms (phase);
  Watched w;

  g_string_append_printf (
      out, "%5u %5u %6.1f %7.1f %8.1f %8.1f %7.1f %7.1f %6" G_GUINT64_FORMAT " %6" G_GUINT64_FORMAT,
      phase->calls, phase->up, percentile_ms (t->setup, 50), percentile_ms (t->setup, 95),
      percentile_ms (t->wire.interval, 99), (double) rp_histogram_max_us (t->wire.interval) / 1000,
      percentile_ms (t->wire.late, 99), (double) rp_histogram_max_us (t->wire.late) / 1000,
      t->wire.gaps, t->wire.lost);
  g_string_append_printf (out, " %6.0f %6.0f %5" G_GUINT64_FORMAT " %4" G_GUINT64_FORMAT,
                          percentile_ms (t->voice_to_voice, 50),
                          percentile_ms (t->voice_to_voice, 95),
                          rp_histogram_count (t->voice_to_voice), t->answers_missing);
  if (stats && !isnan (worst))
    g_string_append_printf (out, " %8.2f", worst);
  else
    g_string_append (out, "        -");
  g_string_append_printf (out, " %6.2f %7.2f", own_cost (phase), percentile_ms (t->own_late, 99));
  if (watched (phase, &w))
    g_string_append_printf (out, " %6.2f %6.2f", w.root_ms, w.rest_ms);
  g_string_append_c (out, '\n');
}

char *
rp_load_report_text (RpLoadFleet *fleet)
{
  GString *out = g_string_new (NULL);
  GPtrArray *phases = rp_load_fleet_phases (fleet);
  const RpLoadOutcome *o = rp_load_fleet_outcome (fleet);
  GHashTableIter iter;
  gpointer reason;
  gpointer n;

  g_string_append (out, "            set-up ms   interval ms       late ms                 "
                        "voice to voice ms      tick late   own: CPU, late  server CPU\n"
                        "calls    up    p50     p95      p99      max     p99     max   gaps   lost"
                        "    p50    p95     n miss   p99 ms ms/c.s  p99 ms   root   rest\n");
  for (guint i = 0; i < phases->len; i++)
    print_phase (out, g_ptr_array_index (phases, i));
  g_string_append_printf (out,
                          "%" G_GUINT64_FORMAT " calls: %" G_GUINT64_FORMAT
                          " connected, %" G_GUINT64_FORMAT " refused, %" G_GUINT64_FORMAT " failed",
                          o->attempted, o->connected, o->refused, o->failed);
  for (guint stage = RP_LOAD_STAGE_HTTP; stage < RP_LOAD_N_STAGES; stage++)
    if (o->killed[stage] > 0)
      g_string_append_printf (out, ", %" G_GUINT64_FORMAT " killed at %s", o->killed[stage],
                              rp_load_stage_name (stage));
  g_string_append_c (out, '\n');
  g_hash_table_iter_init (&iter, o->reasons);
  while (g_hash_table_iter_next (&iter, &reason, &n))
    g_string_append_printf (out, "  %u failed: %s\n", GPOINTER_TO_UINT (n), (const char *) reason);
  return g_string_free (out, FALSE);
}

gboolean
rp_load_report_ok (RpLoadFleet *fleet)
{
  const RpLoadOutcome *o = rp_load_fleet_outcome (fleet);
  return o->attempted > 0 && o->failed == 0 && o->refused == 0;
}
