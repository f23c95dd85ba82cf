#pragma once

/*
 * The outgoing playout queue of one call and its clock: the one owner of what the user heard. The
 * worker pushes Opus frames ahead of time; one frame leaves every 20 ms on an absolute schedule,
 * without drift; silence frames fill the rest, so the track is never muted. Speech that finds the
 * queue empty leaves at the next tick of the schedule: 10 ms later on average, 20 ms at most, and
 * never more (nothing is pre-buffered).
 *
 * Sans-IO, one owner thread.
 */

#include <glib.h>

#define RP_PACER_FRAME_US 20000
#define RP_PACER_FRAME_SAMPLES 960 /* at 48 kHz */
#define RP_PACER_MAX_PAYLOAD_BYTES 1275
#define RP_PACER_DEFAULT_QUEUE_FRAMES 3000 /* 60 s */
/* A late owner sends at most this many frames at once; the rest of the lateness is skipped on the
 * timestamp. */
#define RP_PACER_MAX_BURST 2

typedef struct _RpPacer RpPacer;

typedef struct {
  guint32 ssrc;
  guint16 first_sequence;  /* random (RFC 3550 5.1), but < 2^15: libsrtp wants no early wrap */
  guint32 first_timestamp; /* random */
  guint max_queue_frames;  /* 0 = RP_PACER_DEFAULT_QUEUE_FRAMES */
  const guint8 *silence;   /* (nullable): a 20 ms Opus packet, copied; NULL = three bytes of CELT
                              digital silence */
  gsize silence_bytes;
} RpPacerConfig;

typedef enum {
  RP_PACER_FRAME_LAST = 1 << 0, /* the last frame of its utterance */
} RpPacerFlags;

typedef enum {
  RP_PACER_OK,
  RP_PACER_STALE, /* of an utterance flushed already: dropped and counted, an ordinary race, not an
                     error */
  RP_PACER_OVERFLOW, /* the queue is full: this frame was dropped and may be pushed again */
  RP_PACER_ORDER, /* frame_seq is not the next of its utterance, or the utterance is older than the
                     newest or ended */
  RP_PACER_INVALID, /* not one 20 ms Opus packet of 1..1275 bytes, or utterance 0 */
} RpPacerResult;

typedef struct {
  const guint8 *payload; /* valid until the next call on the pacer */
  gsize payload_bytes;
  guint32 ssrc;
  guint16 sequence;
  guint32 timestamp;
  gboolean marker;   /* first packet, first frame of speech after silence, or after skipped time */
  guint32 utterance; /* 0 = silence */
  guint32 frame_index; /* within the utterance, from 0 */
  gboolean is_first;   /* frame 0 of the utterance */
  gboolean is_last;    /* was pushed with RP_PACER_FRAME_LAST */
} RpPacerOut;

/* What was heard. Times are counted in frames of 20 ms. */
typedef struct {
  guint32 utterance;        /* the last one of which a frame is on the wire; 0 = none yet */
  guint32 frames_played;    /* of it */
  gboolean complete;        /* its frame with RP_PACER_FRAME_LAST is on the wire */
  guint queued_frames;      /* of all utterances */
  guint32 pushed_utterance; /* the newest one accepted; 0 = none yet */
  guint32 pushed_frames;    /* of it */
} RpPacerPosition;

/*
 * Of the flushed utterances, those below @utterance were sent whole (unless an earlier flush said
 * otherwise), those above it not at all.
 */
typedef struct {
  guint32 utterance;     /* the last one of which a frame is on the wire; 0 = none */
  guint32 frames_played; /* of it, at the time of the flush: exact */
  gboolean complete;     /* it had been sent to its end */
  guint dropped;         /* frames removed from the queue by this flush */
} RpPacerFlush;

typedef struct {
  guint64 speech_sent;
  guint64 silence_sent;
  guint64 pushed;  /* accepted */
  guint64 flushed; /* accepted, then dropped by a flush */
  guint64 stale;
  guint64 overflow;
  guint64 rejected;    /* RP_PACER_ORDER and RP_PACER_INVALID */
  guint64 underruns;   /* times silence had to be sent in the middle of an utterance */
  guint64 skipped;     /* frame times not sent because the owner was late */
  guint64 late_bursts; /* polls that found more than one frame due */
} RpPacerStats;

/*
 * rp_pacer_new:
 *
 * The pacer takes frames at once, but sends nothing until rp_pacer_start ().
 *
 * Returns: (nullable) (transfer full): NULL when config->silence is not one 20 ms Opus packet.
 */
RpPacer *rp_pacer_new (const RpPacerConfig *config, gint64 now_us);
void rp_pacer_free (RpPacer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpPacer, rp_pacer_free)

/*
 * rp_pacer_start: the transport is ready; the first frame is due at @first_due_us (>= 0), which the
 * owner chooses to spread its calls over its ticks. A second call has no effect.
 */
void rp_pacer_start (RpPacer *self, gint64 first_due_us);

/*
 * rp_pacer_push:
 * @utterance: >= 1, never decreasing
 * @frame_seq: 0, 1, 2, … within the utterance
 * @flags: RpPacerFlags
 * @payload: one Opus packet of 20 ms, copied
 *
 * Anything but RP_PACER_OK leaves the queue as it was. An utterance may be abandoned without its
 * last frame by pushing the next one.
 */
RpPacerResult rp_pacer_push (RpPacer *self, guint32 utterance, guint32 frame_seq, guint flags,
                             const guint8 *payload, gsize payload_bytes);

/*
 * rp_pacer_flush: drops every queued frame of the utterances up to and including @utterance_up_to,
 * for good: later pushes for them are RP_PACER_STALE. Silence follows at the next due time.
 */
void rp_pacer_flush (RpPacer *self, gint64 now_us, guint32 utterance_up_to,
                     RpPacerFlush *out_report);

/*
 * rp_pacer_poll: Returns: TRUE with one frame to send now. At most RP_PACER_MAX_BURST per @now_us;
 * when more are overdue the timestamp advances over them, and queued speech is delayed, not
 * dropped.
 */
gboolean rp_pacer_poll (RpPacer *self, gint64 now_us, RpPacerOut *out);

/* rp_pacer_deadline: when the next frame is due, > now after poll returned FALSE; G_MAXINT64 before
 * the start. */
gint64 rp_pacer_deadline (const RpPacer *self);

void rp_pacer_position (const RpPacer *self, RpPacerPosition *out_position);

/* rp_pacer_timestamp_at: the RTP timestamp of the instant @now_us, for sender reports (RFC
 * 3550 6.4.1). */
guint32 rp_pacer_timestamp_at (const RpPacer *self, gint64 now_us);

void rp_pacer_stats (const RpPacer *self, RpPacerStats *out_stats);
