/* Turn-taking as demanding callers do it: typing while they speak, coughing over the agent's
 * speech, thought and goodbye, answering over the end of a question. */
#include "world.h"

#include <string.h>

static char *
booking_brain (World *world, const GPtrArray *messages, char **out_tool, char **out_arguments)
{
  const RpMessage *last = messages->pdata[messages->len - 1];
  if (last->role == RP_ROLE_TOOL)
    return g_strdup ("It is booked now.");
  *out_tool = g_strdup (world->brain_data != NULL ? world->brain_data : "book_room");
  return g_strdup ("Let me book that for you right away.");
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
  world_say_on (world, "What are your prices?", 300);
  world_type (world, "For two people", TRUE, TRUE);
  world_run (world, MS (700));
  world_fall_silent (world);
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
  world_type (world, "Prices", TRUE, TRUE);
  world_run (world, MS (100));
  world_fall_silent (world);
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
  world_fall_silent (world);
  world_run (world, MS (6000));
  g_assert_cmpstr (world->played->str, ==, "");
  world_audit (world);
}

/* Typed in the moment in which a word has been heard and the engine does not know of it yet. */
static void
test_typed_over_the_first_word (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_type (world, "Prices", TRUE, TRUE);
  while (world->played_frames < WORD_FRAMES)
    world_run (world, MS (1));
  world->flush_us = MS (50);
  world_type (world, "Hours", TRUE, TRUE);
  world_run (world, MS (5000));
  world_assert_context (world, "user: Prices\nassistant!: You\nuser: Hours\n"
                               "assistant: You said Hours today.\n");
  world_audit (world);
}

/* The same over the first words of all. */
static void
test_typed_over_the_greeting (void)
{
  g_autoptr (AutoWorld) world = world_connected ("One two three.");
  while (world->played_frames < WORD_FRAMES)
    world_run (world, MS (1));
  g_assert_null (rp_messages_last (rp_engine_messages (world->engine), RP_ROLE_ASSISTANT));
  world_type (world, "Hours", TRUE, FALSE);
  world_run (world, MS (5000));
  world_assert_context (world, "assistant!: One\nuser: Hours\nassistant: You said Hours today.\n");
  world_audit (world);
}

/* The answer that was thought of early does not know what was added since. */
static void
test_added_text_is_not_missed (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say_on (world, "What are your prices?", 1000);
  world_speech_pause (world);
  world_run (world, MS (100));
  g_assert_cmpuint (world->n_llm_starts, ==, 1);
  world_type (world, "For two people", FALSE, FALSE);
  world_run (world, MS (36));
  world_speech_stop (world);
  world_run (world, MS (9000));
  g_assert_cmpstr (world_last (world, RP_ROLE_ASSISTANT), ==,
                   "You said For two people What are your prices? today.");
  /* It was spoken to, so it answers by voice. */
  g_assert_cmpuint (world->played->len, >, 0);
  world_audit (world);
}

/* The user speaks before the agent may begin. */
static void
test_user_is_first (void)
{
  for (guint words = 0; words < 2; words++) {
    RpEngineConfig config;
    rp_engine_config_init (&config);
    config.greeting = "Hello there.";
    g_autoptr (AutoWorld) world = world_new (&config);
    world->stt_text = words != 0 ? "What are your prices?" : "";
    world_run (world, MS (200));
    world_speech_start (world);
    world_event (world, RP_ENGINE_CONNECTED);
    world_run (world, MS (600));
    world_fall_silent (world);
    world_run (world, MS (8000));
    g_assert_cmpstr (world->played->str, ==,
                     words != 0 ? "You said What are your prices?\ntoday.\n" : "Hello there.\n");
    world_audit (world);
  }
}

/* --- coughs --- */

static void
test_cough_over_goodbye (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = booking_brain;
  world->brain_data = (gpointer) "end_call";
  world_say (world, "Goodbye.", 800, 600);
  cough (world);
  g_assert_false (world->hung_up);
  world_run (world, MS (5000));
  g_assert_true (world->hung_up);
  g_assert_cmpstr (world->played->str, ==, "Let me book that for you right away.\n");
  world_audit (world);
}

