#include "load-peer.h"

#include "ice-check.h"
#include "rtp.h"
#include "sctp.h"

#include <arpa/inet.h>
#include <gio/gio.h>
#include <ifaddrs.h>
#include <string.h>

/* A check is repeated after as long, doubling (RFC 8489 section 6.2.1, with the RTO of a path
 * inside a machine). */
#define CHECK_RTO_US 50000
/* Then the next candidate's turn comes. */
#define CHECKS_PER_CANDIDATE 5
/* Consent (RFC 7675 wants it every 4 to 6 s; browsers check a path they use every 2.5 s). */
#define CONSENT_US 2500000
#define UFRAG_CHARS 8
#define PWD_CHARS 24
#define LOCAL_PREFERENCE 65535

struct _RpLoadPeer {
  RpLoadPeerConfig config;
  RpLoadPeerEvents events;
  gpointer user_data;

  RpLoadSocket *socket;
  RpDtls *dtls;
  RpSrtp *srtp;
  RpSctp *sctp;
  RpSctpConfig sctp_config; /* remote_port 0 = no data channels */
  gboolean handshaking;

  char ufrag[UFRAG_CHARS + 1];
  char pwd[PWD_CHARS + 1];
  char *username;   /* of our checks */
  char *remote_pwd; /* (nullable) */
  guint64 tie_breaker;
  guint8 transaction[RP_ICE_CHECK_TRANSACTION_BYTES];
  GArray *candidates; /* of struct sockaddr_in */
  guint candidate;    /* the one being checked */
  guint n_checks;
  gint64 check_due_us;
  struct sockaddr_in remote; /* the pair in use; port 0 = none */

  RpLoadPeerState state;
  gint64 deadline_us;
  guint depth; /* events of ours on the stack */
  gboolean dead;
};

static gboolean
ended (const RpLoadPeer *peer)
{
  return peer->dead || peer->state >= RP_LOAD_PEER_CLOSED;
}

static void
set_state (RpLoadPeer *peer, RpLoadPeerState state, const char *reason)
{
  if (ended (peer))
    return;
  peer->state = state;
  peer->depth++;
  peer->events.state (state, reason, peer->user_data);
  peer->depth--;
}

gboolean
rp_load_address_is_local (struct in_addr address)
{
  struct ifaddrs *interfaces = NULL;
  gboolean found = g_ntohl (address.s_addr) >> 24 == 127;

  if (found || getifaddrs (&interfaces) != 0)
    return found;
  for (struct ifaddrs *i = interfaces; i && !found; i = i->ifa_next) {
    struct sockaddr_in in;
    if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET)
      continue;
    memcpy (&in, i->ifa_addr, sizeof in);
    found = in.sin_addr.s_addr == address.s_addr;
  }
  freeifaddrs (interfaces);
  return found;
}

static void
random_token (char *out, guint n)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (guint i = 0; i < n; i++)
    out[i] = alphabet[g_random_int_range (0, 64)];
  out[n] = '\0';
}

static void
on_dtls_send (const guint8 *data, gsize len, gpointer user_data)
{
  rp_load_peer_send (user_data, data, len);
}

static void
on_sctp_send (const guint8 *data, gsize len, gpointer user_data)
{
  RpLoadPeer *peer = user_data;
  if (!ended (peer))
    rp_dtls_send (peer->dtls, data, len);
}

static void
on_sctp_open (guint16 stream, const char *label, const char *protocol, gpointer user_data)
{
  RpLoadPeer *peer = user_data;
  if (ended (peer))
    return;
  peer->depth++;
  peer->events.channel_open (stream, peer->user_data);
  peer->depth--;
}

static void
on_sctp_message (guint16 stream, gboolean binary, const guint8 *data, gsize len, gpointer user_data)
{
  RpLoadPeer *peer = user_data;
  if (ended (peer))
    return;
  peer->depth++;
  peer->events.message ((const char *) data, len, peer->user_data);
  peer->depth--;
}

static void
on_sctp_closed (guint16 stream, gpointer user_data)
{
}

static void
on_sctp_lost (gboolean was_up, const char *reason, gpointer user_data)
{
  if (was_up)
    set_state (user_data, RP_LOAD_PEER_CLOSED, reason);
}

