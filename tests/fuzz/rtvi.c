#include "rtvi.h"

#include "json.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Takes ownership of @text, which must be JSON whatever went into it. */
static void
check_sent (char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = rp_json_parse_object (text, strlen (text), 0, &error);
  g_assert_no_error (error);
  g_assert_nonnull (rp_json_string (object, "type", NULL));
  g_free (text);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  check_sent (rp_rtvi_text (RP_RTVI_BOT_TTS_TEXT, text));
  /* Valid JSON of the greatest depth would be too deep to check once it is inside a message. */
  g_autoptr (JsonNode) node = rp_json_parse (text, strlen (text), 0, NULL);
  if (node == NULL)
    check_sent (rp_rtvi_function_call_stopped (text, TRUE, text, text));

  g_autoptr (GError) error = NULL;
  g_autoptr (RpRtviClientMessage) message = rp_rtvi_parse ((const char *) data, size, &error);
  g_assert_cmpint (message == NULL, ==, error != NULL);
  if (message == NULL)
    return 0;
  gboolean answerable = message->type == RP_RTVI_UNSUPPORTED || message->type == RP_RTVI_MALFORMED;
  g_assert_cmpint (message->reason != NULL, ==, answerable);
  if (answerable)
    check_sent (rp_rtvi_error_response (message->id, message->reason));
  if (message->type == RP_RTVI_CLIENT_MESSAGE)
    check_sent (rp_rtvi_server_response (message->id, message->message.t, message->message.d_json));
  return 0;
}
