#include "registry-private.h"

void
rp_registry_quota_start (RpRegistry *registry)
{
  const RpQuotaConfig config = {
      .max_calls = registry->config->max_calls_per_address,
      .offers_per_minute = registry->config->max_offers_per_minute,
  };
  registry->quota = rp_quota_new (&config);
}

GError *
rp_registry_quota_ask (RpRegistry *registry, const char *address, guint freed)
{
  guint retry_after_s = 0;
  const char *text = NULL;
  switch (rp_quota_ask (registry->quota, address, freed, g_get_monotonic_time (), &retry_after_s)) {
  case RP_QUOTA_OK:
    return NULL;
  case RP_QUOTA_CALLS:
    text = "your address has as many calls as one may have";
    break;
  case RP_QUOTA_OFFERS:
    text = "your address asks for calls too often";
    break;
  }
  GError *error = rp_registry_refusal (registry, RP_REGISTRY_ERROR_ADDRESS, text);
  rp_registry_error_set_retry_after (error, retry_after_s);
  return error;
}
