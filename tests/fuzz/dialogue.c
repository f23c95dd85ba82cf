/* Any conversation: each line is a message by its first letter (u, a, i, t). Answered, never with
 * silence, and the same when asked again. */
#include "dialogue.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const char knowledge[] =
    "# Synonyms\n- price: cost\n# House\n## When are you open?\nFrom eight to eight.\n"
    "## What is the price of a room?\n- call: show {\"a\": 1}\nTen pounds, {caller_name}.\n"
    "## Is there parking?\nYes.\n";

static RpFlow *
make_flow (void)
{
  RpFlow *flow = rp_flow_new ("book_room");
  g_ptr_array_add (flow->triggers, g_strdup ("book a room"));
  static const struct {
    const char *name;
    RpSlotType type;
  } slots[] = {{"day", RP_SLOT_DATE},      {"time", RP_SLOT_TIME}, {"duration", RP_SLOT_DURATION},
               {"people", RP_SLOT_NUMBER}, {"name", RP_SLOT_NAME}, {"number", RP_SLOT_DIGITS},
               {"note", RP_SLOT_TEXT}};
  for (guint i = 0; i < G_N_ELEMENTS (slots); i++) {
    RpSlot *slot = rp_slot_new (slots[i].name, slots[i].type);
    slot->prompt = g_strdup_printf ("Which %s?", slots[i].name);
    g_ptr_array_add (flow->slots, slot);
  }
  flow->confirm = g_strdup ("{day} at {time} for {name}, {note}?");
  flow->tool = g_strdup ("book_room");
  flow->success = g_strdup ("Done {reference|digits} {day|date}.");
  RpFlowFailure *failure = rp_flow_failure_new ("conflict", "Taken, {alternatives|time}?");
  failure->ask = g_strdup ("time");
  failure->offer = g_strdup ("alternatives");
  g_ptr_array_add (flow->failures, failure);
  return flow;
}

static RpQuiz *
make_quiz (const char *name, guint sums)
{
  RpQuiz *quiz = rp_quiz_new (name);
  g_ptr_array_add (quiz->triggers, g_strdup_printf ("ask %s", name));
  g_ptr_array_add (quiz->right, g_strdup ("Yes."));
  g_ptr_array_add (quiz->wrong, g_strdup ("No."));
  quiz->tell = g_strdup ("It is {answer}.");
  quiz->finish = g_strdup ("{right} of {asked}.");
  quiz->again = g_strdup ("Again?");
  quiz->tool = g_strdup ("show");
  quiz->sums = sums;
  quiz->level = 1;
  quiz->n_questions = 2;
  if (sums != 0)
    return quiz;
  RpQuizItem *claim = rp_quiz_item_new ("It is warm.");
  g_ptr_array_add (quiz->items, claim);
  RpQuizItem *item = rp_quiz_item_new ("Who?");
  g_ptr_array_add (item->answers, g_strdup ("Anna Blue"));
  g_ptr_array_add (quiz->items, item);
  return quiz;
}

static void
add_message (GPtrArray *messages, char kind, const char *text, const char *call_id,
             const RpBrainReply *reply)
{
  RpRole role = kind == 'u' ? RP_ROLE_USER : kind == 't' ? RP_ROLE_TOOL : RP_ROLE_ASSISTANT;
  RpMessage *message = rp_message_new (role, text, 1746450000);
  if (kind == 't')
    message->tool_call_id = g_strdup (call_id);
  message->interrupted = kind == 'i';
  if (kind == 'a' && reply != NULL && reply->calls->len > 0) {
    message->tool_calls = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_tool_call_free);
    g_ptr_array_add (message->tool_calls, rp_tool_call_copy (g_ptr_array_index (reply->calls, 0)));
  }
  g_ptr_array_add (messages, message);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size > 2048)
    return 0;
  g_autoptr (RpDialogue) dialogue = rp_dialogue_new ();
  rp_dialogue_set_knowledge (dialogue, rp_knowledge_parse (knowledge, strlen (knowledge), NULL));
  rp_dialogue_add_flow (dialogue, make_flow ());
  rp_dialogue_add_quiz (dialogue, make_quiz ("sums", RP_SUM_ADD | RP_SUM_DIVIDE));
  rp_dialogue_add_quiz (dialogue, make_quiz ("names", 0));
  rp_dialogue_add_notify_tool (dialogue, "show");
  g_assert_true (rp_dialogue_finish (dialogue, NULL));
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);
  if (size % 2 == 0)
    g_hash_table_insert (known, (gpointer) RP_DATA_CALLER_NAME, (gpointer) "Anna Blue");
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", 40);
  g_autoptr (GPtrArray) messages = rp_messages_new ();
  g_autoptr (RpBrainReply) reply = NULL;
  g_autofree char *call_id = g_strdup ("none");
  for (guint i = 0; lines[i] != NULL; i++) {
    char kind = strchr ("uait", lines[i][0]) != NULL && lines[i][0] != '\0' ? lines[i][0] : 'u';
    add_message (messages, kind, lines[i][0] != '\0' ? lines[i] + 1 : "", call_id, reply);
    const RpBrainRequest request = {
        .messages = messages, .now_unix_s = 1746450000, .conversation_id = "fuzz", .data = known};
    g_clear_pointer (&reply, rp_brain_reply_free);
    reply = rp_dialogue_respond (dialogue, &request);
    g_assert_true (kind != 'u' || reply->segments->len > 0);
    g_autofree char *said = rp_brain_reply_text (reply);
    g_assert_true (g_utf8_validate (said, -1, NULL));
    g_autoptr (RpBrainReply) again = rp_dialogue_respond (dialogue, &request);
    g_autofree char *same = rp_brain_reply_text (again);
    g_assert_cmpstr (said, ==, same);
    if (reply->calls->len > 0) {
      const RpToolCall *call = g_ptr_array_index (reply->calls, 0);
      g_free (call_id);
      call_id = g_strdup (call->id);
      g_assert_true (g_utf8_validate (call->arguments, -1, NULL));
    }
  }
  return 0;
}
