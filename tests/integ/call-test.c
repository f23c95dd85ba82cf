/* repartee-call against a small agent of known behaviour: what it measures must be what the agent
 * did. */
#include "http.h"
#include "json.h"
#include "loop.h"
#include "mic.h"
#include "peer.h"
#include "rtp.h"
#include "sctp.h"
#include "wav.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <math.h>
#include <opus/opus.h>
#include <string.h>

#define RATE RP_CALL_RATE_HZ
#define FRAME RP_CALL_FRAME_SAMPLES
#define WATCHDOG_S 60

/* The agent: greets with a tone, answers a tone ANSWER_US after the caller's sound has ended, and
 * falls silent BARGE_IN_US after the caller has begun. */
#define GREETING_FRAMES 50
#define REPLY_FRAMES 40
#define ANSWER_US 400000 /* longer than a machine stalls, as is --gap */
#define BARGE_IN_US 100000

typedef struct {
  RpLoop *loop;
  RpPeer *peer;
  RpDtlsCertificate *certificate;
  guint ticker;
  OpusEncoder *encoder;
  OpusDecoder *decoder;
  gint64 due_us; /* 0 = not connected */
  guint greeting_frames;
  guint talk_frames;
  guint64 phase;
  guint16 sequence;
  guint32 timestamp;
  gint64 sound_from_us; /* the caller's present sound; 0 = silent */
  gint64 sound_last_us;
  gboolean mute;    /* never says anything */
  gboolean hang_up; /* after the greeting */
  guint texts;      /* send-text messages received */
  guint packets;
} Agent;

typedef struct {
  Agent agent;
  RpHttp *server;
  char *url;
  char *dir;
  GMainLoop *main_loop;
  char *out;
  int status;
} Fixture;

static void
agent_frame (Agent *agent)
{
  guint8 packet[1500 + RP_PEER_TAILROOM];
  gint16 pcm[FRAME] = {0};
  RpRtpPacket header = {.payload_type = 111,
                        .sequence = agent->sequence++,
                        .timestamp = agent->timestamp,
                        .ssrc = 42};

  if (agent->talk_frames > 0) {
    agent->talk_frames--;
    for (guint i = 0; i < FRAME; i++)
      pcm[i] = (gint16) (8000 * sin (2 * G_PI * 400 * (double) agent->phase++ / RATE));
  }
  gsize at = rp_rtp_write_header (&header, packet, sizeof packet);
  int n = opus_encode (agent->encoder, pcm, FRAME, packet + at, 1000);
  g_assert_cmpint (n, >, 0);
  agent->timestamp += 960;
  rp_peer_send_rtp (agent->peer, packet, at + (gsize) n, sizeof packet);
}

static void
agent_tick (gint64 now_us, gpointer data)
{
  Agent *agent = data;

  if (!agent->peer)
    return;
  rp_peer_tick (agent->peer, now_us);
  if (agent->due_us == 0)
    return;
  if (agent->sound_from_us > 0 && agent->sound_last_us - agent->sound_from_us >= BARGE_IN_US)
    agent->talk_frames = 0;
  if (agent->sound_from_us > 0 && now_us - agent->sound_last_us >= ANSWER_US) {
    agent->sound_from_us = 0;
    agent->talk_frames = agent->mute ? 0 : REPLY_FRAMES;
  }
  while (agent->due_us <= now_us) {
    agent->due_us += RP_CALL_FRAME_US;
    agent_frame (agent);
  }
  if (agent->hang_up && agent->talk_frames == 0)
    rp_peer_close (agent->peer, "enough");
}

static void
on_state (RpPeer *peer, RpPeerState state, const char *reason, gpointer user_data)
{
  Agent *agent = user_data;
  if (state != RP_PEER_STATE_CONNECTED)
    return;
  agent->due_us = rp_loop_now_us ();
  agent->talk_frames = agent->mute ? 0 : agent->greeting_frames;
}

