#include "store.h"

#include "tool.h"

#include <glib/gstdio.h>

/* Two workers write at once for milliseconds; a caller waits no longer than this for an answer. */
#define BUSY_TIMEOUT_MS 3000
#define SCHEMA_VERSION 1

static const char schema[] =
    "CREATE TABLE bookings ("
    " id INTEGER PRIMARY KEY, reference TEXT NOT NULL, room TEXT NOT NULL, day TEXT NOT NULL,"
    " start_min INTEGER NOT NULL, end_min INTEGER NOT NULL, name TEXT NOT NULL,"
    " people INTEGER NOT NULL, created_s INTEGER NOT NULL, cancelled_s INTEGER);"
    "CREATE INDEX bookings_day ON bookings (day, room) WHERE cancelled_s IS NULL;"
    "CREATE TABLE messages ("
    " id INTEGER PRIMARY KEY, name TEXT NOT NULL, number TEXT, message TEXT NOT NULL,"
    " created_s INTEGER NOT NULL);"
    "CREATE TABLE calls ("
    " id TEXT PRIMARY KEY, tool TEXT NOT NULL, result TEXT NOT NULL, created_s INTEGER NOT NULL);"
    "PRAGMA user_version = 1;";

static gboolean
storage_error (GError **error, sqlite3 *db, const char *doing)
{
  g_set_error (error, RP_TOOL_ERROR, RP_TOOL_ERROR_STORAGE, "%s: %s", doing,
               db != NULL ? sqlite3_errmsg (db) : "out of memory");
  return FALSE;
}

static sqlite3_stmt *
prepare_va (sqlite3 *db, GError **error, const char *sql, const char *types, va_list args)
{
  sqlite3_stmt *stmt = NULL;
  if (sqlite3_prepare_v2 (db, sql, -1, &stmt, NULL) != SQLITE_OK) {
    storage_error (error, db, "preparing a statement");
    return NULL;
  }
  for (int i = 0; types[i] != '\0'; i++) {
    int rc;
    if (types[i] == 's') {
      const char *text = va_arg (args, const char *);
      rc = text != NULL ? sqlite3_bind_text (stmt, i + 1, text, -1, SQLITE_TRANSIENT)
                        : sqlite3_bind_null (stmt, i + 1);
    } else {
      rc = sqlite3_bind_int64 (stmt, i + 1, va_arg (args, gint64));
    }
    if (rc != SQLITE_OK) {
      storage_error (error, db, "binding a value");
      sqlite3_finalize (stmt);
      return NULL;
    }
  }
  return stmt;
}

sqlite3_stmt *
rp_store_prepare (sqlite3 *db, GError **error, const char *sql, const char *types, ...)
{
  va_list args;
  va_start (args, types);
  sqlite3_stmt *stmt = prepare_va (db, error, sql, types, args);
  va_end (args);
  return stmt;
}

gboolean
rp_store_step (sqlite3_stmt *stmt, GError **error)
{
  int rc = sqlite3_step (stmt);
  if (rc != SQLITE_ROW && rc != SQLITE_DONE)
    storage_error (error, sqlite3_db_handle (stmt), "using the database");
  return rc == SQLITE_ROW;
}

gboolean
rp_store_run (sqlite3 *db, GError **error, const char *sql, const char *types, ...)
{
  va_list args;
  va_start (args, types);
  g_autoptr (RpStatement) stmt = prepare_va (db, error, sql, types, args);
  va_end (args);
  if (stmt == NULL)
    return FALSE;
  g_autoptr (GError) local = NULL;
  while (rp_store_step (stmt, &local))
    continue;
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
read_version (sqlite3 *db, gint64 *out_version, GError **error)
{
  g_autoptr (RpStatement) stmt = rp_store_prepare (db, error, "PRAGMA user_version", "");
  if (stmt == NULL || !rp_store_step (stmt, error))
    return FALSE;
  *out_version = sqlite3_column_int64 (stmt, 0);
  return TRUE;
}

static gboolean
migrate (sqlite3 *db, GError **error)
{
  gint64 version = 0;
  /* Workers may start together: the version is read again under the write lock. */
  if (!rp_store_run (db, error, "BEGIN IMMEDIATE", ""))
    return FALSE;
  gboolean ok = read_version (db, &version, error);
  if (ok && version > SCHEMA_VERSION) {
    g_set_error (error, RP_TOOL_ERROR, RP_TOOL_ERROR_STORAGE,
                 "the database was made by a newer version (%" G_GINT64_FORMAT
                 "); this one knows %d",
                 version, SCHEMA_VERSION);
    ok = FALSE;
  }
  if (ok && version == 0 && sqlite3_exec (db, schema, NULL, NULL, NULL) != SQLITE_OK)
    ok = storage_error (error, db, "making the tables");
  return rp_store_run (db, ok ? error : NULL, ok ? "COMMIT" : "ROLLBACK", "") && ok;
}

sqlite3 *
rp_store_open (const char *path, GError **error)
{
  g_autofree char *dir = g_path_get_dirname (path);
  if (g_mkdir_with_parents (dir, 0700) != 0) {
    g_set_error (error, RP_TOOL_ERROR, RP_TOOL_ERROR_STORAGE, "the directory %s cannot be made: %s",
                 dir, g_strerror (errno));
    return NULL;
  }
  sqlite3 *db = NULL;
  gint64 version = 0;
  gboolean ok =
      sqlite3_open_v2 (path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) == SQLITE_OK;
  if (!ok)
    storage_error (error, db, path);
  if (ok)
    sqlite3_busy_timeout (db, BUSY_TIMEOUT_MS);
  ok = ok && rp_store_run (db, error, "PRAGMA journal_mode = WAL", "") &&
       rp_store_run (db, error, "PRAGMA synchronous = NORMAL", "") &&
       read_version (db, &version, error) && (version == SCHEMA_VERSION || migrate (db, error));
  if (!ok)
    g_clear_pointer (&db, sqlite3_close);
  return db;
}
