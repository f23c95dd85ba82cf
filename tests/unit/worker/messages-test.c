/* The JSON of START, CLIENT and EVENT: what the worker writes the server accepts, and the worker
 * takes nothing that proto/README.md does not allow. */
#include "event-json.h"
#include "frame.h"
#include "start.h"
#include "worker-event.h"

#include <math.h>
#include <string.h>

static void
assert_accepted (const char *json, RpWorkerEventType type)
{
  g_auto (RpWorkerEvent) event = {0};
  g_autoptr (GError) error = NULL;
  rp_worker_event_parse (json, strlen (json), &event, &error);
  g_assert_no_error (error);
  g_assert_cmpint (event.type, ==, type);
}

static void
test_events (void)
{
  g_autoptr (RpToolCall) call = rp_tool_call_new ("c1", "book_room", "{\"seats\":4}");
  const struct {
    RpEngineEmit emit;
    const char *json;
    RpWorkerEventType type;
  } rows[] = {
      {{.type = RP_EMIT_USER_STARTED_SPEAKING},
       "{\"event\":\"user_started_speaking\"}",
       RP_WORKER_EVENT_USER_STARTED_SPEAKING},
      {{.type = RP_EMIT_USER_STOPPED_SPEAKING},
       "{\"event\":\"user_stopped_speaking\"}",
       RP_WORKER_EVENT_USER_STOPPED_SPEAKING},
      {{.type = RP_EMIT_USER_TRANSCRIPT, .text = (char *) "say \"hi\"\n", .final = TRUE},
       "{\"event\":\"user_transcript\",\"text\":\"say \\\"hi\\\"\\n\",\"final\":true}",
       RP_WORKER_EVENT_USER_TRANSCRIPT},
      {{.type = RP_EMIT_USER_TURN, .text = (char *) "hi"},
       "{\"event\":\"user_turn\",\"text\":\"hi\"}",
       RP_WORKER_EVENT_USER_TURN},
      {{.type = RP_EMIT_AGENT_THINKING, .id = 3},
       "{\"event\":\"agent_thinking\",\"generation\":3}",
       RP_WORKER_EVENT_AGENT_THINKING},
      {{.type = RP_EMIT_AGENT_TEXT, .id = 3, .text = (char *) "Hello."},
       "{\"event\":\"agent_text\",\"text\":\"Hello.\",\"generation\":3}",
       RP_WORKER_EVENT_AGENT_TEXT},
      {{.type = RP_EMIT_AGENT_THOUGHT, .id = 4294967295u},
       "{\"event\":\"agent_thought\",\"generation\":4294967295}",
       RP_WORKER_EVENT_AGENT_THOUGHT},
      {{.type = RP_EMIT_AGENT_STARTED_SPEAKING},
       "{\"event\":\"agent_started_speaking\"}",
       RP_WORKER_EVENT_AGENT_STARTED_SPEAKING},
      {{.type = RP_EMIT_AGENT_STOPPED_SPEAKING},
       "{\"event\":\"agent_stopped_speaking\"}",
       RP_WORKER_EVENT_AGENT_STOPPED_SPEAKING},
      {{.type = RP_EMIT_OUTPUT,
        .id = 2,
        .text = (char *) "A b.",
        .heard = (char *) "A",
        .remaining = (char *) " b.",
        .status = "in-progress",
        .spoken = TRUE},
       "{\"event\":\"output\",\"segment\":2,\"text\":\"A "
       "b.\",\"status\":\"in-progress\",\"heard\":\"A\","
       "\"remaining\":\" b.\",\"spoken\":true}",
       RP_WORKER_EVENT_OUTPUT},
      {{.type = RP_EMIT_INTERRUPTED, .heard = (char *) "We are"},
       "{\"event\":\"interrupted\",\"heard\":\"We are\"}",
       RP_WORKER_EVENT_INTERRUPTED},
      {{.type = RP_EMIT_TOOL_CALL, .call = call, .status = "done", .result = (char *) "{}"},
       "{\"event\":\"tool_call\",\"id\":\"c1\",\"name\":\"book_room\",\"status\":\"done\","
       "\"arguments\":\"{\\\"seats\\\":4}\",\"result\":\"{}\"}",
       RP_WORKER_EVENT_TOOL_CALL},
      {{.type = RP_EMIT_TOOL_CALL, .call = call, .status = "started", .client = TRUE},
       "{\"event\":\"tool_call\",\"id\":\"c1\",\"name\":\"book_room\",\"status\":\"started\","
       "\"arguments\":\"{\\\"seats\\\":4}\",\"where\":\"client\"}",
       RP_WORKER_EVENT_TOOL_CALL},
      {{.type = RP_EMIT_METRICS, .metrics = {250.5, -1, 0, -1, -1, -1}},
       "{\"event\":\"turn_metrics\",\"voice_to_voice_ms\":250.500,\"stt_ms\":0.000}",
       RP_WORKER_EVENT_TURN_METRICS},
      {{.type = RP_EMIT_SILENT, .text = (char *) "nothing was said"},
       "{\"event\":\"silent\",\"reason\":\"nothing was said\"}",
       RP_WORKER_EVENT_SILENT},
      {{.type = RP_EMIT_ERROR, .text = (char *) "no voice", .fatal = TRUE},
       "{\"event\":\"error\",\"message\":\"no voice\",\"fatal\":true}",
       RP_WORKER_EVENT_ERROR},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *json = rp_event_to_json (&rows[i].emit);
    g_assert_cmpstr (json, ==, rows[i].json);
    assert_accepted (json, rows[i].type);
  }
}

