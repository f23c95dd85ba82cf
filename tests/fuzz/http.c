/*
 * What a client sends to the HTTP server, byte for byte, through libmicrohttpd, the checks, the
 * table of paths and the handlers with their bodies; behind them is no call, but a registry that
 * takes all it is given. Each request has one reply, of JSON where it is said to be, and what gets
 * through to the registry was checked before.
 *
 * The first byte: 1 = with a key, 2 = with --cors-origin, 4 = the registry refuses.
 */
#include "agents.h"
#include "api-private.h"
#include "http-private.h"
#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define KEY "0123456789abcdef"
#define ANSWER "v=0\r\n"
/* Of the library; a request takes three or four. */
#define MAX_IDLE_TURNS 12

static struct {
  GPtrArray *agents;
  gboolean refuses;
} world;

/* --- a registry and a pool --- */

GQuark
rp_registry_error_quark (void)
{
  return g_quark_from_static_string ("rp-registry-error-quark");
}

static void
answer (RpRegistryAnswerFunc func, gpointer user_data)
{
  if (!world.refuses) {
    func (ANSWER, "call", NULL, user_data);
    return;
  }
  g_autoptr (GError) error = NULL;
  g_set_error (&error, RP_REGISTRY_ERROR, RP_REGISTRY_ERROR_INVALID, "no");
  func (NULL, NULL, error, user_data);
}

guint
rp_registry_error_retry_after (const GError *error)
{
  return error->domain == RP_REGISTRY_ERROR ? 7 : 0;
}

void
rp_registry_offer (RpRegistry *registry, const RpRegistryOffer *offer, RpRegistryAnswerFunc func,
                   gpointer user_data)
{
  g_assert_true (offer->sdp != NULL && offer->remote != NULL);
  g_assert_cmpuint (offer->remote->n_candidates, <=, RP_CANDIDATE_MAX);
  g_assert_true (offer->agent == NULL || rp_agents_find (world.agents, offer->agent) != NULL);
  if (offer->request_data != NULL) {
    g_assert_cmpuint (strlen (offer->request_data), <=, RP_API_MAX_REQUEST_DATA_BYTES);
    g_autoptr (JsonObject) object =
        rp_json_parse_object (offer->request_data, strlen (offer->request_data), 0, NULL);
    g_assert_nonnull (object);
  }
  rp_sdp_free (offer->sdp);
  g_free (offer->remote);
  answer (func, user_data);
}

const RpRegistryCall *
rp_registry_call (RpRegistry *registry, const char *call)
{
  static const RpRegistryCall calls[] = {
      {.agent = "one"},
      {.agent = "two", .whip = TRUE, .ice_session = 1, .ice_ufrag = "abcd", .ice_pwd = "efgh"},
  };
  if (g_strcmp0 (call, "call") == 0)
    return &calls[0];
  return g_strcmp0 (call, "whip") == 0 ? &calls[1] : NULL;
}

gboolean
rp_registry_candidates (RpRegistry *registry, const char *call, const RpCandidate *candidates,
                        guint n)
{
  g_assert_nonnull (rp_registry_call (registry, call));
  for (guint i = 0; i < n; i++)
    g_assert_true (candidates[i].port > 0 && candidates[i].address[0] != '\0');
  return TRUE;
}

void
rp_registry_restart_ice (RpRegistry *registry, const char *call, const RpSdpFragment *fragment,
                         RpRegistryAnswerFunc func, gpointer user_data)
{
  g_assert_true (fragment->ice_ufrag[0] != '\0' && fragment->ice_pwd[0] != '\0');
  answer (func, user_data);
}

const char *
rp_registry_ended_whip (RpRegistry *registry, const char *call)
{
  return g_str_equal (call, "ended") ? "one" : NULL;
}

gboolean
rp_registry_end_call (RpRegistry *registry, const char *call, const char *reason)
{
  g_assert_nonnull (rp_registry_call (registry, call));
  return TRUE;
}

char *
rp_registry_reserve (RpRegistry *registry, const char *address, const char *agent,
                     const char *request_data, GError **error)
{
  if (!world.refuses)
    return g_strdup ("session");
  g_set_error (error, RP_REGISTRY_ERROR, RP_REGISTRY_ERROR_FULL, "full");
  return NULL;
}

const RpReservation *
rp_registry_session (RpRegistry *registry, const char *session)
{
  static char id[] = "session", agent[] = "one", call[] = "call", text[] = "{}";
  static RpReservation reservation;
  reservation.id = id;
  reservation.agent = agent;
  reservation.call = call;
  reservation.request_data = text;
  return g_strcmp0 (session, id) == 0 ? &reservation : NULL;
}

gboolean
rp_registry_is_draining (const RpRegistry *registry)
{
  return world.refuses;
}

const GPtrArray *
rp_pool_agents (const RpPool *pool)
{
  return world.agents;
}

