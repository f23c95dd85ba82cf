#include "path.h"

struct _RpPath {
  RpLoop *loop;
  RpIceConfig config;
  GStrv addresses; /* (nullable): config's */
  RpPathEvents events;
  gpointer user_data;

  RpIce *ice;             /* packets go out here */
  RpIce *next;            /* (nullable): of a restart, without a pair yet */
  RpIce *former;          /* (nullable): before the switch */
  gint64 former_until_us; /* 0 = since the next tick */
  gint64 hurry_until_us;  /* of next; 0 = since the next tick */
  GPtrArray *retired;     /* of RpIce: to be freed outside of their events */
  gboolean connected;
  RpPathCounters counters;
};

static void
retire (RpPath *path, RpIce **ice)
{
  if (*ice)
    g_ptr_array_add (path->retired, g_steal_pointer (ice));
}

static void
on_connected (RpIce *ice, gpointer user_data)
{
  RpPath *path = user_data;

  if (ice == path->next) {
    retire (path, &path->former);
    path->former = path->ice;
    path->former_until_us = 0;
    path->ice = g_steal_pointer (&path->next);
    path->counters.switches++;
  } else if (ice == path->ice && path->connected) {
    path->counters.switches++; /* it has moved */
  }
  if (ice != path->ice || path->connected)
    return;
  path->connected = TRUE;
  path->events.connected (path->user_data);
}

static void
on_datagram (guint8 *data, gsize len, gpointer user_data)
{
  RpPath *path = user_data;
  path->events.datagram (data, len, path->user_data);
}

static RpIce *
new_ice (RpPath *path, GError **error)
{
  static const RpIceEvents events = {.connected = on_connected, .datagram = on_datagram};
  return rp_ice_new (path->loop, &path->config, &events, path, error);
}

static void
set_addresses (RpPath *path, const char *const *addresses)
{
  g_strfreev (path->addresses);
  path->addresses = g_strdupv ((GStrv) addresses);
  path->config.local_addresses = (const char *const *) path->addresses;
}

RpPath *
rp_path_new (RpLoop *loop, const RpIceConfig *config, const RpPathEvents *events,
             gpointer user_data, GError **error)
{
  g_autoptr (RpPath) path = g_new0 (RpPath, 1);

  path->loop = loop;
  path->config = *config;
  set_addresses (path, config->local_addresses);
  path->events = *events;
  path->user_data = user_data;
  path->retired = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_ice_free);
  path->ice = new_ice (path, error);
  return path->ice ? g_steal_pointer (&path) : NULL;
}

void
rp_path_free (RpPath *path)
{
  if (!path)
    return;
  rp_ice_free (path->ice);
  rp_ice_free (path->next);
  rp_ice_free (path->former);
  g_ptr_array_unref (path->retired);
  g_strfreev (path->addresses);
  g_free (path);
}

static RpIce *
newest (const RpPath *path)
{
  return path->next ? path->next : path->ice;
}

const RpIce *
rp_path_ice (const RpPath *path)
{
  return newest (path);
}

gboolean
rp_path_begin_restart (RpPath *path, GError **error)
{
  RpIce *ice = new_ice (path, error);
  if (!ice)
    return FALSE;
  retire (path, &path->next);
  path->next = ice;
  path->hurry_until_us = 0;
  path->counters.restarts++;
  return TRUE;
}

gboolean
rp_path_move (RpPath *path, const char *const *addresses, GError **error)
{
  set_addresses (path, addresses);
  if (!rp_path_begin_restart (path, error))
    return FALSE;
  retire (path, &path->former);
  retire (path, &path->ice);
  path->ice = g_steal_pointer (&path->next);
  return TRUE;
}

gboolean
rp_path_has_remote (const RpPath *path)
{
  return rp_ice_has_remote (newest (path));
}

gboolean
rp_path_set_remote (RpPath *path, const char *ufrag, const char *pwd)
{
  return rp_ice_set_remote (newest (path), ufrag, pwd);
}

gboolean
rp_path_add_remote_candidate (RpPath *path, const RpCandidate *candidate)
{
  return rp_ice_add_remote_candidate (newest (path), candidate);
}

gboolean
rp_path_send (RpPath *path, const guint8 *data, gsize len)
{
  return rp_ice_send (path->ice, data, len);
}

void
rp_path_tick (RpPath *path, gint64 now_us)
{
  if (path->former && path->former_until_us == 0)
    path->former_until_us = now_us + RP_PATH_FORMER_US;
  else if (path->former && now_us >= path->former_until_us)
    retire (path, &path->former);
  if (path->next && path->hurry_until_us == 0)
    path->hurry_until_us = now_us + RP_PATH_HURRY_US;
  else if (path->next && now_us >= path->hurry_until_us)
    rp_ice_take_time (path->next);
  if (path->retired->len > 0)
    g_ptr_array_set_size (path->retired, 0);
}

void
rp_path_counters (const RpPath *path, RpPathCounters *out)
{
  *out = path->counters;
}

char *
rp_path_remote_address (const RpPath *path)
{
  return rp_ice_remote_address (path->ice);
}
