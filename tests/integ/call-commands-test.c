/* The way between the main thread and a media loop, when the loop has no time. */
#include "call.h"

static GMutex gate;
static gint at_gate;

static void
stand_at_gate (gpointer data)
{
  g_atomic_int_set (&at_gate, TRUE);
  g_mutex_lock (&gate);
  g_mutex_unlock (&gate);
}

static void
on_event (RpCall *call, gpointer data)
{
}

static void
on_latencies (RpCall *call, const RpLatencies *latencies, gpointer data)
{
}

static void
on_timeline (RpCall *call, const RpTimelineEvent *event, gpointer data)
{
}

static void
on_ended (RpCall *call, gboolean failed, gpointer data)
{
}

static const RpCallEvents call_events = {
    .need_worker = on_event,
    .latencies = on_latencies,
    .timeline = on_timeline,
    .ended = on_ended,
};

/* The loop does nothing until the gate is unlocked. */
static void
stop_loop (RpLoop *loop)
{
  g_atomic_int_set (&at_gate, FALSE);
  g_mutex_lock (&gate);
  g_assert_true (rp_loop_post (loop, stand_at_gate, NULL, NULL));
  while (!g_atomic_int_get (&at_gate))
    g_thread_yield ();
}

typedef struct {
  guint busy;
  guint gone;
} Answers;

static void
on_answer (RpCall *call, const char *answer, const GError *error, gpointer data)
{
  Answers *answers = data;
  g_assert_null (answer);
  if (g_error_matches (error, RP_SESSION_ERROR, RP_SESSION_ERROR_BUSY))
    answers->busy++;
  else if (g_error_matches (error, RP_SESSION_ERROR, RP_SESSION_ERROR_GONE))
    answers->gone++;
  else
    g_assert_not_reached ();
}

static void
await_answers (const Answers *answers, guint n)
{
  while (answers->busy + answers->gone < n)
    g_main_context_iteration (NULL, TRUE);
}

/* The calls have no session, and answer that. */
static void
restart (RpCall *call, Answers *answers)
{
  rp_call_restart_ice (call, g_new0 (RpSdpFragment, 1), on_answer, answers);
}

/* One client asks for more than a loop may have waiting; the others of the loop do not feel it, and
 * the client itself is served again once what it asked for is done. */
static void
test_flood (void)
{
  g_autoptr (GError) error = NULL;
  RpLoop *loop = rp_loop_new ("calls", &error);
  g_assert_no_error (error);
  RpInbox *inbox = rp_inbox_new ();
  const RpSessionConfig config = {.agent = "agent"};
  RpCall *hostile = rp_call_new (&config, loop, inbox, &call_events, NULL);
  RpCall *other = rp_call_new (&config, loop, inbox, &call_events, NULL);
  const RpCandidate candidate = {.component = 1};
  Answers hostile_answers = {0};
  Answers other_answers = {0};
  RpLoopStats stats;

  stop_loop (loop);
  for (guint i = 0; i < RP_LOOP_QUEUE_MAX; i++) {
    rp_call_add_candidates (hostile, &candidate, 1);
    restart (hostile, &hostile_answers);
  }
  restart (other, &other_answers);
  rp_loop_stats (loop, &stats);
  g_assert_cmpuint (stats.posted_refused, ==, 0);
  g_mutex_unlock (&gate);

  await_answers (&other_answers, 1);
  g_assert_cmpuint (other_answers.gone, ==, 1);
  await_answers (&hostile_answers, RP_LOOP_QUEUE_MAX);
  g_assert_cmpuint (hostile_answers.gone, ==, RP_CALL_MAX_WAITING / 2);
  guint before = hostile_answers.gone;
  restart (hostile, &hostile_answers);
  await_answers (&hostile_answers, RP_LOOP_QUEUE_MAX + 1);
  g_assert_cmpuint (hostile_answers.gone, ==, before + 1);

  rp_loop_free (loop);
  rp_inbox_free (inbox);
  rp_call_unref (hostile);
  rp_call_unref (other);
}

static void
nothing (gpointer data)
{
}

/* A loop that cannot keep up says so, so that the client tries again. */
static void
test_overload (void)
{
  g_autoptr (GError) error = NULL;
  RpLoop *loop = rp_loop_new ("calls", &error);
  g_assert_no_error (error);
  RpInbox *inbox = rp_inbox_new ();
  const RpSessionConfig config = {.agent = "agent"};
  RpCall *call = rp_call_new (&config, loop, inbox, &call_events, NULL);
  Answers answers = {0};

  stop_loop (loop);
  while (rp_loop_post (loop, nothing, NULL, NULL))
    ;
  restart (call, &answers);
  g_assert_cmpuint (answers.busy + answers.gone, ==, 0); /* never from inside */
  g_mutex_unlock (&gate);
  await_answers (&answers, 1);
  g_assert_cmpuint (answers.busy, ==, 1);

  rp_loop_free (loop);
  rp_inbox_free (inbox);
  rp_call_unref (call);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/call-commands/flood", test_flood);
  g_test_add_func ("/call-commands/overload", test_overload);
  return g_test_run ();
}
