#include <malloc.h>
#include <string.h>

#include "stt.h"
#include "utterance.h"
#include "vocab.h"

#define TOKEN_START 1
#define TOKEN_END 2
#define N_HEADS 8
#define MAX_LAYERS 8
/* Keys and values of the decoder itself and of what it attends to in the encoder. */
#define CACHE_PER_LAYER 4
#define MAX_CACHE (MAX_LAYERS * CACHE_PER_LAYER)
/* Inputs of the decoder before the cache. */
#define N_PLAIN_INPUTS 3

/* The encoder's three strided convolutions fail on less than 895 samples; a quarter of a second is
 * also about the shortest word. */
#define MIN_SAMPLES (RP_SPEECH_RATE_HZ / 4)
/* Silence put behind what the VAD cut: the model wants to hear that a word is over. Over 957 words
 * of recordings, cut two chunks behind the end of speech, it took the word errors from 9.4 to 8.7 %
 * and those of short commands from 22 to 5 %; cut at the end itself, from 10.3 to 8.7 %. */
#define TAIL_SAMPLES (RP_SPEECH_RATE_HZ * 64 / 1000)
/* The model takes up to half a minute, but its cost grows faster than the length. On joined
 * recordings of a minute, pieces of 12 s gave 9.8 % wrong words, of 20 s 11.2 %, of 30 s 11.9 %. */
#define MAX_PIECE_SAMPLES (12 * RP_SPEECH_RATE_HZ)
/* Fast talkers need almost as many, in short phrases a few more; what is longer is the model
 * repeating itself. */
#define MAX_TOKENS_PER_SECOND 7
#define EXTRA_TOKENS 2

typedef struct {
  RpStt parent;
  RpOrt *ort;
  RpOrtSession *encoder;
  RpOrtSession *decoder;
  RpVocab *vocab;
  gsize n_layers;
  gsize n_cache;
  gint64 width;      /* of the encoder's output */
  gint64 head_width; /* of the cache */
  /* Inputs: N_PLAIN_INPUTS, then the cache. Outputs: logits, then the cache in the same order. */
  char *input_names[N_PLAIN_INPUTS + MAX_CACHE];
  char *output_names[1 + MAX_CACHE];
  /* The decoder's part of the cache, which later steps ask for. */
  const char *step_output_names[1 + MAX_CACHE / 2];
} Moonshine;

/* One piece of audio on its way through the decoder. */
typedef struct {
  Moonshine *model;
  RpOrtValue *encoded;
  RpOrtValue *cache[MAX_CACHE];
  gboolean started;
} Decoding;

static void
decoding_clear (Decoding *decoding)
{
  for (gsize i = 0; i < G_N_ELEMENTS (decoding->cache); i++)
    rp_ort_value_free (decoding->model->ort, decoding->cache[i]);
  rp_ort_value_free (decoding->model->ort, decoding->encoded);
}

/* Cache entries come in the order decoder key, decoder value, encoder key, encoder value. */
static gboolean
is_decoder_entry (gsize i)
{
  return i % CACHE_PER_LAYER < 2;
}

static gboolean
encode (Moonshine *self, float *pcm, gsize n, RpOrtValue **out, GError **error)
{
  static const char *const input_names[] = {"input_values"};
  static const char *const output_names[] = {"last_hidden_state"};
  gint64 dims[2] = {1, (gint64) n};
  RpOrtValue *audio =
      rp_ort_value_new (self->ort, RP_ORT_FLOAT, pcm, n * sizeof *pcm, dims, 2, error);
  gboolean ok;

  if (audio == NULL)
    return FALSE;
  ok = rp_ort_session_run (self->encoder, input_names, &audio, 1, output_names, out, 1, error);
  rp_ort_value_free (self->ort, audio);
  return ok;
}

/* The cache of the first step has no elements, but must be there. */
static gboolean
fill_empty_cache (Decoding *decoding, GError **error)
{
  static float nothing[1];
  Moonshine *self = decoding->model;
  gint64 dims[4] = {0, N_HEADS, 1, self->head_width};

  for (gsize i = 0; i < self->n_cache; i++) {
    decoding->cache[i] = rp_ort_value_new (self->ort, RP_ORT_FLOAT, nothing, 0, dims, 4, error);
    if (decoding->cache[i] == NULL)
      return FALSE;
  }
  return TRUE;
}

static gboolean
best_token (Moonshine *self, RpOrtValue *logits, gint64 *out_token, GError **error)
{
  gint64 dims[3];
  const float *scores = rp_ort_value_floats (self->ort, logits, dims, 3, error);
  gint64 best = 0;

  if (scores == NULL)
    return FALSE;
  if (dims[0] != 1 || dims[1] != 1 || dims[2] <= TOKEN_END) {
    g_set_error_literal (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_INFERENCE,
                         "speech model: scores of an unknown shape");
    return FALSE;
  }
  for (gint64 i = 1; i < dims[2]; i++) {
    if (scores[i] > scores[best])
      best = i;
  }
  *out_token = best;
  return TRUE;
}

