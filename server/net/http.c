#include "http.h"

#include "http-files.h"
#include "json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

G_DEFINE_QUARK (rp - http - error - quark, rp_http_error)

#define DEFAULT_CONNECTIONS 1000
#define DEFAULT_IDLE_S 15
/* Request line and headers, of one connection. */
#define CONNECTION_MEMORY_BYTES (32 * 1024)
#define PREFLIGHT_MAX_AGE_S "600"

/* A page of ours talks to its own server alone; worklets and recordings come from blobs. */
#define PAGE_POLICY                                                                        \
  "default-src 'self'; connect-src 'self'; media-src 'self' blob:; img-src 'self' data:; " \
  "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'none'; "      \
  "frame-ancestors 'self'"

struct _RpHttp {
  struct MHD_Daemon *daemon;
  GSource *source;
  const RpHttpRoute *routes;
  guint n_routes;
  gpointer user_data;
  guint16 port;
  RpAccess *access; /* (nullable) */
  char **cors_origin;
  char *web_dir;
  GHashTable *suspended; /* of RpHttpRequest */
  RpHttpStats stats;
};

struct _RpHttpRequest {
  RpHttp *http;
  struct MHD_Connection *connection;
  char *method;
  char *path;
  const RpHttpRoute *route; /* (nullable) */
  char *params[RP_HTTP_MAX_PARAMS];
  RpAccessGrant *grant; /* (nullable) */
  GPtrArray *headers;   /* of char *: name, value, name, value, … of the reply */
  GByteArray *body;
  guint64 received; /* bytes of the body */
  guint status;     /* of the reply, 0 = none yet */
  struct MHD_Response *response;
  gboolean dispatched;
  gboolean suspended;
};

/* --- replies --- */

static void
add_header (struct MHD_Response *response, const char *name, const char *value)
{
  MHD_add_response_header (response, name, value);
}

const char *
rp_http_request_header (RpHttpRequest *request, const char *name)
{
  return MHD_lookup_connection_value (request->connection, MHD_HEADER_KIND, name);
}

/* Returns: the origin to allow; NULL when the request has none or it is a stranger's. */
static const char *
allowed_origin (RpHttpRequest *request)
{
  const char *origin = rp_http_request_header (request, "Origin");
  if (origin == NULL)
    return NULL;
  for (char **entry = request->http->cors_origin; *entry != NULL; entry++)
    if (g_str_equal (*entry, "*") || g_ascii_strcasecmp (*entry, origin) == 0)
      return origin;
  return NULL;
}

static void
add_common_headers (RpHttpRequest *request, struct MHD_Response *response)
{
  add_header (response, "X-Content-Type-Options", "nosniff");
  add_header (response, "Referrer-Policy", "no-referrer");
  if (request->http->cors_origin[0] == NULL)
    return;
  add_header (response, "Vary", "Origin");
  const char *origin = allowed_origin (request);
  if (origin == NULL)
    return;
  add_header (response, "Access-Control-Allow-Origin", origin);
  add_header (response, "Access-Control-Expose-Headers", "Location, Retry-After");
}

/* @response: (transfer full) */
static void
reply (RpHttpRequest *request, guint status, struct MHD_Response *response)
{
  RpHttp *http = request->http;
  g_assert (request->status == 0); /* one reply per request: the handler's duty */
  add_common_headers (request, response);
  for (guint i = 0; i < request->headers->len; i += 2)
    add_header (response, request->headers->pdata[i], request->headers->pdata[i + 1]);
  if (status == MHD_HTTP_SERVICE_UNAVAILABLE)
    add_header (response, "Retry-After", G_STRINGIFY (RP_HTTP_RETRY_AFTER_S));
  request->status = status;
  request->response = response;
  if (status >= 500)
    http->stats.server_errors++;
  else if (status >= 400)
    http->stats.client_errors++;
  if (request->suspended) {
    request->suspended = FALSE;
    g_hash_table_remove (http->suspended, request);
    MHD_resume_connection (request->connection);
    /* Without a thread of its own the library only looks at resumed connections when it is run. */
    g_source_set_ready_time (http->source, 0);
  }
}