static void
on_rtp (RpPeer *peer, guint8 *data, gsize len, gint64 arrival_us, gpointer user_data)
{
  Agent *agent = user_data;
  gint16 pcm[5760];
  RpRtpPacket packet;

  g_assert_true (rp_rtp_parse (data, len, &packet));
  int n = opus_decode (agent->decoder, packet.payload, (opus_int32) packet.payload_bytes, pcm,
                       G_N_ELEMENTS (pcm), 0);
  g_assert_cmpint (n, ==, FRAME);
  agent->packets++;
  if (rp_call_level_dbfs (pcm, FRAME) < -45)
    return;
  if (agent->sound_from_us == 0)
    agent->sound_from_us = arrival_us;
  agent->sound_last_us = arrival_us;
}

static void
on_message (RpPeer *peer, guint16 stream, gboolean binary, const guint8 *data, gsize len,
            gpointer user_data)
{
  static const char ready[] = "{\"label\":\"rtvi-ai\",\"type\":\"bot-ready\",\"id\":\"1\",\"data\":"
                              "{\"version\":\"2.1.0\"}}";
  static const char heard[] = "{\"label\":\"rtvi-ai\",\"type\":\"user-transcription\",\"data\":"
                              "{\"text\":\"a \\\"tone\\\"\",\"final\":true}}";
  Agent *agent = user_data;
  g_autoptr (JsonObject) message = rp_json_parse_object ((const char *) data, len, 0, NULL);
  const char *type = rp_json_string (message, "type", "");

  if (g_str_equal (type, "client-ready")) {
    rp_peer_send_message (peer, stream, FALSE, ready, strlen (ready), NULL);
  } else if (g_str_equal (type, "send-text")) {
    agent->texts++;
    g_assert_cmpstr (rp_json_string (rp_json_object (message, "data"), "content", ""), ==, "h\"i");
    rp_peer_send_message (peer, stream, FALSE, heard, strlen (heard), NULL);
    agent->talk_frames = REPLY_FRAMES;
  } else {
    g_error ("unexpected message %s", type);
  }
}

typedef struct {
  Agent *agent;
  const RpSdp *offer;
  char *answer;
} Accept;

static void
agent_accept (gpointer data)
{
  static const char *const addresses[] = {"127.0.0.1", NULL};
  static const RpPeerEvents events = {
      .state_changed = on_state, .rtp = on_rtp, .message = on_message};
  Accept *accept = data;
  Agent *agent = accept->agent;
  RpPeerConfig config = {
      .role = RP_PEER_ANSWERER, .certificate = agent->certificate, .local_addresses = addresses};
  g_autofree RpSdpRemote *summary = g_new0 (RpSdpRemote, 1);
  g_autoptr (GError) error = NULL;

  g_assert_true (rp_sdp_remote_summary (accept->offer, RP_SDP_OFFER, summary, &error));
  g_assert_true (summary->has_audio && summary->has_data && summary->n_candidates > 0);
  agent->peer = rp_peer_new (agent->loop, &config, &events, agent, &error);
  g_assert_no_error (error);
  agent->ticker = rp_loop_add_ticker (agent->loop, agent_tick, agent);
  const RpPeerLocal *own = rp_peer_local (agent->peer);
  RpSdpLocal local = {.session_id = 1,
                      .session_version = 1,
                      .ice_ufrag = own->ufrag,
                      .ice_pwd = own->pwd,
                      .candidates = own->candidates,
                      .n_candidates = (guint) own->n_candidates,
                      .end_of_candidates = TRUE,
                      .stream_id = "agent",
                      .track_id = "voice",
                      .cname = "agent",
                      .ssrc = 42};
  memcpy (local.fingerprint, own->digest, sizeof local.fingerprint);
  g_autoptr (RpSdp) answer = rp_sdp_answer (accept->offer, &local, &error);
  g_assert_no_error (error);
  accept->answer = rp_sdp_write (answer);
  RpPeerRemote remote = {.ufrag = summary->ice_ufrag,
                         .pwd = summary->ice_pwd,
                         .fingerprints = summary->fingerprints,
                         .n_fingerprints = summary->n_fingerprints,
                         .local_setup = summary->local_setup,
                         .sctp_port = summary->sctp_port,
                         .max_message_size = summary->max_message_size,
                         .candidates = summary->candidates,
                         .n_candidates = summary->n_candidates};
  g_assert_true (rp_peer_set_remote (agent->peer, &remote, &error));
}

