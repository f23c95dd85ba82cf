/* The sessions of POST /start in the registry: ids, the clock, and which call they are in. */
#include "registry-private.h"

/* More clients that are about to call than could: some never come. */
#define IDLE_PER_CALL 4
#define MIN_IDLE 16

static void plan_expiry (RpRegistry *registry);

static gboolean
on_expiry (gpointer data)
{
  RpRegistry *registry = data;
  registry->reservations_timer = 0;
  rp_reservations_expire (registry->reservations, rp_loop_now_us ());
  plan_expiry (registry);
  return G_SOURCE_REMOVE;
}

/* What applications say of their users is not kept longer than it may be used. */
static void
plan_expiry (RpRegistry *registry)
{
  gint64 deadline_us = rp_reservations_deadline (registry->reservations);
  if (registry->reservations_timer != 0 || deadline_us == G_MAXINT64)
    return;
  gint64 wait_us = MAX (deadline_us - rp_loop_now_us (), 0);
  registry->reservations_timer =
      g_timeout_add_seconds ((guint) (wait_us / G_USEC_PER_SEC) + 1, on_expiry, registry);
}

void
rp_registry_sessions_init (RpRegistry *registry)
{
  const RpReservationsConfig config = {
      .max_idle = MAX (IDLE_PER_CALL * registry->config->max_sessions, MIN_IDLE),
  };
  registry->reservations = rp_reservations_new (&config);
}

void
rp_registry_sessions_clear (RpRegistry *registry)
{
  if (registry->reservations_timer != 0)
    g_source_remove (registry->reservations_timer);
  g_clear_pointer (&registry->reservations, rp_reservations_free);
}

char *
rp_registry_reserve (RpRegistry *registry, const char *address, const char *agent,
                     const char *request_data, GError **error)
{
  GError *too_many = registry->draining ? NULL : rp_registry_quota_ask (registry, address, 0);
  if (too_many != NULL) {
    g_propagate_error (error, too_many);
    return NULL;
  }
  g_autofree char *id = rp_call_make_id ();
  RpRegistryError code = RP_REGISTRY_ERROR_FULL;
  RpAdmissionReason reason = RP_ADMISSION_CPU;
  const char *problem = NULL;
  if (registry->draining) {
    code = RP_REGISTRY_ERROR_DRAINING;
    problem = "the server is going down";
  } else if (rp_registry_active (registry) >= registry->config->max_sessions) {
    problem = "all lines are busy";
  } else if (!rp_admission_is_open (registry->admission, rp_loop_now_us (), &reason)) {
    code = RP_REGISTRY_ERROR_BUSY;
    problem = rp_admission_reason_text (reason);
  } else if (!rp_reservations_add (registry->reservations, rp_loop_now_us (), id, agent,
                                   request_data)) {
    problem = "too many sessions wait for their calls";
  }
  if (problem != NULL) {
    g_propagate_error (error, rp_registry_refusal (registry, code, problem));
    return NULL;
  }
  plan_expiry (registry);
  return g_steal_pointer (&id);
}

const RpReservation *
rp_registry_session (RpRegistry *registry, const char *session)
{
  return rp_reservations_find (registry->reservations, rp_loop_now_us (), session);
}

gboolean
rp_registry_sessions_in_call (RpRegistry *registry, const char *session)
{
  const RpReservation *reservation = rp_registry_session (registry, session);
  return reservation != NULL && reservation->call != NULL &&
         rp_registry_call (registry, reservation->call) != NULL;
}

void
rp_registry_sessions_leave (RpRegistry *registry, const char *session)
{
  const RpReservation *reservation = rp_registry_session (registry, session);
  if (reservation != NULL && reservation->call != NULL)
    rp_registry_end_call (registry, reservation->call, "the client called anew");
}

void
rp_registry_sessions_renew (RpRegistry *registry, const char *session)
{
  rp_reservations_renew (registry->reservations, rp_loop_now_us (), session);
}

void
rp_registry_sessions_begin (RpRegistry *registry, const char *session, const char *call)
{
  rp_reservations_begin (registry->reservations, rp_loop_now_us (), session, call);
}

void
rp_registry_sessions_end (RpRegistry *registry, const char *call)
{
  rp_reservations_end (registry->reservations, rp_loop_now_us (), call);
  plan_expiry (registry);
}
