/* What STUN and TURN servers say of us. */
#include "check-network.h"

#include "stun-client.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

/* One of each family. */
#define MAX_ADDRESSES 2

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
       const char *what, Outside *outside, const RpStunAddress *seen)
{
  const char *const *known = (const char *const *) config->public_address;
  if (outside->seen.address[0] != '\0' &&
      (!g_str_equal (outside->seen.address, seen->address) || outside->seen.port != seen->port))
    rp_check_say (report, RP_CHECK_WARNING, "nat",
                  "callers behind another such NAT need TURN; forward ports 1:1 and give "
                  "--public-address and --udp-ports",
                  "another server sees the same socket as %s:%u than this one, %s:%u: the NAT maps "
                  "by destination",
                  outside->seen.address, outside->seen.port, seen->address, seen->port);
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
  if (outside->port == 0 || seen->port == outside->port)
    rp_check_say (report, RP_CHECK_OK, what, NULL, "sees us as %s, as --public-address says",
                  seen->address);
  else
    rp_check_say (report, RP_CHECK_WARNING, what,
                  "a 1:1 NAT keeps ports: look whether --udp-ports are forwarded as they are",
                  "sees us as %s, as --public-address says, but port %u as %u", seen->address,
                  outside->port, seen->port);
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
  if (n > 0) {
    gboolean shared = !url.is_tcp && found[0].any.sa_family == AF_INET;
    client = rp_stun_client_new (&url, &found[0], shared ? outside->fd : -1, &error);
  }
  if (client == NULL || !rp_stun_client_ask (client, &request, &answer, &error))
    rp_check_say (report, RP_CHECK_PROBLEM, text,
                  "look at the URL, at this machine's firewall (outgoing UDP) and at the server",
                  "%s", error->message);
  else if (answer.mapped.address[0] == '\0')
    rp_check_say (report, RP_CHECK_PROBLEM, text, NULL, "answers without an address (error %u %s)",
                  answer.error_code, answer.reason);
  else
    judge (report, config, addresses, text, outside, &answer.mapped);
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

/* Asks for a relayed address and gives it back. The first time without credentials, to be told the
 * realm and a nonce (RFC 8489 section 9.2). */
static gboolean
allocate (RpStunClient *client, const char *user, const char *password, RpStunMessage *answer,
          GError **error)
{
  RpStunRequest request = {.method = RP_STUN_ALLOCATE};
  g_autofree RpStunMessage *challenge = g_new0 (RpStunMessage, 1);
  if (!rp_stun_client_ask (client, &request, challenge, error))
    return FALSE;
  *answer = *challenge;
  if (challenge->error_code != 401 || challenge->realm[0] == '\0')
    return TRUE;
  request.username = user;
  request.password = password;
  request.realm = challenge->realm;
  request.nonce = challenge->nonce;
  if (!rp_stun_client_ask (client, &request, answer, error))
    return FALSE;
  if (answer->class_ == RP_STUN_SUCCESS) {
    g_autofree RpStunMessage *ignored = g_new0 (RpStunMessage, 1);
    request.method = RP_STUN_REFRESH;
    request.refresh_to_zero = TRUE;
    rp_stun_client_ask (client, &request, ignored, NULL);
  }
  return TRUE;
}

static void
check_turn (RpCheckReport *report, const RpConfig *config, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *user = NULL;
  g_autofree char *password = NULL;
  g_autofree RpStunMessage *answer = g_new0 (RpStunMessage, 1);
  RpIceUrl url;
  RpSocketAddress found[MAX_ADDRESSES];
  if (!rp_ice_url_parse (text, &url))
    return;
  if (config->turn_secret != NULL) {
    gint64 now_s = g_get_real_time () / G_USEC_PER_SEC;
    rp_ice_turn_credentials (config->turn_secret, now_s + 60, g_random_int (), &user, &password);
  } else {
    user = g_strdup (config->turn_user);
    password = g_strdup (config->turn_password);
  }
  g_autoptr (RpStunClient) client = NULL;
  if (rp_stun_resolve (&url, found, MAX_ADDRESSES, &error) > 0)
    client = rp_stun_client_new (&url, &found[0], -1, &error);
  if (client == NULL || !allocate (client, user, password, answer, &error))
    rp_check_say (report, RP_CHECK_PROBLEM, text,
                  "look at the URL, at the firewalls between and whether the server runs", "%s",
                  error->message);
  else if (answer->class_ == RP_STUN_SUCCESS)
    rp_check_say (report, RP_CHECK_OK, text, NULL, "takes our credentials and relays at %s",
                  answer->relayed.address);
  else
    rp_check_say (report, RP_CHECK_PROBLEM, text, turn_fix (config, answer->error_code),
                  "refuses: %u %s", answer->error_code, answer->reason);
}

void
rp_check_servers (RpCheckReport *report, const RpConfig *config, const char *const *addresses)
{
  Outside outside = {.fd = -1};
  outside.port = open_socket (&outside);
  for (guint i = 0; config->stun[i] != NULL; i++)
    check_stun (report, config, addresses, config->stun[i], &outside);
  for (guint i = 0; config->turn[i] != NULL; i++)
    check_turn (report, config, config->turn[i]);
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
