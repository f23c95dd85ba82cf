#include "world.h"

#include <string.h>

/* What is on the wire is known a little later, and never at the end of a word. */
#define PROGRESS_FRAMES 4

const RpEngineClientTool world_client_tools[2] = {
    {"show_map", WORLD_PAGE_TIMEOUT_MS, FALSE},
    {"tell_page", WORLD_PAGE_TIMEOUT_MS, TRUE},
};

typedef struct {
  gint64 at_us;
  RpEngineEvent event;
  char *text;
  RpToolCall *call;
  gboolean cancelled;
  enum { DUE_EVENT, DUE_VOICE } kind;
} Due;

typedef struct {
  guint32 id;
  guint n_frames;
  guint played;
  gboolean held;
  gboolean is_cut; /* its worker died before it had given all of it */
  char *text;
} Queued;

typedef struct {
  guint32 id;
  gboolean held;
  char *text;
} Job;

static void
due_free (gpointer data)
{
  Due *due = data;
  g_free (due->text);
  rp_tool_call_free (due->call);
  g_free (due);
}

static void
job_free (gpointer data)
{
  Job *job = data;
  g_free (job->text);
  g_free (job);
}

static void
queued_free (gpointer data)
{
  Queued *queued = data;
  g_free (queued->text);
  g_free (queued);
}

static gint
compare_due (gconstpointer a, gconstpointer b, gpointer data)
{
  const Due *x = a, *y = b;
  /* Equal times keep their order: insert_sorted puts the new one behind. */
  return x->at_us <= y->at_us ? -1 : 1;
}

static Due *
schedule (World *world, gint64 after_us, RpEngineEventType type, guint32 id, const char *text)
{
  Due *due = g_new0 (Due, 1);
  due->at_us = world->now_us + after_us;
  due->event.type = type;
  due->event.id = id;
  due->text = g_strdup (text);
  g_queue_insert_sorted (&world->due, due, compare_due, NULL);
  return due;
}

static char *
echo_brain (World *world, const GPtrArray *messages, char **out_tool, char **out_arguments)
{
  const RpMessage *user = rp_messages_last (messages, RP_ROLE_USER);
  return g_strdup_printf ("You said %s today.", user != NULL ? user->content : "nothing");
}

World *
world_new (const RpEngineConfig *config)
{
  World *world = g_new0 (World, 1);
  if (config != NULL)
    world->config = *config;
  else
    rp_engine_config_init (&world->config);
  world->config.client_tools = world_client_tools;
  world->config.n_client_tools = G_N_ELEMENTS (world_client_tools);
  world->page = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  world->now_us = MS (1000);
  world->engine = rp_engine_new (&world->config, 0, world->now_us);
  g_queue_init (&world->due);
  g_queue_init (&world->server);
  g_queue_init (&world->voice);
  world->ended = g_array_new (FALSE, TRUE, sizeof (RpEnginePlayed));
  world->held = g_ptr_array_new_with_free_func (queued_free);
  world->log = g_string_new (NULL);
  world->played = g_string_new (NULL);
  world->brain = echo_brain;
  world->stt_text = "";
  world->stt_us = MS (40);
  world->brain_us = MS (2);
  world->delta_us = 1;
  world->tts_us = MS (10);
  world->tool_us = MS (20);
  world->page_us = MS (30);
  world->flush_us = MS (2);
  world->audit = audit_new (world->config.interruptible);
  world->tool_result = "{\"ok\":true}";
  return world;
}

World *
world_connected (const char *greeting)
{
  RpEngineConfig config;
  rp_engine_config_init (&config);
  config.greeting = greeting;
  World *world = world_new (&config);
  world_event (world, RP_ENGINE_CONNECTED);
  return world;
}

void
world_free (World *world)
{
  rp_engine_free (world->engine);
  g_queue_clear_full (&world->due, due_free);
  g_queue_clear_full (&world->server, queued_free);
  g_queue_clear_full (&world->voice, job_free);
  audit_free (world->audit);
  g_hash_table_unref (world->page);
  g_ptr_array_unref (world->held);
  g_array_unref (world->ended);
  g_string_free (world->log, TRUE);
  g_string_free (world->played, TRUE);
  g_clear_pointer (&world->checkpoint, g_bytes_unref);
  g_free (world);
}

