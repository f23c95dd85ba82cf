/* A small HTTP/1.1 server on libmicrohttpd: no thread of its own, driven by the main context it
 * was made on. Routes, limits, who may come (key, access tokens, sites), CORS, static files.
 *
 * A handler is called with the whole body and either replies at once or keeps the request and
 * replies later from the same thread; meanwhile the connection sleeps. Every request gets exactly
 * one reply. Everything here: main thread. */
#pragma once

#include "access.h"

#include <glib.h>

G_BEGIN_DECLS

#define RP_HTTP_ERROR (rp_http_error_quark ())
GQuark rp_http_error_quark (void);
typedef enum {
  RP_HTTP_ERROR_LISTEN, /* the address cannot be listened on */
  RP_HTTP_ERROR_SETUP,
} RpHttpError;

/* Largest body taken; beyond it 413. An offer of a browser has less than 10 KB. */
#define RP_HTTP_MAX_BODY_BYTES (64 * 1024)
/* An oversized body is read and dropped up to here, so that the client gets to see its 413; beyond
 * it the connection is cut. */
#define RP_HTTP_MAX_DISCARD_BYTES (1024 * 1024)

typedef struct _RpHttp RpHttp;
typedef struct _RpHttpRequest RpHttpRequest;

/* @request: (transfer full): to be given back by one of the reply functions. */
typedef void (*RpHttpHandler) (RpHttpRequest *request, gpointer user_data);

/* Who may come, when the server has a key: at most one of the first three. A body's type is
 * checked, and that there is one, before the handler is called: 415, 411. */
typedef enum {
  RP_HTTP_AUTH_KEY = 1 << 0,     /* the operator's key alone */
  RP_HTTP_AUTH_CALL = 1 << 1,    /* the key, or an access token */
  RP_HTTP_AUTH_JOIN = 1 << 2,    /* the same, and a genuine token that has expired: the handler must
                                    let such a one do nothing but go on with what it began */
  RP_HTTP_JSON_BODY = 1 << 3,    /* application/json */
  RP_HTTP_SDP_BODY = 1 << 4,     /* application/sdp */
  RP_HTTP_SDPFRAG_BODY = 1 << 5, /* application/trickle-ice-sdpfrag (RFC 8840) */
} RpHttpRouteFlags;

/* Most "{}" of a path. */
#define RP_HTTP_MAX_PARAMS 4
#define RP_HTTP_MAX_PARAM_BYTES 128

typedef struct {
  const char *method; /* "GET" answers HEAD too */
  const char *path;   /* exact, but for segments "{}": 1..128 bytes of [A-Za-z0-9._~-] each */
  guint flags;        /* RpHttpRouteFlags */
  RpHttpHandler handler;
} RpHttpRoute;

/* @host: a numeric address or "localhost"; @port: 0 = any. Returns: a socket that listens, or -1.
 */
int rp_http_listen (const char *host, guint16 port, GError **error);

typedef struct {
  const char *host; /* (nullable) where to listen, as rp_http_listen () takes it */
  guint16 port;
  int listen_fd;                  /* without a host: a socket that listens (transfer full, also on
                                     failure) */
  const char *token;              /* (nullable) the operator's key; NULL = anybody may come */
  gboolean local_names_only;      /* answer to Host: localhost and the like alone: without a key,
                                     a foreign page could reach us by a name that it lets point to
                                     127.0.0.1 (DNS rebinding) */
  const char *const *cors_origin; /* (nullable) NULL-terminated; "*" = any */
  const char *web_dir;            /* (nullable): GET of any other path is a file in here */
  guint max_connections;          /* 0 = 1000 */
  guint max_connections_per_peer; /* of a rp_quota_key (); 0 = no limit of its own */
  guint idle_timeout_s;           /* of a connection; 0 = 15 */
  guint request_timeout_s; /* from the last reply, or the connection, until the next request is
                              here as a whole, however busily it trickles; 0 = 30 */
} RpHttpConfig;

/* @routes must outlive the server, @config is copied. Listens when it returns. Returns: (transfer
 * full) (nullable) */
RpHttp *rp_http_new (const RpHttpConfig *config, const RpHttpRoute *routes, guint n_routes,
                     gpointer user_data, GError **error);
/* Requests not yet replied to are dropped; their handles must not be used any more. NULL is legal.
 */
void rp_http_free (RpHttp *http);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpHttp, rp_http_free)

/* The port listened on. */
guint16 rp_http_port (const RpHttp *http);

typedef struct {
  guint64 requests;
  guint64 client_errors; /* 4xx */
  guint64 server_errors; /* 5xx */
} RpHttpStats;
void rp_http_stats (const RpHttp *http, RpHttpStats *out);

/* (nullable) */
const char *rp_http_request_header (RpHttpRequest *request, const char *name);
/* NUL-terminated behind @out_len bytes. */
const char *rp_http_request_body (const RpHttpRequest *request, gsize *out_len);

/* Who asks: rp_quota_key () of the connection's other end. Behind a proxy that is the proxy.
 * Returns: (transfer none) (nullable) */
const char *rp_http_request_peer (RpHttpRequest *request);
/* Has the client hung up while it waited for the reply? */
gboolean rp_http_request_is_gone (RpHttpRequest *request);

/* What the @i-th "{}" of the route's path stands for. Never NULL for those the path has. */
const char *rp_http_request_param (const RpHttpRequest *request, guint i);
/* What the access token that was shown allows. Returns: (transfer none) (nullable): NULL when there
 * was no need of one or it was the key, both of which allow everything. */
const RpAccessGrant *rp_http_request_grant (const RpHttpRequest *request);
/* What tokens are made with. Returns: (transfer none) (nullable): NULL when the server has no key.
 */
const RpAccess *rp_http_request_access (const RpHttpRequest *request);
/* A header of the coming reply, whichever it is. @name and @value are copied. */
void rp_http_request_add_header (RpHttpRequest *request, const char *name, const char *value);

/* Each takes the request (transfer full). @json: (transfer full). */
void rp_http_reply_json (RpHttpRequest *request, guint status, char *json);
/* {"detail": what is wrong, "info": what to do about it}; @info is nullable. 503 carries
 * Retry-After, RP_HTTP_RETRY_AFTER_S unless it was added before. */
void rp_http_reply_error (RpHttpRequest *request, guint status, const char *detail,
                          const char *info);
/* @text: (transfer full) (nullable): NULL = no body, as 204 must have it; then @content_type is
 * ignored and may be NULL. */
void rp_http_reply_text (RpHttpRequest *request, guint status, const char *content_type,
                         char *text);

/* Seconds that a 503 asks the client to wait. */
#define RP_HTTP_RETRY_AFTER_S 5

G_END_DECLS
