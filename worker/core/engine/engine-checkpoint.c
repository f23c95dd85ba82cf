/* The conversation's memory, for a worker that replaces a dead one.
 *
 * A GVariant in normal form: it crosses the server as opaque bytes, and is checked as foreign input
 * when it comes back. */
#include "engine-private.h"

#include <string.h>

#define CHECKPOINT_VERSION 2
#define TOOLS_TYPE "a(sssys)"
#define MESSAGE_TYPE "(ysa(sss)ssxb)"
#define GENERATION_TYPE "(ubbbbyssii" TOOLS_TYPE ")"
#define UTTERANCE_TYPE "(uusba(uu)buu)"
#define NUMBERS_TYPE "(uuubbbuuuybbb)"
#define TURN_TYPE "(bsbsby)"
#define CHECKPOINT_TYPE \
  "(u" NUMBERS_TYPE TURN_TYPE "a" MESSAGE_TYPE "a" GENERATION_TYPE "a" UTTERANCE_TYPE ")"

/* Limits of what is taken from a checkpoint. */
#define MAX_LIVE 64
#define MAX_MESSAGES 2000
#define MAX_ID (G_MAXUINT32 / 2)
/* A worker may have begun this much since its last checkpoint. What it has flushed of that the
 * server drops for ever, so its ids are not used again. */
#define SKIPPED_IDS 1000
/* Words that the dead worker had heard may be lost with it: after this long without new ones the
 * agent asks. */
#define LOST_WORDS_US (1500 * 1000)

G_DEFINE_QUARK (rp_engine_error, rp_engine_error)

static GVariant *
pack_message (const RpMessage *message)
{
  GVariantBuilder calls;
  g_variant_builder_init (&calls, G_VARIANT_TYPE ("a(sss)"));
  for (guint i = 0; message->tool_calls != NULL && i < message->tool_calls->len; i++) {
    const RpToolCall *call = message->tool_calls->pdata[i];
    g_variant_builder_add (&calls, "(sss)", call->id, call->name, call->arguments);
  }
  return g_variant_new ("(ysa(sss)ssxb)", (guchar) message->role, message->content, &calls,
                        message->tool_call_id != NULL ? message->tool_call_id : "",
                        message->unheard != NULL ? message->unheard : "", message->time_s,
                        message->interrupted);
}

static int
message_index (const GPtrArray *messages, const RpMessage *message, guint first)
{
  guint index = 0;
  if (message == NULL || !g_ptr_array_find ((GPtrArray *) messages, message, &index) ||
      index < first)
    return -1;
  return (int) (index - first);
}

static GVariant *
pack_generation (const RpEngine *engine, const Generation *generation, guint first)
{
  GVariantBuilder tools;
  g_variant_builder_init (&tools, G_VARIANT_TYPE (TOOLS_TYPE));
  for (guint i = 0; !generation->tools_recorded && i < generation->tools->len; i++) {
    const ToolRecord *record = generation->tools->pdata[i];
    g_variant_builder_add (&tools, "(sssys)", record->call->id, record->call->name,
                           record->call->arguments, (guchar) record->state,
                           record->result != NULL ? record->result : "");
  }
  return g_variant_new (GENERATION_TYPE, generation->id, generation->own, generation->llm_done,
                        generation->dead, generation->end_call, (guchar) generation->expect,
                        generation->text->str, generation->heard->str,
                        message_index (engine->messages, generation->message, first),
                        message_index (engine->messages, generation->after, first), &tools);
}

static GVariant *
pack_utterance (const Utterance *utterance)
{
  GVariantBuilder words;
  g_variant_builder_init (&words, G_VARIANT_TYPE ("a(uu)"));
  for (guint i = 0; i < utterance->n_words; i++)
    g_variant_builder_add (&words, "(uu)", utterance->words[i].end_byte,
                           utterance->words[i].end_samples);
  return g_variant_new ("(uusba(uu)buu)", utterance->id, utterance->generation->id, utterance->text,
                        utterance->has_words, &words, utterance->done, utterance->n_frames,
                        utterance->frames_played);
}

