/* The tools behind tool.c. Each gets checked arguments and runs inside a write transaction.
 * Returns: (transfer full) a JSON object, or NULL and @error. */
#pragma once

#include "bookings.h"
#include "json.h"
#include "store.h"

G_BEGIN_DECLS

typedef char *(*RpToolFunc) (sqlite3 *db, const RpBookingsConfig *config, JsonObject *arguments,
                             gint64 now_unix_s, GError **error);

char *rp_bookings_book (sqlite3 *db, const RpBookingsConfig *config, JsonObject *arguments,
                        gint64 now_unix_s, GError **error);
char *rp_bookings_list (sqlite3 *db, const RpBookingsConfig *config, JsonObject *arguments,
                        gint64 now_unix_s, GError **error);
char *rp_bookings_cancel (sqlite3 *db, const RpBookingsConfig *config, JsonObject *arguments,
                          gint64 now_unix_s, GError **error);
char *rp_messages_take (sqlite3 *db, const RpBookingsConfig *config, JsonObject *arguments,
                        gint64 now_unix_s, GError **error);

void rp_result_string (JsonBuilder *b, const char *name, const char *value);
/* @b: (transfer full) */
char *rp_result_end (JsonBuilder *b);

G_END_DECLS
