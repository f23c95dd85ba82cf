/* The history's ring and Prometheus' text. */
#include "exposition.h"
#include "history.h"

#include <math.h>

static void
test_history (void)
{
  g_autoptr (RpHistory) history = rp_history_new (3);
  g_assert_cmpuint (rp_history_length (history), ==, 0);
  for (guint i = 1; i <= 8; i++) {
    const RpHistoryPoint point = {.unix_s = i};
    rp_history_add (history, &point);
    guint n = rp_history_length (history);
    g_assert_cmpuint (n, ==, MIN (i, 3));
    for (guint k = 0; k < n; k++)
      g_assert_cmpint (rp_history_get (history, k)->unix_s, ==, i - n + 1 + k);
  }
}

static void
test_latency (void)
{
  g_autoptr (RpHistogram) histogram = rp_histogram_new ();
  RpHistoryLatency latency;
  for (guint i = 1; i <= 100; i++)
    rp_histogram_record (histogram, i);
  rp_history_latency (histogram, &latency);
  g_assert_cmpint (latency.p50_us, ==, 50);
  g_assert_cmpint (latency.p95_us, ==, 95);
  g_assert_cmpuint (latency.n, ==, 100);
}

static void
test_families (void)
{
  g_autoptr (RpExposition) out = rp_exposition_new ();
  rp_exposition_gauge (out, "a_ratio", "Back\\slash and\nline \"as is\".", 0.25);
  rp_exposition_counter (out, "b_total", "Large.", G_MAXUINT64);
  rp_exposition_family (out, "c", RP_EXPOSITION_GAUGE, "Labels.");
  rp_exposition_count (out, "name", "a\\b \"c\"\nd é", 3);
  rp_exposition_sample (out, NULL, NULL, INFINITY);
  rp_exposition_sample (out, NULL, NULL, -INFINITY);
  rp_exposition_sample (out, NULL, NULL, NAN);
  g_autofree char *text = rp_exposition_finish (out);
  g_assert_cmpstr (text, ==,
                   "# HELP a_ratio Back\\\\slash and\\nline \"as is\".\n"
                   "# TYPE a_ratio gauge\n"
                   "a_ratio 0.25\n"
                   "# HELP b_total Large.\n"
                   "# TYPE b_total counter\n"
                   "b_total 18446744073709551615\n"
                   "# HELP c Labels.\n"
                   "# TYPE c gauge\n"
                   "c{name=\"a\\\\b \\\"c\\\"\\nd é\"} 3\n"
                   "c +Inf\n"
                   "c -Inf\n"
                   "c NaN\n");
}

static void
test_histogram (void)
{
  static const gint64 bounds_us[] = {100, 1000, 2500000};
  g_autoptr (RpExposition) out = rp_exposition_new ();
  g_autoptr (RpHistogram) histogram = rp_histogram_new ();
  /* One beyond the last bound, and one beyond what the histogram tells apart. */
  static const gint64 values_us[] = {0, 100, 101, 3000000, 2 * RP_HISTOGRAM_MAX_US};
  for (gsize i = 0; i < G_N_ELEMENTS (values_us); i++)
    rp_histogram_record (histogram, values_us[i]);
  rp_exposition_family (out, "h_seconds", RP_EXPOSITION_HISTOGRAM, "H.");
  rp_exposition_histogram (out, NULL, NULL, histogram, bounds_us, G_N_ELEMENTS (bounds_us));
  rp_exposition_histogram (out, "loop", "0", histogram, bounds_us, 1);
  g_autofree char *text = rp_exposition_finish (out);
  g_assert_cmpstr (text, ==,
                   "# HELP h_seconds H.\n"
                   "# TYPE h_seconds histogram\n"
                   "h_seconds_bucket{le=\"0.0001\"} 2\n"
                   "h_seconds_bucket{le=\"0.001\"} 3\n"
                   "h_seconds_bucket{le=\"2.5\"} 3\n"
                   "h_seconds_bucket{le=\"+Inf\"} 5\n"
                   "h_seconds_sum 123.000201\n"
                   "h_seconds_count 5\n"
                   "h_seconds_bucket{loop=\"0\",le=\"0.0001\"} 2\n"
                   "h_seconds_bucket{loop=\"0\",le=\"+Inf\"} 5\n"
                   "h_seconds_sum{loop=\"0\"} 123.000201\n"
                   "h_seconds_count{loop=\"0\"} 5\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/metrics/history", test_history);
  g_test_add_func ("/metrics/latency", test_latency);
  g_test_add_func ("/metrics/families", test_families);
  g_test_add_func ("/metrics/histogram", test_histogram);
  return g_test_run ();
}
