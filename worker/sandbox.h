/* What a worker may do once it is forked: think, talk to the server through its one socket, and
 * write where the agents keep their data. The policy; proto/confine.h has the means.
 *
 * Made once by the zygote, entered by each worker: the filter is compiled before the fork, and
 * entering costs 0.2 ms (sandbox-bench). A third of that is the kernel's translation of the filter,
 * which only a process that had entered before the fork could save: one that may not fork. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  const char *data_dir; /* (nullable) the one directory it may write to; must exist */
  gboolean network;     /* some provider is remote: it may connect over IPv4 and IPv6 */
} RpSandboxConfig;

typedef struct _RpSandbox RpSandbox;

/* Thread: the zygote's one. Returns: (transfer full) (nullable) */
RpSandbox *rp_sandbox_new (const RpSandboxConfig *config, GError **error);
/* NULL is legal. */
void rp_sandbox_free (RpSandbox *sandbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpSandbox, rp_sandbox_free)

/* What of it this kernel enforces: "seccomp, landlock 7", "none". Returns: (transfer none) */
const char *rp_sandbox_describe (const RpSandbox *sandbox);

/* Shuts this process in for good: its descriptors but the standard ones and @socket_fd are closed,
 * its limits set. Thread: the only one there is. Returns: FALSE when something that the kernel has
 * did not work: then the process must end. */
gboolean rp_sandbox_enter (RpSandbox *sandbox, int socket_fd, GError **error);

/* From now on it starts no thread either. Thread: any; binds all of the process. Does nothing where
 * the process is in no sandbox. */
void rp_sandbox_seal (void);

G_END_DECLS
