#include "retrieval.h"

#include <math.h>
#include <string.h>

/* The usual BM25 constants; documents are of one kind, so length counts for little. */
#define BM25_K1 1.2
#define BM25_B 0.4
#define ANSWER_TF 0.4
#define SECTION_TF 0.5
/* A word that no document has speaks against all of them, less than a rare one speaks for one. */
#define UNKNOWN_WEIGHT 0.7
/* "where", "how much": they tell questions apart, but are in half of them. */
#define QUESTION_WORD_WEIGHT 0.35
#define ANSWER_MATCH 0.6
#define SECTION_MATCH 0.5
#define OTHER_WORDING_MATCH 0.85
/* What function words count. */
#define OVERLAP_SHARE 0.1
#define MAX_OVERLAP_WORDS 16
/* From this share on function words alone are a match. */
#define MIN_OVERLAP 0.7
#define MIN_FUZZY_LENGTH 4
#define MAX_QUERY_TERMS 48
#define MAX_SYNONYM_WORDS 3

typedef struct {
  guint term;
  float weight; /* 1, or less for question words */
} VariantTerm;

typedef struct {
  GArray *terms; /* of VariantTerm, no term twice */
  char **words;  /* all of them, for questions that are little but function words */
  guint n_words;
} Variant;

typedef struct {
  GPtrArray *variants; /* of Variant * */
  GHashTable *tf;      /* term → double, over all fields */
  GHashTable *answer;  /* set of terms */
  GHashTable *section; /* set of terms */
  double length;
} Doc;

struct _RpIndex {
  GPtrArray *docs;
  GHashTable *synonyms; /* stems joined by spaces → head */
  GHashTable *terms;    /* stem → term + 1 */
  GPtrArray *postings;  /* term → GArray of doc numbers */
  GHashTable *words;    /* every normal word → term + 1 */
  GHashTable *deletes;  /* a word with one letter taken out → GPtrArray of words */
  GHashTable *sounds;   /* sound key → GPtrArray of words */
  double mean_length;
};

/* One word of a query or document after synonyms. */
typedef struct {
  char *norm;
  char *stem;
  double weight;
} Term;

static void
term_clear (gpointer data)
{
  Term *term = data;
  g_free (term->norm);
  g_free (term->stem);
}

static void
variant_free (gpointer data)
{
  Variant *variant = data;
  g_array_unref (variant->terms);
  g_strfreev (variant->words);
  g_free (variant);
}

static void
doc_free (gpointer data)
{
  Doc *doc = data;
  g_ptr_array_unref (doc->variants);
  g_hash_table_unref (doc->tf);
  g_hash_table_unref (doc->answer);
  g_hash_table_unref (doc->section);
  g_free (doc);
}

RpIndex *
rp_index_new (void)
{
  RpIndex *self = g_new0 (RpIndex, 1);
  self->docs = g_ptr_array_new_with_free_func (doc_free);
  self->synonyms = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->terms = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->postings = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);
  self->words = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->deletes =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  self->sounds =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  return self;
}

void
rp_index_free (RpIndex *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->docs);
  g_hash_table_unref (self->synonyms);
  g_hash_table_unref (self->terms);
  g_ptr_array_unref (self->postings);
  g_hash_table_unref (self->words);
  g_hash_table_unref (self->deletes);
  g_hash_table_unref (self->sounds);
  g_free (self);
}

/* Inflections of a word are one key. */
static char *
join_stems (const RpWords *words, guint first, guint n)
{
  GString *key = g_string_new (NULL);
  for (guint i = first; i < first + n && i < words->n; i++) {
    g_autofree char *stem = rp_stem (words->v[i].norm);
    if (i > first)
      g_string_append_c (key, ' ');
    g_string_append (key, stem);
  }
  return g_string_free (key, FALSE);
}

void
rp_index_add_synonym (RpIndex *self, const char *head, const char *synonym)
{
  g_autoptr (RpWords) from = rp_words_split (synonym);
  g_autoptr (RpWords) to = rp_words_split (head);
  if (from->n == 0 || from->n > MAX_SYNONYM_WORDS || to->n == 0)
    return;
  char *key = join_stems (from, 0, from->n);
  g_hash_table_replace (self->synonyms, key, g_strdup (to->v[0].norm));
}

