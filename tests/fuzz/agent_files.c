/*
 * An agent as its author may write it: agent.json, prompt.md, knowledge.md, flows and quizzes, each
 * behind a line "=== a", "=== p", "=== k", "=== f" or "=== q". Loaded, or refused with a message
 * that names the file; one that was loaded answers.
 */
#include "agent.h"
#include "scratch.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define MARK "=== "

static const struct {
  char kind;
  const char *path;
} files[] = {
    {'a', "agent.json"},      {'p', "prompt.md"},         {'k', "knowledge.md"},
    {'f', "flows/flow.json"}, {'q', "quizzes/quiz.json"},
};

static void
write_files (const char *dir, const char *data, gsize size)
{
  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree char *path = g_build_filename (dir, files[i].path, NULL);
    g_autofree char *mark = g_strdup_printf (MARK "%c\n", files[i].kind);
    const char *begin = g_strstr_len (data, (gssize) size, mark);
    if (begin == NULL) {
      g_unlink (path);
      continue;
    }
    begin += strlen (mark);
    gsize left = size - (gsize) (begin - data);
    const char *end = g_strstr_len (begin, (gssize) left, MARK);
    g_assert_true (
        g_file_set_contents (path, begin, end != NULL ? end - begin : (gssize) left, NULL));
  }
}

static void
ask (const RpAgent *agent)
{
  static const char *const texts[] = {"hello", "book a room", "tomorrow at ten", "yes", "stop"};
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) messages = rp_messages_new ();
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_ptr_array_add (messages, rp_message_new (RP_ROLE_USER, texts[i], 1746450000));
    const RpBrainRequest request = {
        .messages = messages, .now_unix_s = 1746450000, .conversation_id = "fuzz", .data = known};
    g_autoptr (RpBrainReply) reply = rp_dialogue_respond (agent->dialogue, &request);
    g_autofree char *said = rp_brain_reply_text (reply);
    g_assert_true (g_utf8_validate (said, -1, NULL));
    g_ptr_array_add (messages, rp_message_new (RP_ROLE_ASSISTANT, said, 1746450000));
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static char *dir;
  if (dir == NULL) {
    dir = g_build_filename (scratch_dir (), "agent", NULL);
    g_autofree char *flows = g_build_filename (dir, "flows", NULL);
    g_autofree char *quizzes = g_build_filename (dir, "quizzes", NULL);
    g_assert_true (g_mkdir_with_parents (flows, 0700) == 0 && g_mkdir (quizzes, 0700) == 0);
  }
  write_files (dir, (const char *) data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (RpAgent) agent = rp_agent_load (dir, &error);
  g_assert_true ((agent == NULL) == (error != NULL));
  if (agent == NULL) {
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
    g_assert_true (g_str_has_prefix (error->message, dir));
    return 0;
  }
  g_assert_true (agent->title != NULL && agent->greeting != NULL && agent->prompt != NULL);
  if (g_strcmp0 (agent->brain.provider, "builtin") == 0)
    ask (agent);
  return 0;
}
