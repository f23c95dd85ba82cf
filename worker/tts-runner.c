#include "tts-runner.h"

#include "mailbox.h"

/* A voice is up to a hundred times faster than it is heard, and each mail wakes the main thread up.
 * The first frame goes at once, then so many together; a voice that is no faster than this waits
 * for none. */
#define FRAMES_PER_MAIL 10
#define MAX_WAIT_US (10 * G_TIME_SPAN_MILLISECOND)

typedef struct {
  guint32 utterance;
  char *text;
} Job;

typedef enum {
  MAIL_WORDS,
  MAIL_FRAMES,
  MAIL_DONE,
  MAIL_FAILED,
} MailType;

typedef struct {
  MailType type;
  guint32 utterance;
  RpEngineWord *words;
  guint n; /* words or frames */
  GBytes *frames[FRAMES_PER_MAIL];
  gboolean last; /* the last frame is the utterance's */
  char *text;
} Mail;

struct _RpTtsRunner {
  RpVoice *voice;
  const RpTtsRunnerEvents *events;
  gpointer user_data;
  RpMailbox *mailbox;
  GThread *thread;

  GMutex lock;
  GCond wake;
  GQueue jobs;     /* of Job */
  guint32 running; /* 0: none */
  gboolean stopping;
  gint cancel; /* atomic: of the running one */
  /* The thread's own, of the running one. */
  guint n_frames;
  Mail *frames; /* not yet posted; NULL: none */
  gint64 posted_us;
};

static void
job_free (gpointer data)
{
  Job *job = data;
  g_free (job->text);
  g_free (job);
}

static void
mail_free (gpointer data)
{
  Mail *mail = data;
  g_free (mail->words);
  for (guint i = 0; i < FRAMES_PER_MAIL; i++)
    g_clear_pointer (&mail->frames[i], g_bytes_unref);
  g_free (mail->text);
  g_free (mail);
}

static Mail *
mail_new (MailType type, guint32 utterance)
{
  Mail *mail = g_new0 (Mail, 1);
  mail->type = type;
  mail->utterance = utterance;
  return mail;
}

static void
on_mail (gpointer message, gpointer user_data)
{
  RpTtsRunner *runner = user_data;
  Mail *mail = message;
  const RpTtsRunnerEvents *events = runner->events;
  switch (mail->type) {
  case MAIL_WORDS:
    events->words (mail->utterance, mail->words, mail->n, runner->user_data);
    break;
  case MAIL_FRAMES:
    for (guint i = 0; i < mail->n; i++)
      events->frame (mail->utterance, g_steal_pointer (&mail->frames[i]),
                     mail->last && i + 1 == mail->n, runner->user_data);
    break;
  case MAIL_DONE:
    events->done (mail->utterance, mail->n, runner->user_data);
    break;
  case MAIL_FAILED:
    events->failed (mail->utterance, mail->text, runner->user_data);
    break;
  }
  mail_free (mail);
}

static void
on_words (const RpEngineWord *words, guint n_words, gpointer user_data)
{
  RpTtsRunner *runner = user_data;
  Mail *mail = mail_new (MAIL_WORDS, runner->running);
  mail->words = g_memdup2 (words, n_words * sizeof *words);
  mail->n = n_words;
  rp_mailbox_post (runner->mailbox, mail);
}

static void
post_frames (RpTtsRunner *runner, gint64 now_us)
{
  if (runner->frames != NULL)
    rp_mailbox_post (runner->mailbox, g_steal_pointer (&runner->frames));
  runner->posted_us = now_us;
}

static void
on_frame (GBytes *opus, gboolean last, gpointer user_data)
{
  RpTtsRunner *runner = user_data;
  gint64 now_us = g_get_monotonic_time ();
  if (runner->frames == NULL)
    runner->frames = mail_new (MAIL_FRAMES, runner->running);
  runner->frames->frames[runner->frames->n++] = opus;
  runner->frames->last = last;
  runner->n_frames++;
  if (last || runner->n_frames == 1 || runner->frames->n == FRAMES_PER_MAIL ||
      now_us - runner->posted_us >= MAX_WAIT_US)
    post_frames (runner, now_us);
}

