#include "sctp-priv.h"

#include <string.h>

G_DEFINE_QUARK (rp - sctp - error - quark, rp_sctp_error)

void
rp_sctp_event_free (RpSctpEvent *event)
{
  g_free (event->data);
  g_free (event);
}

RpSctp *
rp_sctp_ref (RpSctp *sctp)
{
  g_atomic_ref_count_inc (&sctp->refs);
  return sctp;
}

void
rp_sctp_unref (RpSctp *sctp)
{
  if (!g_atomic_ref_count_dec (&sctp->refs))
    return;
  g_queue_clear_full (&sctp->to_loop, (GDestroyNotify) rp_sctp_event_free);
  g_queue_clear_full (&sctp->outbox, (GDestroyNotify) rp_sctp_command_free);
  for (guint i = 0; i < RP_SCTP_STREAMS; i++) {
    g_free (sctp->labels[i]);
    g_free (sctp->protocols[i]);
  }
  g_byte_array_unref (sctp->partial);
  rp_pi_mutex_clear (&sctp->lock);
  g_free (sctp);
}

static void
push (RpSctp *sctp, RpSctpCommandType type, guint16 stream, guint32 ppid, GBytes *data,
      gsize charged)
{
  RpSctpCommand *command = g_new0 (RpSctpCommand, 1);
  *command = (RpSctpCommand){.type = type,
                             .sctp = rp_sctp_ref (sctp),
                             .stream = stream,
                             .ppid = ppid,
                             .data = data,
                             .charged = charged};
  rp_sctp_engine_push (command);
}

gboolean
rp_sctp_init (GError **error)
{
  return rp_sctp_engine_start (error);
}

RpSctp *
rp_sctp_new (RpLoop *loop, const RpSctpConfig *config, const RpSctpEvents *events,
             gpointer user_data, GError **error)
{
  rp_loop_assert_owner (loop);
  if (!rp_sctp_engine_start (error))
    return NULL;
  RpSctp *sctp = g_new0 (RpSctp, 1);
  g_atomic_ref_count_init (&sctp->refs);
  rp_pi_mutex_init (&sctp->lock);
  g_queue_init (&sctp->to_loop);
  g_queue_init (&sctp->outbox);
  sctp->partial = g_byte_array_new ();
  sctp->config = *config;
  sctp->events = *events;
  sctp->user_data = user_data;
  sctp->loop = loop;
  push (sctp, RP_SCTP_COMMAND_CONNECT, 0, 0, NULL, 0);
  return sctp;
}

void
rp_sctp_free (RpSctp *sctp)
{
  if (!sctp)
    return;
  sctp->closed = TRUE;
  rp_pi_mutex_lock (&sctp->lock);
  sctp->loop = NULL;
  rp_pi_mutex_unlock (&sctp->lock);
  push (sctp, RP_SCTP_COMMAND_CLOSE, 0, 0, NULL, 0);
  rp_sctp_unref (sctp);
}

void
rp_sctp_input (RpSctp *sctp, const guint8 *data, gsize len)
{
  if (sctp->lost || len == 0)
    return;
  if (g_atomic_int_add (&sctp->packets_to_engine, 1) >= RP_SCTP_PACKETS_MAX) {
    g_atomic_int_add (&sctp->packets_to_engine, -1);
    g_atomic_int_inc (&sctp->packets_dropped);
    return;
  }
  push (sctp, RP_SCTP_COMMAND_INPUT, 0, 0, g_bytes_new (data, len), 0);
}

static gboolean
charge (RpSctp *sctp, gsize bytes, GError **error)
{
  if ((gsize) g_atomic_int_add (&sctp->send_bytes, (gint) bytes) + bytes <= RP_SCTP_SEND_BYTES_MAX)
    return TRUE;
  g_atomic_int_add (&sctp->send_bytes, -(gint) bytes);
  g_set_error (error, RP_SCTP_ERROR, RP_SCTP_ERROR_FULL,
               "the data channels' send queue is full (%d bytes)", RP_SCTP_SEND_BYTES_MAX);
  return FALSE;
}

