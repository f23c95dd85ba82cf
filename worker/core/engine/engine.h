/* The conversation engine: one pure state machine that decides everything a call does.
 *
 * Events go in with their time, actions come out; there is no clock, socket, thread or model
 * inside, so the same events give the same actions. The caller (the worker's runtime) carries the
 * actions out and feeds back what happens:
 *
 *     rp_engine_input (engine, now_us, &event);  // one event
 *     while (rp_engine_poll (engine, now_us, &action))  // then drain all actions
 *       carry_out (&action), rp_engine_action_clear (&action);
 *     sleep until rp_engine_deadline (engine), then rp_engine_poll again.
 *
 * Ids: a generation is one run of the brain, an utterance is one sentence given to the TTS, a job
 * is one run of the STT. All rise from 1. What comes back for an id that is no longer live is
 * ignored, so the caller need not synchronise cancellation.
 *
 * Positions (pos_samples) are on the call's input timeline at 16 kHz; frames are 20 ms of the
 * agent's audio; times are CLOCK_MONOTONIC µs. One owner thread. */
#pragma once

#include "completeness.h"
#include "context.h"
#include "sentence.h"

#include <glib.h>

G_BEGIN_DECLS

#define RP_ENGINE_ERROR (rp_engine_error_quark ())
GQuark rp_engine_error_quark (void);
typedef enum {
  RP_ENGINE_ERROR_CHECKPOINT, /* the bytes are no checkpoint of this version */
} RpEngineError;

#define RP_ENGINE_SAMPLES_PER_SECOND 16000
#define RP_ENGINE_FRAME_SAMPLES 320 /* 20 ms */

/* A function that the client runs: its call is told by an emit, and its answer comes as a
 * CLIENT_RESULT. */
typedef struct {
  const char *name;
  guint timeout_ms; /* then it has failed */
  gboolean notify; /* nothing is awaited: it is done once it was told, and says nothing to answer */
} RpEngineClientTool;

typedef struct {
  const char *system_prompt;       /* (nullable) first message of the context */
  const char *greeting;            /* (nullable) said when media flows */
  const char *not_heard;           /* asked when something was said and nothing understood */
  const char *brain_failed;        /* said when the brain fails */
  const char *const *idle_prompts; /* (nullable) NULL-terminated: asked in turn after idle_prompt_ms
                                      of silence on both sides */
  const char *idle_goodbye;  /* said when idle prompts were not answered; then the call ends */
  const char *drain_goodbye; /* said when the server goes down; then the call ends */
  guint incomplete_stop_ms;  /* silence that ends a turn whose words look unfinished */
  guint max_stop_ms;         /* silence that ends any turn, transcript or not */
  guint max_turn_ms;         /* a longer turn is cut and answered */
  guint min_question_ms; /* speech shorter than this that gave no words is noise: nobody asks about
                            it */
  guint partial_interval_ms; /* between partial transcripts; 0: none */
  guint max_segment_ms;   /* speech longer than this is transcribed in pieces, parted at pauses */
  guint idle_prompt_ms;   /* 0: never */
  guint max_idle_prompts; /* then goodbye */
  guint stt_timeout_ms;
  guint brain_timeout_ms; /* to the first token, and from one to the next */
  guint tool_timeout_ms;
  const RpEngineClientTool *client_tools; /* n_client_tools of them; all others run here */
  guint n_client_tools;
  guint max_tool_steps;       /* generations in a row that end in tool calls */
  guint max_context_messages; /* given to the brain; older ones are left out */
  RpSentenceConfig sentence;  /* how text is cut for the voice */
  gboolean interruptible;
  gboolean nods_interrupt; /* "mm-hmm" over the agent's speech takes the turn */
  gboolean preemptive; /* run brain and voice on an early transcript, held back until the turn has
                          ended */
} RpEngineConfig;

/* The defaults, each with its origin. */
void rp_engine_config_init (RpEngineConfig *config);

/* One word of an utterance: where it ends in the text and in the audio. */
typedef struct {
  guint end_byte;    /* in the utterance's text */
  guint end_samples; /* at 16 kHz from the first sample of its audio */
} RpEngineWord;

