#include "session-private.h"

#include "session-stats.h"

#include "log.h"

#include <string.h>

/* After the last word to the client: time for its data channel to carry it. */
#define GOODBYE_US (500 * 1000)
/* Clients that send no audio still report every 7.5 s at the latest (RFC 3550 section 6.2). */
#define DEAD_PATH_US (8 * G_USEC_PER_SEC)
#define DEAD_PATH_REPEAT_US (2 * G_USEC_PER_SEC)
/* Without a tick for this long the machine stood still or was moved, and what clients sent
 * meanwhile may not have come. */
#define STANDSTILL_US (1 * G_USEC_PER_SEC)
/* After the last frame was sent: it still has to be heard. */
#define PLAY_OUT_US (300 * 1000)
/* For another worker, when the one of a running call was lost. */
#define WORKER_WAIT_US (10 * G_USEC_PER_SEC)

static void finish (RpSession *self);

void
rp_session_tell_timeline (RpSession *self, RpTimelineEventType type, const char *text)
{
  RpTimelineEvent event;
  rp_timeline_event_init (&event, type, rp_loop_now_us (), text, NULL);
  event.end = self->end;
  event.failed = self->end_failed;
  self->events.timeline (&event, self->user_data);
}

/* --- the end --- */

/* The client is told, then the call ends. */
static void
say_goodbye (RpSession *self, RpTimelineEnd end, const char *reason, gboolean failed,
             const char *error)
{
  if (self->phase >= RP_SESSION_PHASE_GOODBYE)
    return;
  if (self->end_reason == NULL) {
    self->end_reason = g_strdup (reason);
    self->end = end;
  }
  self->end_failed |= failed;
  self->phase = RP_SESSION_PHASE_GOODBYE;
  /* Without a data channel there is no word to wait for. */
  self->phase_until_us = rp_loop_now_us () + (self->remote->has_data ? GOODBYE_US : 0);
  self->state = RP_CALL_ENDING;
  if (error != NULL)
    rp_session_data_error (self->data, error, TRUE);
  rp_session_data_ended (self->data);
}

static void
end_now (RpSession *self, RpTimelineEnd end, const char *reason, gboolean failed)
{
  if (self->phase == RP_SESSION_PHASE_ENDED)
    return;
  if (self->end_reason == NULL) {
    self->end_reason = g_strdup (reason);
    self->end = end;
    self->end_failed = failed;
  }
  finish (self);
}

static void
snapshot (RpSession *self)
{
  RpMediaStats media;
  RpSessionDataStats data;
  rp_media_stats (self->media, &media);
  rp_session_data_stats (self->data, &data);
  RpCallSnapshot s = {
      .state = self->state,
      .connected = self->peer != NULL && rp_peer_state (self->peer) == RP_PEER_STATE_CONNECTED,
      .connected_us = self->connected_us,
      .turns = self->turns,
      .worker_restarts = rp_session_worker_restarts (self->worker),
      .worker = rp_session_worker_id (self->worker),
      .messages_dropped = data.dropped,
      .messages_invalid = data.dialect.client_invalid,
      .results_late = data.dialect.client_late,
      .audio_dropped = rp_session_worker_audio_dropped (self->worker),
      .worker_cpu_us = rp_session_worker_cpu_us (self->worker),
      .worker_stt_us = rp_session_worker_take_stt_us (self->worker),
  };
  memcpy (s.stt_ms, self->stt_ms, sizeof s.stt_ms);
  rp_session_stats_media (&media, &s);
  self->events.snapshot (&s, self->user_data);
}

static void
finish (RpSession *self)
{
  self->phase = RP_SESSION_PHASE_ENDED;
  self->state = RP_CALL_ENDING;
  rp_loop_remove_ticker (self->config->loop, self->ticker);
  self->ticker = 0;
  snapshot (self);
  rp_session_worker_end (self->worker, self->end_reason);
  rp_media_bye (self->media, rp_loop_now_us ());
  if (self->peer != NULL)
    rp_peer_close (self->peer, self->end_reason);
  rp_session_tell_timeline (self, RP_TIMELINE_ENDED, self->end_reason);
  self->events.ended (self->end_reason, self->end_failed, self->user_data);
}

