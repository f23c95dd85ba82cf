/* ICE restarts of two peers of ours over loopback. */
#include "peer-pair.h"
#include "sctp.h"

#include <string.h>

/* Connected with a channel, and packets under way. Returns: the channel's stream */
static guint16
connect_and_flow (RpPair *pair)
{
  rp_pair_connect (pair, 0);
  guint16 stream = (guint16) rp_pair_open (&pair->a, "chat", "");
  rp_pair_wait_open (&pair->b, 1);
  rp_pair_flow (pair, TRUE);
  rp_pair_wait_rtp (&pair->a, 5);
  rp_pair_wait_rtp (&pair->b, 5);
  return stream;
}

/* Another ten packets each way. */
static void
more_packets (RpPair *pair)
{
  rp_pair_wait_rtp (&pair->a, rp_pair_look (&pair->a).n_rtp + 10);
  rp_pair_wait_rtp (&pair->b, rp_pair_look (&pair->b).n_rtp + 10);
}

static void
check_alive (RpPair *pair, guint16 stream)
{
  guint n_a = pair->a.messages->len;
  guint n_b = pair->b.messages->len;
  g_assert_true (rp_pair_send (&pair->a, stream, FALSE, "still", 5, NULL));
  g_assert_true (rp_pair_send (&pair->b, stream, FALSE, "there", 5, NULL));
  rp_pair_wait_messages (&pair->a, n_a + 1);
  rp_pair_wait_messages (&pair->b, n_b + 1);
  g_assert_cmpint (rp_pair_look (&pair->a).state, ==, RP_PEER_STATE_CONNECTED);
  g_assert_cmpint (rp_pair_look (&pair->b).state, ==, RP_PEER_STATE_CONNECTED);
  /* No second handshake. */
  g_assert_cmpuint (pair->a.n_open + pair->b.n_open, ==, 2);
}

/* Not one packet was lost, nor sent twice. */
static void
check_all_arrived (RpPair *pair)
{
  rp_pair_flow (pair, FALSE);
  rp_pair_wait_rtp (&pair->a, rp_pair_look (&pair->b).n_flowed);
  rp_pair_wait_rtp (&pair->b, rp_pair_look (&pair->a).n_flowed);
  g_assert_cmpuint (rp_pair_look (&pair->a).n_rtp, ==, rp_pair_look (&pair->b).n_flowed);
  g_assert_cmpuint (rp_pair_look (&pair->b).n_rtp, ==, rp_pair_look (&pair->a).n_flowed);
  g_test_message ("of %u packets each way all came, at most %.1f and %.1f ms apart",
                  rp_pair_look (&pair->a).n_flowed,
                  (double) rp_pair_look (&pair->a).max_gap_us / 1e3,
                  (double) rp_pair_look (&pair->b).max_gap_us / 1e3);
}

static void
test_alive (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  guint16 stream = connect_and_flow (pair);
  g_autofree char *ufrag = g_strdup (rp_peer_local (pair->b.peer)->ufrag);
  g_autofree char *pwd = g_strdup (rp_peer_local (pair->b.peer)->pwd);

  for (guint i = 1; i <= 3; i++) {
    rp_pair_restart (pair);
    rp_pair_wait_switches (&pair->a, i);
    rp_pair_wait_switches (&pair->b, i);
    more_packets (pair);
    check_alive (pair, stream);
  }
  g_assert_cmpstr (rp_peer_local (pair->b.peer)->ufrag, !=, ufrag);
  g_assert_cmpstr (rp_peer_local (pair->b.peer)->pwd, !=, pwd);
  check_all_arrived (pair);
}

/* The offerer does not hear of the answer: the path of before goes on, and so it does while another
 * restart is made that comes through. */
static void
test_answer_lost (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  guint16 stream = connect_and_flow (pair);

  rp_pair_begin_restart (&pair->a);
  rp_pair_answer_restart (&pair->b, &pair->a);
  more_packets (pair);
  check_alive (pair, stream);
  g_assert_cmpuint (pair->b.n_switches, ==, 0);
  rp_pair_restart (pair);
  rp_pair_wait_switches (&pair->a, 1);
  rp_pair_wait_switches (&pair->b, 1);
  more_packets (pair);
  check_alive (pair, stream);
  check_all_arrived (pair);
}

