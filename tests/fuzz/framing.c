/* A stream as it may be read from a socket, cut anywhere: packets come out as if it had not been.
 */
#include "framing.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static gboolean
poll_all (RpFraming *framing, const guint8 *all, gsize size, gsize *at)
{
  guint8 *packet = NULL;
  gsize len = 0;
  RpFramingResult result;
  while ((result = rp_framing_poll (framing, &packet, &len)) == RP_FRAMING_PACKET) {
    g_assert_cmpuint (len, <=, RP_FRAMING_MAX_BYTES);
    g_assert_cmpuint (*at + RP_FRAMING_HEADER_BYTES + len, <=, size);
    g_assert_cmpuint (len, ==, all[*at] << 8 | all[*at + 1]);
    g_assert_cmpmem (packet, len, all + *at + RP_FRAMING_HEADER_BYTES, len);
    *at += RP_FRAMING_HEADER_BYTES + len;
  }
  return result == RP_FRAMING_MORE;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size == 0)
    return 0;
  g_autofree RpFraming *framing = g_new0 (RpFraming, 1);
  const gsize step = 1 + data[0] * 8;
  gsize at = 0;
  data++, size--;
  for (gsize read = 0; read < size;) {
    gsize room = 0;
    guint8 *to = rp_framing_room (framing, &room);
    g_assert_cmpuint (room, >, 0);
    gsize n = MIN (MIN (step, room), size - read);
    memcpy (to, data + read, n);
    rp_framing_filled (framing, n);
    read += n;
    if (!poll_all (framing, data, size, &at)) {
      g_assert_cmpuint (data[at] << 8 | data[at + 1], >, RP_FRAMING_MAX_BYTES);
      return 0;
    }
  }
  return 0;
}
