#include "jbuf.h"

#include <stdlib.h>
#include <string.h>

#include "opus-packet.h"
#include "seq.h"

#define MS G_GINT64_CONSTANT (1000)
#define SAMPLES_TO_US(samples) ((gint64) (samples) *1000 / 48)
/* Opus can conceal in steps of 2.5 ms only. */
#define PLC_STEP_SAMPLES 120

/* How the wait at a gap is learnt. */
#define LATENESS_SAMPLES 64
#define LATENESS_WINDOW_US (30 * G_USEC_PER_SEC)
#define LATENESS_MARGIN_US (5 * MS)
#define LATE_COUNT 3
#define LATE_WINDOW_US (10 * G_USEC_PER_SEC)
#define LATE_STEP_US (20 * MS)
/* 1 ms per second. */
#define DECAY_DIVISOR 1000

typedef enum {
  SLOT_VACANT,
  SLOT_MISSING, /* a newer packet has come, this one not (yet) */
  SLOT_HELD,    /* waits for its turn */
  SLOT_DONE,    /* released or discarded */
} SlotState;

typedef struct {
  SlotState state;
  gboolean marker;
  gboolean has_lbrr;
  gboolean is_copy;
  guint64 sequence;
  guint64 timestamp;
  gint64 arrival_us;
  gint64 gap_us; /* MISSING: when the first newer packet came */
  guint8 *payload;
  gsize payload_bytes;
  guint samples;
  guint frame_samples;
} Slot;

typedef struct {
  gint64 time_us;
  gint64 lateness_us;
} Lateness;

struct _RpJbuf {
  RpJbufConfig config;
  gint64 now_us;
  RpJbufStats stats;

  Slot slots[RP_JBUF_SLOTS];
  guint held;
  RpSeq seq;
  RpTs ts;
  guint64 next_sequence; /* whose turn it is */
  guint64 highest;       /* newest accepted number */

  /* The timeline: next_timestamp of the sender is at position. */
  gboolean has_clock;
  guint64 next_timestamp;
  guint64 position;
  guint last_samples; /* duration of the newest packet released; 0 = none yet */

  /* What is to be given out before the packet whose turn it is. */
  gboolean is_prepared;
  guint n_missing; /* numbers given up directly before it */
  gboolean has_jump;
  gint64 jump_samples;
  guint plc_left;
  guint silence_left;
  guint pause_left;
  guint fec_left;
  guint8 *released; /* the payload handed out, owned until the next call */

  gint64 wait_us;
  gint64 wait_floor_us;
  gint64 wait_time_us; /* up to when wait_us has been decayed */
  Lateness lateness[LATENESS_SAMPLES];
  guint n_lateness; /* ever added */
  gint64 late_us[LATE_COUNT];
  guint n_late;

  gboolean is_watching; /* for a stall */
  gboolean is_stalled;
  gboolean has_resumed;
  gint64 last_arrival_us;
};

RpJbuf *
rp_jbuf_new (const RpJbufConfig *config, gint64 now_us)
{
  RpJbuf *self = g_new0 (RpJbuf, 1);
  RpJbufConfig c = config != NULL ? *config : (RpJbufConfig){0};
  c.min_wait_us = c.min_wait_us > 0 ? c.min_wait_us : 20 * MS;
  c.max_wait_us = MAX (c.max_wait_us > 0 ? c.max_wait_us : 80 * MS, c.min_wait_us);
  c.initial_wait_us = c.initial_wait_us > 0 ? c.initial_wait_us : 40 * MS;
  c.initial_wait_us = CLAMP (c.initial_wait_us, c.min_wait_us, c.max_wait_us);
  c.early_release = c.early_release > 0 ? c.early_release : 3;
  c.max_plc_samples = c.max_plc_samples > 0 ? c.max_plc_samples : 2880;
  c.max_plc_samples = MIN (c.max_plc_samples, RP_JBUF_MAX_ITEM_SAMPLES);
  c.max_fill_samples = c.max_fill_samples > 0 ? c.max_fill_samples : 48000;
  c.stall_us = c.stall_us > 0 ? c.stall_us : 60 * MS;
  self->config = c;
  self->now_us = now_us;
  self->wait_us = c.initial_wait_us;
  self->wait_floor_us = c.min_wait_us;
  self->wait_time_us = now_us;
  return self;
}

