#include "mailbox.h"

#include "ready-source.h"

/* Taken in one go, so that a burst of speech does not keep the socket waiting. */
#define MAX_PER_TURN 32

struct _RpMailbox {
  GMutex lock;
  GQueue queue;
  GSource *source;
  RpMailFunc func;
  GDestroyNotify destroy;
  gpointer user_data;
};

static gpointer
take (RpMailbox *mailbox)
{
  g_mutex_lock (&mailbox->lock);
  gpointer message = g_queue_pop_head (&mailbox->queue);
  g_source_set_ready_time (mailbox->source, g_queue_is_empty (&mailbox->queue) ? -1 : 0);
  g_mutex_unlock (&mailbox->lock);
  return message;
}

static gboolean
on_ready (gpointer data)
{
  RpMailbox *mailbox = data;
  for (guint i = 0; i < MAX_PER_TURN; i++) {
    gpointer message = take (mailbox);
    if (message == NULL)
      break;
    mailbox->func (message, mailbox->user_data);
  }
  return G_SOURCE_CONTINUE;
}

RpMailbox *
rp_mailbox_new (GMainContext *context, RpMailFunc func, GDestroyNotify destroy, gpointer user_data)
{
  RpMailbox *mailbox = g_new0 (RpMailbox, 1);
  g_mutex_init (&mailbox->lock);
  g_queue_init (&mailbox->queue);
  mailbox->func = func;
  mailbox->destroy = destroy;
  mailbox->user_data = user_data;
  mailbox->source = rp_ready_source_new (context, on_ready, mailbox);
  return mailbox;
}

void
rp_mailbox_free (RpMailbox *mailbox)
{
  if (mailbox == NULL)
    return;
  rp_ready_source_clear (&mailbox->source);
  g_queue_clear_full (&mailbox->queue, mailbox->destroy);
  g_mutex_clear (&mailbox->lock);
  g_free (mailbox);
}

void
rp_mailbox_post (RpMailbox *mailbox, gpointer message)
{
  g_mutex_lock (&mailbox->lock);
  g_queue_push_tail (&mailbox->queue, message);
  g_source_set_ready_time (mailbox->source, 0);
  g_mutex_unlock (&mailbox->lock);
}
