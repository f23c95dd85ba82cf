#include "seq.h"

/* Room below the first number for packets that were reordered around it. */
#define FIRST_CYCLE G_GUINT64_CONSTANT (0x10000)

RpSeqResult
rp_seq_unwrap (RpSeq *self, guint16 seq, guint64 *out_seq)
{
  if (!self->started) {
    *self = (RpSeq){.started = TRUE, .highest = FIRST_CYCLE + seq};
    *out_seq = self->highest;
    return RP_SEQ_FIRST;
  }

  guint ahead = (guint16) (seq - (guint16) self->highest);
  if (ahead < RP_SEQ_MAX_DROPOUT) {
    self->highest += ahead;
    self->has_suspect = self->has_suspect && ahead == 0;
    *out_seq = self->highest;
    return ahead == 0 ? RP_SEQ_OLDER : RP_SEQ_NEWER;
  }

  guint behind = 0x10000 - ahead;
  if (behind < RP_SEQ_MAX_MISORDER) {
    *out_seq = self->highest - behind;
    return RP_SEQ_OLDER;
  }

  if (self->has_suspect && seq == self->suspect) {
    self->has_suspect = FALSE;
    self->highest = ((self->highest >> 16) + 2) << 16 | seq;
    *out_seq = self->highest;
    return RP_SEQ_RESTART;
  }
  self->has_suspect = TRUE;
  self->suspect = (guint16) (seq + 1);
  return RP_SEQ_JUMP;
}

guint64
rp_ts_unwrap (RpTs *self, guint32 ts)
{
  if (!self->started) {
    self->started = TRUE;
    self->last = (G_GUINT64_CONSTANT (1) << 32) + ts;
  } else {
    gint32 step = (gint32) (ts - (guint32) self->last);
    self->last += (guint64) (gint64) step;
  }
  return self->last;
}
