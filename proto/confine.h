/* How a process gives up what it does not need: privileges, files, system calls. The kernel's
 * interfaces alone; what is given up decides who calls. Nothing here can be undone.
 *
 * Landlock and seccomp bind the calling thread and those it makes later: call before there are
 * others. Where the kernel has one of them not, its functions say so and do nothing. */
#pragma once

#include <glib.h>
#include <seccomp.h>

G_BEGIN_DECLS

/* This is a build with a sanitizer, which has needs of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RP_CONFINE_HAS_SANITIZER TRUE
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define RP_CONFINE_HAS_SANITIZER TRUE
#endif
#endif
#ifndef RP_CONFINE_HAS_SANITIZER
#define RP_CONFINE_HAS_SANITIZER FALSE
#endif

#define RP_CONFINE_ERROR (rp_confine_error_quark ())
GQuark rp_confine_error_quark (void);
typedef enum {
  RP_CONFINE_ERROR_FAILED,
} RpConfineError;

/* No core dumps, which would hold keys and words; no debugger of the same user, and none of its
 * processes reads our memory; no privileges from any file that is executed. */
gboolean rp_confine_process (GError **error);

/* Closes all descriptors but the standard three and @kept_fd. Thread: the only one there is. */
void rp_confine_close_others (int kept_fd);

/* All capabilities but those of @kept (1 << CAP_…), for good. A root without them is a user who
 * owns many files. */
gboolean rp_confine_drop_capabilities (guint64 kept, GError **error);
/* Becomes the user @name, with its groups, its HOME and no capabilities but @kept; only root can.
 */
gboolean rp_confine_become_user (const char *name, guint64 kept, GError **error);

/* --- files --- */

typedef enum {
  RP_LANDLOCK_READ = 1 << 0,  /* files and directories, read */
  RP_LANDLOCK_WRITE = 1 << 1, /* the same, and written, made and removed */
  RP_LANDLOCK_DEVICE = 1 << 2 /* one file, read and written, that is neither made nor cut */
} RpLandlockRights;

/* What stays allowed; all else that the kernel can forbid is forbidden. */
typedef struct {
  gboolean may_read;    /* anything, anywhere */
  gboolean may_use_tcp; /* listen and connect (ABI 4) */
  gboolean may_signal;  /* other processes (ABI 6) */
} RpLandlockConfig;

typedef struct _RpLandlock RpLandlock;

/* 0: the kernel has no Landlock. */
int rp_landlock_abi (void);
/* Returns: (transfer full) (nullable): NULL without Landlock (@error not set) or on failure (set).
 */
RpLandlock *rp_landlock_new (const RpLandlockConfig *config, GError **error);
/* NULL is legal. */
void rp_landlock_free (RpLandlock *landlock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpLandlock, rp_landlock_free)
/* Leaves @path, and what is below it, as it is to the extent of @rights. A path that does not
 * exist, or is out of reach, is passed over. */
gboolean rp_landlock_allow (RpLandlock *landlock, const char *path, RpLandlockRights rights,
                            GError **error);
/* Needs rp_confine_process (). */
gboolean rp_landlock_enter (const RpLandlock *landlock, GError **error);

/* --- system calls --- */

/* A compiled filter, which any number of processes can enter. */
typedef struct _RpSeccomp RpSeccomp;

/* Can filters be entered here? */
gboolean rp_seccomp_is_there (void);
/* Adds a rule without conditions for each of the names; those that this machine has not are passed
 * over. @names: NULL-terminated. */
void rp_seccomp_rules (scmp_filter_ctx context, guint32 action, const char *const *names);
/* @context: (transfer none). Returns: (transfer full) (nullable) */
RpSeccomp *rp_seccomp_compile (scmp_filter_ctx context, GError **error);
/* NULL is legal. */
void rp_seccomp_free (RpSeccomp *filter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpSeccomp, rp_seccomp_free)
/* Needs rp_confine_process (). */
gboolean rp_seccomp_enter (const RpSeccomp *filter, GError **error);

G_END_DECLS
