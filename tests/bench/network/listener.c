#include "listener.h"

#include "input.h"
#include "vad-gate.h"

/* As the engine (engine-turn.c). */
#define PREFIX_SAMPLES (192 * 16)
#define SUFFIX_SAMPLES (128 * 16)

typedef struct {
  gint64 from; /* -1 = no speech */
  gint64 to;
  guint n_stops;
} Clip;

typedef struct {
  gint64 end;
  RpAudioKind kind;
} Span;

struct _RpListener {
  RpInput *input;
  RpVad *vad;
  RpVadGate *gate;
  GArray *pcm;   /* of float, the whole call */
  GArray *spans; /* of Span */
  GArray *clips; /* of Clip */
  Clip now;
};

RpListener *
rp_listener_new (RpVadModel *model)
{
  RpVadGateConfig config;
  RpListener *listener = g_new0 (RpListener, 1);
  rp_vad_gate_config_init (&config);
  listener->gate = rp_vad_gate_new (&config);
  listener->vad = rp_vad_new (model);
  listener->input = rp_input_new (0);
  listener->pcm = g_array_new (FALSE, FALSE, sizeof (float));
  listener->spans = g_array_new (FALSE, FALSE, sizeof (Span));
  listener->clips = g_array_new (FALSE, FALSE, sizeof (Clip));
  listener->now = (Clip){-1, -1, 0};
  return listener;
}

void
rp_listener_free (RpListener *listener)
{
  if (listener == NULL)
    return;
  rp_vad_gate_free (listener->gate);
  rp_vad_free (listener->vad);
  rp_input_free (listener->input);
  g_array_unref (listener->pcm);
  g_array_unref (listener->spans);
  g_array_unref (listener->clips);
  g_free (listener);
}

static void
gate_event (RpListener *listener, const RpVadGateEvent *event)
{
  Clip *clip = &listener->now;
  switch (event->type) {
  case RP_VAD_GATE_STARTED:
    if (clip->from < 0)
      clip->from = event->pos_samples;
    G_GNUC_FALLTHROUGH;
  case RP_VAD_GATE_RESUMED:
    clip->to = G_MAXINT64;
    break;
  case RP_VAD_GATE_STOPPED:
    clip->n_stops++;
    G_GNUC_FALLTHROUGH;
  case RP_VAD_GATE_PAUSED:
    clip->to = event->pos_samples + SUFFIX_SAMPLES;
    break;
  }
}

void
rp_listener_audio (RpListener *listener, gint64 pos_samples, RpAudioKind kind, const gint16 *pcm,
                   guint n_samples)
{
  RpInputChunk chunk;
  RpVadGateEvent event;
  g_autofree RpAudioIn *audio = g_new0 (RpAudioIn, 1);
  const Span span = {pos_samples + n_samples, kind};
  audio->pos_samples = pos_samples;
  audio->kind = kind;
  audio->n_samples = n_samples;
  for (guint i = 0; i < n_samples; i++) {
    float sample = (float) pcm[i] / 32768.0f;
    audio->pcm[i] = pcm[i];
    g_array_append_val (listener->pcm, sample);
  }
  g_array_append_val (listener->spans, span);
  g_assert (rp_input_push (listener->input, audio, 0));
  while (rp_input_poll (listener->input, &chunk)) {
    float probability = rp_vad_process (listener->vad, chunk.pcm, NULL);
    rp_vad_gate_input (listener->gate, chunk.pos_samples, MAX (probability, 0), chunk.invented,
                       chunk.pcm);
    while (rp_vad_gate_poll (listener->gate, &event))
      gate_event (listener, &event);
  }
  rp_input_forget (listener->input, G_MAXINT64);
}

void
rp_listener_next (RpListener *listener)
{
  listener->now.to = MIN (listener->now.to, (gint64) listener->pcm->len);
  g_array_append_val (listener->clips, listener->now);
  listener->now = (Clip){-1, -1, 0};
}

guint
rp_listener_broken (const RpListener *listener)
{
  guint n = 0;
  for (guint i = 0; i < listener->clips->len; i++)
    n += MAX (g_array_index (listener->clips, Clip, i).n_stops, 1) - 1;
  return n;
}

static void
count_given (RpListener *listener, gint64 from, gint64 to, guint64 *given)
{
  gint64 at = 0;
  for (guint i = 0; i < listener->spans->len && at < to; i++) {
    const Span *span = &g_array_index (listener->spans, Span, i);
    gint64 n = MIN (span->end, to) - MAX (at, from);
    given[span->kind] += n > 0 ? (guint64) n : 0;
    at = span->end;
  }
}

char *
rp_listener_transcribe (RpListener *listener, guint i, RpStt *stt, guint64 *given)
{
  const Clip *clip = &g_array_index (listener->clips, Clip, i);
  if (clip->from < 0)
    return g_strdup ("");
  gint64 from = MAX (clip->from - PREFIX_SAMPLES, 0);
  gint64 to = MIN (clip->to, (gint64) listener->pcm->len);
  count_given (listener, from, to, given);
  char *text = rp_stt_transcribe (stt, &g_array_index (listener->pcm, float, from),
                                  (gsize) (to - from), NULL, NULL);
  return text != NULL ? text : g_strdup ("");
}
