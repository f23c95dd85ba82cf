#include "vad-gate.h"

#include <math.h>

#define SAMPLES_PER_MS 16
/* Loudness is looked at in pieces of 8 ms. */
#define BLOCK_SAMPLES 128
/* A block is as loud as speech down to 30 dB below the loudest of it lately (weak fricatives are
 * some 25 dB below vowels) and above -60 dBFS. In noise every block is, and the VAD's own word is
 * all there is. */
#define LOUD_RATIO 0.0316f
#define LOUD_FLOOR 0.001f
/* The loudest fades by 10 dB/s, so that a shout does not make what follows it quiet. */
#define PEAK_FADE 0.964f
/* Silero's probability fell under 0.35 within 64 ms (median) to 100 ms (90 %) of the end of 60
 * recorded requests. */
#define MAX_LAG_SAMPLES (96 * SAMPLES_PER_MS)

typedef enum {
  GATE_SILENCE,
  GATE_RISING, /* speech chunks, not yet start_ms of them */
  GATE_SPEECH,
  GATE_PAUSED, /* silence in speech, at least pause_ms of it */
} GateState;

struct _RpVadGate {
  RpVadGateConfig config;
  GateState state;
  gint64 onset;           /* first sample of the speech that is rising */
  gint64 speech_end;      /* after the last sample of the last speech chunk */
  gint64 speech_samples;  /* of speech chunks since the onset */
  gint64 silence_samples; /* since speech_end */
  guint quiet_chunks;     /* since the last speech chunk */
  gint64 loud_end;        /* after the last block that was as loud as speech */
  float peak;             /* RMS of the loudest block of speech lately */
  GQueue events;
};

void
rp_vad_gate_config_init (RpVadGateConfig *config)
{
  /* Silero's own examples: threshold 0.5 and 0.15 less to leave; windows: the peers' start 0.2 s
   * and stop 0.2 s. Two chunks of silence are the earliest sign that is not a stop consonant. */
  *config = (RpVadGateConfig){
      .start_threshold = 0.5f,
      .stop_threshold = 0.35f,
      .start_ms = 200,
      .pause_ms = 64,
      .stop_ms = 200,
  };
}

RpVadGate *
rp_vad_gate_new (const RpVadGateConfig *config)
{
  RpVadGate *gate = g_new0 (RpVadGate, 1);
  gate->config = *config;
  g_queue_init (&gate->events);
  return gate;
}

void
rp_vad_gate_free (RpVadGate *gate)
{
  if (gate == NULL)
    return;
  g_queue_clear_full (&gate->events, g_free);
  g_free (gate);
}

static void
emit (RpVadGate *gate, RpVadGateEventType type, gint64 pos_samples)
{
  RpVadGateEvent *event = g_new0 (RpVadGateEvent, 1);
  event->type = type;
  event->pos_samples = pos_samples;
  g_queue_push_tail (&gate->events, event);
}

static void
speech_chunk (RpVadGate *gate, gint64 pos_samples)
{
  if (gate->state == GATE_SILENCE) {
    gate->state = GATE_RISING;
    gate->onset = pos_samples;
    gate->speech_samples = 0;
  }
  gate->speech_samples += RP_VAD_CHUNK_SAMPLES;
  gate->silence_samples = 0;
  gate->quiet_chunks = 0;
  gate->speech_end = pos_samples + RP_VAD_CHUNK_SAMPLES;

  /* The window is met by the chunk that comes nearest to it: 6 chunks, 192 ms, for 200 ms. */
  gint64 start_samples = (gint64) gate->config.start_ms * SAMPLES_PER_MS - RP_VAD_CHUNK_SAMPLES / 2;
  if (gate->state == GATE_RISING && gate->speech_samples >= start_samples) {
    gate->state = GATE_SPEECH;
    emit (gate, RP_VAD_GATE_STARTED, gate->onset);
  } else if (gate->state == GATE_PAUSED) {
    gate->state = GATE_SPEECH;
    emit (gate, RP_VAD_GATE_RESUMED, pos_samples);
  }
}

static void
listen (RpVadGate *gate, gint64 pos_samples, const float *pcm, gboolean speech)
{
  if (speech)
    gate->peak *= PEAK_FADE;
  for (guint i = 0; i < RP_VAD_CHUNK_SAMPLES; i += BLOCK_SAMPLES) {
    float sum = 0;
    for (guint j = 0; j < BLOCK_SAMPLES; j++)
      sum += pcm[i + j] * pcm[i + j];
    float rms = sqrtf (sum / BLOCK_SAMPLES);
    if (speech)
      gate->peak = MAX (gate->peak, rms);
    if (rms > gate->peak * LOUD_RATIO && rms > LOUD_FLOOR)
      gate->loud_end = pos_samples + i + BLOCK_SAMPLES;
  }
}

static void
silence_chunk (RpVadGate *gate, gint64 pos_samples)
{
  if (gate->state == GATE_SILENCE) {
    gate->peak = 0;
    return;
  }
  if (gate->quiet_chunks++ == 0)
    gate->speech_end = CLAMP (gate->loud_end, gate->speech_end - MAX_LAG_SAMPLES, gate->speech_end);
  gate->silence_samples = pos_samples + RP_VAD_CHUNK_SAMPLES - gate->speech_end;

  if (gate->state == GATE_RISING) {
    /* One weak chunk inside a word does not undo the start; two do. */
    if (gate->quiet_chunks >= 2)
      gate->state = GATE_SILENCE;
    return;
  }
  if (gate->state == GATE_SPEECH &&
      gate->silence_samples >= (gint64) gate->config.pause_ms * SAMPLES_PER_MS) {
    gate->state = GATE_PAUSED;
    emit (gate, RP_VAD_GATE_PAUSED, gate->speech_end);
  }
  gint64 stop_samples = (gint64) gate->config.stop_ms * SAMPLES_PER_MS - RP_VAD_CHUNK_SAMPLES / 2;
  if (gate->state == GATE_PAUSED && gate->silence_samples >= stop_samples) {
    gate->state = GATE_SILENCE;
    emit (gate, RP_VAD_GATE_STOPPED, gate->speech_end);
  }
}

void
rp_vad_gate_input (RpVadGate *gate, gint64 pos_samples, float probability, gboolean invented,
                   const float *pcm)
{
  gboolean in_speech = gate->state == GATE_SPEECH || gate->state == GATE_PAUSED;
  float threshold = in_speech ? gate->config.stop_threshold : gate->config.start_threshold;
  gboolean speech = probability >= threshold;

  /* Concealment proves neither speech nor silence: the windows stand still while it lasts. */
  if (invented) {
    if (in_speech || gate->state == GATE_RISING) {
      gate->speech_end += RP_VAD_CHUNK_SAMPLES;
      gate->loud_end += RP_VAD_CHUNK_SAMPLES;
    }
    return;
  }
  listen (gate, pos_samples, pcm, speech);
  if (speech)
    speech_chunk (gate, pos_samples);
  else
    silence_chunk (gate, pos_samples);
}

gboolean
rp_vad_gate_poll (RpVadGate *gate, RpVadGateEvent *out_event)
{
  g_autofree RpVadGateEvent *event = g_queue_pop_head (&gate->events);
  if (event == NULL)
    return FALSE;
  *out_event = *event;
  return TRUE;
}

gboolean
rp_vad_gate_is_speech (const RpVadGate *gate)
{
  return gate->state == GATE_SPEECH || gate->state == GATE_PAUSED;
}
