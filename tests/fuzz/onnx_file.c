/* A model's file: refused, or its tensors lie within it. The first bytes are the sizes asked for.
 */
#include "onnx-file.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define N_SIZES 4

static gsize
n_bytes (const RpOnnxTensor *tensor)
{
  gsize n = sizeof (float);
  for (guint i = 0; tensor->dims[i] != 0; i++)
    n *= tensor->dims[i];
  return n;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size < N_SIZES)
    return 0;
  RpOnnxTensor tensors[] = {
      {.name = "a", .dims = {data[0], data[1]}},
      {.name = "b", .dims = {data[2], data[3], 1, 2}},
  };
  const guint8 *bytes = data + N_SIZES;
  size -= N_SIZES;
  for (guint n = 1; n <= G_N_ELEMENTS (tensors); n++) {
    if (!rp_onnx_find (bytes, size, tensors, n))
      continue;
    for (guint i = 0; i < n; i++) {
      gsize len = n_bytes (&tensors[i]);
      g_assert_true (tensors[i].floats >= bytes && len <= size);
      g_assert_cmpuint ((gsize) (tensors[i].floats - bytes), <=, size - len);
    }
  }
  return 0;
}
