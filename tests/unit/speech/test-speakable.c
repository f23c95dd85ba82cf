#include <glib.h>
#include <string.h>

#include "speakable.h"

/* All tokens with their punctuation, and a bar between source words. */
static char *
said (const char *text)
{
  g_autoptr (RpSpeakable) speakable = rp_speakable_new (text);
  GString *out = g_string_new (NULL);
  guint word = 0;

  for (guint i = 0; i < speakable->tokens->len; i++) {
    const RpSpokenToken *token = &g_array_index (speakable->tokens, RpSpokenToken, i);

    if (i > 0)
      g_string_append (out, token->word == word ? " " : "|");
    word = token->word;
    g_string_append_printf (out, "%s%s", token->name, token->punctuation);
  }
  return g_string_free (out, FALSE);
}

static void
test_said (void)
{
  static const struct {
    const char *text;
    const char *expected;
  } rows[] = {
      {"", ""},
      {"Hello there.", "Hello|there."},
      {"  two \n\t spaces ", "two|spaces"},
      {"We're open 24/7!", "We're|open|twenty four seven!"},
      {"It’s “quoted” (twice), ok?", "It's|quoted|twice,|ok?"},
      {"£30", "30 pounds"},
      {"£1 €1.01 $0.05 $45.50", "1 pound|1 euro and 1 cent|5 cents|45 dollars and 50 cents"},
      {"$1,200 £5m -£3.00 ¥7", "1,200 dollars|5 million pounds|minus 3 pounds|7 yen"},
      {"$2.5bn", "2.5 billion dollars"},
      {"9:30am, 5pm. 12:00 P.M. next", "9:30 a.m,|5 p.m.|12:00|P.M.|next"},
      {"Mr. Smith vs. Dr. Jones, etc.", "Mr|Smith|versus|Dr|Jones,|et cetera."},
      {"No. 5 says no.", "number|5|says|no."},
      {"e.g. this, i.e. that", "for example|this,|that is|that"},
      {"-5°C or 20°", "minus 5 degrees celsius|or|20 degrees"},
      {"B&B, A+ x=y", "B and B,|A plus|x equals y"},
      {"foo@bar.com", "foo at bar dot com"},
      {"https://www.example.com/menu/", "example dot com menu"},
      {"and/or he/she", "and or|he she"},
      {"12/25/2024 1/2 10-15 10–15", "12 25 2024|1/2|10-15|10-15"},
      {"2025-11-20 2025-13-01", "November 20th 2025|2025-13-01"},
      {"yes — no yes—no yes...no wait…", "yes,|no|yes, no|yes, no|wait,"},
      {"- item\n- other", "item,|other"},
      {"**bold** `code` _it_ # Head", "bold|code|it|Head"},
      {"The AI API, not NASA.", "The|A.I|A.P.I,|not|NASA."},
      {"#5 +44 16GB 10km/h", "number 5|plus 44|16 gigabytes|10 kilometers per hour"},
      {"naïve café Ünï", "naive|cafe|Uni"},
      {"日本語 🙂 ok", "ok"},
      {"... !!! -- ()", ""},
      {"Wait... what?", "Wait,|what?"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *got = said (rows[i].text);

    g_assert_cmpstr (got, ==, rows[i].expected);
  }
}

static void
test_source_words (void)
{
  const char *text = " It costs £45.50,\u00a0today — ok? ";
  static const char *const expected[] = {"It", "costs", "£45.50,", "today", "—", "ok?"};
  g_autoptr (RpSpeakable) speakable = rp_speakable_new (text);

  g_assert_cmpuint (speakable->words->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < speakable->words->len; i++) {
    const RpSourceWord *word = &g_array_index (speakable->words, RpSourceWord, i);
    g_autofree char *slice = g_strndup (text + word->offset_bytes, word->length_bytes);

    g_assert_cmpstr (slice, ==, expected[i]);
  }
}

static void
test_long_word (void)
{
  g_autofree char *letters = g_strnfill (1000, 'x');
  g_autoptr (RpSpeakable) speakable = rp_speakable_new (letters);

  g_assert_cmpuint (speakable->words->len, ==, 1);
  g_assert_cmpuint (speakable->tokens->len, ==, 1000 / RP_SPOKEN_TOKEN_MAX_BYTES);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/speakable/said", test_said);
  g_test_add_func ("/speakable/source-words", test_source_words);
  g_test_add_func ("/speakable/long-word", test_long_word);
  return g_test_run ();
}
