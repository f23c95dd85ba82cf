/* Tool calls: one record each, with exactly one terminal state, and the pair of call and result
 * always whole in the context. */
#include "engine-private.h"

#include <string.h>

#define END_CALL "end_call"
/* The result of a tool that has nothing to say. */
#define NOTHING_SAID "{\"ok\":true}"
#define MAX_CALLS_PER_GENERATION 16
/* What the client is told of a call may have these lengths (proto/README.md). */
#define MAX_ID_BYTES 64
#define MAX_KNOWN_IDS 4096
#define MAX_NAME_BYTES 128
#define MAX_ARGUMENTS_BYTES (16 * 1024)
#define MAX_RESULT_BYTES (16 * 1024)
#define MAX_FAILURE_BYTES 1000

ToolRecord *
rp_tool_record_new (const RpEngine *engine, const RpToolCall *call)
{
  ToolRecord *record = g_new0 (ToolRecord, 1);
  record->call = rp_tool_call_copy (call);
  record->state = TOOL_WAITING;
  for (guint i = 0; i < engine->config.n_client_tools; i++) {
    if (strcmp (engine->config.client_tools[i].name, call->name) == 0)
      record->client = &engine->config.client_tools[i];
  }
  return record;
}

void
rp_tool_record_free (ToolRecord *record)
{
  if (record == NULL)
    return;
  rp_tool_call_free (record->call);
  g_free (record->result);
  g_free (record);
}

static void
emit_call (RpEngine *engine, const ToolRecord *record, const char *status)
{
  RpEngineEmit *emit = rp_engine_emit (engine, RP_EMIT_TOOL_CALL);
  emit->client = record->client != NULL;
  emit->call = rp_tool_call_copy (record->call);
  emit->status = status;
  emit->result = g_strdup (record->result);
}

static gboolean
is_terminal (const ToolRecord *record)
{
  return record->state == TOOL_DONE || record->state == TOOL_FAILED;
}

/* It tells the client something and awaits nothing. */
static gboolean
is_notice (const ToolRecord *record)
{
  return record->client != NULL && record->client->notify;
}

static gboolean
is_end_call (const ToolRecord *record)
{
  return strcmp (record->call->name, END_CALL) == 0;
}

static void
set_tools_timer (RpEngine *engine)
{
  gint64 due = G_MAXINT64;
  for (guint i = 0; i < engine->generations->len; i++) {
    const Generation *generation = engine->generations->pdata[i];
    for (guint j = 0; j < generation->tools->len; j++) {
      const ToolRecord *record = generation->tools->pdata[j];
      if (record->state == TOOL_RUNNING)
        due = MIN (due, record->deadline_us);
    }
  }
  engine->timers[TIMER_TOOLS] = G_MAXINT64;
  if (due != G_MAXINT64)
    rp_engine_set_timer (engine, TIMER_TOOLS, due);
}

void
rp_tools_know_id (RpEngine *engine, const char *id)
{
  if (g_hash_table_size (engine->call_ids) >= MAX_KNOWN_IDS)
    g_hash_table_remove_all (engine->call_ids);
  g_hash_table_add (engine->call_ids, g_strdup (id));
}

/* Call and result are told apart by nothing but the id, here and by what the tools remember, and
 * some brains give none, or the same one again. Of a resumed conversation not all ids are known: a
 * call that leaves nothing in the context, as a notice of a generation that was cut, is in no
 * checkpoint. */
static void
make_id_unique (RpEngine *engine, const Generation *generation, RpToolCall *call)
{
  gboolean fresh = !engine->resumed && *call->id != '\0' && strlen (call->id) <= MAX_ID_BYTES &&
                   !g_hash_table_contains (engine->call_ids, call->id);
  for (guint n = 0; !fresh; n++) {
    g_free (call->id);
    call->id = g_strdup_printf ("call_%u_%u", generation->id, n);
    fresh = !g_hash_table_contains (engine->call_ids, call->id);
  }
  rp_tools_know_id (engine, call->id);
}

static void
call (RpEngine *engine, ToolRecord *record)
{
  guint timeout_ms =
      record->client != NULL ? record->client->timeout_ms : engine->config.tool_timeout_ms;
  record->state = TOOL_RUNNING;
  record->deadline_us = engine->now_us + (gint64) timeout_ms * 1000;
  if (record->client == NULL)
    rp_engine_push (engine, RP_ENGINE_TOOL_CALL)->call = rp_tool_call_copy (record->call);
  set_tools_timer (engine);
  rp_engine_checkpoint_soon (engine);
}

static void
run (RpEngine *engine, Generation *generation, ToolRecord *record)
{
  make_id_unique (engine, generation, record->call);
  /* Hanging up is the engine's own affair: it waits until the goodbye was heard. */
  if (is_end_call (record)) {
    generation->end_call = TRUE;
    emit_call (engine, record, "started");
    return;
  }
  emit_call (engine, record, "started");
  if (!is_notice (record)) {
    call (engine, record);
    return;
  }
  record->state = TOOL_DONE;
  record->result = g_strdup (NOTHING_SAID);
  emit_call (engine, record, "done");
  rp_engine_checkpoint_soon (engine);
}

