#include "ice.h"

#include "ice-socket.h"

#include <gio/gio.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <nice/agent.h>
#include <string.h>
#include <sys/socket.h>

#define COMPONENT 1
#define MAX_TCP_PREFERENCE 8191
/* EF (RFC 3246) as RFC 8837 wants it for audio, in the upper six bits. */
#define TOS_EF (46 << 2)

struct _RpIce {
  RpLoop *loop;
  NiceAgent *agent;
  RpIceSocket *socket;
  guint stream;
  RpIceEvents events;
  gpointer user_data;
  char *ufrag;
  char *pwd;
  GArray *local;  /* of RpCandidate */
  GArray *remote; /* of RpCandidate: those that came before the credentials */
  guint n_remote;
  RpIceTcp *tcp; /* (nullable): knows our ufrag, once there are candidates */
  gboolean controlling;
  gboolean remote_set;
  gboolean checked; /* by the other side */
  gboolean connected;
  gboolean hurries; /* the loop, for our sake */
};

static gboolean
is_link_local (const struct sockaddr *address)
{
  if (address->sa_family == AF_INET6) {
    struct sockaddr_in6 in6;
    memcpy (&in6, address, sizeof in6);
    return IN6_IS_ADDR_LINKLOCAL (&in6.sin6_addr);
  }
  struct sockaddr_in in;
  memcpy (&in, address, sizeof in);
  return g_ntohl (in.sin_addr.s_addr) >> 16 == 0xa9fe; /* 169.254.0.0/16 */
}

/* Addresses worth a socket each. IFF_RUNNING leaves out bridges nobody is plugged into. */
GPtrArray *
rp_ice_default_addresses (gboolean with_loopback)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_free);
  struct ifaddrs *interfaces = NULL;

  if (getifaddrs (&interfaces) != 0)
    interfaces = NULL;
  for (struct ifaddrs *i = interfaces; i; i = i->ifa_next) {
    char text[INET6_ADDRSTRLEN];
    NiceAddress address;
    guint wanted = IFF_UP | IFF_RUNNING;
    if (!i->ifa_addr || (i->ifa_flags & wanted) != wanted || (i->ifa_flags & IFF_LOOPBACK))
      continue;
    if (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6)
      continue;
    if (is_link_local (i->ifa_addr))
      continue;
    nice_address_init (&address);
    nice_address_set_from_sockaddr (&address, i->ifa_addr);
    nice_address_to_string (&address, text);
    if (!g_ptr_array_find_with_equal_func (found, text, g_str_equal, NULL))
      g_ptr_array_add (found, g_strdup (text));
  }
  freeifaddrs (interfaces);
  if (with_loopback || found->len == 0)
    g_ptr_array_add (found, g_strdup ("127.0.0.1"));
  g_ptr_array_add (found, NULL);
  return g_steal_pointer (&found);
}

static gboolean
add_local_addresses (RpIce *ice, const RpIceConfig *config, GError **error)
{
  g_autoptr (GPtrArray) found = NULL;
  const char *const *addresses = config->local_addresses;

  if (!addresses || !addresses[0]) {
    found = rp_ice_default_addresses (config->with_loopback);
    addresses = (const char *const *) found->pdata;
  }
  for (gsize i = 0; addresses[i]; i++) {
    NiceAddress address;
    nice_address_init (&address);
    if (!nice_address_set_from_string (&address, addresses[i]) ||
        !nice_agent_add_local_address (ice->agent, &address)) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
                   "\"%s\" is not a local address to listen on", addresses[i]);
      return FALSE;
    }
  }
  return TRUE;
}

void
rp_ice_take_time (RpIce *ice)
{
  if (ice->hurries)
    rp_loop_hurry (ice->loop, FALSE);
  ice->hurries = FALSE;
}

static void
check_connected (RpIce *ice)
{
  NiceCandidate *local = NULL;
  NiceCandidate *remote = NULL;

  if (ice->connected || !ice->remote_set)
    return;
  if (!nice_agent_get_selected_pair (ice->agent, ice->stream, COMPONENT, &local, &remote))
    return;
  ice->connected = TRUE;
  rp_ice_take_time (ice);
  ice->events.connected (ice, ice->user_data);
}

