/* The thread that owns usrsctp. Everything below the queue at the end of this file runs on it and
 * on no other. */
#include "sctp-priv.h"

#include <errno.h>
#include <string.h>
#include <usrsctp.h>

#define LOCAL_PORT 5000
#define TIMER_US 10000 /* usrsctp's own granularity */
#define SHUTDOWN_US G_USEC_PER_SEC
/* Timers go on for so long after the last association: the library clears up behind it by them. */
#define CLEAN_UP_US (2 * G_USEC_PER_SEC)
#define READ_BYTES 65536
/* One message must fit whole, or usrsctp refuses it for good. */
#define BUFFER_BYTES (512 * 1024)

/* From section 5.4 of RFC 8831's own advice and what browsers do; times in ms. */
#define RTO_INITIAL_MS 1000
#define RTO_MIN_MS 200
/* The client may come back on another path at any time: what waits for it shall not wait for a
 * timer that has backed off to the RFC's minute. Chromium has the same. */
#define RTO_MAX_MS 3000
/* An outage of the network must not end a call: silence is judged by the session, after ten minutes
 * at most (--inactivity-timeout), which these timeouts outlast. */
#define MAX_RETRANSMISSIONS 250
#define MAX_INIT_RETRANSMISSIONS 10
#define HEARTBEAT_MS 10000
#define DELAYED_SACK_MS 20
#define INITIAL_WINDOW_MTUS 10

enum { RESET_IN = 1, RESET_OUT = 2 };

static struct {
  RpPiMutex lock;      /* see lock_engine () */
  pthread_cond_t cond; /* by the monotonic clock */
  GThread *thread;     /* NULL = not running */
  gboolean quit;
  GQueue commands; /* of RpSctpCommand */

  /* Engine thread only. */
  gboolean initialised;
  /* guint64* -> RpSctp with a reference; timers still fire for ids that are gone. */
  GHashTable *by_id;
  GQueue ready; /* RpSctp (no reference) whose sockets want service */
  GQueue dirty; /* RpSctp (no reference) with events to post to their loops */
  gint64 timer_us;
  gint64 busy_until_us;
} engine;

static void
lock_engine (void)
{
  static gsize ready = 0;

  if (g_once_init_enter (&ready)) {
    pthread_condattr_t attributes;
    pthread_condattr_init (&attributes);
    pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
    pthread_cond_init (&engine.cond, &attributes);
    pthread_condattr_destroy (&attributes);
    rp_pi_mutex_init (&engine.lock);
    g_once_init_leave (&ready, 1);
  }
  rp_pi_mutex_lock (&engine.lock);
}

/* Returns: FALSE when nobody has signalled until then. */
static gboolean
wait_until (gint64 until_us)
{
  const struct timespec until = {.tv_sec = until_us / G_USEC_PER_SEC,
                                 .tv_nsec = (until_us % G_USEC_PER_SEC) * 1000};
  return pthread_cond_timedwait (&engine.cond, &engine.lock, &until) == 0;
}

void
rp_sctp_command_free (RpSctpCommand *command)
{
  if (command->type == RP_SCTP_COMMAND_INPUT)
    g_atomic_int_add (&command->sctp->packets_to_engine, -1);
  if (command->charged)
    g_atomic_int_add (&command->sctp->send_bytes, -(gint) command->charged);
  if (command->data)
    g_bytes_unref (command->data);
  rp_sctp_unref (command->sctp);
  g_free (command);
}

static void
emit (RpSctp *sctp, RpSctpEventType type, guint16 stream, gboolean binary, const void *data,
      gsize len)
{
  RpSctpEvent *event = g_new0 (RpSctpEvent, 1);
  *event = (RpSctpEvent){.type = type, .stream = stream, .binary = binary, .len = len};
  event->data = g_malloc (len + 1);
  if (len > 0)
    memcpy (event->data, data, len);
  event->data[len] = 0;
  rp_sctp_emit (sctp, event);
  if (!sctp->queued_dirty) {
    sctp->queued_dirty = TRUE;
    g_queue_push_tail (&engine.dirty, sctp);
  }
}

static void
count_message_error (RpSctp *sctp)
{
  rp_pi_mutex_lock (&sctp->lock);
  sctp->counters.message_errors++;
  rp_pi_mutex_unlock (&sctp->lock);
}

static RpSctp *
lookup (void *address)
{
  guint64 id = (guint64) (guintptr) address;
  return g_hash_table_lookup (engine.by_id, &id);
}

