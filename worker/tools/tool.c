#include "tool.h"

#include "bookings-private.h"

#include <string.h>

G_DEFINE_QUARK (rp - tool - error - quark, rp_tool_error)

#define MAX_ARGUMENTS_BYTES (64 * 1024)
/* A call's result is kept for as long as a worker could possibly be replaced. */
#define CALLS_KEPT_S (7 * 24 * 3600)

static const RpJsonField book_fields[] = {
    {.name = "day", .type = RP_JSON_STRING, .required = TRUE, .max_length = 10},
    {.name = "time", .type = RP_JSON_STRING, .required = TRUE, .max_length = 5},
    {.name = "duration", .type = RP_JSON_INT, .min = 1, .max = 10080},
    {.name = "name", .type = RP_JSON_STRING, .required = TRUE, .max_length = 200},
    {.name = "people", .type = RP_JSON_INT, .min = 1, .max = 10000},
};
static const RpJsonField find_fields[] = {
    {.name = "name", .type = RP_JSON_STRING, .max_length = 200},
    {.name = "reference", .type = RP_JSON_STRING, .max_length = 20},
    {.name = "day", .type = RP_JSON_STRING, .max_length = 10},
    {.name = "time", .type = RP_JSON_STRING, .max_length = 5},
};
static const RpJsonField message_fields[] = {
    {.name = "name", .type = RP_JSON_STRING, .required = TRUE, .max_length = 200},
    {.name = "number", .type = RP_JSON_STRING, .max_length = 40},
    {.name = "message", .type = RP_JSON_STRING, .required = TRUE, .max_length = 10000},
};

static const RpToolInfo infos[] = {
    {"book_room",
     "Book a meeting room. Give the day and time in the caller's words turned into a date and a "
     "24-hour time.",
     "{\"type\":\"object\",\"properties\":{"
     "\"day\":{\"type\":\"string\",\"description\":\"date, YYYY-MM-DD\"},"
     "\"time\":{\"type\":\"string\",\"description\":\"start, HH:MM, 24 hours\"},"
     "\"duration\":{\"type\":\"integer\",\"description\":\"minutes, 60 when not said\"},"
     "\"name\":{\"type\":\"string\",\"description\":\"who it is for\"},"
     "\"people\":{\"type\":\"integer\",\"description\":\"how many will come\"}},"
     "\"required\":[\"day\",\"time\",\"name\"],\"additionalProperties\":false}"},
    {"list_bookings", "Find the bookings to come under a name or a reference number.",
     "{\"type\":\"object\",\"properties\":{"
     "\"name\":{\"type\":\"string\"},\"reference\":{\"type\":\"string\"},"
     "\"day\":{\"type\":\"string\",\"description\":\"date, YYYY-MM-DD\"},"
     "\"time\":{\"type\":\"string\",\"description\":\"start, HH:MM, 24 hours\"}},"
     "\"additionalProperties\":false}"},
    {"cancel_booking",
     "Cancel one booking, found by its name or reference number, and by its day when there are "
     "several.",
     "{\"type\":\"object\",\"properties\":{"
     "\"name\":{\"type\":\"string\"},\"reference\":{\"type\":\"string\"},"
     "\"day\":{\"type\":\"string\",\"description\":\"date, YYYY-MM-DD\"},"
     "\"time\":{\"type\":\"string\",\"description\":\"start, HH:MM, 24 hours\"}},"
     "\"additionalProperties\":false}"},
    {"take_message", "Take a message for the people at the desk, who will call back.",
     "{\"type\":\"object\",\"properties\":{"
     "\"name\":{\"type\":\"string\"},\"number\":{\"type\":\"string\",\"description\":\"telephone "
     "number\"},"
     "\"message\":{\"type\":\"string\"}},\"required\":[\"name\",\"message\"],"
     "\"additionalProperties\":false}"},
    {"end_call", "Hang up, after goodbye was said.",
     "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}"},
    {NULL, NULL, NULL},
};

/* In the order of infos. */
static const struct {
  RpToolFunc func;
  const RpJsonField *fields;
  guint n_fields;
} tools[] = {
    {rp_bookings_book, book_fields, G_N_ELEMENTS (book_fields)},
    {rp_bookings_list, find_fields, G_N_ELEMENTS (find_fields)},
    {rp_bookings_cancel, find_fields, G_N_ELEMENTS (find_fields)},
    {rp_messages_take, message_fields, G_N_ELEMENTS (message_fields)},
    {NULL, NULL, 0},
};

struct _RpTools {
  RpBookingsConfig config;
  char *path;
  sqlite3 *db; /* NULL until the first call */
};

const RpToolInfo *
rp_tools_available (void)
{
  return infos;
}

