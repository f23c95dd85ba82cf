#include "session-rig.h"

#include "json.h"
#include "rtp.h"
#include "session-sdp.h"

#include <opus.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_US (60 * G_USEC_PER_SEC)
#define FRAME_US 20000
#define CLIENT_SSRC 4711
/* The test's thread plays the worker, and answers PINGs only while it waits for a frame. */
#define WORKER_HUNG_MS 60000

/* --- the session's side --- */

static void
changed (Rig *rig)
{
  g_cond_broadcast (&rig->changed);
  g_mutex_unlock (&rig->lock);
}

static void
on_need_worker (gpointer user_data)
{
  Rig *rig = user_data;
  g_mutex_lock (&rig->lock);
  rig->n_need_worker++;
  changed (rig);
}

static void
on_connected (gpointer user_data)
{
  Rig *rig = user_data;
  g_mutex_lock (&rig->lock);
  rig->n_connected++;
  changed (rig);
}

static void
on_snapshot (const RpCallSnapshot *snapshot, gpointer user_data)
{
  Rig *rig = user_data;
  g_mutex_lock (&rig->lock);
  rig->snapshot = *snapshot;
  changed (rig);
}

static void
on_latencies (const RpLatencies *latencies, gpointer user_data)
{
  Rig *rig = user_data;
  g_mutex_lock (&rig->lock);
  for (guint i = 0; i < RP_N_LATENCIES; i++)
    if (latencies->us[i] >= 0)
      rig->latencies.us[i] = latencies->us[i];
  changed (rig);
}

static void
on_ended (const char *reason, gboolean failed, gpointer user_data)
{
  Rig *rig = user_data;
  g_mutex_lock (&rig->lock);
  rig->n_ended++;
  rig->failed = failed;
  rig->reason = g_strdup (reason);
  g_test_message ("ended: %s", reason);
  changed (rig);
}

static void
on_timeline (const RpTimelineEvent *event, gpointer user_data)
{
}

static const RpSessionEvents session_events = {
    .need_worker = on_need_worker,
    .connected = on_connected,
    .snapshot = on_snapshot,
    .latencies = on_latencies,
    .timeline = on_timeline,
    .ended = on_ended,
};

/* --- the client's side --- */

/* RTCP goes out as soon as there are keys, as a client's media do. */
static void
send_report (RpPeer *peer)
{
  /* An empty receiver report: version 2, one word behind the header. */
  guint8 report[8 + RP_PEER_TAILROOM] = {0x80, 201, 0, 1, 0, 0, 0, 1};
  rp_peer_send_rtcp (peer, report, 8, sizeof report);
}

static void
on_state (RpPeer *peer, RpPeerState state, const char *reason, gpointer user_data)
{
  Rig *rig = user_data;
  if (state == RP_PEER_STATE_CONNECTED && !rig->mute)
    send_report (peer);
  g_mutex_lock (&rig->lock);
  if (peer == rig->peer)
    rig->state = state;
  changed (rig);
}

static void
on_rtp (RpPeer *peer, guint8 *packet, gsize len, gint64 arrival_us, gpointer user_data)
{
  Rig *rig = user_data;
  RpRtpPacket rtp;
  g_assert_true (rp_rtp_parse (packet, len, &rtp));
  const RigPacket seen = {arrival_us, rtp.sequence, rtp.timestamp, rtp.ssrc, rtp.marker};
  g_mutex_lock (&rig->lock);
  g_array_append_val (rig->packets, seen);
  changed (rig);
}

static void
on_message (RpPeer *peer, guint16 stream, gboolean binary, const guint8 *data, gsize len,
            gpointer user_data)
{
  Rig *rig = user_data;
  g_mutex_lock (&rig->lock);
  g_ptr_array_add (rig->messages, g_strndup ((const char *) data, len));
  changed (rig);
}

static const RpPeerEvents peer_events = {
    .state_changed = on_state,
    .rtp = on_rtp,
    .message = on_message,
};

static void
send_packet (Rig *rig)
{
  guint8 packet[12 + sizeof rig->opus + RP_PEER_TAILROOM];
  const RpRtpPacket header = {.payload_type = 111,
                              .sequence = rig->sequence++,
                              .timestamp = rig->timestamp,
                              .ssrc = CLIENT_SSRC};
  gsize len = rp_rtp_write_header (&header, packet, sizeof packet);
  rig->timestamp += 960;
  memcpy (packet + len, rig->opus, rig->opus_len);
  guint n = (guint) g_atomic_int_add (&rig->n_sent, 1);
  if (!(rig->lost_pattern >> (n % 32) & 1))
    rp_peer_send_rtp (rig->peer, packet, len + rig->opus_len, sizeof packet);
}

