/* proto/frame: what is written is read again, and nothing else is. */
#include "frame.h"

#include <string.h>

#define TIME_US G_GINT64_CONSTANT (1234567890123)

/* A frame in a heap block of exactly its size. */
static guint8 *
make_frame (RpFrameType type, guint32 seq, const void *payload, gsize len)
{
  guint8 *frame = g_malloc (RP_FRAME_HEADER_BYTES + len);
  gsize size =
      rp_frame_write (frame, RP_FRAME_HEADER_BYTES + len, type, seq, TIME_US, payload, len);
  g_assert_cmpuint (size, ==, RP_FRAME_HEADER_BYTES + len);
  return frame;
}

static void
assert_parsed (const guint8 *bytes, gsize len, RpFrameDirection direction, RpFrame *out)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (rp_frame_parse (bytes, len, direction, out, &error));
  g_assert_no_error (error);
}

static void
test_header (void)
{
  static const guint8 expected[] = {
      0x52, 0x50, 1,    0x06, 4,    0,    0,    0,    0x2a, 0, 0, 0, 0, 0,
      0,    0,    0xcb, 0x04, 0xfb, 0x71, 0x1f, 0x01, 0,    0, 7, 0, 0, 0,
  };
  guint8 payload[4];
  gsize len = rp_frame_write_u32 (payload, 7);
  g_autofree guint8 *bytes = make_frame (RP_FRAME_PING, 42, payload, len);
  g_assert_cmpmem (bytes, RP_FRAME_HEADER_BYTES + len, expected, sizeof expected);

  RpFrame frame;
  assert_parsed (bytes, sizeof expected, RP_FRAME_TO_WORKER, &frame);
  g_assert_cmpuint (frame.type, ==, RP_FRAME_PING);
  g_assert_cmpuint (frame.seq, ==, 42);
  g_assert_cmpint (frame.time_us, ==, TIME_US);
  g_assert_cmpuint (frame.len, ==, 4);
}

static void
test_audio_in (void)
{
  static const guint sizes[] = {1, 320, RP_FRAME_MAX_AUDIO_SAMPLES};
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    guint n = sizes[i];
    gint16 pcm[RP_FRAME_MAX_AUDIO_SAMPLES];
    for (guint s = 0; s < n; s++)
      pcm[s] = (gint16) (s * 77 - 30000);
    g_autofree guint8 *payload = g_malloc (RP_FRAME_AUDIO_IN_BYTES (n));
    gsize len = rp_frame_write_audio_in (payload, 1LL << 40, RP_AUDIO_PLC, pcm, n);
    g_assert_cmpuint (len, ==, RP_FRAME_AUDIO_IN_BYTES (n));
    g_autofree guint8 *bytes = make_frame (RP_FRAME_AUDIO_IN, 0, payload, len);
    RpFrame frame;
    assert_parsed (bytes, RP_FRAME_HEADER_BYTES + len, RP_FRAME_TO_WORKER, &frame);
    RpAudioIn audio;
    g_autoptr (GError) error = NULL;
    g_assert_true (rp_frame_parse_audio_in (&frame, &audio, &error));
    g_assert_cmpint (audio.pos_samples, ==, 1LL << 40);
    g_assert_cmpint (audio.kind, ==, RP_AUDIO_PLC);
    g_assert_cmpmem (audio.pcm, audio.n_samples * 2, pcm, n * 2);
  }
}

static void
test_audio_out (void)
{
  guint8 opus[RP_FRAME_MAX_OPUS_BYTES];
  memset (opus, 0x5a, sizeof opus);
  static const guint sizes[] = {1, 80, RP_FRAME_MAX_OPUS_BYTES};
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    RpAudioOut audio = {.utterance = 9, .frame = 4, .flags = RP_AUDIO_OUT_LAST, .opus = opus};
    audio.len = sizes[i];
    g_autofree guint8 *payload = g_malloc (RP_FRAME_AUDIO_OUT_BYTES (audio.len));
    gsize len = rp_frame_write_audio_out (payload, &audio);
    g_autofree guint8 *bytes = make_frame (RP_FRAME_AUDIO_OUT, 0, payload, len);
    RpFrame frame;
    assert_parsed (bytes, RP_FRAME_HEADER_BYTES + len, RP_FRAME_FROM_WORKER, &frame);
    RpAudioOut parsed;
    g_autoptr (GError) error = NULL;
    g_assert_true (rp_frame_parse_audio_out (&frame, &parsed, &error));
    g_assert_cmpuint (parsed.utterance, ==, 9);
    g_assert_cmpuint (parsed.frame, ==, 4);
    g_assert_cmpuint (parsed.flags, ==, RP_AUDIO_OUT_LAST);
    g_assert_cmpmem (parsed.opus, parsed.len, opus, audio.len);
  }
}