static void
test_stt_input (void)
{
  assert_accepted ("{\"event\":\"stt_input\",\"decoded\":900,\"fec\":20,\"concealed\":40,"
                   "\"silence\":0,\"copied\":60,\"paused\":0}",
                   RP_WORKER_EVENT_STT_INPUT);
}

static void
test_empty_metrics (void)
{
  const RpEngineEmit emit = {.type = RP_EMIT_METRICS, .metrics = {-1, -1, -1, -1, -1, -1}};
  g_assert_null (rp_event_to_json (&emit));
}

/* Longer than the server takes: cut, and not in the middle of a character. */
static void
test_long_text (void)
{
  GString *text = g_string_new ("x");
  while (text->len < 2 * RP_EVENT_MAX_TEXT_BYTES)
    g_string_append (text, "\xe2\x82\xac");
  const RpEngineEmit emit = {.type = RP_EMIT_USER_TURN, .text = text->str};
  g_autofree char *json = rp_event_to_json (&emit);
  assert_accepted (json, RP_WORKER_EVENT_USER_TURN);
  g_string_free (text, TRUE);
}

/* Whatever a brain calls and a tool answers, the event fits its frame and the server takes it. */
static void
test_longest_event (void)
{
  g_autofree char *noise = g_strnfill (RP_EVENT_MAX_TEXT_BYTES, '\x01');
  g_autofree char *quotes = g_strnfill (RP_EVENT_MAX_TEXT_BYTES, '"');
  const char *const texts[] = {noise, quotes};
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (RpToolCall) call = rp_tool_call_new ("c1", "book_room", texts[i]);
    const RpEngineEmit emit = {
        .type = RP_EMIT_TOOL_CALL, .call = call, .status = "done", .result = (char *) texts[i]};
    g_autofree char *json = rp_event_to_json (&emit);
    g_assert_cmpuint (strlen (json), <=, RP_FRAME_MAX_PAYLOAD_BYTES);
    assert_accepted (json, i == 0 ? RP_WORKER_EVENT_ERROR : RP_WORKER_EVENT_TOOL_CALL);
  }
}

/* A number that the server would not take is left out, and with it a worker's death. */
static void
test_absurd_metrics (void)
{
  const RpEngineEmit emit = {.type = RP_EMIT_METRICS,
                             .metrics = {1e9, 200, -1, (double) NAN, (double) INFINITY, -1}};
  g_autofree char *json = rp_event_to_json (&emit);
  g_assert_cmpstr (json, ==, "{\"event\":\"turn_metrics\",\"turn_decision_ms\":200.000}");
  assert_accepted (json, RP_WORKER_EVENT_TURN_METRICS);
}

