#include "bookings.h"

#include "bookings-private.h"
#include "store.h"
#include "tool.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

#define DAY_MIN 1440
#define MAX_ALTERNATIVES 2
/* Two offers closer than this are one to whom neither suits. */
#define MIN_APART_MIN 30
#define MAX_LISTED 10

static void
room_free (gpointer data)
{
  RpRoom *room = data;
  g_free (room->name);
  g_free (room);
}

void
rp_bookings_config_init (RpBookingsConfig *config)
{
  *config = (RpBookingsConfig){
      .rooms = g_ptr_array_new_with_free_func (room_free),
      .step_min = 15,
      .shortest_min = 15,
      .longest_min = 480,
      .max_days_ahead = 180,
  };
  for (guint day = 0; day < 5; day++) {
    config->hours[day].open_min = 8 * 60;
    config->hours[day].close_min = 20 * 60;
  }
}

void
rp_bookings_config_add_room (RpBookingsConfig *config, const char *name, guint seats)
{
  RpRoom *room = g_new0 (RpRoom, 1);
  room->name = g_strdup (name);
  room->seats = seats;
  g_ptr_array_add (config->rooms, room);
}

void
rp_bookings_config_copy (RpBookingsConfig *to, const RpBookingsConfig *from)
{
  *to = *from;
  to->rooms = g_ptr_array_new_with_free_func (room_free);
  to->timezone = g_strdup (from->timezone);
  for (guint i = 0; i < from->rooms->len; i++) {
    const RpRoom *room = g_ptr_array_index (from->rooms, i);
    rp_bookings_config_add_room (to, room->name, room->seats);
  }
}

void
rp_bookings_config_clear (RpBookingsConfig *config)
{
  g_clear_pointer (&config->rooms, g_ptr_array_unref);
  g_clear_pointer (&config->timezone, g_free);
}

/* A result in the making: an open JSON object. */
static JsonBuilder *
result_new (gboolean ok, const char *reason)
{
  JsonBuilder *b = json_builder_new ();
  json_builder_begin_object (b);
  json_builder_set_member_name (b, "ok");
  json_builder_add_boolean_value (b, ok);
  if (reason != NULL)
    rp_result_string (b, "reason", reason);
  return b;
}

void
rp_result_string (JsonBuilder *b, const char *name, const char *value)
{
  json_builder_set_member_name (b, name);
  json_builder_add_string_value (b, value);
}

static void
result_int (JsonBuilder *b, const char *name, gint64 value)
{
  json_builder_set_member_name (b, name);
  json_builder_add_int_value (b, value);
}

static void
result_time (JsonBuilder *b, const char *name, gint64 minutes)
{
  g_autofree char *text =
      g_strdup_printf ("%02d:%02d", (int) (minutes / 60) % 24, (int) (minutes % 60));
  rp_result_string (b, name, text);
}

char *
rp_result_end (JsonBuilder *b)
{
  json_builder_end_object (b);
  return rp_json_builder_to_string (b);
}

static char *
refusal (const char *reason)
{
  return rp_result_end (result_new (FALSE, reason));
}

typedef struct {
  GDate today;
  char today_text[16];
  int now_min;
} Now;

static void
date_text (const GDate *date, char out[16])
{
  g_snprintf (out, 16, "%04d-%02d-%02d", g_date_get_year (date), g_date_get_month (date),
              g_date_get_day (date));
}

static void
now_in_zone (const RpBookingsConfig *config, gint64 now_unix_s, Now *out)
{
  g_autoptr (GTimeZone) tz = config->timezone != NULL
                                 ? g_time_zone_new_identifier (config->timezone)
                                 : g_time_zone_new_local ();
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (CLAMP (now_unix_s, 0, 200000000000));
  g_autoptr (GDateTime) local =
      tz != NULL ? g_date_time_to_timezone (utc, tz) : g_date_time_ref (utc);
  int y, m, d;
  g_date_time_get_ymd (local, &y, &m, &d);
  g_date_clear (&out->today, 1);
  g_date_set_dmy (&out->today, (GDateDay) d, (GDateMonth) m, (GDateYear) y);
  date_text (&out->today, out->today_text);
  out->now_min = g_date_time_get_hour (local) * 60 + g_date_time_get_minute (local);
}

