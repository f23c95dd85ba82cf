/* What a worker that was taken over may try from inside its sandbox. */
#pragma once

#include "fake-worker.h"

G_BEGIN_DECLS

/* @words: "NAME" or "NAME ARGUMENT":
 *
 *   socket, unix, listen, connect PORT, sendfd
 *   read PATH, write PATH, list PATH, descriptors
 *   pid, signal PID, pidfd PID, ptrace PID, memory-of PID, limits-of PID
 *   fork, exec, thread, code, call NAME (a system call of linux)
 *   eat (memory), spin, stderr
 *   flood, flood-audio, checkpoints, giant, zeros, load
 *
 * Returns: (transfer full): what came of it, as an errno's name or in words. Some do not return. */
char *hostile_try (FakeWorker *worker, const char *words);

G_END_DECLS
