#include "registry-private.h"

#include "log.h"

/* Upper bounds of the histograms' buckets, in µs: what people notice lies between 0.2 and 2 s. */
static const gint64 answer_bounds_us[] = {50000,   100000,  150000,  200000,  250000,  300000,
                                          350000,  400000,  500000,  600000,  800000,  1000000,
                                          1500000, 2000000, 3000000, 5000000, 10000000};
/* Parts of it, down to what the bundled models need. */
static const gint64 part_bounds_us[] = {1000,   2500,   5000,   10000,   25000,   50000,
                                        75000,  100000, 150000, 200000,  250000,  300000,
                                        400000, 500000, 750000, 1000000, 2000000, 5000000};
/* A tick is 2 ms, a frame of audio 20 ms. */
static const gint64 tick_bounds_us[] = {100,  250,   500,   1000,  2000,  4000,   6000,
                                        8000, 10000, 15000, 20000, 40000, 100000, 500000};

typedef struct {
  RpLatency latency;
  const char *name;
  const char *help;
  const gint64 *bounds_us;
  guint n_bounds;
} LatencyMetric;

#define BOUNDS(table) (table), G_N_ELEMENTS (table)

static const LatencyMetric latency_metrics[] = {
    {RP_LATENCY_VOICE_TO_VOICE, "repartee_voice_to_voice_seconds",
     "From the end of the user's voice to the first audible frame of the answer.",
     BOUNDS (answer_bounds_us)},
    {RP_LATENCY_TURN_DECISION, "repartee_turn_decision_seconds",
     "From the end of the user's voice to the decision that the turn is over.",
     BOUNDS (part_bounds_us)},
    {RP_LATENCY_STT, "repartee_stt_seconds", "Time the final transcript of a turn took.",
     BOUNDS (part_bounds_us)},
    {RP_LATENCY_LLM_TTFT, "repartee_llm_ttft_seconds",
     "From the start of a generation to its first text.", BOUNDS (part_bounds_us)},
    {RP_LATENCY_TTS_TTFA, "repartee_tts_ttfa_seconds",
     "From the first sentence of an answer to its first audio.", BOUNDS (part_bounds_us)},
    {RP_LATENCY_SETUP, "repartee_call_setup_seconds",
     "From a call's offer to the first audio sent to the client.", BOUNDS (part_bounds_us)},
    {RP_LATENCY_BARGE_IN_STOP, "repartee_barge_in_stop_seconds",
     "From the onset of an interrupting voice to the agent's last frame.", BOUNDS (part_bounds_us)},
};

static void
add_calls (RpRegistry *registry, RpExposition *out)
{
  const RpMonitor *monitor = registry->monitor;
  rp_exposition_gauge (out, "repartee_calls_active", "Calls in progress.",
                       g_hash_table_size (registry->entries));
  rp_exposition_gauge (out, "repartee_calls_limit", "Calls the configuration allows at once.",
                       registry->config->max_sessions);
  rp_exposition_counter (out, "repartee_calls_started_total", "Calls that began.", monitor->began);
  rp_exposition_family (out, "repartee_calls_ended_total", RP_EXPOSITION_COUNTER,
                        "Calls that ended, by whose doing it was.");
  for (guint i = 0; i < RP_TIMELINE_N_ENDS; i++)
    rp_exposition_count (out, "by", rp_timeline_end_name ((RpTimelineEnd) i), monitor->ended[i]);
  rp_exposition_counter (out, "repartee_calls_failed_total",
                         "Calls that ended by a fault and not by somebody's will.",
                         monitor->failed);
  rp_exposition_family (out, "repartee_calls_refused_total", RP_EXPOSITION_COUNTER,
                        "Calls that were refused before they began.");
  for (guint i = 0; i < RP_N_REFUSALS; i++)
    rp_exposition_count (out, "reason", rp_refusal_name ((RpRefusal) i), monitor->refused[i]);
  rp_exposition_counter (out, "repartee_turns_total", "Turns of users that agents were given.",
                         monitor->traffic.turns);
  rp_exposition_family (out, "repartee_tool_calls_total", RP_EXPOSITION_COUNTER,
                        "Tool calls of agents: started, and how they ended.");
  for (guint i = 0; i < RP_TIMELINE_TOOL_N_STATUSES; i++)
    rp_exposition_count (out, "status", rp_timeline_tool_status_name ((RpTimelineToolStatus) i),
                         monitor->tools[i]);
}

static void
add_workers (RpRegistry *registry, RpExposition *out)
{
  RpPoolStats stats;
  rp_pool_stats (registry->pool, &stats);
  rp_exposition_family (out, "repartee_workers", RP_EXPOSITION_GAUGE, "Worker processes.");
  rp_exposition_count (out, "state", "idle", stats.idle);
  rp_exposition_count (out, "state", "starting", stats.starting);
  rp_exposition_count (out, "state", "busy", stats.busy);
  rp_exposition_gauge (out, "repartee_worker_requests_waiting", "Calls that wait for a worker.",
                       stats.waiting);
  rp_exposition_counter (out, "repartee_worker_restarts_total",
                         "Workers that were lost, and starts of their parent after the first.",
                         stats.restarts);
  rp_exposition_counter (out, "repartee_worker_replacements_total",
                         "Workers that were lost in the middle of a call.",
                         registry->monitor->traffic.worker_restarts);
}

