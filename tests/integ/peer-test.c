/* Two peers of ours against each other over loopback. */
#include "peer-pair.h"
#include "sctp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
test_connect (gconstpointer data)
{
  RpPairFlags flags = GPOINTER_TO_INT (data);
  g_autoptr (RpPair) pair = rp_pair_new ();
  RpPeerTimes times;

  rp_pair_connect (pair, flags);
  for (guint16 i = 0; i < 20; i++) {
    g_assert_true (rp_pair_send_rtp (&pair->a, i));
    g_assert_true (rp_pair_send_rtp (&pair->b, i));
  }
  g_assert_true (rp_pair_send_rtcp (&pair->a));
  g_assert_true (rp_pair_send_rtcp (&pair->b));
  rp_pair_wait_rtp (&pair->a, 20);
  rp_pair_wait_rtp (&pair->b, 20);
  g_assert_cmpuint (g_bytes_get_size (pair->b.last_rtp), ==, 52);
  const guint8 *packet = g_bytes_get_data (pair->b.last_rtp, NULL);
  g_assert_cmpuint (packet[3], ==, 19);
  g_assert_cmpuint (packet[12], ==, 0x5a);

  times = rp_pair_look (&pair->b).times;
  g_assert_cmpint (times.created_us, <=, times.remote_set_us);
  g_assert_cmpint (times.remote_set_us, <=, times.ice_ready_us);
  g_assert_cmpint (times.ice_ready_us, <=, times.dtls_done_us);
  g_test_message ("remote set to ICE %.1f ms, to DTLS %.1f ms",
                  (times.ice_ready_us - times.remote_set_us) / 1e3,
                  (times.dtls_done_us - times.remote_set_us) / 1e3);
}

static gboolean
has_rtcp (RpPairEnd *end, gpointer data)
{
  return end->n_rtcp >= GPOINTER_TO_UINT (data);
}

static void
test_rtcp (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  rp_pair_connect (pair, 0);
  g_assert_true (rp_pair_send_rtcp (&pair->a));
  rp_pair_wait (&pair->b, has_rtcp, GUINT_TO_POINTER (1), "RTCP");
  g_assert_cmpuint (g_bytes_get_size (pair->b.last_rtcp), ==, 8);
}

static gboolean
is_channel_closed (RpPairEnd *end, gpointer data)
{
  return end->n_closed >= GPOINTER_TO_UINT (data);
}

static void
send_and_check (RpPairEnd *from, RpPairEnd *to, guint16 stream, gboolean binary, gsize len)
{
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *data = g_malloc (len + 1);
  guint n = to->messages->len;

  for (gsize i = 0; i < len; i++)
    data[i] = (guint8) (i * 31 + len);
  g_assert_true (rp_pair_send (from, stream, binary, data, len, &error));
  g_assert_no_error (error);
  rp_pair_wait_messages (to, n + 1);
  const RpPairMessage *got = g_ptr_array_index (to->messages, n);
  g_assert_cmpuint (got->stream, ==, stream);
  g_assert_cmpint (got->binary, ==, binary);
  g_assert_cmpmem (g_bytes_get_data (got->data, NULL), g_bytes_get_size (got->data), data, len);
}

