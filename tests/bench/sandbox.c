/* What it costs to shut a worker in: the fork, what the child does until it is ready, with and
 * without the sandbox, and a system call afterwards. In processor time, so that a machine that has
 * other things to do tells the same. The parent has memory as the zygote has models.
 *
 *   sandbox-bench [--rounds 500] [--memory-mb 120]
 */
#define _GNU_SOURCE /* SOCK_CLOEXEC */

#include "sandbox.h"
#include "confine.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_CALLS 20000

/* What a child tells. */
typedef struct {
  gint64 begin_ns;
  gint64 call_ns;
} Told;

typedef struct {
  GArray *fork_us;
  GArray *begin_us;
  GArray *call_ns;
} Series;

/* This thread's own. */
static gint64
cpu_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (gint64) now.tv_sec * 1000000000 + now.tv_nsec;
}

static int
compare (gconstpointer a, gconstpointer b)
{
  double difference = *(const double *) a - *(const double *) b;
  return difference < 0 ? -1 : difference > 0;
}

static double
percentile (GArray *values, guint percent)
{
  g_array_sort (values, compare);
  return g_array_index (values, double, (values->len - 1) * percent / 100);
}

static Series
series_new (void)
{
  return (Series){g_array_new (FALSE, FALSE, sizeof (double)),
                  g_array_new (FALSE, FALSE, sizeof (double)),
                  g_array_new (FALSE, FALSE, sizeof (double))};
}

static void
series_clear (Series *series)
{
  g_array_unref (series->fork_us);
  g_array_unref (series->begin_us);
  g_array_unref (series->call_ns);
}

G_NORETURN static void
be_child (RpSandbox *sandbox, int fd)
{
  g_autoptr (GError) error = NULL;
  Told told = {0};
  if (sandbox != NULL && !rp_sandbox_enter (sandbox, fd, &error)) {
    g_printerr ("sandbox-bench: %s\n", error->message);
    _exit (1);
  }
  /* All since it came to be. */
  told.begin_ns = cpu_ns ();
  gint64 before_ns = told.begin_ns;
  for (guint i = 0; i < N_CALLS; i++)
    (void) syscall (SYS_getppid);
  told.call_ns = (cpu_ns () - before_ns) / N_CALLS;
  _exit (write (fd, &told, sizeof told) == sizeof told ? 0 : 1);
}

static gboolean
run_child (RpSandbox *sandbox, Series *series)
{
  int fds[2];
  Told told;
  int status = 0;
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
    return FALSE;
  gint64 before_ns = cpu_ns ();
  pid_t pid = fork ();
  if (pid == 0)
    be_child (sandbox, fds[1]);
  double fork_us = (double) (cpu_ns () - before_ns) / 1000;
  close (fds[1]);
  gboolean ok = pid > 0 && read (fds[0], &told, sizeof told) == sizeof told;
  close (fds[0]);
  if (pid > 0)
    waitpid (pid, &status, 0);
  if (!ok || status != 0)
    return FALSE;
  double begin_us = (double) told.begin_ns / 1000;
  double call_ns = (double) told.call_ns;
  g_array_append_val (series->fork_us, fork_us);
  g_array_append_val (series->begin_us, begin_us);
  g_array_append_val (series->call_ns, call_ns);
  return TRUE;
}

static void
print_series (const char *name, const Series *series)
{
  printf ("%-10s %10.0f %10.0f %10.0f %10.0f %10.0f\n", name, percentile (series->fork_us, 50),
          percentile (series->fork_us, 95), percentile (series->begin_us, 50),
          percentile (series->begin_us, 95), percentile (series->call_ns, 50));
}

int
main (int argc, char **argv)
{
  gint rounds = 500;
  gint memory_mb = 120;
  const GOptionEntry entries[] = {
      {"rounds", 0, 0, G_OPTION_ARG_INT, &rounds, "Children of either kind", "N"},
      {"memory-mb", 0, 0, G_OPTION_ARG_INT, &memory_mb, "That the parent has touched", "N"},
      {NULL},
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new ("- the price of the sandbox");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || rounds < 1 || memory_mb < 1) {
    g_printerr ("sandbox-bench: %s\n", error != NULL ? error->message : "a number is too small");
    return 2;
  }
  gsize size = (gsize) memory_mb << 20;
  void *memory = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return 1;
  memset (memory, 1, size);
  /* As the zygote is before it makes one. */
  if (!rp_confine_drop_capabilities (0, &error) || !rp_confine_process (&error)) {
    g_printerr ("sandbox-bench: %s\n", error->message);
    return 1;
  }
  const RpSandboxConfig config = {0};
  gint64 before_ns = cpu_ns ();
  g_autoptr (RpSandbox) sandbox = rp_sandbox_new (&config, &error);
  double made_us = (double) (cpu_ns () - before_ns) / 1000;
  if (sandbox == NULL) {
    g_printerr ("sandbox-bench: %s\n", error->message);
    return 1;
  }
  Series free_ones = series_new ();
  Series confined = series_new ();
  gboolean ok = TRUE;
  /* In turns: what else the machine does meets both. */
  for (gint i = 0; ok && i < rounds; i++)
    ok = run_child (NULL, &free_ones) && run_child (sandbox, &confined);
  if (ok) {
    printf ("%s, made once in %.0f us; %d children each of %d MB\n", rp_sandbox_describe (sandbox),
            made_us, rounds, memory_mb);
    printf ("%-10s %10s %10s %10s %10s %10s\n", "", "fork p50", "p95 us", "child p50", "p95 us",
            "call ns");
    print_series ("free", &free_ones);
    print_series ("confined", &confined);
  }
  series_clear (&free_ones);
  series_clear (&confined);
  return ok ? 0 : 1;
}
