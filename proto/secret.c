#define _DEFAULT_SOURCE /* explicit_bzero */

#include "secret.h"

#include <string.h>

void
rp_secret_clear (gpointer bytes, gsize len)
{
  if (bytes != NULL)
    explicit_bzero (bytes, len);
}

void
rp_secret_free (char *text)
{
  if (text != NULL)
    explicit_bzero (text, strlen (text));
  g_free (text);
}

void
rp_secret_string_free (GString *string)
{
  if (string == NULL)
    return;
  explicit_bzero (string->str, string->allocated_len);
  g_string_free (string, TRUE);
}

void
rp_secret_array_free (GByteArray *array)
{
  if (array == NULL)
    return;
  rp_secret_clear (array->data, array->len);
  g_byte_array_unref (array);
}

typedef struct {
  gsize len;
  guint8 bytes[];
} Copy;

static void
copy_free (gpointer data)
{
  Copy *copy = data;
  explicit_bzero (copy->bytes, copy->len);
  g_free (copy);
}

GBytes *
rp_secret_bytes_new (gconstpointer data, gsize len)
{
  Copy *copy = g_malloc (sizeof *copy + len);
  copy->len = len;
  if (len > 0)
    memcpy (copy->bytes, data, len);
  return g_bytes_new_with_free_func (copy->bytes, len, copy_free, copy);
}
