#pragma once

/*
 * The EAGER jitter buffer of the user's audio on its way to VAD and STT: minimum latency, no
 * playout clock. A packet in order is released at once; bursts pass straight through; only a gap
 * makes newer packets wait, for a short adaptive time. What it gives out is a list of instructions
 * for the Opus decoder on one exact 48 kHz timeline.
 *
 * Sans-IO, one owner thread. Memory is bounded: at most RP_JBUF_SLOTS payloads of
 * RP_JBUF_MAX_PAYLOAD_BYTES.
 *
 * Use: rp_jbuf_input () for each decrypted RTP packet of the stream, then rp_jbuf_poll () until
 * FALSE; and poll again when rp_jbuf_deadline () has come.
 */

#include <glib.h>

#define RP_JBUF_SLOTS 128
#define RP_JBUF_MAX_PAYLOAD_BYTES 1500
/* No item is longer than this (120 ms), so one buffer of this size holds the audio of any item. */
#define RP_JBUF_MAX_ITEM_SAMPLES 5760

typedef struct _RpJbuf RpJbuf;

/* All 0 = the defaults, in parentheses. */
typedef struct {
  gint64 min_wait_us;     /* shortest wait at a gap (20 ms) */
  gint64 max_wait_us;     /* longest wait at a gap (80 ms) */
  gint64 initial_wait_us; /* before anything is known of reordering (40 ms) */
  guint early_release;    /* give a gap up once this many newer packets wait (3) */
  guint max_plc_samples;  /* concealment by the decoder, then silence (2880 = 60 ms) */
  guint max_fill_samples; /* a longer gap is a discontinuity, not filled (48000 = 1 s) */
  gint64
      stall_us; /* without a packet for so long = stalled (60 ms; at least two packet durations) */
} RpJbufConfig;

typedef enum {
  /* Audio, in timeline order: each starts where the one before ended. */
  RP_JBUF_DECODE, /* opus_decode (payload), gives @samples */
  RP_JBUF_FEC, /* opus_decode (payload, decode_fec = 1) with frame_size = @samples; @payload is of
                  the next packet, which comes again as RP_JBUF_DECODE directly after */
  RP_JBUF_PLC, /* opus_decode (NULL) with frame_size = @samples, a multiple of 120 (2.5 ms) */
  RP_JBUF_SILENCE, /* @samples zeros, any number; the decoder is not called */
  /* Events, of length 0 on the timeline. */
  RP_JBUF_DISCONTINUITY, /* the sender's clock jumped by @jump_samples, which the timeline leaves
                            out; reset the decoder */
  RP_JBUF_STALLED,       /* no packet for a while: not to be read as the end of speech */
  RP_JBUF_RESUMED,       /* the first packet after RP_JBUF_STALLED */
} RpJbufItemType;

typedef struct {
  RpJbufItemType type;
  guint64 position; /* on the 48 kHz timeline, from 0 at the first packet; exact: position + samples
                       = next position */
  guint samples;    /* at 48 kHz, <= RP_JBUF_MAX_ITEM_SAMPLES; a decoder at 16 kHz makes
                       (position + samples) / 3 - position / 3 of it */
  const guint8 *payload; /* (nullable): DECODE and FEC; valid until the next call on the buffer */
  gsize payload_bytes;
  gint64 arrival_us;   /* DECODE: when the packet came, so that added delay can be measured */
  guint64 sequence;    /* DECODE: unwrapped; FEC: of the packet that carries the redundancy */
  guint64 timestamp;   /* DECODE: unwrapped RTP timestamp */
  gboolean marker;     /* DECODE */
  gboolean is_copy;    /* DECODE: the packet was lost, this is the copy in a later one (RFC 2198) */
  gboolean is_pause;   /* SILENCE: no packet is missing, the sender left this time out (DTX) */
  gint64 jump_samples; /* DISCONTINUITY: sender's clock minus timeline; 0 = unknown (new stream or
                          restart) */
} RpJbufItem;

