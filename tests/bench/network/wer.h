/* Word error rate: words of two texts compared, whatever their case and punctuation. Pure. */
#pragma once

#include <glib.h>

typedef struct {
  guint words;  /* of the reference */
  guint errors; /* substitutions, deletions and insertions */
} RpWer;

/* Adds the comparison of one text with its reference. */
void rp_wer_add (RpWer *wer, const char *reference, const char *text);
