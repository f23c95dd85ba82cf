/* The speech engines with their real models, before and after a fork. Nothing here judges quality
 * finely: what a voice of ours says, the transcriber must understand. */

#define _GNU_SOURCE

#include <float.h>
#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stt.h"
#include "tts.h"
#include "vad.h"

static const char sentence[] = "Please book a table for four people on Friday evening.";

static char *models_dir;
static RpOrt *ort;
static RpVadModel *vad_model;
static RpStt *stt;
static RpTts *tts;

typedef struct {
  GArray *pcm;
  GArray *words;
  guint n_words_calls;
  gsize stop_after; /* 0: never */
  gint cancel;
  gsize cancel_after;
} Speech;

static void
on_words (const RpTtsWord *words, gsize n_words, gpointer user_data)
{
  Speech *speech = user_data;

  g_assert_cmpuint (speech->pcm->len, ==, 0);
  speech->n_words_calls++;
  if (n_words > 0)
    g_array_append_vals (speech->words, words, (guint) n_words);
}

static gboolean
on_audio (const gint16 *pcm, gsize n_samples, gpointer user_data)
{
  Speech *speech = user_data;

  g_assert_cmpuint (speech->n_words_calls, ==, 1);
  g_assert_cmpuint (n_samples, >, 0);
  g_array_append_vals (speech->pcm, pcm, (guint) n_samples);
  if (speech->cancel_after > 0 && speech->pcm->len >= speech->cancel_after)
    g_atomic_int_set (&speech->cancel, 1);
  return speech->stop_after == 0 || speech->pcm->len < speech->stop_after;
}

static void
speech_init (Speech *speech)
{
  *speech = (Speech){0};
  speech->pcm = g_array_new (FALSE, FALSE, sizeof (gint16));
  speech->words = g_array_new (FALSE, FALSE, sizeof (RpTtsWord));
}

static void
speech_clear (Speech *speech)
{
  g_array_unref (speech->pcm);
  g_array_unref (speech->words);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Speech, speech_clear)

static gboolean
synthesize (RpTts *engine, const char *text, Speech *speech, GError **error)
{
  RpTtsSink sink = {on_words, on_audio, speech};

  return rp_tts_synthesize (engine, text, &sink, &speech->cancel, error);
}

static float *
to_float (const GArray *pcm)
{
  float *out = g_new (float, pcm->len + 1);

  for (guint i = 0; i < pcm->len; i++)
    out[i] = (float) g_array_index (pcm, gint16, i) / 32768;
  return out;
}

/* Speaks and transcribes. */
static char *
round_trip (const char *text)
{
  g_auto (Speech) speech = {0};
  g_autofree float *pcm = NULL;
  g_autoptr (GError) error = NULL;
  char *heard;

  speech_init (&speech);
  synthesize (tts, text, &speech, &error);
  g_assert_no_error (error);
  pcm = to_float (speech.pcm);
  heard = rp_stt_transcribe (stt, pcm, speech.pcm->len, NULL, &error);
  g_assert_no_error (error);
  return heard;
}

/* The file's first line that begins with @key, as a number. */
static long
proc_value (const char *path, const char *key)
{
  g_autofree char *text = NULL;
  char *line;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  line = strstr (text, key);
  g_assert_nonnull (line);
  return strtol (line + strlen (key), NULL, 10);
}

static void
test_one_thread (void)
{
  g_assert_cmpint (proc_value ("/proc/self/status", "Threads:"), ==, 1);
}

