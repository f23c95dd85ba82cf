#include "lockdown.h"

#include "confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/stat.h>

/* No server does these; whoever makes ours try is told no. What it needs is too much, and hidden in
 * too many libraries, for a list of what is allowed: it is where clients' bytes go that keeps it
 * safe, and the processes of the agents have such a list. */
static const char *const forbidden[] = {
    /* Other programs and processes. */
    "execve", "execveat", "fork", "vfork", "process_vm_readv", "process_vm_writev",
    "process_madvise", "kcmp", "pidfd_getfd",
    /* What the kernel has been broken into by. */
    "bpf", "perf_event_open", "io_uring_setup", "io_uring_enter", "io_uring_register",
    "userfaultfd", "keyctl", "add_key", "request_key", "modify_ldt", "vmsplice", "memfd_secret",
    "fanotify_init", "lookup_dcookie", "uselib", "ustat", "sysfs",
    /* Another view of the machine. */
    "mount", "umount2", "move_mount", "fsopen", "fsmount", "fsconfig", "fspick", "open_tree",
    "mount_setattr", "pivot_root", "chroot", "unshare", "setns", "name_to_handle_at",
    "open_by_handle_at", "personality",
    /* Another user, and the machine itself. */
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setgroups", "setfsuid",
    "setfsgid", "acct", "swapon", "swapoff", "reboot", "kexec_load", "kexec_file_load",
    "init_module", "finit_module", "delete_module", "iopl", "ioperm", "quotactl", "quotactl_fd",
    "sethostname", "setdomainname", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex",
    "syslog", "vhangup", NULL};

/* What LeakSanitizer looks through the heap with: a process that traces us. */
static const char *const forbidden_but_to_sanitizers[] = {"ptrace", NULL};

static gboolean
forbid_files (GError **error)
{
  /* It reads pages, libraries and what the kernel tells; all that it writes is open already. */
  const RpLandlockConfig wanted = {.may_read = TRUE, .may_use_tcp = TRUE, .may_signal = TRUE};
  GError *failure = NULL;
  g_autoptr (RpLandlock) landlock = rp_landlock_new (&wanted, &failure);
  if (failure != NULL)
    g_propagate_error (error, failure);
  if (landlock == NULL)
    return failure == NULL;
  return rp_landlock_allow (landlock, "/dev/null", RP_LANDLOCK_DEVICE, error) &&
         rp_landlock_enter (landlock, error);
}

static gboolean
forbid_calls (GError **error)
{
  if (!rp_seccomp_is_there ())
    return TRUE;
  scmp_filter_ctx context = seccomp_init (SCMP_ACT_ALLOW);
  g_return_val_if_fail (context != NULL, FALSE); /* out of memory */
  rp_seccomp_rules (context, SCMP_ACT_ERRNO (EPERM), forbidden);
  /* Threads, no processes; glibc falls back to clone () when there is no clone3 (), whose flags no
   * filter can see. */
  if (!RP_CONFINE_HAS_SANITIZER) {
    rp_seccomp_rules (context, SCMP_ACT_ERRNO (EPERM), forbidden_but_to_sanitizers);
    (void) seccomp_rule_add (context, SCMP_ACT_ERRNO (EPERM), SCMP_SYS (clone), 1,
                             SCMP_CMP (0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
  }
  (void) seccomp_rule_add (context, SCMP_ACT_ERRNO (ENOSYS), SCMP_SYS (clone3), 0);
  g_autoptr (RpSeccomp) filter = rp_seccomp_compile (context, error);
  seccomp_release (context);
  return filter != NULL && rp_seccomp_enter (filter, error);
}

guint64
rp_lockdown_capabilities (const RpConfig *config)
{
  gboolean is_low = config->ice_tcp_port > 0 && config->ice_tcp_port < 1024;
  return is_low ? G_GUINT64_CONSTANT (1) << CAP_NET_BIND_SERVICE : 0;
}

gboolean
rp_lockdown_enter (const RpConfig *config, GError **error)
{
  umask (077);
  return rp_confine_drop_capabilities (rp_lockdown_capabilities (config), error) &&
         rp_confine_process (error) && forbid_files (error) && forbid_calls (error);
}

char *
rp_lockdown_describe (void)
{
  int abi = rp_landlock_abi ();
  const char *seccomp = rp_seccomp_is_there () ? "seccomp" : "no seccomp";
  return abi > 0 ? g_strdup_printf ("%s, landlock %d", seccomp, abi)
                 : g_strdup_printf ("%s, no landlock", seccomp);
}
