/* server/ipc: the pool and its zygote. The zygote is a stand-in (test-zygote.c); the real one is in
 * worker-test.c. */
#define _GNU_SOURCE /* kill */

#include "ipc-call.h"
#include "pool.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Longer than a busy machine leaves any worker waiting: one hangs, the others must not seem to. */
#define SHORT_HUNG_MS 2000
/* Of a zygote that is slow because the machine is. */
#define START_MS 20000

static const char *test_zygote;

/* The pool's side of things, told on the main context. */
typedef struct {
  guint n_ready;
  guint n_failed;
  guint n_trouble;
  guint n_stopped;
  guint n_answers;
  RpWorkerLink *answer;
  char *failure;
} PoolLog;

static void
on_pool_ready (const char *info, gpointer data)
{
  g_assert_true (g_str_has_prefix (info, "{\"agent"));
  ((PoolLog *) data)->n_ready++;
}

static void
on_pool_failed (const char *why, gpointer data)
{
  PoolLog *log = data;
  log->n_failed++;
  log->failure = g_strdup (why);
}

static void
on_pool_trouble (const char *text, gpointer data)
{
  g_test_message ("%s", text);
  ((PoolLog *) data)->n_trouble++;
}

static void
on_pool_stopped (gpointer data)
{
  ((PoolLog *) data)->n_stopped++;
}

static void
on_answer (RpWorkerLink *link, gpointer data)
{
  PoolLog *log = data;
  log->answer = link;
  log->n_answers++;
}

static const RpPoolEvents pool_events = {
    .ready = on_pool_ready, .failed = on_pool_failed, .trouble = on_pool_trouble};

static gboolean
on_impatient (gpointer data)
{
  (void) data;
  g_assert_not_reached ();
  return G_SOURCE_REMOVE;
}

/* Runs the main context until the condition holds. */
#define run_until(condition)                                                  \
  G_STMT_START                                                                \
  {                                                                           \
    guint impatient = g_timeout_add (PATIENCE_US / 1000, on_impatient, NULL); \
    while (!(condition))                                                      \
      g_main_context_iteration (NULL, TRUE);                                  \
    g_source_remove (impatient);                                              \
  }                                                                           \
  G_STMT_END

static RpPool *
make_pool_of (const char *behaviour, guint idle, guint start_ms, PoolLog *log)
{
  RpPoolConfig config;
  const char *const dirs[] = {"/agents/first", behaviour, NULL};
  rp_pool_config_init (&config);
  config.idle_target = idle;
  config.zygote.worker_path = test_zygote;
  config.zygote.agent_dirs = dirs;
  config.zygote.start_timeout_ms = start_ms;
  config.zygote.fork_timeout_ms = start_ms;
  config.zygote.min_backoff_ms = 20;
  config.zygote.max_backoff_ms = 50;
  memset (log, 0, sizeof *log);
  return rp_pool_new (&config, &pool_events, log);
}

static RpPool *
make_pool (const char *behaviour, guint idle, PoolLog *log)
{
  return make_pool_of (behaviour, idle, START_MS, log);
}

static const char *const good_agent[] = {"good", NULL};

static RpPoolStats
stats_of (RpPool *pool)
{
  RpPoolStats stats;
  rp_pool_stats (pool, &stats);
  return stats;
}

static void
stop_pool (RpPool *pool, PoolLog *log)
{
  rp_pool_stop (pool, on_pool_stopped, log);
  run_until (log->n_stopped == 1);
  RpPoolStats stats = stats_of (pool);
  g_assert_cmpuint (stats.idle + stats.starting + stats.busy + stats.waiting, ==, 0);
  rp_pool_free (pool);
  g_free (log->failure);
}

static void
test_pool_fills (void)
{
  PoolLog log;
  RpPool *pool = make_pool ("good", 3, &log);
  g_assert_null (rp_pool_acquire (pool));
  g_assert_false (rp_pool_is_ready (pool));
  run_until (stats_of (pool).idle == 3);
  g_assert_true (rp_pool_is_ready (pool));
  g_assert_cmpuint (log.n_ready, ==, 1);

  RpWorkerLink *links[5];
  for (guint i = 0; i < 3; i++) {
    links[i] = rp_pool_acquire (pool);
    g_assert_nonnull (links[i]);
    g_assert_cmpuint (rp_worker_link_pid (links[i]), >, 0);
  }
  g_assert_null (rp_pool_acquire (pool));
  run_until (stats_of (pool).idle == 3);
  g_assert_cmpuint (stats_of (pool).busy, ==, 3);
  g_assert_cmpuint (stats_of (pool).restarts, ==, 0);
  for (guint i = 0; i < 3; i++)
    rp_worker_link_free (links[i]);
  run_until (stats_of (pool).busy == 0);
  g_assert_cmpuint (stats_of (pool).restarts, ==, 0);
  stop_pool (pool, &log);
}

