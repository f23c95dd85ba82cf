/* One call's timeline: who spoke when, what each turn's time went into, which tools ran, and what
 * else happened, folded from events as they come. Nobody's words are in it.
 *
 * Bounded: the last entries of each kind are kept and the older ones counted. All times are ms
 * since the call's begin. No clock, no thread of its own. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define RP_TIMELINE_MAX_TURNS 256
#define RP_TIMELINE_MAX_SPANS 1024
#define RP_TIMELINE_MAX_TOOLS 256
#define RP_TIMELINE_MAX_MARKS 256
/* Bytes of a name or a reason, with the NUL; longer ones are cut at a character. */
#define RP_TIMELINE_MAX_TEXT 96
/* Bytes of what tells one tool call from another, with the NUL. */
#define RP_TIMELINE_MAX_ID 48
/* A shorter silence between two utterances of the agent is a pause within its speech. */
#define RP_TIMELINE_PAUSE_US (400 * 1000)

/* Where a turn's time goes, in this order; "_ms" makes the member of a turn_metrics event. */
typedef enum {
  RP_TURN_PART_VOICE_TO_VOICE,
  RP_TURN_PART_TURN_DECISION,
  RP_TURN_PART_STT,
  RP_TURN_PART_LLM_TTFT,
  RP_TURN_PART_TTS_TTFA,
  RP_TURN_PART_BARGE_IN_STOP,
  RP_N_TURN_PARTS,
} RpTurnPart;
/* "voice_to_voice", … */
const char *rp_turn_part_name (RpTurnPart part);

typedef enum {
  RP_TIMELINE_CONNECTED,    /* a connection of the client is up: the first or another one */
  RP_TIMELINE_DISCONNECTED, /* text: why (may be empty) */
  RP_TIMELINE_RESTARTED,    /* the client makes another connection for the same call */
  RP_TIMELINE_ICE_RESTARTED,
  RP_TIMELINE_WORKER_LOST,   /* text: how */
  RP_TIMELINE_WORKER_READY,  /* a worker took the call over */
  RP_TIMELINE_USER_STARTED,  /* the voice was recognised as such */
  RP_TIMELINE_USER_STOPPED,  /* the end of the turn was decided */
  RP_TIMELINE_USER_TURN,     /* what was said or typed was given to the agent */
  RP_TIMELINE_AGENT_AUDIBLE, /* the first frame of an utterance is on the wire */
  RP_TIMELINE_AGENT_QUIET,   /* the last frame of an utterance is, or of what is left of it */
  RP_TIMELINE_INTERRUPTED,   /* the user cut the agent */
  RP_TIMELINE_METRICS,       /* parts_us */
  RP_TIMELINE_TOOL_STARTED,  /* id, text: its name */
  RP_TIMELINE_TOOL_DONE,     /* id */
  RP_TIMELINE_TOOL_FAILED,
  RP_TIMELINE_TOOL_CANCELLED,
  RP_TIMELINE_SILENT, /* text: why the agent says nothing */
  RP_TIMELINE_ENDED,  /* text: why; end, failed */
  RP_TIMELINE_N_EVENTS,
} RpTimelineEventType;

/* Whose doing the end was. */
typedef enum {
  RP_TIMELINE_END_CLIENT,      /* hung up */
  RP_TIMELINE_END_AGENT,       /* hung up */
  RP_TIMELINE_END_LOST,        /* nothing came from the client any more */
  RP_TIMELINE_END_UNREACHABLE, /* the client's connection never came to be */
  RP_TIMELINE_END_WORKER,      /* it failed too often, or there was none */
  RP_TIMELINE_END_SERVER,      /* is going down */
  RP_TIMELINE_END_OFFER,       /* it could not be answered */
  RP_TIMELINE_N_ENDS,
} RpTimelineEnd;
/* "client", "agent", … */
const char *rp_timeline_end_name (RpTimelineEnd end);

/* Plain: copied between threads. */
typedef struct {
  RpTimelineEventType type;
  RpTimelineEnd end;                /* ENDED */
  gboolean failed;                  /* ENDED: by a fault and not by somebody's will */
  gint64 at_us;                     /* monotonic, when it happened; of the past, too */
  gint64 parts_us[RP_N_TURN_PARTS]; /* METRICS; negative = not told */
  char text[RP_TIMELINE_MAX_TEXT];
  char id[RP_TIMELINE_MAX_ID];
} RpTimelineEvent;

/* Sets everything. @text and @id are nullable; both are cut to fit. */
void rp_timeline_event_init (RpTimelineEvent *event, RpTimelineEventType type, gint64 at_us,
                             const char *text, const char *id);

