/* The operator's key, access tokens and those who would have them, origins and hosts. */
#include "access.h"
#include "origin.h"

#include <string.h>

#define SECRET "correct-horse-battery"
#define NOW 1800000000

/* In a copy of exactly its size, so that reading past its end is seen. */
static RpAccessVerdict
check (const RpAccess *access, const char *text, gsize len, gint64 now_s, RpAccessGrant **out)
{
  g_autofree char *copy = g_memdup2 (text, len);
  return rp_access_check (access, copy, len, now_s, out);
}

static void
assert_refused (const RpAccess *access, const char *text, gsize len, const char *why)
{
  g_autoptr (RpAccessGrant) grant = NULL;
  g_autofree char *shown = g_strescape (why, NULL);
  g_test_message ("%.200s", shown);
  g_assert_cmpint (check (access, text, len, NOW, &grant), ==, RP_ACCESS_REFUSED);
  g_assert_null (grant);
}

/* As the server does it, but with any text for claims. */
static char *
sign (const char *secret, const char *claims)
{
  static const char label[] = "repartee access token 1";
  guint8 key[32];
  guint8 mac[32];
  gsize len = sizeof key;
  g_autoptr (GHmac) derive =
      g_hmac_new (G_CHECKSUM_SHA256, (const guchar *) secret, strlen (secret));
  g_hmac_update (derive, (const guchar *) label, -1);
  g_hmac_get_digest (derive, key, &len);
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, key, sizeof key);
  g_hmac_update (hmac, (const guchar *) claims, -1);
  g_hmac_get_digest (hmac, mac, &len);
  g_autofree char *base64 = g_base64_encode (mac, sizeof mac);
  g_strdelimit (g_strdelimit (base64, "+", '-'), "/", '_');
  base64[43] = '\0';
  return g_strconcat (claims, ".", base64, NULL);
}

/* Without padding. */
static char *
base64url (const char *text, gsize len)
{
  char *base64 = g_base64_encode ((const guchar *) text, len);
  g_strdelimit (g_strdelimit (base64, "+", '-'), "/", '_');
  base64[strcspn (base64, "=")] = '\0';
  return base64;
}

static void
test_key (void)
{
  g_autoptr (RpAccess) access = rp_access_new (SECRET);
  g_autoptr (RpAccessGrant) grant = NULL;
  g_assert_cmpint (check (access, SECRET, strlen (SECRET), NOW, &grant), ==, RP_ACCESS_KEY);
  g_assert_null (grant);
  static const char *const others[] = {"",
                                       "c",
                                       ".",
                                       "correct-horse-batter",
                                       "correct-horse-battery ",
                                       "correct-horse-batterY",
                                       " correct-horse-battery",
                                       "correct-horse-battery\n"};
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    assert_refused (access, others[i], strlen (others[i]), others[i]);
  assert_refused (access, SECRET "\0", sizeof SECRET, "a NUL behind it");

  /* A key that looks like a token, or is longer than one can be, is one all the same. */
  g_autofree char *longest = g_strnfill (4096, 'k');
  g_autoptr (RpAccess) odd = rp_access_new (longest);
  g_assert_cmpint (check (odd, longest, 4096, NOW, &grant), ==, RP_ACCESS_KEY);
  assert_refused (odd, longest, 4095, "a byte less");
}

/* Made by another implementation, so that tokens of one version open the next. */
static void
test_known_token (void)
{
  static const char token[] =
      "eyJleHAiOjE4MDAwMDA2MDAsImFnZW50IjoicmVjZXB0aW9uIiwib3JpZ2luIjoiaHR0cHM6Ly9zaG9wLmV4YW1wbG"
      "UifQ.IfjQ1u2vrkZsoq4Wp4bLb74t4iRvIOjLXiiBCshLtTs";
  g_autoptr (RpAccess) access = rp_access_new (SECRET);
  g_autoptr (RpAccessGrant) grant = NULL;
  g_assert_cmpint (check (access, token, strlen (token), NOW, &grant), ==, RP_ACCESS_TOKEN);
  g_assert_cmpstr (grant->agent, ==, "reception");
  g_assert_cmpstr (grant->origin, ==, "https://shop.example");
  g_assert_cmpint (grant->expires_s, ==, NOW + 600);
  g_assert_false (grant->expired);
  g_autofree char *again = rp_access_mint (access, grant);
  g_assert_cmpstr (again, ==, token);
}

