/* The Opus packet parser against libopus, which judges the same bytes. */
#include "opus-packet.h"

#include <math.h>
#include <opus.h>
#include <string.h>

#define BYTES(s) s, sizeof s - 1

typedef struct {
  const char *name;
  const char *bytes;
  gsize length;
  guint samples; /* 0 = malformed */
} Row;

static const Row rows[] = {
    {"empty", BYTES (""), 0},
    {"toc-only-dtx", BYTES ("\x48"), 960},
    {"silk-60", BYTES ("\x18x"), 2880},
    {"celt-2.5", BYTES ("\x80x"), 120},
    {"silence-20", BYTES ("\xf8\xff\xfe"), 960},
    {"code1",
     BYTES ("\xf9"
            "aabb"),
     1920},
    {"code1-odd",
     BYTES ("\xf9"
            "aab"),
     0},
    {"code2",
     BYTES ("\xfa\1"
            "abb"),
     1920},
    {"code2-first-too-long",
     BYTES ("\xfa\4"
            "abb"),
     0},
    {"code2-no-length", BYTES ("\xfa"), 0},
    {"code2-two-byte-length-cut", BYTES ("\xfa\xfc"), 0},
    {"code3-no-count", BYTES ("\xfb"), 0},
    {"code3-zero-frames", BYTES ("\xfb\0"), 0},
    {"code3-cbr",
     BYTES ("\xfb\3"
            "aabbcc"),
     2880},
    {"code3-cbr-uneven",
     BYTES ("\xfb\3"
            "aabbc"),
     0},
    {"code3-vbr",
     BYTES ("\xfb\x83\1\2"
            "abbccc"),
     2880},
    {"code3-vbr-too-long",
     BYTES ("\xfb\x83\1\x9"
            "abbccc"),
     0},
    {"code3-120ms", BYTES ("\xfb\6"), 5760},
    {"code3-140ms", BYTES ("\xfb\7"), 0},
    {"code3-48-of-2.5", BYTES ("\x83\x30"), 5760},
    {"code3-49-of-2.5", BYTES ("\x83\x31"), 0},
    {"code3-padding",
     BYTES ("\xfb\x41\2"
            "a\0\0"),
     960},
    {"code3-padding-too-long",
     BYTES ("\xfb\x41\4"
            "a\0\0"),
     0},
    {"code3-padding-255-cut", BYTES ("\xfb\x41\xff"), 0},
};

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autofree guint8 *exact = g_memdup2 (row->bytes, row->length);
  g_assert_cmpuint (rp_opus_packet_samples (exact, row->length), ==, row->samples);
}

static void
test_frame_size_limit (void)
{
  guint8 packet[1 + 1276] = {0xf8};
  g_assert_cmpuint (rp_opus_packet_samples (packet, 1 + 1275), ==, 960);
  g_assert_cmpuint (rp_opus_packet_samples (packet, 1 + 1276), ==, 0);
}

static void
test_long_padding (void)
{
  /* 255 says 254 and another count byte (RFC 6716 3.2.5). */
  guint8 packet[4 + 1 + 254 + 1] = {0xfb, 0x41, 255, 1};
  RpOpusPacket out;
  g_assert_true (rp_opus_packet_parse (packet, sizeof packet, &out));
  g_assert_cmpuint (out.frame_bytes[0], ==, 1);
  g_assert_false (rp_opus_packet_parse (packet, sizeof packet - 2, &out));
}

static void
test_like_libopus (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (20);
  guint n_good = 0;
  for (guint i = 0; i < 300000; i++) {
    gsize length = (gsize) g_rand_int_range (rand, 1, 40);
    g_autofree guint8 *bytes = g_malloc (length);
    for (gsize j = 0; j < length; j++)
      bytes[j] = (guint8) (g_rand_int (rand) >> (g_rand_int_range (rand, 0, 3) * 4 + 20));
    const unsigned char *frames[48];
    opus_int16 sizes[48];
    int n = opus_packet_parse (bytes, (opus_int32) length, NULL, frames, sizes, NULL);
    RpOpusPacket packet;
    gboolean ok = rp_opus_packet_parse (bytes, length, &packet);
    g_assert_cmpint (ok, ==, n > 0);
    if (!ok)
      continue;
    n_good++;
    g_assert_cmpint (packet.n_frames, ==, n);
    g_assert_cmpint (packet.packet_samples, ==,
                     opus_packet_get_nb_samples (bytes, (opus_int32) length, 48000));
    g_assert_true (packet.first_frame == frames[0]);
    g_assert_cmpint (packet.stereo, ==, opus_packet_get_nb_channels (bytes) == 2);
    for (int k = 0; k < n; k++)
      g_assert_cmpint (packet.frame_bytes[k], ==, sizes[k]);
  }
  g_assert_cmpuint (n_good, >, 10000);
}

/* Something that the encoder takes for voice, in bursts. */
static void
synthesise (gint16 *pcm, guint channels, guint samples, guint position)
{
  for (guint i = 0; i < samples; i++) {
    double t = (position + i) / 48000.0;
    double envelope = fmod (t, 1.0) < 0.6 ? 0.5 + 0.5 * sin (2 * G_PI * 4 * t) : 0.0;
    double v = 0;
    for (int h = 1; h < 20; h++)
      v += sin (2 * G_PI * 140 * h * t + h) / h;
    for (guint c = 0; c < channels; c++)
      pcm[i * channels + c] = (gint16) (5000 * envelope * v * (c == 0 ? 1.0 : 0.6));
  }
}

