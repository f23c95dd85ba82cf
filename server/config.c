#include "config.h"

#include "json.h"
#include "origin.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

G_DEFINE_QUARK (rp - config - error - quark, rp_config_error)

/* A configuration file is small; whatever is larger is not one. */
#define MAX_FILE_BYTES (256 * 1024)
#define MAX_LIST 32
#define MIN_TOKEN_BYTES 16
/* A browser opens up to six; behind one address there may be an office. */
#define DEFAULT_CONNECTIONS_PER_ADDRESS 200
#define UNSET G_MAXUINT
#define MAX_AGENT_NAME 64
#define AGENT_NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

typedef enum {
  OPT_STRING,
  OPT_BOOL,
  OPT_UINT,     /* a guint */
  OPT_SECONDS,  /* a gint64 of microseconds */
  OPT_LIST,     /* a char ** */
  OPT_PORTS,    /* "A-B" into udp_port_min, udp_port_max */
  OPT_LEVEL,    /* an RpLogLevel */
  OPT_FILE_KEY, /* a string that is not a member of RpConfig: handled by name */
} OptionType;

typedef struct {
  const char *name; /* of the option; the key of the file has _ for - */
  OptionType type;
  gsize offset;
  double min, max;
  const char *arg;
  const char *help;
  gboolean file_only_cli; /* not a key of the file */
} Option;

#define AT(member) offsetof (RpConfig, member)

static const Option options[] = {
    {"listen", OPT_STRING, AT (listen), 0, 0, "HOST:PORT",
     "address of the HTTP server (127.0.0.1:8080)"},
    {"agent", OPT_LIST, AT (agent), 0, 0, "DIR,…", "the agents; the first answers who names none"},
    {"token", OPT_STRING, AT (token), 0, 0, "TEXT",
     "your secret key: opens all, makes tokens for calls"},
    {"token-file", OPT_FILE_KEY, 0, 0, 0, "FILE", "the same, from the first line of a file"},
    {"no-auth", OPT_BOOL, AT (no_auth), 0, 0, NULL,
     "let anybody come: no key, any address, any name"},
    {"cors-origin", OPT_LIST, AT (cors_origin), 0, 0, "ORIGIN,…",
     "sites that may use the API from their pages; * for any"},
    {"max-per-address", OPT_UINT, AT (max_connections_per_address), 0, 1000, "N",
     "HTTP connections of one address (200), 0 for any (on loopback)"},
    {"loops", OPT_UINT, AT (loops), 1, 64, "N", "media threads (half of the processors)"},
    {"workers", OPT_UINT, AT (workers), 1, 1000, "N", "worker processes kept warm (2)"},
    {"max-sessions", OPT_UINT, AT (max_sessions), 1, 10000, "N",
     "calls at the same time, beyond that 503 (100)"},
    {"udp-ports", OPT_PORTS, 0, 0, 0, "A-B", "UDP ports for media (any)"},
    {"ice-address", OPT_LIST, AT (ice_address), 0, 0, "IP,…",
     "local addresses for media (all of the machine)"},
    {"public-address", OPT_LIST, AT (public_address), 0, 0, "IP,…",
     "addresses that a 1:1 NAT gives the machine"},
    {"connect-timeout", OPT_SECONDS, AT (connect_timeout_us), 1, 600, "SECONDS",
     "from the offer to media (60)"},
    {"inactivity-timeout", OPT_SECONDS, AT (inactivity_timeout_us), 2, 600, "SECONDS",
     "without a packet from the client (15)"},
    {"drain-timeout", OPT_SECONDS, AT (drain_timeout_us), 0, 86400, "SECONDS",
     "that running calls may go on after SIGTERM (30)"},
    {"models", OPT_STRING, AT (models), 0, 0, "DIR", "the speech models"},
    {"data", OPT_STRING, AT (data), 0, 0, "DIR", "what the agent keeps"},
    {"web", OPT_STRING, AT (web), 0, 0, "DIR", "the web pages"},
    {"worker", OPT_STRING, AT (worker), 0, 0, "FILE", "the worker's executable"},
    {"log-level", OPT_LEVEL, AT (log_level), 0, 0, "LEVEL",
     "error, warning, info (default), debug"},
    {"log-json", OPT_BOOL, AT (log_json), 0, 0, NULL, "one JSON object per line"},
    {"log-pii", OPT_BOOL, AT (log_pii), 0, 0, NULL, "log addresses and what was said, too"},
    {"config", OPT_FILE_KEY, 0, 0, 0, "FILE",
     "JSON file with these settings as keys (max_sessions); options win", TRUE},
};

