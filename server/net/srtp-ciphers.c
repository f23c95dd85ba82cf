#include "srtp-ciphers.h"

#include <glib.h>
#include <nettle/aes.h>
#include <nettle/ctr.h>
#include <nettle/sha1.h>
#include <srtp2/auth.h>
#include <srtp2/cipher.h>
#include <string.h>

#define SALT_BYTES 14
#define ICM_KEY_BYTES (AES128_KEY_SIZE + SALT_BYTES)

/* --- AES-CM (RFC 3711 section 4.1.1) --- */

typedef struct {
  struct aes128_ctx aes;
  guint8 salt[AES_BLOCK_SIZE];
  guint8 counter[AES_BLOCK_SIZE];
} Icm;

static const srtp_cipher_type_t icm_type;

static srtp_err_status_t
icm_alloc (srtp_cipher_t **out, int key_len, int tag_len)
{
  (void) tag_len;
  if (key_len != ICM_KEY_BYTES)
    return srtp_err_status_bad_param;
  srtp_cipher_t *cipher = g_new0 (srtp_cipher_t, 1);
  cipher->type = &icm_type;
  cipher->algorithm = SRTP_AES_ICM_128;
  cipher->key_len = key_len;
  cipher->state = g_new0 (Icm, 1);
  *out = cipher;
  return srtp_err_status_ok;
}

static srtp_err_status_t
icm_dealloc (srtp_cipher_t *cipher)
{
  explicit_bzero (cipher->state, sizeof (Icm));
  g_free (cipher->state);
  g_free (cipher);
  return srtp_err_status_ok;
}

static srtp_err_status_t
icm_init (void *state, const uint8_t *key)
{
  Icm *icm = state;
  aes128_set_encrypt_key (&icm->aes, key);
  memset (icm->salt, 0, sizeof icm->salt);
  memcpy (icm->salt, key + AES128_KEY_SIZE, SALT_BYTES);
  memcpy (icm->counter, icm->salt, sizeof icm->counter);
  return srtp_err_status_ok;
}

static srtp_err_status_t
icm_set_iv (void *state, uint8_t *iv, srtp_cipher_direction_t direction)
{
  Icm *icm = state;
  (void) direction;
  for (guint i = 0; i < AES_BLOCK_SIZE; i++)
    icm->counter[i] = icm->salt[i] ^ iv[i];
  return srtp_err_status_ok;
}

/* Both ways. libsrtp calls it once for each packet, so what is left of the last block of key stream
 * may go. The counter has 16 bits, far more blocks than a packet. */
static srtp_err_status_t
icm_crypt (void *state, uint8_t *buffer, unsigned int *len)
{
  Icm *icm = state;
  ctr_crypt (&icm->aes, (nettle_cipher_func *) aes128_encrypt, AES_BLOCK_SIZE, icm->counter, *len,
             buffer, buffer);
  return srtp_err_status_ok;
}

/* RFC 3711 appendix B.2. */
static const guint8 icm_test_key[ICM_KEY_BYTES] = {
    0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f,
    0x3c, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd};
static guint8 icm_test_iv[AES_BLOCK_SIZE];
static const guint8 icm_test_plain[32];
static const guint8 icm_test_stream[sizeof icm_test_plain] = {
    0xe0, 0x3e, 0xad, 0x09, 0x35, 0xc9, 0x5e, 0x80, 0xe1, 0x66, 0xb1, 0x6d, 0xd9, 0x2b, 0x4e, 0xb4,
    0xd2, 0x35, 0x13, 0x16, 0x2b, 0x02, 0xd0, 0xf7, 0x2a, 0x43, 0xa2, 0xfe, 0x4a, 0x5f, 0x97, 0xab};
static const srtp_cipher_test_case_t icm_test = {
    .key_length_octets = sizeof icm_test_key,
    .key = icm_test_key,
    .idx = icm_test_iv,
    .plaintext_length_octets = sizeof icm_test_plain,
    .plaintext = icm_test_plain,
    .ciphertext_length_octets = sizeof icm_test_stream,
    .ciphertext = icm_test_stream,
};

static const srtp_cipher_type_t icm_type = {
    .alloc = icm_alloc,
    .dealloc = icm_dealloc,
    .init = icm_init,
    .encrypt = icm_crypt,
    .decrypt = icm_crypt,
    .set_iv = icm_set_iv,
    .description = "AES-128 counter mode (nettle)",
    .test_data = &icm_test,
    .id = SRTP_AES_ICM_128,
};

/* --- HMAC-SHA1 (RFC 2104) --- */

typedef struct {
  struct sha1_ctx inner; /* with the key's block taken in */
  struct sha1_ctx outer;
  struct sha1_ctx running;
} Hmac;

