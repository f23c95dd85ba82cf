/* What is said to any agent: repeat, stop, help, goodbye… */
#include "dialogue-private.h"

#include <string.h>

/* Said before and after without changing what is meant. */
static const char polite[] =
    "please um uh er hmm okay ok well oh so hey now just sorry and but then "
    "thanks alright right yes yeah no ah actually hello hi can could would you to i "
    "me for the my kindly quickly";

typedef struct {
  const char *phrase;
  RpIntent intent;
} Row;

/* Exactly these words, politeness apart. */
static const Row whole[] = {
    {"repeat", RP_INTENT_REPEAT},
    {"repeat that", RP_INTENT_REPEAT},
    {"repeat it", RP_INTENT_REPEAT},
    {"repeat yourself", RP_INTENT_REPEAT},
    {"repeat that again", RP_INTENT_REPEAT},
    {"repeat what you said", RP_INTENT_REPEAT},
    {"repeat the answer", RP_INTENT_REPEAT},
    {"repeat the question", RP_INTENT_REPEAT},
    {"say that again", RP_INTENT_REPEAT},
    {"say it again", RP_INTENT_REPEAT},
    {"say again", RP_INTENT_REPEAT},
    {"again", RP_INTENT_REPEAT},
    {"go on", RP_INTENT_REPEAT},
    {"carry on", RP_INTENT_REPEAT},
    {"keep going", RP_INTENT_REPEAT},
    {"continue", RP_INTENT_REPEAT},
    {"you were saying", RP_INTENT_REPEAT},
    {"slower", RP_INTENT_REPEAT},
    {"more slowly", RP_INTENT_REPEAT},
    {"speak slowly", RP_INTENT_REPEAT},
    {"speak slower", RP_INTENT_REPEAT},
    {"speak more slowly", RP_INTENT_REPEAT},
    {"louder", RP_INTENT_REPEAT},
    {"speak louder", RP_INTENT_REPEAT},
    {"speak up", RP_INTENT_REPEAT},
    {"once more", RP_INTENT_REPEAT},
    {"one more time", RP_INTENT_REPEAT},
    {"come again", RP_INTENT_REPEAT},
    {"pardon", RP_INTENT_REPEAT},
    {"pardon me", RP_INTENT_REPEAT},
    {"i beg your pardon", RP_INTENT_REPEAT},
    {"excuse me", RP_INTENT_REPEAT},
    {"sorry", RP_INTENT_REPEAT},
    {"what", RP_INTENT_REPEAT},
    {"what was that", RP_INTENT_REPEAT},
    {"what did you say", RP_INTENT_REPEAT},
    {"what did you just say", RP_INTENT_REPEAT},
    {"i didnt hear that", RP_INTENT_REPEAT},
    {"i didnt catch that", RP_INTENT_REPEAT},
    {"i didnt get that", RP_INTENT_REPEAT},
    {"i didnt understand", RP_INTENT_REPEAT},
    {"i dont understand", RP_INTENT_REPEAT},
    {"i cant hear you", RP_INTENT_REPEAT},
    {"stop", RP_INTENT_STOP},
    {"stop it", RP_INTENT_STOP},
    {"stop that", RP_INTENT_STOP},
    {"stop talking", RP_INTENT_STOP},
    {"stop stop", RP_INTENT_STOP},
    {"stop stop stop", RP_INTENT_STOP},
    {"be quiet", RP_INTENT_STOP},
    {"quiet", RP_INTENT_STOP},
    {"shut up", RP_INTENT_STOP},
    {"silence", RP_INTENT_STOP},
    {"enough", RP_INTENT_STOP},
    {"that enough", RP_INTENT_STOP},
    {"wait", RP_INTENT_WAIT},
    {"wait wait", RP_INTENT_WAIT},
    {"wait a moment", RP_INTENT_WAIT},
    {"wait a minute", RP_INTENT_WAIT},
    {"wait a second", RP_INTENT_WAIT},
    {"hold on", RP_INTENT_WAIT},
    {"hold on a second", RP_INTENT_WAIT},
    {"hang on", RP_INTENT_WAIT},
    {"one moment", RP_INTENT_WAIT},
    {"a moment", RP_INTENT_WAIT},
    {"one second", RP_INTENT_WAIT},
    {"a second", RP_INTENT_WAIT},
    {"one minute", RP_INTENT_WAIT},
    {"give me a moment", RP_INTENT_WAIT},
    {"give me a second", RP_INTENT_WAIT},
    {"give me a minute", RP_INTENT_WAIT},
    {"let me think", RP_INTENT_WAIT},
    {"let me think about it", RP_INTENT_WAIT},
    {"pause", RP_INTENT_WAIT},
    {"let me see", RP_INTENT_WAIT},
    {"let me check", RP_INTENT_WAIT},
    {"help", RP_INTENT_HELP},
    {"help me", RP_INTENT_HELP},
    {"i need help", RP_INTENT_HELP},
    {"i need some help", RP_INTENT_HELP},
    {"what can you do", RP_INTENT_HELP},
    {"what can i ask", RP_INTENT_HELP},
    {"what can i ask you", RP_INTENT_HELP},
    {"what can i say", RP_INTENT_HELP},
    {"what can i do", RP_INTENT_HELP},
    {"what can you do for me", RP_INTENT_HELP},
    {"what can you help me with", RP_INTENT_HELP},
    {"what can you help with", RP_INTENT_HELP},
    {"what do you know", RP_INTENT_HELP},
    {"what do you do", RP_INTENT_HELP},
    {"what are you able to do", RP_INTENT_HELP},
    {"how can you help me", RP_INTENT_HELP},
    {"how can you help", RP_INTENT_HELP},
    {"what are my options", RP_INTENT_HELP},
    {"help me with something", RP_INTENT_HELP},
    {"hello", RP_INTENT_GREETING},
    {"hello there", RP_INTENT_GREETING},
    {"hi there", RP_INTENT_GREETING},
    {"good morning", RP_INTENT_GREETING},
    {"good afternoon", RP_INTENT_GREETING},
    {"good evening", RP_INTENT_GREETING},
    {"good day", RP_INTENT_GREETING},
    {"are you there", RP_INTENT_PRESENCE},
    {"are you still there", RP_INTENT_PRESENCE},
    {"is anybody there", RP_INTENT_PRESENCE},
    {"is anyone there", RP_INTENT_PRESENCE},
    {"is there anybody there", RP_INTENT_PRESENCE},
    {"can you hear me", RP_INTENT_PRESENCE},
    {"do you hear me", RP_INTENT_PRESENCE},
    {"anybody there", RP_INTENT_PRESENCE},
    {"thank you", RP_INTENT_THANKS},
    {"thank you very much", RP_INTENT_THANKS},
    {"thank you so much", RP_INTENT_THANKS},
    {"thanks", RP_INTENT_THANKS},
    {"thanks a lot", RP_INTENT_THANKS},
    {"many thanks", RP_INTENT_THANKS},
    {"thanks very much", RP_INTENT_THANKS},
    {"great thanks", RP_INTENT_THANKS},
    {"great thank you", RP_INTENT_THANKS},
    {"perfect thank you", RP_INTENT_THANKS},
    {"perfect thanks", RP_INTENT_THANKS},
    {"cheers", RP_INTENT_THANKS},
    {"that all", RP_INTENT_DONE},
    {"that is all", RP_INTENT_DONE},
    {"that it", RP_INTENT_DONE},
    {"that will be all", RP_INTENT_DONE},
    {"that all i need", RP_INTENT_DONE},
    {"that all i needed", RP_INTENT_DONE},
    {"that all thank you", RP_INTENT_DONE},
    {"that it thank you", RP_INTENT_DONE},
    {"nothing else", RP_INTENT_DONE},
    {"nothing", RP_INTENT_DONE},
    {"no thank you", RP_INTENT_DONE},
    {"no thanks", RP_INTENT_DONE},
    {"no that all", RP_INTENT_DONE},
    {"nope that it", RP_INTENT_DONE},
    {"not right now", RP_INTENT_DONE},
    {"nope", RP_INTENT_DONE},
    {"no", RP_INTENT_DONE},
    {"no maam that it", RP_INTENT_DONE},
    {"bye", RP_INTENT_GOODBYE},
    {"bye bye", RP_INTENT_GOODBYE},
    {"goodbye", RP_INTENT_GOODBYE},
    {"see you", RP_INTENT_GOODBYE},
    {"see you later", RP_INTENT_GOODBYE},
    {"see you soon", RP_INTENT_GOODBYE},
    {"see you tomorrow", RP_INTENT_GOODBYE},
    {"talk to you later", RP_INTENT_GOODBYE},
    {"have a nice day", RP_INTENT_GOODBYE},
    {"have a good day", RP_INTENT_GOODBYE},
    {"have a good one", RP_INTENT_GOODBYE},
    {"you have a good one", RP_INTENT_GOODBYE},
    {"hang up", RP_INTENT_GOODBYE},
    {"end the call", RP_INTENT_GOODBYE},
    {"end call", RP_INTENT_GOODBYE},
    {"good night", RP_INTENT_GOODBYE},
    {"what time is it", RP_INTENT_TIME},
    {"what time it is", RP_INTENT_TIME},
    {"what time is it now", RP_INTENT_TIME},
    {"what time is it right now", RP_INTENT_TIME},
    {"what time is it there", RP_INTENT_TIME},
    {"what the time", RP_INTENT_TIME},
    {"what the time now", RP_INTENT_TIME},
    {"what is the time", RP_INTENT_TIME},
    {"what is the time now", RP_INTENT_TIME},
    {"what the current time", RP_INTENT_TIME},
    {"do you have the time", RP_INTENT_TIME},
    {"tell me the time", RP_INTENT_TIME},
    {"tell me what time it is", RP_INTENT_TIME},
    {"do you know what time it is", RP_INTENT_TIME},
    {"do you know the time", RP_INTENT_TIME},
    {"the time please", RP_INTENT_TIME},
    {"time is it", RP_INTENT_TIME},
    {"what day is it", RP_INTENT_DATE},
    {"what day is it today", RP_INTENT_DATE},
    {"what day is today", RP_INTENT_DATE},
    {"what day it is", RP_INTENT_DATE},
    {"which day is it", RP_INTENT_DATE},
    {"what the date", RP_INTENT_DATE},
    {"what the date today", RP_INTENT_DATE},
    {"what is the date", RP_INTENT_DATE},
    {"what is the date today", RP_INTENT_DATE},
    {"what is today date", RP_INTENT_DATE},
    {"what today date", RP_INTENT_DATE},
    {"what date is it", RP_INTENT_DATE},
    {"what date is it today", RP_INTENT_DATE},
    {"what date is today", RP_INTENT_DATE},
    {"tell me the date", RP_INTENT_DATE},
    {"cancel", RP_INTENT_CANCEL},
    {"cancel that", RP_INTENT_CANCEL},
    {"cancel it", RP_INTENT_CANCEL},
    {"cancel this", RP_INTENT_CANCEL},
    {"cancel everything", RP_INTENT_CANCEL},
    {"never mind", RP_INTENT_CANCEL},
    {"nevermind", RP_INTENT_CANCEL},
    {"forget it", RP_INTENT_CANCEL},
    {"forget about it", RP_INTENT_CANCEL},
    {"forget that", RP_INTENT_CANCEL},
    {"drop it", RP_INTENT_CANCEL},
    {"leave it", RP_INTENT_CANCEL},
    {"i changed my mind", RP_INTENT_CANCEL},
    {"ive changed my mind", RP_INTENT_CANCEL},
    {"i have changed my mind", RP_INTENT_CANCEL},
    {"i dont want to", RP_INTENT_CANCEL},
    {"i dont want it", RP_INTENT_CANCEL},
    {"i dont want that", RP_INTENT_CANCEL},
    {"start over", RP_INTENT_CANCEL},
    {"abort", RP_INTENT_CANCEL},
    {"quit", RP_INTENT_CANCEL},
};

