/* Asks STUN and TURN servers over UDP, TCP and TLS. Blocking, for a command that an operator waits
 * for; calls themselves do without. Thread: any. */
#pragma once

#include "ice-servers.h"
#include "socket-address.h"
#include "stun.h"

#include <glib.h>

G_BEGIN_DECLS

#define RP_STUN_CLIENT_ERROR (rp_stun_client_error_quark ())
GQuark rp_stun_client_error_quark (void);
typedef enum {
  RP_STUN_CLIENT_ERROR_NAME,    /* cannot be resolved */
  RP_STUN_CLIENT_ERROR_CONNECT, /* no connection, or no way there */
  RP_STUN_CLIENT_ERROR_TLS,     /* no handshake, or its certificate is not good for the host */
  RP_STUN_CLIENT_ERROR_SILENT,  /* nothing came back */
} RpStunClientError;

/* As getaddrinfo () puts them, at most @max. Returns: how many; 0 with @error set */
guint rp_stun_resolve (const RpIceUrl *url, RpSocketAddress *out, guint max, GError **error);

typedef struct _RpStunClient RpStunClient;

/* To the server at @address, which @url came to; @fd: -1, or for UDP a socket of the caller's that
 * stays so, unconnected. Returns: (transfer full) (nullable) */
RpStunClient *rp_stun_client_new (const RpIceUrl *url, const RpSocketAddress *address, int fd,
                                  GError **error);
void rp_stun_client_free (RpStunClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpStunClient, rp_stun_client_free)

/* Sends @request, with another transaction each time, and waits for its answer, some 3 s. An answer
 * that is an error is an answer. */
gboolean rp_stun_client_ask (RpStunClient *client, RpStunRequest *request, RpStunMessage *out,
                             GError **error);

/* Sends an indication, that nothing answers. */
void rp_stun_client_tell (RpStunClient *client, RpStunRequest *request);

G_END_DECLS
