#include "session-media.h"

#include "peer.h"
#include "red.h"
#include "redundancy.h"
#include "rtp.h"

#include <opus.h>
#include <string.h>

/* Decoded at the rate of VAD and STT: no resampler, and half the decoder's cost. */
#define INPUT_RATE 16000
#define RTP_RATE 48000
#define RTP_PER_INPUT (RTP_RATE / INPUT_RATE)
#define FRAME_SAMPLES (INPUT_RATE / 50)
#define SILENCE_BITRATE 32000
/* Encoded silence until the encoder has settled. */
#define SILENCE_FRAMES 10
#define PACKET_SIZE (RP_RTP_HEADER_BYTES + RP_PACER_MAX_PAYLOAD_BYTES + RP_PEER_TAILROOM)
/* With its copies a packet stays well within the smallest MTU there is (1200). */
#define MAX_REDUNDANT_BYTES 1000

/* A frame on the wire, for the copies in the packets behind it. */
typedef struct {
  guint32 timestamp;
  guint8 payload[RP_RED_MAX_BLOCK_BYTES];
  gsize payload_bytes; /* 0 = none, or too long for a copy */
} SentFrame;

struct _RpMedia {
  RpMediaEvents events;
  gpointer user_data;
  RpJbuf *jbuf;
  RpPacer *pacer;
  RpRtcpSession *rtcp;
  OpusDecoder *decoder;
  guint8 payload_type;
  guint8 red_payload_type; /* 0 = none */
  RpRedundancy redundancy;
  SentFrame sent[RP_REDUNDANCY_MAX]; /* newest first */
  guint64 redundant_sent;
  gboolean transport_up;
  gboolean has_remote_ssrc;
  guint32 remote_ssrc;
  gint64 switches_us; /* a leaky bucket of its changes, as the time when it is empty */
  RpMediaUtterance utterances[RP_MEDIA_MAX_UTTERANCES];
  guint n_utterances;
  gint64 last_wire_us; /* of the last frame of speech */
  guint64 packets_malformed;
  guint64 decode_errors;
  guint64 given_samples[RP_AUDIO_N_KINDS];
  gint64 first_sent_us;
};

typedef struct {
  guint8 data[RP_PACER_MAX_PAYLOAD_BYTES];
  gsize len;
} SilencePacket;

/* One 20 ms packet of silence as the workers' encoders (16 kHz mono, VOIP, 32 kbit/s) would make
 * it, so that the client's decoder does not switch modes between speech and silence. */
static gpointer
make_silence (gpointer data)
{
  static SilencePacket packet;
  const gint16 zeros[FRAME_SAMPLES] = {0};
  int failure = OPUS_OK;
  OpusEncoder *encoder = opus_encoder_create (INPUT_RATE, 1, OPUS_APPLICATION_VOIP, &failure);
  if (failure != OPUS_OK)
    return &packet;
  opus_encoder_ctl (encoder, OPUS_SET_BITRATE (SILENCE_BITRATE));
  opus_encoder_ctl (encoder, OPUS_SET_SIGNAL (OPUS_SIGNAL_VOICE));
  for (guint i = 0; i < SILENCE_FRAMES; i++) {
    int n = opus_encode (encoder, zeros, FRAME_SAMPLES, packet.data, sizeof packet.data);
    packet.len = n > 0 ? (gsize) n : 0;
  }
  opus_encoder_destroy (encoder);
  return &packet;
}

