#include "script.h"

const char *
rp_call_step_name (RpCallStepKind kind)
{
  static const char *const names[] = {"say", "say-at", "barge-in", "text"};
  return names[kind];
}

void
rp_call_step_free (RpCallStep *step)
{
  if (!step)
    return;
  rp_call_clip_free (step->clip);
  g_free (step->text);
  g_free (step);
}

gboolean
rp_call_script_gave_up (const RpCallScriptConfig *config, const RpCallTurn *turn, gint64 now_us)
{
  return turn->answer_us == 0 && turn->speech_end_us > 0 &&
         now_us - turn->speech_end_us >= config->answer_us;
}

static gboolean
agent_finished (const RpCallScriptConfig *config, const RpCallMeter *meter, gint64 now_us)
{
  gint64 last_us = rp_call_meter_last_audible_us (meter);
  return last_us > 0 && now_us - last_us >= config->gap_us;
}

RpCallVerdict
rp_call_script_next (const RpCallScriptConfig *config, const RpCallStep *step, guint n,
                     const RpCallMeter *meter, gint64 connected_us, gint64 now_us)
{
  guint n_turns = 0;
  const RpCallTurn *turns = rp_call_meter_turns (meter, &n_turns);
  const RpCallTurn *previous = n > 0 && n_turns > 0 ? &turns[n_turns - 1] : NULL;

  if (step && step->kind == RP_CALL_SAY_AT)
    return now_us >= connected_us + (gint64) (step->seconds * G_USEC_PER_SEC) ? RP_CALL_START
                                                                              : RP_CALL_WAIT;
  if (previous && rp_call_script_gave_up (config, previous, now_us))
    return step ? RP_CALL_START : RP_CALL_DONE;
  gint64 onset_us = previous ? previous->answer_us : rp_call_meter_first_audible_us (meter);
  if (step && step->kind == RP_CALL_BARGE_IN)
    return onset_us > 0 && now_us >= onset_us + (gint64) (step->seconds * G_USEC_PER_SEC)
               ? RP_CALL_START
               : RP_CALL_WAIT;
  if (step && n == 0 && !config->wait_greeting)
    return RP_CALL_START;
  if (onset_us == 0 || !agent_finished (config, meter, now_us))
    return RP_CALL_WAIT;
  return step ? RP_CALL_START : RP_CALL_DONE;
}
