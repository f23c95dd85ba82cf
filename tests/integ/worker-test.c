/* The real worker, forked by the real zygote: a conversation in synthetic speech, an interruption,
 * the death of the worker in the middle of a task, and what it costs in memory. Needs the models.
 */
#define _GNU_SOURCE /* kill */

#include "call-sim.h"
#include "pool.h"
#include "tts.h"
#include "wav.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#define PATIENCE_MS 60000
/* Enough for the measured share of the models to be near what it is on a busy server. */
#define N_IDLE 10

static const char *worker_path;
static const char *agents_dir;
static char *models_dir;
static char *data_dir;

static gboolean
have_models (void)
{
  g_autofree char *vad = g_build_filename (models_dir, "silero_vad_v6.onnx", NULL);
  g_autofree char *stt = g_build_filename (models_dir, "moonshine-tiny-en", NULL);
  if (g_file_test (vad, G_FILE_TEST_EXISTS) && g_file_test (stt, G_FILE_TEST_EXISTS))
    return TRUE;
  g_test_skip ("the models are not here: run tools/fetch-models");
  return FALSE;
}

static gboolean
keep_pcm (const gint16 *pcm, gsize n, gpointer data)
{
  g_array_append_vals (data, pcm, (guint) n);
  return TRUE;
}

/* The user, in another voice than the agent's. */
static GArray *
speak (const char *text)
{
  const RpTtsFliteConfig config = {.voice = "rms"};
  g_autoptr (GError) error = NULL;
  g_autoptr (RpTts) tts = rp_tts_flite_new (&config, &error);
  g_assert_no_error (error);
  GArray *pcm = g_array_new (FALSE, FALSE, sizeof (gint16));
  const RpTtsSink sink = {.audio = keep_pcm, .user_data = pcm};
  g_assert_true (rp_tts_synthesize (tts, text, &sink, NULL, &error));
  return pcm;
}

static void
say (CallSim *sim, const char *text)
{
  g_autoptr (GArray) pcm = speak (text);
  g_test_message ("user: %s", text);
  call_sim_say (sim, (const gint16 *) (void *) pcm->data, pcm->len);
}

static gboolean
on_impatient (gpointer data)
{
  (void) data;
  g_assert_not_reached ();
  return G_SOURCE_REMOVE;
}

#define run_until(condition)                                           \
  G_STMT_START                                                         \
  {                                                                    \
    guint impatient = g_timeout_add (PATIENCE_MS, on_impatient, NULL); \
    while (!(condition))                                               \
      g_main_context_iteration (NULL, TRUE);                           \
    g_source_remove (impatient);                                       \
  }                                                                    \
  G_STMT_END

static void
on_failed (const char *why, gpointer data)
{
  (void) data;
  g_error ("%s", why);
}

static void
on_trouble (const char *text, gpointer data)
{
  (void) data;
  g_test_message ("%s", text);
}

/* @n_idle: workers to have ready */
static RpPool *
make_pool_of (const char *const *agent_dirs, guint n_idle)
{
  static const RpPoolEvents events = {.failed = on_failed, .trouble = on_trouble};
  RpPoolConfig config;
  rp_pool_config_init (&config);
  config.zygote.worker_path = worker_path;
  config.zygote.agent_dirs = agent_dirs;
  config.zygote.models_dir = models_dir;
  config.zygote.data_dir = data_dir;
  config.idle_target = n_idle;
  config.hung_timeout_ms = 20000; /* a sanitizer on a loaded machine is slow, not hung */
  RpPool *pool = rp_pool_new (&config, &events, NULL);
  RpPoolStats stats;
  run_until ((rp_pool_stats (pool, &stats), stats.idle == n_idle));
  return pool;
}

static RpPool *
make_pool (const char *agent_dir)
{
  const char *const agent_dirs[] = {agent_dir, NULL};
  return make_pool_of (agent_dirs, N_IDLE);
}

static RpWorkerLink *
take (RpPool *pool)
{
  run_until (rp_pool_is_ready (pool));
  return rp_pool_acquire (pool);
}

static void
on_stopped (gpointer data)
{
  *(gboolean *) data = TRUE;
}

static void
stop_pool (RpPool *pool)
{
  gboolean stopped = FALSE;
  rp_pool_stop (pool, on_stopped, &stopped);
  run_until (stopped);
  rp_pool_free (pool);
}

