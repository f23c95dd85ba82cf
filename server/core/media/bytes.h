#pragma once

/* Big-endian reads and writes of unaligned bytes. Private to the media core; callers have checked
 * the bounds. */

#include <glib.h>

static inline guint16
rp_read_u16 (const guint8 *p)
{
  return (guint16) ((p[0] << 8) | p[1]);
}

static inline guint32
rp_read_u24 (const guint8 *p)
{
  return ((guint32) p[0] << 16) | ((guint32) p[1] << 8) | p[2];
}

static inline guint32
rp_read_u32 (const guint8 *p)
{
  return ((guint32) p[0] << 24) | rp_read_u24 (p + 1);
}

static inline void
rp_write_u16 (guint8 *p, guint16 value)
{
  p[0] = (guint8) (value >> 8);
  p[1] = (guint8) value;
}

static inline void
rp_write_u32 (guint8 *p, guint32 value)
{
  rp_write_u16 (p, (guint16) (value >> 16));
  rp_write_u16 (p + 2, (guint16) value);
}