/* CONNECTED is enough: waiting for READY would wait for every other pair to fail. A later FAILED is
 * not final either, since a candidate may still trickle in: the owner's timeout decides. */
static void
on_state (NiceAgent *agent, guint stream, guint component, guint state, gpointer data)
{
  if (state == NICE_COMPONENT_STATE_CONNECTED || state == NICE_COMPONENT_STATE_READY)
    check_connected (data);
}

/* From now on datagrams pass libnice by. */
static void
select_pair (RpIce *ice)
{
  NiceCandidate *local = NULL;
  NiceCandidate *remote = NULL;
  struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
  g_autoptr (GSocket) socket = nice_agent_get_selected_socket (ice->agent, ice->stream, COMPONENT);

  if (nice_agent_get_selected_pair (ice->agent, ice->stream, COMPONENT, &local, &remote))
    nice_address_copy_to_sockaddr (&remote->addr, (struct sockaddr *) &address);
  rp_ice_socket_select (ice->socket, socket, (const struct sockaddr *) &address);
}

static void
on_selected_pair (NiceAgent *agent, guint stream, guint component, NiceCandidate *local,
                  NiceCandidate *remote, gpointer data)
{
  RpIce *ice = data;
  NiceComponentState state = nice_agent_get_component_state (agent, stream, component);
  select_pair (ice);
  if (state == NICE_COMPONENT_STATE_CONNECTED || state == NICE_COMPONENT_STATE_READY)
    check_connected (ice);
}

static void
on_checked (NiceAgent *agent, guint stream, gpointer data)
{
  RpIce *ice = data;
  ice->checked = TRUE;
}

static void
on_recv (NiceAgent *agent, guint stream, guint component, guint len, char *buf, gpointer data)
{
  RpIce *ice = data;
  ice->events.datagram ((guint8 *) buf, len, ice->user_data);
}

static gboolean
local_candidate (const NiceCandidate *nice, RpCandidate *out)
{
  if (nice->transport != NICE_CANDIDATE_TRANSPORT_UDP || nice->type != NICE_CANDIDATE_TYPE_HOST)
    return FALSE;
  memset (out, 0, sizeof *out);
  g_strlcpy (out->foundation, nice->foundation, sizeof out->foundation);
  out->component = COMPONENT;
  out->transport = RP_CANDIDATE_UDP;
  out->type = RP_CANDIDATE_HOST;
  out->priority = nice->priority;
  nice_address_to_string (&nice->addr, out->address);
  out->port = (guint16) nice_address_get_port (&nice->addr);
  return TRUE;
}

/* Beside each UDP candidate, a passive TCP one at the same address. */
static void
add_tcp_candidates (RpIce *ice)
{
  const RpCandidate *first = &g_array_index (ice->local, RpCandidate, 0);
  guint n_udp = ice->local->len;

  /* Two calls with one ufrag: libnice's have four characters. The later one does without. */
  if (!rp_ice_tcp_add (ice->tcp, ice->ufrag, first->address, first->port)) {
    ice->tcp = NULL;
    return;
  }
  for (guint i = 0; i < n_udp; i++) {
    RpCandidate candidate = g_array_index (ice->local, RpCandidate, i);
    g_snprintf (candidate.foundation, sizeof candidate.foundation, "tcp%u", i);
    candidate.transport = RP_CANDIDATE_TCP_PASSIVE;
    candidate.port = rp_ice_tcp_port (ice->tcp);
    candidate.priority = rp_candidate_tcp_priority ((guint16) (MAX_TCP_PREFERENCE - i));
    g_array_append_val (ice->local, candidate);
  }
}

