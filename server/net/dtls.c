#include "dtls.h"

#include <gnutls/crypto.h>
#include <gnutls/dtls.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>
#include <time.h>

/* DTLS 1.2 with forward secrecy and AEAD only; both kinds of certificate, since old browsers have
 * RSA ones. */
#define PRIORITIES                                                                           \
  "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:" \
  "-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA"
#define HEADER_BYTES 13 /* RFC 6347 4.1: type, version, epoch, sequence number, length */
#define MAX_RECORD_BYTES 16384
#define SHA256_BYTES 32
/* A clock that is a bit off must not see a certificate of the future; nobody checks the dates in
 * WebRTC, but clients warn. */
#define VALID_BEFORE_S (24 * 3600)
#define VALID_AFTER_S (365 * 24 * 3600)
/* How often the library's timer is looked at: asking costs a system call. */
#define POLL_US 10000
/* Non-fatal results in a row that one datagram may cause. */
#define MAX_STEPS 32

struct _RpDtlsCertificate {
  gatomicrefcount refs;
  gnutls_certificate_credentials_t credentials;
  gnutls_priority_t priorities;
  guint8 digest[SHA256_BYTES];
  char fingerprint[3 * SHA256_BYTES];
};

struct _RpDtls {
  gnutls_session_t session;
  RpDtlsCertificate *certificate;
  gboolean server;
  RpSdpFingerprint *fingerprints;
  gsize n_fingerprints;
  gboolean mismatch; /* the certificate was seen and is not the announced one */
  RpDtlsEvents events;
  gpointer user_data;
  GQueue inbox; /* of GBytes */
  RpDtlsState state;
  gboolean closed_by_peer;
  gboolean driving; /* data () may call us back */
  gint64 poll_us;
  GError *error;
  RpDtlsCounters counters;
};

G_DEFINE_QUARK (rp - dtls - error - quark, rp_dtls_error)

static gboolean
check (int status, const char *what, GError **error)
{
  if (status >= 0)
    return TRUE;
  g_set_error (error, RP_DTLS_ERROR, RP_DTLS_ERROR_SETUP, "DTLS %s: %s", what,
               gnutls_strerror (status));
  return FALSE;
}

static gboolean
fill_certificate (gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, GError **error)
{
  guint8 serial[8];
  time_t now = time (NULL);

  if (!check (gnutls_x509_privkey_generate (key, GNUTLS_PK_ECDSA,
                                            GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0),
              "key", error) ||
      !check (gnutls_rnd (GNUTLS_RND_NONCE, serial, sizeof serial), "random", error))
    return FALSE;
  serial[0] = (serial[0] & 0x7f) | 1; /* positive and without leading zeros */
  return check (gnutls_x509_crt_set_version (crt, 3), "version", error) &&
         check (gnutls_x509_crt_set_serial (crt, serial, sizeof serial), "serial", error) &&
         check (gnutls_x509_crt_set_activation_time (crt, now - VALID_BEFORE_S), "date", error) &&
         check (gnutls_x509_crt_set_expiration_time (crt, now + VALID_AFTER_S), "date", error) &&
         check (gnutls_x509_crt_set_dn_by_oid (crt, GNUTLS_OID_X520_COMMON_NAME, 0, "WebRTC", 6),
                "name", error) &&
         check (gnutls_x509_crt_set_key (crt, key), "key", error) &&
         check (gnutls_x509_crt_sign2 (crt, crt, key, GNUTLS_DIG_SHA256, 0), "signature", error);
}

static gboolean
write_fingerprint (gnutls_x509_crt_t crt, RpDtlsCertificate *out, GError **error)
{
  size_t size = sizeof out->digest;

  if (!check (gnutls_x509_crt_get_fingerprint (crt, GNUTLS_DIG_SHA256, out->digest, &size),
              "fingerprint", error))
    return FALSE;
  for (gsize i = 0; i < SHA256_BYTES; i++)
    g_snprintf (out->fingerprint + 3 * i, 4, i + 1 < SHA256_BYTES ? "%02X:" : "%02X",
                out->digest[i]);
  return TRUE;
}

