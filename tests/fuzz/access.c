#include "access.h"
#include "origin.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define SECRET "correct-horse-battery"
#define LABEL "repartee access token 1"
#define NOW 1800000000

static void
append (GString *out, const guint8 *data, gsize len)
{
  g_autofree char *text = g_base64_encode (data, len);
  g_strdelimit (g_strdelimit (text, "+", '-'), "/", '_');
  g_string_append_len (out, text, (gssize) strcspn (text, "="));
}

static void
append_mac (const void *key, gsize key_len, const char *text, gsize len, GString *out)
{
  guint8 mac[32];
  gsize mac_len = sizeof mac;
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, key, key_len);
  g_hmac_update (hmac, (const guchar *) text, (gssize) len);
  g_hmac_get_digest (hmac, mac, &mac_len);
  g_string_append_len (out, (const char *) mac, sizeof mac);
}

/* What passes is a grant that makes the same token's worth again. */
static void
check_genuine (const RpAccess *access, const char *token, gsize len)
{
  g_autoptr (RpAccessGrant) grant = NULL;
  g_autoptr (RpAccessGrant) again = NULL;
  if (rp_access_check (access, token, len, NOW, &grant) != RP_ACCESS_TOKEN)
    return;
  g_assert_true (grant->agent == NULL || rp_access_agent_is_good (grant->agent));
  g_assert_true (grant->origin == NULL || rp_origin_is_good (grant->origin));
  g_assert_cmpint (grant->expires_s, <=, NOW + RP_ACCESS_MAX_LIFE_S + RP_ACCESS_CLOCK_SKEW_S);
  g_autofree char *minted = rp_access_mint (access, grant);
  g_assert_cmpint (rp_access_check (access, minted, strlen (minted), NOW, &again), ==,
                   RP_ACCESS_TOKEN);
  g_assert_cmpstr (again->agent, ==, grant->agent);
  g_assert_cmpstr (again->origin, ==, grant->origin);
  g_assert_cmpint (again->expires_s, ==, grant->expires_s);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (RpAccess) access = rp_access_new (SECRET);
  g_autoptr (RpAccessGrant) grant = NULL;
  /* As it comes: nobody makes one without the key. */
  g_assert_cmpint (rp_access_check (access, (const char *) data, size, NOW, &grant), ==,
                   RP_ACCESS_REFUSED);

  /* As the claims, and as the text of them, of somebody who has it. */
  g_autoptr (GString) key = g_string_new (NULL);
  append_mac (SECRET, strlen (SECRET), LABEL, strlen (LABEL), key);
  for (guint encoded = 0; encoded < 2; encoded++) {
    g_autoptr (GString) token = g_string_new (NULL);
    g_autoptr (GString) mac = g_string_new (NULL);
    if (encoded)
      append (token, data, size);
    else
      g_string_append_len (token, (const char *) data, (gssize) size);
    append_mac (key->str, key->len, token->str, token->len, mac);
    g_string_append_c (token, '.');
    append (token, (const guint8 *) mac->str, mac->len);
    check_genuine (access, token->str, token->len);
  }

  g_autofree char *text = g_strndup ((const char *) data, size);
  g_assert_cmpint (rp_origin_equal (text, text), ==, rp_origin_is_good (text));
  g_autofree char *page = g_strconcat ("http://", text, NULL);
  if (rp_host_is_loopback (text))
    g_assert_true (rp_origin_is_good (page) && rp_origin_has_host (page, text));
  return 0;
}
