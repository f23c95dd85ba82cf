#include "speech-out.h"

typedef struct {
  guint32 id;
  gboolean held;
  gboolean finished;  /* the last frame was pushed, or none will come */
  gboolean cancelled; /* no more is sent; kept for counting what the server has of it */
  GQueue frames;      /* of GBytes: not sent */
  gboolean has_last;  /* the tail of frames is the utterance's last */
  guint n_sent;
  guint n_played;
} Utterance;

struct _RpSpeechOut {
  GQueue utterances; /* of Utterance, rising; those the server still plays come first */
};

RpSpeechOut *
rp_speech_out_new (void)
{
  RpSpeechOut *out = g_new0 (RpSpeechOut, 1);
  g_queue_init (&out->utterances);
  return out;
}

static void
utterance_free (gpointer data)
{
  Utterance *utterance = data;
  g_queue_clear_full (&utterance->frames, (GDestroyNotify) g_bytes_unref);
  g_free (utterance);
}

void
rp_speech_out_free (RpSpeechOut *out)
{
  if (out == NULL)
    return;
  g_queue_clear_full (&out->utterances, utterance_free);
  g_free (out);
}

static Utterance *
find (RpSpeechOut *out, guint32 id)
{
  for (GList *l = out->utterances.tail; l != NULL; l = l->prev) {
    if (((Utterance *) l->data)->id == id)
      return l->data;
  }
  return NULL;
}

void
rp_speech_out_begin (RpSpeechOut *out, guint32 id, gboolean held)
{
  Utterance *utterance = g_new0 (Utterance, 1);
  utterance->id = id;
  utterance->held = held;
  g_queue_init (&utterance->frames);
  g_queue_push_tail (&out->utterances, utterance);
}

void
rp_speech_out_push (RpSpeechOut *out, guint32 id, GBytes *opus, gboolean last)
{
  Utterance *utterance = find (out, id);
  if (utterance == NULL || utterance->cancelled || utterance->finished) {
    g_bytes_unref (opus);
    return;
  }
  g_queue_push_tail (&utterance->frames, opus);
  utterance->has_last = utterance->finished = last;
}

/* One of which nothing is on its way any more needs no place in the line. */
static void
sweep (RpSpeechOut *out)
{
  GList *l = out->utterances.head;
  while (l != NULL) {
    GList *next = l->next;
    Utterance *utterance = l->data;
    if (utterance->finished && g_queue_is_empty (&utterance->frames) &&
        utterance->n_played >= utterance->n_sent) {
      g_queue_delete_link (&out->utterances, l);
      utterance_free (utterance);
    }
    l = next;
  }
}

void
rp_speech_out_finish (RpSpeechOut *out, guint32 id)
{
  Utterance *utterance = find (out, id);
  if (utterance != NULL)
    utterance->finished = TRUE;
  sweep (out);
}

void
rp_speech_out_release (RpSpeechOut *out, guint32 up_to)
{
  for (GList *l = out->utterances.head; l != NULL; l = l->next) {
    Utterance *utterance = l->data;
    if (utterance->id <= up_to)
      utterance->held = FALSE;
  }
}

void
rp_speech_out_cancel (RpSpeechOut *out, guint32 first, guint32 last)
{
  for (GList *l = out->utterances.head; l != NULL; l = l->next) {
    Utterance *utterance = l->data;
    if (utterance->id < first || utterance->id > last)
      continue;
    utterance->cancelled = utterance->finished = TRUE;
    g_queue_clear_full (&utterance->frames, (GDestroyNotify) g_bytes_unref);
  }
  sweep (out);
}

void
rp_speech_out_played (RpSpeechOut *out, guint32 id, guint frames, gboolean ended)
{
  for (GList *l = out->utterances.head; l != NULL; l = l->next) {
    Utterance *utterance = l->data;
    if (utterance->id < id || (utterance->id == id && ended))
      utterance->n_played = utterance->n_sent;
    else if (utterance->id == id)
      utterance->n_played = MIN (frames, utterance->n_sent);
  }
  sweep (out);
}

void
rp_speech_out_flushed (RpSpeechOut *out)
{
  for (GList *l = out->utterances.head; l != NULL; l = l->next) {
    Utterance *utterance = l->data;
    if (utterance->cancelled)
      utterance->n_played = utterance->n_sent;
  }
  sweep (out);
}

gboolean
rp_speech_out_poll (RpSpeechOut *out, RpAudioOut *out_audio, GBytes **out_opus)
{
  guint ahead = 0;
  for (GList *l = out->utterances.head; l != NULL; l = l->next) {
    Utterance *utterance = l->data;
    ahead += utterance->n_sent - utterance->n_played;
    if (ahead >= RP_SPEECH_OUT_MAX_AHEAD)
      return FALSE;
    if (g_queue_is_empty (&utterance->frames)) {
      /* Frames of one utterance never follow those of a later one. */
      if (!utterance->finished)
        return FALSE;
      continue;
    }
    if (utterance->held)
      return FALSE;
    GBytes *opus = g_queue_pop_head (&utterance->frames);
    gsize len = 0;
    *out_audio = (RpAudioOut){.utterance = utterance->id, .frame = utterance->n_sent++};
    out_audio->opus = g_bytes_get_data (opus, &len);
    out_audio->len = (guint) len;
    if (utterance->has_last && g_queue_is_empty (&utterance->frames))
      out_audio->flags = RP_AUDIO_OUT_LAST;
    *out_opus = opus;
    return TRUE;
  }
  return FALSE;
}
