/* network-bench: what an impaired network does to what the agent understands. Recorded speech goes
 * through a browser's encoder, an emulated network, the server's media path, and a worker's VAD and
 * transcriber, on a virtual clock: the same seed gives the same figures. One JSON object. */
#include "impair.h"
#include "listener.h"
#include "mouth.h"
#include "session-media.h"
#include "wav.h"
#include "wer.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_US 20000
#define TICK_US 2000
#define START_US G_USEC_PER_SEC
/* Between clips: longer than any window of the VAD. */
#define PAUSE_FRAMES 60
#define MAX_PACKET 1500

static const char usage_text[] =
    "usage: network-bench --clips LIST [options]\n"
    "\n"
    "  --clips LIST         lines of WAV file, tab, what is said in it\n"
    "  --models DIR         where tools/fetch-models put the models\n"
    "  --red                redundant audio (RFC 2198) is negotiated, as with Chromium\n"
    "  --bitrate BITS       of the caller's encoder (32000)\n"
    "  --words              what was understood, on stderr\n"
    "\n";

typedef struct {
  char *path;
  char *text;
} Spoken;

typedef struct {
  char *clips;
  char *models;
  gboolean red;
  gboolean words;
  int bitrate;
  RpImpair impair;
} Options;

typedef struct {
  RpMedia *media;
  RpMouth *mouth;
  RpNetem *netem; /* (nullable) */
  RpListener *listener;
  gint64 now_us;
  guint frames;
  guint64 bytes;
  GArray *waits_us; /* of gint64: from arrival to the worker */
  guint n_stalls;
} Call;

static gboolean
send_nothing (guint8 *buf, gsize len, gsize size, gpointer user_data)
{
  return TRUE;
}

static gboolean
send_rtcp (guint8 *buf, gsize len, gsize size, gpointer user_data)
{
  Call *call = user_data;
  rp_mouth_rtcp (call->mouth, call->now_us, buf, len);
  return TRUE;
}

static void
audio_in (gint64 pos_samples, RpAudioKind kind, const gint16 *pcm, guint n_samples,
          gint64 arrival_us, gpointer user_data)
{
  Call *call = user_data;
  gint64 wait_us = call->now_us - arrival_us;
  if (kind == RP_AUDIO_DECODED)
    g_array_append_val (call->waits_us, wait_us);
  rp_listener_audio (call->listener, pos_samples, kind, pcm, n_samples);
}

static void
input (gint64 pos_samples, gboolean stalled, gpointer user_data)
{
  Call *call = user_data;
  call->n_stalls += stalled ? 1 : 0;
}

static void
playout (const RpPlayout *playout, gpointer user_data)
{
}

/* Up to @until_us, in the ticks of the server's loop and as packets come. */
static void
run_until (Call *call, gint64 until_us)
{
  for (; call->now_us < until_us; call->now_us += TICK_US) {
    GBytes *datagram;
    while (call->netem != NULL && (datagram = rp_netem_poll (call->netem, call->now_us)) != NULL) {
      gsize len = 0;
      const guint8 *data = g_bytes_get_data (datagram, &len);
      rp_media_rtp (call->media, call->now_us, data, len);
      g_bytes_unref (datagram);
    }
    rp_media_tick (call->media, call->now_us);
  }
}

static void
say (Call *call, const float *pcm, double skew_ppm)
{
  guint8 packet[MAX_PACKET];
  double frame_us = FRAME_US / (1 + skew_ppm / 1e6);
  run_until (call, START_US + (gint64) (frame_us * ++call->frames));
  gsize len = rp_mouth_packet (call->mouth, pcm, packet, sizeof packet);
  call->bytes += len + RP_NETEM_HEADER_BYTES;
  if (call->netem != NULL)
    rp_netem_input (call->netem, call->now_us, packet, len);
  else
    rp_media_rtp (call->media, call->now_us, packet, len);
}

