#include "registry-private.h"

#include "json.h"
#include "log.h"
#include "secret.h"

/* A client opens one to each address that it is told. */
#define TCP_CONNECTIONS_PER_CALL 8

typedef struct {
  guint retry_after_s;
} RpRegistryErrorPrivate;

static void
rp_registry_error_private_init (RpRegistryErrorPrivate *private)
{
  private->retry_after_s = 0;
}

static void
rp_registry_error_private_copy (const RpRegistryErrorPrivate *from, RpRegistryErrorPrivate *to)
{
  *to = *from;
}

static void
rp_registry_error_private_clear (RpRegistryErrorPrivate *private)
{
  (void) private;
}

G_DEFINE_EXTENDED_ERROR (RpRegistryError, rp_registry_error)

guint
rp_registry_error_retry_after (const GError *error)
{
  return error->domain == RP_REGISTRY_ERROR ? rp_registry_error_get_private (error)->retry_after_s
                                            : 0;
}

void
rp_registry_error_set_retry_after (GError *error, guint retry_after_s)
{
  rp_registry_error_get_private (error)->retry_after_s = retry_after_s;
}

/* A new call until it has a worker. */
typedef struct {
  RpRegistry *registry;
  RpSessionOffer *offer;
  char *session;      /* (nullable) */
  char *agent;        /* (nullable) */
  char *request_data; /* (nullable) */
  char *address;      /* (nullable) that the quota counts it for */
  gboolean whip;
  RpRegistryAnswerFunc func;
  gpointer user_data;
  guint worker_request;
  guint timeout;
  guint64 admitted; /* see rp_admission_heard () */
} Offer;

/* Who waits for an answer. */
typedef struct {
  RpRegistry *registry;
  RpSdpFragment *fragment; /* (nullable): of an ICE restart */
  RpRegistryAnswerFunc func;
  gpointer user_data;
} Waiter;

static void
entry_free (gpointer data)
{
  RpRegistryEntry *entry = data;
  if (entry->worker_request != 0)
    rp_pool_cancel (entry->registry->pool, entry->worker_request);
  rp_admission_heard (entry->registry->admission, entry->admitted);
  g_array_index (entry->registry->loops, RpRegistryLoop, entry->loop_index).sessions--;
  rp_call_unref (entry->call);
  rp_quota_end (entry->registry->quota, entry->address);
  g_free (entry->address);
  rp_secret_clear (&entry->info, sizeof entry->info);
  g_free (entry);
}

static RpRegistryEntry *
find (RpRegistry *registry, const char *id)
{
  return id != NULL ? g_hash_table_lookup (registry->entries, id) : NULL;
}

/* --- events of calls --- */

static void
on_worker (RpWorkerLink *link, gpointer user_data)
{
  RpRegistryEntry *entry = user_data;
  entry->worker_request = 0;
  rp_call_set_worker (entry->call, link);
}

static void
on_need_worker (RpCall *call, gpointer user_data)
{
  RpRegistry *registry = user_data;
  RpRegistryEntry *entry = find (registry, rp_call_id (call));
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
  rp_monitor_latencies (registry->monitor, latencies);
}

static void
on_timeline (RpCall *call, const RpTimelineEvent *event, gpointer user_data)
{
  RpRegistry *registry = user_data;
  RpRegistryEntry *entry = find (registry, rp_call_id (call));
  rp_monitor_timeline (registry->monitor, event);
  if (entry == NULL)
    return;
  if (event->type == RP_TIMELINE_USER_TURN)
    rp_admission_heard (registry->admission, entry->admitted);
  rp_monitor_tools (registry->monitor, rp_timeline_tool_counts (rp_call_timeline (call)),
                    entry->tools_counted);
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
  RpRegistryEntry *entry = find (registry, rp_call_id (call));
  if (entry == NULL)
    return;
  rp_registry_monitor_ended (registry, entry, failed);
  rp_registry_admission_ended (registry, entry);
  g_hash_table_remove (registry->entries, rp_call_id (call));
  rp_registry_sessions_end (registry, rp_call_id (call));
  check_drained (registry);
}

static const RpCallEvents call_events = {
    .need_worker = on_need_worker,
    .latencies = on_latencies,
    .timeline = on_timeline,
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
  case RP_SESSION_ERROR_BUSY:
    return RP_REGISTRY_ERROR_BUSY;
  case RP_SESSION_ERROR_FAILED:
    break;
  }
  return RP_REGISTRY_ERROR_FAILED;
}

/* Another answer to the same credentials is no other ICE session. */
static void
take_ice_session (RpRegistryCall *info, const char *ufrag, const char *pwd)
{
  if (g_str_equal (info->ice_ufrag, ufrag) && g_str_equal (info->ice_pwd, pwd))
    return;
  g_strlcpy (info->ice_ufrag, ufrag, sizeof info->ice_ufrag);
  g_strlcpy (info->ice_pwd, pwd, sizeof info->ice_pwd);
  info->ice_session++;
}

