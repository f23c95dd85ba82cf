/* Reads the conversation message by message; what the last one led to is the reply. */
#include "dialogue-private.h"

#include "sentence.h"

#include <string.h>

/* A question that was cut counts as heard from this share on: people answer before its end. */
#define HEARD_SHARE 0.6
/* What an answer is worth that was found without the days and times in the question. */
#define WITHOUT_VALUES 0.95
/* More than this many questions at once are one that nobody can answer. */
#define MAX_QUESTIONS 3
/* A trigger of so many words says what is wanted wherever it stands. */
#define TASK_WORDS 3

static void
say_sentences (RpBrainReply *reply, const char *text)
{
  RpSentenceConfig config = {.first_clause_words = 0, .max_chars = 300};
  g_autoptr (RpSentence) sentence = rp_sentence_new (&config);
  RpSentenceOut piece;
  rp_sentence_input (sentence, text, -1);
  rp_sentence_end (sentence);
  while (rp_sentence_poll (sentence, &piece))
    g_ptr_array_add (reply->segments, piece.text);
}

void
rp_fold_say (RpBrainReply *reply, const char *text)
{
  if (text != NULL && *text != '\0')
    say_sentences (reply, text);
}

void
rp_fold_phrase (RpFold *fold, RpBrainReply *reply, RpPhrase phrase)
{
  g_autofree char *text =
      rp_text_render (rp_dialogue_phrase (fold->agent, phrase, fold->used[phrase]), fold->data);
  rp_fold_say (reply, text);
  fold->used[phrase]++;
}

void
rp_fold_call (RpFold *fold, RpBrainReply *reply, const char *tool, const char *arguments)
{
  /* The id must be the same when the same question is asked again, and differ between calls and
   * conversations: it is a hash of the conversation and the place in it. */
  g_autofree char *seed =
      g_strdup_printf ("%s|%u|%" G_GINT64_FORMAT "|%s|%s|%u",
                       fold->conversation_id != NULL ? fold->conversation_id : "", fold->index,
                       fold->time_s, tool, arguments, reply->calls->len);
  g_autofree char *hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, seed, -1);
  hash[20] = '\0';
  g_autofree char *id = g_strconcat ("call_", hash, NULL);
  g_ptr_array_add (reply->calls, rp_tool_call_new (id, tool, arguments));
}

void
rp_fold_answer (RpFold *fold, RpBrainReply *reply, guint doc)
{
  const RpKnowledgeEntry *entry = rp_knowledge_entry (fold->agent->knowledge, doc);
  g_autofree char *text = rp_text_render (entry->answer, fold->data);
  rp_fold_say (reply, text);
  if (entry->tool != NULL)
    rp_fold_call (fold, reply, entry->tool, entry->arguments);
}

double
rp_fold_search (const RpFold *fold, const RpWords *words, const gboolean *skip, guint *out_doc,
                guint *out_rival)
{
  RpHit hits[2][3];
  guint n[2] = {rp_index_search (fold->agent->index, words, NULL, hits[0], 3), 0};
  if (skip != NULL)
    n[1] = rp_index_search (fold->agent->index, words, skip, hits[1], 3);
  double best = 0, second = 0;
  *out_doc = *out_rival = G_MAXUINT;
  for (guint pass = 0; pass < 2; pass++)
    for (guint i = 0; i < n[pass]; i++) {
      double confidence = hits[pass][i].confidence;
      /* Days and times do matter to a question; a task takes them as values. */
      if (pass == 1 && rp_fold_doc_flow (fold, hits[pass][i].doc) == NULL)
        confidence *= WITHOUT_VALUES;
      if (hits[pass][i].doc == *out_doc) {
        best = MAX (best, confidence);
      } else if (confidence > best) {
        second = best;
        *out_rival = *out_doc;
        best = confidence;
        *out_doc = hits[pass][i].doc;
      } else if (confidence > second) {
        second = confidence;
        *out_rival = hits[pass][i].doc;
      }
    }
  if (second < best * RP_CONFIDENCE_TIE)
    *out_rival = G_MAXUINT;
  return best;
}

