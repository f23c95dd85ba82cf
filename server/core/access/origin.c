#include "origin.h"

#include "access.h"

#include <string.h>

/* The parts of "scheme://host:port", pointing into the text. */
typedef struct {
  const char *scheme;
  gsize scheme_len;
  const char *host; /* with the brackets of an IPv6 address */
  gsize host_len;
  guint port; /* 0 = none is written */
} Origin;

/* "host", "host:port", "[v6]", "[v6]:port"; a port is 1..65535. */
static gboolean
parse_host (const char *text, Origin *out)
{
  const char *end = NULL;
  if (*text == '[') {
    gsize len = strspn (text + 1, "0123456789abcdefABCDEF:.");
    if (len == 0 || text[1 + len] != ']')
      return FALSE;
    end = text + len + 2;
  } else {
    for (end = text; g_ascii_isalnum (*end) || (*end != '\0' && strchr ("-._~", *end) != NULL);)
      end++;
    if (end == text)
      return FALSE;
  }
  out->host = text;
  out->host_len = (gsize) (end - text);
  out->port = 0;
  if (*end == '\0')
    return TRUE;
  gsize digits = *end == ':' ? strspn (end + 1, "0123456789") : 0;
  if (digits == 0 || digits > 5 || end[1 + digits] != '\0')
    return FALSE;
  out->port = (guint) g_ascii_strtoull (end + 1, NULL, 10);
  return out->port >= 1 && out->port <= 65535;
}

static gboolean
parse_origin (const char *text, Origin *out)
{
  if (strlen (text) > RP_ACCESS_MAX_ORIGIN_BYTES || !g_ascii_isalpha (*text))
    return FALSE;
  const char *end = text;
  while (g_ascii_isalnum (*end) || *end == '+' || *end == '-' || *end == '.')
    end++;
  if (strncmp (end, "://", 3) != 0)
    return FALSE;
  out->scheme = text;
  out->scheme_len = (gsize) (end - text);
  return parse_host (end + 3, out);
}

static gboolean
has_scheme (const Origin *origin, const char *scheme)
{
  return strlen (scheme) == origin->scheme_len &&
         g_ascii_strncasecmp (origin->scheme, scheme, origin->scheme_len) == 0;
}

static guint
port_of (const Origin *origin)
{
  if (origin->port != 0)
    return origin->port;
  return has_scheme (origin, "https") ? 443 : has_scheme (origin, "http") ? 80 : 0;
}

static gboolean
same_host (const Origin *a, const Origin *b)
{
  return a->host_len == b->host_len && g_ascii_strncasecmp (a->host, b->host, a->host_len) == 0;
}

gboolean
rp_origin_is_good (const char *origin)
{
  Origin parsed;
  return parse_origin (origin, &parsed);
}

gboolean
rp_origin_equal (const char *a, const char *b)
{
  Origin one;
  Origin other;
  return parse_origin (a, &one) && parse_origin (b, &other) && one.scheme_len == other.scheme_len &&
         g_ascii_strncasecmp (one.scheme, other.scheme, one.scheme_len) == 0 &&
         same_host (&one, &other) && port_of (&one) == port_of (&other);
}

gboolean
rp_origin_has_host (const char *origin, const char *host)
{
  Origin page;
  Origin server;
  if (!parse_origin (origin, &page) || strlen (host) > RP_ACCESS_MAX_ORIGIN_BYTES ||
      !parse_host (host, &server) || !same_host (&page, &server))
    return FALSE;
  /* A Host header leaves out the port that its scheme has; which scheme, only the client knows. */
  guint port = port_of (&page);
  return server.port != 0 ? server.port == port : port == 80 || port == 443;
}

static gboolean
is_loopback_v4 (const char *text)
{
  guint octets = 0;
  gboolean loopback = strncmp (text, "127.", 4) == 0;
  for (const char *c = text;; c++) {
    gsize digits = strspn (c, "0123456789");
    if (digits < 1 || digits > 3 || g_ascii_strtoull (c, NULL, 10) > 255)
      return FALSE;
    octets++;
    c += digits;
    if (*c == '\0')
      return loopback && octets == 4;
    if (*c != '.')
      return FALSE;
  }
}

gboolean
rp_host_is_loopback (const char *host)
{
  Origin parsed;
  if (strlen (host) > RP_ACCESS_MAX_ORIGIN_BYTES || !parse_host (host, &parsed))
    return FALSE;
  g_autofree char *name = g_strndup (parsed.host, parsed.host_len);
  return g_ascii_strcasecmp (name, "localhost") == 0 || g_str_equal (name, "[::1]") ||
         is_loopback_v4 (name);
}

gboolean
rp_origin_is_name (const char *text)
{
  const char *scheme_end = strstr (text, "://");
  const char *host = scheme_end != NULL ? scheme_end + 3 : text;
  gsize len = strcspn (host, ":");
  const char *port = host + len;
  gboolean has_letter = FALSE;
  if (len == 0 || len > RP_ACCESS_MAX_ORIGIN_BYTES || strspn (port, ":0123456789") != strlen (port))
    return FALSE;
  if (scheme_end != NULL && !rp_origin_is_good (text))
    return FALSE;
  for (gsize i = 0; i < len; i++) {
    if (!g_ascii_isalnum (host[i]) && host[i] != '.' && host[i] != '-')
      return FALSE;
    /* A top-level domain has letters; so has a number such as 0x7f000001, which is no name. */
    has_letter |= g_ascii_isalpha (host[i]);
  }
  return has_letter && !g_str_has_prefix (host, "0x");
}
