#include "call.h"

#include "log.h"
#include "secret.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define ID_BYTES 16
#define SHORT_ID_CHARS 8

struct _RpCall {
  gint refs;
  gint waiting; /* atomic: Jobs of the client's */
  /* Fixed. */
  char *id;
  char *short_id;
  RpLoop *loop;
  RpInbox *inbox;
  RpSessionConfig config;
  RpCallEvents events;
  gpointer user_data;
  gint64 started_us;
  char *agent;

  RpSession *session; /* loop */
  char *request_data; /* (nullable) loop */
  gboolean dropped;   /* loop */

  RpCallSnapshot snapshot; /* main */
  gint64 stt_us;           /* main; 0 = none since it was taken */
  RpTimeline *timeline;    /* main */
};

/* A command on its way to the loop, or news on the way back. One shape for all: they are rare. */
typedef struct {
  RpCall *call;
  RpWorkerLink *link; /* (nullable) */
  char *reason;
  RpSessionOffer *offer;
  gboolean is_new; /* the offer makes the session */
  RpSdpFragment *fragment;
  RpCallAnswerFunc answered;
  gpointer answered_data;
  char *answer;
  GError *error;
  RpCandidate *candidates;
  guint n_candidates;
  RpCallSnapshot snapshot;
  RpLatencies latencies;
  RpTimelineEvent event;
  gboolean failed;
  guint complexity;
  gboolean is_client; /* counted as waiting */
} Job;

RpCall *
rp_call_ref (RpCall *call)
{
  g_atomic_int_inc (&call->refs);
  return call;
}

void
rp_call_unref (RpCall *call)
{
  if (!g_atomic_int_dec_and_test (&call->refs))
    return;
  g_free (call->id);
  g_free (call->short_id);
  g_free (call->agent);
  rp_secret_free (call->request_data);
  rp_timeline_free (call->timeline);
  g_free (call);
}

/* On the loop. What the application said of its user goes with the session: the call itself is
 * remembered for longer. */
static void
drop_session (RpCall *call)
{
  g_clear_pointer (&call->session, rp_session_free);
  g_clear_pointer (&call->request_data, rp_secret_free);
  call->config.request_data = NULL;
}

static Job *
job_new (RpCall *call)
{
  Job *job = g_new0 (Job, 1);
  job->call = rp_call_ref (call);
  return job;
}

/* What a client asks for. Returns: FALSE when too much of that waits already. */
static gboolean
may_wait (Job *job)
{
  /* Only the main thread adds. */
  if (g_atomic_int_get (&job->call->waiting) >= RP_CALL_MAX_WAITING)
    return FALSE;
  g_atomic_int_inc (&job->call->waiting);
  job->is_client = TRUE;
  return TRUE;
}

static void
job_free (gpointer data)
{
  Job *job = data;
  if (job->is_client)
    g_atomic_int_add (&job->call->waiting, -1);
  rp_call_unref (job->call);
  rp_worker_link_free (job->link);
  g_free (job->reason);
  rp_session_offer_free (job->offer);
  g_free (job->fragment);
  g_free (job->answer);
  g_clear_error (&job->error);
  g_free (job->candidates);
  g_free (job);
}

static void
tell_main (Job *job, RpInboxFunc func)
{
  rp_inbox_post (job->call->inbox, func, job);
}

/* Whatever cannot be posted because the loop is overloaded is lost: sessions do not depend on it.
 */
static void
post (Job *job, RpLoopFunc func)
{
  if (!rp_loop_post_slow (job->call->loop, func, job, job_free))
    job_free (job);
}

/* --- events of the session: on the loop, then on the main thread --- */

static void
main_need_worker (gpointer data)
{
  Job *job = data;
  job->call->events.need_worker (job->call, job->call->user_data);
  job_free (job);
}

static void
on_need_worker (gpointer user_data)
{
  tell_main (job_new (user_data), main_need_worker);
}

static void
on_connected (gpointer user_data)
{
  RpCall *call = user_data;
  rp_log_info ("call", "connected", RP_LOG_STR ("call", call->short_id),
               RP_LOG_INT ("ms", (rp_loop_now_us () - call->started_us) / 1000));
}

static void
main_snapshot (gpointer data)
{
  Job *job = data;
  job->call->snapshot = job->snapshot;
  job->call->stt_us = MAX (job->call->stt_us, job->snapshot.worker_stt_us);
  job_free (job);
}

static void
on_snapshot (const RpCallSnapshot *snapshot, gpointer user_data)
{
  Job *job = job_new (user_data);
  job->snapshot = *snapshot;
  tell_main (job, main_snapshot);
}

static void
main_latencies (gpointer data)
{
  Job *job = data;
  job->call->events.latencies (job->call, &job->latencies, job->call->user_data);
  job_free (job);
}