/* --- media --- */

static gboolean
media_send_rtp (guint8 *buf, gsize len, gsize size, gpointer user_data)
{
  RpSession *self = user_data;
  RpSdpDirection direction = self->remote->audio_direction;
  if (!self->remote->has_audio || direction == RP_SDP_RECVONLY || direction == RP_SDP_INACTIVE)
    return FALSE;
  return rp_peer_send_rtp (self->peer, buf, len, size);
}

static gboolean
media_send_rtcp (guint8 *buf, gsize len, gsize size, gpointer user_data)
{
  RpSession *self = user_data;
  return rp_peer_send_rtcp (self->peer, buf, len, size);
}

static void
media_audio_in (gint64 pos_samples, RpAudioKind kind, const gint16 *pcm, guint n_samples,
                gint64 arrival_us, gpointer user_data)
{
  RpSession *self = user_data;
  rp_session_worker_audio_in (self->worker, pos_samples, kind, pcm, n_samples, arrival_us);
}

static void
media_input (gint64 pos_samples, gboolean stalled, gpointer user_data)
{
  RpSession *self = user_data;
  self->stall_told_us = stalled ? rp_loop_now_us () : 0;
  rp_session_worker_input (self->worker, pos_samples, stalled);
}

static void
media_playout (const RpPlayout *playout, gpointer user_data)
{
  RpSession *self = user_data;
  RpTimelineEvent event;
  rp_session_worker_playout (self->worker, playout);
  if (rp_session_stats_playout (playout, rp_media_queued (self->media), rp_loop_now_us (),
                                &self->audible, &event))
    self->events.timeline (&event, self->user_data);
}

static const RpMediaEvents media_events = {
    .send_rtp = media_send_rtp,
    .send_rtcp = media_send_rtcp,
    .audio_in = media_audio_in,
    .input = media_input,
    .playout = media_playout,
};

/* --- the client's messages --- */

static gboolean
data_send (guint16 stream, const char *text, gsize len, gpointer user_data)
{
  RpSession *self = user_data;
  return self->peer != NULL && rp_peer_send_message (self->peer, stream, FALSE, text, len, NULL);
}

static void
data_to_worker (const char *json, gpointer user_data)
{
  RpSession *self = user_data;
  rp_session_worker_client (self->worker, json);
}

static void
data_ready (gpointer user_data)
{
  RpSession *self = user_data;
  self->client_ready = TRUE;
}

static void
data_hang_up (gpointer user_data)
{
  RpSession *self = user_data;
  /* Freed by its owner later; until then nothing more happens. */
  if (self->phase == RP_SESSION_PHASE_OPEN || self->phase == RP_SESSION_PHASE_PLAYING_OUT)
    say_goodbye (self, RP_TIMELINE_END_CLIENT, "the client hung up", FALSE, NULL);
}

static const RpSessionDataEvents data_events = {
    .send = data_send,
    .to_worker = data_to_worker,
    .ready = data_ready,
    .hang_up = data_hang_up,
};

/* --- the worker --- */

static gboolean
worker_audio_out (const RpAudioOut *audio, gpointer user_data)
{
  RpSession *self = user_data;
  return rp_media_audio_out (self->media, audio);
}

static void
worker_flush (guint32 utterance, gpointer user_data)
{
  RpSession *self = user_data;
  rp_media_flush (self->media, rp_loop_now_us (), utterance);
}

