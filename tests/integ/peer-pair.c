#include "peer-pair.h"

#include <dirent.h>
#include <string.h>

static GMutex lock;
static GCond changed;

static void
message_free (gpointer data)
{
  RpPairMessage *message = data;
  g_bytes_unref (message->data);
  g_free (message);
}

static void
on_state (RpPeer *peer, RpPeerState state, const char *reason, gpointer user_data)
{
  RpPairEnd *end = user_data;
  g_assert_nonnull (reason);
  g_mutex_lock (&lock);
  end->states |= 1u << state;
  if (state >= RP_PEER_STATE_FAILED) {
    g_free (end->reason);
    end->reason = g_strdup (reason);
  }
  gboolean drop = end->free_on_state && state >= RP_PEER_STATE_FAILED;
  if (drop)
    end->peer = NULL;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
  if (drop)
    rp_peer_free (peer);
}

static void
on_rtp (RpPeer *peer, guint8 *packet, gsize len, gint64 arrival_us, gpointer user_data)
{
  RpPairEnd *end = user_data;
  RpLoopStats stats;
  g_assert_cmpint (arrival_us, >, 0);
  rp_loop_stats (end->loop, &stats);
  g_mutex_lock (&lock);
  end->n_rtp++;
  end->last_rtp_ticks = stats.ticks;
  if (end->last_rtp_us != 0)
    end->max_gap_us = MAX (end->max_gap_us, arrival_us - end->last_rtp_us);
  end->last_rtp_us = arrival_us;
  g_clear_pointer (&end->last_rtp, g_bytes_unref);
  end->last_rtp = g_bytes_new (packet, len);
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
}

static void
on_rtcp (RpPeer *peer, guint8 *packet, gsize len, gint64 arrival_us, gpointer user_data)
{
  RpPairEnd *end = user_data;
  g_mutex_lock (&lock);
  end->n_rtcp++;
  g_clear_pointer (&end->last_rtcp, g_bytes_unref);
  end->last_rtcp = g_bytes_new (packet, len);
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
}

static void
on_open (RpPeer *peer, guint16 stream, const char *label, const char *protocol, gpointer user_data)
{
  RpPairEnd *end = user_data;
  g_mutex_lock (&lock);
  end->n_open++;
  end->open_stream = stream;
  g_free (end->open_label);
  g_free (end->open_protocol);
  end->open_label = g_strdup (label);
  end->open_protocol = g_strdup (protocol);
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
}

static void
on_message (RpPeer *peer, guint16 stream, gboolean binary, const guint8 *data, gsize len,
            gpointer user_data)
{
  RpPairEnd *end = user_data;
  RpPairMessage *message = g_new0 (RpPairMessage, 1);
  *message = (RpPairMessage){.stream = stream, .binary = binary, .data = g_bytes_new (data, len)};
  g_assert_cmpuint (data[len], ==, 0);
  if (end->restart_on_message)
    g_assert_true (rp_peer_begin_ice_restart (peer, NULL));
  g_mutex_lock (&lock);
  g_ptr_array_add (end->messages, message);
  gboolean drop = end->free_on_message;
  if (drop)
    end->peer = NULL;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
  if (drop)
    rp_peer_free (peer);
}

static void
on_closed (RpPeer *peer, guint16 stream, gpointer user_data)
{
  RpPairEnd *end = user_data;
  g_mutex_lock (&lock);
  end->n_closed++;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
}

static gboolean
send_rtp (RpPeer *peer, guint16 sequence)
{
  guint8 packet[12 + 40 + RP_PEER_TAILROOM] = {0x80, 111};
  packet[2] = (guint8) (sequence >> 8);
  packet[3] = (guint8) sequence;
  packet[11] = 7; /* SSRC */
  memset (packet + 12, 0x5a, 40);
  return rp_peer_send_rtp (peer, packet, 52, sizeof packet);
}

static void
tick (gint64 now_us, gpointer data)
{
  RpPairEnd *end = data;
  RpPeerCounters counters;
  if (!end->peer)
    return;
  rp_peer_tick (end->peer, now_us);
  rp_peer_counters (end->peer, &counters);
  if (counters.ice_switches != end->n_switches) {
    g_mutex_lock (&lock);
    end->n_switches = counters.ice_switches;
    g_cond_broadcast (&changed);
    g_mutex_unlock (&lock);
  }
  if (end->flowing && now_us >= end->flow_due_us) {
    end->flow_due_us = now_us + RP_PAIR_FLOW_US;
    send_rtp (end->peer, end->n_flowed++);
  }
}

