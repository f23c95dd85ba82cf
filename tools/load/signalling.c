#include "signalling.h"

#include "load-peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_REPLY_BYTES (4 * 1024 * 1024) /* /stats of 2000 calls */
#define MAX_HEAD_BYTES 16384
#define IO_TIMEOUT_S 20
#define READ_BYTES 16384

typedef struct {
  RpLoadHttp *http;
  char *request;
  gsize head_len;
  gsize len;
  RpLoadHttpEnd end;
  RpLoadHttpFunc func;
  gpointer user_data;
  RpLoadHttpReply reply;
} Job;

struct _RpLoadHttp {
  RpLoop *loop;
  struct sockaddr_in address;
  char *host; /* of the URL, with the port */
  char *token;
  GThreadPool *pool;
  GMutex lock;
  GQueue idle; /* of GINT_TO_POINTER (fd): connections that are kept alive */
};

static void
job_free (gpointer data)
{
  Job *job = data;
  g_free (job->request);
  g_free (job->reply.body);
  g_free (job->reply.error);
  g_free (job);
}

static void
deliver (gpointer data)
{
  Job *job = data;
  job->func (&job->reply, job->user_data);
}

static gint
dial (RpLoadHttp *http)
{
  struct timeval patience = {.tv_sec = IO_TIMEOUT_S};
  int on = 1;

  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect (fd, (struct sockaddr *) &http->address, sizeof http->address) == 0)
    return fd;
  int saved = errno;
  close (fd);
  errno = saved;
  return -1;
}

static gint
take_idle (RpLoadHttp *http)
{
  gint fd = -1;
  g_mutex_lock (&http->lock);
  if (!g_queue_is_empty (&http->idle))
    fd = GPOINTER_TO_INT (g_queue_pop_tail (&http->idle));
  g_mutex_unlock (&http->lock);
  return fd;
}

static void
keep_idle (RpLoadHttp *http, gint fd)
{
  g_mutex_lock (&http->lock);
  g_queue_push_tail (&http->idle, GINT_TO_POINTER (fd));
  g_mutex_unlock (&http->lock);
}

static gboolean
send_all (gint fd, const char *data, gsize len)
{
  while (len > 0) {
    ssize_t n = send (fd, data, len, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return FALSE;
    data += n;
    len -= (gsize) n;
  }
  return TRUE;
}

/* Returns: FALSE at the end of the stream or on an error. */
static gboolean
read_more (gint fd, GString *in)
{
  char piece[READ_BYTES];
  ssize_t n;

  do
    n = recv (fd, piece, sizeof piece, 0);
  while (n < 0 && errno == EINTR);
  if (n <= 0 || in->len + (gsize) n > MAX_REPLY_BYTES)
    return FALSE;
  g_string_append_len (in, piece, n);
  return TRUE;
}

/* Returns: (nullable): a header's value, in memory of its own. */
static char *
header (const char *head, const char *name)
{
  gsize len = strlen (name);
  for (const char *line = strstr (head, "\r\n"); line; line = strstr (line, "\r\n")) {
    line += 2;
    if (g_ascii_strncasecmp (line, name, len) == 0 && line[len] == ':') {
      const char *end = strstr (line, "\r\n");
      const char *from = line + len + 1;
      return g_strstrip (end ? g_strndup (from, (gsize) (end - from)) : g_strdup (from));
    }
  }
  return NULL;
}

static gboolean
read_until (gint fd, GString *in, gsize len)
{
  while (in->len < len)
    if (!read_more (fd, in))
      return FALSE;
  return TRUE;
}

/* RFC 9112 section 7.1; at is where the first chunk begins. Trailers are not expected. */
static gboolean
read_chunks (gint fd, GString *in, gsize at, GString *body)
{
  for (;;) {
    const char *end;
    while (!(end = strstr (in->str + at, "\r\n")))
      if (!read_more (fd, in))
        return FALSE;
    guint64 size = g_ascii_strtoull (in->str + at, NULL, 16);
    gsize from = (gsize) (end - in->str) + 2;
    if (size > MAX_REPLY_BYTES || !read_until (fd, in, from + size + 2))
      return FALSE;
    g_string_append_len (body, in->str + from, (gssize) size);
    at = from + size + 2;
    if (size == 0)
      return TRUE;
  }
}

/* Returns: FALSE when no whole reply came. *out_keep: the connection is good for another. */
static gboolean
read_reply (gint fd, RpLoadHttpReply *reply, gboolean *out_keep)
{
  g_autoptr (GString) in = g_string_new (NULL);
  g_autoptr (GString) body = g_string_new (NULL);
  const char *end;

  while (!(end = strstr (in->str, "\r\n\r\n")))
    if (in->len > MAX_HEAD_BYTES || !read_more (fd, in))
      return FALSE;
  gsize at = (gsize) (end - in->str) + 4;
  g_autofree char *head = g_strndup (in->str, at - 2);
  guint status = 0;
  if (sscanf (head, "HTTP/1.%*1d %3u", &status) != 1)
    return FALSE;
  g_autofree char *length = header (head, "Content-Length");
  g_autofree char *coding = header (head, "Transfer-Encoding");
  g_autofree char *connection = header (head, "Connection");
  g_autofree char *retry = header (head, "Retry-After");

  *out_keep = !connection || g_ascii_strcasecmp (connection, "close") != 0;
  if (coding && g_ascii_strcasecmp (coding, "chunked") == 0) {
    if (!read_chunks (fd, in, at, body))
      return FALSE;
  } else if (length) {
    guint64 n = g_ascii_strtoull (length, NULL, 10);
    if (n > MAX_REPLY_BYTES || !read_until (fd, in, at + n))
      return FALSE;
    g_string_append_len (body, in->str + at, (gssize) n);
  } else {
    *out_keep = FALSE;
    while (read_more (fd, in))
      ;
    g_string_append (body, in->str + at);
  }
  reply->status = status;
  reply->body = g_strdup (body->str);
  reply->retry_after_s = retry ? (gint) MIN (g_ascii_strtoull (retry, NULL, 10), 3600) : -1;
  return TRUE;
}

/* Returns: FALSE when nothing came back. */
static gboolean
ask (Job *job, gint fd, gboolean *out_keep)
{
  job->reply.begun_us = g_get_monotonic_time ();
  return send_all (fd, job->request, job->len) && read_reply (fd, &job->reply, out_keep);
}

static void
ask_whole (Job *job)
{
  RpLoadHttp *http = job->http;
  gboolean keep = FALSE;

  /* One that was idle may have been closed meanwhile. */
  gint fd = take_idle (http);
  if (fd >= 0 && !ask (job, fd, &keep)) {
    close (fd);
    fd = -1;
  }
  if (fd < 0) {
    fd = dial (http);
    if (fd >= 0 && !ask (job, fd, &keep)) {
      int saved = errno;
      close (fd);
      errno = saved;
      fd = -1;
    }
  }
  if (fd < 0)
    job->reply.error = g_strdup_printf ("no answer over HTTP: %s", g_strerror (errno));
  else if (keep)
    keep_idle (http, fd);
  else
    close (fd);
}

static void
break_off (Job *job)
{
  struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  gsize len =
      job->end == RP_LOAD_HTTP_HALF ? job->head_len + (job->len - job->head_len) / 2 : job->len;

  gint fd = dial (job->http);
  if (fd < 0) {
    job->reply.error = g_strdup_printf ("no connection over HTTP: %s", g_strerror (errno));
    return;
  }
  job->reply.begun_us = g_get_monotonic_time ();
  send_all (fd, job->request, len);
  if (job->end == RP_LOAD_HTTP_RESET)
    setsockopt (fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close (fd);
}

static void
run_job (gpointer data, gpointer user_data)
{
  Job *job = data;
  if (job->end == RP_LOAD_HTTP_WHOLE)
    ask_whole (job);
  else
    break_off (job);
  /* A full queue: its tick empties it. Refused for good when the loop ends. */
  for (guint i = 0; i < 100; i++) {
    if (rp_loop_post (job->http->loop, deliver, job, job_free))
      return;
    g_usleep (2000);
  }
  job_free (job);
}

static gboolean
resolve (RpLoadHttp *http, const char *url, GError **error)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, error);
  if (!uri)
    return FALSE;
  const char *host = g_uri_get_host (uri);
  const char *path = g_uri_get_path (uri);
  gint port = g_uri_get_port (uri) > 0 ? g_uri_get_port (uri) : 80;
  gboolean plain = g_strcmp0 (g_uri_get_scheme (uri), "http") == 0 && host &&
                   (*path == '\0' || g_str_equal (path, "/"));
  http->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = g_htons (port)};
  if (!plain || inet_pton (AF_INET, g_str_equal (host, "localhost") ? "127.0.0.1" : host,
                           &http->address.sin_addr) != 1) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                 "\"%s\" is not of the form http://127.0.0.1:8080", url);
    return FALSE;
  }
  if (!rp_load_address_is_local (http->address.sin_addr)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
                 "%s is no address of this machine: load is for one's own server alone", host);
    return FALSE;
  }
  http->host = g_strdup_printf ("%s:%d", host, port);
  return TRUE;
}

