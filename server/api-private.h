/* The handlers behind the table of api.c, and what they share. For the files api*.c alone. */
#pragma once

#include "api.h"
#include "ice-servers.h"
#include "json.h"

G_BEGIN_DECLS

/* The request's body, checked against @fields. Returns: (transfer full) (nullable): NULL when the
 * request was replied to. */
JsonObject *rp_api_parse_body (RpHttpRequest *request, const RpJsonField *fields, guint n_fields);
/* Replies with the status and the hint that belong to an error of RP_REGISTRY_ERROR. */
void rp_api_reply_failure (RpHttpRequest *request, const GError *error);

/* A client that hung up before the answer to its offer was there will not come: ends the call @id,
 * whose worker others can have. */
void rp_api_end_if_gone (RpApi *api, RpHttpRequest *request, const char *id);

/* api-agents.c. These reply when they return FALSE. */
/* Who is to answer a new call: @asked (nullable), or whom the token is for; NULL = the default. */
gboolean rp_api_choose_agent (RpApi *api, RpHttpRequest *request, const char *asked,
                              const char **out_agent);
/* May the client with its token go on with what this agent is in? */
gboolean rp_api_may_join (RpHttpRequest *request, const char *agent);
/* May it begin something? Not with a token that has expired. */
gboolean rp_api_may_begin (RpHttpRequest *request);
void rp_api_get_agents (RpHttpRequest *request, gpointer user_data);

/* What an application says about a call: at most this much JSON. */
#define RP_API_MAX_REQUEST_DATA_BYTES 8192
/* Checks @data (nullable), which the client calls @name. @out_text: (transfer full) (nullable): it
 * as text; @out_agent: (nullable): its member "agent". */
gboolean rp_api_take_request_data (RpHttpRequest *request, const char *name, JsonObject *data,
                                   char **out_text, const char **out_agent);

/* api-offer.c */
void rp_api_post_offer (RpHttpRequest *request, gpointer user_data);
void rp_api_patch_offer (RpHttpRequest *request, gpointer user_data);
/* The same within a session of POST /start. */
void rp_api_post_session_offer (RpHttpRequest *request, gpointer user_data);
void rp_api_patch_session_offer (RpHttpRequest *request, gpointer user_data);
#define RP_API_OFFER_INFO \
  "see the message; browsers' offers with audio or a data channel are accepted"
/* The offer in @text, checked; FALSE when the request was replied to. */
gboolean rp_api_parse_sdp (RpHttpRequest *request, const char *text, gsize len, RpSdp **out_sdp,
                           RpSdpRemote **out_remote);

/* api-start.c */
/* The STUN and TURN servers that a client may use, with its credentials for them: borrowed from
 * @config. */
RpIceServers rp_api_ice_servers (const RpConfig *config);
/* As an array of RTCIceServer, for one client, now. Returns: (transfer full) */
char *rp_api_ice_servers_json (const RpConfig *config);
void rp_api_post_start (RpHttpRequest *request, gpointer user_data);
void rp_api_get_status (RpHttpRequest *request, gpointer user_data);

/* api-whip.c: RFC 9725 */
void rp_api_post_whip (RpHttpRequest *request, gpointer user_data);
void rp_api_post_whip_agent (RpHttpRequest *request, gpointer user_data);
void rp_api_patch_whip (RpHttpRequest *request, gpointer user_data);
void rp_api_delete_whip (RpHttpRequest *request, gpointer user_data);

/* api-token.c */
void rp_api_post_token (RpHttpRequest *request, gpointer user_data);

/* api-stats.c */
void rp_api_get_stats (RpHttpRequest *request, gpointer user_data);
void rp_api_get_history (RpHttpRequest *request, gpointer user_data);
void rp_api_get_call_stats (RpHttpRequest *request, gpointer user_data);
void rp_api_get_metrics (RpHttpRequest *request, gpointer user_data);

G_END_DECLS
