/* flows/NAME.json into an RpFlow. */
#include "agent-flow.h"

#include <stdio.h>

#define MAX_TEXT_BYTES 1000

#define TEXT(key)                                                     \
  {                                                                   \
    .name = key, .type = RP_JSON_STRING, .max_length = MAX_TEXT_BYTES \
  }
#define TEXTS(key)                                                                 \
  {                                                                                \
    .name = key, .type = RP_JSON_ARRAY, .items = RP_JSON_STRING, .max_length = 200 \
  }

static const RpJsonField choice_fields[] = {
    {.name = "value", .type = RP_JSON_STRING, .required = TRUE, .max_length = 200},
    TEXTS ("words"),
};

static const RpJsonField slot_fields[] = {
    {.name = "name", .type = RP_JSON_STRING, .required = TRUE, .max_length = 64},
    {.name = "type", .type = RP_JSON_STRING, .required = TRUE, .max_length = 64},
    {.name = "optional", .type = RP_JSON_BOOL},
    TEXT ("default"),
    TEXT ("prompt"),
    TEXT ("reprompt"),
    TEXTS ("words"),
    TEXTS ("units"),
    {.name = "choices",
     .type = RP_JSON_ARRAY,
     .items = RP_JSON_OBJECT,
     .fields = choice_fields,
     .n_fields = G_N_ELEMENTS (choice_fields),
     .max_length = 200},
    {.name = "earliest", .type = RP_JSON_STRING, .max_length = 5},
    {.name = "latest", .type = RP_JSON_STRING, .max_length = 5},
    {.name = "minimum", .type = RP_JSON_NUMBER},
    {.name = "maximum", .type = RP_JSON_NUMBER},
};

static const RpJsonField failure_fields[] = {
    {.name = "reason", .type = RP_JSON_STRING, .required = TRUE, .max_length = 64},
    {.name = "say", .type = RP_JSON_STRING, .required = TRUE, .max_length = MAX_TEXT_BYTES},
    {.name = "ask", .type = RP_JSON_STRING, .max_length = 64},
    {.name = "offer", .type = RP_JSON_STRING, .max_length = 64},
};

static const RpJsonField flow_fields[] = {
    TEXT ("summary"),
    {.name = "triggers",
     .type = RP_JSON_ARRAY,
     .required = TRUE,
     .items = RP_JSON_STRING,
     .max_length = 200},
    TEXT ("opening"),
    {.name = "slots",
     .type = RP_JSON_ARRAY,
     .items = RP_JSON_OBJECT,
     .fields = slot_fields,
     .n_fields = G_N_ELEMENTS (slot_fields),
     .max_length = 16},
    TEXT ("confirm"),
    {.name = "tool", .type = RP_JSON_STRING, .required = TRUE, .max_length = 64},
    TEXT ("working"),
    {.name = "success", .type = RP_JSON_STRING, .required = TRUE, .max_length = MAX_TEXT_BYTES},
    {.name = "failures",
     .type = RP_JSON_ARRAY,
     .items = RP_JSON_OBJECT,
     .fields = failure_fields,
     .n_fields = G_N_ELEMENTS (failure_fields),
     .max_length = 64},
};

gboolean
rp_agent_parse_clock (const char *text, int *out_min)
{
  int h, m, n = 0;
  if (sscanf (text, "%2d:%2d%n", &h, &m, &n) != 2 || text[n] != '\0' || h < 0 || m < 0 || m > 59 ||
      h * 60 + m > 1440)
    return FALSE;
  *out_min = h * 60 + m;
  return TRUE;
}

/* @words: (nullable) phrases, in the form that words.h compares. */
static void
add_normal (GPtrArray *out, JsonArray *words)
{
  for (guint i = 0; words != NULL && i < json_array_get_length (words); i++)
    g_ptr_array_add (out, g_ascii_strdown (rp_json_array_string (words, i), -1));
}

