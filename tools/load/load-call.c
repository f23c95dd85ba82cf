#include "load-call.h"

#include "json.h"
#include "red.h"
#include "rtcp-session.h"
#include "rtp.h"
#include "rtvi.h"

#include <opus/opus.h>
#include <string.h>

#define FRAME_US 20000
#define FRAME_TIMESTAMPS 960 /* 20 ms at RTP's 48 kHz */
#define MAX_PACKET 1500
#define MAX_CATCH_UP_FRAMES 10
#define SRTP_TAG_BYTES 10
#define MAX_ANSWER_BYTES (256 * 1024)
/* From the answer to DTLS, and from there to the first packet. */
#define CONNECT_TIMEOUT_US (15 * G_USEC_PER_SEC)
/* A track that says nothing for so long is broken: an agent's silence is packets, too. */
#define MEDIA_TIMEOUT_US (10 * G_USEC_PER_SEC)
/* Of packets that need no looking into, one of so many is decrypted to see that it can be. */
#define LOOK_EVERY 16
/* As repartee-call has it. */
#define AUDIBLE_SQUARE 33935 /* of -45 dBFS: (32768 × 10^(-45/20))² */
#define DECODE_HZ 16000
#define MAX_DECODED (DECODE_HZ * 120 / 1000)

/* How speech is told without decoding it. SRTP hides what a packet holds but not its length; a
 * Repartee server fills silence with one fixed packet, which is also what a call begins with. A
 * packet of another length may be speech: it and those behind it are decoded until one is loud
 * enough, which is a handful per answer. */
struct _RpLoadCall {
  const RpLoadCommon *common;
  RpLoadCallConfig config;
  const RpLoadCallEvents *events;
  gpointer user_data;

  RpLoadPeer *peer;
  gboolean asking; /* over HTTP: we are called back whatever happens */
  gboolean over;
  gboolean freed; /* by the owner, waiting for HTTP */
  gint retry_after_s;
  gint64 offered_us;
  gint64 secured_us;
  gint64 first_rtp_us;
  gboolean bot_ready;

  RpRtcpSession *rtcp;
  RpNetem *out; /* (nullable) */
  RpNetem *in;  /* (nullable) */
  guint32 ssrc;
  guint16 sequence;
  guint32 timestamp;
  guint8 payload_type;
  guint8 red_payload_type; /* 0 = none */
  GBytes *before;          /* (nullable): the packet before, which its successor repeats */
  gint64 mic_due_us;
  gint64 frame_us; /* by its own clock */
  gint chat;

  const RpLoadClip *clip; /* (nullable): being said */
  guint frame;
  guint next_clip;
  RpLoadTalk talk;

  RpLoadWire wire;
  gsize silence_bytes;  /* 0 = not known yet */
  OpusDecoder *decoder; /* (nullable): while speech is looked for */
};

const char *
rp_load_stage_name (RpLoadStage stage)
{
  static const char *const names[RP_LOAD_N_STAGES] = {"none", "http", "rst",  "offer", "answer",
                                                      "ice",  "dtls", "sctp", "call"};
  return names[stage];
}

static void
finish (RpLoadCall *call, RpLoadEnd end, const char *reason)
{
  if (call->over)
    return;
  call->over = TRUE;
  call->events->ended (call, end, reason, call->user_data);
}

/* Returns: whether the call has vanished. */
static gboolean
killed_at (RpLoadCall *call, RpLoadStage stage)
{
  if (call->over || call->config.kill != stage)
    return call->over;
  rp_load_peer_free (g_steal_pointer (&call->peer));
  finish (call, RP_LOAD_END_KILLED, rp_load_stage_name (stage));
  return TRUE;
}

static void
send_client_ready (RpLoadCall *call)
{
  static const char ready[] =
      "{\"label\":\"" RP_RTVI_LABEL "\",\"type\":\"client-ready\",\"id\":\"1\",\"data\":{"
      "\"version\":\"" RP_RTVI_VERSION "\",\"about\":{\"library\":\"repartee-load\","
      "\"library_version\":\"" RP_VERSION "\"}}}";
  g_autoptr (GError) error = NULL;

  call->chat = rp_load_peer_open_channel (call->peer, "chat", &error);
  if (call->chat >= 0)
    rp_load_peer_send_text (call->peer, (guint16) call->chat, ready, &error);
  if (error)
    finish (call, RP_LOAD_END_FAILED, error->message);
}

