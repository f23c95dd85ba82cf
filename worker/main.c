/* repartee-worker: the zygote, and with it every worker. Started by repartee, seldom by hand. */
#include "assets.h"
#include "zygote.h"

#include <fcntl.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct {
  gboolean zygote;
  gboolean check;
  gboolean no_confine;
  gboolean version;
  int control_fd;
  char **agent_dirs;
  char *models_dir;
  char *data_dir;
} Options;

static gboolean
parse_options (Options *options, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
      {"zygote", 0, 0, G_OPTION_ARG_NONE, &options->zygote, "Load the models and fork workers",
       NULL},
      {"control-fd", 0, 0, G_OPTION_ARG_INT, &options->control_fd, "Socket to the server", "N"},
      {"check", 0, 0, G_OPTION_ARG_NONE, &options->check, "Load everything, say what, and exit",
       NULL},
      {"agent", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->agent_dirs,
       "An agent's directory; may be given several times, the first is the default", "DIR"},
      {"models", 0, 0, G_OPTION_ARG_FILENAME, &options->models_dir,
       "Where tools/fetch-models put the models", "DIR"},
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &options->data_dir, "Where the agent keeps its data",
       "DIR"},
      {"no-confine", 0, 0, G_OPTION_ARG_NONE, &options->no_confine,
       "Do not shut workers in, so that they can be debugged", NULL},
      {"version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Say the version and exit", NULL},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("- agent workers of repartee");
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse (context, argc, argv, error);
}

static int
usage_error (const char *why)
{
  g_printerr ("repartee-worker: %s; see --help\n", why);
  return RP_WORKER_EXIT_CONFIG;
}

static int
check (const Options *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RpAssets) assets =
      rp_assets_load ((const char *const *) options->agent_dirs, options->models_dir, &error);
  if (assets == NULL) {
    g_printerr ("repartee-worker: %s\n", error->message);
    return RP_WORKER_EXIT_CONFIG;
  }
  g_autofree char *description = rp_assets_describe (assets, NULL);
  g_print ("%s\n", description);
  return EXIT_SUCCESS;
}

static void
clear_options (Options *options)
{
  g_strfreev (options->agent_dirs);
  g_free (options->models_dir);
  g_free (options->data_dir);
}

static int
run (const Options *options, gboolean *out_is_worker)
{
  if (options->version) {
    g_print ("repartee-worker " RP_VERSION "\n");
    return EXIT_SUCCESS;
  }
  if (options->agent_dirs == NULL)
    return usage_error ("--agent is needed");
  /* The tools look there; set before there is any thread. */
  if (options->data_dir != NULL)
    g_setenv ("REPARTEE_DATA", options->data_dir, TRUE);
  if (options->check)
    return check (options);
  if (!options->zygote)
    return usage_error ("one of --zygote and --check is needed");
  if (options->control_fd < 0 || fcntl (options->control_fd, F_GETFD) < 0)
    return usage_error ("--control-fd is not an open descriptor");
  const RpZygoteOptions zygote_options = {
      .control_fd = options->control_fd,
      .agent_dirs = (const char *const *) options->agent_dirs,
      .models_dir = options->models_dir,
      .no_confine = options->no_confine,
  };
  return rp_zygote_run (&zygote_options, out_is_worker);
}

int
main (int argc, char **argv)
{
  setlocale (LC_CTYPE, "");
  Options options = {.control_fd = -1};
  g_autoptr (GError) error = NULL;
  if (!parse_options (&options, &argc, &argv, &error))
    return usage_error (error->message);
  gboolean is_worker = FALSE;
  int code = run (&options, &is_worker);
  /* A worker's threads may be in the middle of anything: nothing is torn down beneath them. */
  if (is_worker)
    _exit (code);
  clear_options (&options);
  return code;
}
