#include "sdp.h"

#include "sdp-fixtures.h"
#include <string.h>

static RpSdp *
try_parse (const char *text, gsize len, GError **error)
{
  /* Exactly sized, so that a sanitizer sees a read past the end. */
  g_autofree char *copy = g_memdup2 (text, len);
  return rp_sdp_parse (copy, len, error);
}

static RpSdp *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  RpSdp *sdp = try_parse (text, strlen (text), &error);
  g_assert_no_error (error);
  return sdp;
}

static const RpCandidate local_candidates[] = {
    {.foundation = "1",
     .component = 1,
     .priority = 2130706431,
     .address = "192.0.2.1",
     .port = 40000,
     .type = RP_CANDIDATE_HOST},
    {.foundation = "2",
     .component = 1,
     .priority = 1694498815,
     .address = "203.0.113.1",
     .port = 40000,
     .type = RP_CANDIDATE_SRFLX,
     .related_address = "192.0.2.1",
     .related_port = 40000},
};

static const RpSdpLocal local = {
    .session_id = 77,
    .session_version = 3,
    .ice_ufrag = "Loca",
    .ice_pwd = "LocalPasswordOf24Letters",
    .fingerprint = {0xab, 0xcd},
    .candidates = local_candidates,
    .n_candidates = G_N_ELEMENTS (local_candidates),
    .end_of_candidates = TRUE,
    .stream_id = "agent",
    .track_id = "agent-audio",
    .cname = "repartee",
    .ssrc = 4242,
};

static RpSdp *
answer (const char *offer_text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RpSdp) offer = parse (offer_text);
  RpSdp *result = rp_sdp_answer (offer, &local, &error);
  g_assert_no_error (error);
  return result;
}

static RpSdpRemote *
summary (const char *text, RpSdpType type)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RpSdp) sdp = parse (text);
  RpSdpRemote *out = g_new0 (RpSdpRemote, 1);
  gboolean ok = rp_sdp_remote_summary (sdp, type, out, &error);
  g_assert_no_error (error);
  g_assert_true (ok);
  return out;
}

static const struct {
  const char *name, *text;
  guint n_media;
  RpSdpSetup local_setup;
  const char *ufrag;
  guint n_fingerprints, n_candidates, n_skipped;
  gboolean end;
  guint8 opus;
  gboolean fec;
  RpSdpDirection direction;
  guint32 ssrc;
  const char *audio_mid, *data_mid; /* data_mid NULL = no data channel */
  guint32 max_message_size;
} clients[] = {
    /* Candidates are repeated on the first video m-line: counted once, the mDNS one skipped on
       each. */
    {"pipecat", chromium_pipecat, 4, RP_SDP_SETUP_PASSIVE, "nPxa", 1, 2, 2, FALSE, 111, TRUE,
     RP_SDP_SENDRECV, 2365321923u, "0", "3", 262144},
    {"openai", chromium_openai, 2, RP_SDP_SETUP_PASSIVE, "nPxa", 1, 0, 0, FALSE, 111, TRUE,
     RP_SDP_SENDRECV, 7, "1", "0", 262144},
    {"firefox", firefox, 2, RP_SDP_SETUP_PASSIVE, "1a2b3c4d", 1, 3, 1, TRUE, 109, TRUE,
     RP_SDP_SENDRECV, 1932847561u, "0", "1", 1073741823},
    {"safari", safari, 2, RP_SDP_SETUP_PASSIVE, "nPxa", 1, 2, 1, FALSE, 111, TRUE, RP_SDP_SENDRECV,
     3405691582u, "0", NULL, 0},
    {"aiortc", aiortc, 2, RP_SDP_SETUP_PASSIVE, "u0D4", 1, 2, 0, TRUE, 96, FALSE, RP_SDP_SENDRECV,
     3924224759u, "0", "1", 65536},
    {"whip", whip, 2, RP_SDP_SETUP_PASSIVE, "abcdefgh", 2, 0, 0, FALSE, 97, FALSE, RP_SDP_RECVONLY,
     11, "audio0", NULL, 0},
    {"minimal", MINIMAL_HEAD MINIMAL_TRANSPORT MINIMAL_AUDIO, 1, RP_SDP_SETUP_PASSIVE, "abcd", 1, 0,
     0, FALSE, 111, FALSE, RP_SDP_SENDRECV, 0, "", NULL, 0},
};

static void
test_clients (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (clients); i++) {
    g_test_message ("%s", clients[i].name);
    g_autofree RpSdpRemote *remote = summary (clients[i].text, RP_SDP_OFFER);
    g_assert_cmpint (remote->local_setup, ==, clients[i].local_setup);
    g_assert_cmpstr (remote->ice_ufrag, ==, clients[i].ufrag);
    g_assert_cmpuint (remote->n_fingerprints, ==, clients[i].n_fingerprints);
    g_assert_cmpuint (remote->n_candidates, ==, clients[i].n_candidates);
    g_assert_cmpuint (remote->n_skipped_candidates, ==, clients[i].n_skipped);
    g_assert_cmpint (remote->end_of_candidates, ==, clients[i].end);
    g_assert_true (remote->has_audio);
    g_assert_cmpuint (remote->opus_payload_type, ==, clients[i].opus);
    g_assert_cmpint (remote->opus_fec, ==, clients[i].fec);
    g_assert_cmpint (remote->audio_direction, ==, clients[i].direction);
    g_assert_cmpuint (remote->audio_ssrc, ==, clients[i].ssrc);
    g_assert_cmpstr (remote->audio_mid, ==, clients[i].audio_mid);
    g_assert_cmpint (remote->has_data, ==, clients[i].data_mid != NULL);
    if (remote->has_data) {
      g_assert_cmpstr (remote->data_mid, ==, clients[i].data_mid);
      g_assert_cmpuint (remote->sctp_port, ==, 5000);
      g_assert_cmpuint (remote->max_message_size, ==, clients[i].max_message_size);
    }
  }
}