static void
test_pool_requests (void)
{
  PoolLog log;
  RpPool *pool = make_pool ("good", 1, &log);
  PoolLog first = {0}, second = {0}, cancelled = {0};
  rp_pool_request (pool, on_answer, &first);
  guint id = rp_pool_request (pool, on_answer, &cancelled);
  rp_pool_request (pool, on_answer, &second);
  rp_pool_cancel (pool, id);
  run_until (second.n_answers == 1);
  g_assert_cmpuint (first.n_answers, ==, 1);
  g_assert_cmpuint (cancelled.n_answers, ==, 0);
  g_assert_nonnull (first.answer);
  g_assert_nonnull (second.answer);
  rp_worker_link_free (first.answer);
  rp_worker_link_free (second.answer);

  PoolLog late = {0};
  rp_pool_stop (pool, NULL, NULL);
  rp_pool_request (pool, on_answer, &late);
  run_until (late.n_answers == 1);
  g_assert_null (late.answer);
  stop_pool (pool, &log);
}

static void
test_pool_replaces_idle (void)
{
  PoolLog log;
  RpPool *pool = make_pool ("good", 1, &log);
  run_until (stats_of (pool).idle == 1);
  RpWorkerLink *link = rp_pool_acquire (pool);
  run_until (stats_of (pool).idle == 1);
  guint32 busy_pid = rp_worker_link_pid (link);

  /* An idle worker dies: another one takes its place, the busy one is not touched. */
  RpWorkerLink *victim = rp_pool_acquire (pool);
  kill ((pid_t) rp_worker_link_pid (victim), SIGKILL);
  run_until (stats_of (pool).restarts == 1);
  rp_worker_link_free (victim);
  run_until (stats_of (pool).idle == 1);
  g_assert_cmpint (kill ((pid_t) busy_pid, 0), ==, 0);
  rp_worker_link_free (link);
  run_until (stats_of (pool).busy == 0);
  g_assert_cmpuint (stats_of (pool).restarts, ==, 1);
  stop_pool (pool, &log);
}

/* Found as the parent of a worker that has told its pid. */
static void
kill_zygote_of (RpWorkerLink *link)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/stat", rp_worker_link_pid (link));
  g_autofree char *stat = NULL;
  g_assert_true (g_file_get_contents (path, &stat, NULL, NULL));
  int zygote = 0;
  g_assert_cmpint (sscanf (strrchr (stat, ')'), ") %*c %d", &zygote), ==, 1);
  kill (zygote, SIGKILL);
}

static void
test_pool_zygote_dies (void)
{
  g_autoptr (RpLoop) loop = call_loop_new ();
  PoolLog log;
  RpPool *pool = make_pool ("good", 1, &log);
  run_until (stats_of (pool).idle == 1);
  Call call;
  call_init (&call, loop, rp_pool_acquire (pool));
  rp_loop_call_sync (loop, call_start, &call);
  await (&call, call.n_started == 1);
  run_until (stats_of (pool).idle == 1);

  kill_zygote_of (call.link);
  run_until (log.n_ready == 2);
  g_assert_cmpuint (stats_of (pool).restarts, ==, 1);

  /* The call went on all the while. */
  guint64 before = call_stats (&call).frames_in;
  run_until (call_stats (&call).frames_in > before || call.n_lost > 0);
  g_assert_cmpuint (call.n_lost, ==, 0);
  run_until (stats_of (pool).idle >= 1);
  call_clear (&call);
  stop_pool (pool, &log);
}

