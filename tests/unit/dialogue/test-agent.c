#include "agent.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct {
  char *root, *dir;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->root = g_dir_make_tmp ("repartee-test-XXXXXX", NULL);
  f->dir = g_build_filename (f->root, "desk", NULL);
  g_autofree char *flows = g_build_filename (f->dir, "flows", NULL);
  g_autofree char *quizzes = g_build_filename (f->dir, "quizzes", NULL);
  g_mkdir_with_parents (flows, 0700);
  g_mkdir_with_parents (quizzes, 0700);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  static const char *const files[] = {
      "agent.json", "knowledge.md",     "prompt.md", "flows/call.json",
      "flows",      "quizzes/ask.json", "quizzes",   "."};
  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree char *path = g_build_filename (f->dir, files[i], NULL);
    g_remove (path);
  }
  g_rmdir (f->dir);
  g_rmdir (f->root);
  g_free (f->root);
  g_free (f->dir);
}

static void
write_file (Fixture *f, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (f->dir, name, NULL);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
test_shipped (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RpAgent) agent = rp_agent_load (RP_AGENT_DIR, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (agent->name, ==, "reception");
  g_assert_cmpstr (agent->tts.voice, ==, "slt");
  g_assert_cmpstr (agent->brain.provider, ==, "builtin");
  g_assert_cmpuint (agent->turn.vad_stop_ms, ==, 200);
  g_assert_cmpuint (agent->bookings.rooms->len, ==, 4);
  g_assert_cmpuint (agent->bookings.hours[6].close_min, ==, 0);
  g_assert_cmpuint (agent->bookings.hours[5].open_min, ==, 9 * 60);
  g_assert_cmpuint (strlen (agent->prompt), >, 100);
  g_assert_cmpuint (strlen (agent->description), >, 20);
  g_assert_cmpuint (agent->client_tools->len, ==, 1);
  g_assert_cmpstr (agent->request_data->pdata[0], ==, RP_DATA_CALLER_NAME);
}

static void
test_tutor (void)
{
  g_autofree char *dir = g_build_filename (RP_AGENT_DIR, "..", "tutor", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (RpAgent) agent = rp_agent_load (dir, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (agent->name, ==, "tutor");
  g_assert_cmpuint (strlen (agent->description), >, 20);
  /* The two are told apart by ear. */
  g_assert_cmpstr (agent->tts.voice, !=, "slt");
  const RpAgentClientTool *tool = agent->client_tools->pdata[0];
  g_assert_cmpstr (tool->name, ==, "show_score");
  g_assert_true (tool->notify);
}

static void
test_client_tools (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  write_file (
      f, "agent.json",
      "{\"client_tools\":[{\"name\":\"showMap\"},"
      "{\"name\":\"tell\",\"description\":\"Tell it.\",\"notify\":true,"
      "\"parameters\":{\"type\":\"object\",\"properties\":{\"what\":{\"type\":\"string\"}}}},"
      "{\"name\":\"slow\",\"timeout_ms\":9000}]}");
  write_file (f, "knowledge.md", "## Hello?\n- call: tell {\"what\": \"hello\"}\nHello.\n");
  write_file (f, "flows/call.json",
              "{\"triggers\":[\"the map\"],\"tool\":\"showMap\",\"success\":\"There.\"}");
  g_autoptr (RpAgent) agent = rp_agent_load (f->dir, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (agent->client_tools->len, ==, 3);
  const RpAgentClientTool *map = agent->client_tools->pdata[0];
  g_assert_false (map->notify);
  g_assert_cmpuint (map->timeout_ms, ==, 5000);
  g_assert_cmpstr (map->parameters, ==, "{\"type\":\"object\",\"properties\":{}}");
  const RpAgentClientTool *tell = agent->client_tools->pdata[1];
  g_assert_true (tell->notify);
  g_assert_cmpstr (tell->description, ==, "Tell it.");
  const RpAgentClientTool *slow = agent->client_tools->pdata[2];
  g_assert_cmpuint (slow->timeout_ms, ==, 9000);
}

/* What the page gave is in the texts, and nothing of a sentence whose value it did not give. */
static void
test_request_data (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  write_file (f, "agent.json",
              "{\"request_data\":[\"caller_name\",\"city\"],\"tools\":[\"take_message\"],"
              "\"phrases\":{\"thanks\":[\"A pleasure[, {caller_name}]. How is {city}?\"]}}");
  write_file (f, "knowledge.md", "## Where am I?\nSomewhere. You are in {city}.\n");
  write_file (f, "flows/call.json",
              "{\"triggers\":[\"take a message\"],\"tool\":\"take_message\",\"success\":\"Done.\","
              "\"slots\":[{\"name\":\"name\",\"type\":\"name\",\"prompt\":\"Who?\"},"
              "{\"name\":\"message\",\"type\":\"text\",\"prompt\":\"What, {name} of {city}?\"}]}");
  g_autoptr (RpAgent) agent = rp_agent_load (f->dir, &error);
  g_assert_no_error (error);
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  g_hash_table_insert (known, (gpointer) "caller_name", (gpointer) "Anna Blue");
  g_hash_table_insert (known, (gpointer) "city", (gpointer) "Ulm");
  static const struct {
    const char *said, *to_anyone, *to_anna;
  } rows[] = {
      {"thank you", "A pleasure.", "A pleasure, Anna Blue. How is Ulm?"},
      {"where am I", "Somewhere.", "Somewhere. You are in Ulm."},
      {"take a message", "Who?", "What, Anna Blue of Ulm?"},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (guint k = 0; k < 2; k++) {
      g_autoptr (GPtrArray) messages = rp_messages_new ();
      g_ptr_array_add (messages, rp_message_new (RP_ROLE_USER, rows[i].said, 1));
      const RpBrainRequest request = {
          .messages = messages, .now_unix_s = 1, .data = k == 0 ? NULL : known};
      g_autoptr (RpBrainReply) reply = rp_dialogue_respond (agent->dialogue, &request);
      g_autofree char *text = rp_brain_reply_text (reply);
      g_assert_cmpstr (text, ==, k == 0 ? rows[i].to_anyone : rows[i].to_anna);
    }
}

static void
test_defaults (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  write_file (f, "agent.json", "{}");
  g_autoptr (RpAgent) agent = rp_agent_load (f->dir, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (agent->title, ==, "desk");
  g_assert_cmpstr (agent->stt.provider, ==, "moonshine");
  g_assert_null (agent->tts.voice);
  g_assert_cmpfloat (agent->tts.speed, <, 0);
  g_assert_cmpuint (agent->turn.vad_start_ms, ==, 200);
  g_assert_cmpuint (agent->turn.incomplete_stop_ms, ==, 800);
  g_assert_cmpuint (agent->turn.max_stop_ms, ==, 2000);
  g_assert_cmpuint (agent->turn.idle_prompt_ms, ==, 15000);
  g_assert_true (agent->turn.interruptible);
  g_assert_cmpuint (agent->idle_texts->len, ==, 2);
  g_assert_cmpstr (agent->prompt, ==, "");
  g_autoptr (GTimeZone) tz = rp_agent_timezone (agent);
  g_assert_nonnull (tz);
}

static void
test_longest_call (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  write_file (f, "agent.json", "{\"turn\":{\"max_call_s\":86400}}");
  g_autoptr (RpAgent) agent = rp_agent_load (f->dir, &error);
  g_assert_no_error (error);
  g_assert_cmpint (agent->turn.max_call_us, ==, G_TIME_SPAN_DAY);
}

#define FLOW(more) \
  "{\"triggers\":[\"call me\"],\"tool\":\"take_message\",\"success\":\"Done.\"" more "}"

#define TEN "0123456789"
#define TOOL(more) "{\"client_tools\":[{" more "}]}"
#define QUIZ(more) "{\"triggers\":[\"ask me\"]" more "}"

/* With a function that takes one of two topics, and one that has a result. */
static void
test_call_errors (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *call, *parts;
  } rows[] = {
      {"show {\"topic\": \"cats\"}", "line 2: |takes no \"cats\" as \"topic\"|enum"},
      {"show {\"subject\": \"prices\"}", "line 2: |no parameter \"subject\""},
      {"show", "line 2: |needs \"topic\""},
      {"ask {\"topic\": \"prices\"}", "line 2: |has a result to wait for|notify"},
  };
  write_file (
      f, "agent.json",
      TOOL ("\"name\":\"show\",\"notify\":true,\"parameters\":{\"type\":\"object\","
            "\"properties\":{\"topic\":{\"type\":\"string\",\"enum\":[\"prices\",\"hours\"]}},"
            "\"required\":[\"topic\"]}},{\"name\":\"ask\""));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *text = g_strdup_printf ("## A?\n- call: %s\nYes.\n", rows[i].call);
    g_autoptr (GError) error = NULL;
    write_file (f, "knowledge.md", text);
    g_assert_null (rp_agent_load (f->dir, &error));
    g_auto (GStrv) parts = g_strsplit (rows[i].parts, "|", -1);
    for (guint k = 0; parts[k] != NULL; k++)
      if (strstr (error->message, parts[k]) == NULL)
        g_error ("wants %s in: %s", parts[k], error->message);
  }
  write_file (f, "knowledge.md", "## A?\n- call: show {\"topic\": \"prices\"}\nYes.\n");
  g_autoptr (GError) error = NULL;
  g_autoptr (RpAgent) agent = rp_agent_load (f->dir, &error);
  g_assert_no_error (error);

  /* A flow gives what its slots are named. */
  write_file (f, "flows/call.json",
              "{\"triggers\":[\"a\"],\"tool\":\"show\",\"success\":\"b\",\"slots\":"
              "[{\"name\":\"what\",\"type\":\"text\",\"prompt\":\"What?\"}]}");
  g_assert_null (rp_agent_load (f->dir, &error));
  g_assert_nonnull (strstr (error->message, "no parameter \"what\""));
}

static void
test_errors (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *file, *text;
    const char *parts; /* of the message, parted by '|' */
  } rows[] = {
      {"agent.json", "{", "agent.json: |"},
      {"agent.json", "[]", "agent.json: |object"},
      {"agent.json", "{\"turns\":{}}", "agent.json: turns|unknown|agents/README.md"},
      {"agent.json", "{\"turn\":{\"vad_stop\":3}}", "turn.vad_stop|agents/README.md"},
      {"agent.json", "{\"turn\":{\"vad_start_ms\":5}}", "turn.vad_start_ms|20 to 2000"},
      {"agent.json", "{\"turn\":{\"vad_stop_ms\":900}}", "vad_stop_ms (900)|must not decrease"},
      {"agent.json", "{\"greeting\":7}", "greeting"},
      {"agent.json", "{\"timezone\":\"Mars/Olympus\"}", "timezone|Mars/Olympus|Europe/London"},
      {"agent.json", "{\"tts\":{\"voice\":\"slt\"}}", "tts.provider"},
      {"agent.json", "{\"stt\":{\"provider\":\"x\",\"url\":\"ftp://x\"}}", "stt.url|https://"},
      {"agent.json", "{\"tools\":[\"fly\"]}", "tools[0]|fly"},
      {"agent.json", "{\"phrases\":{\"greetings\":[\"Hi\"]}}", "phrases.greetings|no such phrase"},
      {"agent.json", "{\"phrases\":{\"greeting\":\"Hi\"}}", "phrases.greeting|array"},
      {"agent.json", "{\"phrases\":{\"greeting\":[]}}", "phrases.greeting|array"},
      {"agent.json", "{\"flows\":[\"none\"]}", "flows/none.json: cannot be read"},
      {"agent.json", "{\"offer_flow\":\"none\"}", "agent.json: |none"},
      {"agent.json", "{\"bookings\":{\"step_min\":7}}", "bookings.step_min|divide"},
      {"agent.json", "{\"bookings\":{\"hours\":{\"monday\":\"8-9\"}}}",
       "bookings.hours.monday|8-9"},
      {"agent.json", "{\"bookings\":{\"hours\":{\"funday\":\"closed\"}}}", "bookings.hours.funday"},
      {"agent.json", "{\"bookings\":{\"rooms\":[{\"name\":\"A\"}]}}", "rooms[0].seats"},
      {"knowledge.md", "## A?\n", "knowledge.md: line 1: "},
      {"flows/call.json", "{}", "flows/call.json: |triggers"},
      {"flows/call.json", FLOW (""), "flows/call.json: tool|take_message|agent.json"},
      {"flows/call.json", FLOW (",\"slots\":[{\"name\":\"a\",\"type\":\"b\"}]"),
       "slots[0].type|yes-no"},
      {"flows/call.json", FLOW (",\"slots\":[{\"name\":\"a\",\"type\":\"date\"}]"),
       "slot \"a\"|prompt"},
      {"flows/call.json", FLOW (",\"confirm\":\"Shall I {do} it?\""), "confirm|{do}"},
      {"flows/call.json", FLOW (",\"confirm\":\"Shall I {do it?\""), "confirm|without"},
      {"flows/call.json", FLOW (",\"failures\":[{\"reason\":\"x\",\"say\":\"y\",\"ask\":\"z\"}]"),
       "ask"},
      {"flows/call.json", FLOW (",\"colour\":\"red\""), "colour"},
      {"agent.json", "{\"description\":[]}", "description"},
      {"agent.json", "{\"title\":\"" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "x\"}",
       "title|at most 100 bytes"},
      {"agent.json", TOOL ("\"description\":\"x\""), "client_tools[0].name"},
      {"agent.json", TOOL ("\"name\":\"2 maps\""), "client_tools[0].name|2 maps"},
      {"agent.json", TOOL ("\"name\":\"end_call\""), "client_tools[0].name|another tool|end_call"},
      {"agent.json", TOOL ("\"name\":\"a\"},{\"name\":\"a\""), "client_tools[1].name|another tool"},
      {"agent.json", TOOL ("\"name\":\"a\",\"timeout\":5"),
       "client_tools[0].timeout|agents/README.md"},
      {"agent.json", TOOL ("\"name\":\"a\",\"timeout_ms\":5"), "timeout_ms|100 to 60000"},
      {"agent.json", TOOL ("\"name\":\"a\",\"timeout_ms\":900,\"notify\":true"),
       "client_tools[0].timeout_ms|nothing is awaited"},
      {"agent.json", TOOL ("\"name\":\"a\",\"parameters\":{\"type\":\"string\"}"),
       "client_tools[0].parameters|object"},
      {"agent.json",
       TOOL ("\"name\":\"a\",\"parameters\":{\"type\":\"object\",\"properties\":{\"b\":1}}"),
       "client_tools[0].parameters.properties.b"},
      {"agent.json",
       TOOL ("\"name\":\"a\",\"parameters\":{\"type\":\"object\",\"required\":[\"b\"]}"),
       "client_tools[0].parameters.required[0]|\"b\""},
      {"agent.json", "{\"request_data\":[\"My Name\"]}", "request_data[0]|My Name"},
      {"agent.json", "{\"greeting\":\"Hello {name}\"}", "greeting|{name}|request_data"},
      {"agent.json", "{\"greeting\":\"Hello {name\"}", "greeting|without"},
      {"agent.json", "{\"idle\":{\"texts\":[\"a\",\"{b}\"]}}", "idle.texts[1]|{b}"},
      {"agent.json", "{\"phrases\":{\"thanks\":[\"{b}\"]}}", "phrases.thanks[0]|{b}"},
      {"knowledge.md", "## A?\nIt is {b}.\n", "knowledge.md: line 1: |{b}"},
      {"knowledge.md", "## A?\n- call: show\nYes.\n",
       "knowledge.md: line 2: |\"show\"|client_tools"},
      {"knowledge.md", "## A?\n- call: show {\nYes.\n", "knowledge.md: line 2: |JSON object"},
      {"flows/call.json", "{\"triggers\":[\"a\"],\"tool\":\"fly\",\"success\":\"b\"}",
       "flows/call.json: tool|fly|client_tools"},
      {"quizzes/ask.json", "{}", "quizzes/ask.json: |triggers"},
      {"quizzes/ask.json", QUIZ (""), "either"},
      {"quizzes/ask.json", QUIZ (",\"sums\":{\"operations\":[\"root\"]}"),
       "sums.operations[0]|root"},
      {"quizzes/ask.json", QUIZ (",\"sums\":{\"level\":9}"), "sums.level|1 to 5"},
      {"quizzes/ask.json", QUIZ (",\"items\":[{\"ask\":\"Who?\"}]"), "items[0]|answers"},
      {"quizzes/ask.json", QUIZ (",\"items\":[{\"claim\":\"It is.\"}]"), "items[0]|\"is\""},
      {"quizzes/ask.json", QUIZ (",\"items\":[{\"claim\":\"It is.\",\"is\":true}]"),
       "5 are to be asked"},
      {"quizzes/ask.json", QUIZ (",\"sums\":{},\"finish\":\"{score}\""), "finish|{score}"},
      {"quizzes/ask.json", QUIZ (",\"sums\":{},\"tool\":\"show\""), "tool|\"show\"|client_tools"},
      {"quizzes/ask.json", QUIZ (",\"sums\":{},\"colour\":\"red\""), "colour"},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    write_file (f, "agent.json", "{}");
    write_file (f, rows[i].file, rows[i].text);
    g_autoptr (RpAgent) agent = rp_agent_load (f->dir, &error);
    g_assert_null (agent);
    g_assert_nonnull (error);
    g_assert_true (error->domain == RP_AGENT_ERROR);
    g_assert_true (g_str_has_prefix (error->message, f->dir));
    g_auto (GStrv) parts = g_strsplit (rows[i].parts, "|", -1);
    for (guint k = 0; parts[k] != NULL; k++) {
      if (strstr (error->message, parts[k]) == NULL)
        g_test_message ("%s: wants %s in: %s", rows[i].text, parts[k], error->message);
      g_assert_nonnull (strstr (error->message, parts[k]));
    }
    g_autofree char *path = g_build_filename (f->dir, rows[i].file, NULL);
    g_remove (path);
  }
}

static void
test_missing (void)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (rp_agent_load ("/nonexistent/desk", &error));
  g_assert_error (error, RP_AGENT_ERROR, RP_AGENT_ERROR_FILE);
  g_clear_error (&error);
  g_assert_null (rp_agent_load ("/nonexistent/My Desk", &error));
  g_assert_error (error, RP_AGENT_ERROR, RP_AGENT_ERROR_INVALID);
}

/* The README lists every key, so that nothing has to be guessed. */
static void
test_documented (void)
{
  g_autofree char *path = g_build_filename (RP_AGENT_DIR, "..", "README.md", NULL);
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  for (guint i = 0; i < RP_PHRASE_N; i++) {
    g_autofree char *key = g_strdup_printf ("`%s`", rp_phrase_name ((RpPhrase) i));
    g_assert_nonnull (strstr (text, key));
  }
  static const char *const keys[] = {
      "title",
      "description",
      "greeting",
      "client_tools",
      "notify",
      "parameters",
      "request_data",
      "quizzes",
      "questions",
      "sums",
      "operations",
      "level",
      "items",
      "ask",
      "answers",
      "hint",
      "claim",
      "is",
      "fact",
      "right",
      "wrong",
      "tell",
      "finish",
      "again",
      "timezone",
      "stt",
      "brain",
      "tts",
      "turn",
      "tools",
      "flows",
      "offer_flow",
      "phrases",
      "idle.texts",
      "idle.goodbye",
      "empty_turn",
      "brain_failure",
      "context_messages",
      "bookings",
      "speech.first_clause_words",
      "speech.max_chars",
      "vad_start_ms",
      "vad_stop_ms",
      "vad_threshold",
      "incomplete_stop_ms",
      "max_stop_ms",
      "max_turn_ms",
      "idle_prompt_ms",
      "idle_prompts",
      "max_call_s",
      "interruptible",
      "backchannels_interrupt",
      "provider",
      "model",
      "voice",
      "language",
      "url",
      "api_key_env",
      "speed",
      "temperature",
      "max_tokens",
      "timeout_ms",
      "rooms",
      "hours",
      "step_min",
      "shortest_min",
      "longest_min",
      "max_days_ahead",
      "summary",
      "triggers",
      "opening",
      "slots",
      "confirm",
      "tool",
      "working",
      "success",
      "failures",
      "prompt",
      "reprompt",
      "default",
      "optional",
      "words",
      "units",
      "choices",
      "earliest",
      "latest",
      "minimum",
      "maximum",
  };
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    g_autofree char *key = g_strdup_printf ("`%s`", keys[i]);
    if (strstr (text, key) == NULL)
      g_test_message ("%s is not in agents/README.md", key);
    g_assert_nonnull (strstr (text, key));
  }
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/agent/shipped", test_shipped);
  g_test_add_func ("/agent/tutor", test_tutor);
  ADD ("/agent/defaults", test_defaults);
  ADD ("/agent/longest-call", test_longest_call);
  ADD ("/agent/client-tools", test_client_tools);
  ADD ("/agent/request-data", test_request_data);
  ADD ("/agent/call-errors", test_call_errors);
  ADD ("/agent/errors", test_errors);
  g_test_add_func ("/agent/missing", test_missing);
  g_test_add_func ("/agent/documented", test_documented);
  return g_test_run ();
}
