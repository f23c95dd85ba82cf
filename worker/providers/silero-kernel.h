/* What silero-net.c prepares and silero-kernel.c computes; the latter is compiled once for each set
 * of processor instructions. For these two alone. */
#pragma once

#include <glib.h>

#define RP_SILERO_WINDOW 256
#define RP_SILERO_HOP 128
#define RP_SILERO_FRAMES 4
#define RP_SILERO_BINS (RP_SILERO_WINDOW / 2 + 1)
#define RP_SILERO_WIDTH 128
#define RP_SILERO_HALF_WIDTH 64
/* Outputs × frames that the kernel adds up at a time: eight registers of eight numbers. */
#define RP_SILERO_BLOCK 64

/* y[t][o] = bias[o] + scale[o] · Σ_j weights[o][j] · x[t · stride + j]. A convolution is this as
 * well, over the frames laid side by side. */
typedef struct {
  guint n_in;
  guint n_out;
  guint n_frames; /* 1, 2 or 4 */
  guint stride;
  /* In blocks of RP_SILERO_BLOCK / n_frames outputs, for each input the weights of all of them. 16
   * bits: half the memory to read, which is what it costs, and 0.002 % of the largest one's size.
   */
  gint16 *weights;
  float *scale;
  float *bias;
} RpSileroLayer;

typedef struct {
  float window[RP_SILERO_WINDOW];
  float cosine[RP_SILERO_WINDOW]; /* of one turn */
  float sine[RP_SILERO_WINDOW];
  RpSileroLayer encoder[4];
  RpSileroLayer gates; /* input, forget, cell, output: of the encoder's output and the state's */
  float out_weight[RP_SILERO_WIDTH];
  float out_bias;
} RpSileroWeights;

typedef float (*RpSileroRun) (const RpSileroWeights *weights, const float *audio, float *state);

float rp_silero_run_plain (const RpSileroWeights *weights, const float *audio, float *state);
float rp_silero_run_avx2 (const RpSileroWeights *weights, const float *audio, float *state);
float rp_silero_run_avx512 (const RpSileroWeights *weights, const float *audio, float *state);