static void
worker_event (const RpWorkerEvent *event, gpointer user_data)
{
  RpSession *self = user_data;
  RpTimelineEvent told;
  RpLatencies latencies;
  self->turns += event->type == RP_WORKER_EVENT_USER_TURN ? 1 : 0;
  self->state = rp_session_stats_state (self->state, event);
  if (event->type == RP_WORKER_EVENT_TURN_METRICS) {
    rp_session_stats_latencies (event->object, &latencies);
    self->events.latencies (&latencies, self->user_data);
  }
  if (event->type == RP_WORKER_EVENT_STT_INPUT)
    rp_session_stats_stt_input (event->object, self->stt_ms);
  if (self->phase >= RP_SESSION_PHASE_GOODBYE)
    self->state = RP_CALL_ENDING;
  if (rp_session_stats_event (event, rp_loop_now_us (), &told))
    self->events.timeline (&told, self->user_data);
  rp_session_data_event (self->data, event, g_get_real_time ());
}

static void
worker_hangup (const char *reason, gpointer user_data)
{
  RpSession *self = user_data;
  if (self->phase != RP_SESSION_PHASE_OPEN)
    return;
  self->phase = RP_SESSION_PHASE_PLAYING_OUT;
  self->phase_until_us = 0;
  self->state = RP_CALL_ENDING;
  self->end_reason = g_strdup_printf ("the agent hung up: %s", reason);
  self->end = RP_TIMELINE_END_AGENT;
}

static void
worker_lost (RpWorkerLost reason, const char *text, gboolean give_up, gpointer user_data)
{
  RpSession *self = user_data;
  if (self->phase != RP_SESSION_PHASE_OPEN)
    return;
  g_autofree char *what = rp_log_redact (text);
  rp_log_warning ("call", "worker lost", RP_LOG_STR ("call", self->config->call),
                  RP_LOG_STR ("how", rp_worker_lost_name (reason)), RP_LOG_STR ("what", what));
  rp_session_tell_timeline (self, RP_TIMELINE_WORKER_LOST, rp_worker_lost_name (reason));
  rp_session_data_worker_replaced (self->data);
  if (give_up) {
    say_goodbye (self, RP_TIMELINE_END_WORKER, "the agent failed too often", TRUE,
                 "The agent has failed several times in a row. Please call again later.");
  } else {
    self->worker_due_us = rp_loop_now_us () + WORKER_WAIT_US;
    self->events.need_worker (self->user_data);
  }
}

static const RpSessionWorkerEvents worker_events = {
    .audio_out = worker_audio_out,
    .flush = worker_flush,
    .event = worker_event,
    .hangup = worker_hangup,
    .lost = worker_lost,
};

void
rp_session_set_worker (RpSession *self, RpWorkerLink *link)
{
  RpSessionWorkerStart start = {
      .call = self->config->call,
      .agent = self->config->agent,
      .request_data = self->config->request_data,
      .encoder = self->encoder,
      .connected = self->worker_told,
      .input_pos_samples = rp_media_input_pos (self->media),
  };
  if (self->phase != RP_SESSION_PHASE_OPEN) {
    rp_worker_link_free (link);
    return;
  }
  start.n_utterances = rp_media_utterances (self->media, start.utterances);
  rp_session_worker_set (self->worker, link, &start);
  self->worker_due_us = 0;
  rp_session_tell_timeline (self, RP_TIMELINE_WORKER_READY, NULL);
  if (self->draining)
    rp_session_drain (self);
}

void
rp_session_no_worker (RpSession *self)
{
  say_goodbye (self, RP_TIMELINE_END_WORKER, "no worker", TRUE,
               "The agent cannot be reached any more. Please call again later.");
}

/* The greeting may begin when media flows both ways and the client can hear what is said about it:
 * our end of the handshake is not the client's, which may have lost our last flight. One that has
 * nothing to hear it with, or takes its time, is not waited for. */
static gboolean
can_hear (const RpSession *self, gint64 now_us)
{
  gint64 wait_us = self->remote->has_data ? RP_SESSION_KEYS_WAIT_DATA_US : RP_SESSION_KEYS_WAIT_US;
  if (self->client_ready || now_us >= self->connected_us + wait_us)
    return TRUE;
  if (self->keyed_us == 0)
    return FALSE;
  return !self->remote->has_data || now_us >= self->keyed_us + RP_SESSION_READY_WAIT_US;
}

