#include "sentence.h"

#include <string.h>

/* Spaces looked over to see how the next sentence begins; more end the sentence. */
#define MAX_LOOKAHEAD_SPACES 8

struct _RpSentence {
  RpSentenceConfig config;
  GString *buf; /* input that is not yet in a piece */
  gsize base;   /* offset of buf->str[0] in the whole input */
  gboolean ended;
  gboolean first;      /* nothing was given out yet */
  gboolean after_line; /* the character before buf was a newline */
};

RpSentence *
rp_sentence_new (const RpSentenceConfig *config)
{
  RpSentence *self = g_new0 (RpSentence, 1);
  self->config = *config;
  self->config.max_chars = CLAMP (config->max_chars, 40, 2000);
  self->buf = g_string_new (NULL);
  rp_sentence_reset (self);
  return self;
}

void
rp_sentence_reset (RpSentence *self)
{
  g_string_truncate (self->buf, 0);
  self->base = 0;
  self->ended = FALSE;
  self->first = TRUE;
  self->after_line = FALSE;
}

void
rp_sentence_free (RpSentence *self)
{
  if (self == NULL)
    return;
  g_string_free (self->buf, TRUE);
  g_free (self);
}

void
rp_sentence_input (RpSentence *self, const char *text, gssize length)
{
  if (!self->ended)
    g_string_append_len (self->buf, text, length);
}

void
rp_sentence_end (RpSentence *self)
{
  self->ended = TRUE;
}

void
rp_sentence_out_clear (RpSentenceOut *piece)
{
  g_clear_pointer (&piece->text, g_free);
}

/* One character at @at. Returns: its bytes, 0 when more input is needed. A byte that is no UTF-8 is
 * one character, U+FFFD. */
static gsize
char_at (const RpSentence *self, gsize at, gunichar *out_c)
{
  gsize left = self->buf->len - at;
  if (left == 0)
    return 0;
  const char *p = self->buf->str + at;
  gunichar c = *p == '\0' ? (gunichar) -1 : g_utf8_get_char_validated (p, (gssize) left);
  if (c == (gunichar) -2 && !self->ended)
    return 0;
  if (c == (gunichar) -1 || c == (gunichar) -2) {
    *out_c = 0xfffd;
    return 1;
  }
  *out_c = c;
  return (gsize) (g_utf8_next_char (p) - p);
}

static gboolean
is_terminator (gunichar c)
{
  return c == '.' || c == '!' || c == '?' || c == 0x2026 || c == 0x3002 || c == 0xff01 ||
         c == 0xff1f;
}

/* Full stops of scripts that write no space after them. */
static gboolean
is_wide_terminator (gunichar c)
{
  return c == 0x3002 || c == 0xff01 || c == 0xff1f;
}

static gboolean
is_closer (gunichar c)
{
  return c == '"' || c == '\'' || c == ')' || c == ']' || c == '*' || c == '_' || c == '`' ||
         c == 0x201d || c == 0x2019 || c == 0xbb || c == '.' || c == '!' || c == '?';
}

static gboolean
is_clause_mark (gunichar c)
{
  return c == ',' || c == ';' || c == ':' || c == 0x2013 || c == 0x2014 || c == 0xff0c ||
         c == 0x3001;
}

typedef enum {
  STOP_ENDS,  /* a full stop here ends the sentence */
  STOP_NEVER, /* it belongs to the word */
  STOP_MAYBE, /* the next word decides: it ends the sentence before a capital */
  STOP_DIGIT, /* an abbreviation only before a number: "No. 5" */
} StopKind;

static gboolean
in_list (const char *word, const char *list)
{
  g_autofree char *key = g_strdup_printf (" %s ", word);
  return strstr (list, key) != NULL;
}

/* What the full stop at byte @dot means, by the word before it. */
static StopKind
stop_kind (const RpSentence *self, gsize dot)
{
  const char *s = self->buf->str;
  gsize start = dot;
  while (start > 0 && !g_ascii_isspace (s[start - 1]) && strchr ("(\"'*_[", s[start - 1]) == NULL &&
         dot - start < 24)
    start--;
  if (start == dot)
    return STOP_ENDS;
  g_autofree char *word = g_ascii_strdown (s + start, (gssize) (dot - start));

  if (in_list (word, " mr mrs ms dr prof vs e.g i.e eg ie approx dept est fig tel ext rev hon gen "
                     "capt sgt mt messrs "))
    return STOP_NEVER;
  if (in_list (word, " no nos p pp ch vol sec "))
    return STOP_DIGIT;
  if (in_list (word,
               " etc inc ltd co corp st sr jr ave rd blvd min max hr hrs jan feb mar apr jun jul "
               "aug sep sept oct nov dec mon tue tues wed thu thur thurs fri a.m p.m am pm "))
    return STOP_MAYBE;
  if (strchr (word, '.') != NULL)
    return g_ascii_isdigit (word[0]) ? STOP_ENDS : STOP_MAYBE;
  /* An initial; but "so do I." */
  if (strlen (word) == 1 && g_ascii_isalpha (word[0]) && word[0] != 'i')
    return STOP_NEVER;
  /* "1." at the beginning of a line counts, it does not end. */
  gboolean line_start = start > 0 ? s[start - 1] == '\n' : self->after_line;
  if (line_start && strlen (word) <= 2 && g_ascii_isdigit (word[0]))
    return STOP_NEVER;
  return STOP_ENDS;
}

