/* Plays a flow: fills slots from what is said, asks, confirms, calls, reports. */
#include "dialogue-private.h"

#include <stdlib.h>
#include <string.h>

/* Not understood this often, a flow is given up. */
#define MAX_MISSES 3
#define NO_SLOT G_MAXUINT
/* "Any time is fine" has one word of "what time is my booking?": another task is named by more. */
#define LEAST_TASK_WORDS 2

static const RpSlot *
slot_at (const RpFold *fold, guint i)
{
  return g_ptr_array_index (fold->flow->slots, i);
}

static void
set_value (RpFold *fold, guint slot, const char *value)
{
  char *copy = g_strdup (value);
  g_free (fold->values[slot]);
  fold->values[slot] = copy;
}

void
rp_fold_end_flow (RpFold *fold)
{
  for (guint i = 0; i < RP_DIALOGUE_MAX_SLOTS; i++)
    g_clear_pointer (&fold->values[i], g_free);
  g_clear_pointer (&fold->offers, g_ptr_array_unref);
  g_clear_pointer (&fold->call_id, g_free);
  fold->flow = NULL;
  fold->stage = RP_STAGE_IDLE;
  fold->misses = 0;
  fold->question_heard = FALSE;
}

static void
say_template (RpFold *fold, RpBrainReply *reply, const char *text, GHashTable *result)
{
  g_autofree char *said =
      rp_template_render (text, fold->flow, fold->values, result, fold->data, &fold->moment);
  rp_fold_say (reply, said);
}

static RpExpect
expect_of (const RpSlot *slot)
{
  switch (slot->type) {
  case RP_SLOT_NAME:
    return RP_EXPECT_NAME;
  case RP_SLOT_DIGITS:
    return RP_EXPECT_DIGITS;
  case RP_SLOT_TEXT:
    return RP_EXPECT_MESSAGE;
  case RP_SLOT_YES_NO:
    return RP_EXPECT_YES_NO;
  case RP_SLOT_DATE:
  case RP_SLOT_TIME:
  case RP_SLOT_DURATION:
  case RP_SLOT_NUMBER:
  case RP_SLOT_CHOICE:
    break;
  }
  return RP_EXPECT_SHORT;
}

static void
ask_slot (RpFold *fold, RpBrainReply *reply, guint slot, gboolean again)
{
  const RpSlot *s = slot_at (fold, slot);
  fold->stage = RP_STAGE_ASK;
  fold->slot = slot;
  /* An optional slot is asked for only when a failure or a correction names it. */
  const char *text = again && s->reprompt != NULL ? s->reprompt : s->prompt;
  g_autofree char *own = NULL;
  if (text == NULL)
    text = own =
        g_strdup_printf ("What %s would you like?",
                         s->words->len > 0 ? (char *) g_ptr_array_index (s->words, 0) : s->name);
  say_template (fold, reply, text, NULL);
  reply->expect = expect_of (s);
}

/* The slot of @type that a value found by itself belongs to: the one asked for, else the first that
 * is empty, else the first. */
static guint
slot_of_type (const RpFold *fold, RpSlotType type, guint wanted)
{
  guint first = NO_SLOT;
  if (wanted != NO_SLOT && slot_at (fold, wanted)->type == type)
    return wanted;
  for (guint i = 0; i < fold->flow->slots->len; i++) {
    if (slot_at (fold, i)->type != type)
      continue;
    if (fold->values[i] == NULL)
      return i;
    if (first == NO_SLOT)
      first = i;
  }
  return first;
}

/* The caller need not say the name again for the next task. */
static void
keep_name (RpFold *fold)
{
  guint name = slot_of_type (fold, RP_SLOT_NAME, NO_SLOT);
  if (name == NO_SLOT || fold->values[name] == NULL)
    return;
  g_free (fold->user_name);
  fold->user_name = g_strdup (fold->values[name]);
}

static void
succeed (RpFold *fold, RpBrainReply *reply, GHashTable *result)
{
  say_template (fold, reply, fold->flow->success, result);
  if (reply->segments->len == 0)
    rp_fold_say (reply, "That's done.");
  keep_name (fold);
  rp_fold_end_flow (fold);
}