static void
test_response (void)
{
  g_autofree char *answer = rp_event_response ("7", "ask", "{\"a\":1}", NULL);
  assert_accepted (answer, RP_WORKER_EVENT_RESPONSE);
  g_autofree char *refusal = rp_event_response ("7", "ask", NULL, "no");
  assert_accepted (refusal, RP_WORKER_EVENT_RESPONSE);
}

static void
test_start (void)
{
  static const char json[] =
      "{\"call\":\"c1\",\"agent\":\"reception\",\"resume\":true,\"connected\":true,"
      "\"input_pos_samples\":3200,\"unheard_of\":[],\"utterances\":["
      "{\"id\":3,\"frames\":10,\"played\":10,\"complete\":true},"
      "{\"id\":5,\"frames\":10,\"played\":0,\"complete\":false}]}";
  RpStart start;
  g_autoptr (GError) error = NULL;
  g_assert_true (rp_start_parse (json, strlen (json), &start, &error));
  g_assert_cmpstr (start.call, ==, "c1");
  g_assert_true (start.resume && start.connected);
  g_assert_cmpint (start.input_pos_samples, ==, 3200);
  g_assert_cmpuint (start.n_played, ==, 2);
  g_assert_cmpuint (start.played[1].utterance, ==, 5);
  g_assert_cmpuint (start.played[0].frames_played, ==, 10);
  g_assert_true (start.played[0].complete && !start.played[1].complete);
  rp_start_clear (&start);
}

static void
test_request_data (void)
{
  g_autofree char *letters = g_strnfill (RP_START_MAX_VALUE_BYTES + 50, 'a');
  g_autofree char *json =
      g_strdup_printf ("{\"call\":\"c1\",\"agent\":\"tutor\",\"request_data\":{\"caller_name\":\" "
                       "Anna\\n\\u0007Blue \","
                       "\"age\":7,\"empty\":\" \",\"list\":[\"a\"],\"long\":\"%s\"}}",
                       letters);
  RpStart start;
  g_autoptr (GError) error = NULL;
  g_assert_true (rp_start_parse (json, strlen (json), &start, &error));
  g_assert_cmpstr (start.agent, ==, "tutor");
  g_assert_cmpuint (g_hash_table_size (start.data), ==, 2);
  g_assert_cmpstr (g_hash_table_lookup (start.data, "caller_name"), ==, "Anna  Blue");
  g_assert_cmpuint (strlen (g_hash_table_lookup (start.data, "long")), ==,
                    RP_START_MAX_VALUE_BYTES);
  rp_start_clear (&start);

  static const char bare[] = "{\"call\":\"c1\"}";
  g_assert_true (rp_start_parse (bare, strlen (bare), &start, &error));
  g_assert_null (start.agent);
  g_assert_null (start.data);
  rp_start_clear (&start);
}