/* @first: the oldest message to keep. @live: with what is being thought, called and said. */
static GVariant *
pack (const RpEngine *engine, guint first, gboolean live)
{
  GVariantBuilder messages, generations, utterances;
  g_variant_builder_init (&messages, G_VARIANT_TYPE ("a" MESSAGE_TYPE));
  for (guint i = first; i < engine->messages->len; i++)
    g_variant_builder_add_value (&messages, pack_message (engine->messages->pdata[i]));
  g_variant_builder_init (&generations, G_VARIANT_TYPE ("a" GENERATION_TYPE));
  for (guint i = 0; live && i < engine->generations->len; i++) {
    const Generation *generation = engine->generations->pdata[i];
    if (!generation->tentative)
      g_variant_builder_add_value (&generations, pack_generation (engine, generation, first));
  }
  g_variant_builder_init (&utterances, G_VARIANT_TYPE ("a" UTTERANCE_TYPE));
  for (GList *l = engine->utterances.head; live && l != NULL; l = l->next) {
    const Utterance *utterance = l->data;
    if (!utterance->generation->tentative)
      g_variant_builder_add_value (&utterances, pack_utterance (utterance));
  }
  GVariant *numbers = g_variant_new (
      NUMBERS_TYPE, engine->next_generation, engine->next_utterance, engine->next_job,
      engine->connected, engine->draining, engine->hung_up, engine->idle_prompts,
      engine->not_heard_count, engine->tool_steps, (guchar) engine->expect,
      engine->wants_generation || !live, engine->wants_again, engine->text_only);
  const UserTurn *turn = &engine->turn;
  const char *carry = live && turn->carry_on.text != NULL ? turn->carry_on.text : "";
  GVariant *user = g_variant_new (TURN_TYPE, turn->phase != TURN_IDLE || engine->lost_words,
                                  live ? turn->committed->str : "", turn->carry_on.unanswered,
                                  carry, turn->carry_on.end_call, (guchar) turn->carry_on.expect);
  return g_variant_ref_sink (g_variant_new (
      "(u@" NUMBERS_TYPE "@" TURN_TYPE "a" MESSAGE_TYPE "a" GENERATION_TYPE "a" UTTERANCE_TYPE ")",
      CHECKPOINT_VERSION, numbers, user, &messages, &generations, &utterances));
}

GBytes *
rp_engine_checkpoint (const RpEngine *engine)
{
  /* System messages come from the agent's directory; they are not part of the memory. */
  guint system = rp_messages_n_system (engine->messages);
  guint first = system;
  gboolean live = TRUE;
  for (;;) {
    g_autoptr (GVariant) variant = pack (engine, first, live);
    if (g_variant_get_size (variant) <= RP_ENGINE_MAX_CHECKPOINT_BYTES)
      return g_variant_get_data_as_bytes (variant);
    if (first >= engine->messages->len) {
      /* It is not the memory that is long, but what is under way: the brain is asked again. */
      g_assert (live);
      live = FALSE;
      first = system;
      continue;
    }
    /* Too long a memory: forget the older half, but never part a call from its result. */
    first += (engine->messages->len - first + 1) / 2;
    while (first < engine->messages->len &&
           ((RpMessage *) engine->messages->pdata[first])->role == RP_ROLE_TOOL)
      first++;
  }
}

static gboolean
invalid (GError **error, const char *what)
{
  g_set_error (error, RP_ENGINE_ERROR, RP_ENGINE_ERROR_CHECKPOINT, "checkpoint: %s", what);
  return FALSE;
}

