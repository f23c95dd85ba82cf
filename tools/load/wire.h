/* What is measured at the wire of one RTP stream, from the headers and arrival times alone.
 * Sans-IO.
 *
 * Lateness: a packet's arrival less its RTP time, against the smallest such difference the stream
 * has shown. Both machines' clocks are the same one here, so the smallest difference is the path.
 */
#pragma once

#include "histogram.h"

#include <glib.h>

/* Above this a listener's jitter buffer of ordinary depth runs dry. */
#define RP_LOAD_GAP_US 40000
/* Packets before the smallest difference is believed. */
#define RP_LOAD_WIRE_SETTLE_PACKETS 50

/* What all streams of a phase add up to. */
typedef struct {
  RpHistogram *interval; /* between packets as they came */
  RpHistogram *late;
  guint64 packets;
  guint64 lost; /* sequence numbers that never came */
  guint64 duplicates;
  guint64 reordered;
  guint64 gaps; /* intervals over RP_LOAD_GAP_US */
} RpLoadWireTotals;

void rp_load_wire_totals_init (RpLoadWireTotals *totals);
void rp_load_wire_totals_clear (RpLoadWireTotals *totals);

/* One stream. All 0 to begin with. */
typedef struct {
  gboolean begun;
  guint32 ssrc;
  guint16 highest;
  guint64 seen; /* bit i: highest - i has come */
  guint32 timestamp;
  gint64 rtp_us; /* of timestamp, unwrapped */
  gint64 last_arrival_us;
  gint64 least_us; /* arrival - rtp_us */
  guint64 packets;
} RpLoadWire;

/* A packet has come; totals NULL = do not count it. clock_rate is that of the RTP timestamps.
 * Returns: FALSE for a duplicate. */
gboolean rp_load_wire_packet (RpLoadWire *wire, gint64 arrival_us, guint32 ssrc, guint16 sequence,
                              guint32 timestamp, RpLoadWireTotals *totals);
