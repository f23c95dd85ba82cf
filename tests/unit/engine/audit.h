/* What must hold of the engine's actions whatever happens to it: fed with every action and with
 * what was really played, it aborts at the first that breaks a rule.
 *
 *   ids of generations, utterances and jobs rise; nothing is done for one that is dead
 *   an output segment is new once, then in progress, then has exactly one end
 *   a tool call has started once and has exactly one end, as a generation that thinks has
 *   nobody starts or stops speaking twice
 *   while the user's turn lasts nothing is said, unless the agent cannot be interrupted
 *   the brain is asked only when the user or a tool has the last word
 *   what the context says was heard is what was played */
#pragma once

#include "engine.h"

typedef struct _Audit Audit;

Audit *audit_new (gboolean interruptible);
void audit_free (Audit *audit);
void audit_action (Audit *audit, const RpEngineAction *action);
/* @frames of @utterance were put on the wire; it is over. */
void audit_played (Audit *audit, guint32 utterance, guint frames);
/* The worker died: what it had begun may stay without an end. */
void audit_replaced (Audit *audit);
/* All is still: everything begun has its end, and @messages hold what was heard. */
void audit_finish (Audit *audit, const GPtrArray *messages, guint word_frames);
