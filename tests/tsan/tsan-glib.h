/*
 * Teaches ThreadSanitizer GLib's synchronisation. Included before everything else when the build
 * has -Db_sanitize=thread (meson.build).
 *
 * On Linux, GLib's mutexes, conditions and queues are futexes inside libglib, which is not
 * instrumented: ThreadSanitizer sees neither lock nor unlock and takes all they protect for a race.
 * The macros put its annotations around the calls of this tree. g_atomic_* and
 * g_atomic_ref_count_* are compiler builtins and need nothing; threads begin and end in
 * pthread_create and pthread_join, which it intercepts.
 */
#pragma once

/* As files define it that need it: too late, after this header has included the system's. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <glib.h>
#include <sanitizer/tsan_interface.h>
#include <stdlib.h>

static inline void
rp_tsan_mutex_lock (GMutex *mutex)
{
  __tsan_mutex_pre_lock (mutex, 0);
  g_mutex_lock (mutex);
  __tsan_mutex_post_lock (mutex, 0, 0);
}

static inline gboolean
rp_tsan_mutex_trylock (GMutex *mutex)
{
  __tsan_mutex_pre_lock (mutex, __tsan_mutex_try_lock);
  gboolean locked = g_mutex_trylock (mutex);
  __tsan_mutex_post_lock (
      mutex, locked ? __tsan_mutex_try_lock : __tsan_mutex_try_lock | __tsan_mutex_try_lock_failed,
      0);
  return locked;
}

static inline void
rp_tsan_mutex_unlock (GMutex *mutex)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  g_mutex_unlock (mutex);
  __tsan_mutex_post_unlock (mutex, 0);
}

static inline void
rp_tsan_mutex_clear (GMutex *mutex)
{
  __tsan_mutex_destroy (mutex, 0);
  g_mutex_clear (mutex);
}

static inline void
rp_tsan_rec_mutex_lock (GRecMutex *mutex)
{
  __tsan_mutex_pre_lock (mutex, __tsan_mutex_write_reentrant);
  g_rec_mutex_lock (mutex);
  __tsan_mutex_post_lock (mutex, __tsan_mutex_write_reentrant, 1);
}

static inline void
rp_tsan_rec_mutex_unlock (GRecMutex *mutex)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  g_rec_mutex_unlock (mutex);
  __tsan_mutex_post_unlock (mutex, 0);
}

static inline void
rp_tsan_rw_lock_writer_lock (GRWLock *lock)
{
  __tsan_mutex_pre_lock (lock, 0);
  g_rw_lock_writer_lock (lock);
  __tsan_mutex_post_lock (lock, 0, 0);
}

static inline void
rp_tsan_rw_lock_writer_unlock (GRWLock *lock)
{
  __tsan_mutex_pre_unlock (lock, 0);
  g_rw_lock_writer_unlock (lock);
  __tsan_mutex_post_unlock (lock, 0);
}

static inline void
rp_tsan_rw_lock_reader_lock (GRWLock *lock)
{
  __tsan_mutex_pre_lock (lock, __tsan_mutex_read_lock);
  g_rw_lock_reader_lock (lock);
  __tsan_mutex_post_lock (lock, __tsan_mutex_read_lock, 0);
}

static inline void
rp_tsan_rw_lock_reader_unlock (GRWLock *lock)
{
  __tsan_mutex_pre_unlock (lock, __tsan_mutex_read_lock);
  g_rw_lock_reader_unlock (lock);
  __tsan_mutex_post_unlock (lock, __tsan_mutex_read_lock);
}

/* A condition orders nothing but through its mutex, which is given up while waiting. */
static inline void
rp_tsan_cond_wait (GCond *cond, GMutex *mutex)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  __tsan_mutex_pre_lock (mutex, 0);
  g_cond_wait (cond, mutex);
  __tsan_mutex_post_lock (mutex, 0, 0);
}

static inline gboolean
rp_tsan_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_us)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  __tsan_mutex_pre_lock (mutex, 0);
  gboolean in_time = g_cond_wait_until (cond, mutex, end_us);
  __tsan_mutex_post_lock (mutex, 0, 0);
  return in_time;
}

static inline void
rp_tsan_async_queue_push (GAsyncQueue *queue, gpointer data)
{
  __tsan_release (queue);
  g_async_queue_push (queue, data);
}

static inline void
rp_tsan_async_queue_push_front (GAsyncQueue *queue, gpointer data)
{
  __tsan_release (queue);
  g_async_queue_push_front (queue, data);
}

