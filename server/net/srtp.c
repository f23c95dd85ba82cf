#include "srtp.h"

#include "srtp-ciphers.h"

#include <gio/gio.h>
#include <srtp2/srtp.h>
#include <string.h>

#define MIN_RTP_BYTES 12
#define MIN_RTCP_BYTES 8
/* Protected: plus the tag of 10 bytes, and for SRTCP the index. */
#define MIN_SRTP_BYTES (MIN_RTP_BYTES + 10)
#define MIN_SRTCP_BYTES (MIN_RTCP_BYTES + 4 + 10)
/* 64 is the default and too small for a burst after a stall: 1024 packets are 20 s of audio. */
#define WINDOW_PACKETS 1024

G_STATIC_ASSERT (RP_SRTP_TAILROOM >= SRTP_MAX_TRAILER_LEN + 4);

struct _RpSrtp {
  srtp_t outbound;
  srtp_t inbound;
  guint32 ssrcs[RP_SRTP_MAX_SSRC]; /* authenticated ones, in network order as they came */
  guint n_ssrcs;
  RpSrtpCounters counters;
};

gboolean
rp_srtp_init (GError **error)
{
  static gsize once;
  static srtp_err_status_t status;

  if (g_once_init_enter (&once)) {
    status = srtp_init ();
    if (status == srtp_err_status_ok)
      status = rp_srtp_ciphers_install ();
    g_once_init_leave (&once, 1);
  }
  if (status == srtp_err_status_ok)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "libsrtp does not start: error %d", status);
  return FALSE;
}

static gboolean
create (srtp_t *out, srtp_ssrc_type_t type, const guint8 *master, GError **error)
{
  guint8 key[30];
  srtp_policy_t policy = {.ssrc.type = type, .key = key, .window_size = WINDOW_PACKETS};

  memcpy (key, master, sizeof key);
  srtp_crypto_policy_set_rtp_default (&policy.rtp);
  srtp_crypto_policy_set_rtcp_default (&policy.rtcp);
  srtp_err_status_t status = srtp_create (out, &policy);
  explicit_bzero (key, sizeof key);
  if (status == srtp_err_status_ok)
    return TRUE;
  *out = NULL;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "libsrtp refuses the keys: error %d", status);
  return FALSE;
}

RpSrtp *
rp_srtp_new (const guint8 *local_master, const guint8 *remote_master, GError **error)
{
  if (!rp_srtp_init (error))
    return NULL;
  g_autoptr (RpSrtp) srtp = g_new0 (RpSrtp, 1);
  if (!create (&srtp->outbound, ssrc_any_outbound, local_master, error) ||
      !create (&srtp->inbound, ssrc_any_inbound, remote_master, error))
    return NULL;
  return g_steal_pointer (&srtp);
}

void
rp_srtp_free (RpSrtp *srtp)
{
  if (!srtp)
    return;
  if (srtp->outbound)
    srtp_dealloc (srtp->outbound);
  if (srtp->inbound)
    srtp_dealloc (srtp->inbound);
  g_free (srtp);
}

typedef srtp_err_status_t (*Transform) (srtp_t session, void *packet, int *len);

static RpSrtpResult
protect (RpSrtp *srtp, Transform transform, guint8 *buf, gsize *len, gsize size)
{
  int n = (int) *len;
  if (size < *len || size - *len < RP_SRTP_TAILROOM || *len > G_MAXINT16 ||
      transform (srtp->outbound, buf, &n) != srtp_err_status_ok) {
    srtp->counters.protect_failed++;
    return RP_SRTP_FAILED;
  }
  *len = (gsize) n;
  srtp->counters.protected_packets++;
  return RP_SRTP_OK;
}

RpSrtpResult
rp_srtp_protect_rtp (RpSrtp *srtp, guint8 *buf, gsize *len, gsize size)
{
  if (*len < MIN_RTP_BYTES) {
    srtp->counters.protect_failed++;
    return RP_SRTP_INVALID;
  }
  return protect (srtp, srtp_protect, buf, len, size);
}

RpSrtpResult
rp_srtp_protect_rtcp (RpSrtp *srtp, guint8 *buf, gsize *len, gsize size)
{
  if (*len < MIN_RTCP_BYTES) {
    srtp->counters.protect_failed++;
    return RP_SRTP_INVALID;
  }
  return protect (srtp, srtp_protect_rtcp, buf, len, size);
}

static gboolean
known_ssrc (const RpSrtp *srtp, guint32 ssrc)
{
  for (guint i = 0; i < srtp->n_ssrcs; i++)
    if (srtp->ssrcs[i] == ssrc)
      return TRUE;
  return FALSE;
}

static RpSrtpResult
unprotect (RpSrtp *srtp, Transform transform, guint32 ssrc, guint8 *buf, gsize *len)
{
  gboolean known = known_ssrc (srtp, ssrc);
  int n = (int) *len;

  if (!known && srtp->n_ssrcs == RP_SRTP_MAX_SSRC) {
    srtp->counters.ssrc_limit++;
    return RP_SRTP_SSRC_LIMIT;
  }
  switch (transform (srtp->inbound, buf, &n)) {
  case srtp_err_status_ok:
    break;
  case srtp_err_status_auth_fail:
    srtp->counters.auth_fail++;
    return RP_SRTP_AUTH_FAIL;
  case srtp_err_status_replay_fail:
  case srtp_err_status_replay_old:
    srtp->counters.replay++;
    return RP_SRTP_REPLAY;
  default:
    srtp->counters.failed++;
    return RP_SRTP_FAILED;
  }
  if (!known)
    srtp->ssrcs[srtp->n_ssrcs++] = ssrc;
  *len = (gsize) n;
  srtp->counters.unprotected_packets++;
  return RP_SRTP_OK;
}

static gboolean
plausible (RpSrtp *srtp, const guint8 *buf, gsize len, gsize min)
{
  if (len >= min && len <= G_MAXINT16 && buf[0] >> 6 == 2)
    return TRUE;
  srtp->counters.invalid++;
  return FALSE;
}

RpSrtpResult
rp_srtp_unprotect_rtp (RpSrtp *srtp, guint8 *buf, gsize *len)
{
  guint32 ssrc;
  if (!plausible (srtp, buf, *len, MIN_SRTP_BYTES))
    return RP_SRTP_INVALID;
  memcpy (&ssrc, buf + 8, sizeof ssrc);
  return unprotect (srtp, srtp_unprotect, ssrc, buf, len);
}

RpSrtpResult
rp_srtp_unprotect_rtcp (RpSrtp *srtp, guint8 *buf, gsize *len)
{
  guint32 ssrc;
  if (!plausible (srtp, buf, *len, MIN_SRTCP_BYTES))
    return RP_SRTP_INVALID;
  memcpy (&ssrc, buf + 4, sizeof ssrc);
  return unprotect (srtp, srtp_unprotect_rtcp, ssrc, buf, len);
}

void
rp_srtp_counters (const RpSrtp *srtp, RpSrtpCounters *out)
{
  *out = srtp->counters;
}