static guint
count_words (const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  return g_strv_length (words);
}

static void
cancel_due (World *world, RpEngineEventType first, RpEngineEventType last, guint32 from_id,
            guint32 to_id)
{
  if (world->late_results)
    return;
  for (GList *l = world->due.head; l != NULL; l = l->next) {
    Due *due = l->data;
    if (due->event.type >= first && due->event.type <= last && due->event.id >= from_id &&
        due->event.id <= to_id)
      due->cancelled = TRUE;
  }
}

static void
to_server (World *world, Queued *queued)
{
  if (queued->id <= world->last_flushed) {
    queued_free (queued);
    return;
  }
  if (world->server.length == 0)
    world->next_frame_us = MAX (world->next_frame_us, world->now_us + MS (10));
  g_queue_push_tail (&world->server, queued);
}

static void
release (World *world, guint32 id)
{
  guint i = 0;
  while (i < world->held->len) {
    Queued *queued = world->held->pdata[i];
    if (queued->id <= id)
      to_server (world, g_ptr_array_steal_index (world->held, i));
    else
      i++;
  }
}

/* The voice says one utterance after another. */
static void
begin_voice (World *world)
{
  const Job *job = g_queue_peek_head (&world->voice);
  if (job != NULL && world->tts_us >= 0)
    schedule (world, world->tts_us, RP_ENGINE_TTS_WORDS, job->id, NULL)->kind = DUE_VOICE;
}

static void
cancel_voice (World *world, guint32 first, guint32 last)
{
  for (guint i = world->held->len; i > 0; i--) {
    guint32 id = ((Queued *) world->held->pdata[i - 1])->id;
    if (id >= first && id <= last)
      g_ptr_array_remove_index (world->held, i - 1);
  }
  cancel_due (world, RP_ENGINE_TTS_WORDS, RP_ENGINE_TTS_FAILED, first, last);
  const Job *head = g_queue_peek_head (&world->voice);
  guint32 running = head != NULL ? head->id : 0;
  GList *l = world->voice.head;
  while (l != NULL) {
    GList *next = l->next;
    Job *job = l->data;
    if (job->id >= first && job->id <= last) {
      g_queue_delete_link (&world->voice, l);
      job_free (job);
    }
    l = next;
  }
  head = g_queue_peek_head (&world->voice);
  if (head != NULL && head->id != running)
    begin_voice (world);
}

static void
flush (World *world, guint32 id)
{
  world->last_flushed = MAX (world->last_flushed, id);
  GList *l = world->server.head;
  while (l != NULL) {
    GList *next = l->next;
    Queued *queued = l->data;
    if (queued->id <= id) {
      audit_played (world->audit, queued->id, queued->played);
      RpEnginePlayed cut = {queued->id, queued->played, queued->played, TRUE};
      g_array_append_val (world->ended, cut);
      g_queue_delete_link (&world->server, l);
      queued_free (queued);
    }
    l = next;
  }
  /* The server tells of what was last on the wire, whether it was flushed or not. */
  if (world->flush_us < 0)
    return;
  Due *due =
      schedule (world, world->flush_us, RP_ENGINE_PLAYOUT_FLUSHED, world->played_utterance, NULL);
  due->event.at_us = world->now_us;
  due->event.n_frames = world->played_frames;
}

static void
start_brain (World *world, guint32 generation, const GPtrArray *messages)
{
  world->n_llm_starts++;
  if (world->brain_us < 0)
    return;
  if (world->brain_fails) {
    schedule (world, world->brain_us, RP_ENGINE_LLM_FAILED, generation, "out of order");
    return;
  }
  g_autofree char *tool = NULL, *arguments = NULL;
  g_autofree char *text = world->brain (world, messages, &tool, &arguments);
  gint64 at_us = world->brain_us;
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  for (guint i = 0; words[i] != NULL; i++) {
    g_autofree char *piece = g_strconcat (i > 0 ? " " : "", words[i], NULL);
    if (*piece != '\0')
      schedule (world, at_us, RP_ENGINE_LLM_DELTA, generation, piece);
    at_us += world->delta_us;
  }
  if (tool != NULL) {
    g_autofree char *id = g_strdup_printf ("call_%u", generation);
    schedule (world, at_us++, RP_ENGINE_LLM_TOOL_CALL, generation, NULL)->call =
        rp_tool_call_new (id, tool, arguments);
  }
  schedule (world, at_us, RP_ENGINE_LLM_DONE, generation, NULL)->event.expect = world->expect;
}

