#include "sdp.h"

#include "sdp-private.h"
#include <string.h>

G_DEFINE_QUARK (rp - sdp - error - quark, rp_sdp_error)

static const char *const direction_names[] = {"sendrecv", "sendonly", "recvonly", "inactive"};
static const char *const setup_names[] = {NULL, "actpass", "active", "passive"};

static void
media_free (gpointer data)
{
  RpSdpMedia *media = data;
  g_array_unref (media->codecs);
  g_free (media);
}

static void
codec_clear (gpointer data)
{
  RpSdpCodec *codec = data;
  g_clear_pointer (&codec->fmtp, g_free);
}

RpSdp *
rp_sdp_new (void)
{
  RpSdp *sdp = g_new0 (RpSdp, 1);
  sdp->media = g_ptr_array_new_with_free_func (media_free);
  return sdp;
}

void
rp_sdp_free (RpSdp *sdp)
{
  if (sdp == NULL)
    return;
  g_ptr_array_unref (sdp->media);
  g_free (sdp);
}

const RpSdpMedia *
rp_sdp_media (const RpSdp *sdp, guint index)
{
  return index < sdp->media->len ? g_ptr_array_index (sdp->media, index) : NULL;
}

RpSdpMedia *
rp_sdp_add_media (RpSdp *sdp, RpSdpKind kind, const char *name)
{
  RpSdpMedia *media = g_new0 (RpSdpMedia, 1);
  media->kind = kind;
  g_strlcpy (media->media, name, sizeof media->media);
  media->codecs = g_array_new (FALSE, TRUE, sizeof (RpSdpCodec));
  g_array_set_clear_func (media->codecs, codec_clear);
  g_ptr_array_add (sdp->media, media);
  return media;
}

void
rp_sdp_add_codec (RpSdpMedia *media, guint8 payload_type, const char *name, guint32 clock_rate,
                  guint8 channels, const char *fmtp)
{
  RpSdpCodec codec = {.payload_type = payload_type,
                      .clock_rate = clock_rate,
                      .channels = channels,
                      .fmtp = g_strdup (fmtp)};
  g_strlcpy (codec.name, name, sizeof codec.name);
  g_array_append_val (media->codecs, codec);
}

void
rp_sdp_bundle_last (RpSdp *sdp)
{
  guint index = sdp->media->len - 1;
  RpSdpMedia *media = g_ptr_array_index (sdp->media, index);
  media->bundled = TRUE;
  sdp->has_bundle = TRUE;
  sdp->bundle[sdp->n_bundle++] = index;
}

gboolean
rp_sdp_media_is_rtp (const RpSdpMedia *media)
{
  return strstr (media->protocol, "RTP/") != NULL;
}

RpSdpDirection
rp_sdp_direction_mirror (RpSdpDirection direction)
{
  switch (direction) {
  case RP_SDP_SENDONLY:
    return RP_SDP_RECVONLY;
  case RP_SDP_RECVONLY:
    return RP_SDP_SENDONLY;
  case RP_SDP_SENDRECV:
  case RP_SDP_INACTIVE:
  default:
    return direction;
  }
}

const char *
rp_sdp_direction_name (RpSdpDirection direction)
{
  return (gsize) direction < G_N_ELEMENTS (direction_names) ? direction_names[direction] : "?";
}

static void
write_codecs (GString *out, const RpSdpMedia *media)
{
  /* What a dead m-line could have carried is nobody's interest. */
  if (media->port == 0 && !media->bundle_only)
    return;
  for (guint i = 0; i < media->codecs->len; i++) {
    const RpSdpCodec *codec = &g_array_index (media->codecs, RpSdpCodec, i);
    if (codec->name[0] != '\0') {
      g_string_append_printf (out, "a=rtpmap:%u %s/%u", codec->payload_type, codec->name,
                              codec->clock_rate);
      if (codec->channels > 1)
        g_string_append_printf (out, "/%u", codec->channels);
      g_string_append (out, "\r\n");
    }
    if (codec->fmtp != NULL)
      g_string_append_printf (out, "a=fmtp:%u %s\r\n", codec->payload_type, codec->fmtp);
  }
}

static void
write_fingerprint (GString *out, const RpSdpFingerprint *fingerprint)
{
  g_string_append (out, "a=fingerprint:sha-256 ");
  for (gsize i = 0; i < sizeof fingerprint->sha256; i++)
    g_string_append_printf (out, i == 0 ? "%02X" : ":%02X", fingerprint->sha256[i]);
  g_string_append (out, "\r\n");
}

static void
write_candidates (GString *out, const RpSdpMedia *media)
{
  for (guint i = 0; i < media->n_candidates; i++) {
    char text[RP_CANDIDATE_MAX_TEXT_BYTES];
    if (rp_candidate_write (&media->candidates[i], text, sizeof text) > 0)
      g_string_append_printf (out, "a=%s\r\n", text);
  }
  if (media->end_of_candidates)
    g_string_append (out, "a=end-of-candidates\r\n");
}

static void
write_credentials (GString *out, const RpSdpMedia *media)
{
  if (media->ice_ufrag[0] != '\0')
    g_string_append_printf (out, "a=ice-ufrag:%s\r\n", media->ice_ufrag);
  if (media->ice_pwd[0] != '\0')
    g_string_append_printf (out, "a=ice-pwd:%s\r\n", media->ice_pwd);
}

