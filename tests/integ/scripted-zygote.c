/* A zygote without models whose workers do what the client tells them in text messages, for tests
 * of the whole server:
 *
 *   say N       speak N frames of 20 ms as the next utterance; "talk N" leaves its end open
 *   flush       drop what is queued
 *   report      an event user_transcript whose text is JSON: what the worker saw
 *   events      one event of every kind
 *   checkpoint TEXT
 *   hangup, crash, hang, garbage, bad-event, bad-audio
 *   bad-event WORDS, bad-name WORDS   the same with words in it
 *   hear A B    a transcript, a turn and an answer with the word AB in them, which nobody has sent
 *   keep A B    a checkpoint of it
 *   attack WORDS    hostile.h, from inside the sandbox that all of them are in
 *
 * An agent of the name "bad-config" is refused, one of the name "costly" says that its transcripts
 * take 10 s. When media flows it speaks 5 frames. A client's
 * message is answered with its own data; "drain" makes it hang up. One of the name "witness"
 * tells the statistics: a user_turn of every 25 frames of audio that came, and turn_metrics of
 * every utterance that was played to its end. */
#include "fake-zygote.h"
#include "hostile.h"
#include "json.h"
#include "sandbox.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

typedef struct {
  FakeWorker worker;
  char *start; /* the JSON */
  char *resumed;
  guint32 utterance;
  guint32 frame;
  gint64 next_pos;
  guint gaps;
  guint audio_frames;
  guint stalls;
  guint playouts[RP_PLAYOUT_FLUSHED + 1];
  RpPlayout last_flush;
  guint connected;
  gboolean is_witness;
} Script;

static FakeWorker control; /* only its sending half and buffer are used */

static void
send_text (Script *script, RpFrameType type, const char *text)
{
  fake_worker_send (&script->worker, type, text, strlen (text));
}

static void
speak (Script *script, guint n, gboolean end)
{
  script->utterance++;
  for (guint i = 0; i < n; i++)
    fake_worker_send_audio (&script->worker, script->utterance, i, end && i + 1 == n);
}

static void
send_words (Script *script, const char *format, const char *words)
{
  g_auto (GStrv) parts = g_strsplit (format, "%s", 2);
  g_autofree char *text = g_strconcat (parts[0], words, parts[1], NULL);
  send_text (script, RP_FRAME_EVENT, text);
}

static void
report (Script *script)
{
  g_autofree char *json = g_strdup_printf (
      "{\"start\":%s,\"resumed\":\"%s\",\"audio_frames\":%u,\"next_pos\":%" G_GINT64_FORMAT
      ",\"gaps\":%u,\"stalls\":%u,\"started\":%u,\"progress\":%u,\"ended\":%u,\"flushed\":%u,"
      "\"flush_utterance\":%u,\"flush_played\":%u,\"connected\":%u}",
      script->start, script->resumed != NULL ? script->resumed : "", script->audio_frames,
      script->next_pos, script->gaps, script->stalls, script->playouts[RP_PLAYOUT_STARTED],
      script->playouts[RP_PLAYOUT_PROGRESS], script->playouts[RP_PLAYOUT_ENDED],
      script->playouts[RP_PLAYOUT_FLUSHED], script->last_flush.utterance,
      script->last_flush.frames_played, script->connected);
  GString *event = g_string_new ("{\"event\":\"user_transcript\",\"final\":true,\"text\":");
  rp_json_append_string (event, json);
  g_string_append_c (event, '}');
  send_text (script, RP_FRAME_EVENT, event->str);
  g_string_free (event, TRUE);
}

