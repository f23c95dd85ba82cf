#include "loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WATCHDOG_US (60 * G_USEC_PER_SEC)

typedef struct {
  RpLoop *loop;
  GMutex lock;
  GCond cond;
  guint n;
  guint destroyed;
  guint ticker;
  gint fd;
  gint64 ticks[64];
  gint64 n_ticks;
  guint refused;
} State;

static void
state_init (State *state)
{
  g_autoptr (GError) error = NULL;
  memset (state, 0, sizeof *state);
  g_mutex_init (&state->lock);
  g_cond_init (&state->cond);
  state->loop = rp_loop_new ("test", &error);
  g_assert_no_error (error);
}

static void
state_clear (State *state)
{
  rp_loop_free (state->loop);
  g_mutex_clear (&state->lock);
  g_cond_clear (&state->cond);
}

static void
bump (gpointer data)
{
  State *state = data;
  g_mutex_lock (&state->lock);
  state->n++;
  g_cond_broadcast (&state->cond);
  g_mutex_unlock (&state->lock);
}

static void
wait_for (State *state, guint n)
{
  gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_US;
  g_mutex_lock (&state->lock);
  while (state->n < n)
    if (!g_cond_wait_until (&state->cond, &state->lock, deadline_us))
      g_error ("waited too long: %u of %u", state->n, n);
  g_mutex_unlock (&state->lock);
}

/* Commands of one thread run in order and wake a blocked loop. */
typedef struct {
  State *state;
  guint thread;
  guint number;
} Numbered;

static guint last_number[8];

static void
run_numbered (gpointer data)
{
  Numbered *numbered = data;
  rp_loop_assert_owner (numbered->state->loop);
  g_assert_cmpuint (numbered->number, ==, last_number[numbered->thread] + 1);
  last_number[numbered->thread] = numbered->number;
  bump (numbered->state);
}

static gpointer
post_many (gpointer data)
{
  Numbered *first = data;
  for (guint i = 1; i <= 2000; i++) {
    Numbered *numbered = g_new (Numbered, 1);
    *numbered = (Numbered){first->state, first->thread, i};
    while (!rp_loop_post (first->state->loop, run_numbered, numbered, g_free))
      g_thread_yield ();
  }
  return NULL;
}

static void
test_post (void)
{
  State state;
  GThread *threads[8];
  Numbered first[8];

  state_init (&state);
  for (guint i = 0; i < 8; i++) {
    first[i] = (Numbered){&state, i, 0};
    threads[i] = g_thread_new ("poster", post_many, &first[i]);
  }
  wait_for (&state, 8 * 2000);
  for (guint i = 0; i < 8; i++)
    g_thread_join (threads[i]);
  RpLoopStats stats;
  rp_loop_stats (state.loop, &stats);
  g_assert_cmpuint (stats.commands, ==, 8 * 2000);
  g_assert_cmpuint (stats.queue_peak, <=, RP_LOOP_QUEUE_MAX);
  state_clear (&state);
}

static void
block (gpointer data)
{
  State *state = data;
  bump (state);
  gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_US;
  g_mutex_lock (&state->lock);
  while (state->n < 2)
    g_assert_true (g_cond_wait_until (&state->cond, &state->lock, deadline_us));
  g_mutex_unlock (&state->lock);
}

static void
count_destroyed (gpointer data)
{
  State *state = data;
  g_atomic_int_inc (&state->destroyed);
}

static void
test_bounded (void)
{
  RpLoopStats stats;
  State state;

  state_init (&state);
  g_assert_true (rp_loop_post (state.loop, block, &state, count_destroyed));
  wait_for (&state, 1); /* the loop now does not get at its queue */
  for (guint i = 0; i < RP_LOOP_QUEUE_MAX; i++)
    g_assert_true (rp_loop_post (state.loop, bump, &state, count_destroyed));
  g_assert_false (rp_loop_post (state.loop, bump, &state, count_destroyed));
  rp_loop_stats (state.loop, &stats);
  g_assert_cmpuint (stats.posted_refused, ==, 1);
  g_assert_cmpuint (stats.queue_peak, ==, RP_LOOP_QUEUE_MAX);
  bump (&state);
  wait_for (&state, 2 + RP_LOOP_QUEUE_MAX);
  rp_loop_call_sync (state.loop, bump, &state); /* behind everything posted */
  g_assert_cmpuint (g_atomic_int_get (&state.destroyed), ==, 1 + RP_LOOP_QUEUE_MAX);
  state_clear (&state);
}

static void
post_to_self (gpointer data)
{
  State *state = data;
  g_assert_true (rp_loop_is_owner (state->loop));
  rp_loop_call_sync (state->loop, bump, state); /* at once */
  g_assert_cmpuint (state->n, ==, 1);
  rp_loop_defer (state->loop, bump, state);
  g_assert_true (rp_loop_post (state->loop, bump, state, NULL));
  g_assert_cmpuint (state->n, ==, 1);
}

static void
test_from_loop (void)
{
  State state;
  state_init (&state);
  g_assert_false (rp_loop_is_owner (state.loop));
  rp_loop_call_sync (state.loop, post_to_self, &state);
  wait_for (&state, 3);
  state_clear (&state);
}

