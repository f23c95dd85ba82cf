/* What the zygote and the workers write to standard error, as records of the log: whole lines, few
 * of them. A worker that was taken over can neither write records of its own making nor fill a
 * disk. Thread: main. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Lines at once, and one more in this time; the rest is counted. */
#define RP_WORKER_LOG_BURST 200
#define RP_WORKER_LOG_LINE_MS 100

typedef struct _RpWorkerLog RpWorkerLog;

/* @out_error_fd: (transfer full): what workers get as their standard error; a full pipe drops what
 * they write. While there is one thread. Returns: (transfer full) (nullable) */
RpWorkerLog *rp_worker_log_new (int *out_error_fd);
/* Begins to read, on the default main context. */
void rp_worker_log_start (RpWorkerLog *log);
/* Writes what is there. NULL is legal. */
void rp_worker_log_free (RpWorkerLog *log);

G_END_DECLS