static void
call_tool (RpFold *fold, RpBrainReply *reply)
{
  if (fold->flow->working != NULL)
    say_template (fold, reply, fold->flow->working, NULL);
  g_autofree char *arguments = rp_flow_arguments (fold->flow, fold->values);
  rp_fold_call (fold, reply, fold->flow->tool, arguments);
  fold->stage = RP_STAGE_CALLING;
  /* Of what is only told nothing comes back. */
  if (rp_dialogue_only_notifies (fold->agent, fold->flow->tool))
    succeed (fold, reply, NULL);
}

/* Asks for what is missing, then for the confirmation, then calls. */
static void
advance (RpFold *fold, RpBrainReply *reply)
{
  for (guint i = 0; i < fold->flow->slots->len; i++) {
    const RpSlot *slot = slot_at (fold, i);
    if (fold->values[i] == NULL && !slot->optional && slot->fallback == NULL) {
      ask_slot (fold, reply, i, FALSE);
      return;
    }
  }
  if (fold->flow->confirm == NULL) {
    call_tool (fold, reply);
    return;
  }
  fold->stage = RP_STAGE_CONFIRM;
  fold->question_heard = FALSE;
  say_template (fold, reply, fold->flow->confirm, NULL);
  reply->expect = RP_EXPECT_YES_NO;
}

void
rp_fold_ask_again (RpFold *fold, RpBrainReply *reply)
{
  if (fold->quiz != NULL) {
    rp_fold_ask_quiz (fold, reply);
    return;
  }
  switch (fold->stage) {
  case RP_STAGE_ASK:
    ask_slot (fold, reply, fold->slot, FALSE);
    return;
  case RP_STAGE_CHANGE:
    rp_fold_say (reply, "What should I change?");
    return;
  case RP_STAGE_WAITING:
    rp_fold_phrase (fold, reply, RP_PHRASE_WORKING);
    return;
  case RP_STAGE_IDLE:
  case RP_STAGE_CONFIRM:
  case RP_STAGE_CALLING:
    break;
  }
  advance (fold, reply);
}

static gboolean
in_bounds (const RpSlot *slot, const char *value)
{
  if ((slot->type != RP_SLOT_NUMBER && slot->type != RP_SLOT_DURATION &&
       slot->type != RP_SLOT_DIGITS) ||
      (slot->minimum == 0 && slot->maximum == 0))
    return TRUE;
  double number =
      slot->type == RP_SLOT_DIGITS ? (double) strlen (value) : g_ascii_strtod (value, NULL);
  return number >= slot->minimum && number <= slot->maximum;
}

typedef struct {
  guint found;    /* slots whose value was said */
  guint changed;  /* of these, with another value than before */
  gboolean wrong; /* a value was said and is out of bounds */
} Filled;

static void
fill (RpFold *fold, guint slot, const char *value, Filled *filled)
{
  if (!in_bounds (slot_at (fold, slot), value)) {
    filled->wrong = TRUE;
    return;
  }
  filled->found++;
  if (g_strcmp0 (fold->values[slot], value) != 0)
    filled->changed++;
  set_value (fold, slot, value);
}

static void
find_one (RpFold *fold, const RpWords *words, gboolean *used, guint slot, gboolean wanted,
          Filled *filled)
{
  RpSlotMatch match = {0};
  const RpSlot *s = slot_at (fold, slot);
  gboolean found = s->type == RP_SLOT_NAME
                       ? rp_find_name (words, used, wanted, fold->values[slot], &match)
                       : rp_slot_find (s, words, used, &fold->moment, wanted, &match);
  if (!found)
    return;
  fill (fold, slot, match.value, filled);
  g_free (match.value);
}

static void
find_period (RpFold *fold, const RpWords *words, gboolean *used, guint wanted, Filled *filled)
{
  guint time = slot_of_type (fold, RP_SLOT_TIME, wanted);
  guint duration = slot_of_type (fold, RP_SLOT_DURATION, wanted);
  if (time == NO_SLOT || duration == NO_SLOT)
    return;
  const RpSlot *slot = slot_at (fold, time);
  RpSlotMatch match = {0};
  g_autofree char *minutes = NULL;
  if (!rp_find_period (words, used, slot->earliest_min, slot->latest_min, &match, &minutes))
    return;
  fill (fold, time, match.value, filled);
  fill (fold, duration, minutes, filled);
  g_free (match.value);
}

