/* What the engine tells the outside, as the EVENT objects of proto/README.md. Pure. */
#pragma once

#include "engine.h"

#include <glib.h>

G_BEGIN_DECLS

/* Longest string in an event, in bytes of UTF-8; longer ones are cut. */
#define RP_EVENT_MAX_TEXT_BYTES (16 * 1024)
/* What takes longer than ten minutes is no measurement. */
#define RP_EVENT_MAX_MS 600000

/* Returns: (transfer full): a JSON object; NULL for turn metrics that say nothing. */
char *rp_event_to_json (const RpEngineEmit *emit);

/* The answer to the message "conversation": what user and agent said, as JSON of at most
 * RP_EVENT_MAX_TEXT_BYTES. Returns: (transfer full) */
char *rp_event_conversation (const GPtrArray *messages);

/* The answer to a CLIENT "message". @data: (nullable) JSON as text; @error: (nullable).
 * Returns: (transfer full) */
char *rp_event_response (const char *id, const char *name, const char *data, const char *error);

G_END_DECLS