/* What is waiting when the loop ends is destroyed and not run; what was deferred or
 * added is run. */
static void
end_with_waiting (gpointer data)
{
  State *state = data;
  for (guint i = 0; i < 5; i++) {
    rp_loop_defer (state->loop, count_destroyed, state);
    rp_loop_add_slow (state->loop, count_destroyed, state);
  }
  bump (state);
}

static void
test_end (void)
{
  State state;
  state_init (&state);
  rp_loop_call_sync (state.loop, end_with_waiting, &state);
  rp_loop_free (state.loop);
  g_assert_cmpuint (state.destroyed, ==, 10);
  g_mutex_clear (&state.lock);
  g_cond_clear (&state.cond);
  rp_loop_free (NULL);
}

static void
on_tick (gint64 now_us, gpointer data)
{
  State *state = data;
  g_mutex_lock (&state->lock);
  if (state->n < G_N_ELEMENTS (state->ticks))
    state->ticks[state->n] = now_us;
  state->n++;
  gboolean done = state->n == G_N_ELEMENTS (state->ticks);
  g_cond_broadcast (&state->cond);
  g_mutex_unlock (&state->lock);
  if (done) {
    rp_loop_remove_ticker (state->loop, state->ticker);
    state->ticker = 0;
  }
}

static void
add_ticker (gpointer data)
{
  State *state = data;
  state->ticker = rp_loop_add_ticker (state->loop, on_tick, state);
}

static void
nothing (gpointer data)
{
}

static void
test_ticks (void)
{
  RpLoopStats stats;
  State state;

  state_init (&state);
  rp_loop_stats (state.loop, &stats);
  g_assert_cmpuint (stats.ticks, ==, 0); /* blocked without a ticker */
  rp_loop_call_sync (state.loop, add_ticker, &state);
  wait_for (&state, G_N_ELEMENTS (state.ticks));
  rp_loop_call_sync (state.loop, nothing, NULL);
  rp_loop_stats (state.loop, &stats);
  /* It ticked for its ticker and stopped when that was gone; every point of the grid was kept or
   * counted. */
  g_assert_cmpuint (stats.ticks, >=, G_N_ELEMENTS (state.ticks) - 1);
  g_assert_cmpuint (stats.ticks, <=, G_N_ELEMENTS (state.ticks) + 2);
  gint64 first = state.ticks[1];
  gint64 last = state.ticks[G_N_ELEMENTS (state.ticks) - 1];
  gint64 points = (gint64) (stats.ticks + stats.skipped);
  g_assert_cmpint (last - first, <=, points * RP_LOOP_TICK_US + stats.late_max_us);
  for (guint i = 1; i < G_N_ELEMENTS (state.ticks); i++)
    g_assert_cmpint (state.ticks[i], >=, state.ticks[i - 1]);
  g_assert_cmpint (stats.late_p50_us, <=, stats.late_p99_us);
  g_assert_cmpint (stats.late_p99_us, <=, stats.late_max_us);
  state_clear (&state);
}

static void
overrun (gint64 now_us, gpointer data)
{
  State *state = data;
  if (state->n == 3)
    while (rp_loop_now_us () < now_us + 10 * RP_LOOP_TICK_US)
      ;
  bump (state);
}

static void
add_overrun (gpointer data)
{
  State *state = data;
  state->ticker = rp_loop_add_ticker (state->loop, overrun, state);
}

/* Takes longer than a tick is. */
static void
slow (gpointer data)
{
  State *state = data;
  gint64 end_us = rp_loop_now_us () + 2 * RP_LOOP_TICK_US;
  state->ticks[state->n] = state->n_ticks;
  while (rp_loop_now_us () < end_us)
    ;
  bump (state);
}

static void
count_tick (gint64 now_us, gpointer data)
{
  State *state = data;
  state->n_ticks++;
}

static void
add_slow (gpointer data)
{
  State *state = data;
  State dropped;
  state->ticker = rp_loop_add_ticker (state->loop, count_tick, state);
  for (guint i = 0; i < 3; i++)
    rp_loop_add_slow (state->loop, slow, state);
  rp_loop_add_slow (state->loop, bump, &dropped);
  rp_loop_remove_slow (state->loop, &dropped);
}

/* However many there are, ticks come in between: between each and the next here. */
static void
test_slow (void)
{
  State state;

  state_init (&state);
  rp_loop_call_sync (state.loop, add_slow, &state);
  for (guint i = 0; i < 3; i++)
    g_assert_true (rp_loop_post_slow (state.loop, slow, &state, count_destroyed));
  wait_for (&state, 6);
  rp_loop_call_sync (state.loop, nothing, NULL);
  for (guint i = 1; i < 6; i++)
    g_assert_cmpint (state.ticks[i], >, state.ticks[i - 1]);
  g_assert_cmpuint (g_atomic_int_get (&state.destroyed), ==, 3);
  state_clear (&state);
}

