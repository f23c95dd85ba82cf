/* One call between a real peer connection and a worker played by the test. */
#include "session-rig.h"

#include "json.h"
#include "pacer.h"

#include <poll.h>
#include <string.h>

/* Waits for AUDIO_IN until @n_samples have come. The timeline must have no hole. */
static void
hear (FakeWorker *worker, gint64 *pos_samples, guint n_samples, guint by_kind[4])
{
  RpAudioIn audio;
  RpFrame frame;
  for (guint got = 0; got < n_samples; got += audio.n_samples) {
    g_assert_true (fake_worker_await (worker, RP_FRAME_AUDIO_IN, &frame));
    g_assert_true (rp_frame_parse_audio_in (&frame, &audio, NULL));
    g_assert_cmpint (audio.pos_samples, ==, *pos_samples);
    g_assert_cmpint (frame.time_us, >, 0);
    *pos_samples += audio.n_samples;
    by_kind[audio.kind]++;
  }
}

static JsonObject *
await_json (FakeWorker *worker, RpFrameType type)
{
  RpFrame frame;
  g_autoptr (GError) error = NULL;
  g_assert_true (fake_worker_await (worker, type, &frame));
  JsonObject *object = rp_json_parse_object ((const char *) frame.payload, frame.len, 0, &error);
  g_assert_no_error (error);
  return object;
}

static void
await_start (FakeWorker *worker)
{
  g_autoptr (JsonObject) start = await_json (worker, RP_FRAME_START);
  g_assert_false (rp_json_bool (start, "resume", TRUE));
  g_assert_false (rp_json_bool (start, "connected", TRUE));
  g_assert_cmpstr (rp_json_string (start, "agent", ""), ==, "agent");
  fake_worker_send (worker, RP_FRAME_STARTED, NULL, 0);
}

static void
await_client (FakeWorker *worker, const char *type)
{
  g_autoptr (JsonObject) client = await_json (worker, RP_FRAME_CLIENT);
  g_assert_cmpstr (rp_json_string (client, "type", ""), ==, type);
}

/* END, or the socket's end when the server closed it with something of ours unread. */
static void
await_end (FakeWorker *worker)
{
  RpFrame frame;
  fake_worker_await (worker, RP_FRAME_END, &frame);
}

static RpPlayout
await_playout (FakeWorker *worker, RpPlayoutReason reason)
{
  RpFrame frame;
  RpPlayout playout;
  gint64 until_us = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
  do {
    /* Not for ever, though the microphone's frames go on. */
    do {
      g_assert_cmpint (g_get_monotonic_time (), <, until_us);
      g_assert_true (fake_worker_receive (worker, &frame));
      if (frame.type == RP_FRAME_PING)
        fake_worker_send (worker, RP_FRAME_PONG, frame.payload, frame.len);
    } while (frame.type != RP_FRAME_PLAYOUT);
    g_assert_true (rp_frame_parse_playout (&frame, &playout, NULL));
  } while (playout.reason != reason);
  return playout;
}

/* A call without a channel that its worker has taken. */
static void
begin (Rig *rig, FakeWorker *worker)
{
  rig_connect (rig, worker, FALSE);
  await_start (worker);
}

/* The same, when the worker knows that somebody hears it. */
static void
begin_connected (Rig *rig, FakeWorker *worker)
{
  begin (rig, worker);
  await_client (worker, "connected");
}

/* The same with a channel. */
static void
begin_ready (Rig *rig, FakeWorker *worker)
{
  rig_connect (rig, worker, TRUE);
  await_start (worker);
  rig_get_ready (rig);
  await_client (worker, "connected");
}

static void
say_text (Rig *rig, const char *text)
{
  g_autofree char *message = g_strdup_printf (
      "{\"label\":\"rtvi-ai\",\"type\":\"send-text\",\"id\":\"1\",\"data\":{\"content\":\"%s\"}}",
      text);
  rig_say (rig, message);
}

static void
send_event (FakeWorker *worker, const char *json)
{
  fake_worker_send (worker, RP_FRAME_EVENT, json, strlen (json));
}

