/* Plays a quiz: asks, judges, helps, counts. */
#include "dialogue-private.h"

#include <string.h>

/* Then the answer is told. Between true and false there is no second one. */
#define MAX_TRIES 2
/* A word that is almost a command is one in so short an utterance, when it is not short itself. */
#define MAX_NEAR_WORDS 4
#define MIN_NEAR_LETTERS 5
/* Then it is said how to answer. */
#define MAX_MISSES 2
/* What concerns the round before is said in few words. */
#define MAX_AFTER_WORDS 6
/* As for flows: what is understood so well is no answer. */
#define LEAST_ASIDE RP_CONFIDENCE_SWITCH
/* Another quiz, when "instead" or the like says that one is meant. */
#define LEAST_SWITCH 0.3

typedef enum {
  COMMAND_NONE,
  COMMAND_SKIP,
  COMMAND_HINT,
  COMMAND_HARDER,
  COMMAND_EASIER,
  COMMAND_SCORE,
} Command;

static const struct {
  const char *phrase;
  Command command;
} commands[] = {
    {"skip", COMMAND_SKIP},
    {"pass", COMMAND_SKIP},
    {"next question", COMMAND_SKIP},
    {"next one", COMMAND_SKIP},
    {"dont know", COMMAND_SKIP},
    {"do not know", COMMAND_SKIP},
    {"no idea", COMMAND_SKIP},
    {"not sure", COMMAND_SKIP},
    {"no clue", COMMAND_SKIP},
    {"give up", COMMAND_SKIP},
    {"tell me the answer", COMMAND_SKIP},
    {"you tell me", COMMAND_SKIP},
    {"just tell me", COMMAND_SKIP},
    {"what is the answer", COMMAND_SKIP},
    {"what the answer", COMMAND_SKIP},
    {"hint", COMMAND_HINT},
    {"clue", COMMAND_HINT},
    {"too easy", COMMAND_HARDER},
    {"harder", COMMAND_HARDER},
    {"father", COMMAND_HARDER}, /* heard so, as "members" for "numbers" */
    {"more difficult", COMMAND_HARDER},
    {"too hard", COMMAND_EASIER},
    {"too difficult", COMMAND_EASIER},
    {"easier", COMMAND_EASIER},
    {"score", COMMAND_SCORE},
    {"how many right", COMMAND_SCORE},
    {"how many did i get", COMMAND_SCORE},
    {"how many have i got", COMMAND_SCORE},
    {"how many do i have", COMMAND_SCORE},
    {"how am i doing", COMMAND_SCORE},
    {"how did i do", COMMAND_SCORE},
    {"next", COMMAND_SKIP},
};

static Command
find_command (const RpWords *words)
{
  for (guint i = 0; words->n <= 8 && i < G_N_ELEMENTS (commands); i++)
    if (rp_words_find (words, commands[i].phrase, NULL))
      return commands[i].command;
  /* Heard almost so: "scorn". */
  for (guint i = 0; words->n <= MAX_NEAR_WORDS && i < G_N_ELEMENTS (commands); i++)
    for (guint k = 0; strlen (commands[i].phrase) >= MIN_NEAR_LETTERS && k < words->n; k++)
      if (rp_edit_distance (words->v[k].norm, commands[i].phrase, 1) <= 1)
        return commands[i].command;
  return COMMAND_NONE;
}

/* A text of the quiz with its values: NULL-terminated pairs of name and value. */
static void
say_with (RpFold *fold, RpBrainReply *reply, const char *text, const char *const *pairs)
{
  g_autoptr (GHashTable) values = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; pairs[i] != NULL; i += 2)
    g_hash_table_insert (values, (gpointer) pairs[i], (gpointer) pairs[i + 1]);
  g_autofree char *said = rp_text_render (text, values);
  rp_fold_say (reply, said);
}

static void
say_in_turn (RpFold *fold, RpBrainReply *reply, const GPtrArray *texts)
{
  rp_fold_say (reply, texts->pdata[fold->round.said++ % texts->len]);
}