typedef enum {
  RP_ENGINE_CONNECTED, /* media flows both ways */

  /* From the VAD gate; at_us is when the audio at pos_samples arrived. */
  RP_ENGINE_SPEECH_STARTED, /* pos_samples: the onset, which lies before now */
  RP_ENGINE_SPEECH_PAUSED,  /* speech seems to have ended at pos_samples; the stop window is running
                             */
  RP_ENGINE_SPEECH_RESUMED, /* it had not */
  RP_ENGINE_SPEECH_STOPPED, /* the stop window has passed; pos_samples: the end of speech */
  RP_ENGINE_INPUT_STALLED,
  RP_ENGINE_INPUT_RESUMED,

  RP_ENGINE_STT_RESULT, /* id: job, text (empty: nothing intelligible) */
  RP_ENGINE_STT_FAILED, /* id: job, text: why */

  RP_ENGINE_LLM_DELTA,     /* id: generation, text */
  RP_ENGINE_LLM_TOOL_CALL, /* id: generation, call */
  RP_ENGINE_LLM_DONE,      /* id: generation, expect */
  RP_ENGINE_LLM_FAILED,    /* id: generation, text: why */

  RP_ENGINE_TTS_WORDS,  /* id: utterance, words, n_words: before its audio */
  RP_ENGINE_TTS_DONE,   /* id: utterance, n_frames: all its audio was sent or is held */
  RP_ENGINE_TTS_FAILED, /* id: utterance, text: why */

  RP_ENGINE_PLAYOUT_STARTED,  /* id: utterance, n_frames, at_us: on the wire */
  RP_ENGINE_PLAYOUT_PROGRESS, /* the same */
  RP_ENGINE_PLAYOUT_ENDED,    /* the same */
  RP_ENGINE_PLAYOUT_FLUSHED,  /* the same: the answer to RP_ENGINE_FLUSH */

  RP_ENGINE_TOOL_RESULT,   /* text: call id; result: JSON */
  RP_ENGINE_TOOL_FAILED,   /* text: call id; result: why */
  RP_ENGINE_CLIENT_RESULT, /* the same for the functions of the client, and for them alone */
  RP_ENGINE_CLIENT_FAILED,

  RP_ENGINE_CLIENT_TEXT,      /* text; flag: interrupt and answer at once; flag2: answer by voice */
  RP_ENGINE_CLIENT_INTERRUPT, /* the client's stop button */
  RP_ENGINE_DRAIN, /* come to an end: say no more than what is begun, then end the call */
} RpEngineEventType;

typedef struct {
  RpEngineEventType type;
  guint32 id;
  gint64 pos_samples;
  gint64 at_us;
  const char *text;
  const char *result;
  const RpToolCall *call;
  const RpEngineWord *words;
  guint n_words;
  guint n_frames;
  gboolean flag;
  gboolean flag2;
  RpExpect expect; /* what the brain awaits next: a name or digits come with pauses */
} RpEngineEvent;

typedef enum {
  RP_ENGINE_STT_START,  /* id: job; from_samples .. to_samples of the input; final */
  RP_ENGINE_STT_CANCEL, /* id: job */

  RP_ENGINE_LLM_START,  /* id: generation; messages: what the brain is given */
  RP_ENGINE_LLM_CANCEL, /* id: generation */

  RP_ENGINE_SPEAK,      /* id: utterance; text; held: synthesise, but send nothing until RELEASE */
  RP_ENGINE_RELEASE,    /* id: send what is held of utterances up to this one */
  RP_ENGINE_TTS_CANCEL, /* from_id to id: stop and discard these utterances */
  RP_ENGINE_FLUSH,      /* id: the server shall drop utterances up to this one */

  RP_ENGINE_TOOL_CALL, /* call; answered by exactly one TOOL_RESULT or TOOL_FAILED */

  RP_ENGINE_EMIT,       /* emit: tell client and statistics (RpEngineEmit) */
  RP_ENGINE_CHECKPOINT, /* the state worth keeping has changed: rp_engine_checkpoint() */
  RP_ENGINE_HANG_UP,    /* text: reason; end the call when all has been played */
} RpEngineActionType;

/* What the outside is told; the wire names are in proto/README.md. */
typedef enum {
  RP_EMIT_USER_STARTED_SPEAKING,
  RP_EMIT_USER_STOPPED_SPEAKING,
  RP_EMIT_USER_TRANSCRIPT, /* text, final */
  RP_EMIT_USER_TURN,       /* text */
  RP_EMIT_AGENT_THINKING,  /* id: generation */
  RP_EMIT_AGENT_TEXT,      /* id: generation, text */
  RP_EMIT_AGENT_THOUGHT,   /* id: generation */
  RP_EMIT_AGENT_STARTED_SPEAKING,
  RP_EMIT_AGENT_STOPPED_SPEAKING,
  RP_EMIT_OUTPUT,      /* id: segment, text, status, heard, remaining, spoken */
  RP_EMIT_INTERRUPTED, /* heard */
  RP_EMIT_TOOL_CALL,   /* call, status, result, client */
  RP_EMIT_METRICS,     /* metrics */
  RP_EMIT_SILENT,      /* text: why */
  RP_EMIT_ERROR,       /* text, fatal */
} RpEmitType;

