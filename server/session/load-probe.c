#include "load-probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define CGROUP "/sys/fs/cgroup"
/* The lines of the first 1024 processors. */
#define MAX_STAT_BYTES (128 * 1024)

struct _RpLoadProbe {
  guint cpus;
  double quota; /* processors' worth of time; 0 = no limit */
  cpu_set_t affinity;
  int stat_fd;
  int meminfo_fd;
  int usage_fd; /* of the control group */
  int memory_fd;
  int memory_stat_fd;
  gint64 memory_max; /* negative = no limit */
  char *buffer;

  gint64 read_us; /* 0 = never */
  guint64 busy;   /* of the processors, in clock ticks */
  guint64 all;
  gint64 usage_us; /* of the group; negative = not known */
  gint64 own_us;
};

static const char *
read_file (RpLoadProbe *probe, int fd)
{
  gsize len = 0;
  ssize_t n = 1;
  if (fd < 0)
    return NULL;
  while (n > 0 && len < MAX_STAT_BYTES) {
    n = pread (fd, probe->buffer + len, MAX_STAT_BYTES - len, (off_t) len);
    if (n < 0 && errno == EINTR)
      n = 1;
    else if (n > 0)
      len += (gsize) n;
  }
  probe->buffer[len] = '\0';
  return len > 0 ? probe->buffer : NULL;
}

/* Returns: the number behind @name, which begins a line; negative when there is none. */
static gint64
number_of (const char *text, const char *name)
{
  gsize n = strlen (name);
  for (const char *line = text; line != NULL && *line != '\0';) {
    if (strncmp (line, name, n) == 0 && (line[n] == ' ' || line[n] == ':'))
      return g_ascii_strtoll (line + n + 1, NULL, 10);
    line = strchr (line, '\n');
    line = line != NULL ? line + 1 : NULL;
  }
  return -1;
}

static int
open_file (const char *dir, const char *name)
{
  g_autofree char *path = g_build_filename (dir, name, NULL);
  return open (path, O_RDONLY | O_CLOEXEC);
}

/* Of version 2, which is the only one that containers use by now. Without limits the machine's own
 * figures are better. */
static void
open_cgroup (RpLoadProbe *probe)
{
  g_autofree char *groups = NULL;
  g_autofree char *dir = NULL;
  double quota_us = 0, period_us = 0;
  if (!g_file_get_contents ("/proc/self/cgroup", &groups, NULL, NULL))
    return;
  const char *path = g_str_has_prefix (groups, "0::") ? groups : strstr (groups, "\n0::");
  if (path == NULL)
    return;
  path += *path == '\n' ? 4 : 3;
  g_autofree char *own = g_strndup (path, strcspn (path, "\n"));
  dir = g_build_filename (CGROUP, own, NULL);
  int max_fd = open_file (dir, "cpu.max");
  const char *max = read_file (probe, max_fd);
  if (max != NULL && sscanf (max, "%lf %lf", &quota_us, &period_us) == 2 && quota_us > 0 &&
      period_us > 0) {
    probe->quota = quota_us / period_us;
    probe->usage_fd = open_file (dir, "cpu.stat");
  }
  if (max_fd >= 0)
    close (max_fd);
  max_fd = open_file (dir, "memory.max");
  max = read_file (probe, max_fd);
  if (max != NULL && g_ascii_isdigit (*max)) {
    probe->memory_max = g_ascii_strtoll (max, NULL, 10);
    probe->memory_fd = open_file (dir, "memory.current");
    probe->memory_stat_fd = open_file (dir, "memory.stat");
  }
  if (max_fd >= 0)
    close (max_fd);
}

RpLoadProbe *
rp_load_probe_new (void)
{
  RpLoadProbe *probe = g_new0 (RpLoadProbe, 1);
  probe->buffer = g_malloc (MAX_STAT_BYTES + 1);
  probe->usage_fd = probe->memory_fd = probe->memory_stat_fd = -1;
  probe->memory_max = -1;
  probe->usage_us = -1;
  probe->stat_fd = open_file ("/proc", "stat");
  probe->meminfo_fd = open_file ("/proc", "meminfo");
  if (sched_getaffinity (0, sizeof probe->affinity, &probe->affinity) != 0) {
    CPU_ZERO (&probe->affinity);
    for (guint i = 0; i < g_get_num_processors (); i++)
      CPU_SET (i, &probe->affinity);
  }
  open_cgroup (probe);
  probe->cpus = (guint) MAX (CPU_COUNT (&probe->affinity), 1);
  if (probe->quota > 0 && probe->quota < probe->cpus)
    probe->cpus = (guint) MAX (probe->quota + 0.99, 1);
  return probe;
}

