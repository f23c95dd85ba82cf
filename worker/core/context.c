#include "context.h"

#include <string.h>

RpToolCall *
rp_tool_call_new (const char *id, const char *name, const char *arguments)
{
  RpToolCall *call = g_new0 (RpToolCall, 1);
  call->id = g_strdup (id);
  call->name = g_strdup (name);
  call->arguments = g_strdup (arguments != NULL ? arguments : "{}");
  return call;
}

RpToolCall *
rp_tool_call_copy (const RpToolCall *call)
{
  return rp_tool_call_new (call->id, call->name, call->arguments);
}

void
rp_tool_call_free (RpToolCall *call)
{
  if (call == NULL)
    return;
  g_free (call->id);
  g_free (call->name);
  g_free (call->arguments);
  g_free (call);
}

RpMessage *
rp_message_new (RpRole role, const char *content, gint64 time_s)
{
  RpMessage *message = g_new0 (RpMessage, 1);
  message->role = role;
  message->content = g_strdup (content != NULL ? content : "");
  message->time_s = time_s;
  return message;
}

RpMessage *
rp_message_copy (const RpMessage *message)
{
  RpMessage *copy = rp_message_new (message->role, message->content, message->time_s);
  copy->interrupted = message->interrupted;
  copy->tool_call_id = g_strdup (message->tool_call_id);
  copy->unheard = g_strdup (message->unheard);
  if (message->tool_calls != NULL) {
    copy->tool_calls = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_tool_call_free);
    for (guint i = 0; i < message->tool_calls->len; i++)
      g_ptr_array_add (copy->tool_calls, rp_tool_call_copy (message->tool_calls->pdata[i]));
  }
  return copy;
}

void
rp_message_free (RpMessage *message)
{
  if (message == NULL)
    return;
  g_free (message->content);
  g_free (message->tool_call_id);
  g_free (message->unheard);
  g_clear_pointer (&message->tool_calls, g_ptr_array_unref);
  g_free (message);
}

static const char *const role_names[] = {
    [RP_ROLE_SYSTEM] = "system",
    [RP_ROLE_USER] = "user",
    [RP_ROLE_ASSISTANT] = "assistant",
    [RP_ROLE_TOOL] = "tool",
};

const char *
rp_role_name (RpRole role)
{
  return role_names[role];
}

gboolean
rp_role_from_name (const char *name, RpRole *out_role)
{
  for (guint i = 0; i < G_N_ELEMENTS (role_names); i++) {
    if (strcmp (role_names[i], name) == 0) {
      *out_role = (RpRole) i;
      return TRUE;
    }
  }
  return FALSE;
}

GPtrArray *
rp_messages_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) rp_message_free);
}

GPtrArray *
rp_messages_copy (const GPtrArray *messages)
{
  GPtrArray *copy = rp_messages_new ();
  for (guint i = 0; i < messages->len; i++)
    g_ptr_array_add (copy, rp_message_copy (messages->pdata[i]));
  return copy;
}

RpMessage *
rp_messages_last (const GPtrArray *messages, RpRole role)
{
  for (guint i = messages->len; i > 0; i--) {
    RpMessage *message = messages->pdata[i - 1];
    if (message->role == role)
      return message;
  }
  return NULL;
}

static gsize
message_bytes (const RpMessage *message)
{
  gsize bytes =
      strlen (message->content) + (message->unheard != NULL ? strlen (message->unheard) : 0);
  if (message->tool_calls != NULL) {
    for (guint i = 0; i < message->tool_calls->len; i++)
      bytes += strlen (((RpToolCall *) message->tool_calls->pdata[i])->arguments);
  }
  return bytes;
}

guint
rp_messages_n_system (const GPtrArray *messages)
{
  guint n = 0;
  while (n < messages->len && ((RpMessage *) messages->pdata[n])->role == RP_ROLE_SYSTEM)
    n++;
  return n;
}

guint
rp_messages_excess (const GPtrArray *messages, guint max_messages, gsize max_bytes)
{
  gsize bytes = 0;
  for (guint i = 0; i < messages->len; i++)
    bytes += message_bytes (messages->pdata[i]);
  guint first = rp_messages_n_system (messages);
  guint next = first;
  while (messages->len - (next - first) > max_messages || bytes > max_bytes) {
    guint end = next + 1;
    /* The results of a dropped assistant message go with it. */
    while (end < messages->len && ((RpMessage *) messages->pdata[end])->role == RP_ROLE_TOOL)
      end++;
    /* What was said last stays, however long it is: there would be nothing to answer. */
    if (end >= messages->len)
      break;
    while (next < end)
      bytes -= message_bytes (messages->pdata[next++]);
  }
  return next - first;
}

void
rp_messages_trim (GPtrArray *messages, guint max_messages, gsize max_bytes)
{
  guint n = rp_messages_excess (messages, max_messages, max_bytes);
  if (n > 0)
    g_ptr_array_remove_range (messages, rp_messages_n_system (messages), n);
}

gboolean
rp_messages_tool_pairs_whole (const GPtrArray *messages)
{
  g_autoptr (GHashTable) open = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; i < messages->len; i++) {
    const RpMessage *message = messages->pdata[i];
    if (message->role == RP_ROLE_TOOL) {
      if (message->tool_call_id == NULL || !g_hash_table_remove (open, message->tool_call_id))
        return FALSE;
      continue;
    }
    if (message->role != RP_ROLE_ASSISTANT)
      continue;
    if (g_hash_table_size (open) > 0)
      return FALSE;
    for (guint j = 0; message->tool_calls != NULL && j < message->tool_calls->len; j++)
      g_hash_table_add (open, ((RpToolCall *) message->tool_calls->pdata[j])->id);
  }
  return g_hash_table_size (open) == 0;
}
