/* Origins (RFC 6454) and Host headers (RFC 9110 §7.2) as browsers send them. Pure functions. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "scheme://host" or "scheme://host:port" with nothing behind it, at most
 * RP_ACCESS_MAX_ORIGIN_BYTES: what an Origin header can be, but for "null". */
gboolean rp_origin_is_good (const char *origin);

/* Case of scheme and host does not matter, nor whether the scheme's own port is written. FALSE when
 * one of them is no origin. */
gboolean rp_origin_equal (const char *a, const char *b);

/* Is @origin that of a page which came from the server that @host (a Host header) names? The scheme
 * does not matter: TLS may end in front of the server. */
gboolean rp_origin_has_host (const char *origin, const char *host);

/* Does an Origin or a Host header have a name in it, and not a numeric address or something else?
 */
gboolean rp_origin_is_name (const char *text);

/* Does a Host header name this machine by a name no foreign name server can give it: "localhost", a
 * numeric address in 127.0.0.0/8, or "[::1]", with or without a port? */
gboolean rp_host_is_loopback (const char *host);

G_END_DECLS
