/* One of many calls: offers, connects, speaks, measures, and hangs up or vanishes. On the loop. */
#pragma once

#include "clip.h"
#include "impair.h"
#include "load-peer.h"
#include "signalling.h"
#include "talk.h"
#include "tally.h"

#include <glib.h>

/* Where a call may vanish without a word. */
typedef enum {
  RP_LOAD_STAGE_NONE,
  RP_LOAD_STAGE_HTTP,   /* in the middle of the offer's body */
  RP_LOAD_STAGE_RST,    /* the offer is sent, the connection reset */
  RP_LOAD_STAGE_OFFER,  /* the offer is sent, the connection closed in order */
  RP_LOAD_STAGE_ANSWER, /* the answer has come */
  RP_LOAD_STAGE_ICE,    /* a pair is found */
  RP_LOAD_STAGE_DTLS,   /* the first message of the handshake has come */
  RP_LOAD_STAGE_SCTP,   /* DTLS is done, SCTP begins */
  RP_LOAD_STAGE_CALL,   /* in the middle of the conversation */
  RP_LOAD_N_STAGES,
} RpLoadStage;

/* "http", "rst"… of all but NONE. */
const char *rp_load_stage_name (RpLoadStage stage);

typedef enum {
  RP_LOAD_END_HUNG_UP, /* by us, as it was to be */
  RP_LOAD_END_KILLED,
  RP_LOAD_END_REFUSED, /* 503 */
  RP_LOAD_END_FAILED,
} RpLoadEnd;

/* What all calls have in common; outlives them. */
typedef struct {
  RpLoop *loop;
  RpLoadSockets *sockets;
  RpLoadHttp *http;
  RpDtlsCertificate *certificate;
  const RpLoadSpeech *speech;
  const char *agent; /* (nullable) */
  gboolean with_data;
  gboolean with_red;     /* redundant audio (RFC 2198), as Chromium sends it */
  gboolean with_answers; /* the agent's silence tells its speech: see load-call.c */
  RpLoadTalkConfig talk;
  RpImpair impair;
  RpLoadTally *tally; /* of the present phase */
  gint64 awake_us;    /* since when this process has run without being stopped */
} RpLoadCommon;

typedef struct _RpLoadCall RpLoadCall;

typedef struct {
  /* The first packet of the agent has come. */
  void (*connected) (RpLoadCall *call, gpointer user_data);
  /* It is over by itself; freed by whoever hears of it. reason is never NULL. */
  void (*ended) (RpLoadCall *call, RpLoadEnd end, const char *reason, gpointer user_data);
} RpLoadCallEvents;

typedef struct {
  guint number; /* from 0: what it says first, the seed of its network */
  RpLoadStage kill;
  gint64 kill_after_us; /* the call is connected, with RP_LOAD_STAGE_CALL */
  gint64 hesitate_us;   /* before each of its questions */
  gint64 hang_up_us;    /* after it is connected; 0 = never */
} RpLoadCallConfig;

/* Offers at once. common and events outlive it. Returns: (transfer full) (nullable): NULL with an
 * error when it has no socket. */
RpLoadCall *rp_load_call_new (const RpLoadCommon *common, const RpLoadCallConfig *config,
                              const RpLoadCallEvents *events, gpointer user_data, GError **error);
/* Says goodbye first when the call is up and orderly is TRUE. NULL is legal. */
void rp_load_call_free (RpLoadCall *call, gboolean orderly);
void rp_load_call_tick (RpLoadCall *call, gint64 now_us);

/* RP_LOAD_END_KILLED: where. */
RpLoadStage rp_load_call_killed_at (const RpLoadCall *call);
/* RP_LOAD_END_REFUSED: -1 = not said. */
gint rp_load_call_retry_after_s (const RpLoadCall *call);
