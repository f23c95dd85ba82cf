#include <stdint.h>
#include <string.h>

#include "speakable.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *raw = g_strndup ((const char *) data, size);
  g_autofree char *text = g_utf8_make_valid (raw, -1);
  g_autoptr (RpSpeakable) speakable = rp_speakable_new (text);
  gsize end = 0;
  guint word = 0;

  for (guint i = 0; i < speakable->words->len; i++) {
    const RpSourceWord *source = &g_array_index (speakable->words, RpSourceWord, i);

    g_assert (source->offset_bytes >= end && source->length_bytes > 0);
    end = source->offset_bytes + source->length_bytes;
    g_assert (end <= strlen (text));
    g_assert (g_utf8_validate (text + source->offset_bytes, source->length_bytes, NULL));
  }
  for (guint i = 0; i < speakable->tokens->len; i++) {
    const RpSpokenToken *token = &g_array_index (speakable->tokens, RpSpokenToken, i);

    g_assert (token->word >= word && token->word < speakable->words->len);
    word = token->word;
    g_assert (memchr (token->name, '\0', sizeof token->name) != NULL && token->name[0] != '\0');
    for (const char *p = token->name; *p != '\0'; p++)
      g_assert (g_ascii_isalnum (*p) || strchr (".,:;!?/%$'-", *p) != NULL);
    g_assert (token->punctuation[0] == '\0' || strchr (".,;:!?", token->punctuation[0]) != NULL);
  }
  return 0;
}
