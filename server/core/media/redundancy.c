#include "redundancy.h"

/* Reports come every 1 to 5 s: less loss has to last for a few of them. */
#define HOLD_US (15 * G_USEC_PER_SEC)
/* In-band FEC restores single losses, worse than a copy does. From 2 % on a copy is worth its
 * bandwidth; from 15 % on runs of losses are common that one copy and FEC cannot bridge. */
#define ONE_COPY_LOSS 5 /* of 256 */
#define TWO_COPIES_LOSS 38

/* What nobody has told about may be lossy: it begins with FEC. */
static void
look_for_loss (RpRedundancy *self, gint64 now_us, guint8 fraction_lost)
{
  if (fraction_lost > 0 || self->loss_us == 0)
    self->loss_us = now_us;
  self->clean = now_us - self->loss_us >= HOLD_US;
}

guint
rp_redundancy_report (RpRedundancy *self, gint64 now_us, guint8 fraction_lost)
{
  look_for_loss (self, now_us, fraction_lost);
  guint wanted = fraction_lost >= TWO_COPIES_LOSS ? 2 : fraction_lost >= ONE_COPY_LOSS ? 1 : 0;
  if (wanted >= self->level)
    self->held_us = now_us;
  if (wanted > self->level || now_us - self->held_us >= HOLD_US) {
    self->level = wanted;
    self->held_us = now_us;
  }
  return self->level;
}
