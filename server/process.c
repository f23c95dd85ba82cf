#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Fields of /proc/self/stat behind the name (proc(5)), counted from 0. */
#define STAT_UTIME 11
#define STAT_STIME 12
#define STAT_STARTTIME 19
#define STAT_VSIZE 20
#define STAT_RSS 21
#define STAT_FIELDS 22

/* The fields behind the name, which may have blanks and brackets in it. */
static gboolean
read_stat (guint64 *out_fields)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/proc/self/stat", &text, NULL, NULL))
    return FALSE;
  const char *rest = strrchr (text, ')');
  if (rest == NULL || rest[1] == '\0')
    return FALSE;
  g_auto (GStrv) fields = g_strsplit (rest + 2, " ", -1);
  if (g_strv_length (fields) < STAT_FIELDS)
    return FALSE;
  for (guint i = 0; i < STAT_FIELDS; i++)
    out_fields[i] = g_ascii_strtoull (fields[i], NULL, 10);
  return TRUE;
}

/* When the machine was started, in seconds since 1970; 0 = not known. */
static guint64
boot_time_s (void)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents ("/proc/stat", &text, NULL, NULL))
    return 0;
  const char *line = strstr (text, "\nbtime ");
  return line != NULL ? g_ascii_strtoull (line + strlen ("\nbtime "), NULL, 10) : 0;
}

static guint
count_descriptors (void)
{
  guint n = 0;
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  /* One of them is the directory's own. */
  return n > 0 ? n - 1 : 0;
}

void
rp_process_metrics (RpExposition *out)
{
  guint64 stat[STAT_FIELDS];
  struct rlimit limit;
  double ticks = (double) sysconf (_SC_CLK_TCK);
  guint64 boot_s = boot_time_s ();
  if (read_stat (stat) && ticks > 0) {
    rp_exposition_family (out, "process_cpu_seconds_total", RP_EXPOSITION_COUNTER,
                          "CPU time of the server itself, without its workers.");
    rp_exposition_sample (out, NULL, NULL, (double) (stat[STAT_UTIME] + stat[STAT_STIME]) / ticks);
    rp_exposition_gauge (out, "process_resident_memory_bytes",
                         "Resident memory of the server itself, without its workers.",
                         (double) stat[STAT_RSS] * (double) sysconf (_SC_PAGESIZE));
    rp_exposition_gauge (out, "process_virtual_memory_bytes", "Virtual memory.",
                         (double) stat[STAT_VSIZE]);
    if (boot_s > 0)
      rp_exposition_gauge (out, "process_start_time_seconds", "When the server was started.",
                           (double) boot_s + (double) stat[STAT_STARTTIME] / ticks);
  }
  rp_exposition_gauge (out, "process_open_fds", "Open file descriptors.", count_descriptors ());
  if (getrlimit (RLIMIT_NOFILE, &limit) == 0)
    rp_exposition_gauge (out, "process_max_fds", "File descriptors that may be open at once.",
                         (double) limit.rlim_cur);
}
