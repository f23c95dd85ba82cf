#include "engine-private.h"

/* The defaults of peers where their users are content, shorter where they complain (peers.md in the
 * design notes: dead air after an empty turn, watchdogs of five seconds). */
void
rp_engine_config_init (RpEngineConfig *config)
{
  *config = (RpEngineConfig){
      .not_heard = "Sorry, I didn't catch that. Could you say it again?",
      .brain_failed = "I'm sorry, something went wrong on my side. Could you say that again?",
      .idle_goodbye = "I'll hang up now. Goodbye.",
      .drain_goodbye =
          "I'm sorry, I have to end our call here. Please call again in a moment. Goodbye.",
      .incomplete_stop_ms = 800,
      .max_stop_ms = 2000,
      .max_turn_ms = 60000,
      .min_question_ms = 400,
      .partial_interval_ms = 500,
      .max_segment_ms = 10000,
      .idle_prompt_ms = 15000,
      .max_idle_prompts = 2,
      .stt_timeout_ms = 3000,
      .brain_timeout_ms = 10000,
      .tool_timeout_ms = 10000,
      .max_tool_steps = 5,
      .max_context_messages = 200,
      .sentence = RP_SENTENCE_CONFIG_DEFAULT,
      .interruptible = TRUE,
      .preemptive = TRUE,
  };
}

static void
copy_config (RpEngineConfig *to, const RpEngineConfig *from)
{
  *to = *from;
  to->system_prompt = g_strdup (from->system_prompt);
  to->greeting = g_strdup (from->greeting);
  to->not_heard = g_strdup (from->not_heard);
  to->brain_failed = g_strdup (from->brain_failed);
  to->idle_prompts = (const char *const *) g_strdupv ((char **) from->idle_prompts);
  to->idle_goodbye = g_strdup (from->idle_goodbye);
  to->drain_goodbye = g_strdup (from->drain_goodbye);
  RpEngineClientTool *tools = g_new0 (RpEngineClientTool, MAX (from->n_client_tools, 1));
  for (guint i = 0; i < from->n_client_tools; i++) {
    tools[i] = from->client_tools[i];
    tools[i].name = g_strdup (from->client_tools[i].name);
  }
  to->client_tools = tools;
}

static void
clear_config (RpEngineConfig *config)
{
  g_free ((char *) config->system_prompt);
  g_free ((char *) config->greeting);
  g_free ((char *) config->not_heard);
  g_free ((char *) config->brain_failed);
  g_strfreev ((char **) config->idle_prompts);
  g_free ((char *) config->idle_goodbye);
  g_free ((char *) config->drain_goodbye);
  for (guint i = 0; i < config->n_client_tools; i++)
    g_free ((char *) config->client_tools[i].name);
  g_free ((RpEngineClientTool *) config->client_tools);
}

RpEngine *
rp_engine_new (const RpEngineConfig *config, gint64 unix_offset_us, gint64 now_us)
{
  RpEngine *engine = g_new0 (RpEngine, 1);
  copy_config (&engine->config, config);
  engine->unix_offset_us = unix_offset_us;
  engine->now_us = now_us;
  g_queue_init (&engine->actions);
  g_queue_init (&engine->utterances);
  for (guint i = 0; i < N_TIMERS; i++)
    engine->timers[i] = G_MAXINT64;
  engine->messages = rp_messages_new ();
  engine->call_ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  if (engine->config.system_prompt != NULL && *engine->config.system_prompt != '\0')
    g_ptr_array_add (engine->messages, rp_message_new (RP_ROLE_SYSTEM, engine->config.system_prompt,
                                                       rp_engine_unix_s (engine)));
  engine->generations = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_generation_free);
  engine->next_job = engine->next_generation = engine->next_utterance = 1;
  rp_turn_init (&engine->turn);
  return engine;
}

static void
free_action (RpEngineAction *action)
{
  rp_engine_action_clear (action);
  g_free (action);
}

