/* The vocabulary of a speech model: the input's lines in place of those of a right one, or (of an
 * odd size) the input alone. Refused, or every token, also those that there are not, appends
 * something bounded. */
#include "vocab.h"
#include "scratch.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define BYTE_TOKENS 256
#define FIRST_FREE (3 + BYTE_TOKENS)
#define SPACE_TOKEN 29871

static void
append_right (GString *out, const char *data, gsize size)
{
  g_string_append (out, "<unk>\n<s>\n</s>\n");
  for (guint i = 0; i < BYTE_TOKENS; i++)
    g_string_append_printf (out, "<0x%02X>\n", i);
  g_string_append_len (out, data, (gssize) size);
  guint n = FIRST_FREE;
  for (gsize i = 0; i < size; i++)
    n += data[i] == '\n';
  for (; n < RP_VOCAB_TOKENS - 1; n++)
    g_string_append (out, n == SPACE_TOKEN ? "\xe2\x96\x81\n" : "x\n");
  g_string_append (out, "y");
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *path = g_build_filename (scratch_dir (), "vocab.txt", NULL);
  g_autoptr (GString) file = g_string_new (NULL);
  if (size % 2 == 0)
    append_right (file, (const char *) data, size);
  else
    g_string_append_len (file, (const char *) data, (gssize) size);
  g_assert_true (g_file_set_contents (path, file->str, (gssize) file->len, NULL));
  g_autoptr (GError) error = NULL;
  g_autoptr (RpVocab) vocab = rp_vocab_new (path, &error);
  g_assert_true ((vocab == NULL) == (error != NULL));
  if (vocab == NULL)
    return 0;
  g_autoptr (GString) text = g_string_new (NULL);
  for (gint64 token = -2; token < FIRST_FREE + 64; token++)
    rp_vocab_append (vocab, text, token);
  for (gint64 token = RP_VOCAB_TOKENS - 2; token < RP_VOCAB_TOKENS + 2; token++)
    rp_vocab_append (vocab, text, token);
  rp_vocab_append (vocab, text, G_MININT64);
  rp_vocab_append (vocab, text, G_MAXINT64);
  g_assert_cmpuint (text->len, <=, 400 * (size + 16));
  return 0;
}
