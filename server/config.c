#include "config-options.h"
#include "json.h"
#include "secret.h"

#include <string.h>

G_DEFINE_QUARK (rp - config - error - quark, rp_config_error)

/* A configuration file is small; whatever is larger is not one. */
#define MAX_FILE_BYTES (256 * 1024)

/* The value of a key of the file, in the form the command line has it. */
static gboolean
set_from_node (RpConfigTarget *target, const RpConfigOption *option, JsonObject *object,
               const char *key, GError **error)
{
  JsonArray *array = rp_json_array (object, key);
  if (array != NULL) {
    g_autoptr (GPtrArray) values = g_ptr_array_new ();
    for (guint i = 0; i < json_array_get_length (array); i++) {
      const char *value = rp_json_array_string (array, i);
      if (value == NULL)
        return rp_config_bad_value (target, error, "strings", "something else");
      g_ptr_array_add (values, (gpointer) value);
    }
    g_ptr_array_add (values, NULL);
    return rp_config_set_list (target, option, (const char *const *) values->pdata, error);
  }
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  const char *text = NULL;
  if (option->type == RP_CONFIG_TYPE_BOOL)
    text = rp_json_bool (object, key, FALSE) ? "true" : "false";
  else if (option->type == RP_CONFIG_TYPE_UINT || option->type == RP_CONFIG_TYPE_SECONDS)
    text = g_ascii_dtostr (number, sizeof number, rp_json_double (object, key, 0));
  else
    text = rp_json_string (object, key, NULL);
  if (text == NULL)
    return rp_config_bad_value (target, error, "a string or an array of strings", "something else");
  return rp_config_set (target, option, text, error);
}

static RpJsonType
json_type (RpConfigType type)
{
  switch (type) {
  case RP_CONFIG_TYPE_BOOL:
    return RP_JSON_BOOL;
  case RP_CONFIG_TYPE_UINT:
    return RP_JSON_INT;
  case RP_CONFIG_TYPE_SECONDS:
    return RP_JSON_NUMBER;
  case RP_CONFIG_TYPE_LIST:
    return RP_JSON_ANY; /* or one string, as on the command line */
  case RP_CONFIG_TYPE_STRING:
  case RP_CONFIG_TYPE_PORTS:
  case RP_CONFIG_TYPE_LEVEL:
  case RP_CONFIG_TYPE_FILE_KEY:
    break;
  }
  return RP_JSON_STRING;
}

gboolean
rp_config_read_file (const char *path, char **out_text, gsize *out_len, GError **error)
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
load_file (RpConfigTarget *target, const char *path, GError **error)
{
  rp_autosecret char *text = NULL;
  gsize len = 0;
  if (!rp_config_read_file (path, &text, &len, error))
    return FALSE;

  g_auto (GStrv) keys = g_new0 (char *, rp_config_n_options + 1);
  g_autofree RpJsonField *fields = g_new0 (RpJsonField, rp_config_n_options);
  guint n = 0;
  for (gsize i = 0; i < rp_config_n_options; i++) {
    if (rp_config_options[i].file_only_cli)
      continue;
    keys[n] = rp_config_key (&rp_config_options[i]);
    fields[n] = (RpJsonField){.name = keys[n],
                              .type = json_type (rp_config_options[i].type),
                              .min = rp_config_options[i].min,
                              .max = rp_config_options[i].max};
    n++;
  }

  g_autoptr (GError) json_error = NULL;
  g_autoptr (JsonObject) object = rp_json_parse_object (text, len, 0, &json_error);
  gboolean ok = object != NULL &&
                rp_json_check_full (object, NULL, fields, n, RP_JSON_CHECK_NO_UNKNOWN, &json_error);
  if (!ok)
    g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE, "%s: %s", path,
                 json_error->message);
  for (guint i = 0, k = 0; ok && i < rp_config_n_options; i++) {
    if (rp_config_options[i].file_only_cli)
      continue;
    const char *key = keys[k++];
    if (rp_json_member (object, key) == NULL)
      continue;
    g_autofree char *where = g_strdup_printf ("%s: %s", path, key);
    target->where = where;
    ok = set_from_node (target, &rp_config_options[i], object, key, error);
  }
  return ok;
}

/* One word of the command line, with its value when it takes one. Returns FALSE on error. */
static gboolean
command_line_word (RpConfigTarget *target, char **argv, guint *i, GError **error)
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
  if (g_str_equal (word, "--check-network")) {
    config->action = RP_CONFIG_CHECK_NETWORK;
    return TRUE;
  }
  gsize len = strcspn (word, "=");
  const RpConfigOption *option =
      g_str_has_prefix (word, "--") && len > 2 ? rp_config_find_option (word + 2, len - 2) : NULL;
  if (option == NULL) {
    g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE,
                 "%s: no such option; --help lists them", word);
    return FALSE;
  }
  const char *value = word[len] == '=' ? word + len + 1 : NULL;
  if (option->type == RP_CONFIG_TYPE_BOOL) {
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
  return rp_config_set (target, option, value, error);
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
  config->stun = g_new0 (char *, 1);
  config->turn = g_new0 (char *, 1);
  config->turn_lifetime_us = 4 * 3600 * (gint64) G_USEC_PER_SEC;
  config->workers = 2;
  config->max_sessions = 100;
  config->max_cpu_percent = 80;
  config->max_connections_per_address = RP_CONFIG_UNSET;
  config->max_calls_per_address = RP_CONFIG_UNSET;
  config->max_offers_per_minute = RP_CONFIG_UNSET;
  config->connect_timeout_us = 60 * G_USEC_PER_SEC;
  config->inactivity_timeout_us = 15 * G_USEC_PER_SEC;
  config->drain_timeout_us = 30 * G_USEC_PER_SEC;
  config->log_level = RP_LOG_LEVEL_INFO;
  return config;
}

static gboolean
parse_all (RpConfigTarget *target, char **argv, GError **error)
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
  return rp_config_check (config, target->token_file, error);
}

RpConfig *
rp_config_parse (char **argv, GError **error)
{
  g_autoptr (RpConfig) config = config_new ();
  RpConfigTarget target = {.config = config};
  gboolean ok = parse_all (&target, argv, error);
  g_free (target.token_file);
  g_free (target.config_file);
  return ok ? g_steal_pointer (&config) : NULL;
}

static void
wipe (char *text)
{
  if (text != NULL)
    rp_secret_clear (text, strlen (text));
}

void
rp_config_wipe_secrets (RpConfig *config)
{
  wipe (config->token);
  wipe (config->turn_secret);
  wipe (config->turn_password);
}

void
rp_config_free (RpConfig *config)
{
  if (config == NULL)
    return;
  g_free (config->listen);
  g_free (config->listen_host);
  rp_secret_free (config->token);
  g_strfreev (config->cors_origin);
  g_strfreev (config->agent);
  g_free (config->models);
  g_free (config->data);
  g_free (config->web);
  g_free (config->user);
  g_free (config->worker);
  g_strfreev (config->ice_address);
  g_strfreev (config->public_address);
  g_strfreev (config->stun);
  g_strfreev (config->turn);
  g_free (config->turn_secret_file);
  rp_secret_free (config->turn_secret);
  g_free (config->turn_user);
  g_free (config->turn_password_file);
  rp_secret_free (config->turn_password);
  g_free (config);
}