RpDtlsCertificate *
rp_dtls_certificate_new (GError **error)
{
  g_autoptr (RpDtlsCertificate) self = g_new0 (RpDtlsCertificate, 1);
  gnutls_x509_crt_t crt = NULL;
  gnutls_x509_privkey_t key = NULL;

  g_atomic_ref_count_init (&self->refs);
  gboolean ok =
      check (gnutls_x509_crt_init (&crt), "certificate", error) &&
      check (gnutls_x509_privkey_init (&key), "key", error) && fill_certificate (crt, key, error) &&
      write_fingerprint (crt, self, error) &&
      check (gnutls_certificate_allocate_credentials (&self->credentials), "credentials", error) &&
      check (gnutls_certificate_set_x509_key (self->credentials, &crt, 1, key), "credentials",
             error) &&
      check (gnutls_priority_init (&self->priorities, PRIORITIES, NULL), "priorities", error);
  if (key)
    gnutls_x509_privkey_deinit (key);
  if (crt)
    gnutls_x509_crt_deinit (crt);
  return ok ? g_steal_pointer (&self) : NULL;
}

RpDtlsCertificate *
rp_dtls_certificate_ref (RpDtlsCertificate *certificate)
{
  g_atomic_ref_count_inc (&certificate->refs);
  return certificate;
}

void
rp_dtls_certificate_unref (RpDtlsCertificate *certificate)
{
  if (!certificate || !g_atomic_ref_count_dec (&certificate->refs))
    return;
  if (certificate->credentials)
    gnutls_certificate_free_credentials (certificate->credentials);
  if (certificate->priorities)
    gnutls_priority_deinit (certificate->priorities);
  g_free (certificate);
}

const char *
rp_dtls_certificate_fingerprint (const RpDtlsCertificate *certificate)
{
  return certificate->fingerprint;
}

const guint8 *
rp_dtls_certificate_digest (const RpDtlsCertificate *certificate)
{
  return certificate->digest;
}

static ssize_t
push (gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
  RpDtls *dtls = ptr;
  dtls->counters.datagrams_out++;
  dtls->events.send (data, len, dtls->user_data);
  return (ssize_t) len;
}

static ssize_t
pull (gnutls_transport_ptr_t ptr, void *data, size_t size)
{
  RpDtls *dtls = ptr;
  g_autoptr (GBytes) datagram = g_queue_pop_head (&dtls->inbox);

  if (!datagram) {
    gnutls_transport_set_errno (dtls->session, EAGAIN);
    return -1;
  }
  gsize len = 0;
  const guint8 *bytes = g_bytes_get_data (datagram, &len);
  len = MIN (len, size);
  memcpy (data, bytes, len);
  return (ssize_t) len;
}

static int
pull_timeout (gnutls_transport_ptr_t ptr, unsigned int ms)
{
  RpDtls *dtls = ptr;
  return g_queue_is_empty (&dtls->inbox) ? 0 : 1;
}

/* Only the announced certificate may talk: it stands in for a chain of trust (RFC 8122). */
static int
verify (gnutls_session_t session)
{
  RpDtls *dtls = gnutls_session_get_ptr (session);
  unsigned int n = 0;
  const gnutls_datum_t *certificates = gnutls_certificate_get_peers (session, &n);
  guint8 digest[SHA256_BYTES];
  size_t size = sizeof digest;

  if (certificates && n == 1 &&
      gnutls_fingerprint (GNUTLS_DIG_SHA256, &certificates[0], digest, &size) >= 0) {
    for (gsize i = 0; i < dtls->n_fingerprints; i++)
      if (gnutls_memcmp (digest, dtls->fingerprints[i].sha256, SHA256_BYTES) == 0)
        return 0;
  }
  dtls->mismatch = TRUE;
  return -1;
}

