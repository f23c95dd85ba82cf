/* Dates, times of day and durations. */
#include "slots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MIN 1440
#define DEFAULT_EARLIEST_MIN (7 * 60)
#define DEFAULT_LATEST_MIN (19 * 60)

static const char *const weekdays[] = {"monday", "tuesday",  "wednesday", "thursday",
                                       "friday", "saturday", "sunday"};
static const char *const months[] = {"january",   "february", "march",    "april",
                                     "may",       "june",     "july",     "august",
                                     "september", "october",  "november", "december"};
static const char *const ordinals[] = {
    "first",      "second",     "third",       "fourth",    "fifth",       "sixth",
    "seventh",    "eighth",     "ninth",       "tenth",     "eleventh",    "twelfth",
    "thirteenth", "fourteenth", "fifteenth",   "sixteenth", "seventeenth", "eighteenth",
    "nineteenth", "twentieth",  "twenty first"};

void
rp_slot_moment_init (RpSlotMoment *moment, gint64 unix_s, GTimeZone *tz)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (unix_s);
  g_autoptr (GDateTime) local = utc == NULL  ? NULL
                                : tz != NULL ? g_date_time_to_timezone (utc, tz)
                                             : g_date_time_ref (utc);
  g_date_clear (&moment->today, 1);
  moment->now_min = 0;
  if (local == NULL) {
    g_date_set_dmy (&moment->today, 1, G_DATE_JANUARY, 1970);
    return;
  }
  int y, m, d;
  g_date_time_get_ymd (local, &y, &m, &d);
  /* GDate, and people, end in the year 9999. */
  g_date_set_dmy (&moment->today, (GDateDay) d, (GDateMonth) m, (GDateYear) CLAMP (y, 1, 9000));
  moment->now_min = g_date_time_get_hour (local) * 60 + g_date_time_get_minute (local);
}

static gboolean
is_free (const RpWords *words, const gboolean *used, guint i)
{
  return i < words->n && !used[i];
}

static gboolean
is (const RpWords *words, guint i, const char *list)
{
  return i < words->n && rp_word_in (words->v[i].norm, list);
}

static void
take (gboolean *used, guint first, guint end)
{
  for (guint i = first; i < end; i++)
    used[i] = TRUE;
}

/* Also "Tuesdays" and a letter misheard in a long name. Returns: index or -1. */
static int
name_index (const char *word, const char *const *names, guint n, guint least_length)
{
  gsize length = strlen (word);
  for (guint i = 0; i < n; i++) {
    gsize full = strlen (names[i]);
    if (strcmp (word, names[i]) == 0 ||
        (length == full + 1 && word[full] == 's' && strncmp (word, names[i], full) == 0))
      return (int) i;
    if (full >= least_length && length + 1 >= full && length <= full + 1 &&
        word[0] == names[i][0] && rp_edit_distance (word, names[i], 1) <= 1)
      return (int) i;
  }
  return -1;
}

static int
weekday_at (const RpWords *words, guint i)
{
  return i < words->n ? name_index (words->v[i].norm, weekdays, 7, 7) : -1;
}

static int
month_at (const RpWords *words, guint i)
{
  return i < words->n ? name_index (words->v[i].norm, months, 12, 7) : -1;
}

/* A day of the month at word @i: "5th", "fifth", "twenty first", and "5" when @bare. */
static guint
day_at (const RpWords *words, guint i, gboolean bare, int *out_day)
{
  if (i >= words->n)
    return 0;
  const char *w = words->v[i].norm;
  char *end = NULL;
  long value = strtol (w, &end, 10);
  if (end != w && rp_word_in (end, "st nd rd th") && value >= 1 && value <= 31) {
    *out_day = (int) value;
    return 1;
  }
  for (guint k = 0; k < 20; k++)
    if (strcmp (w, ordinals[k]) == 0) {
      *out_day = (int) k + 1;
      return 1;
    }
  if (rp_word_in (w, "twenty thirty thirtieth") && i + 1 <= words->n) {
    if (strcmp (w, "thirtieth") == 0) {
      *out_day = 30;
      return 1;
    }
    for (guint k = 0; k < 9 && i + 1 < words->n; k++)
      if (strcmp (words->v[i + 1].norm, ordinals[k]) == 0) {
        *out_day = (w[1] == 'w' ? 20 : 30) + (int) k + 1;
        return *out_day <= 31 ? 2 : 0;
      }
  }
  double number;
  guint n = bare ? rp_number_at (words, i, &number) : 0;
  if (n > 0 && number >= 1 && number <= 31 && number == floor (number)) {
    *out_day = (int) number;
    return n;
  }
  return 0;
}