/* Takes every slot's value out of @words. @wanted: the slot that was asked for, or NO_SLOT. */
static Filled
fill_slots (RpFold *fold, const RpWords *words, gboolean *used, guint wanted)
{
  /* What is plain comes before what takes any word: "tomorrow at three, Anna". */
  static const RpSlotType order[] = {RP_SLOT_DATE,   RP_SLOT_TIME,   RP_SLOT_DURATION,
                                     RP_SLOT_NUMBER, RP_SLOT_CHOICE, RP_SLOT_DIGITS,
                                     RP_SLOT_NAME,   RP_SLOT_YES_NO, RP_SLOT_TEXT};
  Filled filled = {0};
  RpSlotType asked = wanted != NO_SLOT ? slot_at (fold, wanted)->type : RP_SLOT_YES_NO;
  if (wanted != NO_SLOT && (asked == RP_SLOT_TEXT || asked == RP_SLOT_DIGITS))
    find_one (fold, words, used, wanted, TRUE, &filled);
  find_period (fold, words, used, wanted, &filled);
  for (guint k = 0; k < G_N_ELEMENTS (order); k++) {
    guint slot = slot_of_type (fold, order[k], wanted);
    if (slot == NO_SLOT)
      continue;
    gboolean bare =
        slot == wanted && !(order[k] == RP_SLOT_NAME && rp_sounds_like_question (words));
    find_one (fold, words, used, slot, bare, &filled);
    /* Several numbers or choices may be said at once; each slot knows its own units. */
    for (guint i = slot + 1; i < fold->flow->slots->len; i++)
      if (i != wanted && slot_at (fold, i)->type == order[k] &&
          (order[k] == RP_SLOT_NUMBER || order[k] == RP_SLOT_CHOICE))
        find_one (fold, words, used, i, FALSE, &filled);
  }
  return filled;
}

/* The slot that is named without a value: "the time is wrong". */
static guint
named_slot (const RpFold *fold, const RpWords *words)
{
  for (guint i = 0; i < fold->flow->slots->len; i++) {
    const RpSlot *slot = slot_at (fold, i);
    for (guint k = 0; k < slot->words->len; k++)
      if (rp_words_find (words, g_ptr_array_index (slot->words, k), NULL))
        return i;
    if (rp_words_find (words, slot->name, NULL))
      return i;
  }
  return NO_SLOT;
}

static gboolean *
flags_for (const RpWords *words)
{
  return g_new0 (gboolean, (words != NULL ? words->n : 0) + 1);
}

void
rp_fold_begin_flow (RpFold *fold, RpBrainReply *reply, const RpFlow *flow, const RpWords *words)
{
  g_autofree gboolean *used = flags_for (words);
  rp_fold_end_flow (fold);
  rp_fold_end_quiz (fold);
  fold->flow = flow;
  fold->message_offered = FALSE;
  fold->tied = FALSE;
  fold->unknowns = 0;
  if (words != NULL && words->n > 0)
    fill_slots (fold, words, used, NO_SLOT);
  guint name = slot_of_type (fold, RP_SLOT_NAME, NO_SLOT);
  if (name != NO_SLOT && fold->values[name] == NULL && fold->user_name != NULL)
    set_value (fold, name, fold->user_name);
  if (flow->opening != NULL)
    say_template (fold, reply, flow->opening, NULL);
  advance (fold, reply);
}

gboolean
rp_fold_learn_name (RpFold *fold, const RpWords *words)
{
  /* "for Anna" alone, or "I'm looking for", is no introduction. */
  if (words->n > 12 || rp_words_match_at (words, 0, "for") > 0 ||
      rp_words_find (words, "looking", NULL))
    return FALSE;
  gboolean announced = rp_words_find (words, "name", NULL) ||
                       rp_words_find (words, "surname", NULL) ||
                       rp_words_find (words, "this is", NULL);
  for (guint i = 0; i < words->n && !announced; i++)
    announced = g_ascii_strcasecmp (words->v[i].raw, "I'm") == 0 ||
                rp_words_match_at (words, i, "i am") > 0;
  g_autofree gboolean *used = flags_for (words);
  RpSlotMatch match = {0};
  if (!announced || rp_sounds_like_question (words) ||
      !rp_find_name (words, used, FALSE, fold->user_name, &match))
    return FALSE;
  g_free (fold->user_name);
  fold->user_name = match.value;
  return TRUE;
}

