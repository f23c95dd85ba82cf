/* A session's offers and answers: its peer connections, restarts, candidates. */
#include "session-private.h"

#include "secret.h"

#include <gio/gio.h>
#include <string.h>

G_DEFINE_QUARK (rp - session - error - quark, rp_session_error)

void
rp_session_offer_free (RpSessionOffer *offer)
{
  if (offer == NULL)
    return;
  rp_sdp_free (offer->sdp);
  rp_secret_clear (offer->remote, sizeof *offer->remote);
  g_free (offer->remote);
  g_free (offer);
}

static RpPeer *
new_peer (RpSession *self, const RpSdpRemote *remote, GError **error)
{
  const RpPeerConfig config = {
      .role = remote->ice_lite ? RP_PEER_OFFERER : RP_PEER_ANSWERER,
      .certificate = self->config->certificate,
      .local_addresses = self->config->ice_address,
      .with_loopback = self->config->with_loopback,
      .port_min = self->config->udp_port_min,
      .port_max = self->config->udp_port_max,
      .ice_tcp = self->config->ice_tcp,
      .connect_timeout_us = self->config->connect_timeout_us,
  };
  return rp_peer_new (self->config->loop, &config, &rp_session_peer_events, self, error);
}

static void
take_remote (RpSession *self, const RpSdpRemote *remote)
{
  g_free (self->remote);
  self->remote = g_memdup2 (remote, sizeof *remote);
  if (remote->has_audio) {
    rp_media_set_payload_type (self->media, remote->opus_payload_type);
    rp_media_set_red_payload_type (self->media, remote->red_payload_type);
  }
}

/* The first connection, or another one of the client for the same call. */
static char *
answer_new (RpSession *self, const RpSessionOffer *offer, GError **error)
{
  RpSessionSdp sdp;
  if (self->peer != NULL && !rp_session_sdp_count_restart (&self->sdp, rp_loop_now_us (), error))
    return NULL;
  g_autoptr (RpPeer) peer = new_peer (self, offer->remote, error);
  if (peer == NULL)
    return NULL;
  rp_session_sdp_init (&sdp, &self->sdp);
  g_autofree char *answer =
      rp_session_sdp_answer (&sdp, offer, peer, self->config->public_address, error);
  if (answer == NULL)
    return NULL;

  /* Its events look at the session's own peer and remote, so these change first. */
  RpPeer *old_peer = g_steal_pointer (&self->peer);
  RpSdpRemote *old_remote = g_steal_pointer (&self->remote);
  RpSessionSdp old_sdp = self->sdp;
  rp_media_set_transport (self->media, FALSE, 0);
  rp_session_data_disconnected (self->data);
  self->peer = g_steal_pointer (&peer);
  self->sdp = sdp;
  self->activity_us = rp_loop_now_us ();
  take_remote (self, offer->remote);
  if (!rp_session_sdp_start_peer (self->peer, self->remote, error)) {
    rp_peer_free (self->peer);
    self->peer = old_peer;
    g_free (self->remote);
    self->remote = old_remote;
    rp_session_sdp_clear (&self->sdp);
    self->sdp = old_sdp;
    if (old_peer != NULL && rp_peer_state (old_peer) == RP_PEER_STATE_CONNECTED)
      rp_media_set_transport (self->media, TRUE, rp_loop_now_us ());
    return NULL;
  }
  if (old_peer != NULL)
    rp_session_tell_timeline (self, RP_TIMELINE_RESTARTED, NULL);
  rp_peer_free (old_peer);
  g_free (old_remote);
  rp_session_sdp_clear (&old_sdp);
  return g_steal_pointer (&answer);
}

static gboolean
has_credentials (const RpSession *self, const char *ufrag, const char *pwd)
{
  return g_str_equal (ufrag, self->remote->ice_ufrag) && g_str_equal (pwd, self->remote->ice_pwd);
}

