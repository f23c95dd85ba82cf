/* A worker dies in an awkward moment, and another one takes up the call. */
#define _GNU_SOURCE /* memmem */

#include "world.h"

#include <string.h>

static char *
goodbye_brain (World *world, const GPtrArray *messages, char **out_tool, char **out_arguments)
{
  *out_tool = g_strdup ("end_call");
  return g_strdup ("Goodbye my friend and see you soon.");
}

static char *
booking_brain (World *world, const GPtrArray *messages, char **out_tool, char **out_arguments)
{
  const RpMessage *last = messages->pdata[messages->len - 1];
  if (last->role == RP_ROLE_TOOL)
    return g_strdup ("It is booked now.");
  *out_tool = g_strdup ("book_room");
  return g_strdup ("Let me book that.");
}

/* It had decided to end the call, and that was not sent. */
static void
test_hang_up_is_sent_again (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = goodbye_brain;
  world_type (world, "bye", TRUE, TRUE);
  world_run (world, MS (8000));
  g_assert_true (world->hung_up);
  world->hung_up = FALSE;
  world_replace_worker (world);
  g_assert_true (world->hung_up);
  world_run (world, MS (60000));
}

static void
test_goodbye_still_ends_the_call (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = goodbye_brain;
  world_type (world, "bye", TRUE, TRUE);
  world_run (world, MS (1000));
  world_replace_worker (world);
  g_assert_cmpuint (world_count (world, "tool started"), ==, 1);
  world_run (world, MS (8000));
  g_assert_true (world->hung_up);
  g_assert_cmpuint (world_count (world, "tool done"), ==, 1);
}

/* The voice was in the middle of an utterance: the server plays what it has of it, and is given the
 * rest before it says that this was all. */
static void
test_voice_is_cut (void)
{
  for (guint n_frames = 2 * WORD_FRAMES; n_frames < 3 * WORD_FRAMES; n_frames++) {
    g_autoptr (AutoWorld) world = world_connected ("One two three four five six.");
    world_run (world, MS (200));
    world_cut_worker (world, n_frames);
    world_run (world, MS (4000));
    g_assert_cmpuint (world_count (world, "speaking"), ==, 1);
    g_assert_cmpuint (world_count (world, "not_speaking"), ==, 1);
    g_assert_cmpstr (world_last (world, RP_ROLE_ASSISTANT), ==, "One two three four five six.");
    world_audit (world);
  }
}

/* Two workers in a row die while the user speaks: he is asked all the same. */
static void
test_dying_twice_in_a_turn (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_run (world, MS (500));
  world_speech_start (world);
  world_run (world, MS (500));
  world_replace_worker (world);
  world_run (world, MS (500));
  world_replace_worker (world);
  world_run (world, MS (8000));
  g_assert_true (strstr (world->played->str, "I didn't catch that") != NULL);
  world_audit (world);
}

/* The words lost are asked for; what had been understood of them is not put before the next ones.
 */
static void
test_half_a_turn_is_not_kept (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say_on (world, "First part of the story.", 11000);
  world_speech_pause (world);
  world_run (world, MS (100));
  world_event (world, RP_ENGINE_SPEECH_RESUMED);
  world_type (world, "Note this", FALSE, FALSE); /* makes a checkpoint */
  world_replace_worker (world);
  world_run (world, MS (8000));
  g_assert_true (strstr (world->played->str, "I didn't catch that") != NULL);
  world_say (world, "What are your prices?", 1000, 200);
  world_run (world, MS (8000));
  g_assert_cmpstr (world_last (world, RP_ROLE_USER), ==, "What are your prices?");
}

/* A cough that goes on over the change of workers: what it cut is taken up. */
static void
test_cough_over_the_change (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = goodbye_brain;
  world_type (world, "bye", TRUE, TRUE);
  world_run (world, MS (1000));
  world->stt_text = "";
  world_speech_start (world);
  world_run (world, MS (50));
  world_replace_worker (world);
  world_say (world, "", 300, 250);
  world_run (world, MS (8000));
  g_assert_cmpstr (world->played->str, ==, "Goodbye my friend and see you soon.\n");
  g_assert_true (world->hung_up);
}

/* The question is still the question: a number with a pause in it is waited for. */
static void
test_question_is_kept (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = world_one_line;
  world->brain_data = (gpointer) "What is your phone number please?";
  world->expect = RP_EXPECT_DIGITS;
  world_type (world, "Call me", TRUE, TRUE);
  world_run (world, MS (1000));
  world_replace_worker (world);
  world_run (world, MS (3000));
  world_say (world, "Five five five", 900, 500);
  g_assert_false (world_logged (world, "user_turn: Five five five"));
}

/* The checkpoint is older than what the dead worker did last: its ids are not used again, because
 * the server drops what it was told to drop. */
static void
test_ids_are_not_used_again (void)
{
  g_autoptr (AutoWorld) world = world_connected ("Hello there.");
  world_run (world, MS (2000));
  g_autoptr (GBytes) old = g_bytes_ref (world->checkpoint);
  world->tts_us = -1;
  world_type (world, "Prices", TRUE, TRUE);
  world_run (world, MS (100));
  world_event (world, RP_ENGINE_CLIENT_INTERRUPT);
  g_assert_cmpuint (world->last_flushed, >, 1);
  g_bytes_unref (world->checkpoint);
  world->checkpoint = g_steal_pointer (&old);
  world->tts_us = MS (10);
  world_replace_worker (world);
  world_type (world, "Hours", TRUE, TRUE);
  world_run (world, MS (5000));
  g_assert_true (g_str_has_suffix (world->played->str, "You said Hours today.\n"));
}

