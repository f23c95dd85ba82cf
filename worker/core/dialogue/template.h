/* The texts of flows with their values in, and the small JSON of tool calls and results. */
#pragma once

#include "flow.h"
#include "slots.h"
#include <glib.h>

G_BEGIN_DECLS

/* A tool's result as far as it can be spoken: its members that are scalars or arrays of scalars.
 * Returns: (transfer full) char * → GPtrArray of char *; NULL when @json is not an object. Nested
 * objects are skipped. */
GHashTable *rp_result_parse (const char *json);
/* The first value of member @name, or NULL. (transfer none) */
const char *rp_result_get (GHashTable *result, const char *name);

/* @flow: (nullable) then @values is not read. @values: one per slot of @flow, NULL where there is
 * none. @result, @data: (nullable); @data is char * → char *, what is known of the caller. @moment:
 * may be NULL without @flow and @result. A sentence of @text with a name that has no value is left
 * out; so is a part in [brackets]. Returns: (transfer full) may be empty */
char *rp_template_render (const char *text, const RpFlow *flow, char *const *values,
                          GHashTable *result, GHashTable *data, const RpSlotMoment *moment);

/* [a-z_][a-z0-9_]*, of at most 64 bytes. @name: (nullable) */
gboolean rp_is_identifier (const char *name);

/* Checks the names in @text (nullable): those of the slots of @flow (nullable) and of @data_names
 * (nullable), and, with @any, all others too, which a tool's result may have.
 * Returns: FALSE and @error (RP_FLOW_ERROR), which says what is wrong. */
gboolean rp_template_check (const char *text, const RpFlow *flow, const GPtrArray *data_names,
                            gboolean any, GError **error);

/* A text that is no flow's, with what is known of the caller: the same, and left as it is when it
 * names nothing. Returns: (transfer full) */
char *rp_text_render (const char *text, GHashTable *data);

/* Adds @text to @out as a JSON string. */
void rp_append_json_string (GString *out, const char *text);

/* The arguments of the tool of @flow: numbers and durations as JSON numbers, yes-no as true and
 * false. Slots without a value are absent. Returns: (transfer full) */
char *rp_flow_arguments (const RpFlow *flow, char *const *values);

G_END_DECLS