/* As the server does: the page is asked once, and a new worker is told what the page has said. */
static void
ask_page (World *world, const char *id)
{
  gpointer answered = NULL;
  if (!g_hash_table_lookup_extended (world->page, id, NULL, &answered)) {
    g_hash_table_insert (world->page, g_strdup (id), GINT_TO_POINTER (FALSE));
    world->n_page_calls++;
    if (world->page_us >= 0)
      schedule (world, world->page_us, RP_ENGINE_CLIENT_RESULT, 0, id);
  } else if (GPOINTER_TO_INT (answered)) {
    schedule (world, 1, RP_ENGINE_CLIENT_RESULT, 0, id);
  }
}

static void
emit (World *world, const RpEngineEmit *e)
{
  if (e->type == RP_EMIT_TOOL_CALL && e->client && strcmp (e->status, "started") == 0)
    ask_page (world, e->call->id);
  static const char *const names[] = {"user_started", "user_stopped", "transcript",  "user_turn",
                                      "thinking",     "text",         "thought",     "speaking",
                                      "not_speaking", "output",       "interrupted", "tool",
                                      "metrics",      "silent",       "error"};
  if (e->type == RP_EMIT_METRICS) {
    if (e->metrics.barge_in_stop >= 0)
      world->metrics.barge_in_stop = e->metrics.barge_in_stop;
    else
      world->metrics = e->metrics;
  }
  gsize start = world->log->len;
  g_string_append_printf (world->log, "%s", names[e->type]);
  if (e->status != NULL)
    g_string_append_printf (world->log, " %s", e->status);
  if (e->text != NULL)
    g_string_append_printf (world->log, ": %s", e->text);
  if (e->type == RP_EMIT_OUTPUT && strcmp (e->status, "new") != 0)
    g_string_append_printf (world->log, " [%s|%s]", e->heard != NULL ? e->heard : "",
                            e->remaining != NULL ? e->remaining : "");
  if (g_test_verbose ())
    g_test_message ("%8.3f       %s", (double) world->now_us / 1e6, world->log->str + start);
  g_string_append_c (world->log, '\n');
}

static void
carry_out (World *world, RpEngineAction *action)
{
  audit_action (world->audit, action);
  switch (action->type) {
  case RP_ENGINE_STT_START:
    if (world->stt_us >= 0)
      schedule (world, world->stt_us, RP_ENGINE_STT_RESULT, action->id, world->stt_text);
    break;
  case RP_ENGINE_STT_CANCEL:
    cancel_due (world, RP_ENGINE_STT_RESULT, RP_ENGINE_STT_FAILED, action->id, action->id);
    break;
  case RP_ENGINE_LLM_START:
    start_brain (world, action->id, action->messages);
    break;
  case RP_ENGINE_LLM_CANCEL:
    cancel_due (world, RP_ENGINE_LLM_DELTA, RP_ENGINE_LLM_FAILED, action->id, action->id);
    break;
  case RP_ENGINE_SPEAK: {
    Job *job = g_new0 (Job, 1);
    *job = (Job){action->id, action->held, g_strdup (action->text)};
    g_queue_push_tail (&world->voice, job);
    if (world->voice.length == 1)
      begin_voice (world);
    break;
  }
  case RP_ENGINE_RELEASE:
    for (GList *l = world->voice.head; l != NULL; l = l->next) {
      Job *job = l->data;
      job->held = job->held && job->id > action->id;
    }
    release (world, action->id);
    break;
  case RP_ENGINE_TTS_CANCEL:
    cancel_voice (world, action->from_id, action->id);
    break;
  case RP_ENGINE_FLUSH:
    flush (world, action->id);
    break;
  case RP_ENGINE_TOOL_CALL:
    world->n_tool_calls++;
    if (world->tool_us >= 0)
      schedule (world, world->tool_us, RP_ENGINE_TOOL_RESULT, 0, action->call->id);
    break;
  case RP_ENGINE_EMIT:
    emit (world, &action->emit);
    break;
  case RP_ENGINE_CHECKPOINT:
    world->n_checkpoints++;
    g_clear_pointer (&world->checkpoint, g_bytes_unref);
    world->checkpoint = rp_engine_checkpoint (world->engine);
    break;
  case RP_ENGINE_HANG_UP:
    world->hung_up = TRUE;
    break;
  }
}

