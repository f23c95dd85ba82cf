/* Speech to text of one utterance at a time, synchronous: the caller gives it its own thread.
 *
 * RpSttClass is what another engine implements. */
#pragma once

#include "ort.h"

G_BEGIN_DECLS

typedef struct _RpStt RpStt;

/* The longest audio that one call takes. */
#define RP_STT_MAX_SECONDS 300

/**
 * RpSttClass:
 * @name: short name for logs and statistics, as "moonshine"
 * @transcribe: see rp_stt_transcribe(); @n is at most RP_STT_MAX_SECONDS of audio, @cancel is
 *   never NULL
 * @idle: (nullable): see rp_stt_idle()
 * @free: frees the whole object
 */
typedef struct {
  const char *name;
  char *(*transcribe) (RpStt *stt, const float *pcm, gsize n, const gint *cancel, GError **error);
  void (*idle) (RpStt *stt);
  void (*free) (RpStt *stt);
} RpSttClass;

/* The first member of every engine's own struct. */
struct _RpStt {
  const RpSttClass *klass;
};

/**
 * rp_stt_transcribe:
 * @pcm: mono samples at 16 kHz in [-1, 1] (values outside and NaN are tamed), best cut by a VAD to
 *   about 0.15 s of silence at either end
 * @n_samples: 0 to RP_STT_MAX_SECONDS of audio; more is RP_SPEECH_ERROR_INPUT
 * @cancel: (nullable): read with g_atomic_int_get() at every decoder step (2-3 ms apart), and
 *   before and after the encoder; once it is not 0 the call ends with RP_SPEECH_ERROR_CANCELLED
 *
 * One utterance at a time per engine object. With the local engine about 15 ms per second of
 * speech. Audio longer than 12 s is cut at its quietest places and the texts are joined, so that no
 * word of a long turn is lost; what is shorter than the model's window is padded with silence.
 *
 * Returns: (transfer full) (nullable): the text in UTF-8, without space at the ends; "" when
 *   nothing was said; NULL with an error
 */
char *rp_stt_transcribe (RpStt *stt, const float *pcm, gsize n_samples, const gint *cancel,
                         GError **error);

/**
 * rp_stt_idle:
 *
 * Gives working memory back to the system (12 MB less in a worker). Call it after an utterance, on
 * the same thread, when nobody waits for the engine: it takes a few milliseconds.
 */
void rp_stt_idle (RpStt *stt);

/** rp_stt_name: (transfer none): the engine's short name. */
const char *rp_stt_name (RpStt *stt);

/** rp_stt_free: NULL is legal. */
void rp_stt_free (RpStt *stt);

/**
 * rp_stt_moonshine_new:
 * @ort: the runtime; a reference is kept
 * @models_dir: directory that tools/fetch-models filled
 * @model: (nullable): name of the model's subdirectory; NULL for "moonshine-tiny-en"
 *
 * Loads encoder, decoder and vocabulary and transcribes a moment of silence, which checks their
 * shapes against each other. Takes about half a second and 120 MB, which forked children share.
 *
 * Returns: (transfer full) (nullable): NULL with RP_SPEECH_ERROR_MODELS
 */
RpStt *rp_stt_moonshine_new (RpOrt *ort, const char *models_dir, const char *model, GError **error);

/**
 * rp_stt_scripted_new:
 * @texts: (nullable): what the successive utterances are said to be, over again from the start
 *   when used up; copied. NULL or empty: a fixed question.
 *
 * Needs no model and takes no time: for measuring everything else.
 *
 * Returns: (transfer full): an engine
 */
RpStt *rp_stt_scripted_new (const char *const *texts);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpStt, rp_stt_free)

G_END_DECLS
