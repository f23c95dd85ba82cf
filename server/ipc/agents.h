/* The agents that workers can play, as /api/agents lists them. A value; thread: any. */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define RP_AGENTS_MAX 32
#define RP_AGENT_MAX_NAME_BYTES 64

typedef struct {
  char *name;        /* what START and clients call it by: the base name of its directory */
  char *title;       /* for people */
  char *description; /* one sentence for people; "" when there is none */
  gint64 stt_cpu_us; /* processor time of the final transcript of a sentence; 0 = not known */
} RpAgentInfo;

/* @dirs: NULL-terminated, 1 to RP_AGENTS_MAX. Returns: (transfer full) (element-type RpAgentInfo):
 * one for each directory, in this order, known by its name alone. */
GPtrArray *rp_agents_new (const char *const *dirs);
/* Takes all but the names from the zygote's READY object. One without "agents" changes
 * nothing. FALSE, with nothing changed, when the array is not as proto/README.md has it or one of
 * @agents is not in it. */
gboolean rp_agents_describe (GPtrArray *agents, JsonObject *ready, GError **error);
/* Returns: (transfer none) (nullable) */
const RpAgentInfo *rp_agents_find (const GPtrArray *agents, const char *name);
/* Of the agent whose transcripts take the most; 0 = of none it is known. */
gint64 rp_agents_stt_cpu_us (const GPtrArray *agents);

G_END_DECLS