static void
test_small_payloads (void)
{
  guint8 payload[32];
  g_autoptr (GError) error = NULL;

  RpInputState input = {.pos_samples = 4711, .stalled = TRUE};
  RpFrame frame = {.type = RP_FRAME_INPUT, .payload = payload};
  frame.len = rp_frame_write_input (payload, &input);
  input = (RpInputState){0};
  g_assert_true (rp_frame_parse_input (&frame, &input, &error));
  g_assert_cmpint (input.pos_samples, ==, 4711);
  g_assert_true (input.stalled);

  RpPlayout playout = {3, 150, RP_PLAYOUT_FLUSHED, TIME_US};
  frame.type = RP_FRAME_PLAYOUT;
  frame.len = rp_frame_write_playout (payload, &playout);
  playout = (RpPlayout){0};
  g_assert_true (rp_frame_parse_playout (&frame, &playout, &error));
  g_assert_cmpuint (playout.utterance, ==, 3);
  g_assert_cmpuint (playout.frames_played, ==, 150);
  g_assert_cmpint (playout.reason, ==, RP_PLAYOUT_FLUSHED);
  g_assert_cmpint (playout.wire_us, ==, TIME_US);

  RpEncoderSettings encoder = {.complexity = 10, .fec = TRUE};
  frame.type = RP_FRAME_ENCODER;
  frame.len = rp_frame_write_encoder (payload, &encoder);
  encoder = (RpEncoderSettings){0};
  g_assert_true (rp_frame_parse_encoder (&frame, &encoder, &error));
  g_assert_cmpuint (encoder.complexity, ==, 10);
  g_assert_true (encoder.fec);

  RpForked forked = {5, 4000000};
  frame.type = RP_FRAME_FORKED;
  frame.len = rp_frame_write_forked (payload, &forked);
  forked = (RpForked){0};
  g_assert_true (rp_frame_parse_forked (&frame, &forked, &error));
  g_assert_cmpuint (forked.worker, ==, 5);
  g_assert_cmpuint (forked.pid, ==, 4000000);

  RpExited exited = {5, -7};
  frame.type = RP_FRAME_EXITED;
  frame.len = rp_frame_write_exited (payload, &exited);
  exited = (RpExited){0};
  g_assert_true (rp_frame_parse_exited (&frame, &exited, &error));
  g_assert_cmpuint (exited.worker, ==, 5);
  g_assert_cmpint (exited.status, ==, -7);
}

static void
test_text (void)
{
  static const char text[] = "caf\xc3\xa9";
  RpFrame frame = {.type = RP_FRAME_END, .payload = (const guint8 *) text, .len = 5};
  g_autofree char *parsed = rp_frame_parse_text (&frame, NULL);
  g_assert_cmpstr (parsed, ==, text);

  frame.len = 4; /* cut inside a character */
  g_autoptr (GError) error = NULL;
  g_assert_null (rp_frame_parse_text (&frame, &error));
  g_assert_error (error, RP_FRAME_ERROR, RP_FRAME_ERROR_MALFORMED);
  g_clear_error (&error);

  frame.payload = (const guint8 *) "a\0b";
  frame.len = 3;
  g_assert_null (rp_frame_parse_text (&frame, &error));
  g_assert_error (error, RP_FRAME_ERROR, RP_FRAME_ERROR_MALFORMED);
}

