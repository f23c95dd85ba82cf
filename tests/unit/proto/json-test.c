#include "json.h"
#include <math.h>
#include <string.h>

/* Parses an exactly sized heap copy, so that a sanitizer sees a read past the end. */
static JsonNode *
parse (const char *text, gsize len, gsize max_len, GError **error)
{
  g_autofree char *copy = g_memdup2 (text, len);
  return rp_json_parse (copy, len, max_len, error);
}

static JsonObject *
object (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonObject *result = rp_json_parse_object (text, strlen (text), 0, &error);
  g_assert_no_error (error);
  return result;
}

static void
test_accepts (void)
{
  static const char *const rows[][2] = {
      {"null", "null"},
      {" \t\r\n{} ", "{}"},
      {"[]", "[]"},
      {"[[],{}]", "[[],{}]"},
      {"true", "true"},
      {"[1,-2.5,1e5,1E+2,0.1e-2,-0]", "[1,-2.5,100000.0,100.0,0.001,0]"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"1e20", "1e+20"},
      {"1e-5", "1e-05"},
      {"0.1", "0.1"},
      {"1e-400", "0.0"},
      {"{\"b\":1,\"a\":{\"c\":[null]}}", "{\"b\":1,\"a\":{\"c\":[null]}}"},
      {"\"\\u00e9\\/\\ud83d\\ude00\"", "\"\xc3\xa9/\xf0\x9f\x98\x80\""},
      {"\"\\b\\f\\n\\r\\t\\\\\\\"\\u0001\\u007f\"", "\"\\b\\f\\n\\r\\t\\\\\\\"\\u0001\\u007f\""},
      {"\"[[[[ // /* ' {\"", "\"[[[[ // /* ' {\""},
      {"{\"\":1}", "{\"\":1}"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) node = parse (rows[i][0], strlen (rows[i][0]), 0, &error);
    g_assert_no_error (error);
    g_autofree char *text = rp_json_to_string (node);
    g_assert_cmpstr (text, ==, rows[i][1]);
  }
}

typedef struct {
  const char *text;
  gsize len; /* 0 = strlen */
  RpJsonError code;
  const char *message;
} BadRow;

