#include "stt.h"

char *
rp_stt_transcribe (RpStt *stt, const float *pcm, gsize n_samples, const gint *cancel,
                   GError **error)
{
  static const gint never = 0;

  if (n_samples > (gsize) RP_STT_MAX_SECONDS * RP_SPEECH_RATE_HZ) {
    g_set_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_INPUT,
                 "%" G_GSIZE_FORMAT " s of speech, more than %d s", n_samples / RP_SPEECH_RATE_HZ,
                 RP_STT_MAX_SECONDS);
    return NULL;
  }
  return stt->klass->transcribe (stt, pcm, n_samples, cancel != NULL ? cancel : &never, error);
}

void
rp_stt_idle (RpStt *stt)
{
  if (stt->klass->idle != NULL)
    stt->klass->idle (stt);
}

const char *
rp_stt_name (RpStt *stt)
{
  return stt->klass->name;
}

void
rp_stt_free (RpStt *stt)
{
  if (stt != NULL)
    stt->klass->free (stt);
}