static void
on_offer (RpHttpRequest *request, gpointer data)
{
  Fixture *f = data;
  gsize len = 0;
  const char *text = rp_http_request_body (request, &len);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) offer = rp_json_parse_object (text, len, 0, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (rp_json_string (offer, "type", ""), ==, "offer");
  const char *sdp_text = rp_json_string (offer, "sdp", "");
  g_autoptr (RpSdp) sdp = rp_sdp_parse (sdp_text, strlen (sdp_text), &error);
  g_assert_no_error (error);
  Accept accept = {.agent = &f->agent, .offer = sdp};
  rp_loop_call_sync (f->agent.loop, agent_accept, &accept);
  GString *reply = g_string_new ("{\"type\":\"answer\",\"pc_id\":\"p\",\"sdp\":");
  rp_json_append_string (reply, accept.answer);
  g_string_append_c (reply, '}');
  g_free (accept.answer);
  rp_http_reply_json (request, 200, g_string_free (reply, FALSE));
}

/* A clip of a tone between two silences, all in ms, at a rate that has to be converted. */
static char *
make_clip (Fixture *f, const char *name, guint before, guint sound, guint after)
{
  const guint rate = 44100;
  gsize n = (gsize) (before + sound + after) * rate / 1000;
  g_autofree gint16 *pcm = g_new0 (gint16, n);
  g_autoptr (GError) error = NULL;
  for (gsize i = (gsize) before * rate / 1000; i < (gsize) (before + sound) * rate / 1000; i++)
    pcm[i] = (gint16) (9000 * sin (2 * G_PI * 300 * (double) i / rate));
  char *path = g_build_filename (f->dir, name, NULL);
  g_assert_true (rp_wav_write (path, rate, 1, pcm, n, &error));
  return path;
}

static void
set_up (Fixture *f)
{
  static const RpHttpRoute routes[] = {
      {"POST", "/api/offer", RP_HTTP_AUTH_CALL | RP_HTTP_JSON_BODY, on_offer},
  };
  g_autoptr (GError) error = NULL;

  memset (f, 0, sizeof *f);
  f->agent.greeting_frames = GREETING_FRAMES;
  f->dir = g_dir_make_tmp ("repartee-call-XXXXXX", &error);
  g_assert_no_error (error);
  f->agent.loop = rp_loop_new ("agent", &error);
  f->agent.certificate = rp_dtls_certificate_new (&error);
  f->agent.encoder = opus_encoder_create (RATE, 1, OPUS_APPLICATION_VOIP, NULL);
  f->agent.decoder = opus_decoder_create (RATE, 1, NULL);
  f->main_loop = g_main_loop_new (NULL, FALSE);
  RpHttpConfig config = {.host = "127.0.0.1", .token = "secret"};
  f->server = rp_http_new (&config, routes, G_N_ELEMENTS (routes), f, &error);
  g_assert_no_error (error);
  f->url = g_strdup_printf ("http://127.0.0.1:%u/", rp_http_port (f->server));
}

static void
agent_stop (gpointer data)
{
  Agent *agent = data;
  if (agent->ticker)
    rp_loop_remove_ticker (agent->loop, agent->ticker);
  agent->ticker = 0;
  g_clear_pointer (&agent->peer, rp_peer_free);
}

/* Its counts are the loop's until it is at rest. */
static const Agent *
agent_at_rest (Fixture *f)
{
  rp_loop_call_sync (f->agent.loop, agent_stop, &f->agent);
  return &f->agent;
}

static void
tear_down (Fixture *f)
{
  rp_loop_call_sync (f->agent.loop, agent_stop, &f->agent);
  rp_loop_free (f->agent.loop);
  rp_dtls_certificate_unref (f->agent.certificate);
  opus_encoder_destroy (f->agent.encoder);
  opus_decoder_destroy (f->agent.decoder);
  rp_http_free (f->server);
  g_main_loop_unref (f->main_loop);
  g_autoptr (GDir) dir = g_dir_open (f->dir, 0, NULL);
  const char *name;
  while ((name = g_dir_read_name (dir))) {
    g_autofree char *path = g_build_filename (f->dir, name, NULL);
    g_remove (path);
  }
  g_rmdir (f->dir);
  g_free (f->dir);
  g_free (f->url);
  g_free (f->out);
}