/* The client is somewhere else, nobody hears the other, and a message waits. */
static void
test_moved (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  guint16 stream = connect_and_flow (pair);

  rp_pair_move (&pair->a, "127.0.0.2");
  guint n_a = rp_pair_look (&pair->a).n_rtp;
  guint n_b = rp_pair_look (&pair->b).n_rtp;
  g_assert_true (rp_pair_send (&pair->b, stream, FALSE, "waits", 5, NULL));
  g_assert_cmpuint (pair->a.messages->len, ==, 0);
  rp_pair_answer_restart (&pair->b, &pair->a);
  rp_pair_finish_restart (&pair->a, &pair->b);
  rp_pair_wait_switches (&pair->b, 1);
  rp_pair_wait_rtp (&pair->a, n_a + 10);
  rp_pair_wait_rtp (&pair->b, n_b + 10);
  rp_pair_wait_messages (&pair->a, 1);
  check_alive (pair, stream);
  g_autofree char *address = rp_peer_remote_address (pair->b.peer);
  g_assert_true (g_str_has_prefix (address, "127.0.0.2:"));
  g_test_message ("packets came again after %.1f and %.1f ms",
                  (double) rp_pair_look (&pair->a).max_gap_us / 1e3,
                  (double) rp_pair_look (&pair->b).max_gap_us / 1e3);
}

static void
test_while_checking (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  rp_pair_exchange (pair, RP_PAIR_NO_CANDIDATES);
  rp_pair_wait_state (&pair->a, RP_PEER_STATE_CHECKING);
  rp_pair_wait_state (&pair->b, RP_PEER_STATE_CHECKING);
  rp_pair_restart (pair);
  rp_pair_wait_state (&pair->a, RP_PEER_STATE_CONNECTED);
  rp_pair_wait_state (&pair->b, RP_PEER_STATE_CONNECTED);
  guint16 stream = (guint16) rp_pair_open (&pair->a, "chat", "");
  rp_pair_wait_open (&pair->b, 1);
  rp_pair_wait_open (&pair->a, 1);
  check_alive (pair, stream);
}

/* Restarts upon the first connection's own checks, at any moment of them. */
static void
test_while_connecting (void)
{
  for (guint i = 0; i < 20; i++) {
    g_autoptr (RpPair) pair = rp_pair_new ();
    rp_pair_exchange (pair, 0);
    if (i % 4 != 0) /* a moment that differs */
      g_usleep (i * 500);
    rp_pair_restart (pair);
    rp_pair_wait_state (&pair->a, RP_PEER_STATE_CONNECTED);
    rp_pair_wait_state (&pair->b, RP_PEER_STATE_CONNECTED);
    rp_pair_wait_switches (&pair->b, 1);
    g_assert_true (rp_pair_send_rtp (&pair->b, 1));
    rp_pair_wait_rtp (&pair->a, 1);
  }
}

static void
tick_later (gpointer data)
{
  RpPairEnd *end = data;
  gint64 now_us = rp_loop_now_us ();
  rp_peer_tick (end->peer, now_us + 60 * G_USEC_PER_SEC);
  rp_peer_tick (end->peer, now_us + 120 * G_USEC_PER_SEC);
}

/* One after the other without waiting: some get their pair and some do not, on one side first or on
 * the other. No packet is lost, and both end with the last one. */
static void
test_storm (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  guint16 stream = connect_and_flow (pair);
  guint fds = rp_pair_count_fds ();

  for (guint i = 0; i < 50; i++) {
    rp_pair_begin_restart (&pair->a);
    rp_pair_answer_restart (&pair->b, &pair->a);
    if (i % 3 == 0)
      rp_pair_finish_restart (&pair->a, &pair->b);
  }
  rp_pair_restart (pair);
  rp_pair_wait_restarted (&pair->a);
  rp_pair_wait_restarted (&pair->b);
  more_packets (pair);
  check_alive (pair, stream);
  check_all_arrived (pair);
  rp_loop_call_sync (pair->a.loop, tick_later, &pair->a);
  rp_loop_call_sync (pair->b.loop, tick_later, &pair->b);
  g_assert_cmpuint (rp_pair_count_fds (), ==, fds);
}