typedef struct {
  guint64 received;    /* every packet given; with the copies = decoded + empty + held + the five
                          below */
  guint64 copies;      /* of lost packets, in later ones, that took their place */
  guint64 duplicate;   /* seen before */
  guint64 late;        /* after its gap was given up */
  guint64 malformed;   /* not an Opus packet, or too large */
  guint64 implausible; /* a sequence jump not (yet) confirmed by the next packet */
  guint64 discarded;   /* held packets dropped by a restart, a reset or a jump beyond the ring */
  guint64 decoded;     /* released as DECODE */
  guint64 empty;       /* no payload: only took its number */
  guint64 lost;        /* numbers given up; some may still come and count as late too */
  guint64 reordered;   /* came after a newer packet and still in time */
  guint64 fec_used;    /* FEC items */
  guint64 plc_samples;
  guint64 fec_samples;
  guint64 decoded_samples; /* of packets */
  guint64 copy_samples;    /* of copies */
  guint64 silence_samples; /* lost and not concealed */
  guint64 pause_samples;   /* left out by the sender */
  guint64 discontinuities;
  guint64 stalls;
  guint held;     /* packets waiting now */
  gint64 wait_us; /* the present wait at a gap */
} RpJbufStats;

/* rp_jbuf_new: @config: (nullable) */
RpJbuf *rp_jbuf_new (const RpJbufConfig *config, gint64 now_us);
void rp_jbuf_free (RpJbuf *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpJbuf, rp_jbuf_free)

/*
 * rp_jbuf_input:
 * @timestamp: RTP timestamp, clock of 48 kHz
 * @payload: (nullable): one Opus packet, copied. Length 0 for packets that only take a sequence
 * number: padding, and packets of other payload types of the same SSRC, which must be given so that
 * their numbers are not missed.
 *
 * Takes anything; what is not usable is counted.
 */
void rp_jbuf_input (RpJbuf *self, gint64 now_us, guint16 sequence, guint32 timestamp,
                    gboolean marker, const guint8 *payload, gsize payload_bytes);

/* A frame that was sent before and comes once more with a later packet. */
typedef struct {
  guint distance; /* of packets: 1 = the one just before */
  guint32 offset; /* of timestamps */
  const guint8 *payload;
  gsize payload_bytes;
} RpJbufCopy;

/*
 * rp_jbuf_input_redundant: rp_jbuf_input () of a packet that also carries @copies, which are taken
 * where their packets are missing. What does not fit between its neighbours is not used.
 */
void rp_jbuf_input_redundant (RpJbuf *self, gint64 now_us, guint16 sequence, guint32 timestamp,
                              gboolean marker, const guint8 *payload, gsize payload_bytes,
                              const RpJbufCopy *copies, guint n_copies);

/*
 * rp_jbuf_input_red: the same of a packet of redundant audio (RFC 2198): @payload with its headers.
 * Blocks of another payload type than @opus_payload_type are no audio.
 *
 * Returns: FALSE when the headers are broken; the packet is then as good as lost.
 */
gboolean rp_jbuf_input_red (RpJbuf *self, gint64 now_us, guint16 sequence, guint32 timestamp,
                            gboolean marker, const guint8 *payload, gsize payload_bytes,
                            guint8 opus_payload_type);

/* rp_jbuf_poll: Returns: TRUE with the next item; FALSE when there is nothing to do before
 * rp_jbuf_deadline (). */
gboolean rp_jbuf_poll (RpJbuf *self, gint64 now_us, RpJbufItem *out_item);

/* rp_jbuf_deadline: Returns: when to poll next without new input, > now after poll returned FALSE;
 * G_MAXINT64 = never. */
gint64 rp_jbuf_deadline (const RpJbuf *self);

/*
 * rp_jbuf_reset: the stream changes (a new SSRC). Held packets are dropped; timeline, counters and
 * what was learnt of the network go on; the next packet comes after a DISCONTINUITY.
 */
void rp_jbuf_reset (RpJbuf *self, gint64 now_us);

/* rp_jbuf_position: where the next audio item will start. */
guint64 rp_jbuf_position (const RpJbuf *self);

void rp_jbuf_stats (const RpJbuf *self, RpJbufStats *out_stats);
