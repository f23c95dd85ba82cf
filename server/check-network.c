#include "check-network.h"

#include "ice.h"
#include "json.h"
#include "stun-client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/timex.h>
#include <unistd.h>

void
rp_check_say (RpCheckReport *report, RpCheckResult result, const char *what, const char *fix,
              const char *format, ...)
{
  static const char *const names[] = {"ok", "note", "warning", "problem"};
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  report->counts[result]++;
  if (report->json) {
    g_string_append_printf (report->text, "{\"result\": \"%s\", \"what\": ", names[result]);
    rp_json_append_string (report->text, what);
    g_string_append (report->text, ", \"text\": ");
    rp_json_append_string (report->text, text);
    g_string_append (report->text, ", \"fix\": ");
    rp_json_append_string (report->text, fix);
    g_string_append (report->text, "}\n");
    return;
  }
  g_string_append_printf (report->text, "%-8s %s: %s\n", names[result], what, text);
  if (fix != NULL)
    g_string_append_printf (report->text, "         → %s\n", fix);
}

/* Returns: 0, or what bind () said */
static int
try_bind (const char *address, guint16 port, int type)
{
  const int on = 1;
  RpSocketAddress at;
  int status = 0;
  if (!rp_socket_address_parse (address, port, &at))
    return EINVAL;
  int fd = socket (at.any.sa_family, type | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return errno;
  if (type == SOCK_STREAM)
    setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind (fd, &at.any, rp_socket_address_size (&at)) != 0 ||
      (type == SOCK_STREAM && listen (fd, 1) != 0))
    status = errno;
  close (fd);
  return status;
}

/* Of one TCP port of ours. */
static void
check_tcp (RpCheckReport *report, const char *what, const char *address, guint16 port)
{
  int status = try_bind (address, port, SOCK_STREAM);
  if (status == 0)
    rp_check_say (report, RP_CHECK_OK, what, NULL, "TCP port %u of %s is free", port, address);
  else if (status == EADDRINUSE)
    rp_check_say (report, RP_CHECK_WARNING, what,
                  "if that is this server running already, all is well; otherwise choose another",
                  "TCP port %u of %s is in use", port, address);
  else
    rp_check_say (report, RP_CHECK_PROBLEM, what,
                  status == EACCES          ? "ports below 1024 need CAP_NET_BIND_SERVICE, or "
                                              "choose a higher one"
                  : status == EADDRNOTAVAIL ? "the address is none of this machine: use 0.0.0.0, "
                                              "or one that `ip address` lists"
                                            : NULL,
                  "TCP port %u of %s: %s", port, address, g_strerror (status));
}

static void
check_listen (RpCheckReport *report, const RpConfig *config)
{
  gboolean local = g_str_equal (config->listen_host, "localhost");
  if (config->listen_port != 0)
    check_tcp (report, "listen", local ? "127.0.0.1" : config->listen_host, config->listen_port);
  if (config->listen_is_loopback)
    rp_check_say (report, RP_CHECK_NOTE, "https",
                  "for callers elsewhere put a proxy with a certificate before it",
                  "only this machine reaches %s; browsers here may use the microphone",
                  config->listen);
  else
    rp_check_say (report, RP_CHECK_NOTE, "https",
                  "put a proxy with a certificate before it, for callers on other machines",
                  "browsers give the microphone to https pages and http://localhost alone, and %s "
                  "is served as http",
                  config->listen);
}

/* 10/8, 172.16/12, 192.168/16, 100.64/10; fc00::/7. */
static gboolean
is_private (const char *text)
{
  RpSocketAddress address;
  if (!rp_socket_address_parse (text, 0, &address))
    return FALSE;
  if (address.any.sa_family == AF_INET6)
    return (address.v6.sin6_addr.s6_addr[0] & 0xfe) == 0xfc;
  guint32 a = ntohl (address.v4.sin_addr.s_addr);
  return a >> 24 == 10 || a >> 20 == 0xac1 || a >> 16 == 0xc0a8 || a >> 22 == 0x191;
}

static gboolean
is_loopback (const char *text)
{
  return g_str_has_prefix (text, "127.") || g_str_equal (text, "::1");
}

static void
check_udp_range (RpCheckReport *report, const RpConfig *config, const char *address)
{
  guint free_ports = 0, all = (guint) (config->udp_port_max - config->udp_port_min) + 1;
  for (guint port = config->udp_port_min; port <= config->udp_port_max; port++)
    free_ports += try_bind (address, (guint16) port, SOCK_DGRAM) == 0;
  if (free_ports == all)
    rp_check_say (report, RP_CHECK_OK, "udp_ports", NULL, "%u-%u of %s: all %u are free",
                  config->udp_port_min, config->udp_port_max, address, all);
  else
    rp_check_say (report, free_ports < config->max_sessions ? RP_CHECK_WARNING : RP_CHECK_NOTE,
                  "udp_ports",
                  free_ports < config->max_sessions ? "if this server is not running with calls, "
                                                      "give it other ports or more of them"
                                                    : NULL,
                  "%u-%u of %s: %u of %u are free", config->udp_port_min, config->udp_port_max,
                  address, free_ports, all);
}