static void
create (gpointer data)
{
  static const char *const addresses[] = {"127.0.0.1", NULL};
  static const RpPeerEvents events = {.state_changed = on_state,
                                      .rtp = on_rtp,
                                      .rtcp = on_rtcp,
                                      .channel_open = on_open,
                                      .message = on_message,
                                      .channel_closed = on_closed};
  RpPairEnd *end = data;
  g_autoptr (GError) error = NULL;
  RpPeerConfig config = {.role = end->name[0] == 'a' ? RP_PEER_OFFERER : RP_PEER_ANSWERER,
                         .certificate = end->certificate,
                         .local_addresses = addresses};

  end->peer = rp_peer_new (end->loop, &config, &events, end, &error);
  g_assert_no_error (error);
  end->ticker = rp_loop_add_ticker (end->loop, tick, end);
}

static void
end_init (RpPairEnd *end, const char *name)
{
  g_autoptr (GError) error = NULL;
  end->name = name;
  end->messages = g_ptr_array_new_with_free_func (message_free);
  end->certificate = rp_dtls_certificate_new (&error);
  g_assert_no_error (error);
  end->loop = rp_loop_new (name, &error);
  g_assert_no_error (error);
  rp_loop_call_sync (end->loop, create, end);
}

RpPair *
rp_pair_new (void)
{
  RpPair *pair = g_new0 (RpPair, 1);
  end_init (&pair->a, "a");
  end_init (&pair->b, "b");
  return pair;
}

static void
end_free_peer (gpointer data)
{
  RpPairEnd *end = data;
  rp_loop_remove_ticker (end->loop, end->ticker);
  end->ticker = 0;
  rp_peer_free (g_steal_pointer (&end->peer));
}

void
rp_pair_free_peer (RpPairEnd *end)
{
  rp_loop_call_sync (end->loop, end_free_peer, end);
}

static void
end_clear (RpPairEnd *end)
{
  rp_pair_free_peer (end);
  rp_loop_free (end->loop);
  rp_dtls_certificate_unref (end->certificate);
  g_ptr_array_unref (end->messages);
  g_clear_pointer (&end->last_rtp, g_bytes_unref);
  g_clear_pointer (&end->last_rtcp, g_bytes_unref);
  g_free (end->reason);
  g_free (end->open_label);
  g_free (end->open_protocol);
}

void
rp_pair_free (RpPair *pair)
{
  if (!pair)
    return;
  end_clear (&pair->a);
  end_clear (&pair->b);
  g_free (pair);
}

static void
read_fingerprint (const char *text, RpSdpFingerprint *out)
{
  for (guint i = 0; i < 32; i++)
    out->sha256[i] =
        (guint8) (g_ascii_xdigit_value (text[3 * i]) << 4 | g_ascii_xdigit_value (text[3 * i + 1]));
}

typedef struct {
  RpPairEnd *end;
  RpPeerRemote remote;
  const RpCandidate *late;
  gsize n_late;
} SetRemote;

static void
set_remote (gpointer data)
{
  SetRemote *set = data;
  g_autoptr (GError) error = NULL;
  g_assert_true (rp_peer_set_remote (set->end->peer, &set->remote, &error));
  g_assert_no_error (error);
  for (gsize i = 0; i < set->n_late; i++)
    g_assert_true (rp_peer_add_remote_candidate (set->end->peer, &set->late[i]));
}

/* Tells end about other, which is on another loop but fixed since it was made. */
static void
describe (RpPairEnd *end, const RpPairEnd *other, RpPairFlags flags)
{
  const RpPeerLocal *local = rp_peer_local (other->peer);
  gboolean end_is_b = end->name[0] == 'b';
  gboolean active = end_is_b == !!(flags & RP_PAIR_B_ACTIVE);
  RpSdpFingerprint fingerprints[2];
  SetRemote set = {.end = end};

  read_fingerprint (rp_dtls_certificate_fingerprint (end->certificate), &fingerprints[0]);
  read_fingerprint (local->fingerprint, &fingerprints[1]);
  set.remote = (RpPeerRemote){
      .ufrag = local->ufrag,
      .pwd = local->pwd,
      .fingerprints = fingerprints, /* of two the second matches */
      .n_fingerprints = end_is_b && (flags & RP_PAIR_WRONG_FINGERPRINT) ? 1 : 2,
      .local_setup = active ? RP_SDP_SETUP_ACTIVE : RP_SDP_SETUP_PASSIVE,
      .sctp_port = flags & RP_PAIR_NO_SCTP ? 0 : RP_PEER_SCTP_PORT,
      .max_message_size = 65536,
      .candidates = local->candidates,
      .n_candidates = local->n_candidates,
  };
  if ((end_is_b && (flags & RP_PAIR_A_NO_CANDIDATES)) || (flags & RP_PAIR_NO_CANDIDATES)) {
    set.remote.n_candidates = 0;
  } else if (!end_is_b && (flags & RP_PAIR_B_LATE_CANDIDATES)) {
    set.remote.n_candidates = 0;
    set.late = local->candidates;
    set.n_late = local->n_candidates;
  }
  rp_loop_call_sync (end->loop, set_remote, &set);
}

