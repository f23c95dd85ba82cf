#include "stt-runner.h"

#include "job-thread.h"

#include <time.h>

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
  gboolean unwanted; /* the main thread's: nobody waits for it any more */
  /* What became of it. */
  char *text; /* NULL: it failed */
  char *why;  /* it failed; NULL: it was not begun */
  gint64 took_us;
  gint64 crowded_us; /* when others were seen to want the processor; 0: they did not */
} Job;

/* The main thread's, but for @stt, which is the job thread's. */
struct _RpSttRunner {
  RpStt *stt;
  const RpSttRunnerEvents *events;
  gpointer user_data;
  RpMailbox *mailbox; /* of Job */
  RpJobThread *thread;
  gint64 longest_us; /* of the final ones that are done */
  gboolean spare;
  gint64 spare_until_us;
};

static void
job_free (gpointer data)
{
  Job *job = data;
  g_free (job->pcm);
  g_free (job->text);
  g_free (job->why);
  g_free (job);
}

static void
on_job (gpointer message, gpointer user_data)
{
  RpSttRunner *runner = user_data;
  Job *job = message;
  if (job->crowded_us != 0)
    runner->spare_until_us = job->crowded_us + SPARE_US;
  if (job->final && !job->unwanted)
    runner->longest_us = MAX (runner->longest_us, job->took_us);
  if (!job->unwanted && job->text != NULL)
    runner->events->result (job->id, job->text, runner->user_data);
  else if (!job->unwanted)
    runner->events->failed (job->id,
                            job->why != NULL ? job->why : "a final transcript took its place",
                            runner->user_data);
  job_free (job);
}

static gint64
thread_cpu_us (void)
{
  struct timespec used;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &used);
  return used.tv_sec * G_USEC_PER_SEC + used.tv_nsec / 1000;
}

static void
transcribe (gpointer data, const gint *cancel, gpointer user_data)
{
  RpSttRunner *runner = user_data;
  Job *job = data;
  g_autoptr (GError) error = NULL;
  gint64 began_us = g_get_monotonic_time ();
  gint64 cpu_us = thread_cpu_us ();
  job->text = rp_stt_transcribe (runner->stt, job->pcm, job->n_samples, cancel, &error);
  if (job->text == NULL)
    job->why = g_strdup (error->message);
  gint64 now_us = g_get_monotonic_time ();
  gint64 ran_us = now_us - began_us;
  cpu_us = thread_cpu_us () - cpu_us;
  job->took_us = now_us - job->asked_us;
  if (ran_us > CROWDED_FACTOR * (double) cpu_us && ran_us - cpu_us > CROWDED_US)
    job->crowded_us = now_us;
}

static void
idle (gpointer user_data)
{
  RpSttRunner *runner = user_data;
  rp_stt_idle (runner->stt);
}

static const RpJobThreadClass thread_class = {
    .name = "stt",
    .max_waiting = MAX_WAITING,
    .run = transcribe,
    .idle = idle,
    .free_job = job_free,
};

RpSttRunner *
rp_stt_runner_new (RpStt *stt, GMainContext *context, const RpSttRunnerEvents *events,
                   gpointer user_data)
{
  RpSttRunner *runner = g_new0 (RpSttRunner, 1);
  runner->stt = stt;
  runner->events = events;
  runner->user_data = user_data;
  runner->mailbox = rp_mailbox_new (context, on_job, job_free, runner);
  runner->thread = rp_job_thread_new (&thread_class, runner->mailbox, runner);
  return runner;
}

void
rp_stt_runner_free (RpSttRunner *runner)
{
  if (runner == NULL)
    return;
  rp_job_thread_free (runner->thread);
  rp_mailbox_free (runner->mailbox);
  g_free (runner);
}

/* The partial ones are older than the final one and would only delay the next. */
static gboolean
visit_partial (gpointer data, gpointer user_data)
{
  const Job *job = data;
  return !job->final;
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
  if (final)
    rp_job_thread_visit (runner->thread, visit_partial, NULL);
  gboolean spared = !final && (runner->spare || job->asked_us < runner->spare_until_us);
  if (!spared && rp_job_thread_push (runner->thread, job))
    return;
  job->why = g_strdup (spared ? "left out while the machine is busy"
                              : "too many transcriptions are waiting");
  rp_mailbox_post (runner->mailbox, job);
}

void
rp_stt_runner_spare (RpSttRunner *runner, gboolean spare)
{
  runner->spare = spare;
}

static gboolean
visit_waited_for (gpointer data, gpointer user_data)
{
  const Job *job = data;
  gint64 *since_us = user_data;
  if (job->final && !job->unwanted)
    *since_us = MIN (*since_us, job->asked_us);
  return FALSE;
}

gint64
rp_stt_runner_take_wait_us (RpSttRunner *runner)
{
  gint64 now_us = g_get_monotonic_time ();
  gint64 since_us = now_us;
  rp_job_thread_visit (runner->thread, visit_waited_for, &since_us);
  gint64 longest_us = MAX (runner->longest_us, now_us - since_us);
  runner->longest_us = 0;
  return longest_us;
}

static gboolean
visit_unwanted (gpointer data, gpointer user_data)
{
  const guint32 *id = user_data;
  Job *job = data;
  job->unwanted |= job->id == *id;
  return job->unwanted;
}

void
rp_stt_runner_cancel (RpSttRunner *runner, guint32 id)
{
  rp_job_thread_visit (runner->thread, visit_unwanted, &id);
}