/* Moves the new cache entries over the old ones. The first step makes all of them, later ones the
 * decoder's. */
static void
update_cache (Decoding *decoding, RpOrtValue **fresh, gboolean all)
{
  Moonshine *self = decoding->model;
  gsize from = 0;

  for (gsize i = 0; i < self->n_cache; i++) {
    if (!all && !is_decoder_entry (i))
      continue;
    rp_ort_value_free (self->ort, decoding->cache[i]);
    decoding->cache[i] = fresh[from++];
  }
}

/* Gives the decoder @token and returns the one it thinks is next. */
static gboolean
decode_step (Decoding *decoding, gint64 token, gint64 *out_next, GError **error)
{
  static const gint64 ids_dims[2] = {1, 1};
  static const gint64 flag_dims[1] = {1};
  Moonshine *self = decoding->model;
  guint8 use_cache = decoding->started;
  RpOrtValue *inputs[N_PLAIN_INPUTS + MAX_CACHE];
  RpOrtValue *outputs[1 + MAX_CACHE];
  RpOrtValue *ids;
  RpOrtValue *flag;
  gsize n_outputs = 1 + (decoding->started ? self->n_cache / 2 : self->n_cache);
  gboolean ok = FALSE;

  ids = rp_ort_value_new (self->ort, RP_ORT_INT64, &token, sizeof token, ids_dims, 2, error);
  if (ids == NULL)
    return FALSE;
  flag =
      rp_ort_value_new (self->ort, RP_ORT_BOOL, &use_cache, sizeof use_cache, flag_dims, 1, error);
  if (flag != NULL) {
    inputs[0] = ids;
    inputs[1] = decoding->encoded;
    inputs[2] = flag;
    memcpy (inputs + N_PLAIN_INPUTS, decoding->cache, self->n_cache * sizeof *inputs);
    ok = rp_ort_session_run (self->decoder, (const char *const *) self->input_names, inputs,
                             N_PLAIN_INPUTS + self->n_cache,
                             decoding->started ? self->step_output_names
                                               : (const char *const *) self->output_names,
                             outputs, n_outputs, error);
  }
  if (ok) {
    update_cache (decoding, outputs + 1, !decoding->started);
    decoding->started = TRUE;
    ok = best_token (self, outputs[0], out_next, error);
    rp_ort_value_free (self->ort, outputs[0]);
  }
  rp_ort_value_free (self->ort, flag);
  rp_ort_value_free (self->ort, ids);
  return ok;
}

static gboolean
is_cancelled (const gint *cancel, GError **error)
{
  if (g_atomic_int_get (cancel) == 0)
    return FALSE;
  g_set_error_literal (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_CANCELLED, "cancelled");
  return TRUE;
}

/* Appends the text of one piece. @pcm is used as working space. */
static gboolean
transcribe_piece (Moonshine *self, float *pcm, gsize n, const gint *cancel, GString *text,
                  GError **error)
{
  Decoding decoding = {.model = self};
  gsize max_tokens = EXTRA_TOKENS + n * MAX_TOKENS_PER_SECOND / RP_SPEECH_RATE_HZ;
  gint64 token = TOKEN_START;
  gboolean ok = !is_cancelled (cancel, error) && encode (self, pcm, n, &decoding.encoded, error) &&
                fill_empty_cache (&decoding, error);

  for (gsize i = 0; ok && i < max_tokens; i++) {
    ok = !is_cancelled (cancel, error) && decode_step (&decoding, token, &token, error);
    if (ok && token == TOKEN_END)
      break;
    if (ok)
      rp_vocab_append (self->vocab, text, token);
  }
  decoding_clear (&decoding);
  return ok;
}

static char *
moonshine_transcribe (RpStt *stt, const float *pcm, gsize n, const gint *cancel, GError **error)
{
  Moonshine *self = (Moonshine *) stt;
  RpSpan span = rp_utterance_trim (pcm, n);
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree float *piece = NULL;

  pcm += span.start;
  piece = g_new (float, MIN (MAX (span.n, MIN_SAMPLES), MAX_PIECE_SAMPLES) + TAIL_SAMPLES);
  while (span.n > 0) {
    gsize length = rp_utterance_next_piece (pcm, span.n, MAX_PIECE_SAMPLES);
    gsize padded = MAX (length, MIN_SAMPLES) + TAIL_SAMPLES;

    memcpy (piece, pcm, length * sizeof *piece);
    rp_utterance_normalise (piece, length);
    memset (piece + length, 0, (padded - length) * sizeof *piece);
    if (!transcribe_piece (self, piece, padded, cancel, text, error))
      return NULL;
    pcm += length;
    span.n -= length;
  }
  if (is_cancelled (cancel, error))
    return NULL;
  /* Each piece's text begins with a space. Byte tokens may end within a character. */
  return g_strstrip (g_utf8_make_valid (text->str, (gssize) text->len));
}

