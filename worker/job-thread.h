/* A thread that does one job after another for a main loop. What a job is, its owner decides.
 *
 * The owner is the thread that iterates the mailbox's context: it makes jobs, pushes, visits and
 * gets them back, and frees all this. A job is held by one of three, and never lost between them:
 * by the queue or the thread from rp_job_thread_push () on, then by the mailbox, then by whoever
 * the mailbox gives it to. Each job comes back once: in the order in which they were pushed when
 * they were run, at once and not run when they were stopped while they waited. At the end those
 * that wait are freed.
 *
 * While run () has a job a visitor may see it, too: neither writes what the other reads, nor
 * reads what it writes. Everything else is handed over under a lock. */
#pragma once

#include "mailbox.h"

G_BEGIN_DECLS

/* Nobody waits for the thread this long after its last job: time to give memory back. */
#define RP_JOB_THREAD_IDLE_US (500 * G_TIME_SPAN_MILLISECOND)

typedef struct {
  const char *name;  /* of the thread: 15 bytes at most */
  guint max_waiting; /* jobs beside the one that runs */
  /* On the thread. @cancel: to be read with g_atomic_int_get (); not 0 as soon as nobody wants the
   * job to be finished. */
  void (*run) (gpointer job, const gint *cancel, gpointer user_data);
  /* (nullable) On the thread, once after jobs. The next job waits for it. */
  void (*idle) (gpointer user_data);
  GDestroyNotify free_job;
} RpJobThreadClass;

typedef struct _RpJobThread RpJobThread;

/* @klass, @done: must outlive the thread; @done gets the jobs back, and frees them as free_job ()
 * does. Returns: (transfer full) */
RpJobThread *rp_job_thread_new (const RpJobThreadClass *klass, RpMailbox *done, gpointer user_data);
/* Cancels the job that runs, waits for it and frees those that wait. Nothing is posted any more
 * afterwards. NULL is legal. Not from inside a callback of @done. */
void rp_job_thread_free (RpJobThread *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpJobThread, rp_job_thread_free)

/* @job: (transfer full) when this returns TRUE. Returns: FALSE when too many wait. */
gboolean rp_job_thread_push (RpJobThread *self, gpointer job);

/* Returns: TRUE when @job is to be stopped: it is cancelled if it runs, and comes back at once if
 * it waits. Called with the lock: must not call back into the thread. */
typedef gboolean (*RpJobVisitor) (gpointer job, gpointer data);

/* Shows the job that runs and then those that wait, in order. */
void rp_job_thread_visit (RpJobThread *self, RpJobVisitor visitor, gpointer data);

G_END_DECLS
