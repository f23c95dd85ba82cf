/* When a caller speaks, and what its answers took. Sans-IO.
 *
 * A turn is the caller's speech and the agent's answer to it: the first sound of the agent after
 * the last of the speech. When the agent began within the speech, the answer was early. */
#pragma once

#include <glib.h>

/* Pauses inside the agent's speech that are shorter do not end it. */
#define RP_LOAD_ONSET_GAP_US 200000

typedef struct {
  gboolean by_clock;  /* does not wait for the agent: speaks for talk_us, pauses for pause_us */
  gint64 talk_us;     /* with by_clock; 0 = without end */
  gint64 pause_us;    /* with by_clock */
  gint64 greeting_us; /* the agent's first word is waited for no longer than this */
  gint64 quiet_us;    /* silence after which the agent has finished */
  gint64 answer_us;   /* a turn is given up when it is not answered for so long after its end */
  gint64 hesitate_us; /* after the agent has finished; the caller's own */
} RpLoadTalkConfig;

typedef enum {
  RP_LOAD_TALK_NOTHING,
  RP_LOAD_TALK_ANSWERED,
  RP_LOAD_TALK_EARLY,
  RP_LOAD_TALK_MISSING,
} RpLoadTalkEvent;

typedef struct {
  RpLoadTalkConfig config;
  gint64 begun_us;
  gint64 agent_us;        /* its latest sound; 0 = none yet */
  gint64 speech_start_us; /* of the present turn; 0 = none yet */
  gint64 speech_end_us;   /* 0 = still speaking */
  gint64 clock_us;        /* with by_clock: when talking or the pause began */
  gboolean in_turn;       /* no answer yet */
  gboolean early;         /* the agent began within the speech */
  gint64 v2v_us;          /* of the latest answer */
} RpLoadTalk;

void rp_load_talk_init (RpLoadTalk *talk, const RpLoadTalkConfig *config, gint64 now_us);

/* The agent is heard. Returns: what that does to the turn. */
RpLoadTalkEvent rp_load_talk_agent (RpLoadTalk *talk, gint64 arrival_us);
/* Whether a sound of the agent now would be the beginning of what it says. */
gboolean rp_load_talk_agent_quiet (const RpLoadTalk *talk, gint64 now_us);

/* Between clips. Returns: whether one is to be begun. */
gboolean rp_load_talk_due (const RpLoadTalk *talk, gint64 now_us);
/* The first and the last frame of speech of a clip leave. */
void rp_load_talk_speech_start (RpLoadTalk *talk, gint64 now_us);
RpLoadTalkEvent rp_load_talk_speech_end (RpLoadTalk *talk, gint64 now_us);
/* Now and then. Returns: RP_LOAD_TALK_MISSING once for a turn that is given up. */
RpLoadTalkEvent rp_load_talk_tick (RpLoadTalk *talk, gint64 now_us);
