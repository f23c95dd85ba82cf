#include <string.h>

#include "vocab.h"

/* U+2581, SentencePiece's mark for a space. */
#define SPACE_MARK "\xe2\x96\x81"
/* <unk>, <s> and </s> */
#define N_CONTROL_TOKENS 3

struct _RpVocab {
  char *text;   /* the file, with each line end made a NUL */
  char **token; /* RP_VOCAB_TOKENS pointers into it */
};

/* One token of each kind where they must be, so that another model's vocabulary is not taken. */
static gboolean
vocab_is_right (const RpVocab *vocab)
{
  return strcmp (vocab->token[1], "<s>") == 0 && strcmp (vocab->token[2], "</s>") == 0 &&
         strcmp (vocab->token[3], "<0x00>") == 0 && strcmp (vocab->token[258], "<0xFF>") == 0 &&
         strcmp (vocab->token[29871], SPACE_MARK) == 0;
}

RpVocab *
rp_vocab_new (const char *path, GError **error)
{
  g_autoptr (RpVocab) vocab = g_new0 (RpVocab, 1);
  g_autoptr (GError) file_error = NULL;
  gsize length = 0;
  gsize n = 0;

  if (!g_file_get_contents (path, &vocab->text, &length, &file_error)) {
    g_set_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS,
                 "%s (tools/fetch-models installs it)", file_error->message);
    return NULL;
  }
  vocab->token = g_new0 (char *, RP_VOCAB_TOKENS);
  for (char *line = vocab->text; line != NULL && n <= RP_VOCAB_TOKENS; n++) {
    char *end = memchr (line, '\n', length - (gsize) (line - vocab->text));

    if (n < RP_VOCAB_TOKENS)
      vocab->token[n] = line;
    if (end != NULL)
      *end++ = '\0';
    line = end;
  }
  if (n != RP_VOCAB_TOKENS || !vocab_is_right (vocab)) {
    g_set_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS,
                 "%s is not the speech model's vocabulary", path);
    return NULL;
  }
  return g_steal_pointer (&vocab);
}

void
rp_vocab_free (RpVocab *vocab)
{
  if (vocab == NULL)
    return;
  g_free (vocab->token);
  g_free (vocab->text);
  g_free (vocab);
}

void
rp_vocab_append (const RpVocab *vocab, GString *text, gint64 token)
{
  const char *piece;

  if (token < N_CONTROL_TOKENS || token >= RP_VOCAB_TOKENS)
    return;
  piece = vocab->token[token];
  if (strlen (piece) == 6 && g_str_has_prefix (piece, "<0x") && g_ascii_isxdigit (piece[3]) &&
      g_ascii_isxdigit (piece[4]) && piece[5] == '>') {
    g_string_append_c (
        text, (char) (g_ascii_xdigit_value (piece[3]) * 16 + g_ascii_xdigit_value (piece[4])));
    return;
  }
  while (*piece != '\0') {
    if (g_str_has_prefix (piece, SPACE_MARK)) {
      g_string_append_c (text, ' ');
      piece += strlen (SPACE_MARK);
    } else {
      g_string_append_c (text, *piece++);
    }
  }
}
