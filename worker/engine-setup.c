#include "engine-setup.h"

#include "template.h"

/* Silero's own distance between the thresholds to enter and to leave speech. */
#define VAD_HYSTERESIS 0.15
#define VAD_LEAST_THRESHOLD 0.01

/* Texts with what is known of the caller, kept in @texts. */
static const char *
render (GPtrArray *texts, const char *text, GHashTable *data)
{
  g_ptr_array_add (texts, rp_text_render (text, data));
  return texts->pdata[texts->len - 1];
}

static void
set_texts (RpEngineConfig *config, const RpAgent *agent, GPtrArray *texts, GHashTable *data)
{
  config->system_prompt = agent->prompt;
  config->greeting = render (texts, agent->greeting, data);
  config->not_heard = render (texts, agent->empty_turn_text, data);
  config->brain_failed = render (texts, agent->brain_failure_text, data);
  config->idle_goodbye = render (texts, agent->idle_goodbye, data);
}

static void
set_times (RpEngineConfig *config, const RpAgent *agent)
{
  const RpAgentTurn *turn = &agent->turn;
  config->incomplete_stop_ms = turn->incomplete_stop_ms;
  config->max_stop_ms = turn->max_stop_ms;
  config->max_turn_ms = turn->max_turn_ms;
  config->idle_prompt_ms = turn->idle_prompt_ms;
  config->max_idle_prompts = turn->idle_prompts;
  config->interruptible = turn->interruptible;
  config->nods_interrupt = turn->backchannels_interrupt;
  if (agent->stt.timeout_ms > 0)
    config->stt_timeout_ms = (guint) agent->stt.timeout_ms;
  if (agent->brain.timeout_ms > 0)
    config->brain_timeout_ms = (guint) agent->brain.timeout_ms;
}

/* Returns: (transfer full): their strings are those of @agent */
static RpEngineClientTool *
client_tools (const RpAgent *agent)
{
  RpEngineClientTool *tools = g_new0 (RpEngineClientTool, agent->client_tools->len + 1);
  for (guint i = 0; i < agent->client_tools->len; i++) {
    const RpAgentClientTool *tool = agent->client_tools->pdata[i];
    tools[i] = (RpEngineClientTool){tool->name, tool->timeout_ms, tool->notify};
  }
  return tools;
}

RpEngine *
rp_engine_setup (const RpAgent *agent, GHashTable *data, gint64 unix_offset_us, gint64 now_us)
{
  RpEngineConfig config;
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  rp_engine_config_init (&config);
  set_texts (&config, agent, texts, data);
  set_times (&config, agent);
  config.max_context_messages = agent->context_messages;
  config.sentence = agent->sentence;
  g_autofree const char **prompts = g_new0 (const char *, agent->idle_texts->len + 1);
  for (guint i = 0; i < agent->idle_texts->len; i++)
    prompts[i] = render (texts, agent->idle_texts->pdata[i], data);
  config.idle_prompts = prompts;
  g_autofree RpEngineClientTool *tools = client_tools (agent);
  config.client_tools = tools;
  config.n_client_tools = agent->client_tools->len;
  return rp_engine_new (&config, unix_offset_us, now_us);
}

RpVadGate *
rp_vad_gate_setup (const RpAgentTurn *turn)
{
  RpVadGateConfig config;
  rp_vad_gate_config_init (&config);
  config.start_threshold = (float) turn->vad_threshold;
  config.stop_threshold = (float) MAX (turn->vad_threshold - VAD_HYSTERESIS, VAD_LEAST_THRESHOLD);
  config.start_ms = turn->vad_start_ms;
  config.stop_ms = turn->vad_stop_ms;
  config.pause_ms = MIN (config.pause_ms, config.stop_ms);
  return rp_vad_gate_new (&config);
}

gint64
rp_engine_tool_patience_us (void)
{
  RpEngineConfig config;
  rp_engine_config_init (&config);
  return (gint64) config.tool_timeout_ms * 1000;
}