static void
on_tick (gint64 now_us, gpointer user_data)
{
  Rig *rig = user_data;
  RpPeerCounters counters;
  if (rig->peer == NULL)
    return;
  rp_peer_tick (rig->peer, now_us);
  rp_peer_counters (rig->peer, &counters);
  if (counters.ice_switches != rig->n_switches) {
    g_mutex_lock (&rig->lock);
    rig->n_switches = counters.ice_switches;
    changed (rig);
  }
  while (rig->next_send_us != 0 && now_us >= rig->next_send_us) {
    send_packet (rig);
    rig->next_send_us += FRAME_US;
  }
}

/* --- connecting --- */

typedef struct {
  Rig *rig;
  gboolean data;
  gboolean restart;
  RigRestart how; /* of an ICE restart */
  RpSdp *offer;
  char *answer; /* SDP, or the fragment */
  GError *error;
  RpPeer *old; /* closed once its successor has its answer, as browsers do it */
} Dial;

/* What the client's peer offers now. */
static void
describe (Dial *dial)
{
  Rig *rig = dial->rig;
  g_autoptr (GError) error = NULL;
  const RpPeerLocal *own = rp_peer_local (rig->peer);
  RpSdpLocal local = {.session_id = 1,
                      .session_version = 1,
                      .ice_ufrag = own->ufrag,
                      .ice_pwd = own->pwd,
                      .candidates = own->candidates,
                      .n_candidates = dial->how & RIG_NO_CANDIDATES ? 0 : (guint) own->n_candidates,
                      .stream_id = "s",
                      .track_id = "t",
                      .cname = "c",
                      .ssrc = CLIENT_SSRC};
  memcpy (local.fingerprint, own->digest, sizeof local.fingerprint);
  if (dial->how & RIG_OTHER_CERTIFICATE)
    local.fingerprint[7] ^= 1;
  g_autoptr (RpSdp) sdp = rp_sdp_offer (&local);
  if (dial->how & RIG_BY_FRAGMENT) {
    g_autofree char *fragment = rp_sdp_write_fragment (sdp);
    dial->offer = rp_sdp_parse_fragment (fragment, strlen (fragment), &error);
    g_assert_no_error (error);
    return;
  }
  g_autofree char *text = rp_sdp_write (sdp);
  if (!dial->data)
    *strstr (text, "m=application") = '\0';
  dial->offer = rp_sdp_parse (text, strlen (text), &error);
  g_assert_no_error (error);
}

/* On the client's loop. */
static void
make_offer (gpointer user_data)
{
  Dial *dial = user_data;
  Rig *rig = dial->rig;
  static const char *const loopback[] = {"127.0.0.1", NULL};
  const RpPeerConfig config = {
      .role = RP_PEER_OFFERER, .certificate = rig->certificate, .local_addresses = loopback};
  g_autoptr (GError) error = NULL;
  dial->old = g_steal_pointer (&rig->peer);
  rig->state = RP_PEER_STATE_NEW;
  rig->channel = -1;
  rig->peer = rp_peer_new (rig->client_loop, &config, &peer_events, rig, &error);
  g_assert_no_error (error);
  describe (dial);
}

/* On the session's loop. */
static void
answer_offer (gpointer user_data)
{
  Dial *dial = user_data;
  Rig *rig = dial->rig;
  g_autoptr (GError) error = NULL;
  g_autoptr (RpSessionOffer) offer = g_new0 (RpSessionOffer, 1);
  offer->sdp = g_steal_pointer (&dial->offer);
  offer->remote = g_new (RpSdpRemote, 1);
  offer->restart = dial->restart;
  offer->received_us = rp_loop_now_us ();
  g_assert_true (rp_sdp_remote_summary (offer->sdp, RP_SDP_OFFER, offer->remote, &error));
  if (rig->session == NULL)
    rig->session = rp_session_new (&rig->config, &session_events, rig);
  dial->answer = rp_session_answer (rig->session, offer, &error);
  g_assert_no_error (error);
}

