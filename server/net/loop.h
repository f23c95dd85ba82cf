/* A ticked media loop: one thread that owns its sessions for life.
 *
 * A plain g_main_loop_run () wakes once per packet and walks every source each time, which burns a
 * core at 500 agents. This loop sleeps to an absolute 2 ms grid instead and then does everything
 * that is due in one pass, always in this order: posted commands, one g_main_context_iteration
 * (libnice's timers), watched descriptors (clients' and workers' sockets), a little of what can
 * wait (backlog.h: calls being set up), tickers (the sessions), and more of that in the time that
 * is left. With RP_LOOP_EAGER_MAX tickers or fewer it also serves commands, packets and descriptors
 * between the ticks, as they come. Without a ticker it blocks until something is posted or a
 * descriptor or timer of its context is ready.
 *
 * A GSource of lower than G_PRIORITY_DEFAULT attached to the loop's context may starve: one
 * iteration dispatches one priority.
 */
#pragma once

#include <glib.h>

/* Length of a tick. Larger saves little CPU and adds to every latency; smaller costs a third more.
 */
#define RP_LOOP_TICK_US G_GINT64_CONSTANT (2000)

/* Waking for every packet doubles what a session's packets cost, about 0.4 % of a core each:
 * affordable for a few. */
#define RP_LOOP_EAGER_MAX 4

/* Commands that may wait in the queue; rp_loop_post () refuses beyond that. */
#define RP_LOOP_QUEUE_MAX 4096

/* Sources of the loop's context are timers of libnice, one or two for each session: they are looked
 * at once in so many ticks, while nobody is in a hurry. */
#define RP_LOOP_CONTEXT_TICKS 5

typedef struct _RpLoop RpLoop;
typedef struct _RpHistogram RpHistogram; /* histogram.h */

/* A posted command. */
typedef void (*RpLoopFunc) (gpointer data);
/* A ticker, called once per tick with the loop's clock. */
typedef void (*RpLoopTickFunc) (gint64 now_us, gpointer data);
/* A watched descriptor is ready; events is a mask of EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR. */
typedef void (*RpLoopFdFunc) (gint fd, guint32 events, gpointer data);

/* A snapshot of the loop's health since it started (or since the last rp_loop_stats_reset). */
typedef struct {
  guint64 ticks;          /* ticks executed */
  guint64 skipped;        /* ticks never executed because an earlier one overran */
  guint64 posted_refused; /* commands refused because the queue was full */
  guint64 commands;       /* commands executed */
  guint queue_peak;       /* most commands ever waiting */
  /* How much later than its due time a tick started. */
  gint64 late_p50_us;
  gint64 late_p99_us;
  gint64 late_max_us;
} RpLoopStats;

/* Starts the loop's thread; name (nullable) shows up in the thread's name and must be short.
 * Returns: (transfer full) (nullable): NULL with a GError when the thread or a descriptor cannot be
 * made. */
RpLoop *rp_loop_new (const char *name, GError **error);

/* Thread: any. Lets the loop's thread go before all others of the machine as far as the process
 * may: real time (CAP_SYS_NICE or RLIMIT_RTPRIO), else a better niceness (or RLIMIT_NICE), else
 * nothing. Audio has a deadline every 20 ms and little to do for it. */
void rp_loop_take_precedence (RpLoop *loop);
/* For a process that gives up its rights before it has loops: raises the limits that
 * rp_loop_take_precedence () needs. Where they cannot be had, as root without CAP_SYS_RESOURCE,
 * this thread becomes what its loops shall be, and what it makes meanwhile inherits that: real
 * time, until rp_loop_release_precedence (), or else a better niceness, for good. */
void rp_loop_reserve_precedence (void);
/* Thread: that of rp_loop_reserve_precedence (), once it has made its loops. It becomes an ordinary
 * one again. */
void rp_loop_release_precedence (void);