static gboolean
bad_argument (GError **error, const char *name, const char *want, const char *got)
{
  g_set_error (error, RP_TOOL_ERROR, RP_TOOL_ERROR_ARGUMENTS, "%s: expected %s, got \"%s\"", name,
               want, got);
  return FALSE;
}

static gboolean
parse_day (const char *text, GDate *out, GError **error)
{
  int y, m, d, n = 0;
  if (sscanf (text, "%4d-%2d-%2d%n", &y, &m, &d, &n) != 3 || text[n] != '\0' || y < 1970 || m < 1 ||
      m > 12 || d < 1 || !g_date_valid_dmy ((GDateDay) d, (GDateMonth) m, (GDateYear) y))
    return bad_argument (error, "day", "a date as 2025-05-31", text);
  g_date_clear (out, 1);
  g_date_set_dmy (out, (GDateDay) d, (GDateMonth) m, (GDateYear) y);
  return TRUE;
}

static gboolean
parse_time (const char *text, int *out_min, GError **error)
{
  int h, m, n = 0;
  if (sscanf (text, "%2d:%2d%n", &h, &m, &n) != 2 || text[n] != '\0' || h < 0 || h > 23 || m < 0 ||
      m > 59)
    return bad_argument (error, "time", "a time as 14:30", text);
  *out_min = h * 60 + m;
  return TRUE;
}

typedef struct {
  GDate date;
  char day[16];
  int start, end;
  guint people;
  const char *name;
} Wish;

/* The smallest room that is free and large enough. @out_name: (transfer none), NULL when none is.
 */
