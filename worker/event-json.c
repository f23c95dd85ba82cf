#include "event-json.h"

#include "frame.h"
#include "json.h"

#include <string.h>

static void
add_key (GString *json, const char *key)
{
  if (json->str[json->len - 1] != '{')
    g_string_append_c (json, ',');
  rp_json_append_string (json, key);
  g_string_append_c (json, ':');
}

static void
add_text (GString *json, const char *key, const char *text)
{
  if (text == NULL)
    return;
  add_key (json, key);
  gsize len = strlen (text);
  if (len <= RP_EVENT_MAX_TEXT_BYTES) {
    rp_json_append_string (json, text);
    return;
  }
  const char *end = NULL;
  g_utf8_validate_len (text, RP_EVENT_MAX_TEXT_BYTES, &end);
  g_autofree char *cut = g_strndup (text, (gsize) (end - text));
  rp_json_append_string (json, cut);
}

static void
add_number (GString *json, const char *key, guint32 value)
{
  add_key (json, key);
  g_string_append_printf (json, "%u", value);
}

static void
add_boolean (GString *json, const char *key, gboolean value)
{
  add_key (json, key);
  g_string_append (json, value ? "true" : "false");
}

static GString *
begin (const char *event)
{
  GString *json = g_string_new ("{");
  add_text (json, "event", event);
  return json;
}

static char *
end (GString *json)
{
  g_string_append_c (json, '}');
  if (json->len > RP_FRAME_MAX_PAYLOAD_BYTES) {
    /* Bounded strings of control characters are six times as long when escaped. */
    g_string_assign (json, "{\"event\":\"error\",\"message\":\"an event too long to be told\"}");
  }
  return g_string_free (json, FALSE);
}

static gboolean
add_metrics (GString *json, const RpTurnMetrics *metrics)
{
  const struct {
    const char *key;
    double ms;
  } parts[] = {
      {"voice_to_voice_ms", metrics->voice_to_voice},
      {"turn_decision_ms", metrics->turn_decision},
      {"stt_ms", metrics->stt},
      {"llm_ttft_ms", metrics->llm_ttft},
      {"tts_ttfa_ms", metrics->tts_ttfa},
      {"barge_in_stop_ms", metrics->barge_in_stop},
  };
  gboolean any = FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    if (!(parts[i].ms >= 0 && parts[i].ms <= RP_EVENT_MAX_MS))
      continue;
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    add_key (json, parts[i].key);
    g_string_append (json, g_ascii_formatd (number, sizeof number, "%.3f", parts[i].ms));
    any = TRUE;
  }
  return any;
}

static void
add_tool_call (GString *json, const RpEngineEmit *emit)
{
  add_text (json, "id", emit->call->id);
  add_text (json, "name", emit->call->name);
  add_text (json, "status", emit->status);
  add_text (json, "arguments", emit->call->arguments);
  add_text (json, "result", emit->result);
  if (emit->client)
    add_text (json, "where", "client");
}

static void
add_output (GString *json, const RpEngineEmit *emit)
{
  add_number (json, "segment", emit->id);
  add_text (json, "text", emit->text);
  add_text (json, "status", emit->status);
  add_text (json, "heard", emit->heard);
  add_text (json, "remaining", emit->remaining);
  add_boolean (json, "spoken", emit->spoken);
}

static const char *
event_name (RpEmitType type)
{
  static const char *const names[] = {
      [RP_EMIT_USER_STARTED_SPEAKING] = "user_started_speaking",
      [RP_EMIT_USER_STOPPED_SPEAKING] = "user_stopped_speaking",
      [RP_EMIT_USER_TRANSCRIPT] = "user_transcript",
      [RP_EMIT_USER_TURN] = "user_turn",
      [RP_EMIT_AGENT_THINKING] = "agent_thinking",
      [RP_EMIT_AGENT_TEXT] = "agent_text",
      [RP_EMIT_AGENT_THOUGHT] = "agent_thought",
      [RP_EMIT_AGENT_STARTED_SPEAKING] = "agent_started_speaking",
      [RP_EMIT_AGENT_STOPPED_SPEAKING] = "agent_stopped_speaking",
      [RP_EMIT_OUTPUT] = "output",
      [RP_EMIT_INTERRUPTED] = "interrupted",
      [RP_EMIT_TOOL_CALL] = "tool_call",
      [RP_EMIT_METRICS] = "turn_metrics",
      [RP_EMIT_SILENT] = "silent",
      [RP_EMIT_ERROR] = "error",
  };
  return names[type];
}

