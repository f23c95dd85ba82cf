#include "config-options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof (RpConfig, member)

const RpConfigOption rp_config_options[] = {
    {"listen", RP_CONFIG_TYPE_STRING, AT (listen), 0, 0, "HOST:PORT",
     "address of the HTTP server (127.0.0.1:8080)"},
    {"agent", RP_CONFIG_TYPE_LIST, AT (agent), 0, 0, "DIR,…",
     "the agents; the first answers who names none"},
    {"token", RP_CONFIG_TYPE_STRING, AT (token), 0, 0, "TEXT",
     "your secret key: opens all, makes tokens for calls"},
    {"token-file", RP_CONFIG_TYPE_FILE_KEY, 0, 0, 0, "FILE",
     "the same, from the first line of a file"},
    {"no-auth", RP_CONFIG_TYPE_BOOL, AT (no_auth), 0, 0, NULL,
     "let anybody come: no key, any address, any name"},
    {"cors-origin", RP_CONFIG_TYPE_LIST, AT (cors_origin), 0, 0, "ORIGIN,…",
     "sites that may use the API from their pages; * for any"},
    {"max-per-address", RP_CONFIG_TYPE_UINT, AT (max_connections_per_address), 0, 1000, "N",
     "HTTP connections of one address (200), 0 for any (on loopback)"},
    {"max-calls-per-address", RP_CONFIG_TYPE_UINT, AT (max_calls_per_address), 0, 10000, "N",
     "calls of one address at once (20), 0 for any (on loopback)"},
    {"max-offers-per-minute", RP_CONFIG_TYPE_UINT, AT (max_offers_per_minute), 0, 6000, "N",
     "that one address may make (120), 0 for any (on loopback)"},
    {"loops", RP_CONFIG_TYPE_UINT, AT (loops), 1, 64, "N",
     "media threads (half of the processors)"},
    {"workers", RP_CONFIG_TYPE_UINT, AT (workers), 1, 1000, "N", "worker processes kept warm (2)"},
    {"max-sessions", RP_CONFIG_TYPE_UINT, AT (max_sessions), 1, 10000, "N",
     "calls at the same time, beyond that 503 (100)"},
    {"max-cpu", RP_CONFIG_TYPE_UINT, AT (max_cpu_percent), 10, 100, "PERCENT",
     "how busy processors may be before callers get 503 (80)"},
    {"no-admission", RP_CONFIG_TYPE_BOOL, AT (no_admission), 0, 0, NULL,
     "take callers however busy the machine is"},
    {"udp-ports", RP_CONFIG_TYPE_PORTS, 0, 0, 0, "A-B", "UDP ports for media (any)"},
    {"ice-address", RP_CONFIG_TYPE_LIST, AT (ice_address), 0, 0, "IP,…",
     "local addresses for media (all of the machine)"},
    {"public-address", RP_CONFIG_TYPE_LIST, AT (public_address), 0, 0, "IP,…",
     "addresses that a 1:1 NAT gives the machine"},
    {"ice-tcp", RP_CONFIG_TYPE_UINT, AT (ice_tcp_port), 0, 65535, "PORT",
     "TCP port for media where UDP is blocked (none)"},
    {"stun", RP_CONFIG_TYPE_LIST, AT (stun), 0, 0, "URL,…", "STUN servers to tell clients of"},
    {"turn", RP_CONFIG_TYPE_LIST, AT (turn), 0, 0, "URL,…", "TURN servers to tell clients of"},
    {"turn-secret-file", RP_CONFIG_TYPE_STRING, AT (turn_secret_file), 0, 0, "FILE",
     "the secret they share with this server"},
    {"turn-lifetime", RP_CONFIG_TYPE_SECONDS, AT (turn_lifetime_us), 1200, 604800, "SECONDS",
     "of passwords made with it (14400)"},
    {"turn-user", RP_CONFIG_TYPE_STRING, AT (turn_user), 0, 0, "NAME",
     "in place of the secret: a name for everybody"},
    {"turn-password-file", RP_CONFIG_TYPE_STRING, AT (turn_password_file), 0, 0, "FILE",
     "and its password"},
    {"connect-timeout", RP_CONFIG_TYPE_SECONDS, AT (connect_timeout_us), 1, 600, "SECONDS",
     "from the offer to media (60)"},
    {"inactivity-timeout", RP_CONFIG_TYPE_SECONDS, AT (inactivity_timeout_us), 2, 600, "SECONDS",
     "without a packet from the client (15)"},
    {"drain-timeout", RP_CONFIG_TYPE_SECONDS, AT (drain_timeout_us), 0, 86400, "SECONDS",
     "that running calls may go on after SIGTERM (30)"},
    {"models", RP_CONFIG_TYPE_STRING, AT (models), 0, 0, "DIR", "the speech models"},
    {"data", RP_CONFIG_TYPE_STRING, AT (data), 0, 0, "DIR", "what the agent keeps"},
    {"web", RP_CONFIG_TYPE_STRING, AT (web), 0, 0, "DIR", "the web pages"},
    {"worker", RP_CONFIG_TYPE_STRING, AT (worker), 0, 0, "FILE", "the worker's executable"},
    {"user", RP_CONFIG_TYPE_STRING, AT (user), 0, 0, "NAME",
     "whom a server started by root becomes"},
    {"no-confine", RP_CONFIG_TYPE_BOOL, AT (no_confine), 0, 0, NULL,
     "give up no rights, for debuggers and profilers"},
    {"log-level", RP_CONFIG_TYPE_LEVEL, AT (log_level), 0, 0, "LEVEL",
     "error, warning, info (default), debug"},
    {"log-json", RP_CONFIG_TYPE_BOOL, AT (log_json), 0, 0, NULL, "one JSON object per line"},
    {"log-pii", RP_CONFIG_TYPE_BOOL, AT (log_pii), 0, 0, NULL,
     "log addresses and what was said, too"},
    {"config", RP_CONFIG_TYPE_FILE_KEY, 0, 0, 0, "FILE",
     "JSON file with these settings as keys (max_sessions); options win", TRUE},
};

