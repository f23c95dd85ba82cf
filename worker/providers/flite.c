#include <flite/flite.h>

#include "speakable.h"
#include "tts.h"

/* From the voice libraries, whose headers declare nothing. */
cst_voice *register_cmu_us_slt (const char *voxdir);
cst_voice *register_cmu_us_rms (const char *voxdir);
cst_voice *register_cmu_us_awb (const char *voxdir);
cst_voice *register_cmu_us_kal16 (const char *voxdir);

#define CHUNK_SAMPLES (RP_SPEECH_RATE_HZ / 50)
#define LEAD_SAMPLES (RP_SPEECH_RATE_HZ / 100)
#define TAIL_SAMPLES (RP_SPEECH_RATE_HZ / 10)
/* -44 dBFS: below it nobody hears a sound begin. */
#define AUDIBLE 200
#define MAX_CLOSURE_SAMPLES (RP_SPEECH_RATE_HZ / 10)
#define MIN_SPEED 0.5
#define MAX_SPEED 2.0

/* The gains bring the voices to one level, -20 dBFS on average. */
static const struct {
  const char *name;
  cst_voice *(*load) (const char *voxdir);
  float gain;
} voices[] = {
    {"slt", register_cmu_us_slt, 0.63f},
    {"rms", register_cmu_us_rms, 1.12f},
    {"awb", register_cmu_us_awb, 1.05f},
    {"kal16", register_cmu_us_kal16, 2.3f},
};

typedef struct {
  RpTts parent;
  cst_voice *voice;                    /* flite's own, for the life of the process */
  cst_audio_streaming_info *streaming; /* the voice's */
  float stretch;
  float gain;
} FliteTts;

/* One synthesis, as flite's callback sees it. */
typedef struct {
  const RpSpeakable *speakable;
  const RpTtsSink *sink;
  const gint *cancel;
  float gain;
  GArray *words; /* (nullable): of RpTtsWord, in flite's time; until the first audible sample */
  gboolean began;
  gboolean cancelled;
  /* The part of flite's audio that is given out. */
  gint64 from_samples;
  gint64 to_samples;
  gint64 onset_samples; /* all before this is known to be silent */
} Synthesis;

static gint64
end_of_segment (const cst_item *word, const char *path)
{
  return (gint64) (flite_ffeature_float (word, path) * RP_SPEECH_RATE_HZ);
}

/* Start and end of all that is spoken for @token; FALSE when nothing is. */
static gboolean
token_times (const cst_item *token, gint64 *out_start, gint64 *out_end)
{
  gboolean found = FALSE;

  for (const cst_item *word = item_daughter (token); word != NULL; word = item_next (word)) {
    gint64 start = end_of_segment (word, "R:SylStructure.daughter1.daughter1.R:Segment.p.end");
    gint64 end = end_of_segment (word, "R:SylStructure.daughtern.daughtern.R:Segment.end");

    if (end <= start)
      continue;
    if (!found)
      *out_start = start;
    *out_end = end;
    found = TRUE;
  }
  return found;
}

/* Gathers flite's tokens into the words of the text they came from. */
static GArray *
time_words (const Synthesis *synthesis, const cst_utterance *utt)
{
  const RpSpeakable *speakable = synthesis->speakable;
  GArray *words = g_array_new (FALSE, FALSE, sizeof (RpTtsWord));
  const cst_item *item = relation_head (utt_relation ((cst_utterance *) utt, "Token"));
  gint64 previous_end = 0;
  guint last_word = G_MAXUINT;

  for (guint i = 0; i < speakable->tokens->len && item != NULL; i++, item = item_next (item)) {
    guint index = g_array_index (speakable->tokens, RpSpokenToken, i).word;
    const RpSourceWord *source = &g_array_index (speakable->words, RpSourceWord, index);
    RpTtsWord word = {.offset_bytes = source->offset_bytes, .length_bytes = source->length_bytes};
    gint64 start = 0;
    gint64 end = 0;

    if (!token_times (item, &start, &end))
      continue;
    start = MAX (start, previous_end);
    end = MAX (end, start);
    previous_end = end;
    word.start_samples = (guint32) start;
    word.end_samples = (guint32) end;
    if (index == last_word)
      g_array_index (words, RpTtsWord, words->len - 1).end_samples = word.end_samples;
    else
      g_array_append_val (words, word);
    last_word = index;
  }
  return words;
}

