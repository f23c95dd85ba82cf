/* An agent: a directory with agent.json, prompt.md, knowledge.md, flows/NAME.json and
 * quizzes/NAME.json.
 *
 * The keys of agent.json are listed in agents/README.md; a key that is not known, a value out of
 * range and a file that is missing are errors that name the file, the place and what to do. */
#pragma once

#include "bookings.h"
#include "completeness.h"
#include "dialogue.h"
#include "sentence.h"
#include <glib.h>

G_BEGIN_DECLS

#define RP_AGENT_ERROR (rp_agent_error_quark ())
GQuark rp_agent_error_quark (void);
typedef enum {
  RP_AGENT_ERROR_FILE,    /* cannot be read */
  RP_AGENT_ERROR_SYNTAX,  /* not JSON, or not markdown as knowledge.h wants it */
  RP_AGENT_ERROR_INVALID, /* a key or value that has no meaning */
} RpAgentError;

/* One of the three models of a conversation. Members that were not given are NULL or below 0. */
typedef struct {
  char *provider;     /* stt "moonshine", brain "builtin", tts "flite"; others as providers come */
  char *model;        /* (nullable) */
  char *voice;        /* (nullable) tts: "slt", … */
  char *language;     /* (nullable) BCP 47, "en" */
  char *url;          /* (nullable) http(s) or ws(s) */
  char *api_key_env;  /* (nullable) the environment variable that holds the key: never the key */
  double speed;       /* tts: 1.0 is the voice's own; 0.5-2 */
  double temperature; /* brain: 0-2 */
  int max_tokens;     /* brain: 1-100000 */
  int timeout_ms;     /* 100-120000 */
} RpAgentModel;

typedef struct {
  guint vad_start_ms;       /* speech for this long begins a turn; 20-2000, default 200 */
  guint vad_stop_ms;        /* silence for this long may end one; 50-5000, default 200 */
  double vad_threshold;     /* 0.05-0.95, default 0.5 */
  guint incomplete_stop_ms; /* the same when the words sound unfinished; default 800 */
  guint max_stop_ms;        /* silence that ends a turn whatever was said; default 2000 */
  guint max_turn_ms;        /* a longer turn is cut and answered; default 60000 */
  guint idle_prompt_ms;     /* silence until the agent asks whether one is there; 0 never; 15000 */
  guint idle_prompts;       /* how often before it says goodbye; 0-10, default 2 */
  gint64 max_call_us;       /* from 10 s to 24 h, default one hour */
  gboolean interruptible;   /* FALSE: the agent always finishes; default TRUE */
  gboolean backchannels_interrupt; /* default FALSE */
} RpAgentTurn;

/* A function that the caller's page runs. */
typedef struct {
  char *name;
  char *description; /* for an LLM; may be empty */
  char *parameters;  /* a JSON schema (type object) as text */
  guint timeout_ms;  /* 100-60000, default 5000 */
  gboolean notify;   /* nothing is awaited; default FALSE */
} RpAgentClientTool;

typedef struct {
  char *dir;         /* as given */
  char *name;        /* the directory's own name: [a-z0-9_-]+ */
  char *title;       /* "Harbour Rooms reception" */
  char *description; /* one sentence for the page; "" when there is none */
  char *greeting;    /* said first; "" waits for the user */
  char *timezone;    /* (nullable) IANA name; NULL: the machine's */
  RpAgentModel stt, brain, tts;
  RpAgentTurn turn;
  RpSentenceConfig sentence;
  GPtrArray *tools;        /* of char *: names, each known to rp_tools_find() */
  GPtrArray *client_tools; /* of RpAgentClientTool */
  GPtrArray *request_data; /* of char *: what texts may know of the caller */
  GPtrArray *idle_texts;   /* of char *: what is said when nobody speaks, in order; may be empty */
  char *idle_goodbye;
  char *empty_turn_text;    /* a turn without a word that could be made out */
  char *brain_failure_text; /* the brain failed or took too long */
  guint context_messages;   /* most messages given to the brain; 4-1000, default 200 */
  char *prompt;             /* prompt.md; "" when there is none */
  RpBookingsConfig bookings;
  RpDialogue *dialogue; /* the built-in brain; knows nothing when there is no knowledge.md */
} RpAgent;

/* Returns: (transfer full) or NULL and @error. Reads files, starts no thread: may run before fork.
 */
RpAgent *rp_agent_load (const char *dir, GError **error);
void rp_agent_free (RpAgent *agent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpAgent, rp_agent_free)

/* The agent's time zone, UTC when it cannot be found. Returns: (transfer full) */
GTimeZone *rp_agent_timezone (const RpAgent *agent);

G_END_DECLS
