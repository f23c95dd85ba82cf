#include "brain-local.h"

#define SCRIPTED_REPLY "Certainly. I have made a note of that."

typedef struct {
  RpBrain base;
  const RpDialogue *dialogue; /* NULL: scripted */
  GTimeZone *timezone;
  char *conversation_id;
  GHashTable *data; /* (nullable) */
  char *reply;
  GList *pending; /* of Pending */
} LocalBrain;

/* An answer that is ready, on its way out of start (). */
typedef struct {
  LocalBrain *brain;
  guint32 generation;
  RpBrainReply *reply; /* NULL: the scripted one */
  GSource *source;
} Pending;

static void
pending_free (gpointer data)
{
  Pending *pending = data;
  g_source_destroy (pending->source);
  g_source_unref (pending->source);
  rp_brain_reply_free (pending->reply);
  g_free (pending);
}

static GList *
find_pending (const LocalBrain *self, guint32 generation)
{
  GList *l = self->pending;
  while (l != NULL && ((const Pending *) l->data)->generation != generation)
    l = l->next;
  return l;
}

/* A callback may cancel the generation, and start another one: every step looks again. */
static void
tell_reply (LocalBrain *self, guint32 generation, const RpBrainReply *reply)
{
  const RpBrainEvents *events = self->base.events;
  gpointer user_data = self->base.user_data;
  for (guint i = 0; i < reply->segments->len && find_pending (self, generation) != NULL; i++) {
    g_autofree char *text = g_strconcat (reply->segments->pdata[i], " ", NULL);
    events->delta (generation, text, user_data);
  }
  for (guint i = 0; i < reply->calls->len && find_pending (self, generation) != NULL; i++)
    events->tool_call (generation, reply->calls->pdata[i], user_data);
}

static gboolean
on_ready (gpointer data)
{
  Pending *pending = data;
  LocalBrain *self = pending->brain;
  guint32 generation = pending->generation;
  RpBrainReply *reply = g_steal_pointer (&pending->reply);
  RpExpect expect = reply != NULL ? reply->expect : RP_EXPECT_ANYTHING;
  if (reply != NULL)
    tell_reply (self, generation, reply);
  else
    self->base.events->delta (generation, self->reply, self->base.user_data);
  rp_brain_reply_free (reply);

  GList *l = find_pending (self, generation);
  if (l == NULL)
    return G_SOURCE_REMOVE;
  pending_free (l->data);
  self->pending = g_list_delete_link (self->pending, l);
  self->base.events->done (generation, expect, self->base.user_data);
  return G_SOURCE_REMOVE;
}

static void
local_start (RpBrain *base, guint32 generation, const GPtrArray *messages)
{
  LocalBrain *self = (LocalBrain *) base;
  Pending *pending = g_new0 (Pending, 1);
  pending->brain = self;
  pending->generation = generation;
  if (self->dialogue != NULL) {
    const RpBrainRequest request = {
        .messages = messages,
        .now_unix_s = g_get_real_time () / G_USEC_PER_SEC,
        .tz = self->timezone,
        .conversation_id = self->conversation_id,
        .data = self->data,
    };
    pending->reply = rp_dialogue_respond (self->dialogue, &request);
  }
  pending->source = g_idle_source_new ();
  g_source_set_priority (pending->source, G_PRIORITY_DEFAULT);
  g_source_set_callback (pending->source, on_ready, pending, NULL);
  g_source_attach (pending->source, g_main_context_get_thread_default ());
  self->pending = g_list_append (self->pending, pending);
}

static void
local_cancel (RpBrain *base, guint32 generation)
{
  LocalBrain *self = (LocalBrain *) base;
  GList *l = find_pending (self, generation);
  if (l == NULL)
    return;
  pending_free (l->data);
  self->pending = g_list_delete_link (self->pending, l);
}

static void
local_free (RpBrain *base)
{
  LocalBrain *self = (LocalBrain *) base;
  g_list_free_full (self->pending, pending_free);
  g_clear_pointer (&self->timezone, g_time_zone_unref);
  g_free (self->conversation_id);
  g_clear_pointer (&self->data, g_hash_table_unref);
  g_free (self->reply);
  g_free (self);
}

static const RpBrainClass builtin_class = {
    .name = "builtin",
    .start = local_start,
    .cancel = local_cancel,
    .free = local_free,
};

static const RpBrainClass scripted_class = {
    .name = "scripted",
    .start = local_start,
    .cancel = local_cancel,
    .free = local_free,
};

RpBrain *
rp_brain_builtin_new (const RpDialogue *dialogue, GTimeZone *timezone, const char *conversation_id,
                      GHashTable *data, const RpBrainEvents *events, gpointer user_data)
{
  LocalBrain *self = g_new0 (LocalBrain, 1);
  self->base = (RpBrain){.klass = &builtin_class, .events = events, .user_data = user_data};
  self->dialogue = dialogue;
  self->timezone = timezone != NULL ? g_time_zone_ref (timezone) : NULL;
  self->conversation_id = g_strdup (conversation_id);
  self->data = data != NULL ? g_hash_table_ref (data) : NULL;
  return &self->base;
}

RpBrain *
rp_brain_scripted_new (const char *reply, const RpBrainEvents *events, gpointer user_data)
{
  LocalBrain *self = g_new0 (LocalBrain, 1);
  self->base = (RpBrain){.klass = &scripted_class, .events = events, .user_data = user_data};
  self->reply = g_strdup (reply != NULL ? reply : SCRIPTED_REPLY);
  return &self->base;
}
