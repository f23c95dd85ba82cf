/* server/ipc: the pool and its zygote, and what a link makes of workers that crash, hang, flood or
 * talk nonsense. The zygote is a stand-in (test-zygote.c); the real one is in worker-test.c. */
#define _GNU_SOURCE /* kill */

#include "fake-worker.h"
#include "pool.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Only a test that fails waits this long. */
#define PATIENCE_US (20 * G_USEC_PER_SEC)
#define SHORT_HUNG_MS 300

static const char *test_zygote;

/* What a link said, collected on the loop's thread and read by the test's. */
typedef struct {
  GMutex lock;
  GCond changed;
  RpLoop *loop;
  RpWorkerLink *link;
  guint n_started;
  guint n_audio;
  guint n_events;
  guint n_lost;
  guint last_flush;
  GBytes *checkpoint;
  char *hangup;
  RpWorkerLost reason;
  char *text;
} Call;

static void
count (Call *call, guint *counter)
{
  g_mutex_lock (&call->lock);
  (*counter)++;
  g_cond_signal (&call->changed);
  g_mutex_unlock (&call->lock);
}

static void
on_started (gpointer data)
{
  Call *call = data;
  count (call, &call->n_started);
}

static void
on_audio_out (const RpAudioOut *audio, gpointer data)
{
  Call *call = data;
  g_assert_cmpuint (audio->frame, ==, call->n_audio);
  count (call, &call->n_audio);
}

static void
on_flush (guint32 utterance, gpointer data)
{
  Call *call = data;
  g_mutex_lock (&call->lock);
  call->last_flush = utterance;
  g_cond_signal (&call->changed);
  g_mutex_unlock (&call->lock);
}

static void
on_event (const char *json, gsize len, gpointer data)
{
  Call *call = data;
  g_assert_cmpuint (len, >=, 2);
  g_assert_cmpint (json[0], ==, '{');
  count (call, &call->n_events);
}

static void
on_checkpoint (GBytes *checkpoint, gpointer data)
{
  Call *call = data;
  g_mutex_lock (&call->lock);
  g_clear_pointer (&call->checkpoint, g_bytes_unref);
  call->checkpoint = g_bytes_ref (checkpoint);
  g_cond_signal (&call->changed);
  g_mutex_unlock (&call->lock);
}

static void
on_hangup (const char *reason, gpointer data)
{
  Call *call = data;
  g_mutex_lock (&call->lock);
  call->hangup = g_strdup (reason);
  g_cond_signal (&call->changed);
  g_mutex_unlock (&call->lock);
}

static void
on_lost (RpWorkerLost reason, const char *text, gpointer data)
{
  Call *call = data;
  g_mutex_lock (&call->lock);
  call->reason = reason;
  g_free (call->text);
  call->text = g_strdup (text);
  call->n_lost++;
  g_cond_signal (&call->changed);
  g_mutex_unlock (&call->lock);
}

static const RpWorkerLinkEvents link_events = {
    .started = on_started,
    .audio_out = on_audio_out,
    .flush = on_flush,
    .event = on_event,
    .checkpoint = on_checkpoint,
    .hangup = on_hangup,
    .lost = on_lost,
};

/* Waits for a condition on what the loop's thread wrote. */
#define await(call, condition)                                                       \
  G_STMT_START                                                                       \
  {                                                                                  \
    gint64 until_us = g_get_monotonic_time () + PATIENCE_US;                         \
    g_mutex_lock (&(call)->lock);                                                    \
    while (!(condition))                                                             \
      g_assert_true (g_cond_wait_until (&(call)->changed, &(call)->lock, until_us)); \
    g_mutex_unlock (&(call)->lock);                                                  \
  }                                                                                  \
  G_STMT_END

static void
attach_on_loop (gpointer data)
{
  Call *call = data;
  rp_worker_link_attach (call->link, call->loop, &link_events, call);
}

static void
start_on_loop (gpointer data)
{
  Call *call = data;
  rp_worker_link_start (call->link, "{\"call\":\"test\"}", NULL);
}

