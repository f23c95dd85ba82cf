#include "api-private.h"

#include <string.h>

/* --- who may do what --- */

gboolean
rp_api_may_begin (RpHttpRequest *request)
{
  const RpAccessGrant *grant = rp_http_request_grant (request);
  if (grant == NULL || !grant->expired)
    return TRUE;
  rp_http_request_add_header (request, "WWW-Authenticate",
                              "Bearer realm=\"repartee\", error=\"invalid_token\", "
                              "error_description=\"the token has expired\"");
  rp_http_reply_error (request, 401, "the token has expired",
                       "get another one; this one is good for going on with the call that was "
                       "begun with it alone");
  return FALSE;
}

gboolean
rp_api_may_join (RpHttpRequest *request, const char *agent)
{
  const RpAccessGrant *grant = rp_http_request_grant (request);
  if (grant == NULL || grant->agent == NULL || g_str_equal (grant->agent, agent))
    return TRUE;
  rp_http_reply_error (request, 403, "the token is for another agent",
                       "get one for this agent, or one without \"agent\"");
  return FALSE;
}

static char *
names (const GPtrArray *agents)
{
  GString *out = g_string_new ("there is ");
  for (guint i = 0; i < agents->len; i++) {
    const RpAgentInfo *info = g_ptr_array_index (agents, i);
    g_string_append_printf (out, "%s\"%s\"", i > 0 ? ", " : "", info->name);
  }
  return g_string_free (out, FALSE);
}

gboolean
rp_api_choose_agent (RpApi *api, RpHttpRequest *request, const char *asked, const char **out_agent)
{
  const RpAccessGrant *grant = rp_http_request_grant (request);
  const GPtrArray *agents = rp_pool_agents (api->pool);
  if (asked == NULL && grant != NULL)
    asked = grant->agent;
  if (asked != NULL && !rp_api_may_join (request, asked))
    return FALSE;
  if (asked != NULL && rp_agents_find (agents, asked) == NULL) {
    g_autofree char *detail = g_strdup_printf ("there is no agent \"%s\"", asked);
    /* To whom one agent is granted the others are no business. */
    g_autofree char *info = grant != NULL && grant->agent != NULL ? NULL : names (agents);
    rp_http_reply_error (request, 404, detail,
                         info != NULL ? info : "ask who gave you the token for another");
    return FALSE;
  }
  *out_agent = asked;
  return TRUE;
}

/* --- what the application says --- */

gboolean
rp_api_take_request_data (RpHttpRequest *request, const char *name, JsonObject *data,
                          char **out_text, const char **out_agent)
{
  static const RpJsonField fields[] = {
      {.name = "agent", .type = RP_JSON_STRING, .max_length = RP_AGENT_MAX_NAME_BYTES},
  };
  g_autoptr (GError) error = NULL;
  *out_text = NULL;
  *out_agent = NULL;
  if (data == NULL)
    return TRUE;
  if (!rp_json_check_full (data, name, fields, G_N_ELEMENTS (fields), RP_JSON_CHECK_NONE, &error)) {
    rp_http_reply_error (request, 400, error->message, "name an agent of GET /api/agents, or none");
    return FALSE;
  }
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), data);
  g_autofree char *text = rp_json_to_string (node);
  if (strlen (text) > RP_API_MAX_REQUEST_DATA_BYTES) {
    g_autofree char *detail =
        g_strdup_printf ("%s: longer than %d bytes", name, RP_API_MAX_REQUEST_DATA_BYTES);
    rp_http_reply_error (request, 413, detail,
                         "send what the agent is to know, and keep the rest where it is");
    return FALSE;
  }
  *out_text = g_steal_pointer (&text);
  *out_agent = rp_json_string (data, "agent", NULL);
  return TRUE;
}

/* --- GET /api/agents --- */

static void
append_agent (GString *json, const RpAgentInfo *info)
{
  g_string_append (json, json->str[json->len - 1] == '[' ? "{\"name\": " : ", {\"name\": ");
  rp_json_append_string (json, info->name);
  g_string_append (json, ", \"title\": ");
  rp_json_append_string (json, info->title);
  g_string_append (json, ", \"description\": ");
  rp_json_append_string (json, info->description);
  g_string_append_c (json, '}');
}

void
rp_api_get_agents (RpHttpRequest *request, gpointer user_data)
{
  RpApi *api = user_data;
  const char *only = NULL;
  const GPtrArray *agents = rp_pool_agents (api->pool);
  if (!rp_api_choose_agent (api, request, NULL, &only))
    return;
  GString *json = g_string_new ("{\"agents\": [");
  for (guint i = 0; i < agents->len; i++) {
    const RpAgentInfo *info = g_ptr_array_index (agents, i);
    if (only == NULL || g_str_equal (info->name, only))
      append_agent (json, info);
  }
  g_string_append (json, "], \"default\": ");
  const RpAgentInfo *first = g_ptr_array_index (agents, 0);
  rp_json_append_string (json, only != NULL ? only : first->name);
  g_autofree char *servers = rp_api_ice_servers_json (api->config);
  g_string_append_printf (json, ", \"iceServers\": %s}\n", servers);
  rp_http_reply_json (request, 200, g_string_free (json, FALSE));
}
