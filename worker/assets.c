#include "assets.h"

#include "json.h"
#include "stt-cost.h"
#include "template.h"

G_DEFINE_QUARK (rp_assets_error, rp_assets_error)

G_STATIC_ASSERT (RP_STT_COST_MAX >= RP_ASSETS_MAX_AGENTS);

static gboolean
is_scripted (const RpAgentModel *model)
{
  return g_strcmp0 (model->provider, "scripted") == 0;
}

static gboolean
unknown_provider (const RpAgent *agent, const char *what, const RpAgentModel *model,
                  const char *known, GError **error)
{
  g_set_error (error, RP_ASSETS_ERROR, RP_ASSETS_ERROR_PROVIDER,
               "%s/agent.json: %s.provider: \"%s\" is not one of %s", agent->dir, what,
               model->provider, known);
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

/* The runtime is loaded for the first model that needs it. */
static RpStt *
load_moonshine (RpAssets *assets, const char *models_dir, const char *name, GError **error)
{
  if (assets->ort == NULL)
    assets->ort = rp_ort_new (models_dir, error);
  return assets->ort != NULL ? rp_stt_moonshine_new (assets->ort, models_dir, name, error) : NULL;
}

static gboolean
load_stt (RpAssets *assets, RpAgentAssets *own, const char *models_dir, GError **error)
{
  const RpAgentModel *model = &own->agent->stt;
  if (!is_scripted (model) && !g_str_equal (model->provider, "moonshine"))
    return unknown_provider (own->agent, "stt", model, "\"moonshine\", \"scripted\"", error);
  g_autofree char *key =
      is_scripted (model) ? g_strdup_printf ("scripted %s", model->model) : moonshine_name (model);
  own->stt = g_hash_table_lookup (assets->stts, key);
  if (own->stt != NULL)
    return TRUE;
  const char *const texts[] = {model->model, NULL};
  own->stt = is_scripted (model) ? rp_stt_scripted_new (texts)
                                 : load_moonshine (assets, models_dir, key, error);
  if (own->stt == NULL)
    return FALSE;
  g_hash_table_insert (assets->stts, g_steal_pointer (&key), own->stt);
  return TRUE;
}

/* What the agent says in every call is ready before the first one. */
static void
prepare_phrases (const RpAgentAssets *own)
{
  const RpAgent *agent = own->agent;
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
    /* As the engine will, for a caller who is not known: one utterance per sentence. */
    g_autofree char *text = rp_text_render (texts->pdata[i], NULL);
    rp_sentence_input (splitter, text, -1);
    rp_sentence_end (splitter);
    RpSentenceOut piece;
    while (rp_sentence_poll (splitter, &piece)) {
      rp_voice_prepare (own->voice, piece.text);
      rp_sentence_out_clear (&piece);
    }
    rp_sentence_reset (splitter);
  }
}

static RpVoice *
make_voice (const RpAgentModel *model, GError **error)
{
  const RpTtsFliteConfig config = {.voice = model->voice, .speed = MAX (model->speed, 0)};
  RpTts *tts = is_scripted (model) ? rp_tts_scripted_new () : rp_tts_flite_new (&config, error);
  return tts != NULL ? rp_voice_new (tts, error) : NULL;
}

static gboolean
load_voice (RpAssets *assets, RpAgentAssets *own, GError **error)
{
  const RpAgentModel *model = &own->agent->tts;
  if (!is_scripted (model) && !g_str_equal (model->provider, "flite"))
    return unknown_provider (own->agent, "tts", model, "\"flite\", \"scripted\"", error);
  g_autofree char *key = g_strdup_printf ("%s %s %.3f", model->provider,
                                          model->voice != NULL ? model->voice : "", model->speed);
  own->voice = g_hash_table_lookup (assets->voices, key);
  if (own->voice == NULL) {
    own->voice = make_voice (model, error);
    if (own->voice == NULL) {
      g_prefix_error (error, "%s/agent.json: tts: ", own->agent->dir);
      return FALSE;
    }
    g_hash_table_insert (assets->voices, g_steal_pointer (&key), own->voice);
  }
  prepare_phrases (own);
  return TRUE;
}

static gboolean
check_brain (const RpAgent *agent, GError **error)
{
  const RpAgentModel *model = &agent->brain;
  return g_str_equal (model->provider, "builtin") || is_scripted (model) ||
         unknown_provider (agent, "brain", model, "\"builtin\", \"scripted\"", error);
}

static void
agent_assets_free (gpointer data)
{
  RpAgentAssets *own = data;
  rp_agent_free (own->agent);
  g_free (own);
}

/* Only reads files: every mistake of an author is found before a model is loaded. */
static gboolean
load_agent (RpAssets *assets, const char *dir, GError **error)
{
  RpAgent *agent = rp_agent_load (dir, error);
  if (agent == NULL)
    return FALSE;
  const RpAgentAssets *other =
      assets->agents->len > 0 ? rp_assets_find (assets, agent->name) : NULL;
  RpAgentAssets *own = g_new0 (RpAgentAssets, 1);
  own->agent = agent;
  g_ptr_array_add (assets->agents, own);
  if (other != NULL) {
    g_set_error (error, RP_ASSETS_ERROR, RP_ASSETS_ERROR_AGENTS,
                 "%s: another agent is named \"%s\" too, %s; rename one of the directories", dir,
                 agent->name, other->agent->dir);
    return FALSE;
  }
  return check_brain (agent, error);
}

