/* Quizzes: the questions, the judge, and whole rounds with the shipped tutor. */
#include "agent.h"

#include <stdio.h>
#include <string.h>

#define NOW_S 1746450000

static RpAgent *agent;

typedef struct {
  GPtrArray *messages;
  RpBrainReply *reply;
  const char *id;
} Talk;

static void
talk_clear (Talk *talk)
{
  g_ptr_array_unref (talk->messages);
  rp_brain_reply_free (talk->reply);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Talk, talk_clear)

static RpBrainReply *
respond (const Talk *talk)
{
  const RpBrainRequest request = {
      .messages = talk->messages, .now_unix_s = NOW_S, .conversation_id = talk->id};
  return rp_dialogue_respond (agent->dialogue, &request);
}

/* The reply with its calls and their results, as an engine writes them. @heard: bytes of it. */
static void
commit (Talk *talk, gsize heard)
{
  g_autofree char *text = rp_brain_reply_text (talk->reply);
  /* g_strndup () allocates and clears all that it may take. */
  g_autofree char *part = g_strndup (text, MIN (heard, strlen (text)));
  RpMessage *message = rp_message_new (RP_ROLE_ASSISTANT, part, NOW_S);
  message->interrupted = strlen (part) < strlen (text);
  message->unheard = message->interrupted ? g_strdup (text + strlen (part)) : NULL;
  g_ptr_array_add (talk->messages, message);
  if (talk->reply->calls->len > 0)
    message->tool_calls = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_tool_call_free);
  for (guint i = 0; i < talk->reply->calls->len; i++) {
    const RpToolCall *call = talk->reply->calls->pdata[i];
    g_ptr_array_add (message->tool_calls, rp_tool_call_copy (call));
    RpMessage *result = rp_message_new (RP_ROLE_TOOL, "{\"ok\":true}", NOW_S);
    result->tool_call_id = g_strdup (call->id);
    g_ptr_array_add (talk->messages, result);
  }
}

/* Returns: the reply's text */
static char *
say (Talk *talk, const char *text)
{
  if (talk->reply != NULL)
    commit (talk, G_MAXINT);
  g_clear_pointer (&talk->reply, rp_brain_reply_free);
  g_ptr_array_add (talk->messages, rp_message_new (RP_ROLE_USER, text, NOW_S));
  talk->reply = respond (talk);
  g_assert_cmpuint (talk->reply->segments->len, >, 0);
  char *said = rp_brain_reply_text (talk->reply);
  /* Whoever takes over has the context and nothing else. */
  g_autoptr (RpBrainReply) again = respond (talk);
  g_autofree char *same = rp_brain_reply_text (again);
  g_assert_cmpstr (said, ==, same);
  g_test_message ("%s -> %s", text, said);
  return said;
}

static void
expect (Talk *talk, const char *text, const char *part)
{
  g_autofree char *said = say (talk, text);
  if (strstr (said, part) == NULL)
    g_error ("\"%s\": wants \"%s\" in \"%s\"", text, part, said);
}

/* What the last sum in @text comes to. */
static int
solve (const char *text)
{
  int a = 0, b = 0;
  char word[16] = "";
  const char *p = NULL, *next = text;
  while ((next = strstr (next, "What is ")) != NULL)
    p = next++;
  g_assert_nonnull (p);
  if (sscanf (p, "What is %d divided by %d?", &a, &b) == 2) {
    g_assert_cmpint (a % b, ==, 0);
    return a / b;
  }
  g_assert_cmpint (sscanf (p, "What is %d %15s %d?", &a, word, &b), ==, 3);
  if (strcmp (word, "plus") == 0)
    return a + b;
  return strcmp (word, "minus") == 0 ? a - b : a * b;
}

static char *
number_text (int number)
{
  return g_strdup_printf ("%d", number);
}

static const char *
call_arguments (const Talk *talk)
{
  g_assert_cmpuint (talk->reply->calls->len, ==, 1);
  const RpToolCall *call = talk->reply->calls->pdata[0];
  g_assert_cmpstr (call->name, ==, "show_score");
  return call->arguments;
}

