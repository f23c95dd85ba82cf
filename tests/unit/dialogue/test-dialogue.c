/* Whole conversations with the shipped agent, in scripts; tools answer as the script says. */
#include "agent.h"

#include <string.h>

/* Monday, 5 May 2025, 13:00 UTC */
#define MONDAY_S 1746450000

static RpAgent *agent;

/* A line of a script. "U": the user; "A": the reply must have each part between '|'; "C": the reply
 * must call this tool with these arguments; "T": the tool's result; "I": the reply was cut after so
 * many characters; "N": nothing of the reply was heard. */
typedef struct {
  char kind;
  const char *text;
} Line;

typedef struct {
  GPtrArray *messages;
  RpBrainReply *reply;
  gint64 now_s;
} Talk;

static RpBrainReply *
respond (const GPtrArray *messages, gint64 now_s)
{
  RpBrainRequest request = {messages, now_s, NULL, "conversation"};
  return rp_dialogue_respond (agent->dialogue, &request);
}

/* A worker that takes over has the context and nothing else: the answer is the same. */
static void
check_resume (const Talk *talk)
{
  g_autoptr (GPtrArray) copy = rp_messages_copy (talk->messages);
  g_autoptr (RpBrainReply) again = respond (copy, talk->now_s);
  g_autofree char *a = rp_brain_reply_text (talk->reply);
  g_autofree char *b = rp_brain_reply_text (again);
  g_assert_cmpstr (a, ==, b);
  g_assert_cmpuint (again->calls->len, ==, talk->reply->calls->len);
  for (guint i = 0; i < again->calls->len; i++)
    g_assert_cmpstr (((RpToolCall *) g_ptr_array_index (again->calls, i))->id, ==,
                     ((RpToolCall *) g_ptr_array_index (talk->reply->calls, i))->id);
}

/* Puts the reply into the context, as an engine would: @heard characters of it, -1 for all. */
static void
commit (Talk *talk, int heard)
{
  if (talk->reply == NULL)
    return;
  g_autofree char *text = rp_brain_reply_text (talk->reply);
  gboolean cut = heard >= 0;
  g_autofree char *part = cut ? g_strndup (text, (gsize) heard) : g_strdup (text);
  RpMessage *message = rp_message_new (RP_ROLE_ASSISTANT, part, talk->now_s);
  if (cut) {
    message->interrupted = TRUE;
    message->unheard = g_strdup (text + strlen (part));
  } else if (talk->reply->calls->len > 0) {
    message->tool_calls = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_tool_call_free);
    for (guint i = 0; i < talk->reply->calls->len; i++)
      g_ptr_array_add (message->tool_calls,
                       rp_tool_call_copy (g_ptr_array_index (talk->reply->calls, i)));
  }
  g_ptr_array_add (talk->messages, message);
  g_clear_pointer (&talk->reply, rp_brain_reply_free);
}

static void
answer (Talk *talk)
{
  talk->now_s += 7;
  g_clear_pointer (&talk->reply, rp_brain_reply_free);
  talk->reply = respond (talk->messages, talk->now_s);
  check_resume (talk);
}

static void
say_user (Talk *talk, const char *text)
{
  commit (talk, -1);
  g_ptr_array_add (talk->messages, rp_message_new (RP_ROLE_USER, text, talk->now_s));
  answer (talk);
  g_assert_cmpuint (talk->reply->segments->len, >, 0);
}

static void
give_result (Talk *talk, const char *result)
{
  g_assert_cmpuint (talk->reply->calls->len, >, 0);
  g_autofree char *id = g_strdup (((RpToolCall *) g_ptr_array_index (talk->reply->calls, 0))->id);
  commit (talk, -1);
  RpMessage *message = rp_message_new (RP_ROLE_TOOL, result, talk->now_s);
  message->tool_call_id = g_steal_pointer (&id);
  g_ptr_array_add (talk->messages, message);
  answer (talk);
}

