/* SRTP and SRTCP (RFC 3711) with SRTP_AES128_CM_HMAC_SHA1_80, on libsrtp2. One thread per object.
 */
#pragma once

#include <glib.h>

/* Bytes libsrtp may write past the end of a packet while protecting it: 144 for RTP, 148 for RTCP.
 * Every buffer handed to rp_srtp_protect* must have room for that much behind the packet, though
 * fewer are added in the end. */
#define RP_SRTP_TAILROOM 148
/* Inbound SSRCs one peer may use in its life: each costs state in libsrtp for good. */
#define RP_SRTP_MAX_SSRC 8

typedef struct _RpSrtp RpSrtp;

typedef enum {
  RP_SRTP_OK,
  RP_SRTP_INVALID,    /* too short, or not RTP version 2 */
  RP_SRTP_AUTH_FAIL,  /* not from the peer, or damaged */
  RP_SRTP_REPLAY,     /* a duplicate, or older than the window: 1024 packets, 128 of RTCP */
  RP_SRTP_SSRC_LIMIT, /* one SSRC too many */
  RP_SRTP_FAILED,     /* anything else: no room, key worn out */
} RpSrtpResult;

typedef struct {
  guint64 protected_packets;
  guint64 unprotected_packets;
  guint64 protect_failed;
  guint64 invalid;
  guint64 auth_fail;
  guint64 replay;
  guint64 ssrc_limit;
  guint64 failed;
} RpSrtpCounters;

/* Starts libsrtp, once: its NSS takes about 40 ms. rp_srtp_new () does it when nobody has. Thread:
 * any. */
gboolean rp_srtp_init (GError **error);

/* Masters are 30 bytes each: 16 of key, 14 of salt; local protects what we send. About 1 ms.
 * Returns: (transfer full) (nullable): NULL when the library refuses (error says why). */
RpSrtp *rp_srtp_new (const guint8 *local_master, const guint8 *remote_master, GError **error);
void rp_srtp_free (RpSrtp *srtp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpSrtp, rp_srtp_free)

/* In place; buf has size bytes, *len of them the plain packet, size - *len >= RP_SRTP_TAILROOM.
 * *len grows on success. A sender must never go back in sequence number within an SSRC. */
RpSrtpResult rp_srtp_protect_rtp (RpSrtp *srtp, guint8 *buf, gsize *len, gsize size);
RpSrtpResult rp_srtp_protect_rtcp (RpSrtp *srtp, guint8 *buf, gsize *len, gsize size);
/* In place; *len shrinks on success, buf is garbage otherwise. */
RpSrtpResult rp_srtp_unprotect_rtp (RpSrtp *srtp, guint8 *buf, gsize *len);
RpSrtpResult rp_srtp_unprotect_rtcp (RpSrtp *srtp, guint8 *buf, gsize *len);

void rp_srtp_counters (const RpSrtp *srtp, RpSrtpCounters *out);
