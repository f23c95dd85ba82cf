/* A flow: a task that the agent does by asking for what it needs (slots) and then calling a tool.
 * Plain descriptions; dialogue.h plays them. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define RP_FLOW_ERROR (rp_flow_error_quark ())
GQuark rp_flow_error_quark (void);
typedef enum {
  RP_FLOW_ERROR_INVALID, /* the agent's author has to change something */
} RpFlowError;

typedef enum {
  RP_SLOT_DATE,     /* value "2025-05-06" */
  RP_SLOT_TIME,     /* value "14:30" */
  RP_SLOT_DURATION, /* value: minutes, "90" */
  RP_SLOT_NUMBER,   /* value "6" */
  RP_SLOT_DIGITS,   /* value "07911": telephone numbers, references */
  RP_SLOT_NAME,     /* value "Violet King" */
  RP_SLOT_CHOICE,   /* value: one of the choices */
  RP_SLOT_YES_NO,   /* value "yes" or "no" */
  RP_SLOT_TEXT,     /* value: what was said */
} RpSlotType;

/* "date", "yes-no", …. Returns: FALSE for an unknown name. */
gboolean rp_slot_type_from_name (const char *name, RpSlotType *out_type);
const char *rp_slot_type_name (RpSlotType type);

/* @say and the other texts of a flow are templates: {slot} is the slot as it is spoken, {field} is
 * a member of the tool's result, {field|time} says it as a time (also date, duration, digits,
 * list). A list is joined with "or". A sentence with a name that has no value is left out. */
typedef struct {
  char *name; /* [a-z_]+, a member of the tool's arguments */
  RpSlotType type;
  gboolean optional;  /* never asked for, taken when the user says it */
  char *fallback;     /* (nullable) the value, when the user did not say it: it is not asked for */
  char *prompt;       /* the question; NULL only when it is never asked */
  char *reprompt;     /* (nullable) when the answer was not understood */
  GPtrArray *words;   /* of char *: how the user names the slot, "time", "how long" */
  GPtrArray *units;   /* of char *: RP_SLOT_NUMBER: a number before one of these is this slot */
  GPtrArray *choices; /* of RpChoice *: RP_SLOT_CHOICE */
  int earliest_min;   /* RP_SLOT_TIME: "at three" without am or pm is taken in this part of the */
  int latest_min;     /* day; minutes after midnight, 0-1440; both 0: 07:00-19:00 */
  double minimum;     /* RP_SLOT_NUMBER, _DURATION; of _DIGITS how many; both 0: no limit */
  double maximum;
} RpSlot;

typedef struct {
  char *value;
  GPtrArray *words; /* of char *: other ways to say it */
} RpChoice;

/* What to say and do after a tool's result with "ok": false. */
typedef struct {
  char *reason; /* the result's "reason", or "*" */
  char *say;
  char *ask;   /* (nullable) slot to be asked for again: the flow goes on */
  char *offer; /* (nullable) member of the result: "yes" then fills @ask with its (first) value */
} RpFlowFailure;

typedef struct {
  char *name;            /* [a-z_]+ */
  char *summary;         /* (nullable) "book a room": for "I can …" */
  GPtrArray *triggers;   /* of char *: what a user says to begin it, at least one */
  GPtrArray *slots;      /* of RpSlot *, in the order to ask */
  char *opening;         /* (nullable) said when it begins */
  char *confirm;         /* (nullable) template of the question before the tool is called */
  char *tool;            /* the tool's name */
  char *working;         /* (nullable) said with the call: "One moment." */
  char *success;         /* template */
  GPtrArray *failures;   /* of RpFlowFailure * */
  GPtrArray *data_names; /* (nullable) of char *: what texts may know of the caller besides */
} RpFlow;

RpFlow *rp_flow_new (const char *name);
void rp_flow_free (RpFlow *flow);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpFlow, rp_flow_free)
RpSlot *rp_slot_new (const char *name, RpSlotType type);
void rp_slot_free (RpSlot *slot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpSlot, rp_slot_free)
RpChoice *rp_choice_new (const char *value);
void rp_choice_free (RpChoice *choice);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpChoice, rp_choice_free)
RpFlowFailure *rp_flow_failure_new (const char *reason, const char *say);
void rp_flow_failure_free (RpFlowFailure *failure);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpFlowFailure, rp_flow_failure_free)

/* Checks what dialogue.h relies upon: names, triggers, prompts, that @ask and templates name slots.
 * Returns: FALSE and @error, which says which slot or text and what to do. */
gboolean rp_flow_validate (const RpFlow *flow, GError **error);

/* (transfer none) (nullable) */
const RpSlot *rp_flow_slot (const RpFlow *flow, const char *name);

G_END_DECLS