static void
end_on_loop (gpointer data)
{
  rp_worker_link_end (((Call *) data)->link, "the test is over");
}

static void
free_on_loop (gpointer data)
{
  Call *call = data;
  rp_worker_link_free (g_steal_pointer (&call->link));
}

static void
call_init (Call *call, RpLoop *loop, RpWorkerLink *link)
{
  memset (call, 0, sizeof *call);
  g_mutex_init (&call->lock);
  g_cond_init (&call->changed);
  call->loop = loop;
  call->link = link;
  rp_loop_call_sync (loop, attach_on_loop, call);
}

static void
call_clear (Call *call)
{
  if (call->link != NULL)
    rp_loop_call_sync (call->loop, free_on_loop, call);
  g_clear_pointer (&call->checkpoint, g_bytes_unref);
  g_free (call->hangup);
  g_free (call->text);
  g_mutex_clear (&call->lock);
  g_cond_clear (&call->changed);
}

static RpLoop *
make_loop (void)
{
  g_autoptr (GError) error = NULL;
  RpLoop *loop = rp_loop_new ("ipc", &error);
  g_assert_no_error (error);
  return loop;
}

/* A link to a fake worker that said HELLO and STARTED. */
static void
start_fake (FakeWorker *worker, Call *call, RpLoop *loop, guint hung_timeout_ms)
{
  int fd = -1;
  RpFrame frame;
  fake_worker_init (worker, &fd);
  call_init (call, loop, rp_worker_link_new (fd, -1, 1, hung_timeout_ms));
  fake_worker_send_u32 (worker, RP_FRAME_HELLO, 4711);
  rp_loop_call_sync (loop, start_on_loop, call);
  g_assert_true (fake_worker_await (worker, RP_FRAME_START, &frame));
  g_assert_cmpmem (frame.payload, frame.len, "{\"call\":\"test\"}", 15);
  fake_worker_send (worker, RP_FRAME_STARTED, NULL, 0);
  await (call, call->n_started == 1);
}

