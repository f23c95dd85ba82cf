#include "relay.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MAX_DATAGRAM 65536
/* An outage that never comes. */
#define NEVER_US (G_MAXINT64 / 4)

/* One direction: in at one socket, through the network, out at the other. */
typedef struct {
  GSocket *from;
  GSocket *to;
  GSocketAddress *target; /* (nullable): not known yet, what arrives is lost */
  RpNetem *netem;
} Direction;

struct _RpRelay {
  GMutex lock;
  RpImpair impair;
  guint32 seed_offset;
  GSocket *caller_side;
  GSocket *server_side;
  Direction out;
  Direction in;
  GThread *thread;
  int wake; /* eventfd: something has changed */
  gboolean stopping;
};

static gint64
forward (Direction *direction, gint64 now_us)
{
  GBytes *datagram;
  while ((datagram = rp_netem_poll (direction->netem, now_us)) != NULL) {
    gsize len = 0;
    const char *bytes = g_bytes_get_data (datagram, &len);
    if (direction->target != NULL)
      g_socket_send_to (direction->to, direction->target, bytes, len, NULL, NULL);
    g_bytes_unref (datagram);
  }
  return rp_netem_deadline (direction->netem);
}

/* @sender: (nullable) (inout): replaced by where the last datagram came from. */
static void
receive (Direction *direction, guint8 *buffer, GSocketAddress **sender, gint64 now_us)
{
  for (;;) {
    g_autoptr (GSocketAddress) address = NULL;
    gssize n = g_socket_receive_from (direction->from, sender != NULL ? &address : NULL,
                                      (char *) buffer, MAX_DATAGRAM, NULL, NULL);
    if (n < 0)
      return;
    if (address != NULL) {
      g_clear_object (sender);
      *sender = g_steal_pointer (&address);
    }
    rp_netem_input (direction->netem, now_us, buffer, (gsize) n);
  }
}

static int
timeout_ms (gint64 deadline_us)
{
  if (deadline_us == G_MAXINT64)
    return -1;
  gint64 left_us = deadline_us - g_get_monotonic_time ();
  return left_us > 0 ? (int) MIN ((left_us + 999) / 1000, 60000) : 0;
}

static gpointer
thread_main (gpointer data)
{
  RpRelay *relay = data;
  g_autofree guint8 *buffer = g_malloc (MAX_DATAGRAM);
  struct pollfd fds[] = {{.fd = g_socket_get_fd (relay->caller_side), .events = POLLIN},
                         {.fd = g_socket_get_fd (relay->server_side), .events = POLLIN},
                         {.fd = relay->wake, .events = POLLIN}};
  g_mutex_lock (&relay->lock);
  while (!relay->stopping) {
    gint64 now_us = g_get_monotonic_time ();
    receive (&relay->out, buffer, &relay->in.target, now_us);
    receive (&relay->in, buffer, NULL, now_us);
    gint64 next_us = forward (&relay->out, now_us);
    next_us = MIN (next_us, forward (&relay->in, now_us));
    g_mutex_unlock (&relay->lock);
    poll (fds, G_N_ELEMENTS (fds), timeout_ms (next_us));
    uint64_t count;
    if ((fds[2].revents & POLLIN) && read (relay->wake, &count, sizeof count) < 0)
      g_assert (errno == EAGAIN);
    g_mutex_lock (&relay->lock);
  }
  g_mutex_unlock (&relay->lock);
  return NULL;
}

static void
wake (RpRelay *relay)
{
  const uint64_t one = 1;
  if (write (relay->wake, &one, sizeof one) < 0)
    g_assert (errno == EAGAIN);
}

static GSocket *
open_socket (const char *address, GError **error)
{
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new_from_string (address, 0);
  if (any == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s is no address", address);
    return NULL;
  }
  g_autoptr (GSocket) socket = g_socket_new (g_socket_address_get_family (any),
                                             G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, error);
  if (socket == NULL || !g_socket_bind (socket, any, FALSE, error))
    return NULL;
  g_socket_set_blocking (socket, FALSE);
  return g_steal_pointer (&socket);
}

static void
set_network (RpRelay *relay, Direction *direction, gboolean incoming, gint64 origin_us)
{
  RpNetemConfig config;
  rp_impair_netem (&relay->impair, incoming, relay->seed_offset, origin_us, &config);
  if (direction->netem == NULL)
    direction->netem = rp_netem_new (&config);
  else
    rp_netem_change (direction->netem, &config);
}

RpRelay *
rp_relay_new (const RpImpair *impair, guint32 seed_offset, const char *address, GError **error)
{
  g_autoptr (RpRelay) relay = g_new0 (RpRelay, 1);
  g_mutex_init (&relay->lock);
  relay->impair = *impair;
  relay->seed_offset = seed_offset;
  relay->wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  relay->caller_side = open_socket (address, error);
  relay->server_side = relay->caller_side != NULL ? open_socket (address, error) : NULL;
  if (relay->server_side == NULL)
    return NULL;
  relay->out = (Direction){.from = relay->caller_side, .to = relay->server_side};
  relay->in = (Direction){.from = relay->server_side, .to = relay->caller_side};
  set_network (relay, &relay->out, FALSE, NEVER_US);
  set_network (relay, &relay->in, TRUE, NEVER_US);
  relay->thread = g_thread_new ("relay", thread_main, relay);
  return g_steal_pointer (&relay);
}

void
rp_relay_free (RpRelay *relay)
{
  if (relay == NULL)
    return;
  if (relay->thread != NULL) {
    g_mutex_lock (&relay->lock);
    relay->stopping = TRUE;
    g_mutex_unlock (&relay->lock);
    wake (relay);
    g_thread_join (relay->thread);
  }
  rp_netem_free (relay->out.netem);
  rp_netem_free (relay->in.netem);
  g_clear_object (&relay->out.target);
  g_clear_object (&relay->in.target);
  g_clear_object (&relay->caller_side);
  g_clear_object (&relay->server_side);
  if (relay->wake >= 0)
    close (relay->wake);
  g_mutex_clear (&relay->lock);
  g_free (relay);
}

static guint16
port_of (GSocket *socket)
{
  g_autoptr (GSocketAddress) address = g_socket_get_local_address (socket, NULL);
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
}

guint16
rp_relay_caller_port (const RpRelay *relay)
{
  return port_of (relay->caller_side);
}

guint16
rp_relay_server_port (const RpRelay *relay)
{
  return port_of (relay->server_side);
}

gboolean
rp_relay_set_server (RpRelay *relay, const char *address, guint16 port)
{
  GSocketAddress *target = g_inet_socket_address_new_from_string (address, port);
  if (target == NULL)
    return FALSE;
  g_mutex_lock (&relay->lock);
  g_set_object (&relay->out.target, target);
  g_mutex_unlock (&relay->lock);
  g_object_unref (target);
  return TRUE;
}

void
rp_relay_start (RpRelay *relay, gint64 origin_us)
{
  g_mutex_lock (&relay->lock);
  set_network (relay, &relay->out, FALSE, origin_us);
  set_network (relay, &relay->in, TRUE, origin_us);
  g_mutex_unlock (&relay->lock);
}

void
rp_relay_stats (RpRelay *relay, RpNetemStats *out, RpNetemStats *in)
{
  g_mutex_lock (&relay->lock);
  if (out != NULL)
    rp_netem_stats (relay->out.netem, out);
  if (in != NULL)
    rp_netem_stats (relay->in.netem, in);
  g_mutex_unlock (&relay->lock);
}
