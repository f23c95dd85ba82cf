#include "silero-net.h"

#include <math.h>
#include <string.h>

#include "onnx-file.h"
#include "silero-kernel.h"
#include "speech.h"

#define W RP_SILERO_WIDTH
#define H RP_SILERO_HALF_WIDTH
#define ALIGNMENT 64

struct _RpSileroNet {
  RpSileroRun run;
  RpSileroWeights weights;
};

enum {
  BASIS,
  CONV_0,
  BIAS_0,
  CONV_1,
  BIAS_1,
  CONV_2,
  BIAS_2,
  CONV_3,
  BIAS_3,
  GATES_IN,
  GATES_STATE,
  GATES_IN_BIAS,
  GATES_STATE_BIAS,
  OUT,
  OUT_BIAS,
  N_TENSORS,
};

static const RpOnnxTensor tensors[N_TENSORS] = {
    [BASIS] = {"stft.forward_basis_buffer", {2 * RP_SILERO_BINS, 1, RP_SILERO_WINDOW}},
    [CONV_0] = {"encoder.0.reparam_conv.weight", {W, RP_SILERO_BINS, 3}},
    [BIAS_0] = {"encoder.0.reparam_conv.bias", {W}},
    [CONV_1] = {"encoder.1.reparam_conv.weight", {H, W, 3}},
    [BIAS_1] = {"encoder.1.reparam_conv.bias", {H}},
    [CONV_2] = {"encoder.2.reparam_conv.weight", {H, H, 3}},
    [BIAS_2] = {"encoder.2.reparam_conv.bias", {H}},
    [CONV_3] = {"encoder.3.reparam_conv.weight", {W, H, 3}},
    [BIAS_3] = {"encoder.3.reparam_conv.bias", {W}},
    [GATES_IN] = {"decoder.rnn.weight_ih", {4 * W, W}},
    [GATES_STATE] = {"decoder.rnn.weight_hh", {4 * W, W}},
    [GATES_IN_BIAS] = {"decoder.rnn.bias_ih", {4 * W}},
    [GATES_STATE_BIAS] = {"decoder.rnn.bias_hh", {4 * W}},
    [OUT] = {"decoder.decoder.2.weight", {1, W, 1}},
    [OUT_BIAS] = {"decoder.decoder.2.bias", {1}},
};

/* The file's floats are not aligned. */
static float
element (const RpOnnxTensor *tensor, gsize i)
{
  guint32 bits;
  float value;

  memcpy (&bits, tensor->floats + i * sizeof bits, sizeof bits);
  bits = GUINT32_FROM_LE (bits);
  memcpy (&value, &bits, sizeof value);
  return value;
}

/* Which weight of the convolution's (output, channel, kernel) the layer's input j has. */
typedef struct {
  const RpOnnxTensor *tensor;
  guint n_channels;
  guint n_kernel;
  guint from; /* the kernel's elements before it see nothing but padding */
} Source;

static float
source_weight (const Source *source, guint output, guint j)
{
  guint k = source->from + j / source->n_channels;
  guint channel = j % source->n_channels;

  return element (source->tensor,
                  ((gsize) output * source->n_channels + channel) * source->n_kernel + k);
}

static void
layer_init (RpSileroLayer *layer, guint n_in, guint n_out, guint n_frames, guint stride)
{
  *layer = (RpSileroLayer){.n_in = n_in, .n_out = n_out, .n_frames = n_frames, .stride = stride};
  layer->weights = g_aligned_alloc ((gsize) n_in * n_out, sizeof (gint16), ALIGNMENT);
  layer->scale = g_aligned_alloc (n_out, sizeof (float), ALIGNMENT);
  layer->bias = g_aligned_alloc (n_out, sizeof (float), ALIGNMENT);
}

static void
layer_clear (RpSileroLayer *layer)
{
  g_aligned_free (layer->weights);
  g_aligned_free (layer->scale);
  g_aligned_free (layer->bias);
}

/* @row: the output's n_in weights */
static void
pack_row (RpSileroLayer *layer, guint output, const float *row)
{
  guint n_block = RP_SILERO_BLOCK / layer->n_frames;
  gint16 *block = layer->weights + (gsize) (output / n_block * n_block) * layer->n_in;
  float largest = 0;

  for (guint j = 0; j < layer->n_in; j++)
    largest = MAX (largest, fabsf (row[j]));
  layer->scale[output] = largest / G_MAXINT16;
  for (guint j = 0; j < layer->n_in; j++)
    block[j * n_block + output % n_block] =
        largest > 0 ? (gint16) lrintf (row[j] / largest * G_MAXINT16) : 0;
}

static void
pack_convolution (RpSileroLayer *layer, const Source *source, const RpOnnxTensor *bias)
{
  g_autofree float *row = g_new (float, layer->n_in);

  for (guint o = 0; o < layer->n_out; o++) {
    for (guint j = 0; j < layer->n_in; j++)
      row[j] = source_weight (source, o, j);
    pack_row (layer, o, row);
    layer->bias[o] = element (bias, o);
  }
}

