/* Pieces do not depend on how the text was cut, are speakable, in order and bounded. */
#include "sentence.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static GString *
split (const RpSentenceConfig *config, const uint8_t *data, size_t size, size_t chunk)
{
  g_autoptr (RpSentence) sentence = rp_sentence_new (config);
  GString *all = g_string_new (NULL);
  RpSentenceOut piece;
  gsize last = 0;
  for (size_t at = 0; at <= size; at += chunk) {
    size_t n = MIN (chunk, size - at);
    g_autofree char *exact = g_memdup2 (data + at, n);
    rp_sentence_input (sentence, exact, (gssize) n);
    if (at + chunk > size)
      rp_sentence_end (sentence);
    while (rp_sentence_poll (sentence, &piece)) {
      g_assert_true (g_utf8_validate (piece.text, -1, NULL));
      g_assert_cmpuint (g_utf8_strlen (piece.text, -1), <=, config->max_chars + 32);
      g_assert_true (piece.start >= last && piece.end > piece.start && piece.end <= size);
      last = piece.end;
      g_string_append_printf (all, "%s\n", piece.text);
      rp_sentence_out_clear (&piece);
    }
  }
  return all;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size < 2 || size > 4096)
    return 0;
  RpSentenceConfig config = {.first_clause_words = data[0] % 10, .max_chars = 40u + data[1]};
  g_autoptr (GString) whole = split (&config, data + 2, size - 2, size);
  g_autoptr (GString) bytes = split (&config, data + 2, size - 2, 1 + data[0] / 64);
  g_assert_cmpstr (whole->str, ==, bytes->str);
  return 0;
}
