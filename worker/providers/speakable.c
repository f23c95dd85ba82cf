#include <string.h>

#include "speakable.h"

/* Applied in this order to a word without the punctuation around it. */
static const struct {
  const char *pattern;
  const char *replacement;
} rules[] = {
    {"^https?://(www\\.)?", ""},
    {"(?<=.)/+$", ""},
    {"[*`_~|<>\\[\\]{}\\\\^\"“”«»]+", " "},
    {"[‘’]", "'"},
    {"−", "-"},
    {"^24/7$", "twenty four seven"},
    {"^(\\d{1,2}(?::\\d\\d)?)([aApP])\\.?[mM]$", "\\1 \\2.m"},
    {"°C$", " degrees celsius"},
    {"°F$", " degrees fahrenheit"},
    {"°", " degrees "},
    {"(?<=\\d)km/h$", " kilometers per hour"},
    {"(?<=\\d)mph$", " miles per hour"},
    {"(?<=\\d)GB$", " gigabytes"},
    {"(?<=\\d)MB$", " megabytes"},
    {"(?<=\\d)TB$", " terabytes"},
    {"^-(?=\\.?\\d)", "minus "},
    {"^#(?=\\d)", "number "},
    {"&", " and "},
    {"\\+", " plus "},
    {"=", " equals "},
    {"×", " times "},
    {"@", " at "},
    /* A web address, not two sentences without a space between: those go on with a capital. */
    {"(?<=[A-Za-z0-9]{2})\\.(?=[a-z]{2})", " dot "},
    {"\\.{2,}|…|—|--+|–(?!\\d)", ", "},
    {"–", "-"},
    {"(\\d+)/(\\d+)/(\\d+)", "\\1 \\2 \\3"},
    {"(?<=[A-Za-z])/(?=[A-Za-z])", " "},
};

/* With the full stop that belongs to them; those that the voice expands itself by what is around
 * them (doctor or drive, saint or street) only lose it, so that it makes no pause. */
static const struct {
  const char *written;
  const char *spoken;
} abbreviations[] = {
    {"mr", "Mr"},
    {"mrs", "Mrs"},
    {"ms", "miz"},
    {"dr", "Dr"},
    {"st", "St"},
    {"prof", "professor"},
    {"vs", "versus"},
    {"etc", "et cetera"},
    {"e.g", "for example"},
    {"i.e", "that is"},
    {"approx", "about"},
    {"ave", "avenue"},
    {"rd", "road"},
    {"blvd", "boulevard"},
    {"apt", "apartment"},
    {"dept", "department"},
    {"inc", "incorporated"},
    {"ltd", "limited"},
    {"jr", "junior"},
    {"sr", "senior"},
    {"min", "minimum"},
    {"max", "maximum"},
    {"tel", "telephone"},
    {"ext", "extension"},
    {"mon", "monday"},
    {"tue", "tuesday"},
    {"wed", "wednesday"},
    {"thu", "thursday"},
    {"fri", "friday"},
    {"jan", "january"},
    {"feb", "february"},
    {"aug", "august"},
    {"sept", "september"},
    {"oct", "october"},
    {"nov", "november"},
    {"dec", "december"},
};

/* The voice would read these as words. Those without vowels it spells by itself. */
static const char *const spelled[] = {
    "AI",  "API", "ATM", "CEO", "CPU", "DIY", "EU",  "ETA", "FAQ", "GPU",  "HTML", "ID",
    "IO",  "IP",  "IOS", "IT",  "LED", "OS",  "PDF", "UI",  "UK",  "URL",  "US",   "USA",
    "USB", "UV",  "VAT", "VIP", "GPS", "SMS", "TV",  "PC",  "DVD", "ISBN", "IBAN",
};

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

/* Once for the process; only reads afterwards. */
static GRegex *const *
compiled_rules (void)
{
  static gsize once = 0;
  static GRegex *compiled[G_N_ELEMENTS (rules)];

  if (g_once_init_enter (&once)) {
    for (gsize i = 0; i < G_N_ELEMENTS (rules); i++) {
      compiled[i] = g_regex_new (rules[i].pattern, G_REGEX_OPTIMIZE, 0, NULL);
      g_assert (compiled[i] != NULL); /* a fault in the table above */
    }
    g_once_init_leave (&once, 1);
  }
  return compiled;
}