RpLoadHttp *
rp_load_http_new (RpLoop *loop, const char *url, const char *token, guint n_threads, GError **error)
{
  RpLoadHttp *http = g_new0 (RpLoadHttp, 1);

  http->loop = loop;
  http->token = g_strdup (token);
  g_mutex_init (&http->lock);
  g_queue_init (&http->idle);
  if (resolve (http, url, error))
    http->pool = g_thread_pool_new (run_job, http, (gint) n_threads, FALSE, error);
  if (!http->pool)
    g_clear_pointer (&http, rp_load_http_free);
  return http;
}

void
rp_load_http_free (RpLoadHttp *http)
{
  if (!http)
    return;
  if (http->pool)
    g_thread_pool_free (http->pool, FALSE, TRUE);
  while (!g_queue_is_empty (&http->idle))
    close (GPOINTER_TO_INT (g_queue_pop_head (&http->idle)));
  g_mutex_clear (&http->lock);
  g_free (http->host);
  g_free (http->token);
  g_free (http);
}

void
rp_load_http_send (RpLoadHttp *http, const char *path, char *body, RpLoadHttpEnd end,
                   RpLoadHttpFunc func, gpointer user_data)
{
  Job *job = g_new0 (Job, 1);
  g_autofree char *owned = body;
  GString *text = g_string_new (NULL);

  g_string_printf (text, "%s %s HTTP/1.1\r\nHost: %s\r\n", body ? "POST" : "GET", path, http->host);
  if (http->token)
    g_string_append_printf (text, "Authorization: Bearer %s\r\n", http->token);
  if (body)
    g_string_append_printf (
        text, "Content-Type: application/json\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n",
        strlen (body));
  g_string_append (text, "\r\n");
  job->head_len = text->len;
  if (body)
    g_string_append (text, body);
  job->len = text->len;
  job->request = g_string_free (text, FALSE);
  job->http = http;
  job->end = end;
  job->func = func;
  job->user_data = user_data;
  job->reply.retry_after_s = -1;
  g_thread_pool_push (http->pool, job, NULL);
}

struct in_addr
rp_load_http_address (const RpLoadHttp *http)
{
  return http->address.sin_addr;
}
