#include "call-priv.h"

#include "json.h"
#include "rtp.h"
#include "rtvi.h"
#include "sdp.h"

#include <gio/gio.h>
#include <string.h>

/* A late tick sends what was due, as a sound card's buffer does, but no more than this. */
#define MAX_CATCH_UP_FRAMES 10
#define FRAME_TIMESTAMPS 960 /* 20 ms at RTP's 48 kHz */
#define MAX_PACKET 1500

static void
finish (RpCall *call, const char *failure)
{
  if (call->over)
    return;
  call->over = TRUE;
  call->end_us = rp_loop_now_us ();
  call->failure = g_strdup (failure);
  rp_call_meter_finish (call->meter);
  if (failure)
    rp_call_journal_add (call->journal, call->end_us, "failed", NULL);
  rp_call_journal_add (call->journal, call->end_us, "end", NULL);
  call->done (call->user_data);
}

void
rp_call_fail (RpCall *call, const char *failure)
{
  finish (call, failure);
}

static void
send_message (RpCall *call, const char *json)
{
  g_autoptr (GError) error = NULL;
  if (!rp_peer_send_message (call->peer, (guint16) call->chat, FALSE, json, strlen (json), &error))
    finish (call, error->message);
}

static void
send_client_ready (RpCall *call)
{
  g_autofree char *json = g_strdup_printf (
      "{\"label\":\"" RP_RTVI_LABEL "\",\"type\":\"client-ready\",\"id\":\"%" G_GUINT64_FORMAT
      "\",\"data\":{\"version\":\"" RP_RTVI_VERSION
      "\",\"about\":{\"library\":\"repartee-call\",\"library_version\":\"" RP_VERSION "\"}}}",
      ++call->next_id);
  send_message (call, json);
}

static void
send_text (RpCall *call, const char *text)
{
  g_autoptr (GString) json =
      g_string_new ("{\"label\":\"" RP_RTVI_LABEL "\",\"type\":\"send-text\"");
  g_string_append_printf (
      json, ",\"id\":\"%" G_GUINT64_FORMAT "\",\"data\":{\"content\":", ++call->next_id);
  rp_json_append_string (json, text);
  g_string_append (json, ",\"options\":{\"run_immediately\":true,\"audio_response\":true}}}");
  send_message (call, json->str);
}

static void
on_ear (gint64 arrival_us, double level_dbfs, gpointer user_data)
{
  RpCall *call = user_data;
  gboolean first = rp_call_meter_first_audible_us (call->meter) == 0;
  gboolean onset =
      rp_call_meter_agent (call->meter, arrival_us, level_dbfs >= RP_CALL_AUDIBLE_DBFS);

  if (onset && first)
    rp_call_journal_add (call->journal, arrival_us, "first-audible", NULL);
  if (onset && !call->agent_talking) {
    call->agent_talking = TRUE;
    rp_call_journal_add (call->journal, arrival_us, "agent-started", NULL);
  }
}

static void
on_rtp (RpPeer *peer, guint8 *data, gsize len, gint64 arrival_us, gpointer user_data)
{
  RpCall *call = user_data;
  RpRtpPacket packet;

  if (call->over || !rp_rtp_parse (data, len, &packet))
    return;
  if (call->first_rtp_us == 0) {
    call->first_rtp_us = arrival_us;
    rp_call_journal_add (call->journal, arrival_us, "first-rtp", "\"ssrc\":%u", packet.ssrc);
  }
  rp_call_restarts_rtp (call, arrival_us);
  rp_rtcp_session_received (call->rtcp, arrival_us, packet.ssrc, packet.sequence, packet.timestamp);
  gboolean opus = packet.payload_type == call->payload_type;
  gboolean red = call->red_payload_type != 0 && packet.payload_type == call->red_payload_type;
  call->red_received += red ? 1 : 0;
  rp_call_ear_input (call->ear, arrival_us, packet.ssrc, packet.sequence, packet.timestamp,
                     packet.marker, packet.payload, opus || red ? packet.payload_bytes : 0,
                     red ? call->payload_type : 0);
}

static void
on_rtcp (RpPeer *peer, guint8 *data, gsize len, gint64 arrival_us, gpointer user_data)
{
  RpCall *call = user_data;
  rp_rtcp_session_input (call->rtcp, arrival_us, data, len);
}

