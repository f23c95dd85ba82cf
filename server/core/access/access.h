/* Who may call: the operator's secret key, and access tokens that are made with it.
 *
 * A token is BASE64URL(claims) "." BASE64URL(mac), both without padding. The claims are a JSON
 * object {"exp": unix seconds, "agent": name, "origin": origin}, the last two optional; the mac is
 * HMAC-SHA256 (RFC 2104) over the text before the dot, with a key derived from the secret. There is
 * one algorithm and nothing in a token chooses it. Nothing is looked at before the mac is right.
 * Sans-IO. Thread: any, an RpAccess is immutable. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define RP_ACCESS_MIN_LIFE_S 10
#define RP_ACCESS_MAX_LIFE_S 86400
#define RP_ACCESS_DEFAULT_LIFE_S 600
/* A minter's clock may be ahead by this much, where several servers share a secret. */
#define RP_ACCESS_CLOCK_SKEW_S 60

#define RP_ACCESS_MAX_AGENT_BYTES 128
#define RP_ACCESS_MAX_ORIGIN_BYTES 255
/* Longest text that is looked at; the longest token is shorter. */
#define RP_ACCESS_MAX_TEXT_BYTES 2048

/* What a token allows. */
typedef struct {
  char *agent;      /* (nullable) the only agent it is good for; NULL = any */
  char *origin;     /* (nullable) the only site it is good for; NULL = any, and none */
  gint64 expires_s; /* unix time */
  gboolean expired; /* when it was checked */
} RpAccessGrant;

/* NULL is legal. */
void rp_access_grant_free (RpAccessGrant *grant);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpAccessGrant, rp_access_grant_free)

typedef struct _RpAccess RpAccess;

/* @secret: the operator's key, copied as hashes alone. */
RpAccess *rp_access_new (const char *secret);
/* NULL is legal. */
void rp_access_free (RpAccess *access);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpAccess, rp_access_free)

/* An agent's name in a token: 1..128 bytes of UTF-8 without control characters. */
gboolean rp_access_agent_is_good (const char *agent);

/* @grant: its agent and origin must be good (rp_access_agent_is_good (), rp_origin_is_good ());
 * its `expired` is ignored. Returns: (transfer full): the token */
char *rp_access_mint (const RpAccess *access, const RpAccessGrant *grant);

typedef enum {
  RP_ACCESS_REFUSED, /* neither, or forged, garbled, too long, or too far in the future */
  RP_ACCESS_KEY,     /* the secret itself */
  RP_ACCESS_TOKEN,   /* a genuine token: look at its grant, and whether it has expired */
} RpAccessVerdict;

/* @text: @len bytes that somebody showed; need not be NUL-terminated. @now_s: unix time.
 * @out_grant: (transfer full) (nullable): set for RP_ACCESS_TOKEN, else NULL. Takes as long whether
 * it is nearly right or not at all. */
RpAccessVerdict rp_access_check (const RpAccess *access, const char *text, gsize len, gint64 now_s,
                                 RpAccessGrant **out_grant);

G_END_DECLS
