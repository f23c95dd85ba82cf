/* The tools of agent.json: those of this build, and the functions of the caller's page. */
#include "agent-flow.h"

#include "tool.h"

#include <string.h>

/* A page that has not answered by then is not going to: it only has to draw something. */
#define DEFAULT_TIMEOUT_MS 5000

void
rp_agent_client_tool_free (RpAgentClientTool *tool)
{
  g_free (tool->name);
  g_free (tool->description);
  g_free (tool->parameters);
  g_free (tool);
}

static const RpAgentClientTool *
find (const RpAgent *agent, const char *name)
{
  for (guint i = 0; i < agent->client_tools->len; i++) {
    const RpAgentClientTool *tool = agent->client_tools->pdata[i];
    if (strcmp (tool->name, name) == 0)
      return tool;
  }
  return NULL;
}

gboolean
rp_agent_load_tools (RpAgent *agent, JsonArray *names, const char *path, GError **error)
{
  for (guint i = 0; names != NULL && i < json_array_get_length (names); i++) {
    const char *name = rp_json_array_string (names, i);
    if (rp_tools_find (name) == NULL)
      return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                            "tools[%u]: there is no tool \"%s\"; the names are in agents/README.md",
                            i, name);
    g_ptr_array_add (agent->tools, g_strdup (name));
  }
  return TRUE;
}

static gboolean
is_function_name (const char *name)
{
  if (*name == '\0' || g_ascii_isdigit (*name))
    return FALSE;
  while (g_ascii_isalnum (*name) || *name == '_')
    name++;
  return *name == '\0';
}

/* As much of JSON Schema as is used here to check an author's calls. */
static gboolean
check_parameters (JsonObject *parameters, guint index, const char *path, GError **error)
{
  if (parameters == NULL)
    return TRUE;
  if (g_strcmp0 (rp_json_string (parameters, "type", NULL), "object") != 0)
    return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                          "client_tools[%u].parameters: a JSON schema with \"type\": \"object\" is "
                          "expected",
                          index);
  JsonObject *properties = rp_json_object (parameters, "properties");
  g_autoptr (GList) names = properties != NULL ? json_object_get_members (properties) : NULL;
  for (GList *l = names; l != NULL; l = l->next)
    if (rp_json_object (properties, l->data) == NULL)
      return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                            "client_tools[%u].parameters.properties.%s: an object as "
                            "{\"type\": \"string\"} is expected",
                            index, (const char *) l->data);
  JsonArray *required = rp_json_array (parameters, "required");
  for (guint i = 0; required != NULL && i < json_array_get_length (required); i++) {
    const char *name = rp_json_array_string (required, i);
    if (name == NULL || rp_json_object (properties, name) == NULL)
      return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                            "client_tools[%u].parameters.required[%u]: \"%s\" is not among the "
                            "properties",
                            index, i, name != NULL ? name : "?");
  }
  return TRUE;
}

static char *
object_to_string (JsonObject *object)
{
  JsonNode *node = json_node_init_object (json_node_alloc (), object);
  char *text = rp_json_to_string (node);
  json_node_unref (node);
  return text;
}

static gboolean
load_client_tool (RpAgent *agent, JsonObject *object, guint index, const char *path, GError **error)
{
  const char *name = rp_json_string (object, "name", "");
  if (!is_function_name (name))
    return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                          "client_tools[%u].name: \"%s\" is no name of a function; take letters, "
                          "digits and _",
                          index, name);
  if (rp_tools_find (name) != NULL || find (agent, name) != NULL)
    return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                          "client_tools[%u].name: there is another tool named \"%s\"; take "
                          "another name",
                          index, name);
  JsonObject *parameters = rp_json_object (object, "parameters");
  gboolean notify = rp_json_bool (object, "notify", FALSE);
  if (notify && rp_json_member (object, "timeout_ms") != NULL)
    return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                          "client_tools[%u].timeout_ms: with \"notify\" nothing is awaited; "
                          "remove one of them",
                          index);
  if (!check_parameters (parameters, index, path, error))
    return FALSE;
  RpAgentClientTool *tool = g_new0 (RpAgentClientTool, 1);
  tool->name = g_strdup (name);
  tool->description = g_strdup (rp_json_string (object, "description", ""));
  tool->parameters = parameters != NULL ? object_to_string (parameters)
                                        : g_strdup ("{\"type\":\"object\",\"properties\":{}}");
  tool->timeout_ms = (guint) rp_json_int (object, "timeout_ms", DEFAULT_TIMEOUT_MS);
  tool->notify = notify;
  g_ptr_array_add (agent->client_tools, tool);
  if (notify)
    rp_dialogue_add_notify_tool (agent->dialogue, name);
  return TRUE;
}

