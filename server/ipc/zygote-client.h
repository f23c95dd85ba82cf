/* Starts the zygote (repartee-worker --zygote), keeps it alive and asks it for workers.
 *
 * The zygote is not needed by workers that run: when it dies they go on, and another is started,
 * with a delay that doubles from failure to failure. Exit code 2 means that starting it again would
 * change nothing (a bad agent, missing models): then it is not.
 *
 * Everything on one thread, whose default main context must be iterated. */
#pragma once

#include "agents.h"
#include "frame.h"
#include "spawner.h"

#include <glib.h>

G_BEGIN_DECLS

/* The zygote's exit code for "my configuration is wrong, do not start me again". One that was READY
 * before with the same configuration is started again nevertheless: its files have been changed,
 * and may be mended. */
#define RP_ZYGOTE_EXIT_CONFIG 2

typedef struct {
  const char *worker_path;       /* the executable */
  const char *const *agent_dirs; /* NULL-terminated, at least one; the first is the default */
  const char *models_dir;        /* (nullable) the zygote's own default */
  const char *data_dir;          /* (nullable) the zygote's own default */
  gboolean no_confine;           /* workers are not shut in */
  RpSpawner *spawner;     /* (nullable) (transfer none) who starts it, with the command line of
                             rp_zygote_command (); NULL: this process */
  guint start_timeout_ms; /* start to READY */
  guint fork_timeout_ms;  /* FORK to FORKED */
  guint min_backoff_ms;   /* before the second start in a row */
  guint max_backoff_ms;
} RpZygoteConfig;

void rp_zygote_config_init (RpZygoteConfig *config);

/* Returns: (transfer full): what to execute */
GStrv rp_zygote_command (const RpZygoteConfig *config);

/* None may free the zygote from inside. Any may be NULL. */
typedef struct {
  /* @info: the READY object: models, voices, agents, version; checked to be a JSON object that
   * describes all agents it was started with, or none */
  void (*ready) (const char *info, gpointer user_data);
  /* It died or misbehaved; another one is started after @retry_ms. */
  void (*lost) (const char *why, guint retry_ms, gpointer user_data);
  /* For good: @why is for the operator. */
  void (*failed) (const char *why, gpointer user_data);
  /* @pidfd: (transfer full) */
  void (*forked) (guint32 worker, guint32 pid, int pidfd, gpointer user_data);
  /* @status: as waitpid gives it. Does not come for workers that outlive their zygote. */
  void (*exited) (guint32 worker, int status, gpointer user_data);
} RpZygoteEvents;

typedef enum {
  RP_ZYGOTE_STARTING,
  RP_ZYGOTE_READY,
  RP_ZYGOTE_WAITING, /* to be started again */
  RP_ZYGOTE_FAILED,
} RpZygoteState;

typedef struct _RpZygote RpZygote;

/* Starts at once; a failure to start is reported like a death, from the main context. @config and
 * @events are copied. Returns: (transfer full) */
RpZygote *rp_zygote_new (const RpZygoteConfig *config, const RpZygoteEvents *events,
                         gpointer user_data);
/* Closes the control socket, upon which the zygote exits; it is killed and reaped when it does not
 * within a second (this waits for it). */
void rp_zygote_free (RpZygote *zygote);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpZygote, rp_zygote_free)

/* Asks for a worker with its end of a socket pair. @socket_fd: (transfer full). Returns: FALSE when
 * the zygote is not ready. A worker asked for may never come: lost () then says so. */
gboolean rp_zygote_fork (RpZygote *zygote, guint32 worker, int socket_fd);

RpZygoteState rp_zygote_state (const RpZygote *zygote);
/* The agents its workers can play (RpAgentInfo), with titles and descriptions once it was ready.
 * Returns: (transfer none) */
const GPtrArray *rp_zygote_agents (const RpZygote *zygote);

G_END_DECLS
