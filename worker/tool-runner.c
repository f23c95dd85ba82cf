#include "tool-runner.h"

#include "mailbox.h"

typedef struct {
  char *call_id;
  char *text; /* the result, or why it failed */
  gboolean failed;
} Mail;

struct _RpToolRunner {
  RpTools *tools;
  const GPtrArray *allowed;
  char *conversation;
  const RpToolRunnerEvents *events;
  gpointer user_data;
  RpMailbox *mailbox;
  GThread *thread;    /* NULL when nothing is allowed */
  GAsyncQueue *calls; /* of RpToolCall; @end is the last */
  RpToolCall end;
};

static void
mail_free (gpointer data)
{
  Mail *mail = data;
  g_free (mail->call_id);
  g_free (mail->text);
  g_free (mail);
}

static void
on_mail (gpointer message, gpointer user_data)
{
  RpToolRunner *runner = user_data;
  Mail *mail = message;
  if (mail->failed)
    runner->events->failed (mail->call_id, mail->text, runner->user_data);
  else
    runner->events->result (mail->call_id, mail->text, runner->user_data);
  mail_free (mail);
}

static void
post (RpToolRunner *runner, const char *call_id, gboolean failed, char *text)
{
  Mail *mail = g_new0 (Mail, 1);
  mail->call_id = g_strdup (call_id);
  mail->failed = failed;
  mail->text = text;
  rp_mailbox_post (runner->mailbox, mail);
}

static gpointer
thread_main (gpointer data)
{
  RpToolRunner *runner = data;
  RpToolCall *call;
  while ((call = g_async_queue_pop (runner->calls)) != &runner->end) {
    g_autoptr (GError) error = NULL;
    g_autofree char *key = g_strdup_printf ("%s/%s", runner->conversation, call->id);
    char *result = rp_tools_call (runner->tools, call->name, key, call->arguments,
                                  g_get_real_time () / G_USEC_PER_SEC, &error);
    post (runner, call->id, result == NULL, result != NULL ? result : g_strdup (error->message));
    rp_tool_call_free (call);
  }
  return NULL;
}

RpToolRunner *
rp_tool_runner_new (RpTools *tools, const GPtrArray *allowed, const char *conversation,
                    GMainContext *context, const RpToolRunnerEvents *events, gpointer user_data)
{
  RpToolRunner *runner = g_new0 (RpToolRunner, 1);
  runner->tools = tools;
  runner->allowed = allowed;
  runner->conversation = g_strdup (conversation);
  runner->events = events;
  runner->user_data = user_data;
  runner->mailbox = rp_mailbox_new (context, on_mail, mail_free, runner);
  runner->calls = g_async_queue_new_full ((GDestroyNotify) rp_tool_call_free);
  /* Not with the first call: a worker in its sandbox starts no thread once it has begun. */
  if (allowed->len > 0)
    runner->thread = g_thread_new ("tools", thread_main, runner);
  return runner;
}

void
rp_tool_runner_free (RpToolRunner *runner)
{
  if (runner == NULL)
    return;
  if (runner->thread != NULL) {
    g_async_queue_push_front (runner->calls, &runner->end);
    g_thread_join (runner->thread);
  }
  g_async_queue_unref (runner->calls);
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
  if (!is_allowed (runner, call->name)) {
    post (runner, call->id, TRUE, g_strdup ("the agent has no such tool"));
    return;
  }
  if (g_async_queue_length (runner->calls) >= RP_TOOL_RUNNER_MAX_WAITING) {
    post (runner, call->id, TRUE, g_strdup ("too many tool calls are waiting"));
    return;
  }
  g_async_queue_push (runner->calls, rp_tool_call_copy (call));
}
