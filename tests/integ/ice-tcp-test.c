/* One TCP port for all calls: who gets through to which UDP socket, and who does not. */
#define _GNU_SOURCE /* unshare */

#include "ice-tcp.h"
#include "stun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const loopback[] = {"127.0.0.1", NULL};

typedef struct {
  RpIceTcp *tcp;
  int call;                /* the UDP socket of the call "abcd" */
  struct sockaddr_in from; /* of its last datagram */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  const RpIceTcpConfig config = {.addresses = loopback, .max_connections = 64};
  g_autoptr (GError) error = NULL;
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
  socklen_t size = sizeof at;
  fixture->tcp = rp_ice_tcp_new (&config, &error);
  g_assert_no_error (error);
  fixture->call = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (fixture->call, (struct sockaddr *) &at, sizeof at), ==, 0);
  g_assert_cmpint (getsockname (fixture->call, (struct sockaddr *) &at, &size), ==, 0);
  g_assert_true (rp_ice_tcp_add (fixture->tcp, "abcd", "127.0.0.1", ntohs (at.sin_port)));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  rp_ice_tcp_free (fixture->tcp);
  close (fixture->call);
}

static int
dial (Fixture *fixture)
{
  struct sockaddr_in at = {.sin_family = AF_INET,
                           .sin_port = htons (rp_ice_tcp_port (fixture->tcp)),
                           .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &at, sizeof at), ==, 0);
  return fd;
}

static void
send_frame (int fd, const void *data, gsize len)
{
  g_autofree guint8 *frame = g_malloc (2 + len);
  frame[0] = (guint8) (len >> 8);
  frame[1] = (guint8) len;
  memcpy (frame + 2, data, len);
  g_assert_cmpint (send (fd, frame, 2 + len, MSG_NOSIGNAL), ==, (gssize) len + 2);
}

static gsize
make_check (const char *username, guint8 *out, gsize size)
{
  const RpStunRequest request = {.method = RP_STUN_BINDING,
                                 .transaction = "transaction",
                                 .username = username,
                                 .realm = "",
                                 .nonce = "",
                                 .password = "p"};
  gsize len = rp_stun_write_request (&request, out, size);
  g_assert_cmpuint (len, >, 0);
  return len;
}

static void
send_check (int fd, const char *username)
{
  guint8 check[RP_STUN_MAX_REQUEST_BYTES];
  send_frame (fd, check, make_check (username, check, sizeof check));
}

/* The call's next datagram; fails when none comes. */
static gsize
call_receives (Fixture *fixture, guint8 *out, gsize size)
{
  struct pollfd poll_fd = {.fd = fixture->call, .events = POLLIN};
  socklen_t from = sizeof fixture->from;
  g_assert_cmpint (poll (&poll_fd, 1, 10000), ==, 1);
  gssize len = recvfrom (fixture->call, out, size, 0, (struct sockaddr *) &fixture->from, &from);
  g_assert_cmpint (len, >=, 0);
  return (gsize) len;
}

static void
call_answers (Fixture *fixture, const void *data, gsize len)
{
  g_assert_cmpint (sendto (fixture->call, data, len, 0, (struct sockaddr *) &fixture->from,
                           sizeof fixture->from),
                   ==, (gssize) len);
}

static void
assert_closed (int fd)
{
  guint8 byte;
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
  g_assert_cmpint (poll (&poll_fd, 1, 10000), ==, 1);
  gssize n = recv (fd, &byte, 1, 0);
  g_assert_true (n == 0 || (n < 0 && errno == ECONNRESET));
  close (fd);
}

static void
test_both_ways (Fixture *fixture, gconstpointer data)
{
  guint8 got[2048];
  int client = dial (fixture);
  send_check (client, "abcd:remote");
  gsize len = call_receives (fixture, got, sizeof got);
  RpStunMessage message;
  g_assert_true (rp_stun_parse (got, len, &message));
  g_assert_cmpstr (message.username, ==, "abcd:remote");
  /* Anything may follow, in one piece or byte by byte. */
  static const guint8 two[] = {0, 3, 'o', 'n', 'e', 0, 3, 't', 'w', 'o'};
  for (gsize i = 0; i < sizeof two; i++)
    g_assert_cmpint (send (client, two + i, 1, MSG_NOSIGNAL), ==, 1);
  g_assert_cmpuint (call_receives (fixture, got, sizeof got), ==, 3);
  g_assert_cmpmem (got, 3, "one", 3);
  g_assert_cmpuint (call_receives (fixture, got, sizeof got), ==, 3);
  g_assert_cmpmem (got, 3, "two", 3);
  call_answers (fixture, "answer", 6);
  g_assert_cmpint (recv (client, got, 8, MSG_WAITALL), ==, 8);
  g_assert_cmpmem (got, 8, "\0\6answer", 8);
  close (client);
}

