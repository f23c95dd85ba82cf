#define _GNU_SOURCE /* pidfd_open, signalfd */

#include "zygote.h"

#include "assets.h"
#include "confine.h"
#include "fd-message.h"
#include "frame.h"
#include "runtime.h"
#include "sandbox.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_TEXT_BYTES 1024

typedef struct {
  int control_fd;
  int signal_fd;
  RpAssets *assets;
  RpSandbox *sandbox; /* (nullable): workers are not shut in */
  RpFrameReceiver receiver;
  guint32 next_seq;
  GHashTable *workers; /* pid → worker's number */
  gboolean is_worker;
  int exit_code;
} Zygote;

/* Returns: FALSE when the server is gone. */
static gboolean
send_frame (Zygote *zygote, RpFrameType type, const void *payload, gsize len, int fd)
{
  g_autofree guint8 *frame = g_malloc (RP_FRAME_HEADER_BYTES + len);
  gsize size = rp_frame_write (frame, RP_FRAME_HEADER_BYTES + len, type, zygote->next_seq++,
                               g_get_monotonic_time (), payload, len);
  return rp_fd_message_send (zygote->control_fd, frame, size, fd, 0) >= 0;
}

static int
fail (Zygote *zygote, const char *why)
{
  const char *end = NULL;
  g_utf8_validate_len (why, MIN (strlen (why), MAX_TEXT_BYTES), &end);
  send_frame (zygote, RP_FRAME_FAILED, why, (gsize) (end - why), -1);
  g_printerr ("repartee-worker: %s\n", why);
  return RP_WORKER_EXIT_CONFIG;
}

static gboolean
is_single_threaded (void)
{
  g_autofree char *status = NULL;
  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL))
    return TRUE;
  const char *line = strstr (status, "\nThreads:");
  return line == NULL || g_ascii_strtoull (line + strlen ("\nThreads:"), NULL, 10) == 1;
}

/* Signals of a terminal go to its whole process group; it is the server that ends calls. */
static void
take_signals (Zygote *zygote)
{
  sigset_t set;
  sigemptyset (&set);
  sigaddset (&set, SIGCHLD);
  sigprocmask (SIG_BLOCK, &set, NULL);
  zygote->signal_fd = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  signal (SIGINT, SIG_IGN);
  signal (SIGHUP, SIG_IGN);
  signal (SIGPIPE, SIG_IGN);
}

/* Returns: FALSE when it would not be shut in. */
static gboolean
become_worker (Zygote *zygote, int socket_fd)
{
  sigset_t set;
  g_autoptr (GError) error = NULL;
  close (zygote->control_fd);
  close (zygote->signal_fd);
  sigemptyset (&set);
  sigprocmask (SIG_SETMASK, &set, NULL);
  prctl (PR_SET_NAME, "rp-worker");
  if (zygote->sandbox == NULL || rp_sandbox_enter (zygote->sandbox, socket_fd, &error))
    return TRUE;
  g_printerr ("repartee-worker[%d]: the sandbox: %s\n", (int) getpid (), error->message);
  return FALSE;
}

static gboolean
tell_exited (Zygote *zygote, guint32 worker, int status)
{
  guint8 payload[RP_FRAME_PAIR_BYTES];
  const RpExited exited = {.worker = worker, .status = status};
  gsize len = rp_frame_write_exited (payload, &exited);
  return send_frame (zygote, RP_FRAME_EXITED, payload, len, -1);
}

static gboolean
tell_forked (Zygote *zygote, guint32 worker, pid_t pid)
{
  guint8 payload[RP_FRAME_PAIR_BYTES];
  const RpForked forked = {.worker = worker, .pid = (guint32) pid};
  gsize len = rp_frame_write_forked (payload, &forked);
  /* Only we reap it, so the number is still its own. */
  int pidfd = pidfd_open (pid, 0);
  gboolean ok = pidfd >= 0 && send_frame (zygote, RP_FRAME_FORKED, payload, len, pidfd);
  if (pidfd < 0) {
    g_printerr ("repartee-worker: pidfd_open: %s\n", g_strerror (errno));
    kill (pid, SIGKILL);
  } else {
    close (pidfd);
  }
  return ok;
}

/* Returns: FALSE when this process has nothing more to do as a zygote. */
static gboolean
fork_worker (Zygote *zygote, guint32 worker, int socket_fd)
{
  pid_t pid = fork ();
  if (pid == 0) {
    zygote->is_worker = TRUE;
    zygote->exit_code = EXIT_FAILURE;
    if (become_worker (zygote, socket_fd))
      zygote->exit_code = rp_runtime_run (zygote->assets, socket_fd);
    return FALSE;
  }
  close (socket_fd);
  if (pid < 0) {
    g_printerr ("repartee-worker: fork: %s\n", g_strerror (errno));
    return tell_exited (zygote, worker, W_EXITCODE (EXIT_FAILURE, 0));
  }
  g_hash_table_insert (zygote->workers, GINT_TO_POINTER (pid), GUINT_TO_POINTER (worker));
  return tell_forked (zygote, worker, pid);
}

