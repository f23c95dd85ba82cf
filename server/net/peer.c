#include "peer.h"

#include "path.h"
#include "rtp.h"
#include "sctp.h"

#include <string.h>

struct _RpPeer {
  RpLoop *loop;
  RpPeerConfig config; /* its addresses and certificate are not kept */
  RpPeerEvents events;
  gpointer user_data;
  RpDtlsCertificate *certificate;
  RpPeerLocal local;

  RpPath *path;
  RpDtls *dtls;
  RpSrtp *srtp;
  RpSctp *sctp;
  GQueue waiting;           /* of GBytes: DTLS until the loop has time for it */
  RpSctpConfig sctp_config; /* remote_port 0 = no data channels */

  void (*tap) (const guint8 *data, gsize len, gpointer user_data); /* (nullable) */
  gpointer tap_data;

  RpPeerState state;
  char *reason;
  RpPeerTimes times;
  RpPeerCounters counters;
  guint depth;   /* calls of ours on the stack that will still touch the peer */
  gboolean dead; /* freed by its owner, waiting for the stack to unwind */
};

G_DEFINE_QUARK (rp - peer - error - quark, rp_peer_error)

static void after_dtls (RpPeer *peer);

const char *
rp_peer_state_name (RpPeerState state)
{
  static const char *const names[] = {"new",       "checking", "securing",
                                      "connected", "failed",   "closed"};
  return (gsize) state < G_N_ELEMENTS (names) ? names[state] : "unknown";
}

static void
enter (RpPeer *peer)
{
  peer->depth++;
}

static void
leave (RpPeer *peer)
{
  peer->depth--;
}

static gboolean
ended (const RpPeer *peer)
{
  return peer->dead || peer->state >= RP_PEER_STATE_FAILED;
}

/* Always the last thing its caller does with the peer, or followed by a look at ended (). */
static void
set_state (RpPeer *peer, RpPeerState state, const char *reason)
{
  if (ended (peer))
    return;
  peer->state = state;
  g_free (peer->reason);
  peer->reason = g_strdup (reason);
  if (peer->events.state_changed) {
    enter (peer);
    peer->events.state_changed (peer, state, peer->reason, peer->user_data);
    leave (peer);
  }
}

static gboolean
send_datagram (RpPeer *peer, const guint8 *data, gsize len)
{
  if (!rp_path_send (peer->path, data, len)) {
    peer->counters.send_failed++;
    return FALSE;
  }
  peer->counters.datagrams_out++;
  peer->counters.bytes_out += len;
  return TRUE;
}

static void
on_sctp_send (const guint8 *data, gsize len, gpointer user_data)
{
  RpPeer *peer = user_data;
  if (ended (peer))
    return;
  if (!rp_dtls_send (peer->dtls, data, len))
    peer->counters.send_failed++;
}

static void
on_sctp_open (guint16 stream, const char *label, const char *protocol, gpointer user_data)
{
  RpPeer *peer = user_data;
  if (ended (peer) || !peer->events.channel_open)
    return;
  enter (peer);
  peer->events.channel_open (peer, stream, label, protocol, peer->user_data);
  leave (peer);
}

static void
on_sctp_message (guint16 stream, gboolean binary, const guint8 *data, gsize len, gpointer user_data)
{
  RpPeer *peer = user_data;
  if (ended (peer) || !peer->events.message)
    return;
  enter (peer);
  peer->events.message (peer, stream, binary, data, len, peer->user_data);
  leave (peer);
}

static void
on_sctp_closed (guint16 stream, gpointer user_data)
{
  RpPeer *peer = user_data;
  if (ended (peer) || !peer->events.channel_closed)
    return;
  enter (peer);
  peer->events.channel_closed (peer, stream, peer->user_data);
  leave (peer);
}

/* An association that never came up leaves a call without channels; one that ends was hung up. */
static void
on_sctp_lost (gboolean was_up, const char *reason, gpointer user_data)
{
  RpPeer *peer = user_data;
  enter (peer);
  if (was_up && !ended (peer)) {
    rp_dtls_close (peer->dtls);
    set_state (peer, RP_PEER_STATE_CLOSED, reason);
  }
  leave (peer);
}