static void
trace_event (const World *world, const RpEngineEvent *event)
{
  if (!g_test_verbose ())
    return;
  static const char *const names[] = {
      "connected",       "speech started",   "speech paused", "speech resumed",
      "speech stopped",  "input stalled",    "input resumed", "stt result",
      "stt failed",      "llm delta",        "llm tool call", "llm done",
      "llm failed",      "tts words",        "tts done",      "tts failed",
      "playout started", "playout progress", "playout ended", "playout flushed",
      "tool result",     "tool failed",      "client result", "client failed",
      "client text",     "client interrupt", "drain"};
  g_test_message ("%8.3f %s %u %u %s", (double) world->now_us / 1e6, names[event->type], event->id,
                  event->n_frames, event->text != NULL ? event->text : "");
}

static void
trace_action (const World *world, const RpEngineAction *action)
{
  static const char *const names[] = {"STT_START", "STT_CANCEL", "LLM_START",  "LLM_CANCEL",
                                      "SPEAK",     "RELEASE",    "TTS_CANCEL", "FLUSH",
                                      "TOOL_CALL", "EMIT",       "CHECKPOINT", "HANG_UP"};
  if (g_test_verbose () && action->type != RP_ENGINE_EMIT)
    g_test_message ("%8.3f     %s %u %s%s", (double) world->now_us / 1e6, names[action->type],
                    action->id, action->held ? "held " : "",
                    action->text != NULL ? action->text : "");
}

static void
drain_actions (World *world)
{
  RpEngineAction action = {0};
  while (rp_engine_poll (world->engine, world->now_us, &action)) {
    trace_action (world, &action);
    carry_out (world, &action);
    rp_engine_action_clear (&action);
  }
  g_assert_cmpint (rp_engine_deadline (world->engine), >, world->now_us);
}

void
world_input (World *world, const RpEngineEvent *event)
{
  trace_event (world, event);
  rp_engine_input (world->engine, world->now_us, event);
  drain_actions (world);
}

void
world_event (World *world, RpEngineEventType type)
{
  RpEngineEvent event = {
      .type = type, .at_us = world->now_us, .pos_samples = world->now_us * 16 / 1000};
  world_input (world, &event);
}

/* Words of equal length, all known before the audio. */
static void
tell_words (World *world, const Job *job)
{
  guint n = count_words (job->text);
  g_autofree RpEngineWord *words = g_new0 (RpEngineWord, n);
  const char *p = job->text;
  for (guint i = 0; i < n; i++) {
    const char *end = strchr (p, ' ');
    end = end != NULL ? end : p + strlen (p);
    words[i] =
        (RpEngineWord){(guint) (end - job->text), (i + 1) * WORD_FRAMES * RP_ENGINE_FRAME_SAMPLES};
    p = *end != '\0' ? end + 1 : end;
  }
  RpEngineEvent event = {.type = RP_ENGINE_TTS_WORDS, .id = job->id, .words = words, .n_words = n};
  world_input (world, &event);
}

static void
voice (World *world, const Due *due)
{
  const Job *first = g_queue_peek_head (&world->voice);
  if (first == NULL || first->id != due->event.id)
    return;
  if (world->voice_fails) {
    job_free (g_queue_pop_head (&world->voice));
    begin_voice (world);
    RpEngineEvent event = {.type = RP_ENGINE_TTS_FAILED, .id = due->event.id, .text = "hoarse"};
    world_input (world, &event);
    return;
  }
  tell_words (world, first);
  /* The engine may have cancelled it meanwhile. */
  if (g_queue_peek_head (&world->voice) != first)
    return;
  g_autofree Job *job = g_queue_pop_head (&world->voice);
  guint n_frames = count_words (job->text) * WORD_FRAMES;
  Queued *queued = g_new0 (Queued, 1);
  *queued = (Queued){.id = job->id, .n_frames = n_frames, .text = g_steal_pointer (&job->text)};
  if (job->held)
    g_ptr_array_add (world->held, queued);
  else
    to_server (world, queued);
  begin_voice (world);
  RpEngineEvent event = {.type = RP_ENGINE_TTS_DONE, .id = due->event.id, .n_frames = n_frames};
  world_input (world, &event);
}

