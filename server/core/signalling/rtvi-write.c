#include "json.h"
#include "rtvi.h"

#include <math.h>
#include <string.h>

static const char *const event_names[RP_RTVI_N_EVENTS] = {
    [RP_RTVI_USER_STARTED_SPEAKING] = "user-started-speaking",
    [RP_RTVI_USER_STOPPED_SPEAKING] = "user-stopped-speaking",
    [RP_RTVI_BOT_STARTED_SPEAKING] = "bot-started-speaking",
    [RP_RTVI_BOT_STOPPED_SPEAKING] = "bot-stopped-speaking",
    [RP_RTVI_VAD_USER_STARTED_SPEAKING] = "vad-user-started-speaking",
    [RP_RTVI_VAD_USER_STOPPED_SPEAKING] = "vad-user-stopped-speaking",
    [RP_RTVI_USER_MUTE_STARTED] = "user-mute-started",
    [RP_RTVI_USER_MUTE_STOPPED] = "user-mute-stopped",
    [RP_RTVI_BOT_INTERRUPTED] = "bot-interrupted",
    [RP_RTVI_BOT_LLM_STARTED] = "bot-llm-started",
    [RP_RTVI_BOT_LLM_STOPPED] = "bot-llm-stopped",
    [RP_RTVI_BOT_TTS_STARTED] = "bot-tts-started",
    [RP_RTVI_BOT_TTS_STOPPED] = "bot-tts-stopped",
};

static const char *const text_names[RP_RTVI_N_TEXTS] = {
    [RP_RTVI_USER_LLM_TEXT] = "user-llm-text",
    [RP_RTVI_BOT_LLM_TEXT] = "bot-llm-text",
    [RP_RTVI_BOT_TTS_TEXT] = "bot-tts-text",
    [RP_RTVI_SYSTEM_LOG] = "system-log",
};

static const char *const metric_names[RP_RTVI_N_METRICS] = {
    [RP_RTVI_METRIC_TTFB] = "ttfb",
    [RP_RTVI_METRIC_TTFA] = "ttfa",
    [RP_RTVI_METRIC_TTFAT] = "ttfat",
    [RP_RTVI_METRIC_PROCESSING] = "processing",
    [RP_RTVI_METRIC_TOKENS] = "tokens",
    [RP_RTVI_METRIC_STT_USAGE] = "stt_usage",
    [RP_RTVI_METRIC_CHARACTERS] = "characters",
};

static const char *const spoken_names[] = {
    [RP_RTVI_SPOKEN_NEW] = "new",
    [RP_RTVI_SPOKEN_IN_PROGRESS] = "in-progress",
    [RP_RTVI_SPOKEN_COMPLETED] = "completed",
};

/* A comma unless this is the first in its object or array. */
static void
separate (GString *out)
{
  char last = out->str[out->len - 1];
  if (last != '{' && last != '[')
    g_string_append_c (out, ',');
}

static void
add_name (GString *out, const char *name)
{
  separate (out);
  rp_json_append_string (out, name);
  g_string_append_c (out, ':');
}

/* NULL leaves the member out. */
static void
add_string (GString *out, const char *name, const char *value)
{
  if (value == NULL)
    return;
  add_name (out, name);
  rp_json_append_string (out, value);
}

static void
add_bool (GString *out, const char *name, gboolean value)
{
  add_name (out, name);
  g_string_append (out, value ? "true" : "false");
}

static void
add_number (GString *out, const char *name, gdouble value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  add_name (out, name);
  g_string_append (out, g_ascii_formatd (text, sizeof text, "%.9g", isfinite (value) ? value : 0));
}

/* Text from elsewhere is parsed and written anew: broken JSON must not break the message around it.
 */
static void
add_json (GString *out, const char *name, const char *json)
{
  if (json == NULL)
    return;
  g_autoptr (JsonNode) node = rp_json_parse (json, strlen (json), 0, NULL);
  g_autofree char *text = rp_json_to_string (node);
  add_name (out, name);
  g_string_append (out, text);
}

static GString *
begin (const char *type, const char *id)
{
  GString *out = g_string_new ("{");
  add_string (out, "label", RP_RTVI_LABEL);
  add_string (out, "type", type);
  add_string (out, "id", id);
  return out;
}

static GString *
begin_data (const char *type, const char *id)
{
  GString *out = begin (type, id);
  add_name (out, "data");
  g_string_append_c (out, '{');
  return out;
}

static char *
end_data (GString *out)
{
  g_string_append (out, "}}");
  return g_string_free (out, FALSE);
}

char *
rp_rtvi_bot_ready (const char *id, const char *library, const char *library_version)
{
  GString *out = begin_data ("bot-ready", id);
  add_string (out, "version", RP_RTVI_VERSION);
  if (library != NULL) {
    add_name (out, "about");
    g_string_append_c (out, '{');
    add_string (out, "library", library);
    add_string (out, "library_version", library_version);
    g_string_append_c (out, '}');
  }
  return end_data (out);
}

char *
rp_rtvi_error_message (const char *error, gboolean fatal)
{
  GString *out = begin_data ("error", NULL);
  add_string (out, "error", error);
  add_bool (out, "fatal", fatal);
  return end_data (out);
}