static void
test_vad (void)
{
  g_autoptr (RpVad) vad = rp_vad_new (vad_model);
  g_autoptr (GError) error = NULL;
  g_auto (Speech) speech = {0};
  g_autofree float *pcm = NULL;
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  static const float odd[] = {NAN, INFINITY, -INFINITY, 1e30f, FLT_MAX};
  float chunk[RP_VAD_CHUNK_SAMPLES];
  float first_pass = 0;
  guint n_speech = 0;
  guint n = 0;

  for (guint i = 0; i < 100; i++) {
    for (guint k = 0; k < RP_VAD_CHUNK_SAMPLES; k++)
      chunk[k] = (float) g_rand_double_range (rand, -0.05, 0.05);
    g_assert_cmpfloat (rp_vad_process (vad, chunk, &error), <, 0.5);
    g_assert_no_error (error);
  }
  /* Samples that are not numbers may be refused, but the stream stays usable. */
  for (gsize i = 0; i < G_N_ELEMENTS (odd); i++) {
    float bad[RP_VAD_CHUNK_SAMPLES];
    float probability;

    for (guint k = 0; k < RP_VAD_CHUNK_SAMPLES; k++)
      bad[k] = odd[i];
    probability = rp_vad_process (vad, bad, &error);
    g_assert_true (error != NULL ? probability == -1 : probability >= 0 && probability <= 1);
    g_clear_error (&error);
    for (guint k = 0; k < 3; k++)
      rp_vad_process (vad, chunk, NULL);
    g_assert_cmpfloat (rp_vad_process (vad, chunk, &error), <, 0.5);
    g_assert_no_error (error);
  }

  speech_init (&speech);
  g_assert_true (synthesize (tts, sentence, &speech, NULL));
  pcm = to_float (speech.pcm);
  for (guint pass = 0; pass < 2; pass++) {
    float sum = 0;

    rp_vad_reset (vad);
    for (guint i = 0; i + RP_VAD_CHUNK_SAMPLES <= speech.pcm->len; i += RP_VAD_CHUNK_SAMPLES) {
      float probability = rp_vad_process (vad, pcm + i, &error);

      g_assert_no_error (error);
      sum += probability;
      n_speech += probability > 0.5f;
      n++;
    }
    if (pass == 0)
      first_pass = sum;
    else
      g_assert_cmpfloat (sum, ==, first_pass); /* a reset stream is as a new one */
  }
  g_assert_cmpuint (n_speech, >, n * 3 / 4);
}

static void
test_stt (void)
{
  g_autofree char *heard = round_trip (sentence);
  g_autofree char *lower = g_ascii_strdown (heard, -1);

  g_test_message ("heard: %s", heard);
  g_assert_nonnull (strstr (lower, "four people"));
  g_assert_nonnull (strstr (lower, "friday evening"));
}

/* No length and no content of samples does harm. */
static void
test_stt_odd_audio (void)
{
  static const gsize lengths[] = {0, 1, 100, 319, 320, 894, 895, 3999, 4000, 16000};
  static const float values[] = {0, 1, NAN, INFINITY, 1e30f};

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++) {
    for (gsize k = 0; k < G_N_ELEMENTS (values); k++) {
      g_autofree float *pcm = g_new (float, MAX (lengths[i], 1));
      g_autofree char *heard = NULL;
      g_autoptr (GError) error = NULL;

      for (gsize s = 0; s < lengths[i]; s++)
        pcm[s] = values[k];
      heard = rp_stt_transcribe (stt, pcm, lengths[i], NULL, &error);
      g_assert_no_error (error);
      g_assert_nonnull (heard);
      if (lengths[i] == 0 || values[k] == 0)
        g_assert_cmpstr (heard, ==, "");
    }
  }
}

static void
test_stt_long (void)
{
  gsize max = (gsize) RP_STT_MAX_SECONDS * RP_SPEECH_RATE_HZ;
  g_auto (Speech) speech = {0};
  g_autofree float *once = NULL;
  g_autofree float *pcm = g_new0 (float, max + 1);
  g_autofree char *heard = NULL;
  g_autoptr (GError) error = NULL;
  gsize n = 0;
  guint found = 0;

  speech_init (&speech);
  g_assert_true (synthesize (tts, sentence, &speech, NULL));
  once = to_float (speech.pcm);
  for (guint i = 0; i < 12; i++) {
    memcpy (pcm + n, once, speech.pcm->len * sizeof *pcm);
    n += speech.pcm->len + RP_SPEECH_RATE_HZ / 3;
  }
  g_assert_cmpuint (n, >, 35 * RP_SPEECH_RATE_HZ);
  heard = rp_stt_transcribe (stt, pcm, n, NULL, &error);
  g_assert_no_error (error);
  for (const char *p = heard; (p = strstr (p, "Friday")) != NULL; p++)
    found++;
  g_assert_cmpuint (found, >=, 10);

  g_assert_null (rp_stt_transcribe (stt, pcm, max + 1, NULL, &error));
  g_assert_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_INPUT);
}