RpMedia *
rp_media_new (const RpMediaConfig *config, const RpMediaEvents *events, gpointer user_data,
              gint64 now_us)
{
  static GOnce once = G_ONCE_INIT;
  const SilencePacket *silence = g_once (&once, make_silence, NULL);
  RpPacerConfig pacer = {
      .ssrc = config->ssrc,
      .first_sequence = config->first_sequence,
      .first_timestamp = config->first_timestamp,
      .max_queue_frames = RP_MEDIA_QUEUE_FRAMES,
      .silence = silence->len > 0 ? silence->data : NULL,
      .silence_bytes = silence->len,
  };
  RpRtcpSessionConfig rtcp = {
      .ssrc = config->ssrc,
      .cname = config->cname,
      .clock_rate = RTP_RATE,
      .random_seed = config->random_seed,
  };
  int failure = OPUS_OK;
  RpMedia *media = g_new0 (RpMedia, 1);
  media->events = *events;
  media->user_data = user_data;
  media->jbuf = rp_jbuf_new (NULL, now_us);
  media->pacer = rp_pacer_new (&pacer, now_us);
  media->rtcp = rp_rtcp_session_new (&rtcp, now_us);
  media->decoder = opus_decoder_create (INPUT_RATE, 1, &failure);
  /* Fails only when memory does, as g_new () would. */
  g_assert (media->decoder != NULL && media->pacer != NULL);
  return media;
}

void
rp_media_free (RpMedia *media)
{
  if (media == NULL)
    return;
  rp_jbuf_free (media->jbuf);
  rp_pacer_free (media->pacer);
  rp_rtcp_session_free (media->rtcp);
  g_clear_pointer (&media->decoder, opus_decoder_destroy);
  g_free (media);
}

void
rp_media_set_payload_type (RpMedia *media, guint8 opus_payload_type)
{
  media->payload_type = opus_payload_type;
}

void
rp_media_set_red_payload_type (RpMedia *media, guint8 red_payload_type)
{
  media->red_payload_type = red_payload_type;
}

void
rp_media_set_transport (RpMedia *media, gboolean up, gint64 first_due_us)
{
  media->transport_up = up;
  if (up)
    rp_pacer_start (media->pacer, first_due_us);
}

/* --- from the client --- */

/* Samples at 16 kHz of a piece of the 48 kHz timeline; pieces in a row add up exactly. */
static guint
input_samples (const RpJbufItem *item)
{
  return (guint) ((item->position + item->samples) / RTP_PER_INPUT -
                  item->position / RTP_PER_INPUT);
}

static void
audio_item (RpMedia *media, const RpJbufItem *item, RpAudioKind kind, gint64 now_us)
{
  gint16 pcm[RP_FRAME_MAX_AUDIO_SAMPLES];
  guint n = input_samples (item);
  gint64 arrival_us = item->type == RP_JBUF_DECODE ? item->arrival_us : now_us;
  int got = 0;
  if (n == 0)
    return;
  g_assert (n <= G_N_ELEMENTS (pcm)); /* RP_JBUF_MAX_ITEM_SAMPLES is three times as much */
  if (item->type != RP_JBUF_SILENCE)
    got = opus_decode (media->decoder, item->payload, (opus_int32) item->payload_bytes, pcm,
                       (int) n, kind == RP_AUDIO_FEC);
  if (item->type != RP_JBUF_SILENCE && got != (int) n) {
    media->decode_errors++;
    kind = RP_AUDIO_SILENCE;
  }
  if (kind == RP_AUDIO_SILENCE || kind == RP_AUDIO_PAUSE)
    memset (pcm, 0, n * sizeof *pcm);
  media->given_samples[kind] += n;
  media->events.audio_in ((gint64) (item->position / RTP_PER_INPUT), kind, pcm, n, arrival_us,
                          media->user_data);
}

static void
poll_input (RpMedia *media, gint64 now_us)
{
  RpJbufItem item;
  while (rp_jbuf_poll (media->jbuf, now_us, &item)) {
    switch (item.type) {
    case RP_JBUF_DECODE:
      audio_item (media, &item, item.is_copy ? RP_AUDIO_COPY : RP_AUDIO_DECODED, now_us);
      break;
    case RP_JBUF_FEC:
      audio_item (media, &item, RP_AUDIO_FEC, now_us);
      break;
    case RP_JBUF_PLC:
      audio_item (media, &item, RP_AUDIO_PLC, now_us);
      break;
    case RP_JBUF_SILENCE:
      audio_item (media, &item, item.is_pause ? RP_AUDIO_PAUSE : RP_AUDIO_SILENCE, now_us);
      break;
    case RP_JBUF_DISCONTINUITY:
      opus_decoder_ctl (media->decoder, OPUS_RESET_STATE);
      break;
    case RP_JBUF_STALLED:
    case RP_JBUF_RESUMED:
      media->events.input ((gint64) (item.position / RTP_PER_INPUT), item.type == RP_JBUF_STALLED,
                           media->user_data);
      break;
    }
  }
}

