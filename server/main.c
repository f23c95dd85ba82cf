/* repartee: the server. Exit codes: 0 ended in order, 1 could not start or go on, 2 wrong
 * configuration. */
#include "api.h"
#include "check-network.h"
#include "config.h"
#include "confine.h"
#include "http.h"
#include "lockdown.h"
#include "log.h"
#include "loop.h"
#include "pool.h"
#include "registry.h"
#include "worker-log.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
  EXIT_CODE_OK = 0,
  EXIT_CODE_FAILED = 1,
  EXIT_CODE_CONFIG = 2,
};

/* After the drain's time is up: for the agents to finish what they say and take their leave. */
#define GOODBYE_MS 10000
/* After that: for calls to be ended and workers to exit. */
#define END_MS 2000

typedef struct {
  const RpConfig *config;
  GMainLoop *main_loop;
  int listen_fd;           /* -1 once HTTP has it */
  RpWorkerLog *worker_log; /* (nullable) the same */
  RpSpawner *spawner;      /* (nullable): --no-confine */
  GPtrArray *loops;        /* (nullable) of RpLoop; NULL once the registry has them */
  RpDtlsCertificate *certificate;
  RpPool *pool;
  RpRegistry *registry;
  RpHttp *http;
  RpApi api;
  gboolean was_ready;
  gboolean was_signalled;
  gboolean is_draining;
  int exit_code;
} Server;

static void
quit (Server *server, int code)
{
  server->exit_code = MAX (server->exit_code, code);
  g_main_loop_quit (server->main_loop);
}

static void
on_pool_ready (const char *info, gpointer user_data)
{
  Server *server = user_data;
  rp_log_info ("workers", "ready", RP_LOG_STR ("info", info));
  rp_registry_workers_ready (server->registry);
  if (server->was_ready)
    return;
  server->was_ready = TRUE;
  g_autofree char *host =
      server->config->listen_is_loopback
          ? g_strdup ("localhost")
          : g_strndup (server->config->listen,
                       (gsize) (strrchr (server->config->listen, ':') - server->config->listen));
  printf ("Repartee " RP_VERSION " is ready: http://%s:%u/\n", host, rp_http_port (server->http));
  fflush (stdout);
}

static void
on_pool_failed (const char *why, gpointer user_data)
{
  Server *server = user_data;
  rp_log_error ("workers", "no worker can be started", RP_LOG_STR ("why", why));
  /* Calls that run may go on; a server that never had a worker is of no use. One without its
   * spawner is told of that as well, and goes down as it does then. */
  if (!server->was_ready && !rp_spawner_is_gone (server->spawner))
    quit (server, EXIT_CODE_CONFIG);
}

static void
on_pool_trouble (const char *text, gpointer user_data)
{
  g_autofree char *what = rp_log_redact (text);
  rp_log_warning ("workers", "trouble", RP_LOG_STR ("what", what));
}

static const RpPoolEvents pool_events = {
    .ready = on_pool_ready,
    .failed = on_pool_failed,
    .trouble = on_pool_trouble,
};

static void
on_pool_stopped (gpointer user_data)
{
  quit (user_data, EXIT_CODE_OK);
}

static void
on_drained (gpointer user_data)
{
  Server *server = user_data;
  rp_log_info ("server", "all calls have ended");
  rp_pool_stop (server->pool, on_pool_stopped, server);
}

static gboolean
on_end_timeout (gpointer user_data)
{
  quit (user_data, EXIT_CODE_OK);
  return G_SOURCE_REMOVE;
}

static gboolean
on_goodbye_timeout (gpointer user_data)
{
  Server *server = user_data;
  rp_log_warning ("server", "ending the calls that are left",
                  RP_LOG_INT ("calls", rp_registry_active (server->registry)));
  rp_registry_end_all (server->registry, "the server is going down");
  g_timeout_add (END_MS, on_end_timeout, server);
  return G_SOURCE_REMOVE;
}

static gboolean
on_drain_timeout (gpointer user_data)
{
  Server *server = user_data;
  rp_log_info ("server", "asking the calls that are left to come to an end",
               RP_LOG_INT ("calls", rp_registry_active (server->registry)));
  rp_registry_wind_up (server->registry);
  g_timeout_add (GOODBYE_MS, on_goodbye_timeout, server);
  return G_SOURCE_REMOVE;
}

static void
drain (Server *server)
{
  if (server->is_draining)
    return;
  server->is_draining = TRUE;
  rp_log_info ("server", "draining: no new calls; a second signal stops at once",
               RP_LOG_INT ("calls", rp_registry_active (server->registry)));
  g_timeout_add ((guint) (server->config->drain_timeout_us / 1000), on_drain_timeout, server);
  rp_registry_drain (server->registry, on_drained, server);
}

