#include "rtvi.h"

#include "json.h"
#include <string.h>

/* Bounds of what is copied from a client; the longest that stock clients send is a tenth of them.
 */
#define MAX_TYPE_BYTES 128
#define MAX_NAME_BYTES 256
/* "ping: " and the milliseconds of a clock */
#define MAX_PING_BYTES 32

G_DEFINE_QUARK (rp - rtvi - error - quark, rp_rtvi_error)

typedef gboolean (*ParseData) (JsonObject *data, RpRtviClientMessage *out, GError **error);

static char *
dup_string (JsonObject *object, const char *name)
{
  return g_strdup (rp_json_string (object, name, NULL));
}

/* The member as JSON text; NULL when absent or null. */
static char *
dup_json (JsonObject *object, const char *name)
{
  JsonNode *node = rp_json_member (object, name);
  return node != NULL ? rp_json_to_string (node) : NULL;
}

static int
major_of (const char *version)
{
  if (version == NULL || !g_ascii_isdigit (*version))
    return 0;
  return (int) MIN (g_ascii_strtoull (version, NULL, 10), 9999);
}

static gboolean
parse_client_ready (JsonObject *data, RpRtviClientMessage *out, GError **error)
{
  static const RpJsonField about_fields[] = {
      {.name = "library", .type = RP_JSON_STRING, .max_length = MAX_NAME_BYTES},
      {.name = "library_version", .type = RP_JSON_STRING, .max_length = MAX_NAME_BYTES},
      {.name = "platform", .type = RP_JSON_STRING, .max_length = MAX_NAME_BYTES},
      {.name = "platform_version", .type = RP_JSON_STRING, .max_length = MAX_NAME_BYTES},
  };
  static const RpJsonField fields[] = {
      {.name = "version", .type = RP_JSON_STRING, .max_length = MAX_NAME_BYTES},
      {.name = "about",
       .type = RP_JSON_OBJECT,
       .fields = about_fields,
       .n_fields = G_N_ELEMENTS (about_fields)},
  };
  /* The first clients sent no data at all. */
  if (data != NULL && !rp_json_check (data, fields, G_N_ELEMENTS (fields), error))
    return FALSE;
  JsonObject *about = rp_json_object (data, "about");
  out->ready.version = dup_string (data, "version");
  out->ready.major = major_of (out->ready.version);
  out->ready.library = dup_string (about, "library");
  out->ready.library_version = dup_string (about, "library_version");
  out->ready.platform = dup_string (about, "platform");
  out->ready.platform_version = dup_string (about, "platform_version");
  return TRUE;
}

static gboolean
parse_disconnect_bot (JsonObject *data, RpRtviClientMessage *out, GError **error)
{
  return TRUE;
}

static gboolean
parse_client_message (JsonObject *data, RpRtviClientMessage *out, GError **error)
{
  static const RpJsonField fields[] = {
      {.name = "t", .type = RP_JSON_STRING, .required = TRUE, .max_length = MAX_NAME_BYTES},
  };
  if (!rp_json_check (data, fields, G_N_ELEMENTS (fields), error))
    return FALSE;
  out->message.t = dup_string (data, "t");
  out->message.d_json = dup_json (data, "d");
  return TRUE;
}

static gboolean
parse_send_text (JsonObject *data, RpRtviClientMessage *out, GError **error)
{
  static const RpJsonField option_fields[] = {
      {.name = "run_immediately", .type = RP_JSON_BOOL},
      {.name = "audio_response", .type = RP_JSON_BOOL},
  };
  static const RpJsonField fields[] = {
      {.name = "content", .type = RP_JSON_STRING, .required = TRUE},
      {.name = "options",
       .type = RP_JSON_OBJECT,
       .fields = option_fields,
       .n_fields = G_N_ELEMENTS (option_fields)},
  };
  if (!rp_json_check (data, fields, G_N_ELEMENTS (fields), error))
    return FALSE;
  JsonObject *options = rp_json_object (data, "options");
  out->text.content = dup_string (data, "content");
  out->text.run_immediately = rp_json_bool (options, "run_immediately", TRUE);
  out->text.audio_response = rp_json_bool (options, "audio_response", TRUE);
  return TRUE;
}

static gboolean
add_button (const char *button, GString *out, GError **error)
{
  char key = g_ascii_toupper (button[0]);
  if (key == '\0' || button[1] != '\0' || strchr ("0123456789*#ABCD", key) == NULL) {
    g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_RANGE, "button: expected one of 0-9 * # A-D");
    return FALSE;
  }
  g_string_append_c (out, key);
  return TRUE;
}

