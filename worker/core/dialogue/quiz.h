/* A quiz: a round of questions that the agent asks and judges. Plain descriptions and pure
 * functions; dialogue.h plays them. */
#pragma once

#include "words.h"
#include <glib.h>

G_BEGIN_DECLS

#define RP_QUIZ_MAX_QUESTIONS 50 /* of one round */
#define RP_QUIZ_MAX_ITEMS 500
#define RP_QUIZ_LEVELS 5

typedef enum {
  RP_SUM_ADD = 1 << 0,
  RP_SUM_SUBTRACT = 1 << 1,
  RP_SUM_MULTIPLY = 1 << 2,
  RP_SUM_DIVIDE = 1 << 3,
} RpSumKind;

/* "add", "subtract", "multiply", "divide". Returns: 0 for an unknown name. */
RpSumKind rp_sum_kind_from_name (const char *name);

/* A question with its answers, or a claim that is true or false: recognition gets true and false
 * right far more often than names. */
typedef struct {
  char *ask; /* "What is the capital of Italy?", or the claim */
  GPtrArray
      *answers;     /* of char *, at least one: the first is the one that is told; none: a claim */
  gboolean is_true; /* of a claim */
  char *fact;       /* (nullable) of a claim: how it really is */
  char *hint;       /* (nullable) */
} RpQuizItem;

typedef struct {
  char *name;          /* [a-z_]+ */
  char *summary;       /* (nullable) "practise sums": for "I can …" */
  GPtrArray *triggers; /* of char *: what a user says to begin it, at least one */
  char *opening;       /* (nullable) */
  guint n_questions;   /* of one round: 1-RP_QUIZ_MAX_QUESTIONS */
  guint sums;       /* of RpSumKind: sums are made up, and grow harder as they are solved; or 0 */
  guint level;      /* of the first sum: 1-RP_QUIZ_LEVELS */
  GPtrArray *items; /* of RpQuizItem *: asked in a random order; empty with sums */
  GPtrArray *right; /* of char *: said in turn, at least one */
  GPtrArray *wrong; /* of char *: before the second try, at least one */
  char *tell;       /* template with {answer}: after the last try */
  char *finish;     /* template with {right} and {asked} */
  char *again;      /* (nullable) question for another round */
  char *tool;       /* (nullable) a tool that only notifies, called with every question:
                       quiz, number, of, right, question, finished */
} RpQuiz;

RpQuiz *rp_quiz_new (const char *name);
void rp_quiz_free (RpQuiz *quiz);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpQuiz, rp_quiz_free)
RpQuizItem *rp_quiz_item_new (const char *ask);
void rp_quiz_item_free (RpQuizItem *item);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpQuizItem, rp_quiz_item_free)

/* Returns: FALSE and @error (RP_FLOW_ERROR), which says what is wrong. */
gboolean rp_quiz_validate (const RpQuiz *quiz, GError **error);

typedef enum {
  RP_QUIZ_NUMBER,
  RP_QUIZ_CLAIM,
  RP_QUIZ_NAME,
} RpQuizKind;

typedef struct {
  RpQuizKind kind;
  char *ask;
  char *answer; /* as it is told */
  char *hint;   /* (nullable) */
  guint number;
  const RpQuizItem *item; /* NULL for numbers */
} RpQuizQuestion;

/* The @nth question (0 first) of a conversation, always the same for the same @seed. @level: of
 * sums. Returns: (transfer full) */
RpQuizQuestion *rp_quiz_question (const RpQuiz *quiz, const char *seed, guint nth, guint level);
void rp_quiz_question_free (RpQuizQuestion *question);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpQuizQuestion, rp_quiz_question_free)

typedef enum {
  RP_VERDICT_NONE, /* that was no answer */
  RP_VERDICT_RIGHT,
  RP_VERDICT_WRONG,
} RpVerdict;

/* The last answer in @words counts: people correct themselves. */
RpVerdict rp_quiz_judge (const RpQuizQuestion *question, const RpWords *words);

G_END_DECLS