static void
secured (RpLoadPeer *peer)
{
  static const RpSctpEvents events = {.send = on_sctp_send,
                                      .channel_open = on_sctp_open,
                                      .message = on_sctp_message,
                                      .channel_closed = on_sctp_closed,
                                      .lost = on_sctp_lost};
  g_autoptr (GError) error = NULL;

  peer->srtp = rp_dtls_srtp_new (peer->dtls, &error);
  gboolean made = peer->srtp != NULL;
  if (made && peer->sctp_config.remote_port != 0) {
    peer->sctp = rp_sctp_new (peer->config.loop, &peer->sctp_config, &events, peer, &error);
    made = peer->sctp != NULL;
  }
  if (!made) {
    set_state (peer, RP_LOAD_PEER_FAILED, error->message);
    return;
  }
  rp_load_socket_relax (peer->socket);
  peer->check_due_us = rp_loop_now_us () + CONSENT_US;
  set_state (peer, RP_LOAD_PEER_CONNECTED, "");
}

static void
after_dtls (RpLoadPeer *peer)
{
  if (ended (peer))
    return;
  switch (rp_dtls_state (peer->dtls)) {
  case RP_DTLS_STATE_OPEN:
    if (peer->state == RP_LOAD_PEER_SECURING)
      secured (peer);
    break;
  case RP_DTLS_STATE_CLOSED:
    set_state (peer, RP_LOAD_PEER_CLOSED, "hung up");
    break;
  case RP_DTLS_STATE_FAILED:
    set_state (peer, RP_LOAD_PEER_FAILED, rp_dtls_error (peer->dtls)->message);
    break;
  case RP_DTLS_STATE_IDLE:
  case RP_DTLS_STATE_HANDSHAKE:
    break;
  }
}

static void
on_dtls_data (const guint8 *data, gsize len, gpointer user_data)
{
  RpLoadPeer *peer = user_data;

  /* The first record can come in the same breath as the end of the handshake. */
  if (peer->state == RP_LOAD_PEER_SECURING)
    after_dtls (peer);
  if (!ended (peer) && peer->sctp)
    rp_sctp_input (peer->sctp, data, len);
}

static void
send_check (RpLoadPeer *peer, const struct sockaddr_in *to)
{
  guint8 out[RP_ICE_CHECK_MAX_BYTES];
  gsize len = rp_ice_check_write_request (
      out, peer->transaction, peer->username, peer->remote_pwd,
      rp_candidate_priority (RP_CANDIDATE_PRFLX, LOCAL_PREFERENCE, 1), peer->tie_breaker);
  rp_load_socket_send (peer->socket, out, len, to);
}

static void
new_transaction (RpLoadPeer *peer)
{
  for (guint i = 0; i < sizeof peer->transaction; i++)
    peer->transaction[i] = (guint8) g_random_int ();
}

static void
run_checks (RpLoadPeer *peer, gint64 now_us)
{
  if (now_us < peer->check_due_us)
    return;
  if (peer->remote.sin_port != 0) {
    new_transaction (peer);
    send_check (peer, &peer->remote);
    peer->check_due_us = now_us + CONSENT_US;
    return;
  }
  if (peer->n_checks == CHECKS_PER_CANDIDATE) {
    peer->candidate = (peer->candidate + 1) % peer->candidates->len;
    peer->n_checks = 0;
    new_transaction (peer);
  }
  send_check (peer, &g_array_index (peer->candidates, struct sockaddr_in, peer->candidate));
  peer->check_due_us = now_us + ((gint64) CHECK_RTO_US << peer->n_checks);
  peer->n_checks++;
}

static void
on_pair (RpLoadPeer *peer, const struct sockaddr_in *from)
{
  peer->remote = *from;
  peer->check_due_us = G_MAXINT64;
  set_state (peer, RP_LOAD_PEER_SECURING, "");
  if (ended (peer))
    return;
  rp_dtls_start (peer->dtls);
  after_dtls (peer);
}

static void
input_stun (RpLoadPeer *peer, const guint8 *data, gsize len, const struct sockaddr_in *from)
{
  RpIceCheck check;
  guint8 out[RP_ICE_CHECK_MAX_BYTES];

  if (!rp_ice_check_parse (data, len, peer->pwd, peer->remote_pwd, &check))
    return;
  switch (check.kind) {
  case RP_ICE_CHECK_REQUEST: {
    gsize n = rp_ice_check_write_success (out, check.transaction, from, peer->pwd);
    rp_load_socket_send (peer->socket, out, n, from);
    break;
  }
  case RP_ICE_CHECK_SUCCESS:
    if (peer->state == RP_LOAD_PEER_CHECKING &&
        memcmp (check.transaction, peer->transaction, sizeof peer->transaction) == 0)
      on_pair (peer, from);
    break;
  case RP_ICE_CHECK_ERROR:
    break;
  }
}

