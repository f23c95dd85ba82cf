/* The voice activity network as it is computed here against the same file in ONNX Runtime: no
 * speech may begin or end elsewhere by more than a chunk. With
 * recorded speech when there is some, otherwise with a synthetic voice. */

#include "ort.h"
#include "tts.h"
#include "vad-gate.h"
#include "vad.h"
#include "wav.h"

#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT 64
#define CHUNK RP_VAD_CHUNK_SAMPLES
#define STATE 256
/* Of a probability. 16-bit weights make 0.007 at the worst of 25 000 chunks. */
#define TOLERANCE 0.02

static char *models_dir;
static RpOrt *ort;
static RpOrtSession *session;
static RpVadModel *model;

static void
add_clip (GPtrArray *clips, const gint16 *pcm, gsize n)
{
  GArray *clip = g_array_sized_new (FALSE, FALSE, sizeof (float), (guint) n);
  for (gsize i = 0; i < n; i++) {
    float sample = (float) pcm[i] / 32768;
    g_array_append_val (clip, sample);
  }
  g_ptr_array_add (clips, clip);
}

static void
add_recordings (GPtrArray *clips, const char *dir_name)
{
  g_autoptr (GDir) dir = g_dir_open (dir_name, 0, NULL);
  const char *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (dir_name, name, NULL);
    RpWav wav;
    if (!g_str_has_suffix (name, ".wav") || !rp_wav_read (path, &wav, NULL))
      continue;
    if (wav.rate_hz == 16000 && wav.n_channels == 1)
      add_clip (clips, wav.pcm, wav.n_frames);
    rp_wav_clear (&wav);
  }
}

static gboolean
on_audio (const gint16 *pcm, gsize n, gpointer user_data)
{
  g_array_append_vals (user_data, pcm, (guint) n);
  return TRUE;
}

static void
add_voice (GPtrArray *clips, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RpTts) tts = rp_tts_flite_new (&(RpTtsFliteConfig){.voice = "rms"}, &error);
  g_autoptr (GArray) pcm = g_array_new (FALSE, FALSE, sizeof (gint16));
  gint cancel = 0;
  g_assert_no_error (error);
  RpTtsSink sink = {NULL, on_audio, pcm};
  g_assert_true (rp_tts_synthesize (tts, text, &sink, &cancel, &error));
  add_clip (clips, (const gint16 *) (gpointer) pcm->data, pcm->len);
}

static GPtrArray *
speech_clips (void)
{
  GPtrArray *clips = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  const char *shared = g_getenv ("RP_SHARED_DATA");
  g_autofree char *dir = g_build_filename (shared != NULL ? shared : ".", "speech", NULL);
  if (shared != NULL)
    add_recordings (clips, dir);
  g_test_message ("%s speech", clips->len > 0 ? "recorded" : "synthetic");
  if (clips->len == 0) {
    add_voice (clips, "Please book a table for four people on Friday evening.");
    add_voice (clips, "Yes.");
    add_voice (clips, "What time do you open tomorrow, and is there a car park?");
  }
  return clips;
}

/* What the runtime makes of the same model. */
typedef struct {
  float context[CONTEXT];
  float state[STATE];
} Reference;