/* On the client's loop. */
static void
take_answer (gpointer user_data)
{
  Dial *dial = user_data;
  RpSdpRemote summary;
  g_autoptr (GError) error = NULL;
  g_autoptr (RpSdp) sdp = rp_sdp_parse (dial->answer, strlen (dial->answer), &error);
  g_assert_no_error (error);
  g_assert_true (rp_sdp_remote_summary (sdp, RP_SDP_ANSWER, &summary, &error));
  g_assert_true (rp_session_sdp_start_peer (dial->rig->peer, &summary, &error));
  rp_peer_free (dial->old);
}

static gboolean
is_connected (Rig *rig, gconstpointer data)
{
  return rig->state == RP_PEER_STATE_CONNECTED;
}

static void
open_channel (gpointer user_data)
{
  Rig *rig = user_data;
  g_autoptr (GError) error = NULL;
  rig->channel = rp_peer_open_channel (rig->peer, "chat", "", &error);
  g_assert_no_error (error);
}

static void
dial (Rig *rig, FakeWorker *worker, gboolean data, gboolean restart)
{
  Dial call = {.rig = rig, .data = data, .restart = restart};
  rp_loop_call_sync (rig->client_loop, make_offer, &call);
  rp_loop_call_sync (rig->server_loop, answer_offer, &call);
  if (worker != NULL)
    rig_give_worker (rig, worker);
  rp_loop_call_sync (rig->client_loop, take_answer, &call);
  g_free (call.answer);
  rig_wait (rig, is_connected, NULL, "a connection");
  if (data)
    rp_loop_call_sync (rig->client_loop, open_channel, rig);
}

void
rig_connect (Rig *rig, FakeWorker *worker, gboolean data)
{
  dial (rig, worker, data, FALSE);
}

void
rig_reconnect (Rig *rig)
{
  dial (rig, NULL, TRUE, TRUE);
}

/* --- ICE restarts --- */

static void
begin_restart (gpointer user_data)
{
  static const char *const elsewhere[] = {"127.0.0.2", NULL};
  Dial *dial = user_data;
  g_autoptr (GError) error = NULL;
  if (dial->how & RIG_MOVED)
    rp_peer_move (dial->rig->peer, elsewhere, &error);
  else if (!(dial->how & RIG_SAME_CREDENTIALS))
    rp_peer_begin_ice_restart (dial->rig->peer, &error);
  g_assert_no_error (error);
  describe (dial);
}

static void
answer_restart (gpointer user_data)
{
  Dial *dial = user_data;
  RpSession *session = dial->rig->session;
  if (dial->how & RIG_BY_FRAGMENT) {
    RpSdpFragment fragment;
    g_assert_true (rp_sdp_fragment_summary (dial->offer, &fragment, NULL));
    dial->answer = rp_session_restart_ice (session, &fragment, &dial->error);
    g_clear_pointer (&dial->offer, rp_sdp_free);
    return;
  }
  g_autoptr (RpSessionOffer) offer = g_new0 (RpSessionOffer, 1);
  offer->sdp = g_steal_pointer (&dial->offer);
  offer->remote = g_new (RpSdpRemote, 1);
  offer->received_us = rp_loop_now_us ();
  g_assert_true (rp_sdp_remote_summary (offer->sdp, RP_SDP_OFFER, offer->remote, NULL));
  dial->answer = rp_session_answer (session, offer, &dial->error);
}

static void
finish_restart (gpointer user_data)
{
  Dial *dial = user_data;
  gboolean by_fragment = (dial->how & RIG_BY_FRAGMENT) != 0;
  RpSdpFragment summary;
  g_autoptr (GError) error = NULL;
  g_autoptr (RpSdp) sdp = by_fragment
                              ? rp_sdp_parse_fragment (dial->answer, strlen (dial->answer), &error)
                              : rp_sdp_parse (dial->answer, strlen (dial->answer), &error);
  g_assert_no_error (error);
  /* Of ICE, a whole description says what a fragment does. */
  g_assert_true (rp_sdp_fragment_summary (sdp, &summary, &error));
  const RpPeerIceRemote remote = {.ufrag = summary.ice_ufrag,
                                  .pwd = summary.ice_pwd,
                                  .candidates = summary.candidates,
                                  .n_candidates =
                                      dial->how & RIG_NO_CANDIDATES ? 0 : summary.n_candidates};
  g_assert_cmpuint (summary.n_candidates, >, 0);
  g_assert_true (rp_peer_set_ice_remote (dial->rig->peer, &remote, &error));
}