static void
test_all_right (void)
{
  g_auto (Talk) talk = {rp_messages_new (), NULL, "a"};
  g_autofree char *said = say (&talk, "Numbers, please.");
  for (guint i = 1; i <= 5; i++) {
    g_autofree char *answer = number_text (solve (said));
    g_autofree char *number =
        g_strdup_printf ("\"number\": %u, \"of\": 5, \"right\": %u", i, i - 1);
    g_assert_nonnull (strstr (call_arguments (&talk), number));
    g_assert_cmpint (talk.reply->expect, ==, RP_EXPECT_SHORT);
    g_free (said);
    said = say (&talk, answer);
  }
  g_assert_nonnull (strstr (said, "5 out of 5"));
  g_assert_nonnull (strstr (said, "Another round?"));
  g_assert_nonnull (strstr (call_arguments (&talk), "\"finished\": true"));
  g_assert_nonnull (strstr (call_arguments (&talk), "\"right\": 5"));
  expect (&talk, "No thanks.", "Come back");
  expect (&talk, "Are you a robot?", "quiz tutor");
}

static void
test_all_wrong (void)
{
  g_auto (Talk) talk = {rp_messages_new (), NULL, "a"};
  g_autofree char *said = say (&talk, "numbers");
  for (guint i = 1; i <= 5; i++) {
    int right = solve (said);
    g_autofree char *wrong = number_text (right + 1), *told = g_strdup_printf ("It is %d.", right);
    g_autofree char *second = say (&talk, wrong);
    g_assert_null (strstr (second, told));
    g_assert_cmpint (solve (second), ==, right);
    g_free (said);
    said = say (&talk, wrong);
    g_assert_nonnull (strstr (said, told));
  }
  g_assert_nonnull (strstr (said, "0 out of 5"));
}

/* What is said in a round that is no answer. */
static void
test_between (void)
{
  static const struct {
    const char *said;
    const char *part;
  } rows[] = {
      {"What was that?", "What is"},
      {"Can you repeat the question?", "What is"},
      {"Okay.", "What is"},
      {"Help.", "hint, next, repeat, or stop"},
      {"Give me a hint.", "What is"},
      {"Who are you?", "quiz tutor"},
      {"What time is it?", "1 PM"},
      {"Let me think.", "Take your time"},
      {"I like turtles.", "catch that"},
      {"That one is too easy.", "A harder one"},
      {"This is too hard.", "An easier one"},
      {"Father, please.", "A harder one"},
      {"Tell me more.", "catch that"},
      {"Tell me the answer.", "It is"},
      {"Let me think about it.", "Take your time"},
      {"Slower, please.", "What is"},
      {"I don't know.", "It is"},
      {"Skip.", "It is"},
      {"Countries please.", "True or false?"},
      {"No.", "What is"},
      {"Nope.", "What is"},
      {"How many did I get right?", "first question"},
      {"Can we do countries instead?", "True or false?"},
      {"Switch to countries.", "True or false?"},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_auto (Talk) talk = {rp_messages_new (), NULL, "b"};
    g_free (say (&talk, "Numbers."));
    expect (&talk, rows[i].said, rows[i].part);
    g_autofree char *said = rp_brain_reply_text (talk.reply);
    /* None of them took a try. */
    if (strstr (said, "What is") == NULL)
      continue;
    g_autofree char *answer = number_text (solve (said));
    g_autofree char *after = say (&talk, answer);
    g_assert_null (strstr (after, "It is "));
    g_assert_nonnull (strstr (after, "What is"));
  }
}

static void
test_stop (void)
{
  static const char *const words[] = {"stop", "enough", "never mind", "that's all"};
  for (guint i = 0; i < G_N_ELEMENTS (words); i++) {
    g_auto (Talk) talk = {rp_messages_new (), NULL, "c"};
    g_free (say (&talk, "Countries."));
    expect (&talk, "next", "True or false?");
    expect (&talk, words[i], "0 out of 1");
    expect (&talk, "seven", "I only know about quizzes");
  }
  g_auto (Talk) talk = {rp_messages_new (), NULL, "c"};
  g_free (say (&talk, "Countries."));
  expect (&talk, "Goodbye!", "Goodbye");
  g_assert_true (talk.reply->end_call);
}

/* The score, in a round and after it, and another round without being asked. */
static void
test_score (void)
{
  static const char *const more[] = {"again", "another round", "Another realm.", "play again",
                                     "let's go on"};
  for (guint i = 0; i < G_N_ELEMENTS (more); i++) {
    g_auto (Talk) talk = {rp_messages_new (), NULL, "f"};
    expect (&talk, "What's my score?", "no round yet");
    g_autofree char *said = say (&talk, "numbers");
    g_autofree char *answer = number_text (solve (said));
    g_free (say (&talk, answer));
    g_free (say (&talk, "skip"));
    expect (&talk, "What's my score?", "1 out of 2 so far. What is");
    expect (&talk, "What is my scorn?", "1 out of 2 so far. What is");
    expect (&talk, "stop", "1 out of 2");
    expect (&talk, "How many did I get right?", "1 out of 2");
    expect (&talk, more[i], "What is");
  }
}

