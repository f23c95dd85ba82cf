/*
 * The jitter buffer behind an emulated network, on a virtual clock: whatever the network does, the
 * timeline is exact, the order is right, and nothing waits longer than the longest wait.
 */
#include "jbuf.h"
#include "netem.h"

#include <math.h>
#include <opus.h>
#include <string.h>

#define T0 G_GINT64_CONSTANT (1000000)
#define PTIME_US 20000
#define PTIME_SAMPLES 960
#define N_PACKETS 6000
#define MAX_WAIT_US 80000

typedef struct {
  const char *name;
  RpNetemConfig net;
  double skew_ppm;
  gboolean dtx;      /* two pauses of 400 ms without packets in each hundred packets */
  guint32 first_seq; /* 0 = far from the wrap */
  double max_late;   /* share of the packets sent that arrive and are not decoded */
  double max_p95_ms; /* of the added delay */
} Row;

static const Row rows[] = {
    {.name = "clean"},
    {.name = "loss-1", .net = {.loss = 0.01, .delay_us = 30000}, .max_p95_ms = 5},
    {.name = "loss-5", .net = {.loss = 0.05, .delay_us = 30000}, .max_p95_ms = 25},
    {.name = "loss-10", .net = {.loss = 0.10, .delay_us = 30000}, .max_p95_ms = 25},
    {.name = "loss-30", .net = {.loss = 0.30, .delay_us = 30000}, .max_p95_ms = 25},
    {.name = "bursts",
     .net = {.p_enter_bad = 0.01, .p_leave_bad = 0.2, .loss_bad = 0.8},
     .max_p95_ms = 5},
    {.name = "long-bursts",
     .net = {.p_enter_bad = 0.002, .p_leave_bad = 0.03, .loss_bad = 1.0},
     .max_p95_ms = 5},
    {.name = "queue-jitter-20", .net = {.jitter_us = 20000, .keep_order = TRUE}},
    {.name = "queue-jitter-100", .net = {.jitter_us = 100000, .keep_order = TRUE}},
    {.name = "queue-jitter-200", .net = {.jitter_us = 200000, .keep_order = TRUE}},
    {.name = "disorder-15", .net = {.jitter_us = 15000}},
    {.name = "disorder-40", .net = {.jitter_us = 40000}, .max_late = 0.001, .max_p95_ms = 10},
    {.name = "disorder-100", .net = {.jitter_us = 100000}, .max_late = 0.05, .max_p95_ms = 60},
    {.name = "disorder-200", .net = {.jitter_us = 200000}, .max_late = 0.33, .max_p95_ms = 80},
    {.name = "reorder-30ms",
     .net = {.reorder = 0.05, .reorder_us = 30000},
     .max_late = 0.001,
     .max_p95_ms = 5},
    {.name = "reorder-50ms",
     .net = {.reorder = 0.05, .reorder_us = 50000},
     .max_late = 0.001,
     .max_p95_ms = 15},
    {.name = "duplicates", .net = {.duplicate = 0.3, .jitter_us = 10000}},
    {.name = "duplicates-far",
     .net = {.duplicate = 0.3, .reorder = 0.1, .reorder_us = 1500000},
     .max_late = 0.11,
     .max_p95_ms = 25},
    {.name = "everything",
     .net = {.loss = 0.05,
             .p_enter_bad = 0.01,
             .p_leave_bad = 0.2,
             .loss_bad = 0.8,
             .delay_us = 50000,
             .jitter_us = 60000,
             .keep_order = TRUE,
             .reorder = 0.02,
             .reorder_us = 40000,
             .duplicate = 0.05},
     .dtx = TRUE,
     .max_late = 0.01,
     .max_p95_ms = 45},
    {.name = "skew-plus", .skew_ppm = 200},
    {.name = "skew-minus", .skew_ppm = -200},
    {.name = "skew-and-loss", .net = {.loss = 0.1}, .skew_ppm = 200, .max_p95_ms = 25},
    {.name = "wrap", .first_seq = 65500},
    {.name = "wrap-and-loss",
     .net = {.loss = 0.2, .jitter_us = 30000},
     .first_seq = 65500,
     .max_late = 0.001,
     .max_p95_ms = 25},
    {.name = "dtx", .dtx = TRUE},
    {.name = "dtx-and-loss", .net = {.loss = 0.1}, .dtx = TRUE, .max_p95_ms = 25},
    {.name = "outage-800ms",
     .net = {.outage_from_us = T0 + 30000000, .outage_to_us = T0 + 30800000},
     .max_p95_ms = 0},
    {.name = "outage-2s",
     .net = {.outage_from_us = T0 + 30000000, .outage_to_us = T0 + 32000000},
     .max_p95_ms = 0},
};

