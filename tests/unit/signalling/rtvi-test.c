#include "rtvi.h"

#include "json.h"
#include <math.h>
#include <string.h>

static RpRtviClientMessage *
try_parse (const char *text, gsize len, GError **error)
{
  g_autofree char *copy = g_memdup2 (text, len);
  return rp_rtvi_parse (copy, len, error);
}

static RpRtviClientMessage *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  RpRtviClientMessage *message = try_parse (text, strlen (text), &error);
  g_assert_no_error (error);
  return message;
}

#define RTVI(type, rest) "{\"label\":\"rtvi-ai\",\"type\":\"" type "\",\"id\":\"i1\"" rest "}"

static void
test_client_ready (void)
{
  g_autoptr (RpRtviClientMessage) full = parse (
      RTVI ("client-ready",
            ",\"data\":{\"version\":\"2.1.0\",\"about\":{\"library\":\"@pipecat-ai/client-js\","
            "\"library_version\":\"1.13.1\",\"platform\":\"Chrome\",\"platform_version\":\"128\","
            "\"platform_details\":{\"x\":1}}}"));
  g_assert_cmpint (full->type, ==, RP_RTVI_CLIENT_READY);
  g_assert_cmpstr (full->id, ==, "i1");
  g_assert_cmpstr (full->type_name, ==, "client-ready");
  g_assert_cmpstr (full->ready.version, ==, "2.1.0");
  g_assert_cmpint (full->ready.major, ==, 2);
  g_assert_cmpstr (full->ready.library, ==, "@pipecat-ai/client-js");
  g_assert_cmpstr (full->ready.library_version, ==, "1.13.1");
  g_assert_cmpstr (full->ready.platform, ==, "Chrome");
  g_assert_cmpstr (full->ready.platform_version, ==, "128");

  g_autoptr (RpRtviClientMessage) bare = parse (RTVI ("client-ready", ""));
  g_assert_cmpint (bare->type, ==, RP_RTVI_CLIENT_READY);
  g_assert_null (bare->ready.version);
  g_assert_cmpint (bare->ready.major, ==, 0);

  g_autoptr (RpRtviClientMessage) odd =
      parse (RTVI ("client-ready", ",\"data\":{\"version\":\"x\"}"));
  g_assert_cmpint (odd->ready.major, ==, 0);
}

static void
test_client_message (void)
{
  g_autoptr (RpRtviClientMessage) with = parse (RTVI (
      "client-message", ",\"data\":{\"t\":\"set-voice\",\"d\":{\"a\":[1,2.5,null,\"\\u00e9\"]}}"));
  g_assert_cmpint (with->type, ==, RP_RTVI_CLIENT_MESSAGE);
  g_assert_cmpstr (with->message.t, ==, "set-voice");
  g_assert_cmpstr (with->message.d_json, ==, "{\"a\":[1,2.5,null,\"\xc3\xa9\"]}");
  g_autoptr (RpRtviClientMessage) without =
      parse (RTVI ("client-message", ",\"data\":{\"t\":\"ping\"}"));
  g_assert_null (without->message.d_json);
  g_autoptr (RpRtviClientMessage) scalar =
      parse (RTVI ("client-message", ",\"data\":{\"t\":\"n\",\"d\":7}"));
  g_assert_cmpstr (scalar->message.d_json, ==, "7");
}

static void
test_send_text (void)
{
  g_autoptr (RpRtviClientMessage) plain =
      parse (RTVI ("send-text", ",\"data\":{\"content\":\"hello\"}"));
  g_assert_cmpint (plain->type, ==, RP_RTVI_SEND_TEXT);
  g_assert_cmpstr (plain->text.content, ==, "hello");
  g_assert_true (plain->text.run_immediately);
  g_assert_true (plain->text.audio_response);
  g_autoptr (RpRtviClientMessage) quiet =
      parse (RTVI ("send-text", ",\"data\":{\"content\":\"\",\"options\":{\"run_immediately\":"
                                "false,\"audio_response\":false}}"));
  g_assert_cmpstr (quiet->text.content, ==, "");
  g_assert_false (quiet->text.run_immediately);
  g_assert_false (quiet->text.audio_response);
}

