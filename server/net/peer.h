/* One WebRTC connection: ICE, DTLS, SRTP and SCTP joined, with one bundled audio transport
 * (rtcp-mux) and data channels.
 *
 * A peer belongs to one RpLoop: every call is made on that loop's thread and every event arrives
 * there. Events may come from inside any call but rp_peer_close, rp_peer_free and the getters;
 * every call, rp_peer_free included, is allowed inside an event. The owner calls rp_peer_tick ()
 * once per tick.
 *
 *   NEW ──set_remote──> CHECKING ──ICE has a pair──> SECURING ──DTLS done──> CONNECTED ──> CLOSED
 *                           └────────────────────────────┴──> FAILED
 *
 * CLOSED: the other side or we hung up, or its SCTP association died. What the handshake costs is
 * done when the loop has time for it (rp_loop_add_slow); DTLS records of an open connection, and
 * media, are read as they come.
 */
#pragma once

#include "candidate.h"
#include "dtls.h"
#include "ice-tcp.h"
#include "loop.h"
#include "sdp.h"
#include "srtp.h"

#include <glib.h>

#define RP_PEER_CONNECT_TIMEOUT_US (30 * G_USEC_PER_SEC)
/* Largest data-channel message we accept (a=max-message-size of our SDP) and, whatever the peer
 * says, send. */
#define RP_PEER_MAX_MESSAGE_SIZE 262144
/* The only SCTP port ever used (a=sctp-port). */
#define RP_PEER_SCTP_PORT 5000
/* Room a buffer needs behind the packet in rp_peer_send_rtp () and rp_peer_send_rtcp (). */
#define RP_PEER_TAILROOM RP_SRTP_TAILROOM

#define RP_PEER_ERROR (rp_peer_error_quark ())
GQuark rp_peer_error_quark (void);
typedef enum {
  RP_PEER_ERROR_SETUP,   /* ours: no socket, no certificate, no thread */
  RP_PEER_ERROR_INVALID, /* the remote description or an argument is unusable */
  RP_PEER_ERROR_STATE,   /* not now: wrong state, or no such channel */
  RP_PEER_ERROR_FULL,    /* the send queue is full; try again later or give up */
} RpPeerError;

typedef enum {
  RP_PEER_STATE_NEW,
  RP_PEER_STATE_CHECKING,
  RP_PEER_STATE_SECURING,
  RP_PEER_STATE_CONNECTED,
  RP_PEER_STATE_FAILED,
  RP_PEER_STATE_CLOSED,
} RpPeerState;

/* "new", "checking"… Returns: (transfer none), never NULL. */
const char *rp_peer_state_name (RpPeerState state);

typedef enum {
  RP_PEER_OFFERER,  /* ICE controlling; the role too of who answers an ice-lite offer */
  RP_PEER_ANSWERER, /* ICE controlled */
} RpPeerRole;

typedef struct {
  RpPeerRole role;
  RpDtlsCertificate *certificate; /* a reference is taken */
  /* Addresses to gather on, NULL-terminated; NULL or empty = every IPv4 and IPv6 address of an
   * interface that is up, link-local and loopback excepted (a machine with nothing else gets
   * 127.0.0.1). */
  const char *const *local_addresses;
  gboolean with_loopback; /* with the default addresses, also 127.0.0.1 */
  guint16 port_min; /* UDP ports to choose from, inclusive; 0, 0 = the kernel's ephemeral range */
  guint16 port_max;
  RpIceTcp *ice_tcp; /* (nullable), as of RpIceConfig; outlives the peer */
  gint64
      connect_timeout_us; /* from rp_peer_set_remote to CONNECTED; 0 = RP_PEER_CONNECT_TIMEOUT_US */
} RpPeerConfig;

/* What our SDP must say. Owned by the peer, fixed after rp_peer_new but for what an ICE restart
 * changes: ufrag, pwd and candidates. */
typedef struct {
  const char *ufrag;
  const char *pwd;
  const char *fingerprint; /* SHA-256, "AB:CD:…" */
  const guint8 *digest;    /* the same as 32 bytes */
  const RpCandidate *candidates;
  gsize n_candidates;
} RpPeerLocal;