static struct MHD_Response *
response_from_text (char *text)
{
  return MHD_create_response_from_buffer (strlen (text), text, MHD_RESPMEM_MUST_FREE);
}

void
rp_http_reply_text (RpHttpRequest *request, guint status, const char *content_type, char *text)
{
  struct MHD_Response *response =
      text != NULL ? response_from_text (text)
                   : MHD_create_response_from_buffer (0, NULL, MHD_RESPMEM_PERSISTENT);
  if (text != NULL)
    add_header (response, "Content-Type", content_type);
  add_header (response, "Cache-Control", "no-store");
  reply (request, status, response);
}

void
rp_http_reply_json (RpHttpRequest *request, guint status, char *json)
{
  rp_http_reply_text (request, status, "application/json", json);
}

static char *
error_json (const char *detail, const char *info)
{
  GString *json = g_string_new ("{\"detail\": ");
  rp_json_append_string (json, detail);
  if (info != NULL) {
    g_string_append (json, ", \"info\": ");
    rp_json_append_string (json, info);
  }
  g_string_append (json, "}\n");
  return g_string_free (json, FALSE);
}

void
rp_http_reply_error (RpHttpRequest *request, guint status, const char *detail, const char *info)
{
  rp_http_reply_json (request, status, error_json (detail, info));
}

static void
reply_error_with (RpHttpRequest *request, guint status, const char *header, const char *value,
                  const char *detail, const char *info)
{
  struct MHD_Response *response = response_from_text (error_json (detail, info));
  add_header (response, "Content-Type", "application/json");
  add_header (response, "Cache-Control", "no-store");
  add_header (response, header, value);
  reply (request, status, response);
}

/* --- static files --- */

static void
reply_file (RpHttpRequest *request, int fd, const char *path, guint64 size, gint64 mtime_us)
{
  g_autofree char *etag =
      g_strdup_printf ("\"%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x\"", size, mtime_us);
  const char *seen = rp_http_request_header (request, "If-None-Match");
  gboolean unchanged = seen != NULL && strstr (seen, etag) != NULL;
  struct MHD_Response *response = NULL;
  if (unchanged) {
    close (fd);
    response = MHD_create_response_from_buffer (0, NULL, MHD_RESPMEM_PERSISTENT);
  } else {
    response = MHD_create_response_from_fd64 (size, fd);
  }
  if (response == NULL) {
    close (fd);
    rp_http_reply_error (request, 500, "the file cannot be sent", NULL);
    return;
  }
  const char *type = rp_http_file_type (path);
  add_header (response, "Content-Type", type);
  add_header (response, "ETag", etag);
  add_header (response, "Cache-Control", "no-cache");
  if (g_str_has_prefix (type, "text/html")) {
    add_header (response, "Content-Security-Policy", PAGE_POLICY);
    add_header (response, "Permissions-Policy", "microphone=(self), camera=()");
  } else {
    /* The snippet is there to be embedded by other sites. */
    add_header (response, "Cross-Origin-Resource-Policy", "cross-origin");
  }
  reply (request, unchanged ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response);
}

static void
serve_file (RpHttpRequest *request)
{
  g_autofree char *path = rp_http_file_path (request->path);
  guint64 size = 0;
  gint64 mtime_us = 0;
  int fd = -1;
  if (path != NULL && request->http->web_dir != NULL)
    fd = rp_http_file_open (request->http->web_dir, path, &size, &mtime_us);
  if (fd < 0)
    rp_http_reply_error (request, 404, "there is nothing here",
                         request->http->web_dir != NULL
                             ? "see README.md for the paths this server has"
                             : "the web pages were not found: start the server with --web DIR");
  else if (!g_str_equal (request->method, "GET") && !g_str_equal (request->method, "HEAD")) {
    close (fd);
    reply_error_with (request, 405, "Allow", "GET, HEAD", "a file can only be read", "use GET");
  } else {
    reply_file (request, fd, path, size, mtime_us);
  }
}

/* --- what comes before a handler --- */

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