static void
on_channel_open (RpPeer *peer, guint16 stream, const char *label, const char *protocol,
                 gpointer user_data)
{
  RpCall *call = user_data;
  if (call->over || stream != call->chat)
    return;
  call->chat_open = TRUE;
  rp_call_journal_add (call->journal, rp_loop_now_us (), "channel-open", NULL);
}

static void
on_message (RpPeer *peer, guint16 stream, gboolean binary, const guint8 *data, gsize len,
            gpointer user_data)
{
  RpCall *call = user_data;
  gint64 now_us = rp_loop_now_us ();
  g_autoptr (JsonNode) root = rp_json_parse ((const char *) data, len, 0, NULL);

  if (call->over)
    return;
  if (!root || !JSON_NODE_HOLDS_OBJECT (root)) {
    g_autoptr (GString) text = g_string_new (NULL);
    rp_json_append_string (text, (const char *) data);
    rp_call_journal_add (call->journal, now_us, "message", "\"text\":%s", text->str);
    return;
  }
  JsonObject *object = json_node_get_object (root);
  const char *type = rp_json_string (object, "type", "?");
  JsonObject *payload = rp_json_object (object, "data");
  g_autofree char *json = rp_json_to_string (root);
  rp_call_journal_add (call->journal, now_us, "rtvi", "\"message\":%s", json);
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (call->rtvi, type));
  g_hash_table_insert (call->rtvi, g_strdup (type), GUINT_TO_POINTER (n + 1));
  if (g_str_equal (type, "bot-ready") && call->bot_ready_us == 0)
    call->bot_ready_us = now_us;
  if (g_str_equal (type, "user-transcription") && rp_json_bool (payload, "final", FALSE))
    g_ptr_array_add (call->transcripts, g_strdup (rp_json_string (payload, "text", "")));
}

static void
on_channel_closed (RpPeer *peer, guint16 stream, gpointer user_data)
{
  RpCall *call = user_data;
  if (stream == call->chat)
    rp_call_journal_add (call->journal, rp_loop_now_us (), "channel-closed", NULL);
}

/* The microphone's clock starts when media can flow. */
static void
on_connected (RpCall *call)
{
  g_autoptr (GError) error = NULL;

  call->connected_us = rp_loop_now_us ();
  call->mic_due_us = call->connected_us;
  rp_call_ear_record_from (call->ear, call->connected_us);
  if (call->network)
    rp_call_network_start (call->network, call->connected_us);
  call->chat = rp_peer_open_channel (call->peer, "chat", "", &error);
  if (call->chat < 0) {
    /* A server without data channels may still talk. */
    rp_call_journal_add (call->journal, call->connected_us, "no-channel", NULL);
    return;
  }
  send_client_ready (call);
}

static void
on_state (RpPeer *peer, RpPeerState state, const char *reason, gpointer user_data)
{
  RpCall *call = user_data;
  g_autoptr (GString) quoted = g_string_new (NULL);

  if (call->over)
    return;
  rp_json_append_string (quoted, reason);
  rp_call_journal_add (call->journal, rp_loop_now_us (), rp_peer_state_name (state),
                       "\"reason\":%s", quoted->str);
  if (state == RP_PEER_STATE_CONNECTED) {
    on_connected (call);
  } else if (state == RP_PEER_STATE_FAILED) {
    finish (call, reason);
  } else if (state == RP_PEER_STATE_CLOSED) {
    /* After everything was said the agent may well hang up; whether all was answered is seen later.
     */
    call->ended_by = g_strdup (reason);
    finish (call, call->step == call->config.steps->len ? NULL : reason);
  }
}

/* One frame of the microphone, with the one before it when the server takes copies. Returns: the
 * payload's bytes. */
static gsize
make_payload (RpCall *call, guint8 *out, gsize size, guint *out_flags)
{
  guint8 opus[MAX_PACKET];
  RpRed red = {.n_blocks = call->before_bytes > 0 ? 1 : 0,
               .blocks = {{call->payload_type, FRAME_TIMESTAMPS, call->before, call->before_bytes}},
               .primary = {call->payload_type, 0, opus, 0}};
  if (call->red_payload_type == 0) {
    gsize len = 0;
    *out_flags = rp_call_mic_frame (call->mic, out, size, &len);
    return len;
  }
  *out_flags = rp_call_mic_frame (call->mic, opus, size, &red.primary.len);
  gsize len = rp_red_write (&red, out, size);
  call->before_bytes = MIN (red.primary.len, sizeof call->before);
  memcpy (call->before, opus, call->before_bytes);
  return len;
}

