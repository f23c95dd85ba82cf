#include "access.h"

#include "json.h"
#include "origin.h"
#include "secret.h"

#include <string.h>

/* SHA-256 */
#define HASH_BYTES 32
#define BLOCK_BYTES 64
/* Of a mac in base64url without padding. */
#define MAC_CHARS 43
/* Another use of the secret, or another form of token, must take another label. */
#define KEY_LABEL "repartee access token 1"
/* Whole numbers of JSON that everybody reads alike. */
#define MAX_JSON_INT 9007199254740991.0

struct _RpAccess {
  guint8 secret_hash[HASH_BYTES];
  guint8 key[HASH_BYTES];
};

void
rp_access_grant_free (RpAccessGrant *grant)
{
  if (grant == NULL)
    return;
  g_free (grant->agent);
  g_free (grant->origin);
  g_free (grant);
}

/* GLib frees a checksum with the end of the text in it, what was left of whole blocks: something
 * else takes its place. */
static void
hash (const char *text, gsize len, guint8 *out)
{
  static const guchar zeros[BLOCK_BYTES - 1] = {0};
  gsize out_len = HASH_BYTES;
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);
  g_checksum_update (sum, (const guchar *) text, (gssize) len);
  g_checksum_get_digest (sum, out, &out_len);
  g_checksum_reset (sum);
  g_checksum_update (sum, zeros, sizeof zeros);
}

static void
mac (const void *key, gsize key_len, const char *text, gsize len, guint8 *out)
{
  gsize out_len = HASH_BYTES;
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, key, key_len);
  g_hmac_update (hmac, (const guchar *) text, (gssize) len);
  g_hmac_get_digest (hmac, out, &out_len);
}

/* Looks at every byte, so that the time says nothing of where they differ. */
static gboolean
same (const guint8 *a, const guint8 *b)
{
  volatile guint8 difference = 0;
  for (gsize i = 0; i < HASH_BYTES; i++)
    difference |= (guint8) (a[i] ^ b[i]);
  return difference == 0;
}

RpAccess *
rp_access_new (const char *secret)
{
  RpAccess *access = g_new0 (RpAccess, 1);
  hash (secret, strlen (secret), access->secret_hash);
  mac (secret, strlen (secret), KEY_LABEL, strlen (KEY_LABEL), access->key);
  return access;
}

void
rp_access_free (RpAccess *access)
{
  rp_secret_clear (access, sizeof *access);
  g_free (access);
}

gboolean
rp_access_agent_is_good (const char *agent)
{
  gsize len = strlen (agent);
  if (len == 0 || len > RP_ACCESS_MAX_AGENT_BYTES || !g_utf8_validate (agent, (gssize) len, NULL))
    return FALSE;
  for (const char *c = agent; *c != '\0'; c = g_utf8_next_char (c))
    if (g_unichar_iscntrl (g_utf8_get_char (c)))
      return FALSE;
  return TRUE;
}

/* --- base64url, RFC 4648 §5, without padding --- */

static void
append_base64url (GString *out, const guint8 *data, gsize len)
{
  rp_autosecret char *text = g_base64_encode (data, len);
  g_strdelimit (text, "+", '-');
  g_strdelimit (text, "/", '_');
  g_string_append_len (out, text, (gssize) strcspn (text, "="));
}

