/* repartee-relay: an impaired network for tests whose caller is a browser: see relay.h. */
#include "relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
    "usage: repartee-relay [options]\n"
    "\n"
    "Relays UDP between a caller and a server on this machine, as a bad network would. Prints the\n"
    "two ports, the one for the caller's packets first, and takes lines on its input:\n"
    "  server ADDRESS PORT   where the server is\n"
    "  start                 outages count from now on\n"
    "  stats                 answered by a line of JSON\n"
    "It ends with its input.\n"
    "\n";

static void
print_direction (const char *name, const RpNetemStats *stats)
{
  g_print ("\"%s\":{\"sent\":%" G_GUINT64_FORMAT ",\"lost\":%" G_GUINT64_FORMAT
           ",\"duplicated\":%" G_GUINT64_FORMAT ",\"reordered\":%" G_GUINT64_FORMAT "}",
           name, stats->sent, stats->lost, stats->duplicated, stats->held_back);
}

static void
command (RpRelay *relay, char *line)
{
  g_auto (GStrv) words = g_strsplit (g_strchomp (line), " ", 0);
  guint n = g_strv_length (words);
  if (n == 3 && g_str_equal (words[0], "server")) {
    if (!rp_relay_set_server (relay, words[1], (guint16) atoi (words[2])))
      g_printerr ("repartee-relay: %s is no address\n", words[1]);
  } else if (n == 1 && g_str_equal (words[0], "start")) {
    rp_relay_start (relay, g_get_monotonic_time ());
  } else if (n == 1 && g_str_equal (words[0], "stats")) {
    RpNetemStats out;
    RpNetemStats in;
    rp_relay_stats (relay, &out, &in);
    g_print ("{");
    print_direction ("out", &out);
    g_print (",");
    print_direction ("in", &in);
    g_print ("}\n");
  } else {
    g_printerr ("repartee-relay: what is \"%s\"?\n", line);
  }
  fflush (stdout);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  RpImpair impair = {0};
  char line[256];
  for (int i = 1; i < argc; i += 2)
    if (!rp_impair_option (&impair, argv[i], argv[i + 1], &error)) {
      g_printerr ("repartee-relay: %s\n%s%s", error != NULL ? error->message : argv[i], usage_text,
                  rp_impair_help ());
      return 2;
    }
  g_autoptr (RpRelay) relay = rp_relay_new (&impair, 0, "127.0.0.1", &error);
  if (relay == NULL) {
    g_printerr ("repartee-relay: %s\n", error->message);
    return EXIT_FAILURE;
  }
  g_print ("%u %u\n", rp_relay_caller_port (relay), rp_relay_server_port (relay));
  fflush (stdout);
  while (fgets (line, sizeof line, stdin) != NULL)
    command (relay, line);
  return EXIT_SUCCESS;
}
