#include "api-private.h"
#include "origin.h"
#include "secret.h"

#include <string.h>

/* A member that nobody knows is refused: "orgin" must not make a token for every site. */
static JsonObject *
parse_order (RpHttpRequest *request)
{
  static const RpJsonField fields[] = {
      {.name = "agent", .type = RP_JSON_STRING, .max_length = RP_ACCESS_MAX_AGENT_BYTES},
      {.name = "origin", .type = RP_JSON_STRING, .max_length = RP_ACCESS_MAX_ORIGIN_BYTES},
      {.name = "expires_in_s",
       .type = RP_JSON_INT,
       .min = RP_ACCESS_MIN_LIFE_S,
       .max = RP_ACCESS_MAX_LIFE_S},
  };
  g_autoptr (GError) error = NULL;
  gsize len = 0;
  const char *body = rp_http_request_body (request, &len);
  g_autoptr (JsonObject) order = rp_json_parse_object (body, len, RP_HTTP_MAX_BODY_BYTES, &error);
  if (order != NULL && rp_json_check_full (order, NULL, fields, G_N_ELEMENTS (fields),
                                           RP_JSON_CHECK_NO_UNKNOWN, &error))
    return g_steal_pointer (&order);
  rp_http_reply_error (
      request, 400, error->message,
      "send {\"agent\", \"origin\", \"expires_in_s\"}, each of which may be absent");
  return NULL;
}

static void
append_member (GString *json, const char *name, const char *value)
{
  if (value == NULL)
    return;
  g_string_append_printf (json, ", \"%s\": ", name);
  rp_json_append_string (json, value);
}

void
rp_api_post_token (RpHttpRequest *request, gpointer user_data)
{
  RpApi *api = user_data;
  const RpAccess *access = rp_http_request_access (request);
  if (access == NULL) {
    rp_http_reply_error (request, 409, "this server has no key to make tokens with",
                         "start it with --token-file FILE; without a key nobody needs a token");
    return;
  }
  g_autoptr (JsonObject) order = parse_order (request);
  if (order == NULL)
    return;
  const char *agent = rp_json_string (order, "agent", NULL);
  const char *origin = rp_json_string (order, "origin", NULL);
  if (agent != NULL && !rp_api_choose_agent (api, request, agent, &agent))
    return;
  if (origin != NULL && !rp_origin_is_good (origin)) {
    rp_http_reply_error (request, 400, "origin: expected scheme://host or scheme://host:port",
                         "such as https://example.com, as the browser says it in Origin");
    return;
  }
  const RpAccessGrant grant = {
      .agent = (char *) agent,
      .origin = (char *) origin,
      .expires_s = g_get_real_time () / G_USEC_PER_SEC +
                   rp_json_int (order, "expires_in_s", RP_ACCESS_DEFAULT_LIFE_S),
  };
  rp_autosecret char *token = rp_access_mint (access, &grant);
  /* At its full size at once: what it grows out of is not wiped. */
  GString *json = g_string_sized_new (2 * strlen (token));
  g_string_append (json, "{\"token\": ");
  rp_json_append_string (json, token);
  g_string_append_printf (json, ", \"expires_at\": %" G_GINT64_FORMAT, grant.expires_s);
  append_member (json, "agent", agent);
  append_member (json, "origin", origin);
  g_string_append (json, "}\n");
  rp_http_reply_json (request, 200, g_string_free (json, FALSE));
}
