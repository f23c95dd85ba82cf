#include "config-options.h"
#include "json.h"

#include <string.h>

static void
append_value (GString *out, const RpConfig *config, const RpConfigOption *option)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  const void *member = G_STRUCT_MEMBER_P (config, option->offset);
  switch (option->type) {
  case RP_CONFIG_TYPE_STRING:
    rp_json_append_string (out, *(char *const *) member);
    break;
  case RP_CONFIG_TYPE_BOOL:
    g_string_append (out, *(const gboolean *) member ? "true" : "false");
    break;
  case RP_CONFIG_TYPE_UINT:
    g_string_append_printf (out, "%u", *(const guint *) member);
    break;
  case RP_CONFIG_TYPE_SECONDS:
    g_ascii_formatd (number, sizeof number, "%g",
                     (double) *(const gint64 *) member / G_USEC_PER_SEC);
    g_string_append (out, number);
    break;
  case RP_CONFIG_TYPE_LIST: {
    char **list = *(char **const *) member;
    g_string_append_c (out, '[');
    for (guint i = 0; list[i] != NULL; i++) {
      g_string_append (out, i > 0 ? ", " : "");
      rp_json_append_string (out, list[i]);
    }
    g_string_append_c (out, ']');
    break;
  }
  case RP_CONFIG_TYPE_PORTS:
    if (config->udp_port_max == 0)
      g_string_append (out, "null");
    else
      g_string_append_printf (out, "\"%u-%u\"", config->udp_port_min, config->udp_port_max);
    break;
  case RP_CONFIG_TYPE_LEVEL:
    rp_json_append_string (out, rp_log_level_name (*(const RpLogLevel *) member));
    break;
  case RP_CONFIG_TYPE_FILE_KEY:
    break;
  }
}

char *
rp_config_to_string (const RpConfig *config)
{
  GString *out = g_string_new ("{\n");
  const char *separator = "";
  for (gsize i = 0; i < rp_config_n_options; i++) {
    if (rp_config_options[i].type == RP_CONFIG_TYPE_FILE_KEY)
      continue;
    g_autofree char *key = rp_config_key (&rp_config_options[i]);
    g_string_append_printf (out, "%s  \"%s\": ", separator, key);
    if (g_str_equal (rp_config_options[i].name, "token"))
      g_string_append (out, config->token != NULL ? "\"***\"" : "null");
    else
      append_value (out, config, &rp_config_options[i]);
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
  for (gsize i = 0; i < rp_config_n_options; i++) {
    g_autofree char *left =
        g_strdup_printf ("--%s %s", rp_config_options[i].name,
                         rp_config_options[i].arg != NULL ? rp_config_options[i].arg : "");
    /* The ellipsis is one column, three bytes. */
    int pad = 30 - (int) g_utf8_strlen (left, -1);
    g_string_append_printf (out, "  %s%*s%s\n", left, MAX (pad, 1), "", rp_config_options[i].help);
  }
  g_string_append (out, "  --check-config                print the settings in effect and exit\n"
                        "  --check-network               say what is reachable and what to do, and "
                        "exit\n"
                        "  --version                     print the version and exit\n"
                        "  --help                        print this and exit\n\n"
                        "Exit codes: 0 ended in order, 1 could not start or go on, 2 wrong "
                        "configuration.\n");
  return g_string_free (out, FALSE);
}