/* "Numbers, or countries?" */
static void
test_choose (void)
{
  static const struct {
    const char *said, *part;
  } rows[] = {
      {"1", "Five sums"},
      {"2", "Five claims"},
      {"You choose.", "Five sums"},
      {"Both.", "Five sums"},
      {"Surprise me", "Five sums"},
      {"I don't mind.", "Five sums"},
      {"Either.", "Five sums"},
      {"Whatever you like.", "Five sums"},
      {"I don't want to play.", "All right"},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_auto (Talk) talk = {rp_messages_new (), NULL, "g"};
    expect (&talk, rows[i].said, rows[i].part);
  }
}

/* The third time, asking to say it again helps nobody. */
static void
test_not_heard (void)
{
  static const struct {
    const char *begin, *help;
  } rows[] = {{"numbers", "Say the number. Or say hint, or next."},
              {"countries", "Say true, or false."}};
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_auto (Talk) talk = {rp_messages_new (), NULL, "h"};
    g_free (say (&talk, rows[i].begin));
    expect (&talk, "purple elephants", "catch that");
    expect (&talk, "purple elephants", "once more");
    expect (&talk, "purple elephants", rows[i].help);
    expect (&talk, "next", i == 0 ? "It is" : "It is true. They are German");
    g_autofree char *said = say (&talk, "purple elephants");
    g_assert_null (strstr (said, rows[i].help));
  }
}

/* Who was cut off before the question was said has not answered it. */
static void
test_unheard (void)
{
  g_auto (Talk) talk = {rp_messages_new (), NULL, "d"};
  g_autofree char *said = say (&talk, "numbers");
  g_autofree char *wrong = number_text (solve (said) + 1);
  for (guint i = 0; i < 3; i++) {
    commit (&talk, 4);
    g_clear_pointer (&talk.reply, rp_brain_reply_free);
    g_ptr_array_add (talk.messages, rp_message_new (RP_ROLE_USER, wrong, NOW_S));
    talk.reply = respond (&talk);
    g_autofree char *again = rp_brain_reply_text (talk.reply);
    g_assert_true (g_str_has_prefix (again, "What is"));
  }
  expect (&talk, wrong, "Not quite");
}

/* No claim comes twice before all have come, in however many rounds. */
static void
test_no_repetition (void)
{
  g_auto (Talk) talk = {rp_messages_new (), NULL, "e"};
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *said = say (&talk, "countries");
  for (guint i = 0; i < 40; i++) {
    const char *claim = strstr (said, "True or false? ");
    g_assert_nonnull (claim);
    g_assert_true (g_hash_table_add (seen, g_strdup (claim)));
    g_assert_cmpint (talk.reply->expect, ==, RP_EXPECT_YES_NO);
    g_free (said);
    said = say (&talk, i % 2 == 0 ? "true" : "false");
    if (strstr (said, "Another round?") != NULL) {
      g_free (said);
      said = say (&talk, "yes please");
    }
  }
}

static void
test_different_callers (void)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < 20; i++) {
    g_autofree char *id = number_text ((int) i);
    g_auto (Talk) talk = {rp_messages_new (), NULL, id};
    g_hash_table_add (seen, say (&talk, "numbers"));
  }
  g_assert_cmpuint (g_hash_table_size (seen), >, 10);
}

static RpQuiz *
make_quiz (const char *ask, const char *answers)
{
  RpQuiz *quiz = rp_quiz_new ("test");
  g_ptr_array_add (quiz->triggers, g_strdup ("go"));
  g_ptr_array_add (quiz->right, g_strdup ("Yes."));
  g_ptr_array_add (quiz->wrong, g_strdup ("No."));
  quiz->tell = g_strdup ("It is {answer}.");
  quiz->finish = g_strdup ("{right} of {asked}.");
  quiz->n_questions = quiz->level = 1;
  if (ask == NULL)
    return quiz;
  RpQuizItem *item = rp_quiz_item_new (ask);
  g_auto (GStrv) list = g_strsplit (answers, "|", -1);
  for (guint i = 0; list[i] != NULL; i++)
    g_ptr_array_add (item->answers, g_strdup (list[i]));
  g_ptr_array_add (quiz->items, item);
  return quiz;
}

static RpVerdict
judge (const RpQuizQuestion *question, const char *said)
{
  g_autoptr (RpWords) words = rp_words_split (said);
  return rp_quiz_judge (question, words);
}

typedef struct {
  const char *said;
  RpVerdict verdict;
} Row;

