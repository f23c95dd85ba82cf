/* The table of settings, and what else the files of config-*.c share. */
#pragma once

#include "config.h"

G_BEGIN_DECLS

#define RP_CONFIG_MAX_LIST 32
/* Of a number that find_defaults () fills in. */
#define RP_CONFIG_UNSET G_MAXUINT

typedef enum {
  RP_CONFIG_TYPE_STRING,
  RP_CONFIG_TYPE_BOOL,
  RP_CONFIG_TYPE_UINT,     /* a guint */
  RP_CONFIG_TYPE_SECONDS,  /* a gint64 of microseconds */
  RP_CONFIG_TYPE_LIST,     /* a char ** */
  RP_CONFIG_TYPE_PORTS,    /* "A-B" into udp_port_min, udp_port_max */
  RP_CONFIG_TYPE_LEVEL,    /* an RpLogLevel */
  RP_CONFIG_TYPE_FILE_KEY, /* a string that is not a member of RpConfig: handled by name */
} RpConfigType;

typedef struct {
  const char *name; /* of the option; the key of the file has _ for - */
  RpConfigType type;
  gsize offset;
  double min, max;
  const char *arg;
  const char *help;
  gboolean file_only_cli; /* not a key of the file */
} RpConfigOption;

/* What values are put into, and where they came from, for messages: "--listen" or
 * "file.json: listen". */
typedef struct {
  RpConfig *config;
  const char *where;
  char *token_file;
  char *config_file;
} RpConfigTarget;

extern const RpConfigOption rp_config_options[];
extern const gsize rp_config_n_options;

const RpConfigOption *rp_config_find_option (const char *name, gsize len);
/* Returns: (transfer full) */
char *rp_config_key (const RpConfigOption *option);

/* The value as the command line has it. */
gboolean rp_config_set (RpConfigTarget *target, const RpConfigOption *option, const char *text,
                        GError **error);
/* @values: NULL-terminated */
gboolean rp_config_set_list (const RpConfigTarget *target, const RpConfigOption *option,
                             const char *const *values, GError **error);
/* Returns: FALSE, with @error set */
gboolean rp_config_bad_value (const RpConfigTarget *target, GError **error, const char *expected,
                              const char *got);

/* Not larger than a configuration ever is. @out_text: (transfer full) */
gboolean rp_config_read_file (const char *path, char **out_text, gsize *out_len, GError **error);

/* Fills in what is not set, and refuses what cannot be, by itself or together.
 * @token_file: (nullable) */
gboolean rp_config_check (RpConfig *config, const char *token_file, GError **error);

/* config-ice.c: the same of what clients are told of STUN and TURN. */
gboolean rp_config_check_ice (RpConfig *config, GError **error);

G_END_DECLS
