/* RTVI (server/core/signalling/rtvi.h) as a dialect. What has no form in RTVI goes out as
 * server-message with data {"t": …}: state, interrupted, silent, turn-metrics. */
#include "dialect.h"
#include "rtvi.h"

#include <string.h>

/* Requests of the client that wait for the worker's answer, remembered so that a lost worker does
 * not leave them hanging. */
#define MAX_PENDING 32
/* proto/README.md: every string to a worker is bounded. */
#define MAX_TEXT_BYTES 16384

/* Functions of the client that the worker waits for. More at once is a worker's fault: the oldest
 * are forgotten, and time out there. */
#define MAX_CALLS 32

typedef struct {
  char *id;
  char *answer; /* (nullable) what the worker was told: a replacement is told again */
} Call;

typedef struct {
  RpDialect base;
  gboolean is_ready;
  int client_major;  /* of the client-ready; 0 before */
  const char *state; /* static: what the client was told last */
  GQueue pending;    /* of char *: ids */
  GQueue calls;      /* of Call */
} Rtvi;

static void
to_client (Rtvi *self, char *text)
{
  rp_dialect_emit (&self->base, RP_DIALECT_TO_CLIENT, text);
}

static void
refuse (Rtvi *self, const char *id, const char *why)
{
  self->base.stats.client_refused++;
  to_client (self, rp_rtvi_error_response (id, why));
}

