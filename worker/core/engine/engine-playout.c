/* What was heard, by the server's playout clock, and interruption. */
#include "engine-private.h"

#include <string.h>

/* The server answers a flush within one 2 ms tick. Without an answer the last report is the truth.
 */
#define FLUSH_TIMEOUT_US (300 * 1000)
/* Answers that may be overdue before they count as lost. */
#define MAX_LATE_FLUSHES 2
/* A sentence has some 30 words; a voice that reports more than this is broken. */
#define MAX_WORDS 1000

Utterance *
rp_playout_find (RpEngine *engine, guint32 id)
{
  for (GList *l = engine->utterances.head; l != NULL; l = l->next) {
    Utterance *utterance = l->data;
    if (utterance->id == id)
      return utterance;
  }
  return NULL;
}

gboolean
rp_playout_agent_is_active (const RpEngine *engine)
{
  if (engine->wants_generation || engine->flushing)
    return TRUE;
  for (guint i = 0; i < engine->generations->len; i++) {
    const Generation *generation = engine->generations->pdata[i];
    if (!generation->tentative && !generation->dead &&
        (!generation->llm_done || generation->n_utterances > 0 || !rp_tools_settled (generation)))
      return TRUE;
  }
  return FALSE;
}

/* Bytes of the utterance's text that were heard: every word whose sound went out to its end. */
static gsize
heard_bytes (const Utterance *utterance)
{
  gsize bytes = 0;
  guint64 played = (guint64) utterance->frames_played * RP_ENGINE_FRAME_SAMPLES;
  for (guint i = 0; i < utterance->n_words && utterance->words[i].end_samples <= played; i++)
    bytes = utterance->words[i].end_byte;
  return bytes;
}

static gboolean
heard_whole (const Utterance *utterance)
{
  return utterance->n_words > 0 && utterance->frames_played > 0 &&
         heard_bytes (utterance) >= utterance->words[utterance->n_words - 1].end_byte;
}

static gboolean
is_whole (const Utterance *utterance)
{
  return utterance->done && utterance->n_frames > 0 &&
         utterance->frames_played >= utterance->n_frames;
}

/* Brings the context up to what has been heard, @heard being the part of the utterance that is on
 * the wire. */
static void
write_heard (RpEngine *engine, Generation *generation, const char *heard)
{
  if (*heard == '\0' && generation->heard->len == 0)
    return;
  RpMessage *message = rp_generation_message (engine, generation);
  const char *space = generation->heard->len > 0 && *heard != '\0' ? " " : "";
  g_free (message->content);
  message->content = g_strconcat (generation->heard->str, space, heard, NULL);
}

static void
emit_output (RpEngine *engine, const Utterance *utterance, const char *status, gsize bytes)
{
  RpEngineEmit *emit = rp_engine_emit (engine, RP_EMIT_OUTPUT);
  emit->id = utterance->id;
  emit->text = g_strdup (utterance->text);
  emit->status = status;
  emit->heard = g_strndup (utterance->text, bytes);
  emit->remaining = g_strdup (utterance->text + bytes);
  emit->spoken = TRUE;
}

static void
emit_turn_metrics (RpEngine *engine, Generation *generation, gint64 wire_us)
{
  if (generation->turn_end_us == 0)
    return;
  generation->metrics.voice_to_voice = (double) (wire_us - generation->turn_end_us) / 1000.0;
  generation->turn_end_us = 0;
  rp_engine_emit (engine, RP_EMIT_METRICS)->metrics = generation->metrics;
}

static void
progress (RpEngine *engine, Utterance *utterance, const RpEngineEvent *event)
{
  Generation *generation = utterance->generation;
  gsize before = utterance->started ? heard_bytes (utterance) : 0;
  if (event->n_frames > utterance->frames_played)
    utterance->frames_played = event->n_frames;
  if (!utterance->started && utterance->frames_played > 0) {
    utterance->started = TRUE;
    emit_turn_metrics (engine, generation, event->at_us);
    if (!engine->speaking) {
      engine->speaking = TRUE;
      rp_engine_emit (engine, RP_EMIT_AGENT_STARTED_SPEAKING);
    }
  }
  gsize after = heard_bytes (utterance);
  if (after > before) {
    g_autofree char *heard = g_strndup (utterance->text, after);
    write_heard (engine, generation, heard);
    emit_output (engine, utterance, "in-progress", after);
  }
}