/* What was said, the newest in any case, in no more bytes than an event may have. */
static void
test_conversation (void)
{
  g_autoptr (GPtrArray) messages = rp_messages_new ();
  g_ptr_array_add (messages, rp_message_new (RP_ROLE_SYSTEM, "secret", 0));
  g_ptr_array_add (messages, rp_message_new (RP_ROLE_ASSISTANT, "Hello.", 0));
  g_ptr_array_add (messages, rp_message_new (RP_ROLE_USER, "Say \"x\".", 0));
  g_ptr_array_add (messages, rp_message_new (RP_ROLE_ASSISTANT, "", 0));
  g_ptr_array_add (messages, rp_message_new (RP_ROLE_TOOL, "{}", 0));
  g_autofree char *json = rp_event_conversation (messages);
  g_assert_cmpstr (json, ==,
                   "{\"messages\":[{\"role\":\"assistant\",\"content\":\"Hello.\"},"
                   "{\"role\":\"user\",\"content\":\"Say \\\"x\\\".\"}]}");

  g_autofree char *long_text = g_strnfill (700, '"');
  for (guint i = 0; i < 100; i++)
    g_ptr_array_add (messages, rp_message_new (RP_ROLE_USER, long_text, 0));
  g_ptr_array_add (messages, rp_message_new (RP_ROLE_USER, "last", 0));
  g_autofree char *cut = rp_event_conversation (messages);
  g_assert_cmpuint (strlen (cut), <=, RP_EVENT_MAX_TEXT_BYTES);
  g_autoptr (JsonObject) object = rp_json_parse_object (cut, strlen (cut), 0, NULL);
  JsonArray *list = rp_json_array (object, "messages");
  guint n = json_array_get_length (list);
  g_assert_cmpuint (n, >, 5);
  g_assert_cmpint (rp_json_int (object, "omitted", 0), ==, 103 - (gint64) n);
  g_assert_cmpstr (rp_json_string (rp_json_array_object (list, n - 1), "content", ""), ==, "last");

  g_autofree char *event = rp_event_response ("7", "conversation", cut, NULL);
  assert_accepted (event, RP_WORKER_EVENT_RESPONSE);
}

static void
test_bad_start (void)
{
  static const char *const rows[] = {
      "[]",
      "{}",
      "{\"call\":1}",
      "{\"call\":\"c\",\"resume\":\"yes\"}",
      "{\"call\":\"c\",\"input_pos_samples\":-1}",
      "{\"call\":\"c\",\"input_pos_samples\":1.5}",
      "{\"call\":\"c\",\"request_data\":\"x\"}",
      "{\"call\":\"c\",\"agent\":1}",
      "{\"call\":\"c\",\"utterances\":{}}",
      "{\"call\":\"c\",\"utterances\":[1]}",
      "{\"call\":\"c\",\"utterances\":[{\"id\":1}]}",
      "{\"call\":\"c\",\"utterances\":[{\"id\":0,\"frames\":1,\"played\":1,\"complete\":true}]}",
      "{\"call\":\"c\",\"utterances\":[{\"id\":1,\"frames\":1,\"played\":2,\"complete\":true}]}",
      ("{\"call\":\"c\",\"utterances\":[{\"id\":2,\"frames\":1,\"played\":1,\"complete\":true},"
       "{\"id\":2,\"frames\":1,\"played\":1,\"complete\":true}]}"),
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    RpStart start;
    g_autoptr (GError) error = NULL;
    g_autofree char *json = g_memdup2 (rows[i], strlen (rows[i]));
    g_test_message ("%s", rows[i]);
    g_assert_false (rp_start_parse (json, strlen (rows[i]), &start, &error));
    g_assert_nonnull (error);
  }
}

