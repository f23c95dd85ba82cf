/* What a caller measures, from nothing but when its speech left and when the agent's audible frames
 * came. Sans-IO.
 *
 * An onset is an audible frame of the agent after at least RP_CALL_ONSET_GAP_US without one. A turn
 * of the caller is answered by the first onset after its last speech frame; when the agent was
 * already talking by then, having begun within the caller's speech, the answer came too early and
 * voice to voice is negative.
 */
#pragma once

#include <glib.h>

/* Pauses inside the agent's speech that are shorter do not end it. */
#define RP_CALL_ONSET_GAP_US 200000
/* A silence of the agent that is long enough to mean that it has stopped for the caller, and is no
 * pause between sentences. */
#define RP_CALL_STOP_GAP_US 500000

/* Times are absolute and monotonic; 0 = has not happened. */
typedef struct {
  gint64 speech_start_us; /* first speech frame sent */
  gint64 speech_end_us;   /* last speech frame sent */
  gboolean barged_in;     /* the agent was audible when the speech started */
  gint64 stop_us;         /* barged_in: the agent's last audible frame before it stopped */
  gint64 answer_us;       /* the agent's first audible frame in answer */
  gboolean premature;     /* it came before speech_end_us */
} RpCallTurn;

typedef struct _RpCallMeter RpCallMeter;

RpCallMeter *rp_call_meter_new (void);
void rp_call_meter_free (RpCallMeter *meter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpCallMeter, rp_call_meter_free)

/* A frame of the agent has come. Returns: TRUE when it is an onset. */
gboolean rp_call_meter_agent (RpCallMeter *meter, gint64 arrival_us, gboolean audible);

/* The caller's first and last speech frame of a turn leave. */
void rp_call_meter_speech_start (RpCallMeter *meter, gint64 now_us);
void rp_call_meter_speech_end (RpCallMeter *meter, gint64 now_us);

/* The call is over: completes the last turn as far as can be. */
void rp_call_meter_finish (RpCallMeter *meter);

/* First and latest audible frame and latest onset; 0 = none yet. */
gint64 rp_call_meter_first_audible_us (const RpCallMeter *meter);
gint64 rp_call_meter_last_audible_us (const RpCallMeter *meter);
gint64 rp_call_meter_last_onset_us (const RpCallMeter *meter);

/* Returns: (transfer none): the turns begun so far. */
const RpCallTurn *rp_call_meter_turns (const RpCallMeter *meter, guint *out_n);
