/* The command line and the configuration file. */
#include "config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  char *dir;
  char *file;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->dir = g_dir_make_tmp ("rp-config-XXXXXX", NULL);
  fixture->file = g_build_filename (fixture->dir, "config.json", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_unlink (fixture->file);
  g_rmdir (fixture->dir);
  g_free (fixture->file);
  g_free (fixture->dir);
}

/* @options: words parted by spaces; DIR and FILE stand for the fixture's. Always with an agent and
 * a worker that exist. */
static RpConfig *
parse (Fixture *fixture, const char *options, GError **error)
{
  g_autofree char *line = g_strdup_printf ("repartee --agent %s --worker /bin/true%s%s",
                                           fixture->dir, *options != '\0' ? " " : "", options);
  g_auto (GStrv) argv = g_strsplit (line, " ", -1);
  for (guint i = 0; argv[i] != NULL; i++) {
    const char *replacement = g_str_equal (argv[i], "DIR")    ? fixture->dir
                              : g_str_equal (argv[i], "FILE") ? fixture->file
                                                              : NULL;
    if (replacement != NULL) {
      g_free (argv[i]);
      argv[i] = g_strdup (replacement);
    }
  }
  return rp_config_parse (argv, error);
}

static void
write_file (Fixture *fixture, const char *text)
{
  g_assert_true (g_file_set_contents (fixture->file, text, -1, NULL));
}

static void
test_defaults (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RpConfig) config = parse (fixture, "", &error);
  g_assert_no_error (error);
  g_assert_cmpint (config->action, ==, RP_CONFIG_RUN);
  g_assert_cmpstr (config->listen_host, ==, "127.0.0.1");
  g_assert_cmpuint (config->listen_port, ==, 8080);
  g_assert_true (config->listen_is_loopback);
  g_assert_cmpuint (config->workers, ==, 2);
  g_assert_cmpuint (config->max_sessions, ==, 100);
  g_assert_cmpuint (config->loops, >=, 1);
  g_assert_cmpint (config->drain_timeout_us, ==, 30 * G_USEC_PER_SEC);
  g_assert_null (config->token);
  g_assert_null (config->cors_origin[0]);
}

static void
test_agents (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *other = g_build_filename (fixture->dir, "other", NULL);
  g_assert_cmpint (g_mkdir (other, 0700), ==, 0);
  g_autofree char *options = g_strdup_printf ("--agent %s/./,%s/", fixture->dir, other);
  g_autoptr (RpConfig) config = parse (fixture, options, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (config->agent), ==, 2);
  g_assert_cmpstr (config->agent[0], ==, fixture->dir);
  g_assert_cmpstr (config->agent[1], ==, other);
  g_rmdir (other);
}

/* One string stands for a list in the file as it does on the command line. */
static void
test_file_lists (Fixture *fixture, gconstpointer data)
{
  static const char *const texts[] = {
      "{\"cors_origin\": \"https://a.example,https://b.example\"}",
      "{\"cors_origin\": [\"https://a.example\", \"https://b.example\"]}",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GError) error = NULL;
    write_file (fixture, texts[i]);
    g_autoptr (RpConfig) config = parse (fixture, "--config FILE", &error);
    g_assert_no_error (error);
    g_assert_cmpuint (g_strv_length (config->cors_origin), ==, 2);
    g_assert_cmpstr (config->cors_origin[1], ==, "https://b.example");
  }
}

