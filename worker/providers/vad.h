/* Voice activity detection: the probability that a piece of audio is speech (Silero v6).
 *
 * The model is shared: one RpVadModel, loaded before the fork, serves any number of streams. */
#pragma once

#include "speech.h"

G_BEGIN_DECLS

/* The only piece length the model was trained for: 32 ms at 16 kHz. */
#define RP_VAD_CHUNK_SAMPLES 512

typedef struct _RpVadModel RpVadModel;
typedef struct _RpVad RpVad;

/**
 * rp_vad_model_new:
 * @models_dir: directory that tools/fetch-models filled
 *
 * Loads the model and checks that it is the one that is known here. Takes about 2 ms.
 *
 * Returns: (transfer full) (nullable): NULL with RP_SPEECH_ERROR_MODELS
 */
RpVadModel *rp_vad_model_new (const char *models_dir, GError **error);
void rp_vad_model_free (RpVadModel *model);

/**
 * rp_vad_new:
 * @model: (transfer none): must outlive the stream
 *
 * One stream of audio: the model's recurrent state and the tail of the previous chunk. Streams of
 * one model may run in different threads at the same time.
 *
 * Returns: (transfer full): a stream in its initial state; free with rp_vad_free()
 */
RpVad *rp_vad_new (RpVadModel *model);
void rp_vad_free (RpVad *vad);

/** rp_vad_reset: forget what was heard, as at the start of a stream. */
void rp_vad_reset (RpVad *vad);

/**
 * rp_vad_process:
 * @chunk: RP_VAD_CHUNK_SAMPLES samples at 16 kHz in [-1, 1]
 *
 * Takes about 15 µs. After an error the stream is as before the call.
 *
 * Returns: probability of speech in [0, 1], or -1 with RP_SPEECH_ERROR_INFERENCE
 */
float rp_vad_process (RpVad *vad, const float *chunk, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpVadModel, rp_vad_model_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpVad, rp_vad_free)

G_END_DECLS
