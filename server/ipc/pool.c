#define _GNU_SOURCE /* SOCK_CLOEXEC */

#include "pool.h"

#include "worker-link-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often idle workers are pinged and released ones checked. */
#define TICK_MS 250
/* A worker that was told to exit may take this long; then it is killed. */
#define EXIT_GRACE_US G_USEC_PER_SEC
/* After workers that died unused, the next is started with a growing delay. */
#define MAX_REFILL_DELAY_US (5 * G_USEC_PER_SEC)
#define FIRST_REFILL_DELAY_US (100 * G_GINT64_CONSTANT (1000))
/* A surplus is what was started for callers who gave up or were told to come back: they are told
 * 5 s (RP_HTTP_RETRY_AFTER_S), or try again by themselves. */
#define SURPLUS_MS 10000

typedef enum {
  WORKER_STARTING,
  WORKER_IDLE,
  WORKER_BUSY,
  WORKER_ENDING, /* told to exit before anybody used it */
} WorkerState;

typedef struct {
  RpPool *pool;
  guint32 id;
  WorkerState state;
  gint64 started_us;
  int fd;                   /* our end of the socket until there is a link */
  RpWorkerProcess *process; /* NULL until FORKED */
  RpWorkerLink *link;       /* NULL before FORKED, and once it was handed out or is ending */
  GSource *socket_source;
  GSource *exit_source;
  gint64 released_us; /* 0, or when its release was first seen */
} Worker;

typedef struct {
  guint id;
  RpPoolFunc func;
  gpointer user_data;
} Request;

struct _RpPool {
  RpPoolConfig config;
  RpPoolEvents events;
  gpointer user_data;
  GMainContext *context;
  RpZygote *zygote;
  GHashTable *workers; /* id → Worker, owned */
  GQueue idle;         /* of Worker: the longest waiting first */
  GQueue requests;     /* of Request */
  GSource *ticker;
  GSource *dispatcher; /* hands idle workers to requests, outside of any caller's stack */
  guint32 next_worker;
  guint next_request;
  guint n_starting;
  guint restarts;
  guint unused_deaths; /* in a row */
  gint64 refill_us;    /* not before this */
  gint64 surplus_us;   /* since when more are idle than are to be; 0 = they are not */
  gboolean announced;  /* ready() was called for this zygote */
  gboolean is_stopping;
  char *failure;
  char *info;
  void (*stopped) (gpointer user_data);
  gpointer stopped_data;
};

static void refill (RpPool *pool);
static void schedule_dispatch (RpPool *pool);

void
rp_pool_config_init (RpPoolConfig *config)
{
  *config = (RpPoolConfig){
      .idle_target = 2,
      .max_workers = 1000,
      .surplus_ms = SURPLUS_MS,
      .hung_timeout_ms = RP_WORKER_LINK_HUNG_TIMEOUT_MS,
  };
  rp_zygote_config_init (&config->zygote);
}

