/* What comes before a handler: is the request for us, from whom, and is its body what it must be.
 */
#include "http-private.h"
#include "log.h"
#include "origin.h"

#include <string.h>

/* Sites and names told to the operator; beyond it they are an attack or a scan. */
#define MAX_TOLD 32

/* --- hosts and sites --- */

enum {
  HOST,
  ORIGIN,
  AUTHORIZATION,
  CONTENT_TYPE,
  CONTENT_LENGTH,
  TRANSFER_ENCODING,
  N_SINGLE,
};

typedef struct {
  guint n[N_SINGLE];
  gboolean has_malformed;
} HeaderCounts;

/* RFC 9110 sections 5.1 and 5.5: a name is a token, and no value has a CR in it. Others might take
 * the one for another name and the other for the end of a line. */
static gboolean
is_malformed (const char *name, const char *value)
{
  for (const char *c = name; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("!#$%&'*+-.^_`|~", *c) == NULL)
      return TRUE;
  return *name == '\0' || (value != NULL && strchr (value, '\r') != NULL);
}

static enum MHD_Result
count_single (void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
  static const char *const names[N_SINGLE] = {
      "Host", "Origin", "Authorization", "Content-Type", "Content-Length", "Transfer-Encoding"};
  HeaderCounts *counts = cls;
  counts->has_malformed |= is_malformed (key, value);
  for (guint i = 0; i < N_SINGLE; i++)
    if (g_ascii_strcasecmp (key, names[i]) == 0)
      counts->n[i]++;
  return MHD_YES;
}

/* RFC 9112 sections 5.1 and 6.1: where one thinks that a request ends, another must not see one
 * begin. What follows on the connection is not looked at. HTTP/1.0 has no Transfer-Encoding. */
static gboolean
check_framing (RpHttpRequest *request, const HeaderCounts *counts)
{
  const char *encoding = rp_http_request_header (request, "Transfer-Encoding");
  gboolean is_chunked = encoding != NULL && g_ascii_strcasecmp (encoding, "chunked") == 0;
  if (!counts->has_malformed &&
      (encoding == NULL || (is_chunked && !request->is_http_1_0 && counts->n[CONTENT_LENGTH] == 0 &&
                            counts->n[TRANSFER_ENCODING] == 1)))
    return TRUE;
  request->is_garbled = TRUE;
  rp_http_request_add_header (request, "Connection", "close");
  rp_http_reply_error (request, 400, "it is not clear where the body ends",
                       "send either a Content-Length or Transfer-Encoding: chunked");
  return FALSE;
}

/* Of two headers of a name, we and a proxy in front of us might each believe another. */
static gboolean
check_headers (RpHttpRequest *request)
{
  HeaderCounts counts = {0};
  MHD_get_connection_values (request->connection, MHD_HEADER_KIND, count_single, &counts);
  if (!check_framing (request, &counts))
    return FALSE;
  for (guint i = 0; i < N_SINGLE; i++) {
    if (counts.n[i] <= 1)
      continue;
    rp_http_reply_error (request, 400, "a header is there twice that may be there once",
                         "send one Host, Origin, Authorization, Content-Type, Content-Length");
    return FALSE;
  }
  if (counts.n[HOST] == 0 && !request->is_http_1_0) {
    rp_http_reply_error (request, 400, "there is no Host header", "HTTP/1.1 wants one");
    return FALSE;
  }
  return TRUE;
}

/* A browser shows the author of a page nothing of our reply, so the operator hears of it. Once for
 * each site or name. */
static void
tell (RpHttp *http, const char *message, const char *name, const char *value)
{
  if (g_hash_table_size (http->refused) >= MAX_TOLD ||
      !g_hash_table_add (http->refused, g_strdup (value)))
    return;
  /* What is no name may be anybody's address, or anything. */
  gboolean is_site = g_str_equal (name, "origin");
  if (!rp_log_pii () && (!rp_origin_is_name (value) || (is_site && !rp_origin_is_good (value))))
    value = NULL;
  rp_log_warning ("http", message, RP_LOG_STR (name, value));
}

/* No browser speaks HTTP/1.0 without Host, but simple health checks do. */
static gboolean
check_host (RpHttpRequest *request)
{
  const char *host = rp_http_request_header (request, "Host");
  if (!request->http->local_names_only || host == NULL || rp_host_is_loopback (host))
    return TRUE;
  tell (request->http, "refused another name: see --token-file and --no-auth", "host", host);
  rp_http_reply_error (request, 403,
                       "this server has no key and so answers to localhost and 127.0.0.1 alone, "
                       "not to another name for them",
                       "start it with --token-file FILE (or --token), or with --no-auth when "
                       "something in front of it checks who comes");
  return FALSE;
}

