#include "knowledge.h"
#include "retrieval.h"
#include "words.h"

#include <string.h>

static const char good[] = "Text for readers.\n"
                           "<!-- a comment\n## not a question\n-->\n"
                           "# Synonyms\n"
                           "- wifi: wi-fi, the internet; network\n"
                           "\n"
                           "# Opening *hours*\n"
                           "## When are you open?\n"
                           "## What are your hours?\n"
                           "- also: opening times; closing time\n"
                           "We are **open** from\n"
                           "eight to eight.\n"
                           "\n"
                           "- Except Sundays.\n"
                           "## Is there WiFi?\r\n"
                           "Yes.\r\n";

static void
count (const char *head, const char *synonym, gpointer user_data)
{
  guint *n = user_data;
  g_assert_cmpstr (head, ==, "wifi");
  (*n)++;
}

static void
test_parse (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *exact = g_memdup2 (good, strlen (good));
  g_autoptr (RpKnowledge) knowledge = rp_knowledge_parse (exact, strlen (good), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (rp_knowledge_n_entries (knowledge), ==, 2);
  const RpKnowledgeEntry *entry = rp_knowledge_entry (knowledge, 0);
  g_assert_cmpstr (entry->section, ==, "Opening hours");
  g_assert_cmpuint (entry->questions->len, ==, 4);
  g_assert_cmpstr (g_ptr_array_index (entry->questions, 3), ==, "closing time");
  g_assert_cmpstr (entry->answer, ==, "We are open from eight to eight. Except Sundays.");
  g_assert_cmpuint (entry->line, ==, 9);
  g_assert_cmpstr (rp_knowledge_entry (knowledge, 1)->answer, ==, "Yes.");
  guint n = 0;
  rp_knowledge_foreach_synonym (knowledge, count, &n);
  g_assert_cmpuint (n, ==, 3);
}

static void
test_errors (void)
{
  static const struct {
    const char *text;
    const char *message; /* its beginning */
  } rows[] = {
      {"## One?\n\n## Two?\nYes.\n## Three?\n", "line 5: the question \"Three?\" has no answer"},
      {"## ???\nYes.\n", "line 1: a question without words"},
      {"## A?\n- also: ;\nYes", "line 2: nothing follows"},
      {"## A?\n- call:\nYes", "line 2: after \"call:\" the name"},
      {"## A?\n- call: a\n- call: b\nYes", "line 3: an answer calls one tool"},
      {"## A?\n- call: a\n", "line 1: the question \"A?\" has no answer"},
      {"# Synonyms\nwifi: internet\n", "line 2: in the Synonyms section"},
      {"# Synonyms\n- wifi internet\n", "line 2: a colon is missing"},
      {"# Synonyms\n- wi fi: internet\n", "line 2: \"wi fi\" must be one word"},
      {"# Synonyms\n- wifi:\n", "line 2: \"wifi\" has no synonyms"},
      {"# Synonyms\n- wifi: one two three four\n",
       "line 2: \"one two three four\" has more than 3 words"},
      {"# Synonyms\n## A?\nYes", "line 2: a question inside the Synonyms"},
      {"# A\n## B\xff?\nYes", "line 2: not UTF-8"},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (rp_knowledge_parse (rows[i].text, strlen (rows[i].text), &error));
    g_assert_error (error, RP_KNOWLEDGE_ERROR, RP_KNOWLEDGE_ERROR_PARSE);
    if (!g_str_has_prefix (error->message, rows[i].message))
      g_test_message ("%s", error->message);
    g_assert_true (g_str_has_prefix (error->message, rows[i].message));
  }
  g_autoptr (RpKnowledge) empty = rp_knowledge_parse ("", 0, NULL);
  g_assert_cmpuint (rp_knowledge_n_entries (empty), ==, 0);
}

static void
test_bounds (void)
{
  g_autoptr (GError) error = NULL;
  gsize length = RP_KNOWLEDGE_MAX_BYTES + 1;
  g_autofree char *large = g_malloc (length);
  memset (large, 'a', length);
  g_assert_null (rp_knowledge_parse (large, length, &error));
  g_assert_error (error, RP_KNOWLEDGE_ERROR, RP_KNOWLEDGE_ERROR_TOO_LARGE);
  g_clear_error (&error);

  g_autoptr (GString) many = g_string_new (NULL);
  for (guint i = 0; i <= RP_KNOWLEDGE_MAX_ENTRIES; i++)
    g_string_append_printf (many, "## Q%u?\nYes.\n", i);
  g_assert_null (rp_knowledge_parse (many->str, many->len, &error));
  g_assert_error (error, RP_KNOWLEDGE_ERROR, RP_KNOWLEDGE_ERROR_PARSE);
  g_clear_error (&error);

  g_string_assign (many, "## Q?\n");
  for (guint i = 0; i < 300; i++)
    g_string_append (many, "A long answer. ");
  g_assert_null (rp_knowledge_parse (many->str, many->len, &error));
  g_assert_error (error, RP_KNOWLEDGE_ERROR, RP_KNOWLEDGE_ERROR_PARSE);
}

static void
test_stems (void)
{
  static const char *const same[][2] = {
      {"bookings", "book"},    {"parking", "park"},        {"prices", "price"},
      {"hours", "hour"},       {"closing", "close"},       {"cancellation", "cancel"},
      {"cancelled", "cancel"}, {"reserve", "reservation"}, {"available", "availability"},
      {"parties", "party"},    {"stopped", "stop"},        {"accessible", "accessibility"},
      {"payment", "pay"},      {"located", "location"},
  };
  static const char *const different[][2] = {
      {"bus", "bu"}, {"room", "rome"}, {"ring", "r"}, {"bed", "b"}, {"desk", "disk"},
  };
  for (guint i = 0; i < G_N_ELEMENTS (same); i++) {
    g_autofree char *a = rp_stem (same[i][0]);
    g_autofree char *b = rp_stem (same[i][1]);
    g_assert_cmpstr (a, ==, b);
  }
  for (guint i = 0; i < G_N_ELEMENTS (different); i++) {
    g_autofree char *a = rp_stem (different[i][0]);
    g_autofree char *b = rp_stem (different[i][1]);
    g_assert_cmpstr (a, !=, b);
  }
}

static void
test_likeness (void)
{
  static const char *const sounds[][2] = {
      {"their", "there"}, {"steven", "stephen"}, {"night", "nite"}, {"phone", "fone"}};
  for (guint i = 0; i < G_N_ELEMENTS (sounds); i++) {
    g_autofree char *a = rp_sound_key (sounds[i][0]);
    g_autofree char *b = rp_sound_key (sounds[i][1]);
    g_assert_cmpstr (a, ==, b);
  }
  g_assert_cmpuint (rp_edit_distance ("book", "book", 2), ==, 0);
  g_assert_cmpuint (rp_edit_distance ("book", "brook", 2), ==, 1);
  g_assert_cmpuint (rp_edit_distance ("book", "boko", 2), ==, 1);
  g_assert_cmpuint (rp_edit_distance ("book", "desk", 2), ==, 3);
  g_assert_cmpuint (rp_edit_distance ("", "ab", 5), ==, 2);
}

static void
test_words (void)
{
  static const struct {
    const char *text, *norms;
  } rows[] = {
      {"What's the Wi-Fi?", "what the wifi"},
      {"2.30 p.m.", "2:30 pm"},
      {"2:30pm, to-day", "2:30 pm today"},
      {"K.I.N.G.", "k i n g"},
      {"K-I-N-G", "k i n g"},
      {"May 5th: 1,200 people", "may 5th 1200 people"},
      {"I don\xe2\x80\x99t know o'clock", "i dont know oclock"},
      {"Zo\xc3\xab's caf\xc3\xa9", "zoe cafe"},
      {"5,6 and 3.5", "5 6 and 3.5"},
      {"\xff\xfe", ""},
      {"...", ""},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (RpWords) words = rp_words_split (rows[i].text);
    g_autoptr (GString) norms = g_string_new (NULL);
    for (guint k = 0; k < words->n; k++)
      g_string_append_printf (norms, "%s%s", k > 0 ? " " : "", words->v[k].norm);
    g_assert_cmpstr (norms->str, ==, rows[i].norms);
  }
  g_autoptr (GString) long_text = g_string_new (NULL);
  for (guint i = 0; i < 3 * RP_WORDS_MAX; i++)
    g_string_append (long_text, "word? ");
  g_autoptr (RpWords) words = rp_words_split (long_text->str);
  g_assert_cmpuint (words->n, ==, RP_WORDS_MAX);
}

static void
test_ranking (void)
{
  static const char text[] = "# Synonyms\n- price: cost\n"
                             "# Desk\n## How much is a desk?\nEighteen pounds.\n"
                             "## How much is a room?\nThirty pounds.\n"
                             "## Can I bring my dog?\nDogs are welcome.\n";
  g_autoptr (RpKnowledge) knowledge = rp_knowledge_parse (text, strlen (text), NULL);
  g_autoptr (RpIndex) index = rp_index_new ();
  for (guint i = 0; i < 3; i++) {
    const RpKnowledgeEntry *entry = rp_knowledge_entry (knowledge, i);
    rp_index_add (index, entry->questions, entry->answer, entry->section);
  }
  rp_index_finish (index);
  static const struct {
    const char *query;
    int doc;
  } rows[] = {
      {"how much is the room", 1}, {"how much is a deks", 0},           {"can I bring two dogs", 2},
      {"is my dog welcome", 2},    {"what is the capital of Peru", -1},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (RpWords) words = rp_words_split (rows[i].query);
    RpHit hits[3];
    guint n = rp_index_search (index, words, NULL, hits, 3);
    if (rows[i].doc < 0) {
      g_assert_true (n == 0 || hits[0].confidence < 0.4);
      continue;
    }
    g_assert_cmpuint (n, >, 0);
    g_assert_cmpint (hits[0].doc, ==, rows[i].doc);
    g_assert_cmpfloat (hits[0].confidence, >, 0.55);
    g_assert_cmpfloat (hits[0].confidence, <=, 1);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/knowledge/parse", test_parse);
  g_test_add_func ("/knowledge/errors", test_errors);
  g_test_add_func ("/knowledge/bounds", test_bounds);
  g_test_add_func ("/knowledge/stems", test_stems);
  g_test_add_func ("/knowledge/likeness", test_likeness);
  g_test_add_func ("/knowledge/words", test_words);
  g_test_add_func ("/knowledge/ranking", test_ranking);
  return g_test_run ();
}