static void
every_event (Script *script)
{
  static const char *const events[] = {
      "{\"event\":\"user_started_speaking\"}",
      "{\"event\":\"user_stopped_speaking\"}",
      "{\"event\":\"user_transcript\",\"text\":\"hello\",\"final\":true}",
      "{\"event\":\"user_turn\",\"text\":\"hello\"}",
      "{\"event\":\"agent_thinking\",\"generation\":1}",
      "{\"event\":\"agent_text\",\"generation\":1,\"text\":\"Good \"}",
      "{\"event\":\"agent_thought\",\"generation\":1}",
      "{\"event\":\"agent_started_speaking\"}",
      "{\"event\":\"output\",\"segment\":7,\"text\":\"Good "
      "day.\",\"status\":\"new\",\"spoken\":true}",
      "{\"event\":\"output\",\"segment\":7,\"text\":\"Good day.\",\"status\":\"interrupted\","
      "\"heard\":\"Good\",\"remaining\":\"day.\",\"spoken\":true}",
      "{\"event\":\"agent_stopped_speaking\"}",
      "{\"event\":\"interrupted\",\"heard\":\"Good\"}",
      "{\"event\":\"tool_call\",\"id\":\"c1\",\"name\":\"lookup\",\"status\":\"started\","
      "\"arguments\":\"{\\\"a\\\":1}\"}",
      "{\"event\":\"tool_call\",\"id\":\"c1\",\"name\":\"lookup\",\"status\":\"done\","
      "\"result\":\"[1]\"}",
      "{\"event\":\"turn_metrics\",\"voice_to_voice_ms\":321.5,\"stt_ms\":40,\"llm_ttft_ms\":50,"
      "\"tts_ttfa_ms\":60,\"turn_decision_ms\":200,\"barge_in_stop_ms\":120}",
      "{\"event\":\"silent\",\"reason\":\"nobody spoke\"}",
      "{\"event\":\"error\",\"message\":\"a small one\",\"fatal\":false}",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (events); i++)
    send_text (script, RP_FRAME_EVENT, events[i]);
}

static void
attack (Script *script, const char *words)
{
  g_autofree char *result = hostile_try (&script->worker, words);
  GString *event = g_string_new ("{\"event\":\"user_transcript\",\"final\":true,\"text\":");
  g_autofree char *text = g_strdup_printf ("%s: %s", words, result);
  rp_json_append_string (event, text);
  g_string_append_c (event, '}');
  send_text (script, RP_FRAME_EVENT, event->str);
  g_string_free (event, TRUE);
}

static void
join_words (Script *script, const char *words)
{
  static const char *const formats[] = {
      "{\"event\":\"user_transcript\",\"text\":\"%s\",\"final\":false}",
      "{\"event\":\"user_transcript\",\"text\":\"%s\",\"final\":true}",
      "{\"event\":\"user_turn\",\"text\":\"%s\"}",
      "{\"event\":\"agent_text\",\"generation\":1,\"text\":\"%s\"}",
      "{\"event\":\"output\",\"segment\":7,\"text\":\"%s\",\"status\":\"interrupted\","
      "\"heard\":\"%s\",\"remaining\":\"\",\"spoken\":true}",
      "{\"event\":\"interrupted\",\"heard\":\"%s\"}",
  };
  g_auto (GStrv) parts = g_strsplit (words + 5, " ", 2);
  g_autofree char *word = g_strjoinv ("", parts);
  if (g_str_has_prefix (words, "keep "))
    send_text (script, RP_FRAME_CHECKPOINT, word);
  for (guint i = 0; g_str_has_prefix (words, "hear ") && i < G_N_ELEMENTS (formats); i++) {
    g_auto (GStrv) pieces = g_strsplit (formats[i], "%s", -1);
    g_autofree char *event = g_strjoinv (word, pieces);
    send_text (script, RP_FRAME_EVENT, event);
  }
}

