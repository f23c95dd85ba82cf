#include "slots.h"

#include <string.h>

/* Monday, 5 May 2025, 13:07 */
static RpSlotMoment moment;

typedef struct {
  const char *text;
  const char *value;   /* NULL: none */
  gboolean unprompted; /* found although it was not asked for */
} Row;

static const Row dates[] = {
    {"today", "2025-05-05", TRUE},
    {"To-day.", "2025-05-05", TRUE},
    {"Tomorrow, please", "2025-05-06", TRUE},
    {"the day after tomorrow", "2025-05-07", TRUE},
    {"this afternoon", "2025-05-05", TRUE},
    {"Tuesday", "2025-05-06", TRUE},
    {"on Tuesdays", "2025-05-06", TRUE},
    {"Monday", "2025-05-12", TRUE},
    {"this Monday", "2025-05-05", TRUE},
    {"this Friday", "2025-05-09", TRUE},
    {"next Tuesday", "2025-05-13", TRUE},
    {"next Monday", "2025-05-12", TRUE},
    {"Wensday", NULL, TRUE},
    {"Wendesday", "2025-05-07", TRUE},
    {"a week from Tuesday", "2025-05-13", TRUE},
    {"Tuesday week", "2025-05-13", TRUE},
    {"in three days", "2025-05-08", TRUE},
    {"two weeks from now", "2025-05-19", TRUE},
    {"a week from today", "2025-05-12", TRUE},
    {"the fifth of May", "2025-05-05", TRUE},
    {"May 4th", "2026-05-04", TRUE},
    {"May the twenty first", "2025-05-21", TRUE},
    {"June 3, 2025", "2025-06-03", TRUE},
    {"3 June", "2025-06-03", TRUE},
    {"December twenty fifth", "2025-12-25", TRUE},
    {"February 29th", "2028-02-29", TRUE},
    {"the 7th", "2025-05-07", TRUE},
    {"on the second", "2025-06-02", TRUE},
    {"the seventh", "2025-05-07", TRUE},
    {"the first one", NULL, TRUE},
    {"seventh", "2025-05-07", FALSE},
    {"Tuesday the thirteenth", "2025-05-13", TRUE},
    {"2025-07-01", "2025-07-01", TRUE},
    {"2025-02-31", NULL, TRUE},
    {"not today, tomorrow", "2025-05-06", TRUE},
    {"no, make it Friday", "2025-05-09", TRUE},
    {"May I have a coffee", NULL, TRUE},
    {"I march on", NULL, TRUE},
    {"hello", NULL, FALSE},
    {"", NULL, FALSE},
};

static const Row times[] = {
    {"two thirty pm", "14:30", TRUE},
    {"ten a m", "10:00", TRUE},
    {"ten thirty a M..", "10:30", TRUE},
    {"2.30 p.m.", "14:30", TRUE},
    {"2:30 pm", "14:30", TRUE},
    {"2:30pm", "14:30", TRUE},
    {"14:30", "14:30", TRUE},
    {"at three", "15:00", TRUE},
    {"three", "15:00", FALSE},
    {"3 o'clock", "15:00", TRUE},
    {"nine o'clock", "09:00", TRUE},
    {"9:30", "09:30", TRUE},
    {"half past nine", "09:30", TRUE},
    {"half nine", "09:30", TRUE},
    {"at half two in the afternoon", "14:30", TRUE},
    {"quarter to ten", "09:45", TRUE},
    {"a quarter past one", "13:15", TRUE},
    {"ten to three", "14:50", TRUE},
    {"twenty past four", "16:20", TRUE},
    {"noon", "12:00", TRUE},
    {"at midday", "12:00", TRUE},
    {"midnight", "00:00", TRUE},
    {"nine in the morning", "09:00", TRUE},
    {"seven in the evening", "19:00", TRUE},
    {"tomorrow morning at nine", "09:00", TRUE},
    {"tomorrow afternoon at five", "17:00", TRUE},
    {"eight am", "08:00", TRUE},
    {"12 am", "00:00", TRUE},
    {"12 pm", "12:00", TRUE},
    {"fourteen hundred", "14:00", FALSE},
    {"1430", "14:30", FALSE},
    {"ten oh five", "10:05", TRUE},
    {"four forty five", "16:45", TRUE},
    {"at two, no, at three", "15:00", TRUE},
    {"no, three pm", "15:00", TRUE},
    {"for two hours", NULL, FALSE},
    {"for six people", NULL, TRUE},
    {"now", "13:15", FALSE},
    {"25:00", NULL, FALSE},
    {"9:75", NULL, FALSE},
    {"hello", NULL, FALSE},
};

