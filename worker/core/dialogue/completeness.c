#include "completeness.h"

#include "words.h"

#include <string.h>

/* After one of these at the end the sentence goes on. */
static const char conjunctions[] =
    "and but or so because cos cause if when while although though unless until whether that than "
    "as since which who whose where plus nor either neither";
static const char articles[] =
    "a an the my your his her our their this these those some any another "
    "every each no very really quite too most";
static const char prepositions[] =
    "of to in on at by for from with about into onto under over between "
    "through during without within near around after before against "
    "per like via upon regarding concerning including";
static const char auxiliaries[] =
    "is are was were am be been being can could would will shall should "
    "may might must have has had do does did dont doesnt didnt cant "
    "couldnt wont wouldnt isnt arent wasnt havent hasnt";
static const char fillers[] = "um uh erm er hm hmm mm ah eh uhm umm uhh";
static const char pronouns[] = "i you he she it we they there that this what who where how here";
static const char wh_words[] = "what when where who why how which whose";
static const char openers[] =
    "can could would will do does did is are was were may should shall have has";
/* Verbs that are never the last word of a request. */
static const char transitive[] =
    "want need wanna gonna get give make put take book reserve bring send "
    "tell ask say gotta mean called named";

/* A word, or two joined, that leaves nothing open. */
static const char *const closings[] = {
    "please",  "thanks",   "thank you", "bye",       "goodbye", "not sure", "thats it",
    "that it", "that all", "no idea",   "dont know", "today",   "tomorrow", "tonight",
    "now",     "pm",       "am",        "oclock",    "noon",    "midnight", "though i"};

static gboolean
is_number_word (const char *w)
{
  return g_ascii_isdigit (w[0]) ||
         rp_word_in (w,
                     "zero oh one two three four five six seven eight nine ten eleven twelve "
                     "thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty "
                     "forty fifty sixty seventy eighty ninety hundred thousand double triple");
}

static gboolean
is_letter (const RpWord *w)
{
  return strlen (w->norm) == 1 && g_ascii_isalpha (w->norm[0]);
}

static guint
count_digits (const RpWords *words)
{
  guint n = 0;
  for (guint i = 0; i < words->n; i++) {
    const char *w = words->v[i].norm;
    if (g_ascii_isdigit (w[0])) {
      for (; *w != '\0'; w++)
        n += g_ascii_isdigit (*w) ? 1 : 0;
    } else if (is_number_word (w)) {
      n++;
    }
  }
  return n;
}

/* The letters at the end spell something. "King, K I N G" says that it is whole. */
static RpCompleteness
judge_spelling (const RpWords *words, guint n, RpExpect expect)
{
  guint first = n;
  while (first > 0 && is_letter (&words->v[first - 1]))
    first--;
  guint letters = n - first;
  char spelled[32];
  if (letters >= sizeof spelled)
    return RP_COMPLETENESS_UNSURE;
  for (guint i = 0; i < letters; i++)
    spelled[i] = words->v[first + i].norm[0];
  spelled[letters] = '\0';
  for (guint i = 0; i < first; i++) {
    if (strcmp (words->v[i].norm, spelled) == 0)
      return RP_COMPLETENESS_COMPLETE;
    if (letters >= 2 && g_str_has_prefix (words->v[i].norm, spelled))
      return RP_COMPLETENESS_UNFINISHED;
  }
  if (letters < 3 || expect == RP_EXPECT_NAME)
    return RP_COMPLETENESS_UNFINISHED;
  return RP_COMPLETENESS_UNSURE;
}

static gboolean
has_wh_before (const RpWords *words, guint end)
{
  for (guint i = 0; i < end; i++)
    if (rp_word_in (words->v[i].norm, wh_words))
      return TRUE;
  return FALSE;
}

/* "it's", "I'm", "they'll": the verb is there, what it says is not. */
static gboolean
ends_in_clitic (const RpWords *words, guint n)
{
  const RpWord *last = &words->v[n - 1];
  g_autofree char *raw = g_utf8_strdown (last->raw, -1);
  if (g_str_has_suffix (raw, "'m") || g_str_has_suffix (raw, "'re") ||
      g_str_has_suffix (raw, "'ll") || g_str_has_suffix (raw, "'ve") ||
      g_str_has_suffix (raw, "'d"))
    return TRUE;
  return g_str_has_suffix (raw, "'s") && rp_word_in (last->norm, pronouns);
}

