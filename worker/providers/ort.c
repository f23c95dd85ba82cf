#include "ort.h"

#include <dlfcn.h>

#include "ort-api.h"

struct _RpOrt {
  gatomicrefcount refs;
  void *library;
  OrtEnv *env;
  OrtMemoryInfo *memory;
  const char *version;

  const char *(*GetErrorMessage) (const OrtStatus *status);
#define X(index, name, parameters) OrtStatus *(*name) parameters;
  RP_ORT_FUNCTIONS (X)
#undef X
#define X(index, name, type) void (*name) (type * object);
  RP_ORT_RELEASERS (X)
#undef X
};

struct _RpOrtSession {
  RpOrt *ort;
  OrtSession *session;
};

static void
ort_bind (RpOrt *ort, void *const *table)
{
  ort->GetErrorMessage = (const char *(*) (const OrtStatus *) ) table[RP_ORT_GET_ERROR_MESSAGE];
#define X(index, name, parameters) ort->name = (OrtStatus * (*) parameters) table[index];
  RP_ORT_FUNCTIONS (X)
#undef X
#define X(index, name, type) ort->name = (void (*) (type *)) table[index];
  RP_ORT_RELEASERS (X)
#undef X
}

/* Frees @status; TRUE when it was success. */
static gboolean
ort_check (RpOrt *ort, OrtStatus *status, RpSpeechError code, const char *what, GError **error)
{
  if (status == NULL)
    return TRUE;
  g_set_error (error, RP_SPEECH_ERROR, code, "%s: %s", what, ort->GetErrorMessage (status));
  ort->ReleaseStatus (status);
  return FALSE;
}

static gboolean
ort_load (RpOrt *ort, const char *path, GError **error)
{
  const OrtApiBase *(*get_base) (void);
  const OrtApiBase *base;
  void *const *table;

  ort->library = dlopen (path, RTLD_NOW | RTLD_LOCAL);
  if (ort->library == NULL) {
    g_set_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS,
                 "cannot load the speech runtime: %s (tools/fetch-models installs it)", dlerror ());
    return FALSE;
  }
  get_base = (const OrtApiBase *(*) (void) ) dlsym (ort->library, "OrtGetApiBase");
  base = get_base != NULL ? get_base () : NULL;
  table = base != NULL ? base->get_api (RP_ORT_API_VERSION) : NULL;
  if (table == NULL) {
    g_set_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS,
                 "%s is not an ONNX Runtime with interface version %d", path, RP_ORT_API_VERSION);
    return FALSE;
  }
  ort->version = base->get_version_string ();
  ort_bind (ort, table);
  return TRUE;
}

RpOrt *
rp_ort_new (const char *models_dir, GError **error)
{
  g_autoptr (RpOrt) ort = g_new0 (RpOrt, 1);
  g_autofree char *path = g_build_filename (models_dir, "libonnxruntime.so", NULL);

  g_atomic_ref_count_init (&ort->refs);
  /* Some builds of the library upload usage data, from a thread that would not survive a fork; this
   * switches it off before its first code runs. The pinned build has none of it. */
  g_setenv ("ORT_DISABLE_TELEMETRY", "1", TRUE);
  if (!ort_load (ort, path, error))
    return NULL;
  if (!ort_check (ort, ort->CreateEnv (ORT_LOGGING_LEVEL_ERROR, "repartee", &ort->env),
                  RP_SPEECH_ERROR_MODELS, "speech runtime", error) ||
      !ort_check (ort, ort->DisableTelemetryEvents (ort->env), RP_SPEECH_ERROR_MODELS,
                  "speech runtime", error) ||
      !ort_check (
          ort, ort->CreateCpuMemoryInfo (ORT_DEVICE_ALLOCATOR, ORT_MEM_TYPE_DEFAULT, &ort->memory),
          RP_SPEECH_ERROR_MODELS, "speech runtime", error))
    return NULL;
  return g_steal_pointer (&ort);
}

RpOrt *
rp_ort_ref (RpOrt *ort)
{
  g_atomic_ref_count_inc (&ort->refs);
  return ort;
}

void
rp_ort_unref (RpOrt *ort)
{
  if (ort == NULL || !g_atomic_ref_count_dec (&ort->refs))
    return;
  if (ort->memory != NULL)
    ort->ReleaseMemoryInfo (ort->memory);
  if (ort->env != NULL)
    ort->ReleaseEnv (ort->env);
  /* The library stays loaded: it is not made to be unloaded, and the process may want it again. */
  g_free (ort);
}

const char *
rp_ort_version (RpOrt *ort)
{
  return ort->version;
}

static gboolean
session_options (RpOrt *ort, OrtSessionOptions **out, const char *path, GError **error)
{
  OrtSessionOptions *options = NULL;
  OrtStatus *status = ort->CreateSessionOptions (&options);

  /* One thread: a pool's threads would not survive the fork, and two gain nothing. */
  if (status == NULL)
    status = ort->SetIntraOpNumThreads (options, 1);
  if (status == NULL)
    status = ort->SetInterOpNumThreads (options, 1);
  if (status == NULL)
    status = ort->SetSessionExecutionMode (options, ORT_SEQUENTIAL);
  if (status == NULL)
    status = ort->SetSessionGraphOptimizationLevel (options, ORT_ENABLE_ALL);
  /* An arena and remembered patterns would keep the memory of the longest utterance for ever. */
  if (status == NULL)
    status = ort->DisableCpuMemArena (options);
  if (status == NULL)
    status = ort->DisableMemPattern (options);
  /* Otherwise the quantized embedding is expanded at each decoder step: 18 ms instead of 2.5. */
  if (status == NULL)
    status = ort->AddSessionConfigEntry (options, "session.disable_quant_qdq", "1");
  if (!ort_check (ort, status, RP_SPEECH_ERROR_MODELS, path, error)) {
    if (options != NULL)
      ort->ReleaseSessionOptions (options);
    return FALSE;
  }
  *out = options;
  return TRUE;
}