static void
obey (Script *script, const char *words)
{
  if (g_str_has_prefix (words, "say "))
    speak (script, (guint) atoi (words + 4), TRUE);
  else if (g_str_has_prefix (words, "talk "))
    speak (script, (guint) atoi (words + 5), FALSE);
  else if (g_str_has_prefix (words, "checkpoint "))
    send_text (script, RP_FRAME_CHECKPOINT, words + 11);
  else if (g_str_has_prefix (words, "hear ") || g_str_has_prefix (words, "keep "))
    join_words (script, words);
  else if (g_str_has_prefix (words, "attack "))
    attack (script, words + 7);
  else if (g_str_equal (words, "flush"))
    fake_worker_send_u32 (&script->worker, RP_FRAME_FLUSH, script->utterance);
  else if (g_str_equal (words, "report"))
    report (script);
  else if (g_str_equal (words, "events"))
    every_event (script);
  else if (g_str_equal (words, "hangup"))
    send_text (script, RP_FRAME_HANGUP, "said goodbye");
  else if (g_str_equal (words, "crash"))
    abort ();
  else if (g_str_equal (words, "hang"))
    pause ();
  else if (g_str_equal (words, "garbage"))
    fake_worker_send_bytes (&script->worker, "garbage", 7);
  else if (g_str_equal (words, "bad-event"))
    send_text (script, RP_FRAME_EVENT, "{\"event\":\"user_turn\",\"text\":5}");
  else if (g_str_has_prefix (words, "bad-event "))
    send_words (script, "{\"event\":\"user_turn\",\"text\":%s", words + 10);
  else if (g_str_has_prefix (words, "bad-name "))
    send_words (script, "{\"event\":\"%s\"}", words + 9);
  else if (g_str_equal (words, "bad-audio"))
    fake_worker_send_audio (&script->worker, script->utterance + 1, 3, FALSE);
}

static void
on_client (Script *script, const RpFrame *frame)
{
  g_autoptr (JsonObject) object =
      rp_json_parse_object ((const char *) frame->payload, frame->len, 0, NULL);
  const char *type = rp_json_string (object, "type", "");
  if (g_str_equal (type, "text")) {
    obey (script, rp_json_string (object, "content", ""));
  } else if (g_str_equal (type, "connected")) {
    script->connected++;
    speak (script, 5, TRUE);
  } else if (g_str_equal (type, "drain")) {
    send_text (script, RP_FRAME_HANGUP, "drained");
  } else if (g_str_equal (type, "message")) {
    GString *event = g_string_new ("{\"event\":\"response\",\"id\":");
    rp_json_append_string (event, rp_json_string (object, "id", ""));
    g_string_append (event, ",\"name\":");
    rp_json_append_string (event, rp_json_string (object, "name", ""));
    g_string_append (event, ",\"data\":");
    rp_json_append_string (event, rp_json_string (object, "data", ""));
    g_string_append_c (event, '}');
    send_text (script, RP_FRAME_EVENT, event->str);
    g_string_free (event, TRUE);
  }
}

static void
on_start (Script *script, const RpFrame *frame)
{
  rp_sandbox_seal ();
  script->start = g_strndup ((const char *) frame->payload, frame->len);
  g_autoptr (JsonObject) object = rp_json_parse_object (script->start, frame->len, 0, NULL);
  JsonArray *utterances = rp_json_array (object, "utterances");
  script->next_pos = rp_json_int (object, "input_pos_samples", -1);
  script->is_witness = g_str_equal (rp_json_string (object, "agent", ""), "witness");
  for (guint i = 0; utterances != NULL && i < json_array_get_length (utterances); i++)
    script->utterance = (guint32) rp_json_int (rp_json_array_object (utterances, i), "id", 0);
  fake_worker_send (&script->worker, RP_FRAME_STARTED, NULL, 0);
}

static void
bear_witness (Script *script, const char *event)
{
  if (script->is_witness)
    send_text (script, RP_FRAME_EVENT, event);
}

static void
on_audio (Script *script, const RpFrame *frame)
{
  RpAudioIn audio;
  if (!rp_frame_parse_audio_in (frame, &audio, NULL))
    _exit (98);
  script->audio_frames++;
  script->gaps += audio.pos_samples != script->next_pos ? 1 : 0;
  script->next_pos = audio.pos_samples + audio.n_samples;
  if (script->audio_frames % 25 == 0)
    bear_witness (script, "{\"event\":\"user_turn\",\"text\":\"heard\"}");
}

