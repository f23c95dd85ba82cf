/* Redundant audio (RFC 2198) in offers and answers. */
#include "sdp.h"

#include <string.h>

#define HEAD                                                                                   \
  "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-ufrag:abcd\r\n"                    \
  "a=ice-pwd:abcdefghijklmnopqrstuv\r\na=setup:actpass\r\na=fingerprint:sha-256 00:"           \
  "11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:" \
  "FF\r\n"
#define AUDIO "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
#define RED "a=rtpmap:63 red/48000/2\r\n"

static const RpSdpLocal local = {.session_id = 1,
                                 .session_version = 1,
                                 .ice_ufrag = "efgh",
                                 .ice_pwd = "abcdefghijklmnopqrstuv",
                                 .stream_id = "agent",
                                 .track_id = "audio",
                                 .cname = "c",
                                 .ssrc = 9,
                                 .offer_red = TRUE};

static const struct {
  const char *name, *codecs;
  guint8 payload_type;
} rows[] = {
    {"browser", AUDIO RED "a=fmtp:63 111/111\r\n", 63},
    {"two-copies", AUDIO RED "a=fmtp:63 111/111/111\r\n", 63},
    {"not-offered", AUDIO, 0},
    {"of-unknown-blocks", AUDIO RED, 0},
    {"of-another-codec", AUDIO RED "a=fmtp:63 111/0\r\n", 0},
    {"of-one-block", AUDIO RED "a=fmtp:63 111\r\n", 0},
    {"of-nonsense", AUDIO RED "a=fmtp:63 111/111x\r\n", 0},
    {"of-another-clock", AUDIO "a=rtpmap:63 red/8000\r\na=fmtp:63 111/111\r\n", 0},
    {"of-video", AUDIO "a=rtpmap:63 red/90000\r\na=fmtp:63 111/111\r\n", 0},
};

static void
test_row (gconstpointer data)
{
  const gsize i = GPOINTER_TO_SIZE (data);
  g_autofree char *text = g_strconcat (HEAD, rows[i].codecs, NULL);
  g_autofree RpSdpRemote *remote = g_new0 (RpSdpRemote, 1);
  g_autoptr (RpSdp) offer = rp_sdp_parse (text, strlen (text), NULL);
  g_assert_nonnull (offer);
  g_assert_true (rp_sdp_remote_summary (offer, RP_SDP_OFFER, remote, NULL));
  g_assert_cmpuint (remote->red_payload_type, ==, rows[i].payload_type);

  g_autoptr (RpSdp) answer = rp_sdp_answer (offer, &local, NULL);
  g_autofree char *said = rp_sdp_write (answer);
  gboolean taken = rows[i].payload_type != 0;
  g_assert_nonnull (strstr (said, taken ? "SAVPF 63 111\r\n" : "SAVPF 111\r\n"));
  g_assert_true ((strstr (said, "a=rtpmap:63 red/48000/2\r\n") != NULL) == taken);
  g_assert_true ((strstr (said, "a=fmtp:63 111/111\r\n") != NULL) == taken);
}

static void
test_own_offer (void)
{
  g_autofree RpSdpRemote *remote = g_new0 (RpSdpRemote, 1);
  g_autoptr (RpSdp) offer = rp_sdp_offer (&local);
  g_autoptr (RpSdp) answer = rp_sdp_answer (offer, &local, NULL);
  g_assert_true (rp_sdp_remote_summary (answer, RP_SDP_ANSWER, remote, NULL));
  g_assert_cmpuint (remote->red_payload_type, ==, 63);
  g_assert_cmpuint (remote->opus_payload_type, ==, 111);

  RpSdpLocal plain = local;
  plain.offer_red = FALSE;
  g_autoptr (RpSdp) without = rp_sdp_offer (&plain);
  g_assert_true (rp_sdp_remote_summary (without, RP_SDP_OFFER, remote, NULL));
  g_assert_cmpuint (remote->red_payload_type, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *path = g_strdup_printf ("/sdp-red/%s", rows[i].name);
    g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_row);
  }
  g_test_add_func ("/sdp-red/own-offer", test_own_offer);
  return g_test_run ();
}
