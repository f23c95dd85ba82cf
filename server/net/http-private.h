/* Shared by http*.c alone: the server, a request on its way, and the steps it goes through. */
#pragma once

#include "http.h"

#include <microhttpd.h>

G_BEGIN_DECLS

struct _RpHttp {
  struct MHD_Daemon *daemon;
  GSource *source;
  const RpHttpRoute *routes;
  guint n_routes;
  gpointer user_data;
  guint16 port;
  RpAccess *access; /* (nullable): anybody may come */
  gboolean local_names_only;
  gboolean stopping; /* no handler is called any more */
  char **cors_origin;
  char *web_dir;
  GHashTable *suspended; /* of RpHttpRequest */
  GQueue connections;    /* of RpHttpConnection, by the time of their last reply */
  GHashTable *peers;     /* char * to how many connections that peer has, as a pointer */
  guint max_per_peer;    /* 0 = no limit */
  guint sweeper;         /* closes those that take too long; 0 = none runs */
  guint request_timeout_s;
  GHashTable *refused; /* of char *: origins and hosts that the operator was told of */
  RpHttpStats stats;
};

/* One that is open. */
typedef struct {
  GList link;
  RpHttp *http;
  int fd;
  char *peer; /* (nullable) */
  gint64 since_us;
  gboolean has_request; /* its request is here as a whole */
  gboolean refused;     /* one too many of its peer */
} RpHttpConnection;

struct _RpHttpRequest {
  RpHttp *http;
  struct MHD_Connection *connection;
  char *method;
  char *path;
  gboolean is_http_1_0;
  gboolean is_garbled;      /* what is its body and what is not cannot be told */
  const RpHttpRoute *route; /* (nullable) */
  char *params[RP_HTTP_MAX_PARAMS];
  RpAccessGrant *grant; /* (nullable) */
  GPtrArray *headers;   /* of char *: name, value, name, value, … of the reply */
  GByteArray *body;     /* (nullable): nobody wants it */
  guint64 received;     /* bytes of the body */
  guint status;         /* of the reply, 0 = none yet */
  struct MHD_Response *response;
  gboolean dispatched;
  gboolean suspended;
};

/* http-check.c: finds the route; replies when there is none, or when something is not as it must
 * be, as far as the headers tell. */
void rp_http_check (RpHttpRequest *request);

/* http-reply.c */
/* The request's Origin when --cors-origin allows it; NULL when it has none or it is a stranger's.
 */
const char *rp_http_allowed_origin (RpHttpRequest *request);
/* @response: (transfer full) */
void rp_http_reply (RpHttpRequest *request, guint status, struct MHD_Response *response);
/* 204 with Allow, what CORS needs, and the types that bodies may have. @accept_post and
 * @accept_patch are nullable. */
void rp_http_reply_options (RpHttpRequest *request, const char *allow, const char *accept_post,
                            const char *accept_patch);
/* 413. */
void rp_http_reply_too_large (RpHttpRequest *request);
/* The file that the path means, or 404. */
void rp_http_reply_file (RpHttpRequest *request);

G_END_DECLS
