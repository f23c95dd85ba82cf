#include "words.h"

#include <string.h>

/* A growing array with the words so far. */
typedef struct {
  GArray *v;
} Builder;

static gboolean
is_ordinal_suffix (const char *s)
{
  return rp_word_in (s, "st nd rd th");
}

static void
add_word (Builder *b, const char *raw, gsize length)
{
  if (length == 0 || b->v->len >= RP_WORDS_MAX)
    return;
  if (length > RP_WORD_MAX_BYTES) {
    length = RP_WORD_MAX_BYTES;
    while (length > 0 && ((guchar) raw[length] & 0xc0) == 0x80)
      length--;
  }
  RpWord word = {.raw = g_strndup (raw, length)};
  g_autofree char *ascii = g_str_to_ascii (word.raw, "C");
  GString *norm = g_string_new (NULL);
  for (const char *p = ascii; *p != '\0'; p++)
    if (g_ascii_isalnum (*p) || *p == '\'' || *p == ':' || *p == '.')
      g_string_append_c (norm, g_ascii_tolower (*p));
  /* Clitics: the verb they stand for says nothing that the other words do not. */
  static const char *const clitics[] = {"'s", "'d", "'ll", "'re", "'ve", "'m"};
  for (guint i = 0; i < G_N_ELEMENTS (clitics); i++)
    if (g_str_has_suffix (norm->str, clitics[i]) && norm->len > strlen (clitics[i]))
      g_string_truncate (norm, norm->len - strlen (clitics[i]));
  g_string_replace (norm, "'", "", 0);
  if (norm->len == 0) {
    /* A script without a transliteration: compared as it is. */
    g_autofree char *lower = g_utf8_strdown (word.raw, -1);
    g_string_assign (norm, lower);
  }
  word.capital = g_unichar_isupper (g_utf8_get_char (word.raw));
  word.norm = g_string_free (norm, FALSE);
  g_array_append_val (b->v, word);
}

/* Digits with what may stand between them: "2:30", "2.30", "1,200". A following ordinal suffix
 * belongs to it; other letters are a word of their own ("2pm"). */
static const char *
take_number (Builder *b, const char *p)
{
  const char *start = p;
  GString *text = g_string_new (NULL);
  while (g_ascii_isdigit (*p) ||
         ((*p == ':' || *p == '.' || *p == ',') && g_ascii_isdigit (p[1]))) {
    /* A comma only groups thousands: "5,6" is a list. */
    if (*p == ',' && !(g_ascii_isdigit (p[2]) && g_ascii_isdigit (p[3]) && !g_ascii_isdigit (p[4])))
      break;
    if (*p != ',')
      g_string_append_c (text, *p);
    p++;
    if (p - start > RP_WORD_MAX_BYTES)
      break;
  }
  char suffix[3] = {0};
  if (g_ascii_isalpha (p[0]) && g_ascii_isalpha (p[1]) && !g_ascii_isalnum (p[2])) {
    suffix[0] = g_ascii_tolower (p[0]);
    suffix[1] = g_ascii_tolower (p[1]);
  }
  if (suffix[0] != '\0' && is_ordinal_suffix (suffix)) {
    g_string_append (text, suffix);
    p += 2;
  }
  /* "2.30 p.m.": a time, as some recognisers write it. */
  const char *after = p;
  while (*after == ' ')
    after++;
  gboolean meridiem = (g_ascii_tolower (after[0]) == 'p' || g_ascii_tolower (after[0]) == 'a') &&
                      (g_ascii_tolower (after[1]) == 'm' || after[1] == '.');
  char *dot = strchr (text->str, '.');
  if (dot != NULL && meridiem && strlen (dot) == 3 && strchr (dot + 1, '.') == NULL)
    *dot = ':';
  add_word (b, text->str, text->len);
  g_string_free (text, TRUE);
  return p;
}

/* "p.m." is one word, "K.I.N.G." are four. Returns: NULL when it is neither. */
static const char *
take_dotted (Builder *b, const char *p)
{
  if (!(g_ascii_isalpha (p[0]) && p[1] == '.' && g_ascii_isalpha (p[2]) &&
        (p[3] == '.' || !g_ascii_isalpha (p[3]))))
    return NULL;
  char first = g_ascii_tolower (p[0]);
  if ((first == 'a' || first == 'p') && g_ascii_tolower (p[2]) == 'm') {
    add_word (b, first == 'a' ? "am" : "pm", 2);
    return p + (p[3] == '.' ? 4 : 3);
  }
  while (g_ascii_isalpha (p[0]) && (p[1] == '.' || !g_ascii_isalpha (p[1]))) {
    add_word (b, p, 1);
    p += p[1] == '.' ? 2 : 1;
    if (!g_ascii_isalpha (*p))
      break;
  }
  return p;
}

