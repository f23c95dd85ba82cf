#include "ice-tcp.h"

#include "framing.h"
#include "pi-mutex.h"
#include "socket-address.h"
#include "stun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define TOS_EF (46 << 2)
#define BACKLOG 64
#define MAX_EVENTS 64
#define MAX_LISTENERS 32
/* A client sends its first check as soon as it is connected. */
#define FIRST_CHECK_US (5 * G_USEC_PER_SEC)
/* ICE looks after itself every few seconds. */
#define IDLE_US (30 * G_USEC_PER_SEC)
#define SWEEP_MS 500
#define RETRY_US 10000
/* Without a check yet; one address may have an office behind it. */
#define MAX_PENDING 256
#define MAX_PENDING_PER_ADDRESS 32
/* A client makes one per address of ours. */
#define MAX_PER_CALL 16
/* More than a second of voice that is late is of no use to anybody. */
#define MAX_UNSENT 8192
/* The kernel's part of the same, bytes. */
#define SEND_BUFFER 16384

/* What a call is reached by. */
typedef struct {
  RpSocketAddress udp;
  guint connections;
  guint64 number; /* of this entry: its ufrag may come again */
} Call;

typedef enum { WATCH_LISTENER, WATCH_WAKE, WATCH_TCP, WATCH_UDP } WatchKind;

typedef struct _Link Link;

/* What an epoll event is about. */
typedef struct {
  WatchKind kind;
  int fd;
  Link *link; /* (nullable) */
} Watch;

/* One connection. */
struct _Link {
  Watch tcp;
  Watch udp; /* fd -1 until the first check */
  struct in6_addr from;
  char *ufrag; /* (nullable) */
  guint64 call_number;
  gint64 opened_us;
  gint64 heard_us;
  RpFraming in;
  guint8 unsent[MAX_UNSENT];
  gsize unsent_len;
  gboolean writing; /* waits for room */
  gboolean dead;
};

struct _RpIceTcp {
  GThread *thread;
  int epoll;
  Watch wake;
  Watch listeners[MAX_LISTENERS];
  guint n_listeners;
  guint16 port;
  guint max_connections;
  gint stopping;

  RpPiMutex lock;
  GHashTable *calls; /* under the lock: ufrag → Call */
  guint64 next_number;
  RpIceTcpCounters counters; /* under the lock */

  GPtrArray *links; /* the thread's own */
};

static void
count (RpIceTcp *tcp, guint64 *counter)
{
  rp_pi_mutex_lock (&tcp->lock);
  (*counter)++;
  rp_pi_mutex_unlock (&tcp->lock);
}

static gboolean
watch (RpIceTcp *tcp, Watch *watch, guint events)
{
  struct epoll_event event = {.events = events, .data.ptr = watch};
  return epoll_ctl (tcp->epoll, EPOLL_CTL_ADD, watch->fd, &event) == 0;
}

static void
link_free (gpointer data)
{
  Link *link = data;
  close (link->tcp.fd);
  if (link->udp.fd >= 0)
    close (link->udp.fd);
  g_free (link->ufrag);
  g_free (link);
}

/* --- from the call to the client --- */

static void
wait_for_room (RpIceTcp *tcp, Link *link, gboolean wait)
{
  if (link->writing == wait)
    return;
  struct epoll_event event = {.events = EPOLLIN | (wait ? EPOLLOUT : 0), .data.ptr = &link->tcp};
  link->writing = wait;
  if (epoll_ctl (tcp->epoll, EPOLL_CTL_MOD, link->tcp.fd, &event) != 0)
    link->dead = TRUE;
}

static void
flush (RpIceTcp *tcp, Link *link)
{
  gssize sent = send (link->tcp.fd, link->unsent, link->unsent_len, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) {
    link->dead = TRUE;
    return;
  }
  if (sent > 0) {
    link->unsent_len -= (gsize) sent;
    memmove (link->unsent, link->unsent + sent, link->unsent_len);
  }
  wait_for_room (tcp, link, link->unsent_len > 0);
}

static void
on_udp (RpIceTcp *tcp, Link *link)
{
  guint8 packet[RP_FRAMING_HEADER_BYTES + RP_FRAMING_MAX_BYTES];
  for (;;) {
    gssize len = recv (link->udp.fd, packet + RP_FRAMING_HEADER_BYTES, RP_FRAMING_MAX_BYTES, 0);
    if (len < 0) {
      /* Refused: the call's socket has gone, and the call with it, or will be replaced. */
      if (errno == ECONNREFUSED)
        continue;
      break;
    }
    gsize whole = RP_FRAMING_HEADER_BYTES + (gsize) len;
    if (sizeof link->unsent - link->unsent_len < whole) {
      count (tcp, &tcp->counters.dropped);
      continue;
    }
    packet[0] = (guint8) (len >> 8);
    packet[1] = (guint8) len;
    memcpy (link->unsent + link->unsent_len, packet, whole);
    link->unsent_len += whole;
  }
  if (link->unsent_len > 0 && !link->writing)
    flush (tcp, link);
}