static void
tell_worker (RpSession *self, gint64 now_us)
{
  if (self->worker_told || self->connected_us == 0 || !rp_session_worker_is_there (self->worker) ||
      !can_hear (self, now_us))
    return;
  rp_session_worker_client (self->worker, "{\"type\":\"connected\"}");
  self->worker_told = TRUE;
  if (self->state == RP_CALL_CONNECTING)
    self->state = RP_CALL_LISTENING;
}

/* --- the peer connection --- */

static void
peer_state_changed (RpPeer *peer, RpPeerState state, const char *reason, gpointer user_data)
{
  RpSession *self = user_data;
  if (peer != self->peer || self->phase == RP_SESSION_PHASE_ENDED)
    return;
  gint64 now_us = rp_loop_now_us ();
  switch (state) {
  case RP_PEER_STATE_CONNECTED:
    self->activity_us = now_us;
    rp_media_set_transport (self->media, TRUE, now_us);
    rp_session_tell_timeline (self, RP_TIMELINE_CONNECTED, NULL);
    if (self->connected_us == 0) {
      self->connected_us = now_us;
      self->events.connected (self->user_data);
    }
    tell_worker (self, now_us);
    break;
  case RP_PEER_STATE_FAILED:
    rp_media_set_transport (self->media, FALSE, 0);
    rp_session_data_disconnected (self->data);
    self->activity_us = now_us;
    if (self->connected_us == 0)
      end_now (self, RP_TIMELINE_END_UNREACHABLE,
               *reason != '\0' ? reason : "the connection failed", TRUE);
    else
      rp_session_tell_timeline (self, RP_TIMELINE_DISCONNECTED, reason);
    break;
  case RP_PEER_STATE_CLOSED:
    rp_media_set_transport (self->media, FALSE, 0);
    end_now (self, RP_TIMELINE_END_CLIENT, "the client hung up", FALSE);
    break;
  case RP_PEER_STATE_NEW:
  case RP_PEER_STATE_CHECKING:
  case RP_PEER_STATE_SECURING:
    break;
  }
}

static void
note_keyed (RpSession *self, gint64 now_us)
{
  if (self->keyed_us == 0)
    self->keyed_us = now_us;
}

static void
peer_rtp (RpPeer *peer, guint8 *packet, gsize len, gint64 arrival_us, gpointer user_data)
{
  RpSession *self = user_data;
  note_keyed (self, arrival_us);
  if (self->phase != RP_SESSION_PHASE_ENDED && self->remote->has_audio)
    rp_media_rtp (self->media, arrival_us, packet, len);
}

static void
peer_rtcp (RpPeer *peer, guint8 *packet, gsize len, gint64 arrival_us, gpointer user_data)
{
  RpSession *self = user_data;
  note_keyed (self, arrival_us);
  if (self->phase == RP_SESSION_PHASE_ENDED)
    return;
  rp_media_rtcp (self->media, arrival_us, packet, len);
  if (self->encoder.fec == rp_media_wants_fec (self->media))
    return;
  self->encoder.fec = !self->encoder.fec;
  rp_session_worker_encoder (self->worker, &self->encoder);
}

static void
peer_channel_open (RpPeer *peer, guint16 stream, const char *label, const char *protocol,
                   gpointer user_data)
{
  RpSession *self = user_data;
  note_keyed (self, rp_loop_now_us ());
  rp_session_data_channel_open (self->data, stream, label);
}

static void
peer_message (RpPeer *peer, guint16 stream, gboolean binary, const guint8 *message, gsize len,
              gpointer user_data)
{
  RpSession *self = user_data;
  if (self->phase == RP_SESSION_PHASE_ENDED || binary)
    return;
  rp_session_data_message (self->data, stream, (const char *) message, len, rp_loop_now_us ());
  tell_worker (self, rp_loop_now_us ());
}

