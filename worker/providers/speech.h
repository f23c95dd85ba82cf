/* What the local speech engines share: the error domain and where the models lie.
 *
 * Everything here is loaded once in a single-threaded process and used in its forked children:
 * loading starts no thread and keeps no file descriptor. An engine object may be used from any
 * thread, by one thread at a time, unless its header says more. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define RP_SPEECH_ERROR (rp_speech_error_quark ())
GQuark rp_speech_error_quark (void);

/**
 * RpSpeechError:
 * @RP_SPEECH_ERROR_MODELS: a model, the runtime or a voice is missing or damaged: run
 *   tools/fetch-models, or correct the configuration
 * @RP_SPEECH_ERROR_INPUT: the audio or text given is out of the documented bounds: drop it
 * @RP_SPEECH_ERROR_INFERENCE: the engine failed on this input: drop it, the engine stays usable
 * @RP_SPEECH_ERROR_CANCELLED: the caller's cancel flag was set: not a fault
 */
typedef enum {
  RP_SPEECH_ERROR_MODELS,
  RP_SPEECH_ERROR_INPUT,
  RP_SPEECH_ERROR_INFERENCE,
  RP_SPEECH_ERROR_CANCELLED,
} RpSpeechError;

/* All local speech, in and out, is mono at this rate. */
#define RP_SPEECH_RATE_HZ 16000

/**
 * rp_models_dir:
 *
 * Where tools/fetch-models puts the models: $REPARTEE_MODELS, or repartee/models-1 in the user's
 * cache directory ($XDG_CACHE_HOME, ~/.cache). Whether it exists is not checked.
 *
 * Returns: (transfer full): a path
 */
char *rp_models_dir (void);

G_END_DECLS