/* Each connection is another address to the call, as behind a NAT. */
static void
test_two_clients (Fixture *fixture, gconstpointer data)
{
  guint8 got[2048];
  int one = dial (fixture), two = dial (fixture);
  send_check (one, "abcd:one");
  call_receives (fixture, got, sizeof got);
  struct sockaddr_in first = fixture->from;
  send_check (two, "abcd:two");
  call_receives (fixture, got, sizeof got);
  g_assert_cmpuint (first.sin_port, !=, fixture->from.sin_port);
  call_answers (fixture, "2", 1);
  fixture->from = first;
  call_answers (fixture, "1", 1);
  g_assert_cmpint (recv (one, got, 3, MSG_WAITALL), ==, 3);
  g_assert_cmpint (got[2], ==, '1');
  g_assert_cmpint (recv (two, got, 3, MSG_WAITALL), ==, 3);
  g_assert_cmpint (got[2], ==, '2');
  close (one);
  close (two);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = {"other:remote", "abcd", ":abcd", "abc:remote", "abcde:x", ""};
  static const guint8 too_long[] = {0xff, 0xff, 1, 2, 3};
  RpIceTcpCounters counters;
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    int client = dial (fixture);
    send_check (client, names[i]);
    assert_closed (client);
  }
  int client = dial (fixture);
  send_frame (client, "GET / HTTP/1.1", 14);
  assert_closed (client);
  client = dial (fixture);
  send_frame (client, "", 0);
  assert_closed (client);
  client = dial (fixture);
  g_assert_cmpint (send (client, too_long, sizeof too_long, MSG_NOSIGNAL), ==, sizeof too_long);
  assert_closed (client);
  rp_ice_tcp_counters (fixture->tcp, &counters);
  g_assert_cmpuint (counters.refused, ==, G_N_ELEMENTS (names) + 3);
  g_assert_cmpuint (counters.accepted, ==, counters.refused);
}

/* Somebody who connects and says nothing keeps nobody else out for long. */
static void
test_silent_crowd (Fixture *fixture, gconstpointer data)
{
  guint8 got[2048];
  int silent[32];
  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    silent[i] = dial (fixture);
  int late = dial (fixture);
  assert_closed (late);
  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    assert_closed (silent[i]);
  int client = dial (fixture);
  send_check (client, "abcd:remote");
  call_receives (fixture, got, sizeof got);
  close (client);
}

/* A network of our own, in which all of 2001:db8::/32 is this machine. FALSE: not to be had here.
 */
static gboolean
enter_network (void)
{
  int status = 1;
  return unshare (CLONE_NEWNET) == 0 &&
         g_spawn_command_line_sync ("ip link set lo up", NULL, NULL, &status, NULL) &&
         status == 0 &&
         g_spawn_command_line_sync ("ip -6 route add local 2001:db8::/32 dev lo table local", NULL,
                                    NULL, &status, NULL) &&
         status == 0;
}

static int
dial_from (guint16 port, const char *address)
{
  const int on = 1;
  struct sockaddr_in6 from = {.sin6_family = AF_INET6};
  struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons (port)};
  int fd = socket (AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (inet_pton (AF_INET6, address, &from.sin6_addr), ==, 1);
  g_assert_cmpint (inet_pton (AF_INET6, "2001:db8::1", &to.sin6_addr), ==, 1);
  g_assert_cmpint (setsockopt (fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on), ==, 0);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &from, sizeof from), ==, 0);
  g_assert_cmpint (connect (fd, (struct sockaddr *) &to, sizeof to), ==, 0);
  return fd;
}