static void
test_round_trip (void)
{
  g_autofree char *long_agent = g_strnfill (RP_ACCESS_MAX_AGENT_BYTES, '"');
  g_autofree char *long_host = g_strnfill (RP_ACCESS_MAX_ORIGIN_BYTES - 8, 'a');
  g_autofree char *long_origin = g_strconcat ("https://", long_host, NULL);
  const RpAccessGrant grants[] = {
      {NULL, NULL, NOW + RP_ACCESS_DEFAULT_LIFE_S, FALSE},
      {(char *) "tutor", NULL, NOW + RP_ACCESS_MIN_LIFE_S, FALSE},
      {NULL, (char *) "http://[::1]:8080", NOW + 1, FALSE},
      {(char *) "Empf\303\244ng \"A\"\\", (char *) "HTTPS://Shop.example:443", NOW, TRUE},
      {long_agent, long_origin, NOW + RP_ACCESS_MAX_LIFE_S + RP_ACCESS_CLOCK_SKEW_S, FALSE},
      {NULL, NULL, 1, TRUE},
  };
  g_autoptr (RpAccess) access = rp_access_new (SECRET);
  for (gsize i = 0; i < G_N_ELEMENTS (grants); i++) {
    g_autoptr (RpAccessGrant) grant = NULL;
    g_autofree char *token = rp_access_mint (access, &grants[i]);
    g_assert_cmpuint (strlen (token), <, RP_ACCESS_MAX_TEXT_BYTES);
    /* Needs no escaping in a header, a URL or a shell. */
    g_assert_cmpuint (strspn (token, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_."), ==,
                      strlen (token));
    g_assert_cmpint (check (access, token, strlen (token), NOW, &grant), ==, RP_ACCESS_TOKEN);
    g_assert_cmpstr (grant->agent, ==, grants[i].agent);
    g_assert_cmpstr (grant->origin, ==, grants[i].origin);
    g_assert_cmpint (grant->expires_s, ==, grants[i].expires_s);
    g_assert_cmpint (grant->expired, ==, grants[i].expired);
  }
}

static void
test_tampering (void)
{
  g_autoptr (RpAccess) access = rp_access_new (SECRET);
  const RpAccessGrant mine = {(char *) "tutor", (char *) "https://a.example", NOW + 600, FALSE};
  g_autofree char *token = rp_access_mint (access, &mine);
  gsize len = strlen (token);

  for (gsize n = 0; n < len; n++)
    assert_refused (access, token, n, "cut short");
  for (gsize i = 0; i < len; i++)
    for (guint bit = 0; bit < 8; bit++) {
      g_autofree char *bad = g_strdup (token);
      bad[i] = (char) (bad[i] ^ (1 << bit));
      assert_refused (access, bad, len, "a bit flipped");
    }

  g_autoptr (RpAccess) other = rp_access_new ("correct-horse-batterz");
  assert_refused (other, token, len, "another server's");

  gsize dot = (gsize) (strchr (token, '.') - token);
  g_autofree char *claims = g_strndup (token, dot);
  g_autofree char *none = g_strconcat (claims, ".", NULL);
  g_autofree char *padded = g_strconcat (token, "=", NULL);
  g_autofree char *newline = g_strconcat (token, "\n", NULL);
  g_autofree char *twice = g_strconcat (token, ".", token + dot + 1, NULL);
  g_autofree char *swapped = g_strconcat (token + dot + 1, ".", claims, NULL);
  g_autofree char *jwt = g_strconcat ("eyJhbGciOiJub25lIn0.", claims, ".", NULL);
  g_autofree char *jwt_signed = g_strconcat ("eyJhbGciOiJIUzI1NiJ9.", token, NULL);
  g_autofree char *zeros = g_strnfill (43, 'A');
  g_autofree char *zero_mac = g_strconcat (claims, ".", zeros, NULL);
  /* The mac with the secret itself, and with the mac of nothing. */
  g_autofree char *hex = g_compute_hmac_for_string (G_CHECKSUM_SHA256, (const guchar *) SECRET,
                                                    strlen (SECRET), claims, (gssize) dot);
  g_autofree char *plain = g_strconcat (claims, ".", hex, NULL);
  g_autofree char *huge_claims = g_strnfill (100000, 'A');
  g_autofree char *huge = sign (SECRET, huge_claims);
  const char *const bad[] = {none,       padded,   newline, twice, swapped, jwt,
                             jwt_signed, zero_mac, plain,   huge,  claims};
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    assert_refused (access, bad[i], strlen (bad[i]), bad[i]);
}

/* With a right mac: what another program with the secret, or an older version, could have made. */
static void
test_genuine_nonsense (void)
{
  static const char *const claims[] = {
      "",
      "{}",
      "[]",
      "null",
      "5",
      "{",
      "{\"exp\":1800000600",
      "{\"exp\":\"1800000600\"}",
      "{\"exp\":0}",
      "{\"exp\":-1}",
      "{\"exp\":1.5e9, \"exp\": {}}",
      "{\"exp\":1800000600.5}",
      "{\"exp\":1e300}",
      "{\"exp\":9223372036854775807}",
      "{\"exp\":99999999999999999999}",
      "{\"exp\":1800086461}", /* a second further in the future than anything may be */
      "{\"exp\":1800000600,\"agent\":\"\"}",
      "{\"exp\":1800000600,\"agent\":5}",
      "{\"exp\":1800000600,\"agent\":\"a\\nb\"}",
      "{\"exp\":1800000600,\"agent\":\"\\u0000\"}",
      "{\"exp\":1800000600,\"agent\":\"\xff\xfe\"}",
      "{\"exp\":1800000600,\"origin\":\"null\"}",
      "{\"exp\":1800000600,\"origin\":\"https://a.example/path\"}",
      "{\"exp\":1800000600,\"origin\":[\"https://a.example\"]}",
      "{\"exp\":1800000600,\"admin\":true}",
      "{\"exp\":1800000600} {}",
  };
  g_autoptr (RpAccess) access = rp_access_new (SECRET);
  for (gsize i = 0; i < G_N_ELEMENTS (claims); i++) {
    g_autofree char *text = base64url (claims[i], strlen (claims[i]));
    g_autofree char *token = sign (SECRET, text);
    assert_refused (access, token, strlen (token), claims[i]);
  }
  static const char *const texts[] = {
      "!!!!",
      "e30=",
      "e3",
      "e",
      "{\"exp\":1800000600}",
      "e30.e30",
      "eyJleHAiOjE4MDAwMDA2MDB9A",    /* a lone character */
      "eyJleHAiOjE4MDAwMDA2MDAgfQ+/", /* the other alphabet */
      "eyJleHAiOjE4MDAwMDA2MDAgfR",   /* bits behind the last byte */
  };
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autofree char *token = sign (SECRET, texts[i]);
    assert_refused (access, token, strlen (token), texts[i]);
  }
  /* The same without the stray bits is one, so the last row was refused for them. */
  g_autoptr (RpAccessGrant) grant = NULL;
  g_autofree char *good = sign (SECRET, "eyJleHAiOjE4MDAwMDA2MDAgfQ");
  g_assert_cmpint (check (access, good, strlen (good), NOW, &grant), ==, RP_ACCESS_TOKEN);
}

