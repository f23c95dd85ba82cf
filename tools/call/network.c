/* The impaired network of a call: a relay between it and the server, one for each generation of
 * ICE. */
#include "call-priv.h"

#include "relay.h"

#include <gio/gio.h>
#include <string.h>

struct _RpCallNetwork {
  RpImpair impair;
  GPtrArray *relays; /* of RpRelay, the newest last */
  gint64 origin_us;  /* 0 = not connected yet */
  RpCandidate to_server;
  RpCandidate to_caller;
};

RpCallNetwork *
rp_call_network_new (const RpImpair *impair)
{
  RpNetemConfig config;
  if (!rp_impair_netem (impair, FALSE, 0, 0, &config) &&
      !rp_impair_netem (impair, TRUE, 0, 0, &config))
    return NULL;
  RpCallNetwork *network = g_new0 (RpCallNetwork, 1);
  network->impair = *impair;
  network->relays = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_relay_free);
  return network;
}

void
rp_call_network_free (RpCallNetwork *network)
{
  if (!network)
    return;
  g_ptr_array_unref (network->relays);
  g_free (network);
}

/* The relay speaks UDP over IPv4; a server on this machine is nearest by loopback. */
static const RpCandidate *
choose (const RpCandidate *candidates, guint n)
{
  const RpCandidate *chosen = NULL;
  for (guint i = 0; i < n; i++) {
    const RpCandidate *c = &candidates[i];
    if (c->transport != RP_CANDIDATE_UDP || strchr (c->address, ':'))
      continue;
    if (!chosen ||
        (g_str_has_prefix (c->address, "127.") && !g_str_has_prefix (chosen->address, "127.")))
      chosen = c;
  }
  return chosen;
}

static gboolean
no_address (const char *whose, GError **error)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
               "%s has no UDP candidate over IPv4, which an impaired network needs", whose);
  return FALSE;
}

static RpCandidate
candidate (const RpCandidate *like, guint16 port)
{
  RpCandidate result = *like;
  result.type = RP_CANDIDATE_HOST;
  result.related_address[0] = '\0';
  result.related_port = 0;
  result.port = port;
  return result;
}

gboolean
rp_call_network_offer (RpCallNetwork *network, const RpCandidate **candidates, guint *n,
                       GError **error)
{
  const RpCandidate *own = choose (*candidates, *n);
  if (!own)
    return no_address ("the caller", error);
  RpRelay *relay = rp_relay_new (&network->impair, network->relays->len, own->address, error);
  if (!relay)
    return FALSE;
  g_ptr_array_add (network->relays, relay);
  if (network->origin_us > 0)
    rp_relay_start (relay, network->origin_us);
  network->to_caller = candidate (own, rp_relay_caller_port (relay));
  network->to_server = candidate (own, rp_relay_server_port (relay));
  *candidates = &network->to_server;
  *n = 1;
  return TRUE;
}

gboolean
rp_call_network_answer (RpCallNetwork *network, const RpCandidate **candidates, guint *n,
                        GError **error)
{
  const RpCandidate *server = choose (*candidates, *n);
  RpRelay *relay = g_ptr_array_index (network->relays, network->relays->len - 1);
  if (!server || !rp_relay_set_server (relay, server->address, server->port))
    return no_address ("the server", error);
  *candidates = &network->to_caller;
  *n = 1;
  return TRUE;
}

void
rp_call_network_start (RpCallNetwork *network, gint64 now_us)
{
  network->origin_us = now_us;
  for (guint i = 0; i < network->relays->len; i++)
    rp_relay_start (g_ptr_array_index (network->relays, i), now_us);
}

static void
add_int (JsonBuilder *builder, const char *name, guint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, (gint64) value);
}

static void
add_direction (JsonBuilder *builder, const RpNetemStats *stats)
{
  add_int (builder, "sent", stats->sent);
  add_int (builder, "lost", stats->lost);
  add_int (builder, "queue_full", stats->queue_full);
  add_int (builder, "too_large", stats->too_large);
  add_int (builder, "duplicated", stats->duplicated);
  add_int (builder, "reordered", stats->held_back);
}

static void
add_up (RpNetemStats *sum, const RpNetemStats *stats)
{
  sum->sent += stats->sent;
  sum->lost += stats->lost;
  sum->queue_full += stats->queue_full;
  sum->too_large += stats->too_large;
  sum->duplicated += stats->duplicated;
  sum->held_back += stats->held_back;
}

void
rp_call_network_summary (RpCallNetwork *network, JsonBuilder *builder)
{
  RpNetemStats out = {0};
  RpNetemStats in = {0};
  for (guint i = 0; i < network->relays->len; i++) {
    RpNetemStats one_out;
    RpNetemStats one_in;
    rp_relay_stats (g_ptr_array_index (network->relays, i), &one_out, &one_in);
    add_up (&out, &one_out);
    add_up (&in, &one_in);
  }
  json_builder_set_member_name (builder, "impairment");
  json_builder_begin_object (builder);
  add_direction (builder, &out);
  json_builder_set_member_name (builder, "in");
  json_builder_begin_object (builder);
  add_direction (builder, &in);
  json_builder_end_object (builder);
  json_builder_end_object (builder);
}
