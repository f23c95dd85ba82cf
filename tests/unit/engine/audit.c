#include "audit.h"

#include <string.h>

/* As a failed assertion, not as g_error () does, so that a fuzzer keeps what led to it. */
#define broken(...)                                                                 \
  G_STMT_START                                                                      \
  {                                                                                 \
    g_autofree char *broken_rule = g_strdup_printf (__VA_ARGS__);                   \
    g_assertion_message (G_LOG_DOMAIN, __FILE__, __LINE__, G_STRFUNC, broken_rule); \
  }                                                                                 \
  G_STMT_END

typedef enum {
  SEGMENT_NONE,
  SEGMENT_NEW,
  SEGMENT_PROGRESS,
  SEGMENT_ENDED,
} SegmentState;

typedef struct {
  guint32 id;
  char *text;
  SegmentState state;
  gboolean spoken;
  gboolean has_frames; /* @frames is all there will be */
  guint frames;
  gboolean excused; /* it was begun by a worker that died */
  char *heard;      /* at its end */
} Segment;

typedef enum {
  BEGUN = 1,
  ENDED,
  EXCUSED,
} Progress;

struct _Audit {
  gboolean interruptible;
  gboolean user_speaks;
  gboolean agent_speaks;
  gboolean lenient; /* right after a replacement: who speaks may be told again */
  guint32 last_job, last_generation, last_utterance;
  GHashTable *segments; /* id → Segment */
  GArray *order;        /* of guint32: segment ids as they were made */
  GHashTable *thoughts; /* generation → Progress */
  GHashTable *brains;   /* generation → Progress: started, cancelled */
  GHashTable *calls;    /* call id → Progress */
};

static void
segment_free (gpointer data)
{
  Segment *segment = data;
  g_free (segment->text);
  g_free (segment->heard);
  g_free (segment);
}

Audit *
audit_new (gboolean interruptible)
{
  Audit *audit = g_new0 (Audit, 1);
  audit->interruptible = interruptible;
  audit->segments = g_hash_table_new_full (NULL, NULL, NULL, segment_free);
  audit->order = g_array_new (FALSE, FALSE, sizeof (guint32));
  audit->thoughts = g_hash_table_new (NULL, NULL);
  audit->brains = g_hash_table_new (NULL, NULL);
  audit->calls = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return audit;
}

void
audit_free (Audit *audit)
{
  if (audit == NULL)
    return;
  g_hash_table_unref (audit->segments);
  g_array_unref (audit->order);
  g_hash_table_unref (audit->thoughts);
  g_hash_table_unref (audit->brains);
  g_hash_table_unref (audit->calls);
  g_free (audit);
}

static Segment *
get_segment (Audit *audit, guint32 id)
{
  Segment *segment = g_hash_table_lookup (audit->segments, GUINT_TO_POINTER (id));
  if (segment == NULL) {
    segment = g_new0 (Segment, 1);
    segment->id = id;
    g_hash_table_insert (audit->segments, GUINT_TO_POINTER (id), segment);
    g_array_append_val (audit->order, id);
  }
  return segment;
}

static Progress
get (GHashTable *table, guint32 id)
{
  return (Progress) GPOINTER_TO_UINT (g_hash_table_lookup (table, GUINT_TO_POINTER (id)));
}

static void
set (GHashTable *table, guint32 id, Progress progress)
{
  g_hash_table_insert (table, GUINT_TO_POINTER (id), GUINT_TO_POINTER (progress));
}

static void
check_output (Audit *audit, const RpEngineEmit *emit)
{
  Segment *segment = get_segment (audit, emit->id);
  if (segment->state == SEGMENT_ENDED)
    broken ("segment %u, \"%s\": %s after its end", emit->id, emit->text, emit->status);
  if (strcmp (emit->status, "new") == 0) {
    g_assert_cmpint (segment->state, ==, SEGMENT_NONE);
    segment->state = SEGMENT_NEW;
    segment->spoken = emit->spoken;
    g_free (segment->text);
    segment->text = g_strdup (emit->text);
    return;
  }
  /* What is only written has no beginning. */
  if (emit->spoken && segment->state == SEGMENT_NONE)
    broken ("segment %u, \"%s\": %s before it was new", emit->id, emit->text, emit->status);
  if (strcmp (emit->status, "in-progress") == 0) {
    segment->state = SEGMENT_PROGRESS;
    return;
  }
  gboolean completed = strcmp (emit->status, "completed") == 0;
  g_assert_true (completed || strcmp (emit->status, "interrupted") == 0);
  segment->state = SEGMENT_ENDED;
  segment->spoken = emit->spoken;
  segment->heard = g_strdup (emit->spoken ? emit->heard : emit->text);
  if (emit->spoken) {
    g_autofree char *whole = g_strconcat (emit->heard, emit->remaining, NULL);
    g_assert_cmpstr (whole, ==, emit->text);
    g_assert_true (!completed || *emit->remaining == '\0');
  }
}

