#include "runtime.h"

#include "brain-local.h"
#include "engine-setup.h"
#include "event-json.h"
#include "input.h"
#include "keypad.h"
#include "ready-source.h"
#include "sandbox.h"
#include "server-link.h"
#include "speech-out.h"
#include "start.h"
#include "stt-runner.h"
#include "tool-runner.h"
#include "tts-runner.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define MAX_REASON_BYTES 1024
#define SPARING_COMPLEXITY 1
/* Between two LOAD. */
#define LOAD_US G_USEC_PER_SEC

typedef enum {
  PHASE_IDLE,     /* waits for START */
  PHASE_RESUMING, /* waits for RESUME */
  PHASE_RUNNING,
} Phase;

typedef struct {
  RpAssets *assets;
  GMainContext *context;
  GMainLoop *loop;
  RpServerLink *link;
  int exit_code;

  Phase phase;
  RpStart start;
  const RpAgentAssets *own; /* the call's agent, from START on */
  RpEngine *engine;
  GSource *deadline; /* the engine's */
  gboolean is_draining;

  RpInput *input;
  RpVad *vad;
  RpVadGate *gate;
  RpSpeechOut *speech;
  RpSttRunner *stt;
  RpTtsRunner *tts;
  RpTools *tools;
  RpToolRunner *tool_runner;
  RpBrain *brain;

  gint64 counted_to; /* what was transcribed for good up to here has been counted */
  guint64 stt_samples[RP_AUDIO_N_KINDS]; /* and not yet told */

  RpKeypad *keypad;
  GSource *keypad_pause;
  GSource *longest_call;

  gint64 load_us; /* when LOAD was sent last */
  gint64 cpu_us;  /* what had been used then */
} Runtime;

static void
send_event (Runtime *self, const char *json)
{
  rp_server_link_send (self->link, RP_FRAME_EVENT, json, strlen (json));
}

/* Everything that may leave now. */
static void
pump_speech (Runtime *self)
{
  RpAudioOut audio;
  GBytes *opus = NULL;
  while (rp_speech_out_poll (self->speech, &audio, &opus)) {
    guint8 payload[RP_FRAME_AUDIO_OUT_BYTES (RP_FRAME_MAX_OPUS_BYTES)];
    rp_server_link_send (self->link, RP_FRAME_AUDIO_OUT, payload,
                         rp_frame_write_audio_out (payload, &audio));
    g_bytes_unref (opus);
  }
}

/* What the transcriber was given since it was last told. */
static void
send_stt_input (Runtime *self)
{
  g_autoptr (GString) json = g_string_new ("{\"event\":\"stt_input\"");
  for (guint i = 0; i < RP_AUDIO_N_KINDS; i++) {
    g_string_append_printf (json, ",\"%s\":%" G_GUINT64_FORMAT, rp_audio_kind_name (i),
                            self->stt_samples[i] / 16);
    self->stt_samples[i] %= 16;
  }
  g_string_append_c (json, '}');
  send_event (self, json->str);
}

static void
start_stt (Runtime *self, const RpEngineAction *action)
{
  gsize n = 0;
  if (action->final) {
    /* A turn that goes on is transcribed from its start again: each sample counts once. */
    gint64 from = MAX (action->from_samples, self->counted_to);
    self->counted_to = MIN (action->to_samples, rp_input_end (self->input));
    rp_input_count (self->input, from, self->counted_to, self->stt_samples);
  }
  float *pcm = rp_input_copy (self->input, action->from_samples, action->to_samples, &n);
  rp_stt_runner_start (self->stt, action->id, pcm, n, action->final);
}

static void
send_checkpoint (Runtime *self)
{
  g_autoptr (GBytes) checkpoint = rp_engine_checkpoint (self->engine);
  gsize len = 0;
  const void *bytes = g_bytes_get_data (checkpoint, &len);
  rp_server_link_send (self->link, RP_FRAME_CHECKPOINT, bytes, len);
}

static void
send_hangup (Runtime *self, const char *reason)
{
  const char *end = NULL;
  g_utf8_validate_len (reason, MIN (strlen (reason), MAX_REASON_BYTES), &end);
  rp_server_link_send (self->link, RP_FRAME_HANGUP, reason, (gsize) (end - reason));
}

