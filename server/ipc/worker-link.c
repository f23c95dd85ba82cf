#define _GNU_SOURCE /* pidfd, waitid on it, SO_SNDBUFFORCE */

#include "secret.h"
#include "worker-link-private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PING_INTERVAL_US (250 * G_GINT64_CONSTANT (1000))
/* Somebody looks at a link in a call with every tick, at an idle one every 250 ms. When nobody did
 * for this long, we stood still, and the worker on the same machine most likely with us: frozen,
 * paused, swapped out. It is not to blame for that time. */
#define STALL_US (500 * G_GINT64_CONSTANT (1000))
/* Frames taken from one worker in one go, so that a flood from one does not delay the others of its
 * loop: a burst of speech is some hundred frames, spread over as many ticks as it takes. */
#define MAX_FRAMES_PER_TURN 64
/* A worker that stands still gets about 20 control frames a second, so it hangs long before this.
 */
#define MAX_QUEUED_FRAMES 512
#define MAX_QUEUED_BYTES (2 * 1024 * 1024)
/* Asked of the kernel; a full second of everything both sides say, many times over. */
#define SOCKET_BUFFER_BYTES (1024 * 1024)
/* What a worker may say: this many frames of audio (three minutes of speech, and its interruptions)
 * and bytes at once, and one more in this time. All that is not audio counts as several. Who says
 * more is not having a conversation. */
#define MAX_FRAMES_AT_ONCE 12000
#define FRAME_US 500
#define CONTROL_FRAMES 6
#define MAX_BYTES_AT_ONCE (8 * 1000 * 1000)
#define BYTE_US 1
#define SMALL_PAYLOAD_BYTES RP_FRAME_AUDIO_IN_BYTES (RP_FRAME_MAX_AUDIO_SAMPLES)
#define MAX_REASON_BYTES 1024

struct _RpWorkerLink {
  int fd;
  RpWorkerProcess *process;
  guint32 pid;
  gint64 hung_timeout_us;

  RpLoop *loop; /* NULL while idle */
  guint ticker;
  gboolean is_watched;
  RpWorkerLinkEvents events;
  gpointer user_data;
  gboolean is_serving; /* inside a callback: the struct must outlive it */
  gboolean is_freed;

  RpFrameReceiver receiver;
  guint32 utterance; /* of the last AUDIO_OUT */
  guint32 next_frame;
  gboolean utterance_complete;
  gint64 frames_us; /* until when what it has said is enough */
  gint64 bytes_us;

  guint32 next_seq;
  GQueue queue; /* of GBytes: whole frames that found the socket full */
  gsize queued_bytes;
  gboolean start_sent;
  gboolean end_sent;
  gint64 end_us;
  gint64 gap_from_samples; /* -1, or where audio was dropped */

  guint32 nonce;
  gint64 next_ping_us;
  gint64 ping_us;          /* when the PING that waits for its PONG was sent; 0: none waits */
  gint64 waiting_since_us; /* since when it shows no sign of life though it was asked; 0: it did */
  gint64 looked_us;        /* somebody looked at it last */

  gboolean is_lost;
  gboolean loss_reported;
  RpWorkerLost lost_reason;
  char *lost_text;

  RpWorkerLinkStats stats;
};

const char *
rp_worker_lost_name (RpWorkerLost reason)
{
  static const char *const names[] = {"crashed", "hung", "garbage", "closed"};
  return (guint) reason < G_N_ELEMENTS (names) ? names[reason] : "unknown";
}

/* SO_SNDBUFFORCE needs CAP_NET_ADMIN; without it the kernel's own limit still holds some seconds.
 */
