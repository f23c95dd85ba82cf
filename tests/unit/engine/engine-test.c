#include "world.h"

#include <string.h>

static void
test_greeting (void)
{
  g_autoptr (AutoWorld) world = world_connected ("Hello there. How can I help?");
  world_run (world, MS (400));
  world_assert_context (world, "assistant: Hello\n");
  world_run (world, MS (5000));
  g_assert_cmpstr (world->played->str, ==, "Hello there.\nHow can I help?\n");
  world_assert_context (world, "assistant: Hello there. How can I help?\n");
  g_assert_true (world_logged (world, "speaking"));
  g_assert_true (world_logged (world, "not_speaking"));
  g_assert_true (world_logged (world, "output completed: Hello there. [Hello there.|]"));
}

static void
test_turn (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say (world, "What are your prices?", 1500, 200);
  world_run (world, MS (6000));
  world_assert_context (
      world, "user: What are your prices?\nassistant: You said What are your prices? today.\n");
  g_assert_cmpfloat (world->metrics.turn_decision, ==, 200);
  g_assert_cmpfloat (world->metrics.stt, ==, 40);
  /* Brain and voice ran ahead of the stop window: only the wait for the next frame is left. */
  g_assert_cmpfloat (world->metrics.voice_to_voice, <=, 220);
  g_assert_cmpuint (world->n_llm_starts, ==, 1);
}

static void
test_turn_without_preemption (void)
{
  RpEngineConfig config;
  rp_engine_config_init (&config);
  config.preemptive = FALSE;
  g_autoptr (AutoWorld) world = world_new (&config);
  world_event (world, RP_ENGINE_CONNECTED);
  world->stt_us = MS (300);
  world_say (world, "What are your prices?", 1500, 200);
  world_run (world, MS (6000));
  world_assert_context (
      world, "user: What are your prices?\nassistant: You said What are your prices? today.\n");
  g_assert_cmpfloat (world->metrics.turn_decision, ==, 364);
  g_assert_cmpfloat (world->metrics.tts_ttfa, ==, 10);
  g_assert_cmpfloat (world->metrics.llm_ttft, ==, 2);
}

/* The early answer is thrown away when the user goes on: not a frame of it leaves, and the brain
 * sees one turn. */
static void
test_preempted_answer_dies (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say_on (world, "What are your prices?", 1000);
  world_speech_pause (world);
  world_run (world, MS (100));
  g_assert_cmpuint (world->n_llm_starts, ==, 1);
  g_assert_cmpuint (world->held->len, >, 0);
  world_event (world, RP_ENGINE_SPEECH_RESUMED);
  g_assert_cmpuint (world->held->len, ==, 0);
  world->stt_text = "What are your prices for a day?";
  world_run (world, MS (600));
  world_fall_silent (world);
  world_run (world, MS (8000));
  world_assert_context (world,
                        "user: What are your prices for a day?\nassistant: You said What are your "
                        "prices for a day? today.\n");
}

static void
test_unfinished_words_wait (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say (world, "I would like to book a", 1500, 700);
  g_assert_cmpuint (world->n_llm_starts, ==, 0);
  world_run (world, MS (200));
  g_assert_cmpuint (world->n_llm_starts, ==, 1);
}

static void
test_unfinished_turn_goes_on (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say (world, "I would like to book a", 1500, 400);
  world_say (world, "I would like to book a room today.", 800, 200);
  world_run (world, MS (6000));
  world_assert_context (world, "user: I would like to book a room today.\n"
                               "assistant: You said I would like to book a room today. today.\n");
}

/* For every frame at which the user may cut in, the context holds exactly the words that were
 * played to their end. */