static char *
date_value (const GDate *date)
{
  return g_strdup_printf ("%04d-%02d-%02d", g_date_get_year (date), g_date_get_month (date),
                          g_date_get_day (date));
}

static char *
date_in_days (const RpSlotMoment *moment, int days)
{
  GDate date = moment->today;
  g_date_add_days (&date, (guint) days);
  return date_value (&date);
}

/* The next day @day of month @month (0 first), or of any month when @month is -1. A year that was
 * said is in @year, else 0. */
static char *
date_of (const RpSlotMoment *moment, int day, int month, int year)
{
  for (int ahead = 0; ahead < 60; ahead++) {
    int m = (int) g_date_get_month (&moment->today) - 1 + ahead;
    int y = g_date_get_year (&moment->today) + m / 12;
    m %= 12;
    if ((month >= 0 && m != month) || (year > 0 && y != year) ||
        !g_date_valid_dmy ((GDateDay) day, (GDateMonth) (m + 1), (GDateYear) y))
      continue;
    GDate date;
    g_date_clear (&date, 1);
    g_date_set_dmy (&date, (GDateDay) day, (GDateMonth) (m + 1), (GDateYear) y);
    if (g_date_compare (&date, &moment->today) >= 0 || year > 0)
      return date_value (&date);
  }
  return NULL;
}

static guint
year_at (const RpWords *words, guint i, const RpSlotMoment *moment, int *out_year)
{
  int this_year = g_date_get_year (&moment->today);
  double value, rest;
  guint n = rp_number_at (words, i, &value);
  if (n > 0 && value >= this_year && value <= this_year + 4) {
    *out_year = (int) value;
    return n;
  }
  /* "twenty twenty six" */
  guint m = is (words, i, "twenty") ? rp_number_at (words, i + 1, &rest) : 0;
  if (m > 0 && 2000 + rest >= this_year && 2000 + rest <= this_year + 4) {
    *out_year = 2000 + (int) rest;
    return m + 1;
  }
  return 0;
}

static char *
calendar_date_at (const RpWords *words, guint i, const RpSlotMoment *moment, guint *out_n)
{
  guint at = i, n;
  int day = 0, year = 0, month = month_at (words, at);
  if (month >= 0) { /* May 5, May the fifth */
    at++;
    if (is (words, at, "the"))
      at++;
    n = day_at (words, at, TRUE, &day);
  } else { /* 5 May, the fifth of May */
    if (is (words, at, "the"))
      at++;
    n = day_at (words, at, TRUE, &day);
    guint after = at + n;
    if (is (words, after, "of"))
      after++;
    month = n > 0 ? month_at (words, after) : -1;
    if (month >= 0)
      n = after + 1 - at;
  }
  if (n == 0 || month < 0)
    return NULL;
  at += n;
  at += year_at (words, at, moment, &year);
  *out_n = at - i;
  return date_of (moment, day, month, year);
}

static char *
iso_date_at (const RpWords *words, guint i, guint *out_n)
{
  if (i + 2 >= words->n || strlen (words->v[i].norm) != 4 || strlen (words->v[i + 1].norm) != 2 ||
      strlen (words->v[i + 2].norm) != 2)
    return NULL;
  for (guint k = 0; k < 3; k++)
    for (const char *p = words->v[i + k].norm; *p != '\0'; p++)
      if (!g_ascii_isdigit (*p))
        return NULL;
  int y = atoi (words->v[i].norm), m = atoi (words->v[i + 1].norm), d = atoi (words->v[i + 2].norm);
  if (y < 1970 || y > 9000 || !g_date_valid_dmy ((GDateDay) d, (GDateMonth) m, (GDateYear) y))
    return NULL;
  *out_n = 3;
  return g_strdup_printf ("%04d-%02d-%02d", y, m, d);
}