static void
make_networks (RpLoadCall *call, gint64 now_us)
{
  RpNetemConfig config;
  if (rp_impair_netem (&call->common->impair, FALSE, call->config.number, now_us, &config))
    call->out = rp_netem_new (&config);
  if (rp_impair_netem (&call->common->impair, TRUE, call->config.number, now_us, &config))
    call->in = rp_netem_new (&config);
}

static void
on_secured (RpLoadCall *call)
{
  RpRtcpSessionConfig rtcp = {
      .cname = "repartee-load", .ssrc = call->ssrc, .random_seed = call->config.number};
  gint64 now_us = rp_loop_now_us ();

  call->secured_us = now_us;
  call->mic_due_us = now_us;
  call->rtcp = rp_rtcp_session_new (&rtcp, now_us);
  RpLoadTalkConfig talk = call->common->talk;
  talk.hesitate_us = call->config.hesitate_us;
  rp_load_talk_init (&call->talk, &talk, now_us);
  make_networks (call, now_us);
  if (call->common->with_data)
    send_client_ready (call);
}

static void
on_state (RpLoadPeerState state, const char *reason, gpointer user_data)
{
  RpLoadCall *call = user_data;

  if (call->over)
    return;
  switch (state) {
  case RP_LOAD_PEER_SECURING:
    killed_at (call, RP_LOAD_STAGE_ICE);
    break;
  case RP_LOAD_PEER_CONNECTED:
    if (!killed_at (call, RP_LOAD_STAGE_SCTP))
      on_secured (call);
    break;
  case RP_LOAD_PEER_CLOSED:
    finish (call, RP_LOAD_END_FAILED, "the server hung up");
    break;
  case RP_LOAD_PEER_FAILED:
    finish (call, RP_LOAD_END_FAILED, reason);
    break;
  case RP_LOAD_PEER_NEW:
  case RP_LOAD_PEER_CHECKING:
    break;
  }
}

static void
on_handshake (gpointer user_data)
{
  killed_at (user_data, RP_LOAD_STAGE_DTLS);
}

static gboolean
measuring (const RpLoadCall *call)
{
  return call->common->tally->measuring;
}

static void
count_turn (RpLoadCall *call, RpLoadTalkEvent event)
{
  RpLoadTally *tally = call->common->tally;
  if (!tally->measuring || !call->common->with_answers)
    return;
  switch (event) {
  case RP_LOAD_TALK_ANSWERED:
    rp_histogram_record (tally->voice_to_voice, call->talk.v2v_us);
    break;
  case RP_LOAD_TALK_EARLY:
    tally->answers_early++;
    break;
  case RP_LOAD_TALK_MISSING:
    tally->answers_missing++;
    break;
  case RP_LOAD_TALK_NOTHING:
    break;
  }
}

static gboolean
is_audible (RpLoadCall *call, const guint8 *payload, gsize len)
{
  opus_int16 pcm[MAX_DECODED];
  gint64 sum = 0;
  int error = 0;

  if (!call->decoder)
    call->decoder = opus_decoder_create (DECODE_HZ, 1, &error);
  if (!call->decoder)
    return FALSE;
  int n = opus_decode (call->decoder, payload, (opus_int32) len, pcm, MAX_DECODED, 0);
  for (int i = 0; i < n; i++)
    sum += pcm[i] * pcm[i];
  return n > 0 && sum / n >= AUDIBLE_SQUARE;
}

/* Of redundant audio, which comes when our reports tell of loss, the length of the primary block is
 * all that counts; it must be decrypted for that. */
static void
listen_to_red (RpLoadCall *call, guint8 *data, gsize len, gsize header_bytes, gint64 arrival_us)
{
  RpRed red;

  if (!rp_load_peer_unprotect (call->peer, data, &len)) {
    call->common->tally->undecipherable++;
    return;
  }
  if (!rp_red_parse (data + header_bytes, len - header_bytes, &red) ||
      red.primary.len == call->silence_bytes)
    return;
  if (measuring (call))
    call->common->tally->sound++;
  if (call->common->with_answers && rp_load_talk_agent_quiet (&call->talk, arrival_us) &&
      !is_audible (call, red.primary.bytes, red.primary.len))
    return;
  g_clear_pointer (&call->decoder, opus_decoder_destroy);
  count_turn (call, rp_load_talk_agent (&call->talk, arrival_us));
}

