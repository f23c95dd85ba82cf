/* The engine's parts share this state; nothing outside worker/core/engine includes it.
 *
 *   engine.c             events in, actions out, timers
 *   engine-turn.c        the user's turn: speech, transcripts, when it has ended
 *   engine-generation.c  the brain's runs and what is said: generations, utterances
 *   engine-playout.c     what was heard, interruption
 *   engine-tools.c       tool calls, each with one terminal state
 *   engine-checkpoint.c  memory for a replacement */
#pragma once

#include "engine.h"
#include "sentence.h"

/* The context given to a brain, and so what is kept of it. */
#define RP_ENGINE_MAX_CONTEXT_BYTES (64 * 1024)
/* Pieces of one turn are one message up to this length. */
#define RP_ENGINE_MAX_TURN_BYTES (16 * 1024)

typedef enum {
  TIMER_PARTIAL, /* the next partial transcript */
  TIMER_TURN,    /* decide about the turn again */
  TIMER_LIMIT,   /* the turn has become too long */
  TIMER_STT,     /* the final transcript is overdue */
  TIMER_BRAIN,   /* the next token is overdue */
  TIMER_TTS,     /* a voice is overdue */
  TIMER_FLUSH,   /* the server's answer to a flush is overdue */
  TIMER_TOOLS,   /* a tool is overdue */
  TIMER_IDLE,    /* nobody has spoken for long */
  TIMER_STALL,   /* the client's audio has been away for long */
  N_TIMERS,
} TimerId;

typedef enum {
  TURN_IDLE,     /* the user is silent */
  TURN_SPEAKING, /* the user speaks */
  TURN_PAUSED,   /* the stop window runs */
  TURN_WAITING,  /* the stop window has passed, the turn is not decided yet */
} TurnPhase;

/* What becomes of the agent's speech that a turn cut, when the turn turns out to be nothing. */
typedef struct {
  char *text;          /* (nullable) sentences to say again from the one that was cut */
  gboolean unanswered; /* a generation was dropped before it, or what its tools found, was said */
  gboolean end_call;   /* it was the goodbye */
  RpExpect expect;     /* what it asked for */
} CarryOn;

typedef struct {
  TurnPhase phase;
  gint64 from_samples; /* start of the audio not yet transcribed for good */
  gint64 onset_us;     /* arrival of the first speech */
  gint64 onset_samples;
  gint64 end_samples;     /* end of the last speech */
  gint64 end_us;          /* its arrival */
  gint64 speech_samples;  /* of speech in this turn, for telling noise from words */
  GString *committed;     /* text of the segments already transcribed for good */
  char *segment;          /* (nullable) newest transcript of the current segment */
  gboolean cut;           /* too long: it ends with the next transcript */
  gboolean segment_final; /* it covers all speech so far */
  guint32 final_job;      /* running, or 0 */
  guint32 partial_job;
  gint64 job_started_us;
  double stt_ms; /* the final job's time, negative: none */
  gboolean stalled;
  gint64 stalled_since_us;
  CarryOn carry_on;
  gboolean over_speech; /* it began over the agent's speech, and not over a question */
} UserTurn;

typedef enum {
  TOOL_WAITING, /* of a tentative generation: not started */
  TOOL_RUNNING,
  TOOL_DONE,
  TOOL_FAILED,
} ToolState;

typedef struct {
  RpToolCall *call;
  const RpEngineClientTool *client; /* (nullable) the function of the client that it calls */
  ToolState state;
  char *result; /* JSON, once terminal */
  gint64 deadline_us;
} ToolRecord;

/* One run of the brain, or something the engine says on its own account. */
typedef struct {
  guint32 id;
  gboolean own;       /* said by the engine: no brain runs */
  gboolean tentative; /* on an early transcript: nothing may leave before the turn has ended */
  gboolean llm_done;
  gboolean dead;      /* interrupted or failed: only its tools still matter */
  gboolean text_only; /* answered in writing */
  gboolean end_call;  /* hang up when all was heard */
  gboolean got_delta;
  gint64 brain_us;         /* the brain's last sign of life */
  gboolean tools_recorded; /* calls and results are in the context */
  RpExpect expect;
  RpSentence *splitter;
  GString *text;  /* everything the brain wrote */
  GString *heard; /* whole utterances that were heard */
  RpMessage
      *message; /* (nullable) in engine->messages once something was heard or a tool was called */
  RpMessage *after;   /* (nullable) the message it answers: where its own belongs */
  GPtrArray *tools;   /* of ToolRecord */
  guint n_utterances; /* not ended */
  gint64 started_us;
  RpTurnMetrics metrics;
  gint64 turn_end_us; /* end of the user's speech it answers, or 0 */
} Generation;

