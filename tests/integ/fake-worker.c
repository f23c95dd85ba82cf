#define _GNU_SOURCE /* SOCK_CLOEXEC */

#include "fake-worker.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 60000

void
fake_worker_adopt (FakeWorker *worker, int fd)
{
  memset (worker, 0, sizeof *worker);
  worker->fd = fd;
  rp_frame_receiver_init (&worker->receiver, RP_FRAME_TO_WORKER);
}

void
fake_worker_init (FakeWorker *worker, int *out_server_fd)
{
  int fds[2];
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), ==, 0);
  fake_worker_adopt (worker, fds[0]);
  *out_server_fd = fds[1];
}

void
fake_worker_clear (FakeWorker *worker)
{
  if (worker->fd >= 0)
    close (worker->fd);
  worker->fd = -1;
}

void
fake_worker_send_bytes (FakeWorker *worker, const void *bytes, gsize len)
{
  g_assert_cmpint (send (worker->fd, bytes, len, MSG_NOSIGNAL), ==, (gssize) len);
}

void
fake_worker_send (FakeWorker *worker, RpFrameType type, const void *payload, gsize len)
{
  g_autofree guint8 *frame = g_malloc (RP_FRAME_HEADER_BYTES + len);
  gsize size = rp_frame_write (frame, RP_FRAME_HEADER_BYTES + len, type, worker->next_seq++,
                               g_get_monotonic_time (), payload, len);
  /* The server may have cut us off already: that is for the test to see from the other side. */
  (void) !send (worker->fd, frame, size, MSG_NOSIGNAL);
}

void
fake_worker_send_u32 (FakeWorker *worker, RpFrameType type, guint32 value)
{
  guint8 payload[4];
  fake_worker_send (worker, type, payload, rp_frame_write_u32 (payload, value));
}

void
fake_worker_send_audio (FakeWorker *worker, guint32 utterance, guint32 frame, gboolean last)
{
  static const guint8 opus[] = {0xf8, 0xff, 0xfe};
  const RpAudioOut audio = {
      .utterance = utterance,
      .frame = frame,
      .flags = last ? RP_AUDIO_OUT_LAST : 0,
      .opus = opus,
      .len = sizeof opus,
  };
  guint8 payload[RP_FRAME_AUDIO_OUT_BYTES (sizeof opus)];
  fake_worker_send (worker, RP_FRAME_AUDIO_OUT, payload,
                    rp_frame_write_audio_out (payload, &audio));
}

gboolean
fake_worker_receive (FakeWorker *worker, RpFrame *out_frame)
{
  struct pollfd poll_fd = {.fd = worker->fd, .events = POLLIN};
  g_assert_cmpint (poll (&poll_fd, 1, PATIENCE_MS), ==, 1);
  ssize_t n = recv (worker->fd, worker->buffer, sizeof worker->buffer, 0);
  if (n <= 0)
    return FALSE;
  g_autoptr (GError) error = NULL;
  gboolean ok = rp_frame_receive (&worker->receiver, worker->buffer, (gsize) n, out_frame, &error);
  g_assert_no_error (error);
  return ok;
}

gboolean
fake_worker_await (FakeWorker *worker, RpFrameType type, RpFrame *out_frame)
{
  while (fake_worker_receive (worker, out_frame)) {
    if (out_frame->type == RP_FRAME_PING)
      fake_worker_send (worker, RP_FRAME_PONG, out_frame->payload, out_frame->len);
    if (out_frame->type == type)
      return TRUE;
  }
  return FALSE;
}
