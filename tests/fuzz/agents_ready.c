/* What the zygote says of its agents. */
#include "agents.h"
#include "json.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const char *const dirs[] = {"/agents/one", "two/", NULL};
  g_autoptr (GPtrArray) agents = rp_agents_new (dirs);
  g_autoptr (JsonObject) ready = rp_json_parse_object ((const char *) data, size, 0, NULL);
  g_autoptr (GError) error = NULL;
  if (ready == NULL)
    return 0;
  g_assert_true (rp_agents_describe (agents, ready, &error) == (error == NULL));
  g_assert_cmpuint (agents->len, ==, 2);
  for (guint i = 0; i < agents->len; i++) {
    const RpAgentInfo *info = g_ptr_array_index (agents, i);
    g_assert_cmpstr (info->name, ==, i == 0 ? "one" : "two");
    g_assert_true (g_utf8_validate (info->title, -1, NULL));
    g_assert_true (g_utf8_validate (info->description, -1, NULL));
    g_assert_cmpint (info->stt_cpu_us, >=, 0);
    g_assert_cmpint (info->stt_cpu_us, <=, rp_agents_stt_cpu_us (agents));
  }
  g_assert_cmpint (rp_agents_stt_cpu_us (agents), <=, 10 * G_USEC_PER_SEC);
  return 0;
}