void
rp_jbuf_free (RpJbuf *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < RP_JBUF_SLOTS; i++)
    g_free (self->slots[i].payload);
  g_free (self->released);
  g_free (self);
}

static Slot *
slot_of (RpJbuf *self, guint64 sequence)
{
  return &self->slots[sequence % RP_JBUF_SLOTS];
}

/* The slot of @sequence if it says anything about that number. */
static Slot *
find_slot (RpJbuf *self, guint64 sequence)
{
  Slot *slot = slot_of (self, sequence);
  return slot->state != SLOT_VACANT && slot->sequence == sequence ? slot : NULL;
}

static void
discard (RpJbuf *self, Slot *slot)
{
  if (slot->state != SLOT_HELD)
    return;
  g_clear_pointer (&slot->payload, g_free);
  slot->state = SLOT_DONE;
  self->held--;
  self->stats.discarded++;
}

static void
forget_preparation (RpJbuf *self)
{
  self->is_prepared = FALSE;
  self->n_missing = 0;
  self->plc_left = 0;
  self->silence_left = 0;
  self->pause_left = 0;
  self->fec_left = 0;
}

/* --- the wait at a gap --- */

static int
compare_us (const void *a, const void *b)
{
  gint64 x = *(const gint64 *) a;
  gint64 y = *(const gint64 *) b;
  return x < y ? -1 : x > y;
}

/* The 95th percentile of the recent latenesses, and a margin. */
static gint64
lateness_floor_us (const RpJbuf *self)
{
  gint64 recent[LATENESS_SAMPLES];
  guint n = 0;
  for (guint i = 0; i < MIN (self->n_lateness, LATENESS_SAMPLES); i++)
    if (self->now_us - self->lateness[i].time_us <= LATENESS_WINDOW_US)
      recent[n++] = self->lateness[i].lateness_us;
  if (n == 0)
    return self->config.min_wait_us;
  qsort (recent, n, sizeof recent[0], compare_us);
  gint64 p95_us = recent[(n * 95 + 99) / 100 - 1];
  return CLAMP (p95_us + LATENESS_MARGIN_US, self->config.min_wait_us, self->config.max_wait_us);
}

static void
learn_lateness (RpJbuf *self, gint64 lateness_us, gboolean was_late)
{
  /* Waiting for packets that come later than the longest wait gains nothing. */
  if (lateness_us > self->config.max_wait_us)
    return;
  self->lateness[self->n_lateness++ % LATENESS_SAMPLES] =
      (Lateness){.time_us = self->now_us, .lateness_us = lateness_us};
  if (self->n_lateness == 2 * LATENESS_SAMPLES)
    self->n_lateness = LATENESS_SAMPLES;
  self->wait_floor_us = lateness_floor_us (self);
  self->wait_us = MAX (self->wait_us, self->wait_floor_us);
  if (!was_late)
    return;

  self->late_us[self->n_late++ % LATE_COUNT] = self->now_us;
  if (self->n_late < LATE_COUNT)
    return;
  gint64 oldest_us = self->late_us[self->n_late % LATE_COUNT];
  if (self->now_us - oldest_us <= LATE_WINDOW_US) {
    self->wait_us = MIN (self->wait_us + LATE_STEP_US, self->config.max_wait_us);
    self->n_late = 0;
  } else if (self->n_late == 2 * LATE_COUNT) {
    self->n_late = LATE_COUNT;
  }
}