gboolean
rig_restart_ice (Rig *rig, RigRestart how, GError **error)
{
  Dial call = {.rig = rig, .data = rig->channel >= 0, .how = how};
  rp_loop_call_sync (rig->client_loop, begin_restart, &call);
  rp_loop_call_sync (rig->server_loop, answer_restart, &call);
  if (call.answer == NULL) {
    g_propagate_error (error, call.error);
    return FALSE;
  }
  if (!(how & (RIG_ANSWER_LOST | RIG_SAME_CREDENTIALS)))
    rp_loop_call_sync (rig->client_loop, finish_restart, &call);
  g_free (call.answer);
  return TRUE;
}

typedef struct {
  Rig *rig;
  const char *ufrag;
} Trickle;

static void
trickle (gpointer user_data)
{
  Trickle *call = user_data;
  const RpPeerLocal *own = rp_peer_local (call->rig->peer);
  for (gsize i = 0; i < own->n_candidates; i++) {
    RpCandidate candidate = own->candidates[i];
    g_strlcpy (candidate.ufrag, call->ufrag != NULL ? call->ufrag : own->ufrag,
               sizeof candidate.ufrag);
    rp_session_add_candidates (call->rig->session, &candidate, 1);
  }
}

void
rig_trickle (Rig *rig, const char *ufrag)
{
  Trickle call = {rig, ufrag};
  rp_loop_call_sync (rig->server_loop, trickle, &call);
}

gboolean
rig_has_switched (Rig *rig, gconstpointer data)
{
  return rig->n_switches >= GPOINTER_TO_UINT (data);
}

typedef struct {
  Rig *rig;
  RpWorkerLink *link;
  const char *text;
} Command;

static void
set_worker (gpointer user_data)
{
  Command *command = user_data;
  rp_session_set_worker (command->rig->session, command->link);
}

void
rig_give_worker (Rig *rig, FakeWorker *worker)
{
  int fd = -1;
  fake_worker_init (worker, &fd);
  /* The pool hands out workers that have said HELLO; a link takes it whenever it comes. */
  fake_worker_send_u32 (worker, RP_FRAME_HELLO, (guint32) getpid ());
  Command command = {.rig = rig, .link = rp_worker_link_new (fd, -1, 1, WORKER_HUNG_MS)};
  rp_loop_call_sync (rig->server_loop, set_worker, &command);
}

/* --- what the client does --- */

static void
start_talking (gpointer user_data)
{
  Rig *rig = user_data;
  rig->next_send_us = rp_loop_now_us ();
}

static void
stop_talking (gpointer user_data)
{
  Rig *rig = user_data;
  rig->next_send_us = 0;
}

void
rig_talk (Rig *rig, gboolean talking)
{
  rp_loop_call_sync (rig->client_loop, talking ? start_talking : stop_talking, rig);
}

static void
send_message (gpointer user_data)
{
  Command *command = user_data;
  g_autoptr (GError) error = NULL;
  rp_peer_send_message (command->rig->peer, (guint16) command->rig->channel, FALSE, command->text,
                        strlen (command->text), &error);
  g_assert_no_error (error);
}

void
rig_say (Rig *rig, const char *message)
{
  Command command = {.rig = rig, .text = message};
  rp_loop_call_sync (rig->client_loop, send_message, &command);
}

void
rig_get_ready (Rig *rig)
{
  rig_say (rig, "{\"label\":\"rtvi-ai\",\"type\":\"client-ready\",\"id\":\"r\",\"data\":"
                "{\"version\":\"2.1.0\",\"about\":{\"library\":\"rig\"}}}");
  rig_wait (rig, rig_was_told, "bot-ready", "bot-ready");
}

static void
end_session (gpointer user_data)
{
  Command *command = user_data;
  rp_session_end (command->rig->session, RP_TIMELINE_END_SERVER, command->text);
}

void
rig_end (Rig *rig, const char *reason)
{
  Command command = {.rig = rig, .text = reason};
  rp_loop_call_sync (rig->server_loop, end_session, &command);
}

static void
drain_session (gpointer user_data)
{
  Rig *rig = user_data;
  rp_session_drain (rig->session);
}

void
rig_drain (Rig *rig)
{
  rp_loop_call_sync (rig->server_loop, drain_session, rig);
}

static void
close_peer (gpointer user_data)
{
  Rig *rig = user_data;
  rp_peer_close (rig->peer, "bye");
}

void
rig_hang_up (Rig *rig)
{
  rp_loop_call_sync (rig->client_loop, close_peer, rig);
}