/* A subscriber has 2^64 addresses, and is one client all the same. */
static void
test_silent_subnet (void)
{
  if (!g_test_subprocess ()) {
    g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
    g_test_trap_assert_passed ();
    return;
  }
  if (!enter_network ())
    return;
  const RpIceTcpConfig config = {.max_connections = 64};
  g_autoptr (RpIceTcp) tcp = rp_ice_tcp_new (&config, NULL);
  int silent[32];
  g_assert_nonnull (tcp);
  for (guint i = 0; i < G_N_ELEMENTS (silent); i++) {
    g_autofree char *address = g_strdup_printf ("2001:db8:1:2::%x", i + 1);
    silent[i] = dial_from (rp_ice_tcp_port (tcp), address);
  }
  int other = dial_from (rp_ice_tcp_port (tcp), "2001:db8:1:3::1");
  int neighbour = dial_from (rp_ice_tcp_port (tcp), "2001:db8:1:2:3::1");
  RpIceTcpCounters counters;
  assert_closed (neighbour);
  rp_ice_tcp_counters (tcp, &counters);
  g_assert_cmpuint (counters.accepted, ==, G_N_ELEMENTS (silent) + 1);
  g_assert_cmpuint (counters.refused, ==, 1);
  close (other);
  for (guint i = 0; i < G_N_ELEMENTS (silent); i++)
    close (silent[i]);
}

/* The call is over: so are its connections; its name may come again for another. */
static void
test_removed (Fixture *fixture, gconstpointer data)
{
  guint8 got[2048];
  int client = dial (fixture);
  send_check (client, "abcd:remote");
  call_receives (fixture, got, sizeof got);
  g_assert_false (rp_ice_tcp_add (fixture->tcp, "abcd", "127.0.0.1", 9));
  rp_ice_tcp_remove (fixture->tcp, "abcd");
  g_assert_true (rp_ice_tcp_add (fixture->tcp, "abcd", "127.0.0.1", 9));
  assert_closed (client);
  rp_ice_tcp_remove (fixture->tcp, "nobody");
  g_assert_false (rp_ice_tcp_add (fixture->tcp, "x", "example.com", 9));
}

/* A client that reads nothing costs a bounded amount of memory, and hears whole packets again when
 * it does. */
static void
test_slow_reader (Fixture *fixture, gconstpointer data)
{
  guint8 packet[1000], got[2048];
  RpIceTcpCounters counters = {0};
  int client = dial (fixture);
  send_check (client, "abcd:remote");
  call_receives (fixture, got, sizeof got);
  memset (packet, 7, sizeof packet);
  for (guint i = 0; counters.dropped == 0; i++) {
    g_assert_cmpuint (i, <, 100000);
    call_answers (fixture, packet, sizeof packet);
    rp_ice_tcp_counters (fixture->tcp, &counters);
  }
  for (guint i = 0; i < 8; i++) {
    g_assert_cmpint (recv (client, got, 2 + sizeof packet, MSG_WAITALL), ==, 2 + sizeof packet);
    g_assert_cmpuint (got[0] << 8 | got[1], ==, sizeof packet);
    for (gsize k = 0; k < sizeof packet; k++)
      g_assert_cmpuint (got[2 + k], ==, 7);
  }
  close (client);
}

static void
test_port_in_use (Fixture *fixture, gconstpointer data)
{
  const RpIceTcpConfig config = {
      .addresses = loopback, .port = rp_ice_tcp_port (fixture->tcp), .max_connections = 1};
  g_autoptr (GError) error = NULL;
  g_assert_null (rp_ice_tcp_new (&config, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE);
}

/* With connections open in every state: the sanitizers look. */
static void
test_freed_in_use (Fixture *fixture, gconstpointer data)
{
  guint8 got[2048];
  int client = dial (fixture), silent = dial (fixture);
  send_check (client, "abcd:remote");
  call_receives (fixture, got, sizeof got);
  g_clear_pointer (&fixture->tcp, rp_ice_tcp_free);
  assert_closed (client);
  assert_closed (silent);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/ice-tcp/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("both-ways", test_both_ways);
  ADD ("two-clients", test_two_clients);
  ADD ("refused", test_refused);
  ADD ("silent-crowd", test_silent_crowd);
  g_test_add_func ("/ice-tcp/silent-subnet", test_silent_subnet);
  ADD ("removed", test_removed);
  ADD ("slow-reader", test_slow_reader);
  ADD ("port-in-use", test_port_in_use);
  ADD ("freed-in-use", test_freed_in_use);
  return g_test_run ();
}
