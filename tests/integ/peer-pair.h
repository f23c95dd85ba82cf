/* Two peers on two loops of one process, for tests: what happens to them is recorded, and the
 * test's thread waits for it. */
#pragma once

#include "peer.h"

#include <glib.h>

#define RP_PAIR_FLOW_US 5000

/* No wait takes longer: the test fails instead. */
#define RP_PAIR_WATCHDOG_S 60

typedef struct {
  guint16 stream;
  gboolean binary;
  GBytes *data;
} RpPairMessage;

/* Fields below lock are written by the loop; hold pair_lock () or wait for them. */
typedef struct {
  const char *name;
  RpLoop *loop;
  RpPeer *peer;
  guint ticker;
  RpDtlsCertificate *certificate;

  guint states; /* bit mask of 1 << RpPeerState seen */
  char *reason; /* of FAILED or CLOSED */
  guint n_rtp;
  guint n_rtcp;
  GBytes *last_rtp;
  guint64 last_rtp_ticks; /* of the loop when it came */
  GBytes *last_rtcp;
  guint n_open;
  gint open_stream;
  char *open_label;
  char *open_protocol;
  guint n_closed;
  GPtrArray *messages;      /* of RpPairMessage */
  gboolean free_on_message; /* the handler frees the peer */
  gboolean free_on_state;
  gboolean restart_on_message;
  gboolean flowing; /* a packet every RP_PAIR_FLOW_US */
  gint64 flow_due_us;
  guint16 n_flowed;
  gint64 last_rtp_us;
  gint64 max_gap_us;  /* between two packets */
  guint64 n_switches; /* to a pair of an ICE restart */
} RpPairEnd;

typedef enum {
  RP_PAIR_A_NO_CANDIDATES = 1 << 0,   /* the answerer learns of the offerer by its checks alone */
  RP_PAIR_B_LATE_CANDIDATES = 1 << 1, /* the answerer's candidates are given after set_remote */
  RP_PAIR_WRONG_FINGERPRINT = 1 << 2, /* the answerer expects another certificate */
  RP_PAIR_NO_SCTP = 1 << 3,
  RP_PAIR_B_ACTIVE = 1 << 4,      /* the answerer is the DTLS client */
  RP_PAIR_NO_CANDIDATES = 1 << 5, /* neither learns of the other: ICE goes nowhere */
} RpPairFlags;

typedef struct {
  RpPairEnd a; /* the offerer */
  RpPairEnd b; /* the answerer */
} RpPair;

RpPair *rp_pair_new (void);
void rp_pair_free (RpPair *pair);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpPair, rp_pair_free)

/* Sets each end's remote description. */
void rp_pair_exchange (RpPair *pair, RpPairFlags flags);
/* Exchanges and waits until both are CONNECTED. */
void rp_pair_connect (RpPair *pair, RpPairFlags flags);

/* Waits until condition (with the lock held) holds or the watchdog ends the test. */
typedef gboolean (*RpPairCondition) (RpPairEnd *end, gpointer data);
void rp_pair_wait (RpPairEnd *end, RpPairCondition condition, gpointer data, const char *what);
void rp_pair_wait_state (RpPairEnd *end, RpPeerState state);
void rp_pair_wait_messages (RpPairEnd *end, guint n);
void rp_pair_wait_rtp (RpPairEnd *end, guint n);
void rp_pair_wait_open (RpPairEnd *end, guint n); /* channels */

/* These run on the end's loop. */
gint rp_pair_open (RpPairEnd *end, const char *label, const char *protocol);
gboolean rp_pair_send (RpPairEnd *end, guint16 stream, gboolean binary, const void *data, gsize len,
                       GError **error);
gboolean rp_pair_send_rtp (RpPairEnd *end, guint16 sequence);
gboolean rp_pair_send_rtcp (RpPairEnd *end);
void rp_pair_close_channel (RpPairEnd *end, guint16 stream);
void rp_pair_close (RpPairEnd *end);
void rp_pair_free_peer (RpPairEnd *end);
void rp_pair_input (RpPairEnd *end, const guint8 *data, gsize len);
void rp_pair_counters (RpPairEnd *end, RpPeerCounters *out);
/* What only the loop may look at. */
typedef struct {
  RpPeerState state;
  RpPeerTimes times;
  guint n_rtp;
  guint n_flowed;
  gint64 max_gap_us;
} RpPairLook;
RpPairLook rp_pair_look (RpPairEnd *end);

/* ICE restarts. The offerer begins, the answerer takes what it says and answers, the offerer takes
 * that. */
void rp_pair_begin_restart (RpPairEnd *offerer);
void rp_pair_answer_restart (RpPairEnd *answerer, const RpPairEnd *offerer);
void rp_pair_finish_restart (RpPairEnd *offerer, const RpPairEnd *answerer);
/* The same with a wrong password of the other side: who has it can have no pair. */
void rp_pair_answer_deaf (RpPairEnd *answerer, const RpPairEnd *offerer);
void rp_pair_finish_deaf (RpPairEnd *offerer, const RpPairEnd *answerer);
/* An answer that is under way. */
typedef struct _RpPairAnswer RpPairAnswer;
RpPairAnswer *rp_pair_keep_answer (const RpPairEnd *answerer);
void rp_pair_answer_free (RpPairAnswer *answer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpPairAnswer, rp_pair_answer_free)
/* It comes; @again: and before anything else happens the offerer begins another restart. */
void rp_pair_take_answer (RpPairEnd *offerer, const RpPairAnswer *answer, gboolean again);
/* All three. */
void rp_pair_restart (RpPair *pair);
/* The offerer is on another address from now on, and has begun a restart. */
void rp_pair_move (RpPairEnd *offerer, const char *address);
void rp_pair_wait_switches (RpPairEnd *end, guint n);
/* For the last one. */
void rp_pair_wait_restarted (RpPairEnd *end);
/* Numbered packets from both ends, or no longer. */
void rp_pair_flow (RpPair *pair, gboolean flowing);
/* Files that this process has open. */
guint rp_pair_count_fds (void);
