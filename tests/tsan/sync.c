/*
 * Proof that ThreadSanitizer sees what it should in a build with tsan-glib.h, and no more: "right"
 * uses every kind of synchronisation of GLib that this tree uses and must not be reported; each
 * other case has one deliberate race, which must be.
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 2000

static GMutex lock, other_lock;
static GRecMutex rec_lock;
static GRWLock rw_lock;
static GCond cond;
static GAsyncQueue *queue;
static gatomicrefcount refs;
static gsize once;
static GOnce gonce = G_ONCE_INIT;
static guint counter, flag, rec_counter, rw_counter, once_value;
static guint *shared;
static int held, done;

static gpointer
set_once (gpointer data)
{
  once_value++;
  return &once_value;
}

static void
use_once (void)
{
  static guint value;
  if (g_once_init_enter (&once)) {
    value = 1;
    g_once_init_leave (&once, 1);
  }
  const guint *result = g_once (&gonce, set_once, NULL);
  g_assert_cmpuint (value + *result, ==, 2);
}

static void
use_locks (void)
{
  for (guint i = 0; i < ROUNDS; i++) {
    g_mutex_lock (&lock);
    counter++;
    g_mutex_unlock (&lock);
    if (g_mutex_trylock (&lock)) {
      counter++;
      g_mutex_unlock (&lock);
    }
    g_rec_mutex_lock (&rec_lock);
    g_rec_mutex_lock (&rec_lock);
    rec_counter++;
    g_rec_mutex_unlock (&rec_lock);
    g_rec_mutex_unlock (&rec_lock);
    g_rw_lock_reader_lock (&rw_lock);
    guint seen = rw_counter;
    g_rw_lock_reader_unlock (&rw_lock);
    g_rw_lock_writer_lock (&rw_lock);
    rw_counter = MAX (rw_counter, seen) + 1;
    g_rw_lock_writer_unlock (&rw_lock);
  }
}

static void
release_shared (void)
{
  if (g_atomic_ref_count_dec (&refs))
    g_clear_pointer (&shared, g_free);
}

static gpointer
right (gpointer data)
{
  use_once ();
  use_locks ();
  GBytes *bytes = g_async_queue_pop (queue);
  g_assert_cmpint (*(const char *) g_bytes_get_data (bytes, NULL), ==, 'x');
  g_bytes_unref (bytes);
  g_mutex_lock (&lock);
  while (flag == 0)
    g_cond_wait_until (&cond, &lock, g_get_monotonic_time () + G_USEC_PER_SEC);
  g_mutex_unlock (&lock);
  shared[0] = shared[0] == 0;
  release_shared ();
  return NULL;
}

static void
right_main (void)
{
  shared = g_new0 (guint, 2);
  g_atomic_ref_count_init (&refs);
  g_atomic_ref_count_inc (&refs);
  GThread *thread = g_thread_new ("right", right, NULL);
  use_once ();
  use_locks ();
  GBytes *bytes = g_bytes_new ("x", 1);
  g_async_queue_push (queue, g_bytes_ref (bytes));
  g_bytes_unref (bytes);
  g_mutex_lock (&lock);
  flag = 1;
  g_cond_signal (&cond);
  g_mutex_unlock (&lock);
  shared[1] = 1;
  release_shared ();
  g_thread_join (thread);
}

/* Nothing protects the counter. */
static gpointer
unlocked (gpointer data)
{
  for (guint i = 0; i < ROUNDS; i++)
    counter++;
  return NULL;
}

/* Two mutexes protect it: each alone. */
static gpointer
other_mutex (gpointer data)
{
  GMutex *mine = data != NULL ? &lock : &other_lock;
  for (guint i = 0; i < ROUNDS; i++) {
    g_mutex_lock (mine);
    counter++;
    g_mutex_unlock (mine);
  }
  return NULL;
}

/* Tells the other thread, which is to do its part later, and orders nothing. */
static void
tell_done (void)
{
  __atomic_store_n (&done, 1, __ATOMIC_RELAXED);
}

static void
await_done (void)
{
  while (__atomic_load_n (&done, __ATOMIC_RELAXED) == 0)
    g_thread_yield ();
}

/* A mutex that was tried in vain protects nothing. */
static gpointer
failed_trylock (gpointer data)
{
  if (data != NULL) {
    g_mutex_lock (&lock);
    g_atomic_int_set (&held, TRUE);
    await_done ();
    counter++;
    g_mutex_unlock (&lock);
    return NULL;
  }
  while (!g_atomic_int_get (&held))
    g_thread_yield ();
  if (!g_mutex_trylock (&lock))
    counter++;
  else
    g_mutex_unlock (&lock);
  tell_done ();
  return NULL;
}

/* Whoever reads it after it was handed over has no part in it any more. */
static gpointer
after_push (gpointer data)
{
  if (data != NULL) {
    guint *item = g_new0 (guint, 1);
    g_async_queue_push (queue, item);
    *item = 1;
  } else {
    guint *item = g_async_queue_pop (queue);
    *item = 2;
  }
  return NULL;
}

/* Waiting gives up the mutex, and gives it back: what comes after its release is not protected. */
static gpointer
after_wait (gpointer data)
{
  g_mutex_lock (&lock);
  if (data != NULL) {
    flag = 1;
    g_cond_signal (&cond);
  } else {
    while (flag == 0)
      g_cond_wait (&cond, &lock);
  }
  g_mutex_unlock (&lock);
  counter++;
  return NULL;
}

/* Freed by one, used by another. */
static gpointer
after_free (gpointer data)
{
  if (data != NULL) {
    g_atomic_int_set (&held, TRUE);
    await_done ();
    g_free (shared);
  } else {
    while (!g_atomic_int_get (&held))
      g_thread_yield ();
    *shared = 1;
    tell_done ();
  }
  return NULL;
}

static void
run (GThreadFunc func)
{
  GThread *a = g_thread_new ("a", func, GUINT_TO_POINTER (1));
  GThread *b = g_thread_new ("b", func, NULL);
  g_thread_join (a);
  g_thread_join (b);
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    GThreadFunc func;
  } races[] = {
      {"unlocked", unlocked},     {"other-mutex", other_mutex}, {"failed-trylock", failed_trylock},
      {"after-push", after_push}, {"after-wait", after_wait},   {"after-free", after_free}};
  const char *name = argc == 2 ? argv[1] : "";
  queue = g_async_queue_new ();
  if (g_str_equal (name, "right")) {
    right_main ();
    return EXIT_SUCCESS;
  }
  for (guint i = 0; i < G_N_ELEMENTS (races); i++)
    if (g_str_equal (name, races[i].name)) {
      shared = g_new0 (guint, 1);
      run (races[i].func);
      return EXIT_SUCCESS;
    }
  return EXIT_FAILURE;
}