static void
secured (RpPeer *peer)
{
  static const RpSctpEvents events = {.send = on_sctp_send,
                                      .channel_open = on_sctp_open,
                                      .message = on_sctp_message,
                                      .channel_closed = on_sctp_closed,
                                      .lost = on_sctp_lost};
  g_autoptr (GError) error = NULL;

  peer->times.dtls_done_us = rp_loop_now_us ();
  peer->srtp = rp_dtls_srtp_new (peer->dtls, &error);
  if (!peer->srtp) {
    set_state (peer, RP_PEER_STATE_FAILED, error->message);
    return;
  }
  if (peer->sctp_config.remote_port != 0) {
    peer->sctp = rp_sctp_new (peer->loop, &peer->sctp_config, &events, peer, &error);
    if (!peer->sctp) {
      set_state (peer, RP_PEER_STATE_FAILED, error->message);
      return;
    }
  }
  set_state (peer, RP_PEER_STATE_CONNECTED, "");
}

/* Looks at what a call into DTLS has changed. */
static void
after_dtls (RpPeer *peer)
{
  if (ended (peer))
    return;
  switch (rp_dtls_state (peer->dtls)) {
  case RP_DTLS_STATE_OPEN:
    if (peer->state == RP_PEER_STATE_SECURING)
      secured (peer);
    break;
  case RP_DTLS_STATE_CLOSED:
    set_state (peer, RP_PEER_STATE_CLOSED, "the peer hung up");
    break;
  case RP_DTLS_STATE_FAILED:
    set_state (peer, RP_PEER_STATE_FAILED, rp_dtls_error (peer->dtls)->message);
    break;
  case RP_DTLS_STATE_IDLE:
  case RP_DTLS_STATE_HANDSHAKE:
    break;
  }
}

static void
on_dtls_send (const guint8 *data, gsize len, gpointer user_data)
{
  send_datagram (user_data, data, len);
}

static void
on_dtls_data (const guint8 *data, gsize len, gpointer user_data)
{
  RpPeer *peer = user_data;

  /* The first record can come in the same breath as the end of the handshake. */
  if (peer->state == RP_PEER_STATE_SECURING)
    after_dtls (peer);
  if (!ended (peer) && peer->sctp)
    rp_sctp_input (peer->sctp, data, len);
}

/* The start of the handshake, or what one datagram brings. */
static void
handshake_step (gpointer data)
{
  RpPeer *peer = data;

  if (ended (peer))
    return;
  enter (peer);
  g_autoptr (GBytes) datagram = NULL;
  if (rp_dtls_state (peer->dtls) == RP_DTLS_STATE_IDLE)
    rp_dtls_start (peer->dtls);
  else
    datagram = g_queue_pop_head (&peer->waiting);
  if (datagram) {
    gsize len = 0;
    const guint8 *bytes = g_bytes_get_data (datagram, &len);
    rp_dtls_input (peer->dtls, bytes, len);
  }
  after_dtls (peer);
  leave (peer);
}

static void
on_path (gpointer user_data)
{
  RpPeer *peer = user_data;

  if (ended (peer) || peer->state != RP_PEER_STATE_CHECKING)
    return;
  enter (peer);
  peer->times.ice_ready_us = rp_loop_now_us ();
  set_state (peer, RP_PEER_STATE_SECURING, "");
  for (guint i = 0; i <= peer->waiting.length && !ended (peer); i++)
    rp_loop_add_slow (peer->loop, handshake_step, peer);
  leave (peer);
}

/* Keys are agreed on when there is time for it; records then are read at once. */
static void
input_dtls (RpPeer *peer, const guint8 *data, gsize len)
{
  if (peer->state == RP_PEER_STATE_CONNECTED && peer->waiting.length == 0) {
    rp_dtls_input (peer->dtls, data, len);
    after_dtls (peer);
    return;
  }
  if (peer->waiting.length >= RP_DTLS_QUEUE_MAX) {
    peer->counters.too_early++;
    return;
  }
  g_queue_push_tail (&peer->waiting, g_bytes_new (data, len));
  if (peer->state >= RP_PEER_STATE_SECURING)
    rp_loop_add_slow (peer->loop, handshake_step, peer);
}

