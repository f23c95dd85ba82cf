#include "histogram.h"

#include <math.h>
#include <stdlib.h>

static void
test_empty (void)
{
  g_autoptr (RpHistogram) h = rp_histogram_new ();
  g_assert_cmpuint (rp_histogram_count (h), ==, 0);
  g_assert_cmpint (rp_histogram_percentile_us (h, 50), ==, 0);
  g_assert_cmpint (rp_histogram_min_us (h), ==, 0);
  g_assert_cmpint (rp_histogram_max_us (h), ==, 0);
  g_assert_cmpint (rp_histogram_sum_us (h), ==, 0);
  g_assert_cmpfloat (rp_histogram_mean_us (h), ==, 0);
  rp_histogram_free (NULL);
}

/* Every value comes back within 0.8 %, over the whole range. */
static void
test_precision (void)
{
  for (gdouble value = 1; value < RP_HISTOGRAM_MAX_US; value *= 1.003) {
    g_autoptr (RpHistogram) h = rp_histogram_new ();
    gint64 us = (gint64) value;
    /* Neighbours, so that min and max do not put the answer right. */
    rp_histogram_record (h, us / 2);
    rp_histogram_record (h, us);
    rp_histogram_record (h, us * 2);
    gint64 median = rp_histogram_percentile_us (h, 50);
    g_assert_cmpfloat (fabs ((gdouble) (median - us)), <=, 0.008 * (gdouble) us);
  }
}

static void
test_percentiles (void)
{
  g_autoptr (RpHistogram) h = rp_histogram_new ();
  for (gint64 i = 1; i <= 100; i++)
    rp_histogram_record (h, i);
  static const struct {
    gdouble percent;
    gint64 expected;
  } rows[] = {{-5, 1},  {0, 1},   {1, 1},     {50, 50},  {50.5, 51},
              {95, 95}, {99, 99}, {100, 100}, {200, 100}};
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpint (rp_histogram_percentile_us (h, rows[i].percent), ==, rows[i].expected);
  g_assert_cmpuint (rp_histogram_count (h), ==, 100);
  g_assert_cmpint (rp_histogram_min_us (h), ==, 1);
  g_assert_cmpint (rp_histogram_max_us (h), ==, 100);
  g_assert_cmpint (rp_histogram_sum_us (h), ==, 5050);
  g_assert_cmpfloat (rp_histogram_mean_us (h), ==, 50.5);
}

static int
compare (const void *a, const void *b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;
  return x < y ? -1 : x > y;
}

/* Against sorting, on values spread over five decades. */
static void
test_against_sorting (void)
{
  enum { N = 5000 };
  static gint64 values[N];
  g_autoptr (GRand) rand = g_rand_new_with_seed (20);
  g_autoptr (RpHistogram) h = rp_histogram_new ();
  for (guint i = 0; i < N; i++) {
    values[i] = (gint64) pow (10, g_rand_double_range (rand, 1, 7));
    rp_histogram_record (h, values[i]);
  }
  qsort (values, N, sizeof values[0], compare);
  for (guint percent = 1; percent <= 100; percent++) {
    gint64 exact = values[percent * N / 100 - 1];
    gint64 got = rp_histogram_percentile_us (h, percent);
    g_assert_cmpfloat (fabs ((gdouble) (got - exact)), <=, 0.008 * (gdouble) exact);
  }
}

static void
test_extremes (void)
{
  g_autoptr (RpHistogram) h = rp_histogram_new ();
  rp_histogram_record (h, -1);
  rp_histogram_record (h, G_MININT64);
  g_assert_cmpint (rp_histogram_max_us (h), ==, 0);
  g_assert_cmpint (rp_histogram_percentile_us (h, 100), ==, 0);
  rp_histogram_record (h, RP_HISTOGRAM_MAX_US + 1);
  rp_histogram_record (h, G_MAXINT64);
  rp_histogram_record (h, G_MAXINT64);
  g_assert_cmpint (rp_histogram_max_us (h), ==, G_MAXINT64);
  g_assert_cmpint (rp_histogram_sum_us (h), ==, G_MAXINT64);
  g_assert_cmpint (rp_histogram_percentile_us (h, 100), ==, G_MAXINT64);
  rp_histogram_reset (h);
  g_assert_cmpuint (rp_histogram_count (h), ==, 0);
  g_assert_cmpint (rp_histogram_max_us (h), ==, 0);
}