/* The result of a tool is told although a cough cut what was said before it; wherever it does. */
static void
test_cough_during_a_tool (void)
{
  for (guint at_ms = 20; at_ms < 2000; at_ms += 60) {
    g_autoptr (AutoWorld) world = world_connected (NULL);
    world->brain = booking_brain;
    world->tool_us = MS (900);
    world_say (world, "Book a room.", 800, 200 + at_ms);
    cough (world);
    world_run (world, MS (15000));
    if (!g_str_has_suffix (world->played->str, "It is booked now.\n"))
      g_error ("cough at %u ms: %s", at_ms, world->played->str);
    g_assert_cmpuint (world->n_tool_calls, ==, 1);
    world_audit (world);
  }
}

/* A number with a pause in it, after a question that a cough or the number itself had cut. */
static void
say_number (World *world)
{
  world_say (world, "Five five five", 900, 500);
  g_assert_false (world_logged (world, "user_turn: Five five five"));
  world_say (world, "Five five five one two three four five six seven", 900, 200);
  g_assert_true (
      world_logged (world, "user_turn: Five five five one two three four five six seven"));
}

static void
ask_for_number (World *world)
{
  world->brain = world_one_line;
  world->brain_data = (gpointer) "What is your phone number please?";
  world->expect = RP_EXPECT_DIGITS;
  world_say (world, "Call me back.", 800, 200);
}

static void
test_question_after_a_cough (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  ask_for_number (world);
  world_run (world, MS (900));
  cough (world);
  world_run (world, MS (5000));
  say_number (world);
}

static void
test_answer_over_the_question (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  ask_for_number (world);
  world_run (world, MS (1400));
  say_number (world);
}

/* A message is dictated in sentences with pauses between them. */
static void
test_message_is_waited_for (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = world_one_line;
  world->brain_data = (gpointer) "What shall I tell them?";
  world->expect = RP_EXPECT_MESSAGE;
  world_say (world, "Take a message.", 800, 200);
  world_run (world, MS (4000));
  world_say (world, "Please call me back.", 900, 400);
  g_assert_cmpstr (world_last (world, RP_ROLE_USER), ==, "Take a message.");
  world_say (world, "Please call me back. I am at home until five.", 900, 850);
  g_assert_cmpstr (world_last (world, RP_ROLE_USER), ==,
                   "Please call me back. I am at home until five.");
}

static void
test_yes_over_the_question (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = world_one_line;
  world->brain_data = (gpointer) "So that is tomorrow at noon then.";
  world->expect = RP_EXPECT_YES_NO;
  world_say (world, "Book a room.", 800, 200);
  world_run (world, MS (1500));
  world_say (world, "Yes.", 300, 200);
  world_run (world, MS (100));
  g_assert_true (world_logged (world, "user_turn: Yes."));
}

/* A question that is still to come is not what a nod answers. */
static void
test_nod_before_the_question (void)
{
  g_autoptr (AutoWorld) world = world_connected ("One two three four five. What can I do?");
  world_run (world, MS (1000));
  world_say (world, "Okay.", 300, 200);
  world_run (world, MS (8000));
  g_assert_cmpstr (world->played->str, ==, "One two three four five.\nWhat can I do?\n");
  g_assert_cmpuint (world->n_llm_starts, ==, 0);
  world_audit (world);
}

/* The question before last is not what a nod over the answer is about. */
static void
test_nod_after_another_question (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = world_one_line;
  world->brain_data = (gpointer) "Shall I book it?";
  world->expect = RP_EXPECT_YES_NO;
  world_say (world, "Book a room.", 800, 200);
  world_run (world, MS (3000));
  world->brain_data = (gpointer) "We are open every day from eight to eight.";
  world->expect = RP_EXPECT_ANYTHING;
  world_say (world, "When do you open?", 800, 200);
  world_run (world, MS (1500));
  world_say (world, "Okay.", 300, 200);
  world_run (world, MS (5000));
  g_assert_cmpuint (world->n_llm_starts, ==, 2);
  world_audit (world);
}

/* Somebody who thinks aloud is not asked to say it again. */
static void
test_filler_is_not_asked_about (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say (world, "Um.", 600, 200);
  world_run (world, MS (5000));
  g_assert_true (world_logged (world, "silent: only a filler was said"));
  g_assert_cmpstr (world->played->str, ==, "");
}

