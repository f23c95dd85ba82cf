#include "sdp-private.h"
#include "sdp.h"

#include <string.h>

/* How we like to be sent Opus (RFC 7587 section 7): with in-band FEC, without gaps, mono. */
#define ANSWER_FMTP "minptime=10;useinbandfec=1;usedtx=0;stereo=0"

/* What becomes of an m-line of the peer's. */
typedef enum {
  FATE_REJECT, /* port 0 */
  FATE_PARK,   /* kept in the bundle, inactive */
  FATE_AUDIO,
  FATE_DATA,
} Fate;

typedef struct {
  Fate fate[RP_SDP_MAX_MEDIA];
  int audio, data; /* indices; -1 when there is none */
  guint tag;       /* index of the m-line that carries the transport (RFC 8843 section 7.2) */
} Plan;

#define UNSUPPORTED(error, ...) \
  (g_set_error (error, RP_SDP_ERROR, RP_SDP_ERROR_UNSUPPORTED, __VA_ARGS__), FALSE)

static const RpSdpCodec *
codec_at (const RpSdpMedia *media, guint index)
{
  return &g_array_index (media->codecs, RpSdpCodec, index);
}

/* RFC 7587 section 7: always opus/48000/2. */
static const RpSdpCodec *
find_opus (const RpSdpMedia *media)
{
  for (guint i = 0; i < media->codecs->len; i++) {
    const RpSdpCodec *codec = codec_at (media, i);
    if (g_ascii_strcasecmp (codec->name, "opus") == 0 && codec->clock_rate == 48000 &&
        codec->channels == 2)
      return codec;
  }
  return NULL;
}

/* Redundant audio (RFC 2198 section 5) all of whose blocks are that Opus: "fmtp:63 111/111". */
static const RpSdpCodec *
find_red (const RpSdpMedia *media, const RpSdpCodec *opus)
{
  for (guint i = 0; i < media->codecs->len; i++) {
    const RpSdpCodec *codec = codec_at (media, i);
    if (g_ascii_strcasecmp (codec->name, "red") != 0 || codec->clock_rate != opus->clock_rate ||
        codec->channels != opus->channels || codec->payload_type == 0 || codec->fmtp == NULL)
      continue;
    g_auto (GStrv) types = g_strsplit (codec->fmtp, "/", -1);
    guint n = 0;
    guint64 type = 0;
    while (types[n] != NULL && g_ascii_string_to_unsigned (types[n], 10, 0, 127, &type, NULL) &&
           type == opus->payload_type)
      n++;
    if (n >= 2 && types[n] == NULL)
      return codec;
  }
  return NULL;
}

/* The codec to echo on an m-line we do not use: not one that only repairs another. */
static const RpSdpCodec *
find_primary (const RpSdpMedia *media)
{
  static const char *const repair[] = {"", "rtx", "red", "ulpfec", "flexfec-03"};
  for (guint i = 0; i < media->codecs->len; i++) {
    gboolean primary = TRUE;
    for (gsize r = 0; r < G_N_ELEMENTS (repair); r++)
      primary &= g_ascii_strcasecmp (codec_at (media, i)->name, repair[r]) != 0;
    if (primary)
      return codec_at (media, i);
  }
  return NULL;
}

static gboolean
is_live (const RpSdpMedia *media)
{
  return media->port != 0 || media->bundle_only;
}

static gboolean
is_dtls_srtp (const RpSdpMedia *media)
{
  return g_str_has_suffix (media->protocol, "RTP/SAVPF") ||
         g_str_has_suffix (media->protocol, "RTP/SAVP");
}

static gboolean
is_data_channel (const RpSdpMedia *media)
{
  if (media->kind != RP_SDP_APPLICATION || rp_sdp_media_is_rtp (media) ||
      !g_str_has_suffix (media->protocol, "DTLS/SCTP"))
    return FALSE;
  return media->sctpmap || strcmp (media->format, "webrtc-datachannel") == 0;
}