typedef struct {
  guint32 id;
  Generation *generation;
  char *text;
  RpEngineWord *words;
  guint n_words;
  gboolean has_words;
  gboolean started;
  gboolean done; /* n_frames is known */
  guint n_frames;
  guint frames_played;
  gint64 spoken_us; /* when it was given to the TTS */
} Utterance;

struct _RpEngine {
  RpEngineConfig config;
  gint64 unix_offset_us;
  gint64 now_us;
  GQueue actions; /* of RpEngineAction */
  gint64 timers[N_TIMERS];

  GPtrArray *messages;
  GHashTable *call_ids; /* set of char *: of all tools called so far */
  gboolean connected;
  gboolean draining;
  gboolean resumed; /* goes on from a checkpoint */
  gboolean hung_up;
  guint idle_prompts;
  guint not_heard_count; /* in a row */
  guint ignored_results; /* of the client's functions */
  guint tool_steps;      /* generations in a row that ended in tool calls */
  gboolean text_only;    /* the last turn was typed by a client that wants no voice */
  gboolean lost_words;   /* the user spoke when the worker died */
  RpExpect expect;       /* of the last generation that was heard out */

  UserTurn turn;
  guint32 next_job;

  guint32 next_generation;
  guint32 next_utterance;
  GPtrArray *generations; /* of Generation, live, oldest first */
  GQueue utterances;      /* of Utterance, not ended, in playing order */
  gboolean speaking;      /* AGENT_STARTED_SPEAKING was told */
  gint64 voice_us;        /* the voice's last sign of life */

  gboolean flushing;        /* FLUSH was sent, its answer has not come */
  guint flushes_unanswered; /* that one, and those that were not waited for */
  gint64 flush_onset_us;
  gboolean wants_generation;    /* as soon as flush and tools are settled */
  gboolean wants_again;         /* what was said on the way to the answer is no answer */
  RpTurnMetrics answer_metrics; /* of the turn that the next generation answers */
  gint64 answer_end_us;         /* end of that turn's speech, or 0 */
  Generation *tentative;        /* (nullable) in generations */
  char *tentative_text;
};

/* engine.c */
RpEngineAction *rp_engine_push (RpEngine *engine, RpEngineActionType type);
RpEngineEmit *rp_engine_emit (RpEngine *engine, RpEmitType type);
void rp_engine_checkpoint_soon (RpEngine *engine);
void rp_engine_set_timer (RpEngine *engine, TimerId timer, gint64 at_us);
/* A call may last for hours: what no brain is given any more is forgotten. */
void rp_engine_trim_context (RpEngine *engine);
gint64 rp_engine_unix_s (const RpEngine *engine);
void rp_engine_hang_up (RpEngine *engine);
void rp_engine_idle_restart (RpEngine *engine);

/* engine-turn.c */
void rp_turn_init (UserTurn *turn);
void rp_turn_clear (UserTurn *turn);
void rp_turn_input (RpEngine *engine, const RpEngineEvent *event);
void rp_turn_timer (RpEngine *engine, TimerId timer);
gboolean rp_turn_is_active (const RpEngine *engine);
/* Adds what the user said to the context: to the last message when it was not answered yet. */
void rp_turn_append_user (RpEngine *engine, GPtrArray *messages, const char *text);

/* engine-generation.c */
void rp_generation_free (Generation *generation);
void rp_utterance_free (Utterance *utterance);
Generation *rp_generation_find (RpEngine *engine, guint32 id);
/* Runs the brain on the context as soon as nothing stands in the way: what one generation says is
 * never mixed with what another one does. */