static gboolean
say_clip (Call *call, const char *path, double skew_ppm, GError **error)
{
  static const float silence[RP_MOUTH_FRAME_SAMPLES];
  g_auto (RpWav) wav = {0};
  gsize n = 0;
  if (!rp_wav_read (path, &wav, error))
    return FALSE;
  g_autofree float *pcm = rp_wav_mono (&wav, RP_MOUTH_RATE_HZ, &n);
  for (gsize at = 0; at < n; at += RP_MOUTH_FRAME_SAMPLES) {
    float frame[RP_MOUTH_FRAME_SAMPLES] = {0};
    memcpy (frame, pcm + at, MIN (n - at, RP_MOUTH_FRAME_SAMPLES) * sizeof *frame);
    say (call, frame, skew_ppm);
  }
  for (guint i = 0; i < PAUSE_FRAMES; i++)
    say (call, silence, skew_ppm);
  rp_listener_next (call->listener);
  return TRUE;
}

static GArray *
read_list (const char *path, GError **error)
{
  g_autofree char *text = NULL;
  if (!g_file_get_contents (path, &text, NULL, error))
    return NULL;
  GArray *list = g_array_new (FALSE, FALSE, sizeof (Spoken));
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++) {
    g_auto (GStrv) parts = g_strsplit (lines[i], "\t", 2);
    if (g_strv_length (parts) < 2)
      continue;
    const Spoken spoken = {g_strdup (parts[0]), g_strdup (parts[1])};
    g_array_append_val (list, spoken);
  }
  return list;
}

static int
compare_us (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a;
  gint64 y = *(const gint64 *) b;
  return x < y ? -1 : x > y;
}

static double
percentile_ms (GArray *sorted, guint percent)
{
  return sorted->len > 0
             ? (double) g_array_index (sorted, gint64, (sorted->len - 1) * percent / 100) / 1000
             : 0;
}

static void
print_kinds (const char *name, const guint64 *samples)
{
  static const char *const kinds[] = {"decoded", "fec", "concealed", "silence", "copied", "paused"};
  G_STATIC_ASSERT (G_N_ELEMENTS (kinds) == RP_AUDIO_N_KINDS);
  g_print (",\"%s\":{", name);
  for (guint i = 0; i < RP_AUDIO_N_KINDS; i++)
    g_print ("%s\"%s\":%" G_GUINT64_FORMAT, i > 0 ? "," : "", kinds[i], samples[i] / 16);
  g_print ("}");
}

static void
report (const Options *o, Call *call, GArray *list, RpStt *stt)
{
  RpWer wer = {0};
  RpMediaStats media;
  RpNetemStats netem = {0};
  guint64 given[RP_AUDIO_N_KINDS] = {0};
  guint unheard = 0;
  for (guint i = 0; i < list->len; i++) {
    const Spoken *spoken = &g_array_index (list, Spoken, i);
    g_autofree char *text = rp_listener_transcribe (call->listener, i, stt, given);
    rp_wer_add (&wer, spoken->text, text);
    unheard += *text == '\0' ? 1 : 0;
    if (o->words)
      g_printerr ("%s\t%s\t%s\n", spoken->path, spoken->text, text);
  }
  rp_media_stats (call->media, &media);
  if (call->netem != NULL)
    rp_netem_stats (call->netem, &netem);
  g_array_sort (call->waits_us, compare_us);
  g_print ("{\"clips\":%u,\"words\":%u,\"errors\":%u,\"wer\":%.2f,\"unheard\":%u,\"broken\":%u",
           list->len, wer.words, wer.errors, 100.0 * wer.errors / MAX (wer.words, 1), unheard,
           rp_listener_broken (call->listener));
  g_print (",\"seconds\":%.1f,\"kbit_s\":%.1f,\"expected_loss\":%u,\"packets\":%u,\"lost\":"
           "%" G_GUINT64_FORMAT ",\"late\":%" G_GUINT64_FORMAT ",\"stalls\":%u",
           call->frames / 50.0, (double) call->bytes * 8 / 1000 / (call->frames / 50.0),
           rp_mouth_expected_loss (call->mouth), call->frames, netem.lost, media.jbuf.late,
           call->n_stalls);
  g_print (",\"wait_ms\":{\"p50\":%.1f,\"p95\":%.1f,\"p99\":%.1f,\"max\":%.1f}",
           percentile_ms (call->waits_us, 50), percentile_ms (call->waits_us, 95),
           percentile_ms (call->waits_us, 99), percentile_ms (call->waits_us, 100));
  print_kinds ("given_ms", media.given_samples);
  print_kinds ("stt_ms", given);
  g_print ("}\n");
}