static void
test_stt_cancel (void)
{
  g_autofree float *pcm = g_new0 (float, RP_SPEECH_RATE_HZ);
  g_autoptr (GError) error = NULL;
  gint cancel = 1;

  g_assert_null (rp_stt_transcribe (stt, pcm, RP_SPEECH_RATE_HZ, &cancel, &error));
  g_assert_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_CANCELLED);
}

static void
test_stt_scripted (void)
{
  static const char *const texts[] = {"one", "two", NULL};
  g_autoptr (RpStt) scripted = rp_stt_scripted_new (texts);
  g_autoptr (RpStt) by_default = rp_stt_scripted_new (NULL);
  static const char *const expected[] = {"one", "two", "one"};
  g_autofree char *question = rp_stt_transcribe (by_default, NULL, 0, NULL, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (expected); i++) {
    g_autofree char *text = rp_stt_transcribe (scripted, NULL, 0, NULL, NULL);

    g_assert_cmpstr (text, ==, expected[i]);
  }
  g_assert_cmpuint (strlen (question), >, 0);
  rp_stt_idle (scripted);
}

/* The words of a text in order, each within the text and the audio. */
static void
check_words (const char *text, const Speech *speech)
{
  guint32 text_end = 0;
  guint32 audio_end = 0;

  g_assert_cmpuint (speech->n_words_calls, ==, 1);
  for (guint i = 0; i < speech->words->len; i++) {
    const RpTtsWord *word = &g_array_index (speech->words, RpTtsWord, i);

    g_assert_cmpuint (word->offset_bytes, >=, text_end);
    g_assert_cmpuint (word->length_bytes, >, 0);
    text_end = word->offset_bytes + word->length_bytes;
    g_assert_cmpuint (text_end, <=, strlen (text));
    g_assert_cmpuint (word->start_samples, >=, audio_end);
    g_assert_cmpuint (word->end_samples, >=, word->start_samples);
    audio_end = word->end_samples;
    g_assert_cmpuint (audio_end, <=, speech->pcm->len);
  }
}

static void
test_tts_words (void)
{
  const char *text = "Your total is $45.50 — ready at 9:30am, Mr. Jones.";
  static const char *const expected[] = {"Your", "total",   "is",  "$45.50", "ready",
                                         "at",   "9:30am,", "Mr.", "Jones."};
  static const char *const names[] = {"slt", "rms", "awb", "kal16"};

  for (gsize v = 0; v < G_N_ELEMENTS (names); v++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (RpTts) voice = rp_tts_flite_new (&(RpTtsFliteConfig){.voice = names[v]}, &error);
    g_auto (Speech) speech = {0};
    const RpTtsWord *words;
    double loud = 0;

    g_assert_no_error (error);
    speech_init (&speech);
    g_assert_true (synthesize (voice, text, &speech, &error));
    check_words (text, &speech);
    g_assert_cmpuint (speech.words->len, ==, G_N_ELEMENTS (expected));
    words = (const RpTtsWord *) (void *) speech.words->data;
    for (gsize i = 0; i < G_N_ELEMENTS (expected); i++) {
      g_autofree char *slice = g_strndup (text + words[i].offset_bytes, words[i].length_bytes);

      g_assert_cmpstr (slice, ==, expected[i]);
    }
    /* "forty five dollars and fifty cents" takes its time. */
    g_assert_cmpuint (words[3].end_samples - words[3].start_samples, >, RP_SPEECH_RATE_HZ);
    g_assert_cmpuint (words[0].start_samples, <=, RP_SPEECH_RATE_HZ / 50);
    /* Audible in the first 30 ms, and about 0.1 s of silence at the end. */
    for (guint i = 0; i < RP_SPEECH_RATE_HZ * 30 / 1000; i++)
      loud = MAX (loud, abs (g_array_index (speech.pcm, gint16, i)));
    g_assert_cmpfloat (loud, >, 100);
    g_assert_cmpuint (speech.pcm->len - words[speech.words->len - 1].end_samples, <=,
                      RP_SPEECH_RATE_HZ / 10);
  }
}

