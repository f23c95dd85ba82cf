/* A protocol dialect: translates between what a client says on its data channel and what the
 * worker understands. One per call; it survives the client's peer connection and the worker.
 *
 * Sans-IO: input functions put messages into a queue that rp_dialect_poll () empties. Thread: one.
 */
#pragma once

#include "worker-event.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct _RpDialect RpDialect;

typedef enum {
  RP_DIALECT_TO_CLIENT, /* text: a message for the data channel */
  RP_DIALECT_TO_WORKER, /* text: JSON of a CLIENT frame */
  RP_DIALECT_READY,     /* the client is ready to hear and to be heard */
  RP_DIALECT_HANG_UP,   /* the client wants to end the call */
} RpDialectOutType;

typedef struct {
  RpDialectOutType type;
  char *text; /* (transfer full) (nullable) */
} RpDialectOut;

typedef struct {
  guint64 client_messages;
  guint64 client_invalid; /* nobody could tell what they were; dropped */
  guint64 client_refused; /* answered with an error */
  guint64 client_late;    /* results of functions that nobody waited for */
} RpDialectStats;

/* What a dialect implements. */
typedef struct {
  void (*free) (RpDialect *self);
  void (*client) (RpDialect *self, const char *data, gsize len);
  void (*event) (RpDialect *self, const RpWorkerEvent *event, gint64 wall_us);
  void (*error) (RpDialect *self, const char *message, gboolean fatal);
  void (*worker_replaced) (RpDialect *self);
  void (*ended) (RpDialect *self);
} RpDialectClass;

struct _RpDialect {
  const RpDialectClass *klass;
  GQueue out; /* of RpDialectOut */
  RpDialectStats stats;
};

/* RTVI 2.1 and 1.x, as the Pipecat clients and our own page speak it. Returns: (transfer full) */
RpDialect *rp_rtvi_dialect_new (void);

void rp_dialect_free (RpDialect *dialect);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpDialect, rp_dialect_free)

/* A text message of the client; any bytes. */
void rp_dialect_client (RpDialect *dialect, const char *data, gsize len);
/* @wall_us: microseconds since 1970, UTC: for time stamps in messages. */
void rp_dialect_event (RpDialect *dialect, const RpWorkerEvent *event, gint64 wall_us);
/* The server itself has something to complain of; @fatal: the call is about to end. */
void rp_dialect_error (RpDialect *dialect, const char *message, gboolean fatal);
/* Requests the lost worker had not answered are answered with an error. */
void rp_dialect_worker_replaced (RpDialect *dialect);
/* The call ends by our side: tell the client. */
void rp_dialect_ended (RpDialect *dialect);

/* The next message, until FALSE. */
gboolean rp_dialect_poll (RpDialect *dialect, RpDialectOut *out);
void rp_dialect_stats (const RpDialect *dialect, RpDialectStats *out);

/* For implementations. @text: (transfer full) (nullable) */
void rp_dialect_emit (RpDialect *dialect, RpDialectOutType type, char *text);

G_END_DECLS
