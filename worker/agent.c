#include "agent.h"

#include "agent-flow.h"
#include "json.h"
#include "template.h"
#include <string.h>

G_DEFINE_QUARK (rp - agent - error - quark, rp_agent_error)

#define MAX_FILE_BYTES (1024 * 1024)
#define MAX_TEXT_BYTES 1000
/* A heading of the page; the server takes no more than 256 in READY. */
#define MAX_TITLE_BYTES 100
#define MAX_PHRASES 8

static const RpJsonField model_fields[] = {
    {.name = "provider", .type = RP_JSON_STRING, .required = TRUE, .max_length = 64},
    {.name = "model", .type = RP_JSON_STRING, .max_length = 256},
    {.name = "voice", .type = RP_JSON_STRING, .max_length = 256},
    {.name = "language", .type = RP_JSON_STRING, .max_length = 35},
    {.name = "url", .type = RP_JSON_STRING, .max_length = 2000},
    {.name = "api_key_env", .type = RP_JSON_STRING, .max_length = 128},
    {.name = "speed", .type = RP_JSON_NUMBER, .min = 0.5, .max = 2},
    {.name = "temperature", .type = RP_JSON_NUMBER, .min = 0, .max = 2},
    {.name = "max_tokens", .type = RP_JSON_INT, .min = 1, .max = 100000},
    {.name = "timeout_ms", .type = RP_JSON_INT, .min = 100, .max = 120000},
};

static const RpJsonField turn_fields[] = {
    {.name = "vad_start_ms", .type = RP_JSON_INT, .min = 20, .max = 2000},
    {.name = "vad_stop_ms", .type = RP_JSON_INT, .min = 50, .max = 5000},
    {.name = "vad_threshold", .type = RP_JSON_NUMBER, .min = 0.05, .max = 0.95},
    {.name = "incomplete_stop_ms", .type = RP_JSON_INT, .min = 50, .max = 10000},
    {.name = "max_stop_ms", .type = RP_JSON_INT, .min = 50, .max = 20000},
    {.name = "max_turn_ms", .type = RP_JSON_INT, .min = 5000, .max = 600000},
    {.name = "idle_prompt_ms", .type = RP_JSON_INT, .min = 0, .max = 600000},
    {.name = "idle_prompts", .type = RP_JSON_INT, .min = 0, .max = 10},
    {.name = "max_call_s", .type = RP_JSON_INT, .min = 10, .max = 86400},
    {.name = "interruptible", .type = RP_JSON_BOOL},
    {.name = "backchannels_interrupt", .type = RP_JSON_BOOL},
};

static const RpJsonField sentence_fields[] = {
    {.name = "first_clause_words", .type = RP_JSON_INT, .min = 0, .max = 50},
    {.name = "max_chars", .type = RP_JSON_INT, .min = 40, .max = 2000},
};

static const RpJsonField idle_fields[] = {
    {.name = "texts", .type = RP_JSON_ARRAY, .items = RP_JSON_STRING, .max_length = 10},
    {.name = "goodbye", .type = RP_JSON_STRING, .max_length = MAX_TEXT_BYTES},
};

static const RpJsonField room_fields[] = {
    {.name = "name", .type = RP_JSON_STRING, .required = TRUE, .max_length = 100},
    {.name = "seats", .type = RP_JSON_INT, .required = TRUE, .min = 1, .max = 1000},
};

static const RpJsonField hours_fields[] = {
    {.name = "monday", .type = RP_JSON_STRING},    {.name = "tuesday", .type = RP_JSON_STRING},
    {.name = "wednesday", .type = RP_JSON_STRING}, {.name = "thursday", .type = RP_JSON_STRING},
    {.name = "friday", .type = RP_JSON_STRING},    {.name = "saturday", .type = RP_JSON_STRING},
    {.name = "sunday", .type = RP_JSON_STRING},
};

