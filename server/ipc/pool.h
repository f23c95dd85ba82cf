/* Warm workers: the zygote, N forked workers that wait for a call, and the eye on all of them.
 *
 * Lives on the main thread (the one it was made on), whose default main context must be iterated.
 * A link that was handed out belongs to the caller and its media loop; the pool keeps a descriptor
 * of the process and makes sure that it is gone after the link was freed. */
#pragma once

#include "worker-link.h"
#include "zygote-client.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  RpZygoteConfig zygote;
  guint idle_target;     /* warm workers to keep, from 1 */
  guint max_workers;     /* idle, starting and busy ones together */
  guint surplus_ms;      /* how long more than idle_target may stay warm */
  guint hung_timeout_ms; /* see rp_worker_link_new (), for busy and for idle workers */
} RpPoolConfig;

/* idle_target 2, max_workers 1000, surplus_ms 10 000; the rest as rp_zygote_config_init (). */
void rp_pool_config_init (RpPoolConfig *config);

/* On the pool's thread; none may free the pool from inside. Any may be NULL. */
typedef struct {
  /* The first worker is warm. @info: what the zygote said about itself (JSON object). Again after
   * every restart of the zygote. */
  void (*ready) (const char *info, gpointer user_data);
  /* No worker will ever come: the configuration is wrong, and never was right; or the spawner is
   * gone. */
  void (*failed) (const char *why, gpointer user_data);
  /* For the log: a zygote or an idle worker was lost, a worker died by a signal. */
  void (*trouble) (const char *text, gpointer user_data);
} RpPoolEvents;

typedef struct {
  guint idle;     /* warm */
  guint starting; /* asked for, HELLO not yet received */
  guint busy;     /* handed out, process still there */
  guint waiting;  /* requests not yet answered */
  guint restarts; /* workers that were lost other than by being ended, and zygotes started again */
} RpPoolStats;

typedef struct _RpPool RpPool;

/* @config and @events are copied; @events may be NULL. Returns: (transfer full) */
RpPool *rp_pool_new (const RpPoolConfig *config, const RpPoolEvents *events, gpointer user_data);
/* Kills every process that is left, at once. Links that were handed out stay valid (their workers
 * die). */
void rp_pool_free (RpPool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpPool, rp_pool_free)

/* Returns: (transfer full) (nullable): a warm worker, or NULL when none is idle. Another one is
 * started at once. */
RpWorkerLink *rp_pool_acquire (RpPool *pool);

/* @link: (transfer full) (nullable): NULL when the pool failed or was stopped */
typedef void (*RpPoolFunc) (RpWorkerLink *link, gpointer user_data);

/* A worker as soon as there is one; in the order of the requests. Never calls back from inside.
 * Returns: an id > 0 for rp_pool_cancel (). */
guint rp_pool_request (RpPool *pool, RpPoolFunc func, gpointer user_data);
/* func is not called any more. Nothing happens when it was already. */
void rp_pool_cancel (RpPool *pool, guint request);

/* At least one worker is warm. */
gboolean rp_pool_is_ready (const RpPool *pool);
/* Returns: (transfer none) (nullable): why no worker will ever come. */
const char *rp_pool_failure (const RpPool *pool);
void rp_pool_stats (const RpPool *pool, RpPoolStats *out_stats);
/* The agents workers can play (RpAgentInfo), the default first. Returns: (transfer none) */
const GPtrArray *rp_pool_agents (const RpPool *pool);

/* Ends everything: no more workers are handed out, waiting requests get NULL, idle workers get END,
 * busy ones (which their sessions should have ended before) SIGTERM, and SIGKILL after a second.
 * @done (nullable) is called once no process is left. */
void rp_pool_stop (RpPool *pool, void (*done) (gpointer user_data), gpointer user_data);

G_END_DECLS
