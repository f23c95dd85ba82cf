/* The handlers behind the table of api.c, and what they share. For the files api*.c alone. */
#pragma once

#include "api.h"
#include "json.h"

G_BEGIN_DECLS

/* The request's body, checked against @fields. Returns: (transfer full) (nullable): NULL when the
 * request was replied to. */
JsonObject *rp_api_parse_body (RpHttpRequest *request, const RpJsonField *fields, guint n_fields);
/* Replies with the status and the hint that belong to an error of RP_REGISTRY_ERROR. */
void rp_api_reply_failure (RpHttpRequest *request, const GError *error);

/* api-offer.c */
void rp_api_post_offer (RpHttpRequest *request, gpointer user_data);
void rp_api_patch_offer (RpHttpRequest *request, gpointer user_data);

/* api-token.c */
void rp_api_post_token (RpHttpRequest *request, gpointer user_data);

/* api-stats.c */
void rp_api_get_stats (RpHttpRequest *request, gpointer user_data);
void rp_api_get_history (RpHttpRequest *request, gpointer user_data);
void rp_api_get_call_stats (RpHttpRequest *request, gpointer user_data);
void rp_api_get_metrics (RpHttpRequest *request, gpointer user_data);

G_END_DECLS