static void
emit (Runtime *self, const RpEngineEmit *what)
{
  g_autofree char *json = rp_event_to_json (what);
  if (json != NULL)
    send_event (self, json);
  if (what->type == RP_EMIT_USER_STOPPED_SPEAKING)
    send_stt_input (self);
}

static void
carry_out (Runtime *self, RpEngineAction *action)
{
  switch (action->type) {
  case RP_ENGINE_STT_START:
    start_stt (self, action);
    break;
  case RP_ENGINE_STT_CANCEL:
    rp_stt_runner_cancel (self->stt, action->id);
    break;
  case RP_ENGINE_LLM_START:
    rp_brain_start (self->brain, action->id, action->messages);
    break;
  case RP_ENGINE_LLM_CANCEL:
    rp_brain_cancel (self->brain, action->id);
    break;
  case RP_ENGINE_SPEAK:
    rp_speech_out_begin (self->speech, action->id, action->held);
    rp_tts_runner_speak (self->tts, action->id, action->text);
    break;
  case RP_ENGINE_RELEASE:
    rp_speech_out_release (self->speech, action->id);
    break;
  case RP_ENGINE_TTS_CANCEL:
    rp_tts_runner_cancel (self->tts, action->from_id, action->id);
    rp_speech_out_cancel (self->speech, action->from_id, action->id);
    break;
  case RP_ENGINE_FLUSH:
    rp_server_link_send_u32 (self->link, RP_FRAME_FLUSH, action->id);
    break;
  case RP_ENGINE_TOOL_CALL:
    rp_tool_runner_call (self->tool_runner, action->call);
    break;
  case RP_ENGINE_EMIT:
    emit (self, &action->emit);
    break;
  case RP_ENGINE_CHECKPOINT:
    send_checkpoint (self);
    break;
  case RP_ENGINE_HANG_UP:
    /* Nothing overtakes what is to be played before it. */
    pump_speech (self);
    send_hangup (self, action->text != NULL ? action->text : "");
    break;
  }
}

static void
drain (Runtime *self)
{
  if (self->is_draining)
    return;
  self->is_draining = TRUE;
  RpEngineAction action;
  while (rp_engine_poll (self->engine, g_get_monotonic_time (), &action)) {
    carry_out (self, &action);
    rp_engine_action_clear (&action);
  }
  pump_speech (self);
  gint64 deadline_us = rp_engine_deadline (self->engine);
  g_source_set_ready_time (self->deadline, deadline_us == G_MAXINT64 ? -1 : deadline_us);
  self->is_draining = FALSE;
}

static void
feed (Runtime *self, const RpEngineEvent *event)
{
  rp_engine_input (self->engine, g_get_monotonic_time (), event);
  drain (self);
}

static gboolean
on_deadline (gpointer data)
{
  drain (data);
  return G_SOURCE_CONTINUE;
}

static void
on_stt_result (guint32 job, const char *text, gpointer user_data)
{
  feed (user_data, &(RpEngineEvent){.type = RP_ENGINE_STT_RESULT, .id = job, .text = text});
}

static void
on_stt_failed (guint32 job, const char *why, gpointer user_data)
{
  feed (user_data, &(RpEngineEvent){.type = RP_ENGINE_STT_FAILED, .id = job, .text = why});
}

static const RpSttRunnerEvents stt_events = {.result = on_stt_result, .failed = on_stt_failed};

static void
on_tts_words (guint32 utterance, const RpEngineWord *words, guint n_words, gpointer user_data)
{
  feed (user_data,
        &(RpEngineEvent){
            .type = RP_ENGINE_TTS_WORDS, .id = utterance, .words = words, .n_words = n_words});
}

static void
on_tts_frame (guint32 utterance, GBytes *opus, gboolean last, gpointer user_data)
{
  Runtime *self = user_data;
  rp_speech_out_push (self->speech, utterance, opus, last);
  pump_speech (self);
}

static void
on_tts_done (guint32 utterance, guint n_frames, gpointer user_data)
{
  Runtime *self = user_data;
  rp_speech_out_finish (self->speech, utterance);
  feed (self, &(RpEngineEvent){.type = RP_ENGINE_TTS_DONE, .id = utterance, .n_frames = n_frames});
}

