/* Text to speech of one sentence at a time, synchronous: the caller gives it its own thread.
 *
 * RpTtsClass is what another engine implements. */
#pragma once

#include "speech.h"

G_BEGIN_DECLS

typedef struct _RpTts RpTts;

/* Longest text of one call. First audio comes after a time that grows with the text's length, so
 * callers give a sentence at a time; this bound only contains a model that never ends one. */
#define RP_TTS_MAX_TEXT_BYTES 4096

/**
 * RpTtsWord:
 * @offset_bytes: where the word begins in the text that was given
 * @length_bytes: its length there; always > 0, within the text and on UTF-8 boundaries
 * @start_samples: first sample of it in the audio that follows
 * @end_samples: first sample after it, >= @start_samples
 *
 * One word of the text as written: its run of non-space bytes, punctuation included. "$45" is one
 * word though four are spoken; "and/or" is one. In the order of the text, they never overlap.
 * Words of which nothing is spoken (a lone dash) are left out.
 */
typedef struct {
  guint32 offset_bytes;
  guint32 length_bytes;
  guint32 start_samples;
  guint32 end_samples;
} RpTtsWord;

/**
 * RpTtsSink:
 * @words: (nullable): called exactly once, before the first audio; the array (which may be empty)
 *   is valid during the call
 * @audio: called with successive pieces, usually 20 ms, at 16 kHz mono, valid during the call;
 *   returning FALSE stops the synthesis, which then returns TRUE
 *
 * Both are called on the thread that synthesizes.
 */
typedef struct {
  void (*words) (const RpTtsWord *words, gsize n_words, gpointer user_data);
  gboolean (*audio) (const gint16 *pcm, gsize n_samples, gpointer user_data);
  gpointer user_data;
} RpTtsSink;

/**
 * RpTtsClass:
 * @name: short name for logs and statistics, as "flite"
 * @synthesize: see rp_tts_synthesize(); @text is valid UTF-8 within RP_TTS_MAX_TEXT_BYTES, @cancel
 *   is never NULL
 * @free: frees the whole object
 */
typedef struct {
  const char *name;
  gboolean (*synthesize) (RpTts *tts, const char *text, const RpTtsSink *sink, const gint *cancel,
                          GError **error);
  void (*free) (RpTts *tts);
} RpTtsClass;

/* The first member of every engine's own struct. */
struct _RpTts {
  const RpTtsClass *klass;
};

/**
 * rp_tts_synthesize:
 * @text: UTF-8; invalid UTF-8 or more than RP_TTS_MAX_TEXT_BYTES is RP_SPEECH_ERROR_INPUT
 * @cancel: (nullable): read with g_atomic_int_get() before every piece of audio; once it is not 0
 *   the call ends with RP_SPEECH_ERROR_CANCELLED
 *
 * Leading silence is cut to about 10 ms and trailing silence to about 100 ms; word times count
 * from the first sample given out. A text with nothing to speak gives no audio and TRUE.
 *
 * Returns: TRUE when all audio was given out or the sink stopped it; FALSE with an error
 */
gboolean rp_tts_synthesize (RpTts *tts, const char *text, const RpTtsSink *sink, const gint *cancel,
                            GError **error);

/** rp_tts_name: (transfer none): the engine's short name. */
const char *rp_tts_name (RpTts *tts);

/** rp_tts_free: NULL is legal. */
void rp_tts_free (RpTts *tts);

/**
 * RpTtsFliteConfig:
 * @voice: (nullable): "slt" (US woman, the default), "rms" (US man), "awb" (Scottish man) or
 *   "kal16" (US man, an older and coarser kind that costs a thirtieth)
 * @speed: 0.5 (slow) to 2.0 (fast); 0 means 1.0
 */
typedef struct {
  const char *voice;
  double speed;
} RpTtsFliteConfig;

/**
 * rp_tts_flite_new:
 *
 * A voice's data is shared by all objects in the process, so at most one thread of a process may
 * synthesize with a given voice at a time. Different voices and forked processes are independent.
 *
 * Returns: (transfer full) (nullable): NULL with RP_SPEECH_ERROR_MODELS for an unknown voice or
 *   RP_SPEECH_ERROR_INPUT for a speed out of range
 */
RpTts *rp_tts_flite_new (const RpTtsFliteConfig *config, GError **error);

/**
 * rp_tts_scripted_new:
 *
 * Needs no voice and takes no time: every word is a burst of tone, 60 ms per letter and audible
 * from its first sample, 40 ms apart. For measuring everything else.
 *
 * Returns: (transfer full): an engine
 */
RpTts *rp_tts_scripted_new (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpTts, rp_tts_free)

G_END_DECLS