static const RpJsonField bookings_fields[] = {
    {.name = "rooms",
     .type = RP_JSON_ARRAY,
     .items = RP_JSON_OBJECT,
     .fields = room_fields,
     .n_fields = G_N_ELEMENTS (room_fields),
     .max_length = RP_BOOKINGS_MAX_ROOMS},
    {.name = "hours",
     .type = RP_JSON_OBJECT,
     .fields = hours_fields,
     .n_fields = G_N_ELEMENTS (hours_fields)},
    {.name = "step_min", .type = RP_JSON_INT, .min = 5, .max = 60},
    {.name = "shortest_min", .type = RP_JSON_INT, .min = 5, .max = 1440},
    {.name = "longest_min", .type = RP_JSON_INT, .min = 5, .max = 1440},
    {.name = "max_days_ahead", .type = RP_JSON_INT, .min = 1, .max = 730},
};

static const RpJsonField client_tool_fields[] = {
    {.name = "name", .type = RP_JSON_STRING, .required = TRUE, .max_length = 64},
    {.name = "description", .type = RP_JSON_STRING, .max_length = MAX_TEXT_BYTES},
    /* A JSON schema: checked by rp_agent_load_client_tools(). */
    {.name = "parameters", .type = RP_JSON_OBJECT},
    {.name = "timeout_ms", .type = RP_JSON_INT, .min = 100, .max = 60000},
    {.name = "notify", .type = RP_JSON_BOOL},
};

#define MODEL(key)                                               \
  {                                                              \
    .name = key, .type = RP_JSON_OBJECT, .fields = model_fields, \
    .n_fields = G_N_ELEMENTS (model_fields)                      \
  }
#define TEXT(key)                                                     \
  {                                                                   \
    .name = key, .type = RP_JSON_STRING, .max_length = MAX_TEXT_BYTES \
  }

static const RpJsonField agent_fields[] = {
    {.name = "title", .type = RP_JSON_STRING, .max_length = MAX_TITLE_BYTES},
    TEXT ("description"),
    TEXT ("greeting"),
    {.name = "timezone", .type = RP_JSON_STRING, .max_length = 64},
    MODEL ("stt"),
    MODEL ("brain"),
    MODEL ("tts"),
    {.name = "turn",
     .type = RP_JSON_OBJECT,
     .fields = turn_fields,
     .n_fields = G_N_ELEMENTS (turn_fields)},
    {.name = "speech",
     .type = RP_JSON_OBJECT,
     .fields = sentence_fields,
     .n_fields = G_N_ELEMENTS (sentence_fields)},
    {.name = "tools", .type = RP_JSON_ARRAY, .items = RP_JSON_STRING, .max_length = 64},
    {.name = "client_tools",
     .type = RP_JSON_ARRAY,
     .items = RP_JSON_OBJECT,
     .fields = client_tool_fields,
     .n_fields = G_N_ELEMENTS (client_tool_fields),
     .max_length = 64},
    {.name = "request_data", .type = RP_JSON_ARRAY, .items = RP_JSON_STRING, .max_length = 64},
    {.name = "flows", .type = RP_JSON_ARRAY, .items = RP_JSON_STRING, .max_length = 64},
    {.name = "quizzes", .type = RP_JSON_ARRAY, .items = RP_JSON_STRING, .max_length = 16},
    {.name = "offer_flow", .type = RP_JSON_STRING, .max_length = 64},
    /* Its members are the names of RpPhrase: checked by load_phrases(). */
    {.name = "phrases", .type = RP_JSON_OBJECT},
    {.name = "idle",
     .type = RP_JSON_OBJECT,
     .fields = idle_fields,
     .n_fields = G_N_ELEMENTS (idle_fields)},
    TEXT ("empty_turn"),
    TEXT ("brain_failure"),
    {.name = "context_messages", .type = RP_JSON_INT, .min = 4, .max = 1000},
    {.name = "bookings",
     .type = RP_JSON_OBJECT,
     .fields = bookings_fields,
     .n_fields = G_N_ELEMENTS (bookings_fields)},
};

gboolean
rp_agent_fail (GError **error, RpAgentError code, const char *file, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, RP_AGENT_ERROR, (int) code, "%s: %s", file, what);
  return FALSE;
}