static void
run (RpTtsRunner *runner, const Job *job)
{
  const RpVoiceSink sink = {.words = on_words, .frame = on_frame, .user_data = runner};
  g_autoptr (GError) error = NULL;
  runner->n_frames = 0;
  gboolean ok = rp_voice_speak (runner->voice, job->text, &runner->cancel, &sink, &error);
  if (g_atomic_int_get (&runner->cancel) != 0) {
    g_clear_pointer (&runner->frames, mail_free);
    return;
  }
  /* What a voice that failed had said before it did. */
  post_frames (runner, 0);
  Mail *mail = mail_new (ok ? MAIL_DONE : MAIL_FAILED, job->utterance);
  mail->n = runner->n_frames;
  if (!ok)
    mail->text = g_strdup (error->message);
  rp_mailbox_post (runner->mailbox, mail);
}

/* The next job that is still wanted, or NULL at the end. Sets running. */
static Job *
next_job (RpTtsRunner *runner)
{
  g_mutex_lock (&runner->lock);
  runner->running = 0;
  Job *job = NULL;
  while (!runner->stopping && job == NULL) {
    job = g_queue_pop_head (&runner->jobs);
    if (job == NULL) {
      g_cond_wait (&runner->wake, &runner->lock);
    } else {
      runner->running = job->utterance;
      g_atomic_int_set (&runner->cancel, 0);
    }
  }
  g_mutex_unlock (&runner->lock);
  return job;
}

static gpointer
thread_main (gpointer data)
{
  RpTtsRunner *runner = data;
  Job *job;
  while ((job = next_job (runner)) != NULL) {
    run (runner, job);
    job_free (job);
  }
  return NULL;
}

RpTtsRunner *
rp_tts_runner_new (RpVoice *voice, GMainContext *context, const RpTtsRunnerEvents *events,
                   gpointer user_data)
{
  RpTtsRunner *runner = g_new0 (RpTtsRunner, 1);
  runner->voice = voice;
  runner->events = events;
  runner->user_data = user_data;
  runner->mailbox = rp_mailbox_new (context, on_mail, mail_free, runner);
  g_mutex_init (&runner->lock);
  g_cond_init (&runner->wake);
  g_queue_init (&runner->jobs);
  runner->thread = g_thread_new ("tts", thread_main, runner);
  return runner;
}

void
rp_tts_runner_free (RpTtsRunner *runner)
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

void
rp_tts_runner_speak (RpTtsRunner *runner, guint32 utterance, const char *text)
{
  g_mutex_lock (&runner->lock);
  gboolean room = runner->jobs.length < RP_TTS_RUNNER_MAX_WAITING;
  if (room) {
    Job *job = g_new0 (Job, 1);
    job->utterance = utterance;
    job->text = g_strdup (text);
    g_queue_push_tail (&runner->jobs, job);
    g_cond_signal (&runner->wake);
  }
  g_mutex_unlock (&runner->lock);
  if (room)
    return;
  Mail *mail = mail_new (MAIL_FAILED, utterance);
  mail->text = g_strdup ("too much is waiting to be spoken");
  rp_mailbox_post (runner->mailbox, mail);
}

void
rp_tts_runner_cancel (RpTtsRunner *runner, guint32 first, guint32 last)
{
  g_mutex_lock (&runner->lock);
  GList *l = runner->jobs.head;
  while (l != NULL) {
    GList *next = l->next;
    Job *job = l->data;
    if (job->utterance >= first && job->utterance <= last) {
      g_queue_delete_link (&runner->jobs, l);
      job_free (job);
    }
    l = next;
  }
  if (runner->running != 0 && runner->running >= first && runner->running <= last)
    g_atomic_int_set (&runner->cancel, 1);
  g_mutex_unlock (&runner->lock);
}