/* What every answer owes its offer, whoever made it. */
static void
check_answer (const RpSdp *offer, const RpSdp *ours)
{
  guint n_msid = 0, n_with_candidates = 0;
  g_assert_cmpuint (ours->media->len, ==, offer->media->len);
  g_assert_cmpint (ours->has_bundle, ==, offer->has_bundle);
  for (guint i = 0; i < offer->media->len; i++) {
    const RpSdpMedia *theirs = rp_sdp_media (offer, i), *media = rp_sdp_media (ours, i);
    g_assert_cmpstr (media->media, ==, theirs->media);
    g_assert_cmpstr (media->protocol, ==, theirs->protocol);
    g_assert_cmpstr (media->mid, ==, theirs->mid);
    if (media->port == 0) {
      g_assert_false (media->bundled);
      continue;
    }
    g_assert_cmpint (media->bundled, ==, theirs->bundled);
    g_assert_cmpstr (media->ice_ufrag, ==, local.ice_ufrag);
    g_assert_cmpstr (media->ice_pwd, ==, local.ice_pwd);
    g_assert_cmpuint (media->n_fingerprints, ==, 1);
    g_assert_cmpmem (media->fingerprints[0].sha256, 32, local.fingerprint, 32);
    g_assert_true (media->setup == RP_SDP_SETUP_PASSIVE || media->setup == RP_SDP_SETUP_ACTIVE);
    g_assert_true (media->trickle);
    n_with_candidates += media->n_candidates > 0 ? 1 : 0;
    if (media->kind == RP_SDP_APPLICATION) {
      g_assert_cmpuint (media->sctp_port, ==, 5000);
      g_assert_cmpuint (media->max_message_size, ==, RP_SDP_MAX_MESSAGE_BYTES);
      continue;
    }
    g_assert_true (media->rtcp_mux);
    g_assert_cmpuint (media->codecs->len, >=, 1);
    if (media->stream_id[0] == '\0') {
      g_assert_cmpint (media->direction, ==, RP_SDP_INACTIVE);
      continue;
    }
    n_msid++;
    g_assert_cmpint (media->kind, ==, RP_SDP_AUDIO);
    g_assert_cmpstr (media->stream_id, ==, "agent");
    g_assert_cmpstr (media->track_id, ==, "agent-audio");
    g_assert_cmpint (media->direction, ==, rp_sdp_direction_mirror (theirs->direction));
    /* Opus, and before it the redundant audio of who offers it. */
    g_assert_cmpuint (media->codecs->len, <=, 2);
    const RpSdpCodec *codec = &g_array_index (media->codecs, RpSdpCodec, media->codecs->len - 1);
    g_assert_cmpstr (codec->name, ==, "opus");
    g_assert_cmpstr (codec->fmtp, ==, "minptime=10;useinbandfec=1;usedtx=0;stereo=0");
  }
  g_assert_cmpuint (n_msid, ==, 1);
  g_assert_cmpuint (n_with_candidates, ==, 1);
}

static void
test_answers (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (clients); i++) {
    g_test_message ("%s", clients[i].name);
    g_autoptr (RpSdp) offer = parse (clients[i].text);
    g_autoptr (RpSdp) ours = answer (clients[i].text);
    check_answer (offer, ours);

    /* And what is on the wire says the same. */
    g_autofree char *text = rp_sdp_write (ours);
    g_autoptr (RpSdp) again = parse (text);
    check_answer (offer, again);
    g_autofree char *text2 = rp_sdp_write (again);
    g_assert_cmpstr (text2, ==, text);

    /* The client's side of it: it is served, as DTLS client. */
    g_autofree RpSdpRemote *remote = summary (text, RP_SDP_ANSWER);
    g_assert_cmpint (remote->local_setup, ==, RP_SDP_SETUP_ACTIVE);
    g_assert_cmpuint (remote->n_candidates, ==, 2);
    g_assert_true (remote->end_of_candidates);
  }
}