static void
expect_parts (const Talk *talk, const char *parts)
{
  g_auto (GStrv) list = g_strsplit (parts, "|", -1);
  g_autofree char *text = rp_brain_reply_text (talk->reply);
  for (guint i = 0; list[i] != NULL; i++) {
    if (strstr (text, list[i]) == NULL)
      g_test_message ("wants \"%s\" in \"%s\"", list[i], text);
    g_assert_nonnull (strstr (text, list[i]));
  }
}

static void
expect_call (const Talk *talk, const char *want)
{
  if (*want == '\0') {
    g_assert_cmpuint (talk->reply->calls->len, ==, 0);
    return;
  }
  g_assert_cmpuint (talk->reply->calls->len, ==, 1);
  const RpToolCall *call = g_ptr_array_index (talk->reply->calls, 0);
  g_autofree char *got = g_strdup_printf ("%s %s", call->name, call->arguments);
  g_assert_cmpstr (got, ==, want);
}

static void
play (const Line *lines, guint n)
{
  Talk talk = {rp_messages_new (), NULL, MONDAY_S};
  g_ptr_array_add (talk.messages, rp_message_new (RP_ROLE_SYSTEM, "prompt", 0));
  g_ptr_array_add (talk.messages, rp_message_new (RP_ROLE_ASSISTANT, agent->greeting, MONDAY_S));
  for (guint i = 0; i < n; i++) {
    g_test_message ("%c %s", lines[i].kind, lines[i].text);
    switch (lines[i].kind) {
    case 'U':
      say_user (&talk, lines[i].text);
      break;
    case 'A':
      expect_parts (&talk, lines[i].text);
      break;
    case 'C':
      expect_call (&talk, lines[i].text);
      break;
    case 'T':
      give_result (&talk, lines[i].text);
      break;
    case 'I':
      commit (&talk, (int) g_ascii_strtoll (lines[i].text, NULL, 10));
      break;
    case 'N':
      g_clear_pointer (&talk.reply, rp_brain_reply_free);
      break;
    default:
      g_assert_not_reached ();
    }
  }
  g_clear_pointer (&talk.reply, rp_brain_reply_free);
  g_ptr_array_unref (talk.messages);
}

#define BOOKED(day, time)                                                                        \
  "{\"ok\":true,\"reference\":\"4102\",\"room\":\"Anchor\",\"day\":\"" day "\",\"time\":\"" time \
  "\",\"duration\":60,\"name\":\"King\"}"

static const Line step_by_step[] = {
    {'U', "A book a room."},
    {'A', "For which day?"},
    {'U', "Today"},
    {'A', "At what time today?"},
    {'U', "2.30 p.m."},
    {'A', "what name"},
    {'U', "My last name is King K I N G."},
    {'A', "today at 2:30 PM for one hour, under the name King. Shall I book it?"},
    {'C', ""},
    {'U', "Yes."},
    {'C', "book_room {\"day\": \"2025-05-05\", \"time\": \"14:30\", \"duration\": 60, \"name\": "
          "\"King\"}"},
    {'T', BOOKED ("2025-05-05", "14:30")},
    {'A', "Anchor room today at 2:30 PM|4 1 0 2|anything else"},
    {'U', "No, that's it."},
    {'A', "I'm here if"},
    {'U', "Bye"},
    {'C', "end_call {}"},
};

static const Line all_at_once[] = {
    {'U', "Can I book a room tomorrow at two thirty pm for Anna for six people for two hours?"},
    {'A', "tomorrow at 2:30 PM for 2 hours, for 6 people, under the name Anna"},
    {'U', "yes please"},
    {'C', "book_room {\"day\": \"2025-05-06\", \"time\": \"14:30\", \"duration\": 120, \"people\": "
          "6, \"name\": "
          "\"Anna\"}"},
};