static const BadRow bad_rows[] = {
    {"", 0, RP_JSON_ERROR_SYNTAX, "unexpected end"},
    {"   ", 0, RP_JSON_ERROR_SYNTAX, "unexpected end"},
    {"{", 0, RP_JSON_ERROR_SYNTAX, "unexpected end"},
    {"[1", 0, RP_JSON_ERROR_SYNTAX, "unexpected end"},
    {"{\"a\"", 0, RP_JSON_ERROR_SYNTAX, "unexpected end"},
    {"{\"a\":", 0, RP_JSON_ERROR_SYNTAX, "unexpected end"},
    {"]", 0, RP_JSON_ERROR_SYNTAX, "unexpected character at byte 0"},
    {"[}", 0, RP_JSON_ERROR_SYNTAX, "unexpected character at byte 1"},
    {"{]", 0, RP_JSON_ERROR_SYNTAX, "expected a member name"},
    {"[1}", 0, RP_JSON_ERROR_SYNTAX, "expected ',' or ']'"},
    {"{\"a\":1]", 0, RP_JSON_ERROR_SYNTAX, "expected ',' or '}'"},
    {"{\"a\" 1}", 0, RP_JSON_ERROR_SYNTAX, "expected ':'"},
    {"{a:1}", 0, RP_JSON_ERROR_SYNTAX, "expected a member name"},
    {"[1,]", 0, RP_JSON_ERROR_SYNTAX, "unexpected character at byte 3"},
    {"{\"a\":1,}", 0, RP_JSON_ERROR_SYNTAX, "expected a member name"},
    {"1 2", 0, RP_JSON_ERROR_SYNTAX, "something after"},
    {"{}{}", 0, RP_JSON_ERROR_SYNTAX, "something after"},
    {"'a'", 0, RP_JSON_ERROR_SYNTAX, "unexpected character"},
    {"// x\n1", 0, RP_JSON_ERROR_SYNTAX, "unexpected character"},
    {"/* \" */ 1", 0, RP_JSON_ERROR_SYNTAX, "unexpected character"},
    {"var a = 1", 0, RP_JSON_ERROR_SYNTAX, "unexpected character"},
    {"nul", 0, RP_JSON_ERROR_SYNTAX, "unexpected character"},
    {"NaN", 0, RP_JSON_ERROR_SYNTAX, "unexpected character"},
    {"truex", 0, RP_JSON_ERROR_SYNTAX, "something after"},
    {"\xef\xbb\xbf{}", 0, RP_JSON_ERROR_SYNTAX, "unexpected character"},
    {"\"a", 0, RP_JSON_ERROR_SYNTAX, "unfinished string"},
    {"\"a\\", 0, RP_JSON_ERROR_SYNTAX, "unfinished escape"},
    {"\"\\x41\"", 0, RP_JSON_ERROR_SYNTAX, "unknown escape"},
    {"\"\\u12\"", 0, RP_JSON_ERROR_SYNTAX, "bad \\u escape"},
    {"\"\\u", 0, RP_JSON_ERROR_SYNTAX, "bad \\u escape"},
    {"\"\\u0000\"", 0, RP_JSON_ERROR_SYNTAX, "escaped NUL"},
    {"\"\\ud83d\"", 0, RP_JSON_ERROR_SYNTAX, "lone surrogate"},
    {"\"\\ud83d\\u0041\"", 0, RP_JSON_ERROR_SYNTAX, "lone surrogate"},
    {"\"\\ud83d\\u", 0, RP_JSON_ERROR_SYNTAX, "lone surrogate"},
    {"\"\\ude00\"", 0, RP_JSON_ERROR_SYNTAX, "lone surrogate"},
    {"\"a\nb\"", 0, RP_JSON_ERROR_SYNTAX, "control character"},
    {"\"\xff\"", 0, RP_JSON_ERROR_SYNTAX, "not UTF-8 at byte 1"},
    {"\"a\0b\"", 5, RP_JSON_ERROR_SYNTAX, "not UTF-8 at byte 2"},
    {"{}\0", 3, RP_JSON_ERROR_SYNTAX, "not UTF-8 at byte 2"},
    {"01", 0, RP_JSON_ERROR_SYNTAX, "bad number"},
    {"-", 0, RP_JSON_ERROR_SYNTAX, "bad number"},
    {"1.", 0, RP_JSON_ERROR_SYNTAX, "bad number"},
    {"1e", 0, RP_JSON_ERROR_SYNTAX, "bad number"},
    {"1e+", 0, RP_JSON_ERROR_SYNTAX, "bad number"},
    {"+1", 0, RP_JSON_ERROR_SYNTAX, "unexpected character"},
    {".5", 0, RP_JSON_ERROR_SYNTAX, "unexpected character"},
    {"0x10", 0, RP_JSON_ERROR_SYNTAX, "something after"},
    {"9223372036854775808", 0, RP_JSON_ERROR_RANGE, "out of range"},
    {"-9223372036854775809", 0, RP_JSON_ERROR_RANGE, "out of range"},
    {"1e400", 0, RP_JSON_ERROR_RANGE, "out of range"},
};

static void
test_refuses (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bad_rows); i++) {
    const BadRow *row = &bad_rows[i];
    g_autoptr (GError) error = NULL;
    g_test_message ("row %" G_GSIZE_FORMAT, i);
    g_assert_null (parse (row->text, row->len > 0 ? row->len : strlen (row->text), 0, &error));
    g_assert_error (error, RP_JSON_ERROR, (int) row->code);
    g_assert_nonnull (strstr (error->message, row->message));
  }
}

