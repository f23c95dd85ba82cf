/* providers/brain-local: what is cancelled says nothing more, even when it is cancelled from its
 * own words and another generation takes its place at once. */
#include "brain-local.h"

#include <string.h>

static const char knowledge[] =
    "# House\n## When are you open?\nFrom eight to eight. Every day but "
    "Sunday. Come whenever you like.\n";

typedef struct {
  RpBrain *brain;
  GPtrArray *messages;
  GString *log;
  guint32 cancel_at; /* the first delta of this generation cancels it and starts the next */
} Fixture;

static void
on_delta (guint32 generation, const char *text, gpointer data)
{
  Fixture *f = data;
  g_string_append_printf (f->log, "%u:%.*s ", generation, 4, text);
  if (generation != f->cancel_at)
    return;
  rp_brain_cancel (f->brain, generation);
  rp_brain_start (f->brain, generation + 1, f->messages);
}

static void
on_tool_call (guint32 generation, const RpToolCall *call, gpointer data)
{
  Fixture *f = data;
  g_string_append_printf (f->log, "%u:%s() ", generation, call->name);
}

static void
on_done (guint32 generation, RpExpect expect, gpointer data)
{
  Fixture *f = data;
  (void) expect;
  g_string_append_printf (f->log, "%u. ", generation);
}

static void
on_failed (guint32 generation, const GError *error, gpointer data)
{
  (void) generation;
  (void) error;
  (void) data;
  g_assert_not_reached ();
}

static const RpBrainEvents events = {on_delta, on_tool_call, on_done, on_failed};

static RpDialogue *
make_dialogue (void)
{
  RpDialogue *dialogue = rp_dialogue_new ();
  rp_dialogue_set_knowledge (dialogue, rp_knowledge_parse (knowledge, strlen (knowledge), NULL));
  g_assert_true (rp_dialogue_finish (dialogue, NULL));
  return dialogue;
}

static void
run (const char *question, guint32 cancel_at, const char *expected)
{
  RpDialogue *dialogue = make_dialogue ();
  Fixture f = {.log = g_string_new (NULL), .cancel_at = cancel_at};
  f.messages = rp_messages_new ();
  g_ptr_array_add (f.messages, rp_message_new (RP_ROLE_USER, question, 1746450000));
  f.brain = rp_brain_builtin_new (dialogue, NULL, "test", NULL, &events, &f);
  rp_brain_start (f.brain, 1, f.messages);
  g_assert_cmpstr (f.log->str, ==, "");
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpstr (f.log->str, ==, expected);
  rp_brain_free (f.brain);
  g_ptr_array_unref (f.messages);
  g_string_free (f.log, TRUE);
  rp_dialogue_free (dialogue);
}

static void
test_answer (void)
{
  run ("When are you open?", 0, "1:From 1:Ever 1:Come 1. ");
  run ("Goodbye", 0, "1:Good 1:end_call() 1. ");
}

static void
test_cancelled_by_its_own_words (void)
{
  run ("When are you open?", 1, "1:From 2:From 2:Ever 2:Come 2. ");
  run ("Goodbye", 1, "1:Good 2:Good 2:end_call() 2. ");
}

static void
test_cancelled_before (void)
{
  RpDialogue *dialogue = make_dialogue ();
  Fixture f = {.log = g_string_new (NULL), .messages = rp_messages_new ()};
  g_ptr_array_add (f.messages, rp_message_new (RP_ROLE_USER, "Goodbye", 1746450000));
  f.brain = rp_brain_builtin_new (dialogue, NULL, "test", NULL, &events, &f);
  rp_brain_start (f.brain, 1, f.messages);
  rp_brain_start (f.brain, 2, f.messages);
  rp_brain_cancel (f.brain, 1);
  rp_brain_cancel (f.brain, 77);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpstr (f.log->str, ==, "2:Good 2:end_call() 2. ");
  /* Freed with an answer on its way. */
  rp_brain_start (f.brain, 3, f.messages);
  rp_brain_free (f.brain);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_ptr_array_unref (f.messages);
  g_string_free (f.log, TRUE);
  rp_dialogue_free (dialogue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/brain/answer", test_answer);
  g_test_add_func ("/brain/cancelled-by-its-own-words", test_cancelled_by_its_own_words);
  g_test_add_func ("/brain/cancelled-before", test_cancelled_before);
  return g_test_run ();
}
