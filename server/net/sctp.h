/* WebRTC data channels: SCTP over DTLS (RFC 8261, RFC 8831) with DCEP (RFC 8832), on usrsctp.
 *
 * usrsctp is process-global: its timers send for any association from whatever thread runs them.
 * One thread of this module therefore makes every call into it; an RpSctp lives on its RpLoop and
 * talks to that thread through bounded queues. All functions here are called, and all events
 * arrive, on the loop's thread. rp_sctp_free () must not be called inside an event.
 */
#pragma once

#include "loop.h"

#include <glib.h>

/* Streams per association. Memory grows with them (16: 9 KB, 65535: 4 MB) and no client opens more
 * than a handful. */
#define RP_SCTP_STREAMS 256
/* Channels that a peer may open in the life of an association; beyond it they are ignored. */
#define RP_SCTP_MAX_OPENS 1024
/* Room for chunks in a packet: DTLS's data MTU of 1163 less the SCTP header is 1151; paths of MTU
 * 1280 want no more than this. */
#define RP_SCTP_PATH_MTU 1100
/* Bytes of messages waiting to be sent, beyond which rp_sctp_send () refuses. Each message counts
 * 64 more than it holds. */
#define RP_SCTP_SEND_BYTES_MAX (1024 * 1024)

#define RP_SCTP_ERROR (rp_sctp_error_quark ())
GQuark rp_sctp_error_quark (void);
typedef enum {
  RP_SCTP_ERROR_SETUP,
  RP_SCTP_ERROR_INVALID, /* message or label too long */
  RP_SCTP_ERROR_STATE,   /* no such channel, association lost */
  RP_SCTP_ERROR_FULL,
} RpSctpError;

typedef struct _RpSctp RpSctp;

typedef struct {
  gboolean dtls_client; /* opens even streams, the server odd ones (RFC 8832 section 6) */
  guint16 remote_port;
  gsize max_send_bytes;    /* per message */
  gsize max_receive_bytes; /* per message; a longer one closes its channel */
} RpSctpConfig;

typedef struct {
  /* A packet for the other side. */
  void (*send) (const guint8 *data, gsize len, gpointer user_data);
  /* The remote's channel, or ours once confirmed. */
  void (*channel_open) (guint16 stream, const char *label, const char *protocol,
                        gpointer user_data);
  /* data[len] is 0. */
  void (*message) (guint16 stream, gboolean binary, const guint8 *data, gsize len,
                   gpointer user_data);
  void (*channel_closed) (guint16 stream, gpointer user_data);
  /* The association ended without us ending it; was_up = FALSE when it never came up. Nothing works
   * after it. */
  void (*lost) (gboolean was_up, const char *reason, gpointer user_data);
} RpSctpEvents;

typedef struct {
  guint64 messages_in;
  guint64 messages_out;
  guint64 message_errors;  /* too long, unknown kind, not DCEP, or for no open channel */
  guint64 packets_dropped; /* a queue between the threads was full; SCTP repeats them */
} RpSctpCounters;

/* Starts the library and its thread; rp_sctp_new () does it when nobody has. Thread: any. */
gboolean rp_sctp_init (GError **error);

/* Connects at once: DTLS must be up, and the first packet from the peer must not be put in before.
 * Returns: (transfer full) (nullable). */
RpSctp *rp_sctp_new (RpLoop *loop, const RpSctpConfig *config, const RpSctpEvents *events,
                     gpointer user_data, GError **error);
/* Ends the association with an ABORT that nobody sends any more: end DTLS to tell the peer. */
void rp_sctp_free (RpSctp *sctp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpSctp, rp_sctp_free)

/* A packet from the other side, out of DTLS. */
void rp_sctp_input (RpSctp *sctp, const guint8 *data, gsize len);

/* An ordered, reliable channel; before the association is up the request waits. Returns the stream
 * or -1. */
gint rp_sctp_open_channel (RpSctp *sctp, const char *label, const char *protocol, GError **error);
gboolean rp_sctp_send (RpSctp *sctp, guint16 stream, gboolean binary, const void *data, gsize len,
                       GError **error);
void rp_sctp_close_channel (RpSctp *sctp, guint16 stream);

void rp_sctp_counters (const RpSctp *sctp, RpSctpCounters *out);

/* Thread: main, at exit, when every RpSctp is freed. Ends the thread and the library; a later
 * rp_sctp_new () starts them again. Does nothing when there was never one. Returns: FALSE when the
 * library would not end within a second. */
gboolean rp_sctp_shutdown (void);
