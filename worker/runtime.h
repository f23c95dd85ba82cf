/* One conversation: carries out what the engine decides, and tells it what happened. README.md says
 * which thread does what. */
#pragma once

#include "assets.h"

#include <glib.h>

G_BEGIN_DECLS

/* Runs in a process of its own until the server ends the conversation or goes away. @fd: (transfer
 * full) the worker's end of its socket. Threads may still run when this returns, so that the
 * process has to be left with _exit (). Returns: the exit code: 0 when the server ended it, 1 when
 * it broke the protocol (said on stderr). */
int rp_runtime_run (RpAssets *assets, int fd);

G_END_DECLS
