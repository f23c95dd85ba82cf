#include "session-worker.h"

#include "session.h"

#include "json.h"
#include "secret.h"

#include <string.h>

/* Without a worker, what is for the next one is kept: this much of the audio (5 s of 20 ms frames)
 * and this many messages of the client, the oldest being dropped. */
#define MAX_KEPT_AUDIO 250
#define MAX_KEPT_MESSAGES 32

typedef struct {
  gint64 pos_samples;
  gint64 arrival_us;
  RpAudioKind kind;
  guint n_samples;
  gint16 pcm[];
} KeptAudio;

struct _RpSessionWorker {
  RpLoop *loop;
  RpSessionWorkerEvents events;
  gpointer user_data;
  RpWorkerLink *link; /* (nullable) */
  GBytes *checkpoint; /* (nullable) the last one of any worker of this call */
  guint restarts;
  gint64 lost_us[RP_SESSION_MAX_RESTARTS]; /* a ring: when the last ones were lost */
  guint64 audio_dropped;                   /* of workers that are gone */
  gboolean is_ended;
  GQueue kept_audio;    /* of KeptAudio */
  GQueue kept_messages; /* of char * */
  gboolean stalled;
  gint64 stalled_pos_samples;
  gint64 cpu_us;
  gint64 stt_us;
};

static void
drop_link (RpSessionWorker *self)
{
  RpWorkerLinkStats stats;
  if (self->link == NULL)
    return;
  rp_worker_link_stats (self->link, &stats);
  self->audio_dropped += stats.audio_dropped_frames;
  g_clear_pointer (&self->link, rp_worker_link_free);
}

static void
on_audio_out (const RpAudioOut *audio, gpointer user_data)
{
  RpSessionWorker *self = user_data;
  if (!self->events.audio_out (audio, self->user_data))
    rp_worker_link_fail (self->link, "outgoing audio that is not the next 20 ms of its utterance");
}

static void
on_flush (guint32 utterance, gpointer user_data)
{
  RpSessionWorker *self = user_data;
  self->events.flush (utterance, self->user_data);
}

static void
on_event (const char *json, gsize len, gpointer user_data)
{
  RpSessionWorker *self = user_data;
  g_auto (RpWorkerEvent) event = {0};
  g_autoptr (GError) error = NULL;
  if (!rp_worker_event_parse (json, len, &event, &error))
    rp_worker_link_fail (self->link, error->message);
  else
    self->events.event (&event, self->user_data);
}

static void
on_checkpoint (GBytes *checkpoint, gpointer user_data)
{
  RpSessionWorker *self = user_data;
  g_clear_pointer (&self->checkpoint, g_bytes_unref);
  self->checkpoint = g_bytes_ref (checkpoint);
}

static void
on_load (const RpLoad *load, gpointer user_data)
{
  RpSessionWorker *self = user_data;
  self->cpu_us += load->cpu_us;
  self->stt_us = MAX (self->stt_us, load->stt_us);
}

static void
on_hangup (const char *reason, gpointer user_data)
{
  RpSessionWorker *self = user_data;
  self->events.hangup (reason, self->user_data);
}

static void
on_lost (RpWorkerLost reason, const char *text, gpointer user_data)
{
  RpSessionWorker *self = user_data;
  gint64 now_us = rp_loop_now_us ();
  /* The text belongs to the link. */
  g_autofree char *kept = g_strdup (text);
  gint64 *slot = &self->lost_us[self->restarts % RP_SESSION_MAX_RESTARTS];
  gboolean give_up =
      self->restarts >= RP_SESSION_MAX_RESTARTS && now_us - *slot < RP_SESSION_RESTART_WINDOW_US;
  *slot = now_us;
  self->restarts++;
  drop_link (self);
  self->events.lost (reason, kept, give_up, self->user_data);
}

static const RpWorkerLinkEvents link_events = {
    .audio_out = on_audio_out,
    .flush = on_flush,
    .event = on_event,
    .checkpoint = on_checkpoint,
    .load = on_load,
    .hangup = on_hangup,
    .lost = on_lost,
};

RpSessionWorker *
rp_session_worker_new (RpLoop *loop, const RpSessionWorkerEvents *events, gpointer user_data)
{
  RpSessionWorker *self = g_new0 (RpSessionWorker, 1);
  self->loop = loop;
  self->events = *events;
  self->user_data = user_data;
  g_queue_init (&self->kept_audio);
  g_queue_init (&self->kept_messages);
  return self;
}

static void
drop_kept (RpSessionWorker *self)
{
  g_queue_clear_full (&self->kept_audio, g_free);
  g_queue_clear_full (&self->kept_messages, (GDestroyNotify) rp_secret_free);
}

void
rp_session_worker_free (RpSessionWorker *self)
{
  if (self == NULL)
    return;
  drop_link (self);
  drop_kept (self);
  g_clear_pointer (&self->checkpoint, g_bytes_unref);
  g_free (self);
}

