#include "mic.h"

#include "wav.h"

#include <gio/gio.h>
#include <math.h>
#include <opus/opus.h>
#include <string.h>

#define BITRATE 24000
#define COMPLEXITY 5
#define MIN_LOSS_PERCENT 10 /* libopus 1.3.1 makes no redundancy at this rate for less */

struct _RpCallMic {
  OpusEncoder *encoder;
  const RpCallClip *clip; /* (nullable) */
  guint frame;
};

double
rp_call_level_dbfs (const gint16 *pcm, gsize n)
{
  double sum = 0;
  for (gsize i = 0; i < n; i++)
    sum += (double) pcm[i] * pcm[i];
  double rms = n > 0 ? sqrt (sum / (double) n) / 32768.0 : 0;
  return rms > 1e-6 ? 20 * log10 (rms) : -120;
}

static gboolean
find_speech (RpCallClip *clip)
{
  g_autofree double *levels = g_new (double, clip->n_frames);
  double peak = -120;

  for (guint i = 0; i < clip->n_frames; i++) {
    levels[i] =
        rp_call_level_dbfs (clip->pcm + (gsize) i * RP_CALL_FRAME_SAMPLES, RP_CALL_FRAME_SAMPLES);
    peak = MAX (peak, levels[i]);
  }
  clip->threshold_dbfs =
      CLAMP (peak - RP_CALL_SPEECH_BELOW_PEAK_DB, RP_CALL_SPEECH_MIN_DBFS, RP_CALL_SPEECH_MAX_DBFS);
  gboolean found = FALSE;
  for (guint i = 0; i < clip->n_frames; i++) {
    if (levels[i] < clip->threshold_dbfs)
      continue;
    if (!found)
      clip->first_speech = i;
    clip->last_speech = i;
    found = TRUE;
  }
  return found;
}

static RpCallClip *
clip_new (const char *name, gsize n_samples)
{
  RpCallClip *clip = g_new0 (RpCallClip, 1);
  clip->path = g_strdup (name);
  clip->n_frames = (guint) ((n_samples + RP_CALL_FRAME_SAMPLES - 1) / RP_CALL_FRAME_SAMPLES);
  clip->pcm = g_new0 (gint16, (gsize) clip->n_frames * RP_CALL_FRAME_SAMPLES + 1);
  return clip;
}

static RpCallClip *
finish_clip (RpCallClip *clip, GError **error)
{
  if (find_speech (clip))
    return clip;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: no sound in it", clip->path);
  rp_call_clip_free (clip);
  return NULL;
}

RpCallClip *
rp_call_clip_load (const char *path, GError **error)
{
  g_auto (RpWav) wav = {0};
  gsize n = 0;

  if (!rp_wav_read (path, &wav, error)) {
    g_prefix_error (error, "%s: ", path);
    return NULL;
  }
  g_autofree float *samples = rp_wav_mono (&wav, RP_CALL_RATE_HZ, &n);
  RpCallClip *clip = clip_new (path, n);
  for (gsize i = 0; i < n; i++)
    clip->pcm[i] = (gint16) lrintf (CLAMP (samples[i], -1.0f, 1.0f) * 32767.0f);
  return finish_clip (clip, error);
}

RpCallClip *
rp_call_clip_from_pcm (const char *name, const gint16 *pcm, gsize n_samples, GError **error)
{
  RpCallClip *clip = clip_new (name, n_samples);
  if (n_samples > 0)
    memcpy (clip->pcm, pcm, n_samples * sizeof *pcm);
  return finish_clip (clip, error);
}

void
rp_call_clip_free (RpCallClip *clip)
{
  if (!clip)
    return;
  g_free (clip->path);
  g_free (clip->pcm);
  g_free (clip);
}

RpCallMic *
rp_call_mic_new (guint loss_percent, GError **error)
{
  int status = 0;
  OpusEncoder *encoder = opus_encoder_create (RP_CALL_RATE_HZ, 1, OPUS_APPLICATION_VOIP, &status);
  if (!encoder) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "Opus encoder: %s", opus_strerror (status));
    return NULL;
  }
  opus_encoder_ctl (encoder, OPUS_SET_BITRATE (BITRATE));
  opus_encoder_ctl (encoder, OPUS_SET_COMPLEXITY (COMPLEXITY));
  opus_encoder_ctl (encoder, OPUS_SET_SIGNAL (OPUS_SIGNAL_VOICE));
  opus_encoder_ctl (encoder, OPUS_SET_INBAND_FEC (1));
  opus_encoder_ctl (encoder,
                    OPUS_SET_PACKET_LOSS_PERC (CLAMP ((int) loss_percent, MIN_LOSS_PERCENT, 30)));
  RpCallMic *mic = g_new0 (RpCallMic, 1);
  mic->encoder = encoder;
  return mic;
}

void
rp_call_mic_free (RpCallMic *mic)
{
  if (!mic)
    return;
  opus_encoder_destroy (mic->encoder);
  g_free (mic);
}

void
rp_call_mic_play (RpCallMic *mic, const RpCallClip *clip)
{
  mic->clip = clip;
  mic->frame = 0;
}

gboolean
rp_call_mic_busy (const RpCallMic *mic)
{
  return mic->clip != NULL;
}

guint
rp_call_mic_frame (RpCallMic *mic, guint8 *out, gsize size, gsize *out_len)
{
  static const gint16 silence[RP_CALL_FRAME_SAMPLES];
  const gint16 *pcm = silence;
  guint flags = 0;

  if (mic->clip) {
    pcm = mic->clip->pcm + (gsize) mic->frame * RP_CALL_FRAME_SAMPLES;
    if (mic->frame == mic->clip->first_speech)
      flags |= RP_CALL_FRAME_SPEECH_START;
    if (mic->frame == mic->clip->last_speech)
      flags |= RP_CALL_FRAME_SPEECH_END;
    if (++mic->frame == mic->clip->n_frames) {
      flags |= RP_CALL_FRAME_CLIP_END;
      mic->clip = NULL;
    }
  }
  opus_int32 n = opus_encode (mic->encoder, pcm, RP_CALL_FRAME_SAMPLES, out, (opus_int32) size);
  *out_len = n > 0 ? (gsize) n : 0;
  return flags;
}
