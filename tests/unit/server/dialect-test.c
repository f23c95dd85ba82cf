/* Events of workers and messages of clients, through the RTVI dialect. */
#include "dialect.h"

#include <string.h>

/* 2026-11-20T12:34:56.789Z */
#define WALL_US G_GINT64_CONSTANT (1795178096789000)

static void
event (RpDialect *dialect, const char *json)
{
  g_auto (RpWorkerEvent) parsed = {0};
  g_autoptr (GError) error = NULL;
  g_assert_true (rp_worker_event_parse (json, strlen (json), &parsed, &error));
  g_assert_no_error (error);
  rp_dialect_event (dialect, &parsed, WALL_US);
}

/* An exactly-sized copy, so that reading on is seen. */
static void
client (RpDialect *dialect, const char *text)
{
  gsize len = strlen (text);
  g_autofree char *copy = g_memdup2 (text, len);
  rp_dialect_client (dialect, copy, len);
}

/* All that is queued, one per line: "<" to the client, ">" to the worker. */
static char *
drain (RpDialect *dialect)
{
  static const char marks[] = {'<', '>', 'R', 'H'};
  GString *all = g_string_new (NULL);
  RpDialectOut out;
  while (rp_dialect_poll (dialect, &out)) {
    g_string_append_printf (all, "%c%s\n", marks[out.type], out.text != NULL ? out.text : "");
    g_free (out.text);
  }
  return g_string_free (all, FALSE);
}

static void
assert_says (RpDialect *dialect, const char *expected)
{
  g_autofree char *said = drain (dialect);
  if (strstr (said, expected) == NULL)
    g_error ("expected %s in:\n%s", expected, said);
}

static void
test_client_ready (void)
{
  g_autoptr (RpDialect) dialect = rp_rtvi_dialect_new ();
  client (dialect, "{\"label\":\"rtvi-ai\",\"type\":\"client-ready\",\"id\":\"r1\",\"data\":"
                   "{\"version\":\"2.0.0\",\"about\":{\"library\":\"x\"}}}");
  g_autofree char *said = drain (dialect);
  g_assert_nonnull (strstr (said, "bot-ready"));
  g_assert_nonnull (strstr (said, "\"id\":\"r1\""));
  g_assert_nonnull (strstr (said, "\nR\n"));
  g_assert_null (strstr (said, "error"));
}

static void
test_other_major (void)
{
  g_autoptr (RpDialect) dialect = rp_rtvi_dialect_new ();
  client (dialect, "{\"label\":\"rtvi-ai\",\"type\":\"client-ready\",\"id\":\"r1\",\"data\":"
                   "{\"version\":\"9.0.0\",\"about\":{\"library\":\"x\"}}}");
  g_autofree char *said = drain (dialect);
  g_assert_nonnull (strstr (said, "error-response"));
  g_assert_nonnull (strstr (said, "bot-ready")); /* and goes on */
}

typedef struct {
  const char *from;
  const char *expected; /* a piece of what comes of it */
} Row;

#define RTVI(type, data) \
  "{\"label\":\"rtvi-ai\",\"type\":\"" type "\",\"id\":\"m1\",\"data\":" data "}"