static char *
key_of (const Option *option)
{
  return g_strdelimit (g_strdup (option->name), "-", '_');
}

static const Option *
find_option (const char *name, gsize len)
{
  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    if (strlen (options[i].name) == len && strncmp (options[i].name, name, len) == 0)
      return &options[i];
  return NULL;
}

/* Where a value came from, for messages: "--listen" or "file.json: listen". */
typedef struct {
  RpConfig *config;
  const char *where;
  char *token_file;
  char *config_file;
} Target;

static gboolean
bad_value (const Target *target, GError **error, const char *expected, const char *got)
{
  g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE, "%s: expected %s, got \"%s\"",
               target->where, expected, got);
  return FALSE;
}

static gboolean
parse_number (const Target *target, const Option *option, const char *text, double *out,
              GError **error)
{
  char *end = NULL;
  errno = 0;
  double value = g_ascii_strtod (text, &end);
  gboolean whole = option->type != OPT_UINT || value == (double) (gint64) CLAMP (value, -1e9, 1e9);
  if (errno != 0 || end == text || *end != '\0' ||
      !(value >= option->min && value <= option->max) || !whole) {
    g_autofree char *expected =
        g_strdup_printf ("a number from %g to %g", option->min, option->max);
    return bad_value (target, error, expected, text);
  }
  *out = value;
  return TRUE;
}

static gboolean
parse_ports (const Target *target, const char *text, GError **error)
{
  char *end = NULL;
  guint64 from = g_ascii_isdigit (*text) ? g_ascii_strtoull (text, &end, 10) : 0;
  guint64 to = end != NULL && *end == '-' && g_ascii_isdigit (end[1])
                   ? g_ascii_strtoull (end + 1, &end, 10)
                   : 0;
  if (from < 1024 || to > 65535 || from > to || *end != '\0')
    return bad_value (target, error, "a range of ports from 1024 to 65535 such as 40000-40999",
                      text);
  target->config->udp_port_min = (guint16) from;
  target->config->udp_port_max = (guint16) to;
  return TRUE;
}

static gboolean
set_list (const Target *target, const Option *option, const char *const *values, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; values[i] != NULL; i++) {
    if (*values[i] == '\0' || strlen (values[i]) > 255)
      return bad_value (target, error, "a list without empty or overlong elements", values[i]);
    g_ptr_array_add (list, g_strdup (values[i]));
  }
  if (list->len > MAX_LIST)
    return bad_value (target, error, "at most 32 elements", "more");
  g_ptr_array_add (list, NULL);
  char ***member = G_STRUCT_MEMBER_P (target->config, option->offset);
  g_strfreev (*member);
  *member = (char **) g_ptr_array_free (g_steal_pointer (&list), FALSE);
  return TRUE;
}

static gboolean
set_text (Target *target, const Option *option, const char *text, GError **error)
{
  char **member = NULL;
  if (option->type == OPT_FILE_KEY)
    member = g_str_equal (option->name, "config") ? &target->config_file : &target->token_file;
  else
    member = G_STRUCT_MEMBER_P (target->config, option->offset);
  if (*text == '\0' || strlen (text) > 4096)
    return bad_value (target, error, "some text", text);
  g_free (*member);
  *member = g_strdup (text);
  return TRUE;
}

