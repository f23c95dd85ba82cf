/* The strict reader in front of json-glib: a private part of json.c. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Whether @data is one RFC 8259 text of at most RP_JSON_MAX_DEPTH levels that json-glib will read
 * unaltered. Needs no stack however deep the input is. Errors of RP_JSON_ERROR name the byte
 * offset. */
gboolean rp_json_scan (const char *data, gsize len, GError **error);

G_END_DECLS