static const Row client_rows[] = {
    {RTVI ("send-text", "{\"content\":\"hi \\\"you\\\"\"}"),
     ">{\"type\":\"text\",\"content\":\"hi \\\"you\\\"\",\"run_immediately\":true,"
     "\"audio_response\":true}"},
    {RTVI ("send-text", "{\"content\":\"a\",\"options\":{\"run_immediately\":false,"
                        "\"audio_response\":false}}"),
     "\"run_immediately\":false,\"audio_response\":false"},
    {RTVI ("send-text", "{\"content\":\"\"}"), "error-response"},
    {RTVI ("send-text", "{\"content\":5}"), "error-response"},
    {RTVI ("client-message", "{\"t\":\"weather\",\"d\":{\"city\":\"Ulm\"}}"),
     ">{\"type\":\"message\",\"id\":\"m1\",\"name\":\"weather\",\"data\":\"{\\\"city\\\":"},
    {RTVI ("client-message", "{\"t\":\"interrupt\"}"), ">{\"type\":\"interrupt\"}"},
    {RTVI ("dtmf", "{\"buttons\":[\"1\",\"#\"]}"), ">{\"type\":\"dtmf\",\"buttons\":\"1#\"}"},
    {RTVI ("dtmf", "{\"buttons\":[\"A\"]}"), "error-response"},
    {RTVI ("disconnect-bot", "{}"), "H"},
    {RTVI ("append-to-context", "{\"role\":\"user\",\"content\":\"note\"}"),
     ">{\"type\":\"text\",\"content\":\"note\""},
    {RTVI ("append-to-context", "{\"role\":\"system\",\"content\":\"note\"}"), "error-response"},
    {RTVI ("teleport", "{}"), "error-response"},
};

static void
test_client_messages (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (client_rows); i++) {
    g_autoptr (RpDialect) dialect = rp_rtvi_dialect_new ();
    client (dialect, client_rows[i].from);
    assert_says (dialect, client_rows[i].expected);
  }
}

static void
test_silent_messages (void)
{
  static const char *const quiet[] = {
      "ping: 1795178096789",
      ("{\"type\":\"signalling\",\"message\":{\"type\":\"trackStatus\",\"receiver_index\":0,"
       "\"enabled\":true}}"),
      "",
      "nonsense",
      "[[[[",
      "{\"type\":5}",
      "\xff\xfe",
  };
  g_autoptr (RpDialect) dialect = rp_rtvi_dialect_new ();
  RpDialectStats stats;
  for (gsize i = 0; i < G_N_ELEMENTS (quiet); i++)
    client (dialect, quiet[i]);
  g_autofree char *said = drain (dialect);
  g_assert_cmpstr (said, ==, "");
  rp_dialect_stats (dialect, &stats);
  g_assert_cmpuint (stats.client_messages, ==, G_N_ELEMENTS (quiet));
  g_assert_cmpuint (stats.client_invalid, ==, 5);
}

static void
test_long_text (void)
{
  g_autoptr (RpDialect) dialect = rp_rtvi_dialect_new ();
  g_autofree char *content = g_strnfill (16385, 'a');
  g_autofree char *message = g_strdup_printf (RTVI ("send-text", "{\"content\":\"%s\"}"), content);
  client (dialect, message);
  g_autofree char *said = drain (dialect);
  g_assert_nonnull (strstr (said, "error-response"));
  g_assert_null (strchr (said, '>'));
}

static const Row event_rows[] = {
    {"{\"event\":\"user_started_speaking\"}", "\"user-started-speaking\""},
    {"{\"event\":\"user_stopped_speaking\"}", "\"user-stopped-speaking\""},
    {"{\"event\":\"user_transcript\",\"text\":\"hey\",\"final\":false}",
     "\"timestamp\":\"2026-11-20T12:34:56.789Z\",\"final\":false"},
    {"{\"event\":\"user_turn\",\"text\":\"hey\"}", "\"user-llm-text\""},
    {"{\"event\":\"agent_thinking\",\"generation\":1}", "\"bot-llm-started\""},
    {"{\"event\":\"agent_text\",\"generation\":1,\"text\":\"a\"}", "\"bot-llm-text\""},
    {"{\"event\":\"agent_thought\",\"generation\":1}", "\"bot-llm-stopped\""},
    {"{\"event\":\"agent_started_speaking\"}", "\"bot-started-speaking\""},
    {"{\"event\":\"agent_stopped_speaking\"}", "\"bot-stopped-speaking\""},
    {"{\"event\":\"output\",\"segment\":3,\"text\":\"One two.\",\"status\":\"in-progress\","
     "\"heard\":\"One\",\"remaining\":\"two.\",\"spoken\":true}",
     "\"segment_id\":\"3\""},
    {"{\"event\":\"interrupted\",\"heard\":\"One\"}", "\"bot-interrupted\""},
    {"{\"event\":\"tool_call\",\"id\":\"t\",\"name\":\"f\",\"status\":\"started\","
     "\"arguments\":\"{}\"}",
     "llm-function-call-in-progress"},
    {"{\"event\":\"tool_call\",\"id\":\"t\",\"name\":\"f\",\"status\":\"cancelled\"}",
     "\"cancelled\":true"},
    {"{\"event\":\"turn_metrics\",\"stt_ms\":40}", "\"t\":\"turn-metrics\",\"stt_ms\":40"},
    {"{\"event\":\"silent\",\"reason\":\"idle\"}", "\"t\":\"silent\",\"reason\":\"idle\""},
    {"{\"event\":\"error\",\"message\":\"oh\",\"fatal\":true}", "\"fatal\":true"},
    {"{\"event\":\"response\",\"id\":\"q\",\"name\":\"t\",\"data\":\"[1]\"}",
     "\"server-response\""},
    {"{\"event\":\"response\",\"id\":\"q\",\"error\":\"no\"}", "\"error-response\""},
    {"{\"event\":\"user_turn\",\"text\":\"x\",\"unknown\":1}", "user-llm-text"},
};

