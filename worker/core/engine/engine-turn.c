/* The user's turn: what is transcribed when, and when it has ended. */
#include "engine-private.h"

#include <string.h>

#define SAMPLES_PER_MS 16
/* Speech begins before the VAD is sure of it: six chunks before what it saw gave the recogniser
 * fewer word errors than four or ten (957 words of recordings). Behind the end, all that has come
 * is given. */
#define PREFIX_SAMPLES (192 * SAMPLES_PER_MS)
#define SUFFIX_SAMPLES (128 * SAMPLES_PER_MS)
/* A microphone that is gone for longer than this ends the turn: the caller would otherwise wait for
 * an answer for ever. While the network is gone altogether the server says so again and again. */
#define MAX_STALL_US (10 * G_USEC_PER_SEC)
/* Asked twice in a row for words that could not be made out, the agent stops asking. */
#define MAX_NOT_HEARD 2

void
rp_turn_init (UserTurn *turn)
{
  *turn = (UserTurn){.committed = g_string_new (NULL), .stt_ms = -1};
}

void
rp_turn_clear (UserTurn *turn)
{
  g_string_free (turn->committed, TRUE);
  g_free (turn->segment);
  g_free (turn->carry_on.text);
  *turn = (UserTurn){0};
}

gboolean
rp_turn_is_active (const RpEngine *engine)
{
  return engine->turn.phase != TURN_IDLE;
}

gint64
rp_engine_needed_from (const RpEngine *engine)
{
  /* While nobody speaks the next onset may lie a little before now; the caller knows where now is.
   */
  return engine->turn.phase == TURN_IDLE ? G_MAXINT64 : engine->turn.from_samples;
}

static char *
turn_text (const UserTurn *turn)
{
  const char *segment = turn->segment != NULL ? turn->segment : "";
  const char *space = turn->committed->len > 0 && *segment != '\0' ? " " : "";
  return g_strconcat (turn->committed->str, space, segment, NULL);
}

static void
emit_transcript (RpEngine *engine, const char *text, gboolean final)
{
  if (*text == '\0')
    return;
  RpEngineEmit *emit = rp_engine_emit (engine, RP_EMIT_USER_TRANSCRIPT);
  emit->text = g_strdup (text);
  emit->final = final;
}

static void
cancel_job (RpEngine *engine, guint32 *job)
{
  if (*job == 0)
    return;
  rp_engine_push (engine, RP_ENGINE_STT_CANCEL)->id = *job;
  *job = 0;
}

static guint32
start_job (RpEngine *engine, gint64 to_samples, gboolean final)
{
  RpEngineAction *action = rp_engine_push (engine, RP_ENGINE_STT_START);
  action->id = engine->next_job++;
  action->from_samples = engine->turn.from_samples;
  action->to_samples = MAX (to_samples, action->from_samples + 1);
  action->final = final;
  return action->id;
}

static void
start_partial_timer (RpEngine *engine)
{
  if (engine->config.partial_interval_ms > 0)
    rp_engine_set_timer (engine, TIMER_PARTIAL,
                         engine->now_us + (gint64) engine->config.partial_interval_ms * 1000);
}

/* Ends the turn's state; what was learnt of it has been used. */
static void
reset (RpEngine *engine)
{
  UserTurn *turn = &engine->turn;
  gboolean stalled = turn->stalled;
  gint64 since = turn->stalled_since_us;
  cancel_job (engine, &turn->final_job);
  cancel_job (engine, &turn->partial_job);
  rp_turn_clear (turn);
  rp_turn_init (turn);
  turn->stalled = stalled;
  turn->stalled_since_us = since;
  engine->timers[TIMER_PARTIAL] = engine->timers[TIMER_TURN] = engine->timers[TIMER_STT] =
      G_MAXINT64;
  engine->timers[TIMER_STALL] = engine->timers[TIMER_LIMIT] = G_MAXINT64;
}

