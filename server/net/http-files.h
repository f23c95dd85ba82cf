/* Which file a URL path means, and its type. Pure functions but for rp_http_file_open (). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The path relative to the web directory: "/" and "/x/" give index.html in it, a last segment
 * without a dot gets ".html". Refused: anything with an empty, hidden or parent segment, a
 * backslash, a control character, or more than 255 bytes.
 * Returns: (transfer full) (nullable) */
char *rp_http_file_path (const char *url_path);

/* By the name's extension, "application/octet-stream" for others. Never NULL. */
const char *rp_http_file_type (const char *path);

/* Opens a regular file below @web_dir, following no symbolic link at its end. Returns: a
 * descriptor, or -1. */
int rp_http_file_open (const char *web_dir, const char *path, guint64 *out_size,
                       gint64 *out_mtime_us);

G_END_DECLS
