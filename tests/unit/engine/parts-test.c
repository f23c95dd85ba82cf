/* Parts that fail, hang, flood or lie: voice, brain and tools. */
#include "world.h"

#include <string.h>

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
pause_after (World *world, const char *text)
{
  world_say_on (world, text, 1000);
  world_speech_pause (world);
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
      world->brain = world_one_line;
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
  world_type (world, "Prices", TRUE, TRUE);
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
  world_type (world, "Hours", TRUE, TRUE);
  world_run (world, MS (9000));
  g_assert_cmpfloat (world->metrics.voice_to_voice, ==, -2);
}

/* --- the voice --- */

/* The early answer's voice fails: it is tried again once the turn has ended, and nobody hears of
 * a sentence that never was. */
static void
test_voice_fails_early (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->voice_fails = TRUE;
  pause_after (world, "What are your prices?");
  world_run (world, MS (120));
  world->voice_fails = FALSE;
  world_run (world, MS (16));
  world_speech_stop (world);
  world_run (world, MS (6000));
  g_assert_cmpstr (world->played->str, ==, "You said What are your prices?\ntoday.\n");
  world_audit (world);
}

static void
test_voice_hangs_early (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->tts_us = -1;
  pause_after (world, "What are your prices?");
  world_run (world, MS (100));
  world_event (world, RP_ENGINE_INPUT_STALLED);
  world_run (world, MS (9000));
  world->tts_us = MS (10);
  world_event (world, RP_ENGINE_INPUT_RESUMED);
  world_run (world, MS (136));
  world_speech_stop (world);
  world_run (world, MS (6000));
  g_assert_cmpstr (world->played->str, ==, "You said What are your prices?\ntoday.\n");
  world_audit (world);
}

/* A voice without a sound for a sentence: the rest is said. */
static void
test_voice_without_sound (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->tts_us = -1;
  pause_after (world, "What are your prices?");
  world_run (world, MS (100));
  RpEngineEvent event = {.type = RP_ENGINE_TTS_DONE, .id = 1, .n_frames = 0};
  world_input (world, &event);
  world_run (world, MS (36));
  world_speech_stop (world);
  world_run (world, MS (100));
  g_assert_true (world_logged (world, "output interrupted: You said What are your prices? [|You "
                                      "said What are your prices?]"));
}

/* A long answer takes a slow voice long; as long as it goes on, nothing is wrong. */
static void
test_slow_voice (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = world_one_line;
  world->brain_data = (gpointer) "One two. Three four. Five six. Seven eight. Nine ten. Eleven.";
  world->tts_us = MS (3000);
  world_say (world, "What are your prices?", 1000, 200);
  world_run (world, MS (40000));
  g_assert_cmpstr (world->played->str, ==,
                   "One two.\nThree four.\nFive six.\nSeven eight.\nNine ten.\nEleven.\n");
  world_audit (world);
}

/* It hangs at the last sentence while the first is played: only the last is lost. */
static void
test_voice_hangs_late (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = world_one_line;
  world->brain_data = (gpointer) "One two. Three four.";
  world->tts_us = -1;
  world_type (world, "Prices", TRUE, TRUE);
  world_run (world, MS (100));
  RpEngineEvent event = {.type = RP_ENGINE_TTS_WORDS, .id = 1};
  world_input (world, &event);
  event = (RpEngineEvent){.type = RP_ENGINE_TTS_DONE, .id = 1, .n_frames = 2000};
  world_input (world, &event);

  RpEngineAction action;
  gboolean cancelled = FALSE;
  while (rp_engine_poll (world->engine, world->now_us + MS (9000), &action)) {
    if (action.type == RP_ENGINE_TTS_CANCEL) {
      g_assert_cmpuint (action.from_id, ==, 2);
      g_assert_cmpuint (action.id, ==, 2);
      cancelled = TRUE;
    }
    rp_engine_action_clear (&action);
  }
  g_assert_true (cancelled);
}

/* The words are known, the sound never comes. */
static void
test_voice_dies_in_a_sentence (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->tts_us = -1;
  world_type (world, "Prices", TRUE, TRUE);
  world_run (world, MS (100));
  const RpEngineWord words[] = {{3, 16000}};
  RpEngineEvent event = {.type = RP_ENGINE_TTS_WORDS, .id = 1, .words = words, .n_words = 1};
  world_input (world, &event);
  world_run (world, MS (12000));
  g_assert_true (world_logged (world, "error: the voice failed: no audio in time"));
  world_audit (world);
}

/* --- tools --- */

static const RpMessage *
last_result (const World *world)
{
  return rp_messages_last (rp_engine_messages (world->engine), RP_ROLE_TOOL);
}

/* Why a tool failed is JSON whatever it says. */
static void
test_failure_is_json (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = booking_brain;
  world->tool_us = -1;
  world_type (world, "Book a room", TRUE, TRUE);
  world_run (world, MS (100));
  RpEngineEvent event = {.type = RP_ENGINE_TOOL_FAILED,
                         .text = "call_1",
                         .result = "caf\xc3\xa9 \"closed\"\\\n\x01\xff"};
  world_input (world, &event);
  g_assert_cmpstr (last_result (world)->content, ==,
                   "{\"ok\":false,\"error\":\"caf\xc3\xa9 \\\"closed\\\"\\\\\\u000a\\u0001"
                   "\xef\xbf\xbd\"}");
}

