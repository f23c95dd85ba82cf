/* ICE over TCP (RFC 6544), passive, for clients that UDP does not reach: one listening port for all
 * calls, as a firewall that lets one port in wants it. libnice opens a port for each call and
 * address instead, so its own is not used.
 *
 * The first packet on a connection must be a connectivity check; its USERNAME says whose it is
 * (RFC 8445 section 7.2.2). From then on each packet goes to that call's UDP socket from a socket
 * of the connection's own, and back, as a NAT would do it: libnice sees a client at a local
 * address, and checks it as any other. What comes in is no more than what anybody could send to
 * that UDP socket anyway.
 *
 * A thread of its own does the work. The functions: any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _RpIceTcp RpIceTcp;

typedef struct {
  const char *const *addresses; /* numeric; (nullable) or empty = all */
  guint16 port;                 /* 0 = any (for tests) */
  guint max_connections;
} RpIceTcpConfig;

/* Returns: (transfer full) (nullable): NULL with an error when the port cannot be listened on. */
RpIceTcp *rp_ice_tcp_new (const RpIceTcpConfig *config, GError **error);
/* NULL is legal. */
void rp_ice_tcp_free (RpIceTcp *tcp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpIceTcp, rp_ice_tcp_free)

guint16 rp_ice_tcp_port (const RpIceTcp *tcp);

/* Connections for @ufrag lead to the UDP socket at @address, @port, which is of this machine.
 * Returns FALSE when another has the same ufrag. */
gboolean rp_ice_tcp_add (RpIceTcp *tcp, const char *ufrag, const char *address, guint16 port);
/* They end, soon. */
void rp_ice_tcp_remove (RpIceTcp *tcp, const char *ufrag);

typedef struct {
  guint64 accepted;
  guint64 refused; /* too many, too slow, no check first, for no call, or a packet too long */
  guint64 dropped; /* packets to a client that does not read */
  guint open;      /* now */
} RpIceTcpCounters;
void rp_ice_tcp_counters (RpIceTcp *tcp, RpIceTcpCounters *out);

G_END_DECLS
