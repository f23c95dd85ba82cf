#include "sockets.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define EPOLL_BATCH 256
/* Of one drain: what still comes then waits for the next tick. */
#define MAX_ROUNDS 32
#define MAX_DATAGRAM 2048
/* EF (RFC 3246), as browsers send audio. */
#define TOS_EF (46 << 2)

struct _RpLoadSockets {
  RpLoop *loop;
  gint epoll_fd;
  gint64 realtime_ahead_us; /* of the monotonic clock, as of the last look */
  gboolean draining;
  GPtrArray *dead; /* closed during a drain, whose batch may still name them */
};

struct _RpLoadSocket {
  RpLoadSockets *set;
  gint fd; /* -1 = closed */
  gboolean eager;
  guint16 port;
  RpLoadDatagramFunc func;
  gpointer user_data;
};

static void
look_at_clocks (RpLoadSockets *sockets)
{
  sockets->realtime_ahead_us = g_get_real_time () - g_get_monotonic_time ();
}

RpLoadSockets *
rp_load_sockets_new (RpLoop *loop, GError **error)
{
  gint fd = epoll_create1 (EPOLL_CLOEXEC);
  if (fd < 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "epoll: %s", g_strerror (errno));
    return NULL;
  }
  RpLoadSockets *sockets = g_new0 (RpLoadSockets, 1);
  sockets->loop = loop;
  sockets->epoll_fd = fd;
  sockets->dead = g_ptr_array_new_with_free_func (g_free);
  return sockets;
}

void
rp_load_sockets_free (RpLoadSockets *sockets)
{
  if (!sockets)
    return;
  close (sockets->epoll_fd);
  g_ptr_array_unref (sockets->dead);
  g_free (sockets);
}

static gint64
arrival (const RpLoadSockets *sockets, struct msghdr *message)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR (message); c; c = CMSG_NXTHDR (message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
      struct timespec at;
      memcpy (&at, CMSG_DATA (c), sizeof at);
      return (gint64) at.tv_sec * G_USEC_PER_SEC + at.tv_nsec / 1000 - sockets->realtime_ahead_us;
    }
  }
  return g_get_monotonic_time ();
}

/* One datagram, if there is one. Level triggered: the rest is reported again. */
static void
receive (RpLoadSocket *socket)
{
  guint8 data[MAX_DATAGRAM];
  _Alignas(struct cmsghdr) guint8 control[CMSG_SPACE (sizeof (struct timespec))];
  struct sockaddr_in from;
  struct iovec part = {.iov_base = data, .iov_len = sizeof data};
  struct msghdr message = {.msg_name = &from,
                           .msg_namelen = sizeof from,
                           .msg_iov = &part,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof control};

  ssize_t n = recvmsg (socket->fd, &message, MSG_DONTWAIT);
  if (n > 0 && !(message.msg_flags & MSG_TRUNC))
    socket->func (data, (gsize) n, &from, arrival (socket->set, &message), socket->user_data);
}

void
rp_load_sockets_drain (RpLoadSockets *sockets)
{
  struct epoll_event events[EPOLL_BATCH];
  gint n = EPOLL_BATCH;

  look_at_clocks (sockets);
  sockets->draining = TRUE;
  for (guint round = 0; n > 0 && round < MAX_ROUNDS; round++) {
    n = epoll_wait (sockets->epoll_fd, events, EPOLL_BATCH, 0);
    for (gint i = 0; i < n; i++) {
      RpLoadSocket *socket = events[i].data.ptr;
      if (socket->fd >= 0)
        receive (socket);
    }
  }
  sockets->draining = FALSE;
  g_ptr_array_set_size (sockets->dead, 0);
}

static void
on_eager (gint fd, guint32 events, gpointer data)
{
  RpLoadSocket *socket = data;
  RpLoadSockets *sockets = socket->set;

  look_at_clocks (sockets);
  sockets->draining = TRUE;
  receive (socket);
  sockets->draining = FALSE;
  g_ptr_array_set_size (sockets->dead, 0);
}

static gint
open_socket (struct in_addr address, guint16 *out_port)
{
  struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr = address};
  socklen_t len = sizeof local;
  int on = 1;
  int tos = TOS_EF;

  gint fd = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    return -1;
  if (bind (fd, (struct sockaddr *) &local, sizeof local) != 0 ||
      getsockname (fd, (struct sockaddr *) &local, &len) != 0 ||
      setsockopt (fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0) {
    int saved = errno;
    close (fd);
    errno = saved;
    return -1;
  }
  /* Without it the packets flow as well. */
  (void) setsockopt (fd, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
  *out_port = g_ntohs (local.sin_port);
  return fd;
}

RpLoadSocket *
rp_load_socket_new (RpLoadSockets *sockets, struct in_addr address, RpLoadDatagramFunc func,
                    gpointer user_data, GError **error)
{
  guint16 port = 0;
  gint fd = open_socket (address, &port);

  if (fd < 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "UDP socket: %s",
                 g_strerror (errno));
    return NULL;
  }
  RpLoadSocket *socket = g_new0 (RpLoadSocket, 1);
  *socket = (RpLoadSocket){
      .set = sockets, .fd = fd, .eager = TRUE, .port = port, .func = func, .user_data = user_data};
  if (!rp_loop_watch_fd (sockets->loop, fd, on_eager, socket)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "UDP socket: cannot be watched");
    close (fd);
    g_free (socket);
    return NULL;
  }
  return socket;
}

void
rp_load_socket_close (RpLoadSocket *socket)
{
  if (!socket)
    return;
  if (socket->eager)
    rp_loop_unwatch_fd (socket->set->loop, socket->fd);
  close (socket->fd); /* which takes it out of the epoll set, too */
  socket->fd = -1;
  if (socket->set->draining)
    g_ptr_array_add (socket->set->dead, socket);
  else
    g_free (socket);
}

guint16
rp_load_socket_port (const RpLoadSocket *socket)
{
  return socket->port;
}

void
rp_load_socket_relax (RpLoadSocket *socket)
{
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = socket};

  if (!socket->eager)
    return;
  if (epoll_ctl (socket->set->epoll_fd, EPOLL_CTL_ADD, socket->fd, &event) != 0)
    return; /* it stays eager, which costs CPU alone */
  rp_loop_unwatch_fd (socket->set->loop, socket->fd);
  socket->eager = FALSE;
}

gboolean
rp_load_socket_send (RpLoadSocket *socket, const guint8 *data, gsize len,
                     const struct sockaddr_in *to)
{
  return sendto (socket->fd, data, len, MSG_DONTWAIT, (const struct sockaddr *) to, sizeof *to) ==
         (ssize_t) len;
}