static void
test_barge_in_at_every_frame (void)
{
  static const char text[] = "One two three four five six.";
  for (guint frame = 1; frame < 6 * WORD_FRAMES; frame++) {
    g_autoptr (AutoWorld) world = world_connected (text);
    while (world->server.length == 0 || ((guint *) world->server.head->data)[2] < frame)
      world_run (world, MS (1));
    world->stt_text = "Stop it please.";
    world_speech_start (world);
    world_run (world, MS (5));
    g_assert_cmpuint (world->server.length, ==, 0);

    guint n_heard = frame / WORD_FRAMES;
    const char *end = text;
    for (guint i = 0; i < n_heard; i++)
      end = strchr (end + (i > 0), ' ');
    g_autofree char *heard = g_strndup (text, (gsize) (end - text));
    const RpMessage *message =
        rp_messages_last (rp_engine_messages (world->engine), RP_ROLE_ASSISTANT);
    if (n_heard == 0) {
      g_assert_null (message);
    } else {
      g_assert_cmpstr (message->content, ==, heard);
      g_assert_cmpstr (message->unheard, ==, text + strlen (heard));
      g_assert_true (message->interrupted);
    }
    g_autofree char *line =
        g_strdup_printf ("output interrupted: %s [%s|%s]", text, heard, text + strlen (heard));
    g_assert_true (world_logged (world, line));
    g_assert_true (world_logged (world, "interrupted"));
  }
}

static void
test_barge_in_is_answered (void)
{
  g_autoptr (AutoWorld) world = world_connected ("One two three four five six seven eight nine.");
  world_run (world, MS (1000));
  world_say (world, "What are your prices?", 1000, 200);
  world_run (world, MS (6000));
  world_assert_context (world, "assistant!: One two three four\nuser: What are your prices?\n"
                               "assistant: You said What are your prices? today.\n");
  g_assert_cmpfloat (world->metrics.barge_in_stop, <=, 210);
  g_assert_cmpstr (world->played->str, ==, "You said What are your prices?\ntoday.\n");
}

static void
test_nothing_said_carries_on (void)
{
  g_autoptr (AutoWorld) world =
      world_connected ("One two three four five six seven eight nine. Ten eleven.");
  world_run (world, MS (1000));
  world_say (world, "", 700, 200);
  gint64 stopped_us = world->now_us;
  while (world->server.length == 0) {
    world_run (world, MS (10));
    g_assert_cmpint (world->now_us - stopped_us, <, MS (1000));
  }
  world_run (world, MS (9000));
  g_assert_cmpstr (world->played->str, ==,
                   "One two three four five six seven eight nine.\nTen eleven.\n");
  g_assert_cmpuint (world->n_llm_starts, ==, 0);
}

static void
test_nod_carries_on (void)
{
  g_autoptr (AutoWorld) world = world_connected ("One two three four five six seven eight nine.");
  world_run (world, MS (1000));
  world_say (world, "Mm-hmm.", 400, 200);
  world_run (world, MS (9000));
  g_assert_cmpstr (world->played->str, ==, "One two three four five six seven eight nine.\n");
  g_assert_cmpuint (world->n_llm_starts, ==, 0);
}

static void
test_thinking_interrupted_by_noise_answers (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain_us = MS (1500);
  world_say (world, "What are your prices?", 1000, 300);
  world_say (world, "", 400, 200);
  world_run (world, MS (9000));
  world_assert_context (
      world, "user: What are your prices?\nassistant: You said What are your prices? today.\n");
}

/* The user was answered too early, before a word was heard: both halves are one turn. */
static void
test_split_turn_is_joined (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain_us = MS (900);
  world_say (world, "What are your prices?", 1000, 300);
  world_say (world, "For a whole day.", 900, 200);
  world_run (world, MS (9000));
  world_assert_context (world,
                        "user: What are your prices? For a whole day.\n"
                        "assistant: You said What are your prices? For a whole day. today.\n");
}

static void
test_nothing_intelligible_asks (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say (world, "", 900, 200);
  world_run (world, MS (1000));
  g_assert_true (g_str_has_prefix (world->played->str, "") && world->server.length > 0);
  world_run (world, MS (5000));
  g_assert_true (g_str_has_prefix (world_last (world, RP_ROLE_ASSISTANT), "Sorry"));
  world_say (world, "", 900, 200);
  world_run (world, MS (6000));
  g_string_truncate (world->log, 0);
  world_say (world, "", 900, 200);
  world_run (world, MS (500));
  g_assert_true (world_logged (world, "silent: nothing intelligible was said"));
}

static void
test_noise_is_not_asked_about (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say (world, "", 250, 200);
  world_run (world, MS (1000));
  g_assert_true (world_logged (world, "silent: nothing intelligible was said"));
  g_assert_cmpuint (world->server.length, ==, 0);
}