/* @out_params: (nullable): of RP_HTTP_MAX_PARAMS. */
static gboolean
route_has_path (const RpHttpRoute *route, const char *path, char **out_params)
{
  guint n = 0;
  const char *pattern = route->path;
  const char *rest = path;
  while (*pattern != '\0') {
    if (pattern[0] == '{' && pattern[1] == '}') {
      gsize len = strcspn (rest, "/");
      if (!is_param (rest, len))
        return FALSE;
      g_assert (n < RP_HTTP_MAX_PARAMS); /* the table's duty */
      n++;
      pattern += 2;
      rest += len;
    } else if (*pattern++ != *rest++) {
      return FALSE;
    }
  }
  if (*rest != '\0')
    return FALSE;
  if (out_params == NULL || n == 0)
    return TRUE;
  g_auto (GStrv) names = g_strsplit (route->path, "/", -1);
  g_auto (GStrv) values = g_strsplit (path, "/", -1);
  for (guint i = 0, k = 0; names[i] != NULL; i++)
    if (g_str_equal (names[i], "{}"))
      out_params[k++] = g_strdup (values[i]);
  return TRUE;
}

static char *
allowed_methods (const RpHttp *http, const char *path)
{
  GString *allow = g_string_new (NULL);
  for (guint i = 0; i < http->n_routes; i++)
    if (route_has_path (&http->routes[i], path, NULL))
      g_string_append_printf (allow, "%s, %s", http->routes[i].method,
                              g_str_equal (http->routes[i].method, "GET") ? "HEAD, " : "");
  if (allow->len > 0)
    g_string_append (allow, "OPTIONS");
  return g_string_free (allow, FALSE);
}

static void
reply_options (RpHttpRequest *request, const char *allow)
{
  struct MHD_Response *response = MHD_create_response_from_buffer (0, NULL, MHD_RESPMEM_PERSISTENT);
  add_header (response, "Allow", allow);
  const char *wanted = rp_http_request_header (request, "Access-Control-Request-Headers");
  if (allowed_origin (request) != NULL) {
    add_header (response, "Access-Control-Allow-Methods", allow);
    add_header (response, "Access-Control-Allow-Headers",
                wanted != NULL ? wanted : "Content-Type, Authorization");
    add_header (response, "Access-Control-Max-Age", PREFLIGHT_MAX_AGE_S);
  }
  reply (request, MHD_HTTP_NO_CONTENT, response);
}

/* FALSE when the request was refused. */
static gboolean
check_access (RpHttpRequest *request)
{
  const char *header = rp_http_request_header (request, "Authorization");
  guint flags = request->route->flags;
  if (request->http->access == NULL ||
      !(flags & (RP_HTTP_AUTH_KEY | RP_HTTP_AUTH_CALL | RP_HTTP_AUTH_JOIN)))
    return TRUE;
  RpAccessVerdict verdict = RP_ACCESS_REFUSED;
  if (header != NULL && g_ascii_strncasecmp (header, "Bearer ", 7) == 0)
    verdict = rp_access_check (request->http->access, header + 7, strlen (header + 7),
                               g_get_real_time () / G_USEC_PER_SEC, &request->grant);
  if (verdict == RP_ACCESS_KEY)
    return TRUE;
  if (verdict == RP_ACCESS_TOKEN && !(flags & RP_HTTP_AUTH_KEY) &&
      (!request->grant->expired || (flags & RP_HTTP_AUTH_JOIN)))
    return TRUE;
  reply_error_with (request, 401, "WWW-Authenticate", "Bearer realm=\"repartee\"",
                    "this server wants its token", "send it as 'Authorization: Bearer TOKEN'");
  return FALSE;
}

static const char *
body_type (guint flags)
{
  return (flags & RP_HTTP_JSON_BODY)      ? "application/json"
         : (flags & RP_HTTP_SDP_BODY)     ? "application/sdp"
         : (flags & RP_HTTP_SDPFRAG_BODY) ? "application/trickle-ice-sdpfrag"
                                          : NULL;
}

