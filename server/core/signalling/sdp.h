/* Session descriptions (RFC 8866) as WebRTC uses them (JSEP, RFC 8829): what browsers, aiortc, the
 * Pipecat and OpenAI clients and WHIP senders offer, and what we answer. One BUNDLE group,
 * rtcp-mux, one Opus audio m-line, one data channel m-line; anything else is kept in its place and
 * left unused. Thread: any. */
#pragma once

#include "candidate.h"
#include <glib.h>

G_BEGIN_DECLS

/* Chromium's offer with every codec and candidate has about 8 KB and 32 m-lines are more than any
 * client makes. */
#define RP_SDP_MAX_BYTES 65536
#define RP_SDP_MAX_LINE_BYTES 4096
#define RP_SDP_MAX_MEDIA 32
#define RP_SDP_MAX_CODECS 128 /* payload types are seven bits */
#define RP_SDP_MAX_FINGERPRINTS 8
#define RP_SDP_MAX_MID 63
#define RP_SDP_MAX_ID 127 /* cname, stream and track id */

/* What the application m-line of ours says. */
#define RP_SDP_SCTP_PORT 5000
#define RP_SDP_MAX_MESSAGE_BYTES 262144
/* RFC 8841 section 6: the peer's limit when it states none. */
#define RP_SDP_DEFAULT_MESSAGE_BYTES 65536

#define RP_SDP_ERROR (rp_sdp_error_quark ())
GQuark rp_sdp_error_quark (void);

typedef enum {
  RP_SDP_ERROR_INVALID,     /* not SDP, or it contradicts itself */
  RP_SDP_ERROR_TOO_LARGE,   /* beyond a bound above */
  RP_SDP_ERROR_UNSUPPORTED, /* good SDP that we cannot serve: no BUNDLE, no rtcp-mux, no Opus, no
                               sha-256 fingerprint … */
} RpSdpError;

typedef enum {
  RP_SDP_OFFER,
  RP_SDP_ANSWER,
} RpSdpType;

typedef enum {
  RP_SDP_AUDIO,
  RP_SDP_VIDEO,
  RP_SDP_APPLICATION,
  RP_SDP_OTHER,
} RpSdpKind;

typedef enum {
  RP_SDP_SENDRECV,
  RP_SDP_SENDONLY,
  RP_SDP_RECVONLY,
  RP_SDP_INACTIVE,
} RpSdpDirection;

/* RFC 8842. ACTIVE is the DTLS client, PASSIVE the DTLS server. */
typedef enum {
  RP_SDP_SETUP_NONE,
  RP_SDP_SETUP_ACTPASS,
  RP_SDP_SETUP_ACTIVE,
  RP_SDP_SETUP_PASSIVE,
} RpSdpSetup;

/* A sha-256 certificate hash; other hash functions are ignored when read (RFC 8122 section 5.1). */
typedef struct {
  guint8 sha256[32];
} RpSdpFingerprint;

typedef struct {
  guint8 payload_type;
  char name[32];      /* "" when neither rtpmap nor RFC 3551 names it */
  guint32 clock_rate; /* Hz */
  guint8 channels;
  char *fmtp; /* (nullable) */
} RpSdpCodec;