static void
play_frame (World *world)
{
  world->next_frame_us += MS (20);
  Queued *queued = g_queue_peek_head (&world->server);
  queued->played++;
  world->played_utterance = queued->id;
  world->played_frames = queued->played;
  RpEngineEvent event = {.id = queued->id, .n_frames = queued->played, .at_us = world->now_us};
  gboolean report = queued->played % PROGRESS_FRAMES == 0;
  event.type = RP_ENGINE_PLAYOUT_PROGRESS;
  if (queued->played == queued->n_frames) {
    if (!queued->is_cut) {
      event.type = RP_ENGINE_PLAYOUT_ENDED;
      g_string_append_printf (world->played, "%s\n", queued->text);
    }
    RpEnginePlayed ended = {queued->id, queued->n_frames, queued->n_frames, !queued->is_cut};
    g_array_append_val (world->ended, ended);
    audit_played (world->audit, queued->id, queued->played);
    /* Of what is cut the server knows no end. */
    report = report || !queued->is_cut || g_queue_get_length (&world->server) == 1;
    queued_free (g_queue_pop_head (&world->server));
  } else if (queued->played == 1) {
    event.type = RP_ENGINE_PLAYOUT_STARTED;
    report = TRUE;
  }
  if (report)
    world_input (world, &event);
}

static gint64
next_time (const World *world)
{
  gint64 at_us = rp_engine_deadline (world->engine);
  if (world->due.length > 0)
    at_us = MIN (at_us, ((Due *) world->due.head->data)->at_us);
  if (world->server.length > 0)
    at_us = MIN (at_us, world->next_frame_us);
  return at_us;
}

static void
step (World *world)
{
  if (world->due.length > 0 && ((Due *) world->due.head->data)->at_us <= world->now_us) {
    Due *due = g_queue_pop_head (&world->due);
    if (due->cancelled) {
      /* dead on arrival */
    } else if (due->kind == DUE_VOICE) {
      voice (world, due);
    } else {
      due->event.text = due->text;
      due->event.result = world->tool_result;
      due->event.call = due->call;
      if (due->event.type == RP_ENGINE_CLIENT_RESULT)
        g_hash_table_replace (world->page, g_strdup (due->text), GINT_TO_POINTER (TRUE));
      if (due->event.type != RP_ENGINE_PLAYOUT_FLUSHED && due->event.at_us == 0)
        due->event.at_us = world->now_us;
      world_input (world, &due->event);
    }
    due_free (due);
  } else if (world->server.length > 0 && world->next_frame_us <= world->now_us) {
    play_frame (world);
  } else {
    drain_actions (world);
  }
}

void
world_run (World *world, gint64 us)
{
  gint64 until = world->now_us + us;
  gint64 at_us;
  while ((at_us = next_time (world)) <= until) {
    world->now_us = MAX (world->now_us, at_us);
    step (world);
  }
  world->now_us = until;
}

void
world_run_until_quiet (World *world, gint64 limit_us)
{
  gint64 until = world->now_us + limit_us;
  do
    world_run (world, MS (20));
  while ((world->server.length > 0 || world->due.length > 0) && world->now_us < until);
}

void
world_speech_start (World *world)
{
  RpEngineEvent event = {.type = RP_ENGINE_SPEECH_STARTED,
                         .at_us = world->now_us - MS (200),
                         .pos_samples = (world->now_us - MS (200)) * 16 / 1000};
  world_input (world, &event);
}

void
world_speech_pause (World *world)
{
  RpEngineEvent event = {.type = RP_ENGINE_SPEECH_PAUSED,
                         .at_us = world->now_us - MS (64),
                         .pos_samples = (world->now_us - MS (64)) * 16 / 1000};
  world_input (world, &event);
}

void
world_speech_stop (World *world)
{
  RpEngineEvent event = {.type = RP_ENGINE_SPEECH_STOPPED,
                         .at_us = world->now_us - MS (200),
                         .pos_samples = (world->now_us - MS (200)) * 16 / 1000};
  world_input (world, &event);
}

