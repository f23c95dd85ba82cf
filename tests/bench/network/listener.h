/* What becomes of the audio in a worker: VAD, what the transcriber is given of each clip, and what
 * that is made of. */
#pragma once

#include "frame.h"
#include "stt.h"
#include "vad.h"

#include <glib.h>

typedef struct _RpListener RpListener;

RpListener *rp_listener_new (RpVadModel *model);
void rp_listener_free (RpListener *listener);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpListener, rp_listener_free)

void rp_listener_audio (RpListener *listener, gint64 pos_samples, RpAudioKind kind,
                        const gint16 *pcm, guint n_samples);

/* From now on another clip is heard: what the VAD saw of the one before is settled. */
void rp_listener_next (RpListener *listener);
/* How many times a clip went on after its speech had stopped. */
guint rp_listener_broken (const RpListener *listener);
/* Of clip i, as the engine cuts it. Returns: (transfer full); "" when the VAD heard no speech.
 * @given: samples of each kind, added to. */
char *rp_listener_transcribe (RpListener *listener, guint i, RpStt *stt, guint64 *given);