/* A restart that is not known of elsewhere. */
static void
restart_for_nobody (gpointer data)
{
  RpPairEnd *end = data;
  const RpPeerIceRemote nobody = {.ufrag = "gone", .pwd = "0123456789012345678901"};
  g_autoptr (GError) error = NULL;
  g_assert_true (rp_peer_restart_ice (end->peer, &nobody, &error));
  g_assert_no_error (error);
}

/* The offerer has a pair of a restart, sends over it, and the answerer has none when it is asked
 * for other ones, of which nothing comes. */
static void
test_overtaken_heard (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  guint16 stream = connect_and_flow (pair);

  rp_pair_begin_restart (&pair->a);
  rp_pair_answer_deaf (&pair->b, &pair->a);
  rp_pair_finish_restart (&pair->a, &pair->b);
  rp_pair_wait_switches (&pair->a, 1);
  for (guint i = 0; i < 5; i++)
    rp_loop_call_sync (pair->b.loop, restart_for_nobody, &pair->b);
  more_packets (pair);
  g_assert_cmpuint (pair->b.n_switches, ==, 0);
  rp_pair_restart (pair);
  rp_pair_wait_switches (&pair->a, 2);
  rp_pair_wait_switches (&pair->b, 1);
  more_packets (pair);
  check_alive (pair, stream);
  check_all_arrived (pair);
}

/* The answerer was asked for other restarts, of which nothing comes, when the offerer hears of the
 * answer to the first one. */
static void
test_overtaken_at_answerer (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  guint16 stream = connect_and_flow (pair);

  rp_pair_begin_restart (&pair->a);
  rp_pair_answer_restart (&pair->b, &pair->a);
  g_autoptr (RpPairAnswer) answer = rp_pair_keep_answer (&pair->b);
  for (guint i = 0; i < 3; i++)
    rp_loop_call_sync (pair->b.loop, restart_for_nobody, &pair->b);
  rp_pair_take_answer (&pair->a, answer, FALSE);
  rp_pair_wait_switches (&pair->a, 1);
  rp_pair_wait_switches (&pair->b, 1);
  more_packets (pair);
  rp_loop_call_sync (pair->a.loop, tick_later, &pair->a); /* what it had before is gone */
  rp_loop_call_sync (pair->b.loop, tick_later, &pair->b);
  more_packets (pair);
  check_alive (pair, stream);
  check_all_arrived (pair);
}

/* The offerer begins another one in the breath in which it hears of the answer. */
static void
test_overtaken_at_offerer (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  guint16 stream = connect_and_flow (pair);

  rp_pair_begin_restart (&pair->a);
  rp_pair_answer_restart (&pair->b, &pair->a);
  g_autoptr (RpPairAnswer) answer = rp_pair_keep_answer (&pair->b);
  rp_pair_take_answer (&pair->a, answer, TRUE);
  rp_pair_wait_switches (&pair->b, 1);
  rp_pair_wait_switches (&pair->a, 1);
  more_packets (pair);
  rp_loop_call_sync (pair->a.loop, tick_later, &pair->a);
  rp_loop_call_sync (pair->b.loop, tick_later, &pair->b);
  more_packets (pair);
  rp_pair_answer_restart (&pair->b, &pair->a);
  rp_pair_finish_restart (&pair->a, &pair->b);
  rp_pair_wait_switches (&pair->a, 2);
  rp_pair_wait_switches (&pair->b, 2);
  more_packets (pair);
  check_alive (pair, stream);
  check_all_arrived (pair);
}

/* The call goes on over the path of before, for however long, and the next restart is as good as
 * any. */
static void
test_never_gets_a_pair (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  guint16 stream = connect_and_flow (pair);
  RpPeerCounters counters;

  rp_pair_begin_restart (&pair->a);
  rp_pair_answer_deaf (&pair->b, &pair->a);
  rp_pair_finish_deaf (&pair->a, &pair->b);
  more_packets (pair);
  rp_loop_call_sync (pair->a.loop, tick_later, &pair->a);
  rp_loop_call_sync (pair->b.loop, tick_later, &pair->b);
  more_packets (pair);
  check_alive (pair, stream);
  rp_pair_counters (&pair->b, &counters);
  g_assert_cmpuint (counters.ice_restarts, ==, 1);
  g_assert_cmpuint (counters.ice_generations, ==, 2);
  g_assert_cmpuint (pair->a.n_switches + pair->b.n_switches, ==, 0);
  rp_pair_restart (pair);
  rp_pair_wait_restarted (&pair->a);
  rp_pair_wait_restarted (&pair->b);
  more_packets (pair);
  check_alive (pair, stream);
  check_all_arrived (pair);
}