typedef enum { CUT_NO, CUT_YES, CUT_WAIT } Cut;

/* Whether the sentence ends at the terminator @c in bytes [at, after). @out_end: after what closes.
 */
static Cut
ends_here (const RpSentence *self, gsize at, gsize after, gunichar c, gsize *out_end)
{
  gsize end = after;
  gunichar next = 0;
  gsize n;
  gboolean ellipsis = c == 0x2026;
  guint closers = 0;
  *out_end = end;
  if (is_wide_terminator (c))
    return CUT_YES;
  while ((n = char_at (self, end, &next)) > 0 && is_closer (next) && closers < 16) {
    if (next == '.' && c == '.')
      ellipsis = TRUE;
    if (next == '!' || next == '?')
      ellipsis = FALSE, c = next;
    end += n;
    closers++;
  }
  *out_end = end;
  if (n == 0)
    return self->ended ? CUT_YES : CUT_WAIT;
  if (!g_unichar_isspace (next))
    return CUT_NO;
  StopKind kind = c == '.' ? stop_kind (self, at) : STOP_ENDS;
  if (ellipsis && kind == STOP_ENDS)
    kind = STOP_MAYBE;
  if (kind == STOP_ENDS)
    return CUT_YES;
  if (kind == STOP_NEVER)
    return CUT_NO;

  gsize look = end;
  for (guint spaces = 0; (n = char_at (self, look, &next)) > 0 && g_unichar_isspace (next);) {
    if (next == '\n' || ++spaces > MAX_LOOKAHEAD_SPACES)
      return CUT_YES;
    look += n;
  }
  if (n == 0)
    return self->ended ? CUT_YES : CUT_WAIT;
  if (kind == STOP_DIGIT)
    return g_unichar_isdigit (next) ? CUT_NO : CUT_YES;
  return g_unichar_islower (next) || g_unichar_isdigit (next) ? CUT_NO : CUT_YES;
}

/* Where the next piece ends. Returns: FALSE when more input is needed. */
static gboolean
find_cut (const RpSentence *self, gsize *out_end, gboolean *out_whole)
{
  gsize at = 0, last_clause = 0, last_space = 0;
  guint chars = 0, words = 0;
  gboolean in_word = FALSE, any = FALSE;
  gunichar c = 0;
  gsize n;
  while ((n = char_at (self, at, &c)) > 0) {
    gsize after = at + n;
    if (c == '\n' && any) {
      *out_end = after;
      *out_whole = TRUE;
      return TRUE;
    }
    gboolean alnum = g_unichar_isalnum (c);
    any = any || alnum;
    if (alnum && !in_word)
      words++;
    in_word = alnum || (in_word && (c == '\'' || c == 0x2019 || c == '-'));

    if (is_terminator (c) && any) {
      gsize end = after;
      Cut cut = ends_here (self, at, after, c, &end);
      if (cut == CUT_WAIT)
        return FALSE;
      if (cut == CUT_YES) {
        *out_end = end;
        *out_whole = TRUE;
        return TRUE;
      }
    } else if (is_clause_mark (c)) {
      gunichar next = 0;
      gsize m = char_at (self, after, &next);
      if (m == 0 && !self->ended)
        return FALSE;
      if (m > 0 && g_unichar_isspace (next)) {
        last_clause = after;
        if (self->first && self->config.first_clause_words > 0 &&
            words >= self->config.first_clause_words) {
          *out_end = after;
          *out_whole = FALSE;
          return TRUE;
        }
      }
    } else if (g_unichar_isspace (c)) {
      last_space = at;
    }
    if (++chars >= self->config.max_chars) {
      gsize least = after / 3;
      *out_end = last_clause > least ? last_clause : last_space > least ? last_space : after;
      *out_whole = FALSE;
      return TRUE;
    }
    at = after;
  }
  if (!self->ended || self->buf->len == 0)
    return FALSE;
  *out_end = self->buf->len;
  *out_whole = TRUE;
  return TRUE;
}

