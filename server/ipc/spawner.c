#define _GNU_SOURCE /* CLONE_PARENT, pipe2 */

#include "spawner.h"

#include "confine.h"
#include "fd-message.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

G_DEFINE_QUARK (rp - spawner - error - quark, rp_spawner_error)

struct _RpSpawner {
  int fd;
  GPid pid;
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
  prctl (PR_SET_NAME, "rp-spawner");
  prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
  rp_spawner_yield (0);
  /* Signals of a terminal are for the server, which closes the socket when it ends. */
  signal (SIGINT, SIG_IGN);
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
rp_spawner_new (const char *const *argv, int error_fd, GError **error)
{
  int fds[2];
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0) {
    fail (error, "a socket for the spawner", errno);
    return NULL;
  }
  GPid pid = fork ();
  if (pid == 0) {
    close (fds[0]);
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
  *spawner = (RpSpawner){.fd = fds[0], .pid = pid};
  return spawner;
}

void
rp_spawner_free (RpSpawner *spawner)
{
  if (spawner == NULL)
    return;
  close (spawner->fd);
  while (waitpid (spawner->pid, NULL, 0) < 0 && errno == EINTR)
    ;
  g_free (spawner);
}

gboolean
rp_spawner_spawn (RpSpawner *spawner, int child_fd, GPid *out_pid, GError **error)
{
  Reply reply = {0};
  ssize_t n = rp_fd_message_send (spawner->fd, "s", 1, child_fd, MSG_NOSIGNAL);
  while (n >= 0 && (n = recv (spawner->fd, &reply, sizeof reply, 0)) < 0 && errno == EINTR)
    n = 0;
  if (n != sizeof reply)
    return fail (error, "the spawner is gone", n < 0 ? errno : ECONNRESET);
  if (reply.failure == 0) {
    *out_pid = reply.pid;
    return TRUE;
  }
  if (reply.pid > 0)
    (void) waitpid (reply.pid, NULL, 0);
  return fail (error, "starting the worker", reply.failure);
}
