/* The emulator itself: others' tests are worth what it is worth. */
#include "netem.h"

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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/netem/seeded", test_seeded);
  g_test_add_func ("/netem/rates", test_rates);
  g_test_add_func ("/netem/order", test_order);
  return g_test_run ();
}