static void
peer_channel_closed (RpPeer *peer, guint16 stream, gpointer user_data)
{
  RpSession *self = user_data;
  rp_session_data_channel_closed (self->data, stream);
}

const RpPeerEvents rp_session_peer_events = {
    .state_changed = peer_state_changed,
    .rtp = peer_rtp,
    .rtcp = peer_rtcp,
    .channel_open = peer_channel_open,
    .message = peer_message,
    .channel_closed = peer_channel_closed,
};

/* --- time --- */

static void
check_inactivity (RpSession *self, gint64 now_us)
{
  RpPeerTimes times;
  RpPeerState state = rp_peer_state (self->peer);
  rp_peer_times (self->peer, &times);
  gint64 last_us = MAX (times.last_activity_us, self->activity_us);
  if (now_us - last_us <= self->config->inactivity_timeout_us)
    return;
  /* Before it was ever connected, one that no path leads to gives its worker back; one that a path
   * was found to may take its time (connect_timeout_us). */
  if (self->connected_us == 0 && state == RP_PEER_STATE_CHECKING)
    end_now (self, RP_TIMELINE_END_UNREACHABLE, "nothing ever came from the client", TRUE);
  else if (self->connected_us != 0 &&
           (state == RP_PEER_STATE_CONNECTED || state == RP_PEER_STATE_FAILED))
    end_now (self, RP_TIMELINE_END_LOST, "nothing came from the client any more", FALSE);
}

/* A microphone that has gone is one thing, a network that has gone another: nobody hears an answer
 * there, so the worker is told again and waits. */
static void
check_stall (RpSession *self, gint64 now_us)
{
  RpPeerTimes times;
  if (self->stall_told_us == 0 || now_us - self->stall_told_us < DEAD_PATH_REPEAT_US)
    return;
  rp_peer_times (self->peer, &times);
  if (now_us - MAX (times.last_activity_us, self->activity_us) < DEAD_PATH_US)
    return;
  self->stall_told_us = now_us;
  rp_session_worker_input (self->worker, rp_media_input_pos (self->media), TRUE);
}

static void
check_phase (RpSession *self, gint64 now_us)
{
  if (self->phase == RP_SESSION_PHASE_OPEN && self->worker_due_us != 0 &&
      now_us >= self->worker_due_us)
    rp_session_no_worker (self);
  if (self->phase == RP_SESSION_PHASE_PLAYING_OUT) {
    if (rp_media_queued (self->media) > 0)
      self->phase_until_us = 0;
    else if (self->phase_until_us == 0)
      self->phase_until_us = now_us + PLAY_OUT_US;
    else if (now_us >= self->phase_until_us)
      say_goodbye (self, RP_TIMELINE_END_AGENT, "the agent hung up", FALSE, NULL);
  } else if (self->phase == RP_SESSION_PHASE_GOODBYE && now_us >= self->phase_until_us) {
    finish (self);
  }
}

static void
tell_setup (RpSession *self)
{
  RpMediaStats stats;
  if (self->setup_told || self->connected_us == 0)
    return;
  rp_media_stats (self->media, &stats);
  if (stats.first_sent_us == 0)
    return;
  RpLatencies latencies;
  rp_latencies_init (&latencies);
  latencies.us[RP_LATENCY_SETUP] = stats.first_sent_us - self->offered_us;
  self->setup_told = TRUE;
  self->events.latencies (&latencies, self->user_data);
}

