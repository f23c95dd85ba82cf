#include "server-stats.h"

#include "json.h"

#include <libsoup/soup.h>
#include <string.h>

#define TIMEOUT_S 1
#define MAX_STATS_BYTES (4 * 1024 * 1024)

static JsonNode *
find_call (const JsonObject *stats, const char *pc_id)
{
  JsonArray *calls = rp_json_array ((JsonObject *) stats, "calls");
  for (guint i = 0; calls && i < json_array_get_length (calls); i++) {
    JsonNode *node = json_array_get_element (calls, i);
    const char *id =
        JSON_NODE_HOLDS_OBJECT (node) ? rp_json_string (json_node_get_object (node), "id", "") : "";
    /* It is shown cut short. */
    if (*id && g_str_has_prefix (pc_id, id))
      return json_node_copy (node);
  }
  return NULL;
}

JsonNode *
rp_call_server_stats (const char *url, const char *token, const char *pc_id)
{
  gsize end = strlen (url);
  while (end > 0 && url[end - 1] == '/')
    end--;
  g_autofree char *stats_url = g_strdup_printf ("%.*s/stats", (int) end, url);
  g_autoptr (SoupMessage) message = soup_message_new (SOUP_METHOD_GET, stats_url);
  if (!message || !pc_id)
    return NULL;
  if (token) {
    g_autofree char *value = g_strdup_printf ("Bearer %s", token);
    soup_message_headers_append (soup_message_get_request_headers (message), "Authorization",
                                 value);
  }
  g_autoptr (SoupSession) session = soup_session_new_with_options ("timeout", TIMEOUT_S, NULL);
  g_autoptr (GBytes) body = soup_session_send_and_read (session, message, NULL, NULL);
  if (!body || soup_message_get_status (message) != SOUP_STATUS_OK)
    return NULL;
  gsize len = 0;
  const char *text = g_bytes_get_data (body, &len);
  g_autoptr (JsonObject) stats = rp_json_parse_object (text, len, MAX_STATS_BYTES, NULL);
  return stats ? find_call (stats, pc_id) : NULL;
}
