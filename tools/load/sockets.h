/* UDP sockets by the hundred on one media loop: their own epoll set, drained once per tick, so that
 * the loop wakes for ticks and not for packets; and the kernel's own time of arrival for each
 * datagram, so that a caller that is late itself does not measure itself.
 *
 * A socket is "eager" at first: the loop wakes for it, as a set-up has a dozen messages to and fro
 * that must not lose a tick each. All calls on the loop's thread. */
#pragma once

#include "loop.h"

#include <glib.h>
#include <netinet/in.h>

typedef struct _RpLoadSockets RpLoadSockets;
typedef struct _RpLoadSocket RpLoadSocket;

/* data may be written to and is good for the call. The socket may be closed inside it. */
typedef void (*RpLoadDatagramFunc) (guint8 *data, gsize len, const struct sockaddr_in *from,
                                    gint64 arrival_us, gpointer user_data);

RpLoadSockets *rp_load_sockets_new (RpLoop *loop, GError **error);
void rp_load_sockets_free (RpLoadSockets *sockets);

/* Reads everything that has come for sockets that are not eager. Once per tick. */
void rp_load_sockets_drain (RpLoadSockets *sockets);

/* Binds a port of the kernel's choice. Returns: (transfer full) (nullable). */
RpLoadSocket *rp_load_socket_new (RpLoadSockets *sockets, struct in_addr address,
                                  RpLoadDatagramFunc func, gpointer user_data, GError **error);
void rp_load_socket_close (RpLoadSocket *socket);
guint16 rp_load_socket_port (const RpLoadSocket *socket);
/* From now on it is read once per tick. */
void rp_load_socket_relax (RpLoadSocket *socket);
gboolean rp_load_socket_send (RpLoadSocket *socket, const guint8 *data, gsize len,
                              const struct sockaddr_in *to);