static void
on_tts_failed (guint32 utterance, const char *why, gpointer user_data)
{
  Runtime *self = user_data;
  rp_speech_out_finish (self->speech, utterance);
  feed (self, &(RpEngineEvent){.type = RP_ENGINE_TTS_FAILED, .id = utterance, .text = why});
}

static const RpTtsRunnerEvents tts_events = {
    .words = on_tts_words,
    .frame = on_tts_frame,
    .done = on_tts_done,
    .failed = on_tts_failed,
};

static void
on_tool_result (const char *call_id, const char *result, gpointer user_data)
{
  feed (user_data,
        &(RpEngineEvent){.type = RP_ENGINE_TOOL_RESULT, .text = call_id, .result = result});
}

static void
on_tool_failed (const char *call_id, const char *why, gpointer user_data)
{
  feed (user_data, &(RpEngineEvent){.type = RP_ENGINE_TOOL_FAILED, .text = call_id, .result = why});
}

static const RpToolRunnerEvents tool_events = {.result = on_tool_result, .failed = on_tool_failed};

static void
on_brain_delta (guint32 generation, const char *text, gpointer user_data)
{
  feed (user_data, &(RpEngineEvent){.type = RP_ENGINE_LLM_DELTA, .id = generation, .text = text});
}

static void
on_brain_tool_call (guint32 generation, const RpToolCall *call, gpointer user_data)
{
  feed (user_data,
        &(RpEngineEvent){.type = RP_ENGINE_LLM_TOOL_CALL, .id = generation, .call = call});
}

static void
on_brain_done (guint32 generation, RpExpect expect, gpointer user_data)
{
  feed (user_data,
        &(RpEngineEvent){.type = RP_ENGINE_LLM_DONE, .id = generation, .expect = expect});
}

static void
on_brain_failed (guint32 generation, const GError *error, gpointer user_data)
{
  feed (user_data,
        &(RpEngineEvent){.type = RP_ENGINE_LLM_FAILED, .id = generation, .text = error->message});
}

static const RpBrainEvents brain_events = {
    .delta = on_brain_delta,
    .tool_call = on_brain_tool_call,
    .done = on_brain_done,
    .failed = on_brain_failed,
};

static void
feed_gate_event (Runtime *self, const RpVadGateEvent *event)
{
  static const RpEngineEventType types[] = {
      [RP_VAD_GATE_STARTED] = RP_ENGINE_SPEECH_STARTED,
      [RP_VAD_GATE_PAUSED] = RP_ENGINE_SPEECH_PAUSED,
      [RP_VAD_GATE_RESUMED] = RP_ENGINE_SPEECH_RESUMED,
      [RP_VAD_GATE_STOPPED] = RP_ENGINE_SPEECH_STOPPED,
  };
  feed (self, &(RpEngineEvent){.type = types[event->type],
                               .pos_samples = event->pos_samples,
                               .at_us = rp_input_arrival_us (self->input, event->pos_samples)});
}

static void
hear (Runtime *self, const RpInputChunk *chunk)
{
  g_autoptr (GError) error = NULL;
  float probability = rp_vad_process (self->vad, chunk->pcm, &error);
  /* A model that failed has no opinion: the same as audio that was not sent. */
  gboolean invented = chunk->invented || probability < 0;
  rp_vad_gate_input (self->gate, chunk->pos_samples, MAX (probability, 0), invented, chunk->pcm);
  RpVadGateEvent event;
  while (rp_vad_gate_poll (self->gate, &event))
    feed_gate_event (self, &event);
}

static void
handle_audio (Runtime *self, const RpFrame *frame)
{
  RpAudioIn audio;
  g_autoptr (GError) error = NULL;
  if (!rp_frame_parse_audio_in (frame, &audio, &error)) {
    rp_server_link_fail (self->link, error->message);
    return;
  }
  if (!rp_input_push (self->input, &audio, frame->time_us)) {
    rp_server_link_fail (self->link, "a gap in the input audio");
    return;
  }
  RpInputChunk chunk;
  while (rp_input_poll (self->input, &chunk))
    hear (self, &chunk);
  rp_input_forget (self->input, rp_engine_needed_from (self->engine));
}

