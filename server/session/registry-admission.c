#include "registry-private.h"

#include "log.h"

/* A sample a second: what it costs (two small files and a look at each call) is nothing, and a
 * crowd that comes meanwhile is counted by what a call is known to need. */
#define SAMPLE_MS 1000
/* What a caller had to wait is remembered over a turn or two of conversation. */
#define WAIT_US (10 * G_USEC_PER_SEC)

static gint64
worst_tick_us (RpRegistry *registry)
{
  gint64 worst = -1;
  for (guint i = 0; i < registry->loops->len; i++) {
    RpRegistryLoop *slot = &g_array_index (registry->loops, RpRegistryLoop, i);
    g_autoptr (RpHistogram) now = rp_loop_lateness (slot->loop);
    g_autoptr (RpHistogram) since = rp_histogram_new ();
    rp_histogram_merge (since, now);
    if (slot->late != NULL)
      rp_histogram_subtract (since, slot->late);
    if (rp_histogram_count (since) > 0)
      worst = MAX (worst, rp_histogram_percentile_us (since, 99));
    g_clear_pointer (&slot->late, rp_histogram_free);
    slot->late = g_steal_pointer (&now);
  }
  return worst;
}

static gboolean
remembers_wait (const RpRegistryEntry *entry, gint64 now_us)
{
  return entry->stt_us > 0 && now_us - entry->stt_told_us <= WAIT_US;
}

/* The longest wait of those told since the sample before; -1 = none. What one worker says is
 * believed as far as another has said it lately: one that is broken, or was taken over, must not
 * turn everybody away. */
static gint64
believable_stt_us (RpRegistry *registry, gint64 now_us)
{
  GHashTableIter iter;
  gpointer value = NULL;
  const RpRegistryEntry *worst = NULL;
  gint64 second_us = -1;
  gint64 believed_us = -1;
  g_hash_table_iter_init (&iter, registry->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const RpRegistryEntry *entry = value;
    if (!remembers_wait (entry, now_us))
      continue;
    gboolean is_worst = worst == NULL || entry->stt_us > worst->stt_us;
    const RpRegistryEntry *other = is_worst ? worst : entry;
    second_us = MAX (second_us, other != NULL ? other->stt_us : -1);
    worst = is_worst ? entry : worst;
  }
  g_hash_table_iter_init (&iter, registry->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const RpRegistryEntry *entry = value;
    if (remembers_wait (entry, now_us) && entry->stt_told_us == now_us)
      believed_us =
          MAX (believed_us, MIN (entry->stt_us, entry == worst ? second_us : worst->stt_us));
  }
  return believed_us;
}

/* Returns: processor time of all workers since the sample before. */
static gint64
take_workers (RpRegistry *registry, gint64 now_us)
{
  GHashTableIter iter;
  gpointer value = NULL;
  gint64 cpu_us = registry->ended_cpu_us;
  registry->ended_cpu_us = 0;
  g_hash_table_iter_init (&iter, registry->entries);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    RpRegistryEntry *entry = value;
    const RpCallSnapshot *snapshot = rp_call_snapshot (entry->call);
    cpu_us += snapshot->worker_cpu_us - entry->cpu_us;
    entry->cpu_us = snapshot->worker_cpu_us;
    gint64 stt_us = rp_call_take_stt_us (entry->call);
    if (stt_us > 0) {
      entry->stt_us = stt_us;
      entry->stt_told_us = now_us;
    }
  }
  return cpu_us;
}

static void
tell_complexity (RpRegistry *registry)
{
  GHashTableIter iter;
  gpointer entry = NULL;
  guint complexity = rp_admission_complexity (registry->admission);
  if (complexity == registry->session.complexity)
    return;
  registry->session.complexity = complexity;
  g_hash_table_iter_init (&iter, registry->entries);
  while (g_hash_table_iter_next (&iter, NULL, &entry))
    rp_call_set_complexity (((RpRegistryEntry *) entry)->call, complexity);
}

