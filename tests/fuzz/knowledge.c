/* Any file: an error with a line, or entries that can all be found by their own words. */
#include "knowledge.h"
#include "retrieval.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
add_synonym (const char *head, const char *synonym, gpointer user_data)
{
  rp_index_add_synonym (user_data, head, synonym);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size > 4096)
    return 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (RpKnowledge) knowledge = rp_knowledge_parse ((const char *) data, size, &error);
  g_assert_true ((knowledge == NULL) == (error != NULL));
  if (knowledge == NULL) {
    g_assert_true (strncmp (error->message, "line ", 5) == 0);
    return 0;
  }
  g_autoptr (RpIndex) index = rp_index_new ();
  rp_knowledge_foreach_synonym (knowledge, add_synonym, index);
  guint n = rp_knowledge_n_entries (knowledge);
  for (guint i = 0; i < n; i++) {
    const RpKnowledgeEntry *entry = rp_knowledge_entry (knowledge, i);
    g_assert_true (entry->questions->len > 0 && *entry->answer != '\0' && entry->line > 0);
    rp_index_add (index, entry->questions, entry->answer, entry->section);
  }
  rp_index_finish (index);
  for (guint i = 0; i < MIN (n, 20); i++) {
    const RpKnowledgeEntry *entry = rp_knowledge_entry (knowledge, i);
    g_autoptr (RpWords) words = rp_words_split (g_ptr_array_index (entry->questions, 0));
    RpHit hits[5];
    guint found = rp_index_search (index, words, NULL, hits, 5);
    for (guint k = 0; k < found; k++)
      g_assert_true (hits[k].doc < n && hits[k].confidence > 0 && hits[k].confidence <= 1.000001);
  }
  return 0;
}