static void
test_dtmf (void)
{
  static const char *const rows[][2] = {
      {RTVI ("dtmf", ",\"data\":{\"buttons\":[\"1\",\"*\",\"#\",\"d\"]}"), "1*#D"},
      {RTVI ("dtmf", ",\"data\":{\"button\":\"5\"}"), "5"},
      {RTVI ("dtmf", ",\"data\":{\"buttons\":[\"9\"],\"button\":\"5\"}"), "9"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (RpRtviClientMessage) message = parse (rows[i][0]);
    g_assert_cmpint (message->type, ==, RP_RTVI_DTMF);
    g_assert_cmpstr (message->buttons, ==, rows[i][1]);
  }
}

static void
test_function_call_result (void)
{
  g_autoptr (RpRtviClientMessage) message = parse (RTVI (
      "llm-function-call-result", ",\"data\":{\"function_name\":\"f\",\"tool_call_id\":\"c1\","
                                  "\"arguments\":{\"x\":1},\"result\":\"sunny\"}"));
  g_assert_cmpint (message->type, ==, RP_RTVI_FUNCTION_CALL_RESULT);
  g_assert_cmpstr (message->result.function_name, ==, "f");
  g_assert_cmpstr (message->result.tool_call_id, ==, "c1");
  g_assert_cmpstr (message->result.arguments_json, ==, "{\"x\":1}");
  g_assert_cmpstr (message->result.result_json, ==, "\"sunny\"");
  g_autoptr (RpRtviClientMessage) none =
      parse (RTVI ("llm-function-call-result",
                   ",\"data\":{\"function_name\":\"f\",\"tool_call_id\":\"c\",\"result\":null}"));
  g_assert_null (none->result.arguments_json);
  g_assert_cmpstr (none->result.result_json, ==, "null");
}

static void
test_append_to_context (void)
{
  g_autoptr (RpRtviClientMessage) text =
      parse (RTVI ("append-to-context",
                   ",\"data\":{\"role\":\"user\",\"content\":\"hi\",\"run_immediately\":true}"));
  g_assert_cmpint (text->type, ==, RP_RTVI_APPEND_TO_CONTEXT);
  g_assert_cmpstr (text->append.role, ==, "user");
  g_assert_cmpstr (text->append.content, ==, "hi");
  g_assert_false (text->append.content_is_json);
  g_assert_true (text->append.run_immediately);
  g_autoptr (RpRtviClientMessage) parts = parse (
      RTVI ("append-to-context",
            ",\"data\":{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hi\"}]}"));
  g_assert_cmpstr (parts->append.content, ==, "[{\"type\":\"text\",\"text\":\"hi\"}]");
  g_assert_true (parts->append.content_is_json);
  g_assert_false (parts->append.run_immediately);
}

static void
test_transport_messages (void)
{
  g_autoptr (RpRtviClientMessage) ping = parse ("ping: 1766218000123");
  g_assert_cmpint (ping->type, ==, RP_RTVI_PING);
  g_assert_cmpint (ping->ping_ms, ==, 1766218000123);
  g_autoptr (RpRtviClientMessage) track =
      parse ("{\"type\":\"signalling\",\"message\":{\"type\":\"trackStatus\",\"receiver_index\":2,"
             "\"enabled\":true}}");
  g_assert_cmpint (track->type, ==, RP_RTVI_TRACK_STATUS);
  g_assert_cmpuint (track->track.receiver_index, ==, 2);
  g_assert_true (track->track.enabled);
  g_autoptr (RpRtviClientMessage) bye = parse (RTVI ("disconnect-bot", ",\"data\":{}"));
  g_assert_cmpint (bye->type, ==, RP_RTVI_DISCONNECT_BOT);
}

/* What can be answered: the id is kept and the reason is what the client is told. */
static const struct {
  const char *text;
  RpRtviClientType type;
  const char *reason;
} answerable[] = {
    {RTVI ("raw-audio", ",\"data\":{}"), RP_RTVI_UNSUPPORTED, "Unsupported type raw-audio"},
    {RTVI ("", ""), RP_RTVI_UNSUPPORTED, "Unsupported type "},
    {RTVI ("client-message", ""), RP_RTVI_MALFORMED,
     "Invalid data for type client-message: data: expected an object"},
    {RTVI ("client-message", ",\"data\":{}"), RP_RTVI_MALFORMED,
     "Invalid data for type client-message: t: missing, expected a string"},
    {RTVI ("client-message", ",\"data\":{\"t\":1}"), RP_RTVI_MALFORMED,
     "Invalid data for type client-message: t: expected a string, got an integer"},
    {RTVI ("client-ready", ",\"data\":[]"), RP_RTVI_MALFORMED,
     "Invalid data for type client-ready: data: expected an object"},
    {RTVI ("client-ready", ",\"data\":{\"about\":{\"library\":1}}"), RP_RTVI_MALFORMED,
     "Invalid data for type client-ready: about.library: expected a string, got an integer"},
    {RTVI ("send-text", ",\"data\":{\"content\":null}"), RP_RTVI_MALFORMED,
     "Invalid data for type send-text: content: missing, expected a string"},
    {RTVI ("send-text", ",\"data\":{\"content\":\"\",\"options\":{\"run_immediately\":1}}"),
     RP_RTVI_MALFORMED,
     "Invalid data for type send-text: options.run_immediately: expected true or false, got an "
     "integer"},
    {RTVI ("dtmf", ",\"data\":{}"), RP_RTVI_MALFORMED,
     "Invalid data for type dtmf: buttons: expected at least one"},
    {RTVI ("dtmf", ",\"data\":{\"buttons\":[]}"), RP_RTVI_MALFORMED,
     "Invalid data for type dtmf: buttons: expected at least one"},
    {RTVI ("dtmf", ",\"data\":{\"buttons\":[\"1\",\"12\"]}"), RP_RTVI_MALFORMED,
     "Invalid data for type dtmf: button: expected one of 0-9 * # A-D"},
    {RTVI ("dtmf", ",\"data\":{\"buttons\":[\"\"]}"), RP_RTVI_MALFORMED,
     "Invalid data for type dtmf: button: expected one of 0-9 * # A-D"},
    {RTVI ("dtmf", ",\"data\":{\"buttons\":[1]}"), RP_RTVI_MALFORMED,
     "Invalid data for type dtmf: buttons[0]: expected a string, got an integer"},
    {RTVI ("llm-function-call-result", ",\"data\":{\"function_name\":\"f\"}"), RP_RTVI_MALFORMED,
     "Invalid data for type llm-function-call-result: tool_call_id: missing, expected a string"},
    {RTVI ("append-to-context", ",\"data\":{\"role\":\"user\"}"), RP_RTVI_MALFORMED,
     "Invalid data for type append-to-context: content: missing, expected a value"},
};

static void
test_answerable (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (answerable); i++) {
    g_autoptr (RpRtviClientMessage) message = parse (answerable[i].text);
    g_assert_cmpint (message->type, ==, answerable[i].type);
    g_assert_cmpstr (message->id, ==, "i1");
    g_assert_cmpstr (message->reason, ==, answerable[i].reason);
  }
}

