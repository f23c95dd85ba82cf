/* The network of Silero's voice activity detector, version 6 at 16 kHz, computed without a runtime.
 *
 * ONNX Runtime spends most of the model's time between its 200 small operations: 60 µs for a chunk
 * when one stream has the caches to itself, 250 µs in one of many processes. Here it is one pass
 * over 440 KB of weights that all workers share. The weights come out of the same pinned .onnx
 * file. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define RP_SILERO_CHUNK_SAMPLES 512
/* The network sees each chunk after the end of the one before. */
#define RP_SILERO_CONTEXT_SAMPLES 64
#define RP_SILERO_INPUT_SAMPLES (RP_SILERO_CONTEXT_SAMPLES + RP_SILERO_CHUNK_SAMPLES)
/* The recurrent layer's output and its cells. */
#define RP_SILERO_STATE_FLOATS (2 * 128)

typedef struct _RpSileroNet RpSileroNet;

/* @path: silero_vad_v6.onnx. Returns: (transfer full) (nullable): NULL with RP_SPEECH_ERROR_MODELS
 * when it is missing or another model. */
RpSileroNet *rp_silero_net_new (const char *path, GError **error);
void rp_silero_net_free (RpSileroNet *net);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpSileroNet, rp_silero_net_free)

/* @audio: RP_SILERO_INPUT_SAMPLES finite samples in [-1, 1]; @state: RP_SILERO_STATE_FLOATS, zero
 * at the beginning of a stream, replaced by the next. Thread: any, several at a time.
 *
 * Returns: probability of speech */
float rp_silero_net_run (const RpSileroNet *net, const float *audio, float *state);

G_END_DECLS