/* --- waiting --- */

guint
rig_count (Rig *rig, const guint *counter)
{
  g_mutex_lock (&rig->lock);
  guint n = *counter;
  g_mutex_unlock (&rig->lock);
  return n;
}

void
rig_wait (Rig *rig, RigCondition condition, gconstpointer data, const char *what)
{
  gint64 until_us = g_get_monotonic_time () + PATIENCE_US;
  gboolean in_time = TRUE;
  g_mutex_lock (&rig->lock);
  while (in_time && !condition (rig, data))
    in_time = g_cond_wait_until (&rig->changed, &rig->lock, until_us);
  gboolean holds = condition (rig, data);
  g_mutex_unlock (&rig->lock);
  if (!holds)
    g_error ("waited in vain for %s", what);
}

gboolean
rig_was_told (Rig *rig, gconstpointer data)
{
  for (guint i = 0; i < rig->messages->len; i++)
    if (strstr (g_ptr_array_index (rig->messages, i), data) != NULL)
      return TRUE;
  return FALSE;
}

gboolean
rig_has_ended (Rig *rig, gconstpointer data)
{
  return rig->n_ended > 0;
}

gboolean
rig_heard (Rig *rig, gconstpointer data)
{
  return rig->packets->len >= GPOINTER_TO_UINT (data);
}

gboolean
rig_needs_worker (Rig *rig, gconstpointer data)
{
  return rig->n_need_worker >= GPOINTER_TO_UINT (data);
}

/* --- life --- */

static void
encode_speech (Rig *rig)
{
  int failure = 0;
  gint16 pcm[960];
  OpusEncoder *encoder = opus_encoder_create (48000, 1, OPUS_APPLICATION_VOIP, &failure);
  g_assert_cmpint (failure, ==, OPUS_OK);
  for (guint i = 0; i < 960; i++)
    pcm[i] = (gint16) ((i % 120) * 100 - 6000);
  rig->opus_len = (gsize) opus_encode (encoder, pcm, 960, rig->opus, sizeof rig->opus);
  opus_encoder_destroy (encoder);
}

static void
add_ticker (gpointer user_data)
{
  Rig *rig = user_data;
  rig->ticker = rp_loop_add_ticker (rig->client_loop, on_tick, rig);
}

Rig *
rig_new (void)
{
  static const char *const loopback[] = {"127.0.0.1", NULL};
  Rig *rig = g_new0 (Rig, 1);
  g_mutex_init (&rig->lock);
  g_cond_init (&rig->changed);
  rig->certificate = rp_dtls_certificate_new (NULL);
  rig->server_loop = rp_loop_new ("session", NULL);
  rig->client_loop = rp_loop_new ("client", NULL);
  rig->messages = g_ptr_array_new_with_free_func (g_free);
  rig->packets = g_array_new (FALSE, FALSE, sizeof (RigPacket));
  rig->sequence = 65500;
  rig->timestamp = 0xfffff000u;
  rp_latencies_init (&rig->latencies);
  rig->config = (RpSessionConfig){
      .loop = rig->server_loop,
      .certificate = rig->certificate,
      .ice_address = loopback,
      .connect_timeout_us = 60 * G_USEC_PER_SEC,
      .inactivity_timeout_us = 15 * G_USEC_PER_SEC,
      .call = "call",
      .agent = "agent",
  };
  encode_speech (rig);
  rp_loop_call_sync (rig->client_loop, add_ticker, rig);
  return rig;
}

static void
free_session (gpointer user_data)
{
  Rig *rig = user_data;
  g_clear_pointer (&rig->session, rp_session_free);
}

static void
free_peer (gpointer user_data)
{
  Rig *rig = user_data;
  rp_loop_remove_ticker (rig->client_loop, rig->ticker);
  g_clear_pointer (&rig->peer, rp_peer_free);
}

void
rig_free (Rig *rig)
{
  rp_loop_call_sync (rig->server_loop, free_session, rig);
  rp_loop_call_sync (rig->client_loop, free_peer, rig);
  rp_loop_free (rig->server_loop);
  rp_loop_free (rig->client_loop);
  rp_dtls_certificate_unref (rig->certificate);
  g_ptr_array_unref (rig->messages);
  g_array_unref (rig->packets);
  g_free (rig->reason);
  g_mutex_clear (&rig->lock);
  g_cond_clear (&rig->changed);
  g_free (rig);
}