/* kB of the proportional and of the private share of a process. */
static void
measure (guint32 pid, const char *what)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/smaps_rollup", pid);
  g_autofree char *rollup = NULL;
  if (!g_file_get_contents (path, &rollup, NULL, NULL))
    return;
  static const char *const keys[] = {"\nPss:", "\nPrivate_Dirty:", "\nRss:"};
  guint64 values[G_N_ELEMENTS (keys)] = {0};
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    const char *line = strstr (rollup, keys[i]);
    if (line != NULL)
      values[i] = g_ascii_strtoull (line + strlen (keys[i]), NULL, 10);
  }
  g_test_message ("%s: PSS %.1f MB, private dirty %.1f MB, RSS %.1f MB", what,
                  (double) values[0] / 1024, (double) values[1] / 1024, (double) values[2] / 1024);
}

static void
test_conversation (void)
{
  if (!have_models ())
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (RpLoop) loop = rp_loop_new ("worker", &error);
  g_assert_no_error (error);
  g_autofree char *agent = g_build_filename (agents_dir, "reception", NULL);
  RpPool *pool = make_pool (agent);
  CallSim *sim = call_sim_new (loop);
  RpWorkerLink *link = take (pool);
  guint32 pid = rp_worker_link_pid (link);
  measure (pid, "an idle worker");

  call_sim_start (sim, link);
  g_free (call_sim_await_event (sim, "\"agent_started_speaking\""));
  call_sim_await_quiet (sim);
  g_free (call_sim_await_event (sim, "\"agent_stopped_speaking\""));

  say (sim, "What are your opening hours?");
  g_free (call_sim_await_event (sim, "\"user_started_speaking\""));
  g_autofree char *turn = call_sim_await_event (sim, "\"user_turn\"");
  g_assert_nonnull (strstr (turn, "hours"));
  g_free (call_sim_await_event (sim, "\"agent_text\""));
  guint played = call_sim_played (sim);
  g_free (call_sim_await_event (sim, "\"agent_started_speaking\""));

  /* The user does not wait for the end of the answer. */
  say (sim, "Wait. Do you have a parking garage?");
  g_free (call_sim_await_event (sim, "\"interrupted\""));
  g_assert_cmpuint (call_sim_played (sim), >, played);
  g_autofree char *second = call_sim_await_event (sim, "\"user_turn\"");
  g_assert_nonnull (strstr (second, "parking"));
  g_free (call_sim_await_event (sim, "\"voice_to_voice_ms\""));
  g_free (call_sim_await_event (sim, "\"agent_started_speaking\""));
  call_sim_await_quiet (sim);
  g_free (call_sim_await_event (sim, "\"agent_stopped_speaking\""));
  measure (pid, "a worker that was just used");

  call_sim_type (sim, "goodbye");
  call_sim_await_hangup (sim);
  call_sim_free (sim);
  stop_pool (pool);
}

/* People, as far as there are recordings of them here. */
static void
test_real_speech (void)
{
  static const struct {
    const char *file, *word;
  } clips[] = {
      {"speech/az_whatstheweatherlike.wav", "weather"},
      {"speech/rh_what_time_is_it.wav", "time"},
  };
  const char *dir = g_getenv ("RP_SHARED_DATA");
  g_autofree char *first = g_build_filename (dir != NULL ? dir : "", clips[0].file, NULL);
  if (!g_file_test (first, G_FILE_TEST_EXISTS)) {
    g_test_skip ("no recordings here");
    return;
  }
  if (!have_models ())
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (RpLoop) loop = rp_loop_new ("worker", &error);
  g_assert_no_error (error);
  g_autofree char *agent = g_build_filename (agents_dir, "reception", NULL);
  RpPool *pool = make_pool (agent);
  CallSim *sim = call_sim_new (loop);
  call_sim_start (sim, take (pool));
  g_free (call_sim_await_event (sim, "\"agent_started_speaking\""));
  call_sim_await_quiet (sim);
  for (guint i = 0; i < G_N_ELEMENTS (clips); i++) {
    g_autofree char *path = g_build_filename (dir, clips[i].file, NULL);
    g_auto (RpWav) wav = {0};
    g_assert_true (rp_wav_read (path, &wav, &error));
    g_assert_cmpuint (wav.rate_hz, ==, 16000);
    g_test_message ("user: %s", clips[i].file);
    call_sim_say (sim, wav.pcm, wav.n_frames);
    g_autofree char *turn = call_sim_await_event (sim, "\"user_turn\"");
    g_assert_nonnull (strstr (turn, clips[i].word));
    g_free (call_sim_await_event (sim, "\"agent_started_speaking\""));
    g_free (call_sim_await_event (sim, "\"agent_stopped_speaking\""));
  }
  call_sim_free (sim);
  stop_pool (pool);
}

