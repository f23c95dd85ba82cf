/* What is done to the samples of an utterance before a model hears them. Pure functions. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * RpSpan:
 * @start: first sample
 * @n: number of samples
 */
typedef struct {
  gsize start;
  gsize n;
} RpSpan;

/**
 * rp_utterance_trim:
 * @pcm: @n samples at 16 kHz
 *
 * Cuts silence, as judged by level against the utterance's own loudest part, at both ends to
 * 0.15 s. The model tends to hear nothing at all in a clip with long silences around the speech.
 *
 * Returns: what to keep; @n is 0 when all is digital silence
 */
RpSpan rp_utterance_trim (const float *pcm, gsize n);

/**
 * rp_utterance_next_piece:
 * @pcm: @n samples at 16 kHz
 * @max: longest piece, in samples, at least 2 s
 *
 * Where to cut what is too long for the model: at the quietest 0.1 s of the last quarter of @max.
 *
 * Returns: length of the first piece; @n when it fits whole
 */
gsize rp_utterance_next_piece (const float *pcm, gsize n, gsize max);

/**
 * rp_utterance_normalise:
 * @pcm: @n samples, changed in place; NaN becomes 0
 *
 * Removes a constant offset and brings the level to what the model was trained with: quiet
 * speech is raised by at most 30 dB, loud speech is lowered, and nothing exceeds [-1, 1].
 */
void rp_utterance_normalise (float *pcm, gsize n);

G_END_DECLS