static void
test_link_conversation (void)
{
  g_autoptr (RpLoop) loop = make_loop ();
  FakeWorker worker;
  Call call;
  start_fake (&worker, &call, loop, 0);

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
  rp_loop_call_sync (loop, end_on_loop, &call);
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
  g_autoptr (RpLoop) loop = make_loop ();
  FakeWorker good;
  Call good_call;
  start_fake (&good, &good_call, loop, 60000);
  for (guint bad = 0; bad < N_BAD; bad++) {
    FakeWorker worker;
    Call call;
    start_fake (&worker, &call, loop, 0);
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
  g_autoptr (RpLoop) loop = make_loop ();
  FakeWorker worker;
  Call call;
  start_fake (&worker, &call, loop, 0);
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
  g_autoptr (RpLoop) loop = make_loop ();
  FakeWorker worker;
  Call call;
  start_fake (&worker, &call, loop, 0);
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
  g_autoptr (RpLoop) loop = make_loop ();
  FakeWorker worker;
  Call call;
  start_fake (&worker, &call, loop, SHORT_HUNG_MS);
  await (&call, call.n_lost == 1);
  g_assert_cmpint (call.reason, ==, RP_WORKER_HUNG);
  call_clear (&call);
  fake_worker_clear (&worker);
}

static void
test_link_never_ends (void)
{
  g_autoptr (RpLoop) loop = make_loop ();
  FakeWorker worker;
  Call call;
  start_fake (&worker, &call, loop, SHORT_HUNG_MS);
  rp_loop_call_sync (loop, end_on_loop, &call);
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
  g_autoptr (RpLoop) loop = make_loop ();
  FakeWorker worker;
  Call call;
  start_fake (&worker, &call, loop, 60000);
  Flood flood = {&call, 0, FLOOD_FRAMES};
  rp_loop_call_sync (loop, flood_on_loop, &flood);
  RpWorkerLinkStats stats;
  rp_worker_link_stats (call.link, &stats);
  g_assert_cmpuint (stats.audio_dropped_frames, >, 0);

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
  g_autoptr (RpLoop) loop = make_loop ();
  FakeWorker worker;
  Call call;
  start_fake (&worker, &call, loop, 60000);
  rp_loop_call_sync (loop, flood_control_on_loop, &call);
  await (&call, call.n_lost == 1);
  g_assert_cmpint (call.reason, ==, RP_WORKER_HUNG);
  RpWorkerLinkStats stats;
  rp_worker_link_stats (call.link, &stats);
  g_assert_cmpuint (stats.queue_peak, <=, 512);
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
  g_autoptr (RpLoop) loop = make_loop ();
  FakeWorker worker;
  Call call;
  start_fake (&worker, &call, loop, 60000);
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
  on_lost (reason, text, data);
}

static void
on_started_free (gpointer data)
{
  Call *call = data;
  rp_worker_link_free (g_steal_pointer (&call->link));
  count (call, &call->n_started);
}

static void
attach_freeing_on_loop (gpointer data)
{
  Call *call = data;
  const RpWorkerLinkEvents events = {
      .started = on_started_free, .audio_out = on_audio_out, .lost = on_lost_free};
  rp_worker_link_attach (call->link, call->loop, &events, call);
}

/* A session that goes away in the middle of what its worker says. */
static void
test_link_freed_inside (void)
{
  g_autoptr (RpLoop) loop = make_loop ();
  for (guint variant = 0; variant < 2; variant++) {
    FakeWorker worker;
    Call call = {.loop = loop};
    int fd = -1;
    fake_worker_init (&worker, &fd);
    g_mutex_init (&call.lock);
    g_cond_init (&call.changed);
    call.link = rp_worker_link_new (fd, -1, 1, 0);
    rp_loop_call_sync (loop, start_on_loop, &call);
    fake_worker_send_u32 (&worker, RP_FRAME_HELLO, 4711);
    fake_worker_send (&worker, variant == 0 ? RP_FRAME_STARTED : RP_FRAME_FLUSH, NULL, 0);
    fake_worker_send_audio (&worker, 1, 0, FALSE);
    rp_loop_call_sync (loop, attach_freeing_on_loop, &call);
    await (&call, call.n_started + call.n_lost == 1);
    g_assert_null (call.link);
    rp_loop_call_sync (loop, free_on_loop, &call); /* NULL is legal; and a turn of the loop */
    g_assert_cmpuint (call.n_audio, ==, 0);
    call_clear (&call);
    fake_worker_clear (&worker);
  }
}

/* The pool's side of things, told on the main context. */
typedef struct {
  guint n_ready;
  guint n_failed;
  guint n_trouble;
  guint n_stopped;
  guint n_answers;
  RpWorkerLink *answer;
  char *failure;
} PoolLog;

static void
on_pool_ready (const char *info, gpointer data)
{
  g_assert_cmpstr (info, ==, "{\"agent\":\"test\"}");
  ((PoolLog *) data)->n_ready++;
}

static void
on_pool_failed (const char *why, gpointer data)
{
  PoolLog *log = data;
  log->n_failed++;
  log->failure = g_strdup (why);
}

static void
on_pool_trouble (const char *text, gpointer data)
{
  g_test_message ("%s", text);
  ((PoolLog *) data)->n_trouble++;
}

static void
on_pool_stopped (gpointer data)
{
  ((PoolLog *) data)->n_stopped++;
}

static void
on_answer (RpWorkerLink *link, gpointer data)
{
  PoolLog *log = data;
  log->answer = link;
  log->n_answers++;
}

static const RpPoolEvents pool_events = {
    .ready = on_pool_ready, .failed = on_pool_failed, .trouble = on_pool_trouble};

static gboolean
on_impatient (gpointer data)
{
  (void) data;
  g_assert_not_reached ();
  return G_SOURCE_REMOVE;
}

/* Runs the main context until the condition holds. */
#define run_until(condition)                                                  \
  G_STMT_START                                                                \
  {                                                                           \
    guint impatient = g_timeout_add (PATIENCE_US / 1000, on_impatient, NULL); \
    while (!(condition))                                                      \
      g_main_context_iteration (NULL, TRUE);                                  \
    g_source_remove (impatient);                                              \
  }                                                                           \
  G_STMT_END

static RpPool *
make_pool (const char *behaviour, guint idle, PoolLog *log)
{
  RpPoolConfig config;
  rp_pool_config_init (&config);
  config.idle_target = idle;
  config.zygote.worker_path = test_zygote;
  config.zygote.agent_dir = behaviour;
  config.zygote.start_timeout_ms = 1000;
  config.zygote.fork_timeout_ms = 1000;
  config.zygote.min_backoff_ms = 20;
  config.zygote.max_backoff_ms = 50;
  memset (log, 0, sizeof *log);
  return rp_pool_new (&config, &pool_events, log);
}

static RpPoolStats
stats_of (RpPool *pool)
{
  RpPoolStats stats;
  rp_pool_stats (pool, &stats);
  return stats;
}

static void
stop_pool (RpPool *pool, PoolLog *log)
{
  rp_pool_stop (pool, on_pool_stopped, log);
  run_until (log->n_stopped == 1);
  RpPoolStats stats = stats_of (pool);
  g_assert_cmpuint (stats.idle + stats.starting + stats.busy + stats.waiting, ==, 0);
  rp_pool_free (pool);
  g_free (log->failure);
}

static void
test_pool_fills (void)
{
  PoolLog log;
  RpPool *pool = make_pool ("good", 3, &log);
  g_assert_null (rp_pool_acquire (pool));
  g_assert_false (rp_pool_is_ready (pool));
  run_until (stats_of (pool).idle == 3);
  g_assert_true (rp_pool_is_ready (pool));
  g_assert_cmpuint (log.n_ready, ==, 1);

  RpWorkerLink *links[5];
  for (guint i = 0; i < 3; i++) {
    links[i] = rp_pool_acquire (pool);
    g_assert_nonnull (links[i]);
    g_assert_cmpuint (rp_worker_link_pid (links[i]), >, 0);
  }
  g_assert_null (rp_pool_acquire (pool));
  run_until (stats_of (pool).idle == 3);
  g_assert_cmpuint (stats_of (pool).busy, ==, 3);
  g_assert_cmpuint (stats_of (pool).restarts, ==, 0);
  for (guint i = 0; i < 3; i++)
    rp_worker_link_free (links[i]);
  run_until (stats_of (pool).busy == 0);
  g_assert_cmpuint (stats_of (pool).restarts, ==, 0);
  stop_pool (pool, &log);
}

static void
test_pool_requests (void)
{
  PoolLog log;
  RpPool *pool = make_pool ("good", 1, &log);
  PoolLog first = {0}, second = {0}, cancelled = {0};
  rp_pool_request (pool, on_answer, &first);
  guint id = rp_pool_request (pool, on_answer, &cancelled);
  rp_pool_request (pool, on_answer, &second);
  rp_pool_cancel (pool, id);
  run_until (second.n_answers == 1);
  g_assert_cmpuint (first.n_answers, ==, 1);
  g_assert_cmpuint (cancelled.n_answers, ==, 0);
  g_assert_nonnull (first.answer);
  g_assert_nonnull (second.answer);
  rp_worker_link_free (first.answer);
  rp_worker_link_free (second.answer);

  PoolLog late = {0};
  rp_pool_stop (pool, NULL, NULL);
  rp_pool_request (pool, on_answer, &late);
  run_until (late.n_answers == 1);
  g_assert_null (late.answer);
  stop_pool (pool, &log);
}

static void
test_pool_replaces_idle (void)
{
  PoolLog log;
  RpPool *pool = make_pool ("good", 1, &log);
  run_until (stats_of (pool).idle == 1);
  RpWorkerLink *link = rp_pool_acquire (pool);
  run_until (stats_of (pool).idle == 1);
  guint32 busy_pid = rp_worker_link_pid (link);

  /* An idle worker dies: another one takes its place, the busy one is not touched. */
  RpWorkerLink *victim = rp_pool_acquire (pool);
  kill ((pid_t) rp_worker_link_pid (victim), SIGKILL);
  run_until (stats_of (pool).restarts == 1);
  rp_worker_link_free (victim);
  run_until (stats_of (pool).idle == 1);
  g_assert_cmpint (kill ((pid_t) busy_pid, 0), ==, 0);
  rp_worker_link_free (link);
  run_until (stats_of (pool).busy == 0);
  g_assert_cmpuint (stats_of (pool).restarts, ==, 1);
  stop_pool (pool, &log);
}

static void
test_pool_zygote_dies (void)
{
  g_autoptr (RpLoop) loop = make_loop ();
  PoolLog log;
  RpPool *pool = make_pool ("good", 1, &log);
  run_until (stats_of (pool).idle == 1);
  Call call;
  call_init (&call, loop, rp_pool_acquire (pool));
  rp_loop_call_sync (loop, start_on_loop, &call);
  await (&call, call.n_started == 1);
  run_until (stats_of (pool).idle == 1);

  /* Its parent is the zygote: found by the worker's own account. */
  g_autofree char *path = g_strdup_printf ("/proc/%u/stat", rp_worker_link_pid (call.link));
  g_autofree char *stat = NULL;
  g_assert_true (g_file_get_contents (path, &stat, NULL, NULL));
  int zygote = 0;
  g_assert_cmpint (sscanf (strrchr (stat, ')'), ") %*c %d", &zygote), ==, 1);
  kill (zygote, SIGKILL);
  run_until (log.n_ready == 2);
  g_assert_cmpuint (stats_of (pool).restarts, ==, 1);

  /* The call went on all the while. */
  RpWorkerLinkStats before, after;
  rp_worker_link_stats (call.link, &before);
  do {
    g_usleep (1000);
    rp_worker_link_stats (call.link, &after);
  } while (after.frames_in == before.frames_in && call.n_lost == 0);
  g_assert_cmpuint (call.n_lost, ==, 0);
  run_until (stats_of (pool).idle >= 1);
  call_clear (&call);
  stop_pool (pool, &log);
}

/* SIGSTOP: a worker that hangs is found, killed, and nobody else's business. */
static void
test_pool_worker_hangs (void)
{
  g_autoptr (RpLoop) loop = make_loop ();
  PoolLog log;
  RpPoolConfig config;
  rp_pool_config_init (&config);
  config.zygote.worker_path = test_zygote;
  config.zygote.agent_dir = "good";
  config.hung_timeout_ms = SHORT_HUNG_MS;
  memset (&log, 0, sizeof log);
  RpPool *pool = rp_pool_new (&config, &pool_events, &log);
  run_until (stats_of (pool).idle == 2);
  Call stopped, other;
  call_init (&stopped, loop, rp_pool_acquire (pool));
  call_init (&other, loop, rp_pool_acquire (pool));
  rp_loop_call_sync (loop, start_on_loop, &stopped);
  rp_loop_call_sync (loop, start_on_loop, &other);
  await (&stopped, stopped.n_started == 1);
  await (&other, other.n_started == 1);
  pid_t pid = (pid_t) rp_worker_link_pid (stopped.link);
  kill (pid, SIGSTOP);
  await (&stopped, stopped.n_lost == 1);
  g_assert_cmpint (stopped.reason, ==, RP_WORKER_HUNG);
  run_until (stats_of (pool).restarts == 1);
  g_assert_cmpuint (other.n_lost, ==, 0);

  /* And one that crashes. */
  kill ((pid_t) rp_worker_link_pid (other.link), SIGKILL);
  await (&other, other.n_lost == 1);
  g_assert_cmpint (other.reason, ==, RP_WORKER_CRASHED);
  run_until (stats_of (pool).restarts == 2);
  call_clear (&stopped);
  call_clear (&other);
  stop_pool (pool, &log);
}

/* A worker that ignores END, and SIGTERM, is gone a second after it was let go. */
static void
test_pool_kills_released (void)
{
  PoolLog log;
  RpPool *pool = make_pool ("good", 1, &log);
  run_until (stats_of (pool).idle == 1);
  RpWorkerLink *link = rp_pool_acquire (pool);
  kill ((pid_t) rp_worker_link_pid (link), SIGSTOP);
  rp_worker_link_free (link);
  g_assert_cmpuint (stats_of (pool).busy, ==, 1);
  run_until (stats_of (pool).busy == 0);
  stop_pool (pool, &log);
}

static void
test_pool_bad_config (void)
{
  PoolLog log;
  PoolLog answer = {0};
  RpPool *pool = make_pool ("bad-config", 1, &log);
  rp_pool_request (pool, on_answer, &answer);
  run_until (log.n_failed == 1 && answer.n_answers == 1);
  g_assert_cmpstr (log.failure, ==, "no such agent");
  g_assert_cmpstr (rp_pool_failure (pool), ==, "no such agent");
  g_assert_null (answer.answer);
  g_assert_cmpuint (log.n_trouble, ==, 0);
  stop_pool (pool, &log);
}

static void
test_pool_no_program (void)
{
  PoolLog log = {0};
  RpPoolConfig config;
  rp_pool_config_init (&config);
  config.zygote.worker_path = "/nonexistent/repartee-worker";
  config.zygote.agent_dir = "good";
  RpPool *pool = rp_pool_new (&config, &pool_events, &log);
  run_until (log.n_failed == 1);
  g_assert_nonnull (strstr (log.failure, "repartee-worker"));
  stop_pool (pool, &log);
}

/* Zygotes and workers that die young are started again, more and more slowly, and counted. */
static void
test_pool_sickly (void)
{
  static const char *const behaviours[] = {"dies", "mute", "stillborn", "silent"};
  for (guint i = 0; i < G_N_ELEMENTS (behaviours); i++) {
    PoolLog log;
    RpPool *pool = make_pool (behaviours[i], 1, &log);
    g_test_message ("%s", behaviours[i]);
    run_until (stats_of (pool).restarts >= 2);
    g_assert_false (rp_pool_is_ready (pool));
    g_assert_cmpuint (log.n_failed, ==, 0);
    stop_pool (pool, &log);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  test_zygote = g_getenv ("RP_TEST_ZYGOTE");
  g_assert_nonnull (test_zygote);
  g_test_add_func ("/link/conversation", test_link_conversation);
  g_test_add_func ("/link/garbage", test_link_garbage);
  g_test_add_func ("/link/owner-fails-it", test_link_owner_fails_it);
  g_test_add_func ("/link/crash", test_link_crash);
  g_test_add_func ("/link/hangs", test_link_hangs);
  g_test_add_func ("/link/never-ends", test_link_never_ends);
  g_test_add_func ("/link/audio-overflow", test_link_audio_overflow);
  g_test_add_func ("/link/control-overflow", test_link_control_overflow);
  g_test_add_func ("/link/control-queue", test_link_control_queue);
  g_test_add_func ("/link/freed-inside", test_link_freed_inside);
  g_test_add_func ("/pool/fills", test_pool_fills);
  g_test_add_func ("/pool/requests", test_pool_requests);
  g_test_add_func ("/pool/replaces", test_pool_replaces_idle);
  g_test_add_func ("/pool/zygote-dies", test_pool_zygote_dies);
  g_test_add_func ("/pool/worker-hangs", test_pool_worker_hangs);
  g_test_add_func ("/pool/kills-released", test_pool_kills_released);
  g_test_add_func ("/pool/bad-config", test_pool_bad_config);
  g_test_add_func ("/pool/no-program", test_pool_no_program);
  g_test_add_func ("/pool/sickly", test_pool_sickly);
  return g_test_run ();
}
