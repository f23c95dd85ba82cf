/* Numbers, digits, names, choices, yes and no. */
#include "slots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static gboolean
is (const RpWords *words, guint i, const char *list)
{
  return i < words->n && rp_word_in (words->v[i].norm, list);
}

static void
take (gboolean *used, guint first, guint end)
{
  for (guint i = first; i < end; i++)
    used[i] = TRUE;
}

static int
unit_value (const char *w)
{
  static const char *const units[] = {"zero",    "one",     "two",       "three",    "four",
                                      "five",    "six",     "seven",     "eight",    "nine",
                                      "ten",     "eleven",  "twelve",    "thirteen", "fourteen",
                                      "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (strcmp (w, units[i]) == 0)
      return (int) i;
  return -1;
}

static int
tens_value (const char *w)
{
  static const char *const tens[] = {"twenty", "thirty",  "forty",  "fifty",
                                     "sixty",  "seventy", "eighty", "ninety"};
  for (guint i = 0; i < G_N_ELEMENTS (tens); i++)
    if (strcmp (w, tens[i]) == 0)
      return (int) (i + 2) * 10;
  return -1;
}

/* Below one hundred. */
static guint
small_at (const RpWords *words, guint i, double *out)
{
  if (i >= words->n)
    return 0;
  int value = tens_value (words->v[i].norm);
  if (value > 0) {
    int unit = i + 1 < words->n ? unit_value (words->v[i + 1].norm) : -1;
    *out = value + (unit >= 1 && unit <= 9 ? unit : 0);
    return unit >= 1 && unit <= 9 ? 2 : 1;
  }
  value = unit_value (words->v[i].norm);
  *out = value;
  return value >= 0 ? 1 : 0;
}

static guint
digits_at (const RpWords *words, guint i, double *out)
{
  const char *w = words->v[i].norm;
  if (!g_ascii_isdigit (w[0]))
    return 0;
  char *end = NULL;
  *out = g_ascii_strtod (w, &end);
  return *end == '\0' && isfinite (*out) && *out < 1e15 ? 1 : 0;
}

/* "A hundred and five", which recognition also gives as "the hundred and five". */
static gboolean
hundred_and_at (const RpWords *words, guint i, double *out, guint *out_n)
{
  double rest = 0;
  guint hundred = is (words, i, "a") ? i + 1 : i;
  guint n = is (words, hundred, "hundred") && is (words, hundred + 1, "and")
                ? small_at (words, hundred + 2, &rest)
                : 0;
  if (n == 0)
    return FALSE;
  *out = 100 + rest;
  *out_n = hundred + 2 + n - i;
  return TRUE;
}

guint
rp_number_at (const RpWords *words, guint i, double *out_value)
{
  double value = 0;
  if (i >= words->n)
    return 0;
  guint n = digits_at (words, i, &value);
  if (n == 0 && hundred_and_at (words, i, &value, &n)) {
    *out_value = value;
    return n;
  }
  if (n == 0 && is (words, i, "a") && is (words, i + 1, "couple dozen hundred thousand")) {
    const char *w = words->v[i + 1].norm;
    *out_value = w[0] == 'c' ? 2 : w[0] == 'd' ? 12 : w[0] == 'h' ? 100 : 1000;
    return is (words, i + 2, "of") ? 3 : 2;
  }
  if (n == 0)
    n = small_at (words, i, &value);
  if (n == 0)
    return 0;
  guint at = i + n;
  double total = 0, rest;
  while (is (words, at, "hundred thousand") && value > 0 && total + value < 1e9) {
    double factor = words->v[at].norm[0] == 'h' ? 100 : 1000;
    value *= factor;
    at++;
    guint and = is (words, at, "and") ? 1 : 0;
    n = small_at (words, at + and, &rest);
    if (n == 0)
      break;
    at += and+n;
    if (factor < 1000 || !is (words, at, "hundred")) {
      value += rest;
      continue;
    }
    total += value;
    value = rest;
  }
  value += total;
  if (is (words, at, "point") && value == floor (value)) {
    double scale = 0.1;
    for (at++; small_at (words, at, &rest) == 1 && rest < 10 && scale > 1e-6; at++, scale /= 10)
      value += rest * scale;
  }
  *out_value = value;
  return at - i;
}

static char *
number_value (double value)
{
  if (value == floor (value) && fabs (value) < 1e15)
    return g_strdup_printf ("%" G_GINT64_FORMAT, (gint64) value);
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  return g_strdup (g_ascii_formatd (text, sizeof text, "%.6g", value));
}

/* One of @units from word @i on, one word between them allowed: "six other people".
 * Returns: words up to its end, 0 when there is none. */
static guint
unit_follows (const RpWords *words, guint i, const GPtrArray *units)
{
  for (guint k = 0; k < units->len; k++)
    for (guint gap = 0; gap < 2; gap++) {
      guint n = rp_words_match_at (words, i + gap, g_ptr_array_index (units, k));
      if (n > 0)
        return gap + n;
    }
  return 0;
}

static gboolean
find_number (const RpSlot *slot, const RpWords *words, gboolean *used, gboolean wanted,
             RpSlotMatch *out_match)
{
  gboolean found = FALSE;
  for (guint i = 0; i < words->n; i++) {
    double value = 0;
    guint n = used[i] ? 0 : rp_number_at (words, i, &value);
    if (n == 0)
      continue;
    guint unit = unit_follows (words, i + n, slot->units);
    gboolean party = slot->units->len > 0 && i >= 2 && is (words, i - 1, "of") &&
                     is (words, i - 2, "party group");
    if (unit == 0 && !party && (!wanted || found))
      continue;
    n += unit;
    if (found)
      g_free (out_match->value);
    *out_match = (RpSlotMatch){number_value (value), i, i + n};
    found = TRUE;
    take (used, i, i + n);
    i += n - 1;
  }
  /* Recognisers write a lone "two" and "four" as their homophones. */
  if (!found && wanted && words->n == 1) {
    const char *value = is (words, 0, "to too") ? "2"
                        : is (words, 0, "for")  ? "4"
                        : is (words, 0, "ate")  ? "8"
                        : is (words, 0, "won")  ? "1"
                                                : NULL;
    if (value != NULL) {
      *out_match = (RpSlotMatch){g_strdup (value), 0, 1};
      take (used, 0, 1);
      found = TRUE;
    }
  }
  return found;
}

/* The digits that word @i says, and how often ("double"). Returns: words taken. */
static guint
digit_group_at (const RpWords *words, guint i, GString *out)
{
  guint times = is (words, i, "double") ? 2 : is (words, i, "triple") ? 3 : 1;
  guint at = i + (times > 1 ? 1 : 0);
  if (at >= words->n)
    return 0;
  const char *w = words->v[at].norm;
  g_autofree char *text = NULL;
  guint n = 1;
  double value;
  if (g_ascii_isdigit (w[0])) {
    text = g_strdup (w);
    for (char *p = text; *p != '\0'; p++)
      if (!g_ascii_isdigit (*p)) {
        *p = '\0';
        break;
      }
  } else if (rp_word_in (w, "oh o zero nought")) {
    text = g_strdup ("0");
  } else if (small_at (words, at, &value) > 0) {
    n = small_at (words, at, &value);
    text = number_value (value);
    if (is (words, at + n, "hundred")) {
      char *more = g_strconcat (text, "00", NULL);
      g_free (text);
      text = more;
      n++;
    }
  } else {
    return 0;
  }
  for (guint k = 0; k < times; k++)
    g_string_append (out, text);
  return at + n - i;
}

gboolean
rp_find_digits (const RpWords *words, gboolean *used, gboolean wanted, RpSlotMatch *out_match)
{
  g_autofree char *best = NULL;
  guint best_first = 0, best_end = 0;
  gsize best_length = wanted ? 0 : 3;
  for (guint i = 0; i < words->n; i++) {
    g_autoptr (GString) text = g_string_new (NULL);
    guint at = i, n;
    while (at < words->n && !used[at] && text->len < 30 &&
           ((n = digit_group_at (words, at, text)) > 0 ||
            (text->len > 0 && is (words, at, "um uh and then plus") && (n = 1) > 0)))
      at += n;
    if (text->len > best_length) {
      g_free (best);
      best = g_strdup (text->str);
      best_length = text->len;
      best_first = i;
      best_end = at;
    }
    if (at > i)
      i = at - 1;
  }
  if (best == NULL)
    return FALSE;
  take (used, best_first, best_end);
  *out_match = (RpSlotMatch){g_steal_pointer (&best), best_first, best_end};
  return TRUE;
}

static gboolean
is_letter_word (const RpWords *words, guint i)
{
  return i < words->n && strlen (words->v[i].norm) == 1 && g_ascii_isalpha (words->v[i].norm[0]);
}

/* The letters spelled from word @i on; also "double L" and "B as in boy". Returns: words taken. */
static guint
spelling_at (const RpWords *words, guint i, GString *out)
{
  guint at = i;
  while (at < words->n && out->len < 30) {
    if (is (words, at, "double") && is_letter_word (words, at + 1)) {
      g_string_append_c (out, words->v[at + 1].norm[0]);
      g_string_append_c (out, words->v[at + 1].norm[0]);
      at += 2;
    } else if (is (words, at, "double") && is (words, at + 1, "you u")) {
      g_string_append_c (out, 'w');
      at += 2;
    } else if (is_letter_word (words, at)) {
      g_string_append_c (out, words->v[at].norm[0]);
      at++;
      if (rp_words_match_at (words, at, "as in") > 0 && at + 2 < words->n)
        at += 3;
      else if (is (words, at, "for like") && at + 1 < words->n && !is_letter_word (words, at + 1) &&
               words->v[at + 1].norm[0] == out->str[out->len - 1])
        at += 2;
    } else {
      break;
    }
  }
  return at - i;
}

/* Words that no one is called and that follow or precede a name. */
static gboolean
is_no_name (const char *w)
{
  return rp_is_stop_word (w) ||
         rp_word_in (
             w,
             "name names called surname last first full under spelled spell booking book reserve "
             "cancel room desk today tomorrow tonight morning afternoon evening monday tuesday "
             "wednesday thursday friday saturday sunday hour hours minute minutes pm oclock noon "
             "what when where who why how much many long old far nothing none nobody never mind "
             "right correct wrong sure fine good great perfect actually sorry hmm mm hm what's "
             "people person persons meeting lunch work free calling caller speaking yeah yep nope "
             "looking trying hoping not happy interested here back available cost price open close "
             "minimum question help wait stop repeat change make time date number reference");
}

static char *
title_case (const char *text)
{
  g_autofree char *lower = g_utf8_strdown (text, -1);
  GString *out = g_string_new (NULL);
  gboolean start = TRUE;
  for (const char *p = lower; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    g_string_append_unichar (out, start ? g_unichar_toupper (c) : c);
    start = c == ' ' || c == '-';
  }
  return g_string_free (out, FALSE);
}

/* As a name is written: capitals inside ("McDonald") are kept, "KING" and "king" are not. */
static void
append_name (GString *name, const char *raw)
{
  g_autofree char *clean = g_strdup (raw);
  if (g_str_has_suffix (clean, "'s"))
    clean[strlen (clean) - 2] = '\0';
  gboolean lower = FALSE, inner = FALSE;
  for (const char *p = clean; *p != '\0'; p++) {
    lower = lower || g_ascii_islower (*p);
    inner = inner || (p > clean && g_ascii_isupper (*p));
  }
  g_autofree char *titled = title_case (clean);
  if (name->len > 0)
    g_string_append_c (name, ' ');
  g_string_append (name, lower && inner ? clean : titled);
}

/* Names from word @i on, at most three. @loose: any word that is no function word will do.
 * Returns: words taken. */
static guint
name_words_at (const RpWords *words, const gboolean *used, guint i, gboolean loose, GString *out)
{
  guint n = 0;
  /* A title alone is no name, and nobody's booking is found by it. */
  guint title =
      i + 1 < words->n && is (words, i, "dr doctor mr mister mrs ms miss prof professor") ? 1 : 0;
  i += title;
  while (i + n < words->n && n < 3 && !used[i + n]) {
    const RpWord *w = &words->v[i + n];
    if (is_no_name (w->norm) || g_ascii_isdigit (w->norm[0]) ||
        (is_letter_word (words, i + n) &&
         (is_letter_word (words, i + n + 1) || is (words, i + n + 1, "as for like"))))
      break;
    /* A month's or a number's word is a name only when it is written like one. */
    double value;
    if (!w->capital && (!loose || rp_number_at (words, i + n, &value) > 0))
      break;
    append_name (out, w->raw);
    n++;
    if (w->punct != 0)
      break;
  }
  return n > 0 ? n + title : 0;
}

/* Where a name is announced. The first word after the phrase begins it. */
static guint
name_marker_at (const RpWords *words, guint i, gboolean wanted, gboolean *out_surname,
                gboolean *out_loose)
{
  static const struct {
    const char *phrase;
    gboolean surname, loose, only_wanted;
  } table[] = {
      {"my last name is", TRUE, TRUE, FALSE},  {"last name is", TRUE, TRUE, FALSE},
      {"my surname is", TRUE, TRUE, FALSE},    {"surname is", TRUE, TRUE, FALSE},
      {"my last name", TRUE, TRUE, FALSE},     {"last name", TRUE, TRUE, FALSE},
      {"surname", TRUE, TRUE, FALSE},          {"my first name is", FALSE, TRUE, FALSE},
      {"my full name is", FALSE, TRUE, FALSE}, {"my name is", FALSE, TRUE, FALSE},
      {"my name", FALSE, TRUE, FALSE},         {"the name is", FALSE, TRUE, FALSE},
      {"name is", FALSE, TRUE, FALSE},         {"under the name of", FALSE, TRUE, FALSE},
      {"under the name", FALSE, TRUE, FALSE},  {"in the name of", FALSE, TRUE, FALSE},
      {"the name of", FALSE, TRUE, FALSE},     {"name of", FALSE, TRUE, FALSE},
      {"under", FALSE, FALSE, FALSE},          {"this is", FALSE, FALSE, FALSE},
      {"i am", FALSE, FALSE, FALSE},           {"call me", FALSE, FALSE, FALSE},
      {"it is", FALSE, FALSE, TRUE},           {"for", FALSE, FALSE, FALSE},
  };
  for (guint k = 0; k < G_N_ELEMENTS (table); k++) {
    guint n = !table[k].only_wanted || wanted ? rp_words_match_at (words, i, table[k].phrase) : 0;
    if (n == 0)
      continue;
    *out_surname = table[k].surname;
    *out_loose = table[k].loose;
    return n;
  }
  /* "I'm Anna", "it's Anna" */
  g_autofree char *raw = g_ascii_strdown (words->v[i].raw, -1);
  if (strcmp (raw, "i'm") == 0 || (wanted && rp_word_in (raw, "it's that's")) ||
      (wanted && strcmp (raw, "name's") == 0)) {
    *out_surname = FALSE;
    *out_loose = wanted;
    return 1;
  }
  return 0;
}

/* Joins what was said with what was spelled: the spelling has the last word. */
static char *
compose_name (GString *said, GString *spelled, gboolean surname, const char *so_far)
{
  if (spelled->len >= 2) {
    g_autofree char *letters = title_case (spelled->str);
    char *space = strrchr (said->str, ' ');
    /* The last of several names was spelled, unless it was the first. */
    if (space != NULL && rp_edit_distance (space + 1, letters, 3) > 3 &&
        g_ascii_tolower (said->str[0]) == spelled->str[0]) {
      g_string_assign (said, letters);
    } else {
      g_string_truncate (said, space != NULL ? (gsize) (space - said->str) + 1 : 0);
      g_string_append (said, letters);
    }
  }
  if (said->len == 0)
    return NULL;
  if (surname && so_far != NULL && strchr (so_far, ' ') == NULL && strcmp (so_far, said->str) != 0)
    return g_strconcat (so_far, " ", said->str, NULL);
  return g_strdup (said->str);
}

gboolean
rp_find_name (const RpWords *words, gboolean *used, gboolean wanted, const char *so_far,
              RpSlotMatch *out_match)
{
  g_autoptr (GString) said = g_string_new (NULL);
  g_autoptr (GString) spelled = g_string_new (NULL);
  gboolean surname = FALSE, loose = FALSE;
  guint first = 0, end = 0;
  for (guint i = 0; i < words->n && said->len == 0 && spelled->len < 2; i++) {
    guint n = used[i] ? 0 : name_marker_at (words, i, wanted, &surname, &loose);
    if (n == 0)
      continue;
    g_string_truncate (spelled, 0);
    /* "it's Anna" when asked: whatever follows is meant as the name */
    guint names = name_words_at (words, used, i + n, loose || (wanted && words->n <= 6), said);
    guint letters = spelling_at (words, i + n + names, spelled);
    if (names == 0 && spelled->len < 2)
      continue;
    first = i;
    end = i + n + names + letters;
  }
  if (end == 0 && wanted && !words->question) {
    /* A bare answer: "Anna", "uh, Anna King", "K I N G". */
    guint i = 0;
    while (i < words->n && (used[i] || is (words, i,
                                           "um uh er yes yeah sure okay ok oh well it its "
                                           "so please hi hello no")))
      i++;
    g_string_truncate (spelled, 0);
    guint names = words->n - i <= 8 ? name_words_at (words, used, i, TRUE, said) : 0;
    guint letters = spelling_at (words, i + names, spelled);
    gboolean rest = i + names + letters < words->n &&
                    !is (words, i + names + letters, "please thanks thank and that is") &&
                    names > 0 && words->v[i + names - 1].punct == 0 && letters == 0;
    if ((names > 0 && !rest) || spelled->len >= 2) {
      first = i;
      end = i + names + letters;
    } else {
      g_string_truncate (said, 0);
    }
  }
  char *value = end > 0 ? compose_name (said, spelled, surname, so_far) : NULL;
  if (value == NULL)
    return FALSE;
  take (used, first, MIN (end, words->n));
  *out_match = (RpSlotMatch){value, first, MIN (end, words->n)};
  return TRUE;
}

guint
rp_single_key (const RpWords *words)
{
  const char *raw = words->n == 1 ? words->v[0].raw : "";
  return g_ascii_isdigit (*raw) && raw[1] == '\0' ? (guint) g_ascii_digit_value (*raw) : 0;
}

RpAnswer
rp_yes_no (const RpWords *words)
{
  static const char *const no[] = {"no",    "nope",       "nah",      "not",   "dont",
                                   "wrong", "incorrect",  "negative", "never", "cancel",
                                   "isnt",  "not really", "wait"};
  static const char *const yes[] = {
      "yes",       "yeah",    "yep",         "yup",         "sure",      "correct",    "right",
      "ok",        "okay",    "fine",        "go ahead",    "please do", "absolutely", "definitely",
      "exactly",   "perfect", "sounds good", "of course",   "indeed",    "alright",    "all right",
      "do it",     "i would", "i do",        "thats it",    "great",     "good",       "lovely",
      "certainly", "yea",     "ya",          "go for it",   "why not",   "confirm",    "mm hmm",
      "uh huh",    "mhm",     "confirmed",   "affirmative", "kay",       "lets do",    "please"};
  static const char *const yes_in_spite[] = {"no problem", "not a problem", "why not",
                                             "dont worry", "no worries",    "cant wait"};
  for (guint k = 0; k < G_N_ELEMENTS (yes_in_spite); k++)
    if (rp_words_find (words, yes_in_spite[k], NULL))
      return RP_ANSWER_YES;
  guint first_no = G_MAXUINT, first_yes = G_MAXUINT, at;
  guint key = rp_single_key (words);
  if (key == 1 || key == 2)
    return key == 1 ? RP_ANSWER_YES : RP_ANSWER_NO;
  for (guint k = 0; k < G_N_ELEMENTS (no); k++)
    if (rp_words_find (words, no[k], &at))
      first_no = MIN (first_no, at);
  for (guint k = 0; k < G_N_ELEMENTS (yes); k++)
    if (rp_words_find (words, yes[k], &at))
      first_yes = MIN (first_yes, at);
  if (first_no == G_MAXUINT && first_yes == G_MAXUINT)
    return RP_ANSWER_NEITHER;
  /* "that's not right", "no, that's fine": a no anywhere but after a leading yes is a no. */
  if (first_no < G_MAXUINT && first_yes > 0)
    return RP_ANSWER_NO;
  return first_yes < first_no ? RP_ANSWER_YES : RP_ANSWER_NO;
}

static gboolean
find_choice (const RpSlot *slot, const RpWords *words, gboolean *used, gboolean wanted,
             RpSlotMatch *out_match)
{
  static const char *const places[] = {"first", "second", "third", "fourth"};
  for (guint k = 0; k < slot->choices->len; k++) {
    const RpChoice *choice = g_ptr_array_index (slot->choices, k);
    for (guint j = 0; j <= choice->words->len; j++) {
      const char *word = j == 0 ? choice->value : g_ptr_array_index (choice->words, j - 1);
      g_autoptr (RpWords) phrase = rp_words_split (word);
      for (guint i = 0; phrase->n > 0 && i + phrase->n <= words->n; i++) {
        guint n = 0;
        while (n < phrase->n) {
          gsize length = strlen (phrase->v[n].norm);
          guint limit = length >= 8 ? 2 : length >= 5 ? 1 : 0;
          if (used[i + n] ||
              rp_edit_distance (words->v[i + n].norm, phrase->v[n].norm, limit) > limit)
            break;
          n++;
        }
        if (n < phrase->n)
          continue;
        *out_match = (RpSlotMatch){g_strdup (choice->value), i, i + n};
        take (used, i, i + n);
        return TRUE;
      }
    }
  }
  guint key = wanted ? rp_single_key (words) : 0;
  if (key >= 1 && key <= slot->choices->len && !used[0]) {
    const RpChoice *choice = g_ptr_array_index (slot->choices, key - 1);
    *out_match = (RpSlotMatch){g_strdup (choice->value), 0, 1};
    take (used, 0, 1);
    return TRUE;
  }
  for (guint k = 0; wanted && k < MIN (slot->choices->len, G_N_ELEMENTS (places)); k++) {
    guint at;
    if (rp_words_find (words, places[k], &at) && !used[at]) {
      const RpChoice *choice = g_ptr_array_index (slot->choices, k);
      *out_match = (RpSlotMatch){g_strdup (choice->value), at, at + 1};
      take (used, at, at + 1);
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
find_text (const RpWords *words, gboolean *used, RpSlotMatch *out_match)
{
  static const char *const lead_ins[] = {"can you tell them that",
                                         "please tell them that",
                                         "tell them that",
                                         "please tell them",
                                         "tell them",
                                         "just say that",
                                         "just tell them",
                                         "say that",
                                         "yes please",
                                         "yes",
                                         "um",
                                         "uh",
                                         "please say",
                                         "the message is",
                                         "my message is",
                                         "okay",
                                         "well",
                                         "sure"};
  guint first = 0;
  for (gboolean again = TRUE; again;) {
    again = FALSE;
    for (guint k = 0; k < G_N_ELEMENTS (lead_ins); k++) {
      guint n = rp_words_match_at (words, first, lead_ins[k]);
      if (n > 0 && first + n < words->n) {
        first += n;
        again = TRUE;
      }
    }
  }
  if (first >= words->n)
    return FALSE;
  char *text = rp_words_join_raw (words, first, words->n);
  take (used, first, words->n);
  *out_match = (RpSlotMatch){text, first, words->n};
  return TRUE;
}

gboolean
rp_slot_find (const RpSlot *slot, const RpWords *words, gboolean *used, const RpSlotMoment *moment,
              gboolean wanted, RpSlotMatch *out_match)
{
  switch (slot->type) {
  case RP_SLOT_DATE:
    return rp_find_date (words, used, moment, wanted, out_match);
  case RP_SLOT_TIME:
    return rp_find_time (words, used, moment, slot->earliest_min, slot->latest_min, wanted,
                         out_match);
  case RP_SLOT_DURATION:
    return rp_find_duration (words, used, wanted, out_match);
  case RP_SLOT_NUMBER:
    return find_number (slot, words, used, wanted, out_match);
  case RP_SLOT_DIGITS:
    return rp_find_digits (words, used, wanted, out_match);
  case RP_SLOT_NAME:
    return rp_find_name (words, used, wanted, NULL, out_match);
  case RP_SLOT_CHOICE:
    return find_choice (slot, words, used, wanted, out_match);
  case RP_SLOT_YES_NO: {
    RpAnswer answer = wanted ? rp_yes_no (words) : RP_ANSWER_NEITHER;
    if (answer == RP_ANSWER_NEITHER)
      return FALSE;
    *out_match = (RpSlotMatch){g_strdup (answer == RP_ANSWER_YES ? "yes" : "no"), 0, words->n};
    take (used, 0, words->n);
    return TRUE;
  }
  case RP_SLOT_TEXT:
    return wanted && find_text (words, used, out_match);
  }
  return FALSE;
}