/* The worker is killed in the middle of a task; another one goes on with it. */
static void
test_replacement (void)
{
  if (!have_models ())
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (RpLoop) loop = rp_loop_new ("worker", &error);
  g_assert_no_error (error);
  g_autofree char *agent = g_build_filename (agents_dir, "reception", NULL);
  RpPool *pool = make_pool (agent);
  CallSim *sim = call_sim_new (loop);
  RpWorkerLink *link = take (pool);
  pid_t pid = (pid_t) rp_worker_link_pid (link);
  call_sim_start (sim, link);
  g_free (call_sim_await_event (sim, "\"agent_started_speaking\""));

  call_sim_type (sim, "I want to book a room");
  g_free (call_sim_await_event (sim, "\"agent_text\""));
  call_sim_await_checkpoint (sim, "I want to book a room");
  g_free (call_sim_await_event (sim, "\"agent_started_speaking\""));
  g_free (call_sim_await_event (sim, "\"agent_stopped_speaking\""));
  kill (pid, SIGKILL);
  g_assert_cmpint (call_sim_await_lost (sim), ==, RP_WORKER_CRASHED);

  link = take (pool);
  g_assert_cmpint ((pid_t) rp_worker_link_pid (link), !=, pid);
  call_sim_start (sim, link);
  call_sim_type (sim, "tomorrow at three in the afternoon");
  g_autofree char *text = call_sim_await_event (sim, "\"agent_text\"");
  /* It goes on asking for what the booking needs instead of not knowing what this is about. */
  g_assert_null (strstr (text, "don't know"));
  call_sim_await_checkpoint (sim, "I want to book a room");
  call_sim_await_checkpoint (sim, "tomorrow at three");
  call_sim_free (sim);
  stop_pool (pool);
}

/* The value of a member that is a string without escapes. Returns: (transfer full) */
static char *
member (const char *json, const char *name)
{
  g_autofree char *key = g_strdup_printf ("\"%s\":\"", name);
  const char *value = strstr (json, key);
  g_assert_nonnull (value);
  value += strlen (key);
  return g_strndup (value, strcspn (value, "\""));
}

/* An agent that asks the page where the caller is. Returns: (transfer full) its directory */
static char *
make_agent (void)
{
  char *dir = g_build_filename (data_dir, "guide", NULL);
  g_autofree char *flows = g_build_filename (dir, "flows", NULL);
  g_autofree char *json = g_build_filename (dir, "agent.json", NULL);
  g_autofree char *flow = g_build_filename (flows, "locate.json", NULL);
  g_assert_cmpint (g_mkdir_with_parents (flows, 0700), ==, 0);
  g_assert_true (g_file_set_contents (json,
                                      "{\"greeting\":\"\",\"client_tools\":[{\"name\":\"locate\","
                                      "\"timeout_ms\":4000}]}",
                                      -1, NULL));
  g_assert_true (g_file_set_contents (
      flow,
      "{\"triggers\":[\"where am I\"],\"tool\":\"locate\",\"working\":\"Let me look.\","
      "\"success\":\"You are in {city}.\",\"failures\":[{\"reason\":\"*\",\"say\":\"I cannot "
      "tell.\"}]}",
      -1, NULL));
  return dir;
}

static void
remove_agent (const char *dir)
{
  static const char *const files[] = {"flows/locate.json", "flows", "agent.json", "."};
  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree char *path = g_build_filename (dir, files[i], NULL);
    g_remove (path);
  }
  g_rmdir (dir);
}

static void
answer_page (CallSim *sim, const char *id, const char *member_and_value)
{
  g_autofree char *json =
      g_strdup_printf ("{\"type\":\"tool_result\",\"id\":\"%s\",%s}", id, member_and_value);
  call_sim_client (sim, json);
}

/* Two agents in one zygote: each call has the one it asked for, with its own voice and knowledge.
 */