static const char *const hopeless[] = {
    "",
    "hello",
    "ping",
    "ping:",
    "ping: x",
    "ping: -1",
    "ping: 1766218000123 and some more words to make it long",
    "[]",
    "{}",
    "{\"label\":\"rtvi-ai\"}",
    "{\"label\":\"rtvi-ai\",\"type\":7}",
    "{\"label\":\"rtvi-ai\",\"type\":\"client-ready\",\"id\":7}",
    "{\"type\":\"client-ready\",\"id\":\"1\"}",
    "{\"label\":\"other\",\"type\":\"client-ready\",\"id\":\"1\"}",
    "{\"type\":\"signalling\"}",
    "{\"type\":\"signalling\",\"message\":{\"type\":\"renegotiate\"}}",
    ("{\"type\":\"signalling\",\"message\":{\"type\":\"trackStatus\",\"receiver_index\":-1,"
     "\"enabled\":true}}"),
    "{\"type\":\"signalling\",\"message\":{\"type\":\"trackStatus\",\"receiver_index\":0}}",
};

static void
test_hopeless (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (hopeless); i++) {
    g_autoptr (GError) error = NULL;
    g_test_message ("row %" G_GSIZE_FORMAT, i);
    g_assert_null (try_parse (hopeless[i], strlen (hopeless[i]), &error));
    g_assert_error (error, RP_RTVI_ERROR, RP_RTVI_ERROR_INVALID);
  }
  g_autoptr (GError) error = NULL;
  g_assert_null (try_parse ("ping: 1\0002", 9, &error));
  g_assert_error (error, RP_RTVI_ERROR, RP_RTVI_ERROR_INVALID);
  g_clear_error (&error);

  g_autofree char *deep = g_strnfill (100000, '[');
  g_assert_null (try_parse (deep, 100000, &error));
  g_assert_error (error, RP_RTVI_ERROR, RP_RTVI_ERROR_INVALID);
  g_clear_error (&error);
  g_autofree char *large = g_strnfill (RP_RTVI_MAX_BYTES + 1, ' ');
  g_assert_null (try_parse (large, RP_RTVI_MAX_BYTES + 1, &error));
  g_assert_error (error, RP_RTVI_ERROR, RP_RTVI_ERROR_INVALID);
}

