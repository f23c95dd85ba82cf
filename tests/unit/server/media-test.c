/* The media of a call on a virtual clock: packets in, timeline out; frames in, packets out. */
#include "session-media.h"

#include "red.h"
#include "rtp.h"

#include <opus.h>
#include <string.h>

#define PAYLOAD_TYPE 96
#define RED_PAYLOAD_TYPE 63
#define FRAME_US 20000

typedef struct {
  RpMedia *media;
  gint64 now_us;
  OpusEncoder *encoder;
  guint16 sequence;
  guint32 timestamp;
  guint8 before[400]; /* the packet before, for its copy */
  gsize before_bytes;
  /* to the worker */
  gint64 next_pos;
  guint n_gaps;
  guint n_samples;
  guint by_kind[RP_AUDIO_N_KINDS];
  guint n_stalled;
  guint n_resumed;
  GArray *playouts; /* of RpPlayout */
  /* to the client */
  GArray *sent; /* of Sent */
  guint n_rtcp;
} Fixture;

typedef struct {
  gint64 at_us;
  guint16 sequence;
  guint32 timestamp;
  gboolean marker;
  gsize payload_bytes;
  guint n_copies;
} Sent;

static gboolean
on_send_rtp (guint8 *buf, gsize len, gsize size, gpointer user_data)
{
  Fixture *f = user_data;
  RpRtpPacket packet;
  g_assert_true (rp_rtp_parse (buf, len, &packet));
  g_assert_cmpuint (size - len, >=, 148);
  g_assert_cmpuint (packet.ssrc, ==, 77);
  Sent sent = {f->now_us, packet.sequence, packet.timestamp, packet.marker, packet.payload_bytes};
  if (packet.payload_type == RED_PAYLOAD_TYPE) {
    RpRed red;
    g_assert_true (rp_red_parse (packet.payload, packet.payload_bytes, &red));
    sent.n_copies = red.n_blocks;
    for (guint i = 0; i < red.n_blocks; i++) {
      const Sent *copied = &g_array_index (f->sent, Sent, f->sent->len - red.n_blocks + i);
      g_assert_cmpuint (red.blocks[i].payload_type, ==, PAYLOAD_TYPE);
      g_assert_cmpuint (packet.timestamp - red.blocks[i].offset, ==, copied->timestamp);
      g_assert_cmpuint (red.blocks[i].len, ==, copied->payload_bytes);
    }
    sent.payload_bytes = red.primary.len;
  } else {
    g_assert_cmpuint (packet.payload_type, ==, PAYLOAD_TYPE);
  }
  g_array_append_val (f->sent, sent);
  return TRUE;
}

static gboolean
on_send_rtcp (guint8 *buf, gsize len, gsize size, gpointer user_data)
{
  Fixture *f = user_data;
  f->n_rtcp++;
  return TRUE;
}

static void
on_audio_in (gint64 pos_samples, RpAudioKind kind, const gint16 *pcm, guint n_samples,
             gint64 arrival_us, gpointer user_data)
{
  Fixture *f = user_data;
  f->n_gaps += pos_samples != f->next_pos ? 1 : 0;
  f->next_pos = pos_samples + n_samples;
  f->n_samples += n_samples;
  f->by_kind[kind]++;
  g_assert_cmpint (arrival_us, <=, f->now_us);
}

static void
on_input (gint64 pos_samples, gboolean stalled, gpointer user_data)
{
  Fixture *f = user_data;
  g_assert_cmpint (pos_samples, ==, f->next_pos);
  if (stalled)
    f->n_stalled++;
  else
    f->n_resumed++;
}

static void
on_playout (const RpPlayout *playout, gpointer user_data)
{
  Fixture *f = user_data;
  g_array_append_val (f->playouts, *playout);
}

static const RpMediaEvents events = {
    .send_rtp = on_send_rtp,
    .send_rtcp = on_send_rtcp,
    .audio_in = on_audio_in,
    .input = on_input,
    .playout = on_playout,
};