static void
test_tts_stop (void)
{
  g_auto (Speech) stopped = {0};
  g_auto (Speech) cancelled = {0};
  g_auto (Speech) never = {0};
  g_autoptr (GError) error = NULL;

  speech_init (&stopped);
  stopped.stop_after = 1600;
  g_assert_true (synthesize (tts, sentence, &stopped, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (stopped.pcm->len, <, 1600 + 320);

  speech_init (&cancelled);
  cancelled.cancel_after = 1600;
  g_assert_false (synthesize (tts, sentence, &cancelled, &error));
  g_assert_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_CANCELLED);
  g_assert_cmpuint (cancelled.pcm->len, <, 1600 + 320);
  g_clear_error (&error);

  speech_init (&never);
  never.cancel = 1;
  g_assert_false (synthesize (tts, sentence, &never, &error));
  g_assert_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_CANCELLED);
  g_assert_cmpuint (never.pcm->len, ==, 0);
}

static void
test_tts_odd_text (void)
{
  g_autofree char *digits = g_strnfill (300, '9');
  g_autofree char *letters = g_strnfill (300, 'b');
  g_autofree char *longest = g_strnfill (RP_TTS_MAX_TEXT_BYTES + 1, ' ');
  const char *const texts[] = {
      "",      " ",           "...",      "—",         "日本語", "🙂",  "a",
      "'",     "1",           "%s%n",     "$",         "-",      "1:2:3", "00000000000",
      "1e999", "1,2,3,4,5,6", "XIV IIII", "U.S.A.B.C", digits,   letters, "\x01\x02 \x7f",
  };
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_auto (Speech) speech = {0};

    speech_init (&speech);
    synthesize (tts, texts[i], &speech, &error);
    g_assert_no_error (error);
    check_words (texts[i], &speech);
    g_assert_cmpint (speech.words->len == 0, ==, speech.pcm->len == 0);
  }
  {
    g_auto (Speech) speech = {0};

    speech_init (&speech);
    g_assert_false (synthesize (tts, "bad \xff", &speech, &error));
    g_assert_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_INPUT);
    g_clear_error (&error);
    g_assert_false (synthesize (tts, longest, &speech, &error));
    g_assert_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_INPUT);
  }
}

/* Texts made of pieces that the voice treats specially, in any order. */
static void
test_tts_random_text (void)
{
  static const char *const pieces[] = {"1", "23",  "$",  "%",  ":",  ".",  ",",     "-", "/",
                                       "'", "a",   "Mr", "th", "pm", "IV", "X",     "s", " ",
                                       " ", "bcd", "0",  "é",  "£",  "St", "00000", "!"};
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);

  for (guint i = 0; i < 150; i++) {
    g_autoptr (GString) text = g_string_new (NULL);
    g_auto (Speech) speech = {0};
    g_autoptr (GError) error = NULL;

    for (gint k = g_rand_int_range (rand, 1, 25); k > 0; k--)
      g_string_append (text, pieces[g_rand_int_range (rand, 0, (gint32) G_N_ELEMENTS (pieces))]);
    speech_init (&speech);
    speech.stop_after = i % 2 == 0 ? 320 : 0;
    synthesize (tts, text->str, &speech, &error);
    g_assert_no_error (error);
    if (speech.stop_after == 0)
      check_words (text->str, &speech);
  }
}

static void
test_tts_speed (void)
{
  static const double speeds[] = {0.5, 1.0, 2.0};
  gsize lengths[G_N_ELEMENTS (speeds)];
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (speeds); i++) {
    g_autoptr (RpTts) voice = rp_tts_flite_new (&(RpTtsFliteConfig){.speed = speeds[i]}, &error);
    g_auto (Speech) speech = {0};

    g_assert_no_error (error);
    speech_init (&speech);
    g_assert_true (synthesize (voice, sentence, &speech, &error));
    check_words (sentence, &speech);
    lengths[i] = speech.pcm->len;
  }
  g_assert_cmpuint (lengths[0], >, lengths[1] * 3 / 2);
  g_assert_cmpuint (lengths[2], <, lengths[1] * 2 / 3);

  g_assert_null (rp_tts_flite_new (&(RpTtsFliteConfig){.speed = 3}, &error));
  g_assert_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_INPUT);
  g_clear_error (&error);
  g_assert_null (rp_tts_flite_new (&(RpTtsFliteConfig){.speed = NAN}, NULL));
  g_assert_null (rp_tts_flite_new (&(RpTtsFliteConfig){.voice = "hal"}, &error));
  g_assert_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS);
}