static void
mark_ready (RpSctp *sctp)
{
  if (sctp->queued_ready || sctp->ended)
    return;
  sctp->queued_ready = TRUE;
  g_queue_push_tail (&engine.ready, sctp);
}

/* Called by the library from inside any call into it. */
static int
on_output (void *address, void *buffer, size_t len, uint8_t tos, uint8_t set_df)
{
  RpSctp *sctp = lookup (address);
  if (sctp)
    emit (sctp, RP_SCTP_EVENT_PACKET, 0, FALSE, buffer, len);
  return 0;
}

/* Also from inside: only remembers. */
static void
on_upcall (struct socket *socket, void *address, int flags)
{
  RpSctp *sctp = lookup (address);
  if (sctp)
    mark_ready (sctp);
}

static void
lose (RpSctp *sctp, const char *reason)
{
  if (sctp->ended)
    return;
  sctp->ended = TRUE;
  emit (sctp, RP_SCTP_EVENT_LOST, 0, sctp->up, reason, strlen (reason));
  g_queue_clear_full (&sctp->outbox, (GDestroyNotify) rp_sctp_command_free);
}

static void
init_library (void)
{
  if (engine.initialised)
    return;
  engine.initialised = TRUE;
  usrsctp_init_nothreads (0, on_output, NULL);
  usrsctp_sysctl_set_sctp_ecn_enable (0);
  usrsctp_sysctl_set_sctp_pr_enable (1);
  usrsctp_sysctl_set_sctp_asconf_enable (0);
  usrsctp_sysctl_set_sctp_auth_enable (0);
  usrsctp_sysctl_set_sctp_sendspace (BUFFER_BYTES);
  usrsctp_sysctl_set_sctp_recvspace (BUFFER_BYTES);
  usrsctp_sysctl_set_sctp_delayed_sack_time_default (DELAYED_SACK_MS);
  usrsctp_sysctl_set_sctp_rto_min_default (RTO_MIN_MS);
  usrsctp_sysctl_set_sctp_rto_initial_default (RTO_INITIAL_MS);
  usrsctp_sysctl_set_sctp_rto_max_default (RTO_MAX_MS);
  usrsctp_sysctl_set_sctp_init_rto_max_default (RTO_MAX_MS);
  usrsctp_sysctl_set_sctp_init_rtx_max_default (MAX_INIT_RETRANSMISSIONS);
  usrsctp_sysctl_set_sctp_assoc_rtx_max_default (MAX_RETRANSMISSIONS);
  usrsctp_sysctl_set_sctp_path_rtx_max_default (MAX_RETRANSMISSIONS);
  usrsctp_sysctl_set_sctp_heartbeat_interval_default (HEARTBEAT_MS);
  usrsctp_sysctl_set_sctp_initial_cwnd (INITIAL_WINDOW_MTUS);
  usrsctp_sysctl_set_sctp_max_burst_default (INITIAL_WINDOW_MTUS);
  usrsctp_sysctl_set_sctp_default_cc_module (0);
  usrsctp_sysctl_set_sctp_nr_outgoing_streams_default (RP_SCTP_STREAMS);
  usrsctp_sysctl_set_sctp_nr_incoming_streams_default (RP_SCTP_STREAMS);
}

static gboolean
set_options (struct socket *socket)
{
  static const guint16 events[] = {SCTP_ASSOC_CHANGE, SCTP_STREAM_RESET_EVENT};
  struct linger linger = {.l_onoff = 1, .l_linger = 0}; /* close is an ABORT and leaves nothing */
  struct sctp_assoc_value reset = {.assoc_id = SCTP_ALL_ASSOC,
                                   .assoc_value = SCTP_ENABLE_RESET_STREAM_REQ};
  struct sctp_initmsg init = {.sinit_num_ostreams = RP_SCTP_STREAMS,
                              .sinit_max_instreams = RP_SCTP_STREAMS};
  int on = 1;
  int size = BUFFER_BYTES;

  if (usrsctp_set_non_blocking (socket, 1) != 0 ||
      usrsctp_setsockopt (socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) != 0 ||
      usrsctp_setsockopt (socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) != 0 ||
      usrsctp_setsockopt (socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) != 0 ||
      usrsctp_setsockopt (socket, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on) != 0 ||
      usrsctp_setsockopt (socket, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on) != 0 ||
      usrsctp_setsockopt (socket, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &reset, sizeof reset) !=
          0 ||
      usrsctp_setsockopt (socket, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init) != 0)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (events); i++) {
    struct sctp_event event = {.se_assoc_id = SCTP_ALL_ASSOC, .se_type = events[i], .se_on = 1};
    if (usrsctp_setsockopt (socket, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event) != 0)
      return FALSE;
  }
  return TRUE;
}