static gboolean
set_option (Target *target, const Option *option, const char *text, GError **error)
{
  double number = 0;
  void *member = G_STRUCT_MEMBER_P (target->config, option->offset);
  switch (option->type) {
  case OPT_STRING:
  case OPT_FILE_KEY:
    return set_text (target, option, text, error);
  case OPT_BOOL:
    *(gboolean *) member = g_str_equal (text, "true");
    return TRUE;
  case OPT_UINT:
    if (!parse_number (target, option, text, &number, error))
      return FALSE;
    *(guint *) member = (guint) number;
    return TRUE;
  case OPT_SECONDS:
    if (!parse_number (target, option, text, &number, error))
      return FALSE;
    *(gint64 *) member = (gint64) (number * G_USEC_PER_SEC);
    return TRUE;
  case OPT_LIST: {
    g_auto (GStrv) values = g_strsplit (text, ",", MAX_LIST + 1);
    return set_list (target, option, (const char *const *) values, error);
  }
  case OPT_PORTS:
    return parse_ports (target, text, error);
  case OPT_LEVEL:
    return rp_log_level_parse (text, member) ||
           bad_value (target, error, "error, warning, info or debug", text);
  }
  g_assert_not_reached ();
}

/* The value of a key of the file, in the form the command line has it. */
static gboolean
set_from_node (Target *target, const Option *option, JsonObject *object, const char *key,
               GError **error)
{
  JsonArray *array = rp_json_array (object, key);
  if (array != NULL) {
    g_autoptr (GPtrArray) values = g_ptr_array_new ();
    for (guint i = 0; i < json_array_get_length (array); i++) {
      const char *value = rp_json_array_string (array, i);
      if (value == NULL)
        return bad_value (target, error, "strings", "something else");
      g_ptr_array_add (values, (gpointer) value);
    }
    g_ptr_array_add (values, NULL);
    return set_list (target, option, (const char *const *) values->pdata, error);
  }
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  const char *text = NULL;
  if (option->type == OPT_BOOL)
    text = rp_json_bool (object, key, FALSE) ? "true" : "false";
  else if (option->type == OPT_UINT || option->type == OPT_SECONDS)
    text = g_ascii_dtostr (number, sizeof number, rp_json_double (object, key, 0));
  else
    text = rp_json_string (object, key, NULL);
  if (text == NULL)
    return bad_value (target, error, "a string or an array of strings", "something else");
  return set_option (target, option, text, error);
}

static RpJsonType
json_type (OptionType type)
{
  switch (type) {
  case OPT_BOOL:
    return RP_JSON_BOOL;
  case OPT_UINT:
    return RP_JSON_INT;
  case OPT_SECONDS:
    return RP_JSON_NUMBER;
  case OPT_LIST:
    return RP_JSON_ANY; /* or one string, as on the command line */
  case OPT_STRING:
  case OPT_PORTS:
  case OPT_LEVEL:
  case OPT_FILE_KEY:
    break;
  }
  return RP_JSON_STRING;
}

static gboolean
read_small_file (const char *path, char **out_text, gsize *out_len, GError **error)
{
  g_autoptr (GError) io = NULL;
  if (!g_file_get_contents (path, out_text, out_len, &io)) {
    g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_FILE, "%s", io->message);
    return FALSE;
  }
  if (*out_len <= MAX_FILE_BYTES)
    return TRUE;
  g_clear_pointer (out_text, g_free);
  g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_FILE, "%s: longer than %d bytes", path,
               MAX_FILE_BYTES);
  return FALSE;
}

static gboolean
load_file (Target *target, const char *path, GError **error)
{
  g_autofree char *text = NULL;
  gsize len = 0;
  if (!read_small_file (path, &text, &len, error))
    return FALSE;

  char *keys[G_N_ELEMENTS (options)] = {NULL};
  RpJsonField fields[G_N_ELEMENTS (options)] = {0};
  guint n = 0;
  for (gsize i = 0; i < G_N_ELEMENTS (options); i++) {
    if (options[i].file_only_cli)
      continue;
    keys[n] = key_of (&options[i]);
    fields[n] = (RpJsonField){.name = keys[n],
                              .type = json_type (options[i].type),
                              .min = options[i].min,
                              .max = options[i].max};
    n++;
  }

  g_autoptr (GError) json_error = NULL;
  g_autoptr (JsonObject) object = rp_json_parse_object (text, len, 0, &json_error);
  gboolean ok = object != NULL &&
                rp_json_check_full (object, NULL, fields, n, RP_JSON_CHECK_NO_UNKNOWN, &json_error);
  if (!ok)
    g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE, "%s: %s", path,
                 json_error->message);
  for (guint i = 0, k = 0; ok && i < G_N_ELEMENTS (options); i++) {
    if (options[i].file_only_cli)
      continue;
    const char *key = keys[k++];
    if (rp_json_member (object, key) == NULL)
      continue;
    g_autofree char *where = g_strdup_printf ("%s: %s", path, key);
    target->where = where;
    ok = set_from_node (target, &options[i], object, key, error);
  }
  for (guint i = 0; i < n; i++)
    g_free (keys[i]);
  return ok;
}

