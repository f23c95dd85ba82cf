#define _GNU_SOURCE /* CLONE_THREAD */

#include "sandbox.h"

#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Its socket, its wake-ups, a database and what its providers connect to. */
#define MAX_DESCRIPTORS 256
/* Beyond what the zygote has: three stacks of 8 MB, and minutes of audio on their way through the
 * models (60 MB were seen). */
#define MAX_MORE_MEMORY_BYTES (G_GUINT64_CONSTANT (1) << 30)
/* A database of a million bookings has 200 MB. */
#define MAX_FILE_BYTES (G_GUINT64_CONSTANT (512) << 20)
/* When memory runs out a worker goes before the server: its call survives it. */
#define OOM_SCORE "500"

/* This process has entered. */
static gboolean is_inside = FALSE;

struct _RpSandbox {
  RpLandlock *landlock; /* (nullable): the kernel has none */
  RpSeccomp *seccomp;   /* (nullable): the same */
  guint64 max_memory_bytes;
  char description[64];
};

/* --- the policy: files --- */

/* What libraries may still open after the fork: time zones, converters, their own parts. */
static const char *const readable[] = {
    "/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo", "/usr/lib", "/usr/lib64",
    "/lib",           "/lib64",        "/dev/urandom",        NULL,
};

/* For TLS and names. */
static const char *const readable_with_network[] = {
    "/etc/ssl",
    "/etc/pki",
    "/usr/share/ca-certificates",
    "/etc/gnutls",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/nsswitch.conf",
    "/etc/protocols",
    "/run/systemd/resolve/stub-resolv.conf",
    "/etc/resolv.conf",
    NULL,
};

static gboolean
allow_reading (RpLandlock *landlock, const char *const *paths, GError **error)
{
  for (guint i = 0; paths[i] != NULL; i++)
    if (!rp_landlock_allow (landlock, paths[i], RP_LANDLOCK_READ, error))
      return FALSE;
  return TRUE;
}

static gboolean
make_landlock (RpSandbox *sandbox, const RpSandboxConfig *config, GError **error)
{
  const RpLandlockConfig wanted = {.may_use_tcp = config->network};
  GError *failure = NULL;
  sandbox->landlock = rp_landlock_new (&wanted, &failure);
  if (failure != NULL)
    g_propagate_error (error, failure);
  if (sandbox->landlock == NULL)
    return failure == NULL;
  return allow_reading (sandbox->landlock, readable, error) &&
         (!config->network || allow_reading (sandbox->landlock, readable_with_network, error)) &&
         rp_landlock_allow (sandbox->landlock, "/dev/null", RP_LANDLOCK_DEVICE, error) &&
         (config->data_dir == NULL ||
          rp_landlock_allow (sandbox->landlock, config->data_dir, RP_LANDLOCK_WRITE, error));
}

/* --- the policy: system calls --- */

static const char *const allowed[] = {
    /* Memory; mmap and mprotect have conditions. */
    "brk", "madvise", "membarrier", "mremap", "munmap",
    /* Threads; clone has conditions. */
    "exit", "exit_group", "futex", "get_robust_list", "gettid", "rseq", "sched_getaffinity",
    "sched_yield", "set_robust_list", "set_tid_address",
    /* Time and signals. */
    "clock_getres", "clock_gettime", "clock_nanosleep", "gettimeofday", "nanosleep", "time",
    "restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "pause",
    "rt_sigsuspend", "rt_sigtimedwait", "sigaltstack",
    /* To itself alone: see own_signals (). */
    "kill", "tgkill",
    /* What is open already. */
    "close", "close_range", "dup", "dup2", "dup3", "epoll_create1", "epoll_ctl", "epoll_pwait",
    "epoll_wait", "eventfd2", "fstat", "lseek", "pipe2", "poll", "ppoll", "pread64", "preadv",
    "pselect6", "pwrite64", "pwritev", "read", "readv", "select", "write", "writev",
    /* Files, as far as Landlock lets. */
    "access", "faccessat", "faccessat2", "fallocate", "fdatasync", "fsync", "ftruncate", "getcwd",
    "getdents64", "lstat", "mkdir", "mkdirat", "newfstatat", "open", "openat", "readlink",
    "readlinkat", "rename", "renameat", "renameat2", "rmdir", "stat", "statfs", "fstatfs", "statx",
    "umask", "unlink", "unlinkat",
    /* Its socket. */
    "getpeername", "getsockname", "getsockopt", "recvfrom", "sendto", "shutdown",
    /* About itself. */
    "getegid", "geteuid", "getgid", "getpid", "getppid", "getrandom", "getresgid", "getresuid",
    "getrlimit", "getrusage", "getuid", "seccomp", "sysinfo", "times", "uname", NULL};

