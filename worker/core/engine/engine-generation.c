/* The brain's runs and what is said: text deltas become sentences, sentences become utterances. */
#include "engine-private.h"

#include <string.h>

/* A voice that has not begun by then never will: flite needs 15 ms, a remote voice under a second.
 */
#define TTS_TIMEOUT_US (8 * G_USEC_PER_SEC)
/* What a brain may write in one generation; more is cut off. Ten minutes of speech. */
#define MAX_TEXT_BYTES (16 * 1024)

void
rp_generation_free (Generation *generation)
{
  if (generation == NULL)
    return;
  rp_sentence_free (generation->splitter);
  g_string_free (generation->text, TRUE);
  g_string_free (generation->heard, TRUE);
  g_ptr_array_unref (generation->tools);
  g_free (generation);
}

void
rp_utterance_free (Utterance *utterance)
{
  if (utterance == NULL)
    return;
  g_free (utterance->text);
  g_free (utterance->words);
  g_free (utterance);
}

static Generation *
new_generation (RpEngine *engine)
{
  Generation *generation = g_new0 (Generation, 1);
  generation->id = engine->next_generation++;
  generation->splitter = rp_sentence_new (&engine->config.sentence);
  generation->text = g_string_new (NULL);
  generation->heard = g_string_new (NULL);
  generation->tools = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_tool_record_free);
  generation->started_us = engine->now_us;
  generation->metrics = (RpTurnMetrics){-1, -1, -1, -1, -1, -1};
  if (engine->messages->len > 0)
    generation->after = engine->messages->pdata[engine->messages->len - 1];
  g_ptr_array_add (engine->generations, generation);
  return generation;
}

Generation *
rp_generation_find (RpEngine *engine, guint32 id)
{
  for (guint i = 0; i < engine->generations->len; i++) {
    Generation *generation = engine->generations->pdata[i];
    if (generation->id == id)
      return generation;
  }
  return NULL;
}

static gboolean
is_of_later (const RpEngine *engine, const RpMessage *message, guint32 id)
{
  for (guint i = 0; i < engine->generations->len; i++) {
    const Generation *generation = engine->generations->pdata[i];
    if (generation->message == message && generation->id > id)
      return TRUE;
  }
  return FALSE;
}

/* Where the message of @generation belongs: behind what was said or called since, before the next
 * words of the user and what is said after it. */
static guint
place (const RpEngine *engine, const Generation *generation)
{
  guint index = 0;
  /* What stood before it was nothing, or has been forgotten since: it is the first. */
  if (generation->after != NULL && g_ptr_array_find (engine->messages, generation->after, &index))
    index++;
  else
    index = rp_messages_n_system (engine->messages);
  for (; index < engine->messages->len; index++) {
    const RpMessage *message = engine->messages->pdata[index];
    if (message->role == RP_ROLE_USER || is_of_later (engine, message, generation->id))
      break;
  }
  return index;
}

/* The message of this generation, made when something of it is first heard or called, in its place
 * in the context. */
RpMessage *
rp_generation_message (RpEngine *engine, Generation *generation)
{
  if (generation->message != NULL)
    return generation->message;
  generation->message = rp_message_new (RP_ROLE_ASSISTANT, "", rp_engine_unix_s (engine));
  g_ptr_array_insert (engine->messages, (gint) place (engine, generation), generation->message);
  rp_engine_trim_context (engine);
  return generation->message;
}

gboolean
rp_generation_follows (const RpEngine *engine, const RpMessage *message)
{
  for (guint i = 0; i < engine->generations->len; i++) {
    const Generation *generation = engine->generations->pdata[i];
    if (generation->after != message || generation->tentative)
      continue;
    /* What was cut may have been heard all the same: the flush will tell. */
    if (generation->n_utterances > 0 || (!generation->own && !generation->dead))
      return TRUE;
  }
  return FALSE;
}

