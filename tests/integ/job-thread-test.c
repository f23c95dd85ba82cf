/* The worker's threads and what they have in common: nothing is lost, done twice or left behind,
 * and (with ThreadSanitizer) nothing is touched by two at once. */
#include "job-thread.h"

#include <string.h>

/* Only a test that fails waits this long. */
#define PATIENCE_MS 60000
#define MAX_WAITING 4

typedef struct {
  guint id;
  gboolean done;      /* the thread's */
  gboolean cancelled; /* the thread's: it was told to stop */
} Job;

typedef struct {
  GMainContext *context;
  RpMailbox *mailbox;
  RpJobThread *thread;
  GString *back; /* what came back: id, and ! for cancelled or - for not run */
  GMutex lock;
  GCond changed;
  guint n_begun;
  guint n_idle;
  gboolean is_open;
} Rig;

static gint n_alive; /* atomic: jobs not freed */

static Job *
job_new (guint id)
{
  Job *job = g_new0 (Job, 1);
  job->id = id;
  g_atomic_int_inc (&n_alive);
  return job;
}

static void
job_free (gpointer data)
{
  g_atomic_int_add (&n_alive, -1);
  g_free (data);
}

/* Stops at the gate until it is opened or the job is cancelled. */
static void
run (gpointer data, const gint *cancel, gpointer user_data)
{
  Rig *rig = user_data;
  Job *job = data;
  g_mutex_lock (&rig->lock);
  rig->n_begun++;
  g_cond_broadcast (&rig->changed);
  while (!rig->is_open && g_atomic_int_get (cancel) == 0)
    g_cond_wait_until (&rig->changed, &rig->lock, g_get_monotonic_time () + 1000);
  g_mutex_unlock (&rig->lock);
  job->cancelled = g_atomic_int_get (cancel) != 0;
  job->done = TRUE;
}

static void
idle (gpointer user_data)
{
  Rig *rig = user_data;
  g_mutex_lock (&rig->lock);
  rig->n_idle++;
  g_cond_broadcast (&rig->changed);
  g_mutex_unlock (&rig->lock);
}

static void
on_job (gpointer message, gpointer user_data)
{
  Rig *rig = user_data;
  Job *job = message;
  g_string_append_printf (rig->back, "%u%s ", job->id,
                          !job->done ? "-" : (job->cancelled ? "!" : ""));
  job_free (job);
}

static const RpJobThreadClass plain_class = {"test", MAX_WAITING, run, NULL, job_free};
static const RpJobThreadClass idle_class = {"test", MAX_WAITING, run, idle, job_free};

static void
rig_init (Rig *rig, const RpJobThreadClass *klass)
{
  *rig = (Rig){.context = g_main_context_new (), .back = g_string_new (NULL)};
  g_mutex_init (&rig->lock);
  g_cond_init (&rig->changed);
  rig->mailbox = rp_mailbox_new (rig->context, on_job, job_free, rig);
  rig->thread = rp_job_thread_new (klass, rig->mailbox, rig);
}

static void
rig_clear (Rig *rig)
{
  rp_job_thread_free (rig->thread);
  rp_mailbox_free (rig->mailbox);
  g_main_context_unref (rig->context);
  g_string_free (rig->back, TRUE);
  g_mutex_clear (&rig->lock);
  g_cond_clear (&rig->changed);
  g_assert_cmpint (g_atomic_int_get (&n_alive), ==, 0);
}

static void
await_count (Rig *rig, const guint *count, guint n)
{
  gint64 give_up_us = g_get_monotonic_time () + PATIENCE_MS * G_TIME_SPAN_MILLISECOND;
  g_mutex_lock (&rig->lock);
  while (*count < n)
    g_assert_true (g_cond_wait_until (&rig->changed, &rig->lock, give_up_us));
  g_mutex_unlock (&rig->lock);
}

static void
set_open (Rig *rig, gboolean is_open)
{
  g_mutex_lock (&rig->lock);
  rig->is_open = is_open;
  g_cond_broadcast (&rig->changed);
  g_mutex_unlock (&rig->lock);
}

static gboolean
on_impatient (gpointer data)
{
  g_assert_not_reached ();
  return G_SOURCE_REMOVE;
}

