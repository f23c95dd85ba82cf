/* How many calls an address may have, and how often it may ask. */
#include "quota.h"

#define SECOND_US ((gint64) G_USEC_PER_SEC)

static RpQuota *
make (guint max_calls, guint offers_per_minute)
{
  const RpQuotaConfig config = {max_calls, offers_per_minute};
  return rp_quota_new (&config);
}

static void
test_calls (void)
{
  g_autoptr (RpQuota) quota = make (2, 0);
  guint wait_s = 7;
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpint (rp_quota_ask (quota, "a", 0, 0, &wait_s), ==, RP_QUOTA_OK);
    rp_quota_begin (quota, "a", 0);
  }
  g_assert_cmpint (rp_quota_ask (quota, "a", 0, 0, &wait_s), ==, RP_QUOTA_CALLS);
  g_assert_cmpuint (wait_s, ==, 0);
  /* One takes the place of another. */
  g_assert_cmpint (rp_quota_ask (quota, "a", 1, 0, &wait_s), ==, RP_QUOTA_OK);
  g_assert_cmpint (rp_quota_ask (quota, "b", 0, 0, &wait_s), ==, RP_QUOTA_OK);
  g_assert_cmpint (rp_quota_ask (quota, NULL, 0, 0, &wait_s), ==, RP_QUOTA_OK);
  rp_quota_end (quota, "a");
  g_assert_cmpint (rp_quota_ask (quota, "a", 0, 0, &wait_s), ==, RP_QUOTA_OK);
}

static void
test_offers (void)
{
  g_autoptr (RpQuota) quota = make (0, 6);
  guint wait_s = 0;
  for (guint i = 0; i < 6; i++)
    g_assert_cmpint (rp_quota_ask (quota, "a", 0, SECOND_US, &wait_s), ==, RP_QUOTA_OK);
  g_assert_cmpint (rp_quota_ask (quota, "a", 0, SECOND_US, &wait_s), ==, RP_QUOTA_OFFERS);
  g_assert_cmpuint (wait_s, ==, 11);
  g_assert_cmpint (rp_quota_ask (quota, "b", 0, SECOND_US, &wait_s), ==, RP_QUOTA_OK);
  /* Who is refused is not punished for it. */
  g_assert_cmpint (rp_quota_ask (quota, "a", 0, 11 * SECOND_US, &wait_s), ==, RP_QUOTA_OK);
  g_assert_cmpint (rp_quota_ask (quota, "a", 0, 11 * SECOND_US, &wait_s), ==, RP_QUOTA_OFFERS);
}

static void
test_no_limits (void)
{
  g_autoptr (RpQuota) quota = make (0, 0);
  guint wait_s = 0;
  for (guint i = 0; i < 1000; i++) {
    g_assert_cmpint (rp_quota_ask (quota, "a", 0, 0, &wait_s), ==, RP_QUOTA_OK);
    rp_quota_begin (quota, "a", 0);
  }
}

/* Somebody with a lot of addresses. */
static void
test_bounded (void)
{
  g_autoptr (RpQuota) quota = make (1, 1);
  guint wait_s = 0;
  char name[16];
  for (guint i = 0; i < 3 * RP_QUOTA_MAX_ADDRESSES; i++) {
    g_snprintf (name, sizeof name, "%u", i);
    if (rp_quota_ask (quota, name, 0, 0, &wait_s) == RP_QUOTA_OK)
      rp_quota_begin (quota, name, 0);
  }
  g_assert_cmpuint (rp_quota_size (quota), ==, RP_QUOTA_MAX_ADDRESSES + 1);
  g_assert_cmpint (rp_quota_ask (quota, "new", 0, 0, &wait_s), ==, RP_QUOTA_OFFERS);
  for (guint i = 0; i < 3 * RP_QUOTA_MAX_ADDRESSES; i++) {
    g_snprintf (name, sizeof name, "%u", i);
    rp_quota_end (quota, name);
  }
  /* All is forgotten once it is over. */
  g_assert_cmpint (rp_quota_ask (quota, "new", 0, 61 * SECOND_US, &wait_s), ==, RP_QUOTA_OK);
  g_assert_cmpuint (rp_quota_size (quota), ==, 1);
}

static void
test_keys (void)
{
  static const char *const rows[][2] = {
      {"192.0.2.7", "192.0.2.7"},
      {"::ffff:192.0.2.7", "192.0.2.7"},
      {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
      {"2001:db8:1:2::9", "2001:db8:1:2::/64"},
      {"::1", "::/64"},
      {"localhost", NULL},
      {"", NULL},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *key = rp_quota_key (rows[i][0]);
    g_assert_cmpstr (key, ==, rows[i][1]);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quota/calls", test_calls);
  g_test_add_func ("/quota/offers", test_offers);
  g_test_add_func ("/quota/no-limits", test_no_limits);
  g_test_add_func ("/quota/bounded", test_bounded);
  g_test_add_func ("/quota/keys", test_keys);
  return g_test_run ();
}
