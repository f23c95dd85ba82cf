/* Text as words: what speech recognition wrote, in a form that can be compared.
 *
 * Pure functions; every string is UTF-8, input that is not is made so. Any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* No turn of speech is longer: at 3 words a second this is two minutes. Words beyond are dropped.
 */
#define RP_WORDS_MAX 400
#define RP_WORD_MAX_BYTES 64

typedef struct {
  char *raw;  /* as written, without the punctuation around it */
  char *norm; /* lower-case ASCII: accents folded, "what's" is "what", "2.30 p.m." is "2:30" "pm" */
  char punct; /* what follows it: ',' '.' '?' '!' or 0 */
  gboolean capital; /* begins with a capital letter */
} RpWord;

typedef struct {
  RpWord *v;
  guint n;
  gboolean question; /* it ends in a question mark */
  gboolean cased;    /* some word but the first begins with a capital: case means something */
} RpWords;

/* Returns: (transfer full) */
RpWords *rp_words_split (const char *text);
void rp_words_free (RpWords *words);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpWords, rp_words_free)

/* @word is one of the space-separated @list. */
gboolean rp_word_in (const char *word, const char *list);
/* The normal forms of @words from @first on begin with the space-separated @phrase.
 * Returns: the number of words it has, 0 when they do not. */
guint rp_words_match_at (const RpWords *words, guint first, const char *phrase);
/* The same anywhere. Returns: TRUE and where it begins. */
gboolean rp_words_find (const RpWords *words, const char *phrase, guint *out_first);
/* Exactly @phrase and nothing else. */
gboolean rp_words_are (const RpWords *words, const char *phrase);
/* Words [first, end) as they were written, joined by spaces. Returns: (transfer full) */
char *rp_words_join_raw (const RpWords *words, guint first, guint end);

/* A small suffix stripper after Porter (1980): "bookings" and "book" become one, "prices" and
 * "price" too. @norm: a normal form. Returns: (transfer full) */
char *rp_stem (const char *norm);

/* How it sounds, roughly (after Metaphone): equal for "there" and "their", "Stephen" and "Steven".
 * Returns: (transfer full) may be empty */
char *rp_sound_key (const char *norm);

/* Damerau-Levenshtein distance (optimal string alignment), or @limit + 1 when it is more. */
guint rp_edit_distance (const char *a, const char *b, guint limit);

/* Function words, that say nothing about the subject. @norm: a normal form. */
gboolean rp_is_stop_word (const char *norm);

G_END_DECLS
