#include "stun-client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

G_DEFINE_QUARK (rp - stun - client - error - quark, rp_stun_client_error)

#define CONNECT_MS 3000
/* The gaps of RFC 8489 section 6.2.1, cut short. */
static const int retries_ms[] = {400, 800, 1600};
#define STREAM_MS 3000

struct _RpStunClient {
  int fd;
  gboolean own_fd;
  gboolean is_stream;
  RpSocketAddress server;
  gnutls_session_t tls; /* (nullable) */
  gnutls_certificate_credentials_t trust;
};

guint
rp_stun_resolve (const RpIceUrl *url, RpSocketAddress *out, guint max, GError **error)
{
  const struct addrinfo hints = {.ai_socktype = url->is_tcp ? SOCK_STREAM : SOCK_DGRAM,
                                 .ai_flags = AI_ADDRCONFIG};
  struct addrinfo *found = NULL;
  char port[8];
  guint n = 0;
  g_snprintf (port, sizeof port, "%u", url->port);
  int status = getaddrinfo (url->host, port, &hints, &found);
  for (struct addrinfo *i = status == 0 ? found : NULL; i != NULL && n < max; i = i->ai_next)
    if (i->ai_addrlen <= sizeof out[n]) {
      memset (&out[n], 0, sizeof out[n]);
      memcpy (&out[n++], i->ai_addr, i->ai_addrlen);
    }
  if (status == 0)
    freeaddrinfo (found);
  if (n == 0)
    g_set_error (error, RP_STUN_CLIENT_ERROR, RP_STUN_CLIENT_ERROR_NAME, "the name \"%s\": %s",
                 url->host, status != 0 ? gai_strerror (status) : "it has no address");
  return n;
}

static gboolean
wait_for (int fd, short events, int timeout_ms)
{
  struct pollfd poll_fd = {.fd = fd, .events = events};
  return poll (&poll_fd, 1, timeout_ms) > 0;
}

