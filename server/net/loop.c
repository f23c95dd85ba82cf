#include "loop.h"

#include "backlog.h"
#include "histogram.h"
#include "pi-mutex.h"

#include <errno.h>
#include <glib-unix.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define EPOLL_BATCH 256
/* Without the right to real time; needs the right to that. */
#define NICENESS (-10)
/* Times an eager loop wakes before its tick; a descriptor that nobody drains must not make it spin.
 */
#define EAGER_WAKES_MAX 64

/* Of the backlog, before the sessions' turn: a last flight, after which the first packet is to go
 * out with this tick. */
#define BACKLOG_FIRST_US (RP_LOOP_TICK_US / 2)

typedef struct {
  RpLoopFunc func;
  gpointer data;
  GDestroyNotify destroy;
  gboolean slow;
} Command;

typedef struct {
  guint id; /* 0 = removed, to be dropped after the walk */
  RpLoopTickFunc func;
  gpointer data;
} Ticker;

typedef struct {
  gint fd; /* -1 = unwatched during a dispatch */
  guint32 events;
  RpLoopFdFunc func;
  gpointer data;
} Watch;

struct _RpLoop {
  GThread *thread;
  GMainContext *context;
  gint epoll_fd; /* of the watches and the two below, which are edge triggered: nobody reads them */
  gint timer_fd; /* ends an eager wait: epoll's own timeout is only good to a millisecond */
  gint wake_fd;  /* ends any wait */

  /* Shared with other threads, under lock. */
  RpPiMutex lock;
  GArray *queue;  /* of Command, bounded */
  GArray *urgent; /* of Command: rp_loop_call_sync, bounded by the number of threads */
  guint n_slow;   /* what waited in the backlog when the queue was last emptied */
  gboolean quit;
  gboolean blocked; /* the loop is about to block or blocks: wake it */
  RpLoopStats stats;
  RpHistogram *late;

  /* Owner thread only. */
  GArray *running;  /* the batch of commands being run */
  GArray *deferred; /* of Command */
  RpBacklog *backlog;
  GArray *tickers; /* of Ticker */
  guint n_tickers;
  guint next_ticker_id;
  gboolean walking;
  GHashTable *watches; /* fd -> Watch */
  GPtrArray *dead;     /* watches freed after the dispatch */
  gboolean dispatching;
  gint64 due_us; /* the next point of the grid; 0 = none: the loop was blocked */
  guint n_hurried;
  guint context_in; /* ticks until the context's next iteration */
};

gint64
rp_loop_now_us (void)
{
  return g_get_monotonic_time ();
}

static void
watch_free (gpointer data)
{
  g_free (data);
}

/* A thread that posts sees either an unblocked loop, which looks at the queue before it blocks, or
 * a blocked one that it wakes. */
static void
wake_locked (RpLoop *loop)
{
  const guint64 one = 1;
  if (!loop->blocked)
    return;
  loop->blocked = FALSE;
  /* It cannot fail: it would take 2^64 of them to fill the counter. */
  if (write (loop->wake_fd, &one, sizeof one) < 0)
    g_assert_not_reached ();
}

static void
run_commands (RpLoop *loop, GArray *commands, gboolean run)
{
  for (guint i = 0; i < commands->len; i++) {
    Command c = g_array_index (commands, Command, i);
    if (run && c.slow) {
      rp_backlog_push (loop->backlog, &(RpBacklogItem){c.func, c.data, c.destroy, FALSE});
      continue;
    }
    if (run)
      c.func (c.data);
    if (c.destroy)
      c.destroy (c.data);
  }
  g_array_set_size (commands, 0);
}

static void
take_queue (RpLoop *loop, GArray **queue)
{
  rp_pi_mutex_lock (&loop->lock);
  GArray *full = *queue;
  *queue = loop->running;
  loop->running = full;
  loop->stats.commands += full->len;
  loop->n_slow = rp_backlog_length (loop->backlog);
  rp_pi_mutex_unlock (&loop->lock);
}

static void
run_deferred (RpLoop *loop)
{
  /* What a deferred call defers again waits for the next tick. */
  g_autoptr (GArray) now = loop->deferred;
  loop->deferred = g_array_new (FALSE, FALSE, sizeof (Command));
  run_commands (loop, now, TRUE);
}

