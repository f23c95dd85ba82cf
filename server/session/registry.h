/* All calls of the server: admission, which loop takes which call, the way between the HTTP side
 * and the sessions, and the sum of the statistics. Everything here: main thread. */
#pragma once

#include "call-stats.h"
#include "config.h"
#include "exposition.h"
#include "pool.h"
#include "reservations.h"
#include "session.h"

#include <glib.h>

G_BEGIN_DECLS

/* Time an offer waits for a worker when none is warm. */
#define RP_REGISTRY_WORKER_WAIT_MS 2000

#define RP_REGISTRY_ERROR (rp_registry_error_quark ())
GQuark rp_registry_error_quark (void);
typedef enum {
  RP_REGISTRY_ERROR_FULL,     /* as many calls as the configuration allows */
  RP_REGISTRY_ERROR_BUSY,     /* more calls than the machine can carry well */
  RP_REGISTRY_ERROR_ADDRESS,  /* more than one address may have, or too often */
  RP_REGISTRY_ERROR_DRAINING, /* the server is going down */
  RP_REGISTRY_ERROR_WORKER,   /* no worker to be had in time */
  RP_REGISTRY_ERROR_UNKNOWN,  /* no such call */
  RP_REGISTRY_ERROR_INVALID,  /* the client's offer cannot be answered */
  RP_REGISTRY_ERROR_FAILED,   /* ours */
} RpRegistryError;

/* Seconds after which BUSY may be over; 0 = not said. */
guint rp_registry_error_retry_after (const GError *error);

typedef struct _RpRegistry RpRegistry;

/* @config, @pool and @certificate must outlive the registry. @loops: (element-type RpLoop)
 * (transfer full): for media, at least one, none of which has been used. */
RpRegistry *rp_registry_new (const RpConfig *config, RpPool *pool, RpDtlsCertificate *certificate,
                             GPtrArray *loops, GError **error);
/* Ends every call at once and stops the loops. */
void rp_registry_free (RpRegistry *registry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpRegistry, rp_registry_free)

/* The pool has workers of a zygote, the first or another one: what it said of its agents counts. */
void rp_registry_workers_ready (RpRegistry *registry);

typedef struct {
  const char *call;    /* (nullable): an id the client was given before; an unknown one and one of
                          WHIP begin a new call, as NULL does */
  RpSdp *sdp;          /* (transfer full) */
  RpSdpRemote *remote; /* (transfer full) */
  gboolean restart;
  /* For a new call alone. */
  const char *session;      /* (nullable): the reservation it is for; its former call is ended */
  const char *agent;        /* (nullable): one of the pool's; NULL = the first */
  const char *request_data; /* (nullable): a JSON object as text, for the agent */
  const char *address;      /* (nullable): rp_quota_key () of who asks; NULL = no limits */
  gboolean whip;
} RpRegistryOffer;

/* @answer: SDP, or a fragment of it; @call: the id. Both NULL with @error set on failure. */
typedef void (*RpRegistryAnswerFunc) (const char *answer, const char *call, const GError *error,
                                      gpointer user_data);

/* @func is called exactly once, possibly from inside. */
void rp_registry_offer (RpRegistry *registry, const RpRegistryOffer *offer,
                        RpRegistryAnswerFunc func, gpointer user_data);

/* What those outside have to know of a call. */
typedef struct {
  const char *agent;
  gboolean whip;
  /* Of a WHIP call: counts its ICE sessions from 1, and the client's credentials of this one. */
  guint ice_session;
  char ice_ufrag[RP_ICE_MAX_CREDENTIAL + 1];
  char ice_pwd[RP_ICE_MAX_CREDENTIAL + 1];
} RpRegistryCall;

/* Returns: (transfer none) (nullable): NULL when there is no such call or it is ending. Valid until
 * the main context is iterated again. */
const RpRegistryCall *rp_registry_call (RpRegistry *registry, const char *call);

/* Returns: FALSE when there is no such call. */
gboolean rp_registry_candidates (RpRegistry *registry, const char *call,
                                 const RpCandidate *candidates, guint n);
/* An ICE restart without an offer: @fragment has the client's new credentials. @func as above; its
 * answer is a fragment. */
void rp_registry_restart_ice (RpRegistry *registry, const char *call, const RpSdpFragment *fragment,
                              RpRegistryAnswerFunc func, gpointer user_data);
/* The agent of a WHIP call that has ended lately or is ending. Returns: (transfer none) (nullable):
 * NULL when none is known of this id. Valid as above. */
const char *rp_registry_ended_whip (RpRegistry *registry, const char *call);
/* Ends one call; the session may take a moment. Returns: FALSE when there is no such call. */
gboolean rp_registry_end_call (RpRegistry *registry, const char *call, const char *reason);

/* Reserves a session for a client to come (registry-sessions.c). It takes no worker and no line.
 * Returns: (transfer full) (nullable): its id; NULL with @error set: FULL, DRAINING,
 * ADDRESS (@address is as that of an offer). */
char *rp_registry_reserve (RpRegistry *registry, const char *address, const char *agent,
                           const char *request_data, GError **error);
/* Returns: (transfer none) (nullable): valid until the main context is iterated again. */
const RpReservation *rp_registry_session (RpRegistry *registry, const char *session);

guint rp_registry_active (const RpRegistry *registry);
/* No new calls from now on; running ones go on undisturbed. @done is called once there are none
 * left. */
void rp_registry_drain (RpRegistry *registry, void (*done) (gpointer user_data),
                        gpointer user_data);
gboolean rp_registry_is_draining (const RpRegistry *registry);
/* Running calls are asked to come to an end: their agents say goodbye and hang up. */
void rp_registry_wind_up (RpRegistry *registry);
/* Ends all calls now; the drain's done () follows. */
void rp_registry_end_all (RpRegistry *registry, const char *reason);

/* The JSON of /stats, /stats/history and /stats/calls/{id}. Returns: (transfer full); the last one
 * NULL when neither a running call nor one of the last that ended has this short id. */
char *rp_registry_stats (RpRegistry *registry);
char *rp_registry_history (RpRegistry *registry);
char *rp_registry_call_stats (RpRegistry *registry, const char *short_id);
/* Calls, workers, loops and media for /metrics. */
void rp_registry_metrics (RpRegistry *registry, RpExposition *out);

G_END_DECLS