static gboolean
parse_dtmf (JsonObject *data, RpRtviClientMessage *out, GError **error)
{
  static const RpJsonField fields[] = {
      {.name = "buttons",
       .type = RP_JSON_ARRAY,
       .max_length = RP_RTVI_MAX_BUTTONS,
       .items = RP_JSON_STRING},
      {.name = "button", .type = RP_JSON_STRING}, /* RTVI 2.0 */
  };
  if (!rp_json_check (data, fields, G_N_ELEMENTS (fields), error))
    return FALSE;
  g_autoptr (GString) keys = g_string_new (NULL);
  JsonArray *buttons = rp_json_array (data, "buttons");
  const char *single = rp_json_string (data, "button", NULL);
  const char *button;
  for (guint i = 0; (button = rp_json_array_string (buttons, i)) != NULL; i++)
    if (!add_button (button, keys, error))
      return FALSE;
  if (buttons == NULL && single != NULL && !add_button (single, keys, error))
    return FALSE;
  if (keys->len == 0) {
    g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_MISSING, "buttons: expected at least one");
    return FALSE;
  }
  out->buttons = g_strdup (keys->str);
  return TRUE;
}

static gboolean
parse_function_call_result (JsonObject *data, RpRtviClientMessage *out, GError **error)
{
  static const RpJsonField fields[] = {
      {.name = "function_name",
       .type = RP_JSON_STRING,
       .required = TRUE,
       .max_length = MAX_NAME_BYTES},
      {.name = "tool_call_id",
       .type = RP_JSON_STRING,
       .required = TRUE,
       .max_length = MAX_NAME_BYTES},
  };
  if (!rp_json_check (data, fields, G_N_ELEMENTS (fields), error))
    return FALSE;
  out->result.function_name = dup_string (data, "function_name");
  out->result.tool_call_id = dup_string (data, "tool_call_id");
  out->result.arguments_json = dup_json (data, "arguments");
  out->result.result_json = dup_json (data, "result");
  if (out->result.result_json == NULL)
    out->result.result_json = g_strdup ("null");
  return TRUE;
}

static gboolean
parse_append_to_context (JsonObject *data, RpRtviClientMessage *out, GError **error)
{
  static const RpJsonField fields[] = {
      {.name = "role", .type = RP_JSON_STRING, .required = TRUE, .max_length = MAX_NAME_BYTES},
      {.name = "content", .type = RP_JSON_ANY, .required = TRUE},
      {.name = "run_immediately", .type = RP_JSON_BOOL},
  };
  if (!rp_json_check (data, fields, G_N_ELEMENTS (fields), error))
    return FALSE;
  out->append.role = dup_string (data, "role");
  out->append.content = dup_string (data, "content");
  out->append.content_is_json = out->append.content == NULL;
  if (out->append.content_is_json)
    out->append.content = dup_json (data, "content");
  out->append.run_immediately = rp_json_bool (data, "run_immediately", FALSE);
  return TRUE;
}

static const struct {
  const char *name;
  RpRtviClientType type;
  gboolean needs_data;
  ParseData parse;
} client_types[] = {
    {"client-ready", RP_RTVI_CLIENT_READY, FALSE, parse_client_ready},
    {"disconnect-bot", RP_RTVI_DISCONNECT_BOT, FALSE, parse_disconnect_bot},
    {"client-message", RP_RTVI_CLIENT_MESSAGE, TRUE, parse_client_message},
    {"send-text", RP_RTVI_SEND_TEXT, TRUE, parse_send_text},
    {"dtmf", RP_RTVI_DTMF, TRUE, parse_dtmf},
    {"llm-function-call-result", RP_RTVI_FUNCTION_CALL_RESULT, TRUE, parse_function_call_result},
    {"append-to-context", RP_RTVI_APPEND_TO_CONTEXT, TRUE, parse_append_to_context},
};

static void
set_malformed (RpRtviClientMessage *message, const char *why)
{
  message->type = RP_RTVI_MALFORMED;
  message->reason = g_strdup_printf ("Invalid data for type %s: %s", message->type_name, why);
}

/* A labelled message: whatever is wrong with it can be answered. */
static void
parse_labelled (JsonObject *root, RpRtviClientMessage *message)
{
  gsize i = 0;
  while (i < G_N_ELEMENTS (client_types) && strcmp (client_types[i].name, message->type_name) != 0)
    i++;
  if (i == G_N_ELEMENTS (client_types)) {
    message->type = RP_RTVI_UNSUPPORTED;
    message->reason = g_strdup_printf ("Unsupported type %s", message->type_name);
    return;
  }
  g_autoptr (GError) error = NULL;
  JsonObject *data = rp_json_object (root, "data");
  message->type = client_types[i].type;
  if (data == NULL && (client_types[i].needs_data || rp_json_member (root, "data") != NULL))
    set_malformed (message, "data: expected an object");
  else if (!client_types[i].parse (data, message, &error))
    set_malformed (message, error->message);
}

