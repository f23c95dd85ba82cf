/* repartee-call: a headless WebRTC caller. See usage () below. */
#include "call.h"
#include "json.h"
#include "sctp.h"
#include "server-stats.h"

#include <glib-unix.h>
#include <libsoup/soup.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_WORKED 0
#define EXIT_CALL_FAILED 1
#define EXIT_USAGE 2
#define MAX_ANSWER_BYTES (256 * 1024)

static const char usage_text[] =
    "usage: repartee-call [options]\n"
    "\n"
    "Calls a Repartee server as a browser would, speaks, records the answer, and prints one JSON "
    "summary.\n"
    "Exits with 0 if the call worked: it connected, the agent was heard, and every turn was "
    "answered;\n"
    "with 1 if not, with 2 if the options make no sense.\n"
    "\n"
    "  --url URL            the server (http://127.0.0.1:8080)\n"
    "  --token TOKEN        sent as a bearer token\n"
    "  --request-data JSON  sent along with the offer\n"
    "  --local-address IP   gathers candidates on this address only; may be repeated\n"
    "\n"
    "What it says, in this order (a WAV file is 16-bit PCM of any rate):\n"
    "  --say FILE           when the agent has finished speaking; a first one at once\n"
    "  --say-at S FILE      S seconds after the call is connected\n"
    "  --barge-in S FILE    S seconds after the agent has started to speak\n"
    "  --text TEXT          typed instead of spoken\n"
    "  --wait-greeting      the first one, too, waits until the agent has finished\n"
    "Without any of these it listens to the greeting.\n"
    "\n"
    "  --gap MS             silence after which the agent has finished (1000)\n"
    "  --answer-timeout S   gives a turn up after so long (15)\n"
    "  --linger S           stays on the line after the last answer (0)\n"
    "  --ice-restart-at S   restarts ICE S seconds after the call is connected; may be repeated\n"
    "  --new-address-at S IP  the same, on another address, and the path of before is dead\n"
    "  --timeout S          hangs up after so long (60)\n"
    "\n"
    "  --record FILE        the agent's audio, 16 kHz, from the moment the call was connected\n"
    "  --events FILE        every event as a line of JSON with its time\n"
    "\n"
    "  --red                offers redundant audio (RFC 2198), as Chromium does\n"
    "\n"
    "What becomes of its packets, those that set up the call too:\n";

static const char times_text[] =
    "\n"
    "Times: t_ms counts from the offer's POST. Speech is sent when its 20 ms have been spoken, as "
    "a microphone\n"
    "would; frames leave and arrivals are seen at most 2 ms late. A frame of a WAV file is speech "
    "when it is at\n"
    "most 30 dB below the file's loudest, within -60 to -45 dBFS; a frame of the agent is audible "
    "from -45 dBFS.\n"
    "voice_to_voice_ms: last speech frame sent to first audible packet received, negative when the "
    "agent began\n"
    "before. barge_in_stop_ms: first speech frame sent to the agent's last audible packet before "
    "it stopped.\n";

typedef struct {
  char *url;
  char *token;
  JsonNode *request_data;
  GPtrArray *addresses; /* of char*, NULL-terminated once parsed */
  GPtrArray *steps;     /* of RpCallStep */
  GArray *restarts;     /* of RpCallRestart */
  char *record;
  char *events;
  double timeout_s;
  RpCallConfig call;
} Options;

typedef struct {
  Options options;
  GMainLoop *main_loop;
  RpCall *call;
  char *pc_id;      /* (nullable): of the answer */
  JsonNode *server; /* (nullable): what it tells of the call */
  SoupSession *session;
  GCancellable *cancellable;
} App;

static gboolean
number (const char *option, const char *text, double min, double max, double *out, GError **error)
{
  char *end = NULL;
  double value = text ? g_ascii_strtod (text, &end) : 0;
  if (!text || end == text || *end != '\0' || !(value >= min && value <= max)) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 "%s wants a number from %g to %g, got \"%s\"", option, min, max,
                 text ? text : "nothing");
    return FALSE;
  }
  *out = value;
  return TRUE;
}

static gboolean
add_step (Options *o, RpCallStepKind kind, const char *option, char **args, GError **error)
{
  g_autoptr (RpCallStep) step = g_new0 (RpCallStep, 1);
  const char *what = args[0];

  step->kind = kind;
  if (kind == RP_CALL_SAY_AT || kind == RP_CALL_BARGE_IN) {
    if (!number (option, args[0], 0, 3600, &step->seconds, error))
      return FALSE;
    what = args[1];
  }
  if (kind == RP_CALL_TEXT)
    step->text = g_strdup (what);
  else if (!(step->clip = rp_call_clip_load (what, error)))
    return FALSE;
  g_ptr_array_add (o->steps, g_steal_pointer (&step));
  return TRUE;
}

