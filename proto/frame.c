#include "frame.h"

#include <string.h>

G_DEFINE_QUARK (rp_frame_error, rp_frame_error)

/* Payload lengths a type allows, checked before any payload is looked at. */
typedef struct {
  RpFrameType type;
  RpFrameDirection direction;
  gsize min_len;
  gsize max_len;
} FrameRule;

#define TEXT_MAX_BYTES 1024

static const FrameRule rules[] = {
    {RP_FRAME_START, RP_FRAME_TO_WORKER, 2, RP_FRAME_MAX_PAYLOAD_BYTES},
    {RP_FRAME_AUDIO_IN, RP_FRAME_TO_WORKER, RP_FRAME_AUDIO_IN_BYTES (1),
     RP_FRAME_AUDIO_IN_BYTES (RP_FRAME_MAX_AUDIO_SAMPLES)},
    {RP_FRAME_INPUT, RP_FRAME_TO_WORKER, RP_FRAME_INPUT_BYTES, RP_FRAME_INPUT_BYTES},
    {RP_FRAME_PLAYOUT, RP_FRAME_TO_WORKER, RP_FRAME_PLAYOUT_BYTES, RP_FRAME_PLAYOUT_BYTES},
    {RP_FRAME_CLIENT, RP_FRAME_TO_WORKER, 2, RP_FRAME_MAX_PAYLOAD_BYTES},
    {RP_FRAME_PING, RP_FRAME_TO_WORKER, 4, 4},
    {RP_FRAME_END, RP_FRAME_TO_WORKER, 0, TEXT_MAX_BYTES},
    {RP_FRAME_RESUME, RP_FRAME_TO_WORKER, 1, RP_FRAME_MAX_PAYLOAD_BYTES},
    {RP_FRAME_ENCODER, RP_FRAME_TO_WORKER, RP_FRAME_PAIR_BYTES, RP_FRAME_PAIR_BYTES},
    {RP_FRAME_FORK, RP_FRAME_TO_ZYGOTE, 4, 4},
    {RP_FRAME_HELLO, RP_FRAME_FROM_WORKER, 4, 4},
    {RP_FRAME_STARTED, RP_FRAME_FROM_WORKER, 0, 0},
    {RP_FRAME_AUDIO_OUT, RP_FRAME_FROM_WORKER, RP_FRAME_AUDIO_OUT_BYTES (1),
     RP_FRAME_AUDIO_OUT_BYTES (RP_FRAME_MAX_OPUS_BYTES)},
    {RP_FRAME_FLUSH, RP_FRAME_FROM_WORKER, 4, 4},
    {RP_FRAME_EVENT, RP_FRAME_FROM_WORKER, 2, RP_FRAME_MAX_PAYLOAD_BYTES},
    {RP_FRAME_CHECKPOINT, RP_FRAME_FROM_WORKER, 1, RP_FRAME_MAX_PAYLOAD_BYTES},
    {RP_FRAME_PONG, RP_FRAME_FROM_WORKER, 4, 4},
    {RP_FRAME_HANGUP, RP_FRAME_FROM_WORKER, 0, TEXT_MAX_BYTES},
    {RP_FRAME_LOAD, RP_FRAME_FROM_WORKER, RP_FRAME_PAIR_BYTES, RP_FRAME_PAIR_BYTES},
    {RP_FRAME_READY, RP_FRAME_FROM_ZYGOTE, 2, RP_FRAME_MAX_PAYLOAD_BYTES},
    {RP_FRAME_FORKED, RP_FRAME_FROM_ZYGOTE, RP_FRAME_PAIR_BYTES, RP_FRAME_PAIR_BYTES},
    {RP_FRAME_EXITED, RP_FRAME_FROM_ZYGOTE, RP_FRAME_PAIR_BYTES, RP_FRAME_PAIR_BYTES},
    {RP_FRAME_FAILED, RP_FRAME_FROM_ZYGOTE, 0, TEXT_MAX_BYTES},
};

