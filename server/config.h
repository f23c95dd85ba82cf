/* What the server was told: the command line over a JSON file over the defaults. Parsed once, then
 * immutable and readable from any thread.
 *
 * Every setting is one row of the table in config-options.c, which makes the option (--max-sessions
 * 100), the key of the file ("max_sessions": 100), the check and the line of --help. */
#pragma once

#include "log.h"

#include <glib.h>

G_BEGIN_DECLS

#define RP_CONFIG_ERROR (rp_config_error_quark ())
GQuark rp_config_error_quark (void);
typedef enum {
  RP_CONFIG_ERROR_USAGE,   /* an option or key nobody knows, or a value it may not have */
  RP_CONFIG_ERROR_FILE,    /* a file that cannot be read */
  RP_CONFIG_ERROR_REFUSED, /* good values that must not go together */
} RpConfigError;

typedef enum {
  RP_CONFIG_RUN,
  RP_CONFIG_CHECK, /* --check-config */
  RP_CONFIG_CHECK_NETWORK,
  RP_CONFIG_HELP,    /* --help */
  RP_CONFIG_VERSION, /* --version */
} RpConfigAction;

typedef struct {
  RpConfigAction action;
  char *listen;      /* as given */
  char *listen_host; /* numeric address, or "localhost" */
  guint16 listen_port;
  gboolean listen_is_loopback;
  gboolean no_auth;
  char *token;        /* (nullable) the operator's key: shown as "Authorization: Bearer" it opens
                         everything, and access tokens are made with it */
  char **cors_origin; /* origins of other sites that may use the API; "*" = any; may be empty */
  guint max_connections_per_address; /* to HTTP; 0 = no limit of its own, and so below */
  guint max_calls_per_address;       /* at the same time */
  guint max_offers_per_minute;       /* of one address */

  char **agent; /* directories; an agent's name is its directory's; the first is the default */
  char *models; /* (nullable) directory */
  char *data;   /* (nullable) directory */
  char *web;    /* (nullable) directory of the pages; NULL = none found */
  char *worker; /* (nullable) the worker's executable; NULL = none found */

  guint loops;                  /* media threads */
  guint workers;                /* kept warm */
  guint max_sessions;           /* calls at the same time */
  gboolean no_admission;        /* take them however busy the machine is */
  guint max_cpu_percent;        /* of the processors; busier, and callers are refused */
  gint64 connect_timeout_us;    /* offer to media */
  gint64 inactivity_timeout_us; /* without a datagram from the client */
  gint64 drain_timeout_us;

  guint16 udp_port_min; /* 0 = any */
  guint16 udp_port_max;
  char **ice_address;    /* local addresses to gather on; empty = all */
  char **public_address; /* what the machine is known as behind a 1:1 NAT; may be empty */
  guint ice_tcp_port;    /* for media over TCP; 0 = none */

  char **stun; /* URLs that clients are told; may be empty */
  char **turn;
  char *turn_secret_file;   /* (nullable) */
  char *turn_secret;        /* (nullable): what is in it */
  char *turn_user;          /* (nullable) */
  char *turn_password_file; /* (nullable) */
  char *turn_password;      /* (nullable): what is in it */
  gint64 turn_lifetime_us;  /* of credentials that are made with the secret */

  char *user; /* (nullable) to become once the ports are open; only root can */
  gboolean no_confine;

  RpLogLevel log_level;
  gboolean log_json;
  gboolean log_pii;
} RpConfig;

/* @argv: NULL-terminated, argv[0] is skipped. Reads the files that are named.
 * Returns: (transfer full) (nullable): NULL with @error set; the message says what to do. */
RpConfig *rp_config_parse (char **argv, GError **error);
void rp_config_free (RpConfig *config);
/* Keys, secrets and passwords become empty: for a process that needs none. */
void rp_config_wipe_secrets (RpConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpConfig, rp_config_free)

/* The effective settings as a JSON object in the file's own form, one key per line; a token is
 * shown as "***". Returns: (transfer full) */
char *rp_config_to_string (const RpConfig *config);
/* The text of --help. Returns: (transfer full) */
char *rp_config_help (void);

G_END_DECLS