const RpFlow *
rp_fold_doc_flow (const RpFold *fold, guint doc)
{
  if (doc < fold->agent->n_entries || doc - fold->agent->n_entries >= fold->agent->flows->len)
    return NULL;
  return g_ptr_array_index (fold->agent->flows, doc - fold->agent->n_entries);
}

guint
rp_fold_doc_quiz (const RpFold *fold, guint doc)
{
  guint first = fold->agent->n_entries + fold->agent->flows->len;
  return doc >= first && doc - first < fold->agent->quizzes->len ? doc - first : G_MAXUINT;
}

gboolean
rp_fold_doc_is_answer (const RpFold *fold, guint doc)
{
  return doc < fold->agent->n_entries;
}

void
rp_fold_unknown (RpFold *fold, RpBrainReply *reply)
{
  g_autofree char *text = rp_text_render (
      rp_dialogue_phrase (fold->agent, RP_PHRASE_UNKNOWN, fold->unknowns), fold->data);
  rp_fold_say (reply, text);
  fold->unknowns++;
  if (fold->unknowns >= 2 && fold->agent->offer != NULL) {
    rp_fold_phrase (fold, reply, RP_PHRASE_OFFER);
    fold->message_offered = TRUE;
    reply->expect = RP_EXPECT_YES_NO;
  }
}

static void
say_time (RpFold *fold, RpBrainReply *reply)
{
  g_autofree char *value =
      g_strdup_printf ("%02d:%02d", fold->moment.now_min / 60, fold->moment.now_min % 60);
  g_autofree char *said = rp_say_time (value);
  g_autofree char *text = g_strdup_printf ("It is %s.", said);
  rp_fold_say (reply, text);
}

static void
say_date (RpFold *fold, RpBrainReply *reply)
{
  g_autofree char *date = rp_say_weekday (&fold->moment.today);
  g_autofree char *text = g_strdup_printf ("Today is %s.", date);
  rp_fold_say (reply, text);
}

/* Answers what any agent answers. Returns: FALSE when @intent has no meaning of its own here. */
gboolean
rp_fold_intent (RpFold *fold, RpBrainReply *reply, RpIntent intent)
{
  gboolean in_flow = fold->flow != NULL || fold->quiz != NULL;
  gboolean ask_again = in_flow;
  switch (intent) {
  case RP_INTENT_REPEAT:
    if (fold->last_text != NULL)
      rp_fold_say (reply, fold->last_text);
    if (reply->segments->len == 0)
      rp_fold_phrase (fold, reply, RP_PHRASE_NOTHING_SAID);
    return TRUE;
  case RP_INTENT_STOP:
    rp_fold_phrase (fold, reply, RP_PHRASE_STOP);
    return TRUE;
  case RP_INTENT_WAIT:
    rp_fold_phrase (fold, reply, RP_PHRASE_WAIT);
    fold->waits = TRUE;
    return TRUE;
  case RP_INTENT_HELP:
    rp_fold_phrase (fold, reply, RP_PHRASE_HELP);
    break;
  case RP_INTENT_PRESENCE:
    rp_fold_say (reply, in_flow ? "Yes, I'm here." : "Yes, I'm here. How can I help?");
    break;
  case RP_INTENT_GOODBYE:
    rp_fold_phrase (fold, reply, RP_PHRASE_GOODBYE);
    rp_fold_call (fold, reply, "end_call", "{}");
    reply->end_call = TRUE;
    return TRUE;
  case RP_INTENT_CANCEL:
    if (!in_flow)
      return FALSE;
    rp_fold_end_flow (fold);
    rp_fold_phrase (fold, reply, RP_PHRASE_CANCELLED);
    return TRUE;
  case RP_INTENT_TIME:
    say_time (fold, reply);
    break;
  case RP_INTENT_DATE:
    say_date (fold, reply);
    break;
  case RP_INTENT_GREETING:
    if (!in_flow)
      rp_fold_phrase (fold, reply, RP_PHRASE_GREETING);
    break;
  case RP_INTENT_THANKS:
    if (in_flow)
      return FALSE;
    rp_fold_phrase (fold, reply, RP_PHRASE_THANKS);
    break;
  case RP_INTENT_DONE:
    if (in_flow)
      return FALSE;
    rp_fold_phrase (fold, reply, RP_PHRASE_DONE);
    break;
  case RP_INTENT_ACKNOWLEDGE:
    if (in_flow)
      return FALSE;
    rp_fold_phrase (fold, reply, RP_PHRASE_ACKNOWLEDGE);
    break;
  case RP_INTENT_NONE:
    return FALSE;
  }
  if (ask_again)
    rp_fold_ask_again (fold, reply);
  return TRUE;
}

