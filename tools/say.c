/* repartee-say: reads a text into a WAV file of 16 kHz, and prints when each word is said. */

#include <locale.h>
#include <stdlib.h>

#include "tts.h"
#include "wav.h"

typedef struct {
  const char *text;
  GArray *pcm;
} Speech;

static void
on_words (const RpTtsWord *words, gsize n_words, gpointer user_data)
{
  Speech *speech = user_data;

  for (gsize i = 0; i < n_words; i++)
    g_print ("%.3f\t%.3f\t%.*s\n", (double) words[i].start_samples / RP_SPEECH_RATE_HZ,
             (double) words[i].end_samples / RP_SPEECH_RATE_HZ, (int) words[i].length_bytes,
             speech->text + words[i].offset_bytes);
}

static gboolean
on_audio (const gint16 *pcm, gsize n_samples, gpointer user_data)
{
  Speech *speech = user_data;

  g_array_append_vals (speech->pcm, pcm, (guint) n_samples);
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autofree char *voice = NULL;
  double speed = 1.0;
  const GOptionEntry entries[] = {
      {"voice", 0, 0, G_OPTION_ARG_STRING, &voice, "slt (default), rms, awb or kal16", "NAME"},
      {"speed", 0, 0, G_OPTION_ARG_DOUBLE, &speed, "0.5 to 2", "FACTOR"},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("TEXT OUT.wav - read a text");
  g_autoptr (GError) error = NULL;
  g_autoptr (RpTts) tts = NULL;
  g_autoptr (GArray) pcm = g_array_new (FALSE, FALSE, sizeof (gint16));

  setlocale (LC_ALL, "");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 3) {
    g_printerr ("repartee-say: %s\n",
                error != NULL ? error->message : "a text and a file are needed (--help)");
    return 2;
  }
  tts = rp_tts_flite_new (&(RpTtsFliteConfig){.voice = voice, .speed = speed}, &error);
  if (tts != NULL) {
    Speech speech = {argv[1], pcm};
    RpTtsSink sink = {on_words, on_audio, &speech};

    if (rp_tts_synthesize (tts, argv[1], &sink, NULL, &error))
      rp_wav_write (argv[2], RP_SPEECH_RATE_HZ, 1, (const gint16 *) (void *) pcm->data, pcm->len,
                    &error);
  }
  if (error != NULL) {
    g_printerr ("repartee-say: %s\n", error->message);
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