static void
send_frame (RpCall *call, gint64 now_us)
{
  guint8 buffer[MAX_PACKET + RP_PEER_TAILROOM];
  RpRtpPacket header = {.marker = call->sent_packets == 0,
                        .payload_type = call->red_payload_type != 0 ? call->red_payload_type
                                                                    : call->payload_type,
                        .sequence = call->sequence++,
                        .timestamp = call->timestamp,
                        .ssrc = call->ssrc};
  guint flags = 0;
  gsize at = rp_rtp_write_header (&header, buffer, sizeof buffer);
  gsize payload = make_payload (call, buffer + at, MAX_PACKET - at, &flags);

  call->timestamp += FRAME_TIMESTAMPS;
  if (rp_peer_send_rtp (call->peer, buffer, at + payload, sizeof buffer)) {
    call->sent_packets++;
    rp_rtcp_session_sent (call->rtcp, now_us, header.timestamp, payload);
  }
  if (flags & RP_CALL_FRAME_SPEECH_START) {
    rp_call_meter_speech_start (call->meter, now_us);
    rp_call_journal_add (call->journal, now_us, "speech-start", "\"step\":%u", call->step - 1);
  }
  if (flags & RP_CALL_FRAME_SPEECH_END) {
    rp_call_meter_speech_end (call->meter, now_us);
    rp_call_journal_add (call->journal, now_us, "speech-end", "\"step\":%u", call->step - 1);
  }
  if (flags & RP_CALL_FRAME_CLIP_END)
    call->speaking = FALSE;
}

static void
run_mic (RpCall *call, gint64 now_us)
{
  double frame_us = RP_CALL_FRAME_US / (1 + call->config.impair.skew_ppm / 1e6);
  for (guint i = 0; i < MAX_CATCH_UP_FRAMES && call->mic_due_us <= now_us; i++) {
    call->max_mic_late_us = MAX (call->max_mic_late_us, now_us - call->mic_due_us);
    call->mic_due_us = call->connected_us + (gint64) (frame_us * (double) ++call->mic_frames);
    send_frame (call, now_us);
  }
}

static void
start_step (RpCall *call, const RpCallStep *step, gint64 now_us)
{
  call->step++;
  rp_call_journal_add (call->journal, now_us, "step", "\"step\":%u,\"kind\":\"%s\"", call->step - 1,
                       rp_call_step_name (step->kind));
  if (step->kind == RP_CALL_TEXT) {
    rp_call_meter_speech_start (call->meter, now_us);
    rp_call_meter_speech_end (call->meter, now_us);
    send_text (call, step->text);
  } else {
    rp_call_mic_play (call->mic, step->clip);
    call->speaking = TRUE;
  }
}

static void
run_script (RpCall *call, gint64 now_us)
{
  GPtrArray *steps = call->config.steps;
  const RpCallStep *step = call->step < steps->len ? g_ptr_array_index (steps, call->step) : NULL;

  if (call->speaking || (step && step->kind == RP_CALL_TEXT && !call->chat_open))
    return;
  if (call->done_us > 0) {
    if (now_us - call->done_us >= call->config.linger_us)
      finish (call, NULL);
    return;
  }
  switch (rp_call_script_next (&call->config.script, step, call->step, call->meter,
                               call->connected_us, now_us)) {
  case RP_CALL_START:
    start_step (call, step, now_us);
    break;
  case RP_CALL_DONE:
    call->done_us = now_us;
    rp_call_journal_add (call->journal, now_us, "done", NULL);
    break;
  case RP_CALL_WAIT:
    break;
  }
}

static void
note_agent_stopped (RpCall *call, gint64 now_us)
{
  gint64 last_us = rp_call_meter_last_audible_us (call->meter);
  if (!call->agent_talking || now_us - last_us < RP_CALL_STOP_GAP_US)
    return;
  call->agent_talking = FALSE;
  rp_call_journal_add (call->journal, last_us, "agent-stopped", NULL);
}

