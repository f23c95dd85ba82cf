#define _GNU_SOURCE /* close_range, memfd_create, O_PATH, setresuid */

#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Before Linux 5.9, or where close_range() is refused: more than anything here ever has open. */
#define MAX_DESCRIPTORS 65536

G_DEFINE_QUARK (rp - confine - error - quark, rp_confine_error)

static gboolean
fail (GError **error, const char *what, int code)
{
  g_set_error (error, RP_CONFINE_ERROR, RP_CONFINE_ERROR_FAILED, "%s: %s", what, g_strerror (code));
  return FALSE;
}

gboolean
rp_confine_process (GError **error)
{
  const struct rlimit none = {0, 0};
  /* Where limits cannot be set the next is enough against core dumps. */
  (void) setrlimit (RLIMIT_CORE, &none);
  if (prctl (PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return fail (error, "PR_SET_DUMPABLE", errno);
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail (error, "PR_SET_NO_NEW_PRIVS", errno);
  return TRUE;
}

void
rp_confine_close_others (int kept_fd)
{
  const int first = STDERR_FILENO + 1;
  if ((kept_fd <= first || close_range ((guint) first, (guint) kept_fd - 1, 0) == 0) &&
      close_range ((guint) MAX (kept_fd + 1, first), ~0U, 0) == 0)
    return;
  for (int fd = first; fd < MAX_DESCRIPTORS; fd++)
    if (fd != kept_fd)
      close (fd);
}

gboolean
rp_confine_drop_capabilities (guint64 kept, GError **error)
{
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {0};
  if (syscall (SYS_capget, &header, sets) != 0)
    return fail (error, "capget", errno);
  /* Who has become another user has them, but in effect. */
  for (guint i = 0; i < G_N_ELEMENTS (sets); i++)
    sets[i].effective = sets[i].permitted;
  (void) syscall (SYS_capset, &header, sets);
  (void) prctl (PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  /* What an executed file could give back. Takes CAP_SETPCAP, without which there is none to lose;
   * the first number that the kernel does not know is EINVAL. */
  for (unsigned long capability = 0; prctl (PR_CAPBSET_DROP, capability, 0, 0, 0) == 0;)
    capability++;
  gboolean has_none = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (sets); i++) {
    has_none &= (sets[i].permitted | sets[i].inheritable) == 0;
    sets[i].permitted &= (guint32) (kept >> (32 * i));
    sets[i].effective = sets[i].permitted;
    sets[i].inheritable = 0;
  }
  /* Service managers that leave a process none often refuse the call, too. */
  if (syscall (SYS_capset, &header, sets) != 0 && !has_none)
    return fail (error, "capset", errno);
  return TRUE;
}

gboolean
rp_confine_become_user (const char *name, guint64 kept, GError **error)
{
  const struct passwd *user = getpwnam (name);
  if (user == NULL) {
    g_set_error (error, RP_CONFINE_ERROR, RP_CONFINE_ERROR_FAILED, "there is no user \"%s\"", name);
    return FALSE;
  }
  if (geteuid () == user->pw_uid)
    return TRUE;
  if (prctl (PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || initgroups (name, user->pw_gid) != 0 ||
      setresgid (user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
      setresuid (user->pw_uid, user->pw_uid, user->pw_uid) != 0)
    return fail (error, "becoming another user", errno);
  g_setenv ("HOME", user->pw_dir, TRUE);
  g_unsetenv ("XDG_CACHE_HOME");
  g_unsetenv ("XDG_DATA_HOME");
  return rp_confine_drop_capabilities (kept, error);
}

/* --- Landlock, which glibc has no functions for (landlock(7)) --- */

/* The kernel's numbers: Debian 12's headers end with ABI 2. */
#define FS_EXECUTE (1ULL << 0)
#define FS_WRITE_FILE (1ULL << 1)
#define FS_READ_FILE (1ULL << 2)
#define FS_READ_DIR (1ULL << 3)
#define FS_ABI_1 ((1ULL << 13) - 1)
#define FS_REFER (1ULL << 13)     /* ABI 2 */
#define FS_TRUNCATE (1ULL << 14)  /* ABI 3 */
#define FS_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#define FS_READ (FS_READ_FILE | FS_READ_DIR)
#define FS_OF_A_FILE (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
/* Remove and make, of files and directories: no devices, sockets, pipes and links. */
#define FS_CHANGE ((1ULL << 4) | (1ULL << 5) | (1ULL << 7) | (1ULL << 8))
#define NET_TCP 3ULL        /* bind and connect: ABI 4 */
#define SCOPE_ABSTRACT 1ULL /* abstract Unix sockets of others: ABI 6 */
#define SCOPE_SIGNAL 2ULL   /* signals to others: ABI 6 */
#define CREATE_RULESET_VERSION 1U
#define RULE_PATH_BENEATH 1

typedef struct {
  guint64 handled_access_fs;
  guint64 handled_access_net; /* ABI 4 */
  guint64 scoped;             /* ABI 6 */
} RulesetAttr;

typedef struct {
  guint64 allowed_access;
  gint32 parent_fd;
} __attribute__ ((packed)) PathBeneathAttr;

struct _RpLandlock {
  int fd;
  guint64 handled; /* rights to files that are forbidden where no rule allows them */
};

int
rp_landlock_abi (void)
{
  long abi = syscall (SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
  return abi > 0 ? (int) abi : 0;
}

static guint64
known_rights (int abi)
{
  return FS_ABI_1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) |
         (abi >= 5 ? FS_IOCTL_DEV : 0);
}

RpLandlock *
rp_landlock_new (const RpLandlockConfig *config, GError **error)
{
  int abi = rp_landlock_abi ();
  if (abi == 0)
    return NULL;
  const RulesetAttr attr = {
      .handled_access_fs = known_rights (abi) & ~(config->may_read ? FS_READ : 0),
      .handled_access_net = abi >= 4 && !config->may_use_tcp ? NET_TCP : 0,
      .scoped = abi >= 6 ? SCOPE_ABSTRACT | (config->may_signal ? 0 : SCOPE_SIGNAL) : 0,
  };
  gsize size = offsetof (RulesetAttr, handled_access_net);
  if (abi >= 4)
    size = abi >= 6 ? sizeof attr : offsetof (RulesetAttr, scoped);
  int fd = (int) syscall (SYS_landlock_create_ruleset, &attr, size, 0);
  if (fd < 0) {
    fail (error, "landlock_create_ruleset", errno);
    return NULL;
  }
  RpLandlock *landlock = g_new (RpLandlock, 1);
  *landlock = (RpLandlock){.fd = fd, .handled = attr.handled_access_fs};
  return landlock;
}

void
rp_landlock_free (RpLandlock *landlock)
{
  if (landlock == NULL)
    return;
  close (landlock->fd);
  g_free (landlock);
}

gboolean
rp_landlock_allow (RpLandlock *landlock, const char *path, RpLandlockRights rights, GError **error)
{
  PathBeneathAttr attr = {.parent_fd = open (path, O_PATH | O_CLOEXEC)};
  struct stat status;
  if (attr.parent_fd < 0 || fstat (attr.parent_fd, &status) != 0) {
    int saved = errno;
    if (attr.parent_fd >= 0)
      close (attr.parent_fd);
    /* Nobody who enters gets there either. */
    return saved == ENOENT || saved == EACCES || saved == ENOTDIR || fail (error, path, saved);
  }
  attr.allowed_access = FS_READ;
  if (rights & (RP_LANDLOCK_WRITE | RP_LANDLOCK_DEVICE))
    attr.allowed_access |= FS_WRITE_FILE;
  if (rights & RP_LANDLOCK_WRITE)
    attr.allowed_access |= FS_CHANGE | FS_TRUNCATE;
  attr.allowed_access &= landlock->handled;
  if (!S_ISDIR (status.st_mode))
    attr.allowed_access &= FS_OF_A_FILE;
  long result = attr.allowed_access == 0
                    ? 0
                    : syscall (SYS_landlock_add_rule, landlock->fd, RULE_PATH_BENEATH, &attr, 0);
  int saved = errno;
  close (attr.parent_fd);
  return result == 0 || fail (error, path, saved);
}

gboolean
rp_landlock_enter (const RpLandlock *landlock, GError **error)
{
  return syscall (SYS_landlock_restrict_self, landlock->fd, 0) == 0 ||
         fail (error, "landlock_restrict_self", errno);
}

/* --- seccomp --- */

struct _RpSeccomp {
  struct sock_fprog program;
};

gboolean
rp_seccomp_is_there (void)
{
  guint32 action = SECCOMP_RET_KILL_PROCESS;
  return syscall (SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

void
rp_seccomp_rules (scmp_filter_ctx context, guint32 action, const char *const *names)
{
  for (guint i = 0; names[i] != NULL; i++) {
    int number = seccomp_syscall_resolve_name (names[i]);
    if (number != __NR_SCMP_ERROR)
      (void) seccomp_rule_add (context, action, number, 0);
  }
}

RpSeccomp *
rp_seccomp_compile (scmp_filter_ctx context, GError **error)
{
  /* The filter as a tree: a call at the end of the list is found as fast as the first. */
  (void) seccomp_attr_set (context, SCMP_FLTATR_CTL_OPTIMIZE, 2);
  int fd = memfd_create ("filter", MFD_CLOEXEC);
  int code = fd >= 0 ? -seccomp_export_bpf (context, fd) : errno;
  struct stat status = {0};
  RpSeccomp *filter = NULL;
  if (code == 0 && fstat (fd, &status) == 0 && status.st_size > 0) {
    filter = g_new0 (RpSeccomp, 1);
    filter->program.filter = g_malloc ((gsize) status.st_size);
    filter->program.len = (gushort) ((gsize) status.st_size / sizeof *filter->program.filter);
    if (pread (fd, filter->program.filter, (gsize) status.st_size, 0) != status.st_size)
      g_clear_pointer (&filter, rp_seccomp_free);
  }
  if (fd >= 0)
    close (fd);
  if (filter == NULL)
    fail (error, "making a filter of system calls", code != 0 ? code : EIO);
  return filter;
}

void
rp_seccomp_free (RpSeccomp *filter)
{
  if (filter == NULL)
    return;
  g_free (filter->program.filter);
  g_free (filter);
}

gboolean
rp_seccomp_enter (const RpSeccomp *filter, GError **error)
{
  /* SPEC_ALLOW: without it old kernels turn off speculation for the process, which costs far more
   * than the filter. */
  return syscall (SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                  &filter->program) == 0 ||
         fail (error, "seccomp", errno);
}
