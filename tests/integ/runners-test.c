/* The worker's threads: each job is answered once, in order, unless it was cancelled. */
#include "brain-local.h"
#include "opus-packet.h"
#include "stt-runner.h"
#include "tool-runner.h"
#include "tts-runner.h"

#include <glib/gstdio.h>
#include <string.h>

/* Only a test that fails waits this long. */
#define PATIENCE_MS 60000

static GMainContext *context;
static GString *said; /* what the callbacks said, joined by spaces */

static void note (const char *format, ...) G_GNUC_PRINTF (1, 2);

static void
note (const char *format, ...)
{
  va_list args;
  va_start (args, format);
  if (said->len > 0)
    g_string_append_c (said, ' ');
  g_string_append_vprintf (said, format, args);
  va_end (args);
}

static gboolean
on_impatient (gpointer data)
{
  (void) data;
  g_assert_not_reached ();
  return G_SOURCE_REMOVE;
}

static void
await_said (const char *expected)
{
  GSource *impatient = g_timeout_source_new (PATIENCE_MS);
  g_source_set_callback (impatient, on_impatient, NULL, NULL);
  g_source_attach (impatient, context);
  while (said->len < strlen (expected))
    g_main_context_iteration (context, TRUE);
  while (g_main_context_iteration (context, FALSE))
    ;
  g_source_destroy (impatient);
  g_source_unref (impatient);
  g_assert_cmpstr (said->str, ==, expected);
  g_string_truncate (said, 0);
}

/* An STT that lets the test look into it: it waits at a gate and obeys the cancel flag. */
typedef struct {
  RpStt base;
  GMutex lock;
  GCond changed;
  guint n_running;
  gboolean is_open;
} GateStt;

static char *
gate_transcribe (RpStt *stt, const float *pcm, gsize n, const gint *cancel, GError **error)
{
  GateStt *self = (GateStt *) stt;
  g_mutex_lock (&self->lock);
  self->n_running++;
  g_cond_signal (&self->changed);
  while (!self->is_open && g_atomic_int_get (cancel) == 0)
    g_cond_wait_until (&self->changed, &self->lock, g_get_monotonic_time () + 1000);
  gboolean cancelled = g_atomic_int_get (cancel) != 0;
  g_mutex_unlock (&self->lock);
  if (!cancelled)
    return g_strdup_printf ("%zu", n);
  g_set_error_literal (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_CANCELLED, "cancelled");
  return NULL;
}

static const RpSttClass gate_class = {.name = "gate", .transcribe = gate_transcribe};

static void
gate_await_running (GateStt *self, guint n)
{
  g_mutex_lock (&self->lock);
  while (self->n_running < n)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
}

static void
gate_open (GateStt *self)
{
  g_mutex_lock (&self->lock);
  self->is_open = TRUE;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
}

static void
on_stt_result (guint32 job, const char *text, gpointer data)
{
  (void) data;
  note ("%u=%s", job, text);
}

static void
on_stt_failed (guint32 job, const char *why, gpointer data)
{
  (void) data;
  (void) why;
  note ("%u!", job);
}

static const RpSttRunnerEvents stt_events = {on_stt_result, on_stt_failed};

static void
start_stt (RpSttRunner *runner, guint32 job, gsize n, gboolean final)
{
  rp_stt_runner_start (runner, job, g_new0 (float, n + 1), n, final);
}

