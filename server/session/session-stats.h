/* What a session tells of itself: for the call's timeline, its picture and its latencies. Pure.
 * Thread: the session's loop. */
#pragma once

#include "call-stats.h"
#include "frame.h"
#include "session-media.h"
#include "timeline.h"
#include "worker-event.h"

#include <glib.h>

G_BEGIN_DECLS

/* FALSE: an event of no interest to the timeline; @out is not written. */
gboolean rp_session_stats_event (const RpWorkerEvent *event, gint64 now_us, RpTimelineEvent *out);

/* @queued: frames that are still to be played. @audible: the caller's, FALSE at first. FALSE:
 * nothing begins or ends; @out is not written. */
gboolean rp_session_stats_playout (const RpPlayout *playout, guint queued, gint64 now_us,
                                   gboolean *audible, RpTimelineEvent *out);

/* What the call's state is after @event, when it was @state. */
RpCallState rp_session_stats_state (RpCallState state, const RpWorkerEvent *event);

/* @metrics: of a turn_metrics event */
void rp_session_stats_latencies (JsonObject *metrics, RpLatencies *out);

/* Adds what a stt_input event tells to @given_ms, of RP_AUDIO_N_KINDS. */
void rp_session_stats_stt_input (JsonObject *event, gint64 *given_ms);

/* Sets all that the media know; the rest of @out stays. */
void rp_session_stats_media (const RpMediaStats *media, RpCallSnapshot *out);

G_END_DECLS