static void
test_pipecat_answer (void)
{
  g_autoptr (RpSdp) ours = answer (chromium_pipecat);
  g_autofree char *text = rp_sdp_write (ours);
  g_assert_true (g_str_has_prefix (
      text, "v=0\r\no=- 77 3 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3\r\n"));
  g_assert_nonnull (strstr (text, "m=audio 9 UDP/TLS/RTP/SAVPF 63 111\r\n"));
  g_assert_nonnull (strstr (
      text, "a=candidate:2 1 udp 1694498815 203.0.113.1 40000 typ srflx raddr 192.0.2.1 rport "
            "40000\r\na=end-of-candidates\r\n"));
  g_assert_nonnull (strstr (text, "a=fingerprint:sha-256 AB:CD:00:"));
  g_assert_nonnull (strstr (text, "a=msid:agent agent-audio\r\n"));
  g_assert_nonnull (strstr (text, "a=ssrc:4242 cname:repartee\r\n"));
  /* The camera and the screen stay in the bundle, with their first real codec. */
  g_assert_nonnull (strstr (text, "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"));
  g_assert_nonnull (strstr (text, "m=video 9 UDP/TLS/RTP/SAVPF 102\r\n"));
  g_assert_nonnull (strstr (
      text,
      "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f\r\n"));
  g_assert_nonnull (strstr (text, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"));
  g_assert_nonnull (strstr (text, "a=sctp-port:5000\r\na=max-message-size:262144\r\n"));
  g_assert_null (strstr (text, "telephone-event"));
}

static void
test_aiortc_answer (void)
{
  g_autoptr (RpSdp) ours = answer (aiortc);
  g_autofree char *text = rp_sdp_write (ours);
  g_assert_nonnull (strstr (text, "m=application 9 DTLS/SCTP 5000\r\n"));
  g_assert_nonnull (strstr (text, "a=sctpmap:5000 webrtc-datachannel 65535\r\n"));
  g_assert_null (strstr (text, "a=sctp-port"));
}

static void
test_whip_answer (void)
{
  g_autoptr (RpSdp) ours = answer (whip);
  g_autofree char *text = rp_sdp_write (ours);
  g_assert_nonnull (strstr (text, "a=group:BUNDLE audio0 video1\r\n"));
  g_assert_nonnull (strstr (text, "a=recvonly\r\na=msid:agent agent-audio\r\n"));
  /* We do not send: no source to name. */
  g_assert_null (strstr (text, "a=ssrc"));
}

static const struct {
  const char *name, *text;
  guint ports[4]; /* of the answer */
  RpSdpSetup setup;
  const char *group; /* NULL: no group line */
} shapes[] = {
    {"stopped video keeps its place",
     MINIMAL_HEAD MINIMAL_TRANSPORT
     "a=group:BUNDLE a\r\n" MINIMAL_AUDIO
     "a=mid:a\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=rtcp-mux\r\n",
     {9, 0},
     RP_SDP_SETUP_PASSIVE,
     "a=group:BUNDLE a\r\n"},
    {"video outside the bundle",
     MINIMAL_HEAD MINIMAL_TRANSPORT
     "a=group:BUNDLE a\r\n" MINIMAL_AUDIO
     "a=mid:a\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=rtcp-mux\r\n"
     "a=rtpmap:96 VP8/90000\r\n",
     {9, 0},
     RP_SDP_SETUP_PASSIVE,
     "a=group:BUNDLE a\r\n"},
    {"video without rtcp-mux, and an unknown medium",
     MINIMAL_HEAD MINIMAL_TRANSPORT
     "a=group:BUNDLE a v t\r\n" MINIMAL_AUDIO
     "a=mid:a\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=rtpmap:96 VP8/90000\r\n"
     "m=text 9 UDP/BFCP *\r\na=mid:t\r\n",
     {9, 0, 0},
     RP_SDP_SETUP_PASSIVE,
     "a=group:BUNDLE a\r\n"},
    {"second audio and second data channel",
     MINIMAL_HEAD MINIMAL_TRANSPORT "a=group:BUNDLE d a b e\r\n" MINIMAL_DATA
                                    "a=mid:d\r\n" MINIMAL_AUDIO "a=mid:a\r\n" MINIMAL_AUDIO
                                    "a=mid:b\r\n" MINIMAL_DATA "a=mid:e\r\n",
     {9, 9, 9, 0},
     RP_SDP_SETUP_PASSIVE,
     "a=group:BUNDLE d a b\r\n"},
    {"group in another order than the m-lines",
     MINIMAL_HEAD MINIMAL_TRANSPORT "a=group:BUNDLE d a\r\n" MINIMAL_AUDIO
                                    "a=mid:a\r\n" MINIMAL_DATA "a=mid:d\r\n",
     {9, 9},
     RP_SDP_SETUP_PASSIVE,
     "a=group:BUNDLE d a\r\n"},
    {"passive offer makes us the client",
     MINIMAL_HEAD
     "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 " FP_A
     "\r\na=setup:passive\r\n" MINIMAL_AUDIO,
     {9},
     RP_SDP_SETUP_ACTIVE,
     NULL},
    {"offer without setup is active",
     MINIMAL_HEAD
     "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 " FP_A
     "\r\n" MINIMAL_AUDIO,
     {9},
     RP_SDP_SETUP_PASSIVE,
     NULL},
    {"data channel alone",
     MINIMAL_HEAD MINIMAL_TRANSPORT MINIMAL_DATA,
     {9},
     RP_SDP_SETUP_PASSIVE,
     NULL},
};

static void
test_shapes (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++) {
    g_test_message ("%s", shapes[i].name);
    g_autoptr (RpSdp) ours = answer (shapes[i].text);
    g_autofree char *text = rp_sdp_write (ours);
    for (guint m = 0; m < ours->media->len; m++)
      g_assert_cmpuint (rp_sdp_media (ours, m)->port, ==, shapes[i].ports[m]);
    g_assert_cmpint (rp_sdp_media (ours, 0)->setup, ==, shapes[i].setup);
    if (shapes[i].group != NULL)
      g_assert_nonnull (strstr (text, shapes[i].group));
    else
      g_assert_null (strstr (text, "a=group"));
  }
}

/* One payload type must mean one thing within a bundle. */
static void
test_second_audio_has_same_parameters (void)
{
  g_autoptr (RpSdp) ours =
      answer (MINIMAL_HEAD MINIMAL_TRANSPORT "a=group:BUNDLE a b\r\n" MINIMAL_AUDIO
                                             "a=mid:a\r\n" MINIMAL_AUDIO "a=mid:b\r\n");
  const RpSdpMedia *first = rp_sdp_media (ours, 0), *second = rp_sdp_media (ours, 1);
  g_assert_cmpint (second->direction, ==, RP_SDP_INACTIVE);
  g_assert_cmpstr (g_array_index (first->codecs, RpSdpCodec, 0).fmtp, ==,
                   g_array_index (second->codecs, RpSdpCodec, 0).fmtp);
}

static void
test_transport_is_of_the_tag (void)
{
  g_autofree RpSdpRemote *remote =
      summary (MINIMAL_HEAD "a=group:BUNDLE d a\r\n" MINIMAL_AUDIO
                            "a=mid:a\r\na=ice-ufrag:second\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
                            "a=fingerprint:sha-256 " FP_A "\r\na=setup:active\r\n" MINIMAL_DATA
                            "a=mid:d\r\na=ice-ufrag:first\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n"
                            "a=fingerprint:sha-256 " FP_B "\r\na=setup:active\r\n",
               RP_SDP_OFFER);
  g_assert_cmpstr (remote->ice_ufrag, ==, "first");
  g_assert_cmpuint (remote->fingerprints[0].sha256[0], ==, 0xfe);
  g_assert_cmpuint (remote->max_message_size, ==, RP_SDP_DEFAULT_MESSAGE_BYTES);
}

static void
test_max_message_size (void)
{
  static const struct {
    const char *value;
    guint32 expected;
  } rows[] = {{"0", G_MAXUINT32}, {"1", 1}, {"18446744073709551615", G_MAXUINT32}};
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *text = g_strdup_printf (
        MINIMAL_HEAD MINIMAL_TRANSPORT MINIMAL_DATA "a=max-message-size:%s\r\n", rows[i].value);
    g_autofree RpSdpRemote *remote = summary (text, RP_SDP_OFFER);
    g_assert_cmpuint (remote->max_message_size, ==, rows[i].expected);
    g_assert_false (remote->has_audio);
    g_assert_cmpint (remote->audio_direction, ==, RP_SDP_INACTIVE);
  }
}

