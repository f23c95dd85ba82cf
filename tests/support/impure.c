/* What core-purity.py must find, so that it is known to be able to fail. */
#include <glib.h>

gint64 rp_impure_now (void);

gint64
rp_impure_now (void)
{
  return g_get_monotonic_time ();
}
