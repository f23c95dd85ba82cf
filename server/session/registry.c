#include "registry.h"

#include "call.h"
#include "json.h"
#include "log.h"

G_DEFINE_QUARK (rp - registry - error - quark, rp_registry_error)

typedef struct {
  RpLoop *loop;
  guint sessions;
} LoopSlot;

/* A call in the registry. */
typedef struct {
  RpRegistry *registry;
  RpCall *call;
  guint loop_index;
  guint worker_request; /* 0 = none waits */
} Entry;

/* A new call that waits for a worker. */
typedef struct {
  RpRegistry *registry;
  RpSessionOffer *offer;
  RpRegistryAnswerFunc func;
  gpointer user_data;
  guint worker_request;
  guint timeout;
} Offer;

/* Who waits for an answer. */
typedef struct {
  RpRegistryAnswerFunc func;
  gpointer user_data;
} Waiter;

struct _RpRegistry {
  const RpConfig *config;
  RpPool *pool;
  char *agent_name;
  RpInbox *inbox;
  GArray *loops;           /* of LoopSlot */
  GHashTable *entries;     /* the call's id to Entry */
  GQueue offers;           /* of Offer */
  RpSessionConfig session; /* what all calls have in common */
  RpHistogram *latencies[RP_N_LATENCIES];
  gint64 started_us;
  guint64 total;
  guint64 failed;
  guint64 refused;
  guint peak;
  gboolean draining;
  void (*drained) (gpointer user_data);
  gpointer drained_data;
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;
  if (entry->worker_request != 0)
    rp_pool_cancel (entry->registry->pool, entry->worker_request);
  g_array_index (entry->registry->loops, LoopSlot, entry->loop_index).sessions--;
  rp_call_unref (entry->call);
  g_free (entry);
}

static Entry *
find (RpRegistry *registry, const char *id)
{
  return id != NULL ? g_hash_table_lookup (registry->entries, id) : NULL;
}

/* --- events of calls --- */

static void
on_worker (RpWorkerLink *link, gpointer user_data)
{
  Entry *entry = user_data;
  entry->worker_request = 0;
  rp_call_set_worker (entry->call, link);
}

static void
on_need_worker (RpCall *call, gpointer user_data)
{
  RpRegistry *registry = user_data;
  Entry *entry = find (registry, rp_call_id (call));
  if (entry == NULL || entry->worker_request != 0)
    return;
  RpWorkerLink *link = rp_pool_acquire (registry->pool);
  if (link != NULL)
    rp_call_set_worker (call, link);
  else
    entry->worker_request = rp_pool_request (registry->pool, on_worker, entry);
}

static void
on_latencies (RpCall *call, const RpLatencies *latencies, gpointer user_data)
{
  RpRegistry *registry = user_data;
  for (guint i = 0; i < RP_N_LATENCIES; i++)
    if (latencies->us[i] >= 0)
      rp_histogram_record (registry->latencies[i], latencies->us[i]);
}

static void
check_drained (RpRegistry *registry)
{
  if (registry->drained == NULL || rp_registry_active (registry) > 0)
    return;
  void (*done) (gpointer) = g_steal_pointer (&registry->drained);
  done (registry->drained_data);
}

static void
on_ended (RpCall *call, gboolean failed, gpointer user_data)
{
  RpRegistry *registry = user_data;
  if (!g_hash_table_remove (registry->entries, rp_call_id (call)))
    return;
  registry->failed += failed ? 1 : 0;
  check_drained (registry);
}

static const RpCallEvents call_events = {
    .need_worker = on_need_worker,
    .latencies = on_latencies,
    .ended = on_ended,
};

/* --- offers --- */

static RpRegistryError
error_code (const GError *cause)
{
  switch ((RpSessionError) cause->code) {
  case RP_SESSION_ERROR_INVALID:
    return RP_REGISTRY_ERROR_INVALID;
  case RP_SESSION_ERROR_GONE:
    return RP_REGISTRY_ERROR_UNKNOWN;
  case RP_SESSION_ERROR_FAILED:
    break;
  }
  return RP_REGISTRY_ERROR_FAILED;
}