gboolean
rp_agent_load_client_tools (RpAgent *agent, JsonArray *tools, const char *path, GError **error)
{
  for (guint i = 0; tools != NULL && i < json_array_get_length (tools); i++)
    if (!load_client_tool (agent, rp_json_array_object (tools, i), i, path, error))
      return FALSE;
  return TRUE;
}

/* @node: (nullable): an argument that is only known in a call. Returns: (transfer full) what is
 * wrong with it, or NULL */
static char *
argument_fault (JsonObject *properties, const char *name, JsonNode *node)
{
  JsonObject *property = rp_json_object (properties, name);
  if (property == NULL)
    return g_strdup_printf ("has no parameter \"%s\"; add it to its \"parameters\" in agent.json, "
                            "or remove it",
                            name);
  JsonArray *choices = rp_json_array (property, "enum");
  if (node == NULL || choices == NULL)
    return NULL;
  for (guint i = 0; i < json_array_get_length (choices); i++)
    if (json_node_equal (json_array_get_element (choices, i), node))
      return NULL;
  g_autofree char *value = rp_json_to_string (node);
  return g_strdup_printf ("takes no %s as \"%s\"; the values are in its \"enum\"", value, name);
}

static char *
missing_argument (JsonObject *schema, JsonObject *arguments)
{
  JsonArray *required = rp_json_array (schema, "required");
  for (guint i = 0; required != NULL && i < json_array_get_length (required); i++) {
    const char *name = rp_json_array_string (required, i);
    if (!json_object_has_member (arguments, name))
      return g_strdup_printf ("needs \"%s\"", name);
  }
  return NULL;
}

/* @arguments: members that are null are only known in a call. */
static char *
call_fault (const RpAgentClientTool *tool, JsonObject *arguments)
{
  g_autoptr (JsonObject) schema =
      rp_json_parse_object (tool->parameters, strlen (tool->parameters), 0, NULL);
  JsonObject *properties = rp_json_object (schema, "properties");
  g_autoptr (GList) names = json_object_get_members (arguments);
  for (GList *l = names; l != NULL; l = l->next) {
    char *fault = argument_fault (properties, l->data, rp_json_member (arguments, l->data));
    if (fault != NULL)
      return fault;
  }
  return missing_argument (schema, arguments);
}

gboolean
rp_agent_check_call (const RpAgent *agent, const char *path, const char *where, const char *name,
                     JsonObject *arguments, gboolean notify, GError **error)
{
  const RpAgentClientTool *tool = find (agent, name);
  if (tool == NULL && !notify)
    for (guint i = 0; i < agent->tools->len; i++)
      if (strcmp (agent->tools->pdata[i], name) == 0)
        return TRUE;
  if (tool == NULL)
    return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                          "%s: \"%s\" is not among the %s of agent.json; add it there", where, name,
                          notify ? "\"client_tools\"" : "\"tools\" or \"client_tools\"");
  if (notify && !tool->notify)
    return rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path,
                          "%s: \"%s\" has a result to wait for, which only a flow can; give it "
                          "\"notify\": true in agent.json, or make a flow",
                          where, name);
  g_autofree char *fault = call_fault (tool, arguments);
  return fault == NULL ||
         rp_agent_fail (error, RP_AGENT_ERROR_INVALID, path, "%s: %s %s", where, name, fault);
}

gboolean
rp_agent_check_knowledge (const RpAgent *agent, const RpKnowledge *knowledge, const char *path,
                          GError **error)
{
  for (guint i = 0; i < rp_knowledge_n_entries (knowledge); i++) {
    const RpKnowledgeEntry *entry = rp_knowledge_entry (knowledge, i);
    if (!rp_agent_check_text (agent, path, entry->answer, error, "line %u", entry->line))
      return FALSE;
    if (entry->tool == NULL)
      continue;
    g_autofree char *where = g_strdup_printf ("line %u", entry->tool_line);
    g_autoptr (GError) local = NULL;
    g_autoptr (JsonObject) arguments =
        rp_json_parse_object (entry->arguments, strlen (entry->arguments), 0, &local);
    if (arguments == NULL)
      return rp_agent_fail (error, RP_AGENT_ERROR_SYNTAX, path,
                            "%s: behind the tool's name a JSON object is expected: %s", where,
                            local->message);
    if (!rp_agent_check_call (agent, path, where, entry->tool, arguments, TRUE, error))
      return FALSE;
  }
  return TRUE;
}
