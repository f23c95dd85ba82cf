/* Data channel establishment, RFC 8832, and the payload protocol ids of RFC 8831 section 8. Thread:
 * any. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* SCTP payload protocol ids, in host order. The two deprecated ones are accepted and never sent. */
enum {
  RP_PPID_DCEP = 50,
  RP_PPID_STRING = 51,
  RP_PPID_BINARY_PARTIAL = 52,
  RP_PPID_BINARY = 53,
  RP_PPID_STRING_PARTIAL = 54,
  RP_PPID_STRING_EMPTY = 56, /* carries one byte that is no data */
  RP_PPID_BINARY_EMPTY = 57,
};

/* The RFC allows 65535 bytes each; a label of ours has less than ten. */
#define RP_DCEP_MAX_NAME_BYTES 256
/* Room for any message that rp_dcep_write_open () makes. */
#define RP_DCEP_MAX_BYTES (12 + 2 * RP_DCEP_MAX_NAME_BYTES)

#define RP_DCEP_ERROR (rp_dcep_error_quark ())
GQuark rp_dcep_error_quark (void);

typedef enum {
  RP_DCEP_ERROR_INVALID,  /* not a DCEP message: close the channel */
  RP_DCEP_ERROR_TOO_LONG, /* label or protocol beyond RP_DCEP_MAX_NAME_BYTES */
} RpDcepError;

typedef enum {
  RP_DCEP_ACK = 2,
  RP_DCEP_OPEN = 3,
} RpDcepType;

typedef enum {
  RP_DCEP_RELIABLE,
  RP_DCEP_PARTIAL_REXMIT, /* given up after @reliability retransmissions */
  RP_DCEP_PARTIAL_TIMED,  /* given up after @reliability ms */
} RpDcepReliability;

typedef struct {
  RpDcepType type; /* everything below belongs to RP_DCEP_OPEN */
  gboolean ordered;
  RpDcepReliability reliability_type;
  guint32 reliability; /* retransmissions or ms; ignored, and written as 0, for RP_DCEP_RELIABLE */
  guint16 priority;    /* 128 below normal, 256 normal, 512 high, 1024 extra high */
  char label[RP_DCEP_MAX_NAME_BYTES + 1]; /* UTF-8 without NUL */
  char protocol[RP_DCEP_MAX_NAME_BYTES + 1];
} RpDcepMessage;

/* Parses one whole message of @len bytes. @out is written on success only. */
gboolean rp_dcep_parse (const guint8 *data, gsize len, RpDcepMessage *out, GError **error);

/* Writes @message (either type; label and protocol NUL-terminated) to @out, of @size bytes.
 * Returns: bytes written; 0 when it does not fit. */
gsize rp_dcep_write (const RpDcepMessage *message, guint8 *out, gsize size);

/* Whether a payload of this id is text (string), data (binary), and whether its one byte stands for
 * nothing. */
gboolean rp_ppid_is_string (guint32 ppid);
gboolean rp_ppid_is_binary (guint32 ppid);
gboolean rp_ppid_is_empty (guint32 ppid);

G_END_DECLS