static guint16
get_u16 (const guint8 *p)
{
  return (guint16) (p[0] | p[1] << 8);
}

static guint32
get_u32 (const guint8 *p)
{
  return (guint32) p[0] | (guint32) p[1] << 8 | (guint32) p[2] << 16 | (guint32) p[3] << 24;
}

static gint64
get_i64 (const guint8 *p)
{
  return (gint64) ((guint64) get_u32 (p) | (guint64) get_u32 (p + 4) << 32);
}

static void
put_u16 (guint8 *p, guint16 value)
{
  p[0] = (guint8) value;
  p[1] = (guint8) (value >> 8);
}

static void
put_u32 (guint8 *p, guint32 value)
{
  put_u16 (p, (guint16) value);
  put_u16 (p + 2, (guint16) (value >> 16));
}

static void
put_i64 (guint8 *p, gint64 value)
{
  put_u32 (p, (guint32) value);
  put_u32 (p + 4, (guint32) ((guint64) value >> 32));
}

static gboolean
is_instant (gint64 value)
{
  return value >= 0 && value <= RP_FRAME_MAX_INSTANT;
}

static gboolean
malformed (GError **error, const char *what)
{
  g_set_error_literal (error, RP_FRAME_ERROR, RP_FRAME_ERROR_MALFORMED, what);
  return FALSE;
}

static const FrameRule *
find_rule (guint8 type)
{
  for (guint i = 0; i < G_N_ELEMENTS (rules); i++) {
    if ((guint8) rules[i].type == type)
      return &rules[i];
  }
  return NULL;
}

gboolean
rp_frame_parse (const guint8 *bytes, gsize len, RpFrameDirection direction, RpFrame *out,
                GError **error)
{
  if (len < RP_FRAME_HEADER_BYTES)
    return malformed (error, "frame shorter than its header");
  if (get_u16 (bytes) != RP_FRAME_MAGIC)
    return malformed (error, "frame without the magic number");
  if (bytes[2] != RP_FRAME_VERSION) {
    g_set_error (error, RP_FRAME_ERROR, RP_FRAME_ERROR_VERSION,
                 "frame of protocol version %u, this build speaks %u", bytes[2], RP_FRAME_VERSION);
    return FALSE;
  }
  const FrameRule *rule = find_rule (bytes[3]);
  if (rule == NULL)
    return malformed (error, "frame of unknown type");
  if (rule->direction != direction) {
    g_set_error (error, RP_FRAME_ERROR, RP_FRAME_ERROR_STATE,
                 "frame of type 0x%02x in the wrong direction", bytes[3]);
    return FALSE;
  }
  gsize payload_len = get_u32 (bytes + 4);
  if (payload_len != len - RP_FRAME_HEADER_BYTES)
    return malformed (error, "frame whose length is not its message's length");
  if (payload_len < rule->min_len || payload_len > rule->max_len) {
    g_set_error (error, RP_FRAME_ERROR, RP_FRAME_ERROR_MALFORMED,
                 "frame of type 0x%02x with a payload of %" G_GSIZE_FORMAT " bytes", bytes[3],
                 payload_len);
    return FALSE;
  }
  if (get_u32 (bytes + 12) != 0)
    return malformed (error, "frame with reserved bits set");
  gint64 time_us = get_i64 (bytes + 16);
  if (!is_instant (time_us))
    return malformed (error, "frame with a time out of range");

  out->type = rule->type;
  out->seq = get_u32 (bytes + 8);
  out->time_us = time_us;
  out->payload = bytes + RP_FRAME_HEADER_BYTES;
  out->len = payload_len;
  return TRUE;
}

