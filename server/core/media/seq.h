#pragma once

/* Unwrapping of RTP counters: 16-bit sequence numbers (RFC 3550 A.1) and 32-bit timestamps to 64
 * bits. */

#include <glib.h>

/* RFC 3550 A.1: a forward jump this large, or a step back larger than this, is not ordinary loss or
 * reordering. */
#define RP_SEQ_MAX_DROPOUT 3000
#define RP_SEQ_MAX_MISORDER 100

typedef enum {
  RP_SEQ_FIRST,   /* the first number ever seen */
  RP_SEQ_NEWER,   /* beyond the highest so far, possibly after a gap */
  RP_SEQ_OLDER,   /* at or below the highest so far: a duplicate or a reordered packet */
  RP_SEQ_JUMP,    /* an implausible jump: ignore the packet; its successor would confirm the jump */
  RP_SEQ_RESTART, /* a jump confirmed by two consecutive packets: the sender restarted its numbering
                   */
} RpSeqResult;

/* A plain value; zero-initialise it, or assign (RpSeq){ 0 } to forget a stream. */
typedef struct {
  gboolean started;
  gboolean has_suspect;
  guint16 suspect; /* the number that would confirm a jump */
  guint64 highest; /* unwrapped */
} RpSeq;

/*
 * rp_seq_unwrap:
 * @out_seq: (out): the unwrapped number; not written on RP_SEQ_JUMP
 *
 * The first number is placed at 65536 + seq, so that packets reordered at the very start stay
 * positive. After RP_SEQ_RESTART numbers go on above every earlier one, with a meaningless distance
 * to them.
 */
RpSeqResult rp_seq_unwrap (RpSeq *self, guint16 seq, guint64 *out_seq);

/* Zero-initialise. */
typedef struct {
  gboolean started;
  guint64 last;
} RpTs;

/*
 * rp_ts_unwrap:
 *
 * Returns: the 64-bit timestamp nearest to the one of the previous call (RTP units). The first is
 * placed at 2^32 + ts. Attackers can make this go anywhere within ±2^31 per call; callers check the
 * distances they act on.
 */
guint64 rp_ts_unwrap (RpTs *self, guint32 ts);
