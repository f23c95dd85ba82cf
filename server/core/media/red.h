#pragma once

/* Redundant audio (RFC 2198): a packet that carries the frames before it once more. Pure functions.
 */

#include <glib.h>

/* Blocks in front of the primary one that are looked at; browsers send one, two at most. */
#define RP_RED_MAX_BLOCKS 4
/* RFC 2198 section 3: ten and fourteen bits. */
#define RP_RED_MAX_BLOCK_BYTES 1023
#define RP_RED_MAX_OFFSET 16383
/* What rp_red_write () puts in front of the payloads. */
#define RP_RED_HEADER_BYTES(n_blocks) (4u * (n_blocks) + 1u)

typedef struct {
  guint8 payload_type;
  guint32 offset;      /* RTP units before the packet's timestamp; 0 for the primary one */
  const guint8 *bytes; /* points into the packet */
  gsize len;
} RpRedBlock;

typedef struct {
  RpRedBlock blocks[RP_RED_MAX_BLOCKS]; /* oldest first, as they come */
  guint n_blocks;
  RpRedBlock primary;
} RpRed;

/*
 * rp_red_parse:
 * @data: the payload of an RTP packet
 *
 * Returns: FALSE (and @out undefined) when the headers do not fit the bytes, or there are more than
 * RP_RED_MAX_BLOCKS.
 */
gboolean rp_red_parse (const guint8 *data, gsize length, RpRed *out);

/*
 * rp_red_write: the payload of a packet with @red's blocks; only payload types, offsets and bytes
 * are used.
 *
 * Returns: the bytes written; 0 when a field is out of its range or @size is too small.
 */
gsize rp_red_write (const RpRed *red, guint8 *buffer, gsize size);