static char *
booking_brain (World *world, const GPtrArray *messages, char **out_tool, char **out_arguments)
{
  const RpMessage *last = messages->pdata[messages->len - 1];
  if (last->role == RP_ROLE_TOOL)
    return g_strdup ("It is booked now.");
  const char *tool = world->brain_data;
  *out_tool = g_strdup (tool != NULL ? tool : "book_room");
  *out_arguments = g_strdup ("{\"day\":\"today\"}");
  return g_strdup ("Let me book that.");
}

static void
test_tool_call (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = booking_brain;
  world_say (world, "Book a room.", 800, 200);
  world_run (world, MS (9000));
  world_assert_context (world, "user: Book a room.\nassistant: Let me book that.\ntool: "
                               "{\"ok\":true}\nassistant: It is booked now.\n");
  g_assert_cmpuint (world->n_tool_calls, ==, 1);
  g_assert_true (rp_messages_tool_pairs_whole (rp_engine_messages (world->engine)));
  g_assert_true (world_logged (world, "tool started"));
  g_assert_true (world_logged (world, "tool done"));
}

/* The early answer's tool must not run before the turn has ended. */
static void
test_tool_waits_for_the_turn (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = booking_brain;
  world_say_on (world, "Book a room.", 900);
  world_speech_pause (world);
  world_run (world, MS (130));
  g_assert_cmpuint (world->n_llm_starts, ==, 1);
  g_assert_cmpuint (world->n_tool_calls, ==, 0);
  world_event (world, RP_ENGINE_SPEECH_RESUMED);
  world_run (world, MS (500));
  g_assert_cmpuint (world->n_tool_calls, ==, 0);
}

/* Wherever the user cuts in, the call runs once, has one result, and its pair is whole. */
static void
test_tool_interrupted_anywhere (void)
{
  for (guint at_ms = 1; at_ms < 2500; at_ms += 37) {
    g_autoptr (AutoWorld) world = world_connected (NULL);
    world->brain = booking_brain;
    world->tool_us = MS (900);
    world_say (world, "Book a room.", 800, 200 + at_ms);
    world_say (world, "Hold the line.", 600, 200);
    world_run (world, MS (12000));
    g_assert_true (rp_messages_tool_pairs_whole (rp_engine_messages (world->engine)));
    guint results = 0;
    const GPtrArray *messages = rp_engine_messages (world->engine);
    for (guint i = 0; i < messages->len; i++)
      results += ((RpMessage *) messages->pdata[i])->role == RP_ROLE_TOOL;
    g_assert_cmpuint (results, ==, world->n_tool_calls);
    g_assert_true (g_str_has_suffix (world->played->str, "now.\n"));
  }
}

static void
test_end_call (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = booking_brain;
  world->brain_data = (gpointer) "end_call";
  world_say (world, "Goodbye.", 800, 200);
  world_run (world, MS (500));
  g_assert_false (world->hung_up);
  world_run (world, MS (3000));
  g_assert_true (world->hung_up);
  g_assert_cmpstr (world->played->str, ==, "Let me book that.\n");
  g_assert_cmpuint (world->n_tool_calls, ==, 0);
}

static void
test_end_call_of_a_cut_generation_never_hangs_up (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->brain = booking_brain;
  world->brain_data = (gpointer) "end_call";
  world_say (world, "Goodbye.", 800, 300);
  world->brain_data = (gpointer) "book_room";
  world_say (world, "Wait, book a room.", 900, 200);
  world_run (world, MS (9000));
  g_assert_false (world->hung_up);
  g_assert_true (world_logged (world, "tool cancelled"));
}

typedef struct {
  const char *what;
  gint64 stt_us, brain_us, tts_us, tool_us;
  gboolean brain_fails;
  const char *logged;
} DeadPart;

