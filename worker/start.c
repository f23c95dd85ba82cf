#include "start.h"

#include "frame.h"
#include "json.h"
#include "voice.h"

#include <string.h>

#define MAX_ID_BYTES 256
#define MAX_TEXT_BYTES (16 * 1024)

static const RpJsonField utterance_fields[] = {
    {.name = "id", .type = RP_JSON_INT, .required = TRUE, .min = 1, .max = G_MAXUINT32},
    {.name = "frames", .type = RP_JSON_INT, .required = TRUE, .min = 0, .max = G_MAXINT32},
    {.name = "played", .type = RP_JSON_INT, .required = TRUE, .min = 0, .max = G_MAXINT32},
    {.name = "complete", .type = RP_JSON_BOOL, .required = TRUE},
};

static const RpJsonField start_fields[] = {
    {.name = "call", .type = RP_JSON_STRING, .required = TRUE, .max_length = MAX_ID_BYTES},
    {.name = "agent", .type = RP_JSON_STRING, .max_length = MAX_ID_BYTES},
    {.name = "request_data", .type = RP_JSON_OBJECT},
    {.name = "resume", .type = RP_JSON_BOOL},
    {.name = "connected", .type = RP_JSON_BOOL},
    {.name = "complexity", .type = RP_JSON_INT, .min = 0, .max = RP_FRAME_MAX_COMPLEXITY},
    {.name = "fec", .type = RP_JSON_BOOL},
    {.name = "input_pos_samples", .type = RP_JSON_INT, .min = 0, .max = 1e15},
    {.name = "utterances",
     .type = RP_JSON_ARRAY,
     .max_length = RP_START_MAX_UTTERANCES,
     .items = RP_JSON_OBJECT,
     .fields = utterance_fields,
     .n_fields = G_N_ELEMENTS (utterance_fields)},
};

static gboolean
take_utterances (JsonArray *utterances, RpStart *out, GError **error)
{
  guint n = utterances != NULL ? json_array_get_length (utterances) : 0;
  for (guint i = 0; i < n; i++) {
    JsonObject *object = rp_json_array_object (utterances, i);
    RpEnginePlayed *played = &out->played[i];
    played->utterance = (guint32) rp_json_int (object, "id", 0);
    played->n_frames = (guint) rp_json_int (object, "frames", 0);
    played->frames_played = (guint) rp_json_int (object, "played", 0);
    played->complete = rp_json_bool (object, "complete", FALSE);
    if (played->frames_played > played->n_frames ||
        (i > 0 && played->utterance <= out->played[i - 1].utterance)) {
      g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_RANGE,
                   "utterances[%u]: out of order, or more played than there is", i);
      return FALSE;
    }
  }
  out->n_played = n;
  return TRUE;
}

/* @text: UTF-8. What a page gave is spoken and written as it stands: one line, and no longer than
 * a name or a subject. Returns: (transfer full) */
static char *
one_line (const char *text)
{
  const char *end = NULL;
  g_utf8_validate_len (text, MIN (strlen (text), RP_START_MAX_VALUE_BYTES), &end);
  GString *line = g_string_new (NULL);
  for (const char *p = text; p < end; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    g_string_append_unichar (line, g_unichar_isprint (c) ? c : ' ');
  }
  return g_strstrip (g_string_free (line, FALSE));
}

static void
take_data (JsonObject *object, RpStart *out)
{
  if (object == NULL)
    return;
  out->data = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GList) names = json_object_get_members (object);
  for (GList *l = names; l != NULL; l = l->next) {
    g_autofree char *value = one_line (rp_json_string (object, l->data, ""));
    if (*value != '\0' && g_hash_table_size (out->data) < RP_START_MAX_VALUES)
      g_hash_table_insert (out->data, g_strdup (l->data), g_steal_pointer (&value));
  }
}

gboolean
rp_start_parse (const char *json, gsize len, RpStart *out, GError **error)
{
  g_autoptr (JsonObject) object =
      rp_json_parse_object (json, len, RP_FRAME_MAX_PAYLOAD_BYTES, error);
  memset (out, 0, sizeof *out);
  if (object == NULL || !rp_json_check (object, start_fields, G_N_ELEMENTS (start_fields), error) ||
      !take_utterances (rp_json_array (object, "utterances"), out, error))
    return FALSE;
  take_data (rp_json_object (object, "request_data"), out);
  out->agent = g_strdup (rp_json_string (object, "agent", NULL));
  out->call = g_strdup (rp_json_string (object, "call", ""));
  out->resume = rp_json_bool (object, "resume", FALSE);
  out->connected = rp_json_bool (object, "connected", FALSE);
  out->encoder.complexity = (guint32) rp_json_int (object, "complexity", RP_VOICE_COMPLEXITY);
  out->encoder.fec = rp_json_bool (object, "fec", TRUE);
  out->input_pos_samples = rp_json_int (object, "input_pos_samples", 0);
  return TRUE;
}

void
rp_start_clear (RpStart *start)
{
  g_clear_pointer (&start->call, g_free);
  g_clear_pointer (&start->agent, g_free);
  g_clear_pointer (&start->data, g_hash_table_unref);
}

