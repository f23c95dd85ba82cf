#include "tts-runner.h"

#include "job-thread.h"

/* A voice is up to a hundred times faster than it is heard, and each mail wakes the main thread up.
 * The first frame goes at once, then so many together; a voice that is no faster than this waits
 * for none. */
#define FRAMES_PER_MAIL 10
#define MAX_WAIT_US (10 * G_TIME_SPAN_MILLISECOND)

typedef enum {
  MAIL_NOTHING, /* what was not spoken, or not to its end, for it was cancelled */
  MAIL_WORDS,
  MAIL_FRAMES,
  MAIL_DONE,
  MAIL_FAILED,
} MailType;

/* To the main loop; a job is the last one of its utterance. */
typedef struct {
  MailType type;
  guint32 utterance;
  RpEngineWord *words;
  guint n; /* words or frames */
  GBytes *frames[FRAMES_PER_MAIL];
  gboolean last; /* the last frame is the utterance's */
  char *text;    /* what to say, or why it failed */
} Mail;

struct _RpTtsRunner {
  RpVoice *voice;
  const RpTtsRunnerEvents *events;
  gpointer user_data;
  RpMailbox *mailbox; /* of Mail */
  RpJobThread *thread;
  /* The thread's own. */
  Mail *job;    /* the one that runs */
  Mail *frames; /* of it, not yet posted; NULL: none */
  gint64 posted_us;
};

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
  case MAIL_NOTHING:
    break;
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
  Mail *mail = mail_new (MAIL_WORDS, runner->job->utterance);
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
    runner->frames = mail_new (MAIL_FRAMES, runner->job->utterance);
  runner->frames->frames[runner->frames->n++] = opus;
  runner->frames->last = last;
  runner->job->n++;
  if (last || runner->job->n == 1 || runner->frames->n == FRAMES_PER_MAIL ||
      now_us - runner->posted_us >= MAX_WAIT_US)
    post_frames (runner, now_us);
}

static void
fail (Mail *job, const char *why)
{
  job->type = MAIL_FAILED;
  g_free (job->text);
  job->text = g_strdup (why);
}

static void
speak (gpointer data, const gint *cancel, gpointer user_data)
{
  RpTtsRunner *runner = user_data;
  Mail *job = runner->job = data;
  const RpVoiceSink sink = {.words = on_words, .frame = on_frame, .user_data = runner};
  g_autoptr (GError) error = NULL;
  gboolean ok = rp_voice_speak (runner->voice, job->text, cancel, &sink, &error);
  if (g_atomic_int_get (cancel) != 0) {
    g_clear_pointer (&runner->frames, mail_free);
    return;
  }
  /* What a voice that failed had said before it did. */
  post_frames (runner, 0);
  if (ok)
    job->type = MAIL_DONE;
  else
    fail (job, error->message);
}

static const RpJobThreadClass thread_class = {
    .name = "tts",
    .max_waiting = RP_TTS_RUNNER_MAX_WAITING,
    .run = speak,
    .free_job = mail_free,
};

RpTtsRunner *
rp_tts_runner_new (RpVoice *voice, GMainContext *context, const RpTtsRunnerEvents *events,
                   gpointer user_data)
{
  RpTtsRunner *runner = g_new0 (RpTtsRunner, 1);
  runner->voice = voice;
  runner->events = events;
  runner->user_data = user_data;
  runner->mailbox = rp_mailbox_new (context, on_mail, mail_free, runner);
  runner->thread = rp_job_thread_new (&thread_class, runner->mailbox, runner);
  return runner;
}

void
rp_tts_runner_free (RpTtsRunner *runner)
{
  if (runner == NULL)
    return;
  rp_job_thread_free (runner->thread);
  rp_mailbox_free (runner->mailbox);
  g_free (runner);
}

void
rp_tts_runner_speak (RpTtsRunner *runner, guint32 utterance, const char *text)
{
  Mail *job = mail_new (MAIL_NOTHING, utterance);
  job->text = g_strdup (text);
  if (rp_job_thread_push (runner->thread, job))
    return;
  fail (job, "too much is waiting to be spoken");
  rp_mailbox_post (runner->mailbox, job);
}

static gboolean
visit_between (gpointer data, gpointer user_data)
{
  const Mail *job = data;
  const guint32 *ends = user_data;
  return job->utterance >= ends[0] && job->utterance <= ends[1];
}

void
rp_tts_runner_cancel (RpTtsRunner *runner, guint32 first, guint32 last)
{
  guint32 ends[] = {first, last};
  rp_job_thread_visit (runner->thread, visit_between, ends);
}
