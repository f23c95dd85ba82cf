#define _GNU_SOURCE /* CLONE_PARENT, pidfd, pipe2 */

#include "spawner.h"

#include "confine.h"
#include "fd-message.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

G_DEFINE_QUARK (rp - spawner - error - quark, rp_spawner_error)

struct _RpSpawner {
  int fd;
  GPid pid; /* 0 once it was reaped */
  int pidfd;
  gboolean is_gone;
  GSource *exit_source;
  void (*gone) (const char *how, gpointer user_data);
  gpointer user_data;
};

/* Both are of one build. */
typedef struct {
  gint32 pid;
  gint32 failure; /* an errno, or 0 */
} Reply;

/* Of what is started, and of all workers, which inherit it. */
#define NICENESS 5

void
rp_spawner_yield (GPid pid)
{
  const struct sched_param none = {0};
  (void) setpriority (PRIO_PROCESS, (id_t) pid, NICENESS);
  /* One that was started with less yet keeps that. Real time was for media loops to inherit. */
  int policy = sched_getscheduler (pid);
  if (policy == SCHED_OTHER || policy == SCHED_RR)
    (void) sched_setscheduler (pid, SCHED_BATCH, &none);
}

/* --- the spawner's process --- */

G_NORETURN static void
execute (char **argv, int child_fd, int failure_fd)
{
  const struct rlimit no_precedence = {0, 0};
  /* Both must be out of the way of the number that one of them gets. */
  int socket_fd = fcntl (child_fd, F_DUPFD_CLOEXEC, RP_SPAWNER_CHILD_FD + 1);
  int report_fd = fcntl (failure_fd, F_DUPFD_CLOEXEC, RP_SPAWNER_CHILD_FD + 1);
  signal (SIGINT, SIG_DFL);
  signal (SIGTERM, SIG_DFL);
  signal (SIGHUP, SIG_DFL);
  signal (SIGPIPE, SIG_DFL);
  rp_spawner_yield (0);
  (void) setrlimit (RLIMIT_RTPRIO, &no_precedence);
  (void) setrlimit (RLIMIT_NICE, &no_precedence);
  if (socket_fd >= 0 && report_fd >= 0 && dup2 (socket_fd, RP_SPAWNER_CHILD_FD) >= 0)
    execv (argv[0], argv);
  gint32 failure = errno;
  if (write (report_fd, &failure, sizeof failure) < 0)
    _exit (126);
  _exit (127);
}

static Reply
start (char **argv, int child_fd)
{
  Reply reply = {0};
  int fds[2];
  if (pipe2 (fds, O_CLOEXEC) != 0) {
    reply.failure = errno;
    return reply;
  }
  /* A fork whose child is our parent's. */
  reply.pid = (gint32) syscall (SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
  if (reply.pid == 0)
    execute (argv, child_fd, fds[1]);
  if (reply.pid < 0)
    reply.failure = errno;
  close (fds[1]);
  /* Closed without a word by a successful exec. */
  gint32 failure = 0;
  if (reply.pid > 0 && read (fds[0], &failure, sizeof failure) == sizeof failure)
    reply.failure = failure;
  close (fds[0]);
  return reply;
}

G_NORETURN static void
serve (int socket_fd, char **argv)
{
  g_autoptr (GError) error = NULL;
  prctl (PR_SET_NAME, "rp-spawner");
  if (!rp_confine_drop_capabilities (0, &error) || !rp_confine_process (&error)) {
    g_printerr ("repartee: the spawner: %s\n", error->message);
    _exit (EXIT_FAILURE);
  }
  rp_spawner_yield (0);
  /* Signals of a terminal, or of a service manager to all of a service, are for the server, which
   * closes the socket when it ends. */
  signal (SIGINT, SIG_IGN);
  signal (SIGTERM, SIG_IGN);
  signal (SIGHUP, SIG_IGN);
  rp_confine_close_others (socket_fd);
  for (;;) {
    char word;
    int child_fd = -1;
    if (rp_fd_message_receive (socket_fd, &word, sizeof word, &child_fd, 0) <= 0)
      _exit (EXIT_SUCCESS);
    Reply reply = {.failure = EINVAL};
    if (child_fd >= 0) {
      reply = start (argv, child_fd);
      close (child_fd);
    }
    if (send (socket_fd, &reply, sizeof reply, MSG_NOSIGNAL) < 0)
      _exit (EXIT_FAILURE);
  }
}

/* --- the server's side --- */

static gboolean
fail (GError **error, const char *what, int code)
{
  g_set_error (error, RP_SPAWNER_ERROR, RP_SPAWNER_ERROR_FAILED, "%s: %s", what, g_strerror (code));
  return FALSE;
}

RpSpawner *
rp_spawner_new (const char *const *argv, int error_fd, void (*forget) (gpointer data),
                gpointer data, GError **error)
{
  int fds[2];
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
    fail (error, "a socket for the spawner", errno);
    return NULL;
  }
  GPid pid = fork ();
  if (pid == 0) {
    close (fds[0]);
    forget (data);
    dup2 (error_fd, STDERR_FILENO);
    serve (fds[1], (char **) argv);
  }
  int saved = errno;
  close (fds[1]);
  if (pid < 0) {
    close (fds[0]);
    fail (error, "forking the spawner", saved);
    return NULL;
  }
  RpSpawner *spawner = g_new (RpSpawner, 1);
  *spawner = (RpSpawner){.fd = fds[0], .pid = pid, .pidfd = pidfd_open (pid, 0)};
  return spawner;
}