static const GRegex *
money_regex (void)
{
  static gsize once = 0;
  static GRegex *regex;

  if (g_once_init_enter (&once)) {
    regex = g_regex_new ("^(-?)([$£€¥])(\\d[\\d,]*)(?:\\.(\\d+))?(k|m|bn|b)?$",
                         G_REGEX_CASELESS | G_REGEX_OPTIMIZE, 0, NULL);
    g_assert (regex != NULL);
    g_once_init_leave (&once, 1);
  }
  return regex;
}

/* "£4.50" to "4 pounds and 50 pence". Returns: (transfer full) (nullable): NULL when it is none */
static char *
say_money (const char *core)
{
  static const struct {
    const char *sign, *one, *many, *cent, *cents;
  } currencies[] = {
      {"$", "dollar", "dollars", "cent", "cents"},
      {"£", "pound", "pounds", "penny", "pence"},
      {"€", "euro", "euros", "cent", "cents"},
      {"¥", "yen", "yen", "sen", "sen"},
  };
  g_autoptr (GMatchInfo) match = NULL;
  g_autofree char *sign = NULL, *minus = NULL, *whole = NULL, *part = NULL, *scale = NULL;
  gsize c = 0;

  if (!g_regex_match (money_regex (), core, 0, &match))
    return NULL;
  minus = g_match_info_fetch (match, 1);
  sign = g_match_info_fetch (match, 2);
  whole = g_match_info_fetch (match, 3);
  part = g_match_info_fetch (match, 4);
  scale = g_match_info_fetch (match, 5);
  while (strcmp (currencies[c].sign, sign) != 0)
    c++;

  if (scale != NULL && *scale != '\0') {
    char letter = g_ascii_tolower (*scale);

    return g_strdup_printf ("%s%s%s%s %s %s", *minus != '\0' ? "minus " : "", whole,
                            *part != '\0' ? "." : "", part,
                            letter == 'k'   ? "thousand"
                            : letter == 'm' ? "million"
                                            : "billion",
                            currencies[c].many);
  }
  if (part != NULL && strlen (part) == 2 && strcmp (part, "00") != 0) {
    const char *small = *part == '0' ? part + 1 : part;
    const char *unit = strcmp (part, "01") == 0 ? currencies[c].cent : currencies[c].cents;

    if (strcmp (whole, "0") == 0)
      return g_strdup_printf ("%s%s %s", *minus != '\0' ? "minus " : "", small, unit);
    return g_strdup_printf ("%s%s %s and %s %s", *minus != '\0' ? "minus " : "", whole,
                            strcmp (whole, "1") == 0 ? currencies[c].one : currencies[c].many,
                            small, unit);
  }
  return g_strdup_printf ("%s%s%s%s %s", *minus != '\0' ? "minus " : "", whole,
                          part != NULL && *part != '\0' && strcmp (part, "00") != 0 ? "." : "",
                          part != NULL && strcmp (part, "00") != 0 ? part : "",
                          strcmp (whole, "1") == 0 ? currencies[c].one : currencies[c].many);
}

static const char *
ordinal_suffix (int n)
{
  if (n / 10 % 10 == 1)
    return "th";
  return n % 10 == 1 ? "st" : n % 10 == 2 ? "nd" : n % 10 == 3 ? "rd" : "th";
}

/* "2025-11-20" to "November 20th 2025". Returns: (transfer full) (nullable): NULL when it is none
 */
static char *
say_iso_date (const char *core)
{
  int month, day;

  if (strlen (core) != 10 || core[4] != '-' || core[7] != '-')
    return NULL;
  for (int i = 0; i < 10; i++) {
    if (i != 4 && i != 7 && !g_ascii_isdigit (core[i]))
      return NULL;
  }
  month = (core[5] - '0') * 10 + core[6] - '0';
  day = (core[8] - '0') * 10 + core[9] - '0';
  if (month < 1 || month > 12 || day < 1 || day > 31)
    return NULL;
  return g_strdup_printf ("%s %d%s %.4s", months[month - 1], day, ordinal_suffix (day), core);
}