void
rp_pair_exchange (RpPair *pair, RpPairFlags flags)
{
  describe (&pair->b, &pair->a, flags);
  describe (&pair->a, &pair->b, flags);
}

void
rp_pair_connect (RpPair *pair, RpPairFlags flags)
{
  rp_pair_exchange (pair, flags);
  rp_pair_wait_state (&pair->a, RP_PEER_STATE_CONNECTED);
  rp_pair_wait_state (&pair->b, RP_PEER_STATE_CONNECTED);
}

void
rp_pair_wait (RpPairEnd *end, RpPairCondition condition, gpointer data, const char *what)
{
  gint64 deadline_us = g_get_monotonic_time () + RP_PAIR_WATCHDOG_S * G_USEC_PER_SEC;

  g_mutex_lock (&lock);
  while (!condition (end, data)) {
    if (!g_cond_wait_until (&changed, &lock, deadline_us))
      g_error ("%s: waited %d s for %s (states 0x%x, reason \"%s\")", end->name, RP_PAIR_WATCHDOG_S,
               what, end->states, end->reason ? end->reason : "");
  }
  g_mutex_unlock (&lock);
}

static gboolean
has_state (RpPairEnd *end, gpointer data)
{
  RpPeerState state = GPOINTER_TO_INT (data);
  if (state == RP_PEER_STATE_CONNECTED && end->states >> RP_PEER_STATE_FAILED)
    g_error ("%s: \"%s\" instead of connected", end->name, end->reason);
  return (end->states >> state) & 1;
}

void
rp_pair_wait_state (RpPairEnd *end, RpPeerState state)
{
  rp_pair_wait (end, has_state, GINT_TO_POINTER (state), rp_peer_state_name (state));
}

static gboolean
has_messages (RpPairEnd *end, gpointer data)
{
  return end->messages->len >= GPOINTER_TO_UINT (data);
}

void
rp_pair_wait_messages (RpPairEnd *end, guint n)
{
  rp_pair_wait (end, has_messages, GUINT_TO_POINTER (n), "messages");
}

static gboolean
has_rtp (RpPairEnd *end, gpointer data)
{
  return end->n_rtp >= GPOINTER_TO_UINT (data);
}

void
rp_pair_wait_rtp (RpPairEnd *end, guint n)
{
  rp_pair_wait (end, has_rtp, GUINT_TO_POINTER (n), "RTP");
}

static gboolean
is_open (RpPairEnd *end, gpointer data)
{
  return end->n_open >= GPOINTER_TO_UINT (data);
}

void
rp_pair_wait_open (RpPairEnd *end, guint n)
{
  rp_pair_wait (end, is_open, GUINT_TO_POINTER (n), "a channel");
}

typedef struct {
  RpPairEnd *end;
  const char *label;
  const char *protocol;
  guint16 stream;
  gboolean binary;
  const void *data;
  gsize len;
  guint16 sequence;
  gint stream_result;
  gboolean ok;
  GError **error;
  RpPeerCounters *counters;
} Call;

static void
do_open (gpointer data)
{
  Call *call = data;
  g_autoptr (GError) error = NULL;
  call->stream_result = rp_peer_open_channel (call->end->peer, call->label, call->protocol, &error);
  g_assert_no_error (error);
}

gint
rp_pair_open (RpPairEnd *end, const char *label, const char *protocol)
{
  Call call = {.end = end, .label = label, .protocol = protocol};
  rp_loop_call_sync (end->loop, do_open, &call);
  return call.stream_result;
}

static void
do_send (gpointer data)
{
  Call *call = data;
  if (!call->end->peer)
    return; /* freed by an event */
  call->ok = rp_peer_send_message (call->end->peer, call->stream, call->binary, call->data,
                                   call->len, call->error);
}

gboolean
rp_pair_send (RpPairEnd *end, guint16 stream, gboolean binary, const void *data, gsize len,
              GError **error)
{
  Call call = {
      .end = end, .stream = stream, .binary = binary, .data = data, .len = len, .error = error};
  rp_loop_call_sync (end->loop, do_send, &call);
  return call.ok;
}

