/* What the server's own threads spend per call, and how punctual they stay: N sessions on one media
 * loop, with clients on another and all workers played by a third thread that say nothing but
 * speech from memory. Of the table only the rows of the server count: "media" and "sctp".
 *
 *   path-bench [--calls 150] [--seconds 10] [--ramp 20] [--talk 0.4] [--no-data]
 */
#define _GNU_SOURCE

#include "frame.h"
#include "histogram.h"
#include "rtp.h"
#include "session-sdp.h"
#include "session.h"

#include <errno.h>
#include <opus.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_US 20000
#define N_PACKETS 50 /* of speech, repeated */
#define UTTERANCE_FRAMES 150
#define MAX_TASKS 16
#define CONNECT_S 30

typedef struct {
  gint calls;
  gint seconds;
  gdouble ramp;
  gdouble talk; /* share of the time that the agent speaks */
  gboolean no_data;
} Options;

typedef struct {
  guint8 data[200];
  gsize len;
} Packet;

typedef struct {
  int fd;
  guint32 seq;
  RpFrameReceiver receiver;
  guint32 utterance;
  gint64 next_us; /* the next utterance; 0 = not started */
} Worker;

typedef struct {
  guint index;
  RpSession *session;
  RpSessionConfig config;
  RpPeer *peer;
  RpSdp *offer;
  char *answer;
  guint ticker;
  gint channel;
  gint64 next_send_us;
  gint64 last_packet_us;
  guint16 sequence;
  guint n_sent;
  Worker worker;
} Call;

static Options options = {.calls = 150, .seconds = 10, .ramp = 20, .talk = 0.4};
static Packet speech[N_PACKETS];
static RpDtlsCertificate *certificate;
static RpLoop *media_loop;
static RpLoop *client_loop;
static int workers_fd = -1;
static gint workers_quit;
static Call *calls;

/* Of the clients; written on their loop. */
static struct {
  guint n_connected;
  guint n_failed;
  guint n_packets;
  guint n_gaps; /* over 40 ms */
  RpHistogram *interval;
} heard;

/* --- speech --- */

/* A hum of 120 Hz whose pitch and loudness sway as a voice's do. */
static void
encode_speech (void)
{
  int failure = 0;
  guint32 noise = 1;
  gdouble phase = 0;
  OpusEncoder *encoder = opus_encoder_create (16000, 1, OPUS_APPLICATION_VOIP, &failure);
  g_assert (failure == OPUS_OK);
  opus_encoder_ctl (encoder, OPUS_SET_BITRATE (24000));
  opus_encoder_ctl (encoder, OPUS_SET_INBAND_FEC (1));
  opus_encoder_ctl (encoder, OPUS_SET_PACKET_LOSS_PERC (10));
  for (guint i = 0; i < N_PACKETS; i++) {
    gint16 pcm[320];
    for (guint k = 0; k < G_N_ELEMENTS (pcm); k++) {
      gdouble t = (gdouble) (i * 320 + k) / 16000;
      gdouble loudness = 4000 + 3000 * (gdouble) ((i * 7) % 13) / 13;
      phase += (120 + 30 * (gdouble) ((gint) (t * 8) % 3)) / 16000;
      phase -= (gint) phase;
      noise = noise * 1664525 + 1013904223;
      pcm[k] = (gint16) (loudness * (1 - 2 * phase) + (gdouble) (noise >> 22));
    }
    int n = opus_encode (encoder, pcm, 320, speech[i].data, sizeof speech[i].data);
    g_assert (n > 0);
    speech[i].len = (gsize) n;
  }
  opus_encoder_destroy (encoder);
}

/* --- workers --- */

static void
worker_send (Worker *worker, RpFrameType type, const void *payload, gsize len)
{
  guint8 frame[RP_FRAME_HEADER_BYTES + 512];
  gsize n = rp_frame_write (frame, sizeof frame, type, worker->seq++, g_get_monotonic_time (),
                            payload, len);
  if (send (worker->fd, frame, n, MSG_NOSIGNAL) < 0 && errno != EPIPE)
    g_printerr ("a worker cannot send: %s\n", g_strerror (errno));
}

