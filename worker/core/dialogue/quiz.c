#include "quiz.h"

#include "flow.h"
#include "slots.h"
#include "template.h"

#include <string.h>

#define MIN_FUZZY_LENGTH 5

static const char *const sum_names[] = {"add", "subtract", "multiply", "divide"};

RpSumKind
rp_sum_kind_from_name (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (sum_names); i++)
    if (strcmp (sum_names[i], name) == 0)
      return (RpSumKind) (1u << i);
  return (RpSumKind) 0;
}

RpQuizItem *
rp_quiz_item_new (const char *ask)
{
  RpQuizItem *item = g_new0 (RpQuizItem, 1);
  item->ask = g_strdup (ask);
  item->answers = g_ptr_array_new_with_free_func (g_free);
  return item;
}

void
rp_quiz_item_free (RpQuizItem *item)
{
  if (item == NULL)
    return;
  g_free (item->ask);
  g_ptr_array_unref (item->answers);
  g_free (item->hint);
  g_free (item);
}

RpQuiz *
rp_quiz_new (const char *name)
{
  RpQuiz *quiz = g_new0 (RpQuiz, 1);
  quiz->name = g_strdup (name);
  quiz->triggers = g_ptr_array_new_with_free_func (g_free);
  quiz->items = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_quiz_item_free);
  quiz->right = g_ptr_array_new_with_free_func (g_free);
  quiz->wrong = g_ptr_array_new_with_free_func (g_free);
  return quiz;
}

void
rp_quiz_free (RpQuiz *quiz)
{
  if (quiz == NULL)
    return;
  g_free (quiz->name);
  g_free (quiz->summary);
  g_ptr_array_unref (quiz->triggers);
  g_free (quiz->opening);
  g_ptr_array_unref (quiz->items);
  g_ptr_array_unref (quiz->right);
  g_ptr_array_unref (quiz->wrong);
  g_free (quiz->tell);
  g_free (quiz->finish);
  g_free (quiz->again);
  g_free (quiz->tool);
  g_free (quiz);
}

static gboolean G_GNUC_PRINTF (2, 3) fail (GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, RP_FLOW_ERROR, RP_FLOW_ERROR_INVALID, what);
  return FALSE;
}

static gboolean
check_template (const char *where, const char *text, const char *const *names, GError **error)
{
  g_autoptr (GPtrArray) known = g_ptr_array_new ();
  g_autoptr (GError) local = NULL;
  for (guint i = 0; names[i] != NULL; i++)
    g_ptr_array_add (known, (gpointer) names[i]);
  return rp_template_check (text, NULL, known, FALSE, &local) ||
         fail (error, "%s: only {%s}%s%s%s can stand there: %s", where, names[0],
               names[1] != NULL ? " and {" : "", names[1] != NULL ? names[1] : "",
               names[1] != NULL ? "}" : "", local->message);
}

gboolean
rp_quiz_validate (const RpQuiz *quiz, GError **error)
{
  static const char *const told[] = {"answer", NULL}, *const score[] = {"right", "asked", NULL};
  if (!rp_is_identifier (quiz->name))
    return fail (error, "a quiz's name is made of a-z, 0-9 and _");
  if (quiz->triggers->len == 0)
    return fail (error, "triggers: at least one phrase is needed to begin the quiz");
  if (quiz->right->len == 0 || quiz->wrong->len == 0 || quiz->tell == NULL || quiz->finish == NULL)
    return fail (error, "\"right\", \"wrong\", \"tell\" and \"finish\" need a text");
  if ((quiz->items->len > 0) == (quiz->sums != 0))
    return fail (error, "a quiz has either \"items\" or \"sums\"");
  if (quiz->n_questions < 1 || quiz->n_questions > RP_QUIZ_MAX_QUESTIONS || quiz->level < 1 ||
      quiz->level > RP_QUIZ_LEVELS)
    return fail (error, "questions or level: out of range");
  if (quiz->items->len > 0 && quiz->n_questions > quiz->items->len)
    return fail (error, "questions: %u are to be asked, but there are %u items", quiz->n_questions,
                 quiz->items->len);
  for (guint i = 0; i < quiz->items->len; i++) {
    const RpQuizItem *item = quiz->items->pdata[i];
    for (guint k = 0; k < item->answers->len; k++) {
      g_autoptr (RpWords) words = rp_words_split (item->answers->pdata[k]);
      if (words->n == 0)
        return fail (error, "items[%u].answers[%u]: an answer without words", i, k);
    }
    if (*item->ask == '\0' || item->answers->len == 0)
      return fail (error, "items[%u]: \"ask\" and \"answers\" must not be empty", i);
  }
  return check_template ("tell", quiz->tell, told, error) &&
         check_template ("finish", quiz->finish, score, error);
}

