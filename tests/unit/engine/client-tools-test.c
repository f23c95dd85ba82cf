/* Functions that the caller's page runs: each call has exactly one end and its pair in the context,
 * whatever the page, the user and the worker do. */
#include "world.h"

#include <string.h>

#define RESULT "tool: {\"ok\":true}\n"
#define FAILURE "tool: {\"ok\":false,\"error\":\"the tool did not answer in time\"}\n"

/* Calls the tool that brain_data names, and answers its result. */
static char *
showing_brain (World *world, const GPtrArray *messages, char **out_tool, char **out_arguments)
{
  const RpMessage *last = messages->pdata[messages->len - 1];
  if (last->role == RP_ROLE_TOOL)
    return g_strdup (strstr (last->content, "true") != NULL ? "There it is." : "It is not there.");
  *out_tool = g_strdup (world->brain_data);
  *out_arguments = g_strdup ("{\"place\":\"here\"}");
  return g_strdup ("Look here.");
}

/* The same without a word beside the call. */
static char *
silent_brain (World *world, const GPtrArray *messages, char **out_tool, char **out_arguments)
{
  g_autofree char *text = showing_brain (world, messages, out_tool, out_arguments);
  return g_strdup (*out_tool != NULL ? "" : text);
}

static World *
showing_world (const char *tool)
{
  World *world = world_connected (NULL);
  world->brain = showing_brain;
  world->brain_data = (gpointer) tool;
  return world;
}

static guint
count_ends (const World *world)
{
  return world_count (world, "tool done") + world_count (world, "tool failed") +
         world_count (world, "tool cancelled");
}

static void
answer (World *world, RpEngineEventType type, const char *id)
{
  RpEngineEvent event = {.type = type, .text = id, .result = "{\"ok\":true}"};
  world_input (world, &event);
}

static void
test_answered (void)
{
  g_autoptr (AutoWorld) world = showing_world ("show_map");
  world_say (world, "Where are you?", 800, 200);
  world_run (world, MS (5000));
  world_assert_context (world, "user: Where are you?\nassistant: Look here.\n" RESULT
                               "assistant: There it is.\n");
  /* No tool of ours had anything to do with it. */
  g_assert_cmpuint (world->n_tool_calls, ==, 0);
  g_assert_cmpuint (world->n_page_calls, ==, 1);
  g_assert_cmpuint (world_count (world, "tool started"), ==, 1);
  g_assert_cmpuint (world_count (world, "tool done"), ==, 1);
  g_assert_cmpuint (rp_engine_ignored_results (world->engine), ==, 0);
  world_audit (world);
}

/* A page that does not answer: the tool has failed, the agent says so, and what comes later is
 * ignored. */
static void
test_timeout (void)
{
  g_autoptr (AutoWorld) world = showing_world ("show_map");
  world->page_us = -1;
  world_type (world, "Where are you?", TRUE, TRUE);
  world_run (world, MS (4990));
  g_assert_cmpuint (count_ends (world), ==, 0);
  world_run (world, MS (20));
  g_assert_cmpuint (world_count (world, "tool failed"), ==, 1);
  world_run (world, MS (3000));
  const char *context =
      "user: Where are you?\nassistant: Look here.\n" FAILURE "assistant: It is not there.\n";
  world_assert_context (world, context);

  GHashTableIter iter;
  gpointer id = NULL;
  g_hash_table_iter_init (&iter, world->page);
  g_assert_true (g_hash_table_iter_next (&iter, &id, NULL));
  answer (world, RP_ENGINE_CLIENT_RESULT, id);
  answer (world, RP_ENGINE_CLIENT_FAILED, id);
  world_run (world, MS (3000));
  g_assert_cmpuint (rp_engine_ignored_results (world->engine), ==, 2);
  g_assert_cmpuint (count_ends (world), ==, 1);
  world_assert_context (world, context);
  world_audit (world);
}