const RpToolInfo *
rp_tools_find (const char *name)
{
  for (guint i = 0; infos[i].name != NULL; i++)
    if (strcmp (infos[i].name, name) == 0)
      return &infos[i];
  return NULL;
}

RpTools *
rp_tools_new (const RpBookingsConfig *config, const char *database_path)
{
  RpTools *self = g_new0 (RpTools, 1);
  rp_bookings_config_copy (&self->config, config);
  self->path = g_strdup (database_path);
  return self;
}

void
rp_tools_free (RpTools *self)
{
  if (self == NULL)
    return;
  rp_bookings_config_clear (&self->config);
  g_free (self->path);
  sqlite3_close (self->db);
  g_free (self);
}

/* What this very call gave before, or NULL. */
static char *
earlier_result (sqlite3 *db, const char *call_id, GError **error)
{
  g_autoptr (RpStatement) stmt =
      rp_store_prepare (db, error, "SELECT result FROM calls WHERE id = ?", "s", call_id);
  if (stmt == NULL || !rp_store_step (stmt, error))
    return NULL;
  return g_strdup ((const char *) sqlite3_column_text (stmt, 0));
}

static char *
run_once (RpTools *self, guint tool, const char *call_id, JsonObject *arguments, gint64 now_unix_s,
          GError **error)
{
  g_autoptr (GError) local = NULL;
  char *result = earlier_result (self->db, call_id, &local);
  if (result != NULL)
    return result;
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return NULL;
  }
  result = tools[tool].func (self->db, &self->config, arguments, now_unix_s, error);
  if (result == NULL)
    return NULL;
  if (!rp_store_run (self->db, error, "DELETE FROM calls WHERE created_s < ?", "i",
                     now_unix_s - CALLS_KEPT_S) ||
      !rp_store_run (self->db, error,
                     "INSERT INTO calls (id, tool, result, created_s) VALUES (?, ?, ?, ?)", "sssi",
                     call_id, infos[tool].name, result, now_unix_s))
    g_clear_pointer (&result, g_free);
  return result;
}

static char *
run_in_transaction (RpTools *self, guint tool, const char *call_id, JsonObject *arguments,
                    gint64 now_unix_s, GError **error)
{
  if (self->db == NULL)
    self->db = rp_store_open (self->path, error);
  if (self->db == NULL || !rp_store_run (self->db, error, "BEGIN IMMEDIATE", ""))
    return NULL;
  g_autofree char *result = run_once (self, tool, call_id, arguments, now_unix_s, error);
  if (result != NULL && rp_store_run (self->db, error, "COMMIT", ""))
    return g_steal_pointer (&result);
  rp_store_run (self->db, NULL, "ROLLBACK", "");
  return NULL;
}

char *
rp_tools_call (RpTools *self, const char *name, const char *call_id, const char *arguments,
               gint64 now_unix_s, GError **error)
{
  guint tool = 0;
  while (infos[tool].name != NULL && strcmp (infos[tool].name, name) != 0)
    tool++;
  if (infos[tool].name == NULL) {
    g_set_error (error, RP_TOOL_ERROR, RP_TOOL_ERROR_UNKNOWN, "there is no tool \"%s\"", name);
    return NULL;
  }
  g_autoptr (GError) local = NULL;
  g_autoptr (JsonObject) object =
      rp_json_parse_object (arguments, strlen (arguments), MAX_ARGUMENTS_BYTES, &local);
  if (object == NULL || !rp_json_check_full (object, NULL, tools[tool].fields, tools[tool].n_fields,
                                             RP_JSON_CHECK_NO_UNKNOWN, &local)) {
    g_set_error (error, RP_TOOL_ERROR, RP_TOOL_ERROR_ARGUMENTS, "%s: %s", name, local->message);
    return NULL;
  }
  if (tools[tool].func == NULL)
    return g_strdup ("{\"ok\":true}");
  return run_in_transaction (self, tool, call_id, object, now_unix_s, error);
}

char *
rp_tools_error_result (const GError *error)
{
  JsonBuilder *b = json_builder_new ();
  json_builder_begin_object (b);
  json_builder_set_member_name (b, "ok");
  json_builder_add_boolean_value (b, FALSE);
  rp_result_string (b, "reason", "error");
  rp_result_string (b, "message", error != NULL ? error->message : "unknown");
  return rp_result_end (b);
}

char *
rp_tools_data_dir (void)
{
  const char *data = g_getenv ("REPARTEE_DATA");
  return data != NULL && *data != '\0'
             ? g_canonicalize_filename (data, NULL)
             : g_build_filename (g_get_user_data_dir (), "repartee", NULL);
}

char *
rp_tools_database_path (const char *agent_name)
{
  g_autofree char *dir = rp_tools_data_dir ();
  g_autofree char *file = g_strconcat (agent_name, ".sqlite", NULL);
  return g_build_filename (dir, file, NULL);
}
