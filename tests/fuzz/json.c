#include "json.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const RpJsonField inner[] = {
    {.name = "a", .type = RP_JSON_INT, .required = TRUE, .min = 0, .max = 9},
};
static const RpJsonField fields[] = {
    {.name = "a", .type = RP_JSON_STRING, .max_length = 4},
    {.name = "b", .type = RP_JSON_ARRAY, .max_length = 3, .fields = inner, .n_fields = 1},
    {.name = "c", .type = RP_JSON_OBJECT, .fields = inner, .n_fields = 1},
    {.name = "d", .type = RP_JSON_ARRAY, .items = RP_JSON_NUMBER},
};

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = rp_json_parse ((const char *) data, size, 65536, &error);
  if (node == NULL) {
    g_assert_nonnull (error);
    /* The scanner agrees with json-glib on all it lets through: no message of json-glib's ever gets
     * out. */
    g_assert_null (strstr (error->message, "<data>"));
    return 0;
  }
  g_autofree char *text = rp_json_to_string (node);
  g_autoptr (JsonNode) again = rp_json_parse (text, strlen (text), 0, &error);
  g_assert_no_error (error);
  g_autofree char *text2 = rp_json_to_string (again);
  g_assert_cmpstr (text2, ==, text);
  if (JSON_NODE_HOLDS_OBJECT (node)) {
    JsonObject *object = json_node_get_object (node);
    gboolean ok = rp_json_check_full (object, "p", fields, G_N_ELEMENTS (fields),
                                      RP_JSON_CHECK_NO_UNKNOWN, &error);
    g_assert_cmpint (ok, ==, error == NULL);
    if (ok && rp_json_object (object, "c") != NULL)
      g_assert_cmpint (rp_json_int (rp_json_object (object, "c"), "a", -1), >=, 0);
  }
  return 0;
}