/* The m-line that is to carry the conversation must fit, or the peer is told why not. */
static gboolean
check_audio (const RpSdpMedia *media, guint index, gboolean in_bundle, GError **error)
{
  if (!is_dtls_srtp (media))
    return UNSUPPORTED (
        error, "audio m-line %u has protocol %s: DTLS-SRTP (UDP/TLS/RTP/SAVPF) is required", index,
        media->protocol);
  if (!in_bundle)
    return UNSUPPORTED (error, "audio m-line %u is outside the BUNDLE group: BUNDLE is required",
                        index);
  if (!media->rtcp_mux)
    return UNSUPPORTED (error, "audio m-line %u lacks rtcp-mux, which is required", index);
  if (find_opus (media) == NULL)
    return UNSUPPORTED (error, "audio m-line %u lacks opus/48000/2, the only codec taken", index);
  return TRUE;
}

static gboolean
decide (const RpSdp *remote, guint index, gboolean in_bundle, Plan *plan, GError **error)
{
  const RpSdpMedia *media = rp_sdp_media (remote, index);
  if (media->kind == RP_SDP_AUDIO && plan->audio < 0) {
    if (!check_audio (media, index, in_bundle, error))
      return FALSE;
    plan->fate[index] = FATE_AUDIO;
    plan->audio = (int) index;
  } else if (is_data_channel (media) && in_bundle && plan->data < 0) {
    plan->fate[index] = FATE_DATA;
    plan->data = (int) index;
  } else if (is_dtls_srtp (media) && in_bundle && media->rtcp_mux && find_primary (media) != NULL) {
    plan->fate[index] = FATE_PARK;
  }
  return TRUE;
}

static gboolean
make_plan (const RpSdp *remote, Plan *plan, GError **error)
{
  guint n_live = 0;
  *plan = (Plan){.audio = -1, .data = -1};
  for (guint i = 0; i < remote->media->len; i++)
    n_live += is_live (rp_sdp_media (remote, i)) ? 1 : 0;
  if (n_live > 1 && !remote->has_bundle)
    return UNSUPPORTED (error, "%u m-lines without a BUNDLE group: BUNDLE is required", n_live);
  for (guint i = 0; i < remote->media->len; i++) {
    const RpSdpMedia *media = rp_sdp_media (remote, i);
    /* A lone m-line is its own bundle. */
    gboolean in_bundle = media->bundled || !remote->has_bundle;
    if (is_live (media) && !decide (remote, i, in_bundle, plan, error))
      return FALSE;
  }
  if (plan->audio < 0 && plan->data < 0)
    return UNSUPPORTED (error, "neither a live audio m-line nor a data channel m-line");
  plan->tag = (guint) (plan->audio >= 0 ? plan->audio : plan->data);
  for (guint i = remote->n_bundle; i > 0; i--)
    if (plan->fate[remote->bundle[i - 1]] != FATE_REJECT)
      plan->tag = remote->bundle[i - 1];
  return TRUE;
}

/* RFC 8842 section 5: an active or actpass offer makes us the DTLS server; an offer without setup
 * is active (RFC 4145 section 4). An answer has decided already. */
static gboolean
choose_setup (RpSdpSetup remote, RpSdpType type, RpSdpSetup *out, GError **error)
{
  if (type == RP_SDP_ANSWER && remote == RP_SDP_SETUP_ACTPASS) {
    g_set_error (error, RP_SDP_ERROR, RP_SDP_ERROR_INVALID,
                 "the answer says setup:actpass instead of choosing a role");
    return FALSE;
  }
  *out = remote == RP_SDP_SETUP_PASSIVE ? RP_SDP_SETUP_ACTIVE : RP_SDP_SETUP_PASSIVE;
  return TRUE;
}

static gboolean
same_candidate (const RpCandidate *a, const RpCandidate *b)
{
  return a->transport == b->transport && a->type == b->type && a->port == b->port &&
         strcmp (a->address, b->address) == 0;
}

/* Chromium repeats its candidates on every m-line of the bundle. @candidates holds
 * RP_CANDIDATE_MAX. */
static void
collect_candidates (const RpSdpMedia *media, RpCandidate *candidates, guint *n, guint *n_skipped)
{
  for (guint i = 0; i < media->n_candidates; i++) {
    guint j = 0;
    while (j < *n && !same_candidate (&media->candidates[i], &candidates[j]))
      j++;
    if (j < *n)
      continue;
    if (*n == RP_CANDIDATE_MAX)
      (*n_skipped)++;
    else
      candidates[(*n)++] = media->candidates[i];
  }
  *n_skipped += media->n_skipped_candidates;
}