char *
rp_event_to_json (const RpEngineEmit *emit)
{
  GString *json = begin (event_name (emit->type));
  switch (emit->type) {
  case RP_EMIT_USER_STARTED_SPEAKING:
  case RP_EMIT_USER_STOPPED_SPEAKING:
  case RP_EMIT_AGENT_STARTED_SPEAKING:
  case RP_EMIT_AGENT_STOPPED_SPEAKING:
    break;
  case RP_EMIT_USER_TRANSCRIPT:
    add_text (json, "text", emit->text);
    add_boolean (json, "final", emit->final);
    break;
  case RP_EMIT_USER_TURN:
    add_text (json, "text", emit->text);
    break;
  case RP_EMIT_AGENT_TEXT:
    add_text (json, "text", emit->text);
    add_number (json, "generation", emit->id);
    break;
  case RP_EMIT_AGENT_THINKING:
  case RP_EMIT_AGENT_THOUGHT:
    add_number (json, "generation", emit->id);
    break;
  case RP_EMIT_OUTPUT:
    add_output (json, emit);
    break;
  case RP_EMIT_INTERRUPTED:
    add_text (json, "heard", emit->heard);
    break;
  case RP_EMIT_TOOL_CALL:
    add_tool_call (json, emit);
    break;
  case RP_EMIT_METRICS:
    if (!add_metrics (json, &emit->metrics)) {
      g_string_free (json, TRUE);
      return NULL;
    }
    break;
  case RP_EMIT_SILENT:
    add_text (json, "reason", emit->text);
    break;
  case RP_EMIT_ERROR:
    add_text (json, "message", emit->text);
    add_boolean (json, "fatal", emit->fatal);
    break;
  }
  return end (json);
}

static gboolean
was_said (const RpMessage *message)
{
  return (message->role == RP_ROLE_USER || message->role == RP_ROLE_ASSISTANT) &&
         *message->content != '\0';
}

/* Returns: (transfer full) */
static char *
message_json (const RpMessage *message)
{
  GString *json = g_string_new ("{");
  add_text (json, "role", rp_role_name (message->role));
  add_text (json, "content", message->content);
  return g_string_free (g_string_append_c (json, '}'), FALSE);
}

char *
rp_event_conversation (const GPtrArray *messages)
{
  /* The newest are kept: from the end, for as long as there is room. */
  static const char frame[] = "{\"messages\":[],\"omitted\":4294967295}";
  gsize room = RP_EVENT_MAX_TEXT_BYTES - sizeof frame;
  g_autoptr (GPtrArray) said = g_ptr_array_new_with_free_func (g_free);
  guint omitted = 0;
  for (guint i = messages->len; i-- > 0;) {
    if (!was_said (messages->pdata[i]))
      continue;
    char *text = message_json (messages->pdata[i]);
    if (omitted > 0 || strlen (text) + 1 > room) {
      omitted++;
      g_free (text);
      continue;
    }
    room -= strlen (text) + 1;
    g_ptr_array_insert (said, 0, text);
  }
  g_ptr_array_add (said, NULL);
  g_autofree char *list = g_strjoinv (",", (char **) said->pdata);
  return omitted == 0 ? g_strdup_printf ("{\"messages\":[%s]}", list)
                      : g_strdup_printf ("{\"messages\":[%s],\"omitted\":%u}", list, omitted);
}

char *
rp_event_response (const char *id, const char *name, const char *data, const char *error)
{
  GString *json = begin ("response");
  add_text (json, "id", id);
  add_text (json, "name", name);
  add_text (json, "data", data);
  add_text (json, "error", error);
  return end (json);
}
