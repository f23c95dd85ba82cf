#include "wire.h"

#include <string.h>

/* 48 kHz (RFC 7587) */
#define TICKS_PER_MS 48
#define WINDOW 64

void
rp_load_wire_totals_init (RpLoadWireTotals *totals)
{
  memset (totals, 0, sizeof *totals);
  totals->interval = rp_histogram_new ();
  totals->late = rp_histogram_new ();
}

void
rp_load_wire_totals_clear (RpLoadWireTotals *totals)
{
  g_clear_pointer (&totals->interval, rp_histogram_free);
  g_clear_pointer (&totals->late, rp_histogram_free);
}

static void
begin (RpLoadWire *wire, gint64 arrival_us, guint32 ssrc, guint16 sequence, guint32 timestamp)
{
  *wire = (RpLoadWire){.begun = TRUE,
                       .ssrc = ssrc,
                       .highest = sequence,
                       .seen = 1,
                       .timestamp = timestamp,
                       .last_arrival_us = arrival_us,
                       .least_us = arrival_us,
                       .packets = 1};
}

/* Returns: FALSE for a duplicate, or one too old to tell. */
static gboolean
count_sequence (RpLoadWire *wire, guint16 sequence, RpLoadWireTotals *totals)
{
  gint16 ahead = (gint16) (sequence - wire->highest);

  if (ahead > 0) {
    wire->seen = ahead < WINDOW ? wire->seen << ahead | 1 : 1;
    wire->highest = sequence;
    if (totals)
      totals->lost += (guint64) ahead - 1;
    return TRUE;
  }
  guint behind = (guint) -ahead;
  if (behind >= WINDOW || (wire->seen >> behind & 1)) {
    if (totals)
      totals->duplicates++;
    return FALSE;
  }
  wire->seen |= G_GUINT64_CONSTANT (1) << behind;
  if (totals) {
    totals->reordered++;
    /* It was counted as lost, though perhaps in the phase before. */
    if (totals->lost > 0)
      totals->lost--;
  }
  return TRUE;
}

gboolean
rp_load_wire_packet (RpLoadWire *wire, gint64 arrival_us, guint32 ssrc, guint16 sequence,
                     guint32 timestamp, RpLoadWireTotals *totals)
{
  if (!wire->begun || ssrc != wire->ssrc) {
    begin (wire, arrival_us, ssrc, sequence, timestamp);
    if (totals)
      totals->packets++;
    return TRUE;
  }
  if (!count_sequence (wire, sequence, totals))
    return FALSE;
  gint32 ahead = (gint32) (timestamp - wire->timestamp);
  wire->timestamp = timestamp;
  wire->rtp_us += (gint64) ahead * 1000 / TICKS_PER_MS;
  gint64 interval_us = arrival_us - wire->last_arrival_us;
  gint64 difference_us = arrival_us - wire->rtp_us;
  wire->last_arrival_us = MAX (wire->last_arrival_us, arrival_us);
  wire->least_us = MIN (wire->least_us, difference_us);
  wire->packets++;
  if (!totals)
    return TRUE;
  totals->packets++;
  rp_histogram_record (totals->interval, interval_us);
  if (interval_us > RP_LOAD_GAP_US)
    totals->gaps++;
  if (wire->packets > RP_LOAD_WIRE_SETTLE_PACKETS)
    rp_histogram_record (totals->late, difference_us - wire->least_us);
  return TRUE;
}
