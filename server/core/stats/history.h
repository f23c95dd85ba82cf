/* The last hour in points of equal distance: a ring, oldest first. Plain data, no clock. */
#pragma once

#include "histogram.h"

#include <glib.h>

G_BEGIN_DECLS

#define RP_HISTORY_INTERVAL_S 10
#define RP_HISTORY_POINTS 360

/* The middle and the tail of what was measured within a point's interval. */
typedef struct {
  gint64 p50_us;
  gint64 p95_us;
  guint64 n; /* 0 = nothing was measured; the others are then meaningless */
} RpHistoryLatency;

typedef struct {
  gint64 unix_s; /* the interval's end */
  guint active;  /* most calls at once */
  guint idle;    /* workers, at the end */
  guint busy;
  gint64 tick_late_p99_us; /* of the loop that was worst; negative = no tick */
  double loss;             /* client to us, 0..1; negative = no packet was due */
  gint64 jitter_us;        /* mean over the connected calls at the end; negative = none */
  RpHistoryLatency voice_to_voice;
  RpHistoryLatency barge_in;
  guint started, failed, refused; /* calls */
} RpHistoryPoint;

typedef struct _RpHistory RpHistory;

/* @n_points: how many are kept, > 0 */
RpHistory *rp_history_new (guint n_points);
void rp_history_free (RpHistory *history);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpHistory, rp_history_free)

/* Takes the place of the oldest when there are as many as are kept. */
void rp_history_add (RpHistory *history, const RpHistoryPoint *point);
guint rp_history_length (const RpHistory *history);
/* @index: from 0, the oldest. Returns: (transfer none) */
const RpHistoryPoint *rp_history_get (const RpHistory *history, guint index);

void rp_history_latency (const RpHistogram *histogram, RpHistoryLatency *out);

G_END_DECLS