/* The agent has fallen silent: tell it once, and begin to wait for the user. */
void
rp_playout_quiet (RpEngine *engine)
{
  for (GList *l = engine->utterances.head; l != NULL; l = l->next) {
    if (!((Utterance *) l->data)->generation->tentative)
      return;
  }
  if (rp_generation_is_thinking (engine))
    return;
  if (engine->speaking) {
    engine->speaking = FALSE;
    rp_engine_emit (engine, RP_EMIT_AGENT_STOPPED_SPEAKING);
    rp_engine_checkpoint_soon (engine);
  }
  if (engine->draining && !engine->hung_up && !rp_playout_agent_is_active (engine) &&
      !rp_turn_is_active (engine))
    rp_generation_say_goodbye (engine);
  else
    rp_engine_idle_restart (engine);
}

/* The utterance is over: what was heard of it is. Returns: bytes of its text. */
static gsize
take_heard (RpEngine *engine, const Utterance *utterance)
{
  Generation *generation = utterance->generation;
  gsize bytes = is_whole (utterance) ? strlen (utterance->text) : heard_bytes (utterance);
  if (bytes > 0) {
    if (generation->heard->len > 0)
      g_string_append_c (generation->heard, ' ');
    g_string_append_len (generation->heard, utterance->text, (gssize) bytes);
    write_heard (engine, generation, "");
  }
  emit_output (engine, utterance, is_whole (utterance) ? "completed" : "interrupted", bytes);
  return bytes;
}

static void
end (RpEngine *engine, Utterance *utterance)
{
  Generation *generation = utterance->generation;
  take_heard (engine, utterance);
  g_queue_remove (&engine->utterances, utterance);
  rp_utterance_free (utterance);
  generation->n_utterances--;
  rp_engine_checkpoint_soon (engine);
}

void
rp_playout_end (RpEngine *engine, Utterance *utterance)
{
  Generation *generation = utterance->generation;
  end (engine, utterance);
  if (!rp_generation_settle (engine, generation))
    rp_playout_quiet (engine);
}

void
rp_playout_lose (RpEngine *engine, Utterance *utterance)
{
  emit_output (engine, utterance, "interrupted", 0);
  utterance->generation->n_utterances--;
  rp_utterance_free (utterance);
}

/* The voice has nothing, or nothing more, for @utterance. */
void
rp_playout_fail (RpEngine *engine, Utterance *utterance, const char *why)
{
  rp_engine_emit (engine, RP_EMIT_ERROR)->text = g_strdup_printf ("the voice failed: %s", why);
  /* An early answer is thrown away, and tried again once the turn has ended. */
  if (utterance->generation->tentative)
    rp_generation_drop_tentative (engine);
  else
    rp_playout_end (engine, utterance);
}

/* Of what was held back, what turned out to have no sound is over as soon as it is released. */
void
rp_playout_end_soundless (RpEngine *engine, const Generation *generation)
{
  GList *l = engine->utterances.head;
  while (l != NULL) {
    GList *next = l->next;
    Utterance *utterance = l->data;
    if (utterance->generation == generation && utterance->done && utterance->n_frames == 0)
      end (engine, utterance);
    l = next;
  }
}

static void
words (RpEngine *engine, Utterance *utterance, const RpEngineEvent *event)
{
  if (utterance->has_words)
    return;
  engine->voice_us = engine->now_us;
  gsize length = strlen (utterance->text);
  guint n = MIN (event->n_words, MAX_WORDS);
  utterance->has_words = TRUE;
  utterance->n_words = 0;
  g_free (utterance->words);
  utterance->words = g_new0 (RpEngineWord, MAX (n, 1));
  for (guint i = 0; i < n; i++) {
    RpEngineWord word = event->words[i];
    const RpEngineWord *last =
        utterance->n_words > 0 ? &utterance->words[utterance->n_words - 1] : NULL;
    /* Only words that lie in the text, in order, can be told as heard. */
    if (word.end_byte > length ||
        (last != NULL && (word.end_byte < last->end_byte || word.end_samples < last->end_samples)))
      continue;
    utterance->words[utterance->n_words++] = word;
  }
  Generation *generation = utterance->generation;
  if (generation->metrics.tts_ttfa < 0)
    generation->metrics.tts_ttfa = (double) (engine->now_us - utterance->spoken_us) / 1000.0;
  if (!generation->tentative)
    rp_engine_checkpoint_soon (engine);
}

static void
tts_done (RpEngine *engine, Utterance *utterance, guint n_frames)
{
  engine->voice_us = engine->now_us;
  utterance->done = TRUE;
  utterance->n_frames = n_frames;
  /* One that was cut is over when the flush is answered. */
  if (utterance->generation->dead || utterance->generation->tentative)
    return;
  if (n_frames == 0 || utterance->frames_played >= n_frames)
    rp_playout_end (engine, utterance);
}