static const char *
fault (const Generation *generation, const RpToolCall *call)
{
  if (generation->tools->len >= MAX_CALLS_PER_GENERATION)
    return "the brain called too many tools at once";
  if (*call->name == '\0' || strlen (call->name) > MAX_NAME_BYTES)
    return "the brain called a tool that cannot exist";
  if (strlen (call->arguments) > MAX_ARGUMENTS_BYTES)
    return "the brain called a tool with too long arguments";
  return NULL;
}

void
rp_tools_add (RpEngine *engine, Generation *generation, const RpToolCall *call)
{
  const char *why = fault (generation, call);
  if (why != NULL) {
    rp_engine_emit (engine, RP_EMIT_ERROR)->text = g_strdup (why);
    return;
  }
  generation->got_delta = TRUE;
  ToolRecord *record = rp_tool_record_new (engine, call);
  g_ptr_array_add (generation->tools, record);
  if (!generation->tentative)
    run (engine, generation, record);
}

void
rp_tools_release (RpEngine *engine, Generation *generation)
{
  for (guint i = 0; i < generation->tools->len; i++) {
    ToolRecord *record = generation->tools->pdata[i];
    if (record->state == TOOL_WAITING)
      run (engine, generation, record);
  }
}

/* The server knows whether the client has been asked. */
static void
call_again (RpEngine *engine, ToolRecord *record)
{
  if (record->client != NULL)
    emit_call (engine, record, "started");
  call (engine, record);
}

void
rp_tools_take_up (RpEngine *engine, Generation *generation)
{
  for (guint i = 0; i < generation->tools->len; i++) {
    ToolRecord *record = generation->tools->pdata[i];
    if (record->state == TOOL_WAITING && !is_end_call (record))
      run (engine, generation, record);
    else if (record->state == TOOL_RUNNING)
      call_again (engine, record);
  }
}

/* The user cut the generation: what runs comes to its end, what has not begun never will, and
 * nobody hangs up. */
void
rp_tools_cut (RpEngine *engine, Generation *generation)
{
  generation->end_call = FALSE;
  for (guint i = generation->tools->len; i > 0; i--) {
    ToolRecord *record = generation->tools->pdata[i - 1];
    if (record->state != TOOL_WAITING)
      continue;
    emit_call (engine, record, "cancelled");
    g_ptr_array_remove_index (generation->tools, i - 1);
  }
  rp_tools_conclude (engine, generation);
}

gboolean
rp_tools_settled (const Generation *generation)
{
  for (guint i = 0; i < generation->tools->len; i++) {
    const ToolRecord *record = generation->tools->pdata[i];
    if (!is_terminal (record) && !is_end_call (record))
      return FALSE;
  }
  return TRUE;
}

gboolean
rp_tools_unanswered (const Generation *generation)
{
  for (guint i = 0; !generation->tools_recorded && i < generation->tools->len; i++) {
    const ToolRecord *record = generation->tools->pdata[i];
    if (!is_end_call (record) && !is_notice (record))
      return TRUE;
  }
  return FALSE;
}

/* Something was said, and its tools have nothing to add. */
static gboolean
is_complete (const Generation *generation)
{
  for (guint i = 0; i < generation->tools->len; i++) {
    if (!is_notice (generation->tools->pdata[i]))
      return FALSE;
  }
  const char *text = generation->text->str;
  return text[strspn (text, " \t\r\n")] != '\0';
}

gboolean
rp_tools_pending (const RpEngine *engine)
{
  for (guint i = 0; i < engine->generations->len; i++) {
    if (!rp_tools_settled (engine->generations->pdata[i]))
      return TRUE;
  }
  return FALSE;
}

/* Where the calls of @generation are written: into its own message, unless it was cut and has said
 * the rest of it again since. */
static RpMessage *
calls_message (RpEngine *engine, Generation *generation, guint *out_index)
{
  RpMessage *message = rp_generation_message (engine, generation);
  guint index = 0;
  g_ptr_array_find (engine->messages, message, &index);
  guint after = index + 1;
  while (after < engine->messages->len &&
         ((RpMessage *) engine->messages->pdata[after])->role == RP_ROLE_ASSISTANT)
    after++;
  *out_index = after - 1;
  if (after == index + 1)
    return message;
  message = rp_message_new (RP_ROLE_ASSISTANT, "", rp_engine_unix_s (engine));
  g_ptr_array_insert (engine->messages, (gint) after, message);
  *out_index = after;
  return message;
}

static void
record_pair (RpEngine *engine, Generation *generation)
{
  guint index = 0;
  RpMessage *message = calls_message (engine, generation, &index);
  message->tool_calls = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_tool_call_free);
  for (guint i = 0; i < generation->tools->len; i++) {
    const ToolRecord *record = generation->tools->pdata[i];
    g_ptr_array_add (message->tool_calls, rp_tool_call_copy (record->call));
    RpMessage *result = rp_message_new (RP_ROLE_TOOL, record->result, rp_engine_unix_s (engine));
    result->tool_call_id = g_strdup (record->call->id);
    g_ptr_array_insert (engine->messages, (gint) (index + 1 + i), result);
  }
}

