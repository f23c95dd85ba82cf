#include "silero-kernel.h"

#include <math.h>
#include <string.h>

/* Compiled with RP_SILERO_RUN, the name of its one function, and RP_SILERO_LANES, the numbers in a
 * register, and with the options of a processor that has them (meson.build). The vectors are the
 * compiler's own, so that it runs everywhere. */
#define LANES RP_SILERO_LANES
#define BLOCK RP_SILERO_BLOCK

typedef float Floats __attribute__ ((vector_size (4 * LANES)));
typedef gint32 Ints __attribute__ ((vector_size (4 * LANES)));
typedef gint16 Shorts __attribute__ ((vector_size (2 * LANES)));
/* The four frames of one sample or bin. */
typedef float Quad __attribute__ ((vector_size (16)));

#define ALWAYS_INLINE static inline __attribute__ ((always_inline))

/* One block of outputs; @n_frames is a constant, so that the sums stay in registers. */
ALWAYS_INLINE void
add_block (const RpSileroLayer *layer, const gint16 *weights, const float *in, float *out,
           const guint n_frames)
{
  const guint n_vectors = BLOCK / n_frames / LANES;
  Floats sum[BLOCK / LANES];

  for (guint i = 0; i < BLOCK / LANES; i++)
    sum[i] = (Floats){0};
  for (guint j = 0; j < layer->n_in; j++) {
    for (guint v = 0; v < n_vectors; v++) {
      Shorts shorts;
      memcpy (&shorts, weights + (gsize) j * (BLOCK / n_frames) + v * LANES, sizeof shorts);
      Floats w = __builtin_convertvector(__builtin_convertvector(shorts, Ints), Floats);
      for (guint t = 0; t < n_frames; t++)
        sum[v * n_frames + t] += w * in[t * layer->stride + j];
    }
  }
  for (guint v = 0; v < n_vectors; v++)
    for (guint t = 0; t < n_frames; t++)
      memcpy (out + t * layer->n_out + v * LANES, &sum[v * n_frames + t], sizeof (Floats));
}

ALWAYS_INLINE void
run_layer (const RpSileroLayer *layer, const float *in, float *out, const guint n_frames)
{
  const guint n_block = BLOCK / n_frames;

  for (guint from = 0; from < layer->n_out; from += n_block)
    add_block (layer, layer->weights + (gsize) from * layer->n_in, in, out + from, n_frames);
  for (guint t = 0; t < n_frames; t++)
    for (guint o = 0; o < layer->n_out; o++)
      out[t * layer->n_out + o] = out[t * layer->n_out + o] * layer->scale[o] + layer->bias[o];
}

ALWAYS_INLINE void
rectify (float *values, guint n)
{
  for (guint i = 0; i < n; i++)
    values[i] = values[i] > 0 ? values[i] : 0;
}

#define HALF (RP_SILERO_WINDOW / 2)

