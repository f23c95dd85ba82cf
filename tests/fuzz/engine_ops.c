/* The conversation engine given any events in any order, with ids that are alive, dead or never
 * were: the rules of the audit hold, time goes on, and what it keeps stays bounded. */
#include "audit.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define MAX_OPS 400

typedef struct {
  RpEngine *engine;
  RpEngineConfig config;
  Audit *audit;
  gint64 now_us;
  guint32 job, generation, utterance;
  char *call_id;
  char *page_id; /* the last call of a function of the client */
  GBytes *checkpoint;
  gboolean hung_up;
} Driver;

static void
carry_out (Driver *self, RpEngineAction *action)
{
  audit_action (self->audit, action);
  switch (action->type) {
  case RP_ENGINE_STT_START:
    self->job = action->id;
    break;
  case RP_ENGINE_LLM_START:
    self->generation = action->id;
    /* More than it only when one message called that many tools. */
    g_assert_cmpuint (action->messages->len, <=, self->config.max_context_messages + 18);
    break;
  case RP_ENGINE_SPEAK:
    self->utterance = action->id;
    break;
  case RP_ENGINE_TOOL_CALL:
    g_free (self->call_id);
    self->call_id = g_strdup (action->call->id);
    break;
  case RP_ENGINE_CHECKPOINT:
    g_clear_pointer (&self->checkpoint, g_bytes_unref);
    self->checkpoint = rp_engine_checkpoint (self->engine);
    g_assert_cmpuint (g_bytes_get_size (self->checkpoint), <=, RP_ENGINE_MAX_CHECKPOINT_BYTES);
    break;
  case RP_ENGINE_HANG_UP:
    self->hung_up = TRUE;
    break;
  case RP_ENGINE_STT_CANCEL:
  case RP_ENGINE_LLM_CANCEL:
  case RP_ENGINE_RELEASE:
  case RP_ENGINE_TTS_CANCEL:
  case RP_ENGINE_FLUSH:
    break;
  case RP_ENGINE_EMIT:
    if (action->emit.type == RP_EMIT_TOOL_CALL && action->emit.client) {
      g_free (self->page_id);
      self->page_id = g_strdup (action->emit.call->id);
    }
    break;
  }
}

static void
drain (Driver *self)
{
  RpEngineAction action = {0};
  while (rp_engine_poll (self->engine, self->now_us, &action)) {
    carry_out (self, &action);
    rp_engine_action_clear (&action);
  }
  g_assert_cmpint (rp_engine_deadline (self->engine), >, self->now_us);
}

static void
replace (Driver *self, guint arg)
{
  if (self->checkpoint == NULL)
    return;
  RpEnginePlayed played[] = {{MAX (self->utterance, 2) - 1, arg, arg / 2, TRUE},
                             {MAX (self->utterance, 2), arg, 0, (arg & 1) != 0}};
  g_autoptr (GBytes) checkpoint = g_bytes_ref (self->checkpoint);
  rp_engine_free (self->engine);
  self->engine = rp_engine_new (&self->config, 0, self->now_us);
  audit_replaced (self->audit);
  g_assert_true (
      rp_engine_resume (self->engine, self->now_us, checkpoint, played, arg % 3, TRUE, NULL));
}

static guint32
id_of (const Driver *self, RpEngineEventType type, guint back)
{
  guint32 newest = self->utterance;
  if (type == RP_ENGINE_STT_RESULT || type == RP_ENGINE_STT_FAILED)
    newest = self->job;
  else if (type >= RP_ENGINE_LLM_DELTA && type <= RP_ENGINE_LLM_FAILED)
    newest = self->generation;
  return newest > back ? newest - back : 0;
}

static void
input (Driver *self, RpEngineEventType type, guint8 arg)
{
  static const char *const texts[] = {"",
                                      "Yes.",
                                      "What are your prices?",
                                      "um",
                                      "I would like a",
                                      "One two. Three. Four?",
                                      "x",
                                      "\xf0\x9f\x99\x82"};
  static const char *const tools[] = {"book_room", "list_bookings", "end_call", "show", "tell"};
  static const RpEngineWord words[] = {{2, 640}, {5, 9600}, {4, 100}, {900, 7}};
  const char *text = texts[arg % G_N_ELEMENTS (texts)];
  g_autoptr (RpToolCall) call = rp_tool_call_new (text, tools[arg % G_N_ELEMENTS (tools)], "{}");
  RpEngineEvent event = {.type = type,
                         .id = id_of (self, type, arg >> 6),
                         .at_us = self->now_us - (arg % 16) * 20000,
                         .pos_samples = self->now_us / 1000 * 16 - (arg % 16) * 320,
                         .text = text,
                         .result = text,
                         .n_frames = arg % 64u,
                         .words = words,
                         .n_words = arg % (G_N_ELEMENTS (words) + 1),
                         .flag = (arg & 1) != 0,
                         .flag2 = (arg & 2) != 0,
                         .expect = (RpExpect) (arg % (RP_EXPECT_MESSAGE + 1))};
  if (type == RP_ENGINE_LLM_TOOL_CALL)
    event.call = call;
  if ((type == RP_ENGINE_TOOL_RESULT || type == RP_ENGINE_TOOL_FAILED) && self->call_id != NULL)
    event.text = self->call_id;
  if ((type == RP_ENGINE_CLIENT_RESULT || type == RP_ENGINE_CLIENT_FAILED) && self->page_id != NULL)
    event.text = self->page_id;
  rp_engine_input (self->engine, self->now_us, &event);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  if (size < 1)
    return 0;
  const char *const prompts[] = {"Are you still there?", NULL};
  static const RpEngineClientTool functions[] = {{"show", 3000, FALSE}, {"tell", 3000, TRUE}};
  Driver self = {.now_us = G_USEC_PER_SEC};
  rp_engine_config_init (&self.config);
  self.config.greeting = "Hello there. How can I help?";
  self.config.system_prompt = "Be kind.";
  self.config.idle_prompts = prompts;
  self.config.client_tools = functions;
  self.config.n_client_tools = G_N_ELEMENTS (functions);
  self.config.max_context_messages = 12;
  self.config.interruptible = (data[0] & 1) == 0;
  self.config.preemptive = (data[0] & 2) == 0;
  self.config.nods_interrupt = (data[0] & 4) != 0;
  self.engine = rp_engine_new (&self.config, 0, self.now_us);
  self.audit = audit_new (self.config.interruptible);

  for (size_t i = 1; i + 1 < size && i < 2 * MAX_OPS; i += 2) {
    guint op = data[i] % (RP_ENGINE_DRAIN + 8);
    if (op <= RP_ENGINE_DRAIN)
      input (&self, (RpEngineEventType) op, data[i + 1]);
    else if (op == RP_ENGINE_DRAIN + 1)
      replace (&self, data[i + 1]);
    else
      self.now_us += (gint64) data[i + 1] * (op == RP_ENGINE_DRAIN + 2 ? 100000 : 5000);
    drain (&self);
    g_assert_true (rp_messages_tool_pairs_whole (rp_engine_messages (self.engine)));
    g_assert_cmpuint (rp_engine_messages (self.engine)->len, <, 64);
  }
  rp_engine_free (self.engine);
  audit_free (self.audit);
  g_free (self.call_id);
  g_free (self.page_id);
  g_clear_pointer (&self.checkpoint, g_bytes_unref);
  return 0;
}