static gboolean
find_room (sqlite3 *db, const RpBookingsConfig *config, const Wish *wish, int start,
           const char **out_name, GError **error)
{
  int end = start + (wish->end - wish->start);
  const RpRoom *best = NULL;
  for (guint i = 0; i < config->rooms->len; i++) {
    const RpRoom *room = g_ptr_array_index (config->rooms, i);
    if (room->seats < wish->people || (best != NULL && room->seats >= best->seats))
      continue;
    g_autoptr (RpStatement) stmt = rp_store_prepare (
        db, error,
        "SELECT 1 FROM bookings WHERE day = ? AND room = ? AND cancelled_s IS NULL"
        " AND start_min < ? AND end_min > ? LIMIT 1",
        "ssii", wish->day, room->name, (gint64) end, (gint64) start);
    if (stmt == NULL)
      return FALSE;
    g_autoptr (GError) local = NULL;
    gboolean taken = rp_store_step (stmt, &local);
    if (local != NULL) {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
    if (!taken)
      best = room;
  }
  *out_name = best != NULL ? best->name : NULL;
  return TRUE;
}

/* The free starts nearest to what was wished, in the order of the day. */
static gboolean
add_alternatives (sqlite3 *db, const RpBookingsConfig *config, const Wish *wish, const Now *now,
                  JsonBuilder *b, GError **error)
{
  guint weekday = g_date_get_weekday (&wish->date) - 1;
  int open = (int) config->hours[weekday].open_min, close = (int) config->hours[weekday].close_min;
  int length = wish->end - wish->start, step = (int) config->step_min;
  int earliest = g_date_compare (&wish->date, &now->today) == 0 ? MAX (open, now->now_min) : open;
  int found[MAX_ALTERNATIVES];
  guint n = 0;
  int base = wish->start / step * step;
  for (int away = 0; away <= DAY_MIN && n < MAX_ALTERNATIVES; away += step)
    for (int sign = -1; sign <= 1 && n < MAX_ALTERNATIVES; sign += 2) {
      int start = base + sign * away;
      if ((away == 0 && sign > 0) || start == wish->start || start < earliest ||
          start + length > close)
        continue;
      if (n > 0 && ABS (start - found[0]) < MIN_APART_MIN)
        continue;
      const char *room = NULL;
      if (!find_room (db, config, wish, start, &room, error))
        return FALSE;
      if (room != NULL)
        found[n++] = start;
    }
  if (n == 2 && found[0] > found[1]) {
    int swap = found[0];
    found[0] = found[1];
    found[1] = swap;
  }
  json_builder_set_member_name (b, "alternatives");
  json_builder_begin_array (b);
  for (guint i = 0; i < n; i++) {
    g_autofree char *text = g_strdup_printf ("%02d:%02d", found[i] / 60, found[i] % 60);
    json_builder_add_string_value (b, text);
  }
  json_builder_end_array (b);
  return TRUE;
}

static gboolean
open_on (const RpBookingsConfig *config, const GDate *date)
{
  guint weekday = g_date_get_weekday (date) - 1;
  return config->hours[weekday].close_min > config->hours[weekday].open_min;
}

static char *
closed_day (const RpBookingsConfig *config, const Wish *wish)
{
  JsonBuilder *b = result_new (FALSE, "closed_day");
  GDate next = wish->date;
  for (guint i = 0; i < 7; i++) {
    g_date_add_days (&next, 1);
    if (open_on (config, &next)) {
      char text[16];
      date_text (&next, text);
      rp_result_string (b, "next_day", text);
      break;
    }
  }
  return rp_result_end (b);
}

/* What the rules of the house say. Returns: (transfer full) a refusal, or NULL when it may be. */
static char *
check_rules (const RpBookingsConfig *config, const Wish *wish, const Now *now)
{
  int length = wish->end - wish->start;
  int days = g_date_days_between (&now->today, &wish->date);
  guint largest = 0;
  for (guint i = 0; i < config->rooms->len; i++)
    largest = MAX (largest, ((const RpRoom *) g_ptr_array_index (config->rooms, i))->seats);
  if (config->rooms->len == 0)
    return refusal ("no_rooms");
  if (days < 0 || (days == 0 && wish->start < now->now_min))
    return refusal (days < 0 ? "past_day" : "past");
  if (days > (int) config->max_days_ahead) {
    JsonBuilder *b = result_new (FALSE, "too_far");
    result_int (b, "max_days", config->max_days_ahead);
    return rp_result_end (b);
  }
  if (length < (int) config->shortest_min || length > (int) config->longest_min) {
    JsonBuilder *b =
        result_new (FALSE, length < (int) config->shortest_min ? "too_short" : "too_long");
    result_int (b, "shortest", config->shortest_min);
    result_int (b, "longest", config->longest_min);
    return rp_result_end (b);
  }
  if (wish->people > largest) {
    JsonBuilder *b = result_new (FALSE, "too_many_people");
    result_int (b, "largest", largest);
    return rp_result_end (b);
  }
  if (!open_on (config, &wish->date))
    return closed_day (config, wish);
  return NULL;
}

/* Opening hours and the grid: refusals that name other times. */
static char *
check_hours (sqlite3 *db, const RpBookingsConfig *config, const Wish *wish, const Now *now,
             GError **error)
{
  guint weekday = g_date_get_weekday (&wish->date) - 1;
  int open = (int) config->hours[weekday].open_min, close = (int) config->hours[weekday].close_min;
  const char *reason = wish->start < open || wish->end > close     ? "closed"
                       : wish->start % (int) config->step_min != 0 ? "step"
                                                                   : NULL;
  if (reason == NULL)
    return NULL;
  JsonBuilder *b = result_new (FALSE, reason);
  result_time (b, "opens", open);
  result_time (b, "closes", close);
  result_int (b, "step", config->step_min);
  if (!add_alternatives (db, config, wish, now, b, error)) {
    g_object_unref (b);
    return NULL;
  }
  return rp_result_end (b);
}

/* Four digits are easy to say and to note. 7919 is prime to 9000: no number comes twice in 9000. */
static char *
reference_for (gint64 id)
{
  return g_strdup_printf ("%" G_GINT64_FORMAT, 1000 + (id * 7919) % 9000);
}

static char *
write_booking (sqlite3 *db, const Wish *wish, const char *room, gint64 now_unix_s, GError **error)
{
  if (!rp_store_run (
          db, error,
          "INSERT INTO bookings (reference, room, day, start_min, end_min, name, people, created_s)"
          " VALUES ('', ?, ?, ?, ?, ?, ?, ?)",
          "ssiisii", room, wish->day, (gint64) wish->start, (gint64) wish->end, wish->name,
          (gint64) wish->people, now_unix_s))
    return NULL;
  gint64 id = sqlite3_last_insert_rowid (db);
  g_autofree char *reference = reference_for (id);
  if (!rp_store_run (db, error, "UPDATE bookings SET reference = ? WHERE id = ?", "si", reference,
                     id))
    return NULL;
  JsonBuilder *b = result_new (TRUE, NULL);
  rp_result_string (b, "reference", reference);
  rp_result_string (b, "room", room);
  rp_result_string (b, "day", wish->day);
  result_time (b, "time", wish->start);
  result_time (b, "until", wish->end);
  result_int (b, "duration", wish->end - wish->start);
  rp_result_string (b, "name", wish->name);
  return rp_result_end (b);
}

char *
rp_bookings_book (sqlite3 *db, const RpBookingsConfig *config, JsonObject *arguments,
                  gint64 now_unix_s, GError **error)
{
  Wish wish = {.name = rp_json_string (arguments, "name", ""),
               .people = (guint) rp_json_int (arguments, "people", 1)};
  Now now;
  now_in_zone (config, now_unix_s, &now);
  if (!parse_day (rp_json_string (arguments, "day", ""), &wish.date, error) ||
      !parse_time (rp_json_string (arguments, "time", ""), &wish.start, error))
    return NULL;
  date_text (&wish.date, wish.day);
  wish.end = wish.start + (int) rp_json_int (arguments, "duration", 60);
  char *answer = check_rules (config, &wish, &now);
  if (answer != NULL)
    return answer;
  g_autoptr (GError) local = NULL;
  answer = check_hours (db, config, &wish, &now, &local);
  const char *room = NULL;
  if (answer == NULL && local == NULL && find_room (db, config, &wish, wish.start, &room, &local)) {
    if (room != NULL)
      return write_booking (db, &wish, room, now_unix_s, error);
    JsonBuilder *b = result_new (FALSE, "conflict");
    if (add_alternatives (db, config, &wish, &now, b, &local))
      answer = rp_result_end (b);
    else
      g_object_unref (b);
  }
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return NULL;
  }
  return answer;
}

