/* Cuts a stream of text, as a brain writes it, into pieces that can be spoken.
 *
 * A piece is a whole sentence (or, to be heard sooner, the first clause of a long first one). It is
 * given out as early as is safe: not in the middle of "3.5", "Dr. King", "2:30 p.m." or a UTF-8
 * character. Markdown and emoji are taken out. Deltas may be cut anywhere, even inside a character;
 * the pieces do not depend on where. Bytes that are not UTF-8 become U+FFFD and are dropped. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint first_clause_words; /* the first piece may end at a comma after this many words; 0: never */
  guint max_chars;          /* a longer piece is cut at a clause, else at a space; 40-2000 */
} RpSentenceConfig;

#define RP_SENTENCE_CONFIG_DEFAULT            \
  {                                           \
    .first_clause_words = 6, .max_chars = 300 \
  }

typedef struct {
  char *text;  /* (transfer full) to be spoken: no markup, no newline, trimmed, never empty */
  gsize start; /* where it came from: byte offsets in everything that was input so far. Pieces */
  gsize end;   /* are in order and do not overlap. */
  gboolean last_of_sentence; /* FALSE: cut at a clause, the sentence goes on */
} RpSentenceOut;

typedef struct _RpSentence RpSentence;

/* @config: copied; out-of-range values are clamped. */
RpSentence *rp_sentence_new (const RpSentenceConfig *config);
/* @length: in bytes, or -1 when NUL-terminated. Ignored after rp_sentence_end(). */
void rp_sentence_input (RpSentence *self, const char *text, gssize length);
/* The generation is complete: all that is left becomes a piece. */
void rp_sentence_end (RpSentence *self);
/* Returns: TRUE and a piece; to be called until FALSE. @out_piece is untouched when FALSE. */
gboolean rp_sentence_poll (RpSentence *self, RpSentenceOut *out_piece);
/* As new: for the next generation. */
void rp_sentence_reset (RpSentence *self);
void rp_sentence_free (RpSentence *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpSentence, rp_sentence_free)

void rp_sentence_out_clear (RpSentenceOut *piece);

G_END_DECLS
