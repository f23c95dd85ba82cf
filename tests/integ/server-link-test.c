/* The worker's end of its socket: all that was sent arrives, in order, however slowly it is read;
 * what cannot arrive is told, once. */
#include "server-link.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_FRAMES 4000
#define LARGE_BYTES (100 * 1024)
/* What may be kept for a server that does not read, with the socket's own buffer. */
#define MAX_KEPT_BYTES (16 * 1024 * 1024)

typedef struct {
  GMainContext *context;
  RpServerLink *link;
  int worker_fd; /* the link's */
  int server_fd;
  guint n_received;
  guint n_closed;
  char *why;
} Rig;

static void
on_frame (const RpFrame *frame, gpointer user_data)
{
  g_assert_not_reached ();
}

static void
on_closed (const char *why, gpointer user_data)
{
  Rig *rig = user_data;
  rig->n_closed++;
  rig->why = g_strdup (why);
}

static const RpServerLinkEvents events = {.frame = on_frame, .closed = on_closed};

static void
rig_init (Rig *rig)
{
  int fds[2];
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), ==, 0);
  *rig = (Rig){.context = g_main_context_new (), .worker_fd = fds[0], .server_fd = fds[1]};
  rig->link = rp_server_link_new (fds[0], rig->context, &events, rig);
}

static void
rig_clear (Rig *rig)
{
  rp_server_link_free (rig->link);
  g_main_context_unref (rig->context);
  g_free (rig->why);
  close (rig->server_fd);
}

static void
iterate (Rig *rig)
{
  while (g_main_context_iteration (rig->context, FALSE))
    ;
}

/* Reads all there is; each frame must follow the one before it. */
static void
read_all (Rig *rig)
{
  static guint8 bytes[RP_FRAME_MAX_BYTES];
  ssize_t n;
  while ((n = recv (rig->server_fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0) {
    RpFrame frame;
    g_autoptr (GError) error = NULL;
    rp_frame_parse (bytes, (gsize) n, RP_FRAME_FROM_WORKER, &frame, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (frame.seq, ==, rig->n_received);
    rig->n_received++;
  }
}

static void
send_bytes (Rig *rig, gsize len)
{
  g_autofree guint8 *payload = g_malloc0 (len);
  rp_server_link_send (rig->link, RP_FRAME_CHECKPOINT, payload, len);
}

static void
test_slow_reader (void)
{
  Rig rig;
  rig_init (&rig);
  for (guint i = 0; i < N_FRAMES; i++)
    send_bytes (&rig, 1 + i % 1000);
  for (guint turns = 0; rig.n_received < N_FRAMES; turns++) {
    g_assert_cmpuint (turns, <, N_FRAMES);
    read_all (&rig);
    iterate (&rig);
  }
  g_assert_cmpuint (rig.n_closed, ==, 0);
  close (rig.server_fd);
  iterate (&rig);
  g_assert_cmpuint (rig.n_closed, ==, 1);
  g_assert_null (rig.why);
  rig.server_fd = -1;
  rig_clear (&rig);
}

/* Whether its frames are many or large. */
static void
test_no_reader (gconstpointer data)
{
  gsize len = GPOINTER_TO_SIZE (data);
  Rig rig;
  gsize sent = 0;
  rig_init (&rig);
  for (; rig.n_closed == 0; sent += len + RP_FRAME_HEADER_BYTES) {
    g_assert_cmpuint (sent, <, MAX_KEPT_BYTES);
    send_bytes (&rig, len);
    iterate (&rig);
  }
  g_assert_cmpuint (sent, >, 512 * 1024);
  g_assert_nonnull (rig.why);
  send_bytes (&rig, len);
  iterate (&rig);
  g_assert_cmpuint (rig.n_closed, ==, 1);
  rig_clear (&rig);
}

/* The kernel limits it to what a system allows; a frame that no buffer takes is not one that was
 * sent: the next would come out of order. */
static void
shrink (Rig *rig)
{
  int bytes = 1;
  g_assert_cmpint (setsockopt (rig->worker_fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), ==, 0);
}

static void
test_never_fits (void)
{
  Rig rig;
  rig_init (&rig);
  shrink (&rig);
  send_bytes (&rig, 100);
  g_assert_cmpuint (rig.n_closed, ==, 0);
  send_bytes (&rig, LARGE_BYTES);
  g_assert_cmpuint (rig.n_closed, ==, 1);
  g_assert_nonnull (rig.why);
  rig_clear (&rig);
}

static void
test_queued_never_fits (void)
{
  Rig rig;
  rig_init (&rig);
  for (guint i = 0; i < 40; i++)
    send_bytes (&rig, LARGE_BYTES);
  shrink (&rig);
  for (guint i = 0; i < 40 && rig.n_closed == 0; i++) {
    read_all (&rig);
    iterate (&rig);
  }
  g_assert_cmpuint (rig.n_closed, ==, 1);
  g_assert_nonnull (rig.why);
  rig_clear (&rig);
}

/* A server that is gone is reported by the reading side, and by it alone. */
static void
test_gone (void)
{
  Rig rig;
  rig_init (&rig);
  for (guint i = 0; i < 40; i++)
    send_bytes (&rig, LARGE_BYTES);
  close (rig.server_fd);
  rig.server_fd = -1;
  send_bytes (&rig, 100);
  g_assert_cmpuint (rig.n_closed, ==, 0);
  iterate (&rig);
  g_assert_cmpuint (rig.n_closed, ==, 1);
  g_assert_null (rig.why);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/server-link/slow-reader", test_slow_reader);
  g_test_add_data_func ("/server-link/no-reader/small", GSIZE_TO_POINTER (100), test_no_reader);
  g_test_add_data_func ("/server-link/no-reader/large", GSIZE_TO_POINTER (LARGE_BYTES),
                        test_no_reader);
  g_test_add_func ("/server-link/never-fits", test_never_fits);
  g_test_add_func ("/server-link/queued-never-fits", test_queued_never_fits);
  g_test_add_func ("/server-link/gone", test_gone);
  return g_test_run ();
}