static void
call_tool (World *world, guint32 generation, const char *id, const char *name,
           const char *arguments)
{
  g_autoptr (RpToolCall) call = rp_tool_call_new (id, name, arguments);
  RpEngineEvent event = {.type = RP_ENGINE_LLM_TOOL_CALL, .id = generation, .call = call};
  world_input (world, &event);
}

/* Calls are told apart by their ids in all that follows, so each must have its own. */
static void
test_ids_are_made_unique (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain_us = -1;
  world_type (world, "Book a room", TRUE, TRUE);
  call_tool (world, 1, "same", "book_room", "{}");
  call_tool (world, 1, "same", "book_room", "{}");
  call_tool (world, 1, "", "book_room", "{}");
  RpEngineEvent event = {.type = RP_ENGINE_LLM_DONE, .id = 1};
  world_input (world, &event);
  world_run (world, MS (100));
  /* The next one takes an id that has its result already. */
  call_tool (world, 2, "same", "book_room", "{}");
  event.id = 2;
  world_input (world, &event);
  world->brain_us = MS (2);
  world_run (world, MS (5000));
  g_assert_cmpuint (world->n_tool_calls, ==, 4);
  world_replace_worker (world);
  world_run (world, MS (5000));
  world_audit (world);
}

/* What is too long for the socket, the checkpoint or the client is refused. */
static void
test_huge_calls_and_results (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  g_autofree char *huge = g_strnfill (200000, 'x');
  world->brain_us = -1;
  world_type (world, "Book a room", TRUE, TRUE);
  call_tool (world, 1, "a", huge, "{}");
  call_tool (world, 1, "b", "", "{}");
  call_tool (world, 1, "c", "book_room", huge);
  g_assert_cmpuint (world->n_tool_calls, ==, 0);
  call_tool (world, 1, huge, "book_room", "{}");
  g_assert_cmpuint (world->n_tool_calls, ==, 1);
  world->tool_result = huge;
  RpEngineEvent event = {.type = RP_ENGINE_LLM_DONE, .id = 1};
  world_input (world, &event);
  world_run (world, MS (100));
  g_assert_true (g_str_has_prefix (last_result (world)->content, "{\"ok\":false"));
  world_replace_worker (world);
}

/* --- memory --- */

static gsize
context_bytes (const World *world)
{
  const GPtrArray *messages = rp_engine_messages (world->engine);
  gsize bytes = 0;
  for (guint i = 0; i < messages->len; i++)
    bytes += strlen (((RpMessage *) messages->pdata[i])->content);
  return bytes;
}

/* A call of many hours holds no more than a brain is given. */
static void
test_long_call (void)
{
  g_autoptr (AutoWorld) world = world_connected ("Hello there.");
  for (guint i = 0; i < 1000; i++) {
    world_type (world, "And then what happened after that?", TRUE, FALSE);
    world_run (world, MS (20));
  }
  g_assert_cmpuint (rp_engine_messages (world->engine)->len, <=,
                    world->config.max_context_messages + 2);
  g_assert_true (rp_messages_tool_pairs_whole (rp_engine_messages (world->engine)));
}

static void
test_flood_of_text (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  g_autofree char *text = g_strnfill (16000, 'x');
  for (guint i = 0; i < 300; i++) {
    world_type (world, text, FALSE, FALSE);
    world_run (world, MS (1));
  }
  g_assert_cmpuint (context_bytes (world), <, 128 * 1024);
  world_replace_worker (world);
}

/* Noise cuts the agent again and again for hours. */
static void
test_endless_noise (void)
{
  g_autoptr (AutoWorld) world = world_connected ("One two three four five six seven eight.");
  for (guint i = 0; i < 600; i++) {
    world_run (world, MS (500));
    world_say (world, "", 300, 250);
  }
  g_assert_cmpuint (rp_engine_messages (world->engine)->len, <=,
                    world->config.max_context_messages + 2);
}

/* Whatever there is, a checkpoint fits its frame. */
static void
test_checkpoint_always_fits (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  g_autofree char *arguments = g_strnfill (16000, 'x');
  world->brain_us = world->tool_us = -1;
  world_type (world, "Book a room", TRUE, TRUE);
  for (guint i = 0; i < 16; i++) {
    g_autofree char *id = g_strdup_printf ("%u", i);
    call_tool (world, 1, id, "book_room", arguments);
  }
  g_autoptr (GBytes) checkpoint = rp_engine_checkpoint (world->engine);
  g_assert_cmpuint (g_bytes_get_size (checkpoint), <=, RP_ENGINE_MAX_CHECKPOINT_BYTES);
  world->brain_us = MS (2);
  world_replace_worker (world);
  world_run (world, MS (5000));
  g_assert_cmpuint (world->played->len, >, 0);
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
  ADD ("voice/fails-early", test_voice_fails_early);
  ADD ("voice/hangs-early", test_voice_hangs_early);
  ADD ("voice/without-sound", test_voice_without_sound);
  ADD ("voice/slow", test_slow_voice);
  ADD ("voice/hangs-late", test_voice_hangs_late);
  ADD ("voice/dies-in-a-sentence", test_voice_dies_in_a_sentence);
  ADD ("tools/failure-is-json", test_failure_is_json);
  ADD ("tools/unique-ids", test_ids_are_made_unique);
  ADD ("tools/huge", test_huge_calls_and_results);
  ADD ("memory/long-call", test_long_call);
  ADD ("memory/flood-of-text", test_flood_of_text);
  ADD ("memory/endless-noise", test_endless_noise);
  ADD ("memory/checkpoint-fits", test_checkpoint_always_fits);
  return g_test_run ();
}
