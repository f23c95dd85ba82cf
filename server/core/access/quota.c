#include "quota.h"

#include <arpa/inet.h>
#include <string.h>

#define MINUTE_US (60 * G_USEC_PER_SEC)
/* Of all who are too many to be kept apart. No address is spelled like that. */
#define OTHERS "others"

typedef struct {
  guint calls;
  gint64 spent_us; /* a leaky bucket, as the time when it is empty */
} Account;

struct _RpQuota {
  RpQuotaConfig config;
  GHashTable *accounts; /* char * to Account */
};

RpQuota *
rp_quota_new (const RpQuotaConfig *config)
{
  RpQuota *quota = g_new0 (RpQuota, 1);
  quota->config = *config;
  quota->accounts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return quota;
}

void
rp_quota_free (RpQuota *quota)
{
  if (quota == NULL)
    return;
  g_hash_table_unref (quota->accounts);
  g_free (quota);
}

static gboolean
is_idle (gpointer key, gpointer value, gpointer user_data)
{
  const Account *account = value;
  return account->calls == 0 && account->spent_us <= *(const gint64 *) user_data;
}

static Account *
get (RpQuota *quota, const char *address, gint64 now_us)
{
  Account *account = g_hash_table_lookup (quota->accounts, address);
  if (account != NULL)
    return account;
  if (g_hash_table_size (quota->accounts) >= RP_QUOTA_MAX_ADDRESSES)
    g_hash_table_foreach_remove (quota->accounts, is_idle, &now_us);
  if (g_hash_table_size (quota->accounts) >= RP_QUOTA_MAX_ADDRESSES) {
    address = OTHERS;
    account = g_hash_table_lookup (quota->accounts, address);
  }
  if (account == NULL) {
    account = g_new0 (Account, 1);
    g_hash_table_insert (quota->accounts, g_strdup (address), account);
  }
  return account;
}

RpQuotaVerdict
rp_quota_ask (RpQuota *quota, const char *address, guint less, gint64 now_us,
              guint *out_retry_after_s)
{
  const RpQuotaConfig *config = &quota->config;
  *out_retry_after_s = 0;
  if (address == NULL)
    return RP_QUOTA_OK;
  Account *account = get (quota, address, now_us);
  if (config->offers_per_minute > 0) {
    gint64 offer_us = MINUTE_US / config->offers_per_minute;
    gint64 spent_us = MAX (account->spent_us, now_us) + offer_us;
    if (spent_us - now_us > offer_us * config->offers_per_minute) {
      gint64 wait_us = spent_us - now_us - offer_us * config->offers_per_minute;
      *out_retry_after_s = (guint) (wait_us / G_USEC_PER_SEC) + 1;
      return RP_QUOTA_OFFERS;
    }
    account->spent_us = spent_us;
  }
  if (config->max_calls > 0 && account->calls >= config->max_calls + less)
    return RP_QUOTA_CALLS;
  return RP_QUOTA_OK;
}

void
rp_quota_begin (RpQuota *quota, const char *address, gint64 now_us)
{
  if (address != NULL)
    get (quota, address, now_us)->calls++;
}

void
rp_quota_end (RpQuota *quota, const char *address)
{
  if (address == NULL)
    return;
  Account *account = g_hash_table_lookup (quota->accounts, address);
  if (account == NULL || account->calls == 0)
    account = g_hash_table_lookup (quota->accounts, OTHERS);
  if (account != NULL && account->calls > 0)
    account->calls--;
}

guint
rp_quota_size (const RpQuota *quota)
{
  return g_hash_table_size (quota->accounts);
}

char *
rp_quota_key (const char *numeric_address)
{
  static const guint8 mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  guint8 bytes[16];
  char text[INET6_ADDRSTRLEN];
  if (inet_pton (AF_INET, numeric_address, bytes) == 1)
    return g_strdup (numeric_address);
  if (inet_pton (AF_INET6, numeric_address, bytes) != 1)
    return NULL;
  if (memcmp (bytes, mapped, sizeof mapped) == 0)
    return g_strdup (inet_ntop (AF_INET, bytes + sizeof mapped, text, sizeof text));
  memset (bytes + 8, 0, 8);
  return g_strconcat (inet_ntop (AF_INET6, bytes, text, sizeof text), "/64", NULL);
}
