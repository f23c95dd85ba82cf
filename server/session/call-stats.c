#include "call-stats.h"

static const char *const latency_names[RP_N_LATENCIES] = {
    [RP_LATENCY_VOICE_TO_VOICE] = "voice_to_voice",
    [RP_LATENCY_TURN_DECISION] = "turn_decision",
    [RP_LATENCY_STT] = "stt",
    [RP_LATENCY_LLM_TTFT] = "llm_ttft",
    [RP_LATENCY_TTS_TTFA] = "tts_ttfa",
    [RP_LATENCY_SETUP] = "setup",
    [RP_LATENCY_BARGE_IN_STOP] = "barge_in_stop",
};

static const char *const state_names[] = {
    [RP_CALL_CONNECTING] = "connecting", [RP_CALL_LISTENING] = "listening",
    [RP_CALL_THINKING] = "thinking",     [RP_CALL_SPEAKING] = "speaking",
    [RP_CALL_ENDING] = "ending",
};

const char *
rp_latency_name (RpLatency latency)
{
  return latency_names[latency];
}

const char *
rp_call_state_name (RpCallState state)
{
  return state_names[state];
}

void
rp_latencies_init (RpLatencies *latencies)
{
  for (guint i = 0; i < RP_N_LATENCIES; i++)
    latencies->us[i] = -1;
}

/* Three decimals are more than anything here can be measured to. */
static double
rounded (double value)
{
  gint64 thousandths = (gint64) (value * 1000 + (value < 0 ? -0.5 : 0.5));
  return (double) thousandths / 1000;
}

static void
add_number (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_double_value (builder, rounded (value));
}

static void
add_known (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  if (value < 0)
    json_builder_add_null_value (builder);
  else
    json_builder_add_double_value (builder, rounded (value));
}

static void
add_count (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_text (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_kinds (JsonBuilder *builder, const char *name, const gint64 *ms)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  for (guint i = 0; i < RP_AUDIO_N_KINDS; i++)
    add_count (builder, rp_audio_kind_name ((RpAudioKind) i), ms[i]);
  json_builder_end_object (builder);
}

void
rp_call_stats_add_histogram (JsonBuilder *builder, const char *name, const RpHistogram *histogram)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
  add_number (builder, "p50", (double) rp_histogram_percentile_us (histogram, 50) / 1000);
  add_number (builder, "p95", (double) rp_histogram_percentile_us (histogram, 95) / 1000);
  add_number (builder, "p99", (double) rp_histogram_percentile_us (histogram, 99) / 1000);
  add_count (builder, "n", (gint64) rp_histogram_count (histogram));
  json_builder_end_object (builder);
}

void
rp_call_stats_add_call (JsonBuilder *builder, const char *id, const char *agent, gint64 age_us,
                        const RpCallSnapshot *s)
{
  json_builder_begin_object (builder);
  add_text (builder, "id", id);
  add_text (builder, "agent", agent);
  add_text (builder, "state", rp_call_state_name (s->state));
  json_builder_set_member_name (builder, "connected");
  json_builder_add_boolean_value (builder, s->connected);
  add_number (builder, "age_s", (double) age_us / G_USEC_PER_SEC);
  add_count (builder, "turns", s->turns);
  add_count (builder, "worker", s->worker);
  add_count (builder, "worker_restarts", s->worker_restarts);
  add_number (builder, "loss", s->loss_in);
  add_number (builder, "loss_out", s->loss_out);
  add_number (builder, "jitter_ms", s->jitter_in_ms);
  add_known (builder, "jitter_out_ms", s->jitter_out_ms);
  add_known (builder, "rtt_ms", s->rtt_ms);
  add_number (builder, "concealed_ms", s->concealed_ms);
  add_number (builder, "recovered_ms", s->recovered_ms);
  add_kinds (builder, "input_ms", s->input_ms);
  add_kinds (builder, "stt_input_ms", s->stt_ms);
  add_count (builder, "packets_in", (gint64) s->packets_in);
  add_count (builder, "packets_lost", s->packets_lost);
  add_count (builder, "packets_out", (gint64) s->packets_out);
  add_count (builder, "redundant_out", (gint64) s->redundant_out);
  add_count (builder, "underruns", (gint64) s->underruns);
  add_count (builder, "messages_dropped", (gint64) s->messages_dropped);
  add_count (builder, "messages_invalid", (gint64) s->messages_invalid);
  add_count (builder, "results_late", (gint64) s->results_late);
  add_count (builder, "audio_dropped", (gint64) s->audio_dropped);
  json_builder_end_object (builder);
}
