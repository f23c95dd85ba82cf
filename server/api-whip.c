/* WHIP (RFC 9725): an offer as the body of a POST, the call as a resource.
 *
 * An offer of sendonly, which is what the RFC wants, is answered with recvonly: the agent listens,
 * and talks into nothing. One of sendrecv is mirrored, which the RFC does not allow and what
 * browsers' scripts need. */
#include "api-private.h"

#include <string.h>

#define CALL_PATH "/whip/call/"

static char *
make_etag (guint ice_session)
{
  return g_strdup_printf ("\"%u\"", ice_session);
}

/* Returns: (transfer none) (nullable): NULL when the request was replied to. */
static const RpRegistryCall *
find_call (RpApi *api, RpHttpRequest *request)
{
  const RpRegistryCall *call = rp_registry_call (api->registry, rp_http_request_param (request, 0));
  if (call == NULL || !call->whip) {
    rp_http_reply_error (request, 404, "there is no such call",
                         "it may have ended; begin another with POST /whip");
    return NULL;
  }
  return rp_api_may_join (request, call->agent) ? call : NULL;
}

static void
add_ice_session (RpApi *api, RpHttpRequest *request, const char *id)
{
  const RpRegistryCall *call = rp_registry_call (api->registry, id);
  if (call == NULL)
    return;
  g_autofree char *etag = make_etag (call->ice_session);
  rp_http_request_add_header (request, "ETag", etag);
}

/* RFC 9725 section 4.6. */
static void
add_ice_servers (RpApi *api, RpHttpRequest *request)
{
  const RpIceServers servers = rp_api_ice_servers (api->config);
  g_auto (GStrv) links =
      rp_ice_servers_to_links (&servers, g_get_real_time () / G_USEC_PER_SEC, g_random_int ());
  for (guint i = 0; links[i] != NULL; i++)
    rp_http_request_add_header (request, "Link", links[i]);
}

/* An answer that arrives after its request still has to find the API. */
typedef struct {
  RpApi *api;
  RpHttpRequest *request;
} Waiter;

static Waiter *
waiter_new (RpApi *api, RpHttpRequest *request)
{
  Waiter *waiter = g_new (Waiter, 1);
  *waiter = (Waiter){api, request};
  return waiter;
}

/* --- POST --- */

static void
on_created (const char *answer, const char *id, const GError *error, gpointer user_data)
{
  g_autofree Waiter *waiter = user_data;
  if (error != NULL) {
    rp_api_reply_failure (waiter->request, error);
    return;
  }
  rp_api_end_if_gone (waiter->api, waiter->request, id);
  g_autofree char *location = g_strconcat (CALL_PATH, id, NULL);
  rp_http_request_add_header (waiter->request, "Location", location);
  add_ice_servers (waiter->api, waiter->request);
  add_ice_session (waiter->api, waiter->request, id);
  rp_http_reply_text (waiter->request, 201, "application/sdp", g_strdup (answer));
}

static gboolean
check_media (RpHttpRequest *request, const RpSdpRemote *remote)
{
  const char *detail = NULL;
  if (!remote->has_audio)
    detail = "sdp: there is no audio in it";
  else if (remote->audio_direction == RP_SDP_SENDONLY || remote->audio_direction == RP_SDP_INACTIVE)
    detail = "sdp: its audio sends nothing";
  if (detail != NULL)
    rp_http_reply_error (request, 400, detail, "offer audio with a=sendonly or a=sendrecv");
  return detail == NULL;
}

static void
create (RpApi *api, RpHttpRequest *request, const char *agent)
{
  gsize len = 0;
  const char *text = rp_http_request_body (request, &len);
  RpRegistryOffer offer = {.whip = TRUE, .address = rp_http_request_peer (request)};
  g_autoptr (RpSdp) sdp = NULL;
  g_autofree RpSdpRemote *remote = NULL;
  if (!rp_api_choose_agent (api, request, agent, &offer.agent) ||
      !rp_api_parse_sdp (request, text, len, &sdp, &remote) || !check_media (request, remote))
    return;
  offer.sdp = g_steal_pointer (&sdp);
  offer.remote = g_steal_pointer (&remote);
  rp_registry_offer (api->registry, &offer, on_created, waiter_new (api, request));
}

void
rp_api_post_whip (RpHttpRequest *request, gpointer user_data)
{
  create (user_data, request, NULL);
}

void
rp_api_post_whip_agent (RpHttpRequest *request, gpointer user_data)
{
  create (user_data, request, rp_http_request_param (request, 0));
}

/* --- PATCH --- */