static void
test_events (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (event_rows); i++) {
    g_autoptr (RpDialect) dialect = rp_rtvi_dialect_new ();
    event (dialect, event_rows[i].from);
    assert_says (dialect, event_rows[i].expected);
  }
}

static void
test_states (void)
{
  g_autoptr (RpDialect) dialect = rp_rtvi_dialect_new ();
  event (dialect, "{\"event\":\"agent_thinking\",\"generation\":1}");
  assert_says (dialect, "\"state\":\"thinking\"");
  event (dialect, "{\"event\":\"agent_thinking\",\"generation\":2}");
  g_autofree char *said = drain (dialect);
  g_assert_null (strstr (said, "state")); /* told once */
  event (dialect, "{\"event\":\"agent_started_speaking\"}");
  assert_says (dialect, "\"state\":\"speaking\"");
  event (dialect, "{\"event\":\"user_started_speaking\"}");
  assert_says (dialect, "\"state\":\"listening\"");
}

static void
test_bad_events (void)
{
  static const char *const bad[] = {
      "",
      "{}",
      "[]",
      "{\"event\":5}",
      "{\"event\":\"explode\"}",
      "{\"event\":\"user_turn\"}",
      "{\"event\":\"user_turn\",\"text\":5}",
      "{\"event\":\"agent_text\",\"text\":\"a\"}",
      "{\"event\":\"agent_text\",\"generation\":-1,\"text\":\"a\"}",
      "{\"event\":\"output\",\"segment\":1,\"text\":\"a\",\"status\":\"done\"}",
      "{\"event\":\"tool_call\",\"id\":\"t\",\"name\":\"f\",\"status\":\"new\"}",
      "{\"event\":\"turn_metrics\",\"stt_ms\":-1}",
      "{\"event\":\"turn_metrics\",\"stt_ms\":1e12}",
      "{\"event\":\"turn_metrics\",\"stt_ms\":\"1\"}",
      "{\"event\":\"error\",\"message\":\"a\",\"fatal\":1}",
      "{\"event\":\"user_turn\",\"text\":\"a\"",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    RpWorkerEvent parsed = {0};
    g_autoptr (GError) error = NULL;
    gsize len = strlen (bad[i]);
    g_autofree char *copy = g_memdup2 (bad[i], len);
    g_assert_false (rp_worker_event_parse (copy, len, &parsed, &error));
    g_assert_nonnull (error);
    g_assert_null (parsed.object);
  }
}