static gboolean
reap (Zygote *zygote)
{
  struct signalfd_siginfo info;
  while (read (zygote->signal_fd, &info, sizeof info) > 0)
    ;
  int status;
  pid_t pid;
  while ((pid = waitpid (-1, &status, WNOHANG)) > 0) {
    gpointer worker = NULL;
    if (g_hash_table_steal_extended (zygote->workers, GINT_TO_POINTER (pid), NULL, &worker) &&
        !tell_exited (zygote, GPOINTER_TO_UINT (worker), status))
      return FALSE;
  }
  return TRUE;
}

static gboolean
protocol_error (Zygote *zygote, const char *why)
{
  g_printerr ("repartee-worker: the server sent %s\n", why);
  zygote->exit_code = EXIT_FAILURE;
  return FALSE;
}

static gboolean
handle_control (Zygote *zygote)
{
  /* FORK is the only frame there is. */
  guint8 buffer[RP_FRAME_HEADER_BYTES + 4];
  int fd = -1;
  ssize_t n = rp_fd_message_receive (zygote->control_fd, buffer, sizeof buffer, &fd, 0);
  if (n <= 0)
    return FALSE;
  RpFrame frame;
  guint32 worker = 0;
  g_autoptr (GError) error = NULL;
  gboolean ok = (gsize) n <= sizeof buffer &&
                rp_frame_receive (&zygote->receiver, buffer, (gsize) n, &frame, &error) &&
                rp_frame_parse_u32 (&frame, &worker, &error) && fd >= 0;
  if (ok)
    return fork_worker (zygote, worker, fd);
  if (fd >= 0)
    close (fd);
  return protocol_error (zygote, error != NULL ? error->message : "a FORK without its socket");
}

static void
serve (Zygote *zygote)
{
  struct pollfd fds[] = {
      {.fd = zygote->control_fd, .events = POLLIN},
      {.fd = zygote->signal_fd, .events = POLLIN},
  };
  for (;;) {
    if (poll (fds, G_N_ELEMENTS (fds), -1) < 0) {
      if (errno != EINTR)
        return;
      continue;
    }
    if (fds[1].revents != 0 && !reap (zygote))
      return;
    if (fds[0].revents != 0 && !handle_control (zygote))
      return;
  }
}

/* Before anything is read: a model or an agent's file that is not what it should be gets no more
 * than this. */
static gboolean
give_up_privileges (GError **error)
{
  return rp_confine_drop_capabilities (0, error) && rp_confine_process (error);
}

static gboolean
make_sandbox (Zygote *zygote, GError **error)
{
  g_autofree char *data_dir = rp_tools_data_dir ();
  const RpSandboxConfig config = {.data_dir = data_dir};
  /* Where that fails so do the tools that write there, and say so. */
  (void) g_mkdir_with_parents (data_dir, 0700);
  zygote->sandbox = rp_sandbox_new (&config, error);
  return zygote->sandbox != NULL;
}

int
rp_zygote_run (const RpZygoteOptions *options, gboolean *out_is_worker)
{
  Zygote zygote = {.control_fd = options->control_fd};
  g_autoptr (GError) error = NULL;
  fcntl (zygote.control_fd, F_SETFD, FD_CLOEXEC);
  prctl (PR_SET_NAME, "rp-zygote");
  /* One heap for all threads: what one frees serves the other, which saves 3 MB per conversation.
   * They seldom allocate at the same time. */
  mallopt (M_ARENA_MAX, 1);
  take_signals (&zygote);
  rp_frame_receiver_init (&zygote.receiver, RP_FRAME_TO_ZYGOTE);
  *out_is_worker = FALSE;

  if (!options->no_confine && !give_up_privileges (&error))
    return fail (&zygote, error->message);
  zygote.assets = rp_assets_load (options->agent_dirs, options->models_dir, &error);
  if (zygote.assets == NULL || (!options->no_confine && !make_sandbox (&zygote, &error)))
    return fail (&zygote, error->message);
  if (!is_single_threaded ())
    return fail (&zygote, "loading the models started a thread, which a fork would lose");

  zygote.workers = g_hash_table_new (NULL, NULL);
  const char *sandbox = zygote.sandbox != NULL ? rp_sandbox_describe (zygote.sandbox) : "none";
  g_autofree char *info = rp_assets_describe (zygote.assets, sandbox);
  if (send_frame (&zygote, RP_FRAME_READY, info, strlen (info), -1))
    serve (&zygote);
  *out_is_worker = zygote.is_worker;
  if (zygote.is_worker)
    return zygote.exit_code;
  g_hash_table_unref (zygote.workers);
  rp_assets_free (zygote.assets);
  rp_sandbox_free (zygote.sandbox);
  close (zygote.signal_fd);
  return zygote.exit_code;
}
