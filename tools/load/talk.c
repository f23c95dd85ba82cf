#include "talk.h"

void
rp_load_talk_init (RpLoadTalk *talk, const RpLoadTalkConfig *config, gint64 now_us)
{
  *talk = (RpLoadTalk){.config = *config, .begun_us = now_us, .clock_us = now_us};
}

gboolean
rp_load_talk_agent_quiet (const RpLoadTalk *talk, gint64 now_us)
{
  return talk->agent_us == 0 || now_us - talk->agent_us >= RP_LOAD_ONSET_GAP_US;
}

RpLoadTalkEvent
rp_load_talk_agent (RpLoadTalk *talk, gint64 arrival_us)
{
  gboolean onset = rp_load_talk_agent_quiet (talk, arrival_us);

  talk->agent_us = arrival_us;
  if (!onset || !talk->in_turn)
    return RP_LOAD_TALK_NOTHING;
  if (talk->speech_end_us == 0) {
    talk->early = TRUE;
    return RP_LOAD_TALK_NOTHING;
  }
  talk->in_turn = FALSE;
  talk->v2v_us = arrival_us - talk->speech_end_us;
  return RP_LOAD_TALK_ANSWERED;
}

static gboolean
clock_says_talk (const RpLoadTalk *talk, gint64 now_us)
{
  if (talk->config.talk_us == 0)
    return TRUE;
  gint64 period_us = talk->config.talk_us + talk->config.pause_us;
  return (now_us - talk->clock_us) % period_us < talk->config.talk_us;
}

gboolean
rp_load_talk_due (const RpLoadTalk *talk, gint64 now_us)
{
  if (talk->config.by_clock)
    return clock_says_talk (talk, now_us);
  if (talk->in_turn)
    return FALSE;
  if (talk->agent_us == 0)
    return now_us - talk->begun_us >= talk->config.greeting_us;
  gint64 quiet_from_us = MAX (talk->agent_us, talk->speech_end_us);
  return now_us - quiet_from_us >= talk->config.quiet_us + talk->config.hesitate_us;
}

void
rp_load_talk_speech_start (RpLoadTalk *talk, gint64 now_us)
{
  talk->speech_start_us = now_us;
  talk->speech_end_us = 0;
  talk->in_turn = TRUE;
  talk->early = FALSE;
}

RpLoadTalkEvent
rp_load_talk_speech_end (RpLoadTalk *talk, gint64 now_us)
{
  talk->speech_end_us = now_us;
  /* It still speaks: that is all the answer there will be. */
  if (!talk->early || rp_load_talk_agent_quiet (talk, now_us))
    return RP_LOAD_TALK_NOTHING;
  talk->in_turn = FALSE;
  return RP_LOAD_TALK_EARLY;
}

RpLoadTalkEvent
rp_load_talk_tick (RpLoadTalk *talk, gint64 now_us)
{
  if (!talk->in_turn || talk->speech_end_us == 0 || talk->config.by_clock ||
      now_us - talk->speech_end_us < talk->config.answer_us)
    return RP_LOAD_TALK_NOTHING;
  talk->in_turn = FALSE;
  return RP_LOAD_TALK_MISSING;
}
