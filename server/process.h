/* What the kernel says of this process, under the names that every Prometheus client library uses.
 * Thread: main; reads /proc. */
#pragma once

#include "exposition.h"

#include <glib.h>

G_BEGIN_DECLS

/* What cannot be read is left out. */
void rp_process_metrics (RpExposition *out);

G_END_DECLS
