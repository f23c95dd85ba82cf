/* A directory in memory for targets whose input are files, one for each process. */
#pragma once

#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>

static char *scratch_path;

static void
scratch_remove (void)
{
  const char *argv[] = {"rm", "-rf", scratch_path, NULL};
  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                NULL);
}

/* Returns: (transfer none) */
static const char *
scratch_dir (void)
{
  if (scratch_path == NULL) {
    const char *top = g_file_test ("/dev/shm", G_FILE_TEST_IS_DIR) ? "/dev/shm" : g_get_tmp_dir ();
    scratch_path = g_build_filename (top, "repartee-fuzz-XXXXXX", NULL);
    g_assert_nonnull (g_mkdtemp (scratch_path));
    atexit (scratch_remove);
  }
  return scratch_path;
}
