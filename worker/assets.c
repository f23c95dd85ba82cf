#include "assets.h"

#include "json.h"

G_DEFINE_QUARK (rp_assets_error, rp_assets_error)

static gboolean
is_scripted (const RpAgentModel *model)
{
  return g_strcmp0 (model->provider, "scripted") == 0;
}

static gboolean
unknown_provider (const char *what, const RpAgentModel *model, const char *known, GError **error)
{
  g_set_error (error, RP_ASSETS_ERROR, RP_ASSETS_ERROR_PROVIDER,
               "%s.provider \"%s\" is not one of %s", what, model->provider, known);
  return FALSE;
}

/* "tiny" and "en" are in moonshine-tiny-en. Returns: (transfer full) */
static char *
moonshine_name (const RpAgentModel *model)
{
  if (model->model != NULL && g_str_has_prefix (model->model, "moonshine-"))
    return g_strdup (model->model);
  return g_strdup_printf ("moonshine-%s-%s", model->model != NULL ? model->model : "tiny",
                          model->language != NULL ? model->language : "en");
}

static gboolean
load_stt (RpAssets *assets, const char *models_dir, GError **error)
{
  const RpAgentModel *model = &assets->agent->stt;
  if (is_scripted (model)) {
    const char *const texts[] = {model->model, NULL};
    assets->stt = rp_stt_scripted_new (texts);
  } else if (model->provider == NULL || g_str_equal (model->provider, "moonshine")) {
    g_autofree char *name = moonshine_name (model);
    assets->stt = rp_stt_moonshine_new (assets->ort, models_dir, name, error);
  } else {
    return unknown_provider ("stt", model, "\"moonshine\", \"scripted\"", error);
  }
  return assets->stt != NULL;
}

/* What the agent says in every call is ready before the first one. */
static void
prepare_phrases (RpAssets *assets)
{
  const RpAgent *agent = assets->agent;
  g_autoptr (RpSentence) splitter = rp_sentence_new (&agent->sentence);
  g_autoptr (GPtrArray) texts = g_ptr_array_new ();
  g_ptr_array_add (texts, agent->greeting);
  g_ptr_array_add (texts, agent->empty_turn_text);
  g_ptr_array_add (texts, agent->brain_failure_text);
  g_ptr_array_add (texts, agent->idle_goodbye);
  g_ptr_array_extend (texts, agent->idle_texts, NULL, NULL);
  for (guint i = 0; i < texts->len; i++) {
    if (texts->pdata[i] == NULL)
      continue;
    /* As the engine will: one utterance per sentence. */
    rp_sentence_input (splitter, texts->pdata[i], -1);
    rp_sentence_end (splitter);
    RpSentenceOut piece;
    while (rp_sentence_poll (splitter, &piece)) {
      rp_voice_prepare (assets->voice, piece.text);
      rp_sentence_out_clear (&piece);
    }
    rp_sentence_reset (splitter);
  }
}

static gboolean
load_voice (RpAssets *assets, GError **error)
{
  const RpAgentModel *model = &assets->agent->tts;
  RpTts *tts;
  if (is_scripted (model)) {
    tts = rp_tts_scripted_new ();
  } else if (model->provider == NULL || g_str_equal (model->provider, "flite")) {
    const RpTtsFliteConfig config = {.voice = model->voice, .speed = MAX (model->speed, 0)};
    tts = rp_tts_flite_new (&config, error);
  } else {
    return unknown_provider ("tts", model, "\"flite\", \"scripted\"", error);
  }
  if (tts == NULL)
    return FALSE;
  assets->voice = rp_voice_new (tts, error);
  if (assets->voice == NULL)
    return FALSE;
  prepare_phrases (assets);
  return TRUE;
}

static gboolean
check_brain (const RpAssets *assets, GError **error)
{
  const RpAgentModel *model = &assets->agent->brain;
  return model->provider == NULL || g_str_equal (model->provider, "builtin") ||
         is_scripted (model) ||
         unknown_provider ("brain", model, "\"builtin\", \"scripted\"", error);
}

RpAssets *
rp_assets_load (const char *agent_dir, const char *models_dir, GError **error)
{
  g_autofree char *default_dir = models_dir == NULL ? rp_models_dir () : NULL;
  if (models_dir == NULL)
    models_dir = default_dir;
  g_autoptr (RpAssets) assets = g_new0 (RpAssets, 1);
  assets->agent = rp_agent_load (agent_dir, error);
  if (assets->agent == NULL || !check_brain (assets, error))
    return NULL;
  assets->ort = rp_ort_new (models_dir, error);
  if (assets->ort == NULL)
    return NULL;
  assets->vad = rp_vad_model_new (assets->ort, models_dir, error);
  if (assets->vad == NULL || !load_stt (assets, models_dir, error) || !load_voice (assets, error))
    return NULL;
  return g_steal_pointer (&assets);
}

void
rp_assets_free (RpAssets *assets)
{
  if (assets == NULL)
    return;
  rp_voice_free (assets->voice);
  rp_stt_free (assets->stt);
  rp_vad_model_free (assets->vad);
  g_clear_pointer (&assets->ort, rp_ort_unref);
  rp_agent_free (assets->agent);
  g_free (assets);
}

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

char *
rp_assets_describe (const RpAssets *assets)
{
  const RpAgent *agent = assets->agent;
  JsonBuilder *builder = json_builder_new ();
  json_builder_begin_object (builder);
  add_string (builder, "version", RP_VERSION);
  add_string (builder, "agent", agent->name);
  json_builder_set_member_name (builder, "models");
  json_builder_begin_object (builder);
  add_string (builder, "runtime", rp_ort_version (assets->ort));
  add_string (builder, "vad", "silero");
  add_string (builder, "stt", rp_stt_name (assets->stt));
  add_string (builder, "brain", agent->brain.provider != NULL ? agent->brain.provider : "builtin");
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "voices");
  json_builder_begin_array (builder);
  json_builder_add_string_value (builder, agent->tts.voice != NULL ? agent->tts.voice : "slt");
  json_builder_end_array (builder);
  json_builder_end_object (builder);
  return rp_json_builder_to_string (builder);
}