static gboolean
set_up_session (RpDtls *dtls, GError **error)
{
  unsigned int flags = GNUTLS_DATAGRAM | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS |
                       (dtls->server ? GNUTLS_SERVER : GNUTLS_CLIENT);
  gnutls_session_t session = NULL;

  if (!check (gnutls_init (&session, flags), "session", error))
    return FALSE;
  dtls->session = session;
  if (!check (gnutls_priority_set (session, dtls->certificate->priorities), "priorities", error) ||
      !check (gnutls_srtp_set_profile (session, GNUTLS_SRTP_AES128_CM_HMAC_SHA1_80), "use_srtp",
              error) ||
      !check (
          gnutls_credentials_set (session, GNUTLS_CRD_CERTIFICATE, dtls->certificate->credentials),
          "credentials", error))
    return FALSE;
  gnutls_session_set_ptr (session, dtls);
  gnutls_session_set_verify_function (session, verify);
  /* Without this a server never asks, verify () never runs and anyone gets in. */
  if (dtls->server)
    gnutls_certificate_server_set_request (session, GNUTLS_CERT_REQUIRE);
  gnutls_dtls_set_timeouts (session, RP_DTLS_RETRANSMIT_MS, RP_DTLS_HANDSHAKE_MS);
  gnutls_dtls_set_mtu (session, RP_DTLS_MTU);
  gnutls_transport_set_ptr (session, dtls);
  gnutls_transport_set_push_function (session, push);
  gnutls_transport_set_pull_function (session, pull);
  gnutls_transport_set_pull_timeout_function (session, pull_timeout);
  return TRUE;
}

RpDtls *
rp_dtls_new (const RpDtlsConfig *config, const RpDtlsEvents *events, gpointer user_data,
             GError **error)
{
  g_autoptr (RpDtls) dtls = g_new0 (RpDtls, 1);

  g_queue_init (&dtls->inbox);
  dtls->certificate = rp_dtls_certificate_ref (config->certificate);
  dtls->server = config->server;
  dtls->fingerprints =
      g_memdup2 (config->fingerprints, config->n_fingerprints * sizeof *config->fingerprints);
  dtls->n_fingerprints = config->n_fingerprints;
  dtls->events = *events;
  dtls->user_data = user_data;
  if (!set_up_session (dtls, error))
    return NULL;
  return g_steal_pointer (&dtls);
}

void
rp_dtls_free (RpDtls *dtls)
{
  if (!dtls)
    return;
  if (dtls->session)
    gnutls_deinit (dtls->session);
  g_queue_clear_full (&dtls->inbox, (GDestroyNotify) g_bytes_unref);
  rp_dtls_certificate_unref (dtls->certificate);
  g_clear_error (&dtls->error);
  g_free (dtls->fingerprints);
  g_free (dtls);
}

static void
fail (RpDtls *dtls, RpDtlsError code, const char *message)
{
  dtls->state = RP_DTLS_STATE_FAILED;
  if (!dtls->error)
    dtls->error = g_error_new_literal (RP_DTLS_ERROR, code, message);
}

/* Names what went wrong by what the operator can do about it. */
static void
handshake_failed (RpDtls *dtls, int status)
{
  if (status == GNUTLS_E_TIMEDOUT) {
    fail (dtls, RP_DTLS_ERROR_TIMEOUT, "DTLS handshake timed out");
    return;
  }
  if (status == GNUTLS_E_FATAL_ALERT_RECEIVED) {
    const char *name = gnutls_alert_get_name (gnutls_alert_get (dtls->session));
    g_autofree char *text =
        g_strdup_printf ("DTLS handshake refused by the peer: %s", name ? name : "unknown alert");
    fail (dtls, RP_DTLS_ERROR_HANDSHAKE, text);
    return;
  }
  gnutls_alert_send_appropriate (dtls->session, status);
  if (dtls->mismatch) {
    fail (dtls, RP_DTLS_ERROR_FINGERPRINT,
          "DTLS certificate does not match the fingerprint in the peer's SDP");
  } else if (status == GNUTLS_E_NO_CERTIFICATE_FOUND || status == GNUTLS_E_CERTIFICATE_REQUIRED) {
    fail (dtls, RP_DTLS_ERROR_FINGERPRINT, "DTLS peer sent no certificate");
  } else {
    g_autofree char *text = g_strdup_printf ("DTLS handshake failed: %s", gnutls_strerror (status));
    fail (dtls, RP_DTLS_ERROR_HANDSHAKE, text);
  }
}