/* Numbers that are the same whenever the conversation is read again. */
static guint
draw (const char *seed, const char *name, guint nth, guint what)
{
  g_autofree char *text = g_strdup_printf ("%s|%s|%u|%u", seed, name, nth, what);
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
  hash[8] = '\0';
  return (guint) g_ascii_strtoull (hash, NULL, 16);
}

static guint
within (guint random, guint least, guint most)
{
  return least + random % (most - least + 1);
}

typedef struct {
  guint16 a_min, a_max, b_min, b_max;
} Range;

/* By level, then by operation. Of a division these are the result and the divisor. */
static const Range ranges[RP_QUIZ_LEVELS][G_N_ELEMENTS (sum_names)] = {
    {{2, 9, 2, 9}, {6, 10, 2, 5}, {2, 5, 2, 5}, {2, 5, 2, 5}},
    {{11, 49, 3, 9}, {11, 20, 3, 9}, {2, 9, 2, 6}, {2, 9, 2, 6}},
    {{11, 49, 11, 49}, {21, 60, 6, 19}, {3, 9, 3, 9}, {3, 9, 3, 9}},
    {{25, 99, 25, 99}, {51, 99, 13, 49}, {11, 15, 3, 9}, {6, 12, 6, 12}},
    {{101, 499, 25, 99}, {101, 200, 25, 99}, {12, 19, 6, 12}, {11, 19, 4, 9}},
};

static char *
sum_hint (guint kind, guint a, guint b)
{
  guint tens = b / 10 * 10;
  switch (1u << kind) {
  case RP_SUM_ADD:
    return tens == 0 || tens == b ? g_strdup_printf ("Count on from %u.", MAX (a, b))
                                  : g_strdup_printf ("%u plus %u is %u.", a, tens, a + tens);
  case RP_SUM_SUBTRACT:
    return tens == 0 || tens == b ? g_strdup_printf ("%u plus what makes %u?", b, a)
                                  : g_strdup_printf ("%u minus %u is %u.", a, tens, a - tens);
  case RP_SUM_MULTIPLY:
    return b % 2 == 0 && b > 2
               ? g_strdup_printf ("%u times %u is %u. Double it.", a, b / 2, a * (b / 2))
               : g_strdup_printf ("%u times %u is %u. Add %u.", a, b - 1, a * (b - 1), a);
  default:
    return g_strdup_printf ("How many times does %u go into %u?", b, a * b);
  }
}

static RpQuizQuestion *
make_sum (const RpQuiz *quiz, const char *seed, guint nth, guint level)
{
  static const char *const words[] = {"plus", "minus", "times", "divided by"};
  guint kinds[G_N_ELEMENTS (sum_names)], n = 0;
  for (guint i = 0; i < G_N_ELEMENTS (sum_names); i++)
    if (quiz->sums & 1u << i)
      kinds[n++] = i;
  guint kind = kinds[draw (seed, quiz->name, nth, 0) % n];
  const Range *range = &ranges[CLAMP (level, 1, RP_QUIZ_LEVELS) - 1][kind];
  guint a = within (draw (seed, quiz->name, nth, 1), range->a_min, range->a_max);
  guint b = within (draw (seed, quiz->name, nth, 2), range->b_min, range->b_max);
  const guint results[] = {a + b, a - b, a * b, a};
  RpQuizQuestion *question = g_new0 (RpQuizQuestion, 1);
  question->is_number = TRUE;
  question->number = results[kind];
  question->answer = g_strdup_printf ("%u", results[kind]);
  question->ask = g_strdup_printf ("What is %u %s %u?", 1u << kind == RP_SUM_DIVIDE ? a * b : a,
                                   words[kind], b);
  question->hint = sum_hint (kind, a, b);
  return question;
}

