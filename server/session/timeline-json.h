/* The JSON of a call's timeline, of the last hour's history and of the calls that ended. */
#pragma once

#include "call-stats.h"
#include "history.h"
#include "timeline.h"

#include <glib.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* turns, spans, tools, marks and dropped, as members of the object being built. */
void rp_timeline_json_add (JsonBuilder *builder, const RpTimeline *timeline);
/* end and end_reason (null before the end), and failed. */
void rp_timeline_json_add_end (JsonBuilder *builder, const RpTimeline *timeline);

/* Times of one call. */
typedef struct {
  gint64 started_unix_ms;
  gint64 age_us; /* until its end, when it has ended */
} RpTimelineJsonTimes;

/* One element of recent[]. */
void rp_timeline_json_add_recent (JsonBuilder *builder, const char *id, const char *agent,
                                  const RpTimelineJsonTimes *times, const RpCallSnapshot *snapshot,
                                  const RpTimeline *timeline);

/* {"interval_s", "points"}, without a blank: 360 points are 60 KB. Returns: (transfer full) */
char *rp_timeline_json_history (const RpHistory *history);

G_END_DECLS