static void
speak (FakeWorker *worker, guint32 utterance, guint n, gboolean whole)
{
  for (guint i = 0; i < n; i++)
    fake_worker_send_audio (worker, utterance, i, whole && i + 1 == n);
}

/* A stalled machine sends late, and what is late is filled in. */
static gboolean
was_punctual (Rig *rig)
{
  RpLoopStats client;
  RpLoopStats server;
  rp_loop_stats (rig->client_loop, &client);
  rp_loop_stats (rig->server_loop, &server);
  return MAX (client.late_max_us, server.late_max_us) < 10000;
}

static void
test_audio_in (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  gint64 pos_samples = 0;
  guint by_kind[4] = {0};
  begin_connected (rig, &worker);
  rig_talk (rig, TRUE);
  hear (&worker, &pos_samples, 50 * 320, by_kind);
  g_assert_cmpint (pos_samples, ==, 50 * 320);
  g_assert_cmpuint (by_kind[RP_AUDIO_DECODED], >, 0);
  if (was_punctual (rig))
    g_assert_cmpuint (by_kind[RP_AUDIO_DECODED], ==, 50);
}

static void
test_lost_packets (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  gint64 pos_samples = 0;
  guint by_kind[4] = {0};
  rig->lost_pattern = 1u << 5 | 1u << 20 | 1u << 21;
  begin (rig, &worker);
  rig_talk (rig, TRUE);
  hear (&worker, &pos_samples, 60 * 320, by_kind);
  /* What was lost is filled in, said to be so, and takes its own time. */
  g_assert_cmpuint (by_kind[RP_AUDIO_DECODED], <=, 60 - 4);
  g_assert_cmpuint (by_kind[RP_AUDIO_PLC] + by_kind[RP_AUDIO_FEC] + by_kind[RP_AUDIO_SILENCE], >=,
                    2);
}

static void
test_stall (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  RpFrame frame;
  RpInputState input;
  gint64 pos_samples = 0;
  guint by_kind[4] = {0};
  begin (rig, &worker);
  rig_talk (rig, TRUE);
  hear (&worker, &pos_samples, 320, by_kind);
  rig_talk (rig, FALSE);
  do {
    g_assert_true (fake_worker_await (&worker, RP_FRAME_INPUT, &frame));
    g_assert_true (rp_frame_parse_input (&frame, &input, NULL));
  } while (!input.stalled);
  g_assert_cmpint (input.pos_samples, >=, pos_samples);
}

/* What has come so far. */
static gboolean
was_told (FakeWorker *worker, RpFrameType type)
{
  struct pollfd ready = {.fd = worker->fd, .events = POLLIN};
  gboolean told = FALSE;
  RpFrame frame;
  while (poll (&ready, 1, 0) > 0 && fake_worker_receive (worker, &frame))
    told = told || frame.type == type;
  return told;
}

/* Who answers nothing for long is taken for hung. */
static void
stay_alive (FakeWorker *worker)
{
  struct pollfd ready = {.fd = worker->fd, .events = POLLIN};
  RpFrame frame;
  while (poll (&ready, 1, 0) > 0 && fake_worker_receive (worker, &frame))
    if (frame.type == RP_FRAME_PING)
      fake_worker_send (worker, RP_FRAME_PONG, frame.payload, frame.len);
}

/* The last flight of the handshake may be lost: who has no keys yet would miss the greeting. */
static void
test_greets_who_can_hear (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  rig->mute = TRUE;
  gint64 begun_us = g_get_monotonic_time ();
  rig_connect (rig, &worker, FALSE);
  await_start (&worker);
  rig_wait (rig, rig_heard, GUINT_TO_POINTER (5), "5 packets");
  gboolean told = was_told (&worker, RP_FRAME_CLIENT);
  if (g_get_monotonic_time () - begun_us > RP_SESSION_KEYS_WAIT_US / 2) {
    g_test_skip ("the machine is too busy to tell");
  } else {
    g_assert_false (told);
    rig_talk (rig, TRUE);
    await_client (&worker, "connected");
  }
}