static inline gpointer
rp_tsan_async_queue_pop (GAsyncQueue *queue)
{
  gpointer data = g_async_queue_pop (queue);
  __tsan_acquire (queue);
  return data;
}

static inline gpointer
rp_tsan_async_queue_try_pop (GAsyncQueue *queue)
{
  gpointer data = g_async_queue_try_pop (queue);
  if (data != NULL)
    __tsan_acquire (queue);
  return data;
}

static inline gboolean
rp_tsan_once_init_enter (volatile void *location)
{
  gboolean first = (g_once_init_enter) (location);
  if (!first)
    __tsan_acquire ((void *) location);
  return first;
}

static inline void
rp_tsan_once_init_leave (volatile void *location, gsize result)
{
  __tsan_release ((void *) location);
  (g_once_init_leave) (location, result);
}

typedef struct {
  GOnce *once;
  GThreadFunc func;
  gpointer data;
} RpTsanOnce;

static inline gpointer
rp_tsan_once_run (gpointer data)
{
  RpTsanOnce *call = (RpTsanOnce *) data;
  gpointer result = call->func (call->data);
  __tsan_release (call->once);
  return result;
}

static inline gpointer
rp_tsan_once (GOnce *once, GThreadFunc func, gpointer data)
{
  RpTsanOnce call = {once, func, data};
  gpointer result = (g_once_impl) (once, rp_tsan_once_run, &call);
  __tsan_acquire (once);
  return result;
}

/* What is done before a reference is given up comes before the last one is. */
static inline gboolean
rp_tsan_atomic_ref_count_dec (gatomicrefcount *count)
{
  __tsan_release (count);
  gboolean last = (g_atomic_ref_count_dec) (count);
  if (last)
    __tsan_acquire (count);
  return last;
}

/* The count is inside libglib, and the last one frees what others have read. */
static inline void
rp_tsan_bytes_unref (GBytes *bytes)
{
  if (bytes == NULL)
    return;
  __tsan_release (bytes);
  __tsan_acquire (bytes);
  g_bytes_unref (bytes);
}

/* Its last step is called from here, not from libglib, whose interceptors are suppressed: freeing
 * what another thread still uses must be seen. Nothing else is what it does. */
static inline void
rp_tsan_free (gpointer memory)
{
  free (memory);
}

#undef g_atomic_ref_count_dec
#undef g_once
#undef g_once_init_enter
#undef g_once_init_leave

#define g_free rp_tsan_free
#define g_mutex_lock rp_tsan_mutex_lock
#define g_mutex_trylock rp_tsan_mutex_trylock
#define g_mutex_unlock rp_tsan_mutex_unlock
#define g_mutex_clear rp_tsan_mutex_clear
#define g_rec_mutex_lock rp_tsan_rec_mutex_lock
#define g_rec_mutex_unlock rp_tsan_rec_mutex_unlock
#define g_rw_lock_writer_lock rp_tsan_rw_lock_writer_lock
#define g_rw_lock_writer_unlock rp_tsan_rw_lock_writer_unlock
#define g_rw_lock_reader_lock rp_tsan_rw_lock_reader_lock
#define g_rw_lock_reader_unlock rp_tsan_rw_lock_reader_unlock
#define g_cond_wait rp_tsan_cond_wait
#define g_cond_wait_until rp_tsan_cond_wait_until
#define g_async_queue_push rp_tsan_async_queue_push
#define g_async_queue_push_front rp_tsan_async_queue_push_front
#define g_async_queue_pop rp_tsan_async_queue_pop
#define g_async_queue_try_pop rp_tsan_async_queue_try_pop
#define g_once(once, func, data) rp_tsan_once (once, func, data)
#define g_once_init_enter(location) rp_tsan_once_init_enter (location)
#define g_once_init_leave(location, result) rp_tsan_once_init_leave (location, (gsize) (result))
#define g_atomic_ref_count_dec rp_tsan_atomic_ref_count_dec
#define g_bytes_unref rp_tsan_bytes_unref

/* It follows from _GNU_SOURCE; some files ask for it themselves. */
#undef _DEFAULT_SOURCE

/* As GLib has it, but for the accesses: two threads may both store the number, which is the same.
 */
#undef G_DEFINE_QUARK
#define G_DEFINE_QUARK(QN, q_n)                                           \
  GQuark q_n##_quark (void)                                               \
  {                                                                       \
    static gint quark;                                                    \
    if (g_atomic_int_get (&quark) == 0)                                   \
      g_atomic_int_set (&quark, (gint) g_quark_from_static_string (#QN)); \
    return (GQuark) g_atomic_int_get (&quark);                            \
  }