void
rp_engine_free (RpEngine *engine)
{
  if (engine == NULL)
    return;
  g_queue_clear_full (&engine->actions, (GDestroyNotify) free_action);
  g_queue_clear_full (&engine->utterances, (GDestroyNotify) rp_utterance_free);
  g_ptr_array_unref (engine->generations);
  g_ptr_array_unref (engine->messages);
  g_hash_table_unref (engine->call_ids);
  rp_turn_clear (&engine->turn);
  g_free (engine->tentative_text);
  clear_config (&engine->config);
  g_free (engine);
}

void
rp_engine_action_clear (RpEngineAction *action)
{
  g_clear_pointer (&action->text, g_free);
  g_clear_pointer (&action->messages, g_ptr_array_unref);
  g_clear_pointer (&action->call, rp_tool_call_free);
  g_clear_pointer (&action->emit.text, g_free);
  g_clear_pointer (&action->emit.heard, g_free);
  g_clear_pointer (&action->emit.remaining, g_free);
  g_clear_pointer (&action->emit.result, g_free);
  g_clear_pointer (&action->emit.call, rp_tool_call_free);
}

RpEngineAction *
rp_engine_push (RpEngine *engine, RpEngineActionType type)
{
  RpEngineAction *action = g_new0 (RpEngineAction, 1);
  action->type = type;
  g_queue_push_tail (&engine->actions, action);
  return action;
}

RpEngineEmit *
rp_engine_emit (RpEngine *engine, RpEmitType type)
{
  RpEngineAction *action = rp_engine_push (engine, RP_ENGINE_EMIT);
  action->emit.type = type;
  return &action->emit;
}

/* Several changes of one event need one checkpoint, and it must leave before the audio that stands
 * on it. */
void
rp_engine_checkpoint_soon (RpEngine *engine)
{
  for (GList *l = engine->actions.tail; l != NULL; l = l->prev) {
    RpEngineActionType type = ((RpEngineAction *) l->data)->type;
    if (type == RP_ENGINE_CHECKPOINT)
      return;
    if (type != RP_ENGINE_EMIT)
      break;
  }
  rp_engine_push (engine, RP_ENGINE_CHECKPOINT);
}

void
rp_engine_set_timer (RpEngine *engine, TimerId timer, gint64 at_us)
{
  /* A timer that is already due runs at the next possible moment: a deadline is never in the past.
   */
  engine->timers[timer] = MAX (at_us, engine->now_us + 1);
}

void
rp_engine_trim_context (RpEngine *engine)
{
  guint first = rp_messages_n_system (engine->messages);
  guint n = rp_messages_excess (engine->messages, engine->config.max_context_messages,
                                RP_ENGINE_MAX_CONTEXT_BYTES);
  for (guint i = 0; i < engine->generations->len; i++) {
    Generation *generation = engine->generations->pdata[i];
    guint index = 0;
    /* What is being said stays. */
    if (generation->message != NULL &&
        g_ptr_array_find (engine->messages, generation->message, &index) && index < first + n)
      n = index > first ? index - first : 0;
  }
  for (guint i = 0; i < engine->generations->len; i++) {
    Generation *generation = engine->generations->pdata[i];
    guint index = 0;
    if (generation->after != NULL &&
        g_ptr_array_find (engine->messages, generation->after, &index) && index < first + n)
      generation->after = NULL;
  }
  if (n > 0)
    g_ptr_array_remove_range (engine->messages, first, n);
}

gint64
rp_engine_unix_s (const RpEngine *engine)
{
  return (engine->now_us + engine->unix_offset_us) / G_USEC_PER_SEC;
}

void
rp_engine_hang_up (RpEngine *engine)
{
  engine->hung_up = TRUE;
  for (guint i = 0; i < N_TIMERS; i++)
    engine->timers[i] = G_MAXINT64;
  rp_playout_quiet (engine);
  /* Whoever takes up the call from here hangs up as well. */
  rp_engine_checkpoint_soon (engine);
  rp_engine_push (engine, RP_ENGINE_HANG_UP)->text = g_strdup ("the agent ended the call");
}

