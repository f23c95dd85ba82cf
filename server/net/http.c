#include "http-private.h"
#include "quota.h"
#include "secret.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

G_DEFINE_QUARK (rp - http - error - quark, rp_http_error)

#define DEFAULT_CONNECTIONS 1000
#define DEFAULT_IDLE_S 15
#define DEFAULT_REQUEST_S 30
/* Request line and headers, of one connection. The library maps what is more than 32 KiB and gives
 * it back to the kernel with the keys and tokens in it; less would go back to the heap as it is. */
#define CONNECTION_MEMORY_BYTES (36 * 1024)

/* --- libmicrohttpd --- */

static void
request_free (RpHttpRequest *request)
{
  if (request->response != NULL)
    MHD_destroy_response (request->response);
  rp_secret_array_free (request->body);
  g_ptr_array_unref (request->headers);
  rp_access_grant_free (request->grant);
  for (guint i = 0; i < RP_HTTP_MAX_PARAMS; i++)
    g_free (request->params[i]);
  g_free (request->method);
  g_free (request->path);
  g_free (request);
}

static RpHttpConnection *
connection_of (struct MHD_Connection *connection)
{
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info (connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info != NULL ? info->socket_context : NULL;
}

/* Begins to wait for a request; those that have waited longest are at the head. */
static void
await_request (RpHttpConnection *self)
{
  g_queue_unlink (&self->http->connections, &self->link);
  self->since_us = g_get_monotonic_time ();
  self->has_request = FALSE;
  g_queue_push_tail_link (&self->http->connections, &self->link);
}

/* The library's own time-out starts anew with each byte. Its connection is closed by closing what
 * is beneath it. */
static gboolean
on_sweep (gpointer user_data)
{
  RpHttp *http = user_data;
  gint64 limit_us = http->request_timeout_s * (gint64) G_USEC_PER_SEC;
  gint64 now_us = g_get_monotonic_time ();
  for (GList *l = http->connections.head; l != NULL; l = l->next) {
    const RpHttpConnection *connection = l->data;
    if (now_us - connection->since_us < limit_us)
      break;
    if (!connection->has_request)
      (void) shutdown (connection->fd, SHUT_RDWR);
  }
  return G_SOURCE_CONTINUE;
}

static char *
peer_of (struct MHD_Connection *connection)
{
  char text[INET6_ADDRSTRLEN] = "";
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  const struct sockaddr *address = info != NULL ? info->client_addr : NULL;
  if (address != NULL && address->sa_family == AF_INET)
    inet_ntop (AF_INET, &((const struct sockaddr_in *) address)->sin_addr, text, sizeof text);
  else if (address != NULL && address->sa_family == AF_INET6)
    inet_ntop (AF_INET6, &((const struct sockaddr_in6 *) address)->sin6_addr, text, sizeof text);
  return rp_quota_key (text);
}

/* Returns: how many connections the peer has then. */
static guint
count_peer (RpHttp *http, const char *peer, gint change)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (http->peers, peer)) + (guint) change;
  if (n > 0)
    g_hash_table_insert (http->peers, g_strdup (peer), GUINT_TO_POINTER (n));
  else
    g_hash_table_remove (http->peers, peer);
  return n;
}

static void
on_connection (void *cls, struct MHD_Connection *connection, void **socket_context,
               enum MHD_ConnectionNotificationCode code)
{
  RpHttp *http = cls;
  RpHttpConnection *self = *socket_context;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info (connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    self = g_new0 (RpHttpConnection, 1);
    self->link.data = self;
    self->http = http;
    self->fd = info->connect_fd;
    self->peer = peer_of (connection);
    self->since_us = g_get_monotonic_time ();
    g_queue_push_tail_link (&http->connections, &self->link);
    *socket_context = self;
    /* The library's own limit takes each address of an IPv6 subnet for somebody else. */
    guint n = self->peer != NULL ? count_peer (http, self->peer, 1) : 0;
    self->refused = http->max_per_peer > 0 && n > http->max_per_peer;
    if (self->refused)
      (void) shutdown (self->fd, SHUT_RDWR);
  } else if (self != NULL) {
    g_queue_unlink (&http->connections, &self->link);
    if (self->peer != NULL)
      count_peer (http, self->peer, -1);
    g_free (self->peer);
    g_free (self);
    *socket_context = NULL;
  }
}

/* At its full size at once: what it grows out of is not wiped. */
static GByteArray *
body_new (RpHttpRequest *request)
{
  const char *length = rp_http_request_header (request, "Content-Length");
  guint64 bytes = 0;
  if (length != NULL)
    bytes = g_ascii_strtoull (length, NULL, 10);
  else if (rp_http_request_header (request, "Transfer-Encoding") != NULL)
    bytes = RP_HTTP_MAX_BODY_BYTES;
  return g_byte_array_sized_new ((guint) MIN (bytes, RP_HTTP_MAX_BODY_BYTES) + 1);
}

/* FALSE: the client sends more than is worth reading. */
static gboolean
take_body (RpHttpRequest *request, const char *data, gsize len)
{
  request->received += len;
  if (request->status != 0)
    return request->received <= RP_HTTP_MAX_DISCARD_BYTES;
  if (request->received > RP_HTTP_MAX_BODY_BYTES) {
    rp_http_reply_too_large (request);
    return TRUE;
  }
  g_byte_array_append (request->body, (const guint8 *) data, (guint) len);
  return TRUE;
}

