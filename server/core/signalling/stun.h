/* STUN (RFC 8489) as far as ICE over TCP and --check-network need it: reading any message, writing
 * the requests of a client, with the long-term credentials of TURN (RFC 8656). Connectivity checks
 * are libnice's. Pure functions. Thread: any. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define RP_STUN_HEADER_BYTES 20
#define RP_STUN_TRANSACTION_BYTES 12
/* RFC 8489: USERNAME has less than 509 bytes; REALM, NONCE and the reason less than 764. */
#define RP_STUN_MAX_USERNAME_BYTES 508
#define RP_STUN_MAX_TEXT_BYTES 763
/* A request of ours with all of these. */
#define RP_STUN_MAX_REQUEST_BYTES 2560

typedef enum {
  RP_STUN_BINDING = 0x001,
  RP_STUN_ALLOCATE = 0x003,
  RP_STUN_REFRESH = 0x004,
  RP_STUN_SEND = 0x006, /* an indication: nothing answers it */
  RP_STUN_CREATE_PERMISSION = 0x008,
} RpStunMethod;

typedef enum {
  RP_STUN_REQUEST,
  RP_STUN_INDICATION,
  RP_STUN_SUCCESS,
  RP_STUN_ERROR,
} RpStunClass;

typedef struct {
  char address[46]; /* numeric; "" = not given */
  guint16 port;
} RpStunAddress;

/* Attributes that are not there are "" and 0. Text is cut at a NUL. */
typedef struct {
  guint method; /* an RpStunMethod, or another */
  RpStunClass class_;
  guint8 transaction[RP_STUN_TRANSACTION_BYTES];
  char username[RP_STUN_MAX_USERNAME_BYTES + 1];
  char realm[RP_STUN_MAX_TEXT_BYTES + 1];
  char nonce[RP_STUN_MAX_TEXT_BYTES + 1];
  RpStunAddress mapped;  /* XOR-MAPPED-ADDRESS, else MAPPED-ADDRESS */
  RpStunAddress relayed; /* XOR-RELAYED-ADDRESS */
  guint error_code;      /* 300 … 699 */
  char reason[RP_STUN_MAX_TEXT_BYTES + 1];
  guint32 lifetime_s;
} RpStunMessage;

/* @data: one whole message of @len bytes. Returns FALSE when it is none. Integrity is not checked.
 * @out is written on success only. */
gboolean rp_stun_parse (const guint8 *data, gsize len, RpStunMessage *out);

typedef struct {
  RpStunMethod method;
  guint8 transaction[RP_STUN_TRANSACTION_BYTES]; /* random */
  gboolean refresh_to_zero;                      /* REFRESH: the allocation is over */
  RpStunAddress peer;                            /* SEND, CREATE_PERMISSION: whom; numeric */
  const char *data;                              /* SEND: what */
  /* NULL without credentials; else what the server's 401 said, and the user's. */
  const char *realm, *nonce, *username, *password;
} RpStunRequest;

/* ALLOCATE asks for UDP (RFC 8656). Returns: bytes written; 0 when @size is too small or a text is
 * too long. */
gsize rp_stun_write_request (const RpStunRequest *request, guint8 *out, gsize size);

G_END_DECLS
