#include "sentence.h"

#include <string.h>

typedef struct {
  const char *name;
  const char *input;
  const char *pieces; /* expected, joined by '|' */
  guint first_clause_words;
} Row;

static const Row rows[] = {
    {"one", "Hello there.", "Hello there."},
    {"two", "Hello there. How are you?", "Hello there.|How are you?"},
    {"no terminator", "Hello there", "Hello there"},
    {"decimal", "It is 3.5 percent. Yes.", "It is 3.5 percent.|Yes."},
    {"price", "It costs $3.50. Cheap!", "It costs $3.50.|Cheap!"},
    {"time", "We close at 8:30 p.m. The door locks then.",
     "We close at 8:30 p.m.|The door locks then."},
    {"time inside", "At 5 p.m. today we close.", "At 5 p.m. today we close."},
    {"title", "Dr. King is in. Ask Mrs. Lee.", "Dr. King is in.|Ask Mrs. Lee."},
    {"initial", "J. R. Smith called. He left.", "J. R. Smith called.|He left."},
    {"so do i", "So do I. We agree.", "So do I.|We agree."},
    {"for example", "Fruit, e.g. apples. Done.", "Fruit, e.g. apples.|Done."},
    {"number", "No. 5 is free. No. We do not.", "No. 5 is free.|No.|We do not."},
    {"ellipsis goes on", "Well... let me see. Yes.", "Well... let me see.|Yes."},
    {"ellipsis ends", "Well... Yes.", "Well...|Yes."},
    {"ellipsis sign", "Well\xe2\x80\xa6 Yes.", "Well\xe2\x80\xa6|Yes."},
    {"quote", "He said \"Stop.\" Then he left.", "He said \"Stop.\"|Then he left."},
    {"question and exclamation", "What?! No.", "What?!|No."},
    {"domain", "Write to example.com today. Bye.", "Write to example.com today.|Bye."},
    {"newline", "First line\nSecond line", "First line|Second line"},
    {"list", "We have:\n- Tea\n- Coffee\n1. Cake", "We have:|Tea|Coffee|Cake"},
    {"answer is a number", "12. We counted.", "12.|We counted."},
    {"heading", "# Prices\nTen pounds.", "Prices|Ten pounds."},
    {"bold", "It is **very** _nice_ `here`.", "It is very nice here."},
    {"link", "See [our page](https://x.example/a.b) now.", "See our page now."},
    {"emoji", "Sure \xf0\x9f\x98\x80! Bye \xf0\x9f\x91\x8b\xf0\x9f\x8f\xbd", "Sure !|Bye"},
    {"only markup", "***\n---\n", ""},
    {"only dots", "... ", ""},
    {"bad utf-8",
     "Hel\xff"
     "lo\xc3. Yes.",
     "Hello.|Yes."},
    {"cut utf-8", "Caf\xc3", "Caf"},
    {"wide stop", "\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82\xe5\x86\x8d\xe8\xa7\x81",
     "\xe4\xbd\xa0\xe5\xa5\xbd\xe3\x80\x82|\xe5\x86\x8d\xe8\xa7\x81"},
    {"first clause",
     "For that you would need a room, which we have, and a desk. Then, as I said before now, no.",
     "For that you would need a room,|which we have, and a desk.|Then, as I said before now, no.",
     6},
    {"short clause stays", "Yes, of course. Come in.", "Yes, of course.|Come in.", 6},
    {"thousands", "There were 1,200 of them, we think, or more.",
     "There were 1,200 of them, we think, or more.", 0},
};

static char *
split (const Row *row, gsize chunk)
{
  RpSentenceConfig config = {.first_clause_words = row->first_clause_words, .max_chars = 300};
  g_autoptr (RpSentence) sentence = rp_sentence_new (&config);
  GString *all = g_string_new (NULL);
  gsize length = strlen (row->input), last_end = 0;
  RpSentenceOut piece;
  for (gsize at = 0; at <= length; at += chunk) {
    g_autofree char *exact = g_memdup2 (row->input + at, MIN (chunk, length - at));
    rp_sentence_input (sentence, exact, (gssize) MIN (chunk, length - at));
    if (at + chunk > length)
      rp_sentence_end (sentence);
    while (rp_sentence_poll (sentence, &piece)) {
      g_assert_cmpuint (piece.start, >=, last_end);
      g_assert_cmpuint (piece.end, >, piece.start);
      g_assert_cmpuint (piece.end, <=, length);
      last_end = piece.end;
      if (all->len > 0)
        g_string_append_c (all, '|');
      g_string_append (all, piece.text);
      rp_sentence_out_clear (&piece);
    }
  }
  return g_string_free (all, FALSE);
}

static void
test_table (gconstpointer data)
{
  const Row *row = data;
  for (gsize chunk = 1; chunk <= strlen (row->input) + 1; chunk++) {
    g_autofree char *pieces = split (row, chunk);
    g_assert_cmpstr (pieces, ==, row->pieces);
  }
}

/* A piece comes as soon as the next sentence has begun, not when the text is complete. */
static void
test_early (void)
{
  RpSentenceConfig config = RP_SENTENCE_CONFIG_DEFAULT;
  g_autoptr (RpSentence) sentence = rp_sentence_new (&config);
  RpSentenceOut piece;
  rp_sentence_input (sentence, "We are open.", -1);
  g_assert_false (rp_sentence_poll (sentence, &piece));
  rp_sentence_input (sentence, " ", -1);
  g_assert_true (rp_sentence_poll (sentence, &piece));
  g_assert_cmpstr (piece.text, ==, "We are open.");
  g_assert_true (piece.last_of_sentence);
  rp_sentence_out_clear (&piece);

  rp_sentence_reset (sentence);
  rp_sentence_input (sentence, "On weekdays we are open from eight, ", -1);
  g_assert_true (rp_sentence_poll (sentence, &piece));
  g_assert_cmpstr (piece.text, ==, "On weekdays we are open from eight,");
  g_assert_false (piece.last_of_sentence);
  rp_sentence_out_clear (&piece);
  rp_sentence_end (sentence);
  g_assert_false (rp_sentence_poll (sentence, &piece));
  rp_sentence_input (sentence, "late", -1);
  g_assert_false (rp_sentence_poll (sentence, &piece));
}

/* Text without any boundary neither waits nor grows for ever. */
static void
test_long (void)
{
  RpSentenceConfig config = {.first_clause_words = 0, .max_chars = 50};
  g_autoptr (RpSentence) sentence = rp_sentence_new (&config);
  RpSentenceOut piece;
  guint n = 0;
  for (guint i = 0; i < 200; i++) {
    rp_sentence_input (sentence, i % 3 == 0 ? "abcdefgh" : " words, ", -1);
    while (rp_sentence_poll (sentence, &piece)) {
      g_assert_cmpuint (g_utf8_strlen (piece.text, -1), <=, 50);
      g_assert_false (piece.last_of_sentence);
      rp_sentence_out_clear (&piece);
      n++;
    }
  }
  g_assert_cmpuint (n, >=, 1600 / 50 - 1);
  rp_sentence_reset (sentence);
  for (guint i = 0; i < 100; i++)
    rp_sentence_input (sentence, "          ", -1);
  rp_sentence_end (sentence);
  g_assert_false (rp_sentence_poll (sentence, &piece));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *path = g_strdup_printf ("/sentence/table/%s", rows[i].name);
    g_test_add_data_func (path, &rows[i], test_table);
  }
  g_test_add_func ("/sentence/early", test_early);
  g_test_add_func ("/sentence/long", test_long);
  return g_test_run ();
}