static void
test_time (void)
{
  static const struct {
    gint64 now_s;
    gboolean expired;
  } rows[] = {{NOW - 60, FALSE}, {NOW + 9, FALSE}, {NOW + 10, TRUE}, {NOW + 100000000, TRUE}};
  g_autoptr (RpAccess) access = rp_access_new (SECRET);
  const RpAccessGrant mine = {NULL, NULL, NOW + 10, FALSE};
  g_autofree char *token = rp_access_mint (access, &mine);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (RpAccessGrant) grant = NULL;
    g_assert_cmpint (check (access, token, strlen (token), rows[i].now_s, &grant), ==,
                     RP_ACCESS_TOKEN);
    g_assert_cmpint (grant->expired, ==, rows[i].expired);
  }
}

static void
test_agents (void)
{
  g_autofree char *longest = g_strnfill (RP_ACCESS_MAX_AGENT_BYTES, 'a');
  g_autofree char *too_long = g_strnfill (RP_ACCESS_MAX_AGENT_BYTES + 1, 'a');
  const char *const good[] = {"reception", "a", "Empf\303\244ng 2", longest};
  const char *const bad[] = {"", "a\tb", "a\x7f", "\xc3", "\xed\xa0\x80", too_long};
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (rp_access_agent_is_good (good[i]));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (rp_access_agent_is_good (bad[i]));
}