static const Line corrections[] = {
    {'U', "Book a room tomorrow at two for Anna"},
    {'A', "tomorrow at 2 PM"},
    {'U', "No, at three."},
    {'A', "tomorrow at 3 PM"},
    {'U', "make it Friday"},
    {'A', "Friday, May 9 at 3 PM"},
    {'U', "No."},
    {'A', "What should I change?"},
    {'U', "The time."},
    {'A', "At what time"},
    {'U', "Ten."},
    {'A', "Friday, May 9 at 10 AM"},
    {'U', "no, the name is wrong"},
    {'A', "name"},
    {'U', "Violet"},
    {'A', "under the name Violet"},
    {'U', "My last name is King."},
    {'A', "under the name Violet King"},
    {'U', "yes but for two hours"},
    {'A', "for 2 hours"},
    {'C', ""},
    {'U', "yes"},
    {'C', "book_room {\"day\": \"2025-05-09\", \"time\": \"10:00\", \"duration\": 120, \"name\": "
          "\"Violet King\"}"},
};

static const Line questions_between[] = {
    {'U', "I'd like to book a meeting room."},
    {'A', "For which day?"},
    {'U', "What time are you open?"},
    {'A', "eight in the morning|For which day?"},
    {'U', "On Tuesday. Is there parking?"},
    {'A', "car park|At what time tomorrow?"},
    {'U', "What time is it?"},
    {'A', "It is 1 PM.|At what time tomorrow?"},
    {'U', "say that again"},
    {'A', "It is 1 PM.|At what time tomorrow?"},
    {'U', "hold on"},
    {'A', "Take your time."},
    {'U', "um"},
    {'A', "Take your time."},
    {'U', "noon"},
    {'A', "name"},
    {'U', "Are you a robot?"},
    {'A', "computer program|name"},
    {'U', "Never mind."},
    {'A', "dropped that"},
    {'U', "What's the Wi-Fi password?"},
    {'A', "Harbour Guest"},
};

static const Line conflict[] = {
    {'U', "Book a room today at two thirty p.m. under Smith."},
    {'U', "Yes."},
    {'T', "{\"ok\":false,\"reason\":\"conflict\",\"alternatives\":[\"13:30\",\"15:30\"]}"},
    {'A', "no room free at 2:30 PM|1:30 PM or 3:30 PM|Which would you like?"},
    {'U', "The second one."},
    {'A', "today at 3:30 PM"},
    {'U', "Yes."},
    {'C', "book_room {\"day\": \"2025-05-05\", \"time\": \"15:30\", \"duration\": 60, \"name\": "
          "\"Smith\"}"},
    {'T', "{\"ok\":false,\"reason\":\"conflict\",\"alternatives\":[\"16:30\"]}"},
    {'A', "4:30 PM"},
    {'U', "yes"},
    {'A', "today at 4:30 PM"},
    {'U', "Yes."},
    {'T', "{\"ok\":false,\"reason\":\"closed_day\",\"next_day\":\"2025-05-06\"}"},
    {'A', "tomorrow|Which day"},
    {'U', "Thursday"},
    {'A', "Thursday, May 8 at 4:30 PM"},
    {'U', "sure"},
    {'T', "{\"ok\":false,\"reason\":\"error\",\"message\":\"disk full\"}"},
    {'A', "could not make the booking"},
};

static const Line bad_results[] = {
    {'U', "Book a room today at two thirty p.m. under Smith."},
    {'U', "Yes."},
    {'T', "not json"},
    {'A', "could not make the booking"},
    {'U', "When is my booking?"},
    {'U', "Smith"},
    {'C', "list_bookings {\"name\": \"Smith\"}"},
    {'T', "{\"ok\":true}"},
    {'A', "anything else"},
};

/* A "yes" to what was never heard books nothing. */
static const Line unheard_question[] = {
    {'U', "Book a room today at two thirty p.m. under Smith."},
    {'A', "Shall I book it?"},
    {'I', "12"},
    {'U', "yes"},
    {'C', ""},
    {'A', "Shall I book it?"},
    {'N', ""},
    {'U', "yes"},
    {'C', ""},
    {'A', "Shall I book it?"},
    {'I', "80"},
    {'U', "yes"},
    {'C', "book_room {\"day\": \"2025-05-05\", \"time\": \"14:30\", \"duration\": 60, \"name\": "
          "\"Smith\"}"},
    /* cut in before the call was made */
    {'N', ""},
    {'U', "no wait, at four"},
    {'C', ""},
    {'A', "today at 4 PM"},
};

