#include "api-private.h"
#include "process.h"

void
rp_api_get_stats (RpHttpRequest *request, gpointer user_data)
{
  RpApi *api = user_data;
  rp_http_reply_json (request, 200, rp_registry_stats (api->registry));
}

void
rp_api_get_history (RpHttpRequest *request, gpointer user_data)
{
  RpApi *api = user_data;
  rp_http_reply_json (request, 200, rp_registry_history (api->registry));
}

void
rp_api_get_call_stats (RpHttpRequest *request, gpointer user_data)
{
  RpApi *api = user_data;
  char *json = rp_registry_call_stats (api->registry, rp_http_request_param (request, 0));
  if (json != NULL)
    rp_http_reply_json (request, 200, json);
  else
    rp_http_reply_error (request, 404, "there is no such call",
                         "take an id of calls[] or recent[] of /stats; the last " G_STRINGIFY (
                             RP_RECENT_CALLS) " calls are remembered");
}

static void
add_http (RpApi *api, RpExposition *out)
{
  RpHttpStats stats = {0};
  rp_http_stats (api->http, &stats);
  rp_exposition_counter (out, "repartee_http_requests_total", "HTTP requests received.",
                         stats.requests);
  rp_exposition_family (out, "repartee_http_errors_total", RP_EXPOSITION_COUNTER,
                        "HTTP requests that were answered with an error.");
  rp_exposition_count (out, "class", "4xx", stats.client_errors);
  rp_exposition_count (out, "class", "5xx", stats.server_errors);
}

void
rp_api_get_metrics (RpHttpRequest *request, gpointer user_data)
{
  RpApi *api = user_data;
  g_autoptr (RpExposition) out = rp_exposition_new ();
  rp_exposition_family (out, "repartee_build_info", RP_EXPOSITION_GAUGE,
                        "1, with the version that runs.");
  rp_exposition_sample (out, "version", RP_VERSION, 1);
  rp_registry_metrics (api->registry, out);
  add_http (api, out);
  rp_process_metrics (out);
  rp_http_reply_text (request, 200, RP_EXPOSITION_CONTENT_TYPE, rp_exposition_finish (out));
}