/* Tells the page how it stands. */
static void
show (RpFold *fold, RpBrainReply *reply)
{
  const RpQuiz *quiz = fold->quiz;
  const RpQuizQuestion *question = fold->round.question;
  if (quiz->tool == NULL)
    return;
  GString *json = g_string_new ("{\"quiz\": ");
  rp_append_json_string (json, quiz->name);
  g_string_append_printf (json, ", \"number\": %u, \"of\": %u, \"right\": %u, \"finished\": %s",
                          fold->round.asked, quiz->n_questions, fold->round.right,
                          question == NULL ? "true" : "false");
  g_string_append (json, ", \"question\": ");
  rp_append_json_string (json, question != NULL ? question->ask : "");
  g_string_append_c (json, '}');
  rp_fold_call (fold, reply, quiz->tool, json->str);
  g_string_free (json, TRUE);
}

static void
clear_question (RpFold *fold)
{
  g_clear_pointer (&fold->round.question, rp_quiz_question_free);
  fold->round.tries = fold->round.misses = 0;
  fold->question_heard = FALSE;
}

void
rp_fold_end_quiz (RpFold *fold)
{
  clear_question (fold);
  fold->quiz = NULL;
}

void
rp_fold_ask_quiz (RpFold *fold, RpBrainReply *reply)
{
  const RpQuizQuestion *question = fold->round.question;
  rp_fold_say (reply, question->ask);
  reply->expect = question->kind == RP_QUIZ_CLAIM ? RP_EXPECT_YES_NO : RP_EXPECT_SHORT;
}

static void
ask_next (RpFold *fold, RpBrainReply *reply)
{
  RpQuizRound *round = &fold->round;
  clear_question (fold);
  /* Each quiz goes on where it was: a second round asks other questions. */
  guint *nth = &fold->n_quizzed[fold->quiz_index];
  round->question =
      rp_quiz_question (fold->quiz, fold->conversation_id != NULL ? fold->conversation_id : "",
                        (*nth)++, round->level);
  round->asked++;
  rp_fold_ask_quiz (fold, reply);
  show (fold, reply);
}

void
rp_fold_begin_quiz (RpFold *fold, RpBrainReply *reply, guint index)
{
  rp_fold_end_flow (fold);
  rp_fold_end_quiz (fold);
  fold->quiz = g_ptr_array_index (fold->agent->quizzes, index);
  fold->quiz_index = index;
  fold->message_offered = fold->tied = FALSE;
  fold->unknowns = 0;
  fold->round = (RpQuizRound){.level = fold->quiz->level};
  if (fold->quiz->opening != NULL)
    rp_fold_say (reply, fold->quiz->opening);
  ask_next (fold, reply);
}

static void
say_score (RpFold *fold, RpBrainReply *reply, const RpQuiz *quiz, guint n_right, guint n_asked)
{
  g_autofree char *right = g_strdup_printf ("%u", n_right);
  g_autofree char *asked = g_strdup_printf ("%u", n_asked);
  const char *const pairs[] = {"right", right, "asked", asked, NULL};
  say_with (fold, reply, quiz->finish, pairs);
}

/* @asked: how many were answered or given up */
static void
finish (RpFold *fold, RpBrainReply *reply, guint asked)
{
  const RpQuiz *quiz = fold->quiz;
  clear_question (fold);
  if (asked > 0)
    say_score (fold, reply, quiz, fold->round.right, asked);
  show (fold, reply);
  fold->last_round = (RpQuizScore){fold->round.right, asked};
  gboolean whole = asked == quiz->n_questions;
  rp_fold_end_quiz (fold);
  fold->again_index = fold->quiz_index;
  if (!whole || quiz->again == NULL) {
    rp_fold_phrase (fold, reply, RP_PHRASE_DONE);
    return;
  }
  rp_fold_say (reply, quiz->again);
  fold->again = TRUE;
  reply->expect = RP_EXPECT_YES_NO;
}

static void
go_on (RpFold *fold, RpBrainReply *reply)
{
  if (fold->round.asked < fold->quiz->n_questions)
    ask_next (fold, reply);
  else
    finish (fold, reply, fold->round.asked);
}

static void
change_level (RpFold *fold, int by)
{
  int level = (int) fold->round.level + by;
  fold->round.level = (guint) CLAMP (level, 1, RP_QUIZ_LEVELS);
}

static void
tell_fact (RpFold *fold, RpBrainReply *reply)
{
  const RpQuizItem *item = fold->round.question->item;
  if (item != NULL)
    rp_fold_say (reply, item->fact);
}