/* Counts how often the loop looks at its context. A loop with few tickers looks more often. */
typedef struct {
  RpLoop *loop;
  GSource *source;
  guint tickers[RP_LOOP_EAGER_MAX + 1];
  guint64 n_looks; /* loop */
} Looks;

typedef struct {
  GSource source;
  Looks *looks;
} LooksSource;

static gboolean
count_look (GSource *source, gint *timeout)
{
  ((LooksSource *) source)->looks->n_looks++;
  *timeout = -1;
  return FALSE;
}

static gboolean
never (GSource *source)
{
  return FALSE;
}

static GSourceFuncs looks_funcs = {.prepare = count_look, .check = never};

static void
no_ticker (gint64 now_us, gpointer data)
{
}

static void
begin_looks (gpointer data)
{
  Looks *looks = data;
  looks->source = g_source_new (&looks_funcs, sizeof (LooksSource));
  ((LooksSource *) looks->source)->looks = looks;
  g_source_attach (looks->source, rp_loop_context (looks->loop));
  for (guint i = 0; i < G_N_ELEMENTS (looks->tickers); i++)
    looks->tickers[i] = rp_loop_add_ticker (looks->loop, no_ticker, NULL);
}

static void
end_looks (gpointer data)
{
  Looks *looks = data;
  g_source_destroy (looks->source);
  g_source_unref (looks->source);
  for (guint i = 0; i < G_N_ELEMENTS (looks->tickers); i++)
    rp_loop_remove_ticker (looks->loop, looks->tickers[i]);
}

typedef struct {
  Looks *looks;
  guint64 n_looks;
  guint64 n_ticks;
} Count;

static void
take_count (gpointer data)
{
  Count *count = data;
  RpLoopStats stats;
  rp_loop_stats (count->looks->loop, &stats);
  count->n_ticks = stats.ticks;
  count->n_looks = count->looks->n_looks;
}

/* Looks at the context for each hundred ticks. */
static guint
looks_per_cent (Looks *looks)
{
  Count before = {.looks = looks};
  Count now = {.looks = looks};
  rp_loop_call_sync (looks->loop, take_count, &before);
  do
    rp_loop_call_sync (looks->loop, take_count, &now);
  while (now.n_ticks < before.n_ticks + 100);
  return (guint) ((now.n_looks - before.n_looks) * 100 / (now.n_ticks - before.n_ticks));
}

/* The loop does not go on hurrying for the sake of a client that never checks. */
static void
test_never_completes (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  guint16 stream = connect_and_flow (pair);
  Looks looks = {.loop = pair->b.loop};
  rp_loop_call_sync (looks.loop, begin_looks, &looks);

  rp_pair_begin_restart (&pair->a);
  rp_pair_answer_restart (&pair->b, &pair->a);
  g_assert_cmpuint (looks_per_cent (&looks), >=, 90);
  rp_loop_call_sync (looks.loop, tick_later, &pair->b);
  g_assert_cmpuint (looks_per_cent (&looks), <=, 40);
  check_alive (pair, stream);
  rp_pair_finish_restart (&pair->a, &pair->b); /* after all */
  rp_pair_wait_switches (&pair->b, 1);
  check_alive (pair, stream);
  check_all_arrived (pair);
  g_assert_cmpuint (looks_per_cent (&looks), <=, 40);
  rp_loop_call_sync (looks.loop, end_looks, &looks);
}

/* Nor for what was overtaken. */
static void
test_overtaken_is_calm (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  connect_and_flow (pair);
  Looks looks = {.loop = pair->b.loop};
  rp_loop_call_sync (looks.loop, begin_looks, &looks);

  rp_loop_call_sync (pair->b.loop, restart_for_nobody, &pair->b);
  rp_loop_call_sync (pair->b.loop, restart_for_nobody, &pair->b);
  g_assert_cmpuint (looks_per_cent (&looks), >=, 90);
  rp_pair_restart (pair);
  rp_pair_wait_restarted (&pair->b);
  g_assert_cmpuint (looks_per_cent (&looks), <=, 40);
  check_all_arrived (pair);
  rp_loop_call_sync (looks.loop, end_looks, &looks);
}