void
world_type (World *world, const char *text, gboolean run, gboolean aloud)
{
  RpEngineEvent event = {.type = RP_ENGINE_CLIENT_TEXT, .text = text, .flag = run, .flag2 = aloud};
  world_input (world, &event);
}

char *
world_one_line (World *world, const GPtrArray *messages, char **out_tool, char **out_arguments)
{
  return g_strdup (world->brain_data);
}

void
world_say_on (World *world, const char *text, guint ms)
{
  world->stt_text = text;
  world_run (world, MS (200));
  world_speech_start (world);
  world_run (world, MS (ms));
}

void
world_fall_silent (World *world)
{
  world_speech_pause (world);
  world_run (world, MS (136));
  world_speech_stop (world);
}

void
world_say (World *world, const char *text, guint ms, guint silence_ms)
{
  world_say_on (world, text, ms - 200 + 64);
  world_fall_silent (world);
  if (silence_ms > 200)
    world_run (world, MS (silence_ms - 200));
}

/* All that a worker had under way; the page goes on. */
static void
forget_due (World *world)
{
  GList *l = world->due.head;
  while (l != NULL) {
    GList *next = l->next;
    const Due *due = l->data;
    if (due->event.type != RP_ENGINE_CLIENT_RESULT) {
      due_free (l->data);
      g_queue_delete_link (&world->due, l);
    }
    l = next;
  }
}

void
world_replace_worker (World *world)
{
  if (g_test_verbose ())
    g_test_message ("%8.3f the worker dies", (double) world->now_us / 1e6);
  g_assert_nonnull (world->checkpoint);
  audit_replaced (world->audit);
  g_autoptr (GArray) played = g_array_copy (world->ended);
  for (GList *l = world->server.head; l != NULL; l = l->next) {
    const Queued *queued = l->data;
    RpEnginePlayed p = {queued->id, queued->n_frames, queued->played, !queued->is_cut};
    g_array_append_val (played, p);
  }
  forget_due (world);
  g_queue_clear_full (&world->voice, job_free);
  g_ptr_array_set_size (world->held, 0);
  rp_engine_free (world->engine);
  world->engine = rp_engine_new (&world->config, 0, world->now_us);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) checkpoint = g_bytes_ref (world->checkpoint);
  rp_engine_resume (world->engine, world->now_us, checkpoint,
                    (RpEnginePlayed *) (void *) played->data, played->len, TRUE, &error);
  g_assert_no_error (error);
  drain_actions (world);
}

void
world_cut_worker (World *world, guint n_frames)
{
  Queued *queued = g_queue_peek_tail (&world->server);
  g_assert_nonnull (queued);
  g_assert_cmpuint (queued->played, <, n_frames);
  g_assert_cmpuint (n_frames, <, queued->n_frames);
  queued->n_frames = n_frames;
  queued->is_cut = TRUE;
  world_replace_worker (world);
}

void
world_audit (World *world)
{
  audit_finish (world->audit, rp_engine_messages (world->engine), WORD_FRAMES);
}

gboolean
world_logged (const World *world, const char *line)
{
  g_auto (GStrv) lines = g_strsplit (world->log->str, "\n", -1);
  return g_strv_contains ((const char *const *) lines, line);
}

guint
world_count (const World *world, const char *line)
{
  guint n = 0;
  g_auto (GStrv) lines = g_strsplit (world->log->str, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    n += strcmp (lines[i], line) == 0;
  return n;
}

const char *
world_last (const World *world, RpRole role)
{
  const RpMessage *message = rp_messages_last (rp_engine_messages (world->engine), role);
  return message != NULL ? message->content : "";
}

char *
world_context (const World *world)
{
  GString *text = g_string_new (NULL);
  const GPtrArray *messages = rp_engine_messages (world->engine);
  for (guint i = 0; i < messages->len; i++) {
    const RpMessage *message = messages->pdata[i];
    g_string_append_printf (text, "%s%s: %s\n", rp_role_name (message->role),
                            message->interrupted ? "!" : "", message->content);
  }
  return g_string_free (text, FALSE);
}

void
world_assert_context (const World *world, const char *expected)
{
  g_autofree char *context = world_context (world);
  g_assert_cmpstr (context, ==, expected);
}
