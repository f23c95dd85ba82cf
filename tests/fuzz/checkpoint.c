/* A checkpoint is foreign bytes: taken up or refused, and what is taken up can be gone on with. */
#include "engine.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
drain (RpEngine *engine, gint64 now_us)
{
  RpEngineAction action = {0};
  while (rp_engine_poll (engine, now_us, &action))
    rp_engine_action_clear (&action);
  g_assert_cmpint (rp_engine_deadline (engine), >, now_us);
}

static void
go_on (RpEngine *engine)
{
  static const RpEngineEventType types[] = {RP_ENGINE_PLAYOUT_PROGRESS, RP_ENGINE_PLAYOUT_ENDED,
                                            RP_ENGINE_CLIENT_TEXT,      RP_ENGINE_PLAYOUT_FLUSHED,
                                            RP_ENGINE_LLM_DONE,         RP_ENGINE_TOOL_RESULT};
  gint64 now_us = G_USEC_PER_SEC;
  drain (engine, now_us);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    RpEngineEvent event = {
        .type = types[i], .id = 1, .n_frames = 9, .text = "call_1", .flag = TRUE};
    rp_engine_input (engine, now_us, &event);
    drain (engine, now_us);
    now_us += 11 * G_USEC_PER_SEC;
    drain (engine, now_us);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  RpEngineConfig config;
  rp_engine_config_init (&config);
  /* Exactly as long as it is, and aligned as what comes from a socket may not be. */
  g_autoptr (GBytes) checkpoint = g_bytes_new (data, size);
  const RpEnginePlayed played[] = {{1, 40, 20, TRUE}, {2, 10, 0, FALSE}};
  for (guint n = 0; n <= G_N_ELEMENTS (played); n++) {
    g_autoptr (RpEngine) engine = rp_engine_new (&config, 0, 0);
    g_autoptr (GError) error = NULL;
    if (rp_engine_resume (engine, G_USEC_PER_SEC, checkpoint, played, n, n > 0, &error))
      g_assert_true (rp_messages_tool_pairs_whole (rp_engine_messages (engine)));
    else
      g_assert_cmpuint (rp_engine_messages (engine)->len, ==, 0);
    go_on (engine);
    g_autoptr (GBytes) next = rp_engine_checkpoint (engine);
    g_assert_cmpuint (g_bytes_get_size (next), <=, RP_ENGINE_MAX_CHECKPOINT_BYTES);
  }
  return 0;
}