/* data is still protected. */
static void
listen_to (RpLoadCall *call, guint8 *data, gsize len, const RpRtpPacket *packet, gint64 arrival_us)
{
  gsize bytes = packet->payload_bytes > SRTP_TAG_BYTES ? packet->payload_bytes - SRTP_TAG_BYTES : 0;
  gsize header_bytes = packet->header_bytes;
  gboolean sound = bytes != call->silence_bytes;
  gboolean search =
      call->common->with_answers && sound && rp_load_talk_agent_quiet (&call->talk, arrival_us);

  if (call->silence_bytes == 0)
    call->silence_bytes = bytes;
  if (sound && measuring (call))
    call->common->tally->sound++;
  if (search || packet->sequence % LOOK_EVERY == 0) {
    if (!rp_load_peer_unprotect (call->peer, data, &len)) {
      call->common->tally->undecipherable++;
      return;
    }
    if (search && !is_audible (call, data + header_bytes, len - header_bytes))
      return;
  }
  if (!sound)
    return;
  g_clear_pointer (&call->decoder, opus_decoder_destroy);
  count_turn (call, rp_load_talk_agent (&call->talk, arrival_us));
}

static void
take_rtp (RpLoadCall *call, guint8 *data, gsize len, gint64 arrival_us)
{
  RpRtpPacket packet;
  RpLoadTally *tally = call->common->tally;

  if (call->over || !rp_rtp_parse (data, len, &packet))
    return;
  rp_rtcp_session_received (call->rtcp, arrival_us, packet.ssrc, packet.sequence, packet.timestamp);
  /* Both were stopped: the server's clock has skipped what ours has. */
  if (call->wire.last_arrival_us < call->common->awake_us)
    call->wire.begun = FALSE;
  if (!rp_load_wire_packet (&call->wire, arrival_us, packet.ssrc, packet.sequence, packet.timestamp,
                            tally->measuring ? &tally->wire : NULL))
    return;
  if (packet.payload_type == call->payload_type)
    listen_to (call, data, len, &packet, arrival_us);
  else if (call->red_payload_type != 0 && packet.payload_type == call->red_payload_type)
    listen_to_red (call, data, len, packet.header_bytes, arrival_us);
  if (call->first_rtp_us == 0) {
    call->first_rtp_us = arrival_us;
    rp_histogram_record (tally->setup, arrival_us - call->offered_us);
    call->events->connected (call, call->user_data);
  }
}

static void
on_rtp (guint8 *data, gsize len, gint64 arrival_us, gpointer user_data)
{
  RpLoadCall *call = user_data;
  if (call->over || !call->rtcp)
    return;
  if (call->in)
    rp_netem_input (call->in, arrival_us, data, len);
  else
    take_rtp (call, data, len, arrival_us);
}

static void
on_rtcp (const guint8 *data, gsize len, gint64 arrival_us, gpointer user_data)
{
  RpLoadCall *call = user_data;
  if (!call->over && call->rtcp)
    rp_rtcp_session_input (call->rtcp, arrival_us, data, len);
}

static void
on_channel_open (guint16 stream, gpointer user_data)
{
}

static void
on_message (const char *text, gsize len, gpointer user_data)
{
  RpLoadCall *call = user_data;
  if (call->over || call->bot_ready || !g_strstr_len (text, (gssize) len, "\"bot-ready\""))
    return;
  call->bot_ready = TRUE;
  rp_histogram_record (call->common->tally->bot_ready, rp_loop_now_us () - call->offered_us);
}

