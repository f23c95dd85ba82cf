/* Talks with an agent's built-in brain by keyboard: chat DIR [UNIX_TIME]. For authors and for
 * debugging. */
#include "agent.h"
#include "template.h"
#include "tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A function of the page: there is none here. */
static const RpAgentClientTool *
client_tool (const RpAgent *agent, const char *name)
{
  for (guint i = 0; i < agent->client_tools->len; i++) {
    const RpAgentClientTool *tool = agent->client_tools->pdata[i];
    if (strcmp (tool->name, name) == 0)
      return tool;
  }
  return NULL;
}

/* Returns: whether there is something to answer. */
static gboolean
run_tools (const RpAgent *agent, const RpBrainReply *reply, RpTools *tools, GPtrArray *messages,
           gint64 now)
{
  gboolean any = FALSE;
  for (guint i = 0; i < reply->calls->len; i++) {
    const RpToolCall *call = g_ptr_array_index (reply->calls, i);
    g_autoptr (GError) error = NULL;
    const RpAgentClientTool *client = client_tool (agent, call->name);
    g_autofree char *result =
        client != NULL ? g_strdup ("{\"ok\":true}")
                       : rp_tools_call (tools, call->name, call->id, call->arguments, now, &error);
    any = any || client == NULL || !client->notify;
    if (result == NULL)
      result = rp_tools_error_result (error);
    printf ("    %s %s -> %s\n", call->name, call->arguments, result);
    RpMessage *message = rp_message_new (RP_ROLE_TOOL, result, now);
    message->tool_call_id = g_strdup (call->id);
    g_ptr_array_add (messages, message);
  }
  return any;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RpAgent) agent = argc > 1 ? rp_agent_load (argv[1], &error) : NULL;
  if (agent == NULL) {
    fprintf (stderr, "%s\n", error != NULL ? error->message : "usage: chat DIR [UNIX_TIME]");
    return 2;
  }
  gint64 now = argc > 2 ? g_ascii_strtoll (argv[2], NULL, 10) : g_get_real_time () / G_USEC_PER_SEC;
  g_autofree char *path = g_build_filename (g_get_tmp_dir (), "repartee-chat.sqlite", NULL);
  g_autoptr (RpTools) tools = rp_tools_new (&agent->bookings, path);
  g_autoptr (GTimeZone) tz = rp_agent_timezone (agent);
  g_autoptr (GPtrArray) messages = rp_messages_new ();
  g_autofree char *id = g_uuid_string_random ();
  g_autofree char *greeting = rp_text_render (agent->greeting, NULL);
  g_ptr_array_add (messages, rp_message_new (RP_ROLE_ASSISTANT, greeting, now));
  printf ("%s\n", greeting);
  char line[2000];
  gboolean done = FALSE;
  while (!done && fgets (line, sizeof line, stdin) != NULL) {
    g_strchomp (line);
    printf ("> %s\n", line);
    g_ptr_array_add (messages, rp_message_new (RP_ROLE_USER, line, now));
    for (gboolean again = TRUE; again;) {
      RpBrainRequest request = {
          .messages = messages, .now_unix_s = now, .tz = tz, .conversation_id = id};
      g_autoptr (RpBrainReply) reply = rp_dialogue_respond (agent->dialogue, &request);
      g_autofree char *text = rp_brain_reply_text (reply);
      printf ("%s\n", text);
      RpMessage *message = rp_message_new (RP_ROLE_ASSISTANT, text, now);
      if (reply->calls->len > 0)
        message->tool_calls = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_tool_call_free);
      for (guint i = 0; i < reply->calls->len; i++)
        g_ptr_array_add (message->tool_calls,
                         rp_tool_call_copy (g_ptr_array_index (reply->calls, i)));
      g_ptr_array_add (messages, message);
      again = run_tools (agent, reply, tools, messages, now);
      done = reply->end_call;
      again = again && !done;
    }
  }
  return 0;
}