static void
on_tick (gint64 now_us, gpointer data)
{
  RpSession *self = data;
  if (self->peer == NULL)
    return;
  if (self->ticked_us != 0 && now_us - self->ticked_us > STANDSTILL_US)
    self->activity_us = now_us; /* the silence was ours */
  self->ticked_us = now_us;
  rp_peer_tick (self->peer, now_us);
  if (self->phase == RP_SESSION_PHASE_ENDED)
    return;
  rp_media_tick (self->media, now_us);
  tell_setup (self);
  tell_worker (self, now_us);
  check_stall (self, now_us);
  check_phase (self, now_us);
  if (self->phase == RP_SESSION_PHASE_ENDED)
    return;
  if (now_us >= self->snapshot_due_us) {
    self->snapshot_due_us = now_us + RP_SESSION_SNAPSHOT_US;
    snapshot (self);
  }
  check_inactivity (self, now_us);
}

/* --- life --- */

void
rp_session_warm_up (const RpSessionConfig *config)
{
  const guint8 zeros[RP_DTLS_SRTP_MASTER] = {0};
  const RpMediaConfig media = {.ssrc = 1, .cname = "warm-up"};
  const RpPeerConfig peer = {.role = RP_PEER_ANSWERER,
                             .certificate = config->certificate,
                             .local_addresses = config->ice_address,
                             .with_loopback = config->with_loopback,
                             .port_min = config->udp_port_min,
                             .port_max = config->udp_port_max};
  rp_srtp_free (rp_srtp_new (zeros, zeros, NULL));
  rp_media_free (rp_media_new (&media, &media_events, NULL, rp_loop_now_us ()));
  /* A failure will come again with the first call, where somebody can be told. */
  rp_peer_free (rp_peer_new (config->loop, &peer, &rp_session_peer_events, NULL, NULL));
}

RpSession *
rp_session_new (const RpSessionConfig *config, const RpSessionEvents *events, gpointer user_data)
{
  gint64 now_us = rp_loop_now_us ();
  RpSession *self = g_new0 (RpSession, 1);
  self->config = config;
  self->events = *events;
  self->user_data = user_data;
  self->state = RP_CALL_CONNECTING;
  self->encoder = (RpEncoderSettings){.complexity = config->complexity, .fec = TRUE};
  rp_session_sdp_init (&self->sdp, NULL);
  const RpMediaConfig media = {
      .ssrc = self->sdp.ssrc,
      .first_sequence = (guint16) (g_random_int () & 0x7fff),
      .first_timestamp = g_random_int (),
      .cname = self->sdp.cname,
      .random_seed = g_random_int (),
  };
  self->media = rp_media_new (&media, &media_events, self, now_us);
  self->data = rp_session_data_new (rp_rtvi_dialect_new (), &data_events, self);
  self->worker = rp_session_worker_new (config->loop, &worker_events, self);
  self->ticker = rp_loop_add_ticker (config->loop, on_tick, self);
  return self;
}

void
rp_session_free (RpSession *self)
{
  if (self == NULL)
    return;
  if (self->ticker != 0)
    rp_loop_remove_ticker (self->config->loop, self->ticker);
  rp_session_worker_free (self->worker);
  rp_peer_free (self->peer);
  rp_session_data_free (self->data);
  rp_media_free (self->media);
  rp_session_sdp_clear (&self->sdp);
  g_free (self->remote);
  g_free (self->end_reason);
  g_free (self);
}

void
rp_session_set_complexity (RpSession *self, guint complexity)
{
  self->encoder.complexity = complexity;
  rp_session_worker_encoder (self->worker, &self->encoder);
}

void
rp_session_drain (RpSession *self)
{
  self->draining = TRUE;
  if (self->connected_us == 0) {
    /* There is nobody to say goodbye to. */
    end_now (self, RP_TIMELINE_END_SERVER, "the server is going down", FALSE);
    return;
  }
  /* The next worker, if there is none now, is told when it comes. */
  if (rp_session_worker_is_there (self->worker))
    rp_session_worker_client (self->worker, "{\"type\":\"drain\"}");
}

void
rp_session_end (RpSession *self, RpTimelineEnd end, const char *reason)
{
  if (self->connected_us == 0)
    end_now (self, end, reason, FALSE);
  else
    say_goodbye (self, end, reason, FALSE, NULL);
}
