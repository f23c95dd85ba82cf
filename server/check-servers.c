/* What STUN and TURN servers say of us. */
#include "check-network.h"

#include "stun-client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* One of each family. */
#define MAX_ADDRESSES 2
/* So often, and so long each, is waited for a relayed packet. */
#define WORDS 4
#define WORD_MS 500

static gboolean
contains (const char *const *list, const char *text)
{
  return g_strv_contains (list, text);
}

/* How the outside sees our socket. */
typedef struct {
  int fd; /* UDP over IPv4, or -1 */
  guint16 port;
  RpStunAddress seen; /* by the first server that answered */
  guint n_public_seen;
} Outside;

static guint16
open_socket (Outside *outside)
{
  struct sockaddr_in any = {.sin_family = AF_INET};
  socklen_t size = sizeof any;
  outside->fd = socket (AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (outside->fd < 0 || bind (outside->fd, (struct sockaddr *) &any, sizeof any) != 0 ||
      getsockname (outside->fd, (struct sockaddr *) &any, &size) != 0)
    return 0;
  return ntohs (any.sin_port);
}

/* Judges what one server saw. */
static void
judge (RpCheckReport *report, const RpConfig *config, const char *const *addresses,
       const char *what, Outside *outside, gboolean shared, const RpStunAddress *seen)
{
  const char *const *known = (const char *const *) config->public_address;
  if (shared && outside->seen.address[0] != '\0' &&
      (!g_str_equal (outside->seen.address, seen->address) || outside->seen.port != seen->port))
    rp_check_say (report, RP_CHECK_WARNING, "nat",
                  "callers behind another such NAT need TURN; forward ports 1:1 and give "
                  "--public-address and --udp-ports",
                  "another server sees the same socket as %s:%u than this one, %s:%u: the NAT maps "
                  "by destination",
                  outside->seen.address, outside->seen.port, seen->address, seen->port);
  if (shared)
    outside->seen = *seen;
  if (contains (addresses, seen->address)) {
    rp_check_say (report, RP_CHECK_OK, what, NULL, "sees us as %s, without a NAT", seen->address);
    return;
  }
  if (!contains (known, seen->address)) {
    g_autofree char *fix =
        g_strdup_printf ("if the NAT forwards this server's ports unchanged: --public-address %s; "
                         "otherwise callers need TURN",
                         seen->address);
    rp_check_say (report, RP_CHECK_PROBLEM, what, fix,
                  "sees us as %s, through a NAT; callers are not told of this address",
                  seen->address);
    return;
  }
  outside->n_public_seen++;
  if (!shared || seen->port == outside->port)
    rp_check_say (report, RP_CHECK_OK, what, NULL, "sees us as %s, as --public-address says",
                  seen->address);
  else
    rp_check_say (report, RP_CHECK_WARNING, what,
                  "a 1:1 NAT keeps ports: look whether --udp-ports are forwarded as they are",
                  "sees us as %s, as --public-address says, but port %u as %u", seen->address,
                  outside->port, seen->port);
}

static const char *
silence_fix (const GError *error)
{
  return error->code == RP_STUN_CLIENT_ERROR_TLS
             ? "its certificate has to be for this name, in date, and from an authority that "
               "browsers trust"
             : "look at the URL, at the firewalls between and whether the server runs";
}

/* One Binding request to each server, over UDP. */
static void
check_stun (RpCheckReport *report, const RpConfig *config, const char *const *addresses,
            const char *text, Outside *outside)
{
  g_autoptr (GError) error = NULL;
  RpIceUrl url;
  RpSocketAddress found[MAX_ADDRESSES];
  RpStunRequest request = {.method = RP_STUN_BINDING};
  RpStunMessage answer;
  if (!rp_ice_url_parse (text, &url))
    return;
  guint n = rp_stun_resolve (&url, found, MAX_ADDRESSES, &error);
  g_autoptr (RpStunClient) client = NULL;
  gboolean shared = FALSE;
  if (n > 0) {
    shared = outside->port != 0 && !url.is_tcp && found[0].any.sa_family == AF_INET;
    client = rp_stun_client_new (&url, &found[0], shared ? outside->fd : -1, &error);
  }
  if (client == NULL || !rp_stun_client_ask (client, &request, &answer, &error))
    rp_check_say (report, RP_CHECK_PROBLEM, text, silence_fix (error), "%s", error->message);
  else if (answer.mapped.address[0] == '\0')
    rp_check_say (report, RP_CHECK_PROBLEM, text, NULL, "answers without an address (error %u %s)",
                  answer.error_code, answer.reason);
  else
    judge (report, config, addresses, text, outside, shared, &answer.mapped);
}

/* What to do about an error of a TURN server. */
static const char *
turn_fix (const RpConfig *config, guint code)
{
  switch (code) {
  case 401:
    return config->turn_secret != NULL
               ? "the secret is not the server's (static-auth-secret of coturn, with "
                 "use-auth-secret), or one of the two clocks is wrong"
               : "--turn-user and --turn-password-file are not what the server knows "
                 "(coturn: lt-cred-mech, user=NAME:PASSWORD)";
  case 403:
    return "the server forbids it: look at its denied and allowed peers";
  case 437:
  case 486:
  case 508:
    return "the server has no room: look at its quotas (user-quota, total-quota) and ports";
  default:
    return "look at the server's log";
  }
}

/* Asks for a relayed address. The first time without credentials, to be told the realm and a nonce
 * (RFC 8489 section 9.2), which stay in @challenge, and @request points to them. */
static gboolean
allocate (RpStunClient *client, RpStunRequest *request, RpStunMessage *challenge,
          RpStunMessage *answer, GError **error)
{
  RpStunRequest first = {.method = RP_STUN_ALLOCATE};
  if (!rp_stun_client_ask (client, &first, challenge, error))
    return FALSE;
  *answer = *challenge;
  if (challenge->error_code != 401 || challenge->realm[0] == '\0')
    return TRUE;
  request->method = RP_STUN_ALLOCATE;
  request->realm = challenge->realm;
  request->nonce = challenge->nonce;
  return rp_stun_client_ask (client, request, answer, error);
}

static gboolean
hears (int fd, const char *word)
{
  struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
  char got[64];
  return poll (&poll_fd, 1, WORD_MS) > 0 &&
         recv (fd, got, sizeof got, 0) == (gssize) strlen (word) &&
         memcmp (got, word, strlen (word)) == 0;
}

/* A port that a call could have. Returns: a socket, or -1 */
static int
open_media_port (const RpConfig *config, const char *address, guint16 *out_port)
{
  struct sockaddr_in at = {.sin_family = AF_INET};
  socklen_t size = sizeof at;
  int fd = inet_pton (AF_INET, address, &at.sin_addr) == 1
               ? socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)
               : -1;
  for (guint port = config->udp_port_min; fd >= 0 && port <= config->udp_port_max; port++) {
    at.sin_port = htons ((guint16) port);
    if (bind (fd, (struct sockaddr *) &at, sizeof at) == 0 &&
        getsockname (fd, (struct sockaddr *) &at, &size) == 0) {
      *out_port = ntohs (at.sin_port);
      return fd;
    }
  }
  if (fd >= 0)
    close (fd);
  return -1;
}

