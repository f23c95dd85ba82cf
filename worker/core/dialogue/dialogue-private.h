/* Shared by dialogue.c, fold.c, intents.c: not for others. */
#pragma once

#include "dialogue.h"
#include "retrieval.h"
#include "slots.h"
#include "template.h"
#include "words.h"

G_BEGIN_DECLS

#define RP_DIALOGUE_MAX_SLOTS 16
#define RP_DIALOGUE_MAX_QUIZZES 16

/* Below it a hit is no answer. Set on the tables of tests/unit/dialogue. */
#define RP_CONFIDENCE_ANSWER 0.55
#define RP_CONFIDENCE_FLOW 0.6
/* In the middle of a flow something else must be meant clearly. */
#define RP_CONFIDENCE_IN_FLOW 0.68
/* Another task is taken up instead. */
#define RP_CONFIDENCE_SWITCH 0.85
/* Two answers this close are asked about. */
#define RP_CONFIDENCE_TIE 0.97

struct _RpDialogue {
  GPtrArray *phrases[RP_PHRASE_N]; /* of char * */
  gboolean own_help;
  RpKnowledge *knowledge;  /* (nullable) */
  GPtrArray *flows;        /* of RpFlow * */
  GPtrArray *quizzes;      /* of RpQuiz * */
  GPtrArray *notify_tools; /* of char * */
  char *offer_name;
  const RpFlow *offer;
  RpIndex *index; /* entries of the knowledge first, then the flows, then the quizzes */
  guint n_entries;
};

typedef enum {
  RP_INTENT_NONE,
  RP_INTENT_GREETING,
  RP_INTENT_PRESENCE, /* "are you there?" */
  RP_INTENT_THANKS,
  RP_INTENT_REPEAT,
  RP_INTENT_STOP,
  RP_INTENT_WAIT,
  RP_INTENT_HELP,
  RP_INTENT_GOODBYE,
  RP_INTENT_DONE,
  RP_INTENT_CANCEL,
  RP_INTENT_TIME,
  RP_INTENT_DATE,
  RP_INTENT_ACKNOWLEDGE,
} RpIntent;

RpIntent rp_intent (const RpWords *words);
/* It asks something: by its question mark or its first words. */
gboolean rp_sounds_like_question (const RpWords *words);

typedef enum {
  RP_STAGE_IDLE,
  RP_STAGE_ASK,     /* a slot was asked for */
  RP_STAGE_CONFIRM, /* the summary was read out */
  RP_STAGE_CHANGE,  /* asked what is wrong with it */
  RP_STAGE_CALLING, /* the tool call was written */
  RP_STAGE_WAITING, /* the tool call is in the context, its result is not */
} RpStage;

/* A quiz that is being played. */
typedef struct {
  RpQuizQuestion *question; /* NULL before the first and after the last */
  guint asked;              /* with this one */
  guint right;
  guint tries;  /* wrong answers to this one */
  guint misses; /* what was no answer to this one */
  guint level;
  guint said; /* of "right" and "wrong", to vary them */
} RpQuizRound;

typedef struct {
  guint right, asked;
} RpQuizScore;

/* Where the conversation stands after some of its messages. */
typedef struct {
  const RpDialogue *agent;
  const char *conversation_id;
  GHashTable *data; /* (nullable) */
  GTimeZone *tz;
  RpSlotMoment moment; /* of the message being read */
  gint64 time_s;
  guint index; /* of the message being read */

  const RpFlow *flow; /* NULL when idle */
  RpStage stage;
  char *values[RP_DIALOGUE_MAX_SLOTS];
  guint slot; /* that was asked for */
  guint misses;
  gboolean question_heard; /* what was last asked for confirmation reached the user's ear */
  char *call_id;
  GPtrArray *offers; /* (nullable) of char *: values that "yes" or "the first" would take */
  guint offer_slot;

  const RpQuiz *quiz; /* NULL when none is played; never beside a flow */
  guint quiz_index;
  RpQuizRound round;
  guint n_quizzed[RP_DIALOGUE_MAX_QUIZZES]; /* questions asked in all rounds of each */
  gboolean again;                           /* another round was offered */
  guint again_index;                        /* the quiz of last_round */
  RpQuizScore last_round;                   /* asked 0: there was none */

  gboolean message_offered;
  guint unknowns; /* in a row */
  guint used[RP_PHRASE_N];
  gboolean tied;
  guint tie[2];
  char *user_name;
  char *last_text; /* what the assistant said last, in full; not that it waits */
  gboolean waits;  /* "hold on" was the user's last word */
} RpFold;

/* Each adds to @reply. */
void rp_fold_say (RpBrainReply *reply, const char *text);
void rp_fold_phrase (RpFold *fold, RpBrainReply *reply, RpPhrase phrase);
void rp_fold_call (RpFold *fold, RpBrainReply *reply, const char *tool, const char *arguments);

/* The answer of the knowledge, and what it shows. */
void rp_fold_answer (RpFold *fold, RpBrainReply *reply, guint doc);

/* dialogue.c */
/* Nothing comes back from it that could be told. */
gboolean rp_dialogue_only_notifies (const RpDialogue *self, const char *tool);

/* flow-play.c */
void rp_fold_begin_flow (RpFold *fold, RpBrainReply *reply, const RpFlow *flow,
                         const RpWords *words);
void rp_fold_end_flow (RpFold *fold);
/* Says the open question of the flow again. */
void rp_fold_ask_again (RpFold *fold, RpBrainReply *reply);
void rp_fold_in_flow (RpFold *fold, RpBrainReply *reply, const RpWords *words);
void rp_fold_result (RpFold *fold, RpBrainReply *reply, const char *content);
/* Finds a name outside of flows: "my name is Violet". */
gboolean rp_fold_learn_name (RpFold *fold, const RpWords *words);

/* quiz-play.c */
void rp_fold_begin_quiz (RpFold *fold, RpBrainReply *reply, guint index);
void rp_fold_end_quiz (RpFold *fold);
void rp_fold_ask_quiz (RpFold *fold, RpBrainReply *reply);
void rp_fold_in_quiz (RpFold *fold, RpBrainReply *reply, const RpWords *words);
/* "How many did I get right?", "another round". Returns: FALSE when it was neither. */
gboolean rp_fold_after_quiz (RpFold *fold, RpBrainReply *reply, const RpWords *words);

/* fold.c */
gboolean rp_fold_intent (RpFold *fold, RpBrainReply *reply, RpIntent intent);
/* The best entry of the knowledge (or flow) for @words. Returns: its confidence, 0 when none. */
double rp_fold_search (const RpFold *fold, const RpWords *words, const gboolean *skip,
                       guint *out_doc, guint *out_rival);
/* Marks dates, times and the like: they fill slots and do not say what is asked.
 * Returns: (transfer full) one flag per word */
gboolean *rp_fold_value_flags (const RpFold *fold, const RpWords *words);
const RpFlow *rp_fold_doc_flow (const RpFold *fold, guint doc);
/* Its number, or G_MAXUINT when @doc is none. */
guint rp_fold_doc_quiz (const RpFold *fold, guint doc);
/* It is neither flow nor quiz. */
gboolean rp_fold_doc_is_answer (const RpFold *fold, guint doc);
void rp_fold_unknown (RpFold *fold, RpBrainReply *reply);
/* Reads all of @request and answers the last message. */
void rp_fold_run (const RpDialogue *self, const RpBrainRequest *request, RpBrainReply *reply);

G_END_DECLS
