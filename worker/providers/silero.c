#include <math.h>
#include <string.h>

#include "vad.h"

/* The model sees each chunk after the end of the one before. */
#define CONTEXT_SAMPLES 64
#define STATE_FLOATS (2 * 1 * 128)

struct _RpVadModel {
  RpOrt *ort;
  RpOrtSession *session;
};

struct _RpVad {
  RpVadModel *model;
  float context[CONTEXT_SAMPLES];
  float state[STATE_FLOATS];
};

/* Checks that @value is @n floats in all, in 2 or 3 dimensions as @dims says. */
static const float *
output_floats (RpOrt *ort, RpOrtValue *value, gsize n_dims, gint64 n, GError **error)
{
  gint64 dims[RP_ORT_MAX_DIMS];
  gint64 total = 1;
  const float *floats = rp_ort_value_floats (ort, value, dims, n_dims, error);

  if (floats == NULL)
    return NULL;
  for (gsize i = 0; i < n_dims; i++)
    total = dims[i] >= 0 && dims[i] <= n ? total * dims[i] : G_MAXINT32;
  if (total == n)
    return floats;
  g_set_error_literal (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_INFERENCE,
                       "voice activity model: an output of another shape than version 6 has");
  return NULL;
}

static gboolean
all_finite (const float *values, gsize n)
{
  gboolean finite = TRUE;

  for (gsize i = 0; i < n; i++)
    finite &= isfinite (values[i]) != 0;
  return finite;
}

float
rp_vad_process (RpVad *vad, const float *chunk, GError **error)
{
  static const char *const input_names[] = {"input", "state", "sr"};
  static const char *const output_names[] = {"output", "stateN"};
  static const gint64 audio_dims[] = {1, CONTEXT_SAMPLES + RP_VAD_CHUNK_SAMPLES};
  static const gint64 state_dims[] = {2, 1, 128};
  RpOrt *ort = vad->model->ort;
  float audio[CONTEXT_SAMPLES + RP_VAD_CHUNK_SAMPLES];
  gint64 rate_hz = RP_SPEECH_RATE_HZ;
  RpOrtValue *inputs[3];
  RpOrtValue *outputs[2] = {NULL, NULL};
  const float *probability = NULL;
  const float *state = NULL;
  float result = -1;

  memcpy (audio, vad->context, sizeof vad->context);
  memcpy (audio + CONTEXT_SAMPLES, chunk, RP_VAD_CHUNK_SAMPLES * sizeof *chunk);
  inputs[0] = rp_ort_value_new (ort, RP_ORT_FLOAT, audio, sizeof audio, audio_dims, 2, error);
  inputs[1] = inputs[0] == NULL ? NULL
                                : rp_ort_value_new (ort, RP_ORT_FLOAT, vad->state,
                                                    sizeof vad->state, state_dims, 3, error);
  inputs[2] = inputs[1] == NULL
                  ? NULL
                  : rp_ort_value_new (ort, RP_ORT_INT64, &rate_hz, sizeof rate_hz, NULL, 0, error);

  if (inputs[2] != NULL && rp_ort_session_run (vad->model->session, input_names, inputs, 3,
                                               output_names, outputs, 2, error)) {
    probability = output_floats (ort, outputs[0], 2, 1, error);
    state = probability == NULL ? NULL : output_floats (ort, outputs[1], 3, STATE_FLOATS, error);
  }
  if (state != NULL && !all_finite (state, STATE_FLOATS)) {
    /* Infinite or NaN samples: the stream would never recover from such a state. */
    g_set_error_literal (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_INFERENCE,
                         "voice activity model: samples are not finite");
  } else if (state != NULL) {
    memcpy (vad->state, state, sizeof vad->state);
    memcpy (vad->context, chunk + RP_VAD_CHUNK_SAMPLES - CONTEXT_SAMPLES, sizeof vad->context);
    result = CLAMP (*probability, 0.0f, 1.0f);
  }

  for (gsize i = 0; i < G_N_ELEMENTS (inputs); i++)
    rp_ort_value_free (ort, inputs[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (outputs); i++)
    rp_ort_value_free (ort, outputs[i]);
  return result;
}

RpVad *
rp_vad_new (RpVadModel *model)
{
  RpVad *vad = g_new0 (RpVad, 1);

  vad->model = model;
  return vad;
}

void
rp_vad_free (RpVad *vad)
{
  g_free (vad);
}

void
rp_vad_reset (RpVad *vad)
{
  memset (vad->context, 0, sizeof vad->context);
  memset (vad->state, 0, sizeof vad->state);
}

RpVadModel *
rp_vad_model_new (RpOrt *ort, const char *models_dir, GError **error)
{
  static const float silence[RP_VAD_CHUNK_SAMPLES];
  g_autofree char *path = g_build_filename (models_dir, "silero_vad_v6.onnx", NULL);
  g_autoptr (RpVadModel) model = g_new0 (RpVadModel, 1);
  g_autoptr (RpVad) vad = rp_vad_new (model);
  g_autoptr (GError) run_error = NULL;

  model->ort = rp_ort_ref (ort);
  model->session = rp_ort_session_new (ort, path, error);
  if (model->session == NULL)
    return NULL;
  if (rp_vad_process (vad, silence, &run_error) < 0) {
    g_set_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS, "%s: %s", path,
                 run_error->message);
    return NULL;
  }
  return g_steal_pointer (&model);
}

void
rp_vad_model_free (RpVadModel *model)
{
  if (model == NULL)
    return;
  rp_ort_session_free (model->session);
  rp_ort_unref (model->ort);
  g_free (model);
}