char *
rp_agent_read_file (const char *path, gsize *out_length, GError **error)
{
  g_autoptr (GError) local = NULL;
  char *text = NULL;
  if (!g_file_get_contents (path, &text, out_length, &local)) {
    rp_agent_fail (error, RP_AGENT_ERROR_FILE, path, "cannot be read: %s", local->message);
    return NULL;
  }
  if (*out_length > MAX_FILE_BYTES) {
    g_free (text);
    rp_agent_fail (error, RP_AGENT_ERROR_FILE, path, "is larger than %d bytes", MAX_FILE_BYTES);
    return NULL;
  }
  return text;
}

JsonObject *
rp_agent_read_object (const char *path, const RpJsonField *fields, guint n_fields, GError **error)
{
  gsize length = 0;
  g_autofree char *text = rp_agent_read_file (path, &length, error);
  if (text == NULL)
    return NULL;
  g_autoptr (GError) local = NULL;
  g_autoptr (JsonObject) object = rp_json_parse_object (text, length, MAX_FILE_BYTES, &local);
  if (object == NULL) {
    rp_agent_fail (error, RP_AGENT_ERROR_SYNTAX, path, "%s", local->message);
    return NULL;
  }
  if (!rp_json_check_full (object, NULL, fields, n_fields, RP_JSON_CHECK_NO_UNKNOWN, &local)) {
    rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path, "%s%s", local->message,
                   local->code == RP_JSON_ERROR_UNKNOWN
                       ? "; remove it or correct its spelling, the keys are in agents/README.md"
                       : "");
    return NULL;
  }
  return g_steal_pointer (&object);
}

static void
load_model (RpAgentModel *model, JsonObject *object, const char *provider)
{
  model->provider = g_strdup (rp_json_string (object, "provider", provider));
  model->model = g_strdup (rp_json_string (object, "model", NULL));
  model->voice = g_strdup (rp_json_string (object, "voice", NULL));
  model->language = g_strdup (rp_json_string (object, "language", NULL));
  model->url = g_strdup (rp_json_string (object, "url", NULL));
  model->api_key_env = g_strdup (rp_json_string (object, "api_key_env", NULL));
  model->speed = rp_json_double (object, "speed", -1);
  model->temperature = rp_json_double (object, "temperature", -1);
  model->max_tokens = (int) rp_json_int (object, "max_tokens", -1);
  model->timeout_ms = (int) rp_json_int (object, "timeout_ms", -1);
}

static void
clear_model (RpAgentModel *model)
{
  g_free (model->provider);
  g_free (model->model);
  g_free (model->voice);
  g_free (model->language);
  g_free (model->url);
  g_free (model->api_key_env);
}

static gboolean
check_model (const char *path, const char *key, const RpAgentModel *model, GError **error)
{
  static const char *const schemes[] = {"http://", "https://", "ws://", "wss://"};
  gboolean known = model->url == NULL;
  for (guint i = 0; i < G_N_ELEMENTS (schemes) && !known; i++)
    known = g_str_has_prefix (model->url, schemes[i]);
  return known || rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                                 "%s.url: expected http://, https://, ws:// or wss://, got \"%s\"",
                                 key, model->url);
}

static guint
get_uint (JsonObject *object, const char *name, guint fallback)
{
  return (guint) rp_json_int (object, name, fallback);
}

static gboolean
load_turn (RpAgentTurn *turn, JsonObject *object, const char *path, GError **error)
{
  *turn = (RpAgentTurn){
      .vad_start_ms = get_uint (object, "vad_start_ms", 200),
      .vad_stop_ms = get_uint (object, "vad_stop_ms", 200),
      .vad_threshold = rp_json_double (object, "vad_threshold", 0.5),
      .incomplete_stop_ms = get_uint (object, "incomplete_stop_ms", 800),
      .max_stop_ms = get_uint (object, "max_stop_ms", 2000),
      .max_turn_ms = get_uint (object, "max_turn_ms", 60000),
      .idle_prompt_ms = get_uint (object, "idle_prompt_ms", 15000),
      .idle_prompts = get_uint (object, "idle_prompts", 2),
      .max_call_us = get_uint (object, "max_call_s", 3600) * G_TIME_SPAN_SECOND,
      .interruptible = rp_json_bool (object, "interruptible", TRUE),
      .backchannels_interrupt = rp_json_bool (object, "backchannels_interrupt", FALSE),
  };
  if (turn->vad_stop_ms <= turn->incomplete_stop_ms &&
      turn->incomplete_stop_ms <= turn->max_stop_ms)
    return TRUE;
  return rp_agent_fail (
      error, RP_AGENT_ERROR_INVALID, path,
      "turn: vad_stop_ms (%u), incomplete_stop_ms (%u) and max_stop_ms (%u) must not "
      "decrease in this order",
      turn->vad_stop_ms, turn->incomplete_stop_ms, turn->max_stop_ms);
}