/* Moves time on: never backwards, and the wait decays. */
static void
advance (RpJbuf *self, gint64 now_us)
{
  self->now_us = MAX (self->now_us, now_us);
  gint64 decay_us = (self->now_us - self->wait_time_us) / DECAY_DIVISOR;
  if (decay_us == 0)
    return;
  self->wait_time_us += decay_us * DECAY_DIVISOR;
  self->wait_floor_us = lateness_floor_us (self);
  self->wait_us = MAX (self->wait_us - decay_us, self->wait_floor_us);
}

/* --- input --- */

static void
begin_stream (RpJbuf *self, guint64 sequence)
{
  for (guint i = 0; i < RP_JBUF_SLOTS; i++)
    discard (self, &self->slots[i]);
  forget_preparation (self);
  self->has_jump = self->has_clock || self->has_jump;
  self->jump_samples = 0;
  self->has_clock = FALSE;
  self->next_sequence = sequence;
  self->highest = sequence - 1;
}

/* A packet further ahead than the ring reaches: what cannot be waited for any more is passed over.
 */
static void
make_room (RpJbuf *self, guint64 sequence)
{
  if (sequence < self->next_sequence + RP_JBUF_SLOTS)
    return;
  guint64 first = sequence - (RP_JBUF_SLOTS - 1);
  guint64 n_passed = first - self->next_sequence;
  for (guint64 s = self->next_sequence; s < MIN (first, self->next_sequence + RP_JBUF_SLOTS); s++) {
    Slot *slot = find_slot (self, s);
    if (slot != NULL && slot->state == SLOT_HELD) {
      discard (self, slot);
      n_passed--;
    }
  }
  self->stats.lost += n_passed;
  guint n_missing = self->n_missing + (guint) (first - self->next_sequence);
  forget_preparation (self);
  self->n_missing = MIN (n_missing, RP_SEQ_MAX_DROPOUT);
  self->next_sequence = first;
}

static void
mark_missing (RpJbuf *self, guint64 sequence)
{
  guint64 first = MAX (self->highest + 1, self->next_sequence);
  for (guint64 s = first; s < sequence; s++)
    *slot_of (self, s) = (Slot){.state = SLOT_MISSING, .sequence = s, .gap_us = self->now_us};
}

/* Counts a packet that is of no use. Returns: FALSE for one that is. */
static gboolean
is_useless (RpJbuf *self, guint64 sequence)
{
  Slot *slot = find_slot (self, sequence);
  if (slot != NULL && (slot->state == SLOT_HELD || slot->state == SLOT_DONE)) {
    self->stats.duplicate++;
    return TRUE;
  }
  if (sequence >= self->next_sequence)
    return FALSE;
  self->stats.late++;
  if (slot != NULL) {
    learn_lateness (self, self->now_us - slot->gap_us, TRUE);
    slot->state = SLOT_DONE;
  }
  return TRUE;
}

static void
note_arrival (RpJbuf *self)
{
  self->has_resumed = self->has_resumed || self->is_stalled;
  self->is_stalled = FALSE;
  self->is_watching = TRUE;
  self->last_arrival_us = self->now_us;
}

static void
hold (RpJbuf *self, guint64 sequence, guint64 timestamp, gboolean marker, const guint8 *payload,
      gsize payload_bytes, const RpOpusPacket *packet)
{
  *slot_of (self, sequence) = (Slot){
      .state = SLOT_HELD,
      .marker = marker,
      .has_lbrr = payload_bytes > 0 && rp_opus_packet_info_has_lbrr (packet),
      .sequence = sequence,
      .timestamp = timestamp,
      .arrival_us = self->now_us,
      .payload = g_memdup2 (payload, payload_bytes),
      .payload_bytes = payload_bytes,
      .samples = packet->packet_samples,
      .frame_samples = packet->frame_samples,
  };
  self->held++;
}