static gboolean
unpack_messages (RpEngine *engine, GVariant *list, GPtrArray *out, GError **error)
{
  GVariantIter iter;
  GVariant *calls = NULL;
  const char *content, *tool_call_id, *unheard;
  guchar role;
  gint64 time_s;
  gboolean interrupted;
  if (g_variant_n_children (list) > MAX_MESSAGES)
    return invalid (error, "too many messages");
  g_variant_iter_init (&iter, list);
  while (g_variant_iter_next (&iter, "(y&s@a(sss)&s&sxb)", &role, &content, &calls, &tool_call_id,
                              &unheard, &time_s, &interrupted)) {
    g_autoptr (GVariant) own_calls = calls;
    if (role > RP_ROLE_TOOL || role == RP_ROLE_SYSTEM)
      return invalid (error, "a message of an unknown role");
    RpMessage *message = rp_message_new ((RpRole) role, content, time_s);
    g_ptr_array_add (out, message);
    message->interrupted = interrupted;
    message->tool_call_id = *tool_call_id != '\0' ? g_strdup (tool_call_id) : NULL;
    message->unheard = *unheard != '\0' ? g_strdup (unheard) : NULL;
    GVariantIter call_iter;
    const char *id, *name, *arguments;
    g_variant_iter_init (&call_iter, own_calls);
    while (g_variant_iter_next (&call_iter, "(&s&s&s)", &id, &name, &arguments)) {
      if (message->tool_calls == NULL)
        message->tool_calls = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_tool_call_free);
      g_ptr_array_add (message->tool_calls, rp_tool_call_new (id, name, arguments));
      rp_tools_know_id (engine, id);
    }
  }
  if (!rp_messages_tool_pairs_whole (out))
    return invalid (error, "a tool call without its result");
  return TRUE;
}

static gboolean
unpack_generation (RpEngine *engine, GVariant *packed, guint base, GError **error)
{
  const char *text, *heard;
  int message = 0, after = 0;
  guchar expect = 0;
  g_autoptr (GVariant) tools = NULL;
  Generation *generation = g_new0 (Generation, 1);
  generation->splitter = rp_sentence_new (&engine->config.sentence);
  generation->tools = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_tool_record_free);
  g_variant_get (packed, "(ubbbby&s&sii@" TOOLS_TYPE ")", &generation->id, &generation->own,
                 &generation->llm_done, &generation->dead, &generation->end_call, &expect, &text,
                 &heard, &message, &after, &tools);
  generation->text = g_string_new (text);
  generation->heard = g_string_new (heard);
  generation->started_us = engine->now_us;
  generation->metrics = (RpTurnMetrics){-1, -1, -1, -1, -1, -1};
  g_ptr_array_add (engine->generations, generation);

  int count = (int) (engine->messages->len - base);
  if (message >= count || after >= count || message < -1 || after < -1 ||
      expect > RP_EXPECT_MESSAGE)
    return invalid (error, "a generation without its message");
  generation->expect = (RpExpect) expect;
  generation->message = message >= 0 ? engine->messages->pdata[base + (guint) message] : NULL;
  if (generation->message != NULL &&
      (generation->message->role != RP_ROLE_ASSISTANT || generation->message->tool_calls != NULL) &&
      g_variant_n_children (tools) > 0)
    return invalid (error, "tool calls of a message that has none");
  if (generation->message != NULL && generation->message->role != RP_ROLE_ASSISTANT)
    return invalid (error, "a generation of a message that is not the agent's");
  generation->after = after >= 0 ? engine->messages->pdata[base + (guint) after] : NULL;

  GVariantIter iter;
  const char *id, *name, *arguments, *result;
  guchar state;
  g_variant_iter_init (&iter, tools);
  while (g_variant_iter_next (&iter, "(&s&s&sy&s)", &id, &name, &arguments, &state, &result)) {
    if (state > TOOL_FAILED)
      return invalid (error, "a tool call of an unknown state");
    g_autoptr (RpToolCall) call = rp_tool_call_new (id, name, arguments);
    ToolRecord *record = rp_tool_record_new (engine, call);
    record->state = (ToolState) state;
    record->result = *result != '\0' ? g_strdup (result) : NULL;
    if (record->state != TOOL_WAITING)
      rp_tools_know_id (engine, id);
    g_ptr_array_add (generation->tools, record);
  }
  return TRUE;
}