static void
on_exited (GObject *source, GAsyncResult *result, gpointer data)
{
  Fixture *f = data;
  g_autoptr (GError) error = NULL;
  g_subprocess_communicate_utf8_finish (G_SUBPROCESS (source), result, &f->out, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (G_SUBPROCESS (source)));
  f->status = g_subprocess_get_exit_status (G_SUBPROCESS (source));
  g_main_loop_quit (f->main_loop);
}

static gboolean
on_watchdog (gpointer data)
{
  g_error ("the caller did not end within %d s", WATCHDOG_S);
  return G_SOURCE_REMOVE;
}

/* Runs the caller with these arguments. Returns: its summary, NULL when it printed none. */
static JsonObject *
run_caller (Fixture *f, int status, ...)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;
  va_list args;

  g_ptr_array_add (argv, (char *) g_getenv ("RP_CALL"));
  g_ptr_array_add (argv, (char *) "--url");
  g_ptr_array_add (argv, f->url);
  g_ptr_array_add (argv, (char *) "--token");
  g_ptr_array_add (argv, (char *) "secret");
  va_start (args, status);
  char *arg;
  while ((arg = va_arg (args, char *)))
    g_ptr_array_add (argv, arg);
  va_end (args);
  g_ptr_array_add (argv, NULL);
  g_autoptr (GSubprocess) process =
      g_subprocess_newv ((const char *const *) argv->pdata, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  g_assert_no_error (error);
  guint watchdog = g_timeout_add_seconds (WATCHDOG_S, on_watchdog, NULL);
  g_subprocess_communicate_utf8_async (process, NULL, NULL, on_exited, f);
  g_main_loop_run (f->main_loop);
  g_source_remove (watchdog);
  if (f->status != status)
    g_error ("exit status %d: %s", f->status, f->out);
  if (!*f->out)
    return NULL;
  JsonObject *summary = rp_json_parse_object (f->out, strlen (f->out), 0, &error);
  g_assert_no_error (error);
  return summary;
}

static JsonObject *
turn (JsonObject *summary, guint i)
{
  JsonObject *object = rp_json_array_object (rp_json_array (summary, "turns"), i);
  g_assert_nonnull (object);
  return object;
}

/* The events file: every line is JSON with its time. Returns: how many are of the
 * event named. */
static guint
check_events (const char *path, const char *event)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  guint n = 0;

  g_assert_true (g_file_get_contents (path, &text, NULL, &error));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line && **line; line++) {
    g_autoptr (JsonObject) object = rp_json_parse_object (*line, strlen (*line), 0, &error);
    g_assert_no_error (error);
    g_assert_cmpfloat (rp_json_double (object, "t_ms", -1), >=, 0);
    if (g_str_equal (rp_json_string (object, "event", ""), event))
      n++;
  }
  return n;
}