static void
test_channels (gconstpointer data)
{
  static const gsize sizes[] = {1, 0, 17, 1100, 1163, 1200, 60000, 65536};
  RpPairFlags flags = GPOINTER_TO_INT (data);
  g_autoptr (RpPair) pair = rp_pair_new ();
  g_autoptr (GError) error = NULL;

  rp_pair_connect (pair, flags);
  gint by_a = rp_pair_open (&pair->a, "chat", "rtvi");
  gint by_b = rp_pair_open (&pair->b, "events", "");
  rp_pair_wait_open (&pair->a, 2);
  rp_pair_wait_open (&pair->b, 2);
  g_assert_cmpint (by_a % 2, ==, flags & RP_PAIR_B_ACTIVE ? 1 : 0);
  g_assert_cmpint (by_a % 2, !=, by_b % 2);

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
    send_and_check (&pair->a, &pair->b, (guint16) by_a, FALSE, sizes[i]);
    send_and_check (&pair->b, &pair->a, (guint16) by_a, TRUE, sizes[i]);
    send_and_check (&pair->a, &pair->b, (guint16) by_b, TRUE, sizes[i]);
    send_and_check (&pair->b, &pair->a, (guint16) by_b, FALSE, sizes[i]);
  }
  g_autofree guint8 *large = g_malloc0 (65537);
  g_assert_false (rp_pair_send (&pair->a, (guint16) by_a, FALSE, large, 65537, &error));
  g_assert_error (error, RP_PEER_ERROR, RP_PEER_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (rp_pair_send (&pair->a, 200, FALSE, "x", 1, &error));
  g_assert_error (error, RP_PEER_ERROR, RP_PEER_ERROR_STATE);
  g_clear_error (&error);
  g_assert_false (rp_pair_send (&pair->a, 60000, FALSE, "x", 1, &error));
  g_assert_error (error, RP_PEER_ERROR, RP_PEER_ERROR_STATE);
}

static void
test_label (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  rp_pair_connect (pair, 0);
  rp_pair_open (&pair->a, "chät", "rtvi");
  rp_pair_wait_open (&pair->b, 1);
  g_assert_cmpstr (pair->b.open_label, ==, "chät");
  g_assert_cmpstr (pair->b.open_protocol, ==, "rtvi");
  rp_pair_wait_open (&pair->a, 1);
  g_assert_cmpstr (pair->a.open_label, ==, "chät");
  g_assert_cmpstr (pair->a.open_protocol, ==, "rtvi");
}

/* A channel closed by either end is closed at both, and its stream can be used again. */
static void
test_close_channel (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  g_autoptr (GError) error = NULL;

  rp_pair_connect (pair, 0);
  for (guint round = 1; round <= 3; round++) {
    gint stream = rp_pair_open (&pair->a, "x", "");
    rp_pair_wait_open (&pair->b, round);
    send_and_check (&pair->a, &pair->b, (guint16) stream, FALSE, 100);
    rp_pair_close_channel (round % 2 ? &pair->a : &pair->b, (guint16) stream);
    rp_pair_wait (&pair->a, is_channel_closed, GUINT_TO_POINTER (round), "close");
    rp_pair_wait (&pair->b, is_channel_closed, GUINT_TO_POINTER (round), "close");
    g_assert_false (rp_pair_send (&pair->a, (guint16) stream, FALSE, "x", 1, &error));
    g_assert_error (error, RP_PEER_ERROR, RP_PEER_ERROR_STATE);
    g_clear_error (&error);
  }
}

/* Sends without pause until the queue refuses; everything accepted arrives, in order. */
static void
test_back_pressure (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  g_autofree guint8 *data = g_malloc0 (60000);
  guint accepted = 0;
  gboolean full = FALSE;

  rp_pair_connect (pair, 0);
  guint16 stream = (guint16) rp_pair_open (&pair->a, "x", "");
  while (!full && accepted < 10000) {
    g_autoptr (GError) error = NULL;
    memcpy (data, &accepted, sizeof accepted);
    if (rp_pair_send (&pair->a, stream, TRUE, data, 60000, &error)) {
      accepted++;
    } else {
      g_assert_error (error, RP_PEER_ERROR, RP_PEER_ERROR_FULL);
      full = TRUE;
    }
  }
  g_assert_true (full);
  rp_pair_wait_messages (&pair->b, accepted);
  for (guint i = 0; i < accepted; i++) {
    const RpPairMessage *got = g_ptr_array_index (pair->b.messages, i);
    g_assert_cmpuint (g_bytes_get_size (got->data), ==, 60000);
    g_assert_cmpmem (g_bytes_get_data (got->data, NULL), sizeof i, &i, sizeof i);
  }
  g_test_message ("%u messages of 60 kB accepted before the queue was full", accepted);
}

