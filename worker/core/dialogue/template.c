#include "template.h"

#include "words.h"

#include <string.h>

/* Deeper results are cut off: nothing nested is spoken. */
#define MAX_DEPTH 16
#define MAX_MEMBERS 64
/* Half a minute of speech. */
#define MAX_VALUE_BYTES 400
#define MAX_ELEMENTS 16

typedef struct {
  const char *p;
  gboolean bad;
} Reader;

static void
skip_space (Reader *r)
{
  while (g_ascii_isspace (*r->p))
    r->p++;
}

static gboolean
accept (Reader *r, char c)
{
  skip_space (r);
  if (*r->p != c)
    return FALSE;
  r->p++;
  return TRUE;
}

static gunichar
read_hex4 (Reader *r)
{
  gunichar c = 0;
  for (guint i = 0; i < 4; i++, r->p++) {
    int digit = g_ascii_xdigit_value (*r->p);
    if (digit < 0) {
      r->bad = TRUE;
      return 0xfffd;
    }
    c = c << 4 | (gunichar) digit;
  }
  return c;
}

static void
read_escape (Reader *r, GString *out)
{
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/  \n  ";
  const char *known = *r->p != '\0' ? strchr (from, *r->p) : NULL;
  if (known != NULL) {
    g_string_append_c (out, to[known - from]);
    r->p++;
    return;
  }
  if (*r->p != 'u') {
    r->bad = TRUE;
    return;
  }
  r->p++;
  gunichar c = read_hex4 (r);
  if (c >= 0xd800 && c < 0xdc00 && r->p[0] == '\\' && r->p[1] == 'u') {
    r->p += 2;
    gunichar low = read_hex4 (r);
    c = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
  }
  if (c != 0)
    g_string_append_unichar (out, g_unichar_validate (c) ? c : 0xfffd);
}

/* The opening quote is taken. */
static char *
read_string (Reader *r)
{
  GString *out = g_string_new (NULL);
  while (!r->bad && *r->p != '"') {
    if (*r->p == '\0') {
      r->bad = TRUE;
    } else if (*r->p == '\\') {
      r->p++;
      read_escape (r, out);
    } else {
      g_string_append_c (out, *r->p++);
    }
  }
  if (!r->bad)
    r->p++;
  return g_string_free (out, FALSE);
}

static void read_value (Reader *r, guint depth, GPtrArray *out);

static void
skip_object (Reader *r, guint depth)
{
  if (accept (r, '}'))
    return;
  do {
    if (!accept (r, '"')) {
      r->bad = TRUE;
      return;
    }
    g_free (read_string (r));
    if (!accept (r, ':'))
      r->bad = TRUE;
    read_value (r, depth + 1, NULL);
  } while (!r->bad && accept (r, ','));
  if (!accept (r, '}'))
    r->bad = TRUE;
}

/* A tool may be a function of the page, and give anything: a value is a line that can be listened
 * to. Returns: (transfer full) */
static char *
speakable (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *line = g_string_new (NULL);
  for (const char *p = valid; *p != '\0' && line->len < MAX_VALUE_BYTES; p = g_utf8_next_char (p))
    g_string_append_unichar (line,
                             g_unichar_isprint (g_utf8_get_char (p)) ? g_utf8_get_char (p) : ' ');
  return g_string_free (line, FALSE);
}

/* @out: (nullable) takes scalars, and the scalars of an array one level down. */
static void
read_value (Reader *r, guint depth, GPtrArray *out)
{
  if (r->bad || depth > MAX_DEPTH) {
    r->bad = TRUE;
    return;
  }
  g_autofree char *text = NULL;
  if (accept (r, '"')) {
    text = read_string (r);
  } else if (accept (r, '[')) {
    if (accept (r, ']'))
      return;
    do
      read_value (r, depth + 1, depth < 2 ? out : NULL);
    while (!r->bad && accept (r, ','));
    r->bad = r->bad || !accept (r, ']');
    return;
  } else if (accept (r, '{')) {
    skip_object (r, depth);
    return;
  } else {
    const char *start = r->p;
    while (g_ascii_isalnum (*r->p) || (*r->p != '\0' && strchr ("+-.", *r->p) != NULL))
      r->p++;
    if (r->p == start) {
      r->bad = TRUE;
      return;
    }
    text = g_strndup (start, (gsize) (r->p - start));
    if (strcmp (text, "null") == 0)
      return;
  }
  if (out != NULL && !r->bad && out->len < MAX_ELEMENTS)
    g_ptr_array_add (out, speakable (text));
}

