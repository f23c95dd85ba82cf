/* server/ipc: what a link makes of workers that crash, hang, flood or talk nonsense. */
#define _GNU_SOURCE /* kill */

#include "ipc-call.h"
#include "worker-link-private.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where the test has something to say in between: longer than a busy machine leaves it waiting. */
#define SHORT_HUNG_MS 1000
#define HUNG_MS 2000

static void
test_link_conversation (void)
{
  g_autoptr (RpLoop) loop = call_loop_new ();
  FakeWorker worker;
  Call call;
  call_start_fake (&worker, &call, loop, 0);

  for (guint i = 0; i < 200; i++)
    fake_worker_send_audio (&worker, 1, i, i == 199);
  await (&call, call.n_audio == 200);
  fake_worker_send_u32 (&worker, RP_FRAME_FLUSH, 7);
  await (&call, call.last_flush == 7);
  fake_worker_send (&worker, RP_FRAME_EVENT, "{\"event\":\"x\"}", 13);
  await (&call, call.n_events == 1);
  g_autofree guint8 *large = g_malloc0 (RP_FRAME_MAX_PAYLOAD_BYTES);
  fake_worker_send (&worker, RP_FRAME_CHECKPOINT, large, RP_FRAME_MAX_PAYLOAD_BYTES);
  await (&call, call.checkpoint != NULL);
  g_assert_cmpuint (g_bytes_get_size (call.checkpoint), ==, RP_FRAME_MAX_PAYLOAD_BYTES);
  fake_worker_send (&worker, RP_FRAME_HANGUP, "goodbye", 7);
  await (&call, call.hangup != NULL);
  g_assert_cmpstr (call.hangup, ==, "goodbye");

  RpFrame frame;
  rp_loop_call_sync (loop, call_end, &call);
  g_assert_true (fake_worker_await (&worker, RP_FRAME_END, &frame));
  fake_worker_send_audio (&worker, 9, 9, FALSE); /* out of order, but nobody listens any more */
  fake_worker_clear (&worker);
  await (&call, call.n_lost == 1);
  g_assert_cmpint (call.reason, ==, RP_WORKER_CLOSED);
  call_clear (&call);
}

typedef enum {
  BAD_BYTES,
  BAD_VERSION,
  BAD_SEQUENCE,
  BAD_DIRECTION,
  BAD_EMPTY,
  BAD_OVERSIZED,
  BAD_SECOND_STARTED,
  BAD_AUDIO_BEFORE_FIRST,
  BAD_AUDIO_GAP,
  BAD_AUDIO_BACK,
  BAD_AUDIO_AFTER_LAST,
  BAD_PONG,
  BAD_HANGUP_TEXT,
  N_BAD
} Bad;

static void
misbehave (FakeWorker *worker, Bad bad)
{
  guint8 bytes[RP_FRAME_HEADER_BYTES + 4] = {0};
  static guint8 oversized[RP_FRAME_MAX_BYTES + 1];
  switch (bad) {
  case BAD_BYTES:
    memset (bytes, 0xa5, sizeof bytes);
    fake_worker_send_bytes (worker, bytes, sizeof bytes);
    break;
  case BAD_VERSION:
    rp_frame_write (bytes, sizeof bytes, RP_FRAME_FLUSH, worker->next_seq, 0, "\1\0\0\0", 4);
    bytes[2] = 9;
    fake_worker_send_bytes (worker, bytes, sizeof bytes);
    break;
  case BAD_SEQUENCE:
    worker->next_seq += 5;
    fake_worker_send_u32 (worker, RP_FRAME_FLUSH, 1);
    break;
  case BAD_DIRECTION:
    fake_worker_send_u32 (worker, RP_FRAME_PING, 1);
    break;
  case BAD_EMPTY:
    fake_worker_send_bytes (worker, bytes, 1);
    break;
  case BAD_OVERSIZED:
    rp_frame_write (oversized, RP_FRAME_MAX_BYTES, RP_FRAME_EVENT, worker->next_seq, 0, NULL, 0);
    fake_worker_send_bytes (worker, oversized, sizeof oversized);
    break;
  case BAD_SECOND_STARTED:
    fake_worker_send (worker, RP_FRAME_STARTED, NULL, 0);
    break;
  case BAD_AUDIO_BEFORE_FIRST:
    fake_worker_send_audio (worker, 1, 1, FALSE);
    break;
  case BAD_AUDIO_GAP:
    fake_worker_send_audio (worker, 1, 0, FALSE);
    fake_worker_send_audio (worker, 1, 2, FALSE);
    break;
  case BAD_AUDIO_BACK:
    fake_worker_send_audio (worker, 2, 0, TRUE);
    fake_worker_send_audio (worker, 1, 0, FALSE);
    break;
  case BAD_AUDIO_AFTER_LAST:
    fake_worker_send_audio (worker, 1, 0, TRUE);
    fake_worker_send_audio (worker, 1, 1, FALSE);
    break;
  case BAD_PONG:
    fake_worker_send_u32 (worker, RP_FRAME_PONG, 0xdeadbeef);
    break;
  case BAD_HANGUP_TEXT:
    fake_worker_send (worker, RP_FRAME_HANGUP, "\xff\xfe", 2);
    break;
  case N_BAD:
    break;
  }
}

