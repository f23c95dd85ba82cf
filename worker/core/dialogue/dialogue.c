#include "dialogue-private.h"

#include <string.h>

static const char *const phrase_names[] = {
    [RP_PHRASE_GREETING] = "greeting",
    [RP_PHRASE_THANKS] = "thanks",
    [RP_PHRASE_GOODBYE] = "goodbye",
    [RP_PHRASE_DONE] = "done",
    [RP_PHRASE_STOP] = "stop",
    [RP_PHRASE_WAIT] = "wait",
    [RP_PHRASE_HELP] = "help",
    [RP_PHRASE_UNKNOWN] = "unknown",
    [RP_PHRASE_OFFER] = "offer",
    [RP_PHRASE_NOT_HEARD] = "not_heard",
    [RP_PHRASE_CANCELLED] = "cancelled",
    [RP_PHRASE_ACKNOWLEDGE] = "acknowledge",
    [RP_PHRASE_NOTHING_SAID] = "nothing_said",
    [RP_PHRASE_WORKING] = "working",
    [RP_PHRASE_TROUBLE] = "trouble",
    [RP_PHRASE_GIVE_UP] = "give_up",
    [RP_PHRASE_ANYTHING_ELSE] = "anything_else",
};

static const char *const defaults[RP_PHRASE_N][4] = {
    [RP_PHRASE_GREETING] = {"Hello! How can I help?", "Hello again. What can I do for you?"},
    [RP_PHRASE_THANKS] = {"You're welcome. Is there anything else?", "You're welcome."},
    [RP_PHRASE_GOODBYE] = {"Goodbye, and thank you for calling."},
    [RP_PHRASE_DONE] = {"All right. I'm here if you need me."},
    [RP_PHRASE_STOP] = {"Okay."},
    [RP_PHRASE_WAIT] = {"Take your time."},
    [RP_PHRASE_HELP] = {"You can ask me a question, or say goodbye when you are done."},
    [RP_PHRASE_UNKNOWN] = {"I'm sorry, I don't know that.", "I'm afraid I don't know that either.",
                           "That is something I really can't answer."},
    [RP_PHRASE_OFFER] = {"Would you like to leave a message, so that someone can call you back?",
                         "Shall I take a message instead?"},
    [RP_PHRASE_NOT_HEARD] = {"Sorry, I didn't catch that.",
                             "I'm sorry, could you say that once more?"},
    [RP_PHRASE_CANCELLED] = {"All right, I've dropped that. What else can I do?"},
    [RP_PHRASE_ACKNOWLEDGE] = {"What would you like to know?", "I'm listening."},
    [RP_PHRASE_NOTHING_SAID] = {"I haven't said anything yet. How can I help?"},
    [RP_PHRASE_WORKING] = {"One moment, I'm still working on that."},
    [RP_PHRASE_TROUBLE] = {"I'm sorry, that didn't work. Please try again in a moment."},
    [RP_PHRASE_GIVE_UP] = {"I'm sorry, I'm having trouble understanding."},
    [RP_PHRASE_ANYTHING_ELSE] = {"Is there anything else I can help with?"},
};

const char *
rp_phrase_name (RpPhrase phrase)
{
  return (guint) phrase < RP_PHRASE_N ? phrase_names[phrase] : NULL;
}

RpDialogue *
rp_dialogue_new (void)
{
  RpDialogue *self = g_new0 (RpDialogue, 1);
  self->flows = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_flow_free);
  self->quizzes = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_quiz_free);
  self->notify_tools = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < RP_PHRASE_N; i++)
    rp_dialogue_set_phrases (self, (RpPhrase) i, defaults[i]);
  self->own_help = FALSE;
  return self;
}

void
rp_dialogue_free (RpDialogue *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < RP_PHRASE_N; i++)
    g_clear_pointer (&self->phrases[i], g_ptr_array_unref);
  rp_knowledge_free (self->knowledge);
  g_ptr_array_unref (self->flows);
  g_ptr_array_unref (self->quizzes);
  g_ptr_array_unref (self->notify_tools);
  g_free (self->offer_name);
  rp_index_free (self->index);
  g_free (self);
}