static const char *
take_letters (Builder *b, const char *p)
{
  const char *start = p;
  while (*p != '\0') {
    gunichar c = g_utf8_get_char (p);
    gboolean apostrophe = c == '\'' && p > start && g_unichar_isalpha (g_utf8_get_char (p + 1));
    if (!g_unichar_isalpha (c) && !g_unichar_ismark (c) && !apostrophe)
      break;
    p = g_utf8_next_char (p);
  }
  add_word (b, start, (gsize) (p - start));
  return p;
}

static gboolean
is_letter_at (const GArray *v, guint i)
{
  return i < v->len && strlen (g_array_index (v, RpWord, i).norm) == 1 &&
         g_ascii_isalpha (g_array_index (v, RpWord, i).norm[0]);
}

/* Words that are written in two but are one. */
static void
join_pairs (GArray *v)
{
  static const char *const pairs[][3] = {
      {"to", "day", "today"},         {"to", "morrow", "tomorrow"}, {"to", "night", "tonight"},
      {"wi", "fi", "wifi"},           {"e", "mail", "email"},       {"good", "bye", "goodbye"},
      {"o", "clock", "oclock"},       {"mid", "day", "midday"},     {"p", "m", "pm"},
      {"after", "noon", "afternoon"}, {"good", "by", "goodbye"},    {"a", "m", "am"},
      {"bye", "by", "bye"},
  };
  for (guint i = 0; i + 1 < v->len; i++) {
    RpWord *a = &g_array_index (v, RpWord, i);
    RpWord *c = &g_array_index (v, RpWord, i + 1);
    for (guint k = 0; k < G_N_ELEMENTS (pairs); k++) {
      if (strcmp (a->norm, pairs[k][0]) != 0 || strcmp (c->norm, pairs[k][1]) != 0)
        continue;
      /* "S A M" spells a name. */
      if (*pairs[k][1] == 'm' && pairs[k][1][1] == '\0' &&
          ((i > 0 && is_letter_at (v, i - 1)) || is_letter_at (v, i + 2)))
        continue;
      g_free (a->norm);
      a->norm = g_strdup (pairs[k][2]);
      g_free (a->raw);
      a->raw = g_strdup (pairs[k][2]);
      a->punct = c->punct;
      g_free (c->raw);
      g_free (c->norm);
      g_array_remove_index (v, i + 1);
      break;
    }
  }
}

static void
note_punctuation (Builder *b, gunichar c)
{
  if (b->v->len == 0)
    return;
  RpWord *last = &g_array_index (b->v, RpWord, b->v->len - 1);
  if (c == ';' || c == ':')
    c = ',';
  if (c == 0x2026)
    c = '.';
  if ((c == ',' || c == '.' || c == '?' || c == '!') && (last->punct == 0 || c == '?'))
    last->punct = (char) c;
}

RpWords *
rp_words_split (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  GString *clean = g_string_new (valid);
  g_string_replace (clean, "\xe2\x80\x99", "'", 0); /* U+2019 */
  g_string_replace (clean, "\xe2\x80\x98", "'", 0);

  Builder b = {g_array_new (FALSE, TRUE, sizeof (RpWord))};
  const char *p = clean->str;
  while (*p != '\0' && b.v->len < RP_WORDS_MAX) {
    gunichar c = g_utf8_get_char (p);
    const char *next;
    if (g_ascii_isdigit (*p)) {
      p = take_number (&b, p);
    } else if ((next = take_dotted (&b, p)) != NULL) {
      p = next;
    } else if (g_unichar_isalpha (c)) {
      p = take_letters (&b, p);
    } else {
      note_punctuation (&b, c);
      p = g_utf8_next_char (p);
    }
  }
  /* Trailing punctuation after the last word that was taken. */
  for (; *p != '\0'; p = g_utf8_next_char (p))
    if (!g_unichar_isalnum (g_utf8_get_char (p)))
      note_punctuation (&b, g_utf8_get_char (p));
  g_string_free (clean, TRUE);
  join_pairs (b.v);

  RpWords *words = g_new0 (RpWords, 1);
  words->n = b.v->len;
  words->v = (RpWord *) (gpointer) g_array_free (b.v, FALSE);
  for (guint i = 1; i < words->n; i++)
    if (words->v[i].capital && strcmp (words->v[i].norm, "i") != 0)
      words->cased = TRUE;
  words->question = words->n > 0 && words->v[words->n - 1].punct == '?';
  return words;
}