void
rp_load_probe_free (RpLoadProbe *probe)
{
  if (probe == NULL)
    return;
  const int fds[] = {probe->stat_fd, probe->meminfo_fd, probe->usage_fd, probe->memory_fd,
                     probe->memory_stat_fd};
  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    if (fds[i] >= 0)
      close (fds[i]);
  g_free (probe->buffer);
  g_free (probe);
}

guint
rp_load_probe_cpus (const RpLoadProbe *probe)
{
  return probe->cpus;
}

/* user nice system idle iowait irq softirq steal guest guest_nice: what is stolen is not there for
 * us, and guests are counted as user already. Returns: FALSE for a line of another kind. */
static gboolean
take_cpu_line (const RpLoadProbe *probe, const char *line, guint64 *busy, guint64 *all)
{
  char *end = NULL;
  if (strncmp (line, "cpu", 3) != 0)
    return FALSE;
  /* The sum of all has no number: what stands there is its first figure. */
  guint64 index = g_ascii_strtoull (line + 3, &end, 10);
  if (!g_ascii_isdigit (line[3]) || index >= CPU_SETSIZE || !CPU_ISSET (index, &probe->affinity))
    return TRUE;
  for (guint i = 0; i < 8; i++) {
    guint64 ticks = g_ascii_strtoull (end, &end, 10);
    *all += ticks;
    if (i != 3 && i != 4)
      *busy += ticks;
  }
  return TRUE;
}

static double
machine_share (RpLoadProbe *probe)
{
  guint64 busy = 0, all = 0;
  double share = -1;
  const char *line = read_file (probe, probe->stat_fd);
  while (line != NULL && take_cpu_line (probe, line, &busy, &all)) {
    line = strchr (line, '\n');
    line = line != NULL ? line + 1 : NULL;
  }
  if (probe->read_us > 0 && all > probe->all)
    share = busy > probe->busy ? (double) (busy - probe->busy) / (double) (all - probe->all) : 0;
  probe->busy = busy;
  probe->all = all;
  return share;
}

/* Of its quota, the control group's. */
static double
group_share (RpLoadProbe *probe, gint64 passed_us)
{
  gint64 usage_us = number_of (read_file (probe, probe->usage_fd), "usage_usec");
  double share = -1;
  if (usage_us >= 0 && probe->usage_us >= 0 && passed_us > 0)
    share = (double) (usage_us - probe->usage_us) / (double) passed_us / probe->quota;
  probe->usage_us = usage_us;
  return share;
}

static double
own_share (RpLoadProbe *probe, gint64 passed_us)
{
  struct rusage usage;
  getrusage (RUSAGE_SELF, &usage);
  gint64 own_us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC +
                  usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
  double share = probe->read_us > 0 && passed_us > 0
                     ? (double) (own_us - probe->own_us) / (double) passed_us / probe->cpus
                     : -1;
  probe->own_us = own_us;
  return share;
}

static gint64
available_memory (RpLoadProbe *probe)
{
  gint64 kib = number_of (read_file (probe, probe->meminfo_fd), "MemAvailable");
  gint64 available = kib >= 0 ? kib * 1024 : -1;
  if (probe->memory_max < 0)
    return available;
  const char *current = read_file (probe, probe->memory_fd);
  if (current == NULL)
    return available;
  gint64 left = probe->memory_max - g_ascii_strtoll (current, NULL, 10);
  gint64 cached = number_of (read_file (probe, probe->memory_stat_fd), "inactive_file");
  left = MAX (left + MAX (cached, 0), 0);
  return available >= 0 ? MIN (available, left) : left;
}

void
rp_load_probe_read (RpLoadProbe *probe, gint64 now_us, RpLoadState *out)
{
  gint64 passed_us = now_us - probe->read_us;
  out->cpu = machine_share (probe);
  if (probe->quota > 0)
    out->cpu = MAX (out->cpu, group_share (probe, passed_us));
  out->cpu_own = own_share (probe, passed_us);
  out->memory_bytes = available_memory (probe);
  probe->read_us = now_us;
}
