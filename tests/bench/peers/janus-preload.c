/* Preloaded into Janus. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* It skips loopback interfaces when it gathers candidates: a bench that stays on the machine has no
 * other. */
int
getifaddrs (struct ifaddrs **list)
{
  static int (*real) (struct ifaddrs **);

  if (real == NULL)
    *(void **) &real = dlsym (RTLD_NEXT, "getifaddrs");
  int status = real (list);
  for (struct ifaddrs *i = status == 0 ? *list : NULL; i != NULL; i = i->ifa_next)
    i->ifa_flags &= ~(unsigned int) IFF_LOOPBACK;
  return status;
}

/* What GLib has of these types. */
typedef void *(*ThreadFunc) (void *);
void *g_thread_try_new (const char *name, ThreadFunc func, void *data, void *error);

static ThreadFunc unix_sockets;

static void *
unix_sockets_later (void *data)
{
  usleep (200000);
  return unix_sockets (data);
}

/* The thread of its Unix sockets ends at once, and Janus with it, when it runs before its creator
 * has noted that it is there: one start of two on two processors. */
void *
g_thread_try_new (const char *name, ThreadFunc func, void *data, void *error)
{
  static void *(*real) (const char *, ThreadFunc, void *, void *);

  if (real == NULL)
    *(void **) &real = dlsym (RTLD_NEXT, "g_thread_try_new");
  if (name != NULL && strcmp (name, "pfunix thread") == 0) {
    unix_sockets = func;
    func = unix_sockets_later;
  }
  return real (name, func, data, error);
}
