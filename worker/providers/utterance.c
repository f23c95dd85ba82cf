#include <math.h>

#include "speech.h"
#include "utterance.h"

/* Frame for levels: 20 ms. */
#define FRAME (RP_SPEECH_RATE_HZ / 50)
#define KEPT_SILENCE (RP_SPEECH_RATE_HZ * 15 / 100)
/* Speech is within 40 dB (in amplitude 0.01) of its own loudest frame; the weak consonants at the
 * ends of words that are not are within the kept silence. */
#define SILENCE_RATIO 0.01
#define QUIET_WINDOW (RP_SPEECH_RATE_HZ / 10)
/* Of the loudest frame. Measured over 141 recordings: half and double differ by less than 0.3 % of
 * the words, but the lower one leaves fewer clips without text. */
#define TARGET_RMS 0.05
#define MAX_GAIN 31.6

static double
rms (const float *pcm, gsize n)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += (double) pcm[i] * pcm[i];
  return isfinite (sum) ? sqrt (sum / (double) n) : 0;
}

/* Of the loudest whole frame, or of all when there is none. */
static double
loudest_rms (const float *pcm, gsize n)
{
  double loudest = 0;

  if (n < FRAME)
    return n > 0 ? rms (pcm, n) : 0;
  for (gsize i = 0; i + FRAME <= n; i += FRAME)
    loudest = MAX (loudest, rms (pcm + i, FRAME));
  return loudest;
}

RpSpan
rp_utterance_trim (const float *pcm, gsize n)
{
  double threshold = loudest_rms (pcm, n) * SILENCE_RATIO;
  gsize first = n;
  gsize last = 0;
  gsize start;
  gsize end;

  if (threshold <= 0)
    return (RpSpan){0, 0};
  for (gsize i = 0; i < n; i += FRAME) {
    gsize length = MIN (FRAME, n - i);

    if (rms (pcm + i, length) >= threshold) {
      first = MIN (first, i);
      last = i + length;
    }
  }
  start = first > KEPT_SILENCE ? first - KEPT_SILENCE : 0;
  end = MIN (n, last + KEPT_SILENCE);
  return (RpSpan){start, end - start};
}

gsize
rp_utterance_next_piece (const float *pcm, gsize n, gsize max)
{
  gsize best = max;
  double quietest = G_MAXDOUBLE;

  if (n <= max)
    return n;
  for (gsize i = max - max / 4; i + QUIET_WINDOW <= max; i += FRAME) {
    double level = rms (pcm + i, QUIET_WINDOW);

    if (level < quietest) {
      quietest = level;
      best = i + QUIET_WINDOW / 2;
    }
  }
  return best;
}

void
rp_utterance_normalise (float *pcm, gsize n)
{
  double mean = 0;
  double gain;

  if (n == 0)
    return;
  for (gsize i = 0; i < n; i++) {
    if (!isfinite (pcm[i]))
      pcm[i] = 0;
    pcm[i] = CLAMP (pcm[i], -1.0f, 1.0f);
    mean += pcm[i];
  }
  mean /= (double) n;
  for (gsize i = 0; i < n; i++)
    pcm[i] -= (float) mean;
  gain = TARGET_RMS / MAX (loudest_rms (pcm, n), TARGET_RMS / MAX_GAIN);
  for (gsize i = 0; i < n; i++)
    pcm[i] = (float) CLAMP (pcm[i] * gain, -1.0, 1.0);
}
