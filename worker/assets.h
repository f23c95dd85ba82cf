/* What all workers share: the agent, the models and the voice, loaded once before the first fork.
 */
#pragma once

#include "agent.h"
#include "stt.h"
#include "vad.h"
#include "voice.h"

#include <glib.h>

G_BEGIN_DECLS

#define RP_ASSETS_ERROR (rp_assets_error_quark ())
GQuark rp_assets_error_quark (void);
typedef enum {
  RP_ASSETS_ERROR_PROVIDER, /* the agent names a provider or voice that this build does not have */
} RpAssetsError;

typedef struct {
  RpAgent *agent;
  RpOrt *ort;
  RpVadModel *vad;
  RpStt *stt;
  RpVoice *voice;
} RpAssets;

/* @agent_dir: see agent.h. @models_dir: (nullable) rp_models_dir (). Starts no thread and keeps no
 * descriptor; every model has run once when this returns.
 * Returns: (transfer full) (nullable) with RP_AGENT_ERROR, RP_SPEECH_ERROR, RP_VOICE_ERROR or
 * RP_ASSETS_ERROR: each of them needs the operator. */
RpAssets *rp_assets_load (const char *agent_dir, const char *models_dir, GError **error);
void rp_assets_free (RpAssets *assets);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpAssets, rp_assets_free)

/* The READY object. Returns: (transfer full) */
char *rp_assets_describe (const RpAssets *assets);

G_END_DECLS
