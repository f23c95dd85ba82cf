/* How many calls one address may have, and how often it may ask for one. Addresses are only told
 * apart: an IPv4 address, or the /64 of an IPv6 one, which is what one subscriber has. Sans-IO. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Addresses that are kept apart. Those beyond share one account: there are so many only when
 * somebody has more addresses than are good for him. */
#define RP_QUOTA_MAX_ADDRESSES 4096

typedef struct {
  guint max_calls;         /* at the same time; 0 = any number */
  guint offers_per_minute; /* as many may come at once; 0 = any number */
} RpQuotaConfig;

typedef enum {
  RP_QUOTA_OK,
  RP_QUOTA_CALLS,  /* it has as many as it may */
  RP_QUOTA_OFFERS, /* it asks too often */
} RpQuotaVerdict;

typedef struct _RpQuota RpQuota;

/* Returns: (transfer full) */
RpQuota *rp_quota_new (const RpQuotaConfig *config);
/* NULL is legal. */
void rp_quota_free (RpQuota *quota);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpQuota, rp_quota_free)

/* @address asks for a call, which counts as an offer. @less: how many of its calls end with that.
 * @out_retry_after_s: when it may ask again (0: once a call has ended). NULL as @address has no
 * limits, here and below. */
RpQuotaVerdict rp_quota_ask (RpQuota *quota, const char *address, guint less, gint64 now_us,
                             guint *out_retry_after_s);
/* A call of @address has begun, has ended. Each begin has its end. */
void rp_quota_begin (RpQuota *quota, const char *address, gint64 now_us);
void rp_quota_end (RpQuota *quota, const char *address);

/* The accounts that there are, for tests. */
guint rp_quota_size (const RpQuota *quota);

/* What is told apart of a numeric address: "192.0.2.1", "2001:db8:1:2::/64"; an IPv4 address in
 * IPv6 is the former. Returns: (transfer full) (nullable): NULL when it is no address */
char *rp_quota_key (const char *numeric_address);

G_END_DECLS
