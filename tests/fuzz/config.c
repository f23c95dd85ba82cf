/*
 * The server's settings: a configuration file, and behind a NUL the words of a command line, each
 * ended by a NUL. Refused with a message, or settings within their ranges which, printed and read
 * again, are the same.
 */
#define _GNU_SOURCE /* memmem, strnlen */
#include "config.h"
#include "scratch.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

#define MAX_WORDS 40

static void
check_ranges (const RpConfig *config)
{
  g_assert_true (config->loops > 0 && config->max_sessions > 0);
  g_assert_true (config->connect_timeout_us > 0 && config->inactivity_timeout_us > 0);
  g_assert_true (config->udp_port_min <= config->udp_port_max);
  g_assert_true (config->listen_host != NULL && config->agent[0] != NULL);
  /* Nobody is let in by mistake. */
  g_assert_true (config->listen_is_loopback || config->token != NULL || config->no_auth);
}

static RpConfig *
parse (const char *path, char *const *words)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  g_ptr_array_add (argv, (gpointer) "repartee");
  for (guint i = 0; words[i] != NULL; i++)
    g_ptr_array_add (argv, words[i]);
  g_ptr_array_add (argv, (gpointer) "--config");
  g_ptr_array_add (argv, (gpointer) path);
  g_ptr_array_add (argv, NULL);
  g_autoptr (GError) error = NULL;
  RpConfig *config = rp_config_parse ((char **) argv->pdata, &error);
  g_assert_true ((config == NULL) == (error != NULL));
  g_assert_true (error == NULL || *error->message != '\0');
  return config;
}

static void
check_again (const RpConfig *config, const char *path)
{
  g_autofree char *text = rp_config_to_string (config);
  static char *no_words[] = {NULL};
  if (config->token != NULL || config->turn_secret_file != NULL)
    return; /* secrets are not printed */
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_autoptr (RpConfig) again = parse (path, no_words);
  g_assert_nonnull (again);
  g_autofree char *same = rp_config_to_string (again);
  g_assert_cmpstr (same, ==, text);
}

static char **
split_words (const char *data, gsize size)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  while (size > 0 && words->len < MAX_WORDS) {
    gsize len = strnlen (data, size);
    g_ptr_array_add (words, g_strndup (data, len));
    data += MIN (size, len + 1);
    size -= MIN (size, len + 1);
  }
  g_ptr_array_add (words, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&words), FALSE);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *path = g_build_filename (scratch_dir (), "config.json", NULL);
  const char *text = (const char *) data;
  gsize len = strnlen (text, size);
  /* Files of devices have no end; who names them has only themselves to blame. */
  if (memmem (data, size, "/dev", 4) != NULL || memmem (data, size, "/proc", 5) != NULL)
    return 0;
  g_assert_true (
      g_file_set_contents (path, len > 0 ? text : "{}", len > 0 ? (gssize) len : 2, NULL));
  g_auto (GStrv) words = split_words (text + MIN (size, len + 1), size - MIN (size, len + 1));
  g_autoptr (RpConfig) config = parse (path, words);
  if (config == NULL || config->action == RP_CONFIG_HELP || config->action == RP_CONFIG_VERSION)
    return 0;
  check_ranges (config);
  check_again (config, path);
  return 0;
}
