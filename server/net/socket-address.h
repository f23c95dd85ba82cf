/* An IPv4 or IPv6 address with its port, as the kernel wants it. */
#pragma once

#include <glib.h>
#include <netinet/in.h>
#include <sys/socket.h>

G_BEGIN_DECLS

typedef union {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} RpSocketAddress;

/* @text: numeric. Returns: FALSE when it is no address; @out is undefined then. */
gboolean rp_socket_address_parse (const char *text, guint16 port, RpSocketAddress *out);
/* For bind () and its like. */
socklen_t rp_socket_address_size (const RpSocketAddress *address);
/* "192.0.2.1" Returns: (transfer full) */
char *rp_socket_address_text (const RpSocketAddress *address);

G_END_DECLS
