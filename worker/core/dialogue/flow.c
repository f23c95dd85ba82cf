#include "flow.h"

#include "template.h"
#include "words.h"

#include <string.h>

G_DEFINE_QUARK (rp - flow - error - quark, rp_flow_error)

#define MAX_SLOTS 16

static const char *const type_names[] = {
    [RP_SLOT_DATE] = "date",     [RP_SLOT_TIME] = "time",     [RP_SLOT_DURATION] = "duration",
    [RP_SLOT_NUMBER] = "number", [RP_SLOT_DIGITS] = "digits", [RP_SLOT_NAME] = "name",
    [RP_SLOT_CHOICE] = "choice", [RP_SLOT_YES_NO] = "yes-no", [RP_SLOT_TEXT] = "text",
};

gboolean
rp_slot_type_from_name (const char *name, RpSlotType *out_type)
{
  for (guint i = 0; i < G_N_ELEMENTS (type_names); i++)
    if (strcmp (name, type_names[i]) == 0) {
      *out_type = (RpSlotType) i;
      return TRUE;
    }
  return FALSE;
}

const char *
rp_slot_type_name (RpSlotType type)
{
  return type_names[type];
}

RpChoice *
rp_choice_new (const char *value)
{
  RpChoice *choice = g_new0 (RpChoice, 1);
  choice->value = g_strdup (value);
  choice->words = g_ptr_array_new_with_free_func (g_free);
  return choice;
}

void
rp_choice_free (RpChoice *choice)
{
  if (choice == NULL)
    return;
  g_free (choice->value);
  g_ptr_array_unref (choice->words);
  g_free (choice);
}

RpSlot *
rp_slot_new (const char *name, RpSlotType type)
{
  RpSlot *slot = g_new0 (RpSlot, 1);
  slot->name = g_strdup (name);
  slot->type = type;
  slot->words = g_ptr_array_new_with_free_func (g_free);
  slot->units = g_ptr_array_new_with_free_func (g_free);
  slot->choices = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_choice_free);
  return slot;
}

void
rp_slot_free (RpSlot *slot)
{
  if (slot == NULL)
    return;
  g_free (slot->name);
  g_free (slot->fallback);
  g_free (slot->prompt);
  g_free (slot->reprompt);
  g_ptr_array_unref (slot->words);
  g_ptr_array_unref (slot->units);
  g_ptr_array_unref (slot->choices);
  g_free (slot);
}

RpFlowFailure *
rp_flow_failure_new (const char *reason, const char *say)
{
  RpFlowFailure *failure = g_new0 (RpFlowFailure, 1);
  failure->reason = g_strdup (reason);
  failure->say = g_strdup (say);
  return failure;
}

void
rp_flow_failure_free (RpFlowFailure *failure)
{
  if (failure == NULL)
    return;
  g_free (failure->reason);
  g_free (failure->say);
  g_free (failure->ask);
  g_free (failure->offer);
  g_free (failure);
}

RpFlow *
rp_flow_new (const char *name)
{
  RpFlow *flow = g_new0 (RpFlow, 1);
  flow->name = g_strdup (name);
  flow->triggers = g_ptr_array_new_with_free_func (g_free);
  flow->slots = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_slot_free);
  flow->failures = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_flow_failure_free);
  return flow;
}

void
rp_flow_free (RpFlow *flow)
{
  if (flow == NULL)
    return;
  g_free (flow->name);
  g_free (flow->summary);
  g_ptr_array_unref (flow->triggers);
  g_ptr_array_unref (flow->slots);
  g_free (flow->opening);
  g_free (flow->confirm);
  g_free (flow->tool);
  g_free (flow->working);
  g_free (flow->success);
  g_ptr_array_unref (flow->failures);
  g_clear_pointer (&flow->data_names, g_ptr_array_unref);
  g_free (flow);
}

const RpSlot *
rp_flow_slot (const RpFlow *flow, const char *name)
{
  for (guint i = 0; i < flow->slots->len; i++) {
    const RpSlot *slot = g_ptr_array_index (flow->slots, i);
    if (strcmp (slot->name, name) == 0)
      return slot;
  }
  return NULL;
}