/* A new source begins a new stream; two that take turns are none. */
static gboolean
may_switch (RpMedia *media, gint64 now_us)
{
  gint64 switches_us = MAX (media->switches_us, now_us) + RP_MEDIA_SWITCH_US;
  if (switches_us - now_us > RP_MEDIA_SWITCHES * RP_MEDIA_SWITCH_US)
    return FALSE;
  media->switches_us = switches_us;
  return TRUE;
}

void
rp_media_rtp (RpMedia *media, gint64 now_us, const guint8 *packet, gsize len)
{
  RpRtpPacket rtp;
  if (!rp_rtp_parse (packet, len, &rtp)) {
    media->packets_malformed++;
    return;
  }
  gboolean is_red = media->red_payload_type != 0 && rtp.payload_type == media->red_payload_type;
  gboolean is_audio = is_red || rtp.payload_type == media->payload_type;
  if (!media->has_remote_ssrc || rtp.ssrc != media->remote_ssrc) {
    if (!is_audio) {
      media->packets_malformed++;
      return;
    }
    if (media->has_remote_ssrc && !may_switch (media, now_us)) {
      media->packets_malformed++;
      return;
    }
    if (media->has_remote_ssrc)
      rp_jbuf_reset (media->jbuf, now_us);
    media->has_remote_ssrc = TRUE;
    media->remote_ssrc = rtp.ssrc;
  }
  rp_rtcp_session_received (media->rtcp, now_us, rtp.ssrc, rtp.sequence, rtp.timestamp);
  if (is_red && rtp.payload_bytes > 0)
    media->packets_malformed +=
        rp_jbuf_input_red (media->jbuf, now_us, rtp.sequence, rtp.timestamp, rtp.marker,
                           rtp.payload, rtp.payload_bytes, media->payload_type)
            ? 0
            : 1;
  else
    rp_jbuf_input (media->jbuf, now_us, rtp.sequence, rtp.timestamp, rtp.marker, rtp.payload,
                   is_audio ? rtp.payload_bytes : 0);
  poll_input (media, now_us);
}

void
rp_media_rtcp (RpMedia *media, gint64 now_us, const guint8 *packet, gsize len)
{
  RpRtcpStats before;
  RpRtcpStats after;
  rp_rtcp_session_stats (media->rtcp, &before);
  rp_rtcp_session_input (media->rtcp, now_us, packet, len);
  rp_rtcp_session_stats (media->rtcp, &after);
  if (after.blocks_received > before.blocks_received)
    rp_redundancy_report (&media->redundancy, now_us, after.remote_fraction_lost);
}

gboolean
rp_media_wants_fec (const RpMedia *media)
{
  return !media->redundancy.clean;
}

/* --- to the client --- */

static RpMediaUtterance *
find_utterance (RpMedia *media, guint32 id)
{
  for (guint i = media->n_utterances; i > 0; i--)
    if (media->utterances[i - 1].id == id)
      return &media->utterances[i - 1];
  return NULL;
}

static RpMediaUtterance *
add_utterance (RpMedia *media, guint32 id)
{
  if (media->n_utterances == RP_MEDIA_MAX_UTTERANCES) {
    memmove (media->utterances, media->utterances + 1,
             (RP_MEDIA_MAX_UTTERANCES - 1) * sizeof *media->utterances);
    media->n_utterances--;
  }
  RpMediaUtterance *utterance = &media->utterances[media->n_utterances++];
  *utterance = (RpMediaUtterance){.id = id};
  return utterance;
}

