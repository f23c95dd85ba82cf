#include "session-sdp.h"

#include <string.h>

/* One stream with one track: what the client gets as event.streams[0]. */
#define STREAM_ID "repartee"
#define TRACK_ID "repartee-agent"
#define NEW_CONNECTION "make a new RTCPeerConnection and send its offer with \"restart_pc\": true"
/* Below our own addresses, which are nearer. */
#define PUBLIC_PREFERENCE 1000

void
rp_session_sdp_init (RpSessionSdp *sdp, const RpSessionSdp *former)
{
  *sdp = former != NULL ? *former : (RpSessionSdp){0};
  sdp->session_id = ((guint64) g_random_int () << 32 | g_random_int ()) & (guint64) G_MAXINT64;
  sdp->version = 0;
  sdp->answer = NULL;
  while (sdp->ssrc == 0)
    sdp->ssrc = g_random_int ();
  if (former == NULL)
    g_snprintf (sdp->cname, sizeof sdp->cname, "%08x%08x", g_random_int (), g_random_int ());
}

void
rp_session_sdp_clear (RpSessionSdp *sdp)
{
  g_clear_pointer (&sdp->answer, rp_sdp_free);
}

static void
parse_fingerprint (const char *text, guint8 out[32])
{
  for (guint i = 0; i < 32; i++) {
    int high = g_ascii_xdigit_value (text[3 * i]);
    int low = g_ascii_xdigit_value (text[3 * i + 1]);
    g_assert (high >= 0 && low >= 0); /* ours: GnuTLS made it */
    out[i] = (guint8) (high << 4 | low);
  }
}

static gboolean
same_family (const char *a, const char *b)
{
  return (strchr (a, ':') == NULL) == (strchr (b, ':') == NULL);
}

static void
add_public (GArray *candidates, guint n_own, const char *address, guint number)
{
  gboolean has_tcp = FALSE;
  for (guint i = 0; i < n_own; i++) {
    RpCandidate candidate = g_array_index (candidates, RpCandidate, i);
    gboolean is_tcp = candidate.transport != RP_CANDIDATE_UDP;
    guint16 preference = (guint16) (PUBLIC_PREFERENCE - MIN (number * n_own + i, 999));
    /* All of TCP is one port. */
    if (candidate.type != RP_CANDIDATE_HOST || (is_tcp && has_tcp) ||
        !same_family (candidate.address, address))
      continue;
    has_tcp |= is_tcp;
    g_snprintf (candidate.foundation, sizeof candidate.foundation, "public%s%u",
                is_tcp ? "tcp" : "", number);
    g_strlcpy (candidate.address, address, sizeof candidate.address);
    candidate.priority = is_tcp ? rp_candidate_tcp_priority (preference)
                                : rp_candidate_priority (RP_CANDIDATE_HOST, preference, 1);
    g_array_append_val (candidates, candidate);
  }
}

static gint
by_priority (gconstpointer a, gconstpointer b)
{
  guint32 first = ((const RpCandidate *) a)->priority, second = ((const RpCandidate *) b)->priority;
  return first < second ? 1 : first > second ? -1 : 0;
}

/* The best first: a description has room for RP_CANDIDATE_MAX. Returns: (transfer full): of
 * RpCandidate */
static GArray *
all_candidates (const RpPeer *peer, const char *const *public_address)
{
  const RpPeerLocal *own = rp_peer_local (peer);
  GArray *candidates = g_array_new (FALSE, FALSE, sizeof (RpCandidate));
  g_array_append_vals (candidates, own->candidates, (guint) own->n_candidates);
  for (guint i = 0; public_address != NULL && public_address[i] != NULL; i++)
    add_public (candidates, (guint) own->n_candidates, public_address[i], i);
  g_array_sort (candidates, by_priority);
  return candidates;
}

/* Our DTLS role by the last answer. */
static RpSdpSetup
own_role (const RpSessionSdp *sdp)
{
  return sdp->answer != NULL ? rp_sdp_transport (sdp->answer)->setup : RP_SDP_SETUP_NONE;
}

