/* STUN and TURN servers as clients are told of them: their URLs (RFC 7064, RFC 7065), as
 * RTCIceServer objects and as the Link header fields of WHIP (RFC 9725 section 4.6), with the
 * operator's fixed credentials or with some that are good for a while. The latter are what TURN
 * servers call a REST API (draft-uberti-behave-turn-rest-00; coturn's use-auth-secret): username =
 * unix time of the end ":" who, password = BASE64(HMAC-SHA1(secret, username)), so the server that
 * checks them needs to know the secret alone.
 *
 * Pure functions. Thread: any. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define RP_ICE_MAX_HOST_BYTES 253
#define RP_ICE_MAX_USER_BYTES 256

typedef struct {
  gboolean is_turn; /* or STUN */
  gboolean is_tls;  /* stuns:, turns: */
  gboolean is_tcp;  /* turn:…?transport=tcp, and all of TLS: between client and server */
  char host[RP_ICE_MAX_HOST_BYTES + 1]; /* a name or a numeric address without brackets */
  guint16 port;                         /* 3478, with TLS 5349, when none is given */
} RpIceUrl;

/* @text: "stun:host", "turn:192.0.2.1:3478?transport=tcp", "turns:[2001:db8::1]:443" … @out is
 * written on success only. */
gboolean rp_ice_url_parse (const char *text, RpIceUrl *out);

/* What may stand in a username or a password: visible ASCII but for '"' and '\', so that neither
 * JSON nor a header field needs to escape it. */
gboolean rp_ice_credential_is_good (const char *text);

typedef struct {
  const char *const *stun; /* (nullable): URLs, NULL-terminated */
  const char *const *turn; /* (nullable) */
  const char *user;        /* (nullable): for @turn, with @password, when there is no @secret */
  const char *password;    /* (nullable) */
  const char *secret;      /* (nullable): what credentials are made with */
  gint64 lifetime_s;       /* of those */
} RpIceServers;

/* For TURN, good until @until_s (unix time). @who tells one user from the other in the TURN
 * server's quota and log. @out_user, @out_password: (transfer full) */
void rp_ice_turn_credentials (const char *secret, gint64 until_s, guint32 who, char **out_user,
                              char **out_password);

/* An array of RTCIceServer, "[]" when there are none. @now_s: unix time. Returns: (transfer full)
 */
char *rp_ice_servers_to_json (const RpIceServers *servers, gint64 now_s, guint32 who);

/* The values of as many Link header fields. Returns: (transfer full): NULL-terminated */
char **rp_ice_servers_to_links (const RpIceServers *servers, gint64 now_s, guint32 who);

G_END_DECLS