static void
on_answer (RpCall *call, const char *answer, const GError *cause, gpointer user_data)
{
  g_autofree Waiter *waiter = user_data;
  g_autoptr (GError) error = NULL;
  if (answer == NULL)
    error = g_error_new_literal (RP_REGISTRY_ERROR, (gint) error_code (cause), cause->message);
  waiter->func (answer, answer != NULL ? rp_call_id (call) : NULL, error, waiter->user_data);
}

/* @offer: (transfer full), @link: (transfer full) (nullable) */
static void
hand_over (Entry *entry, RpSessionOffer *offer, RpWorkerLink *link, RpRegistryAnswerFunc func,
           gpointer user_data)
{
  Waiter *waiter = g_new (Waiter, 1);
  *waiter = (Waiter){.func = func, .user_data = user_data};
  rp_call_offer (entry->call, offer, link, on_answer, waiter);
}

static guint
least_loaded (const RpRegistry *registry)
{
  guint best = 0;
  for (guint i = 1; i < registry->loops->len; i++)
    if (g_array_index (registry->loops, LoopSlot, i).sessions <
        g_array_index (registry->loops, LoopSlot, best).sessions)
      best = i;
  return best;
}

/* @offer, @link: (transfer full) */
static void
begin_call (RpRegistry *registry, RpSessionOffer *offer, RpWorkerLink *link,
            RpRegistryAnswerFunc func, gpointer user_data)
{
  Entry *entry = g_new0 (Entry, 1);
  entry->registry = registry;
  entry->loop_index = least_loaded (registry);
  LoopSlot *slot = &g_array_index (registry->loops, LoopSlot, entry->loop_index);
  slot->sessions++;
  entry->call =
      rp_call_new (&registry->session, slot->loop, registry->inbox, &call_events, registry);
  g_hash_table_insert (registry->entries, (gpointer) rp_call_id (entry->call), entry);
  registry->total++;
  registry->peak = MAX (registry->peak, g_hash_table_size (registry->entries));
  rp_log_info ("call", "begins", RP_LOG_STR ("call", rp_call_short_id (entry->call)),
               RP_LOG_INT ("loop", entry->loop_index),
               RP_LOG_INT ("worker", rp_worker_link_id (link)));
  hand_over (entry, offer, link, func, user_data);
}

static void
refuse (RpRegistry *registry, RpRegistryError code, const char *text, RpRegistryAnswerFunc func,
        gpointer user_data)
{
  g_autoptr (GError) error = g_error_new_literal (RP_REGISTRY_ERROR, (gint) code, text);
  registry->refused++;
  func (NULL, NULL, error, user_data);
}

static void
offer_free (Offer *offer)
{
  g_queue_remove (&offer->registry->offers, offer);
  if (offer->timeout != 0)
    g_source_remove (offer->timeout);
  if (offer->worker_request != 0)
    rp_pool_cancel (offer->registry->pool, offer->worker_request);
  rp_session_offer_free (offer->offer);
  g_free (offer);
}

static void
fail_offer (Offer *offer, RpRegistryError code, const char *text)
{
  refuse (offer->registry, code, text, offer->func, offer->user_data);
  offer_free (offer);
}

static const char *
no_worker_text (RpRegistry *registry)
{
  const char *failure = rp_pool_failure (registry->pool);
  return failure != NULL ? failure : "no worker process became free in time";
}

static void
on_offer_worker (RpWorkerLink *link, gpointer user_data)
{
  Offer *offer = user_data;
  offer->worker_request = 0;
  if (link == NULL) {
    fail_offer (offer, RP_REGISTRY_ERROR_WORKER, no_worker_text (offer->registry));
    return;
  }
  begin_call (offer->registry, g_steal_pointer (&offer->offer), link, offer->func,
              offer->user_data);
  offer_free (offer);
}