static void
clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static GSource *
watch (RpPool *pool, int fd, GUnixFDSourceFunc func, gpointer data)
{
  GSource *source = g_unix_fd_source_new (fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
  g_source_set_callback (source, G_SOURCE_FUNC (func), data, NULL);
  g_source_attach (source, pool->context);
  return source;
}

static void
report (RpPool *pool, const char *text)
{
  if (pool->events.trouble != NULL)
    pool->events.trouble (text, pool->user_data);
}

static void
worker_free (gpointer data)
{
  Worker *worker = data;
  RpPool *pool = worker->pool;
  if (worker->state == WORKER_STARTING)
    pool->n_starting--;
  g_queue_remove (&pool->idle, worker);
  clear_source (&worker->socket_source);
  clear_source (&worker->exit_source);
  if (worker->link != NULL)
    rp_worker_link_free (worker->link);
  if (worker->fd >= 0)
    close (worker->fd);
  if (worker->process != NULL)
    rp_worker_process_unref (worker->process);
  g_free (worker);
}

/* Workers that die before anybody used them would be replaced in a tight loop otherwise. */
static void
slow_down (RpPool *pool)
{
  gint64 delay_us = FIRST_REFILL_DELAY_US << MIN (pool->unused_deaths, 6);
  pool->unused_deaths++;
  pool->refill_us = g_get_monotonic_time () + MIN (delay_us, MAX_REFILL_DELAY_US);
}

static void
check_stopped (RpPool *pool)
{
  if (!pool->is_stopping || g_hash_table_size (pool->workers) > 0 || pool->stopped == NULL)
    return;
  void (*stopped) (gpointer) = g_steal_pointer (&pool->stopped);
  stopped (pool->stopped_data);
}

/* The process is gone (or never came): forget it and replace it. */
static void
drop_worker (Worker *worker)
{
  RpPool *pool = worker->pool;
  gboolean unused = worker->state != WORKER_BUSY;
  gboolean expected =
      worker->process != NULL && g_atomic_int_get (&worker->process->fate) == RP_WORKER_FATE_ENDED;
  if (!expected && !pool->is_stopping) {
    pool->restarts++;
    if (unused)
      slow_down (pool);
  }
  g_hash_table_remove (pool->workers, GUINT_TO_POINTER (worker->id));
  refill (pool);
  if (pool->is_stopping)
    schedule_dispatch (pool);
}

static gboolean
on_worker_exit (gint fd, GIOCondition condition, gpointer data)
{
  (void) fd;
  (void) condition;
  drop_worker (data);
  return G_SOURCE_REMOVE;
}

/* An idle worker was lost. It has been killed; its exit, which the pidfd tells, drops it. */
static void
on_idle_lost (RpWorkerLost reason, const char *text, gpointer data)
{
  Worker *worker = data;
  RpPool *pool = worker->pool;
  clear_source (&worker->socket_source);
  g_queue_remove (&pool->idle, worker);
  if (reason != RP_WORKER_CLOSED && !pool->is_stopping)
    report (pool, text);
}

/* A warm worker and a zygote behind it. */
static void
announce (RpPool *pool)
{
  if (pool->announced || pool->idle.length == 0)
    return;
  pool->announced = TRUE;
  if (pool->events.ready != NULL)
    pool->events.ready (pool->info, pool->user_data);
}

static void
become_idle (Worker *worker)
{
  RpPool *pool = worker->pool;
  worker->state = WORKER_IDLE;
  pool->n_starting--;
  g_queue_push_tail (&pool->idle, worker);
  announce (pool);
  schedule_dispatch (pool);
}

static void
serve_idle (Worker *worker)
{
  rp_worker_link_service (worker->link);
  if (worker->state == WORKER_STARTING && !rp_worker_link_is_lost (worker->link) &&
      rp_worker_link_is_greeted (worker->link))
    become_idle (worker);
}

static gboolean
on_worker_socket (gint fd, GIOCondition condition, gpointer data)
{
  (void) fd;
  (void) condition;
  serve_idle (data);
  return G_SOURCE_CONTINUE;
}

static void
on_forked (guint32 id, guint32 pid, int pidfd, gpointer user_data)
{
  RpPool *pool = user_data;
  Worker *worker = g_hash_table_lookup (pool->workers, GUINT_TO_POINTER (id));
  if (worker == NULL || worker->process != NULL) {
    /* It was given up meanwhile; its socket is closed, so it exits by itself. */
    close (pidfd);
    return;
  }
  worker->process = rp_worker_process_new (id, pid, pidfd, TRUE);
  worker->link = rp_worker_link_new_for_process (g_steal_fd (&worker->fd), worker->process,
                                                 pool->config.hung_timeout_ms);
  const RpWorkerLinkEvents events = {.lost = on_idle_lost};
  rp_worker_link_set_events (worker->link, &events, worker);
  worker->socket_source = watch (pool, rp_worker_link_fd (worker->link), on_worker_socket, worker);
  worker->exit_source = watch (pool, pidfd, on_worker_exit, worker);
  if (pool->is_stopping)
    rp_worker_link_end (worker->link, "stopping");
}

static void
on_exited (guint32 id, int status, gpointer user_data)
{
  RpPool *pool = user_data;
  if (WIFSIGNALED (status)) {
    g_autofree char *text = g_strdup_printf ("worker %u died of signal %d (%s)", id,
                                             WTERMSIG (status), g_strsignal (WTERMSIG (status)));
    report (pool, text);
  }
  Worker *worker = g_hash_table_lookup (pool->workers, GUINT_TO_POINTER (id));
  /* One with a process is dropped when its pidfd says so, which may be before or after this. */
  if (worker != NULL && worker->process == NULL) {
    report (pool, "the zygote could not fork a worker");
    drop_worker (worker);
  }
}

static void
start_worker (RpPool *pool)
{
  int fds[2];
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
    g_autofree char *text = g_strdup_printf ("no socket for a worker: %s", g_strerror (errno));
    report (pool, text);
    slow_down (pool);
    return;
  }
  Worker *worker = g_new0 (Worker, 1);
  worker->pool = pool;
  worker->id = ++pool->next_worker;
  worker->state = WORKER_STARTING;
  worker->started_us = g_get_monotonic_time ();
  worker->fd = fds[0];
  pool->n_starting++;
  g_hash_table_insert (pool->workers, GUINT_TO_POINTER (worker->id), worker);
  if (!rp_zygote_fork (pool->zygote, worker->id, fds[1]))
    g_hash_table_remove (pool->workers, GUINT_TO_POINTER (worker->id));
}

