/* The UDP sockets of an RpIce, which belong to libnice but are read by us. GLib would poll every
 * socket of the loop in every tick, and libnice dispatches, locks and allocates for each packet:
 * two fifths of what a call costs its loop. So the sockets are in the loop's epoll set; what comes
 * from the selected pair's other end and is not STUN is taken from the socket here, and all else is
 * left in it for libnice, which then runs in a context of its own.
 *
 * Everything on the loop's thread. */
#pragma once

#include "loop.h"

#include <gio/gio.h>
#include <sys/socket.h>

G_BEGIN_DECLS

typedef struct _RpIceSocket RpIceSocket;

/* Writable, good for the call. */
typedef void (*RpIceDatagram) (guint8 *data, gsize len, gpointer user_data);

/* Returns: (transfer full) */
RpIceSocket *rp_ice_socket_new (RpLoop *loop, RpIceDatagram datagram, gpointer user_data);
/* Before libnice closes the sockets; not inside an event of theirs. NULL is legal. */
void rp_ice_socket_free (RpIceSocket *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpIceSocket, rp_ice_socket_free)

/* What libnice must attach its sockets to (nice_agent_attach_recv ()). It is iterated when one of
 * them has something for libnice, and then libnice may deliver any packet. (transfer none) */
GMainContext *rp_ice_socket_context (const RpIceSocket *self);

/* @sockets: of GSocket. Returns FALSE when one cannot be watched. */
gboolean rp_ice_socket_watch (RpIceSocket *self, const GPtrArray *sockets);

/* The selected pair; @socket NULL = none that datagrams may go straight through. */
void rp_ice_socket_select (RpIceSocket *self, GSocket *socket, const struct sockaddr *remote);
gboolean rp_ice_socket_is_selected (const RpIceSocket *self);

/* Over the selected pair. */
gboolean rp_ice_socket_send (RpIceSocket *self, const guint8 *data, gsize len);

G_END_DECLS
