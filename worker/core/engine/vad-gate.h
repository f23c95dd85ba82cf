/* From speech probabilities to speech: started, paused, resumed, stopped.
 *
 * The thresholds and windows follow what peers found for Silero (confidence 0.7/0.5 with
 * hysteresis, start 0.2 s, stop 0.2 s). Invented audio (PLC, inserted silence) is evidence of
 * nothing: while it lasts the gate neither starts nor stops speech. Pure; one owner thread. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define RP_VAD_CHUNK_SAMPLES 512 /* 32 ms at 16 kHz: what Silero takes at once */

typedef struct {
  float start_threshold; /* probability from which a chunk counts as speech, 0..1 */
  float stop_threshold;  /* probability under which it counts as silence, ≤ start_threshold */
  guint start_ms;        /* speech that must be heard before it has started */
  guint pause_ms;        /* silence after which it seems to have ended */
  guint stop_ms;         /* silence after which it has */
} RpVadGateConfig;

void rp_vad_gate_config_init (RpVadGateConfig *config);

typedef enum {
  RP_VAD_GATE_STARTED, /* pos_samples: the onset */
  RP_VAD_GATE_PAUSED,  /* pos_samples: the last of the speech */
  RP_VAD_GATE_RESUMED,
  RP_VAD_GATE_STOPPED, /* pos_samples: the last of the speech */
} RpVadGateEventType;

typedef struct {
  RpVadGateEventType type;
  gint64 pos_samples;
} RpVadGateEvent;

typedef struct _RpVadGate RpVadGate;

RpVadGate *rp_vad_gate_new (const RpVadGateConfig *config);
void rp_vad_gate_free (RpVadGate *gate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpVadGate, rp_vad_gate_free)

/* One chunk that begins at @pos_samples: @pcm is its RP_VAD_CHUNK_SAMPLES samples in [-1, 1],
 * @probability the VAD's word on it.
 * @invented: more than half of it was not sent by the client.
 *
 * The VAD answers late: its probability falls two or three chunks after the voice has gone. So the
 * windows are counted from the last samples that were as loud as speech, as far back as the VAD is
 * known to lag; it is the VAD alone that says that speech has ended. */
void rp_vad_gate_input (RpVadGate *gate, gint64 pos_samples, float probability, gboolean invented,
                        const float *pcm);
gboolean rp_vad_gate_poll (RpVadGate *gate, RpVadGateEvent *out_event);
/* Speech has started and not stopped. */
gboolean rp_vad_gate_is_speech (const RpVadGate *gate);

G_END_DECLS
