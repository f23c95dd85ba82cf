/* The wire format of the Unix sockets between the server, the zygote and the workers:
 * proto/README.md.
 *
 * One SOCK_SEQPACKET message is one frame: a 24-byte header and a payload, little-endian
 * throughout. Pure encoding and decoding: no socket, no clock. Every parser checks length, type,
 * direction and ranges before anything is used; a bad frame is a GError of RP_FRAME_ERROR and the
 * sender is cut off by the caller. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Raised with every incompatible change; both sides are built together, so there is no negotiation,
 * only a check. */
#define RP_FRAME_VERSION 1
#define RP_FRAME_MAGIC 0x5052 /* "RP" on the wire */
#define RP_FRAME_HEADER_BYTES 24
/* A checkpoint is the largest payload; a frame must fit a socket buffer several times over. */
#define RP_FRAME_MAX_PAYLOAD_BYTES (128 * 1024)
#define RP_FRAME_MAX_BYTES (RP_FRAME_HEADER_BYTES + RP_FRAME_MAX_PAYLOAD_BYTES)
/* RFC 6716 §3.4: no Opus frame is longer. */
#define RP_FRAME_MAX_OPUS_BYTES 1275
/* 120 ms at 16 kHz: the longest Opus packet decoded. */
#define RP_FRAME_MAX_AUDIO_SAMPLES 1920

/* Positions and times lie from 0 to here: years of microseconds, and sums of them do not overflow.
 */
#define RP_FRAME_MAX_INSTANT ((gint64) 1 << 60)

#define RP_FRAME_ERROR (rp_frame_error_quark ())
GQuark rp_frame_error_quark (void);

typedef enum {
  RP_FRAME_ERROR_MALFORMED, /* the bytes are not a frame, or a payload breaks its layout */
  RP_FRAME_ERROR_VERSION,   /* another protocol version */
  RP_FRAME_ERROR_STATE,     /* a good frame at a moment or in a direction where it may not come */
} RpFrameError;

typedef enum {
  /* server to worker */
  RP_FRAME_START = 0x01,    /* JSON object: begin a conversation */
  RP_FRAME_AUDIO_IN = 0x02, /* RpAudioIn */
  RP_FRAME_INPUT = 0x03,    /* RpInputState: the audio from the client stalled or came back */
  RP_FRAME_PLAYOUT = 0x04,  /* RpPlayout */
  RP_FRAME_CLIENT = 0x05,   /* JSON object: something the client did */
  RP_FRAME_PING = 0x06,     /* guint32 nonce */
  RP_FRAME_END = 0x07,      /* UTF-8 reason: end the conversation and exit */
  RP_FRAME_RESUME = 0x08,   /* opaque: the last checkpoint, right after a START that announces it */

  RP_FRAME_ENCODER = 0x09, /* RpEncoderSettings: of the agent's voice, from now on */

  /* server to zygote */
  RP_FRAME_FORK = 0x41, /* guint32 worker id; SCM_RIGHTS: the worker's end of its socket pair */

  /* worker to server */
  RP_FRAME_HELLO = 0x81,      /* guint32 pid: first frame of a worker */
  RP_FRAME_STARTED = 0x82,    /* empty: START was understood */
  RP_FRAME_AUDIO_OUT = 0x83,  /* RpAudioOut */
  RP_FRAME_FLUSH = 0x84,      /* guint32 utterance: drop everything queued up to this utterance */
  RP_FRAME_EVENT = 0x85,      /* JSON object: something for the client or the statistics */
  RP_FRAME_CHECKPOINT = 0x86, /* opaque: what a replacement of this worker needs */
  RP_FRAME_PONG = 0x87,       /* guint32 nonce, as in PING */
  RP_FRAME_HANGUP = 0x88,     /* UTF-8 reason: end the call once the queue has been played */
  RP_FRAME_LOAD = 0x89,       /* RpLoad */

  /* zygote to server */
  RP_FRAME_READY = 0xC1,  /* JSON object: models are loaded, forking may begin */
  RP_FRAME_FORKED = 0xC2, /* RpForked; SCM_RIGHTS: a pidfd of the worker */
  RP_FRAME_EXITED = 0xC3, /* RpExited */
  RP_FRAME_FAILED = 0xC4, /* UTF-8: why the zygote cannot serve; it exits after it */
} RpFrameType;

