/* Any bytes as a stream of framed STUN messages. */
#include "stun.h"
#include "framing.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  RpStunMessage message;
  RpFraming framing;
  RpFramingResult result = RP_FRAMING_MORE;
  guint8 *packet;
  gsize room, len;
  framing.len = framing.used = 0;
  while (result != RP_FRAMING_BROKEN && size > 0) {
    guint8 *to = rp_framing_room (&framing, &room);
    g_assert (room > 0);
    gsize n = MIN (room, size);
    memcpy (to, data, n);
    rp_framing_filled (&framing, n);
    data += n;
    size -= n;
    while ((result = rp_framing_poll (&framing, &packet, &len)) == RP_FRAMING_PACKET) {
      g_assert (len <= RP_FRAMING_MAX_BYTES);
      g_autofree guint8 *copy = g_memdup2 (packet, len);
      if (rp_stun_parse (copy, len, &message))
        g_assert (strlen (message.username) <= RP_STUN_MAX_USERNAME_BYTES &&
                  strlen (message.reason) <= RP_STUN_MAX_TEXT_BYTES && message.error_code < 1000);
    }
  }
  return 0;
}