static void
on_tick (gint64 now_us, gpointer data)
{
  RpCall *call = data;
  RpRtcpOut report;

  if (call->over)
    return;
  rp_peer_tick (call->peer, now_us);
  if (call->over || call->connected_us == 0)
    return;
  run_mic (call, now_us);
  rp_call_ear_poll (call->ear, now_us);
  while (rp_rtcp_session_poll (call->rtcp, now_us, &report)) {
    guint8 buffer[RP_RTCP_MAX_REPORT_BYTES + RP_PEER_TAILROOM];
    memcpy (buffer, report.data, report.length);
    rp_peer_send_rtcp (call->peer, buffer, report.length, sizeof buffer);
  }
  note_agent_stopped (call, now_us);
  rp_call_restarts_tick (call, now_us);
  if (!call->over)
    run_script (call, now_us);
}

typedef struct {
  RpCall *call;
  const char *text;
  char *result;
  gboolean ok;
  GError **error;
} Sync;

static void
create (gpointer data)
{
  static const RpPeerEvents events = {.state_changed = on_state,
                                      .rtp = on_rtp,
                                      .rtcp = on_rtcp,
                                      .channel_open = on_channel_open,
                                      .message = on_message,
                                      .channel_closed = on_channel_closed};
  Sync *sync = data;
  RpCall *call = sync->call;
  RpPeerConfig config = {.role = RP_PEER_OFFERER,
                         .certificate = call->certificate,
                         .local_addresses = call->config.local_addresses,
                         .with_loopback = call->config.with_loopback};

  call->peer = rp_peer_new (call->loop, &config, &events, call, sync->error);
  if (!call->peer)
    return;
  call->ticker = rp_loop_add_ticker (call->loop, on_tick, call);
  sync->ok = TRUE;
}

RpCall *
rp_call_new (RpLoop *loop, const RpCallConfig *config, RpCallJournal *journal, RpCallDoneFunc done,
             gpointer user_data, GError **error)
{
  g_autoptr (RpCall) call = g_new0 (RpCall, 1);
  RpRtcpSessionConfig rtcp = {.cname = "repartee-call", .random_seed = config->impair.seed};

  call->loop = loop;
  call->config = *config;
  call->journal = journal;
  call->done = done;
  call->user_data = user_data;
  call->chat = -1;
  call->payload_type = 111;
  call->ssrc = rtcp.ssrc = g_random_int ();
  call->sequence = (guint16) g_random_int_range (0, 1 << 15);
  call->timestamp = g_random_int ();
  call->transcripts = g_ptr_array_new_with_free_func (g_free);
  call->rtvi = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  call->meter = rp_call_meter_new ();
  call->restarts = rp_call_restarts_new ();
  call->session_id = (guint64) g_random_int () << 16;
  call->rtcp = rp_rtcp_session_new (&rtcp, rp_loop_now_us ());
  call->network = rp_call_network_new (&config->impair);
  call->certificate = rp_dtls_certificate_new (error);
  if (!call->certificate || !rp_peer_init (error))
    return NULL;
  call->mic = rp_call_mic_new ((guint) (config->impair.out.loss * 100), error);
  if (!call->mic)
    return NULL;
  call->ear = rp_call_ear_new (on_ear, call, rp_loop_now_us (), error);
  if (!call->ear)
    return NULL;
  Sync sync = {.call = call, .error = error};
  rp_loop_call_sync (loop, create, &sync);
  return sync.ok ? g_steal_pointer (&call) : NULL;
}

static void
destroy (gpointer data)
{
  RpCall *call = data;
  if (call->ticker)
    rp_loop_remove_ticker (call->loop, call->ticker);
  call->over = TRUE;
  rp_peer_free (call->peer);
}

void
rp_call_free (RpCall *call)
{
  if (!call)
    return;
  rp_loop_call_sync (call->loop, destroy, call);
  rp_call_mic_free (call->mic);
  rp_call_ear_free (call->ear);
  rp_call_meter_free (call->meter);
  rp_call_restarts_free (call->restarts);
  rp_rtcp_session_free (call->rtcp);
  rp_call_network_free (call->network);
  rp_dtls_certificate_unref (call->certificate);
  g_ptr_array_unref (call->transcripts);
  g_hash_table_unref (call->rtvi);
  g_free (call->failure);
  g_free (call->ended_by);
  g_free (call);
}