typedef struct {
  RpJbuf *jbuf;
  RpNetem *net;
  gint64 now_us;

  gboolean started;
  guint64 position; /* end of the timeline so far */
  gint64 offset;    /* sender's samples minus timeline */
  gint64 last_seq;
  GArray *delays_us;
  guint n_decoded;
  guint n_stalled;
  guint n_resumed;
  guint n_jumps;
  gint64 jumped_samples;
  guint plc_run;
} Receiver;

/* What travels: the Opus packet's bytes 4.. carry the counters, so that each can be checked where
 * it comes out. */
typedef struct {
  guint8 opus[4];
  guint32 seq;
  guint32 samples;
} Packet;

static void
check_audio (Receiver *r, const RpJbufItem *item)
{
  Packet packet;
  switch (item->type) {
  case RP_JBUF_DECODE:
    g_assert_cmpuint (item->payload_bytes, ==, sizeof packet);
    memcpy (&packet, item->payload, sizeof packet);
    g_assert_cmpint ((gint64) packet.seq, >, r->last_seq);
    r->last_seq = packet.seq;
    if (!r->started)
      r->offset = packet.samples;
    r->started = TRUE;
    /* The position is what the sender's clock says, to the sample. */
    g_assert_cmpint ((gint64) item->position, ==, (gint64) packet.samples - r->offset);
    gint64 delay_us = r->now_us - item->arrival_us;
    g_assert_cmpint (delay_us, >=, 0);
    g_assert_cmpint (delay_us, <=, MAX_WAIT_US);
    g_array_append_val (r->delays_us, delay_us);
    r->n_decoded++;
    r->plc_run = 0;
    break;
  case RP_JBUF_FEC:
    memcpy (&packet, item->payload, sizeof packet);
    g_assert_cmpuint (packet.opus[1], ==, 0x40);
    g_assert_cmpint ((gint64) packet.samples - PTIME_SAMPLES - r->offset, ==,
                     (gint64) item->position);
    break;
  case RP_JBUF_PLC:
    g_assert_cmpuint (item->samples % 120, ==, 0);
    r->plc_run += item->samples;
    g_assert_cmpuint (r->plc_run, <=, 2880);
    break;
  default:
    break;
  }
}

static void
drain (Receiver *r)
{
  RpJbufItem item;
  while (rp_jbuf_poll (r->jbuf, r->now_us, &item)) {
    g_assert_cmpuint (item.position, ==, r->position);
    r->position += item.samples;
    g_assert_cmpuint (item.samples, <=, RP_JBUF_MAX_ITEM_SAMPLES);
    switch (item.type) {
    case RP_JBUF_DISCONTINUITY:
      r->offset += item.jump_samples;
      r->jumped_samples += item.jump_samples;
      r->n_jumps++;
      break;
    case RP_JBUF_STALLED:
      g_assert_cmpuint (r->n_stalled++, ==, r->n_resumed);
      break;
    case RP_JBUF_RESUMED:
      g_assert_cmpuint (++r->n_resumed, ==, r->n_stalled);
      break;
    default:
      g_assert_cmpuint (item.samples, >, 0);
      check_audio (r, &item);
      break;
    }
  }
  g_assert_cmpint (rp_jbuf_deadline (r->jbuf), >, r->now_us);
}