static void
test_origins (void)
{
  static const char *const good[] = {
      "https://a.example",          "http://localhost:8080", "http://127.0.0.1",
      "http://[2001:db8::1]:81",    "HTTPS://A.EXAMPLE",     "chrome-extension://abcdefgh",
      "https://xn--bcher-kva.test", "http://a_b.example:1",  "capacitor://localhost",
  };
  static const char *const bad[] = {
      "",
      "null",
      "*",
      "a.example",
      "https:",
      "https://",
      "://a.example",
      "https://a.example/",
      "https://a.example/x",
      "https://a.example?x",
      "https://a.example#x",
      "https://me@a.example",
      "https://me:pw@a.example",
      "https://a.example:",
      "https://a.example:0",
      "https://a.example:65536",
      "https://a.example:99999999999",
      "https://a.example:8x",
      "https://a.example:+8",
      "https://a.example:80:80",
      "https://a example",
      " https://a.example",
      "https://a.example ",
      "https://a.example, https://b.example",
      "https://[::1",
      "https://[]",
      "https://::1",
      "https://[::1]x",
      "https://a.exa\x01mple",
      "https://b\303\274cher.test",
      "1https://a.example",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++) {
    g_test_message ("%s", good[i]);
    g_assert_true (rp_origin_is_good (good[i]));
    g_assert_true (rp_origin_equal (good[i], good[i]));
  }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_test_message ("%s", bad[i]);
    g_assert_false (rp_origin_is_good (bad[i]));
    g_assert_false (rp_origin_equal (bad[i], bad[i]));
    g_assert_false (rp_origin_has_host (bad[i], "a.example"));
  }
}