/* In place, of HALF complex numbers in bit-reversed order. */
static void
transform (const RpSileroWeights *weights, Quad *re, Quad *im)
{
  for (guint size = 2; size <= HALF; size *= 2) {
    guint turn = RP_SILERO_WINDOW / size;
    for (guint k = 0; k < size / 2; k++) {
      float c = weights->cosine[k * turn];
      float s = -weights->sine[k * turn];
      for (guint a = k; a < HALF; a += size) {
        guint b = a + size / 2;
        Quad x = re[b] * c - im[b] * s;
        Quad y = re[b] * s + im[b] * c;
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
}

ALWAYS_INLINE guint
reversed (guint i)
{
  guint r = 0;

  for (guint bit = 1; bit < HALF; bit *= 2, i /= 2)
    r = 2 * r + i % 2;
  return r;
}

/* Magnitudes of all frames' spectra. The samples of even and odd index are transformed as one
 * complex signal, and their spectra taken apart again. @out: [frame][bin] */
static void
spectra (const RpSileroWeights *weights, const float *audio, float *out)
{
  Quad re[HALF], im[HALF];

  for (guint i = 0; i < HALF; i++) {
    guint r = reversed (i);
    for (guint t = 0; t < RP_SILERO_FRAMES; t++) {
      const float *frame = audio + t * RP_SILERO_HOP;
      re[r][t] = frame[2 * i] * weights->window[2 * i];
      im[r][t] = frame[2 * i + 1] * weights->window[2 * i + 1];
    }
  }
  transform (weights, re, im);
  for (guint k = 0; k <= HALF; k++) {
    guint a = k % HALF;
    guint b = (HALF - k) % HALF;
    float c = weights->cosine[k];
    float s = -weights->sine[k];
    Quad even_re = (re[a] + re[b]) * 0.5f;
    Quad even_im = (im[a] - im[b]) * 0.5f;
    Quad odd_re = (im[a] + im[b]) * 0.5f;
    Quad odd_im = (re[b] - re[a]) * 0.5f;
    Quad x = even_re + odd_re * c - odd_im * s;
    Quad y = even_im + odd_re * s + odd_im * c;
    Quad power = x * x + y * y;
    for (guint t = 0; t < RP_SILERO_FRAMES; t++)
      out[t * RP_SILERO_BINS + k] = sqrtf (power[t]);
  }
}

/* e^x to 2e-7 for what gates need: |x| is cut at 80. A power of two and a polynomial for the rest;
 * without branches, so that a loop of it becomes vector instructions. */
ALWAYS_INLINE float
exponential (float x)
{
  x = x < -80 ? -80 : x > 80 ? 80 : x;
  float n = x * 1.44269504f;
  gint32 whole = (gint32) (n + (n < 0 ? -0.5f : 0.5f));
  float r = x - (float) whole * 0.693359375f + (float) whole * 2.12194440e-4f;
  float p = 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  union {
    gint32 bits;
    float value;
  } power = {.bits = (whole + 127) << 23};
  return p * power.value;
}

ALWAYS_INLINE float
sigmoid (float x)
{
  return 1 / (1 + exponential (-x));
}

ALWAYS_INLINE float
tangent (float x)
{
  return 2 / (1 + exponential (-2 * x)) - 1;
}

/* @state: output, then cells */
static void
remember (const RpSileroWeights *weights, const float *in, float *state)
{
  float both[2 * RP_SILERO_WIDTH];
  float gates[4 * RP_SILERO_WIDTH];
  float *cells = state + RP_SILERO_WIDTH;

  memcpy (both, in, RP_SILERO_WIDTH * sizeof (float));
  memcpy (both + RP_SILERO_WIDTH, state, RP_SILERO_WIDTH * sizeof (float));
  run_layer (&weights->gates, both, gates, 1);
  for (guint i = 0; i < RP_SILERO_WIDTH; i++) {
    float input = sigmoid (gates[i]);
    float forget = sigmoid (gates[RP_SILERO_WIDTH + i]);
    float cell = tangent (gates[2 * RP_SILERO_WIDTH + i]);
    float output = sigmoid (gates[3 * RP_SILERO_WIDTH + i]);
    cells[i] = forget * cells[i] + input * cell;
    state[i] = output * tangent (cells[i]);
  }
}

/* The end is mirrored, as the model's padding does. */
static void
mirror_end (const float *audio, guint n, float *out)
{
  memcpy (out, audio, n * sizeof *out);
  for (guint i = 0; i < RP_SILERO_WINDOW / 4; i++)
    out[n + i] = audio[n - 2 - i];
}

#define INPUT_SAMPLES ((RP_SILERO_FRAMES + 1) * RP_SILERO_HOP - RP_SILERO_WINDOW / 4)

float
RP_SILERO_RUN (const RpSileroWeights *weights, const float *audio, float *state)
{
  float padded[INPUT_SAMPLES + RP_SILERO_WINDOW / 4];
  /* Frames of nothing before and behind are the convolutions' padding. */
  float bins[(1 + RP_SILERO_FRAMES + 1) * RP_SILERO_BINS];
  float first[(1 + RP_SILERO_FRAMES) * RP_SILERO_WIDTH];
  float second[2 * RP_SILERO_HALF_WIDTH];
  float third[RP_SILERO_HALF_WIDTH];
  float fourth[RP_SILERO_WIDTH];
  float sum = weights->out_bias;

  mirror_end (audio, INPUT_SAMPLES, padded);
  memset (bins, 0, sizeof bins);
  spectra (weights, padded, bins + RP_SILERO_BINS);
  memset (first, 0, RP_SILERO_WIDTH * sizeof *first);
  run_layer (&weights->encoder[0], bins, first + RP_SILERO_WIDTH, 4);
  rectify (first, G_N_ELEMENTS (first));
  run_layer (&weights->encoder[1], first, second, 2);
  rectify (second, G_N_ELEMENTS (second));
  run_layer (&weights->encoder[2], second, third, 1);
  rectify (third, G_N_ELEMENTS (third));
  run_layer (&weights->encoder[3], third, fourth, 1);
  rectify (fourth, G_N_ELEMENTS (fourth));
  remember (weights, fourth, state);
  for (guint i = 0; i < RP_SILERO_WIDTH; i++)
    sum += weights->out_weight[i] * (state[i] > 0 ? state[i] : 0);
  return sigmoid (sum);
}