/* A verb without what it wants. */
static gboolean
ends_in_open_verb (const RpWords *words, guint n)
{
  const char *last = words->v[n - 1].norm;
  const char *before = n >= 2 ? words->v[n - 2].norm : "";
  if (rp_word_in (last, auxiliaries)) {
    /* "yes it is", "no I don't", "I can": answers. */
    if (n <= 4 && rp_word_in (before, pronouns) &&
        (n == 2 || rp_word_in (words->v[0].norm, "yes no yeah sure of well nope")))
      return FALSE;
    /* "tell me what the price is" */
    return !has_wh_before (words, n - 1) || rp_word_in (before, wh_words);
  }
  if (rp_word_in (last, transitive))
    return !has_wh_before (words, n - 1);
  if (strcmp (last, "there") == 0 && rp_word_in (before, "is are was were") &&
      !has_wh_before (words, n - 2))
    return TRUE;
  return rp_word_in (last, "you i we they he she") &&
         rp_word_in (before, "can could would will do does did may should if") && n <= 3;
}

static gboolean
ends_unfinished (const RpWords *words, guint n)
{
  const char *last = words->v[n - 1].norm;
  const char *before = n >= 2 ? words->v[n - 2].norm : "";
  if (rp_word_in (last, conjunctions)) {
    /* "I think so", "who", "yes that", "I know that" */
    if (strcmp (last, "so") == 0 && rp_word_in (before, "think hope guess suppose believe say"))
      return FALSE;
    return !(n <= 2 && rp_word_in (last, "who where when which that")) ||
           (n == 1 && strcmp (last, "that") != 0 && strcmp (last, "when") != 0 &&
            strcmp (last, "where") != 0 && strcmp (last, "who") != 0 &&
            strcmp (last, "which") != 0);
  }
  if (rp_word_in (last, articles))
    return !(rp_word_in (last, "no this these those some any another her each") &&
             (n <= 2 || rp_word_in (before, "like do have take about of with for want")));
  if (rp_word_in (last, prepositions)) {
    /* "where are you from", "what is it like", "log in", "turn it on" */
    if (has_wh_before (words, n - 1) || strcmp (before, "like") == 0)
      return FALSE;
    return !(rp_word_in (last, "in on over around about") && n >= 2 &&
             rp_word_in (before, "it log check come hold walk turn move that lights them"));
  }
  if (strcmp (last, "it") == 0 && rp_word_in (before, "think guess suppose believe"))
    return TRUE;
  return ends_in_clitic (words, n) || ends_in_open_verb (words, n);
}

static gboolean
ends_closed (const RpWords *words, guint n)
{
  for (guint k = 0; k < G_N_ELEMENTS (closings); k++) {
    guint length = 1 + (strchr (closings[k], ' ') != NULL ? 1 : 0);
    if (n >= length && rp_words_match_at (words, n - length, closings[k]) > 0)
      return TRUE;
  }
  return FALSE;
}

