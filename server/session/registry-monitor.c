#include "registry-private.h"

static void
count_call (RpRegistry *registry, RpRegistryEntry *entry)
{
  rp_monitor_count (registry->monitor, rp_call_snapshot (entry->call), &entry->counted);
}

void
rp_registry_monitor_count (RpRegistry *registry)
{
  GHashTableIter iter;
  gpointer entry = NULL;
  g_hash_table_iter_init (&iter, registry->entries);
  while (g_hash_table_iter_next (&iter, NULL, &entry))
    count_call (registry, entry);
}

gint64
rp_registry_mean_jitter_us (RpRegistry *registry)
{
  GHashTableIter iter;
  gpointer entry = NULL;
  double sum_ms = 0;
  guint n = 0;
  g_hash_table_iter_init (&iter, registry->entries);
  while (g_hash_table_iter_next (&iter, NULL, &entry)) {
    const RpCallSnapshot *snapshot = rp_call_snapshot (((RpRegistryEntry *) entry)->call);
    if (!snapshot->connected || snapshot->packets_in == 0)
      continue;
    sum_ms += snapshot->jitter_in_ms;
    n++;
  }
  return n > 0 ? (gint64) (sum_ms * 1000 / n) : -1;
}

static gboolean
on_interval (gpointer user_data)
{
  RpRegistry *registry = user_data;
  g_autofree RpLoop **loops = g_new (RpLoop *, registry->loops->len);
  RpPoolStats pool;
  rp_pool_stats (registry->pool, &pool);
  for (guint i = 0; i < registry->loops->len; i++)
    loops[i] = g_array_index (registry->loops, RpRegistryLoop, i).loop;
  const RpMonitorNow now = {
      .unix_s = g_get_real_time () / G_USEC_PER_SEC,
      .active = g_hash_table_size (registry->entries),
      .idle = pool.idle,
      .busy = pool.busy,
      .jitter_us = rp_registry_mean_jitter_us (registry),
  };
  rp_registry_monitor_count (registry);
  rp_monitor_sample (registry->monitor, &now, loops, registry->loops->len);
  return G_SOURCE_CONTINUE;
}

void
rp_registry_monitor_start (RpRegistry *registry)
{
  registry->monitor = rp_monitor_new ();
  registry->monitor_timer = g_timeout_add (RP_HISTORY_INTERVAL_S * 1000, on_interval, registry);
}

void
rp_registry_monitor_stop (RpRegistry *registry)
{
  if (registry->monitor_timer != 0)
    g_source_remove (registry->monitor_timer);
  g_clear_pointer (&registry->monitor, rp_monitor_free);
}

void
rp_registry_monitor_ended (RpRegistry *registry, RpRegistryEntry *entry, gboolean failed)
{
  count_call (registry, entry);
  rp_monitor_ended (registry->monitor, entry->call, entry->info.whip, failed);
}

void
rp_registry_monitor_refused (RpRegistry *registry, RpRegistryError code)
{
  switch (code) {
  case RP_REGISTRY_ERROR_FULL:
    rp_monitor_refused (registry->monitor, RP_REFUSED_FULL);
    break;
  case RP_REGISTRY_ERROR_BUSY:
    rp_monitor_refused (registry->monitor, RP_REFUSED_BUSY);
    break;
  case RP_REGISTRY_ERROR_ADDRESS:
    rp_monitor_refused (registry->monitor, RP_REFUSED_ADDRESS);
    break;
  case RP_REGISTRY_ERROR_DRAINING:
    rp_monitor_refused (registry->monitor, RP_REFUSED_DRAINING);
    break;
  case RP_REGISTRY_ERROR_WORKER:
    rp_monitor_refused (registry->monitor, RP_REFUSED_WORKER);
    break;
  case RP_REGISTRY_ERROR_UNKNOWN:
  case RP_REGISTRY_ERROR_INVALID:
  case RP_REGISTRY_ERROR_FAILED:
    break;
  }
}