/* Whatever never answers, within a bounded time the agent speaks or an event says why not. */
static void
test_dead_parts (void)
{
  static const DeadPart parts[] = {
      {"stt", -1, MS (2), MS (10), MS (20), FALSE,
       "error: speech recognition failed: no transcript in time"},
      {"brain", MS (40), -1, MS (10), MS (20), FALSE, "error: the brain failed: no answer in time"},
      {"brain fails", MS (40), MS (2), MS (10), MS (20), TRUE,
       "error: the brain failed: out of order"},
      {"voice", MS (40), MS (2), -1, MS (20), FALSE, "error: the voice failed: no audio in time"},
      {"tool", MS (40), MS (2), MS (10), -1, FALSE, "tool failed"},
  };
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++) {
    g_autoptr (AutoWorld) world = world_connected (NULL);
    world->brain = booking_brain;
    world->stt_us = parts[i].stt_us;
    world->brain_us = parts[i].brain_us;
    world->tts_us = parts[i].tts_us;
    world->tool_us = parts[i].tool_us;
    world->brain_fails = parts[i].brain_fails;
    world_say (world, "Book a room.", 1000, 200);
    world_run (world, MS (14000));
    if (!world_logged (world, parts[i].logged))
      g_error ("%s: no '%s' in\n%s", parts[i].what, parts[i].logged, world->log->str);
    if (parts[i].tts_us >= 0)
      g_assert_cmpuint (world->played->len, >, 0);
  }
}

static void
test_stall_is_no_end (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say_on (world, "I would like to book a room today.", 1200);
  world_speech_pause (world);
  world_event (world, RP_ENGINE_INPUT_STALLED);
  world_run (world, MS (5000));
  g_assert_cmpstr (world_last (world, RP_ROLE_USER), ==, "");
  world_event (world, RP_ENGINE_INPUT_RESUMED);
  world_run (world, MS (136));
  world_speech_stop (world);
  world_run (world, MS (300));
  g_assert_cmpstr (world_last (world, RP_ROLE_USER), ==, "I would like to book a room today.");
}

static void
test_long_turn_in_pieces (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say_on (world, "First part of the story.", 11000);
  world_speech_pause (world);
  world_run (world, MS (100));
  world_event (world, RP_ENGINE_SPEECH_RESUMED);
  g_assert_cmpint (rp_engine_needed_from (world->engine), >, 150000);
  world->stt_text = "And the rest of it.";
  world_run (world, MS (1000));
  world_fall_silent (world);
  world_run (world, MS (100));
  g_assert_cmpstr (world_last (world, RP_ROLE_USER), ==,
                   "First part of the story. And the rest of it.");
}

/* A television in the room must not keep the agent from ever answering. */
static void
test_endless_turn_is_cut (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say_on (world, "And so on and so on", 70000);
  g_assert_cmpstr (world_last (world, RP_ROLE_USER), ==, "And so on and so on");
  g_assert_cmpuint (world->played->len, >, 0);
}

static void
test_partials (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world_say_on (world, "What are", 600);
  g_assert_true (world_logged (world, "transcript: What are"));
}

/* As while the machine is busy. */
static void
test_partial_left_out (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  world->stt_us = -1;
  world_say_on (world, "What are", 600);
  const RpEngineEvent left_out = {.type = RP_ENGINE_STT_FAILED, .id = 1, .text = "left out"};
  world_input (world, &left_out);
  world->stt_us = MS (40);
  world_run (world, MS (400));
  g_assert_false (world_logged (world, "transcript: What are"));
  world_run (world, MS (200));
  g_assert_true (world_logged (world, "transcript: What are"));
}

static void
test_typed_text (void)
{
  g_autoptr (AutoWorld) world = world_connected ("One two three four five six seven eight nine.");
  world_run (world, MS (1000));
  world_type (world, " Prices ", TRUE, TRUE);
  world_run (world, MS (5000));
  world_assert_context (
      world, "assistant!: One two three\nuser: Prices\nassistant: You said Prices today.\n");
  world_type (world, "Hours", TRUE, FALSE);
  world_run (world, MS (100));
  g_assert_cmpstr (world_last (world, RP_ROLE_ASSISTANT), ==, "You said Hours today.");
  g_assert_cmpuint (world->server.length, ==, 0);
}