static void
on_answer (RpCall *call, const char *answer, const GError *cause, gpointer user_data)
{
  Waiter *waiter = user_data;
  g_autoptr (GError) error = NULL;
  RpRegistryEntry *entry = find (waiter->registry, rp_call_id (call));
  if (answer == NULL)
    error = g_error_new_literal (RP_REGISTRY_ERROR, (gint) error_code (cause), cause->message);
  else if (entry != NULL && waiter->fragment != NULL)
    take_ice_session (&entry->info, waiter->fragment->ice_ufrag, waiter->fragment->ice_pwd);
  waiter->func (answer, answer != NULL ? rp_call_id (call) : NULL, error, waiter->user_data);
  g_free (waiter->fragment);
  g_free (waiter);
}

static Waiter *
waiter_new (RpRegistry *registry, RpRegistryAnswerFunc func, gpointer user_data)
{
  Waiter *waiter = g_new (Waiter, 1);
  *waiter = (Waiter){.registry = registry, .func = func, .user_data = user_data};
  return waiter;
}

static guint
least_loaded (const RpRegistry *registry)
{
  guint best = 0;
  for (guint i = 1; i < registry->loops->len; i++)
    if (g_array_index (registry->loops, RpRegistryLoop, i).sessions <
        g_array_index (registry->loops, RpRegistryLoop, best).sessions)
      best = i;
  return best;
}

GError *
rp_registry_refusal (RpRegistry *registry, RpRegistryError code, const char *text)
{
  rp_registry_monitor_refused (registry, code);
  return g_error_new_literal (RP_REGISTRY_ERROR, (gint) code, text);
}

static void
offer_free (Offer *offer)
{
  g_queue_remove (&offer->registry->offers, offer);
  if (offer->timeout != 0)
    g_source_remove (offer->timeout);
  if (offer->worker_request != 0)
    rp_pool_cancel (offer->registry->pool, offer->worker_request);
  rp_admission_heard (offer->registry->admission, offer->admitted);
  rp_session_offer_free (offer->offer);
  g_free (offer->session);
  g_free (offer->agent);
  rp_secret_free (offer->request_data);
  rp_quota_end (offer->registry->quota, offer->address);
  g_free (offer->address);
  g_free (offer);
}

/* @offer: (transfer full) */
static void
fail_offer (Offer *offer, RpRegistryError code, const char *text)
{
  g_autoptr (GError) error = rp_registry_refusal (offer->registry, code, text);
  offer->func (NULL, NULL, error, offer->user_data);
  offer_free (offer);
}

static RpCall *
make_call (RpRegistry *registry, const Offer *offer, RpLoop *loop)
{
  const RpAgentInfo *first = g_ptr_array_index (rp_pool_agents (registry->pool), 0);
  RpSessionConfig config = registry->session;
  config.agent = offer->agent != NULL ? offer->agent : first->name;
  config.request_data = offer->request_data;
  return rp_call_new (&config, loop, registry->inbox, &call_events, registry);
}

/* @offer, @link: (transfer full) */
static void
begin_call (Offer *offer, RpWorkerLink *link)
{
  RpRegistry *registry = offer->registry;
  const RpSdpRemote *remote = offer->offer->remote;
  RpRegistryEntry *entry = g_new0 (RpRegistryEntry, 1);
  entry->registry = registry;
  entry->address = g_steal_pointer (&offer->address);
  entry->admitted = offer->admitted;
  offer->admitted = 0;
  entry->loop_index = least_loaded (registry);
  RpRegistryLoop *slot = &g_array_index (registry->loops, RpRegistryLoop, entry->loop_index);
  slot->sessions++;
  entry->call = make_call (registry, offer, slot->loop);
  entry->info.agent = rp_call_agent (entry->call);
  entry->info.whip = offer->whip;
  take_ice_session (&entry->info, remote->ice_ufrag, remote->ice_pwd);
  g_hash_table_insert (registry->entries, (gpointer) rp_call_id (entry->call), entry);
  registry->peak = MAX (registry->peak, g_hash_table_size (registry->entries));
  rp_monitor_began (registry->monitor, g_hash_table_size (registry->entries));
  rp_log_info ("call", "begins", RP_LOG_STR ("call", rp_call_short_id (entry->call)),
               RP_LOG_STR ("agent", rp_call_agent (entry->call)),
               RP_LOG_INT ("loop", entry->loop_index),
               RP_LOG_INT ("worker", rp_worker_link_id (link)));
  if (offer->session != NULL) {
    rp_registry_sessions_leave (registry, offer->session);
    rp_registry_sessions_begin (registry, offer->session, rp_call_id (entry->call));
  }
  rp_call_offer (entry->call, g_steal_pointer (&offer->offer), link, on_answer,
                 waiter_new (registry, offer->func, offer->user_data));
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
  if (link != NULL)
    begin_call (offer, link);
  else
    fail_offer (offer, RP_REGISTRY_ERROR_WORKER, no_worker_text (offer->registry));
}