static gboolean
gather (RpIce *ice, GError **error)
{
  if (!nice_agent_gather_candidates (ice->agent, ice->stream)) {
    g_set_error_literal (
        error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE,
        "no UDP socket: the local addresses cannot be bound or the port range is used up");
    return FALSE;
  }
  /* With UPnP off and no STUN server everything is there already. */
  GSList *candidates = nice_agent_get_local_candidates (ice->agent, ice->stream, COMPONENT);
  for (GSList *i = candidates; i; i = i->next) {
    RpCandidate candidate;
    if (local_candidate (i->data, &candidate))
      g_array_append_val (ice->local, candidate);
  }
  g_slist_free_full (candidates, (GDestroyNotify) nice_candidate_free);
  if (ice->local->len == 0 ||
      !nice_agent_get_local_credentials (ice->agent, ice->stream, &ice->ufrag, &ice->pwd)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "no local candidate was gathered");
    return FALSE;
  }
  g_autoptr (GPtrArray) sockets = nice_agent_get_sockets (ice->agent, ice->stream, COMPONENT);
  if (!rp_ice_socket_watch (ice->socket, sockets)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "a UDP socket cannot be watched");
    return FALSE;
  }
  if (ice->tcp)
    add_tcp_candidates (ice);
  return TRUE;
}

RpIce *
rp_ice_new (RpLoop *loop, const RpIceConfig *config, const RpIceEvents *events, gpointer user_data,
            GError **error)
{
  g_autoptr (RpIce) ice = g_new0 (RpIce, 1);

  ice->loop = loop;
  ice->hurries = TRUE;
  rp_loop_hurry (loop, TRUE);
  ice->events = *events;
  ice->user_data = user_data;
  ice->socket = rp_ice_socket_new (loop, events->datagram, user_data);
  ice->tcp = config->tcp;
  ice->controlling = config->controlling;
  ice->local = g_array_new (FALSE, FALSE, sizeof (RpCandidate));
  ice->remote = g_array_new (FALSE, FALSE, sizeof (RpCandidate));
  /* Trickle keeps libnice from giving up while candidates may still come. Regular nomination costs
   * it three paces; an offerer, which nominates, does what browsers do and nominates with its first
   * checks. */
  NiceAgentOption options = NICE_AGENT_OPTION_ICE_TRICKLE;
  if (!config->controlling)
    options |= NICE_AGENT_OPTION_REGULAR_NOMINATION;
  ice->agent = nice_agent_new_full (rp_loop_context (loop), NICE_COMPATIBILITY_RFC5245, options);
  g_object_set (ice->agent, "upnp", FALSE, "ice-tcp", FALSE, "controlling-mode",
                config->controlling, "stun-pacing-timer", RP_ICE_PACING_MS, NULL);
  /* Signals fire from inside gather_candidates. */
  g_signal_connect (ice->agent, "component-state-changed", G_CALLBACK (on_state), ice);
  g_signal_connect (ice->agent, "new-selected-pair-full", G_CALLBACK (on_selected_pair), ice);
  g_signal_connect (ice->agent, "initial-binding-request-received", G_CALLBACK (on_checked), ice);
  if (!add_local_addresses (ice, config, error))
    return NULL;
  ice->stream = nice_agent_add_stream (ice->agent, 1);
  nice_agent_set_stream_tos (ice->agent, ice->stream, TOS_EF);
  if (config->port_max > 0)
    nice_agent_set_port_range (ice->agent, ice->stream, COMPONENT, config->port_min,
                               config->port_max);
  /* Without this libnice would not even answer checks. */
  nice_agent_attach_recv (ice->agent, ice->stream, COMPONENT, rp_ice_socket_context (ice->socket),
                          on_recv, ice);
  if (!gather (ice, error))
    return NULL;
  return g_steal_pointer (&ice);
}

void
rp_ice_free (RpIce *ice)
{
  if (!ice)
    return;
  if (ice->tcp && ice->ufrag)
    rp_ice_tcp_remove (ice->tcp, ice->ufrag);
  rp_ice_take_time (ice);
  if (ice->agent) {
    g_signal_handlers_disconnect_by_data (ice->agent, ice);
    if (ice->stream)
      nice_agent_attach_recv (ice->agent, ice->stream, COMPONENT,
                              rp_ice_socket_context (ice->socket), NULL, NULL);
  }
  /* Before libnice closes what it watches. */
  rp_ice_socket_free (ice->socket);
  if (ice->agent && ice->stream)
    nice_agent_remove_stream (ice->agent, ice->stream);
  g_clear_object (&ice->agent);
  g_array_unref (ice->local);
  g_array_unref (ice->remote);
  g_free (ice->ufrag);
  g_free (ice->pwd);
  g_free (ice);
}

