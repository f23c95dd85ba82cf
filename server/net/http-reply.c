/* Replies: JSON, errors, files, and the headers that every one of them carries. */
#include "http-files.h"
#include "http-private.h"
#include "json.h"
#include "secret.h"

#include "origin.h"

#include <string.h>
#include <unistd.h>

#define PREFLIGHT_MAX_AGE_S "600"
#define CORS_HEADERS "Content-Type, Authorization, If-Match"
#define CORS_EXPOSED "Location, ETag, Link, Retry-After"

/* A page of ours loads from and talks to its own server alone, and nobody frames it: a frame could
 * let a visitor press Talk without knowing. */
#define PAGE_POLICY                                                                 \
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
  "connect-src 'self'; media-src 'self' blob: mediastream:; base-uri 'none'; "      \
  "form-action 'none'; frame-ancestors 'none'"
#define PAGE_PERMISSIONS "microphone=(self), camera=(), geolocation=()"

static void
add_header (struct MHD_Response *response, const char *name, const char *value)
{
  MHD_add_response_header (response, name, value);
}

const char *
rp_http_allowed_origin (RpHttpRequest *request)
{
  const char *origin = rp_http_request_header (request, "Origin");
  if (origin == NULL)
    return NULL;
  for (char **entry = request->http->cors_origin; *entry != NULL; entry++)
    if (g_str_equal (*entry, "*") || rp_origin_equal (*entry, origin))
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
  const char *origin = rp_http_allowed_origin (request);
  if (origin == NULL)
    return;
  add_header (response, "Access-Control-Allow-Origin", origin);
  add_header (response, "Access-Control-Expose-Headers", CORS_EXPOSED);
}