void
rp_dialogue_set_phrases (RpDialogue *self, RpPhrase phrase, const char *const *phrases)
{
  g_clear_pointer (&self->phrases[phrase], g_ptr_array_unref);
  self->phrases[phrase] = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; phrases[i] != NULL; i++)
    g_ptr_array_add (self->phrases[phrase], g_strdup (phrases[i]));
  if (phrase == RP_PHRASE_HELP)
    self->own_help = TRUE;
}

const char *
rp_dialogue_phrase (const RpDialogue *self, RpPhrase phrase, guint nth)
{
  const GPtrArray *list = self->phrases[phrase];
  return g_ptr_array_index (list, MIN (nth, list->len - 1));
}

void
rp_dialogue_set_knowledge (RpDialogue *self, RpKnowledge *knowledge)
{
  rp_knowledge_free (self->knowledge);
  self->knowledge = knowledge;
}

void
rp_dialogue_add_flow (RpDialogue *self, RpFlow *flow)
{
  g_ptr_array_add (self->flows, flow);
}

void
rp_dialogue_add_quiz (RpDialogue *self, RpQuiz *quiz)
{
  g_ptr_array_add (self->quizzes, quiz);
}

void
rp_dialogue_set_offer_flow (RpDialogue *self, const char *name)
{
  g_free (self->offer_name);
  self->offer_name = g_strdup (name);
}

void
rp_dialogue_add_notify_tool (RpDialogue *self, const char *name)
{
  g_ptr_array_add (self->notify_tools, g_strdup (name));
}

gboolean
rp_dialogue_only_notifies (const RpDialogue *self, const char *tool)
{
  return tool != NULL &&
         g_ptr_array_find_with_equal_func (self->notify_tools, tool, g_str_equal, NULL);
}

static void
add_synonym (const char *head, const char *synonym, gpointer user_data)
{
  rp_index_add_synonym (user_data, head, synonym);
}

static void
build_index (RpDialogue *self)
{
  rp_index_free (self->index);
  self->index = rp_index_new ();
  self->n_entries = self->knowledge != NULL ? rp_knowledge_n_entries (self->knowledge) : 0;
  if (self->knowledge != NULL)
    rp_knowledge_foreach_synonym (self->knowledge, add_synonym, self->index);
  for (guint i = 0; i < self->n_entries; i++) {
    const RpKnowledgeEntry *entry = rp_knowledge_entry (self->knowledge, i);
    rp_index_add (self->index, entry->questions, entry->answer, entry->section);
  }
  for (guint i = 0; i < self->flows->len; i++) {
    const RpFlow *flow = g_ptr_array_index (self->flows, i);
    rp_index_add (self->index, flow->triggers, NULL, NULL);
  }
  for (guint i = 0; i < self->quizzes->len; i++) {
    const RpQuiz *quiz = g_ptr_array_index (self->quizzes, i);
    rp_index_add (self->index, quiz->triggers, NULL, NULL);
  }
  rp_index_finish (self->index);
}

/* "I can book a room, cancel a booking, and answer questions." */
static void
compose_help (RpDialogue *self)
{
  GString *text = g_string_new ("I can ");
  guint n = 0;
  for (guint i = 0; i < self->flows->len + self->quizzes->len; i++) {
    const char *summary =
        i < self->flows->len
            ? ((const RpFlow *) self->flows->pdata[i])->summary
            : ((const RpQuiz *) self->quizzes->pdata[i - self->flows->len])->summary;
    if (summary == NULL)
      continue;
    g_string_append_printf (text, "%s%s", n > 0 ? ", " : "", summary);
    n++;
  }
  if (n > 0) {
    g_string_append (text, self->n_entries > 0 ? ", and answer questions." : ".");
    const char *const help[] = {text->str, NULL};
    rp_dialogue_set_phrases (self, RP_PHRASE_HELP, help);
  }
  g_string_free (text, TRUE);
}