/* Both ends bind and connect, each with its own id as the address of both (RFC 8841 section 9.3).
 */
static gboolean
connect_socket (RpSctp *sctp)
{
  struct sockaddr_conn address = {.sconn_family = AF_CONN,
                                  .sconn_port = g_htons (LOCAL_PORT),
                                  .sconn_addr = (void *) (guintptr) sctp->id};

  if (usrsctp_bind (sctp->socket, (struct sockaddr *) &address, sizeof address) != 0)
    return FALSE;
  address.sconn_port = g_htons (sctp->config.remote_port);
  if (usrsctp_connect (sctp->socket, (struct sockaddr *) &address, sizeof address) != 0 &&
      errno != EINPROGRESS)
    return FALSE;
  /* There is no path MTU discovery in the library. */
  struct sctp_paddrparams params = {.spp_flags = SPP_PMTUD_DISABLE | SPP_HB_ENABLE,
                                    .spp_hbinterval = HEARTBEAT_MS,
                                    .spp_pathmtu = RP_SCTP_PATH_MTU};
  memcpy (&params.spp_address, &address, sizeof address);
  usrsctp_setsockopt (sctp->socket, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, sizeof params);
  return TRUE;
}

static void
do_connect (RpSctp *sctp)
{
  do
    sctp->id = (guint64) g_random_int () << 32 | g_random_int ();
  while (sctp->id == 0 || g_hash_table_contains (engine.by_id, &sctp->id));
  g_hash_table_insert (engine.by_id, &sctp->id, rp_sctp_ref (sctp));
  usrsctp_register_address ((void *) (guintptr) sctp->id);
  sctp->socket = usrsctp_socket (AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
  if (!sctp->socket || !set_options (sctp->socket)) {
    lose (sctp, "no SCTP socket");
    return;
  }
  usrsctp_set_upcall (sctp->socket, on_upcall, (void *) (guintptr) sctp->id);
  if (!connect_socket (sctp))
    lose (sctp, "SCTP does not connect");
}

static void
do_close (RpSctp *sctp)
{
  if (sctp->id == 0 || lookup ((void *) (guintptr) sctp->id) != sctp)
    return;
  sctp->ended = TRUE;
  if (sctp->queued_ready)
    g_queue_remove (&engine.ready, sctp);
  sctp->queued_ready = FALSE;
  if (sctp->socket) {
    usrsctp_set_upcall (sctp->socket, NULL, NULL);
    usrsctp_close (sctp->socket);
    sctp->socket = NULL;
  }
  usrsctp_deregister_address ((void *) (guintptr) sctp->id);
  if (sctp->queued_dirty)
    g_queue_remove (&engine.dirty, sctp);
  sctp->queued_dirty = FALSE;
  g_queue_clear_full (&sctp->outbox, (GDestroyNotify) rp_sctp_command_free);
  g_hash_table_remove (engine.by_id, &sctp->id);
}

/* TRUE when the item is done with, FALSE when it must be tried again later. */
static gboolean
send_message (RpSctp *sctp, const RpSctpCommand *item)
{
  struct sctp_sndinfo info = {.snd_sid = item->stream, .snd_ppid = g_htonl (item->ppid)};
  gsize len = 0;
  const void *data = g_bytes_get_data (item->data, &len);
  guint8 state = sctp->states[item->stream];

  if (item->stream >= sctp->outbound_streams ||
      (state != RP_SCTP_CHANNEL_OPEN && state != RP_SCTP_CHANNEL_OPENING)) {
    count_message_error (sctp);
    return TRUE;
  }
  if (usrsctp_sendv (sctp->socket, data, len, NULL, 0, &info, sizeof info, SCTP_SENDV_SNDINFO, 0) >=
      0)
    return TRUE;
  if (errno == EAGAIN || errno == EWOULDBLOCK)
    return FALSE;
  count_message_error (sctp);
  return TRUE;
}

static void
channel_reset (RpSctp *sctp, guint16 stream, guint8 half)
{
  if (sctp->states[stream] == RP_SCTP_CHANNEL_NONE)
    return;
  sctp->resets[stream] |= half;
  if (sctp->resets[stream] != (RESET_IN | RESET_OUT))
    return;
  sctp->resets[stream] = 0;
  sctp->states[stream] = RP_SCTP_CHANNEL_NONE;
  emit (sctp, RP_SCTP_EVENT_FREE, stream, FALSE, NULL, 0);
}

/* Our half of a channel. The other side answers with its own. */
static gboolean
send_reset (RpSctp *sctp, guint16 stream)
{
  guint8 buffer[sizeof (struct sctp_reset_streams) + sizeof (guint16)] = {0};
  struct sctp_reset_streams request = {.srs_flags = SCTP_STREAM_RESET_OUTGOING,
                                       .srs_number_streams = 1};

  memcpy (buffer, &request, sizeof request);
  memcpy (buffer + G_STRUCT_OFFSET (struct sctp_reset_streams, srs_stream_list), &stream,
          sizeof stream);
  if (usrsctp_setsockopt (sctp->socket, IPPROTO_SCTP, SCTP_RESET_STREAMS, buffer, sizeof buffer) ==
      0)
    return TRUE;
  if (errno == EAGAIN || errno == EALREADY || errno == EBUSY)
    return FALSE; /* one at a time */
  /* The peer cannot reset streams: nothing will come back either. */
  emit (sctp, RP_SCTP_EVENT_CLOSED, stream, FALSE, NULL, 0);
  channel_reset (sctp, stream, RESET_IN | RESET_OUT);
  return TRUE;
}

static void
flush_outbox (RpSctp *sctp)
{
  RpSctpCommand *item;

  while (sctp->up && !sctp->ended && (item = g_queue_peek_head (&sctp->outbox))) {
    gboolean done = item->type == RP_SCTP_COMMAND_RESET ? send_reset (sctp, item->stream)
                                                        : send_message (sctp, item);
    if (!done)
      return;
    rp_sctp_command_free (g_queue_pop_head (&sctp->outbox));
  }
}

static void
queue_out (RpSctp *sctp, RpSctpCommandType type, guint16 stream, guint32 ppid, GBytes *data)
{
  RpSctpCommand *item = g_new0 (RpSctpCommand, 1);
  *item = (RpSctpCommand){
      .type = type, .sctp = rp_sctp_ref (sctp), .stream = stream, .ppid = ppid, .data = data};
  g_queue_push_tail (&sctp->outbox, item);
}

static void
begin_close (RpSctp *sctp, guint16 stream)
{
  sctp->states[stream] = RP_SCTP_CHANNEL_CLOSING;
  queue_out (sctp, RP_SCTP_COMMAND_RESET, stream, 0, NULL);
}

static void
emit_open (RpSctp *sctp, guint16 stream, const char *label, const char *protocol)
{
  gsize label_len = strlen (label) + 1;
  gsize len = label_len + strlen (protocol);
  g_autofree char *both = g_malloc (len + 1);
  strcpy (both, label);
  strcpy (both + label_len, protocol);
  emit (sctp, RP_SCTP_EVENT_OPEN, stream, FALSE, both, len);
}

static void
on_dcep (RpSctp *sctp, guint16 stream)
{
  RpDcepMessage message;

  if (!rp_dcep_parse (sctp->partial->data, sctp->partial->len, &message, NULL)) {
    count_message_error (sctp);
    return;
  }
  if (message.type == RP_DCEP_ACK) {
    if (sctp->states[stream] != RP_SCTP_CHANNEL_OPENING)
      return;
    sctp->states[stream] = RP_SCTP_CHANNEL_OPEN;
    emit_open (sctp, stream, sctp->labels[stream], sctp->protocols[stream]);
    return;
  }
  if (sctp->states[stream] != RP_SCTP_CHANNEL_NONE || sctp->opens >= RP_SCTP_MAX_OPENS) {
    count_message_error (sctp);
    return;
  }
  sctp->opens++;
  RpDcepMessage ack = {.type = RP_DCEP_ACK};
  guint8 bytes[RP_DCEP_MAX_BYTES];
  gsize len = rp_dcep_write (&ack, bytes, sizeof bytes);
  sctp->states[stream] = RP_SCTP_CHANNEL_OPEN;
  queue_out (sctp, RP_SCTP_COMMAND_SEND, stream, RP_PPID_DCEP, g_bytes_new (bytes, len));
  emit_open (sctp, stream, message.label, message.protocol);
}

/* A whole message is in partial. */
static void
on_message (RpSctp *sctp, guint16 stream, guint32 ppid)
{
  if (ppid == RP_PPID_DCEP) {
    on_dcep (sctp, stream);
    return;
  }
  gboolean text = rp_ppid_is_string (ppid);
  if ((!text && !rp_ppid_is_binary (ppid)) || (sctp->states[stream] != RP_SCTP_CHANNEL_OPEN &&
                                               sctp->states[stream] != RP_SCTP_CHANNEL_OPENING)) {
    count_message_error (sctp);
    return;
  }
  gsize len = rp_ppid_is_empty (ppid) ? 0 : sctp->partial->len;
  emit (sctp, RP_SCTP_EVENT_MESSAGE, stream, !text, sctp->partial->data, len);
}

static void
on_data (RpSctp *sctp, const struct sctp_rcvinfo *info, const guint8 *data, gsize len,
         gboolean complete)
{
  guint16 stream = info->rcv_sid;
  guint32 ppid = g_ntohl (info->rcv_ppid);

  if (stream >= RP_SCTP_STREAMS) {
    count_message_error (sctp);
    return;
  }
  if (sctp->partial->len > 0 && (stream != sctp->partial_stream || ppid != sctp->partial_ppid)) {
    /* The library does not interleave; were it to, half a message is none. */
    count_message_error (sctp);
    g_byte_array_set_size (sctp->partial, 0);
  }
  sctp->partial_stream = stream;
  sctp->partial_ppid = ppid;
  if (sctp->partial->len + len > sctp->config.max_receive_bytes)
    sctp->partial_too_long = TRUE;
  if (!sctp->partial_too_long)
    g_byte_array_append (sctp->partial, data, (guint) len);
  if (!complete)
    return;
  if (!sctp->partial_too_long) {
    on_message (sctp, stream, ppid);
  } else {
    count_message_error (sctp);
    if (sctp->states[stream] == RP_SCTP_CHANNEL_OPEN ||
        sctp->states[stream] == RP_SCTP_CHANNEL_OPENING) {
      begin_close (sctp, stream);
      emit (sctp, RP_SCTP_EVENT_CLOSED, stream, FALSE, NULL, 0);
    }
  }
  sctp->partial_too_long = FALSE;
  g_byte_array_set_size (sctp->partial, 0);
}

static void
on_assoc_change (RpSctp *sctp, const struct sctp_assoc_change *change)
{
  switch (change->sac_state) {
  case SCTP_COMM_UP:
    sctp->up = TRUE;
    sctp->outbound_streams = MIN (change->sac_outbound_streams, RP_SCTP_STREAMS);
    break;
  case SCTP_CANT_STR_ASSOC:
    lose (sctp, "the peer's SCTP does not answer");
    break;
  case SCTP_COMM_LOST:
    lose (sctp, "SCTP association aborted or lost");
    break;
  case SCTP_SHUTDOWN_COMP:
    lose (sctp, "SCTP association shut down by the peer");
    break;
  default:
    break;
  }
}

static void
on_stream_reset (RpSctp *sctp, const struct sctp_stream_reset_event *event, gsize len)
{
  gsize n = (len - sizeof *event) / sizeof event->strreset_stream_list[0];

  if (event->strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED))
    return; /* our timer or the peer's tries again */
  for (gsize i = 0; i < n; i++) {
    guint16 stream = event->strreset_stream_list[i];
    if (stream >= RP_SCTP_STREAMS || sctp->states[stream] == RP_SCTP_CHANNEL_NONE)
      continue;
    if (event->strreset_flags & SCTP_STREAM_RESET_OUTGOING_SSN)
      channel_reset (sctp, stream, RESET_OUT);
    if (event->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN) {
      if (!(sctp->resets[stream] & RESET_IN))
        emit (sctp, RP_SCTP_EVENT_CLOSED, stream, FALSE, NULL, 0);
      if (sctp->states[stream] != RP_SCTP_CHANNEL_CLOSING)
        begin_close (sctp, stream);
      channel_reset (sctp, stream, RESET_IN);
    }
  }
}

