#include <glib.h>
#include <math.h>

#include "utterance.h"

#define RATE 16000

/* Seconds of silence, of tone, of silence. */
static float *
burst (double before, double tone, double after, float amplitude, gsize *n)
{
  gsize from = (gsize) (before * RATE);
  gsize to = from + (gsize) (tone * RATE);
  float *pcm;

  *n = to + (gsize) (after * RATE);
  pcm = g_new0 (float, MAX (*n, 1));
  for (gsize i = from; i < to; i++)
    pcm[i] = amplitude * (float) sin (2 * G_PI * 300 * (double) i / RATE);
  return pcm;
}

static void
test_trim (void)
{
  static const struct {
    double before, tone, after;
    double start, length;
  } rows[] = {
      {1, 1, 1, 0.85, 1.3},  {0, 1, 0, 0, 1},     {0.1, 1, 0.1, 0, 1.2}, {2, 0.02, 0, 1.85, 0.17},
      {0, 0.01, 0, 0, 0.01}, {0.5, 0, 0.5, 0, 0}, {0, 0, 0, 0, 0},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    gsize n;
    g_autofree float *pcm = burst (rows[i].before, rows[i].tone, rows[i].after, 0.01f, &n);
    RpSpan span = rp_utterance_trim (pcm, n);

    g_assert_cmpuint (span.start + span.n, <=, n);
    /* To within the 20 ms frames that it looks at. */
    g_assert_cmpfloat_with_epsilon ((double) span.start / RATE, rows[i].start, 0.0201);
    g_assert_cmpfloat_with_epsilon ((double) span.n / RATE, rows[i].length, 0.0401);
  }
}

static void
test_normalise (void)
{
  static const float amplitudes[] = {0.9f, 0.1f, 0.01f};
  float odd[] = {NAN, INFINITY, -INFINITY, 3, -7};

  for (gsize i = 0; i < G_N_ELEMENTS (amplitudes); i++) {
    gsize n;
    g_autofree float *pcm = burst (0, 1, 0, amplitudes[i], &n);
    double sum = 0;

    for (gsize k = 0; k < n; k++)
      pcm[k] += 0.05f;
    rp_utterance_normalise (pcm, n);
    for (gsize k = 0; k < n; k++)
      sum += (double) pcm[k] * pcm[k];
    g_assert_cmpfloat_with_epsilon (sqrt (sum / (double) n), 0.05, 0.002);
  }
  rp_utterance_normalise (odd, G_N_ELEMENTS (odd));
  for (gsize i = 0; i < G_N_ELEMENTS (odd); i++)
    g_assert_true (odd[i] >= -1 && odd[i] <= 1);
  rp_utterance_normalise (odd, 0);
}

static void
test_pieces (void)
{
  gsize max = 4 * RATE;
  gsize n;
  /* Speech with a pause at 3.5 s. */
  g_autofree float *pcm = burst (0, 10, 0, 0.3f, &n);

  g_assert_cmpuint (rp_utterance_next_piece (pcm, max, max), ==, max);
  for (gsize i = 0; i < RATE / 5; i++)
    pcm[7 * RATE / 2 + i] = 0;
  g_assert_cmpfloat_with_epsilon ((double) rp_utterance_next_piece (pcm, n, max) / RATE, 3.6, 0.11);

  /* Every sample is in exactly one piece. */
  for (gsize done = 0; done < n;) {
    gsize piece = rp_utterance_next_piece (pcm + done, n - done, max);

    g_assert_cmpuint (piece, >, 0);
    g_assert_cmpuint (piece, <=, max);
    done += piece;
    g_assert_cmpuint (done, <=, n);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/utterance/trim", test_trim);
  g_test_add_func ("/utterance/normalise", test_normalise);
  g_test_add_func ("/utterance/pieces", test_pieces);
  return g_test_run ();
}