static void
test_hang_up (gconstpointer data)
{
  gboolean by_a = GPOINTER_TO_INT (data);
  g_autoptr (RpPair) pair = rp_pair_new ();
  RpPairEnd *closer = by_a ? &pair->a : &pair->b;
  RpPairEnd *other = by_a ? &pair->b : &pair->a;

  rp_pair_connect (pair, 0);
  rp_pair_close (closer);
  g_assert_cmpint (rp_pair_look (closer).state, ==, RP_PEER_STATE_CLOSED);
  g_assert_cmpstr (rp_peer_reason (closer->peer), ==, "test");
  g_assert_false (rp_pair_send_rtp (closer, 1));
  rp_pair_wait_state (other, RP_PEER_STATE_CLOSED);
  g_assert_cmpstr (other->reason, ==, "the peer hung up");
  g_assert_cmpuint (closer->states & (1u << RP_PEER_STATE_CLOSED), ==, 0);
}

/* The other end sees a peer that is freed go, too; and an event handler may free. */
static void
test_free_in_event (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();

  rp_pair_connect (pair, 0);
  guint16 stream = (guint16) rp_pair_open (&pair->a, "x", "");
  rp_pair_wait_open (&pair->b, 1);
  pair->b.free_on_message = TRUE;
  pair->a.free_on_state = TRUE;
  for (guint i = 0; i < 5; i++)
    rp_pair_send (&pair->a, stream, FALSE, "bye", 3, NULL);
  rp_pair_wait_state (&pair->a, RP_PEER_STATE_CLOSED);
  g_assert_cmpuint (pair->b.messages->len, ==, 1);
}

static void
test_wrong_fingerprint (gconstpointer data)
{
  g_autoptr (RpPair) pair = rp_pair_new ();

  rp_pair_exchange (pair, RP_PAIR_WRONG_FINGERPRINT | GPOINTER_TO_INT (data));
  rp_pair_wait_state (&pair->b, RP_PEER_STATE_FAILED);
  g_assert_cmpstr (pair->b.reason, ==,
                   "DTLS certificate does not match the fingerprint in the peer's SDP");
  g_assert_cmpuint (pair->b.states & (1u << RP_PEER_STATE_CONNECTED), ==, 0);
  rp_pair_wait_state (&pair->a, RP_PEER_STATE_FAILED); /* told by an alert */
  g_test_message ("the other end: %s", pair->a.reason);
}

static void
test_no_leak (void)
{
  guint before = 0;
  for (guint round = 0; round < 10; round++) {
    RpPair *pairs[5];
    for (guint i = 0; i < G_N_ELEMENTS (pairs); i++) {
      pairs[i] = rp_pair_new ();
      if (i % 2)
        rp_pair_connect (pairs[i], 0);
    }
    for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
      rp_pair_free (pairs[i]);
    if (round == 0)
      before = rp_pair_count_fds (); /* what the libraries open once is open now */
  }
  g_assert_cmpuint (rp_pair_count_fds (), ==, before);
}

static void
raw_udp (const RpPairEnd *end, GRand *rand)
{
  const RpCandidate *candidate = &rp_peer_local (end->peer)->candidates[0];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = g_htons (candidate->port)};
  guint8 data[1500];
  gint fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (inet_pton (AF_INET, candidate->address, &address.sin_addr), ==, 1);
  for (guint i = 0; i < 200; i++) {
    gsize len = (gsize) g_rand_int_range (rand, 0, sizeof data);
    for (gsize j = 0; j < len; j++)
      data[j] = (guint8) g_rand_int (rand);
    if (len > 20 && i % 3 == 0)
      memcpy (data, "\x00\x01\x00\x08\x21\x12\xa4\x42", 8); /* almost a STUN request */
    sendto (fd, data, len, 0, (struct sockaddr *) &address, sizeof address);
  }
  close (fd);
}

static void
ignore_tick (gint64 now_us, gpointer data)
{
}

/* As many calls as make the loop wait for its ticks. */
static void
add_tickers (gpointer data)
{
  RpPairEnd *end = data;
  for (guint i = 0; i < RP_LOOP_EAGER_MAX; i++)
    rp_loop_add_ticker (end->loop, ignore_tick, NULL);
}

/* A datagram without a byte is something to read, but libnice takes it for the end of what there
 * is, as it came. What is behind a crowd of them has to come through all the same. */
