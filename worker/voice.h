/* The agent's voice: text to 20 ms Opus frames, with each word's time. Synchronous: the caller
 * gives it its own thread. What the agent says in every call (its greeting, its questions about
 * silence) is spoken once before the fork and then comes from memory. */
#pragma once

#include "engine.h"
#include "frame.h"
#include "tts.h"

#include <glib.h>

G_BEGIN_DECLS

/* Of the Opus encoder. 5 costs half of 10 and cannot be told apart on a voice. */
#define RP_VOICE_COMPLEXITY 5

#define RP_VOICE_ERROR (rp_voice_error_quark ())
GQuark rp_voice_error_quark (void);
typedef enum {
  RP_VOICE_ERROR_ENCODER, /* Opus failed */
} RpVoiceError;

/* Called on the thread that speaks. */
typedef struct {
  /* Exactly once, before the first frame; where words end in the text and in the audio. */
  void (*words) (const RpEngineWord *words, guint n_words, gpointer user_data);
  /* @opus: (transfer full) */
  void (*frame) (GBytes *opus, gboolean last, gpointer user_data);
  gpointer user_data;
} RpVoiceSink;

typedef struct _RpVoice RpVoice;

/* @tts: (transfer full). Returns: (transfer full) (nullable) with RP_VOICE_ERROR. */
RpVoice *rp_voice_new (RpTts *tts, GError **error);
/* Of the encoder, from the next frame on. Thread: any. */
void rp_voice_set_encoder (RpVoice *voice, const RpEncoderSettings *settings);
void rp_voice_free (RpVoice *voice);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpVoice, rp_voice_free)

/* @text: UTF-8. @cancel: read with g_atomic_int_get () every 20 ms of speech; once it is not 0 this
 * returns without a last frame. A failure after the first frame ends the utterance there.
 * Returns: FALSE with @error when nothing was given out (RP_SPEECH_ERROR, RP_VOICE_ERROR). */
gboolean rp_voice_speak (RpVoice *voice, const char *text, const gint *cancel,
                         const RpVoiceSink *sink, GError **error);

/* Speaks @text now, to have it at hand. A failure is no harm: it will show when it is needed. */
void rp_voice_prepare (RpVoice *voice, const char *text);

G_END_DECLS