GHashTable *
rp_result_parse (const char *json)
{
  Reader r = {.p = json != NULL ? json : ""};
  if (!accept (&r, '{'))
    return NULL;
  g_autoptr (GHashTable) result =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  if (!accept (&r, '}')) {
    do {
      if (!accept (&r, '"'))
        return NULL;
      g_autofree char *name = read_string (&r);
      if (!accept (&r, ':'))
        return NULL;
      g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func (g_free);
      read_value (&r, 1, values);
      if (r.bad)
        return NULL;
      if (values->len > 0 && g_hash_table_size (result) < MAX_MEMBERS)
        g_hash_table_replace (result, g_steal_pointer (&name), g_steal_pointer (&values));
    } while (accept (&r, ','));
    if (!accept (&r, '}'))
      return NULL;
  }
  return g_steal_pointer (&result);
}

const char *
rp_result_get (GHashTable *result, const char *name)
{
  const GPtrArray *values = result != NULL ? g_hash_table_lookup (result, name) : NULL;
  return values != NULL ? g_ptr_array_index (values, 0) : NULL;
}

gboolean
rp_is_identifier (const char *name)
{
  if (name == NULL || *name == '\0' || strlen (name) > 64)
    return FALSE;
  for (const char *p = name; *p != '\0'; p++)
    if (!g_ascii_islower (*p) && *p != '_' && !(p > name && g_ascii_isdigit (*p)))
      return FALSE;
  return TRUE;
}

static gboolean
invalid (GError **error, const char *what)
{
  g_set_error_literal (error, RP_FLOW_ERROR, RP_FLOW_ERROR_INVALID, what);
  return FALSE;
}

static gboolean
is_known (const char *name, const RpFlow *flow, const GPtrArray *data_names)
{
  if (flow != NULL && rp_flow_slot (flow, name) != NULL)
    return TRUE;
  for (guint i = 0; data_names != NULL && i < data_names->len; i++)
    if (strcmp (data_names->pdata[i], name) == 0)
      return TRUE;
  return FALSE;
}

gboolean
rp_template_check (const char *text, const RpFlow *flow, const GPtrArray *data_names, gboolean any,
                   GError **error)
{
  for (const char *p = text; p != NULL && (p = strchr (p, '{')) != NULL;) {
    const char *close = strchr (p, '}');
    if (close == NULL)
      return invalid (error, "a \"{\" without \"}\"");
    g_autofree char *name = g_strndup (p + 1, (gsize) (close - p - 1));
    char *bar = strchr (name, '|');
    if (bar != NULL) {
      *bar = '\0';
      if (!rp_word_in (bar + 1, "date time duration digits list"))
        return invalid (error, "after \"|\" one of date, time, duration, digits, list is expected");
    }
    if (!rp_is_identifier (name))
      return invalid (error, "between braces a name of a-z, 0-9 and _ is expected");
    if (!any && !is_known (name, flow, data_names)) {
      g_autofree char *what =
          flow != NULL
              ? g_strdup_printf ("{%s} is not a slot of this flow, nor in \"request_data\"", name)
              : g_strdup_printf ("{%s} is not in \"request_data\" of agent.json", name);
      return invalid (error, what);
    }
    p = close + 1;
  }
  return TRUE;
}

static char *
say_as (const char *kind, const char *value, const RpSlotMoment *moment)
{
  if (strcmp (kind, "date") == 0)
    return rp_say_date (value, moment);
  if (strcmp (kind, "time") == 0)
    return rp_say_time (value);
  if (strcmp (kind, "duration") == 0)
    return rp_say_duration (value);
  if (strcmp (kind, "digits") == 0)
    return rp_say_digits (value);
  return g_strdup (value);
}

/* "a", "a or b", "a, b or c" */
static char *
say_list (const GPtrArray *values, const char *kind, const RpSlotMoment *moment)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < values->len; i++) {
    if (i > 0)
      g_string_append (text, i + 1 == values->len ? " or " : ", ");
    g_autofree char *said = say_as (kind, g_ptr_array_index (values, i), moment);
    g_string_append (text, said);
  }
  return g_string_free (text, FALSE);
}

/* Where a name in braces may have its value. */
typedef struct {
  const RpFlow *flow;
  char *const *values;
  GHashTable *result;
  GHashTable *data;
  const RpSlotMoment *moment;
} Values;