static void
input_media (RpPeer *peer, guint8 *data, gsize len, gboolean rtcp)
{
  if (peer->state != RP_PEER_STATE_CONNECTED) {
    peer->counters.too_early++;
    return;
  }
  if (rtcp) {
    if (rp_srtp_unprotect_rtcp (peer->srtp, data, &len) == RP_SRTP_OK && peer->events.rtcp)
      peer->events.rtcp (peer, data, len, peer->times.last_activity_us, peer->user_data);
  } else {
    if (rp_srtp_unprotect_rtp (peer->srtp, data, &len) == RP_SRTP_OK && peer->events.rtp)
      peer->events.rtp (peer, data, len, peer->times.last_activity_us, peer->user_data);
  }
}

static void
on_datagram (guint8 *data, gsize len, gpointer user_data)
{
  RpPeer *peer = user_data;

  if (ended (peer))
    return;
  peer->times.last_activity_us = rp_loop_now_us ();
  peer->counters.datagrams_in++;
  peer->counters.bytes_in += len;
  enter (peer);
  switch (rp_demux (data, len)) {
  case RP_DEMUX_DTLS:
    input_dtls (peer, data, len);
    break;
  case RP_DEMUX_RTP:
    input_media (peer, data, len, FALSE);
    break;
  case RP_DEMUX_RTCP:
    input_media (peer, data, len, TRUE);
    break;
  case RP_DEMUX_STUN: /* ICE keeps what is STUN; this only looks like it */
  case RP_DEMUX_OTHER:
    peer->counters.unknown_class++;
    break;
  }
  leave (peer);
}

void
rp_peer_test_input (RpPeer *peer, const guint8 *data, gsize len)
{
  g_autofree guint8 *copy = g_memdup2 (data, len);
  on_datagram (copy, len, peer);
}

gboolean
rp_peer_init (GError **error)
{
  return rp_srtp_init (error) && rp_sctp_init (error);
}

/* What an ICE restart changes. */
static void
describe_ice (RpPeer *peer)
{
  const RpIce *ice = rp_path_ice (peer->path);
  peer->local.ufrag = rp_ice_ufrag (ice);
  peer->local.pwd = rp_ice_pwd (ice);
  peer->local.candidates = rp_ice_candidates (ice, &peer->local.n_candidates);
}

RpPeer *
rp_peer_new (RpLoop *loop, const RpPeerConfig *config, const RpPeerEvents *events,
             gpointer user_data, GError **error)
{
  RpPeer *peer = g_new0 (RpPeer, 1);
  RpIceConfig ice_config = {.controlling = config->role == RP_PEER_OFFERER,
                            .local_addresses = config->local_addresses,
                            .with_loopback = config->with_loopback,
                            .port_min = config->port_min,
                            .port_max = config->port_max,
                            .tcp = config->ice_tcp};
  RpPathEvents path_events = {.connected = on_path, .datagram = on_datagram};

  rp_loop_assert_owner (loop);
  peer->loop = loop;
  peer->config = *config;
  peer->config.local_addresses = NULL;
  if (peer->config.connect_timeout_us <= 0)
    peer->config.connect_timeout_us = RP_PEER_CONNECT_TIMEOUT_US;
  peer->events = *events;
  peer->user_data = user_data;
  peer->certificate = rp_dtls_certificate_ref (config->certificate);
  peer->reason = g_strdup ("");
  peer->times.created_us = rp_loop_now_us ();
  g_queue_init (&peer->waiting);
  peer->path = rp_path_new (loop, &ice_config, &path_events, peer, error);
  if (!peer->path) {
    rp_peer_free (peer);
    return NULL;
  }
  describe_ice (peer);
  peer->local.fingerprint = rp_dtls_certificate_fingerprint (peer->certificate);
  peer->local.digest = rp_dtls_certificate_digest (peer->certificate);
  return peer;
}

static void
destroy (gpointer data)
{
  RpPeer *peer = data;
  rp_sctp_free (peer->sctp);
  rp_srtp_free (peer->srtp);
  rp_dtls_free (peer->dtls);
  rp_path_free (peer->path);
  rp_dtls_certificate_unref (peer->certificate);
  rp_loop_remove_slow (peer->loop, peer);
  g_queue_clear_full (&peer->waiting, (GDestroyNotify) g_bytes_unref);
  g_free (peer->reason);
  g_free (peer);
}

