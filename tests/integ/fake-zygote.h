/* A zygote's end of its socket, played by a test: forks a worker for each that it is asked for. */
#pragma once

#include "fake-worker.h"

G_BEGIN_DECLS

/* What a worker does in its own process. @fd: (transfer full) its socket. Does not return. */
typedef void (*FakeZygoteWork) (int fd, gpointer user_data);

/* @control: adopted, and has said READY; only its sending half and its buffer are used. Until the
 * end of the socket. Returns: the zygote's exit code, 99 after what is no request. */
int fake_zygote_serve (FakeWorker *control, FakeZygoteWork work, gpointer user_data);

G_END_DECLS
