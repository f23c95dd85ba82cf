/* The way from the media loops to the main thread: closures that run there in order. Unbounded, for
 * control and statistics at a few per call and second. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _RpInbox RpInbox;
typedef void (*RpInboxFunc) (gpointer data);

/* Closures run in the thread-default context of the calling thread. Returns: (transfer full) */
RpInbox *rp_inbox_new (void);
/* Thread: the one that made it. Runs what has come; nothing may be posted any more. */
void rp_inbox_free (RpInbox *inbox);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpInbox, rp_inbox_free)

/* Thread: any. */
void rp_inbox_post (RpInbox *inbox, RpInboxFunc func, gpointer data);

G_END_DECLS
