/* The shipped agent, asked as callers ask. */
#include "agent.h"

#include <string.h>

static RpAgent *agent;

/* 5 May 2025 is a Monday; the time is 13:00 UTC. */
#define MONDAY_S 1746450000

typedef struct {
  const char *text;
  const char *part; /* the reply has it */
} Row;

#define UNKNOWN "I don't know that"

static const Row rows[] = {
    {"What time are you open?", "eight in the morning"},
    {"when do you close", "eight in the morning"},
    {"What are your opening hours?", "eight in the morning"},
    {"what's your hours", "eight in the morning"},
    {"Are you open on Sunday?", "closed on Sundays"},
    {"are you guys open sundays", "closed on Sundays"},
    {"Can I come in on Saturday?", "On Saturdays"},
    {"How much does a room cost?", "fifteen pounds"},
    {"What are the prices for the meeting rooms?", "fifteen pounds"},
    {"How much do you charge per hour?", "fifteen pounds"},
    {"how expensive is a meeting room", "fifteen pounds"},
    {"How much is a desk?", "eighteen pounds"},
    {"What's a hot desk cost per day?", "eighteen pounds"},
    {"Do you have parking?", "car park behind"},
    {"Where can I leave my car?", "car park behind"},
    {"Is there a car park?", "car park behind"},
    {"is there parking near by", "car park behind"},
    {"What is the Wi-Fi password?", "Harbour Guest"},
    {"what's the why fi password", "Harbour Guest"},
    {"What's the username and password?", "Harbour Guest"},
    {"do you have internet", "Harbour Guest"},
    {"What's your address?", "twelve Harbour Street"},
    {"Where are you?", "twelve Harbour Street"},
    {"where is your office located", "twelve Harbour Street"},
    {"Can I bring my dog?", "dogs are welcome"},
    {"Are pets allowed?", "dogs are welcome"},
    {"Is there coffee?", "Coffee, tea"},
    {"Can I get a tea?", "Coffee, tea"},
    {"Do you offer catering?", "sandwiches"},
    {"Can we get lunch?", "sandwiches"},
    {"Is it accessible by wheelchair?", "step free"},
    {"do you have an elevator", "step free"},
    {"What's your cancellation policy?", "two hours before"},
    {"Can I cancel for free?", "two hours before"},
    {"Do you have a projector?", "large screen"},
    {"How many rooms do you have?", "four rooms"},
    {"How can I pay?", "by card"},
    {"Do you accept credit cards?", "by card"},
    {"Which tram goes there?", "number six tram"},
    {"Can I get an invoice?", "email the invoice"},
    {"Where is the bathroom?", "next to the lift"},
    {"Can I print something?", "printer"},
    {"Who are you?", "voice assistant"},
    {"Are you a robot?", "voice assistant"},
    {"What is your name?", "voice assistant"},
    {"Can I talk to a real person?", "take a message"},
    {"What is their number?", "five five five"},
    {"How are you?", "very well"},
    {"How are you today?", "very well"},
    {"Do you have a student discount?", "twenty percent"},
    {"How far ahead can I book?", "half a year"},
    {"Do I need to book a desk?", "hot desks"},

    {"What are your opening hours? Is there any parking?", "eight in the morning"},
    {"What are your opening hours? Is there any parking?", "car park behind"},
    {"Is there parking? Can I bring my dog? How can I pay?", "by card"},
    {"Do you have parking? Is there a car park?", "car park behind"},

    {"Book a room.", "For which day?"},
    {"A book a room.", "For which day?"},
    {"Book your room.", "For which day?"},
    {"Book of Room", "For which day?"},
    {"I'd like to make a reservation, please.", "For which day?"},
    {"Can I book a meeting room for tomorrow?", "At what time tomorrow?"},
    {"Do you have a room free tomorrow at three?", "what name"},
    {"I need a room today at 2.30 p.m.", "what name"},
    {"I want to cancel my booking.", "What name"},
    {"When is my booking?", "What name"},
    {"Can someone call me back?", "What is your name?"},
    {"I'd like to leave a message.", "What is your name?"},

    {"I need a room on Friday morning.", "At what time Friday"},
    {"I would like to book a room because my colleague and I meet a customer on Tuesday about the "
     "new house and all of its windows.",
     "At what time tomorrow"},
    {"I do not want to book a room, but my brother and his wife do have a lot of fish.", UNKNOWN},
    {"Can I have the Lighthouse room?", "smallest room"},
    {"Is the Compass free tomorrow?", "smallest room"},
    {"and another one tomorrow at ten", "what name"},

    {"What's the weather like?", UNKNOWN},
    {"Who would win a fight, a bear, or a shark?", UNKNOWN},
    {"Is it safe to swim in the sun?", UNKNOWN},
    {"Play the Beatles.", UNKNOWN},
    {"Set a timer for ten minutes.", UNKNOWN},
    {"Turn on the lamp.", UNKNOWN},
    {"Every purchase is a vote.", UNKNOWN},
    {"Who is the president of France?", UNKNOWN},
    {"Okay and they can fix my car", UNKNOWN},

    {"What time is it?", "It is 1 PM."},
    {"What day is it today?", "Today is Monday, May 5."},
    {"Hello.", "What can I do for you?"},
    {"Hello. Gemini, are you there?", "I'm here"},
    {"Thank you.", "welcome"},
    {"Help.", "book a meeting room"},
    {"What can you do?", "book a meeting room"},
    {"Stop.", "Okay."},
    {"Be quiet!", "Okay."},
    {"Hold on a second.", "Take your time."},
    {"Say that again?", "Harbour Rooms"},
    {"Goodbye.", "Goodbye"},
    {"Okay, thanks, bye!", "Goodbye"},
    {"No, that's all, thank you.", "I'm here if"},
    {"", "didn't catch"},
    {"...", "didn't catch"},
    {"My last name is King, K I N G.", "Thank you, King."},
};

