/* Canonical values as they are said. Digits are left to the voice: every engine reads "2:30 PM". */
#include "slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gboolean
parse_date (const char *value, GDate *out)
{
  int y, m, d, n = 0;
  if (sscanf (value, "%4d-%2d-%2d%n", &y, &m, &d, &n) != 3 || value[n] != '\0' || y < 1 ||
      y > 9999 || m < 1 || m > 12 || d < 1 ||
      !g_date_valid_dmy ((GDateDay) d, (GDateMonth) m, (GDateYear) y))
    return FALSE;
  g_date_clear (out, 1);
  g_date_set_dmy (out, (GDateDay) d, (GDateMonth) m, (GDateYear) y);
  return TRUE;
}

/* Own names: those of the C library follow the locale. */
char *
rp_say_weekday (const GDate *date)
{
  static const char *const weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                         "Friday", "Saturday", "Sunday"};
  static const char *const months[] = {"January",   "February", "March",    "April",
                                       "May",       "June",     "July",     "August",
                                       "September", "October",  "November", "December"};
  return g_strdup_printf ("%s, %s %u", weekdays[g_date_get_weekday (date) - 1],
                          months[g_date_get_month (date) - 1], (guint) g_date_get_day (date));
}

char *
rp_say_date (const char *value, const RpSlotMoment *moment)
{
  GDate date;
  if (!parse_date (value, &date))
    return g_strdup (value);
  int days = g_date_days_between (&moment->today, &date);
  if (days == 0 || days == 1)
    return g_strdup (days == 0 ? "today" : "tomorrow");
  char *text = rp_say_weekday (&date);
  if (days >= -180 && days <= 330)
    return text;
  char *dated = g_strdup_printf ("%s %u", text, (guint) g_date_get_year (&date));
  g_free (text);
  return dated;
}

char *
rp_say_time (const char *value)
{
  int h, m, n = 0;
  if (sscanf (value, "%2d:%2d%n", &h, &m, &n) != 2 || value[n] != '\0' || h < 0 || h > 24 ||
      m < 0 || m > 59)
    return g_strdup (value);
  h %= 24;
  if (m == 0 && (h == 0 || h == 12))
    return g_strdup (h == 0 ? "midnight" : "noon");
  const char *half = h < 12 ? "AM" : "PM";
  h = h % 12 == 0 ? 12 : h % 12;
  return m == 0 ? g_strdup_printf ("%d %s", h, half) : g_strdup_printf ("%d:%02d %s", h, m, half);
}

char *
rp_say_duration (const char *value)
{
  char *end = NULL;
  long minutes = strtol (value, &end, 10);
  if (end == value || *end != '\0' || minutes < 0 || minutes > 1000000)
    return g_strdup (value);
  long h = minutes / 60, m = minutes % 60;
  if (minutes == 30)
    return g_strdup ("half an hour");
  if (minutes == 60)
    return g_strdup ("one hour");
  if (h > 0 && m == 30)
    return h == 1 ? g_strdup ("an hour and a half") : g_strdup_printf ("%ld and a half hours", h);
  if (h == 0)
    return g_strdup_printf ("%ld minute%s", m, m == 1 ? "" : "s");
  if (m == 0)
    return g_strdup_printf ("%ld hours", h);
  return g_strdup_printf ("%ld hour%s and %ld minute%s", h, h == 1 ? "" : "s", m,
                          m == 1 ? "" : "s");
}

char *
rp_say_digits (const char *value)
{
  gsize length = strlen (value);
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (value[i]))
      return g_strdup (value);
  GString *text = g_string_new (NULL);
  for (gsize i = 0; i < length; i++) {
    /* Groups of three, the rest at the end: people remember them so. */
    if (i > 0)
      g_string_append (text, i % 3 == 0 && length - i >= 2 && length > 4 ? ", " : " ");
    g_string_append_c (text, value[i]);
  }
  return g_string_free (text, FALSE);
}

char *
rp_say_slot (const RpSlot *slot, const char *value, const RpSlotMoment *moment)
{
  switch (slot->type) {
  case RP_SLOT_DATE:
    return rp_say_date (value, moment);
  case RP_SLOT_TIME:
    return rp_say_time (value);
  case RP_SLOT_DURATION:
    return rp_say_duration (value);
  case RP_SLOT_DIGITS:
    return rp_say_digits (value);
  case RP_SLOT_NUMBER:
  case RP_SLOT_NAME:
  case RP_SLOT_CHOICE:
  case RP_SLOT_YES_NO:
  case RP_SLOT_TEXT:
    break;
  }
  return g_strdup (value);
}
