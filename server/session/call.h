/* One call as the main thread sees it: its id, its last picture, and the way to its session on a
 * media loop and back.
 *
 * Everything here is called on the main thread, where the events arrive too. The object is shared
 * with the loop and reference counted; the registry is its owner. */
#pragma once

#include "inbox.h"
#include "session.h"

#include <glib.h>

G_BEGIN_DECLS

/* What a call's client has asked for and its loop has not done yet: more than any has under way.
 * All calls of a loop share its queue, and none may fill it. */
#define RP_CALL_MAX_WAITING 32

typedef struct _RpCall RpCall;

/* All must be set. */
typedef struct {
  /* Its worker was lost: give it another with rp_call_set_worker (). */
  void (*need_worker) (RpCall *call, gpointer user_data);
  void (*latencies) (RpCall *call, const RpLatencies *latencies, gpointer user_data);
  /* The call's timeline has it already. */
  void (*timeline) (RpCall *call, const RpTimelineEvent *event, gpointer user_data);
  /* The session is gone, or never came to be. */
  void (*ended) (RpCall *call, gboolean failed, gpointer user_data);
} RpCallEvents;

/* @answer: SDP, or NULL with @error (of RP_SESSION_ERROR) set. */
typedef void (*RpCallAnswerFunc) (RpCall *call, const char *answer, const GError *error,
                                  gpointer user_data);

/* 128 random bits in hex: a name that nobody can guess. Returns: (transfer full) */
char *rp_call_make_id (void);

/* @config: copied with its agent and request_data, its other pointers are borrowed for the call's
 * life; loop and call are filled in. Returns: (transfer full) */
RpCall *rp_call_new (const RpSessionConfig *config, RpLoop *loop, RpInbox *inbox,
                     const RpCallEvents *events, gpointer user_data);
RpCall *rp_call_ref (RpCall *call);
void rp_call_unref (RpCall *call);

/* What the client has to know to join the call, of rp_call_make_id (). */
const char *rp_call_id (const RpCall *call);
/* The first characters of it: for logs and statistics, and of no use to join. */
const char *rp_call_short_id (const RpCall *call);
/* Who answers: an agent's name. */
const char *rp_call_agent (const RpCall *call);
const RpCallSnapshot *rp_call_snapshot (const RpCall *call);
/* The longest that a final transcript took (see RpLoad) of those told since this was asked before;
 * 0 = there was none. */
gint64 rp_call_take_stt_us (RpCall *call);
const RpTimeline *rp_call_timeline (const RpCall *call);
gint64 rp_call_started_us (const RpCall *call);

/* @offer: (transfer full). @link: (transfer full) (nullable): with it a session is made, without
 * it the one there is answers. @func is called exactly once, never from inside; when a session
 * could not be made, ended () follows. BUSY when
 * RP_CALL_MAX_WAITING wait, or the loop has no room. */
void rp_call_offer (RpCall *call, RpSessionOffer *offer, RpWorkerLink *link, RpCallAnswerFunc func,
                    gpointer user_data);
/* An ICE restart without an offer (rp_session_restart_ice ()). @fragment: (transfer full). @func is
 * called exactly once, never from inside; its answer is a fragment. */
void rp_call_restart_ice (RpCall *call, RpSdpFragment *fragment, RpCallAnswerFunc func,
                          gpointer user_data);
/* Ignored while RP_CALL_MAX_WAITING wait. */
void rp_call_add_candidates (RpCall *call, const RpCandidate *candidates, guint n);
/* @link: (transfer full) (nullable): NULL = there is none to be had */
void rp_call_set_worker (RpCall *call, RpWorkerLink *link);
void rp_call_set_complexity (RpCall *call, guint complexity);
void rp_call_drain (RpCall *call);
void rp_call_end (RpCall *call, RpTimelineEnd end, const char *reason);
/* Drops the session now, and waits for that; ended () does not come. */
void rp_call_drop (RpCall *call);

G_END_DECLS
