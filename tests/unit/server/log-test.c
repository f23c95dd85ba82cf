/* The log: what a record looks like, and that it holds nobody up. */
#include "log.h"

#include "json.h"

#include <string.h>
#include <unistd.h>

typedef struct {
  int fds[2];
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (pipe (f->fds), ==, 0);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  close (f->fds[0]);
}

static void
start (Fixture *f, RpLogLevel level, gboolean json)
{
  const RpLogConfig config = {.level = level, .json = json, .fd = f->fds[1]};
  rp_log_start (&config);
}

static gpointer
read_all (gpointer data)
{
  Fixture *f = data;
  GString *all = g_string_new (NULL);
  char piece[4096];
  gssize n = 0;
  while ((n = read (f->fds[0], piece, sizeof piece)) > 0)
    g_string_append_len (all, piece, n);
  return g_string_free (all, FALSE);
}

/* Ends the log and returns what it wrote. */
static char *
finish (Fixture *f)
{
  GThread *reader = g_thread_new ("reader", read_all, f);
  rp_log_stop ();
  close (f->fds[1]);
  return g_thread_join (reader);
}

static void
test_plain (Fixture *f, gconstpointer data)
{
  start (f, RP_LOG_LEVEL_INFO, FALSE);
  rp_log_info ("topic", "it happened", RP_LOG_STR ("who", "me"), RP_LOG_INT ("n", -3),
               RP_LOG_NUM ("x", 1.5), RP_LOG_STR ("none", NULL),
               RP_LOG_STR ("text", "two words\nand a \"line\""));
  rp_log_debug ("topic", "too small to be told");
  rp_log_warning ("topic", "without fields");
  g_autofree char *text = finish (f);
  g_assert_nonnull (strstr (text, "Z info    topic: it happened who=me n=-3 x=1.500 "
                                  "text=\"two words\\nand a \\\"line\\\"\"\n"));
  g_assert_nonnull (strstr (text, "warning topic: without fields\n"));
  g_assert_null (strstr (text, "too small"));
  g_assert_null (strstr (text, "none"));
}

static void
test_json (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  start (f, RP_LOG_LEVEL_DEBUG, TRUE);
  rp_log_error ("a", "one", RP_LOG_STR ("s", "q\"\\\x01\xff"), RP_LOG_INT ("i", G_MAXINT64));
  rp_log_debug ("b", "two");
  g_autofree char *text = finish (f);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 3);
  g_autoptr (JsonObject) first = rp_json_parse_object (lines[0], strlen (lines[0]), 0, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (rp_json_string (first, "level", ""), ==, "error");
  g_assert_cmpint (rp_json_int (first, "i", 0), ==, G_MAXINT64);
  g_autoptr (JsonObject) second = rp_json_parse_object (lines[1], strlen (lines[1]), 0, &error);
  g_assert_cmpstr (rp_json_string (second, "message", ""), ==, "two");
}

/* What a terminal would obey: in UTF-8 U+009B is what ESC [ is. */
static void
test_terminal (Fixture *f, gconstpointer data)
{
  start (f, RP_LOG_LEVEL_INFO, data != NULL);
  rp_log_info ("a", "b", RP_LOG_STR ("x", "\x1b[2J"),
               RP_LOG_STR ("y", "\xc2\x9b"
                                "2J"),
               RP_LOG_STR ("z", "\xc2\x9d"
                                "0;title\x07\x7f"),
               RP_LOG_STR ("plain", "\xc2\xa0\xc3\x9b"));
  g_autofree char *text = finish (f);
  for (const char *c = text; *c != '\0'; c = g_utf8_next_char (c))
    g_assert_false (*c != '\n' && g_unichar_iscntrl (g_utf8_get_char (c)));
  g_assert_nonnull (strstr (text, "\"\\u009b2J\""));
  g_assert_nonnull (strstr (text, "\\u009d0;title\\u0007\\u007f"));
  g_assert_nonnull (strstr (text, "\xc2\xa0\xc3\x9b"));
}

/* Nobody reads: the caller goes on, records are dropped and the loss is told. */
static void
test_blocked (Fixture *f, gconstpointer data)
{
  guint64 before = rp_log_dropped ();
  start (f, RP_LOG_LEVEL_INFO, FALSE);
  for (guint i = 0; i < 5 * RP_LOG_QUEUE_MAX; i++)
    rp_log_info ("flood", "one of very many records that nobody reads");
  g_assert_cmpuint (rp_log_dropped () - before, >, RP_LOG_QUEUE_MAX);
  g_autofree char *text = finish (f);
  g_assert_nonnull (strstr (text, "records were dropped"));
}

static void
test_long_record (Fixture *f, gconstpointer data)
{
  g_autofree char *value = g_strnfill (100000, 'x');
  g_autoptr (GError) error = NULL;
  start (f, RP_LOG_LEVEL_INFO, TRUE);
  rp_log_info ("a", "long", RP_LOG_STR ("value", value), RP_LOG_STR ("more", value));
  g_autofree char *text = finish (f);
  g_assert_cmpuint (strlen (text), <, 3 * RP_LOG_MAX_BYTES);
  g_autoptr (JsonObject) object = rp_json_parse_object (text, strlen (text), 0, &error);
  g_assert_no_error (error);
  g_assert_nonnull (object);
}

static void
test_libraries (Fixture *f, gconstpointer data)
{
  start (f, RP_LOG_LEVEL_DEBUG, FALSE);
  const GLogField fields[] = {{"MESSAGE", "of a library", -1}, {"GLIB_DOMAIN", "lib", -1}};
  const GLogField secret[] = {{"MESSAGE", "password", -1}};
  g_log_structured_array (G_LOG_LEVEL_WARNING, fields, G_N_ELEMENTS (fields));
  g_log_structured_array (G_LOG_LEVEL_DEBUG, secret, G_N_ELEMENTS (secret));
  g_autofree char *text = finish (f);
  g_assert_nonnull (strstr (text, "domain=lib text=\"of a library\""));
  g_assert_null (strstr (text, "password"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/log/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("plain", test_plain);
  ADD ("terminal", test_terminal);
  g_test_add ("/log/terminal/json", Fixture, "json", set_up, test_terminal, tear_down);
  ADD ("json", test_json);
  ADD ("blocked", test_blocked);
  ADD ("long-record", test_long_record);
  ADD ("libraries", test_libraries);
  return g_test_run ();
}