static void
test_agents (void)
{
  if (!have_models ())
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (RpLoop) loop = rp_loop_new ("worker", &error);
  g_assert_no_error (error);
  g_autofree char *reception = g_build_filename (agents_dir, "reception", NULL);
  g_autofree char *tutor = g_build_filename (agents_dir, "tutor", NULL);
  const char *const dirs[] = {reception, tutor, NULL};
  RpPool *pool = make_pool_of (dirs, N_IDLE);
  RpWorkerLink *link = take (pool);
  measure (rp_worker_link_pid (link), "an idle worker with two agents");

  CallSim *sim = call_sim_new (loop);
  call_sim_ask_for (sim, "tutor", "{\"caller_name\":\"Anna\",\"agent\":\"tutor\"}");
  call_sim_start (sim, link);
  g_free (call_sim_await_event (sim, "Hello Anna!"));
  call_sim_type (sim, "numbers please");
  g_autofree char *started = call_sim_await_event (sim, "\"status\":\"started\"");
  g_assert_nonnull (strstr (started, "\"where\":\"client\""));
  g_assert_nonnull (strstr (started, "show_score"));
  g_free (call_sim_await_event (sim, "\"status\":\"done\""));
  g_free (call_sim_await_event (sim, "What is"));
  measure (rp_worker_link_pid (link), "a worker that has just asked a sum");

  /* Keys are heard as an answer. */
  call_sim_client (sim, "{\"type\":\"dtmf\",\"buttons\":\"9*99\"}");
  call_sim_client (sim, "{\"type\":\"dtmf\",\"buttons\":\"9#\"}");
  g_autofree char *turn = call_sim_await_event (sim, "\"user_turn\"");
  g_assert_nonnull (strstr (turn, "\"999\""));
  g_free (call_sim_await_event (sim, "Not quite"));
  g_free (call_sim_await_event (sim, "\"agent_stopped_speaking\""));

  call_sim_client (sim, "{\"type\":\"message\",\"id\":\"m1\",\"name\":\"conversation\"}");
  g_autofree char *answer = call_sim_await_event (sim, "\"response\"");
  g_assert_nonnull (strstr (answer, "numbers please"));
  g_assert_nonnull (strstr (answer, "Not quite"));
  g_assert_null (strstr (answer, "show_score"));
  g_assert_null (strstr (answer, "\"error\""));
  call_sim_client (sim, "{\"type\":\"message\",\"id\":\"m2\",\"name\":\"weather\"}");
  g_autofree char *refusal = call_sim_await_event (sim, "\"response\"");
  g_assert_nonnull (strstr (refusal, "\"error\""));
  call_sim_free (sim);

  sim = call_sim_new (loop);
  call_sim_start (sim, take (pool));
  g_free (call_sim_await_event (sim, "Harbour Rooms"));
  call_sim_type (sim, "Is there parking?");
  g_autofree char *shown = call_sim_await_event (sim, "\"status\":\"started\"");
  g_assert_nonnull (strstr (shown, "parking"));
  g_free (call_sim_await_event (sim, "car park"));
  call_sim_free (sim);
  stop_pool (pool);
}

/* One that is not there: the worker says so and ends, and others are not harmed. */
static void
test_unknown_agent (void)
{
  if (!have_models ())
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (RpLoop) loop = rp_loop_new ("worker", &error);
  g_assert_no_error (error);
  g_autofree char *tutor = g_build_filename (agents_dir, "tutor", NULL);
  const char *const dirs[] = {tutor, NULL};
  RpPool *pool = make_pool_of (dirs, 2);
  CallSim *sim = call_sim_new (loop);
  call_sim_ask_for (sim, "nobody", NULL);
  call_sim_try_start (sim, take (pool));
  g_assert_cmpint (call_sim_await_lost (sim), !=, RP_WORKER_HUNG);
  call_sim_free (sim);
  sim = call_sim_new (loop);
  call_sim_ask_for (sim, "tutor", NULL);
  call_sim_start (sim, take (pool));
  g_free (call_sim_await_event (sim, "quiz tutor"));
  call_sim_free (sim);
  stop_pool (pool);
}

/* A function of the page with a result: answered, refused, too late, and over the worker's death.
 */
