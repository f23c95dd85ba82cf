#define _GNU_SOURCE /* pidfd, waitid on it, SO_SNDBUFFORCE */

#include "worker-process.h"

#include <sys/pidfd.h>
#include <unistd.h>

RpWorkerProcess *
rp_worker_process_new (guint32 id, guint32 pid, int pidfd, gboolean is_pooled)
{
  RpWorkerProcess *process = g_new0 (RpWorkerProcess, 1);
  g_atomic_ref_count_init (&process->refs);
  process->id = id;
  process->pid = pid;
  process->pidfd = pidfd;
  process->is_pooled = is_pooled;
  return process;
}

RpWorkerProcess *
rp_worker_process_ref (RpWorkerProcess *process)
{
  g_atomic_ref_count_inc (&process->refs);
  return process;
}

void
rp_worker_process_unref (RpWorkerProcess *process)
{
  if (!g_atomic_ref_count_dec (&process->refs))
    return;
  if (process->pidfd >= 0)
    close (process->pidfd);
  g_free (process);
}

void
rp_worker_process_signal (const RpWorkerProcess *process, int signal_number)
{
  if (process->pidfd >= 0)
    (void) pidfd_send_signal (process->pidfd, signal_number, NULL, 0);
}