static void
drain_commands (RpLoop *loop)
{
  if (loop->deferred->len > 0)
    run_deferred (loop);
  take_queue (loop, &loop->urgent);
  run_commands (loop, loop->running, TRUE);
  take_queue (loop, &loop->queue);
  run_commands (loop, loop->running, TRUE);
}

/* @wait: until a descriptor is ready, or the timer, or somebody wakes the loop. */
static void
dispatch_watches (RpLoop *loop, gboolean wait)
{
  struct epoll_event events[EPOLL_BATCH];

  /* Level triggered: what does not fit into a batch is reported first in the next tick. */
  gint n = epoll_wait (loop->epoll_fd, events, EPOLL_BATCH, wait ? -1 : 0);
  loop->dispatching = TRUE;
  for (gint i = 0; i < n; i++) {
    Watch *watch = events[i].data.ptr; /* NULL: the timer, or woken */
    if (watch != NULL && watch->fd >= 0)
      watch->func (watch->fd, events[i].events, watch->data);
  }
  loop->dispatching = FALSE;
  g_ptr_array_set_size (loop->dead, 0);
}

static void
run_tickers (RpLoop *loop)
{
  gint64 now_us = rp_loop_now_us ();
  guint n = loop->tickers->len; /* one added during the walk starts with the next tick */

  loop->walking = TRUE;
  for (guint i = 0; i < n; i++) {
    Ticker t = g_array_index (loop->tickers, Ticker, i);
    if (t.id != 0)
      t.func (now_us, t.data);
  }
  loop->walking = FALSE;
  if (loop->n_tickers == loop->tickers->len)
    return;
  guint kept = 0;
  for (guint i = 0; i < loop->tickers->len; i++) {
    Ticker t = g_array_index (loop->tickers, Ticker, i);
    if (t.id != 0)
      g_array_index (loop->tickers, Ticker, kept++) = t;
  }
  g_array_set_size (loop->tickers, kept);
}

/* A step may add others. */
static void
run_backlog (RpLoop *loop)
{
  RpBacklogItem item;
  while (rp_backlog_poll (loop->backlog, rp_loop_now_us (), &item)) {
    item.func (item.data);
    if (item.destroy)
      item.destroy (item.data);
  }
}

/* The loop ends. */
static void
finish_backlog (RpLoop *loop)
{
  RpBacklogItem item;
  rp_backlog_begin (loop->backlog, G_MAXINT64);
  while (rp_backlog_poll (loop->backlog, 0, &item)) {
    if (item.always)
      item.func (item.data);
    if (item.destroy)
      item.destroy (item.data);
  }
}

static gboolean
quitting (RpLoop *loop)
{
  rp_pi_mutex_lock (&loop->lock);
  gboolean quit = loop->quit;
  rp_pi_mutex_unlock (&loop->lock);
  return quit;
}

static void
sleep_until (gint64 due_us)
{
  struct timespec ts = {.tv_sec = due_us / G_USEC_PER_SEC,
                        .tv_nsec = (due_us % G_USEC_PER_SEC) * 1000};
  while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR)
    ;
}

/* Looks whether there is nothing to run; if so the loop is about to block and wants to be woken. */
static gboolean
begin_block (RpLoop *loop)
{
  rp_pi_mutex_lock (&loop->lock);
  gboolean idle = loop->queue->len == 0 && loop->urgent->len == 0 && loop->deferred->len == 0 &&
                  rp_backlog_length (loop->backlog) == 0 && !loop->quit;
  loop->blocked = idle;
  rp_pi_mutex_unlock (&loop->lock);
  return idle;
}

static void
end_block (RpLoop *loop)
{
  rp_pi_mutex_lock (&loop->lock);
  loop->blocked = FALSE;
  rp_pi_mutex_unlock (&loop->lock);
}

/* With few sessions, waits for descriptors and serves what comes on the spot: a set-up has a dozen
 * messages to and fro, and each would lose a millisecond on average waiting for its tick. */
