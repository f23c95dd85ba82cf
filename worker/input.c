#include "input.h"

/* Forgotten in pieces of a second, so that the rest is seldom moved. */
#define FORGET_SAMPLES 16000
/* Times of arrival are asked for at the onset of speech, which is known some 300 ms later. */
#define SPAN_KEPT_SAMPLES (10 * 16000)

/* One AUDIO_IN. */
typedef struct {
  gint64 end; /* position after it */
  gint64 arrival_us;
  RpAudioKind kind;
} Span;

struct _RpInput {
  gint64 from; /* position of pcm[0] */
  gint64 polled;
  gboolean started;
  GArray *pcm;   /* of gint16 */
  GArray *spans; /* of Span */
};

RpInput *
rp_input_new (gint64 pos_samples)
{
  RpInput *input = g_new0 (RpInput, 1);
  input->from = input->polled = pos_samples;
  input->pcm = g_array_new (FALSE, FALSE, sizeof (gint16));
  input->spans = g_array_new (FALSE, FALSE, sizeof (Span));
  return input;
}

void
rp_input_free (RpInput *input)
{
  if (input == NULL)
    return;
  g_array_unref (input->pcm);
  g_array_unref (input->spans);
  g_free (input);
}

gint64
rp_input_end (const RpInput *input)
{
  return input->from + input->pcm->len;
}

/* Index of the span that holds the sample before @pos, or the nearest. There is at least one. */
static guint
find_span (const RpInput *input, gint64 pos)
{
  guint low = 0;
  guint high = input->spans->len - 1;
  while (low < high) {
    guint middle = low + (high - low) / 2;
    if (g_array_index (input->spans, Span, middle).end < pos)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static void
forget_before (RpInput *input, gint64 pos)
{
  gint64 n = MIN (pos, input->polled) - input->from;
  if (n < FORGET_SAMPLES)
    return;
  g_array_remove_range (input->pcm, 0, (guint) n);
  input->from += n;
  gint64 oldest = MIN (input->from, rp_input_end (input) - SPAN_KEPT_SAMPLES);
  guint first = find_span (input, oldest);
  if (first > 0)
    g_array_remove_range (input->spans, 0, first);
}

void
rp_input_forget (RpInput *input, gint64 pos_samples)
{
  forget_before (input, MIN (pos_samples, input->polled - RP_INPUT_KEPT_SAMPLES));
}

gboolean
rp_input_push (RpInput *input, const RpAudioIn *audio, gint64 arrival_us)
{
  gint64 end = rp_input_end (input);
  if (!input->started && audio->pos_samples >= end)
    input->from = input->polled = end = audio->pos_samples;
  if (audio->pos_samples != end)
    return FALSE;
  input->started = TRUE;
  Span span = {
      .end = end + audio->n_samples,
      .arrival_us = arrival_us,
      .kind = audio->kind,
  };
  g_array_append_vals (input->pcm, audio->pcm, audio->n_samples);
  g_array_append_val (input->spans, span);
  if (input->pcm->len > RP_INPUT_MAX_SAMPLES)
    forget_before (input, span.end - RP_INPUT_MAX_SAMPLES + FORGET_SAMPLES);
  return TRUE;
}

void
rp_input_count (const RpInput *input, gint64 from_samples, gint64 to_samples, guint64 *kinds)
{
  gint64 pos = from_samples;
  if (input->spans->len == 0)
    return;
  for (guint i = find_span (input, pos + 1); i < input->spans->len && pos < to_samples; i++) {
    const Span *span = &g_array_index (input->spans, Span, i);
    gint64 end = MIN (span->end, to_samples);
    kinds[span->kind] += end > pos ? (guint64) (end - pos) : 0;
    pos = MAX (pos, end);
  }
}

static gint64
invented_samples (const RpInput *input, gint64 from, gint64 to)
{
  guint64 kinds[RP_AUDIO_N_KINDS] = {0};
  rp_input_count (input, from, to, kinds);
  return (gint64) (kinds[RP_AUDIO_PLC] + kinds[RP_AUDIO_SILENCE]);
}

static void
to_floats (const RpInput *input, gint64 from, gsize n, float *out)
{
  const gint16 *pcm = &g_array_index (input->pcm, gint16, (gsize) (from - input->from));
  for (gsize i = 0; i < n; i++)
    out[i] = (float) pcm[i] / 32768.0f;
}

gboolean
rp_input_poll (RpInput *input, RpInputChunk *out_chunk)
{
  gint64 to = input->polled + RP_INPUT_CHUNK_SAMPLES;
  if (rp_input_end (input) < to)
    return FALSE;
  out_chunk->pos_samples = input->polled;
  out_chunk->invented = 2 * invented_samples (input, input->polled, to) > RP_INPUT_CHUNK_SAMPLES;
  to_floats (input, input->polled, RP_INPUT_CHUNK_SAMPLES, out_chunk->pcm);
  input->polled = to;
  return TRUE;
}

gint64
rp_input_arrival_us (const RpInput *input, gint64 pos_samples)
{
  if (input->spans->len == 0)
    return 0;
  return g_array_index (input->spans, Span, find_span (input, pos_samples)).arrival_us;
}

float *
rp_input_copy (const RpInput *input, gint64 from_samples, gint64 to_samples, gsize *out_n)
{
  gint64 from = MAX (from_samples, input->from);
  gint64 to = MIN (to_samples, rp_input_end (input));
  gsize n = to > from ? (gsize) (to - from) : 0;
  float *pcm = g_new (float, MAX (n, 1));
  if (n > 0)
    to_floats (input, from, n, pcm);
  *out_n = n;
  return pcm;
}