static void
test_say (void)
{
  Fixture f;
  set_up (&f);
  g_autofree char *clip = make_clip (&f, "in.wav", 100, 600, 300);
  g_autofree char *record = g_build_filename (f.dir, "out.wav", NULL);
  g_autofree char *events = g_build_filename (f.dir, "events.json", NULL);
  g_autoptr (JsonObject) summary =
      run_caller (&f, 0, "--wait-greeting", "--gap", "1000", "--say", clip, "--say", clip,
                  "--record", record, "--events", events, NULL);

  g_assert_true (rp_json_bool (summary, "ok", FALSE));
  JsonObject *setup = rp_json_object (summary, "setup_ms");
  double answer = rp_json_double (setup, "answer", -1);
  double first_rtp = rp_json_double (setup, "first_rtp", -1);
  double audible = rp_json_double (setup, "first_audible", -1);
  g_assert_cmpfloat (answer, >, 0);
  g_assert_cmpfloat (first_rtp, >=, answer);
  g_assert_cmpfloat (audible, >=, first_rtp);
  g_test_message ("answer %.1f, first RTP %.1f, first audible %.1f ms", answer, first_rtp, audible);
  for (guint i = 0; i < 2; i++) {
    JsonObject *t = turn (summary, i);
    double v2v = rp_json_double (t, "voice_to_voice_ms", -1);
    double start = rp_json_double (t, "speech_start_ms", -1);
    double end = rp_json_double (t, "speech_end_ms", -1);
    g_test_message ("voice to voice %.1f ms, speech of %.1f ms", v2v, end - start);
    /* The agent cannot answer sooner; its encoder's look-ahead smears the caller's tone into one
     * more frame. */
    g_assert_cmpfloat (v2v, >=, ANSWER_US / 1000);
    g_assert_cmpfloat (end - start, >=, 500);
    g_assert_false (rp_json_bool (t, "barged_in", TRUE));
    g_assert_false (rp_json_bool (t, "premature", TRUE));
  }
  g_assert_cmpint (rp_json_int (rp_json_object (summary, "rtvi"), "bot-ready", 0), ==, 1);
  g_assert_cmpuint (check_events (events, "speech-start"), ==, 2);
  g_assert_cmpuint (check_events (events, "agent-started"), ==, 3);

  g_auto (RpWav) wav = {0};
  g_autoptr (GError) error = NULL;
  g_assert_true (rp_wav_read (record, &wav, &error));
  g_assert_cmpuint (wav.rate_hz, ==, RATE);
  guint loud = 0;
  /* What a stalled machine makes late is concealed. */
  JsonObject *media = rp_json_object (summary, "media");
  guint slack = 6 + (guint) rp_json_int (media, "late", 0) +
                (guint) (rp_json_double (media, "concealed_ms", 0) / 20);
  for (gsize i = 0; i + FRAME <= wav.n_frames; i += FRAME)
    if (rp_call_level_dbfs (wav.pcm + i, FRAME) > -30)
      loud++;
  g_assert_cmpuint (loud, >=, GREETING_FRAMES + 2 * REPLY_FRAMES - MIN (slack, REPLY_FRAMES));
  g_assert_cmpuint (loud, <=, GREETING_FRAMES + 2 * REPLY_FRAMES + slack);
  tear_down (&f);
}

static void
test_barge_in (void)
{
  Fixture f;
  set_up (&f);
  f.agent.greeting_frames = 10 * GREETING_FRAMES; /* cut, however late the caller begins */
  g_autofree char *clip = make_clip (&f, "in.wav", 0, 800, 100);
  g_autoptr (JsonObject) summary =
      run_caller (&f, 0, "--barge-in", "0.3", clip, "--gap", "1000", NULL);
  JsonObject *t = turn (summary, 0);
  double stop = rp_json_double (t, "barge_in_stop_ms", -1);

  g_assert_true (rp_json_bool (t, "barged_in", FALSE));
  g_test_message ("stopped after %.1f ms", stop);
  g_assert_cmpfloat (stop, >=, BARGE_IN_US / 1000 - 20);
  g_assert_cmpfloat (
      stop, <, rp_json_double (t, "speech_end_ms", 0) - rp_json_double (t, "speech_start_ms", 0));
  g_assert_cmpfloat (rp_json_double (t, "voice_to_voice_ms", -1), >=, ANSWER_US / 1000);
  tear_down (&f);
}

static void
test_text (void)
{
  Fixture f;
  set_up (&f);
  g_autoptr (JsonObject) summary =
      run_caller (&f, 0, "--wait-greeting", "--text", "h\"i", "--gap", "1000", NULL);
  g_assert_cmpuint (agent_at_rest (&f)->texts, ==, 1);
  g_assert_cmpfloat (rp_json_double (turn (summary, 0), "voice_to_voice_ms", -1), >=, 0);
  g_assert_cmpstr (rp_json_array_string (rp_json_array (summary, "transcripts"), 0), ==,
                   "a \"tone\"");
  tear_down (&f);
}

static void
test_listen (void)
{
  Fixture f;
  set_up (&f);
  f.agent.hang_up = TRUE;
  g_autoptr (JsonObject) summary = run_caller (&f, 0, "--gap", "1000", "--linger", "0", NULL);
  g_assert_true (rp_json_bool (summary, "ok", FALSE));
  tear_down (&f);
}