static void
test_stt (void)
{
  GateStt stt = {.base = {&gate_class}};
  g_mutex_init (&stt.lock);
  g_cond_init (&stt.changed);
  RpSttRunner *runner = rp_stt_runner_new (&stt.base, context, &stt_events, NULL);

  /* A final one stops the partial that runs and those that wait. */
  start_stt (runner, 1, 100, FALSE);
  gate_await_running (&stt, 1);
  start_stt (runner, 2, 200, FALSE);
  start_stt (runner, 3, 300, TRUE);
  await_said ("2! 1!");
  gate_await_running (&stt, 2);
  /* A second final one waits for the first; a partial for both. */
  start_stt (runner, 4, 400, FALSE);
  start_stt (runner, 5, 500, TRUE);
  start_stt (runner, 6, 600, FALSE);
  gate_open (&stt);
  await_said ("4! 3=300 5=500 6=600");
  g_assert_cmpuint (stt.n_running, ==, 4);

  /* Cancelled, running or waiting: nothing comes any more. */
  stt.is_open = FALSE;
  start_stt (runner, 7, 700, TRUE);
  gate_await_running (&stt, 5);
  start_stt (runner, 8, 800, TRUE);
  start_stt (runner, 9, 900, TRUE);
  rp_stt_runner_cancel (runner, 8);
  rp_stt_runner_cancel (runner, 7);
  rp_stt_runner_cancel (runner, 12345);
  gate_await_running (&stt, 6);
  gate_open (&stt);
  await_said ("9=900");

  /* Freed with a job running and others waiting. */
  stt.is_open = FALSE;
  start_stt (runner, 10, 1000, TRUE);
  start_stt (runner, 11, 1100, TRUE);
  gate_await_running (&stt, 7);
  rp_stt_runner_free (runner);
  g_assert_cmpuint (said->len, ==, 0);
  g_mutex_clear (&stt.lock);
  g_cond_clear (&stt.changed);
}

static void
test_stt_bounded (void)
{
  GateStt stt = {.base = {&gate_class}};
  g_mutex_init (&stt.lock);
  g_cond_init (&stt.changed);
  RpSttRunner *runner = rp_stt_runner_new (&stt.base, context, &stt_events, NULL);
  start_stt (runner, 1, 1, TRUE);
  gate_await_running (&stt, 1);
  for (guint32 job = 2; job <= 10; job++)
    start_stt (runner, job, job, TRUE);
  await_said ("10!");
  gate_open (&stt);
  await_said ("1=1 2=2 3=3 4=4 5=5 6=6 7=7 8=8 9=9");
  rp_stt_runner_free (runner);
  g_mutex_clear (&stt.lock);
  g_cond_clear (&stt.changed);
}

typedef struct {
  guint n_frames;
  guint n_words;
  gboolean complete;
} Spoken;

static Spoken spoken[16];

static void
on_words (guint32 utterance, const RpEngineWord *words, guint n_words, gpointer data)
{
  (void) data;
  g_assert_cmpuint (spoken[utterance].n_frames, ==, 0);
  for (guint i = 1; i < n_words; i++)
    g_assert_true (words[i].end_byte > words[i - 1].end_byte &&
                   words[i].end_samples >= words[i - 1].end_samples);
  spoken[utterance].n_words = n_words;
}

static void
on_frame (guint32 utterance, GBytes *opus, gboolean last, gpointer data)
{
  (void) data;
  g_assert_false (spoken[utterance].complete);
  g_assert_cmpuint (g_bytes_get_size (opus), >, 0);
  spoken[utterance].n_frames++;
  spoken[utterance].complete = last;
  g_bytes_unref (opus);
}

static void
on_done (guint32 utterance, guint n_frames, gpointer data)
{
  (void) data;
  g_assert_cmpuint (spoken[utterance].n_frames, ==, n_frames);
  g_assert_cmpint (spoken[utterance].complete, ==, n_frames > 0);
  note ("%u:%u", utterance, spoken[utterance].n_words);
}

static void
on_failed (guint32 utterance, const char *why, gpointer data)
{
  (void) data;
  (void) why;
  note ("%u!", utterance);
}

static const RpTtsRunnerEvents tts_events = {on_words, on_frame, on_done, on_failed};