static void
write_transport (GString *out, const RpSdpMedia *media)
{
  write_candidates (out, media);
  write_credentials (out, media);
  if (media->trickle)
    g_string_append (out, "a=ice-options:trickle\r\n");
  for (guint i = 0; i < media->n_fingerprints; i++)
    write_fingerprint (out, &media->fingerprints[i]);
  if (media->setup != RP_SDP_SETUP_NONE)
    g_string_append_printf (out, "a=setup:%s\r\n", setup_names[media->setup]);
}

static void
write_rtp (GString *out, const RpSdpMedia *media)
{
  g_string_append_printf (out, "a=%s\r\n", rp_sdp_direction_name (media->direction));
  if (media->stream_id[0] != '\0')
    g_string_append_printf (out, "a=msid:%s%s%s\r\n", media->stream_id,
                            media->track_id[0] != '\0' ? " " : "", media->track_id);
  if (media->rtcp_mux)
    g_string_append (out, "a=rtcp-mux\r\n");
  write_codecs (out, media);
  if (media->ssrc != 0 && media->cname[0] != '\0')
    g_string_append_printf (out, "a=ssrc:%u cname:%s\r\n", media->ssrc, media->cname);
  if (media->ssrc != 0 && media->stream_id[0] != '\0')
    g_string_append_printf (out, "a=ssrc:%u msid:%s%s%s\r\n", media->ssrc, media->stream_id,
                            media->track_id[0] != '\0' ? " " : "", media->track_id);
}

static void
write_media_line (GString *out, const RpSdpMedia *media)
{
  g_string_append_printf (out, "m=%s %u %s", media->media, media->port, media->protocol);
  for (guint i = 0; i < media->codecs->len; i++)
    g_string_append_printf (out, " %u", g_array_index (media->codecs, RpSdpCodec, i).payload_type);
  if (media->codecs->len == 0)
    g_string_append_printf (out, " %s", media->format);
  g_string_append (out, "\r\n");
}

static void
write_mid (GString *out, const RpSdpMedia *media)
{
  if (media->mid[0] != '\0')
    g_string_append_printf (out, "a=mid:%s\r\n", media->mid);
}

static void
write_media (GString *out, const RpSdpMedia *media)
{
  write_media_line (out, media);
  g_string_append (out, "c=IN IP4 0.0.0.0\r\n");
  write_transport (out, media);
  write_mid (out, media);
  if (media->bundle_only)
    g_string_append (out, "a=bundle-only\r\n");
  if (rp_sdp_media_is_rtp (media))
    write_rtp (out, media);
  if (media->sctpmap)
    g_string_append_printf (out, "a=sctpmap:%u webrtc-datachannel 65535\r\n", media->sctp_port);
  else if (media->sctp_port != 0)
    g_string_append_printf (out, "a=sctp-port:%u\r\n", media->sctp_port);
  if (media->has_max_message_size)
    g_string_append_printf (out, "a=max-message-size:%" G_GUINT64_FORMAT "\r\n",
                            media->max_message_size);
}

static void
write_group (GString *out, const RpSdp *sdp)
{
  if (!sdp->has_bundle)
    return;
  g_string_append (out, "a=group:BUNDLE");
  for (guint i = 0; i < sdp->n_bundle; i++)
    g_string_append_printf (out, " %s", rp_sdp_media (sdp, sdp->bundle[i])->mid);
  g_string_append (out, "\r\n");
}

char *
rp_sdp_write (const RpSdp *sdp)
{
  GString *out = g_string_sized_new (2048);
  /* JSEP section 5.2.1: no address of ours in the origin. */
  g_string_append_printf (out,
                          "v=0\r\no=- %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT
                          " IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
                          sdp->session_id, sdp->session_version);
  write_group (out, sdp);
  if (sdp->ice_lite)
    g_string_append (out, "a=ice-lite\r\n");
  g_string_append (out, "a=msid-semantic:WMS *\r\n");
  for (guint i = 0; i < sdp->media->len; i++)
    write_media (out, rp_sdp_media (sdp, i));
  return g_string_free (out, FALSE);
}

RpSdpMedia *
rp_sdp_transport (const RpSdp *sdp)
{
  /* RFC 8843 section 7.2: the first of the group. */
  if (sdp->n_bundle > 0)
    return g_ptr_array_index (sdp->media, sdp->bundle[0]);
  for (guint i = 0; i < sdp->media->len; i++) {
    RpSdpMedia *media = g_ptr_array_index (sdp->media, i);
    if (media->ice_ufrag[0] != '\0')
      return media;
  }
  return NULL;
}

char *
rp_sdp_write_fragment (const RpSdp *sdp)
{
  GString *out = g_string_sized_new (512);
  const RpSdpMedia *media = rp_sdp_transport (sdp);
  if (sdp->ice_lite)
    g_string_append (out, "a=ice-lite\r\n");
  if (media != NULL && media->trickle)
    g_string_append (out, "a=ice-options:trickle\r\n");
  write_group (out, sdp);
  if (media != NULL) {
    write_media_line (out, media);
    write_mid (out, media);
    write_credentials (out, media);
    write_candidates (out, media);
  }
  return g_string_free (out, FALSE);
}