/* Names as different ears wrote them: the same, one letter off, or the surname alone. */
static gboolean
same_name (const char *a, const char *b)
{
  g_autoptr (RpWords) x = rp_words_split (a);
  g_autoptr (RpWords) y = rp_words_split (b);
  if (x->n == 0 || y->n == 0)
    return FALSE;
  const char *last_x = x->v[x->n - 1].norm, *last_y = y->v[y->n - 1].norm;
  guint limit = strlen (last_x) >= 5 ? 1 : 0;
  if (rp_edit_distance (last_x, last_y, limit) > limit)
    /* A first name given for "Anna King". */
    return x->n != y->n && (x->n == 1 || y->n == 1) && strcmp (x->v[0].norm, y->v[0].norm) == 0;
  return x->n == 1 || y->n == 1 || rp_edit_distance (x->v[0].norm, y->v[0].norm, 1) <= 1;
}

typedef struct {
  gint64 id;
  char *reference, *room, *day, *name;
  int start, end;
} Booking;

static void
booking_free (gpointer data)
{
  Booking *booking = data;
  g_free (booking->reference);
  g_free (booking->room);
  g_free (booking->day);
  g_free (booking->name);
  g_free (booking);
}

/* Bookings that are still to come. @name, @reference, @day: (nullable) must match. */
static GPtrArray *
find_bookings (sqlite3 *db, const Now *now, const char *name, const char *reference,
               const char *day, gint64 start, GError **error)
{
  g_autoptr (RpStatement) stmt =
      rp_store_prepare (db, error,
                        "SELECT id, reference, room, day, start_min, end_min, name FROM bookings"
                        " WHERE cancelled_s IS NULL AND (day > ?1 OR (day = ?1 AND end_min > ?2))"
                        " AND (?3 IS NULL OR reference = ?3) AND (?4 IS NULL OR day = ?4)"
                        " AND (?5 < 0 OR start_min = ?5)"
                        " ORDER BY day, start_min, id LIMIT 1000",
                        "sissi", now->today_text, (gint64) now->now_min, reference, day, start);
  if (stmt == NULL)
    return NULL;
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (booking_free);
  g_autoptr (GError) local = NULL;
  while (rp_store_step (stmt, &local)) {
    const char *booked = (const char *) sqlite3_column_text (stmt, 6);
    if (name != NULL && !same_name (name, booked))
      continue;
    Booking *booking = g_new0 (Booking, 1);
    booking->id = sqlite3_column_int64 (stmt, 0);
    booking->reference = g_strdup ((const char *) sqlite3_column_text (stmt, 1));
    booking->room = g_strdup ((const char *) sqlite3_column_text (stmt, 2));
    booking->day = g_strdup ((const char *) sqlite3_column_text (stmt, 3));
    booking->start = sqlite3_column_int (stmt, 4);
    booking->end = sqlite3_column_int (stmt, 5);
    booking->name = g_strdup (booked);
    g_ptr_array_add (found, booking);
  }
  if (local == NULL)
    return g_steal_pointer (&found);
  g_propagate_error (error, g_steal_pointer (&local));
  return NULL;
}

