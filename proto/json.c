#include "json.h"

#include "json-scan.h"
#include <math.h>
#include <string.h>

/* Integers up to here are exact in a double. */
#define MAX_EXACT_INT 9007199254740992.0
/* What we build ourselves is shallow; a deeper tree is cut rather than recursed into. */
#define MAX_WRITE_DEPTH (2 * RP_JSON_MAX_DEPTH)

G_DEFINE_QUARK (rp - json - error - quark, rp_json_error)

JsonNode *
rp_json_parse (const char *data, gsize len, gsize max_len, GError **error)
{
  if ((max_len > 0 && len > max_len) || len > G_MAXSSIZE) {
    g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_TOO_LARGE,
                 "%" G_GSIZE_FORMAT " bytes of JSON, at most %" G_GSIZE_FORMAT " are allowed", len,
                 max_len);
    return NULL;
  }
  if (!rp_json_scan (data, len, error))
    return NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) local = NULL;
  if (!json_parser_load_from_data (parser, data, (gssize) len, &local)) {
    g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_SYNTAX, "%s", local->message);
    return NULL;
  }
  JsonNode *root = json_parser_steal_root (parser);
  if (root == NULL)
    g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_SYNTAX, "no value");
  return root;
}

JsonObject *
rp_json_parse_object (const char *data, gsize len, gsize max_len, GError **error)
{
  g_autoptr (JsonNode) root = rp_json_parse (data, len, max_len, error);
  if (root == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT (root)) {
    g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_TYPE, "expected an object");
    return NULL;
  }
  return json_node_dup_object (root);
}

static gboolean
node_is_int (JsonNode *node)
{
  if (!JSON_NODE_HOLDS_VALUE (node))
    return FALSE;
  if (json_node_get_value_type (node) == G_TYPE_INT64)
    return TRUE;
  if (json_node_get_value_type (node) != G_TYPE_DOUBLE)
    return FALSE;
  gdouble value = json_node_get_double (node);
  return fabs (value) <= MAX_EXACT_INT && floor (value) == value;
}

static gboolean
node_is_number (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) && (json_node_get_value_type (node) == G_TYPE_INT64 ||
                                          json_node_get_value_type (node) == G_TYPE_DOUBLE);
}

static gboolean
node_is (JsonNode *node, RpJsonType type)
{
  switch (type) {
  case RP_JSON_ANY:
    return !JSON_NODE_HOLDS_NULL (node);
  case RP_JSON_STRING:
    return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING;
  case RP_JSON_INT:
    return node_is_int (node);
  case RP_JSON_NUMBER:
    return node_is_number (node);
  case RP_JSON_BOOL:
    return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_BOOLEAN;
  case RP_JSON_OBJECT:
    return JSON_NODE_HOLDS_OBJECT (node);
  case RP_JSON_ARRAY:
    return JSON_NODE_HOLDS_ARRAY (node);
  default:
    return FALSE;
  }
}

static const char *
type_words (RpJsonType type)
{
  static const char *const words[] = {
      [RP_JSON_ANY] = "a value",        [RP_JSON_STRING] = "a string",
      [RP_JSON_INT] = "an integer",     [RP_JSON_NUMBER] = "a number",
      [RP_JSON_BOOL] = "true or false", [RP_JSON_OBJECT] = "an object",
      [RP_JSON_ARRAY] = "an array",
  };
  return (gsize) type < G_N_ELEMENTS (words) ? words[type] : "?";
}

static const char *
node_words (JsonNode *node)
{
  if (JSON_NODE_HOLDS_NULL (node))
    return "null";
  for (RpJsonType type = RP_JSON_STRING; type <= RP_JSON_ARRAY; type++)
    if (node_is (node, type))
      return type_words (type);
  return "something else";
}

static gint64
node_int (JsonNode *node)
{
  return json_node_get_value_type (node) == G_TYPE_INT64 ? json_node_get_int (node)
                                                         : (gint64) json_node_get_double (node);
}

static gdouble
node_double (JsonNode *node)
{
  return json_node_get_value_type (node) == G_TYPE_INT64 ? (gdouble) json_node_get_int (node)
                                                         : json_node_get_double (node);
}

static gboolean
check_type (JsonNode *node, RpJsonType type, const char *path, GError **error)
{
  if (node_is (node, type))
    return TRUE;
  g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_TYPE, "%s: expected %s, got %s", path,
               type_words (type), node_words (node));
  return FALSE;
}

static gboolean
check_number (JsonNode *node, const RpJsonField *field, const char *path, GError **error)
{
  if (field->min == 0 && field->max == 0)
    return TRUE;
  gdouble value = node_double (node);
  if (value >= field->min && value <= field->max)
    return TRUE;
  g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_RANGE,
               "%s: expected %s from %.15g to %.15g, got %.15g", path, type_words (field->type),
               field->min, field->max, value);
  return FALSE;
}

