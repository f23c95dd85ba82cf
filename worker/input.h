/* What the user said, as samples: kept as long as it may be transcribed, cut into the pieces that
 * the VAD takes, and each sample's time of arrival. Pure; one owner thread. */
#pragma once

#include "frame.h"

#include <glib.h>

G_BEGIN_DECLS

#define RP_INPUT_CHUNK_SAMPLES 512
/* More than the longest turn. What is older is forgotten even when it is still needed. */
#define RP_INPUT_MAX_SAMPLES (300 * 16000)

/* The longest time after which speech counts as begun (agent.h: 2 s) and what is transcribed from
 * before its onset, with room. */
#define RP_INPUT_KEPT_SAMPLES (3 * 16000)

typedef struct {
  gint64 pos_samples; /* of the first sample */
  gboolean invented;  /* more than half of it was not sent by the client */
  float pcm[RP_INPUT_CHUNK_SAMPLES];
} RpInputChunk;

typedef struct _RpInput RpInput;

/* @pos_samples: the input timeline's position at the start. Returns: (transfer full) */
RpInput *rp_input_new (gint64 pos_samples);
void rp_input_free (RpInput *input);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpInput, rp_input_free)

/* Returns: FALSE when @audio does not begin where the last one ended. The first may begin later
 * than the start. */
gboolean rp_input_push (RpInput *input, const RpAudioIn *audio, gint64 arrival_us);
/* The next whole chunk. Returns: FALSE when there is none. */
gboolean rp_input_poll (RpInput *input, RpInputChunk *out_chunk);

/* The position after the last sample. */
gint64 rp_input_end (const RpInput *input);
/* When the sample before @pos_samples arrived; of the oldest or newest known one when it lies
 * outside; 0 before there was any. */
gint64 rp_input_arrival_us (const RpInput *input, gint64 pos_samples);
/* Returns: (transfer full): samples in [-1, 1] from @from_samples to @to_samples as far as they are
 * there; @out_n may be 0. */
float *rp_input_copy (const RpInput *input, gint64 from_samples, gint64 to_samples, gsize *out_n);
/* Adds the samples of each kind among these, as far back as it is known (10 s at least), to @kinds,
 * of RP_AUDIO_N_KINDS. */
void rp_input_count (const RpInput *input, gint64 from_samples, gint64 to_samples, guint64 *kinds);
/* What lies before @pos_samples is not needed any more. Nothing is forgotten that was not polled,
 * nor of the newest RP_INPUT_KEPT_SAMPLES: speech is known of only after it has begun. */
void rp_input_forget (RpInput *input, gint64 pos_samples);

G_END_DECLS