static void
wait_eagerly (RpLoop *loop)
{
  struct itimerspec due = {.it_value = {.tv_sec = loop->due_us / G_USEC_PER_SEC,
                                        .tv_nsec = (loop->due_us % G_USEC_PER_SEC) * 1000}};

  timerfd_settime (loop->timer_fd, TFD_TIMER_ABSTIME, &due, NULL);
  for (guint i = 0; i < EAGER_WAKES_MAX && rp_loop_now_us () < loop->due_us; i++) {
    dispatch_watches (loop, begin_block (loop));
    end_block (loop);
    if (rp_loop_now_us () >= loop->due_us || quitting (loop))
      return;
    drain_commands (loop);
    run_backlog (loop);
    if (loop->n_tickers == 0)
      return;
  }
}

/* Sleeps to the next point of the grid. A loop that fell behind goes on at once, counts the points
 * it missed and rejoins the grid: ticks never pile up. */
static void
wait_for_tick (RpLoop *loop)
{
  gint64 now_us = rp_loop_now_us ();
  if (loop->due_us == 0)
    loop->due_us = now_us;
  if (loop->due_us > now_us) {
    if (loop->n_tickers <= RP_LOOP_EAGER_MAX)
      wait_eagerly (loop);
    if (loop->n_tickers == 0 || quitting (loop))
      return;
    now_us = rp_loop_now_us ();
    if (now_us < loop->due_us) {
      sleep_until (loop->due_us);
      now_us = rp_loop_now_us ();
    }
  }
  gint64 late_us = MAX (now_us - loop->due_us, 0);
  gint64 missed = late_us / RP_LOOP_TICK_US;
  loop->due_us += (missed + 1) * RP_LOOP_TICK_US;

  rp_pi_mutex_lock (&loop->lock);
  loop->stats.ticks++;
  loop->stats.skipped += (guint64) missed;
  rp_histogram_record (loop->late, late_us);
  rp_pi_mutex_unlock (&loop->lock);
}

/* Without tickers: blocks until its context (which polls the epoll set too) has something or a
 * command is posted. */
static void
wait_blocked (RpLoop *loop)
{
  loop->due_us = 0;
  g_main_context_iteration (loop->context, begin_block (loop));
  end_block (loop);
}

static void
iterate_context (RpLoop *loop)
{
  if (loop->n_hurried == 0 && loop->context_in > 0) {
    loop->context_in--;
    return;
  }
  loop->context_in = RP_LOOP_CONTEXT_TICKS - 1;
  g_main_context_iteration (loop->context, FALSE);
}

static gpointer
loop_thread (gpointer data)
{
  RpLoop *loop = data;

  g_main_context_push_thread_default (loop->context);
  while (!quitting (loop)) {
    if (loop->n_tickers > 0)
      wait_for_tick (loop);
    drain_commands (loop);
    if (loop->n_tickers == 0)
      wait_blocked (loop);
    else
      iterate_context (loop);
    dispatch_watches (loop, FALSE);
    rp_backlog_begin (loop->backlog, rp_loop_now_us () + BACKLOG_FIRST_US);
    run_backlog (loop);
    run_tickers (loop);
    /* With the first ticker, a tick is due at once. */
    rp_backlog_extend (loop->backlog,
                       loop->n_tickers > 0 ? loop->due_us : rp_loop_now_us () + RP_LOOP_TICK_US);
    run_backlog (loop);
  }
  /* Waiting calls are answered, objects that were about to free themselves do so; the rest is
   * dropped. */
  take_queue (loop, &loop->urgent);
  run_commands (loop, loop->running, TRUE);
  finish_backlog (loop);
  while (loop->deferred->len > 0)
    run_deferred (loop);
  take_queue (loop, &loop->queue);
  run_commands (loop, loop->running, FALSE);
  g_clear_pointer (&loop->backlog, rp_backlog_free);
  g_main_context_pop_thread_default (loop->context);
  return NULL;
}

/* Only there so that a blocked loop wakes for its watched descriptors; dispatch_watches () serves
 * them. */
static gboolean
on_epoll_ready (gint fd, GIOCondition condition, gpointer data)
{
  return G_SOURCE_CONTINUE;
}

