/* The emulator itself: others' tests are worth what it is worth. */
#include "impair.h"
#include "netem.h"

#include <stdio.h>
#include <string.h>

#define N 20000

/* Sends N numbered datagrams 20 ms apart; returns "number@arrival" of each delivery, in order. */
static GString *
run (const RpNetemConfig *config, RpNetemStats *out_stats)
{
  g_autoptr (RpNetem) net = rp_netem_new (config);
  GString *log = g_string_new (NULL);
  guint32 i = 0;
  for (;;) {
    gint64 send_us = i < N ? (gint64) i * 20000 : G_MAXINT64;
    gint64 now_us = MIN (send_us, rp_netem_deadline (net));
    if (now_us == G_MAXINT64)
      break;
    GBytes *bytes;
    while ((bytes = rp_netem_poll (net, now_us)) != NULL) {
      guint32 number;
      memcpy (&number, g_bytes_get_data (bytes, NULL), sizeof number);
      g_string_append_printf (log, "%u@%" G_GINT64_FORMAT " ", number, now_us);
      g_bytes_unref (bytes);
    }
    g_assert_cmpint (rp_netem_deadline (net), >, now_us);
    if (now_us == send_us) {
      rp_netem_input (net, now_us, (const guint8 *) &i, sizeof i);
      i++;
    }
  }
  rp_netem_stats (net, out_stats);
  return log;
}

static void
test_seeded (void)
{
  RpNetemConfig config = {.seed = 1,
                          .loss = 0.1,
                          .jitter_us = 50000,
                          .duplicate = 0.1,
                          .reorder = 0.1,
                          .reorder_us = 9000};
  RpNetemStats stats;
  GString *first = run (&config, &stats);
  GString *again = run (&config, &stats);
  config.seed = 2;
  GString *other = run (&config, &stats);
  g_assert_true (g_string_equal (first, again));
  g_assert_false (g_string_equal (first, other));
  g_string_free (first, TRUE);
  g_string_free (again, TRUE);
  g_string_free (other, TRUE);
}

static void
test_rates (void)
{
  RpNetemConfig config = {
      .seed = 3, .loss = 0.1, .duplicate = 0.2, .reorder = 0.05, .reorder_us = 1000};
  RpNetemStats stats;
  g_string_free (run (&config, &stats), TRUE);
  g_assert_cmpuint (stats.sent, ==, N);
  g_assert_cmpuint (stats.lost, >, N * 9 / 100);
  g_assert_cmpuint (stats.lost, <, N * 11 / 100);
  g_assert_cmpuint (stats.duplicated, >, N * 17 / 100);
  g_assert_cmpuint (stats.duplicated, <, N * 19 / 100);
  g_assert_cmpuint (stats.held_back, >, N * 4 / 100);
  g_assert_cmpuint (stats.delivered, ==, N - stats.lost + stats.duplicated);

  /* Gilbert-Elliott: a sixth of the time is bad. */
  config = (RpNetemConfig){.seed = 3, .p_enter_bad = 0.02, .p_leave_bad = 0.1, .loss_bad = 1};
  g_string_free (run (&config, &stats), TRUE);
  g_assert_cmpuint (stats.lost, >, N * 14 / 100);
  g_assert_cmpuint (stats.lost, <, N * 19 / 100);

  config = (RpNetemConfig){.outage_from_us = 1000000, .outage_to_us = 2000000};
  g_string_free (run (&config, &stats), TRUE);
  g_assert_cmpuint (stats.lost, ==, 50);
}

static void
test_order (void)
{
  for (gint keep_order = 0; keep_order < 2; keep_order++) {
    RpNetemConfig config = {.seed = 5, .jitter_us = 100000, .keep_order = keep_order};
    RpNetemStats stats;
    g_autofree char *log = g_string_free (run (&config, &stats), FALSE);
    g_auto (GStrv) items = g_strsplit (g_strchomp (log), " ", 0);
    guint n_back = 0;
    guint64 last = 0;
    for (guint i = 0; items[i] != NULL; i++) {
      guint64 number = g_ascii_strtoull (items[i], NULL, 10);
      n_back += number < last ? 1 : 0;
      last = number;
    }
    g_assert_cmpint (n_back == 0, ==, keep_order);
  }
}

static void
test_outages (void)
{
  /* 100 ms in each second from the second one on. */
  RpNetemConfig config = {
      .outage_from_us = 1000000, .outage_to_us = 1100000, .outage_every_us = 1000000};
  RpNetemStats stats;
  g_string_free (run (&config, &stats), TRUE);
  g_assert_cmpuint (stats.lost, ==, (N / 50 - 1) * 5);
}

/* 4 bytes and 28 of headers every 20 ms are 12.8 kbit/s. */
static void
test_rate (void)
{
  RpNetemConfig config = {.rate_bps = 12800};
  RpNetemStats stats;
  g_autofree char *enough = g_string_free (run (&config, &stats), FALSE);
  g_assert_cmpuint (stats.lost, ==, 0);
  g_assert_true (g_str_has_prefix (enough, "0@20000 1@40000 2@60000 "));

  /* Half of it: every second one finds the queue full, and what passes has waited for long. */
  config = (RpNetemConfig){.rate_bps = 6400, .queue_bytes = 320};
  g_autofree char *half = g_string_free (run (&config, &stats), FALSE);
  g_assert_cmpuint (stats.queue_full, ==, stats.lost);
  g_assert_cmpuint (stats.lost, >, N * 49 / 100);
  g_assert_cmpuint (stats.lost, <, N * 51 / 100);
  gint64 last_us = 0;
  sscanf (strrchr (g_strchomp (half), '@') + 1, "%" G_GINT64_FORMAT, &last_us);
  g_assert_cmpint (last_us, >, (N - 1) * G_GINT64_CONSTANT (20000) + 300000);
  g_assert_cmpint (last_us, <=, (N - 1) * G_GINT64_CONSTANT (20000) + 440000);
}

