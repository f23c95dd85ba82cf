#include "tally.h"

#include <string.h>

void
rp_load_tally_init (RpLoadTally *tally)
{
  memset (tally, 0, sizeof *tally);
  rp_load_wire_totals_init (&tally->wire);
  tally->setup = rp_histogram_new ();
  tally->bot_ready = rp_histogram_new ();
  tally->voice_to_voice = rp_histogram_new ();
  tally->own_late = rp_histogram_new ();
}

void
rp_load_tally_clear (RpLoadTally *tally)
{
  rp_load_wire_totals_clear (&tally->wire);
  g_clear_pointer (&tally->setup, rp_histogram_free);
  g_clear_pointer (&tally->bot_ready, rp_histogram_free);
  g_clear_pointer (&tally->voice_to_voice, rp_histogram_free);
  g_clear_pointer (&tally->own_late, rp_histogram_free);
}