gsize
rp_frame_write (guint8 *buffer, gsize size, RpFrameType type, guint32 seq, gint64 time_us,
                const void *payload, gsize len)
{
  /* The sender decides what it sends: a frame that does not fit is a bug on this side of the
   * socket. */
  g_assert (len <= RP_FRAME_MAX_PAYLOAD_BYTES && RP_FRAME_HEADER_BYTES + len <= size);

  put_u16 (buffer, RP_FRAME_MAGIC);
  buffer[2] = RP_FRAME_VERSION;
  buffer[3] = (guint8) type;
  put_u32 (buffer + 4, (guint32) len);
  put_u32 (buffer + 8, seq);
  put_u32 (buffer + 12, 0);
  put_i64 (buffer + 16, time_us);
  if (len > 0)
    memcpy (buffer + RP_FRAME_HEADER_BYTES, payload, len);
  return RP_FRAME_HEADER_BYTES + len;
}

const char *
rp_audio_kind_name (RpAudioKind kind)
{
  static const char *const names[RP_AUDIO_N_KINDS] = {
      [RP_AUDIO_DECODED] = "decoded", [RP_AUDIO_FEC] = "fec",     [RP_AUDIO_PLC] = "concealed",
      [RP_AUDIO_SILENCE] = "silence", [RP_AUDIO_COPY] = "copied", [RP_AUDIO_PAUSE] = "paused",
  };
  return names[kind];
}

gboolean
rp_frame_parse_audio_in (const RpFrame *frame, RpAudioIn *out, GError **error)
{
  if (frame->type != RP_FRAME_AUDIO_IN || frame->len < RP_FRAME_AUDIO_IN_BYTES (1))
    return malformed (error, "not an audio frame");
  gint64 pos = get_i64 (frame->payload);
  guint16 kind = get_u16 (frame->payload + 8);
  guint16 n = get_u16 (frame->payload + 10);
  if (!is_instant (pos) || kind >= RP_AUDIO_N_KINDS)
    return malformed (error, "audio frame with a position or kind out of range");
  if (n == 0 || n > RP_FRAME_MAX_AUDIO_SAMPLES || frame->len != RP_FRAME_AUDIO_IN_BYTES (n))
    return malformed (error, "audio frame whose sample count is not its length");

  out->pos_samples = pos;
  out->kind = (RpAudioKind) kind;
  out->n_samples = n;
  for (guint i = 0; i < n; i++)
    out->pcm[i] = (gint16) get_u16 (frame->payload + 12 + 2 * i);
  return TRUE;
}

gsize
rp_frame_write_audio_in (guint8 *buffer, gint64 pos_samples, RpAudioKind kind, const gint16 *pcm,
                         guint n_samples)
{
  g_assert (n_samples > 0 && n_samples <= RP_FRAME_MAX_AUDIO_SAMPLES);
  put_i64 (buffer, pos_samples);
  put_u16 (buffer + 8, (guint16) kind);
  put_u16 (buffer + 10, (guint16) n_samples);
  for (guint i = 0; i < n_samples; i++)
    put_u16 (buffer + 12 + 2 * i, (guint16) pcm[i]);
  return RP_FRAME_AUDIO_IN_BYTES (n_samples);
}

gboolean
rp_frame_parse_input (const RpFrame *frame, RpInputState *out, GError **error)
{
  if (frame->type != RP_FRAME_INPUT || frame->len != RP_FRAME_INPUT_BYTES)
    return malformed (error, "not an input state frame");
  gint64 pos = get_i64 (frame->payload);
  guint32 stalled = get_u32 (frame->payload + 8);
  if (!is_instant (pos) || stalled > 1)
    return malformed (error, "input state out of range");
  out->pos_samples = pos;
  out->stalled = stalled == 1;
  return TRUE;
}

gsize
rp_frame_write_input (guint8 *buffer, const RpInputState *input)
{
  put_i64 (buffer, input->pos_samples);
  put_u32 (buffer + 8, input->stalled ? 1 : 0);
  return RP_FRAME_INPUT_BYTES;
}