static gboolean
summarise_transport (const RpSdp *remote, RpSdpType type, const Plan *plan, RpSdpRemote *out,
                     GError **error)
{
  const RpSdpMedia *tag = rp_sdp_media (remote, plan->tag);
  if (tag->ice_ufrag[0] == '\0' || tag->ice_pwd[0] == '\0')
    return UNSUPPORTED (error, "m-line %u lacks ice-ufrag or ice-pwd: ICE is required", plan->tag);
  if (tag->n_fingerprints == 0)
    return UNSUPPORTED (error, "m-line %u lacks a sha-256 fingerprint: DTLS is required",
                        plan->tag);
  if (!choose_setup (tag->setup, type, &out->local_setup, error))
    return FALSE;
  memcpy (out->ice_ufrag, tag->ice_ufrag, sizeof out->ice_ufrag);
  memcpy (out->ice_pwd, tag->ice_pwd, sizeof out->ice_pwd);
  memcpy (out->fingerprints, tag->fingerprints, sizeof out->fingerprints);
  out->n_fingerprints = tag->n_fingerprints;
  out->ice_lite = remote->ice_lite;
  out->trickle = tag->trickle;
  out->end_of_candidates = tag->end_of_candidates;
  for (guint i = 0; i < remote->media->len; i++) {
    const RpSdpMedia *media = rp_sdp_media (remote, i);
    if (plan->fate[i] != FATE_REJECT && strcmp (media->ice_ufrag, tag->ice_ufrag) == 0)
      collect_candidates (media, out->candidates, &out->n_candidates, &out->n_skipped_candidates);
  }
  return TRUE;
}

