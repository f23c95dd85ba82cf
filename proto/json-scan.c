#include "json-scan.h"

#include "json.h"
#include <math.h>
#include <string.h>

/* What may come next, outside a string. */
typedef enum {
  EXPECT_VALUE,
  EXPECT_VALUE_OR_END, /* after '[' */
  EXPECT_KEY,
  EXPECT_KEY_OR_END, /* after '{' */
  EXPECT_COLON,
  EXPECT_COMMA_OR_END,
  EXPECT_NOTHING,
} Expect;

typedef struct {
  const char *start, *at, *end;
  guint depth;
  gboolean is_object[RP_JSON_MAX_DEPTH]; /* of each open level */
  Expect expect;
} Scan;

static gboolean
fail (const Scan *scan, RpJsonError code, const char *what, GError **error)
{
  g_set_error (error, RP_JSON_ERROR, code, "%s at byte %" G_GSIZE_FORMAT, what,
               (gsize) (scan->at - scan->start));
  return FALSE;
}

/* Four hex digits at @at; -1 when they are not there. */
static int
hex4 (const Scan *scan, const char *at)
{
  if (scan->end - at < 4)
    return -1;
  int value = 0;
  for (int i = 0; i < 4; i++) {
    int digit = g_ascii_xdigit_value (at[i]);
    if (digit < 0)
      return -1;
    value = value * 16 + digit;
  }
  return value;
}

/* An escape; scan->at is on the backslash and ends after it. */
static gboolean
scan_escape (Scan *scan, GError **error)
{
  if (scan->end - scan->at < 2)
    return fail (scan, RP_JSON_ERROR_SYNTAX, "unfinished escape", error);
  char c = scan->at[1];
  if (c != 'u') {
    if (c == '\0' || strchr ("\"\\/bfnrt", c) == NULL)
      return fail (scan, RP_JSON_ERROR_SYNTAX, "unknown escape", error);
    scan->at += 2;
    return TRUE;
  }
  int unit = hex4 (scan, scan->at + 2);
  if (unit < 0)
    return fail (scan, RP_JSON_ERROR_SYNTAX, "bad \\u escape", error);
  if (unit == 0)
    return fail (scan, RP_JSON_ERROR_SYNTAX, "escaped NUL", error);
  if (unit < 0xd800 || unit > 0xdfff) {
    scan->at += 6;
    return TRUE;
  }
  const char *low = scan->at + 6;
  int second = unit <= 0xdbff && scan->end - low >= 6 && low[0] == '\\' && low[1] == 'u'
                   ? hex4 (scan, low + 2)
                   : -1;
  if (second < 0xdc00 || second > 0xdfff)
    return fail (scan, RP_JSON_ERROR_SYNTAX, "lone surrogate escape", error);
  scan->at += 12;
  return TRUE;
}

/* A string; scan->at is on its opening quote and ends after the closing one. */
static gboolean
scan_string (Scan *scan, GError **error)
{
  scan->at++;
  while (scan->at < scan->end) {
    guchar c = (guchar) *scan->at;
    if (c == '"') {
      scan->at++;
      return TRUE;
    }
    if (c < 0x20)
      return fail (scan, RP_JSON_ERROR_SYNTAX, "control character in a string", error);
    if (c != '\\')
      scan->at++;
    else if (!scan_escape (scan, error))
      return FALSE;
  }
  return fail (scan, RP_JSON_ERROR_SYNTAX, "unfinished string", error);
}

static const char *
skip_digits (const char *at, const char *end)
{
  while (at < end && g_ascii_isdigit (*at))
    at++;
  return at;
}

/* json-glib wraps integers beyond gint64 and makes infinities of large doubles without a word. */
static gboolean
number_fits (const char *text, gsize len, gboolean integral)
{
  g_autofree char *copy = g_strndup (text, len);
  if (integral)
    return g_ascii_string_to_signed (copy, 10, G_MININT64, G_MAXINT64, NULL, NULL);
  return isfinite (g_ascii_strtod (copy, NULL));
}

static gboolean
scan_number (Scan *scan, GError **error)
{
  const char *at = scan->at;
  gboolean integral = TRUE;
  if (at < scan->end && *at == '-')
    at++;
  const char *digits = at;
  at = skip_digits (at, scan->end);
  if (at == digits || (*digits == '0' && at - digits > 1))
    return fail (scan, RP_JSON_ERROR_SYNTAX, "bad number", error);
  if (at < scan->end && *at == '.') {
    integral = FALSE;
    digits = ++at;
    at = skip_digits (at, scan->end);
    if (at == digits)
      return fail (scan, RP_JSON_ERROR_SYNTAX, "bad number", error);
  }
  if (at < scan->end && (*at == 'e' || *at == 'E')) {
    integral = FALSE;
    at++;
    if (at < scan->end && (*at == '+' || *at == '-'))
      at++;
    digits = at;
    at = skip_digits (at, scan->end);
    if (at == digits)
      return fail (scan, RP_JSON_ERROR_SYNTAX, "bad number", error);
  }
  if (!number_fits (scan->at, (gsize) (at - scan->at), integral))
    return fail (scan, RP_JSON_ERROR_RANGE, "number out of range", error);
  scan->at = at;
  return TRUE;
}

