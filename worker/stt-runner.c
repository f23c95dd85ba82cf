#include "stt-runner.h"

#include "mailbox.h"

#include <time.h>

/* Nobody waits for the engine this long after its last job: time to give memory back. */
#define IDLE_US (500 * G_TIME_SPAN_MILLISECOND)
/* The engine has at most a final and a partial job at a time. */
#define MAX_WAITING 8
/* A job that took this much longer than it computed had to share the processor: what a partial
 * transcript needs, somebody's final one waits for. */
#define CROWDED_FACTOR 1.5
#define CROWDED_US (20 * G_TIME_SPAN_MILLISECOND)
#define SPARE_US (3 * G_USEC_PER_SEC)

typedef struct {
  guint32 id;
  float *pcm;
  gsize n_samples;
  gboolean final;
  gint64 asked_us;
} Job;

typedef struct {
  guint32 job;
  char *text; /* the transcript, or why it failed */
  gboolean failed;
} Mail;

struct _RpSttRunner {
  RpStt *stt;
  const RpSttRunnerEvents *events;
  gpointer user_data;
  RpMailbox *mailbox;
  GThread *thread;

  GMutex lock;
  GCond wake;
  GQueue jobs; /* of Job */
  guint32 running;
  gboolean running_final;
  gboolean running_cancelled; /* nobody waits for its result */
  gboolean stopping;
  gint64 running_asked_us;
  gint64 longest_us; /* of the final ones that are done */
  gboolean spare;
  gint64 spare_until_us;
  gint cancel; /* atomic: of the running one */
};

static void
job_free (gpointer data)
{
  Job *job = data;
  g_free (job->pcm);
  g_free (job);
}

static void
mail_free (gpointer data)
{
  Mail *mail = data;
  g_free (mail->text);
  g_free (mail);
}

static void
post (RpSttRunner *runner, guint32 job, gboolean failed, char *text)
{
  Mail *mail = g_new0 (Mail, 1);
  mail->job = job;
  mail->failed = failed;
  mail->text = text;
  rp_mailbox_post (runner->mailbox, mail);
}

static void
on_mail (gpointer message, gpointer user_data)
{
  RpSttRunner *runner = user_data;
  Mail *mail = message;
  if (mail->failed)
    runner->events->failed (mail->job, mail->text, runner->user_data);
  else
    runner->events->result (mail->job, mail->text, runner->user_data);
  mail_free (mail);
}

static gint64
thread_cpu_us (void)
{
  struct timespec used;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &used);
  return used.tv_sec * G_USEC_PER_SEC + used.tv_nsec / 1000;
}

/* With the lock. @began_us, @cpu_us: when the job began, and what it computed */
static void
note_crowd (RpSttRunner *runner, gint64 began_us, gint64 cpu_us)
{
  gint64 now_us = g_get_monotonic_time ();
  gint64 took_us = now_us - began_us;
  if (took_us > CROWDED_FACTOR * (double) cpu_us && took_us - cpu_us > CROWDED_US)
    runner->spare_until_us = now_us + SPARE_US;
}

static void
run (RpSttRunner *runner, const Job *job)
{
  g_autoptr (GError) error = NULL;
  gint64 began_us = g_get_monotonic_time ();
  gint64 cpu_us = thread_cpu_us ();
  g_autofree char *text =
      rp_stt_transcribe (runner->stt, job->pcm, job->n_samples, &runner->cancel, &error);
  g_mutex_lock (&runner->lock);
  gboolean wanted = !runner->running_cancelled;
  note_crowd (runner, began_us, thread_cpu_us () - cpu_us);
  runner->running = 0;
  if (wanted && job->final)
    runner->longest_us = MAX (runner->longest_us, g_get_monotonic_time () - job->asked_us);
  g_mutex_unlock (&runner->lock);
  if (!wanted)
    return;
  if (text != NULL)
    post (runner, job->id, FALSE, g_steal_pointer (&text));
  else
    post (runner, job->id, TRUE, g_strdup (error->message));
}

/* Waits for a job; after a while without one gives memory back. Returns: NULL at the end. */
static Job *
next_job (RpSttRunner *runner, gboolean *needs_trim)
{
  Job *job = NULL;
  gint64 idle_at = g_get_monotonic_time () + IDLE_US;
  g_mutex_lock (&runner->lock);
  while (!runner->stopping && (job = g_queue_pop_head (&runner->jobs)) == NULL) {
    if (!*needs_trim) {
      g_cond_wait (&runner->wake, &runner->lock);
    } else if (!g_cond_wait_until (&runner->wake, &runner->lock, idle_at)) {
      g_mutex_unlock (&runner->lock);
      rp_stt_idle (runner->stt);
      g_mutex_lock (&runner->lock);
      *needs_trim = FALSE;
    }
  }
  if (job != NULL) {
    runner->running = job->id;
    runner->running_final = job->final;
    runner->running_asked_us = job->asked_us;
    runner->running_cancelled = FALSE;
    g_atomic_int_set (&runner->cancel, 0);
  }
  g_mutex_unlock (&runner->lock);
  return job;
}