static char *
make_offer (RpLoadCall *call)
{
  RpCandidate candidate;
  RpSdpLocal local = {.session_id = (guint64) g_random_int () << 16,
                      .session_version = 1,
                      .stream_id = "caller",
                      .track_id = "microphone",
                      .cname = "repartee-load",
                      .ssrc = call->ssrc,
                      .offer_red = call->common->with_red};
  g_autoptr (GString) json = g_string_new ("{\"type\":\"offer\",\"sdp\":");

  rp_load_peer_describe (call->peer, &local, &candidate);
  g_autoptr (RpSdp) sdp = rp_sdp_offer (&local);
  if (!call->common->with_data) {
    g_ptr_array_set_size (sdp->media, 1);
    sdp->n_bundle = 1;
  }
  g_autofree char *text = rp_sdp_write (sdp);
  rp_json_append_string (json, text);
  if (call->common->agent) {
    g_string_append (json, ",\"request_data\":{\"agent\":");
    rp_json_append_string (json, call->common->agent);
    g_string_append_c (json, '}');
  }
  g_string_append_c (json, '}');
  return g_string_free (g_steal_pointer (&json), FALSE);
}

static gboolean
take_answer (RpLoadCall *call, const char *body, GError **error)
{
  g_autofree RpSdpRemote *remote = g_new0 (RpSdpRemote, 1);
  g_autoptr (JsonObject) answer =
      rp_json_parse_object (body, strlen (body), MAX_ANSWER_BYTES, error);
  if (!answer)
    return FALSE;
  const char *text = rp_json_string (answer, "sdp", "");
  g_autoptr (RpSdp) sdp = rp_sdp_parse (text, strlen (text), error);
  if (!sdp || !rp_sdp_remote_summary (sdp, RP_SDP_ANSWER, remote, error))
    return FALSE;
  call->payload_type = remote->opus_payload_type;
  call->red_payload_type = call->common->with_red ? remote->red_payload_type : 0;
  return rp_load_peer_set_remote (call->peer, remote, error);
}

static void
destroy (RpLoadCall *call)
{
  rp_load_peer_free (call->peer);
  rp_rtcp_session_free (call->rtcp);
  rp_netem_free (call->out);
  rp_netem_free (call->in);
  g_clear_pointer (&call->decoder, opus_decoder_destroy);
  g_free (call);
}

static void
on_reply (const RpLoadHttpReply *reply, gpointer user_data)
{
  RpLoadCall *call = user_data;
  g_autoptr (GError) error = NULL;

  call->asking = FALSE;
  if (call->freed) {
    destroy (call);
    return;
  }
  call->offered_us = reply->begun_us;
  if (reply->error) {
    finish (call, RP_LOAD_END_FAILED, reply->error);
  } else if (reply->status == 0) {
    killed_at (call, call->config.kill);
  } else if (reply->status == 503) {
    call->retry_after_s = reply->retry_after_s;
    finish (call, RP_LOAD_END_REFUSED, "503");
  } else if (reply->status != 200) {
    g_autofree char *reason = g_strdup_printf ("HTTP %u", reply->status);
    finish (call, RP_LOAD_END_FAILED, reason);
  } else if (!killed_at (call, RP_LOAD_STAGE_ANSWER) && !take_answer (call, reply->body, &error)) {
    finish (call, RP_LOAD_END_FAILED, error->message);
  }
}

static RpLoadHttpEnd
how_to_ask (RpLoadStage kill)
{
  switch (kill) {
  case RP_LOAD_STAGE_HTTP:
    return RP_LOAD_HTTP_HALF;
  case RP_LOAD_STAGE_RST:
    return RP_LOAD_HTTP_RESET;
  case RP_LOAD_STAGE_OFFER:
    return RP_LOAD_HTTP_LEAVE;
  default:
    return RP_LOAD_HTTP_WHOLE;
  }
}

