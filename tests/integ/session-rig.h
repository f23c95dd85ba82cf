/* A session on one loop and a client's peer on another, with workers played by the test. */
#pragma once

#include "fake-worker.h"
#include "session.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  gint64 arrival_us;
  guint16 sequence;
  guint32 timestamp;
  guint32 ssrc;
  gboolean marker;
} RigPacket;

/* What the loops write; hold the lock, or wait with rig_wait (). */
typedef struct {
  GMutex lock;
  GCond changed;
  RpDtlsCertificate *certificate;

  RpLoop *server_loop;
  RpSessionConfig config;
  RpSession *session;
  guint n_need_worker;
  guint n_connected;
  guint n_ended;
  gboolean failed;
  char *reason;
  RpCallSnapshot snapshot;
  RpLatencies latencies; /* the last of each */

  RpLoop *client_loop;
  RpPeer *peer;
  guint ticker;
  RpPeerState state;
  gint channel;
  GPtrArray *messages; /* of char * */
  GArray *packets;     /* of RigPacket */

  /* What the client sends while it talks. */
  gint64 next_send_us; /* 0 = not talking */
  guint16 sequence;
  guint32 timestamp;
  guint n_sent;
  guint32 lost_pattern; /* bit i: of every 32 packets the i-th does not arrive */
  guint8 opus[400];
  gsize opus_len;
} Rig;

Rig *rig_new (void);
void rig_free (Rig *rig);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

/* Makes the session, offers, gives it @worker (adopts a new socket pair) and waits until all is
 * connected. @data: with a data channel. */
void rig_connect (Rig *rig, FakeWorker *worker, gboolean data);
/* The client makes a new connection for the same call. */
void rig_reconnect (Rig *rig);
void rig_give_worker (Rig *rig, FakeWorker *worker);
void rig_talk (Rig *rig, gboolean talking);
void rig_say (Rig *rig, const char *message);
/* Sends client-ready and waits for its answer. */
void rig_get_ready (Rig *rig);
void rig_end (Rig *rig, const char *reason);
void rig_drain (Rig *rig);
void rig_hang_up (Rig *rig);

/* Waits until condition holds, with the lock held, or fails. */
typedef gboolean (*RigCondition) (Rig *rig, gconstpointer data);
void rig_wait (Rig *rig, RigCondition condition, gconstpointer data, const char *what);
/* A message of the client's that contains @data. */
gboolean rig_was_told (Rig *rig, gconstpointer data);
gboolean rig_has_ended (Rig *rig, gconstpointer data);
/* @data: GUINT_TO_POINTER of how many */
gboolean rig_heard (Rig *rig, gconstpointer data);
gboolean rig_needs_worker (Rig *rig, gconstpointer data);

G_END_DECLS