static void
set_up (Fixture *f, gconstpointer data)
{
  const RpMediaConfig config = {.ssrc = 77,
                                .first_sequence = 100,
                                .first_timestamp = 5000,
                                .cname = "test",
                                .random_seed = 1};
  int failure = 0;
  memset (f, 0, sizeof *f);
  f->now_us = 1000000;
  f->sequence = 65530;
  f->timestamp = 0xffffff00u;
  f->playouts = g_array_new (FALSE, FALSE, sizeof (RpPlayout));
  f->sent = g_array_new (FALSE, FALSE, sizeof (Sent));
  f->encoder = opus_encoder_create (48000, 1, OPUS_APPLICATION_VOIP, &failure);
  f->media = rp_media_new (&config, &events, f, f->now_us);
  rp_media_set_payload_type (f->media, PAYLOAD_TYPE);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  rp_media_free (f->media);
  opus_encoder_destroy (f->encoder);
  g_array_unref (f->playouts);
  g_array_unref (f->sent);
}

/* One packet of 20 ms from the client; dropped on its way when @lost. */
static void
packet (Fixture *f, gboolean lost)
{
  gint16 pcm[960];
  guint8 bytes[1500];
  for (guint i = 0; i < 960; i++)
    pcm[i] = (gint16) ((i % 100) * 60 - 3000);
  const RpRtpPacket header = {
      .payload_type = PAYLOAD_TYPE, .sequence = f->sequence, .timestamp = f->timestamp, .ssrc = 5};
  gsize len = rp_rtp_write_header (&header, bytes, sizeof bytes);
  len += (gsize) opus_encode (f->encoder, pcm, 960, bytes + len, 400);
  f->sequence++;
  f->timestamp += 960;
  if (lost)
    return;
  g_autofree guint8 *copy = g_memdup2 (bytes, len);
  rp_media_rtp (f->media, f->now_us, copy, len);
}

static void
run_for (Fixture *f, gint64 duration_us)
{
  for (gint64 end_us = f->now_us + duration_us; f->now_us < end_us; f->now_us += 2000)
    rp_media_tick (f->media, f->now_us);
}

static void
test_timeline (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 100; i++) {
    packet (f, FALSE);
    run_for (f, FRAME_US);
  }
  g_assert_cmpuint (f->n_gaps, ==, 0);
  g_assert_cmpuint (f->n_samples, ==, 100 * 320);
  g_assert_cmpuint (f->by_kind[RP_AUDIO_DECODED], ==, 100);
  g_assert_cmpint (rp_media_input_pos (f->media), ==, 100 * 320);
}

static void
test_loss_keeps_time (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 300; i++) {
    packet (f, i % 7 == 3 || i % 50 == 20 || i % 50 == 21);
    run_for (f, FRAME_US);
  }
  packet (f, FALSE);
  run_for (f, 200000);
  /* Whatever was lost, the timeline has no hole and is as long as the speech was. */
  g_assert_cmpuint (f->n_gaps, ==, 0);
  g_assert_cmpuint (f->n_samples, ==, 301 * 320);
  g_assert_cmpuint (f->by_kind[RP_AUDIO_PLC] + f->by_kind[RP_AUDIO_FEC], >, 40);
}