char *
rp_session_sdp_answer (RpSessionSdp *sdp, const RpSessionOffer *offer, const RpPeer *peer,
                       const char *const *public_address, GError **error)
{
  const RpPeerLocal *own = rp_peer_local (peer);
  g_autoptr (GArray) candidates = all_candidates (peer, public_address);

  RpSdpLocal local = {
      .session_id = sdp->session_id,
      .session_version = sdp->version + 1,
      .ice_ufrag = own->ufrag,
      .ice_pwd = own->pwd,
      .candidates = (const RpCandidate *) (gpointer) candidates->data,
      .n_candidates = candidates->len,
      .end_of_candidates = TRUE,
      .stream_id = STREAM_ID,
      .track_id = TRACK_ID,
      .cname = sdp->cname,
      .ssrc = sdp->ssrc,
      .setup = own_role (sdp),
  };
  parse_fingerprint (own->fingerprint, local.fingerprint);
  RpSdp *answer = rp_sdp_answer (offer->sdp, &local, error);
  if (answer == NULL)
    return NULL;
  sdp->version++;
  rp_session_sdp_clear (sdp);
  sdp->answer = answer;
  return rp_sdp_write (answer);
}

char *
rp_session_sdp_fragment (RpSessionSdp *sdp, const RpPeer *peer, const char *const *public_address)
{
  const RpPeerLocal *own = rp_peer_local (peer);
  g_autoptr (GArray) candidates = all_candidates (peer, public_address);
  RpSdpMedia *media = rp_sdp_transport (sdp->answer);

  g_strlcpy (media->ice_ufrag, own->ufrag, sizeof media->ice_ufrag);
  g_strlcpy (media->ice_pwd, own->pwd, sizeof media->ice_pwd);
  media->n_candidates = MIN (candidates->len, RP_CANDIDATE_MAX);
  for (guint i = 0; i < media->n_candidates; i++)
    media->candidates[i] = g_array_index (candidates, RpCandidate, i);
  return rp_sdp_write_fragment (sdp->answer);
}

gboolean
rp_session_sdp_start_peer (RpPeer *peer, const RpSdpRemote *sdp, GError **error)
{
  const RpPeerRemote remote = {
      .ufrag = sdp->ice_ufrag,
      .pwd = sdp->ice_pwd,
      .fingerprints = sdp->fingerprints,
      .n_fingerprints = sdp->n_fingerprints,
      .local_setup = sdp->local_setup,
      .sctp_port = sdp->has_data ? sdp->sctp_port : 0,
      .max_message_size = sdp->max_message_size,
      .candidates = sdp->candidates,
      .n_candidates = sdp->n_candidates,
  };
  return rp_peer_set_remote (peer, &remote, error);
}

static gboolean
has_fingerprint (const RpSdpRemote *remote, const RpSdpFingerprint *fingerprint)
{
  for (guint i = 0; i < remote->n_fingerprints; i++)
    if (memcmp (&remote->fingerprints[i], fingerprint, sizeof *fingerprint) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
same_certificate (const RpSdpRemote *a, const RpSdpRemote *b)
{
  for (guint i = 0; i < a->n_fingerprints; i++)
    if (!has_fingerprint (b, &a->fingerprints[i]))
      return FALSE;
  return a->n_fingerprints == b->n_fingerprints;
}

gboolean
rp_session_sdp_check_again (const RpSessionSdp *sdp, const RpSessionOffer *offer,
                            const RpSdpRemote *before, GError **error)
{
  const RpSdpMedia *transport = rp_sdp_transport (offer->sdp);
  const char *what = NULL;
  if (!same_certificate (offer->remote, before))
    what = "another certificate (a=fingerprint)";
  /* actpass leaves it to us to keep the roles. */
  else if (transport != NULL && transport->setup != RP_SDP_SETUP_ACTPASS &&
           offer->remote->local_setup != own_role (sdp))
    what = "other DTLS roles (a=setup)";
  if (what == NULL)
    return TRUE;
  g_set_error (error, RP_SESSION_ERROR, RP_SESSION_ERROR_INVALID,
               "the offer has %s than the connection it is for: " NEW_CONNECTION, what);
  return FALSE;
}

gboolean
rp_session_sdp_count_restart (RpSessionSdp *sdp, gint64 now_us, GError **error)
{
  gint64 *oldest_us = &sdp->restarts_us[sdp->n_restarts % RP_SESSION_MAX_ICE_RESTARTS];
  if (*oldest_us != 0 && now_us - *oldest_us < RP_SESSION_ICE_WINDOW_US) {
    g_set_error (error, RP_SESSION_ERROR, RP_SESSION_ERROR_INVALID,
                 "more than %d restarts of a call within %d s: wait a while",
                 RP_SESSION_MAX_ICE_RESTARTS, (int) (RP_SESSION_ICE_WINDOW_US / G_USEC_PER_SEC));
    return FALSE;
  }
  *oldest_us = now_us;
  sdp->n_restarts++;
  return TRUE;
}