static void
refill (RpPool *pool)
{
  if (pool->is_stopping || pool->zygote == NULL ||
      rp_zygote_state (pool->zygote) != RP_ZYGOTE_READY ||
      g_get_monotonic_time () < pool->refill_us)
    return;
  guint wanted = pool->config.idle_target + pool->requests.length;
  while (pool->idle.length + pool->n_starting < wanted &&
         g_hash_table_size (pool->workers) < pool->config.max_workers) {
    guint before = pool->n_starting;
    start_worker (pool);
    if (pool->n_starting == before)
      return;
  }
}

static RpWorkerLink *
hand_out (RpPool *pool)
{
  Worker *worker = g_queue_pop_head (&pool->idle);
  if (worker == NULL)
    return NULL;
  worker->state = WORKER_BUSY;
  pool->unused_deaths = 0;
  clear_source (&worker->socket_source);
  rp_worker_link_set_events (worker->link, NULL, NULL);
  refill (pool);
  return g_steal_pointer (&worker->link);
}

static gboolean
on_dispatch (gpointer data)
{
  RpPool *pool = data;
  clear_source (&pool->dispatcher);
  gboolean hopeless = pool->is_stopping || pool->failure != NULL;
  while (pool->requests.length > 0 && (hopeless || pool->idle.length > 0)) {
    g_autofree Request *request = g_queue_pop_head (&pool->requests);
    request->func (hopeless ? NULL : hand_out (pool), request->user_data);
  }
  check_stopped (pool);
  return G_SOURCE_REMOVE;
}

static void
schedule_dispatch (RpPool *pool)
{
  if (pool->dispatcher != NULL)
    return;
  pool->dispatcher = g_idle_source_new ();
  g_source_set_priority (pool->dispatcher, G_PRIORITY_DEFAULT);
  g_source_set_callback (pool->dispatcher, on_dispatch, pool, NULL);
  g_source_attach (pool->dispatcher, pool->context);
}

static void
on_zygote_ready (const char *info, gpointer user_data)
{
  RpPool *pool = user_data;
  g_free (pool->info);
  pool->info = g_strdup (info);
  pool->announced = FALSE;
  refill (pool);
  announce (pool);
}

static gboolean
was_never_forked (gpointer key, gpointer value, gpointer user_data)
{
  (void) key;
  (void) user_data;
  return ((Worker *) value)->process == NULL;
}