static const char *
doc_question (const RpFold *fold, guint doc)
{
  const RpFlow *flow = rp_fold_doc_flow (fold, doc);
  if (flow != NULL)
    return flow->summary != NULL ? flow->summary : g_ptr_array_index (flow->triggers, 0);
  if (!rp_fold_doc_is_answer (fold, doc)) {
    const RpQuiz *quiz = fold->agent->quizzes->pdata[rp_fold_doc_quiz (fold, doc)];
    return quiz->summary != NULL ? quiz->summary : g_ptr_array_index (quiz->triggers, 0);
  }
  return g_ptr_array_index (rp_knowledge_entry (fold->agent->knowledge, doc)->questions, 0);
}

static void
answer_doc (RpFold *fold, RpBrainReply *reply, guint doc, const RpWords *words)
{
  const RpFlow *flow = rp_fold_doc_flow (fold, doc);
  fold->unknowns = 0;
  if (flow != NULL)
    rp_fold_begin_flow (fold, reply, flow, words);
  else if (!rp_fold_doc_is_answer (fold, doc))
    rp_fold_begin_quiz (fold, reply, rp_fold_doc_quiz (fold, doc));
  else
    rp_fold_answer (fold, reply, doc);
}

static void
ask_which (RpFold *fold, RpBrainReply *reply, guint a, guint b)
{
  fold->tied = TRUE;
  fold->tie[0] = a;
  fold->tie[1] = b;
  g_autofree char *first = g_strdup (doc_question (fold, a));
  g_autofree char *second = g_strdup (doc_question (fold, b));
  char *texts[] = {first, second};
  for (guint i = 0; i < 2; i++) {
    g_strdelimit (texts[i], "?", ' ');
    g_strstrip (texts[i]);
    if (g_ascii_isupper (texts[i][0]) && texts[i][1] != ' ' && texts[i][1] != '\'')
      texts[i][0] = g_ascii_tolower (texts[i][0]);
  }
  g_autofree char *text = g_strdup_printf (
      "I can think of two things: %s, or %s. Which one do you mean?", first, second);
  rp_fold_say (reply, text);
  reply->expect = RP_EXPECT_SHORT;
}

/* The answer to "which one do you mean?". Returns: FALSE when it was none. */
static gboolean
settle_tie (RpFold *fold, RpBrainReply *reply, const RpWords *words)
{
  RpHit hits[8];
  guint pick = G_MAXUINT, key = rp_single_key (words);
  if (key == 1 || key == 2)
    pick = fold->tie[key - 1];
  else if (rp_words_find (words, "first", NULL) || rp_words_find (words, "former", NULL))
    pick = fold->tie[0];
  else if (rp_words_find (words, "second", NULL) || rp_words_find (words, "latter", NULL) ||
           rp_words_find (words, "last", NULL))
    pick = fold->tie[1];
  else if (rp_words_find (words, "both", NULL)) {
    answer_doc (fold, reply, fold->tie[0], words);
    pick = fold->flow == NULL && fold->quiz == NULL ? fold->tie[1] : G_MAXUINT;
    if (pick != G_MAXUINT)
      answer_doc (fold, reply, pick, words);
    return TRUE;
  }
  guint n = pick == G_MAXUINT ? rp_index_search (fold->agent->index, words, NULL, hits, 8) : 0;
  for (guint i = 0; i < n && pick == G_MAXUINT; i++)
    if (hits[i].confidence > 0.3 && (hits[i].doc == fold->tie[0] || hits[i].doc == fold->tie[1]))
      pick = hits[i].doc;
    else if (hits[i].confidence >= RP_CONFIDENCE_ANSWER)
      break;
  if (pick == G_MAXUINT)
    return FALSE;
  answer_doc (fold, reply, pick, words);
  return TRUE;
}

