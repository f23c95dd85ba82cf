#include "engine-setup.h"

/* Silero's own distance between the thresholds to enter and to leave speech. */
#define VAD_HYSTERESIS 0.15
#define VAD_LEAST_THRESHOLD 0.01

static void
set_texts (RpEngineConfig *config, const RpAgent *agent)
{
  config->system_prompt = agent->prompt;
  config->greeting = agent->greeting != NULL && *agent->greeting != '\0' ? agent->greeting : NULL;
  if (agent->empty_turn_text != NULL)
    config->not_heard = agent->empty_turn_text;
  if (agent->brain_failure_text != NULL)
    config->brain_failed = agent->brain_failure_text;
  if (agent->idle_goodbye != NULL)
    config->idle_goodbye = agent->idle_goodbye;
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

RpEngine *
rp_engine_setup (const RpAgent *agent, gint64 unix_offset_us, gint64 now_us)
{
  RpEngineConfig config;
  rp_engine_config_init (&config);
  set_texts (&config, agent);
  set_times (&config, agent);
  config.max_context_messages = agent->context_messages;
  config.sentence = agent->sentence;
  g_autofree const char **prompts = g_new0 (const char *, agent->idle_texts->len + 1);
  for (guint i = 0; i < agent->idle_texts->len; i++)
    prompts[i] = agent->idle_texts->pdata[i];
  config.idle_prompts = prompts;
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