static void
on_zygote_lost (const char *why, guint retry_ms, gpointer user_data)
{
  RpPool *pool = user_data;
  g_hash_table_foreach_remove (pool->workers, was_never_forked, NULL);
  pool->restarts++;
  g_autofree char *text = g_strdup_printf ("%s; starting it again in %u ms", why, retry_ms);
  report (pool, text);
  if (pool->is_stopping)
    schedule_dispatch (pool);
}

static void
on_zygote_failed (const char *why, gpointer user_data)
{
  RpPool *pool = user_data;
  g_hash_table_foreach_remove (pool->workers, was_never_forked, NULL);
  g_free (pool->failure);
  pool->failure = g_strdup (why);
  schedule_dispatch (pool);
  if (pool->events.failed != NULL)
    pool->events.failed (why, pool->user_data);
}

/* A released worker has had END; the second signal is the one it cannot ignore. */
static void
mind_released (Worker *worker, gint64 now_us)
{
  if (worker->process == NULL ||
      (!g_atomic_int_get (&worker->process->released) && !worker->pool->is_stopping))
    return;
  if (worker->released_us == 0)
    worker->released_us = now_us;
  else if (now_us - worker->released_us >= EXIT_GRACE_US)
    rp_worker_process_signal (worker->process, SIGKILL);
}

static void
mind_unused (Worker *worker, gint64 now_us)
{
  RpPool *pool = worker->pool;
  if (worker->link == NULL)
    return;
  serve_idle (worker);
  if (worker->state == WORKER_STARTING && !rp_worker_link_is_lost (worker->link) &&
      now_us - worker->started_us > (gint64) pool->config.zygote.fork_timeout_ms * 1000)
    rp_worker_link_fail (worker->link, "did not say HELLO in time");
  /* Its loss is reported with the next turn. */
}

/* The one that came last, so that those before it keep their turn and have proved for longest that
 * they answer. */
static void
end_newest_idle (RpPool *pool)
{
  Worker *worker = g_queue_pop_tail (&pool->idle);
  worker->state = WORKER_ENDING;
  clear_source (&worker->socket_source);
  rp_worker_link_set_events (worker->link, NULL, NULL);
  g_clear_pointer (&worker->link, rp_worker_link_free);
}

/* One with each tick: processes that exit all at once would be felt by the calls. */
static void
trim (RpPool *pool, gint64 now_us)
{
  if (pool->idle.length <= pool->config.idle_target || pool->requests.length > 0)
    pool->surplus_us = 0;
  else if (pool->surplus_us == 0)
    pool->surplus_us = now_us;
  else if (now_us - pool->surplus_us >= (gint64) pool->config.surplus_ms * 1000)
    end_newest_idle (pool);
}

static gboolean
on_pool_tick (gpointer data)
{
  RpPool *pool = data;
  gint64 now_us = g_get_monotonic_time ();
  /* A copy: a callback may make a worker, though none goes but by its exit. */
  g_autoptr (GList) workers = g_hash_table_get_values (pool->workers);
  for (GList *l = workers; l != NULL; l = l->next) {
    mind_unused (l->data, now_us);
    mind_released (l->data, now_us);
  }
  trim (pool, now_us);
  refill (pool);
  return G_SOURCE_CONTINUE;
}

RpPool *
rp_pool_new (const RpPoolConfig *config, const RpPoolEvents *events, gpointer user_data)
{
  RpPool *pool = g_new0 (RpPool, 1);
  pool->config = *config;
  pool->config.idle_target = MAX (config->idle_target, 1);
  if (events != NULL)
    pool->events = *events;
  pool->user_data = user_data;
  pool->context = g_main_context_ref_thread_default ();
  pool->workers = g_hash_table_new_full (NULL, NULL, NULL, worker_free);
  g_queue_init (&pool->idle);
  g_queue_init (&pool->requests);
  const RpZygoteEvents zygote_events = {
      .ready = on_zygote_ready,
      .lost = on_zygote_lost,
      .failed = on_zygote_failed,
      .forked = on_forked,
      .exited = on_exited,
  };
  pool->zygote = rp_zygote_new (&config->zygote, &zygote_events, pool);
  pool->ticker = g_timeout_source_new (TICK_MS);
  g_source_set_callback (pool->ticker, on_pool_tick, pool, NULL);
  g_source_attach (pool->ticker, pool->context);
  return pool;
}