static void
test_length (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) fits = parse ("[1]", 3, 3, &error);
  g_assert_no_error (error);
  g_assert_nonnull (fits);
  g_assert_null (parse ("[1] ", 4, 3, &error));
  g_assert_error (error, RP_JSON_ERROR, RP_JSON_ERROR_TOO_LARGE);
}

/* @n times @open, then a value, then @n times @close. */
static char *
nested (guint n, const char *open, const char *close)
{
  GString *out = g_string_new (NULL);
  for (guint i = 0; i < n; i++)
    g_string_append (out, open);
  g_string_append (out, "1");
  for (guint i = 0; i < n; i++)
    g_string_append (out, close);
  return g_string_free (out, FALSE);
}

static void
test_depth (void)
{
  static const char *const shapes[][2] = {{"[", "]"}, {"{\"a\":", "}"}};
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++) {
    g_autofree char *deepest = nested (RP_JSON_MAX_DEPTH, shapes[i][0], shapes[i][1]);
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonNode) node = parse (deepest, strlen (deepest), 0, &error);
    g_assert_no_error (error);
    g_autofree char *text = rp_json_to_string (node);
    g_assert_cmpstr (text, ==, deepest);

    g_autofree char *too_deep = nested (RP_JSON_MAX_DEPTH + 1, shapes[i][0], shapes[i][1]);
    g_assert_null (parse (too_deep, strlen (too_deep), 0, &error));
    g_assert_error (error, RP_JSON_ERROR, RP_JSON_ERROR_TOO_DEEP);
  }
  /* json-glib alone dies of this one. */
  g_autofree char *attack = g_strnfill (100000, '[');
  g_autoptr (GError) error = NULL;
  g_assert_null (parse (attack, 100000, 0, &error));
  g_assert_error (error, RP_JSON_ERROR, RP_JSON_ERROR_TOO_DEEP);

  g_autofree char *quoted = g_strdup_printf ("\"%s\"", attack);
  g_clear_error (&error);
  g_autoptr (JsonNode) string = parse (quoted, strlen (quoted), 0, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (json_node_get_string (string), ==, attack);
}

static void
test_getters (void)
{
  g_autoptr (JsonObject) o =
      object ("{\"s\":\"x\",\"i\":7,\"d\":2.5,\"whole\":3.0,\"b\":true,\"n\":null,"
              "\"o\":{\"k\":1},\"a\":[\"p\",{},3]}");
  g_assert_cmpstr (rp_json_string (o, "s", "f"), ==, "x");
  g_assert_cmpstr (rp_json_string (o, "i", "f"), ==, "f");
  g_assert_cmpstr (rp_json_string (o, "n", "f"), ==, "f");
  g_assert_cmpstr (rp_json_string (o, "absent", "f"), ==, "f");
  g_assert_cmpstr (rp_json_string (o, "o", "f"), ==, "f");
  g_assert_cmpstr (rp_json_string (NULL, "s", "f"), ==, "f");
  g_assert_cmpint (rp_json_int (o, "i", -1), ==, 7);
  g_assert_cmpint (rp_json_int (o, "whole", -1), ==, 3);
  g_assert_cmpint (rp_json_int (o, "d", -1), ==, -1);
  g_assert_cmpint (rp_json_int (o, "s", -1), ==, -1);
  g_assert_cmpfloat (rp_json_double (o, "d", -1), ==, 2.5);
  g_assert_cmpfloat (rp_json_double (o, "i", -1), ==, 7);
  g_assert_cmpfloat (rp_json_double (o, "b", -1), ==, -1);
  g_assert_true (rp_json_bool (o, "b", FALSE));
  g_assert_true (rp_json_bool (o, "s", TRUE));
  g_assert_false (rp_json_bool (o, "i", FALSE));
  g_assert_cmpint (rp_json_int (rp_json_object (o, "o"), "k", -1), ==, 1);
  g_assert_null (rp_json_object (o, "a"));
  g_assert_null (rp_json_array (o, "o"));
  g_assert_null (rp_json_member (o, "n"));
  JsonArray *a = rp_json_array (o, "a");
  g_assert_cmpstr (rp_json_array_string (a, 0), ==, "p");
  g_assert_null (rp_json_array_string (a, 2));
  g_assert_nonnull (rp_json_array_object (a, 1));
  g_assert_null (rp_json_array_object (a, 0));
  g_assert_null (rp_json_array_object (a, 3));
  g_assert_null (rp_json_array_string (NULL, 0));

  g_autoptr (GError) error = NULL;
  g_assert_null (rp_json_parse_object ("[1]", 3, 0, &error));
  g_assert_error (error, RP_JSON_ERROR, RP_JSON_ERROR_TYPE);
}

