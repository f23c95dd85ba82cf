/* What clients are told of STUN and TURN servers. */
#include "config-options.h"
#include "ice-servers.h"
#include "secret.h"

#include <string.h>

/* Callers see passwords made with it and could try secrets out at leisure. */
#define MIN_SECRET_BYTES 16

static gboolean
check_urls (char **list, gboolean is_turn, GError **error)
{
  for (char **entry = list; *entry != NULL; entry++) {
    RpIceUrl url;
    if (rp_ice_url_parse (*entry, &url) && url.is_turn == is_turn)
      continue;
    g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE,
                 is_turn ? "turn: expected turn:HOST:PORT, with ?transport=tcp for TCP, or "
                           "turns:HOST:PORT for TLS, got \"%s\""
                         : "stun: expected stun:HOST:PORT, got \"%s\"",
                 *entry);
    return FALSE;
  }
  return TRUE;
}

/* The first line. @path: (nullable). */
static gboolean
load_secret (const char *path, const char *name, gsize min, char **out, GError **error)
{
  g_autofree char *text = NULL;
  gsize len = 0;
  if (path == NULL)
    return TRUE;
  if (!rp_config_read_file (path, &text, &len, error))
    return FALSE;
  gsize line = strcspn (text, "\r\n");
  rp_secret_clear (text + line, len - line);
  if (line >= min && rp_ice_credential_is_good (text)) {
    *out = g_steal_pointer (&text);
    return TRUE;
  }
  rp_secret_clear (text, len);
  g_set_error (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_USAGE,
               "%s: the first line of %s needs %" G_GSIZE_FORMAT " to %d visible ASCII characters "
               "without \" and \\",
               name, path, min, RP_ICE_MAX_USER_BYTES);
  return FALSE;
}

static gboolean
refuse (GError **error, const char *text)
{
  g_set_error_literal (error, RP_CONFIG_ERROR, RP_CONFIG_ERROR_REFUSED, text);
  return FALSE;
}

gboolean
rp_config_check_ice (RpConfig *config, GError **error)
{
  gboolean fixed = config->turn_user != NULL || config->turn_password_file != NULL;
  if (!check_urls (config->stun, FALSE, error) || !check_urls (config->turn, TRUE, error) ||
      !load_secret (config->turn_secret_file, "turn_secret_file", MIN_SECRET_BYTES,
                    &config->turn_secret, error) ||
      !load_secret (config->turn_password_file, "turn_password_file", 1, &config->turn_password,
                    error))
    return FALSE;
  if (config->turn_user != NULL && !rp_ice_credential_is_good (config->turn_user))
    return refuse (error, "turn_user: visible ASCII characters without \" and \\ are expected");
  if (fixed && config->turn_secret != NULL)
    return refuse (error, "turn_secret_file and turn_user: use one of them; the secret is better, "
                          "for what is made with it expires");
  if (fixed && (config->turn_user == NULL || config->turn_password == NULL))
    return refuse (error, "turn_user and turn_password_file: one without the other is of no use");
  if (*config->turn == NULL && (fixed || config->turn_secret != NULL))
    return refuse (error, "turn: these credentials are for no server: give --turn URL");
  if (*config->turn != NULL && !fixed && config->turn_secret == NULL)
    return refuse (error, "turn: TURN servers want credentials: give --turn-secret-file FILE (what "
                          "coturn has as static-auth-secret), or --turn-user NAME and "
                          "--turn-password-file FILE");
  return TRUE;
}