/* What the other side's SDP said, as rp_sdp_remote_summary () has it; all borrowed for the call. */
typedef struct {
  const char *ufrag;                    /* 4..256 characters */
  const char *pwd;                      /* 22..256 characters */
  const RpSdpFingerprint *fingerprints; /* one of them must match; at least one */
  gsize n_fingerprints;
  RpSdpSetup local_setup;   /* our DTLS role: RP_SDP_SETUP_ACTIVE (client) or _PASSIVE (server) */
  guint16 sctp_port;        /* a=sctp-port; 0 = no data channels */
  guint32 max_message_size; /* bytes the peer takes in one message; 0 or G_MAXUINT32 = no limit */
  const RpCandidate *candidates; /* may be none: its own checks then tell us where it is */
  gsize n_candidates;
} RpPeerRemote;

/* The ICE part of it, for an ICE restart. */
typedef struct {
  const char *ufrag;
  const char *pwd;
  const RpCandidate *candidates;
  gsize n_candidates;
} RpPeerIceRemote;

typedef struct _RpPeer RpPeer;

/* Each may be NULL. user_data as given to rp_peer_new; pointers are borrowed for the call. */
typedef struct {
  /* reason is never NULL; "" on the way up, the cause for FAILED and CLOSED. Not called for our own
   * rp_peer_close. */
  void (*state_changed) (RpPeer *peer, RpPeerState state, const char *reason, gpointer user_data);
  /* A decrypted, authenticated RTP packet, not yet parsed: at least 12 bytes of version 2. packet
   * may be written to. */
  void (*rtp) (RpPeer *peer, guint8 *packet, gsize len, gint64 arrival_us, gpointer user_data);
  /* A decrypted, authenticated compound RTCP packet, not yet parsed; at least 8 bytes. */
  void (*rtcp) (RpPeer *peer, guint8 *packet, gsize len, gint64 arrival_us, gpointer user_data);
  /* A channel is usable: the remote opened it, or it confirmed ours. label and protocol are valid
   * UTF-8. */
  void (*channel_open) (RpPeer *peer, guint16 stream, const char *label, const char *protocol,
                        gpointer user_data);
  /* A whole message. data is NUL-terminated behind len for convenience; a string message is not
   * checked for UTF-8. */
  void (*message) (RpPeer *peer, guint16 stream, gboolean binary, const guint8 *data, gsize len,
                   gpointer user_data);
  void (*channel_closed) (RpPeer *peer, guint16 stream, gpointer user_data);
} RpPeerEvents;

typedef struct {
  guint64 datagrams_in; /* what ICE let through; STUN is not counted */
  guint64 bytes_in;
  guint64 datagrams_out;
  guint64 bytes_out;
  guint64 send_failed;        /* the socket or ICE refused */
  guint64 unknown_class;      /* first byte of no protocol we speak (RFC 7983) */
  guint64 too_early;          /* media before the keys, DTLS beyond the queue of the handshake */
  guint64 candidates_refused; /* remote candidates beyond the limit of 25, or unusable */
  guint64 ice_restarts;       /* begun */
  guint64 ice_switches;       /* of them: a pair was nominated and is in use */
  guint ice_generations;      /* now, as of RpPathCounters */
  gboolean ice_restarting;    /* now: the last restart has no pair yet */
  RpSrtpCounters srtp;
  RpDtlsCounters dtls;
  guint64 messages_in;
  guint64 messages_out;
  guint64 message_errors; /* messages that were too long, of unknown kind or for no open channel */
  guint64 sctp_dropped;   /* SCTP packets dropped because a queue between threads was full */
} RpPeerCounters;

/* Monotonic times, 0 = not yet. */
typedef struct {
  gint64 created_us;
  gint64 remote_set_us;
  gint64 ice_ready_us;
  gint64 dtls_done_us;
  gint64 last_activity_us; /* last datagram of any kind that ICE let through; the caller's
                              inactivity timer runs on this */
} RpPeerTimes;

/* Starts what the libraries start once per process, which takes about 50 ms: at start-up, or the
 * first call pays for it. Starts a thread, so a process forks before, not after. Thread: any. */
gboolean rp_peer_init (GError **error);

/* Makes the agent and gathers host candidates before it returns. Returns: (transfer full)
 * (nullable). */
RpPeer *rp_peer_new (RpLoop *loop, const RpPeerConfig *config, const RpPeerEvents *events,
                     gpointer user_data, GError **error);

/* Hangs up if need be and drops everything; no event comes after it. NULL is legal. */
void rp_peer_free (RpPeer *peer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpPeer, rp_peer_free)