void
rp_turn_append_user (RpEngine *engine, GPtrArray *messages, const char *text)
{
  RpMessage *last = messages->len > 0 ? messages->pdata[messages->len - 1] : NULL;
  if (last != NULL && last->role == RP_ROLE_USER && !rp_generation_follows (engine, last) &&
      strlen (last->content) + strlen (text) < RP_ENGINE_MAX_TURN_BYTES) {
    /* The agent answered too early and was stopped before a word of it was heard: it is one turn.
     */
    char *joined = g_strconcat (last->content, " ", text, NULL);
    g_free (last->content);
    last->content = joined;
    return;
  }
  g_ptr_array_add (messages, rp_message_new (RP_ROLE_USER, text, rp_engine_unix_s (engine)));
}

/* The turn was nothing after all: whatever it cut goes on. @ask: to say it again, unless it was too
 * short for words. */
static void
end_empty (RpEngine *engine, const char *why, gboolean ask)
{
  UserTurn *turn = &engine->turn;
  gint64 speech_ms = turn->speech_samples / SAMPLES_PER_MS;
  CarryOn cut = turn->carry_on;
  g_autofree char *text = g_steal_pointer (&turn->carry_on.text);
  cut.text = text;
  reset (engine);
  rp_engine_emit (engine, RP_EMIT_USER_STOPPED_SPEAKING);
  rp_generation_drop_tentative (engine);

  if (rp_generation_carry_on (engine, &cut))
    return;
  if (ask && speech_ms >= engine->config.min_question_ms &&
      engine->not_heard_count < MAX_NOT_HEARD && !rp_playout_agent_is_active (engine)) {
    engine->not_heard_count++;
    rp_generation_say (engine, engine->config.not_heard, FALSE);
    return;
  }
  rp_engine_emit (engine, RP_EMIT_SILENT)->text = g_strdup (why);
  rp_generation_try (engine);
  rp_playout_quiet (engine);
}

static void
end_turn (RpEngine *engine, const char *text)
{
  UserTurn *turn = &engine->turn;
  engine->answer_metrics =
      (RpTurnMetrics){.voice_to_voice = -1,
                      .turn_decision = (double) (engine->now_us - turn->end_us) / 1000.0,
                      .stt = turn->stt_ms,
                      .llm_ttft = -1,
                      .tts_ttfa = -1,
                      .barge_in_stop = -1};
  engine->answer_end_us = turn->end_us;
  gboolean confirmed = engine->tentative != NULL && g_strcmp0 (engine->tentative_text, text) == 0;
  reset (engine);
  engine->not_heard_count = 0;
  engine->idle_prompts = 0;
  engine->tool_steps = 0;
  engine->text_only = FALSE;

  rp_engine_emit (engine, RP_EMIT_USER_STOPPED_SPEAKING);
  emit_transcript (engine, text, TRUE);
  rp_engine_emit (engine, RP_EMIT_USER_TURN)->text = g_strdup (text);
  if (!confirmed)
    rp_generation_drop_tentative (engine);

  engine->wants_again = FALSE;
  rp_turn_append_user (engine, engine->messages, text);
  rp_engine_trim_context (engine);
  rp_engine_checkpoint_soon (engine);
  if (confirmed)
    rp_generation_confirm_tentative (engine);
  else
    rp_generation_want (engine);
}

/* A nod ("mm-hmm", "okay") over the agent's speech takes no turn: the agent goes on where it was.
 * Over a question it is an answer. */
static gboolean
is_nod (const RpEngine *engine, const char *text)
{
  return !engine->config.nods_interrupt && engine->turn.over_speech && rp_is_backchannel (text);
}

/* How long the user must have been silent for his turn to have ended. */
static gint64
stop_window_ms (const RpEngine *engine, const char *text)
{
  if (rp_is_filler (text))
    return engine->config.max_stop_ms;
  /* What is dictated has more than one sentence, and pauses between them. */
  if (engine->expect == RP_EXPECT_MESSAGE ||
      rp_completeness (text, engine->expect) == RP_COMPLETENESS_UNFINISHED)
    return engine->config.incomplete_stop_ms;
  return 0;
}

