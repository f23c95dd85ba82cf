#include "worker-log.h"

#include "log.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

/* Of a line; the log cuts its fields there too. */
#define MAX_LINE_BYTES 1024
/* Of a turn of the main loop. */
#define MAX_TURN_BYTES (64 * 1024)

struct _RpWorkerLog {
  int fd;
  GSource *source;
  GString *line;
  gboolean cut; /* the rest of this line is passed over */
  gint64 spent_us;
  guint dropped;
};

static gboolean
may_say (RpWorkerLog *log)
{
  const gint64 line_us = RP_WORKER_LOG_LINE_MS * G_GINT64_CONSTANT (1000);
  gint64 now_us = g_get_monotonic_time ();
  if (MAX (log->spent_us, now_us) + line_us - now_us > RP_WORKER_LOG_BURST * line_us)
    return FALSE;
  log->spent_us = MAX (log->spent_us, now_us) + line_us;
  return TRUE;
}

static void
end_line (RpWorkerLog *log)
{
  log->cut = FALSE;
  if (log->line->len == 0)
    return;
  if (!may_say (log)) {
    log->dropped++;
  } else {
    g_autofree char *valid = g_utf8_make_valid (log->line->str, (gssize) log->line->len);
    g_autofree char *text = rp_log_redact (valid);
    rp_log_warning ("workers", "a worker says", RP_LOG_STR ("text", text),
                    log->dropped > 0 ? RP_LOG_INT ("dropped_before", log->dropped)
                                     : RP_LOG_STR ("dropped_before", NULL));
    log->dropped = 0;
  }
  g_string_truncate (log->line, 0);
}

static void
take (RpWorkerLog *log, const char *bytes, gsize len)
{
  for (gsize i = 0; i < len; i++) {
    if (bytes[i] == '\n')
      end_line (log);
    else if (log->line->len < MAX_LINE_BYTES && !log->cut)
      g_string_append_c (log->line, bytes[i] != '\0' ? bytes[i] : ' ');
    else
      log->cut = TRUE;
  }
}

/* Returns: FALSE when nobody can write any more. */
static gboolean
read_all (RpWorkerLog *log)
{
  char bytes[4096];
  for (gsize total = 0; total < MAX_TURN_BYTES; total += sizeof bytes) {
    gssize n = read (log->fd, bytes, sizeof bytes);
    if (n <= 0)
      return n < 0;
    take (log, bytes, (gsize) n);
  }
  return TRUE;
}

static gboolean
on_readable (gint fd, GIOCondition condition, gpointer data)
{
  return read_all (data) ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

RpWorkerLog *
rp_worker_log_new (int *out_error_fd)
{
  int fds[2];
  if (pipe2 (fds, O_CLOEXEC | O_NONBLOCK) != 0)
    return NULL;
  RpWorkerLog *log = g_new0 (RpWorkerLog, 1);
  log->fd = fds[0];
  log->line = g_string_new (NULL);
  *out_error_fd = fds[1];
  return log;
}

void
rp_worker_log_start (RpWorkerLog *log)
{
  log->source = g_unix_fd_source_new (log->fd, G_IO_IN | G_IO_HUP);
  g_source_set_callback (log->source, G_SOURCE_FUNC (on_readable), log, NULL);
  g_source_attach (log->source, NULL);
}

void
rp_worker_log_free (RpWorkerLog *log)
{
  if (log == NULL)
    return;
  if (log->source != NULL) {
    g_source_destroy (log->source);
    g_source_unref (log->source);
  }
  read_all (log);
  end_line (log);
  close (log->fd);
  g_string_free (log->line, TRUE);
  g_free (log);
}