static void
test_idle (void)
{
  RpEngineConfig config;
  rp_engine_config_init (&config);
  const char *const prompts[] = {"Are you still there?", NULL};
  config.idle_prompts = prompts;
  g_autoptr (AutoWorld) world = world_new (&config);
  world_event (world, RP_ENGINE_CONNECTED);
  world_run (world, MS (60000));
  g_assert_true (world->hung_up);
  g_assert_cmpstr (world->played->str, ==,
                   "Are you still there?\nAre you still there?\nI'll hang up now.\nGoodbye.\n");
}

static void
test_drain (void)
{
  g_autoptr (AutoWorld) world = world_connected ("One two three.");
  world_run (world, MS (500));
  world_event (world, RP_ENGINE_DRAIN);
  world_run (world, MS (20000));
  g_assert_true (world->hung_up);
  g_assert_cmpstr (world->played->str, ==,
                   "One two three.\nI'm sorry, I have to end our call here.\n"
                   "Please call again in a moment.\nGoodbye.\n");
}

/* The worker dies at any moment of a call with a greeting, a question, a tool and an answer: the
 * caller still gets the whole answer, once, and the context is whole. */
static void
test_replacement_anywhere (void)
{
  for (guint at_ms = 20; at_ms < 5500; at_ms += 45) {
    g_autoptr (AutoWorld) world = world_connected ("Hello there my friend.");
    world->brain = booking_brain;
    world->tool_us = MS (400);
    gboolean replaced = FALSE;
    gint64 death_us = world->now_us + MS (at_ms);
    for (guint i = 0; i < 1500; i++) {
      if (!replaced && world->now_us >= death_us) {
        world_replace_worker (world);
        replaced = TRUE;
      }
      if (world->now_us == MS (1000) + MS (1600))
        world_type (world, "Book a room", TRUE, TRUE);
      world_run (world, MS (10));
    }
    g_autofree char *context = world_context (world);
    const char *expected =
        "assistant: Hello there my friend.\nuser: Book a room\nassistant: Let me book that.\n"
        "tool: {\"ok\":true}\nassistant: It is booked now.\n";
    if (strcmp (context, expected) != 0)
      g_error ("died at %u ms:\n%s\n%s", at_ms, context, world->log->str);
    g_assert_cmpstr (world->played->str, ==,
                     "Hello there my friend.\nLet me book that.\nIt is booked now.\n");
  }
}

/* The server had only part of an utterance: the rest is said from the first word that was not
 * whole. */
static void
test_replacement_with_part_of_the_audio (void)
{
  g_autoptr (AutoWorld) world = world_connected ("One two three four five six.");
  world_run (world, MS (400));
  RpEngine *engine = rp_engine_new (&world->config, 0, world->now_us);
  RpEnginePlayed played = {1, 2 * WORD_FRAMES + 5, 10, FALSE};
  g_autoptr (GError) error = NULL;
  g_assert_true (
      rp_engine_resume (engine, world->now_us, world->checkpoint, &played, 1, TRUE, &error));
  g_assert_no_error (error);
  RpEngineAction action = {0};
  gboolean spoke = FALSE;
  while (rp_engine_poll (engine, world->now_us, &action)) {
    if (action.type == RP_ENGINE_SPEAK) {
      g_assert_cmpstr (action.text, ==, "three four five six.");
      g_assert_cmpuint (action.id, >, 1);
      spoke = TRUE;
    }
    rp_engine_action_clear (&action);
  }
  g_assert_true (spoke);
  rp_engine_free (engine);
}

static void
test_bad_checkpoints (void)
{
  g_autoptr (AutoWorld) world = world_connected ("One two three four five six.");
  world_run (world, MS (400));
  gsize size = 0;
  const guint8 *good = g_bytes_get_data (world->checkpoint, &size);
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  for (guint i = 0; i < 3000; i++) {
    gsize length = i % 2 == 0 ? size : (gsize) g_rand_int_range (rand, 0, (gint32) size);
    g_autofree guint8 *bytes = g_memdup2 (good, size);
    for (guint j = 0; j < 1 + i % 5 && length > 0; j++)
      bytes[g_rand_int_range (rand, 0, (gint32) length)] ^=
          (guint8) (1 << g_rand_int_range (rand, 0, 8));
    g_autoptr (GBytes) bad = g_bytes_new (bytes, length);
    g_autoptr (RpEngine) engine = rp_engine_new (&world->config, 0, world->now_us);
    g_autoptr (GError) error = NULL;
    if (rp_engine_resume (engine, world->now_us, bad, NULL, 0, FALSE, &error))
      continue;
    g_assert_nonnull (error);
    /* The engine is as new. */
    g_assert_cmpuint (rp_engine_messages (engine)->len, ==, 0);
    RpEngineEvent event = {.type = RP_ENGINE_CONNECTED};
    rp_engine_input (engine, world->now_us, &event);
    RpEngineAction action = {0};
    g_assert_true (rp_engine_poll (engine, world->now_us, &action));
    rp_engine_action_clear (&action);
  }
}

