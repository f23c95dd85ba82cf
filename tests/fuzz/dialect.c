/* First byte even: an event of a worker; odd: a message of a client. What comes out must be JSON.
 */
#include "dialect.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check (RpDialect *dialect)
{
  RpDialectOut out;
  while (rp_dialect_poll (dialect, &out)) {
    if (out.text != NULL) {
      g_autoptr (JsonObject) object = rp_json_parse_object (out.text, strlen (out.text), 0, NULL);
      g_assert_nonnull (object);
      if (out.type == RP_DIALECT_TO_WORKER)
        g_assert_nonnull (rp_json_string (object, "type", NULL));
    }
    g_free (out.text);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_auto (RpWorkerEvent) event = {0};
  if (size == 0)
    return 0;
  g_autoptr (RpDialect) dialect = rp_rtvi_dialect_new ();
  if (data[0] & 1)
    rp_dialect_client (dialect, (const char *) data + 1, size - 1);
  else if (rp_worker_event_parse ((const char *) data + 1, size - 1, &event, NULL))
    rp_dialect_event (dialect, &event, 0);
  check (dialect);
  rp_dialect_worker_replaced (dialect);
  rp_dialect_ended (dialect);
  check (dialect);
  return 0;
}
