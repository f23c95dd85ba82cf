#define _GNU_SOURCE /* pidfd_open */

#include "fake-zygote.h"

#include "fd-message.h"

#include <sys/pidfd.h>
#include <unistd.h>

static void
send_forked (FakeWorker *control, guint32 worker, pid_t pid)
{
  guint8 payload[RP_FRAME_PAIR_BYTES];
  guint8 frame[RP_FRAME_HEADER_BYTES + RP_FRAME_PAIR_BYTES];
  const RpForked forked = {.worker = worker, .pid = (guint32) pid};
  gsize len = rp_frame_write_forked (payload, &forked);
  len = rp_frame_write (frame, sizeof frame, RP_FRAME_FORKED, control->next_seq++,
                        g_get_monotonic_time (), payload, len);
  int pidfd = pidfd_open (pid, 0);
  rp_fd_message_send (control->fd, frame, len, pidfd, 0);
  close (pidfd);
}

int
fake_zygote_serve (FakeWorker *control, FakeZygoteWork work, gpointer user_data)
{
  RpFrameReceiver receiver;
  rp_frame_receiver_init (&receiver, RP_FRAME_TO_ZYGOTE);
  for (;;) {
    int fd = -1;
    RpFrame frame;
    guint32 worker = 0;
    ssize_t n =
        rp_fd_message_receive (control->fd, control->buffer, sizeof control->buffer, &fd, 0);
    if (n <= 0)
      return 0;
    if (!rp_frame_receive (&receiver, control->buffer, (gsize) n, &frame, NULL) ||
        !rp_frame_parse_u32 (&frame, &worker, NULL) || fd < 0)
      return 99;
    pid_t pid = fork ();
    if (pid == 0) {
      close (control->fd);
      work (fd, user_data);
    }
    close (fd);
    send_forked (control, worker, pid);
  }
}