/* RFC 9110 §13.1.1: a list of tags, compared strongly, or "*". */
static gboolean
if_match_has (const char *if_match, const char *wanted)
{
  g_auto (GStrv) tags = g_strsplit (if_match, ",", 16);
  for (char **tag = tags; *tag != NULL; tag++)
    if (g_str_equal (g_strstrip (*tag), wanted))
      return TRUE;
  return FALSE;
}

static gboolean
check_precondition (RpHttpRequest *request, const RpRegistryCall *call)
{
  const char *if_match = rp_http_request_header (request, "If-Match");
  if (if_match == NULL) {
    rp_http_reply_error (request, 428, "If-Match is missing",
                         "send If-Match with the last ETag of this call, or * to restart ICE");
    return FALSE;
  }
  g_autofree char *etag = make_etag (call->ice_session);
  if (if_match_has (if_match, "*") || if_match_has (if_match, etag))
    return TRUE;
  rp_http_request_add_header (request, "ETag", etag);
  rp_http_reply_error (request, 412, "this is for another ICE session than the present one",
                       "drop what was gathered for it; If-Match must be the last ETag");
  return FALSE;
}

/* Returns: (transfer full) (nullable): NULL when the request was replied to. */
static RpSdpFragment *
parse_fragment (RpHttpRequest *request)
{
  gsize len = 0;
  const char *text = rp_http_request_body (request, &len);
  g_autoptr (GError) error = NULL;
  g_autoptr (RpSdp) sdp = rp_sdp_parse_fragment (text, len, &error);
  g_autofree RpSdpFragment *fragment = g_new (RpSdpFragment, 1);
  if (sdp == NULL || !rp_sdp_fragment_summary (sdp, fragment, &error)) {
    g_autofree char *detail = g_strdup_printf ("sdpfrag: %s", error->message);
    rp_http_reply_error (request, 400, detail, "send candidates as RFC 8840 section 9 has them");
    return NULL;
  }
  if (fragment->ice_ufrag[0] == '\0' && fragment->n_candidates == 0 &&
      fragment->n_skipped_candidates == 0 && !fragment->end_of_candidates) {
    rp_http_reply_error (request, 400, "sdpfrag: neither candidates nor ICE credentials in it",
                         "send candidates as RFC 8840 section 9 has them");
    return NULL;
  }
  return g_steal_pointer (&fragment);
}

/* With "*" (RFC 9725 §4.3.3) even when the credentials are in use: a client that asks again has not
 * had the answer. */
static gboolean
is_restart (RpHttpRequest *request, const RpRegistryCall *call, const RpSdpFragment *fragment)
{
  if (fragment->ice_ufrag[0] == '\0')
    return FALSE;
  return if_match_has (rp_http_request_header (request, "If-Match"), "*") ||
         !g_str_equal (fragment->ice_ufrag, call->ice_ufrag) ||
         !g_str_equal (fragment->ice_pwd, call->ice_pwd);
}

static void
on_restarted (const char *answer, const char *id, const GError *error, gpointer user_data)
{
  g_autofree Waiter *waiter = user_data;
  if (error != NULL && error->code == RP_REGISTRY_ERROR_INVALID) {
    rp_http_reply_error (waiter->request, 422, error->message,
                         "the call goes on as it was; begin another if it does not");
  } else if (error != NULL) {
    rp_api_reply_failure (waiter->request, error);
  } else {
    add_ice_session (waiter->api, waiter->request, id);
    rp_http_reply_text (waiter->request, 200, "application/trickle-ice-sdpfrag", g_strdup (answer));
  }
}

void
rp_api_patch_whip (RpHttpRequest *request, gpointer user_data)
{
  RpApi *api = user_data;
  const char *id = rp_http_request_param (request, 0);
  const RpRegistryCall *call = find_call (api, request);
  if (call == NULL || !check_precondition (request, call))
    return;
  g_autofree RpSdpFragment *fragment = parse_fragment (request);
  if (fragment == NULL)
    return;
  if (is_restart (request, call, fragment)) {
    rp_registry_restart_ice (api->registry, id, fragment, on_restarted, waiter_new (api, request));
  } else {
    rp_registry_candidates (api->registry, id, fragment->candidates, fragment->n_candidates);
    rp_http_reply_text (request, 204, NULL, NULL);
  }
}

/* --- DELETE --- */

void
rp_api_delete_whip (RpHttpRequest *request, gpointer user_data)
{
  RpApi *api = user_data;
  const char *id = rp_http_request_param (request, 0);
  const char *ended = rp_registry_ended_whip (api->registry, id);
  if (ended != NULL ? !rp_api_may_join (request, ended) : find_call (api, request) == NULL)
    return;
  /* Clients that close their connection first have ended it by DTLS. */
  if (ended == NULL)
    rp_registry_end_call (api->registry, id, "the client hung up");
  rp_http_reply_json (request, 200, g_strdup ("{\"status\": \"ended\"}\n"));
}