/* One byte of a good PING changed. */
static void
test_bad_headers (void)
{
  static const struct {
    const char *what;
    guint offset;
    guint8 value;
    RpFrameError code;
  } rows[] = {
      {"magic", 0, 0x51, RP_FRAME_ERROR_MALFORMED},
      {"magic, second byte", 1, 0x51, RP_FRAME_ERROR_MALFORMED},
      {"version", 2, 2, RP_FRAME_ERROR_VERSION},
      {"version 0", 2, 0, RP_FRAME_ERROR_VERSION},
      {"type nobody knows", 3, 0x7f, RP_FRAME_ERROR_MALFORMED},
      {"type 0", 3, 0, RP_FRAME_ERROR_MALFORMED},
      {"type of the other direction", 3, RP_FRAME_PONG, RP_FRAME_ERROR_STATE},
      {"type of the zygote", 3, RP_FRAME_FORK, RP_FRAME_ERROR_STATE},
      {"length one too short", 4, 3, RP_FRAME_ERROR_MALFORMED},
      {"length one too long", 4, 5, RP_FRAME_ERROR_MALFORMED},
      {"length of 4 GB", 7, 0xff, RP_FRAME_ERROR_MALFORMED},
      {"reserved", 12, 1, RP_FRAME_ERROR_MALFORMED},
      {"reserved, last byte", 15, 0x80, RP_FRAME_ERROR_MALFORMED},
      {"negative time", 23, 0x80, RP_FRAME_ERROR_MALFORMED},
      {"a time beyond 2^60", 23, 0x20, RP_FRAME_ERROR_MALFORMED},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    guint8 payload[4];
    g_autofree guint8 *bytes =
        make_frame (RP_FRAME_PING, 0, payload, rp_frame_write_u32 (payload, 1));
    bytes[rows[i].offset] = rows[i].value;
    RpFrame frame;
    g_autoptr (GError) error = NULL;
    g_test_message ("%s", rows[i].what);
    g_assert_false (
        rp_frame_parse (bytes, RP_FRAME_HEADER_BYTES + 4, RP_FRAME_TO_WORKER, &frame, &error));
    g_assert_error (error, RP_FRAME_ERROR, (int) rows[i].code);
  }
}

/* A good frame of every length up to the header's is refused without being read past its end. */
static void
test_truncated (void)
{
  guint8 payload[4];
  g_autofree guint8 *whole =
      make_frame (RP_FRAME_PING, 0, payload, rp_frame_write_u32 (payload, 1));
  for (gsize len = 0; len < RP_FRAME_HEADER_BYTES + 4; len++) {
    g_autofree guint8 *bytes = g_memdup2 (whole, len);
    RpFrame frame;
    g_assert_false (rp_frame_parse (bytes, len, RP_FRAME_TO_WORKER, &frame, NULL));
  }
}

