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

/* A pool, and a caller on a loop. */
typedef struct {
  RpLoop *loop;
  RpPool *pool;
  CallSim *sim;
} Rig;

/* @agents: with commas between them, paths or names of those that come with it. @n_idle: workers to
 * have ready. Returns: (nullable): without models there is nothing to test */
static Rig *
rig_new (const char *agents, guint n_idle)
{
  static const RpPoolEvents events = {.failed = on_failed, .trouble = on_trouble};
  if (!have_models ())
    return NULL;
  g_auto (GStrv) dirs = g_strsplit (agents, ",", -1);
  for (guint i = 0; dirs[i] != NULL; i++) {
    g_autofree char *agent = dirs[i];
    dirs[i] = g_canonicalize_filename (agent, agents_dir);
  }
  RpPoolConfig config;
  rp_pool_config_init (&config);
  config.zygote.worker_path = worker_path;
  config.zygote.agent_dirs = (const char *const *) dirs;
  config.zygote.models_dir = models_dir;
  config.zygote.data_dir = data_dir;
  config.idle_target = n_idle;
  config.hung_timeout_ms = 20000; /* a sanitizer on a loaded machine is slow, not hung */
  g_autoptr (GError) error = NULL;
  Rig *rig = g_new0 (Rig, 1);
  rig->loop = rp_loop_new ("worker", &error);
  g_assert_no_error (error);
  rig->pool = rp_pool_new (&config, &events, NULL);
  RpPoolStats stats;
  run_until ((rp_pool_stats (rig->pool, &stats), stats.idle == n_idle));
  rig->sim = call_sim_new (rig->loop);
  return rig;
}