static void
test_audio_out (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  begin_connected (rig, &worker);
  speak (&worker, 1, 50, TRUE);
  RpPlayout started = await_playout (&worker, RP_PLAYOUT_STARTED);
  RpPlayout ended = await_playout (&worker, RP_PLAYOUT_ENDED);
  g_assert_cmpuint (started.frames_played, ==, 1);
  g_assert_cmpuint (ended.frames_played, ==, 50);
  /* Given at once, played at the pace of speech; a late loop may send two at once. */
  g_assert_cmpint (ended.wire_us - started.wire_us, >=, (49 - RP_PACER_MAX_BURST) * 20000);
  rig_wait (rig, rig_heard, GUINT_TO_POINTER (50), "50 packets");
  g_mutex_lock (&rig->lock);
  for (guint i = 1; i < rig->packets->len; i++) {
    const RigPacket *a = &g_array_index (rig->packets, RigPacket, i - 1);
    const RigPacket *b = &g_array_index (rig->packets, RigPacket, i);
    g_assert_cmpuint (b->sequence, ==, (guint16) (a->sequence + 1));
    g_assert_cmpuint ((b->timestamp - a->timestamp) % 960, ==, 0);
    g_assert_cmpuint (b->ssrc, ==, a->ssrc);
  }
  g_mutex_unlock (&rig->lock);
}

static void
test_flush (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  begin_connected (rig, &worker);
  speak (&worker, 1, 500, FALSE);
  await_playout (&worker, RP_PLAYOUT_STARTED);
  await_playout (&worker, RP_PLAYOUT_PROGRESS);
  fake_worker_send_u32 (&worker, RP_FRAME_FLUSH, 1);
  RpPlayout flushed = await_playout (&worker, RP_PLAYOUT_FLUSHED);
  g_assert_cmpuint (flushed.utterance, ==, 1);
  g_assert_cmpuint (flushed.frames_played, >=, 3);
  g_assert_cmpuint (flushed.frames_played, <, 500);
  g_assert_cmpint (flushed.wire_us, >, 0);
  /* Late frames of it are discarded, the next utterance is played. */
  fake_worker_send_audio (&worker, 1, 500, TRUE);
  speak (&worker, 2, 2, TRUE);
  RpPlayout next = await_playout (&worker, RP_PLAYOUT_STARTED);
  g_assert_cmpuint (next.utterance, ==, 2);
}

static gboolean
was_set_up (Rig *rig, gconstpointer data)
{
  return rig->latencies.us[RP_LATENCY_SETUP] > 0;
}

static void
test_messages (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  rig_connect (rig, &worker, TRUE);
  await_start (&worker);
  /* Before the client can hear it: kept. */
  send_event (&worker, "{\"event\":\"user_turn\",\"text\":\"early bird\"}");
  rig_get_ready (rig);
  await_client (&worker, "connected");
  rig_wait (rig, rig_was_told, "early bird", "the kept message");
  say_text (rig, "hi");
  await_client (&worker, "text");
  send_event (&worker, "{\"event\":\"turn_metrics\",\"voice_to_voice_ms\":250}");
  rig_wait (rig, rig_was_told, "turn-metrics", "metrics");
  /* All this may have been faster than the next tick, which sends the first packet. */
  rig_wait (rig, was_set_up, NULL, "the time of the setup");
  g_mutex_lock (&rig->lock);
  g_assert_cmpint (rig->latencies.us[RP_LATENCY_VOICE_TO_VOICE], ==, 250000);
  g_mutex_unlock (&rig->lock);
  /* How long the setup took is not the worker's to say. */
  send_event (&worker, "{\"event\":\"turn_metrics\",\"stt_ms\":7,\"setup_ms\":3e15}");
  rig_wait (rig, rig_was_told, "stt_ms", "more metrics");
  g_mutex_lock (&rig->lock);
  g_assert_cmpint (rig->latencies.us[RP_LATENCY_STT], ==, 7000);
  g_assert_cmpint (rig->latencies.us[RP_LATENCY_SETUP], <, 60 * G_USEC_PER_SEC);
  g_mutex_unlock (&rig->lock);
}