static float
reference_process (Reference *self, const float *chunk)
{
  static const char *const input_names[] = {"input", "state", "sr"};
  static const char *const output_names[] = {"output", "stateN"};
  static const gint64 audio_dims[] = {1, CONTEXT + CHUNK};
  static const gint64 state_dims[] = {2, 1, 128};
  g_autoptr (GError) error = NULL;
  float audio[CONTEXT + CHUNK];
  gint64 rate_hz = 16000;
  gint64 dims[RP_ORT_MAX_DIMS];
  RpOrtValue *outputs[2];
  memcpy (audio, self->context, sizeof self->context);
  memcpy (audio + CONTEXT, chunk, CHUNK * sizeof *chunk);
  RpOrtValue *inputs[] = {
      rp_ort_value_new (ort, RP_ORT_FLOAT, audio, sizeof audio, audio_dims, 2, &error),
      rp_ort_value_new (ort, RP_ORT_FLOAT, self->state, sizeof self->state, state_dims, 3, &error),
      rp_ort_value_new (ort, RP_ORT_INT64, &rate_hz, sizeof rate_hz, NULL, 0, &error),
  };
  g_assert_true (
      rp_ort_session_run (session, input_names, inputs, 3, output_names, outputs, 2, &error));
  float probability = *rp_ort_value_floats (ort, outputs[0], dims, 2, &error);
  memcpy (self->state, rp_ort_value_floats (ort, outputs[1], dims, 3, &error), sizeof self->state);
  memcpy (self->context, chunk + CHUNK - CONTEXT, sizeof self->context);
  for (gsize i = 0; i < G_N_ELEMENTS (inputs); i++)
    rp_ort_value_free (ort, inputs[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (outputs); i++)
    rp_ort_value_free (ort, outputs[i]);
  return probability;
}

static void
take_events (RpVadGate *gate, GArray *events)
{
  RpVadGateEvent event;
  while (rp_vad_gate_poll (gate, &event))
    g_array_append_val (events, event);
}

typedef struct {
  guint chunks;
  guint events;
  double worst;
} Sum;

/* Both hear the same; what their gates make of it must be the same. */
static void
compare (const float *pcm, gsize n, Sum *sum)
{
  RpVadGateConfig config;
  rp_vad_gate_config_init (&config);
  g_autoptr (RpVadGate) own_gate = rp_vad_gate_new (&config);
  g_autoptr (RpVadGate) reference_gate = rp_vad_gate_new (&config);
  g_autoptr (GArray) own_events = g_array_new (FALSE, FALSE, sizeof (RpVadGateEvent));
  g_autoptr (GArray) reference_events = g_array_new (FALSE, FALSE, sizeof (RpVadGateEvent));
  g_autoptr (RpVad) vad = rp_vad_new (model);
  Reference reference = {0};

  for (gsize i = 0; i + CHUNK <= n; i += CHUNK) {
    float own = rp_vad_process (vad, pcm + i, NULL);
    float other = reference_process (&reference, pcm + i);
    sum->worst = MAX (sum->worst, fabs (own - other));
    sum->chunks++;
    rp_vad_gate_input (own_gate, (gint64) i, own, FALSE, pcm + i);
    rp_vad_gate_input (reference_gate, (gint64) i, other, FALSE, pcm + i);
    take_events (own_gate, own_events);
    take_events (reference_gate, reference_events);
  }
  g_assert_cmpuint (own_events->len, ==, reference_events->len);
  for (guint i = 0; i < own_events->len; i++) {
    const RpVadGateEvent *a = &g_array_index (own_events, RpVadGateEvent, i);
    const RpVadGateEvent *b = &g_array_index (reference_events, RpVadGateEvent, i);
    g_assert_cmpint (a->type, ==, b->type);
    g_assert_cmpint (ABS (a->pos_samples - b->pos_samples), <=, CHUNK);
    sum->events++;
  }
}

static void
test_same (void)
{
  g_autoptr (GPtrArray) clips = speech_clips ();
  Sum sum = {0};
  for (guint i = 0; i < clips->len; i++) {
    GArray *clip = clips->pdata[i];
    compare ((const float *) (gpointer) clip->data, clip->len, &sum);
  }
  g_test_message ("%u chunks, largest difference of a probability %.4f, %u events", sum.chunks,
                  sum.worst, sum.events);
  g_assert_cmpfloat (sum.worst, <, TOLERANCE);
  g_assert_cmpuint (sum.events, >, clips->len);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_test_init (&argc, &argv, NULL);
  models_dir = rp_models_dir ();
  g_autofree char *path = g_build_filename (models_dir, "silero_vad_v6.onnx", NULL);
  ort = rp_ort_new (models_dir, &error);
  session = ort != NULL ? rp_ort_session_new (ort, path, &error) : NULL;
  model = session != NULL ? rp_vad_model_new (models_dir, &error) : NULL;
  if (model == NULL) {
    g_printerr ("%s\nThis test needs the speech models: run tools/fetch-models first.\n",
                error->message);
    exit (1);
  }
  g_test_add_func ("/vad/same", test_same);
  int status = g_test_run ();
  rp_vad_model_free (model);
  rp_ort_session_free (session);
  rp_ort_unref (ort);
  g_free (models_dir);
  return status;
}