typedef enum {
  RP_FRAME_TO_WORKER,
  RP_FRAME_FROM_WORKER,
  RP_FRAME_TO_ZYGOTE,
  RP_FRAME_FROM_ZYGOTE,
} RpFrameDirection;

typedef struct {
  RpFrameType type;
  guint32 seq;           /* counts the sender's frames from 0; a gap is a protocol error */
  gint64 time_us;        /* CLOCK_MONOTONIC of the sender, or the arrival time for AUDIO_IN */
  const guint8 *payload; /* points into the parsed bytes */
  gsize len;
} RpFrame;

/* What became of the client's packets before they were decoded. */
typedef enum {
  RP_AUDIO_DECODED = 0,
  RP_AUDIO_FEC = 1,     /* recovered from in-band FEC: real speech */
  RP_AUDIO_PLC = 2,     /* invented by concealment: not evidence of speech */
  RP_AUDIO_SILENCE = 3, /* inserted silence: loss beyond concealment */
  RP_AUDIO_COPY = 4,  /* the packet was lost, a later one carried it too (RFC 2198): real speech */
  RP_AUDIO_PAUSE = 5, /* the client left this time out (DTX): real silence */
} RpAudioKind;
#define RP_AUDIO_N_KINDS (RP_AUDIO_PAUSE + 1)
/* "decoded", "fec", "concealed", "silence", "copied", "paused". Returns: (transfer none). */
const char *rp_audio_kind_name (RpAudioKind kind);

typedef struct {
  gint64 pos_samples; /* of the first sample on the call's input timeline at 16 kHz; monotone and
                         without gaps */
  RpAudioKind kind;
  guint n_samples; /* 1 .. RP_FRAME_MAX_AUDIO_SAMPLES */
  gint16 pcm[RP_FRAME_MAX_AUDIO_SAMPLES];
} RpAudioIn;

typedef struct {
  gint64 pos_samples; /* of the end of the input timeline so far */
  gboolean stalled;   /* no packet has come for a while: must not be read as the end of speech */
} RpInputState;

typedef enum {
  RP_PLAYOUT_STARTED = 0,  /* the first frame of this utterance went on the wire */
  RP_PLAYOUT_PROGRESS = 1, /* some more frames did */
  RP_PLAYOUT_ENDED = 2,    /* its last frame did */
  RP_PLAYOUT_FLUSHED = 3,  /* answer to FLUSH: what was played of the named utterance is final, the
                              rest was dropped */
} RpPlayoutReason;

typedef struct {
  guint32 utterance;
  guint32 frames_played; /* 20 ms frames of this utterance put on the wire so far */
  RpPlayoutReason reason;
  gint64 wire_us; /* CLOCK_MONOTONIC of the last frame put on the wire, 0 when none was */
} RpPlayout;

typedef enum {
  RP_AUDIO_OUT_LAST = 1 << 0, /* the utterance's last frame */
} RpAudioOutFlags;

typedef struct {
  guint32 utterance;  /* rises by at least one from utterance to utterance, from 1 */
  guint32 frame;      /* 0, 1, 2 … within the utterance */
  guint8 flags;       /* RpAudioOutFlags */
  const guint8 *opus; /* one 20 ms Opus frame */
  guint len;          /* 1 .. RP_FRAME_MAX_OPUS_BYTES */
} RpAudioOut;

#define RP_FRAME_MAX_COMPLEXITY 10

/* Of the Opus encoder of the agent's voice. */
typedef struct {
  guint32 complexity; /* 0 to RP_FRAME_MAX_COMPLEXITY */
  gboolean fec; /* in-band FEC (RFC 6716, LBRR): a fifth of the work, for packets that get lost */
} RpEncoderSettings;

/* What a worker used and how long its caller waited since its last report. */
typedef struct {
  guint32 cpu_us; /* processor time */
  guint32 stt_us; /* the longest that a final transcript took or has been waited for; 0 = none */
} RpLoad;

typedef struct {
  guint32 worker;
  guint32 pid;
} RpForked;

