#include "knowledge.h"

#include <string.h>

G_DEFINE_QUARK (rp - knowledge - error - quark, rp_knowledge_error)

#define MAX_SYNONYMS 2000
#define MAX_SYNONYM_WORDS 3

typedef struct {
  char *head;
  char *synonym;
} Synonym;

struct _RpKnowledge {
  GPtrArray *entries; /* of RpKnowledgeEntry * */
  GArray *synonyms;   /* of Synonym */
};

typedef struct {
  RpKnowledge *knowledge;
  char *section;
  gboolean in_synonyms, in_comment;
  RpKnowledgeEntry *entry; /* being read, or NULL */
  GString *answer;
  guint line;
} Parser;

static void
entry_free (gpointer data)
{
  RpKnowledgeEntry *entry = data;
  g_free (entry->section);
  g_ptr_array_unref (entry->questions);
  g_free (entry->answer);
  g_free (entry->tool);
  g_free (entry->arguments);
  g_free (entry);
}

static void
synonym_clear (gpointer data)
{
  Synonym *synonym = data;
  g_free (synonym->head);
  g_free (synonym->synonym);
}

void
rp_knowledge_free (RpKnowledge *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->entries);
  g_array_unref (self->synonyms);
  g_free (self);
}

guint
rp_knowledge_n_entries (const RpKnowledge *self)
{
  return self->entries->len;
}

const RpKnowledgeEntry *
rp_knowledge_entry (const RpKnowledge *self, guint index)
{
  return g_ptr_array_index (self->entries, index);
}

void
rp_knowledge_foreach_synonym (const RpKnowledge *self, RpSynonymFunc func, gpointer user_data)
{
  for (guint i = 0; i < self->synonyms->len; i++) {
    const Synonym *synonym = &g_array_index (self->synonyms, Synonym, i);
    func (synonym->head, synonym->synonym, user_data);
  }
}

static gboolean G_GNUC_PRINTF (3, 4) fail (GError **error, guint line, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, RP_KNOWLEDGE_ERROR, RP_KNOWLEDGE_ERROR_PARSE, "line %u: %s", line, what);
  return FALSE;
}

/* What is meant to be read is not what is spoken: emphasis, code marks and runs of spaces go. */
static char *
plain_text (const char *text)
{
  GString *out = g_string_new (NULL);
  for (const char *p = text; *p != '\0'; p++) {
    if (*p == '*' || *p == '`')
      continue;
    if (g_ascii_isspace (*p)) {
      if (out->len > 0 && out->str[out->len - 1] != ' ')
        g_string_append_c (out, ' ');
    } else {
      g_string_append_c (out, *p);
    }
  }
  return g_strstrip (g_string_free (out, FALSE));
}

static gboolean
has_letter (const char *text)
{
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_isalnum (g_utf8_get_char (p)))
      return TRUE;
  return FALSE;
}

static gboolean
finish_entry (Parser *parser, GError **error)
{
  RpKnowledgeEntry *entry = parser->entry;
  if (entry == NULL)
    return TRUE;
  entry->answer = plain_text (parser->answer->str);
  if (!has_letter (entry->answer))
    return fail (error, entry->line, "the question \"%s\" has no answer below it",
                 (const char *) g_ptr_array_index (entry->questions, 0));
  if (strlen (entry->answer) > RP_KNOWLEDGE_MAX_ANSWER_BYTES)
    return fail (error, entry->line,
                 "the answer is longer than %d bytes; it is to be spoken, keep it short",
                 RP_KNOWLEDGE_MAX_ANSWER_BYTES);
  if (parser->knowledge->entries->len >= RP_KNOWLEDGE_MAX_ENTRIES)
    return fail (error, entry->line, "more than %d questions", RP_KNOWLEDGE_MAX_ENTRIES);
  g_ptr_array_add (parser->knowledge->entries, entry);
  parser->entry = NULL;
  g_string_truncate (parser->answer, 0);
  return TRUE;
}

