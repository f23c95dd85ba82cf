#include "completeness.h"

#include <string.h>

#define C RP_COMPLETENESS_COMPLETE
#define U RP_COMPLETENESS_UNFINISHED
#define N RP_COMPLETENESS_UNSURE

typedef struct {
  const char *text;
  RpCompleteness want;
  RpExpect expect;
} Row;

static const Row rows[] = {
    {"", N},
    {"Um,", U},
    {"So, um,", U},
    {"I think it's.", U},
    {"Uh, I, I think it.", U},
    {"I think so.", N},
    {"My name is.", U},
    {"My name is Anna", N},
    {"The first availability we have is", U},
    {"What time is it?", C},
    {"What is your", U},
    {"Where are you from?", C},
    {"What is it for", C},
    {"Tell me what the price is.", N},
    {"Yes it is.", N},
    {"No, I don't.", N},
    {"that we just don't.", U},
    {"Is there", U},
    {"All right, is there?", U},
    {"Are you there?", N},
    {"Do you have", U},
    {"Do you have a room today?", C},
    {"Book a room.", C},
    {"I want to book a room for", U},
    {"I want to book a room for tomorrow", C},
    {"I would like", U},
    {"I'd like a room and", U},
    {"At two thirty pm.", C},
    {"Yes please.", C},
    {"Yes", C, RP_EXPECT_YES_NO},
    {"That's all, thanks.", C},
    {"My last name is King, K I N G.", C},
    {"My last name is King, K I", U},
    {"K. I. N.", U, RP_EXPECT_NAME},
    {"oh seven nine", U, RP_EXPECT_DIGITS},
    {"oh seven nine double one two two three three four four", C, RP_EXPECT_DIGITS},
    {"seven double", U},
    {"I'm not sure.", C},
    {"Turn it on", C},
    {"And I know you guys handle a lot of your, um", U},
    {"It is because", U},
    {"can you", U},
    {"I'll", U},
    {"Good-by.", C},
    {"Ten a m.", C},
    {"My name is Sam, S A M.", C},
    {"My name is Sam, S A", U},
};

static void
test_table (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    RpCompleteness got = rp_completeness (rows[i].text, rows[i].expect);
    if (got != rows[i].want)
      g_test_message ("\"%s\": %d, not %d", rows[i].text, got, rows[i].want);
    g_assert_cmpint (got, ==, rows[i].want);
  }
  g_assert_cmpint (rp_completeness (NULL, RP_EXPECT_ANYTHING), ==, N);
}

/* A recogniser's full stop, question mark or capital says nothing. */
static void
test_punctuation (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *plain = g_strdup (rows[i].text);
    gsize length = strlen (plain);
    while (length > 0 && strchr (".,?", plain[length - 1]) != NULL)
      plain[--length] = '\0';
    static const char *const ends[] = {"", ".", "?", ",", "!"};
    for (guint k = 0; k < G_N_ELEMENTS (ends); k++) {
      g_autofree char *text = g_strconcat (plain, ends[k], NULL);
      g_assert_cmpint (rp_completeness (text, rows[i].expect), ==, rows[i].want);
    }
  }
}

static void
test_words (void)
{
  static const char *const yes[] = {"Yeah.",  "Mm-hmm,",     "Uh-huh",        "Okay.",
                                    "'Kay.",  "Hmm",         "Thank you",     "Sure",
                                    "I see.", "Okay, okay.", "Right, got it", "Mm."};
  static const char *const no[] = {"",      "Stop.", "Yeah but", "Okay book a room",
                                   "Hello", "No",    "What?"};
  for (guint i = 0; i < G_N_ELEMENTS (yes); i++)
    g_assert_true (rp_is_backchannel (yes[i]));
  for (guint i = 0; i < G_N_ELEMENTS (no); i++)
    g_assert_false (rp_is_backchannel (no[i]));
  g_assert_true (rp_is_interruption ("Wait, wait"));
  g_assert_true (rp_is_interruption ("Excuse me."));
  g_assert_false (rp_is_interruption ("okay"));
  g_assert_true (rp_is_filler ("Um, uh"));
  g_assert_false (rp_is_filler ("Um yes"));
  g_assert_false (rp_is_filler (""));
  g_assert_false (rp_is_filler ("Mm-hmm."));
  g_assert_true (rp_is_filler ("Mm."));
}

/* Recorded turns with their transcripts, and what Moonshine made of them. */
static void
test_recorded (void)
{
  const char *dir = g_getenv ("RP_SHARED_DATA");
  g_autofree char *path = g_build_filename (dir != NULL ? dir : ".", "turn", "turn.tsv", NULL);
  g_autofree char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL)) {
    g_test_skip ("no recorded speech beside the tree");
    return;
  }
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  guint incomplete = 0, incomplete_right = 0, complete = 0, complete_wrong = 0;
  guint backchannels = 0, backchannels_right = 0;
  for (guint i = 1; lines[i] != NULL; i++) {
    g_auto (GStrv) fields = g_strsplit (lines[i], "\t", -1);
    if (g_strv_length (fields) < 6)
      continue;
    RpCompleteness got = rp_completeness (fields[1], RP_EXPECT_ANYTHING);
    if (strcmp (fields[5], "incomplete") == 0) {
      incomplete++;
      incomplete_right += got == U ? 1 : 0;
      if (got != U)
        g_test_message ("unfinished, taken for %d: %s", got, fields[1]);
    } else if (strcmp (fields[5], "complete") == 0 || strcmp (fields[5], "short-answer") == 0) {
      complete++;
      complete_wrong += got == U ? 1 : 0;
      if (got == U)
        g_test_message ("finished, taken for unfinished: %s", fields[1]);
    } else if (strcmp (fields[5], "backchannel") == 0) {
      backchannels++;
      backchannels_right += rp_is_backchannel (fields[1]) ? 1 : 0;
    }
  }
  g_test_message ("unfinished %u of %u, finished %u of %u, backchannels %u of %u", incomplete_right,
                  incomplete, complete - complete_wrong, complete, backchannels_right,
                  backchannels);
  g_assert_cmpuint (incomplete_right * 10, >=, incomplete * 9);
  g_assert_cmpuint (complete_wrong, ==, 0);
  g_assert_cmpuint (backchannels_right, ==, backchannels);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/completeness/table", test_table);
  g_test_add_func ("/completeness/punctuation", test_punctuation);
  g_test_add_func ("/completeness/words", test_words);
  g_test_add_func ("/completeness/recorded", test_recorded);
  return g_test_run ();
}
