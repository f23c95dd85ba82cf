/* What all workers share: the agents, the models and the voices, loaded once before the first fork.
 */
#pragma once

#include "agent.h"
#include "ort.h"
#include "stt.h"
#include "vad.h"
#include "voice.h"

#include <glib.h>

G_BEGIN_DECLS

#define RP_ASSETS_ERROR (rp_assets_error_quark ())
GQuark rp_assets_error_quark (void);
typedef enum {
  RP_ASSETS_ERROR_PROVIDER, /* the agent names a provider or voice that this build does not have */
  RP_ASSETS_ERROR_AGENTS,   /* two agents of one name, too many, or none */
} RpAssetsError;

#define RP_ASSETS_MAX_AGENTS 64

/* One agent with what it hears and speaks with. */
typedef struct {
  RpAgent *agent;
  RpStt *stt;        /* owned by RpAssets: agents with the same model share it */
  RpVoice *voice;    /* the same */
  gint64 stt_cpu_us; /* processor time of the final transcript of a sentence; 0 = not known */
} RpAgentAssets;

typedef struct {
  RpOrt *ort; /* NULL when no agent needs it */
  RpVadModel *vad;
  GHashTable *stts;   /* what it is → RpStt */
  GHashTable *voices; /* what it is → RpVoice */
  GPtrArray *agents;  /* of RpAgentAssets; the first is the default */
} RpAssets;

/* @agent_dirs: NULL-terminated, see agent.h. @models_dir: (nullable) rp_models_dir (). Starts no
 * thread and keeps no descriptor nor process; every model has run once when this returns.
 * Returns: (transfer full) (nullable) with RP_AGENT_ERROR, RP_SPEECH_ERROR, RP_VOICE_ERROR or
 * RP_ASSETS_ERROR: each of them needs the operator. */
RpAssets *rp_assets_load (const char *const *agent_dirs, const char *models_dir, GError **error);
void rp_assets_free (RpAssets *assets);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpAssets, rp_assets_free)

/* @name: (nullable): the default. Returns: (transfer none) NULL when there is no such agent. */
const RpAgentAssets *rp_assets_find (const RpAssets *assets, const char *name);

/* The READY object. @sandbox: (nullable): what workers are shut in by. Returns: (transfer full) */
char *rp_assets_describe (const RpAssets *assets, const char *sandbox);

G_END_DECLS