static void
test_offer (void)
{
  g_autoptr (RpSdp) offer = rp_sdp_offer (&local);
  g_autofree char *text = rp_sdp_write (offer);
  g_autoptr (RpSdp) parsed = parse (text);
  g_autofree char *text2 = rp_sdp_write (parsed);
  g_assert_cmpstr (text2, ==, text);
  g_assert_nonnull (strstr (text, "a=group:BUNDLE 0 1\r\n"));
  g_assert_nonnull (strstr (text, "a=setup:actpass\r\n"));

  g_autofree RpSdpRemote *remote = summary (text, RP_SDP_OFFER);
  g_assert_true (remote->has_audio);
  g_assert_true (remote->has_data);
  g_assert_true (remote->opus_fec);
  g_assert_cmpuint (remote->audio_ssrc, ==, 4242);
  g_assert_cmpint (remote->audio_direction, ==, RP_SDP_SENDRECV);

  g_autoptr (RpSdp) ours = answer (text);
  check_answer (parsed, ours);
}

static void
test_many_candidates (void)
{
  g_autoptr (GString) text = g_string_new (MINIMAL_HEAD MINIMAL_TRANSPORT MINIMAL_AUDIO);
  for (guint i = 0; i < 100; i++)
    g_string_append_printf (text, "a=candidate:1 1 udp 1000 192.0.2.%u 1000 typ host\r\n", i + 1);
  g_autofree RpSdpRemote *remote = summary (text->str, RP_SDP_OFFER);
  g_assert_cmpuint (remote->n_candidates, ==, RP_CANDIDATE_MAX);
  g_assert_cmpuint (remote->n_skipped_candidates, ==, 100 - RP_CANDIDATE_MAX);
}

static void
test_ice_lite (void)
{
  g_autofree RpSdpRemote *remote =
      summary (MINIMAL_HEAD "a=ice-lite\r\n" MINIMAL_TRANSPORT MINIMAL_AUDIO, RP_SDP_OFFER);
  g_assert_true (remote->ice_lite);
}

