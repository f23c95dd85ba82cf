#include "voice.h"

#include <opus.h>
#include <string.h>

G_DEFINE_QUARK (rp_voice_error, rp_voice_error)

/* Speech at 16 kHz is transparent from about 24 kbit/s; 32 leaves room for the copies that FEC
 * adds, which Opus 1.3 makes at this rate only from 10 % announced loss on. */
#define BITRATE 32000
#define LOSS_PERC 10
#define FRAME_SAMPLES RP_ENGINE_FRAME_SAMPLES
#define FEC_BIT 0x100 /* beside the complexity */
/* At this rate frames have about 80 bytes. */
#define MAX_FRAME_BYTES 1275
/* Phrases of one agent: a greeting and a dozen others, a few seconds each. */
#define MAX_PREPARED 512

typedef struct {
  RpEngineWord *words;
  guint n_words;
  GPtrArray *frames; /* of GBytes */
} Prepared;

struct _RpVoice {
  RpTts *tts;
  OpusEncoder *encoder;
  gint wanted;          /* atomic: what the encoder shall be, see pack () */
  gint set;             /* what it is */
  GHashTable *prepared; /* text → Prepared */
};

/* One call of rp_voice_speak (). */
typedef struct {
  RpVoice *voice;
  const char *text;
  const RpVoiceSink *sink;
  gint16 pcm[FRAME_SAMPLES]; /* not yet a whole frame */
  guint n_pcm;
  GBytes *waiting; /* encoded, held back until it is known whether it is the last */
  gboolean failed;
} Speaking;

static void
prepared_free (gpointer data)
{
  Prepared *prepared = data;
  g_free (prepared->words);
  g_ptr_array_unref (prepared->frames);
  g_free (prepared);
}

/* One number, so that they change together. */
static gint
pack (const RpEncoderSettings *settings)
{
  return (gint) settings->complexity | (settings->fec ? FEC_BIT : 0);
}

RpVoice *
rp_voice_new (RpTts *tts, GError **error)
{
  RpVoice *voice = g_new0 (RpVoice, 1);
  int status = OPUS_OK;
  voice->tts = tts;
  voice->prepared = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, prepared_free);
  voice->encoder = opus_encoder_create (RP_SPEECH_RATE_HZ, 1, OPUS_APPLICATION_VOIP, &status);
  if (voice->encoder == NULL) {
    g_set_error (error, RP_VOICE_ERROR, RP_VOICE_ERROR_ENCODER, "no Opus encoder: %s",
                 opus_strerror (status));
    rp_voice_free (voice);
    return NULL;
  }
  opus_encoder_ctl (voice->encoder, OPUS_SET_BITRATE (BITRATE));
  opus_encoder_ctl (voice->encoder, OPUS_SET_VBR (1));
  opus_encoder_ctl (voice->encoder, OPUS_SET_SIGNAL (OPUS_SIGNAL_VOICE));
  opus_encoder_ctl (voice->encoder, OPUS_SET_PACKET_LOSS_PERC (LOSS_PERC));
  voice->set = -1;
  rp_voice_set_encoder (voice,
                        &(RpEncoderSettings){.complexity = RP_VOICE_COMPLEXITY, .fec = TRUE});
  return voice;
}

void
rp_voice_set_encoder (RpVoice *voice, const RpEncoderSettings *settings)
{
  g_atomic_int_set (&voice->wanted, pack (settings));
}

void
rp_voice_free (RpVoice *voice)
{
  if (voice == NULL)
    return;
  g_hash_table_unref (voice->prepared);
  if (voice->encoder != NULL)
    opus_encoder_destroy (voice->encoder);
  rp_tts_free (voice->tts);
  g_free (voice);
}

/* The TTS's words as the engine has them: by their ends. */
static void
on_words (const RpTtsWord *words, gsize n_words, gpointer user_data)
{
  Speaking *speaking = user_data;
  g_autofree RpEngineWord *ends = g_new (RpEngineWord, MAX (n_words, 1));
  for (gsize i = 0; i < n_words; i++) {
    ends[i].end_byte = words[i].offset_bytes + words[i].length_bytes;
    ends[i].end_samples = words[i].end_samples;
  }
  speaking->sink->words (ends, (guint) n_words, speaking->sink->user_data);
}

static void
give_out (Speaking *speaking, GBytes *next, gboolean last)
{
  if (speaking->waiting != NULL)
    speaking->sink->frame (g_steal_pointer (&speaking->waiting), last, speaking->sink->user_data);
  speaking->waiting = next;
}

static void
follow_settings (RpVoice *voice)
{
  gint wanted = g_atomic_int_get (&voice->wanted);
  if (wanted == voice->set)
    return;
  voice->set = wanted;
  opus_encoder_ctl (voice->encoder, OPUS_SET_COMPLEXITY (wanted & ~FEC_BIT));
  opus_encoder_ctl (voice->encoder, OPUS_SET_INBAND_FEC ((wanted & FEC_BIT) != 0));
}