/* One turn's parts in ms; negative: does not apply. */
typedef struct {
  double voice_to_voice; /* end of the user's speech (arrival of its last sample) to the first frame
                            of the answer on the wire */
  double turn_decision;  /* end of speech to the decision that the turn has ended */
  double stt;            /* final transcript: start to result */
  double llm_ttft;       /* generation: start to first delta */
  double tts_ttfa;       /* first utterance: SPEAK to words known (its first audio) */
  double barge_in_stop;  /* onset of the user's speech to the last frame of the agent on the wire */
} RpTurnMetrics;

typedef struct {
  RpEmitType type;
  guint32 id;
  char *text;
  char *heard;
  char *remaining;
  char *result;
  const char *status; /* static */
  RpToolCall *call;
  RpTurnMetrics metrics;
  gboolean final;
  gboolean fatal;
  gboolean spoken;
  gboolean client; /* a function of the client */
} RpEngineEmit;

typedef struct {
  RpEngineActionType type;
  guint32 id;
  guint32 from_id;
  gint64 from_samples;
  gint64 to_samples;
  gboolean final;
  gboolean held;
  char *text;
  GPtrArray *messages; /* of RpMessage */
  RpToolCall *call;
  RpEngineEmit emit;
} RpEngineAction;

/* Frees what an action owns; members may be stolen (set to NULL) before. */
void rp_engine_action_clear (RpEngineAction *action);

typedef struct _RpEngine RpEngine;

/* @config: copied with its strings. @unix_offset_us: wall clock minus monotonic clock at the call's
 * start; messages are stamped with it. Returns: (transfer full) */
RpEngine *rp_engine_new (const RpEngineConfig *config, gint64 unix_offset_us, gint64 now_us);
void rp_engine_free (RpEngine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpEngine, rp_engine_free)

/* @event and what it points to are only read during the call. */
void rp_engine_input (RpEngine *engine, gint64 now_us, const RpEngineEvent *event);
/* Runs timers that are due and yields the next action. Returns: FALSE when there is none. */
gboolean rp_engine_poll (RpEngine *engine, gint64 now_us, RpEngineAction *out_action);
/* When poll must next be called even without an event; G_MAXINT64: never. Strictly after now once
 * poll returned FALSE. */
gint64 rp_engine_deadline (const RpEngine *engine);

/* The oldest input sample that may still be asked for by STT_START; what lies before it can be
 * forgotten. */
gint64 rp_engine_needed_from (const RpEngine *engine);
/* What the agent has asked for last, as far as it was heard. */
RpExpect rp_engine_expect (const RpEngine *engine);
/* The conversation so far. Returns: (transfer none) */
const GPtrArray *rp_engine_messages (const RpEngine *engine);

/* Answers of the client that nobody waited for: late, unknown, twice. */
guint rp_engine_ignored_results (const RpEngine *engine);

/* The conversation's memory for a replacement of this worker: context, what is being said, what was
 * said last by the user. At most RP_ENGINE_MAX_CHECKPOINT_BYTES; the oldest messages are left out
 * when it would be longer. Returns: (transfer full) */
#define RP_ENGINE_MAX_CHECKPOINT_BYTES (120 * 1024)
GBytes *rp_engine_checkpoint (const RpEngine *engine);

/* What the server still knows of an utterance when a worker is replaced. */
typedef struct {
  guint32 utterance;
  guint n_frames;      /* received from the dead worker */
  guint frames_played; /* put on the wire */
  gboolean complete;   /* its last frame was received */
} RpEnginePlayed;

/* Takes up a conversation from a checkpoint, right after rp_engine_new: what was queued plays on,
 * what was never spoken is said, an unanswered turn is answered. @played: in rising order. Returns:
 * FALSE with @error when the bytes are no checkpoint; the engine is then as new. */
gboolean rp_engine_resume (RpEngine *engine, gint64 now_us, GBytes *checkpoint,
                           const RpEnginePlayed *played, guint n_played, gboolean connected,
                           GError **error);

G_END_DECLS