/* Whether the list of parameters has this one, such as "useinbandfec=1". */
static gboolean
fmtp_has (const char *fmtp, const char *parameter)
{
  if (fmtp == NULL)
    return FALSE;
  g_auto (GStrv) parts = g_strsplit (fmtp, ";", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    if (g_ascii_strcasecmp (g_strstrip (parts[i]), parameter) == 0)
      return TRUE;
  return FALSE;
}

static void
summarise_audio (const RpSdpMedia *media, RpSdpRemote *out)
{
  const RpSdpCodec *opus = find_opus (media);
  const RpSdpCodec *red = find_red (media, opus);
  out->red_payload_type = red != NULL ? red->payload_type : 0;
  out->has_audio = TRUE;
  memcpy (out->audio_mid, media->mid, sizeof out->audio_mid);
  out->audio_direction = rp_sdp_direction_mirror (media->direction);
  out->opus_payload_type = opus->payload_type;
  out->opus_fec = fmtp_has (opus->fmtp, "useinbandfec=1");
  out->audio_ssrc = media->ssrc;
}

static void
summarise_data (const RpSdpMedia *media, RpSdpRemote *out)
{
  out->has_data = TRUE;
  memcpy (out->data_mid, media->mid, sizeof out->data_mid);
  out->sctp_port = media->sctp_port != 0 ? media->sctp_port : RP_SDP_SCTP_PORT;
  if (!media->has_max_message_size)
    out->max_message_size = RP_SDP_DEFAULT_MESSAGE_BYTES;
  else if (media->max_message_size == 0 || media->max_message_size > G_MAXUINT32)
    out->max_message_size = G_MAXUINT32;
  else
    out->max_message_size = (guint32) media->max_message_size;
}

gboolean
rp_sdp_remote_summary (const RpSdp *remote, RpSdpType type, RpSdpRemote *out, GError **error)
{
  Plan plan;
  g_autofree RpSdpRemote *summary = g_new0 (RpSdpRemote, 1);
  summary->audio_direction = RP_SDP_INACTIVE;
  if (!make_plan (remote, &plan, error) ||
      !summarise_transport (remote, type, &plan, summary, error))
    return FALSE;
  if (plan.audio >= 0)
    summarise_audio (rp_sdp_media (remote, (guint) plan.audio), summary);
  if (plan.data >= 0)
    summarise_data (rp_sdp_media (remote, (guint) plan.data), summary);
  *out = *summary;
  return TRUE;
}

gboolean
rp_sdp_fragment_summary (const RpSdp *fragment, RpSdpFragment *out, GError **error)
{
  const RpSdpMedia *first = rp_sdp_media (fragment, 0);
  for (guint i = 0; i < fragment->media->len && first->ice_ufrag[0] == '\0'; i++)
    first = rp_sdp_media (fragment, i);
  if ((first->ice_ufrag[0] == '\0') != (first->ice_pwd[0] == '\0')) {
    g_set_error (error, RP_SDP_ERROR, RP_SDP_ERROR_INVALID, "ice-ufrag and ice-pwd go together");
    return FALSE;
  }
  g_autofree RpSdpFragment *summary = g_new0 (RpSdpFragment, 1);
  memcpy (summary->ice_ufrag, first->ice_ufrag, sizeof summary->ice_ufrag);
  memcpy (summary->ice_pwd, first->ice_pwd, sizeof summary->ice_pwd);
  for (guint i = 0; i < fragment->media->len; i++) {
    const RpSdpMedia *media = rp_sdp_media (fragment, i);
    if (media->ice_ufrag[0] != '\0' && strcmp (media->ice_ufrag, first->ice_ufrag) != 0)
      continue;
    collect_candidates (media, summary->candidates, &summary->n_candidates,
                        &summary->n_skipped_candidates);
    summary->end_of_candidates |= media->end_of_candidates;
  }
  for (guint i = 0; i < summary->n_candidates; i++)
    if (summary->candidates[i].ufrag[0] == '\0')
      memcpy (summary->candidates[i].ufrag, summary->ice_ufrag, sizeof summary->ice_ufrag);
  *out = *summary;
  return TRUE;
}

static void
fill_transport (RpSdpMedia *media, const RpSdpLocal *local, RpSdpSetup setup,
                gboolean with_candidates)
{
  /* RFC 8840 section 4.1.1: port 9 until, or while, candidates say where we are. */
  media->port = 9;
  media->trickle = TRUE;
  media->setup = setup;
  g_strlcpy (media->ice_ufrag, local->ice_ufrag, sizeof media->ice_ufrag);
  g_strlcpy (media->ice_pwd, local->ice_pwd, sizeof media->ice_pwd);
  memcpy (media->fingerprints[0].sha256, local->fingerprint, sizeof local->fingerprint);
  media->n_fingerprints = 1;
  if (!with_candidates)
    return;
  media->n_candidates = MIN (local->n_candidates, RP_CANDIDATE_MAX);
  for (guint i = 0; i < media->n_candidates; i++)
    media->candidates[i] = local->candidates[i];
  media->end_of_candidates = local->end_of_candidates;
}

static void
add_red (RpSdpMedia *media, guint8 payload_type, guint8 opus_payload_type)
{
  g_autofree char *fmtp = g_strdup_printf ("%u/%u", opus_payload_type, opus_payload_type);
  rp_sdp_add_codec (media, payload_type, "red", 48000, 2, fmtp);
}

static void
fill_audio (RpSdpMedia *media, const RpSdpLocal *local)
{
  media->rtcp_mux = TRUE;
  g_strlcpy (media->stream_id, local->stream_id, sizeof media->stream_id);
  g_strlcpy (media->track_id, local->track_id, sizeof media->track_id);
  if (media->direction == RP_SDP_SENDRECV || media->direction == RP_SDP_SENDONLY) {
    media->ssrc = local->ssrc;
    g_strlcpy (media->cname, local->cname, sizeof media->cname);
  }
}

static void
fill_data (RpSdpMedia *media)
{
  media->sctp_port = RP_SDP_SCTP_PORT;
  media->has_max_message_size = TRUE;
  media->max_message_size = RP_SDP_MAX_MESSAGE_BYTES;
}

/* RFC 3264 section 6: an answer has as many m-lines as the offer, in its order, with its protocol.
 */
static void
answer_media (RpSdp *answer, const RpSdpMedia *offered, Fate fate, gboolean is_tag,
              const RpSdpLocal *local, RpSdpSetup setup)
{
  RpSdpMedia *media = rp_sdp_add_media (answer, offered->kind, offered->media);
  memcpy (media->protocol, offered->protocol, sizeof media->protocol);
  memcpy (media->format, offered->format, sizeof media->format);
  memcpy (media->mid, offered->mid, sizeof media->mid);
  media->direction = RP_SDP_INACTIVE;
  if (fate == FATE_REJECT)
    return;
  fill_transport (media, local, setup, is_tag);
  if (offered->bundled)
    rp_sdp_bundle_last (answer);
  if (fate == FATE_AUDIO) {
    const RpSdpCodec *opus = find_opus (offered);
    const RpSdpCodec *red = find_red (offered, opus);
    media->direction = rp_sdp_direction_mirror (offered->direction);
    /* Browsers send what the answer names first. */
    if (red != NULL)
      add_red (media, red->payload_type, opus->payload_type);
    rp_sdp_add_codec (media, opus->payload_type, "opus", 48000, 2, ANSWER_FMTP);
    fill_audio (media, local);
  } else if (fate == FATE_DATA) {
    fill_data (media);
    media->sctpmap = offered->sctpmap;
    if (media->sctpmap)
      g_snprintf (media->format, sizeof media->format, "%u", media->sctp_port);
  } else {
    const RpSdpCodec *codec = find_primary (offered);
    /* One payload type in a bundle has one meaning: a second Opus must not differ from the first.
     */
    const char *fmtp = codec == find_opus (offered) ? ANSWER_FMTP : codec->fmtp;
    media->rtcp_mux = TRUE;
    rp_sdp_add_codec (media, codec->payload_type, codec->name, codec->clock_rate, codec->channels,
                      fmtp);
  }
}

/* Our group names the offer's mids in the offer's order. */
static void
order_bundle (RpSdp *answer, const RpSdp *offer)
{
  answer->n_bundle = 0;
  for (guint i = 0; i < offer->n_bundle; i++)
    if (rp_sdp_media (answer, offer->bundle[i])->bundled)
      answer->bundle[answer->n_bundle++] = offer->bundle[i];
}

RpSdp *
rp_sdp_answer (const RpSdp *offer, const RpSdpLocal *local, GError **error)
{
  Plan plan;
  g_autofree RpSdpRemote *remote = g_new0 (RpSdpRemote, 1);
  if (!rp_sdp_remote_summary (offer, RP_SDP_OFFER, remote, error) ||
      !make_plan (offer, &plan, error))
    return NULL;
  RpSdpSetup setup = local->setup != RP_SDP_SETUP_NONE ? local->setup : remote->local_setup;
  RpSdp *answer = rp_sdp_new ();
  answer->session_id = local->session_id;
  answer->session_version = local->session_version;
  for (guint i = 0; i < offer->media->len; i++)
    answer_media (answer, rp_sdp_media (offer, i), plan.fate[i], i == plan.tag, local, setup);
  order_bundle (answer, offer);
  return answer;
}

RpSdp *
rp_sdp_offer (const RpSdpLocal *local)
{
  /* What browsers give them; any dynamic numbers would do. */
  const guint8 opus_payload_type = 111;
  const guint8 red_payload_type = 63;
  RpSdp *offer = rp_sdp_new ();
  offer->session_id = local->session_id;
  offer->session_version = local->session_version;

  RpSdpMedia *audio = rp_sdp_add_media (offer, RP_SDP_AUDIO, "audio");
  g_strlcpy (audio->protocol, "UDP/TLS/RTP/SAVPF", sizeof audio->protocol);
  g_strlcpy (audio->mid, "0", sizeof audio->mid);
  fill_transport (audio, local, RP_SDP_SETUP_ACTPASS, TRUE);
  rp_sdp_add_codec (audio, opus_payload_type, "opus", 48000, 2, "minptime=10;useinbandfec=1");
  if (local->offer_red)
    add_red (audio, red_payload_type, opus_payload_type);
  fill_audio (audio, local);
  rp_sdp_bundle_last (offer);

  RpSdpMedia *data = rp_sdp_add_media (offer, RP_SDP_APPLICATION, "application");
  g_strlcpy (data->protocol, "UDP/DTLS/SCTP", sizeof data->protocol);
  g_strlcpy (data->format, "webrtc-datachannel", sizeof data->format);
  g_strlcpy (data->mid, "1", sizeof data->mid);
  fill_transport (data, local, RP_SDP_SETUP_ACTPASS, FALSE);
  fill_data (data);
  rp_sdp_bundle_last (offer);
  return offer;
}