static void
test_empty_datagrams (gconstpointer data)
{
  enum { N = 200, MAX_TICKS = 50 };
  gboolean with_junk = GPOINTER_TO_INT (data);
  g_autoptr (RpPair) pair = rp_pair_new ();
  struct sockaddr_in address = {.sin_family = AF_INET};
  RpLoopStats before;
  RpPeerCounters counters;

  rp_loop_call_sync (pair->b.loop, add_tickers, &pair->b);
  rp_pair_connect (pair, 0);
  const RpCandidate *candidate = &rp_peer_local (pair->b.peer)->candidates[0];
  address.sin_port = g_htons (candidate->port);
  g_assert_cmpint (inet_pton (AF_INET, candidate->address, &address.sin_addr), ==, 1);
  gint fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  for (guint i = 0; i < N; i++)
    sendto (fd, "x", with_junk && i % 2, 0, (struct sockaddr *) &address, sizeof address);
  close (fd);
  rp_loop_stats (pair->b.loop, &before);
  g_assert_true (rp_pair_send_rtp (&pair->a, 1));
  rp_pair_wait_rtp (&pair->b, 1);
  g_assert_cmpuint (pair->b.last_rtp_ticks - before.ticks, <, MAX_TICKS);
  /* And what comes from elsewhere than the other end goes no further. */
  rp_pair_counters (&pair->b, &counters);
  g_assert_cmpuint (counters.unknown_class, ==, 0);
}

/* Datagrams of each protocol's class, as if ICE had let them through. */
static void
inject (RpPairEnd *end, GRand *rand, gboolean forge_records)
{
  static const guint8 classes[] = {0,  3,  16,  20,  21,  22,  23,  24, 40,
                                   63, 64, 100, 128, 144, 191, 192, 255};
  for (guint i = 0; i < 400; i++) {
    gsize len = (gsize) (i % 4 ? g_rand_int_range (rand, 0, 80) : g_rand_int_range (rand, 0, 1500));
    g_autofree guint8 *data = g_malloc (MAX (len, 1));
    for (gsize j = 0; j < len; j++)
      data[j] = (guint8) g_rand_int (rand);
    if (len > 0)
      data[0] = classes[i % G_N_ELEMENTS (classes)];
    if (len > 1 && data[0] >= 128 && data[0] <= 191 && i % 2)
      data[1] = (guint8) g_rand_int_range (rand, 192, 224); /* RTCP */
    if (forge_records && len > 13 && data[0] >= 20 && data[0] <= 63) {
      /* A whole record of an epoch that has keys. */
      data[1] = 0xfe;
      data[2] = 0xfd;
      data[3] = 0;
      data[4] = 1;
      data[11] = (guint8) ((len - 13) >> 8);
      data[12] = (guint8) (len - 13);
    }
    rp_pair_input (end, data, len);
  }
}

/* Garbage at every stage leaves the peers alive, and connected in the end. */
static void
test_garbage (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  RpPeerCounters counters;

  raw_udp (&pair->a, rand);
  raw_udp (&pair->b, rand);
  inject (&pair->a, rand, FALSE);
  inject (&pair->b, rand, FALSE);
  rp_pair_exchange (pair, 0);
  for (guint i = 0; i < 3; i++) { /* while the handshake runs */
    inject (&pair->a, rand, FALSE);
    inject (&pair->b, rand, FALSE);
  }
  rp_pair_wait_state (&pair->a, RP_PEER_STATE_CONNECTED);
  rp_pair_wait_state (&pair->b, RP_PEER_STATE_CONNECTED);
  raw_udp (&pair->a, rand);
  inject (&pair->a, rand, TRUE);
  inject (&pair->b, rand, TRUE);
  guint16 stream = (guint16) rp_pair_open (&pair->a, "x", "");
  rp_pair_wait_open (&pair->b, 1);
  inject (&pair->a, rand, TRUE);
  inject (&pair->b, rand, TRUE);
  send_and_check (&pair->a, &pair->b, stream, FALSE, 5000);
  g_assert_true (rp_pair_send_rtp (&pair->a, 1));
  rp_pair_wait_rtp (&pair->b, 1);

  rp_pair_counters (&pair->b, &counters);
  g_assert_cmpuint (counters.srtp.auth_fail, >, 0);
  g_assert_cmpuint (counters.unknown_class, >, 0);
  g_assert_cmpuint (counters.dtls.dropped, >, 0);
  g_assert_cmpuint (counters.too_early, >, 0);
  rp_pair_close (&pair->a);
  inject (&pair->a, rand, TRUE);
  rp_pair_wait_state (&pair->b, RP_PEER_STATE_CLOSED);
  inject (&pair->b, rand, TRUE);
}

