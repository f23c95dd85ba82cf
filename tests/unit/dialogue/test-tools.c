#include "store.h"
#include "tool.h"

#include "json.h"

#include <glib/gstdio.h>
#include <string.h>

/* Monday, 5 May 2025, 13:00 UTC */
#define MONDAY_S 1746450000

typedef struct {
  char *dir, *path;
  RpBookingsConfig config;
  RpTools *tools;
  guint calls;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->dir = g_dir_make_tmp ("repartee-test-XXXXXX", NULL);
  f->path = g_build_filename (f->dir, "deep", "er", "agent.sqlite", NULL);
  rp_bookings_config_init (&f->config);
  f->config.timezone = g_strdup ("UTC");
  rp_bookings_config_add_room (&f->config, "Large", 12);
  rp_bookings_config_add_room (&f->config, "Small", 4);
  f->tools = rp_tools_new (&f->config, f->path);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  rp_tools_free (f->tools);
  rp_bookings_config_clear (&f->config);
  static const char *const suffixes[] = {"", "-wal", "-shm"};
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++) {
    g_autofree char *file = g_strconcat (f->path, suffixes[i], NULL);
    g_unlink (file);
  }
  g_autofree char *er = g_path_get_dirname (f->path);
  g_autofree char *deep = g_path_get_dirname (er);
  g_rmdir (er);
  g_rmdir (deep);
  g_rmdir (f->dir);
  g_free (f->dir);
  g_free (f->path);
}

static char *
call_as (Fixture *f, const char *id, const char *tool, const char *arguments)
{
  g_autoptr (GError) error = NULL;
  char *result = rp_tools_call (f->tools, tool, id, arguments, MONDAY_S, &error);
  g_assert_no_error (error);
  return result;
}

static char *
call (Fixture *f, const char *tool, const char *arguments)
{
  g_autofree char *id = g_strdup_printf ("call_%u", f->calls++);
  return call_as (f, id, tool, arguments);
}

static void
expect (const char *result, const char *part)
{
  if (strstr (result, part) == NULL)
    g_test_message ("wants %s in %s", part, result);
  g_assert_nonnull (strstr (result, part));
}

#define BOOK(day, time, more) \
  "{\"day\":\"" day "\",\"time\":\"" time "\",\"name\":\"Anna King\"" more "}"

static void
test_book (Fixture *f, gconstpointer data)
{
  g_autofree char *a = call (f, "book_room", BOOK ("2025-05-06", "14:30", ""));
  expect (a, "\"ok\":true");
  expect (a, "\"room\":\"Small\"");
  expect (a, "\"until\":\"15:30\"");
  g_autofree char *b = call (f, "book_room", BOOK ("2025-05-06", "15:00", ""));
  expect (b, "\"room\":\"Large\"");
  g_autofree char *c = call (f, "book_room", BOOK ("2025-05-06", "14:45", ""));
  expect (c, "\"reason\":\"conflict\"");
  expect (c, "\"alternatives\":[\"14:00\",\"15:30\"]");
  g_autofree char *d = call (f, "book_room", BOOK ("2025-05-06", "15:30", ""));
  expect (d, "\"room\":\"Small\"");
  g_autofree char *e = call (f, "book_room", BOOK ("2025-05-06", "10:00", ",\"people\":6"));
  expect (e, "\"room\":\"Large\"");
}

static void
test_rules (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *arguments, *part;
  } rows[] = {
      {BOOK ("2025-05-05", "12:00", ""), "\"reason\":\"past\""},
      {BOOK ("2025-05-04", "12:00", ""), "\"reason\":\"past_day\""},
      {BOOK ("2025-05-06", "07:00", ""), "\"reason\":\"closed\""},
      {BOOK ("2025-05-06", "07:00", ""), "\"opens\":\"08:00\",\"closes\":\"20:00\""},
      {BOOK ("2025-05-06", "07:00", ""), "[\"08:00\",\"08:30\"]"},
      {BOOK ("2025-05-06", "19:30", ""), "\"reason\":\"closed\""},
      {BOOK ("2025-05-06", "19:00", ""), "\"ok\":true"},
      {BOOK ("2025-05-10", "12:00", ""), "\"next_day\":\"2025-05-12\""},
      {BOOK ("2025-05-06", "12:10", ""), "\"reason\":\"step\""},
      {BOOK ("2025-05-06", "12:00", ",\"duration\":600"), "\"reason\":\"too_long\""},
      {BOOK ("2025-05-06", "12:00", ",\"duration\":5"), "\"reason\":\"too_short\""},
      {BOOK ("2026-05-06", "12:00", ""), "\"reason\":\"too_far\""},
      {BOOK ("2025-05-06", "12:00", ",\"people\":13"), "\"largest\":12"},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *result = call (f, "book_room", rows[i].arguments);
    expect (result, rows[i].part);
  }
}