static void
on_latencies (const RpLatencies *latencies, gpointer user_data)
{
  Job *job = job_new (user_data);
  job->latencies = *latencies;
  tell_main (job, main_latencies);
}

static void
main_timeline (gpointer data)
{
  Job *job = data;
  RpCall *call = job->call;
  rp_timeline_input (call->timeline, &job->event);
  call->events.timeline (call, &job->event, call->user_data);
  job_free (job);
}

static void
on_timeline (const RpTimelineEvent *event, gpointer user_data)
{
  Job *job = job_new (user_data);
  job->event = *event;
  tell_main (job, main_timeline);
}

static void
main_ended (gpointer data)
{
  Job *job = data;
  job->call->events.ended (job->call, job->failed, job->call->user_data);
  job_free (job);
}

/* The session is in the middle of its own call; and when many hang up at once, this has time. */
static void
free_session (gpointer data)
{
  RpCall *call = data;
  drop_session (call);
  rp_call_unref (call);
}

static void
on_ended (const char *reason, gboolean failed, gpointer user_data)
{
  RpCall *call = user_data;
  rp_log (failed ? RP_LOG_LEVEL_WARNING : RP_LOG_LEVEL_INFO, "call", "ended",
          RP_LOG_STR ("call", call->short_id), RP_LOG_STR ("reason", reason),
          RP_LOG_INT ("s", (rp_loop_now_us () - call->started_us) / G_USEC_PER_SEC));
  /* The references first: once the main thread knows, it gives up its own. */
  Job *job = job_new (call);
  job->failed = failed;
  rp_loop_add_slow (call->loop, free_session, rp_call_ref (call));
  tell_main (job, main_ended);
}

static const RpSessionEvents session_events = {
    .need_worker = on_need_worker,
    .connected = on_connected,
    .snapshot = on_snapshot,
    .latencies = on_latencies,
    .timeline = on_timeline,
    .ended = on_ended,
};

/* --- offers --- */

static void
loop_answer (gpointer data)
{
  Job *job = data;
  RpCall *call = job->call;
  if (job->is_new && !call->dropped)
    call->session = rp_session_new (&call->config, &session_events, call);
  if (call->session == NULL) {
    g_set_error (&job->error, RP_SESSION_ERROR, RP_SESSION_ERROR_GONE, "the call has ended");
    return;
  }
  job->answer = rp_session_answer (call->session, job->offer, &job->error);
  if (job->answer != NULL && job->is_new)
    rp_session_set_worker (call->session, g_steal_pointer (&job->link));
  else if (job->is_new)
    drop_session (call);
}

static void
never_began (RpCall *call, const char *why)
{
  RpTimelineEvent event;
  rp_timeline_event_init (&event, RP_TIMELINE_ENDED, rp_loop_now_us (), why, NULL);
  event.end = RP_TIMELINE_END_OFFER;
  event.failed = TRUE;
  rp_timeline_input (call->timeline, &event);
  call->events.timeline (call, &event, call->user_data);
  call->events.ended (call, TRUE, call->user_data);
}

static void
main_answered (gpointer data)
{
  Job *job = data;
  RpCall *call = job->call;
  job->answered (call, job->answer, job->error, job->answered_data);
  if (job->answer == NULL && job->is_new)
    never_began (call, job->error->message);
  job_free (job);
}

/* The loop has done its part, or never will. */
static void
answer_done (gpointer data)
{
  Job *job = data;
  if (job->answer == NULL && job->error == NULL)
    g_set_error (&job->error, RP_SESSION_ERROR, RP_SESSION_ERROR_FAILED, "the server is stopping");
  tell_main (job, main_answered);
}

static void
post_answer (Job *job, RpLoopFunc func)
{
  if (!may_wait (job))
    g_set_error (&job->error, RP_SESSION_ERROR, RP_SESSION_ERROR_BUSY,
                 "%d offers and candidates of this call wait already: wait for their answers",
                 RP_CALL_MAX_WAITING);
  else if (rp_loop_post_slow (job->call->loop, func, job, answer_done))
    return;
  else
    g_set_error (&job->error, RP_SESSION_ERROR, RP_SESSION_ERROR_BUSY, "the server is overloaded");
  answer_done (job);
}

void
rp_call_offer (RpCall *call, RpSessionOffer *offer, RpWorkerLink *link, RpCallAnswerFunc func,
               gpointer user_data)
{
  Job *job = job_new (call);
  job->offer = offer;
  job->link = link;
  job->is_new = link != NULL;
  job->answered = func;
  job->answered_data = user_data;
  post_answer (job, loop_answer);
}

static void
loop_restart_ice (gpointer data)
{
  Job *job = data;
  if (job->call->session != NULL)
    job->answer = rp_session_restart_ice (job->call->session, job->fragment, &job->error);
  else
    g_set_error (&job->error, RP_SESSION_ERROR, RP_SESSION_ERROR_GONE, "the call has ended");
}