/* Lets time pass up to @until_us, stopping at everything that happens. */
static void
run_until (Receiver *r, const Row *row, gint64 until_us)
{
  for (;;) {
    gint64 next_us = MIN (rp_netem_deadline (r->net), rp_jbuf_deadline (r->jbuf));
    if (next_us > until_us)
      break;
    r->now_us = MAX (r->now_us, next_us);
    GBytes *bytes;
    while ((bytes = rp_netem_poll (r->net, r->now_us)) != NULL) {
      gsize length;
      const guint8 *data = g_bytes_get_data (bytes, &length);
      Packet packet;
      g_assert_cmpuint (length, ==, sizeof packet);
      memcpy (&packet, data, sizeof packet);
      rp_jbuf_input (r->jbuf, r->now_us, (guint16) (row->first_seq + packet.seq),
                     0xffff0000u + packet.samples, FALSE, data, length);
      drain (r);
      g_bytes_unref (bytes);
    }
    drain (r);
  }
  r->now_us = until_us;
}

static int
compare_us (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a;
  gint64 y = *(const gint64 *) b;
  return x < y ? -1 : x > y;
}

static double
percentile_ms (GArray *delays_us, guint percent)
{
  g_array_sort (delays_us, compare_us);
  return (double) g_array_index (delays_us, gint64, (delays_us->len - 1) * percent / 100) / 1000;
}

static void
check_result (Receiver *r, const Row *row, guint n_sent, guint last_samples)
{
  RpJbufStats s;
  RpNetemStats n;
  rp_jbuf_stats (r->jbuf, &s);
  rp_netem_stats (r->net, &n);
  double p50_ms = percentile_ms (r->delays_us, 50);
  double p95_ms = percentile_ms (r->delays_us, 95);
  double late = ((double) (n_sent - n.lost) - r->n_decoded) / n_sent;
  g_test_message ("%s: network lost %.1f %%, too late %.2f %%, FEC %.1f s, PLC %.1f s, "
                  "silence %.1f s, added delay p50 %.1f ms p95 %.1f ms, "
                  "wait %" G_GINT64_FORMAT " ms, stalls %u",
                  row->name, 100.0 * (double) n.lost / n_sent, 100 * late,
                  (double) s.fec_samples / 48000, (double) s.plc_samples / 48000,
                  (double) s.silence_samples / 48000, p50_ms, p95_ms, s.wait_us / 1000,
                  r->n_stalled);

  g_assert_cmpuint (s.received, ==, n.delivered);
  g_assert_cmpuint (s.decoded, ==, r->n_decoded);
  g_assert_cmpuint (s.received, ==,
                    s.decoded + s.empty + s.held + s.duplicate + s.late + s.malformed +
                        s.implausible + s.discarded);
  g_assert_cmpuint (s.malformed + s.implausible + s.discarded + s.empty + s.held, ==, 0);
  g_assert_cmpuint (s.discontinuities, ==, r->n_jumps);
  g_assert_cmpfloat (late, <=, row->max_late);
  g_assert_cmpfloat (p50_ms, <=, 15);
  g_assert_cmpfloat (p95_ms, <=, row->max_p95_ms);
  /* The timeline ends where the last packet sent does, less what was jumped over. */
  if (r->last_seq == (gint64) n_sent - 1)
    g_assert_cmpint ((gint64) r->position, ==, (gint64) last_samples + PTIME_SAMPLES - r->offset);
  if (row->net.keep_order && row->net.reorder == 0.0)
    g_assert_cmpuint (s.late + s.reordered, ==, 0);
}

static void
run_row (const Row *row, guint32 seed, Receiver *r)
{
  RpNetemConfig net = row->net;
  net.seed = seed;
  *r = (Receiver){
      .jbuf = rp_jbuf_new (NULL, T0),
      .net = rp_netem_new (&net),
      .now_us = T0,
      .last_seq = -1,
      .delays_us = g_array_new (FALSE, FALSE, sizeof (gint64)),
  };
  guint32 samples = 0;
  double interval_us = PTIME_US * (1 + row->skew_ppm / 1e6);
  for (guint i = 0; i < N_PACKETS; i++) {
    if (row->dtx && (i % 100 == 30 || i % 100 == 31))
      samples += 19 * PTIME_SAMPLES;
    Packet packet = {.opus = {0x48, 0x40}, .seq = i, .samples = samples};
    gint64 sent_us = T0 + (gint64) ((double) (samples / PTIME_SAMPLES) * interval_us);
    run_until (r, row, sent_us);
    rp_netem_input (r->net, sent_us, (const guint8 *) &packet, sizeof packet);
    samples += PTIME_SAMPLES;
  }
  run_until (r, row, r->now_us + 5000000);
  check_result (r, row, N_PACKETS, samples - PTIME_SAMPLES);
}

