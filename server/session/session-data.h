/* The messages between the client and the call: the data channel on one side, the dialect on the
 * other. What is said before the channel is open, or while the client reconnects, waits.
 * Thread: the session's loop. */
#pragma once

#include "dialect.h"

#include <glib.h>

G_BEGIN_DECLS

/* Messages that wait for a channel; beyond it the oldest is dropped. */
#define RP_SESSION_DATA_MAX_QUEUE 50
/* What a client may send: this many messages and bytes at once, and one more in this time. The rest
 * is dropped: no person types or presses so fast. */
#define RP_SESSION_DATA_MESSAGES 200
#define RP_SESSION_DATA_MESSAGE_US 20000
#define RP_SESSION_DATA_BYTES (1024 * 1024)
#define RP_SESSION_DATA_BYTE_US 8
/* The label the Pipecat clients use. Another one is taken when it is the only one. */
#define RP_SESSION_DATA_LABEL "chat"

typedef struct _RpSessionData RpSessionData;

/* None may free the data from inside. */
typedef struct {
  /* FALSE: not taken, the message is lost. */
  gboolean (*send) (guint16 stream, const char *text, gsize len, gpointer user_data);
  void (*to_worker) (const char *json, gpointer user_data);
  void (*ready) (gpointer user_data);
  void (*hang_up) (gpointer user_data);
} RpSessionDataEvents;

typedef struct {
  guint64 sent;
  guint64 dropped; /* the queue or the channel was full */
  guint64 refused; /* of the client: too many */
  RpDialectStats dialect;
} RpSessionDataStats;

/* @dialect: (transfer full). Returns: (transfer full) */
RpSessionData *rp_session_data_new (RpDialect *dialect, const RpSessionDataEvents *events,
                                    gpointer user_data);
void rp_session_data_free (RpSessionData *data);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpSessionData, rp_session_data_free)

void rp_session_data_channel_open (RpSessionData *data, guint16 stream, const char *label);
void rp_session_data_channel_closed (RpSessionData *data, guint16 stream);
/* The connection is gone, with every channel of it. */
void rp_session_data_disconnected (RpSessionData *data);
void rp_session_data_message (RpSessionData *data, guint16 stream, const char *text, gsize len,
                              gint64 now_us);

/* See dialect.h. */
void rp_session_data_event (RpSessionData *data, const RpWorkerEvent *event, gint64 wall_us);
void rp_session_data_error (RpSessionData *data, const char *message, gboolean fatal);
void rp_session_data_worker_replaced (RpSessionData *data);
void rp_session_data_ended (RpSessionData *data);

void rp_session_data_stats (const RpSessionData *data, RpSessionDataStats *out);

G_END_DECLS
