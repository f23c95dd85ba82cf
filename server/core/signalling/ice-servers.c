#include "ice-servers.h"

#include <string.h>

/* RFC 8489 section 18.6, RFC 8656 section 21. */
#define PORT 3478
#define PORT_TLS 5349

static const struct {
  const char *scheme;
  gboolean is_turn, is_tls;
} schemes[] = {
    {"stun:", FALSE, FALSE},
    {"stuns:", FALSE, TRUE},
    {"turn:", TRUE, FALSE},
    {"turns:", TRUE, TRUE},
};

/* Skips the host. Returns FALSE when there is none. */
static gboolean
parse_host (const char **text, RpIceUrl *url)
{
  const char *from = *text;
  gboolean is_v6 = *from == '[';
  const char *allowed = is_v6 ? "0123456789abcdefABCDEF:."
                              : "-.0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  if (is_v6)
    from++;
  gsize len = strspn (from, allowed);
  if (len == 0 || len > RP_ICE_MAX_HOST_BYTES || (is_v6 && from[len] != ']') || *from == '-')
    return FALSE;
  memcpy (url->host, from, len);
  url->host[len] = '\0';
  *text = from + len + (is_v6 ? 1 : 0);
  return TRUE;
}

static gboolean
parse_port (const char **text, RpIceUrl *url)
{
  char *end = NULL;
  if (**text != ':')
    return TRUE;
  if (!g_ascii_isdigit ((*text)[1]))
    return FALSE;
  guint64 port = g_ascii_strtoull (*text + 1, &end, 10);
  if (port == 0 || port > G_MAXUINT16 || end - *text > 6)
    return FALSE;
  url->port = (guint16) port;
  *text = end;
  return TRUE;
}

gboolean
rp_ice_url_parse (const char *text, RpIceUrl *out)
{
  RpIceUrl url = {0};
  gsize scheme = 0;
  while (scheme < G_N_ELEMENTS (schemes) && !g_str_has_prefix (text, schemes[scheme].scheme))
    scheme++;
  if (scheme == G_N_ELEMENTS (schemes))
    return FALSE;
  text += strlen (schemes[scheme].scheme);
  url.is_turn = schemes[scheme].is_turn;
  url.is_tls = schemes[scheme].is_tls;
  url.is_tcp = url.is_tls;
  url.port = url.is_tls ? PORT_TLS : PORT;
  if (!parse_host (&text, &url) || !parse_port (&text, &url))
    return FALSE;
  if (url.is_turn && g_str_equal (text, "?transport=tcp"))
    url.is_tcp = TRUE;
  else if (*text != '\0' && !(url.is_turn && !url.is_tls && g_str_equal (text, "?transport=udp")))
    return FALSE;
  *out = url;
  return TRUE;
}

gboolean
rp_ice_credential_is_good (const char *text)
{
  for (const char *c = text; *c != '\0'; c++)
    if (!g_ascii_isgraph (*c) || *c == '"' || *c == '\\')
      return FALSE;
  return *text != '\0' && strlen (text) <= RP_ICE_MAX_USER_BYTES;
}

void
rp_ice_turn_credentials (const char *secret, gint64 until_s, guint32 who, char **out_user,
                         char **out_password)
{
  guint8 digest[20];
  gsize len = sizeof digest;
  *out_user = g_strdup_printf ("%" G_GINT64_FORMAT ":%08x", until_s, who);
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA1, (const guchar *) secret, strlen (secret));
  g_hmac_update (hmac, (const guchar *) *out_user, -1);
  g_hmac_get_digest (hmac, digest, &len);
  *out_password = g_base64_encode (digest, len);
}

static gboolean
has_any (const char *const *urls)
{
  return urls != NULL && urls[0] != NULL;
}

/* @out_user, @out_password: (transfer full) (nullable) */
static void
make_credentials (const RpIceServers *servers, gint64 now_s, guint32 who, char **out_user,
                  char **out_password)
{
  if (servers->secret != NULL) {
    rp_ice_turn_credentials (servers->secret, now_s + servers->lifetime_s, who, out_user,
                             out_password);
  } else {
    *out_user = g_strdup (servers->user);
    *out_password = g_strdup (servers->password);
  }
}

static void
append_urls (GString *json, const char *const *urls)
{
  g_string_append (json, "{\"urls\": [");
  for (guint i = 0; urls[i] != NULL; i++)
    g_string_append_printf (json, "%s\"%s\"", i > 0 ? ", " : "", urls[i]);
  g_string_append_c (json, ']');
}

char *
rp_ice_servers_to_json (const RpIceServers *servers, gint64 now_s, guint32 who)
{
  GString *json = g_string_new ("[");
  if (has_any (servers->stun)) {
    append_urls (json, servers->stun);
    g_string_append_c (json, '}');
  }
  if (has_any (servers->turn)) {
    g_autofree char *user = NULL;
    g_autofree char *password = NULL;
    make_credentials (servers, now_s, who, &user, &password);
    g_string_append (json, json->len > 1 ? ", " : "");
    append_urls (json, servers->turn);
    g_string_append_printf (json, ", \"username\": \"%s\", \"credential\": \"%s\"}",
                            user != NULL ? user : "", password != NULL ? password : "");
  }
  g_string_append_c (json, ']');
  return g_string_free (json, FALSE);
}

char **
rp_ice_servers_to_links (const RpIceServers *servers, gint64 now_s, guint32 who)
{
  GPtrArray *links = g_ptr_array_new ();
  for (guint i = 0; servers->stun != NULL && servers->stun[i] != NULL; i++)
    g_ptr_array_add (links, g_strdup_printf ("<%s>; rel=\"ice-server\"", servers->stun[i]));
  if (has_any (servers->turn)) {
    g_autofree char *user = NULL;
    g_autofree char *password = NULL;
    make_credentials (servers, now_s, who, &user, &password);
    for (guint i = 0; servers->turn[i] != NULL; i++)
      g_ptr_array_add (links, g_strdup_printf ("<%s>; rel=\"ice-server\"; username=\"%s\"; "
                                               "credential=\"%s\"; credential-type=\"password\"",
                                               servers->turn[i], user != NULL ? user : "",
                                               password != NULL ? password : ""));
  }
  g_ptr_array_add (links, NULL);
  return (char **) g_ptr_array_free (links, FALSE);
}
