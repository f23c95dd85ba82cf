/* repartee-load: many headless WebRTC callers. See options.c. */
#include "options.h"
#include "report.h"
#include "sctp.h"

#include <glib-unix.h>
#include <locale.h>
#include <sys/resource.h>

#define EXIT_WORKED 0
#define EXIT_CALLS_FAILED 1
#define EXIT_USAGE 2

typedef struct {
  GMainLoop *main_loop;
  RpLoadFleet *fleet;
} App;

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

static gboolean
on_signal (gpointer data)
{
  App *app = data;
  rp_load_fleet_interrupt (app->fleet);
  return G_SOURCE_CONTINUE;
}

/* A call takes a socket, a connection over HTTP another one for a while. */
static void
raise_limits (void)
{
  struct rlimit files;
  if (getrlimit (RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    setrlimit (RLIMIT_NOFILE, &files);
  }
}

static gboolean
write_report (const RpLoadSettings *settings, RpLoadFleet *fleet, GError **error)
{
  g_autofree char *json = rp_load_report_json (&settings->fleet, fleet);
  g_autofree char *line = g_strdup_printf ("%s\n", json);
  g_autofree char *text = rp_load_report_text (fleet);

  g_printerr ("%s", text);
  if (settings->json)
    return g_file_set_contents (settings->json, line, -1, error);
  g_print ("%s", line);
  return TRUE;
}

static gboolean
call_all (App *app, const RpLoadSettings *settings, const RpLoadSpeech *speech, RpLoop *loop,
          gboolean *out_ok, GError **error)
{
  app->fleet = rp_load_fleet_new (loop, &settings->fleet, speech, on_done, app, error);
  if (!app->fleet)
    return FALSE;
  g_unix_signal_add (SIGINT, on_signal, app);
  g_unix_signal_add (SIGTERM, on_signal, app);
  g_main_loop_run (app->main_loop);
  *out_ok = rp_load_report_ok (app->fleet);
  gboolean written = write_report (settings, app->fleet, error);
  rp_load_fleet_free (app->fleet);
  return written;
}

static int
run (const RpLoadSettings *settings)
{
  g_autoptr (GError) error = NULL;
  App app = {.main_loop = g_main_loop_new (NULL, FALSE)};
  gboolean ok = FALSE;
  gboolean ran = FALSE;

  raise_limits ();
  RpLoadSpeech *speech =
      rp_load_speech_new (settings->speech, settings->continuous,
                          (guint) (settings->fleet.impair.out.loss * 100), &error);
  if (speech && rp_srtp_init (&error) && rp_sctp_init (&error)) {
    RpLoop *loop = rp_loop_new ("load", &error);
    if (loop)
      ran = call_all (&app, settings, speech, loop, &ok, &error);
    rp_loop_free (loop);
    rp_sctp_shutdown ();
  }
  rp_load_speech_free (speech);
  g_main_loop_unref (app.main_loop);
  if (error)
    g_printerr ("repartee-load: %s\n", error->message);
  if (!ran)
    return EXIT_USAGE;
  return ok ? EXIT_WORKED : EXIT_CALLS_FAILED;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  RpLoadSettings settings;
  int status = EXIT_USAGE;

  setlocale (LC_ALL, "");
  if (argc == 2 && (g_str_equal (argv[1], "--help") || g_str_equal (argv[1], "-h"))) {
    g_print ("%s%s", rp_load_usage_text, rp_impair_help ());
    return EXIT_WORKED;
  }
  if (argc == 2 && g_str_equal (argv[1], "--version")) {
    g_print ("repartee-load %s\n", RP_VERSION);
    return EXIT_WORKED;
  }
  if (rp_load_settings_parse (&settings, argv + 1, &error))
    status = run (&settings);
  else
    g_printerr ("repartee-load: %s\n", error->message);
  rp_load_settings_clear (&settings);
  return status;
}