static gboolean
is_same_origin_fetch (RpHttpRequest *request)
{
  const char *site = rp_http_request_header (request, "Sec-Fetch-Site");
  return site != NULL && g_str_equal (site, "same-origin");
}

/* Pages of strangers are kept out even where anybody may come: a visitor's browser is inside the
 * operator's network, the page's author is not. Browsers say Sec-Fetch-Site themselves, and it
 * survives a proxy that changes Host. */
static gboolean
check_origin (RpHttpRequest *request)
{
  const char *origin = rp_http_request_header (request, "Origin");
  const char *host = rp_http_request_header (request, "Host");
  if (origin == NULL || (host != NULL && rp_origin_has_host (origin, host)) ||
      is_same_origin_fetch (request) || rp_http_allowed_origin (request) != NULL)
    return TRUE;
  tell (request->http, "refused a page of another site: see --cors-origin", "origin", origin);
  rp_http_reply_error (request, 403, "pages of this site may not use this server",
                       "start the server with --cors-origin and the site's origin, such as "
                       "https://example.com; behind a proxy, let it pass on the Host header");
  return FALSE;
}

/* --- keys and tokens --- */

#define REALM "Bearer realm=\"repartee\""
#define HOW_TO_GET_ONE \
  "ask who runs this server for a token: its key makes one with POST /api/token"

static void
refuse_token (RpHttpRequest *request, const char *detail, const char *info)
{
  g_autofree char *challenge =
      g_strdup_printf (REALM ", error=\"invalid_token\", error_description=\"%s\"", detail);
  rp_http_request_add_header (request, "WWW-Authenticate", challenge);
  rp_http_reply_error (request, 401, detail, info);
}

/* A page's GET to its own server has no Origin. */
static gboolean
comes_from (RpHttpRequest *request, const char *bound)
{
  const char *origin = rp_http_request_header (request, "Origin");
  const char *host = rp_http_request_header (request, "Host");
  if (origin != NULL)
    return rp_origin_equal (origin, bound);
  return host != NULL && is_same_origin_fetch (request) && rp_origin_has_host (bound, host);
}

static gboolean
check_grant (RpHttpRequest *request)
{
  const RpAccessGrant *grant = request->grant;
  if (request->route->flags & RP_HTTP_AUTH_KEY)
    rp_http_reply_error (request, 403, "this is for the operator's key; a token is for calls alone",
                         "send the key itself as 'Authorization: Bearer KEY'");
  else if (grant->expired && !(request->route->flags & RP_HTTP_AUTH_JOIN))
    refuse_token (request, "the token has expired", HOW_TO_GET_ONE);
  else if (grant->origin != NULL && !comes_from (request, grant->origin))
    rp_http_reply_error (request, 403, "the token is for another site",
                         "get one with this site as \"origin\", or without");
  else
    return TRUE;
  return FALSE;
}

/* FALSE when the request was refused. */
static gboolean
check_access (RpHttpRequest *request)
{
  if (request->http->access == NULL ||
      !(request->route->flags & (RP_HTTP_AUTH_KEY | RP_HTTP_AUTH_CALL | RP_HTTP_AUTH_JOIN)))
    return TRUE;
  const char *header = rp_http_request_header (request, "Authorization");
  if (header == NULL || g_ascii_strncasecmp (header, "Bearer ", 7) != 0) {
    rp_http_request_add_header (request, "WWW-Authenticate", REALM);
    rp_http_reply_error (request, 401,
                         "this server wants a token, as 'Authorization: Bearer TOKEN'",
                         HOW_TO_GET_ONE);
    return FALSE;
  }
  const char *text = header + 7;
  text += strspn (text, " ");
  switch (rp_access_check (request->http->access, text, strlen (text),
                           g_get_real_time () / G_USEC_PER_SEC, &request->grant)) {
  case RP_ACCESS_KEY:
    return TRUE;
  case RP_ACCESS_TOKEN:
    return check_grant (request);
  case RP_ACCESS_REFUSED:
    break;
  }
  refuse_token (request, "the token is none of this server's", HOW_TO_GET_ONE);
  return FALSE;
}

/* --- bodies --- */

/* Returns: (nullable) */
static const char *
body_type (guint flags)
{
  if (flags & RP_HTTP_JSON_BODY)
    return "application/json";
  if (flags & RP_HTTP_SDP_BODY)
    return "application/sdp";
  return (flags & RP_HTTP_SDPFRAG_BODY) ? "application/trickle-ice-sdpfrag" : NULL;
}

static gboolean
body_has_type (RpHttpRequest *request, const char *wanted)
{
  const char *type = rp_http_request_header (request, "Content-Type");
  gsize len = strlen (wanted);
  return type != NULL && g_ascii_strncasecmp (type, wanted, len) == 0 &&
         (type[len] == '\0' || type[len] == ';' || type[len] == ' ' || type[len] == '\t');
}