static void
test_pending (void)
{
  g_autoptr (RpDialect) dialect = rp_rtvi_dialect_new ();
  client (dialect, RTVI ("client-message", "{\"t\":\"weather\"}"));
  g_free (drain (dialect));
  rp_dialect_worker_replaced (dialect);
  assert_says (dialect, "\"error-response\",\"id\":\"m1\"");
  rp_dialect_worker_replaced (dialect);
  g_autofree char *second = drain (dialect);
  g_assert_cmpstr (second, ==, "");

  /* One that was answered does not hang. */
  client (dialect, RTVI ("client-message", "{\"t\":\"weather\"}"));
  event (dialect, "{\"event\":\"response\",\"id\":\"m1\",\"name\":\"weather\",\"data\":\"1\"}");
  g_free (drain (dialect));
  rp_dialect_worker_replaced (dialect);
  g_autofree char *fourth = drain (dialect);
  g_assert_cmpstr (fourth, ==, "");
}

static void
test_pending_bound (void)
{
  g_autoptr (RpDialect) dialect = rp_rtvi_dialect_new ();
  for (guint i = 0; i < 40; i++)
    client (dialect, RTVI ("client-message", "{\"t\":\"weather\"}"));
  assert_says (dialect, "too many requests");
}

static void
test_old_client (void)
{
  g_autoptr (RpDialect) dialect = rp_rtvi_dialect_new ();
  client (dialect, "{\"label\":\"rtvi-ai\",\"type\":\"client-ready\",\"id\":\"r1\",\"data\":"
                   "{\"version\":\"1.0.0\",\"about\":{\"library\":\"x\"}}}");
  g_free (drain (dialect));
  event (dialect, "{\"event\":\"output\",\"segment\":3,\"text\":\"One.\",\"status\":\"completed\","
                  "\"spoken\":true}");
  assert_says (dialect, "\"spoken\":true");
}

#define STARTED                                                                      \
  "{\"event\":\"tool_call\",\"id\":\"t1\",\"name\":\"show\",\"status\":\"started\"," \
  "\"arguments\":\"{\\\"topic\\\":\\\"parking\\\"}\",\"where\":\"client\"}"
#define DONE                                                                      \
  "{\"event\":\"tool_call\",\"id\":\"t1\",\"name\":\"show\",\"status\":\"done\"," \
  "\"result\":\"{}\",\"where\":\"client\"}"
#define RESULT(id, result)                                                                     \
  RTVI ("llm-function-call-result", "{\"function_name\":\"show\",\"tool_call_id\":\"" id "\"," \
                                    "\"arguments\":{},\"result\":" result "}")

static RpDialect *
ready_dialect (void)
{
  RpDialect *dialect = rp_rtvi_dialect_new ();
  client (dialect, RTVI ("client-ready", "{\"version\":\"2.1.0\",\"about\":{\"library\":\"x\"}}"));
  g_free (drain (dialect));
  return dialect;
}

static void
assert_silent (RpDialect *dialect)
{
  g_autofree char *said = drain (dialect);
  g_assert_cmpstr (said, ==, "");
}

static guint64
late (const RpDialect *dialect)
{
  RpDialectStats stats;
  rp_dialect_stats (dialect, &stats);
  return stats.client_late;
}

static void
test_function (void)
{
  g_autoptr (RpDialect) dialect = ready_dialect ();
  client (dialect, RESULT ("t1", "1"));
  assert_silent (dialect); /* nobody has called anything */
  g_assert_cmpuint (late (dialect), ==, 1);

  event (dialect, STARTED);
  g_autofree char *asked = drain (dialect);
  g_assert_nonnull (strstr (asked, "\"llm-function-call-in-progress\""));
  g_assert_nonnull (strstr (asked, "\"where\":\"client\""));
  g_assert_nonnull (strstr (asked, "\"function_name\":\"show\""));
  g_assert_nonnull (strstr (asked, "\"arguments\":{\"topic\":\"parking\"}"));
  g_assert_null (strchr (asked, '>'));

  client (dialect, RESULT ("t2", "1"));
  assert_silent (dialect);
  client (dialect, RESULT ("t1", "{\"shown\":true}"));
  assert_says (dialect, ">{\"type\":\"tool_result\",\"id\":\"t1\","
                        "\"result\":\"{\\\"shown\\\":true}\"}");
  client (dialect, RESULT ("t1", "2"));
  assert_silent (dialect);
  g_assert_cmpuint (late (dialect), ==, 3);

  event (dialect, DONE);
  assert_says (dialect, "\"llm-function-call-stopped\"");
  client (dialect, RESULT ("t1", "3"));
  assert_silent (dialect);
  g_assert_cmpuint (late (dialect), ==, 4);
}