GPtrArray *
rp_generation_request (RpEngine *engine, const char *user_text)
{
  GPtrArray *request = rp_messages_copy (engine->messages);
  guint n_added = 0;
  for (guint i = 0; i < engine->generations->len; i++) {
    const Generation *generation = engine->generations->pdata[i];
    guint index = 0;
    if (generation->dead || generation->tentative)
      continue;
    if (generation->message != NULL &&
        g_ptr_array_find (engine->messages, generation->message, &index)) {
      RpMessage *copy = request->pdata[index + n_added];
      g_free (copy->content);
      copy->content = g_strdup (generation->text->str);
    } else if (generation->message == NULL && !generation->own && generation->text->len > 0) {
      index = place (engine, generation) + n_added++;
      g_ptr_array_insert (
          request, (gint) index,
          rp_message_new (RP_ROLE_ASSISTANT, generation->text->str, rp_engine_unix_s (engine)));
    }
  }
  for (guint last = request->len; engine->wants_again && last > 0; last--) {
    const RpMessage *message = request->pdata[last - 1];
    if (message->role != RP_ROLE_ASSISTANT || message->tool_calls != NULL)
      break;
    g_ptr_array_remove_index (request, last - 1);
  }
  if (user_text != NULL)
    rp_turn_append_user (engine, request, user_text);
  rp_messages_trim (request, engine->config.max_context_messages, RP_ENGINE_MAX_CONTEXT_BYTES);
  return request;
}

/* The timer is that of the brain that has been still for longest. */
static void
set_brain_timer (RpEngine *engine)
{
  gint64 since_us = G_MAXINT64;
  for (guint i = 0; i < engine->generations->len; i++) {
    const Generation *generation = engine->generations->pdata[i];
    if (!generation->llm_done)
      since_us = MIN (since_us, generation->brain_us);
  }
  engine->timers[TIMER_BRAIN] = G_MAXINT64;
  if (since_us != G_MAXINT64)
    rp_engine_set_timer (engine, TIMER_BRAIN,
                         since_us + (gint64) engine->config.brain_timeout_ms * 1000);
}

void
rp_generation_brain_is_alive (RpEngine *engine, Generation *generation)
{
  generation->brain_us = engine->now_us;
  set_brain_timer (engine);
}

static void
brain_is_done (RpEngine *engine, Generation *generation)
{
  generation->llm_done = TRUE;
  set_brain_timer (engine);
}

static Generation *
start_brain (RpEngine *engine, const char *user_text)
{
  Generation *generation = new_generation (engine);
  RpEngineAction *action = rp_engine_push (engine, RP_ENGINE_LLM_START);
  action->id = generation->id;
  action->messages = rp_generation_request (engine, user_text);
  engine->wants_again = FALSE;
  rp_generation_brain_is_alive (engine, generation);
  return generation;
}

static void
announce (RpEngine *engine, Generation *generation)
{
  rp_engine_emit (engine, RP_EMIT_AGENT_THINKING)->id = generation->id;
}

/* The turn's timings belong to the first generation that answers it. */
static void
take_metrics (RpEngine *engine, Generation *generation)
{
  if (engine->answer_end_us == 0)
    return;
  double ttft = generation->metrics.llm_ttft, ttfa = generation->metrics.tts_ttfa;
  generation->metrics = engine->answer_metrics;
  generation->metrics.llm_ttft = ttft;
  generation->metrics.tts_ttfa = ttfa;
  generation->turn_end_us = engine->answer_end_us;
  engine->answer_end_us = 0;
}

gboolean
rp_generation_is_thinking (const RpEngine *engine)
{
  for (guint i = 0; i < engine->generations->len; i++) {
    const Generation *generation = engine->generations->pdata[i];
    if (!generation->tentative && !generation->llm_done)
      return TRUE;
  }
  return FALSE;
}

void
rp_generation_try (RpEngine *engine)
{
  if (!engine->wants_generation || engine->flushing || rp_tools_pending (engine) ||
      rp_generation_is_thinking (engine) || rp_turn_is_active (engine) || engine->hung_up)
    return;
  engine->wants_generation = FALSE;
  /* What a tool has found is told before the goodbye. */
  if (engine->draining && engine->tool_steps == 0) {
    rp_generation_say_goodbye (engine);
    return;
  }
  Generation *generation = start_brain (engine, NULL);
  generation->text_only = engine->text_only;
  take_metrics (engine, generation);
  announce (engine, generation);
}

void
rp_generation_want (RpEngine *engine)
{
  engine->wants_generation = TRUE;
  rp_generation_try (engine);
}

void
rp_generation_want_again (RpEngine *engine)
{
  engine->wants_again = TRUE;
  rp_generation_want (engine);
}

void
rp_generation_start_tentative (RpEngine *engine, const char *text)
{
  if (rp_tools_pending (engine))
    return;
  g_free (engine->tentative_text);
  engine->tentative_text = g_strdup (text);
  engine->tentative = start_brain (engine, text);
  engine->tentative->tentative = TRUE;
}

static void
emit_text (RpEngine *engine, Generation *generation, const char *text)
{
  RpEngineEmit *emit = rp_engine_emit (engine, RP_EMIT_AGENT_TEXT);
  emit->id = generation->id;
  emit->text = g_strdup (text);
}