static void
tell_log (RpRegistry *registry, gint64 now_us)
{
  RpAdmissionReason reason = RP_ADMISSION_CPU;
  gboolean open = rp_admission_is_open (registry->admission, now_us, &reason);
  if (open == registry->admission_open)
    return;
  registry->admission_open = open;
  if (open)
    rp_log_info ("call", "callers are let in again");
  else
    rp_log_warning ("call", "callers are refused",
                    RP_LOG_STR ("reason", rp_admission_reason_name (reason)),
                    RP_LOG_INT ("calls", g_hash_table_size (registry->entries)));
}

static gboolean
on_sample (gpointer user_data)
{
  RpRegistry *registry = user_data;
  gint64 now_us = rp_loop_now_us ();
  gint64 passed_us = now_us - registry->sampled_us;
  RpLoadState load;
  gint64 workers_us = take_workers (registry, now_us);
  rp_load_probe_read (registry->probe, now_us, &load);
  if (load.cpu_own >= 0 && passed_us > 0)
    load.cpu_own += (double) workers_us / (double) passed_us / rp_load_probe_cpus (registry->probe);
  /* Workers tell of a little more than a second at a time, and not in step with this. */
  if (load.cpu >= 0)
    load.cpu_own = MIN (load.cpu_own, load.cpu);
  const RpAdmissionSample sample = {
      .calls = rp_registry_active (registry),
      .cpu = load.cpu,
      .cpu_own = load.cpu_own,
      .tick_late_us = worst_tick_us (registry),
      .stt_us = believable_stt_us (registry, now_us),
      .memory_bytes = load.memory_bytes,
  };
  registry->sampled_us = now_us;
  rp_admission_input (registry->admission, now_us, &sample);
  tell_complexity (registry);
  tell_log (registry, now_us);
  return G_SOURCE_CONTINUE;
}

void
rp_registry_admission_start (RpRegistry *registry)
{
  RpAdmissionConfig config;
  rp_admission_config_init (&config);
  registry->probe = rp_load_probe_new ();
  registry->sampled_us = rp_loop_now_us ();
  config.enabled = !registry->config->no_admission;
  config.cpus = rp_load_probe_cpus (registry->probe);
  config.max_cpu = registry->config->max_cpu_percent / 100.0;
  registry->admission = rp_admission_new (&config);
  registry->admission_open = TRUE;
  registry->session.complexity = rp_admission_complexity (registry->admission);
  registry->admission_timer = g_timeout_add (SAMPLE_MS, on_sample, registry);
}

void
rp_registry_admission_stop (RpRegistry *registry)
{
  if (registry->admission_timer != 0)
    g_source_remove (registry->admission_timer);
  g_clear_pointer (&registry->admission, rp_admission_free);
  g_clear_pointer (&registry->probe, rp_load_probe_free);
  for (guint i = 0; i < registry->loops->len; i++)
    g_clear_pointer (&g_array_index (registry->loops, RpRegistryLoop, i).late, rp_histogram_free);
}

void
rp_registry_workers_ready (RpRegistry *registry)
{
  rp_admission_set_stt_cpu (registry->admission,
                            rp_agents_stt_cpu_us (rp_pool_agents (registry->pool)));
}

GError *
rp_registry_admission_ask (RpRegistry *registry, guint64 *out_admitted)
{
  RpAdmissionReason reason = RP_ADMISSION_CPU;
  guint retry_after_s = 0;
  *out_admitted =
      rp_admission_ask (registry->admission, rp_loop_now_us (), &reason, &retry_after_s);
  if (*out_admitted != 0)
    return NULL;
  registry->refused_for[reason]++;
  GError *error =
      rp_registry_refusal (registry, RP_REGISTRY_ERROR_BUSY, rp_admission_reason_text (reason));
  rp_registry_error_set_retry_after (error, retry_after_s);
  return error;
}

void
rp_registry_admission_ended (RpRegistry *registry, RpRegistryEntry *entry)
{
  registry->ended_cpu_us += rp_call_snapshot (entry->call)->worker_cpu_us - entry->cpu_us;
}