/* Decides, once the stop window has passed, whether the turn has ended. */
static void
decide (RpEngine *engine)
{
  UserTurn *turn = &engine->turn;
  if (turn->phase != TURN_WAITING || turn->stalled || turn->final_job != 0 || engine->flushing)
    return;
  if (!turn->segment_final)
    return;

  gint64 silence_ms = (engine->now_us - turn->end_us) / 1000;
  g_autofree char *text = turn_text (turn);
  if (*text == '\0') {
    end_empty (engine, "nothing intelligible was said", TRUE);
    return;
  }
  if (is_nod (engine, text)) {
    emit_transcript (engine, text, TRUE);
    end_empty (engine, "a nod", FALSE);
    return;
  }
  gint64 wait_ms = stop_window_ms (engine, text);
  if (silence_ms < wait_ms && !turn->cut)
    rp_engine_set_timer (engine, TIMER_TURN, turn->end_us + wait_ms * 1000);
  else if (rp_is_filler (text))
    end_empty (engine, "only a filler was said", FALSE);
  else
    end_turn (engine, text);
}

/* An early transcript that looks finished lets brain and voice run ahead of the stop window. */
static void
preempt (RpEngine *engine)
{
  UserTurn *turn = &engine->turn;
  if (!engine->config.preemptive || engine->tentative != NULL || engine->draining ||
      turn->stalled || rp_playout_agent_is_active (engine))
    return;
  g_autofree char *text = turn_text (turn);
  if (*text == '\0' || rp_is_filler (text) || is_nod (engine, text) ||
      rp_completeness (text, engine->expect) == RP_COMPLETENESS_UNFINISHED)
    return;
  rp_generation_start_tentative (engine, text);
}

/* A long turn is transcribed in pieces: what is said stays said, and the last piece is quick. */
static void
commit_segment (RpEngine *engine)
{
  UserTurn *turn = &engine->turn;
  gint64 length_ms = (turn->end_samples - turn->from_samples) / SAMPLES_PER_MS;
  if (!turn->segment_final || length_ms < engine->config.max_segment_ms)
    return;
  char *text = turn_text (turn);
  g_string_assign (turn->committed, text);
  g_free (text);
  g_clear_pointer (&turn->segment, g_free);
  turn->from_samples = turn->end_samples;
}

static void
speech_started (RpEngine *engine, const RpEngineEvent *event)
{
  UserTurn *turn = &engine->turn;
  if (engine->hung_up)
    return;
  engine->lost_words = FALSE;
  engine->timers[TIMER_IDLE] = G_MAXINT64;
  engine->timers[TIMER_TURN] = G_MAXINT64;
  if (turn->phase == TURN_IDLE) {
    turn->from_samples = MAX (event->pos_samples - PREFIX_SAMPLES, 0);
    turn->onset_us = event->at_us;
    rp_engine_emit (engine, RP_EMIT_USER_STARTED_SPEAKING);
    turn->over_speech = rp_playout_can_nod (engine);
    turn->phase = TURN_SPEAKING;
    if (engine->config.interruptible)
      rp_playout_interrupt (engine, event->at_us, &turn->carry_on);
    rp_engine_checkpoint_soon (engine);
  } else {
    /* The same turn goes on after a silence that was not its end. */
    commit_segment (engine);
    cancel_job (engine, &turn->final_job);
    engine->timers[TIMER_STT] = G_MAXINT64;
  }
  rp_generation_drop_tentative (engine);
  turn->onset_samples = event->pos_samples;
  turn->segment_final = FALSE;
  turn->phase = TURN_SPEAKING;
  start_partial_timer (engine);
  if (turn->stalled && engine->timers[TIMER_STALL] == G_MAXINT64)
    rp_engine_set_timer (engine, TIMER_STALL, engine->now_us + MAX_STALL_US);
  if (engine->timers[TIMER_LIMIT] == G_MAXINT64)
    rp_engine_set_timer (engine, TIMER_LIMIT,
                         turn->onset_us + (gint64) engine->config.max_turn_ms * 1000);
}

