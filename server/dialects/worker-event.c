#include "worker-event.h"

#include <string.h>

#define TEXT(member, is_required)                                        \
  {                                                                      \
    .name = (member), .type = RP_JSON_STRING, .required = (is_required), \
    .max_length = RP_WORKER_EVENT_MAX_STRING                             \
  }
#define NUMBER(member, limit)                                          \
  {                                                                    \
    .name = (member), .type = RP_JSON_NUMBER, .min = 0, .max = (limit) \
  }
#define ID(member)                                                                        \
  {                                                                                       \
    .name = (member), .type = RP_JSON_INT, .required = TRUE, .min = 0, .max = G_MAXUINT32 \
  }
#define FLAG(member)                       \
  {                                        \
    .name = (member), .type = RP_JSON_BOOL \
  }

static const RpJsonField transcript_fields[] = {TEXT ("text", TRUE), FLAG ("final")};
static const RpJsonField text_fields[] = {TEXT ("text", TRUE)};
static const RpJsonField generation_fields[] = {ID ("generation")};
static const RpJsonField agent_text_fields[] = {ID ("generation"), TEXT ("text", TRUE)};
static const RpJsonField output_fields[] = {
    ID ("segment"),
    TEXT ("text", TRUE),
    {.name = "status", .type = RP_JSON_STRING, .required = TRUE, .max_length = 32},
    TEXT ("heard", FALSE),
    TEXT ("remaining", FALSE),
    FLAG ("spoken"),
};
static const RpJsonField interrupted_fields[] = {TEXT ("heard", FALSE)};
static const RpJsonField tool_fields[] = {
    {.name = "id", .type = RP_JSON_STRING, .required = TRUE, .max_length = 256},
    {.name = "name", .type = RP_JSON_STRING, .required = TRUE, .max_length = 256},
    {.name = "status", .type = RP_JSON_STRING, .required = TRUE, .max_length = 32},
    TEXT ("arguments", FALSE),
    TEXT ("result", FALSE),
    {.name = "where", .type = RP_JSON_STRING, .max_length = 32},
};
static const RpJsonField metrics_fields[] = {
    NUMBER ("voice_to_voice_ms", RP_WORKER_EVENT_MAX_MS),
    NUMBER ("turn_decision_ms", RP_WORKER_EVENT_MAX_MS),
    NUMBER ("stt_ms", RP_WORKER_EVENT_MAX_MS),
    NUMBER ("llm_ttft_ms", RP_WORKER_EVENT_MAX_MS),
    NUMBER ("tts_ttfa_ms", RP_WORKER_EVENT_MAX_MS),
    NUMBER ("barge_in_stop_ms", RP_WORKER_EVENT_MAX_MS),
};
static const RpJsonField stt_input_fields[] = {
    NUMBER ("decoded", RP_WORKER_EVENT_MAX_MS),   NUMBER ("fec", RP_WORKER_EVENT_MAX_MS),
    NUMBER ("concealed", RP_WORKER_EVENT_MAX_MS), NUMBER ("silence", RP_WORKER_EVENT_MAX_MS),
    NUMBER ("copied", RP_WORKER_EVENT_MAX_MS),    NUMBER ("paused", RP_WORKER_EVENT_MAX_MS),
};
static const RpJsonField silent_fields[] = {TEXT ("reason", TRUE)};
static const RpJsonField response_fields[] = {
    {.name = "id", .type = RP_JSON_STRING, .required = TRUE, .max_length = 256},
    {.name = "name", .type = RP_JSON_STRING, .max_length = 256},
    TEXT ("data", FALSE),
    TEXT ("error", FALSE),
};
static const RpJsonField error_fields[] = {TEXT ("message", TRUE), FLAG ("fatal")};

#define FIELDS(table) (table), G_N_ELEMENTS (table)

static const char *const output_statuses[] = {"new", "in-progress", "completed", "interrupted",
                                              NULL};
static const char *const tool_statuses[] = {"started", "done", "failed", "cancelled", NULL};

static const struct {
  const char *name;
  const RpJsonField *fields;
  guint n_fields;
  const char *const *statuses; /* of the member "status" */
} kinds[RP_WORKER_N_EVENTS] = {
    [RP_WORKER_EVENT_USER_STARTED_SPEAKING] = {"user_started_speaking"},
    [RP_WORKER_EVENT_USER_STOPPED_SPEAKING] = {"user_stopped_speaking"},
    [RP_WORKER_EVENT_USER_TRANSCRIPT] = {"user_transcript", FIELDS (transcript_fields)},
    [RP_WORKER_EVENT_USER_TURN] = {"user_turn", FIELDS (text_fields)},
    [RP_WORKER_EVENT_AGENT_THINKING] = {"agent_thinking", FIELDS (generation_fields)},
    [RP_WORKER_EVENT_AGENT_TEXT] = {"agent_text", FIELDS (agent_text_fields)},
    [RP_WORKER_EVENT_AGENT_THOUGHT] = {"agent_thought", FIELDS (generation_fields)},
    [RP_WORKER_EVENT_AGENT_STARTED_SPEAKING] = {"agent_started_speaking"},
    [RP_WORKER_EVENT_AGENT_STOPPED_SPEAKING] = {"agent_stopped_speaking"},
    [RP_WORKER_EVENT_OUTPUT] = {"output", FIELDS (output_fields), output_statuses},
    [RP_WORKER_EVENT_INTERRUPTED] = {"interrupted", FIELDS (interrupted_fields)},
    [RP_WORKER_EVENT_TOOL_CALL] = {"tool_call", FIELDS (tool_fields), tool_statuses},
    [RP_WORKER_EVENT_TURN_METRICS] = {"turn_metrics", FIELDS (metrics_fields)},
    [RP_WORKER_EVENT_STT_INPUT] = {"stt_input", FIELDS (stt_input_fields)},
    [RP_WORKER_EVENT_SILENT] = {"silent", FIELDS (silent_fields)},
    [RP_WORKER_EVENT_RESPONSE] = {"response", FIELDS (response_fields)},
    [RP_WORKER_EVENT_ERROR] = {"error", FIELDS (error_fields)},
};

gboolean
rp_worker_event_parse (const char *json, gsize len, RpWorkerEvent *out, GError **error)
{
  g_autoptr (JsonObject) object = rp_json_parse_object (json, len, 0, error);
  if (object == NULL)
    return FALSE;
  const char *name = rp_json_string (object, "event", "");
  guint type = 0;
  while (type < RP_WORKER_N_EVENTS && !g_str_equal (kinds[type].name, name))
    type++;
  if (type == RP_WORKER_N_EVENTS) {
    g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_UNKNOWN, "no such event: \"%.64s\"", name);
    return FALSE;
  }
  if (kinds[type].n_fields > 0 &&
      !rp_json_check_full (object, name, kinds[type].fields, kinds[type].n_fields,
                           RP_JSON_CHECK_NONE, error))
    return FALSE;
  const char *status = rp_json_string (object, "status", "");
  if (kinds[type].statuses != NULL && !g_strv_contains (kinds[type].statuses, status)) {
    g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_RANGE, "%s.status: no such status: \"%.64s\"",
                 name, status);
    return FALSE;
  }
  out->type = (RpWorkerEventType) type;
  out->object = g_steal_pointer (&object);
  return TRUE;
}

void
rp_worker_event_clear (RpWorkerEvent *event)
{
  g_clear_pointer (&event->object, json_object_unref);
}