/* All durations are known before the first sample is computed. */
static void
plan (Synthesis *synthesis, const cst_utterance *utt)
{
  RpTtsWord *word;

  synthesis->words = time_words (synthesis, utt);
  word = (RpTtsWord *) (void *) synthesis->words->data;
  if (synthesis->words->len == 0)
    return;
  synthesis->from_samples = MAX ((gint64) word[0].start_samples - LEAD_SAMPLES, 0);
  synthesis->to_samples = (gint64) word[synthesis->words->len - 1].end_samples + TAIL_SAMPLES;
  synthesis->onset_samples = word[0].start_samples;
}

/* Looks in the first @n samples for the first sound; FALSE when more are needed. A word that begins
 * with a stop consonant (please, table) begins with up to 0.1 s of silence, which at the start of
 * an utterance is only delay. */
static gboolean
find_onset (Synthesis *synthesis, const gint16 *pcm, gint64 n)
{
  const RpTtsWord *first = (const RpTtsWord *) (void *) synthesis->words->data;
  gint64 limit =
      synthesis->words->len == 0
          ? 0
          : MIN ((gint64) first->start_samples + MAX_CLOSURE_SAMPLES, first->end_samples);

  for (gint64 i = synthesis->onset_samples; i < limit; i++) {
    if (i >= n)
      return FALSE;
    if (ABS ((int) pcm[i]) >= AUDIBLE)
      limit = i;
  }
  synthesis->from_samples = MAX (synthesis->from_samples, limit - LEAD_SAMPLES);
  return TRUE;
}

static void
give_words (Synthesis *synthesis)
{
  RpTtsWord *word = (RpTtsWord *) (void *) synthesis->words->data;
  guint32 from = (guint32) synthesis->from_samples;

  synthesis->began = TRUE;
  for (guint i = 0; i < synthesis->words->len; i++) {
    word[i].start_samples -= MIN (word[i].start_samples, from);
    word[i].end_samples -= from;
  }
  if (synthesis->sink->words != NULL)
    synthesis->sink->words (word, synthesis->words->len, synthesis->sink->user_data);
}

static gboolean
give_audio (Synthesis *synthesis, const gint16 *pcm, gsize n)
{
  gint16 out[CHUNK_SAMPLES];

  for (gsize i = 0; i < n; i++)
    out[i] = (gint16) CLAMP ((float) pcm[i] * synthesis->gain, G_MININT16, G_MAXINT16);
  return synthesis->sink->audio (out, n, synthesis->sink->user_data);
}

static int
on_audio (const cst_wave *wave, int start, int size, int last, cst_audio_streaming_info *info)
{
  Synthesis *synthesis = info->userdata;
  gint64 computed = (gint64) start + size;
  gint64 to;

  if (synthesis->words == NULL)
    plan (synthesis, info->utt);
  if (!synthesis->began) {
    if (!find_onset (synthesis, wave->samples, computed) && !last)
      return CST_AUDIO_STREAM_CONT;
    give_words (synthesis);
  }
  to = MIN (computed, synthesis->to_samples);
  while (synthesis->from_samples < to) {
    gint64 n = MIN (to - synthesis->from_samples, CHUNK_SAMPLES);

    if (g_atomic_int_get (synthesis->cancel) != 0) {
      synthesis->cancelled = TRUE;
      return CST_AUDIO_STREAM_STOP;
    }
    if (!give_audio (synthesis, wave->samples + synthesis->from_samples, (gsize) n))
      return CST_AUDIO_STREAM_STOP;
    synthesis->from_samples += n;
  }
  return computed < synthesis->to_samples ? CST_AUDIO_STREAM_CONT : CST_AUDIO_STREAM_STOP;
}