RpLoadCall *
rp_load_call_new (const RpLoadCommon *common, const RpLoadCallConfig *config,
                  const RpLoadCallEvents *events, gpointer user_data, GError **error)
{
  static const RpLoadPeerEvents peer_events = {.state = on_state,
                                               .handshake = on_handshake,
                                               .rtp = on_rtp,
                                               .rtcp = on_rtcp,
                                               .channel_open = on_channel_open,
                                               .message = on_message};
  RpLoadPeerConfig peer = {.loop = common->loop,
                           .sockets = common->sockets,
                           .certificate = common->certificate,
                           .address = rp_load_http_address (common->http),
                           .timeout_us = CONNECT_TIMEOUT_US};
  RpLoadCall *call = g_new0 (RpLoadCall, 1);

  call->common = common;
  call->config = *config;
  call->events = events;
  call->user_data = user_data;
  call->retry_after_s = -1;
  call->chat = -1;
  call->ssrc = g_random_int ();
  call->sequence = (guint16) g_random_int_range (0, 1 << 15);
  call->timestamp = g_random_int ();
  call->next_clip = config->number;
  call->frame_us = (gint64) (FRAME_US / (1 + common->impair.skew_ppm / 1e6));
  call->peer = rp_load_peer_new (&peer, &peer_events, call, error);
  if (!call->peer) {
    g_free (call);
    return NULL;
  }
  call->asking = TRUE;
  rp_load_http_send (common->http, "/api/offer", make_offer (call), how_to_ask (config->kill),
                     on_reply, call);
  return call;
}

/* A last report with BYE and DTLS's close_notify, as a client that hangs up. */
static void
say_goodbye (RpLoadCall *call)
{
  guint8 buffer[RP_RTCP_MAX_REPORT_BYTES + RP_LOAD_PEER_TAILROOM];
  RpRtcpOut report;

  if (!call->rtcp)
    return;
  rp_rtcp_session_bye (call->rtcp, rp_loop_now_us (), &report);
  memcpy (buffer, report.data, report.length);
  if (rp_load_peer_protect (call->peer, TRUE, buffer, &report.length, sizeof buffer))
    rp_load_peer_send (call->peer, buffer, report.length);
  rp_load_peer_hang_up (call->peer);
}

void
rp_load_call_free (RpLoadCall *call, gboolean orderly)
{
  if (!call || call->freed)
    return;
  call->over = TRUE;
  if (orderly && call->peer)
    say_goodbye (call);
  rp_load_peer_free (g_steal_pointer (&call->peer));
  if (call->asking)
    call->freed = TRUE;
  else
    destroy (call);
}

static void
put_out (RpLoadCall *call, guint8 *data, gsize len, gint64 now_us)
{
  if (call->out)
    rp_netem_input (call->out, now_us, data, len);
  else
    rp_load_peer_send (call->peer, data, len);
}

/* Returns: (transfer none): the next 20 ms. */
static GBytes *
next_packet (RpLoadCall *call, gint64 now_us)
{
  const RpLoadSpeech *speech = call->common->speech;

  if (!call->clip && rp_load_talk_due (&call->talk, now_us)) {
    call->clip = g_ptr_array_index (speech->clips, call->next_clip++ % speech->clips->len);
    call->frame = 0;
  }
  if (!call->clip)
    return speech->silence;
  if (call->frame == call->clip->first_speech)
    rp_load_talk_speech_start (&call->talk, now_us);
  if (call->frame == call->clip->last_speech)
    count_turn (call, rp_load_talk_speech_end (&call->talk, now_us));
  GBytes *packet = g_ptr_array_index (call->clip->packets, call->frame++);
  if (call->frame == call->clip->packets->len)
    call->clip = NULL;
  return packet;
}

/* Returns: the bytes written: the next 20 ms, and those before it once more when both sides like.
 */
static gsize
write_payload (RpLoadCall *call, gint64 now_us, guint8 *out, gsize size)
{
  RpRed red = {.n_blocks = call->before != NULL, .primary.payload_type = call->payload_type};
  GBytes *packet = next_packet (call, now_us);
  gsize len = 0;

  if (call->red_payload_type == 0) {
    const guint8 *opus = g_bytes_get_data (packet, &len);
    memcpy (out, opus, len);
    return len;
  }
  red.primary.bytes = g_bytes_get_data (packet, &red.primary.len);
  if (call->before) {
    red.blocks[0].payload_type = call->payload_type;
    red.blocks[0].offset = FRAME_TIMESTAMPS;
    red.blocks[0].bytes = g_bytes_get_data (call->before, &red.blocks[0].len);
  }
  call->before = packet;
  return rp_red_write (&red, out, size);
}

