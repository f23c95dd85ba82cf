/* What the caller hears: RTP through the jitter buffer and Opus at 16 kHz, measured frame by frame
 * and recorded. */
#pragma once

#include "jbuf.h"

#include <glib.h>

/* A packet of the agent is audible when its decoded audio has at least this RMS: below any voice,
 * above comfort noise. */
#define RP_CALL_AUDIBLE_DBFS (-45.0)

typedef struct _RpCallEar RpCallEar;

/* A decoded packet, in order; arrival_us is when it came, whatever it waited for. */
typedef void (*RpCallEarFunc) (gint64 arrival_us, double level_dbfs, gpointer user_data);

RpCallEar *rp_call_ear_new (RpCallEarFunc func, gpointer user_data, gint64 now_us, GError **error);
void rp_call_ear_free (RpCallEar *ear);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpCallEar, rp_call_ear_free)

/* The recording starts here; what comes earlier is heard and not recorded. */
void rp_call_ear_record_from (RpCallEar *ear, gint64 start_us);

/* red_of: the payload type of the Opus in a packet of redundant audio (RFC 2198); 0 for one that is
 * Opus itself. */
void rp_call_ear_input (RpCallEar *ear, gint64 now_us, guint32 ssrc, guint16 sequence,
                        guint32 timestamp, gboolean marker, const guint8 *payload, gsize len,
                        guint8 red_of);
/* Every tick. */
void rp_call_ear_poll (RpCallEar *ear, gint64 now_us);

void rp_call_ear_stats (const RpCallEar *ear, RpJbufStats *out);
/* Seconds of audio recorded so far. */
double rp_call_ear_seconds (const RpCallEar *ear);
/* Writes the recording up to end_us as 16 kHz mono WAV. */
gboolean rp_call_ear_write (RpCallEar *ear, gint64 end_us, const char *path, GError **error);