static gboolean
check_length (gsize length, const RpJsonField *field, const char *unit, const char *path,
              GError **error)
{
  if (field->max_length == 0 || length <= field->max_length)
    return TRUE;
  g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_RANGE,
               "%s: expected at most %" G_GSIZE_FORMAT " %s, got %" G_GSIZE_FORMAT, path,
               field->max_length, unit, length);
  return FALSE;
}

static gboolean
check_array (JsonArray *array, const RpJsonField *field, const char *path, RpJsonCheckFlags flags,
             GError **error)
{
  guint length = json_array_get_length (array);
  if (!check_length (length, field, "elements", path, error))
    return FALSE;
  RpJsonType items = field->fields != NULL ? RP_JSON_OBJECT : field->items;
  for (guint i = 0; items != RP_JSON_ANY && i < length; i++) {
    JsonNode *node = json_array_get_element (array, i);
    g_autofree char *item_path = g_strdup_printf ("%s[%u]", path, i);
    if (!check_type (node, items, item_path, error))
      return FALSE;
    if (field->fields != NULL && !rp_json_check_full (json_node_get_object (node), item_path,
                                                      field->fields, field->n_fields, flags, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
check_value (JsonNode *node, const RpJsonField *field, const char *path, RpJsonCheckFlags flags,
             GError **error)
{
  if (!check_type (node, field->type, path, error))
    return FALSE;
  switch (field->type) {
  case RP_JSON_STRING:
    return check_length (strlen (json_node_get_string (node)), field, "bytes", path, error);
  case RP_JSON_INT:
  case RP_JSON_NUMBER:
    return check_number (node, field, path, error);
  case RP_JSON_ARRAY:
    return check_array (json_node_get_array (node), field, path, flags, error);
  case RP_JSON_OBJECT:
    return field->fields == NULL ||
           rp_json_check_full (json_node_get_object (node), path, field->fields, field->n_fields,
                               flags, error);
  case RP_JSON_ANY:
  case RP_JSON_BOOL:
  default:
    return TRUE;
  }
}

static char *
join_path (const char *path, const char *name)
{
  return path != NULL && *path != '\0' ? g_strconcat (path, ".", name, NULL) : g_strdup (name);
}

static gboolean
check_unknown (JsonObject *object, const char *path, const RpJsonField *fields, guint n_fields,
               GError **error)
{
  JsonObjectIter iter;
  const char *name;
  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, NULL)) {
    guint i = 0;
    while (i < n_fields && strcmp (fields[i].name, name) != 0)
      i++;
    if (i == n_fields) {
      g_autofree char *full = join_path (path, name);
      g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_UNKNOWN, "%s: unknown member", full);
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
rp_json_check_full (JsonObject *object, const char *path, const RpJsonField *fields, guint n_fields,
                    RpJsonCheckFlags flags, GError **error)
{
  for (guint i = 0; i < n_fields; i++) {
    const RpJsonField *field = &fields[i];
    JsonNode *node = rp_json_member (object, field->name);
    if (node == NULL && !field->required)
      continue;
    g_autofree char *full = join_path (path, field->name);
    if (node == NULL) {
      g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_MISSING, "%s: missing, expected %s", full,
                   type_words (field->type));
      return FALSE;
    }
    if (!check_value (node, field, full, flags, error))
      return FALSE;
  }
  if ((flags & RP_JSON_CHECK_NO_UNKNOWN) == 0)
    return TRUE;
  return check_unknown (object, path, fields, n_fields, error);
}

gboolean
rp_json_check (JsonObject *object, const RpJsonField *fields, guint n_fields, GError **error)
{
  return rp_json_check_full (object, NULL, fields, n_fields, RP_JSON_CHECK_NONE, error);
}

JsonNode *
rp_json_member (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;
  return node == NULL || JSON_NODE_HOLDS_NULL (node) ? NULL : node;
}

static JsonNode *
typed_member (JsonObject *object, const char *name, RpJsonType type)
{
  JsonNode *node = rp_json_member (object, name);
  return node != NULL && node_is (node, type) ? node : NULL;
}

const char *
rp_json_string (JsonObject *object, const char *name, const char *fallback)
{
  JsonNode *node = typed_member (object, name, RP_JSON_STRING);
  return node != NULL ? json_node_get_string (node) : fallback;
}

gint64
rp_json_int (JsonObject *object, const char *name, gint64 fallback)
{
  JsonNode *node = typed_member (object, name, RP_JSON_INT);
  return node != NULL ? node_int (node) : fallback;
}

gdouble
rp_json_double (JsonObject *object, const char *name, gdouble fallback)
{
  JsonNode *node = typed_member (object, name, RP_JSON_NUMBER);
  return node != NULL ? node_double (node) : fallback;
}

gboolean
rp_json_bool (JsonObject *object, const char *name, gboolean fallback)
{
  JsonNode *node = typed_member (object, name, RP_JSON_BOOL);
  return node != NULL ? json_node_get_boolean (node) : fallback;
}

JsonObject *
rp_json_object (JsonObject *object, const char *name)
{
  JsonNode *node = typed_member (object, name, RP_JSON_OBJECT);
  return node != NULL ? json_node_get_object (node) : NULL;
}

JsonArray *
rp_json_array (JsonObject *object, const char *name)
{
  JsonNode *node = typed_member (object, name, RP_JSON_ARRAY);
  return node != NULL ? json_node_get_array (node) : NULL;
}

static JsonNode *
typed_element (JsonArray *array, guint index, RpJsonType type)
{
  if (array == NULL || index >= json_array_get_length (array))
    return NULL;
  JsonNode *node = json_array_get_element (array, index);
  return node_is (node, type) ? node : NULL;
}

const char *
rp_json_array_string (JsonArray *array, guint index)
{
  JsonNode *node = typed_element (array, index, RP_JSON_STRING);
  return node != NULL ? json_node_get_string (node) : NULL;
}

JsonObject *
rp_json_array_object (JsonArray *array, guint index)
{
  JsonNode *node = typed_element (array, index, RP_JSON_OBJECT);
  return node != NULL ? json_node_get_object (node) : NULL;
}

void
rp_json_append_string (GString *out, const char *text)
{
  if (text == NULL) {
    g_string_append (out, "null");
    return;
  }
  g_autofree char *valid = g_utf8_validate (text, -1, NULL) ? NULL : g_utf8_make_valid (text, -1);
  g_string_append_c (out, '"');
  for (const char *p = valid != NULL ? valid : text; *p != '\0'; p++) {
    guchar c = (guchar) *p;
    const char *at = strchr ("\"\\\b\f\n\r\t", *p);
    if (at != NULL) {
      g_string_append_c (out, '\\');
      g_string_append_c (out, "\"\\bfnrt"[at - "\"\\\b\f\n\r\t"]);
    } else if (c < 0x20 || c == 0x7f) {
      g_string_append_printf (out, "\\u%04x", c);
    } else if (c == 0xc2 && (guchar) p[1] < 0xa0) {
      /* U+0080 to U+009F, which terminals obey, too. */
      g_string_append_printf (out, "\\u%04x", (guchar) * ++p);
    } else {
      g_string_append_c (out, *p);
    }
  }
  g_string_append_c (out, '"');
}

/* The shortest form that reads back as the same double. json-glib's own writer makes "1e+20.0" and
 * "inf.0". */
static void
append_double (GString *out, gdouble value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  if (!isfinite (value))
    value = 0;
  g_ascii_formatd (text, sizeof text, "%.15g", value);
  if (g_ascii_strtod (text, NULL) != value)
    g_ascii_formatd (text, sizeof text, "%.17g", value);
  g_string_append (out, text);
  if (strpbrk (text, ".eE") == NULL)
    g_string_append (out, ".0");
}

static void append_node (GString *out, JsonNode *node, guint depth);

static void
append_object (GString *out, JsonObject *object, guint depth)
{
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;
  gboolean first = TRUE;
  g_string_append_c (out, '{');
  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &node)) {
    if (!first)
      g_string_append_c (out, ',');
    first = FALSE;
    rp_json_append_string (out, name);
    g_string_append_c (out, ':');
    append_node (out, node, depth + 1);
  }
  g_string_append_c (out, '}');
}

static void
append_array (GString *out, JsonArray *array, guint depth)
{
  g_string_append_c (out, '[');
  for (guint i = 0; i < json_array_get_length (array); i++) {
    if (i > 0)
      g_string_append_c (out, ',');
    append_node (out, json_array_get_element (array, i), depth + 1);
  }
  g_string_append_c (out, ']');
}

static void
append_node (GString *out, JsonNode *node, guint depth)
{
  if (node == NULL || depth > MAX_WRITE_DEPTH)
    g_string_append (out, "null");
  else if (node_is (node, RP_JSON_OBJECT))
    append_object (out, json_node_get_object (node), depth);
  else if (node_is (node, RP_JSON_ARRAY))
    append_array (out, json_node_get_array (node), depth);
  else if (node_is (node, RP_JSON_STRING))
    rp_json_append_string (out, json_node_get_string (node));
  else if (node_is (node, RP_JSON_BOOL))
    g_string_append (out, json_node_get_boolean (node) ? "true" : "false");
  else if (!node_is_number (node))
    g_string_append (out, "null");
  else if (json_node_get_value_type (node) == G_TYPE_INT64)
    g_string_append_printf (out, "%" G_GINT64_FORMAT, json_node_get_int (node));
  else
    append_double (out, json_node_get_double (node));
}

char *
rp_json_to_string (JsonNode *node)
{
  GString *out = g_string_new (NULL);
  append_node (out, node, 0);
  return g_string_free (out, FALSE);
}

char *
rp_json_builder_to_string (JsonBuilder *builder)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_object_unref (builder);
  return rp_json_to_string (root);
}