/* Plausible records of a handshake in the clear may end it, but nothing worse. */
static void
test_forged_handshake (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (11);
  for (guint round = 0; round < 10; round++) {
    g_autoptr (RpPair) pair = rp_pair_new ();
    rp_pair_exchange (pair, RP_PAIR_NO_SCTP);
    for (guint i = 0; i < 50; i++) {
      guint8 data[100] = {22, 0xfe, 0xfd};
      for (gsize j = 13; j < sizeof data; j++)
        data[j] = (guint8) g_rand_int (rand);
      data[10] = (guint8) i;
      data[12] = sizeof data - 13;
      data[13] = (guint8) g_rand_int_range (rand, 0, 21);
      rp_pair_input (i % 2 ? &pair->a : &pair->b, data, sizeof data);
    }
  }
}

static void
set_bad_remotes (gpointer data)
{
  RpPairEnd *end = data;
  RpSdpFingerprint fingerprint = {{0}};
  RpPeerRemote good = {.ufrag = "abcd",
                       .pwd = "0123456789012345678901",
                       .fingerprints = &fingerprint,
                       .n_fingerprints = 1,
                       .local_setup = RP_SDP_SETUP_ACTIVE};
  for (guint i = 0; i < 4; i++) {
    g_autoptr (GError) error = NULL;
    RpPeerRemote bad = good;
    if (i == 0)
      bad.ufrag = "abc";
    else if (i == 1)
      bad.pwd = "short";
    else if (i == 2)
      bad.n_fingerprints = 0;
    else
      bad.local_setup = RP_SDP_SETUP_ACTPASS;
    g_assert_false (rp_peer_set_remote (end->peer, &bad, &error));
    g_assert_error (error, RP_PEER_ERROR, RP_PEER_ERROR_INVALID);
    g_assert_cmpint (rp_pair_look (end).state, ==, RP_PEER_STATE_NEW);
  }
  RpCandidate candidate = {
      .foundation = "1", .component = 1, .priority = 1, .address = "127.0.0.1"};
  g_assert_false (rp_peer_add_remote_candidate (end->peer, &candidate)); /* port 0 */
  candidate.port = 9;
  candidate.component = 2;
  g_assert_false (rp_peer_add_remote_candidate (end->peer, &candidate));
  candidate.component = 1;
  for (guint i = 0; i < 40; i++)
    g_assert_cmpint (rp_peer_add_remote_candidate (end->peer, &candidate), ==,
                     i < RP_CANDIDATE_MAX);
  g_autoptr (GError) error = NULL;
  g_assert_true (rp_peer_set_remote (end->peer, &good, &error));
  g_assert_no_error (error);
  g_assert_false (rp_peer_set_remote (end->peer, &good, &error));
  g_assert_error (error, RP_PEER_ERROR, RP_PEER_ERROR_STATE);
  g_clear_error (&error);
  g_assert_cmpint (rp_peer_open_channel (end->peer, "x", "", &error), ==, -1);
  g_assert_error (error, RP_PEER_ERROR, RP_PEER_ERROR_STATE);
  /* Time is a parameter: nobody answers. */
  rp_peer_tick (end->peer, rp_loop_now_us () + RP_PEER_CONNECT_TIMEOUT_US + 1);
  g_assert_cmpint (rp_pair_look (end).state, ==, RP_PEER_STATE_FAILED);
  g_assert_cmpstr (rp_peer_reason (end->peer), ==,
                   "ICE: no connectivity check succeeded within 30 s");
}

static void
test_arguments (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  rp_loop_call_sync (pair->a.loop, set_bad_remotes, &pair->a);
}

