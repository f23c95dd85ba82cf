/* Redundant audio: the payload's layout, and how much of it is sent for which loss. */
#include "red.h"
#include "redundancy.h"

#include <string.h>

static void
test_browser_packet (void)
{
  /* 111/111: 96 bytes in all, a block of 3 from 20 ms before, the primary of 2. */
  static const guint8 bytes[] = {0xef, 0x0f, 0x00, 0x03, 0x6f, 1, 2, 3, 4, 5};
  RpRed red;
  g_autofree guint8 *exact = g_memdup2 (bytes, sizeof bytes);
  g_assert_true (rp_red_parse (exact, sizeof bytes, &red));
  g_assert_cmpuint (red.n_blocks, ==, 1);
  g_assert_cmpuint (red.blocks[0].payload_type, ==, 111);
  g_assert_cmpuint (red.blocks[0].offset, ==, 960);
  g_assert_cmpmem (red.blocks[0].bytes, red.blocks[0].len, bytes + 5, 3);
  g_assert_cmpuint (red.primary.payload_type, ==, 111);
  g_assert_cmpmem (red.primary.bytes, red.primary.len, bytes + 8, 2);
}

static void
test_broken (void)
{
  static const struct {
    const char *bytes;
    gsize len;
  } rows[] = {
      {"", 0},
      {"\xef", 1},
      {"\xef\x0f\x00\x03", 4},         /* no primary header */
      {"\xef\x0f\x00\x03\x6f\x01", 6}, /* the block is longer than the packet */
      {"\xef\x0f\x00\x03\xef\x0f", 6}, /* a header cut off */
      {"\x80\0\0\0\x80\0\0\0\x80\0\0\0\x80\0\0\0\x80\0\0\0\0", 21}, /* five blocks */
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    RpRed red;
    g_autofree guint8 *exact = g_memdup2 (rows[i].bytes, rows[i].len);
    g_assert_false (rp_red_parse (exact, rows[i].len, &red));
  }
}

static void
test_write (void)
{
  guint8 payload[RP_RED_MAX_BLOCK_BYTES + 1] = {7};
  guint8 buffer[4 * sizeof payload];
  RpRed parsed;
  RpRed red = {.n_blocks = 2,
               .blocks = {{96, 1920, payload, 5}, {96, RP_RED_MAX_OFFSET, payload, 1023}},
               .primary = {96, 0, payload, 3}};
  gsize len = rp_red_write (&red, buffer, sizeof buffer);
  g_assert_cmpuint (len, ==, RP_RED_HEADER_BYTES (2) + 5 + 1023 + 3);
  g_assert_true (rp_red_parse (buffer, len, &parsed));
  g_assert_cmpuint (parsed.blocks[1].offset, ==, RP_RED_MAX_OFFSET);
  g_assert_cmpuint (parsed.blocks[1].len, ==, 1023);
  g_assert_cmpuint (rp_red_write (&red, buffer, len - 1), ==, 0);
  red.blocks[1].len = 1024;
  g_assert_cmpuint (rp_red_write (&red, buffer, sizeof buffer), ==, 0);
  red.blocks[1].len = 1;
  red.blocks[1].offset = RP_RED_MAX_OFFSET + 1;
  g_assert_cmpuint (rp_red_write (&red, buffer, sizeof buffer), ==, 0);
}

static void
test_levels (void)
{
  RpRedundancy r = {0};
  gint64 s = G_USEC_PER_SEC;
  g_assert_cmpuint (rp_redundancy_report (&r, 1 * s, 0), ==, 0);
  g_assert_cmpuint (rp_redundancy_report (&r, 2 * s, 2), ==, 0);
  g_assert_cmpuint (rp_redundancy_report (&r, 5 * s, 26), ==, 1);
  g_assert_cmpuint (rp_redundancy_report (&r, 8 * s, 51), ==, 2);
  /* Luck does not last: one good report changes nothing, 15 s of them do, a step at a time. */
  g_assert_cmpuint (rp_redundancy_report (&r, 10 * s, 0), ==, 2);
  g_assert_cmpuint (rp_redundancy_report (&r, 20 * s, 26), ==, 2);
  g_assert_cmpuint (rp_redundancy_report (&r, 23 * s, 26), ==, 1);
  g_assert_cmpuint (rp_redundancy_report (&r, 30 * s, 0), ==, 1);
  g_assert_cmpuint (rp_redundancy_report (&r, 38 * s, 0), ==, 0);
}

/* In-band FEC until 15 s of reports have told of no loss, and again with the first that does. */
static void
test_fec (void)
{
  static const struct {
    guint at_s;
    guint8 fraction_lost;
    gboolean clean;
  } rows[] = {{5, 0, FALSE},  {10, 0, FALSE}, {15, 0, FALSE}, {20, 0, TRUE},
              {25, 1, FALSE}, {30, 0, FALSE}, {39, 0, FALSE}, {40, 0, TRUE}};
  RpRedundancy r = {0};
  g_assert_false (r.clean);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    rp_redundancy_report (&r, rows[i].at_s * G_USEC_PER_SEC, rows[i].fraction_lost);
    g_assert_cmpint (r.clean, ==, rows[i].clean);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/red/browser-packet", test_browser_packet);
  g_test_add_func ("/red/broken", test_broken);
  g_test_add_func ("/red/write", test_write);
  g_test_add_func ("/red/levels", test_levels);
  g_test_add_func ("/red/fec", test_fec);
  return g_test_run ();
}
