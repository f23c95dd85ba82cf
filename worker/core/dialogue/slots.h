/* What a spoken answer means: dates, times, durations, numbers, names, yes and no, in English.
 *
 * Pure functions of the words and of the moment they were said. A finder looks anywhere in the
 * words and takes the last statement when one is corrected ("at two, no, at three"). With @wanted
 * FALSE only what cannot mean anything else is taken ("at three", "three pm"); with @wanted TRUE
 * the slot was asked for and a bare "three" is enough. */
#pragma once

#include "flow.h"
#include "words.h"
#include <glib.h>

G_BEGIN_DECLS

/* When the words were said, in the time zone of the agent. */
typedef struct {
  GDate today;
  int now_min; /* minutes after midnight */
} RpSlotMoment;

/* @tz: (nullable) UTC */
void rp_slot_moment_init (RpSlotMoment *moment, gint64 unix_s, GTimeZone *tz);

typedef struct {
  char *value;      /* canonical, see RpSlotType; (transfer full) */
  guint first, end; /* the words it was made of, [first, end) */
} RpSlotMatch;

/* @used: one flag per word: already part of something else; the words of the match are set in it.
 * Returns: FALSE and @out_match untouched when there is none. */
gboolean rp_slot_find (const RpSlot *slot, const RpWords *words, gboolean *used,
                       const RpSlotMoment *moment, gboolean wanted, RpSlotMatch *out_match);

gboolean rp_find_date (const RpWords *words, gboolean *used, const RpSlotMoment *moment,
                       gboolean wanted, RpSlotMatch *out_match);
/* @earliest_min, @latest_min: where a time without am or pm is looked for. */
gboolean rp_find_time (const RpWords *words, gboolean *used, const RpSlotMoment *moment,
                       int earliest_min, int latest_min, gboolean wanted, RpSlotMatch *out_match);
gboolean rp_find_duration (const RpWords *words, gboolean *used, gboolean wanted,
                           RpSlotMatch *out_match);
/* "from two to four": a time and the minutes until the second. */
gboolean rp_find_period (const RpWords *words, gboolean *used, int earliest_min, int latest_min,
                         RpSlotMatch *out_time, char **out_duration);
gboolean rp_find_digits (const RpWords *words, gboolean *used, gboolean wanted,
                         RpSlotMatch *out_match);
/* @so_far: (nullable) the value so far, to which a surname is added. */
gboolean rp_find_name (const RpWords *words, gboolean *used, gboolean wanted, const char *so_far,
                       RpSlotMatch *out_match);

/* A number that begins at word @i: "25", "twenty five", "a couple of". Returns: words taken, or 0.
 */
guint rp_number_at (const RpWords *words, guint i, double *out_value);

/* The one telephone key that is all there is, 1-9, or 0. */
guint rp_single_key (const RpWords *words);

typedef enum { RP_ANSWER_NEITHER, RP_ANSWER_YES, RP_ANSWER_NO } RpAnswer;
/* Whether the words say yes or no to a question; key 1 is yes and key 2 is no. */
RpAnswer rp_yes_no (const RpWords *words);

/* How it is said: "tomorrow", "Tuesday, May 6"; "2:30 PM", "noon"; "1 hour"; "0 7 9, 1 1 2".
 * A value that is not canonical is returned as it is. Returns: (transfer full) */
/* "Tuesday, May 6". Returns: (transfer full) */
char *rp_say_weekday (const GDate *date);
char *rp_say_date (const char *value, const RpSlotMoment *moment);
char *rp_say_time (const char *value);
char *rp_say_duration (const char *value);
char *rp_say_digits (const char *value);
char *rp_say_slot (const RpSlot *slot, const char *value, const RpSlotMoment *moment);

G_END_DECLS