static void
on_datagram (guint8 *data, gsize len, const struct sockaddr_in *from, gint64 arrival_us,
             gpointer user_data)
{
  RpLoadPeer *peer = user_data;

  if (ended (peer))
    return;
  peer->depth++;
  switch (rp_demux (data, len)) {
  case RP_DEMUX_STUN:
    input_stun (peer, data, len, from);
    break;
  case RP_DEMUX_DTLS:
    if (!peer->handshaking) {
      peer->handshaking = TRUE;
      peer->events.handshake (peer->user_data);
    }
    if (!ended (peer) && peer->dtls) {
      rp_dtls_input (peer->dtls, data, len);
      after_dtls (peer);
    }
    break;
  case RP_DEMUX_RTP:
    if (peer->state == RP_LOAD_PEER_CONNECTED)
      peer->events.rtp (data, len, arrival_us, peer->user_data);
    break;
  case RP_DEMUX_RTCP:
    if (peer->state == RP_LOAD_PEER_CONNECTED &&
        rp_srtp_unprotect_rtcp (peer->srtp, data, &len) == RP_SRTP_OK)
      peer->events.rtcp (data, len, arrival_us, peer->user_data);
    break;
  case RP_DEMUX_OTHER:
    break;
  }
  peer->depth--;
}

RpLoadPeer *
rp_load_peer_new (const RpLoadPeerConfig *config, const RpLoadPeerEvents *events,
                  gpointer user_data, GError **error)
{
  RpLoadPeer *peer = g_new0 (RpLoadPeer, 1);

  peer->config = *config;
  peer->events = *events;
  peer->user_data = user_data;
  peer->socket = rp_load_socket_new (config->sockets, config->address, on_datagram, peer, error);
  if (!peer->socket) {
    g_free (peer);
    return NULL;
  }
  rp_dtls_certificate_ref (config->certificate);
  peer->candidates = g_array_new (FALSE, FALSE, sizeof (struct sockaddr_in));
  random_token (peer->ufrag, UFRAG_CHARS);
  random_token (peer->pwd, PWD_CHARS);
  peer->tie_breaker = (guint64) g_random_int () << 32 | g_random_int ();
  new_transaction (peer);
  return peer;
}

static void
destroy (gpointer data)
{
  RpLoadPeer *peer = data;
  rp_sctp_free (peer->sctp);
  rp_srtp_free (peer->srtp);
  rp_dtls_free (peer->dtls);
  rp_dtls_certificate_unref (peer->config.certificate);
  g_array_unref (peer->candidates);
  g_free (peer->username);
  g_free (peer->remote_pwd);
  g_free (peer);
}

void
rp_load_peer_free (RpLoadPeer *peer)
{
  if (!peer || peer->dead)
    return;
  peer->dead = TRUE;
  g_clear_pointer (&peer->socket, rp_load_socket_close);
  if (peer->depth > 0)
    rp_loop_defer (peer->config.loop, destroy, peer);
  else
    destroy (peer);
}

void
rp_load_peer_describe (const RpLoadPeer *peer, RpSdpLocal *local, RpCandidate *candidate)
{
  *candidate =
      (RpCandidate){.foundation = "1",
                    .component = 1,
                    .transport = RP_CANDIDATE_UDP,
                    .priority = rp_candidate_priority (RP_CANDIDATE_HOST, LOCAL_PREFERENCE, 1),
                    .port = rp_load_socket_port (peer->socket),
                    .type = RP_CANDIDATE_HOST};
  inet_ntop (AF_INET, &peer->config.address, candidate->address, sizeof candidate->address);
  local->ice_ufrag = peer->ufrag;
  local->ice_pwd = peer->pwd;
  memcpy (local->fingerprint, rp_dtls_certificate_digest (peer->config.certificate),
          sizeof local->fingerprint);
  local->candidates = candidate;
  local->n_candidates = 1;
  local->end_of_candidates = TRUE;
}

