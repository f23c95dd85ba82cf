/* Telephone keys as entries: digits that belong together. # ends an entry, * clears it, and so does
 * a pause; one key answers a yes-or-no question. Pure; one thread. */
#pragma once

#include "completeness.h"

#include <glib.h>

G_BEGIN_DECLS

/* An entry that has become so long is taken as it is. */
#define RP_KEYPAD_MAX_DIGITS 64

typedef struct _RpKeypad RpKeypad;

RpKeypad *rp_keypad_new (void);
void rp_keypad_free (RpKeypad *keypad);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpKeypad, rp_keypad_free)

/* @button: one of 0-9*#. @expect: what the agent has asked for. Returns: whether an entry has begun
 * with it: the agent falls silent. */
gboolean rp_keypad_press (RpKeypad *keypad, gint64 now_us, char button, RpExpect expect);

/* The next entry that is complete. Returns: (transfer full) NULL when there is none */
char *rp_keypad_poll (RpKeypad *keypad, gint64 now_us);
/* When to poll again; G_MAXINT64: never. */
gint64 rp_keypad_deadline (const RpKeypad *keypad);

G_END_DECLS