static void
speech_paused (RpEngine *engine, const RpEngineEvent *event)
{
  UserTurn *turn = &engine->turn;
  if (turn->phase != TURN_SPEAKING)
    return;
  turn->phase = TURN_PAUSED;
  turn->end_samples = event->pos_samples;
  turn->end_us = event->at_us;
  turn->speech_samples += MAX (event->pos_samples - turn->onset_samples, 0);
  engine->timers[TIMER_PARTIAL] = G_MAXINT64;
  cancel_job (engine, &turn->partial_job);
  cancel_job (engine, &turn->final_job);
  gint64 to_samples = turn->cut ? G_MAXINT64 : event->pos_samples + SUFFIX_SAMPLES;
  turn->final_job = start_job (engine, to_samples, TRUE);
  turn->job_started_us = engine->now_us;
  rp_engine_set_timer (engine, TIMER_STT,
                       engine->now_us + (gint64) engine->config.stt_timeout_ms * 1000);
}

static void
speech_resumed (RpEngine *engine, const RpEngineEvent *event)
{
  UserTurn *turn = &engine->turn;
  /* A turn that was cut, or given up for lost, is followed by the next at the user's next breath.
   */
  if (turn->phase == TURN_IDLE)
    speech_started (engine, event);
  if (turn->phase != TURN_PAUSED)
    return;
  commit_segment (engine);
  cancel_job (engine, &turn->final_job);
  engine->timers[TIMER_STT] = G_MAXINT64;
  rp_generation_drop_tentative (engine);
  turn->segment_final = FALSE;
  turn->onset_samples = event->pos_samples;
  turn->phase = TURN_SPEAKING;
  start_partial_timer (engine);
}

static void
speech_stopped (RpEngine *engine, const RpEngineEvent *event)
{
  UserTurn *turn = &engine->turn;
  speech_paused (engine, event);
  if (turn->phase != TURN_PAUSED)
    return;
  turn->phase = TURN_WAITING;
  rp_engine_set_timer (engine, TIMER_TURN,
                       turn->end_us + (gint64) engine->config.max_stop_ms * 1000);
  decide (engine);
}

/* A turn that does not end is taken as it is, with what has been said up to now. */
static void
cut_turn (RpEngine *engine)
{
  UserTurn *turn = &engine->turn;
  if (turn->phase == TURN_IDLE)
    return;
  turn->cut = TRUE;
  turn->end_us = engine->now_us;
  if (turn->phase != TURN_SPEAKING) {
    turn->phase = TURN_WAITING;
    decide (engine);
    return;
  }
  RpEngineEvent now = {.type = RP_ENGINE_SPEECH_STOPPED,
                       .at_us = engine->now_us,
                       .pos_samples = turn->onset_samples};
  speech_stopped (engine, &now);
}

static void
set_segment (UserTurn *turn, const char *text)
{
  const char *said = text != NULL ? text : "";
  gsize length = MIN (strlen (said), RP_ENGINE_MAX_TURN_BYTES);
  g_free (turn->segment);
  turn->segment = g_utf8_make_valid (said, (gssize) length);
}

static void
stt_result (RpEngine *engine, const RpEngineEvent *event)
{
  UserTurn *turn = &engine->turn;
  gboolean final = event->id != 0 && event->id == turn->final_job;
  if (!final && (event->id == 0 || event->id != turn->partial_job))
    return;

  if (!final) {
    turn->partial_job = 0;
    set_segment (turn, event->text);
    g_autofree char *text = turn_text (turn);
    emit_transcript (engine, text, FALSE);
    if (turn->phase == TURN_SPEAKING)
      start_partial_timer (engine);
    return;
  }
  turn->final_job = 0;
  engine->timers[TIMER_STT] = G_MAXINT64;
  turn->stt_ms = (double) (engine->now_us - turn->job_started_us) / 1000.0;
  set_segment (turn, event->text);
  turn->segment_final = TRUE;
  if (turn->phase == TURN_PAUSED)
    preempt (engine);
  else
    decide (engine);
}