static gboolean
load_slot (const char *path, guint index, JsonObject *object, RpFlow *flow, GError **error)
{
  const char *type_name = rp_json_string (object, "type", "");
  RpSlotType type;
  if (!rp_slot_type_from_name (type_name, &type))
    return rp_agent_fail (
        error, RP_AGENT_ERROR_INVALID, path,
        "slots[%u].type: expected date, time, duration, number, digits, name, choice, "
        "yes-no or text, got \"%s\"",
        index, type_name);
  RpSlot *slot = rp_slot_new (rp_json_string (object, "name", ""), type);
  g_ptr_array_add (flow->slots, slot);
  slot->optional = rp_json_bool (object, "optional", FALSE);
  slot->fallback = g_strdup (rp_json_string (object, "default", NULL));
  slot->prompt = g_strdup (rp_json_string (object, "prompt", NULL));
  slot->reprompt = g_strdup (rp_json_string (object, "reprompt", NULL));
  add_normal (slot->words, rp_json_array (object, "words"));
  add_normal (slot->units, rp_json_array (object, "units"));
  slot->minimum = rp_json_double (object, "minimum", 0);
  slot->maximum = rp_json_double (object, "maximum", 0);
  JsonArray *choices = rp_json_array (object, "choices");
  for (guint i = 0; choices != NULL && i < json_array_get_length (choices); i++) {
    JsonObject *item = rp_json_array_object (choices, i);
    RpChoice *choice = rp_choice_new (rp_json_string (item, "value", ""));
    add_normal (choice->words, rp_json_array (item, "words"));
    g_ptr_array_add (slot->choices, choice);
  }
  const char *earliest = rp_json_string (object, "earliest", "00:00");
  const char *latest = rp_json_string (object, "latest", "00:00");
  if (!rp_agent_parse_clock (earliest, &slot->earliest_min) ||
      !rp_agent_parse_clock (latest, &slot->latest_min))
    return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                          "slots[%u]: \"earliest\" and \"latest\" are times as \"08:00\"", index);
  return TRUE;
}

RpFlow *
rp_agent_load_flow (const RpAgent *agent, const char *path, const char *name, GError **error)
{
  g_autoptr (JsonObject) object =
      rp_agent_read_object (path, flow_fields, G_N_ELEMENTS (flow_fields), error);
  if (object == NULL)
    return NULL;
  g_autoptr (RpFlow) flow = rp_flow_new (name);
  flow->data_names = g_ptr_array_ref (agent->request_data);
  flow->summary = g_strdup (rp_json_string (object, "summary", NULL));
  flow->opening = g_strdup (rp_json_string (object, "opening", NULL));
  flow->confirm = g_strdup (rp_json_string (object, "confirm", NULL));
  flow->tool = g_strdup (rp_json_string (object, "tool", NULL));
  flow->working = g_strdup (rp_json_string (object, "working", NULL));
  flow->success = g_strdup (rp_json_string (object, "success", NULL));
  JsonArray *triggers = rp_json_array (object, "triggers");
  for (guint i = 0; i < json_array_get_length (triggers); i++)
    g_ptr_array_add (flow->triggers, g_strdup (rp_json_array_string (triggers, i)));
  JsonArray *slots = rp_json_array (object, "slots");
  for (guint i = 0; slots != NULL && i < json_array_get_length (slots); i++)
    if (!load_slot (path, i, rp_json_array_object (slots, i), flow, error))
      return NULL;
  JsonArray *failures = rp_json_array (object, "failures");
  for (guint i = 0; failures != NULL && i < json_array_get_length (failures); i++) {
    JsonObject *item = rp_json_array_object (failures, i);
    RpFlowFailure *failure =
        rp_flow_failure_new (rp_json_string (item, "reason", ""), rp_json_string (item, "say", ""));
    failure->ask = g_strdup (rp_json_string (item, "ask", NULL));
    failure->offer = g_strdup (rp_json_string (item, "offer", NULL));
    g_ptr_array_add (flow->failures, failure);
  }
  g_autoptr (GError) local = NULL;
  if (!rp_flow_validate (flow, &local)) {
    rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path, "%s", local->message);
    return NULL;
  }
  return g_steal_pointer (&flow);
}
