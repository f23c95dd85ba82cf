#define _GNU_SOURCE /* pidfd, waitid on it, SO_SNDBUFFORCE */

#include "zygote-client.h"

#include "fd-message.h"
#include "json.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A zygote that closed its control socket is about to exit; this long it may take. */
#define EXIT_GRACE_MS 1000
/* A zygote that ran this long was healthy: the next start does not wait. */
#define HEALTHY_US (30 * G_USEC_PER_SEC)
#define MAX_INFO_BYTES (64 * 1024)

struct _RpZygote {
  RpZygoteConfig config; /* strings are our own */
  RpZygoteEvents events;
  gpointer user_data;
  GMainContext *context;
  GPtrArray *agents; /* of RpAgentInfo */

  RpZygoteState state;
  gboolean was_ready; /* with this configuration: what is wrong now may be right again */
  GPid pid;
  int pidfd;
  int control_fd; /* -1 once the zygote closed it or broke the rules */
  GSource *control_source;
  GSource *exit_source;
  GSource *timer; /* start timeout, exit grace or back-off, by state */
  GSource *fork_timer;
  GArray *forks_pending; /* of guint32: workers asked for and not yet answered */
  gint64 started_us;
  guint backoff_ms;
  char *complaint; /* why it was or will be ended: FAILED's text, a protocol error */
  RpFrameReceiver receiver;
  guint32 next_seq;
};

static void start (RpZygote *zygote);

void
rp_zygote_config_init (RpZygoteConfig *config)
{
  *config = (RpZygoteConfig){
      .start_timeout_ms = 60000, /* models load in a second; a cold disk may take longer */
      .fork_timeout_ms = 5000,
      .min_backoff_ms = 250,
      .max_backoff_ms = 10000,
  };
}

static void
clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
set_timer (RpZygote *zygote, GSource **timer, guint delay_ms, GSourceFunc func)
{
  clear_source (timer);
  *timer = g_timeout_source_new (delay_ms);
  g_source_set_callback (*timer, func, zygote, NULL);
  g_source_attach (*timer, zygote->context);
}

