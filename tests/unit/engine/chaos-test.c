/* Everything at once, at random and from a seed: a user who speaks, pauses, coughs and types; parts
 * that are slow, hang and fail; workers that die; a server that answers late. The audit watches the
 * rules, and once all is still the agent is not mute. */
#include "world.h"

#include <string.h>

#define N_SEEDS 300
#define N_STEPS 200

typedef struct {
  World *world;
  GRand *rand;
  enum { GATE_SILENCE, GATE_SPEECH, GATE_PAUSED } gate;
  gboolean lies; /* the server reports what it likes */
} Chaos;

static gboolean
one_in (Chaos *chaos, gint n)
{
  return g_rand_int_range (chaos->rand, 0, n) == 0;
}

#define pick(chaos, list) ((list)[g_rand_int_range ((chaos)->rand, 0, G_N_ELEMENTS (list))])

static char *
any_brain (World *world, const GPtrArray *messages, char **out_tool, char **out_arguments)
{
  static const char *const texts[] = {
      "One two three.",           "One two. Three four five. Six.",
      "Shall I book it for you?", "",
      "\xf0\x9f\x99\x82",         "One two three four five six seven eight nine ten eleven twelve.",
      "Well, let me see"};
  static const char *const tools[] = {"book_room", "show_map", "tell_page", "end_call"};
  Chaos *chaos = world->brain_data;
  if (one_in (chaos, 4)) {
    *out_tool = g_strdup (tools[one_in (chaos, 8) ? 3 : g_rand_int_range (chaos->rand, 0, 3)]);
    *out_arguments = g_strdup ("{\"day\":\"today\"}");
  }
  return g_strdup (pick (chaos, texts));
}

static void
change_parts (Chaos *chaos)
{
  static const gint64 stt[] = {MS (20), MS (40), MS (150), MS (500), -1};
  static const gint64 brain[] = {MS (1), MS (2), MS (300), MS (1500), -1};
  static const gint64 tts[] = {MS (5), MS (10), MS (300), -1};
  static const gint64 tool[] = {MS (5), MS (500), MS (2000), -1};
  static const gint64 page[] = {0, MS (30), MS (4000), MS (6000), -1};
  static const gint64 delta[] = {1, 1, MS (50), MS (400)};
  static const gint64 flush[] = {MS (2), MS (2), MS (40), MS (250)};
  World *world = chaos->world;
  world->stt_us = pick (chaos, stt);
  world->brain_us = pick (chaos, brain);
  world->tts_us = pick (chaos, tts);
  world->tool_us = pick (chaos, tool);
  world->page_us = pick (chaos, page);
  world->delta_us = pick (chaos, delta);
  world->flush_us = pick (chaos, flush);
  world->brain_fails = one_in (chaos, 8);
  world->voice_fails = one_in (chaos, 12);
  world->expect = (RpExpect) g_rand_int_range (chaos->rand, 0, RP_EXPECT_MESSAGE + 1);
}

static void
move_gate (Chaos *chaos)
{
  static const char *const said[] = {"",
                                     "",
                                     "Mm-hmm.",
                                     "What are your prices?",
                                     "Yes.",
                                     "um.",
                                     "Stop.",
                                     "I would like to book a",
                                     "Five five five"};
  World *world = chaos->world;
  switch (chaos->gate) {
  case GATE_SILENCE:
    world->stt_text = pick (chaos, said);
    world_run (world, MS (200));
    world_speech_start (world);
    chaos->gate = GATE_SPEECH;
    break;
  case GATE_SPEECH:
    world_speech_pause (world);
    chaos->gate = GATE_PAUSED;
    break;
  case GATE_PAUSED:
    if (one_in (chaos, 3)) {
      world_event (world, RP_ENGINE_SPEECH_RESUMED);
      chaos->gate = GATE_SPEECH;
    } else {
      world_run (world, MS (136));
      world_speech_stop (world);
      chaos->gate = GATE_SILENCE;
    }
    break;
  }
}

/* Anything with any id: stale results, events of parts that were never asked. */
static void
nonsense (Chaos *chaos)
{
  static const char *const texts[] = {"", "What are your prices?", "call_3", "x"};
  static const RpEngineWord words[] = {{2, 100}, {1, 50}, {900, 7}};
  static const RpEngineEventType types[] = {
      RP_ENGINE_CONNECTED,       RP_ENGINE_STT_RESULT,      RP_ENGINE_STT_FAILED,
      RP_ENGINE_LLM_DELTA,       RP_ENGINE_LLM_TOOL_CALL,   RP_ENGINE_LLM_DONE,
      RP_ENGINE_LLM_FAILED,      RP_ENGINE_TTS_WORDS,       RP_ENGINE_TTS_DONE,
      RP_ENGINE_TTS_FAILED,      RP_ENGINE_TOOL_RESULT,     RP_ENGINE_TOOL_FAILED,
      RP_ENGINE_CLIENT_RESULT,   RP_ENGINE_CLIENT_FAILED,   RP_ENGINE_INPUT_STALLED,
      RP_ENGINE_INPUT_RESUMED,   RP_ENGINE_PLAYOUT_STARTED, RP_ENGINE_PLAYOUT_ENDED,
      RP_ENGINE_PLAYOUT_FLUSHED, RP_ENGINE_PLAYOUT_PROGRESS};
  World *world = chaos->world;
  guint n = G_N_ELEMENTS (types) - (chaos->lies ? 0 : 4);
  g_autoptr (RpToolCall) call = rp_tool_call_new (pick (chaos, texts), "book_room", "{}");
  RpEngineEvent event = {.type = types[g_rand_int_range (chaos->rand, 0, (gint32) n)],
                         .at_us = world->now_us - g_rand_int_range (chaos->rand, 0, 400000),
                         .text = pick (chaos, texts),
                         .call = call,
                         .words = words,
                         .n_words = G_N_ELEMENTS (words),
                         .n_frames = (guint) g_rand_int_range (chaos->rand, 0, 60)};
  event.pos_samples = event.at_us * 16 / 1000;
  /* Near what is alive, when the ids may be believed to be wrong; else long dead. */
  guint32 newest = chaos->lies ? world->played_utterance + 3 : 1;
  event.id = (guint32) g_rand_int_range (chaos->rand, 0, (gint32) newest);
  if (event.type != RP_ENGINE_LLM_TOOL_CALL)
    event.call = NULL;
  world_input (world, &event);
}