static gboolean
run (const Options *o, GError **error)
{
  static const RpMediaEvents events = {.send_rtp = send_nothing,
                                       .send_rtcp = send_rtcp,
                                       .audio_in = audio_in,
                                       .input = input,
                                       .playout = playout};
  const RpMediaConfig config = {.ssrc = 1, .cname = "bench", .random_seed = 1};
  g_autoptr (GArray) list = read_list (o->clips, error);
  g_autofree char *models = o->models != NULL ? g_strdup (o->models) : rp_models_dir ();
  g_autoptr (RpOrt) ort = list != NULL ? rp_ort_new (models, error) : NULL;
  g_autoptr (RpStt) stt = ort != NULL ? rp_stt_moonshine_new (ort, models, NULL, error) : NULL;
  g_autoptr (RpVadModel) vad = stt != NULL ? rp_vad_model_new (models, error) : NULL;
  RpNetemConfig net;
  if (vad == NULL)
    return FALSE;
  Call call = {.now_us = START_US,
               .mouth = rp_mouth_new (o->red, o->bitrate),
               .listener = rp_listener_new (vad),
               .waits_us = g_array_new (FALSE, FALSE, sizeof (gint64))};
  if (rp_impair_netem (&o->impair, FALSE, 0, START_US, &net))
    call.netem = rp_netem_new (&net);
  call.media = rp_media_new (&config, &events, &call, call.now_us);
  rp_media_set_payload_type (call.media, RP_MOUTH_OPUS);
  rp_media_set_red_payload_type (call.media, o->red ? RP_MOUTH_RED : 0);
  rp_media_set_transport (call.media, TRUE, call.now_us);
  gboolean ok = TRUE;
  for (guint i = 0; i < list->len && ok; i++)
    ok = say_clip (&call, g_array_index (list, Spoken, i).path, o->impair.skew_ppm, error);
  if (ok)
    report (o, &call, list, stt);
  rp_media_free (call.media);
  rp_mouth_free (call.mouth);
  rp_netem_free (call.netem);
  rp_listener_free (call.listener);
  g_array_unref (call.waits_us);
  return ok;
}

static gboolean
parse (Options *o, char **argv, GError **error)
{
  for (; *argv != NULL; argv++) {
    const char *name = *argv;
    if (g_str_equal (name, "--red") || g_str_equal (name, "--words")) {
      *(g_str_equal (name, "--red") ? &o->red : &o->words) = TRUE;
      continue;
    }
    const char *value = argv[1];
    if (value != NULL)
      argv++;
    if (g_str_equal (name, "--clips"))
      o->clips = g_strdup (value);
    else if (g_str_equal (name, "--models"))
      o->models = g_strdup (value);
    else if (g_str_equal (name, "--bitrate"))
      o->bitrate = atoi (value != NULL ? value : "");
    else if (!rp_impair_option (&o->impair, name, value, error)) {
      if (*error == NULL)
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION, "unknown option %s",
                     name);
      return FALSE;
    }
  }
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Options o = {.bitrate = 32000};
  if (!parse (&o, argv + 1, &error) || o.clips == NULL) {
    g_printerr ("%s%s%s%s", error != NULL ? error->message : "", error != NULL ? "\n" : "",
                usage_text, rp_impair_help ());
    return 2;
  }
  gboolean ok = run (&o, &error);
  if (!ok)
    g_printerr ("network-bench: %s\n", error->message);
  return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
