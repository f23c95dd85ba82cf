/* EVENT frames of a worker, checked against the table of proto/README.md before anybody reads them.
 * Pure. */
#pragma once

#include "json.h"

#include <glib.h>

G_BEGIN_DECLS

/* Longest string in an event, bytes. */
#define RP_WORKER_EVENT_MAX_STRING 16384
/* Latencies beyond this are nonsense. */
#define RP_WORKER_EVENT_MAX_MS 600000

typedef enum {
  RP_WORKER_EVENT_USER_STARTED_SPEAKING,
  RP_WORKER_EVENT_USER_STOPPED_SPEAKING,
  RP_WORKER_EVENT_USER_TRANSCRIPT,
  RP_WORKER_EVENT_USER_TURN,
  RP_WORKER_EVENT_AGENT_THINKING,
  RP_WORKER_EVENT_AGENT_TEXT,
  RP_WORKER_EVENT_AGENT_THOUGHT,
  RP_WORKER_EVENT_AGENT_STARTED_SPEAKING,
  RP_WORKER_EVENT_AGENT_STOPPED_SPEAKING,
  RP_WORKER_EVENT_OUTPUT,
  RP_WORKER_EVENT_INTERRUPTED,
  RP_WORKER_EVENT_TOOL_CALL,
  RP_WORKER_EVENT_TURN_METRICS,
  RP_WORKER_EVENT_STT_INPUT,
  RP_WORKER_EVENT_SILENT,
  RP_WORKER_EVENT_RESPONSE,
  RP_WORKER_EVENT_ERROR,
  RP_WORKER_N_EVENTS,
} RpWorkerEventType;

typedef struct {
  RpWorkerEventType type;
  JsonObject *object; /* owned; its members have the types the table says */
} RpWorkerEvent;

/* Parses and checks one event. @len in bytes, no NUL needed. FALSE with @error set: the worker
 * sends garbage. */
gboolean rp_worker_event_parse (const char *json, gsize len, RpWorkerEvent *out, GError **error);
void rp_worker_event_clear (RpWorkerEvent *event);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RpWorkerEvent, rp_worker_event_clear)

G_END_DECLS
