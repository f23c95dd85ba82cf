/* What registry.c, registry-sessions.c and registry-stats.c share. For these alone. */
#pragma once

#include "call.h"
#include "monitor.h"
#include "registry.h"

G_BEGIN_DECLS

typedef struct {
  RpLoop *loop;
  guint sessions;
} RpRegistryLoop;

/* A call in the registry. */
typedef struct {
  RpRegistry *registry;
  RpCall *call;
  guint loop_index;
  RpRegistryCall info;
  gboolean ending;
  guint worker_request;                               /* 0 = none waits */
  RpCallSnapshot counted;                             /* see rp_monitor_count () */
  guint64 tools_counted[RP_TIMELINE_TOOL_N_STATUSES]; /* see rp_monitor_tools () */
} RpRegistryEntry;

struct _RpRegistry {
  const RpConfig *config;
  RpPool *pool;
  RpInbox *inbox;
  GArray *loops;       /* of RpRegistryLoop */
  GHashTable *entries; /* the call's id to RpRegistryEntry */
  GQueue offers;       /* of Offer */
  RpReservations *reservations;
  guint reservations_timer; /* 0 = none waits */
  RpSessionConfig session;  /* what all calls have in common */
  RpHistogram *latencies[RP_N_LATENCIES];
  RpMonitor *monitor;
  guint monitor_timer;
  gint64 started_us;
  guint peak;
  gboolean draining;
  void (*drained) (gpointer user_data);
  gpointer drained_data;
};

/* Counts a refusal. Returns: (transfer full): it as an error */
GError *rp_registry_refusal (RpRegistry *registry, RpRegistryError code, const char *text);

/* Is @session in a call that is not ending already? */
gboolean rp_registry_sessions_in_call (RpRegistry *registry, const char *session);
/* Ends the call that @session is in. */
void rp_registry_sessions_leave (RpRegistry *registry, const char *session);
/* @session's call is being set up, has begun, is over. */
void rp_registry_sessions_renew (RpRegistry *registry, const char *session);
void rp_registry_sessions_begin (RpRegistry *registry, const char *session, const char *call);
void rp_registry_sessions_end (RpRegistry *registry, const char *call);
void rp_registry_sessions_init (RpRegistry *registry);
void rp_registry_sessions_clear (RpRegistry *registry);

/* registry-monitor.c: what registry.c tells the monitor of. */
void rp_registry_monitor_start (RpRegistry *registry);
void rp_registry_monitor_stop (RpRegistry *registry);
/* Every call's counters are in the sum. */
void rp_registry_monitor_count (RpRegistry *registry);
/* While the call is still among the entries. */
void rp_registry_monitor_ended (RpRegistry *registry, RpRegistryEntry *entry, gboolean failed);
/* The mean over the calls that are connected; negative when there are none. */
gint64 rp_registry_mean_jitter_us (RpRegistry *registry);
void rp_registry_monitor_refused (RpRegistry *registry, RpRegistryError code);

G_END_DECLS
