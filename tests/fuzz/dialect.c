/* Lines. First byte even: an event of a worker; odd: a message of a client. What comes out must be
 * JSON, and no function of the client is answered that was not called. */
#include "dialect.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check (RpDialect *dialect, gboolean any_call)
{
  RpDialectOut out;
  while (rp_dialect_poll (dialect, &out)) {
    if (out.text != NULL) {
      g_autoptr (JsonObject) object = rp_json_parse_object (out.text, strlen (out.text), 0, NULL);
      g_assert_nonnull (object);
      if (out.type == RP_DIALECT_TO_WORKER)
        g_assert_nonnull (rp_json_string (object, "type", NULL));
      g_assert_true (any_call || out.type != RP_DIALECT_TO_WORKER ||
                     !g_str_equal (rp_json_string (object, "type", ""), "tool_result"));
    }
    g_free (out.text);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *p = (const char *) data, *last = p + size;
  gboolean any_call = FALSE;
  g_autoptr (RpDialect) dialect = rp_rtvi_dialect_new ();
  while (p < last) {
    g_auto (RpWorkerEvent) event = {0};
    const char *end = memchr (p, '\n', (gsize) (last - p));
    gsize len = (gsize) ((end != NULL ? end : last) - p);
    if (len > 0 && (*p & 1))
      rp_dialect_client (dialect, p + 1, len - 1);
    else if (len > 0 && rp_worker_event_parse (p + 1, len - 1, &event, NULL)) {
      any_call = any_call || event.type == RP_WORKER_EVENT_TOOL_CALL;
      rp_dialect_event (dialect, &event, 0);
    }
    check (dialect, any_call);
    p = end != NULL ? end + 1 : last;
  }
  rp_dialect_worker_replaced (dialect);
  rp_dialect_ended (dialect);
  check (dialect, any_call);
  return 0;
}