static gboolean
fail (GError **error, const char *where, const char *what)
{
  g_set_error (error, RP_FLOW_ERROR, RP_FLOW_ERROR_INVALID, "%s: %s", where, what);
  return FALSE;
}

/* @slots_only: before the tool ran there is nothing else to name. */
static gboolean
check_template (const RpFlow *flow, const char *where, const char *text, gboolean slots_only,
                GError **error)
{
  g_autoptr (GError) local = NULL;
  return rp_template_check (text, flow, flow->data_names, !slots_only, &local) ||
         fail (error, where, local->message);
}

static gboolean
validate_slot (const RpFlow *flow, const RpSlot *slot, GError **error)
{
  g_autofree char *where = g_strdup_printf ("slot \"%s\"", slot->name);
  if (!rp_is_identifier (slot->name))
    return fail (error, where, "a name is made of a-z, 0-9 and _");
  if (rp_flow_slot (flow, slot->name) != slot)
    return fail (error, where, "two slots have this name");
  if (slot->prompt == NULL && !slot->optional && slot->fallback == NULL)
    return fail (error, where, "needs a \"prompt\", or \"optional\": true, or a \"default\"");
  if (slot->type == RP_SLOT_CHOICE && slot->choices->len == 0)
    return fail (error, where, "a choice needs \"choices\"");
  if (slot->earliest_min < 0 || slot->latest_min > 1440 || slot->earliest_min > slot->latest_min)
    return fail (error, where, "\"earliest\" must be before \"latest\"");
  if (slot->minimum > slot->maximum)
    return fail (error, where, "\"minimum\" must not be above \"maximum\"");
  return check_template (flow, where, slot->prompt, TRUE, error) &&
         check_template (flow, where, slot->reprompt, TRUE, error);
}

/* A page names its functions as it likes. */
static gboolean
is_function (const char *name)
{
  g_autofree char *lower = name != NULL ? g_ascii_strdown (name, -1) : NULL;
  return rp_is_identifier (lower);
}

gboolean
rp_flow_validate (const RpFlow *flow, GError **error)
{
  if (!rp_is_identifier (flow->name))
    return fail (error, "name", "a flow's name is made of a-z, 0-9 and _");
  if (flow->triggers->len == 0)
    return fail (error, "triggers", "at least one phrase is needed to begin the flow");
  if (!is_function (flow->tool))
    return fail (error, "tool", "the name of a tool is needed");
  if (flow->success == NULL || *flow->success == '\0')
    return fail (error, "success", "what to say when the tool succeeded is needed");
  if (flow->slots->len > MAX_SLOTS)
    return fail (error, "slots", "a flow has at most 16 slots");
  for (guint i = 0; i < flow->slots->len; i++)
    if (!validate_slot (flow, g_ptr_array_index (flow->slots, i), error))
      return FALSE;
  for (guint i = 0; i < flow->failures->len; i++) {
    const RpFlowFailure *failure = g_ptr_array_index (flow->failures, i);
    g_autofree char *where = g_strdup_printf ("failure \"%s\"", failure->reason);
    if (failure->say == NULL || *failure->say == '\0')
      return fail (error, where, "\"say\" is needed");
    if (failure->ask != NULL && rp_flow_slot (flow, failure->ask) == NULL)
      return fail (error, where, "\"ask\" must name a slot of this flow");
    if (failure->offer != NULL && failure->ask == NULL)
      return fail (error, where, "\"offer\" needs \"ask\", the slot that it fills");
    if (!check_template (flow, where, failure->say, FALSE, error))
      return FALSE;
  }
  return check_template (flow, "opening", flow->opening, TRUE, error) &&
         check_template (flow, "confirm", flow->confirm, TRUE, error) &&
         check_template (flow, "working", flow->working, TRUE, error) &&
         check_template (flow, "success", flow->success, FALSE, error);
}
