/* The answers of one peer connection. Thread: the session's loop. */
#pragma once

#include "session.h"

#include <glib.h>

G_BEGIN_DECLS

/* What there is to know of the answers so far. */
typedef struct {
  guint64 session_id;
  guint64 version;
  guint32 ssrc;
  char cname[33];
  RpSdp *answer;                                   /* (nullable): the last one */
  gint64 restarts_us[RP_SESSION_MAX_ICE_RESTARTS]; /* the last ones, as a ring; 0 = none */
  guint n_restarts;
} RpSessionSdp;

/* @former: (nullable): of the call's connection before, whose ssrc and cname stay and whose
 * restarts count on; NULL = random ones. */
void rp_session_sdp_init (RpSessionSdp *sdp, const RpSessionSdp *former);
void rp_session_sdp_clear (RpSessionSdp *sdp);

/* The answer to @offer with all candidates of @peer, and for each of them one more
 * per @public_address (nullable, NULL-terminated) of the same family: a 1:1 NAT keeps ports. The
 * DTLS role is that of the answers before. Returns: (transfer full) (nullable): the text */
char *rp_session_sdp_answer (RpSessionSdp *sdp, const RpSessionOffer *offer, const RpPeer *peer,
                             const char *const *public_address, GError **error);

/* The same of the last answer as a fragment, with the ICE of @peer as it is now. Returns: (transfer
 * full) */
char *rp_session_sdp_fragment (RpSessionSdp *sdp, const RpPeer *peer,
                               const char *const *public_address);

/* Tells @peer of the client's description. Returns: FALSE with @error set when it does not take it
 */
gboolean rp_session_sdp_start_peer (RpPeer *peer, const RpSdpRemote *sdp, GError **error);

/* Whether @offer can be for the connection that @before was the last description of: with the same
 * certificate and DTLS roles. If not, another connection is needed, which the error says. */
gboolean rp_session_sdp_check_again (const RpSessionSdp *sdp, const RpSessionOffer *offer,
                                     const RpSdpRemote *before, GError **error);

/* A restart of ICE or of the whole connection is asked for. Returns: FALSE when there were too many
 * of late */
gboolean rp_session_sdp_count_restart (RpSessionSdp *sdp, gint64 now_us, GError **error);

G_END_DECLS
