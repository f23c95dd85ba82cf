#include "api-private.h"

void
rp_api_get_stats (RpHttpRequest *request, gpointer user_data)
{
  RpApi *api = user_data;
  rp_http_reply_json (request, 200, rp_registry_stats (api->registry));
}
