/* Messages from the worker's threads to its main loop: one source, in order.
 *
 * The senders bound themselves (job-thread.h), so nothing is ever refused. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _RpMailbox RpMailbox;

/* @message: (transfer full) */
typedef void (*RpMailFunc) (gpointer message, gpointer user_data);

/* @func is called in @context with each message. @destroy frees those that are left at the end.
 * Returns: (transfer full) */
RpMailbox *rp_mailbox_new (GMainContext *context, RpMailFunc func, GDestroyNotify destroy,
                           gpointer user_data);
/* Nobody may post any more. NULL is legal. On the context's thread; not from inside @func. */
void rp_mailbox_free (RpMailbox *mailbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpMailbox, rp_mailbox_free)

/* @message: (transfer full). Thread: any. */
void rp_mailbox_post (RpMailbox *mailbox, gpointer message);

G_END_DECLS