static gboolean
unpack_utterance (RpEngine *engine, GVariant *packed, GError **error)
{
  guint32 generation_id = 0;
  const char *text;
  g_autoptr (GVariant) words = NULL;
  Utterance *utterance = g_new0 (Utterance, 1);
  g_queue_push_tail (&engine->utterances, utterance);
  g_variant_get (packed, "(uu&sb@a(uu)buu)", &utterance->id, &generation_id, &text,
                 &utterance->has_words, &words, &utterance->done, &utterance->n_frames,
                 &utterance->frames_played);
  utterance->text = g_strdup (text);
  utterance->spoken_us = engine->now_us;
  utterance->started = utterance->frames_played > 0;
  utterance->generation = rp_generation_find (engine, generation_id);
  if (utterance->generation == NULL)
    return invalid (error, "an utterance without its generation");
  utterance->generation->n_utterances++;

  gsize n = g_variant_n_children (words);
  gsize length = strlen (text);
  utterance->words = g_new0 (RpEngineWord, MAX (n, 1));
  for (gsize i = 0; i < n; i++) {
    RpEngineWord *word = &utterance->words[i];
    g_variant_get_child (words, i, "(uu)", &word->end_byte, &word->end_samples);
    if (word->end_byte > length)
      return invalid (error, "a word beyond its text");
    utterance->n_words++;
  }
  return TRUE;
}

static gboolean
is_next_id (guint32 id)
{
  return id > 0 && id < MAX_ID;
}

static gboolean
unpack (RpEngine *engine, GVariant *variant, GError **error)
{
  guint32 version = 0;
  guchar expect = 0, carry_expect = 0;
  gboolean user_active = FALSE;
  const char *committed, *carry;
  g_autoptr (GVariant) messages = NULL, generations = NULL, utterances = NULL;
  UserTurn *turn = &engine->turn;
  g_variant_get (variant,
                 "(u" NUMBERS_TYPE "(b&sb&sby)@a" MESSAGE_TYPE "@a" GENERATION_TYPE
                 "@a" UTTERANCE_TYPE ")",
                 &version, &engine->next_generation, &engine->next_utterance, &engine->next_job,
                 &engine->connected, &engine->draining, &engine->hung_up, &engine->idle_prompts,
                 &engine->not_heard_count, &engine->tool_steps, &expect, &engine->wants_generation,
                 &engine->wants_again, &engine->text_only, &user_active, &committed,
                 &turn->carry_on.unanswered, &carry, &turn->carry_on.end_call, &carry_expect,
                 &messages, &generations, &utterances);
  if (version != CHECKPOINT_VERSION)
    return invalid (error, "another version");
  if (expect > RP_EXPECT_MESSAGE || carry_expect > RP_EXPECT_MESSAGE ||
      !is_next_id (engine->next_generation) || !is_next_id (engine->next_utterance) ||
      !is_next_id (engine->next_job))
    return invalid (error, "a number out of range");
  engine->expect = (RpExpect) expect;
  g_string_assign (turn->committed, committed);
  turn->carry_on.text = *carry != '\0' ? g_strdup (carry) : NULL;
  turn->carry_on.expect = (RpExpect) carry_expect;
  engine->lost_words = user_active;

  g_autoptr (GPtrArray) restored = rp_messages_new ();
  if (!unpack_messages (engine, messages, restored, error))
    return FALSE;
  guint base = engine->messages->len;
  g_ptr_array_extend_and_steal (engine->messages, g_steal_pointer (&restored));

  if (g_variant_n_children (generations) > MAX_LIVE || g_variant_n_children (utterances) > 1000)
    return invalid (error, "too much at once");
  for (gsize i = 0; i < g_variant_n_children (generations); i++) {
    g_autoptr (GVariant) packed = g_variant_get_child_value (generations, i);
    if (!unpack_generation (engine, packed, base, error))
      return FALSE;
  }
  for (gsize i = 0; i < g_variant_n_children (utterances); i++) {
    g_autoptr (GVariant) packed = g_variant_get_child_value (utterances, i);
    if (!unpack_utterance (engine, packed, error))
      return FALSE;
  }
  return TRUE;
}