/* Takes ownership of @text. */
static void
assert_text (char *text, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = rp_json_parse (text, strlen (text), 0, &error);
  g_assert_no_error (error);
  g_assert_nonnull (node);
  g_assert_cmpstr (text, ==, expected);
  g_free (text);
}

#define SENT(type, rest) "{\"label\":\"rtvi-ai\",\"type\":\"" type "\"" rest "}"

static void
test_answers (void)
{
  assert_text (
      rp_rtvi_bot_ready ("i1", "repartee", "0.1.0"),
      SENT ("bot-ready",
            ",\"id\":\"i1\",\"data\":{\"version\":\"2.1.0\",\"about\":{\"library\":\"repartee\","
            "\"library_version\":\"0.1.0\"}}"));
  assert_text (rp_rtvi_bot_ready (NULL, NULL, NULL),
               SENT ("bot-ready", ",\"data\":{\"version\":\"2.1.0\"}"));
  assert_text (rp_rtvi_error_message ("bad \"thing\"\n", TRUE),
               SENT ("error", ",\"data\":{\"error\":\"bad \\\"thing\\\"\\n\",\"fatal\":true}"));
  assert_text (
      rp_rtvi_error_response ("i1", "Unsupported type X"),
      SENT ("error-response", ",\"id\":\"i1\",\"data\":{\"error\":\"Unsupported type X\"}"));
  assert_text (rp_rtvi_server_response ("i1", "t", "{\"a\": [1]}"),
               SENT ("server-response", ",\"id\":\"i1\",\"data\":{\"t\":\"t\",\"d\":{\"a\":[1]}}"));
  assert_text (rp_rtvi_server_response ("i1", "t", NULL),
               SENT ("server-response", ",\"id\":\"i1\",\"data\":{\"t\":\"t\"}"));
  /* Broken JSON from elsewhere does not break the message. */
  assert_text (rp_rtvi_server_response ("i1", "t", "{\"a\":"),
               SENT ("server-response", ",\"id\":\"i1\",\"data\":{\"t\":\"t\",\"d\":null}"));
  assert_text (rp_rtvi_server_message ("{\"x\":1}"),
               SENT ("server-message", ",\"data\":{\"x\":1}"));
  assert_text (rp_rtvi_server_message ("1}"), SENT ("server-message", ",\"data\":null"));
}

static void
test_events (void)
{
  static const char *const names[RP_RTVI_N_EVENTS] = {
      "user-started-speaking", "user-stopped-speaking",     "bot-started-speaking",
      "bot-stopped-speaking",  "vad-user-started-speaking", "vad-user-stopped-speaking",
      "user-mute-started",     "user-mute-stopped",         "bot-interrupted",
      "bot-llm-started",       "bot-llm-stopped",           "bot-tts-started",
      "bot-tts-stopped",
  };
  for (guint i = 0; i < RP_RTVI_N_EVENTS; i++) {
    g_autofree char *expected = g_strdup_printf (SENT ("%s", ""), names[i]);
    assert_text (rp_rtvi_event ((RpRtviEvent) i), expected);
  }
}