static void
test_tts (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RpVoice) voice = rp_voice_new (rp_tts_scripted_new (), &error);
  g_assert_no_error (error);
  rp_voice_prepare (voice, "Are you still there?");
  memset (spoken, 0, sizeof spoken);
  RpTtsRunner *runner = rp_tts_runner_new (voice, context, &tts_events, NULL);
  rp_tts_runner_speak (runner, 1, "Hello there, how are you?");
  rp_tts_runner_speak (runner, 2, "Are you still there?");
  rp_tts_runner_speak (runner, 3, "\xff\xfe");
  rp_tts_runner_speak (runner, 4, "Fine.");
  await_said ("1:5 2:4 3! 4:1");
  g_assert_cmpuint (spoken[1].n_frames, >, 10);

  /* Cancelled ones say nothing more; a later one comes out whole. */
  rp_tts_runner_speak (runner, 5, "This will not be heard by anybody at all.");
  rp_tts_runner_speak (runner, 6, "Nor will this.");
  rp_tts_runner_cancel (runner, 0, 6);
  rp_tts_runner_speak (runner, 7, "But this.");
  await_said ("7:2");
  rp_tts_runner_speak (runner, 8, "Cut off by the end of the call, in the middle of the sentence.");
  rp_tts_runner_free (runner);
}

/* A voice that waits to be let speak. */
typedef struct {
  RpTts base;
  gint is_open; /* atomic */
} GateTts;

static gboolean
gate_synthesize (RpTts *tts, const char *text, const RpTtsSink *sink, const gint *cancel,
                 GError **error)
{
  GateTts *self = (GateTts *) tts;
  const gint16 pcm[320] = {0};
  while (g_atomic_int_get (&self->is_open) == 0 && g_atomic_int_get (cancel) == 0)
    g_thread_yield ();
  sink->words (NULL, 0, sink->user_data);
  sink->audio (pcm, G_N_ELEMENTS (pcm), sink->user_data);
  return TRUE;
}

static void
gate_tts_free (RpTts *tts)
{
  g_free (tts);
}

static const RpTtsClass gate_tts_class = {"gate", gate_synthesize, gate_tts_free};

/* One is given up: what waits before and behind it is said. */
static void
test_tts_cancel_one (void)
{
  GateTts *gate = g_new0 (GateTts, 1);
  gate->base.klass = &gate_tts_class;
  g_autoptr (RpVoice) voice = rp_voice_new (&gate->base, NULL);
  memset (spoken, 0, sizeof spoken);
  RpTtsRunner *runner = rp_tts_runner_new (voice, context, &tts_events, NULL);
  for (guint32 id = 1; id <= 4; id++)
    rp_tts_runner_speak (runner, id, "One.");
  rp_tts_runner_cancel (runner, 3, 3);
  g_atomic_int_set (&gate->is_open, 1);
  await_said ("1:0 2:0 4:0");
  rp_tts_runner_free (runner);
}

/* What was prepared is the same speech, to the byte. */
typedef struct {
  GByteArray *bytes;
  guint n_words;
} Recording;

static void
record_words (const RpEngineWord *words, guint n_words, gpointer data)
{
  Recording *recording = data;
  (void) words;
  recording->n_words = n_words;
}

static void
record_frame (GBytes *opus, gboolean last, gpointer data)
{
  Recording *recording = data;
  gsize len = 0;
  const guint8 *bytes = g_bytes_get_data (opus, &len);
  g_byte_array_append (recording->bytes, bytes, (guint) len);
  g_byte_array_append (recording->bytes, last ? (const guint8 *) "!" : (const guint8 *) ".", 1);
  g_bytes_unref (opus);
}

static void
test_voice_prepared (void)
{
  static const char text[] = "Hello, this is the reception. What can I do?";
  Recording recordings[2] = {{g_byte_array_new (), 0}, {g_byte_array_new (), 0}};
  for (guint i = 0; i < 2; i++) {
    g_autoptr (RpVoice) voice = rp_voice_new (rp_tts_scripted_new (), NULL);
    const RpVoiceSink sink = {record_words, record_frame, &recordings[i]};
    const gint go_on = 0;
    g_autoptr (GError) error = NULL;
    rp_voice_prepare (voice, "Something else before it.");
    if (i == 1)
      rp_voice_prepare (voice, text);
    g_assert_true (rp_voice_speak (voice, text, &go_on, &sink, &error));
  }
  g_assert_cmpuint (recordings[0].n_words, ==, 9);
  g_assert_cmpuint (recordings[1].n_words, ==, 9);
  g_assert_cmpuint (recordings[0].bytes->len, >, 1000);
  g_assert_cmpmem (recordings[0].bytes->data, recordings[0].bytes->len, recordings[1].bytes->data,
                   recordings[1].bytes->len);
  for (guint i = 0; i < 2; i++)
    g_byte_array_unref (recordings[i].bytes);
}