static gboolean
invalid (GError **error, const char *why)
{
  g_set_error (error, RP_RTVI_ERROR, RP_RTVI_ERROR_INVALID, "%s", why);
  return FALSE;
}

/* {"type":"signalling","message":{…}}, from the Pipecat WebRTC transport itself. */
static gboolean
parse_signalling (JsonObject *root, RpRtviClientMessage *out, GError **error)
{
  static const RpJsonField fields[] = {
      {.name = "receiver_index", .type = RP_JSON_INT, .required = TRUE, .min = 0, .max = 31},
      {.name = "enabled", .type = RP_JSON_BOOL, .required = TRUE},
  };
  JsonObject *message = rp_json_object (root, "message");
  g_autoptr (GError) local = NULL;
  if (g_strcmp0 (rp_json_string (message, "type", NULL), "trackStatus") != 0)
    return invalid (error, "signalling message is no trackStatus");
  if (!rp_json_check_full (message, "message", fields, G_N_ELEMENTS (fields), RP_JSON_CHECK_NONE,
                           &local))
    return invalid (error, local->message);
  out->type = RP_RTVI_TRACK_STATUS;
  out->track.receiver_index = (guint) rp_json_int (message, "receiver_index", 0);
  out->track.enabled = rp_json_bool (message, "enabled", FALSE);
  return TRUE;
}

static gboolean
parse_object (JsonObject *root, RpRtviClientMessage *out, GError **error)
{
  static const RpJsonField fields[] = {
      {.name = "type", .type = RP_JSON_STRING, .required = TRUE, .max_length = MAX_TYPE_BYTES},
      {.name = "id", .type = RP_JSON_STRING, .max_length = MAX_NAME_BYTES},
  };
  g_autoptr (GError) local = NULL;
  if (!rp_json_check (root, fields, G_N_ELEMENTS (fields), &local))
    return invalid (error, local->message);
  out->type_name = dup_string (root, "type");
  out->id = dup_string (root, "id");
  if (g_strcmp0 (rp_json_string (root, "label", NULL), RP_RTVI_LABEL) == 0) {
    parse_labelled (root, out);
    return TRUE;
  }
  if (strcmp (out->type_name, "signalling") == 0)
    return parse_signalling (root, out, error);
  return invalid (error, "message lacks the label " RP_RTVI_LABEL);
}

static gboolean
is_ping (const char *data, gsize len)
{
  return len >= 5 && memcmp (data, "ping:", 5) == 0;
}

static gboolean
parse_ping (const char *data, gsize len, RpRtviClientMessage *out, GError **error)
{
  if (len > MAX_PING_BYTES)
    return invalid (error, "ping is too long");
  g_autofree char *text = g_strndup (data + 5, len - 5);
  if (strlen (text) != len - 5 ||
      !g_ascii_string_to_signed (g_strstrip (text), 10, 0, G_MAXINT64, &out->ping_ms, NULL))
    return invalid (error, "ping carries no time");
  out->type = RP_RTVI_PING;
  return TRUE;
}

RpRtviClientMessage *
rp_rtvi_parse (const char *data, gsize len, GError **error)
{
  g_autoptr (RpRtviClientMessage) message = g_new0 (RpRtviClientMessage, 1);
  if (is_ping (data, len))
    return parse_ping (data, len, message, error) ? g_steal_pointer (&message) : NULL;
  g_autoptr (GError) local = NULL;
  g_autoptr (JsonObject) root = rp_json_parse_object (data, len, RP_RTVI_MAX_BYTES, &local);
  if (root == NULL) {
    invalid (error, local->message);
    return NULL;
  }
  return parse_object (root, message, error) ? g_steal_pointer (&message) : NULL;
}

void
rp_rtvi_client_message_free (RpRtviClientMessage *message)
{
  if (message == NULL)
    return;
  char *owned[] = {
      message->type_name,
      message->id,
      message->ready.version,
      message->ready.library,
      message->ready.library_version,
      message->ready.platform,
      message->ready.platform_version,
      message->message.t,
      message->message.d_json,
      message->text.content,
      message->buttons,
      message->result.function_name,
      message->result.tool_call_id,
      message->result.arguments_json,
      message->result.result_json,
      message->append.role,
      message->append.content,
      message->reason,
  };
  for (gsize i = 0; i < G_N_ELEMENTS (owned); i++)
    g_free (owned[i]);
  g_free (message);
}