/* Each type at the edges of the payload lengths it allows. */
static void
test_payload_lengths (void)
{
  static const struct {
    RpFrameType type;
    RpFrameDirection direction;
    gsize min, max;
  } rows[] = {
      {RP_FRAME_START, RP_FRAME_TO_WORKER, 2, RP_FRAME_MAX_PAYLOAD_BYTES},
      {RP_FRAME_AUDIO_IN, RP_FRAME_TO_WORKER, 14, 12 + 2 * 1920},
      {RP_FRAME_INPUT, RP_FRAME_TO_WORKER, 12, 12},
      {RP_FRAME_PLAYOUT, RP_FRAME_TO_WORKER, 20, 20},
      {RP_FRAME_CLIENT, RP_FRAME_TO_WORKER, 2, RP_FRAME_MAX_PAYLOAD_BYTES},
      {RP_FRAME_PING, RP_FRAME_TO_WORKER, 4, 4},
      {RP_FRAME_END, RP_FRAME_TO_WORKER, 0, 1024},
      {RP_FRAME_RESUME, RP_FRAME_TO_WORKER, 1, RP_FRAME_MAX_PAYLOAD_BYTES},
      {RP_FRAME_ENCODER, RP_FRAME_TO_WORKER, 8, 8},
      {RP_FRAME_FORK, RP_FRAME_TO_ZYGOTE, 4, 4},
      {RP_FRAME_HELLO, RP_FRAME_FROM_WORKER, 4, 4},
      {RP_FRAME_STARTED, RP_FRAME_FROM_WORKER, 0, 0},
      {RP_FRAME_AUDIO_OUT, RP_FRAME_FROM_WORKER, 13, 12 + 1275},
      {RP_FRAME_FLUSH, RP_FRAME_FROM_WORKER, 4, 4},
      {RP_FRAME_EVENT, RP_FRAME_FROM_WORKER, 2, RP_FRAME_MAX_PAYLOAD_BYTES},
      {RP_FRAME_CHECKPOINT, RP_FRAME_FROM_WORKER, 1, RP_FRAME_MAX_PAYLOAD_BYTES},
      {RP_FRAME_PONG, RP_FRAME_FROM_WORKER, 4, 4},
      {RP_FRAME_LOAD, RP_FRAME_FROM_WORKER, 8, 8},
      {RP_FRAME_HANGUP, RP_FRAME_FROM_WORKER, 0, 1024},
      {RP_FRAME_READY, RP_FRAME_FROM_ZYGOTE, 2, RP_FRAME_MAX_PAYLOAD_BYTES},
      {RP_FRAME_FORKED, RP_FRAME_FROM_ZYGOTE, 8, 8},
      {RP_FRAME_EXITED, RP_FRAME_FROM_ZYGOTE, 8, 8},
      {RP_FRAME_FAILED, RP_FRAME_FROM_ZYGOTE, 0, 1024},
  };
  g_autofree guint8 *payload = g_malloc0 (RP_FRAME_MAX_PAYLOAD_BYTES + 1);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    const gsize lengths[] = {rows[i].min, rows[i].max, rows[i].min - 1, rows[i].max + 1};
    for (guint k = 0; k < G_N_ELEMENTS (lengths); k++) {
      gsize len = lengths[k];
      if (len > RP_FRAME_MAX_PAYLOAD_BYTES)
        continue;
      g_autofree guint8 *bytes = make_frame (rows[i].type, 0, payload, len);
      RpFrame frame;
      gboolean good = len >= rows[i].min && len <= rows[i].max;
      g_test_message ("type 0x%02x with %zu bytes", (guint) rows[i].type, len);
      g_assert_cmpint (
          rp_frame_parse (bytes, RP_FRAME_HEADER_BYTES + len, rows[i].direction, &frame, NULL), ==,
          good);
      for (guint d = RP_FRAME_TO_WORKER; d <= RP_FRAME_FROM_ZYGOTE; d++)
        g_assert_true (d == rows[i].direction ||
                       !rp_frame_parse (bytes, RP_FRAME_HEADER_BYTES + len, (RpFrameDirection) d,
                                        &frame, NULL));
    }
  }
}