static gboolean
add_restart (Options *o, const char *option, char **args, gboolean moves, GError **error)
{
  double seconds = 0;
  if (!number (option, args[0], 0, 3600, &seconds, error))
    return FALSE;
  const RpCallRestart restart = {.after_us = (gint64) (seconds * G_USEC_PER_SEC),
                                 .address = moves ? args[1] : NULL};
  g_array_append_val (o->restarts, restart);
  return TRUE;
}

static gboolean
set_request_data (Options *o, const char *text, GError **error)
{
  o->request_data = rp_json_parse (text, strlen (text), 0, error);
  g_prefix_error (error, "--request-data: ");
  return o->request_data != NULL;
}

/* One option with its values; n_values says how many it takes. */
static gboolean
set_option (Options *o, const char *name, char **args, GError **error)
{
  double value = 0;
  struct {
    const char *name;
    double max;
    double *target;
    double factor;
  } numbers[] = {
      {"--timeout", 86400, &o->timeout_s, 1},
  };
  struct {
    const char *name;
    double max;
    gint64 *target_us;
    double unit_us;
  } times[] = {
      {"--gap", 60000, &o->call.script.gap_us, 1000},
      {"--answer-timeout", 3600, &o->call.script.answer_us, G_USEC_PER_SEC},
      {"--linger", 86400, &o->call.linger_us, G_USEC_PER_SEC},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (g_str_equal (name, numbers[i].name)) {
      if (!number (name, args[0], 0, numbers[i].max, &value, error))
        return FALSE;
      *numbers[i].target = value * numbers[i].factor;
      return TRUE;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (times); i++)
    if (g_str_equal (name, times[i].name)) {
      if (!number (name, args[0], 0, times[i].max, &value, error))
        return FALSE;
      *times[i].target_us = (gint64) (value * times[i].unit_us);
      return TRUE;
    }
  g_autoptr (GError) impair_error = NULL;
  if (rp_impair_option (&o->call.impair, name, args[0], &impair_error))
    return TRUE;
  if (impair_error) {
    g_propagate_error (error, g_steal_pointer (&impair_error));
    return FALSE;
  }
  if (g_str_equal (name, "--request-data"))
    return set_request_data (o, args[0], error);
  if (g_str_equal (name, "--local-address"))
    g_ptr_array_add (o->addresses, args[0]);
  else if (g_str_equal (name, "--url"))
    o->url = args[0];
  else if (g_str_equal (name, "--token"))
    o->token = args[0];
  else if (g_str_equal (name, "--record"))
    o->record = args[0];
  else if (g_str_equal (name, "--events"))
    o->events = args[0];
  else if (g_str_equal (name, "--ice-restart-at") || g_str_equal (name, "--new-address-at"))
    return add_restart (o, name, args, g_str_equal (name, "--new-address-at"), error);
  else if (g_str_equal (name, "--say"))
    return add_step (o, RP_CALL_SAY, name, args, error);
  else if (g_str_equal (name, "--say-at"))
    return add_step (o, RP_CALL_SAY_AT, name, args, error);
  else if (g_str_equal (name, "--barge-in"))
    return add_step (o, RP_CALL_BARGE_IN, name, args, error);
  else if (g_str_equal (name, "--text"))
    return add_step (o, RP_CALL_TEXT, name, args, error);
  else {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION,
                 "unknown option %s; --help lists them", name);
    return FALSE;
  }
  return TRUE;
}

static gboolean
parse_options (Options *o, char **argv, GError **error)
{
  while (*argv) {
    const char *name = *argv++;
    if (g_str_equal (name, "--wait-greeting") || g_str_equal (name, "--red")) {
      *(g_str_equal (name, "--red") ? &o->call.red : &o->call.script.wait_greeting) = TRUE;
      continue;
    }
    gboolean moves = g_str_equal (name, "--new-address-at");
    gint n = g_str_equal (name, "--say-at") || g_str_equal (name, "--barge-in") || moves ? 2 : 1;
    if (!argv[0] || (n == 2 && !argv[1])) {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s wants %s", name,
                   moves    ? "seconds and an address"
                   : n == 2 ? "seconds and a file"
                            : "a value; --help lists the options");
      return FALSE;
    }
    if (!set_option (o, name, argv, error))
      return FALSE;
    argv += n;
  }
  g_ptr_array_add (o->addresses, NULL);
  o->call.local_addresses = (const char *const *) o->addresses->pdata;
  o->call.steps = o->steps;
  o->call.restarts = o->restarts;
  return TRUE;
}