static void
emit_output (RpEngine *engine, const Utterance *utterance, const char *status)
{
  RpEngineEmit *emit = rp_engine_emit (engine, RP_EMIT_OUTPUT);
  emit->id = utterance->id;
  emit->text = g_strdup (utterance->text);
  emit->status = status;
  emit->heard = g_strdup ("");
  emit->remaining = g_strdup (utterance->text);
  emit->spoken = TRUE;
}

/* Nothing that could be spoken is silence, and that is told. */
static void
note_silence (RpEngine *engine, const Generation *generation)
{
  if (generation->n_utterances == 0 && generation->heard->len == 0 && generation->tools->len == 0)
    rp_engine_emit (engine, RP_EMIT_SILENT)->text = g_strdup ("the brain had nothing to say");
}

/* Returns: the last of them, or 0 */
static guint32
release_utterances (RpEngine *engine, const Generation *generation)
{
  guint32 last = 0;
  for (GList *l = engine->utterances.head; l != NULL; l = l->next) {
    const Utterance *utterance = l->data;
    if (utterance->generation != generation)
      continue;
    emit_output (engine, utterance, "new");
    last = utterance->id;
  }
  return last;
}

void
rp_generation_confirm_tentative (RpEngine *engine)
{
  Generation *generation = g_steal_pointer (&engine->tentative);
  g_clear_pointer (&engine->tentative_text, g_free);
  generation->tentative = FALSE;
  engine->wants_generation = FALSE;
  generation->after = engine->messages->pdata[engine->messages->len - 1];
  take_metrics (engine, generation);
  announce (engine, generation);
  if (generation->text->len > 0)
    emit_text (engine, generation, generation->text->str);

  guint32 last = release_utterances (engine, generation);
  if (generation->llm_done) {
    rp_engine_emit (engine, RP_EMIT_AGENT_THOUGHT)->id = generation->id;
    note_silence (engine, generation);
  }
  rp_engine_checkpoint_soon (engine);
  if (last != 0)
    rp_engine_push (engine, RP_ENGINE_RELEASE)->id = last;
  rp_playout_end_soundless (engine, generation);
  rp_tools_release (engine, generation);
  rp_tools_conclude (engine, generation);
  rp_generation_settle (engine, generation);
}

void
rp_generation_forget_utterances (RpEngine *engine, Generation *generation)
{
  GList *l = engine->utterances.head;
  while (l != NULL) {
    GList *next = l->next;
    Utterance *utterance = l->data;
    if (utterance->generation == generation) {
      g_queue_delete_link (&engine->utterances, l);
      rp_utterance_free (utterance);
    }
    l = next;
  }
  generation->n_utterances = 0;
}

static void
cancel_voice (RpEngine *engine, const Generation *generation)
{
  RpEngineAction *action = rp_engine_push (engine, RP_ENGINE_TTS_CANCEL);
  for (GList *l = engine->utterances.head; l != NULL; l = l->next) {
    const Utterance *utterance = l->data;
    if (utterance->generation != generation)
      continue;
    action->id = utterance->id;
    if (action->from_id == 0)
      action->from_id = utterance->id;
  }
}

void
rp_generation_drop_tentative (RpEngine *engine)
{
  Generation *generation = g_steal_pointer (&engine->tentative);
  g_clear_pointer (&engine->tentative_text, g_free);
  if (generation == NULL)
    return;
  if (!generation->llm_done)
    rp_engine_push (engine, RP_ENGINE_LLM_CANCEL)->id = generation->id;
  if (generation->n_utterances > 0)
    cancel_voice (engine, generation);
  rp_generation_forget_utterances (engine, generation);
  g_ptr_array_remove (engine->generations, generation);
  set_brain_timer (engine);
}

void
rp_generation_cut (RpEngine *engine, Generation *generation)
{
  if (!generation->llm_done) {
    rp_engine_push (engine, RP_ENGINE_LLM_CANCEL)->id = generation->id;
    rp_engine_emit (engine, RP_EMIT_AGENT_THOUGHT)->id = generation->id;
    if (generation->message != NULL)
      generation->message->interrupted = TRUE;
  }
  brain_is_done (engine, generation);
  generation->dead = TRUE;
  rp_tools_cut (engine, generation);
}