static void
receiver_clear (Receiver *r)
{
  rp_jbuf_free (r->jbuf);
  rp_netem_free (r->net);
  g_array_unref (r->delays_us);
}

static void
test_row (gconstpointer data)
{
  for (guint32 seed = 1; seed <= 3; seed++) {
    Receiver r;
    run_row (data, seed, &r);
    receiver_clear (&r);
  }
}

static const Row *
row_by_name (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_str_equal (rows[i].name, name))
      return &rows[i];
  g_assert_not_reached ();
}

static void
test_outages (void)
{
  Receiver r;
  RpJbufStats s;
  run_row (row_by_name ("outage-800ms"), 1, &r);
  rp_jbuf_stats (r.jbuf, &s);
  /* Up to a second is filled: concealed at both ends, silent between. */
  g_assert_cmpuint (r.n_jumps, ==, 0);
  g_assert_cmpuint (s.fec_samples, ==, 960);
  g_assert_cmpuint (s.plc_samples, ==, 2880);
  g_assert_cmpuint (s.silence_samples, ==, 40 * 960 - 960 - 2880);
  receiver_clear (&r);

  run_row (row_by_name ("outage-2s"), 1, &r);
  g_assert_cmpuint (r.n_jumps, ==, 1);
  g_assert_cmpint (r.jumped_samples, ==, 96000);
  g_assert_cmpuint (r.n_stalled, ==, 2); /* and the end of the stream */
  g_assert_cmpuint (r.n_resumed, ==, 1);
  receiver_clear (&r);
}

static void
test_dtx_is_silence (void)
{
  Receiver r;
  RpJbufStats s;
  run_row (row_by_name ("dtx"), 1, &r);
  rp_jbuf_stats (r.jbuf, &s);
  g_assert_cmpuint (s.plc_samples + s.fec_samples + s.silence_samples + s.lost, ==, 0);
  g_assert_cmpuint (s.pause_samples, ==, N_PACKETS / 100 * 2 * 19 * PTIME_SAMPLES);
  receiver_clear (&r);
}

static void
test_order_kept_is_never_delayed (void)
{
  static const char *const names[] = {
      "clean", "queue-jitter-200", "skew-plus", "skew-minus", "wrap", "dtx"};
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    Receiver r;
    run_row (row_by_name (names[i]), 1, &r);
    g_assert_cmpuint (r.n_decoded, ==, N_PACKETS);
    g_assert_cmpfloat (percentile_ms (r.delays_us, 100), ==, 0);
    receiver_clear (&r);
  }
}

/* An hour of a microphone whose clock is wrong: nothing piles up, nothing is invented, and the
 * timeline is the sender's to the sample. */
static void
test_an_hour_of_skew (void)
{
  static const guint8 opus[4] = {0x48};
  static const double ppm[] = {200, -200};
  for (guint i = 0; i < G_N_ELEMENTS (ppm); i++) {
    g_autoptr (RpJbuf) jbuf = rp_jbuf_new (NULL, T0);
    RpJbufStats s;
    RpJbufItem item;
    const guint n = 3600 * 50;
    double interval_us = PTIME_US / (1 + ppm[i] / 1e6);
    guint most_held = 0;
    for (guint k = 0; k < n; k++) {
      gint64 now_us = T0 + (gint64) (interval_us * k) + (gint64) (k * 7919 % 9000);
      rp_jbuf_input (jbuf, now_us, (guint16) k, k * PTIME_SAMPLES, FALSE, opus, sizeof opus);
      while (rp_jbuf_poll (jbuf, now_us, &item))
        g_assert_cmpint (item.type, ==, RP_JBUF_DECODE);
      rp_jbuf_stats (jbuf, &s);
      most_held = MAX (most_held, s.held);
    }
    g_assert_cmpuint (most_held, ==, 0);
    g_assert_cmpuint (s.decoded, ==, n);
    g_assert_cmpuint (s.decoded_samples, ==, (guint64) n * PTIME_SAMPLES);
    g_assert_cmpuint (rp_jbuf_position (jbuf), ==, (guint64) n * PTIME_SAMPLES);
    g_assert_cmpuint (s.stalls + s.discontinuities + s.late, ==, 0);
  }
}

