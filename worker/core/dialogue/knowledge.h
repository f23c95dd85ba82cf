/* Questions and answers in markdown, and their ranked retrieval.
 *
 *     # Opening hours            a section: its words help a little in ranking
 *     ## When are you open?      a question; further headings before the answer are other wordings
 *     ## What are your hours?
 *     - also: opening times; closing time
 *     - call: show_on_page {"topic": "hours"}     optional: a tool called with the answer
 *     We are open from eight to eight.      the answer: spoken as it stands, one or two sentences
 *
 *     # Synonyms                 a special section
 *     - wifi: wi-fi, internet, wireless     the others are read as the first
 *
 * HTML comments are skipped. Immutable after parsing: any thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bounds, so that a file by mistake is an error and not an hour of work. */
#define RP_KNOWLEDGE_MAX_BYTES (1024 * 1024)
#define RP_KNOWLEDGE_MAX_ENTRIES 2000
#define RP_KNOWLEDGE_MAX_QUESTIONS 64 /* wordings of one entry */
#define RP_KNOWLEDGE_MAX_ANSWER_BYTES 2000

#define RP_KNOWLEDGE_ERROR (rp_knowledge_error_quark ())
GQuark rp_knowledge_error_quark (void);
typedef enum {
  RP_KNOWLEDGE_ERROR_PARSE, /* the message begins with "line N: " */
  RP_KNOWLEDGE_ERROR_TOO_LARGE,
} RpKnowledgeError;

typedef struct {
  char *section;        /* (nullable) */
  GPtrArray *questions; /* of char *, at least one */
  char *answer;         /* one paragraph */
  char *tool;           /* (nullable) */
  char *arguments;      /* of @tool: what stands behind its name, not looked at; "{}" by default */
  guint tool_line;
  guint line; /* of the first question, from 1 */
} RpKnowledgeEntry;

typedef struct _RpKnowledge RpKnowledge;

/* @text: @length bytes, need not be NUL-terminated. Returns: (transfer full) or NULL and @error. */
RpKnowledge *rp_knowledge_parse (const char *text, gsize length, GError **error);
void rp_knowledge_free (RpKnowledge *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpKnowledge, rp_knowledge_free)

guint rp_knowledge_n_entries (const RpKnowledge *self);
/* (transfer none) @index < rp_knowledge_n_entries() */
const RpKnowledgeEntry *rp_knowledge_entry (const RpKnowledge *self, guint index);

/* Each synonym, word or phrase of up to three words, with the word it stands for, as written. */
typedef void (*RpSynonymFunc) (const char *head, const char *synonym, gpointer user_data);
void rp_knowledge_foreach_synonym (const RpKnowledge *self, RpSynonymFunc func, gpointer user_data);

G_END_DECLS
