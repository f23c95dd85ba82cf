/* The files of an agent: shared by agent*.c. */
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

/* A text with {names}: only what the page may say of the caller. @where: the place in the file. */
gboolean rp_agent_check_text (const RpAgent *agent, const char *path, const char *text,
                              GError **error, const char *where, ...) G_GNUC_PRINTF (5, 6);

/* flows/@name.json. Returns: (transfer full) or NULL and @error. */
RpFlow *rp_agent_load_flow (const RpAgent *agent, const char *path, const char *name,
                            GError **error);

/* quizzes/@name.json. Returns: (transfer full) or NULL and @error. */
RpQuiz *rp_agent_load_quiz (const RpAgent *agent, const char *path, const char *name,
                            GError **error);

void rp_agent_client_tool_free (RpAgentClientTool *tool);
/* @names, @tools: (nullable) */
gboolean rp_agent_load_tools (RpAgent *agent, JsonArray *names, const char *path, GError **error);
gboolean rp_agent_load_client_tools (RpAgent *agent, JsonArray *tools, const char *path,
                                     GError **error);
/* Tool @name can be called with @arguments, of which those that are null are only known in a call.
 * @notify: it must await nothing. */
gboolean rp_agent_check_call (const RpAgent *agent, const char *path, const char *where,
                              const char *name, JsonObject *arguments, gboolean notify,
                              GError **error);
gboolean rp_agent_check_knowledge (const RpAgent *agent, const RpKnowledge *knowledge,
                                   const char *path, GError **error);

G_END_DECLS