void
rp_http_reply (RpHttpRequest *request, guint status, struct MHD_Response *response)
{
  RpHttp *http = request->http;
  g_assert (request->status == 0); /* one reply per request: the handler's duty */
  add_common_headers (request, response);
  gboolean has_retry_after = FALSE;
  for (guint i = 0; i < request->headers->len; i += 2) {
    add_header (response, request->headers->pdata[i], request->headers->pdata[i + 1]);
    has_retry_after |= g_str_equal (request->headers->pdata[i], "Retry-After");
  }
  if (status == MHD_HTTP_SERVICE_UNAVAILABLE && !has_retry_after)
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
empty_response (void)
{
  return MHD_create_response_from_buffer (0, NULL, MHD_RESPMEM_PERSISTENT);
}

/* Many a reply has a token, a password or the credentials of a call in it. */
static void
free_text (void *text)
{
  rp_secret_free (text);
}

void
rp_http_reply_text (RpHttpRequest *request, guint status, const char *content_type, char *text)
{
  struct MHD_Response *response =
      text != NULL
          ? MHD_create_response_from_buffer_with_free_callback (strlen (text), text, free_text)
          : empty_response ();
  if (text != NULL)
    add_header (response, "Content-Type", content_type);
  add_header (response, "Cache-Control", "no-store");
  rp_http_reply (request, status, response);
}

void
rp_http_reply_json (RpHttpRequest *request, guint status, char *json)
{
  rp_http_reply_text (request, status, "application/json", json);
}

void
rp_http_reply_error (RpHttpRequest *request, guint status, const char *detail, const char *info)
{
  GString *json = g_string_new ("{\"detail\": ");
  rp_json_append_string (json, detail);
  if (info != NULL) {
    g_string_append (json, ", \"info\": ");
    rp_json_append_string (json, info);
  }
  g_string_append (json, "}\n");
  rp_http_reply_json (request, status, g_string_free (json, FALSE));
}

void
rp_http_reply_too_large (RpHttpRequest *request)
{
  g_autofree char *detail =
      g_strdup_printf ("the body is longer than %d bytes", RP_HTTP_MAX_BODY_BYTES);
  rp_http_reply_error (request, 413, detail, "an offer of a browser has about 8 KB");
}

void
rp_http_reply_options (RpHttpRequest *request, const char *allow, const char *accept_post,
                       const char *accept_patch)
{
  struct MHD_Response *response = empty_response ();
  add_header (response, "Allow", allow);
  if (accept_post != NULL)
    add_header (response, "Accept-Post", accept_post);
  if (accept_patch != NULL)
    add_header (response, "Accept-Patch", accept_patch);
  if (rp_http_allowed_origin (request) != NULL) {
    add_header (response, "Access-Control-Allow-Methods", allow);
    add_header (response, "Access-Control-Allow-Headers", CORS_HEADERS);
    add_header (response, "Access-Control-Max-Age", PREFLIGHT_MAX_AGE_S);
  }
  rp_http_reply (request, MHD_HTTP_NO_CONTENT, response);
}

/* --- static files --- */

/* RFC 9110 §13.1.2: a list of tags, compared weakly, or "*". */
static gboolean
client_has (RpHttpRequest *request, const char *etag)
{
  const char *seen = rp_http_request_header (request, "If-None-Match");
  return seen != NULL && (g_str_equal (seen, "*") || strstr (seen, etag) != NULL);
}

/* @fd: (transfer full) */
static void
reply_open_file (RpHttpRequest *request, int fd, const char *path, guint64 size, gint64 mtime_us)
{
  g_autofree char *etag =
      g_strdup_printf ("\"%" G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x\"", size, mtime_us);
  gboolean unchanged = client_has (request, etag);
  struct MHD_Response *response =
      unchanged ? empty_response () : MHD_create_response_from_fd64 (size, fd);
  if (unchanged || response == NULL)
    close (fd);
  if (response == NULL) {
    rp_http_reply_error (request, 500, "the file cannot be sent", "see the server's log");
    return;
  }
  const char *type = rp_http_file_type (path);
  gboolean is_page = g_str_has_prefix (type, "text/html");
  gboolean is_snippet =
      g_str_has_prefix (type, "text/javascript") || g_str_has_prefix (type, "text/css");
  add_header (response, "ETag", etag);
  /* Kept, but asked for each time: modules of two versions must not meet in one page. */
  add_header (response, "Cache-Control", "no-cache");
  if (!unchanged)
    add_header (response, "Content-Type", type);
  if (is_page) {
    add_header (response, "Content-Security-Policy", PAGE_POLICY);
    add_header (response, "Permissions-Policy", PAGE_PERMISSIONS);
  }
  /* The snippet is there to be embedded by other sites: it loads on any, so that it can tell those
   * who are not allowed to call that they are not. */
  add_header (response, "Cross-Origin-Resource-Policy", "cross-origin");
  if (is_snippet && rp_http_allowed_origin (request) == NULL)
    add_header (response, "Access-Control-Allow-Origin", "*");
  rp_http_reply (request, unchanged ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response);
}

/* The API's own, with what may come below them: never a file. */
static gboolean
is_api_path (const char *path)
{
  static const char *const tops[] = {"/api",   "/metrics", "/sessions", "/start",
                                     "/stats", "/status",  "/v1",       "/whip"};
  for (guint i = 0; i < G_N_ELEMENTS (tops); i++) {
    gsize len = strlen (tops[i]);
    if (strncmp (path, tops[i], len) == 0 && (path[len] == '\0' || path[len] == '/'))
      return TRUE;
  }
  return FALSE;
}

void
rp_http_reply_file (RpHttpRequest *request)
{
  gboolean is_api = is_api_path (request->path);
  g_autofree char *path = is_api ? NULL : rp_http_file_path (request->path);
  guint64 size = 0;
  gint64 mtime_us = 0;
  int fd = -1;
  if (path != NULL && request->http->web_dir != NULL)
    fd = rp_http_file_open (request->http->web_dir, path, &size, &mtime_us);
  if (fd < 0) {
    rp_http_reply_error (request, 404,
                         is_api ? "the API has no such path" : "there is nothing here",
                         is_api || request->http->web_dir != NULL
                             ? "see README.md for the paths this server has"
                             : "the web pages were not found: start the server with --web DIR");
  } else if (g_str_equal (request->method, "GET") || g_str_equal (request->method, "HEAD")) {
    reply_open_file (request, fd, path, size, mtime_us);
  } else {
    close (fd);
    if (g_str_equal (request->method, "OPTIONS")) {
      rp_http_reply_options (request, "GET, HEAD, OPTIONS", NULL, NULL);
      return;
    }
    rp_http_request_add_header (request, "Allow", "GET, HEAD, OPTIONS");
    rp_http_reply_error (request, 405, "a file can only be read", "use GET");
  }
}