/* The same with the packet before in each, as browsers send it. */
static void
red_packet (Fixture *f, gboolean lost)
{
  gint16 pcm[960];
  guint8 opus[400];
  guint8 bytes[1500];
  for (guint i = 0; i < 960; i++)
    pcm[i] = (gint16) ((i % 100) * 60 - 3000);
  const RpRtpPacket header = {.payload_type = RED_PAYLOAD_TYPE,
                              .sequence = f->sequence++,
                              .timestamp = f->timestamp,
                              .ssrc = 5};
  gsize len = rp_rtp_write_header (&header, bytes, sizeof bytes);
  RpRed red = {.n_blocks = f->before_bytes > 0 ? 1 : 0,
               .blocks = {{PAYLOAD_TYPE, 960, f->before, f->before_bytes}},
               .primary = {PAYLOAD_TYPE, 0, opus, 0}};
  red.primary.len = (gsize) opus_encode (f->encoder, pcm, 960, opus, sizeof opus);
  len += rp_red_write (&red, bytes + len, sizeof bytes - len);
  memcpy (f->before, opus, red.primary.len);
  f->before_bytes = red.primary.len;
  f->timestamp += 960;
  g_autofree guint8 *exact = g_memdup2 (bytes, len);
  if (!lost)
    rp_media_rtp (f->media, f->now_us, exact, len);
}

static void
test_copies (Fixture *f, gconstpointer data)
{
  RpMediaStats stats;
  rp_media_set_red_payload_type (f->media, RED_PAYLOAD_TYPE);
  for (guint i = 0; i < 300; i++) {
    red_packet (f, i % 5 == 3);
    run_for (f, FRAME_US);
  }
  g_assert_cmpuint (f->n_gaps, ==, 0);
  g_assert_cmpuint (f->n_samples, ==, 300 * 320);
  g_assert_cmpuint (f->by_kind[RP_AUDIO_COPY], ==, 60);
  g_assert_cmpuint (f->by_kind[RP_AUDIO_DECODED], ==, 240);
  rp_media_stats (f->media, &stats);
  g_assert_cmpuint (stats.given_samples[RP_AUDIO_COPY], ==, 60 * 320);
  g_assert_cmpuint (stats.given_samples[RP_AUDIO_DECODED], ==, 240 * 320);
  g_assert_cmpuint (stats.packets_malformed, ==, 0);

  guint8 broken[] = {0x80, RED_PAYLOAD_TYPE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0xe0, 0xff, 0xff, 0xff};
  rp_media_rtp (f->media, f->now_us, broken, sizeof broken);
  rp_media_stats (f->media, &stats);
  g_assert_cmpuint (stats.packets_malformed, ==, 1);
}

/* A receiver report of the client on our stream. */
static void
report (Fixture *f, guint8 fraction_lost)
{
  const RpRtcpBlock block = {.ssrc = 77, .fraction_lost = fraction_lost};
  guint8 bytes[RP_RTCP_MAX_REPORT_BYTES];
  gsize len = rp_rtcp_write_report (5, NULL, &block, "client", FALSE, bytes, sizeof bytes);
  rp_media_rtcp (f->media, f->now_us, bytes, len);
}

static guint
copies_of_newest (Fixture *f)
{
  return g_array_index (f->sent, Sent, f->sent->len - 1).n_copies;
}

/* Copies go out while the client reports loss, and only to who takes them; in-band FEC until it has
 * long reported none. */
static void
test_sends_copies (Fixture *f, gconstpointer data)
{
  rp_media_set_transport (f->media, TRUE, f->now_us);
  g_assert_true (rp_media_wants_fec (f->media));
  report (f, 26);
  run_for (f, 200000);
  g_assert_cmpuint (copies_of_newest (f), ==, 0);
  rp_media_set_red_payload_type (f->media, RED_PAYLOAD_TYPE);
  run_for (f, 200000);
  g_assert_cmpuint (copies_of_newest (f), ==, 1);
  report (f, 60);
  run_for (f, 200000);
  g_assert_cmpuint (copies_of_newest (f), ==, 2);
  for (guint i = 0; i < 20; i++) {
    report (f, 0);
    run_for (f, 2 * G_USEC_PER_SEC);
  }
  g_assert_cmpuint (copies_of_newest (f), ==, 0);
  g_assert_false (rp_media_wants_fec (f->media));
  report (f, 1);
  g_assert_true (rp_media_wants_fec (f->media));
}