static void
ignore_words (const RpEngineWord *words, guint n_words, gpointer data)
{
  (void) words;
  (void) n_words;
  (void) data;
}

static void
count_lbrr (GBytes *opus, gboolean last, gpointer data)
{
  guint *n = data;
  gsize len = 0;
  const guint8 *bytes = g_bytes_get_data (opus, &len);
  (void) last;
  *n += rp_opus_packet_has_lbrr (bytes, len);
  g_bytes_unref (opus);
}

/* Frames carry the ones before them as the settings say, at every complexity. */
static void
test_voice_fec (void)
{
  const gint go_on = 0;
  for (guint32 complexity = 0; complexity <= RP_FRAME_MAX_COMPLEXITY; complexity += 5) {
    g_autoptr (RpVoice) voice = rp_voice_new (rp_tts_scripted_new (), NULL);
    guint n[3] = {0}; /* at the beginning, without, and with it again */
    for (guint i = 0; i < 3; i++) {
      const RpVoiceSink sink = {ignore_words, count_lbrr, &n[i]};
      const RpEncoderSettings settings = {.complexity = complexity, .fec = i != 1};
      if (i > 0)
        rp_voice_set_encoder (voice, &settings);
      g_assert_true (rp_voice_speak (voice, "What can I do for you?", &go_on, &sink, NULL));
    }
    g_assert_cmpuint (n[0], >, 10);
    /* The first frame after the change may still carry the one before it. */
    g_assert_cmpuint (n[1], <=, 1);
    g_assert_cmpuint (n[2], >, 10);
  }
}

static char *tool_result;

static void
on_tool_result (const char *call_id, const char *result, gpointer data)
{
  (void) data;
  g_free (tool_result);
  tool_result = g_strdup (result);
  note ("%s", call_id);
}

static void
on_tool_failed (const char *call_id, const char *why, gpointer data)
{
  (void) data;
  (void) why;
  note ("%s!", call_id);
}

static const RpToolRunnerEvents tool_events = {on_tool_result, on_tool_failed};

static char *
await_result (const char *call_id)
{
  await_said (call_id);
  return g_steal_pointer (&tool_result);
}