static void
send_frame (RpLoadCall *call, gint64 now_us)
{
  guint8 buffer[MAX_PACKET + RP_LOAD_PEER_TAILROOM];
  RpRtpPacket header = {.marker = call->wire.packets == 0,
                        .payload_type =
                            call->red_payload_type ? call->red_payload_type : call->payload_type,
                        .sequence = call->sequence++,
                        .timestamp = call->timestamp,
                        .ssrc = call->ssrc};
  gsize len = rp_rtp_write_header (&header, buffer, sizeof buffer);
  gsize payload = write_payload (call, now_us, buffer + len, MAX_PACKET - len);

  len += payload;
  call->timestamp += FRAME_TIMESTAMPS;
  rp_rtcp_session_sent (call->rtcp, now_us, header.timestamp, payload);
  if (rp_load_peer_protect (call->peer, FALSE, buffer, &len, sizeof buffer))
    put_out (call, buffer, len, now_us);
  if (measuring (call)) {
    call->common->tally->packets_sent++;
    call->common->tally->speech_sent += call->clip != NULL;
  }
}

static void
run_mic (RpLoadCall *call)
{
  gint64 now_us = rp_loop_now_us ();

  for (guint i = 0; i < MAX_CATCH_UP_FRAMES && call->mic_due_us <= now_us; i++) {
    if (measuring (call))
      rp_histogram_record (call->common->tally->own_late, now_us - call->mic_due_us);
    call->mic_due_us += call->frame_us;
    send_frame (call, now_us);
  }
  while (call->mic_due_us <= now_us) {
    call->mic_due_us += call->frame_us;
    call->timestamp += FRAME_TIMESTAMPS;
    call->common->tally->frames_skipped++;
  }
}

static void
send_reports (RpLoadCall *call, gint64 now_us)
{
  RpRtcpOut report;
  while (rp_rtcp_session_poll (call->rtcp, now_us, &report)) {
    guint8 buffer[RP_RTCP_MAX_REPORT_BYTES + RP_LOAD_PEER_TAILROOM];
    memcpy (buffer, report.data, report.length);
    if (rp_load_peer_protect (call->peer, TRUE, buffer, &report.length, sizeof buffer))
      put_out (call, buffer, report.length, now_us);
  }
}

static void
run_networks (RpLoadCall *call, gint64 now_us)
{
  GBytes *datagram;
  gsize len = 0;

  while (call->out && (datagram = rp_netem_poll (call->out, now_us))) {
    const guint8 *data = g_bytes_get_data (datagram, &len);
    rp_load_peer_send (call->peer, data, len);
    g_bytes_unref (datagram);
  }
  while (call->in && (datagram = rp_netem_poll (call->in, now_us))) {
    guint8 *data = g_bytes_unref_to_data (datagram, &len);
    take_rtp (call, data, len, now_us);
    g_free (data);
  }
}

static void
look_at_ends (RpLoadCall *call, gint64 now_us)
{
  gint64 last_us = call->first_rtp_us ? call->wire.last_arrival_us : call->secured_us;
  gint64 up_us = now_us - call->secured_us;

  if (call->config.kill == RP_LOAD_STAGE_CALL && up_us >= call->config.kill_after_us)
    killed_at (call, RP_LOAD_STAGE_CALL);
  else if (call->config.hang_up_us > 0 && up_us >= call->config.hang_up_us)
    finish (call, RP_LOAD_END_HUNG_UP, "");
  else if (now_us - MAX (last_us, call->common->awake_us) > MEDIA_TIMEOUT_US)
    finish (call, RP_LOAD_END_FAILED, call->first_rtp_us ? "media stopped" : "no media");
}

void
rp_load_call_tick (RpLoadCall *call, gint64 now_us)
{
  if (call->over || call->freed)
    return;
  if (call->secured_us == 0) {
    rp_load_peer_tick (call->peer, now_us);
    return;
  }
  if (call->out || call->in)
    run_networks (call, now_us);
  if (now_us < call->mic_due_us)
    return;
  run_mic (call);
  send_reports (call, now_us);
  rp_load_peer_tick (call->peer, now_us);
  if (!call->over)
    count_turn (call, rp_load_talk_tick (&call->talk, now_us));
  if (!call->over)
    look_at_ends (call, now_us);
}

RpLoadStage
rp_load_call_killed_at (const RpLoadCall *call)
{
  return call->config.kill;
}

gint
rp_load_call_retry_after_s (const RpLoadCall *call)
{
  return call->retry_after_s;
}