/* --- interruption --- */

/* An answer that comes after its flush was given up is not taken for that of the next one. */
static void
test_late_answer_to_a_flush (void)
{
  g_autoptr (AutoWorld) world = world_connected ("One two three four five six seven eight nine.");
  world_run (world, MS (1000));
  world->flush_us = MS (420);
  world_type (world, "Prices", TRUE, TRUE);
  world_run (world, MS (400));
  world->flush_us = MS (100);
  world_event (world, RP_ENGINE_CLIENT_INTERRUPT);
  g_string_truncate (world->log, 0);
  world_run (world, MS (50));
  g_assert_false (world_logged (world, "interrupted"));
  world_run (world, MS (60));
  g_assert_true (world_logged (world, "interrupted"));
  world_audit (world);
}

static void
test_unheard_sentences_are_apart (void)
{
  g_autoptr (AutoWorld) world = world_connected ("One two three four. Five six. Seven eight.");
  world_run (world, MS (1000));
  world_event (world, RP_ENGINE_CLIENT_INTERRUPT);
  world_run (world, MS (100));
  const RpMessage *message =
      rp_messages_last (rp_engine_messages (world->engine), RP_ROLE_ASSISTANT);
  g_assert_cmpstr (message->content, ==, "One two three");
  g_assert_cmpstr (message->unheard, ==, " four. Five six. Seven eight.");
  world_audit (world);
}

/* Cut in the moment in which the last word was over: nothing was interrupted. */
static void
test_cut_at_the_very_end (void)
{
  g_autoptr (AutoWorld) world = world_connected ("One two three.");
  while (world->server.length == 0)
    world_run (world, MS (1));
  world->flush_us = MS (30);
  /* The end is on its way to the engine while the flush is on its way to the server. */
  world_run (world, MS (10 + 20 * (3 * WORD_FRAMES - 2)));
  RpEngineEvent event = {.type = RP_ENGINE_PLAYOUT_PROGRESS, .id = 1, .n_frames = 3 * WORD_FRAMES};
  event.at_us = world->now_us;
  world_event (world, RP_ENGINE_CLIENT_INTERRUPT);
  event.type = RP_ENGINE_PLAYOUT_ENDED;
  world_input (world, &event);
  world_run (world, MS (100));
  const RpMessage *message =
      rp_messages_last (rp_engine_messages (world->engine), RP_ROLE_ASSISTANT);
  g_assert_cmpstr (message->content, ==, "One two three.");
  g_assert_false (message->interrupted);
  g_assert_true (world_logged (world, "output completed: One two three. [One two three.|]"));
}

/* A brain that is stopped in mid-stream has thought to its end all the same. */
static void
test_thought_ends_when_cut (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain_us = MS (2000);
  world_say (world, "What are your prices?", 1000, 500);
  g_assert_true (world_logged (world, "thinking"));
  world_event (world, RP_ENGINE_CLIENT_INTERRUPT);
  world_run (world, MS (100));
  g_assert_true (world_logged (world, "thought"));
  world_audit (world);
}

/* --- turns without end, links without audio --- */

/* Cut after a minute, a user who goes on is heard again at the next breath. */
static void
test_cut_turn_goes_on (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say_on (world, "And so on and so on", 61000);
  g_assert_cmpstr (world_last (world, RP_ROLE_USER), ==, "And so on and so on");
  world->stt_text = "Listen to me.";
  world_speech_pause (world);
  world_run (world, MS (100));
  world_event (world, RP_ENGINE_SPEECH_RESUMED);
  world_run (world, MS (800));
  world_fall_silent (world);
  world_run (world, MS (8000));
  g_assert_true (g_str_has_suffix (world_last (world, RP_ROLE_USER), "Listen to me."));
  g_assert_true (strstr (world_last (world, RP_ROLE_ASSISTANT), "Listen to me.") != NULL);
  world_audit (world);
}

/* Unfinished sentences with long pauses: the recogniser is not given all of it again and again. */
static void
test_long_turn_with_stops (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say (world, "I would like to tell you about the", 11000, 400);
  world_run (world, MS (200));
  world_speech_start (world);
  g_assert_cmpint (rp_engine_needed_from (world->engine), >, 11000 * 16);
  world->stt_text = "trip we made.";
  world_run (world, MS (800));
  world_fall_silent (world);
  world_run (world, MS (100));
  g_assert_cmpstr (world_last (world, RP_ROLE_USER), ==,
                   "I would like to tell you about the trip we made.");
}

