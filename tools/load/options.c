#include "options.h"

#include <string.h>

#define DEFAULT_HOLD_S 20
#define MAX_HOLD_S 7200
#define MAX_TOTAL 1e6

const char rp_load_usage_text[] =
    "usage: repartee-load [options]\n"
    "\n"
    "Makes many calls at once from one process, each a whole WebRTC client, speaks, and measures "
    "at the wire what\n"
    "the agent sends back. Prints a table on stderr and one JSON object on stdout. Exits with 0 "
    "when all calls\n"
    "connected as asked, with 1 when some did not, with 2 if the options make no sense. Calls "
    "servers of this machine\n"
    "alone.\n"
    "\n"
    "  --url URL            the server (http://127.0.0.1:8080)\n"
    "  --token TOKEN        sent as a bearer token; /stats wants the key\n"
    "  --agent NAME         whom to call\n"
    "\n"
    "  --calls N            at the same time, 1 to 2000 (1)\n"
    "  --steps A,B,C        instead: one steady phase at each of these, one after the other\n"
    "  --ramp S             starts a phase's calls within S seconds (20 calls a second)\n"
    "  --hold S             the steady phase that is measured (20)\n"
    "  --call-length S      calls hang up after S seconds on average and are replaced\n"
    "  --total M            ends when M calls have been made (and after --hold at the latest)\n"
    "  --kill-at LIST       of http, rst, offer, answer, ice, dtls, sctp and call: calls vanish "
    "there without a\n"
    "                       word, in turn, and are replaced; mix = all of them\n"
    "  --kill-share P       this share of the calls does, 0 to 1 (0.5)\n"
    "  --retry              a call that is refused comes again after Retry-After\n"
    "\n"
    "  --speech FILE...     WAV files that callers say in turn (without: three questions, "
    "synthesised)\n"
    "  --talk S --pause S   talks for S seconds and pauses for S, whatever the agent does\n"
    "  --continuous         talks without end, and takes no note of answers: for echoes and "
    "bridges\n"
    "  --no-data            offers audio alone\n"
    "  --red                offers redundant audio (RFC 2198), as Chromium does\n"
    "By itself a caller waits for the greeting, asks, waits until the agent has answered and has "
    "been silent for\n"
    "a second, and asks again.\n"
    "\n"
    "  --watch PID          measures CPU and memory of this process and all below it, too\n"
    "  --json FILE          writes the JSON there\n"
    "\n";

static gboolean
bad (GError **error, const char *option, const char *wants, const char *got)
{
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s wants %s, got \"%s\"", option,
               wants, got ? got : "nothing");
  return FALSE;
}

static gboolean
number (const char *option, const char *text, double min, double max, double *out, GError **error)
{
  char *end = NULL;
  double value = text ? g_ascii_strtod (text, &end) : 0;
  g_autofree char *wants = g_strdup_printf ("a number from %g to %g", min, max);

  if (!text || end == text || *end != '\0' || !(value >= min && value <= max))
    return bad (error, option, wants, text);
  *out = value;
  return TRUE;
}

static gboolean
set_steps (RpLoadOptions *o, const char *option, const char *text, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text ? text : "", ",", -1);

  o->n_steps = 0;
  for (guint i = 0; parts[i]; i++) {
    double value = 0;
    if (!number (option, parts[i], 1, RP_LOAD_MAX_CALLS, &value, error))
      return FALSE;
    if (o->n_steps == RP_LOAD_MAX_STEPS)
      return bad (error, option, G_STRINGIFY (RP_LOAD_MAX_STEPS) " numbers at most", text);
    o->steps[o->n_steps++] = (guint) value;
  }
  return o->n_steps > 0 || bad (error, option, "numbers with commas between them", text);
}

static gboolean
add_kill (RpLoadOptions *o, const char *name)
{
  gboolean mix = g_str_equal (name, "mix");
  gboolean found = FALSE;

  for (guint stage = RP_LOAD_STAGE_HTTP; stage < RP_LOAD_N_STAGES; stage++) {
    if (!mix && !g_str_equal (name, rp_load_stage_name (stage)))
      continue;
    if (o->n_kills == G_N_ELEMENTS (o->kills))
      return FALSE;
    o->kills[o->n_kills++] = stage;
    found = TRUE;
  }
  return found;
}

static gboolean
set_kills (RpLoadOptions *o, const char *text, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text ? text : "", ",", -1);

  for (guint i = 0; parts[i]; i++)
    if (!add_kill (o, parts[i]))
      return bad (error, "--kill-at", "stages of --help, each once", text);
  return TRUE;
}

