#pragma once

/* The options that say how bad a caller's network is: one table for every tool that has them, and
 * what they mean to RpNetem. Pure. */

#include "netem.h"

/* One direction. All 0 = perfect. */
typedef struct {
  double loss;  /* 0..1, of all datagrams */
  double burst; /* mean length of a run of lost datagrams (Gilbert-Elliott); ≤ 1 = independent */
  double reorder;
  double duplicate;
  gint64 delay_us;
  gint64 jitter_us;
  gint64 rate_bps;
  gsize queue_bytes;
  gsize mtu_bytes;
  gint64 outage_at_us; /* after the origin of rp_impair_netem () */
  gint64 outage_us;
  gint64 outage_every_us; /* 0 = once */
} RpImpairPath;

typedef struct {
  guint32 seed;
  double skew_ppm;  /* of the microphone's clock: > 0 = it is too fast */
  RpImpairPath out; /* what the caller sends */
  RpImpairPath in;  /* what it is sent */
} RpImpair;

/* For --help: lines, each ending in a newline, indented by two blanks. */
const char *rp_impair_help (void);

/*
 * rp_impair_option:
 * @name: such as "--loss" or, of the packets to the caller, "--in-loss"
 * @value: (nullable): each option takes one value
 *
 * Returns: FALSE when @name is none of these options, with @error left alone, or when its value is
 * no good, with @error (G_OPTION_ERROR) set.
 */
gboolean rp_impair_option (RpImpair *impair, const char *name, const char *value, GError **error);

/*
 * rp_impair_netem:
 * @seed_offset: tells the networks of several calls apart
 * @origin_us: what outages count from: the call is connected
 *
 * Returns: FALSE when nothing is to be done to that direction; @out_config is then a perfect
 * network.
 */
gboolean rp_impair_netem (const RpImpair *impair, gboolean incoming, guint32 seed_offset,
                          gint64 origin_us, RpNetemConfig *out_config);
