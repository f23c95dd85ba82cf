#include "jbuf.h"
#include "red.h"

gboolean
rp_jbuf_input_red (RpJbuf *self, gint64 now_us, guint16 sequence, guint32 timestamp,
                   gboolean marker, const guint8 *payload, gsize payload_bytes,
                   guint8 opus_payload_type)
{
  RpRed red;
  RpJbufCopy copies[RP_RED_MAX_BLOCKS];
  guint n = 0;
  if (!rp_red_parse (payload, payload_bytes, &red))
    return FALSE;
  /* The nearest first: what lies between a copy and the packet is known then. */
  for (guint distance = 1; distance <= red.n_blocks; distance++) {
    const RpRedBlock *block = &red.blocks[red.n_blocks - distance];
    if (block->payload_type == opus_payload_type)
      copies[n++] = (RpJbufCopy){distance, block->offset, block->bytes, block->len};
  }
  gboolean is_opus = red.primary.payload_type == opus_payload_type;
  rp_jbuf_input_redundant (self, now_us, sequence, timestamp, marker, red.primary.bytes,
                           is_opus ? red.primary.len : 0, copies, n);
  return TRUE;
}