void
rp_tools_conclude (RpEngine *engine, Generation *generation)
{
  if (generation->tentative || generation->tools_recorded || generation->tools->len == 0 ||
      !generation->llm_done || generation->end_call || !rp_tools_settled (generation))
    return;
  generation->tools_recorded = TRUE;
  record_pair (engine, generation);
  rp_engine_checkpoint_soon (engine);
  if (generation->dead) {
    /* The user's next turn will find the result in the context. */
    rp_generation_try (engine);
    return;
  }
  if (is_complete (generation))
    return;
  /* It was silent: the turn's answer is still to come. */
  if (generation->turn_end_us != 0 && generation->n_utterances == 0) {
    engine->answer_end_us = generation->turn_end_us;
    engine->answer_metrics = generation->metrics;
    generation->turn_end_us = 0;
  }
  if (++engine->tool_steps > engine->config.max_tool_steps) {
    rp_engine_emit (engine, RP_EMIT_ERROR)->text =
        g_strdup ("the brain kept calling tools without an answer");
    rp_generation_say (engine, engine->config.brain_failed, FALSE);
    return;
  }
  rp_generation_want (engine);
}

void
rp_tools_end_call (RpEngine *engine, Generation *generation)
{
  for (guint i = 0; i < generation->tools->len; i++) {
    ToolRecord *record = generation->tools->pdata[i];
    if (is_terminal (record))
      continue;
    record->state = TOOL_DONE;
    record->result = g_strdup (NOTHING_SAID);
    emit_call (engine, record, "done");
  }
  if (generation->tools->len > 0)
    record_pair (engine, generation);
}

/* A failure is a result as well: the brain must be able to say so. Returns: (transfer full) */
static char *
failure_json (const char *why)
{
  const char *end = why + MIN (strlen (why), MAX_FAILURE_BYTES);
  g_autofree char *valid = g_utf8_make_valid (why, end - why);
  GString *json = g_string_new ("{\"ok\":false,\"error\":\"");
  for (const char *p = valid; *p != '\0'; p++) {
    if (*p == '"' || *p == '\\')
      g_string_append_c (json, '\\');
    if ((guchar) *p < 0x20)
      g_string_append_printf (json, "\\u%04x", (guint) *p);
    else
      g_string_append_c (json, *p);
  }
  g_string_append (json, "\"}");
  return g_string_free (json, FALSE);
}

static void
finish (RpEngine *engine, Generation *generation, ToolRecord *record, gboolean ok,
        const char *result)
{
  if (ok && result != NULL && strlen (result) > MAX_RESULT_BYTES) {
    ok = FALSE;
    result = "the tool's result is too long";
  }
  record->state = ok ? TOOL_DONE : TOOL_FAILED;
  if (ok)
    record->result = g_strdup (result != NULL && *result != '\0' ? result : "{}");
  else
    record->result = failure_json (result != NULL ? result : "unknown");
  emit_call (engine, record, ok ? "done" : "failed");
  rp_engine_checkpoint_soon (engine);
  set_tools_timer (engine);
  rp_tools_conclude (engine, generation);
  rp_generation_settle (engine, generation);
}

static gboolean
find (RpEngine *engine, const char *id, gboolean client, Generation **out_generation,
      ToolRecord **out_record)
{
  for (guint i = 0; i < engine->generations->len; i++) {
    Generation *generation = engine->generations->pdata[i];
    for (guint j = 0; j < generation->tools->len; j++) {
      ToolRecord *record = generation->tools->pdata[j];
      if (record->state == TOOL_RUNNING && !is_end_call (record) &&
          (record->client != NULL) == client && g_strcmp0 (record->call->id, id) == 0) {
        *out_generation = generation;
        *out_record = record;
        return TRUE;
      }
    }
  }
  return FALSE;
}

void
rp_tools_input (RpEngine *engine, const RpEngineEvent *event)
{
  Generation *generation = NULL;
  ToolRecord *record = NULL;
  gboolean client =
      event->type == RP_ENGINE_CLIENT_RESULT || event->type == RP_ENGINE_CLIENT_FAILED;
  gboolean ok = event->type == RP_ENGINE_TOOL_RESULT || event->type == RP_ENGINE_CLIENT_RESULT;
  if (find (engine, event->text, client, &generation, &record))
    finish (engine, generation, record, ok, event->result);
  else if (client)
    engine->ignored_results++;
}

void
rp_tools_timer (RpEngine *engine)
{
  for (guint i = 0; i < engine->generations->len; i++) {
    Generation *generation = engine->generations->pdata[i];
    for (guint j = 0; j < generation->tools->len; j++) {
      ToolRecord *record = generation->tools->pdata[j];
      if (record->state == TOOL_RUNNING && record->deadline_us <= engine->now_us) {
        finish (engine, generation, record, FALSE, "the tool did not answer in time");
        /* The generation may be gone: look again. */
        set_tools_timer (engine);
        return;
      }
    }
  }
}