static void
do_send_rtp (gpointer data)
{
  Call *call = data;
  call->ok = send_rtp (call->end->peer, call->sequence);
}

gboolean
rp_pair_send_rtp (RpPairEnd *end, guint16 sequence)
{
  Call call = {.end = end, .sequence = sequence};
  rp_loop_call_sync (end->loop, do_send_rtp, &call);
  return call.ok;
}

static void
do_send_rtcp (gpointer data)
{
  Call *call = data;
  guint8 packet[8 + RP_PEER_TAILROOM] = {0x80, 201, 0, 1, 0, 0, 0, 7};
  call->ok = rp_peer_send_rtcp (call->end->peer, packet, 8, sizeof packet);
}

gboolean
rp_pair_send_rtcp (RpPairEnd *end)
{
  Call call = {.end = end};
  rp_loop_call_sync (end->loop, do_send_rtcp, &call);
  return call.ok;
}

static void
do_close_channel (gpointer data)
{
  Call *call = data;
  rp_peer_close_channel (call->end->peer, call->stream);
}

void
rp_pair_close_channel (RpPairEnd *end, guint16 stream)
{
  Call call = {.end = end, .stream = stream};
  rp_loop_call_sync (end->loop, do_close_channel, &call);
}

static void
do_close (gpointer data)
{
  Call *call = data;
  rp_peer_close (call->end->peer, "test");
}

void
rp_pair_close (RpPairEnd *end)
{
  Call call = {.end = end};
  rp_loop_call_sync (end->loop, do_close, &call);
}

static void
do_input (gpointer data)
{
  Call *call = data;
  if (call->end->peer)
    rp_peer_test_input (call->end->peer, call->data, call->len);
}

void
rp_pair_input (RpPairEnd *end, const guint8 *data, gsize len)
{
  Call call = {.end = end, .data = data, .len = len};
  rp_loop_call_sync (end->loop, do_input, &call);
}

static void
do_counters (gpointer data)
{
  Call *call = data;
  rp_peer_counters (call->end->peer, call->counters);
}

void
rp_pair_counters (RpPairEnd *end, RpPeerCounters *out)
{
  Call call = {.end = end, .counters = out};
  rp_loop_call_sync (end->loop, do_counters, &call);
}

typedef struct {
  RpPairEnd *end;
  RpPairLook seen;
} Look;

static void
do_look (gpointer data)
{
  Look *look = data;
  const RpPairEnd *end = look->end;
  look->seen = (RpPairLook){.state = rp_peer_state (end->peer),
                            .n_rtp = end->n_rtp,
                            .n_flowed = end->n_flowed,
                            .max_gap_us = end->max_gap_us};
  rp_peer_times (end->peer, &look->seen.times);
}

RpPairLook
rp_pair_look (RpPairEnd *end)
{
  Look look = {.end = end};
  rp_loop_call_sync (end->loop, do_look, &look);
  return look.seen;
}

typedef struct {
  RpPairEnd *end;
  RpPeerIceRemote remote;
  const char *address;
  gboolean again;
} Restart;

static void
do_begin (gpointer data)
{
  Restart *restart = data;
  g_autoptr (GError) error = NULL;
  const char *const addresses[] = {restart->address, NULL};
  if (restart->address)
    g_assert_true (rp_peer_move (restart->end->peer, addresses, &error));
  else
    g_assert_true (rp_peer_begin_ice_restart (restart->end->peer, &error));
  g_assert_no_error (error);
}

static void
do_answer (gpointer data)
{
  Restart *restart = data;
  g_autoptr (GError) error = NULL;
  g_assert_true (rp_peer_restart_ice (restart->end->peer, &restart->remote, &error));
  g_assert_no_error (error);
}

static void
do_finish (gpointer data)
{
  Restart *restart = data;
  g_autoptr (GError) error = NULL;
  g_assert_true (rp_peer_set_ice_remote (restart->end->peer, &restart->remote, &error));
  g_assert_no_error (error);
  if (restart->again)
    do_begin (restart);
}

static Restart
restart_with (RpPairEnd *end, const RpPairEnd *other)
{
  const RpPeerLocal *local = rp_peer_local (other->peer);
  return (Restart){.end = end,
                   .remote = {.ufrag = local->ufrag,
                              .pwd = local->pwd,
                              .candidates = local->candidates,
                              .n_candidates = local->n_candidates}};
}