/* Each begun inside an event of the one before. */
static void
test_in_event (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  guint16 stream = connect_and_flow (pair);
  pair->a.restart_on_message = TRUE;
  for (guint i = 0; i < 3; i++)
    g_assert_true (rp_pair_send (&pair->b, stream, FALSE, "again", 5, NULL));
  rp_pair_wait_messages (&pair->a, 3);
  pair->a.restart_on_message = FALSE;
  rp_pair_answer_restart (&pair->b, &pair->a);
  rp_pair_finish_restart (&pair->a, &pair->b);
  rp_pair_wait_switches (&pair->a, 1);
  rp_pair_wait_switches (&pair->b, 1);
  check_alive (pair, stream);
  check_all_arrived (pair);
}

static void
try_bad (gpointer data)
{
  RpPairEnd *end = data;
  const RpPeerIceRemote good = {.ufrag = "abcd", .pwd = "0123456789012345678901"};
  const RpPeerIceRemote bad[] = {{.ufrag = "abc", .pwd = good.pwd},
                                 {.ufrag = "", .pwd = good.pwd},
                                 {.ufrag = good.ufrag, .pwd = "short"},
                                 {.ufrag = good.ufrag, .pwd = NULL}};
  g_autofree char *ufrag = g_strdup (rp_peer_local (end->peer)->ufrag);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_false (rp_peer_restart_ice (end->peer, &bad[i], &error));
    g_assert_error (error, RP_PEER_ERROR, RP_PEER_ERROR_INVALID);
    g_assert_cmpstr (rp_peer_local (end->peer)->ufrag, ==, ufrag);
  }
  g_autoptr (GError) error = NULL;
  g_assert_false (rp_peer_set_ice_remote (end->peer, &good, &error));
  g_assert_error (error, RP_PEER_ERROR, RP_PEER_ERROR_STATE);
}

static void
try_too_early (gpointer data)
{
  RpPairEnd *end = data;
  const RpPeerIceRemote good = {.ufrag = "abcd", .pwd = "0123456789012345678901"};
  g_autoptr (GError) error = NULL;
  g_assert_false (rp_peer_restart_ice (end->peer, &good, &error));
  g_assert_error (error, RP_PEER_ERROR, RP_PEER_ERROR_STATE);
}

static void
test_arguments (void)
{
  g_autoptr (RpPair) pair = rp_pair_new ();
  rp_loop_call_sync (pair->a.loop, try_too_early, &pair->a);
  rp_pair_connect (pair, 0);
  rp_loop_call_sync (pair->a.loop, try_bad, &pair->a);
  rp_pair_close (&pair->a);
  rp_loop_call_sync (pair->a.loop, try_too_early, &pair->a);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/peer-restart/alive", test_alive);
  g_test_add_func ("/peer-restart/answer-lost", test_answer_lost);
  g_test_add_func ("/peer-restart/moved", test_moved);
  g_test_add_func ("/peer-restart/while-checking", test_while_checking);
  g_test_add_func ("/peer-restart/while-connecting", test_while_connecting);
  g_test_add_func ("/peer-restart/storm", test_storm);
  g_test_add_func ("/peer-restart/overtaken/heard", test_overtaken_heard);
  g_test_add_func ("/peer-restart/overtaken/at-answerer", test_overtaken_at_answerer);
  g_test_add_func ("/peer-restart/overtaken/at-offerer", test_overtaken_at_offerer);
  g_test_add_func ("/peer-restart/never-completes", test_never_completes);
  g_test_add_func ("/peer-restart/never-gets-a-pair", test_never_gets_a_pair);
  g_test_add_func ("/peer-restart/overtaken/is-calm", test_overtaken_is_calm);
  g_test_add_func ("/peer-restart/in-event", test_in_event);
  g_test_add_func ("/peer-restart/arguments", test_arguments);
  int status = g_test_run ();
  if (!rp_sctp_shutdown ())
    g_printerr ("SCTP did not end\n");
  return status;
}
