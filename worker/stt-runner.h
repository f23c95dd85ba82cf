/* The thread that listens: one transcription at a time, the final ones first. The callbacks come on
 * the main loop. */
#pragma once

#include "stt.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  /* Each job that was not cancelled has exactly one of these. */
  void (*result) (guint32 job, const char *text, gpointer user_data);
  void (*failed) (guint32 job, const char *why, gpointer user_data);
} RpSttRunnerEvents;

typedef struct _RpSttRunner RpSttRunner;

/* @stt: (transfer none): used by this runner alone from now on. @events: must outlive the runner.
 */
RpSttRunner *rp_stt_runner_new (RpStt *stt, GMainContext *context, const RpSttRunnerEvents *events,
                                gpointer user_data);
/* Cancels everything and waits for the thread. */
void rp_stt_runner_free (RpSttRunner *runner);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpSttRunner, rp_stt_runner_free)

/* @pcm: (transfer full) at 16 kHz in [-1, 1]. @final: stops a partial job that runs and goes before
 * those that wait; they fail. Never calls back from inside. */
void rp_stt_runner_start (RpSttRunner *runner, guint32 job, float *pcm, gsize n_samples,
                          gboolean final);
/* Save work: partial transcripts fail at once. By itself the runner does so for some seconds after
 * it saw that others wanted the processor, too. */
void rp_stt_runner_spare (RpSttRunner *runner, gboolean spare);
/* The longest that a final transcript took, or that one is waited for by now, since this was asked
 * before; 0: there was none. */
gint64 rp_stt_runner_take_wait_us (RpSttRunner *runner);
void rp_stt_runner_cancel (RpSttRunner *runner, guint32 job);

G_END_DECLS