static void
test_impaired (void)
{
  Fixture f;
  set_up (&f);
  g_autofree char *clip = make_clip (&f, "in.wav", 0, 600, 100);
  g_autoptr (JsonObject) summary =
      run_caller (&f, 0, "--say", clip, "--gap", "1000", "--loss", "20", "--jitter", "30",
                  "--duplicate", "10", "--reorder", "5", "--seed", "7", NULL);
  JsonObject *impairment = rp_json_object (summary, "impairment");
  g_assert_cmpint (rp_json_int (impairment, "lost", 0), >, 0);
  g_assert_cmpint (rp_json_int (impairment, "duplicated", 0), >, 0);
  gint64 sent = rp_json_int (rp_json_object (summary, "media"), "packets_sent", 0);
  guint packets = agent_at_rest (&f)->packets;
  g_assert_cmpuint (packets, <, sent);
  g_assert_cmpuint (packets, >, sent / 2);
  tear_down (&f);
}

/* The set-up, too, goes through the network: certificates and SCTP fit the smallest MTU that WebRTC
 * may meet, and a call outlives an outage. */
static void
test_whole_path (void)
{
  Fixture f;
  set_up (&f);
  g_autofree char *clip = make_clip (&f, "in.wav", 0, 600, 100);
  g_autoptr (JsonObject) summary = run_caller (
      &f, 0, "--say", clip, "--gap", "1000", "--linger", "3", "--mtu", "1200", "--in-mtu", "1200",
      "--in-delay", "10", "--delay", "10", "--outage", "2:1", "--in-outage", "2:1", NULL);
  JsonObject *out = rp_json_object (summary, "impairment");
  JsonObject *in = rp_json_object (out, "in");
  g_assert_cmpint (rp_json_int (out, "too_large", -1), ==, 0);
  g_assert_cmpint (rp_json_int (in, "too_large", -1), ==, 0);
  g_assert_cmpint (rp_json_int (out, "lost", 0), >, 0);
  g_assert_cmpint (rp_json_int (in, "lost", 0), >, 0);
  g_assert_true (rp_json_bool (summary, "ok", FALSE));
  tear_down (&f);
}

static void
test_failures (void)
{
  Fixture f;
  set_up (&f);
  g_autofree char *clip = make_clip (&f, "in.wav", 0, 300, 100);
  g_autofree char *quiet = make_clip (&f, "quiet.wav", 300, 0, 100);

  f.agent.mute = TRUE;
  g_autoptr (JsonObject) mute = run_caller (&f, 1, "--say", clip, "--answer-timeout", "0.5", NULL);
  g_assert_false (rp_json_bool (mute, "ok", TRUE));
  g_assert_cmpstr (rp_json_string (mute, "error", ""), ==, "1 of 1 turns were not answered");
  g_clear_pointer (&f.out, g_free);
  g_assert_null (run_caller (&f, 2, "--say", quiet, NULL));
  g_clear_pointer (&f.out, g_free);
  g_assert_null (run_caller (&f, 2, "--loss", "101", NULL));
  g_clear_pointer (&f.out, g_free);
  g_assert_null (run_caller (&f, 2, "--say", NULL));
  g_clear_pointer (&f.out, g_free);
  g_assert_null (run_caller (&f, 2, "--what", "x", NULL));
  g_clear_pointer (&f.server, rp_http_free);
  g_clear_pointer (&f.out, g_free);
  g_autoptr (JsonObject) refused = run_caller (&f, 1, NULL);
  g_assert_nonnull (strstr (rp_json_string (refused, "error", ""), "refused"));
  tear_down (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_nonnull (g_getenv ("RP_CALL"));
  g_assert_true (rp_peer_init (NULL));
  g_test_add_func ("/call/say", test_say);
  g_test_add_func ("/call/barge-in", test_barge_in);
  g_test_add_func ("/call/text", test_text);
  g_test_add_func ("/call/listen", test_listen);
  g_test_add_func ("/call/impaired", test_impaired);
  g_test_add_func ("/call/whole-path", test_whole_path);
  g_test_add_func ("/call/failures", test_failures);
  int status = g_test_run ();
  rp_sctp_shutdown ();
  return status;
}
