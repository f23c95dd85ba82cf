#include "pacer.h"

#include <string.h>

#include "opus-packet.h"

/* 20 ms of CELT fullband mono with nothing coded in it: what libwebrtc and libopus users send as
 * digital silence. */
static const guint8 default_silence[] = {0xf8, 0xff, 0xfe};

typedef struct _Frame Frame;
struct _Frame {
  Frame *next;
  guint32 utterance;
  guint32 index;
  gboolean is_last;
  gsize payload_bytes;
  guint8 payload[];
};

struct _RpPacer {
  guint32 ssrc;
  guint max_queue_frames;
  guint8 silence[RP_PACER_MAX_PAYLOAD_BYTES];
  gsize silence_bytes;

  Frame *head;
  Frame *tail;
  guint n_queued;
  Frame *current; /* the one handed out, owned until the next poll */

  gboolean started;
  gint64 next_due_us;
  guint16 next_sequence;
  guint32 next_timestamp; /* of the frame at next_due_us */
  gboolean marker_pending;
  gboolean speaking; /* the previous frame was speech */

  guint32 pushed_utterance;
  guint32 pushed_frames;
  gboolean pushed_last;
  guint32 flushed_up_to;

  guint32 played_utterance;
  guint32 played_frames;
  gboolean played_last;

  RpPacerStats stats;
};

static gboolean
is_frame (const guint8 *payload, gsize payload_bytes)
{
  return payload != NULL && payload_bytes >= 1 && payload_bytes <= RP_PACER_MAX_PAYLOAD_BYTES &&
         rp_opus_packet_samples (payload, payload_bytes) == RP_PACER_FRAME_SAMPLES;
}

RpPacer *
rp_pacer_new (const RpPacerConfig *config, gint64 now_us)
{
  const guint8 *silence = config->silence;
  gsize silence_bytes = config->silence_bytes;
  if (silence == NULL) {
    silence = default_silence;
    silence_bytes = sizeof default_silence;
  }
  if (!is_frame (silence, silence_bytes))
    return NULL;

  RpPacer *self = g_new0 (RpPacer, 1);
  self->ssrc = config->ssrc;
  self->max_queue_frames =
      config->max_queue_frames != 0 ? config->max_queue_frames : RP_PACER_DEFAULT_QUEUE_FRAMES;
  memcpy (self->silence, silence, silence_bytes);
  self->silence_bytes = silence_bytes;
  self->next_due_us = now_us;
  self->next_sequence = config->first_sequence;
  self->next_timestamp = config->first_timestamp;
  self->marker_pending = TRUE;
  return self;
}

static Frame *
take_head (RpPacer *self)
{
  Frame *frame = self->head;
  self->head = frame->next;
  if (self->head == NULL)
    self->tail = NULL;
  self->n_queued--;
  return frame;
}

void
rp_pacer_free (RpPacer *self)
{
  if (self == NULL)
    return;
  while (self->head != NULL)
    g_free (take_head (self));
  g_free (self->current);
  g_free (self);
}

void
rp_pacer_start (RpPacer *self, gint64 first_due_us)
{
  if (self->started)
    return;
  self->started = TRUE;
  self->next_due_us = first_due_us;
}

/* Whether this frame is the one that must come next. */
static gboolean
is_next (const RpPacer *self, guint32 utterance, guint32 frame_seq)
{
  if (utterance == self->pushed_utterance)
    return !self->pushed_last && frame_seq == self->pushed_frames;
  return utterance > self->pushed_utterance && frame_seq == 0;
}

RpPacerResult
rp_pacer_push (RpPacer *self, guint32 utterance, guint32 frame_seq, guint flags,
               const guint8 *payload, gsize payload_bytes)
{
  if (utterance != 0 && utterance <= self->flushed_up_to) {
    self->stats.stale++;
    return RP_PACER_STALE;
  }
  if (utterance == 0 || !is_frame (payload, payload_bytes)) {
    self->stats.rejected++;
    return RP_PACER_INVALID;
  }
  if (!is_next (self, utterance, frame_seq)) {
    self->stats.rejected++;
    return RP_PACER_ORDER;
  }
  if (self->n_queued >= self->max_queue_frames) {
    self->stats.overflow++;
    return RP_PACER_OVERFLOW;
  }

  Frame *frame = g_malloc (sizeof (Frame) + payload_bytes);
  *frame = (Frame){
      .utterance = utterance,
      .index = frame_seq,
      .is_last = (flags & RP_PACER_FRAME_LAST) != 0,
      .payload_bytes = payload_bytes,
  };
  memcpy (frame->payload, payload, payload_bytes);
  if (self->tail != NULL)
    self->tail->next = frame;
  else
    self->head = frame;
  self->tail = frame;
  self->n_queued++;
  self->pushed_utterance = utterance;
  self->pushed_frames = frame_seq + 1;
  self->pushed_last = frame->is_last;
  self->stats.pushed++;
  return RP_PACER_OK;
}