static void
tell_answer (RpFold *fold, RpBrainReply *reply)
{
  const RpQuizItem *item = fold->round.question->item;
  const char *const pairs[] = {"answer", fold->round.question->answer, NULL};
  /* What contradicts a claim says that it is false; what is added to a true one says nothing. */
  gboolean contradicts = fold->round.question->kind == RP_QUIZ_CLAIM && !item->is_true;
  if (!contradicts || item->fact == NULL)
    say_with (fold, reply, fold->quiz->tell, pairs);
  tell_fact (fold, reply);
}

static void
give_hint (RpFold *fold, RpBrainReply *reply)
{
  const char *hint = fold->round.question->hint;
  rp_fold_say (reply, hint != NULL ? hint : "I have no hint for that one.");
  rp_fold_ask_quiz (fold, reply);
}

/* In the middle of a round: the open question is not part of it. */
static void
tell_score (RpFold *fold, RpBrainReply *reply)
{
  guint n = fold->round.asked - 1;
  g_autofree char *text = n > 0 ? g_strdup_printf ("%u out of %u so far.", fold->round.right, n)
                                : g_strdup ("This is the first question.");
  rp_fold_say (reply, text);
  rp_fold_ask_quiz (fold, reply);
}

static void
obey (RpFold *fold, RpBrainReply *reply, Command command)
{
  switch (command) {
  case COMMAND_SKIP:
    tell_answer (fold, reply);
    change_level (fold, -1);
    go_on (fold, reply);
    break;
  case COMMAND_HINT:
    give_hint (fold, reply);
    break;
  case COMMAND_HARDER:
  case COMMAND_EASIER:
    if (fold->quiz->sums == 0) {
      rp_fold_say (reply, "They come as they are.");
      rp_fold_ask_quiz (fold, reply);
      break;
    }
    change_level (fold, command == COMMAND_HARDER ? 1 : -1);
    rp_fold_say (reply, command == COMMAND_HARDER ? "A harder one, then." : "An easier one, then.");
    fold->round.asked--;
    ask_next (fold, reply);
    break;
  case COMMAND_SCORE:
    tell_score (fold, reply);
    break;
  case COMMAND_NONE:
    break;
  }
}

gboolean
rp_fold_after_quiz (RpFold *fold, RpBrainReply *reply, const RpWords *words)
{
  static const char *const more[] = {"another round", "one more round", "next round",
                                     "new round",     "play again",     "try again",
                                     "another one",   "go on",          "continue"};
  if (fold->agent->quizzes->len == 0 || words->n > MAX_AFTER_WORDS)
    return FALSE;
  if (find_command (words) == COMMAND_SCORE) {
    if (fold->last_round.asked > 0)
      say_score (fold, reply, fold->agent->quizzes->pdata[fold->again_index],
                 fold->last_round.right, fold->last_round.asked);
    else
      rp_fold_say (reply, "There was no round yet.");
    return TRUE;
  }
  for (guint i = 0; fold->last_round.asked > 0 && i < G_N_ELEMENTS (more); i++)
    if (rp_words_find (words, more[i], NULL) || rp_words_are (words, "again") ||
        rp_words_are (words, "one more") ||
        (words->n <= 2 && rp_words_match_at (words, 0, "another") > 0)) {
      rp_fold_begin_quiz (fold, reply, fold->again_index);
      return TRUE;
    }
  return FALSE;
}

static void
judge (RpFold *fold, RpBrainReply *reply, RpVerdict verdict)
{
  if (verdict == RP_VERDICT_RIGHT) {
    fold->round.right++;
    change_level (fold, fold->round.tries == 0 ? 1 : 0);
    say_in_turn (fold, reply, fold->quiz->right);
    tell_fact (fold, reply);
    go_on (fold, reply);
    return;
  }
  /* Who has not heard the question has not answered it. */
  if (!fold->question_heard) {
    rp_fold_ask_quiz (fold, reply);
    return;
  }
  gboolean is_claim = fold->round.question->kind == RP_QUIZ_CLAIM;
  if (is_claim || ++fold->round.tries < MAX_TRIES)
    say_in_turn (fold, reply, fold->quiz->wrong);
  if (!is_claim && fold->round.tries < MAX_TRIES) {
    rp_fold_ask_quiz (fold, reply);
    return;
  }
  tell_answer (fold, reply);
  change_level (fold, -1);
  go_on (fold, reply);
}