static const srtp_auth_type_t hmac_type;

static srtp_err_status_t
hmac_alloc (srtp_auth_t **out, int key_len, int tag_len)
{
  if (key_len < 0 || key_len > SHA1_BLOCK_SIZE || tag_len < 0 || tag_len > SHA1_DIGEST_SIZE)
    return srtp_err_status_bad_param;
  srtp_auth_t *auth = g_new0 (srtp_auth_t, 1);
  auth->type = &hmac_type;
  auth->state = g_new0 (Hmac, 1);
  auth->out_len = tag_len;
  auth->key_len = key_len;
  *out = auth;
  return srtp_err_status_ok;
}

static srtp_err_status_t
hmac_dealloc (srtp_auth_t *auth)
{
  explicit_bzero (auth->state, sizeof (Hmac));
  g_free (auth->state);
  g_free (auth);
  return srtp_err_status_ok;
}

static void
begin_with_key (struct sha1_ctx *sha1, const uint8_t *key, int key_len, guint8 pad)
{
  guint8 block[SHA1_BLOCK_SIZE];
  memset (block, pad, sizeof block);
  for (int i = 0; i < key_len; i++)
    block[i] ^= key[i];
  sha1_init (sha1);
  sha1_update (sha1, sizeof block, block);
  explicit_bzero (block, sizeof block);
}

static srtp_err_status_t
hmac_init (void *state, const uint8_t *key, int key_len)
{
  Hmac *hmac = state;
  if (key_len < 0 || key_len > SHA1_BLOCK_SIZE)
    return srtp_err_status_bad_param;
  begin_with_key (&hmac->inner, key, key_len, 0x36);
  begin_with_key (&hmac->outer, key, key_len, 0x5c);
  hmac->running = hmac->inner;
  return srtp_err_status_ok;
}

static srtp_err_status_t
hmac_start (void *state)
{
  Hmac *hmac = state;
  hmac->running = hmac->inner;
  return srtp_err_status_ok;
}

static srtp_err_status_t
hmac_update (void *state, const uint8_t *message, int len)
{
  Hmac *hmac = state;
  sha1_update (&hmac->running, (size_t) len, message);
  return srtp_err_status_ok;
}

static srtp_err_status_t
hmac_compute (void *state, const uint8_t *message, int len, int tag_len, uint8_t *tag)
{
  Hmac *hmac = state;
  guint8 digest[SHA1_DIGEST_SIZE];
  if (tag_len < 0 || tag_len > SHA1_DIGEST_SIZE)
    return srtp_err_status_bad_param;
  sha1_update (&hmac->running, (size_t) len, message);
  sha1_digest (&hmac->running, sizeof digest, digest);
  hmac->running = hmac->outer;
  sha1_update (&hmac->running, sizeof digest, digest);
  sha1_digest (&hmac->running, (size_t) tag_len, tag);
  return srtp_err_status_ok;
}

/* RFC 2202 section 3, case 1. */
static const guint8 hmac_test_key[20] = {0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
                                         0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
                                         0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b};
static const guint8 hmac_test_data[] = {'H', 'i', ' ', 'T', 'h', 'e', 'r', 'e'};
static const guint8 hmac_test_tag[SHA1_DIGEST_SIZE] = {0xb6, 0x17, 0x31, 0x86, 0x55, 0x05, 0x72,
                                                       0x64, 0xe2, 0x8b, 0xc0, 0xb6, 0xfb, 0x37,
                                                       0x8c, 0x8e, 0xf1, 0x46, 0xbe, 0x00};
static const srtp_auth_test_case_t hmac_test = {
    .key_length_octets = sizeof hmac_test_key,
    .key = hmac_test_key,
    .data_length_octets = sizeof hmac_test_data,
    .data = hmac_test_data,
    .tag_length_octets = sizeof hmac_test_tag,
    .tag = hmac_test_tag,
};

static const srtp_auth_type_t hmac_type = {
    .alloc = hmac_alloc,
    .dealloc = hmac_dealloc,
    .init = hmac_init,
    .compute = hmac_compute,
    .update = hmac_update,
    .start = hmac_start,
    .description = "HMAC-SHA1 (nettle)",
    .test_data = &hmac_test,
    .id = SRTP_HMAC_SHA1,
};

srtp_err_status_t
rp_srtp_ciphers_install (void)
{
  srtp_err_status_t status = srtp_replace_cipher_type (&icm_type, SRTP_AES_ICM_128);
  return status == srtp_err_status_ok ? srtp_replace_auth_type (&hmac_type, SRTP_HMAC_SHA1)
                                      : status;
}
