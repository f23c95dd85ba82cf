/* The caller's log of events: one JSON object per line, {"t_ms":…,"event":"…",…}, t_ms counted from
 * the offer. */
#pragma once

#include <glib.h>

typedef struct _RpCallJournal RpCallJournal;

/* path NULL: a journal that keeps nothing. */
RpCallJournal *rp_call_journal_new (const char *path, GError **error);
void rp_call_journal_free (RpCallJournal *journal);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpCallJournal, rp_call_journal_free)

/* Sets what t_ms counts from. */
void rp_call_journal_start (RpCallJournal *journal, gint64 start_us);

/* Thread: any. format makes further JSON members, such as "\"n\":%d"; NULL for none. */
void rp_call_journal_add (RpCallJournal *journal, gint64 now_us, const char *event,
                          const char *format, ...) G_GNUC_PRINTF (4, 5);