/* "What time is it?", "stop", "goodbye". Returns: FALSE when it was none. */
static gboolean
handle_intent (RpFold *fold, RpBrainReply *reply, const RpWords *words)
{
  RpIntent intent = rp_intent (words);
  /* To a question, a mere "no" is no wish to end. */
  if (intent == RP_INTENT_DONE && words->n == 1 && rp_yes_no (words) == RP_ANSWER_NO)
    return FALSE;
  switch (intent) {
  case RP_INTENT_STOP:
  case RP_INTENT_CANCEL:
  case RP_INTENT_DONE:
    finish (fold, reply, fold->round.asked - 1);
    return TRUE;
  case RP_INTENT_REPEAT:
  case RP_INTENT_THANKS:
  case RP_INTENT_ACKNOWLEDGE:
    rp_fold_ask_quiz (fold, reply);
    return TRUE;
  case RP_INTENT_HELP:
    rp_fold_say (reply, "Just say the answer. Or say: hint, next, repeat, or stop.");
    rp_fold_ask_quiz (fold, reply);
    return TRUE;
  case RP_INTENT_NONE:
  case RP_INTENT_GREETING:
  case RP_INTENT_PRESENCE:
  case RP_INTENT_WAIT:
  case RP_INTENT_GOODBYE:
  case RP_INTENT_TIME:
  case RP_INTENT_DATE:
    break;
  }
  return rp_fold_intent (fold, reply, intent);
}

/* A question in between, or something else to do. Returns: FALSE when it was neither. */
static gboolean
handle_aside (RpFold *fold, RpBrainReply *reply, const RpWords *words)
{
  guint doc = 0, rival = 0;
  double confidence = rp_fold_search (fold, words, NULL, &doc, &rival);
  const RpFlow *flow = rp_fold_doc_flow (fold, doc);
  guint quiz = rp_fold_doc_quiz (fold, doc);
  gboolean switches =
      rp_words_find (words, "instead", NULL) || rp_words_find (words, "switch to", NULL) ||
      rp_words_find (words, "change to", NULL) || rp_words_find (words, "rather", NULL);
  if (confidence < (quiz != G_MAXUINT && switches ? LEAST_SWITCH : LEAST_ASIDE))
    return FALSE;
  if (quiz != G_MAXUINT && quiz == fold->quiz_index)
    return FALSE;
  if (quiz != G_MAXUINT) {
    rp_fold_begin_quiz (fold, reply, quiz);
  } else if (flow != NULL) {
    rp_fold_end_quiz (fold);
    rp_fold_begin_flow (fold, reply, flow, words);
  } else {
    rp_fold_answer (fold, reply, doc);
    rp_fold_ask_quiz (fold, reply);
  }
  return TRUE;
}

static void
not_heard (RpFold *fold, RpBrainReply *reply)
{
  /* By RpQuizKind. */
  static const char *const helps[] = {
      [RP_QUIZ_NUMBER] = "Say the number. Or say hint, or next.",
      [RP_QUIZ_CLAIM] = "Say true, or false.",
      [RP_QUIZ_NAME] = "Say the answer. Or say hint, or next.",
  };
  if (++fold->round.misses > MAX_MISSES)
    rp_fold_say (reply, helps[fold->round.question->kind]);
  else
    rp_fold_phrase (fold, reply, RP_PHRASE_NOT_HEARD);
  rp_fold_ask_quiz (fold, reply);
}

void
rp_fold_in_quiz (RpFold *fold, RpBrainReply *reply, const RpWords *words)
{
  gboolean is_claim = fold->round.question->kind == RP_QUIZ_CLAIM;
  RpVerdict verdict = rp_quiz_judge (fold->round.question, words);
  Command command = find_command (words);
  /* "No idea" says nothing about a claim; "I don't know, fifty?" is a number. */
  if (is_claim && command != COMMAND_NONE)
    verdict = RP_VERDICT_NONE;
  if (verdict == RP_VERDICT_RIGHT || (is_claim && verdict == RP_VERDICT_WRONG)) {
    judge (fold, reply, verdict);
    return;
  }
  if (handle_intent (fold, reply, words))
    return;
  if (command != COMMAND_NONE) {
    obey (fold, reply, command);
    return;
  }
  /* Where anything could be an answer, little is taken for something else. */
  if ((verdict == RP_VERDICT_NONE || words->n >= 2) && handle_aside (fold, reply, words))
    return;
  if (verdict == RP_VERDICT_WRONG) {
    judge (fold, reply, verdict);
    return;
  }
  not_heard (fold, reply);
}
