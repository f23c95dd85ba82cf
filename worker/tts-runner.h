/* The thread that speaks: utterances one after another, cancelled at once. The callbacks come on
 * the main loop, in order. */
#pragma once

#include "voice.h"

#include <glib.h>

G_BEGIN_DECLS

/* Utterances that may wait: more than any answer has sentences. */
#define RP_TTS_RUNNER_MAX_WAITING 512

typedef struct {
  void (*words) (guint32 utterance, const RpEngineWord *words, guint n_words, gpointer user_data);
  /* @opus: (transfer full) */
  void (*frame) (guint32 utterance, GBytes *opus, gboolean last, gpointer user_data);
  void (*done) (guint32 utterance, guint n_frames, gpointer user_data);
  void (*failed) (guint32 utterance, const char *why, gpointer user_data);
} RpTtsRunnerEvents;

typedef struct _RpTtsRunner RpTtsRunner;

/* @voice: (transfer none): used by this runner alone from now on. @events: must outlive the runner.
 */
RpTtsRunner *rp_tts_runner_new (RpVoice *voice, GMainContext *context,
                                const RpTtsRunnerEvents *events, gpointer user_data);
/* Cancels everything and waits for the thread. */
void rp_tts_runner_free (RpTtsRunner *runner);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpTtsRunner, rp_tts_runner_free)

/* @utterance: rising. Never calls back from inside. */
void rp_tts_runner_speak (RpTtsRunner *runner, guint32 utterance, const char *text);
/* Nothing is made of these utterances any more; what was made already may still come. */
void rp_tts_runner_cancel (RpTtsRunner *runner, guint32 first, guint32 last);

G_END_DECLS