/* "Tuesday", "this Tuesday", "next Tuesday", "a week from Tuesday", "Tuesday week". */
static char *
weekday_date_at (const RpWords *words, guint i, const RpSlotMoment *moment, guint *out_n)
{
  guint at = i;
  gboolean next = is (words, at, "next"), this = is (words, at, "this coming");
  int weeks = 0;
  if (next || this)
    at++;
  guint from = rp_words_match_at (words, at, "week from");
  if (from == 0)
    from = rp_words_match_at (words, at, "week on");
  if (from > 0) {
    at += from;
    weeks = 1;
  }
  int day = weekday_at (words, at);
  if (day < 0)
    return NULL;
  at++;
  if (is (words, at, "week")) {
    weeks = 1;
    at++;
  }
  int today = (int) g_date_get_weekday (&moment->today) - 1;
  int ahead = (day - today + 7) % 7;
  if (ahead == 0 && !this)
    ahead = 7;
  /* "next Tuesday" is the one of the next week, which begins on Monday. */
  else if (next && day > today)
    ahead += 7;
  *out_n = at - i;
  return date_in_days (moment, ahead + 7 * weeks);
}

/* "in three days", "two weeks from now", "a week from today". */
static char *
counted_date_at (const RpWords *words, guint i, const RpSlotMoment *moment, guint *out_n)
{
  guint at = i;
  gboolean in = is (words, at, "in");
  if (in)
    at++;
  double count = 1;
  guint n = is (words, at, "a") ? 1 : rp_number_at (words, at, &count);
  if (n == 0 || count < 1 || count > 400)
    return NULL;
  at += n;
  int unit = is (words, at, "day days") ? 1 : is (words, at, "week weeks") ? 7 : 0;
  if (unit == 0)
    return NULL;
  at++;
  gboolean from = is (words, at, "from") && is (words, at + 1, "now today");
  if (!in && !from)
    return NULL;
  *out_n = at + (from ? 2 : 0) - i;
  return date_in_days (moment, (int) count * unit);
}

static char *
date_at (const RpWords *words, guint i, const RpSlotMoment *moment, gboolean wanted, guint *out_n)
{
  static const struct {
    const char *phrase;
    int days;
  } relative[] = {
      {"the day after tomorrow", 2},
      {"day after tomorrow", 2},
      {"today", 0},
      {"tonight", 0},
      {"tomorrow", 1},
      {"tomorow", 1},
      {"this morning", 0},
      {"this afternoon", 0},
      {"this evening", 0},
  };
  for (guint k = 0; k < G_N_ELEMENTS (relative); k++) {
    *out_n = rp_words_match_at (words, i, relative[k].phrase);
    if (*out_n > 0)
      return date_in_days (moment, relative[k].days);
  }
  if (wanted && is (words, i, "now") && words->n <= 3) {
    *out_n = 1;
    return date_in_days (moment, 0);
  }
  char *value;
  if ((value = iso_date_at (words, i, out_n)) != NULL ||
      (value = counted_date_at (words, i, moment, out_n)) != NULL ||
      (value = weekday_date_at (words, i, moment, out_n)) != NULL ||
      (value = calendar_date_at (words, i, moment, out_n)) != NULL)
    return value;
  if (is (words, i, "weekend") && (wanted || is (words, i - (i > 0 ? 1 : 0), "this"))) {
    int today = (int) g_date_get_weekday (&moment->today) - 1;
    *out_n = 1;
    return date_in_days (moment, today <= 5 ? 5 - today : 6);
  }
  /* "the fifth"; not "the first one" */
  gboolean the = is (words, i, "the");
  int day = 0;
  /* Keys can only give the number. */
  gboolean bare = wanted && i == 0 && words->n <= 2;
  guint n = the || wanted ? day_at (words, i + (the ? 1 : 0), bare, &day) : 0;
  guint after = i + (the ? 1 : 0) + n;
  if (n == 0 || is (words, after, "one option floor room time question choice thing name letter"))
    return NULL;
  if (!wanted && day <= 3 && !(i > 0 && is (words, i - 1, "on")))
    return NULL;
  *out_n = after - i;
  return date_of (moment, day, -1, 0);
}