static void
iterate_until (GMainContext *context, const gsize *count, gsize n)
{
  GSource *impatient = g_timeout_source_new (PATIENCE_MS);
  g_source_set_callback (impatient, on_impatient, NULL, NULL);
  g_source_attach (impatient, context);
  while (*count < n)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (impatient);
  g_source_unref (impatient);
}

static void
assert_back (Rig *rig, const char *expected)
{
  iterate_until (rig->context, &rig->back->len, strlen (expected));
  g_assert_cmpstr (rig->back->str, ==, expected);
  g_string_truncate (rig->back, 0);
}

static void
push (Rig *rig, guint id)
{
  g_assert_true (rp_job_thread_push (rig->thread, job_new (id)));
}

/* Begins job 1, which stays at the gate, and lets 2 to 1 + MAX_WAITING wait. */
static void
fill (Rig *rig)
{
  push (rig, 1);
  await_count (rig, &rig->n_begun, 1);
  for (guint id = 2; id < 2 + MAX_WAITING; id++)
    push (rig, id);
}

static gboolean
visit_odd (gpointer data, gpointer user_data)
{
  const Job *job = data;
  GString *seen = user_data;
  g_string_append_printf (seen, "%u ", job->id);
  return job->id % 2 == 1;
}

static void
test_bounded (void)
{
  Rig rig;
  rig_init (&rig, &plain_class);
  fill (&rig);
  Job *refused = job_new (6);
  g_assert_false (rp_job_thread_push (rig.thread, refused));
  job_free (refused);
  set_open (&rig, TRUE);
  assert_back (&rig, "1 2 3 4 5 ");
  push (&rig, 7);
  assert_back (&rig, "7 ");
  /* What came back is not shown any more. */
  g_autoptr (GString) seen = g_string_new (NULL);
  rp_job_thread_visit (rig.thread, visit_odd, seen);
  g_assert_cmpstr (seen->str, ==, "");
  rig_clear (&rig);
}

/* The one that runs is cancelled, those that wait come back at once; the others feel nothing. */
static void
test_stopped (void)
{
  Rig rig;
  g_autoptr (GString) seen = g_string_new (NULL);
  rig_init (&rig, &plain_class);
  rp_job_thread_visit (rig.thread, visit_odd, seen);
  g_assert_cmpstr (seen->str, ==, "");
  fill (&rig);
  rp_job_thread_visit (rig.thread, visit_odd, seen);
  g_assert_cmpstr (seen->str, ==, "1 2 3 4 5 ");
  assert_back (&rig, "3- 5- 1! ");
  await_count (&rig, &rig.n_begun, 2);
  set_open (&rig, TRUE);
  assert_back (&rig, "2 4 ");
  rig_clear (&rig);
}

/* Freed with one that runs, some that wait, and some that came back and were not fetched. */
static void
test_end (void)
{
  Rig rig;
  rig_init (&rig, &plain_class);
  fill (&rig);
  g_autoptr (GString) seen = g_string_new (NULL);
  rp_job_thread_visit (rig.thread, visit_odd, seen);
  await_count (&rig, &rig.n_begun, 2);
  rig_clear (&rig);
  rig_init (&rig, &idle_class);
  rig_clear (&rig);
}

/* Once after jobs, not again without another. */
static void
test_idle (void)
{
  Rig rig;
  rig_init (&rig, &idle_class);
  push (&rig, 1);
  push (&rig, 2);
  set_open (&rig, TRUE);
  assert_back (&rig, "1 2 ");
  await_count (&rig, &rig.n_idle, 1);
  push (&rig, 3);
  assert_back (&rig, "3 ");
  await_count (&rig, &rig.n_idle, 2);
  rp_job_thread_free (g_steal_pointer (&rig.thread));
  g_assert_cmpuint (rig.n_idle, ==, 2);
  rig_clear (&rig);
}

typedef struct {
  GRand *rand;
  guint32 seen[256]; /* how often each came back */
  gsize n_back;
} Stress;

static void
run_briefly (gpointer data, const gint *cancel, gpointer user_data)
{
  Job *job = data;
  for (guint i = 0; i < job->id % 64 && g_atomic_int_get (cancel) == 0; i++)
    g_thread_yield ();
  job->cancelled = g_atomic_int_get (cancel) != 0;
  job->done = TRUE;
}