/* Our own address first: on one machine it is the shortest way. */
static void
take_candidates (RpLoadPeer *peer, const RpSdpRemote *remote)
{
  for (guint i = 0; i < remote->n_candidates; i++) {
    const RpCandidate *c = &remote->candidates[i];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = g_htons (c->port)};
    if (c->transport != RP_CANDIDATE_UDP || c->component != 1 ||
        inet_pton (AF_INET, c->address, &to.sin_addr) != 1 ||
        !rp_load_address_is_local (to.sin_addr))
      continue;
    if (to.sin_addr.s_addr == peer->config.address.s_addr)
      g_array_prepend_val (peer->candidates, to);
    else
      g_array_append_val (peer->candidates, to);
  }
}

gboolean
rp_load_peer_set_remote (RpLoadPeer *peer, const RpSdpRemote *remote, GError **error)
{
  static const RpDtlsEvents events = {.send = on_dtls_send, .data = on_dtls_data};
  RpDtlsConfig config = {.server = remote->local_setup == RP_SDP_SETUP_PASSIVE,
                         .certificate = peer->config.certificate,
                         .fingerprints = remote->fingerprints,
                         .n_fingerprints = remote->n_fingerprints};

  take_candidates (peer, remote);
  if (peer->candidates->len == 0) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                         "the answer has no candidate of this machine");
    return FALSE;
  }
  peer->dtls = rp_dtls_new (&config, &events, peer, error);
  if (!peer->dtls)
    return FALSE;
  gsize limit = MIN (remote->max_message_size, RP_SDP_MAX_MESSAGE_BYTES);
  peer->sctp_config = (RpSctpConfig){.dtls_client = !config.server,
                                     .remote_port = remote->has_data ? remote->sctp_port : 0,
                                     .max_send_bytes = limit > 0 ? limit : RP_SDP_MAX_MESSAGE_BYTES,
                                     .max_receive_bytes = RP_SDP_MAX_MESSAGE_BYTES};
  peer->username = g_strdup_printf ("%s:%s", remote->ice_ufrag, peer->ufrag);
  peer->remote_pwd = g_strdup (remote->ice_pwd);
  gint64 now_us = rp_loop_now_us ();
  peer->deadline_us = now_us + peer->config.timeout_us;
  set_state (peer, RP_LOAD_PEER_CHECKING, "");
  if (!ended (peer))
    run_checks (peer, now_us);
  return TRUE;
}

void
rp_load_peer_tick (RpLoadPeer *peer, gint64 now_us)
{
  if (ended (peer) || peer->state == RP_LOAD_PEER_NEW)
    return;
  peer->depth++;
  run_checks (peer, now_us);
  if (peer->state == RP_LOAD_PEER_SECURING) {
    rp_dtls_tick (peer->dtls);
    after_dtls (peer);
  }
  if (peer->state < RP_LOAD_PEER_CONNECTED && now_us > peer->deadline_us)
    set_state (peer, RP_LOAD_PEER_FAILED,
               peer->state == RP_LOAD_PEER_CHECKING ? "ICE timed out" : "DTLS timed out");
  peer->depth--;
}

gboolean
rp_load_peer_protect (RpLoadPeer *peer, gboolean rtcp, guint8 *buf, gsize *len, gsize size)
{
  if (peer->state != RP_LOAD_PEER_CONNECTED)
    return FALSE;
  RpSrtpResult result = rtcp ? rp_srtp_protect_rtcp (peer->srtp, buf, len, size)
                             : rp_srtp_protect_rtp (peer->srtp, buf, len, size);
  return result == RP_SRTP_OK;
}

gboolean
rp_load_peer_send (RpLoadPeer *peer, const guint8 *data, gsize len)
{
  return peer->socket && peer->remote.sin_port != 0 &&
         rp_load_socket_send (peer->socket, data, len, &peer->remote);
}

gboolean
rp_load_peer_unprotect (RpLoadPeer *peer, guint8 *packet, gsize *len)
{
  return rp_srtp_unprotect_rtp (peer->srtp, packet, len) == RP_SRTP_OK;
}

gint
rp_load_peer_open_channel (RpLoadPeer *peer, const char *label, GError **error)
{
  return peer->sctp ? rp_sctp_open_channel (peer->sctp, label, "", error) : -1;
}

gboolean
rp_load_peer_send_text (RpLoadPeer *peer, guint16 stream, const char *text, GError **error)
{
  return rp_sctp_send (peer->sctp, stream, FALSE, text, strlen (text), error);
}

void
rp_load_peer_hang_up (RpLoadPeer *peer)
{
  if (peer->dtls && !ended (peer))
    rp_dtls_close (peer->dtls);
}