static void
test_function_results (void)
{
  g_autofree char *letters = g_strnfill (16385, 'a');
  g_autofree char *large = g_strdup_printf (RESULT ("t1", "\"%s\""), letters);
  const Row rows[] = {
      {RESULT ("t1", "null"), "\"result\":\"null\""},
      {RESULT ("t1", "\"yes\""), "\"result\":\"\\\"yes\\\"\""},
      {RESULT ("t1", "{\"error\":\"no map\"}"), "\"error\":\"no map\""},
      {RESULT ("t1", "{\"ok\":false,\"error\":\"full\"}"), "\"result\":"},
      {large, "\"error\":\"the result is longer"},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (RpDialect) dialect = ready_dialect ();
    event (dialect, STARTED);
    client (dialect, rows[i].from);
    assert_says (dialect, rows[i].expected);
  }
}

/* The page is asked once, however many workers ask. */
static void
test_function_replaced (void)
{
  g_autoptr (RpDialect) dialect = ready_dialect ();
  event (dialect, STARTED);
  g_free (drain (dialect));
  rp_dialect_worker_replaced (dialect);
  event (dialect, STARTED);
  assert_silent (dialect);
  client (dialect, RESULT ("t1", "1"));
  assert_says (dialect, ">{\"type\":\"tool_result\"");
  rp_dialect_worker_replaced (dialect);
  event (dialect, STARTED);
  g_autofree char *again = drain (dialect);
  g_assert_cmpstr (again, ==, ">{\"type\":\"tool_result\",\"id\":\"t1\",\"result\":\"1\"}\n");
}

/* A telephone or a camera has no page behind it: nobody waits for one. */
static void
test_function_without_page (void)
{
  g_autoptr (RpDialect) dialect = rp_rtvi_dialect_new ();
  event (dialect, STARTED);
  assert_says (dialect, ">{\"type\":\"tool_result\",\"id\":\"t1\",\"error\":\"no page");
}

static void
test_function_bound (void)
{
  g_autoptr (RpDialect) dialect = ready_dialect ();
  for (guint i = 0; i < 40; i++) {
    g_autofree char *json =
        g_strdup_printf ("{\"event\":\"tool_call\",\"id\":\"n%u\",\"name\":\"show\","
                         "\"status\":\"started\",\"where\":\"client\"}",
                         i);
    event (dialect, json);
  }
  g_free (drain (dialect));
  client (dialect, RESULT ("n0", "1"));
  assert_silent (dialect);
  client (dialect, RESULT ("n39", "1"));
  assert_says (dialect, "\"id\":\"n39\"");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dialect/client-ready", test_client_ready);
  g_test_add_func ("/dialect/other-major", test_other_major);
  g_test_add_func ("/dialect/client-messages", test_client_messages);
  g_test_add_func ("/dialect/silent-messages", test_silent_messages);
  g_test_add_func ("/dialect/long-text", test_long_text);
  g_test_add_func ("/dialect/events", test_events);
  g_test_add_func ("/dialect/states", test_states);
  g_test_add_func ("/dialect/bad-events", test_bad_events);
  g_test_add_func ("/dialect/pending", test_pending);
  g_test_add_func ("/dialect/pending-bound", test_pending_bound);
  g_test_add_func ("/dialect/old-client", test_old_client);
  g_test_add_func ("/dialect/function", test_function);
  g_test_add_func ("/dialect/function-results", test_function_results);
  g_test_add_func ("/dialect/function-replaced", test_function_replaced);
  g_test_add_func ("/dialect/function-without-page", test_function_without_page);
  g_test_add_func ("/dialect/function-bound", test_function_bound);
  return g_test_run ();
}