/* Returns: the slot of the packet, which is now held; NULL when it is of no use. */
static Slot *
take_packet (RpJbuf *self, guint16 sequence, guint32 timestamp, gboolean marker,
             const guint8 *payload, gsize payload_bytes)
{
  RpOpusPacket packet = {0};
  guint64 unwrapped;

  self->stats.received++;
  if (payload_bytes > RP_JBUF_MAX_PAYLOAD_BYTES ||
      (payload_bytes > 0 && !rp_opus_packet_parse (payload, payload_bytes, &packet))) {
    self->stats.malformed++;
    return NULL;
  }
  switch (rp_seq_unwrap (&self->seq, sequence, &unwrapped)) {
  case RP_SEQ_JUMP:
    self->stats.implausible++;
    return NULL;
  case RP_SEQ_FIRST:
  case RP_SEQ_RESTART:
    self->ts = (RpTs){0};
    begin_stream (self, unwrapped);
    break;
  case RP_SEQ_NEWER:
    make_room (self, unwrapped);
    break;
  case RP_SEQ_OLDER:
    if (is_useless (self, unwrapped))
      return NULL;
    break;
  }

  if (unwrapped > self->highest) {
    mark_missing (self, unwrapped);
    self->highest = unwrapped;
  } else {
    self->stats.reordered++;
    learn_lateness (self, self->now_us - slot_of (self, unwrapped)->gap_us, FALSE);
  }
  hold (self, unwrapped, rp_ts_unwrap (&self->ts, timestamp), marker, payload, payload_bytes,
        &packet);
  note_arrival (self);
  return slot_of (self, unwrapped);
}

/* Puts a copy in the place of the packet that is missing, when it lies between its neighbours. */
static void
take_copy (RpJbuf *self, const Slot *carrier, const RpJbufCopy *copy)
{
  RpOpusPacket packet;
  if (copy->distance == 0 || copy->distance >= RP_JBUF_SLOTS || copy->payload_bytes == 0 ||
      copy->payload_bytes > RP_JBUF_MAX_PAYLOAD_BYTES || copy->offset > carrier->timestamp)
    return;
  guint64 sequence = carrier->sequence - copy->distance;
  guint64 timestamp = carrier->timestamp - copy->offset;
  const Slot *slot = find_slot (self, sequence);
  if (sequence < self->next_sequence || slot == NULL || slot->state != SLOT_MISSING ||
      !rp_opus_packet_parse (copy->payload, copy->payload_bytes, &packet))
    return;
  const Slot *next = find_slot (self, sequence + 1);
  guint64 end = next != NULL && next->state == SLOT_HELD ? next->timestamp : carrier->timestamp;
  if (timestamp + packet.packet_samples > end)
    return;
  hold (self, sequence, timestamp, FALSE, copy->payload, copy->payload_bytes, &packet);
  slot_of (self, sequence)->is_copy = TRUE;
  self->stats.copies++;
}

void
rp_jbuf_input (RpJbuf *self, gint64 now_us, guint16 sequence, guint32 timestamp, gboolean marker,
               const guint8 *payload, gsize payload_bytes)
{
  advance (self, now_us);
  take_packet (self, sequence, timestamp, marker, payload, payload_bytes);
}

void
rp_jbuf_input_redundant (RpJbuf *self, gint64 now_us, guint16 sequence, guint32 timestamp,
                         gboolean marker, const guint8 *payload, gsize payload_bytes,
                         const RpJbufCopy *copies, guint n_copies)
{
  advance (self, now_us);
  const Slot *carrier = take_packet (self, sequence, timestamp, marker, payload, payload_bytes);
  for (guint i = 0; carrier != NULL && i < n_copies; i++)
    take_copy (self, carrier, &copies[i]);
}

void
rp_jbuf_reset (RpJbuf *self, gint64 now_us)
{
  advance (self, now_us);
  begin_stream (self, 0);
  self->seq = (RpSeq){0};
  /* The new stream may use the same numbers. */
  for (guint i = 0; i < RP_JBUF_SLOTS; i++)
    self->slots[i].state = SLOT_VACANT;
}

/* --- output --- */

