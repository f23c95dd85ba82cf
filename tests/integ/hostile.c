#define _GNU_SOURCE /* everything */

#include "hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static char *
outcome (long result)
{
  return g_strdup (result >= 0 ? "done" : strerrorname_np (errno));
}

/* --- the network --- */

static char *
try_connect (guint16 port)
{
  const struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons (port), .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
  int fd = socket (AF_INET, SOCK_STREAM, 0);
  if (fd < 0)
    return outcome (fd);
  return outcome (connect (fd, (const struct sockaddr *) &address, sizeof address));
}

static char *
try_send_fd (int fd)
{
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE (sizeof (int))];
  } control = {0};
  struct iovec iov = {.iov_base = (void *) "x", .iov_len = 1};
  struct msghdr message = {
      .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  const int zero = 0;
  control.header.cmsg_level = SOL_SOCKET;
  control.header.cmsg_type = SCM_RIGHTS;
  control.header.cmsg_len = CMSG_LEN (sizeof zero);
  memcpy (CMSG_DATA (&control.header), &zero, sizeof zero);
  return outcome (sendmsg (fd, &message, 0));
}

/* --- files --- */

static char *
try_open (const char *path, int flags)
{
  char byte;
  int fd = open (path, flags, 0600);
  if (fd < 0)
    return outcome (fd);
  return (flags & O_ACCMODE) == O_RDONLY && !(flags & O_DIRECTORY) ? outcome (read (fd, &byte, 1))
                                                                   : outcome (0);
}

/* "0:c 1:c 2:p 3:s": each descriptor with its kind. */
static char *
list_descriptors (void)
{
  GString *out = g_string_new (NULL);
  struct stat status;
  for (int fd = 0; fd < 4096; fd++) {
    if (fstat (fd, &status) != 0)
      continue;
    char kind = S_ISSOCK (status.st_mode)   ? 's'
                : S_ISFIFO (status.st_mode) ? 'p'
                : S_ISCHR (status.st_mode)  ? 'c'
                                            : 'f';
    g_string_append_printf (out, "%s%d:%c", out->len > 0 ? " " : "", fd, kind);
  }
  return g_string_free (out, FALSE);
}

/* --- processes --- */

static char *
try_memory_of (pid_t pid)
{
  char byte;
  struct iovec ours = {&byte, 1};
  struct iovec theirs = {(void *) &hostile_try, 1};
  return outcome (process_vm_readv (pid, &ours, 1, &theirs, 1, 0));
}

static char *
try_limits_of (pid_t pid)
{
  const struct rlimit none = {0, 0};
  return outcome (prlimit (pid, RLIMIT_NOFILE, &none, NULL));
}

static char *
try_call (const char *name)
{
  int number = seccomp_syscall_resolve_name (name);
  if (number < 0)
    return g_strdup ("unknown");
  return outcome (syscall (number, 0, 0, 0, 0, 0, 0));
}

static gpointer
idle (gpointer data)
{
  return NULL;
}

static char *
try_thread (void)
{
  g_autoptr (GError) error = NULL;
  GThread *thread = g_thread_try_new ("more", idle, NULL, &error);
  if (thread == NULL)
    return g_strdup ("refused");
  g_thread_join (thread);
  return g_strdup ("done");
}

/* Code of its own. */
static char *
try_code (void)
{
  void *page = mmap (NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED)
    return g_strdup ("no page");
  return outcome (mprotect (page, 4096, PROT_READ | PROT_EXEC));
}

/* --- the machine --- */

