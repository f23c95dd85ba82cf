/* Our DTLS against a plain GnuTLS peer that can misbehave, over queues in memory. */
#include "dtls.h"

#include <gnutls/dtls.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-DTLS1.2"
#define STEPS 200

typedef struct {
  gboolean ours_is_server;
  gboolean with_certificate;
  gboolean with_srtp;
  gboolean wrong_fingerprint;
  guint lose; /* the first datagrams of ours that get lost */
} Setup;

typedef struct {
  RpDtls *ours;
  gnutls_session_t other;
  gnutls_certificate_credentials_t credentials;
  RpDtlsCertificate *our_certificate;
  GQueue to_other; /* of GBytes */
  GQueue to_ours;
  GByteArray *received;
  guint lose;
  int other_status; /* of its handshake; 0 = done */
} Fixture;

static void
send_to_other (const guint8 *data, gsize len, gpointer user_data)
{
  Fixture *f = user_data;
  if (f->lose > 0)
    f->lose--;
  else
    g_queue_push_tail (&f->to_other, g_bytes_new (data, len));
}

static void
on_data (const guint8 *data, gsize len, gpointer user_data)
{
  Fixture *f = user_data;
  g_byte_array_append (f->received, data, (guint) len);
}

static ssize_t
push (gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
  Fixture *f = ptr;
  g_queue_push_tail (&f->to_ours, g_bytes_new (data, len));
  return (ssize_t) len;
}

static ssize_t
pull (gnutls_transport_ptr_t ptr, void *data, size_t size)
{
  Fixture *f = ptr;
  g_autoptr (GBytes) bytes = g_queue_pop_head (&f->to_other);
  if (!bytes) {
    gnutls_transport_set_errno (f->other, EAGAIN);
    return -1;
  }
  gsize len = MIN (g_bytes_get_size (bytes), size);
  memcpy (data, g_bytes_get_data (bytes, NULL), len);
  return (ssize_t) len;
}

static int
pull_timeout (gnutls_transport_ptr_t ptr, unsigned int ms)
{
  Fixture *f = ptr;
  return g_queue_is_empty (&f->to_other) ? 0 : 1;
}

/* Self-signed, of the kind old browsers have. */
static void
make_certificate (Fixture *f, guint8 *out_digest)
{
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t crt;
  size_t size = 32;

  gnutls_x509_privkey_init (&key);
  gnutls_x509_privkey_generate (key, GNUTLS_PK_RSA, 2048, 0);
  gnutls_x509_crt_init (&crt);
  gnutls_x509_crt_set_version (crt, 3);
  gnutls_x509_crt_set_serial (crt, "\x01", 1);
  gnutls_x509_crt_set_activation_time (crt, 0);
  gnutls_x509_crt_set_expiration_time (crt, 0x7fffffff);
  gnutls_x509_crt_set_key (crt, key);
  g_assert_cmpint (gnutls_x509_crt_sign2 (crt, crt, key, GNUTLS_DIG_SHA256, 0), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_get_fingerprint (crt, GNUTLS_DIG_SHA256, out_digest, &size), ==,
                   0);
  g_assert_cmpint (gnutls_certificate_set_x509_key (f->credentials, &crt, 1, key), >=, 0);
  gnutls_x509_crt_deinit (crt);
  gnutls_x509_privkey_deinit (key);
}