void
rp_pair_begin_restart (RpPairEnd *offerer)
{
  Restart restart = {.end = offerer};
  rp_loop_call_sync (offerer->loop, do_begin, &restart);
}

void
rp_pair_move (RpPairEnd *offerer, const char *address)
{
  Restart restart = {.end = offerer, .address = address};
  rp_loop_call_sync (offerer->loop, do_begin, &restart);
}

void
rp_pair_answer_restart (RpPairEnd *answerer, const RpPairEnd *offerer)
{
  Restart restart = restart_with (answerer, offerer);
  rp_loop_call_sync (answerer->loop, do_answer, &restart);
}

void
rp_pair_finish_restart (RpPairEnd *offerer, const RpPairEnd *answerer)
{
  Restart restart = restart_with (offerer, answerer);
  rp_loop_call_sync (offerer->loop, do_finish, &restart);
}

static const char wrong_password[] = "0123456789012345678901";

void
rp_pair_answer_deaf (RpPairEnd *answerer, const RpPairEnd *offerer)
{
  Restart restart = restart_with (answerer, offerer);
  restart.remote.pwd = wrong_password;
  rp_loop_call_sync (answerer->loop, do_answer, &restart);
}

void
rp_pair_finish_deaf (RpPairEnd *offerer, const RpPairEnd *answerer)
{
  Restart restart = restart_with (offerer, answerer);
  restart.remote.pwd = wrong_password;
  rp_loop_call_sync (offerer->loop, do_finish, &restart);
}

struct _RpPairAnswer {
  char *ufrag;
  char *pwd;
  RpCandidate *candidates;
  gsize n_candidates;
};

RpPairAnswer *
rp_pair_keep_answer (const RpPairEnd *answerer)
{
  RpPairAnswer *answer = g_new0 (RpPairAnswer, 1);
  const RpPeerLocal *local = rp_peer_local (answerer->peer);
  answer->ufrag = g_strdup (local->ufrag);
  answer->pwd = g_strdup (local->pwd);
  answer->n_candidates = local->n_candidates;
  answer->candidates = g_memdup2 (local->candidates, local->n_candidates * sizeof (RpCandidate));
  return answer;
}

void
rp_pair_answer_free (RpPairAnswer *answer)
{
  g_free (answer->ufrag);
  g_free (answer->pwd);
  g_free (answer->candidates);
  g_free (answer);
}

void
rp_pair_take_answer (RpPairEnd *offerer, const RpPairAnswer *answer, gboolean again)
{
  Restart restart = {.end = offerer,
                     .remote = {.ufrag = answer->ufrag,
                                .pwd = answer->pwd,
                                .candidates = answer->candidates,
                                .n_candidates = answer->n_candidates},
                     .again = again};
  rp_loop_call_sync (offerer->loop, do_finish, &restart);
}

void
rp_pair_restart (RpPair *pair)
{
  rp_pair_begin_restart (&pair->a);
  rp_pair_answer_restart (&pair->b, &pair->a);
  rp_pair_finish_restart (&pair->a, &pair->b);
}

static gboolean
has_switched (RpPairEnd *end, gpointer data)
{
  return end->n_switches >= GPOINTER_TO_UINT (data);
}

void
rp_pair_wait_switches (RpPairEnd *end, guint n)
{
  rp_pair_wait (end, has_switched, GUINT_TO_POINTER (n), "the switch to a new pair");
}

void
rp_pair_wait_restarted (RpPairEnd *end)
{
  gint64 deadline_us = g_get_monotonic_time () + RP_PAIR_WATCHDOG_S * G_USEC_PER_SEC;
  RpPeerCounters counters;

  do {
    rp_pair_counters (end, &counters);
    if (g_get_monotonic_time () > deadline_us)
      g_error ("%s: waited %d s for the last restart", end->name, RP_PAIR_WATCHDOG_S);
  } while (counters.ice_restarting);
}

static void
do_flow (gpointer data)
{
  RpPairEnd *end = data;
  end->flowing = TRUE;
}

static void
do_stop (gpointer data)
{
  RpPairEnd *end = data;
  end->flowing = FALSE;
}

void
rp_pair_flow (RpPair *pair, gboolean flowing)
{
  rp_loop_call_sync (pair->a.loop, flowing ? do_flow : do_stop, &pair->a);
  rp_loop_call_sync (pair->b.loop, flowing ? do_flow : do_stop, &pair->b);
}

guint
rp_pair_count_fds (void)
{
  guint n = 0;
  DIR *dir = opendir ("/proc/self/fd");
  while (readdir (dir))
    n++;
  closedir (dir);
  return n;
}