static void
on_notification (RpSctp *sctp, const guint8 *data, gsize len, gboolean complete)
{
  union sctp_notification notification;
  guint8 aligned[sizeof (notification) + RP_SCTP_STREAMS * 2] __attribute__ ((aligned (8)));

  /* Notifications are delivered in parts, too, when they do not fit; ours always do. */
  if (!complete || len < sizeof notification.sn_header || len > sizeof aligned)
    return;
  memcpy (aligned, data, len);
  const union sctp_notification *n = (const union sctp_notification *) aligned;
  if (n->sn_header.sn_type == SCTP_ASSOC_CHANGE && len >= sizeof (struct sctp_assoc_change))
    on_assoc_change (sctp, &n->sn_assoc_change);
  else if (n->sn_header.sn_type == SCTP_STREAM_RESET_EVENT &&
           len >= sizeof (struct sctp_stream_reset_event))
    on_stream_reset (sctp, &n->sn_strreset_event, len);
}

static void
read_socket (RpSctp *sctp)
{
  static guint8 buffer[READ_BYTES]; /* one thread */

  while (!sctp->ended) {
    sctp->stalled = rp_sctp_receive_stalled (sctp);
    if (sctp->stalled)
      return;
    struct sctp_rcvinfo info = {0};
    struct sockaddr_conn from;
    socklen_t from_len = sizeof from;
    socklen_t info_len = sizeof info;
    unsigned int info_type = 0;
    int flags = 0;
    ssize_t n = usrsctp_recvv (sctp->socket, buffer, sizeof buffer, (struct sockaddr *) &from,
                               &from_len, &info, &info_len, &info_type, &flags);
    if (n < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ENOTCONN)
        lose (sctp, g_strerror (errno));
      return;
    }
    if (flags & MSG_NOTIFICATION)
      on_notification (sctp, buffer, (gsize) n, flags & MSG_EOR);
    else if (n == 0)
      lose (sctp, "SCTP association shut down by the peer");
    else if (info_type == SCTP_RECVV_RCVINFO)
      on_data (sctp, &info, buffer, (gsize) n, flags & MSG_EOR);
  }
}