static gboolean
on_signal (gpointer user_data)
{
  Server *server = user_data;
  if (server->was_signalled) {
    rp_log_warning ("server", "stopping at once");
    quit (server, EXIT_CODE_OK);
    return G_SOURCE_CONTINUE;
  }
  server->was_signalled = TRUE;
  drain (server);
  return G_SOURCE_CONTINUE;
}

/* The zygote that there is goes on, but would be the last one: better to be started again now, in
 * order, than to fail whenever it does. */
static void
on_spawner_gone (const char *how, gpointer user_data)
{
  Server *server = user_data;
  rp_log_error ("server", "the spawner has died: going down, to be started again",
                RP_LOG_STR ("how", how));
  server->exit_code = EXIT_CODE_FAILED;
  drain (server);
}

/* A call has a socket per local address and its worker's; 1024 are soon used up. */
static void
raise_descriptor_limit (void)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
    return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit (RLIMIT_NOFILE, &limit) != 0)
    rp_log_warning ("server", "the limit of open files could not be raised");
}

static void
fill_zygote_config (const Server *server, RpZygoteConfig *zygote)
{
  const RpConfig *config = server->config;
  rp_zygote_config_init (zygote);
  zygote->worker_path = config->worker;
  zygote->agent_dirs = (const char *const *) config->agent;
  zygote->models_dir = config->models;
  zygote->data_dir = config->data;
  zygote->no_confine = config->no_confine;
  zygote->spawner = server->spawner;
}

/* In the spawner, whose configuration is a copy. */
static void
forget (gpointer config)
{
  rp_config_wipe_secrets (config);
}

/* What only root can do, and only who may execute; then all of that is given up. There is one
 * thread until it has returned. */
static gboolean
take_and_give_up (Server *server, GError **error)
{
  const RpConfig *config = server->config;
  RpZygoteConfig zygote;
  fill_zygote_config (server, &zygote);
  g_auto (GStrv) command = rp_zygote_command (&zygote);
  raise_descriptor_limit ();
  rp_loop_reserve_precedence ();
  server->listen_fd = rp_http_listen (config->listen_host, config->listen_port, error);
  if (server->listen_fd < 0 ||
      (config->user != NULL &&
       !rp_confine_become_user (config->user, rp_lockdown_capabilities (config), error)))
    return FALSE;
  if (config->no_confine)
    return TRUE;
  int error_fd = STDERR_FILENO;
  server->worker_log = rp_worker_log_new (&error_fd);
  server->spawner =
      rp_spawner_new ((const char *const *) command, error_fd, forget, (gpointer) config, error);
  if (server->worker_log != NULL)
    close (error_fd);
  return server->spawner != NULL && rp_lockdown_enter (config, error);
}

/* The first threads: they inherit the precedence that this one had as long as it might. */
static gboolean
make_loops (Server *server, GError **error)
{
  server->loops = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_loop_free);
  for (guint i = 0; i < server->config->loops; i++) {
    g_autofree char *name = g_strdup_printf ("media-%u", i);
    RpLoop *loop = rp_loop_new (name, error);
    if (loop == NULL)
      return FALSE;
    g_ptr_array_add (server->loops, loop);
    rp_loop_take_precedence (loop);
  }
  rp_loop_release_precedence ();
  return TRUE;
}

static gboolean
prepare (Server *server, GError **error)
{
  return take_and_give_up (server, error) && make_loops (server, error);
}

static gboolean
start (Server *server, GError **error)
{
  const RpConfig *config = server->config;
  RpPoolConfig pool;
  rp_pool_config_init (&pool);
  fill_zygote_config (server, &pool.zygote);
  pool.idle_target = config->workers;
  pool.max_workers = config->max_sessions + config->workers;

  server->certificate = rp_dtls_certificate_new (error);
  if (server->certificate == NULL)
    return FALSE;
  server->pool = rp_pool_new (&pool, &pool_events, server);
  server->registry = rp_registry_new (config, server->pool, server->certificate,
                                      g_steal_pointer (&server->loops), error);
  if (server->registry == NULL)
    return FALSE;
  server->api = (RpApi){.config = config, .registry = server->registry, .pool = server->pool};
  const RpHttpConfig http = {
      .listen_fd = server->listen_fd,
      .token = config->token,
      .local_names_only = config->listen_is_loopback && config->token == NULL && !config->no_auth,
      .cors_origin = (const char *const *) config->cors_origin,
      .web_dir = config->web,
      .max_connections_per_peer = config->max_connections_per_address,
  };
  guint n_routes = 0;
  const RpHttpRoute *routes = rp_api_routes (&n_routes);
  server->listen_fd = -1;
  server->http = rp_http_new (&http, routes, n_routes, &server->api, error);
  server->api.http = server->http;
  return server->http != NULL;
}