/* The next worker knows what the last one had sent and what of it was played. */
static void
replaced (Rig *rig, FakeWorker *worker, gint64 known_pos_samples)
{
  g_auto (FakeWorker) next = {.fd = -1};
  RpFrame frame;
  guint by_kind[4] = {0};
  rig_wait (rig, rig_needs_worker, GUINT_TO_POINTER (1), "the loss of the worker");
  fake_worker_clear (worker);
  rig_give_worker (rig, &next);
  g_autoptr (JsonObject) start = await_json (&next, RP_FRAME_START);
  g_assert_true (rp_json_bool (start, "resume", FALSE));
  g_assert_true (rp_json_bool (start, "connected", FALSE));
  gint64 pos_samples = rp_json_int (start, "input_pos_samples", -1);
  g_assert_cmpint (pos_samples, >=, known_pos_samples);
  JsonArray *utterances = rp_json_array (start, "utterances");
  g_assert_cmpuint (json_array_get_length (utterances), ==, 2);
  JsonObject *first = rp_json_array_object (utterances, 0);
  g_assert_cmpint (rp_json_int (first, "id", 0), ==, 1);
  g_assert_cmpint (rp_json_int (first, "frames", 0), ==, 3);
  g_assert_cmpint (rp_json_int (first, "played", 0), ==, 3);
  g_assert_true (rp_json_bool (first, "complete", FALSE));
  JsonObject *second = rp_json_array_object (utterances, 1);
  g_assert_cmpint (rp_json_int (second, "frames", 0), ==, 400);
  g_assert_cmpint (rp_json_int (second, "played", 0), >=, 1);
  g_assert_false (rp_json_bool (second, "complete", TRUE));
  g_assert_true (fake_worker_await (&next, RP_FRAME_RESUME, &frame));
  g_assert_cmpmem (frame.payload, frame.len, "remember", 8);
  fake_worker_send (&next, RP_FRAME_STARTED, NULL, 0);
  /* The timeline goes on, and so does what is queued. */
  hear (&next, &pos_samples, 10 * 320, by_kind);
  RpPlayout progress = await_playout (&next, RP_PLAYOUT_PROGRESS);
  g_assert_cmpuint (progress.utterance, ==, 2);
  g_assert_cmpuint (rig_count (rig, &rig->n_ended), ==, 0);
}

static void
lose (const void *bytes, gsize len)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (Rig) other = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  g_auto (FakeWorker) other_worker = {.fd = -1};
  gint64 pos_samples = 0;
  gint64 other_pos_samples = 0;
  guint by_kind[4] = {0};
  begin (other, &other_worker);
  rig_talk (other, TRUE);
  begin_connected (rig, &worker);
  rig_talk (rig, TRUE);
  hear (&worker, &pos_samples, 5 * 320, by_kind);
  speak (&worker, 1, 3, TRUE);
  await_playout (&worker, RP_PLAYOUT_ENDED);
  fake_worker_send (&worker, RP_FRAME_CHECKPOINT, "remember", 8);
  speak (&worker, 2, 400, FALSE); /* lasts until somebody else is there */
  await_playout (&worker, RP_PLAYOUT_STARTED);
  if (len > 0)
    fake_worker_send_bytes (&worker, bytes, len);
  else
    fake_worker_clear (&worker);
  replaced (rig, &worker, pos_samples);
  /* The other call has not noticed. */
  hear (&other_worker, &other_pos_samples, 20 * 320, by_kind);
  g_assert_cmpuint (rig_count (other, &other->n_need_worker), ==, 0);
}

static void
test_worker_dies (void)
{
  lose (NULL, 0);
}

static void
test_worker_sends_garbage (void)
{
  lose ("\x00\x01\x02", 3);
}

static void
test_bad_events (void)
{
  static const char *const events[] = {
      "", "{", "{\"event\":\"explode\"}", "{\"event\":\"user_turn\"}", "[[[[[[[[[[[[[",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (events); i++) {
    g_autoptr (Rig) rig = rig_new ();
    g_auto (FakeWorker) worker = {.fd = -1};
    begin (rig, &worker);
    send_event (&worker, events[i]);
    rig_wait (rig, rig_needs_worker, GUINT_TO_POINTER (1), "the loss of the worker");
  }
}

