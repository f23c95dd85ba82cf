#include "agents.h"

#include "json.h"

#define MAX_TITLE_BYTES 256
#define MAX_DESCRIPTION_BYTES 1024
#define MAX_STT_CPU_US (10 * G_USEC_PER_SEC)

static const RpJsonField agent_fields[] = {
    {.name = "name", .type = RP_JSON_STRING, .required = TRUE, .max_length = 256},
    {.name = "title", .type = RP_JSON_STRING, .max_length = MAX_TITLE_BYTES},
    {.name = "description", .type = RP_JSON_STRING, .max_length = MAX_DESCRIPTION_BYTES},
    {.name = "stt_cpu_us", .type = RP_JSON_INT, .min = 0, .max = MAX_STT_CPU_US},
};

static const RpJsonField ready_fields[] = {
    {.name = "agents",
     .type = RP_JSON_ARRAY,
     .max_length = RP_AGENTS_MAX,
     .items = RP_JSON_OBJECT,
     .fields = agent_fields,
     .n_fields = G_N_ELEMENTS (agent_fields)},
};

static void
info_free (gpointer data)
{
  RpAgentInfo *info = data;
  g_free (info->name);
  g_free (info->title);
  g_free (info->description);
  g_free (info);
}

GPtrArray *
rp_agents_new (const char *const *dirs)
{
  GPtrArray *agents = g_ptr_array_new_with_free_func (info_free);
  for (guint i = 0; dirs[i] != NULL; i++) {
    RpAgentInfo *info = g_new0 (RpAgentInfo, 1);
    info->name = g_path_get_basename (dirs[i]);
    info->title = g_strdup (info->name);
    info->description = g_strdup ("");
    g_ptr_array_add (agents, info);
  }
  return agents;
}

static JsonObject *
find_described (JsonArray *array, const char *name)
{
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *object = rp_json_array_object (array, i);
    if (g_str_equal (rp_json_string (object, "name", ""), name))
      return object;
  }
  return NULL;
}

gboolean
rp_agents_describe (GPtrArray *agents, JsonObject *ready, GError **error)
{
  if (!rp_json_check (ready, ready_fields, G_N_ELEMENTS (ready_fields), error))
    return FALSE;
  JsonArray *array = rp_json_array (ready, "agents");
  if (array == NULL)
    return TRUE;
  for (guint i = 0; i < agents->len; i++) {
    const RpAgentInfo *info = g_ptr_array_index (agents, i);
    if (find_described (array, info->name) != NULL)
      continue;
    g_set_error (error, RP_JSON_ERROR, RP_JSON_ERROR_MISSING, "agents: \"%s\" is not among them",
                 info->name);
    return FALSE;
  }
  for (guint i = 0; i < agents->len; i++) {
    RpAgentInfo *info = g_ptr_array_index (agents, i);
    JsonObject *object = find_described (array, info->name);
    g_free (info->title);
    g_free (info->description);
    info->title = g_strdup (rp_json_string (object, "title", info->name));
    info->description = g_strdup (rp_json_string (object, "description", ""));
    info->stt_cpu_us = rp_json_int (object, "stt_cpu_us", 0);
  }
  return TRUE;
}

const RpAgentInfo *
rp_agents_find (const GPtrArray *agents, const char *name)
{
  for (guint i = 0; i < agents->len; i++) {
    const RpAgentInfo *info = g_ptr_array_index (agents, i);
    if (g_str_equal (info->name, name))
      return info;
  }
  return NULL;
}

gint64
rp_agents_stt_cpu_us (const GPtrArray *agents)
{
  gint64 most_us = 0;
  for (guint i = 0; i < agents->len; i++)
    most_us = MAX (most_us, ((const RpAgentInfo *) g_ptr_array_index (agents, i))->stt_cpu_us);
  return most_us;
}
