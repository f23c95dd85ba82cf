#include "netem.h"

typedef struct {
  gint64 arrival_us;
  guint64 order; /* breaks ties */
  GBytes *bytes;
} Datagram;

struct _RpNetem {
  RpNetemConfig config;
  GRand *rand;
  gboolean is_bad;
  gint64 last_arrival_us;
  gint64 link_free_us; /* when all that was queued for the link will have left */
  guint64 next_order;
  GSequence *queue; /* of Datagram, by arrival */
  RpNetemStats stats;
};

static void
datagram_free (gpointer data)
{
  Datagram *d = data;
  if (d->bytes != NULL)
    g_bytes_unref (d->bytes);
  g_free (d);
}

static int
datagram_compare (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const Datagram *x = a;
  const Datagram *y = b;
  if (x->arrival_us != y->arrival_us)
    return x->arrival_us < y->arrival_us ? -1 : 1;
  return x->order < y->order ? -1 : x->order > y->order;
}

RpNetem *
rp_netem_new (const RpNetemConfig *config)
{
  RpNetem *self = g_new0 (RpNetem, 1);
  self->config = *config;
  self->rand = g_rand_new_with_seed (config->seed);
  self->queue = g_sequence_new (datagram_free);
  self->last_arrival_us = G_MININT64;
  return self;
}

void
rp_netem_free (RpNetem *self)
{
  if (self == NULL)
    return;
  g_sequence_free (self->queue);
  g_rand_free (self->rand);
  g_free (self);
}

void
rp_netem_change (RpNetem *self, const RpNetemConfig *config)
{
  self->config = *config;
}

static gboolean
chance (RpNetem *self, double probability)
{
  return g_rand_double (self->rand) < probability;
}

static gboolean
is_lost (RpNetem *self, gint64 now_us)
{
  const RpNetemConfig *c = &self->config;
  /* The same draws whatever the outcome, so that one setting does not change the luck of another.
   */
  gboolean moves = chance (self, self->is_bad ? c->p_leave_bad : c->p_enter_bad);
  if (moves)
    self->is_bad = !self->is_bad;
  gboolean unlucky = chance (self, self->is_bad ? c->loss_bad : c->loss);
  gint64 since_us = now_us - c->outage_from_us;
  if (since_us >= 0 && c->outage_every_us > 0)
    since_us %= c->outage_every_us;
  return unlucky || (since_us >= 0 && since_us < c->outage_to_us - c->outage_from_us);
}

/* Puts a datagram on the link. Returns: when it has left it, or -1 when the queue is full. */
static gint64
transmit (RpNetem *self, gint64 now_us, gsize length)
{
  const RpNetemConfig *c = &self->config;
  if (c->rate_bps <= 0)
    return now_us;
  gsize queue_bytes = c->queue_bytes > 0 ? c->queue_bytes : (gsize) (c->rate_bps / 8 / 4);
  gint64 bits = 8 * (gint64) (length + RP_NETEM_HEADER_BYTES);
  gint64 wait_us = MAX (self->link_free_us - now_us, 0);
  if (wait_us * c->rate_bps / G_USEC_PER_SEC / 8 > (gint64) queue_bytes)
    return -1;
  self->link_free_us = now_us + wait_us + bits * G_USEC_PER_SEC / c->rate_bps;
  return self->link_free_us;
}

static void
deliver (RpNetem *self, gint64 now_us, GBytes *bytes)
{
  const RpNetemConfig *c = &self->config;
  gint64 left_us = transmit (self, now_us, g_bytes_get_size (bytes));
  if (left_us < 0) {
    self->stats.queue_full++;
    self->stats.lost++;
    return;
  }
  gint64 arrival_us =
      left_us + c->delay_us + (gint64) (g_rand_double (self->rand) * (double) c->jitter_us);
  if (c->keep_order)
    arrival_us = MAX (arrival_us, self->last_arrival_us);
  if (chance (self, c->reorder)) {
    arrival_us += c->reorder_us;
    self->stats.held_back++;
  } else {
    self->last_arrival_us = MAX (self->last_arrival_us, arrival_us);
  }
  Datagram *d = g_new (Datagram, 1);
  *d = (Datagram){arrival_us, self->next_order++, g_bytes_ref (bytes)};
  g_sequence_insert_sorted (self->queue, d, datagram_compare, NULL);
}

void
rp_netem_input (RpNetem *self, gint64 now_us, const guint8 *data, gsize length)
{
  self->stats.sent++;
  gboolean twice = chance (self, self->config.duplicate);
  gboolean too_large =
      self->config.mtu_bytes > 0 && length + RP_NETEM_HEADER_BYTES > self->config.mtu_bytes;
  self->stats.too_large += too_large ? 1 : 0;
  if (is_lost (self, now_us) || too_large) {
    self->stats.lost++;
    return;
  }
  g_autoptr (GBytes) bytes = g_bytes_new (data, length);
  deliver (self, now_us, bytes);
  if (twice) {
    self->stats.duplicated++;
    deliver (self, now_us, bytes);
  }
}

GBytes *
rp_netem_poll (RpNetem *self, gint64 now_us)
{
  if (rp_netem_deadline (self) > now_us)
    return NULL;
  GSequenceIter *first = g_sequence_get_begin_iter (self->queue);
  Datagram *d = g_sequence_get (first);
  GBytes *bytes = g_steal_pointer (&d->bytes);
  g_sequence_remove (first);
  self->stats.delivered++;
  return bytes;
}

gint64
rp_netem_deadline (const RpNetem *self)
{
  GSequenceIter *first = g_sequence_get_begin_iter (self->queue);
  if (g_sequence_iter_is_end (first))
    return G_MAXINT64;
  const Datagram *d = g_sequence_get (first);
  return d->arrival_us;
}

void
rp_netem_stats (const RpNetem *self, RpNetemStats *out_stats)
{
  *out_stats = self->stats;
}
