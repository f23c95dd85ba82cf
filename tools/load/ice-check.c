#include "ice-check.h"

#include <string.h>

#define HEADER_BYTES 20
#define COOKIE 0x2112a442u
#define BINDING_REQUEST 0x0001
#define BINDING_SUCCESS 0x0101
#define BINDING_ERROR 0x0111

#define ATTR_USERNAME 0x0006
#define ATTR_MESSAGE_INTEGRITY 0x0008
#define ATTR_XOR_MAPPED_ADDRESS 0x0020
#define ATTR_PRIORITY 0x0024
#define ATTR_USE_CANDIDATE 0x0025
#define ATTR_FINGERPRINT 0x8028
#define ATTR_ICE_CONTROLLING 0x802a

#define SHA1_BYTES 20
#define FINGERPRINT_XOR 0x5354554eu /* "STUN" */
#define MAX_USERNAME 513            /* RFC 8489 section 14.3 */

static void
put_u16 (guint8 *at, guint value)
{
  at[0] = (guint8) (value >> 8);
  at[1] = (guint8) value;
}

static void
put_u32 (guint8 *at, guint32 value)
{
  put_u16 (at, value >> 16);
  put_u16 (at + 2, value & 0xffff);
}

static guint
get_u16 (const guint8 *at)
{
  return (guint) at[0] << 8 | at[1];
}

static guint32
get_u32 (const guint8 *at)
{
  return (guint32) get_u16 (at) << 16 | get_u16 (at + 2);
}

/* CRC-32 of ITU-T V.42, bit by bit: two messages a second are not worth a table. */
static guint32
crc32 (const guint8 *data, gsize len)
{
  guint32 crc = 0xffffffffu;
  for (gsize i = 0; i < len; i++) {
    crc ^= data[i];
    for (guint bit = 0; bit < 8; bit++)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

/* over the message up to the attribute, with a length that already counts it */
static void
integrity (const guint8 *message, gsize len, const char *password, guint8 out[SHA1_BYTES])
{
  gsize size = SHA1_BYTES;
  guint8 head[HEADER_BYTES];
  g_autoptr (GHmac) hmac =
      g_hmac_new (G_CHECKSUM_SHA1, (const guint8 *) password, strlen (password));

  memcpy (head, message, sizeof head);
  put_u16 (head + 2, (guint) (len + 4 + SHA1_BYTES - HEADER_BYTES));
  g_hmac_update (hmac, head, sizeof head);
  g_hmac_update (hmac, message + HEADER_BYTES, (gssize) (len - HEADER_BYTES));
  g_hmac_get_digest (hmac, out, &size);
}

static gsize
begin (guint8 *out, guint type, const guint8 *transaction)
{
  put_u16 (out, type);
  put_u16 (out + 2, 0);
  put_u32 (out + 4, COOKIE);
  memcpy (out + 8, transaction, RP_ICE_CHECK_TRANSACTION_BYTES);
  return HEADER_BYTES;
}

static gsize
add (guint8 *out, gsize at, guint type, const void *value, gsize len)
{
  put_u16 (out + at, type);
  put_u16 (out + at + 2, (guint) len);
  memset (out + at + 4 + len, 0, -len & 3);
  if (len > 0)
    memcpy (out + at + 4, value, len);
  return at + 4 + len + (-len & 3);
}

static gsize
finish (guint8 *out, gsize at, const char *password)
{
  guint8 hash[SHA1_BYTES];
  guint8 fingerprint[4];

  integrity (out, at, password, hash);
  at = add (out, at, ATTR_MESSAGE_INTEGRITY, hash, sizeof hash);
  put_u16 (out + 2, (guint) (at + 8 - HEADER_BYTES));
  put_u32 (fingerprint, crc32 (out, at) ^ FINGERPRINT_XOR);
  return add (out, at, ATTR_FINGERPRINT, fingerprint, sizeof fingerprint);
}

gsize
rp_ice_check_write_request (guint8 *out, const guint8 *transaction, const char *username,
                            const char *password, guint32 priority, guint64 tie_breaker)
{
  guint8 number[8];
  gsize len = strlen (username);

  if (len > MAX_USERNAME)
    return 0;
  gsize at = begin (out, BINDING_REQUEST, transaction);
  at = add (out, at, ATTR_USERNAME, username, len);
  put_u32 (number, priority);
  at = add (out, at, ATTR_PRIORITY, number, 4);
  put_u32 (number, (guint32) (tie_breaker >> 32));
  put_u32 (number + 4, (guint32) tie_breaker);
  at = add (out, at, ATTR_ICE_CONTROLLING, number, 8);
  at = add (out, at, ATTR_USE_CANDIDATE, NULL, 0);
  return finish (out, at, password);
}

gsize
rp_ice_check_write_success (guint8 *out, const guint8 *transaction,
                            const struct sockaddr_in *address, const char *password)
{
  guint8 mapped[8] = {0, 1};

  gsize at = begin (out, BINDING_SUCCESS, transaction);
  put_u16 (mapped + 2, g_ntohs (address->sin_port) ^ (COOKIE >> 16));
  put_u32 (mapped + 4, g_ntohl (address->sin_addr.s_addr) ^ COOKIE);
  at = add (out, at, ATTR_XOR_MAPPED_ADDRESS, mapped, sizeof mapped);
  return finish (out, at, password);
}

/* Returns: where MESSAGE-INTEGRITY begins; 0 when there is none. */
static gsize
find_integrity (const guint8 *data, gsize len)
{
  for (gsize at = HEADER_BYTES; at + 4 <= len;) {
    gsize size = get_u16 (data + at + 2);
    if (size > len - at - 4)
      return 0;
    if (get_u16 (data + at) == ATTR_MESSAGE_INTEGRITY)
      return size == SHA1_BYTES ? at : 0;
    at += 4 + size + (-size & 3);
  }
  return 0;
}

gboolean
rp_ice_check_parse (const guint8 *data, gsize len, const char *own_password,
                    const char *remote_password, RpIceCheck *out)
{
  guint8 hash[SHA1_BYTES];
  RpIceCheck check;

  if (len < HEADER_BYTES || get_u32 (data + 4) != COOKIE ||
      get_u16 (data + 2) + HEADER_BYTES != len)
    return FALSE;
  check.transaction = data + 8;
  switch (get_u16 (data)) {
  case BINDING_REQUEST:
    check.kind = RP_ICE_CHECK_REQUEST;
    break;
  case BINDING_SUCCESS:
    check.kind = RP_ICE_CHECK_SUCCESS;
    break;
  case BINDING_ERROR:
    check.kind = RP_ICE_CHECK_ERROR;
    *out = check;
    return TRUE;
  default:
    return FALSE;
  }
  const char *password = check.kind == RP_ICE_CHECK_REQUEST ? own_password : remote_password;
  gsize at = find_integrity (data, len);
  if (at == 0 || !password)
    return FALSE;
  integrity (data, at, password, hash);
  if (memcmp (hash, data + at + 4, SHA1_BYTES) != 0)
    return FALSE;
  *out = check;
  return TRUE;
}