static const char *const allowed_with_network[] = {"connect",  "recvmmsg", "recvmsg",
                                                   "sendmmsg", "sendmsg",  NULL};

/* Libraries do these with the best intentions, and take no for an answer. What is in no list does
 * not exist for a worker. */
static const char *const refused[] = {
    "accept", "accept4", "bind", "listen", "sched_setscheduler", "setpriority", NULL};
static const char *const refused_without_network[] = {"connect", "socket", NULL};

/* None but an intruder does these here: the process ends, and another takes over its call. */
static const char *const deadly[] = {
    /* Other programs and processes. */
    "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev",
    "process_madvise", "process_mrelease", "kcmp", "pidfd_open", "pidfd_getfd", "pidfd_send_signal",
    "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo",
    /* What the kernel has been broken into by. */
    "bpf", "perf_event_open", "io_uring_setup", "io_uring_enter", "io_uring_register",
    "userfaultfd", "keyctl", "add_key", "request_key", "modify_ldt", "vmsplice", "splice", "tee",
    "memfd_secret", "fanotify_init", "lookup_dcookie", "uselib", "ustat", "sysfs",
    /* Another view of the machine. */
    "mount", "umount2", "move_mount", "fsopen", "fsmount", "fsconfig", "fspick", "open_tree",
    "mount_setattr", "pivot_root", "chroot", "unshare", "setns", "name_to_handle_at",
    "open_by_handle_at", "personality",
    /* Another user, and the machine itself. */
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid",
    "setfsgid", "capset", "acct", "swapon", "swapoff", "reboot", "kexec_load", "kexec_file_load",
    "init_module", "finit_module", "delete_module", "iopl", "ioperm", "quotactl", "quotactl_fd",
    "sethostname", "setdomainname", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
    "syslog", "vhangup", NULL};

#define EQUAL(number, value) SCMP_CMP ((number), SCMP_CMP_EQ, (scmp_datum_t) (value))
#define BITS(number, mask, value) \
  SCMP_CMP ((number), SCMP_CMP_MASKED_EQ, (scmp_datum_t) (mask), (scmp_datum_t) (value))

static void
allow_if (scmp_filter_ctx context, const char *name, struct scmp_arg_cmp condition)
{
  int number = seccomp_syscall_resolve_name (name);
  if (number != __NR_SCMP_ERROR)
    (void) seccomp_rule_add_array (context, SCMP_ACT_ALLOW, number, 1, &condition);
}

static void
allow_sockets (scmp_filter_ctx context, gboolean network)
{
  static const int buffer_options[] = {SO_SNDBUF, SO_SNDBUFFORCE, SO_RCVBUF};
  for (guint i = 0; i < G_N_ELEMENTS (buffer_options); i++)
    (void) seccomp_rule_add (context, SCMP_ACT_ALLOW, SCMP_SYS (setsockopt), 2,
                             EQUAL (1, SOL_SOCKET), EQUAL (2, buffer_options[i]));
  if (!network)
    return;
  rp_seccomp_rules (context, SCMP_ACT_ALLOW, allowed_with_network);
  allow_if (context, "socket", EQUAL (0, AF_INET));
  allow_if (context, "socket", EQUAL (0, AF_INET6));
  (void) seccomp_rule_add (context, SCMP_ACT_ALLOW, SCMP_SYS (setsockopt), 0);
}