static void
moonshine_idle (RpStt *stt)
{
  /* The runtime frees its working memory, but malloc keeps it: without this a worker holds 12 MB
   * more after its first utterance. */
  malloc_trim (0);
}

static void
moonshine_free (RpStt *stt)
{
  Moonshine *self = (Moonshine *) stt;

  for (gsize i = 0; i < G_N_ELEMENTS (self->input_names); i++)
    g_free (self->input_names[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (self->output_names); i++)
    g_free (self->output_names[i]);
  rp_ort_session_free (self->encoder);
  rp_ort_session_free (self->decoder);
  rp_vocab_free (self->vocab);
  rp_ort_unref (self->ort);
  g_free (self);
}

static const RpSttClass moonshine_class = {
    .name = "moonshine",
    .transcribe = moonshine_transcribe,
    .idle = moonshine_idle,
    .free = moonshine_free,
};

static void
name_tensors (Moonshine *self)
{
  static const char *const kinds[CACHE_PER_LAYER] = {"decoder.key", "decoder.value", "encoder.key",
                                                     "encoder.value"};
  gsize n_step = 0;

  self->input_names[0] = g_strdup ("input_ids");
  self->input_names[1] = g_strdup ("encoder_hidden_states");
  self->input_names[2] = g_strdup ("use_cache_branch");
  self->output_names[0] = g_strdup ("logits");
  self->step_output_names[n_step++] = self->output_names[0];
  for (gsize i = 0; i < self->n_cache; i++) {
    gsize layer = i / CACHE_PER_LAYER;
    const char *kind = kinds[i % CACHE_PER_LAYER];

    self->input_names[N_PLAIN_INPUTS + i] =
        g_strdup_printf ("past_key_values.%" G_GSIZE_FORMAT ".%s", layer, kind);
    self->output_names[1 + i] = g_strdup_printf ("present.%" G_GSIZE_FORMAT ".%s", layer, kind);
    if (is_decoder_entry (i))
      self->step_output_names[n_step++] = self->output_names[1 + i];
  }
}

/* The encoder's output tells which size of the model it is. */
static gboolean
find_size (Moonshine *self, GError **error)
{
  static const struct {
    gint64 width;
    gsize n_layers;
    gint64 head_width;
  } sizes[] = {{288, 6, 36} /* tiny */, {416, 8, 52} /* base */};
  g_autofree float *silence = g_new0 (float, MIN_SAMPLES);
  RpOrtValue *encoded = NULL;
  gint64 dims[3] = {0, 0, 0};
  gboolean ok = encode (self, silence, MIN_SAMPLES, &encoded, error) &&
                rp_ort_value_floats (self->ort, encoded, dims, 3, error) != NULL;

  rp_ort_value_free (self->ort, encoded);
  if (!ok)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
    if (dims[2] == sizes[i].width) {
      self->width = sizes[i].width;
      self->n_layers = sizes[i].n_layers;
      self->head_width = sizes[i].head_width;
      self->n_cache = self->n_layers * CACHE_PER_LAYER;
      return TRUE;
    }
  }
  g_set_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS,
               "encoder of width %" G_GINT64_FORMAT ", neither tiny nor base", dims[2]);
  return FALSE;
}

static RpOrtSession *
load_session (RpOrt *ort, const char *dir, const char *file, GError **error)
{
  g_autofree char *path = g_build_filename (dir, file, NULL);

  return rp_ort_session_new (ort, path, error);
}

RpStt *
rp_stt_moonshine_new (RpOrt *ort, const char *models_dir, const char *model, GError **error)
{
  g_autofree char *dir =
      g_build_filename (models_dir, model != NULL ? model : "moonshine-tiny-en", NULL);
  g_autofree char *vocab_path = g_build_filename (models_dir, "vocab.txt", NULL);
  g_autofree float *silence = g_new0 (float, MIN_SAMPLES);
  g_autoptr (RpStt) stt = (RpStt *) g_new0 (Moonshine, 1);
  Moonshine *self = (Moonshine *) stt;
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GError) check_error = NULL;
  gint never = 0;

  stt->klass = &moonshine_class;
  self->ort = rp_ort_ref (ort);
  self->vocab = rp_vocab_new (vocab_path, error);
  if (self->vocab == NULL)
    return NULL;
  self->encoder = load_session (ort, dir, "encoder_model.onnx", error);
  if (self->encoder == NULL)
    return NULL;
  self->decoder = load_session (ort, dir, "decoder_model_merged.onnx", error);
  if (self->decoder == NULL)
    return NULL;

  if (find_size (self, &check_error)) {
    name_tensors (self);
    transcribe_piece (self, silence, MIN_SAMPLES, &never, text, &check_error);
  }
  if (check_error != NULL) {
    g_set_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS, "%s: %s", dir,
                 check_error->message);
    return NULL;
  }
  rp_stt_idle (stt);
  return g_steal_pointer (&stt);
}