/* Marks dates, times and the like: they fill slots and do not say what is asked. */
gboolean *
rp_fold_value_flags (const RpFold *fold, const RpWords *words)
{
  gboolean *used = g_new0 (gboolean, words->n + 1);
  RpSlotMatch match = {0};
  g_autofree char *minutes = NULL;
  if (rp_find_date (words, used, &fold->moment, FALSE, &match))
    g_clear_pointer (&match.value, g_free);
  if (rp_find_period (words, used, 0, 0, &match, &minutes))
    g_clear_pointer (&match.value, g_free);
  if (rp_find_time (words, used, &fold->moment, 0, 0, FALSE, &match))
    g_clear_pointer (&match.value, g_free);
  if (rp_find_duration (words, used, FALSE, &match))
    g_clear_pointer (&match.value, g_free);
  for (guint i = 0; i < fold->agent->flows->len; i++) {
    const RpFlow *flow = g_ptr_array_index (fold->agent->flows, i);
    for (guint k = 0; k < flow->slots->len; k++) {
      const RpSlot *slot = g_ptr_array_index (flow->slots, k);
      if (slot->type == RP_SLOT_NUMBER &&
          rp_slot_find (slot, words, used, &fold->moment, FALSE, &match))
        g_clear_pointer (&match.value, g_free);
    }
  }
  if (rp_find_name (words, used, FALSE, NULL, &match))
    g_clear_pointer (&match.value, g_free);
  for (guint i = 0; i < words->n; i++)
    if (rp_word_in (words->v[i].norm, "morning afternoon evening"))
      used[i] = TRUE;
  return used;
}

/* An offer is passed over when something else is asked for: "cancel my booking" is no "no". */
static gboolean
asks_for_else (const RpFold *fold, const RpWords *words)
{
  guint doc = 0, rival = 0;
  return words->n >= 3 && rp_fold_search (fold, words, NULL, &doc, &rival) >= RP_CONFIDENCE_SWITCH;
}

static gboolean
answer_offer (RpFold *fold, RpBrainReply *reply, const RpWords *words)
{
  RpAnswer answer = words->n <= 6 ? rp_yes_no (words) : RP_ANSWER_NEITHER;
  if (answer == RP_ANSWER_YES) {
    rp_fold_begin_flow (fold, reply, fold->agent->offer, NULL);
    return TRUE;
  }
  if (answer == RP_ANSWER_NO && !asks_for_else (fold, words)) {
    rp_fold_phrase (fold, reply, RP_PHRASE_ANYTHING_ELSE);
    return TRUE;
  }
  return FALSE;
}

/* Another round? */
static gboolean
answer_again (RpFold *fold, RpBrainReply *reply, const RpWords *words)
{
  RpAnswer answer = words->n <= 6 ? rp_yes_no (words) : RP_ANSWER_NEITHER;
  if (answer == RP_ANSWER_YES)
    rp_fold_begin_quiz (fold, reply, fold->again_index);
  else if (answer == RP_ANSWER_NO)
    rp_fold_phrase (fold, reply, RP_PHRASE_DONE);
  return answer != RP_ANSWER_NEITHER;
}

/* Several questions in one breath, each of which has its own answer: people add one while the agent
 * has not begun to speak. Returns: FALSE, having said nothing, when one of them has none. */
