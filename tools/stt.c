/* repartee-stt: prints what is said in WAV files, one "file<TAB>text" line for each. */

#include <locale.h>
#include <stdlib.h>

#include "stt.h"
#include "vad.h"
#include "wav.h"

/* Speech is cut where the VAD sees it, with what it misses at the edges, and pauses within a
 * sentence kept. */
#define SPEECH_PROBABILITY 0.5f
#define LEAD_CHUNKS 6
#define TAIL_CHUNKS 5
#define MERGE_CHUNKS 25

typedef struct {
  RpStt *stt;
  RpVadModel *vad; /* (nullable): transcribe the whole file */
} Engines;

/* Appends the transcript of one cut. */
static gboolean
append_text (Engines *engines, const float *pcm, gsize n, GString *text, GError **error)
{
  g_autofree char *said = rp_stt_transcribe (engines->stt, pcm, n, NULL, error);

  if (said == NULL)
    return FALSE;
  if (text->len > 0 && *said != '\0')
    g_string_append_c (text, ' ');
  g_string_append (text, said);
  return TRUE;
}

static gboolean
append_speech (Engines *engines, const float *pcm, gsize n, GString *text, GError **error)
{
  g_autoptr (RpVad) vad = rp_vad_new (engines->vad);
  gsize n_chunks = n / RP_VAD_CHUNK_SAMPLES;
  gsize start = 0;
  gsize last = 0;
  gboolean speaking = FALSE;

  for (gsize i = 0; i <= n_chunks; i++) {
    float probability = 0;

    if (i < n_chunks) {
      probability = rp_vad_process (vad, pcm + i * RP_VAD_CHUNK_SAMPLES, error);
      if (probability < 0)
        return FALSE;
    }
    if (probability >= SPEECH_PROBABILITY) {
      if (!speaking)
        start = i > LEAD_CHUNKS ? i - LEAD_CHUNKS : 0;
      speaking = TRUE;
      last = i;
    } else if (speaking && (i == n_chunks || i > last + MERGE_CHUNKS)) {
      gsize end = MIN ((last + 1 + TAIL_CHUNKS) * RP_VAD_CHUNK_SAMPLES, n);

      if (!append_text (engines, pcm + start * RP_VAD_CHUNK_SAMPLES,
                        end - start * RP_VAD_CHUNK_SAMPLES, text, error))
        return FALSE;
      speaking = FALSE;
    }
  }
  return TRUE;
}

static gboolean
transcribe_file (Engines *engines, const char *path, GError **error)
{
  g_auto (RpWav) wav = {0};
  g_autofree float *pcm = NULL;
  g_autoptr (GString) text = g_string_new (NULL);
  gsize n = 0;

  if (!rp_wav_read (path, &wav, error))
    return FALSE;
  pcm = rp_wav_mono (&wav, RP_SPEECH_RATE_HZ, &n);
  if (!(engines->vad != NULL ? append_speech : append_text) (engines, pcm, n, text, error)) {
    g_prefix_error (error, "%s: ", path);
    return FALSE;
  }
  g_print ("%s\t%s\n", path, text->str);
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autofree char *models = NULL;
  g_autofree char *model = NULL;
  gboolean with_vad = FALSE;
  g_auto (GStrv) files = NULL;
  const GOptionEntry entries[] = {
      {"models", 0, 0, G_OPTION_ARG_FILENAME, &models,
       "Where tools/fetch-models put the models, otherwise its default", "DIR"},
      {"model", 0, 0, G_OPTION_ARG_STRING, &model,
       "moonshine-tiny-en (default) or "
       "moonshine-base-en",
       "NAME"},
      {"vad", 0, 0, G_OPTION_ARG_NONE, &with_vad, "Give the transcriber only what is speech", NULL},
      {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL, "FILE.wav…"},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- transcribe recordings");
  g_autoptr (GError) error = NULL;
  g_autoptr (RpOrt) ort = NULL;
  g_autoptr (RpStt) stt = NULL;
  g_autoptr (RpVadModel) vad = NULL;
  int status = EXIT_SUCCESS;

  setlocale (LC_ALL, "");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || files == NULL) {
    g_printerr ("repartee-stt: %s\n", error != NULL ? error->message : "no file given (--help)");
    return 2;
  }
  if (models == NULL)
    models = rp_models_dir ();
  ort = rp_ort_new (models, &error);
  if (ort != NULL)
    stt = rp_stt_moonshine_new (ort, models, model, &error);
  if (stt != NULL && with_vad)
    vad = rp_vad_model_new (models, &error);
  if (error != NULL) {
    g_printerr ("repartee-stt: %s\n", error->message);
    return EXIT_FAILURE;
  }
  for (char **file = files; *file != NULL; file++) {
    Engines engines = {stt, vad};

    if (!transcribe_file (&engines, *file, &error)) {
      g_printerr ("repartee-stt: %s\n", error->message);
      g_clear_error (&error);
      status = EXIT_FAILURE;
    }
  }
  return status;
}