/* The head of the longest synonym at word @i. Returns: words taken, 0 when there is none. */
static guint
synonym_at (const RpIndex *self, const RpWords *words, const gboolean *skip, guint i,
            const char **out_head)
{
  for (guint n = MIN (MAX_SYNONYM_WORDS, words->n - i); n >= 1; n--) {
    gboolean skipped = FALSE;
    for (guint k = i; k < i + n; k++)
      skipped = skipped || (skip != NULL && skip[k]);
    if (skipped)
      continue;
    g_autofree char *key = join_stems (words, i, n);
    *out_head = g_hash_table_lookup (self->synonyms, key);
    if (*out_head != NULL)
      return n;
  }
  return 0;
}

static gboolean
is_number (const char *norm)
{
  return g_ascii_isdigit (norm[0]) ||
         rp_word_in (norm,
                     "two three four five six seven eight nine ten eleven twelve thirty hundred");
}

/* Returns: (transfer full) of Term, each stem once. */
static GArray *
content_terms (const RpIndex *self, const RpWords *words, const gboolean *skip)
{
  GArray *terms = g_array_new (FALSE, FALSE, sizeof (Term));
  g_array_set_clear_func (terms, term_clear);
  for (guint i = 0; i < words->n && terms->len < MAX_QUERY_TERMS;) {
    const char *norm = NULL;
    guint n = synonym_at (self, words, skip, i, &norm);
    if (n == 0) {
      n = 1;
      norm = words->v[i].norm;
      if ((skip != NULL && skip[i]) || rp_is_stop_word (norm) || strcmp (norm, "what") == 0 ||
          is_number (norm)) {
        i++;
        continue;
      }
    }
    i += n;
    Term term = {.norm = g_strdup (norm), .stem = rp_stem (norm), .weight = 1};
    if (rp_word_in (norm, "where when who why how much many long far often"))
      term.weight = QUESTION_WORD_WEIGHT;
    gboolean known = FALSE;
    for (guint k = 0; k < terms->len && !known; k++)
      known = strcmp (g_array_index (terms, Term, k).stem, term.stem) == 0;
    if (known)
      term_clear (&term);
    else
      g_array_append_val (terms, term);
  }
  return terms;
}

guint
rp_index_content_words (const RpWords *query, const gboolean *skip)
{
  guint n = 0;
  for (guint i = 0; i < query->n; i++)
    n += (skip == NULL || !skip[i]) && !rp_is_stop_word (query->v[i].norm) ? 1 : 0;
  return n;
}

static void
add_variation (GHashTable *table, const char *key, const char *word)
{
  GPtrArray *list = g_hash_table_lookup (table, key);
  if (list == NULL) {
    list = g_ptr_array_new_with_free_func (g_free);
    g_hash_table_insert (table, g_strdup (key), list);
  }
  g_ptr_array_add (list, g_strdup (word));
}

static guint
intern (RpIndex *self, const Term *term)
{
  guint id = GPOINTER_TO_UINT (g_hash_table_lookup (self->terms, term->stem));
  if (id == 0) {
    g_ptr_array_add (self->postings, g_array_new (FALSE, FALSE, sizeof (guint)));
    id = self->postings->len;
    g_hash_table_insert (self->terms, g_strdup (term->stem), GUINT_TO_POINTER (id));
  }
  if (!g_hash_table_contains (self->words, term->norm)) {
    g_hash_table_insert (self->words, g_strdup (term->norm), GUINT_TO_POINTER (id));
    gsize length = strlen (term->norm);
    if (length >= MIN_FUZZY_LENGTH && term->weight >= 1) {
      g_autofree char *sound = rp_sound_key (term->norm);
      add_variation (self->sounds, sound, term->norm);
      add_variation (self->deletes, term->norm, term->norm);
      for (gsize k = 0; k < length; k++) {
        g_autofree char *shorter = g_strdup (term->norm);
        memmove (shorter + k, shorter + k + 1, length - k);
        add_variation (self->deletes, shorter, term->norm);
      }
    }
  }
  return id - 1;
}

