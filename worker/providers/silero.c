#include <math.h>
#include <string.h>

#include "silero-net.h"
#include "vad.h"

G_STATIC_ASSERT (RP_VAD_CHUNK_SAMPLES == RP_SILERO_CHUNK_SAMPLES);

struct _RpVadModel {
  RpSileroNet *net;
};

struct _RpVad {
  RpVadModel *model;
  float context[RP_SILERO_CONTEXT_SAMPLES];
  float state[RP_SILERO_STATE_FLOATS];
};

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
  float audio[RP_SILERO_INPUT_SAMPLES];
  float state[RP_SILERO_STATE_FLOATS];
  float probability = -1;

  memcpy (audio, vad->context, sizeof vad->context);
  memcpy (audio + RP_SILERO_CONTEXT_SAMPLES, chunk, RP_VAD_CHUNK_SAMPLES * sizeof *chunk);
  memcpy (state, vad->state, sizeof state);
  if (all_finite (chunk, RP_VAD_CHUNK_SAMPLES))
    probability = rp_silero_net_run (vad->model->net, audio, state);
  if (!(probability >= 0) || !all_finite (state, RP_SILERO_STATE_FLOATS)) {
    /* The stream would never recover from such samples. */
    g_set_error_literal (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_INFERENCE,
                         "voice activity model: samples are not finite");
    return -1;
  }
  memcpy (vad->state, state, sizeof state);
  memcpy (vad->context, chunk + RP_VAD_CHUNK_SAMPLES - RP_SILERO_CONTEXT_SAMPLES,
          sizeof vad->context);
  return MIN (probability, 1.0f);
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
  RpVadModel *model = vad->model;

  *vad = (RpVad){.model = model};
}

RpVadModel *
rp_vad_model_new (const char *models_dir, GError **error)
{
  g_autofree char *path = g_build_filename (models_dir, "silero_vad_v6.onnx", NULL);
  g_autoptr (RpVadModel) model = g_new0 (RpVadModel, 1);

  model->net = rp_silero_net_new (path, error);
  return model->net != NULL ? g_steal_pointer (&model) : NULL;
}

void
rp_vad_model_free (RpVadModel *model)
{
  if (model == NULL)
    return;
  rp_silero_net_free (model->net);
  g_free (model);
}