static gboolean
quit (gpointer data)
{
  App *app = data;
  g_main_loop_quit (app->main_loop);
  return G_SOURCE_REMOVE;
}

/* On the media loop. */
static void
on_done (gpointer data)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, quit, data, NULL);
}

static void
fail (App *app, const char *reason)
{
  g_cancellable_cancel (app->cancellable);
  rp_call_hang_up (app->call, reason);
}

static gboolean
on_timeout (gpointer data)
{
  fail (data, "timeout");
  return G_SOURCE_REMOVE;
}

static gboolean
on_signal (gpointer data)
{
  fail (data, "interrupted");
  return G_SOURCE_CONTINUE;
}

static void
take_answer (App *app, SoupMessage *message, GBytes *body)
{
  g_autoptr (GError) error = NULL;
  gsize len = 0;
  const char *text = g_bytes_get_data (body, &len);
  guint status = soup_message_get_status (message);

  if (status != 200) {
    g_autofree char *reason = g_strdup_printf ("the server answered the offer with %u: %.*s",
                                               status, (int) MIN (len, 200), text ? text : "");
    fail (app, reason);
    return;
  }
  g_autoptr (JsonObject) answer = rp_json_parse_object (text, len, MAX_ANSWER_BYTES, &error);
  const char *sdp = rp_json_string (answer, "sdp", NULL);
  if (!app->pc_id)
    app->pc_id = g_strdup (rp_json_string (answer, "pc_id", NULL));
  if (!sdp || !rp_call_answer (app->call, sdp, &error))
    fail (app, error ? error->message : "the server's answer has no sdp");
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  App *app = data;
  g_autoptr (GBytes) body =
      soup_session_send_and_read_finish (SOUP_SESSION (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  if (!body) {
    fail (app, error->message);
    return;
  }
  take_answer (app, soup_session_get_async_result_message (app->session, result), body);
}

static SoupMessage *
make_post (const Options *o)
{
  gsize end = strlen (o->url);
  while (end > 0 && o->url[end - 1] == '/')
    end--;
  g_autofree char *url = g_strdup_printf ("%.*s/api/offer", (int) end, o->url);
  SoupMessage *message = soup_message_new (SOUP_METHOD_POST, url);
  if (message && o->token) {
    g_autofree char *value = g_strdup_printf ("Bearer %s", o->token);
    soup_message_headers_append (soup_message_get_request_headers (message), "Authorization",
                                 value);
  }
  return message;
}

static void
post_offer (App *app, SoupMessage *message)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *sdp = rp_call_offer (app->call, &error);
  if (!sdp) {
    fail (app, error->message);
    return;
  }
  JsonBuilder *builder = json_builder_new ();

  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "sdp");
  json_builder_add_string_value (builder, sdp);
  json_builder_set_member_name (builder, "type");
  json_builder_add_string_value (builder, "offer");
  json_builder_set_member_name (builder, "pc_id");
  if (app->pc_id)
    json_builder_add_string_value (builder, app->pc_id);
  else
    json_builder_add_null_value (builder);
  json_builder_set_member_name (builder, "restart_pc");
  json_builder_add_boolean_value (builder, FALSE);
  if (app->options.request_data && !app->pc_id) {
    json_builder_set_member_name (builder, "request_data");
    json_builder_add_value (builder, json_node_copy (app->options.request_data));
  }
  json_builder_end_object (builder);
  char *text = rp_json_builder_to_string (builder);
  g_autoptr (GBytes) body = g_bytes_new_take (text, strlen (text));
  soup_message_set_request_body_from_bytes (message, "application/json", body);
  if (!app->pc_id)
    rp_call_started (app->call, rp_loop_now_us ());
  soup_session_send_and_read_async (app->session, message, G_PRIORITY_DEFAULT, app->cancellable,
                                    on_answer, app);
}

static gboolean
post_again (gpointer data)
{
  App *app = data;
  g_autoptr (SoupMessage) message = make_post (&app->options);
  if (app->call && !g_cancellable_is_cancelled (app->cancellable))
    post_offer (app, message);
  return G_SOURCE_REMOVE;
}

/* On the media loop. */
static void
on_renegotiate (gpointer data)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, post_again, data, NULL);
}

