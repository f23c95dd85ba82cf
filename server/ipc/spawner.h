/* Starts the zygote for a server that may execute nothing itself any more: a process of the very
 * beginning that knows one command line and does nothing but run it when asked. What it starts is a
 * child of the server, not its own. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define RP_SPAWNER_ERROR (rp_spawner_error_quark ())
GQuark rp_spawner_error_quark (void);
typedef enum {
  RP_SPAWNER_ERROR_FAILED,
} RpSpawnerError;

/* The descriptor's number in what is started: the first after the standard three. */
#define RP_SPAWNER_CHILD_FD 3

typedef struct _RpSpawner RpSpawner;

/* Forks: to be called while there is one thread. The process, and so all that it starts, is without
 * capabilities, core dumps and ways to get more (rp_confine_process ()). @argv: NULL-terminated,
 * argv[0] is a path; only has to last during the call. @error_fd: (transfer none) what is started
 * has it as standard error. @forget: called in the new process, which has a copy of all our memory,
 * to wipe what it is not to keep. Returns: (transfer full) (nullable) */
RpSpawner *rp_spawner_new (const char *const *argv, int error_fd, void (*forget) (gpointer data),
                           gpointer data, GError **error);
/* Ends the process; what it started goes on. NULL is legal. */
void rp_spawner_free (RpSpawner *spawner);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpSpawner, rp_spawner_free)

/* Waits until it runs, which takes milliseconds. @child_fd: (transfer none) becomes
 * RP_SPAWNER_CHILD_FD. @out_pid: a child of this process, to be waited for. Thread: one. */
gboolean rp_spawner_spawn (RpSpawner *spawner, int child_fd, GPid *out_pid, GError **error);

/* @gone is called once, from the thread's default main context, when the process has ended without
 * having been told to; @how: "signal 9 (Killed)". Thread: that of rp_spawner_spawn (). */
void rp_spawner_watch (RpSpawner *spawner, void (*gone) (const char *how, gpointer user_data),
                       gpointer user_data);

/* Its process did not answer, or has ended: nothing will ever be started again. NULL has not. */
gboolean rp_spawner_is_gone (const RpSpawner *spawner);

/* Lets the media loops go before a process and what it will start: a loop that wakes up interrupts
 * whatever a worker computes, and a worker that is woken, as each is 50 times a second, waits until
 * the loop is done with its tick. @pid: 0 = this process. */
void rp_spawner_yield (GPid pid);

G_END_DECLS