/* --- what it tells --- */

static void
add_number (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  if (value >= 0)
    json_builder_add_double_value (builder, (double) (gint64) (value * 1000 + 0.5) / 1000);
  else
    json_builder_add_null_value (builder);
}

void
rp_registry_admission_stats (RpRegistry *registry, JsonBuilder *builder)
{
  RpAdmissionState state;
  RpAdmissionReason reason = RP_ADMISSION_CPU;
  gint64 now_us = rp_loop_now_us ();
  gboolean open = rp_admission_is_open (registry->admission, now_us, &reason);
  rp_admission_state (registry->admission, now_us, &state);
  json_builder_set_member_name (builder, "admission");
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "open");
  json_builder_add_boolean_value (builder, open);
  json_builder_set_member_name (builder, "reason");
  if (open)
    json_builder_add_null_value (builder);
  else
    json_builder_add_string_value (builder, rp_admission_reason_name (reason));
  add_number (builder, "cpus", rp_load_probe_cpus (registry->probe));
  add_number (builder, "cpu", state.cpu_smooth);
  add_number (builder, "cpu_own", state.last.cpu_own);
  add_number (builder, "call_cpu_ms_per_s", state.call_cpu * 1000);
  add_number (builder, "unheard", state.unheard);
  add_number (builder, "stt_cpu_ms", state.stt_cpu_us > 0 ? (double) state.stt_cpu_us / 1000 : -1);
  add_number (builder, "tick_late_p99_ms", (double) state.last.tick_late_us / 1000);
  add_number (builder, "stt_ms", (double) state.last.stt_us / 1000);
  add_number (builder, "memory_mb", (double) state.last.memory_bytes / (1024 * 1024));
  add_number (builder, "complexity", registry->session.complexity);
  json_builder_set_member_name (builder, "refused");
  json_builder_begin_object (builder);
  for (guint i = 0; i < RP_ADMISSION_N_REASONS; i++) {
    json_builder_set_member_name (builder, rp_admission_reason_name ((RpAdmissionReason) i));
    json_builder_add_int_value (builder, (gint64) registry->refused_for[i]);
  }
  json_builder_end_object (builder);
  json_builder_end_object (builder);
}

void
rp_registry_admission_metrics (RpRegistry *registry, RpExposition *out)
{
  RpAdmissionState state;
  gint64 now_us = rp_loop_now_us ();
  rp_admission_state (registry->admission, now_us, &state);
  rp_exposition_gauge (out, "repartee_admission_open", "1 when another caller would be let in.",
                       rp_admission_is_open (registry->admission, now_us, NULL));
  rp_exposition_gauge (out, "repartee_cpu_ratio",
                       "Busy share of the processors that the server may use.",
                       MAX (state.cpu_smooth, 0));
  rp_exposition_gauge (out, "repartee_cpu_own_ratio",
                       "Share of them that the server and its workers keep busy.",
                       MAX (state.last.cpu_own, 0));
  rp_exposition_gauge (out, "repartee_calls_unheard",
                       "Calls let in lately whose first sentence was not understood yet.",
                       state.unheard);
  rp_exposition_gauge (out, "repartee_stt_cpu_seconds",
                       "Processor time of a sentence's transcript, 0 when it is not known.",
                       (double) state.stt_cpu_us / G_USEC_PER_SEC);
  rp_exposition_gauge (out, "repartee_encoder_complexity",
                       "Opus complexity of the agents' voices, 0 to 10.",
                       registry->session.complexity);
  rp_exposition_family (out, "repartee_calls_shed_total", RP_EXPOSITION_COUNTER,
                        "Calls that were refused as busy, by what there was too little of.");
  for (guint i = 0; i < RP_ADMISSION_N_REASONS; i++)
    rp_exposition_count (out, "reason", rp_admission_reason_name ((RpAdmissionReason) i),
                         registry->refused_for[i]);
}