static const struct {
  const char *name, *text;
  RpSdpError code;
  const char *message;
} malformed[] = {
    {"empty", "", RP_SDP_ERROR_INVALID, "SDP is empty"},
    {"not UTF-8", "v=0\r\ns=\xff\r\n", RP_SDP_ERROR_INVALID, "SDP is not UTF-8"},
    {"no version", "o=- 1 1 IN IP4 127.0.0.1\r\n", RP_SDP_ERROR_INVALID,
     "line 1: v=0 does not come first"},
    {"other version", "v=1\r\n", RP_SDP_ERROR_INVALID, "line 1: v= is not 0"},
    {"no origin", "v=0\r\ns=-\r\n" MINIMAL_AUDIO, RP_SDP_ERROR_INVALID, "SDP has no o="},
    {"short origin", "v=0\r\no=- 1 1\r\n", RP_SDP_ERROR_INVALID,
     "line 2: o= does not have six words"},
    {"no m-line", MINIMAL_HEAD, RP_SDP_ERROR_INVALID, "SDP has no m-line"},
    {"not a line", MINIMAL_HEAD "hello\r\n", RP_SDP_ERROR_INVALID,
     "line 5: not of the form x=value"},
    {"one letter", MINIMAL_HEAD "a\r\n", RP_SDP_ERROR_INVALID, "line 5: not of the form x=value"},
    {"control character", MINIMAL_HEAD "a=x\x01\r\n", RP_SDP_ERROR_INVALID,
     "line 5: has the control character 0x01"},
    {"JSON", "{\"sdp\":\"v=0\"}", RP_SDP_ERROR_INVALID, "line 1: not of the form x=value"},
    {"m= alone", MINIMAL_HEAD "m=audio\r\n", RP_SDP_ERROR_INVALID,
     "line 5: m= has fewer than four words"},
    {"m= no medium", MINIMAL_HEAD "m= 9 RTP/SAVPF 0\r\n", RP_SDP_ERROR_INVALID,
     "line 5: m= does not name a medium"},
    {"m= bad port", MINIMAL_HEAD "m=audio x RTP/SAVPF 0\r\n", RP_SDP_ERROR_INVALID,
     "line 5: m= has no port from 0 to 65535"},
    {"m= large port", MINIMAL_HEAD "m=audio 65536 RTP/SAVPF 0\r\n", RP_SDP_ERROR_INVALID,
     "line 5: m= has no port from 0 to 65535"},
    {"m= long protocol", MINIMAL_HEAD "m=audio 9 UDP/TLS/RTP/SAVPFUDP/TLS/RTP/SAVPF 0\r\n",
     RP_SDP_ERROR_INVALID, "line 5: m= has no protocol of at most 31 bytes"},
    {"m= payload type 128", MINIMAL_HEAD "m=audio 9 RTP/SAVPF 128\r\n", RP_SDP_ERROR_INVALID,
     "line 5: m= has a payload type that is not 0 to 127"},
    {"m= payload type twice", MINIMAL_HEAD "m=audio 9 RTP/SAVPF 0 8 0\r\n", RP_SDP_ERROR_INVALID,
     "line 5: m= names payload type 0 twice"},
    {"m= trailing space", MINIMAL_HEAD "m=audio 9 RTP/SAVPF 0 \r\n", RP_SDP_ERROR_INVALID,
     "line 5: m= has a payload type that is not 0 to 127"},
    {"rtpmap no number", MINIMAL_HEAD MINIMAL_AUDIO "a=rtpmap:x opus/48000/2\r\n",
     RP_SDP_ERROR_INVALID, "line 8: rtpmap has no payload type from 0 to 127"},
    {"rtpmap no clock", MINIMAL_HEAD MINIMAL_AUDIO "a=rtpmap:111 opus\r\n", RP_SDP_ERROR_INVALID,
     "line 8: rtpmap has no encoding name and clock rate"},
    {"rtpmap clock 0", MINIMAL_HEAD MINIMAL_AUDIO "a=rtpmap:111 opus/0\r\n", RP_SDP_ERROR_INVALID,
     "line 8: rtpmap has no clock rate"},
    {"rtpmap channels", MINIMAL_HEAD MINIMAL_AUDIO "a=rtpmap:111 opus/48000/256\r\n",
     RP_SDP_ERROR_INVALID, "line 8: rtpmap has a bad number of channels"},
    {"rtpmap long name",
     MINIMAL_HEAD MINIMAL_AUDIO "a=rtpmap:111 opusopusopusopusopusopusopusopus/48000/2\r\n",
     RP_SDP_ERROR_INVALID, "line 8: rtpmap is malformed"},
    {"fmtp", MINIMAL_HEAD MINIMAL_AUDIO "a=fmtp:111\r\n", RP_SDP_ERROR_INVALID,
     "line 8: fmtp has no payload type from 0 to 127"},
    {"mid twice", MINIMAL_HEAD MINIMAL_AUDIO "a=mid:0\r\n" MINIMAL_AUDIO "a=mid:0\r\n",
     RP_SDP_ERROR_INVALID, "line 12: mid \"0\" is used twice"},
    {"mid empty", MINIMAL_HEAD MINIMAL_AUDIO "a=mid:\r\n", RP_SDP_ERROR_INVALID,
     "line 8: mid is not a token of 1 to 63 bytes"},
    {"ufrag short", MINIMAL_HEAD "a=ice-ufrag:abc\r\n", RP_SDP_ERROR_INVALID,
     "line 5: ice-ufrag is not 4 to 256 ICE characters"},
    {"ufrag characters", MINIMAL_HEAD "a=ice-ufrag:ab:cd\r\n", RP_SDP_ERROR_INVALID,
     "line 5: ice-ufrag is not 4 to 256 ICE characters"},
    {"pwd short", MINIMAL_HEAD "a=ice-pwd:abcdefghijklmnopqrstu\r\n", RP_SDP_ERROR_INVALID,
     "line 5: ice-pwd is not 22 to 256 ICE characters"},
    {"fingerprint short", MINIMAL_HEAD "a=fingerprint:sha-256 01:23\r\n", RP_SDP_ERROR_INVALID,
     "line 5: sha-256 fingerprint is not 32 bytes in hex with colons"},
    {"fingerprint long", MINIMAL_HEAD "a=fingerprint:sha-256 " FP_A ":00\r\n", RP_SDP_ERROR_INVALID,
     "line 5: sha-256 fingerprint is not 32 bytes in hex with colons"},
    {"fingerprint no hex", MINIMAL_HEAD "a=fingerprint:sha-256 0g\r\n", RP_SDP_ERROR_INVALID,
     "line 5: sha-256 fingerprint is not 32 bytes in hex with colons"},
    {"setup", MINIMAL_HEAD "a=setup:holdconn\r\n", RP_SDP_ERROR_INVALID,
     "line 5: setup is not actpass, active or passive"},
    {"ssrc", MINIMAL_HEAD MINIMAL_AUDIO "a=ssrc:4294967296 cname:x\r\n", RP_SDP_ERROR_INVALID,
     "line 8: ssrc is not a number of 32 bits"},
    {"sctp-port", MINIMAL_HEAD MINIMAL_DATA "a=sctp-port:0\r\n", RP_SDP_ERROR_INVALID,
     "line 6: sctp-port is not 1 to 65535"},
    {"sctpmap", MINIMAL_HEAD MINIMAL_DATA "a=sctpmap:0 webrtc-datachannel 65535\r\n",
     RP_SDP_ERROR_INVALID, "line 6: sctpmap has no port from 1 to 65535"},
    {"max-message-size", MINIMAL_HEAD MINIMAL_DATA "a=max-message-size:-1\r\n",
     RP_SDP_ERROR_INVALID, "line 6: max-message-size is not a number"},
};