static void
set_up (Fixture *f, const Setup *setup)
{
  RpDtlsEvents events = {.send = send_to_other, .data = on_data};
  RpSdpFingerprint fingerprints[2] = {0};
  g_autoptr (GError) error = NULL;

  memset (f, 0, sizeof *f);
  g_queue_init (&f->to_other);
  g_queue_init (&f->to_ours);
  f->received = g_byte_array_new ();
  f->lose = setup->lose;
  f->other_status = GNUTLS_E_AGAIN;
  f->our_certificate = rp_dtls_certificate_new (&error);
  g_assert_no_error (error);
  gnutls_certificate_allocate_credentials (&f->credentials);
  guint8 digest[32] = {0};
  if (setup->with_certificate)
    make_certificate (f, digest);
  memcpy (fingerprints[1].sha256, digest, 32);
  if (setup->wrong_fingerprint)
    fingerprints[1].sha256[31] ^= 1;

  RpDtlsConfig config = {.server = setup->ours_is_server,
                         .certificate = f->our_certificate,
                         .fingerprints = fingerprints,
                         .n_fingerprints = 2};
  f->ours = rp_dtls_new (&config, &events, f, &error);
  g_assert_no_error (error);

  gnutls_init (&f->other, GNUTLS_DATAGRAM | GNUTLS_NONBLOCK |
                              (setup->ours_is_server ? GNUTLS_CLIENT : GNUTLS_SERVER));
  g_assert_cmpint (gnutls_priority_set_direct (f->other, PRIORITIES, NULL), ==, 0);
  if (setup->with_srtp)
    gnutls_srtp_set_profile_direct (f->other, "SRTP_AES128_CM_HMAC_SHA1_80", NULL);
  gnutls_credentials_set (f->other, GNUTLS_CRD_CERTIFICATE, f->credentials);
  if (!setup->ours_is_server)
    gnutls_certificate_server_set_request (f->other, GNUTLS_CERT_REQUIRE);
  gnutls_dtls_set_mtu (f->other, 1200);
  gnutls_dtls_set_timeouts (f->other, 5000, 30000);
  gnutls_transport_set_ptr (f->other, f);
  gnutls_transport_set_push_function (f->other, push);
  gnutls_transport_set_pull_function (f->other, pull);
  gnutls_transport_set_pull_timeout_function (f->other, pull_timeout);
}

static void
tear_down (Fixture *f)
{
  rp_dtls_free (f->ours);
  gnutls_deinit (f->other);
  gnutls_certificate_free_credentials (f->credentials);
  rp_dtls_certificate_unref (f->our_certificate);
  g_queue_clear_full (&f->to_other, (GDestroyNotify) g_bytes_unref);
  g_queue_clear_full (&f->to_ours, (GDestroyNotify) g_bytes_unref);
  g_byte_array_unref (f->received);
}

static void
deliver (Fixture *f)
{
  GBytes *bytes;
  while ((bytes = g_queue_pop_head (&f->to_ours))) {
    gsize len = 0;
    const guint8 *data = g_bytes_get_data (bytes, &len);
    g_autofree guint8 *exact = g_memdup2 (data, len);
    rp_dtls_input (f->ours, exact, len);
    g_bytes_unref (bytes);
  }
}

static void
step (Fixture *f)
{
  if (f->other_status < 0 && !gnutls_error_is_fatal (f->other_status))
    f->other_status = gnutls_handshake (f->other);
  if (f->other_status < 0 && gnutls_error_is_fatal (f->other_status))
    gnutls_alert_send_appropriate (f->other, f->other_status);
  deliver (f);
}

static void
handshake (Fixture *f)
{
  rp_dtls_start (f->ours);
  for (guint i = 0; i < STEPS && (rp_dtls_state (f->ours) == RP_DTLS_STATE_HANDSHAKE ||
                                  f->other_status == GNUTLS_E_AGAIN);
       i++)
    step (f);
}

static const Setup as_server = {TRUE, TRUE, TRUE, FALSE, 0};
static const Setup as_client = {FALSE, TRUE, TRUE, FALSE, 0};