typedef struct {
  RpSdpKind kind;
  char media[32]; /* the word of the m= line */
  guint16 port;   /* 0 without bundle_only: rejected or stopped */
  char protocol[32];
  char format[64];              /* first format of the m= line as text */
  GArray *codecs;               /* of RpSdpCodec, in the order of the m= line; empty unless RTP */
  char mid[RP_SDP_MAX_MID + 1]; /* "" when not given */
  RpSdpDirection direction;
  gboolean rtcp_mux;
  gboolean bundle_only;
  gboolean bundled; /* its mid is in the BUNDLE group */
  /* Of the media level, or taken over from the session level. */
  RpSdpSetup setup;
  char ice_ufrag[RP_ICE_MAX_CREDENTIAL + 1];
  char ice_pwd[RP_ICE_MAX_CREDENTIAL + 1];
  gboolean trickle;
  RpSdpFingerprint fingerprints[RP_SDP_MAX_FINGERPRINTS];
  guint n_fingerprints;
  RpCandidate candidates[RP_CANDIDATE_MAX];
  guint n_candidates;
  guint n_skipped_candidates; /* mDNS, malformed, or beyond RP_CANDIDATE_MAX */
  gboolean end_of_candidates;
  char stream_id[RP_SDP_MAX_ID + 1]; /* a=msid; "" when not given */
  char track_id[RP_SDP_MAX_ID + 1];
  guint32 ssrc; /* the first named; 0 when none is */
  char cname[RP_SDP_MAX_ID + 1];
  gboolean sctpmap;  /* the form before RFC 8841, which aiortc still writes: the port in the m= line
                        and  a=sctpmap */
  guint16 sctp_port; /* 0 when not given */
  gboolean has_max_message_size;
  guint64 max_message_size; /* bytes; 0 = no limit */
} RpSdpMedia;

typedef struct {
  guint64 session_id;
  guint64 session_version;
  gboolean ice_lite;
  gboolean has_bundle;
  /* Indices into media in the order of the BUNDLE group; the first carries the transport. */
  guint bundle[RP_SDP_MAX_MEDIA];
  guint n_bundle;
  GPtrArray *media; /* of RpSdpMedia, in order */
} RpSdp;

/* Parses an offer or answer. Unknown lines and attributes are skipped, candidates that are no use
 * are counted and skipped, a bad value in an attribute we read is an error naming the line. @len in
 * bytes. Returns: (transfer full); NULL with @error set. */
RpSdp *rp_sdp_parse (const char *text, gsize len, GError **error);

/* Parses application/trickle-ice-sdpfrag (RFC 8840), the body of a WHIP PATCH: session lines and
 * m-lines are optional. A fragment without m-lines gives one m-line of kind RP_SDP_OTHER that holds
 * what it said. */
RpSdp *rp_sdp_parse_fragment (const char *text, gsize len, GError **error);

/* Returns: (transfer none) (nullable): the m-line that carries the transport: the first of the
 * BUNDLE group, or without a group the first with ICE credentials. */
RpSdpMedia *rp_sdp_transport (const RpSdp *sdp);

/* What a fragment says of ICE; no pointers in it. */
typedef struct {
  char ice_ufrag[RP_ICE_MAX_CREDENTIAL + 1]; /* "" when it names none, and so is the next */
  char ice_pwd[RP_ICE_MAX_CREDENTIAL + 1];
  RpCandidate candidates[RP_CANDIDATE_MAX]; /* each with the ufrag it is for, if that is known */
  guint n_candidates;
  guint n_skipped_candidates;
  gboolean end_of_candidates;
} RpSdpFragment;

/* The ICE side of @fragment, which rp_sdp_parse_fragment () made. With several m-lines, those of
 * the first one's credentials count: they share a transport. Fails with INVALID when there is a
 * ufrag without password or the other way round. @out is written on success only. */
gboolean rp_sdp_fragment_summary (const RpSdp *fragment, RpSdpFragment *out, GError **error);

/* Writes application/trickle-ice-sdpfrag of a description (an answer of ours): its BUNDLE group and
 * of the m-line with the transport the mid, ICE credentials and candidates (RFC 8840 section 9, RFC
 * 9725 section 4.3.3). Returns: (transfer full): the text, with CRLF line ends. */
char *rp_sdp_write_fragment (const RpSdp *sdp);

void rp_sdp_free (RpSdp *sdp);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpSdp, rp_sdp_free)

/* Returns: (transfer full): the text, with CRLF line ends. Everything is at the media level. */
char *rp_sdp_write (const RpSdp *sdp);

/* Returns: (transfer none) (nullable): NULL beyond the last. */
const RpSdpMedia *rp_sdp_media (const RpSdp *sdp, guint index);

/* What we say of ourselves. Strings are borrowed for the call. Ids must be SDP tokens of at most
 * RP_SDP_MAX_ID bytes. */