/* One word of the command line, with its value when it takes one. Returns FALSE on error. */
static gboolean
command_line_word (Target *target, char **argv, guint *i, GError **error)
{
  const char *word = argv[*i];
  RpConfig *config = target->config;
  if (g_str_equal (word, "--help") || g_str_equal (word, "-h")) {
    config->action = RP_CONFIG_HELP;
    return TRUE;
  }
  if (g_str_equal (word, "--version")) {
    config->action = RP_CONFIG_VERSION;
    return TRUE;
  }
  if (g_str_equal (word, "--check-config")) {
    config->action = RP_CONFIG_CHECK;
    return TRUE;
  }
  gsize len = strcspn (word, "=");
  const Option *option =
      g_str_has_prefix (word, "--") && len > 2 ? find_option (word + 2, len - 2) : NULL;
  if (option == NULL) {
    g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE,
                 "%s: no such option; --help lists them", word);
    return FALSE;
  }
  const char *value = word[len] == '=' ? word + len + 1 : NULL;
  if (option->type == OPT_BOOL) {
    if (value != NULL) {
      g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE, "--%s: takes no value",
                   option->name);
      return FALSE;
    }
    value = "true";
  } else if (value == NULL) {
    value = argv[*i + 1];
    if (value == NULL) {
      g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE, "--%s: needs a value: %s",
                   option->name, option->arg);
      return FALSE;
    }
    *i += 1;
  }
  g_autofree char *where = g_strdup_printf ("--%s", option->name);
  target->where = where;
  return set_option (target, option, value, error);
}

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
  if (config->max_connections_per_address == UNSET)
    config->max_connections_per_address =
        config->listen_is_loopback ? 0 : DEFAULT_CONNECTIONS_PER_ADDRESS;
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
    g_autofree char *text = NULL;
    gsize len = 0;
    if (!read_small_file (path, &text, &len, error))
      return FALSE;
    text[strcspn (text, "\r\n")] = '\0';
    g_free (config->token);
    config->token = g_strdup (text);
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

static RpConfig *
config_new (void)
{
  RpConfig *config = g_new0 (RpConfig, 1);
  config->listen = g_strdup ("127.0.0.1:8080");
  config->agent = g_new0 (char *, 1);
  config->cors_origin = g_new0 (char *, 1);
  config->ice_address = g_new0 (char *, 1);
  config->public_address = g_new0 (char *, 1);
  config->workers = 2;
  config->max_sessions = 100;
  config->max_connections_per_address = UNSET;
  config->connect_timeout_us = 60 * G_USEC_PER_SEC;
  config->inactivity_timeout_us = 15 * G_USEC_PER_SEC;
  config->drain_timeout_us = 30 * G_USEC_PER_SEC;
  config->log_level = RP_LOG_LEVEL_INFO;
  return config;
}

static gboolean
parse_all (Target *target, char **argv, GError **error)
{
  RpConfig *config = target->config;
  /* The file comes first wherever it is named, so that options win. */
  for (guint i = 1; argv[0] != NULL && argv[i] != NULL; i++)
    if (!command_line_word (target, argv, &i, error))
      return FALSE;
  if (config->action == RP_CONFIG_HELP || config->action == RP_CONFIG_VERSION)
    return TRUE;
  if (target->config_file != NULL) {
    g_autofree char *path = g_strdup (target->config_file);
    if (!load_file (target, path, error))
      return FALSE;
    for (guint i = 1; argv[i] != NULL; i++)
      if (!command_line_word (target, argv, &i, error))
        return FALSE;
  }
  find_defaults (config);
  return parse_listen (config, error) && load_token (config, target->token_file, error) &&
         check_addresses (config->ice_address, "ice_address", error) &&
         check_addresses (config->public_address, "public_address", error) &&
         check_origins (config->cors_origin, error) && check_agents (config, error) &&
         check_together (config, error);
}

