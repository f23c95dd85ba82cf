/* What all calls of a phase add up to. On the loop. */
#pragma once

#include "histogram.h"
#include "wire.h"

#include <glib.h>

typedef struct {
  gboolean measuring; /* the steady part has begun: packets and turns count */
  RpLoadWireTotals wire;
  RpHistogram *setup;     /* POST to first RTP, of calls connected since the phase before */
  RpHistogram *bot_ready; /* POST to the agent's answer to client-ready */
  RpHistogram *voice_to_voice;
  RpHistogram *own_late; /* each packet sent, against its own clock */
  guint64 answers_missing;
  guint64 answers_early;
  guint64 packets_sent;
  guint64 speech_sent;    /* of them: within a clip */
  guint64 sound;          /* packets of the agent that are not its silence */
  guint64 frames_skipped; /* by a caller that was too late to catch up */
  guint64 stalls;         /* of this process: ticks that were more than a second late */
  guint64 undecipherable; /* of the packets that were looked into */
} RpLoadTally;

void rp_load_tally_init (RpLoadTally *tally);
void rp_load_tally_clear (RpLoadTally *tally);