static const Row durations[] = {
    {"for two hours", "120", TRUE},
    {"an hour", "60", TRUE},
    {"one hour", "60", TRUE},
    {"half an hour", "30", TRUE},
    {"an hour and a half", "90", TRUE},
    {"one and a half hours", "90", TRUE},
    {"two and a half hours", "150", TRUE},
    {"two hours and thirty minutes", "150", TRUE},
    {"ninety minutes", "90", TRUE},
    {"45 mins", "45", TRUE},
    {"1.5 hours", "90", TRUE},
    {"three quarters of an hour", "45", TRUE},
    {"all day", "480", TRUE},
    {"two", "120", FALSE},
    {"ninety", "90", FALSE},
    {"in two hours", NULL, TRUE},
    {"two people", NULL, TRUE},
    {"one hour, no, two hours", "120", TRUE},
};

static const Row digits[] = {
    {"oh seven nine double one", "07911", TRUE},
    {"0 7 9 1 1", "07911", TRUE},
    {"555 0123", "5550123", TRUE},
    {"five five five, zero one two three", "5550123", TRUE},
    {"five five five twelve thirty four", "5551234", TRUE},
    {"my number is 0791 234 567", "0791234567", TRUE},
    {"four one oh two", "4102", TRUE},
    {"seven", "7", FALSE},
    {"triple seven", "777", FALSE},
    {"hello", NULL, FALSE},
};

static const Row names[] = {
    {"My name is Anna", "Anna", TRUE},
    {"my name is anna", "Anna", TRUE},
    {"Yes, my name is Violet.", "Violet", TRUE},
    {"Hello, my name is Violet King, and I bought a car", "Violet King", TRUE},
    {"My last name is King, K I N G.", "King", TRUE},
    {"My last name is King K. I. N. G..", "King", TRUE},
    {"My last name is Kink, K-I-N-G", "King", TRUE},
    {"book a room for Anna", "Anna", TRUE},
    {"under the name of Smith", "Smith", TRUE},
    {"under Smith", "Smith", TRUE},
    {"This is Travis.", "Travis", TRUE},
    {"I'm Anna", "Anna", TRUE},
    {"I'm not sure.", NULL, FALSE},
    {"I'm looking for a room", NULL, FALSE},
    {"for lunch", NULL, TRUE},
    {"for the board", NULL, TRUE},
    {"Anna", "Anna", FALSE},
    {"anna", "Anna", FALSE},
    {"uh, Anna King", "Anna King", FALSE},
    {"Anna King please", "Anna King", FALSE},
    {"it's Anna", "Anna", FALSE},
    {"It's McDonald", "McDonald", FALSE},
    {"K I N G", "King", FALSE},
    {"B as in boy, O, double L", "Boll", FALSE},
    {"O'Brien", "O'Brien", FALSE},
    {"Zo\xc3\xab", "Zo\xc3\xab", FALSE},
    {"yes", NULL, FALSE},
    {"tomorrow", NULL, FALSE},
    {"I don't know", NULL, FALSE},
    {"", NULL, FALSE},
};

typedef gboolean (*Find) (const RpWords *words, gboolean *used, gboolean wanted,
                          RpSlotMatch *match);

static gboolean
find_date (const RpWords *words, gboolean *used, gboolean wanted, RpSlotMatch *match)
{
  return rp_find_date (words, used, &moment, wanted, match);
}

static gboolean
find_time (const RpWords *words, gboolean *used, gboolean wanted, RpSlotMatch *match)
{
  return rp_find_time (words, used, &moment, 8 * 60, 19 * 60, wanted, match);
}

static gboolean
find_name (const RpWords *words, gboolean *used, gboolean wanted, RpSlotMatch *match)
{
  return rp_find_name (words, used, wanted, NULL, match);
}

static char *
find (Find finder, const char *text, gboolean wanted)
{
  g_autoptr (RpWords) words = rp_words_split (text);
  g_autofree gboolean *used = g_new0 (gboolean, words->n + 1);
  RpSlotMatch match = {0};
  if (!finder (words, used, wanted, &match))
    return NULL;
  g_assert_cmpuint (match.first, <, match.end);
  g_assert_cmpuint (match.end, <=, words->n);
  return match.value;
}

static void
check (Find finder, const Row *rows, guint n)
{
  guint wrong = 0;
  for (guint i = 0; i < n; i++) {
    g_autofree char *asked = find (finder, rows[i].text, TRUE);
    g_autofree char *unasked = find (finder, rows[i].text, FALSE);
    gboolean right =
        g_strcmp0 (asked, rows[i].value) == 0 || (rows[i].value == NULL && rows[i].unprompted);
    right = right && g_strcmp0 (unasked, rows[i].unprompted ? rows[i].value : NULL) == 0;
    if (right)
      continue;
    wrong++;
    g_test_message ("\"%s\": wants %s, got %s asked and %s unasked", rows[i].text, rows[i].value,
                    asked, unasked);
  }
  g_assert_cmpuint (wrong, ==, 0);
}