static void
test_tts_scripted (void)
{
  const char *text = " Hi there, Zoë ";
  g_autoptr (RpTts) scripted = rp_tts_scripted_new ();
  g_auto (Speech) speech = {0};
  g_auto (Speech) empty = {0};

  speech_init (&speech);
  g_assert_true (synthesize (scripted, text, &speech, NULL));
  check_words (text, &speech);
  g_assert_cmpuint (speech.words->len, ==, 3);
  g_assert_cmpuint (g_array_index (speech.words, RpTtsWord, 2).length_bytes, ==, 4);
  g_assert_cmpint (g_array_index (speech.pcm, gint16, 0), >, 1000);

  speech_init (&empty);
  g_assert_true (synthesize (scripted, "  ", &empty, NULL));
  g_assert_cmpuint (empty.n_words_calls, ==, 1);
  g_assert_cmpuint (empty.pcm->len, ==, 0);
}

/* What one process makes of @given (a sentence spoken before the fork) and of its own voice, as
 * text that can be compared. The voice has random noise in it. */
static char *
fingerprint (const Speech *given)
{
  g_autoptr (RpVad) vad = rp_vad_new (vad_model);
  g_autofree float *pcm = to_float (given->pcm);
  g_autofree char *heard = NULL;
  g_autofree char *again = NULL;
  g_auto (Speech) own = {0};
  double probabilities = 0;

  for (guint i = 0; i + RP_VAD_CHUNK_SAMPLES <= given->pcm->len; i += RP_VAD_CHUNK_SAMPLES)
    probabilities += rp_vad_process (vad, pcm + i, NULL);
  heard = rp_stt_transcribe (stt, pcm, given->pcm->len, NULL, NULL);
  again = rp_stt_transcribe (stt, pcm, given->pcm->len, NULL, NULL);
  speech_init (&own);
  synthesize (tts, sentence, &own, NULL);
  return g_strdup_printf ("%u words, %.9f, %s %s", own.words->len, probabilities, heard, again);
}

/* In the child: writes what it found and how much memory is its own. */
static void
child_main (const Speech *given, int fd)
{
  g_autofree char *found = fingerprint (given);

  rp_stt_idle (stt);
  dprintf (fd, "%s\n%ld", found, proc_value ("/proc/self/smaps_rollup", "\nPrivate_Dirty:"));
}