/* Decides what fills the time between the timeline's end and the packet whose turn it is. */
static void
prepare (RpJbuf *self, const Slot *slot)
{
  self->is_prepared = TRUE;
  if (!self->has_clock) {
    self->has_clock = TRUE;
    self->next_timestamp = slot->timestamp;
    return;
  }
  gint64 gap = (gint64) (slot->timestamp - self->next_timestamp);
  if (gap < 0 || gap > (gint64) self->config.max_fill_samples) {
    self->has_jump = TRUE;
    self->jump_samples = gap;
    self->next_timestamp = slot->timestamp;
    return;
  }
  if (gap == 0)
    return;
  /* Only the frames that were lost are concealed: a pause of the sender beside them is silence. */
  guint left = (guint) gap;
  guint64 lost = (guint64) self->n_missing * self->last_samples;
  if (self->n_missing > 0 && slot->has_lbrr && left >= slot->frame_samples)
    self->fec_left = slot->frame_samples;
  left -= self->fec_left;
  lost -= MIN (lost, self->fec_left);
  self->plc_left = (guint) MIN (lost, MIN (left, self->config.max_plc_samples));
  self->plc_left -= self->plc_left % PLC_STEP_SAMPLES;
  left -= self->plc_left;
  self->silence_left = (guint) MIN (lost - self->plc_left, left);
  self->pause_left = left - self->silence_left;
}

static gboolean
emit_event (RpJbuf *self, RpJbufItemType type, RpJbufItem *out)
{
  *out = (RpJbufItem){.type = type, .position = self->position};
  return TRUE;
}

static gboolean
emit_audio (RpJbuf *self, RpJbufItemType type, guint samples, RpJbufItem *out)
{
  *out = (RpJbufItem){.type = type, .position = self->position, .samples = samples};
  self->position += samples;
  self->next_timestamp += samples;
  return TRUE;
}

static gboolean
emit_packet (RpJbuf *self, Slot *slot, RpJbufItem *out)
{
  emit_audio (self, RP_JBUF_DECODE, slot->samples, out);
  self->released = g_steal_pointer (&slot->payload);
  out->payload = self->released;
  out->payload_bytes = slot->payload_bytes;
  out->arrival_us = slot->arrival_us;
  out->sequence = slot->sequence;
  out->timestamp = slot->timestamp;
  out->marker = slot->marker;
  out->is_copy = slot->is_copy;
  self->last_samples = slot->samples;
  self->stats.decoded++;
  *(slot->is_copy ? &self->stats.copy_samples : &self->stats.decoded_samples) += slot->samples;
  forget_preparation (self);
  return TRUE;
}

/* The next item of the packet whose turn it is, which is here. */
static gboolean
emit_turn (RpJbuf *self, Slot *slot, RpJbufItem *out)
{
  guint samples;
  if (!self->is_prepared)
    prepare (self, slot);
  if (self->has_jump) {
    self->has_jump = FALSE;
    self->stats.discontinuities++;
    emit_event (self, RP_JBUF_DISCONTINUITY, out);
    out->jump_samples = self->jump_samples;
    return TRUE;
  }
  if (self->plc_left > 0) {
    samples = self->plc_left;
    self->plc_left = 0;
    self->stats.plc_samples += samples;
    return emit_audio (self, RP_JBUF_PLC, samples, out);
  }
  if (self->silence_left > 0) {
    samples = MIN (self->silence_left, RP_JBUF_MAX_ITEM_SAMPLES);
    self->silence_left -= samples;
    self->stats.silence_samples += samples;
    return emit_audio (self, RP_JBUF_SILENCE, samples, out);
  }
  if (self->pause_left > 0) {
    samples = MIN (self->pause_left, RP_JBUF_MAX_ITEM_SAMPLES);
    self->pause_left -= samples;
    self->stats.pause_samples += samples;
    emit_audio (self, RP_JBUF_SILENCE, samples, out);
    out->is_pause = TRUE;
    return TRUE;
  }
  if (self->fec_left > 0) {
    samples = self->fec_left;
    self->fec_left = 0;
    self->stats.fec_used++;
    self->stats.fec_samples += samples;
    emit_audio (self, RP_JBUF_FEC, samples, out);
    out->payload = slot->payload;
    out->payload_bytes = slot->payload_bytes;
    out->sequence = slot->sequence;
    return TRUE;
  }
  slot->state = SLOT_DONE;
  self->held--;
  self->next_sequence++;
  return emit_packet (self, slot, out);
}