static char *
lookup (const char *name, const Values *from)
{
  g_autofree char *key = g_strdup (name);
  char *kind = strchr (key, '|');
  if (kind != NULL)
    *kind++ = '\0';
  const RpFlow *flow = from->flow;
  const GPtrArray *found = from->result != NULL ? g_hash_table_lookup (from->result, key) : NULL;
  if (found != NULL && (kind != NULL || flow == NULL || rp_flow_slot (flow, key) == NULL))
    return say_list (found, kind != NULL ? kind : "", from->moment);
  for (guint i = 0; flow != NULL && i < flow->slots->len; i++) {
    const RpSlot *slot = g_ptr_array_index (flow->slots, i);
    const char *value = from->values[i] != NULL ? from->values[i] : slot->fallback;
    if (strcmp (slot->name, key) == 0)
      return value != NULL ? rp_say_slot (slot, value, from->moment) : NULL;
  }
  return from->data != NULL ? g_strdup (g_hash_table_lookup (from->data, key)) : NULL;
}

/* Renders [p, end). Returns: FALSE when a name has no value. */
static gboolean
render_part (const char *p, const char *end, const Values *from, GString *out)
{
  gboolean whole = TRUE;
  while (p < end) {
    const char *close =
        *p == '{' || *p == '[' ? memchr (p, *p == '{' ? '}' : ']', (gsize) (end - p)) : NULL;
    if (close == NULL) {
      g_string_append_c (out, *p++);
      continue;
    }
    if (*p == '[') {
      g_autoptr (GString) part = g_string_new (NULL);
      if (render_part (p + 1, close, from, part))
        g_string_append (out, part->str);
    } else {
      g_autofree char *name = g_strndup (p + 1, (gsize) (close - p - 1));
      g_autofree char *said = lookup (name, from);
      if (said != NULL)
        g_string_append (out, said);
      whole = whole && said != NULL;
    }
    p = close + 1;
  }
  return whole;
}

char *
rp_template_render (const char *text, const RpFlow *flow, char *const *values, GHashTable *result,
                    GHashTable *data, const RpSlotMoment *moment)
{
  const Values from = {flow, values, result, data, moment};
  GString *out = g_string_new (NULL);
  for (const char *p = text != NULL ? text : ""; *p != '\0';) {
    const char *end = p;
    guint depth = 0;
    while (*end != '\0' &&
           !(depth == 0 && end > p && strchr (".!?", end[-1]) != NULL && g_ascii_isspace (*end))) {
      depth += *end == '{' || *end == '[' ? 1 : 0;
      depth -= (*end == '}' || *end == ']') && depth > 0 ? 1 : 0;
      end++;
    }
    g_autoptr (GString) sentence = g_string_new (NULL);
    if (render_part (p, end, &from, sentence)) {
      if (out->len > 0 && sentence->len > 0)
        g_string_append_c (out, ' ');
      /* A value may begin the sentence: "tomorrow at noon". */
      char *first = sentence->str;
      if (g_ascii_islower (*first))
        *first = g_ascii_toupper (*first);
      g_string_append (out, sentence->str);
    }
    while (g_ascii_isspace (*end))
      end++;
    p = end;
  }
  return g_string_free (out, FALSE);
}

char *
rp_text_render (const char *text, GHashTable *data)
{
  return text != NULL && strchr (text, '{') != NULL
             ? rp_template_render (text, NULL, NULL, NULL, data, NULL)
             : g_strdup (text);
}

void
rp_append_json_string (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (const char *p = text; *p != '\0'; p++) {
    if (*p == '"' || *p == '\\')
      g_string_append_printf (out, "\\%c", *p);
    else if ((guchar) *p < 0x20)
      g_string_append_printf (out, "\\u%04x", (guint) (guchar) *p);
    else
      g_string_append_c (out, *p);
  }
  g_string_append_c (out, '"');
}

char *
rp_flow_arguments (const RpFlow *flow, char *const *values)
{
  GString *json = g_string_new ("{");
  for (guint i = 0; i < flow->slots->len; i++) {
    const RpSlot *slot = g_ptr_array_index (flow->slots, i);
    const char *value = values[i] != NULL ? values[i] : slot->fallback;
    if (value == NULL)
      continue;
    if (json->len > 1)
      g_string_append (json, ", ");
    rp_append_json_string (json, slot->name);
    g_string_append (json, ": ");
    if (slot->type == RP_SLOT_NUMBER || slot->type == RP_SLOT_DURATION)
      g_string_append (json, value);
    else if (slot->type == RP_SLOT_YES_NO)
      g_string_append (json, strcmp (value, "yes") == 0 ? "true" : "false");
    else
      rp_append_json_string (json, value);
  }
  return g_string_free (g_string_append_c (json, '}'), FALSE);
}