RpOrtSession *
rp_ort_session_new (RpOrt *ort, const char *path, GError **error)
{
  OrtSessionOptions *options = NULL;
  OrtSession *session = NULL;
  OrtStatus *status;
  RpOrtSession *self;

  if (!g_file_test (path, G_FILE_TEST_IS_REGULAR)) {
    g_set_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS,
                 "%s is missing (tools/fetch-models installs it)", path);
    return NULL;
  }
  if (!session_options (ort, &options, path, error))
    return NULL;
  status = ort->CreateSession (ort->env, path, options, &session);
  ort->ReleaseSessionOptions (options);
  if (!ort_check (ort, status, RP_SPEECH_ERROR_MODELS, path, error))
    return NULL;

  self = g_new0 (RpOrtSession, 1);
  self->ort = rp_ort_ref (ort);
  self->session = session;
  return self;
}

void
rp_ort_session_free (RpOrtSession *session)
{
  if (session == NULL)
    return;
  session->ort->ReleaseSession (session->session);
  rp_ort_unref (session->ort);
  g_free (session);
}

gboolean
rp_ort_session_run (RpOrtSession *session, const char *const *input_names,
                    RpOrtValue *const *inputs, gsize n_inputs, const char *const *output_names,
                    RpOrtValue **outputs, gsize n_outputs, GError **error)
{
  RpOrt *ort = session->ort;
  OrtStatus *status;

  /* NULL asks the runtime to make them. */
  for (gsize i = 0; i < n_outputs; i++)
    outputs[i] = NULL;
  status = ort->Run (session->session, NULL, input_names, (const OrtValue *const *) inputs,
                     n_inputs, output_names, n_outputs, outputs);
  if (ort_check (ort, status, RP_SPEECH_ERROR_INFERENCE, "speech model", error))
    return TRUE;
  for (gsize i = 0; i < n_outputs; i++) {
    rp_ort_value_free (ort, outputs[i]);
    outputs[i] = NULL;
  }
  return FALSE;
}

static int
element_type (RpOrtType type)
{
  switch (type) {
  case RP_ORT_FLOAT:
    return ORT_TENSOR_FLOAT;
  case RP_ORT_INT64:
    return ORT_TENSOR_INT64;
  case RP_ORT_BOOL:
    return ORT_TENSOR_BOOL;
  }
  g_assert_not_reached ();
}

RpOrtValue *
rp_ort_value_new (RpOrt *ort, RpOrtType type, void *data, gsize data_bytes, const gint64 *dims,
                  gsize n_dims, GError **error)
{
  OrtValue *value = NULL;
  int64_t shape[RP_ORT_MAX_DIMS];

  g_assert (n_dims <= RP_ORT_MAX_DIMS); /* callers give constants */
  for (gsize i = 0; i < n_dims; i++)
    shape[i] = dims[i];
  if (!ort_check (ort,
                  ort->CreateTensorWithDataAsOrtValue (ort->memory, data, data_bytes, shape, n_dims,
                                                       element_type (type), &value),
                  RP_SPEECH_ERROR_INFERENCE, "tensor", error))
    return NULL;
  return value;
}

float *
rp_ort_value_floats (RpOrt *ort, RpOrtValue *value, gint64 *dims, gsize n_dims, GError **error)
{
  OrtTensorTypeAndShapeInfo *info = NULL;
  int64_t shape[RP_ORT_MAX_DIMS] = {0};
  size_t has_dims = 0;
  int type = 0;
  void *data = NULL;
  OrtStatus *status;

  g_assert (n_dims <= RP_ORT_MAX_DIMS);
  status = ort->GetTensorTypeAndShape (value, &info);
  if (status == NULL)
    status = ort->GetTensorElementType (info, &type);
  if (status == NULL)
    status = ort->GetDimensionsCount (info, &has_dims);
  if (status == NULL && has_dims == n_dims)
    status = ort->GetDimensions (info, shape, n_dims);
  if (status == NULL)
    status = ort->GetTensorMutableData (value, &data);
  if (info != NULL)
    ort->ReleaseTensorTypeAndShapeInfo (info);
  if (!ort_check (ort, status, RP_SPEECH_ERROR_INFERENCE, "tensor", error))
    return NULL;
  if (type != ORT_TENSOR_FLOAT || has_dims != n_dims) {
    g_set_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_INFERENCE,
                 "model output of type %d with %zu dimensions instead of floats with %zu", type,
                 has_dims, (size_t) n_dims);
    return NULL;
  }
  for (gsize i = 0; i < n_dims; i++)
    dims[i] = shape[i];
  return data;
}

void
rp_ort_value_free (RpOrt *ort, RpOrtValue *value)
{
  if (value != NULL)
    ort->ReleaseValue (value);
}
