#include "ice-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Larger ones are left to libnice. */
#define MAX_DATAGRAM_BYTES 2048
/* From one socket in one go; the rest is the next tick's, so that nobody's flood is another's
 * silence. */
#define MAX_DATAGRAMS 32
/* RFC 7983: the first byte of STUN. */
#define LAST_STUN_BYTE 3

typedef union {
  struct sockaddr any;
  struct sockaddr_in in;
  struct sockaddr_in6 in6;
} Address;

/* libnice closes a socket that fails, and another file may then have its number: we use a
 * descriptor of our own. */
typedef struct {
  gint libnice_fd;
  gint fd;
} Watched;

struct _RpIceSocket {
  RpLoop *loop;
  GMainContext *context;
  RpIceDatagram datagram;
  gpointer user_data;
  GArray *watched; /* of Watched */
  gint fd;         /* of the selected pair; -1 = none */
  Address remote;
};

static gsize
address_bytes (sa_family_t family)
{
  return family == AF_INET6 ? sizeof (struct sockaddr_in6) : sizeof (struct sockaddr_in);
}

static gboolean
is_same (const Address *a, const Address *b)
{
  if (a->any.sa_family != b->any.sa_family)
    return FALSE;
  if (a->any.sa_family == AF_INET)
    return a->in.sin_port == b->in.sin_port && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
  return a->in6.sin6_port == b->in6.sin6_port &&
         memcmp (&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof a->in6.sin6_addr) == 0;
}

RpIceSocket *
rp_ice_socket_new (RpLoop *loop, RpIceDatagram datagram, gpointer user_data)
{
  RpIceSocket *self = g_new0 (RpIceSocket, 1);
  self->loop = loop;
  self->context = g_main_context_new ();
  self->datagram = datagram;
  self->user_data = user_data;
  self->watched = g_array_new (FALSE, FALSE, sizeof (Watched));
  self->fd = -1;
  return self;
}

void
rp_ice_socket_free (RpIceSocket *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->watched->len; i++) {
    gint fd = g_array_index (self->watched, Watched, i).fd;
    rp_loop_unwatch_fd (self->loop, fd);
    close (fd);
  }
  g_array_unref (self->watched);
  g_main_context_unref (self->context);
  g_free (self);
}

GMainContext *
rp_ice_socket_context (const RpIceSocket *self)
{
  return self->context;
}

typedef enum {
  FOUND_NOTHING,
  FOUND_OURS,
  FOUND_LIBNICES, /* left in the socket */
} Found;

static Found
take_one (RpIceSocket *self, gint fd)
{
  guint8 data[MAX_DATAGRAM_BYTES];
  Address from;
  socklen_t from_len = sizeof from;

  from.any.sa_family = AF_UNSPEC;
  ssize_t n =
      recvfrom (fd, data, sizeof data, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT, &from.any, &from_len);
  if (n < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? FOUND_NOTHING
                                                                     : FOUND_LIBNICES;
  /* libnice reads no further than to an empty one, which anybody may send. */
  if (n > 0 && ((gsize) n > sizeof data || data[0] <= LAST_STUN_BYTE || fd != self->fd ||
                !is_same (&from, &self->remote)))
    return FOUND_LIBNICES;
  (void) recv (fd, data, 0, MSG_DONTWAIT); /* takes the same one off the queue */
  if (n > 0)
    self->datagram (data, (gsize) n, self->user_data);
  return FOUND_OURS;
}

static void
on_socket (gint fd, guint32 events, gpointer data)
{
  RpIceSocket *self = data;

  for (guint i = 0; i < MAX_DATAGRAMS; i++) {
    Found found = take_one (self, fd);
    if (found == FOUND_NOTHING)
      break;
    /* Without one of its sources for it libnice does not want this socket any more. */
    if (found == FOUND_LIBNICES && !g_main_context_iteration (self->context, FALSE))
      break;
  }
}

gboolean
rp_ice_socket_watch (RpIceSocket *self, const GPtrArray *sockets)
{
  for (guint i = 0; i < sockets->len; i++) {
    Watched watched = {.libnice_fd = g_socket_get_fd (g_ptr_array_index (sockets, i))};
    watched.fd = fcntl (watched.libnice_fd, F_DUPFD_CLOEXEC, 0);
    if (watched.fd < 0)
      return FALSE;
    if (!rp_loop_watch_fd (self->loop, watched.fd, on_socket, self)) {
      close (watched.fd);
      return FALSE;
    }
    g_array_append_val (self->watched, watched);
  }
  return TRUE;
}

void
rp_ice_socket_select (RpIceSocket *self, GSocket *socket, const struct sockaddr *remote)
{
  self->fd = -1;
  if (socket == NULL || (remote->sa_family != AF_INET && remote->sa_family != AF_INET6))
    return;
  memcpy (&self->remote, remote, address_bytes (remote->sa_family));
  for (guint i = 0; i < self->watched->len; i++)
    if (g_array_index (self->watched, Watched, i).libnice_fd == g_socket_get_fd (socket))
      self->fd = g_array_index (self->watched, Watched, i).fd;
}

gboolean
rp_ice_socket_is_selected (const RpIceSocket *self)
{
  return self->fd >= 0;
}

gboolean
rp_ice_socket_send (RpIceSocket *self, const guint8 *data, gsize len)
{
  ssize_t sent;
  do {
    sent = sendto (self->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL, &self->remote.any,
                   (socklen_t) address_bytes (self->remote.any.sa_family));
  } while (sent < 0 && errno == EINTR);
  return sent == (ssize_t) len;
}
