/* What clients are told of STUN and TURN servers. */
#include "ice-servers.h"

#include <string.h>

static void
test_urls (void)
{
  static const struct {
    const char *text;
    const char *host;
    guint port;
    gboolean is_turn, is_tls, is_tcp;
  } good[] = {
      {"stun:stun.example.com", "stun.example.com", 3478, FALSE, FALSE, FALSE},
      {"stun:192.0.2.1:19302", "192.0.2.1", 19302, FALSE, FALSE, FALSE},
      {"stuns:a.example", "a.example", 5349, FALSE, TRUE, TRUE},
      {"turn:a.example", "a.example", 3478, TRUE, FALSE, FALSE},
      {"turn:a.example?transport=udp", "a.example", 3478, TRUE, FALSE, FALSE},
      {"turn:a.example:80?transport=tcp", "a.example", 80, TRUE, FALSE, TRUE},
      {"turns:[2001:db8::1]:443", "2001:db8::1", 443, TRUE, TRUE, TRUE},
      {"turns:a.example?transport=tcp", "a.example", 5349, TRUE, TRUE, TRUE},
      {"turn:[::1]:65535", "::1", 65535, TRUE, FALSE, FALSE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++) {
    RpIceUrl url;
    g_test_message ("%s", good[i].text);
    g_assert_true (rp_ice_url_parse (good[i].text, &url));
    g_assert_cmpstr (url.host, ==, good[i].host);
    g_assert_cmpuint (url.port, ==, good[i].port);
    g_assert_cmpint (url.is_turn, ==, good[i].is_turn);
    g_assert_cmpint (url.is_tls, ==, good[i].is_tls);
    g_assert_cmpint (url.is_tcp, ==, good[i].is_tcp);
  }
}

static void
test_bad_urls (void)
{
  static const char *const bad[] = {
      "",
      "stun",
      "stun:",
      "turn:",
      "http://a.example",
      "a.example:3478",
      "stun:a.example:0",
      "stun:a.example:65536",
      "stun:a.example:99999999999999999999",
      "stun:a.example:",
      "stun:a.example:12x",
      "stun:a.example?transport=udp",
      "turn:a.example?transport=sctp",
      "turn:a.example?",
      "turns:a.example?transport=udp",
      "turn:[::1",
      "turn:::1",
      "turn:[]",
      "turn:user@a.example",
      "turn:a.example/x",
      "stun://a.example",
      "turn:a.example:-1",
      "turn:a\"b",
      "turn:-a",
      "turn:a b",
      "TURN:a.example",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    RpIceUrl url = {.port = 7};
    g_test_message ("%s", bad[i]);
    g_assert_false (rp_ice_url_parse (bad[i], &url));
    g_assert_cmpuint (url.port, ==, 7);
  }
  g_autofree char *name = g_strnfill (RP_ICE_MAX_HOST_BYTES + 1, 'a');
  g_autofree char *longest = g_strdup_printf ("turn:%s", name + 1);
  g_autofree char *longer = g_strdup_printf ("turn:%s", name);
  RpIceUrl url;
  g_assert_true (rp_ice_url_parse (longest, &url));
  g_assert_false (rp_ice_url_parse (longer, &url));
}

static void
test_credentials (void)
{
  g_autofree char *user = NULL;
  g_autofree char *password = NULL;
  rp_ice_turn_credentials ("north-wind-and-sun", 1700000000, 0xc0ffee, &user, &password);
  g_assert_cmpstr (user, ==, "1700000000:00c0ffee");
  /* printf %s 1700000000:00c0ffee | openssl dgst -sha1 -hmac north-wind-and-sun -binary | base64 */
  g_assert_cmpstr (password, ==, "gGZxsDCBLvPiybi23oDiOEK+6s8=");

  g_assert_true (rp_ice_credential_is_good ("aZ09+/=:!~"));
  g_assert_false (rp_ice_credential_is_good (""));
  g_assert_false (rp_ice_credential_is_good ("a b"));
  g_assert_false (rp_ice_credential_is_good ("a\"b"));
  g_assert_false (rp_ice_credential_is_good ("a\\b"));
  g_assert_false (rp_ice_credential_is_good ("\xc3\xa4"));
}

static void
test_told (void)
{
  static const char *const stun[] = {"stun:a.example", NULL};
  static const char *const turn[] = {"turn:b.example", "turn:b.example?transport=tcp", NULL};
  static const char *const none[] = {NULL};
  const struct {
    RpIceServers servers;
    const char *json;
    const char *links;
  } cases[] = {
      {{0}, "[]", ""},
      {{.stun = none, .turn = none, .secret = "s"}, "[]", ""},
      {{.stun = stun},
       "[{\"urls\": [\"stun:a.example\"]}]",
       "<stun:a.example>; rel=\"ice-server\""},
      {{.turn = turn, .user = "u", .password = "p"},
       "[{\"urls\": [\"turn:b.example\", \"turn:b.example?transport=tcp\"], \"username\": \"u\", "
       "\"credential\": \"p\"}]",
       "<turn:b.example>; rel=\"ice-server\"; username=\"u\"; credential=\"p\"; "
       "credential-type=\"password\"|<turn:b.example?transport=tcp>; rel=\"ice-server\"; "
       "username=\"u\"; credential=\"p\"; credential-type=\"password\""},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *json = rp_ice_servers_to_json (&cases[i].servers, 1000, 1);
    g_auto (GStrv) links = rp_ice_servers_to_links (&cases[i].servers, 1000, 1);
    g_autofree char *joined = g_strjoinv ("|", links);
    g_assert_cmpstr (json, ==, cases[i].json);
    g_assert_cmpstr (joined, ==, cases[i].links);
  }
}

/* With a secret each client gets credentials of its own, which end. */
static void
test_told_secret (void)
{
  static const char *const stun[] = {"stun:a.example", NULL};
  static const char *const turn[] = {"turn:b.example", NULL};
  const RpIceServers servers = {
      .stun = stun, .turn = turn, .secret = "north-wind-and-sun", .lifetime_s = 1699999000};
  g_autofree char *json = rp_ice_servers_to_json (&servers, 1000, 0xc0ffee);
  g_autofree char *other = rp_ice_servers_to_json (&servers, 1000, 0xc0ffef);
  g_assert_cmpstr (json, ==,
                   "[{\"urls\": [\"stun:a.example\"]}, {\"urls\": [\"turn:b.example\"], "
                   "\"username\": \"1700000000:00c0ffee\", \"credential\": "
                   "\"gGZxsDCBLvPiybi23oDiOEK+6s8=\"}]");
  g_assert_cmpstr (json, !=, other);
  g_assert_null (strstr (json, servers.secret));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ice-servers/urls", test_urls);
  g_test_add_func ("/ice-servers/bad-urls", test_bad_urls);
  g_test_add_func ("/ice-servers/credentials", test_credentials);
  g_test_add_func ("/ice-servers/told", test_told);
  g_test_add_func ("/ice-servers/told-secret", test_told_secret);
  return g_test_run ();
}
