#include "log.h"

#include "json.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Of one field. */
#define MAX_STRING_BYTES 1024

static struct {
  GMutex lock;
  GCond wake;
  GQueue queue; /* of char *, each one line */
  GThread *writer;
  gboolean stopping;
  guint64 dropped;
  guint64 dropped_told;
  RpLogConfig config;
} logger = {.config = {.level = RP_LOG_LEVEL_INFO, .fd = STDERR_FILENO}};

static const char *const level_names[] = {"error", "warning", "info", "debug"};

const char *
rp_log_level_name (RpLogLevel level)
{
  return level_names[level];
}

gboolean
rp_log_level_parse (const char *text, RpLogLevel *out)
{
  for (guint i = 0; i < G_N_ELEMENTS (level_names); i++)
    if (g_str_equal (text, level_names[i])) {
      *out = (RpLogLevel) i;
      return TRUE;
    }
  return FALSE;
}

gboolean
rp_log_enabled (RpLogLevel level)
{
  return level <= logger.config.level;
}

gboolean
rp_log_pii (void)
{
  return logger.config.pii;
}

guint64
rp_log_dropped (void)
{
  g_mutex_lock (&logger.lock);
  guint64 dropped = logger.dropped;
  g_mutex_unlock (&logger.lock);
  return dropped;
}

char *
rp_log_redact (const char *text)
{
  if (logger.config.pii)
    return g_strdup (text);
  GString *out = g_string_new (NULL);
  char end = '\0'; /* of what is being passed over */
  for (const char *c = text; *c != '\0'; c++) {
    if (end != '\0') {
      end = *c == end ? '\0' : end;
    } else if (*c == '"' || *c == '`') {
      end = *c == '`' ? '\'' : '"';
      g_string_append (out, "\"…\"");
    } else {
      g_string_append_c (out, *c);
    }
  }
  return g_string_free (out, FALSE);
}

static void
write_all (const char *text)
{
  gsize left = strlen (text);
  while (left > 0) {
    gssize n = write (logger.config.fd, text, left);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return; /* nobody reads any more: there is nowhere to complain */
    text += n;
    left -= (gsize) n;
  }
}

/* Text of a plain record: one line, whatever the value is. */
static void
append_plain (GString *out, const char *value)
{
  gboolean quote = *value == '\0' || strpbrk (value, " \"\\=") != NULL;
  /* Terminals obey U+0080 to U+009F as well. */
  for (const char *c = value; *c != '\0' && !quote; c++)
    quote = (guchar) *c < 0x20 || *c == 0x7f || ((guchar) *c == 0xc2 && (guchar) c[1] < 0xa0);
  if (quote)
    rp_json_append_string (out, value);
  else
    g_string_append (out, value);
}

static void
append_field (GString *out, const RpLogField *field)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];
  g_autofree char *text = NULL;
  if (field->type == RP_LOG_FIELD_STRING && field->string == NULL)
    return;
  if (field->type == RP_LOG_FIELD_STRING)
    text = g_strndup (field->string, MAX_STRING_BYTES);
  g_string_append (out, logger.config.json ? ",\"" : " ");
  g_string_append_printf (out, logger.config.json ? "%s\":" : "%s=", field->key);
  switch (field->type) {
  case RP_LOG_FIELD_STRING:
    if (logger.config.json)
      rp_json_append_string (out, text);
    else
      append_plain (out, text);
    break;
  case RP_LOG_FIELD_INT:
    g_string_append_printf (out, "%" G_GINT64_FORMAT, field->integer);
    break;
  case RP_LOG_FIELD_DOUBLE:
    g_ascii_formatd (number, sizeof number, "%.3f", field->number);
    g_string_append (out, number);
    break;
  }
}

static char *
format (RpLogLevel level, const char *topic, const char *message, const RpLogField *fields,
        gsize n_fields)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *stamp = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S");
  GString *out = g_string_sized_new (200);
  int ms = g_date_time_get_microsecond (now) / 1000;
  if (logger.config.json) {
    g_string_append_printf (out, "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"topic\":\"%s\",", stamp,
                            ms, level_names[level], topic);
    g_string_append (out, "\"message\":");
    rp_json_append_string (out, message);
  } else {
    g_string_append_printf (out, "%s.%03dZ %-7s %s: %s", stamp, ms, level_names[level], topic,
                            message);
  }
  for (gsize i = 0; i < n_fields; i++)
    if (fields[i].key != NULL && out->len < RP_LOG_MAX_BYTES)
      append_field (out, &fields[i]);
  g_string_append (out, logger.config.json ? "}\n" : "\n");
  return g_string_free (out, FALSE);
}