static void
test_too_many_losses (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  rig_connect (rig, &worker, TRUE);
  rig_get_ready (rig);
  for (guint i = 1; i <= RP_SESSION_MAX_RESTARTS; i++) {
    fake_worker_clear (&worker);
    rig_wait (rig, rig_needs_worker, GUINT_TO_POINTER (i), "the loss of the worker");
    rig_give_worker (rig, &worker);
  }
  fake_worker_clear (&worker);
  rig_wait (rig, rig_was_told, "\"fatal\":true", "an error");
  rig_wait (rig, rig_has_ended, NULL, "the end");
  g_assert_true (rig->failed);
  g_assert_cmpuint (rig_count (rig, &rig->n_need_worker), ==, RP_SESSION_MAX_RESTARTS);
}

static void
test_between_workers (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  gint64 pos_samples = 0;
  guint by_kind[4] = {0};
  begin_ready (rig, &worker);
  rig_talk (rig, TRUE);
  hear (&worker, &pos_samples, 5 * 320, by_kind);
  fake_worker_clear (&worker);
  rig_wait (rig, rig_needs_worker, GUINT_TO_POINTER (1), "the loss of the worker");
  say_text (rig, "said to nobody");
  /* Answered by the server itself, so the text has arrived. */
  rig_say (rig, "{\"label\":\"rtvi-ai\",\"type\":\"teleport\",\"id\":\"2\"}");
  rig_wait (rig, rig_was_told, "error-response", "an answer");
  rig_give_worker (rig, &worker);
  g_autoptr (JsonObject) start = await_json (&worker, RP_FRAME_START);
  pos_samples = rp_json_int (start, "input_pos_samples", -1);
  fake_worker_send (&worker, RP_FRAME_STARTED, NULL, 0);
  await_client (&worker, "text");
}

static void
test_hangup (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  begin_ready (rig, &worker);
  speak (&worker, 1, 30, TRUE);
  fake_worker_send (&worker, RP_FRAME_HANGUP, "bye", 3);
  RpPlayout ended = await_playout (&worker, RP_PLAYOUT_ENDED);
  g_assert_cmpuint (ended.frames_played, ==, 30);
  await_end (&worker);
  rig_wait (rig, rig_has_ended, NULL, "the end");
  rig_wait (rig, rig_was_told, "peerLeft", "peerLeft");
  g_assert_false (rig->failed);
  g_assert_cmpstr (rig->reason, ==, "the agent hung up: bye");
}

static void
test_client_hangs_up (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  begin (rig, &worker);
  rig_hang_up (rig);
  rig_wait (rig, rig_has_ended, NULL, "the end");
  await_end (&worker);
  g_assert_false (rig->failed);
}

static void
test_drain (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  begin_connected (rig, &worker);
  rig_drain (rig);
  await_client (&worker, "drain");
  rig_end (rig, "time is up");
  rig_wait (rig, rig_has_ended, NULL, "the end");
  g_assert_cmpstr (rig->reason, ==, "time is up");
}

static void
test_reconnect (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  gint64 pos_samples = 0;
  guint by_kind[4] = {0};
  begin_ready (rig, &worker);
  rig_talk (rig, TRUE);
  hear (&worker, &pos_samples, 10 * 320, by_kind);
  rig_reconnect (rig);
  /* The same worker, the same timeline, the same stream to the client. */
  hear (&worker, &pos_samples, 10 * 320, by_kind);
  speak (&worker, 1, 5, TRUE);
  await_playout (&worker, RP_PLAYOUT_ENDED);
  say_text (rig, "still here");
  await_client (&worker, "text");
  g_assert_cmpuint (rig_count (rig, &rig->n_need_worker), ==, 0);
  g_assert_cmpuint (rig_count (rig, &rig->n_ended), ==, 0);
}

/* A call in which both talk: the agent for longer than any of these tests takes, as a rule. */
static void
begin_talk (Rig *rig, FakeWorker *worker)
{
  begin_ready (rig, worker);
  rig_talk (rig, TRUE);
  speak (worker, 1, 1000, TRUE);
  rig_wait (rig, rig_heard, GUINT_TO_POINTER (5), "the agent");
}

