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

/* @values: one per slot of @flow, NULL where there is none. @result: (nullable).
 * A sentence of @text with a name that has no value is left out; so is a part in [brackets].
 * Returns: (transfer full) may be empty */
char *rp_template_render (const char *text, const RpFlow *flow, char *const *values,
                          GHashTable *result, const RpSlotMoment *moment);

/* The arguments of the tool of @flow: numbers and durations as JSON numbers, yes-no as true and
 * false. Slots without a value are absent. Returns: (transfer full) */
char *rp_flow_arguments (const RpFlow *flow, char *const *values);

G_END_DECLS