static const RpJsonField client_fields[] = {
    {.name = "type", .type = RP_JSON_STRING, .required = TRUE, .max_length = 32},
    {.name = "content", .type = RP_JSON_STRING, .max_length = MAX_TEXT_BYTES},
    {.name = "run_immediately", .type = RP_JSON_BOOL},
    {.name = "audio_response", .type = RP_JSON_BOOL},
    {.name = "id", .type = RP_JSON_STRING, .max_length = MAX_ID_BYTES},
    {.name = "name", .type = RP_JSON_STRING, .max_length = MAX_ID_BYTES},
    {.name = "data", .type = RP_JSON_STRING, .max_length = MAX_TEXT_BYTES},
    {.name = "buttons", .type = RP_JSON_STRING, .max_length = 64},
    {.name = "result", .type = RP_JSON_STRING, .max_length = MAX_TEXT_BYTES},
    {.name = "error", .type = RP_JSON_STRING, .max_length = MAX_TEXT_BYTES},
};

static gboolean
client_type (const char *name, RpClientType *out_type, GError **error)
{
  static const char *const names[] = {
      [RP_CLIENT_CONNECTED] = "connected",
      [RP_CLIENT_TEXT] = "text",
      [RP_CLIENT_INTERRUPT] = "interrupt",
      [RP_CLIENT_MESSAGE] = "message",
      [RP_CLIENT_DTMF] = "dtmf",
      [RP_CLIENT_DRAIN] = "drain",
      [RP_CLIENT_TOOL_RESULT] = "tool_result",
  };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    if (!g_str_equal (name, names[i]))
      continue;
    *out_type = (RpClientType) i;
    return TRUE;
  }
  g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_UNKNOWN, "type: \"%s\" is not known", name);
  return FALSE;
}

static gboolean
check_members (const RpClientMessage *message, GError **error)
{
  const char *missing = NULL;
  if (message->type == RP_CLIENT_TEXT && message->text == NULL)
    missing = "content";
  else if (message->type == RP_CLIENT_MESSAGE && (message->id == NULL || message->name == NULL))
    missing = "id or name";
  else if (message->type == RP_CLIENT_DTMF &&
           (message->text == NULL ||
            strspn (message->text, "0123456789*#") != strlen (message->text)))
    missing = "buttons (0-9, * and #)";
  else if (message->type == RP_CLIENT_TOOL_RESULT && (message->id == NULL || message->text == NULL))
    missing = "id, and result or error";
  if (missing != NULL)
    g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_MISSING, "%s: missing", missing);
  return missing == NULL;
}

/* Whatever the function gave, a tool's result is an object that says "ok". Returns: (transfer
 * full), NULL when @json is none. */
static char *
result_object (const char *json, GError **error)
{
  g_autoptr (JsonNode) node = rp_json_parse (json, strlen (json), MAX_TEXT_BYTES, error);
  if (node == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT (node)) {
    g_autofree char *value = rp_json_to_string (node);
    return JSON_NODE_HOLDS_NULL (node) ? g_strdup ("{\"ok\":true}")
                                       : g_strdup_printf ("{\"ok\":true,\"result\":%s}", value);
  }
  JsonObject *object = json_node_get_object (node);
  if (rp_json_member (object, "ok") == NULL)
    json_object_set_boolean_member (object, "ok", TRUE);
  return rp_json_to_string (node);
}

static gboolean
take_result (JsonObject *object, RpClientMessage *out, GError **error)
{
  const char *result = rp_json_string (object, "result", NULL);
  const char *why = rp_json_string (object, "error", NULL);
  out->failed = why != NULL;
  out->text = why != NULL ? g_strdup (why) : result != NULL ? result_object (result, error) : NULL;
  return out->failed || result == NULL || out->text != NULL;
}

gboolean
rp_client_parse (const char *json, gsize len, RpClientMessage *out, GError **error)
{
  g_autoptr (JsonObject) object =
      rp_json_parse_object (json, len, RP_FRAME_MAX_PAYLOAD_BYTES, error);
  memset (out, 0, sizeof *out);
  if (object == NULL ||
      !rp_json_check (object, client_fields, G_N_ELEMENTS (client_fields), error) ||
      !client_type (rp_json_string (object, "type", ""), &out->type, error))
    return FALSE;
  const char *text_member = out->type == RP_CLIENT_TEXT      ? "content"
                            : out->type == RP_CLIENT_MESSAGE ? "data"
                                                             : "buttons";
  if (out->type != RP_CLIENT_TOOL_RESULT)
    out->text = g_strdup (rp_json_string (object, text_member, NULL));
  else if (!take_result (object, out, error))
    return FALSE;
  out->id = g_strdup (rp_json_string (object, "id", NULL));
  out->name = g_strdup (rp_json_string (object, "name", NULL));
  out->run_immediately = rp_json_bool (object, "run_immediately", TRUE);
  out->audio_response = rp_json_bool (object, "audio_response", TRUE);
  if (check_members (out, error))
    return TRUE;
  rp_client_message_clear (out);
  return FALSE;
}

void
rp_client_message_clear (RpClientMessage *message)
{
  g_clear_pointer (&message->text, g_free);
  g_clear_pointer (&message->id, g_free);
  g_clear_pointer (&message->name, g_free);
}