static void
test_dates (void)
{
  check (find_date, dates, G_N_ELEMENTS (dates));
}

static void
test_times (void)
{
  check (find_time, times, G_N_ELEMENTS (times));
}

static void
test_durations (void)
{
  check (rp_find_duration, durations, G_N_ELEMENTS (durations));
}

static void
test_digits (void)
{
  check (rp_find_digits, digits, G_N_ELEMENTS (digits));
}

static void
test_names (void)
{
  check (find_name, names, G_N_ELEMENTS (names));
  g_autoptr (RpWords) words = rp_words_split ("My last name is King");
  g_autofree gboolean *used = g_new0 (gboolean, words->n + 1);
  RpSlotMatch match;
  g_assert_true (rp_find_name (words, used, TRUE, "Violet", &match));
  g_assert_cmpstr (match.value, ==, "Violet King");
  g_free (match.value);
}

static void
test_periods (void)
{
  static const struct {
    const char *text, *time, *duration;
  } rows[] = {
      {"from two to four", "14:00", "120"},   {"from nine to eleven thirty", "09:00", "150"},
      {"from 10 am to 2 pm", "10:00", "240"}, {"between three and five", "15:00", "120"},
      {"from eleven to one", "11:00", "120"}, {"from two until four pm", "14:00", "120"},
      {"two to four people", NULL, NULL},     {"from Anna", NULL, NULL},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (RpWords) words = rp_words_split (rows[i].text);
    g_autofree gboolean *used = g_new0 (gboolean, words->n + 1);
    RpSlotMatch match = {0};
    g_autofree char *duration = NULL;
    gboolean found = rp_find_period (words, used, 8 * 60, 19 * 60, &match, &duration);
    g_assert_cmpint (found, ==, rows[i].time != NULL);
    g_assert_cmpstr (match.value, ==, rows[i].time);
    g_assert_cmpstr (duration, ==, rows[i].duration);
    g_free (match.value);
  }
}

static void
test_numbers (void)
{
  static const struct {
    const char *text;
    double value;
    guint words;
  } rows[] = {
      {"25", 25, 1},
      {"twenty five", 25, 2},
      {"one hundred and five", 105, 4},
      {"a couple of", 2, 3},
      {"two thousand three hundred", 2300, 4},
      {"1,200", 1200, 1},
      {"3.5", 3.5, 1},
      {"two point five", 2.5, 3},
      {"a dozen", 12, 2},
      {"hello", 0, 0},
      {"", 0, 0},
      {"twenty twenty", 20, 1},
      {"a hundred", 100, 2},
      {"ninety nine", 99, 2},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (RpWords) words = rp_words_split (rows[i].text);
    double value = 0;
    g_assert_cmpuint (rp_number_at (words, 0, &value), ==, rows[i].words);
    g_assert_cmpfloat (value, ==, rows[i].value);
  }
}

static void
test_yes_no (void)
{
  static const struct {
    const char *text;
    RpAnswer answer;
  } rows[] = {
      {"Yes.", RP_ANSWER_YES},           {"Yeah, sure", RP_ANSWER_YES},
      {"That's right.", RP_ANSWER_YES},  {"Go ahead.", RP_ANSWER_YES},
      {"No problem.", RP_ANSWER_YES},    {"sounds good", RP_ANSWER_YES},
      {"please do", RP_ANSWER_YES},      {"No.", RP_ANSWER_NO},
      {"No, that's fine", RP_ANSWER_NO}, {"That's not right.", RP_ANSWER_NO},
      {"That's wrong", RP_ANSWER_NO},    {"I don't think so", RP_ANSWER_NO},
      {"Blue", RP_ANSWER_NEITHER},       {"", RP_ANSWER_NEITHER},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (RpWords) words = rp_words_split (rows[i].text);
    if (rp_yes_no (words) != rows[i].answer)
      g_test_message ("%s", rows[i].text);
    g_assert_cmpint (rp_yes_no (words), ==, rows[i].answer);
  }
}