/* SIGSTOP: a worker that hangs is found, killed, and nobody else's business. */
static void
test_pool_worker_hangs (void)
{
  g_autoptr (RpLoop) loop = call_loop_new ();
  PoolLog log;
  RpPoolConfig config;
  rp_pool_config_init (&config);
  config.zygote.worker_path = test_zygote;
  config.zygote.agent_dirs = good_agent;
  config.hung_timeout_ms = SHORT_HUNG_MS;
  memset (&log, 0, sizeof log);
  RpPool *pool = rp_pool_new (&config, &pool_events, &log);
  run_until (stats_of (pool).idle == 2);
  Call stopped, other;
  call_init (&stopped, loop, rp_pool_acquire (pool));
  call_init (&other, loop, rp_pool_acquire (pool));
  rp_loop_call_sync (loop, call_start, &stopped);
  rp_loop_call_sync (loop, call_start, &other);
  await (&stopped, stopped.n_started == 1);
  await (&other, other.n_started == 1);
  pid_t pid = (pid_t) rp_worker_link_pid (stopped.link);
  kill (pid, SIGSTOP);
  await (&stopped, stopped.n_lost == 1);
  g_assert_cmpint (stopped.reason, ==, RP_WORKER_HUNG);
  run_until (stats_of (pool).restarts == 1);
  g_assert_cmpuint (other.n_lost, ==, 0);

  /* And one that crashes. */
  kill ((pid_t) rp_worker_link_pid (other.link), SIGKILL);
  await (&other, other.n_lost == 1);
  g_assert_cmpint (other.reason, ==, RP_WORKER_CRASHED);
  run_until (stats_of (pool).restarts == 2);
  call_clear (&stopped);
  call_clear (&other);
  stop_pool (pool, &log);
}

/* A worker that ignores END, and SIGTERM, is gone a second after it was let go. */
static void
test_pool_kills_released (void)
{
  PoolLog log;
  RpPool *pool = make_pool ("good", 1, &log);
  run_until (stats_of (pool).idle == 1);
  RpWorkerLink *link = rp_pool_acquire (pool);
  kill ((pid_t) rp_worker_link_pid (link), SIGSTOP);
  rp_worker_link_free (link);
  g_assert_cmpuint (stats_of (pool).busy, ==, 1);
  run_until (stats_of (pool).busy == 0);
  stop_pool (pool, &log);
}

static void
test_pool_bad_config (void)
{
  PoolLog log;
  PoolLog answer = {0};
  RpPool *pool = make_pool ("bad-config", 1, &log);
  rp_pool_request (pool, on_answer, &answer);
  run_until (log.n_failed == 1 && answer.n_answers == 1);
  g_assert_cmpstr (log.failure, ==, "no such agent");
  g_assert_cmpstr (rp_pool_failure (pool), ==, "no such agent");
  g_assert_null (answer.answer);
  g_assert_cmpuint (log.n_trouble, ==, 0);
  stop_pool (pool, &log);
}

