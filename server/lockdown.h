/* What the server gives up once it listens: privileges, executing, writing files, and the system
 * calls that no server needs. The policy; proto/confine.h has the means. */
#pragma once

#include "config.h"

G_BEGIN_DECLS

/* The capabilities that @config needs later: see rp_confine_drop_capabilities (). */
guint64 rp_lockdown_capabilities (const RpConfig *config);

/* While there is one thread, and after everything that the server itself executes. Returns: FALSE
 * when something that the kernel has did not work. */
gboolean rp_lockdown_enter (const RpConfig *config, GError **error);

/* What of it this kernel enforces: "seccomp, landlock 7". Returns: (transfer full) */
char *rp_lockdown_describe (void);

G_END_DECLS
