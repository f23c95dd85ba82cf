/* A latency histogram of fixed size (about 11 KB): log-linear buckets, 64 per factor of two, so
 * that a percentile is at most 0.8 % off from 0.128 ms up to 60 s, and exact below. Thread: one
 * owner; merge copies for others. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Longer times share one bucket, which reads as the maximum. */
#define RP_HISTOGRAM_MAX_US (G_GINT64_CONSTANT (60) * G_USEC_PER_SEC)

typedef struct _RpHistogram RpHistogram;

RpHistogram *rp_histogram_new (void);
void rp_histogram_free (RpHistogram *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpHistogram, rp_histogram_free)

/* Forgets everything recorded. */
void rp_histogram_reset (RpHistogram *self);

/* Adds one value in µs; negative ones count as 0. */
void rp_histogram_record (RpHistogram *self, gint64 value_us);

/* Adds everything recorded in @other, which may be @self. */
void rp_histogram_merge (RpHistogram *self, const RpHistogram *other);

/* Takes away what was recorded in @earlier, which must be an earlier state of the same histogram:
 * what is left is what came since. The extremes are then those of the buckets. */
void rp_histogram_subtract (RpHistogram *self, const RpHistogram *earlier);

/* How many values are at most @limit_us, by whole buckets: one counts when its middle does, which
 * moves the limit by 0.8 % at most. Rises with the limit; never falls as values are added. */
guint64 rp_histogram_count_at_most (const RpHistogram *self, gint64 limit_us);

/* The value in µs that @percent (0 … 100, clamped) of the values do not exceed; 0 when empty. */
gint64 rp_histogram_percentile_us (const RpHistogram *self, gdouble percent);

guint64 rp_histogram_count (const RpHistogram *self);
gint64 rp_histogram_min_us (const RpHistogram *self); /* 0 when empty */
gint64 rp_histogram_max_us (const RpHistogram *self);
gint64 rp_histogram_sum_us (const RpHistogram *self);
gdouble rp_histogram_mean_us (const RpHistogram *self); /* 0 when empty */

G_END_DECLS
