#include "ipc-call.h"

#include <string.h>

void
call_count (Call *call, guint *counter)
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
  call_count (call, &call->n_started);
}

void
call_on_audio_out (const RpAudioOut *audio, gpointer data)
{
  Call *call = data;
  g_assert_cmpuint (audio->frame, ==, call->n_audio);
  call_count (call, &call->n_audio);
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
  call_count (call, &call->n_events);
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

void
call_on_lost (RpWorkerLost reason, const char *text, gpointer data)
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

const RpWorkerLinkEvents call_link_events = {
    .started = on_started,
    .audio_out = call_on_audio_out,
    .flush = on_flush,
    .event = on_event,
    .checkpoint = on_checkpoint,
    .hangup = on_hangup,
    .lost = call_on_lost,
};

void
call_attach (gpointer data)
{
  Call *call = data;
  rp_worker_link_attach (call->link, call->loop, &call_link_events, call);
}

void
call_start (gpointer data)
{
  Call *call = data;
  rp_worker_link_start (call->link, "{\"call\":\"test\"}", NULL);
}

void
call_end (gpointer data)
{
  rp_worker_link_end (((Call *) data)->link, "the test is over");
}

void
call_free (gpointer data)
{
  Call *call = data;
  rp_worker_link_free (g_steal_pointer (&call->link));
}

void
call_init (Call *call, RpLoop *loop, RpWorkerLink *link)
{
  memset (call, 0, sizeof *call);
  g_mutex_init (&call->lock);
  g_cond_init (&call->changed);
  call->loop = loop;
  call->link = link;
  rp_loop_call_sync (loop, call_attach, call);
}

typedef struct {
  const Call *call;
  RpWorkerLinkStats stats;
} Look;

static void
look (gpointer data)
{
  Look *taken = data;
  rp_worker_link_stats (taken->call->link, &taken->stats);
}

RpWorkerLinkStats
call_stats (Call *call)
{
  Look taken = {.call = call};
  rp_loop_call_sync (call->loop, look, &taken);
  return taken.stats;
}

void
call_clear (Call *call)
{
  if (call->link != NULL)
    rp_loop_call_sync (call->loop, call_free, call);
  g_clear_pointer (&call->checkpoint, g_bytes_unref);
  g_free (call->hangup);
  g_free (call->text);
  g_mutex_clear (&call->lock);
  g_cond_clear (&call->changed);
}

RpLoop *
call_loop_new (void)
{
  g_autoptr (GError) error = NULL;
  RpLoop *loop = rp_loop_new ("ipc", &error);
  g_assert_no_error (error);
  return loop;
}

void
call_start_fake (FakeWorker *worker, Call *call, RpLoop *loop, guint hung_timeout_ms)
{
  int fd = -1;
  RpFrame frame;
  fake_worker_init (worker, &fd);
  call_init (call, loop, rp_worker_link_new (fd, -1, 1, hung_timeout_ms));
  fake_worker_send_u32 (worker, RP_FRAME_HELLO, 4711);
  rp_loop_call_sync (loop, call_start, call);
  g_assert_true (fake_worker_await (worker, RP_FRAME_START, &frame));
  g_assert_cmpmem (frame.payload, frame.len, "{\"call\":\"test\"}", 15);
  fake_worker_send (worker, RP_FRAME_STARTED, NULL, 0);
  await (call, call->n_started == 1);
}
