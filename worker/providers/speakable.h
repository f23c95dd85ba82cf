/* Written text to what a simple voice can read: numbers with their units, times, money,
 * abbreviations, web addresses and marks of formatting, each piece still tied to the word it came
 * from.
 *
 * Pure, links GLib alone. What the voice reads well itself (plain numbers, years, ordinals, ranges)
 * is left to it. English. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * RpSourceWord: a run of non-space characters of the text
 * @offset_bytes: where it begins
 * @length_bytes: its length, > 0
 */
typedef struct {
  guint32 offset_bytes;
  guint32 length_bytes;
} RpSourceWord;

/* Longest token; longer ones are divided. */
#define RP_SPOKEN_TOKEN_MAX_BYTES 40

/**
 * RpSpokenToken: one thing to read out
 * @word: index of the source word it belongs to; never decreases
 * @name: ASCII letters, digits and the marks . , : / % $ ' - only, at least one letter or digit
 * @punctuation: "" or one of . , ; : ! ? that follows it, for pauses and intonation
 */
typedef struct {
  guint word;
  char name[RP_SPOKEN_TOKEN_MAX_BYTES + 1];
  char punctuation[2];
} RpSpokenToken;

typedef struct {
  GArray *words;  /* of RpSourceWord */
  GArray *tokens; /* of RpSpokenToken */
} RpSpeakable;

/**
 * rp_speakable_new:
 * @text: valid UTF-8
 *
 * Characters with no reading in English (other scripts, emoji) give no token.
 *
 * Returns: (transfer full): the words of the text and what to say for them
 */
RpSpeakable *rp_speakable_new (const char *text);

/** rp_speakable_free: NULL is legal. */
void rp_speakable_free (RpSpeakable *speakable);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpSpeakable, rp_speakable_free)

G_END_DECLS