static void
serve (RpSctp *sctp)
{
  if (sctp->ended || !sctp->socket)
    return;
  read_socket (sctp);
  flush_outbox (sctp);
}

static void
do_open (RpSctp *sctp, RpSctpCommand *command)
{
  RpDcepMessage open;
  gsize len = 0;
  const guint8 *data = g_bytes_get_data (command->data, &len);

  if (sctp->states[command->stream] != RP_SCTP_CHANNEL_NONE ||
      !rp_dcep_parse (data, len, &open, NULL)) {
    /* The peer took a stream of ours meanwhile. */
    emit (sctp, RP_SCTP_EVENT_CLOSED, command->stream, FALSE, NULL, 0);
    rp_sctp_command_free (command);
    return;
  }
  sctp->states[command->stream] = RP_SCTP_CHANNEL_OPENING;
  g_free (sctp->labels[command->stream]);
  g_free (sctp->protocols[command->stream]);
  sctp->labels[command->stream] = g_strdup (open.label);
  sctp->protocols[command->stream] = g_strdup (open.protocol);
  g_queue_push_tail (&sctp->outbox, command);
  flush_outbox (sctp);
}

/* command: transfer full. */
static void
execute (RpSctpCommand *command)
{
  RpSctp *sctp = command->sctp;

  if (sctp->ended && command->type != RP_SCTP_COMMAND_CLOSE) {
    rp_sctp_command_free (command);
    return;
  }
  switch (command->type) {
  case RP_SCTP_COMMAND_CONNECT:
    do_connect (sctp);
    break;
  case RP_SCTP_COMMAND_INPUT: {
    gsize len = 0;
    const void *data = g_bytes_get_data (command->data, &len);
    usrsctp_conninput ((void *) (guintptr) sctp->id, data, len, 0);
    break;
  }
  case RP_SCTP_COMMAND_OPEN:
    do_open (sctp, command);
    return;
  case RP_SCTP_COMMAND_SEND:
    g_queue_push_tail (&sctp->outbox, command);
    flush_outbox (sctp);
    return;
  case RP_SCTP_COMMAND_RESET:
    if (sctp->states[command->stream] == RP_SCTP_CHANNEL_OPEN ||
        sctp->states[command->stream] == RP_SCTP_CHANNEL_OPENING)
      begin_close (sctp, command->stream);
    flush_outbox (sctp);
    break;
  case RP_SCTP_COMMAND_CLOSE:
    do_close (sctp);
    break;
  }
  rp_sctp_command_free (command);
}

