#include "journal.h"

#include <errno.h>
#include <gio/gio.h>
#include <stdio.h>

struct _RpCallJournal {
  GMutex lock;
  FILE *file; /* (nullable) */
  gint64 start_us;
};

RpCallJournal *
rp_call_journal_new (const char *path, GError **error)
{
  FILE *file = NULL;

  if (path && !(file = fopen (path, "we"))) {
    int saved = errno;
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (saved), "%s: %s", path,
                 g_strerror (saved));
    return NULL;
  }
  RpCallJournal *journal = g_new0 (RpCallJournal, 1);
  g_mutex_init (&journal->lock);
  journal->file = file;
  return journal;
}

void
rp_call_journal_free (RpCallJournal *journal)
{
  if (!journal)
    return;
  if (journal->file)
    fclose (journal->file);
  g_mutex_clear (&journal->lock);
  g_free (journal);
}

void
rp_call_journal_start (RpCallJournal *journal, gint64 start_us)
{
  journal->start_us = start_us;
}

void
rp_call_journal_add (RpCallJournal *journal, gint64 now_us, const char *event, const char *format,
                     ...)
{
  if (!journal->file)
    return;
  g_mutex_lock (&journal->lock);
  fprintf (journal->file, "{\"t_ms\":%.1f,\"event\":\"%s\"",
           (double) (now_us - journal->start_us) / 1000, event);
  if (format) {
    va_list args;
    fputc (',', journal->file);
    va_start (args, format);
    vfprintf (journal->file, format, args);
    va_end (args);
  }
  fputs ("}\n", journal->file);
  fflush (journal->file);
  g_mutex_unlock (&journal->lock);
}