static void
reply_stopped (RpHttpRequest *request)
{
  rp_http_reply_error (request, 503, "the server has stopped", "try again once it is back");
}

static enum MHD_Result
finish (RpHttpRequest *request)
{
  RpHttpConnection *connection = connection_of (request->connection);
  if (connection != NULL)
    connection->has_request = TRUE;
  if (request->http->stopping && request->status == 0 && !request->dispatched)
    reply_stopped (request);
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
    /* What had come before the connection was closed can still be read. */
    const RpHttpConnection *from = connection_of (connection);
    if (from != NULL && from->refused)
      return MHD_NO;
    request = g_new0 (RpHttpRequest, 1);
    request->http = http;
    request->connection = connection;
    request->method = g_strdup (method);
    request->path = g_strdup (url);
    request->is_http_1_0 = g_str_equal (version, MHD_HTTP_VERSION_1_0);
    request->headers = g_ptr_array_new_with_free_func (g_free);
    http->stats.requests++;
    *con_cls = request;
    rp_http_check (request);
    if (request->status == 0)
      request->body = body_new (request);
    /* Who asks first gets the refusal instead of the leave to send; others may send on, so that
     * they get to read it. */
    if (request->status != 0 &&
        (request->is_garbled || rp_http_request_header (request, "Expect") != NULL))
      return MHD_queue_response (connection, request->status, request->response);
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
  RpHttpConnection *self = connection_of (connection);
  if (self != NULL)
    await_request (self);
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

int
rp_http_listen (const char *host, guint16 port, GError **error)
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
  int fd =
      config->host != NULL ? rp_http_listen (config->host, config->port, error) : config->listen_fd;
  if (fd < 0)
    return NULL;
  RpHttp *http = g_new0 (RpHttp, 1);
  http->routes = routes;
  http->n_routes = n_routes;
  http->user_data = user_data;
  http->port = port_of (fd);
  http->access = config->token != NULL ? rp_access_new (config->token) : NULL;
  http->local_names_only = config->local_names_only;
  http->cors_origin =
      config->cors_origin != NULL ? g_strdupv ((char **) config->cors_origin) : g_new0 (char *, 1);
  http->web_dir = g_strdup (config->web_dir);
  http->suspended = g_hash_table_new (NULL, NULL);
  http->peers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  http->max_per_peer = config->max_connections_per_peer;
  http->request_timeout_s =
      config->request_timeout_s != 0 ? config->request_timeout_s : DEFAULT_REQUEST_S;
  http->refused = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  http->daemon = MHD_start_daemon (
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_access, http,
      MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
      MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
      http, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
      (size_t) CONNECTION_MEMORY_BYTES, MHD_OPTION_CONNECTION_LIMIT,
      config->max_connections != 0 ? config->max_connections : DEFAULT_CONNECTIONS,
      MHD_OPTION_CONNECTION_TIMEOUT,
      config->idle_timeout_s != 0 ? config->idle_timeout_s : DEFAULT_IDLE_S, MHD_OPTION_END);
  if (http->daemon == NULL) {
    close (fd);
    rp_http_free (http);
    g_set_error (error, RP_HTTP_ERROR, RP_HTTP_ERROR_SETUP, "the HTTP library refused to start");
    return NULL;
  }
  http->sweeper = g_timeout_add_seconds (1, on_sweep, http);
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
  if (http->sweeper != 0)
    g_source_remove (http->sweeper);
  if (http->source != NULL)
    g_source_destroy (http->source);
  if (http->daemon != NULL) {
    /* Suspended connections may not be left when the daemon stops. That one run serves requests
     * that have just come, too: what their handlers work with is gone. */
    http->stopping = TRUE;
    g_autoptr (GList) left = g_hash_table_get_keys (http->suspended);
    for (GList *l = left; l != NULL; l = l->next)
      reply_stopped (l->data);
    MHD_run (http->daemon);
    MHD_stop_daemon (http->daemon);
  }
  g_clear_pointer (&http->source, g_source_unref); /* replies wake it */
  g_hash_table_unref (http->suspended);
  g_hash_table_unref (http->peers);
  g_hash_table_unref (http->refused);
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
rp_http_request_header (RpHttpRequest *request, const char *name)
{
  return MHD_lookup_connection_value (request->connection, MHD_HEADER_KIND, name);
}

const char *
rp_http_request_peer (RpHttpRequest *request)
{
  const RpHttpConnection *connection = connection_of (request->connection);
  return connection != NULL ? connection->peer : NULL;
}

/* Nobody looks at the socket while the request waits. A client that has sent all it has to say and
 * closed its half of the connection is none that we know. */
gboolean
rp_http_request_is_gone (RpHttpRequest *request)
{
  const RpHttpConnection *connection = connection_of (request->connection);
  char byte;
  ssize_t n =
      connection != NULL ? recv (connection->fd, &byte, sizeof byte, MSG_PEEK | MSG_DONTWAIT) : 1;
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
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
