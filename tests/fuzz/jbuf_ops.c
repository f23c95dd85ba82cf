/*
 * The jitter buffer under any operations: 6 bytes each. The timeline is exact, numbers only rise,
 * memory is bounded, every packet is counted once, and after a drain the deadline lies ahead.
 */
#include "jbuf.h"

#include <stdint.h>

#define OP_BYTES 6

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

typedef struct {
  RpJbuf *jbuf;
  gint64 now_us;
  guint64 position;
  guint64 last_sequence;
  gboolean is_stalled;
} State;

static void
check_counts (State *s)
{
  RpJbufStats n;
  rp_jbuf_stats (s->jbuf, &n);
  g_assert (n.received + n.copies == n.decoded + n.empty + n.held + n.duplicate + n.late +
                                         n.malformed + n.implausible + n.discarded);
  g_assert (n.held <= RP_JBUF_SLOTS);
  g_assert (n.wait_us >= 20000 && n.wait_us <= 80000);
}

static void
check_item (State *s, const RpJbufItem *item)
{
  g_assert (item->position == s->position);
  g_assert (item->samples <= RP_JBUF_MAX_ITEM_SAMPLES);
  s->position += item->samples;
  switch (item->type) {
  case RP_JBUF_DECODE:
    g_assert (item->sequence > s->last_sequence);
    s->last_sequence = item->sequence;
    g_assert (item->arrival_us <= s->now_us);
    G_GNUC_FALLTHROUGH;
  case RP_JBUF_FEC:
    /* An over-read of the payload is for the sanitizer to see. */
    g_assert (item->payload_bytes > 0 && item->payload[item->payload_bytes - 1] <= 255);
    g_assert (item->samples >= 120 && item->samples % 120 == 0);
    break;
  case RP_JBUF_PLC:
    g_assert (item->samples >= 120 && item->samples <= 2880 && item->samples % 120 == 0);
    break;
  case RP_JBUF_SILENCE:
    g_assert (item->samples > 0 && !item->is_copy);
    break;
  case RP_JBUF_DISCONTINUITY:
    g_assert (item->samples == 0);
    break;
  case RP_JBUF_STALLED:
  case RP_JBUF_RESUMED:
    g_assert (item->samples == 0 && s->is_stalled == (item->type == RP_JBUF_RESUMED));
    s->is_stalled = !s->is_stalled;
    break;
  }
}

static void
drain (State *s)
{
  RpJbufItem item;
  /* Each held packet gives its own item and at most a second of filling before it. */
  guint n_items = 0;
  while (rp_jbuf_poll (s->jbuf, s->now_us, &item)) {
    check_item (s, &item);
    g_assert (n_items++ < 16 * RP_JBUF_SLOTS);
  }
  g_assert (rp_jbuf_deadline (s->jbuf) > s->now_us);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  State s = {.jbuf = rp_jbuf_new (NULL, 0)};
  guint16 sequence = 65500;
  guint32 timestamp = 0xfffff000;
  for (; size >= OP_BYTES; data += OP_BYTES, size -= OP_BYTES) {
    s.now_us += (gint64) data[1] * data[1] * 50;
    switch (data[0] & 0x0f) {
    case 0:
      rp_jbuf_reset (s.jbuf, s.now_us);
      s.last_sequence = 0;
      continue;
    case 1:
      s.now_us = MAX (s.now_us, MIN (rp_jbuf_deadline (s.jbuf), s.now_us + 1000000));
      break;
    default: {
      /* One of the 16 steps to either side, sometimes a wild one. */
      gint step = (data[0] & 0x80) ? (gint8) data[2] * 257 : (gint) (data[2] & 0x1f) - 12;
      sequence = (guint16) (sequence + step);
      timestamp +=
          (guint32) (step * 960) + ((data[0] & 0x40) ? (guint32) (gint8) data[3] * 12345u : 0);
      guint8 payload[] = {data[4], data[5], data[3], 0, 1, 2, 3, 4};
      /* Copies of any distance and length, at the right offset or at another. */
      const RpJbufCopy copies[] = {
          {data[4] & 3, (data[5] & 0x80) ? data[5] * 100u : (data[4] & 3) * 960u, payload, 3},
          {data[5] & 7, (data[5] & 7) * 960u, payload + 2, data[3] & 3}};
      rp_jbuf_input_redundant (s.jbuf, s.now_us, sequence, timestamp, data[3] & 1, payload,
                               data[0] >> 1 & 7, copies, data[2] >> 6 & 2);
      break;
    }
    }
    check_counts (&s);
    if ((data[0] & 0x20) == 0)
      drain (&s);
  }
  drain (&s);
  check_counts (&s);
  rp_jbuf_free (s.jbuf);
  return 0;
}
