#pragma once

/* How many of the frames before it a packet to the client carries once more (RFC 2198), and whether
 * in-band FEC is worth its work, from the loss that the client's receiver reports tell. Sans-IO; a
 * plain value, zero-initialise it. */

#include <glib.h>

#define RP_REDUNDANCY_MAX 2

typedef struct {
  guint level;    /* copies per packet now, 0..RP_REDUNDANCY_MAX */
  gint64 held_us; /* last time that the loss called for this level */
  gboolean clean; /* reports have told of no loss for long: no FEC */
  gint64 loss_us; /* last time that one did, or the first of all; 0 = none yet */
} RpRedundancy;

/* rp_redundancy_report: @fraction_lost: of 256, as in a receiver report. More loss counts at once,
 * less when it has lasted. Returns: the level. */
guint rp_redundancy_report (RpRedundancy *self, gint64 now_us, guint8 fraction_lost);