/* Anywhere in a short utterance. */
static const Row anywhere[] = {
    {"goodbye", RP_INTENT_GOODBYE},
    {"bye bye", RP_INTENT_GOODBYE},
    {"bye", RP_INTENT_GOODBYE},
    {"hang up", RP_INTENT_GOODBYE},
    {"never mind", RP_INTENT_CANCEL},
    {"nevermind", RP_INTENT_CANCEL},
    {"forget it", RP_INTENT_CANCEL},
    {"changed my mind", RP_INTENT_CANCEL},
    {"stop talking", RP_INTENT_STOP},
    {"be quiet", RP_INTENT_STOP},
    {"shut up", RP_INTENT_STOP},
    {"are you there", RP_INTENT_PRESENCE},
    {"say that again", RP_INTENT_REPEAT},
    {"repeat that", RP_INTENT_REPEAT},
    {"what did you say", RP_INTENT_REPEAT},
};
#define ANYWHERE_MAX_WORDS 7

static RpIntent
match_whole (const RpWords *words, guint first, guint end)
{
  for (guint k = 0; k < G_N_ELEMENTS (whole); k++) {
    guint n = rp_words_match_at (words, first, whole[k].phrase);
    if (n > 0 && first + n == end)
      return whole[k].intent;
  }
  return RP_INTENT_NONE;
}

