#include "dialect.h"

void
rp_dialect_free (RpDialect *dialect)
{
  if (dialect == NULL)
    return;
  RpDialectOut out;
  while (rp_dialect_poll (dialect, &out))
    g_free (out.text);
  dialect->klass->free (dialect);
}

void
rp_dialect_client (RpDialect *dialect, const char *data, gsize len)
{
  dialect->stats.client_messages++;
  dialect->klass->client (dialect, data, len);
}

void
rp_dialect_event (RpDialect *dialect, const RpWorkerEvent *event, gint64 wall_us)
{
  dialect->klass->event (dialect, event, wall_us);
}

void
rp_dialect_error (RpDialect *dialect, const char *message, gboolean fatal)
{
  dialect->klass->error (dialect, message, fatal);
}

void
rp_dialect_worker_replaced (RpDialect *dialect)
{
  dialect->klass->worker_replaced (dialect);
}

void
rp_dialect_ended (RpDialect *dialect)
{
  dialect->klass->ended (dialect);
}

gboolean
rp_dialect_poll (RpDialect *dialect, RpDialectOut *out)
{
  RpDialectOut *head = g_queue_pop_head (&dialect->out);
  if (head == NULL)
    return FALSE;
  *out = *head;
  g_free (head);
  return TRUE;
}

void
rp_dialect_stats (const RpDialect *dialect, RpDialectStats *out)
{
  *out = dialect->stats;
}

void
rp_dialect_emit (RpDialect *dialect, RpDialectOutType type, char *text)
{
  RpDialectOut *out = g_new (RpDialectOut, 1);
  *out = (RpDialectOut){.type = type, .text = text};
  g_queue_push_tail (&dialect->out, out);
}
