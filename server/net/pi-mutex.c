#include "pi-mutex.h"

#include <glib.h>

void
rp_pi_mutex_init (RpPiMutex *mutex)
{
  pthread_mutexattr_t attributes;

  pthread_mutexattr_init (&attributes);
  /* Where the kernel has none of it, an ordinary one does. */
  (void) pthread_mutexattr_setprotocol (&attributes, PTHREAD_PRIO_INHERIT);
  if (pthread_mutex_init (mutex, &attributes) != 0)
    pthread_mutex_init (mutex, NULL);
  pthread_mutexattr_destroy (&attributes);
}

void
rp_pi_mutex_clear (RpPiMutex *mutex)
{
  pthread_mutex_destroy (mutex);
}

void
rp_pi_mutex_lock (RpPiMutex *mutex)
{
  int status = pthread_mutex_lock (mutex);
  g_assert (status == 0);
}

void
rp_pi_mutex_unlock (RpPiMutex *mutex)
{
  int status = pthread_mutex_unlock (mutex);
  g_assert (status == 0);
}