typedef struct {
  guint64 session_id;      /* < 2^63, random per peer connection */
  guint64 session_version; /* counts up with every description of this peer connection */
  const char *ice_ufrag;
  const char *ice_pwd;
  guint8 fingerprint[32]; /* sha-256 of our certificate */
  const RpCandidate *candidates;
  guint n_candidates;
  gboolean end_of_candidates;
  const char *stream_id; /* of the agent's audio; never "-", or stock clients play nothing */
  const char *track_id;
  const char *cname;
  guint32 ssrc;
  /* The DTLS role to keep on a connection that has one (RFC 8842 section 5.5), ACTIVE or PASSIVE;
   * NONE: the offer decides. */
  RpSdpSetup setup;
  gboolean offer_red; /* rp_sdp_offer () only */
} RpSdpLocal;

/* Answers @offer: same m-lines in the same order with the same mids. The first usable audio m-line
 * is answered with Opus, before it redundant audio (RFC 2198) when that is offered for it, which
 * makes browsers send it, and the mirrored direction, the first data channel m-line is
 * accepted, and every other RTP m-line stays in the bundle as inactive with its first codec echoed
 * (clients that find tracks by mid need it kept); what cannot even be kept gets port 0. Fails with
 * what rp_sdp_remote_summary () fails with. Returns: (transfer full); NULL with @error set. */
RpSdp *rp_sdp_answer (const RpSdp *offer, const RpSdpLocal *local, GError **error);

/* An offer of ours, for the headless caller: audio sendrecv with Opus, and redundant audio when
 * @local says so, as mid 0, data channels as mid 1, actpass. Returns: (transfer full) */
RpSdp *rp_sdp_offer (const RpSdpLocal *local);

/* What a transport needs to know of the peer; no pointers in it. */
typedef struct {
  char ice_ufrag[RP_ICE_MAX_CREDENTIAL + 1];
  char ice_pwd[RP_ICE_MAX_CREDENTIAL + 1];
  gboolean ice_lite; /* then we are controlling, whoever offered (RFC 8445 section 6.1.1) */
  gboolean trickle;
  RpSdpFingerprint fingerprints[RP_SDP_MAX_FINGERPRINTS]; /* any of them may match */
  guint n_fingerprints;                                   /* ≥ 1 */
  RpSdpSetup
      local_setup; /* our role: RP_SDP_SETUP_ACTIVE (client) or RP_SDP_SETUP_PASSIVE (server) */
  RpCandidate candidates[RP_CANDIDATE_MAX];
  guint n_candidates;
  guint n_skipped_candidates;
  gboolean end_of_candidates;

  gboolean has_audio;
  char audio_mid[RP_SDP_MAX_MID + 1];
  RpSdpDirection audio_direction; /* ours: the peer's, mirrored */
  guint8 opus_payload_type;
  guint8 red_payload_type; /* of redundant audio (RFC 2198) over that Opus; 0 = none */
  gboolean opus_fec;       /* the peer likes in-band FEC (RFC 7587 useinbandfec) */
  guint32 audio_ssrc;      /* the peer's; 0 when it names none */

  gboolean has_data;
  char data_mid[RP_SDP_MAX_MID + 1];
  guint16 sctp_port;        /* the peer's */
  guint32 max_message_size; /* bytes the peer takes in one message; G_MAXUINT32 = no limit */
} RpSdpRemote;

/* Checks that we can talk to @remote and says how. @type is what @remote is. UNSUPPORTED names what
 * is missing: BUNDLE (when more than one m-line lives), rtcp-mux, ICE credentials, a sha-256
 * fingerprint, Opus, anything live at all.
 * @out is written on success only. */
gboolean rp_sdp_remote_summary (const RpSdp *remote, RpSdpType type, RpSdpRemote *out,
                                GError **error);

/* The direction of the other side: SENDONLY and RECVONLY change places. */
RpSdpDirection rp_sdp_direction_mirror (RpSdpDirection direction);
/* "sendrecv", … */
const char *rp_sdp_direction_name (RpSdpDirection direction);

G_END_DECLS
