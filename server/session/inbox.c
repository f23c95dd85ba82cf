#include "inbox.h"

#include "pi-mutex.h"

/* Not g_source_set_ready_time (): it takes the context's own lock, which a real time loop must not
 * wait for (pi-mutex.h). */
typedef struct {
  GSource source;
  gint ready;
} InboxSource;

struct _RpInbox {
  GSource *source; /* an InboxSource */
  GMainContext *context;
  RpPiMutex lock;
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
  rp_pi_mutex_lock (&inbox->lock);
  GQueue taken = inbox->queue;
  g_queue_init (&inbox->queue);
  rp_pi_mutex_unlock (&inbox->lock);
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
  g_atomic_int_set (&((InboxSource *) inbox->source)->ready, FALSE);
  GQueue messages = take_all (inbox);
  run_all (&messages);
  return G_SOURCE_CONTINUE;
}

static gboolean
prepare (GSource *source, gint *timeout)
{
  *timeout = -1;
  return g_atomic_int_get (&((InboxSource *) source)->ready);
}

static gboolean
check (GSource *source)
{
  return g_atomic_int_get (&((InboxSource *) source)->ready);
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  return callback (data);
}

static GSourceFuncs source_funcs = {.prepare = prepare, .check = check, .dispatch = dispatch};

RpInbox *
rp_inbox_new (void)
{
  RpInbox *inbox = g_new0 (RpInbox, 1);
  rp_pi_mutex_init (&inbox->lock);
  g_queue_init (&inbox->queue);
  inbox->source = g_source_new (&source_funcs, sizeof (InboxSource));
  g_source_set_callback (inbox->source, on_ready, inbox, NULL);
  g_source_set_name (inbox->source, "inbox");
  inbox->context = g_main_context_ref_thread_default ();
  g_source_attach (inbox->source, inbox->context);
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
  g_main_context_unref (inbox->context);
  rp_pi_mutex_clear (&inbox->lock);
  g_free (inbox);
}

void
rp_inbox_post (RpInbox *inbox, RpInboxFunc func, gpointer data)
{
  Message *message = g_new (Message, 1);
  *message = (Message){.func = func, .data = data};
  rp_pi_mutex_lock (&inbox->lock);
  g_queue_push_tail (&inbox->queue, message);
  rp_pi_mutex_unlock (&inbox->lock);
  if (!g_atomic_int_exchange (&((InboxSource *) inbox->source)->ready, TRUE))
    g_main_context_wakeup (inbox->context);
}