static void
test_texts (void)
{
  static const char *const names[RP_RTVI_N_TEXTS] = {"user-llm-text", "bot-llm-text",
                                                     "bot-tts-text", "system-log"};
  for (guint i = 0; i < RP_RTVI_N_TEXTS; i++) {
    g_autofree char *expected =
        g_strdup_printf (SENT ("%s", ",\"data\":{\"text\":\"h\xc3\xa9\"}"), names[i]);
    assert_text (rp_rtvi_text ((RpRtviText) i, "h\xc3\xa9"), expected);
  }
  assert_text (rp_rtvi_text (RP_RTVI_BOT_TTS_TEXT, "a\xff\x01\\"),
               SENT ("bot-tts-text", ",\"data\":{\"text\":\"a\xef\xbf\xbd\\u0001\\\\\"}"));
  assert_text (rp_rtvi_user_transcription ("hi", "", "2025-11-20T06:49:00.000Z", TRUE),
               SENT ("user-transcription",
                     ",\"data\":{\"text\":\"hi\",\"user_id\":\"\","
                     "\"timestamp\":\"2025-11-20T06:49:00.000Z\",\"final\":true}"));
}

static void
test_bot_output (void)
{
  RpRtviBotOutput output = {
      .text = "Hello there.", .aggregated_by = "sentence", .will_be_spoken = TRUE};
  assert_text (rp_rtvi_bot_output (&output, 2),
               SENT ("bot-output",
                     ",\"data\":{\"text\":\"Hello there.\",\"aggregated_by\":\"sentence\","
                     "\"will_be_spoken\":true,\"spoken_status\":\"new\"}"));
  assert_text (rp_rtvi_bot_output (&output, 1),
               SENT ("bot-output",
                     ",\"data\":{\"text\":\"Hello there.\",\"aggregated_by\":\"sentence\","
                     "\"spoken\":false}"));
  output.segment_id = "s1";
  output.spoken_status = RP_RTVI_SPOKEN_IN_PROGRESS;
  output.accumulated_text = "Hello";
  output.remaining_text = " there.";
  assert_text (
      rp_rtvi_bot_output (&output, 0),
      SENT ("bot-output",
            ",\"data\":{\"text\":\"Hello there.\",\"aggregated_by\":\"sentence\","
            "\"segment_id\":\"s1\",\"will_be_spoken\":true,\"spoken_status\":\"in-progress\","
            "\"spoken_progress\":{\"accumulated_text\":\"Hello\","
            "\"remaining_text\":\" there.\"}}"));
  assert_text (rp_rtvi_bot_output (&output, 1),
               SENT ("bot-output",
                     ",\"data\":{\"text\":\"Hello there.\",\"aggregated_by\":\"sentence\","
                     "\"spoken\":true}"));
  output.spoken_status = RP_RTVI_SPOKEN_COMPLETED;
  output.accumulated_text = "Hello there.";
  output.remaining_text = NULL;
  assert_text (
      rp_rtvi_bot_output (&output, 2),
      SENT ("bot-output",
            ",\"data\":{\"text\":\"Hello there.\",\"aggregated_by\":\"sentence\","
            "\"segment_id\":\"s1\",\"will_be_spoken\":true,\"spoken_status\":\"completed\","
            "\"spoken_progress\":{\"accumulated_text\":\"Hello there.\","
            "\"remaining_text\":\"\"}}"));
}