static int
base64url_value (char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* One text for each value: another character, a lone one at the end or bits that mean nothing are
 * refused. Returns: (transfer full) (nullable) */
static guint8 *
decode_base64url (const char *text, gsize len, gsize *out_len)
{
  if (len % 4 == 1)
    return NULL;
  g_autofree guint8 *out = g_malloc (len / 4 * 3 + 3);
  guint32 bits = 0;
  guint n_bits = 0;
  gsize n = 0;
  for (gsize i = 0; i < len; i++) {
    int value = base64url_value (text[i]);
    if (value < 0)
      return NULL;
    bits = (bits << 6 | (guint32) value) & 0xffff;
    n_bits += 6;
    if (n_bits >= 8) {
      n_bits -= 8;
      out[n++] = (guint8) (bits >> n_bits);
    }
  }
  if ((bits & ((1u << n_bits) - 1)) != 0)
    return NULL;
  *out_len = n;
  return g_steal_pointer (&out);
}

/* --- tokens --- */

char *
rp_access_mint (const RpAccess *access, const RpAccessGrant *grant)
{
  g_autoptr (GString) claims = g_string_new (NULL);
  g_string_append_printf (claims, "{\"exp\":%" G_GINT64_FORMAT, grant->expires_s);
  if (grant->agent != NULL) {
    g_string_append (claims, ",\"agent\":");
    rp_json_append_string (claims, grant->agent);
  }
  if (grant->origin != NULL) {
    g_string_append (claims, ",\"origin\":");
    rp_json_append_string (claims, grant->origin);
  }
  g_string_append_c (claims, '}');

  guint8 digest[HASH_BYTES];
  /* At its full size at once: what it grows out of is not wiped. */
  GString *token = g_string_sized_new (2 * claims->len + 2 * sizeof digest);
  append_base64url (token, (const guint8 *) claims->str, claims->len);
  mac (access->key, sizeof access->key, token->str, token->len, digest);
  g_string_append_c (token, '.');
  append_base64url (token, digest, sizeof digest);
  return g_string_free (token, FALSE);
}

/* Returns: (transfer full) (nullable) */
static RpAccessGrant *
read_claims (const char *text, gsize len, gint64 now_s)
{
  static const RpJsonField fields[] = {
      {.name = "exp", .type = RP_JSON_INT, .required = TRUE, .min = 1, .max = MAX_JSON_INT},
      {.name = "agent", .type = RP_JSON_STRING, .max_length = RP_ACCESS_MAX_AGENT_BYTES},
      {.name = "origin", .type = RP_JSON_STRING, .max_length = RP_ACCESS_MAX_ORIGIN_BYTES},
  };
  gsize json_len = 0;
  g_autofree guint8 *json = decode_base64url (text, len, &json_len);
  if (json == NULL)
    return NULL;
  g_autoptr (JsonObject) claims = rp_json_parse_object ((const char *) json, json_len, 0, NULL);
  if (claims == NULL || !rp_json_check_full (claims, NULL, fields, G_N_ELEMENTS (fields),
                                             RP_JSON_CHECK_NO_UNKNOWN, NULL))
    return NULL;
  gint64 expires_s = rp_json_int (claims, "exp", 0);
  const char *agent = rp_json_string (claims, "agent", NULL);
  const char *origin = rp_json_string (claims, "origin", NULL);
  if ((agent != NULL && !rp_access_agent_is_good (agent)) ||
      (origin != NULL && !rp_origin_is_good (origin)) ||
      expires_s - RP_ACCESS_MAX_LIFE_S - RP_ACCESS_CLOCK_SKEW_S > now_s)
    return NULL;
  RpAccessGrant *grant = g_new0 (RpAccessGrant, 1);
  grant->agent = g_strdup (agent);
  grant->origin = g_strdup (origin);
  grant->expires_s = expires_s;
  grant->expired = now_s >= expires_s;
  return grant;
}

RpAccessVerdict
rp_access_check (const RpAccess *access, const char *text, gsize len, gint64 now_s,
                 RpAccessGrant **out_grant)
{
  guint8 digest[HASH_BYTES];
  *out_grant = NULL;
  hash (text, len, digest);
  if (same (digest, access->secret_hash))
    return RP_ACCESS_KEY;

  if (len > RP_ACCESS_MAX_TEXT_BYTES || len < MAC_CHARS + 2 || text[len - MAC_CHARS - 1] != '.')
    return RP_ACCESS_REFUSED;
  gsize claims_len = len - MAC_CHARS - 1;
  gsize shown_len = 0;
  g_autofree guint8 *shown = decode_base64url (text + claims_len + 1, MAC_CHARS, &shown_len);
  if (shown == NULL || shown_len != HASH_BYTES)
    return RP_ACCESS_REFUSED;
  mac (access->key, sizeof access->key, text, claims_len, digest);
  if (!same (digest, shown))
    return RP_ACCESS_REFUSED;
  *out_grant = read_claims (text, claims_len, now_s);
  return *out_grant != NULL ? RP_ACCESS_TOKEN : RP_ACCESS_REFUSED;
}
