#define _GNU_SOURCE /* memmem */

#include "call-sim.h"

#include <string.h>

#define FRAME_SAMPLES 320
#define FRAME_US (20000 / CALL_SIM_SPEED)
/* The server reports progress five times a second. */
#define PROGRESS_FRAMES 10
#define PATIENCE_US (60 * G_USEC_PER_SEC)

typedef struct {
  guint32 utterance;
  guint n_frames; /* received */
  guint n_played;
  gboolean complete;
} Utterance;

struct _CallSim {
  RpLoop *loop;
  char *agent;
  char *request_data; /* (nullable) */
  RpWorkerLink *link; /* the loop's own, as is all down to the lock */
  guint ticker;
  gint64 next_us;
  gint64 pos_samples;
  GArray *utterances; /* of Utterance: queued ones last; the loop's own */
  guint playing;      /* index */

  GMutex lock;
  GCond changed;
  GArray *microphone; /* of gint16 */
  GPtrArray *events;
  guint n_awaited; /* events already waited for */
  guint n_frames;
  guint n_played;
  guint n_flushed;
  GBytes *checkpoint;
  gboolean is_started;
  gboolean is_quiet; /* nothing is queued */
  gboolean is_lost;
  char *hangup;
  RpWorkerLost reason;
};

#define await(sim, condition)                                                      \
  G_STMT_START                                                                     \
  {                                                                                \
    gint64 until_us = g_get_monotonic_time () + PATIENCE_US;                       \
    g_mutex_lock (&(sim)->lock);                                                   \
    while (!(condition))                                                           \
      g_assert_true (g_cond_wait_until (&(sim)->changed, &(sim)->lock, until_us)); \
    g_mutex_unlock (&(sim)->lock);                                                 \
  }                                                                                \
  G_STMT_END

static void
changed (CallSim *sim)
{
  g_cond_signal (&sim->changed);
  g_mutex_unlock (&sim->lock);
}

static void
on_started (gpointer data)
{
  CallSim *sim = data;
  g_mutex_lock (&sim->lock);
  sim->is_started = TRUE;
  changed (sim);
}

static void
on_audio_out (const RpAudioOut *audio, gpointer data)
{
  CallSim *sim = data;
  Utterance *last = sim->utterances->len > 0
                        ? &g_array_index (sim->utterances, Utterance, sim->utterances->len - 1)
                        : NULL;
  if (last == NULL || last->utterance != audio->utterance) {
    Utterance utterance = {.utterance = audio->utterance};
    g_array_append_val (sim->utterances, utterance);
    last = &g_array_index (sim->utterances, Utterance, sim->utterances->len - 1);
  }
  last->n_frames++;
  last->complete = (audio->flags & RP_AUDIO_OUT_LAST) != 0;
  g_mutex_lock (&sim->lock);
  sim->n_frames++;
  sim->is_quiet = FALSE;
  changed (sim);
}

static void
report (CallSim *sim, const Utterance *utterance, RpPlayoutReason reason)
{
  const RpPlayout playout = {
      .utterance = utterance->utterance,
      .frames_played = utterance->n_played,
      .reason = reason,
      .wire_us = utterance->n_played > 0 ? g_get_monotonic_time () : 0,
  };
  rp_worker_link_playout (sim->link, &playout);
}

static void
on_flush (guint32 up_to, gpointer data)
{
  CallSim *sim = data;
  Utterance cut = {.utterance = up_to};
  for (guint i = sim->playing; i < sim->utterances->len; i++) {
    Utterance *utterance = &g_array_index (sim->utterances, Utterance, i);
    if (utterance->utterance > up_to)
      break;
    if (utterance->n_played > 0)
      cut = *utterance;
    sim->playing = i + 1;
  }
  report (sim, &cut, RP_PLAYOUT_FLUSHED);
  g_mutex_lock (&sim->lock);
  sim->n_flushed++;
  changed (sim);
}

static void
on_event (const char *json, gsize len, gpointer data)
{
  CallSim *sim = data;
  g_mutex_lock (&sim->lock);
  g_ptr_array_add (sim->events, g_strndup (json, len));
  changed (sim);
}

static void
on_checkpoint (GBytes *checkpoint, gpointer data)
{
  CallSim *sim = data;
  g_mutex_lock (&sim->lock);
  g_clear_pointer (&sim->checkpoint, g_bytes_unref);
  sim->checkpoint = g_bytes_ref (checkpoint);
  changed (sim);
}

static void
on_hangup (const char *reason, gpointer data)
{
  CallSim *sim = data;
  g_mutex_lock (&sim->lock);
  g_free (sim->hangup);
  sim->hangup = g_strdup (reason);
  changed (sim);
}