static gpointer
writer_main (gpointer data)
{
  g_mutex_lock (&logger.lock);
  for (;;) {
    while (g_queue_is_empty (&logger.queue) && !logger.stopping)
      g_cond_wait (&logger.wake, &logger.lock);
    g_autofree char *line = g_queue_pop_head (&logger.queue);
    guint64 dropped = logger.dropped - logger.dropped_told;
    logger.dropped_told = logger.dropped;
    if (line == NULL && dropped == 0)
      break;
    g_mutex_unlock (&logger.lock);
    if (dropped > 0) {
      const RpLogField field = RP_LOG_INT ("records", dropped);
      g_autofree char *note =
          format (RP_LOG_LEVEL_WARNING, "log", "records were dropped", &field, 1);
      write_all (note);
    }
    if (line != NULL)
      write_all (line);
    g_mutex_lock (&logger.lock);
  }
  g_mutex_unlock (&logger.lock);
  return NULL;
}

void
rp_log_write (RpLogLevel level, const char *topic, const char *message, const RpLogField *fields,
              gsize n_fields)
{
  g_autofree char *line = format (level, topic, message, fields, n_fields);
  g_mutex_lock (&logger.lock);
  if (logger.writer == NULL) {
    write_all (line);
  } else if (g_queue_get_length (&logger.queue) < RP_LOG_QUEUE_MAX) {
    g_queue_push_tail (&logger.queue, g_steal_pointer (&line));
    g_cond_signal (&logger.wake);
  } else {
    logger.dropped++;
  }
  g_mutex_unlock (&logger.lock);
}

static RpLogLevel
level_of (GLogLevelFlags flags)
{
  if (flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
    return RP_LOG_LEVEL_ERROR;
  if (flags & G_LOG_LEVEL_WARNING)
    return RP_LOG_LEVEL_WARNING;
  return RP_LOG_LEVEL_DEBUG;
}

/* GLib's own messages. Only warnings and worse: what libraries say below that may hold addresses
 * and passwords. A fatal one is written at once: the process is about to end. */
static GLogWriterOutput
glib_writer (GLogLevelFlags flags, const GLogField *fields, gsize n_fields, gpointer data)
{
  if (flags & G_LOG_FLAG_FATAL)
    return g_log_writer_standard_streams (flags, fields, n_fields, NULL);
  RpLogLevel level = level_of (flags);
  if (level == RP_LOG_LEVEL_DEBUG || !rp_log_enabled (level))
    return G_LOG_WRITER_HANDLED;
  const char *message = NULL;
  const char *domain = NULL;
  for (gsize i = 0; i < n_fields; i++) {
    if (g_str_equal (fields[i].key, "MESSAGE"))
      message = fields[i].value;
    else if (g_str_equal (fields[i].key, "GLIB_DOMAIN"))
      domain = fields[i].value;
  }
  rp_log (level, "library", "message of a library", RP_LOG_STR ("domain", domain),
          RP_LOG_STR ("text", message));
  return G_LOG_WRITER_HANDLED;
}

void
rp_log_configure (const RpLogConfig *config)
{
  g_return_if_fail (logger.writer == NULL);
  logger.config = *config;
}

void
rp_log_start (const RpLogConfig *config)
{
  rp_log_configure (config);
  logger.stopping = FALSE;
  logger.writer = g_thread_new ("log", writer_main, NULL);
  static gsize once = 0;
  if (g_once_init_enter (&once)) {
    g_log_set_writer_func (glib_writer, NULL, NULL);
    g_once_init_leave (&once, 1);
  }
}

void
rp_log_stop (void)
{
  if (logger.writer == NULL)
    return;
  g_mutex_lock (&logger.lock);
  logger.stopping = TRUE;
  g_cond_signal (&logger.wake);
  g_mutex_unlock (&logger.lock);
  g_thread_join (logger.writer);
  g_mutex_lock (&logger.lock);
  logger.writer = NULL;
  g_mutex_unlock (&logger.lock);
}