/* Makes it end waits. */
static gboolean
add_edge (RpLoop *loop, gint fd)
{
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
  return fd >= 0 && epoll_ctl (loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static gboolean
open_descriptors (RpLoop *loop)
{
  loop->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  loop->timer_fd = timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  loop->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  return loop->epoll_fd >= 0 && add_edge (loop, loop->timer_fd) && add_edge (loop, loop->wake_fd);
}

static void
attach_epoll (RpLoop *loop)
{
  g_autoptr (GSource) source = g_unix_fd_source_new (loop->epoll_fd, G_IO_IN);
  g_source_set_callback (source, G_SOURCE_FUNC (on_epoll_ready), NULL, NULL);
  /* It never recurses; but a source that may not is taken out of the poll around each dispatch,
   * and each time the context wakes itself for that. */
  g_source_set_can_recurse (source, TRUE);
  g_source_attach (source, loop->context);
}

static void
loop_destroy (RpLoop *loop)
{
  g_clear_pointer (&loop->context, g_main_context_unref);
  if (loop->epoll_fd >= 0)
    close (loop->epoll_fd);
  if (loop->timer_fd >= 0)
    close (loop->timer_fd);
  if (loop->wake_fd >= 0)
    close (loop->wake_fd);
  g_array_unref (loop->queue);
  g_array_unref (loop->urgent);
  g_array_unref (loop->running);
  g_array_unref (loop->deferred);
  rp_backlog_free (loop->backlog);
  g_array_unref (loop->tickers);
  g_hash_table_unref (loop->watches);
  g_ptr_array_unref (loop->dead);
  rp_histogram_free (loop->late);
  rp_pi_mutex_clear (&loop->lock);
  g_free (loop);
}

RpLoop *
rp_loop_new (const char *name, GError **error)
{
  RpLoop *loop = g_new0 (RpLoop, 1);

  rp_pi_mutex_init (&loop->lock);
  loop->context = g_main_context_new ();
  loop->late = rp_histogram_new ();
  loop->queue = g_array_new (FALSE, FALSE, sizeof (Command));
  loop->urgent = g_array_new (FALSE, FALSE, sizeof (Command));
  loop->running = g_array_new (FALSE, FALSE, sizeof (Command));
  loop->deferred = g_array_new (FALSE, FALSE, sizeof (Command));
  loop->backlog = rp_backlog_new ();
  loop->tickers = g_array_new (FALSE, FALSE, sizeof (Ticker));
  loop->watches = g_hash_table_new_full (NULL, NULL, NULL, watch_free);
  loop->dead = g_ptr_array_new_with_free_func (watch_free);
  loop->next_ticker_id = 1;
  if (!open_descriptors (loop)) {
    int saved = errno;
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (saved), "media loop: %s",
                 g_strerror (saved));
    loop_destroy (loop);
    return NULL;
  }
  attach_epoll (loop);

  loop->thread = g_thread_try_new (name ? name : "loop", loop_thread, loop, error);
  if (!loop->thread) {
    loop_destroy (loop);
    return NULL;
  }
  return loop;
}

void
rp_loop_free (RpLoop *loop)
{
  if (!loop)
    return;
  g_assert (!rp_loop_is_owner (loop));
  rp_pi_mutex_lock (&loop->lock);
  loop->quit = TRUE;
  wake_locked (loop);
  rp_pi_mutex_unlock (&loop->lock);
  g_thread_join (loop->thread);
  loop_destroy (loop);
}

static gboolean
post (RpLoop *loop, const Command *command)
{
  gboolean accepted = FALSE;

  rp_pi_mutex_lock (&loop->lock);
  guint waiting = loop->queue->len + (command->slow ? loop->n_slow : 0);
  if (waiting < RP_LOOP_QUEUE_MAX && !loop->quit) {
    g_array_append_vals (loop->queue, command, 1);
    loop->stats.queue_peak = MAX (loop->stats.queue_peak, loop->queue->len);
    wake_locked (loop);
    accepted = TRUE;
  } else {
    loop->stats.posted_refused++;
  }
  rp_pi_mutex_unlock (&loop->lock);
  return accepted;
}

gboolean
rp_loop_post (RpLoop *loop, RpLoopFunc func, gpointer data, GDestroyNotify destroy)
{
  return post (loop, &(Command){func, data, destroy, FALSE});
}

gboolean
rp_loop_post_slow (RpLoop *loop, RpLoopFunc func, gpointer data, GDestroyNotify destroy)
{
  return post (loop, &(Command){func, data, destroy, TRUE});
}

void
rp_loop_add_slow (RpLoop *loop, RpLoopFunc func, gpointer data)
{
  rp_loop_assert_owner (loop);
  rp_backlog_push (loop->backlog, &(RpBacklogItem){func, data, NULL, TRUE});
}

void
rp_loop_remove_slow (RpLoop *loop, gpointer data)
{
  rp_loop_assert_owner (loop);
  rp_backlog_remove (loop->backlog, data);
}

typedef struct {
  RpLoopFunc func;
  gpointer data;
  GMutex lock;
  GCond cond;
  gboolean done;
} SyncCall;

static void
run_sync_call (gpointer data)
{
  SyncCall *call = data;
  call->func (call->data);
  g_mutex_lock (&call->lock);
  call->done = TRUE;
  g_cond_signal (&call->cond);
  g_mutex_unlock (&call->lock);
}

void
rp_loop_call_sync (RpLoop *loop, RpLoopFunc func, gpointer data)
{
  if (rp_loop_is_owner (loop)) {
    func (data);
    return;
  }
  SyncCall call = {.func = func, .data = data};
  Command c = {run_sync_call, &call, NULL, FALSE};
  g_mutex_init (&call.lock);
  g_cond_init (&call.cond);

  rp_pi_mutex_lock (&loop->lock);
  g_assert (!loop->quit); /* using a loop that is being freed is a bug of ours */
  g_array_append_val (loop->urgent, c);
  wake_locked (loop);
  rp_pi_mutex_unlock (&loop->lock);

  g_mutex_lock (&call.lock);
  while (!call.done)
    g_cond_wait (&call.cond, &call.lock);
  g_mutex_unlock (&call.lock);
  g_cond_clear (&call.cond);
  g_mutex_clear (&call.lock);
}

static void
take_precedence (gpointer data)
{
  const struct sched_param param = {.sched_priority = sched_get_priority_min (SCHED_RR)};
  if (sched_setscheduler (0, SCHED_RR | SCHED_RESET_ON_FORK, &param) != 0)
    (void) setpriority (PRIO_PROCESS, 0, NICENESS); /* Linux: of this thread alone */
}

/* Raises a limit to value if it is lower. */
static gboolean
reserve (int resource, rlim_t value)
{
  const struct rlimit wanted = {value, value};
  struct rlimit now;
  return getrlimit (resource, &now) == 0 &&
         (now.rlim_cur >= value || setrlimit (resource, &wanted) == 0);
}

void
rp_loop_reserve_precedence (void)
{
  const struct sched_param param = {.sched_priority = sched_get_priority_min (SCHED_RR)};
  gboolean real_time = reserve (RLIMIT_RTPRIO, (rlim_t) param.sched_priority);
  /* Containers let root do what follows but raise no limit. setrlimit(2) counts niceness like that.
   * Niceness weighs among the threads of a terminal's session alone (sched(7), autogroup), real
   * time among all. */
  gboolean nice = reserve (RLIMIT_NICE, 20 - NICENESS);
  if (!real_time && sched_setscheduler (0, SCHED_RR, &param) != 0 && !nice)
    (void) setpriority (PRIO_PROCESS, 0, NICENESS);
}

void
rp_loop_release_precedence (void)
{
  const struct sched_param none = {0};
  if (sched_getscheduler (0) == SCHED_RR)
    (void) sched_setscheduler (0, SCHED_OTHER, &none);
}

void
rp_loop_take_precedence (RpLoop *loop)
{
  rp_loop_call_sync (loop, take_precedence, NULL);
}

void
rp_loop_defer (RpLoop *loop, RpLoopFunc func, gpointer data)
{
  Command c = {func, data, NULL, FALSE};
  rp_loop_assert_owner (loop);
  g_array_append_val (loop->deferred, c);
}

void
rp_loop_hurry (RpLoop *loop, gboolean hurry)
{
  rp_loop_assert_owner (loop);
  g_assert (hurry || loop->n_hurried > 0);
  loop->n_hurried += hurry ? 1 : -1;
}

guint
rp_loop_add_ticker (RpLoop *loop, RpLoopTickFunc func, gpointer data)
{
  rp_loop_assert_owner (loop);
  Ticker t = {loop->next_ticker_id++, func, data};
  if (loop->next_ticker_id == 0)
    loop->next_ticker_id = 1;
  g_array_append_val (loop->tickers, t);
  loop->n_tickers++;
  return t.id;
}

void
rp_loop_remove_ticker (RpLoop *loop, guint id)
{
  rp_loop_assert_owner (loop);
  for (guint i = 0; id != 0 && i < loop->tickers->len; i++) {
    if (g_array_index (loop->tickers, Ticker, i).id != id)
      continue;
    if (loop->walking)
      g_array_index (loop->tickers, Ticker, i).id = 0;
    else
      g_array_remove_index (loop->tickers, i);
    loop->n_tickers--;
    return;
  }
}

gboolean
rp_loop_watch_fd (RpLoop *loop, gint fd, RpLoopFdFunc func, gpointer data)
{
  rp_loop_assert_owner (loop);
  Watch *watch = g_new0 (Watch, 1);
  *watch = (Watch){.fd = fd, .events = EPOLLIN, .func = func, .data = data};
  struct epoll_event event = {.events = watch->events, .data.ptr = watch};
  if (epoll_ctl (loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
    watch_free (watch);
    return FALSE;
  }
  g_hash_table_insert (loop->watches, GINT_TO_POINTER (fd), watch);
  return TRUE;
}

void
rp_loop_watch_fd_writable (RpLoop *loop, gint fd, gboolean writable)
{
  rp_loop_assert_owner (loop);
  Watch *watch = g_hash_table_lookup (loop->watches, GINT_TO_POINTER (fd));
  guint32 wanted = EPOLLIN | (writable ? (guint32) EPOLLOUT : 0);
  if (!watch || watch->events == wanted)
    return;
  watch->events = wanted;
  struct epoll_event event = {.events = wanted, .data.ptr = watch};
  epoll_ctl (loop->epoll_fd, EPOLL_CTL_MOD, fd, &event);
}

void
rp_loop_unwatch_fd (RpLoop *loop, gint fd)
{
  rp_loop_assert_owner (loop);
  Watch *watch = g_hash_table_lookup (loop->watches, GINT_TO_POINTER (fd));
  if (!watch)
    return;
  epoll_ctl (loop->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
  g_hash_table_steal (loop->watches, GINT_TO_POINTER (fd));
  watch->fd = -1;
  if (loop->dispatching)
    g_ptr_array_add (loop->dead, watch); /* the batch in hand may still name it */
  else
    watch_free (watch);
}

gboolean
rp_loop_is_owner (const RpLoop *loop)
{
  return loop->thread == g_thread_self ();
}

void
rp_loop_assert_owner (const RpLoop *loop)
{
  g_assert (rp_loop_is_owner (loop));
}

GMainContext *
rp_loop_context (RpLoop *loop)
{
  return loop->context;
}

void
rp_loop_stats (RpLoop *loop, RpLoopStats *out)
{
  rp_pi_mutex_lock (&loop->lock);
  *out = loop->stats;
  out->late_p50_us = rp_histogram_percentile_us (loop->late, 50);
  out->late_p99_us = rp_histogram_percentile_us (loop->late, 99);
  out->late_max_us = rp_histogram_max_us (loop->late);
  rp_pi_mutex_unlock (&loop->lock);
}

RpHistogram *
rp_loop_lateness (RpLoop *loop)
{
  RpHistogram *copy = rp_histogram_new ();
  rp_pi_mutex_lock (&loop->lock);
  rp_histogram_merge (copy, loop->late);
  rp_pi_mutex_unlock (&loop->lock);
  return copy;
}

void
rp_loop_stats_reset (RpLoop *loop)
{
  rp_pi_mutex_lock (&loop->lock);
  memset (&loop->stats, 0, sizeof loop->stats);
  rp_histogram_reset (loop->late);
  rp_pi_mutex_unlock (&loop->lock);
}