static void
test_arguments (Fixture *f, gconstpointer data)
{
  static const struct {
    const char *tool, *arguments;
    int code;
  } rows[] = {
      {"fly", "{}", RP_TOOL_ERROR_UNKNOWN},
      {"book_room", "", RP_TOOL_ERROR_ARGUMENTS},
      {"book_room", "[]", RP_TOOL_ERROR_ARGUMENTS},
      {"book_room", "{\"day\":\"2025-05-06\"}", RP_TOOL_ERROR_ARGUMENTS},
      {"book_room", "{\"day\":\"2025-02-31\",\"time\":\"10:00\",\"name\":\"A\"}",
       RP_TOOL_ERROR_ARGUMENTS},
      {"book_room", "{\"day\":\"2025-05-06\",\"time\":\"25:00\",\"name\":\"A\"}",
       RP_TOOL_ERROR_ARGUMENTS},
      {"book_room", "{\"day\":\"2025-05-06\",\"time\":\"10:00\",\"name\":\"A\",\"x\":1}",
       RP_TOOL_ERROR_ARGUMENTS},
      {"book_room", "{\"day\":\"2025-05-06\",\"time\":\"10:00\",\"name\":\"A\",\"duration\":-5}",
       RP_TOOL_ERROR_ARGUMENTS},
      {"list_bookings", "{}", RP_TOOL_ERROR_ARGUMENTS},
      {"cancel_booking", "{\"name\":\"A\",\"day\":\"x\"}", RP_TOOL_ERROR_ARGUMENTS},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (
        rp_tools_call (f->tools, rows[i].tool, "id", rows[i].arguments, MONDAY_S, &error));
    g_assert_error (error, RP_TOOL_ERROR, rows[i].code);
    g_autofree char *result = rp_tools_error_result (error);
    expect (result, "\"ok\":false,\"reason\":\"error\"");
  }
  g_autofree char *end = call (f, "end_call", "{}");
  expect (end, "\"ok\":true");
}

/* A worker died after the call: its successor makes it again, and nothing happens twice. */
static void
test_same_id (Fixture *f, gconstpointer data)
{
  g_autofree char *a = call_as (f, "one", "book_room", BOOK ("2025-05-06", "10:00", ""));
  rp_tools_free (f->tools);
  f->tools = rp_tools_new (&f->config, f->path);
  g_autofree char *b = call_as (f, "one", "book_room", BOOK ("2025-05-06", "10:00", ""));
  g_assert_cmpstr (a, ==, b);
  g_autofree char *list = call (f, "list_bookings", "{\"name\":\"King\"}");
  expect (list, "\"count\":1");
}

static void
test_find_and_cancel (Fixture *f, gconstpointer data)
{
  g_autofree char *none = call (f, "list_bookings", "{\"name\":\"King\"}");
  expect (none, "\"reason\":\"not_found\"");
  g_free (call (f, "book_room", BOOK ("2025-05-06", "10:00", "")));
  g_free (call (f, "book_room", BOOK ("2025-05-07", "11:00", "")));
  g_free (call (f, "book_room", BOOK ("2025-05-07", "16:00", "")));
  g_free (call (f, "book_room",
                "{\"day\":\"2025-05-08\",\"time\":\"09:00\",\"name\":\"Peter Smith\"}"));
  static const struct {
    const char *tool, *arguments, *part;
  } rows[] = {
      {"list_bookings", "{\"name\":\"anna king\"}", "\"count\":3"},
      {"list_bookings", "{\"name\":\"Anna\"}", "\"count\":3"},
      {"list_bookings", "{\"name\":\"Bella King\"}", "not_found"},
      {"list_bookings", "{\"name\":\"Smyth\"}", "\"count\":1"},
      {"list_bookings", "{\"name\":\"King\",\"day\":\"2025-05-07\"}", "\"count\":2"},
      {"cancel_booking", "{\"name\":\"King\"}", "\"days\":[\"2025-05-06\",\"2025-05-07\"]"},
      {"cancel_booking", "{\"name\":\"King\",\"day\":\"2025-05-07\"}",
       "\"times\":[\"11:00\",\"16:00\"]"},
      {"cancel_booking", "{\"name\":\"King\",\"day\":\"2025-05-07\",\"time\":\"16:00\"}",
       "\"ok\":true"},
      {"cancel_booking", "{\"name\":\"King\",\"day\":\"2025-05-07\"}", "\"time\":\"11:00\""},
      {"list_bookings", "{\"name\":\"King\"}", "\"count\":1"},
      {"cancel_booking", "{\"name\":\"Jones\"}", "not_found"},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *result = call (f, rows[i].tool, rows[i].arguments);
    expect (result, rows[i].part);
  }
  /* The reference alone is enough, and the room is free again. */
  g_autofree char *booked = call (f, "book_room", BOOK ("2025-05-09", "10:00", ""));
  g_autoptr (JsonObject) object = rp_json_parse_object (booked, strlen (booked), 0, NULL);
  g_autofree char *arguments =
      g_strdup_printf ("{\"reference\":\"%s\"}", rp_json_string (object, "reference", ""));
  g_autofree char *cancelled = call (f, "cancel_booking", arguments);
  expect (cancelled, "\"day\":\"2025-05-09\"");
}

