/* What a session tells of itself for the call's timeline (timeline.h). Thread: the session's loop.
 */
#pragma once

#include "frame.h"
#include "timeline.h"
#include "worker-event.h"

#include <glib.h>

G_BEGIN_DECLS

/* FALSE: an event of no interest to the timeline; @out is not written. */
gboolean rp_session_timeline_worker (const RpWorkerEvent *event, gint64 now_us,
                                     RpTimelineEvent *out);

/* @queued: frames that are still to be played. @audible: the caller's, FALSE at first. FALSE:
 * nothing begins or ends; @out is not written. */
gboolean rp_session_timeline_playout (const RpPlayout *playout, guint queued, gint64 now_us,
                                      gboolean *audible, RpTimelineEvent *out);

G_END_DECLS
