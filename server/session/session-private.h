/* What session.c and session-offer.c share. */
#pragma once

#include "session-data.h"
#include "session-media.h"
#include "session-sdp.h"
#include "session-worker.h"
#include "session.h"

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  RP_SESSION_PHASE_OPEN,
  RP_SESSION_PHASE_PLAYING_OUT, /* the worker has hung up; what is queued is still to be heard */
  RP_SESSION_PHASE_GOODBYE,     /* the client was told */
  RP_SESSION_PHASE_ENDED,
} RpSessionPhase;

struct _RpSession {
  const RpSessionConfig *config;
  RpSessionEvents events;
  gpointer user_data;
  guint ticker;
  RpSessionPhase phase;
  gint64 phase_until_us;
  char *end_reason;
  RpTimelineEnd end;
  gboolean end_failed;

  RpPeer *peer; /* (nullable) before the first offer was answered */
  RpSdpRemote *remote;
  RpSessionSdp sdp;
  gint64 offered_us;   /* the first offer came */
  gint64 connected_us; /* 0 = not yet */
  gint64 keyed_us;     /* the first thing that only a client with keys can send; 0 = not yet */
  gint64 ticked_us;    /* the last tick; 0 = none yet */
  gint64 activity_us;  /* the least that counts as the client's last sign of life */
  gboolean setup_told;

  RpMedia *media;
  RpSessionData *data;
  RpSessionWorker *worker;
  gboolean client_ready;
  gboolean worker_told; /* CLIENT connected */
  gboolean draining;
  gint64 worker_due_us; /* a worker was asked for; 0 = none is awaited */

  RpCallState state;
  gboolean audible; /* the agent */
  RpEncoderSettings encoder;
  guint turns;
  gint64 stt_ms[RP_AUDIO_N_KINDS];
  gint64 stall_told_us; /* the worker was told that the input is stalled; 0 = it is not */
  gint64 snapshot_due_us;
};

/* Those of every peer connection of a session; user_data is the session. */
extern const RpPeerEvents rp_session_peer_events;

/* @text: (nullable) */
void rp_session_tell_timeline (RpSession *self, RpTimelineEventType type, const char *text);

G_END_DECLS