static void
test_long_memory_fits (void)
{
  g_autoptr (AutoWorld) world = world_connected (NULL);
  g_autofree char *text = g_strnfill (4000, 'x');
  for (guint i = 0; i < 60; i++) {
    world_type (world, text, TRUE, FALSE);
    world_run (world, MS (50));
  }
  g_autoptr (GBytes) checkpoint = rp_engine_checkpoint (world->engine);
  g_assert_cmpuint (g_bytes_get_size (checkpoint), <=, RP_ENGINE_MAX_CHECKPOINT_BYTES);
  g_assert_cmpuint (g_bytes_get_size (checkpoint), >, RP_ENGINE_MAX_CHECKPOINT_BYTES / 4);
  world_replace_worker (world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/greeting", test_greeting);
  g_test_add_func ("/engine/turn", test_turn);
  g_test_add_func ("/engine/turn/without-preemption", test_turn_without_preemption);
  g_test_add_func ("/engine/turn/preempted-answer-dies", test_preempted_answer_dies);
  g_test_add_func ("/engine/turn/unfinished-waits", test_unfinished_words_wait);
  g_test_add_func ("/engine/turn/unfinished-goes-on", test_unfinished_turn_goes_on);
  g_test_add_func ("/engine/turn/split-is-joined", test_split_turn_is_joined);
  g_test_add_func ("/engine/turn/stall-is-no-end", test_stall_is_no_end);
  g_test_add_func ("/engine/turn/long-in-pieces", test_long_turn_in_pieces);
  g_test_add_func ("/engine/turn/endless-is-cut", test_endless_turn_is_cut);
  g_test_add_func ("/engine/turn/partials", test_partials);
  g_test_add_func ("/engine/turn/partial-left-out", test_partial_left_out);
  g_test_add_func ("/engine/barge-in/every-frame", test_barge_in_at_every_frame);
  g_test_add_func ("/engine/barge-in/answered", test_barge_in_is_answered);
  g_test_add_func ("/engine/barge-in/nothing-said-carries-on", test_nothing_said_carries_on);
  g_test_add_func ("/engine/barge-in/nod-carries-on", test_nod_carries_on);
  g_test_add_func ("/engine/barge-in/noise-while-thinking",
                   test_thinking_interrupted_by_noise_answers);
  g_test_add_func ("/engine/empty/asks", test_nothing_intelligible_asks);
  g_test_add_func ("/engine/empty/noise", test_noise_is_not_asked_about);
  g_test_add_func ("/engine/tools/call", test_tool_call);
  g_test_add_func ("/engine/tools/waits-for-the-turn", test_tool_waits_for_the_turn);
  g_test_add_func ("/engine/tools/interrupted-anywhere", test_tool_interrupted_anywhere);
  g_test_add_func ("/engine/tools/end-call", test_end_call);
  g_test_add_func ("/engine/tools/end-call-cut", test_end_call_of_a_cut_generation_never_hangs_up);
  g_test_add_func ("/engine/dead-parts", test_dead_parts);
  g_test_add_func ("/engine/typed", test_typed_text);
  g_test_add_func ("/engine/idle", test_idle);
  g_test_add_func ("/engine/drain", test_drain);
  g_test_add_func ("/engine/replacement/anywhere", test_replacement_anywhere);
  g_test_add_func ("/engine/replacement/part-of-the-audio",
                   test_replacement_with_part_of_the_audio);
  g_test_add_func ("/engine/replacement/bad-checkpoints", test_bad_checkpoints);
  g_test_add_func ("/engine/replacement/long-memory", test_long_memory_fits);
  return g_test_run ();
}