static void
enlarge_send_buffer (int fd)
{
  int bytes = SOCKET_BUFFER_BYTES;
  if (setsockopt (fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
    (void) setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

RpWorkerLink *
rp_worker_link_new_for_process (int fd, RpWorkerProcess *process, guint hung_timeout_ms)
{
  RpWorkerLink *link = g_new0 (RpWorkerLink, 1);
  link->fd = fd;
  link->process = rp_worker_process_ref (process);
  link->pid = process->pid;
  if (hung_timeout_ms == 0)
    hung_timeout_ms = RP_WORKER_LINK_HUNG_TIMEOUT_MS;
  link->hung_timeout_us = (gint64) hung_timeout_ms * 1000;
  link->gap_from_samples = -1;
  link->stats.pong_rtt_us = -1;
  rp_frame_receiver_init (&link->receiver, RP_FRAME_FROM_WORKER);
  g_queue_init (&link->queue);
  enlarge_send_buffer (fd);
  return link;
}

RpWorkerLink *
rp_worker_link_new (int fd, int pidfd, guint32 id, guint hung_timeout_ms)
{
  RpWorkerProcess *process = rp_worker_process_new (id, 0, pidfd, FALSE);
  RpWorkerLink *link = rp_worker_link_new_for_process (fd, process, hung_timeout_ms);
  rp_worker_process_unref (process);
  return link;
}

static void
forget_queue (RpWorkerLink *link)
{
  g_queue_clear_full (&link->queue, (GDestroyNotify) g_bytes_unref);
  link->queued_bytes = 0;
}

static void
unwatch (RpWorkerLink *link)
{
  if (link->loop != NULL && link->is_watched)
    rp_loop_unwatch_fd (link->loop, link->fd);
  link->is_watched = FALSE;
}

/* From here on the link does nothing but report this once. */
static void
lose (RpWorkerLink *link, RpWorkerLost reason, const char *text)
{
  if (link->is_lost)
    return;
  link->is_lost = TRUE;
  link->lost_reason = reason;
  link->lost_text = g_strdup_printf ("worker %u (pid %u) %s", link->process->id, link->pid, text);
  if (reason != RP_WORKER_CLOSED) {
    g_atomic_int_set (&link->process->fate, RP_WORKER_FATE_LOST);
    rp_worker_process_signal (link->process, SIGKILL);
  }
  unwatch (link);
  forget_queue (link);
}

static void
lose_broken (RpWorkerLink *link, const char *what)
{
  g_autofree char *text = g_strdup_printf ("broke the protocol: %s", what);
  lose (link, RP_WORKER_GARBAGE, text);
}

static void
report_loss (RpWorkerLink *link)
{
  if (!link->is_lost || link->loss_reported || link->is_freed)
    return;
  link->loss_reported = TRUE;
  if (link->ticker != 0) {
    rp_loop_remove_ticker (link->loop, link->ticker);
    link->ticker = 0;
  }
  if (link->events.lost != NULL)
    link->events.lost (link->lost_reason, link->lost_text, link->user_data);
}

/* Returns: whether the socket took it; FALSE also when the other end is gone, which reading finds
 * out in the right order, after the last frames. */
static gboolean
send_bytes (RpWorkerLink *link, const guint8 *bytes, gsize len, gboolean *out_full)
{
  ssize_t sent;
  do {
    sent = send (link->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  *out_full = sent < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM);
  if (sent >= 0)
    link->stats.frames_out++;
  return sent >= 0;
}

static void
want_writable (RpWorkerLink *link, gboolean writable)
{
  if (link->is_watched)
    rp_loop_watch_fd_writable (link->loop, link->fd, writable);
}

/* Returns: TRUE when nothing waits any more. */
static gboolean
flush_queue (RpWorkerLink *link)
{
  if (g_queue_is_empty (&link->queue))
    return TRUE;
  GBytes *frame;
  while ((frame = g_queue_peek_head (&link->queue)) != NULL) {
    gsize len = 0;
    const guint8 *bytes = g_bytes_get_data (frame, &len);
    gboolean full = FALSE;
    if (!send_bytes (link, bytes, len, &full) && full)
      return FALSE;
    link->queued_bytes -= len;
    g_bytes_unref (g_queue_pop_head (&link->queue));
  }
  want_writable (link, FALSE);
  return TRUE;
}

static void
enqueue (RpWorkerLink *link, const guint8 *bytes, gsize len)
{
  if (link->queue.length >= MAX_QUEUED_FRAMES || link->queued_bytes + len > MAX_QUEUED_BYTES) {
    lose (link, RP_WORKER_HUNG, "does not read its socket");
    return;
  }
  if (g_queue_is_empty (&link->queue))
    want_writable (link, TRUE);
  g_queue_push_tail (&link->queue, rp_secret_bytes_new (bytes, len));
  link->queued_bytes += len;
  link->stats.queue_peak = MAX (link->stats.queue_peak, link->queue.length);
}

/* @is_audio: may be dropped. Sequence numbers are given to what is sent or queued alone, and
 * nothing overtakes the queue, so they reach the worker without a gap. Returns: FALSE when dropped.
 */
static gboolean
send_frame (RpWorkerLink *link, RpFrameType type, gint64 time_us, const void *payload, gsize len,
            gboolean is_audio)
{
  if (link->is_lost)
    return FALSE;
  guint8 small[RP_FRAME_HEADER_BYTES + SMALL_PAYLOAD_BYTES];
  g_autofree guint8 *large = NULL;
  guint8 *frame = small;
  gsize size = sizeof small;
  if (RP_FRAME_HEADER_BYTES + len > sizeof small) {
    size = RP_FRAME_HEADER_BYTES + len;
    frame = large = g_malloc (size);
  }

  gboolean room = flush_queue (link);
  if (!room && is_audio)
    return FALSE;
  gsize frame_len = rp_frame_write (frame, size, type, link->next_seq, time_us, payload, len);
  gboolean full = FALSE;
  if (!room || (!send_bytes (link, frame, frame_len, &full) && full)) {
    if (is_audio)
      return FALSE;
    enqueue (link, frame, frame_len);
  }
  link->next_seq++;
  return TRUE;
}

static void
send_control (RpWorkerLink *link, RpFrameType type, const void *payload, gsize len)
{
  send_frame (link, type, g_get_monotonic_time (), payload, len, FALSE);
}

static void
handle_audio_out (RpWorkerLink *link, const RpFrame *frame)
{
  RpAudioOut audio;
  g_autoptr (GError) error = NULL;
  if (!rp_frame_parse_audio_out (frame, &audio, &error)) {
    lose_broken (link, error->message);
    return;
  }
  gboolean is_new = audio.utterance != link->utterance;
  if (is_new ? audio.utterance < link->utterance || audio.frame != 0
             : audio.frame != link->next_frame || link->utterance_complete) {
    lose (link, RP_WORKER_GARBAGE, "sent audio out of order");
    return;
  }
  link->utterance = audio.utterance;
  link->next_frame = audio.frame + 1;
  link->utterance_complete = (audio.flags & RP_AUDIO_OUT_LAST) != 0;
  if (link->events.audio_out != NULL)
    link->events.audio_out (&audio, link->user_data);
}

static void
handle_pong (RpWorkerLink *link, guint32 nonce)
{
  if (link->ping_us == 0 || nonce != link->nonce) {
    lose (link, RP_WORKER_GARBAGE, "answered a ping that was not sent");
    return;
  }
  link->stats.pong_rtt_us = g_get_monotonic_time () - link->ping_us;
  link->ping_us = 0;
  link->waiting_since_us = 0;
}

static void
handle_number (RpWorkerLink *link, const RpFrame *frame)
{
  guint32 value = 0;
  g_autoptr (GError) error = NULL;
  if (!rp_frame_parse_u32 (frame, &value, &error))
    lose_broken (link, error->message);
  else if (frame->type == RP_FRAME_HELLO)
    /* The zygote's word counts, if there is one: the log must not name another's process. */
    link->pid = link->process->pid != 0 ? link->process->pid : value;
  else if (frame->type == RP_FRAME_PONG)
    handle_pong (link, value);
  else if (link->events.flush != NULL)
    link->events.flush (value, link->user_data);
}

static void
handle_hangup (RpWorkerLink *link, const RpFrame *frame)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *reason = rp_frame_parse_text (frame, &error);
  if (reason == NULL)
    lose_broken (link, error->message);
  else if (link->events.hangup != NULL)
    link->events.hangup (reason, link->user_data);
}

static void
handle_load (RpWorkerLink *link, const RpFrame *frame)
{
  RpLoad load;
  g_autoptr (GError) error = NULL;
  if (!rp_frame_parse_load (frame, &load, &error))
    lose_broken (link, error->message);
  else if (link->events.load != NULL)
    link->events.load (&load, link->user_data);
}

static void
handle_frame (RpWorkerLink *link, const RpFrame *frame)
{
  switch (frame->type) {
  case RP_FRAME_HELLO:
  case RP_FRAME_PONG:
  case RP_FRAME_FLUSH:
    handle_number (link, frame);
    break;
  case RP_FRAME_STARTED:
    if (!link->start_sent)
      lose (link, RP_WORKER_GARBAGE, "started without having been asked to");
    else if (link->events.started != NULL)
      link->events.started (link->user_data);
    break;
  case RP_FRAME_AUDIO_OUT:
    handle_audio_out (link, frame);
    break;
  case RP_FRAME_EVENT:
    if (link->events.event != NULL)
      link->events.event ((const char *) frame->payload, frame->len, link->user_data);
    break;
  case RP_FRAME_CHECKPOINT:
    if (link->events.checkpoint != NULL) {
      g_autoptr (GBytes) checkpoint = rp_secret_bytes_new (frame->payload, frame->len);
      link->events.checkpoint (checkpoint, link->user_data);
    }
    break;
  case RP_FRAME_LOAD:
    handle_load (link, frame);
    break;
  case RP_FRAME_HANGUP:
    handle_hangup (link, frame);
    break;
  default:
    /* rp_frame_receive () lets no other type through in this direction. */
    lose (link, RP_WORKER_GARBAGE, "sent a frame of another direction");
    break;
  }
}

/* Two leaky buckets, each as the time when it is empty. */
static gboolean
may_say (RpWorkerLink *link, RpFrameType type, gsize bytes, gint64 now_us)
{
  gint64 cost_us = type == RP_FRAME_AUDIO_OUT ? FRAME_US : CONTROL_FRAMES * FRAME_US;
  link->frames_us = MAX (link->frames_us, now_us) + cost_us;
  link->bytes_us = MAX (link->bytes_us, now_us) + (gint64) bytes * BYTE_US;
  return link->frames_us - now_us <= MAX_FRAMES_AT_ONCE * FRAME_US &&
         link->bytes_us - now_us <= MAX_BYTES_AT_ONCE * BYTE_US;
}

/* One message of the socket. Returns: FALSE when there is no more. */
static gboolean
read_one (RpWorkerLink *link, guint8 *buffer, gsize size, gint64 now_us)
{
  ssize_t n;
  do {
    n = recv (link->fd, buffer, size, MSG_DONTWAIT | MSG_TRUNC);
    /* A worker that closes with unread input makes this error once, before its last frames. */
  } while (n < 0 && (errno == EINTR || errno == ECONNRESET));
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return FALSE;
  if (n <= 0) {
    lose (link, link->end_sent ? RP_WORKER_CLOSED : RP_WORKER_CRASHED,
          link->end_sent ? "has ended" : "closed its socket in the middle of its work");
    return FALSE;
  }
  /* A PING that was sent still waits: what came before its PONG shows no life after it. */
  link->waiting_since_us = link->ping_us != 0 ? now_us : 0;
  link->stats.frames_in++;
  if (link->end_sent)
    return TRUE;

  RpFrame frame;
  g_autoptr (GError) error = NULL;
  if ((gsize) n > size)
    lose (link, RP_WORKER_GARBAGE, "sent a message longer than any frame");
  else if (!rp_frame_receive (&link->receiver, buffer, (gsize) n, &frame, &error))
    lose_broken (link, error->message);
  else if (!may_say (link, frame.type, (gsize) n, now_us))
    lose (link, RP_WORKER_GARBAGE, "sent more than any conversation has");
  else
    handle_frame (link, &frame);
  return !link->is_lost && !link->is_freed;
}

static void
read_frames (RpWorkerLink *link, gint64 now_us)
{
  guint8 buffer[RP_FRAME_MAX_BYTES];
  for (guint i = 0; i < MAX_FRAMES_PER_TURN; i++) {
    if (!read_one (link, buffer, sizeof buffer, now_us))
      return;
  }
}

static void
look (RpWorkerLink *link, gint64 now_us)
{
  gint64 passed_us = now_us - link->looked_us;
  if (link->waiting_since_us != 0 && passed_us > STALL_US)
    link->waiting_since_us += passed_us;
  link->looked_us = now_us;
}

static void
mind_time (RpWorkerLink *link, gint64 now_us)
{
  if (link->is_lost)
    return;
  if (link->end_sent) {
    if (now_us - link->end_us > link->hung_timeout_us)
      lose (link, RP_WORKER_HUNG, "did not end when told to");
    return;
  }
  if (link->waiting_since_us != 0 && now_us - link->waiting_since_us > link->hung_timeout_us) {
    lose (link, RP_WORKER_HUNG, "gives no sign of life");
    return;
  }
  if (now_us < link->next_ping_us || link->ping_us != 0)
    return;
  link->nonce++;
  link->ping_us = now_us;
  if (link->waiting_since_us == 0)
    link->waiting_since_us = now_us;
  link->next_ping_us = now_us + PING_INTERVAL_US;
  guint8 payload[4];
  send_control (link, RP_FRAME_PING, payload, rp_frame_write_u32 (payload, link->nonce));
}

static void
destroy (RpWorkerLink *link)
{
  forget_queue (link);
  rp_worker_process_unref (link->process);
  g_free (link->lost_text);
  g_free (link);
}

/* Every entry from outside that may run callbacks. */
static void
serve (RpWorkerLink *link, gboolean readable, gint64 now_us)
{
  link->is_serving = TRUE;
  look (link, now_us);
  if (readable && !link->is_lost)
    read_frames (link, now_us);
  if (!link->is_freed && !link->is_lost)
    flush_queue (link);
  if (!link->is_freed)
    mind_time (link, now_us);
  report_loss (link);
  link->is_serving = FALSE;
  if (link->is_freed)
    destroy (link);
}

void
rp_worker_link_service (RpWorkerLink *link)
{
  serve (link, TRUE, g_get_monotonic_time ());
}

static void
on_socket (gint fd, guint32 epoll_events, gpointer data)
{
  (void) fd;
  (void) epoll_events;
  serve (data, TRUE, rp_loop_now_us ());
}

static void
on_tick (gint64 now_us, gpointer data)
{
  RpWorkerLink *link = data;
  look (link, now_us);
  /* Most ticks have nothing to do here: hundreds of links share a loop. */
  if (link->is_lost || link->end_sent || now_us >= link->next_ping_us)
    serve (link, FALSE, now_us);
}

void
rp_worker_link_set_events (RpWorkerLink *link, const RpWorkerLinkEvents *events, gpointer user_data)
{
  link->events = events != NULL ? *events : (RpWorkerLinkEvents){0};
  link->user_data = user_data;
}

void
rp_worker_link_attach (RpWorkerLink *link, RpLoop *loop, const RpWorkerLinkEvents *events,
                       gpointer user_data)
{
  rp_loop_assert_owner (loop);
  g_assert (link->loop == NULL);
  rp_worker_link_set_events (link, events, user_data);
  link->loop = loop;
  /* Nobody looked at the socket on its way between the threads. */
  link->looked_us = rp_loop_now_us ();
  link->waiting_since_us = link->ping_us != 0 ? link->looked_us : 0;
  link->ticker = rp_loop_add_ticker (loop, on_tick, link);
  if (link->is_lost)
    return;
  link->is_watched = rp_loop_watch_fd (loop, link->fd, on_socket, link);
  if (!link->is_watched)
    lose (link, RP_WORKER_CRASHED, "cannot be watched");
  if (!g_queue_is_empty (&link->queue))
    want_writable (link, TRUE);
}

void
rp_worker_link_free (RpWorkerLink *link)
{
  if (link == NULL)
    return;
  g_assert (!link->is_freed);
  if (link->loop != NULL)
    rp_loop_assert_owner (link->loop);
  if (!link->is_lost && !link->end_sent)
    rp_worker_link_end (link, "");
  if (link->ticker != 0)
    rp_loop_remove_ticker (link->loop, link->ticker);
  link->ticker = 0;
  unwatch (link);
  close (link->fd);
  g_atomic_int_set (&link->process->released, TRUE);
  if (!link->process->is_pooled)
    rp_worker_process_signal (link->process, SIGKILL);
  link->is_freed = TRUE;
  if (!link->is_serving)
    destroy (link);
}

guint32
rp_worker_link_id (const RpWorkerLink *link)
{
  return link->process->id;
}

guint32
rp_worker_link_pid (const RpWorkerLink *link)
{
  return link->pid;
}

gboolean
rp_worker_link_is_lost (const RpWorkerLink *link)
{
  return link->is_lost;
}

gboolean
rp_worker_link_is_greeted (const RpWorkerLink *link)
{
  return link->receiver.greeted;
}

int
rp_worker_link_fd (const RpWorkerLink *link)
{
  return link->fd;
}

void
rp_worker_link_stats (const RpWorkerLink *link, RpWorkerLinkStats *out_stats)
{
  *out_stats = link->stats;
}

void
rp_worker_link_start (RpWorkerLink *link, const char *json, GBytes *checkpoint)
{
  g_return_if_fail (!link->start_sent);
  link->start_sent = TRUE;
  send_control (link, RP_FRAME_START, json, strlen (json));
  if (checkpoint != NULL) {
    gsize len = 0;
    const void *bytes = g_bytes_get_data (checkpoint, &len);
    send_control (link, RP_FRAME_RESUME, bytes, len);
  }
}

static gboolean
send_audio (RpWorkerLink *link, gint64 pos_samples, RpAudioKind kind, const gint16 *pcm,
            guint n_samples, gint64 arrival_us)
{
  guint8 payload[SMALL_PAYLOAD_BYTES];
  gsize len = rp_frame_write_audio_in (payload, pos_samples, kind, pcm, n_samples);
  if (send_frame (link, RP_FRAME_AUDIO_IN, arrival_us, payload, len, TRUE))
    return TRUE;
  link->stats.audio_dropped_frames++;
  return FALSE;
}

/* Returns: TRUE when the worker's timeline reaches @pos_samples. */
static gboolean
fill_gap (RpWorkerLink *link, gint64 pos_samples, gint64 arrival_us)
{
  static const gint16 silence[RP_FRAME_MAX_AUDIO_SAMPLES];
  while (link->gap_from_samples >= 0 && link->gap_from_samples < pos_samples) {
    guint n = (guint) MIN (pos_samples - link->gap_from_samples, RP_FRAME_MAX_AUDIO_SAMPLES);
    if (!send_audio (link, link->gap_from_samples, RP_AUDIO_SILENCE, silence, n, arrival_us))
      return FALSE;
    link->gap_from_samples += n;
  }
  link->gap_from_samples = -1;
  return TRUE;
}

void
rp_worker_link_audio_in (RpWorkerLink *link, gint64 pos_samples, RpAudioKind kind,
                         const gint16 *pcm, guint n_samples, gint64 arrival_us)
{
  g_return_if_fail (link->start_sent);
  if (link->is_lost || link->end_sent)
    return;
  if (!fill_gap (link, pos_samples, arrival_us))
    return;
  if (!send_audio (link, pos_samples, kind, pcm, n_samples, arrival_us))
    link->gap_from_samples = pos_samples;
}

void
rp_worker_link_input (RpWorkerLink *link, gint64 pos_samples, gboolean stalled)
{
  g_return_if_fail (link->start_sent);
  if (link->end_sent)
    return;
  guint8 payload[RP_FRAME_INPUT_BYTES];
  RpInputState state = {.pos_samples = pos_samples, .stalled = stalled};
  send_control (link, RP_FRAME_INPUT, payload, rp_frame_write_input (payload, &state));
}

void
rp_worker_link_playout (RpWorkerLink *link, const RpPlayout *playout)
{
  g_return_if_fail (link->start_sent);
  if (link->end_sent)
    return;
  guint8 payload[RP_FRAME_PLAYOUT_BYTES];
  send_control (link, RP_FRAME_PLAYOUT, payload, rp_frame_write_playout (payload, playout));
}

void
rp_worker_link_encoder (RpWorkerLink *link, const RpEncoderSettings *settings)
{
  g_return_if_fail (link->start_sent);
  if (link->end_sent)
    return;
  guint8 payload[RP_FRAME_PAIR_BYTES];
  send_control (link, RP_FRAME_ENCODER, payload, rp_frame_write_encoder (payload, settings));
}

void
rp_worker_link_client (RpWorkerLink *link, const char *json)
{
  g_return_if_fail (link->start_sent);
  gsize len = strlen (json);
  g_return_if_fail (len <= RP_FRAME_MAX_PAYLOAD_BYTES);
  if (!link->end_sent)
    send_control (link, RP_FRAME_CLIENT, json, len);
}

void
rp_worker_link_end (RpWorkerLink *link, const char *reason)
{
  if (link->is_lost || link->end_sent)
    return;
  const char *end = NULL;
  /* Before the frame: the worker may be gone, and its exit counted, before this thread goes on. */
  g_atomic_int_set (&link->process->fate, RP_WORKER_FATE_ENDED);
  if (!g_utf8_validate_len (reason, MIN (strlen (reason), MAX_REASON_BYTES), &end))
    send_control (link, RP_FRAME_END, reason, (gsize) (end - reason));
  else
    send_control (link, RP_FRAME_END, reason, MIN (strlen (reason), MAX_REASON_BYTES));
  link->end_sent = TRUE;
  link->end_us = g_get_monotonic_time ();
}

void
rp_worker_link_fail (RpWorkerLink *link, const char *text)
{
  lose (link, RP_WORKER_GARBAGE, text);
}
