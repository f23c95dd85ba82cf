#include "seq.h"

typedef struct {
  guint16 seq;
  RpSeqResult result;
  gint64 distance; /* unwrapped, from the first; unused on a jump */
} Step;

typedef struct {
  const char *name;
  Step steps[8];
  guint n_steps;
} Row;

static const Row rows[] = {
    {"in-order", {{10, RP_SEQ_FIRST, 0}, {11, RP_SEQ_NEWER, 1}, {12, RP_SEQ_NEWER, 2}}, 3},
    {"wrap", {{65534, RP_SEQ_FIRST, 0}, {65535, RP_SEQ_NEWER, 1}, {0, RP_SEQ_NEWER, 2}}, 3},
    {"back-over-wrap",
     {{65535, RP_SEQ_FIRST, 0},
      {1, RP_SEQ_NEWER, 2},
      {65534, RP_SEQ_OLDER, -1},
      {0, RP_SEQ_OLDER, 1}},
     4},
    {"before-first-at-zero", {{0, RP_SEQ_FIRST, 0}, {65535, RP_SEQ_OLDER, -1}}, 2},
    {"duplicate", {{7, RP_SEQ_FIRST, 0}, {7, RP_SEQ_OLDER, 0}}, 2},
    {"largest-dropout", {{0, RP_SEQ_FIRST, 0}, {2999, RP_SEQ_NEWER, 2999}}, 2},
    {"beyond-dropout", {{0, RP_SEQ_FIRST, 0}, {3000, RP_SEQ_JUMP, 0}, {1, RP_SEQ_NEWER, 1}}, 3},
    {"largest-misorder", {{500, RP_SEQ_FIRST, 0}, {401, RP_SEQ_OLDER, -99}}, 2},
    {"beyond-misorder", {{500, RP_SEQ_FIRST, 0}, {400, RP_SEQ_JUMP, 0}}, 2},
    {"restart-confirmed",
     {{500, RP_SEQ_FIRST, 0},
      {40000, RP_SEQ_JUMP, 0},
      {40001, RP_SEQ_RESTART, 0x20000 + 40001 - 500},
      {40002, RP_SEQ_NEWER, 0x20000 + 40002 - 500}},
     4},
    {"two-jumps-do-not-confirm",
     {{500, RP_SEQ_FIRST, 0},
      {40000, RP_SEQ_JUMP, 0},
      {40002, RP_SEQ_JUMP, 0},
      {40003, RP_SEQ_RESTART, 0x20000 + 40003 - 500}},
     4},
    {"in-order-clears-suspicion",
     {{500, RP_SEQ_FIRST, 0},
      {40000, RP_SEQ_JUMP, 0},
      {501, RP_SEQ_NEWER, 1},
      {40001, RP_SEQ_JUMP, 0}},
     4},
    {"restart-over-suspect-wrap",
     {{500, RP_SEQ_FIRST, 0}, {65535, RP_SEQ_JUMP, 0}, {0, RP_SEQ_RESTART, 0x20000 - 500}},
     3},
};

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  RpSeq seq = {0};
  guint64 first = 0;
  for (guint i = 0; i < row->n_steps; i++) {
    const Step *step = &row->steps[i];
    guint64 out = 12345;
    g_assert_cmpint (rp_seq_unwrap (&seq, step->seq, &out), ==, step->result);
    if (i == 0)
      first = out;
    if (step->result == RP_SEQ_JUMP)
      g_assert_cmpuint (out, ==, 12345);
    else
      g_assert_cmpint ((gint64) (out - first), ==, step->distance);
    if (step->result != RP_SEQ_JUMP)
      g_assert_cmpuint (out & 0xffff, ==, step->seq);
  }
}

static void
test_long_run (void)
{
  RpSeq seq = {0};
  guint64 out, first = 0;
  for (guint i = 0; i < 300000; i++) {
    rp_seq_unwrap (&seq, (guint16) (60000 + i), &out);
    if (i == 0)
      first = out;
    g_assert_cmpuint (out - first, ==, i);
  }
}

static void
test_timestamp (void)
{
  RpTs ts = {0};
  guint64 first = rp_ts_unwrap (&ts, 0xfffffc40u);
  g_assert_cmpuint (rp_ts_unwrap (&ts, 0) - first, ==, 960);
  g_assert_cmpuint (rp_ts_unwrap (&ts, 0xfffffc40u), ==, first);
  g_assert_cmpint ((gint64) (rp_ts_unwrap (&ts, 0xfffff880u) - first), ==, -960);
  guint64 before = rp_ts_unwrap (&ts, 0);
  g_assert_cmpint ((gint64) (rp_ts_unwrap (&ts, 0x7fffffff) - before), ==, 0x7fffffff);
  g_assert_cmpint ((gint64) (rp_ts_unwrap (&ts, 0) - before), ==, 0);
  /* Exactly half way round counts as backwards. */
  g_assert_cmpint ((gint64) (rp_ts_unwrap (&ts, 0x80000000u) - before), ==,
                   -G_GINT64_CONSTANT (0x80000000));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *path = g_strdup_printf ("/seq/%s", rows[i].name);
    g_test_add_data_func (path, &rows[i], test_row);
  }
  g_test_add_func ("/seq/long-run", test_long_run);
  g_test_add_func ("/ts/unwrap", test_timestamp);
  return g_test_run ();
}