static gpointer
thread_main (gpointer data)
{
  RpSttRunner *runner = data;
  gboolean needs_trim = FALSE;
  Job *job;
  while ((job = next_job (runner, &needs_trim)) != NULL) {
    run (runner, job);
    job_free (job);
    needs_trim = TRUE;
  }
  return NULL;
}

RpSttRunner *
rp_stt_runner_new (RpStt *stt, GMainContext *context, const RpSttRunnerEvents *events,
                   gpointer user_data)
{
  RpSttRunner *runner = g_new0 (RpSttRunner, 1);
  runner->stt = stt;
  runner->events = events;
  runner->user_data = user_data;
  runner->mailbox = rp_mailbox_new (context, on_mail, mail_free, runner);
  g_mutex_init (&runner->lock);
  g_cond_init (&runner->wake);
  g_queue_init (&runner->jobs);
  runner->thread = g_thread_new ("stt", thread_main, runner);
  return runner;
}

void
rp_stt_runner_free (RpSttRunner *runner)
{
  if (runner == NULL)
    return;
  g_mutex_lock (&runner->lock);
  runner->stopping = TRUE;
  g_atomic_int_set (&runner->cancel, 1);
  g_cond_signal (&runner->wake);
  g_mutex_unlock (&runner->lock);
  g_thread_join (runner->thread);
  rp_mailbox_free (runner->mailbox);
  g_queue_clear_full (&runner->jobs, job_free);
  g_cond_clear (&runner->wake);
  g_mutex_clear (&runner->lock);
  g_free (runner);
}

/* The waiting partial jobs are older than the final one and would only delay the next. */
static void
drop_partials (RpSttRunner *runner)
{
  GList *l = runner->jobs.head;
  while (l != NULL) {
    GList *next = l->next;
    Job *job = l->data;
    if (!job->final) {
      g_queue_delete_link (&runner->jobs, l);
      post (runner, job->id, TRUE, g_strdup ("a final transcript took its place"));
      job_free (job);
    }
    l = next;
  }
}

void
rp_stt_runner_start (RpSttRunner *runner, guint32 id, float *pcm, gsize n_samples, gboolean final)
{
  Job *job = g_new0 (Job, 1);
  job->id = id;
  job->pcm = pcm;
  job->n_samples = n_samples;
  job->final = final;
  job->asked_us = g_get_monotonic_time ();
  g_mutex_lock (&runner->lock);
  if (final) {
    drop_partials (runner);
    if (runner->running != 0 && !runner->running_final)
      g_atomic_int_set (&runner->cancel, 1);
  }
  gboolean spared = !final && (runner->spare || job->asked_us < runner->spare_until_us);
  gboolean room = !spared && runner->jobs.length < MAX_WAITING;
  if (room) {
    g_queue_push_tail (&runner->jobs, job);
    g_cond_signal (&runner->wake);
  }
  g_mutex_unlock (&runner->lock);
  if (room)
    return;
  post (runner, id, TRUE,
        g_strdup (spared ? "left out while the machine is busy"
                         : "too many transcriptions are waiting"));
  job_free (job);
}

void
rp_stt_runner_spare (RpSttRunner *runner, gboolean spare)
{
  g_mutex_lock (&runner->lock);
  runner->spare = spare;
  g_mutex_unlock (&runner->lock);
}

gint64
rp_stt_runner_take_wait_us (RpSttRunner *runner)
{
  gint64 now_us = g_get_monotonic_time ();
  g_mutex_lock (&runner->lock);
  gint64 longest_us = runner->longest_us;
  runner->longest_us = 0;
  if (runner->running != 0 && runner->running_final && !runner->running_cancelled)
    longest_us = MAX (longest_us, now_us - runner->running_asked_us);
  for (GList *l = runner->jobs.head; l != NULL; l = l->next) {
    const Job *job = l->data;
    if (job->final)
      longest_us = MAX (longest_us, now_us - job->asked_us);
  }
  g_mutex_unlock (&runner->lock);
  return longest_us;
}

void
rp_stt_runner_cancel (RpSttRunner *runner, guint32 id)
{
  g_mutex_lock (&runner->lock);
  if (runner->running == id) {
    runner->running_cancelled = TRUE;
    g_atomic_int_set (&runner->cancel, 1);
  }
  for (GList *l = runner->jobs.head; l != NULL; l = l->next) {
    Job *job = l->data;
    if (job->id != id)
      continue;
    g_queue_delete_link (&runner->jobs, l);
    job_free (job);
    break;
  }
  g_mutex_unlock (&runner->lock);
}