static gboolean
on_offer_timeout (gpointer user_data)
{
  Offer *offer = user_data;
  offer->timeout = 0;
  fail_offer (offer, RP_REGISTRY_ERROR_WORKER, no_worker_text (offer->registry));
  return G_SOURCE_REMOVE;
}

/* @offer: (transfer full) */
static void
wait_for_worker (Offer *offer)
{
  RpRegistry *registry = offer->registry;
  offer->timeout = g_timeout_add (RP_REGISTRY_WORKER_WAIT_MS, on_offer_timeout, offer);
  offer->worker_request = rp_pool_request (registry->pool, on_offer_worker, offer);
  g_queue_push_tail (&registry->offers, offer);
}

/* @session_offer: (transfer full) */
static void
offer_new_call (RpRegistry *registry, const RpRegistryOffer *wish, RpSessionOffer *session_offer,
                RpRegistryAnswerFunc func, gpointer user_data)
{
  Offer *offer = g_new0 (Offer, 1);
  offer->registry = registry;
  offer->offer = session_offer;
  offer->session = g_strdup (wish->session);
  offer->agent = g_strdup (wish->agent);
  offer->request_data = g_strdup (wish->request_data);
  offer->whip = wish->whip;
  offer->func = func;
  offer->user_data = user_data;
  if (registry->draining) {
    fail_offer (offer, RP_REGISTRY_ERROR_DRAINING, "the server is going down");
    return;
  }
  /* What a session's next call takes the place of is as good as over. */
  guint freed = offer->session != NULL && rp_registry_sessions_in_call (registry, offer->session);
  g_autoptr (GError) too_many = rp_registry_quota_ask (registry, wish->address, freed);
  if (too_many != NULL) {
    offer->func (NULL, NULL, too_many, offer->user_data);
    offer_free (offer);
    return;
  }
  if (rp_registry_active (registry) - freed >= registry->config->max_sessions) {
    fail_offer (offer, RP_REGISTRY_ERROR_FULL, "all lines are busy");
    return;
  }
  g_autoptr (GError) busy =
      freed > 0 ? NULL : rp_registry_admission_ask (registry, &offer->admitted);
  if (busy != NULL) {
    offer->func (NULL, NULL, busy, offer->user_data);
    offer_free (offer);
    return;
  }
  if (offer->session != NULL) {
    rp_registry_sessions_leave (registry, offer->session);
    rp_registry_sessions_renew (registry, offer->session);
  }
  offer->address = g_strdup (wish->address);
  rp_quota_begin (registry->quota, offer->address, g_get_monotonic_time ());
  RpWorkerLink *link = rp_pool_acquire (registry->pool);
  if (link != NULL)
    begin_call (offer, link);
  else
    wait_for_worker (offer);
}

void
rp_registry_offer (RpRegistry *registry, const RpRegistryOffer *wish, RpRegistryAnswerFunc func,
                   gpointer user_data)
{
  RpRegistryEntry *entry = find (registry, wish->call);
  RpSessionOffer *offer = g_new0 (RpSessionOffer, 1);
  offer->sdp = wish->sdp;
  offer->remote = wish->remote;
  offer->restart = wish->restart;
  offer->received_us = rp_loop_now_us ();
  if (entry != NULL && !entry->info.whip)
    rp_call_offer (entry->call, offer, NULL, on_answer, waiter_new (registry, func, user_data));
  else
    offer_new_call (registry, wish, offer, func, user_data);
}

/* --- commands --- */

static RpRegistryEntry *
find_running (RpRegistry *registry, const char *id)
{
  RpRegistryEntry *entry = find (registry, id);
  return entry != NULL && !entry->ending ? entry : NULL;
}

gboolean
rp_registry_candidates (RpRegistry *registry, const char *id, const RpCandidate *candidates,
                        guint n)
{
  RpRegistryEntry *entry = find_running (registry, id);
  if (entry != NULL && n > 0)
    rp_call_add_candidates (entry->call, candidates, n);
  return entry != NULL;
}

const RpRegistryCall *
rp_registry_call (RpRegistry *registry, const char *id)
{
  const RpRegistryEntry *entry = find_running (registry, id);
  return entry != NULL ? &entry->info : NULL;
}