/* One stretch of speech. */
typedef struct {
  gint64 from_ms;
  gint64 to_ms; /* negative = goes on */
  gboolean is_agent;
  gboolean interrupted; /* an agent's: the user cut it */
} RpTimelineSpan;

/* What the user said or typed, and the answer to it. */
typedef struct {
  guint number;                     /* from 1 */
  gint64 at_ms;                     /* decided to be over, or typed */
  gint64 user_from_ms;              /* negative = typed */
  gint64 user_to_ms;                /* end of the voice; negative = typed */
  gint64 agent_from_ms;             /* negative = no answer was heard (yet) */
  gint64 agent_to_ms;               /* negative = goes on, or none was heard */
  gboolean interrupted;             /* the answer, by the user */
  gint64 parts_us[RP_N_TURN_PARTS]; /* negative = unknown */
} RpTimelineTurn;

typedef enum {
  RP_TIMELINE_TOOL_STATUS_STARTED,
  RP_TIMELINE_TOOL_STATUS_DONE,
  RP_TIMELINE_TOOL_STATUS_FAILED,
  RP_TIMELINE_TOOL_STATUS_CANCELLED,
  RP_TIMELINE_TOOL_N_STATUSES,
} RpTimelineToolStatus;
/* "started", "done", "failed", "cancelled" */
const char *rp_timeline_tool_status_name (RpTimelineToolStatus status);

typedef struct {
  gint64 from_ms;
  gint64 to_ms; /* negative = still runs */
  guint turn;   /* its number; 0 = before the first */
  RpTimelineToolStatus status;
  char name[RP_TIMELINE_MAX_TEXT];
  char id[RP_TIMELINE_MAX_ID];
} RpTimelineTool;

typedef enum {
  RP_TIMELINE_MARK_CONNECTED,
  RP_TIMELINE_MARK_DISCONNECTED, /* text */
  RP_TIMELINE_MARK_RECONNECTED,  /* connected once more */
  RP_TIMELINE_MARK_RESTART,      /* of the connection, by the client */
  RP_TIMELINE_MARK_ICE_RESTART,
  RP_TIMELINE_MARK_WORKER_LOST, /* text */
  RP_TIMELINE_MARK_WORKER_REPLACED,
  RP_TIMELINE_MARK_INTERRUPTED,
  RP_TIMELINE_MARK_SILENT, /* text */
  RP_TIMELINE_MARK_ENDED,  /* text */
} RpTimelineMarkKind;
/* "connected", "worker_lost", … */
const char *rp_timeline_mark_name (RpTimelineMarkKind kind);

typedef struct {
  gint64 at_ms;
  RpTimelineMarkKind kind;
  char text[RP_TIMELINE_MAX_TEXT];
} RpTimelineMark;

/* Entries that were dropped for later ones. */
typedef struct {
  guint turns, spans, tools, marks;
} RpTimelineDropped;

typedef struct _RpTimeline RpTimeline;

/* @begin_us: 0 ms of it */
RpTimeline *rp_timeline_new (gint64 begin_us);
void rp_timeline_free (RpTimeline *timeline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpTimeline, rp_timeline_free)

/* Any event in any order is taken as well as it can be. After ENDED nothing changes any more. */
void rp_timeline_input (RpTimeline *timeline, const RpTimelineEvent *event);

/* Oldest first. Returns: (transfer none) (nullable) when there is none; until the next input. */
const RpTimelineTurn *rp_timeline_turns (const RpTimeline *timeline, guint *out_n);
const RpTimelineSpan *rp_timeline_spans (const RpTimeline *timeline, guint *out_n);
const RpTimelineTool *rp_timeline_tools (const RpTimeline *timeline, guint *out_n);
const RpTimelineMark *rp_timeline_marks (const RpTimeline *timeline, guint *out_n);
void rp_timeline_dropped (const RpTimeline *timeline, RpTimelineDropped *out);
/* RP_TIMELINE_TOOL_N_STATUSES numbers: how often a tool came to each status. None starts twice or
 * ends without having started, and once the call has ended, each that started has ended, but for
 * those that were dropped. Returns: (transfer none) */
const guint64 *rp_timeline_tool_counts (const RpTimeline *timeline);

gboolean rp_timeline_has_ended (const RpTimeline *timeline);
gboolean rp_timeline_has_failed (const RpTimeline *timeline);
RpTimelineEnd rp_timeline_end (const RpTimeline *timeline); /* once it has ended */
/* (transfer none): "" before the end */
const char *rp_timeline_end_reason (const RpTimeline *timeline);
/* The median of voice to voice over the turns that are kept, in µs; negative when there is none. */
gint64 rp_timeline_median_voice_to_voice_us (const RpTimeline *timeline);

G_END_DECLS