/* The place of the @nth item in an order of its own for each conversation: none comes again before
 * all have come. */
static guint
shuffled (const RpQuiz *quiz, const char *seed, guint nth)
{
  guint n = quiz->items->len;
  g_autofree guint *order = g_new (guint, n);
  for (guint i = 0; i < n; i++)
    order[i] = i;
  for (guint i = n - 1; i > 0; i--) {
    guint k = draw (seed, quiz->name, i, 3) % (i + 1), swap = order[i];
    order[i] = order[k];
    order[k] = swap;
  }
  return order[nth % n];
}

RpQuizQuestion *
rp_quiz_question (const RpQuiz *quiz, const char *seed, guint nth, guint level)
{
  if (quiz->sums != 0)
    return make_sum (quiz, seed, nth, level);
  RpQuizQuestion *question = g_new0 (RpQuizQuestion, 1);
  question->item = quiz->items->pdata[shuffled (quiz, seed, nth)];
  question->ask = g_strdup (question->item->ask);
  question->answer = g_strdup (question->item->answers->pdata[0]);
  question->hint = g_strdup (question->item->hint);
  return question;
}

void
rp_quiz_question_free (RpQuizQuestion *question)
{
  if (question == NULL)
    return;
  g_free (question->ask);
  g_free (question->answer);
  g_free (question->hint);
  g_free (question);
}

/* What recognition makes of a number that is said alone. */
static gboolean
sounds_like_number (const char *norm, double *out_number)
{
  static const char *const sounds[] = {"won",        "to too", "tree free", "for fore", "hive",
                                       "sics sicks", "heaven", "ate",       "nein",     "tan den"};
  for (guint i = 0; i < G_N_ELEMENTS (sounds); i++)
    if (rp_word_in (norm, sounds[i])) {
      *out_number = i + 1;
      return TRUE;
    }
  return FALSE;
}

static RpVerdict
judge_number (double wanted, const RpWords *words)
{
  double number = 0, found = 0;
  gboolean any = FALSE;
  for (guint i = 0; i < words->n;) {
    guint taken = rp_number_at (words, i, &number);
    if (taken > 0) {
      found = number;
      any = TRUE;
    }
    i += MAX (taken, 1);
  }
  if (!any && words->n == 1)
    any = sounds_like_number (words->v[0].norm, &found);
  if (!any)
    return RP_VERDICT_NONE;
  return found == wanted ? RP_VERDICT_RIGHT : RP_VERDICT_WRONG;
}

/* Names are what recognition gets wrong most. */
static gboolean
is_like (const char *said, const char *wanted)
{
  gsize length = strlen (wanted);
  if (strcmp (said, wanted) == 0)
    return TRUE;
  if (length < MIN_FUZZY_LENGTH)
    return FALSE;
  guint limit = length >= 8 ? 2 : 1;
  if (rp_edit_distance (said, wanted, limit) <= limit)
    return TRUE;
  g_autofree char *a = rp_sound_key (said), *b = rp_sound_key (wanted);
  return strlen (b) >= 3 && strcmp (a, b) == 0;
}

static gboolean
has_answer (const RpWords *words, const char *answer)
{
  g_autoptr (RpWords) wanted = rp_words_split (answer);
  for (guint i = 0; i + wanted->n <= words->n; i++) {
    guint k = 0;
    while (k < wanted->n && is_like (words->v[i + k].norm, wanted->v[k].norm))
      k++;
    if (k == wanted->n)
      return TRUE;
  }
  return FALSE;
}

RpVerdict
rp_quiz_judge (const RpQuizQuestion *question, const RpWords *words)
{
  if (question->is_number)
    return judge_number (question->number, words);
  if (words->n == 0)
    return RP_VERDICT_NONE;
  for (guint i = 0; i < question->item->answers->len; i++)
    if (has_answer (words, question->item->answers->pdata[i]))
      return RP_VERDICT_RIGHT;
  return RP_VERDICT_WRONG;
}
