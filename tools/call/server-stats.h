/* What the server's /stats tells of one call. */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

/* Asks for at most a second; blocks. @token, @pc_id: (nullable). Returns: (transfer full)
 * (nullable): NULL when the server does not tell, or knows no such call. */
JsonNode *rp_call_server_stats (const char *url, const char *token, const char *pc_id);
