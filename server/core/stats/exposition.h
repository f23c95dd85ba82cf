/* Writes metrics in Prometheus' text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Pure. */
#pragma once

#include "histogram.h"

#include <glib.h>

G_BEGIN_DECLS

#define RP_EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

typedef struct _RpExposition RpExposition;

RpExposition *rp_exposition_new (void);
void rp_exposition_free (RpExposition *exposition);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpExposition, rp_exposition_free)

typedef enum {
  RP_EXPOSITION_COUNTER, /* its name ends in _total */
  RP_EXPOSITION_GAUGE,
  RP_EXPOSITION_HISTOGRAM,
} RpExpositionType;

/* Begins a family; the samples that follow are its. @name: static, of [a-zA-Z0-9_:]; @help: one
 * sentence. */
void rp_exposition_family (RpExposition *exposition, const char *name, RpExpositionType type,
                           const char *help);
/* One sample of the family, with one label or none. @label: (nullable); @label_value: any UTF-8. */
void rp_exposition_sample (RpExposition *exposition, const char *label, const char *label_value,
                           double value);
/* The same, exact beyond 2^53. */
void rp_exposition_count (RpExposition *exposition, const char *label, const char *label_value,
                          guint64 value);
/* The samples of a histogram in seconds. @bounds_us: rising upper bounds of its buckets; +Inf is
 * added. */
void rp_exposition_histogram (RpExposition *exposition, const char *label, const char *label_value,
                              const RpHistogram *histogram, const gint64 *bounds_us,
                              guint n_bounds);

/* A family of one sample. */
void rp_exposition_gauge (RpExposition *exposition, const char *name, const char *help,
                          double value);
void rp_exposition_counter (RpExposition *exposition, const char *name, const char *help,
                            guint64 value);

/* Returns: (transfer full): what was written; nothing may follow. */
char *rp_exposition_finish (RpExposition *exposition);

G_END_DECLS
