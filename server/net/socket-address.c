#include "socket-address.h"

#include <arpa/inet.h>
#include <string.h>

gboolean
rp_socket_address_parse (const char *text, guint16 port, RpSocketAddress *out)
{
  memset (out, 0, sizeof *out);
  if (inet_pton (AF_INET, text, &out->v4.sin_addr) == 1) {
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons (port);
    return TRUE;
  }
  out->v6.sin6_family = AF_INET6;
  out->v6.sin6_port = htons (port);
  return inet_pton (AF_INET6, text, &out->v6.sin6_addr) == 1;
}

socklen_t
rp_socket_address_size (const RpSocketAddress *address)
{
  return address->any.sa_family == AF_INET ? sizeof address->v4 : sizeof address->v6;
}

char *
rp_socket_address_text (const RpSocketAddress *address)
{
  char text[INET6_ADDRSTRLEN] = "";
  const void *bytes = address->any.sa_family == AF_INET ? (const void *) &address->v4.sin_addr
                                                        : (const void *) &address->v6.sin6_addr;
  inet_ntop (address->any.sa_family, bytes, text, sizeof text);
  return g_strdup (text);
}
