/* One call of a headless WebRTC client: a peer on a loop, a microphone, an ear, a script, and what
 * is measured. */
#pragma once

#include "impair.h"
#include "journal.h"
#include "loop.h"
#include "script.h"

#include <glib.h>
#include <json-glib/json-glib.h>

/* An ICE restart of the caller. */
typedef struct {
  gint64 after_us;     /* the call was connected */
  const char *address; /* (nullable): where it is from then on; its former path is dead */
} RpCallRestart;

typedef struct {
  const char *const *local_addresses; /* (nullable), as of RpPeerConfig */
  gboolean with_loopback;
  GPtrArray *steps; /* of RpCallStep, borrowed */
  RpCallScriptConfig script;
  GArray *restarts; /* of RpCallRestart in their order, borrowed */
  /* Called on the loop: rp_call_offer () is to be posted for the running call. */
  void (*renegotiate) (gpointer user_data);
  gint64 linger_us; /* stays on the line for so long after the last answer */
  RpImpair impair;  /* of the network between it and the server */
  gboolean red;     /* offers redundant audio (RFC 2198), as Chromium does */
} RpCallConfig;

typedef struct _RpCall RpCall;

/* Called once, on the loop, when the call is over by itself. */
typedef void (*RpCallDoneFunc) (gpointer user_data);

/* Thread: main, for all of these. Returns: (transfer full) (nullable). */
RpCall *rp_call_new (RpLoop *loop, const RpCallConfig *config, RpCallJournal *journal,
                     RpCallDoneFunc done, gpointer user_data, GError **error);
void rp_call_free (RpCall *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpCall, rp_call_free)

/* The SDP to post, now or for a restart. Returns: (transfer full) (nullable). */
char *rp_call_offer (RpCall *call, GError **error);
/* The offer is posted now: what every time of the journal and the summary counts from. */
void rp_call_started (RpCall *call, gint64 start_us);
/* The SDP that came back, the first or one of a restart. */
gboolean rp_call_answer (RpCall *call, const char *sdp, GError **error);
/* Hangs up, with the reason when the call failed by it (nullable). */
void rp_call_hang_up (RpCall *call, const char *failure);

/* After it is over. */
gboolean rp_call_ok (RpCall *call);
/* Adds the summary's members to an object that builder has begun. */
void rp_call_summary (RpCall *call, JsonBuilder *builder);
/* The agent's audio as 16 kHz WAV, starting when the call was connected. */
gboolean rp_call_write_recording (RpCall *call, const char *path, GError **error);