static void
add_unheard (RpMessage *message, const char *rest)
{
  const char *before = message->unheard != NULL ? message->unheard : "";
  const char *space = *before != '\0' && *rest != ' ' ? " " : "";
  char *unheard = g_strconcat (before, space, rest, NULL);
  g_free (message->unheard);
  message->unheard = unheard;
  message->interrupted = TRUE;
}

static void
flushed (RpEngine *engine)
{
  engine->flushing = FALSE;
  engine->timers[TIMER_FLUSH] = G_MAXINT64;
  g_autoptr (GString) all_heard = g_string_new (NULL);
  g_autoptr (GPtrArray) cut = g_ptr_array_new ();

  for (GList *l = engine->utterances.head; l != NULL; l = l->next) {
    Utterance *utterance = l->data;
    Generation *generation = utterance->generation;
    if (!generation->dead)
      continue;
    const char *rest = utterance->text + take_heard (engine, utterance);
    if (generation->message != NULL && *rest != '\0')
      add_unheard (generation->message, rest);
    if (!g_ptr_array_find (cut, generation, NULL))
      g_ptr_array_add (cut, generation);
  }
  for (guint i = 0; i < cut->len; i++) {
    Generation *generation = cut->pdata[i];
    g_string_append_printf (all_heard, "%s%s", all_heard->len > 0 ? " " : "",
                            generation->heard->str);
    rp_generation_forget_utterances (engine, generation);
    rp_generation_settle (engine, generation);
  }
  rp_engine_emit (engine, RP_EMIT_INTERRUPTED)->heard = g_strdup (all_heard->str);
  rp_engine_checkpoint_soon (engine);
  rp_playout_quiet (engine);
  rp_turn_timer (engine, TIMER_TURN);
  rp_generation_try (engine);
}

/* What would have to be said again if it were cut now. Returns: (transfer full) (nullable) */
static char *
remaining_text (const RpEngine *engine)
{
  GString *text = g_string_new (NULL);
  for (GList *l = engine->utterances.head; l != NULL; l = l->next) {
    const Utterance *utterance = l->data;
    if (utterance->generation->tentative || utterance->generation->dead || heard_whole (utterance))
      continue;
    if (text->len > 0)
      g_string_append_c (text, ' ');
    g_string_append (text, utterance->text);
  }
  return g_string_free (text, text->len == 0);
}

gboolean
rp_playout_can_nod (const RpEngine *engine)
{
  for (GList *l = engine->utterances.head; l != NULL; l = l->next) {
    const Utterance *utterance = l->data;
    const Generation *generation = utterance->generation;
    if (generation->tentative || generation->dead || heard_whole (utterance))
      continue;
    RpExpect expect = generation->own && generation->expect == RP_EXPECT_ANYTHING
                          ? engine->expect
                          : generation->expect;
    return expect != RP_EXPECT_YES_NO && strchr (utterance->text, '?') == NULL;
  }
  return FALSE;
}

static void
note_cut (RpEngine *engine, const Generation *generation, CarryOn *cut)
{
  gboolean silent = generation->n_utterances == 0 && generation->heard->len == 0;
  if (!generation->own && (silent || rp_tools_unanswered (generation)))
    cut->unanswered = TRUE;
  cut->end_call = cut->end_call || generation->end_call;
  if (!generation->llm_done)
    return;
  if (generation->expect != RP_EXPECT_ANYTHING)
    cut->expect = generation->expect;
  /* People answer before the end of the question, which comes last. */
  const Utterance *last = g_queue_peek_tail (&engine->utterances);
  if (last != NULL && last->generation == generation && last->started &&
      (!generation->own || generation->expect != RP_EXPECT_ANYTHING))
    engine->expect = generation->expect;
}