/* Ahead of its time, as synthesis does it. */
static void
worker_speak (Worker *worker, gint64 now_us)
{
  gint64 length_us = (gint64) UTTERANCE_FRAMES * FRAME_US;
  if (options.talk <= 0)
    return;
  worker->utterance++;
  for (guint i = 0; i < UTTERANCE_FRAMES; i++) {
    const Packet *packet = &speech[i % N_PACKETS];
    const RpAudioOut audio = {.utterance = worker->utterance,
                              .frame = i,
                              .flags = i + 1 == UTTERANCE_FRAMES ? RP_AUDIO_OUT_LAST : 0,
                              .opus = packet->data,
                              .len = (guint) packet->len};
    guint8 payload[RP_FRAME_AUDIO_OUT_BYTES (sizeof packet->data)];
    worker_send (worker, RP_FRAME_AUDIO_OUT, payload, rp_frame_write_audio_out (payload, &audio));
  }
  worker->next_us = now_us + (gint64) ((gdouble) length_us / options.talk);
}

static void
worker_read (Worker *worker)
{
  static guint8 buffer[RP_FRAME_MAX_BYTES];
  RpFrame frame;
  ssize_t n;
  while ((n = recv (worker->fd, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
    if (!rp_frame_receive (&worker->receiver, buffer, (gsize) n, &frame, NULL))
      g_error ("the server sent a bad frame");
    if (frame.type == RP_FRAME_PING)
      worker_send (worker, RP_FRAME_PONG, frame.payload, frame.len);
    if (frame.type == RP_FRAME_START) {
      worker_send (worker, RP_FRAME_STARTED, NULL, 0);
      worker->next_us = g_get_monotonic_time () + 200000;
    }
  }
  if (n == 0)
    epoll_ctl (workers_fd, EPOLL_CTL_DEL, worker->fd, NULL);
}

static gpointer
workers_thread (gpointer data)
{
  struct epoll_event events[64];
  const struct sched_param param = {0};
  (void) data;
  (void) sched_setscheduler (0, SCHED_BATCH, &param); /* as the server does it */
  while (!g_atomic_int_get (&workers_quit)) {
    int n = epoll_wait (workers_fd, events, 64, 5);
    for (int i = 0; i < n; i++)
      worker_read (events[i].data.ptr);
    gint64 now_us = g_get_monotonic_time ();
    for (gint i = 0; i < options.calls; i++)
      if (calls[i].worker.next_us != 0 && now_us >= calls[i].worker.next_us)
        worker_speak (&calls[i].worker, now_us);
  }
  return NULL;
}

static RpWorkerLink *
make_worker (Call *call)
{
  int fds[2];
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = &call->worker};
  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
    g_error ("socketpair: %s", g_strerror (errno));
  int bytes = 1 << 20;
  setsockopt (fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
  call->worker.fd = fds[0];
  rp_frame_receiver_init (&call->worker.receiver, RP_FRAME_TO_WORKER);
  guint8 payload[4];
  worker_send (&call->worker, RP_FRAME_HELLO, payload,
               rp_frame_write_u32 (payload, (guint32) getpid ()));
  epoll_ctl (workers_fd, EPOLL_CTL_ADD, fds[0], &event);
  return rp_worker_link_new (fds[1], -1, call->index + 1, 0);
}

/* --- sessions --- */

static void
ignore (gpointer user_data)
{
}

static void
ignore_snapshot (const RpCallSnapshot *snapshot, gpointer user_data)
{
}

static void
ignore_latencies (const RpLatencies *latencies, gpointer user_data)
{
}

static void
ignore_timeline (const RpTimelineEvent *event, gpointer user_data)
{
}

static void
on_ended (const char *reason, gboolean failed, gpointer user_data)
{
  if (failed)
    g_printerr ("a call ended: %s\n", reason);
}

static void
answer_offer (gpointer user_data)
{
  static const RpSessionEvents events = {.need_worker = ignore,
                                         .connected = ignore,
                                         .snapshot = ignore_snapshot,
                                         .latencies = ignore_latencies,
                                         .timeline = ignore_timeline,
                                         .ended = on_ended};
  Call *call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (RpSessionOffer) offer = g_new0 (RpSessionOffer, 1);
  offer->sdp = g_steal_pointer (&call->offer);
  offer->remote = g_new (RpSdpRemote, 1);
  offer->received_us = rp_loop_now_us ();
  if (!rp_sdp_remote_summary (offer->sdp, RP_SDP_OFFER, offer->remote, &error))
    g_error ("offer: %s", error->message);
  call->session = rp_session_new (&call->config, &events, call);
  call->answer = rp_session_answer (call->session, offer, &error);
  if (call->answer == NULL)
    g_error ("answer: %s", error->message);
  rp_session_set_worker (call->session, make_worker (call));
}

/* --- clients --- */

static void
on_state (RpPeer *peer, RpPeerState state, const char *reason, gpointer user_data)
{
  Call *call = user_data;
  if (state == RP_PEER_STATE_CONNECTED) {
    heard.n_connected++;
    if (!options.no_data)
      call->channel = rp_peer_open_channel (peer, "chat", "", NULL);
    call->next_send_us = rp_loop_now_us ();
  } else if (state >= RP_PEER_STATE_FAILED) {
    g_printerr ("a client: %s\n", reason);
    heard.n_failed++;
  }
}

static void
on_channel (RpPeer *peer, guint16 stream, const char *label, const char *protocol,
            gpointer user_data)
{
  static const char ready[] = "{\"label\":\"rtvi-ai\",\"type\":\"client-ready\",\"id\":\"r\","
                              "\"data\":{\"version\":\"2.1.0\",\"about\":{\"library\":\"bench\"}}}";
  rp_peer_send_message (peer, stream, FALSE, ready, sizeof ready - 1, NULL);
}

static void
on_rtp (RpPeer *peer, guint8 *packet, gsize len, gint64 arrival_us, gpointer user_data)
{
  Call *call = user_data;
  heard.n_packets++;
  if (call->last_packet_us != 0) {
    gint64 interval_us = arrival_us - call->last_packet_us;
    rp_histogram_record (heard.interval, interval_us);
    heard.n_gaps += interval_us > 2 * FRAME_US ? 1 : 0;
  }
  call->last_packet_us = arrival_us;
}

static void
client_tick (gint64 now_us, gpointer user_data)
{
  Call *call = user_data;
  rp_peer_tick (call->peer, now_us);
  while (call->next_send_us != 0 && now_us >= call->next_send_us) {
    guint8 packet[RP_RTP_HEADER_BYTES + sizeof speech[0].data + RP_PEER_TAILROOM];
    const RpRtpPacket header = {.payload_type = 111,
                                .sequence = call->sequence++,
                                .timestamp = call->n_sent * 960,
                                .ssrc = 4711};
    const Packet *payload = &speech[call->n_sent++ % N_PACKETS];
    gsize len = rp_rtp_write_header (&header, packet, sizeof packet);
    memcpy (packet + len, payload->data, payload->len);
    rp_peer_send_rtp (call->peer, packet, len + payload->len, sizeof packet);
    call->next_send_us += FRAME_US;
  }
}

static void
make_offer (gpointer user_data)
{
  static const char *const loopback[] = {"127.0.0.1", NULL};
  static const RpPeerEvents events = {
      .state_changed = on_state, .rtp = on_rtp, .channel_open = on_channel};
  Call *call = user_data;
  const RpPeerConfig config = {
      .role = RP_PEER_OFFERER, .certificate = certificate, .local_addresses = loopback};
  g_autoptr (GError) error = NULL;
  call->peer = rp_peer_new (client_loop, &config, &events, call, &error);
  if (call->peer == NULL)
    g_error ("client: %s", error->message);
  const RpPeerLocal *own = rp_peer_local (call->peer);
  RpSdpLocal local = {.session_id = 1,
                      .session_version = 1,
                      .ice_ufrag = own->ufrag,
                      .ice_pwd = own->pwd,
                      .candidates = own->candidates,
                      .n_candidates = (guint) own->n_candidates,
                      .stream_id = "s",
                      .track_id = "t",
                      .cname = "c",
                      .ssrc = 4711};
  memcpy (local.fingerprint, own->digest, sizeof local.fingerprint);
  g_autoptr (RpSdp) sdp = rp_sdp_offer (&local);
  g_autofree char *text = rp_sdp_write (sdp);
  if (options.no_data)
    *strstr (text, "m=application") = '\0';
  call->offer = rp_sdp_parse (text, strlen (text), &error);
  g_assert_no_error (error);
}

static void
take_answer (gpointer user_data)
{
  Call *call = user_data;
  RpSdpRemote summary;
  g_autoptr (GError) error = NULL;
  g_autoptr (RpSdp) sdp = rp_sdp_parse (call->answer, strlen (call->answer), &error);
  g_assert_no_error (error);
  g_assert_true (rp_sdp_remote_summary (sdp, RP_SDP_ANSWER, &summary, &error));
  if (!rp_session_sdp_start_peer (call->peer, &summary, &error))
    g_error ("client: %s", error->message);
  call->ticker = rp_loop_add_ticker (client_loop, client_tick, call);
  g_free (call->answer);
}

static void
dial (Call *call, guint index)
{
  static const char *const loopback[] = {"127.0.0.1", NULL};
  call->index = index;
  call->config = (RpSessionConfig){.loop = media_loop,
                                   .certificate = certificate,
                                   .ice_address = loopback,
                                   .connect_timeout_us = 60 * G_USEC_PER_SEC,
                                   .inactivity_timeout_us = 15 * G_USEC_PER_SEC,
                                   .call = "call",
                                   .agent = "agent"};
  rp_loop_call_sync (client_loop, make_offer, call);
  rp_loop_call_sync (media_loop, answer_offer, call);
  rp_loop_call_sync (client_loop, take_answer, call);
}

static void
hang_up (gpointer user_data)
{
  Call *call = user_data;
  rp_loop_remove_ticker (client_loop, call->ticker);
  rp_peer_free (call->peer);
}

static void
drop_session (gpointer user_data)
{
  Call *call = user_data;
  rp_session_free (call->session);
}

/* --- figures --- */

typedef struct {
  char name[32];
  gint64 cpu_us;
} Task;

static guint
read_tasks (Task *out)
{
  guint n = 0;
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  const char *id;
  while (dir != NULL && (id = g_dir_read_name (dir)) != NULL && n < MAX_TASKS) {
    g_autofree char *comm_path = g_strdup_printf ("/proc/self/task/%s/comm", id);
    g_autofree char *cpu_path = g_strdup_printf ("/proc/self/task/%s/schedstat", id);
    g_autofree char *comm = NULL;
    g_autofree char *cpu = NULL;
    if (!g_file_get_contents (comm_path, &comm, NULL, NULL) ||
        !g_file_get_contents (cpu_path, &cpu, NULL, NULL))
      continue;
    g_strlcpy (out[n].name, g_strstrip (comm), sizeof out[n].name);
    out[n++].cpu_us = g_ascii_strtoll (cpu, NULL, 10) / 1000;
  }
  return n;
}

static gint64
cpu_of (const Task *tasks, guint n, const char *name)
{
  for (guint i = 0; i < n; i++)
    if (g_str_equal (tasks[i].name, name))
      return tasks[i].cpu_us;
  return 0;
}

static void
print_lateness (const char *when)
{
  RpLoopStats stats;
  rp_loop_stats (media_loop, &stats);
  g_print ("%-7s tick late p50 %.2f p99 %.2f max %.2f ms, %" G_GUINT64_FORMAT
           " ticks, %" G_GUINT64_FORMAT " skipped\n",
           when, (gdouble) stats.late_p50_us / 1000, (gdouble) stats.late_p99_us / 1000,
           (gdouble) stats.late_max_us / 1000, stats.ticks, stats.skipped);
  rp_loop_stats_reset (media_loop);
}

static void
reset_heard (gpointer data)
{
  heard.n_packets = heard.n_gaps = 0;
  rp_histogram_reset (heard.interval);
}

static void
measure (void)
{
  static const char *const names[] = {"media", "sctp", "clients", "workers"};
  Task before[MAX_TASKS], after[MAX_TASKS];
  rp_loop_call_sync (client_loop, reset_heard, NULL);
  rp_loop_stats_reset (media_loop);
  guint n_before = read_tasks (before);
  gint64 from_us = g_get_monotonic_time ();
  g_usleep ((gulong) options.seconds * G_USEC_PER_SEC);
  guint n_after = read_tasks (after);
  gdouble call_seconds =
      (gdouble) (g_get_monotonic_time () - from_us) / G_USEC_PER_SEC * options.calls;
  print_lateness ("steady");
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    gint64 us = cpu_of (after, n_after, names[i]) - cpu_of (before, n_before, names[i]);
    g_print ("%-8s %6.3f ms of CPU per call-second%s\n", names[i],
             (gdouble) us / 1000 / call_seconds, i < 2 ? "" : " (not the server's)");
  }
  g_print ("heard    %.1f packets a second and call, interval p50 %.1f p99 %.1f max %.1f ms, "
           "%u gaps over 40 ms\n",
           heard.n_packets / call_seconds,
           (gdouble) rp_histogram_percentile_us (heard.interval, 50) / 1000,
           (gdouble) rp_histogram_percentile_us (heard.interval, 99) / 1000,
           (gdouble) rp_histogram_max_us (heard.interval) / 1000, heard.n_gaps);
}

static gboolean
connect_all (void)
{
  gint64 from_us = g_get_monotonic_time ();
  for (gint i = 0; i < options.calls; i++) {
    gint64 due_us = from_us + (gint64) ((gdouble) i / options.ramp * G_USEC_PER_SEC);
    gint64 now_us = g_get_monotonic_time ();
    if (due_us > now_us)
      g_usleep ((gulong) (due_us - now_us));
    dial (&calls[i], (guint) i);
  }
  for (guint i = 0; i < CONNECT_S * 10 && heard.n_connected < (guint) options.calls; i++)
    g_usleep (100000);
  return heard.n_connected == (guint) options.calls;
}

static void
raise_file_limit (void)
{
  struct rlimit limit;
  if (getrlimit (RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
  }
}

static gboolean
parse (int argc, char **argv)
{
  const GOptionEntry entries[] = {
      {"calls", 0, 0, G_OPTION_ARG_INT, &options.calls, "how many at once", "N"},
      {"seconds", 0, 0, G_OPTION_ARG_INT, &options.seconds, "of measuring", "S"},
      {"ramp", 0, 0, G_OPTION_ARG_DOUBLE, &options.ramp, "calls a second begun", "N"},
      {"talk", 0, 0, G_OPTION_ARG_DOUBLE, &options.talk, "of the time the agent speaks", "SHARE"},
      {"no-data", 0, 0, G_OPTION_ARG_NONE, &options.no_data, "no data channels", NULL},
      {NULL},
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_option_context_add_main_entries (context, entries, NULL);
  if (g_option_context_parse (context, &argc, &argv, &error) && options.calls > 0 &&
      options.seconds > 0 && options.ramp > 0)
    return TRUE;
  g_printerr ("path-bench: %s\n", error != NULL ? error->message : "a number is out of range");
  return FALSE;
}

int
main (int argc, char **argv)
{
  if (!parse (argc, argv))
    return 2;
  raise_file_limit ();
  encode_speech ();
  certificate = rp_dtls_certificate_new (NULL);
  calls = g_new0 (Call, (gsize) options.calls);
  heard.interval = rp_histogram_new ();
  workers_fd = epoll_create1 (EPOLL_CLOEXEC);
  media_loop = rp_loop_new ("media", NULL);
  rp_loop_take_precedence (media_loop);
  client_loop = rp_loop_new ("clients", NULL);
  GThread *workers = g_thread_new ("workers", workers_thread, NULL);

  gboolean connected = connect_all ();
  print_lateness ("ramp");
  if (connected) {
    g_usleep (G_USEC_PER_SEC);
    measure ();
  } else {
    g_printerr ("path-bench: %u of %d connected\n", heard.n_connected, options.calls);
  }
  g_atomic_int_set (&workers_quit, 1);
  g_thread_join (workers);
  for (gint i = 0; i < options.calls; i++) {
    rp_loop_call_sync (client_loop, hang_up, &calls[i]);
    rp_loop_call_sync (media_loop, drop_session, &calls[i]);
  }
  rp_loop_free (client_loop);
  rp_loop_free (media_loop);
  rp_histogram_free (heard.interval);
  g_free (calls);
  return connected ? 0 : 1;
}
