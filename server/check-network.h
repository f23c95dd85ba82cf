/* repartee --check-network: tells an operator what is reachable with these settings, and what to
 * do about what is not. Opens sockets of its own for as long as it takes; nothing of the server
 * runs. */
#pragma once

#include "check-report.h"
#include "config.h"

#include <glib.h>

G_BEGIN_DECLS

/* Takes a few seconds per server that does not answer. @out_text: (transfer full): the report, in
 * lines, or as JSON objects with --log-json. Returns: FALSE when something does not work */
gboolean rp_check_network (const RpConfig *config, char **out_text);

/* check-servers.c. @addresses: ours for media, numeric. */
void rp_check_servers (RpCheckReport *report, const RpConfig *config, const char *const *addresses);

G_END_DECLS