static void
test_page (void)
{
  if (!have_models ())
    return;
  g_autoptr (GError) error = NULL;
  g_autoptr (RpLoop) loop = rp_loop_new ("worker", &error);
  g_assert_no_error (error);
  g_autofree char *guide = make_agent ();
  const char *const dirs[] = {guide, NULL};
  RpPool *pool = make_pool_of (dirs, 2);
  CallSim *sim = call_sim_new (loop);
  RpWorkerLink *link = take (pool);
  pid_t pid = (pid_t) rp_worker_link_pid (link);
  call_sim_ask_for (sim, "guide", NULL);
  call_sim_start (sim, link);

  call_sim_type (sim, "where am I?");
  g_autofree char *first = call_sim_await_event (sim, "\"status\":\"started\"");
  g_autofree char *first_id = member (first, "id");
  answer_page (sim, "nobody asked", "\"result\":\"1\"");
  answer_page (sim, first_id, "\"result\":\"{\\\"city\\\":\\\"Ulm\\\"}\"");
  g_free (call_sim_await_event (sim, "\"status\":\"done\""));
  g_free (call_sim_await_event (sim, "You are in Ulm."));

  call_sim_type (sim, "where am I?");
  g_autofree char *second = call_sim_await_event (sim, "\"status\":\"started\"");
  g_autofree char *second_id = member (second, "id");
  g_assert_cmpstr (second_id, !=, first_id);
  answer_page (sim, second_id, "\"error\":\"no map\"");
  g_free (call_sim_await_event (sim, "\"status\":\"failed\""));
  g_free (call_sim_await_event (sim, "I cannot tell."));

  call_sim_type (sim, "where am I?");
  g_autofree char *third = call_sim_await_event (sim, "\"status\":\"started\"");
  g_autofree char *third_id = member (third, "id");
  g_free (call_sim_await_event (sim, "\"status\":\"failed\""));
  g_free (call_sim_await_event (sim, "I cannot tell."));
  answer_page (sim, third_id, "\"result\":\"{}\"");

  call_sim_type (sim, "where am I?");
  g_autofree char *fourth = call_sim_await_event (sim, "\"status\":\"started\"");
  g_autofree char *fourth_id = member (fourth, "id");
  call_sim_await_checkpoint (sim, fourth_id);
  kill (pid, SIGKILL);
  g_assert_cmpint (call_sim_await_lost (sim), ==, RP_WORKER_CRASHED);
  call_sim_start (sim, take (pool));
  g_autofree char *again = call_sim_await_event (sim, "\"status\":\"started\"");
  g_autofree char *again_id = member (again, "id");
  g_assert_cmpstr (again_id, ==, fourth_id);
  answer_page (sim, again_id, "\"result\":\"{\\\"city\\\":\\\"Bonn\\\"}\"");
  g_free (call_sim_await_event (sim, "You are in Bonn."));
  call_sim_free (sim);
  stop_pool (pool);
  remove_agent (guide);
}

static void
test_same_name (void)
{
  g_autofree char *out = NULL;
  int status = 0;
  g_autoptr (GError) error = NULL;
  g_autofree char *one = g_build_filename (agents_dir, "tutor", NULL);
  g_autofree char *two = g_build_filename (agents_dir, "..", "agents", "tutor", NULL);
  const char *const argv[] = {worker_path, "--check", "--agent", one, "--agent", two, NULL};
  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, &out,
                               &status, &error));
  g_assert_false (g_spawn_check_wait_status (status, &error));
  g_assert_error (error, G_SPAWN_EXIT_ERROR, RP_ZYGOTE_EXIT_CONFIG);
  g_assert_nonnull (strstr (out, "another agent is named \"tutor\""));
}

static void
test_bad_agent (void)
{
  g_autofree char *out = NULL;
  int status = 0;
  g_autoptr (GError) error = NULL;
  const char *const argv[] = {worker_path, "--check", "--agent", "/nonexistent", NULL};
  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, &out,
                               &status, &error));
  g_assert_false (g_spawn_check_wait_status (status, &error));
  g_assert_error (error, G_SPAWN_EXIT_ERROR, RP_ZYGOTE_EXIT_CONFIG);
  g_assert_nonnull (strstr (out, "/nonexistent"));
}

static void
remove_data (void)
{
  g_autoptr (GDir) dir = g_dir_open (data_dir, 0, NULL);
  const char *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (data_dir, name, NULL);
    g_remove (path);
  }
  g_rmdir (data_dir);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  worker_path = g_getenv ("RP_TEST_WORKER");
  agents_dir = g_getenv ("RP_TEST_AGENTS");
  g_assert_nonnull (worker_path);
  g_assert_nonnull (agents_dir);
  models_dir = rp_models_dir ();
  data_dir = g_dir_make_tmp ("rp-worker-test-XXXXXX", NULL);
  g_assert_nonnull (data_dir);
  g_test_add_func ("/worker/conversation", test_conversation);
  g_test_add_func ("/worker/real-speech", test_real_speech);
  g_test_add_func ("/worker/replacement", test_replacement);
  g_test_add_func ("/worker/agents", test_agents);
  g_test_add_func ("/worker/unknown-agent", test_unknown_agent);
  g_test_add_func ("/worker/page", test_page);
  g_test_add_func ("/worker/same-name", test_same_name);
  g_test_add_func ("/worker/bad-agent", test_bad_agent);
  int result = g_test_run ();
  remove_data ();
  g_free (models_dir);
  g_free (data_dir);
  return result;
}