/* Whatever one worker says, the link beside it on the same loop notices nothing. */
static void
test_link_garbage (void)
{
  g_autoptr (RpLoop) loop = call_loop_new ();
  FakeWorker good;
  Call good_call;
  call_start_fake (&good, &good_call, loop, 60000);
  for (guint bad = 0; bad < N_BAD; bad++) {
    FakeWorker worker;
    Call call;
    call_start_fake (&worker, &call, loop, 0);
    misbehave (&worker, (Bad) bad);
    await (&call, call.n_lost == 1);
    g_test_message ("%u: %s", bad, call.text);
    g_assert_cmpint (call.reason, ==, RP_WORKER_GARBAGE);
    call_clear (&call);
    fake_worker_clear (&worker);
    fake_worker_send_audio (&good, 1, bad, FALSE);
    await (&good_call, good_call.n_audio == bad + 1);
  }
  g_assert_cmpuint (good_call.n_lost, ==, 0);
  call_clear (&good_call);
  fake_worker_clear (&good);
}

static void
fail_on_loop (gpointer data)
{
  rp_worker_link_fail (((Call *) data)->link, "sent an event that is no JSON");
}

static void
test_link_owner_fails_it (void)
{
  g_autoptr (RpLoop) loop = call_loop_new ();
  FakeWorker worker;
  Call call;
  call_start_fake (&worker, &call, loop, 0);
  rp_loop_call_sync (loop, fail_on_loop, &call);
  await (&call, call.n_lost == 1);
  g_assert_cmpint (call.reason, ==, RP_WORKER_GARBAGE);
  g_assert_nonnull (strstr (call.text, "no JSON"));
  call_clear (&call);
  fake_worker_clear (&worker);
}

static void
test_link_crash (void)
{
  g_autoptr (RpLoop) loop = call_loop_new ();
  FakeWorker worker;
  Call call;
  call_start_fake (&worker, &call, loop, 0);
  /* What it said before counts, though it left without reading its own socket. */
  fake_worker_send_audio (&worker, 1, 0, FALSE);
  fake_worker_clear (&worker);
  await (&call, call.n_lost == 1);
  g_assert_cmpint (call.reason, ==, RP_WORKER_CRASHED);
  g_assert_cmpuint (call.n_audio, ==, 1);
  call_clear (&call);
}

static void
test_link_hangs (void)
{
  g_autoptr (RpLoop) loop = call_loop_new ();
  FakeWorker worker;
  Call call;
  call_start_fake (&worker, &call, loop, SHORT_HUNG_MS);
  await (&call, call.n_lost == 1);
  g_assert_cmpint (call.reason, ==, RP_WORKER_HUNG);
  call_clear (&call);
  fake_worker_clear (&worker);
}

/* Reads as far as to a PING, which is not answered. */
static RpFrame
receive_ping (FakeWorker *worker)
{
  RpFrame frame = {0};
  while (frame.type != RP_FRAME_PING)
    g_assert_true (fake_worker_receive (worker, &frame));
  return frame;
}

/* It was asked for a sign of life, said something else, and then stood still. */
static void
test_link_hangs_after_a_word (void)
{
  g_autoptr (RpLoop) loop = call_loop_new ();
  FakeWorker worker;
  Call call;
  call_start_fake (&worker, &call, loop, HUNG_MS);
  receive_ping (&worker);
  fake_worker_send_u32 (&worker, RP_FRAME_FLUSH, 7);
  await (&call, call.last_flush == 7);
  await (&call, call.n_lost == 1);
  g_assert_cmpint (call.reason, ==, RP_WORKER_HUNG);
  call_clear (&call);
  fake_worker_clear (&worker);
}

/* It was asked while it was idle; who takes it over does not ask again. */
static void
test_link_hangs_handed_over (void)
{
  g_autoptr (RpLoop) loop = call_loop_new ();
  FakeWorker worker;
  Call call;
  int fd = -1;
  fake_worker_init (&worker, &fd);
  RpWorkerLink *link = rp_worker_link_new (fd, -1, 1, SHORT_HUNG_MS);
  fake_worker_send_u32 (&worker, RP_FRAME_HELLO, 4711);
  rp_worker_link_service (link);
  receive_ping (&worker);
  call_init (&call, loop, link);
  await (&call, call.n_lost == 1);
  g_assert_cmpint (call.reason, ==, RP_WORKER_HUNG);
  call_clear (&call);
  fake_worker_clear (&worker);
}