gboolean
rp_find_date (const RpWords *words, gboolean *used, const RpSlotMoment *moment, gboolean wanted,
              RpSlotMatch *out_match)
{
  RpSlotMatch best = {0};
  for (guint i = 0; i < words->n;) {
    guint n = 0;
    g_autofree char *value = used[i] ? NULL : date_at (words, i, moment, wanted, &n);
    if (value == NULL || n == 0) {
      i++;
      continue;
    }
    /* "Tuesday the sixth": the weekday was a help, the date counts. */
    guint first = best.value != NULL && best.end >= i ? best.first : i;
    g_free (best.value);
    best = (RpSlotMatch){.value = g_steal_pointer (&value), .first = first, .end = i + n};
    take (used, i, i + n);
    i += n;
  }
  if (best.value == NULL)
    return FALSE;
  *out_match = best;
  return TRUE;
}

typedef enum { HALF_UNKNOWN, HALF_AM, HALF_PM, HALF_24 } Half;

/* am, pm or a part of the day at word @i. */
static guint
half_at (const RpWords *words, guint i, Half *out_half)
{
  static const struct {
    const char *phrase;
    Half half;
  } table[] = {
      {"am", HALF_AM},
      {"a m", HALF_AM},
      {"pm", HALF_PM},
      {"in the morning", HALF_AM},
      {"in the afternoon", HALF_PM},
      {"in the evening", HALF_PM},
      {"at night", HALF_PM},
      {"this morning", HALF_AM},
      {"this afternoon", HALF_PM},
      {"this evening", HALF_PM},
  };
  for (guint k = 0; k < G_N_ELEMENTS (table); k++) {
    guint n = rp_words_match_at (words, i, table[k].phrase);
    if (n > 0) {
      *out_half = table[k].half;
      return n;
    }
  }
  return 0;
}

static int
resolve (int hour, int minute, Half half, int earliest_min, int latest_min)
{
  if (earliest_min == 0 && latest_min == 0) {
    earliest_min = DEFAULT_EARLIEST_MIN;
    latest_min = DEFAULT_LATEST_MIN;
  }
  if (hour > 12 || hour == 0)
    return hour * 60 + minute;
  int am = (hour % 12) * 60 + minute, pm = am + 720;
  if (half == HALF_AM)
    return am;
  if (half == HALF_PM)
    return pm;
  if (am >= earliest_min && am <= latest_min)
    return am;
  if (pm >= earliest_min && pm <= latest_min)
    return pm;
  return hour == 12 || hour < 7 ? pm : am;
}

/* "2:30" or "14.30". Returns: FALSE when it is neither. */
static gboolean
clock_word (const char *w, int *out_hour, int *out_minute)
{
  char *end = NULL;
  long hour = strtol (w, &end, 10);
  if (end == w || hour < 0 || hour > 24 || *end != ':' || !g_ascii_isdigit (end[1]) ||
      !g_ascii_isdigit (end[2]) || end[3] != '\0')
    return FALSE;
  long minute = strtol (end + 1, NULL, 10);
  if (minute > 59)
    return FALSE;
  *out_hour = (int) hour % 24;
  *out_minute = (int) minute;
  return TRUE;
}

/* Minutes after the hour at word @i: "thirty", "oh five", "15". */
static guint
minutes_at (const RpWords *words, guint i, int *out_minute)
{
  guint oh = is (words, i, "oh o zero") ? 1 : 0;
  double value;
  guint n = rp_number_at (words, i + oh, &value);
  if (n == 0 || value != floor (value) || value > 59 || (oh == 1 ? value > 9 : value < 10))
    return 0;
  *out_minute = (int) value;
  return n + oh;
}