static gboolean
encode (Speaking *speaking)
{
  follow_settings (speaking->voice);
  guint8 bytes[MAX_FRAME_BYTES];
  opus_int32 len =
      opus_encode (speaking->voice->encoder, speaking->pcm, FRAME_SAMPLES, bytes, sizeof bytes);
  speaking->n_pcm = 0;
  speaking->failed = len <= 0;
  if (!speaking->failed)
    give_out (speaking, g_bytes_new (bytes, (gsize) len), FALSE);
  return !speaking->failed;
}

static gboolean
on_audio (const gint16 *pcm, gsize n_samples, gpointer user_data)
{
  Speaking *speaking = user_data;
  while (n_samples > 0) {
    gsize n = MIN (n_samples, FRAME_SAMPLES - speaking->n_pcm);
    memcpy (speaking->pcm + speaking->n_pcm, pcm, n * sizeof (gint16));
    speaking->n_pcm += (guint) n;
    pcm += n;
    n_samples -= n;
    if (speaking->n_pcm == FRAME_SAMPLES && !encode (speaking))
      return FALSE;
  }
  return TRUE;
}

/* The rest, filled up with silence. */
static void
finish (Speaking *speaking)
{
  if (speaking->n_pcm > 0 && !speaking->failed) {
    memset (speaking->pcm + speaking->n_pcm, 0,
            (FRAME_SAMPLES - speaking->n_pcm) * sizeof (gint16));
    encode (speaking);
  }
  give_out (speaking, NULL, TRUE);
}

static gboolean
synthesize (RpVoice *voice, const char *text, const gint *cancel, const RpVoiceSink *sink,
            GError **error)
{
  Speaking speaking = {.voice = voice, .text = text, .sink = sink};
  const RpTtsSink tts_sink = {.words = on_words, .audio = on_audio, .user_data = &speaking};
  /* Every utterance is a stream of its own, whatever came before it. */
  opus_encoder_ctl (voice->encoder, OPUS_RESET_STATE);
  g_autoptr (GError) local_error = NULL;
  gboolean ok = rp_tts_synthesize (voice->tts, text, &tts_sink, cancel, &local_error);
  gboolean cancelled = cancel != NULL && g_atomic_int_get (cancel) != 0;
  if (cancelled) {
    g_clear_pointer (&speaking.waiting, g_bytes_unref);
    return TRUE;
  }
  if (speaking.waiting != NULL || (ok && !speaking.failed)) {
    finish (&speaking);
    return TRUE;
  }
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else
    g_set_error_literal (error, RP_VOICE_ERROR, RP_VOICE_ERROR_ENCODER,
                         "the voice could not be encoded");
  return FALSE;
}

static void
replay (const Prepared *prepared, const gint *cancel, const RpVoiceSink *sink)
{
  sink->words (prepared->words, prepared->n_words, sink->user_data);
  for (guint i = 0; i < prepared->frames->len; i++) {
    if (cancel != NULL && g_atomic_int_get (cancel) != 0)
      return;
    sink->frame (g_bytes_ref (prepared->frames->pdata[i]), i + 1 == prepared->frames->len,
                 sink->user_data);
  }
}

gboolean
rp_voice_speak (RpVoice *voice, const char *text, const gint *cancel, const RpVoiceSink *sink,
                GError **error)
{
  const Prepared *prepared = g_hash_table_lookup (voice->prepared, text);
  if (prepared == NULL)
    return synthesize (voice, text, cancel, sink, error);
  replay (prepared, cancel, sink);
  return TRUE;
}

static void
keep_words (const RpEngineWord *words, guint n_words, gpointer user_data)
{
  Prepared *prepared = user_data;
  prepared->words = g_memdup2 (words, n_words * sizeof *words);
  prepared->n_words = n_words;
}

static void
keep_frame (GBytes *opus, gboolean last, gpointer user_data)
{
  (void) last;
  Prepared *prepared = user_data;
  g_ptr_array_add (prepared->frames, opus);
}

void
rp_voice_prepare (RpVoice *voice, const char *text)
{
  if (g_hash_table_size (voice->prepared) >= MAX_PREPARED ||
      g_hash_table_contains (voice->prepared, text))
    return;
  Prepared *prepared = g_new0 (Prepared, 1);
  prepared->frames = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  const RpVoiceSink sink = {.words = keep_words, .frame = keep_frame, .user_data = prepared};
  if (synthesize (voice, text, NULL, &sink, NULL) && prepared->frames->len > 0)
    g_hash_table_insert (voice->prepared, g_strdup (text), prepared);
  else
    prepared_free (prepared);
}
