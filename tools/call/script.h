/* What the caller does in a call: an ordered list of steps and when each is due. */
#pragma once

#include "meter.h"
#include "mic.h"

#include <glib.h>

typedef enum {
  RP_CALL_SAY,      /* when the agent has finished speaking; a first one at once */
  RP_CALL_SAY_AT,   /* seconds after the call is connected */
  RP_CALL_BARGE_IN, /* seconds after the agent has started to speak */
  RP_CALL_TEXT,     /* as SAY, by a message */
} RpCallStepKind;

typedef struct {
  RpCallStepKind kind;
  double seconds;   /* SAY_AT, BARGE_IN */
  RpCallClip *clip; /* all but TEXT */
  char *text;       /* TEXT */
} RpCallStep;

typedef struct {
  gboolean wait_greeting; /* a first SAY or TEXT, too, waits for the agent */
  gint64 gap_us;          /* silence after which the agent has finished */
  gint64 answer_us;       /* a turn is given up when it is not answered for so long after its end */
} RpCallScriptConfig;

typedef enum {
  RP_CALL_WAIT,
  RP_CALL_START, /* start the step */
  RP_CALL_DONE,  /* all is said and answered, or given up */
} RpCallVerdict;

const char *rp_call_step_name (RpCallStepKind kind);
void rp_call_step_free (RpCallStep *step);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpCallStep, rp_call_step_free)

/* Whether the turn was given up. */
gboolean rp_call_script_gave_up (const RpCallScriptConfig *config, const RpCallTurn *turn,
                                 gint64 now_us);

/* What is due: step (nullable) is the next one, the n-th (from 0), NULL when all have been said.
 * connected_us is when the call was connected. Pure. */
RpCallVerdict rp_call_script_next (const RpCallScriptConfig *config, const RpCallStep *step,
                                   guint n, const RpCallMeter *meter, gint64 connected_us,
                                   gint64 now_us);