/* Stops and joins the thread. Commands still waiting are not run; their destroy functions are,
 * deferred and added ones are run. Everything that lives on the loop must have been freed before
 * (rp_loop_call_sync). NULL is legal. Never from the loop's own thread. */
void rp_loop_free (RpLoop *loop);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpLoop, rp_loop_free)

/* Thread: any. Queues func (data) for the next tick at the latest, in order, and wakes a blocked
 * loop. After func has run, or when the loop ends first, destroy (nullable) is called with data on
 * the loop's thread. Returns: FALSE when the queue is full or the loop is ending: nothing was
 * queued, data stays the caller's. */
gboolean rp_loop_post (RpLoop *loop, RpLoopFunc func, gpointer data, GDestroyNotify destroy);

/* Thread: any. The same for work that takes long and can wait for what is left of a tick, in
 * the order in which it was posted or added. */
gboolean rp_loop_post_slow (RpLoop *loop, RpLoopFunc func, gpointer data, GDestroyNotify destroy);
/* Thread: loop. The same from inside, unbounded; run, too, when the loop ends. */
void rp_loop_add_slow (RpLoop *loop, RpLoopFunc func, gpointer data);
/* Thread: loop. Drops what was added or posted with this data. */
void rp_loop_remove_slow (RpLoop *loop, gpointer data);

/* Thread: any but the loop's is made to wait; on the loop itself func runs at once. Runs func
 * (data) on the loop and returns when it is done. Is never refused for a full queue: for set-up,
 * shutdown and tests, not for media. */
void rp_loop_call_sync (RpLoop *loop, RpLoopFunc func, gpointer data);

/* Thread: loop. Runs func (data) at the start of the next tick, or while the loop ends. Unbounded:
 * for an object that has to free itself outside of its own callbacks. */
void rp_loop_defer (RpLoop *loop, RpLoopFunc func, gpointer data);

/* Thread: the loop's. While more were TRUE than FALSE, the context is iterated in every tick and
 * not only in each RP_LOOP_CONTEXT_TICKS. */
void rp_loop_hurry (RpLoop *loop, gboolean hurry);

/* Thread: loop. Returns an id > 0 for rp_loop_remove_ticker. A ticker may remove itself or others
 * from inside its call. */
guint rp_loop_add_ticker (RpLoop *loop, RpLoopTickFunc func, gpointer data);
void rp_loop_remove_ticker (RpLoop *loop, guint id);

/* Thread: loop. Calls func while fd is readable, hung up or in error (level triggered). The
 * descriptor stays the caller's and must be unwatched before it is closed; unwatching from inside
 * any callback is fine. One watch per descriptor. Returns: FALSE when the kernel refuses the
 * descriptor. */
gboolean rp_loop_watch_fd (RpLoop *loop, gint fd, RpLoopFdFunc func, gpointer data);
/* Thread: loop. Also (or no longer) reports that fd is writable. */
void rp_loop_watch_fd_writable (RpLoop *loop, gint fd, gboolean writable);
void rp_loop_unwatch_fd (RpLoop *loop, gint fd);

/* Thread: any. TRUE on the loop's own thread. */
gboolean rp_loop_is_owner (const RpLoop *loop);
/* Thread: any. Aborts unless called on the loop's thread: calling from elsewhere is a bug of ours.
 */
void rp_loop_assert_owner (const RpLoop *loop);

/* Thread: any. The context the loop iterates, its thread's default. Returns: (transfer none). */
GMainContext *rp_loop_context (RpLoop *loop);

/* Thread: any. CLOCK_MONOTONIC in microseconds, the clock of every now_us here. */
gint64 rp_loop_now_us (void);

/* Thread: any. */
void rp_loop_stats (RpLoop *loop, RpLoopStats *out);
/* Thread: any. How late the ticks were since the start. Returns: (transfer full): a copy. */
RpHistogram *rp_loop_lateness (RpLoop *loop);
void rp_loop_stats_reset (RpLoop *loop);