static void
test_client (void)
{
  static const struct {
    const char *json;
    gboolean ok;
    RpClientType type;
    const char *text;
  } rows[] = {
      {"{\"type\":\"connected\"}", TRUE, RP_CLIENT_CONNECTED, NULL},
      {"{\"type\":\"interrupt\",\"more\":1}", TRUE, RP_CLIENT_INTERRUPT, NULL},
      {"{\"type\":\"drain\"}", TRUE, RP_CLIENT_DRAIN, NULL},
      {"{\"type\":\"text\",\"content\":\"hi\"}", TRUE, RP_CLIENT_TEXT, "hi"},
      {"{\"type\":\"message\",\"id\":\"1\",\"name\":\"n\",\"data\":\"{}\"}", TRUE,
       RP_CLIENT_MESSAGE, "{}"},
      {"{\"type\":\"dtmf\",\"buttons\":\"12*#\"}", TRUE, RP_CLIENT_DTMF, "12*#"},
      {"{\"type\":\"dtmf\",\"buttons\":\"12a\"}", FALSE, 0, NULL},
      {"{\"type\":\"dtmf\"}", FALSE, 0, NULL},
      {"{\"type\":\"text\"}", FALSE, 0, NULL},
      {"{\"type\":\"text\",\"content\":5}", FALSE, 0, NULL},
      {"{\"type\":\"message\",\"id\":\"1\"}", FALSE, 0, NULL},
      {"{\"type\":\"unheard of\"}", FALSE, 0, NULL},
      {"{\"type\":null}", FALSE, 0, NULL},
      {"{\"type\":\"tool_result\",\"id\":\"t\",\"result\":\"{\\\"a\\\":1}\"}", TRUE,
       RP_CLIENT_TOOL_RESULT, "{\"a\":1,\"ok\":true}"},
      {"{\"type\":\"tool_result\",\"id\":\"t\",\"result\":\"{\\\"ok\\\":false}\"}", TRUE,
       RP_CLIENT_TOOL_RESULT, "{\"ok\":false}"},
      {"{\"type\":\"tool_result\",\"id\":\"t\",\"result\":\"null\"}", TRUE, RP_CLIENT_TOOL_RESULT,
       "{\"ok\":true}"},
      {"{\"type\":\"tool_result\",\"id\":\"t\",\"result\":\"\\\"x\\\"\"}", TRUE,
       RP_CLIENT_TOOL_RESULT, "{\"ok\":true,\"result\":\"x\"}"},
      {"{\"type\":\"tool_result\",\"id\":\"t\",\"result\":\"[1]\"}", TRUE, RP_CLIENT_TOOL_RESULT,
       "{\"ok\":true,\"result\":[1]}"},
      {"{\"type\":\"tool_result\",\"id\":\"t\",\"error\":\"no map\"}", TRUE, RP_CLIENT_TOOL_RESULT,
       "no map"},
      {"{\"type\":\"tool_result\",\"id\":\"t\",\"result\":\"{\"}", FALSE, 0, NULL},
      {"{\"type\":\"tool_result\",\"id\":\"t\"}", FALSE, 0, NULL},
      {"{\"type\":\"tool_result\",\"result\":\"1\"}", FALSE, 0, NULL},
      {"{\"type\":\"tool_result\",\"id\":1,\"result\":\"1\"}", FALSE, 0, NULL},
      {"{}", FALSE, 0, NULL},
      {"\"text\"", FALSE, 0, NULL},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    RpClientMessage message;
    g_autoptr (GError) error = NULL;
    g_test_message ("%s", rows[i].json);
    gboolean ok = rp_client_parse (rows[i].json, strlen (rows[i].json), &message, &error);
    g_assert_cmpint (ok, ==, rows[i].ok);
    if (!ok) {
      g_assert_nonnull (error);
      continue;
    }
    g_assert_cmpint (message.type, ==, rows[i].type);
    g_assert_cmpstr (message.text, ==, rows[i].text);
    g_assert_cmpint (message.failed, ==, strstr (rows[i].json, "\"error\"") != NULL);
    rp_client_message_clear (&message);
  }
}

static void
test_client_flags (void)
{
  static const char json[] = "{\"type\":\"text\",\"content\":\"x\",\"run_immediately\":false,"
                             "\"audio_response\":false}";
  RpClientMessage message;
  g_assert_true (rp_client_parse (json, strlen (json), &message, NULL));
  g_assert_false (message.run_immediately);
  g_assert_false (message.audio_response);
  rp_client_message_clear (&message);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/messages/events", test_events);
  g_test_add_func ("/messages/empty-metrics", test_empty_metrics);
  g_test_add_func ("/messages/stt-input", test_stt_input);
  g_test_add_func ("/messages/long-text", test_long_text);
  g_test_add_func ("/messages/longest-event", test_longest_event);
  g_test_add_func ("/messages/absurd-metrics", test_absurd_metrics);
  g_test_add_func ("/messages/response", test_response);
  g_test_add_func ("/messages/start", test_start);
  g_test_add_func ("/messages/request-data", test_request_data);
  g_test_add_func ("/messages/conversation", test_conversation);
  g_test_add_func ("/messages/bad-start", test_bad_start);
  g_test_add_func ("/messages/client", test_client);
  g_test_add_func ("/messages/client-flags", test_client_flags);
  return g_test_run ();
}