/* The page speaks for its own functions alone, and nobody else for them. */
static void
test_only_its_own (void)
{
  static const struct {
    const char *tool;
    RpEngineEventType type;
    gboolean ends;
    guint ignored;
  } rows[] = {
      {"show_map", RP_ENGINE_TOOL_RESULT, FALSE, 0},
      {"show_map", RP_ENGINE_TOOL_FAILED, FALSE, 0},
      {"show_map", RP_ENGINE_CLIENT_RESULT, TRUE, 0},
      {"show_map", RP_ENGINE_CLIENT_FAILED, TRUE, 0},
      {"book_room", RP_ENGINE_CLIENT_RESULT, FALSE, 1},
      {"book_room", RP_ENGINE_CLIENT_FAILED, FALSE, 1},
      {"end_call", RP_ENGINE_CLIENT_RESULT, FALSE, 1},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (AutoWorld) world = showing_world (rows[i].tool);
    world->page_us = world->tool_us = -1;
    world_type (world, "Where are you?", TRUE, TRUE);
    world_run (world, MS (100));
    answer (world, rows[i].type, "call_1");
    g_assert_cmpuint (count_ends (world), ==, rows[i].ends ? 1 : 0);
    g_assert_cmpuint (rp_engine_ignored_results (world->engine), ==, rows[i].ignored);
  }
}

/* What only notifies is done at once, and the brain is not asked again. */
static void
test_notify (void)
{
  g_autoptr (AutoWorld) world = showing_world ("tell_page");
  world->page_us = -1;
  world_say (world, "Where are you?", 800, 200);
  world_run (world, MS (3000));
  world_assert_context (world, "user: Where are you?\nassistant: Look here.\n" RESULT);
  g_assert_cmpuint (world->n_llm_starts, ==, 1);
  g_assert_cmpuint (world->n_page_calls, ==, 1);
  g_assert_cmpuint (world_count (world, "tool started"), ==, 1);
  g_assert_cmpuint (world_count (world, "tool done"), ==, 1);
  answer (world, RP_ENGINE_CLIENT_RESULT, "call_1");
  g_assert_cmpuint (rp_engine_ignored_results (world->engine), ==, 1);
  world_audit (world);

  /* The conversation goes on as after any answer. */
  world_say (world, "And again?", 800, 200);
  world_run (world, MS (3000));
  g_assert_cmpuint (world->n_page_calls, ==, 2);
  g_assert_cmpuint (world_count (world, "tool done"), ==, 2);
  world_audit (world);
}

/* Nobody has said anything yet: the brain has to. */
static void
test_notify_alone (void)
{
  g_autoptr (AutoWorld) world = showing_world ("tell_page");
  world->brain = silent_brain;
  world_type (world, "Where are you?", TRUE, TRUE);
  world_run (world, MS (3000));
  g_assert_cmpuint (world->n_llm_starts, ==, 2);
  world_assert_context (world,
                        "user: Where are you?\nassistant: \n" RESULT "assistant: There it is.\n");
}

static void
test_waits_for_the_turn (void)
{
  static const char *const tools[] = {"show_map", "tell_page"};
  for (guint i = 0; i < G_N_ELEMENTS (tools); i++) {
    g_autoptr (AutoWorld) world = showing_world (tools[i]);
    world_say_on (world, "Where are you?", 900);
    world_speech_pause (world);
    world_run (world, MS (130));
    g_assert_cmpuint (world->n_llm_starts, ==, 1);
    g_assert_cmpuint (world->n_page_calls, ==, 0);
    world_event (world, RP_ENGINE_SPEECH_RESUMED);
    world_run (world, MS (500));
    g_assert_cmpuint (world->n_page_calls, ==, 0);
  }
}