static void
stand_still (gpointer data)
{
  g_usleep (HUNG_MS * 3 / 2 * 1000);
}

/* The server and the worker were stopped together, as a paused container is, with a PING on its
 * way: neither is hung. */
static void
test_link_stands_still_too (void)
{
  g_autoptr (RpLoop) loop = call_loop_new ();
  FakeWorker worker;
  Call call;
  call_start_fake (&worker, &call, loop, HUNG_MS);
  RpFrame ping = receive_ping (&worker);
  rp_loop_call_sync (loop, stand_still, NULL);
  for (guint i = 0; i < 3; i++)
    call_stats (&call); /* turns of the loop */
  fake_worker_send (&worker, RP_FRAME_PONG, ping.payload, ping.len);
  receive_ping (&worker);
  g_assert_cmpuint (call.n_lost, ==, 0);
  await (&call, call.n_lost == 1);
  g_assert_cmpint (call.reason, ==, RP_WORKER_HUNG);
  call_clear (&call);
  fake_worker_clear (&worker);
}

static void
test_link_never_ends (void)
{
  g_autoptr (RpLoop) loop = call_loop_new ();
  FakeWorker worker;
  Call call;
  call_start_fake (&worker, &call, loop, SHORT_HUNG_MS);
  rp_loop_call_sync (loop, call_end, &call);
  await (&call, call.n_lost == 1);
  g_assert_cmpint (call.reason, ==, RP_WORKER_HUNG);
  call_clear (&call);
  fake_worker_clear (&worker);
}

#define FLOOD_FRAMES 4000

typedef struct {
  Call *call;
  guint from, to;
} Flood;

static void
flood_on_loop (gpointer data)
{
  static const gint16 pcm[320];
  const Flood *flood = data;
  for (guint i = flood->from; i < flood->to; i++)
    rp_worker_link_audio_in (flood->call->link, 320LL * i, RP_AUDIO_DECODED, pcm, 320, 1 + i);
}

/* Reads all that is there. Returns: the position after it; every frame begins where the last ended.
 */
static gint64
read_audio (FakeWorker *worker, gint64 pos, gboolean *out_silence)
{
  struct pollfd poll_fd = {.fd = worker->fd, .events = POLLIN};
  while (poll (&poll_fd, 1, 0) == 1) {
    RpFrame frame;
    RpAudioIn audio;
    g_assert_true (fake_worker_receive (worker, &frame));
    if (frame.type != RP_FRAME_AUDIO_IN)
      continue;
    g_assert_true (rp_frame_parse_audio_in (&frame, &audio, NULL));
    g_assert_cmpint (audio.pos_samples, ==, pos);
    pos += audio.n_samples;
    *out_silence |= audio.kind == RP_AUDIO_SILENCE;
  }
  return pos;
}

/* Audio that finds the socket full is dropped, and its place taken by silence later: the worker's
 * timeline has no gap. */
static void
test_link_audio_overflow (void)
{
  g_autoptr (RpLoop) loop = call_loop_new ();
  FakeWorker worker;
  Call call;
  call_start_fake (&worker, &call, loop, 60000);
  Flood flood = {&call, 0, FLOOD_FRAMES};
  rp_loop_call_sync (loop, flood_on_loop, &flood);
  g_assert_cmpuint (call_stats (&call).audio_dropped_frames, >, 0);

  gboolean silence = FALSE;
  gint64 pos = read_audio (&worker, 0, &silence);
  g_assert_cmpint (pos, <, 320LL * FLOOD_FRAMES);
  while (pos < 320LL * flood.to) {
    flood = (Flood){&call, flood.to, flood.to + 1};
    rp_loop_call_sync (loop, flood_on_loop, &flood);
    pos = read_audio (&worker, pos, &silence);
    g_assert_cmpuint (flood.to, <, 2 * FLOOD_FRAMES);
  }
  g_assert_true (silence);
  g_assert_cmpuint (call.n_lost, ==, 0);
  call_clear (&call);
  fake_worker_clear (&worker);
}

static void
flood_control_on_loop (gpointer data)
{
  Call *call = data;
  for (guint i = 0; i < 20000 && !rp_worker_link_is_lost (call->link); i++)
    rp_worker_link_client (call->link, "{\"type\":\"interrupt\"}");
}

/* Control frames are never dropped: a worker that does not read them is lost, and the memory of the
 * server is bounded. */
