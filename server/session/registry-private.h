/* What registry.c, registry-sessions.c and registry-stats.c share. For these alone. */
#pragma once

#include "admission.h"
#include "call.h"
#include "load-probe.h"
#include "monitor.h"
#include "quota.h"
#include "registry.h"

G_BEGIN_DECLS

typedef struct {
  RpLoop *loop;
  guint sessions;
  RpHistogram *late; /* (nullable) its lateness when admission looked last */
} RpRegistryLoop;

/* A call in the registry. */
typedef struct {
  RpRegistry *registry;
  RpCall *call;
  guint loop_index;
  RpRegistryCall info;
  char *address; /* (nullable) that the quota counts it for */
  gboolean ending;
  guint worker_request;                               /* 0 = none waits */
  guint64 admitted;                                   /* see rp_admission_heard () */
  gint64 cpu_us;                                      /* of its workers, counted by admission */
  gint64 stt_us;                                      /* its caller waited last; 0 = never yet */
  gint64 stt_told_us;                                 /* when admission saw that */
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
  RpQuota *quota;
  RpAdmission *admission;
  gboolean admission_open; /* as the log was told last */
  RpLoadProbe *probe;
  guint admission_timer;
  gint64 sampled_us;
  gint64 ended_cpu_us; /* of workers whose calls ended since */
  guint64 refused_for[RP_ADMISSION_N_REASONS];
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

void rp_registry_error_set_retry_after (GError *error, guint retry_after_s);

/* registry-admission.c: may another call begin? */
void rp_registry_admission_start (RpRegistry *registry);
void rp_registry_admission_stop (RpRegistry *registry);
/* @out_admitted: what rp_admission_heard () is told when it was heard or is over. Returns:
 * (transfer full) (nullable): NULL = it may, and is counted. */
GError *rp_registry_admission_ask (RpRegistry *registry, guint64 *out_admitted);
/* While the call is still among the entries. */
void rp_registry_admission_ended (RpRegistry *registry, RpRegistryEntry *entry);
void rp_registry_admission_stats (RpRegistry *registry, JsonBuilder *builder);
void rp_registry_admission_metrics (RpRegistry *registry, RpExposition *out);

/* registry-quota.c: may this address have another call? */
void rp_registry_quota_start (RpRegistry *registry);
/* @address: (nullable); @freed: calls of it that end with that. Returns: (transfer full)
 * (nullable): NULL = it may. */
GError *rp_registry_quota_ask (RpRegistry *registry, const char *address, guint freed);

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