static void
report_playout (RpMedia *media, guint32 utterance, guint32 played, RpPlayoutReason reason)
{
  const RpPlayout playout = {
      .utterance = utterance,
      .frames_played = played,
      .reason = reason,
      .wire_us = played > 0 ? media->last_wire_us : 0,
  };
  media->events.playout (&playout, media->user_data);
}

/* A frame of speech is on the wire. */
static void
frame_played (RpMedia *media, const RpPacerOut *out, gint64 now_us)
{
  guint32 played = out->frame_index + 1;
  RpMediaUtterance *utterance = find_utterance (media, out->utterance);
  if (utterance != NULL)
    utterance->played = played;
  media->last_wire_us = now_us;
  if (out->is_first)
    report_playout (media, out->utterance, played, RP_PLAYOUT_STARTED);
  if (out->is_last)
    report_playout (media, out->utterance, played, RP_PLAYOUT_ENDED);
  else if (!out->is_first &&
           (played % RP_MEDIA_PROGRESS_FRAMES == 0 || rp_media_queued (media) == 0))
    report_playout (media, out->utterance, played, RP_PLAYOUT_PROGRESS);
}

/* Writes the frame with as many copies of those before it as are wanted and fit. Returns: the
 * payload's bytes; 0 when there is none to copy. */
static gsize
write_red (const RpMedia *media, const RpPacerOut *out, guint8 *buffer)
{
  RpRed red = {.primary = {.payload_type = media->payload_type,
                           .bytes = out->payload,
                           .len = out->payload_bytes}};
  gsize bytes = out->payload_bytes;
  guint n = 0;
  if (media->red_payload_type == 0)
    return 0;
  for (; n < media->redundancy.level && media->sent[n].payload_bytes > 0; n++) {
    bytes += media->sent[n].payload_bytes + 4;
    if (bytes > MAX_REDUNDANT_BYTES ||
        out->timestamp - media->sent[n].timestamp > RP_RED_MAX_OFFSET)
      break;
  }
  for (guint i = n; i > 0; i--)
    red.blocks[red.n_blocks++] = (RpRedBlock){
        .payload_type = media->payload_type,
        .offset = out->timestamp - media->sent[i - 1].timestamp,
        .bytes = media->sent[i - 1].payload,
        .len = media->sent[i - 1].payload_bytes,
    };
  return n > 0 ? rp_red_write (&red, buffer, MAX_REDUNDANT_BYTES + RP_RED_HEADER_BYTES (n)) : 0;
}

static void
remember_sent (RpMedia *media, const RpPacerOut *out)
{
  if (media->red_payload_type == 0)
    return;
  memmove (media->sent + 1, media->sent, sizeof media->sent - sizeof media->sent[0]);
  SentFrame *frame = &media->sent[0];
  frame->timestamp = out->timestamp;
  frame->payload_bytes = out->payload_bytes <= sizeof frame->payload ? out->payload_bytes : 0;
  memcpy (frame->payload, out->payload, frame->payload_bytes);
}

static void
send_frame (RpMedia *media, const RpPacerOut *out, gint64 now_us)
{
  guint8 packet[PACKET_SIZE];
  guint8 redundant[RP_PACER_MAX_PAYLOAD_BYTES];
  gsize redundant_bytes = write_red (media, out, redundant);
  const guint8 *payload = redundant_bytes > 0 ? redundant : out->payload;
  gsize payload_bytes = redundant_bytes > 0 ? redundant_bytes : out->payload_bytes;
  const RpRtpPacket header = {
      .marker = out->marker,
      .payload_type = redundant_bytes > 0 ? media->red_payload_type : media->payload_type,
      .sequence = out->sequence,
      .timestamp = out->timestamp,
      .ssrc = out->ssrc,
  };
  gsize len = rp_rtp_write_header (&header, packet, sizeof packet);
  memcpy (packet + len, payload, payload_bytes);
  len += payload_bytes;
  remember_sent (media, out);
  /* A send that fails is the network's loss like any other: the clock goes on. */
  if (media->events.send_rtp (packet, len, sizeof packet, media->user_data)) {
    rp_rtcp_session_sent (media->rtcp, now_us, out->timestamp, payload_bytes);
    media->redundant_sent += redundant_bytes > 0 ? 1 : 0;
    if (media->first_sent_us == 0)
      media->first_sent_us = now_us;
  }
  if (out->utterance != 0)
    frame_played (media, out, now_us);
}

