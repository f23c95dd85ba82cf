/* The server's log: levels, fields, one line per record, plain or JSON.
 *
 * A record is formatted on the calling thread, put into a bounded queue and written by a thread of
 * its own, so that a blocked terminal or disk never stalls a media loop; records that find the
 * queue full are counted and the count is written later. Before rp_log_start () and after
 * rp_log_stop () records are written at once.
 *
 * Never logged: SDP, keys, ICE credentials. Only with pii: addresses, names, what was said; ask
 * rp_log_pii () before adding such a field. Thread: any. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  RP_LOG_LEVEL_ERROR,   /* the operator has to do something */
  RP_LOG_LEVEL_WARNING, /* something failed and was dealt with */
  RP_LOG_LEVEL_INFO,    /* calls, start, stop */
  RP_LOG_LEVEL_DEBUG,
} RpLogLevel;

typedef struct {
  RpLogLevel level; /* the least urgent that is written */
  gboolean json;    /* one JSON object per line, else plain text */
  gboolean pii;
  int fd; /* where to; stays the caller's */
} RpLogConfig;

/* Records that may wait for the writer. */
#define RP_LOG_QUEUE_MAX 2048
/* Strings are cut at 1024 bytes, and no field is added to a record that is longer than this. */
#define RP_LOG_MAX_BYTES 4096

typedef enum {
  RP_LOG_FIELD_STRING,
  RP_LOG_FIELD_INT,
  RP_LOG_FIELD_DOUBLE,
} RpLogFieldType;

/* key and string are borrowed for the call; a NULL string leaves the field out. */
typedef struct {
  const char *key;
  RpLogFieldType type;
  const char *string;
  gint64 integer;
  double number;
} RpLogField;

#define RP_LOG_STR(name, value) \
  ((RpLogField){.key = (name), .type = RP_LOG_FIELD_STRING, .string = (value)})
#define RP_LOG_INT(name, value) \
  ((RpLogField){.key = (name), .type = RP_LOG_FIELD_INT, .integer = (gint64) (value)})
#define RP_LOG_NUM(name, value) \
  ((RpLogField){.key = (name), .type = RP_LOG_FIELD_DOUBLE, .number = (value)})

/* From now on records are as @config says. */
void rp_log_configure (const RpLogConfig *config);
/* The same, and starts the writer thread, and takes GLib's own messages (libnice's, ours) too. */
void rp_log_start (const RpLogConfig *config);
/* Writes what is queued and ends the writer. */
void rp_log_stop (void);

gboolean rp_log_enabled (RpLogLevel level);
gboolean rp_log_pii (void);
/* Records dropped so far because the queue was full. */
guint64 rp_log_dropped (void);

/* "error", "warning", "info", "debug". */
const char *rp_log_level_name (RpLogLevel level);
gboolean rp_log_level_parse (const char *text, RpLogLevel *out);

/* Messages of other parts put what they were given in quotation marks. Returns: (transfer full):
 * @text without it, unless pii */
char *rp_log_redact (const char *text);

/* @topic: which part speaks ("http", "call", "worker"…); @message: a fixed sentence without
 * variable parts, which are fields. */
void rp_log_write (RpLogLevel level, const char *topic, const char *message,
                   const RpLogField *fields, gsize n_fields);

/* rp_log (RP_LOG_LEVEL_INFO, "call", "connected", RP_LOG_STR ("call", id), RP_LOG_INT ("ms", ms))
 */
#define rp_log(level, topic, message, ...)                                                  \
  G_STMT_START                                                                              \
  {                                                                                         \
    if (rp_log_enabled (level))                                                             \
      rp_log_write ((level), (topic), (message), (const RpLogField[]){{0}, __VA_ARGS__},    \
                    sizeof ((const RpLogField[]){{0}, __VA_ARGS__}) / sizeof (RpLogField)); \
  }                                                                                         \
  G_STMT_END

#define rp_log_error(topic, ...) rp_log (RP_LOG_LEVEL_ERROR, topic, __VA_ARGS__)
#define rp_log_warning(topic, ...) rp_log (RP_LOG_LEVEL_WARNING, topic, __VA_ARGS__)
#define rp_log_info(topic, ...) rp_log (RP_LOG_LEVEL_INFO, topic, __VA_ARGS__)
#define rp_log_debug(topic, ...) rp_log (RP_LOG_LEVEL_DEBUG, topic, __VA_ARGS__)

G_END_DECLS