static void
make_offer (gpointer data)
{
  Sync *sync = data;
  RpCall *call = sync->call;
  const RpPeerLocal *own = rp_peer_local (call->peer);
  RpSdpLocal local = {.session_id = call->session_id,
                      .session_version = ++call->session_version,
                      .ice_ufrag = own->ufrag,
                      .ice_pwd = own->pwd,
                      .candidates = own->candidates,
                      .n_candidates = (guint) own->n_candidates,
                      .end_of_candidates = TRUE,
                      .stream_id = "caller",
                      .track_id = "microphone",
                      .cname = "repartee-call",
                      .ssrc = call->ssrc,
                      .offer_red = call->config.red};
  memcpy (local.fingerprint, own->digest, sizeof local.fingerprint);
  if (call->network &&
      !rp_call_network_offer (call->network, &local.candidates, &local.n_candidates, sync->error))
    return;
  g_autoptr (RpSdp) sdp = rp_sdp_offer (&local);
  sync->result = rp_sdp_write (sdp);
}

char *
rp_call_offer (RpCall *call, GError **error)
{
  Sync sync = {.call = call, .error = error};
  rp_loop_call_sync (call->loop, make_offer, &sync);
  return sync.result;
}

void
rp_call_started (RpCall *call, gint64 start_us)
{
  call->start_us = start_us;
  rp_call_journal_start (call->journal, start_us);
  rp_call_journal_add (call->journal, start_us, "offer", NULL);
}

static void
set_answer (gpointer data)
{
  Sync *sync = data;
  RpCall *call = sync->call;
  g_autofree RpSdpRemote *summary = g_new0 (RpSdpRemote, 1);
  g_autoptr (RpSdp) sdp = rp_sdp_parse (sync->text, strlen (sync->text), sync->error);

  if (call->over || !sdp || !rp_sdp_remote_summary (sdp, RP_SDP_ANSWER, summary, sync->error))
    return;
  if (!summary->has_audio) {
    g_set_error_literal (sync->error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                         "the answer takes no audio");
    return;
  }
  call->payload_type = summary->opus_payload_type;
  call->red_payload_type = call->config.red ? summary->red_payload_type : 0;
  const RpCandidate *candidates = summary->candidates;
  guint n_candidates = summary->n_candidates;
  if (call->network &&
      !rp_call_network_answer (call->network, &candidates, &n_candidates, sync->error))
    return;
  if (call->answer_us > 0) {
    const RpPeerIceRemote again = {summary->ice_ufrag, summary->ice_pwd, candidates, n_candidates};
    sync->ok = rp_call_restarts_answer (call, &again, sync->error);
    return;
  }
  call->answer_us = rp_loop_now_us ();
  RpPeerRemote remote = {.ufrag = summary->ice_ufrag,
                         .pwd = summary->ice_pwd,
                         .fingerprints = summary->fingerprints,
                         .n_fingerprints = summary->n_fingerprints,
                         .local_setup = summary->local_setup,
                         .sctp_port = summary->has_data ? summary->sctp_port : 0,
                         .max_message_size = summary->max_message_size,
                         .candidates = candidates,
                         .n_candidates = n_candidates};
  rp_call_journal_add (call->journal, call->answer_us, "answer", "\"candidates\":%u",
                       summary->n_candidates);
  sync->ok = rp_peer_set_remote (call->peer, &remote, sync->error);
}

gboolean
rp_call_answer (RpCall *call, const char *sdp, GError **error)
{
  Sync sync = {.call = call, .text = sdp, .error = error};
  rp_loop_call_sync (call->loop, set_answer, &sync);
  return sync.ok;
}

/* A last report with BYE and DTLS's close_notify: either tells the server, should one get lost. */
static void
send_bye (RpCall *call)
{
  guint8 buffer[RP_RTCP_MAX_REPORT_BYTES + RP_PEER_TAILROOM];
  RpRtcpOut report;

  rp_rtcp_session_bye (call->rtcp, rp_loop_now_us (), &report);
  memcpy (buffer, report.data, report.length);
  rp_peer_send_rtcp (call->peer, buffer, report.length, sizeof buffer);
}

static void
hang_up (gpointer data)
{
  Sync *sync = data;
  finish (sync->call, sync->text);
  send_bye (sync->call);
  rp_peer_close (sync->call->peer, "hung up");
}

void
rp_call_hang_up (RpCall *call, const char *failure)
{
  Sync sync = {.call = call, .text = failure};
  rp_loop_call_sync (call->loop, hang_up, &sync);
}
