/* The voice activity network computes the same with every set of instructions that this processor
 * has, whatever it is given; the plain one is what others than x86-64 have. */

#include "silero-kernel.h"
#include "silero-net.h"

#include <math.h>
#include <string.h>

#define N_CHUNKS 200
#define TOLERANCE 1e-3

typedef struct {
  const char *name;
  RpSileroRun run;
} Kernel;

static float
draw (GRand *rand, float size)
{
  return (float) g_rand_double_range (rand, -size, size);
}

static void
layer_init (RpSileroLayer *layer, GRand *rand, guint n_in, guint n_out, guint n_frames,
            guint stride)
{
  *layer = (RpSileroLayer){.n_in = n_in, .n_out = n_out, .n_frames = n_frames, .stride = stride};
  layer->weights = g_new (gint16, (gsize) n_in * n_out);
  layer->scale = g_new (float, n_out);
  layer->bias = g_new (float, n_out);
  for (guint i = 0; i < n_in * n_out; i++)
    layer->weights[i] = (gint16) g_rand_int_range (rand, G_MININT16, G_MAXINT16 + 1);
  for (guint i = 0; i < n_out; i++) {
    layer->scale[i] = 3 / sqrtf ((float) n_in) / G_MAXINT16;
    layer->bias[i] = draw (rand, 0.1f);
  }
}

static void
layer_clear (RpSileroLayer *layer)
{
  g_free (layer->weights);
  g_free (layer->scale);
  g_free (layer->bias);
}

static void
weights_init (RpSileroWeights *weights, GRand *rand)
{
  for (guint i = 0; i < RP_SILERO_WINDOW; i++) {
    double turn = 2 * G_PI * i / RP_SILERO_WINDOW;
    weights->window[i] = (float) (0.5 - 0.5 * cos (turn));
    weights->cosine[i] = (float) cos (turn);
    weights->sine[i] = (float) sin (turn);
  }
  layer_init (&weights->encoder[0], rand, 3 * RP_SILERO_BINS, RP_SILERO_WIDTH, 4, RP_SILERO_BINS);
  layer_init (&weights->encoder[1], rand, 3 * RP_SILERO_WIDTH, RP_SILERO_HALF_WIDTH, 2,
              2 * RP_SILERO_WIDTH);
  layer_init (&weights->encoder[2], rand, 2 * RP_SILERO_HALF_WIDTH, RP_SILERO_HALF_WIDTH, 1, 0);
  layer_init (&weights->encoder[3], rand, RP_SILERO_HALF_WIDTH, RP_SILERO_WIDTH, 1, 0);
  layer_init (&weights->gates, rand, 2 * RP_SILERO_WIDTH, 4 * RP_SILERO_WIDTH, 1, 0);
  for (guint i = 0; i < RP_SILERO_WIDTH; i++)
    weights->out_weight[i] = draw (rand, 0.5f);
}

static void
weights_clear (RpSileroWeights *weights)
{
  for (gsize i = 0; i < G_N_ELEMENTS (weights->encoder); i++)
    layer_clear (&weights->encoder[i]);
  layer_clear (&weights->gates);
}

/* Noise, silence, what is almost nothing, and far too much. */
static float
loudness (guint chunk)
{
  static const float sizes[] = {0.3f, 0.01f, 0, 1e-40f, 1, 100};
  return sizes[chunk / 7 % G_N_ELEMENTS (sizes)];
}

static void
compare (const Kernel *kernel)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);
  g_autofree RpSileroWeights *weights = g_new0 (RpSileroWeights, 1);
  float plain_state[RP_SILERO_STATE_FLOATS] = {0};
  float state[RP_SILERO_STATE_FLOATS] = {0};
  float lowest = 1;
  float highest = 0;

  weights_init (weights, rand);
  for (guint chunk = 0; chunk < N_CHUNKS; chunk++) {
    float audio[RP_SILERO_INPUT_SAMPLES];
    for (gsize i = 0; i < G_N_ELEMENTS (audio); i++)
      audio[i] = draw (rand, 1) * loudness (chunk);
    float plain = rp_silero_run_plain (weights, audio, plain_state);
    float other = kernel->run (weights, audio, state);
    g_assert_cmpfloat_with_epsilon (plain, other, TOLERANCE);
    for (gsize i = 0; i < G_N_ELEMENTS (state); i++)
      g_assert_cmpfloat_with_epsilon (plain_state[i], state[i], TOLERANCE);
    /* Small differences must not grow from chunk to chunk here: that is the model's business. */
    memcpy (state, plain_state, sizeof state);
    lowest = MIN (lowest, plain);
    highest = MAX (highest, plain);
  }
  g_assert_cmpfloat (highest - lowest, >, 0.01);
  weights_clear (weights);
}

static void
test_same (void)
{
  compare (&(Kernel){"plain", rp_silero_run_plain});
#if defined(__x86_64__)
  if (__builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma")) {
    g_test_message ("avx2");
    compare (&(Kernel){"avx2", rp_silero_run_avx2});
  }
  if (__builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw") &&
      __builtin_cpu_supports ("avx512dq") && __builtin_cpu_supports ("avx512vl")) {
    g_test_message ("avx512");
    compare (&(Kernel){"avx512", rp_silero_run_avx512});
  }
#endif
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/silero-kernel/same", test_same);
  return g_test_run ();
}