static gboolean
is_same (const gint16 *a, const gint16 *b, gsize n)
{
  return memcmp (a, b, n * sizeof *a) == 0;
}

/* Without redundancy libopus conceals instead: then FEC and PLC of two equal decoders give the same
 * samples. */
static void
check_lbrr (guint channels, guint frame_samples, guint *n_with, guint *n_without)
{
  int error;
  OpusEncoder *encoder = opus_encoder_create (48000, (int) channels, OPUS_APPLICATION_VOIP, &error);
  OpusDecoder *fec = opus_decoder_create (48000, (int) channels, &error);
  OpusDecoder *plc = opus_decoder_create (48000, (int) channels, &error);
  opus_encoder_ctl (encoder, OPUS_SET_BITRATE (channels == 1 ? 32000 : 56000));
  opus_encoder_ctl (encoder, OPUS_SET_INBAND_FEC (1));
  opus_encoder_ctl (encoder, OPUS_SET_PACKET_LOSS_PERC (15));
  opus_encoder_ctl (encoder, OPUS_SET_SIGNAL (OPUS_SIGNAL_VOICE));
  gsize n_pcm = (gsize) frame_samples * channels;
  g_autofree gint16 *pcm = g_new (gint16, n_pcm);
  g_autofree gint16 *out_fec = g_new (gint16, n_pcm);
  g_autofree gint16 *out_plc = g_new (gint16, n_pcm);
  int size = (int) frame_samples;
  guint8 previous_toc = 0;
  for (guint i = 0; i < 150; i++) {
    guint8 packet[1500];
    synthesise (pcm, channels, frame_samples, i * frame_samples);
    int n = opus_encode (encoder, pcm, size, packet, sizeof packet);
    g_assert_cmpint (n, >, 0);
    gboolean has = rp_opus_packet_has_lbrr (packet, (gsize) n);
    if (i % 5 == 4) {
      /* The packet before this one counts as lost in both. */
      g_assert_cmpint (opus_decode (fec, packet, n, out_fec, size, 1), ==, size);
      g_assert_cmpint (opus_decode (plc, NULL, 0, out_plc, size, 0), ==, size);
      if (has)
        g_assert_false (is_same (out_fec, out_plc, n_pcm));
      else if (packet[0] == previous_toc)
        g_assert_true (is_same (out_fec, out_plc, n_pcm));
      *n_with += has ? 1 : 0;
      *n_without += has ? 0 : 1;
      opus_decoder_ctl (fec, OPUS_RESET_STATE);
      opus_decoder_ctl (plc, OPUS_RESET_STATE);
    }
    g_assert_cmpint (opus_decode (fec, packet, n, out_fec, size, 0), ==, size);
    g_assert_cmpint (opus_decode (plc, packet, n, out_plc, size, 0), ==, size);
    previous_toc = packet[0];
  }
  opus_encoder_destroy (encoder);
  opus_decoder_destroy (fec);
  opus_decoder_destroy (plc);
}

static void
test_lbrr_like_libopus (void)
{
  static const guint frames[] = {480, 960, 1920, 2880};
  for (guint i = 0; i < G_N_ELEMENTS (frames); i++)
    for (guint channels = 1; channels <= 2; channels++) {
      guint n_with = 0, n_without = 0;
      check_lbrr (channels, frames[i], &n_with, &n_without);
      g_test_message ("%u samples, %u channels: %u with redundancy, %u without", frames[i],
                      channels, n_with, n_without);
      if (frames[i] == 960)
        g_assert_cmpuint (n_with, >, 5);
      g_assert_cmpuint (n_without, >, 1);
    }
}

static void
test_lbrr_table (void)
{
  /* VAD bits, then the LBRR bit, per channel. */
  g_assert_true (rp_opus_packet_has_lbrr ((const guint8 *) "\x48\x40", 2));
  g_assert_false (rp_opus_packet_has_lbrr ((const guint8 *) "\x48\x80", 2));
  g_assert_true (rp_opus_packet_has_lbrr ((const guint8 *) "\x58\x10", 2));
  g_assert_false (rp_opus_packet_has_lbrr ((const guint8 *) "\x58\xe0", 2));
  g_assert_true (rp_opus_packet_has_lbrr ((const guint8 *) "\x4c\x10", 2));
  g_assert_false (rp_opus_packet_has_lbrr ((const guint8 *) "\x4c\xa0", 2));
  g_assert_false (rp_opus_packet_has_lbrr ((const guint8 *) "\xf8\xff", 2));
  g_assert_false (rp_opus_packet_has_lbrr ((const guint8 *) "\x48", 1));
  g_assert_false (rp_opus_packet_has_lbrr ((const guint8 *) "", 0));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *path = g_strdup_printf ("/opus-packet/%s", rows[i].name);
    g_test_add_data_func (path, &rows[i], test_row);
  }
  g_test_add_func ("/opus-packet/frame-size-limit", test_frame_size_limit);
  g_test_add_func ("/opus-packet/long-padding", test_long_padding);
  g_test_add_func ("/opus-packet/like-libopus", test_like_libopus);
  g_test_add_func ("/opus-packet/lbrr-table", test_lbrr_table);
  g_test_add_func ("/opus-packet/lbrr-like-libopus", test_lbrr_like_libopus);
  return g_test_run ();
}
