#include "backlog.h"

struct _RpBacklog {
  GQueue items; /* of RpBacklogItem, oldest first */
  gint64 until_us;
  gboolean begun; /* nothing was done since rp_backlog_begin () */
};

RpBacklog *
rp_backlog_new (void)
{
  RpBacklog *backlog = g_new0 (RpBacklog, 1);
  g_queue_init (&backlog->items);
  return backlog;
}

static void
drop (gpointer data)
{
  RpBacklogItem *item = data;
  if (item->destroy)
    item->destroy (item->data);
  g_free (item);
}

void
rp_backlog_free (RpBacklog *backlog)
{
  if (!backlog)
    return;
  g_queue_clear_full (&backlog->items, drop);
  g_free (backlog);
}

void
rp_backlog_push (RpBacklog *backlog, const RpBacklogItem *item)
{
  g_queue_push_tail (&backlog->items, g_memdup2 (item, sizeof *item));
}

void
rp_backlog_remove (RpBacklog *backlog, gpointer data)
{
  GList *next;
  for (GList *i = backlog->items.head; i; i = next) {
    RpBacklogItem *item = i->data;
    next = i->next;
    if (item->data != data)
      continue;
    g_queue_delete_link (&backlog->items, i);
    drop (item);
  }
}

guint
rp_backlog_length (const RpBacklog *backlog)
{
  return backlog->items.length;
}

void
rp_backlog_begin (RpBacklog *backlog, gint64 until_us)
{
  backlog->until_us = until_us;
  backlog->begun = TRUE;
}

void
rp_backlog_extend (RpBacklog *backlog, gint64 until_us)
{
  backlog->until_us = until_us;
}

gboolean
rp_backlog_poll (RpBacklog *backlog, gint64 now_us, RpBacklogItem *out)
{
  if (backlog->items.length == 0 ||
      (!backlog->begun && now_us + RP_BACKLOG_STEP_US > backlog->until_us))
    return FALSE;
  backlog->begun = FALSE;
  g_autofree RpBacklogItem *item = g_queue_pop_head (&backlog->items);
  *out = *item;
  return TRUE;
}