/* What was right once may be right again: somebody edits an agent while the server runs. */
static void
test_pool_bad_config_later (void)
{
  PoolLog log;
  g_autofree char *dir = g_dir_make_tmp ("repartee-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "mistake", NULL);
  g_autofree char *behaviour = g_strconcat ("bad-while:", path, NULL);
  RpPool *pool = make_pool (behaviour, 1, &log);
  run_until (stats_of (pool).idle == 1);
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  RpWorkerLink *link = rp_pool_acquire (pool);
  kill_zygote_of (link);
  run_until (log.n_trouble >= 3 || log.n_failed > 0);
  g_assert_cmpuint (log.n_failed, ==, 0);
  g_assert_null (rp_pool_failure (pool));
  unlink (path);
  run_until (log.n_ready == 2 && stats_of (pool).idle >= 1);
  rp_worker_link_free (link);
  rmdir (dir);
  stop_pool (pool, &log);
}

static void
test_pool_no_program (void)
{
  PoolLog log = {0};
  RpPoolConfig config;
  rp_pool_config_init (&config);
  config.zygote.worker_path = "/nonexistent/repartee-worker";
  config.zygote.agent_dirs = good_agent;
  RpPool *pool = rp_pool_new (&config, &pool_events, &log);
  run_until (log.n_failed == 1);
  g_assert_nonnull (strstr (log.failure, "repartee-worker"));
  stop_pool (pool, &log);
}

static void
test_pool_agents (void)
{
  PoolLog log;
  RpPool *pool = make_pool ("described", 1, &log);
  const GPtrArray *agents = rp_pool_agents (pool);
  /* Before the zygote says more, the names are known. */
  g_assert_cmpuint (agents->len, ==, 2);
  g_assert_cmpstr (rp_agents_find (agents, "first")->title, ==, "first");
  g_assert_cmpint (rp_agents_stt_cpu_us (agents), ==, 0);
  run_until (rp_pool_is_ready (pool));
  agents = rp_pool_agents (pool);
  g_assert_cmpuint (agents->len, ==, 2);
  const RpAgentInfo *first = g_ptr_array_index (agents, 0);
  g_assert_cmpstr (first->name, ==, "first");
  g_assert_cmpstr (first->title, ==, "The First");
  g_assert_cmpstr (first->description, ==, "Comes before the second.");
  g_assert_cmpstr (rp_agents_find (agents, "described")->title, ==, "described");
  g_assert_cmpstr (rp_agents_find (agents, "described")->description, ==, "");
  g_assert_cmpint (first->stt_cpu_us, ==, 5);
  g_assert_cmpint (rp_agents_stt_cpu_us (agents), ==, 60000);
  g_assert_null (rp_agents_find (agents, "other"));
  stop_pool (pool, &log);
}

/* Callers who had to wait and gave up leave their workers behind: for a while, and not for good. */
static void
test_pool_trims (void)
{
  PoolLog log = {0};
  PoolLog answers = {0};
  RpPoolConfig config;
  rp_pool_config_init (&config);
  g_assert_cmpuint (config.surplus_ms, >=, 1000);
  config.zygote.worker_path = test_zygote;
  config.zygote.agent_dirs = good_agent;
  config.idle_target = 2;
  config.surplus_ms = 2000; /* all six are there before the first is too many */
  RpPool *pool = rp_pool_new (&config, &pool_events, &log);
  run_until (stats_of (pool).idle == 2);
  guint requests[4];
  gint64 before_us = g_get_monotonic_time ();
  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    requests[i] = rp_pool_request (pool, on_answer, &answers);
  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    rp_pool_cancel (pool, requests[i]);
  g_assert_cmpuint (stats_of (pool).starting, ==, 4);
  run_until (stats_of (pool).idle == 6);
  run_until (stats_of (pool).idle < 6);
  g_assert_cmpint (g_get_monotonic_time () - before_us, >=, config.surplus_ms * 1000);
  run_until (stats_of (pool).idle == 2);

  /* Those who were there before are there still, and nobody else. */
  RpWorkerLink *first = rp_pool_acquire (pool);
  RpWorkerLink *second = rp_pool_acquire (pool);
  g_assert_cmpuint (rp_worker_link_id (first), <=, 2);
  g_assert_cmpuint (rp_worker_link_id (second), <=, 2);
  g_assert_cmpuint (stats_of (pool).busy, ==, 2);
  run_until (stats_of (pool).idle == 2);
  RpWorkerLink *third = rp_pool_acquire (pool);
  g_assert_cmpuint (rp_worker_link_id (third), >, 6);
  rp_worker_link_free (first);
  rp_worker_link_free (second);
  rp_worker_link_free (third);
  run_until (stats_of (pool).busy == 0);
  g_assert_cmpuint (answers.n_answers, ==, 0);
  g_assert_cmpuint (log.n_trouble, ==, 0);
  g_assert_cmpuint (stats_of (pool).restarts, ==, 0);
  stop_pool (pool, &log);
}

/* Zygotes and workers that die young are started again, more and more slowly, and counted. */
static void
test_pool_sickly (void)
{
  static const char *const behaviours[] = {"dies",     "mute",    "stillborn", "silent",
                                           "misnamed", "untyped", "undue"};
  for (guint i = 0; i < G_N_ELEMENTS (behaviours); i++) {
    PoolLog log;
    RpPool *pool = make_pool_of (behaviours[i], 1, 1000, &log); /* what hangs is waited for */
    g_test_message ("%s", behaviours[i]);
    run_until (stats_of (pool).restarts >= 2);
    g_assert_false (rp_pool_is_ready (pool));
    g_assert_cmpuint (log.n_failed, ==, 0);
    stop_pool (pool, &log);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_zygote = g_getenv ("RP_TEST_ZYGOTE");
  g_assert_nonnull (test_zygote);
  g_test_add_func ("/pool/fills", test_pool_fills);
  g_test_add_func ("/pool/requests", test_pool_requests);
  g_test_add_func ("/pool/replaces", test_pool_replaces_idle);
  g_test_add_func ("/pool/zygote-dies", test_pool_zygote_dies);
  g_test_add_func ("/pool/worker-hangs", test_pool_worker_hangs);
  g_test_add_func ("/pool/kills-released", test_pool_kills_released);
  g_test_add_func ("/pool/bad-config", test_pool_bad_config);
  g_test_add_func ("/pool/bad-config-later", test_pool_bad_config_later);
  g_test_add_func ("/pool/no-program", test_pool_no_program);
  g_test_add_func ("/pool/agents", test_pool_agents);
  g_test_add_func ("/pool/trims", test_pool_trims);
  g_test_add_func ("/pool/sickly", test_pool_sickly);
  return g_test_run ();
}