/* Ends @builder, which holds a whole object for the worker. */
static void
to_worker (Rtvi *self, JsonBuilder *builder)
{
  json_builder_end_object (builder);
  rp_dialect_emit (&self->base, RP_DIALECT_TO_WORKER, rp_json_builder_to_string (builder));
}

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_bool (JsonBuilder *builder, const char *name, gboolean value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

static JsonBuilder *
client_frame (const char *type)
{
  JsonBuilder *builder = json_builder_new ();
  json_builder_begin_object (builder);
  add_string (builder, "type", type);
  return builder;
}

/* --- from the client --- */

static void
client_ready (Rtvi *self, const RpRtviClientMessage *message)
{
  self->is_ready = TRUE;
  self->client_major = message->ready.major;
  if (message->ready.major != 0 && message->ready.major != 1 && message->ready.major != 2)
    refuse (self, message->id, "this server speaks RTVI " RP_RTVI_VERSION " and 1.x");
  to_client (self, rp_rtvi_bot_ready (message->id, "repartee", RP_VERSION));
  rp_dialect_emit (&self->base, RP_DIALECT_READY, NULL);
}

static void
client_text (Rtvi *self, const char *id, const char *content, gboolean run, gboolean audio)
{
  if (*content == '\0' || strlen (content) > MAX_TEXT_BYTES) {
    refuse (self, id, "the text must have 1 to 16384 bytes");
    return;
  }
  JsonBuilder *builder = client_frame ("text");
  add_string (builder, "content", content);
  add_bool (builder, "run_immediately", run);
  add_bool (builder, "audio_response", audio);
  to_worker (self, builder);
}

static void
forget_pending (Rtvi *self, const char *id)
{
  GList *link = g_queue_find_custom (&self->pending, id, (GCompareFunc) strcmp);
  if (link == NULL)
    return;
  g_free (link->data);
  g_queue_delete_link (&self->pending, link);
}

static void
client_message (Rtvi *self, const RpRtviClientMessage *message)
{
  const char *data = message->message.d_json;
  if (g_str_equal (message->message.t, "interrupt")) {
    to_worker (self, client_frame ("interrupt"));
    to_client (self, rp_rtvi_server_response (message->id, "interrupt", NULL));
    return;
  }
  if (message->id == NULL) {
    refuse (self, NULL, "a client-message needs an id to be answered");
    return;
  }
  if (strlen (message->message.t) > 256 || strlen (message->id) > 256 ||
      (data != NULL && strlen (data) > MAX_TEXT_BYTES)) {
    refuse (self, message->id, "a client-message may have 256 bytes of t and id, 16384 of d");
    return;
  }
  if (g_queue_get_length (&self->pending) >= MAX_PENDING) {
    refuse (self, message->id, "too many requests wait for an answer");
    return;
  }
  g_queue_push_tail (&self->pending, g_strdup (message->id));
  JsonBuilder *builder = client_frame ("message");
  add_string (builder, "id", message->id);
  add_string (builder, "name", message->message.t);
  add_string (builder, "data", data != NULL ? data : "null");
  to_worker (self, builder);
}

static void
client_dtmf (Rtvi *self, const RpRtviClientMessage *message)
{
  if (strspn (message->buttons, "0123456789*#") != strlen (message->buttons)) {
    refuse (self, message->id, "only the buttons 0-9, * and # are known");
    return;
  }
  JsonBuilder *builder = client_frame ("dtmf");
  add_string (builder, "buttons", message->buttons);
  to_worker (self, builder);
}

static void
client_append (Rtvi *self, const RpRtviClientMessage *message)
{
  if (!g_str_equal (message->append.role, "user") || message->append.content_is_json)
    refuse (self, message->id, "append-to-context takes plain text of role user; see send-text");
  else
    client_text (self, message->id, message->append.content, message->append.run_immediately, TRUE);
}

static void
call_free (gpointer data)
{
  Call *call = data;
  g_free (call->id);
  g_free (call->answer);
  g_free (call);
}

static GList *
find_call (Rtvi *self, const char *id)
{
  GList *l = self->calls.head;
  while (l != NULL && !g_str_equal (((const Call *) l->data)->id, id))
    l = l->next;
  return l;
}

/* What the function gave, or why it gave nothing: as "result" or "error". */
static void
answer_call (Rtvi *self, Call *call, const char *member, const char *text)
{
  JsonBuilder *builder = client_frame ("tool_result");
  add_string (builder, "id", call->id);
  add_string (builder, member, text);
  json_builder_end_object (builder);
  call->answer = rp_json_builder_to_string (builder);
  rp_dialect_emit (&self->base, RP_DIALECT_TO_WORKER, g_strdup (call->answer));
}

static void
function_result (Rtvi *self, const RpRtviClientMessage *message)
{
  const char *json = message->result.result_json;
  GList *link = find_call (self, message->result.tool_call_id);
  Call *call = link != NULL ? link->data : NULL;
  /* The stock client answers whatever its functions return, awaited or not. */
  if (call == NULL || call->answer != NULL) {
    self->base.stats.client_late++;
    return;
  }
  g_autoptr (JsonObject) object = rp_json_parse_object (json, strlen (json), 0, NULL);
  const char *problem =
      rp_json_member (object, "ok") == NULL ? rp_json_string (object, "error", NULL) : NULL;
  if (strlen (json) > MAX_TEXT_BYTES)
    answer_call (self, call, "error", "the result is longer than 16384 bytes");
  else if (problem != NULL)
    answer_call (self, call, "error", problem);
  else
    answer_call (self, call, "result", json);
}

static void
rtvi_client (RpDialect *base, const char *data, gsize len)
{
  Rtvi *self = (Rtvi *) base;
  g_autoptr (RpRtviClientMessage) message = rp_rtvi_parse (data, len, NULL);
  if (message == NULL) {
    base->stats.client_invalid++;
    return;
  }
  switch (message->type) {
  case RP_RTVI_CLIENT_READY:
    client_ready (self, message);
    break;
  case RP_RTVI_DISCONNECT_BOT:
    rp_dialect_emit (base, RP_DIALECT_HANG_UP, NULL);
    break;
  case RP_RTVI_CLIENT_MESSAGE:
    client_message (self, message);
    break;
  case RP_RTVI_SEND_TEXT:
    client_text (self, message->id, message->text.content, message->text.run_immediately,
                 message->text.audio_response);
    break;
  case RP_RTVI_DTMF:
    client_dtmf (self, message);
    break;
  case RP_RTVI_APPEND_TO_CONTEXT:
    client_append (self, message);
    break;
  case RP_RTVI_FUNCTION_CALL_RESULT:
    function_result (self, message);
    break;
  case RP_RTVI_PING:
  case RP_RTVI_TRACK_STATUS:
    break; /* the transport knows better whether the client is there and what it sends */
  case RP_RTVI_UNSUPPORTED:
  case RP_RTVI_MALFORMED:
    refuse (self, message->id, message->reason);
    break;
  }
}

/* --- from the worker --- */

static void
server_message (Rtvi *self, JsonBuilder *builder)
{
  json_builder_end_object (builder);
  g_autofree char *json = rp_json_builder_to_string (builder);
  to_client (self, rp_rtvi_server_message (json));
}

static JsonBuilder *
server_data (const char *t)
{
  JsonBuilder *builder = json_builder_new ();
  json_builder_begin_object (builder);
  add_string (builder, "t", t);
  return builder;
}

static void
set_state (Rtvi *self, const char *state)
{
  if (self->state == state)
    return;
  self->state = state;
  JsonBuilder *builder = server_data ("state");
  add_string (builder, "state", state);
  server_message (self, builder);
}

static void
output (Rtvi *self, JsonObject *event)
{
  const char *status = rp_json_string (event, "status", "");
  g_autofree char *segment =
      g_strdup_printf ("%" G_GINT64_FORMAT, rp_json_int (event, "segment", 0));
  RpRtviBotOutput out = {
      .text = rp_json_string (event, "text", ""),
      .aggregated_by = "sentence",
      .segment_id = segment,
      .will_be_spoken = rp_json_bool (event, "spoken", TRUE),
      .spoken_status = g_str_equal (status, "new")           ? RP_RTVI_SPOKEN_NEW
                       : g_str_equal (status, "in-progress") ? RP_RTVI_SPOKEN_IN_PROGRESS
                                                             : RP_RTVI_SPOKEN_COMPLETED,
      .accumulated_text = rp_json_string (event, "heard", NULL),
      .remaining_text = rp_json_string (event, "remaining", NULL),
  };
  to_client (self, rp_rtvi_bot_output (&out, self->client_major));
  if (out.will_be_spoken && out.spoken_status == RP_RTVI_SPOKEN_NEW)
    to_client (self, rp_rtvi_text (RP_RTVI_BOT_TTS_TEXT, out.text));
}

/* Remembers a call of a function of the client. Returns: FALSE when the client has been asked
 * already. */
static gboolean
begin_call (Rtvi *self, const char *id)
{
  GList *link = find_call (self, id);
  if (link != NULL) {
    const Call *call = link->data;
    if (call->answer != NULL)
      rp_dialect_emit (&self->base, RP_DIALECT_TO_WORKER, g_strdup (call->answer));
    return FALSE;
  }
  if (g_queue_get_length (&self->calls) >= MAX_CALLS)
    call_free (g_queue_pop_head (&self->calls));
  Call *call = g_new0 (Call, 1);
  call->id = g_strdup (id);
  g_queue_push_tail (&self->calls, call);
  if (!self->is_ready)
    answer_call (self, call, "error", "no page is there that could do it");
  return TRUE;
}

static void
end_call (Rtvi *self, const char *id)
{
  GList *link = find_call (self, id);
  if (link == NULL)
    return;
  call_free (link->data);
  g_queue_delete_link (&self->calls, link);
}

static void
tool_call (Rtvi *self, JsonObject *event)
{
  gboolean is_clients = g_str_equal (rp_json_string (event, "where", ""), "client");
  const char *id = rp_json_string (event, "id", "");
  const char *name = rp_json_string (event, "name", "");
  const char *status = rp_json_string (event, "status", "");
  if (!g_str_equal (status, "started"))
    end_call (self, id);
  else if (is_clients && !begin_call (self, id))
    return;
  if (g_str_equal (status, "started")) {
    to_client (self, rp_rtvi_function_call_started (name));
    to_client (self, rp_rtvi_function_call_in_progress (id, name,
                                                        rp_json_string (event, "arguments", NULL),
                                                        is_clients ? "client" : NULL));
    return;
  }
  to_client (self, rp_rtvi_function_call_stopped (id, g_str_equal (status, "cancelled"), name,
                                                  rp_json_string (event, "result", NULL)));
}

static void
turn_metrics (Rtvi *self, JsonObject *event)
{
  static const struct {
    const char *member;
    RpRtviMetricKind kind;
    const char *processor;
  } parts[] = {
      {"stt_ms", RP_RTVI_METRIC_TTFB, "stt"},
      {"llm_ttft_ms", RP_RTVI_METRIC_TTFB, "llm"},
      {"tts_ttfa_ms", RP_RTVI_METRIC_TTFB, "tts"},
      {"turn_decision_ms", RP_RTVI_METRIC_PROCESSING, "turn"},
      {"voice_to_voice_ms", RP_RTVI_METRIC_TTFA, "agent"},
  };
  RpRtviMetric items[G_N_ELEMENTS (parts)];
  guint n = 0;
  for (gsize i = 0; i < G_N_ELEMENTS (parts); i++)
    if (rp_json_member (event, parts[i].member) != NULL)
      items[n++] = (RpRtviMetric){parts[i].kind, parts[i].processor,
                                  rp_json_double (event, parts[i].member, 0) / 1000};
  if (n > 0)
    to_client (self, rp_rtvi_metrics (items, n));

  static const char *const members[] = {
      "voice_to_voice_ms", "turn_decision_ms", "stt_ms",
      "llm_ttft_ms",       "tts_ttfa_ms",      "barge_in_stop_ms"};
  JsonBuilder *builder = server_data ("turn-metrics");
  for (gsize i = 0; i < G_N_ELEMENTS (members); i++) {
    if (rp_json_member (event, members[i]) == NULL)
      continue;
    json_builder_set_member_name (builder, members[i]);
    json_builder_add_double_value (builder, rp_json_double (event, members[i], 0));
  }
  server_message (self, builder);
}

static void
response (Rtvi *self, JsonObject *event)
{
  const char *id = rp_json_string (event, "id", "");
  const char *problem = rp_json_string (event, "error", NULL);
  forget_pending (self, id);
  if (problem != NULL)
    to_client (self, rp_rtvi_error_response (id, problem));
  else
    to_client (self, rp_rtvi_server_response (id, rp_json_string (event, "name", ""),
                                              rp_json_string (event, "data", NULL)));
}

static void
transcript (Rtvi *self, JsonObject *event, gint64 wall_us)
{
  g_autoptr (GDateTime) seconds = g_date_time_new_from_unix_utc (wall_us / G_USEC_PER_SEC);
  g_autofree char *date = g_date_time_format (seconds, "%Y-%m-%dT%H:%M:%S");
  g_autofree char *stamp =
      g_strdup_printf ("%s.%03dZ", date, (int) (wall_us % G_USEC_PER_SEC / 1000));
  to_client (self, rp_rtvi_user_transcription (rp_json_string (event, "text", ""), "user", stamp,
                                               rp_json_bool (event, "final", FALSE)));
}

static void
with_text (Rtvi *self, const char *t, const char *member, JsonObject *event)
{
  JsonBuilder *builder = server_data (t);
  add_string (builder, member, rp_json_string (event, member, ""));
  server_message (self, builder);
}

static void
rtvi_event (RpDialect *base, const RpWorkerEvent *event, gint64 wall_us)
{
  Rtvi *self = (Rtvi *) base;
  switch (event->type) {
  case RP_WORKER_EVENT_USER_STARTED_SPEAKING:
    to_client (self, rp_rtvi_event (RP_RTVI_USER_STARTED_SPEAKING));
    set_state (self, "listening");
    break;
  case RP_WORKER_EVENT_USER_STOPPED_SPEAKING:
    to_client (self, rp_rtvi_event (RP_RTVI_USER_STOPPED_SPEAKING));
    break;
  case RP_WORKER_EVENT_USER_TRANSCRIPT:
    transcript (self, event->object, wall_us);
    break;
  case RP_WORKER_EVENT_USER_TURN:
    to_client (self,
               rp_rtvi_text (RP_RTVI_USER_LLM_TEXT, rp_json_string (event->object, "text", "")));
    break;
  case RP_WORKER_EVENT_AGENT_THINKING:
    to_client (self, rp_rtvi_event (RP_RTVI_BOT_LLM_STARTED));
    set_state (self, "thinking");
    break;
  case RP_WORKER_EVENT_AGENT_TEXT:
    to_client (self,
               rp_rtvi_text (RP_RTVI_BOT_LLM_TEXT, rp_json_string (event->object, "text", "")));
    break;
  case RP_WORKER_EVENT_AGENT_THOUGHT:
    to_client (self, rp_rtvi_event (RP_RTVI_BOT_LLM_STOPPED));
    break;
  case RP_WORKER_EVENT_AGENT_STARTED_SPEAKING:
    to_client (self, rp_rtvi_event (RP_RTVI_BOT_STARTED_SPEAKING));
    to_client (self, rp_rtvi_event (RP_RTVI_BOT_TTS_STARTED));
    set_state (self, "speaking");
    break;
  case RP_WORKER_EVENT_AGENT_STOPPED_SPEAKING:
    to_client (self, rp_rtvi_event (RP_RTVI_BOT_TTS_STOPPED));
    to_client (self, rp_rtvi_event (RP_RTVI_BOT_STOPPED_SPEAKING));
    set_state (self, "listening");
    break;
  case RP_WORKER_EVENT_OUTPUT:
    output (self, event->object);
    break;
  case RP_WORKER_EVENT_INTERRUPTED:
    to_client (self, rp_rtvi_event (RP_RTVI_BOT_INTERRUPTED));
    with_text (self, "interrupted", "heard", event->object);
    break;
  case RP_WORKER_EVENT_TOOL_CALL:
    tool_call (self, event->object);
    break;
  case RP_WORKER_EVENT_TURN_METRICS:
    turn_metrics (self, event->object);
    break;
  case RP_WORKER_EVENT_SILENT:
    with_text (self, "silent", "reason", event->object);
    break;
  case RP_WORKER_EVENT_RESPONSE:
    response (self, event->object);
    break;
  case RP_WORKER_EVENT_ERROR:
    to_client (self, rp_rtvi_error_message (rp_json_string (event->object, "message", ""),
                                            rp_json_bool (event->object, "fatal", FALSE)));
    break;
  case RP_WORKER_EVENT_STT_INPUT: /* for the operator */
  case RP_WORKER_N_EVENTS:
    break;
  }
}

/* --- the rest --- */

static void
rtvi_error (RpDialect *base, const char *message, gboolean fatal)
{
  to_client ((Rtvi *) base, rp_rtvi_error_message (message, fatal));
}

static void
rtvi_worker_replaced (RpDialect *base)
{
  Rtvi *self = (Rtvi *) base;
  char *id = NULL;
  while ((id = g_queue_pop_head (&self->pending)) != NULL) {
    to_client (self, rp_rtvi_error_response (id, "the agent was restarted; please ask again"));
    g_free (id);
  }
}

static void
rtvi_ended (RpDialect *base)
{
  to_client ((Rtvi *) base, rp_rtvi_peer_left ());
}

static void
rtvi_free (RpDialect *base)
{
  Rtvi *self = (Rtvi *) base;
  g_queue_clear_full (&self->pending, g_free);
  g_queue_clear_full (&self->calls, call_free);
  g_free (self);
}

static const RpDialectClass rtvi_class = {
    .free = rtvi_free,
    .client = rtvi_client,
    .event = rtvi_event,
    .error = rtvi_error,
    .worker_replaced = rtvi_worker_replaced,
    .ended = rtvi_ended,
};

RpDialect *
rp_rtvi_dialect_new (void)
{
  Rtvi *self = g_new0 (Rtvi, 1);
  self->base.klass = &rtvi_class;
  g_queue_init (&self->base.out);
  g_queue_init (&self->pending);
  g_queue_init (&self->calls);
  return &self->base;
}