static void
send_report (RpMedia *media, const RpRtcpOut *report)
{
  guint8 packet[RP_RTCP_MAX_REPORT_BYTES + RP_PEER_TAILROOM];
  memcpy (packet, report->data, report->length);
  media->events.send_rtcp (packet, report->length, sizeof packet, media->user_data);
}

void
rp_media_tick (RpMedia *media, gint64 now_us)
{
  RpPacerOut out;
  RpRtcpOut report;
  if (now_us >= rp_jbuf_deadline (media->jbuf))
    poll_input (media, now_us);
  if (!media->transport_up)
    return;
  while (rp_pacer_poll (media->pacer, now_us, &out))
    send_frame (media, &out, now_us);
  while (rp_rtcp_session_poll (media->rtcp, now_us, &report))
    send_report (media, &report);
}

void
rp_media_bye (RpMedia *media, gint64 now_us)
{
  RpRtcpOut report;
  if (!media->transport_up)
    return;
  rp_rtcp_session_bye (media->rtcp, now_us, &report);
  send_report (media, &report);
}

/* --- from the worker --- */

gboolean
rp_media_audio_out (RpMedia *media, const RpAudioOut *audio)
{
  gboolean is_last = (audio->flags & RP_AUDIO_OUT_LAST) != 0;
  RpPacerResult result = rp_pacer_push (media->pacer, audio->utterance, audio->frame,
                                        is_last ? RP_PACER_FRAME_LAST : 0, audio->opus, audio->len);
  if (result == RP_PACER_STALE)
    return TRUE;
  if (result != RP_PACER_OK)
    return FALSE;
  RpMediaUtterance *utterance = find_utterance (media, audio->utterance);
  if (utterance == NULL)
    utterance = add_utterance (media, audio->utterance);
  utterance->frames = audio->frame + 1;
  utterance->complete = is_last;
  return TRUE;
}

void
rp_media_flush (RpMedia *media, gint64 now_us, guint32 utterance)
{
  RpPacerFlush report;
  rp_pacer_flush (media->pacer, now_us, utterance, &report);
  for (guint i = 0; i < media->n_utterances; i++)
    if (media->utterances[i].id <= utterance) {
      media->utterances[i].frames = media->utterances[i].played;
      media->utterances[i].complete = TRUE;
    }
  report_playout (media, report.utterance, report.frames_played, RP_PLAYOUT_FLUSHED);
}

guint
rp_media_queued (const RpMedia *media)
{
  RpPacerPosition position;
  rp_pacer_position (media->pacer, &position);
  return position.queued_frames;
}

gint64
rp_media_input_pos (const RpMedia *media)
{
  return (gint64) (rp_jbuf_position (media->jbuf) / RTP_PER_INPUT);
}

guint
rp_media_utterances (const RpMedia *media, RpMediaUtterance *out)
{
  memcpy (out, media->utterances, media->n_utterances * sizeof *out);
  return media->n_utterances;
}

void
rp_media_stats (const RpMedia *media, RpMediaStats *out)
{
  rp_jbuf_stats (media->jbuf, &out->jbuf);
  rp_pacer_stats (media->pacer, &out->pacer);
  rp_rtcp_session_stats (media->rtcp, &out->rtcp);
  out->packets_malformed = media->packets_malformed;
  out->decode_errors = media->decode_errors;
  out->redundant_sent = media->redundant_sent;
  out->first_sent_us = media->first_sent_us;
  memcpy (out->given_samples, media->given_samples, sizeof out->given_samples);
}