static gboolean
scan_word (Scan *scan, GError **error)
{
  static const char *const words[] = {"true", "false", "null"};
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++) {
    gsize len = strlen (words[i]);
    if ((gsize) (scan->end - scan->at) >= len && memcmp (scan->at, words[i], len) == 0) {
      scan->at += len;
      return TRUE;
    }
  }
  return fail (scan, RP_JSON_ERROR_SYNTAX, "unexpected character", error);
}

static gboolean
open_level (Scan *scan, gboolean is_object, GError **error)
{
  if (scan->depth == RP_JSON_MAX_DEPTH) {
    g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_TOO_DEEP,
                 "nested deeper than %d levels at byte %" G_GSIZE_FORMAT, RP_JSON_MAX_DEPTH,
                 (gsize) (scan->at - scan->start));
    return FALSE;
  }
  scan->is_object[scan->depth++] = is_object;
  scan->expect = is_object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
  scan->at++;
  return TRUE;
}

static void
after_value (Scan *scan)
{
  scan->expect = scan->depth == 0 ? EXPECT_NOTHING : EXPECT_COMMA_OR_END;
}

static void
close_level (Scan *scan)
{
  scan->depth--;
  scan->at++;
  after_value (scan);
}

static gboolean
scan_value (Scan *scan, GError **error)
{
  char c = *scan->at;
  if (c == '{' || c == '[')
    return open_level (scan, c == '{', error);
  gboolean ok;
  if (c == '"')
    ok = scan_string (scan, error);
  else if (c == '-' || g_ascii_isdigit (c))
    ok = scan_number (scan, error);
  else
    ok = scan_word (scan, error);
  if (ok)
    after_value (scan);
  return ok;
}

/* One token; scan->at is on its first byte. */
static gboolean
scan_token (Scan *scan, GError **error)
{
  char c = *scan->at;
  switch (scan->expect) {
  case EXPECT_VALUE_OR_END:
    if (c == ']') {
      close_level (scan);
      return TRUE;
    }
    return scan_value (scan, error);
  case EXPECT_VALUE:
    return scan_value (scan, error);
  case EXPECT_KEY_OR_END:
    if (c == '}') {
      close_level (scan);
      return TRUE;
    }
    G_GNUC_FALLTHROUGH;
  case EXPECT_KEY:
    if (c != '"')
      return fail (scan, RP_JSON_ERROR_SYNTAX, "expected a member name", error);
    scan->expect = EXPECT_COLON;
    return scan_string (scan, error);
  case EXPECT_COLON:
    if (c != ':')
      return fail (scan, RP_JSON_ERROR_SYNTAX, "expected ':'", error);
    scan->expect = EXPECT_VALUE;
    scan->at++;
    return TRUE;
  case EXPECT_COMMA_OR_END: {
    gboolean is_object = scan->is_object[scan->depth - 1];
    if (c == (is_object ? '}' : ']')) {
      close_level (scan);
      return TRUE;
    }
    if (c != ',')
      return fail (scan, RP_JSON_ERROR_SYNTAX,
                   is_object ? "expected ',' or '}'" : "expected ',' or ']'", error);
    scan->expect = is_object ? EXPECT_KEY : EXPECT_VALUE;
    scan->at++;
    return TRUE;
  }
  case EXPECT_NOTHING:
  default:
    return fail (scan, RP_JSON_ERROR_SYNTAX, "something after the value", error);
  }
}

gboolean
rp_json_scan (const char *data, gsize len, GError **error)
{
  Scan scan = {.start = data, .at = data, .end = data + len, .expect = EXPECT_VALUE};
  const char *invalid = data;
  if (len > 0 && !g_utf8_validate_len (data, len, &invalid)) {
    scan.at = invalid;
    return fail (&scan, RP_JSON_ERROR_SYNTAX, "not UTF-8", error);
  }
  while (scan.at < scan.end) {
    char c = *scan.at;
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
      scan.at++;
    else if (!scan_token (&scan, error))
      return FALSE;
  }
  if (scan.expect != EXPECT_NOTHING)
    return fail (&scan, RP_JSON_ERROR_SYNTAX, "unexpected end", error);
  return TRUE;
}