/* "half past nine", "quarter to ten", "ten to three". Returns: words taken. */
static guint
past_at (const RpWords *words, guint i, int *out_hour, int *out_minute)
{
  guint at = i;
  if (is (words, at, "a"))
    at++;
  double minutes = 0, hour = 0;
  guint n;
  if (is (words, at, "half") || is (words, at, "quarter")) {
    minutes = is (words, at, "half") ? 30 : 15;
    n = 1;
  } else {
    n = rp_number_at (words, at, &minutes);
  }
  if (n == 0 || minutes > 30 || minutes < 1 || minutes != floor (minutes))
    return 0;
  at += n;
  /* British: "half nine" is half past nine. */
  guint h = minutes == 30 && is (words, at - 1, "half") ? rp_number_at (words, at, &hour) : 0;
  if (h > 0 && hour >= 1 && hour <= 12 && hour == floor (hour) &&
      !is (words, at + h, "hours hour minutes percent")) {
    *out_hour = (int) hour;
    *out_minute = 30;
    return at + h - i;
  }
  if (is (words, at, "minutes"))
    at++;
  gboolean past = is (words, at, "past after"), to = is (words, at, "to til till before of");
  /* "five to three" is a time; "two to four" a period: only round minutes are taken. */
  if ((!past && !to) || (to && fmod (minutes, 5) != 0) || (is (words, at, "of") && n != 1))
    return 0;
  n = rp_number_at (words, at + 1, &hour);
  if (n == 0 || hour < 1 || hour > 12 || hour != floor (hour))
    return 0;
  *out_hour = (int) hour;
  *out_minute = (int) minutes;
  if (to) {
    *out_hour = *out_hour == 1 ? 12 : *out_hour - 1;
    *out_minute = 60 - (int) minutes;
  }
  return at + 1 + n - i;
}

typedef struct {
  int hour, minute;
  Half half;
  gboolean strong; /* it is a time whatever was asked */
} Clock;

/* A time of day at word @i. Returns: words taken. */
static guint
clock_at (const RpWords *words, guint i, Clock *out)
{
  *out = (Clock){0};
  if (is (words, i, "noon midday")) {
    *out = (Clock){12, 0, HALF_PM, TRUE};
    return 1;
  }
  if (is (words, i, "midnight")) {
    *out = (Clock){0, 0, HALF_24, TRUE};
    return 1;
  }
  guint n = past_at (words, i, &out->hour, &out->minute);
  if (n > 0) {
    out->strong = TRUE;
  } else if (clock_word (words->v[i].norm, &out->hour, &out->minute)) {
    n = 1;
    out->strong = TRUE;
  } else {
    double hour;
    n = rp_number_at (words, i, &hour);
    const char *w = words->v[i].norm;
    gboolean run_together =
        n == 1 && strlen (w) >= 3 && strchr (w, '.') == NULL && g_ascii_isdigit (w[0]);
    gboolean hundreds = n == 2 && is (words, i + 1, "hundred");
    if ((run_together || hundreds) && hour >= 100 && hour < 2400 && fmod (hour, 100) < 60) {
      out->hour = (int) hour / 100; /* "1430", "fourteen hundred" */
      out->minute = (int) hour % 100;
      if (is (words, i + n, "hours"))
        n++;
    } else if (n > 0 && hour >= 0 && hour <= 24 && hour == floor (hour)) {
      out->hour = (int) hour % 24;
      int minute = 0;
      guint m = hour >= 1 ? minutes_at (words, i + n, &minute) : 0;
      if (m > 0 &&
          !is (words, i + n + m, "hours hour minutes people persons percent pounds dollars days")) {
        out->minute = minute;
        out->strong = TRUE;
        n += m;
      }
    } else {
      return 0;
    }
  }
  if (n > 0 && is (words, i + n, "oclock")) {
    n++;
    out->strong = TRUE;
  }
  Half half = HALF_UNKNOWN;
  guint h = n > 0 ? half_at (words, i + n, &half) : 0;
  if (h > 0) {
    out->half = half;
    out->strong = TRUE;
    n += h;
  }
  return n;
}

