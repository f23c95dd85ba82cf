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

static void
run_all (RpInbox *inbox)
{
  for (;;) {
    g_mutex_lock (&inbox->lock);
    Message *message = g_queue_pop_head (&inbox->queue);
    g_mutex_unlock (&inbox->lock);
    if (message == NULL)
      return;
    message->func (message->data);
    g_free (message);
  }
}

static gboolean
on_ready (gpointer data)
{
  RpInbox *inbox = data;
  /* First, so that what is posted from now on wakes the context again. */
  g_source_set_ready_time (inbox->source, -1);
  run_all (inbox);
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
  run_all (inbox);
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