static void
test_malformed (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (malformed); i++) {
    g_autoptr (GError) error = NULL;
    g_test_message ("%s", malformed[i].name);
    g_assert_null (try_parse (malformed[i].text, strlen (malformed[i].text), &error));
    g_assert_error (error, RP_SDP_ERROR, (int) malformed[i].code);
    g_assert_cmpstr (error->message, ==, malformed[i].message);
  }
}

static const struct {
  const char *name, *text;
  RpSdpType type;
  RpSdpError code;
  const char *message;
} refused[] = {
    {"no BUNDLE",
     MINIMAL_HEAD MINIMAL_TRANSPORT MINIMAL_AUDIO "a=mid:0\r\n" MINIMAL_DATA "a=mid:1\r\n",
     RP_SDP_OFFER, RP_SDP_ERROR_UNSUPPORTED,
     "2 m-lines without a BUNDLE group: BUNDLE is required"},
    {"audio not bundled",
     MINIMAL_HEAD MINIMAL_TRANSPORT "a=group:BUNDLE 1\r\n" MINIMAL_AUDIO "a=mid:0\r\n" MINIMAL_DATA
                                    "a=mid:1\r\n",
     RP_SDP_OFFER, RP_SDP_ERROR_UNSUPPORTED,
     "audio m-line 0 is outside the BUNDLE group: BUNDLE is required"},
    {"no rtcp-mux",
     MINIMAL_HEAD MINIMAL_TRANSPORT
     "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n",
     RP_SDP_OFFER, RP_SDP_ERROR_UNSUPPORTED, "audio m-line 0 lacks rtcp-mux, which is required"},
    {"no opus", MINIMAL_HEAD MINIMAL_TRANSPORT "m=audio 9 UDP/TLS/RTP/SAVPF 0 8\r\na=rtcp-mux\r\n",
     RP_SDP_OFFER, RP_SDP_ERROR_UNSUPPORTED,
     "audio m-line 0 lacks opus/48000/2, the only codec taken"},
    {"mono opus",
     MINIMAL_HEAD MINIMAL_TRANSPORT "m=audio 9 UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\n"
                                    "a=rtpmap:96 opus/48000\r\n",
     RP_SDP_OFFER, RP_SDP_ERROR_UNSUPPORTED,
     "audio m-line 0 lacks opus/48000/2, the only codec taken"},
    {"plain RTP", MINIMAL_HEAD MINIMAL_TRANSPORT "m=audio 9 RTP/AVP 0\r\na=rtcp-mux\r\n",
     RP_SDP_OFFER, RP_SDP_ERROR_UNSUPPORTED,
     "audio m-line 0 has protocol RTP/AVP: DTLS-SRTP (UDP/TLS/RTP/SAVPF) is required"},
    {"no ICE", MINIMAL_HEAD "a=fingerprint:sha-256 " FP_A "\r\n" MINIMAL_AUDIO, RP_SDP_OFFER,
     RP_SDP_ERROR_UNSUPPORTED, "m-line 0 lacks ice-ufrag or ice-pwd: ICE is required"},
    {"no fingerprint",
     MINIMAL_HEAD "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\n" MINIMAL_AUDIO,
     RP_SDP_OFFER, RP_SDP_ERROR_UNSUPPORTED,
     "m-line 0 lacks a sha-256 fingerprint: DTLS is required"},
    {"sha-1 only",
     MINIMAL_HEAD "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-1 "
                  "00:11\r\n" MINIMAL_AUDIO,
     RP_SDP_OFFER, RP_SDP_ERROR_UNSUPPORTED,
     "m-line 0 lacks a sha-256 fingerprint: DTLS is required"},
    {"all stopped", MINIMAL_HEAD MINIMAL_TRANSPORT "m=audio 0 UDP/TLS/RTP/SAVPF 111\r\n",
     RP_SDP_OFFER, RP_SDP_ERROR_UNSUPPORTED,
     "neither a live audio m-line nor a data channel m-line"},
    {"video only",
     MINIMAL_HEAD MINIMAL_TRANSPORT
     "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n",
     RP_SDP_OFFER, RP_SDP_ERROR_UNSUPPORTED,
     "neither a live audio m-line nor a data channel m-line"},
    {"undecided answer", MINIMAL_HEAD MINIMAL_TRANSPORT MINIMAL_AUDIO, RP_SDP_ANSWER,
     RP_SDP_ERROR_INVALID, "the answer says setup:actpass instead of choosing a role"},
};

static void
test_refused (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_autoptr (GError) error = NULL;
    g_test_message ("%s", refused[i].name);
    g_autoptr (RpSdp) sdp = parse (refused[i].text);
    g_autofree RpSdpRemote *remote = g_new0 (RpSdpRemote, 1);
    g_assert_false (rp_sdp_remote_summary (sdp, refused[i].type, remote, &error));
    g_assert_error (error, RP_SDP_ERROR, (int) refused[i].code);
    g_assert_cmpstr (error->message, ==, refused[i].message);
    g_clear_error (&error);
    if (refused[i].type == RP_SDP_OFFER) {
      g_assert_null (rp_sdp_answer (sdp, &local, &error));
      g_assert_cmpstr (error->message, ==, refused[i].message);
    }
  }
}