static gboolean
answer_each (RpFold *fold, RpBrainReply *reply, const RpWords *words)
{
  guint docs[MAX_QUESTIONS];
  guint n = 0;
  for (guint start = 0, end; start < words->n; start = end) {
    for (end = start + 1; end < words->n && words->v[end - 1].punct != '?'; end++)
      ;
    const RpWords question = {.v = words->v + start, .n = end - start, .question = TRUE};
    guint doc = G_MAXUINT, rival = G_MAXUINT;
    if (n == MAX_QUESTIONS || words->v[end - 1].punct != '?' ||
        rp_fold_search (fold, &question, NULL, &doc, &rival) < RP_CONFIDENCE_ANSWER ||
        rival != G_MAXUINT || !rp_fold_doc_is_answer (fold, doc))
      return FALSE;
    for (guint i = 0; i < n; i++)
      if (docs[i] == doc)
        return FALSE;
    docs[n++] = doc;
  }
  for (guint i = 0; n > 1 && i < n; i++)
    answer_doc (fold, reply, docs[i], words);
  return n > 1;
}

/* The keys for yes and no then have a meaning without a flow, too. */
static gboolean
asks_whether_more (const RpFold *fold)
{
  return fold->last_text != NULL && g_str_has_suffix (fold->last_text, "?") &&
         strstr (fold->last_text, "nything else") != NULL;
}

/* "I would like to book a room because …": a task in the words of one of its triggers, however much
 * is said around it. Returns: (transfer none) (nullable) */
static const RpFlow *
named_task (const RpFold *fold, const RpWords *words)
{
  for (guint i = 0; i < words->n; i++)
    if (rp_word_in (words->v[i].norm, "not dont cant wont never how why what who"))
      return NULL;
  for (guint i = 0; i < fold->agent->flows->len; i++) {
    const RpFlow *flow = g_ptr_array_index (fold->agent->flows, i);
    for (guint k = 0; k < flow->triggers->len; k++) {
      g_autoptr (RpWords) trigger = rp_words_split (g_ptr_array_index (flow->triggers, k));
      g_autoptr (GString) phrase = g_string_new (NULL);
      for (guint w = 0; w < trigger->n; w++)
        g_string_append_printf (phrase, "%s%s", w > 0 ? " " : "", trigger->v[w].norm);
      if (trigger->n >= TASK_WORDS && rp_words_find (words, phrase->str, NULL))
        return flow;
    }
  }
  return NULL;
}

static void
when_idle (RpFold *fold, RpBrainReply *reply, const RpWords *words)
{
  gboolean offered = fold->message_offered, tied = fold->tied, again = fold->again;
  fold->message_offered = fold->tied = fold->again = FALSE;
  RpIntent intent = rp_intent (words);
  guint key = rp_single_key (words);
  if (key == 2 && asks_whether_more (fold))
    intent = RP_INTENT_DONE;
  else if (key == 1 && asks_whether_more (fold))
    intent = RP_INTENT_ACKNOWLEDGE;
  if (offered && intent != RP_INTENT_REPEAT && answer_offer (fold, reply, words))
    return;
  if (again && intent != RP_INTENT_REPEAT && answer_again (fold, reply, words))
    return;
  if (tied && settle_tie (fold, reply, words))
    return;
  if (rp_fold_after_quiz (fold, reply, words))
    return;
  if (rp_fold_intent (fold, reply, intent)) {
    /* "say that again" leaves the question open. */
    if (intent == RP_INTENT_REPEAT || intent == RP_INTENT_WAIT) {
      fold->message_offered = offered;
      fold->tied = tied;
      fold->again = again;
    }
    return;
  }
  if (answer_each (fold, reply, words))
    return;
  g_autofree gboolean *used = rp_fold_value_flags (fold, words);
  guint doc, rival;
  double confidence = rp_fold_search (fold, words, used, &doc, &rival);
  gboolean is_task = confidence > 0 && !rp_fold_doc_is_answer (fold, doc);
  double least = is_task ? RP_CONFIDENCE_FLOW : RP_CONFIDENCE_ANSWER;
  /* "My name is Violet" and no more. */
  if ((confidence < least || rp_words_find (words, "name is", NULL)) &&
      rp_fold_learn_name (fold, words) && confidence < 0.9) {
    g_autofree char *text = g_strdup_printf ("Thank you, %s. How can I help?", fold->user_name);
    rp_fold_say (reply, text);
    return;
  }
  const RpFlow *task = confidence < least ? named_task (fold, words) : NULL;
  if (task != NULL) {
    rp_fold_begin_flow (fold, reply, task, words);
    return;
  }
  if (confidence < least) {
    rp_fold_unknown (fold, reply);
    return;
  }
  if (rival != G_MAXUINT) {
    gboolean other_is_task = !rp_fold_doc_is_answer (fold, rival);
    /* Asking how much or when is a question, even about what could be done. */
    if (is_task && !other_is_task && rp_sounds_like_question (words))
      doc = rival;
    else if (is_task == other_is_task) {
      ask_which (fold, reply, doc, rival);
      return;
    }
  }
  answer_doc (fold, reply, doc, words);
}