static const Line repeats[] = {
    {'U', "Where can I park?"},
    {'A', "car park behind"},
    {'I', "20"},
    {'U', "Sorry, what did you say?"},
    {'A', "There is a car park behind the building, free for guests for two hours."},
    {'U', "stop"},
    {'A', "Okay."},
    {'U', "Where can I park?"},
    {'A', "car park behind"},
    {'I', "20"},
    {'U', "wait"},
    {'A', "Take your time."},
    {'U', "okay, go on"},
    {'A', "There is a car park behind the building"},
};

static const Line acknowledged[] = {
    {'U', "Book a room tomorrow at four."},
    {'A', "what name"},
    {'U', "for two hours"},
    {'A', "All right.|what name"},
    {'U', "Dr. King"},
    {'A', "tomorrow at 4 PM for 2 hours, under the name King"},
};

static const Line spoke_before_the_result[] = {
    {'U', "Book a room tomorrow at four for Anna."},
    {'U', "yes"},
    {'T', BOOKED ("2025-05-06", "16:00")},
    {'N', ""},
    {'U', "How can I pay?"},
    {'A', "Done. You have the Anchor room|reference is 4 1 0 2. You can pay by card"},
    {'U', "Are you a robot?"},
    {'A', "voice assistant"},
};

static const Line offer_passed_over[] = {
    {'U', "What's the weather like?"},
    {'U', "What's the weather like?"},
    {'A', "leave a message"},
    {'U', "Cancel my booking."},
    {'A', "What name is the booking under?"},
    {'U', "never mind"},
    {'U', "Take a message."},
    {'U', "King"},
    {'A', "phone number"},
    {'U', "1"},
    {'A', "What number can we reach you on?"},
};

static const Line any_time[] = {
    {'U', "Book a room tomorrow."},
    {'A', "At what time"},
    {'U', "Any time is fine."},
    {'A', "What time should it start?"},
};

static const Line message_corrected[] = {
    {'U', "I want to leave a message."},
    {'U', "King"},
    {'U', "five five five zero one two three"},
    {'A', "What is the message?"},
    {'U', "No, my number is 555 01 25."},
    {'A', "What is the message?"},
    {'U', "Sorry, my name is Travis."},
    {'A', "What is the message?"},
    {'U', "No, I will not come."},
    {'A', "from Travis, number 5 5 5, 0 1 2 5"},
    {'U', "1"},
    {'C', "take_message {\"name\": \"Travis\", \"number\": \"5550125\", \"message\": \"No, I "
          "will not come\"}"},
    {'T', "{\"ok\":true,\"id\":1}"},
    {'A', "anything else"},
    {'U', "2"},
    {'A', "I'm here if"},
};

static const Line unknowns[] = {
    {'U', "What's the weather like?"},
    {'A', "I don't know that"},
    {'U', "Who would win a fight, a bear or a shark?"},
    {'A', "don't know that either|leave a message"},
    {'U', "Yes please."},
    {'A', "What is your name?"},
    {'U', "Travis"},
    {'A', "phone number"},
    {'U', "five five five zero one two three"},
    {'A', "What is the message?"},
    {'U', "Tell them that I will be there at three, is there parking?"},
    {'A', "from Travis, number 5 5 5, 0 1 2 3"},
    {'U', "yes"},
    {'C', "take_message {\"name\": \"Travis\", \"number\": \"5550123\", \"message\": \"I will be "
          "there at three, is "
          "there parking\"}"},
    {'T', "{\"ok\":true,\"id\":1}"},
    {'A', "passed it on"},
    {'U', "Play the Beatles."},
    {'A', "I don't know that"},
};

static const Line giving_up[] = {
    {'U', "Book a room."},
    {'U', "purple elephants"},
    {'A', "Which day would you like?"},
    {'U', "purple elephants"},
    {'U', "purple elephants"},
    {'A', "trouble understanding|message"},
    {'U', "no"},
    {'A', "anything else"},
};