/* The answer is over once it was said: it cannot wait for a result. */
static gboolean
check_knowledge (const RpDialogue *self, GError **error)
{
  guint n = self->knowledge != NULL ? rp_knowledge_n_entries (self->knowledge) : 0;
  for (guint i = 0; i < n; i++) {
    const RpKnowledgeEntry *entry = rp_knowledge_entry (self->knowledge, i);
    if (entry->tool == NULL || rp_dialogue_only_notifies (self, entry->tool))
      continue;
    g_set_error (error, RP_FLOW_ERROR, RP_FLOW_ERROR_INVALID,
                 "knowledge, line %u: \"%s\" is no tool that only notifies", entry->tool_line,
                 entry->tool);
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_quizzes (const RpDialogue *self, GError **error)
{
  if (self->quizzes->len > RP_DIALOGUE_MAX_QUIZZES) {
    g_set_error (error, RP_FLOW_ERROR, RP_FLOW_ERROR_INVALID, "more than %d quizzes",
                 RP_DIALOGUE_MAX_QUIZZES);
    return FALSE;
  }
  for (guint i = 0; i < self->quizzes->len; i++) {
    const RpQuiz *quiz = g_ptr_array_index (self->quizzes, i);
    if (!rp_quiz_validate (quiz, error)) {
      g_prefix_error (error, "quiz \"%s\": ", quiz->name);
      return FALSE;
    }
    if (quiz->tool == NULL || rp_dialogue_only_notifies (self, quiz->tool))
      continue;
    g_set_error (error, RP_FLOW_ERROR, RP_FLOW_ERROR_INVALID,
                 "quiz \"%s\": \"%s\" is no tool that only notifies", quiz->name, quiz->tool);
    return FALSE;
  }
  return TRUE;
}

gboolean
rp_dialogue_finish (RpDialogue *self, GError **error)
{
  self->offer = NULL;
  for (guint i = 0; i < self->flows->len; i++) {
    const RpFlow *flow = g_ptr_array_index (self->flows, i);
    g_autoptr (GError) local = NULL;
    if (!rp_flow_validate (flow, &local)) {
      g_set_error (error, RP_FLOW_ERROR, RP_FLOW_ERROR_INVALID, "flow \"%s\": %s", flow->name,
                   local->message);
      return FALSE;
    }
    for (guint k = 0; k < i; k++)
      if (strcmp (((const RpFlow *) g_ptr_array_index (self->flows, k))->name, flow->name) == 0) {
        g_set_error (error, RP_FLOW_ERROR, RP_FLOW_ERROR_INVALID, "two flows are named \"%s\"",
                     flow->name);
        return FALSE;
      }
    if (g_strcmp0 (flow->name, self->offer_name) == 0)
      self->offer = flow;
  }
  if (self->offer_name != NULL && self->offer == NULL) {
    g_set_error (error, RP_FLOW_ERROR, RP_FLOW_ERROR_INVALID,
                 "the flow \"%s\" is to be offered, but there is none of that name",
                 self->offer_name);
    return FALSE;
  }
  if (!check_knowledge (self, error) || !check_quizzes (self, error))
    return FALSE;
  build_index (self);
  if (!self->own_help)
    compose_help (self);
  return TRUE;
}

void
rp_brain_reply_free (RpBrainReply *reply)
{
  if (reply == NULL)
    return;
  g_ptr_array_unref (reply->segments);
  g_ptr_array_unref (reply->calls);
  g_free (reply);
}

char *
rp_brain_reply_text (const RpBrainReply *reply)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < reply->segments->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? " " : "",
                            (const char *) g_ptr_array_index (reply->segments, i));
  return g_string_free (text, FALSE);
}

RpBrainReply *
rp_dialogue_respond (const RpDialogue *self, const RpBrainRequest *request)
{
  RpBrainReply *reply = g_new0 (RpBrainReply, 1);
  reply->segments = g_ptr_array_new_with_free_func (g_free);
  reply->calls = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_tool_call_free);
  rp_fold_run (self, request, reply);
  return reply;
}