static void
test_speech_during_a_stall_ends (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_event (world, RP_ENGINE_INPUT_STALLED);
  world_say (world, "What are your prices?", 1000, 200);
  world_run (world, MS (15000));
  g_assert_cmpstr (world_last (world, RP_ROLE_USER), ==, "What are your prices?");
  g_assert_cmpuint (world->played->len, >, 0);
}

/* As long as the network is gone the server says so, and no turn is taken of what was cut off. */
static void
test_dead_network_is_no_end (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say_on (world, "I would like to book", 1200);
  for (guint i = 0; i < 20; i++) {
    world_event (world, RP_ENGINE_INPUT_STALLED);
    world_run (world, MS (2000));
    g_assert_cmpstr (world_last (world, RP_ROLE_USER), ==, "");
  }
  world_event (world, RP_ENGINE_INPUT_RESUMED);
  world->stt_text = "I would like to book a room today.";
  world_run (world, MS (1000));
  world_fall_silent (world);
  world_run (world, MS (300));
  g_assert_cmpstr (world_last (world, RP_ROLE_USER), ==, "I would like to book a room today.");
}

/* Times from the socket are no better than anything else from there. */
static void
test_time_from_the_future (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say_on (world, "What are your prices?", 1000);
  RpEngineEvent event = {.type = RP_ENGINE_SPEECH_STOPPED,
                         .at_us = G_MAXINT64 - 1,
                         .pos_samples = world->now_us * 16 / 1000};
  world_input (world, &event);
  world_run (world, MS (5000));
  g_assert_cmpstr (world_last (world, RP_ROLE_USER), ==, "What are your prices?");
}

/* --- an agent that is not to be interrupted --- */

static World *
stubborn_world (const char *greeting)
{
  RpEngineConfig config;
  rp_engine_config_init (&config);
  config.greeting = greeting;
  config.interruptible = FALSE;
  World *world = world_new (&config);
  world_event (world, RP_ENGINE_CONNECTED);
  return world;
}

static void
test_stubborn_agent_ignores_nods (void)
{
  g_autoptr (AutoWorld) world = stubborn_world ("One two three four five six seven eight nine.");
  world_run (world, MS (800));
  world_say (world, "Mm-hmm.", 300, 250);
  world_run (world, MS (6000));
  g_assert_cmpstr (world->played->str, ==, "One two three four five six seven eight nine.\n");
  g_assert_cmpuint (world->n_llm_starts, ==, 0);
  world_audit (world);
}

/* Two questions, the second over the answer to the first: both answers come whole and in order. */
static void
test_stubborn_agent_answers_in_order (void)
{
  for (guint at_ms = 0; at_ms < 1500; at_ms += 100) {
    g_autoptr (AutoWorld) world = stubborn_world (NULL);
    world->brain_us = MS (300);
    world->delta_us = MS (150);
    world_say (world, "What are your prices?", 800, 300 + at_ms);
    world_say (world, "When do you open?", 800, 300);
    world_run (world, MS (20000));
    g_assert_cmpstr (world->played->str, ==,
                     "You said What are your prices?\ntoday.\n"
                     "You said When do you open?\ntoday.\n");
    world_audit (world);
  }
}

/* A pause in the second question begins an answer to it that dies: the first answer does not. */
static void
test_stubborn_agent_survives_second_thoughts (void)
{
  g_autoptr (AutoWorld) world = stubborn_world (NULL);
  world->brain = world_one_line;
  world->brain_data = (gpointer) "One two three four. Five six seven eight. Nine ten eleven.";
  world->tts_us = MS (700);
  world_say (world, "What are your prices?", 800, 300);
  world_say_on (world, "When do you open?", 600);
  world_speech_pause (world);
  world_run (world, MS (100));
  world_event (world, RP_ENGINE_SPEECH_RESUMED);
  world_run (world, MS (10000));
  g_assert_cmpstr (world->played->str, ==,
                   "One two three four.\nFive six seven eight.\nNine ten eleven.\n");
}