static GSource *
watch (RpZygote *zygote, int fd, GUnixFDSourceFunc func)
{
  GSource *source = g_unix_fd_source_new (fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
  g_source_set_callback (source, G_SOURCE_FUNC (func), zygote, NULL);
  g_source_attach (source, zygote->context);
  return source;
}

static void
complain (RpZygote *zygote, const char *text)
{
  if (zygote->complaint == NULL)
    zygote->complaint = g_strdup (text);
}

static void
kill_zygote (RpZygote *zygote)
{
  if (zygote->pidfd >= 0)
    (void) pidfd_send_signal (zygote->pidfd, SIGKILL, NULL, 0);
}

static gboolean
on_exit_grace_over (gpointer data)
{
  RpZygote *zygote = data;
  kill_zygote (zygote);
  clear_source (&zygote->timer);
  return G_SOURCE_REMOVE;
}

/* No more is read from or written to this zygote; its exit comes next. */
static void
close_control (RpZygote *zygote)
{
  clear_source (&zygote->control_source);
  clear_source (&zygote->fork_timer);
  g_array_set_size (zygote->forks_pending, 0);
  if (zygote->control_fd >= 0)
    close (zygote->control_fd);
  zygote->control_fd = -1;
  if (zygote->pidfd >= 0)
    set_timer (zygote, &zygote->timer, EXIT_GRACE_MS, on_exit_grace_over);
}

static void
misbehaved (RpZygote *zygote, const char *text)
{
  complain (zygote, text);
  close_control (zygote);
  kill_zygote (zygote);
}

static gboolean
on_start_timeout (gpointer data)
{
  misbehaved (data, "the zygote did not become ready in time");
  return G_SOURCE_REMOVE;
}

static gboolean
on_fork_timeout (gpointer data)
{
  misbehaved (data, "the zygote did not fork in time");
  return G_SOURCE_REMOVE;
}

static gboolean
on_backoff_over (gpointer data)
{
  RpZygote *zygote = data;
  clear_source (&zygote->timer);
  start (zygote);
  return G_SOURCE_REMOVE;
}

static void
fail (RpZygote *zygote, const char *why)
{
  zygote->state = RP_ZYGOTE_FAILED;
  if (zygote->events.failed != NULL)
    zygote->events.failed (why, zygote->user_data);
}

static void
retry_later (RpZygote *zygote, const char *why)
{
  gint64 lived_us = g_get_monotonic_time () - zygote->started_us;
  guint delay_ms = zygote->config.min_backoff_ms;
  if (lived_us < HEALTHY_US && zygote->backoff_ms > 0)
    delay_ms = MIN (zygote->backoff_ms * 2, zygote->config.max_backoff_ms);
  zygote->backoff_ms = delay_ms;
  zygote->state = RP_ZYGOTE_WAITING;
  set_timer (zygote, &zygote->timer, delay_ms, on_backoff_over);
  if (zygote->events.lost != NULL)
    zygote->events.lost (why, delay_ms, zygote->user_data);
}

static char *
describe_exit (const siginfo_t *info)
{
  if (info->si_code == CLD_EXITED)
    return g_strdup_printf ("the zygote exited with code %d", info->si_status);
  return g_strdup_printf ("the zygote died of signal %d (%s)", info->si_status,
                          g_strsignal (info->si_status));
}

/* The process is gone: reap it, and decide about another. */
static gboolean
on_zygote_exit (gint fd, GIOCondition condition, gpointer data)
{
  (void) condition;
  RpZygote *zygote = data;
  siginfo_t info = {0};
  if (waitid (P_PIDFD, (id_t) fd, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
    return G_SOURCE_CONTINUE;

  close_control (zygote);
  clear_source (&zygote->timer);
  close (zygote->pidfd);
  zygote->pidfd = -1;
  zygote->pid = 0;
  g_autofree char *how = describe_exit (&info);
  g_autofree char *complaint = g_steal_pointer (&zygote->complaint);
  g_autofree char *why =
      complaint != NULL ? g_strdup_printf ("%s (%s)", complaint, how) : g_strdup (how);
  clear_source (&zygote->exit_source);
  if (!zygote->was_ready && info.si_code == CLD_EXITED && info.si_status == RP_ZYGOTE_EXIT_CONFIG)
    fail (zygote, complaint != NULL ? complaint : why);
  else
    retry_later (zygote, why);
  return G_SOURCE_REMOVE;
}

static void
handle_ready (RpZygote *zygote, const RpFrame *frame)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object =
      rp_json_parse_object ((const char *) frame->payload, frame->len, MAX_INFO_BYTES, &error);
  if (object == NULL || !rp_agents_describe (zygote->agents, object, &error)) {
    misbehaved (zygote, error->message);
    return;
  }
  zygote->state = RP_ZYGOTE_READY;
  zygote->was_ready = TRUE;
  clear_source (&zygote->timer);
  g_autofree char *info = g_strndup ((const char *) frame->payload, frame->len);
  if (zygote->events.ready != NULL)
    zygote->events.ready (info, zygote->user_data);
}

/* Returns: FALSE when @worker was not asked for, or answered before. */
static gboolean
answer_fork (RpZygote *zygote, guint32 worker)
{
  for (guint i = 0; i < zygote->forks_pending->len; i++) {
    if (g_array_index (zygote->forks_pending, guint32, i) != worker)
      continue;
    g_array_remove_index (zygote->forks_pending, i);
    clear_source (&zygote->fork_timer);
    if (zygote->forks_pending->len > 0)
      set_timer (zygote, &zygote->fork_timer, zygote->config.fork_timeout_ms, on_fork_timeout);
    return TRUE;
  }
  return FALSE;
}

static void
handle_forked (RpZygote *zygote, const RpFrame *frame, int *pidfd)
{
  RpForked forked;
  g_autoptr (GError) error = NULL;
  if (!rp_frame_parse_forked (frame, &forked, &error)) {
    misbehaved (zygote, error->message);
  } else if (*pidfd < 0) {
    misbehaved (zygote, "the zygote forked without giving a pidfd");
  } else if (!answer_fork (zygote, forked.worker)) {
    misbehaved (zygote, "the zygote forked without having been asked to");
  } else if (zygote->events.forked != NULL) {
    zygote->events.forked (forked.worker, forked.pid, g_steal_fd (pidfd), zygote->user_data);
  }
}

static void
handle_exited (RpZygote *zygote, const RpFrame *frame)
{
  RpExited exited;
  g_autoptr (GError) error = NULL;
  if (!rp_frame_parse_exited (frame, &exited, &error)) {
    misbehaved (zygote, error->message);
    return;
  }
  /* Without FORKED before it: the fork failed. */
  answer_fork (zygote, exited.worker);
  if (zygote->events.exited != NULL)
    zygote->events.exited (exited.worker, exited.status, zygote->user_data);
}

static void
handle_frame (RpZygote *zygote, const RpFrame *frame, int *pidfd)
{
  if (frame->type == RP_FRAME_READY) {
    handle_ready (zygote, frame);
  } else if (frame->type == RP_FRAME_FORKED) {
    handle_forked (zygote, frame, pidfd);
  } else if (frame->type == RP_FRAME_EXITED) {
    handle_exited (zygote, frame);
  } else {
    /* FAILED: the only one left of this direction. */
    g_autoptr (GError) error = NULL;
    g_autofree char *text = rp_frame_parse_text (frame, &error);
    complain (zygote, text != NULL ? text : error->message);
  }
}

static gboolean
on_control (gint fd, GIOCondition condition, gpointer data)
{
  (void) fd;
  (void) condition;
  RpZygote *zygote = data;
  g_autofree guint8 *buffer = g_malloc (RP_FRAME_MAX_BYTES);
  while (zygote->control_fd >= 0) {
    int pidfd = -1;
    ssize_t n = rp_fd_message_receive (zygote->control_fd, buffer, RP_FRAME_MAX_BYTES, &pidfd,
                                       MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
      return G_SOURCE_CONTINUE;
    if (n < 0 && errno == ECONNRESET)
      continue;
    RpFrame frame;
    g_autoptr (GError) error = NULL;
    if (n <= 0)
      close_control (zygote);
    else if ((gsize) n > RP_FRAME_MAX_BYTES)
      misbehaved (zygote, "the zygote sent a message longer than any frame");
    else if (!rp_frame_receive (&zygote->receiver, buffer, (gsize) n, &frame, &error))
      misbehaved (zygote, error->message);
    else
      handle_frame (zygote, &frame, &pidfd);
    if (pidfd >= 0)
      close (pidfd);
  }
  return G_SOURCE_REMOVE;
}

GStrv
rp_zygote_command (const RpZygoteConfig *config)
{
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();
  const char *const options[][2] = {
      {"--models", config->models_dir},
      {"--data", config->data_dir},
  };
  g_autofree char *fd = g_strdup_printf ("%d", RP_SPAWNER_CHILD_FD);
  g_strv_builder_add_many (argv, config->worker_path, "--zygote", "--control-fd", fd, NULL);
  for (guint i = 0; config->agent_dirs[i] != NULL; i++)
    g_strv_builder_add_many (argv, "--agent", config->agent_dirs[i], NULL);
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    if (options[i][1] != NULL)
      g_strv_builder_add_many (argv, options[i][0], options[i][1], NULL);
  if (config->no_confine)
    g_strv_builder_add (argv, "--no-confine");
  return g_strv_builder_end (argv);
}

/* LEAVE_DESCRIPTORS_OPEN and no child set-up keep GLib on the posix_spawn path, which is safe from
 * a threaded process; all our descriptors are close-on-exec. */
static gboolean
spawn (RpZygote *zygote, int child_fd, GError **error)
{
  if (zygote->config.spawner != NULL)
    return rp_spawner_spawn (zygote->config.spawner, child_fd, &zygote->pid, error);
  g_auto (GStrv) argv = rp_zygote_command (&zygote->config);
  const gint target_fd = RP_SPAWNER_CHILD_FD;
  return g_spawn_async_with_pipes_and_fds (
      NULL, (const gchar *const *) argv, NULL,
      G_SPAWN_LEAVE_DESCRIPTORS_OPEN | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, -1, -1, -1, &child_fd,
      &target_fd, 1, &zygote->pid, NULL, NULL, NULL, error);
}

static gboolean
on_start_failed (gpointer data)
{
  RpZygote *zygote = data;
  g_autofree char *why = g_steal_pointer (&zygote->complaint);
  clear_source (&zygote->timer);
  if (zygote->state == RP_ZYGOTE_FAILED)
    fail (zygote, why);
  else
    retry_later (zygote, why);
  return G_SOURCE_REMOVE;
}

static void
start (RpZygote *zygote)
{
  g_autoptr (GError) error = NULL;
  int fds[2];
  zygote->state = RP_ZYGOTE_STARTING;
  zygote->started_us = g_get_monotonic_time ();
  rp_frame_receiver_init (&zygote->receiver, RP_FRAME_FROM_ZYGOTE);
  zygote->next_seq = 0;
  g_clear_pointer (&zygote->complaint, g_free);
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
    complain (zygote, g_strerror (errno));
    set_timer (zygote, &zygote->timer, 0, on_start_failed);
    return;
  }
  gboolean ok = spawn (zygote, fds[1], &error);
  close (fds[1]);
  if (ok) {
    if (zygote->config.spawner == NULL)
      rp_spawner_yield (zygote->pid);
    zygote->pidfd = pidfd_open (zygote->pid, 0);
    ok = zygote->pidfd >= 0;
    if (!ok)
      kill (zygote->pid, SIGKILL);
  }
  if (!ok) {
    close (fds[0]);
    complain (zygote, error != NULL ? error->message : "no pidfd for the zygote");
    /* What could never be executed will not be later either. */
    if (rp_spawner_is_gone (zygote->config.spawner) ||
        (!zygote->was_ready &&
         !g_file_test (zygote->config.worker_path, G_FILE_TEST_IS_EXECUTABLE)))
      zygote->state = RP_ZYGOTE_FAILED;
    set_timer (zygote, &zygote->timer, 0, on_start_failed);
    return;
  }
  zygote->control_fd = fds[0];
  zygote->control_source = watch (zygote, zygote->control_fd, on_control);
  zygote->exit_source = watch (zygote, zygote->pidfd, on_zygote_exit);
  set_timer (zygote, &zygote->timer, zygote->config.start_timeout_ms, on_start_timeout);
}

RpZygote *
rp_zygote_new (const RpZygoteConfig *config, const RpZygoteEvents *events, gpointer user_data)
{
  RpZygote *zygote = g_new0 (RpZygote, 1);
  zygote->config = *config;
  zygote->config.worker_path = g_strdup (config->worker_path);
  zygote->config.agent_dirs =
      (const char *const *) g_strdupv ((char **) (gpointer) config->agent_dirs);
  zygote->config.models_dir = g_strdup (config->models_dir);
  zygote->config.data_dir = g_strdup (config->data_dir);
  zygote->events = *events;
  zygote->user_data = user_data;
  zygote->agents = rp_agents_new (config->agent_dirs);
  zygote->context = g_main_context_ref_thread_default ();
  zygote->pidfd = -1;
  zygote->control_fd = -1;
  zygote->forks_pending = g_array_new (FALSE, FALSE, sizeof (guint32));
  start (zygote);
  return zygote;
}

static void
wait_for_exit (RpZygote *zygote)
{
  GPollFD poll_fd = {.fd = zygote->pidfd, .events = G_IO_IN};
  if (g_poll (&poll_fd, 1, EXIT_GRACE_MS) <= 0)
    kill_zygote (zygote);
  siginfo_t info;
  while (waitid (P_PIDFD, (id_t) zygote->pidfd, &info, WEXITED) != 0 && errno == EINTR)
    ;
}

void
rp_zygote_free (RpZygote *zygote)
{
  if (zygote == NULL)
    return;
  close_control (zygote);
  clear_source (&zygote->timer);
  clear_source (&zygote->exit_source);
  if (zygote->pidfd >= 0) {
    wait_for_exit (zygote);
    close (zygote->pidfd);
  }
  g_array_unref (zygote->forks_pending);
  g_main_context_unref (zygote->context);
  g_free (zygote->complaint);
  g_free ((char *) zygote->config.worker_path);
  g_strfreev ((char **) (gpointer) zygote->config.agent_dirs);
  g_ptr_array_unref (zygote->agents);
  g_free ((char *) zygote->config.models_dir);
  g_free ((char *) zygote->config.data_dir);
  g_free (zygote);
}

static gboolean
send_fork (RpZygote *zygote, guint32 worker, int socket_fd)
{
  guint8 payload[4];
  guint8 frame[RP_FRAME_HEADER_BYTES + sizeof payload];
  gsize len = rp_frame_write_u32 (payload, worker);
  len = rp_frame_write (frame, sizeof frame, RP_FRAME_FORK, zygote->next_seq,
                        g_get_monotonic_time (), payload, len);
  ssize_t sent = rp_fd_message_send (zygote->control_fd, frame, len, socket_fd, MSG_DONTWAIT);
  if (sent >= 0)
    zygote->next_seq++;
  return sent >= 0;
}

gboolean
rp_zygote_fork (RpZygote *zygote, guint32 worker, int socket_fd)
{
  gboolean ok = zygote->state == RP_ZYGOTE_READY && zygote->control_fd >= 0 &&
                send_fork (zygote, worker, socket_fd);
  close (socket_fd);
  if (!ok)
    return FALSE;
  g_array_append_val (zygote->forks_pending, worker);
  if (zygote->fork_timer == NULL)
    set_timer (zygote, &zygote->fork_timer, zygote->config.fork_timeout_ms, on_fork_timeout);
  return TRUE;
}

RpZygoteState
rp_zygote_state (const RpZygote *zygote)
{
  return zygote->state;
}

const GPtrArray *
rp_zygote_agents (const RpZygote *zygote)
{
  return zygote->agents;
}
