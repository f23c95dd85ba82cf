/* Parts that fail, hang, flood or lie: voice, brain and tools. */
#include "world.h"

#include <string.h>

static char *
one_line (World *world, const GPtrArray *messages, char **out_tool, char **out_arguments)
{
  return g_strdup (world->brain_data);
}

static char *
booking_brain (World *world, const GPtrArray *messages, char **out_tool, char **out_arguments)
{
  const RpMessage *last = messages->pdata[messages->len - 1];
  if (last->role == RP_ROLE_TOOL)
    return g_strdup ("It is booked now.");
  *out_tool = g_strdup ("book_room");
  *out_arguments = g_strdup (world->brain_data);
  return g_strdup ("");
}

static void
type_text (World *world, const char *text, gboolean run, gboolean aloud)
{
  RpEngineEvent event = {.type = RP_ENGINE_CLIENT_TEXT, .text = text, .flag = run, .flag2 = aloud};
  world_input (world, &event);
}

/* --- the brain --- */

/* Nothing that could be spoken is silence as well, and has to be told. */
static void
test_unspeakable_answer (void)
{
  static const char *const texts[] = {"", "\xf0\x9f\x99\x82", "***"};
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    for (guint preemptive = 0; preemptive < 2; preemptive++) {
      RpEngineConfig config;
      rp_engine_config_init (&config);
      config.preemptive = preemptive != 0;
      g_autoptr (AutoWorld) world = world_new (&config);
      world_event (world, RP_ENGINE_CONNECTED);
      world->brain = one_line;
      world->brain_data = (gpointer) texts[i];
      world_say (world, "What are your prices?", 1000, 200);
      world_run (world, MS (1000));
      g_assert_true (world_logged (world, "silent: the brain had nothing to say"));
      world_audit (world);
    }
  }
}

static void
test_brain_stops_in_mid_stream (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say (world, "What are your prices?", 1000, 190);
  world->brain_us = -1;
  type_text (world, "Prices", TRUE, TRUE);
  RpEngineEvent event = {.type = RP_ENGINE_LLM_DELTA, .id = 2, .text = "Well, let me see. It"};
  world_input (world, &event);
  world_run (world, MS (25000));
  g_assert_true (world_logged (world, "error: the brain failed: no answer in time"));
  g_assert_true (strstr (world->played->str, "something went wrong") != NULL);
  world_audit (world);
}

/* A brain that writes slowly but surely is left alone. */
static void
test_slow_brain (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->delta_us = MS (4000);
  world_say (world, "What are your prices?", 1000, 200);
  world_run (world, MS (60000));
  g_assert_cmpstr (world_last (world, RP_ROLE_ASSISTANT), ==,
                   "You said What are your prices? today.");
  world_audit (world);
}

/* Of two that are asked, the one that hangs is missed. */
static void
test_hung_brain_among_two (void)
{
  RpEngineConfig config;
  rp_engine_config_init (&config);
  config.interruptible = FALSE;
  g_autoptr (AutoWorld) world = world_new (&config);
  world_event (world, RP_ENGINE_CONNECTED);
  world->brain_us = -1;
  world_say (world, "What are your prices?", 800, 300);
  world->brain_us = MS (2);
  world_say (world, "When do you open?", 800, 300);
  world_run (world, MS (30000));
  g_assert_true (world_logged (world, "error: the brain failed: no answer in time"));
  g_assert_true (g_str_has_suffix (world->played->str, "When do you open?\ntoday.\n"));
  world_audit (world);
}

/* The timings of a turn are those of the first words that answer it. */
static void
test_metrics_of_a_tool_turn (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = booking_brain;
  world->tool_us = MS (500);
  world_say (world, "Book a room.", 800, 200);
  world_run (world, MS (9000));
  g_assert_cmpfloat (world->metrics.voice_to_voice, >=, 700);
  g_assert_cmpfloat (world->metrics.turn_decision, ==, 200);
  g_assert_cmpfloat (world->metrics.llm_ttft, ==, 2);
}

/* A typed question has no end of speech to count from. */
static void
test_metrics_are_not_inherited (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain_us = MS (1500);
  world_say (world, "What are your prices?", 1000, 500);
  world->metrics.voice_to_voice = -2;
  type_text (world, "Hours", TRUE, TRUE);
  world_run (world, MS (9000));
  g_assert_cmpfloat (world->metrics.voice_to_voice, ==, -2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add_func ("/parts/" path, function)
  ADD ("brain/unspeakable", test_unspeakable_answer);
  ADD ("brain/stops-in-mid-stream", test_brain_stops_in_mid_stream);
  ADD ("brain/slow", test_slow_brain);
  ADD ("brain/hung-among-two", test_hung_brain_among_two);
  ADD ("metrics/tool-turn", test_metrics_of_a_tool_turn);
  ADD ("metrics/not-inherited", test_metrics_are_not_inherited);
  return g_test_run ();
}
