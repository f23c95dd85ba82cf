/* DTLS 1.2 with use_srtp (RFC 5764) over datagrams handed in and out, on GnuTLS.
 *
 * All calls on one thread, except that an RpDtlsCertificate is immutable and shared by all. GnuTLS
 * keeps DTLS time by the real-time clock, so this adapter cannot run on a virtual one.
 */
#pragma once

#include "sdp.h"
#include "srtp.h"

#include <glib.h>

#define RP_DTLS_MTU \
  1200 /* DTLS datagram; leaves room for IP, UDP and a TURN header below IPv6's 1280 */
#define RP_DTLS_QUEUE_MAX 8    /* datagrams kept until the handshake may start */
#define RP_DTLS_SRTP_MASTER 30 /* 16 byte key, 14 byte salt */
/* First retransmission; doubles each time. RFC 6347 4.2.4.1 says 1 s, for whoever knows nothing of
 * the path; ICE has just seen packets go both ways, and a flight lost in a tenth of them is waited
 * for at every step of a call's beginning. */
#define RP_DTLS_RETRANSMIT_MS 100
#define RP_DTLS_HANDSHAKE_MS 30000

#define RP_DTLS_ERROR (rp_dtls_error_quark ())
GQuark rp_dtls_error_quark (void);
typedef enum {
  RP_DTLS_ERROR_SETUP,       /* the library refused us: out of memory or misconfigured */
  RP_DTLS_ERROR_HANDSHAKE,   /* the handshake failed */
  RP_DTLS_ERROR_TIMEOUT,     /* the peer did not finish the handshake in RP_DTLS_HANDSHAKE_MS */
  RP_DTLS_ERROR_FINGERPRINT, /* the peer's certificate is not the one its SDP announced, or it sent
                                none */
  RP_DTLS_ERROR_NO_SRTP,     /* the peer did not negotiate use_srtp with our profile */
} RpDtlsError;

/* A self-signed ECDSA P-256 certificate with its key: one per process. Immutable, reference
 * counted, any thread. */
typedef struct _RpDtlsCertificate RpDtlsCertificate;

/* Makes a new key and certificate (about 1 ms). Returns: (transfer full) (nullable). */
RpDtlsCertificate *rp_dtls_certificate_new (GError **error);
RpDtlsCertificate *rp_dtls_certificate_ref (RpDtlsCertificate *certificate);
void rp_dtls_certificate_unref (RpDtlsCertificate *certificate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpDtlsCertificate, rp_dtls_certificate_unref)
/* "AB:CD:…" of its SHA-256, as a=fingerprint:sha-256 wants it. Returns: (transfer none). */
const char *rp_dtls_certificate_fingerprint (const RpDtlsCertificate *certificate);
/* The same as 32 bytes. Returns: (transfer none). */
const guint8 *rp_dtls_certificate_digest (const RpDtlsCertificate *certificate);

typedef enum {
  RP_DTLS_STATE_IDLE, /* not started: datagrams are queued */
  RP_DTLS_STATE_HANDSHAKE,
  RP_DTLS_STATE_OPEN,
  RP_DTLS_STATE_CLOSED, /* close_notify sent or received */
  RP_DTLS_STATE_FAILED,
} RpDtlsState;

typedef struct _RpDtls RpDtls;

typedef struct {
  gboolean server;                /* a=setup:passive is the server (RFC 5763 5) */
  RpDtlsCertificate *certificate; /* a reference is taken */
  /* What the peer's SDP announced; one must match its certificate. At least one. */
  const RpSdpFingerprint *fingerprints;
  gsize n_fingerprints;
} RpDtlsConfig;

typedef struct {
  /* Puts a datagram on the wire. May fail silently: the protocol repeats itself. */
  void (*send) (const guint8 *data, gsize len, gpointer user_data);
  /* Decrypted application data (SCTP). */
  void (*data) (const guint8 *data, gsize len, gpointer user_data);
} RpDtlsEvents;

typedef struct {
  guint64 datagrams_in;
  guint64 datagrams_out;
  guint64 dropped;  /* not DTLS, or too many before the start */
  guint64 warnings; /* non-fatal alerts and oddities */
  guint64 renegotiations_refused;
} RpDtlsCounters;

/* user_data goes to every event. Returns: (transfer full) (nullable). */
RpDtls *rp_dtls_new (const RpDtlsConfig *config, const RpDtlsEvents *events, gpointer user_data,
                     GError **error);
void rp_dtls_free (RpDtls *dtls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpDtls, rp_dtls_free)

/* Starts the handshake: ICE has a pair. Processes what was queued. State changes are seen by
 * rp_dtls_state () after each call. */
void rp_dtls_start (RpDtls *dtls);
/* One received datagram of the DTLS class (first byte 20..63). Handles everything that follows from
 * it. */
void rp_dtls_input (RpDtls *dtls, const guint8 *data, gsize len);
/* Runs due retransmissions; call every tick while the handshake runs (cheap otherwise). */
void rp_dtls_tick (RpDtls *dtls);
/* Sends application data; len <= rp_dtls_max_data (). Returns FALSE when not open or refused. */
gboolean rp_dtls_send (RpDtls *dtls, const guint8 *data, gsize len);
gsize rp_dtls_max_data (const RpDtls *dtls);
/* Sends close_notify if open. */
void rp_dtls_close (RpDtls *dtls);

RpDtlsState rp_dtls_state (const RpDtls *dtls);
/* TRUE when the state is CLOSED because the peer said so. */
gboolean rp_dtls_closed_by_peer (const RpDtls *dtls);
/* Why it FAILED. Returns: (transfer none) (nullable). */
const GError *rp_dtls_error (const RpDtls *dtls);
/* While open: the SRTP master key and salt (RP_DTLS_SRTP_MASTER bytes each) of what we send and of
 * what we receive. The caller wipes them. */
gboolean rp_dtls_srtp_keys (RpDtls *dtls, guint8 *out_local, guint8 *out_remote);
/* While open: SRTP with these keys. Returns: (transfer full) (nullable): NULL with @error set */
RpSrtp *rp_dtls_srtp_new (RpDtls *dtls, GError **error);
void rp_dtls_counters (const RpDtls *dtls, RpDtlsCounters *out);