char *
rp_rtvi_error_response (const char *id, const char *error)
{
  GString *out = begin_data ("error-response", id);
  add_string (out, "error", error);
  return end_data (out);
}

char *
rp_rtvi_server_response (const char *id, const char *t, const char *d_json)
{
  GString *out = begin_data ("server-response", id);
  add_string (out, "t", t);
  add_json (out, "d", d_json);
  return end_data (out);
}

char *
rp_rtvi_server_message (const char *data_json)
{
  GString *out = begin ("server-message", NULL);
  add_json (out, "data", data_json);
  g_string_append_c (out, '}');
  return g_string_free (out, FALSE);
}

char *
rp_rtvi_event (RpRtviEvent event)
{
  g_assert ((guint) event < RP_RTVI_N_EVENTS);
  GString *out = begin (event_names[event], NULL);
  g_string_append_c (out, '}');
  return g_string_free (out, FALSE);
}

char *
rp_rtvi_text (RpRtviText kind, const char *text)
{
  g_assert ((guint) kind < RP_RTVI_N_TEXTS);
  GString *out = begin_data (text_names[kind], NULL);
  add_string (out, "text", text);
  return end_data (out);
}

char *
rp_rtvi_user_transcription (const char *text, const char *user_id, const char *timestamp,
                            gboolean final)
{
  GString *out = begin_data ("user-transcription", NULL);
  add_string (out, "text", text);
  add_string (out, "user_id", user_id);
  add_string (out, "timestamp", timestamp);
  add_bool (out, "final", final);
  return end_data (out);
}

char *
rp_rtvi_bot_output (const RpRtviBotOutput *output, int client_major)
{
  GString *out = begin_data ("bot-output", NULL);
  add_string (out, "text", output->text);
  add_string (out, "aggregated_by", output->aggregated_by);
  if (client_major == 1) {
    add_bool (out, "spoken", output->spoken_status != RP_RTVI_SPOKEN_NEW);
    return end_data (out);
  }
  add_string (out, "segment_id", output->segment_id);
  add_bool (out, "will_be_spoken", output->will_be_spoken);
  g_assert ((guint) output->spoken_status < G_N_ELEMENTS (spoken_names));
  add_string (out, "spoken_status", spoken_names[output->spoken_status]);
  if (output->accumulated_text != NULL || output->remaining_text != NULL) {
    add_name (out, "spoken_progress");
    g_string_append_c (out, '{');
    add_string (out, "accumulated_text",
                output->accumulated_text != NULL ? output->accumulated_text : "");
    add_string (out, "remaining_text",
                output->remaining_text != NULL ? output->remaining_text : "");
    g_string_append_c (out, '}');
  }
  return end_data (out);
}

char *
rp_rtvi_metrics (const RpRtviMetric *items, guint n_items)
{
  GString *out = begin_data ("metrics", NULL);
  for (guint kind = 0; kind < RP_RTVI_N_METRICS; kind++) {
    gboolean open = FALSE;
    for (guint i = 0; i < n_items; i++) {
      if ((guint) items[i].kind != kind)
        continue;
      if (!open) {
        add_name (out, metric_names[kind]);
        g_string_append_c (out, '[');
      }
      open = TRUE;
      separate (out);
      g_string_append_c (out, '{');
      add_string (out, "processor", items[i].processor);
      add_number (out, "value", items[i].value);
      g_string_append_c (out, '}');
    }
    if (open)
      g_string_append_c (out, ']');
  }
  return end_data (out);
}

char *
rp_rtvi_function_call_started (const char *function_name)
{
  GString *out = begin_data ("llm-function-call-started", NULL);
  add_string (out, "function_name", function_name);
  return end_data (out);
}

char *
rp_rtvi_function_call_in_progress (const char *tool_call_id, const char *function_name,
                                   const char *arguments_json, const char *where)
{
  GString *out = begin_data ("llm-function-call-in-progress", NULL);
  add_string (out, "tool_call_id", tool_call_id);
  add_string (out, "function_name", function_name);
  add_json (out, "arguments", arguments_json);
  add_string (out, "where", where);
  return end_data (out);
}

char *
rp_rtvi_function_call_stopped (const char *tool_call_id, gboolean cancelled,
                               const char *function_name, const char *result_json)
{
  GString *out = begin_data ("llm-function-call-stopped", NULL);
  add_string (out, "tool_call_id", tool_call_id);
  add_bool (out, "cancelled", cancelled);
  add_string (out, "function_name", function_name);
  add_json (out, "result", result_json);
  return end_data (out);
}

char *
rp_rtvi_audio_level (gboolean bot, gdouble value)
{
  GString *out = begin_data (bot ? "bot-audio-level" : "user-audio-level", NULL);
  add_number (out, "value", value);
  return end_data (out);
}

static char *
transport_message (const char *type)
{
  return g_strdup_printf ("{\"type\":\"signalling\",\"message\":{\"type\":\"%s\"}}", type);
}

char *
rp_rtvi_renegotiate (void)
{
  return transport_message ("renegotiate");
}

char *
rp_rtvi_peer_left (void)
{
  return transport_message ("peerLeft");
}