static void
check_rows (const RpQuizQuestion *question, const Row *rows, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_test_message ("%s: %s", question->answer, rows[i].said);
    g_assert_cmpint (judge (question, rows[i].said), ==, rows[i].verdict);
  }
}

static void
test_judge_numbers (void)
{
  static const Row seven[] = {
      {"7", RP_VERDICT_RIGHT},
      {"Seven.", RP_VERDICT_RIGHT},
      {"It is seven, I think.", RP_VERDICT_RIGHT},
      {"Six. No, seven.", RP_VERDICT_RIGHT},
      {"Seven, no, eight.", RP_VERDICT_WRONG},
      {"eight", RP_VERDICT_WRONG},
      {"Semen,", RP_VERDICT_RIGHT}, /* a synthetic voice through the default recogniser */
      {"I have no idea.", RP_VERDICT_NONE},
      {"", RP_VERDICT_NONE},
  };
  static const Row fifteen[] = {
      {"fifteen", RP_VERDICT_RIGHT},
      {"15.", RP_VERDICT_RIGHT},
      {"fifty", RP_VERDICT_NONE}, /* it may have been fifteen */
      {"fourteen", RP_VERDICT_WRONG},
      {"a hundred and fifteen", RP_VERDICT_WRONG},
      {"nine hundred thousand million", RP_VERDICT_NONE},
  };
  static const Row more[] = {
      {"a hundred and five", RP_VERDICT_RIGHT},
      {"The hundred and five.", RP_VERDICT_RIGHT},
      {"one hundred five", RP_VERDICT_RIGHT},
      {"It is 105.", RP_VERDICT_RIGHT},
      {"two hundred and five", RP_VERDICT_WRONG},
      {"five", RP_VERDICT_WRONG},
      {"a hundred", RP_VERDICT_WRONG},
  };
  const RpQuizQuestion a = {.kind = RP_QUIZ_NUMBER, .number = 7, .answer = (char *) "7"};
  const RpQuizQuestion b = {.kind = RP_QUIZ_NUMBER, .number = 15, .answer = (char *) "15"};
  const RpQuizQuestion c = {.kind = RP_QUIZ_NUMBER, .number = 105, .answer = (char *) "105"};
  check_rows (&c, more, G_N_ELEMENTS (more));
  check_rows (&a, seven, G_N_ELEMENTS (seven));
  check_rows (&b, fifteen, G_N_ELEMENTS (fifteen) - 1);
  /* Whatever number that is, it is not the answer. */
  g_assert_cmpint (judge (&b, fifteen[G_N_ELEMENTS (fifteen) - 1].said), !=, RP_VERDICT_RIGHT);
}

static void
test_judge_claims (void)
{
  static const Row rows[] = {
      {"True.", RP_VERDICT_RIGHT},
      {"Yes.", RP_VERDICT_RIGHT},
      {"That is true.", RP_VERDICT_RIGHT},
      {"I would say that is true.", RP_VERDICT_RIGHT},
      {"Three.", RP_VERDICT_RIGHT}, /* heard so */
      {"False, no, true.", RP_VERDICT_RIGHT},
      {"that is not false", RP_VERDICT_RIGHT},
      {"1", RP_VERDICT_RIGHT},
      {"False.", RP_VERDICT_WRONG},
      {"That's not true.", RP_VERDICT_WRONG},
      {"That isn't right.", RP_VERDICT_WRONG},
      {"No.", RP_VERDICT_WRONG},
      {"2", RP_VERDICT_WRONG},
      {"Of course.", RP_VERDICT_RIGHT},
      {"Definitely.", RP_VERDICT_RIGHT},
      {"I think so.", RP_VERDICT_RIGHT},
      {"Of course not.", RP_VERDICT_WRONG},
      {"Definitely not.", RP_VERDICT_WRONG},
      {"I don't think so.", RP_VERDICT_WRONG},
      {"I'm not sure.", RP_VERDICT_NONE},
      {"Are you sure?", RP_VERDICT_NONE},
      {"Hmm, let me think.", RP_VERDICT_NONE},
      {"Is it true that you know all of this by heart?", RP_VERDICT_NONE},
  };
  RpQuizItem item = {.is_true = TRUE};
  const RpQuizQuestion question = {.kind = RP_QUIZ_CLAIM, .item = &item, .answer = (char *) "true"};
  check_rows (&question, rows, G_N_ELEMENTS (rows));
}