static gboolean
on_offer_timeout (gpointer user_data)
{
  Offer *offer = user_data;
  offer->timeout = 0;
  fail_offer (offer, RP_REGISTRY_ERROR_WORKER, no_worker_text (offer->registry));
  return G_SOURCE_REMOVE;
}

/* @session_offer: (transfer full) */
static void
wait_for_worker (RpRegistry *registry, RpSessionOffer *session_offer, RpRegistryAnswerFunc func,
                 gpointer user_data)
{
  Offer *offer = g_new0 (Offer, 1);
  offer->registry = registry;
  offer->offer = session_offer;
  offer->func = func;
  offer->user_data = user_data;
  offer->timeout = g_timeout_add (RP_REGISTRY_WORKER_WAIT_MS, on_offer_timeout, offer);
  offer->worker_request = rp_pool_request (registry->pool, on_offer_worker, offer);
  g_queue_push_tail (&registry->offers, offer);
}

void
rp_registry_offer (RpRegistry *registry, const char *id, RpSdp *sdp, RpSdpRemote *remote,
                   gboolean restart, RpRegistryAnswerFunc func, gpointer user_data)
{
  Entry *entry = find (registry, id);
  RpSessionOffer *offer = g_new0 (RpSessionOffer, 1);
  offer->sdp = sdp;
  offer->remote = remote;
  offer->restart = restart;
  offer->received_us = rp_loop_now_us ();
  if (entry != NULL) {
    hand_over (entry, offer, NULL, func, user_data);
    return;
  }
  if (registry->draining || rp_registry_active (registry) >= registry->config->max_sessions) {
    rp_session_offer_free (offer);
    if (registry->draining)
      refuse (registry, RP_REGISTRY_ERROR_DRAINING, "the server is going down", func, user_data);
    else
      refuse (registry, RP_REGISTRY_ERROR_FULL, "all lines are busy", func, user_data);
    return;
  }
  RpWorkerLink *link = rp_pool_acquire (registry->pool);
  if (link != NULL)
    begin_call (registry, offer, link, func, user_data);
  else
    wait_for_worker (registry, offer, func, user_data);
}

/* --- commands --- */

gboolean
rp_registry_candidates (RpRegistry *registry, const char *id, const RpCandidate *candidates,
                        guint n)
{
  Entry *entry = find (registry, id);
  if (entry != NULL && n > 0)
    rp_call_add_candidates (entry->call, candidates, n);
  return entry != NULL;
}

gboolean
rp_registry_has_call (RpRegistry *registry, const char *id)
{
  return find (registry, id) != NULL;
}

gboolean
rp_registry_end_call (RpRegistry *registry, const char *id, const char *reason)
{
  Entry *entry = find (registry, id);
  if (entry != NULL)
    rp_call_end (entry->call, reason);
  return entry != NULL;
}

static void
drop_offers (RpRegistry *registry)
{
  while (!g_queue_is_empty (&registry->offers))
    fail_offer (g_queue_peek_head (&registry->offers), RP_REGISTRY_ERROR_DRAINING,
                "the server is going down");
}

void
rp_registry_drain (RpRegistry *registry, void (*done) (gpointer user_data), gpointer user_data)
{
  registry->draining = TRUE;
  registry->drained = done;
  registry->drained_data = user_data;
  drop_offers (registry);
  check_drained (registry);
}

void
rp_registry_wind_up (RpRegistry *registry)
{
  GHashTableIter iter;
  gpointer entry = NULL;
  g_hash_table_iter_init (&iter, registry->entries);
  while (g_hash_table_iter_next (&iter, NULL, &entry))
    rp_call_drain (((Entry *) entry)->call);
}

gboolean
rp_registry_is_draining (const RpRegistry *registry)
{
  return registry->draining;
}

void
rp_registry_end_all (RpRegistry *registry, const char *reason)
{
  GHashTableIter iter;
  gpointer entry = NULL;
  g_hash_table_iter_init (&iter, registry->entries);
  while (g_hash_table_iter_next (&iter, NULL, &entry))
    rp_call_end (((Entry *) entry)->call, reason);
}

