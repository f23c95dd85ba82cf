/* What the two halves of the SCTP adapter share: sctp.c on the loop's thread, sctp-engine.c on the
 * one that owns usrsctp. */
#pragma once

#include "dcep.h"
#include "pi-mutex.h"
#include "sctp.h"

#include <glib.h>

/* SCTP packets on their way between the threads, each direction, per association. */
#define RP_SCTP_PACKETS_MAX 512
/* Received messages on their way to the loop, beyond which the socket is not read: SCTP's own
 * window then stops the peer. */
#define RP_SCTP_RECEIVE_BYTES_MAX (1024 * 1024)
#define RP_SCTP_MESSAGE_OVERHEAD 64

typedef enum {
  RP_SCTP_CHANNEL_NONE,
  RP_SCTP_CHANNEL_OPENING, /* ours, not yet confirmed */
  RP_SCTP_CHANNEL_OPEN,
  RP_SCTP_CHANNEL_CLOSING, /* one half is reset */
} RpSctpChannelState;

/* To the loop. */
typedef enum {
  RP_SCTP_EVENT_PACKET,
  RP_SCTP_EVENT_OPEN, /* label NUL protocol NUL in data */
  RP_SCTP_EVENT_MESSAGE,
  RP_SCTP_EVENT_CLOSED,
  RP_SCTP_EVENT_FREE, /* the stream may be used again */
  RP_SCTP_EVENT_LOST, /* reason in data, was_up in binary */
} RpSctpEventType;

typedef struct {
  RpSctpEventType type;
  guint16 stream;
  gboolean binary;
  gsize len;
  guint8 *data;
} RpSctpEvent;

void rp_sctp_event_free (RpSctpEvent *event);

/* To the engine. */
typedef enum {
  RP_SCTP_COMMAND_CONNECT,
  RP_SCTP_COMMAND_INPUT,
  RP_SCTP_COMMAND_OPEN,
  RP_SCTP_COMMAND_SEND,
  RP_SCTP_COMMAND_RESET, /* close a channel */
  RP_SCTP_COMMAND_CLOSE,
} RpSctpCommandType;

typedef struct {
  RpSctpCommandType type;
  RpSctp *sctp; /* a reference */
  guint16 stream;
  guint32 ppid;
  gsize charged; /* bytes to take off send_bytes when it is done */
  GBytes *data;  /* (nullable) */
} RpSctpCommand;

struct _RpSctp {
  gatomicrefcount refs;
  guint64 id; /* random: it shows on the wire, inside cookies */
  RpSctpConfig config;

  /* Loop only. */
  RpSctpEvents events;
  gpointer user_data;
  gboolean closed; /* freed by its owner */
  gboolean lost;
  guint8 channels[RP_SCTP_STREAMS]; /* RpSctpChannelState, as far as the loop has heard */

  /* Any thread, atomic. */
  gint packets_to_engine;
  gint send_bytes;
  gint packets_dropped;

  /* Under lock. */
  RpPiMutex lock;
  RpLoop *loop;   /* NULL once freed by its owner */
  GQueue to_loop; /* of RpSctpEvent */
  guint packets_to_loop;
  gsize bytes_to_loop;
  gboolean flush_posted;
  RpSctpCounters counters;

  /* Engine only. */
  struct socket *socket;
  gboolean up;
  gboolean ended;
  gboolean queued_ready; /* in the engine's list of sockets to serve */
  gboolean queued_dirty; /* in the engine's list of those with events to post */
  gboolean stalled;      /* not read because the loop is behind */
  guint outbound_streams;
  guint8 states[RP_SCTP_STREAMS]; /* RpSctpChannelState, the truth */
  guint8 resets[RP_SCTP_STREAMS]; /* RESET_IN | RESET_OUT */
  char *labels[RP_SCTP_STREAMS];  /* of ours, until confirmed */
  char *protocols[RP_SCTP_STREAMS];
  GQueue outbox;       /* of RpSctpCommand: OPEN, SEND and RESET in order */
  guint opens;         /* channels that the peer has opened */
  GByteArray *partial; /* the message being received */
  guint16 partial_stream;
  guint32 partial_ppid;
  gboolean partial_too_long;
};

RpSctp *rp_sctp_ref (RpSctp *sctp);
void rp_sctp_unref (RpSctp *sctp);
/* Thread: engine. Hands an event (transfer full) to the loop; dropped when nobody is there. */
void rp_sctp_emit (RpSctp *sctp, RpSctpEvent *event);
/* Thread: engine. Tries to post what is waiting; FALSE when the loop's queue is full. */
gboolean rp_sctp_post_flush (RpSctp *sctp);
/* Thread: engine. */
gboolean rp_sctp_receive_stalled (RpSctp *sctp);

/* Thread: any. Starts the engine when it is not running. */
gboolean rp_sctp_engine_start (GError **error);
/* Thread: any. (transfer full) */
void rp_sctp_engine_push (RpSctpCommand *command);
void rp_sctp_command_free (RpSctpCommand *command);
