/* The tools that a brain may call, and how they are run.
 *
 * A call is synchronous and may touch the disk: it is run on the worker's tool thread, one at a
 * time. The database is opened by the first call, never before: a toolbox may be made in the zygote
 * and used after the fork (SQLite handles do not survive one). */
#pragma once

#include "bookings.h"
#include <glib.h>

G_BEGIN_DECLS

#define RP_TOOL_ERROR (rp_tool_error_quark ())
GQuark rp_tool_error_quark (void);
typedef enum {
  RP_TOOL_ERROR_UNKNOWN,   /* no tool of that name */
  RP_TOOL_ERROR_ARGUMENTS, /* not what the tool's parameters say */
  RP_TOOL_ERROR_STORAGE,   /* the database cannot be opened, read or written */
} RpToolError;

typedef struct {
  const char *name;
  const char *description; /* for an LLM: one or two sentences */
  const char *parameters;  /* a JSON schema (type object) as text */
} RpToolInfo;

/* Every tool there is, ended by one with a NULL name. "end_call" is among them: the engine runs it.
 */
const RpToolInfo *rp_tools_available (void);
/* Returns: (transfer none) (nullable) */
const RpToolInfo *rp_tools_find (const char *name);

typedef struct _RpTools RpTools;

/* @config: copied. @database_path: its directory is made (0700) with the first call.
 * Returns: (transfer full), never NULL. */
RpTools *rp_tools_new (const RpBookingsConfig *config, const char *database_path);
void rp_tools_free (RpTools *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpTools, rp_tools_free)

/* Runs tool @name. Not being able to do what was asked is a result, {"ok": false, "reason": …}, not
 * an error.
 *
 * @call_id: unique in the world. The same id again gives the first result again and does nothing
 *   else: a worker may die between the call and its result.
 * @arguments: a JSON object.
 * Returns: (transfer full) a JSON object, or NULL and @error (RP_TOOL_ERROR). Thread: one at a
 * time.
 */
char *rp_tools_call (RpTools *self, const char *name, const char *call_id, const char *arguments,
                     gint64 now_unix_s, GError **error);

/* The result message for a call that failed: {"ok": false, "reason": "error", "message": …}.
 * Returns: (transfer full) */
char *rp_tools_error_result (const GError *error);

/* Where all agents keep their databases. Returns: (transfer full) */
char *rp_tools_data_dir (void);

/* ${REPARTEE_DATA}, else $XDG_DATA_HOME/repartee, else ~/.local/share/repartee, and in it
 * <agent>.sqlite. Returns: (transfer full) */
char *rp_tools_database_path (const char *agent_name);

G_END_DECLS
