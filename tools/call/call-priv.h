#pragma once

#include "call.h"
#include "ear.h"
#include "netem.h"
#include "peer.h"
#include "rtcp-session.h"

struct _RpCall {
  RpLoop *loop;
  RpCallConfig config;
  RpCallJournal *journal;
  RpCallDoneFunc done;
  gpointer user_data;

  RpDtlsCertificate *certificate;
  RpPeer *peer;
  guint ticker;
  RpNetem *netem; /* (nullable) */
  RpRtcpSession *rtcp;
  RpCallMic *mic;
  RpCallEar *ear;
  RpCallMeter *meter;

  guint32 ssrc;
  guint16 sequence;
  guint32 timestamp;
  guint8 payload_type;
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
  gint64 first_rtp_us;
  gint64 bot_ready_us;
  gint64 end_us;
  gint64 max_mic_late_us;
  gboolean agent_talking; /* as last written to the journal */
  guint64 sent_packets;
  GPtrArray *transcripts; /* of char*: what the server understood, final */
  GHashTable *rtvi;       /* type -> count */
};
