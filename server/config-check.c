#include "config-options.h"
#include "origin.h"
#include "secret.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

#define MIN_TOKEN_BYTES 16
/* A browser opens up to six; behind one address there may be an office. */
#define DEFAULT_CONNECTIONS_PER_ADDRESS 200
#define DEFAULT_CALLS_PER_ADDRESS 20
#define DEFAULT_OFFERS_PER_MINUTE 120
#define MAX_AGENT_NAME 64
#define AGENT_NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static gboolean
parse_listen (RpConfig *config, GError **error)
{
  const char *colon = strrchr (config->listen, ':');
  char *end = NULL;
  guint64 port = colon != NULL && g_ascii_isdigit (colon[1])
                     ? g_ascii_strtoull (colon + 1, &end, 10)
                     : G_MAXUINT64;
  if (port > 65535 || *end != '\0' || colon == config->listen) {
    g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE,
                 "listen: expected HOST:PORT such as 127.0.0.1:8080 or [::1]:8080, got \"%s\"",
                 config->listen);
    return FALSE;
  }
  g_autofree char *host = g_strndup (config->listen, (gsize) (colon - config->listen));
  gsize len = strlen (host);
  if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
    memmove (host, host + 1, len - 2);
    host[len - 2] = '\0';
  }
  struct in_addr v4 = {0};
  struct in6_addr v6;
  gboolean is_v4 = inet_pton (AF_INET, host, &v4) == 1;
  gboolean is_v6 = !is_v4 && inet_pton (AF_INET6, host, &v6) == 1;
  gboolean is_local = g_str_equal (host, "localhost");
  if (!is_v4 && !is_v6 && !is_local) {
    g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE,
                 "listen: \"%s\" is not a numeric address; 0.0.0.0 or [::] stand for all", host);
    return FALSE;
  }
  config->listen_is_loopback = is_local || (is_v4 && (ntohl (v4.s_addr) >> 24) == 127) ||
                               (is_v6 && IN6_IS_ADDR_LOOPBACK (&v6));
  config->listen_host = g_steal_pointer (&host);
  config->listen_port = (guint16) port;
  /* What connects to loopback is a proxy, which has all of the clients. */
  const struct {
    guint *limit;
    guint value;
  } defaults[] = {
      {&config->max_connections_per_address, DEFAULT_CONNECTIONS_PER_ADDRESS},
      {&config->max_calls_per_address, DEFAULT_CALLS_PER_ADDRESS},
      {&config->max_offers_per_minute, DEFAULT_OFFERS_PER_MINUTE},
  };
  for (guint i = 0; i < G_N_ELEMENTS (defaults); i++)
    if (*defaults[i].limit == RP_CONFIG_UNSET)
      *defaults[i].limit = config->listen_is_loopback ? 0 : defaults[i].value;
  return TRUE;
}

static gboolean
check_addresses (char **list, const char *name, GError **error)
{
  for (char **entry = list; *entry != NULL; entry++) {
    guint8 address[16];
    if (inet_pton (AF_INET, *entry, address) == 1 || inet_pton (AF_INET6, *entry, address) == 1)
      continue;
    g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE,
                 "%s: \"%s\" is not a numeric IP address", name, *entry);
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_origins (char **list, GError **error)
{
  for (char **entry = list; *entry != NULL; entry++) {
    if (g_str_equal (*entry, "*") || rp_origin_is_good (*entry))
      continue;
    g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE,
                 "cors_origin: expected an origin such as https://example.com, or *, got \"%s\"",
                 *entry);
    return FALSE;
  }
  return TRUE;
}

static gboolean
load_token (RpConfig *config, const char *path, GError **error)
{
  if (path != NULL) {
    char *text = NULL;
    gsize len = 0;
    if (!rp_config_read_file (path, &text, &len, error))
      return FALSE;
    gsize line = strcspn (text, "\r\n");
    rp_secret_clear (text + line, len - line);
    rp_secret_free (config->token);
    config->token = text;
  }
  if (config->token == NULL)
    return TRUE;
  for (const char *c = config->token; *c != '\0'; c++)
    if (!g_ascii_isgraph (*c)) {
      g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE,
                   "token: only visible ASCII characters without spaces can be sent in a header");
      return FALSE;
    }
  if (strlen (config->token) >= MIN_TOKEN_BYTES)
    return TRUE;
  g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE,
               "token: needs at least %d characters; 'openssl rand -hex 16' makes one",
               MIN_TOKEN_BYTES);
  return FALSE;
}

/* Beside the executable: an installed PREFIX/bin/repartee, or a build directory's
 * server/repartee. */
static char *
executable_dir (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  return self != NULL ? g_path_get_dirname (self) : g_strdup (".");
}

static char *
first_existing (GFileTest test, char **candidates)
{
  for (char **path = candidates; *path != NULL; path++)
    if (g_file_test (*path, test))
      return g_canonicalize_filename (*path, NULL);
  return NULL;
}