void
rp_engine_idle_restart (RpEngine *engine)
{
  const RpEngineConfig *config = &engine->config;
  gboolean quiet = engine->connected && !engine->hung_up && config->idle_prompt_ms > 0 &&
                   !rp_turn_is_active (engine) && !rp_playout_agent_is_active (engine);
  engine->timers[TIMER_IDLE] =
      quiet ? engine->now_us + (gint64) config->idle_prompt_ms * 1000 : G_MAXINT64;
}

/* What the user was saying died with the worker that heard it. */
static void
ask_again (RpEngine *engine)
{
  gboolean unanswered = engine->turn.carry_on.unanswered;
  engine->lost_words = FALSE;
  rp_turn_clear (&engine->turn);
  rp_turn_init (&engine->turn);
  if (unanswered)
    rp_generation_want_again (engine);
  else
    rp_generation_say (engine, engine->config.not_heard, FALSE);
}

static void
idle_timeout (RpEngine *engine)
{
  const RpEngineConfig *config = &engine->config;
  if (rp_turn_is_active (engine) || rp_playout_agent_is_active (engine))
    return;
  if (engine->lost_words) {
    ask_again (engine);
    return;
  }
  engine->idle_prompts++;
  if (engine->idle_prompts > config->max_idle_prompts) {
    rp_generation_say (engine, config->idle_goodbye, TRUE);
  } else if (config->idle_prompts != NULL && config->idle_prompts[0] != NULL) {
    guint last = g_strv_length ((char **) config->idle_prompts) - 1;
    rp_generation_say (engine, config->idle_prompts[MIN (engine->idle_prompts - 1, last)], FALSE);
  } else {
    rp_engine_emit (engine, RP_EMIT_SILENT)->text = g_strdup ("nobody speaks");
    rp_engine_idle_restart (engine);
  }
}

static void
connected (RpEngine *engine)
{
  if (engine->connected)
    return;
  engine->connected = TRUE;
  const char *greeting = engine->config.greeting;
  /* Who has written already has his answer coming. */
  gboolean greets = greeting != NULL && *greeting != '\0' &&
                    rp_messages_last (engine->messages, RP_ROLE_USER) == NULL;
  if (!greets)
    rp_engine_idle_restart (engine);
  else if (!rp_turn_is_active (engine))
    rp_generation_say (engine, greeting, FALSE);
  else if (engine->turn.carry_on.text == NULL)
    /* The user was first: he is greeted if it was nothing. */
    engine->turn.carry_on.text = g_strdup (greeting);
}

/* On the user's explicit wish: nothing of it is taken up again. */
static void
stop_agent (RpEngine *engine)
{
  CarryOn *cut = &engine->turn.carry_on;
  rp_playout_interrupt (engine, 0, cut);
  g_free (cut->text);
  *cut = (CarryOn){0};
  engine->answer_end_us = 0;
  rp_engine_checkpoint_soon (engine);
}

static void
client_text (RpEngine *engine, const RpEngineEvent *event)
{
  g_autofree char *text = g_strstrip (g_strdup (event->text != NULL ? event->text : ""));
  if (*text == '\0' || engine->hung_up)
    return;
  engine->idle_prompts = 0;
  engine->lost_words = FALSE;
  if (event->flag) {
    engine->tool_steps = 0;
    engine->text_only = !event->flag2;
    stop_agent (engine);
  } else {
    /* What was thought of early does not know of it. */
    rp_generation_drop_tentative (engine);
  }
  engine->wants_again = FALSE;
  rp_turn_append_user (engine, engine->messages, text);
  rp_engine_trim_context (engine);
  rp_engine_emit (engine, RP_EMIT_USER_TURN)->text = g_steal_pointer (&text);
  rp_engine_checkpoint_soon (engine);
  if (event->flag)
    rp_generation_want (engine);
}

static void
drain (RpEngine *engine)
{
  if (engine->draining || engine->hung_up)
    return;
  engine->draining = TRUE;
  if (!rp_turn_is_active (engine) && !rp_playout_agent_is_active (engine))
    rp_generation_say_goodbye (engine);
}

