/* ICE candidates as RFC 8839 section 5.1 and RFC 6544 write them. Parsed here and not by libnice,
 * whose parser takes port 0, priority 0 and component 2, cuts priorities off silently and knows
 * only the "a=" form. Thread: any. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Remote candidates kept per session: NICE_AGENT_MAX_REMOTE_CANDIDATES. */
#define RP_CANDIDATE_MAX 25
/* Longest line that is looked at, bytes. Browsers write less than 250. */
#define RP_CANDIDATE_MAX_LINE_BYTES 1024
/* Room for what rp_candidate_write () makes, NUL included. */
#define RP_CANDIDATE_MAX_TEXT_BYTES 512
/* RFC 8839 section 5.4: ice-ufrag and ice-pwd have at most 256 characters. */
#define RP_ICE_MAX_CREDENTIAL 256

#define RP_CANDIDATE_ERROR (rp_candidate_error_quark ())
GQuark rp_candidate_error_quark (void);

typedef enum {
  RP_CANDIDATE_ERROR_INVALID,  /* not a candidate: the sender is wrong, tell it */
  RP_CANDIDATE_ERROR_UNUSABLE, /* well formed, but not for us (mDNS or other host name, component 2,
                                  unknown transport or type, multicast): skip it, the peer's checks
                                  give a peer-reflexive one */
} RpCandidateError;

typedef enum {
  RP_CANDIDATE_HOST,
  RP_CANDIDATE_SRFLX,
  RP_CANDIDATE_PRFLX,
  RP_CANDIDATE_RELAY,
} RpCandidateType;

typedef enum {
  RP_CANDIDATE_UDP,
  RP_CANDIDATE_TCP_ACTIVE,
  RP_CANDIDATE_TCP_PASSIVE,
  RP_CANDIDATE_TCP_SO,
} RpCandidateTransport;

typedef struct {
  char foundation[33];
  guint component; /* 1: one component, by BUNDLE and rtcp-mux */
  RpCandidateTransport transport;
  guint32 priority; /* 1 … 2^31-1 */
  char address[46]; /* numeric IPv4 or IPv6 in its canonical form */
  guint16 port;     /* > 0 */
  RpCandidateType type;
  char related_address[46]; /* "" when not given or not numeric */
  guint16 related_port;
  char ufrag[RP_ICE_MAX_CREDENTIAL + 1]; /* the browsers' extension; "" when not given. Tells which
                                            ICE generation a trickled candidate is for */
} RpCandidate;

/* Parses one candidate: "a=candidate:…", "candidate:…" (what browsers trickle), with or without a
 * line end. @len in bytes; @text need not be NUL-terminated. The empty string, Firefox's
 * end-of-candidates, is INVALID here: ask rp_candidate_is_end () first. @out is written on success
 * only. */
gboolean rp_candidate_parse (const char *text, gsize len, RpCandidate *out, GError **error);

/* Whether @text says that no more candidates come: empty, or "end-of-candidates" with or without
 * "a=". */
gboolean rp_candidate_is_end (const char *text, gsize len);

/* Writes "candidate:…" without "a=" and line end into @out, of @size bytes
 * (RP_CANDIDATE_MAX_TEXT_BYTES always do). The ufrag is not written. Returns: bytes written without
 * the NUL; 0 when it does not fit. */
gsize rp_candidate_write (const RpCandidate *candidate, char *out, gsize size);

/* RFC 8445 section 5.1.2.1. @local_preference is larger for the better interface. */
guint32 rp_candidate_priority (RpCandidateType type, guint16 local_preference, guint component);

/* The same of a passive TCP host candidate (RFC 6544 section 4.2), below all that go over UDP but
 * relayed ones. @other_preference: 0 … 8191, larger for the better interface. */
guint32 rp_candidate_tcp_priority (guint16 other_preference);

/* "host", "srflx", "prflx" or "relay". */
const char *rp_candidate_type_name (RpCandidateType type);

G_END_DECLS