static void
on_lost (RpWorkerLost reason, const char *text, gpointer data)
{
  CallSim *sim = data;
  g_test_message ("%s", text);
  rp_worker_link_free (g_steal_pointer (&sim->link));
  g_mutex_lock (&sim->lock);
  sim->is_lost = TRUE;
  sim->reason = reason;
  changed (sim);
}

static const RpWorkerLinkEvents link_events = {
    .started = on_started,
    .audio_out = on_audio_out,
    .flush = on_flush,
    .event = on_event,
    .checkpoint = on_checkpoint,
    .hangup = on_hangup,
    .lost = on_lost,
};

static void
play_frame (CallSim *sim)
{
  if (sim->playing >= sim->utterances->len)
    return;
  Utterance *utterance = &g_array_index (sim->utterances, Utterance, sim->playing);
  if (utterance->n_played < utterance->n_frames) {
    utterance->n_played++;
    if (utterance->n_played == 1)
      report (sim, utterance, RP_PLAYOUT_STARTED);
    else if (utterance->n_played % PROGRESS_FRAMES == 0)
      report (sim, utterance, RP_PLAYOUT_PROGRESS);
    g_mutex_lock (&sim->lock);
    sim->n_played++;
    changed (sim);
  }
  if (utterance->complete && utterance->n_played == utterance->n_frames) {
    report (sim, utterance, RP_PLAYOUT_ENDED);
    sim->playing++;
  }
}

static void
hear_frame (CallSim *sim, gint64 now_us)
{
  gint16 pcm[FRAME_SAMPLES] = {0};
  g_mutex_lock (&sim->lock);
  guint n = MIN (sim->microphone->len, FRAME_SAMPLES);
  if (n > 0) {
    memcpy (pcm, sim->microphone->data, n * sizeof (gint16));
    g_array_remove_range (sim->microphone, 0, n);
  }
  g_mutex_unlock (&sim->lock);
  rp_worker_link_audio_in (sim->link, sim->pos_samples, RP_AUDIO_DECODED, pcm, FRAME_SAMPLES,
                           now_us);
  sim->pos_samples += FRAME_SAMPLES;
}

static void
on_tick (gint64 now_us, gpointer data)
{
  CallSim *sim = data;
  while (sim->link != NULL && now_us >= sim->next_us) {
    sim->next_us += FRAME_US;
    hear_frame (sim, now_us);
    play_frame (sim);
  }
  g_mutex_lock (&sim->lock);
  sim->is_quiet = sim->playing >= sim->utterances->len && sim->microphone->len == 0;
  changed (sim);
}

CallSim *
call_sim_new (RpLoop *loop)
{
  CallSim *sim = g_new0 (CallSim, 1);
  sim->loop = loop;
  sim->utterances = g_array_new (FALSE, FALSE, sizeof (Utterance));
  sim->microphone = g_array_new (FALSE, FALSE, sizeof (gint16));
  sim->events = g_ptr_array_new_with_free_func (g_free);
  g_mutex_init (&sim->lock);
  g_cond_init (&sim->changed);
  return sim;
}

static void
leave_loop (gpointer data)
{
  CallSim *sim = data;
  if (sim->ticker != 0)
    rp_loop_remove_ticker (sim->loop, sim->ticker);
  rp_worker_link_free (sim->link);
}

void
call_sim_free (CallSim *sim)
{
  rp_loop_call_sync (sim->loop, leave_loop, sim);
  g_array_unref (sim->utterances);
  g_array_unref (sim->microphone);
  g_ptr_array_unref (sim->events);
  g_clear_pointer (&sim->checkpoint, g_bytes_unref);
  g_free (sim->hangup);
  g_free (sim->agent);
  g_free (sim->request_data);
  g_mutex_clear (&sim->lock);
  g_cond_clear (&sim->changed);
  g_free (sim);
}

static char *
describe (const CallSim *sim)
{
  GString *json = g_string_new ("{\"call\":\"test\",\"connected\":true");
  g_string_append_printf (json, ",\"agent\":\"%s\"", sim->agent != NULL ? sim->agent : "reception");
  if (sim->request_data != NULL)
    g_string_append_printf (json, ",\"request_data\":%s", sim->request_data);
  g_string_append_printf (json, ",\"input_pos_samples\":%" G_GINT64_FORMAT ",\"resume\":%s",
                          sim->pos_samples, sim->checkpoint != NULL ? "true" : "false");
  g_string_append (json, ",\"utterances\":[");
  guint first = sim->utterances->len > 32 ? sim->utterances->len - 32 : 0;
  for (guint i = first; i < sim->utterances->len; i++) {
    const Utterance *utterance = &g_array_index (sim->utterances, Utterance, i);
    g_string_append_printf (json, "%s{\"id\":%u,\"frames\":%u,\"played\":%u,\"complete\":%s}",
                            i > first ? "," : "", utterance->utterance, utterance->n_frames,
                            utterance->n_played, utterance->complete ? "true" : "false");
  }
  g_string_append (json, "]}");
  return g_string_free (json, FALSE);
}