const char *
rp_pool_failure (const RpPool *pool)
{
  return NULL;
}

gboolean
rp_pool_is_ready (const RpPool *pool)
{
  return TRUE;
}

static void
for_the_key_alone (RpHttpRequest *request)
{
  g_assert_null (rp_http_request_grant (request));
  rp_http_reply_json (request, 200, g_strdup ("{}\n"));
}

void
rp_api_get_stats (RpHttpRequest *request, gpointer user_data)
{
  for_the_key_alone (request);
}

void
rp_api_get_history (RpHttpRequest *request, gpointer user_data)
{
  for_the_key_alone (request);
}

void
rp_api_get_call_stats (RpHttpRequest *request, gpointer user_data)
{
  g_assert_cmpuint (strlen (rp_http_request_param (request, 0)), >, 0);
  for_the_key_alone (request);
}

void
rp_api_get_metrics (RpHttpRequest *request, gpointer user_data)
{
  for_the_key_alone (request);
}

/* --- servers, one of each kind --- */

static RpHttp *
server_of (guint kind)
{
  static RpHttp *servers[4];
  static RpConfig config;
  static RpApi api = {.config = &config};
  static const char *const names[] = {"/one", "/two", NULL};
  static const char *const origins[] = {"https://example.com", NULL};
  if (servers[kind] != NULL)
    return servers[kind];
  if (world.agents == NULL) {
    static const RpLogConfig log = {.level = RP_LOG_LEVEL_ERROR, .fd = STDERR_FILENO};
    rp_log_start (&log);
    world.agents = rp_agents_new (names);
  }
  const RpHttpConfig http = {.host = "127.0.0.1",
                             .token = kind & 1 ? KEY : NULL,
                             .local_names_only = !(kind & 1),
                             .cors_origin = kind & 2 ? origins : NULL};
  guint n = 0;
  const RpHttpRoute *routes = rp_api_routes (&n);
  servers[kind] = rp_http_new (&http, routes, n, &api, NULL);
  g_assert_nonnull (servers[kind]);
  return servers[kind];
}

/* A body is what Content-Length says, and an object where its type says so. */
static void
check_reply (const GString *reply)
{
  if (reply->len == 0)
    return;
  g_assert_true (g_str_has_prefix (reply->str, "HTTP/1."));
  const char *body = strstr (reply->str, "\r\n\r\n");
  g_assert_nonnull (body);
  g_autofree char *head = g_strndup (reply->str, (gsize) (body - reply->str));
  body += 4;
  const char *length = strstr (head, "\r\nContent-Length: ");
  if (length == NULL || strstr (head, "\r\nContent-Type: application/json") == NULL)
    return;
  guint64 len = g_ascii_strtoull (length + strlen ("\r\nContent-Length: "), NULL, 10);
  if (*body == '\0' || g_str_has_prefix (body, "HTTP/1."))
    return; /* to HEAD */
  g_assert_cmpuint (strlen (body), >=, len);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = rp_json_parse_object (body, len, 0, &error);
  g_assert_no_error (error);
  g_assert_nonnull (object);
}

static gboolean
read_some (int fd, GString *out)
{
  char buffer[4096];
  gssize n = recv (fd, buffer, sizeof buffer, MSG_DONTWAIT);
  if (n > 0)
    g_string_append_len (out, buffer, n);
  return n > 0 || (n < 0 && errno == EAGAIN);
}

static guint
n_connections (RpHttp *http)
{
  return MHD_get_daemon_info (http->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  int fds[2];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl (INADDR_LOOPBACK)}};
  if (size == 0)
    return 0;
  RpHttp *http = server_of (data[0] & 3);
  world.refuses = (data[0] & 4) != 0;
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), ==, 0);
  gssize sent = send (fds[0], data + 1, size - 1, MSG_NOSIGNAL);
  shutdown (fds[0], SHUT_WR);
  g_assert_cmpint (sent, >=, 0);
  g_assert_true (MHD_add_connection (http->daemon, fds[1], (struct sockaddr *) &address,
                                     sizeof address) == MHD_YES);
  g_autoptr (GString) reply = g_string_new (NULL);
  /* Half a request waits for the rest, and would do so for as long as the idle time-out is. */
  for (guint idle = 0; idle < MAX_IDLE_TURNS; idle++) {
    gsize before = reply->len;
    MHD_run (http->daemon);
    g_main_context_iteration (NULL, FALSE);
    if (!read_some (fds[0], reply))
      break;
    if (reply->len > before)
      idle = 0;
  }
  close (fds[0]);
  for (guint i = 0; i < MAX_IDLE_TURNS && n_connections (http) > 0; i++)
    MHD_run (http->daemon);
  g_assert_cmpuint (n_connections (http), ==, 0);
  g_assert_cmpuint (g_hash_table_size (http->suspended), ==, 0);
  check_reply (reply);
  return 0;
}