/* Without a transcript the turn is as good as not heard; the client learns why. */
static void
stt_failed (RpEngine *engine, const RpEngineEvent *event)
{
  UserTurn *turn = &engine->turn;
  if (event->id != 0 && event->id == turn->partial_job) {
    turn->partial_job = 0;
    if (turn->phase == TURN_SPEAKING)
      start_partial_timer (engine); /* it may have been left out for the moment */
    return;
  }
  if (event->id == 0 || event->id != turn->final_job)
    return;
  turn->final_job = 0;
  engine->timers[TIMER_STT] = G_MAXINT64;
  RpEngineEmit *emit = rp_engine_emit (engine, RP_EMIT_ERROR);
  emit->text = g_strdup_printf ("speech recognition failed: %s",
                                event->text != NULL ? event->text : "unknown");
  /* A partial transcript, when there is one, is better than nothing. */
  if (turn->segment == NULL)
    turn->segment = g_strdup ("");
  turn->segment_final = TRUE;
  decide (engine);
}

static void
stalled (RpEngine *engine)
{
  UserTurn *turn = &engine->turn;
  /* Told again: the whole network is away, and an answer would not be heard either. */
  if (!turn->stalled)
    turn->stalled_since_us = engine->now_us;
  turn->stalled = TRUE;
  if (turn->phase != TURN_IDLE)
    rp_engine_set_timer (engine, TIMER_STALL, engine->now_us + MAX_STALL_US);
}

static void
resumed (RpEngine *engine)
{
  UserTurn *turn = &engine->turn;
  if (!turn->stalled)
    return;
  turn->stalled = FALSE;
  engine->timers[TIMER_STALL] = G_MAXINT64;
  /* The silence that counts is the one that was heard. */
  turn->end_us += engine->now_us - turn->stalled_since_us;
  if (turn->phase == TURN_WAITING)
    decide (engine);
}

void
rp_turn_input (RpEngine *engine, const RpEngineEvent *event)
{
  switch (event->type) {
  case RP_ENGINE_SPEECH_STARTED:
    speech_started (engine, event);
    break;
  case RP_ENGINE_SPEECH_PAUSED:
    speech_paused (engine, event);
    break;
  case RP_ENGINE_SPEECH_RESUMED:
    speech_resumed (engine, event);
    break;
  case RP_ENGINE_SPEECH_STOPPED:
    speech_stopped (engine, event);
    break;
  case RP_ENGINE_STT_RESULT:
    stt_result (engine, event);
    break;
  case RP_ENGINE_STT_FAILED:
    stt_failed (engine, event);
    break;
  case RP_ENGINE_INPUT_STALLED:
    stalled (engine);
    break;
  case RP_ENGINE_INPUT_RESUMED:
    resumed (engine);
    break;
  default:
    break;
  }
}

/* The link has been away for so long that the turn is taken as it is. */
static void
give_up_stall (RpEngine *engine)
{
  UserTurn *turn = &engine->turn;
  if (turn->phase == TURN_IDLE)
    return;
  g_autofree char *text = turn_text (turn);
  turn->end_us = engine->now_us;
  if (*text == '\0')
    end_empty (engine, "the connection was lost while the user spoke", TRUE);
  else
    end_turn (engine, text);
}

void
rp_turn_timer (RpEngine *engine, TimerId timer)
{
  UserTurn *turn = &engine->turn;
  switch (timer) {
  case TIMER_PARTIAL:
    if (turn->phase == TURN_SPEAKING && turn->partial_job == 0 && turn->final_job == 0)
      turn->partial_job = start_job (engine, G_MAXINT64, FALSE);
    break;
  case TIMER_TURN:
    decide (engine);
    break;
  case TIMER_STT: {
    cancel_job (engine, &turn->partial_job);
    guint32 job = turn->final_job;
    cancel_job (engine, &turn->final_job);
    turn->final_job = job;
    RpEngineEvent late = {.type = RP_ENGINE_STT_FAILED, .id = job, .text = "no transcript in time"};
    stt_failed (engine, &late);
    break;
  }
  case TIMER_LIMIT:
    cut_turn (engine);
    break;
  case TIMER_STALL:
    give_up_stall (engine);
    break;
  default:
    break;
  }
}
