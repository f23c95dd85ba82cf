/* Whether the words so far sound like a finished turn, judged by the words alone.
 *
 * Rules of spoken English: a trailing conjunction, article, preposition or filler, a phrase that
 * needs an object ("my name is"), spelled letters or digits in progress. Punctuation and case are
 * ignored: speech recognisers end any fragment with a full stop. */
#pragma once

#include "dialogue.h"
#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  RP_COMPLETENESS_UNSURE,     /* no sign either way: the usual pause decides */
  RP_COMPLETENESS_COMPLETE,   /* a whole request, question or answer: may be answered at once */
  RP_COMPLETENESS_UNFINISHED, /* more is coming: wait longer */
} RpCompleteness;

/* @text: UTF-8, everything said in this turn so far; NULL and "" are UNSURE.
 * @expect: what was asked for: digits and letters are UNFINISHED longer when they are expected. */
RpCompleteness rp_completeness (const char *text, RpExpect expect);

/* "mm-hmm", "yeah", "okay", "right": said while listening, not to take the turn. Meant for speech
 * over the agent's own: the same words after a question are an answer. */
gboolean rp_is_backchannel (const char *text);

/* "stop", "wait", "no no", "excuse me", "hold on": wants the floor however short it is. */
gboolean rp_is_interruption (const char *text);

/* Nothing but "um", "uh", "er", "hm": no turn at all. */
gboolean rp_is_filler (const char *text);

G_END_DECLS
