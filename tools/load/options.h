#pragma once

#include "fleet.h"

#include <glib.h>

typedef struct {
  RpLoadOptions fleet;
  GPtrArray *speech; /* of char*, borrowed: WAV files */
  gboolean continuous;
  const char *json; /* (nullable): a file instead of stdout */
} RpLoadSettings;

extern const char rp_load_usage_text[];

/* argv without the program's name, NULL-terminated and borrowed. */
gboolean rp_load_settings_parse (RpLoadSettings *settings, char **argv, GError **error);
void rp_load_settings_clear (RpLoadSettings *settings);