static gboolean
all_in (const RpWords *words, const char *list)
{
  for (guint i = 0; i < words->n; i++)
    if (!rp_word_in (words->v[i].norm, list))
      return FALSE;
  return words->n > 0;
}

RpIntent
rp_intent (const RpWords *words)
{
  if (words->n == 0 || words->n > 14)
    return RP_INTENT_NONE;
  if (all_in (words, "hello hi hey hiya howdy"))
    return RP_INTENT_GREETING;
  if (all_in (words, "yes yeah yep okay ok kay right sure mm hmm hm mhm uh huh um ah oh alright "
                     "great good nice "
                     "cool fine perfect lovely wow really i see"))
    return RP_INTENT_ACKNOWLEDGE;
  /* Politeness is taken off one word at a time, so that "thank you" is found before it is gone. */
  for (guint first = 0; first < words->n; first++) {
    for (guint end = words->n; end > first; end--) {
      RpIntent intent = match_whole (words, first, end);
      if (intent != RP_INTENT_NONE)
        return intent;
      if (!rp_word_in (words->v[end - 1].norm,
                       "please thanks thank you now again then okay ok all"))
        break;
    }
    if (!rp_word_in (words->v[first].norm, polite))
      break;
  }
  for (guint k = 0; words->n <= ANYWHERE_MAX_WORDS && k < G_N_ELEMENTS (anywhere); k++)
    if (rp_words_find (words, anywhere[k].phrase, NULL))
      return anywhere[k].intent;
  return RP_INTENT_NONE;
}

gboolean
rp_sounds_like_question (const RpWords *words)
{
  if (words->question)
    return TRUE;
  guint i = 0;
  while (i < words->n && rp_word_in (words->v[i].norm, "and um uh so okay ok well but oh also hey"))
    i++;
  if (i >= words->n)
    return FALSE;
  return rp_word_in (words->v[i].norm,
                     "what when where who why how which whose is are do does did can could "
                     "will would may should");
}
