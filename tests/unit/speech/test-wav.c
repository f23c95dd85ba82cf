#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "wav.h"

static void
put (GByteArray *bytes, guint64 value, guint n)
{
  for (guint i = 0; i < n; i++) {
    guint8 byte = (guint8) (value >> (8 * i));

    g_byte_array_append (bytes, &byte, 1);
  }
}

static void
put_tag (GByteArray *bytes, const char *tag)
{
  g_byte_array_append (bytes, (const guint8 *) tag, 4);
}

/* A file of @n_bytes of audio that claims @claimed. */
static GByteArray *
make_wav (guint format, guint n_channels, guint rate_hz, guint bits, guint n_bytes, guint claimed)
{
  GByteArray *bytes = g_byte_array_new ();

  put_tag (bytes, "RIFF");
  put (bytes, 0, 4);
  put_tag (bytes, "WAVE");
  put_tag (bytes, "LIST");
  put (bytes, 3, 4);
  put (bytes, 0, 4); /* padded to an even length */
  put_tag (bytes, "fmt ");
  put (bytes, 16, 4);
  put (bytes, format, 2);
  put (bytes, n_channels, 2);
  put (bytes, rate_hz, 4);
  put (bytes, rate_hz * n_channels * bits / 8, 4);
  put (bytes, n_channels * bits / 8, 2);
  put (bytes, bits, 2);
  put_tag (bytes, "data");
  put (bytes, claimed, 4);
  for (guint i = 0; i < n_bytes; i++)
    put (bytes, i, 1);
  return bytes;
}

static void
test_parse (void)
{
  static const struct {
    guint format, n_channels, rate_hz, bits, n_bytes, claimed;
    int code; /* -1: good */
    gsize n_frames;
  } rows[] = {
      {1, 1, 16000, 16, 8, 8, -1, 4},
      {1, 2, 48000, 16, 8, 8, -1, 2},
      {1, 1, 8000, 16, 7, 7, -1, 3},
      {1, 1, 16000, 16, 8, 0xffffffff, -1, 4},
      {1, 1, 16000, 16, 0, 0, -1, 0},
      {3, 1, 16000, 32, 8, 8, RP_WAV_ERROR_UNSUPPORTED, 0},
      {1, 0, 16000, 16, 8, 8, RP_WAV_ERROR_UNSUPPORTED, 0},
      {1, 3, 16000, 16, 8, 8, RP_WAV_ERROR_UNSUPPORTED, 0},
      {1, 1, 0, 16, 8, 8, RP_WAV_ERROR_UNSUPPORTED, 0},
      {1, 1, 4000000000u, 16, 8, 8, RP_WAV_ERROR_UNSUPPORTED, 0},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GByteArray) bytes = make_wav (rows[i].format, rows[i].n_channels, rows[i].rate_hz,
                                             rows[i].bits, rows[i].n_bytes, rows[i].claimed);
    g_autoptr (GError) error = NULL;
    g_auto (RpWav) wav = {0};

    if (rp_wav_parse (bytes->data, bytes->len, &wav, &error)) {
      g_assert_cmpint (rows[i].code, ==, -1);
      g_assert_cmpuint (wav.n_frames, ==, rows[i].n_frames);
      g_assert_cmpuint (wav.rate_hz, ==, rows[i].rate_hz);
      if (wav.n_frames > 0)
        g_assert_cmpint (wav.pcm[0], ==, 0x100);
    } else {
      g_assert_error (error, RP_WAV_ERROR, rows[i].code);
    }
  }
}

/* Every beginning of a file, in memory of exactly its size. */
static void
test_truncated (void)
{
  g_autoptr (GByteArray) bytes = make_wav (1, 1, 16000, 16, 8, 8);

  for (guint n = 0; n <= bytes->len; n++) {
    g_autofree guint8 *copy = g_memdup2 (bytes->data, n);
    g_auto (RpWav) wav = {0};

    if (!rp_wav_parse (copy, n, &wav, NULL))
      g_assert_null (wav.pcm);
    else
      g_assert_cmpuint (n, >=, bytes->len - 8);
  }
}

static void
test_round_trip (void)
{
  const gint16 pcm[] = {0, 1, -1, 32767, -32768, 256};
  g_autofree char *dir = g_dir_make_tmp ("rp-wav-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "x.wav", NULL);
  g_autoptr (GError) error = NULL;
  g_auto (RpWav) wav = {0};

  rp_wav_write (path, 24000, 2, pcm, 3, &error);
  g_assert_no_error (error);
  rp_wav_read (path, &wav, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (wav.rate_hz, ==, 24000);
  g_assert_cmpuint (wav.n_channels, ==, 2);
  g_assert_cmpmem (wav.pcm, wav.n_frames * 4, pcm, sizeof pcm);
  g_unlink (path);
  g_rmdir (dir);
  g_assert_false (rp_wav_read (path, &wav, NULL));
}

/* A tone keeps its pitch and level at another rate; one that the lower rate cannot hold goes. */
static void
test_resample (void)
{
  static const struct {
    guint from_hz, to_hz;
    double tone_hz, level;
  } rows[] = {
      {8000, 16000, 1000, 0.5}, {48000, 16000, 1000, 0.5},  {24000, 16000, 3000, 0.5},
      {44100, 16000, 440, 0.5}, {48000, 16000, 12000, 0.0}, {16000, 16000, 5000, 0.5},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree gint16 *pcm = g_new (gint16, rows[i].from_hz);
    RpWav wav = {rows[i].from_hz, 1, rows[i].from_hz, pcm};
    g_autofree float *out = NULL;
    double in_phase = 0, quadrature = 0, power = 0;
    gsize n = 0;

    for (guint k = 0; k < rows[i].from_hz; k++)
      pcm[k] = (gint16) (16384 * sin (2 * G_PI * rows[i].tone_hz * k / rows[i].from_hz));
    out = rp_wav_mono (&wav, rows[i].to_hz, &n);
    g_assert_cmpuint (n, ==, rows[i].to_hz);
    for (gsize k = 0; k < n; k++) {
      double phase = 2 * G_PI * rows[i].tone_hz * (double) k / rows[i].to_hz;

      in_phase += out[k] * sin (phase) * 2 / (double) n;
      quadrature += out[k] * cos (phase) * 2 / (double) n;
      power += (double) out[k] * out[k] / (double) n;
    }
    g_assert_cmpfloat_with_epsilon (sqrt (2 * power), rows[i].level, 0.02);
    if (rows[i].level > 0)
      g_assert_cmpfloat_with_epsilon (hypot (in_phase, quadrature), rows[i].level, 0.02);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wav/parse", test_parse);
  g_test_add_func ("/wav/truncated", test_truncated);
  g_test_add_func ("/wav/round-trip", test_round_trip);
  g_test_add_func ("/wav/resample", test_resample);
  return g_test_run ();
}
