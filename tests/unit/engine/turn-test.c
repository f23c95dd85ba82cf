/* Turn-taking as demanding callers do it: typing while they speak, coughing over the agent's
 * speech, thought and goodbye, answering over the end of a question. */
#include "world.h"

#include <string.h>

static void
type_text (World *world, const char *text, gboolean run, gboolean aloud)
{
  RpEngineEvent event = {.type = RP_ENGINE_CLIENT_TEXT, .text = text, .flag = run, .flag2 = aloud};
  world_input (world, &event);
}

static void
cough (World *world)
{
  world_say (world, "", 300, 250);
}

/* --- typing and speaking at once --- */

static void
test_typed_and_spoken_get_one_answer (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->stt_text = "What are your prices?";
  world_run (world, MS (200));
  world_speech_start (world);
  world_run (world, MS (300));
  type_text (world, "For two people", TRUE, TRUE);
  world_run (world, MS (700));
  world_speech_pause (world);
  world_run (world, MS (136));
  world_speech_stop (world);
  world_run (world, MS (9000));
  cough (world);
  world_run (world, MS (9000));
  world_assert_context (world, "user: For two people What are your prices?\n"
                               "assistant: You said For two people What are your prices? today.\n");
  world_audit (world);
}

/* What is typed takes the place of what a cough had cut. */
static void
test_typed_during_a_cough (void)
{
  g_autoptr (AutoWorld) world = world_connected ("One two three four five six seven eight nine.");
  world_run (world, MS (1000));
  world->stt_text = "";
  world_speech_start (world);
  world_run (world, MS (100));
  type_text (world, "Prices", TRUE, TRUE);
  world_run (world, MS (100));
  world_speech_pause (world);
  world_run (world, MS (136));
  world_speech_stop (world);
  world_run (world, MS (6000));
  g_assert_cmpstr (world->played->str, ==, "You said Prices today.\n");
  world_audit (world);
}

/* The stop button means stop, whatever else is heard. */
static void
test_stop_button_during_a_cough (void)
{
  g_autoptr (AutoWorld) world = world_connected ("One two three four five six seven eight nine.");
  world_run (world, MS (1000));
  world->stt_text = "";
  world_speech_start (world);
  world_run (world, MS (100));
  world_event (world, RP_ENGINE_CLIENT_INTERRUPT);
  world_run (world, MS (100));
  world_speech_pause (world);
  world_run (world, MS (136));
  world_speech_stop (world);
  world_run (world, MS (6000));
  g_assert_cmpstr (world->played->str, ==, "");
  world_audit (world);
}

/* The answer that was thought of early does not know what was added since. */
static void
test_added_text_is_not_missed (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->stt_text = "What are your prices?";
  world_run (world, MS (200));
  world_speech_start (world);
  world_run (world, MS (1000));
  world_speech_pause (world);
  world_run (world, MS (100));
  g_assert_cmpuint (world->n_llm_starts, ==, 1);
  type_text (world, "For two people", FALSE, FALSE);
  world_run (world, MS (36));
  world_speech_stop (world);
  world_run (world, MS (9000));
  g_assert_cmpstr (world_last (world, RP_ROLE_ASSISTANT), ==,
                   "You said For two people What are your prices? today.");
  /* It was spoken to, so it answers by voice. */
  g_assert_cmpuint (world->played->len, >, 0);
  world_audit (world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add_func ("/turn/" path, function)
  ADD ("typed/and-spoken", test_typed_and_spoken_get_one_answer);
  ADD ("typed/during-a-cough", test_typed_during_a_cough);
  ADD ("typed/stop-button-during-a-cough", test_stop_button_during_a_cough);
  ADD ("typed/added-text", test_added_text_is_not_missed);
  return g_test_run ();
}