static void
serve_ready (void)
{
  RpSctp *sctp;
  while ((sctp = g_queue_pop_head (&engine.ready))) {
    sctp->queued_ready = FALSE;
    serve (sctp);
  }
}

static void
run_timers (gint64 now_us)
{
  gint64 elapsed_us = now_us - engine.timer_us;
  GHashTableIter iter;
  gpointer value;

  if (elapsed_us < TIMER_US)
    return;
  usrsctp_handle_timers ((uint32_t) MIN (elapsed_us / 1000, G_MAXINT32));
  engine.timer_us += elapsed_us / 1000 * 1000;
  /* What waited for room on either side. */
  g_hash_table_iter_init (&iter, engine.by_id);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    RpSctp *sctp = value;
    if (sctp->stalled || !g_queue_is_empty (&sctp->outbox))
      mark_ready (sctp);
  }
}

/* A loop whose queue is full gets its events when the next timer is due. */
static void
post_events (void)
{
  for (guint n = g_queue_get_length (&engine.dirty); n > 0; n--) {
    RpSctp *sctp = g_queue_pop_head (&engine.dirty);
    sctp->queued_dirty = !rp_sctp_post_flush (sctp);
    if (sctp->queued_dirty)
      g_queue_push_tail (&engine.dirty, sctp);
  }
}

