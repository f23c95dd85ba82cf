/* What is counted of all calls since the start, kept of the last hour and of the calls that ended
 * last. For the registry's files alone; main thread. */
#pragma once

#include "call.h"
#include "history.h"
#include "loop.h"

#include <glib.h>

G_BEGIN_DECLS

/* Why a call was refused before it began. */
typedef enum {
  RP_REFUSED_FULL,
  RP_REFUSED_BUSY,
  RP_REFUSED_ADDRESS,
  RP_REFUSED_DRAINING,
  RP_REFUSED_WORKER,
  RP_N_REFUSALS,
} RpRefusal;
const char *rp_refusal_name (RpRefusal refusal); /* "full", … */

/* Of all calls together, never falling. */
typedef struct {
  guint64 packets_in;
  guint64 packets_lost;
  guint64 packets_out;
  double concealed_ms;
  double recovered_ms;
  guint64 underruns;
  guint64 messages_dropped;
  guint64 messages_invalid;
  guint64 results_late;
  guint64 audio_dropped;
  guint64 worker_restarts;
  guint64 turns;
} RpTraffic;

/* A call that has ended. */
typedef struct {
  RpCall *call;
  gboolean whip;
  gint64 ended_us;
} RpCallRecord;

/* What a point of the history needs to know of the others. */
typedef struct {
  gint64 unix_s;
  guint active; /* now */
  guint idle;   /* workers */
  guint busy;
  gint64 jitter_us; /* negative = none */
} RpMonitorNow;

typedef struct {
  RpHistory *history;
  GQueue recent; /* of RpCallRecord, the last one first */
  RpTraffic traffic;
  guint64 began;
  guint64 refused[RP_N_REFUSALS];
  guint64 ended[RP_TIMELINE_N_ENDS];
  guint64 failed;
  guint64 tools[RP_TIMELINE_TOOL_N_STATUSES];

  /* Of the interval that runs. */
  RpHistogram *voice_to_voice;
  RpHistogram *barge_in;
  guint peak;
  /* What it was when the interval began. */
  GPtrArray *late; /* of RpHistogram, one per loop */
  RpTraffic traffic_before;
  guint64 began_before, refused_before, failed_before;
} RpMonitor;

RpMonitor *rp_monitor_new (void);
void rp_monitor_free (RpMonitor *self);

/* @active: with it */
void rp_monitor_began (RpMonitor *self, guint active);
void rp_monitor_refused (RpMonitor *self, RpRefusal refusal);
guint64 rp_monitor_all_refused (const RpMonitor *self);
void rp_monitor_latencies (RpMonitor *self, const RpLatencies *latencies);
void rp_monitor_timeline (RpMonitor *self, const RpTimelineEvent *event);
/* Adds what a call's counts (rp_timeline_tool_counts ()) rose by since @counted, which is brought
 * up to date. */
void rp_monitor_tools (RpMonitor *self, const guint64 *now, guint64 *counted);
/* Adds what a call's counters rose by since @counted, which is brought up to date. */
void rp_monitor_count (RpMonitor *self, const RpCallSnapshot *snapshot, RpCallSnapshot *counted);
void rp_monitor_ended (RpMonitor *self, RpCall *call, gboolean whip, gboolean failed);

/* An interval is over. */
void rp_monitor_sample (RpMonitor *self, const RpMonitorNow *now, RpLoop *const *loops,
                        guint n_loops);

G_END_DECLS
