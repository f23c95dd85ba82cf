/* Sessions of POST /start: a name for a conversation before and between its calls, with what the
 * application wants known about it. Without I/O and clock, bounded.
 *
 * A reservation waits for its call a while, lives as long as the call, and a while longer, so that
 * the client may call again. It holds no worker: only a few bytes. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How long one waits for its call, and is kept after it. */
#define RP_RESERVATION_IDLE_US (60 * G_USEC_PER_SEC)

typedef struct {
  guint max_idle; /* without a call at the same time, from 1 */
  gint64 idle_us; /* 0 = RP_RESERVATION_IDLE_US */
} RpReservationsConfig;

typedef struct {
  const char *id;
  const char *agent;        /* (nullable) none was chosen */
  const char *request_data; /* (nullable) a JSON object as text */
  const char *call;         /* (nullable) the id of the call it is in */
} RpReservation;

typedef struct _RpReservations RpReservations;

/* Returns: (transfer full) */
RpReservations *rp_reservations_new (const RpReservationsConfig *config);
void rp_reservations_free (RpReservations *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpReservations, rp_reservations_free)

/* @id: unique; all strings are copied. Returns: FALSE when as many as may wait do so. */
gboolean rp_reservations_add (RpReservations *self, gint64 now_us, const char *id,
                              const char *agent, const char *request_data);
/* Returns: (transfer none) (nullable): NULL when there is none of this id, or none any more. Valid
 * until the next call of anything here. */
const RpReservation *rp_reservations_find (RpReservations *self, gint64 now_us, const char *id);
/* Its call is being set up: it waits the whole time again. */
void rp_reservations_renew (RpReservations *self, gint64 now_us, const char *id);
/* @call has begun; a former one is forgotten. Nothing happens when there is no such reservation. */
void rp_reservations_begin (RpReservations *self, gint64 now_us, const char *id, const char *call);
/* @call has ended; a reservation whose call it is waits for another. */
void rp_reservations_end (RpReservations *self, gint64 now_us, const char *call);

/* When the next one runs out; G_MAXINT64 = none does. */
gint64 rp_reservations_deadline (const RpReservations *self);
/* Forgets those that have run out. */
void rp_reservations_expire (RpReservations *self, gint64 now_us);

/* With and without a call. */
guint rp_reservations_count (const RpReservations *self);

G_END_DECLS
