/* quizzes/NAME.json into an RpQuiz. */
#include "agent-flow.h"

#define MAX_TEXT_BYTES 1000
#define DEFAULT_QUESTIONS 5

#define TEXT(key)                                                     \
  {                                                                   \
    .name = key, .type = RP_JSON_STRING, .max_length = MAX_TEXT_BYTES \
  }
#define TEXTS(key, most)                                                            \
  {                                                                                 \
    .name = key, .type = RP_JSON_ARRAY, .items = RP_JSON_STRING, .max_length = most \
  }

static const RpJsonField sums_fields[] = {
    TEXTS ("operations", 4),
    {.name = "level", .type = RP_JSON_INT, .min = 1, .max = RP_QUIZ_LEVELS},
};

static const RpJsonField item_fields[] = {
    TEXT ("ask"),  TEXTS ("answers", 20), TEXT ("claim"), {.name = "is", .type = RP_JSON_BOOL},
    TEXT ("fact"), TEXT ("hint"),
};

static const RpJsonField quiz_fields[] = {
    TEXT ("summary"),
    {.name = "triggers",
     .type = RP_JSON_ARRAY,
     .required = TRUE,
     .items = RP_JSON_STRING,
     .max_length = 200},
    TEXT ("opening"),
    {.name = "questions", .type = RP_JSON_INT, .min = 1, .max = RP_QUIZ_MAX_QUESTIONS},
    {.name = "sums",
     .type = RP_JSON_OBJECT,
     .fields = sums_fields,
     .n_fields = G_N_ELEMENTS (sums_fields)},
    {.name = "items",
     .type = RP_JSON_ARRAY,
     .items = RP_JSON_OBJECT,
     .fields = item_fields,
     .n_fields = G_N_ELEMENTS (item_fields),
     .max_length = RP_QUIZ_MAX_ITEMS},
    TEXTS ("right", 20),
    TEXTS ("wrong", 20),
    TEXT ("tell"),
    TEXT ("finish"),
    TEXT ("again"),
    {.name = "tool", .type = RP_JSON_STRING, .max_length = 64},
};

static void
add_texts (GPtrArray *out, JsonArray *texts)
{
  for (guint i = 0; texts != NULL && i < json_array_get_length (texts); i++)
    g_ptr_array_add (out, g_strdup (rp_json_array_string (texts, i)));
}

static gboolean
load_sums (RpQuiz *quiz, JsonObject *object, const char *path, GError **error)
{
  JsonArray *names = rp_json_array (object, "operations");
  for (guint i = 0; names != NULL && i < json_array_get_length (names); i++) {
    const char *name = rp_json_array_string (names, i);
    RpSumKind kind = rp_sum_kind_from_name (name);
    if (kind == 0)
      return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                            "sums.operations[%u]: expected add, subtract, multiply or divide, "
                            "got \"%s\"",
                            i, name);
    quiz->sums |= kind;
  }
  if (object != NULL && quiz->sums == 0)
    quiz->sums = RP_SUM_ADD | RP_SUM_SUBTRACT | RP_SUM_MULTIPLY | RP_SUM_DIVIDE;
  quiz->level = (guint) rp_json_int (object, "level", 1);
  return TRUE;
}

static void
load_texts (RpQuiz *quiz, JsonObject *object)
{
  static const char *const right[] = {"Correct.", "That's right.", "Yes!", "Well done."};
  quiz->summary = g_strdup (rp_json_string (object, "summary", NULL));
  quiz->opening = g_strdup (rp_json_string (object, "opening", NULL));
  quiz->tell = g_strdup (rp_json_string (object, "tell", "It is {answer}."));
  quiz->finish =
      g_strdup (rp_json_string (object, "finish", "You got {right} out of {asked} right."));
  quiz->again = g_strdup (rp_json_string (object, "again", NULL));
  quiz->tool = g_strdup (rp_json_string (object, "tool", NULL));
  add_texts (quiz->triggers, rp_json_array (object, "triggers"));
  add_texts (quiz->right, rp_json_array (object, "right"));
  add_texts (quiz->wrong, rp_json_array (object, "wrong"));
  for (guint i = 0; rp_json_array (object, "right") == NULL && i < G_N_ELEMENTS (right); i++)
    g_ptr_array_add (quiz->right, g_strdup (right[i]));
  if (rp_json_array (object, "wrong") == NULL)
    g_ptr_array_add (quiz->wrong, g_strdup ("Not quite. Try once more."));
}

static gboolean
load_item (RpQuiz *quiz, JsonObject *object, guint index, const char *path, GError **error)
{
  const char *claim = rp_json_string (object, "claim", NULL);
  const char *ask = rp_json_string (object, "ask", NULL);
  JsonArray *answers = rp_json_array (object, "answers");
  gboolean is_claim =
      claim != NULL && rp_json_member (object, "is") != NULL && ask == NULL && answers == NULL;
  gboolean is_question = ask != NULL && answers != NULL && json_array_get_length (answers) > 0 &&
                         claim == NULL && rp_json_member (object, "is") == NULL &&
                         rp_json_member (object, "fact") == NULL;
  if (!is_claim && !is_question)
    return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                          "items[%u]: expected \"ask\" and \"answers\", or \"claim\" and \"is\" "
                          "(and \"fact\")",
                          index);
  RpQuizItem *item = rp_quiz_item_new (is_claim ? claim : ask);
  add_texts (item->answers, answers);
  item->is_true = rp_json_bool (object, "is", FALSE);
  item->fact = g_strdup (rp_json_string (object, "fact", NULL));
  item->hint = g_strdup (rp_json_string (object, "hint", NULL));
  g_ptr_array_add (quiz->items, item);
  return TRUE;
}

static gboolean
check_tool (const RpAgent *agent, const RpQuiz *quiz, const char *path, GError **error)
{
  static const char *const names[] = {"quiz", "number", "of", "right", "question", "finished"};
  if (quiz->tool == NULL)
    return TRUE;
  g_autoptr (JsonObject) arguments = json_object_new ();
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    json_object_set_null_member (arguments, names[i]);
  return rp_agent_check_call (agent, path, "tool", quiz->tool, arguments, TRUE, error);
}

RpQuiz *
rp_agent_load_quiz (const RpAgent *agent, const char *path, const char *name, GError **error)
{
  g_autoptr (JsonObject) object =
      rp_agent_read_object (path, quiz_fields, G_N_ELEMENTS (quiz_fields), error);
  if (object == NULL)
    return NULL;
  g_autoptr (RpQuiz) quiz = rp_quiz_new (name);
  load_texts (quiz, object);
  if (!load_sums (quiz, rp_json_object (object, "sums"), path, error))
    return NULL;
  JsonArray *items = rp_json_array (object, "items");
  for (guint i = 0; items != NULL && i < json_array_get_length (items); i++)
    if (!load_item (quiz, rp_json_array_object (items, i), i, path, error))
      return NULL;
  quiz->n_questions = (guint) rp_json_int (object, "questions", DEFAULT_QUESTIONS);
  g_autoptr (GError) local = NULL;
  if (!rp_quiz_validate (quiz, &local)) {
    rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path, "%s", local->message);
    return NULL;
  }
  return check_tool (agent, quiz, path, error) ? g_steal_pointer (&quiz) : NULL;
}
