#include "session-data.h"

#include <string.h>

struct _RpSessionData {
  RpDialect *dialect;
  RpSessionDataEvents events;
  gpointer user_data;
  gint stream; /* -1 = none open */
  gboolean is_labelled;
  GQueue waiting; /* of char * */
  gboolean pumping;
  guint64 sent;
  guint64 dropped;
  guint64 refused;
  gint64 messages_us; /* two leaky buckets, as the times when they are empty */
  gint64 bytes_us;
};

RpSessionData *
rp_session_data_new (RpDialect *dialect, const RpSessionDataEvents *events, gpointer user_data)
{
  RpSessionData *data = g_new0 (RpSessionData, 1);
  data->dialect = dialect;
  data->events = *events;
  data->user_data = user_data;
  data->stream = -1;
  g_queue_init (&data->waiting);
  return data;
}

void
rp_session_data_free (RpSessionData *data)
{
  if (data == NULL)
    return;
  rp_dialect_free (data->dialect);
  g_queue_clear_full (&data->waiting, g_free);
  g_free (data);
}

static void
send_or_drop (RpSessionData *data, const char *text)
{
  if (data->events.send ((guint16) data->stream, text, strlen (text), data->user_data))
    data->sent++;
  else
    data->dropped++;
}

/* @text: (transfer full) */
static void
to_client (RpSessionData *data, char *text)
{
  if (data->stream >= 0) {
    send_or_drop (data, text);
    g_free (text);
    return;
  }
  g_queue_push_tail (&data->waiting, text);
  if (g_queue_get_length (&data->waiting) <= RP_SESSION_DATA_MAX_QUEUE)
    return;
  g_free (g_queue_pop_head (&data->waiting));
  data->dropped++;
}

/* What an event makes happen may be another event; the outer call then carries on with it. */
static void
pump (RpSessionData *data)
{
  RpDialectOut out;
  if (data->pumping)
    return;
  data->pumping = TRUE;
  while (rp_dialect_poll (data->dialect, &out)) {
    switch (out.type) {
    case RP_DIALECT_TO_CLIENT:
      to_client (data, out.text);
      continue;
    case RP_DIALECT_TO_WORKER:
      data->events.to_worker (out.text, data->user_data);
      break;
    case RP_DIALECT_READY:
      data->events.ready (data->user_data);
      break;
    case RP_DIALECT_HANG_UP:
      data->events.hang_up (data->user_data);
      break;
    }
    g_free (out.text);
  }
  data->pumping = FALSE;
}

void
rp_session_data_channel_open (RpSessionData *data, guint16 stream, const char *label)
{
  gboolean is_labelled = g_str_equal (label, RP_SESSION_DATA_LABEL);
  if (data->stream >= 0 && (data->is_labelled || !is_labelled))
    return;
  data->stream = stream;
  data->is_labelled = is_labelled;
  char *text = NULL;
  while (data->stream >= 0 && (text = g_queue_pop_head (&data->waiting)) != NULL) {
    send_or_drop (data, text);
    g_free (text);
  }
}

void
rp_session_data_channel_closed (RpSessionData *data, guint16 stream)
{
  if (data->stream == stream)
    data->stream = -1;
}

void
rp_session_data_disconnected (RpSessionData *data)
{
  data->stream = -1;
}

static gboolean
may_say (RpSessionData *data, gsize len, gint64 now_us)
{
  gint64 messages_us = MAX (data->messages_us, now_us) + RP_SESSION_DATA_MESSAGE_US;
  gint64 bytes_us = MAX (data->bytes_us, now_us) + (gint64) len * RP_SESSION_DATA_BYTE_US;
  if (messages_us - now_us > RP_SESSION_DATA_MESSAGES * RP_SESSION_DATA_MESSAGE_US ||
      bytes_us - now_us > RP_SESSION_DATA_BYTES * (gint64) RP_SESSION_DATA_BYTE_US)
    return FALSE;
  data->messages_us = messages_us;
  data->bytes_us = bytes_us;
  return TRUE;
}

void
rp_session_data_message (RpSessionData *data, guint16 stream, const char *text, gsize len,
                         gint64 now_us)
{
  if (data->stream != stream)
    return;
  if (!may_say (data, len, now_us)) {
    data->refused++;
    return;
  }
  rp_dialect_client (data->dialect, text, len);
  pump (data);
}

void
rp_session_data_event (RpSessionData *data, const RpWorkerEvent *event, gint64 wall_us)
{
  rp_dialect_event (data->dialect, event, wall_us);
  pump (data);
}

void
rp_session_data_error (RpSessionData *data, const char *message, gboolean fatal)
{
  rp_dialect_error (data->dialect, message, fatal);
  pump (data);
}

void
rp_session_data_worker_replaced (RpSessionData *data)
{
  rp_dialect_worker_replaced (data->dialect);
  pump (data);
}

void
rp_session_data_ended (RpSessionData *data)
{
  rp_dialect_ended (data->dialect);
  pump (data);
}

void
rp_session_data_stats (const RpSessionData *data, RpSessionDataStats *out)
{
  out->sent = data->sent;
  out->dropped = data->dropped;
  out->refused = data->refused;
  rp_dialect_stats (data->dialect, &out->dialect);
}