static void
handle_input_state (Runtime *self, const RpFrame *frame)
{
  RpInputState state;
  g_autoptr (GError) error = NULL;
  if (!rp_frame_parse_input (frame, &state, &error)) {
    rp_server_link_fail (self->link, error->message);
    return;
  }
  feed (self,
        &(RpEngineEvent){.type = state.stalled ? RP_ENGINE_INPUT_STALLED : RP_ENGINE_INPUT_RESUMED,
                         .pos_samples = state.pos_samples,
                         .at_us = frame->time_us});
}

static void
handle_playout (Runtime *self, const RpFrame *frame)
{
  static const RpEngineEventType types[] = {
      [RP_PLAYOUT_STARTED] = RP_ENGINE_PLAYOUT_STARTED,
      [RP_PLAYOUT_PROGRESS] = RP_ENGINE_PLAYOUT_PROGRESS,
      [RP_PLAYOUT_ENDED] = RP_ENGINE_PLAYOUT_ENDED,
      [RP_PLAYOUT_FLUSHED] = RP_ENGINE_PLAYOUT_FLUSHED,
  };
  RpPlayout playout;
  g_autoptr (GError) error = NULL;
  if (!rp_frame_parse_playout (frame, &playout, &error)) {
    rp_server_link_fail (self->link, error->message);
    return;
  }
  gboolean ended = playout.reason == RP_PLAYOUT_ENDED || playout.reason == RP_PLAYOUT_FLUSHED;
  rp_speech_out_played (self->speech, playout.utterance, playout.frames_played, ended);
  if (playout.reason == RP_PLAYOUT_FLUSHED)
    rp_speech_out_flushed (self->speech);
  feed (self, &(RpEngineEvent){.type = types[playout.reason],
                               .id = playout.utterance,
                               .n_frames = playout.frames_played,
                               .at_us = playout.wire_us});
}

/* What was typed is said by the user. */
static void
hear_keypad (Runtime *self)
{
  char *entry;
  while ((entry = rp_keypad_poll (self->keypad, g_get_monotonic_time ())) != NULL) {
    feed (self, &(RpEngineEvent){
                    .type = RP_ENGINE_CLIENT_TEXT, .text = entry, .flag = TRUE, .flag2 = TRUE});
    g_free (entry);
  }
  gint64 due_us = rp_keypad_deadline (self->keypad);
  g_source_set_ready_time (self->keypad_pause, due_us == G_MAXINT64 ? -1 : due_us);
}

static gboolean
on_keypad_pause (gpointer data)
{
  hear_keypad (data);
  return G_SOURCE_CONTINUE;
}

static void
handle_dtmf (Runtime *self, const char *buttons)
{
  for (const char *p = buttons; *p != '\0'; p++) {
    if (rp_keypad_press (self->keypad, g_get_monotonic_time (), *p,
                         rp_engine_expect (self->engine)))
      feed (self, &(RpEngineEvent){.type = RP_ENGINE_CLIENT_INTERRUPT});
    hear_keypad (self);
  }
}

static void
answer_message (Runtime *self, const RpClientMessage *message)
{
  gboolean known = g_str_equal (message->name, "conversation");
  g_autofree char *data = known ? rp_event_conversation (rp_engine_messages (self->engine)) : NULL;
  g_autofree char *json = rp_event_response (message->id, message->name, data,
                                             known ? NULL : "this agent takes no such message");
  send_event (self, json);
}

static void
handle_client (Runtime *self, const RpFrame *frame)
{
  RpClientMessage message;
  g_autoptr (GError) error = NULL;
  if (!rp_client_parse ((const char *) frame->payload, frame->len, &message, &error)) {
    rp_server_link_fail (self->link, error->message);
    return;
  }
  switch (message.type) {
  case RP_CLIENT_CONNECTED:
    feed (self, &(RpEngineEvent){.type = RP_ENGINE_CONNECTED});
    break;
  case RP_CLIENT_TEXT:
    feed (self, &(RpEngineEvent){.type = RP_ENGINE_CLIENT_TEXT,
                                 .text = message.text,
                                 .flag = message.run_immediately,
                                 .flag2 = message.audio_response});
    break;
  case RP_CLIENT_INTERRUPT:
    feed (self, &(RpEngineEvent){.type = RP_ENGINE_CLIENT_INTERRUPT});
    break;
  case RP_CLIENT_MESSAGE:
    answer_message (self, &message);
    break;
  case RP_CLIENT_DTMF:
    handle_dtmf (self, message.text);
    break;
  case RP_CLIENT_DRAIN:
    feed (self, &(RpEngineEvent){.type = RP_ENGINE_DRAIN});
    break;
  case RP_CLIENT_TOOL_RESULT:
    feed (self, &(RpEngineEvent){.type = message.failed ? RP_ENGINE_CLIENT_FAILED
                                                        : RP_ENGINE_CLIENT_RESULT,
                                 .text = message.id,
                                 .result = message.text});
    break;
  }
  rp_client_message_clear (&message);
}

