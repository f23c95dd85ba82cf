#include "red.h"

#include <string.h>

#include "bytes.h"

/* Another block follows (RFC 2198 section 3). */
#define FLAG_MORE 0x80

gboolean
rp_red_parse (const guint8 *data, gsize length, RpRed *out)
{
  gsize at = 0;
  *out = (RpRed){0};
  while (at < length && (data[at] & FLAG_MORE)) {
    if (length - at < 4 || out->n_blocks == RP_RED_MAX_BLOCKS)
      return FALSE;
    guint32 bits = rp_read_u24 (data + at + 1);
    out->blocks[out->n_blocks++] = (RpRedBlock){
        .payload_type = data[at] & 0x7f,
        .offset = bits >> 10,
        .len = bits & RP_RED_MAX_BLOCK_BYTES,
    };
    at += 4;
  }
  if (at == length)
    return FALSE;
  out->primary.payload_type = data[at++];
  for (guint i = 0; i < out->n_blocks; i++) {
    if (out->blocks[i].len > length - at)
      return FALSE;
    out->blocks[i].bytes = data + at;
    at += out->blocks[i].len;
  }
  out->primary.bytes = data + at;
  out->primary.len = length - at;
  return TRUE;
}

gsize
rp_red_write (const RpRed *red, guint8 *buffer, gsize size)
{
  if (red->n_blocks > RP_RED_MAX_BLOCKS || red->primary.payload_type > 127)
    return 0;
  gsize need = RP_RED_HEADER_BYTES (red->n_blocks) + red->primary.len;
  for (guint i = 0; i < red->n_blocks; i++) {
    const RpRedBlock *block = &red->blocks[i];
    if (block->payload_type > 127 || block->offset > RP_RED_MAX_OFFSET ||
        block->len > RP_RED_MAX_BLOCK_BYTES)
      return 0;
    need += block->len;
  }
  if (need > size)
    return 0;

  guint8 *p = buffer;
  for (guint i = 0; i < red->n_blocks; i++, p += 4)
    rp_write_u32 (p, (guint32) (FLAG_MORE | red->blocks[i].payload_type) << 24 |
                         red->blocks[i].offset << 10 | (guint32) red->blocks[i].len);
  *p++ = red->primary.payload_type;
  for (guint i = 0; i < red->n_blocks; i++) {
    if (red->blocks[i].len > 0)
      memcpy (p, red->blocks[i].bytes, red->blocks[i].len);
    p += red->blocks[i].len;
  }
  if (red->primary.len > 0)
    memcpy (p, red->primary.bytes, red->primary.len);
  return need;
}