static void
test_fork (void)
{
  g_auto (Speech) given = {0};
  g_autofree char *expected = NULL;
  int fds[4][2];
  pid_t pids[4];

  speech_init (&given);
  g_assert_true (synthesize (tts, sentence, &given, NULL));
  expected = fingerprint (&given);
  rp_stt_idle (stt);
  for (guint i = 0; i < G_N_ELEMENTS (pids); i++) {
    g_assert_cmpint (pipe (fds[i]), ==, 0);
    pids[i] = fork ();
    g_assert_cmpint (pids[i], >=, 0);
    if (pids[i] == 0) {
      child_main (&given, fds[i][1]);
      _exit (0);
    }
    close (fds[i][1]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (pids); i++) {
    g_autoptr (GString) got = g_string_new (NULL);
    char buffer[256];
    char *end;
    int status = 0;
    gssize n;

    while ((n = read (fds[i][0], buffer, sizeof buffer)) > 0)
      g_string_append_len (got, buffer, n);
    close (fds[i][0]);
    g_assert_cmpint (waitpid (pids[i], &status, 0), ==, pids[i]);
    g_assert_cmpint (status, ==, 0);
    end = strrchr (got->str, '\n');
    g_assert_nonnull (end);
    *end = '\0';
    g_assert_cmpstr (got->str, ==, expected);
    g_test_message ("child %u: %s KiB of its own", i, end + 1);
  }
}

/* Damaged or missing models are an error that says so. */
static void
test_bad_models (void)
{
  static const char *const files[] = {"silero_vad_v6.onnx", "m/encoder_model.onnx",
                                      "m/decoder_model_merged.onnx", "vocab.txt"};
  g_autofree char *dir = g_dir_make_tmp ("rp-models-XXXXXX", NULL);
  g_autofree char *sub = g_build_filename (dir, "m", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (rp_ort_new (dir, &error));
  g_assert_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS);
  g_assert_nonnull (strstr (error->message, "tools/fetch-models"));
  g_clear_error (&error);
  g_assert_null (rp_stt_moonshine_new (ort, dir, "m", &error));
  g_assert_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS);
  g_clear_error (&error);

  g_assert_cmpint (g_mkdir_with_parents (sub, 0700), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree char *path = g_build_filename (dir, files[i], NULL);

    g_assert_true (g_file_set_contents (path, "not a model\n", -1, NULL));
  }
  g_assert_null (rp_vad_model_new (dir, &error));
  g_assert_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS);
  g_clear_error (&error);
  g_assert_null (rp_stt_moonshine_new (ort, dir, "m", &error));
  g_assert_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS);
  g_clear_error (&error);
  {
    /* A right vocabulary, and still no model. */
    g_autofree char *from = g_build_filename (models_dir, "vocab.txt", NULL);
    g_autofree char *to = g_build_filename (dir, "vocab.txt", NULL);
    g_autofree char *text = NULL;

    g_assert_true (g_file_get_contents (from, &text, NULL, NULL));
    g_assert_true (g_file_set_contents (to, text, -1, NULL));
    g_assert_null (rp_stt_moonshine_new (ort, dir, "m", &error));
    g_assert_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree char *path = g_build_filename (dir, files[i], NULL);

    remove (path);
  }
  rmdir (sub);
  rmdir (dir);
}

static double
now_ms (void)
{
  return (double) g_get_monotonic_time () / 1000;
}

static void
load (void)
{
  g_autoptr (GError) error = NULL;
  double start = now_ms ();

  models_dir = rp_models_dir ();
  ort = rp_ort_new (models_dir, &error);
  if (ort != NULL)
    vad_model = rp_vad_model_new (models_dir, &error);
  if (vad_model != NULL)
    stt = rp_stt_moonshine_new (ort, models_dir, NULL, &error);
  if (stt != NULL)
    tts = rp_tts_flite_new (&(RpTtsFliteConfig){.voice = "rms"}, &error);
  if (tts == NULL) {
    g_printerr ("%s\nThis test needs the speech models: run tools/fetch-models first.\n",
                error->message);
    exit (1);
  }
  g_test_message ("runtime %s, loaded in %.0f ms, PSS %ld KiB", rp_ort_version (ort),
                  now_ms () - start, proc_value ("/proc/self/smaps_rollup", "\nPss:"));
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  load ();
  g_test_add_func ("/speech/one-thread", test_one_thread);
  g_test_add_func ("/speech/fork", test_fork);
  g_test_add_func ("/speech/vad", test_vad);
  g_test_add_func ("/speech/stt", test_stt);
  g_test_add_func ("/speech/stt/odd-audio", test_stt_odd_audio);
  g_test_add_func ("/speech/stt/long", test_stt_long);
  g_test_add_func ("/speech/stt/cancel", test_stt_cancel);
  g_test_add_func ("/speech/stt/scripted", test_stt_scripted);
  g_test_add_func ("/speech/tts/words", test_tts_words);
  g_test_add_func ("/speech/tts/stop", test_tts_stop);
  g_test_add_func ("/speech/tts/odd-text", test_tts_odd_text);
  g_test_add_func ("/speech/tts/random-text", test_tts_random_text);
  g_test_add_func ("/speech/tts/speed", test_tts_speed);
  g_test_add_func ("/speech/tts/scripted", test_tts_scripted);
  g_test_add_func ("/speech/bad-models", test_bad_models);
  status = g_test_run ();
  rp_tts_free (tts);
  rp_stt_free (stt);
  rp_vad_model_free (vad_model);
  rp_ort_unref (ort);
  g_free (models_dir);
  return status;
}
