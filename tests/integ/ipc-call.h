/* What the tests of server/ipc share: a link's events, collected on its loop's thread and awaited
 * by the test. */
#pragma once

#include "fake-worker.h"
#include "worker-link.h"

/* Only a test that fails waits this long. */
#define PATIENCE_US (60 * G_USEC_PER_SEC)

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

extern const RpWorkerLinkEvents call_link_events;
/* Two of its handlers, for tests with events of their own. */
void call_on_audio_out (const RpAudioOut *audio, gpointer data);
void call_on_lost (RpWorkerLost reason, const char *text, gpointer data);

/* To be run on the loop, with a Call. */
void call_attach (gpointer data);
void call_start (gpointer data);
void call_end (gpointer data);
void call_free (gpointer data);

RpLoop *call_loop_new (void);
/* @link: (transfer full), attached to @loop. */
void call_init (Call *call, RpLoop *loop, RpWorkerLink *link);
void call_clear (Call *call);
/* What the link counted, asked on its loop. */
RpWorkerLinkStats call_stats (Call *call);
/* A link to a fake worker that said HELLO and STARTED. */
void call_start_fake (FakeWorker *worker, Call *call, RpLoop *loop, guint hung_timeout_ms);
/* Counts what a test's own event handler saw. */
void call_count (Call *call, guint *counter);
