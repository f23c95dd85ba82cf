#pragma once

/* An impaired network between a caller and a server on this machine: a UDP relay in user space, as
 * a NAT would be one, through which everything of a WebRTC connection goes, STUN and DTLS as well.
 * Each side is told, in place of the other's candidates, the port of the relay that faces it.
 *
 * Thread: any, for all of these; it has a thread of its own. */

#include "impair.h"

#include <gio/gio.h>

typedef struct _RpRelay RpRelay;

/* @address: where it listens, such as "127.0.0.1". Returns: (transfer full) (nullable). */
RpRelay *rp_relay_new (const RpImpair *impair, guint32 seed_offset, const char *address,
                       GError **error);
void rp_relay_free (RpRelay *relay);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpRelay, rp_relay_free)

/* The caller is wherever its last packet came from. */
guint16 rp_relay_caller_port (const RpRelay *relay);
guint16 rp_relay_server_port (const RpRelay *relay);
/* Where the server is. Returns: FALSE when that is no address. */
gboolean rp_relay_set_server (RpRelay *relay, const char *address, guint16 port);
/* Outages count from @origin_us (g_get_monotonic_time ()); before this is called there are none. */
void rp_relay_start (RpRelay *relay, gint64 origin_us);
/* Each: (nullable): what the caller sent and what it was sent. */
void rp_relay_stats (RpRelay *relay, RpNetemStats *out, RpNetemStats *in);
