#include "onnx-file.h"

#include <string.h>

/* Field numbers of onnx.proto. */
#define MODEL_GRAPH 7
#define GRAPH_NODE 1
#define NODE_ATTRIBUTE 5
#define ATTRIBUTE_TENSOR 5
#define ATTRIBUTE_GRAPH 6
#define TENSOR_DIMS 1
#define TENSOR_TYPE 2
#define TENSOR_NAME 8
#define TENSOR_RAW 9
#define TYPE_FLOAT 1
/* Branches within branches: Silero has three. */
#define MAX_DEPTH 8

typedef struct {
  const guint8 *at;
  const guint8 *end;
} Bytes;

typedef struct {
  guint64 number; /* the field's */
  guint64 value;  /* of a number */
  Bytes bytes;    /* of anything with a length, else empty */
} Field;

static gboolean
take_varint (Bytes *bytes, guint64 *out)
{
  guint64 value = 0;

  for (guint shift = 0; shift < 64 && bytes->at < bytes->end; shift += 7) {
    guint8 byte = *bytes->at++;
    value |= (guint64) (byte & 0x7f) << shift;
    if (byte < 0x80) {
      *out = value;
      return TRUE;
    }
  }
  return FALSE;
}

static gboolean
skip (Bytes *bytes, guint64 n)
{
  if (n > (guint64) (bytes->end - bytes->at))
    return FALSE;
  bytes->at += n;
  return TRUE;
}

/* FALSE at the end, or where it is no protocol buffer. */
static gboolean
take_field (Bytes *bytes, Field *out)
{
  guint64 key = 0;
  guint64 n = 0;

  *out = (Field){0};
  if (!take_varint (bytes, &key))
    return FALSE;
  out->number = key >> 3;
  switch (key & 7) {
  case 0:
    return take_varint (bytes, &out->value);
  case 1:
    return skip (bytes, 8);
  case 2:
    if (!take_varint (bytes, &n))
      return FALSE;
    out->bytes.at = bytes->at;
    if (!skip (bytes, n))
      return FALSE;
    out->bytes.end = bytes->at;
    return TRUE;
  case 5:
    return skip (bytes, 4);
  default:
    return FALSE;
  }
}

static gboolean
is_text (const Bytes *bytes, const char *text)
{
  gsize n = strlen (text);

  return (gsize) (bytes->end - bytes->at) == n && (n == 0 || memcmp (bytes->at, text, n) == 0);
}

/* Those beyond the last are only counted. */
static void
add_dim (guint64 *dims, guint *n_dims, guint64 dim)
{
  if (*n_dims < RP_ONNX_MAX_DIMS)
    dims[*n_dims] = dim;
  ++*n_dims;
}

/* Compares one tensor with those that are wanted. */
static void
take_tensor (Bytes tensor, RpOnnxTensor *wanted, guint n_wanted)
{
  guint64 dims[RP_ONNX_MAX_DIMS] = {0};
  guint n_dims = 0;
  guint64 type = 0;
  Bytes name = {0};
  Bytes raw = {0};
  Field field;

  while (take_field (&tensor, &field)) {
    if (field.number == TENSOR_DIMS && field.bytes.at != NULL) {
      guint64 dim;
      while (take_varint (&field.bytes, &dim))
        add_dim (dims, &n_dims, dim);
    } else if (field.number == TENSOR_DIMS) {
      add_dim (dims, &n_dims, field.value);
    } else if (field.number == TENSOR_TYPE) {
      type = field.value;
    } else if (field.number == TENSOR_NAME) {
      name = field.bytes;
    } else if (field.number == TENSOR_RAW) {
      raw = field.bytes;
    }
  }
  for (guint i = 0; i < n_wanted; i++) {
    guint64 n_floats = 1;
    guint n = 0;
    while (wanted[i].dims[n] != 0 && n < n_dims && n < RP_ONNX_MAX_DIMS &&
           wanted[i].dims[n] == dims[n])
      n_floats *= wanted[i].dims[n++];
    if (type == TYPE_FLOAT && n == n_dims && wanted[i].dims[n] == 0 &&
        (guint64) (raw.end - raw.at) == n_floats * sizeof (float) &&
        is_text (&name, wanted[i].name))
      wanted[i].floats = raw.at;
  }
}

static gboolean find_in_graph (Bytes graph, RpOnnxTensor *wanted, guint n_wanted, guint depth);

/* TRUE when a graph within the node has them all. */
static gboolean
take_node (Bytes node, RpOnnxTensor *wanted, guint n_wanted, gboolean inner, guint depth)
{
  Field attribute;
  Field field;

  while (take_field (&node, &attribute)) {
    if (attribute.number != NODE_ATTRIBUTE)
      continue;
    while (take_field (&attribute.bytes, &field)) {
      if (!inner && field.number == ATTRIBUTE_TENSOR)
        take_tensor (field.bytes, wanted, n_wanted);
      else if (inner && field.number == ATTRIBUTE_GRAPH &&
               find_in_graph (field.bytes, wanted, n_wanted, depth + 1))
        return TRUE;
    }
  }
  return FALSE;
}

static gboolean
have_all (const RpOnnxTensor *wanted, guint n_wanted)
{
  guint n = 0;

  while (n < n_wanted && wanted[n].floats != NULL)
    n++;
  return n == n_wanted;
}

/* First the graph's own tensors, then those of the graphs in it. */
static gboolean
find_in_graph (Bytes graph, RpOnnxTensor *wanted, guint n_wanted, guint depth)
{
  if (depth > MAX_DEPTH)
    return FALSE;
  for (guint i = 0; i < n_wanted; i++)
    wanted[i].floats = NULL;
  for (int inner = 0; inner <= 1; inner++) {
    Bytes rest = graph;
    Field node;
    while (take_field (&rest, &node)) {
      if (node.number == GRAPH_NODE && take_node (node.bytes, wanted, n_wanted, inner, depth))
        return TRUE;
    }
    if (!inner && have_all (wanted, n_wanted))
      return TRUE;
  }
  return FALSE;
}

gboolean
rp_onnx_find (const guint8 *bytes, gsize len, RpOnnxTensor *tensors, guint n_tensors)
{
  Bytes model = {bytes, bytes + len};
  Field field;

  while (take_field (&model, &field)) {
    if (field.number == MODEL_GRAPH && find_in_graph (field.bytes, tensors, n_tensors, 0))
      return TRUE;
  }
  for (guint i = 0; i < n_tensors; i++)
    tensors[i].floats = NULL;
  return FALSE;
}
