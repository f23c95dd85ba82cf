/* A mutex between a media loop and ordinary threads. Whoever holds it while a loop that is real
 * time waits for it has the loop's priority meanwhile: on a busy machine the loop would otherwise
 * wait until the scheduler comes round to that thread, tens of milliseconds. No other use.
 */
#pragma once

#include <pthread.h>

typedef pthread_mutex_t RpPiMutex;

void rp_pi_mutex_init (RpPiMutex *mutex);
void rp_pi_mutex_clear (RpPiMutex *mutex);
void rp_pi_mutex_lock (RpPiMutex *mutex);
void rp_pi_mutex_unlock (RpPiMutex *mutex);