static void
forget (gpointer data)
{
  State *state = data;
  RpLoopStats stats;
  /* Here, where nothing can be late in between. */
  rp_loop_stats_reset (state->loop);
  rp_loop_stats (state->loop, &stats);
  g_assert_cmpuint (stats.skipped, ==, 0);
}

/* A ticker that takes ten ticks: they are skipped and counted, not made up for. */
static void
test_overrun (void)
{
  RpLoopStats stats;
  State state;

  state_init (&state);
  rp_loop_call_sync (state.loop, add_overrun, &state);
  wait_for (&state, 10);
  rp_loop_stats (state.loop, &stats);
  g_assert_cmpuint (stats.skipped, >=, 9);
  g_assert_cmpint (stats.late_max_us, >=, 9 * RP_LOOP_TICK_US);
  rp_loop_call_sync (state.loop, forget, &state);
  state_clear (&state);
}

/* Tickers that come and go inside the walk. */
static State *others[3];
static guint walks[3];

static void
juggle (gint64 now_us, gpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  State *state = others[0];
  walks[i]++;
  if (i == 0 && walks[0] == 3) {
    rp_loop_remove_ticker (state->loop, 2);
    rp_loop_add_ticker (state->loop, juggle, GUINT_TO_POINTER (2));
    rp_loop_remove_ticker (state->loop, 1);
    rp_loop_remove_ticker (state->loop, 77); /* there is none */
  }
  if (i == 2)
    bump (state);
}

static void
add_jugglers (gpointer data)
{
  State *state = data;
  others[0] = state;
  g_assert_cmpuint (rp_loop_add_ticker (state->loop, juggle, GUINT_TO_POINTER (0)), ==, 1);
  g_assert_cmpuint (rp_loop_add_ticker (state->loop, juggle, GUINT_TO_POINTER (1)), ==, 2);
}

static void
test_ticker_changes (void)
{
  State state;
  state_init (&state);
  rp_loop_call_sync (state.loop, add_jugglers, &state);
  wait_for (&state, 5);
  g_assert_cmpuint (walks[0], ==, 3);
  g_assert_cmpuint (walks[1], ==, 2);
  state_clear (&state);
}

static void
on_fd (gint fd, guint32 events, gpointer data)
{
  State *state = data;
  guint64 value = 0;
  g_assert_cmpint (fd, ==, state->fd);
  if (events & EPOLLIN)
    g_assert_cmpint (read (fd, &value, sizeof value), ==, sizeof value);
  bump (state);
  if (state->n == 3)
    rp_loop_unwatch_fd (state->loop, fd);
}

static void
watch (gpointer data)
{
  State *state = data;
  g_assert_true (rp_loop_watch_fd (state->loop, state->fd, on_fd, state));
  g_assert_false (rp_loop_watch_fd (state->loop, state->fd, on_fd, state)); /* once */
  g_assert_false (rp_loop_watch_fd (state->loop, -1, on_fd, state));
}

static void
make_writable (gpointer data)
{
  State *state = data;
  rp_loop_watch_fd_writable (state->loop, state->fd, TRUE);
}

/* A watched descriptor wakes a blocked loop as well as one that ticks. */
static void
test_fd (void)
{
  guint64 one = 1;
  State state;

  state_init (&state);
  state.fd = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  rp_loop_call_sync (state.loop, watch, &state);
  for (guint i = 1; i <= 2; i++) {
    g_assert_cmpint (write (state.fd, &one, sizeof one), ==, sizeof one);
    wait_for (&state, i);
  }
  rp_loop_call_sync (state.loop, make_writable, &state); /* an eventfd always is */
  wait_for (&state, 3);
  g_assert_cmpint (write (state.fd, &one, sizeof one), ==, sizeof one);
  rp_loop_call_sync (state.loop, nothing, NULL);
  g_assert_cmpuint (state.n, ==, 3);
  state_clear (&state);
  close (state.fd);
}

static gboolean
on_timeout (gpointer data)
{
  bump (data);
  return G_SOURCE_REMOVE;
}

static void
add_timeout (gpointer data)
{
  State *state = data;
  g_assert_true (g_main_context_get_thread_default () == rp_loop_context (state->loop));
  g_autoptr (GSource) source = g_timeout_source_new (5);
  g_source_set_callback (source, on_timeout, state, NULL);
  g_source_attach (source, rp_loop_context (state->loop));
}

static void
test_context (void)
{
  State state;
  state_init (&state);
  rp_loop_call_sync (state.loop, add_timeout, &state);
  wait_for (&state, 1);
  state_clear (&state);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/loop/post", test_post);
  g_test_add_func ("/loop/bounded", test_bounded);
  g_test_add_func ("/loop/from-loop", test_from_loop);
  g_test_add_func ("/loop/end", test_end);
  g_test_add_func ("/loop/ticks", test_ticks);
  g_test_add_func ("/loop/overrun", test_overrun);
  g_test_add_func ("/loop/slow", test_slow);
  g_test_add_func ("/loop/ticker-changes", test_ticker_changes);
  g_test_add_func ("/loop/fd", test_fd);
  g_test_add_func ("/loop/context", test_context);
  return g_test_run ();
}
