/* One call: the peer connection, the media, the client's messages and the worker, on one media
 * loop for life.
 *
 * Everything here runs on the session's loop, the events too. The session is made by the registry
 * (registry.h), which carries everything between the main thread and the loop. */
#pragma once

#include "call-stats.h"
#include "peer.h"
#include "timeline.h"
#include "worker-link.h"

#include <glib.h>

G_BEGIN_DECLS

/* No datagram for this long while a new connection of the client may still replace a failed one. */
#define RP_SESSION_RECONNECT_US (15 * G_USEC_PER_SEC)
/* A call may go through this many workers within RP_SESSION_RESTART_WINDOW_US. */
#define RP_SESSION_MAX_RESTARTS 5
#define RP_SESSION_RESTART_WINDOW_US (30 * G_USEC_PER_SEC)
/* A client that offered a data channel but does not get it open is waited for no longer. */
#define RP_SESSION_READY_WAIT_US (400 * 1000)
/* Nor is one that sends nothing, whose keys cannot be seen: its share of a lost last flight of DTLS
 * (RFC 6347, 4.2.4: sent again after 1 s). One with a data channel sends as soon as it has keys. */
#define RP_SESSION_KEYS_WAIT_US (2 * G_USEC_PER_SEC)
#define RP_SESSION_KEYS_WAIT_DATA_US (10 * G_USEC_PER_SEC)
#define RP_SESSION_SNAPSHOT_US (1 * G_USEC_PER_SEC)
/* A call's ICE or connection restarts this often within RP_SESSION_ICE_WINDOW_US, then the client
 * is told to stop: far more than a phone between two networks needs. */
#define RP_SESSION_MAX_ICE_RESTARTS 20
#define RP_SESSION_ICE_WINDOW_US (60 * G_USEC_PER_SEC)

#define RP_SESSION_ERROR (rp_session_error_quark ())
GQuark rp_session_error_quark (void);
typedef enum {
  RP_SESSION_ERROR_INVALID, /* the offer: the client's fault */
  RP_SESSION_ERROR_GONE,    /* the call has ended */
  RP_SESSION_ERROR_BUSY, /* the loop has too much to do, or has been asked too much by the client */
  RP_SESSION_ERROR_FAILED, /* ours */
} RpSessionError;

typedef struct {
  RpLoop *loop;
  RpDtlsCertificate *certificate;
  const char *const *ice_address; /* see RpPeerConfig.local_addresses */
  gboolean with_loopback;
  guint16 udp_port_min;
  guint16 udp_port_max;
  const char *const *public_address; /* added to the answer for every port of ours */
  RpIceTcp *ice_tcp;                 /* (nullable), as of RpPeerConfig */
  gint64 connect_timeout_us;
  gint64 inactivity_timeout_us;
  const char *call;         /* the id */
  const char *agent;        /* its name */
  const char *request_data; /* (nullable) JSON object for the agent: what the application knows */
  guint complexity;         /* of the agent's Opus encoder, 0 to 10, at the beginning */
} RpSessionConfig;

/* An offer, already parsed and checked. */
typedef struct {
  RpSdp *sdp;
  RpSdpRemote *remote;
  gboolean restart; /* a new connection of the client for the same call */
  gint64 received_us;
} RpSessionOffer;
void rp_session_offer_free (RpSessionOffer *offer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpSessionOffer, rp_session_offer_free)

typedef struct _RpSession RpSession;

/* All must be set. */
typedef struct {
  /* The worker is gone, get another: rp_session_set_worker () or rp_session_no_worker (). */
  void (*need_worker) (gpointer user_data);
  void (*connected) (gpointer user_data);
  void (*snapshot) (const RpCallSnapshot *snapshot, gpointer user_data);
  void (*latencies) (const RpLatencies *latencies, gpointer user_data);
  void (*timeline) (const RpTimelineEvent *event, gpointer user_data);
  /* The last event, after the timeline's. @failed: it ended by a fault and not by somebody's will.
   * The session is to be freed, outside of this call. */
  void (*ended) (const char *reason, gboolean failed, gpointer user_data);
} RpSessionEvents;

/* Makes and drops what the libraries set up with their first use (types, NSS, the silence frame):
 * 20 ms that the first call would wait. */
void rp_session_warm_up (const RpSessionConfig *config);

/* @config is borrowed for the session's life. Returns: (transfer full) */
RpSession *rp_session_new (const RpSessionConfig *config, const RpSessionEvents *events,
                           gpointer user_data);
void rp_session_free (RpSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpSession, rp_session_free)

/* Answers an offer: the first one, one of the same connection, or one of a new connection. One of
 * the same connection with other ICE credentials restarts ICE (RFC 8839 section 4.4.1.1.1) under
 * the running DTLS, SRTP and SCTP; its certificate must be the same.
 * @offer: (transfer none). Returns: (transfer full) (nullable): the SDP */
char *rp_session_answer (RpSession *session, const RpSessionOffer *offer, GError **error);

/* An ICE restart that came as a fragment (WHIP's PATCH) instead of an offer: @fragment has the
 * client's new credentials. With those that are in use already nothing restarts, and the answer is
 * that of before. Fails as rp_session_answer () does, with INVALID also when it happens too often.
 * Returns: (transfer full) (nullable): the fragment (application/trickle-ice-sdpfrag) to answer
 * with */
char *rp_session_restart_ice (RpSession *session, const RpSdpFragment *fragment, GError **error);

/* Trickled candidates of the client; those that name another ufrag than its current one are
 * ignored. */
void rp_session_add_candidates (RpSession *session, const RpCandidate *candidates, guint n);

/* @link: (transfer full). The conversation begins, or goes on. */
void rp_session_set_worker (RpSession *session, RpWorkerLink *link);
/* Of the agent's Opus encoder, 0 to 10. */
void rp_session_set_complexity (RpSession *session, guint complexity);
/* There is none to be had: the call ends with a word to the client. */
void rp_session_no_worker (RpSession *session);

/* The server is going down: the worker brings the conversation to an end. */
void rp_session_drain (RpSession *session);
/* Ends the call in order; ended () follows. @end: whose doing it is. */
void rp_session_end (RpSession *session, RpTimelineEnd end, const char *reason);

G_END_DECLS