static void
on_playout (Script *script, const RpFrame *frame)
{
  RpPlayout playout;
  if (!rp_frame_parse_playout (frame, &playout, NULL))
    _exit (98);
  script->playouts[playout.reason]++;
  if (playout.reason == RP_PLAYOUT_FLUSHED)
    script->last_flush = playout;
  if (playout.reason == RP_PLAYOUT_ENDED)
    bear_witness (script, "{\"event\":\"turn_metrics\",\"stt_ms\":1}");
}

static void
work (int fd, gpointer sandbox)
{
  Script script = {0};
  RpFrame frame;
  prctl (PR_SET_NAME, "rp-worker");
  if (sandbox != NULL && !rp_sandbox_enter (sandbox, fd, NULL))
    _exit (98);
  fake_worker_adopt (&script.worker, fd);
  fake_worker_send_u32 (&script.worker, RP_FRAME_HELLO, (guint32) getpid ());
  while (fake_worker_receive (&script.worker, &frame)) {
    if (frame.type == RP_FRAME_PING)
      fake_worker_send (&script.worker, RP_FRAME_PONG, frame.payload, frame.len);
    else if (frame.type == RP_FRAME_START)
      on_start (&script, &frame);
    else if (frame.type == RP_FRAME_RESUME)
      script.resumed = g_strndup ((const char *) frame.payload, frame.len);
    else if (frame.type == RP_FRAME_AUDIO_IN)
      on_audio (&script, &frame);
    else if (frame.type == RP_FRAME_INPUT)
      script.stalls++;
    else if (frame.type == RP_FRAME_PLAYOUT)
      on_playout (&script, &frame);
    else if (frame.type == RP_FRAME_CLIENT)
      on_client (&script, &frame);
    else if (frame.type == RP_FRAME_END)
      break;
  }
  _exit (0);
}

int
main (int argc, char **argv)
{
  g_autoptr (GString) info = g_string_new ("{\"agents\":[");
  int control_fd = -1;
  gboolean refuse = FALSE;
  const char *data_dir = NULL;
  RpSandbox *sandbox = NULL;
  for (int i = 1; i + 1 < argc; i++) {
    if (g_str_equal (argv[i], "--control-fd"))
      control_fd = atoi (argv[i + 1]);
    else if (g_str_equal (argv[i], "--data"))
      data_dir = argv[i + 1];
    else if (g_str_equal (argv[i], "--agent")) {
      g_autofree char *name = g_path_get_basename (argv[i + 1]);
      refuse |= g_str_equal (name, "bad-config");
      g_string_append_printf (
          info,
          "%s{\"name\":\"%s\",\"title\":\"The %s\",\"description\":\"Does as it "
          "is told.\"%s}",
          info->str[info->len - 1] == '[' ? "" : ",", name, name,
          g_str_equal (name, "costly") ? ",\"stt_cpu_us\":10000000" : "");
    }
  }
  g_string_append (info, "]}");
  if (control_fd < 0)
    return 2;
  signal (SIGCHLD, SIG_IGN);
  prctl (PR_SET_NAME, "rp-zygote");
  fake_worker_adopt (&control, control_fd);
  if (refuse) {
    fake_worker_send (&control, RP_FRAME_FAILED, "no greeting", 11);
    return 2;
  }
  const RpSandboxConfig sandbox_config = {.data_dir = data_dir};
  if (!g_str_equal (argv[argc - 1], "--no-confine") &&
      (sandbox = rp_sandbox_new (&sandbox_config, NULL)) == NULL)
    return 98;
  fake_worker_send (&control, RP_FRAME_READY, info->str, info->len);
  int status = fake_zygote_serve (&control, work, sandbox);
  rp_sandbox_free (sandbox);
  return status;
}
