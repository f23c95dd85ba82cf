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