static void
add_booking (JsonBuilder *b, const Booking *booking)
{
  rp_result_string (b, "reference", booking->reference);
  rp_result_string (b, "room", booking->room);
  rp_result_string (b, "day", booking->day);
  result_time (b, "time", booking->start);
  result_int (b, "duration", booking->end - booking->start);
  rp_result_string (b, "name", booking->name);
}

static GPtrArray *
find_by_arguments (sqlite3 *db, const RpBookingsConfig *config, JsonObject *arguments,
                   gint64 now_unix_s, GError **error)
{
  Now now;
  now_in_zone (config, now_unix_s, &now);
  const char *name = rp_json_string (arguments, "name", NULL);
  const char *reference = rp_json_string (arguments, "reference", NULL);
  const char *day = rp_json_string (arguments, "day", NULL);
  const char *time = rp_json_string (arguments, "time", NULL);
  GDate date;
  int start = -1;
  if ((day != NULL && !parse_day (day, &date, error)) ||
      (time != NULL && !parse_time (time, &start, error)))
    return NULL;
  if (name == NULL && reference == NULL) {
    g_set_error (error, RP_TOOL_ERROR, RP_TOOL_ERROR_ARGUMENTS, "a name or a reference is needed");
    return NULL;
  }
  /* A reference is enough; with both, a name misheard does not hide the booking. */
  return find_bookings (db, &now, reference != NULL ? NULL : name, reference, day, start, error);
}

