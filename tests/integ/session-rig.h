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
  guint64 n_switches; /* to a pair of an ICE restart */
  gint channel;
  GPtrArray *messages; /* of char * */
  GArray *packets;     /* of RigPacket */

  gboolean mute; /* before rig_connect: the client sends no report once it is connected */
  /* What the client sends while it talks. */
  gint64 next_send_us; /* 0 = not talking */
  guint16 sequence;
  guint32 timestamp;
  gint n_sent;          /* atomic */
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
/* The client restarts ICE, with an offer or a fragment as of WHIP. */
typedef enum {
  RIG_BY_FRAGMENT = 1 << 0,
  RIG_MOVED = 1 << 1,             /* to another address; the path of before is dead */
  RIG_ANSWER_LOST = 1 << 2,       /* the client does not hear of the answer */
  RIG_NO_CANDIDATES = 1 << 3,     /* neither is told the other's: they trickle */
  RIG_OTHER_CERTIFICATE = 1 << 4, /* in the offer */
  RIG_SAME_CREDENTIALS = 1 << 5,  /* no restart: told once more */
} RigRestart;
/* Returns: FALSE with @error set when the session refused. */
gboolean rig_restart_ice (Rig *rig, RigRestart how, GError **error);
/* Tells the session the client's candidates, for @ufrag (nullable: the present one). */
void rig_trickle (Rig *rig, const char *ufrag);
/* @data: GUINT_TO_POINTER of how many, the client's side */
gboolean rig_has_switched (Rig *rig, gconstpointer data);
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
/* What the loop counts, under the lock. */
guint rig_count (Rig *rig, const guint *counter);
void rig_wait (Rig *rig, RigCondition condition, gconstpointer data, const char *what);
/* A message of the client's that contains @data. */
gboolean rig_was_told (Rig *rig, gconstpointer data);
gboolean rig_has_ended (Rig *rig, gconstpointer data);
/* @data: GUINT_TO_POINTER of how many */
gboolean rig_heard (Rig *rig, gconstpointer data);
gboolean rig_needs_worker (Rig *rig, gconstpointer data);

G_END_DECLS