static void
test_choice_and_number (void)
{
  g_autoptr (RpSlot) slot = rp_slot_new ("size", RP_SLOT_CHOICE);
  RpChoice *small = rp_choice_new ("small"), *large = rp_choice_new ("large");
  g_ptr_array_add (small->words, g_strdup ("tiny one"));
  g_ptr_array_add (large->words, g_strdup ("big"));
  g_ptr_array_add (slot->choices, small);
  g_ptr_array_add (slot->choices, large);
  g_autoptr (RpSlot) people = rp_slot_new ("people", RP_SLOT_NUMBER);
  g_ptr_array_add (people->units, g_strdup ("people"));
  g_ptr_array_add (people->units, g_strdup ("of us"));
  static const struct {
    const char *text, *size, *people;
    gboolean wanted;
  } rows[] = {
      {"the big room for six people", "large", "6", FALSE},
      {"a tiny one for the three of us", "small", "3", FALSE},
      {"smal", "small", NULL, FALSE},
      {"two", NULL, NULL, FALSE},
      {"To.", NULL, "2", TRUE},
      {"the second", "large", NULL, TRUE},
      {"a party of five", NULL, "5", FALSE},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (RpWords) words = rp_words_split (rows[i].text);
    g_autofree gboolean *used = g_new0 (gboolean, words->n + 1);
    RpSlotMatch a = {0}, b = {0};
    rp_slot_find (slot, words, used, &moment, rows[i].wanted, &a);
    rp_slot_find (people, words, used, &moment, rows[i].wanted, &b);
    g_assert_cmpstr (a.value, ==, rows[i].size);
    g_assert_cmpstr (b.value, ==, rows[i].people);
    g_free (a.value);
    g_free (b.value);
  }
}

static void
test_say (void)
{
  static const struct {
    char *(*say) (const char *);
    const char *value, *said;
  } rows[] = {
      {rp_say_time, "14:30", "2:30 PM"},
      {rp_say_time, "09:00", "9 AM"},
      {rp_say_time, "12:00", "noon"},
      {rp_say_time, "00:00", "midnight"},
      {rp_say_time, "soon", "soon"},
      {rp_say_duration, "60", "one hour"},
      {rp_say_duration, "30", "half an hour"},
      {rp_say_duration, "90", "an hour and a half"},
      {rp_say_duration, "75", "1 hour and 15 minutes"},
      {rp_say_duration, "120", "2 hours"},
      {rp_say_duration, "45", "45 minutes"},
      {rp_say_digits, "4102", "4 1 0 2"},
      {rp_say_digits, "07911123", "0 7 9, 1 1 1, 2 3"},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *said = rows[i].say (rows[i].value);
    g_assert_cmpstr (said, ==, rows[i].said);
  }
  g_autofree char *today = rp_say_date ("2025-05-05", &moment);
  g_autofree char *tomorrow = rp_say_date ("2025-05-06", &moment);
  g_autofree char *later = rp_say_date ("2025-05-15", &moment);
  g_autofree char *far = rp_say_date ("2026-05-04", &moment);
  g_autofree char *none = rp_say_date ("2025-13-45", &moment);
  g_assert_cmpstr (today, ==, "today");
  g_assert_cmpstr (tomorrow, ==, "tomorrow");
  g_assert_cmpstr (later, ==, "Thursday, May 15");
  g_assert_cmpstr (far, ==, "Monday, May 4 2026");
  g_assert_cmpstr (none, ==, "2025-13-45");
}

static void
test_zone (void)
{
  RpSlotMoment m;
  g_autoptr (GTimeZone) tz = g_time_zone_new_offset (10 * 3600);
  /* 20:00 UTC is the next day there */
  rp_slot_moment_init (&m, 1746450000 + 7 * 3600, tz);
  g_assert_cmpuint (g_date_get_day (&m.today), ==, 6);
  g_assert_cmpint (m.now_min, ==, 6 * 60);
  rp_slot_moment_init (&m, G_MAXINT64, NULL);
  g_assert_true (g_date_valid (&m.today));
  rp_slot_moment_init (&m, G_MININT64, NULL);
  g_assert_true (g_date_valid (&m.today));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  rp_slot_moment_init (&moment, 1746450420, NULL);
  g_test_add_func ("/slots/dates", test_dates);
  g_test_add_func ("/slots/times", test_times);
  g_test_add_func ("/slots/durations", test_durations);
  g_test_add_func ("/slots/digits", test_digits);
  g_test_add_func ("/slots/names", test_names);
  g_test_add_func ("/slots/periods", test_periods);
  g_test_add_func ("/slots/numbers", test_numbers);
  g_test_add_func ("/slots/yes-no", test_yes_no);
  g_test_add_func ("/slots/choice-and-number", test_choice_and_number);
  g_test_add_func ("/slots/say", test_say);
  g_test_add_func ("/slots/zone", test_zone);
  return g_test_run ();
}