static void
test_origins_compared (void)
{
  static const struct {
    const char *a;
    const char *b;
    gboolean equal;
  } rows[] = {
      {"https://a.example", "https://A.Example", TRUE},
      {"https://a.example", "HTTPS://a.example:443", TRUE},
      {"http://a.example:80", "http://a.example", TRUE},
      {"https://a.example", "http://a.example", FALSE},
      {"https://a.example:80", "https://a.example", FALSE},
      {"https://a.example:8443", "https://a.example", FALSE},
      {"https://a.example", "https://a.example.", FALSE},
      {"https://a.example", "https://b.a.example", FALSE},
      {"https://a.example", "https://a.example.evil", FALSE},
      {"https://a.example", "https://evila.example", FALSE},
      {"app://x", "app://x", TRUE},
      {"app://x", "app://x:80", FALSE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_test_message ("%s %s", rows[i].a, rows[i].b);
    g_assert_cmpint (rp_origin_equal (rows[i].a, rows[i].b), ==, rows[i].equal);
    g_assert_cmpint (rp_origin_equal (rows[i].b, rows[i].a), ==, rows[i].equal);
  }
}

static void
test_own_pages (void)
{
  static const struct {
    const char *origin;
    const char *host;
    gboolean own;
  } rows[] = {
      {"http://localhost:8080", "localhost:8080", TRUE},
      {"http://localhost:8080", "LOCALHOST:8080", TRUE},
      {"http://[::1]:8080", "[::1]:8080", TRUE},
      {"http://a.example", "a.example", TRUE},
      {"https://a.example", "a.example", TRUE}, /* TLS ends in front of us */
      {"https://a.example", "a.example:443", TRUE},
      {"http://a.example", "a.example:80", TRUE},
      {"https://a.example", "a.example:80", FALSE},
      {"http://localhost:8080", "localhost:8081", FALSE},
      {"http://localhost:8080", "localhost", FALSE},
      {"http://localhost", "localhost:8080", FALSE},
      {"http://localhost:8080", "127.0.0.1:8080", FALSE},
      {"http://evil.example", "a.example", FALSE},
      {"null", "null", FALSE},
      {"http://a.example", "", FALSE},
      {"http://a.example", "a.example/", FALSE},
      {"http://a.example", "a.example, a.example", FALSE},
      {"http://a.example", "a.example:", FALSE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_test_message ("%s at %s", rows[i].origin, rows[i].host);
    g_assert_cmpint (rp_origin_has_host (rows[i].origin, rows[i].host), ==, rows[i].own);
  }
}

/* What may be told to the operator, and what may be an address. */
static void
test_names (void)
{
  static const char *const names[] = {"a.example", "a.example:8080", "localhost",
                                      "https://a.example", "https://b-1.example:8443"};
  static const char *const others[] = {"192.0.2.1",
                                       "192.0.2.1:80",
                                       "http://192.0.2.1:80",
                                       "[::1]",
                                       "2001:db8::1",
                                       "https://[2001:db8::1]",
                                       "0x7f000001",
                                       "a b",
                                       "a/b",
                                       "a.example:x",
                                       "",
                                       "https://a.example/x"};
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_true (rp_origin_is_name (names[i]));
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_false (rp_origin_is_name (others[i]));
}

static void
test_hosts (void)
{
  static const char *const good[] = {
      "localhost",       "localhost:8080", "LocalHost:1", "127.0.0.1",
      "127.0.0.1:65535", "127.9.9.9:8080", "[::1]",       "[::1]:8080",
  };
  static const char *const bad[] = {
      "",
      ":8080",
      "a.example",
      "localhost.evil.example",
      "evil-localhost",
      "localhost:",
      "localhost:0",
      "localhost:x",
      "localhost:8080:1",
      "localhost/",
      "me@localhost",
      "localhost@evil.example",
      "localhost evil.example",
      "127.0.0.1.evil.example",
      "127.evil.example",
      "127.0.0.1.",
      "127.1",
      "127.0.0.256",
      "127.0.0.0001",
      "127.0.0.1.1",
      "0.0.0.0",
      "128.0.0.1",
      "2130706433",
      "0x7f.0.0.1",
      "[::2]",
      "[::ffff:127.0.0.1]",
      "[::1",
      "::1",
      "[::1]evil.example",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++) {
    g_test_message ("%s", good[i]);
    g_assert_true (rp_host_is_loopback (good[i]));
  }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_test_message ("%s", bad[i]);
    g_assert_false (rp_host_is_loopback (bad[i]));
  }
  g_autofree char *huge = g_strnfill (30000, '1');
  g_assert_false (rp_host_is_loopback (huge));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/access/key", test_key);
  g_test_add_func ("/access/known-token", test_known_token);
  g_test_add_func ("/access/round-trip", test_round_trip);
  g_test_add_func ("/access/tampering", test_tampering);
  g_test_add_func ("/access/genuine-nonsense", test_genuine_nonsense);
  g_test_add_func ("/access/time", test_time);
  g_test_add_func ("/access/agents", test_agents);
  g_test_add_func ("/origin/syntax", test_origins);
  g_test_add_func ("/origin/compared", test_origins_compared);
  g_test_add_func ("/origin/own-pages", test_own_pages);
  g_test_add_func ("/origin/names", test_names);
  g_test_add_func ("/origin/hosts", test_hosts);
  return g_test_run ();
}