static gboolean
load_agents (RpAssets *assets, const char *const *dirs, GError **error)
{
  guint n = dirs != NULL ? g_strv_length ((char **) dirs) : 0;
  if (n == 0 || n > RP_ASSETS_MAX_AGENTS) {
    g_set_error (error, RP_ASSETS_ERROR, RP_ASSETS_ERROR_AGENTS,
                 "1 to %d agents can be loaded, not %u", RP_ASSETS_MAX_AGENTS, n);
    return FALSE;
  }
  for (guint i = 0; i < n; i++) {
    if (!load_agent (assets, dirs[i], error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
load_stts (RpAssets *assets, const char *models_dir, GError **error)
{
  for (guint i = 0; i < assets->agents->len; i++) {
    if (!load_stt (assets, assets->agents->pdata[i], models_dir, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
load_voices (RpAssets *assets, GError **error)
{
  for (guint i = 0; i < assets->agents->len; i++) {
    if (!load_voice (assets, assets->agents->pdata[i], error))
      return FALSE;
  }
  return TRUE;
}

/* Returns: (transfer full) (element-type RpStt): each once; none that takes no time */
static GPtrArray *
costly_stts (const RpAssets *assets)
{
  GPtrArray *stts = g_ptr_array_new ();
  for (guint i = 0; i < assets->agents->len; i++) {
    const RpAgentAssets *own = assets->agents->pdata[i];
    if (!is_scripted (&own->agent->stt) && !g_ptr_array_find (stts, own->stt, NULL))
      g_ptr_array_add (stts, own->stt);
  }
  return stts;
}

static void
note_costs (RpAssets *assets, GPtrArray *stts, const gint64 *cost_us)
{
  for (guint i = 0; i < assets->agents->len; i++) {
    RpAgentAssets *own = assets->agents->pdata[i];
    guint index = 0;
    if (g_ptr_array_find (stts, own->stt, &index))
      own->stt_cpu_us = cost_us[index];
  }
}

static gboolean
load_models (RpAssets *assets, const char *models_dir, GError **error)
{
  assets->vad = rp_vad_model_new (models_dir, error);
  if (assets->vad == NULL || !load_stts (assets, models_dir, error))
    return FALSE;
  gint64 cost_us[RP_STT_COST_MAX];
  g_autoptr (GPtrArray) stts = costly_stts (assets);
  /* It computes while the phrases are spoken, so nothing is ready any later. */
  RpSttCost *cost = rp_stt_cost_start (stts);
  gboolean ok = load_voices (assets, error);
  if (rp_stt_cost_finish (cost, cost_us))
    note_costs (assets, stts, cost_us);
  else if (ok && stts->len > 0)
    g_printerr ("repartee-worker: what a transcript takes could not be measured: the server will "
                "not see a crowd before it speaks\n");
  return ok;
}

RpAssets *
rp_assets_load (const char *const *agent_dirs, const char *models_dir, GError **error)
{
  g_autofree char *default_dir = models_dir == NULL ? rp_models_dir () : NULL;
  g_autoptr (RpAssets) assets = g_new0 (RpAssets, 1);
  assets->stts =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) rp_stt_free);
  assets->voices =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) rp_voice_free);
  assets->agents = g_ptr_array_new_with_free_func (agent_assets_free);
  if (!load_agents (assets, agent_dirs, error) ||
      !load_models (assets, models_dir != NULL ? models_dir : default_dir, error))
    return NULL;
  return g_steal_pointer (&assets);
}

void
rp_assets_free (RpAssets *assets)
{
  if (assets == NULL)
    return;
  g_ptr_array_unref (assets->agents);
  g_hash_table_unref (assets->voices);
  g_hash_table_unref (assets->stts);
  rp_vad_model_free (assets->vad);
  g_clear_pointer (&assets->ort, rp_ort_unref);
  g_free (assets);
}

const RpAgentAssets *
rp_assets_find (const RpAssets *assets, const char *name)
{
  for (guint i = 0; i < assets->agents->len; i++) {
    const RpAgentAssets *own = assets->agents->pdata[i];
    if (name == NULL || g_str_equal (own->agent->name, name))
      return own;
  }
  return NULL;
}

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
describe_agent (JsonBuilder *builder, const RpAgentAssets *own)
{
  const RpAgent *agent = own->agent;
  json_builder_begin_object (builder);
  add_string (builder, "name", agent->name);
  add_string (builder, "title", agent->title);
  add_string (builder, "description", agent->description);
  add_string (builder, "voice", agent->tts.voice != NULL ? agent->tts.voice : "slt");
  add_string (builder, "stt", rp_stt_name (own->stt));
  if (own->stt_cpu_us > 0) {
    json_builder_set_member_name (builder, "stt_cpu_us");
    json_builder_add_int_value (builder, own->stt_cpu_us);
  }
  add_string (builder, "brain", agent->brain.provider);
  json_builder_end_object (builder);
}

char *
rp_assets_describe (const RpAssets *assets, const char *sandbox)
{
  JsonBuilder *builder = json_builder_new ();
  json_builder_begin_object (builder);
  add_string (builder, "version", RP_VERSION);
  json_builder_set_member_name (builder, "agents");
  json_builder_begin_array (builder);
  for (guint i = 0; i < assets->agents->len; i++)
    describe_agent (builder, assets->agents->pdata[i]);
  json_builder_end_array (builder);
  json_builder_set_member_name (builder, "models");
  json_builder_begin_object (builder);
  if (assets->ort != NULL)
    add_string (builder, "runtime", rp_ort_version (assets->ort));
  add_string (builder, "vad", "silero");
  json_builder_end_object (builder);
  if (sandbox != NULL)
    add_string (builder, "sandbox", sandbox);
  json_builder_end_object (builder);
  return rp_json_builder_to_string (builder);
}