static void
count_term (RpIndex *self, Doc *doc, guint doc_number, guint term, double tf)
{
  double *sum = g_hash_table_lookup (doc->tf, GUINT_TO_POINTER (term));
  if (sum == NULL) {
    sum = g_new0 (double, 1);
    g_hash_table_insert (doc->tf, GUINT_TO_POINTER (term), sum);
    g_array_append_val ((GArray *) g_ptr_array_index (self->postings, term), doc_number);
  }
  *sum += tf;
  doc->length += tf;
}

static void
add_field (RpIndex *self, Doc *doc, guint doc_number, const char *text, GHashTable *set, double tf)
{
  g_autoptr (RpWords) words = rp_words_split (text);
  g_autoptr (GArray) terms = content_terms (self, words, NULL);
  for (guint i = 0; i < terms->len; i++) {
    guint term = intern (self, &g_array_index (terms, Term, i));
    count_term (self, doc, doc_number, term, tf);
    g_hash_table_add (set, GUINT_TO_POINTER (term));
  }
}

guint
rp_index_add (RpIndex *self, const GPtrArray *questions, const char *answer, const char *section)
{
  Doc *doc = g_new0 (Doc, 1);
  doc->variants = g_ptr_array_new_with_free_func (variant_free);
  doc->tf = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  doc->answer = g_hash_table_new (NULL, NULL);
  doc->section = g_hash_table_new (NULL, NULL);
  guint number = self->docs->len;
  g_ptr_array_add (self->docs, doc);

  for (guint i = 0; i < questions->len; i++) {
    g_autoptr (RpWords) words = rp_words_split (g_ptr_array_index (questions, i));
    g_autoptr (GArray) terms = content_terms (self, words, NULL);
    Variant *variant = g_new0 (Variant, 1);
    variant->terms = g_array_new (FALSE, FALSE, sizeof (VariantTerm));
    variant->words = g_new0 (char *, words->n + 1);
    for (guint k = 0; k < words->n; k++)
      variant->words[k] = g_strdup (words->v[k].norm);
    variant->n_words = words->n;
    for (guint k = 0; k < terms->len; k++) {
      const Term *term = &g_array_index (terms, Term, k);
      VariantTerm vt = {intern (self, term), (float) term->weight};
      g_array_append_val (variant->terms, vt);
      count_term (self, doc, number, vt.term, term->weight / questions->len);
    }
    g_ptr_array_add (doc->variants, variant);
  }
  if (answer != NULL)
    add_field (self, doc, number, answer, doc->answer, ANSWER_TF);
  if (section != NULL)
    add_field (self, doc, number, section, doc->section, SECTION_TF);
  return number;
}

void
rp_index_finish (RpIndex *self)
{
  double sum = 0;
  for (guint i = 0; i < self->docs->len; i++)
    sum += ((Doc *) g_ptr_array_index (self->docs, i))->length;
  self->mean_length = self->docs->len > 0 ? MAX (sum / self->docs->len, 1e-3) : 1;
}

static double
idf (const RpIndex *self, guint term)
{
  double n = self->docs->len;
  double df = ((GArray *) g_ptr_array_index (self->postings, term))->len;
  return log (1 + (n - df + 0.5) / (df + 0.5));
}

typedef struct {
  gboolean known;
  guint term;
  double weight;  /* what it counts in the query */
  double quality; /* 1: the word itself, less: one like it */
} QueryTerm;

static void
consider (const GPtrArray *candidates, const char *norm, guint limit, double quality,
          gboolean same_start, const char **best, double *best_quality)
{
  for (guint i = 0; candidates != NULL && i < candidates->len; i++) {
    const char *word = g_ptr_array_index (candidates, i);
    guint distance = rp_edit_distance (norm, word, limit);
    /* Recognisers write words, not letters: another first letter is mostly another word. */
    if (distance > limit || (norm[0] != word[0] && !same_start))
      continue;
    double q = quality - 0.05 * distance;
    if (q > *best_quality) {
      *best = word;
      *best_quality = q;
    }
  }
}

