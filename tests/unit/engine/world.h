/* A world for the engine on a virtual clock: a user, recogniser, brain, voice, tools, a page with
 * functions and a server that plays 20 ms frames. */
#pragma once

#include "audit.h"
#include "engine.h"

#define MS(x) ((gint64) (x) *1000)
#define WORD_FRAMES 15 /* the voice needs 300 ms for every word */

typedef struct _World World;

/* What the brain answers; a tool call is made when *out_tool is set. */
typedef char *(*WorldBrain) (World *world, const GPtrArray *messages, char **out_tool,
                             char **out_arguments);

struct _World {
  RpEngine *engine;
  RpEngineConfig config;
  gint64 now_us;
  GQueue due;    /* of pending things, by time */
  GQueue server; /* of utterances the server has */
  gint64 next_frame_us;
  GArray *ended;      /* of RpEnginePlayed: what the server still knows of finished utterances */
  GPtrArray *held;    /* of utterances the runtime holds back */
  GQueue voice;       /* of what the voice is to say; it is at the first */
  GString *log;       /* one line per emitted event */
  GBytes *checkpoint; /* the last one */
  GString *played;    /* every whole utterance that went out */
  guint n_checkpoints;
  guint n_llm_starts;
  guint n_tool_calls;
  guint32 last_flushed;
  guint32 played_utterance; /* the last one on the wire, and how much of it */
  guint played_frames;
  gboolean hung_up;
  RpTurnMetrics metrics; /* the last */
  Audit *audit;          /* sees every action */
  GHashTable *page;      /* call id → whether the page has answered */
  guint n_page_calls;

  WorldBrain brain;
  gpointer brain_data;
  const char *stt_text;
  gint64 stt_us, brain_us, tts_us, tool_us, page_us; /* negative: never answers */
  gint64 delta_us;                                   /* between two words of the brain */
  gint64 flush_us;                                   /* the server answers a flush */
  gboolean late_results; /* deliver results of cancelled work all the same */
  gboolean brain_fails;
  gboolean voice_fails;
  const char *tool_result;
  RpExpect expect;
};

/* The functions of the page: show_map, which has a result, and tell_page, which only notifies. */
#define WORLD_PAGE_TIMEOUT_MS 5000
extern const RpEngineClientTool world_client_tools[2];

World *world_new (const RpEngineConfig *config);
void world_free (World *world);
typedef World AutoWorld;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AutoWorld, world_free)
/* With the defaults, and connected. */
World *world_connected (const char *greeting);
/* Replaces the engine by one that resumes from the last checkpoint: the worker died. */
void world_replace_worker (World *world);
/* The same while it gives the server what is spoken: @n_frames of the last utterance are there. */
void world_cut_worker (World *world, guint n_frames);
void world_input (World *world, const RpEngineEvent *event);
void world_event (World *world, RpEngineEventType type);
/* Lets time pass. */
void world_run (World *world, gint64 us);
void world_run_until_quiet (World *world, gint64 limit_us);
/* The user says @text for @ms, then @silence_ms of silence; the VAD gate's windows are 200, 64 and
 * 200 ms. */
void world_say (World *world, const char *text, guint ms, guint silence_ms);
/* Its halves: until @ms after the gate has opened, and how it closes. */
void world_say_on (World *world, const char *text, guint ms);
void world_fall_silent (World *world);
/* The user types. @run: it interrupts and is answered at once; @aloud: by voice. */
void world_type (World *world, const char *text, gboolean run, gboolean aloud);
/* A brain that has only the line in brain_data, as often as it is asked. */
char *world_one_line (World *world, const GPtrArray *messages, char **out_tool,
                      char **out_arguments);
void world_speech_start (World *world);
void world_speech_pause (World *world);
void world_speech_stop (World *world);
gboolean world_logged (const World *world, const char *line);
/* How often. */
guint world_count (const World *world, const char *line);
/* All is still: what was begun has its end, and the context is what was heard. */
void world_audit (World *world);
/* Content of the last message of a role, or "". */
const char *world_last (const World *world, RpRole role);
/* The context as text, one line a message: for failure messages and comparison. Returns: (transfer
 * full) */
char *world_context (const World *world);
void world_assert_context (const World *world, const char *expected);