static void
allow_with_conditions (scmp_filter_ctx context)
{
  static const int fcntl_commands[] = {F_DUPFD,  F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,
                                       F_GETFL,  F_SETFL,         F_GETLK,     F_SETLK,
                                       F_SETLKW, F_OFD_GETLK,     F_OFD_SETLK, F_OFD_SETLKW};
  /* No signals on behalf of descriptors (F_SETOWN), no input put into a terminal (TIOCSTI). */
  for (guint i = 0; i < G_N_ELEMENTS (fcntl_commands); i++)
    allow_if (context, "fcntl", EQUAL (1, fcntl_commands[i]));
  allow_if (context, "ioctl", EQUAL (1, FIONREAD));
  allow_if (context, "ioctl", EQUAL (1, FIONBIO));
  allow_if (context, "prctl", EQUAL (0, PR_SET_NAME));
  allow_if (context, "prctl", EQUAL (0, PR_GET_NAME));
  /* Its own limits. */
  allow_if (context, "prlimit64", EQUAL (0, 0));
  /* No code but what the zygote has loaded. */
  allow_if (context, "mmap", BITS (2, PROT_EXEC, 0));
  allow_if (context, "mprotect", BITS (2, PROT_EXEC, 0));
  /* Another process, as fork () makes it today. */
  (void) seccomp_rule_add (context, SCMP_ACT_KILL_PROCESS, SCMP_SYS (clone), 1,
                           BITS (0, CLONE_THREAD, 0));
  /* A thread shares everything and is in no other name space; glibc falls back to clone () when
   * there is no clone3 (), whose flags no filter can see. */
  allow_if (
      context, "clone",
      BITS (0, CLONE_THREAD | CLONE_VM | CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET,
            CLONE_THREAD | CLONE_VM));
}

static gboolean
make_seccomp (RpSandbox *sandbox, const RpSandboxConfig *config, GError **error)
{
  if (!rp_seccomp_is_there ())
    return TRUE;
  scmp_filter_ctx context = seccomp_init (SCMP_ACT_ERRNO (ENOSYS));
  g_return_val_if_fail (context != NULL, FALSE); /* out of memory */
  (void) seccomp_attr_set (context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  rp_seccomp_rules (context, SCMP_ACT_ALLOW, allowed);
  rp_seccomp_rules (context, SCMP_ACT_KILL_PROCESS, deadly);
  allow_with_conditions (context);
  allow_sockets (context, config->network);
  rp_seccomp_rules (context, SCMP_ACT_ERRNO (EPERM), refused);
  if (!config->network)
    rp_seccomp_rules (context, SCMP_ACT_ERRNO (EPERM), refused_without_network);
  sandbox->seccomp = rp_seccomp_compile (context, error);
  seccomp_release (context);
  return sandbox->seccomp != NULL;
}

/* --- what can only be known after the fork, and so is written by hand --- */

#define LOAD(field) \
  BPF_STMT (BPF_LD | BPF_W | BPF_ABS, (guint32) offsetof (struct seccomp_data, field))
#define IF(value, then, otherwise) \
  BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, (guint32) (value), (then), (otherwise))
#define RETURN(action) BPF_STMT (BPF_RET | BPF_K, (action))

/* An argument has 64 bits, of which a process number needs the lower ones. */
#define LOAD_ARG_0                                                                     \
  BPF_STMT (BPF_LD | BPF_W | BPF_ABS, (guint32) offsetof (struct seccomp_data, args) + \
                                          (G_BYTE_ORDER == G_BIG_ENDIAN ? sizeof (guint32) : 0))

static gboolean
enter_by_hand (const struct sock_filter *filter, gsize n, guint flags)
{
  const struct sock_fprog program = {.len = (gushort) n, .filter = (struct sock_filter *) filter};
  return syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW | flags,
                  &program) == 0;
}

/* abort () must work; nobody else is to be sent anything. */
static gboolean
own_signals (void)
{
  const struct sock_filter filter[] = {
      LOAD (nr),
      IF (SYS_kill, 1, 0),
      IF (SYS_tgkill, 0, 2),
      LOAD_ARG_0,
      IF (getpid (), 0, 1),
      RETURN (SECCOMP_RET_ALLOW),
      RETURN (SECCOMP_RET_ERRNO | EPERM),
  };
  return enter_by_hand (filter, G_N_ELEMENTS (filter), 0);
}

void
rp_sandbox_seal (void)
{
  const struct rlimit none = {0, 0};
  const struct sock_filter filter[] = {
      LOAD (nr),
      IF (SYS_clone, 0, 1),
      RETURN (SECCOMP_RET_ERRNO | EAGAIN),
      RETURN (SECCOMP_RET_ALLOW),
  };
  if (!is_inside)
    return;
  (void) setrlimit (RLIMIT_NPROC, &none);
  if (!enter_by_hand (filter, G_N_ELEMENTS (filter), SECCOMP_FILTER_FLAG_TSYNC))
    g_printerr ("repartee-worker[%d]: threads cannot be forbidden: %s\n", (int) getpid (),
                g_strerror (errno));
}