static void
test_bounds (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) text = g_string_new (MINIMAL_HEAD);
  while (text->len <= RP_SDP_MAX_BYTES)
    g_string_append (text, "a=x\r\n");
  g_assert_null (try_parse (text->str, text->len, &error));
  g_assert_error (error, RP_SDP_ERROR, RP_SDP_ERROR_TOO_LARGE);
  g_clear_error (&error);

  g_autofree char *filler = g_strnfill (RP_SDP_MAX_LINE_BYTES - 1, 'x');
  g_string_printf (text, MINIMAL_HEAD "a=%s\r\n" MINIMAL_AUDIO, filler);
  g_assert_null (try_parse (text->str, text->len, &error));
  g_assert_error (error, RP_SDP_ERROR, RP_SDP_ERROR_TOO_LARGE);
  g_assert_cmpstr (error->message, ==, "line 5: longer than 4096 bytes");
  g_clear_error (&error);

  g_string_assign (text, MINIMAL_HEAD);
  for (guint i = 0; i < RP_SDP_MAX_MEDIA; i++)
    g_string_append (text, MINIMAL_AUDIO);
  g_autoptr (RpSdp) full = try_parse (text->str, text->len, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (full->media->len, ==, RP_SDP_MAX_MEDIA);
  g_assert_null (rp_sdp_media (full, RP_SDP_MAX_MEDIA));
  g_string_append (text, MINIMAL_AUDIO);
  g_assert_null (try_parse (text->str, text->len, &error));
  g_assert_error (error, RP_SDP_ERROR, RP_SDP_ERROR_TOO_LARGE);
  g_clear_error (&error);

  g_string_assign (text, MINIMAL_HEAD);
  for (guint i = 0; i <= RP_SDP_MAX_FINGERPRINTS; i++)
    g_string_append (text, "a=fingerprint:sha-256 " FP_A "\r\n");
  g_assert_null (try_parse (text->str, text->len, &error));
  g_assert_error (error, RP_SDP_ERROR, RP_SDP_ERROR_TOO_LARGE);
}

/* Every prefix is either refused or understood; a sanitizer watches the ends. */
static void
test_truncated (void)
{
  guint n_good = 0;
  for (gsize len = 0; len < strlen (firefox); len++) {
    g_autoptr (RpSdp) sdp = try_parse (firefox, len, NULL);
    n_good += sdp != NULL ? 1 : 0;
  }
  g_assert_cmpuint (n_good, >, 0);
}

static void
test_fragment (void)
{
  static const char bare[] =
      "a=ice-ufrag:EsAw\r\n"
      "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
      "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw\r\n"
      "a=end-of-candidates\r\n";
  static const char with_media[] =
      "a=ice-ufrag:EsAw\r\n"
      "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
      "a=mid:0\r\n"
      "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host\r\n"
      "a=end-of-candidates\r\n";
  static const char *const rows[] = {bare, with_media};
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (RpSdp) sdp = rp_sdp_parse_fragment (rows[i], strlen (rows[i]), &error);
    g_assert_no_error (error);
    g_assert_cmpuint (sdp->media->len, ==, 1);
    const RpSdpMedia *media = rp_sdp_media (sdp, 0);
    g_assert_cmpstr (media->ice_ufrag, ==, "EsAw");
    g_assert_cmpuint (media->n_candidates, ==, 1);
    g_assert_cmpstr (media->candidates[0].address, ==, "192.0.2.1");
    g_assert_true (media->end_of_candidates);
  }
  g_autoptr (GError) error = NULL;
  g_assert_null (rp_sdp_parse_fragment ("a=ice-ufrag:x\r\n", 15, &error));
  g_assert_error (error, RP_SDP_ERROR, RP_SDP_ERROR_INVALID);
}

static gboolean
summarise (const char *text, RpSdpFragment *out, GError **error)
{
  g_autofree char *copy = g_memdup2 (text, strlen (text));
  g_autoptr (RpSdp) sdp = rp_sdp_parse_fragment (copy, strlen (text), error);
  return sdp != NULL && rp_sdp_fragment_summary (sdp, out, error);
}

#define FRAGMENT_ICE "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
#define FRAGMENT_CANDIDATE(address) "a=candidate:1 1 udp 2122260223 " address " 61764 typ host"