void
rp_peer_free (RpPeer *peer)
{
  if (!peer || peer->dead)
    return;
  rp_loop_assert_owner (peer->loop);
  rp_peer_close (peer, "freed");
  peer->dead = TRUE;
  if (peer->depth > 0)
    rp_loop_defer (peer->loop, destroy, peer);
  else
    destroy (peer);
}

const RpPeerLocal *
rp_peer_local (const RpPeer *peer)
{
  return &peer->local;
}

static gboolean
unusable (const char *what, GError **error)
{
  g_set_error (error, RP_PEER_ERROR, RP_PEER_ERROR_INVALID,
               "the remote description has no usable %s", what);
  return FALSE;
}

/* RFC 8839 section 5.4 */
static gboolean
check_credentials (const char *ufrag, const char *pwd, GError **error)
{
  gsize ufrag_len = ufrag ? strlen (ufrag) : 0;
  gsize pwd_len = pwd ? strlen (pwd) : 0;
  if (ufrag_len < 4 || ufrag_len > RP_ICE_MAX_CREDENTIAL)
    return unusable ("ice-ufrag", error);
  if (pwd_len < 22 || pwd_len > RP_ICE_MAX_CREDENTIAL)
    return unusable ("ice-pwd", error);
  return TRUE;
}

static gboolean
check_remote (const RpPeer *peer, const RpPeerRemote *remote, GError **error)
{
  if (peer->state != RP_PEER_STATE_NEW) {
    g_set_error (error, RP_PEER_ERROR, RP_PEER_ERROR_STATE,
                 "a remote description is set once; the peer is %s",
                 rp_peer_state_name (peer->state));
    return FALSE;
  }
  if (!check_credentials (remote->ufrag, remote->pwd, error))
    return FALSE;
  if (remote->n_fingerprints == 0)
    return unusable ("sha-256 fingerprint", error);
  if (remote->local_setup != RP_SDP_SETUP_ACTIVE && remote->local_setup != RP_SDP_SETUP_PASSIVE)
    return unusable ("DTLS role", error);
  return TRUE;
}

static void
configure_sctp (RpPeer *peer, const RpPeerRemote *remote)
{
  gsize limit = remote->max_message_size;
  if (limit == 0 || limit > RP_PEER_MAX_MESSAGE_SIZE)
    limit = RP_PEER_MAX_MESSAGE_SIZE;
  peer->sctp_config = (RpSctpConfig){.dtls_client = remote->local_setup == RP_SDP_SETUP_ACTIVE,
                                     .remote_port = remote->sctp_port,
                                     .max_send_bytes = limit,
                                     .max_receive_bytes = RP_PEER_MAX_MESSAGE_SIZE};
}

gboolean
rp_peer_set_remote (RpPeer *peer, const RpPeerRemote *remote, GError **error)
{
  RpDtlsEvents events = {.send = on_dtls_send, .data = on_dtls_data};
  RpDtlsConfig config = {.server = remote->local_setup == RP_SDP_SETUP_PASSIVE,
                         .certificate = peer->certificate,
                         .fingerprints = remote->fingerprints,
                         .n_fingerprints = remote->n_fingerprints};

  rp_loop_assert_owner (peer->loop);
  if (!check_remote (peer, remote, error))
    return FALSE;
  peer->dtls = rp_dtls_new (&config, &events, peer, error);
  if (!peer->dtls)
    return FALSE;
  configure_sctp (peer, remote);
  enter (peer);
  peer->times.remote_set_us = rp_loop_now_us ();
  set_state (peer, RP_PEER_STATE_CHECKING, "");
  for (gsize i = 0; i < remote->n_candidates && !ended (peer); i++)
    rp_peer_add_remote_candidate (peer, &remote->candidates[i]);
  if (!ended (peer) && !rp_path_set_remote (peer->path, remote->ufrag, remote->pwd))
    set_state (peer, RP_PEER_STATE_FAILED, "ICE does not take the remote credentials");
  leave (peer);
  return TRUE;
}

static gboolean
check_restart (const RpPeer *peer, GError **error)
{
  if (!ended (peer) && peer->state != RP_PEER_STATE_NEW)
    return TRUE;
  g_set_error (error, RP_PEER_ERROR, RP_PEER_ERROR_STATE,
               "there is no ICE to restart: the peer is %s", rp_peer_state_name (peer->state));
  return FALSE;
}