/* Those that come with it. */
static void
find_agents (RpConfig *config, const char *program_dir)
{
  static const char *const names[] = {"reception", "tutor"};
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_auto (GStrv) places = g_new0 (char *, 3);
    places[0] = g_build_filename (program_dir, "..", "share", "repartee", "agents", names[i], NULL);
    places[1] = g_build_filename (RP_SOURCE_AGENTS_DIR, names[i], NULL);
    char *place = first_existing (G_FILE_TEST_IS_DIR, places);
    if (place != NULL)
      g_ptr_array_add (found, place);
  }
  g_ptr_array_add (found, NULL);
  g_strfreev (config->agent);
  config->agent = (char **) g_ptr_array_free (g_steal_pointer (&found), FALSE);
}

static void
find_defaults (RpConfig *config)
{
  g_autofree char *dir = executable_dir ();
  if (config->web == NULL) {
    g_auto (GStrv) places = g_new0 (char *, 3);
    places[0] = g_build_filename (dir, "..", "share", "repartee", "web", NULL);
    places[1] = g_strdup (RP_SOURCE_WEB_DIR);
    config->web = first_existing (G_FILE_TEST_IS_DIR, places);
  }
  if (config->worker == NULL) {
    g_auto (GStrv) places = g_new0 (char *, 4);
    places[0] = g_build_filename (dir, "repartee-worker", NULL);
    places[1] = g_build_filename (dir, "..", "worker", "repartee-worker", NULL);
    places[2] = g_build_filename (dir, "..", "libexec", "repartee-worker", NULL);
    config->worker = first_existing (G_FILE_TEST_IS_EXECUTABLE, places);
  }
  if (*config->agent == NULL)
    find_agents (config, dir);
  if (config->loops == 0)
    config->loops = CLAMP (g_get_num_processors () / 2, 1, 16);
}

static gboolean
check_together (RpConfig *config, GError **error)
{
  if (!config->listen_is_loopback && config->token == NULL && !config->no_auth) {
    g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_REFUSED,
                 "listening on %s lets anybody who reaches it use this server: give --token-file "
                 "FILE (or --token), or say --no-auth when something in front of it checks who "
                 "comes, or listen on 127.0.0.1",
                 config->listen);
    return FALSE;
  }
  if (config->udp_port_max != 0 &&
      (guint) (config->udp_port_max - config->udp_port_min) + 1 < config->max_sessions) {
    g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_REFUSED,
                 "udp_ports: %u ports are too few for max_sessions %u: each call needs one per "
                 "address",
                 (guint) (config->udp_port_max - config->udp_port_min) + 1, config->max_sessions);
    return FALSE;
  }
  if (*config->agent == NULL || config->worker == NULL) {
    g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE, "%s",
                 *config->agent == NULL ? "agent: none found: say which with --agent DIR"
                                        : "worker: repartee-worker was not found beside this "
                                          "program: say where it is with --worker FILE");
    return FALSE;
  }
  const struct {
    const char *name;
    const char *path;
    GFileTest test;
  } paths[] = {
      {"web", config->web, G_FILE_TEST_IS_DIR},
      {"models", config->models, G_FILE_TEST_IS_DIR},
      {"worker", config->worker, G_FILE_TEST_IS_EXECUTABLE},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++) {
    if (paths[i].path == NULL || g_file_test (paths[i].path, paths[i].test))
      continue;
    g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_FILE, "%s: \"%s\" is not %s",
                 paths[i].name, paths[i].path,
                 paths[i].test == G_FILE_TEST_IS_DIR ? "a directory" : "an executable file");
    return FALSE;
  }
  return TRUE;
}

/* Where names of agents go: into tokens, paths of HTTP and the log. */
static gboolean
check_agents (RpConfig *config, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (char **dir = config->agent; *dir != NULL; dir++) {
    char *full = g_canonicalize_filename (*dir, NULL);
    g_free (*dir);
    *dir = full;
    if (!g_file_test (*dir, G_FILE_TEST_IS_DIR)) {
      g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_FILE, "agent: \"%s\" is not a directory",
                   *dir);
      return FALSE;
    }
    char *name = g_path_get_basename (*dir);
    gboolean is_good =
        strlen (name) <= MAX_AGENT_NAME && strspn (name, AGENT_NAME_CHARS) == strlen (name);
    gboolean is_new = g_hash_table_add (names, name);
    if (!is_good || !is_new) {
      g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE,
                   "agent: \"%s\": %s: rename the directory", *dir,
                   is_good ? "there is another of this name"
                           : "an agent's name, which is its directory's, has at most 64 of A-Z, "
                             "a-z, 0-9, ., _ and -");
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
rp_config_check (RpConfig *config, const char *token_file, GError **error)
{
  find_defaults (config);
  return parse_listen (config, error) && load_token (config, token_file, error) &&
         check_addresses (config->ice_address, "ice_address", error) &&
         check_addresses (config->public_address, "public_address", error) &&
         rp_config_check_ice (config, error) && check_origins (config->cors_origin, error) &&
         check_agents (config, error) && check_together (config, error);
}