static const RpJsonField audio_fields[] = {
    {.name = "rate", .type = RP_JSON_INT, .required = TRUE, .min = 8000, .max = 48000},
};
static const RpJsonField tool_fields[] = {
    {.name = "name", .type = RP_JSON_STRING, .required = TRUE, .max_length = 4},
};
static const RpJsonField check_fields[] = {
    {.name = "sdp", .type = RP_JSON_STRING, .required = TRUE, .max_length = 8},
    {.name = "gain", .type = RP_JSON_NUMBER, .min = -1, .max = 1},
    {.name = "fatal", .type = RP_JSON_BOOL},
    {.name = "any", .type = RP_JSON_ANY},
    {.name = "audio",
     .type = RP_JSON_OBJECT,
     .fields = audio_fields,
     .n_fields = G_N_ELEMENTS (audio_fields)},
    {.name = "tools",
     .type = RP_JSON_ARRAY,
     .max_length = 2,
     .fields = tool_fields,
     .n_fields = G_N_ELEMENTS (tool_fields)},
    {.name = "keys", .type = RP_JSON_ARRAY, .items = RP_JSON_STRING},
};

static const struct {
  const char *text;
  int code; /* -1 = accepted */
  const char *message;
} check_rows[] = {
    {"{\"sdp\":\"v=0\"}", -1, NULL},
    {"{\"sdp\":\"v=0\",\"gain\":null,\"other\":[]}", -1, NULL},
    {"{\"sdp\":\"12345678\",\"gain\":-1,\"fatal\":false,\"any\":[],\"audio\":{\"rate\":48000.0},"
     "\"tools\":[{\"name\":\"a\"}],\"keys\":[\"1\"]}",
     -1, NULL},
    {"{}", RP_JSON_ERROR_MISSING, "sdp: missing, expected a string"},
    {"{\"sdp\":null}", RP_JSON_ERROR_MISSING, "sdp: missing, expected a string"},
    {"{\"sdp\":7}", RP_JSON_ERROR_TYPE, "sdp: expected a string, got an integer"},
    {"{\"sdp\":\"123456789\"}", RP_JSON_ERROR_RANGE, "sdp: expected at most 8 bytes, got 9"},
    {"{\"sdp\":\"\",\"gain\":1.5}", RP_JSON_ERROR_RANGE,
     "gain: expected a number from -1 to 1, got 1.5"},
    {"{\"sdp\":\"\",\"gain\":\"1\"}", RP_JSON_ERROR_TYPE, "gain: expected a number, got a string"},
    {"{\"sdp\":\"\",\"fatal\":0}", RP_JSON_ERROR_TYPE,
     "fatal: expected true or false, got an integer"},
    {"{\"sdp\":\"\",\"audio\":[]}", RP_JSON_ERROR_TYPE, "audio: expected an object, got an array"},
    {"{\"sdp\":\"\",\"audio\":{}}", RP_JSON_ERROR_MISSING,
     "audio.rate: missing, expected an integer"},
    {"{\"sdp\":\"\",\"audio\":{\"rate\":7}}", RP_JSON_ERROR_RANGE,
     "audio.rate: expected an integer from 8000 to 48000, got 7"},
    {"{\"sdp\":\"\",\"audio\":{\"rate\":8000.5}}", RP_JSON_ERROR_TYPE,
     "audio.rate: expected an integer, got a number"},
    {"{\"sdp\":\"\",\"tools\":[{\"name\":\"a\"},3]}", RP_JSON_ERROR_TYPE,
     "tools[1]: expected an object, got an integer"},
    {"{\"sdp\":\"\",\"tools\":[{\"name\":\"a\"},{\"name\":\"abcde\"}]}", RP_JSON_ERROR_RANGE,
     "tools[1].name: expected at most 4 bytes, got 5"},
    {"{\"sdp\":\"\",\"tools\":[1,2,3]}", RP_JSON_ERROR_RANGE,
     "tools: expected at most 2 elements, got 3"},
    {"{\"sdp\":\"\",\"keys\":[\"a\",null]}", RP_JSON_ERROR_TYPE,
     "keys[1]: expected a string, got null"},
};