/* The call goes on as if nothing had happened. */
static void
check_goes_on (Rig *rig, FakeWorker *worker)
{
  g_mutex_lock (&rig->lock);
  guint n_heard = rig->packets->len;
  g_mutex_unlock (&rig->lock);
  rig_wait (rig, rig_heard, GUINT_TO_POINTER (n_heard + 5), "the agent");
  say_text (rig, "still here");
  await_client (worker, "text");
  g_assert_cmpuint (rig->n_connected, ==, 1);
  g_assert_cmpuint (rig_count (rig, &rig->n_need_worker), ==, 0);
  g_assert_cmpuint (rig_count (rig, &rig->n_ended), ==, 0);
}

static gboolean
has_received (Rig *rig, gconstpointer data)
{
  return rig->snapshot.packets_in >= GPOINTER_TO_UINT (data);
}

/* Not a packet is missing, in either direction. */
static void
check_no_gap (Rig *rig)
{
  gint64 max_us = 0;
  g_mutex_lock (&rig->lock);
  guint n_heard = rig->packets->len;
  g_mutex_unlock (&rig->lock);
  rig_wait (rig, rig_heard, GUINT_TO_POINTER (n_heard + 5), "the agent");
  rig_wait (rig, has_received, GINT_TO_POINTER (g_atomic_int_get (&rig->n_sent)),
            "the client's packets");
  g_mutex_lock (&rig->lock);
  for (guint i = 1; i < rig->packets->len; i++) {
    const RigPacket *a = &g_array_index (rig->packets, RigPacket, i - 1);
    const RigPacket *b = &g_array_index (rig->packets, RigPacket, i);
    g_assert_cmpuint (b->sequence, ==, (guint16) (a->sequence + 1));
    max_us = MAX (max_us, b->arrival_us - a->arrival_us);
  }
  g_test_message ("%u packets of the agent, at most %.1f ms apart", rig->packets->len,
                  (double) max_us / 1e3);
  g_assert_cmpint (rig->snapshot.packets_lost, ==, 0);
  g_mutex_unlock (&rig->lock);
}

static void
test_ice_restart (gconstpointer data)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  begin_talk (rig, &worker);
  for (guint i = 1; i <= 3; i++) {
    g_assert_true (rig_restart_ice (rig, GPOINTER_TO_INT (data), NULL));
    rig_wait (rig, rig_has_switched, GUINT_TO_POINTER (i), "the new pair");
  }
  check_goes_on (rig, &worker);
  check_no_gap (rig);
}

static void
test_ice_answer_lost (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  begin_talk (rig, &worker);
  g_assert_true (rig_restart_ice (rig, RIG_ANSWER_LOST, NULL));
  check_goes_on (rig, &worker);
  g_assert_true (rig_restart_ice (rig, 0, NULL));
  rig_wait (rig, rig_has_switched, GUINT_TO_POINTER (1), "the new pair");
  check_no_gap (rig);
}

/* The client's network is gone, and the answer to its first restart with it. */
static void
test_ice_moved (gconstpointer data)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  begin_talk (rig, &worker);
  g_assert_true (rig_restart_ice (rig, RIG_MOVED | RIG_ANSWER_LOST | GPOINTER_TO_INT (data), NULL));
  send_event (&worker, "{\"event\":\"user_turn\",\"text\":\"said into the void\"}");
  g_assert_true (rig_restart_ice (rig, GPOINTER_TO_INT (data), NULL));
  check_goes_on (rig, &worker);
  rig_wait (rig, rig_was_told, "said into the void", "what was said meanwhile");
}

/* Candidates count for the generation whose ufrag they name. Those of another would use up the room
 * there is. */
static void
test_ice_trickle (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  begin_talk (rig, &worker);
  g_assert_true (rig_restart_ice (rig, RIG_NO_CANDIDATES, NULL));
  for (guint i = 0; i <= RP_CANDIDATE_MAX; i++)
    rig_trickle (rig, "OfBefore");
  rig_trickle (rig, NULL);
  rig_wait (rig, rig_has_switched, GUINT_TO_POINTER (1), "the new pair");
  check_goes_on (rig, &worker);
}