static void
test_merge (void)
{
  g_autoptr (RpHistogram) a = rp_histogram_new ();
  g_autoptr (RpHistogram) b = rp_histogram_new ();
  g_autoptr (RpHistogram) empty = rp_histogram_new ();
  for (gint64 i = 1; i <= 50; i++)
    rp_histogram_record (a, 50 + i);
  for (gint64 i = 1; i <= 50; i++)
    rp_histogram_record (b, i);
  rp_histogram_merge (a, empty);
  g_assert_cmpint (rp_histogram_min_us (a), ==, 51);
  rp_histogram_merge (empty, a);
  g_assert_cmpint (rp_histogram_min_us (empty), ==, 51);
  rp_histogram_merge (a, b);
  g_assert_cmpuint (rp_histogram_count (a), ==, 100);
  g_assert_cmpint (rp_histogram_min_us (a), ==, 1);
  g_assert_cmpint (rp_histogram_max_us (a), ==, 100);
  g_assert_cmpint (rp_histogram_sum_us (a), ==, 5050);
  g_assert_cmpint (rp_histogram_percentile_us (a, 50), ==, 50);
  rp_histogram_merge (a, a);
  g_assert_cmpuint (rp_histogram_count (a), ==, 200);
  g_assert_cmpint (rp_histogram_sum_us (a), ==, 10100);
}

/* What came since an earlier state, and nothing of before. */
static void
test_subtract (void)
{
  g_autoptr (RpHistogram) now = rp_histogram_new ();
  g_autoptr (RpHistogram) earlier = rp_histogram_new ();
  rp_histogram_record (now, 10);
  rp_histogram_record (now, 5000000);
  rp_histogram_merge (earlier, now);
  for (gint64 i = 1; i <= 100; i++)
    rp_histogram_record (now, i);
  rp_histogram_subtract (now, earlier);
  g_assert_cmpuint (rp_histogram_count (now), ==, 100);
  g_assert_cmpint (rp_histogram_sum_us (now), ==, 5050);
  g_assert_cmpint (rp_histogram_min_us (now), ==, 1);
  g_assert_cmpint (rp_histogram_max_us (now), ==, 100);
  g_assert_cmpint (rp_histogram_percentile_us (now, 99), ==, 99);
  rp_histogram_subtract (now, now);
  g_assert_cmpuint (rp_histogram_count (now), ==, 0);
  g_assert_cmpint (rp_histogram_max_us (now), ==, 0);
  g_assert_cmpint (rp_histogram_percentile_us (now, 50), ==, 0);
}

static void
test_count_at_most (void)
{
  g_autoptr (RpHistogram) h = rp_histogram_new ();
  guint64 last = 0;
  g_assert_cmpuint (rp_histogram_count_at_most (h, G_MAXINT64), ==, 0);
  for (gint64 i = 0; i < 1000; i++)
    rp_histogram_record (h, i * 1000);
  rp_histogram_record (h, 2 * RP_HISTOGRAM_MAX_US);
  g_assert_cmpuint (rp_histogram_count_at_most (h, -1), ==, 0);
  g_assert_cmpuint (rp_histogram_count_at_most (h, 0), ==, 1);
  for (gint64 limit_us = 0; limit_us < 1100000; limit_us += 777) {
    guint64 count = rp_histogram_count_at_most (h, limit_us);
    guint64 exact = (guint64) MIN (limit_us / 1000 + 1, 1000);
    guint64 slack = (guint64) limit_us / 1000 / 100 + 1;
    g_assert_cmpuint (count, >=, last);
    g_assert_cmpuint (count + slack, >=, exact);
    g_assert_cmpuint (count, <=, exact + slack);
    last = count;
  }
  /* What is longer than can be told apart is under no limit. */
  g_assert_cmpuint (rp_histogram_count_at_most (h, RP_HISTOGRAM_MAX_US), ==, 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/histogram/empty", test_empty);
  g_test_add_func ("/histogram/precision", test_precision);
  g_test_add_func ("/histogram/percentiles", test_percentiles);
  g_test_add_func ("/histogram/against-sorting", test_against_sorting);
  g_test_add_func ("/histogram/extremes", test_extremes);
  g_test_add_func ("/histogram/merge", test_merge);
  g_test_add_func ("/histogram/subtract", test_subtract);
  g_test_add_func ("/histogram/count-at-most", test_count_at_most);
  return g_test_run ();
}