static void
test_check (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (check_rows); i++) {
    g_autoptr (JsonObject) o = object (check_rows[i].text);
    g_autoptr (GError) error = NULL;
    gboolean ok = rp_json_check (o, check_fields, G_N_ELEMENTS (check_fields), &error);
    g_assert_cmpint (ok, ==, check_rows[i].code < 0);
    if (ok) {
      g_assert_no_error (error);
      continue;
    }
    g_assert_error (error, RP_JSON_ERROR, check_rows[i].code);
    g_assert_cmpstr (error->message, ==, check_rows[i].message);
  }

  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) o = object ("{\"sdp\":\"\",\"audio\":{\"rate\":8000,\"rat\":1}}");
  g_assert_false (rp_json_check_full (o, "agent", check_fields, G_N_ELEMENTS (check_fields),
                                      RP_JSON_CHECK_NO_UNKNOWN, &error));
  g_assert_error (error, RP_JSON_ERROR, RP_JSON_ERROR_UNKNOWN);
  g_assert_cmpstr (error->message, ==, "agent.audio.rat: unknown member");
}

static void
test_writer (void)
{
  g_autofree char *null = rp_json_to_string (NULL);
  g_assert_cmpstr (null, ==, "null");

  JsonBuilder *builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "bad\xffkey");
  json_builder_add_string_value (builder, "\"\xfe\"");
  json_builder_set_member_name (builder, "inf");
  json_builder_add_double_value (builder, INFINITY);
  json_builder_set_member_name (builder, "nan");
  json_builder_add_double_value (builder, NAN);
  json_builder_set_member_name (builder, "third");
  json_builder_add_double_value (builder, 1.0 / 3);
  json_builder_end_object (builder);
  g_autofree char *text = rp_json_builder_to_string (builder);
  g_assert_cmpstr (text, ==,
                   "{\"bad\xef\xbf\xbdkey\":\"\\\"\xef\xbf\xbd\\\"\",\"inf\":0.0,\"nan\":0.0,"
                   "\"third\":0.33333333333333331}");

  g_autoptr (GString) out = g_string_new (NULL);
  rp_json_append_string (out, NULL);
  rp_json_append_string (out, "a\"\\\n\x1f\xc2\x85\xc2\xa0");
  g_assert_cmpstr (out->str, ==, "null\"a\\\"\\\\\\n\\u001f\\u0085\xc2\xa0\"");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json/accepts", test_accepts);
  g_test_add_func ("/json/refuses", test_refuses);
  g_test_add_func ("/json/length", test_length);
  g_test_add_func ("/json/depth", test_depth);
  g_test_add_func ("/json/getters", test_getters);
  g_test_add_func ("/json/check", test_check);
  g_test_add_func ("/json/writer", test_writer);
  return g_test_run ();
}