static gboolean
load_hours (RpBookingsConfig *config, JsonObject *hours, const char *path, GError **error)
{
  for (guint day = 0; hours != NULL && day < 7; day++) {
    const char *text = rp_json_string (hours, hours_fields[day].name, "closed");
    int open = 0, close = 0;
    const char *dash = strchr (text, '-');
    g_autofree char *first = dash != NULL ? g_strndup (text, (gsize) (dash - text)) : NULL;
    gboolean closed = strcmp (text, "closed") == 0;
    if (!closed && (dash == NULL || !rp_agent_parse_clock (first, &open) ||
                    !rp_agent_parse_clock (dash + 1, &close) || open >= close))
      return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                            "bookings.hours.%s: expected \"08:00-20:00\" or \"closed\", got \"%s\"",
                            hours_fields[day].name, text);
    config->hours[day].open_min = (guint) open;
    config->hours[day].close_min = (guint) close;
  }
  return TRUE;
}

static gboolean
load_bookings (RpAgent *agent, JsonObject *object, const char *path, GError **error)
{
  RpBookingsConfig *config = &agent->bookings;
  config->timezone = g_strdup (agent->timezone);
  config->step_min = get_uint (object, "step_min", config->step_min);
  config->shortest_min = get_uint (object, "shortest_min", config->shortest_min);
  config->longest_min = get_uint (object, "longest_min", config->longest_min);
  config->max_days_ahead = get_uint (object, "max_days_ahead", config->max_days_ahead);
  if (60 % config->step_min != 0)
    return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                          "bookings.step_min: %u does not divide 60; take 5, 10, 15, 20, 30 or 60",
                          config->step_min);
  if (config->shortest_min > config->longest_min)
    return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                          "bookings.shortest_min: %u is above longest_min, %u",
                          config->shortest_min, config->longest_min);
  JsonArray *rooms = rp_json_array (object, "rooms");
  for (guint i = 0; rooms != NULL && i < json_array_get_length (rooms); i++) {
    JsonObject *room = rp_json_array_object (rooms, i);
    rp_bookings_config_add_room (config, rp_json_string (room, "name", ""),
                                 get_uint (room, "seats", 1));
  }
  return load_hours (config, rp_json_object (object, "hours"), path, error);
}

static RpPhrase
phrase_from_name (const char *name)
{
  RpPhrase phrase = (RpPhrase) 0;
  while (phrase < RP_PHRASE_N && strcmp (rp_phrase_name (phrase), name) != 0)
    phrase++;
  return phrase;
}

static gboolean
load_phrases (RpAgent *agent, JsonObject *object, const char *path, GError **error)
{
  if (object == NULL)
    return TRUE;
  g_autoptr (GList) names = json_object_get_members (object);
  for (GList *l = names; l != NULL; l = l->next) {
    const char *name = l->data;
    RpPhrase phrase = phrase_from_name (name);
    if (phrase == RP_PHRASE_N)
      return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                            "phrases.%s: no such phrase; the names are in agents/README.md", name);
    JsonArray *array = rp_json_array (object, name);
    guint n = array != NULL ? json_array_get_length (array) : 0;
    g_autoptr (GPtrArray) texts = g_ptr_array_new ();
    for (guint i = 0; i < n; i++) {
      const char *text = rp_json_array_string (array, i);
      if (text == NULL || *text == '\0' || strlen (text) > MAX_TEXT_BYTES)
        n = 0;
      g_ptr_array_add (texts, (gpointer) text);
    }
    if (n == 0 || n > MAX_PHRASES)
      return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                            "phrases.%s: expected an array of 1 to %d texts", name, MAX_PHRASES);
    for (guint i = 0; i < n; i++)
      if (!rp_agent_check_text (agent, path, texts->pdata[i], error, "phrases.%s[%u]", name, i))
        return FALSE;
    g_ptr_array_add (texts, NULL);
    rp_dialogue_set_phrases (agent->dialogue, phrase, (const char *const *) texts->pdata);
  }
  return TRUE;
}

