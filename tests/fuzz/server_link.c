/* What the server sends, through a worker's socket: messages of u16 length and bytes. The worker's
 * end is closed once, for a reason, and no frame comes after that. */
#include "server-link.h"

#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

typedef struct {
  RpServerLink *link;
  guint n_closed;
} State;

static void
on_frame (const RpFrame *frame, gpointer data)
{
  State *s = data;
  g_assert_cmpuint (s->n_closed, ==, 0);
  g_assert_true (frame->type != RP_FRAME_PING && frame->len <= RP_FRAME_MAX_PAYLOAD_BYTES);
  if (frame->type == RP_FRAME_END)
    rp_server_link_send_u32 (s->link, RP_FRAME_FLUSH, 1);
  if (frame->type == RP_FRAME_CLIENT && frame->len == 0)
    rp_server_link_fail (s->link, "empty");
}

static void
on_closed (const char *why, gpointer data)
{
  State *s = data;
  g_assert_cmpuint (++s->n_closed, ==, 1);
}

static const RpServerLinkEvents events = {.frame = on_frame, .closed = on_closed};

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  int fds[2];
  State s = {0};
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), ==, 0);
  g_autoptr (GMainContext) context = g_main_context_new ();
  s.link = rp_server_link_new (fds[0], context, &events, &s);
  while (size >= 2) {
    gsize len = MIN ((gsize) data[0] | (gsize) data[1] << 8, size - 2);
    /* An empty message looks like the end of the socket. */
    if (len > 0 && send (fds[1], data + 2, len, MSG_NOSIGNAL) < 0)
      g_main_context_iteration (context, FALSE);
    data += 2 + len, size -= 2 + len;
  }
  close (fds[1]);
  for (guint i = 0; i < 100 && s.n_closed == 0; i++)
    g_main_context_iteration (context, FALSE);
  g_assert_cmpuint (s.n_closed, ==, 1);
  rp_server_link_free (s.link);
  return 0;
}