static gboolean
is_loopback (const char *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  const char *host = uri ? g_uri_get_host (uri) : NULL;
  g_autoptr (GInetAddress) address = host ? g_inet_address_new_from_string (host) : NULL;
  return g_strcmp0 (host, "localhost") == 0 ||
         (address && g_inet_address_get_is_loopback (address));
}

static gboolean
print_summary (App *app)
{
  gboolean ok = rp_call_ok (app->call);
  JsonBuilder *builder = json_builder_new ();
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "ok");
  json_builder_add_boolean_value (builder, ok);
  json_builder_set_member_name (builder, "url");
  json_builder_add_string_value (builder, app->options.url);
  rp_call_summary (app->call, builder);
  if (app->server) {
    json_builder_set_member_name (builder, "server");
    json_builder_add_value (builder, g_steal_pointer (&app->server));
  }
  json_builder_end_object (builder);
  g_autofree char *text = rp_json_builder_to_string (builder);
  g_print ("%s\n", text);
  return ok;
}

/* The whole call. Returns FALSE with an error when there was none. */
static gboolean
make_call (App *app, RpLoop *loop, SoupMessage *message, gboolean *out_ok, GError **error)
{
  g_autoptr (RpCallJournal) journal = rp_call_journal_new (app->options.events, error);
  if (!journal)
    return FALSE;
  g_autoptr (RpCall) call = rp_call_new (loop, &app->options.call, journal, on_done, app, error);
  if (!call)
    return FALSE;
  app->call = call;
  guint sources[] = {g_timeout_add ((guint) (app->options.timeout_s * 1000), on_timeout, app),
                     g_unix_signal_add (SIGINT, on_signal, app),
                     g_unix_signal_add (SIGTERM, on_signal, app)};
  post_offer (app, message);
  g_main_loop_run (app->main_loop);
  for (gsize i = 0; i < G_N_ELEMENTS (sources); i++) {
    GSource *source = g_main_context_find_source_by_id (NULL, sources[i]);
    if (source)
      g_source_destroy (source);
  }
  app->server = rp_call_server_stats (app->options.url, app->options.token, app->pc_id);
  rp_call_hang_up (call, NULL);
  *out_ok = print_summary (app);
  gboolean written =
      !app->options.record || rp_call_write_recording (call, app->options.record, error);
  app->call = NULL;
  return written;
}

static int
run (App *app)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SoupMessage) message = make_post (&app->options);
  gboolean ok = FALSE;

  if (!message) {
    g_printerr ("repartee-call: \"%s\" is no http URL\n", app->options.url);
    return EXIT_USAGE;
  }
  app->options.call.renegotiate = on_renegotiate;
  app->options.call.with_loopback = is_loopback (app->options.url);
  app->session = soup_session_new ();
  app->cancellable = g_cancellable_new ();
  app->main_loop = g_main_loop_new (NULL, FALSE);
  RpLoop *loop = rp_loop_new ("call", &error);
  if (loop && !make_call (app, loop, message, &ok, &error))
    ok = FALSE;
  rp_loop_free (loop);
  rp_sctp_shutdown ();
  soup_session_abort (app->session);
  g_object_unref (app->session);
  g_object_unref (app->cancellable);
  g_main_loop_unref (app->main_loop);
  if (error)
    g_printerr ("repartee-call: %s\n", error->message);
  return ok ? EXIT_WORKED : EXIT_CALL_FAILED;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  App app = {
      .options = {.url = (char *) "http://127.0.0.1:8080",
                  .timeout_s = 60,
                  .call.script = {.gap_us = G_USEC_PER_SEC, .answer_us = 15 * G_USEC_PER_SEC}}};
  int status = EXIT_USAGE;

  if (argc == 2 && (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h"))) {
    g_print ("%s%s%s", usage_text, rp_impair_help (), times_text);
    return EXIT_WORKED;
  }
  if (argc == 2 && g_str_equal (argv[1], "--version")) {
    g_print ("repartee-call %s\n", RP_VERSION);
    return EXIT_WORKED;
  }
  app.options.addresses = g_ptr_array_new ();
  app.options.restarts = g_array_new (FALSE, FALSE, sizeof (RpCallRestart));
  app.options.steps = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_call_step_free);
  if (parse_options (&app.options, argv + 1, &error))
    status = run (&app);
  else
    g_printerr ("repartee-call: %s\n", error->message);
  g_ptr_array_unref (app.options.addresses);
  g_ptr_array_unref (app.options.steps);
  g_array_unref (app.options.restarts);
  g_free (app.pc_id);
  g_clear_pointer (&app.options.request_data, json_node_unref);
  return status;
}