gboolean
rp_frame_parse_playout (const RpFrame *frame, RpPlayout *out, GError **error)
{
  if (frame->type != RP_FRAME_PLAYOUT || frame->len != RP_FRAME_PLAYOUT_BYTES)
    return malformed (error, "not a playout frame");
  guint32 reason = get_u32 (frame->payload + 8);
  gint64 wire_us = get_i64 (frame->payload + 12);
  if (reason > RP_PLAYOUT_FLUSHED || !is_instant (wire_us))
    return malformed (error, "playout report out of range");
  out->utterance = get_u32 (frame->payload);
  out->frames_played = get_u32 (frame->payload + 4);
  out->reason = (RpPlayoutReason) reason;
  out->wire_us = wire_us;
  return TRUE;
}

gsize
rp_frame_write_playout (guint8 *buffer, const RpPlayout *playout)
{
  put_u32 (buffer, playout->utterance);
  put_u32 (buffer + 4, playout->frames_played);
  put_u32 (buffer + 8, (guint32) playout->reason);
  put_i64 (buffer + 12, playout->wire_us);
  return RP_FRAME_PLAYOUT_BYTES;
}

gboolean
rp_frame_parse_audio_out (const RpFrame *frame, RpAudioOut *out, GError **error)
{
  if (frame->type != RP_FRAME_AUDIO_OUT || frame->len < RP_FRAME_AUDIO_OUT_BYTES (1))
    return malformed (error, "not an outgoing audio frame");
  guint32 utterance = get_u32 (frame->payload);
  guint16 flags = get_u16 (frame->payload + 8);
  guint16 len = get_u16 (frame->payload + 10);
  if (utterance == 0 || (flags & ~(guint) RP_AUDIO_OUT_LAST) != 0)
    return malformed (error, "outgoing audio with an utterance or flags out of range");
  if (len > RP_FRAME_MAX_OPUS_BYTES || frame->len != RP_FRAME_AUDIO_OUT_BYTES (len))
    return malformed (error, "outgoing audio whose length is not its payload's");
  out->utterance = utterance;
  out->frame = get_u32 (frame->payload + 4);
  out->flags = (guint8) flags;
  out->opus = frame->payload + 12;
  out->len = len;
  return TRUE;
}

gsize
rp_frame_write_audio_out (guint8 *buffer, const RpAudioOut *audio)
{
  g_assert (audio->len > 0 && audio->len <= RP_FRAME_MAX_OPUS_BYTES);
  put_u32 (buffer, audio->utterance);
  put_u32 (buffer + 4, audio->frame);
  put_u16 (buffer + 8, audio->flags);
  put_u16 (buffer + 10, (guint16) audio->len);
  memcpy (buffer + 12, audio->opus, audio->len);
  return RP_FRAME_AUDIO_OUT_BYTES (audio->len);
}

static gboolean
parse_pair (const RpFrame *frame, RpFrameType type, guint32 *first, guint32 *second, GError **error)
{
  if (frame->type != type || frame->len != RP_FRAME_PAIR_BYTES)
    return malformed (error, "not a frame of the expected type");
  *first = get_u32 (frame->payload);
  *second = get_u32 (frame->payload + 4);
  return TRUE;
}

gboolean
rp_frame_parse_encoder (const RpFrame *frame, RpEncoderSettings *out, GError **error)
{
  guint32 complexity = 0;
  guint32 fec = 0;
  if (!parse_pair (frame, RP_FRAME_ENCODER, &complexity, &fec, error))
    return FALSE;
  if (complexity > RP_FRAME_MAX_COMPLEXITY || fec > 1)
    return malformed (error, "settings that no encoder has");
  *out = (RpEncoderSettings){.complexity = complexity, .fec = fec == 1};
  return TRUE;
}

gboolean
rp_frame_parse_load (const RpFrame *frame, RpLoad *out, GError **error)
{
  return parse_pair (frame, RP_FRAME_LOAD, &out->cpu_us, &out->stt_us, error);
}

gboolean
rp_frame_parse_forked (const RpFrame *frame, RpForked *out, GError **error)
{
  return parse_pair (frame, RP_FRAME_FORKED, &out->worker, &out->pid, error);
}

