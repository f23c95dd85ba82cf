/* The few STUN messages (RFC 8489) of an ICE agent with one socket (RFC 8445): connectivity checks
 * and their answers, with MESSAGE-INTEGRITY and FINGERPRINT. libnice costs more per packet than the
 * packet; a caller whose only job is to be many does without. Pure functions. */
#pragma once

#include <glib.h>
#include <netinet/in.h>

#define RP_ICE_CHECK_MAX_BYTES 700
#define RP_ICE_CHECK_TRANSACTION_BYTES 12

typedef enum {
  RP_ICE_CHECK_REQUEST,
  RP_ICE_CHECK_SUCCESS,
  RP_ICE_CHECK_ERROR,
} RpIceCheckKind;

typedef struct {
  RpIceCheckKind kind;
  const guint8 *transaction; /* points into the message; RP_ICE_CHECK_TRANSACTION_BYTES */
} RpIceCheck;

/* A Binding request of the controlling side, which nominates. username is "theirs:ours", password
 * theirs. Returns: bytes written, at most RP_ICE_CHECK_MAX_BYTES, of which out must have as many; 0
 * when a credential is too long. */
gsize rp_ice_check_write_request (guint8 *out, const guint8 *transaction, const char *username,
                                  const char *password, guint32 priority, guint64 tie_breaker);

/* The answer to a check from address; password is ours. Returns: bytes written. */
gsize rp_ice_check_write_success (guint8 *out, const guint8 *transaction,
                                  const struct sockaddr_in *address, const char *password);

/* Reads a Binding message whose MESSAGE-INTEGRITY was made with password: ours for requests, theirs
 * for answers. Error answers need none. Returns: FALSE for anything else, out untouched. */
gboolean rp_ice_check_parse (const guint8 *data, gsize len, const char *own_password,
                             const char *remote_password, RpIceCheck *out);