void
rp_pacer_flush (RpPacer *self, gint64 now_us, guint32 utterance_up_to, RpPacerFlush *out_report)
{
  guint dropped = 0;
  /* Utterances never decrease along the queue. */
  while (self->head != NULL && self->head->utterance <= utterance_up_to) {
    g_free (take_head (self));
    dropped++;
  }
  self->flushed_up_to = MAX (self->flushed_up_to, utterance_up_to);
  self->stats.flushed += dropped;
  *out_report = (RpPacerFlush){
      .utterance = self->played_utterance,
      .frames_played = self->played_frames,
      .complete = self->played_last,
      .dropped = dropped,
  };
}

/* Leaves at most RP_PACER_MAX_BURST frames due: the receiver sees the rest as a pause, not as a
 * stretched voice. */
static void
skip_lateness (RpPacer *self, gint64 now_us)
{
  gint64 n_due = (now_us - self->next_due_us) / RP_PACER_FRAME_US + 1;
  if (n_due > 1)
    self->stats.late_bursts++;
  if (n_due <= RP_PACER_MAX_BURST)
    return;
  gint64 n_skip = n_due - RP_PACER_MAX_BURST;
  self->next_due_us += n_skip * RP_PACER_FRAME_US;
  self->next_timestamp += (guint32) ((guint64) n_skip * RP_PACER_FRAME_SAMPLES);
  self->stats.skipped += (guint64) n_skip;
  self->marker_pending = TRUE;
}

static void
fill_speech (RpPacer *self, RpPacerOut *out)
{
  Frame *frame = take_head (self);
  self->current = frame;
  out->payload = frame->payload;
  out->payload_bytes = frame->payload_bytes;
  out->utterance = frame->utterance;
  out->frame_index = frame->index;
  out->is_first = frame->index == 0;
  out->is_last = frame->is_last;
  out->marker = !self->speaking;
  self->speaking = TRUE;
  self->played_utterance = frame->utterance;
  self->played_frames = frame->index + 1;
  self->played_last = frame->is_last;
  self->stats.speech_sent++;
}

static void
fill_silence (RpPacer *self, RpPacerOut *out)
{
  out->payload = self->silence;
  out->payload_bytes = self->silence_bytes;
  if (self->speaking && !self->played_last && self->played_utterance > self->flushed_up_to)
    self->stats.underruns++;
  self->speaking = FALSE;
  self->stats.silence_sent++;
}

gboolean
rp_pacer_poll (RpPacer *self, gint64 now_us, RpPacerOut *out)
{
  g_clear_pointer (&self->current, g_free);
  if (!self->started || now_us < self->next_due_us)
    return FALSE;
  skip_lateness (self, now_us);

  *out = (RpPacerOut){
      .ssrc = self->ssrc,
      .sequence = self->next_sequence,
      .timestamp = self->next_timestamp,
  };
  if (self->head != NULL)
    fill_speech (self, out);
  else
    fill_silence (self, out);
  out->marker = out->marker || self->marker_pending;
  self->marker_pending = FALSE;
  self->next_sequence++;
  self->next_timestamp += RP_PACER_FRAME_SAMPLES;
  self->next_due_us += RP_PACER_FRAME_US;
  return TRUE;
}

gint64
rp_pacer_deadline (const RpPacer *self)
{
  return self->started ? self->next_due_us : G_MAXINT64;
}

void
rp_pacer_position (const RpPacer *self, RpPacerPosition *out_position)
{
  *out_position = (RpPacerPosition){
      .utterance = self->played_utterance,
      .frames_played = self->played_frames,
      .complete = self->played_last,
      .queued_frames = self->n_queued,
      .pushed_utterance = self->pushed_utterance,
      .pushed_frames = self->pushed_frames,
  };
}

guint32
rp_pacer_timestamp_at (const RpPacer *self, gint64 now_us)
{
  gint64 ahead_us = now_us - self->next_due_us;
  gint64 samples = ahead_us / 1000 * 48 + ahead_us % 1000 * 48 / 1000;
  return self->next_timestamp + (guint32) samples;
}

void
rp_pacer_stats (const RpPacer *self, RpPacerStats *out_stats)
{
  *out_stats = self->stats;
}