/* A payload that no header check refuses, with one field out of its range. */
static void
test_bad_payloads (void)
{
  static const struct {
    const char *what;
    RpFrameType type;
    gsize len;
    guint offset;
    guint8 value;
  } rows[] = {
      {"audio in: negative position", RP_FRAME_AUDIO_IN, 14, 7, 0x80},
      {"audio in: a position beyond 2^60", RP_FRAME_AUDIO_IN, 14, 7, 0x20},
      {"audio in: no such kind", RP_FRAME_AUDIO_IN, 14, 8, RP_AUDIO_N_KINDS},
      {"audio in: kind 256", RP_FRAME_AUDIO_IN, 14, 9, 1},
      {"audio in: no samples", RP_FRAME_AUDIO_IN, 14, 10, 0},
      {"audio in: more samples than bytes", RP_FRAME_AUDIO_IN, 14, 10, 2},
      {"audio in: fewer samples than bytes", RP_FRAME_AUDIO_IN, 16, 10, 1},
      {"audio in: an odd byte", RP_FRAME_AUDIO_IN, 15, 10, 1},
      {"audio in: 65281 samples", RP_FRAME_AUDIO_IN, 14, 11, 0xff},
      {"input: negative position", RP_FRAME_INPUT, 12, 7, 0x80},
      {"input: a position beyond 2^60", RP_FRAME_INPUT, 12, 7, 0x20},
      {"input: neither stalled nor not", RP_FRAME_INPUT, 12, 8, 2},
      {"playout: reason 4", RP_FRAME_PLAYOUT, 20, 8, 4},
      {"playout: negative time", RP_FRAME_PLAYOUT, 20, 19, 0x80},
      {"playout: a time beyond 2^60", RP_FRAME_PLAYOUT, 20, 19, 0x20},
      {"encoder: complexity 11", RP_FRAME_ENCODER, 8, 0, 11},
      {"encoder: complexity 256", RP_FRAME_ENCODER, 8, 1, 1},
      {"encoder: FEC 2", RP_FRAME_ENCODER, 8, 4, 2},
      {"audio out: utterance 0", RP_FRAME_AUDIO_OUT, 13, 0, 0},
      {"audio out: an unknown flag", RP_FRAME_AUDIO_OUT, 13, 8, 2},
      {"audio out: an unknown flag in the high byte", RP_FRAME_AUDIO_OUT, 13, 9, 1},
      {"audio out: empty", RP_FRAME_AUDIO_OUT, 13, 10, 0},
      {"audio out: longer than its bytes", RP_FRAME_AUDIO_OUT, 13, 10, 2},
      {"audio out: 257 bytes of one", RP_FRAME_AUDIO_OUT, 13, 11, 1},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree guint8 *payload = g_malloc0 (rows[i].len);
    if (rows[i].type == RP_FRAME_AUDIO_IN || rows[i].type == RP_FRAME_AUDIO_OUT)
      payload[10] = 1;
    if (rows[i].type == RP_FRAME_AUDIO_OUT)
      payload[0] = 1;
    payload[rows[i].offset] = rows[i].value;
    const RpFrame frame = {.type = rows[i].type, .payload = payload, .len = rows[i].len};
    RpAudioIn audio_in;
    RpInputState input;
    RpPlayout playout;
    RpEncoderSettings encoder;
    RpAudioOut audio_out;
    g_autoptr (GError) error = NULL;
    g_test_message ("%s", rows[i].what);
    gboolean ok =
        rows[i].type == RP_FRAME_AUDIO_IN  ? rp_frame_parse_audio_in (&frame, &audio_in, &error)
        : rows[i].type == RP_FRAME_INPUT   ? rp_frame_parse_input (&frame, &input, &error)
        : rows[i].type == RP_FRAME_PLAYOUT ? rp_frame_parse_playout (&frame, &playout, &error)
        : rows[i].type == RP_FRAME_ENCODER ? rp_frame_parse_encoder (&frame, &encoder, &error)
                                           : rp_frame_parse_audio_out (&frame, &audio_out, &error);
    g_assert_false (ok);
    g_assert_error (error, RP_FRAME_ERROR, RP_FRAME_ERROR_MALFORMED);
  }
}

