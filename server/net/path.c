#include "path.h"

/* One of ICE. */
typedef struct {
  RpPath *path;
  RpIce *ice;
  gboolean dropped;      /* about to be freed */
  gboolean heard;        /* the other side has sent over it */
  gint64 hurry_until_us; /* 0 = since the next tick */
  gint64 kept_until_us;  /* 0 = in use or the newest, until the last tick */
} Generation;

struct _RpPath {
  RpLoop *loop;
  RpIceConfig config;
  GStrv addresses; /* (nullable): config's */
  RpPathEvents events;
  gpointer user_data;

  GPtrArray *generations; /* of Generation, the newest last */
  Generation *used;       /* of them: packets go out here */
  GPtrArray *dropped;     /* of Generation: to be freed outside of their events */
  gboolean connected;
  RpPathCounters counters;
};

static void
generation_free (gpointer data)
{
  Generation *self = data;
  rp_ice_free (self->ice);
  g_free (self);
}

static Generation *
generation (const RpPath *path, guint i)
{
  return g_ptr_array_index (path->generations, i);
}

static Generation *
newest (const RpPath *path)
{
  return generation (path, path->generations->len - 1);
}

static gboolean
is_needed (const RpPath *path, const Generation *self)
{
  return self == path->used || self == newest (path);
}

static void
on_connected (RpIce *ice, gpointer user_data)
{
  Generation *self = user_data;
  RpPath *path = self->path;
  guint i = 0;
  guint used = 0;

  if (self->dropped)
    return;
  g_ptr_array_find (path->generations, self, &i);
  g_ptr_array_find (path->generations, path->used, &used);
  if (i > used) {
    path->used = self;
    self->kept_until_us = 0;
    path->counters.switches++;
  } else if (i == used && path->connected) {
    path->counters.switches++; /* it has moved */
  }
  if (self != path->used || path->connected)
    return;
  path->connected = TRUE;
  path->events.connected (path->user_data);
}

static void
on_datagram (guint8 *data, gsize len, gpointer user_data)
{
  Generation *self = user_data;
  if (self->dropped)
    return;
  self->heard = TRUE;
  self->path->events.datagram (data, len, self->path->user_data);
}

/* Adds the newest one. */
static gboolean
add_generation (RpPath *path, GError **error)
{
  static const RpIceEvents events = {.connected = on_connected, .datagram = on_datagram};
  Generation *self = g_new0 (Generation, 1);

  self->path = path;
  self->ice = rp_ice_new (path->loop, &path->config, &events, self, error);
  if (!self->ice) {
    g_free (self);
    return FALSE;
  }
  g_ptr_array_add (path->generations, self);
  return TRUE;
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
  path->generations = g_ptr_array_new_with_free_func (generation_free);
  path->dropped = g_ptr_array_new_with_free_func (generation_free);
  if (!add_generation (path, error))
    return NULL;
  path->used = newest (path);
  return g_steal_pointer (&path);
}

void
rp_path_free (RpPath *path)
{
  if (!path)
    return;
  g_ptr_array_unref (path->generations);
  g_ptr_array_unref (path->dropped);
  g_strfreev (path->addresses);
  g_free (path);
}

const RpIce *
rp_path_ice (const RpPath *path)
{
  return newest (path)->ice;
}

/* The one to do without: one that nothing can be lost with, else the oldest, but not the one that
 * the other side uses, which is the newest that it was heard over. */
static guint
least_needed (const RpPath *path)
{
  const Generation *theirs = NULL;
  guint found = 0;

  for (guint i = 0; i < path->generations->len; i++)
    if (generation (path, i)->heard)
      theirs = generation (path, i);
  for (guint i = path->generations->len; i-- > 0;) {
    const Generation *self = generation (path, i);
    if (!is_needed (path, self) && self != theirs)
      found = i;
  }
  for (guint i = path->generations->len; i-- > 0;) {
    const Generation *self = generation (path, i);
    if (!is_needed (path, self) && !rp_ice_may_receive (self->ice))
      found = i;
  }
  return found;
}

gboolean
rp_path_begin_restart (RpPath *path, GError **error)
{
  if (!add_generation (path, error))
    return FALSE;
  path->counters.restarts++;
  return TRUE;
}

gboolean
rp_path_move (RpPath *path, const char *const *addresses, GError **error)
{
  set_addresses (path, addresses);
  if (!rp_path_begin_restart (path, error))
    return FALSE;
  path->used = newest (path);
  while (path->generations->len > 1) {
    generation (path, 0)->dropped = TRUE;
    g_ptr_array_add (path->dropped, g_ptr_array_steal_index (path->generations, 0));
  }
  return TRUE;
}

gboolean
rp_path_has_remote (const RpPath *path)
{
  return rp_ice_has_remote (newest (path)->ice);
}

gboolean
rp_path_set_remote (RpPath *path, const char *ufrag, const char *pwd)
{
  return rp_ice_set_remote (newest (path)->ice, ufrag, pwd);
}

gboolean
rp_path_add_remote_candidate (RpPath *path, const RpCandidate *candidate)
{
  return rp_ice_add_remote_candidate (newest (path)->ice, candidate);
}

gboolean
rp_path_send (RpPath *path, const guint8 *data, gsize len)
{
  return rp_ice_send (path->used->ice, data, len);
}

/* Those before the one in use can do without it at once. */
static void
calm_down (RpPath *path, gint64 now_us)
{
  gboolean older = TRUE;

  for (guint i = 0; i < path->generations->len; i++) {
    Generation *self = generation (path, i);
    if (self == path->used) /* a call that is not connected has a timeout of its own */
      older = FALSE;
    else if (self->hurry_until_us == 0)
      self->hurry_until_us = now_us + RP_PATH_HURRY_US;
    if (self != path->used && (older || now_us >= self->hurry_until_us))
      rp_ice_take_time (self->ice);
  }
}

void
rp_path_tick (RpPath *path, gint64 now_us)
{
  for (guint i = path->generations->len; i-- > 0;) {
    Generation *self = generation (path, i);
    if (is_needed (path, self))
      continue;
    if (self->kept_until_us == 0)
      self->kept_until_us = now_us + RP_PATH_KEPT_US;
    else if (now_us >= self->kept_until_us)
      g_ptr_array_remove_index (path->generations, i);
  }
  /* Chosen and freed in one breath: with a check that is answered in between the other side may
   * have its pair. */
  while (path->generations->len > RP_PATH_KEPT_MAX + 2) /* in use, newest */
    g_ptr_array_remove_index (path->generations, least_needed (path));
  g_ptr_array_set_size (path->dropped, 0);
  calm_down (path, now_us);
}

void
rp_path_counters (const RpPath *path, RpPathCounters *out)
{
  *out = path->counters;
  out->generations = path->generations->len;
  out->restarting = path->used != newest (path);
}

char *
rp_path_remote_address (const RpPath *path)
{
  return rp_ice_remote_address (path->used->ice);
}
