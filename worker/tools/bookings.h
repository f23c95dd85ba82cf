/* Bookings of rooms, and messages for the people at the desk, in one SQLite file.
 *
 * Any number of workers may have the file open: writes are serialised by SQLite (WAL, busy
 * timeout), and a booking is checked and written in one transaction, so two callers never get one
 * room. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define RP_BOOKINGS_MAX_ROOMS 64

typedef struct {
  char *name;
  guint seats; /* 1-1000 */
} RpRoom;

typedef struct {
  GPtrArray *rooms; /* of RpRoom *, at least one for book_room to succeed */
  /* Per day of the week, 0 = Monday: minutes after midnight; equal: closed. */
  struct {
    guint open_min, close_min;
  } hours[7];
  guint step_min;       /* a booking begins at a multiple of this; 5-60, divides 60 */
  guint shortest_min;   /* 5-1440 */
  guint longest_min;    /* 5-1440 */
  guint max_days_ahead; /* 1-730 */
  char *timezone;       /* IANA name; NULL: the machine's */
} RpBookingsConfig;

/* One hour steps from 8 to 20 on weekdays, no rooms. */
void rp_bookings_config_init (RpBookingsConfig *config);
void rp_bookings_config_copy (RpBookingsConfig *to, const RpBookingsConfig *from);
void rp_bookings_config_clear (RpBookingsConfig *config);
void rp_bookings_config_add_room (RpBookingsConfig *config, const char *name, guint seats);

G_END_DECLS
