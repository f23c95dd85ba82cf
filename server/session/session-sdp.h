/* The answers of one peer connection. Thread: the session's loop. */
#pragma once

#include "peer.h"

#include <glib.h>

G_BEGIN_DECLS

/* What stays the same through all descriptions of a connection. A plain value. */
typedef struct {
  guint64 session_id;
  guint64 version;
  guint32 ssrc;
  char cname[33];
} RpSessionSdp;

/* @ssrc: 0 = a random one; @cname: (nullable) a random one. */
void rp_session_sdp_init (RpSessionSdp *sdp, guint32 ssrc, const char *cname);

/* The answer to @offer with all candidates of @peer, and for each of its UDP candidates one more
 * per @public_address (nullable, NULL-terminated) of the same family: a 1:1 NAT keeps ports.
 * Returns: (transfer full) (nullable): the text */
char *rp_session_sdp_answer (RpSessionSdp *sdp, const RpSdp *offer, const RpPeer *peer,
                             const char *const *public_address, GError **error);

G_END_DECLS