/* The order matters: requests wait for the registry, which uses the pool. */
static void
stop (Server *server)
{
  rp_registry_free (server->registry);
  g_clear_pointer (&server->loops, g_ptr_array_unref);
  rp_http_free (server->http);
  rp_pool_free (server->pool);
  rp_spawner_free (server->spawner);
  rp_worker_log_free (server->worker_log);
  if (server->listen_fd >= 0)
    close (server->listen_fd);
  g_clear_pointer (&server->certificate, rp_dtls_certificate_unref);
  g_main_loop_unref (server->main_loop);
}

static void
tell_confinement (const RpConfig *config)
{
  if (config->no_confine || (rp_landlock_abi () > 0 && rp_seccomp_is_there ()))
    return;
  g_autofree char *confinement = rp_lockdown_describe ();
  rp_log_warning ("server", "this system lacks means to shut processes in",
                  RP_LOG_STR ("confined", confinement));
}

static int
run (const RpConfig *config)
{
  Server server = {.config = config, .listen_fd = -1};
  g_autoptr (GError) error = NULL;
  const RpLogConfig log = {
      .level = config->log_level,
      .json = config->log_json,
      .pii = config->log_pii,
      .fd = STDERR_FILENO,
  };
  rp_log_configure (&log);
  gboolean ok = prepare (&server, &error);
  rp_log_start (&log);
  server.main_loop = g_main_loop_new (NULL, FALSE);
  if (server.worker_log != NULL)
    rp_worker_log_start (server.worker_log);
  /* Never taken away again: a third signal must not kill us while we clean up. */
  g_unix_signal_add (SIGTERM, on_signal, &server);
  g_unix_signal_add (SIGINT, on_signal, &server);
  if (ok && start (&server, &error)) {
    g_autofree char *confinement =
        config->no_confine ? g_strdup ("none, as asked") : rp_lockdown_describe ();
    rp_log_info ("server", "listening", RP_LOG_INT ("port", rp_http_port (server.http)),
                 RP_LOG_INT ("loops", config->loops), RP_LOG_STR ("web", config->web),
                 RP_LOG_STR ("confined", confinement));
    tell_confinement (config);
    if (server.spawner != NULL)
      rp_spawner_watch (server.spawner, on_spawner_gone, &server);
    g_main_loop_run (server.main_loop);
  } else {
    rp_log_error ("server", "cannot start", RP_LOG_STR ("why", error->message));
    server.exit_code = EXIT_CODE_FAILED;
  }
  stop (&server);
  rp_log_info ("server", "stopped", RP_LOG_INT ("exit_code", server.exit_code));
  rp_log_stop ();
  return server.exit_code;
}

/* What is opened later must not get the numbers of the standard descriptors: the log would be
 * written to it, and workers would have theirs replaced. */
static void
fill_standard_descriptors (void)
{
  int fd = open ("/dev/null", O_RDWR);
  while (fd >= 0 && fd <= STDERR_FILENO)
    fd = open ("/dev/null", O_RDWR);
  if (fd >= 0)
    close (fd);
}

/* Anybody on the machine can read a process's command line. */
static void
hide_key (char **argv)
{
  for (guint i = 1; argv[0] != NULL && argv[i] != NULL; i++) {
    char *key = NULL;
    if (g_str_has_prefix (argv[i], "--token="))
      key = argv[i] + strlen ("--token=");
    else if (g_str_equal (argv[i], "--token") && argv[i + 1] != NULL)
      key = argv[++i];
    if (key != NULL)
      memset (key, '*', strlen (key));
  }
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  signal (SIGPIPE, SIG_IGN);
  /* Who inherits it ignored never hears how a child ended. */
  signal (SIGCHLD, SIG_DFL);
  fill_standard_descriptors ();
  g_autoptr (RpConfig) config = rp_config_parse (argv, &error);
  if (config == NULL) {
    fprintf (stderr, "repartee: %s\n", error->message);
    return EXIT_CODE_CONFIG;
  }
  hide_key (argv);
  g_autofree char *text = NULL;
  gboolean ok = TRUE;
  switch (config->action) {
  case RP_CONFIG_HELP:
    text = rp_config_help ();
    break;
  case RP_CONFIG_VERSION:
    text = g_strdup ("repartee " RP_VERSION "\n");
    break;
  case RP_CONFIG_CHECK:
    text = rp_config_to_string (config);
    break;
  case RP_CONFIG_CHECK_NETWORK:
    ok = rp_check_network (config, &text);
    break;
  case RP_CONFIG_RUN:
    return run (config);
  }
  fputs (text, stdout);
  return ok ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}