static void
add_loops (RpRegistry *registry, RpExposition *out)
{
  guint n = registry->loops->len;
  g_autofree RpLoopStats *stats = g_new0 (RpLoopStats, n);
  g_auto (GStrv) names = g_new0 (char *, n + 1);
  for (guint i = 0; i < n; i++) {
    rp_loop_stats (g_array_index (registry->loops, RpRegistryLoop, i).loop, &stats[i]);
    names[i] = g_strdup_printf ("%u", i);
  }
  rp_exposition_family (out, "repartee_loop_calls", RP_EXPOSITION_GAUGE, "Calls of a media loop.");
  for (guint i = 0; i < n; i++)
    rp_exposition_count (out, "loop", names[i],
                         g_array_index (registry->loops, RpRegistryLoop, i).sessions);
  rp_exposition_family (out, "repartee_loop_tick_lateness_seconds", RP_EXPOSITION_HISTOGRAM,
                        "How much later than due the ticks of a media loop began.");
  for (guint i = 0; i < n; i++) {
    g_autoptr (RpHistogram) late =
        rp_loop_lateness (g_array_index (registry->loops, RpRegistryLoop, i).loop);
    rp_exposition_histogram (out, "loop", names[i], late, BOUNDS (tick_bounds_us));
  }
  rp_exposition_family (out, "repartee_loop_ticks_skipped_total", RP_EXPOSITION_COUNTER,
                        "Ticks that never ran because an earlier one took too long.");
  for (guint i = 0; i < n; i++)
    rp_exposition_count (out, "loop", names[i], stats[i].skipped);
  rp_exposition_family (out, "repartee_loop_commands_refused_total", RP_EXPOSITION_COUNTER,
                        "Commands a media loop had no room for.");
  for (guint i = 0; i < n; i++)
    rp_exposition_count (out, "loop", names[i], stats[i].posted_refused);
}

static void
add_media (RpRegistry *registry, RpExposition *out)
{
  const RpTraffic *traffic = &registry->monitor->traffic;
  gint64 jitter_us = rp_registry_mean_jitter_us (registry);
  rp_exposition_counter (out, "repartee_rtp_packets_received_total",
                         "Packets of audio that came from clients.", traffic->packets_in);
  rp_exposition_counter (out, "repartee_rtp_packets_lost_total",
                         "Packets of audio from clients that did not come.", traffic->packets_lost);
  rp_exposition_counter (out, "repartee_rtp_packets_sent_total",
                         "Packets of audio sent to clients.", traffic->packets_out);
  if (jitter_us >= 0)
    rp_exposition_gauge (out, "repartee_rtp_jitter_seconds",
                         "Mean interarrival jitter (RFC 3550) of the connected calls.",
                         (double) jitter_us / G_USEC_PER_SEC);
  rp_exposition_family (out, "repartee_audio_concealed_seconds_total", RP_EXPOSITION_COUNTER,
                        "Audio from clients that was invented in place of what was lost.");
  rp_exposition_sample (out, NULL, NULL, traffic->concealed_ms / 1000);
  rp_exposition_family (out, "repartee_audio_recovered_seconds_total", RP_EXPOSITION_COUNTER,
                        "Lost audio from clients that was brought back by FEC.");
  rp_exposition_sample (out, NULL, NULL, traffic->recovered_ms / 1000);
  rp_exposition_counter (out, "repartee_playout_underruns_total",
                         "Times an agent's audio ran out in the middle of an utterance.",
                         traffic->underruns);
  rp_exposition_counter (out, "repartee_messages_dropped_total",
                         "Messages dropped before a client's data channel was open.",
                         traffic->messages_dropped);
  rp_exposition_counter (out, "repartee_messages_invalid_total",
                         "Messages of clients that broke the rules.", traffic->messages_invalid);
  rp_exposition_counter (out, "repartee_function_results_late_total",
                         "Results of clients' functions that nobody waited for any more.",
                         traffic->results_late);
  rp_exposition_counter (out, "repartee_worker_audio_frames_dropped_total",
                         "Frames of audio that a worker had no room for.", traffic->audio_dropped);
}

void
rp_registry_metrics (RpRegistry *registry, RpExposition *out)
{
  rp_registry_monitor_count (registry);
  rp_exposition_gauge (out, "repartee_draining", "1 while the server takes no more calls.",
                       registry->draining ? 1 : 0);
  add_calls (registry, out);
  for (guint i = 0; i < G_N_ELEMENTS (latency_metrics); i++) {
    const LatencyMetric *metric = &latency_metrics[i];
    rp_exposition_family (out, metric->name, RP_EXPOSITION_HISTOGRAM, metric->help);
    rp_exposition_histogram (out, NULL, NULL, registry->latencies[metric->latency],
                             metric->bounds_us, metric->n_bounds);
  }
  add_workers (registry, out);
  add_loops (registry, out);
  rp_registry_admission_metrics (registry, out);
  add_media (registry, out);
  rp_exposition_counter (out, "repartee_log_records_dropped_total",
                         "Records the log had no room for.", rp_log_dropped ());
}