static char *
ask (const char *text)
{
  g_autoptr (GPtrArray) messages = rp_messages_new ();
  g_ptr_array_add (messages, rp_message_new (RP_ROLE_ASSISTANT, agent->greeting, MONDAY_S - 5));
  g_ptr_array_add (messages, rp_message_new (RP_ROLE_USER, text, MONDAY_S));
  RpBrainRequest request = {messages, MONDAY_S, NULL, "test"};
  g_autoptr (RpBrainReply) reply = rp_dialogue_respond (agent->dialogue, &request);
  g_assert_cmpuint (reply->segments->len, >, 0);
  return rp_brain_reply_text (reply);
}

static void
test_rows (void)
{
  guint wrong = 0;
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *reply = ask (rows[i].text);
    if (strstr (reply, rows[i].part) != NULL)
      continue;
    wrong++;
    g_test_message ("\"%s\" wants \"%s\", got \"%s\"", rows[i].text, rows[i].part, reply);
  }
  g_assert_cmpuint (wrong, ==, 0);
}

/* Every wording in the knowledge file leads to its own answer. */
static void
test_own_wordings (void)
{
  g_autofree char *path = g_build_filename (agent->dir, "knowledge.md", NULL);
  g_autofree char *text = NULL;
  gsize length;
  guint wrong = 0, all = 0;
  g_assert_true (g_file_get_contents (path, &text, &length, NULL));
  g_autoptr (RpKnowledge) knowledge = rp_knowledge_parse (text, length, NULL);
  g_assert_cmpuint (rp_knowledge_n_entries (knowledge), >=, 25);
  for (guint i = 0; i < rp_knowledge_n_entries (knowledge); i++) {
    const RpKnowledgeEntry *entry = rp_knowledge_entry (knowledge, i);
    for (guint k = 0; k < entry->questions->len; k++) {
      const char *question = g_ptr_array_index (entry->questions, k);
      g_autofree char *reply = ask (question);
      all++;
      if (strcmp (reply, entry->answer) == 0)
        continue;
      wrong++;
      g_test_message ("\"%s\" got \"%s\"", question, reply);
    }
  }
  g_test_message ("%u of %u wordings", all - wrong, all);
  g_assert_cmpuint (wrong, ==, 0);
}

/* What a recogniser made of speech that has nothing to do with the desk is not answered. */
static void
test_recorded (void)
{
  const char *dir = g_getenv ("RP_SHARED_DATA");
  g_autofree char *path = g_build_filename (dir != NULL ? dir : ".", "meta.tsv", NULL);
  g_autofree char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, NULL)) {
    g_test_skip ("no recorded speech beside the tree");
    return;
  }
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  guint read = 0, answered = 0;
  for (guint i = 1; lines[i] != NULL; i++) {
    g_auto (GStrv) fields = g_strsplit (lines[i], "\t", -1);
    if (g_strv_length (fields) < 7)
      continue;
    g_autofree char *reply = ask (fields[6]);
    if (!g_str_has_prefix (fields[3], "read-") && strcmp (fields[3], "request-drive-thru") != 0)
      continue;
    read++;
    if (*fields[6] != '\0' && strstr (reply, UNKNOWN) == NULL) {
      answered++;
      g_test_message ("\"%s\" got \"%s\"", fields[6], reply);
    }
  }
  g_test_message ("%u of %u that ask nothing were answered", answered, read);
  g_assert_cmpuint (read, >, 50);
  g_assert_cmpuint (answered * 50, <=, read);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_autoptr (GError) error = NULL;
  agent = rp_agent_load (RP_AGENT_DIR, &error);
  g_assert_no_error (error);
  g_test_add_func ("/reception/rows", test_rows);
  g_test_add_func ("/reception/own-wordings", test_own_wordings);
  g_test_add_func ("/reception/recorded", test_recorded);
  int status = g_test_run ();
  rp_agent_free (agent);
  return status;
}
