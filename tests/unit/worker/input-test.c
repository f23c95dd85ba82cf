/* worker/input: positions, chunks, times of arrival, forgetting. */
#include "input.h"

static void
push (RpInput *input, gint64 pos, guint n, RpAudioKind kind, gint64 arrival_us)
{
  RpAudioIn audio = {.pos_samples = pos, .kind = kind, .n_samples = n};
  for (guint i = 0; i < n; i++)
    audio.pcm[i] = (gint16) ((pos + i) % 30000);
  g_assert_true (rp_input_push (input, &audio, arrival_us));
}

static void
test_chunks (void)
{
  g_autoptr (RpInput) input = rp_input_new (1000);
  RpInputChunk chunk;
  gint64 next = 1000;
  for (guint i = 0; i < 100; i++) {
    push (input, 1000 + 320 * (gint64) i, 320, RP_AUDIO_DECODED, 20000 * i);
    while (rp_input_poll (input, &chunk)) {
      g_assert_cmpint (chunk.pos_samples, ==, next);
      g_assert_false (chunk.invented);
      for (guint k = 0; k < RP_INPUT_CHUNK_SAMPLES; k++)
        g_assert_cmpfloat (chunk.pcm[k], ==, (float) ((next + k) % 30000) / 32768.0f);
      next += RP_INPUT_CHUNK_SAMPLES;
    }
    g_assert_cmpint (rp_input_end (input) - next, <, RP_INPUT_CHUNK_SAMPLES);
  }
  g_assert_cmpint (rp_input_end (input), ==, 1000 + 100 * 320);
}

static void
test_positions (void)
{
  static const struct {
    gint64 first, second;
    gboolean first_ok, second_ok;
  } rows[] = {
      {500, 820, TRUE, TRUE},  {700, 1020, TRUE, TRUE}, {499, 0, FALSE, FALSE},
      {500, 821, TRUE, FALSE}, {500, 819, TRUE, FALSE}, {500, 500, TRUE, FALSE},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (RpInput) input = rp_input_new (500);
    RpAudioIn audio = {.pos_samples = rows[i].first, .n_samples = 320};
    g_assert_cmpint (rp_input_push (input, &audio, 0), ==, rows[i].first_ok);
    if (!rows[i].first_ok)
      continue;
    audio.pos_samples = rows[i].second;
    g_assert_cmpint (rp_input_push (input, &audio, 0), ==, rows[i].second_ok);
  }
}

/* A chunk is invented when more than half of it is. */
static void
test_invented (void)
{
  static const struct {
    guint real, invented;
    gboolean expected;
  } rows[] = {{512, 0, FALSE}, {0, 512, TRUE}, {256, 256, FALSE}, {255, 257, TRUE}, {1, 511, TRUE}};
  for (guint order = 0; order < 2; order++) {
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
      g_autoptr (RpInput) input = rp_input_new (0);
      gint64 pos = 0;
      for (guint part = 0; part < 2; part++) {
        gboolean is_real = part == order;
        guint n = is_real ? rows[i].real : rows[i].invented;
        if (n > 0)
          push (input, pos, n, is_real ? RP_AUDIO_FEC : RP_AUDIO_PLC + order, 0);
        pos += n;
      }
      RpInputChunk chunk;
      g_assert_true (rp_input_poll (input, &chunk));
      g_assert_cmpint (chunk.invented, ==, rows[i].expected);
    }
  }
}

/* What the sender left out is silence that was heard, and no evidence missing. */
static void
test_count (void)
{
  g_autoptr (RpInput) input = rp_input_new (0);
  guint64 kinds[RP_AUDIO_N_KINDS] = {0};
  RpInputChunk chunk;
  rp_input_count (input, 0, 100, kinds);
  for (guint i = 0; i < RP_AUDIO_N_KINDS; i++)
    push (input, 512 * (gint64) i, 512, i, 0);
  rp_input_count (input, 500, 512 * 5 + 12, kinds);
  const guint64 expected[RP_AUDIO_N_KINDS] = {12, 512, 512, 512, 512, 12};
  for (guint i = 0; i < RP_AUDIO_N_KINDS; i++) {
    g_assert_cmpuint (kinds[i], ==, expected[i]);
    g_assert_true (rp_input_poll (input, &chunk));
    g_assert_cmpint (chunk.invented, ==, i == RP_AUDIO_PLC || i == RP_AUDIO_SILENCE);
  }
}

