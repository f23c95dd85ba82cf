/* The callers' HTTP: a small pool of threads with a connection each that is kept alive, so that no
 * offer waits for another, and ways to break off in the middle of one. */
#pragma once

#include "loop.h"

#include <glib.h>

typedef enum {
  RP_LOAD_HTTP_WHOLE,
  RP_LOAD_HTTP_HALF,  /* closes the connection in the middle of the body */
  RP_LOAD_HTTP_LEAVE, /* closes it without waiting for the answer */
  RP_LOAD_HTTP_RESET, /* the same with a TCP reset */
} RpLoadHttpEnd;

typedef struct {
  guint status;       /* 0 = no answer, see error */
  char *body;         /* (nullable), NUL-terminated */
  gint retry_after_s; /* -1 = not said */
  char *error;        /* (nullable) */
  gint64 begun_us;    /* the request left */
} RpLoadHttpReply;

/* On the loop. reply is good for the call. */
typedef void (*RpLoadHttpFunc) (const RpLoadHttpReply *reply, gpointer user_data);

typedef struct _RpLoadHttp RpLoadHttp;

/* url: "http://127.0.0.1:8080", of this machine. token is nullable. Returns: (transfer full)
 * (nullable). */
RpLoadHttp *rp_load_http_new (RpLoop *loop, const char *url, const char *token, guint n_threads,
                              GError **error);
/* Waits for what is running; func is not called any more once the loop has ended. Thread: not the
 * loop's. */
void rp_load_http_free (RpLoadHttp *http);

/* Thread: any. body (transfer full) is JSON; NULL = GET. Never fails: func hears of it. */
void rp_load_http_send (RpLoadHttp *http, const char *path, char *body, RpLoadHttpEnd end,
                        RpLoadHttpFunc func, gpointer user_data);

/* The address that the URL names. */
struct in_addr rp_load_http_address (const RpLoadHttp *http);
