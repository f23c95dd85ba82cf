/* The brains that need nobody else: the built-in one, and one with a fixed answer. */
#pragma once

#include "brain.h"
#include "dialogue.h"

#include <glib.h>

G_BEGIN_DECLS

/* @dialogue: (transfer none), @events: must outlive the brain. @timezone: (nullable) UTC.
 * @conversation_id: makes the ids of tool calls unique. Returns: (transfer full) */
RpBrain *rp_brain_builtin_new (const RpDialogue *dialogue, GTimeZone *timezone,
                               const char *conversation_id, GHashTable *data,
                               const RpBrainEvents *events, gpointer user_data);

/* Answers everything at once with @reply: for measuring everything else.
 * @reply: (nullable): a fixed sentence. Returns: (transfer full) */
RpBrain *rp_brain_scripted_new (const char *reply, const RpBrainEvents *events, gpointer user_data);

G_END_DECLS