static const RpEnginePlayed *
find_played (const RpEnginePlayed *played, guint n_played, guint32 utterance)
{
  for (guint i = 0; i < n_played; i++) {
    if (played[i].utterance == utterance)
      return &played[i];
  }
  return NULL;
}

/* Cuts an utterance to the words whose audio the server has. Returns: (transfer full) the rest of
 * its text */
static char *
cut_to_received (Utterance *utterance, guint n_frames)
{
  guint64 received = (guint64) n_frames * RP_ENGINE_FRAME_SAMPLES;
  gsize bytes = 0;
  guint n = 0;
  while (n < utterance->n_words && utterance->words[n].end_samples <= received)
    bytes = utterance->words[n++].end_byte;
  char *rest = g_strstrip (g_strdup (utterance->text + bytes));
  utterance->text[bytes] = '\0';
  utterance->n_words = n;
  return rest;
}

/* What the server has plays on; the rest is given to the voice again, in order, under new ids. */
static void
take_up_utterances (RpEngine *engine, const RpEnginePlayed *played, guint n_played)
{
  GQueue old = engine->utterances;
  g_queue_init (&engine->utterances);
  Utterance *utterance;
  while ((utterance = g_queue_pop_head (&old)) != NULL) {
    Generation *generation = utterance->generation;
    const RpEnginePlayed *known = find_played (played, n_played, utterance->id);
    g_autofree char *again = NULL;
    if (known == NULL || known->n_frames == 0) {
      again = g_strdup (utterance->text);
      rp_playout_lose (engine, utterance);
    } else if (generation->dead) {
      /* A flush left as many frames as were played. */
      utterance->frames_played = known->frames_played;
      utterance->started = utterance->frames_played > 0;
      engine->speaking = engine->speaking || utterance->started;
      g_queue_push_tail (&engine->utterances, utterance);
    } else {
      if (!known->complete || (utterance->done && known->n_frames < utterance->n_frames))
        again = cut_to_received (utterance, known->n_frames);
      utterance->done = TRUE;
      utterance->n_frames = known->n_frames;
      utterance->frames_played = MIN (known->frames_played, known->n_frames);
      utterance->started = utterance->frames_played > 0;
      engine->speaking = engine->speaking || utterance->started;
      g_queue_push_tail (&engine->utterances, utterance);
    }
    if (again != NULL && *again != '\0' && !generation->dead)
      rp_generation_speak (engine, generation, again);
  }
}

static void
end_what_was_played (RpEngine *engine)
{
  for (;;) {
    Utterance *utterance = g_queue_peek_head (&engine->utterances);
    if (utterance == NULL || utterance->generation->dead || !utterance->done ||
        utterance->frames_played < utterance->n_frames)
      return;
    rp_playout_end (engine, utterance);
  }
}

/* Brains died with their worker: what was not begun is asked again, what was begun counts as all
 * there was. */