void
rp_generation_speak (RpEngine *engine, Generation *generation, const char *text)
{
  Utterance *utterance = g_new0 (Utterance, 1);
  utterance->id = engine->next_utterance++;
  utterance->generation = generation;
  utterance->text = g_strdup (text);
  utterance->spoken_us = engine->now_us;

  if (generation->text_only) {
    RpEngineEmit *emit = rp_engine_emit (engine, RP_EMIT_OUTPUT);
    emit->id = utterance->id;
    emit->text = g_strdup (text);
    emit->status = "completed";
    if (generation->heard->len > 0)
      g_string_append_c (generation->heard, ' ');
    g_string_append (generation->heard, text);
    RpMessage *message = rp_generation_message (engine, generation);
    g_free (message->content);
    message->content = g_strdup (generation->heard->str);
    rp_utterance_free (utterance);
    rp_engine_checkpoint_soon (engine);
    return;
  }
  generation->n_utterances++;
  g_queue_push_tail (&engine->utterances, utterance);
  if (!generation->tentative)
    emit_output (engine, utterance, "new");
  RpEngineAction *action = rp_engine_push (engine, RP_ENGINE_SPEAK);
  action->id = utterance->id;
  action->text = g_strdup (text);
  action->held = generation->tentative;
  if (engine->timers[TIMER_TTS] == G_MAXINT64)
    rp_engine_set_timer (engine, TIMER_TTS, engine->now_us + TTS_TIMEOUT_US);
}

static void
speak_pieces (RpEngine *engine, Generation *generation)
{
  RpSentenceOut piece;
  while (rp_sentence_poll (generation->splitter, &piece)) {
    rp_generation_speak (engine, generation, piece.text);
    rp_sentence_out_clear (&piece);
  }
}

/* @after: (nullable): the message it follows, the last one by default */
static void
say (RpEngine *engine, const char *text, RpMessage *after, RpExpect expect, gboolean end_call)
{
  Generation *generation = new_generation (engine);
  if (after != NULL)
    generation->after = after;
  generation->own = TRUE;
  generation->llm_done = TRUE;
  generation->end_call = end_call;
  generation->expect = expect;
  g_string_assign (generation->text, text != NULL ? text : "");
  rp_sentence_input (generation->splitter, generation->text->str, -1);
  rp_sentence_end (generation->splitter);
  speak_pieces (engine, generation);
  rp_engine_checkpoint_soon (engine);
  rp_generation_settle (engine, generation);
}

void
rp_generation_say (RpEngine *engine, const char *text, gboolean end_call)
{
  say (engine, text, NULL, RP_EXPECT_ANYTHING, end_call);
}

void
rp_generation_say_goodbye (RpEngine *engine)
{
  rp_generation_say (engine, engine->connected ? engine->config.drain_goodbye : NULL, TRUE);
}

gboolean
rp_generation_carry_on (RpEngine *engine, const CarryOn *cut)
{
  gboolean has_text = cut->text != NULL && *cut->text != '\0';
  if (has_text || cut->end_call)
    say (engine, cut->text, NULL, cut->expect, cut->end_call);
  if (cut->unanswered)
    rp_generation_want_again (engine);
  return has_text || cut->end_call || cut->unanswered;
}

/* A generation is over when the brain, its tools and its utterances are. */
gboolean
rp_generation_settle (RpEngine *engine, Generation *generation)
{
  if (generation->tentative || !generation->llm_done || generation->n_utterances > 0 ||
      !rp_tools_settled (generation))
    return FALSE;
  gboolean end_call = generation->end_call;
  if (end_call)
    rp_tools_end_call (engine, generation);
  if (!generation->dead && generation->expect != RP_EXPECT_ANYTHING)
    engine->expect = generation->expect;
  else if (!generation->dead && !generation->own)
    engine->expect = RP_EXPECT_ANYTHING;
  g_ptr_array_remove (engine->generations, generation);
  if (end_call && !engine->hung_up) {
    rp_engine_hang_up (engine);
    return TRUE;
  }
  rp_playout_quiet (engine);
  return TRUE;
}

static void
delta (RpEngine *engine, Generation *generation, const char *text)
{
  if (!generation->got_delta) {
    generation->got_delta = TRUE;
    generation->metrics.llm_ttft = (double) (engine->now_us - generation->started_us) / 1000.0;
  }
  rp_generation_brain_is_alive (engine, generation);
  gsize room = MAX_TEXT_BYTES - MIN (generation->text->len, MAX_TEXT_BYTES);
  gsize len = MIN (strlen (text), room);
  if (len == 0)
    return;
  g_autofree char *piece = g_utf8_make_valid (text, (gssize) len);
  g_string_append (generation->text, piece);
  if (!generation->tentative)
    emit_text (engine, generation, piece);
  rp_sentence_input (generation->splitter, piece, -1);
  speak_pieces (engine, generation);
}

