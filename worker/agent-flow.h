/* The files of an agent: shared by agent.c and agent-flow.c. */
#pragma once

#include "agent.h"
#include "json.h"

G_BEGIN_DECLS

/* Sets @error to "@file: …". Returns: FALSE. */
gboolean rp_agent_fail (GError **error, RpAgentError code, const char *file, const char *format,
                        ...) G_GNUC_PRINTF (4, 5);
/* Returns: (transfer full) NUL-terminated, or NULL and @error. */
char *rp_agent_read_file (const char *path, gsize *out_length, GError **error);
/* A JSON file checked against @fields, unknown keys refused. Returns: (transfer full) or NULL. */
JsonObject *rp_agent_read_object (const char *path, const RpJsonField *fields, guint n_fields,
                                  GError **error);
/* "08:00" to minutes after midnight, "24:00" being 1440. */
gboolean rp_agent_parse_clock (const char *text, int *out_min);

/* flows/@name.json. Returns: (transfer full) or NULL and @error. */
RpFlow *rp_agent_load_flow (const char *path, const char *name, GError **error);

G_END_DECLS