static gboolean
restart_ice (RpSession *self, const RpPeerIceRemote *remote, GError **error)
{
  gint64 now_us = rp_loop_now_us ();
  if (!rp_session_sdp_count_restart (&self->sdp, now_us, error) ||
      !rp_peer_restart_ice (self->peer, remote, error))
    return FALSE;
  self->activity_us = now_us;
  rp_session_tell_timeline (self, RP_TIMELINE_ICE_RESTARTED, NULL);
  return TRUE;
}

/* The same connection, described once more. */
static char *
answer_again (RpSession *self, const RpSessionOffer *offer, GError **error)
{
  const RpSdpRemote *remote = offer->remote;
  const RpPeerIceRemote ice = {.ufrag = remote->ice_ufrag,
                               .pwd = remote->ice_pwd,
                               .candidates = remote->candidates,
                               .n_candidates = remote->n_candidates};
  if (!rp_session_sdp_check_again (&self->sdp, offer, self->remote, error))
    return NULL;
  if (!has_credentials (self, ice.ufrag, ice.pwd) && !restart_ice (self, &ice, error))
    return NULL;
  char *answer =
      rp_session_sdp_answer (&self->sdp, offer, self->peer, self->config->public_address, error);
  if (answer != NULL)
    take_remote (self, remote);
  return answer;
}

/* While the agent's last words are played the client may still have to look for another path. */
static gboolean
takes_offers (const RpSession *self, GError **error)
{
  if (self->phase <= RP_SESSION_PHASE_PLAYING_OUT)
    return TRUE;
  g_set_error (error, RP_SESSION_ERROR, RP_SESSION_ERROR_GONE, "the call is ending");
  return FALSE;
}

static void
tell_why (const GError *cause, GError **error)
{
  /* Of libnice's adapter: no socket, no port. */
  gboolean ours =
      cause->domain == G_IO_ERROR || g_error_matches (cause, RP_PEER_ERROR, RP_PEER_ERROR_SETUP);
  g_set_error_literal (error, RP_SESSION_ERROR,
                       ours ? RP_SESSION_ERROR_FAILED : RP_SESSION_ERROR_INVALID, cause->message);
}

char *
rp_session_answer (RpSession *self, const RpSessionOffer *offer, GError **error)
{
  g_autoptr (GError) cause = NULL;
  if (!takes_offers (self, error))
    return NULL;
  if (self->offered_us == 0)
    self->offered_us = offer->received_us;
  char *answer = self->peer == NULL || offer->restart ? answer_new (self, offer, &cause)
                                                      : answer_again (self, offer, &cause);
  if (answer == NULL)
    tell_why (cause, error);
  return answer;
}

char *
rp_session_restart_ice (RpSession *self, const RpSdpFragment *fragment, GError **error)
{
  g_autoptr (GError) cause = NULL;
  const RpPeerIceRemote ice = {.ufrag = fragment->ice_ufrag,
                               .pwd = fragment->ice_pwd,
                               .candidates = fragment->candidates,
                               .n_candidates = fragment->n_candidates};
  g_return_val_if_fail (self->peer != NULL, NULL); /* an offer was answered */
  if (!takes_offers (self, error))
    return NULL;
  if (!has_credentials (self, ice.ufrag, ice.pwd)) {
    if (!restart_ice (self, &ice, &cause)) {
      tell_why (cause, error);
      return NULL;
    }
    memcpy (self->remote->ice_ufrag, ice.ufrag, sizeof self->remote->ice_ufrag);
    memcpy (self->remote->ice_pwd, ice.pwd, sizeof self->remote->ice_pwd);
  }
  return rp_session_sdp_fragment (&self->sdp, self->peer, self->config->public_address);
}

void
rp_session_add_candidates (RpSession *self, const RpCandidate *candidates, guint n)
{
  if (self->peer == NULL || self->phase == RP_SESSION_PHASE_ENDED)
    return;
  self->activity_us = rp_loop_now_us ();
  for (guint i = 0; i < n; i++) {
    /* Without a ufrag there is no telling which connection it is for; checks will. */
    if (candidates[i].ufrag[0] == '\0' ||
        g_str_equal (candidates[i].ufrag, self->remote->ice_ufrag))
      rp_peer_add_remote_candidate (self->peer, &candidates[i]);
  }
}