static gboolean
load_knowledge (RpAgent *agent, GError **error)
{
  g_autofree char *path = g_build_filename (agent->dir, "knowledge.md", NULL);
  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  gsize length = 0;
  g_autofree char *text = rp_agent_read_file (path, &length, error);
  if (text == NULL)
    return FALSE;
  g_autoptr (GError) local = NULL;
  RpKnowledge *knowledge = rp_knowledge_parse (text, length, &local);
  if (knowledge == NULL)
    return rp_agent_fail (error, RP_AGENT_ERROR_SYNTAX, path, "%s", local->message);
  rp_dialogue_set_knowledge (agent->dialogue, knowledge);
  return rp_agent_check_knowledge (agent, knowledge, path, error);
}

static gboolean
load_flow (RpAgent *agent, const char *name, GError **error)
{
  g_autofree char *file = g_strconcat (name, ".json", NULL);
  g_autofree char *path = g_build_filename (agent->dir, "flows", file, NULL);
  g_autoptr (RpFlow) flow = rp_agent_load_flow (agent, path, name, error);
  if (flow == NULL)
    return FALSE;
  /* An optional slot that is not given is no argument. */
  g_autoptr (JsonObject) arguments = json_object_new ();
  for (guint i = 0; i < flow->slots->len; i++)
    json_object_set_null_member (arguments, ((const RpSlot *) flow->slots->pdata[i])->name);
  if (!rp_agent_check_call (agent, path, "tool", flow->tool, arguments, FALSE, error))
    return FALSE;
  rp_dialogue_add_flow (agent->dialogue, g_steal_pointer (&flow));
  return TRUE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
load_quiz (RpAgent *agent, const char *name, GError **error)
{
  g_autofree char *file = g_strconcat (name, ".json", NULL);
  g_autofree char *path = g_build_filename (agent->dir, "quizzes", file, NULL);
  RpQuiz *quiz = rp_agent_load_quiz (agent, path, name, error);
  if (quiz != NULL)
    rp_dialogue_add_quiz (agent->dialogue, quiz);
  return quiz != NULL;
}

/* Those that agent.json names, or all there are in the directory. */
static gboolean
load_all (RpAgent *agent, const char *directory, JsonArray *listed,
          gboolean (*load) (RpAgent *agent, const char *name, GError **error), GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; listed != NULL && i < json_array_get_length (listed); i++)
    g_ptr_array_add (names, g_strdup (rp_json_array_string (listed, i)));
  g_autofree char *path = g_build_filename (agent->dir, directory, NULL);
  g_autoptr (GDir) dir = listed == NULL ? g_dir_open (path, 0, NULL) : NULL;
  const char *file;
  while (dir != NULL && (file = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (file, ".json") && file[0] != '.')
      g_ptr_array_add (names, g_strndup (file, strlen (file) - strlen (".json")));
  if (listed == NULL)
    g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    if (!load (agent, g_ptr_array_index (names, i), error))
      return FALSE;
  return TRUE;
}

static gboolean
load_request_data (RpAgent *agent, JsonArray *names, const char *path, GError **error)
{
  for (guint i = 0; names != NULL && i < json_array_get_length (names); i++) {
    const char *name = rp_json_array_string (names, i);
    if (*name == '\0' || strlen (name) > 64 ||
        strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen (name))
      return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                            "request_data[%u]: \"%s\" is no name; take a-z, 0-9 and _", i, name);
    g_ptr_array_add (agent->request_data, g_strdup (name));
  }
  return TRUE;
}

