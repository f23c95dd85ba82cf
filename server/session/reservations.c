#include "reservations.h"

#include "secret.h"

/* Those without a call are in the order in which they run out, because all wait equally long. */
typedef struct {
  RpReservation view; /* its strings are ours */
  gint64 until_us;    /* without a call */
  GList link;         /* in idle, without a call */
} Entry;

struct _RpReservations {
  RpReservationsConfig config;
  GHashTable *entries; /* id → Entry, owned */
  GHashTable *calls;   /* call → Entry */
  GQueue idle;         /* of Entry: the next to run out first */
};

RpReservations *
rp_reservations_new (const RpReservationsConfig *config)
{
  RpReservations *self = g_new0 (RpReservations, 1);
  self->config = *config;
  self->config.max_idle = MAX (config->max_idle, 1);
  if (config->idle_us == 0)
    self->config.idle_us = RP_RESERVATION_IDLE_US;
  self->entries = g_hash_table_new (g_str_hash, g_str_equal);
  self->calls = g_hash_table_new (g_str_hash, g_str_equal);
  g_queue_init (&self->idle);
  return self;
}

static void
leave_call (RpReservations *self, Entry *entry)
{
  if (entry->view.call == NULL)
    return;
  g_hash_table_remove (self->calls, entry->view.call);
  g_free ((char *) entry->view.call);
  entry->view.call = NULL;
}

static void
start_waiting (RpReservations *self, Entry *entry, gint64 now_us)
{
  entry->until_us = now_us + self->config.idle_us;
  g_queue_push_tail_link (&self->idle, &entry->link);
}

static void
forget (RpReservations *self, Entry *entry)
{
  if (entry->view.call == NULL)
    g_queue_unlink (&self->idle, &entry->link);
  leave_call (self, entry);
  g_hash_table_remove (self->entries, entry->view.id);
  g_free ((char *) entry->view.id);
  g_free ((char *) entry->view.agent);
  rp_secret_free ((char *) entry->view.request_data);
  g_free (entry);
}

void
rp_reservations_free (RpReservations *self)
{
  if (self == NULL)
    return;
  g_autoptr (GList) entries = g_hash_table_get_values (self->entries);
  for (GList *l = entries; l != NULL; l = l->next)
    forget (self, l->data);
  g_hash_table_unref (self->entries);
  g_hash_table_unref (self->calls);
  g_free (self);
}

void
rp_reservations_expire (RpReservations *self, gint64 now_us)
{
  while (rp_reservations_deadline (self) <= now_us)
    forget (self, g_queue_peek_head (&self->idle));
}

static Entry *
find (RpReservations *self, gint64 now_us, const char *id)
{
  rp_reservations_expire (self, now_us);
  return g_hash_table_lookup (self->entries, id);
}

gboolean
rp_reservations_add (RpReservations *self, gint64 now_us, const char *id, const char *agent,
                     const char *request_data)
{
  g_return_val_if_fail (find (self, now_us, id) == NULL, FALSE);
  if (self->idle.length >= self->config.max_idle)
    return FALSE;
  Entry *entry = g_new0 (Entry, 1);
  entry->view = (RpReservation){
      .id = g_strdup (id),
      .agent = g_strdup (agent),
      .request_data = g_strdup (request_data),
  };
  entry->link.data = entry;
  g_hash_table_insert (self->entries, (gpointer) entry->view.id, entry);
  start_waiting (self, entry, now_us);
  return TRUE;
}

const RpReservation *
rp_reservations_find (RpReservations *self, gint64 now_us, const char *id)
{
  const Entry *entry = find (self, now_us, id);
  return entry != NULL ? &entry->view : NULL;
}

void
rp_reservations_renew (RpReservations *self, gint64 now_us, const char *id)
{
  Entry *entry = find (self, now_us, id);
  if (entry == NULL || entry->view.call != NULL)
    return;
  g_queue_unlink (&self->idle, &entry->link);
  start_waiting (self, entry, now_us);
}

void
rp_reservations_begin (RpReservations *self, gint64 now_us, const char *id, const char *call)
{
  Entry *entry = find (self, now_us, id);
  if (entry == NULL)
    return;
  if (entry->view.call == NULL)
    g_queue_unlink (&self->idle, &entry->link);
  leave_call (self, entry);
  entry->view.call = g_strdup (call);
  g_hash_table_insert (self->calls, (gpointer) entry->view.call, entry);
}

void
rp_reservations_end (RpReservations *self, gint64 now_us, const char *call)
{
  Entry *entry = g_hash_table_lookup (self->calls, call);
  if (entry == NULL)
    return;
  leave_call (self, entry);
  start_waiting (self, entry, now_us);
}

gint64
rp_reservations_deadline (const RpReservations *self)
{
  const Entry *next = self->idle.head != NULL ? self->idle.head->data : NULL;
  return next != NULL ? next->until_us : G_MAXINT64;
}

guint
rp_reservations_count (const RpReservations *self)
{
  return g_hash_table_size (self->entries);
}