/* Waits for commands, but not beyond the next timer while there is anything to time. Returns FALSE
 * to end. */
static gboolean
take_commands (GQueue *out)
{
  gint64 now_us = g_get_monotonic_time ();
  if (g_hash_table_size (engine.by_id) > 0)
    engine.busy_until_us = now_us + CLEAN_UP_US;
  gboolean idle = now_us >= engine.busy_until_us;

  lock_engine ();
  while (g_queue_is_empty (&engine.commands) && !engine.quit) {
    if (idle)
      pthread_cond_wait (&engine.cond, &engine.lock);
    else if (!wait_until (engine.timer_us + TIMER_US))
      break;
  }
  *out = engine.commands;
  g_queue_init (&engine.commands);
  gboolean quit = engine.quit && g_queue_is_empty (out);
  rp_pi_mutex_unlock (&engine.lock);
  if (idle)
    engine.timer_us = g_get_monotonic_time ();
  return !quit;
}

static void
finish_library (void)
{
  gint64 deadline_us = g_get_monotonic_time () + SHUTDOWN_US;
  while (usrsctp_finish () != 0) {
    if (g_get_monotonic_time () > deadline_us)
      return;
    usrsctp_handle_timers (TIMER_US / 1000);
    g_usleep (1000);
  }
  engine.initialised = FALSE;
}

static gpointer
engine_thread (gpointer data)
{
  GQueue commands;

  init_library ();
  engine.by_id =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, (GDestroyNotify) rp_sctp_unref);
  engine.timer_us = g_get_monotonic_time ();
  while (take_commands (&commands)) {
    RpSctpCommand *command;
    while ((command = g_queue_pop_head (&commands)))
      execute (command);
    serve_ready ();
    run_timers (g_get_monotonic_time ());
    serve_ready ();
    post_events ();
  }
  gboolean clean = g_hash_table_size (engine.by_id) == 0;
  if (clean)
    finish_library ();
  g_clear_pointer (&engine.by_id, g_hash_table_unref);
  return GINT_TO_POINTER (clean && !engine.initialised);
}

gboolean
rp_sctp_engine_start (GError **error)
{
  lock_engine ();
  if (!engine.thread) {
    engine.quit = FALSE;
    engine.thread = g_thread_try_new ("sctp", engine_thread, NULL, error);
  }
  gboolean running = engine.thread != NULL;
  rp_pi_mutex_unlock (&engine.lock);
  return running;
}

void
rp_sctp_engine_push (RpSctpCommand *command)
{
  lock_engine ();
  g_queue_push_tail (&engine.commands, command);
  pthread_cond_signal (&engine.cond);
  rp_pi_mutex_unlock (&engine.lock);
}

gboolean
rp_sctp_shutdown (void)
{
  lock_engine ();
  GThread *thread = g_steal_pointer (&engine.thread);
  engine.quit = TRUE;
  pthread_cond_signal (&engine.cond);
  rp_pi_mutex_unlock (&engine.lock);
  return !thread || GPOINTER_TO_INT (g_thread_join (thread));
}