RpCompleteness
rp_completeness (const char *text, RpExpect expect)
{
  g_autoptr (RpWords) words = rp_words_split (text);
  guint n = words->n;
  if (n == 0)
    return RP_COMPLETENESS_UNSURE;
  const char *last = words->v[n - 1].norm;
  if (rp_word_in (last, fillers))
    return n == 2 && rp_is_backchannel (text) ? RP_COMPLETENESS_COMPLETE
                                              : RP_COMPLETENESS_UNFINISHED;
  if (n >= 2 && rp_words_match_at (words, n - 2, "you know") > 0 &&
      !rp_word_in (words->v[0].norm, "do did what how"))
    return RP_COMPLETENESS_UNFINISHED;
  if (rp_word_in (last, "oh double triple") && n > 1 && is_number_word (words->v[n - 2].norm))
    return RP_COMPLETENESS_UNFINISHED;
  if (expect == RP_EXPECT_DIGITS && is_number_word (last)) {
    /* National numbers have 10 digits or more (E.164 allows 15). */
    return count_digits (words) < 10 ? RP_COMPLETENESS_UNFINISHED : RP_COMPLETENESS_COMPLETE;
  }
  gboolean word = rp_word_in (last, "a i") && !(n >= 2 && is_letter (&words->v[n - 2]));
  if (is_letter (&words->v[n - 1]) && !word)
    return judge_spelling (words, n, expect);

  if (ends_closed (words, n))
    return RP_COMPLETENESS_COMPLETE;
  if (expect == RP_EXPECT_YES_NO && n <= 2 &&
      rp_word_in (words->v[0].norm, "yes no yeah nope yep sure"))
    return RP_COMPLETENESS_COMPLETE;
  if (ends_unfinished (words, n))
    return RP_COMPLETENESS_UNFINISHED;

  /* Skip what turns begin with. */
  guint first = 0;
  while (first < n &&
         (rp_word_in (words->v[first].norm, fillers) ||
          rp_word_in (words->v[first].norm, "okay ok so well and but hello hi hey yes yeah no oh")))
    first++;
  guint rest = n - first;
  if (rest == 0)
    return RP_COMPLETENESS_COMPLETE;
  const char *opener = words->v[first].norm;
  if (rp_word_in (opener, wh_words) && rest >= 3)
    return RP_COMPLETENESS_COMPLETE;
  if (rp_word_in (opener, openers) && rest >= 4)
    return RP_COMPLETENESS_COMPLETE;
  if (rp_word_in (opener, "book cancel stop repeat help play set turn show open close call") &&
      rest >= 2)
    return RP_COMPLETENESS_COMPLETE;
  if (rest <= 2 && n <= 4 &&
      rp_word_in (opener,
                  "yes no yeah yep nope sure okay right correct hello hi stop help wait never"))
    return RP_COMPLETENESS_COMPLETE;
  return RP_COMPLETENESS_UNSURE;
}

gboolean
rp_is_filler (const char *text)
{
  g_autoptr (RpWords) words = rp_words_split (text);
  /* "Mm-hmm" is a yes. */
  if (words->n == 2 && rp_words_match_at (words, 0, "mm") > 0 && rp_is_backchannel (text))
    return FALSE;
  for (guint i = 0; i < words->n; i++)
    if (!rp_word_in (words->v[i].norm, fillers))
      return FALSE;
  return words->n > 0;
}

gboolean
rp_is_backchannel (const char *text)
{
  static const char *const phrases[] = {
      "i see",       "got it",      "of course",  "all right", "thank you", "that right",
      "makes sense", "sounds good", "no problem", "uh huh",    "mm hmm",    "mm hm",
      "mhm",         "go on",       "oh wow",     "i know",    "you right", "fair enough"};
  static const char single[] =
      "yeah yes yep yup ya okay ok kay right sure mm hmm hm mmm mhm uhhuh huh uh ah "
      "oh aha alright great good nice cool fine exactly absolutely thanks "
      "really wow interesting true indeed perfect mmhmm k";
  g_autoptr (RpWords) words = rp_words_split (text);
  if (words->n == 0 || words->n > 4)
    return FALSE;
  for (guint i = 0; i < words->n;) {
    guint step = 0;
    for (guint k = 0; k < G_N_ELEMENTS (phrases) && step == 0; k++)
      step = rp_words_match_at (words, i, phrases[k]);
    if (step == 0 && rp_word_in (words->v[i].norm, single))
      step = 1;
    if (step == 0)
      return FALSE;
    i += step;
  }
  return TRUE;
}

gboolean
rp_is_interruption (const char *text)
{
  static const char *const phrases[] = {
      "stop",       "wait",       "hold on",       "excuse me",     "no no",      "hang on",
      "one moment", "one second", "be quiet",      "shut up",       "never mind", "nevermind",
      "no wait",    "sorry",      "just a second", "just a moment", "pardon",     "enough"};
  g_autoptr (RpWords) words = rp_words_split (text);
  for (guint k = 0; k < G_N_ELEMENTS (phrases); k++)
    if (rp_words_match_at (words, 0, phrases[k]) > 0)
      return TRUE;
  return FALSE;
}