static void
check_tool (Audit *audit, const RpEngineEmit *emit)
{
  const char *id = emit->call->id;
  Progress progress = (Progress) GPOINTER_TO_UINT (g_hash_table_lookup (audit->calls, id));
  if (strcmp (emit->status, "started") == 0) {
    if (progress != 0 && progress != EXCUSED)
      broken ("call %s started twice", id);
    g_hash_table_replace (audit->calls, g_strdup (id), GUINT_TO_POINTER (BEGUN));
    return;
  }
  if (progress != BEGUN && progress != EXCUSED)
    broken ("call %s: %s without a start or after its end", id, emit->status);
  /* One that never ran may be called anew. */
  if (strcmp (emit->status, "cancelled") == 0)
    g_hash_table_remove (audit->calls, id);
  else
    g_hash_table_replace (audit->calls, g_strdup (id), GUINT_TO_POINTER (ENDED));
}

static void
check_emit (Audit *audit, const RpEngineEmit *emit)
{
  switch (emit->type) {
  case RP_EMIT_USER_STARTED_SPEAKING:
    g_assert_true (!audit->user_speaks || audit->lenient);
    audit->user_speaks = TRUE;
    break;
  case RP_EMIT_USER_STOPPED_SPEAKING:
    g_assert_true (audit->user_speaks || audit->lenient);
    audit->user_speaks = FALSE;
    break;
  case RP_EMIT_AGENT_STARTED_SPEAKING:
    g_assert_true (!audit->agent_speaks || audit->lenient);
    audit->agent_speaks = TRUE;
    break;
  case RP_EMIT_AGENT_STOPPED_SPEAKING:
    g_assert_true (audit->agent_speaks || audit->lenient);
    audit->agent_speaks = FALSE;
    break;
  case RP_EMIT_AGENT_THINKING:
    g_assert_cmpint (get (audit->thoughts, emit->id), ==, 0);
    set (audit->thoughts, emit->id, BEGUN);
    break;
  case RP_EMIT_AGENT_TEXT:
    g_assert_cmpint (get (audit->thoughts, emit->id), ==, BEGUN);
    break;
  case RP_EMIT_AGENT_THOUGHT:
    g_assert_cmpint (get (audit->thoughts, emit->id), !=, ENDED);
    g_assert_true (get (audit->thoughts, emit->id) != 0 || audit->lenient);
    set (audit->thoughts, emit->id, ENDED);
    break;
  case RP_EMIT_OUTPUT:
    check_output (audit, emit);
    break;
  case RP_EMIT_TOOL_CALL:
    check_tool (audit, emit);
    break;
  case RP_EMIT_USER_TRANSCRIPT:
  case RP_EMIT_USER_TURN:
  case RP_EMIT_INTERRUPTED:
  case RP_EMIT_METRICS:
  case RP_EMIT_SILENT:
  case RP_EMIT_ERROR:
    break;
  }
}

static void
check_request (Audit *audit, const RpEngineAction *action)
{
  g_assert_cmpuint (action->id, >, audit->last_generation);
  audit->last_generation = action->id;
  set (audit->brains, action->id, BEGUN);
  g_assert_true (rp_messages_tool_pairs_whole (action->messages));
  g_assert_cmpuint (action->messages->len, >, 0);
  const RpMessage *last = action->messages->pdata[action->messages->len - 1];
  if (last->role != RP_ROLE_USER && last->role != RP_ROLE_TOOL)
    broken ("generation %u answers its own words: \"%s\"", action->id, last->content);
}

static void
check_said (Audit *audit, const RpEngineAction *action)
{
  if (audit->interruptible && audit->user_speaks)
    broken ("utterance %u is said while the user speaks", action->id);
}