static gboolean
add_question (Parser *parser, const char *text, GError **error)
{
  g_autofree char *question = plain_text (text);
  if (!has_letter (question))
    return fail (error, parser->line, "a question without words");
  if (parser->entry->questions->len >= RP_KNOWLEDGE_MAX_QUESTIONS)
    return fail (error, parser->line, "more than %d wordings of one question",
                 RP_KNOWLEDGE_MAX_QUESTIONS);
  g_ptr_array_add (parser->entry->questions, g_steal_pointer (&question));
  return TRUE;
}

static gboolean
parse_question (Parser *parser, const char *text, GError **error)
{
  if (parser->in_synonyms)
    return fail (error, parser->line,
                 "a question inside the Synonyms section; begin a new section "
                 "with \"# Title\" first");
  if (parser->entry == NULL || parser->answer->len > 0) {
    if (!finish_entry (parser, error))
      return FALSE;
    parser->entry = g_new0 (RpKnowledgeEntry, 1);
    parser->entry->questions = g_ptr_array_new_with_free_func (g_free);
    parser->entry->section = g_strdup (parser->section);
    parser->entry->line = parser->line;
  }
  return add_question (parser, text, error);
}

static guint
count_words (const char *text)
{
  guint n = 0;
  gboolean in_word = FALSE;
  for (const char *p = text; *p != '\0'; p++) {
    gboolean word = *p != ' ' && *p != '-';
    n += word && !in_word ? 1 : 0;
    in_word = word;
  }
  return n;
}

static gboolean
parse_synonyms (Parser *parser, const char *text, GError **error)
{
  if (*text != '-' && *text != '*')
    return fail (error, parser->line,
                 "in the Synonyms section a line is \"- word: other, another\"");
  g_autofree char *line = plain_text (text + 1);
  char *colon = strchr (line, ':');
  if (colon == NULL)
    return fail (error, parser->line, "a colon is missing: \"- word: other, another\"");
  *colon = '\0';
  g_strstrip (line);
  if (count_words (line) != 1)
    return fail (error, parser->line, "\"%s\" must be one word; phrases go after the colon", line);
  g_auto (GStrv) synonyms = g_strsplit_set (colon + 1, ",;", -1);
  guint added = 0;
  for (guint i = 0; synonyms[i] != NULL; i++) {
    char *synonym = g_strstrip (synonyms[i]);
    if (!has_letter (synonym))
      continue;
    if (count_words (synonym) > MAX_SYNONYM_WORDS)
      return fail (error, parser->line, "\"%s\" has more than %d words", synonym,
                   MAX_SYNONYM_WORDS);
    if (parser->knowledge->synonyms->len >= MAX_SYNONYMS)
      return fail (error, parser->line, "more than %d synonyms", MAX_SYNONYMS);
    Synonym item = {g_strdup (line), g_strdup (synonym)};
    g_array_append_val (parser->knowledge->synonyms, item);
    added++;
  }
  return added > 0 || fail (error, parser->line, "\"%s\" has no synonyms", line);
}

static gboolean
parse_also (Parser *parser, const char *text, GError **error)
{
  g_auto (GStrv) wordings = g_strsplit (text, ";", -1);
  guint added = 0;
  for (guint i = 0; wordings[i] != NULL; i++) {
    if (!has_letter (wordings[i]))
      continue;
    if (!add_question (parser, wordings[i], error))
      return FALSE;
    added++;
  }
  return added > 0 || fail (error, parser->line, "nothing follows \"also:\"");
}

