/* What answers: the built-in brain or an LLM, behind one interface.
 *
 * A brain is given the context (chat-completion messages) and streams text and tool calls. All
 * calls are made on the worker's main thread; the events come on its main context, never from
 * inside start(). A generation ends with exactly one of done and failed, unless it was cancelled:
 * then nothing more comes. */
#pragma once

#include "completeness.h"
#include "context.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  void (*delta) (guint32 generation, const char *text, gpointer user_data);
  void (*tool_call) (guint32 generation, const RpToolCall *call, gpointer user_data);
  /* @expect: what kind of answer the brain awaits; RP_EXPECT_ANYTHING when it cannot tell */
  void (*done) (guint32 generation, RpExpect expect, gpointer user_data);
  void (*failed) (guint32 generation, const GError *error, gpointer user_data);
} RpBrainEvents;

typedef struct _RpBrain RpBrain;

typedef struct {
  const char *name;
  /* @messages: (transfer none) of RpMessage, only valid during the call */
  void (*start) (RpBrain *self, guint32 generation, const GPtrArray *messages);
  void (*cancel) (RpBrain *self, guint32 generation);
  void (*free) (RpBrain *self);
} RpBrainClass;

/* The head of every implementation's struct. */
struct _RpBrain {
  const RpBrainClass *klass;
  const RpBrainEvents *events;
  gpointer user_data;
};

static inline void
rp_brain_start (RpBrain *self, guint32 generation, const GPtrArray *messages)
{
  self->klass->start (self, generation, messages);
}

static inline void
rp_brain_cancel (RpBrain *self, guint32 generation)
{
  self->klass->cancel (self, generation);
}

static inline void
rp_brain_free (RpBrain *self)
{
  if (self != NULL)
    self->klass->free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpBrain, rp_brain_free)

G_END_DECLS
