/* What callers say, encoded once for all of them. Immutable once made; any thread. */
#pragma once

#include <glib.h>

/* One utterance as Opus packets of 20 ms, with some silence around it so that its beginning and end
 * decode as they were encoded. */
typedef struct {
  GPtrArray *packets; /* of GBytes */
  guint first_speech; /* packet */
  guint last_speech;
} RpLoadClip;

typedef struct {
  GPtrArray *clips; /* of RpLoadClip, at least one */
  GBytes *silence;  /* one packet of it */
} RpLoadSpeech;

/* Reads the WAV files of paths (of char*); none: a few questions read by flite. Clips that follow
 * each other without a pause when tight. Returns: (transfer full) (nullable). */
RpLoadSpeech *rp_load_speech_new (const GPtrArray *paths, gboolean tight, guint loss_percent,
                                  GError **error);
void rp_load_speech_free (RpLoadSpeech *speech);
