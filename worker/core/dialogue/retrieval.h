/* Ranked retrieval over short documents: the questions and answers of a knowledge file, and the
 * triggers of flows.
 *
 * Documents are ranked by BM25 (Robertson and Zaragoza 2009) with a field for the questions, one
 * for the answer and one for the section. Beside the rank each hit has a confidence from 0 to 1:
 * how much of what was asked, and of one wording of the document, is accounted for. Words that
 * recognition got slightly wrong still match, at a discount. Immutable after rp_index_finish(): any
 * thread. */
#pragma once

#include "words.h"
#include <glib.h>

G_BEGIN_DECLS

typedef struct _RpIndex RpIndex;

typedef struct {
  guint doc;         /* as rp_index_add() numbered it */
  double score;      /* BM25, comparable within one search */
  double confidence; /* 0-1, comparable across searches */
} RpHit;

RpIndex *rp_index_new (void);
/* @synonym: up to three words that are read as @head. Before the first rp_index_add(). */
void rp_index_add_synonym (RpIndex *self, const char *head, const char *synonym);
/* @questions: of char *, wordings; @answer, @section: (nullable). Returns: the number, from 0. */
guint rp_index_add (RpIndex *self, const GPtrArray *questions, const char *answer,
                    const char *section);
void rp_index_finish (RpIndex *self);
void rp_index_free (RpIndex *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpIndex, rp_index_free)

/* @skip: (nullable) one flag per word of @query that is not to be looked for.
 * Returns: how many of @out_hits were filled, best first, by confidence and then score. */
guint rp_index_search (const RpIndex *self, const RpWords *query, const gboolean *skip,
                       RpHit *out_hits, guint max_hits);

/* Words of @query that are neither function words nor skipped: what a question is about. */
guint rp_index_content_words (const RpWords *query, const gboolean *skip);

G_END_DECLS
