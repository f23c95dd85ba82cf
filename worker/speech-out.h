/* The agent's encoded speech on its way to the server: in the order of the utterances, held back as
 * long as the engine says so, and never more ahead of the playout clock than the server's queue
 * takes. Pure; one owner thread. */
#pragma once

#include "frame.h"

#include <glib.h>

G_BEGIN_DECLS

/* Frames on the server's side that were not played yet: 30 s, half of what its queue holds. */
#define RP_SPEECH_OUT_MAX_AHEAD 1500

typedef struct _RpSpeechOut RpSpeechOut;

RpSpeechOut *rp_speech_out_new (void);
void rp_speech_out_free (RpSpeechOut *out);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpSpeechOut, rp_speech_out_free)

/* A new utterance, in rising order. @held: nothing of it may leave before its release. */
void rp_speech_out_begin (RpSpeechOut *out, guint32 utterance, gboolean held);
/* The next frame of @utterance. @opus: (transfer full). What belongs to an utterance that is not
 * there (any more) is dropped. */
void rp_speech_out_push (RpSpeechOut *out, guint32 utterance, GBytes *opus, gboolean last);
/* No frame of @utterance will come any more. */
void rp_speech_out_finish (RpSpeechOut *out, guint32 utterance);
void rp_speech_out_release (RpSpeechOut *out, guint32 up_to);
/* Nothing more of these utterances is sent. */
void rp_speech_out_cancel (RpSpeechOut *out, guint32 first, guint32 last);
/* The server's report. @ended: no more of it will be played. */
void rp_speech_out_played (RpSpeechOut *out, guint32 utterance, guint frames, gboolean ended);

/* The server has answered a flush: of what was cancelled it has nothing any more. */
void rp_speech_out_flushed (RpSpeechOut *out);

/* The next frame that may be sent now. @out_audio.opus lives as long as @out_opus (transfer full).
 * Returns: FALSE when there is none. */
gboolean rp_speech_out_poll (RpSpeechOut *out, RpAudioOut *out_audio, GBytes **out_opus);

G_END_DECLS