static void
handshake_done (RpDtls *dtls)
{
  gnutls_srtp_profile_t profile;

  if (gnutls_srtp_get_selected_profile (dtls->session, &profile) < 0 ||
      profile != GNUTLS_SRTP_AES128_CM_HMAC_SHA1_80) {
    gnutls_alert_send (dtls->session, GNUTLS_AL_FATAL, GNUTLS_A_HANDSHAKE_FAILURE);
    fail (dtls, RP_DTLS_ERROR_NO_SRTP,
          "DTLS peer does not offer use_srtp with SRTP_AES128_CM_HMAC_SHA1_80");
    return;
  }
  dtls->state = RP_DTLS_STATE_OPEN;
}

static void
drive_handshake (RpDtls *dtls)
{
  for (guint i = 0; i < MAX_STEPS && dtls->state == RP_DTLS_STATE_HANDSHAKE; i++) {
    int status = gnutls_handshake (dtls->session);
    if (status == GNUTLS_E_SUCCESS) {
      handshake_done (dtls);
    } else if (gnutls_error_is_fatal (status)) {
      handshake_failed (dtls, status);
    } else if (status == GNUTLS_E_AGAIN || status == GNUTLS_E_INTERRUPTED) {
      if (g_queue_is_empty (&dtls->inbox))
        return;
    } else {
      dtls->counters.warnings++;
    }
  }
}

/* One step of reading; FALSE when there is nothing more to read. */
static gboolean
read_record (RpDtls *dtls)
{
  guint8 record[MAX_RECORD_BYTES];
  ssize_t n = gnutls_record_recv (dtls->session, record, sizeof record);

  if (n > 0) {
    dtls->events.data (record, (gsize) n, dtls->user_data);
    return TRUE;
  }
  if (n == 0) {
    gnutls_bye (dtls->session, GNUTLS_SHUT_WR);
    dtls->state = RP_DTLS_STATE_CLOSED;
    dtls->closed_by_peer = TRUE;
    return FALSE;
  }
  switch ((int) n) {
  case GNUTLS_E_AGAIN:
  case GNUTLS_E_INTERRUPTED:
    return !g_queue_is_empty (&dtls->inbox);
  case GNUTLS_E_REHANDSHAKE:
    gnutls_alert_send (dtls->session, GNUTLS_AL_WARNING, GNUTLS_A_NO_RENEGOTIATION);
    dtls->counters.renegotiations_refused++;
    return TRUE;
  default:
    if (!gnutls_error_is_fatal ((int) n)) {
      dtls->counters.warnings++;
      return TRUE;
    }
  }
  if (n == GNUTLS_E_FATAL_ALERT_RECEIVED) {
    dtls->state = RP_DTLS_STATE_CLOSED;
    dtls->closed_by_peer = TRUE;
  } else {
    g_autofree char *text =
        g_strdup_printf ("DTLS connection failed: %s", gnutls_strerror ((int) n));
    fail (dtls, RP_DTLS_ERROR_HANDSHAKE, text);
  }
  return FALSE;
}

static void
drive (RpDtls *dtls)
{
  if (dtls->driving)
    return; /* called back from data (): the loop below goes on */
  dtls->driving = TRUE;
  if (dtls->state == RP_DTLS_STATE_HANDSHAKE)
    drive_handshake (dtls);
  /* Also without application data: the last flight is repeated from inside here. */
  for (guint i = 0; i < MAX_STEPS && dtls->state == RP_DTLS_STATE_OPEN; i++)
    if (!read_record (dtls))
      break;
  dtls->driving = FALSE;
}

void
rp_dtls_start (RpDtls *dtls)
{
  if (dtls->state != RP_DTLS_STATE_IDLE)
    return;
  dtls->state = RP_DTLS_STATE_HANDSHAKE;
  drive (dtls);
}

/* RFC 7983 and RFC 6347 4.1. What is no record would only make the library complain. */
static gboolean
plausible (const guint8 *data, gsize len)
{
  return len >= HEADER_BYTES && data[0] >= 20 && data[0] <= 63 && data[1] == 0xfe &&
         (gsize) (data[11] << 8 | data[12]) + HEADER_BYTES <= len;
}