static gboolean
is_hesitation (const RpWords *words)
{
  for (guint i = 0; i < words->n; i++)
    if (!rp_word_in (words->v[i].norm, "um umm uh uhh erm er eh ah"))
      return FALSE;
  return TRUE;
}

static void
read_user (RpFold *fold, RpBrainReply *reply, const char *content)
{
  g_autoptr (RpWords) words = rp_words_split (content);
  fold->waits = FALSE;
  if (words->n == 0) {
    rp_fold_phrase (fold, reply, RP_PHRASE_NOT_HEARD);
    return;
  }
  if (is_hesitation (words))
    rp_fold_phrase (fold, reply, RP_PHRASE_WAIT);
  else if (fold->quiz != NULL)
    rp_fold_in_quiz (fold, reply, words);
  else if (fold->flow != NULL)
    rp_fold_in_flow (fold, reply, words);
  else
    when_idle (fold, reply, words);
  /* Whatever an author left empty, a turn is never met with silence. */
  if (reply->segments->len == 0 && reply->calls->len == 0)
    rp_fold_phrase (fold, reply, RP_PHRASE_NOT_HEARD);
  if (reply->segments->len == 0)
    rp_fold_say (reply, "One moment.");
}

static void
read_assistant (RpFold *fold, const RpMessage *message)
{
  const char *unheard = message->unheard != NULL ? message->unheard : "";
  double heard = strlen (message->content), all = heard + strlen (unheard);
  for (guint i = 0; message->tool_calls != NULL && i < message->tool_calls->len; i++) {
    const RpToolCall *call = g_ptr_array_index (message->tool_calls, i);
    if (fold->flow == NULL || fold->stage != RP_STAGE_CALLING ||
        strcmp (call->name, fold->flow->tool) != 0)
      continue;
    g_free (fold->call_id);
    fold->call_id = g_strdup (call->id);
    fold->stage = RP_STAGE_WAITING;
  }
  if (all <= 0)
    return;
  if (!message->interrupted || heard / all >= HEARD_SHARE)
    fold->question_heard = heard > 0;
  /* "Go on" after "take your time" means what came before. */
  if (fold->waits && fold->last_text != NULL)
    return;
  g_free (fold->last_text);
  g_autofree char *text =
      g_strconcat (message->content, *unheard != '\0' ? " " : "", unheard, NULL);
  fold->last_text = g_steal_pointer (&text);
}

/* The name of the tool whose result the message is, or NULL. */
static const char *
tool_of (const GPtrArray *messages, guint index)
{
  const RpMessage *result = g_ptr_array_index (messages, index);
  for (guint i = index; i-- > 0;) {
    const RpMessage *message = g_ptr_array_index (messages, i);
    for (guint k = 0; message->tool_calls != NULL && k < message->tool_calls->len; k++) {
      const RpToolCall *call = g_ptr_array_index (message->tool_calls, k);
      if (g_strcmp0 (call->id, result->tool_call_id) == 0)
        return call->name;
    }
  }
  return NULL;
}