gboolean
rp_agent_check_text (const RpAgent *agent, const char *path, const char *text, GError **error,
                     const char *where, ...)
{
  g_autoptr (GError) local = NULL;
  if (rp_template_check (text, NULL, agent->request_data, FALSE, &local))
    return TRUE;
  va_list args;
  va_start (args, where);
  g_autofree char *place = g_strdup_vprintf (where, args);
  va_end (args);
  return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path, "%s: %s", place, local->message);
}

static gboolean
check_texts (const RpAgent *agent, const char *path, GError **error)
{
  const struct {
    const char *key, *text;
  } texts[] = {
      {"greeting", agent->greeting},
      {"idle.goodbye", agent->idle_goodbye},
      {"empty_turn", agent->empty_turn_text},
      {"brain_failure", agent->brain_failure_text},
  };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (!rp_agent_check_text (agent, path, texts[i].text, error, "%s", texts[i].key))
      return FALSE;
  for (guint i = 0; i < agent->idle_texts->len; i++)
    if (!rp_agent_check_text (agent, path, agent->idle_texts->pdata[i], error, "idle.texts[%u]", i))
      return FALSE;
  return TRUE;
}

static gboolean
load_texts (RpAgent *agent, JsonObject *object, const char *path, GError **error)
{
  agent->title = g_strdup (rp_json_string (object, "title", agent->name));
  agent->description = g_strdup (rp_json_string (object, "description", ""));
  agent->greeting = g_strdup (rp_json_string (object, "greeting", "Hello! How can I help?"));
  agent->timezone = g_strdup (rp_json_string (object, "timezone", NULL));
  g_autoptr (GTimeZone) tz =
      agent->timezone != NULL ? g_time_zone_new_identifier (agent->timezone) : NULL;
  if (agent->timezone != NULL && tz == NULL)
    return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                          "timezone: \"%s\" is not known; expected a name as \"Europe/London\"",
                          agent->timezone);
  JsonObject *idle = rp_json_object (object, "idle");
  JsonArray *texts = rp_json_array (idle, "texts");
  for (guint i = 0; texts != NULL && i < json_array_get_length (texts); i++)
    g_ptr_array_add (agent->idle_texts, g_strdup (rp_json_array_string (texts, i)));
  if (texts == NULL) {
    g_ptr_array_add (agent->idle_texts, g_strdup ("Are you still there?"));
    g_ptr_array_add (agent->idle_texts,
                     g_strdup ("I can't hear anyone. Is there anything I can help with?"));
  }
  agent->idle_goodbye = g_strdup (
      rp_json_string (idle, "goodbye", "I can't hear you, so I'll end the call. Goodbye."));
  agent->empty_turn_text =
      g_strdup (rp_json_string (object, "empty_turn", "Sorry, I didn't catch that."));
  agent->brain_failure_text = g_strdup (rp_json_string (
      object, "brain_failure", "I'm sorry, something went wrong. Please say that again."));
  agent->context_messages = get_uint (object, "context_messages", 200);
  return check_texts (agent, path, error);
}

static gboolean
load_object (RpAgent *agent, JsonObject *object, const char *path, GError **error)
{
  load_model (&agent->stt, rp_json_object (object, "stt"), "moonshine");
  load_model (&agent->brain, rp_json_object (object, "brain"), "builtin");
  load_model (&agent->tts, rp_json_object (object, "tts"), "flite");
  JsonObject *speech = rp_json_object (object, "speech");
  agent->sentence.first_clause_words = get_uint (speech, "first_clause_words", 6);
  agent->sentence.max_chars = get_uint (speech, "max_chars", 300);
  rp_dialogue_set_offer_flow (agent->dialogue, rp_json_string (object, "offer_flow", NULL));
  g_autoptr (GError) local = NULL;
  if (!check_model (path, "stt", &agent->stt, error) ||
      !check_model (path, "brain", &agent->brain, error) ||
      !check_model (path, "tts", &agent->tts, error) ||
      !load_request_data (agent, rp_json_array (object, "request_data"), path, error) ||
      !load_texts (agent, object, path, error) ||
      !load_turn (&agent->turn, rp_json_object (object, "turn"), path, error) ||
      !load_bookings (agent, rp_json_object (object, "bookings"), path, error) ||
      !rp_agent_load_tools (agent, rp_json_array (object, "tools"), path, error) ||
      !rp_agent_load_client_tools (agent, rp_json_array (object, "client_tools"), path, error) ||
      !load_phrases (agent, rp_json_object (object, "phrases"), path, error) ||
      !load_knowledge (agent, error) ||
      !load_all (agent, "flows", rp_json_array (object, "flows"), load_flow, error) ||
      !load_all (agent, "quizzes", rp_json_array (object, "quizzes"), load_quiz, error))
    return FALSE;
  if (!rp_dialogue_finish (agent->dialogue, &local))
    return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path, "%s", local->message);
  return TRUE;
}

