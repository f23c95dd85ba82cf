#include "quiz.h"

#include "flow.h"
#include "slots.h"
#include "template.h"

#include <string.h>

/* Two texts are the same word, heard wrongly, from here on; set on synthetic speech through the
 * default recogniser. */
#define LEAST_LIKENESS 0.7
#define MIN_LETTERS 4
#define MIN_SOUNDS 3
/* Recognition makes so many words more of one, and short ones of a number. */
#define MAX_PARTS 3
/* A longer sentence about a claim is something else. */
#define MAX_CLAIM_WORDS 8
#define MAX_NUMBER 1000000

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
  g_free (item->fact);
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
    if (*item->ask == '\0')
      return fail (error, "items[%u]: there is nothing to ask", i);
  }
  return check_template ("tell", quiz->tell, told, error) &&
         check_template ("finish", quiz->finish, score, error);
}

/* Where the numbers of a conversation begin: the same whenever it is read again. */
static guint64
seed_of (const char *conversation, const char *quiz)
{
  g_autofree char *text = g_strdup_printf ("%s|%s", conversation, quiz);
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
  hash[16] = '\0';
  return g_ascii_strtoull (hash, NULL, 16);
}

/* SplitMix64 (Steele, Lea and Flood 2014): any number of it without those before. */
static guint
draw (guint64 seed, guint nth)
{
  guint64 z = seed + (nth + 1) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return (guint) ((z ^ (z >> 31)) >> 32);
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
make_sum (const RpQuiz *quiz, guint64 seed, guint nth, guint level)
{
  static const char *const words[] = {"plus", "minus", "times", "divided by"};
  guint kinds[G_N_ELEMENTS (sum_names)], n = 0;
  for (guint i = 0; i < G_N_ELEMENTS (sum_names); i++)
    if (quiz->sums & 1u << i)
      kinds[n++] = i;
  guint kind = kinds[draw (seed, 3 * nth) % n];
  const Range *range = &ranges[CLAMP (level, 1, RP_QUIZ_LEVELS) - 1][kind];
  guint a = within (draw (seed, 3 * nth + 1), range->a_min, range->a_max);
  guint b = within (draw (seed, 3 * nth + 2), range->b_min, range->b_max);
  const guint results[] = {a + b, a - b, a * b, a};
  RpQuizQuestion *question = g_new0 (RpQuizQuestion, 1);
  question->kind = RP_QUIZ_NUMBER;
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
shuffled (const RpQuiz *quiz, guint64 seed, guint nth)
{
  guint n = quiz->items->len;
  g_autofree guint *order = g_new (guint, n);
  for (guint i = 0; i < n; i++)
    order[i] = i;
  for (guint i = n - 1; i > 0; i--) {
    guint k = draw (seed, i) % (i + 1), swap = order[i];
    order[i] = order[k];
    order[k] = swap;
  }
  return order[nth % n];
}

RpQuizQuestion *
rp_quiz_question (const RpQuiz *quiz, const char *seed, guint nth, guint level)
{
  guint64 first = seed_of (seed, quiz->name);
  if (quiz->sums != 0)
    return make_sum (quiz, first, nth, level);
  RpQuizQuestion *question = g_new0 (RpQuizQuestion, 1);
  const RpQuizItem *item = quiz->items->pdata[shuffled (quiz, first, nth)];
  question->item = item;
  question->hint = g_strdup (item->hint);
  if (item->answers->len > 0) {
    question->kind = RP_QUIZ_NAME;
    question->ask = g_strdup (item->ask);
    question->answer = g_strdup (item->answers->pdata[0]);
  } else {
    question->kind = RP_QUIZ_CLAIM;
    question->ask = g_strdup_printf ("True or false? %s", item->ask);
    question->answer = g_strdup (item->is_true ? "true" : "false");
  }
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

/* How alike two texts are, 0-1: by their letters or by their sound, whichever is more. */
static double
likeness (const char *a, const char *b)
{
  g_autofree char *sound_a = rp_sound_key (a), *sound_b = rp_sound_key (b);
  const char *const pairs[][2] = {{a, b}, {sound_a, sound_b}};
  double best = 0;
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
    gsize length = MAX (strlen (pairs[i][0]), strlen (pairs[i][1]));
    /* A sound or two is in many words. */
    if (strlen (pairs[i][1]) < (i == 0 ? MIN_LETTERS : MIN_SOUNDS))
      continue;
    double distance = rp_edit_distance (pairs[i][0], pairs[i][1], (guint) length);
    best = MAX (best, 1 - distance / (double) length);
  }
  return best;
}

/* Names are what recognition gets wrong most, and it parts them: "coop and fade in". */
static gboolean
sounds_like (const RpWords *words, const char *answer)
{
  g_autoptr (RpWords) wanted = rp_words_split (answer);
  g_autoptr (GString) joined = g_string_new (NULL);
  for (guint i = 0; i < wanted->n; i++)
    g_string_append (joined, wanted->v[i].norm);
  for (guint first = 0; first < words->n; first++) {
    g_autoptr (GString) said = g_string_new (NULL);
    for (guint end = first; end < MIN (words->n, first + wanted->n + MAX_PARTS); end++) {
      g_string_append (said, words->v[end].norm);
      if (said->len <= RP_WORD_MAX_BYTES && likeness (said->str, joined->str) >= LEAST_LIKENESS)
        return TRUE;
    }
  }
  return FALSE;
}

static char *
spell (guint number)
{
  static const char *const small[] = {"zero",    "one",     "two",       "three",    "four",
                                      "five",    "six",     "seven",     "eight",    "nine",
                                      "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                      "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
  static const char *const tens[] = {"twenty", "thirty",  "forty",  "fifty",
                                     "sixty",  "seventy", "eighty", "ninety"};
  if (number < 20)
    return g_strdup (small[number]);
  if (number < 100)
    return g_strconcat (tens[number / 10 - 2], number % 10 > 0 ? " " : "",
                        number % 10 > 0 ? small[number % 10] : "", NULL);
  g_autofree char *rest = number % 100 > 0 ? spell (number % 100) : NULL;
  return g_strconcat (small[number / 100 % 10], " hundred", rest != NULL ? " and " : "", rest,
                      NULL);
}

/* "fifteen" and "fifty" are told apart by nobody. */
static gboolean
is_teen_of (guint a, guint b)
{
  return a >= 13 && a <= 19 && b == (a - 10) * 10;
}

static RpVerdict
judge_number (guint wanted, const RpWords *words)
{
  double number = 0, found = -1;
  for (guint i = 0; i < words->n;) {
    guint taken = rp_number_at (words, i, &number);
    if (taken > 0)
      found = number;
    i += MAX (taken, 1);
  }
  if (found == wanted)
    return RP_VERDICT_RIGHT;
  if (found >= 0 && found <= MAX_NUMBER)
    return is_teen_of (wanted, (guint) found) || is_teen_of ((guint) found, wanted)
               ? RP_VERDICT_NONE
               : RP_VERDICT_WRONG;
  g_autofree char *spelled = spell (wanted);
  return words->n <= MAX_PARTS && sounds_like (words, spelled) ? RP_VERDICT_RIGHT : RP_VERDICT_NONE;
}

static RpVerdict
judge_claim (gboolean is_true, const RpWords *words)
{
  /* With what recognition makes of them when they are said alone. */
  static const char yes[] =
      "true yes yeah yep right correct sure truth three through tree threw chew";
  static const char no[] = "false no nope wrong incorrect untrue fault faults falls fall force";
  /* Weaker than these: "of course not" is a no. */
  static const char *const likely[] = {"of course", "definitely", "certainly", "absolutely",
                                       "think so"};
  gboolean found = FALSE, said = FALSE;
  guint key = rp_single_key (words);
  for (guint i = 0; i < G_N_ELEMENTS (likely) && !found; i++)
    found = said = rp_words_find (words, likely[i], NULL);
  for (guint i = 0; i < words->n; i++)
    said = said && !rp_word_in (words->v[i].norm, "not dont never");
  for (guint i = 0; i < words->n; i++) {
    gboolean is_yes = rp_word_in (words->v[i].norm, yes);
    if (!is_yes && !rp_word_in (words->v[i].norm, no))
      continue;
    gboolean negated = i > 0 && rp_word_in (words->v[i - 1].norm, "not isnt never");
    found = TRUE;
    said = is_yes != negated;
  }
  if (key == 1 || key == 2) {
    found = TRUE;
    said = key == 1;
  }
  /* "I'm not sure", "are you sure?" */
  gboolean doubts =
      rp_words_find (words, "not sure", NULL) || rp_words_find (words, "you sure", NULL);
  if (!found || doubts || words->n > MAX_CLAIM_WORDS)
    return RP_VERDICT_NONE;
  return said == is_true ? RP_VERDICT_RIGHT : RP_VERDICT_WRONG;
}

RpVerdict
rp_quiz_judge (const RpQuizQuestion *question, const RpWords *words)
{
  if (question->kind == RP_QUIZ_NUMBER)
    return judge_number (question->number, words);
  if (question->kind == RP_QUIZ_CLAIM)
    return judge_claim (question->item->is_true, words);
  for (guint i = 0; i < question->item->answers->len; i++)
    if (rp_words_find (words, question->item->answers->pdata[i], NULL) ||
        sounds_like (words, question->item->answers->pdata[i]))
      return RP_VERDICT_RIGHT;
  return words->n > 0 ? RP_VERDICT_WRONG : RP_VERDICT_NONE;
}