void rp_generation_brain_is_alive (RpEngine *engine, Generation *generation);
gboolean rp_generation_is_thinking (const RpEngine *engine);
void rp_generation_want (RpEngine *engine);
/* The same for an answer that was cut before it began. */
void rp_generation_want_again (RpEngine *engine);
void rp_generation_try (RpEngine *engine);
void rp_generation_start_tentative (RpEngine *engine, const char *text);
void rp_generation_confirm_tentative (RpEngine *engine);
void rp_generation_drop_tentative (RpEngine *engine);
void rp_generation_say (RpEngine *engine, const char *text, gboolean end_call);
/* To nobody when media never flowed; then the call ends. */
void rp_generation_say_goodbye (RpEngine *engine);
/* Takes up again what was cut. Returns: FALSE when that was nothing. */
gboolean rp_generation_carry_on (RpEngine *engine, const CarryOn *cut);
/* Interrupted: the brain is stopped, what it still says is dead on arrival; its utterances stay
 * until the flush is answered. */
void rp_generation_cut (RpEngine *engine, Generation *generation);
/* Takes a generation's utterances out of the play list; what the server has of them is the caller's
 * business. */
void rp_generation_forget_utterances (RpEngine *engine, Generation *generation);
/* Removes (and frees) the generation when brain, tools and utterances are all over. Returns: TRUE
 * when it did. */
gboolean rp_generation_settle (RpEngine *engine, Generation *generation);
void rp_generation_input (RpEngine *engine, const RpEngineEvent *event);
void rp_generation_timer (RpEngine *engine, TimerId timer);
void rp_generation_speak (RpEngine *engine, Generation *generation, const char *text);
/* Something was, is or will be said behind @message. */
gboolean rp_generation_follows (const RpEngine *engine, const RpMessage *message);
RpMessage *rp_generation_message (RpEngine *engine, Generation *generation);
/* The context as the brain is to see it: what is still being said counts as said. Returns:
 * (transfer full) */
GPtrArray *rp_generation_request (RpEngine *engine, const char *user_text);

/* engine-playout.c */
void rp_playout_input (RpEngine *engine, const RpEngineEvent *event);
void rp_playout_timer (RpEngine *engine);
gboolean rp_playout_agent_is_active (const RpEngine *engine);
/* The agent speaks, and what it is saying awaits no answer. */
gboolean rp_playout_can_nod (const RpEngine *engine);
/* The server shall drop all utterances up to this one, and say what was heard. */
void rp_playout_flush (RpEngine *engine, guint32 up_to, gint64 onset_us);
void rp_playout_interrupt (RpEngine *engine, gint64 onset_us, CarryOn *out_carry_on);
Utterance *rp_playout_find (RpEngine *engine, guint32 id);
/* Nothing of it will be played. */
void rp_playout_lose (RpEngine *engine, Utterance *utterance);
void rp_playout_end (RpEngine *engine, Utterance *utterance);
void rp_playout_fail (RpEngine *engine, Utterance *utterance, const char *why);
void rp_playout_end_soundless (RpEngine *engine, const Generation *generation);
void rp_playout_quiet (RpEngine *engine);

/* engine-tools.c */
ToolRecord *rp_tool_record_new (const RpEngine *engine, const RpToolCall *call);
void rp_tool_record_free (ToolRecord *record);
void rp_tools_add (RpEngine *engine, Generation *generation, const RpToolCall *call);
void rp_tools_release (RpEngine *engine, Generation *generation);
void rp_tools_know_id (RpEngine *engine, const char *id);
/* What ran in a worker that died is called again: tools are idempotent by their call's id. */
void rp_tools_take_up (RpEngine *engine, Generation *generation);
gboolean rp_tools_pending (const RpEngine *engine);
gboolean rp_tools_settled (const Generation *generation);
/* What its tools found has yet to be said. */
gboolean rp_tools_unanswered (const Generation *generation);
/* Once the brain and all its tools are done: writes call and result into the context as a pair and
 * runs the brain on them. */
void rp_tools_conclude (RpEngine *engine, Generation *generation);
/* The goodbye was heard: end_call is done. */
void rp_tools_end_call (RpEngine *engine, Generation *generation);
void rp_tools_cut (RpEngine *engine, Generation *generation);
void rp_tools_input (RpEngine *engine, const RpEngineEvent *event);
void rp_tools_timer (RpEngine *engine);
