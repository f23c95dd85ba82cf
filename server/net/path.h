/* The way to the other side: one generation of ICE, and others while it restarts (RFC 8445 section
 * 9). Packets go out over the newest generation that has a pair. It is never given up for an older
 * one, so that both sides, who hear of restarts at different times, end with the same.
 *
 * The newest generation waits for its pair for as long as it takes. Those between and before, which
 * were overtaken by a newer restart or by its pair, the other side may still use, or be about to:
 * for a while their checks are answered, packets come in over them, and one that is newer than what
 * is in use may get its pair.
 *
 * Thread and events as of ice.h; rp_path_free () and rp_path_tick () must not be called inside an
 * event, the others may.
 */
#pragma once

#include "ice.h"

#include <glib.h>

/* So long are generations kept that are neither in use nor the newest: what is under way on them
 * has come, and who has not moved on by then has not heard of the restart, or cannot. */
#define RP_PATH_KEPT_US (5 * G_USEC_PER_SEC)
/* And so many, from the next tick on: each has a UDP port per address. Those go first that the
 * other side cannot be using, then the oldest. */
#define RP_PATH_KEPT_MAX 3
/* A restart that comes through does so in a second. All calls of a loop pay for its hurry, and the
 * client may be one that never checks. */
#define RP_PATH_HURRY_US (10 * G_USEC_PER_SEC)

typedef struct _RpPath RpPath;

typedef struct {
  /* The first pair is selected: rp_path_send () works. Once. */
  void (*connected) (gpointer user_data);
  /* As of RpIceEvents, from any generation there is. */
  void (*datagram) (guint8 *data, gsize len, gpointer user_data);
} RpPathEvents;

typedef struct {
  guint64 restarts;    /* begun */
  guint64 switches;    /* of them: a pair was selected and is in use */
  guint generations;   /* now: 1, and up to 1 + RP_PATH_KEPT_MAX more while ICE restarts */
  gboolean restarting; /* now: the newest is not in use */
} RpPathCounters;

/* @config and its addresses are copied. Returns: (transfer full) (nullable): NULL with an error, as
 * rp_ice_new () */
RpPath *rp_path_new (RpLoop *loop, const RpIceConfig *config, const RpPathEvents *events,
                     gpointer user_data, GError **error);
void rp_path_free (RpPath *path);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpPath, rp_path_free)

/* What the description of ours must say. Returns: (transfer none): the newest generation, good
 * until the next restart. */
const RpIce *rp_path_ice (const RpPath *path);

/* Gathers anew, with new credentials. */
gboolean rp_path_begin_restart (RpPath *path, GError **error);
/* The same on other addresses (as RpIceConfig's), and all that was before is dropped at once. */
gboolean rp_path_move (RpPath *path, const char *const *addresses, GError **error);

/* These are for the newest generation. Whether it has its remote credentials: set once each. */
gboolean rp_path_has_remote (const RpPath *path);
gboolean rp_path_set_remote (RpPath *path, const char *ufrag, const char *pwd);
gboolean rp_path_add_remote_candidate (RpPath *path, const RpCandidate *candidate);

gboolean rp_path_send (RpPath *path, const guint8 *data, gsize len);
/* Drops what is no longer needed. */
void rp_path_tick (RpPath *path, gint64 now_us);
void rp_path_counters (const RpPath *path, RpPathCounters *out);
/* As rp_ice_remote_address (). */
char *rp_path_remote_address (const RpPath *path);
