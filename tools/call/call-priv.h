#pragma once

#include "call.h"
#include "ear.h"
#include "peer.h"
#include "red.h"
#include "rtcp-session.h"

typedef struct _RpCallRestarts RpCallRestarts;
typedef struct _RpCallNetwork RpCallNetwork;

struct _RpCall {
  RpLoop *loop;
  RpCallConfig config;
  RpCallJournal *journal;
  RpCallDoneFunc done;
  gpointer user_data;

  RpDtlsCertificate *certificate;
  RpPeer *peer;
  guint ticker;
  RpRtcpSession *rtcp;
  RpCallMic *mic;
  RpCallEar *ear;
  RpCallMeter *meter;

  RpCallRestarts *restarts;
  RpCallNetwork *network; /* (nullable): none but the machine's own */

  guint64 session_id;
  guint64 session_version;
  guint32 ssrc;
  guint16 sequence;
  guint32 timestamp;
  guint8 payload_type;
  guint8 red_payload_type;               /* 0 = not taken */
  guint8 before[RP_RED_MAX_BLOCK_BYTES]; /* the frame sent last, for its copy */
  gsize before_bytes;
  gint chat; /* stream of the channel; -1 = none */
  gboolean chat_open;
  guint64 next_id;

  guint step; /* the next one */
  gboolean speaking;
  gint64 done_us; /* the script is done; 0 = not yet */
  gboolean over;
  char *failure;  /* (nullable) */
  char *ended_by; /* (nullable): "agent" with its reason */

  gint64 start_us;
  gint64 answer_us;
  gint64 connected_us;
  gint64 mic_due_us;
  guint64 mic_frames;
  gint64 first_rtp_us;
  gint64 bot_ready_us;
  gint64 end_us;
  gint64 max_mic_late_us;
  gboolean agent_talking; /* as last written to the journal */
  guint64 sent_packets;
  guint64 red_received;
  GPtrArray *transcripts; /* of char*: what the server understood, final */
  GHashTable *rtvi;       /* type -> count */
};

/* Ends the call, which did not work. On the loop. */
void rp_call_fail (RpCall *call, const char *failure);

/* restart.c, on the loop. */
RpCallRestarts *rp_call_restarts_new (void);
void rp_call_restarts_free (RpCallRestarts *restarts);
void rp_call_restarts_tick (RpCall *call, gint64 now_us);
/* A packet of the agent has come. */
void rp_call_restarts_rtp (RpCall *call, gint64 arrival_us);
gboolean rp_call_restarts_answer (RpCall *call, const RpPeerIceRemote *remote, GError **error);
void rp_call_restarts_summary (RpCall *call, JsonBuilder *builder);
/* How many of those asked for have not led to a new pair. */
guint rp_call_restarts_missing (RpCall *call);

/* network.c, on the loop. Returns: (transfer full) (nullable): NULL when nothing is to be impaired.
 */
RpCallNetwork *rp_call_network_new (const RpImpair *impair);
void rp_call_network_free (RpCallNetwork *network);
/* Puts another relay between, for a new generation of ICE: *candidates, of n, become its. FALSE
 * with an error when there is no address to put it on. */
gboolean rp_call_network_offer (RpCallNetwork *network, const RpCandidate **candidates, guint *n,
                                GError **error);
/* The same of the candidates that came back. */
gboolean rp_call_network_answer (RpCallNetwork *network, const RpCandidate **candidates, guint *n,
                                 GError **error);
/* The call is connected: what outages count from. */
void rp_call_network_start (RpCallNetwork *network, gint64 now_us);
void rp_call_network_summary (RpCallNetwork *network, JsonBuilder *builder);
