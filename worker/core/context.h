/* The conversation as the chat-completion APIs know it: a list of messages.
 *
 * A message is immutable once it is in a context, except the last assistant message, which grows
 * while it is heard. Plain data without a clock; one owner thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  RP_ROLE_SYSTEM,
  RP_ROLE_USER,
  RP_ROLE_ASSISTANT,
  RP_ROLE_TOOL,
} RpRole;

/* One call of a tool. Each has exactly one result message (RP_ROLE_TOOL) in a context that is given
 * to a brain. */
typedef struct {
  char *id;        /* unique in the conversation */
  char *name;      /* the function */
  char *arguments; /* a JSON object as text */
} RpToolCall;

typedef struct {
  RpRole role;
  char *content;         /* UTF-8, never NULL; for an assistant: only what was heard */
  GPtrArray *tool_calls; /* (nullable) of RpToolCall, assistant only */
  char *tool_call_id;    /* (nullable) tool only */
  gint64 time_s;         /* unix time at which it entered the context */
  gboolean interrupted;  /* assistant: the user cut it, @content is the part that was heard */
  char *unheard; /* (nullable) assistant: what was generated and not heard; never shown to an LLM */
} RpMessage;

RpToolCall *rp_tool_call_new (const char *id, const char *name, const char *arguments);
RpToolCall *rp_tool_call_copy (const RpToolCall *call);
void rp_tool_call_free (RpToolCall *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpToolCall, rp_tool_call_free)

/* @content: copied; NULL is the empty string. Returns: (transfer full) */
RpMessage *rp_message_new (RpRole role, const char *content, gint64 time_s);
RpMessage *rp_message_copy (const RpMessage *message);
void rp_message_free (RpMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpMessage, rp_message_free)

/* "system", "user", "assistant", "tool". */
const char *rp_role_name (RpRole role);
/* Returns: FALSE when @name is none of the four; @out_role is then untouched. */
gboolean rp_role_from_name (const char *name, RpRole *out_role);

/* Returns: (transfer full) an array that owns its RpMessage elements. */
GPtrArray *rp_messages_new (void);
GPtrArray *rp_messages_copy (const GPtrArray *messages);

/* The last message of @role, or NULL. Returns: (transfer none) */
RpMessage *rp_messages_last (const GPtrArray *messages, RpRole role);

/* Drops the oldest messages until at most @max_messages remain and their content is at most
 * @max_bytes, keeping the leading system messages, and never parting an assistant's tool calls from
 * their results: a kept context never begins with a tool message. The last message, or call with
 * its results, is kept in any case. */
void rp_messages_trim (GPtrArray *messages, guint max_messages, gsize max_bytes);

/* How many messages, from the first that is no leading system message on, rp_messages_trim() would
 * drop. */
guint rp_messages_excess (const GPtrArray *messages, guint max_messages, gsize max_bytes);
/* The number of leading system messages. */
guint rp_messages_n_system (const GPtrArray *messages);

/* Every tool call in @messages has exactly one result, after it and before the next assistant
 * message; no result stands alone. */
gboolean rp_messages_tool_pairs_whole (const GPtrArray *messages);

G_END_DECLS
