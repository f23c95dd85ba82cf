/* Preloaded into Janus, which skips loopback interfaces when it gathers candidates: a bench that
 * stays on the machine has no other. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stddef.h>

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