static void
test_link_control_overflow (void)
{
  g_autoptr (RpLoop) loop = call_loop_new ();
  FakeWorker worker;
  Call call;
  call_start_fake (&worker, &call, loop, 60000);
  rp_loop_call_sync (loop, flood_control_on_loop, &call);
  await (&call, call.n_lost == 1);
  g_assert_cmpint (call.reason, ==, RP_WORKER_HUNG);
  g_assert_cmpuint (call_stats (&call).queue_peak, <=, 512);
  call_clear (&call);
  fake_worker_clear (&worker);
}

static void
queue_control_on_loop (gpointer data)
{
  Call *call = data;
  guint n = 0;
  RpWorkerLinkStats stats;
  do {
    g_autofree char *json = g_strdup_printf ("{\"type\":\"text\",\"content\":\"%u\"}", n++);
    rp_worker_link_client (call->link, json);
    rp_worker_link_stats (call->link, &stats);
  } while (stats.queue_peak < 100);
  call->n_events = n;
}

/* What had to wait arrives, in order. */
static void
test_link_control_queue (void)
{
  g_autoptr (RpLoop) loop = call_loop_new ();
  FakeWorker worker;
  Call call;
  call_start_fake (&worker, &call, loop, 60000);
  rp_loop_call_sync (loop, queue_control_on_loop, &call);
  for (guint i = 0; i < call.n_events; i++) {
    RpFrame frame;
    g_autofree char *json = g_strdup_printf ("{\"type\":\"text\",\"content\":\"%u\"}", i);
    g_assert_true (fake_worker_await (&worker, RP_FRAME_CLIENT, &frame));
    g_assert_cmpmem (frame.payload, frame.len, json, strlen (json));
  }
  call_clear (&call);
  fake_worker_clear (&worker);
}

static void
on_lost_free (RpWorkerLost reason, const char *text, gpointer data)
{
  Call *call = data;
  rp_worker_link_free (g_steal_pointer (&call->link));
  call_on_lost (reason, text, data);
}

static void
on_started_free (gpointer data)
{
  Call *call = data;
  rp_worker_link_free (g_steal_pointer (&call->link));
  call_count (call, &call->n_started);
}

static void
attach_freeing_on_loop (gpointer data)
{
  Call *call = data;
  const RpWorkerLinkEvents events = {
      .started = on_started_free, .audio_out = call_on_audio_out, .lost = on_lost_free};
  rp_worker_link_attach (call->link, call->loop, &events, call);
}

/* A session that goes away in the middle of what its worker says. */
static void
test_link_freed_inside (void)
{
  g_autoptr (RpLoop) loop = call_loop_new ();
  for (guint variant = 0; variant < 2; variant++) {
    FakeWorker worker;
    Call call = {.loop = loop};
    int fd = -1;
    fake_worker_init (&worker, &fd);
    g_mutex_init (&call.lock);
    g_cond_init (&call.changed);
    call.link = rp_worker_link_new (fd, -1, 1, 0);
    rp_loop_call_sync (loop, call_start, &call);
    fake_worker_send_u32 (&worker, RP_FRAME_HELLO, 4711);
    fake_worker_send (&worker, variant == 0 ? RP_FRAME_STARTED : RP_FRAME_FLUSH, NULL, 0);
    fake_worker_send_audio (&worker, 1, 0, FALSE);
    rp_loop_call_sync (loop, attach_freeing_on_loop, &call);
    await (&call, call.n_started + call.n_lost == 1);
    g_assert_null (call.link);
    rp_loop_call_sync (loop, call_free, &call); /* NULL is legal; and a turn of the loop */
    g_assert_cmpuint (call.n_audio, ==, 0);
    call_clear (&call);
    fake_worker_clear (&worker);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/link/conversation", test_link_conversation);
  g_test_add_func ("/link/garbage", test_link_garbage);
  g_test_add_func ("/link/owner-fails-it", test_link_owner_fails_it);
  g_test_add_func ("/link/crash", test_link_crash);
  g_test_add_func ("/link/hangs", test_link_hangs);
  g_test_add_func ("/link/hangs-after-a-word", test_link_hangs_after_a_word);
  g_test_add_func ("/link/hangs-handed-over", test_link_hangs_handed_over);
  g_test_add_func ("/link/stands-still-too", test_link_stands_still_too);
  g_test_add_func ("/link/never-ends", test_link_never_ends);
  g_test_add_func ("/link/audio-overflow", test_link_audio_overflow);
  g_test_add_func ("/link/control-overflow", test_link_control_overflow);
  g_test_add_func ("/link/control-queue", test_link_control_queue);
  g_test_add_func ("/link/freed-inside", test_link_freed_inside);
  return g_test_run ();
}
