/* URLs and credentials of STUN and TURN servers, as an operator may write them: what is taken makes
 * good JSON and header fields. One per line: the URL, the user, the password, the secret. */
#include "ice-servers.h"
#include "json.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const char *
if_good (const char *text)
{
  return text != NULL && *text != '\0' && rp_ice_credential_is_good (text) ? text : NULL;
}

static void
check_json (const RpIceServers *servers)
{
  g_autofree char *text = rp_ice_servers_to_json (servers, 1800000000, 7);
  g_autofree char *whole = g_strdup_printf ("{\"a\": %s}", text);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = rp_json_parse_object (whole, strlen (whole), 0, &error);
  g_assert_no_error (error);
  g_assert_nonnull (rp_json_array (object, "a"));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", 4);
  guint n = g_strv_length (lines);
  RpIceUrl url;
  if (n == 0 || !rp_ice_url_parse (lines[0], &url))
    return 0;
  g_assert_true (url.host[0] != '\0' && url.port > 0);
  const char *const urls[] = {lines[0], NULL};
  const RpIceServers servers = {
      .stun = url.is_turn ? NULL : urls,
      .turn = url.is_turn ? urls : NULL,
      .user = if_good (n > 1 ? lines[1] : NULL),
      .password = if_good (n > 2 ? lines[2] : NULL),
      .secret = n > 3 && *lines[3] != '\0' ? lines[3] : NULL,
      .lifetime_s = 60,
  };
  if (url.is_turn && servers.secret == NULL && (servers.user == NULL || servers.password == NULL))
    return 0;
  check_json (&servers);
  g_auto (GStrv) links = rp_ice_servers_to_links (&servers, 1800000000, 7);
  for (guint i = 0; links[i] != NULL; i++)
    for (const char *c = links[i]; *c != '\0'; c++)
      g_assert_true ((guchar) *c >= 0x20 && (guchar) *c < 0x7f);
  return 0;
}
