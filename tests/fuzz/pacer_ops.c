/*
 * The pacer under any operations: 4 bytes each. Packets leave in order on one clock, frames in the
 * order pushed and each at most once, nothing of a flushed utterance, and no frame goes uncounted.
 */
#include "pacer.h"

#include <stdint.h>

#define OP_BYTES 4
#define QUEUE_FRAMES 20

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

typedef struct {
  RpPacer *pacer;
  gint64 now_us;
  guint16 sequence;
  gint64 first_due_us;
  guint32 utterance; /* last sent, and how many frames of it */
  guint32 frames;
  guint32 flushed_up_to;
} State;

static void
check_counts (State *s)
{
  RpPacerStats n;
  RpPacerPosition position;
  rp_pacer_stats (s->pacer, &n);
  rp_pacer_position (s->pacer, &position);
  g_assert (position.queued_frames <= QUEUE_FRAMES);
  g_assert (n.pushed == n.speech_sent + n.flushed + position.queued_frames);
  g_assert (position.utterance == s->utterance && position.frames_played == s->frames);
}

static void
drain (State *s)
{
  RpPacerOut out;
  guint n = 0;
  while (rp_pacer_poll (s->pacer, s->now_us, &out)) {
    g_assert (++n <= RP_PACER_MAX_BURST);
    g_assert (out.sequence == s->sequence++);
    /* The frame's place on the clock is the one before the next deadline. */
    gint64 due_us = rp_pacer_deadline (s->pacer) - RP_PACER_FRAME_US;
    g_assert (due_us <= s->now_us && (due_us - s->first_due_us) % RP_PACER_FRAME_US == 0);
    g_assert (out.timestamp ==
              (guint32) ((due_us - s->first_due_us) / RP_PACER_FRAME_US * RP_PACER_FRAME_SAMPLES));
    g_assert (out.payload_bytes > 0 && out.payload[out.payload_bytes - 1] <= 255);
    if (out.utterance == 0)
      continue;
    g_assert (out.utterance > s->flushed_up_to);
    if (out.utterance == s->utterance)
      g_assert (out.frame_index == s->frames && !out.is_first);
    else
      g_assert (out.utterance > s->utterance && out.frame_index == 0 && out.is_first);
    s->utterance = out.utterance;
    s->frames = out.frame_index + 1;
  }
  g_assert (rp_pacer_deadline (s->pacer) > s->now_us);
}

static void
flush (State *s, guint32 utterance_up_to)
{
  RpPacerFlush report;
  rp_pacer_flush (s->pacer, s->now_us, utterance_up_to, &report);
  s->flushed_up_to = MAX (s->flushed_up_to, utterance_up_to);
  g_assert (report.utterance == s->utterance && report.frames_played == s->frames);
  g_assert (report.dropped <= QUEUE_FRAMES);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  RpPacerConfig config = {.first_sequence = 65530, .max_queue_frames = QUEUE_FRAMES};
  State s = {.pacer = rp_pacer_new (&config, 0), .sequence = 65530};
  RpPacerPosition position;
  for (; size >= OP_BYTES; data += OP_BYTES, size -= OP_BYTES) {
    rp_pacer_position (s.pacer, &position);
    switch (data[0] & 7) {
    case 0:
      if (rp_pacer_deadline (s.pacer) == G_MAXINT64)
        s.first_due_us = s.now_us + data[1] * 100;
      rp_pacer_start (s.pacer, s.now_us + data[1] * 100);
      break;
    case 1:
      flush (&s, position.pushed_utterance + data[1] % 4 - MIN (position.pushed_utterance, 1));
      break;
    case 2:
      s.now_us += (gint64) data[1] * data[2] * 10;
      drain (&s);
      break;
    case 3:
      s.now_us = MAX (s.now_us, MIN (rp_pacer_deadline (s.pacer), s.now_us + 20000));
      drain (&s);
      break;
    default: {
      /* Mostly the next frame; else something near it. */
      guint32 utterance = position.pushed_utterance;
      guint32 frame_seq = position.pushed_frames;
      if (data[1] & 0x80) {
        utterance += data[1] & 3;
        frame_seq = data[2] & 1;
      }
      guint8 payload[] = {(data[1] & 0x40) ? data[3] : 0x48, data[2], data[3]};
      rp_pacer_push (s.pacer, utterance, frame_seq, data[3] & 1, payload, data[2] % 4);
      break;
    }
    }
    check_counts (&s);
  }
  rp_pacer_free (s.pacer);
  return 0;
}