RpConfig *
rp_config_parse (char **argv, GError **error)
{
  g_autoptr (RpConfig) config = config_new ();
  Target target = {.config = config};
  gboolean ok = parse_all (&target, argv, error);
  g_free (target.token_file);
  g_free (target.config_file);
  return ok ? g_steal_pointer (&config) : NULL;
}

void
rp_config_free (RpConfig *config)
{
  if (config == NULL)
    return;
  g_free (config->listen);
  g_free (config->listen_host);
  g_free (config->token);
  g_strfreev (config->cors_origin);
  g_strfreev (config->agent);
  g_free (config->models);
  g_free (config->data);
  g_free (config->web);
  g_free (config->worker);
  g_strfreev (config->ice_address);
  g_strfreev (config->public_address);
  g_free (config);
}

static void
append_value (GString *out, const RpConfig *config, const Option *option)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  const void *member = G_STRUCT_MEMBER_P (config, option->offset);
  switch (option->type) {
  case OPT_STRING:
    rp_json_append_string (out, *(char *const *) member);
    break;
  case OPT_BOOL:
    g_string_append (out, *(const gboolean *) member ? "true" : "false");
    break;
  case OPT_UINT:
    g_string_append_printf (out, "%u", *(const guint *) member);
    break;
  case OPT_SECONDS:
    g_ascii_formatd (number, sizeof number, "%g",
                     (double) *(const gint64 *) member / G_USEC_PER_SEC);
    g_string_append (out, number);
    break;
  case OPT_LIST: {
    char **list = *(char **const *) member;
    g_string_append_c (out, '[');
    for (guint i = 0; list[i] != NULL; i++) {
      g_string_append (out, i > 0 ? ", " : "");
      rp_json_append_string (out, list[i]);
    }
    g_string_append_c (out, ']');
    break;
  }
  case OPT_PORTS:
    if (config->udp_port_max == 0)
      g_string_append (out, "null");
    else
      g_string_append_printf (out, "\"%u-%u\"", config->udp_port_min, config->udp_port_max);
    break;
  case OPT_LEVEL:
    rp_json_append_string (out, rp_log_level_name (*(const RpLogLevel *) member));
    break;
  case OPT_FILE_KEY:
    break;
  }
}

char *
rp_config_to_string (const RpConfig *config)
{
  GString *out = g_string_new ("{\n");
  const char *separator = "";
  for (gsize i = 0; i < G_N_ELEMENTS (options); i++) {
    if (options[i].type == OPT_FILE_KEY)
      continue;
    g_autofree char *key = key_of (&options[i]);
    g_string_append_printf (out, "%s  \"%s\": ", separator, key);
    if (g_str_equal (options[i].name, "token"))
      g_string_append (out, config->token != NULL ? "\"***\"" : "null");
    else
      append_value (out, config, &options[i]);
    separator = ",\n";
  }
  g_string_append (out, "\n}\n");
  return g_string_free (out, FALSE);
}

char *
rp_config_help (void)
{
  GString *out =
      g_string_new ("Usage: repartee [OPTION]…\n\n"
                    "A self-hosted voice agent: open the address it prints and talk.\n\n");
  for (gsize i = 0; i < G_N_ELEMENTS (options); i++) {
    g_autofree char *left =
        g_strdup_printf ("--%s %s", options[i].name, options[i].arg != NULL ? options[i].arg : "");
    /* The ellipsis is one column, three bytes. */
    int pad = 30 - (int) g_utf8_strlen (left, -1);
    g_string_append_printf (out, "  %s%*s%s\n", left, MAX (pad, 1), "", options[i].help);
  }
  g_string_append (out, "  --check-config                print the settings in effect and exit\n"
                        "  --version                     print the version and exit\n"
                        "  --help                        print this and exit\n\n"
                        "Exit codes: 0 ended in order, 1 could not start or go on, 2 wrong "
                        "configuration.\n");
  return g_string_free (out, FALSE);
}
