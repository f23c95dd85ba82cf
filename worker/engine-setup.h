/* The engine and the VAD gate as an agent wants them. */
#pragma once

#include "agent.h"
#include "engine.h"
#include "vad-gate.h"

#include <glib.h>

G_BEGIN_DECLS

/* @data: (nullable) char * → char *, what is known of the caller. @unix_offset_us: see
 * rp_engine_new (). Returns: (transfer full) */
RpEngine *rp_engine_setup (const RpAgent *agent, GHashTable *data, gint64 unix_offset_us,
                           gint64 now_us);

/* After this the engine gives a tool's call up. */
gint64 rp_engine_tool_patience_us (void);

/* Returns: (transfer full) */
RpVadGate *rp_vad_gate_setup (const RpAgentTurn *turn);

G_END_DECLS
