#include "fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  GPid pid;
  GPid parent;
  gint64 cpu_us;
} Process;

/* proc(5): the name in parentheses may hold anything, so the fields count from the last ")". */
static gboolean
read_stat (const char *pid, Process *out)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/stat", pid);
  g_autofree char *text = NULL;
  unsigned long user = 0;
  unsigned long system = 0;
  char state = 0;
  int parent = 0;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return FALSE;
  const char *rest = strrchr (text, ')');
  if (!rest || sscanf (rest + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &state,
                       &parent, &user, &system) != 4)
    return FALSE;
  out->pid = atoi (pid);
  out->parent = parent;
  out->cpu_us = (gint64) (user + system) * G_USEC_PER_SEC / sysconf (_SC_CLK_TCK);
  return TRUE;
}

static gint64
read_pss (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/smaps_rollup", pid);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  const char *line = strstr (text, "\nPss:");
  return line ? g_ascii_strtoll (line + 5, NULL, 10) * 1024 : 0;
}

static gboolean
descends (GHashTable *all, GPid pid, GPid root)
{
  for (guint depth = 0; depth < 32 && pid > 1; depth++) {
    if (pid == root)
      return TRUE;
    const Process *p = g_hash_table_lookup (all, GINT_TO_POINTER (pid));
    if (!p)
      return FALSE;
    pid = p->parent;
  }
  return FALSE;
}

void
rp_load_usage (GPid root, gboolean with_memory, RpLoadUsage *out)
{
  g_autoptr (GHashTable) all = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  g_autoptr (GDir) dir = g_dir_open ("/proc", 0, NULL);
  const char *name;
  GHashTableIter iter;
  Process *p;

  memset (out, 0, sizeof *out);
  while (dir && (name = g_dir_read_name (dir))) {
    Process process;
    if (g_ascii_isdigit (*name) && read_stat (name, &process))
      g_hash_table_insert (all, GINT_TO_POINTER (process.pid),
                           g_memdup2 (&process, sizeof process));
  }
  gint64 at_us = g_get_monotonic_time ();
  g_hash_table_iter_init (&iter, all);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &p)) {
    if (!descends (all, p->pid, root))
      continue;
    gint64 pss = with_memory ? read_pss (p->pid) : 0;
    out->at_us = at_us;
    out->processes++;
    if (p->pid == root) {
      out->root_cpu_us = p->cpu_us;
      out->root_pss_bytes = pss;
    } else {
      out->rest_cpu_us += p->cpu_us;
      out->rest_pss_bytes += pss;
    }
  }
}