static void
test_judge_names (void)
{
  static const Row rows[] = {
      {"Copenhagen.", RP_VERDICT_RIGHT},
      {"Is it copenhagen?", RP_VERDICT_RIGHT},
      {"Copen Hagen", RP_VERDICT_RIGHT},
      {"the mermaid's city", RP_VERDICT_RIGHT},
      {"Oslo", RP_VERDICT_WRONG},
      {"Stockholm", RP_VERDICT_WRONG},
      {"", RP_VERDICT_NONE},
  };
  g_autoptr (RpQuiz) quiz =
      make_quiz ("What is the capital of Denmark?", "Copenhagen|the mermaid's city");
  g_assert_true (rp_quiz_validate (quiz, NULL));
  g_autoptr (RpQuizQuestion) question = rp_quiz_question (quiz, "x", 0, 1);
  g_assert_cmpstr (question->ask, ==, "What is the capital of Denmark?");
  check_rows (question, rows, G_N_ELEMENTS (rows));
}

/* Every sum at every level can be done, and its hint is true. */
static void
test_sums (void)
{
  g_autoptr (RpQuiz) quiz = make_quiz (NULL, NULL);
  quiz->sums = RP_SUM_ADD | RP_SUM_SUBTRACT | RP_SUM_MULTIPLY | RP_SUM_DIVIDE;
  g_assert_true (rp_quiz_validate (quiz, NULL));
  int highest = 0;
  for (guint level = 1; level <= RP_QUIZ_LEVELS; level++)
    for (guint nth = 0; nth < 300; nth++) {
      g_autoptr (RpQuizQuestion) q = rp_quiz_question (quiz, "seed", nth, level);
      g_autoptr (RpQuizQuestion) same = rp_quiz_question (quiz, "seed", nth, level);
      g_assert_cmpstr (q->ask, ==, same->ask);
      g_assert_cmpint (solve (q->ask), ==, (int) q->number);
      g_assert_cmpuint (q->number, >=, 1);
      highest = MAX (highest, (int) q->number);
      int a, b, c;
      if (sscanf (q->hint, "%d plus %d is %d.", &a, &b, &c) == 3)
        g_assert_cmpint (a + b, ==, c);
      else if (sscanf (q->hint, "%d minus %d is %d.", &a, &b, &c) == 3)
        g_assert_cmpint (a - b, ==, c);
      else if (sscanf (q->hint, "%d times %d is %d.", &a, &b, &c) == 3)
        g_assert_cmpint (a * b, ==, c);
    }
  g_assert_cmpint (highest, <, 1000);
}

static void
test_invalid (void)
{
  g_autoptr (RpQuiz) quiz = make_quiz ("Who?", "Me");
  g_autoptr (GError) error = NULL;
  quiz->n_questions = 2;
  g_assert_false (rp_quiz_validate (quiz, &error));
  g_assert_nonnull (strstr (error->message, "2 are to be asked"));
  g_clear_error (&error);
  quiz->n_questions = 1;
  quiz->sums = RP_SUM_ADD;
  g_assert_false (rp_quiz_validate (quiz, &error));
  g_clear_error (&error);
  quiz->sums = 0;
  g_free (quiz->finish);
  quiz->finish = g_strdup ("{wrong} out of {asked}");
  g_assert_false (rp_quiz_validate (quiz, &error));
  g_assert_nonnull (strstr (error->message, "finish"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_autofree char *dir = g_build_filename (RP_AGENT_DIR, "..", "tutor", NULL);
  g_autoptr (GError) error = NULL;
  agent = rp_agent_load (dir, &error);
  g_assert_no_error (error);
  g_test_add_func ("/quiz/all-right", test_all_right);
  g_test_add_func ("/quiz/all-wrong", test_all_wrong);
  g_test_add_func ("/quiz/between", test_between);
  g_test_add_func ("/quiz/stop", test_stop);
  g_test_add_func ("/quiz/score", test_score);
  g_test_add_func ("/quiz/choose", test_choose);
  g_test_add_func ("/quiz/not-heard", test_not_heard);
  g_test_add_func ("/quiz/unheard", test_unheard);
  g_test_add_func ("/quiz/no-repetition", test_no_repetition);
  g_test_add_func ("/quiz/different-callers", test_different_callers);
  g_test_add_func ("/quiz/judge/numbers", test_judge_numbers);
  g_test_add_func ("/quiz/judge/claims", test_judge_claims);
  g_test_add_func ("/quiz/judge/names", test_judge_names);
  g_test_add_func ("/quiz/sums", test_sums);
  g_test_add_func ("/quiz/invalid", test_invalid);
  int result = g_test_run ();
  rp_agent_free (agent);
  return result;
}