static void
test_stall (Fixture *f, gconstpointer data)
{
  packet (f, FALSE);
  run_for (f, 500000);
  g_assert_cmpuint (f->n_stalled, ==, 1);
  packet (f, FALSE);
  g_assert_cmpuint (f->n_resumed, ==, 1);
}

static void
test_rubbish (Fixture *f, gconstpointer data)
{
  RpMediaStats stats;
  guint8 bytes[64] = {0x80, PAYLOAD_TYPE};
  rp_media_rtp (f->media, f->now_us, bytes, 11);
  rp_media_rtcp (f->media, f->now_us, bytes, sizeof bytes);
  bytes[1] = 111; /* another payload type, from nobody we know */
  rp_media_rtp (f->media, f->now_us, bytes, sizeof bytes);
  rp_media_stats (f->media, &stats);
  g_assert_cmpuint (stats.packets_malformed, ==, 2);
  /* Opus whose first byte promises more than there is. */
  bytes[1] = PAYLOAD_TYPE;
  bytes[12] = 0xff;
  bytes[13] = 0xff;
  rp_media_rtp (f->media, f->now_us, bytes, 14);
  rp_media_stats (f->media, &stats);
  g_assert_cmpuint (stats.jbuf.malformed, ==, 1);
  g_assert_cmpuint (f->n_samples, ==, 0);
}

static void
test_silence_first (Fixture *f, gconstpointer data)
{
  rp_media_set_transport (f->media, TRUE, f->now_us);
  run_for (f, 1000000);
  g_assert_cmpuint (f->sent->len, ==, 50);
  g_assert_cmpuint (f->n_rtcp, >=, 1);
  for (guint i = 0; i < f->sent->len; i++) {
    const Sent *sent = &g_array_index (f->sent, Sent, i);
    g_assert_cmpint (sent->at_us, ==, 1000000 + (gint64) i * FRAME_US);
    g_assert_cmpuint (sent->sequence, ==, (guint16) (100 + i));
    g_assert_cmpuint (sent->timestamp, ==, 5000 + i * 960);
    g_assert_cmpuint (sent->payload_bytes, >, 0);
  }
}

static gboolean
push (Fixture *f, guint32 utterance, guint32 frame, gboolean last)
{
  static const guint8 opus[] = {0xf8, 0xff, 0xfe};
  const RpAudioOut audio = {.utterance = utterance,
                            .frame = frame,
                            .flags = last ? RP_AUDIO_OUT_LAST : 0,
                            .opus = opus,
                            .len = sizeof opus};
  return rp_media_audio_out (f->media, &audio);
}

static const RpPlayout *
playout (Fixture *f, guint i)
{
  g_assert_cmpuint (i, <, f->playouts->len);
  return &g_array_index (f->playouts, RpPlayout, i);
}

static void
test_playout (Fixture *f, gconstpointer data)
{
  rp_media_set_transport (f->media, TRUE, f->now_us);
  for (guint i = 0; i < 10; i++)
    g_assert_true (push (f, 1, i, i == 9));
  run_for (f, 400000);
  /* started 1, progress 3, 6, 9, ended 10 */
  g_assert_cmpuint (f->playouts->len, ==, 5);
  g_assert_cmpint (playout (f, 0)->reason, ==, RP_PLAYOUT_STARTED);
  g_assert_cmpuint (playout (f, 0)->frames_played, ==, 1);
  g_assert_cmpint (playout (f, 0)->wire_us, ==, 1000000);
  g_assert_cmpint (playout (f, 1)->reason, ==, RP_PLAYOUT_PROGRESS);
  g_assert_cmpuint (playout (f, 1)->frames_played, ==, 3);
  g_assert_cmpint (playout (f, 4)->reason, ==, RP_PLAYOUT_ENDED);
  g_assert_cmpuint (playout (f, 4)->frames_played, ==, 10);
  g_assert_cmpint (playout (f, 4)->wire_us, ==, 1000000 + 9 * FRAME_US);
}