/* What a receiver makes of a sequence of types: the first that it refuses ends the row. */
static void
test_receiver_order (void)
{
  static const struct {
    RpFrameDirection direction;
    RpFrameType types[6];
    gboolean ok;
  } rows[] = {
      {RP_FRAME_FROM_WORKER,
       {RP_FRAME_HELLO, RP_FRAME_PONG, RP_FRAME_STARTED, RP_FRAME_FLUSH},
       TRUE},
      {RP_FRAME_FROM_WORKER, {RP_FRAME_PONG}, FALSE},
      {RP_FRAME_FROM_WORKER, {RP_FRAME_STARTED}, FALSE},
      {RP_FRAME_FROM_WORKER, {RP_FRAME_HELLO, RP_FRAME_HELLO}, FALSE},
      {RP_FRAME_FROM_WORKER, {RP_FRAME_HELLO, RP_FRAME_FLUSH}, FALSE},
      {RP_FRAME_FROM_WORKER, {RP_FRAME_HELLO, RP_FRAME_EVENT}, FALSE},
      {RP_FRAME_FROM_WORKER, {RP_FRAME_HELLO, RP_FRAME_STARTED, RP_FRAME_STARTED}, FALSE},
      {RP_FRAME_FROM_WORKER, {RP_FRAME_HELLO, RP_FRAME_STARTED, RP_FRAME_HELLO}, FALSE},
      {RP_FRAME_TO_WORKER, {RP_FRAME_PING, RP_FRAME_START, RP_FRAME_RESUME, RP_FRAME_CLIENT}, TRUE},
      {RP_FRAME_TO_WORKER, {RP_FRAME_END}, TRUE},
      {RP_FRAME_TO_WORKER, {RP_FRAME_CLIENT}, FALSE},
      {RP_FRAME_TO_WORKER, {RP_FRAME_RESUME}, FALSE},
      {RP_FRAME_TO_WORKER, {RP_FRAME_ENCODER}, FALSE},
      {RP_FRAME_FROM_WORKER, {RP_FRAME_HELLO, RP_FRAME_LOAD}, FALSE},
      {RP_FRAME_TO_WORKER, {RP_FRAME_START, RP_FRAME_START}, FALSE},
      {RP_FRAME_FROM_ZYGOTE, {RP_FRAME_READY, RP_FRAME_FORKED, RP_FRAME_EXITED}, TRUE},
      {RP_FRAME_FROM_ZYGOTE, {RP_FRAME_FAILED}, TRUE},
      {RP_FRAME_FROM_ZYGOTE, {RP_FRAME_FORKED}, FALSE},
      {RP_FRAME_FROM_ZYGOTE, {RP_FRAME_READY, RP_FRAME_READY}, FALSE},
      {RP_FRAME_TO_ZYGOTE, {RP_FRAME_FORK, RP_FRAME_FORK}, TRUE},
  };
  static const guint8 zeros[8];
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    RpFrameReceiver receiver;
    rp_frame_receiver_init (&receiver, rows[i].direction);
    gboolean ok = TRUE;
    for (guint k = 0; ok && k < G_N_ELEMENTS (rows[i].types) && rows[i].types[k] != 0; k++) {
      RpFrameType type = rows[i].types[k];
      gboolean pair = type == RP_FRAME_FORKED || type == RP_FRAME_EXITED || type == RP_FRAME_LOAD ||
                      type == RP_FRAME_ENCODER;
      gsize len = type == RP_FRAME_STARTED ? 0 : pair ? 8 : 4;
      g_autofree guint8 *bytes = make_frame (type, k, zeros, len);
      RpFrame frame;
      g_autoptr (GError) error = NULL;
      ok = rp_frame_receive (&receiver, bytes, RP_FRAME_HEADER_BYTES + len, &frame, &error);
      if (!ok)
        g_assert_error (error, RP_FRAME_ERROR, RP_FRAME_ERROR_STATE);
    }
    g_test_message ("row %u", i);
    g_assert_cmpint (ok, ==, rows[i].ok);
  }
}

static void
test_receiver_sequence (void)
{
  static const struct {
    guint32 seqs[4];
    guint n_good;
  } rows[] = {
      {{0, 1, 2, 3}, 4}, {{1, 2, 3, 4}, 0}, {{0, 2, 3, 4}, 1}, {{0, 0, 1, 2}, 1}, {{0, 1, 0, 1}, 2},
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    RpFrameReceiver receiver;
    rp_frame_receiver_init (&receiver, RP_FRAME_TO_WORKER);
    for (guint k = 0; k < 4; k++) {
      guint8 payload[4];
      g_autofree guint8 *bytes =
          make_frame (RP_FRAME_PING, rows[i].seqs[k], payload, rp_frame_write_u32 (payload, k));
      RpFrame frame;
      gboolean ok = rp_frame_receive (&receiver, bytes, RP_FRAME_HEADER_BYTES + 4, &frame, NULL);
      g_assert_cmpint (ok, ==, k < rows[i].n_good);
      if (!ok)
        break;
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/frame/header", test_header);
  g_test_add_func ("/frame/audio-in", test_audio_in);
  g_test_add_func ("/frame/audio-out", test_audio_out);
  g_test_add_func ("/frame/small-payloads", test_small_payloads);
  g_test_add_func ("/frame/text", test_text);
  g_test_add_func ("/frame/bad-headers", test_bad_headers);
  g_test_add_func ("/frame/truncated", test_truncated);
  g_test_add_func ("/frame/payload-lengths", test_payload_lengths);
  g_test_add_func ("/frame/bad-payloads", test_bad_payloads);
  g_test_add_func ("/frame/receiver/order", test_receiver_order);
  g_test_add_func ("/frame/receiver/sequence", test_receiver_sequence);
  return g_test_run ();
}