void
rp_spawner_free (RpSpawner *spawner)
{
  if (spawner == NULL)
    return;
  if (spawner->exit_source != NULL) {
    g_source_destroy (spawner->exit_source);
    g_source_unref (spawner->exit_source);
  }
  close (spawner->fd);
  while (spawner->pid > 0 && waitpid (spawner->pid, NULL, 0) < 0 && errno == EINTR)
    ;
  if (spawner->pidfd >= 0)
    close (spawner->pidfd);
  g_free (spawner);
}

gboolean
rp_spawner_spawn (RpSpawner *spawner, int child_fd, GPid *out_pid, GError **error)
{
  Reply reply = {0};
  ssize_t n = rp_fd_message_send (spawner->fd, "s", 1, child_fd, MSG_NOSIGNAL);
  while (n >= 0 && (n = recv (spawner->fd, &reply, sizeof reply, 0)) < 0 && errno == EINTR)
    n = 0;
  if (n != sizeof reply) {
    int saved = n < 0 ? errno : ECONNRESET;
    spawner->is_gone = TRUE;
    return fail (error, "the spawner is gone", saved);
  }
  if (reply.failure == 0) {
    *out_pid = reply.pid;
    return TRUE;
  }
  if (reply.pid > 0)
    (void) waitpid (reply.pid, NULL, 0);
  return fail (error, "starting the worker", reply.failure);
}

static gboolean
on_spawner_exit (gint fd, GIOCondition condition, gpointer data)
{
  (void) fd;
  (void) condition;
  RpSpawner *spawner = data;
  int status = 0;
  if (waitpid (spawner->pid, &status, WNOHANG) == 0)
    return G_SOURCE_CONTINUE;
  spawner->pid = 0;
  spawner->is_gone = TRUE;
  g_autofree char *how =
      WIFSIGNALED (status)
          ? g_strdup_printf ("signal %d (%s)", WTERMSIG (status), g_strsignal (WTERMSIG (status)))
          : g_strdup_printf ("exit code %d", WEXITSTATUS (status));
  spawner->gone (how, spawner->user_data);
  return G_SOURCE_REMOVE;
}

void
rp_spawner_watch (RpSpawner *spawner, void (*gone) (const char *how, gpointer user_data),
                  gpointer user_data)
{
  g_assert (spawner->exit_source == NULL);
  spawner->gone = gone;
  spawner->user_data = user_data;
  if (spawner->pidfd < 0)
    return;
  spawner->exit_source = g_unix_fd_source_new (spawner->pidfd, G_IO_IN);
  g_source_set_callback (spawner->exit_source, G_SOURCE_FUNC (on_spawner_exit), spawner, NULL);
  g_source_attach (spawner->exit_source, g_main_context_get_thread_default ());
}

gboolean
rp_spawner_is_gone (const RpSpawner *spawner)
{
  return spawner != NULL && spawner->is_gone;
}
