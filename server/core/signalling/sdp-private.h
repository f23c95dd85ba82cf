/* What the parts of the SDP codec share. */
#pragma once

#include "sdp.h"

G_BEGIN_DECLS

/* Returns: (transfer full): without any m-line. */
RpSdp *rp_sdp_new (void);

/* Returns: (transfer none): a new last m-line, sendrecv and otherwise empty. */
RpSdpMedia *rp_sdp_add_media (RpSdp *sdp, RpSdpKind kind, const char *media);

/* @fmtp (nullable) is copied. */
void rp_sdp_add_codec (RpSdpMedia *media, guint8 payload_type, const char *name, guint32 clock_rate,
                       guint8 channels, const char *fmtp);

/* Puts the last m-line into the BUNDLE group. */
void rp_sdp_bundle_last (RpSdp *sdp);

gboolean rp_sdp_media_is_rtp (const RpSdpMedia *media);

G_END_DECLS
