#include "stun.h"

#include <arpa/inet.h>
#include <string.h>

#define MAGIC_COOKIE 0x2112a442
#define INTEGRITY_BYTES 20
#define TRANSPORT_UDP 17

enum {
  ATTR_MAPPED_ADDRESS = 0x0001,
  ATTR_USERNAME = 0x0006,
  ATTR_MESSAGE_INTEGRITY = 0x0008,
  ATTR_ERROR_CODE = 0x0009,
  ATTR_LIFETIME = 0x000d,
  ATTR_XOR_PEER_ADDRESS = 0x0012,
  ATTR_DATA = 0x0013,
  ATTR_REALM = 0x0014,
  ATTR_NONCE = 0x0015,
  ATTR_XOR_RELAYED_ADDRESS = 0x0016,
  ATTR_REQUESTED_TRANSPORT = 0x0019,
  ATTR_XOR_MAPPED_ADDRESS = 0x0020,
};

static guint16
get16 (const guint8 *at)
{
  return (guint16) (at[0] << 8 | at[1]);
}

static guint32
get32 (const guint8 *at)
{
  return (guint32) get16 (at) << 16 | get16 (at + 2);
}

static void
put16 (guint8 *at, guint value)
{
  at[0] = (guint8) (value >> 8);
  at[1] = (guint8) value;
}

static void
copy_text (const guint8 *value, gsize len, char *out, gsize size)
{
  if (len >= size)
    return;
  memcpy (out, value, len);
  out[len] = '\0';
}

/* RFC 8489 section 14.2: @mask, the cookie and the transaction, is zero for what is not XORed. */
static void
parse_address (const guint8 *value, gsize len, const guint8 mask[16], RpStunAddress *out)
{
  guint8 bytes[16];
  gsize n = len >= 2 && value[1] == 1 ? 4 : 16;
  if (len != 4 + n || (n == 16 && value[1] != 2))
    return;
  for (gsize i = 0; i < n; i++)
    bytes[i] = value[4 + i] ^ mask[i];
  out->port = get16 (value + 2) ^ get16 (mask);
  inet_ntop (n == 4 ? AF_INET : AF_INET6, bytes, out->address, sizeof out->address);
}

static void
parse_attribute (guint type, const guint8 *value, gsize len, const guint8 mask[16],
                 RpStunMessage *out)
{
  static const guint8 no_mask[16];
  switch (type) {
  case ATTR_USERNAME:
    copy_text (value, len, out->username, sizeof out->username);
    break;
  case ATTR_REALM:
    copy_text (value, len, out->realm, sizeof out->realm);
    break;
  case ATTR_NONCE:
    copy_text (value, len, out->nonce, sizeof out->nonce);
    break;
  case ATTR_MAPPED_ADDRESS:
    if (out->mapped.address[0] == '\0')
      parse_address (value, len, no_mask, &out->mapped);
    break;
  case ATTR_XOR_MAPPED_ADDRESS:
    parse_address (value, len, mask, &out->mapped);
    break;
  case ATTR_XOR_RELAYED_ADDRESS:
    parse_address (value, len, mask, &out->relayed);
    break;
  case ATTR_ERROR_CODE:
    if (len >= 4) {
      out->error_code = (guint) (value[2] & 7) * 100 + value[3];
      copy_text (value + 4, len - 4, out->reason, sizeof out->reason);
    }
    break;
  case ATTR_LIFETIME:
    if (len == 4)
      out->lifetime_s = get32 (value);
    break;
  default:
    break;
  }
}

gboolean
rp_stun_parse (const guint8 *data, gsize len, RpStunMessage *out)
{
  if (len < RP_STUN_HEADER_BYTES || (data[0] & 0xc0) != 0 || get32 (data + 4) != MAGIC_COOKIE ||
      (gsize) get16 (data + 2) + RP_STUN_HEADER_BYTES != len || len % 4 != 0)
    return FALSE;
  RpStunMessage message = {0};
  guint type = get16 (data);
  /* RFC 8489 section 5: the class is in bits 4 and 8. */
  message.class_ = (RpStunClass) ((type >> 4 & 1) | (type >> 7 & 2));
  message.method = (type & 0xf) | (type >> 1 & 0x70) | (type >> 2 & 0xf80);
  memcpy (message.transaction, data + 8, sizeof message.transaction);
  for (gsize at = RP_STUN_HEADER_BYTES; at < len;) {
    if (len - at < 4)
      return FALSE;
    gsize value_len = get16 (data + at + 2);
    if (value_len > len - at - 4)
      return FALSE;
    /* What comes behind the integrity counts for nothing. */
    if (get16 (data + at) == ATTR_MESSAGE_INTEGRITY)
      break;
    parse_attribute (get16 (data + at), data + at + 4, value_len, data + 4, &message);
    at += 4 + (value_len + 3) / 4 * 4;
  }
  *out = message;
  return TRUE;
}