static gboolean
load_prompt (RpAgent *agent, GError **error)
{
  g_autofree char *path = g_build_filename (agent->dir, "prompt.md", NULL);
  gsize length = 0;
  if (!g_file_test (path, G_FILE_TEST_EXISTS)) {
    agent->prompt = g_strdup ("");
    return TRUE;
  }
  agent->prompt = rp_agent_read_file (path, &length, error);
  if (agent->prompt == NULL)
    return FALSE;
  if (!g_utf8_validate (agent->prompt, (gssize) length, NULL))
    return rp_agent_fail (error, RP_AGENT_ERROR_SYNTAX, path, "is not UTF-8 text");
  return TRUE;
}

RpAgent *
rp_agent_load (const char *dir, GError **error)
{
  g_autoptr (RpAgent) agent = g_new0 (RpAgent, 1);
  g_autofree char *canonical = g_canonicalize_filename (dir, NULL);
  agent->dir = g_strdup (dir);
  agent->name = g_path_get_basename (canonical);
  agent->tools = g_ptr_array_new_with_free_func (g_free);
  agent->client_tools = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_agent_client_tool_free);
  agent->request_data = g_ptr_array_new_with_free_func (g_free);
  agent->idle_texts = g_ptr_array_new_with_free_func (g_free);
  agent->dialogue = rp_dialogue_new ();
  rp_bookings_config_init (&agent->bookings);
  if (strspn (agent->name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen (agent->name)) {
    rp_agent_fail (error, RP_AGENT_ERROR_INVALID, dir,
                   "an agent's directory is named with a-z, 0-9, - and _ only; rename it");
    return NULL;
  }
  g_autofree char *path = g_build_filename (dir, "agent.json", NULL);
  g_autoptr (JsonObject) object =
      rp_agent_read_object (path, agent_fields, G_N_ELEMENTS (agent_fields), error);
  if (object == NULL || !load_object (agent, object, path, error) || !load_prompt (agent, error))
    return NULL;
  return g_steal_pointer (&agent);
}

void
rp_agent_free (RpAgent *agent)
{
  if (agent == NULL)
    return;
  g_free (agent->dir);
  g_free (agent->name);
  g_free (agent->title);
  g_free (agent->description);
  g_free (agent->greeting);
  g_free (agent->timezone);
  clear_model (&agent->stt);
  clear_model (&agent->brain);
  clear_model (&agent->tts);
  g_ptr_array_unref (agent->tools);
  g_ptr_array_unref (agent->client_tools);
  g_ptr_array_unref (agent->request_data);
  g_ptr_array_unref (agent->idle_texts);
  g_free (agent->idle_goodbye);
  g_free (agent->empty_turn_text);
  g_free (agent->brain_failure_text);
  g_free (agent->prompt);
  rp_bookings_config_clear (&agent->bookings);
  rp_dialogue_free (agent->dialogue);
  g_free (agent);
}

GTimeZone *
rp_agent_timezone (const RpAgent *agent)
{
  GTimeZone *tz = agent->timezone != NULL ? g_time_zone_new_identifier (agent->timezone)
                                          : g_time_zone_new_local ();
  return tz != NULL ? tz : g_time_zone_new_utc ();
}