static void
test_good (gconstpointer data)
{
  guint8 local[30], remote[30], material[60];
  gnutls_datum_t client_key, client_salt, server_key, server_salt;
  const Setup *setup = data;
  Fixture f;

  set_up (&f, setup);
  g_assert_false (rp_dtls_srtp_keys (f.ours, local, remote));
  g_assert_false (rp_dtls_send (f.ours, (const guint8 *) "x", 1));
  handshake (&f);
  g_assert_cmpint (rp_dtls_state (f.ours), ==, RP_DTLS_STATE_OPEN);
  g_assert_cmpint (f.other_status, ==, 0);

  g_assert_true (rp_dtls_srtp_keys (f.ours, local, remote));
  g_assert_cmpint (gnutls_srtp_get_keys (f.other, material, sizeof material, &client_key,
                                         &client_salt, &server_key, &server_salt),
                   ==, 60);
  const guint8 *server = setup->ours_is_server ? local : remote;
  const guint8 *client = setup->ours_is_server ? remote : local;
  g_assert_cmpmem (server, 16, server_key.data, server_key.size);
  g_assert_cmpmem (server + 16, 14, server_salt.data, server_salt.size);
  g_assert_cmpmem (client, 16, client_key.data, client_key.size);
  g_assert_cmpmem (client + 16, 14, client_salt.data, client_salt.size);

  g_assert_cmpint (gnutls_record_send (f.other, "hello", 5), ==, 5);
  deliver (&f);
  g_assert_cmpmem (f.received->data, f.received->len, "hello", 5);
  guint8 buffer[2000];
  g_assert_cmpuint (rp_dtls_max_data (f.ours), >=,
                    1112); /* an SCTP packet of 1100 and its header */
  g_assert_true (rp_dtls_send (f.ours, buffer, 1112));
  g_assert_cmpint (gnutls_record_recv (f.other, buffer, sizeof buffer), ==, 1112);

  /* It hangs up. */
  gnutls_bye (f.other, GNUTLS_SHUT_WR);
  deliver (&f);
  g_assert_cmpint (rp_dtls_state (f.ours), ==, RP_DTLS_STATE_CLOSED);
  g_assert_true (rp_dtls_closed_by_peer (f.ours));
  g_assert_false (rp_dtls_send (f.ours, buffer, 10));
  g_assert_cmpint (gnutls_record_recv (f.other, buffer, sizeof buffer), ==, 0);
  tear_down (&f);
}

static void
test_we_close (void)
{
  guint8 buffer[100];
  Fixture f;

  set_up (&f, &as_server);
  handshake (&f);
  rp_dtls_close (f.ours);
  g_assert_cmpint (rp_dtls_state (f.ours), ==, RP_DTLS_STATE_CLOSED);
  g_assert_false (rp_dtls_closed_by_peer (f.ours));
  g_assert_cmpint (gnutls_record_recv (f.other, buffer, sizeof buffer), ==, 0);
  tear_down (&f);
}

/* Whoever comes without the announced certificate does not get in. */
static void
test_no_certificate (void)
{
  Setup setup = as_server;
  Fixture f;

  setup.with_certificate = FALSE;
  set_up (&f, &setup);
  handshake (&f);
  g_assert_cmpint (rp_dtls_state (f.ours), ==, RP_DTLS_STATE_FAILED);
  g_assert_error (rp_dtls_error (f.ours), RP_DTLS_ERROR, RP_DTLS_ERROR_FINGERPRINT);
  g_assert_cmpstr (rp_dtls_error (f.ours)->message, ==, "DTLS peer sent no certificate");
  tear_down (&f);
}

static void
test_wrong_certificate (gconstpointer data)
{
  Setup setup = *(const Setup *) data;
  Fixture f;

  setup.wrong_fingerprint = TRUE;
  set_up (&f, &setup);
  handshake (&f);
  g_assert_cmpint (rp_dtls_state (f.ours), ==, RP_DTLS_STATE_FAILED);
  g_assert_error (rp_dtls_error (f.ours), RP_DTLS_ERROR, RP_DTLS_ERROR_FINGERPRINT);
  g_assert_cmpint (f.other_status, !=, 0);
  tear_down (&f);
}

static void
test_no_srtp (gconstpointer data)
{
  Setup setup = *(const Setup *) data;
  Fixture f;

  setup.with_srtp = FALSE;
  set_up (&f, &setup);
  handshake (&f);
  g_assert_cmpint (rp_dtls_state (f.ours), ==, RP_DTLS_STATE_FAILED);
  g_assert_error (rp_dtls_error (f.ours), RP_DTLS_ERROR, RP_DTLS_ERROR_NO_SRTP);
  tear_down (&f);
}

