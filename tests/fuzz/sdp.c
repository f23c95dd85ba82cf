#include "sdp.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const RpSdpLocal local = {
    .session_id = 1,
    .ice_ufrag = "Loca",
    .ice_pwd = "LocalPasswordOf24Letters",
    .end_of_candidates = TRUE,
    .stream_id = "agent",
    .track_id = "agent-audio",
    .cname = "repartee",
    .ssrc = 4242,
};

/* What we write is read back as the same. */
static void
check_round_trip (const RpSdp *sdp)
{
  g_autofree char *text = rp_sdp_write (sdp);
  if (strlen (text) > RP_SDP_MAX_BYTES)
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (RpSdp) again = rp_sdp_parse (text, strlen (text), &error);
  g_assert_no_error (error);
  g_autofree char *text2 = rp_sdp_write (again);
  g_assert_cmpstr (text2, ==, text);
}

/* The fragment of an answer says of ICE what the answer does; any other has an end and bounds. */
static void
check_fragment (const RpSdp *sdp, gboolean ours)
{
  g_autofree RpSdpFragment *summary = g_new0 (RpSdpFragment, 1);
  g_autofree RpSdpFragment *again = g_new0 (RpSdpFragment, 1);
  if (rp_sdp_fragment_summary (sdp, summary, NULL))
    g_assert_cmpuint (summary->n_candidates, <=, RP_CANDIDATE_MAX);
  if (!ours)
    return;
  g_autofree char *text = rp_sdp_write_fragment (sdp);
  g_autoptr (GError) error = NULL;
  g_autoptr (RpSdp) fragment = rp_sdp_parse_fragment (text, strlen (text), &error);
  g_assert_no_error (error);
  g_assert_true (rp_sdp_fragment_summary (fragment, again, &error));
  g_assert_cmpstr (again->ice_ufrag, ==, local.ice_ufrag);
  g_assert_cmpstr (again->ice_pwd, ==, local.ice_pwd);
  g_assert_cmpuint (again->n_candidates, ==, local.n_candidates);
}

static void
check_answer (const RpSdp *offer)
{
  g_autofree RpSdpRemote *remote = g_new0 (RpSdpRemote, 1);
  gboolean ok = rp_sdp_remote_summary (offer, RP_SDP_OFFER, remote, NULL);
  g_autoptr (RpSdp) answer = rp_sdp_answer (offer, &local, NULL);
  g_assert_cmpint (answer != NULL, ==, ok);
  if (!ok)
    return;
  g_assert_true (remote->n_fingerprints > 0 && remote->n_candidates <= RP_CANDIDATE_MAX);
  g_assert_cmpuint (answer->media->len, ==, offer->media->len);
  check_round_trip (answer);
  check_fragment (answer, TRUE);
  g_assert_true (rp_sdp_remote_summary (answer, RP_SDP_ANSWER, remote, NULL));
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (RpSdp) fragment = rp_sdp_parse_fragment ((const char *) data, size, NULL);
  g_autoptr (RpSdp) sdp = rp_sdp_parse ((const char *) data, size, NULL);
  if (fragment != NULL)
    check_fragment (fragment, FALSE);
  if (sdp == NULL)
    return 0;
  /* All that is asked more of a whole description is what a fragment may leave out. */
  g_assert_nonnull (fragment);
  check_round_trip (sdp);
  check_answer (sdp);
  return 0;
}