static void
give_up (RpFold *fold, RpBrainReply *reply)
{
  const RpFlow *flow = fold->flow;
  rp_fold_phrase (fold, reply, RP_PHRASE_GIVE_UP);
  rp_fold_end_flow (fold);
  if (fold->agent->offer != NULL && flow != fold->agent->offer) {
    rp_fold_phrase (fold, reply, RP_PHRASE_OFFER);
    fold->message_offered = TRUE;
    reply->expect = RP_EXPECT_YES_NO;
  }
}

/* A question in between, or another task. Returns: FALSE when it was neither. */
static gboolean
handle_aside (RpFold *fold, RpBrainReply *reply, const RpWords *words, const gboolean *used,
              double least)
{
  guint doc = 0, rival = 0;
  double confidence = rp_fold_search (fold, words, used, &doc, &rival);
  if (confidence < least)
    return FALSE;
  const RpFlow *flow = rp_fold_doc_flow (fold, doc);
  if (flow == fold->flow ||
      (flow != NULL && rp_index_content_words (words, used) < LEAST_TASK_WORDS))
    return FALSE;
  if (flow != NULL) {
    rp_fold_begin_flow (fold, reply, flow, words);
    return TRUE;
  }
  if (!rp_fold_doc_is_answer (fold, doc)) {
    rp_fold_begin_quiz (fold, reply, rp_fold_doc_quiz (fold, doc));
    return TRUE;
  }
  rp_fold_answer (fold, reply, doc);
  rp_fold_ask_again (fold, reply);
  return TRUE;
}

static void
not_understood (RpFold *fold, RpBrainReply *reply, const RpWords *words)
{
  if (++fold->misses >= MAX_MISSES) {
    give_up (fold, reply);
    return;
  }
  if (fold->stage == RP_STAGE_ASK) {
    const RpSlot *slot = slot_at (fold, fold->slot);
    /* It asked something that is not known: said so, then asked again. */
    if (rp_sounds_like_question (words))
      rp_fold_phrase (fold, reply, RP_PHRASE_UNKNOWN);
    else if (slot->reprompt == NULL)
      rp_fold_phrase (fold, reply, RP_PHRASE_NOT_HEARD);
    ask_slot (fold, reply, fold->slot, TRUE);
    return;
  }
  if (fold->stage == RP_STAGE_CONFIRM)
    rp_fold_say (reply,
                 fold->misses == 1 ? "Sorry, is that a yes or a no?" : "Please say yes or no.");
  rp_fold_ask_again (fold, reply);
}

/* "2" for the second, unless two o'clock was offered itself. */
static gboolean
is_key_of_offer (const RpFold *fold, guint key)
{
  const char *value = fold->values[fold->offer_slot];
  for (guint i = 0; i < fold->offers->len; i++)
    if (g_strcmp0 (g_ptr_array_index (fold->offers, i), value) == 0)
      return FALSE;
  return key >= 1 && key <= fold->offers->len;
}

/* "yes" or "the first one" after "I could offer three or four". */
static gboolean
take_offer (RpFold *fold, RpBrainReply *reply, const RpWords *words, const Filled *filled)
{
  guint key = rp_single_key (words);
  if (fold->offers == NULL || (filled->found > 0 && !is_key_of_offer (fold, key)))
    return FALSE;
  static const char *const places[] = {"first", "second", "third", "last", "earlier", "later"};
  guint n = fold->offers->len, pick = NO_SLOT;
  for (guint k = 0; k < G_N_ELEMENTS (places); k++)
    if (rp_words_find (words, places[k], NULL))
      pick = k == 3 || k == 5 ? n - 1 : k == 4 ? 0 : k;
  if (key >= 1 && key <= n)
    pick = key - 1;
  if (pick == NO_SLOT && rp_yes_no (words) == RP_ANSWER_YES) {
    if (n > 1 && !rp_words_find (words, "either", NULL) && !rp_words_find (words, "any", NULL))
      return FALSE;
    pick = 0;
  }
  if (pick >= n)
    return FALSE;
  set_value (fold, fold->offer_slot, g_ptr_array_index (fold->offers, pick));
  g_clear_pointer (&fold->offers, g_ptr_array_unref);
  advance (fold, reply);
  return TRUE;
}