static char *
say_spelled (const char *core)
{
  for (gsize i = 0; i < G_N_ELEMENTS (spelled); i++) {
    if (strcmp (core, spelled[i]) == 0) {
      GString *out = g_string_new (NULL);

      /* With stops between them the voice takes them for letters. */
      for (const char *p = core; *p != '\0'; p++)
        g_string_append_printf (out, "%s%c", p == core ? "" : ".", *p);
      return g_string_free (out, FALSE);
    }
  }
  return NULL;
}

static const char *
find_abbreviation (const char *core)
{
  for (gsize i = 0; i < G_N_ELEMENTS (abbreviations); i++) {
    if (g_ascii_strcasecmp (core, abbreviations[i].written) == 0)
      return abbreviations[i].spoken;
  }
  return NULL;
}

/* Returns: (transfer full): what to say for a word without the punctuation around it */
static char *
say_core (const char *core)
{
  GRegex *const *compiled;
  char *said = NULL;
  gboolean plain = TRUE;

  for (const char *p = core; *p != '\0'; p++)
    plain &= g_ascii_isalpha (*p);
  if (plain) {
    said = say_spelled (core);
    return said != NULL ? said : g_strdup (core);
  }
  said = say_money (core);
  if (said == NULL)
    said = say_iso_date (core);
  if (said != NULL)
    return said;

  compiled = compiled_rules ();
  said = g_strdup (core);
  for (gsize i = 0; i < G_N_ELEMENTS (rules); i++) {
    char *next = g_regex_replace (compiled[i], said, -1, 0, rules[i].replacement, 0, NULL);

    /* NULL when the text exceeds a limit of the matcher. */
    if (next != NULL) {
      g_free (said);
      said = next;
    }
  }
  return said;
}

/* Appends the nearest ASCII, or nothing. */
static void
append_ascii (GString *out, gunichar c)
{
  char utf8[7] = {0};
  g_autofree char *ascii = NULL;

  if (c < 0x80) {
    if (g_ascii_isalnum ((char) c) || strchr (" .,:/%$'-;!?", (int) c) != NULL)
      g_string_append_c (out, (char) c);
    return;
  }
  if (!g_unichar_isalnum (c))
    return;
  g_unichar_to_utf8 (c, utf8);
  ascii = g_str_to_ascii (utf8, "C");
  for (const char *p = ascii; *p != '\0'; p++) {
    if (g_ascii_isalnum (*p) || *p == '/' || *p == ' ')
      g_string_append_c (out, *p);
  }
}

static gboolean
has_alnum (const char *text, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    if (g_ascii_isalnum (text[i]))
      return TRUE;
  }
  return FALSE;
}

/* Adds one token, or several when it is too long. */
static void
add_token (RpSpeakable *self, guint word, const char *name, gsize length, char punctuation)
{
  while (length > 0) {
    RpSpokenToken token = {.word = word};
    gsize n = MIN (length, RP_SPOKEN_TOKEN_MAX_BYTES);

    memcpy (token.name, name, n);
    if (n == length)
      token.punctuation[0] = punctuation;
    if (has_alnum (name, n))
      g_array_append_val (self->tokens, token);
    name += n;
    length -= n;
  }
}

/* A pause after what was said last. */
static void
add_pause (RpSpeakable *self)
{
  RpSpokenToken *last;

  if (self->tokens->len == 0)
    return;
  last = &g_array_index (self->tokens, RpSpokenToken, self->tokens->len - 1);
  if (last->punctuation[0] == '\0')
    last->punctuation[0] = ',';
}

/* Divides @said at spaces; @punctuation (or '\0') follows the last token. */
static void
add_said (RpSpeakable *self, guint word, const char *said, char punctuation)
{
  g_autoptr (GString) ascii = g_string_new (NULL);
  guint first = self->tokens->len;
  const char *p;

  for (p = said; *p != '\0'; p = g_utf8_next_char (p))
    append_ascii (ascii, g_utf8_get_char (p));
  p = ascii->str;
  while (*p != '\0') {
    gsize length = strcspn (p, " ");
    gsize bare = length;
    char own = '\0';

    while (bare > 0 && strchr (".,;:!?-/'", p[bare - 1]) != NULL) {
      bare--;
      if (strchr (".,;:!?", p[bare]) != NULL)
        own = p[bare];
    }
    if (bare == 0 && own != '\0' && self->tokens->len > first)
      add_pause (self);
    add_token (self, word, p, bare, own);
    p += length;
    p += strspn (p, " ");
  }
  if (self->tokens->len > first && punctuation != '\0')
    g_array_index (self->tokens, RpSpokenToken, self->tokens->len - 1).punctuation[0] = punctuation;
}