static const Line switches[] = {
    {'U', "Book a room for tomorrow."},
    {'A', "At what time"},
    {'U', "I want to cancel my booking"},
    {'A', "dropped that"},
    {'U', "I want to cancel my booking"},
    {'A', "What name is the booking under?"},
    {'U', "King"},
    {'A', "Shall I cancel the booking under King?"},
    {'U', "Yes, cancel it."},
    {'C', "cancel_booking {\"name\": \"King\"}"},
    {'T',
     "{\"ok\":false,\"reason\":\"several\",\"count\":2,\"days\":[\"2025-05-06\",\"2025-05-08\"]}"},
    {'A', "2 bookings|tomorrow or Thursday, May 8"},
    {'U', "I'd like to book a room at nine."},
    {'A', "For which day?"},
};

static const Line remembered_name[] = {
    {'U', "Yes, my name is Violet."},
    {'A', "Thank you, Violet."},
    {'U', "My last name is King, K I N G."},
    {'A', "Thank you, Violet King."},
    {'U', "I need a room tomorrow from nine to eleven."},
    {'A', "tomorrow at 9 AM for 2 hours, under the name Violet King"},
};

#define SCRIPT(script)                    \
  {                                       \
#script, script, G_N_ELEMENTS(script) \
  }
static const struct {
  const char *name;
  const Line *lines;
  guint n;
} scripts[] = {
    SCRIPT (step_by_step),
    SCRIPT (all_at_once),
    SCRIPT (corrections),
    SCRIPT (questions_between),
    SCRIPT (conflict),
    SCRIPT (bad_results),
    SCRIPT (unheard_question),
    SCRIPT (repeats),
    SCRIPT (unknowns),
    SCRIPT (giving_up),
    SCRIPT (switches),
    SCRIPT (remembered_name),
    SCRIPT (any_time),
    SCRIPT (acknowledged),
    SCRIPT (message_corrected),
    SCRIPT (offer_passed_over),
    SCRIPT (spoke_before_the_result),
};

static void
test_script (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  play (scripts[i].lines, scripts[i].n);
}

/* What a tool gives is read out, but not for minutes. */
static void
test_long_result (void)
{
  Talk talk = {rp_messages_new (), NULL, MONDAY_S};
  g_autofree char *room = g_strnfill (5000, 'o');
  g_autofree char *result = g_strdup_printf ("{\"ok\":true,\"room\":\"a\\u0007\\nb%s\",\"day\":"
                                             "\"2025-05-06\",\"time\":\"16:00\"}",
                                             room);
  say_user (&talk, "Book a room tomorrow at four for Anna.");
  say_user (&talk, "yes");
  give_result (&talk, result);
  g_autofree char *text = rp_brain_reply_text (talk.reply);
  g_assert_nonnull (strstr (text, "the a booooo"));
  g_assert_cmpuint (strlen (text), <, 600);
  g_clear_pointer (&talk.reply, rp_brain_reply_free);
  g_ptr_array_unref (talk.messages);
}

static void
test_edges (void)
{
  g_autoptr (GPtrArray) messages = rp_messages_new ();
  g_autoptr (RpBrainReply) greeting = respond (messages, MONDAY_S);
  g_assert_cmpuint (greeting->segments->len, >, 0);
  g_autoptr (RpBrainReply) none = respond (NULL, MONDAY_S);
  g_assert_cmpuint (none->segments->len, >, 0);
  /* nobody spoke after the agent */
  g_ptr_array_add (messages, rp_message_new (RP_ROLE_USER, "Book a room.", MONDAY_S));
  g_ptr_array_add (messages, rp_message_new (RP_ROLE_ASSISTANT, "For which day?", MONDAY_S));
  g_autoptr (RpBrainReply) again = respond (messages, MONDAY_S);
  g_autofree char *text = rp_brain_reply_text (again);
  g_assert_cmpstr (text, ==, "For which day?");
  g_assert_cmpint (again->expect, ==, RP_EXPECT_SHORT);
  /* a result without its question */
  RpMessage *result = rp_message_new (RP_ROLE_TOOL, "{\"ok\":true}", MONDAY_S);
  result->tool_call_id = g_strdup ("call_gone");
  g_ptr_array_add (messages, result);
  g_autoptr (RpBrainReply) lost = respond (messages, MONDAY_S);
  g_assert_cmpuint (lost->segments->len, >, 0);
}