static void
test_arrival (void)
{
  g_autoptr (RpInput) input = rp_input_new (0);
  g_assert_cmpint (rp_input_arrival_us (input, 100), ==, 0);
  for (guint i = 0; i < 10; i++)
    push (input, 320 * (gint64) i, 320, RP_AUDIO_DECODED, 1000 + i);
  static const struct {
    gint64 pos, arrival_us;
  } rows[] = {{-5, 1000},  {0, 1000},   {1, 1000},    {320, 1000},
              {321, 1001}, {640, 1001}, {3200, 1009}, {9999, 1009}};
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpint (rp_input_arrival_us (input, rows[i].pos), ==, rows[i].arrival_us);
}

static void
assert_copy (RpInput *input, gint64 from, gint64 to, gint64 first, gsize expected_n)
{
  gsize n = 0;
  g_autofree float *pcm = rp_input_copy (input, from, to, &n);
  g_assert_cmpuint (n, ==, expected_n);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpfloat (pcm[i], ==, (float) ((first + (gint64) i) % 30000) / 32768.0f);
}

static void
test_copy_and_forget (void)
{
  g_autoptr (RpInput) input = rp_input_new (0);
  RpInputChunk chunk;
  gint64 end = 60 * 16000;
  for (gint64 pos = 0; pos < end; pos += 320)
    push (input, pos, 320, RP_AUDIO_DECODED, pos);
  assert_copy (input, 100, 500, 100, 400);
  assert_copy (input, end - 10, end + 10, end - 10, 10);
  assert_copy (input, -10, 10, 0, 10);
  assert_copy (input, 500, 500, 500, 0);
  assert_copy (input, 500, 400, 500, 0);

  /* What the VAD has not seen stays, whatever is said to be needed. */
  rp_input_forget (input, end);
  assert_copy (input, 0, 320, 0, 320);
  while (rp_input_poll (input, &chunk))
    ;
  rp_input_forget (input, end - 20 * 16000);
  assert_copy (input, 0, 320, 0, 0);
  assert_copy (input, end - 20 * 16000, end, end - 20 * 16000, 20 * 16000);
  g_assert_cmpint (rp_input_arrival_us (input, end), ==, end - 320);
  rp_input_forget (input, 0);
  assert_copy (input, end - 20 * 16000, end, end - 20 * 16000, 20 * 16000);
}

/* While nobody speaks nothing is needed, but the words that come next have begun already. */
static void
test_onset_is_kept (void)
{
  g_autoptr (RpInput) input = rp_input_new (0);
  RpInputChunk chunk;
  gint64 pos;
  for (pos = 0; pos < 60 * 16000; pos += 320) {
    push (input, pos, 320, RP_AUDIO_DECODED, pos);
    while (rp_input_poll (input, &chunk))
      ;
    rp_input_forget (input, G_MAXINT64);
    gint64 kept = MAX (pos + 320 - RP_INPUT_KEPT_SAMPLES, 0);
    assert_copy (input, kept, pos + 320, kept, (gsize) (pos + 320 - kept));
  }
  assert_copy (input, 0, pos - RP_INPUT_KEPT_SAMPLES - 17 * 1000, 0, 0);
}

/* A turn that never ends does not eat the memory. */
static void
test_bounded (void)
{
  g_autoptr (RpInput) input = rp_input_new (0);
  RpInputChunk chunk;
  gint64 end = RP_INPUT_MAX_SAMPLES + 100 * 16000;
  for (gint64 pos = 0; pos < end; pos += 1600) {
    push (input, pos, 1600, RP_AUDIO_DECODED, pos);
    while (rp_input_poll (input, &chunk))
      ;
    rp_input_forget (input, 0);
  }
  gsize n = 0;
  g_autofree float *pcm = rp_input_copy (input, 0, end, &n);
  g_assert_cmpuint (n, <=, RP_INPUT_MAX_SAMPLES);
  g_assert_cmpuint (n, >, RP_INPUT_MAX_SAMPLES - 20 * 16000);
  g_assert_cmpfloat (pcm[n - 1], ==, (float) ((end - 1) % 30000) / 32768.0f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/input/chunks", test_chunks);
  g_test_add_func ("/input/positions", test_positions);
  g_test_add_func ("/input/invented", test_invented);
  g_test_add_func ("/input/count", test_count);
  g_test_add_func ("/input/arrival", test_arrival);
  g_test_add_func ("/input/copy-and-forget", test_copy_and_forget);
  g_test_add_func ("/input/onset-is-kept", test_onset_is_kept);
  g_test_add_func ("/input/bounded", test_bounded);
  return g_test_run ();
}