/* What a relayed call lives on: a word from the relayed address to a UDP port of ours. */
static void
check_reach (RpCheckReport *report, const RpConfig *config, RpStunClient *client,
             const RpStunRequest *credentials, const char *text, const char *local, const char *at)
{
  static const char word[] = "repartee --check-network";
  g_autofree RpStunMessage *answer = g_new0 (RpStunMessage, 1);
  RpStunRequest permission = *credentials;
  RpStunRequest send = {.method = RP_STUN_SEND, .data = word};
  gboolean heard = FALSE;
  guint16 port = 0;
  int fd = open_media_port (config, local, &port);
  if (fd < 0)
    return;
  permission.method = RP_STUN_CREATE_PERMISSION;
  permission.peer.port = send.peer.port = port;
  g_strlcpy (permission.peer.address, at, sizeof permission.peer.address);
  g_strlcpy (send.peer.address, at, sizeof send.peer.address);
  if (!rp_stun_client_ask (client, &permission, answer, NULL) ||
      answer->class_ != RP_STUN_SUCCESS) {
    rp_check_say (report, RP_CHECK_PROBLEM, text,
                  "let it: coturn's denied-peer-ip and allowed-peer-ip, or allow-loopback-peers",
                  "does not relay to %s: %u %s", at, answer->error_code, answer->reason);
  } else {
    for (guint i = 0; i < WORDS && !heard; i++) {
      rp_stun_client_tell (client, &send);
      heard = hears (fd, word);
    }
    if (heard)
      rp_check_say (report, RP_CHECK_OK, text, NULL, "what it relays arrives at UDP port %u of %s",
                    port, at);
    else
      rp_check_say (report, RP_CHECK_PROBLEM, text,
                    "let UDP from the TURN server in: this machine's firewall, the one before it, "
                    "the forwarding of the NAT",
                    "what it relays does not arrive at UDP port %u of %s", port, at);
  }
  close (fd);
}