static gboolean
parse_call (Parser *parser, char *text, GError **error)
{
  RpKnowledgeEntry *entry = parser->entry;
  g_strstrip (text);
  gsize length = strcspn (text, " \t{");
  if (length == 0)
    return fail (error, parser->line, "after \"call:\" the name of a tool is expected");
  if (entry->tool != NULL)
    return fail (error, parser->line, "an answer calls one tool at most");
  entry->tool = g_strndup (text, length);
  entry->arguments = g_strstrip (g_strdup (text + length));
  entry->tool_line = parser->line;
  if (*entry->arguments == '\0') {
    g_free (entry->arguments);
    entry->arguments = g_strdup ("{}");
  }
  return TRUE;
}

static gboolean
parse_line (Parser *parser, char *line, GError **error)
{
  g_strchomp (line);
  char *text = line;
  while (*text == ' ' || *text == '\t')
    text++;
  if (parser->in_comment || g_str_has_prefix (text, "<!--")) {
    parser->in_comment = strstr (text, "-->") == NULL;
    return TRUE;
  }
  if (*text == '#') {
    guint level = 0;
    while (text[level] == '#')
      level++;
    char *title = g_strstrip (text + level);
    if (level >= 2)
      return parse_question (parser, title, error);
    if (!finish_entry (parser, error))
      return FALSE;
    g_free (parser->section);
    parser->section = plain_text (title);
    parser->in_synonyms = g_ascii_strcasecmp (parser->section, "synonyms") == 0;
    return TRUE;
  }
  if (*text == '\0')
    return TRUE;
  if (parser->in_synonyms)
    return parse_synonyms (parser, text, error);
  if (parser->entry == NULL)
    return TRUE; /* text before the first question of a section is for readers of the file */
  char *item = text + strspn (text, "- \t");
  if (parser->answer->len == 0 && *text == '-' && g_ascii_strncasecmp (item, "also:", 5) == 0)
    return parse_also (parser, item + 5, error);
  if (parser->answer->len == 0 && *text == '-' && g_ascii_strncasecmp (item, "call:", 5) == 0)
    return parse_call (parser, item + 5, error);
  if (parser->answer->len > 0)
    g_string_append_c (parser->answer, ' ');
  /* A list in an answer is read as sentences. */
  g_string_append (parser->answer, *text == '-' && text[1] == ' ' ? text + 2 : text);
  return TRUE;
}

RpKnowledge *
rp_knowledge_parse (const char *text, gsize length, GError **error)
{
  if (length > RP_KNOWLEDGE_MAX_BYTES) {
    g_set_error (error, RP_KNOWLEDGE_ERROR, RP_KNOWLEDGE_ERROR_TOO_LARGE,
                 "%" G_GSIZE_FORMAT " bytes are more than the %d that are allowed", length,
                 RP_KNOWLEDGE_MAX_BYTES);
    return NULL;
  }
  const char *bad = NULL;
  if (!g_utf8_validate (text, (gssize) length, &bad)) {
    guint line = 1;
    for (const char *p = text; p < bad; p++)
      line += *p == '\n' ? 1 : 0;
    fail (error, line, "not UTF-8");
    return NULL;
  }
  g_autoptr (RpKnowledge) knowledge = g_new0 (RpKnowledge, 1);
  knowledge->entries = g_ptr_array_new_with_free_func (entry_free);
  knowledge->synonyms = g_array_new (FALSE, FALSE, sizeof (Synonym));
  g_array_set_clear_func (knowledge->synonyms, synonym_clear);

  Parser parser = {.knowledge = knowledge, .answer = g_string_new (NULL)};
  gboolean ok = TRUE;
  for (gsize at = 0; ok && at < length;) {
    const char *end = memchr (text + at, '\n', length - at);
    gsize n = end != NULL ? (gsize) (end - text) - at : length - at;
    g_autofree char *line = g_strndup (text + at, n);
    parser.line++;
    ok = parse_line (&parser, line, error);
    at += n + 1;
  }
  ok = ok && finish_entry (&parser, error);
  g_clear_pointer (&parser.entry, entry_free);
  g_free (parser.section);
  g_string_free (parser.answer, TRUE);
  return ok ? g_steal_pointer (&knowledge) : NULL;
}