static void
pack_gates (RpSileroLayer *layer, const RpOnnxTensor *found)
{
  float row[2 * W];

  for (guint o = 0; o < layer->n_out; o++) {
    for (guint j = 0; j < W; j++) {
      row[j] = element (&found[GATES_IN], (gsize) o * W + j);
      row[W + j] = element (&found[GATES_STATE], (gsize) o * W + j);
    }
    pack_row (layer, o, row);
    layer->bias[o] = element (&found[GATES_IN_BIAS], o) + element (&found[GATES_STATE_BIAS], o);
  }
}

static void
pack (RpSileroWeights *weights, const RpOnnxTensor *found)
{
  /* Of the third convolution's one frame the first kernel element sees padding, of the fourth's the
   * last as well. */
  layer_init (&weights->encoder[0], 3 * RP_SILERO_BINS, W, 4, RP_SILERO_BINS);
  layer_init (&weights->encoder[1], 3 * W, H, 2, 2 * W);
  layer_init (&weights->encoder[2], 2 * H, H, 1, 0);
  layer_init (&weights->encoder[3], H, W, 1, 0);
  layer_init (&weights->gates, 2 * W, 4 * W, 1, 0);
  pack_convolution (&weights->encoder[0], &(Source){&found[CONV_0], RP_SILERO_BINS, 3, 0},
                    &found[BIAS_0]);
  pack_convolution (&weights->encoder[1], &(Source){&found[CONV_1], W, 3, 0}, &found[BIAS_1]);
  pack_convolution (&weights->encoder[2], &(Source){&found[CONV_2], H, 3, 1}, &found[BIAS_2]);
  pack_convolution (&weights->encoder[3], &(Source){&found[CONV_3], H, 3, 1}, &found[BIAS_3]);
  pack_gates (&weights->gates, found);
  for (guint i = 0; i < W; i++)
    weights->out_weight[i] = element (&found[OUT], i);
  weights->out_bias = element (&found[OUT_BIAS], 0);
}

/* The model brings its Fourier transform as a matrix; it has to be one for a fast transform to give
 * the same. */
static gboolean
take_window (RpSileroWeights *weights, const RpOnnxTensor *basis)
{
  gboolean same = TRUE;

  for (guint i = 0; i < RP_SILERO_WINDOW; i++) {
    weights->window[i] = element (basis, i);
    weights->cosine[i] = (float) cos (2 * G_PI * i / RP_SILERO_WINDOW);
    weights->sine[i] = (float) sin (2 * G_PI * i / RP_SILERO_WINDOW);
  }
  for (guint k = 0; k < RP_SILERO_BINS; k++) {
    for (guint i = 0; i < RP_SILERO_WINDOW; i++) {
      guint turn = k * i % RP_SILERO_WINDOW;
      float re = element (basis, (gsize) k * RP_SILERO_WINDOW + i);
      float im = element (basis, (gsize) (RP_SILERO_BINS + k) * RP_SILERO_WINDOW + i);
      same &= fabsf (re - weights->window[i] * weights->cosine[turn]) < 1e-4f;
      same &= fabsf (fabsf (im) - fabsf (weights->window[i] * weights->sine[turn])) < 1e-4f;
    }
  }
  return same;
}

static RpSileroRun
choose_run (void)
{
#if defined(__x86_64__)
  /* All that meson.build lets the compiler use. */
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw") &&
      __builtin_cpu_supports ("avx512dq") && __builtin_cpu_supports ("avx512vl"))
    return rp_silero_run_avx512;
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma"))
    return rp_silero_run_avx2;
#endif
  return rp_silero_run_plain;
}

RpSileroNet *
rp_silero_net_new (const char *path, GError **error)
{
  RpOnnxTensor found[N_TENSORS];
  g_autoptr (GError) cause = NULL;
  g_autoptr (GMappedFile) file = g_mapped_file_new (path, FALSE, &cause);
  g_autoptr (RpSileroNet) net = g_aligned_alloc0 (1, sizeof *net, ALIGNMENT);

  if (file == NULL) {
    g_set_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS,
                 "%s is missing (tools/fetch-models installs it)", path);
    return NULL;
  }
  memcpy (found, tensors, sizeof found);
  if (!rp_onnx_find ((const guint8 *) g_mapped_file_get_contents (file),
                     g_mapped_file_get_length (file), found, N_TENSORS) ||
      !take_window (&net->weights, &found[BASIS])) {
    g_set_error (
        error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS,
        "%s is not version 6 of Silero's voice activity model (tools/fetch-models installs "
        "it)",
        path);
    return NULL;
  }
  pack (&net->weights, found);
  net->run = choose_run ();
  return g_steal_pointer (&net);
}

void
rp_silero_net_free (RpSileroNet *net)
{
  if (net == NULL)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (net->weights.encoder); i++)
    layer_clear (&net->weights.encoder[i]);
  layer_clear (&net->weights.gates);
  g_aligned_free (net);
}

float
rp_silero_net_run (const RpSileroNet *net, const float *audio, float *state)
{
  return net->run (&net->weights, audio, state);
}