/* Where so little is left for the encoder, there is nothing for what only the page shows. */
static void
set_encoder (Runtime *self, const RpEncoderSettings *settings)
{
  rp_voice_set_encoder (self->own->voice, settings);
  rp_stt_runner_spare (self->stt, settings->complexity <= SPARING_COMPLEXITY);
}

static void
handle_encoder (Runtime *self, const RpFrame *frame)
{
  RpEncoderSettings settings;
  g_autoptr (GError) error = NULL;
  if (!rp_frame_parse_encoder (frame, &settings, &error))
    rp_server_link_fail (self->link, error->message);
  else
    set_encoder (self, &settings);
}

static gboolean
on_longest_call (gpointer data)
{
  Runtime *self = data;
  g_source_set_ready_time (self->longest_call, -1);
  feed (self, &(RpEngineEvent){.type = RP_ENGINE_DRAIN});
  return G_SOURCE_CONTINUE;
}

static RpBrain *
make_brain (Runtime *self)
{
  const RpAgent *agent = self->own->agent;
  if (g_strcmp0 (agent->brain.provider, "scripted") == 0)
    return rp_brain_scripted_new (agent->brain.model, &brain_events, self);
  g_autoptr (GTimeZone) timezone = rp_agent_timezone (agent);
  return rp_brain_builtin_new (agent->dialogue, timezone, self->start.call, self->start.data,
                               &brain_events, self);
}

/* START (and RESUME) are here: the worker is this call's from now on. */
static void
begin (Runtime *self, GBytes *checkpoint)
{
  const RpAgent *agent = self->own->agent;
  self->phase = PHASE_RUNNING;
  gint64 now_us = g_get_monotonic_time ();
  self->engine = rp_engine_setup (agent, self->start.data, g_get_real_time () - now_us, now_us);
  self->deadline = rp_ready_source_new (self->context, on_deadline, self);
  self->input = rp_input_new (self->start.input_pos_samples);
  self->vad = rp_vad_new (self->assets->vad);
  self->gate = rp_vad_gate_setup (&agent->turn);
  self->speech = rp_speech_out_new ();
  self->stt = rp_stt_runner_new (self->own->stt, self->context, &stt_events, self);
  self->tts = rp_tts_runner_new (self->own->voice, self->context, &tts_events, self);
  set_encoder (self, &self->start.encoder);
  g_autofree char *database = rp_tools_database_path (agent->name);
  self->tools = rp_tools_new (&agent->bookings, database);
  self->tool_runner =
      rp_tool_runner_new (self->tools, agent->tools, self->start.call,
                          rp_engine_tool_patience_us (), self->context, &tool_events, self);
  self->brain = make_brain (self);
  self->keypad = rp_keypad_new ();
  self->keypad_pause = rp_ready_source_new (self->context, on_keypad_pause, self);
  self->longest_call = rp_ready_source_new (self->context, on_longest_call, self);
  g_source_set_ready_time (self->longest_call, now_us + agent->turn.max_call_us);

  rp_sandbox_seal ();

  rp_server_link_send (self->link, RP_FRAME_STARTED, NULL, 0);
  g_autoptr (GError) error = NULL;
  gboolean resumed =
      checkpoint != NULL &&
      rp_engine_resume (self->engine, g_get_monotonic_time (), checkpoint, self->start.played,
                        self->start.n_played, self->start.connected, &error);
  if (error != NULL)
    g_printerr ("repartee-worker[%d]: starting afresh: %s\n", (int) getpid (), error->message);
  if (!resumed && self->start.connected)
    feed (self, &(RpEngineEvent){.type = RP_ENGINE_CONNECTED});
  drain (self);
}

