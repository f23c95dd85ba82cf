/* Finds tensors in an ONNX file, without a runtime. Pure: bytes in, pointers into them out.
 *
 * The file is a protocol buffer (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). Only the
 * fields on the way to a constant node's tensor are looked at. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define RP_ONNX_MAX_DIMS 4

typedef struct {
  const char *name;
  /* Of these sizes; 0 ends the list. */
  guint dims[RP_ONNX_MAX_DIMS + 1];
  /* Out: (transfer none): their product of 32-bit little-endian floats, not aligned. */
  const guint8 *floats;
} RpOnnxTensor;

/* @tensors: at most 64. All of them are constants of one and the same graph: the models' branches
 * for different rates use the same names. Returns: FALSE when no graph of the file has all of them
 */
gboolean rp_onnx_find (const guint8 *bytes, gsize len, RpOnnxTensor *tensors, guint n_tensors);

G_END_DECLS