void
rp_playout_interrupt (RpEngine *engine, gint64 onset_us, CarryOn *out_carry_on)
{
  /* What another worker had cut is still to be carried on with. */
  char *remaining = remaining_text (engine);
  if (remaining != NULL) {
    g_free (out_carry_on->text);
    out_carry_on->text = remaining;
  }
  out_carry_on->unanswered = out_carry_on->unanswered || engine->wants_generation;
  engine->wants_generation = FALSE;
  rp_generation_drop_tentative (engine);

  /* What was cut before is being flushed already. */
  guint32 last = 0;
  for (GList *l = engine->utterances.head; l != NULL; l = l->next) {
    const Utterance *utterance = l->data;
    if (!utterance->generation->dead)
      last = utterance->id;
  }
  g_autoptr (GPtrArray) live = g_ptr_array_new ();
  for (guint i = 0; i < engine->generations->len; i++)
    g_ptr_array_add (live, engine->generations->pdata[i]);
  for (guint i = 0; i < live->len; i++) {
    Generation *generation = live->pdata[i];
    if (generation->dead)
      continue;
    note_cut (engine, generation, out_carry_on);
    rp_generation_cut (engine, generation);
    rp_generation_settle (engine, generation);
  }
  if (last == 0)
    return;
  engine->timers[TIMER_TTS] = G_MAXINT64;
  rp_playout_flush (engine, last, onset_us);
  rp_engine_push (engine, RP_ENGINE_TTS_CANCEL)->id = last;
}

void
rp_playout_flush (RpEngine *engine, guint32 up_to, gint64 onset_us)
{
  rp_engine_push (engine, RP_ENGINE_FLUSH)->id = up_to;
  engine->flushing = TRUE;
  engine->flushes_unanswered++;
  engine->flush_onset_us = onset_us;
  rp_engine_set_timer (engine, TIMER_FLUSH, engine->now_us + FLUSH_TIMEOUT_US);
}

/* Each flush has one answer, in order: one that comes too late is not that of the next. */
static void
flush_answer (RpEngine *engine, const RpEngineEvent *event)
{
  if (engine->flushes_unanswered > 0)
    engine->flushes_unanswered--;
  if (!engine->flushing || engine->flushes_unanswered > 0)
    return;
  Utterance *utterance = rp_playout_find (engine, event->id);
  if (utterance != NULL) {
    progress (engine, utterance, event);
    if (engine->flush_onset_us > 0 && utterance->started && event->at_us > engine->flush_onset_us) {
      RpTurnMetrics metrics = {-1, -1, -1,
                               -1, -1, (double) (event->at_us - engine->flush_onset_us) / 1000.0};
      rp_engine_emit (engine, RP_EMIT_METRICS)->metrics = metrics;
    }
  }
  flushed (engine);
}

/* The server plays in order, and knows no end of what a lost worker was still giving it: that was
 * all when something later is played. */
static void
end_earlier (RpEngine *engine, const Utterance *playing)
{
  for (;;) {
    Utterance *earlier = g_queue_peek_head (&engine->utterances);
    if (earlier == NULL || earlier == playing || earlier->generation->dead || !earlier->started ||
        !earlier->done)
      return;
    earlier->frames_played = earlier->n_frames;
    rp_playout_end (engine, earlier);
  }
}

void
rp_playout_input (RpEngine *engine, const RpEngineEvent *event)
{
  if (event->type == RP_ENGINE_PLAYOUT_FLUSHED) {
    flush_answer (engine, event);
    return;
  }
  Utterance *utterance = rp_playout_find (engine, event->id);
  if (utterance == NULL)
    return;
  /* Nobody can have heard what was held back. */
  if (utterance->generation->tentative && event->type >= RP_ENGINE_PLAYOUT_STARTED)
    return;
  switch (event->type) {
  case RP_ENGINE_TTS_WORDS:
    words (engine, utterance, event);
    break;
  case RP_ENGINE_TTS_DONE:
    tts_done (engine, utterance, event->n_frames);
    break;
  case RP_ENGINE_TTS_FAILED:
    engine->voice_us = engine->now_us;
    if (!utterance->generation->dead)
      rp_playout_fail (engine, utterance, event->text != NULL ? event->text : "unknown");
    break;
  case RP_ENGINE_PLAYOUT_STARTED:
  case RP_ENGINE_PLAYOUT_PROGRESS:
  case RP_ENGINE_PLAYOUT_ENDED:
    if (event->n_frames > 0)
      end_earlier (engine, utterance);
    progress (engine, utterance, event);
    if (event->type == RP_ENGINE_PLAYOUT_ENDED) {
      utterance->done = TRUE;
      utterance->n_frames = utterance->frames_played;
    }
    if (!utterance->generation->dead && utterance->done &&
        utterance->frames_played >= utterance->n_frames)
      rp_playout_end (engine, utterance);
    break;
  default:
    break;
  }
}

void
rp_playout_timer (RpEngine *engine)
{
  if (engine->flushes_unanswered > MAX_LATE_FLUSHES)
    engine->flushes_unanswered = 0;
  if (engine->flushing)
    flushed (engine);
}