void
rp_call_restart_ice (RpCall *call, RpSdpFragment *fragment, RpCallAnswerFunc func,
                     gpointer user_data)
{
  Job *job = job_new (call);
  job->fragment = fragment;
  job->answered = func;
  job->answered_data = user_data;
  post_answer (job, loop_restart_ice);
}

/* --- commands --- */

static void
loop_add_candidates (gpointer data)
{
  Job *job = data;
  if (job->call->session != NULL)
    rp_session_add_candidates (job->call->session, job->candidates, job->n_candidates);
}

void
rp_call_add_candidates (RpCall *call, const RpCandidate *candidates, guint n)
{
  Job *job = job_new (call);
  if (!may_wait (job)) {
    job_free (job);
    return;
  }
  job->candidates = g_memdup2 (candidates, n * sizeof *candidates);
  job->n_candidates = n;
  post (job, loop_add_candidates);
}

static void
loop_set_worker (gpointer data)
{
  Job *job = data;
  RpSession *session = job->call->session;
  if (session == NULL)
    return;
  if (job->link != NULL)
    rp_session_set_worker (session, g_steal_pointer (&job->link));
  else
    rp_session_no_worker (session);
}

void
rp_call_set_worker (RpCall *call, RpWorkerLink *link)
{
  Job *job = job_new (call);
  job->link = link;
  post (job, loop_set_worker);
}

static void
loop_drain (gpointer data)
{
  Job *job = data;
  if (job->call->session != NULL)
    rp_session_drain (job->call->session);
}

void
rp_call_drain (RpCall *call)
{
  post (job_new (call), loop_drain);
}

static void
loop_set_complexity (gpointer data)
{
  Job *job = data;
  if (job->call->session != NULL)
    rp_session_set_complexity (job->call->session, job->complexity);
}

void
rp_call_set_complexity (RpCall *call, guint complexity)
{
  Job *job = job_new (call);
  job->complexity = complexity;
  post (job, loop_set_complexity);
}

static void
loop_end (gpointer data)
{
  Job *job = data;
  if (job->call->session != NULL)
    rp_session_end (job->call->session, job->event.end, job->reason);
}

void
rp_call_end (RpCall *call, RpTimelineEnd end, const char *reason)
{
  Job *job = job_new (call);
  job->event.end = end;
  job->reason = g_strdup (reason);
  post (job, loop_end);
}

static void
loop_drop (gpointer data)
{
  RpCall *call = data;
  call->dropped = TRUE; /* its offer may still wait */
  drop_session (call);
}

void
rp_call_drop (RpCall *call)
{
  rp_loop_call_sync (call->loop, loop_drop, call);
}

/* --- life --- */

char *
rp_call_make_id (void)
{
  guint8 bytes[ID_BYTES];
  /* The kernel gives so few bytes whole or not at all. */
  while (getrandom (bytes, sizeof bytes, 0) != (gssize) sizeof bytes)
    g_assert (errno == EINTR);
  GString *id = g_string_sized_new (2 * ID_BYTES);
  for (gsize i = 0; i < sizeof bytes; i++)
    g_string_append_printf (id, "%02x", bytes[i]);
  return g_string_free (id, FALSE);
}

RpCall *
rp_call_new (const RpSessionConfig *config, RpLoop *loop, RpInbox *inbox,
             const RpCallEvents *events, gpointer user_data)
{
  RpCall *call = g_new0 (RpCall, 1);
  call->refs = 1;
  call->id = rp_call_make_id ();
  call->short_id = g_strndup (call->id, SHORT_ID_CHARS);
  call->loop = loop;
  call->inbox = inbox;
  call->config = *config;
  call->config.loop = loop;
  call->config.call = call->short_id;
  call->agent = g_strdup (config->agent);
  call->request_data = g_strdup (config->request_data);
  call->config.agent = call->agent;
  call->config.request_data = call->request_data;
  call->events = *events;
  call->user_data = user_data;
  call->started_us = rp_loop_now_us ();
  call->timeline = rp_timeline_new (call->started_us);
  call->snapshot.jitter_out_ms = -1;
  call->snapshot.rtt_ms = -1;
  return call;
}

const char *
rp_call_id (const RpCall *call)
{
  return call->id;
}

const char *
rp_call_short_id (const RpCall *call)
{
  return call->short_id;
}

const char *
rp_call_agent (const RpCall *call)
{
  return call->agent;
}

const RpCallSnapshot *
rp_call_snapshot (const RpCall *call)
{
  return &call->snapshot;
}

gint64
rp_call_take_stt_us (RpCall *call)
{
  gint64 stt_us = call->stt_us;
  call->stt_us = 0;
  return stt_us;
}

const RpTimeline *
rp_call_timeline (const RpCall *call)
{
  return call->timeline;
}

gint64
rp_call_started_us (const RpCall *call)
{
  return call->started_us;
}