/* What the path has done. */
static gboolean
restarted (RpPeer *peer, gboolean begun)
{
  if (begun)
    describe_ice (peer);
  return begun;
}

gboolean
rp_peer_begin_ice_restart (RpPeer *peer, GError **error)
{
  rp_loop_assert_owner (peer->loop);
  return check_restart (peer, error) && restarted (peer, rp_path_begin_restart (peer->path, error));
}

gboolean
rp_peer_move (RpPeer *peer, const char *const *addresses, GError **error)
{
  rp_loop_assert_owner (peer->loop);
  return check_restart (peer, error) &&
         restarted (peer, rp_path_move (peer->path, addresses, error));
}

gboolean
rp_peer_set_ice_remote (RpPeer *peer, const RpPeerIceRemote *remote, GError **error)
{
  rp_loop_assert_owner (peer->loop);
  if (!check_restart (peer, error) || !check_credentials (remote->ufrag, remote->pwd, error))
    return FALSE;
  if (rp_path_has_remote (peer->path)) {
    g_set_error_literal (error, RP_PEER_ERROR, RP_PEER_ERROR_STATE, "no ICE restart has begun");
    return FALSE;
  }
  enter (peer);
  for (gsize i = 0; i < remote->n_candidates; i++)
    rp_peer_add_remote_candidate (peer, &remote->candidates[i]);
  gboolean taken = rp_path_set_remote (peer->path, remote->ufrag, remote->pwd);
  leave (peer);
  if (!taken)
    g_set_error_literal (error, RP_PEER_ERROR, RP_PEER_ERROR_INVALID,
                         "ICE does not take the remote credentials");
  return taken;
}

gboolean
rp_peer_restart_ice (RpPeer *peer, const RpPeerIceRemote *remote, GError **error)
{
  return check_credentials (remote->ufrag, remote->pwd, error) &&
         rp_peer_begin_ice_restart (peer, error) && rp_peer_set_ice_remote (peer, remote, error);
}

gboolean
rp_peer_add_remote_candidate (RpPeer *peer, const RpCandidate *candidate)
{
  rp_loop_assert_owner (peer->loop);
  if (ended (peer))
    return FALSE;
  enter (peer);
  gboolean taken = rp_path_add_remote_candidate (peer->path, candidate);
  leave (peer);
  if (!taken)
    peer->counters.candidates_refused++;
  return taken;
}

void
rp_peer_tick (RpPeer *peer, gint64 now_us)
{
  rp_path_tick (peer->path, now_us);
  if (peer->state != RP_PEER_STATE_CHECKING && peer->state != RP_PEER_STATE_SECURING)
    return;
  enter (peer);
  if (now_us - peer->times.remote_set_us > peer->config.connect_timeout_us) {
    g_autofree char *reason = g_strdup_printf (
        "%s within %.0f s",
        peer->state == RP_PEER_STATE_CHECKING ? "ICE: no connectivity check succeeded"
                                              : "DTLS: the handshake did not finish",
        (double) peer->config.connect_timeout_us / G_USEC_PER_SEC);
    set_state (peer, RP_PEER_STATE_FAILED, reason);
  } else if (peer->state == RP_PEER_STATE_SECURING) {
    rp_dtls_tick (peer->dtls);
    after_dtls (peer);
  }
  leave (peer);
}

static gboolean
send_media (RpPeer *peer, const guint8 *data, gsize len)
{
  if (!peer->tap)
    return send_datagram (peer, data, len);
  peer->tap (data, len, peer->tap_data);
  return TRUE;
}

gboolean
rp_peer_send_rtp (RpPeer *peer, guint8 *buf, gsize len, gsize size)
{
  return peer->state == RP_PEER_STATE_CONNECTED &&
         rp_srtp_protect_rtp (peer->srtp, buf, &len, size) == RP_SRTP_OK &&
         send_media (peer, buf, len);
}

gboolean
rp_peer_send_rtcp (RpPeer *peer, guint8 *buf, gsize len, gsize size)
{
  return peer->state == RP_PEER_STATE_CONNECTED &&
         rp_srtp_protect_rtcp (peer->srtp, buf, &len, size) == RP_SRTP_OK &&
         send_media (peer, buf, len);
}

