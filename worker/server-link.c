#define _GNU_SOURCE /* SO_SNDBUFFORCE */

#include "server-link.h"

#include "ready-source.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

/* Input that waited while the process was stopped is worked off in pieces. */
#define MAX_FRAMES_PER_TURN 32
/* Two minutes of speech: the server reads every 2 ms, so it is dead long before this is full. */
#define MAX_QUEUED_FRAMES 6000
/* Sixty of the largest. */
#define MAX_QUEUED_BYTES (8 * 1024 * 1024)
#define SOCKET_BUFFER_BYTES (1024 * 1024)

struct _RpServerLink {
  int fd;
  GMainContext *context;
  const RpServerLinkEvents *events;
  gpointer user_data;
  GSource *readable;
  GSource *writable; /* NULL unless frames wait */
  RpFrameReceiver receiver;
  guint32 next_seq;
  GQueue queue; /* of GBytes */
  gsize queued_bytes;
  gboolean is_closed;
  guint8 buffer[RP_FRAME_MAX_BYTES];
};

static GSource *
watch (RpServerLink *link, GIOCondition condition, GUnixFDSourceFunc func)
{
  GSource *source = g_unix_fd_source_new (link->fd, condition);
  /* Nobody iterates the context from inside, and a source that may not recurse is taken out of the
   * poll for each dispatch, which wakes the context up once more: five system calls per frame. */
  g_source_set_can_recurse (source, TRUE);
  g_source_set_callback (source, G_SOURCE_FUNC (func), link, NULL);
  g_source_attach (source, link->context);
  return source;
}

void
rp_server_link_fail (RpServerLink *link, const char *why)
{
  if (link->is_closed)
    return;
  link->is_closed = TRUE;
  rp_ready_source_clear (&link->readable);
  rp_ready_source_clear (&link->writable);
  g_queue_clear_full (&link->queue, (GDestroyNotify) g_bytes_unref);
  link->events->closed (why, link->user_data);
}

static void
answer_ping (RpServerLink *link, const RpFrame *ping)
{
  rp_server_link_send (link, RP_FRAME_PONG, ping->payload, ping->len);
  if (!link->is_closed && link->events->pinged != NULL)
    link->events->pinged (link->user_data);
}

/* Returns: FALSE when there is no more. */
static gboolean
read_one (RpServerLink *link)
{
  ssize_t n;
  do {
    n = recv (link->fd, link->buffer, sizeof link->buffer, MSG_DONTWAIT | MSG_TRUNC);
  } while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN)
    return FALSE;
  RpFrame frame;
  g_autoptr (GError) error = NULL;
  if (n <= 0)
    rp_server_link_fail (link, NULL);
  else if ((gsize) n > sizeof link->buffer)
    rp_server_link_fail (link, "a message longer than any frame");
  else if (!rp_frame_receive (&link->receiver, link->buffer, (gsize) n, &frame, &error))
    rp_server_link_fail (link, error->message);
  else if (frame.type == RP_FRAME_PING)
    answer_ping (link, &frame);
  else
    link->events->frame (&frame, link->user_data);
  return !link->is_closed;
}

static gboolean
on_readable (gint fd, GIOCondition condition, gpointer data)
{
  (void) fd;
  (void) condition;
  RpServerLink *link = data;
  for (guint i = 0; i < MAX_FRAMES_PER_TURN && read_one (link); i++)
    ;
  return link->is_closed ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

RpServerLink *
rp_server_link_new (int fd, GMainContext *context, const RpServerLinkEvents *events,
                    gpointer user_data)
{
  RpServerLink *link = g_new0 (RpServerLink, 1);
  link->fd = fd;
  link->context = g_main_context_ref (context);
  link->events = events;
  link->user_data = user_data;
  rp_frame_receiver_init (&link->receiver, RP_FRAME_TO_WORKER);
  g_queue_init (&link->queue);
  int bytes = SOCKET_BUFFER_BYTES;
  if (setsockopt (fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
    (void) setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  link->readable = watch (link, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable);
  return link;
}

void
rp_server_link_free (RpServerLink *link)
{
  if (link == NULL)
    return;
  rp_ready_source_clear (&link->readable);
  rp_ready_source_clear (&link->writable);
  g_queue_clear_full (&link->queue, (GDestroyNotify) g_bytes_unref);
  g_main_context_unref (link->context);
  close (link->fd);
  g_free (link);
}

/* Returns: FALSE when the socket is full. What a closed socket does not take is lost with it; the
 * reading side reports that. What no socket would take ends the link: the server would miss it. */
static gboolean
try_send (RpServerLink *link, const void *bytes, gsize len)
{
  ssize_t sent;
  do {
    sent = send (link->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0 || errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
    return TRUE;
  if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
    return FALSE;
  rp_server_link_fail (link, errno == EMSGSIZE ? "a frame is larger than the socket's buffer"
                                               : "the socket takes no frames");
  return TRUE;
}

static gboolean
on_writable (gint fd, GIOCondition condition, gpointer data)
{
  (void) fd;
  (void) condition;
  RpServerLink *link = data;
  GBytes *frame;
  while ((frame = g_queue_peek_head (&link->queue)) != NULL) {
    gsize len = 0;
    const void *bytes = g_bytes_get_data (frame, &len);
    if (!try_send (link, bytes, len))
      return G_SOURCE_CONTINUE;
    if (link->is_closed)
      return G_SOURCE_REMOVE;
    link->queued_bytes -= len;
    g_bytes_unref (g_queue_pop_head (&link->queue));
  }
  rp_ready_source_clear (&link->writable);
  return G_SOURCE_REMOVE;
}

void
rp_server_link_send (RpServerLink *link, RpFrameType type, const void *payload, gsize len)
{
  if (link->is_closed)
    return;
  guint8 small[2048];
  gsize size = RP_FRAME_HEADER_BYTES + len;
  g_autofree guint8 *large = size > sizeof small ? g_malloc (size) : NULL;
  guint8 *frame = large != NULL ? large : small;
  size =
      rp_frame_write (frame, size, type, link->next_seq++, g_get_monotonic_time (), payload, len);
  if (g_queue_is_empty (&link->queue) && try_send (link, frame, size))
    return;
  if (link->queue.length >= MAX_QUEUED_FRAMES || link->queued_bytes + size > MAX_QUEUED_BYTES) {
    rp_server_link_fail (link, "the server does not read its socket");
    return;
  }
  g_queue_push_tail (&link->queue, g_bytes_new (frame, size));
  link->queued_bytes += size;
  if (link->writable == NULL)
    link->writable = watch (link, G_IO_OUT, on_writable);
}

void
rp_server_link_send_u32 (RpServerLink *link, RpFrameType type, guint32 value)
{
  guint8 payload[4];
  rp_server_link_send (link, type, payload, rp_frame_write_u32 (payload, value));
}