gint
rp_sctp_open_channel (RpSctp *sctp, const char *label, const char *protocol, GError **error)
{
  RpDcepMessage open = {.type = RP_DCEP_OPEN, .ordered = TRUE, .priority = 256};
  guint8 bytes[RP_DCEP_MAX_BYTES];

  if (sctp->lost) {
    g_set_error_literal (error, RP_SCTP_ERROR, RP_SCTP_ERROR_STATE,
                         "the data channel association is gone");
    return -1;
  }
  if (strlen (label) > RP_DCEP_MAX_NAME_BYTES || strlen (protocol) > RP_DCEP_MAX_NAME_BYTES) {
    g_set_error (error, RP_SCTP_ERROR, RP_SCTP_ERROR_INVALID,
                 "a channel's label and protocol have at most %d bytes", RP_DCEP_MAX_NAME_BYTES);
    return -1;
  }
  guint stream = sctp->config.dtls_client ? 0 : 1;
  while (stream < RP_SCTP_STREAMS && sctp->channels[stream] != RP_SCTP_CHANNEL_NONE)
    stream += 2;
  if (stream >= RP_SCTP_STREAMS) {
    g_set_error_literal (error, RP_SCTP_ERROR, RP_SCTP_ERROR_FULL, "no free stream");
    return -1;
  }
  g_strlcpy (open.label, label, sizeof open.label);
  g_strlcpy (open.protocol, protocol, sizeof open.protocol);
  gsize len = rp_dcep_write (&open, bytes, sizeof bytes);
  gsize charged = len + RP_SCTP_MESSAGE_OVERHEAD;
  if (!charge (sctp, charged, error))
    return -1;
  sctp->channels[stream] = RP_SCTP_CHANNEL_OPENING;
  push (sctp, RP_SCTP_COMMAND_OPEN, (guint16) stream, RP_PPID_DCEP, g_bytes_new (bytes, len),
        charged);
  return (gint) stream;
}

gboolean
rp_sctp_send (RpSctp *sctp, guint16 stream, gboolean binary, const void *data, gsize len,
              GError **error)
{
  if (sctp->lost || stream >= RP_SCTP_STREAMS ||
      (sctp->channels[stream] != RP_SCTP_CHANNEL_OPEN &&
       sctp->channels[stream] != RP_SCTP_CHANNEL_OPENING)) {
    g_set_error (error, RP_SCTP_ERROR, RP_SCTP_ERROR_STATE, "data channel %u is not open", stream);
    return FALSE;
  }
  if (len > sctp->config.max_send_bytes) {
    g_set_error (error, RP_SCTP_ERROR, RP_SCTP_ERROR_INVALID,
                 "a message of %" G_GSIZE_FORMAT
                 " bytes is longer than the peer takes (%" G_GSIZE_FORMAT ")",
                 len, sctp->config.max_send_bytes);
    return FALSE;
  }
  if (!charge (sctp, len + RP_SCTP_MESSAGE_OVERHEAD, error))
    return FALSE;
  guint32 ppid = binary ? RP_PPID_BINARY : RP_PPID_STRING;
  /* SCTP has no empty messages: one byte that stands for nothing (RFC 8831 section 6.6). */
  if (len == 0)
    ppid = binary ? RP_PPID_BINARY_EMPTY : RP_PPID_STRING_EMPTY;
  push (sctp, RP_SCTP_COMMAND_SEND, stream, ppid,
        len == 0 ? g_bytes_new_static ("", 1) : g_bytes_new (data, len),
        len + RP_SCTP_MESSAGE_OVERHEAD);
  rp_pi_mutex_lock (&sctp->lock);
  sctp->counters.messages_out++;
  rp_pi_mutex_unlock (&sctp->lock);
  return TRUE;
}

void
rp_sctp_close_channel (RpSctp *sctp, guint16 stream)
{
  if (stream >= RP_SCTP_STREAMS || sctp->channels[stream] == RP_SCTP_CHANNEL_NONE ||
      sctp->channels[stream] == RP_SCTP_CHANNEL_CLOSING)
    return;
  sctp->channels[stream] = RP_SCTP_CHANNEL_CLOSING;
  push (sctp, RP_SCTP_COMMAND_RESET, stream, 0, NULL, 0);
}

void
rp_sctp_counters (const RpSctp *sctp, RpSctpCounters *out)
{
  RpSctp *self = (RpSctp *) sctp; /* only for the lock */
  rp_pi_mutex_lock (&self->lock);
  *out = self->counters;
  rp_pi_mutex_unlock (&self->lock);
  out->packets_dropped = (guint64) g_atomic_int_get (&sctp->packets_dropped);
}