typedef struct {
  CallSim *sim;
  RpWorkerLink *link;
} Start;

static void
start_on_loop (gpointer data)
{
  const Start *start = data;
  CallSim *sim = start->sim;
  sim->link = start->link;
  g_autofree char *json = describe (sim);
  rp_worker_link_attach (sim->link, sim->loop, &link_events, sim);
  rp_worker_link_start (sim->link, json, sim->checkpoint);
  sim->next_us = g_get_monotonic_time ();
  if (sim->ticker == 0)
    sim->ticker = rp_loop_add_ticker (sim->loop, on_tick, sim);
}

void
call_sim_ask_for (CallSim *sim, const char *agent, const char *request_data)
{
  g_free (sim->agent);
  g_free (sim->request_data);
  sim->agent = g_strdup (agent);
  sim->request_data = g_strdup (request_data);
}

void
call_sim_try_start (CallSim *sim, RpWorkerLink *link)
{
  Start start = {sim, link};
  g_assert_nonnull (link);
  sim->is_started = sim->is_lost = FALSE;
  rp_loop_call_sync (sim->loop, start_on_loop, &start);
}

void
call_sim_start (CallSim *sim, RpWorkerLink *link)
{
  call_sim_try_start (sim, link);
  await (sim, sim->is_started);
}

void
call_sim_say (CallSim *sim, const gint16 *pcm, gsize n_samples)
{
  g_mutex_lock (&sim->lock);
  g_array_append_vals (sim->microphone, pcm, (guint) n_samples);
  sim->is_quiet = FALSE;
  g_mutex_unlock (&sim->lock);
}

typedef struct {
  CallSim *sim;
  const char *json;
} ClientMessage;

static void
client_on_loop (gpointer data)
{
  const ClientMessage *message = data;
  rp_worker_link_client (message->sim->link, message->json);
}

void
call_sim_client (CallSim *sim, const char *json)
{
  ClientMessage message = {sim, json};
  rp_loop_call_sync (sim->loop, client_on_loop, &message);
}

void
call_sim_type (CallSim *sim, const char *text)
{
  g_autofree char *json = g_strdup_printf (
      "{\"type\":\"text\",\"content\":\"%s\",\"run_immediately\":true,\"audio_response\":true}",
      text);
  call_sim_client (sim, json);
}

static const char *
find_event (CallSim *sim, const char *needle)
{
  for (; sim->n_awaited < sim->events->len; sim->n_awaited++) {
    const char *event = sim->events->pdata[sim->n_awaited];
    g_test_message ("%s", event);
    if (strstr (event, needle) == NULL)
      continue;
    sim->n_awaited++;
    return event;
  }
  return NULL;
}

char *
call_sim_await_event (CallSim *sim, const char *needle)
{
  const char *event = NULL;
  g_test_message ("waiting for %s", needle);
  await (sim, (event = find_event (sim, needle)) != NULL);
  return g_strdup (event);
}

void
call_sim_await_quiet (CallSim *sim)
{
  await (sim, sim->is_quiet);
}

void
call_sim_await_frames (CallSim *sim, guint n)
{
  await (sim, sim->n_frames >= n);
}

void
call_sim_await_flush (CallSim *sim)
{
  guint before = sim->n_flushed;
  await (sim, sim->n_flushed > before);
}

void
call_sim_await_hangup (CallSim *sim)
{
  await (sim, sim->hangup != NULL);
}

RpWorkerLost
call_sim_await_lost (CallSim *sim)
{
  await (sim, sim->is_lost);
  return sim->reason;
}

static gboolean
checkpoint_has (CallSim *sim, const char *text)
{
  gsize len = 0;
  const void *bytes = sim->checkpoint != NULL ? g_bytes_get_data (sim->checkpoint, &len) : NULL;
  return bytes != NULL && memmem (bytes, len, text, strlen (text)) != NULL;
}

void
call_sim_await_checkpoint (CallSim *sim, const char *text)
{
  await (sim, checkpoint_has (sim, text));
}

guint
call_sim_played (CallSim *sim)
{
  g_mutex_lock (&sim->lock);
  guint n = sim->n_played;
  g_mutex_unlock (&sim->lock);
  return n;
}