static void
test_tools (void)
{
  RpBookingsConfig config;
  rp_bookings_config_init (&config);
  g_autofree char *dir = g_dir_make_tmp ("rp-runners-test-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "bookings.sqlite", NULL);
  g_autoptr (RpTools) tools = rp_tools_new (&config, path);
  g_autoptr (GPtrArray) allowed = g_ptr_array_new ();
  g_ptr_array_add (allowed, (char *) "list_bookings");
  g_ptr_array_add (allowed, (char *) "take_message");
  RpToolRunner *runner =
      rp_tool_runner_new (tools, allowed, "one", G_MAXINT64, context, &tool_events, NULL);
  g_autoptr (RpToolCall) forbidden = rp_tool_call_new ("a", "book_room", "{}");
  g_autoptr (RpToolCall) unreadable = rp_tool_call_new ("b", "list_bookings", "no JSON");
  rp_tool_runner_call (runner, forbidden);
  await_said ("a!");
  rp_tool_runner_call (runner, unreadable);
  await_said ("b!");

  /* The same call again gives the same result; the same id in another conversation is another call.
   */
  g_autoptr (RpToolCall) first =
      rp_tool_call_new ("1", "take_message", "{\"message\":\"Call me back.\",\"name\":\"King\"}");
  g_autoptr (RpToolCall) second =
      rp_tool_call_new ("1", "take_message", "{\"message\":\"Never mind.\",\"name\":\"Queen\"}");
  char *results[3] = {NULL};
  rp_tool_runner_call (runner, first);
  results[0] = await_result ("1");
  rp_tool_runner_call (runner, first);
  results[1] = await_result ("1");
  rp_tool_runner_free (runner);
  runner = rp_tool_runner_new (tools, allowed, "two", G_MAXINT64, context, &tool_events, NULL);
  rp_tool_runner_call (runner, second);
  results[2] = await_result ("1");
  rp_tool_runner_free (runner);
  g_assert_cmpstr (results[0], ==, results[1]);
  g_assert_cmpstr (results[0], !=, results[2]);
  rp_bookings_config_clear (&config);
  for (guint i = 0; i < 3; i++) {
    static const char *const ends[] = {"", "-wal", "-shm"};
    g_autofree char *file = g_strconcat (path, ends[i], NULL);
    g_unlink (file);
    g_free (results[i]);
  }
  g_rmdir (dir);
}

/* Whoever asked has been told that it failed: it must not be done any more. */
static void
test_tool_given_up (void)
{
  RpBookingsConfig config;
  rp_bookings_config_init (&config);
  g_autofree char *dir = g_dir_make_tmp ("rp-runners-test-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "bookings.sqlite", NULL);
  g_autoptr (RpTools) tools = rp_tools_new (&config, path);
  g_autoptr (GPtrArray) allowed = g_ptr_array_new ();
  g_ptr_array_add (allowed, (char *) "take_message");
  RpToolRunner *runner = rp_tool_runner_new (tools, allowed, "one", 0, context, &tool_events, NULL);
  g_autoptr (RpToolCall) call =
      rp_tool_call_new ("1", "take_message", "{\"message\":\"Call me back.\",\"name\":\"King\"}");
  rp_tool_runner_call (runner, call);
  await_said ("1!");
  rp_tool_runner_free (runner);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  rp_bookings_config_clear (&config);
  g_assert_cmpint (g_rmdir (dir), ==, 0);
}

static void
on_delta (guint32 generation, const char *text, gpointer data)
{
  (void) data;
  note ("%u<%s>", generation, text);
}

static RpBrain *brain;

static void
on_delta_cancel (guint32 generation, const char *text, gpointer data)
{
  on_delta (generation, text, data);
  rp_brain_cancel (brain, generation);
}

static void
on_brain_done (guint32 generation, RpExpect expect, gpointer data)
{
  (void) data;
  (void) expect;
  note ("%u.", generation);
}

static void
test_brain (void)
{
  static const RpBrainEvents events = {.delta = on_delta, .done = on_brain_done};
  static const RpBrainEvents cancelling = {.delta = on_delta_cancel, .done = on_brain_done};
  g_autoptr (GPtrArray) messages = rp_messages_new ();
  g_main_context_push_thread_default (context);
  brain = rp_brain_scripted_new ("Yes.", &events, NULL);
  rp_brain_start (brain, 1, messages);
  rp_brain_start (brain, 2, messages);
  rp_brain_start (brain, 3, messages);
  rp_brain_cancel (brain, 2);
  g_assert_cmpuint (said->len, ==, 0); /* never from inside start () */
  await_said ("1<Yes.> 1. 3<Yes.> 3.");
  rp_brain_start (brain, 4, messages);
  rp_brain_free (brain);

  brain = rp_brain_scripted_new ("Yes.", &cancelling, NULL);
  rp_brain_start (brain, 5, messages);
  await_said ("5<Yes.>");
  rp_brain_free (brain);
  g_main_context_pop_thread_default (context);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  context = g_main_context_new ();
  said = g_string_new (NULL);
  g_test_add_func ("/runners/stt", test_stt);
  g_test_add_func ("/runners/stt-bounded", test_stt_bounded);
  g_test_add_func ("/runners/tts", test_tts);
  g_test_add_func ("/runners/tts/cancel-one", test_tts_cancel_one);
  g_test_add_func ("/runners/voice-prepared", test_voice_prepared);
  g_test_add_func ("/runners/voice-fec", test_voice_fec);
  g_test_add_func ("/runners/tools", test_tools);
  g_test_add_func ("/runners/tools/given-up", test_tool_given_up);
  g_test_add_func ("/runners/brain", test_brain);
  int result = g_test_run ();
  g_string_free (said, TRUE);
  g_main_context_unref (context);
  return result;
}