static void
deliver (RpSctp *sctp, const RpSctpEvent *event)
{
  switch (event->type) {
  case RP_SCTP_EVENT_PACKET:
    sctp->events.send (event->data, event->len, sctp->user_data);
    break;
  case RP_SCTP_EVENT_OPEN: {
    const char *label = (const char *) event->data;
    if (sctp->channels[event->stream] == RP_SCTP_CHANNEL_CLOSING)
      break; /* ours, closed before the other side confirmed it */
    sctp->channels[event->stream] = RP_SCTP_CHANNEL_OPEN;
    sctp->events.channel_open (event->stream, label, label + strlen (label) + 1, sctp->user_data);
    break;
  }
  case RP_SCTP_EVENT_MESSAGE:
    if (sctp->channels[event->stream] != RP_SCTP_CHANNEL_CLOSING)
      sctp->events.message (event->stream, event->binary, event->data, event->len, sctp->user_data);
    break;
  case RP_SCTP_EVENT_CLOSED:
    sctp->channels[event->stream] = RP_SCTP_CHANNEL_CLOSING;
    sctp->events.channel_closed (event->stream, sctp->user_data);
    break;
  case RP_SCTP_EVENT_FREE:
    sctp->channels[event->stream] = RP_SCTP_CHANNEL_NONE;
    break;
  case RP_SCTP_EVENT_LOST:
    sctp->lost = TRUE;
    sctp->events.lost (event->binary, (const char *) event->data, sctp->user_data);
    break;
  }
}

static void
flush (gpointer data)
{
  RpSctp *sctp = data;

  rp_pi_mutex_lock (&sctp->lock);
  GQueue events = sctp->to_loop;
  g_queue_init (&sctp->to_loop);
  sctp->packets_to_loop = 0;
  sctp->bytes_to_loop = 0;
  sctp->flush_posted = FALSE;
  rp_pi_mutex_unlock (&sctp->lock);

  RpSctpEvent *event;
  while ((event = g_queue_pop_head (&events))) {
    if (!sctp->closed)
      deliver (sctp, event);
    rp_sctp_event_free (event);
  }
}

gboolean
rp_sctp_post_flush (RpSctp *sctp)
{
  gboolean done = TRUE;

  /* Under the lock, so that the loop cannot be freed meanwhile. */
  rp_pi_mutex_lock (&sctp->lock);
  if (sctp->loop && !sctp->flush_posted && !g_queue_is_empty (&sctp->to_loop)) {
    done = rp_loop_post (sctp->loop, flush, rp_sctp_ref (sctp), (GDestroyNotify) rp_sctp_unref);
    sctp->flush_posted = done;
    if (!done)
      g_atomic_ref_count_dec (&sctp->refs); /* never the last: the engine holds one */
  }
  rp_pi_mutex_unlock (&sctp->lock);
  return done;
}

void
rp_sctp_emit (RpSctp *sctp, RpSctpEvent *event)
{
  rp_pi_mutex_lock (&sctp->lock);
  gboolean keep = sctp->loop != NULL;
  if (keep && event->type == RP_SCTP_EVENT_PACKET) {
    keep = sctp->packets_to_loop < RP_SCTP_PACKETS_MAX;
    if (keep)
      sctp->packets_to_loop++;
    else
      g_atomic_int_inc (&sctp->packets_dropped);
  }
  if (event->type == RP_SCTP_EVENT_MESSAGE) {
    sctp->counters.messages_in++;
    sctp->bytes_to_loop += event->len + RP_SCTP_MESSAGE_OVERHEAD;
  }
  if (keep)
    g_queue_push_tail (&sctp->to_loop, event);
  rp_pi_mutex_unlock (&sctp->lock);
  if (!keep)
    rp_sctp_event_free (event);
}

gboolean
rp_sctp_receive_stalled (RpSctp *sctp)
{
  rp_pi_mutex_lock (&sctp->lock);
  gboolean stalled = sctp->bytes_to_loop >= RP_SCTP_RECEIVE_BYTES_MAX;
  rp_pi_mutex_unlock (&sctp->lock);
  return stalled;
}
