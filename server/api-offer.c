#include "api-private.h"
#include "secret.h"

#include <string.h>

/* A client sends what it gathered in 200 ms at once. */
#define MAX_CANDIDATES_PER_PATCH 64
#define MAX_ID_BYTES 128

static const RpJsonField offer_fields[] = {
    {.name = "sdp", .type = RP_JSON_STRING, .required = TRUE, .max_length = RP_SDP_MAX_BYTES},
    {.name = "type", .type = RP_JSON_STRING, .required = TRUE, .max_length = 16},
    {.name = "pc_id", .type = RP_JSON_STRING, .max_length = MAX_ID_BYTES},
    {.name = "restart_pc", .type = RP_JSON_BOOL},
    {.name = "request_data", .type = RP_JSON_OBJECT},
    {.name = "requestData", .type = RP_JSON_OBJECT},
};

static const RpJsonField candidate_fields[] = {
    {.name = "candidate",
     .type = RP_JSON_STRING,
     .required = TRUE,
     .max_length = RP_CANDIDATE_MAX_LINE_BYTES},
    {.name = "sdp_mid", .type = RP_JSON_STRING, .max_length = RP_SDP_MAX_MID},
    {.name = "sdp_mline_index", .type = RP_JSON_INT, .min = 0, .max = 65535},
};

static const RpJsonField patch_fields[] = {
    {.name = "pc_id", .type = RP_JSON_STRING, .required = TRUE, .max_length = MAX_ID_BYTES},
    {.name = "candidates",
     .type = RP_JSON_ARRAY,
     .required = TRUE,
     .max_length = MAX_CANDIDATES_PER_PATCH,
     .items = RP_JSON_OBJECT,
     .fields = candidate_fields,
     .n_fields = G_N_ELEMENTS (candidate_fields)},
};

/* --- POST --- */

void
rp_api_reply_failure (RpHttpRequest *request, const GError *error)
{
  guint status = 500;
  const char *info = "see the server's log";
  switch ((RpRegistryError) error->code) {
  case RP_REGISTRY_ERROR_FULL:
  case RP_REGISTRY_ERROR_BUSY:
  case RP_REGISTRY_ERROR_WORKER:
    status = 503;
    info = "try again in a few seconds";
    break;
  case RP_REGISTRY_ERROR_ADDRESS:
    status = 429;
    info = "end a call of yours, or wait";
    break;
  case RP_REGISTRY_ERROR_DRAINING:
    status = 503;
    info = "try again on another server, or once this one is back";
    break;
  case RP_REGISTRY_ERROR_UNKNOWN:
    status = 404;
    info = "leave pc_id out to begin a new call";
    break;
  case RP_REGISTRY_ERROR_INVALID:
    status = 400;
    info = RP_API_OFFER_INFO;
    break;
  case RP_REGISTRY_ERROR_FAILED:
    break;
  }
  guint retry_after_s = rp_registry_error_retry_after (error);
  if (retry_after_s > 0) {
    g_autofree char *seconds = g_strdup_printf ("%u", retry_after_s);
    rp_http_request_add_header (request, "Retry-After", seconds);
  }
  rp_http_reply_error (request, status, error->message, info);
}

void
rp_api_end_if_gone (RpApi *api, RpHttpRequest *request, const char *id)
{
  if (rp_http_request_is_gone (request))
    rp_registry_end_call (api->registry, id, "the client left before it was answered");
}

/* Who waits for the answer. */
typedef struct {
  RpApi *api;
  RpHttpRequest *request;
  gboolean is_new; /* a call that nobody is in yet */
} Waiter;

static void
on_answer (const char *answer, const char *call, const GError *error, gpointer user_data)
{
  g_autofree Waiter *waiter = user_data;
  RpHttpRequest *request = waiter->request;
  if (error != NULL) {
    rp_api_reply_failure (request, error);
    return;
  }
  if (waiter->is_new)
    rp_api_end_if_gone (waiter->api, request, call);
  GString *json = g_string_new ("{\"sdp\": ");
  rp_json_append_string (json, answer);
  g_string_append (json, ", \"type\": \"answer\", \"pc_id\": ");
  rp_json_append_string (json, call);
  g_string_append (json, "}\n");
  rp_http_reply_json (request, 200, g_string_free (json, FALSE));
}

gboolean
rp_api_parse_sdp (RpHttpRequest *request, const char *text, gsize len, RpSdp **out_sdp,
                  RpSdpRemote **out_remote)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RpSdp) sdp = rp_sdp_parse (text, len, &error);
  g_autofree RpSdpRemote *remote = g_new (RpSdpRemote, 1);
  if (sdp == NULL || !rp_sdp_remote_summary (sdp, RP_SDP_OFFER, remote, &error)) {
    g_autofree char *detail = g_strdup_printf ("sdp: %s", error->message);
    rp_http_reply_error (request, 400, detail, RP_API_OFFER_INFO);
    return FALSE;
  }
  *out_sdp = g_steal_pointer (&sdp);
  *out_remote = g_steal_pointer (&remote);
  return TRUE;
}

/* The calls of WHIP are restarted and ended by its own rules. Returns: (transfer none) (nullable)
 */
static const RpRegistryCall *
find_call (RpApi *api, const char *id)
{
  const RpRegistryCall *call = rp_registry_call (api->registry, id);
  return call != NULL && !call->whip ? call : NULL;
}

/* What a new call needs to know besides the SDP; of one that there is, the token must not be for
 * another agent. FALSE when the request was replied to. @data: what @offer points to. */