/* After "no" a bare value is a correction: "no, three". */
static Filled
correct_bare (RpFold *fold, const RpWords *words, gboolean *used)
{
  static const RpSlotType order[] = {RP_SLOT_TIME,     RP_SLOT_DATE,   RP_SLOT_CHOICE,
                                     RP_SLOT_DURATION, RP_SLOT_DIGITS, RP_SLOT_NAME};
  Filled filled = {0};
  for (guint i = 0; i < words->n; i++)
    if (rp_word_in (words->v[i].norm, "no nope not wrong that thats isnt sorry actually wait"))
      used[i] = TRUE;
  for (guint k = 0; k < G_N_ELEMENTS (order) && filled.found == 0; k++) {
    guint slot = slot_of_type (fold, order[k], NO_SLOT);
    /* Any word could be a name: only what follows a "no" is taken for one. */
    if (slot != NO_SLOT && (order[k] != RP_SLOT_NAME || fold->stage == RP_STAGE_CONFIRM))
      find_one (fold, words, used, slot, TRUE, &filled);
  }
  return filled;
}

static void
at_confirmation (RpFold *fold, RpBrainReply *reply, const RpWords *words, gboolean *used,
                 Filled filled)
{
  RpAnswer answer = rp_yes_no (words);
  if (filled.wrong && filled.found == 0) {
    not_understood (fold, reply, words);
    return;
  }
  if (filled.changed == 0 && answer == RP_ANSWER_YES && fold->stage == RP_STAGE_CONFIRM) {
    /* A yes to what was never heard is a yes to something else. */
    if (fold->question_heard)
      call_tool (fold, reply);
    else
      rp_fold_ask_again (fold, reply);
    return;
  }
  if (filled.changed == 0 && rp_single_key (words) == 0 &&
      (answer == RP_ANSWER_NO || fold->stage == RP_STAGE_CHANGE))
    filled = correct_bare (fold, words, used);
  if (filled.found > 0) {
    fold->misses = 0;
    advance (fold, reply);
    return;
  }
  guint slot = named_slot (fold, words);
  if (slot != NO_SLOT && (answer != RP_ANSWER_YES || fold->stage == RP_STAGE_CHANGE) &&
      !rp_sounds_like_question (words)) {
    g_clear_pointer (&fold->values[slot], g_free);
    fold->misses = 0;
    ask_slot (fold, reply, slot, FALSE);
    return;
  }
  if (fold->stage == RP_STAGE_CHANGE && answer == RP_ANSWER_YES) {
    advance (fold, reply);
    return;
  }
  if (handle_aside (fold, reply, words, NULL, RP_CONFIDENCE_IN_FLOW))
    return;
  if (answer == RP_ANSWER_NO && fold->stage == RP_STAGE_CONFIRM) {
    fold->stage = RP_STAGE_CHANGE;
    fold->misses = 0;
    rp_fold_say (reply, "What should I change?");
    reply->expect = RP_EXPECT_SHORT;
    return;
  }
  if (answer == RP_ANSWER_NO) { /* nothing of it is wanted */
    rp_fold_end_flow (fold);
    rp_fold_phrase (fold, reply, RP_PHRASE_CANCELLED);
    return;
  }
  not_understood (fold, reply, words);
}

