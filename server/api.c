#include "api-private.h"

JsonObject *
rp_api_parse_body (RpHttpRequest *request, const RpJsonField *fields, guint n_fields)
{
  g_autoptr (GError) error = NULL;
  gsize len = 0;
  const char *body = rp_http_request_body (request, &len);
  g_autoptr (JsonObject) object = rp_json_parse_object (body, len, RP_HTTP_MAX_BODY_BYTES, &error);
  if (object != NULL && rp_json_check (object, fields, n_fields, &error))
    return g_steal_pointer (&object);
  rp_http_reply_error (request, 400, error->message, "correct the JSON of the request's body");
  return NULL;
}

static void
get_healthz (RpHttpRequest *request, gpointer user_data)
{
  rp_http_reply_json (request, 200, g_strdup ("{\"status\": \"ok\"}\n"));
}

static void
get_readyz (RpHttpRequest *request, gpointer user_data)
{
  RpApi *api = user_data;
  const char *failure = rp_pool_failure (api->pool);
  if (rp_registry_is_draining (api->registry))
    rp_http_reply_error (request, 503, "the server is going down", NULL);
  else if (failure != NULL)
    rp_http_reply_error (request, 503, failure, "correct this and start the server again");
  else if (!rp_pool_is_ready (api->pool))
    rp_http_reply_error (request, 503, "no worker is warm yet", "try again in a moment");
  else
    rp_http_reply_json (request, 200, g_strdup ("{\"status\": \"ready\"}\n"));
}

const RpHttpRoute *
rp_api_routes (guint *out_n)
{
  static const RpHttpRoute routes[] = {
      {"GET", "/api/agents", RP_HTTP_AUTH_CALL, rp_api_get_agents},
      {"POST", "/api/offer", RP_HTTP_AUTH_JOIN | RP_HTTP_JSON_BODY, rp_api_post_offer},
      {"PATCH", "/api/offer", RP_HTTP_AUTH_JOIN | RP_HTTP_JSON_BODY, rp_api_patch_offer},
      {"POST", "/start", RP_HTTP_AUTH_CALL | RP_HTTP_JSON_BODY, rp_api_post_start},
      {"POST", "/sessions/{}/api/offer", RP_HTTP_AUTH_JOIN | RP_HTTP_JSON_BODY,
       rp_api_post_session_offer},
      {"PATCH", "/sessions/{}/api/offer", RP_HTTP_AUTH_JOIN | RP_HTTP_JSON_BODY,
       rp_api_patch_session_offer},
      {"GET", "/status", 0, rp_api_get_status},
      {"POST", "/whip", RP_HTTP_AUTH_CALL | RP_HTTP_SDP_BODY, rp_api_post_whip},
      {"POST", "/whip/{}", RP_HTTP_AUTH_CALL | RP_HTTP_SDP_BODY, rp_api_post_whip_agent},
      {"PATCH", "/whip/call/{}", RP_HTTP_AUTH_JOIN | RP_HTTP_SDPFRAG_BODY, rp_api_patch_whip},
      {"DELETE", "/whip/call/{}", RP_HTTP_AUTH_JOIN, rp_api_delete_whip},
      {"POST", "/api/token", RP_HTTP_AUTH_KEY | RP_HTTP_JSON_BODY, rp_api_post_token},
      {"GET", "/stats", RP_HTTP_AUTH_KEY, rp_api_get_stats},
      {"GET", "/stats/history", RP_HTTP_AUTH_KEY, rp_api_get_history},
      {"GET", "/stats/calls/{}", RP_HTTP_AUTH_KEY, rp_api_get_call_stats},
      {"GET", "/metrics", RP_HTTP_AUTH_KEY, rp_api_get_metrics},
      {"GET", "/healthz", 0, get_healthz},
      {"GET", "/readyz", 0, get_readyz},
  };
  *out_n = G_N_ELEMENTS (routes);
  return routes;
}