char *
rp_bookings_list (sqlite3 *db, const RpBookingsConfig *config, JsonObject *arguments,
                  gint64 now_unix_s, GError **error)
{
  g_autoptr (GPtrArray) found = find_by_arguments (db, config, arguments, now_unix_s, error);
  if (found == NULL)
    return NULL;
  if (found->len == 0)
    return refusal ("not_found");
  JsonBuilder *b = result_new (TRUE, NULL);
  result_int (b, "count", found->len);
  add_booking (b, g_ptr_array_index (found, 0));
  if (found->len > 1)
    result_int (b, "more", found->len - 1);
  json_builder_set_member_name (b, "bookings");
  json_builder_begin_array (b);
  for (guint i = 0; i < MIN (found->len, MAX_LISTED); i++) {
    json_builder_begin_object (b);
    add_booking (b, g_ptr_array_index (found, i));
    json_builder_end_object (b);
  }
  json_builder_end_array (b);
  return rp_result_end (b);
}

static gboolean
same_day (const GPtrArray *found)
{
  for (guint i = 1; i < found->len; i++)
    if (strcmp (((const Booking *) g_ptr_array_index (found, i))->day,
                ((const Booking *) g_ptr_array_index (found, 0))->day) != 0)
      return FALSE;
  return TRUE;
}

/* Two rooms at one time under one name: any of them will do. */
static gboolean
all_alike (const GPtrArray *found)
{
  for (guint i = 1; i < found->len; i++)
    if (((const Booking *) g_ptr_array_index (found, i))->start !=
        ((const Booking *) g_ptr_array_index (found, 0))->start)
      return FALSE;
  return same_day (found);
}

/* Says by what they differ: their days, or their times. */
static char *
which_one (const GPtrArray *found)
{
  gboolean by_time = same_day (found);
  JsonBuilder *b = result_new (FALSE, by_time ? "several_times" : "several");
  const char *last = NULL;
  result_int (b, "count", found->len);
  json_builder_set_member_name (b, by_time ? "times" : "days");
  json_builder_begin_array (b);
  for (guint i = 0; i < MIN (found->len, MAX_LISTED); i++) {
    const Booking *booking = g_ptr_array_index (found, i);
    g_autofree char *time = g_strdup_printf ("%02d:%02d", booking->start / 60, booking->start % 60);
    if (by_time || g_strcmp0 (last, booking->day) != 0)
      json_builder_add_string_value (b, by_time ? time : booking->day);
    last = booking->day;
  }
  json_builder_end_array (b);
  return rp_result_end (b);
}

char *
rp_bookings_cancel (sqlite3 *db, const RpBookingsConfig *config, JsonObject *arguments,
                    gint64 now_unix_s, GError **error)
{
  g_autoptr (GPtrArray) found = find_by_arguments (db, config, arguments, now_unix_s, error);
  if (found == NULL)
    return NULL;
  if (found->len == 0)
    return refusal ("not_found");
  if (found->len > 1 && !all_alike (found))
    return which_one (found);
  const Booking *booking = g_ptr_array_index (found, 0);
  if (!rp_store_run (db, error, "UPDATE bookings SET cancelled_s = ? WHERE id = ?", "ii",
                     now_unix_s, booking->id))
    return NULL;
  JsonBuilder *b = result_new (TRUE, NULL);
  add_booking (b, booking);
  return rp_result_end (b);
}

char *
rp_messages_take (sqlite3 *db, const RpBookingsConfig *config, JsonObject *arguments,
                  gint64 now_unix_s, GError **error)
{
  if (!rp_store_run (db, error,
                     "INSERT INTO messages (name, number, message, created_s) VALUES (?, ?, ?, ?)",
                     "sssi", rp_json_string (arguments, "name", ""),
                     rp_json_string (arguments, "number", NULL),
                     rp_json_string (arguments, "message", ""), now_unix_s))
    return NULL;
  JsonBuilder *b = result_new (TRUE, NULL);
  result_int (b, "id", sqlite3_last_insert_rowid (db));
  return rp_result_end (b);
}
