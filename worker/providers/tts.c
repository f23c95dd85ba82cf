#include "tts.h"

#include <string.h>

gboolean
rp_tts_synthesize (RpTts *tts, const char *text, const RpTtsSink *sink, const gint *cancel,
                   GError **error)
{
  static const gint never = 0;

  if (strlen (text) > RP_TTS_MAX_TEXT_BYTES || !g_utf8_validate (text, -1, NULL)) {
    g_set_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_INPUT,
                 "text to speak is not UTF-8 or longer than %d bytes", RP_TTS_MAX_TEXT_BYTES);
    return FALSE;
  }
  return tts->klass->synthesize (tts, text, sink, cancel != NULL ? cancel : &never, error);
}

const char *
rp_tts_name (RpTts *tts)
{
  return tts->klass->name;
}

void
rp_tts_free (RpTts *tts)
{
  if (tts != NULL)
    tts->klass->free (tts);
}