static void
test_ice_refused (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GError) error = NULL;
  g_auto (FakeWorker) worker = {.fd = -1};
  begin_talk (rig, &worker);
  g_assert_false (rig_restart_ice (rig, RIG_OTHER_CERTIFICATE | RIG_ANSWER_LOST, &error));
  g_assert_error (error, RP_SESSION_ERROR, RP_SESSION_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "a=fingerprint"));
  g_assert_nonnull (strstr (error->message, "\"restart_pc\": true"));
  g_clear_error (&error);
  /* That was no restart of the session's, so these are all it takes; what is no restart is free. */
  for (guint i = 0; i < RP_SESSION_MAX_ICE_RESTARTS; i++) {
    stay_alive (&worker);
    g_assert_true (rig_restart_ice (rig, i % 2 ? RIG_BY_FRAGMENT : 0, NULL));
    /* The refused one, which the client has begun as well, is not to overtake any. */
    rig_wait (rig, rig_has_switched, GUINT_TO_POINTER (i + 1), "the new pair");
    g_assert_true (
        rig_restart_ice (rig, RIG_SAME_CREDENTIALS | (i % 3 ? RIG_BY_FRAGMENT : 0), NULL));
  }
  g_assert_false (rig_restart_ice (rig, RIG_ANSWER_LOST, &error));
  g_assert_error (error, RP_SESSION_ERROR, RP_SESSION_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "wait a while"));
  check_goes_on (rig, &worker);
}

static gboolean
has_packets_in (Rig *rig, gconstpointer data)
{
  return rig->snapshot.packets_in > 0;
}

static void
stand_still (gpointer data)
{
  g_usleep (*(const gint64 *) data * 5 / 4);
}

/* A machine that is moved stands still for longer than a client may be silent; nothing that was
 * sent to it meanwhile came. The clients are still there. */
static void
test_stands_still (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  rig->config.inactivity_timeout_us = 2 * G_USEC_PER_SEC;
  rig->mute = TRUE;
  rig_connect (rig, &worker, FALSE);
  await_start (&worker);
  rp_loop_call_sync (rig->server_loop, stand_still, &rig->config.inactivity_timeout_us);
  rig_talk (rig, TRUE);
  rig_wait (rig, has_packets_in, NULL, "the client's packets");
  g_assert_cmpuint (rig_count (rig, &rig->n_ended), ==, 0);
  rig_talk (rig, FALSE);
  rig_wait (rig, rig_has_ended, NULL, "the end");
  g_assert_cmpstr (rig->reason, ==, "nothing came from the client any more");
}

static gboolean
is_ending (Rig *rig, gconstpointer data)
{
  return rig->snapshot.state == RP_CALL_ENDING;
}

/* The agent has hung up and still says its last sentence, which is to be heard. */
static void
test_ice_last_words (gconstpointer data)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  begin_ready (rig, &worker);
  rig_talk (rig, TRUE);
  speak (&worker, 1, 200, TRUE);
  fake_worker_send (&worker, RP_FRAME_HANGUP, "bye", 3);
  rig_wait (rig, is_ending, NULL, "the end to begin");
  g_assert_true (rig_restart_ice (rig, GPOINTER_TO_INT (data), NULL));
  rig_wait (rig, rig_has_switched, GUINT_TO_POINTER (1), "the new pair");
  RpPlayout ended = await_playout (&worker, RP_PLAYOUT_ENDED);
  g_assert_cmpuint (ended.frames_played, ==, 200);
  rig_wait (rig, rig_has_ended, NULL, "the end");
  g_assert_false (rig->failed);
  g_assert_cmpstr (rig->reason, ==, "the agent hung up: bye");
}

