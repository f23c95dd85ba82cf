/* The thread that runs tools: one call at a time, in order. A call cannot be stopped once it runs;
 * one that takes too long is given up by the engine, and its result is then ignored. One that was
 * given up while it waited is not run. The callbacks come on the main loop. */
#pragma once

#include "context.h"
#include "tool.h"

#include <glib.h>

G_BEGIN_DECLS

/* Calls that may wait behind one that does not end. */
#define RP_TOOL_RUNNER_MAX_WAITING 16

typedef struct {
  /* Exactly one per call. @result: a JSON object; @why: one sentence */
  void (*result) (const char *call_id, const char *result, gpointer user_data);
  void (*failed) (const char *call_id, const char *why, gpointer user_data);
} RpToolRunnerEvents;

typedef struct _RpToolRunner RpToolRunner;

/* @tools: (transfer none): used by this runner alone from now on. @allowed: (transfer none) of char
 * *: the names that the agent may call; others fail. @conversation: what tells its calls from those
 * of others: brains number theirs from 1 in each. @patience_us: after this the engine gives a call
 * up. @allowed, @events: must outlive the runner. Without an allowed tool there is no thread. */
RpToolRunner *rp_tool_runner_new (RpTools *tools, const GPtrArray *allowed,
                                  const char *conversation, gint64 patience_us,
                                  GMainContext *context, const RpToolRunnerEvents *events,
                                  gpointer user_data);
/* Waits for the call that runs. */
void rp_tool_runner_free (RpToolRunner *runner);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpToolRunner, rp_tool_runner_free)

/* Never calls back from inside. */
void rp_tool_runner_call (RpToolRunner *runner, const RpToolCall *call);

G_END_DECLS