/* Part of the day that is said somewhere else: "tomorrow afternoon at three". */
static Half
half_anywhere (const RpWords *words)
{
  for (guint i = 0; i < words->n; i++) {
    if (is (words, i, "morning") && !(i > 0 && is (words, i - 1, "good")))
      return HALF_AM;
    if (is (words, i, "afternoon evening tonight") && !(i > 0 && is (words, i - 1, "good")))
      return HALF_PM;
  }
  return HALF_UNKNOWN;
}

/* Something else is counted: "two hours", "three people". */
static gboolean
counts_something (const RpWords *words, guint after)
{
  return is (words, after,
             "hours hour hrs minutes minute mins days day weeks week people persons guests "
             "seats rooms of pounds dollars percent and");
}

gboolean
rp_find_time (const RpWords *words, gboolean *used, const RpSlotMoment *moment, int earliest_min,
              int latest_min, gboolean wanted, RpSlotMatch *out_match)
{
  RpSlotMatch best = {0};
  gboolean best_strong = FALSE;
  for (guint i = 0; i < words->n; i++) {
    Clock clock;
    guint n = used[i] ? 0 : clock_at (words, i, &clock);
    if (n == 0)
      continue;
    for (guint k = i; k < i + n; k++)
      if (used[k])
        n = k - i;
    gboolean led = i > 0 && is (words, i - 1, "at around about by for from till until make");
    /* "the second one" */
    gboolean pronoun = is (words, i, "one") && i > 0 &&
                       is (words, i - 1, "the first second third last that this which another");
    if (n > 0 && !clock.strong && (pronoun || counts_something (words, i + n)))
      n = 0;
    gboolean at = i > 0 && is (words, i - 1, "at");
    if (n == 0 || (!clock.strong && !at && !wanted) || (best_strong && !clock.strong && !led))
      continue;
    Half half = clock.half != HALF_UNKNOWN ? clock.half : half_anywhere (words);
    int minutes = half == HALF_24
                      ? clock.hour * 60 + clock.minute
                      : resolve (clock.hour, clock.minute, half, earliest_min, latest_min);
    g_free (best.value);
    best = (RpSlotMatch){
        .value = g_strdup_printf ("%02d:%02d", (minutes / 60) % 24, minutes % 60),
        .first = at ? i - 1 : i,
        .end = i + n,
    };
    best_strong = clock.strong || at;
    take (used, best.first, best.end);
    i += n - 1;
  }
  if (best.value == NULL && wanted && words->n <= 4) {
    guint first;
    if (rp_words_find (words, "now", &first)) {
      /* The next quarter of an hour: nobody can be served in the minute that has begun. */
      int minutes = ((moment->now_min + 14) / 15 * 15) % DAY_MIN;
      best.value = g_strdup_printf ("%02d:%02d", minutes / 60, minutes % 60);
      best.first = first;
      best.end = first + 1;
      take (used, best.first, best.end);
    }
  }
  if (best.value == NULL)
    return FALSE;
  *out_match = best;
  return TRUE;
}

gboolean
rp_find_period (const RpWords *words, gboolean *used, int earliest_min, int latest_min,
                RpSlotMatch *out_time, char **out_duration)
{
  for (guint i = 0; i + 3 < words->n; i++) {
    if (used[i] || !is (words, i, "from between"))
      continue;
    Clock a, b;
    guint n = clock_at (words, i + 1, &a);
    if (n == 0 || !is (words, i + 1 + n, "to till until and til"))
      continue;
    guint second = i + 2 + n;
    guint m = second < words->n ? clock_at (words, second, &b) : 0;
    if (m == 0 || counts_something (words, second + m))
      continue;
    Half half = a.half != HALF_UNKNOWN ? a.half : half_anywhere (words);
    int start = resolve (a.hour, a.minute, half, earliest_min, latest_min);
    /* "from two to four pm": the pm is for both when that keeps the order. */
    int end = resolve (b.hour, b.minute, b.half, earliest_min, latest_min);
    if (half == HALF_UNKNOWN && b.half != HALF_UNKNOWN) {
      int shared = resolve (a.hour, a.minute, b.half, earliest_min, latest_min);
      start = shared < end ? shared : start;
    }
    if (end <= start)
      end += b.half == HALF_UNKNOWN ? 720 : DAY_MIN;
    if (end <= start || end - start > DAY_MIN)
      continue;
    *out_time = (RpSlotMatch){
        .value = g_strdup_printf ("%02d:%02d", (start / 60) % 24, start % 60),
        .first = i,
        .end = second + m,
    };
    *out_duration = g_strdup_printf ("%d", end - start);
    take (used, i, second + m);
    return TRUE;
  }
  return FALSE;
}

