#include <math.h>

#include "tts.h"

#define LETTER_SAMPLES (RP_SPEECH_RATE_HZ * 60 / 1000)
#define GAP_SAMPLES (RP_SPEECH_RATE_HZ * 40 / 1000)
#define CHUNK_SAMPLES (RP_SPEECH_RATE_HZ / 50)
#define TONE_HZ 440
#define AMPLITUDE 8000

static GArray *
time_words (const char *text)
{
  GArray *words = g_array_new (FALSE, FALSE, sizeof (RpTtsWord));
  const char *p = text;
  guint32 at = 0;

  while (*p != '\0') {
    const char *start = p;
    guint32 letters = 0;
    RpTtsWord word;

    for (; *p != '\0' && !g_unichar_isspace (g_utf8_get_char (p)); p = g_utf8_next_char (p))
      letters++;
    if (letters == 0) {
      p = g_utf8_next_char (p);
      continue;
    }
    word.offset_bytes = (guint32) (start - text);
    word.length_bytes = (guint32) (p - start);
    word.start_samples = at;
    word.end_samples = at + letters * LETTER_SAMPLES;
    at = word.end_samples + GAP_SAMPLES;
    g_array_append_val (words, word);
  }
  return words;
}

static gboolean
scripted_synthesize (RpTts *tts, const char *text, const RpTtsSink *sink, const gint *cancel,
                     GError **error)
{
  g_autoptr (GArray) words = time_words (text);
  guint32 total = 0;
  guint word = 0;

  if (words->len > 0)
    total = g_array_index (words, RpTtsWord, words->len - 1).end_samples + GAP_SAMPLES;
  if (sink->words != NULL)
    sink->words ((const RpTtsWord *) (void *) words->data, words->len, sink->user_data);
  for (guint32 at = 0; at < total; at += CHUNK_SAMPLES) {
    gint16 pcm[CHUNK_SAMPLES];
    guint32 n = MIN (CHUNK_SAMPLES, total - at);

    if (g_atomic_int_get (cancel) != 0) {
      g_set_error_literal (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_CANCELLED, "cancelled");
      return FALSE;
    }
    for (guint32 i = 0; i < n; i++) {
      const RpTtsWord *w;

      while (word + 1 < words->len &&
             at + i >= g_array_index (words, RpTtsWord, word + 1).start_samples)
        word++;
      w = &g_array_index (words, RpTtsWord, word);
      /* A cosine, so that the first sample can be heard already. */
      pcm[i] = at + i < w->end_samples
                   ? (gint16) (AMPLITUDE * cos (2 * G_PI * TONE_HZ * (at + i - w->start_samples) /
                                                RP_SPEECH_RATE_HZ))
                   : 0;
    }
    if (!sink->audio (pcm, n, sink->user_data))
      return TRUE;
  }
  return TRUE;
}

static void
scripted_free (RpTts *tts)
{
  g_free (tts);
}

static const RpTtsClass scripted_class = {
    .name = "scripted",
    .synthesize = scripted_synthesize,
    .free = scripted_free,
};

RpTts *
rp_tts_scripted_new (void)
{
  RpTts *tts = g_new0 (RpTts, 1);

  tts->klass = &scripted_class;
  return tts;
}