static void
make_bad_peers (gpointer data)
{
  static const char *const not_ours[] = {"192.0.2.1", NULL};
  static const char *const no_address[] = {"localhost", NULL};
  static const char *const loopback[] = {"127.0.0.1", NULL};
  RpPairEnd *end = data;
  RpPeerEvents events = {0};
  RpPeerConfig config = {.certificate = end->certificate, .local_addresses = not_ours};
  g_autoptr (GError) error = NULL;

  g_assert_null (rp_peer_new (end->loop, &config, &events, NULL, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  config.local_addresses = no_address;
  g_assert_null (rp_peer_new (end->loop, &config, &events, NULL, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  /* One port for two: the second has none. */
  config.local_addresses = loopback;
  config.port_min = config.port_max = rp_peer_local (end->peer)->candidates[0].port;
  g_assert_null (rp_peer_new (end->loop, &config, &events, NULL, &error));
  g_assert_nonnull (error);
  /* The defaults find something on any machine. */
  g_clear_error (&error);
  config = (RpPeerConfig){.certificate = end->certificate, .with_loopback = TRUE};
  RpPeer *peer = rp_peer_new (end->loop, &config, &events, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (rp_peer_local (peer)->n_candidates, >=, 1);
  rp_peer_free (peer);
}

static void
test_addresses (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  rp_loop_call_sync (pair->a.loop, make_bad_peers, &pair->a);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/peer/connect/candidates", GINT_TO_POINTER (0), test_connect);
  g_test_add_data_func ("/peer/connect/peer-reflexive", GINT_TO_POINTER (RP_PAIR_A_NO_CANDIDATES),
                        test_connect);
  g_test_add_data_func ("/peer/connect/trickled", GINT_TO_POINTER (RP_PAIR_B_LATE_CANDIDATES),
                        test_connect);
  g_test_add_data_func ("/peer/connect/answerer-active", GINT_TO_POINTER (RP_PAIR_B_ACTIVE),
                        test_connect);
  g_test_add_data_func ("/peer/connect/without-sctp", GINT_TO_POINTER (RP_PAIR_NO_SCTP),
                        test_connect);
  g_test_add_func ("/peer/rtcp", test_rtcp);
  g_test_add_data_func ("/peer/channels/offerer-client", GINT_TO_POINTER (0), test_channels);
  g_test_add_data_func ("/peer/channels/answerer-client", GINT_TO_POINTER (RP_PAIR_B_ACTIVE),
                        test_channels);
  g_test_add_func ("/peer/channels/label", test_label);
  g_test_add_func ("/peer/channels/close", test_close_channel);
  g_test_add_func ("/peer/channels/back-pressure", test_back_pressure);
  g_test_add_data_func ("/peer/hang-up/offerer", GINT_TO_POINTER (1), test_hang_up);
  g_test_add_data_func ("/peer/hang-up/answerer", GINT_TO_POINTER (0), test_hang_up);
  g_test_add_func ("/peer/free-in-event", test_free_in_event);
  g_test_add_data_func ("/peer/wrong-fingerprint/client", GINT_TO_POINTER (RP_PAIR_B_ACTIVE),
                        test_wrong_fingerprint);
  g_test_add_data_func ("/peer/wrong-fingerprint/server", GINT_TO_POINTER (0),
                        test_wrong_fingerprint);
  g_test_add_func ("/peer/no-leak", test_no_leak);
  g_test_add_func ("/peer/garbage", test_garbage);
  g_test_add_data_func ("/peer/empty-datagrams/alone", GINT_TO_POINTER (FALSE),
                        test_empty_datagrams);
  g_test_add_data_func ("/peer/empty-datagrams/between-junk", GINT_TO_POINTER (TRUE),
                        test_empty_datagrams);
  g_test_add_func ("/peer/forged-handshake", test_forged_handshake);
  g_test_add_func ("/peer/arguments", test_arguments);
  g_test_add_func ("/peer/addresses", test_addresses);
  int status = g_test_run ();
  if (!rp_sctp_shutdown ())
    g_printerr ("SCTP did not end\n");
  return status;
}
