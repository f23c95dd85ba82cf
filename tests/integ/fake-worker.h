/* The worker's end of a socket pair, played by a test: sends what it is told, good or bad. */
#pragma once

#include "frame.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  int fd;
  guint32 next_seq;
  RpFrameReceiver receiver;
  guint8 buffer[RP_FRAME_MAX_BYTES];
} FakeWorker;

/* @out_server_fd: the other end. */
void fake_worker_init (FakeWorker *worker, int *out_server_fd);
void fake_worker_adopt (FakeWorker *worker, int fd);
void fake_worker_clear (FakeWorker *worker);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FakeWorker, fake_worker_clear)

void fake_worker_send (FakeWorker *worker, RpFrameType type, const void *payload, gsize len);
void fake_worker_send_u32 (FakeWorker *worker, RpFrameType type, guint32 value);
void fake_worker_send_audio (FakeWorker *worker, guint32 utterance, guint32 frame, gboolean last);
void fake_worker_send_bytes (FakeWorker *worker, const void *bytes, gsize len);

/* Waits for the next frame, at most 10 s. Returns: FALSE at the end of the socket. A bad frame is a
 * failure of the test. */
gboolean fake_worker_receive (FakeWorker *worker, RpFrame *out_frame);
/* The same, answering PING, until a frame of @type comes. */
gboolean fake_worker_await (FakeWorker *worker, RpFrameType type, RpFrame *out_frame);

G_END_DECLS