gboolean
rp_frame_parse_exited (const RpFrame *frame, RpExited *out, GError **error)
{
  guint32 status = 0;
  if (!parse_pair (frame, RP_FRAME_EXITED, &out->worker, &status, error))
    return FALSE;
  out->status = (gint32) status;
  return TRUE;
}

static gsize
write_pair (guint8 *buffer, guint32 first, guint32 second)
{
  put_u32 (buffer, first);
  put_u32 (buffer + 4, second);
  return RP_FRAME_PAIR_BYTES;
}

gsize
rp_frame_write_encoder (guint8 *buffer, const RpEncoderSettings *settings)
{
  return write_pair (buffer, settings->complexity, settings->fec ? 1 : 0);
}

gsize
rp_frame_write_load (guint8 *buffer, const RpLoad *load)
{
  return write_pair (buffer, load->cpu_us, load->stt_us);
}

gsize
rp_frame_write_forked (guint8 *buffer, const RpForked *forked)
{
  return write_pair (buffer, forked->worker, forked->pid);
}

gsize
rp_frame_write_exited (guint8 *buffer, const RpExited *exited)
{
  return write_pair (buffer, exited->worker, (guint32) exited->status);
}

gboolean
rp_frame_parse_u32 (const RpFrame *frame, guint32 *out, GError **error)
{
  if (frame->len != 4)
    return malformed (error, "not a frame with one number");
  *out = get_u32 (frame->payload);
  return TRUE;
}

gsize
rp_frame_write_u32 (guint8 *buffer, guint32 value)
{
  put_u32 (buffer, value);
  return 4;
}

char *
rp_frame_parse_text (const RpFrame *frame, GError **error)
{
  if (frame->len > TEXT_MAX_BYTES ||
      !g_utf8_validate_len ((const char *) frame->payload, frame->len, NULL)) {
    malformed (error, "a text that is not valid UTF-8");
    return NULL;
  }
  return g_strndup ((const char *) frame->payload, frame->len);
}

void
rp_frame_receiver_init (RpFrameReceiver *receiver, RpFrameDirection direction)
{
  *receiver = (RpFrameReceiver){.direction = direction};
}

/* The handshake: HELLO before all else, START once, STARTED once and before any of the
 * conversation's frames. */
static gboolean
in_order (RpFrameReceiver *receiver, RpFrameType type)
{
  switch (receiver->direction) {
  case RP_FRAME_FROM_WORKER:
    if (type == RP_FRAME_HELLO)
      return !receiver->greeted && (receiver->greeted = TRUE);
    if (type == RP_FRAME_STARTED)
      return receiver->greeted && !receiver->started && (receiver->started = TRUE);
    return receiver->greeted && (receiver->started || type == RP_FRAME_PONG);
  case RP_FRAME_TO_WORKER:
    if (type == RP_FRAME_START)
      return !receiver->started && (receiver->started = TRUE);
    return receiver->started || type == RP_FRAME_PING || type == RP_FRAME_END;
  case RP_FRAME_FROM_ZYGOTE:
    if (type == RP_FRAME_READY)
      return !receiver->greeted && (receiver->greeted = TRUE);
    return receiver->greeted || type == RP_FRAME_FAILED;
  case RP_FRAME_TO_ZYGOTE:
    return TRUE;
  }
  return FALSE;
}

gboolean
rp_frame_receive (RpFrameReceiver *receiver, const guint8 *bytes, gsize len, RpFrame *out,
                  GError **error)
{
  if (!rp_frame_parse (bytes, len, receiver->direction, out, error))
    return FALSE;
  if (out->seq != receiver->next_seq) {
    g_set_error (error, RP_FRAME_ERROR, RP_FRAME_ERROR_STATE, "frame %u where frame %u was due",
                 out->seq, receiver->next_seq);
    return FALSE;
  }
  receiver->next_seq++;
  if (!in_order (receiver, out->type)) {
    g_set_error (error, RP_FRAME_ERROR, RP_FRAME_ERROR_STATE, "frame of type 0x%02x out of turn",
                 (guint) out->type);
    return FALSE;
  }
  return TRUE;
}