static gboolean
body_has_type (RpHttpRequest *request, const char *wanted)
{
  const char *type = rp_http_request_header (request, "Content-Type");
  gsize len = strlen (wanted);
  return type != NULL && g_ascii_strncasecmp (type, wanted, len) == 0 &&
         (type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

/* Finds the route and refuses what can be refused from the headers alone. */
static void
check_request (RpHttpRequest *request)
{
  RpHttp *http = request->http;
  const char *method = g_str_equal (request->method, "HEAD") ? "GET" : request->method;
  for (guint i = 0; i < http->n_routes && request->route == NULL; i++)
    if (g_str_equal (http->routes[i].method, method) &&
        route_has_path (&http->routes[i], request->path, request->params))
      request->route = &http->routes[i];
  if (request->route == NULL) {
    g_autofree char *allow = allowed_methods (http, request->path);
    if (*allow == '\0')
      serve_file (request);
    else if (g_str_equal (method, "OPTIONS"))
      reply_options (request, allow);
    else
      reply_error_with (request, 405, "Allow", allow, "this path does not know the method",
                        "the Allow header names those it knows");
    return;
  }
  const char *type = body_type (request->route->flags);
  if (!check_access (request) || type == NULL)
    return;
  if (!body_has_type (request, type)) {
    g_autofree char *detail = g_strdup_printf ("the body must be %s", type);
    g_autofree char *info = g_strdup_printf ("send it with 'Content-Type: %s'", type);
    rp_http_reply_error (request, 415, detail, info);
  } else if (rp_http_request_header (request, "Content-Length") == NULL &&
             rp_http_request_header (request, "Transfer-Encoding") == NULL)
    rp_http_reply_error (request, 411, "there is no body", "send one with a Content-Length");
}

/* --- libmicrohttpd --- */

static void
request_free (RpHttpRequest *request)
{
  if (request->response != NULL)
    MHD_destroy_response (request->response);
  g_byte_array_unref (request->body);
  g_ptr_array_unref (request->headers);
  rp_access_grant_free (request->grant);
  for (guint i = 0; i < RP_HTTP_MAX_PARAMS; i++)
    g_free (request->params[i]);
  g_free (request->method);
  g_free (request->path);
  g_free (request);
}

/* FALSE: the client sends more than is worth reading. */
static gboolean
take_body (RpHttpRequest *request, const char *data, gsize len)
{
  request->received += len;
  if (request->status != 0)
    return request->received <= RP_HTTP_MAX_DISCARD_BYTES;
  if (request->received > RP_HTTP_MAX_BODY_BYTES) {
    g_autofree char *detail =
        g_strdup_printf ("the body is longer than %d bytes", RP_HTTP_MAX_BODY_BYTES);
    rp_http_reply_error (request, 413, detail, "an offer of a browser has about 8 KB");
    return TRUE;
  }
  g_byte_array_append (request->body, (const guint8 *) data, (guint) len);
  return TRUE;
}

static enum MHD_Result
finish (RpHttpRequest *request)
{
  if (!request->dispatched && request->status == 0) {
    request->dispatched = TRUE;
    g_byte_array_append (request->body, (const guint8 *) "", 1);
    request->route->handler (request, request->http->user_data);
  }
  if (request->status == 0) {
    request->suspended = TRUE;
    g_hash_table_add (request->http->suspended, request);
    MHD_suspend_connection (request->connection);
    return MHD_YES;
  }
  return MHD_queue_response (request->connection, request->status, request->response);
}

static enum MHD_Result
on_access (void *cls, struct MHD_Connection *connection, const char *url, const char *method,
           const char *version, const char *upload_data, size_t *upload_data_size, void **con_cls)
{
  RpHttp *http = cls;
  RpHttpRequest *request = *con_cls;
  if (request == NULL) {
    request = g_new0 (RpHttpRequest, 1);
    request->http = http;
    request->connection = connection;
    request->method = g_strdup (method);
    request->path = g_strdup (url);
    request->body = g_byte_array_new ();
    request->headers = g_ptr_array_new_with_free_func (g_free);
    http->stats.requests++;
    *con_cls = request;
    check_request (request);
    return MHD_YES;
  }
  if (*upload_data_size > 0) {
    gboolean more = take_body (request, upload_data, *upload_data_size);
    *upload_data_size = 0;
    return more ? MHD_YES : MHD_NO;
  }
  return finish (request);
}

static void
on_completed (void *cls, struct MHD_Connection *connection, void **con_cls,
              enum MHD_RequestTerminationCode code)
{
  if (*con_cls != NULL)
    request_free (*con_cls);
  *con_cls = NULL;
}

/* As the library's own, but "%00" stays as it is: decoded it would cut the path short, and what is
 * checked would not be what was asked for. */
static size_t
on_unescape (void *cls, struct MHD_Connection *connection, char *text)
{
  char *out = text;
  for (const char *in = text; *in != '\0'; out++) {
    int high = in[0] == '%' ? g_ascii_xdigit_value (in[1]) : -1;
    int low = high >= 0 ? g_ascii_xdigit_value (in[2]) : -1;
    if (low >= 0 && (high | low) != 0) {
      *out = (char) (high << 4 | low);
      in += 3;
    } else {
      *out = *in++;
    }
  }
  *out = '\0';
  return (size_t) (out - text);
}

typedef struct {
  GSource base;
  struct MHD_Daemon *daemon;
  gpointer fd_tag;
  gint64 ready_us; /* -1 = only when there is input */
} HttpSource;

static gboolean
source_prepare (GSource *base, gint *out_timeout_ms)
{
  HttpSource *source = (HttpSource *) base;
  MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
  *out_timeout_ms = -1;
  source->ready_us = -1;
  if (MHD_get_timeout (source->daemon, &timeout_ms) != MHD_YES)
    return FALSE;
  *out_timeout_ms = (gint) MIN (timeout_ms, 60000);
  source->ready_us = g_source_get_time (base) + *out_timeout_ms * (gint64) 1000;
  return timeout_ms == 0;
}

static gboolean
source_check (GSource *base)
{
  HttpSource *source = (HttpSource *) base;
  return g_source_query_unix_fd (base, source->fd_tag) != 0 ||
         (source->ready_us >= 0 && g_source_get_time (base) >= source->ready_us);
}

static gboolean
source_dispatch (GSource *base, GSourceFunc callback, gpointer data)
{
  g_source_set_ready_time (base, -1);
  MHD_run (((HttpSource *) base)->daemon);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
    .prepare = source_prepare,
    .check = source_check,
    .dispatch = source_dispatch,
};

static int
open_listener (const char *host, guint16 port, GError **error)
{
  struct sockaddr_storage storage = {0};
  socklen_t len = 0;
  struct sockaddr_in *v4 = (struct sockaddr_in *) &storage;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *) &storage;
  if (g_str_equal (host, "localhost"))
    host = "127.0.0.1";
  if (inet_pton (AF_INET6, host, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons (port);
    len = sizeof *v6;
  } else if (inet_pton (AF_INET, host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons (port);
    len = sizeof *v4;
  }
  int fd = len > 0 ? socket (storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
  int one = 1;
  if (fd >= 0)
    setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (fd >= 0 && bind (fd, (struct sockaddr *) &storage, len) == 0 && listen (fd, 256) == 0)
    return fd;
  int saved = errno;
  g_set_error (error, RP_HTTP_ERROR, RP_HTTP_ERROR_LISTEN, "cannot listen on %s port %u: %s", host,
               port, g_strerror (saved));
  if (fd >= 0)
    close (fd);
  return -1;
}

static guint16
port_of (int fd)
{
  struct sockaddr_storage storage;
  socklen_t len = sizeof storage;
  if (getsockname (fd, (struct sockaddr *) &storage, &len) != 0)
    return 0;
  return ntohs (storage.ss_family == AF_INET6 ? ((struct sockaddr_in6 *) &storage)->sin6_port
                                              : ((struct sockaddr_in *) &storage)->sin_port);
}

static void on_log (void *cls, const char *format, va_list args) G_GNUC_PRINTF (2, 0);

/* Broken requests of strangers: nothing for the operator. */
static void
on_log (void *cls, const char *format, va_list args)
{
}

RpHttp *
rp_http_new (const RpHttpConfig *config, const RpHttpRoute *routes, guint n_routes,
             gpointer user_data, GError **error)
{
  int fd = open_listener (config->host, config->port, error);
  if (fd < 0)
    return NULL;
  RpHttp *http = g_new0 (RpHttp, 1);
  http->routes = routes;
  http->n_routes = n_routes;
  http->user_data = user_data;
  http->port = port_of (fd);
  http->access = config->token != NULL ? rp_access_new (config->token) : NULL;
  http->cors_origin =
      config->cors_origin != NULL ? g_strdupv ((char **) config->cors_origin) : g_new0 (char *, 1);
  http->web_dir = g_strdup (config->web_dir);
  http->suspended = g_hash_table_new (NULL, NULL);
  http->daemon = MHD_start_daemon (
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_access, http,
      MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
      MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
      http, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) CONNECTION_MEMORY_BYTES,
      MHD_OPTION_CONNECTION_LIMIT,
      config->max_connections != 0 ? config->max_connections : DEFAULT_CONNECTIONS,
      MHD_OPTION_PER_IP_CONNECTION_LIMIT, config->max_connections_per_ip,
      MHD_OPTION_CONNECTION_TIMEOUT,
      config->idle_timeout_s != 0 ? config->idle_timeout_s : DEFAULT_IDLE_S, MHD_OPTION_END);
  if (http->daemon == NULL) {
    close (fd);
    rp_http_free (http);
    g_set_error (error, RP_HTTP_ERROR, RP_HTTP_ERROR_SETUP, "the HTTP library refused to start");
    return NULL;
  }
  const union MHD_DaemonInfo *info = MHD_get_daemon_info (http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  http->source = g_source_new (&source_funcs, sizeof (HttpSource));
  HttpSource *source = (HttpSource *) http->source;
  source->daemon = http->daemon;
  source->fd_tag = g_source_add_unix_fd (http->source, info->epoll_fd, G_IO_IN);
  g_source_set_name (http->source, "http");
  g_source_attach (http->source, g_main_context_get_thread_default ());
  return http;
}

void
rp_http_free (RpHttp *http)
{
  if (http == NULL)
    return;
  if (http->source != NULL) {
    g_source_destroy (http->source);
    g_source_unref (http->source);
  }
  if (http->daemon != NULL) {
    /* Suspended connections may not be left when the daemon stops. */
    g_autoptr (GList) left = g_hash_table_get_keys (http->suspended);
    for (GList *l = left; l != NULL; l = l->next)
      rp_http_reply_error (l->data, 503, "the server has stopped", NULL);
    MHD_run (http->daemon);
    MHD_stop_daemon (http->daemon);
  }
  g_hash_table_unref (http->suspended);
  g_strfreev (http->cors_origin);
  rp_access_free (http->access);
  g_free (http->web_dir);
  g_free (http);
}

guint16
rp_http_port (const RpHttp *http)
{
  return http->port;
}

void
rp_http_stats (const RpHttp *http, RpHttpStats *out)
{
  *out = http->stats;
}

const char *
rp_http_request_method (const RpHttpRequest *request)
{
  return request->method;
}

const char *
rp_http_request_path (const RpHttpRequest *request)
{
  return request->path;
}

const char *
rp_http_request_body (const RpHttpRequest *request, gsize *out_len)
{
  *out_len = request->body->len - 1; /* the NUL that finish () put behind it */
  return (const char *) request->body->data;
}

const char *
rp_http_request_param (const RpHttpRequest *request, guint i)
{
  g_assert (i < RP_HTTP_MAX_PARAMS && request->params[i] != NULL); /* the handler's duty */
  return request->params[i];
}

const RpAccessGrant *
rp_http_request_grant (const RpHttpRequest *request)
{
  return request->grant;
}

const RpAccess *
rp_http_request_access (const RpHttpRequest *request)
{
  return request->http->access;
}

void
rp_http_request_add_header (RpHttpRequest *request, const char *name, const char *value)
{
  g_ptr_array_add (request->headers, g_strdup (name));
  g_ptr_array_add (request->headers, g_strdup (value));
}