/* Where a client would let it send to: our first address over IPv4, as it is known outside. */
static void
check_relaying (RpCheckReport *report, const RpConfig *config, RpStunClient *client,
                RpStunRequest *request, const char *text, const char *const *addresses)
{
  const char *local = NULL, *at = NULL;
  g_autofree RpStunMessage *ignored = g_new0 (RpStunMessage, 1);
  for (guint i = 0; local == NULL && addresses[i] != NULL; i++)
    local = strchr (addresses[i], ':') == NULL ? addresses[i] : NULL;
  for (guint i = 0; at == NULL && config->public_address[i] != NULL; i++)
    at = strchr (config->public_address[i], ':') == NULL ? config->public_address[i] : NULL;
  if (local != NULL)
    check_reach (report, config, client, request, text, local, at != NULL ? at : local);
  request->method = RP_STUN_REFRESH;
  request->refresh_to_zero = TRUE;
  rp_stun_client_ask (client, request, ignored, NULL);
}

static void
check_turn (RpCheckReport *report, const RpConfig *config, const char *const *addresses,
            const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *user = NULL;
  g_autofree char *password = NULL;
  g_autofree RpStunMessage *challenge = g_new0 (RpStunMessage, 1);
  g_autofree RpStunMessage *answer = g_new0 (RpStunMessage, 1);
  RpStunRequest request = {0};
  RpIceUrl url;
  RpSocketAddress found[MAX_ADDRESSES];
  if (!rp_ice_url_parse (text, &url))
    return;
  if (config->turn_secret != NULL) {
    gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
    rp_ice_turn_credentials (config->turn_secret, now_s + 60, g_random_int (), &user, &password);
  }
  request.username = user != NULL ? user : config->turn_user;
  request.password = password != NULL ? password : config->turn_password;
  g_autoptr (RpStunClient) client = NULL;
  if (rp_stun_resolve (&url, found, MAX_ADDRESSES, &error) > 0)
    client = rp_stun_client_new (&url, &found[0], -1, &error);
  if (client == NULL || !allocate (client, &request, challenge, answer, &error)) {
    rp_check_say (report, RP_CHECK_PROBLEM, text, silence_fix (error), "%s", error->message);
  } else if (answer->class_ == RP_STUN_SUCCESS) {
    rp_check_say (report, RP_CHECK_OK, text, NULL, "takes our credentials and relays at %s",
                  answer->relayed.address);
    check_relaying (report, config, client, &request, text, addresses);
  } else {
    rp_check_say (report, RP_CHECK_PROBLEM, text, turn_fix (config, answer->error_code),
                  "refuses: %u %s", answer->error_code, answer->reason);
  }
}

void
rp_check_servers (RpCheckReport *report, const RpConfig *config, const char *const *addresses)
{
  Outside outside = {.fd = -1};
  outside.port = open_socket (&outside);
  for (guint i = 0; config->stun[i] != NULL; i++)
    check_stun (report, config, addresses, config->stun[i], &outside);
  for (guint i = 0; config->turn[i] != NULL; i++)
    check_turn (report, config, addresses, config->turn[i]);
  if (outside.fd >= 0)
    close (outside.fd);
  if (*config->public_address != NULL && *config->stun == NULL)
    rp_check_say (report, RP_CHECK_NOTE, "public_address", NULL,
                  "with --stun URL this command would compare them with what the outside sees");
  else if (*config->public_address != NULL && outside.n_public_seen == 0)
    rp_check_say (report, RP_CHECK_WARNING, "public_address",
                  "look whether they are right; a STUN server inside the NAT cannot tell",
                  "none of the STUN servers saw one of them");
}