void
rp_words_free (RpWords *words)
{
  if (words == NULL)
    return;
  for (guint i = 0; i < words->n; i++) {
    g_free (words->v[i].raw);
    g_free (words->v[i].norm);
  }
  g_free (words->v);
  g_free (words);
}

gboolean
rp_word_in (const char *word, const char *list)
{
  gsize length = strlen (word);
  if (length == 0)
    return FALSE;
  for (const char *p = list; p != NULL && *p != '\0';) {
    const char *space = strchr (p, ' ');
    gsize n = space != NULL ? (gsize) (space - p) : strlen (p);
    if (n == length && memcmp (p, word, n) == 0)
      return TRUE;
    p = space != NULL ? space + 1 : NULL;
  }
  return FALSE;
}

guint
rp_words_match_at (const RpWords *words, guint first, const char *phrase)
{
  guint n = 0;
  for (const char *p = phrase; p != NULL && *p != '\0'; n++) {
    const char *space = strchr (p, ' ');
    gsize length = space != NULL ? (gsize) (space - p) : strlen (p);
    if (first + n >= words->n)
      return 0;
    const char *norm = words->v[first + n].norm;
    if (strlen (norm) != length || memcmp (norm, p, length) != 0)
      return 0;
    p = space != NULL ? space + 1 : NULL;
  }
  return n;
}

gboolean
rp_words_find (const RpWords *words, const char *phrase, guint *out_first)
{
  for (guint i = 0; i < words->n; i++)
    if (rp_words_match_at (words, i, phrase) > 0) {
      if (out_first != NULL)
        *out_first = i;
      return TRUE;
    }
  return FALSE;
}

gboolean
rp_words_are (const RpWords *words, const char *phrase)
{
  guint n = rp_words_match_at (words, 0, phrase);
  return n > 0 && n == words->n;
}

char *
rp_words_join_raw (const RpWords *words, guint first, guint end)
{
  GString *text = g_string_new (NULL);
  for (guint i = first; i < end && i < words->n; i++) {
    if (i > first)
      g_string_append_c (text, ' ');
    g_string_append (text, words->v[i].raw);
    if (words->v[i].punct != 0 && i + 1 < end && i + 1 < words->n)
      g_string_append_c (text, words->v[i].punct);
  }
  return g_string_free (text, FALSE);
}

static gboolean
has_vowel (const char *s, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (strchr ("aeiouy", s[i]) != NULL)
      return TRUE;
  return FALSE;
}

/* Takes @suffix off when at least @least characters with a vowel remain. */
static gboolean
strip (GString *s, const char *suffix, gsize least)
{
  gsize n = strlen (suffix);
  if (s->len < n + least || !g_str_has_suffix (s->str, suffix) || !has_vowel (s->str, s->len - n))
    return FALSE;
  g_string_truncate (s, s->len - n);
  return TRUE;
}

static void
undouble (GString *s)
{
  if (s->len >= 4 && s->str[s->len - 1] == s->str[s->len - 2] &&
      strchr ("lsz", s->str[s->len - 1]) == NULL)
    g_string_truncate (s, s->len - 1);
  else if (s->len >= 6 && g_str_has_suffix (s->str, "ll"))
    g_string_truncate (s, s->len - 1);
}