void
rp_engine_input (RpEngine *engine, gint64 now_us, const RpEngineEvent *from_outside)
{
  RpEngineEvent checked = *from_outside;
  const RpEngineEvent *event = &checked;
  engine->now_us = MAX (engine->now_us, now_us);
  /* Nothing has happened yet that is told of now. */
  checked.at_us = CLAMP (checked.at_us, 0, engine->now_us);
  checked.pos_samples = CLAMP (checked.pos_samples, 0, G_MAXINT64 / 2);

  switch (event->type) {
  case RP_ENGINE_CONNECTED:
    connected (engine);
    break;
  case RP_ENGINE_SPEECH_STARTED:
  case RP_ENGINE_SPEECH_PAUSED:
  case RP_ENGINE_SPEECH_RESUMED:
  case RP_ENGINE_SPEECH_STOPPED:
  case RP_ENGINE_INPUT_STALLED:
  case RP_ENGINE_INPUT_RESUMED:
  case RP_ENGINE_STT_RESULT:
  case RP_ENGINE_STT_FAILED:
    rp_turn_input (engine, event);
    break;
  case RP_ENGINE_LLM_DELTA:
  case RP_ENGINE_LLM_TOOL_CALL:
  case RP_ENGINE_LLM_DONE:
  case RP_ENGINE_LLM_FAILED:
    rp_generation_input (engine, event);
    break;
  case RP_ENGINE_TTS_WORDS:
  case RP_ENGINE_TTS_DONE:
  case RP_ENGINE_TTS_FAILED:
  case RP_ENGINE_PLAYOUT_STARTED:
  case RP_ENGINE_PLAYOUT_PROGRESS:
  case RP_ENGINE_PLAYOUT_ENDED:
  case RP_ENGINE_PLAYOUT_FLUSHED:
    rp_playout_input (engine, event);
    break;
  case RP_ENGINE_TOOL_RESULT:
  case RP_ENGINE_TOOL_FAILED:
  case RP_ENGINE_CLIENT_RESULT:
  case RP_ENGINE_CLIENT_FAILED:
    rp_tools_input (engine, event);
    break;
  case RP_ENGINE_CLIENT_TEXT:
    client_text (engine, event);
    break;
  case RP_ENGINE_CLIENT_INTERRUPT:
    stop_agent (engine);
    break;
  case RP_ENGINE_DRAIN:
    drain (engine);
    break;
  }
}

static void
run_timer (RpEngine *engine, TimerId timer)
{
  switch (timer) {
  case TIMER_PARTIAL:
  case TIMER_TURN:
  case TIMER_LIMIT:
  case TIMER_STT:
  case TIMER_STALL:
    rp_turn_timer (engine, timer);
    break;
  case TIMER_BRAIN:
  case TIMER_TTS:
    rp_generation_timer (engine, timer);
    break;
  case TIMER_FLUSH:
    rp_playout_timer (engine);
    break;
  case TIMER_TOOLS:
    rp_tools_timer (engine);
    break;
  case TIMER_IDLE:
    idle_timeout (engine);
    break;
  case N_TIMERS:
    break;
  }
}

gboolean
rp_engine_poll (RpEngine *engine, gint64 now_us, RpEngineAction *out_action)
{
  engine->now_us = MAX (engine->now_us, now_us);
  for (guint i = 0; i < N_TIMERS; i++) {
    if (engine->timers[i] <= engine->now_us) {
      engine->timers[i] = G_MAXINT64;
      run_timer (engine, (TimerId) i);
    }
  }

  RpEngineAction *action = g_queue_pop_head (&engine->actions);
  if (action == NULL)
    return FALSE;
  *out_action = *action;
  g_free (action);
  return TRUE;
}

gint64
rp_engine_deadline (const RpEngine *engine)
{
  gint64 deadline = G_MAXINT64;
  for (guint i = 0; i < N_TIMERS; i++)
    deadline = MIN (deadline, engine->timers[i]);
  return deadline;
}

guint
rp_engine_ignored_results (const RpEngine *engine)
{
  return engine->ignored_results;
}

RpExpect
rp_engine_expect (const RpEngine *engine)
{
  return engine->expect;
}

const GPtrArray *
rp_engine_messages (const RpEngine *engine)
{
  return engine->messages;
}
