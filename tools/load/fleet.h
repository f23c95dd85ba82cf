/* All calls of a run: starts them, replaces them, and takes the phases one after the other. Lives
 * on a loop of its own; what is said here is for the main thread. */
#pragma once

#include "load-call.h"

#include <glib.h>

#define RP_LOAD_MAX_CALLS 2000
#define RP_LOAD_MAX_STEPS 120 /* an hour's soak by the half minute */

typedef struct {
  const char *url;
  const char *token;              /* (nullable) */
  const char *agent;              /* (nullable) */
  guint steps[RP_LOAD_MAX_STEPS]; /* calls of each phase */
  guint n_steps;
  double ramp_s; /* for a phase's new calls; < 0 = 20 calls a second */
  double hold_s;
  double call_length_s; /* mean; 0 = until the end */
  guint64 total;        /* ends after so many calls; 0 = by the clock */
  gboolean retry;       /* a refused call comes again after Retry-After */
  RpLoadStage kills[RP_LOAD_N_STAGES];
  guint n_kills;
  double kill_share; /* 0..1 */
  guint32 seed;
  gboolean with_data;
  gboolean with_red;
  gboolean with_answers;
  RpLoadTalkConfig talk;
  RpImpair impair;
  GPid watched; /* a process whose CPU and memory, with all below it, are measured; 0 = none */
} RpLoadOptions;

/* CPU and memory of a process and all its descendants. */
typedef struct {
  gint64 at_us; /* 0 = there was no such process */
  gint64 root_cpu_us;
  gint64 rest_cpu_us;
  gint64 root_pss_bytes;
  gint64 rest_pss_bytes;
  guint processes;
} RpLoadUsage;

/* What a phase came to. */
typedef struct {
  guint calls; /* wanted */
  guint up;    /* connected when the steady part began */
  gint64 begun_us;
  gint64 ended_us;
  RpLoadTally tally;
  gint64 own_cpu_us;
  RpLoadUsage before;
  RpLoadUsage after;
  char *stats;   /* (nullable): GET /stats at its end, if it was JSON */
  char *history; /* (nullable): GET /stats/history */
  gint64 begun_unix_s;
} RpLoadPhase;

typedef struct {
  guint64 attempted;
  guint64 connected;
  guint64 refused;
  guint64 failed;
  gint retry_after_s; /* the last one that was said; -1 = none */
  guint64 killed[RP_LOAD_N_STAGES];
  GHashTable *reasons; /* of char* -> GUINT_TO_POINTER: what failed */
  gboolean interrupted;
} RpLoadOutcome;

typedef struct _RpLoadFleet RpLoadFleet;

/* done is called on the loop, once. Everything in options is borrowed. Returns: (transfer full)
 * (nullable). */
RpLoadFleet *rp_load_fleet_new (RpLoop *loop, const RpLoadOptions *options,
                                const RpLoadSpeech *speech, void (*done) (gpointer), gpointer data,
                                GError **error);
/* Hangs up what is left. */
void rp_load_fleet_free (RpLoadFleet *fleet);
/* Ends the run before its time; done is called. */
void rp_load_fleet_interrupt (RpLoadFleet *fleet);

/* After it is done. */
const RpLoadOutcome *rp_load_fleet_outcome (const RpLoadFleet *fleet);
/* Returns: (transfer none): of RpLoadPhase, those that had a steady part. */
GPtrArray *rp_load_fleet_phases (const RpLoadFleet *fleet);

/* usage.c: reads /proc, which takes long when the processors are busy with what is read. Thread:
 * any. */
void rp_load_usage (GPid root, gboolean with_memory, RpLoadUsage *out);