static void
take_up_generations (RpEngine *engine)
{
  g_autoptr (GPtrArray) live = g_ptr_array_new ();
  for (guint i = 0; i < engine->generations->len; i++)
    g_ptr_array_add (live, engine->generations->pdata[i]);
  for (guint i = 0; i < live->len; i++) {
    Generation *generation = live->pdata[i];
    gboolean begun =
        generation->text->len > 0 || generation->tools->len > 0 || generation->n_utterances > 0;
    if (!generation->llm_done)
      rp_engine_emit (engine, RP_EMIT_AGENT_THOUGHT)->id = generation->id;
    if (!generation->llm_done && !begun) {
      engine->wants_generation = engine->wants_again = TRUE;
      g_ptr_array_remove (engine->generations, generation);
      continue;
    }
    generation->llm_done = TRUE;
    rp_tools_take_up (engine, generation);
    rp_tools_conclude (engine, generation);
    rp_generation_settle (engine, generation);
  }
}

/* What was cut is cut once more: the server may not have been told. */
static void
take_up_flush (RpEngine *engine)
{
  guint32 last = 0;
  for (GList *l = engine->utterances.head; l != NULL; l = l->next) {
    const Utterance *utterance = l->data;
    if (utterance->generation->dead)
      last = utterance->id;
  }
  if (last != 0)
    rp_playout_flush (engine, last, 0);
}

static void
forget_all (RpEngine *engine, guint n_messages)
{
  g_queue_clear_full (&engine->utterances, (GDestroyNotify) rp_utterance_free);
  g_ptr_array_set_size (engine->generations, 0);
  g_ptr_array_set_size (engine->messages, (gint) n_messages);
  g_hash_table_remove_all (engine->call_ids);
  rp_turn_clear (&engine->turn);
  rp_turn_init (&engine->turn);
  engine->next_generation = engine->next_utterance = engine->next_job = 1;
  engine->connected = engine->draining = engine->hung_up = engine->wants_generation = FALSE;
  engine->lost_words = engine->text_only = engine->wants_again = FALSE;
  engine->idle_prompts = engine->not_heard_count = engine->tool_steps = 0;
  engine->expect = RP_EXPECT_ANYTHING;
}

static void
skip_ids (RpEngine *engine, const RpEnginePlayed *played, guint n_played)
{
  for (guint i = 0; i < n_played; i++) {
    if (played[i].utterance < MAX_ID)
      engine->next_utterance = MAX (engine->next_utterance, played[i].utterance + 1);
  }
  engine->next_utterance += SKIPPED_IDS;
  engine->next_generation += SKIPPED_IDS;
}

gboolean
rp_engine_resume (RpEngine *engine, gint64 now_us, GBytes *checkpoint, const RpEnginePlayed *played,
                  guint n_played, gboolean connected, GError **error)
{
  engine->now_us = MAX (engine->now_us, now_us);
  g_autoptr (GVariant) variant = g_variant_ref_sink (g_variant_new_from_bytes (
      G_VARIANT_TYPE (CHECKPOINT_TYPE), checkpoint, /* trusted= */ FALSE));
  if (!g_variant_is_normal_form (variant))
    return invalid (error, "not in normal form");
  guint base = engine->messages->len;
  if (!unpack (engine, variant, error)) {
    forget_all (engine, base);
    return FALSE;
  }
  skip_ids (engine, played, n_played);
  engine->resumed = TRUE;
  if (engine->hung_up) {
    rp_engine_hang_up (engine);
    return TRUE;
  }
  gboolean greeted = engine->connected;
  /* Whether the user still speaks is for the VAD to say anew. */
  if (engine->lost_words)
    rp_engine_emit (engine, RP_EMIT_USER_STOPPED_SPEAKING);
  take_up_utterances (engine, played, n_played);
  take_up_generations (engine);
  take_up_flush (engine);
  end_what_was_played (engine);
  if (connected && !greeted) {
    RpEngineEvent event = {.type = RP_ENGINE_CONNECTED};
    rp_engine_input (engine, now_us, &event);
  }
  rp_generation_try (engine);
  rp_playout_quiet (engine);
  if (engine->lost_words)
    rp_engine_set_timer (engine, TIMER_IDLE, now_us + LOST_WORDS_US);
  rp_engine_checkpoint_soon (engine);
  return TRUE;
}