/* Two conversations, or two places in one, never have one call id. */
static void
test_call_ids (void)
{
  g_autoptr (GHashTable) ids = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  static const char *const conversations[] = {"a", "b", NULL};
  for (guint i = 0; i < G_N_ELEMENTS (conversations); i++) {
    g_autoptr (GPtrArray) messages = rp_messages_new ();
    for (guint k = 0; k < 3; k++) {
      g_ptr_array_add (messages, rp_message_new (RP_ROLE_USER, "bye", MONDAY_S));
      RpBrainRequest request = {messages, MONDAY_S, NULL, conversations[i]};
      g_autoptr (RpBrainReply) reply = rp_dialogue_respond (agent->dialogue, &request);
      g_assert_true (reply->end_call);
      const RpToolCall *call = g_ptr_array_index (reply->calls, 0);
      g_assert_true (g_hash_table_add (ids, g_strdup (call->id)));
    }
  }
}

/* Whatever is said, in whatever state, is answered, with text that can be spoken. */
static void
test_never_silent (void)
{
  static const char *const words[] = {"book",   "a",     "room",    "yes",
                                      "no",     "at",    "three",   "tomorrow",
                                      "King",   "K",     "two",     "cancel",
                                      "my",     "name",  "is",      "the",
                                      "first",  "one",   "message", "oh",
                                      "seven",  "for",   "hours",   "what",
                                      "time",   "never", "mind",    "parking",
                                      "price",  "?",     ".",       "\xff",
                                      "\xc3",   "9:30",  "pm",      "May",
                                      "stop",   "again", "half",    "past",
                                      "from",   "to",    "double",  "\xf0\x9f\x98\x80",
                                      "{name}", "\"",    "\\",      "bye"};
  GRand *rand = g_rand_new_with_seed (42);
  for (guint round = 0; round < 60; round++) {
    Talk talk = {rp_messages_new (), NULL, MONDAY_S};
    for (guint turn = 0; turn < 25; turn++) {
      g_autoptr (GString) text = g_string_new (NULL);
      for (gint k = g_rand_int_range (rand, 0, 12); k > 0; k--)
        g_string_append_printf (text, "%s ",
                                words[g_rand_int_range (rand, 0, G_N_ELEMENTS (words))]);
      commit (&talk, talk.reply != NULL && g_rand_int_range (rand, 0, 4) == 0 ? 0 : -1);
      g_ptr_array_add (talk.messages, rp_message_new (RP_ROLE_USER, text->str, talk.now_s));
      answer (&talk);
      g_assert_cmpuint (talk.reply->segments->len, >, 0);
      for (guint i = 0; i < talk.reply->segments->len; i++) {
        const char *segment = g_ptr_array_index (talk.reply->segments, i);
        g_assert_true (g_utf8_validate (segment, -1, NULL));
        g_assert_null (strchr (segment, '\n'));
        g_assert_cmpuint (strlen (segment), >, 0);
      }
      if (talk.reply->calls->len > 0 && g_rand_int_range (rand, 0, 3) > 0)
        give_result (&talk, g_rand_boolean (rand) ? "{\"ok\":true}"
                                                  : "{\"ok\":false,\"reason\":\"conflict\"}");
    }
    g_clear_pointer (&talk.reply, rp_brain_reply_free);
    g_ptr_array_unref (talk.messages);
  }
  g_rand_free (rand);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_autoptr (GError) error = NULL;
  agent = rp_agent_load (RP_AGENT_DIR, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (scripts); i++) {
    g_autofree char *path = g_strdup_printf ("/dialogue/%s", scripts[i].name);
    g_test_add_data_func (path, GUINT_TO_POINTER (i), test_script);
  }
  g_test_add_func ("/dialogue/edges", test_edges);
  g_test_add_func ("/dialogue/long-result", test_long_result);
  g_test_add_func ("/dialogue/call-ids", test_call_ids);
  g_test_add_func ("/dialogue/never-silent", test_never_silent);
  int status = g_test_run ();
  rp_agent_free (agent);
  return status;
}
