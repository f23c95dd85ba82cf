/* Work of a loop that can wait for a tick or two: set-ups of calls, whose steps cost up to half a
 * millisecond each and come in bursts. Decides how much of it is done before the next tick is due:
 * what there is time for, oldest first, but always one, so that a set-up gets on beside a loop that
 * is busy, and a tick is late by one step at most.
 *
 * Sans-IO: the caller does the work. One thread.
 */
#pragma once

#include <glib.h>

/* Nothing is begun with less time left: what most steps take (DTLS flights 0.02 to 0.23 ms, an
 * offer 0.45 ms, of an EPYC's core). */
#define RP_BACKLOG_STEP_US 250

typedef struct _RpBacklog RpBacklog;

typedef struct {
  void (*func) (gpointer data);
  gpointer data;
  GDestroyNotify destroy; /* (nullable) of data, after func or instead of it */
  gboolean always;        /* the caller's: func is not to be left out */
} RpBacklogItem;

RpBacklog *rp_backlog_new (void);
/* What waits is destroyed, not done. NULL is legal. */
void rp_backlog_free (RpBacklog *backlog);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpBacklog, rp_backlog_free)

void rp_backlog_push (RpBacklog *backlog, const RpBacklogItem *item);
/* Drops (and destroys) all that waits with this data. Its destroy may not touch the backlog. */
void rp_backlog_remove (RpBacklog *backlog, gpointer data);
guint rp_backlog_length (const RpBacklog *backlog);

/* A tick has its share until then. */
void rp_backlog_begin (RpBacklog *backlog, gint64 until_us);
/* The same tick has time until then. */
void rp_backlog_extend (RpBacklog *backlog, gint64 until_us);
/* TRUE: do this now (transfer full), then ask again. FALSE: nothing waits, or no more before the
 * next rp_backlog_begin (). */
gboolean rp_backlog_poll (RpBacklog *backlog, gint64 now_us, RpBacklogItem *out);
