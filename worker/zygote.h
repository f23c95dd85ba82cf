/* The zygote: loads everything once and forks workers on request. Single-threaded for life: a fork
 * copies only the calling thread, and whatever lock another one held stays locked for ever. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "Do not start me again before something was corrected." */
#define RP_WORKER_EXIT_CONFIG 2

typedef struct {
  int control_fd;                /* a SOCK_SEQPACKET socket: proto/README.md */
  const char *const *agent_dirs; /* NULL-terminated; the first is the default agent */
  const char *models_dir;        /* (nullable) */
  gboolean no_confine;           /* workers may do what the user may, for debuggers */
} RpZygoteOptions;

/* Returns: the exit code, when the server has closed the control socket. Returns in forked children
 * as well, with theirs: the caller only has to leave the process with _exit () then
 * (@out_is_worker). */
int rp_zygote_run (const RpZygoteOptions *options, gboolean *out_is_worker);

G_END_DECLS
