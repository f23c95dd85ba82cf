#include "speech.h"

G_DEFINE_QUARK (rp - speech - error - quark, rp_speech_error)

char *
rp_models_dir (void)
{
  const char *dir = g_getenv ("REPARTEE_MODELS");

  if (dir != NULL && *dir != '\0')
    return g_strdup (dir);
  return g_build_filename (g_get_user_cache_dir (), "repartee", "models-1", NULL);
}