char *
rp_stem (const char *norm)
{
  GString *s = g_string_new (norm);
  for (const char *p = norm; *p != '\0'; p++)
    if (!g_ascii_islower (*p))
      return g_string_free (s, FALSE);
  if (s->len > 3 && !strip (s, "sses", 1)) {
    if (g_str_has_suffix (s->str, "ies") && s->len > 4)
      g_string_overwrite (s, s->len - 3, "y"), g_string_truncate (s, s->len - 2);
    else if (s->str[s->len - 1] == 's' && strchr ("us", s->str[s->len - 2]) == NULL)
      g_string_truncate (s, s->len - 1);
  }
  gboolean verbal = strip (s, "ing", 3) || strip (s, "ed", 3);
  if (!verbal) {
    static const char *const suffixes[] = {"ibility", "ability", "ible", "able", "ation",
                                           "ment",    "ness",    "ly",   "ate"};
    for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
      if (strip (s, suffixes[i], 3))
        break;
  } else if (s->len > 4 && g_str_has_suffix (s->str, "at")) {
    g_string_truncate (s, s->len - 2);
  }
  undouble (s);
  if (s->len > 3 && s->str[s->len - 1] == 'e')
    g_string_truncate (s, s->len - 1);
  if (s->len > 2 && s->str[s->len - 1] == 'y')
    s->str[s->len - 1] = 'i';
  return g_string_free (s, FALSE);
}

/* The class of a consonant, 0 for what is not heard. */
static char
sound_class (const char *s, gsize i)
{
  char c = s[i], next = s[i + 1];
  switch (c) {
  case 'b':
  case 'p':
    return c == 'p' && next == 'h' ? 'f' : 'p';
  case 'f':
  case 'v':
    return 'f';
  case 'c':
    if (next == 'h')
      return 'x';
    return strchr ("eiy", next) != NULL && next != '\0' ? 's' : 'k';
  case 'g':
    if (next == 'h')
      return 0;
    return 'k';
  case 'k':
  case 'q':
    return c == 'k' && next == 'n' && i == 0 ? 0 : 'k';
  case 'x':
  case 's':
  case 'z':
    return c == 's' && next == 'h' ? 'x' : 's';
  case 'd':
  case 't':
    return 't';
  case 'm':
  case 'n':
    return 'n';
  case 'l':
  case 'r':
  case 'j':
    return c;
  case 'w':
    return i == 0 && next != 'r' ? 'w' : 0;
  default:
    return 0;
  }
}

char *
rp_sound_key (const char *norm)
{
  GString *key = g_string_new (NULL);
  char last = 0;
  for (gsize i = 0; norm[i] != '\0'; i++) {
    char c = sound_class (norm, i);
    if (c == 0 && i == 0 && strchr ("aeiouy", norm[0]) != NULL)
      c = 'a';
    if (c != 0 && c != last)
      g_string_append_c (key, c);
    /* Doubled letters count once; a vowel between two parts them. */
    last = c;
  }
  return g_string_free (key, FALSE);
}

guint
rp_edit_distance (const char *a, const char *b, guint limit)
{
  gsize la = strlen (a), lb = strlen (b);
  if (la > RP_WORD_MAX_BYTES || lb > RP_WORD_MAX_BYTES)
    return strcmp (a, b) == 0 ? 0 : limit + 1;
  if ((la > lb ? la - lb : lb - la) > limit)
    return limit + 1;
  guint rows[3][RP_WORD_MAX_BYTES + 1];
  guint *before = rows[0], *above = rows[1], *row = rows[2];
  for (gsize j = 0; j <= lb; j++)
    above[j] = (guint) j;
  for (gsize i = 1; i <= la; i++) {
    row[0] = (guint) i;
    guint least = row[0];
    for (gsize j = 1; j <= lb; j++) {
      guint best = above[j - 1] + (a[i - 1] != b[j - 1] ? 1 : 0);
      best = MIN (best, above[j] + 1);
      best = MIN (best, row[j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        best = MIN (best, before[j - 2] + 1);
      row[j] = best;
      least = MIN (least, best);
    }
    if (least > limit)
      return limit + 1;
    guint *spare = before;
    before = above;
    above = row;
    row = spare;
  }
  return MIN (above[lb], limit + 1);
}

gboolean
rp_is_stop_word (const char *norm)
{
  static const char list[] =
      "a an the of to in on at by for from with and or but if so as is are am be been was were do "
      "does "
      "did done have has had can could would will shall should may might must i me my mine we us "
      "our "
      "you your yours he him his she her it its they them their this that these those there here "
      "please just really actually also too very some any thing things stuff get got getting give "
      "want wants like need know tell say ok okay yes no not dont well um uh er oh hi hello hey "
      "thanks thank lets let about id im youre ive theres which whats go going gonna wanna able "
      "sorry maybe then than more one ones kindly wondering wonder guys anything something "
      "again per make somewhere cant cannot didnt wont fine";
  return rp_word_in (norm, list);
}
