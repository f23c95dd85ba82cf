/* Sessions as the stock clients of Pipecat ask for them (POST /start), and what the server can do.
 */
#include "api-private.h"
#include "secret.h"

#define MAX_TRANSPORT_BYTES 64

static const RpJsonField start_fields[] = {
    {.name = "transport", .type = RP_JSON_STRING, .max_length = MAX_TRANSPORT_BYTES},
    {.name = "enableDefaultIceServers", .type = RP_JSON_BOOL},
    {.name = "body", .type = RP_JSON_OBJECT},
};

/* A client with nothing to say sends nothing. */
static JsonObject *
parse_start (RpHttpRequest *request)
{
  gsize len = 0;
  rp_http_request_body (request, &len);
  if (len == 0)
    return json_object_new ();
  return rp_api_parse_body (request, start_fields, G_N_ELEMENTS (start_fields));
}

RpIceServers
rp_api_ice_servers (const RpConfig *config)
{
  return (RpIceServers){
      .stun = (const char *const *) config->stun,
      .turn = (const char *const *) config->turn,
      .user = config->turn_user,
      .password = config->turn_password,
      .secret = config->turn_secret,
      .lifetime_s = config->turn_lifetime_us / G_USEC_PER_SEC,
  };
}

char *
rp_api_ice_servers_json (const RpConfig *config)
{
  const RpIceServers servers = rp_api_ice_servers (config);
  return rp_ice_servers_to_json (&servers, g_get_real_time () / G_USEC_PER_SEC, g_random_int ());
}

void
rp_api_post_start (RpHttpRequest *request, gpointer user_data)
{
  RpApi *api = user_data;
  g_autoptr (GError) error = NULL;
  rp_autosecret char *data = NULL;
  const char *agent = NULL;
  g_autoptr (JsonObject) start = parse_start (request);
  if (start == NULL)
    return;
  const char *transport = rp_json_string (start, "transport", "webrtc");
  if (!g_str_equal (transport, "webrtc") && !g_str_equal (transport, "smallwebrtc")) {
    rp_http_reply_error (request, 400, "transport: expected \"webrtc\"",
                         "leave it out; there is no other for a session");
    return;
  }
  if (!rp_api_take_request_data (request, "body", rp_json_object (start, "body"), &data, &agent) ||
      !rp_api_choose_agent (api, request, agent, &agent))
    return;
  g_autofree char *id =
      rp_registry_reserve (api->registry, rp_http_request_peer (request), agent, data, &error);
  if (id == NULL) {
    rp_api_reply_failure (request, error);
    return;
  }
  /* Ours, whether the client asks for "default" ones or not: it may not get through without. */
  g_autofree char *servers = rp_api_ice_servers_json (api->config);
  rp_http_reply_json (
      request, 200,
      g_strdup_printf ("{\"sessionId\": \"%s\", \"iceConfig\": {\"iceServers\": %s}}\n", id,
                       servers));
}

void
rp_api_get_status (RpHttpRequest *request, gpointer user_data)
{
  rp_http_reply_json (
      request, 200, g_strdup ("{\"status\": \"ready\", \"transports\": [\"webrtc\", \"whip\"]}\n"));
}