static void
add_int (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_bool (JsonBuilder *builder, const char *name, gboolean value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

static char *
start_json (const RpSessionWorkerStart *start, gint64 pos_samples, gboolean resume)
{
  JsonBuilder *builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "call");
  json_builder_add_string_value (builder, start->call);
  json_builder_set_member_name (builder, "agent");
  json_builder_add_string_value (builder, start->agent);
  if (start->request_data != NULL) {
    JsonNode *data = rp_json_parse (start->request_data, strlen (start->request_data), 0, NULL);
    json_builder_set_member_name (builder, "request_data");
    json_builder_add_value (builder, data != NULL ? data : json_node_new (JSON_NODE_NULL));
  }
  add_bool (builder, "resume", resume);
  add_bool (builder, "connected", start->connected);
  add_int (builder, "input_pos_samples", pos_samples);
  add_int (builder, "complexity", start->encoder.complexity);
  add_bool (builder, "fec", start->encoder.fec);
  json_builder_set_member_name (builder, "utterances");
  json_builder_begin_array (builder);
  for (guint i = 0; i < start->n_utterances; i++) {
    const RpMediaUtterance *utterance = &start->utterances[i];
    json_builder_begin_object (builder);
    add_int (builder, "id", utterance->id);
    add_int (builder, "frames", utterance->frames);
    add_int (builder, "played", utterance->played);
    add_bool (builder, "complete", utterance->complete);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  return rp_json_builder_to_string (builder);
}

/* What came in between. */
static void
hand_over_kept (RpSessionWorker *self)
{
  for (GList *l = self->kept_audio.head; l != NULL; l = l->next) {
    const KeptAudio *audio = l->data;
    rp_worker_link_audio_in (self->link, audio->pos_samples, audio->kind, audio->pcm,
                             audio->n_samples, audio->arrival_us);
  }
  if (self->stalled)
    rp_worker_link_input (self->link, self->stalled_pos_samples, TRUE);
  for (GList *l = self->kept_messages.head; l != NULL; l = l->next)
    rp_worker_link_client (self->link, l->data);
  drop_kept (self);
}

void
rp_session_worker_set (RpSessionWorker *self, RpWorkerLink *link, const RpSessionWorkerStart *start)
{
  const KeptAudio *first = g_queue_peek_head (&self->kept_audio);
  gint64 pos_samples = first != NULL ? first->pos_samples : start->input_pos_samples;
  rp_autosecret char *json = start_json (start, pos_samples, self->checkpoint != NULL);
  drop_link (self);
  self->link = link;
  rp_worker_link_attach (link, self->loop, &link_events, self);
  rp_worker_link_start (link, json, self->checkpoint);
  hand_over_kept (self);
}

void
rp_session_worker_end (RpSessionWorker *self, const char *reason)
{
  self->is_ended = TRUE;
  if (self->link != NULL)
    rp_worker_link_end (self->link, reason);
  drop_link (self);
  drop_kept (self);
}

void
rp_session_worker_audio_in (RpSessionWorker *self, gint64 pos_samples, RpAudioKind kind,
                            const gint16 *pcm, guint n_samples, gint64 arrival_us)
{
  if (self->link != NULL) {
    rp_worker_link_audio_in (self->link, pos_samples, kind, pcm, n_samples, arrival_us);
    return;
  }
  if (self->is_ended)
    return;
  KeptAudio *audio = g_malloc (sizeof *audio + n_samples * sizeof *pcm);
  *audio = (KeptAudio){pos_samples, arrival_us, kind, n_samples};
  memcpy (audio->pcm, pcm, n_samples * sizeof *pcm);
  g_queue_push_tail (&self->kept_audio, audio);
  if (self->kept_audio.length > MAX_KEPT_AUDIO)
    g_free (g_queue_pop_head (&self->kept_audio));
}

void
rp_session_worker_input (RpSessionWorker *self, gint64 pos_samples, gboolean stalled)
{
  self->stalled = stalled;
  self->stalled_pos_samples = pos_samples;
  if (self->link != NULL)
    rp_worker_link_input (self->link, pos_samples, stalled);
}

void
rp_session_worker_playout (RpSessionWorker *self, const RpPlayout *playout)
{
  if (self->link != NULL)
    rp_worker_link_playout (self->link, playout);
}

void
rp_session_worker_client (RpSessionWorker *self, const char *json)
{
  if (self->link != NULL) {
    rp_worker_link_client (self->link, json);
    return;
  }
  if (self->is_ended)
    return;
  g_queue_push_tail (&self->kept_messages, g_strdup (json));
  if (self->kept_messages.length > MAX_KEPT_MESSAGES)
    rp_secret_free (g_queue_pop_head (&self->kept_messages));
}

void
rp_session_worker_encoder (RpSessionWorker *self, const RpEncoderSettings *settings)
{
  if (self->link != NULL)
    rp_worker_link_encoder (self->link, settings);
}

gint64
rp_session_worker_cpu_us (const RpSessionWorker *self)
{
  return self->cpu_us;
}

gint64
rp_session_worker_take_stt_us (RpSessionWorker *self)
{
  gint64 stt_us = self->stt_us;
  self->stt_us = 0;
  return stt_us;
}

gboolean
rp_session_worker_is_there (const RpSessionWorker *self)
{
  return self->link != NULL;
}

guint32
rp_session_worker_id (const RpSessionWorker *self)
{
  return self->link != NULL ? rp_worker_link_id (self->link) : 0;
}

guint
rp_session_worker_restarts (const RpSessionWorker *self)
{
  return self->restarts;
}

guint64
rp_session_worker_audio_dropped (const RpSessionWorker *self)
{
  RpWorkerLinkStats stats = {0};
  if (self->link != NULL)
    rp_worker_link_stats (self->link, &stats);
  return self->audio_dropped + stats.audio_dropped_frames;
}