/* Wherever the user cuts in, with a page that is slow or away. */
static void
test_interrupted_anywhere (void)
{
  static const struct {
    const char *tool;
    gint64 page_us;
  } rows[] = {{"show_map", MS (900)}, {"show_map", -1}, {"tell_page", MS (10)}};
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (guint at_ms = 1; at_ms < 2500; at_ms += 37) {
      g_autoptr (AutoWorld) world = showing_world (rows[i].tool);
      world->page_us = rows[i].page_us;
      world_say (world, "Where are you?", 800, 200 + at_ms);
      world_say (world, "Hold the line.", 600, 200);
      world_run (world, MS (20000));
      guint results = 0;
      const GPtrArray *messages = rp_engine_messages (world->engine);
      for (guint k = 0; k < messages->len; k++)
        results += ((RpMessage *) messages->pdata[k])->role == RP_ROLE_TOOL;
      g_assert_cmpuint (results, ==, world->n_page_calls);
      g_assert_cmpuint (count_ends (world), ==, world_count (world, "tool started"));
      g_assert_cmpuint (world->played->len, >, 0);
      world_audit (world);
    }
}

/* A cough over what was said beside a notice: the rest is said, and nothing is asked anew. */
static void
test_notify_and_a_cough (void)
{
  g_autoptr (AutoWorld) world = showing_world ("tell_page");
  world_say (world, "Where are you?", 800, 500);
  world_say (world, "", 300, 200);
  world_run (world, MS (6000));
  g_assert_cmpuint (world->n_page_calls, ==, 1);
  g_assert_true (g_str_has_suffix (world->played->str, "Look here.\n"));
  g_assert_cmpuint (count_ends (world), ==, 1);
  world_audit (world);
}

/* The worker dies at any moment: the page is asked once, and its answer is not lost. */
static void
test_replacement_anywhere (void)
{
  static const struct {
    const char *tool;
    const char *context;
  } rows[] = {
      {"show_map",
       "user: Where are you?\nassistant: Look here.\n" RESULT "assistant: There it is.\n"},
      {"tell_page", "user: Where are you?\nassistant: Look here.\n" RESULT},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    for (guint at_ms = 20; at_ms < 2500; at_ms += 15) {
      g_autoptr (AutoWorld) world = showing_world (rows[i].tool);
      world->page_us = MS (400);
      world_type (world, "Where are you?", TRUE, TRUE);
      world_run (world, MS (at_ms));
      world_replace_worker (world);
      world_run (world, MS (9000));
      g_autofree char *context = world_context (world);
      if (strcmp (context, rows[i].context) != 0)
        g_error ("died at %u ms:\n%s\n%s", at_ms, context, world->log->str);
      g_assert_cmpuint (world->n_page_calls, ==, 1);
      world_audit (world);
    }
}

/* A page that is gone for good does not keep two workers waiting for ever. */
static void
test_replacement_of_a_silent_page (void)
{
  g_autoptr (AutoWorld) world = showing_world ("show_map");
  world->page_us = -1;
  world_type (world, "Where are you?", TRUE, TRUE);
  world_run (world, MS (3000));
  world_replace_worker (world);
  world_run (world, MS (9000));
  world_assert_context (world, "user: Where are you?\nassistant: Look here.\n" FAILURE
                               "assistant: It is not there.\n");
  world_audit (world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client-tools/answered", test_answered);
  g_test_add_func ("/client-tools/timeout", test_timeout);
  g_test_add_func ("/client-tools/only-its-own", test_only_its_own);
  g_test_add_func ("/client-tools/notify", test_notify);
  g_test_add_func ("/client-tools/notify-alone", test_notify_alone);
  g_test_add_func ("/client-tools/notify-and-a-cough", test_notify_and_a_cough);
  g_test_add_func ("/client-tools/waits-for-the-turn", test_waits_for_the_turn);
  g_test_add_func ("/client-tools/interrupted-anywhere", test_interrupted_anywhere);
  g_test_add_func ("/client-tools/replacement-anywhere", test_replacement_anywhere);
  g_test_add_func ("/client-tools/replacement-of-a-silent-page", test_replacement_of_a_silent_page);
  return g_test_run ();
}