/* --- from the client to the call --- */

/* Finds the call by the first check. */
static gboolean
join_call (RpIceTcp *tcp, Link *link, const guint8 *packet, gsize len)
{
  RpStunMessage message;
  RpSocketAddress udp = {.any.sa_family = AF_UNSPEC};
  if (!rp_stun_parse (packet, len, &message) || message.method != RP_STUN_BINDING ||
      message.class_ != RP_STUN_REQUEST)
    return FALSE;
  /* Ours stands before the colon. */
  char *colon = strchr (message.username, ':');
  if (colon == NULL)
    return FALSE;
  *colon = '\0';
  rp_pi_mutex_lock (&tcp->lock);
  Call *call = g_hash_table_lookup (tcp->calls, message.username);
  if (call != NULL && call->connections < MAX_PER_CALL) {
    call->connections++;
    udp = call->udp;
    link->call_number = call->number;
    link->ufrag = g_strdup (message.username);
  }
  rp_pi_mutex_unlock (&tcp->lock);
  if (link->ufrag == NULL)
    return FALSE;
  link->udp.fd = socket (udp.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  return link->udp.fd >= 0 &&
         connect (link->udp.fd, &udp.any, rp_socket_address_size (&udp)) == 0 &&
         watch (tcp, &link->udp, EPOLLIN);
}

static void
leave_call (RpIceTcp *tcp, Link *link)
{
  rp_pi_mutex_lock (&tcp->lock);
  Call *call = link->ufrag != NULL ? g_hash_table_lookup (tcp->calls, link->ufrag) : NULL;
  if (call != NULL && call->number == link->call_number)
    call->connections--;
  tcp->counters.open--;
  rp_pi_mutex_unlock (&tcp->lock);
}

static gboolean
take_packets (RpIceTcp *tcp, Link *link)
{
  guint8 *packet;
  gsize len;
  RpFramingResult result;
  while ((result = rp_framing_poll (&link->in, &packet, &len)) == RP_FRAMING_PACKET) {
    if (link->ufrag == NULL && !join_call (tcp, link, packet, len))
      return FALSE;
    /* A full socket drops it, as UDP does. */
    (void) send (link->udp.fd, packet, len, 0);
  }
  return result == RP_FRAMING_MORE;
}

static void
on_tcp (RpIceTcp *tcp, Link *link, guint events)
{
  if (events & EPOLLOUT)
    flush (tcp, link);
  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
    return;
  gsize room;
  guint8 *at = rp_framing_room (&link->in, &room);
  gssize n = recv (link->tcp.fd, at, room, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0) {
    link->dead = TRUE;
    return;
  }
  link->heard_us = g_get_monotonic_time ();
  rp_framing_filled (&link->in, (gsize) n);
  if (!take_packets (tcp, link)) {
    count (tcp, &tcp->counters.refused);
    link->dead = TRUE;
  }
}

/* --- connections --- */

/* Who it is, as far as clients are told apart: of IPv6 a subscriber has a whole /64. */
static void
read_address (const RpSocketAddress *address, struct in6_addr *out)
{
  memset (out, 0, sizeof *out);
  if (address->any.sa_family == AF_INET6) {
    *out = address->v6.sin6_addr;
    if (!IN6_IS_ADDR_V4MAPPED (out))
      memset (out->s6_addr + 8, 0, 8);
    return;
  }
  out->s6_addr[10] = out->s6_addr[11] = 0xff;
  memcpy (out->s6_addr + 12, &address->v4.sin_addr, 4);
}

static gboolean
may_come (const RpIceTcp *tcp, const struct in6_addr *from)
{
  guint pending = 0, same = 0;
  for (guint i = 0; i < tcp->links->len; i++) {
    const Link *link = g_ptr_array_index (tcp->links, i);
    if (link->ufrag != NULL)
      continue;
    pending++;
    same += memcmp (&link->from, from, sizeof *from) == 0;
  }
  return tcp->links->len < tcp->max_connections && pending < MAX_PENDING &&
         same < MAX_PENDING_PER_ADDRESS;
}

static void
on_listener (RpIceTcp *tcp, int fd)
{
  RpSocketAddress address;
  socklen_t size = sizeof address;
  const int on = 1, tos = TOS_EF, buffer = SEND_BUFFER;
  struct in6_addr from;
  int client = accept4 (fd, &address.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (client < 0) {
    /* Out of descriptors or memory: it stays in the queue, and is not asked about again at once. */
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      g_usleep (RETRY_US);
    return;
  }
  read_address (&address, &from);
  if (!may_come (tcp, &from)) {
    count (tcp, &tcp->counters.refused);
    close (client);
    return;
  }
  setsockopt (client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt (client, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  /* An IPv4 client of an IPv6 socket needs the former, too. */
  setsockopt (client, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
  setsockopt (client, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
  Link *link = g_new0 (Link, 1);
  link->tcp = (Watch){WATCH_TCP, client, link};
  link->udp = (Watch){WATCH_UDP, -1, link};
  link->from = from;
  link->opened_us = link->heard_us = g_get_monotonic_time ();
  link->dead = !watch (tcp, &link->tcp, EPOLLIN);
  g_ptr_array_add (tcp->links, link);
  rp_pi_mutex_lock (&tcp->lock);
  tcp->counters.accepted++;
  tcp->counters.open++;
  rp_pi_mutex_unlock (&tcp->lock);
}

static gboolean
is_over (RpIceTcp *tcp, const Link *link, gint64 now_us)
{
  if (link->ufrag == NULL)
    return now_us - link->opened_us > FIRST_CHECK_US;
  rp_pi_mutex_lock (&tcp->lock);
  const Call *call = g_hash_table_lookup (tcp->calls, link->ufrag);
  gboolean gone = call == NULL || call->number != link->call_number;
  rp_pi_mutex_unlock (&tcp->lock);
  return gone || now_us - link->heard_us > IDLE_US;
}

static void
sweep (RpIceTcp *tcp, gboolean all)
{
  gint64 now_us = g_get_monotonic_time ();
  for (guint i = 0; i < tcp->links->len;) {
    Link *link = g_ptr_array_index (tcp->links, i);
    if (!link->dead && all && is_over (tcp, link, now_us)) {
      if (link->ufrag == NULL)
        count (tcp, &tcp->counters.refused);
      link->dead = TRUE;
    }
    if (!link->dead) {
      i++;
      continue;
    }
    leave_call (tcp, link);
    g_ptr_array_remove_index_fast (tcp->links, i);
  }
}

static void
dispatch (RpIceTcp *tcp, const struct epoll_event *event)
{
  const Watch *about = event->data.ptr;
  guint64 value;
  switch (about->kind) {
  case WATCH_LISTENER:
    on_listener (tcp, about->fd);
    break;
  case WATCH_WAKE:
    if (read (about->fd, &value, sizeof value) < 0 && errno != EAGAIN)
      g_atomic_int_set (&tcp->stopping, TRUE);
    break;
  case WATCH_TCP:
    if (!about->link->dead)
      on_tcp (tcp, about->link, event->events);
    break;
  case WATCH_UDP:
    if (!about->link->dead)
      on_udp (tcp, about->link);
    break;
  }
}

static gpointer
thread_main (gpointer data)
{
  RpIceTcp *tcp = data;
  struct epoll_event events[MAX_EVENTS];
  gint64 sweep_us = 0;
  while (!g_atomic_int_get (&tcp->stopping)) {
    int n = epoll_wait (tcp->epoll, events, MAX_EVENTS, tcp->links->len > 0 ? SWEEP_MS : -1);
    for (int i = 0; i < n; i++)
      dispatch (tcp, &events[i]);
    gint64 now_us = g_get_monotonic_time ();
    gboolean all = now_us >= sweep_us;
    if (all)
      sweep_us = now_us + SWEEP_MS * 1000;
    sweep (tcp, all);
  }
  return NULL;
}

/* --- life --- */

static gboolean
listen_on (RpIceTcp *tcp, const RpSocketAddress *address)
{
  const int on = 1, off = 0;
  RpSocketAddress bound;
  socklen_t size = sizeof bound;
  int fd = socket (address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return FALSE;
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address->any.sa_family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY,
                IN6_IS_ADDR_UNSPECIFIED (&address->v6.sin6_addr) ? &off : &on, sizeof on);
  Watch *listener = &tcp->listeners[tcp->n_listeners];
  *listener = (Watch){WATCH_LISTENER, fd, NULL};
  if (bind (fd, &address->any, rp_socket_address_size (address)) != 0 ||
      listen (fd, BACKLOG) != 0 || getsockname (fd, &bound.any, &size) != 0 ||
      !watch (tcp, listener, EPOLLIN)) {
    int saved = errno;
    close (fd);
    errno = saved;
    return FALSE;
  }
  tcp->n_listeners++;
  tcp->port = ntohs (bound.any.sa_family == AF_INET ? bound.v4.sin_port : bound.v6.sin6_port);
  return TRUE;
}

static gboolean
listen_all (RpIceTcp *tcp, const RpIceTcpConfig *config, GError **error)
{
  static const char *const everywhere[] = {"::", NULL};
  static const char *const v4_only[] = {"0.0.0.0", NULL};
  gboolean any = config->addresses == NULL || config->addresses[0] == NULL;
  const char *const *addresses = any ? everywhere : config->addresses;
  tcp->port = config->port;
  for (guint i = 0; addresses[i] != NULL && i < MAX_LISTENERS; i++) {
    RpSocketAddress address;
    if (rp_socket_address_parse (addresses[i], tcp->port, &address) && listen_on (tcp, &address))
      continue;
    /* A kernel without IPv6. */
    if (any && addresses == everywhere && errno == EAFNOSUPPORT) {
      addresses = v4_only;
      i = G_MAXUINT;
      continue;
    }
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
                 "cannot listen on TCP port %u of %s: %s", tcp->port, addresses[i],
                 g_strerror (errno));
    return FALSE;
  }
  return TRUE;
}

RpIceTcp *
rp_ice_tcp_new (const RpIceTcpConfig *config, GError **error)
{
  g_autoptr (RpIceTcp) tcp = g_new0 (RpIceTcp, 1);
  rp_pi_mutex_init (&tcp->lock);
  tcp->calls = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  tcp->links = g_ptr_array_new_with_free_func (link_free);
  tcp->max_connections = config->max_connections;
  tcp->epoll = epoll_create1 (EPOLL_CLOEXEC);
  tcp->wake = (Watch){WATCH_WAKE, eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC), NULL};
  if (tcp->epoll < 0 || tcp->wake.fd < 0 || !watch (tcp, &tcp->wake, EPOLLIN)) {
    g_set_error_literal (error, G_IO_ERROR, g_io_error_from_errno (errno), g_strerror (errno));
    return NULL;
  }
  if (!listen_all (tcp, config, error))
    return NULL;
  tcp->thread = g_thread_new ("ice-tcp", thread_main, tcp);
  return g_steal_pointer (&tcp);
}

void
rp_ice_tcp_free (RpIceTcp *tcp)
{
  const guint64 one = 1;
  if (tcp == NULL)
    return;
  if (tcp->thread != NULL) {
    g_atomic_int_set (&tcp->stopping, TRUE);
    if (write (tcp->wake.fd, &one, sizeof one) != sizeof one)
      g_assert_not_reached (); /* an eventfd of ours has room for it */
    g_thread_join (tcp->thread);
  }
  g_ptr_array_unref (tcp->links);
  for (guint i = 0; i < tcp->n_listeners; i++)
    close (tcp->listeners[i].fd);
  if (tcp->wake.fd >= 0)
    close (tcp->wake.fd);
  if (tcp->epoll >= 0)
    close (tcp->epoll);
  g_hash_table_unref (tcp->calls);
  rp_pi_mutex_clear (&tcp->lock);
  g_free (tcp);
}

guint16
rp_ice_tcp_port (const RpIceTcp *tcp)
{
  return tcp->port;
}

gboolean
rp_ice_tcp_add (RpIceTcp *tcp, const char *ufrag, const char *address, guint16 port)
{
  Call call = {0};
  if (!rp_socket_address_parse (address, port, &call.udp))
    return FALSE;
  rp_pi_mutex_lock (&tcp->lock);
  gboolean is_new = !g_hash_table_contains (tcp->calls, ufrag);
  if (is_new) {
    call.number = ++tcp->next_number;
    g_hash_table_insert (tcp->calls, g_strdup (ufrag), g_memdup2 (&call, sizeof call));
  }
  rp_pi_mutex_unlock (&tcp->lock);
  return is_new;
}

void
rp_ice_tcp_remove (RpIceTcp *tcp, const char *ufrag)
{
  rp_pi_mutex_lock (&tcp->lock);
  g_hash_table_remove (tcp->calls, ufrag);
  rp_pi_mutex_unlock (&tcp->lock);
}

void
rp_ice_tcp_counters (RpIceTcp *tcp, RpIceTcpCounters *out)
{
  rp_pi_mutex_lock (&tcp->lock);
  *out = tcp->counters;
  rp_pi_mutex_unlock (&tcp->lock);
}