/* The known word that was probably meant. Returns: FALSE when there is none. */
static gboolean
find_similar (const RpIndex *self, const char *norm, guint *out_term, double *out_quality)
{
  gsize length = strlen (norm);
  if (length < MIN_FUZZY_LENGTH || length > 24)
    return FALSE;
  const char *best = NULL;
  double quality = 0;
  guint limit = length >= 8 ? 2 : 1;
  double near = length >= 6 ? 0.85 : 0.7;
  consider (g_hash_table_lookup (self->deletes, norm), norm, limit, near, FALSE, &best, &quality);
  for (gsize k = 0; k < length; k++) {
    g_autofree char *shorter = g_strdup (norm);
    memmove (shorter + k, shorter + k + 1, length - k);
    consider (g_hash_table_lookup (self->deletes, shorter), norm, limit, near, FALSE, &best,
              &quality);
  }
  g_autofree char *sound = rp_sound_key (norm);
  if (strlen (sound) >= 2)
    consider (g_hash_table_lookup (self->sounds, sound), norm, limit, 0.8, TRUE, &best, &quality);
  if (best == NULL)
    return FALSE;
  *out_term = GPOINTER_TO_UINT (g_hash_table_lookup (self->words, best)) - 1;
  *out_quality = quality;
  return TRUE;
}

static void
resolve_term (const RpIndex *self, const Term *term, QueryTerm *out)
{
  guint id = GPOINTER_TO_UINT (g_hash_table_lookup (self->terms, term->stem));
  *out = (QueryTerm){.known = id > 0, .term = id - 1, .quality = 1};
  if (!out->known && term->weight >= 1)
    out->known = find_similar (self, term->norm, &out->term, &out->quality);
  out->weight =
      term->weight * (out->known ? idf (self, out->term)
                                 : UNKNOWN_WEIGHT * log (1 + (self->docs->len + 0.5) / 0.5));
}

/* The share of the query that the wording and the rest of its document account for, and the share
 * of the wording that was said: their weighted geometric mean. */
static double
variant_confidence (const RpIndex *self, const Doc *doc, const Variant *variant,
                    const QueryTerm *terms, guint n_terms)
{
  double asked = 0, found = 0, wording = 0, said = 0;
  for (guint i = 0; i < variant->terms->len; i++) {
    const VariantTerm *vt = &g_array_index (variant->terms, VariantTerm, i);
    wording += vt->weight * idf (self, vt->term);
  }
  for (guint i = 0; i < n_terms; i++) {
    const QueryTerm *q = &terms[i];
    asked += q->weight;
    if (!q->known)
      continue;
    gpointer key = GUINT_TO_POINTER (q->term);
    double match = 0;
    for (guint k = 0; k < variant->terms->len && match == 0; k++) {
      const VariantTerm *vt = &g_array_index (variant->terms, VariantTerm, k);
      if (vt->term == q->term) {
        match = 1;
        said += q->quality * vt->weight * idf (self, vt->term);
      }
    }
    if (match == 0 && g_hash_table_contains (doc->tf, key))
      match = g_hash_table_contains (doc->answer, key)    ? ANSWER_MATCH
              : g_hash_table_contains (doc->section, key) ? SECTION_MATCH
                                                          : OTHER_WORDING_MATCH;
    found += match * q->quality * q->weight;
  }
  if (asked <= 0 || wording <= 0)
    return 0;
  /* Matches in the answer alone: the wording has no share, and the confidence stays low. */
  double covered = MAX (said / wording, 0.25);
  return pow (found / asked, 0.65) * pow (MIN (covered, 1), 0.35);
}

/* The words that both have, as a share of all: for "who are you", and to tell "I need a room" from
 * "tell me about the rooms". */