/* What the client was told has begun has an end. */
static void
test_segments_and_thoughts_end (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->tts_us = -1;
  world_type (world, "Prices", TRUE, TRUE);
  world_run (world, MS (100));
  world->tts_us = MS (10);
  world_replace_worker (world);
  g_assert_true (
      world_logged (world, "output interrupted: You said Prices today. [|You said Prices today.]"));
  world_run (world, MS (5000));
  g_assert_cmpstr (world->played->str, ==, "You said Prices today.\n");
  world->brain_us = -1;
  world_type (world, "Hours", TRUE, TRUE);
  world_run (world, MS (100));
  world->brain_us = MS (2);
  world_replace_worker (world);
  world_run (world, MS (5000));
  g_assert_cmpuint (world_count (world, "thinking"), ==, 3);
  g_assert_cmpuint (world_count (world, "thought"), ==, 3);
  world_audit (world);
}

/* What was only added, or stopped on purpose, is not answered by the next worker. */
static void
test_silence_is_kept (void)
{
  g_autoptr (AutoWorld) world = world_connected ("Hello there.");
  world_run (world, MS (2000));
  world_type (world, "My name is King", FALSE, FALSE);
  world_replace_worker (world);
  world_run (world, MS (3000));
  g_assert_cmpuint (world->n_llm_starts, ==, 0);
  world->brain_us = MS (1000);
  world_type (world, "Prices", TRUE, TRUE);
  world_run (world, MS (100));
  world_event (world, RP_ENGINE_CLIENT_INTERRUPT);
  world_run (world, MS (100));
  world_replace_worker (world);
  world_run (world, MS (5000));
  g_assert_cmpuint (world->n_llm_starts, ==, 1);
  g_assert_cmpstr (world->played->str, ==, "Hello there.\n");
}

/* The tool is called again, but nobody is told that it has started again. */
static void
test_tool_starts_once (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = booking_brain;
  world->tool_us = MS (1000);
  world_type (world, "Book a room", TRUE, TRUE);
  world_run (world, MS (500));
  world_replace_worker (world);
  world_run (world, MS (9000));
  g_assert_cmpuint (world->n_tool_calls, ==, 2);
  g_assert_cmpuint (world_count (world, "tool started"), ==, 1);
  g_assert_cmpuint (world_count (world, "tool done"), ==, 1);
  g_assert_true (g_str_has_suffix (world->played->str, "It is booked now.\n"));
}

static void
test_drain_over_the_change (void)
{
  RpEngineConfig config;
  rp_engine_config_init (&config);
  config.idle_prompt_ms = 0;
  g_autoptr (AutoWorld) world = world_new (&config);
  world_event (world, RP_ENGINE_CONNECTED);
  world_run (world, MS (500));
  world_speech_start (world);
  world_event (world, RP_ENGINE_DRAIN);
  world_type (world, "Note this", FALSE, FALSE);
  world_replace_worker (world);
  world_run (world, MS (20000));
  g_assert_true (world->hung_up);
}

/* With the first words of the checkpoint right and the rest wrong, the engine is as new. */
static void
test_failed_resume_leaves_nothing (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->expect = RP_EXPECT_DIGITS;
  world_type (world, "Prices", TRUE, FALSE);
  world_run (world, MS (100));
  gsize size = 0;
  g_autoptr (GBytes) good = rp_engine_checkpoint (world->engine);
  const void *data = g_bytes_get_data (good, &size);
  g_autofree guint8 *bytes = g_memdup2 (data, size);
  /* The role of a message that none has. */
  guint8 *content = memmem (bytes, size, "Prices", 6);
  g_assert_nonnull (content);
  g_assert_cmpuint (content[-1], ==, RP_ROLE_USER);
  content[-1] = 77;
  g_autoptr (GBytes) bad = g_bytes_new (bytes, size);
  g_autoptr (RpEngine) engine = rp_engine_new (&world->config, 0, world->now_us);
  g_autoptr (RpEngine) fresh = rp_engine_new (&world->config, 0, world->now_us);
  g_assert_false (rp_engine_resume (engine, world->now_us, bad, NULL, 0, FALSE, NULL));
  g_autoptr (GBytes) after = rp_engine_checkpoint (engine);
  g_autoptr (GBytes) before = rp_engine_checkpoint (fresh);
  g_assert_true (g_bytes_equal (after, before));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add_func ("/resume/" path, function)
  ADD ("hang-up", test_hang_up_is_sent_again);
  ADD ("goodbye", test_goodbye_still_ends_the_call);
  ADD ("voice-is-cut", test_voice_is_cut);
  ADD ("twice-in-a-turn", test_dying_twice_in_a_turn);
  ADD ("half-a-turn", test_half_a_turn_is_not_kept);
  ADD ("cough", test_cough_over_the_change);
  ADD ("question", test_question_is_kept);
  ADD ("ids", test_ids_are_not_used_again);
  ADD ("ends", test_segments_and_thoughts_end);
  ADD ("silence", test_silence_is_kept);
  ADD ("tool", test_tool_starts_once);
  ADD ("drain", test_drain_over_the_change);
  ADD ("failed", test_failed_resume_leaves_nothing);
  return g_test_run ();
}