typedef struct {
  guint8 *at;
  gsize len, size;
  gboolean full;
} Writer;

static void
put_attribute (Writer *writer, guint type, const void *value, gsize len)
{
  gsize padded = (len + 3) / 4 * 4;
  if (writer->full || writer->size - writer->len < 4 + padded) {
    writer->full = TRUE;
    return;
  }
  guint8 *at = writer->at + writer->len;
  memset (at, 0, 4 + padded);
  put16 (at, type);
  put16 (at + 2, (guint) len);
  memcpy (at + 4, value, len);
  writer->len += 4 + padded;
}

static void
put_text (Writer *writer, guint type, const char *text, gsize max)
{
  if (strlen (text) > max)
    writer->full = TRUE;
  else
    put_attribute (writer, type, text, strlen (text));
}

/* XORed, as all that are written here. */
static void
put_address (Writer *writer, guint type, const RpStunAddress *address)
{
  guint8 value[4 + 16] = {0};
  const guint8 *mask = writer->at + 4;
  gboolean is_v4 = inet_pton (AF_INET, address->address, value + 4) == 1;
  gsize n = is_v4 ? 4 : 16;
  if (!is_v4 && inet_pton (AF_INET6, address->address, value + 4) != 1) {
    writer->full = TRUE;
    return;
  }
  value[1] = is_v4 ? 1 : 2;
  put16 (value + 2, address->port ^ (MAGIC_COOKIE >> 16));
  for (gsize i = 0; i < n; i++)
    value[4 + i] ^= mask[i];
  put_attribute (writer, type, value, 4 + n);
}

/* RFC 8489 section 14.5, with the key of section 9.2.2. */
static void
put_integrity (Writer *writer, const RpStunRequest *request)
{
  guint8 key[16];
  guint8 mac[INTEGRITY_BYTES] = {0};
  gsize key_len = sizeof key;
  gsize mac_len = sizeof mac;
  gsize covered = writer->len;
  put_attribute (writer, ATTR_MESSAGE_INTEGRITY, mac, sizeof mac);
  if (writer->full)
    return;
  put16 (writer->at + 2, (guint) (writer->len - RP_STUN_HEADER_BYTES));
  g_autoptr (GChecksum) md5 = g_checksum_new (G_CHECKSUM_MD5);
  g_checksum_update (md5, (const guchar *) request->username, -1);
  g_checksum_update (md5, (const guchar *) ":", 1);
  g_checksum_update (md5, (const guchar *) request->realm, -1);
  g_checksum_update (md5, (const guchar *) ":", 1);
  g_checksum_update (md5, (const guchar *) request->password, -1);
  g_checksum_get_digest (md5, key, &key_len);
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA1, key, key_len);
  g_hmac_update (hmac, writer->at, (gssize) covered);
  g_hmac_get_digest (hmac, mac, &mac_len);
  memcpy (writer->at + covered + 4, mac, sizeof mac);
}

gsize
rp_stun_write_request (const RpStunRequest *request, guint8 *out, gsize size)
{
  static const guint8 udp[4] = {TRANSPORT_UDP};
  static const guint8 zero[4];
  Writer writer = {out, RP_STUN_HEADER_BYTES, size, size < RP_STUN_HEADER_BYTES};
  if (writer.full)
    return 0;
  memset (out, 0, RP_STUN_HEADER_BYTES);
  put16 (out, request->method == RP_STUN_SEND ? request->method | 0x10 : request->method);
  put16 (out + 4, MAGIC_COOKIE >> 16);
  put16 (out + 6, MAGIC_COOKIE & 0xffff);
  memcpy (out + 8, request->transaction, RP_STUN_TRANSACTION_BYTES);
  if (request->method == RP_STUN_ALLOCATE)
    put_attribute (&writer, ATTR_REQUESTED_TRANSPORT, udp, sizeof udp);
  if (request->refresh_to_zero)
    put_attribute (&writer, ATTR_LIFETIME, zero, sizeof zero);
  if (request->method == RP_STUN_SEND || request->method == RP_STUN_CREATE_PERMISSION)
    put_address (&writer, ATTR_XOR_PEER_ADDRESS, &request->peer);
  if (request->method == RP_STUN_SEND)
    put_text (&writer, ATTR_DATA, request->data, RP_STUN_MAX_TEXT_BYTES);
  else if (request->username != NULL) {
    put_text (&writer, ATTR_USERNAME, request->username, RP_STUN_MAX_USERNAME_BYTES);
    put_text (&writer, ATTR_REALM, request->realm, RP_STUN_MAX_TEXT_BYTES);
    put_text (&writer, ATTR_NONCE, request->nonce, RP_STUN_MAX_TEXT_BYTES);
    put_integrity (&writer, request);
  }
  if (writer.full)
    return 0;
  put16 (out + 2, (guint) (writer.len - RP_STUN_HEADER_BYTES));
  return writer.len;
}