const gsize rp_config_n_options = G_N_ELEMENTS (rp_config_options);

char *
rp_config_key (const RpConfigOption *option)
{
  return g_strdelimit (g_strdup (option->name), "-", '_');
}

const RpConfigOption *
rp_config_find_option (const char *name, gsize len)
{
  for (gsize i = 0; i < rp_config_n_options; i++)
    if (strlen (rp_config_options[i].name) == len &&
        strncmp (rp_config_options[i].name, name, len) == 0)
      return &rp_config_options[i];
  return NULL;
}

gboolean
rp_config_bad_value (const RpConfigTarget *target, GError **error, const char *expected,
                     const char *got)
{
  g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE, "%s: expected %s, got \"%s\"",
               target->where, expected, got);
  return FALSE;
}

static gboolean
parse_number (const RpConfigTarget *target, const RpConfigOption *option, const char *text,
              double *out, GError **error)
{
  char *end = NULL;
  errno = 0;
  double value = g_ascii_strtod (text, &end);
  gboolean whole =
      option->type != RP_CONFIG_TYPE_UINT || value == (double) (gint64) CLAMP (value, -1e9, 1e9);
  if (errno != 0 || end == text || *end != '\0' ||
      !(value >= option->min && value <= option->max) || !whole) {
    g_autofree char *expected =
        g_strdup_printf ("a number from %g to %g", option->min, option->max);
    return rp_config_bad_value (target, error, expected, text);
  }
  *out = value;
  return TRUE;
}

static gboolean
parse_ports (const RpConfigTarget *target, const char *text, GError **error)
{
  char *end = NULL;
  guint64 from = g_ascii_isdigit (*text) ? g_ascii_strtoull (text, &end, 10) : 0;
  guint64 to = end != NULL && *end == '-' && g_ascii_isdigit (end[1])
                   ? g_ascii_strtoull (end + 1, &end, 10)
                   : 0;
  if (from < 1024 || to > 65535 || from > to || *end != '\0')
    return rp_config_bad_value (target, error,
                                "a range of ports from 1024 to 65535 such as 40000-40999", text);
  target->config->udp_port_min = (guint16) from;
  target->config->udp_port_max = (guint16) to;
  return TRUE;
}

gboolean
rp_config_set_list (const RpConfigTarget *target, const RpConfigOption *option,
                    const char *const *values, GError **error)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; values[i] != NULL; i++) {
    if (*values[i] == '\0' || strlen (values[i]) > 255)
      return rp_config_bad_value (target, error, "a list without empty or overlong elements",
                                  values[i]);
    g_ptr_array_add (list, g_strdup (values[i]));
  }
  if (list->len > RP_CONFIG_MAX_LIST)
    return rp_config_bad_value (target, error, "at most 32 elements", "more");
  g_ptr_array_add (list, NULL);
  char ***member = G_STRUCT_MEMBER_P (target->config, option->offset);
  g_strfreev (*member);
  *member = (char **) g_ptr_array_free (g_steal_pointer (&list), FALSE);
  return TRUE;
}

static gboolean
set_text (RpConfigTarget *target, const RpConfigOption *option, const char *text, GError **error)
{
  char **member = NULL;
  if (option->type == RP_CONFIG_TYPE_FILE_KEY)
    member = g_str_equal (option->name, "config") ? &target->config_file : &target->token_file;
  else
    member = G_STRUCT_MEMBER_P (target->config, option->offset);
  if (*text == '\0' || strlen (text) > 4096)
    return rp_config_bad_value (target, error, "some text", text);
  g_free (*member);
  *member = g_strdup (text);
  return TRUE;
}

gboolean
rp_config_set (RpConfigTarget *target, const RpConfigOption *option, const char *text,
               GError **error)
{
  double number = 0;
  void *member = G_STRUCT_MEMBER_P (target->config, option->offset);
  switch (option->type) {
  case RP_CONFIG_TYPE_STRING:
  case RP_CONFIG_TYPE_FILE_KEY:
    return set_text (target, option, text, error);
  case RP_CONFIG_TYPE_BOOL:
    *(gboolean *) member = g_str_equal (text, "true");
    return TRUE;
  case RP_CONFIG_TYPE_UINT:
    if (!parse_number (target, option, text, &number, error))
      return FALSE;
    *(guint *) member = (guint) number;
    return TRUE;
  case RP_CONFIG_TYPE_SECONDS:
    if (!parse_number (target, option, text, &number, error))
      return FALSE;
    *(gint64 *) member = (gint64) (number * G_USEC_PER_SEC);
    return TRUE;
  case RP_CONFIG_TYPE_LIST: {
    g_auto (GStrv) values = g_strsplit (text, ",", RP_CONFIG_MAX_LIST + 1);
    return rp_config_set_list (target, option, (const char *const *) values, error);
  }
  case RP_CONFIG_TYPE_PORTS:
    return parse_ports (target, text, error);
  case RP_CONFIG_TYPE_LEVEL:
    return rp_log_level_parse (text, member) ||
           rp_config_bad_value (target, error, "error, warning, info or debug", text);
  }
  g_assert_not_reached ();
}