/* Returns: (transfer none). */
const RpPeerLocal *rp_peer_local (const RpPeer *peer);

/* Once, in state NEW: starts checking. On FALSE nothing has changed and another description may be
 * tried. */
gboolean rp_peer_set_remote (RpPeer *peer, const RpPeerRemote *remote, GError **error);

/* ICE anew under the same DTLS, SRTP and SCTP (RFC 8445 section 9), in CHECKING, SECURING and
 * CONNECTED, whether the present path lives or not: rp_peer_local () has another ufrag, password
 * and other candidates on return. Packets go over the present pair, and its checks are answered,
 * until a new one is nominated. One restart may follow the other at any time; one that was
 * overtaken may come through all the same (path.h). */
gboolean rp_peer_begin_ice_restart (RpPeer *peer, GError **error);
/* Then, at once or when the other side has answered: what it says now. Candidates trickle as ever.
 */
gboolean rp_peer_set_ice_remote (RpPeer *peer, const RpPeerIceRemote *remote, GError **error);
/* Both at once, as an answerer does; all or nothing. */
gboolean rp_peer_restart_ice (RpPeer *peer, const RpPeerIceRemote *remote, GError **error);
/* For clients: the network has changed. The present path is dropped without a word to the other
 * side, and the restart that begins gathers on @addresses, as later ones will. */
gboolean rp_peer_move (RpPeer *peer, const char *const *addresses, GError **error);

/* A trickled candidate, in any state (before rp_peer_set_remote it is kept). Returns FALSE when it
 * is of no use to us (TCP, component 2, an mDNS name, one too many): counted, harmless. */
gboolean rp_peer_add_remote_candidate (RpPeer *peer, const RpCandidate *candidate);

/* Timers: the DTLS handshake, the connect timeout. Every tick. */
void rp_peer_tick (RpPeer *peer, gint64 now_us);

/* Sends one packet: buf holds len bytes of plain packet in size bytes, size - len >=
 * RP_PEER_TAILROOM; it is protected in place. Returns FALSE (counted) when not CONNECTED or
 * refused. */
gboolean rp_peer_send_rtp (RpPeer *peer, guint8 *buf, gsize len, gsize size);
gboolean rp_peer_send_rtcp (RpPeer *peer, guint8 *buf, gsize len, gsize size);

/* In state CONNECTED, with an sctp_port: asks for an ordered, reliable channel (RFC 8832). Messages
 * may be sent on it at once; channel_open comes when the other side has confirmed. Returns the
 * stream, or -1 with an error. */
gint rp_peer_open_channel (RpPeer *peer, const char *label, const char *protocol, GError **error);

/* Ordered and reliable. len may be 0. Errors: STATE (no such channel), INVALID (longer than the
 * peer takes), FULL. */
gboolean rp_peer_send_message (RpPeer *peer, guint16 stream, gboolean binary, const void *data,
                               gsize len, GError **error);
/* channel_closed follows when the other side has reset its half too. */
void rp_peer_close_channel (RpPeer *peer, guint16 stream);

/* Hangs up in order (DTLS close_notify): the state is CLOSED on return, with reason. Messages not
 * yet sent are lost. */
void rp_peer_close (RpPeer *peer, const char *reason);

RpPeerState rp_peer_state (const RpPeer *peer);
const char *rp_peer_reason (const RpPeer *peer);
void rp_peer_counters (const RpPeer *peer, RpPeerCounters *out);
void rp_peer_times (const RpPeer *peer, RpPeerTimes *out);
/* "192.0.2.1:40000" of the selected pair's remote end, for a log that may hold addresses. Returns:
 * (transfer full) (nullable). */
char *rp_peer_remote_address (const RpPeer *peer);

/* For tools that impair their own network: protected RTP and RTCP go to tap instead of the socket
 * and from there on by rp_peer_send_protected (), now, later, twice or never. tap NULL = as usual.
 */
void rp_peer_set_media_tap (RpPeer *peer,
                            void (*tap) (const guint8 *data, gsize len, gpointer user_data),
                            gpointer user_data);
gboolean rp_peer_send_protected (RpPeer *peer, const guint8 *data, gsize len);

/* For tests: hands a datagram to the peer as if ICE had let it through. */
void rp_peer_test_input (RpPeer *peer, const guint8 *data, gsize len);