static void
rig_free (Rig *rig)
{
  gboolean stopped = FALSE;
  call_sim_free (rig->sim);
  rp_pool_stop (rig->pool, on_stopped, &stopped);
  run_until (stopped);
  rp_pool_free (rig->pool);
  rp_loop_free (rig->loop);
  g_free (rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

/* Another caller after the first. */
static CallSim *
next_caller (Rig *rig)
{
  call_sim_free (rig->sim);
  rig->sim = call_sim_new (rig->loop);
  return rig->sim;
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
  g_autoptr (Rig) rig = rig_new ("reception", N_IDLE);
  if (rig == NULL)
    return;
  CallSim *sim = rig->sim;
  RpWorkerLink *link = take (rig->pool);
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
  g_autoptr (Rig) rig = rig_new ("reception", N_IDLE);
  if (rig == NULL)
    return;
  CallSim *sim = rig->sim;
  call_sim_start (sim, take (rig->pool));
  g_free (call_sim_await_event (sim, "\"agent_started_speaking\""));
  call_sim_await_quiet (sim);
  for (guint i = 0; i < G_N_ELEMENTS (clips); i++) {
    g_autofree char *path = g_build_filename (dir, clips[i].file, NULL);
    g_auto (RpWav) wav = {0};
    g_autoptr (GError) error = NULL;
    g_assert_true (rp_wav_read (path, &wav, &error));
    g_assert_cmpuint (wav.rate_hz, ==, 16000);
    g_test_message ("user: %s", clips[i].file);
    call_sim_say (sim, wav.pcm, wav.n_frames);
    g_autofree char *turn = call_sim_await_event (sim, "\"user_turn\"");
    g_assert_nonnull (strstr (turn, clips[i].word));
    g_free (call_sim_await_event (sim, "\"agent_started_speaking\""));
    g_free (call_sim_await_event (sim, "\"agent_stopped_speaking\""));
  }
}

/* The worker is killed in the middle of a task; another one goes on with it. */
static void
test_replacement (void)
{
  g_autoptr (Rig) rig = rig_new ("reception", N_IDLE);
  if (rig == NULL)
    return;
  CallSim *sim = rig->sim;
  RpWorkerLink *link = take (rig->pool);
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

  link = take (rig->pool);
  g_assert_cmpint ((pid_t) rp_worker_link_pid (link), !=, pid);
  call_sim_start (sim, link);
  call_sim_type (sim, "tomorrow at three in the afternoon");
  g_autofree char *text = call_sim_await_event (sim, "\"agent_text\"");
  /* It goes on asking for what the booking needs instead of not knowing what this is about. */
  g_assert_null (strstr (text, "don't know"));
  call_sim_await_checkpoint (sim, "I want to book a room");
  call_sim_await_checkpoint (sim, "tomorrow at three");
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

/* Waits until the page is asked. Returns: (transfer full) the call's id */
static char *
await_page_call (CallSim *sim)
{
  g_autofree char *started = call_sim_await_event (sim, "\"status\":\"started\"");
  return member (started, "id");
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
  g_autoptr (Rig) rig = rig_new ("reception,tutor", N_IDLE);
  if (rig == NULL)
    return;
  CallSim *sim = rig->sim;
  RpWorkerLink *link = take (rig->pool);
  measure (rp_worker_link_pid (link), "an idle worker with two agents");
  /* They share the recogniser. */
  const RpAgentInfo *reception = rp_agents_find (rp_pool_agents (rig->pool), "reception");
  const RpAgentInfo *tutor = rp_agents_find (rp_pool_agents (rig->pool), "tutor");
  g_test_message ("a sentence's transcript takes %.1f ms", (double) tutor->stt_cpu_us / 1000);
  g_assert_cmpint (tutor->stt_cpu_us, >, 1000);
  g_assert_cmpint (tutor->stt_cpu_us, ==, reception->stt_cpu_us);

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

  sim = next_caller (rig);
  call_sim_start (sim, take (rig->pool));
  g_free (call_sim_await_event (sim, "Harbour Rooms"));
  call_sim_type (sim, "Is there parking?");
  g_autofree char *shown = call_sim_await_event (sim, "\"status\":\"started\"");
  g_assert_nonnull (strstr (shown, "parking"));
  g_free (call_sim_await_event (sim, "car park"));
}

/* One that is not there: the worker says so and ends, and others are not harmed. */
static void
test_unknown_agent (void)
{
  g_autoptr (Rig) rig = rig_new ("tutor", 2);
  if (rig == NULL)
    return;
  CallSim *sim = rig->sim;
  call_sim_ask_for (sim, "nobody", NULL);
  call_sim_try_start (sim, take (rig->pool));
  g_assert_cmpint (call_sim_await_lost (sim), !=, RP_WORKER_HUNG);

  sim = next_caller (rig);
  call_sim_ask_for (sim, "tutor", NULL);
  call_sim_start (sim, take (rig->pool));
  g_free (call_sim_await_event (sim, "quiz tutor"));
}

/* A function of the page with a result: answered, refused, too late, and over the worker's death.
 */
static void
test_page (void)
{
  g_autofree char *guide = make_agent ();
  g_autoptr (Rig) rig = rig_new (guide, 2);
  if (rig == NULL) {
    remove_agent (guide);
    return;
  }
  CallSim *sim = rig->sim;
  RpWorkerLink *link = take (rig->pool);
  pid_t pid = (pid_t) rp_worker_link_pid (link);
  call_sim_ask_for (sim, "guide", NULL);
  call_sim_start (sim, link);

  call_sim_type (sim, "where am I?");
  g_autofree char *first = await_page_call (sim);
  answer_page (sim, "nobody asked", "\"result\":\"1\"");
  answer_page (sim, first, "\"result\":\"{\\\"city\\\":\\\"Ulm\\\"}\"");
  g_free (call_sim_await_event (sim, "\"status\":\"done\""));
  g_free (call_sim_await_event (sim, "You are in Ulm."));

  call_sim_type (sim, "where am I?");
  g_autofree char *second = await_page_call (sim);
  g_assert_cmpstr (second, !=, first);
  answer_page (sim, second, "\"error\":\"no map\"");
  g_free (call_sim_await_event (sim, "\"status\":\"failed\""));
  g_free (call_sim_await_event (sim, "I cannot tell."));

  call_sim_type (sim, "where am I?");
  g_autofree char *third = await_page_call (sim);
  g_free (call_sim_await_event (sim, "\"status\":\"failed\""));
  g_free (call_sim_await_event (sim, "I cannot tell."));
  answer_page (sim, third, "\"result\":\"{}\"");

  call_sim_type (sim, "where am I?");
  g_autofree char *fourth = await_page_call (sim);
  call_sim_await_checkpoint (sim, fourth);
  kill (pid, SIGKILL);
  g_assert_cmpint (call_sim_await_lost (sim), ==, RP_WORKER_CRASHED);
  call_sim_start (sim, take (rig->pool));
  g_autofree char *again = await_page_call (sim);
  g_assert_cmpstr (again, ==, fourth);
  answer_page (sim, again, "\"result\":\"{\\\"city\\\":\\\"Bonn\\\"}\"");
  g_free (call_sim_await_event (sim, "You are in Bonn."));
  g_clear_pointer (&rig, rig_free);
  remove_agent (guide);
}

/* @other: (nullable) a second agent */
static void
check_refused (const char *agent, const char *other, const char *says)
{
  g_autofree char *out = NULL;
  int status = 0;
  g_autoptr (GError) error = NULL;
  const char *const argv[] = {
      worker_path, "--check", "--agent", agent, other != NULL ? "--agent" : NULL, other, NULL};
  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, &out,
                               &status, &error));
  g_assert_false (g_spawn_check_wait_status (status, &error));
  g_assert_error (error, G_SPAWN_EXIT_ERROR, RP_ZYGOTE_EXIT_CONFIG);
  g_assert_nonnull (strstr (out, says));
}

static void
test_same_name (void)
{
  g_autofree char *one = g_build_filename (agents_dir, "tutor", NULL);
  g_autofree char *two = g_build_filename (agents_dir, "..", "agents", "tutor", NULL);
  check_refused (one, two, "another agent is named \"tutor\"");
}

static void
test_bad_agent (void)
{
  check_refused ("/nonexistent", NULL, "/nonexistent");
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