const char *
rp_registry_ended_whip (RpRegistry *registry, const char *id)
{
  const RpRegistryEntry *entry = find (registry, id);
  if (entry != NULL)
    return entry->ending && entry->info.whip ? entry->info.agent : NULL;
  for (GList *l = registry->monitor->recent.head; l != NULL; l = l->next) {
    const RpCallRecord *record = l->data;
    if (record->whip && g_str_equal (rp_call_id (record->call), id))
      return rp_call_agent (record->call);
  }
  return NULL;
}

void
rp_registry_restart_ice (RpRegistry *registry, const char *id, const RpSdpFragment *fragment,
                         RpRegistryAnswerFunc func, gpointer user_data)
{
  RpRegistryEntry *entry = find_running (registry, id);
  if (entry == NULL) {
    g_autoptr (GError) error =
        g_error_new_literal (RP_REGISTRY_ERROR, RP_REGISTRY_ERROR_UNKNOWN, "the call has ended");
    func (NULL, NULL, error, user_data);
    return;
  }
  Waiter *waiter = waiter_new (registry, func, user_data);
  waiter->fragment = g_memdup2 (fragment, sizeof *fragment);
  rp_call_restart_ice (entry->call, g_memdup2 (fragment, sizeof *fragment), on_answer, waiter);
}

gboolean
rp_registry_end_call (RpRegistry *registry, const char *id, const char *reason)
{
  RpRegistryEntry *entry = find_running (registry, id);
  if (entry == NULL)
    return FALSE;
  entry->ending = TRUE;
  rp_call_end (entry->call, RP_TIMELINE_END_CLIENT, reason);
  return TRUE;
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
    rp_call_drain (((RpRegistryEntry *) entry)->call);
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
    rp_call_end (((RpRegistryEntry *) entry)->call, RP_TIMELINE_END_SERVER, reason);
}

guint
rp_registry_active (const RpRegistry *registry)
{
  return g_hash_table_size (registry->entries) + registry->offers.length;
}

/* --- life --- */

static void
warm_up (gpointer data)
{
  rp_session_warm_up (data);
}

static void
take_loops (RpRegistry *registry, GPtrArray *loops)
{
  while (loops->len > 0) {
    RpRegistryLoop slot = {.loop = g_ptr_array_steal_index (loops, 0)};
    g_array_append_val (registry->loops, slot);
    RpSessionConfig session = registry->session;
    session.loop = slot.loop;
    rp_loop_call_sync (slot.loop, warm_up, &session);
    rp_loop_stats_reset (slot.loop);
  }
  g_ptr_array_unref (loops);
}

static gboolean
start_ice_tcp (RpRegistry *registry, GError **error)
{
  const RpIceTcpConfig config = {
      .addresses = (const char *const *) registry->config->ice_address,
      .port = (guint16) registry->config->ice_tcp_port,
      .max_connections = registry->config->max_sessions * TCP_CONNECTIONS_PER_CALL,
  };
  registry->session.ice_tcp = rp_ice_tcp_new (&config, error);
  return registry->session.ice_tcp != NULL;
}

RpRegistry *
rp_registry_new (const RpConfig *config, RpPool *pool, RpDtlsCertificate *certificate,
                 GPtrArray *loops, GError **error)
{
  g_autoptr (RpRegistry) registry = g_new0 (RpRegistry, 1);
  registry->config = config;
  registry->pool = pool;
  registry->started_us = rp_loop_now_us ();
  registry->inbox = rp_inbox_new ();
  registry->loops = g_array_new (FALSE, TRUE, sizeof (RpRegistryLoop));
  registry->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_free);
  g_queue_init (&registry->offers);
  rp_registry_sessions_init (registry);
  rp_registry_quota_start (registry);
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
  };
  rp_registry_monitor_start (registry);
  rp_registry_admission_start (registry);
  take_loops (registry, loops);
  if (config->ice_tcp_port != 0 && !start_ice_tcp (registry, error))
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
    rp_call_drop (((RpRegistryEntry *) entry)->call);
  for (guint i = 0; i < registry->loops->len; i++)
    rp_loop_free (g_array_index (registry->loops, RpRegistryLoop, i).loop);
  /* Answers on their way still reach those who wait for them; whoever asks for a worker is no more.
   */
  g_hash_table_remove_all (registry->entries);
  rp_inbox_free (registry->inbox);
  g_hash_table_unref (registry->entries);
  rp_registry_monitor_stop (registry);
  rp_registry_admission_stop (registry);
  g_array_unref (registry->loops);
  rp_ice_tcp_free (registry->session.ice_tcp);
  for (guint i = 0; i < RP_N_LATENCIES; i++)
    rp_histogram_free (registry->latencies[i]);
  rp_quota_free (registry->quota);
  rp_registry_sessions_clear (registry);
  g_free (registry);
}
