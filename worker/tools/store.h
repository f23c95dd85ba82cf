/* The SQLite file of an agent: opened, migrated, and asked with prepared statements.
 *
 * Thread: one at a time. Not to be carried over a fork. */
#pragma once

#include <glib.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/* Makes the directory (0700) and the tables. Returns: (transfer full) or NULL and @error
 * (RP_TOOL_ERROR_STORAGE). */
sqlite3 *rp_store_open (const char *path, GError **error);

/* One statement. @types: a letter per further argument: 's' const char * (NULL is null), 'i'
 * gint64. Returns: (transfer full) to be stepped and finalised by the caller, or NULL and @error.
 */
sqlite3_stmt *rp_store_prepare (sqlite3 *db, GError **error, const char *sql, const char *types,
                                ...);
/* The same for a statement without rows. */
gboolean rp_store_run (sqlite3 *db, GError **error, const char *sql, const char *types, ...);
/* Returns: TRUE for a row; FALSE at the end and, with @error, when it failed. */
gboolean rp_store_step (sqlite3_stmt *stmt, GError **error);

typedef sqlite3_stmt RpStatement;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpStatement, sqlite3_finalize)

G_END_DECLS