/* Every instruction is one that libopus follows to the letter, at 16 kHz as the server decodes. */
static void
test_libopus_obeys (void)
{
  int error;
  OpusEncoder *encoder = opus_encoder_create (48000, 1, OPUS_APPLICATION_VOIP, &error);
  OpusDecoder *decoder = opus_decoder_create (16000, 1, &error);
  opus_encoder_ctl (encoder, OPUS_SET_BITRATE (32000));
  opus_encoder_ctl (encoder, OPUS_SET_INBAND_FEC (1));
  opus_encoder_ctl (encoder, OPUS_SET_PACKET_LOSS_PERC (15));
  g_autoptr (RpJbuf) jbuf = rp_jbuf_new (NULL, T0);
  g_autoptr (GRand) rand = g_rand_new_with_seed (8);
  guint64 written = 0, n_fec = 0;
  for (guint i = 0; i < 3000; i++) {
    gint16 pcm[960], out[RP_JBUF_MAX_ITEM_SAMPLES / 3 + 1];
    guint8 packet[1500];
    for (guint k = 0; k < 960; k++) {
      double t = (i * 960 + k) / 48000.0;
      pcm[k] = (gint16) (8000 * sin (2 * G_PI * 220 * t) * (fmod (t, 1) < 0.7) +
                         g_rand_int_range (rand, -300, 300));
    }
    int n = opus_encode (encoder, pcm, 960, packet, sizeof packet);
    g_assert_cmpint (n, >, 0);
    gint64 now_us = T0 + (gint64) i * PTIME_US;
    if (g_rand_double (rand) >= 0.15)
      rp_jbuf_input (jbuf, now_us, (guint16) i, i * 960, FALSE, packet, (gsize) n);
    RpJbufItem item;
    while (rp_jbuf_poll (jbuf, now_us, &item)) {
      int samples = (int) ((item.position + item.samples) / 3 - item.position / 3);
      gboolean fec = item.type == RP_JBUF_FEC;
      if (item.type == RP_JBUF_DECODE || fec)
        g_assert_cmpint (
            opus_decode (decoder, item.payload, (int) item.payload_bytes, out, samples, fec), ==,
            samples);
      else if (item.type == RP_JBUF_PLC)
        g_assert_cmpint (opus_decode (decoder, NULL, 0, out, samples, 0), ==, samples);
      n_fec += fec;
      written += (guint64) samples;
      g_assert_cmpuint (written, ==, (item.position + item.samples) / 3);
    }
  }
  g_assert_cmpuint (n_fec, >, 50);
  opus_encoder_destroy (encoder);
  opus_decoder_destroy (decoder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *path = g_strdup_printf ("/jbuf-netem/%s", rows[i].name);
    g_test_add_data_func (path, &rows[i], test_row);
  }
  g_test_add_func ("/jbuf-netem/outages", test_outages);
  g_test_add_func ("/jbuf-netem/dtx-is-silence", test_dtx_is_silence);
  g_test_add_func ("/jbuf-netem/order-kept-is-never-delayed", test_order_kept_is_never_delayed);
  g_test_add_func ("/jbuf-netem/an-hour-of-skew", test_an_hour_of_skew);
  g_test_add_func ("/jbuf-netem/libopus-obeys", test_libopus_obeys);
  return g_test_run ();
}
