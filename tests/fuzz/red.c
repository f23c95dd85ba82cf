/* Redundant audio from the network: every block lies within the packet, in order, and what was
 * parsed is written the same. */
#include "red.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  RpRed red;
  g_autofree guint8 *exact = g_memdup2 (data, size);
  if (!rp_red_parse (exact, size, &red))
    return 0;
  g_assert (red.n_blocks <= RP_RED_MAX_BLOCKS);
  const guint8 *at = exact + RP_RED_HEADER_BYTES (red.n_blocks);
  for (guint i = 0; i < red.n_blocks; i++) {
    g_assert (red.blocks[i].bytes == at && red.blocks[i].len <= RP_RED_MAX_BLOCK_BYTES);
    g_assert (red.blocks[i].offset <= RP_RED_MAX_OFFSET);
    at += red.blocks[i].len;
  }
  g_assert (red.primary.bytes == at && at + red.primary.len == exact + size);

  g_autofree guint8 *again = g_malloc (size);
  g_assert (rp_red_write (&red, again, size) == size);
  g_assert (memcmp (again, exact, size) == 0);
  g_assert (rp_red_write (&red, again, size - 1) == 0);
  return 0;
}