static void
type_text (Chaos *chaos)
{
  static const char *const texts[] = {"Prices", "Book a room", " ", "Hello there"};
  RpEngineEvent event = {.type = RP_ENGINE_CLIENT_TEXT,
                         .text = pick (chaos, texts),
                         .flag = !one_in (chaos, 3),
                         .flag2 = !one_in (chaos, 3)};
  world_input (chaos->world, &event);
}

static void
step (Chaos *chaos)
{
  World *world = chaos->world;
  switch (g_rand_int_range (chaos->rand, 0, 20)) {
  case 0:
    type_text (chaos);
    break;
  case 1:
    if (one_in (chaos, 3))
      world_event (world, RP_ENGINE_CLIENT_INTERRUPT);
    break;
  case 2:
    change_parts (chaos);
    break;
  case 3:
    if (one_in (chaos, 2) && world->checkpoint != NULL) {
      world_replace_worker (world);
      chaos->gate = GATE_SILENCE;
    }
    break;
  case 4:
    world_event (world, one_in (chaos, 2) ? RP_ENGINE_INPUT_STALLED : RP_ENGINE_INPUT_RESUMED);
    break;
  case 5:
  case 6:
    nonsense (chaos);
    break;
  case 7:
    world_run (world, MS (g_rand_int_range (chaos->rand, 0, 12000)));
    break;
  case 8:
    if (one_in (chaos, 60))
      world_event (world, RP_ENGINE_DRAIN);
    break;
  default:
    move_gate (chaos);
    break;
  }
  world_run (world, MS (g_rand_int_range (chaos->rand, 0, one_in (chaos, 3) ? 1500 : 150)));
}

/* All parts work again and nobody says anything. */
static void
calm_down (Chaos *chaos)
{
  World *world = chaos->world;
  while (chaos->gate != GATE_SILENCE)
    move_gate (chaos);
  world->stt_us = MS (40);
  world->brain_us = MS (2);
  world->tts_us = MS (10);
  world->tool_us = MS (20);
  world->page_us = MS (30);
  world->flush_us = MS (2);
  world->delta_us = 1;
  world->brain_fails = world->voice_fails = FALSE;
  world_run (world, MS (60000));
  g_string_truncate (world->log, 0);
  world_run (world, MS (60000));
  while (!world->hung_up && (world->server.length > 0 || world->voice.length > 0))
    world_run (world, MS (10));
}

static void
run_seed (gconstpointer data)
{
  guint32 seed = GPOINTER_TO_UINT (data);
  RpEngineConfig config;
  rp_engine_config_init (&config);
  config.greeting = "Hello there my friend.";
  config.max_context_messages = 10000;
  config.max_idle_prompts = 1000;
  config.max_turn_ms = 8000;
  const char *const prompts[] = {"Are you still there?", NULL};
  config.idle_prompts = prompts;
  config.interruptible = seed % 5 != 0;
  config.preemptive = seed % 7 != 0;
  g_autoptr (AutoWorld) world = world_new (&config);
  Chaos chaos = {world, g_rand_new_with_seed (seed), GATE_SILENCE, seed % 3 == 0};
  world->brain = any_brain;
  world->brain_data = &chaos;
  world->late_results = seed % 2 == 0;
  world_event (world, RP_ENGINE_CONNECTED);
  for (guint i = 0; i < N_STEPS && !world->hung_up; i++)
    step (&chaos);
  if (!world->hung_up) {
    calm_down (&chaos);
    if (!world->hung_up && strstr (world->log->str, "speaking") == NULL &&
        strstr (world->log->str, "silent") == NULL)
      g_error ("mute: %s", world->log->str);
  }
  if (!chaos.lies && !world->hung_up)
    world_audit (world);
  g_assert_true (rp_messages_tool_pairs_whole (rp_engine_messages (world->engine)));
  g_rand_free (chaos.rand);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint seed = 1; seed <= N_SEEDS; seed++) {
    g_autofree char *path = g_strdup_printf ("/chaos/%u", seed);
    g_test_add_data_func (path, GUINT_TO_POINTER (seed), run_seed);
  }
  return g_test_run ();
}
