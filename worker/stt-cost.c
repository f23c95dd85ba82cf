#define _GNU_SOURCE /* pipe2 */

#include "stt-cost.h"

#include "tts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A question of 3.5 s and as many words as people ask it with: what a transcript costs depends on
 * them more than on the length. */
#define SENTENCE "Could you tell me whether the large room is free on Thursday morning?"
/* The first one also gets its memory from the system. */
#define RUNS 3
/* Since its start: a child that stands still must not keep callers out. It takes 0.3 s of an idle
 * machine. */
#define PATIENCE_US (15 * G_USEC_PER_SEC)

struct _RpSttCost {
  pid_t pid;
  int fd;
  guint n;
  gint64 deadline_us;
};

/* --- the child --- */

static gboolean
on_audio (const gint16 *pcm, gsize n_samples, gpointer user_data)
{
  GArray *samples = user_data;
  for (gsize i = 0; i < n_samples; i++) {
    float sample = (float) pcm[i] / 32768;
    g_array_append_val (samples, sample);
  }
  return TRUE;
}

/* Returns: (transfer full) (nullable) (element-type float) */
static GArray *
say_sentence (void)
{
  const RpTtsFliteConfig config = {0};
  g_autoptr (GArray) samples = g_array_new (FALSE, FALSE, sizeof (float));
  const RpTtsSink sink = {.audio = on_audio, .user_data = samples};
  g_autoptr (RpTts) tts = rp_tts_flite_new (&config, NULL);
  if (tts == NULL || !rp_tts_synthesize (tts, SENTENCE, &sink, NULL, NULL))
    return NULL;
  return g_steal_pointer (&samples);
}

static gint64
cpu_us (void)
{
  struct timespec used;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &used);
  return used.tv_sec * G_USEC_PER_SEC + used.tv_nsec / 1000;
}

/* Returns: the least of RUNS; negative = it failed. */
static gint64
measure (RpStt *stt, const GArray *samples)
{
  gint64 least_us = G_MAXINT64;
  for (guint i = 0; i < RUNS; i++) {
    gint64 since_us = cpu_us ();
    g_autofree char *text =
        rp_stt_transcribe (stt, (const float *) samples->data, samples->len, NULL, NULL);
    if (text == NULL)
      return -1;
    least_us = MIN (least_us, cpu_us () - since_us);
  }
  return least_us;
}

static gboolean
measure_all (GPtrArray *stts, gint64 *out_us)
{
  g_autoptr (GArray) samples = say_sentence ();
  if (samples == NULL)
    return FALSE;
  for (guint i = 0; i < stts->len; i++) {
    out_us[i] = measure (g_ptr_array_index (stts, i), samples);
    if (out_us[i] < 0)
      return FALSE;
  }
  return TRUE;
}

G_NORETURN static void
run_child (GPtrArray *stts, int fd)
{
  gint64 cost_us[RP_STT_COST_MAX];
  gsize size = stts->len * sizeof *cost_us;
  prctl (PR_SET_PDEATHSIG, SIGKILL);
  /* A pipe takes so little in one piece. */
  gboolean ok = measure_all (stts, cost_us) && write (fd, cost_us, size) == (ssize_t) size;
  _exit (ok ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* --- the zygote --- */

RpSttCost *
rp_stt_cost_start (GPtrArray *stts)
{
  int fds[2];
  g_assert (stts->len <= RP_STT_COST_MAX);
  if (stts->len == 0 || pipe2 (fds, O_CLOEXEC) != 0)
    return NULL;
  pid_t pid = fork ();
  if (pid == 0)
    run_child (stts, fds[1]);
  close (fds[1]);
  if (pid < 0) {
    close (fds[0]);
    return NULL;
  }
  RpSttCost *cost = g_new (RpSttCost, 1);
  *cost = (RpSttCost){
      .pid = pid,
      .fd = fds[0],
      .n = stts->len,
      .deadline_us = g_get_monotonic_time () + PATIENCE_US,
  };
  return cost;
}

/* Returns: FALSE when nothing comes in time. */
static gboolean
await (const RpSttCost *cost)
{
  for (;;) {
    GPollFD poll = {.fd = cost->fd, .events = G_IO_IN};
    gint64 left_us = MAX (cost->deadline_us - g_get_monotonic_time (), 0);
    gint n = g_poll (&poll, 1, (gint) (left_us / 1000));
    if (n >= 0 || errno != EINTR)
      return n > 0;
  }
}

gboolean
rp_stt_cost_finish (RpSttCost *cost, gint64 *out_us)
{
  gint64 told_us[RP_STT_COST_MAX];
  if (cost == NULL)
    return FALSE;
  gsize size = cost->n * sizeof *told_us;
  gboolean ok = await (cost) && read (cost->fd, told_us, size) == (ssize_t) size;
  if (ok)
    memcpy (out_us, told_us, size);
  kill (cost->pid, SIGKILL);
  while (waitpid (cost->pid, NULL, 0) < 0 && errno == EINTR)
    ;
  close (cost->fd);
  g_free (cost);
  return ok;
}
