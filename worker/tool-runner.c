#include "tool-runner.h"

#include "job-thread.h"

typedef struct {
  RpToolCall *call;
  gint64 asked_us;
  char *text; /* the result, or why it failed */
  gboolean failed;
} Job;

struct _RpToolRunner {
  RpTools *tools; /* the job thread's */
  const GPtrArray *allowed;
  char *conversation;
  gint64 patience_us;
  const RpToolRunnerEvents *events;
  gpointer user_data;
  RpMailbox *mailbox;  /* of Job */
  RpJobThread *thread; /* NULL when nothing is allowed */
};

static void
job_free (gpointer data)
{
  Job *job = data;
  rp_tool_call_free (job->call);
  g_free (job->text);
  g_free (job);
}

static void
on_job (gpointer message, gpointer user_data)
{
  RpToolRunner *runner = user_data;
  Job *job = message;
  if (job->failed)
    runner->events->failed (job->call->id, job->text, runner->user_data);
  else
    runner->events->result (job->call->id, job->text, runner->user_data);
  job_free (job);
}

static void
fail (Job *job, const char *why)
{
  job->failed = TRUE;
  job->text = g_strdup (why);
}

static void
call_tool (gpointer data, const gint *cancel, gpointer user_data)
{
  RpToolRunner *runner = user_data;
  Job *job = data;
  if (g_get_monotonic_time () - job->asked_us >= runner->patience_us) {
    fail (job, "it waited too long for its turn");
    return;
  }
  g_autoptr (GError) error = NULL;
  g_autofree char *key = g_strdup_printf ("%s/%s", runner->conversation, job->call->id);
  job->text = rp_tools_call (runner->tools, job->call->name, key, job->call->arguments,
                             g_get_real_time () / G_USEC_PER_SEC, &error);
  if (job->text == NULL)
    fail (job, error->message);
}

static const RpJobThreadClass thread_class = {
    .name = "tools",
    .max_waiting = RP_TOOL_RUNNER_MAX_WAITING,
    .run = call_tool,
    .free_job = job_free,
};

RpToolRunner *
rp_tool_runner_new (RpTools *tools, const GPtrArray *allowed, const char *conversation,
                    gint64 patience_us, GMainContext *context, const RpToolRunnerEvents *events,
                    gpointer user_data)
{
  RpToolRunner *runner = g_new0 (RpToolRunner, 1);
  runner->tools = tools;
  runner->allowed = allowed;
  runner->conversation = g_strdup (conversation);
  runner->patience_us = patience_us;
  runner->events = events;
  runner->user_data = user_data;
  runner->mailbox = rp_mailbox_new (context, on_job, job_free, runner);
  /* Not with the first call: a worker in its sandbox starts no thread once it has begun. */
  if (allowed->len > 0)
    runner->thread = rp_job_thread_new (&thread_class, runner->mailbox, runner);
  return runner;
}

void
rp_tool_runner_free (RpToolRunner *runner)
{
  if (runner == NULL)
    return;
  rp_job_thread_free (runner->thread);
  rp_mailbox_free (runner->mailbox);
  g_free (runner->conversation);
  g_free (runner);
}

static gboolean
is_allowed (const RpToolRunner *runner, const char *name)
{
  for (guint i = 0; i < runner->allowed->len; i++) {
    if (g_str_equal (runner->allowed->pdata[i], name))
      return TRUE;
  }
  return FALSE;
}

void
rp_tool_runner_call (RpToolRunner *runner, const RpToolCall *call)
{
  Job *job = g_new0 (Job, 1);
  job->call = rp_tool_call_copy (call);
  job->asked_us = g_get_monotonic_time ();
  gboolean allowed = is_allowed (runner, call->name);
  if (allowed && rp_job_thread_push (runner->thread, job))
    return;
  fail (job, allowed ? "too many tool calls are waiting" : "the agent has no such tool");
  rp_mailbox_post (runner->mailbox, job);
}