/* Whether the missing packets whose turn it is have been waited for long enough. */
static gboolean
is_gap_over (RpJbuf *self)
{
  Slot *slot = find_slot (self, self->next_sequence);
  return self->held >= self->config.early_release || slot == NULL ||
         self->now_us >= slot->gap_us + self->wait_us;
}

static void
give_up_gap (RpJbuf *self)
{
  for (Slot *slot; self->next_sequence < self->highest; self->next_sequence++) {
    slot = find_slot (self, self->next_sequence);
    if (slot != NULL && slot->state == SLOT_HELD)
      break;
    self->stats.lost++;
    self->n_missing = MIN (self->n_missing + 1, RP_SEQ_MAX_DROPOUT);
  }
}

/* A copy that would turn the timeline back: it is not of the packet whose number it was given. */
static gboolean
is_misplaced (const RpJbuf *self, const Slot *slot)
{
  return slot->is_copy && !self->is_prepared && self->has_clock &&
         slot->timestamp < self->next_timestamp;
}

static void
pass_over (RpJbuf *self, Slot *slot)
{
  discard (self, slot);
  self->next_sequence++;
  self->stats.lost++;
  self->n_missing = MIN (self->n_missing + 1, RP_SEQ_MAX_DROPOUT);
}

gboolean
rp_jbuf_poll (RpJbuf *self, gint64 now_us, RpJbufItem *out_item)
{
  advance (self, now_us);
  g_clear_pointer (&self->released, g_free);
  if (self->has_resumed) {
    self->has_resumed = FALSE;
    return emit_event (self, RP_JBUF_RESUMED, out_item);
  }
  while (self->held > 0) {
    Slot *slot = find_slot (self, self->next_sequence);
    if (slot == NULL || slot->state != SLOT_HELD) {
      if (!is_gap_over (self))
        break;
      give_up_gap (self);
    } else if (is_misplaced (self, slot)) {
      pass_over (self, slot);
    } else if (slot->payload_bytes > 0) {
      return emit_turn (self, slot, out_item);
    } else {
      slot->state = SLOT_DONE;
      self->held--;
      self->next_sequence++;
      self->stats.empty++;
    }
  }
  gint64 stall_us = MAX (self->config.stall_us, 2 * SAMPLES_TO_US (self->last_samples));
  if (self->is_watching && self->now_us >= self->last_arrival_us + stall_us) {
    self->is_watching = FALSE;
    self->is_stalled = TRUE;
    self->stats.stalls++;
    return emit_event (self, RP_JBUF_STALLED, out_item);
  }
  return FALSE;
}

gint64
rp_jbuf_deadline (const RpJbuf *self)
{
  gint64 deadline_us = G_MAXINT64;
  if (self->has_resumed)
    return self->now_us;
  if (self->is_watching) {
    gint64 stall_us = MAX (self->config.stall_us, 2 * SAMPLES_TO_US (self->last_samples));
    deadline_us = self->last_arrival_us + stall_us;
  }
  if (self->held > 0) {
    const Slot *slot = &self->slots[self->next_sequence % RP_JBUF_SLOTS];
    if (slot->state != SLOT_MISSING || slot->sequence != self->next_sequence ||
        self->held >= self->config.early_release)
      return self->now_us;
    deadline_us = MIN (deadline_us, slot->gap_us + self->wait_us);
  }
  return deadline_us;
}

guint64
rp_jbuf_position (const RpJbuf *self)
{
  return self->position;
}

void
rp_jbuf_stats (const RpJbuf *self, RpJbufStats *out_stats)
{
  *out_stats = self->stats;
  out_stats->held = self->held;
  out_stats->wait_us = self->wait_us;
}
