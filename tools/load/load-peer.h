/* One WebRTC connection of a caller that is one of many: RpPeer's job with the same DTLS, SRTP and
 * SCTP, but an ICE of its own that knows one IPv4 socket and one candidate at a time, and no more
 * work per packet than the packet needs.
 *
 * All calls on the loop's thread. rp_load_peer_free () is allowed in an event. */
#pragma once

#include "dtls.h"
#include "loop.h"
#include "sdp.h"
#include "sockets.h"
#include "srtp.h"

#include <glib.h>

/* Room a buffer needs behind the packet when it is sent. */
#define RP_LOAD_PEER_TAILROOM RP_SRTP_TAILROOM

typedef enum {
  RP_LOAD_PEER_NEW,
  RP_LOAD_PEER_CHECKING,
  RP_LOAD_PEER_SECURING,
  RP_LOAD_PEER_CONNECTED,
  RP_LOAD_PEER_CLOSED, /* the other side hung up */
  RP_LOAD_PEER_FAILED,
} RpLoadPeerState;

typedef struct _RpLoadPeer RpLoadPeer;

typedef struct {
  void (*state) (RpLoadPeerState state, const char *reason, gpointer user_data);
  /* The first datagram of a handshake has come. */
  void (*handshake) (gpointer user_data);
  /* An RTP packet as it came, protected; rp_load_peer_unprotect () may follow. */
  void (*rtp) (guint8 *packet, gsize len, gint64 arrival_us, gpointer user_data);
  /* RTCP in plain. */
  void (*rtcp) (const guint8 *packet, gsize len, gint64 arrival_us, gpointer user_data);
  void (*channel_open) (guint16 stream, gpointer user_data);
  void (*message) (const char *text, gsize len, gpointer user_data);
} RpLoadPeerEvents;

typedef struct {
  RpLoop *loop;
  RpLoadSockets *sockets;
  RpDtlsCertificate *certificate; /* a reference is taken */
  struct in_addr address;
  gint64 timeout_us; /* from the answer to CONNECTED */
} RpLoadPeerConfig;

RpLoadPeer *rp_load_peer_new (const RpLoadPeerConfig *config, const RpLoadPeerEvents *events,
                              gpointer user_data, GError **error);
/* Without a word to the other side. NULL is legal. */
void rp_load_peer_free (RpLoadPeer *peer);

/* Fills in what the offer says of ICE and DTLS; candidate is storage for the one it points to. */
void rp_load_peer_describe (const RpLoadPeer *peer, RpSdpLocal *local, RpCandidate *candidate);

/* Candidates that are not of this machine are left out. */
gboolean rp_load_peer_set_remote (RpLoadPeer *peer, const RpSdpRemote *remote, GError **error);

/* Timers; every tick before CONNECTED, 50 times a second afterwards. */
void rp_load_peer_tick (RpLoadPeer *peer, gint64 now_us);

/* In place; buf has size bytes. */
gboolean rp_load_peer_protect (RpLoadPeer *peer, gboolean rtcp, guint8 *buf, gsize *len,
                               gsize size);
gboolean rp_load_peer_send (RpLoadPeer *peer, const guint8 *data, gsize len);
/* In place, of a packet handed to the rtp event. */
gboolean rp_load_peer_unprotect (RpLoadPeer *peer, guint8 *packet, gsize *len);

/* Returns the stream or -1. */
gint rp_load_peer_open_channel (RpLoadPeer *peer, const char *label, GError **error);
gboolean rp_load_peer_send_text (RpLoadPeer *peer, guint16 stream, const char *text,
                                 GError **error);
/* DTLS close_notify. */
void rp_load_peer_hang_up (RpLoadPeer *peer);

/* Whether an address is loopback or of an interface of this machine. Thread: any. */
gboolean rp_load_address_is_local (struct in_addr address);