static void
test_one_frame (Fixture *f, gconstpointer data)
{
  rp_media_set_transport (f->media, TRUE, f->now_us);
  g_assert_true (push (f, 1, 0, TRUE));
  run_for (f, 40000);
  g_assert_cmpuint (f->playouts->len, ==, 2);
  g_assert_cmpint (playout (f, 0)->reason, ==, RP_PLAYOUT_STARTED);
  g_assert_cmpint (playout (f, 1)->reason, ==, RP_PLAYOUT_ENDED);
}

/* A worker that died in the middle of an utterance leaves it without an end: that it has been
 * played as far as it goes is told all the same. */
static void
test_unfinished (Fixture *f, gconstpointer data)
{
  rp_media_set_transport (f->media, TRUE, f->now_us);
  for (guint i = 0; i < 5; i++)
    g_assert_true (push (f, 1, i, FALSE));
  run_for (f, 200000);
  const RpPlayout *last = playout (f, f->playouts->len - 1);
  g_assert_cmpint (last->reason, ==, RP_PLAYOUT_PROGRESS);
  g_assert_cmpuint (last->frames_played, ==, 5);
}

static void
test_flush (Fixture *f, gconstpointer data)
{
  RpMediaUtterance known[RP_MEDIA_MAX_UTTERANCES];
  rp_media_set_transport (f->media, TRUE, f->now_us);
  for (guint i = 0; i < 50; i++)
    g_assert_true (push (f, 1, i, i == 49));
  for (guint i = 0; i < 50; i++)
    g_assert_true (push (f, 2, i, i == 49));
  run_for (f, 7 * FRAME_US);
  rp_media_flush (f->media, f->now_us, 2);
  const RpPlayout *last = playout (f, f->playouts->len - 1);
  g_assert_cmpint (last->reason, ==, RP_PLAYOUT_FLUSHED);
  g_assert_cmpuint (last->utterance, ==, 1);
  g_assert_cmpuint (last->frames_played, ==, 7);
  g_assert_cmpint (last->wire_us, ==, 1000000 + 6 * FRAME_US);
  g_assert_cmpuint (rp_media_queued (f->media), ==, 0);
  g_assert_true (push (f, 2, 50, FALSE)); /* on its way when the flush came */
  g_assert_cmpuint (rp_media_queued (f->media), ==, 0);
  g_assert_cmpuint (rp_media_utterances (f->media, known), ==, 2);
  g_assert_cmpuint (known[0].frames, ==, 7);
  g_assert_cmpuint (known[0].played, ==, 7);
  g_assert_true (known[0].complete);
  g_assert_cmpuint (known[1].frames, ==, 0);
  g_assert_true (push (f, 3, 0, TRUE));
}

static void
test_order (Fixture *f, gconstpointer data)
{
  static const guint8 long_frame[] = {0xfb, 0x03, 0, 0, 0};
  g_assert_true (push (f, 1, 0, FALSE));
  g_assert_false (push (f, 1, 2, FALSE));
  g_assert_false (push (f, 1, 0, FALSE));
  g_assert_true (push (f, 4, 0, TRUE));
  g_assert_false (push (f, 3, 0, TRUE));
  const RpAudioOut wrong = {.utterance = 5, .opus = long_frame, .len = sizeof long_frame};
  g_assert_false (rp_media_audio_out (f->media, &wrong));
}

static void
test_queue_bound (Fixture *f, gconstpointer data)
{
  guint n = 0;
  while (push (f, 1, n, FALSE))
    n++;
  g_assert_cmpuint (n, ==, RP_MEDIA_QUEUE_FRAMES);
}

static void
test_utterance_bound (Fixture *f, gconstpointer data)
{
  RpMediaUtterance known[RP_MEDIA_MAX_UTTERANCES];
  for (guint i = 1; i <= 40; i++)
    g_assert_true (push (f, i, 0, TRUE));
  g_assert_cmpuint (rp_media_utterances (f->media, known), ==, 32);
  g_assert_cmpuint (known[0].id, ==, 9);
  g_assert_cmpuint (known[31].id, ==, 40);
}