/* --- making and entering --- */

static guint64
address_space_bytes (void)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    return 0;
  return g_ascii_strtoull (text, NULL, 10) * (guint64) sysconf (_SC_PAGESIZE);
}

RpSandbox *
rp_sandbox_new (const RpSandboxConfig *config, GError **error)
{
  g_autoptr (RpSandbox) sandbox = g_new0 (RpSandbox, 1);
  guint64 used = address_space_bytes ();
  if (!make_landlock (sandbox, config, error) || !make_seccomp (sandbox, config, error))
    return NULL;
  /* A sanitizer reserves terabytes. */
  if (used > 0 && !RP_CONFINE_HAS_SANITIZER)
    sandbox->max_memory_bytes = used + MAX_MORE_MEMORY_BYTES;
  int abi = sandbox->landlock != NULL ? rp_landlock_abi () : 0;
  const char *seccomp = sandbox->seccomp != NULL ? "seccomp" : "no seccomp";
  if (abi > 0)
    g_snprintf (sandbox->description, sizeof sandbox->description, "%s, landlock %d", seccomp, abi);
  else
    g_snprintf (sandbox->description, sizeof sandbox->description, "%s, no landlock", seccomp);
  return g_steal_pointer (&sandbox);
}

void
rp_sandbox_free (RpSandbox *sandbox)
{
  if (sandbox == NULL)
    return;
  rp_landlock_free (sandbox->landlock);
  rp_seccomp_free (sandbox->seccomp);
  g_free (sandbox);
}

const char *
rp_sandbox_describe (const RpSandbox *sandbox)
{
  return sandbox->description;
}

static void
limit (int resource, guint64 value)
{
  const struct rlimit limits = {(rlim_t) value, (rlim_t) value};
  (void) setrlimit ((__rlimit_resource_t) resource, &limits);
}

static void
set_limits (const RpSandbox *sandbox)
{
  limit (RLIMIT_NOFILE, MAX_DESCRIPTORS);
  limit (RLIMIT_FSIZE, MAX_FILE_BYTES);
  limit (RLIMIT_MEMLOCK, 0);
  limit (RLIMIT_MSGQUEUE, 0);
  if (sandbox->max_memory_bytes > 0)
    limit (RLIMIT_AS, sandbox->max_memory_bytes);
  /* A file that is full is an error, not the end. */
  signal (SIGXFSZ, SIG_IGN);
}

/* Whose memory cannot be read by others has a /proc that is root's. */
static void
become_expendable (void)
{
  prctl (PR_SET_DUMPABLE, 1, 0, 0, 0);
  int fd = open ("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd >= 0 && write (fd, OOM_SCORE, strlen (OOM_SCORE)) < 0)
    g_printerr ("repartee-worker: oom_score_adj: %s\n", g_strerror (errno));
  if (fd >= 0)
    close (fd);
  prctl (PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* The terminal of who started the server is no business of a worker's. */
static void
keep_descriptors (int socket_fd)
{
  int null_fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  if (null_fd >= 0) {
    dup2 (null_fd, STDIN_FILENO);
    dup2 (null_fd, STDOUT_FILENO);
  }
  rp_confine_close_others (socket_fd);
}

gboolean
rp_sandbox_enter (RpSandbox *sandbox, int socket_fd, GError **error)
{
  set_limits (sandbox);
  become_expendable ();
  if (!rp_confine_drop_capabilities (0, error) || !rp_confine_process (error))
    return FALSE;
  if (sandbox->landlock != NULL && !rp_landlock_enter (sandbox->landlock, error))
    return FALSE;
  keep_descriptors (socket_fd);
  if (sandbox->seccomp == NULL)
    return TRUE;
  if (!own_signals ()) {
    g_set_error (error, RP_CONFINE_ERROR, RP_CONFINE_ERROR_FAILED, "seccomp: %s",
                 g_strerror (errno));
    return FALSE;
  }
  is_inside = rp_seccomp_enter (sandbox->seccomp, error);
  return is_inside;
}
