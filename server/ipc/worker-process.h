/* One worker process as the pool and the link that was handed out share it. Private to this
 * directory. Thread: any; the fields that change are atomic. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  RP_WORKER_FATE_NONE,  /* it serves or waits */
  RP_WORKER_FATE_ENDED, /* it was told to end: its exit is expected */
  RP_WORKER_FATE_LOST,  /* it was lost, and killed for it */
} RpWorkerFate;

typedef struct {
  gatomicrefcount refs;
  guint32 id;
  guint32 pid;        /* 0: not known */
  int pidfd;          /* -1: cannot be signalled */
  gint fate;          /* RpWorkerFate */
  gint released;      /* boolean: its link was freed, the process has to be gone soon */
  gboolean is_pooled; /* somebody looks after it once it is released */
} RpWorkerProcess;

/* @pidfd: (transfer full) or -1 */
RpWorkerProcess *rp_worker_process_new (guint32 id, guint32 pid, int pidfd, gboolean is_pooled);
RpWorkerProcess *rp_worker_process_ref (RpWorkerProcess *process);
void rp_worker_process_unref (RpWorkerProcess *process);

/* Does nothing when the process is gone. Never hits another process: a pidfd is not reused. */
void rp_worker_process_signal (const RpWorkerProcess *process, int signal_number);

G_END_DECLS
