/* The worker of one call, whichever it is at the moment: START and RESUME, the last checkpoint, and
 * how often it had to be replaced. Thread: the session's loop. */
#pragma once

#include "session-media.h"
#include "worker-event.h"
#include "worker-link.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct _RpSessionWorker RpSessionWorker;

/* The object may be freed from inside hangup and lost only. */
typedef struct {
  /* FALSE: it breaks the order; the worker is cut off */
  gboolean (*audio_out) (const RpAudioOut *audio, gpointer user_data);
  void (*flush) (guint32 utterance, gpointer user_data);
  void (*event) (const RpWorkerEvent *event, gpointer user_data);
  void (*hangup) (const char *reason, gpointer user_data);
  /* @give_up: too many in too short a time (RP_SESSION_MAX_RESTARTS) */
  void (*lost) (RpWorkerLost reason, const char *text, gboolean give_up, gpointer user_data);
} RpSessionWorkerEvents;

typedef struct {
  const char *call;
  const char *agent;
  const char *request_data; /* (nullable) a JSON object as text, checked by who took it in */
  RpEncoderSettings encoder;
  gboolean connected;
  gint64 input_pos_samples;
  RpMediaUtterance utterances[RP_MEDIA_MAX_UTTERANCES];
  guint n_utterances;
} RpSessionWorkerStart;

RpSessionWorker *rp_session_worker_new (RpLoop *loop, const RpSessionWorkerEvents *events,
                                        gpointer user_data);
/* Ends the worker when there is one. */
void rp_session_worker_free (RpSessionWorker *self);

/* @link: (transfer full). START, and RESUME when a worker before it left a checkpoint. */
void rp_session_worker_set (RpSessionWorker *self, RpWorkerLink *link,
                            const RpSessionWorkerStart *start);
void rp_session_worker_end (RpSessionWorker *self, const char *reason);

/* Between two workers, audio and messages of the client are kept, within bounds, for the next. */
void rp_session_worker_audio_in (RpSessionWorker *self, gint64 pos_samples, RpAudioKind kind,
                                 const gint16 *pcm, guint n_samples, gint64 arrival_us);
void rp_session_worker_input (RpSessionWorker *self, gint64 pos_samples, gboolean stalled);
void rp_session_worker_playout (RpSessionWorker *self, const RpPlayout *playout);
void rp_session_worker_client (RpSessionWorker *self, const char *json);
void rp_session_worker_encoder (RpSessionWorker *self, const RpEncoderSettings *settings);

gboolean rp_session_worker_is_there (const RpSessionWorker *self);
guint32 rp_session_worker_id (const RpSessionWorker *self); /* 0 = none */
guint rp_session_worker_restarts (const RpSessionWorker *self);
guint64 rp_session_worker_audio_dropped (const RpSessionWorker *self);
/* All processor time of this call's workers, as far as they told. */
gint64 rp_session_worker_cpu_us (const RpSessionWorker *self);
/* The longest that a final transcript took or was waited for since this was asked; 0 = none. */
gint64 rp_session_worker_take_stt_us (RpSessionWorker *self);

G_END_DECLS
