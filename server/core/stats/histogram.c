#include "histogram.h"

#include <math.h>

/* Values below 2 * SUB_BUCKETS have a bucket each; above, every factor of two has SUB_BUCKETS of
 * equal width. 64 make a bucket at most 1/64 of its value wide, and its middle at most 0.8 % off.
 */
#define SUB_BITS 6
#define SUB_BUCKETS (1 << SUB_BITS)
/* RP_HISTOGRAM_MAX_US is below 2^26. */
#define MAX_BITS 26
#define N_BUCKETS ((MAX_BITS - SUB_BITS + 1) * SUB_BUCKETS)
/* RP_HISTOGRAM_MAX_US falls well below the last bucket, which is free for all that is longer. */
#define OVERFLOW_BUCKET (N_BUCKETS - 1)

G_STATIC_ASSERT (RP_HISTOGRAM_MAX_US < (G_GINT64_CONSTANT (1) << MAX_BITS));

struct _RpHistogram {
  guint64 buckets[N_BUCKETS];
  guint64 count;
  gint64 min_us, max_us, sum_us;
};

static guint
bucket_of (gint64 value_us)
{
  if (value_us > RP_HISTOGRAM_MAX_US)
    return OVERFLOW_BUCKET;
  guint64 value = (guint64) value_us;
  guint bits = g_bit_storage (value);
  if (bits <= SUB_BITS + 1)
    return (guint) value;
  guint shift = bits - SUB_BITS - 1;
  return shift * SUB_BUCKETS + (guint) (value >> shift);
}

/* The middle of a bucket, the inverse of bucket_of (). */
static gint64
bucket_middle_us (guint bucket)
{
  if (bucket < 2 * SUB_BUCKETS)
    return bucket;
  guint shift = bucket / SUB_BUCKETS - 1;
  gint64 low = (gint64) (bucket - shift * SUB_BUCKETS) << shift;
  return low + ((G_GINT64_CONSTANT (1) << shift) - 1) / 2;
}

RpHistogram *
rp_histogram_new (void)
{
  return g_new0 (RpHistogram, 1);
}

void
rp_histogram_free (RpHistogram *self)
{
  g_free (self);
}

void
rp_histogram_reset (RpHistogram *self)
{
  *self = (RpHistogram){0};
}

void
rp_histogram_record (RpHistogram *self, gint64 value_us)
{
  value_us = MAX (value_us, 0);
  self->buckets[bucket_of (value_us)]++;
  self->min_us = self->count == 0 ? value_us : MIN (self->min_us, value_us);
  self->max_us = MAX (self->max_us, value_us);
  self->sum_us = value_us > G_MAXINT64 - self->sum_us ? G_MAXINT64 : self->sum_us + value_us;
  self->count++;
}

void
rp_histogram_merge (RpHistogram *self, const RpHistogram *other)
{
  if (other->count == 0)
    return;
  for (guint i = 0; i < N_BUCKETS; i++)
    self->buckets[i] += other->buckets[i];
  self->min_us = self->count == 0 ? other->min_us : MIN (self->min_us, other->min_us);
  self->max_us = MAX (self->max_us, other->max_us);
  self->sum_us =
      other->sum_us > G_MAXINT64 - self->sum_us ? G_MAXINT64 : self->sum_us + other->sum_us;
  self->count += other->count;
}

void
rp_histogram_subtract (RpHistogram *self, const RpHistogram *earlier)
{
  guint first = N_BUCKETS;
  guint last = 0;
  for (guint i = 0; i < N_BUCKETS; i++) {
    self->buckets[i] -= MIN (earlier->buckets[i], self->buckets[i]);
    if (self->buckets[i] == 0)
      continue;
    first = MIN (first, i);
    last = i;
  }
  self->count -= MIN (earlier->count, self->count);
  self->sum_us -= MIN (earlier->sum_us, self->sum_us);
  self->min_us = self->count > 0 ? bucket_middle_us (first) : 0;
  if (self->count == 0)
    self->max_us = 0;
  else if (last != OVERFLOW_BUCKET)
    self->max_us = MIN (self->max_us, bucket_middle_us (last));
}

guint64
rp_histogram_count_at_most (const RpHistogram *self, gint64 limit_us)
{
  guint64 count = 0;
  for (guint i = 0; i < OVERFLOW_BUCKET && bucket_middle_us (i) <= limit_us; i++)
    count += self->buckets[i];
  return count;
}

gint64
rp_histogram_percentile_us (const RpHistogram *self, gdouble percent)
{
  if (self->count == 0)
    return 0;
  percent = CLAMP (percent, 0, 100);
  /* The nearest rank: the smallest value that at least this many values do not exceed. */
  guint64 rank = MAX (1, (guint64) ceil (percent / 100 * (gdouble) self->count));
  guint64 seen = 0;
  for (guint i = 0; i < N_BUCKETS; i++) {
    seen += self->buckets[i];
    if (seen >= rank) {
      gint64 value = i == OVERFLOW_BUCKET ? self->max_us : bucket_middle_us (i);
      return CLAMP (value, self->min_us, self->max_us);
    }
  }
  return self->max_us;
}

guint64
rp_histogram_count (const RpHistogram *self)
{
  return self->count;
}

gint64
rp_histogram_min_us (const RpHistogram *self)
{
  return self->min_us;
}

gint64
rp_histogram_max_us (const RpHistogram *self)
{
  return self->max_us;
}

gint64
rp_histogram_sum_us (const RpHistogram *self)
{
  return self->sum_us;
}

gdouble
rp_histogram_mean_us (const RpHistogram *self)
{
  return self->count == 0 ? 0 : (gdouble) self->sum_us / (gdouble) self->count;
}