static void
test_ice_too_late (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_autoptr (GError) error = NULL;
  g_auto (FakeWorker) worker = {.fd = -1};
  rig->config.inactivity_timeout_us = 3 * G_USEC_PER_SEC; /* time to begin a restart */
  begin (rig, &worker);
  g_assert_true (rig_restart_ice (rig, RIG_MOVED | RIG_ANSWER_LOST, NULL));
  rig_wait (rig, rig_has_ended, NULL, "the end");
  g_assert_cmpstr (rig->reason, ==, "nothing came from the client any more");
  g_assert_false (rig_restart_ice (rig, 0, &error));
  g_assert_error (error, RP_SESSION_ERROR, RP_SESSION_ERROR_GONE);
  g_clear_error (&error);
  g_assert_false (rig_restart_ice (rig, RIG_BY_FRAGMENT, &error));
  g_assert_error (error, RP_SESSION_ERROR, RP_SESSION_ERROR_GONE);
}

static gboolean
has_packets (Rig *rig, gconstpointer data)
{
  return rig->snapshot.packets_in > 0 && rig->snapshot.packets_out > 0 && rig->snapshot.turns == 1;
}

static void
test_snapshot (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_auto (FakeWorker) worker = {.fd = -1};
  begin (rig, &worker);
  rig_talk (rig, TRUE);
  send_event (&worker, "{\"event\":\"user_turn\",\"text\":\"a\"}");
  send_event (&worker, "{\"event\":\"agent_thinking\",\"generation\":1}");
  rig_wait (rig, has_packets, NULL, "a picture of the call");
  g_mutex_lock (&rig->lock);
  g_assert_true (rig->snapshot.connected);
  g_assert_cmpint (rig->snapshot.state, ==, RP_CALL_THINKING);
  g_assert_cmpuint (rig->snapshot.worker, ==, 1);
  g_assert_cmpint (rig->snapshot.packets_lost, ==, 0);
  g_mutex_unlock (&rig->lock);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/session/audio-in", test_audio_in);
  g_test_add_func ("/session/lost-packets", test_lost_packets);
  g_test_add_func ("/session/stall", test_stall);
  g_test_add_func ("/session/greets-who-can-hear", test_greets_who_can_hear);
  g_test_add_func ("/session/audio-out", test_audio_out);
  g_test_add_func ("/session/flush", test_flush);
  g_test_add_func ("/session/messages", test_messages);
  g_test_add_func ("/session/worker-dies", test_worker_dies);
  g_test_add_func ("/session/worker-sends-garbage", test_worker_sends_garbage);
  g_test_add_func ("/session/bad-events", test_bad_events);
  g_test_add_func ("/session/too-many-losses", test_too_many_losses);
  g_test_add_func ("/session/between-workers", test_between_workers);
  g_test_add_func ("/session/hangup", test_hangup);
  g_test_add_func ("/session/client-hangs-up", test_client_hangs_up);
  g_test_add_func ("/session/drain", test_drain);
  g_test_add_func ("/session/reconnect", test_reconnect);
  g_test_add_func ("/session/stands-still", test_stands_still);
  g_test_add_data_func ("/session/ice-restart/offer", GINT_TO_POINTER (0), test_ice_restart);
  g_test_add_data_func ("/session/ice-restart/fragment", GINT_TO_POINTER (RIG_BY_FRAGMENT),
                        test_ice_restart);
  g_test_add_data_func ("/session/ice-restart/moved", GINT_TO_POINTER (0), test_ice_moved);
  g_test_add_data_func ("/session/ice-restart/moved-fragment", GINT_TO_POINTER (RIG_BY_FRAGMENT),
                        test_ice_moved);
  g_test_add_func ("/session/ice-restart/answer-lost", test_ice_answer_lost);
  g_test_add_func ("/session/ice-restart/trickle", test_ice_trickle);
  g_test_add_func ("/session/ice-restart/refused", test_ice_refused);
  g_test_add_data_func ("/session/ice-restart/last-words", GINT_TO_POINTER (0),
                        test_ice_last_words);
  g_test_add_data_func ("/session/ice-restart/last-words-fragment",
                        GINT_TO_POINTER (RIG_BY_FRAGMENT), test_ice_last_words);
  g_test_add_func ("/session/ice-restart/too-late", test_ice_too_late);
  g_test_add_func ("/session/snapshot", test_snapshot);
  return g_test_run ();
}
