/* machine-stalls [MS]: says when a processor did not run for MS milliseconds (20) what goes before
 * everything else: the host had it, or the kernel. What a server is late by then is none of its
 * doing. A line each, "SECONDS PROCESSOR MS" with the monotonic clock's seconds, until it is ended.
 *
 * A real-time thread for each processor that this process may use, which does nothing but sleep. */
#define _GNU_SOURCE /* sched_getaffinity */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Fine enough for what a stall does to audio, for less than a hundredth of a processor. */
#define PERIOD_NS 4000000
/* Above the media loops. */
#define PRIORITY 2
#define DEFAULT_MS 20

static double least_ms = DEFAULT_MS;

static double
now_ms (void)
{
  struct timespec now;
  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec * 1000 + (double) now.tv_nsec / 1e6;
}

static void
take_precedence (void)
{
  const struct sched_param param = {.sched_priority = PRIORITY};
  if (sched_setscheduler (0, SCHED_RR, &param) == 0)
    return;
  fprintf (stderr, "machine-stalls: no real time (%s): others may be the reason\n",
           strerror (errno));
  (void) setpriority (PRIO_PROCESS, 0, -20);
}

static void *
watch (void *data)
{
  int processor = (int) (intptr_t) data;
  const struct timespec period = {.tv_nsec = PERIOD_NS};
  cpu_set_t only;
  CPU_ZERO (&only);
  CPU_SET ((size_t) processor, &only);
  if (pthread_setaffinity_np (pthread_self (), sizeof only, &only) != 0)
    return NULL;
  take_precedence ();
  for (double last = now_ms ();;) {
    clock_nanosleep (CLOCK_MONOTONIC, 0, &period, NULL);
    double now = now_ms ();
    double stalled = now - last - PERIOD_NS / 1e6;
    if (stalled >= least_ms) {
      printf ("%.3f %d %.1f\n", now / 1000, processor, stalled);
      fflush (stdout);
    }
    last = now;
  }
}

int
main (int argc, char **argv)
{
  if (argc > 1)
    least_ms = atof (argv[1]);
  if (argc > 2 || !(least_ms >= 1)) {
    fprintf (stderr, "usage: machine-stalls [MS], at least 1\n");
    return 2;
  }
  cpu_set_t allowed;
  if (sched_getaffinity (0, sizeof allowed, &allowed) != 0)
    return 1;
  pthread_t thread;
  for (int i = 0; i < CPU_SETSIZE; i++) {
    if (CPU_ISSET ((size_t) i, &allowed) &&
        pthread_create (&thread, NULL, watch, (void *) (intptr_t) i) != 0)
      return 1;
  }
  pthread_exit (NULL);
}