static void
at_question (RpFold *fold, RpBrainReply *reply, const RpWords *words, gboolean *used, Filled filled)
{
  const RpSlot *slot = slot_at (fold, fold->slot);
  if (take_offer (fold, reply, words, &filled))
    return;
  if (filled.found > 0) {
    fold->misses = 0;
    g_clear_pointer (&fold->offers, g_ptr_array_unref);
    /* "At three, and is there parking?": the answer first, then on with the flow. */
    gboolean both = slot->type != RP_SLOT_TEXT && rp_sounds_like_question (words) &&
                    rp_index_content_words (words, used) >= 1;
    guint doc = 0, rival = 0;
    if (both && rp_fold_search (fold, words, used, &doc, &rival) >= 0.8 &&
        rp_fold_doc_is_answer (fold, doc))
      rp_fold_answer (fold, reply, doc);
    /* What was said is in none of the words that follow: it did arrive. */
    if (fold->values[fold->slot] == NULL && reply->segments->len == 0)
      rp_fold_say (reply, "All right.");
    advance (fold, reply);
    return;
  }
  if (filled.wrong) {
    not_understood (fold, reply, words);
    return;
  }
  /* "no" to an offer, or to the question itself: nothing more is wanted. */
  if (rp_yes_no (words) == RP_ANSWER_NO && words->n <= 3 && fold->offers != NULL) {
    rp_fold_end_flow (fold);
    rp_fold_phrase (fold, reply, RP_PHRASE_CANCELLED);
    return;
  }
  if (handle_aside (fold, reply, words, used, RP_CONFIDENCE_IN_FLOW))
    return;
  guint named = named_slot (fold, words);
  if (named != NO_SLOT && named != fold->slot && rp_words_find (words, "change", NULL)) {
    g_clear_pointer (&fold->values[named], g_free);
    ask_slot (fold, reply, named, FALSE);
    return;
  }
  not_understood (fold, reply, words);
}

/* "Cancel the booking" in the middle of making one drops it; in the flow that cancels bookings it
 * is what was asked for. Returns: TRUE when it was dealt with. */
static gboolean
handle_cancel (RpFold *fold, RpBrainReply *reply, const RpWords *words, RpIntent *intent)
{
  g_autoptr (RpWords) own = rp_words_split (g_ptr_array_index (fold->flow->triggers, 0));
  gboolean cancels = rp_words_find (own, "cancel", NULL);
  gboolean said = rp_words_find (words, "cancel", NULL) && words->n <= 6;
  if (cancels && said) {
    *intent = RP_INTENT_NONE;
    if (fold->stage != RP_STAGE_CONFIRM || !fold->question_heard ||
        rp_yes_no (words) == RP_ANSWER_YES)
      return FALSE;
    guint first = 0;
    if (rp_words_find (words, "dont", &first) || rp_words_find (words, "not", &first))
      return FALSE;
    call_tool (fold, reply);
    return TRUE;
  }
  if (*intent == RP_INTENT_NONE && said && !rp_sounds_like_question (words))
    *intent = RP_INTENT_CANCEL;
  return *intent == RP_INTENT_CANCEL && rp_fold_intent (fold, reply, *intent);
}

/* Another task was named, in so many words. */
static gboolean
handle_switch (RpFold *fold, RpBrainReply *reply, const RpWords *words)
{
  g_autofree gboolean *values = rp_fold_value_flags (fold, words);
  guint doc, rival;
  if (words->n < 3 || rp_index_content_words (words, values) < LEAST_TASK_WORDS ||
      rp_fold_search (fold, words, values, &doc, &rival) < RP_CONFIDENCE_SWITCH)
    return FALSE;
  const RpFlow *flow = rp_fold_doc_flow (fold, doc);
  if (flow == NULL || flow == fold->flow)
    return FALSE;
  rp_fold_begin_flow (fold, reply, flow, words);
  return TRUE;
}

/* "No, my number is …" when asked for the message. Returns: FALSE when it may be the message. */
static gboolean
correct_before_text (RpFold *fold, RpBrainReply *reply, const RpWords *words)
{
  guint slot = named_slot (fold, words), start;
  gboolean corrects =
      rp_words_match_at (words, 0, "no") > 0 || rp_words_match_at (words, 0, "sorry") > 0 ||
      rp_words_match_at (words, 0, "wait") > 0 || rp_words_match_at (words, 0, "actually") > 0;
  /* "My name is", "the number is": a message begins otherwise. */
  gboolean states = rp_words_find (words, "is", &start) && start <= 4;
  if (!corrects || !states || slot == NO_SLOT || slot == fold->slot)
    return FALSE;
  g_autofree gboolean *used = flags_for (words);
  Filled filled = {0};
  for (guint i = 0; i <= start; i++)
    used[i] = slot_at (fold, slot)->type != RP_SLOT_NAME;
  find_one (fold, words, used, slot, slot_at (fold, slot)->type != RP_SLOT_NAME, &filled);
  if (filled.found == 0)
    return FALSE;
  rp_fold_say (reply, "All right.");
  rp_fold_ask_again (fold, reply);
  return TRUE;
}

