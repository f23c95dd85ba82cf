/* The speech model's vocabulary: token numbers to text. Decoding only. */
#pragma once

#include "speech.h"

G_BEGIN_DECLS

/* The model's outputs from here on are special and have no text. */
#define RP_VOCAB_TOKENS 32000

typedef struct _RpVocab RpVocab;

/**
 * rp_vocab_new:
 * @path: the file that tools/fetch-models made: one SentencePiece token per line, in order
 *
 * Returns: (transfer full) (nullable): NULL with RP_SPEECH_ERROR_MODELS when the file is missing
 *   or is not the vocabulary of 32000 that the model was trained with
 */
RpVocab *rp_vocab_new (const char *path, GError **error);

/** rp_vocab_free: NULL is legal. */
void rp_vocab_free (RpVocab *vocab);

/**
 * rp_vocab_append:
 * @text: bytes of the text so far, which need not be valid UTF-8 in the middle of a character
 * @token: any number; control tokens and those without text append nothing
 */
void rp_vocab_append (const RpVocab *vocab, GString *text, gint64 token);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpVocab, rp_vocab_free)

G_END_DECLS