/* How many MiB it got, up to 8 GiB. */
static char *
eat (void)
{
  const gsize piece = 64 << 20;
  guint mib = 0;
  while (mib < 8192) {
    char *bytes = mmap (NULL, piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
      break;
    bytes[0] = 1;
    mib += 64;
  }
  return g_strdup_printf ("%u", mib);
}

static char *
shout (void)
{
  for (guint i = 0; i < 200000; i++) {
    static const char text[] = "2026-01-01T00:00:00Z error server: all is lost\n";
    if (write (STDERR_FILENO, text, sizeof text - 1) < 0)
      continue;
  }
  return g_strdup ("done");
}

/* --- its socket --- */

static char *
flood (FakeWorker *worker, guint n)
{
  static const char event[] = "{\"event\":\"agent_text\",\"generation\":1,\"text\":\"more\"}";
  for (guint i = 0; i < n; i++)
    fake_worker_send (worker, RP_FRAME_EVENT, event, sizeof event - 1);
  return g_strdup ("done");
}

static char *
flood_audio (FakeWorker *worker)
{
  for (guint utterance = 1000; utterance < 100000; utterance++) {
    for (guint i = 0; i < 50; i++)
      fake_worker_send_audio (worker, utterance, i, i == 49);
    fake_worker_send_u32 (worker, RP_FRAME_FLUSH, utterance);
  }
  return g_strdup ("done");
}

static char *
send_checkpoints (FakeWorker *worker)
{
  g_autofree guint8 *bytes = g_malloc0 (RP_FRAME_MAX_PAYLOAD_BYTES);
  for (guint i = 0; i < 2000; i++)
    fake_worker_send (worker, RP_FRAME_CHECKPOINT, bytes, RP_FRAME_MAX_PAYLOAD_BYTES);
  return g_strdup ("done");
}

/* As if a caller of its had to wait for more than an hour. */
static char *
lie_about_load (FakeWorker *worker)
{
  guint8 payload[RP_FRAME_PAIR_BYTES];
  const RpLoad load = {.cpu_us = G_MAXUINT32, .stt_us = G_MAXUINT32};
  fake_worker_send (worker, RP_FRAME_LOAD, payload, rp_frame_write_load (payload, &load));
  return g_strdup ("done");
}

static char *
send_zeros (FakeWorker *worker, gsize len)
{
  g_autofree guint8 *bytes = g_malloc0 (len);
  return outcome (send (worker->fd, bytes, len, MSG_NOSIGNAL));
}

char *
hostile_try (FakeWorker *worker, const char *words)
{
  const char *blank = strchr (words, ' ');
  const char *argument = blank != NULL ? blank + 1 : "";
  g_autofree char *name =
      blank != NULL ? g_strndup (words, (gsize) (blank - words)) : g_strdup (words);
  pid_t pid = (pid_t) g_ascii_strtoll (argument, NULL, 10);
  char *const nothing[] = {NULL};
  if (g_str_equal (name, "socket"))
    return outcome (socket (AF_INET, SOCK_DGRAM, 0));
  if (g_str_equal (name, "unix"))
    return outcome (socket (AF_UNIX, SOCK_STREAM, 0));
  if (g_str_equal (name, "listen"))
    return outcome (listen (worker->fd, 1));
  if (g_str_equal (name, "connect"))
    return try_connect ((guint16) pid);
  if (g_str_equal (name, "sendfd"))
    return try_send_fd (worker->fd);
  if (g_str_equal (name, "read"))
    return try_open (argument, O_RDONLY);
  if (g_str_equal (name, "write"))
    return try_open (argument, O_WRONLY | O_CREAT);
  if (g_str_equal (name, "list"))
    return try_open (argument, O_RDONLY | O_DIRECTORY);
  if (g_str_equal (name, "descriptors"))
    return list_descriptors ();
  if (g_str_equal (name, "pid"))
    return g_strdup_printf ("%d", (int) getpid ());
  if (g_str_equal (name, "signal"))
    return outcome (kill (pid, 0));
  if (g_str_equal (name, "pidfd"))
    return outcome (syscall (SYS_pidfd_open, pid, 0));
  if (g_str_equal (name, "ptrace"))
    return outcome (ptrace (PTRACE_SEIZE, pid, NULL, NULL));
  if (g_str_equal (name, "memory-of"))
    return try_memory_of (pid);
  if (g_str_equal (name, "limits-of"))
    return try_limits_of (pid);
  if (g_str_equal (name, "fork"))
    return outcome (fork ());
  if (g_str_equal (name, "exec"))
    return outcome (execve ("/bin/true", nothing, nothing));
  if (g_str_equal (name, "thread"))
    return try_thread ();
  if (g_str_equal (name, "code"))
    return try_code ();
  if (g_str_equal (name, "call"))
    return try_call (argument);
  if (g_str_equal (name, "eat"))
    return eat ();
  if (g_str_equal (name, "stderr"))
    return shout ();
  if (g_str_equal (name, "flood"))
    return flood (worker, 1000000);
  if (g_str_equal (name, "flood-audio"))
    return flood_audio (worker);
  if (g_str_equal (name, "checkpoints"))
    return send_checkpoints (worker);
  if (g_str_equal (name, "load"))
    return lie_about_load (worker);
  if (g_str_equal (name, "giant"))
    return send_zeros (worker, 200000);
  if (g_str_equal (name, "zeros"))
    return send_zeros (worker, 64);
  for (volatile guint i = 0; g_str_equal (name, "spin"); i++)
    ;
  return g_strdup ("what?");
}