static void
signal_all (RpPool *pool, int signal_number)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, pool->workers);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Worker *worker = value;
    if (worker->process != NULL)
      rp_worker_process_signal (worker->process, signal_number);
  }
}

void
rp_pool_free (RpPool *pool)
{
  if (pool == NULL)
    return;
  clear_source (&pool->ticker);
  clear_source (&pool->dispatcher);
  pool->is_stopping = TRUE;
  signal_all (pool, SIGKILL);
  g_hash_table_unref (pool->workers);
  rp_zygote_free (pool->zygote);
  g_queue_clear_full (&pool->requests, g_free);
  g_main_context_unref (pool->context);
  g_free (pool->failure);
  g_free (pool->info);
  g_free (pool);
}

RpWorkerLink *
rp_pool_acquire (RpPool *pool)
{
  /* Who asked before and waits comes first. */
  if (pool->is_stopping || pool->requests.length > 0)
    return NULL;
  return hand_out (pool);
}

guint
rp_pool_request (RpPool *pool, RpPoolFunc func, gpointer user_data)
{
  Request *request = g_new0 (Request, 1);
  request->id = ++pool->next_request;
  request->func = func;
  request->user_data = user_data;
  g_queue_push_tail (&pool->requests, request);
  refill (pool);
  schedule_dispatch (pool);
  return request->id;
}

void
rp_pool_cancel (RpPool *pool, guint request)
{
  for (GList *l = pool->requests.head; l != NULL; l = l->next) {
    Request *candidate = l->data;
    if (candidate->id != request)
      continue;
    g_queue_delete_link (&pool->requests, l);
    g_free (candidate);
    return;
  }
}

gboolean
rp_pool_is_ready (const RpPool *pool)
{
  return !pool->is_stopping && pool->idle.length > 0;
}

const char *
rp_pool_failure (const RpPool *pool)
{
  return pool->failure;
}

const GPtrArray *
rp_pool_agents (const RpPool *pool)
{
  return rp_zygote_agents (pool->zygote);
}

void
rp_pool_stats (const RpPool *pool, RpPoolStats *out_stats)
{
  *out_stats = (RpPoolStats){
      .idle = pool->idle.length,
      .starting = pool->n_starting,
      .waiting = pool->requests.length,
      .restarts = pool->restarts,
  };
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, pool->workers);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    if (((Worker *) value)->state == WORKER_BUSY)
      out_stats->busy++;
  }
}

static void
end_worker (Worker *worker)
{
  if (worker->link != NULL) {
    rp_worker_link_end (worker->link, "stopping");
  } else if (worker->process != NULL) {
    /* Its session should have ended it; the link is on another thread. */
    if (g_atomic_int_compare_and_exchange (&worker->process->fate, RP_WORKER_FATE_NONE,
                                           RP_WORKER_FATE_ENDED))
      rp_worker_process_signal (worker->process, SIGTERM);
  }
}

void
rp_pool_stop (RpPool *pool, void (*done) (gpointer user_data), gpointer user_data)
{
  pool->stopped = done;
  pool->stopped_data = user_data;
  if (!pool->is_stopping) {
    pool->is_stopping = TRUE;
    GHashTableIter iter;
    gpointer value;
    g_hash_table_iter_init (&iter, pool->workers);
    while (g_hash_table_iter_next (&iter, NULL, &value)) {
      g_queue_remove (&pool->idle, value);
      end_worker (value);
    }
  }
  schedule_dispatch (pool);
}