typedef struct {
  guint32 worker;
  gint32 status; /* as waitpid gives it */
} RpExited;

/* @bytes: one received message. Returns: FALSE with @error set when it is not a whole, current
 * frame of @direction. */
gboolean rp_frame_parse (const guint8 *bytes, gsize len, RpFrameDirection direction, RpFrame *out,
                         GError **error);

/* Writes header and payload to @buffer of @size bytes; the payload may be NULL when @len is 0. @len
 * must be within RP_FRAME_MAX_PAYLOAD_BYTES and the whole within @size (asserted: the caller's
 * bug). Returns: the frame's length. */
gsize rp_frame_write (guint8 *buffer, gsize size, RpFrameType type, guint32 seq, gint64 time_us,
                      const void *payload, gsize len);

/* Payload parsers: FALSE with @error when the layout or a range is broken. Strings are copied. */
gboolean rp_frame_parse_audio_in (const RpFrame *frame, RpAudioIn *out, GError **error);
gboolean rp_frame_parse_input (const RpFrame *frame, RpInputState *out, GError **error);
gboolean rp_frame_parse_playout (const RpFrame *frame, RpPlayout *out, GError **error);
gboolean rp_frame_parse_audio_out (const RpFrame *frame, RpAudioOut *out, GError **error);
gboolean rp_frame_parse_encoder (const RpFrame *frame, RpEncoderSettings *out, GError **error);
gboolean rp_frame_parse_load (const RpFrame *frame, RpLoad *out, GError **error);
gboolean rp_frame_parse_forked (const RpFrame *frame, RpForked *out, GError **error);
gboolean rp_frame_parse_exited (const RpFrame *frame, RpExited *out, GError **error);
/* FORK, FLUSH, HELLO, PING, PONG */
gboolean rp_frame_parse_u32 (const RpFrame *frame, guint32 *out, GError **error);
/* END, HANGUP, FAILED: valid UTF-8 of at most 1024 bytes. Returns: (transfer full) (nullable) */
char *rp_frame_parse_text (const RpFrame *frame, GError **error);

/* Payload writers; @buffer holds at least RP_FRAME_MAX_PAYLOAD_BYTES, or the stated size. Return:
 * the payload's length. */
#define RP_FRAME_AUDIO_IN_BYTES(n_samples) (12u + 2u * (n_samples))
#define RP_FRAME_INPUT_BYTES 12u
#define RP_FRAME_PLAYOUT_BYTES 20u
#define RP_FRAME_AUDIO_OUT_BYTES(len) (12u + (len))
#define RP_FRAME_PAIR_BYTES 8u
gsize rp_frame_write_audio_in (guint8 *buffer, gint64 pos_samples, RpAudioKind kind,
                               const gint16 *pcm, guint n_samples);
gsize rp_frame_write_input (guint8 *buffer, const RpInputState *input);
gsize rp_frame_write_playout (guint8 *buffer, const RpPlayout *playout);
gsize rp_frame_write_audio_out (guint8 *buffer, const RpAudioOut *audio);
gsize rp_frame_write_encoder (guint8 *buffer, const RpEncoderSettings *settings);
gsize rp_frame_write_load (guint8 *buffer, const RpLoad *load);
gsize rp_frame_write_forked (guint8 *buffer, const RpForked *forked);
gsize rp_frame_write_exited (guint8 *buffer, const RpExited *exited);
gsize rp_frame_write_u32 (guint8 *buffer, guint32 value);

/* The order of frames that one side may receive: versions, directions, sequence numbers and the
 * handshake. */
typedef struct {
  RpFrameDirection direction;
  guint32 next_seq;
  gboolean greeted; /* HELLO or READY was seen */
  gboolean started; /* START (in a worker) or STARTED (in the server) was seen */
} RpFrameReceiver;

void rp_frame_receiver_init (RpFrameReceiver *receiver, RpFrameDirection direction);
/* Parses and checks one message against what came before. After an error the peer is to be cut off.
 */
gboolean rp_frame_receive (RpFrameReceiver *receiver, const guint8 *bytes, gsize len, RpFrame *out,
                           GError **error);

G_END_DECLS