static void
finished (RpEngine *engine, Generation *generation, RpExpect expect)
{
  brain_is_done (engine, generation);
  generation->expect = expect;
  rp_sentence_end (generation->splitter);
  speak_pieces (engine, generation);
  if (!generation->tentative) {
    rp_engine_emit (engine, RP_EMIT_AGENT_THOUGHT)->id = generation->id;
    rp_engine_checkpoint_soon (engine);
  }
  if (!generation->tentative)
    note_silence (engine, generation);
  rp_tools_conclude (engine, generation);
  rp_generation_settle (engine, generation);
  rp_generation_try (engine);
}

static void
failed (RpEngine *engine, Generation *generation, const char *why)
{
  if (generation->tentative) {
    generation->llm_done = TRUE;
    rp_generation_drop_tentative (engine);
    return;
  }
  RpEngineEmit *emit = rp_engine_emit (engine, RP_EMIT_ERROR);
  emit->text = g_strdup_printf ("the brain failed: %s", why != NULL ? why : "unknown");
  rp_engine_emit (engine, RP_EMIT_AGENT_THOUGHT)->id = generation->id;
  rp_engine_checkpoint_soon (engine);
  /* What was begun is finished; then the agent owns up. */
  brain_is_done (engine, generation);
  gboolean goes_on = generation->tools->len > 0;
  RpMessage *after = generation->after;
  rp_tools_conclude (engine, generation);
  rp_generation_settle (engine, generation);
  /* When it has called tools, what they find is told. */
  if (!goes_on)
    say (engine, engine->config.brain_failed, after, RP_EXPECT_ANYTHING, FALSE);
  rp_generation_try (engine);
}

void
rp_generation_input (RpEngine *engine, const RpEngineEvent *event)
{
  Generation *generation = rp_generation_find (engine, event->id);
  if (generation == NULL || generation->dead || generation->llm_done)
    return;
  switch (event->type) {
  case RP_ENGINE_LLM_DELTA:
    if (event->text != NULL)
      delta (engine, generation, event->text);
    break;
  case RP_ENGINE_LLM_TOOL_CALL:
    rp_generation_brain_is_alive (engine, generation);
    if (event->call != NULL)
      rp_tools_add (engine, generation, event->call);
    break;
  case RP_ENGINE_LLM_DONE:
    finished (engine, generation, event->expect);
    break;
  case RP_ENGINE_LLM_FAILED:
    failed (engine, generation, event->text);
    break;
  default:
    break;
  }
}

static void
brain_timeout (RpEngine *engine)
{
  gint64 timeout_us = (gint64) engine->config.brain_timeout_ms * 1000;
  for (guint i = 0; i < engine->generations->len; i++) {
    Generation *generation = engine->generations->pdata[i];
    if (generation->llm_done || generation->brain_us + timeout_us > engine->now_us)
      continue;
    rp_engine_push (engine, RP_ENGINE_LLM_CANCEL)->id = generation->id;
    failed (engine, generation, "no answer in time");
    break;
  }
  set_brain_timer (engine);
}

/* When the voice must have been heard of again: it says one utterance after another, and may take
 * as long as the audio lasts. */
static gint64
voice_due (const RpEngine *engine, const Utterance *utterance)
{
  gint64 samples =
      utterance->n_words > 0 ? utterance->words[utterance->n_words - 1].end_samples : 0;
  return MAX (utterance->spoken_us, engine->voice_us) + TTS_TIMEOUT_US +
         samples * G_USEC_PER_SEC / RP_ENGINE_SAMPLES_PER_SECOND;
}

/* A voice that hangs must not make the agent mute: the utterance counts as not spoken. */
static void
tts_timeout (RpEngine *engine)
{
  GList *l = engine->utterances.head;
  while (l != NULL && (((Utterance *) l->data)->done || ((Utterance *) l->data)->generation->dead))
    l = l->next;
  if (l == NULL)
    return;
  Utterance *utterance = l->data;
  gint64 due = voice_due (engine, utterance);
  if (due <= engine->now_us) {
    engine->voice_us = engine->now_us;
    RpEngineAction *action = rp_engine_push (engine, RP_ENGINE_TTS_CANCEL);
    action->from_id = action->id = utterance->id;
    rp_playout_fail (engine, utterance, "no audio in time");
    due = engine->now_us + TTS_TIMEOUT_US;
  }
  rp_engine_set_timer (engine, TIMER_TTS, due);
}

void
rp_generation_timer (RpEngine *engine, TimerId timer)
{
  if (timer == TIMER_BRAIN)
    brain_timeout (engine);
  else
    tts_timeout (engine);
}
