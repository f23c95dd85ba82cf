#include "meter.h"

struct _RpCallMeter {
  GArray *turns; /* of RpCallTurn; the last is the current one */
  gint64 first_audible_us;
  gint64 last_audible_us;
  gint64 last_onset_us;
};

RpCallMeter *
rp_call_meter_new (void)
{
  RpCallMeter *meter = g_new0 (RpCallMeter, 1);
  meter->turns = g_array_new (FALSE, TRUE, sizeof (RpCallTurn));
  return meter;
}

void
rp_call_meter_free (RpCallMeter *meter)
{
  if (!meter)
    return;
  g_array_unref (meter->turns);
  g_free (meter);
}

static RpCallTurn *
current (RpCallMeter *meter)
{
  guint n = meter->turns->len;
  return n > 0 ? &g_array_index (meter->turns, RpCallTurn, n - 1) : NULL;
}

/* The agent's last audible frame before a silence; one before the caller spoke stopped nothing. */
static void
stopped (RpCallMeter *meter, RpCallTurn *turn)
{
  if (turn->barged_in && turn->stop_us == 0)
    turn->stop_us = MAX (meter->last_audible_us, turn->speech_start_us);
}

gboolean
rp_call_meter_agent (RpCallMeter *meter, gint64 arrival_us, gboolean audible)
{
  RpCallTurn *turn = current (meter);

  if (!audible)
    return FALSE;
  gint64 silence_us = meter->last_audible_us > 0 ? arrival_us - meter->last_audible_us : G_MAXINT64;
  gboolean onset = silence_us >= RP_CALL_ONSET_GAP_US;
  if (turn && silence_us >= RP_CALL_STOP_GAP_US)
    stopped (meter, turn);
  if (turn && onset && turn->speech_end_us > 0 && turn->answer_us == 0) {
    stopped (meter, turn);
    turn->answer_us = arrival_us;
  }
  if (meter->first_audible_us == 0)
    meter->first_audible_us = arrival_us;
  if (onset)
    meter->last_onset_us = arrival_us;
  meter->last_audible_us = arrival_us;
  return onset;
}

void
rp_call_meter_speech_start (RpCallMeter *meter, gint64 now_us)
{
  RpCallTurn turn = {.speech_start_us = now_us};
  RpCallTurn *previous = current (meter);

  if (previous)
    stopped (meter, previous);
  turn.barged_in =
      meter->last_audible_us > 0 && now_us - meter->last_audible_us < RP_CALL_ONSET_GAP_US;
  g_array_append_val (meter->turns, turn);
}

void
rp_call_meter_speech_end (RpCallMeter *meter, gint64 now_us)
{
  RpCallTurn *turn = current (meter);

  if (!turn || turn->speech_end_us > 0)
    return;
  turn->speech_end_us = now_us;
  if (meter->last_onset_us > turn->speech_start_us &&
      now_us - meter->last_audible_us < RP_CALL_ONSET_GAP_US) {
    turn->answer_us = meter->last_onset_us;
    turn->premature = TRUE;
  }
}

void
rp_call_meter_finish (RpCallMeter *meter)
{
  RpCallTurn *turn = current (meter);
  if (turn)
    stopped (meter, turn);
}

gint64
rp_call_meter_first_audible_us (const RpCallMeter *meter)
{
  return meter->first_audible_us;
}

gint64
rp_call_meter_last_audible_us (const RpCallMeter *meter)
{
  return meter->last_audible_us;
}

gint64
rp_call_meter_last_onset_us (const RpCallMeter *meter)
{
  return meter->last_onset_us;
}

const RpCallTurn *
rp_call_meter_turns (const RpCallMeter *meter, guint *out_n)
{
  *out_n = meter->turns->len;
  return (const RpCallTurn *) meter->turns->data;
}