static void
handle_start (Runtime *self, const RpFrame *frame)
{
  g_autoptr (GError) error = NULL;
  if (!rp_start_parse ((const char *) frame->payload, frame->len, &self->start, &error)) {
    rp_server_link_fail (self->link, error->message);
    return;
  }
  self->own = rp_assets_find (self->assets, self->start.agent);
  if (self->own == NULL) {
    rp_server_link_fail (self->link, "START for an agent that is not loaded");
    return;
  }
  self->phase = PHASE_RESUMING;
  if (!self->start.resume)
    begin (self, NULL);
}

static void
handle_running (Runtime *self, const RpFrame *frame)
{
  switch (frame->type) {
  case RP_FRAME_AUDIO_IN:
    handle_audio (self, frame);
    break;
  case RP_FRAME_INPUT:
    handle_input_state (self, frame);
    break;
  case RP_FRAME_PLAYOUT:
    handle_playout (self, frame);
    break;
  case RP_FRAME_CLIENT:
    handle_client (self, frame);
    break;
  case RP_FRAME_ENCODER:
    handle_encoder (self, frame);
    break;
  default:
    rp_server_link_fail (self->link, "a frame out of turn");
    break;
  }
}

static void
on_frame (const RpFrame *frame, gpointer user_data)
{
  Runtime *self = user_data;
  if (frame->type == RP_FRAME_END) {
    g_main_loop_quit (self->loop);
  } else if (self->phase == PHASE_IDLE && frame->type == RP_FRAME_START) {
    handle_start (self, frame);
  } else if (self->phase == PHASE_RESUMING && frame->type == RP_FRAME_RESUME) {
    g_autoptr (GBytes) checkpoint = g_bytes_new (frame->payload, frame->len);
    begin (self, checkpoint);
  } else if (self->phase == PHASE_RUNNING) {
    handle_running (self, frame);
  } else {
    rp_server_link_fail (self->link, "a frame out of turn");
  }
}

static void
on_closed (const char *why, gpointer user_data)
{
  Runtime *self = user_data;
  if (why != NULL) {
    g_printerr ("repartee-worker[%d]: cannot go on: %s\n", (int) getpid (), why);
    self->exit_code = 1;
  }
  g_main_loop_quit (self->loop);
}

static gint64
used_cpu_us (void)
{
  struct rusage usage;
  getrusage (RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC + usage.ru_utime.tv_usec +
         usage.ru_stime.tv_usec;
}

/* The server asks for a sign of life anyway: no wake-up is made for this. */
static void
on_pinged (gpointer user_data)
{
  Runtime *self = user_data;
  gint64 now_us = g_get_monotonic_time ();
  if (self->phase != PHASE_RUNNING || now_us - self->load_us < LOAD_US)
    return;
  gint64 cpu_us = used_cpu_us ();
  const RpLoad load = {
      .cpu_us = (guint32) MIN (cpu_us - self->cpu_us, G_MAXUINT32),
      .stt_us = (guint32) MIN (rp_stt_runner_take_wait_us (self->stt), G_MAXUINT32),
  };
  guint8 payload[RP_FRAME_PAIR_BYTES];
  rp_server_link_send (self->link, RP_FRAME_LOAD, payload, rp_frame_write_load (payload, &load));
  self->load_us = now_us;
  self->cpu_us = cpu_us;
}

static const RpServerLinkEvents link_events = {
    .frame = on_frame, .pinged = on_pinged, .closed = on_closed};

int
rp_runtime_run (RpAssets *assets, int fd)
{
  Runtime self = {.assets = assets};
  /* A context of its own: the default one may have been used, and shared, before the fork. */
  self.context = g_main_context_new ();
  g_main_context_push_thread_default (self.context);
  self.loop = g_main_loop_new (self.context, FALSE);
  self.link = rp_server_link_new (fd, self.context, &link_events, &self);
  rp_server_link_send_u32 (self.link, RP_FRAME_HELLO, (guint32) getpid ());
  g_main_loop_run (self.loop);
  return self.exit_code;
}
