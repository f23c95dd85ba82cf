#pragma once

/*
 * A seeded network emulator. Sans-IO: datagrams go in with the time they were sent and come out at
 * the time they arrive. The same seed and the same calls give the same network.
 */

#include <glib.h>

/* What a datagram is larger on the wire: headers of IPv4 and UDP. */
#define RP_NETEM_HEADER_BYTES 28

typedef struct _RpNetem RpNetem;

/* All 0 = a perfect network without delay. Probabilities are 0..1. */
typedef struct {
  guint32 seed;
  double loss; /* independent loss; with Gilbert-Elliott below, the loss in the good state */
  /* Gilbert-Elliott bursts, used when p_enter_bad > 0: the state changes once per datagram. */
  double p_enter_bad;
  double p_leave_bad;
  double loss_bad;
  gint64 delay_us;     /* one way, for all */
  gint64 jitter_us;    /* uniform 0..jitter_us on top */
  gboolean keep_order; /* jitter delays the datagrams behind as well, as a queue does, instead of
                          letting them pass */
  double reorder;      /* this share is held back by reorder_us more, keep_order or not */
  gint64 reorder_us;
  double duplicate;      /* this share arrives twice, the copy with its own jitter */
  gint64 outage_from_us; /* everything sent in [from, to) is lost */
  gint64 outage_to_us;
  gint64 outage_every_us; /* > 0: and again after so long, without end; > to - from */
  /* A link of this rate with a queue before it: what finds the queue full is lost (drop tail). */
  gint64 rate_bps;   /* bits per second, with RP_NETEM_HEADER_BYTES for each; 0 = no limit */
  gsize queue_bytes; /* 0 = what takes 250 ms */
  gsize mtu_bytes;   /* a datagram that makes a larger IPv4 packet is lost; 0 = no limit */
} RpNetemConfig;

typedef struct {
  guint64 sent;
  guint64 lost; /* of all reasons, with the two below */
  guint64 queue_full;
  guint64 too_large;
  guint64 duplicated;
  guint64 held_back;
  guint64 delivered;
} RpNetemStats;

RpNetem *rp_netem_new (const RpNetemConfig *config);
void rp_netem_free (RpNetem *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpNetem, rp_netem_free)

/* rp_netem_change: another network from now on; what is under way stays so, the luck goes on. */
void rp_netem_change (RpNetem *self, const RpNetemConfig *config);

/* rp_netem_input: one datagram is sent at @now_us; copied. */
void rp_netem_input (RpNetem *self, gint64 now_us, const guint8 *data, gsize length);

/*
 * rp_netem_poll: Returns: the next datagram that has arrived by @now_us, in the order of arrival,
 * or NULL. (transfer full) (nullable)
 */
GBytes *rp_netem_poll (RpNetem *self, gint64 now_us);

/* rp_netem_deadline: when the next datagram arrives; G_MAXINT64 = none is on its way. */
gint64 rp_netem_deadline (const RpNetem *self);

void rp_netem_stats (const RpNetem *self, RpNetemStats *out_stats);