static void
test_metrics (void)
{
  static const RpRtviMetric items[] = {
      {RP_RTVI_METRIC_TTFB, "llm", 0.25},    {RP_RTVI_METRIC_CHARACTERS, "tts", 120},
      {RP_RTVI_METRIC_TTFB, "tts", NAN},     {RP_RTVI_METRIC_TTFA, "a", 1},
      {RP_RTVI_METRIC_TTFAT, "b", 2},        {RP_RTVI_METRIC_PROCESSING, "c", 3},
      {RP_RTVI_METRIC_TOKENS, "d", 1234567}, {RP_RTVI_METRIC_STT_USAGE, "e", 5},
  };
  assert_text (rp_rtvi_metrics (items, 3),
               SENT ("metrics", ",\"data\":{\"ttfb\":[{\"processor\":\"llm\",\"value\":0.25},"
                                "{\"processor\":\"tts\",\"value\":0}],"
                                "\"characters\":[{\"processor\":\"tts\",\"value\":120}]}"));
  assert_text (rp_rtvi_metrics (items + 3, 5),
               SENT ("metrics", ",\"data\":{\"ttfa\":[{\"processor\":\"a\",\"value\":1}],"
                                "\"ttfat\":[{\"processor\":\"b\",\"value\":2}],"
                                "\"processing\":[{\"processor\":\"c\",\"value\":3}],"
                                "\"tokens\":[{\"processor\":\"d\",\"value\":1234567}],"
                                "\"stt_usage\":[{\"processor\":\"e\",\"value\":5}]}"));
  assert_text (rp_rtvi_metrics (NULL, 0), SENT ("metrics", ",\"data\":{}"));
}

static void
test_function_calls (void)
{
  assert_text (rp_rtvi_function_call_started (NULL),
               SENT ("llm-function-call-started", ",\"data\":{}"));
  assert_text (rp_rtvi_function_call_started ("f"),
               SENT ("llm-function-call-started", ",\"data\":{\"function_name\":\"f\"}"));
  assert_text (rp_rtvi_function_call_in_progress ("c", NULL, NULL, NULL),
               SENT ("llm-function-call-in-progress", ",\"data\":{\"tool_call_id\":\"c\"}"));
  assert_text (
      rp_rtvi_function_call_in_progress ("c", "f", "{\"x\":1}", "client"),
      SENT ("llm-function-call-in-progress",
            ",\"data\":{\"tool_call_id\":\"c\",\"function_name\":\"f\",\"arguments\":{\"x\":1},"
            "\"where\":\"client\"}"));
  assert_text (rp_rtvi_function_call_stopped ("c", FALSE, "f", "\"ok\""),
               SENT ("llm-function-call-stopped",
                     ",\"data\":{\"tool_call_id\":\"c\",\"cancelled\":false,"
                     "\"function_name\":\"f\",\"result\":\"ok\"}"));
  assert_text (
      rp_rtvi_function_call_stopped ("c", TRUE, NULL, NULL),
      SENT ("llm-function-call-stopped", ",\"data\":{\"tool_call_id\":\"c\",\"cancelled\":true}"));
}

static void
test_others (void)
{
  assert_text (rp_rtvi_audio_level (TRUE, 0.5),
               SENT ("bot-audio-level", ",\"data\":{\"value\":0.5}"));
  assert_text (rp_rtvi_audio_level (FALSE, INFINITY),
               SENT ("user-audio-level", ",\"data\":{\"value\":0}"));
  assert_text (rp_rtvi_renegotiate (),
               "{\"type\":\"signalling\",\"message\":{\"type\":\"renegotiate\"}}");
  assert_text (rp_rtvi_peer_left (),
               "{\"type\":\"signalling\",\"message\":{\"type\":\"peerLeft\"}}");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtvi/client/ready", test_client_ready);
  g_test_add_func ("/rtvi/client/message", test_client_message);
  g_test_add_func ("/rtvi/client/send-text", test_send_text);
  g_test_add_func ("/rtvi/client/dtmf", test_dtmf);
  g_test_add_func ("/rtvi/client/function-call-result", test_function_call_result);
  g_test_add_func ("/rtvi/client/append-to-context", test_append_to_context);
  g_test_add_func ("/rtvi/client/transport", test_transport_messages);
  g_test_add_func ("/rtvi/client/answerable", test_answerable);
  g_test_add_func ("/rtvi/client/hopeless", test_hopeless);
  g_test_add_func ("/rtvi/server/answers", test_answers);
  g_test_add_func ("/rtvi/server/events", test_events);
  g_test_add_func ("/rtvi/server/texts", test_texts);
  g_test_add_func ("/rtvi/server/bot-output", test_bot_output);
  g_test_add_func ("/rtvi/server/metrics", test_metrics);
  g_test_add_func ("/rtvi/server/function-calls", test_function_calls);
  g_test_add_func ("/rtvi/server/others", test_others);
  return g_test_run ();
}