static void
check_address (RpCheckReport *report, const RpConfig *config, const char *address)
{
  int status = try_bind (address, 0, SOCK_DGRAM);
  if (status != 0) {
    rp_check_say (report, RP_CHECK_PROBLEM, "ice_address",
                  "use an address that `ip address` lists, or leave --ice-address out",
                  "no UDP socket can be bound to %s: %s", address, g_strerror (status));
    return;
  }
  rp_check_say (report, RP_CHECK_OK, "address", NULL, "media comes to %s%s", address,
                is_loopback (address)  ? ", from this machine alone"
                : is_private (address) ? ", a private address"
                                       : "");
  if (config->udp_port_max != 0)
    check_udp_range (report, config, address);
}

static void
check_addresses (RpCheckReport *report, const RpConfig *config, const char *const *addresses)
{
  gboolean all_private = TRUE;
  for (guint i = 0; addresses[i] != NULL; i++) {
    check_address (report, config, addresses[i]);
    all_private &= is_private (addresses[i]) || is_loopback (addresses[i]);
    if (config->ice_tcp_port != 0)
      check_tcp (report, "ice_tcp", addresses[i], (guint16) config->ice_tcp_port);
  }
  for (guint i = 0; config->public_address[i] != NULL; i++)
    if (is_private (config->public_address[i]))
      rp_check_say (report, RP_CHECK_NOTE, "public_address", NULL,
                    "%s is itself private: only networks that have a route to it reach this server",
                    config->public_address[i]);
  if (all_private && *config->public_address == NULL && !config->listen_is_loopback)
    rp_check_say (report, RP_CHECK_WARNING, "public_address",
                  "behind a 1:1 NAT or forwarded ports: --public-address ADDRESS; with --stun URL "
                  "this command finds out which",
                  "all addresses are private: callers from outside of their networks find no way");
}

static void
check_ways (RpCheckReport *report, const RpConfig *config)
{
  if (config->ice_tcp_port == 0 && *config->turn == NULL && !config->listen_is_loopback)
    rp_check_say (
        report, RP_CHECK_WARNING, "turn",
        "--ice-tcp PORT takes media over TCP; a TURN server (--turn URL) helps even where "
        "only its port 443 is open",
        "callers whose network blocks UDP find no way");
  g_autofree char *udp = config->udp_port_max != 0
                             ? g_strdup_printf ("%u-%u", config->udp_port_min, config->udp_port_max)
                             : g_strdup ("of any port (--udp-ports A-B narrows that down)");
  g_autofree char *tcp = config->ice_tcp_port != 0
                             ? g_strdup_printf (", TCP %u for media", config->ice_tcp_port)
                             : g_strdup ("");
  rp_check_say (
      report, RP_CHECK_NOTE, "firewall", NULL,
      "must let in: TCP %u for HTTP, UDP %s for media%s; whether it does, only a call from "
      "outside shows",
      config->listen_port, udp, tcp);
}

/* Tokens and passwords for TURN are good until a time of day. */
static void
check_clock (RpCheckReport *report, const RpConfig *config)
{
  struct timex state = {0};
  gboolean matters = config->token != NULL || config->turn_secret != NULL;
  if (adjtimex (&state) == TIME_ERROR || (state.status & STA_UNSYNC) != 0)
    rp_check_say (
        report, RP_CHECK_NOTE, "clock",
        matters ? "let NTP keep it (systemd-timesyncd, chrony), here and on the TURN server" : NULL,
        "the kernel knows of nothing that keeps it right");
  else
    rp_check_say (report, RP_CHECK_OK, "clock", NULL, "is kept right");
}

gboolean
rp_check_network (const RpConfig *config, char **out_text)
{
  RpCheckReport report = {.text = g_string_new (NULL), .json = config->log_json};
  g_autoptr (GPtrArray) found = NULL;
  const char *const *addresses = (const char *const *) config->ice_address;
  if (addresses[0] == NULL) {
    found = rp_ice_default_addresses (config->listen_is_loopback);
    addresses = (const char *const *) found->pdata;
  }
  check_listen (&report, config);
  check_addresses (&report, config, addresses);
  rp_check_servers (&report, config, addresses);
  check_ways (&report, config);
  check_clock (&report, config);
  guint problems = report.counts[RP_CHECK_PROBLEM];
  if (!report.json)
    g_string_append_printf (report.text, "\n%u problem%s, %u warning%s.\n", problems,
                            problems == 1 ? "" : "s", report.counts[RP_CHECK_WARNING],
                            report.counts[RP_CHECK_WARNING] == 1 ? "" : "s");
  *out_text = g_string_free (report.text, FALSE);
  return problems == 0;
}