static double
overlap (const RpWords *query, const gboolean *skip, const Variant *variant)
{
  guint common = 0, asked = 0;
  gboolean hit[MAX_OVERLAP_WORDS] = {FALSE};
  if (variant->n_words > MAX_OVERLAP_WORDS || query->n > MAX_OVERLAP_WORDS)
    return 0;
  for (guint i = 0; i < query->n; i++) {
    if (skip != NULL && skip[i])
      continue;
    asked++;
    for (guint k = 0; k < variant->n_words; k++)
      if (!hit[k] && strcmp (query->v[i].norm, variant->words[k]) == 0) {
        hit[k] = TRUE;
        common++;
        break;
      }
  }
  guint all = asked + variant->n_words - common;
  return all > 0 ? (double) common / all : 0;
}

static double
bm25 (const RpIndex *self, const Doc *doc, const QueryTerm *terms, guint n_terms)
{
  double score = 0;
  for (guint i = 0; i < n_terms; i++) {
    const double *tf =
        terms[i].known ? g_hash_table_lookup (doc->tf, GUINT_TO_POINTER (terms[i].term)) : NULL;
    if (tf == NULL)
      continue;
    double norm = BM25_K1 * (1 - BM25_B + BM25_B * doc->length / self->mean_length);
    score += terms[i].weight * terms[i].quality * *tf * (BM25_K1 + 1) / (*tf + norm);
  }
  return score;
}

static int
compare_hits (gconstpointer a, gconstpointer b)
{
  const RpHit *x = a, *y = b;
  if (fabs (x->confidence - y->confidence) > 1e-6)
    return x->confidence > y->confidence ? -1 : 1;
  if (fabs (x->score - y->score) > 1e-9)
    return x->score > y->score ? -1 : 1;
  return x->doc < y->doc ? -1 : x->doc > y->doc ? 1 : 0;
}

guint
rp_index_search (const RpIndex *self, const RpWords *query, const gboolean *skip, RpHit *out_hits,
                 guint max_hits)
{
  g_autoptr (GArray) terms = content_terms (self, query, skip);
  QueryTerm resolved[MAX_QUERY_TERMS];
  g_autoptr (GHashTable) candidates = g_hash_table_new (NULL, NULL);
  gboolean content = FALSE;
  for (guint i = 0; i < terms->len; i++) {
    const Term *term = &g_array_index (terms, Term, i);
    resolve_term (self, term, &resolved[i]);
    content = content || term->weight >= 1;
    const GArray *postings =
        resolved[i].known ? g_ptr_array_index (self->postings, resolved[i].term) : NULL;
    for (guint k = 0; postings != NULL && k < postings->len; k++)
      g_hash_table_add (candidates, GUINT_TO_POINTER (g_array_index (postings, guint, k)));
  }

  g_autoptr (GArray) hits = g_array_new (FALSE, FALSE, sizeof (RpHit));
  for (guint d = 0; d < self->docs->len; d++) {
    const Doc *doc = g_ptr_array_index (self->docs, d);
    gboolean candidate = g_hash_table_contains (candidates, GUINT_TO_POINTER (d));
    if (!candidate && content)
      continue;
    RpHit hit = {.doc = d};
    for (guint k = 0; k < doc->variants->len; k++) {
      const Variant *variant = g_ptr_array_index (doc->variants, k);
      double confidence =
          content ? variant_confidence (self, doc, variant, resolved, terms->len) : 0;
      double same = overlap (query, skip, variant);
      confidence = (1 - OVERLAP_SHARE) * confidence + OVERLAP_SHARE * same;
      if (!content && same < MIN_OVERLAP)
        confidence = 0;
      hit.confidence = MAX (hit.confidence, MAX (confidence, same >= MIN_OVERLAP ? same : 0));
    }
    hit.score = bm25 (self, doc, resolved, terms->len);
    if (hit.confidence > 0)
      g_array_append_val (hits, hit);
  }
  g_array_sort (hits, compare_hits);
  guint n = MIN (hits->len, max_hits);
  if (n > 0)
    memcpy (out_hits, hits->data, n * sizeof (RpHit));
  return n;
}
