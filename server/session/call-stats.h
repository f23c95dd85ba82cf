/* What /stats tells: the latencies of all calls, and the picture of one call as its session last
 * drew it. Plain data and JSON; no thread of its own. */
#pragma once

#include "frame.h"
#include "histogram.h"

#include <glib.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Calls that are remembered after their end. */
#define RP_RECENT_CALLS 50

typedef enum {
  RP_LATENCY_VOICE_TO_VOICE,
  RP_LATENCY_TURN_DECISION,
  RP_LATENCY_STT,
  RP_LATENCY_LLM_TTFT,
  RP_LATENCY_TTS_TTFA,
  RP_LATENCY_SETUP,
  RP_LATENCY_BARGE_IN_STOP,
  RP_N_LATENCIES,
} RpLatency;

/* "voice_to_voice", …: the name in /stats; with "_ms" the member of a turn_metrics event. */
const char *rp_latency_name (RpLatency latency);

typedef enum {
  RP_CALL_CONNECTING,
  RP_CALL_LISTENING,
  RP_CALL_THINKING,
  RP_CALL_SPEAKING,
  RP_CALL_ENDING,
} RpCallState;
const char *rp_call_state_name (RpCallState state);

/* No pointers in it: copied between threads. */
typedef struct {
  RpCallState state;
  gboolean connected;
  gint64 connected_us; /* 0 = not yet */
  guint turns;         /* what the user said and the agent was given */
  guint worker_restarts;
  guint32 worker;      /* id; 0 = none at the moment */
  guint64 packets_in;  /* client to us */
  gint64 packets_lost; /* client to us */
  double loss_in;      /* 0..1 */
  double loss_out;     /* us to client, as it reports; 0..1 of its last interval */
  double jitter_in_ms;
  double jitter_out_ms; /* negative = not known */
  double rtt_ms;        /* negative = not known */
  double concealed_ms;  /* audio invented by concealment, or silence put in its place */
  double recovered_ms;  /* audio brought back by FEC or copies */
  gint64 input_ms[RP_AUDIO_N_KINDS]; /* given to the VAD, by kind */
  gint64 stt_ms[RP_AUDIO_N_KINDS];   /* given to the transcriber */
  guint64 packets_out;
  guint64 redundant_out; /* of them, with copies of earlier frames */
  guint64 underruns;
  guint64 messages_dropped; /* to the client, before its channel was open */
  guint64 messages_invalid; /* from the client */
  guint64 results_late;     /* of the page's functions, that nobody waited for any more */
  guint64 audio_dropped;    /* frames the worker had no room for */
  gint64 worker_cpu_us;     /* of all workers of the call */
  gint64 worker_stt_us;     /* since the picture before: see RpLoad */
} RpCallSnapshot;

/* One value of every latency, in µs; negative = none. */
typedef struct {
  gint64 us[RP_N_LATENCIES];
} RpLatencies;

void rp_latencies_init (RpLatencies *latencies);

/* {p50, p95, p99, n} in ms, as a member of the object being built. */
void rp_call_stats_add_histogram (JsonBuilder *builder, const char *name,
                                  const RpHistogram *histogram);
/* One element of calls[]. @id: shown as it is. */
void rp_call_stats_add_call (JsonBuilder *builder, const char *id, const char *agent, gint64 age_us,
                             const RpCallSnapshot *snapshot);

G_END_DECLS