/* --- going down --- */

static void
test_drain_during_a_cough (void)
{
  RpEngineConfig config;
  rp_engine_config_init (&config);
  config.idle_prompt_ms = 0;
  g_autoptr (AutoWorld) world = world_new (&config);
  world_event (world, RP_ENGINE_CONNECTED);
  world->stt_text = "";
  world_run (world, MS (500));
  world_speech_start (world);
  world_event (world, RP_ENGINE_DRAIN);
  world_run (world, MS (100));
  world_fall_silent (world);
  world_run (world, MS (20000));
  g_assert_true (world->hung_up);
  g_assert_true (g_str_has_prefix (world->played->str, "I'm sorry"));
}

static void
test_drain_before_media_flows (void)
{
  g_autoptr (AutoWorld) world = world_new (NULL);
  world_event (world, RP_ENGINE_DRAIN);
  g_assert_true (world->hung_up);
}

/* What is begun is brought to its end: the caller learns whether the room is booked. */
static void
test_drain_during_a_tool (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = booking_brain;
  world->tool_us = MS (900);
  world_say (world, "Book a room.", 800, 600);
  world_event (world, RP_ENGINE_DRAIN);
  world_run (world, MS (30000));
  g_assert_true (world->hung_up);
  g_assert_true (g_str_has_prefix (
      world->played->str,
      "Let me book that for you right away.\nIt is booked now.\nI'm sorry, I have"));
  world_audit (world);
}

static void
test_cough_over_the_drain_goodbye (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_event (world, RP_ENGINE_DRAIN);
  world_run (world, MS (1000));
  cough (world);
  world_run (world, MS (30000));
  g_assert_true (world->hung_up);
  g_assert_cmpstr (world->played->str, ==,
                   "I'm sorry, I have to end our call here.\n"
                   "Please call again in a moment.\nGoodbye.\n");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add_func ("/turn/" path, function)
  ADD ("typed/and-spoken", test_typed_and_spoken_get_one_answer);
  ADD ("typed/during-a-cough", test_typed_during_a_cough);
  ADD ("typed/stop-button-during-a-cough", test_stop_button_during_a_cough);
  ADD ("typed/over-the-first-word", test_typed_over_the_first_word);
  ADD ("typed/over-the-greeting", test_typed_over_the_greeting);
  ADD ("typed/added-text", test_added_text_is_not_missed);
  ADD ("user-is-first", test_user_is_first);
  ADD ("cough/over-goodbye", test_cough_over_goodbye);
  ADD ("cough/during-a-tool", test_cough_during_a_tool);
  ADD ("cough/over-a-question", test_question_after_a_cough);
  ADD ("answer-over-the-question", test_answer_over_the_question);
  ADD ("message", test_message_is_waited_for);
  ADD ("yes-over-the-question", test_yes_over_the_question);
  ADD ("nod/before-the-question", test_nod_before_the_question);
  ADD ("nod/after-another-question", test_nod_after_another_question);
  ADD ("filler", test_filler_is_not_asked_about);
  ADD ("flush/late-answer", test_late_answer_to_a_flush);
  ADD ("flush/unheard-apart", test_unheard_sentences_are_apart);
  ADD ("flush/at-the-very-end", test_cut_at_the_very_end);
  ADD ("thought-ends", test_thought_ends_when_cut);
  ADD ("cut-goes-on", test_cut_turn_goes_on);
  ADD ("long-with-stops", test_long_turn_with_stops);
  ADD ("stall/speech-during", test_speech_during_a_stall_ends);
  ADD ("stall/dead-network", test_dead_network_is_no_end);
  ADD ("time-from-the-future", test_time_from_the_future);
  ADD ("stubborn/nods", test_stubborn_agent_ignores_nods);
  ADD ("stubborn/in-order", test_stubborn_agent_answers_in_order);
  ADD ("stubborn/second-thoughts", test_stubborn_agent_survives_second_thoughts);
  ADD ("drain/during-a-cough", test_drain_during_a_cough);
  ADD ("drain/before-media", test_drain_before_media_flows);
  ADD ("drain/during-a-tool", test_drain_during_a_tool);
  ADD ("drain/cough-over-goodbye", test_cough_over_the_drain_goodbye);
  return g_test_run ();
}
