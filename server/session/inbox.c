#include "inbox.h"

struct _RpInbox {
  GSource *source;
  GMutex lock;
  GQueue queue; /* of Message */
};

typedef struct {
  RpInboxFunc func;
  gpointer data;
} Message;

/* Takes what has come. */
static GQueue
take_all (RpInbox *inbox)
{
  g_mutex_lock (&inbox->lock);
  GQueue taken = inbox->queue;
  g_queue_init (&inbox->queue);
  g_mutex_unlock (&inbox->lock);
  return taken;
}

static void
run_all (GQueue *messages)
{
  Message *message = NULL;
  while ((message = g_queue_pop_head (messages)) != NULL) {
    message->func (message->data);
    g_free (message);
  }
}

/* What is posted meanwhile has to wait for the context's other sources: a loop that always has
 * something to tell does not keep the main thread from everything else. */
static gboolean
on_ready (gpointer data)
{
  RpInbox *inbox = data;
  /* First, so that what is posted from now on wakes the context again. */
  g_source_set_ready_time (inbox->source, -1);
  GQueue messages = take_all (inbox);
  run_all (&messages);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

static GSourceFuncs source_funcs = {.dispatch = dispatch};

RpInbox *
rp_inbox_new (void)
{
  RpInbox *inbox = g_new0 (RpInbox, 1);
  g_mutex_init (&inbox->lock);
  g_queue_init (&inbox->queue);
  inbox->source = g_source_new (&source_funcs, sizeof (GSource));
  g_source_set_callback (inbox->source, on_ready, inbox, NULL);
  g_source_set_name (inbox->source, "inbox");
  g_source_attach (inbox->source, g_main_context_get_thread_default ());
  return inbox;
}

void
rp_inbox_free (RpInbox *inbox)
{
  if (inbox == NULL)
    return;
  GQueue left = take_all (inbox);
  run_all (&left);
  g_source_destroy (inbox->source);
  g_source_unref (inbox->source);
  g_mutex_clear (&inbox->lock);
  g_free (inbox);
}

void
rp_inbox_post (RpInbox *inbox, RpInboxFunc func, gpointer data)
{
  Message *message = g_new (Message, 1);
  *message = (Message){.func = func, .data = data};
  g_mutex_lock (&inbox->lock);
  g_queue_push_tail (&inbox->queue, message);
  g_mutex_unlock (&inbox->lock);
  g_source_set_ready_time (inbox->source, 0);
}