static gboolean
take_wishes (RpApi *api, RpHttpRequest *request, JsonObject *body, const RpReservation *session,
             RpRegistryOffer *offer, char **data)
{
  const RpRegistryCall *call = find_call (api, offer->call);
  if (call != NULL)
    return rp_api_may_join (request, call->agent);
  const char *name = rp_json_object (body, "request_data") != NULL ? "request_data" : "requestData";
  const char *agent = NULL;
  if (!rp_api_may_begin (request) ||
      !rp_api_take_request_data (request, name, rp_json_object (body, name), data, &agent))
    return FALSE;
  if (session != NULL && agent == NULL)
    agent = session->agent;
  if (session != NULL && *data == NULL)
    *data = g_strdup (session->request_data);
  offer->request_data = *data;
  return rp_api_choose_agent (api, request, agent, &offer->agent);
}

/* @session: (nullable) */
static void
take_offer (RpApi *api, RpHttpRequest *request, const RpReservation *session)
{
  g_autoptr (JsonObject) body =
      rp_api_parse_body (request, offer_fields, G_N_ELEMENTS (offer_fields));
  if (body == NULL)
    return;
  if (!g_str_equal (rp_json_string (body, "type", ""), "offer")) {
    rp_http_reply_error (request, 400, "type: expected \"offer\"",
                         "send the RTCSessionDescription of createOffer ()");
    return;
  }
  rp_autosecret char *data = NULL;
  const char *text = rp_json_string (body, "sdp", "");
  RpRegistryOffer offer = {
      .call = rp_json_string (body, "pc_id", NULL),
      .restart = rp_json_bool (body, "restart_pc", FALSE),
      .session = session != NULL ? session->id : NULL,
      .address = rp_http_request_peer (request),
  };
  /* A session's calls are its own. */
  if (session != NULL && g_strcmp0 (offer.call, session->call) != 0)
    offer.call = NULL;
  if (!take_wishes (api, request, body, session, &offer, &data) ||
      !rp_api_parse_sdp (request, text, strlen (text), &offer.sdp, &offer.remote))
    return;
  Waiter *waiter = g_new (Waiter, 1);
  *waiter = (Waiter){api, request, find_call (api, offer.call) == NULL};
  rp_registry_offer (api->registry, &offer, on_answer, waiter);
}

void
rp_api_post_offer (RpHttpRequest *request, gpointer user_data)
{
  take_offer (user_data, request, NULL);
}

/* NULL when the request was replied to. */
static const RpReservation *
find_session (RpApi *api, RpHttpRequest *request)
{
  const RpReservation *session =
      rp_registry_session (api->registry, rp_http_request_param (request, 0));
  if (session == NULL)
    rp_http_reply_error (request, 404, "there is no such session",
                         "get one with POST /start; it waits a minute for its call");
  return session;
}

void
rp_api_post_session_offer (RpHttpRequest *request, gpointer user_data)
{
  const RpReservation *session = find_session (user_data, request);
  if (session != NULL)
    take_offer (user_data, request, session);
}

/* --- PATCH --- */

/* FALSE when one of them is not a candidate; those that are no use are left out. */
static gboolean
parse_candidates (JsonArray *array, GArray *out, GError **error)
{
  for (guint i = 0; i < json_array_get_length (array); i++) {
    const char *text = rp_json_string (rp_json_array_object (array, i), "candidate", "");
    gsize len = strlen (text);
    RpCandidate candidate;
    g_autoptr (GError) problem = NULL;
    if (rp_candidate_is_end (text, len))
      continue;
    if (rp_candidate_parse (text, len, &candidate, &problem)) {
      g_array_append_val (out, candidate);
    } else if (g_error_matches (problem, RP_CANDIDATE_ERROR, RP_CANDIDATE_ERROR_INVALID)) {
      g_propagate_prefixed_error (error, g_steal_pointer (&problem), "candidates[%u]: ", i);
      return FALSE;
    }
  }
  return TRUE;
}

/* @session: (nullable) */
static void
take_candidates (RpApi *api, RpHttpRequest *request, const RpReservation *session)
{
  g_autoptr (JsonObject) body =
      rp_api_parse_body (request, patch_fields, G_N_ELEMENTS (patch_fields));
  if (body == NULL)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) candidates = g_array_new (FALSE, FALSE, sizeof (RpCandidate));
  const char *id = rp_json_string (body, "pc_id", "");
  const RpRegistryCall *call = find_call (api, id);
  if (call == NULL || (session != NULL && g_strcmp0 (id, session->call) != 0))
    rp_http_reply_error (request, 404, "pc_id: there is no such call",
                         "use the pc_id of the answer; the call may have ended");
  else if (!rp_api_may_join (request, call->agent))
    return;
  else if (!parse_candidates (rp_json_array (body, "candidates"), candidates, &error))
    rp_http_reply_error (request, 400, error->message,
                         "send the candidate string as RTCIceCandidate gives it");
  else {
    rp_registry_candidates (api->registry, id, (const RpCandidate *) (gpointer) candidates->data,
                            candidates->len);
    rp_http_reply_json (request, 200, g_strdup ("{\"status\": \"success\"}\n"));
  }
}

void
rp_api_patch_offer (RpHttpRequest *request, gpointer user_data)
{
  take_candidates (user_data, request, NULL);
}

void
rp_api_patch_session_offer (RpHttpRequest *request, gpointer user_data)
{
  const RpReservation *session = find_session (user_data, request);
  if (session != NULL)
    take_candidates (user_data, request, session);
}