void
rp_dtls_input (RpDtls *dtls, const guint8 *data, gsize len)
{
  dtls->counters.datagrams_in++;
  if (!plausible (data, len) || dtls->state > RP_DTLS_STATE_OPEN ||
      g_queue_get_length (&dtls->inbox) >= RP_DTLS_QUEUE_MAX) {
    dtls->counters.dropped++;
    return;
  }
  g_queue_push_tail (&dtls->inbox, g_bytes_new (data, len));
  if (dtls->state != RP_DTLS_STATE_IDLE)
    drive (dtls);
}

void
rp_dtls_tick (RpDtls *dtls)
{
  if (dtls->state != RP_DTLS_STATE_HANDSHAKE)
    return;
  gint64 now_us = g_get_monotonic_time ();
  if (now_us < dtls->poll_us)
    return;
  dtls->poll_us = now_us + POLL_US;
  if (gnutls_dtls_get_timeout (dtls->session) == 0)
    drive (dtls);
}

gboolean
rp_dtls_send (RpDtls *dtls, const guint8 *data, gsize len)
{
  return dtls->state == RP_DTLS_STATE_OPEN && len > 0 &&
         gnutls_record_send (dtls->session, data, len) == (ssize_t) len;
}

gsize
rp_dtls_max_data (const RpDtls *dtls)
{
  return gnutls_dtls_get_data_mtu (dtls->session);
}

void
rp_dtls_close (RpDtls *dtls)
{
  if (dtls->state == RP_DTLS_STATE_OPEN)
    gnutls_bye (dtls->session, GNUTLS_SHUT_WR);
  if (dtls->state <= RP_DTLS_STATE_OPEN)
    dtls->state = RP_DTLS_STATE_CLOSED;
}

RpDtlsState
rp_dtls_state (const RpDtls *dtls)
{
  return dtls->state;
}

gboolean
rp_dtls_closed_by_peer (const RpDtls *dtls)
{
  return dtls->closed_by_peer;
}

const GError *
rp_dtls_error (const RpDtls *dtls)
{
  return dtls->error;
}

gboolean
rp_dtls_srtp_keys (RpDtls *dtls, guint8 *out_local, guint8 *out_remote)
{
  guint8 material[128];
  gnutls_datum_t client_key, client_salt, server_key, server_salt;
  guint8 *client = dtls->server ? out_remote : out_local;
  guint8 *server = dtls->server ? out_local : out_remote;

  if (dtls->state != RP_DTLS_STATE_OPEN)
    return FALSE;
  int n = gnutls_srtp_get_keys (dtls->session, material, sizeof material, &client_key, &client_salt,
                                &server_key, &server_salt);
  gboolean ok = n == 2 * RP_DTLS_SRTP_MASTER && client_key.size == 16 && client_salt.size == 14;
  if (ok) {
    memcpy (client, client_key.data, 16);
    memcpy (client + 16, client_salt.data, 14);
    memcpy (server, server_key.data, 16);
    memcpy (server + 16, server_salt.data, 14);
  }
  gnutls_memset (material, 0, sizeof material);
  return ok;
}

RpSrtp *
rp_dtls_srtp_new (RpDtls *dtls, GError **error)
{
  guint8 local[RP_DTLS_SRTP_MASTER];
  guint8 remote[RP_DTLS_SRTP_MASTER];

  if (!rp_dtls_srtp_keys (dtls, local, remote)) {
    g_set_error_literal (error, RP_DTLS_ERROR, RP_DTLS_ERROR_NO_SRTP, "no SRTP keys out of DTLS");
    return NULL;
  }
  RpSrtp *srtp = rp_srtp_new (local, remote, error);
  gnutls_memset (local, 0, sizeof local);
  gnutls_memset (remote, 0, sizeof remote);
  return srtp;
}

void
rp_dtls_counters (const RpDtls *dtls, RpDtlsCounters *out)
{
  *out = dtls->counters;
}