/* While the client has no connection nothing is played and nothing is lost. */
static void
test_reconnect (Fixture *f, gconstpointer data)
{
  rp_media_set_transport (f->media, TRUE, f->now_us);
  for (guint i = 0; i < 20; i++)
    g_assert_true (push (f, 1, i, i == 19));
  run_for (f, 5 * FRAME_US);
  rp_media_set_transport (f->media, FALSE, 0);
  run_for (f, 3000000);
  g_assert_cmpuint (f->sent->len, ==, 5);
  rp_media_set_transport (f->media, TRUE, f->now_us);
  run_for (f, 1000000);
  const RpPlayout *last = playout (f, f->playouts->len - 1);
  g_assert_cmpint (last->reason, ==, RP_PLAYOUT_ENDED);
  g_assert_cmpuint (last->frames_played, ==, 20);
  for (guint i = 1; i < f->sent->len; i++)
    g_assert_cmpuint (g_array_index (f->sent, Sent, i).sequence, ==,
                      (guint16) (g_array_index (f->sent, Sent, i - 1).sequence + 1));
}

static void
test_new_stream (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 10; i++) {
    packet (f, FALSE);
    run_for (f, FRAME_US);
  }
  /* The client reconnects: other numbers, another source. */
  guint8 bytes[400] = {0};
  const gint16 zeros[960] = {0};
  for (guint i = 0; i < 10; i++) {
    const RpRtpPacket header = {.payload_type = PAYLOAD_TYPE,
                                .sequence = (guint16) (4000 + i),
                                .timestamp = 70000 + i * 960,
                                .ssrc = 6};
    gsize len = rp_rtp_write_header (&header, bytes, sizeof bytes);
    len += (gsize) opus_encode (f->encoder, zeros, 960, bytes + len, 300);
    rp_media_rtp (f->media, f->now_us, bytes, len);
    run_for (f, FRAME_US);
  }
  g_assert_cmpuint (f->n_gaps, ==, 0);
  g_assert_cmpuint (f->n_samples, ==, 20 * 320);
}

/* Two sources that take turns are not one stream after another: they are ignored after a while. */
static void
test_sources_in_turns (Fixture *f, gconstpointer data)
{
  guint8 bytes[400] = {0};
  const gint16 zeros[960] = {0};
  RpMediaStats stats;
  for (guint i = 0; i < 100; i++) {
    const RpRtpPacket header = {.payload_type = PAYLOAD_TYPE,
                                .sequence = (guint16) i,
                                .timestamp = i * 960,
                                .ssrc = 6 + i % 2};
    gsize len = rp_rtp_write_header (&header, bytes, sizeof bytes);
    len += (gsize) opus_encode (f->encoder, zeros, 960, bytes + len, 300);
    rp_media_rtp (f->media, f->now_us, bytes, len);
  }
  rp_media_stats (f->media, &stats);
  g_assert_cmpuint (stats.packets_malformed, >, 40);
  g_assert_cmpuint (stats.packets_malformed, <=, 50);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/media/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("timeline", test_timeline);
  ADD ("sources-in-turns", test_sources_in_turns);
  ADD ("loss-keeps-time", test_loss_keeps_time);
  ADD ("copies", test_copies);
  ADD ("sends-copies", test_sends_copies);
  ADD ("stall", test_stall);
  ADD ("rubbish", test_rubbish);
  ADD ("silence-first", test_silence_first);
  ADD ("playout", test_playout);
  ADD ("one-frame", test_one_frame);
  ADD ("unfinished", test_unfinished);
  ADD ("flush", test_flush);
  ADD ("order", test_order);
  ADD ("queue-bound", test_queue_bound);
  ADD ("utterance-bound", test_utterance_bound);
  ADD ("reconnect", test_reconnect);
  ADD ("new-stream", test_new_stream);
  return g_test_run ();
}