static void
test_options (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RpConfig) config =
      parse (fixture,
             "--listen [::1]:0 --max-sessions=7 --udp-ports 40000-40099 --public-address "
             "203.0.113.5,2001:db8::1 --cors-origin https://a.example,http://b.example:81 "
             "--drain-timeout 0.5 --log-level debug --log-json --check-config",
             &error);
  g_assert_no_error (error);
  g_assert_cmpint (config->action, ==, RP_CONFIG_CHECK);
  g_assert_cmpstr (config->listen_host, ==, "::1");
  g_assert_cmpuint (config->max_sessions, ==, 7);
  g_assert_cmpuint (config->udp_port_min, ==, 40000);
  g_assert_cmpuint (config->udp_port_max, ==, 40099);
  g_assert_cmpuint (g_strv_length (config->public_address), ==, 2);
  g_assert_cmpstr (config->cors_origin[1], ==, "http://b.example:81");
  g_assert_cmpint (config->drain_timeout_us, ==, G_USEC_PER_SEC / 2);
  g_assert_cmpint (config->log_level, ==, RP_LOG_LEVEL_DEBUG);
  g_assert_true (config->log_json);
}

static void
test_file (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  write_file (fixture, "{\"max_sessions\": 5, \"workers\": 3, \"cors_origin\": [\"*\"],"
                       " \"token\": \"0123456789abcdef\", \"listen\": \"0.0.0.0:81\"}");
  g_autoptr (RpConfig) config = parse (fixture, "--workers 4 --config FILE", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (config->max_sessions, ==, 5);
  g_assert_cmpuint (config->workers, ==, 4); /* the option wins wherever the file is named */
  g_assert_cmpstr (config->cors_origin[0], ==, "*");
  g_assert_false (config->listen_is_loopback);
  g_assert_cmpstr (config->token, ==, "0123456789abcdef");
}

static void
test_token_file (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  write_file (fixture, "correct-horse-battery\r\nsecond line\n");
  g_autoptr (RpConfig) config = parse (fixture, "--listen 0.0.0.0:80 --token-file FILE", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (config->token, ==, "correct-horse-battery");
  g_autofree char *shown = rp_config_to_string (config);
  g_assert_null (strstr (shown, "correct"));
  g_assert_nonnull (strstr (shown, "\"token\": \"***\""));
}

static void
test_turn (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  write_file (fixture, "correct-horse-battery\n");
  g_autoptr (RpConfig) made =
      parse (fixture,
             "--stun stun:a.example --turn turn:a.example,turns:a.example:443 --turn-secret-file "
             "FILE --turn-lifetime 1200 --ice-tcp 3479",
             &error);
  g_assert_no_error (error);
  g_assert_cmpstr (made->turn_secret, ==, "correct-horse-battery");
  g_assert_cmpstr (made->turn[1], ==, "turns:a.example:443");
  g_assert_cmpint (made->turn_lifetime_us, ==, 1200 * G_USEC_PER_SEC);
  g_assert_cmpuint (made->ice_tcp_port, ==, 3479);
  g_autofree char *shown = rp_config_to_string (made);
  g_assert_null (strstr (shown, "correct"));
  g_assert_nonnull (strstr (shown, "\"turn_secret_file\": \"/"));

  g_autoptr (RpConfig) fixed =
      parse (fixture, "--turn turn:a.example --turn-user me --turn-password-file FILE", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (fixed->turn_password, ==, "correct-horse-battery");
  g_autofree char *shown_fixed = rp_config_to_string (fixed);
  g_assert_null (strstr (shown_fixed, "correct"));
}

static void
test_round_trip (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (RpConfig) first =
      parse (fixture, "--max-sessions 9 --udp-ports 40000-40099 --ice-address 192.0.2.1 --log-pii",
             &error);
  g_assert_no_error (error);
  g_autofree char *shown = rp_config_to_string (first);
  /* What is shown is a configuration file. */
  write_file (fixture, shown);
  g_autoptr (RpConfig) second = parse (fixture, "--config FILE", &error);
  g_assert_no_error (error);
  g_autofree char *again = rp_config_to_string (second);
  g_assert_cmpstr (shown, ==, again);
}

typedef struct {
  const char *options;
  const char *file; /* (nullable) */
  RpConfigError code;
  const char *expected; /* in the message */
} Refusal;

static const Refusal refusals[] = {
    {"--frobnicate", NULL, RP_CONFIG_ERROR_USAGE, "--frobnicate: no such option"},
    {"stray", NULL, RP_CONFIG_ERROR_USAGE, "stray: no such option"},
    {"--", NULL, RP_CONFIG_ERROR_USAGE, "no such option"},
    {"--workers", NULL, RP_CONFIG_ERROR_USAGE, "--workers: needs a value"},
    {"--workers 0", NULL, RP_CONFIG_ERROR_USAGE, "--workers: expected a number from 1 to 1000"},
    {"--workers 1.5", NULL, RP_CONFIG_ERROR_USAGE, "--workers"},
    {"--workers nan", NULL, RP_CONFIG_ERROR_USAGE, "--workers"},
    {"--workers 5x", NULL, RP_CONFIG_ERROR_USAGE, "got \"5x\""},
    {"--max-sessions 1e99", NULL, RP_CONFIG_ERROR_USAGE, "--max-sessions"},
    {"--no-auth=yes", NULL, RP_CONFIG_ERROR_USAGE, "takes no value"},
    {"--listen 8080", NULL, RP_CONFIG_ERROR_USAGE, "listen: expected HOST:PORT"},
    {"--listen :8080", NULL, RP_CONFIG_ERROR_USAGE, "listen"},
    {"--listen 127.0.0.1:70000", NULL, RP_CONFIG_ERROR_USAGE, "listen"},
    {"--listen 127.0.0.1:80x", NULL, RP_CONFIG_ERROR_USAGE, "listen"},
    {"--listen example.com:80", NULL, RP_CONFIG_ERROR_USAGE, "not a numeric address"},
    {"--udp-ports 40000", NULL, RP_CONFIG_ERROR_USAGE, "--udp-ports"},
    {"--udp-ports 500-400", NULL, RP_CONFIG_ERROR_USAGE, "--udp-ports"},
    {"--udp-ports 40099-40000", NULL, RP_CONFIG_ERROR_USAGE, "--udp-ports"},
    {"--udp-ports 40000-70000", NULL, RP_CONFIG_ERROR_USAGE, "--udp-ports"},
    {"--udp-ports 40000-40009", NULL, RP_CONFIG_ERROR_REFUSED, "too few for max_sessions"},
    {"--public-address example.com", NULL, RP_CONFIG_ERROR_USAGE, "public_address"},
    {"--ice-address 1.2.3", NULL, RP_CONFIG_ERROR_USAGE, "ice_address"},
    {"--ice-tcp 70000", NULL, RP_CONFIG_ERROR_USAGE, "--ice-tcp"},
    {"--stun a.example", NULL, RP_CONFIG_ERROR_USAGE, "stun: expected stun:HOST:PORT"},
    {"--stun turn:a.example", NULL, RP_CONFIG_ERROR_USAGE, "stun: expected"},
    {"--turn stun:a.example", NULL, RP_CONFIG_ERROR_USAGE, "turn: expected turn:HOST:PORT"},
    {"--turn turn:a.example", NULL, RP_CONFIG_ERROR_REFUSED, "static-auth-secret"},
    {"--turn turn:a.example --turn-user me", NULL, RP_CONFIG_ERROR_REFUSED, "turn_password_file"},
    {"--turn turn:a.example --turn-password-file FILE", "secret", RP_CONFIG_ERROR_REFUSED,
     "turn_user and"},
    {"--turn turn:a.example --turn-user me --turn-password-file FILE", "a b", RP_CONFIG_ERROR_USAGE,
     "turn_password_file: the first line"},
    {"--turn turn:a.example --turn-user m\"e --turn-password-file FILE", "secret",
     RP_CONFIG_ERROR_REFUSED, "turn_user"},
    {"--turn turn:a.example --turn-secret-file FILE", "short", RP_CONFIG_ERROR_USAGE, "16 to 256"},
    {"--turn turn:a.example --turn-secret-file FILE --turn-user me", "0123456789abcdef",
     RP_CONFIG_ERROR_REFUSED, "use one of them"},
    {"--turn-secret-file FILE", "0123456789abcdef", RP_CONFIG_ERROR_REFUSED, "give --turn"},
    {"--turn-secret-file /nonexistent/s", NULL, RP_CONFIG_ERROR_FILE, "/nonexistent/s"},
    {"--turn-lifetime 5", NULL, RP_CONFIG_ERROR_USAGE, "--turn-lifetime"},
    {"--cors-origin example.com", NULL, RP_CONFIG_ERROR_USAGE, "cors_origin"},
    {"--cors-origin https://example.com/path", NULL, RP_CONFIG_ERROR_USAGE, "cors_origin"},
    {"--cors-origin https://me@example.com", NULL, RP_CONFIG_ERROR_USAGE, "cors_origin"},
    {"--cors-origin https://example.com:0", NULL, RP_CONFIG_ERROR_USAGE, "cors_origin"},
    {"--cors-origin null", NULL, RP_CONFIG_ERROR_USAGE, "cors_origin"},
    {"--max-per-address -1", NULL, RP_CONFIG_ERROR_USAGE, "from 0 to 1000"},
    {"--cors-origin a,,b", NULL, RP_CONFIG_ERROR_USAGE, "--cors-origin"},
    {"--log-level loud", NULL, RP_CONFIG_ERROR_USAGE, "--log-level"},
    {"--token short", NULL, RP_CONFIG_ERROR_USAGE, "at least 16"},
    {"--token 0123456789\tabcdef", NULL, RP_CONFIG_ERROR_USAGE, "visible ASCII"},
    {"--token 0123456789 abcdef", NULL, RP_CONFIG_ERROR_USAGE, "abcdef: no such option"},
    {"--token-file FILE", "short\nthe second line counts for nothing", RP_CONFIG_ERROR_USAGE,
     "openssl rand"},
    {"--token-file FILE", "\n", RP_CONFIG_ERROR_USAGE, "at least 16"},
    {"--token-file /nonexistent/token", NULL, RP_CONFIG_ERROR_FILE, "/nonexistent/token"},
    {"--listen 0.0.0.0:80", NULL, RP_CONFIG_ERROR_REFUSED, "--no-auth"},
    {"--listen [::]:80", NULL, RP_CONFIG_ERROR_REFUSED, "--token-file"},
    {"--agent /nonexistent", NULL, RP_CONFIG_ERROR_FILE, "agent: \"/nonexistent\""},
    {"--worker /nonexistent", NULL, RP_CONFIG_ERROR_FILE, "worker: \"/nonexistent\""},
    {"--config /nonexistent/c.json", NULL, RP_CONFIG_ERROR_FILE, "/nonexistent/c.json"},
    {"--config FILE", "{", RP_CONFIG_ERROR_USAGE, "config.json"},
    {"--config FILE", "[]", RP_CONFIG_ERROR_USAGE, "config.json"},
    {"--config FILE", "{\"max_session\": 5}", RP_CONFIG_ERROR_USAGE, "max_session"},
    {"--config FILE", "{\"max_sessions\": \"5\"}", RP_CONFIG_ERROR_USAGE, "max_sessions"},
    {"--config FILE", "{\"max_sessions\": 0}", RP_CONFIG_ERROR_USAGE, "max_sessions"},
    {"--config FILE", "{\"cors_origin\": [1]}", RP_CONFIG_ERROR_USAGE, "cors_origin"},
    {"--config FILE", "{\"cors_origin\": 1}", RP_CONFIG_ERROR_USAGE, "cors_origin"},
    {"--agent /tmp,/tmp/", NULL, RP_CONFIG_ERROR_USAGE, "another of this name"},
    {"--agent /tmp,/nonexistent", NULL, RP_CONFIG_ERROR_FILE, "agent: \"/nonexistent\""},
    {"--agent /tmp,", NULL, RP_CONFIG_ERROR_USAGE, "--agent"},
    {"--agent /", NULL, RP_CONFIG_ERROR_USAGE, "rename the directory"},
    {"--config FILE", "{\"udp_ports\": \"1-2\"}", RP_CONFIG_ERROR_USAGE, "udp_ports"},
    {"--config FILE", "{\"config\": \"x\"}", RP_CONFIG_ERROR_USAGE, "config"},
};

static void
test_refusals (Fixture *fixture, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++) {
    g_autoptr (GError) error = NULL;
    if (refusals[i].file != NULL)
      write_file (fixture, refusals[i].file);
    g_autoptr (RpConfig) config = parse (fixture, refusals[i].options, &error);
    g_test_message ("%s %s: %s", refusals[i].options, refusals[i].file,
                    error != NULL ? error->message : "accepted");
    g_assert_null (config);
    g_assert_error (error, RP_CONFIG_ERROR, (gint) refusals[i].code);
    g_assert_nonnull (strstr (error->message, refusals[i].expected));
  }
}

static void
test_public (Fixture *fixture, gconstpointer data)
{
  static const char *const good[] = {
      "--listen 0.0.0.0:80 --no-auth",
      "--listen [::]:80 --token 0123456789abcdef",
      "--listen localhost:80",
      "--listen 127.9.9.9:80",
  };
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (RpConfig) config = parse (fixture, good[i], &error);
    g_assert_no_error (error);
    g_assert_nonnull (config);
  }
}

static void
test_connections_per_address (Fixture *fixture, gconstpointer data)
{
  static const struct {
    const char *options;
    guint expected;
  } rows[] = {
      {"", 0}, /* a proxy on the same machine has everybody's */
      {"--listen [::1]:80", 0},
      {"--max-per-address 7", 7},
      {"--listen 0.0.0.0:80 --no-auth", 200},
      {"--listen 0.0.0.0:80 --no-auth --max-per-address 0", 0},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (RpConfig) config = parse (fixture, rows[i].options, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (config->max_connections_per_address, ==, rows[i].expected);
  }
}

static void
test_help (Fixture *fixture, gconstpointer data)
{
  g_autoptr (RpConfig) config = parse (fixture, "--listen nonsense --help", NULL);
  g_assert_nonnull (config);
  g_assert_cmpint (config->action, ==, RP_CONFIG_HELP);
  g_autofree char *help = rp_config_help ();
  g_assert_nonnull (strstr (help, "--drain-timeout"));
  /* Every key that --check-config shows is an option of the same name. */
  g_autoptr (RpConfig) defaults = parse (fixture, "", NULL);
  g_autofree char *shown = rp_config_to_string (defaults);
  g_auto (GStrv) lines = g_strsplit (shown, "\n", -1);
  guint n = 0;
  for (guint i = 0; lines[i] != NULL; i++) {
    g_auto (GStrv) parts = g_strsplit (lines[i], "\"", 3);
    if (g_strv_length (parts) < 3)
      continue;
    g_autofree char *option = g_strdup_printf ("--%s", parts[1]);
    g_strdelimit (option, "_", '-');
    g_assert_nonnull (strstr (help, option));
    n++;
  }
  g_assert_cmpuint (n, >, 15);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/config/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("defaults", test_defaults);
  ADD ("options", test_options);
  ADD ("agents", test_agents);
  ADD ("file-lists", test_file_lists);
  ADD ("file", test_file);
  ADD ("token-file", test_token_file);
  ADD ("turn", test_turn);
  ADD ("round-trip", test_round_trip);
  ADD ("refusals", test_refusals);
  ADD ("public", test_public);
  ADD ("connections-per-address", test_connections_per_address);
  ADD ("help", test_help);
  return g_test_run ();
}