void
rp_fold_in_flow (RpFold *fold, RpBrainReply *reply, const RpWords *words)
{
  g_autofree gboolean *used = flags_for (words);
  if (fold->stage == RP_STAGE_WAITING) {
    rp_fold_phrase (fold, reply, RP_PHRASE_WORKING);
    return;
  }
  /* The call that was written never came into the context: the user cut in before it. */
  if (fold->stage == RP_STAGE_CALLING) {
    fold->stage = fold->flow->confirm != NULL ? RP_STAGE_CONFIRM : RP_STAGE_CHANGE;
    fold->question_heard = FALSE;
  }
  gboolean asked = fold->stage == RP_STAGE_ASK;
  RpIntent intent = rp_intent (words);
  gboolean free_text = asked && slot_at (fold, fold->slot)->type == RP_SLOT_TEXT;
  if (free_text && intent != RP_INTENT_CANCEL && intent != RP_INTENT_STOP &&
      intent != RP_INTENT_REPEAT && intent != RP_INTENT_WAIT && intent != RP_INTENT_GOODBYE &&
      intent != RP_INTENT_HELP)
    intent = RP_INTENT_NONE;
  if (free_text && correct_before_text (fold, reply, words))
    return;
  if (!free_text &&
      (handle_cancel (fold, reply, words, &intent) || handle_switch (fold, reply, words)))
    return;
  if (rp_fold_intent (fold, reply, intent))
    return;
  Filled filled = fill_slots (fold, words, used, asked ? fold->slot : NO_SLOT);
  if (asked)
    at_question (fold, reply, words, used, filled);
  else
    at_confirmation (fold, reply, words, used, filled);
}

static const RpFlowFailure *
failure_for (const RpFlow *flow, const char *reason)
{
  const RpFlowFailure *any = NULL;
  for (guint i = 0; i < flow->failures->len; i++) {
    const RpFlowFailure *failure = g_ptr_array_index (flow->failures, i);
    if (reason != NULL && strcmp (failure->reason, reason) == 0)
      return failure;
    if (strcmp (failure->reason, "*") == 0)
      any = failure;
  }
  return any;
}

static void
report_failure (RpFold *fold, RpBrainReply *reply, GHashTable *result)
{
  const RpFlowFailure *failure = failure_for (fold->flow, rp_result_get (result, "reason"));
  g_clear_pointer (&fold->call_id, g_free);
  if (failure == NULL || failure->ask == NULL) {
    if (failure != NULL)
      say_template (fold, reply, failure->say, result);
    if (reply->segments->len == 0)
      rp_fold_phrase (fold, reply, RP_PHRASE_TROUBLE);
    rp_fold_end_flow (fold);
    return;
  }
  say_template (fold, reply, failure->say, result);
  for (guint i = 0; i < fold->flow->slots->len; i++)
    if (strcmp (slot_at (fold, i)->name, failure->ask) == 0)
      fold->slot = i;
  g_clear_pointer (&fold->values[fold->slot], g_free);
  g_clear_pointer (&fold->offers, g_ptr_array_unref);
  GPtrArray *offers = failure->offer != NULL && result != NULL
                          ? g_hash_table_lookup (result, failure->offer)
                          : NULL;
  if (offers != NULL) {
    fold->offers = g_ptr_array_ref (offers);
    fold->offer_slot = fold->slot;
  }
  fold->stage = RP_STAGE_ASK;
  fold->misses = 0;
  reply->expect = expect_of (slot_at (fold, fold->slot));
  const char *last =
      reply->segments->len > 0 ? g_ptr_array_index (reply->segments, reply->segments->len - 1) : "";
  if (!g_str_has_suffix (last, "?"))
    ask_slot (fold, reply, fold->slot, FALSE);
}

void
rp_fold_result (RpFold *fold, RpBrainReply *reply, const char *content)
{
  g_autoptr (GHashTable) result = rp_result_parse (content);
  const char *ok = rp_result_get (result, "ok");
  if (ok == NULL || strcmp (ok, "true") != 0) {
    report_failure (fold, reply, result);
    return;
  }
  succeed (fold, reply, result);
}
