/* The built-in brain: answers from a knowledge file and fills the slots of flows, without an LLM.
 *
 * It is a pure function of the conversation, as an LLM is: nothing is kept between two calls. Where
 * a flow stands is a fold over the messages, so that a worker that took over from a dead one goes
 * on from the context alone, and what the user never heard (see RpMessage.interrupted) was never
 * said.
 *
 * An RpDialogue is immutable after rp_dialogue_finish() and may be shared by any number of threads
 * and forked processes. Nothing here reads a clock, a file or the environment. */
#pragma once

#include "context.h"
#include "flow.h"
#include "knowledge.h"
#include "quiz.h"
#include <glib.h>

G_BEGIN_DECLS

/* What the agent says on its own account. Each is at least one alternative; a repeated situation
 * takes the next one. */
typedef enum {
  RP_PHRASE_GREETING,     /* the answer to "hello", and to an empty conversation */
  RP_PHRASE_THANKS,       /* the answer to "thank you" */
  RP_PHRASE_GOODBYE,      /* before the call is ended */
  RP_PHRASE_DONE,         /* "no, that's all" */
  RP_PHRASE_STOP,         /* "stop", "be quiet" */
  RP_PHRASE_WAIT,         /* "hold on" */
  RP_PHRASE_HELP,         /* what it can do */
  RP_PHRASE_UNKNOWN,      /* it does not know; one alternative per time in a row */
  RP_PHRASE_OFFER,        /* follows UNKNOWN from the second time on: offers the offer_flow */
  RP_PHRASE_NOT_HEARD,    /* the transcript was empty or no words */
  RP_PHRASE_CANCELLED,    /* a flow was abandoned */
  RP_PHRASE_ACKNOWLEDGE,  /* the user said "okay", "I see" with nothing pending */
  RP_PHRASE_NOTHING_SAID, /* asked to repeat before anything was said */
  RP_PHRASE_WORKING,      /* the user spoke while a tool runs */
  RP_PHRASE_TROUBLE,      /* a tool failed and its flow has no text for it */
  RP_PHRASE_GIVE_UP,      /* a slot was asked for too often */
  RP_PHRASE_ANYTHING_ELSE,
  RP_PHRASE_N
} RpPhrase;

/* "greeting", "unknown", …: the key in agent.json. NULL past the end. */
const char *rp_phrase_name (RpPhrase phrase);

/* Of what is known of the caller: flows that need a name need not ask for it. */
#define RP_DATA_CALLER_NAME "caller_name"

typedef struct _RpDialogue RpDialogue;

/* Returns: (transfer full) an agent that knows nothing, with English phrases for everything. */
RpDialogue *rp_dialogue_new (void);
/* @phrases: (transfer none) NULL-terminated, at least one, none empty. */
void rp_dialogue_set_phrases (RpDialogue *self, RpPhrase phrase, const char *const *phrases);
/* @knowledge: (transfer full) (nullable) */
void rp_dialogue_set_knowledge (RpDialogue *self, RpKnowledge *knowledge);
/* @flow: (transfer full) */
void rp_dialogue_add_flow (RpDialogue *self, RpFlow *flow);
/* @quiz: (transfer full) */
void rp_dialogue_add_quiz (RpDialogue *self, RpQuiz *quiz);
/* @name: the flow that RP_PHRASE_OFFER offers ("take_message"), or NULL for none. */
void rp_dialogue_set_offer_flow (RpDialogue *self, const char *name);
/* @name: a tool from which nothing comes back: it is called beside what is said, by flows and by
 * entries of the knowledge. */
void rp_dialogue_add_notify_tool (RpDialogue *self, const char *name);
/* Builds the index over knowledge and triggers. To be called once, before the first
 * rp_dialogue_respond().
 * Returns: FALSE and @error (RP_FLOW_ERROR) when two flows or two quizzes have one name, a flow is
 * named that does not exist, or an entry of the knowledge calls a tool that was not added. */
gboolean rp_dialogue_finish (RpDialogue *self, GError **error);
void rp_dialogue_free (RpDialogue *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpDialogue, rp_dialogue_free)

/* What the user is expected to say next: a hint for turn-taking (a number or a spelled name comes
 * with pauses) and for speech recognition. */
typedef enum {
  RP_EXPECT_ANYTHING,
  RP_EXPECT_YES_NO,
  RP_EXPECT_SHORT,   /* a date, time, number or choice */
  RP_EXPECT_NAME,    /* perhaps spelled */
  RP_EXPECT_DIGITS,  /* in groups, with pauses */
  RP_EXPECT_MESSAGE, /* free text of several sentences */
} RpExpect;

typedef struct {
  GPtrArray
      *segments;    /* of char *: sentences in the order to speak; UTF-8, no markup, no newline */
  GPtrArray *calls; /* of RpToolCall: to be run after (or while) the segments are spoken */
  RpExpect expect;
  gboolean end_call; /* hang up once the segments were heard; @calls then has "end_call" too */
} RpBrainReply;

typedef struct {
  const GPtrArray *messages; /* of RpMessage, oldest first; may be empty */
  gint64 now_unix_s;
  GTimeZone *tz;               /* (nullable) UTC when NULL */
  const char *conversation_id; /* (nullable) makes the ids of tool calls unique across calls */
  GHashTable
      *data; /* (nullable) char * → char *: what is known of the caller, for {name} in texts */
} RpBrainRequest;

/* The next assistant message. It answers the last message of @request: a user's words or a tool's
 * result. With no message at all it greets; when the last message is the assistant's own, it says
 * the open question again, or asks whether there is anything else.
 *
 * Never NULL. For a user message there is always at least one segment. Only the answer to the
 * result of "end_call" has none. The ids of tool calls are a function of the request: asked twice,
 * it gives the same id. Returns: (transfer full). Thread: any. */
RpBrainReply *rp_dialogue_respond (const RpDialogue *self, const RpBrainRequest *request);
void rp_brain_reply_free (RpBrainReply *reply);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpBrainReply, rp_brain_reply_free)

/* The segments joined by spaces. Returns: (transfer full) */
char *rp_brain_reply_text (const RpBrainReply *reply);

/* The phrase for its @nth use (0 first), the last alternative being used for ever after.
 * Returns: (transfer none), never NULL */
const char *rp_dialogue_phrase (const RpDialogue *self, RpPhrase phrase, guint nth);

G_END_DECLS