static void
test_mtu (void)
{
  RpNetemConfig config = {.mtu_bytes = 32};
  RpNetemStats stats;
  g_string_free (run (&config, &stats), TRUE);
  g_assert_cmpuint (stats.lost, ==, 0);
  config.mtu_bytes = 31;
  g_string_free (run (&config, &stats), TRUE);
  g_assert_cmpuint (stats.too_large, ==, N);
  g_assert_cmpuint (stats.delivered, ==, 0);
}

static void
test_options (void)
{
  static const char *const good[][2] = {
      {"--loss", "10"},        {"--burst", "4"},     {"--in-loss", "20"}, {"--delay", "30"},
      {"--in-jitter", "2.5"},  {"--rate", "64"},     {"--queue", "4000"}, {"--mtu", "1200"},
      {"--outage", "2:5:30"},  {"--skew", "-200"},   {"--seed", "7"},     {"--in-outage", "1:2"},
      {"--in-reorder", "1.5"}, {"--duplicate", "3"},
  };
  static const char *const bad[][2] = {
      {"--loss", "101"},  {"--loss", "x"},     {"--loss", NULL},      {"--in-loss", "-1"},
      {"--outage", "2"},  {"--outage", "2:0"}, {"--outage", "2:5:5"}, {"--outage", "1:2:3:4"},
      {"--skew", "2000"}, {"--seed", "1.e99"}, {"--mtu", "1200x"},
  };
  static const char *const foreign[] = {"--say", "--in-", "--in-skew", "loss", "--in---loss"};
  RpImpair impair = {0};
  RpNetemConfig out;
  RpNetemConfig in;
  g_assert_false (rp_impair_netem (&impair, FALSE, 0, 0, &out));
  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_true (rp_impair_option (&impair, good[i][0], good[i][1], &error));
    g_assert_no_error (error);
    g_assert_nonnull (strstr (rp_impair_help (), strrchr (good[i][0], '-') + 1));
  }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    RpImpair unused = {0};
    g_assert_false (rp_impair_option (&unused, bad[i][0], bad[i][1], &error));
    g_assert_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
  }
  for (guint i = 0; i < G_N_ELEMENTS (foreign); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_false (rp_impair_option (&impair, foreign[i], "1", &error));
    g_assert_no_error (error);
  }
  g_assert_true (rp_impair_netem (&impair, FALSE, 3, 1000000, &out));
  g_assert_true (rp_impair_netem (&impair, TRUE, 3, 1000000, &in));
  g_assert_cmpuint (out.seed, !=, in.seed);
  g_assert_cmpfloat (out.loss_bad, ==, 1);
  g_assert_cmpfloat (out.p_leave_bad, ==, 0.25);
  g_assert_cmpfloat (in.loss, ==, 0.2);
  g_assert_cmpint (out.delay_us, ==, 30000);
  g_assert_cmpint (in.jitter_us, ==, 2500);
  g_assert_cmpint (out.rate_bps, ==, 64000);
  g_assert_cmpuint (out.mtu_bytes, ==, 1200);
  g_assert_cmpint (out.outage_from_us, ==, 3000000);
  g_assert_cmpint (out.outage_to_us, ==, 8000000);
  g_assert_cmpint (out.outage_every_us, ==, 30000000);
  g_assert_cmpfloat (impair.skew_ppm, ==, -200);
}

/* --loss 10 --burst 4 is a tenth lost, in runs of four. */
static void
test_bursts (void)
{
  RpImpair impair = {.seed = 2, .out = {.loss = 0.1, .burst = 4}};
  RpNetemConfig config;
  RpNetemStats stats;
  rp_impair_netem (&impair, FALSE, 0, 0, &config);
  g_autofree char *log = g_string_free (run (&config, &stats), FALSE);
  g_auto (GStrv) items = g_strsplit (g_strchomp (log), " ", 0);
  guint n_runs = 0;
  guint64 next = 0;
  for (guint i = 0; items[i] != NULL; i++) {
    guint64 number = g_ascii_strtoull (items[i], NULL, 10);
    n_runs += number > next ? 1 : 0;
    next = number + 1;
  }
  double mean = (double) stats.lost / n_runs;
  g_assert_cmpfloat (mean, >, 3.5);
  g_assert_cmpfloat (mean, <, 4.5);
  g_assert_cmpuint (stats.lost, >, N * 8 / 100);
  g_assert_cmpuint (stats.lost, <, N * 12 / 100);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/netem/seeded", test_seeded);
  g_test_add_func ("/netem/rates", test_rates);
  g_test_add_func ("/netem/order", test_order);
  g_test_add_func ("/netem/outages", test_outages);
  g_test_add_func ("/netem/rate", test_rate);
  g_test_add_func ("/netem/mtu", test_mtu);
  g_test_add_func ("/netem/options", test_options);
  g_test_add_func ("/netem/bursts", test_bursts);
  return g_test_run ();
}