gboolean
rp_ice_may_receive (const RpIce *ice)
{
  return ice->checked && (ice->remote_set || !ice->controlling);
}

const char *
rp_ice_ufrag (const RpIce *ice)
{
  return ice->ufrag;
}

const char *
rp_ice_pwd (const RpIce *ice)
{
  return ice->pwd;
}

const RpCandidate *
rp_ice_candidates (const RpIce *ice, gsize *out_n)
{
  *out_n = ice->local->len;
  return (const RpCandidate *) ice->local->data;
}

static NiceCandidateType
nice_type (RpCandidateType type)
{
  switch (type) {
  case RP_CANDIDATE_SRFLX:
    return NICE_CANDIDATE_TYPE_SERVER_REFLEXIVE;
  case RP_CANDIDATE_PRFLX:
    return NICE_CANDIDATE_TYPE_PEER_REFLEXIVE;
  case RP_CANDIDATE_RELAY:
    return NICE_CANDIDATE_TYPE_RELAYED;
  case RP_CANDIDATE_HOST:
  default:
    return NICE_CANDIDATE_TYPE_HOST;
  }
}

static gboolean
give_candidate (RpIce *ice, const RpCandidate *candidate)
{
  NiceCandidate *nice = nice_candidate_new (nice_type (candidate->type));
  GSList list = {.data = nice, .next = NULL};
  gboolean taken = FALSE;

  if (nice_address_set_from_string (&nice->addr, candidate->address)) {
    nice_address_set_port (&nice->addr, candidate->port);
    nice->transport = NICE_CANDIDATE_TRANSPORT_UDP;
    nice->component_id = COMPONENT;
    nice->stream_id = ice->stream;
    nice->priority = candidate->priority;
    g_strlcpy (nice->foundation, candidate->foundation, sizeof nice->foundation);
    taken = nice_agent_set_remote_candidates (ice->agent, ice->stream, COMPONENT, &list) > 0;
  }
  nice_candidate_free (nice);
  return taken;
}

gboolean
rp_ice_has_remote (const RpIce *ice)
{
  return ice->remote_set;
}

gboolean
rp_ice_set_remote (RpIce *ice, const char *ufrag, const char *pwd)
{
  if (!nice_agent_set_remote_credentials (ice->agent, ice->stream, ufrag, pwd))
    return FALSE;
  ice->remote_set = TRUE;
  for (guint i = 0; i < ice->remote->len; i++)
    give_candidate (ice, &g_array_index (ice->remote, RpCandidate, i));
  g_array_set_size (ice->remote, 0);
  return TRUE;
}

gboolean
rp_ice_add_remote_candidate (RpIce *ice, const RpCandidate *candidate)
{
  if (candidate->transport != RP_CANDIDATE_UDP || candidate->component != COMPONENT ||
      candidate->port == 0 || candidate->priority == 0 || ice->n_remote >= RP_CANDIDATE_MAX)
    return FALSE;
  ice->n_remote++;
  if (ice->remote_set)
    return give_candidate (ice, candidate);
  g_array_append_val (ice->remote, *candidate);
  return TRUE;
}

gboolean
rp_ice_send (RpIce *ice, const guint8 *data, gsize len)
{
  if (rp_ice_socket_is_selected (ice->socket))
    return rp_ice_socket_send (ice->socket, data, len);
  return nice_agent_send (ice->agent, ice->stream, COMPONENT, (guint) len, (const char *) data) ==
         (gint) len;
}

char *
rp_ice_remote_address (const RpIce *ice)
{
  NiceCandidate *local = NULL;
  NiceCandidate *remote = NULL;
  char text[INET6_ADDRSTRLEN];

  if (!nice_agent_get_selected_pair (ice->agent, ice->stream, COMPONENT, &local, &remote))
    return NULL;
  nice_address_to_string (&remote->addr, text);
  return g_strdup_printf (nice_address_ip_version (&remote->addr) == 6 ? "[%s]:%u" : "%s:%u", text,
                          nice_address_get_port (&remote->addr));
}