/* "hour" and "minute" in minutes, else 0. */
static double
unit_at (const RpWords *words, guint i)
{
  if (is (words, i, "hour hours hr hrs our ours"))
    return 60;
  if (is (words, i, "minute minutes min mins"))
    return 1;
  return 0;
}

static guint
fraction_at (const RpWords *words, guint i, double *out_minutes)
{
  static const struct {
    const char *phrase;
    double minutes;
  } table[] = {
      {"half an hour", 30},
      {"half hour", 30},
      {"a half hour", 30},
      {"quarter of an hour", 15},
      {"a quarter of an hour", 15},
      {"three quarters of an hour", 45},
      {"an hour and a half", 90},
      {"hour and a half", 90},
      {"an hour", 60},
      {"all day", 480},
      {"whole day", 480},
      {"full day", 480},
      {"entire day", 480},
      {"half a day", 240},
      {"half day", 240},
  };
  for (guint k = 0; k < G_N_ELEMENTS (table); k++) {
    guint n = rp_words_match_at (words, i, table[k].phrase);
    if (n > 0) {
      *out_minutes = table[k].minutes;
      return n;
    }
  }
  return 0;
}

/* Returns: words taken. */
static guint
duration_at (const RpWords *words, guint i, double *out_minutes)
{
  guint n = fraction_at (words, i, out_minutes);
  if (n > 0)
    return n;
  double count;
  guint at = i;
  n = rp_number_at (words, at, &count);
  if (n == 0)
    return 0;
  at += n;
  guint half = rp_words_match_at (words, at, "and a half");
  double unit = unit_at (words, at + half);
  if (unit == 0)
    return 0;
  if (half > 0)
    count += 0.5;
  at += half + 1;
  double minutes = count * unit, more;
  if (unit == 60 && (half = rp_words_match_at (words, at, "and a half")) > 0) {
    minutes += 30;
    at += half;
  } else if (unit == 60) {
    guint and = is (words, at, "and") ? 1 : 0;
    n = rp_number_at (words, at + and, &more);
    if (n > 0 && unit_at (words, at + and+n) == 1) {
      minutes += more;
      at += and+n + 1;
    }
  }
  if (minutes < 1 || minutes > 100 * DAY_MIN)
    return 0;
  *out_minutes = minutes;
  return at - i;
}

gboolean
rp_find_duration (const RpWords *words, gboolean *used, gboolean wanted, RpSlotMatch *out_match)
{
  RpSlotMatch best = {0};
  for (guint i = 0; i < words->n; i++) {
    double minutes;
    /* "in two hours" is a time from now. */
    gboolean ahead = i > 0 && is (words, i - 1, "in within");
    guint n = used[i] || ahead ? 0 : duration_at (words, i, &minutes);
    if (n == 0)
      continue;
    g_free (best.value);
    best = (RpSlotMatch){g_strdup_printf ("%d", (int) lround (minutes)), i, i + n};
    take (used, i, i + n);
    i += n - 1;
  }
  for (guint i = 0; best.value == NULL && wanted && i < words->n; i++) {
    double count;
    guint n = is_free (words, used, i) ? rp_number_at (words, i, &count) : 0;
    if (n == 0 || count <= 0 || count > DAY_MIN)
      continue;
    /* A bare "two" is hours, a bare "ninety" minutes. */
    best = (RpSlotMatch){g_strdup_printf ("%d", (int) lround (count <= 12 ? count * 60 : count)), i,
                         i + n};
    take (used, i, i + n);
  }
  if (best.value == NULL)
    return FALSE;
  *out_match = best;
  return TRUE;
}