static void
test_renegotiation (gconstpointer data)
{
  guint8 buffer[100];
  const Setup *setup = data;
  RpDtlsCounters counters;
  Fixture f;

  set_up (&f, setup);
  handshake (&f);
  g_assert_cmpint (rp_dtls_state (f.ours), ==, RP_DTLS_STATE_OPEN);
  if (setup->ours_is_server)
    gnutls_handshake (f.other); /* a new ClientHello */
  else
    gnutls_rehandshake (f.other); /* a HelloRequest */
  deliver (&f);
  rp_dtls_counters (f.ours, &counters);
  g_assert_cmpuint (counters.renegotiations_refused, ==, 1);
  g_assert_cmpint (rp_dtls_state (f.ours), ==, RP_DTLS_STATE_OPEN);
  if (!setup->ours_is_server)
    g_assert_cmpint (gnutls_record_recv (f.other, buffer, sizeof buffer), ==,
                     GNUTLS_E_WARNING_ALERT_RECEIVED);
  tear_down (&f);
}

/* A lost flight is repeated by the timer. */
static void
test_loss (void)
{
  Setup setup = as_client;
  Fixture f;

  setup.lose = 1;
  set_up (&f, &setup);
  gint64 start_us = g_get_monotonic_time ();
  handshake (&f);
  g_assert_cmpint (rp_dtls_state (f.ours), ==, RP_DTLS_STATE_HANDSHAKE);
  while (rp_dtls_state (f.ours) == RP_DTLS_STATE_HANDSHAKE) {
    g_assert_cmpint (g_get_monotonic_time () - start_us, <, 10 * G_USEC_PER_SEC);
    rp_dtls_tick (f.ours);
    step (&f);
  }
  g_assert_cmpint (rp_dtls_state (f.ours), ==, RP_DTLS_STATE_OPEN);
  g_assert_cmpint (g_get_monotonic_time () - start_us, >=, RP_DTLS_RETRANSMIT_MS * 900);
  tear_down (&f);
}

/* Before the start datagrams wait, but not without bound. */
static void
test_queue (void)
{
  RpDtlsCounters counters;
  Fixture f;

  set_up (&f, &as_server);
  for (guint i = 0; i < 20; i++)
    step (&f); /* its ClientHello */
  g_assert_cmpint (rp_dtls_state (f.ours), ==, RP_DTLS_STATE_IDLE);
  guint8 record[13] = {22, 0xfe, 0xfd};
  for (guint i = 0; i < 2 * RP_DTLS_QUEUE_MAX; i++)
    rp_dtls_input (f.ours, record, sizeof record);
  rp_dtls_counters (f.ours, &counters);
  g_assert_cmpuint (counters.dropped, ==, RP_DTLS_QUEUE_MAX + 1);
  handshake (&f);
  g_assert_cmpint (rp_dtls_state (f.ours), ==, RP_DTLS_STATE_OPEN);
  tear_down (&f);
}

static void
test_certificate (void)
{
  g_autoptr (RpDtlsCertificate) one = rp_dtls_certificate_new (NULL);
  g_autoptr (RpDtlsCertificate) two = rp_dtls_certificate_new (NULL);
  g_assert_cmpuint (strlen (rp_dtls_certificate_fingerprint (one)), ==, 95);
  g_assert_cmpstr (rp_dtls_certificate_fingerprint (one), !=,
                   rp_dtls_certificate_fingerprint (two));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dtls/certificate", test_certificate);
  g_test_add_data_func ("/dtls/good/server", &as_server, test_good);
  g_test_add_data_func ("/dtls/good/client", &as_client, test_good);
  g_test_add_func ("/dtls/we-close", test_we_close);
  g_test_add_func ("/dtls/no-certificate", test_no_certificate);
  g_test_add_data_func ("/dtls/wrong-certificate/server", &as_server, test_wrong_certificate);
  g_test_add_data_func ("/dtls/wrong-certificate/client", &as_client, test_wrong_certificate);
  g_test_add_data_func ("/dtls/no-srtp/server", &as_server, test_no_srtp);
  g_test_add_data_func ("/dtls/no-srtp/client", &as_client, test_no_srtp);
  g_test_add_data_func ("/dtls/renegotiation/server", &as_server, test_renegotiation);
  g_test_add_data_func ("/dtls/renegotiation/client", &as_client, test_renegotiation);
  g_test_add_func ("/dtls/loss", test_loss);
  g_test_add_func ("/dtls/queue", test_queue);
  return g_test_run ();
}