void
audit_action (Audit *audit, const RpEngineAction *action)
{
  switch (action->type) {
  case RP_ENGINE_STT_START:
    g_assert_cmpuint (action->id, >, audit->last_job);
    audit->last_job = action->id;
    g_assert_cmpint (action->from_samples, >=, 0);
    g_assert_cmpint (action->to_samples, >, action->from_samples);
    break;
  case RP_ENGINE_LLM_START:
    check_request (audit, action);
    break;
  case RP_ENGINE_LLM_CANCEL:
    g_assert_cmpint (get (audit->brains, action->id), ==, BEGUN);
    set (audit->brains, action->id, ENDED);
    break;
  case RP_ENGINE_SPEAK: {
    g_assert_cmpuint (action->id, >, audit->last_utterance);
    audit->last_utterance = action->id;
    g_assert_true (*action->text != '\0');
    if (!action->held)
      check_said (audit, action);
    Segment *segment = get_segment (audit, action->id);
    if (segment->text == NULL)
      segment->text = g_strdup (action->text);
    g_assert_cmpstr (segment->text, ==, action->text);
    break;
  }
  case RP_ENGINE_RELEASE:
    check_said (audit, action);
    break;
  case RP_ENGINE_EMIT:
    check_emit (audit, &action->emit);
    break;
  case RP_ENGINE_CHECKPOINT:
  case RP_ENGINE_STT_CANCEL:
  case RP_ENGINE_TTS_CANCEL:
  case RP_ENGINE_FLUSH:
  case RP_ENGINE_TOOL_CALL:
  case RP_ENGINE_HANG_UP:
    break;
  }
}

void
audit_played (Audit *audit, guint32 utterance, guint frames)
{
  Segment *segment = get_segment (audit, utterance);
  g_assert_false (segment->has_frames);
  segment->has_frames = TRUE;
  segment->frames = frames;
}

static void
excuse (GHashTable *table)
{
  GHashTableIter iter;
  gpointer value = NULL;
  g_hash_table_iter_init (&iter, table);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    if (GPOINTER_TO_UINT (value) == BEGUN)
      g_hash_table_iter_replace (&iter, GUINT_TO_POINTER (EXCUSED));
  }
}

void
audit_replaced (Audit *audit)
{
  excuse (audit->thoughts);
  excuse (audit->calls);
  excuse (audit->brains);
  audit->lenient = TRUE;
  audit->last_job = audit->last_generation = 0;
  for (guint i = 0; i < audit->order->len; i++)
    get_segment (audit, g_array_index (audit->order, guint32, i))->excused = TRUE;
}

/* What must have been heard of @segment: its words that were played to their end. */
static char *
played_text (const Segment *segment, guint word_frames)
{
  guint n_words = segment->has_frames ? segment->frames / word_frames : 0;
  if (n_words == 0)
    return g_strdup ("");
  const char *end = segment->text;
  for (guint i = 0; i < n_words && *end != '\0'; i++) {
    const char *space = strchr (end + (i > 0), ' ');
    end = space != NULL ? space : end + strlen (end);
  }
  return g_strndup (segment->text, (gsize) (end - segment->text));
}

static void
append_word (GString *text, const char *piece)
{
  if (*piece != '\0' && text->len > 0)
    g_string_append_c (text, ' ');
  g_string_append (text, piece);
}

static void
check_ended (gpointer key, gpointer value, gpointer what)
{
  if (GPOINTER_TO_UINT (value) == BEGUN)
    broken ("%s %u has no end", (const char *) what, GPOINTER_TO_UINT (key));
}

static void
check_call_ended (gpointer key, gpointer value, gpointer data)
{
  (void) data;
  if (GPOINTER_TO_UINT (value) == BEGUN)
    broken ("call %s has no end", (const char *) key);
}

void
audit_finish (Audit *audit, const GPtrArray *messages, guint word_frames)
{
  g_hash_table_foreach (audit->thoughts, check_ended, (gpointer) "generation");
  g_hash_table_foreach (audit->calls, check_call_ended, NULL);
  g_autoptr (GString) played = g_string_new (NULL);
  for (guint i = 0; i < audit->order->len; i++) {
    const Segment *segment = get_segment (audit, g_array_index (audit->order, guint32, i));
    g_autofree char *truth = played_text (segment, word_frames);
    if (segment->state != SEGMENT_NONE && segment->state != SEGMENT_ENDED && !segment->excused)
      broken ("segment %u, \"%s\", has no end", segment->id, segment->text);
    if (segment->heard != NULL && segment->spoken && strcmp (segment->heard, truth) != 0)
      broken ("segment %u, \"%s\": told as heard \"%s\", played \"%s\"", segment->id, segment->text,
              segment->heard, truth);
    append_word (played, segment->heard != NULL && !segment->spoken ? segment->heard : truth);
  }
  g_autoptr (GString) context = g_string_new (NULL);
  for (guint i = 0; i < messages->len; i++) {
    const RpMessage *message = messages->pdata[i];
    if (message->role == RP_ROLE_ASSISTANT)
      append_word (context, message->content);
  }
  g_assert_cmpstr (context->str, ==, played->str);
  g_assert_true (rp_messages_tool_pairs_whole (messages));
}
