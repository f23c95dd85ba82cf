#include "framing.h"

#include <string.h>

guint8 *
rp_framing_room (RpFraming *framing, gsize *out_room)
{
  framing->len -= framing->used;
  memmove (framing->buffer, framing->buffer + framing->used, framing->len);
  framing->used = 0;
  *out_room = sizeof framing->buffer - framing->len;
  return framing->buffer + framing->len;
}

void
rp_framing_filled (RpFraming *framing, gsize n)
{
  framing->len += n;
}

RpFramingResult
rp_framing_poll (RpFraming *framing, guint8 **out, gsize *out_len)
{
  guint8 *at = framing->buffer + framing->used;
  gsize left = framing->len - framing->used;
  if (left < RP_FRAMING_HEADER_BYTES)
    return RP_FRAMING_MORE;
  gsize len = (gsize) (at[0] << 8 | at[1]);
  if (len > RP_FRAMING_MAX_BYTES)
    return RP_FRAMING_BROKEN;
  if (left < RP_FRAMING_HEADER_BYTES + len)
    return RP_FRAMING_MORE;
  framing->used += RP_FRAMING_HEADER_BYTES + len;
  *out = at + RP_FRAMING_HEADER_BYTES;
  *out_len = len;
  return RP_FRAMING_PACKET;
}
