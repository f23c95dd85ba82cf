/* A source that runs when it is told to: g_source_set_ready_time (), from any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @func: called in @context whenever the source's ready time has come; it has to set the next one
 * (or -1), or is called again at once. Returns: (transfer full), not yet ready. */
GSource *rp_ready_source_new (GMainContext *context, GSourceFunc func, gpointer user_data);

/* Destroys and forgets *@source, of whatever kind; NULL is legal. */
void rp_ready_source_clear (GSource **source);

G_END_DECLS
