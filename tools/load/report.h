/* What a run came to, for machines and for people. */
#pragma once

#include "fleet.h"

#include <glib.h>

/* Returns: (transfer full): one JSON object. */
char *rp_load_report_json (const RpLoadOptions *options, RpLoadFleet *fleet);
/* Returns: (transfer full): a table. */
char *rp_load_report_text (RpLoadFleet *fleet);
/* Whether all calls connected as asked. */
gboolean rp_load_report_ok (RpLoadFleet *fleet);
