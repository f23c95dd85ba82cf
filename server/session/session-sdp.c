#include "session-sdp.h"

#include <string.h>

/* One stream with one track: what the client gets as event.streams[0]. */
#define STREAM_ID "repartee"
#define TRACK_ID "repartee-agent"
/* Below our own addresses, which are nearer. */
#define PUBLIC_PREFERENCE 1000

void
rp_session_sdp_init (RpSessionSdp *sdp, guint32 ssrc, const char *cname)
{
  sdp->session_id = ((guint64) g_random_int () << 32 | g_random_int ()) & (guint64) G_MAXINT64;
  sdp->version = 0;
  while (ssrc == 0)
    ssrc = g_random_int ();
  sdp->ssrc = ssrc;
  if (cname != NULL)
    g_strlcpy (sdp->cname, cname, sizeof sdp->cname);
  else
    g_snprintf (sdp->cname, sizeof sdp->cname, "%08x%08x", g_random_int (), g_random_int ());
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
  for (guint i = 0; i < n_own; i++) {
    RpCandidate candidate = g_array_index (candidates, RpCandidate, i);
    if (candidate.type != RP_CANDIDATE_HOST || candidate.transport != RP_CANDIDATE_UDP ||
        !same_family (candidate.address, address))
      continue;
    g_snprintf (candidate.foundation, sizeof candidate.foundation, "public%u", number);
    g_strlcpy (candidate.address, address, sizeof candidate.address);
    candidate.priority =
        rp_candidate_priority (RP_CANDIDATE_HOST, (guint16) (PUBLIC_PREFERENCE - MIN (i, 999)), 1);
    g_array_append_val (candidates, candidate);
  }
}

char *
rp_session_sdp_answer (RpSessionSdp *sdp, const RpSdp *offer, const RpPeer *peer,
                       const char *const *public_address, GError **error)
{
  const RpPeerLocal *own = rp_peer_local (peer);
  g_autoptr (GArray) candidates = g_array_new (FALSE, FALSE, sizeof (RpCandidate));
  g_array_append_vals (candidates, own->candidates, (guint) own->n_candidates);
  for (guint i = 0; public_address != NULL && public_address[i] != NULL; i++)
    add_public (candidates, (guint) own->n_candidates, public_address[i], i);

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
  };
  parse_fingerprint (own->fingerprint, local.fingerprint);
  g_autoptr (RpSdp) answer = rp_sdp_answer (offer, &local, error);
  if (answer == NULL)
    return NULL;
  sdp->version++;
  return rp_sdp_write (answer);
}
