#include "clip.h"

#include "mic.h"
#include "tts.h"

#include <gio/gio.h>

#define MAX_PACKET 1400
/* The encoder and the decoder have settled by then. */
#define LEAD_FRAMES 10
#define TRAIL_FRAMES 10
#define SILENCE_FRAMES 50

static const char *const questions[] = {
    "What are your opening hours on Sunday?",
    "How much does the small room cost for an afternoon?",
    "Can I bring my dog, and is there a kitchen?",
};

static void
clip_free (gpointer data)
{
  RpLoadClip *clip = data;
  g_ptr_array_unref (clip->packets);
  g_free (clip);
}

static guint
encode_frame (RpCallMic *mic, GPtrArray *out)
{
  guint8 packet[MAX_PACKET];
  gsize len = 0;
  guint flags = rp_call_mic_frame (mic, packet, sizeof packet, &len);
  g_ptr_array_add (out, g_bytes_new (packet, len));
  return flags;
}

static RpLoadClip *
encode (const RpCallClip *sound, gboolean tight, guint loss_percent, GError **error)
{
  g_autoptr (RpCallMic) mic = rp_call_mic_new (loss_percent, error);
  if (!mic)
    return NULL;
  RpLoadClip *clip = g_new0 (RpLoadClip, 1);
  clip->packets = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  for (guint i = 0; i < LEAD_FRAMES && !tight; i++)
    encode_frame (mic, clip->packets);
  rp_call_mic_play (mic, sound);
  for (guint flags = 0; !(flags & RP_CALL_FRAME_CLIP_END);) {
    flags = encode_frame (mic, clip->packets);
    if (flags & RP_CALL_FRAME_SPEECH_START)
      clip->first_speech = clip->packets->len - 1;
    if (flags & RP_CALL_FRAME_SPEECH_END)
      clip->last_speech = clip->packets->len - 1;
  }
  for (guint i = 0; i < TRAIL_FRAMES && !tight; i++)
    encode_frame (mic, clip->packets);
  return clip;
}

static gboolean
on_audio (const gint16 *pcm, gsize n_samples, gpointer user_data)
{
  g_array_append_vals (user_data, pcm, (guint) n_samples);
  return TRUE;
}

static void
on_words (const RpTtsWord *words, gsize n_words, gpointer user_data)
{
}

static RpCallClip *
say (RpTts *tts, const char *text, GError **error)
{
  g_autoptr (GArray) pcm = g_array_new (FALSE, TRUE, sizeof (gint16));
  RpTtsSink sink = {on_words, on_audio, pcm};

  if (!rp_tts_synthesize (tts, text, &sink, NULL, error))
    return NULL;
  return rp_call_clip_from_pcm (text, (const gint16 *) (void *) pcm->data, pcm->len, error);
}

static gboolean
add_clip (RpLoadSpeech *speech, RpCallClip *sound, gboolean tight, guint loss_percent,
          GError **error)
{
  g_autoptr (RpCallClip) owned = sound;
  RpLoadClip *clip = owned ? encode (owned, tight, loss_percent, error) : NULL;
  if (clip)
    g_ptr_array_add (speech->clips, clip);
  return clip != NULL;
}

static gboolean
make_clips (RpLoadSpeech *speech, const GPtrArray *paths, gboolean tight, guint loss_percent,
            GError **error)
{
  for (guint i = 0; i < paths->len; i++)
    if (!add_clip (speech, rp_call_clip_load (g_ptr_array_index (paths, i), error), tight,
                   loss_percent, error))
      return FALSE;
  if (paths->len > 0)
    return TRUE;
  g_autoptr (RpTts) tts = rp_tts_flite_new (&(RpTtsFliteConfig){.speed = 1}, error);
  if (!tts)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (questions); i++)
    if (!add_clip (speech, say (tts, questions[i], error), tight, loss_percent, error))
      return FALSE;
  return TRUE;
}

RpLoadSpeech *
rp_load_speech_new (const GPtrArray *paths, gboolean tight, guint loss_percent, GError **error)
{
  g_autoptr (RpCallMic) mic = rp_call_mic_new (loss_percent, error);
  g_autoptr (GPtrArray) packets = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

  if (!mic)
    return NULL;
  for (guint i = 0; i < SILENCE_FRAMES; i++)
    encode_frame (mic, packets);
  RpLoadSpeech *speech = g_new0 (RpLoadSpeech, 1);
  speech->silence = g_bytes_ref (g_ptr_array_index (packets, packets->len - 1));
  speech->clips = g_ptr_array_new_with_free_func (clip_free);
  if (!make_clips (speech, paths, tight, loss_percent, error))
    g_clear_pointer (&speech, rp_load_speech_free);
  return speech;
}

void
rp_load_speech_free (RpLoadSpeech *speech)
{
  if (!speech)
    return;
  g_ptr_array_unref (speech->clips);
  g_bytes_unref (speech->silence);
  g_free (speech);
}
