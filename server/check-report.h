/* What repartee --check-network found, line by line; for the files check-*.c alone. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  RP_CHECK_OK,
  RP_CHECK_NOTE,    /* as it should be, or nobody can tell from here; good to know */
  RP_CHECK_WARNING, /* some callers will have trouble */
  RP_CHECK_PROBLEM, /* does not work */
  RP_CHECK_N_RESULTS,
} RpCheckResult;

typedef struct {
  GString *text;
  gboolean json; /* one object per line */
  guint counts[RP_CHECK_N_RESULTS];
} RpCheckReport;

/* @what: the setting or server it is about. @fix: (nullable): what to do. */
void rp_check_say (RpCheckReport *report, RpCheckResult result, const char *what, const char *fix,
                   const char *format, ...) G_GNUC_PRINTF (5, 6);

G_END_DECLS