static cst_utterance *
utterance_new (const RpSpeakable *speakable)
{
  cst_utterance *utt = new_utterance ();
  cst_relation *relation = utt_relation_create (utt, "Token");

  for (guint i = 0; i < speakable->tokens->len; i++) {
    const RpSpokenToken *token = &g_array_index (speakable->tokens, RpSpokenToken, i);
    cst_item *item = relation_append (relation, NULL);

    item_set_string (item, "name", token->name);
    item_set_string (item, "whitespace", i == 0 ? "" : " ");
    item_set_string (item, "prepunctuation", "");
    item_set_string (item, "punc", token->punctuation);
    item_set_int (item, "file_pos", 0);
    item_set_int (item, "line_number", 0);
  }
  return utt;
}

static gboolean
flite_tts_synthesize (RpTts *tts, const char *text, const RpTtsSink *sink, const gint *cancel,
                      GError **error)
{
  FliteTts *self = (FliteTts *) tts;
  g_autoptr (RpSpeakable) speakable = rp_speakable_new (text);
  Synthesis synthesis = {
      .speakable = speakable, .sink = sink, .cancel = cancel, .gain = self->gain};
  cst_utterance *utt = NULL;

  if (g_atomic_int_get (cancel) != 0) {
    synthesis.cancelled = TRUE;
  } else if (speakable->tokens->len > 0) {
    flite_feat_set_float (self->voice->features, "duration_stretch", self->stretch);
    self->streaming->userdata = &synthesis;
    utt = flite_do_synth (utterance_new (speakable), self->voice, utt_synth_tokens);
    self->streaming->userdata = NULL;
    g_clear_pointer (&synthesis.words, g_array_unref);
    if (utt == NULL && !synthesis.began) {
      g_set_error_literal (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_INFERENCE,
                           "the voice could not read the text");
      return FALSE;
    }
    delete_utterance (utt);
  }
  if (synthesis.cancelled) {
    g_set_error_literal (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_CANCELLED, "cancelled");
    return FALSE;
  }
  if (!synthesis.began && sink->words != NULL)
    sink->words (NULL, 0, sink->user_data);
  return TRUE;
}

static void
flite_tts_free (RpTts *tts)
{
  g_free (tts);
}

static const RpTtsClass flite_class = {
    .name = "flite",
    .synthesize = flite_tts_synthesize,
    .free = flite_tts_free,
};

/* The voice's own, made with its first user. */
static cst_audio_streaming_info *
voice_streaming (cst_voice *voice)
{
  const cst_val *old = flite_get_param_val (voice->features, "streaming_info", NULL);
  cst_audio_streaming_info *streaming;

  if (old != NULL)
    return val_audio_streaming_info (old);
  streaming = new_audio_streaming_info ();
  streaming->min_buffsize = CHUNK_SAMPLES;
  streaming->asc = on_audio;
  flite_feat_set (voice->features, "streaming_info", audio_streaming_info_val (streaming));
  return streaming;
}

static gboolean
ignore_audio (const gint16 *pcm, gsize n_samples, gpointer user_data)
{
  return TRUE;
}

RpTts *
rp_tts_flite_new (const RpTtsFliteConfig *config, GError **error)
{
  const char *name = config->voice != NULL ? config->voice : voices[0].name;
  double speed = config->speed != 0 ? config->speed : 1.0;
  FliteTts *self;
  gsize i = 0;

  if (!(speed >= MIN_SPEED && speed <= MAX_SPEED)) {
    g_set_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_INPUT, "speed %g is not in %g to %g",
                 speed, MIN_SPEED, MAX_SPEED);
    return NULL;
  }
  while (i < G_N_ELEMENTS (voices) && !g_str_equal (voices[i].name, name))
    i++;
  if (i == G_N_ELEMENTS (voices)) {
    g_set_error (error, RP_SPEECH_ERROR, RP_SPEECH_ERROR_MODELS,
                 "there is no voice \"%s\"; there are slt, rms, awb and kal16", name);
    return NULL;
  }
  flite_init ();
  self = g_new0 (FliteTts, 1);
  self->parent.klass = &flite_class;
  self->voice = voices[i].load (NULL);
  self->streaming = voice_streaming (self->voice);
  self->gain = voices[i].gain;
  self->stretch = (float) (1.0 / speed);
  /* What is made on first use is then made before the fork, once for all. */
  if (!rp_tts_synthesize (&self->parent, "Line 1.", &(RpTtsSink){.audio = ignore_audio}, NULL,
                          error))
    g_clear_pointer (&self, g_free);
  return (RpTts *) self;
}
