/* ONNX Runtime, loaded at run time: no build-time dependency, and everything that needs no model
 * works without it.
 *
 * Only what the speech models need: sessions on one thread, float, int64 and bool tensors. */
#pragma once

#include "speech.h"

G_BEGIN_DECLS

typedef struct _RpOrt RpOrt;
typedef struct _RpOrtSession RpOrtSession;
/* A tensor. Opaque: the runtime's own type. */
typedef struct OrtValue RpOrtValue;

/* Tensors of the speech models have at most 4 dimensions. */
#define RP_ORT_MAX_DIMS 4
/* Inputs or outputs of one run; the larger speech decoder has 3 + 8 × 4 inputs. */
#define RP_ORT_MAX_IO 64

typedef enum {
  RP_ORT_FLOAT,
  RP_ORT_INT64,
  RP_ORT_BOOL,
} RpOrtType;

/**
 * rp_ort_new:
 * @models_dir: directory that holds libonnxruntime.so
 *
 * Loads the library and makes its environment, without telemetry, threads or open files. Call it
 * before there are other threads (it sets an environment variable).
 *
 * Returns: (transfer full) (nullable): NULL with RP_SPEECH_ERROR_MODELS
 */
RpOrt *rp_ort_new (const char *models_dir, GError **error);
RpOrt *rp_ort_ref (RpOrt *ort);
void rp_ort_unref (RpOrt *ort);

/** rp_ort_version: (transfer none): the library's version, as "1.28.2". */
const char *rp_ort_version (RpOrt *ort);

/**
 * rp_ort_session_new:
 * @path: an .onnx file
 *
 * A session that runs on the calling thread alone, without memory arena, so that
 * it works in forked children and gives memory back.
 *
 * Returns: (transfer full) (nullable): NULL with RP_SPEECH_ERROR_MODELS
 */
RpOrtSession *rp_ort_session_new (RpOrt *ort, const char *path, GError **error);
void rp_ort_session_free (RpOrtSession *session);

/**
 * rp_ort_session_run:
 * @inputs: (transfer none): tensors of @input_names
 * @outputs: (out): @n_outputs pointers, on success each a new tensor (transfer full), on failure
 *   all NULL
 *
 * Thread: any, several at a time.
 *
 * Returns: FALSE with RP_SPEECH_ERROR_INFERENCE
 */
gboolean rp_ort_session_run (RpOrtSession *session, const char *const *input_names,
                             RpOrtValue *const *inputs, gsize n_inputs,
                             const char *const *output_names, RpOrtValue **outputs, gsize n_outputs,
                             GError **error);

/**
 * rp_ort_value_new:
 * @data: @data_bytes of elements in row-major order, not copied: must outlive the tensor
 * @dims: @n_dims sizes (at most RP_ORT_MAX_DIMS), 0 is legal
 *
 * Returns: (transfer full) (nullable): NULL with RP_SPEECH_ERROR_INFERENCE
 */
RpOrtValue *rp_ort_value_new (RpOrt *ort, RpOrtType type, void *data, gsize data_bytes,
                              const gint64 *dims, gsize n_dims, GError **error);

/**
 * rp_ort_value_floats:
 * @dims: (out): its sizes
 * @n_dims: how many dimensions it must have, at most RP_ORT_MAX_DIMS
 *
 * Returns: (transfer none) (nullable): the elements of a float tensor, valid as long as it is;
 *   NULL with RP_SPEECH_ERROR_INFERENCE when it has another type or number of dimensions
 */
float *rp_ort_value_floats (RpOrt *ort, RpOrtValue *value, gint64 *dims, gsize n_dims,
                            GError **error);

/** rp_ort_value_free: NULL @value is legal. */
void rp_ort_value_free (RpOrt *ort, RpOrtValue *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpOrt, rp_ort_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpOrtSession, rp_ort_session_free)

G_END_DECLS
