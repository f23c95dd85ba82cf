#include "history.h"

struct _RpHistory {
  guint n_points;
  guint length;
  guint next; /* where the next one goes */
  RpHistoryPoint points[];
};

RpHistory *
rp_history_new (guint n_points)
{
  RpHistory *self = g_malloc0 (sizeof *self + n_points * sizeof self->points[0]);
  self->n_points = n_points;
  return self;
}

void
rp_history_free (RpHistory *self)
{
  g_free (self);
}

void
rp_history_add (RpHistory *self, const RpHistoryPoint *point)
{
  self->points[self->next] = *point;
  self->next = (self->next + 1) % self->n_points;
  self->length = MIN (self->length + 1, self->n_points);
}

guint
rp_history_length (const RpHistory *self)
{
  return self->length;
}

const RpHistoryPoint *
rp_history_get (const RpHistory *self, guint index)
{
  g_assert (index < self->length); /* the caller asked for the length */
  return &self->points[(self->next + self->n_points - self->length + index) % self->n_points];
}

void
rp_history_latency (const RpHistogram *histogram, RpHistoryLatency *out)
{
  out->p50_us = rp_histogram_percentile_us (histogram, 50);
  out->p95_us = rp_histogram_percentile_us (histogram, 95);
  out->n = rp_histogram_count (histogram);
}
