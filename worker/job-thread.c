#include "job-thread.h"

struct _RpJobThread {
  const RpJobThreadClass *klass;
  RpMailbox *done;
  gpointer user_data;
  GThread *thread;

  GMutex lock;
  GCond wake;
  GQueue waiting;
  gpointer running; /* NULL: none */
  gboolean stopping;
  gint cancel; /* atomic: of the running one */
};

/* With the lock, which it gives up to wait. Returns: NULL at the end. */
static gpointer
next_job (RpJobThread *self, gboolean has_worked)
{
  gboolean may_idle = has_worked && self->klass->idle != NULL;
  gint64 idle_at_us = g_get_monotonic_time () + RP_JOB_THREAD_IDLE_US;
  while (!self->stopping && g_queue_is_empty (&self->waiting)) {
    if (!may_idle) {
      g_cond_wait (&self->wake, &self->lock);
    } else if (g_get_monotonic_time () < idle_at_us) {
      g_cond_wait_until (&self->wake, &self->lock, idle_at_us);
    } else {
      may_idle = FALSE;
      g_mutex_unlock (&self->lock);
      self->klass->idle (self->user_data);
      g_mutex_lock (&self->lock);
    }
  }
  return self->stopping ? NULL : g_queue_pop_head (&self->waiting);
}

static gpointer
thread_main (gpointer data)
{
  RpJobThread *self = data;
  gpointer job;
  g_mutex_lock (&self->lock);
  for (gboolean has_worked = FALSE; (job = next_job (self, has_worked)) != NULL;
       has_worked = TRUE) {
    self->running = job;
    g_atomic_int_set (&self->cancel, 0);
    g_mutex_unlock (&self->lock);
    self->klass->run (job, &self->cancel, self->user_data);
    g_mutex_lock (&self->lock);
    self->running = NULL;
    rp_mailbox_post (self->done, job);
  }
  g_mutex_unlock (&self->lock);
  return NULL;
}

RpJobThread *
rp_job_thread_new (const RpJobThreadClass *klass, RpMailbox *done, gpointer user_data)
{
  RpJobThread *self = g_new0 (RpJobThread, 1);
  self->klass = klass;
  self->done = done;
  self->user_data = user_data;
  g_mutex_init (&self->lock);
  g_cond_init (&self->wake);
  g_queue_init (&self->waiting);
  self->thread = g_thread_new (klass->name, thread_main, self);
  return self;
}

void
rp_job_thread_free (RpJobThread *self)
{
  if (self == NULL)
    return;
  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  g_atomic_int_set (&self->cancel, 1);
  g_cond_signal (&self->wake);
  g_mutex_unlock (&self->lock);
  g_thread_join (self->thread);
  g_queue_clear_full (&self->waiting, self->klass->free_job);
  g_cond_clear (&self->wake);
  g_mutex_clear (&self->lock);
  g_free (self);
}

gboolean
rp_job_thread_push (RpJobThread *self, gpointer job)
{
  g_mutex_lock (&self->lock);
  gboolean room = self->waiting.length < self->klass->max_waiting;
  if (room) {
    g_queue_push_tail (&self->waiting, job);
    g_cond_signal (&self->wake);
  }
  g_mutex_unlock (&self->lock);
  return room;
}

void
rp_job_thread_visit (RpJobThread *self, RpJobVisitor visitor, gpointer data)
{
  g_mutex_lock (&self->lock);
  if (self->running != NULL && visitor (self->running, data))
    g_atomic_int_set (&self->cancel, 1);
  for (GList *l = self->waiting.head, *next; l != NULL; l = next) {
    next = l->next;
    if (!visitor (l->data, data))
      continue;
    rp_mailbox_post (self->done, l->data);
    g_queue_delete_link (&self->waiting, l);
  }
  g_mutex_unlock (&self->lock);
}