void
rp_peer_set_media_tap (RpPeer *peer,
                       void (*tap) (const guint8 *data, gsize len, gpointer user_data),
                       gpointer user_data)
{
  peer->tap = tap;
  peer->tap_data = user_data;
}

gboolean
rp_peer_send_protected (RpPeer *peer, const guint8 *data, gsize len)
{
  return peer->state == RP_PEER_STATE_CONNECTED && send_datagram (peer, data, len);
}

/* Says in our terms what the SCTP adapter said in its. */
static void
propagate (GError **error, GError *sctp_error)
{
  RpPeerError code = RP_PEER_ERROR_SETUP;
  if (sctp_error->code == RP_SCTP_ERROR_INVALID)
    code = RP_PEER_ERROR_INVALID;
  else if (sctp_error->code == RP_SCTP_ERROR_STATE)
    code = RP_PEER_ERROR_STATE;
  else if (sctp_error->code == RP_SCTP_ERROR_FULL)
    code = RP_PEER_ERROR_FULL;
  g_set_error_literal (error, RP_PEER_ERROR, code, sctp_error->message);
  g_error_free (sctp_error);
}

static gboolean
check_channels (const RpPeer *peer, GError **error)
{
  if (peer->state == RP_PEER_STATE_CONNECTED && peer->sctp)
    return TRUE;
  g_set_error (error, RP_PEER_ERROR, RP_PEER_ERROR_STATE, "no data channels: the peer is %s%s",
               rp_peer_state_name (peer->state),
               peer->state == RP_PEER_STATE_CONNECTED ? " without SCTP" : "");
  return FALSE;
}

gint
rp_peer_open_channel (RpPeer *peer, const char *label, const char *protocol, GError **error)
{
  GError *sctp_error = NULL;
  if (!check_channels (peer, error))
    return -1;
  gint stream = rp_sctp_open_channel (peer->sctp, label, protocol, &sctp_error);
  if (stream < 0)
    propagate (error, sctp_error);
  return stream;
}

gboolean
rp_peer_send_message (RpPeer *peer, guint16 stream, gboolean binary, const void *data, gsize len,
                      GError **error)
{
  GError *sctp_error = NULL;
  if (!check_channels (peer, error))
    return FALSE;
  if (rp_sctp_send (peer->sctp, stream, binary, data, len, &sctp_error))
    return TRUE;
  propagate (error, sctp_error);
  return FALSE;
}

void
rp_peer_close_channel (RpPeer *peer, guint16 stream)
{
  if (peer->sctp && !ended (peer))
    rp_sctp_close_channel (peer->sctp, stream);
}

void
rp_peer_close (RpPeer *peer, const char *reason)
{
  if (ended (peer))
    return;
  if (peer->dtls)
    rp_dtls_close (peer->dtls);
  peer->state = RP_PEER_STATE_CLOSED;
  g_free (peer->reason);
  peer->reason = g_strdup (reason ? reason : "");
}

RpPeerState
rp_peer_state (const RpPeer *peer)
{
  return peer->state;
}

const char *
rp_peer_reason (const RpPeer *peer)
{
  return peer->reason;
}

void
rp_peer_counters (const RpPeer *peer, RpPeerCounters *out)
{
  RpPathCounters path;
  rp_path_counters (peer->path, &path);
  *out = peer->counters;
  out->ice_restarts = path.restarts;
  out->ice_switches = path.switches;
  out->ice_generations = path.generations;
  out->ice_restarting = path.restarting;
  if (peer->srtp)
    rp_srtp_counters (peer->srtp, &out->srtp);
  if (peer->dtls)
    rp_dtls_counters (peer->dtls, &out->dtls);
  if (peer->sctp) {
    RpSctpCounters sctp;
    rp_sctp_counters (peer->sctp, &sctp);
    out->messages_in = sctp.messages_in;
    out->messages_out = sctp.messages_out;
    out->message_errors = sctp.message_errors;
    out->sctp_dropped = sctp.packets_dropped;
  }
}

void
rp_peer_times (const RpPeer *peer, RpPeerTimes *out)
{
  *out = peer->times;
}

char *
rp_peer_remote_address (const RpPeer *peer)
{
  return rp_path_remote_address (peer->path);
}