static void
on_stress_job (gpointer message, gpointer user_data)
{
  Stress *stress = user_data;
  Job *job = message;
  g_assert_cmpuint (++stress->seen[job->id], ==, 1);
  stress->n_back++;
  job_free (job);
}

static gboolean
visit_some (gpointer data, gpointer user_data)
{
  Stress *stress = user_data;
  const Job *job = data;
  g_assert_cmpuint (stress->seen[job->id], ==, 0);
  return g_rand_int_range (stress->rand, 0, 3) == 0;
}

/* Whatever order the threads fall into, each job that was taken comes back once or, when the end
 * came first, is freed. */
static void
test_stress (void)
{
  static const RpJobThreadClass klass = {"test", MAX_WAITING, run_briefly, NULL, job_free};
  for (guint32 seed = 0; seed < 60; seed++) {
    Stress stress = {.rand = g_rand_new_with_seed (seed)};
    gsize n_taken = 0;
    GMainContext *context = g_main_context_new ();
    RpMailbox *mailbox = rp_mailbox_new (context, on_stress_job, job_free, &stress);
    RpJobThread *thread = rp_job_thread_new (&klass, mailbox, &stress);
    for (guint id = 0; id < G_N_ELEMENTS (stress.seen); id++) {
      Job *job = job_new (id);
      if (rp_job_thread_push (thread, job))
        n_taken++;
      else
        job_free (job);
      if (g_rand_int_range (stress.rand, 0, 8) == 0)
        rp_job_thread_visit (thread, visit_some, &stress);
      if (g_rand_int_range (stress.rand, 0, 4) == 0)
        g_main_context_iteration (context, FALSE);
    }
    if (seed % 2 == 0)
      iterate_until (context, &stress.n_back, n_taken);
    rp_job_thread_free (thread);
    rp_mailbox_free (mailbox);
    g_assert_cmpint (g_atomic_int_get (&n_alive), ==, 0);
    g_main_context_unref (context);
    g_rand_free (stress.rand);
  }
}

#define N_SENDERS 4
#define N_LETTERS 20000

typedef struct {
  RpMailbox *mailbox;
  guint sender;
} Sender;

typedef struct {
  gsize n;
  guint next[N_SENDERS];
} Received;

static gpointer
send_letters (gpointer data)
{
  Sender *sender = data;
  for (guint i = 0; i < N_LETTERS; i++)
    rp_mailbox_post (sender->mailbox, job_new (sender->sender * N_LETTERS + i));
  return NULL;
}

static void
on_letter (gpointer message, gpointer user_data)
{
  Received *received = user_data;
  Job *job = message;
  g_assert_cmpuint (received->next[job->id / N_LETTERS]++, ==, job->id % N_LETTERS);
  received->n++;
  job_free (job);
}

/* No message and no wake-up is lost, and each sender's stay in order. */
static void
test_mailbox (void)
{
  GMainContext *context = g_main_context_new ();
  Received received = {0};
  RpMailbox *mailbox = rp_mailbox_new (context, on_letter, job_free, &received);
  Sender senders[N_SENDERS];
  GThread *threads[N_SENDERS];
  for (guint i = 0; i < N_SENDERS; i++) {
    senders[i] = (Sender){mailbox, i};
    threads[i] = g_thread_new ("sender", send_letters, &senders[i]);
  }
  iterate_until (context, &received.n, (gsize) N_SENDERS * N_LETTERS);
  for (guint i = 0; i < N_SENDERS; i++)
    g_thread_join (threads[i]);
  g_assert_false (g_main_context_pending (context));
  rp_mailbox_post (mailbox, job_new (0));
  rp_mailbox_free (mailbox);
  g_assert_cmpint (g_atomic_int_get (&n_alive), ==, 0);
  g_main_context_unref (context);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/job-thread/bounded", test_bounded);
  g_test_add_func ("/job-thread/stopped", test_stopped);
  g_test_add_func ("/job-thread/end", test_end);
  g_test_add_func ("/job-thread/idle", test_idle);
  g_test_add_func ("/job-thread/stress", test_stress);
  g_test_add_func ("/mailbox", test_mailbox);
  return g_test_run ();
}