static gboolean
connect_stream (RpStunClient *client, GError **error)
{
  int status = 0;
  socklen_t size = sizeof status;
  client->fd = socket (client->server.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (client->fd < 0)
    status = errno;
  else if (connect (client->fd, &client->server.any, rp_socket_address_size (&client->server)) != 0)
    status = errno;
  if (status == EINPROGRESS) {
    status = ETIMEDOUT;
    if (wait_for (client->fd, POLLOUT, CONNECT_MS))
      getsockopt (client->fd, SOL_SOCKET, SO_ERROR, &status, &size);
  }
  if (status == 0)
    return TRUE;
  g_set_error (error, RP_STUN_CLIENT_ERROR, RP_STUN_CLIENT_ERROR_CONNECT, "no TCP connection: %s",
               g_strerror (status));
  return FALSE;
}

static gboolean
start_tls (RpStunClient *client, const char *host, GError **error)
{
  int status = 0;
  g_autoptr (GString) why = g_string_new (NULL);
  gnutls_datum_t text = {NULL, 0};
  gnutls_certificate_allocate_credentials (&client->trust);
  gnutls_certificate_set_x509_system_trust (client->trust);
  gnutls_init (&client->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK);
  gnutls_set_default_priority (client->tls);
  gnutls_credentials_set (client->tls, GNUTLS_CRD_CERTIFICATE, client->trust);
  if (!g_hostname_is_ip_address (host))
    gnutls_server_name_set (client->tls, GNUTLS_NAME_DNS, host, strlen (host));
  gnutls_session_set_verify_cert (client->tls, host, 0);
  gnutls_transport_set_int (client->tls, client->fd);
  gnutls_handshake_set_timeout (client->tls, CONNECT_MS);
  do {
    status = gnutls_handshake (client->tls);
    if (status == GNUTLS_E_AGAIN &&
        !wait_for (client->fd, gnutls_record_get_direction (client->tls) ? POLLOUT : POLLIN,
                   CONNECT_MS))
      break;
  } while (status < 0 && !gnutls_error_is_fatal (status));
  if (status == 0)
    return TRUE;
  g_string_assign (why, gnutls_strerror (status));
  if (status == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR &&
      gnutls_certificate_verification_status_print (
          gnutls_session_get_verify_cert_status (client->tls), GNUTLS_CRT_X509, &text, 0) == 0) {
    g_string_assign (why, (const char *) text.data);
    gnutls_free (text.data);
    g_strchomp (why->str);
  }
  g_set_error (error, RP_STUN_CLIENT_ERROR, RP_STUN_CLIENT_ERROR_TLS, "no TLS: %s", why->str);
  return FALSE;
}

RpStunClient *
rp_stun_client_new (const RpIceUrl *url, const RpSocketAddress *address, int fd, GError **error)
{
  g_autoptr (RpStunClient) client = g_new0 (RpStunClient, 1);
  client->server = *address;
  client->is_stream = url->is_tcp;
  client->own_fd = fd < 0;
  client->fd = fd;
  if (url->is_tcp) {
    if (!connect_stream (client, error) || (url->is_tls && !start_tls (client, url->host, error)))
      return NULL;
  } else if (fd < 0) {
    client->fd =
        socket (address->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
  }
  if (client->fd >= 0)
    return g_steal_pointer (&client);
  g_set_error (error, RP_STUN_CLIENT_ERROR, RP_STUN_CLIENT_ERROR_CONNECT, "no socket: %s",
               g_strerror (errno));
  return NULL;
}

void
rp_stun_client_free (RpStunClient *client)
{
  if (client == NULL)
    return;
  if (client->tls != NULL)
    gnutls_deinit (client->tls);
  if (client->trust != NULL)
    gnutls_certificate_free_credentials (client->trust);
  if (client->own_fd && client->fd >= 0)
    close (client->fd);
  g_free (client);
}

static gssize
send_bytes (RpStunClient *client, const guint8 *data, gsize len)
{
  if (client->tls != NULL)
    return gnutls_record_send (client->tls, data, len);
  if (client->is_stream)
    return send (client->fd, data, len, MSG_NOSIGNAL);
  return sendto (client->fd, data, len, 0, &client->server.any,
                 rp_socket_address_size (&client->server));
}

/* Returns: FALSE when nothing more will come. */
static gboolean
receive_bytes (RpStunClient *client, guint8 *data, gsize room, gsize *len)
{
  gssize n = client->tls != NULL ? gnutls_record_recv (client->tls, data + *len, room)
                                 : recv (client->fd, data + *len, room, 0);
  if (n > 0)
    *len += (gsize) n;
  if (n > 0 || !client->is_stream)
    return TRUE;
  if (client->tls != NULL)
    return n < 0 && !gnutls_error_is_fatal ((int) n);
  return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Waits for the answer to @request. Returns FALSE when the time is up. */
static gboolean
await (RpStunClient *client, const RpStunRequest *request, int timeout_ms, RpStunMessage *out)
{
  guint8 data[2048];
  gsize len = 0;
  gint64 end_us = g_get_monotonic_time () + timeout_ms * 1000LL;
  for (;;) {
    gint64 left_ms = (end_us - g_get_monotonic_time ()) / 1000;
    gboolean waiting = client->tls != NULL && gnutls_record_check_pending (client->tls) > 0;
    if (left_ms <= 0 || (!waiting && !wait_for (client->fd, POLLIN, (int) left_ms)))
      return FALSE;
    /* In a stream a message may come in pieces; nothing but answers comes. */
    if (!client->is_stream)
      len = 0;
    if (!receive_bytes (client, data, sizeof data - len, &len))
      return FALSE;
    if (rp_stun_parse (data, len, out) &&
        memcmp (out->transaction, request->transaction, sizeof out->transaction) == 0)
      return TRUE;
    if (len == sizeof data)
      return FALSE;
  }
}

gboolean
rp_stun_client_ask (RpStunClient *client, RpStunRequest *request, RpStunMessage *out,
                    GError **error)
{
  guint8 data[RP_STUN_MAX_REQUEST_BYTES];
  gnutls_rnd (GNUTLS_RND_NONCE, request->transaction, sizeof request->transaction);
  gsize len = rp_stun_write_request (request, data, sizeof data);
  guint tries = client->is_stream ? 1 : G_N_ELEMENTS (retries_ms);
  for (guint i = 0; i < tries && len > 0; i++) {
    if (send_bytes (client, data, len) < 0) {
      g_set_error (error, RP_STUN_CLIENT_ERROR, RP_STUN_CLIENT_ERROR_CONNECT,
                   "nothing can be sent "
                   "there: %s",
                   g_strerror (errno));
      return FALSE;
    }
    if (await (client, request, client->is_stream ? STREAM_MS : retries_ms[i], out))
      return TRUE;
  }
  g_set_error_literal (error, RP_STUN_CLIENT_ERROR, RP_STUN_CLIENT_ERROR_SILENT,
                       "it does not answer");
  return FALSE;
}

void
rp_stun_client_tell (RpStunClient *client, RpStunRequest *request)
{
  guint8 data[RP_STUN_MAX_REQUEST_BYTES];
  gnutls_rnd (GNUTLS_RND_NONCE, request->transaction, sizeof request->transaction);
  gsize len = rp_stun_write_request (request, data, sizeof data);
  if (len > 0)
    send_bytes (client, data, len);
}