static gboolean
set_number (RpLoadSettings *s, const char *name, const char *text, gboolean *out_known,
            GError **error)
{
  RpLoadOptions *o = &s->fleet;
  double talk_s = 0;
  double pause_s = 0;
  double total = 0;
  double seed = 0;
  double watched = 0;
  struct {
    const char *name;
    double min;
    double max;
    double *target;
  } numbers[] = {
      {"--ramp", 0, 3600, &o->ramp_s},
      {"--hold", 0.1, MAX_HOLD_S, &o->hold_s},
      {"--call-length", 0.1, MAX_HOLD_S, &o->call_length_s},
      {"--kill-share", 0, 1, &o->kill_share},
      {"--talk", 0.1, MAX_HOLD_S, &talk_s},
      {"--pause", 0, MAX_HOLD_S, &pause_s},
      {"--total", 1, MAX_TOTAL, &total},
      {"--seed", 0, G_MAXUINT32, &seed},
      {"--watch", 1, G_MAXINT32, &watched},
  };

  *out_known = FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (numbers) && !*out_known; i++) {
    if (!g_str_equal (name, numbers[i].name))
      continue;
    *out_known = TRUE;
    if (!number (name, text, numbers[i].min, numbers[i].max, numbers[i].target, error))
      return FALSE;
  }
  if (talk_s > 0) {
    o->talk.by_clock = TRUE;
    o->talk.talk_us = (gint64) (talk_s * G_USEC_PER_SEC);
  }
  if (pause_s > 0)
    o->talk.pause_us = (gint64) (pause_s * G_USEC_PER_SEC);
  if (total > 0)
    o->total = (guint64) total;
  if (g_str_equal (name, "--seed"))
    o->seed = s->fleet.impair.seed = (guint32) seed;
  if (watched > 0)
    o->watched = (GPid) watched;
  return TRUE;
}

/* An option with one value. */
static gboolean
set_option (RpLoadSettings *s, const char *name, char *text, GError **error)
{
  RpLoadOptions *o = &s->fleet;
  GError *local = NULL;
  gboolean known = FALSE;

  if (!set_number (s, name, text, &known, error))
    return FALSE;
  if (known)
    return TRUE;
  if (g_str_equal (name, "--calls") || g_str_equal (name, "--steps"))
    return set_steps (o, name, text, error);
  if (rp_impair_option (&o->impair, name, text, &local))
    return TRUE;
  if (local) {
    g_propagate_error (error, local);
    return FALSE;
  }
  if (!text)
    return bad (error, name, "a value (--help lists the options)", text);
  if (g_str_equal (name, "--kill-at"))
    return set_kills (o, text, error);
  if (g_str_equal (name, "--url"))
    o->url = text;
  else if (g_str_equal (name, "--token"))
    o->token = text;
  else if (g_str_equal (name, "--agent"))
    o->agent = text;
  else if (g_str_equal (name, "--json"))
    s->json = text;
  else {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION,
                 "unknown option %s; --help lists them", name);
    return FALSE;
  }
  return TRUE;
}

static gboolean
set_flag (RpLoadSettings *s, const char *name)
{
  if (g_str_equal (name, "--continuous")) {
    s->continuous = TRUE;
    s->fleet.talk.by_clock = TRUE;
    s->fleet.with_answers = FALSE;
  } else if (g_str_equal (name, "--no-data")) {
    s->fleet.with_data = FALSE;
  } else if (g_str_equal (name, "--red")) {
    s->fleet.with_red = TRUE;
  } else if (g_str_equal (name, "--retry")) {
    s->fleet.retry = TRUE;
  } else {
    return FALSE;
  }
  return TRUE;
}

gboolean
rp_load_settings_parse (RpLoadSettings *settings, char **argv, GError **error)
{
  *settings = (RpLoadSettings){
      .fleet = {.url = "http://127.0.0.1:8080",
                .steps = {1},
                .n_steps = 1,
                .ramp_s = -1,
                .kill_share = 0.5,
                .seed = 1,
                .with_data = TRUE,
                .with_answers = TRUE,
                .impair.seed = 1,
                .talk = {.greeting_us = 5 * G_USEC_PER_SEC,
                         .quiet_us = G_USEC_PER_SEC,
                         .answer_us = 10 * G_USEC_PER_SEC}},
      .speech = g_ptr_array_new (),
  };
  while (*argv) {
    const char *name = *argv++;
    if (set_flag (settings, name))
      continue;
    if (g_str_equal (name, "--speech")) {
      if (!*argv || g_str_has_prefix (*argv, "--"))
        return bad (error, name, "WAV files", *argv);
      while (*argv && !g_str_has_prefix (*argv, "--"))
        g_ptr_array_add (settings->speech, *argv++);
      continue;
    }
    if (!set_option (settings, name, *argv, error))
      return FALSE;
    argv++;
  }
  if (settings->fleet.hold_s == 0)
    settings->fleet.hold_s = settings->fleet.total > 0 ? MAX_HOLD_S : DEFAULT_HOLD_S;
  return TRUE;
}

void
rp_load_settings_clear (RpLoadSettings *settings)
{
  g_clear_pointer (&settings->speech, g_ptr_array_unref);
}