static gboolean
is_opening (gunichar c)
{
  return c < 0x80 ? strchr ("([{\"'*_`~<", (int) c) != NULL
                  : g_unichar_type (c) == G_UNICODE_INITIAL_PUNCTUATION ||
                        g_unichar_type (c) == G_UNICODE_OPEN_PUNCTUATION;
}

static gboolean
is_closing (gunichar c)
{
  return c < 0x80 ? strchr (".,;:!?)]}\"'*_`~>-", (int) c) != NULL
                  : c == 0x2026 /* … */ || g_unichar_type (c) == G_UNICODE_FINAL_PUNCTUATION ||
                        g_unichar_type (c) == G_UNICODE_CLOSE_PUNCTUATION ||
                        g_unichar_type (c) == G_UNICODE_DASH_PUNCTUATION;
}

/* The mark that decides pause and intonation among those that end a word. */
static char
main_punctuation (const char *start, const char *end)
{
  gboolean other = FALSE;

  for (const char *p = start; p < end; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);

    if (c < 0x80 && strchr (".,;:!?", (int) c) != NULL) {
      /* "..." is a pause, not the end. */
      return c == '.' && end - p >= 3 && p[1] == '.' ? ',' : (char) c;
    }
    other |= c == 0x2026 || g_unichar_type (c) == G_UNICODE_DASH_PUNCTUATION;
  }
  return other ? ',' : '\0';
}

/* @next: the text after the word */
static void
add_word (RpSpeakable *self, const char *text, const RpSourceWord *source, guint word,
          const char *next)
{
  const char *start = text + source->offset_bytes;
  const char *limit = start + source->length_bytes;
  const char *end = limit;
  g_autofree char *core = NULL;
  g_autofree char *said = NULL;
  const char *abbreviation = NULL;
  char punctuation;

  while (start < limit && is_opening (g_utf8_get_char (start)))
    start = g_utf8_next_char (start);
  while (end > start) {
    const char *previous = g_utf8_prev_char (end);

    if (!is_closing (g_utf8_get_char (previous)))
      break;
    end = previous;
  }
  if (end == start) {
    if (main_punctuation (start, limit) != '\0')
      add_pause (self);
    return;
  }
  core = g_strndup (start, (gsize) (end - start));
  punctuation = main_punctuation (end, limit);

  if (end < limit && *end == '.') {
    next += strspn (next, " \t\n");
    abbreviation = g_ascii_strcasecmp (core, "no") == 0 && g_ascii_isdigit (*next)
                       ? "number"
                       : find_abbreviation (core);
    /* At the end of the text its stop is the sentence's too. */
    if (abbreviation != NULL && end + 1 == limit && *next != '\0')
      punctuation = '\0';
  }
  said = abbreviation != NULL ? g_strdup (abbreviation) : say_core (core);
  add_said (self, word, said, punctuation);
}

RpSpeakable *
rp_speakable_new (const char *text)
{
  RpSpeakable *self = g_new0 (RpSpeakable, 1);
  const char *p = text;

  self->words = g_array_new (FALSE, FALSE, sizeof (RpSourceWord));
  self->tokens = g_array_new (FALSE, FALSE, sizeof (RpSpokenToken));
  while (*p != '\0') {
    const char *start = p;
    RpSourceWord word;

    if (g_unichar_isspace (g_utf8_get_char (p))) {
      p = g_utf8_next_char (p);
      continue;
    }
    while (*p != '\0' && !g_unichar_isspace (g_utf8_get_char (p)))
      p = g_utf8_next_char (p);
    word.offset_bytes = (guint32) (start - text);
    word.length_bytes = (guint32) (p - start);
    g_array_append_val (self->words, word);
    add_word (self, text, &word, self->words->len - 1, p);
  }
  return self;
}

void
rp_speakable_free (RpSpeakable *speakable)
{
  if (speakable == NULL)
    return;
  g_array_unref (speakable->words);
  g_array_unref (speakable->tokens);
  g_free (speakable);
}