guint
rp_registry_active (const RpRegistry *registry)
{
  return g_hash_table_size (registry->entries) + registry->offers.length;
}

/* --- statistics --- */

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
  add_int (builder, "total", (gint64) registry->total);
  add_int (builder, "peak", registry->peak);
  add_int (builder, "failed", (gint64) registry->failed);
  add_int (builder, "refused", (gint64) registry->refused);
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
    const LoopSlot *slot = &g_array_index (registry->loops, LoopSlot, i);
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
    const RpCall *call = ((Entry *) value)->call;
    rp_call_stats_add_call (builder, rp_call_short_id (call), registry->agent_name,
                            now_us - rp_call_started_us (call), rp_call_snapshot (call));
  }
  json_builder_end_array (builder);
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
  add_latencies (builder, registry);
  add_int (builder, "log_dropped", (gint64) rp_log_dropped ());
  add_calls (builder, registry, now_us);
  json_builder_end_object (builder);
  return rp_json_builder_to_string (builder);
}

/* --- life --- */

static void
warm_up (gpointer data)
{
  rp_session_warm_up (data);
}

static gboolean
start_loops (RpRegistry *registry, GError **error)
{
  for (guint i = 0; i < registry->config->loops; i++) {
    g_autofree char *name = g_strdup_printf ("media-%u", i);
    LoopSlot slot = {.loop = rp_loop_new (name, error)};
    if (slot.loop == NULL)
      return FALSE;
    g_array_append_val (registry->loops, slot);
    RpSessionConfig session = registry->session;
    session.loop = slot.loop;
    rp_loop_call_sync (slot.loop, warm_up, &session);
    rp_loop_stats_reset (slot.loop);
  }
  return TRUE;
}

RpRegistry *
rp_registry_new (const RpConfig *config, RpPool *pool, RpDtlsCertificate *certificate,
                 GError **error)
{
  g_autoptr (RpRegistry) registry = g_new0 (RpRegistry, 1);
  registry->config = config;
  registry->pool = pool;
  registry->agent_name = g_path_get_basename (config->agent);
  registry->started_us = rp_loop_now_us ();
  registry->inbox = rp_inbox_new ();
  registry->loops = g_array_new (FALSE, TRUE, sizeof (LoopSlot));
  registry->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_free);
  g_queue_init (&registry->offers);
  for (guint i = 0; i < RP_N_LATENCIES; i++)
    registry->latencies[i] = rp_histogram_new ();
  registry->session = (RpSessionConfig){
      .certificate = certificate,
      .ice_address = (const char *const *) config->ice_address,
      .with_loopback = config->listen_is_loopback,
      .udp_port_min = config->udp_port_min,
      .udp_port_max = config->udp_port_max,
      .public_address = (const char *const *) config->public_address,
      .connect_timeout_us = config->connect_timeout_us,
      .inactivity_timeout_us = config->inactivity_timeout_us,
      .agent = registry->agent_name,
  };
  if (!start_loops (registry, error))
    return NULL;
  return g_steal_pointer (&registry);
}

void
rp_registry_free (RpRegistry *registry)
{
  if (registry == NULL)
    return;
  GHashTableIter iter;
  gpointer entry = NULL;
  registry->draining = TRUE;
  registry->drained = NULL;
  drop_offers (registry);
  g_hash_table_iter_init (&iter, registry->entries);
  while (g_hash_table_iter_next (&iter, NULL, &entry))
    rp_call_drop (((Entry *) entry)->call);
  for (guint i = 0; i < registry->loops->len; i++)
    rp_loop_free (g_array_index (registry->loops, LoopSlot, i).loop);
  /* Answers on their way still reach those who wait for them. */
  rp_inbox_free (registry->inbox);
  g_hash_table_unref (registry->entries);
  g_array_unref (registry->loops);
  for (guint i = 0; i < RP_N_LATENCIES; i++)
    rp_histogram_free (registry->latencies[i]);
  g_free (registry->agent_name);
  g_free (registry);
}