static void
check_body (RpHttpRequest *request)
{
  const char *type = body_type (request->route->flags);
  const char *length = rp_http_request_header (request, "Content-Length");
  if (type != NULL && !body_has_type (request, type)) {
    g_autofree char *detail = g_strdup_printf ("the body must be of type %s", type);
    g_autofree char *info = g_strdup_printf ("send it with 'Content-Type: %s'", type);
    rp_http_request_add_header (
        request, g_str_equal (request->method, "PATCH") ? "Accept-Patch" : "Accept-Post", type);
    rp_http_reply_error (request, 415, detail, info);
  } else if (type != NULL && length == NULL &&
             rp_http_request_header (request, "Transfer-Encoding") == NULL) {
    rp_http_reply_error (request, 411, "there is no body", "send one with a Content-Length");
  } else if (length != NULL && g_ascii_strtoull (length, NULL, 10) > RP_HTTP_MAX_BODY_BYTES) {
    rp_http_reply_too_large (request);
  }
}

/* --- routes --- */

static gboolean
is_param (const char *text, gsize len)
{
  if (len == 0 || len > RP_HTTP_MAX_PARAM_BYTES)
    return FALSE;
  for (gsize i = 0; i < len; i++)
    if (!g_ascii_isalnum (text[i]) && strchr ("._~-", text[i]) == NULL)
      return FALSE;
  return TRUE;
}

/* @out_params: (nullable): of RP_HTTP_MAX_PARAMS, set on success. */
static gboolean
route_has_path (const RpHttpRoute *route, const char *path, char **out_params)
{
  const char *starts[RP_HTTP_MAX_PARAMS];
  gsize lengths[RP_HTTP_MAX_PARAMS];
  guint n = 0;
  for (const char *pattern = route->path; *pattern != '\0';) {
    if (pattern[0] == '{') {
      gsize len = strcspn (path, "/");
      if (!is_param (path, len))
        return FALSE;
      g_assert (n < RP_HTTP_MAX_PARAMS && pattern[1] == '}'); /* the table's duty */
      starts[n] = path;
      lengths[n++] = len;
      pattern += 2;
      path += len;
    } else if (*pattern++ != *path++) {
      return FALSE;
    }
  }
  if (*path != '\0')
    return FALSE;
  for (guint i = 0; out_params != NULL && i < n; i++)
    out_params[i] = g_strndup (starts[i], lengths[i]);
  return TRUE;
}

/* What can be done with a path. */
typedef struct {
  GString *allow; /* empty when no route has it */
  const char *accept_post;
  const char *accept_patch;
} PathOptions;

static void
collect_options (const RpHttp *http, const char *path, PathOptions *out)
{
  for (guint i = 0; i < http->n_routes; i++) {
    const RpHttpRoute *route = &http->routes[i];
    if (!route_has_path (route, path, NULL))
      continue;
    g_string_append_printf (out->allow, "%s, %s", route->method,
                            g_str_equal (route->method, "GET") ? "HEAD, " : "");
    if (g_str_equal (route->method, "POST"))
      out->accept_post = body_type (route->flags);
    else if (g_str_equal (route->method, "PATCH"))
      out->accept_patch = body_type (route->flags);
  }
  if (out->allow->len > 0)
    g_string_append (out->allow, "OPTIONS");
}

static const RpHttpRoute *
find_route (RpHttpRequest *request)
{
  const RpHttp *http = request->http;
  const char *method = g_str_equal (request->method, "HEAD") ? "GET" : request->method;
  for (guint i = 0; i < http->n_routes; i++)
    if (g_str_equal (http->routes[i].method, method) &&
        route_has_path (&http->routes[i], request->path, request->params))
      return &http->routes[i];
  return NULL;
}

void
rp_http_check (RpHttpRequest *request)
{
  g_autoptr (GString) allow = g_string_new (NULL);
  PathOptions options = {.allow = allow};
  if (!check_headers (request) || !check_host (request))
    return;
  collect_options (request->http, request->path, &options);
  if (allow->len == 0) {
    rp_http_reply_file (request);
    return;
  }
  if (!check_origin (request))
    return;
  request->route = find_route (request);
  if (request->route != NULL) {
    if (check_access (request))
      check_body (request);
  } else if (g_str_equal (request->method, "OPTIONS")) {
    rp_http_reply_options (request, allow->str, options.accept_post, options.accept_patch);
  } else {
    rp_http_request_add_header (request, "Allow", allow->str);
    rp_http_reply_error (request, 405, "this path does not know the method",
                         "the Allow header names those it knows");
  }
}