static void
test_messages (Fixture *f, gconstpointer data)
{
  g_autofree char *result = call (
      f, "take_message", "{\"name\":\"O'Brien\",\"message\":\"'); DROP TABLE messages; --\"}");
  expect (result, "\"ok\":true");
  g_autoptr (GError) error = NULL;
  sqlite3 *db = rp_store_open (f->path, &error);
  g_assert_no_error (error);
  sqlite3_stmt *stmt =
      rp_store_prepare (db, NULL, "SELECT name, message, number FROM messages", "");
  g_assert_true (rp_store_step (stmt, NULL));
  g_assert_cmpstr ((const char *) sqlite3_column_text (stmt, 0), ==, "O'Brien");
  g_assert_cmpstr ((const char *) sqlite3_column_text (stmt, 1), ==, "'); DROP TABLE messages; --");
  g_assert_cmpint (sqlite3_column_type (stmt, 2), ==, SQLITE_NULL);
  sqlite3_finalize (stmt);
  sqlite3_close (db);
}

/* Many workers, one room: every hour is given away once. */
typedef struct {
  Fixture *f;
  guint number;
} Rival;

static gpointer
book_all_day (gpointer data)
{
  Rival *rival = data;
  g_autoptr (RpTools) tools = rp_tools_new (&rival->f->config, rival->f->path);
  guint won = 0;
  for (guint hour = 8; hour < 20; hour++) {
    g_autofree char *id = g_strdup_printf ("%u-%u", rival->number, hour);
    g_autofree char *arguments = g_strdup_printf (
        "{\"day\":\"2025-05-06\",\"time\":\"%02u:00\",\"name\":\"N%u\"}", hour, rival->number);
    g_autoptr (GError) error = NULL;
    g_autofree char *result = rp_tools_call (tools, "book_room", id, arguments, MONDAY_S, &error);
    g_assert_no_error (error);
    won += strstr (result, "\"ok\":true") != NULL ? 1 : 0;
  }
  return GUINT_TO_POINTER (won);
}

static void
test_rivals (Fixture *f, gconstpointer data)
{
  GThread *threads[4];
  Rival rivals[4];
  guint won = 0;
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
    rivals[i] = (Rival){f, i};
    threads[i] = g_thread_new ("rival", book_all_day, &rivals[i]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    won += GPOINTER_TO_UINT (g_thread_join (threads[i]));
  g_assert_cmpuint (won, ==, 24); /* twelve hours, two rooms */
}

static void
test_storage_errors (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RpTools) nowhere = rp_tools_new (&f->config, "/proc/nowhere/agent.sqlite");
  g_assert_null (rp_tools_call (nowhere, "take_message", "x", "{\"name\":\"A\",\"message\":\"B\"}",
                                MONDAY_S, &error));
  g_assert_error (error, RP_TOOL_ERROR, RP_TOOL_ERROR_STORAGE);
  g_clear_error (&error);
  /* a file of a later version */
  sqlite3 *db = rp_store_open (f->path, &error);
  g_assert_no_error (error);
  g_assert_true (rp_store_run (db, &error, "PRAGMA user_version = 99", ""));
  sqlite3_close (db);
  g_assert_null (rp_tools_call (f->tools, "take_message", "x", "{\"name\":\"A\",\"message\":\"B\"}",
                                MONDAY_S, &error));
  g_assert_error (error, RP_TOOL_ERROR, RP_TOOL_ERROR_STORAGE);
  g_assert_nonnull (strstr (error->message, "newer version"));
}

static void
test_schemas (void)
{
  for (const RpToolInfo *info = rp_tools_available (); info->name != NULL; info++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonObject) schema =
        rp_json_parse_object (info->parameters, strlen (info->parameters), 0, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (rp_json_string (schema, "type", ""), ==, "object");
    g_assert_nonnull (rp_json_object (schema, "properties"));
    g_assert_true (rp_tools_find (info->name) == info);
  }
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/tools/book", test_book);
  ADD ("/tools/rules", test_rules);
  ADD ("/tools/arguments", test_arguments);
  ADD ("/tools/same-id", test_same_id);
  ADD ("/tools/find-and-cancel", test_find_and_cancel);
  ADD ("/tools/messages", test_messages);
  ADD ("/tools/rivals", test_rivals);
  ADD ("/tools/storage-errors", test_storage_errors);
  g_test_add_func ("/tools/schemas", test_schemas);
  return g_test_run ();
}