static void
read_tool (RpFold *fold, RpBrainReply *reply, const GPtrArray *messages, guint index)
{
  const RpMessage *message = g_ptr_array_index (messages, index);
  if (fold->flow != NULL && fold->stage == RP_STAGE_WAITING &&
      g_strcmp0 (message->tool_call_id, fold->call_id) == 0) {
    rp_fold_result (fold, reply, message->content);
    return;
  }
  if (g_strcmp0 (tool_of (messages, index), "end_call") == 0) {
    reply->end_call = TRUE;
    return;
  }
  /* A result whose question was trimmed away. */
  g_autoptr (GHashTable) result = rp_result_parse (message->content);
  if (g_strcmp0 (rp_result_get (result, "ok"), "true") == 0)
    rp_fold_say (reply, "That's done.");
  else
    rp_fold_phrase (fold, reply, RP_PHRASE_TROUBLE);
}

/* @from: segments that are kept */
static void
clear_reply (RpBrainReply *reply, guint from)
{
  g_ptr_array_set_size (reply->segments, (gint) from);
  g_ptr_array_set_size (reply->calls, 0);
  reply->expect = RP_EXPECT_ANYTHING;
  reply->end_call = FALSE;
}

/* The user spoke on before a result was told: it is told first, without what it asks at its end.
 * Returns: how many segments of @reply stay */
static guint
untold (const RpBrainReply *reply)
{
  guint n = reply->segments->len;
  return n > 1 && g_str_has_suffix (reply->segments->pdata[n - 1], "?") ? n - 1 : n;
}

void
rp_fold_run (const RpDialogue *self, const RpBrainRequest *request, RpBrainReply *reply)
{
  RpFold fold = {
      .agent = self,
      .conversation_id = request->conversation_id,
      .data = request->data,
      .tz = request->tz,
  };
  if (fold.data != NULL)
    fold.user_name = g_strdup (g_hash_table_lookup (fold.data, RP_DATA_CALLER_NAME));
  const GPtrArray *messages = request->messages;
  guint n = messages != NULL ? messages->len : 0;
  RpRole last = RP_ROLE_SYSTEM;
  gboolean told = TRUE;
  for (guint i = 0; i < n; i++) {
    const RpMessage *message = g_ptr_array_index (messages, i);
    fold.index = i;
    fold.time_s = message->time_s > 0 ? message->time_s : request->now_unix_s;
    rp_slot_moment_init (&fold.moment, fold.time_s, fold.tz);
    /* What was only told left nothing to answer. */
    if (message->role == RP_ROLE_SYSTEM ||
        (message->role == RP_ROLE_TOOL && rp_dialogue_only_notifies (self, tool_of (messages, i))))
      continue;
    last = message->role;
    if (message->role == RP_ROLE_ASSISTANT) {
      told = TRUE;
      read_assistant (&fold, message);
      continue;
    }
    clear_reply (reply, told ? 0 : untold (reply));
    told = message->role != RP_ROLE_TOOL;
    if (message->role == RP_ROLE_USER)
      read_user (&fold, reply, message->content);
    else
      read_tool (&fold, reply, messages, i);
  }
  if (last == RP_ROLE_SYSTEM) {
    rp_fold_phrase (&fold, reply, RP_PHRASE_GREETING);
  } else if (last == RP_ROLE_ASSISTANT) {
    clear_reply (reply, 0);
    fold.index = n;
    if (fold.flow != NULL || fold.quiz != NULL)
      rp_fold_ask_again (&fold, reply);
    else
      rp_fold_phrase (&fold, reply, RP_PHRASE_ANYTHING_ELSE);
  }
  rp_fold_end_flow (&fold);
  rp_fold_end_quiz (&fold);
  g_free (fold.user_name);
  g_free (fold.last_text);
}