static void
test_fragment_summary (void)
{
  static const struct {
    const char *text;
    const char *ufrag; /* NULL: refused */
    guint n_candidates;
    const char *candidate_ufrag;
    gboolean end;
  } rows[] = {
      /* RFC 9725 section 4.3.2: at the session level, and at that of the m-line */
      {FRAGMENT_ICE "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n" FRAGMENT_CANDIDATE (
           "192.0.2.1") "\r\na=end-of-candidates\r\n",
       "EsAw", 1, "EsAw", TRUE},
      {"a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n" FRAGMENT_ICE
           FRAGMENT_CANDIDATE ("192.0.2.1") "\r\n" FRAGMENT_CANDIDATE ("192.0.2.2") "\r\n",
       "EsAw", 2, "EsAw", FALSE},
      /* repeated on both m-lines; the second m-line of another transport */
      {FRAGMENT_ICE "m=audio 9 RTP/AVP 0\r\na=mid:0\r\n" FRAGMENT_CANDIDATE (
           "192.0.2.1") "\r\nm=video 9 RTP/AVP 0\r\na=mid:1\r\n" FRAGMENT_CANDIDATE ("192.0.2."
                                                                                     "1") "\r"
                                                                                          "\n",
       "EsAw", 1, "EsAw", FALSE},
      {"m=audio 9 RTP/AVP 0\r\n" FRAGMENT_ICE FRAGMENT_CANDIDATE (
           "192.0.2.1") "\r\nm=video 9 RTP/AVP 0\r\na=ice-ufrag:Other\r\na=ice-pwd:"
                        "P2uYro0UCOQ4zxjKXaWCBui2\r\n" FRAGMENT_CANDIDATE ("192.0.2.2") "\r\n",
       "EsAw", 1, "EsAw", FALSE},
      /* a candidate's own ufrag stays; without any credentials it is for whatever is there */
      {FRAGMENT_ICE FRAGMENT_CANDIDATE ("192.0.2.1") " ufrag Old1\r\n", "EsAw", 1, "Old1", FALSE},
      {FRAGMENT_CANDIDATE ("192.0.2.1") "\r\n", "", 1, "", FALSE},
      {"a=ice-ufrag:EsAw\r\n", NULL, 0, NULL, FALSE},
      {"a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n", NULL, 0, NULL, FALSE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    RpSdpFragment fragment;
    g_autoptr (GError) error = NULL;
    gboolean ok = summarise (rows[i].text, &fragment, &error);
    if (rows[i].ufrag == NULL) {
      g_assert_false (ok);
      g_assert_error (error, RP_SDP_ERROR, RP_SDP_ERROR_INVALID);
      continue;
    }
    g_assert_no_error (error);
    g_assert_cmpstr (fragment.ice_ufrag, ==, rows[i].ufrag);
    g_assert_cmpuint (strlen (fragment.ice_pwd) > 0, ==, strlen (rows[i].ufrag) > 0);
    g_assert_cmpuint (fragment.n_candidates, ==, rows[i].n_candidates);
    g_assert_cmpstr (fragment.candidates[0].ufrag, ==, rows[i].candidate_ufrag);
    g_assert_cmpint (fragment.end_of_candidates, ==, rows[i].end);
  }
}

/* What an answer says of ICE is what is read from its fragment. */
static void
test_fragment_of_answer (void)
{
  static const char *const offers[] = {chromium_pipecat, firefox, safari, aiortc, whip};
  for (gsize i = 0; i < G_N_ELEMENTS (offers); i++) {
    RpSdpFragment fragment;
    g_autoptr (GError) error = NULL;
    g_autoptr (RpSdp) ours = answer (offers[i]);
    g_autofree char *text = rp_sdp_write_fragment (ours);
    g_assert_true (summarise (text, &fragment, &error));
    g_assert_no_error (error);
    g_assert_cmpstr (fragment.ice_ufrag, ==, local.ice_ufrag);
    g_assert_cmpstr (fragment.ice_pwd, ==, local.ice_pwd);
    g_assert_true (fragment.end_of_candidates);
    g_assert_cmpuint (fragment.n_candidates, ==, G_N_ELEMENTS (local_candidates));
    for (guint k = 0; k < fragment.n_candidates; k++) {
      g_assert_cmpstr (fragment.candidates[k].address, ==, local_candidates[k].address);
      g_assert_cmpuint (fragment.candidates[k].port, ==, local_candidates[k].port);
      g_assert_cmpuint (fragment.candidates[k].priority, ==, local_candidates[k].priority);
    }
    /* Nothing else than what the RFC has in it. */
    g_assert_true (g_regex_match_simple (
        "^((a=(ice-|group:BUNDLE |mid:|candidate:|end-of-candidates)|m=)[^\r]*\r\n)+$", text,
        G_REGEX_DOLLAR_ENDONLY, 0));
  }
  g_autoptr (RpSdp) ours = answer (whip);
  g_autofree char *text = rp_sdp_write_fragment (ours);
  g_assert_nonnull (strstr (text, "a=group:BUNDLE audio0 video1\r\nm=audio 9 UDP/TLS/RTP/SAVPF "));
  g_assert_nonnull (strstr (text, "\r\na=mid:audio0\r\na=ice-ufrag:Loca\r\n"));
}

/* RFC 8842 section 5.5: a later offer says actpass, and the answer keeps to what was agreed. */
static void
test_role_is_kept (void)
{
  RpSdpLocal again = local;
  g_autoptr (RpSdp) offer = parse (chromium_pipecat);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GError) error = NULL;
    again.setup = i == 0 ? RP_SDP_SETUP_ACTIVE : RP_SDP_SETUP_PASSIVE;
    g_autoptr (RpSdp) ours = rp_sdp_answer (offer, &again, &error);
    g_assert_no_error (error);
    g_assert_cmpint (rp_sdp_transport (ours)->setup, ==, again.setup);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sdp/clients", test_clients);
  g_test_add_func ("/sdp/answers", test_answers);
  g_test_add_func ("/sdp/answer/pipecat", test_pipecat_answer);
  g_test_add_func ("/sdp/answer/aiortc", test_aiortc_answer);
  g_test_add_func ("/sdp/answer/whip", test_whip_answer);
  g_test_add_func ("/sdp/answer/shapes", test_shapes);
  g_test_add_func ("/sdp/answer/second-audio", test_second_audio_has_same_parameters);
  g_test_add_func ("/sdp/transport-is-of-the-tag", test_transport_is_of_the_tag);
  g_test_add_func ("/sdp/max-message-size", test_max_message_size);
  g_test_add_func ("/sdp/offer", test_offer);
  g_test_add_func ("/sdp/many-candidates", test_many_candidates);
  g_test_add_func ("/sdp/ice-lite", test_ice_lite);
  g_test_add_func ("/sdp/malformed", test_malformed);
  g_test_add_func ("/sdp/refused", test_refused);
  g_test_add_func ("/sdp/bounds", test_bounds);
  g_test_add_func ("/sdp/truncated", test_truncated);
  g_test_add_func ("/sdp/fragment", test_fragment);
  g_test_add_func ("/sdp/fragment/summary", test_fragment_summary);
  g_test_add_func ("/sdp/fragment/of-answer", test_fragment_of_answer);
  g_test_add_func ("/sdp/answer/role-is-kept", test_role_is_kept);
  return g_test_run ();
}