static gboolean
is_pictograph (gunichar c)
{
  return (c >= 0x1f000 && c <= 0x1faff) || (c >= 0x2600 && c <= 0x27bf) ||
         (c >= 0x2b00 && c <= 0x2bff) || (c >= 0xfe00 && c <= 0xfe0f) || c == 0x200d ||
         c == 0x20e3 || (c >= 0xe0000 && c <= 0xe007f);
}

/* Bytes of a marker that begins a line: heading, quote, list. */
static gsize
line_marker (const char *s)
{
  const char *p = s;
  while (*p == ' ' || *p == '\t')
    p++;
  const char *marker = p;
  while (*p == '#' || *p == '>')
    p++;
  if (p == marker) {
    while (g_ascii_isdigit (*p) && p - marker < 2)
      p++;
    if (p > marker && *p != '.' && *p != ')')
      return 0;
    if (p > marker || *p == '-' || *p == '*' || *p == '+')
      p++;
    else if (g_str_has_prefix (p, "\xe2\x80\xa2"))
      p += 3;
  }
  return p > marker && *p == ' ' ? (gsize) (p - s) : 0;
}

/* "[text](address)" at @p. Returns: the end of it and the length of the text, or NULL. */
static const char *
link_at (const char *p, gsize *out_text)
{
  if (*p != '[')
    return NULL;
  const char *close = strchr (p, ']');
  if (close == NULL || close[1] != '(')
    return NULL;
  const char *end = strchr (close + 2, ')');
  if (end == NULL)
    return NULL;
  *out_text = (gsize) (close - p - 1);
  return end + 1;
}

static void
append_plain (GString *out, const char *text, gsize length)
{
  const char *end = text + length;
  for (const char *p = text; p < end;) {
    gunichar c = g_utf8_get_char (p);
    const char *next = g_utf8_next_char (p);
    gsize label = 0;
    const char *after = link_at (p, &label);
    if (after != NULL && after <= end) {
      append_plain (out, p + 1, label);
      p = after;
      continue;
    }
    if (c == '_') {
      gboolean inside =
          p > text && g_ascii_isalnum (p[-1]) && next < end && g_ascii_isalnum (*next);
      if (inside)
        g_string_append_c (out, ' ');
    } else if (c == '!' && next < end && *next == '[') {
      /* an image: its text is enough */
    } else if (c == '*' || c == '`' || c == '~' || c == 0xfffd || c == 0xfeff ||
               is_pictograph (c)) {
      /* markup, or nothing that can be spoken */
    } else if (g_unichar_isspace (c) || g_unichar_iscntrl (c) || c == '|' || c == '\\') {
      if (out->len > 0 && out->str[out->len - 1] != ' ')
        g_string_append_c (out, ' ');
    } else {
      g_string_append_unichar (out, c);
    }
    p = next;
  }
}

/* What is spoken of @raw, or NULL when it has no letter or digit. */
static char *
clean (const char *raw, gsize length, gboolean line_start, gboolean stream_start)
{
  g_autofree char *valid = g_utf8_make_valid (raw, (gssize) length);
  const char *s = valid;
  while (g_ascii_isspace (*s)) {
    line_start = line_start || *s == '\n';
    s++;
  }
  /* A number alone at the very beginning is an answer, not a list. */
  if ((line_start || stream_start) && !(stream_start && g_ascii_isdigit (*s)))
    s += line_marker (s);
  GString *out = g_string_new (NULL);
  append_plain (out, s, strlen (s));
  g_autofree char *text = g_strstrip (g_string_free (out, FALSE));
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_isalnum (g_utf8_get_char (p)))
      return g_steal_pointer (&text);
  return NULL;
}

gboolean
rp_sentence_poll (RpSentence *self, RpSentenceOut *out_piece)
{
  gsize end;
  gboolean whole;
  while (find_cut (self, &end, &whole)) {
    char *text = clean (self->buf->str, end, self->after_line, self->first && self->base == 0);
    gsize start = self->base;
    self->after_line = end > 0 && self->buf->str[end - 1] == '\n';
    g_string_erase (self->buf, 0, (gssize) end);
    self->base += end;
    if (text == NULL)
      continue;
    self->first = FALSE;
    *out_piece = (RpSentenceOut){
        .text = text,
        .start = start,
        .end = self->base,
        .last_of_sentence = whole,
    };
    return TRUE;
  }
  return FALSE;
}
