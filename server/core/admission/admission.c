#include "admission.h"

/* With half a second's weight a sample is forgotten after three. */
#define SMOOTHING 0.5
/* A call's processor time is learned from at least this many, slowly. */
#define LEARN_CALLS 10
#define LEARNING 0.2
/* CPU seconds per second: one with scripted providers, and bounds of what can be true. */
#define CALL_CPU 0.007
#define CALL_CPU_MIN 0.002
#define CALL_CPU_MAX 0.3
/* With the local recogniser a call's transcripts, partial ones included, come to one final one in
 * so long. */
#define STT_PERIOD_US (7 * G_USEC_PER_SEC)
/* The partial transcripts of a sentence take about as long as its final one. */
#define STT_PER_FINAL 2
/* Those who come one after the other end their first sentences so, too, as far apart as they came
 * but no further: sentences take from 2 to 5 s, and some hesitate. Meanwhile transcripts get this
 * share of the processors, beside answers, media, and everybody who talks already. */
#define SPREAD_US (5 * G_USEC_PER_SEC)
#define SPREAD_SHARE 0.35
/* A processor that others keep busy is theirs: the loops' punctuality says whether it hurts. */
#define OWN_SHARE (1.0 / 3)
#define CPU_GAP 0.10
#define RETRY_MIN_S 5
#define RETRY_MAX_S 30

typedef struct {
  gboolean over;
  guint n;         /* samples in a row that say otherwise */
  gint64 since_us; /* over */
} Signal;

typedef struct {
  guint64 number;
  gint64 since_us;
} Unheard;

struct _RpAdmission {
  RpAdmissionConfig config;
  RpAdmissionSample last;
  guint n_since; /* calls that began after it */
  Signal signals[RP_ADMISSION_N_REASONS];
  double cpu_smooth;
  double call_cpu;
  gboolean learned; /* call_cpu, from calls */
  gint64 stt_cpu_us;
  GArray *young;   /* of gint64: when they began */
  GArray *unheard; /* of Unheard, the oldest first */
  guint64 last_number;
  guint level;
  guint n_calmer; /* samples in a row that allow the level below */
};

/* Complexity 5 takes 130 µs for a frame of speech with FEC, 3 105, 1 54 and 0 50: 4.3, 3.5, 1.8 and
 * 1.6 ms for each second that an agent speaks, out of the 6.6 of a call. Nobody hears the
 * difference to 3; 1 is a little rougher. */
static const struct {
  guint complexity;
  double enter; /* from the level above */
  double leave; /* to the level above; far below, as what is saved must not let it return */
} levels[] = {
    {5, 0, 0},
    {3, 0.65, 0.45},
    {1, 0.75, 0.50},
    {0, 0.88, 0.70},
};
#define CALM_SAMPLES 5

const char *
rp_admission_reason_name (RpAdmissionReason reason)
{
  static const char *const names[RP_ADMISSION_N_REASONS] = {"cpu", "ticks", "stt", "memory"};
  return names[reason];
}

const char *
rp_admission_reason_text (RpAdmissionReason reason)
{
  static const char *const texts[RP_ADMISSION_N_REASONS] = {
      "the server is as busy as it may be",
      "the server is too busy to be on time",
      "the server is too busy to understand more callers in time",
      "the server has no memory for another call",
  };
  return texts[reason];
}

void
rp_admission_config_init (RpAdmissionConfig *config)
{
  *config = (RpAdmissionConfig){
      .enabled = TRUE,
      .cpus = 1,
      .min_calls = 4,
      /* Transcripts come in bursts: with local models and 60 % used, one in twenty waits 0.2 s
       * longer for its answer than with 40, and with 90 % 0.8 s. */
      .max_cpu = 0.8,
      .max_tick_late_us = 10 * 1000,
      /* With 200 ms of silence that end a turn and 50 to begin the answer, under 800 from voice to
       * voice. */
      .max_stt_us = 400 * 1000,
      .min_memory_bytes = 256 * 1024 * 1024,
  };
}

RpAdmission *
rp_admission_new (const RpAdmissionConfig *config)
{
  RpAdmission *self = g_new0 (RpAdmission, 1);
  self->config = *config;
  self->config.cpus = MAX (config->cpus, 1);
  self->last = (RpAdmissionSample){0, -1, -1, -1, -1, -1};
  self->cpu_smooth = -1;
  self->call_cpu = CALL_CPU;
  self->young = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->unheard = g_array_new (FALSE, FALSE, sizeof (Unheard));
  return self;
}

void
rp_admission_free (RpAdmission *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->young);
  g_array_unref (self->unheard);
  g_free (self);
}

static void
forget_old (RpAdmission *self, gint64 now_us)
{
  guint n = 0;
  while (n < self->young->len &&
         now_us - g_array_index (self->young, gint64, n) >= RP_ADMISSION_YOUNG_US)
    n++;
  g_array_remove_range (self->young, 0, n);
  n = 0;
  while (n < self->unheard->len &&
         now_us - g_array_index (self->unheard, Unheard, n).since_us >= RP_ADMISSION_UNHEARD_US)
    n++;
  g_array_remove_range (self->unheard, 0, n);
}

/* @high: the limit is passed; @low: it is kept, with some distance */
static void
signal_input (Signal *signal, gint64 now_us, gboolean high, gboolean low, guint samples_in)
{
  gboolean otherwise = signal->over ? low : high;
  signal->n = otherwise ? signal->n + 1 : 0;
  if (signal->n < (signal->over ? RP_ADMISSION_SAMPLES_OUT : samples_in))
    return;
  signal->over = !signal->over;
  signal->n = 0;
  signal->since_us = now_us;
}

static void
learn (RpAdmission *self, const RpAdmissionSample *sample)
{
  guint old = sample->calls - MIN (self->young->len, sample->calls);
  if (sample->cpu_own < 0 || old < LEARN_CALLS)
    return;
  double each = sample->cpu_own * self->config.cpus / old;
  self->call_cpu += LEARNING * (CLAMP (each, CALL_CPU_MIN, CALL_CPU_MAX) - self->call_cpu);
  self->learned = TRUE;
}

static void
choose_level (RpAdmission *self)
{
  double cpu = self->cpu_smooth;
  while (self->level + 1 < G_N_ELEMENTS (levels) && cpu > levels[self->level + 1].enter) {
    self->level++;
    self->n_calmer = 0;
  }
  self->n_calmer = self->level > 0 && cpu < levels[self->level].leave ? self->n_calmer + 1 : 0;
  if (self->n_calmer < CALM_SAMPLES)
    return;
  self->level--;
  self->n_calmer = 0;
}

void
rp_admission_input (RpAdmission *self, gint64 now_us, const RpAdmissionSample *sample)
{
  const RpAdmissionConfig *config = &self->config;
  Signal *signals = self->signals;
  self->last = *sample;
  self->n_since = 0;
  forget_old (self, now_us);
  if (sample->cpu >= 0)
    self->cpu_smooth = self->cpu_smooth < 0
                           ? sample->cpu
                           : self->cpu_smooth + SMOOTHING * (sample->cpu - self->cpu_smooth);
  learn (self, sample);
  choose_level (self);

  gboolean ours = sample->cpu_own >= OWN_SHARE * sample->cpu;
  signal_input (&signals[RP_ADMISSION_CPU], now_us, ours && self->cpu_smooth > config->max_cpu,
                !ours || self->cpu_smooth < config->max_cpu - CPU_GAP, RP_ADMISSION_SAMPLES_IN);
  signal_input (&signals[RP_ADMISSION_TICKS], now_us,
                sample->tick_late_us > config->max_tick_late_us,
                sample->tick_late_us < config->max_tick_late_us / 2, RP_ADMISSION_SAMPLES_IN);
  signal_input (&signals[RP_ADMISSION_STT], now_us, sample->stt_us > config->max_stt_us,
                sample->stt_us < config->max_stt_us / 2, RP_ADMISSION_SAMPLES_IN);
  signal_input (&signals[RP_ADMISSION_MEMORY], now_us,
                sample->memory_bytes >= 0 && sample->memory_bytes < config->min_memory_bytes,
                sample->memory_bytes < 0 ||
                    sample->memory_bytes > config->min_memory_bytes + config->min_memory_bytes / 2,
                1);
}

/* Calls since the last sample are counted by what one costs: twenty a second would else all be let
 * in before the first of them shows. */
static gboolean
is_cpu_spoken_for (const RpAdmission *self)
{
  gboolean ours = self->last.cpu_own >= OWN_SHARE * self->last.cpu;
  double coming = self->young->len * self->call_cpu / self->config.cpus;
  return self->cpu_smooth >= 0 && (ours || coming >= OWN_SHARE * self->cpu_smooth) &&
         self->cpu_smooth + coming > self->config.max_cpu;
}

/* One more, and the last of those who came within some time would wait for its transcript for too
 * long. */
static gboolean
is_crowded (const RpAdmission *self, gint64 now_us)
{
  const RpAdmissionConfig *config = &self->config;
  guint n = self->unheard->len;
  for (guint i = 0; i <= n; i++) {
    gint64 since_us = i < n ? g_array_index (self->unheard, Unheard, i).since_us : now_us;
    gint64 spread_us = MIN (now_us - since_us, SPREAD_US);
    double room_us =
        config->cpus * ((double) config->max_stt_us + SPREAD_SHARE * (double) spread_us);
    if ((n - i + 1) * (double) self->stt_cpu_us * STT_PER_FINAL > room_us)
      return TRUE;
  }
  return FALSE;
}

gboolean
rp_admission_is_open (RpAdmission *self, gint64 now_us, RpAdmissionReason *out_reason)
{
  guint reason = 0;
  forget_old (self, now_us);
  if (!self->config.enabled)
    return TRUE;
  if (self->last.calls + self->n_since < self->config.min_calls) {
    reason = RP_ADMISSION_MEMORY;
    if (!self->signals[reason].over)
      return TRUE;
  }
  while (reason < RP_ADMISSION_N_REASONS && !self->signals[reason].over)
    reason++;
  if (reason == RP_ADMISSION_N_REASONS) {
    if (is_crowded (self, now_us))
      reason = RP_ADMISSION_STT;
    else if (is_cpu_spoken_for (self))
      reason = RP_ADMISSION_CPU;
    else
      return TRUE;
  }
  if (out_reason != NULL)
    *out_reason = (RpAdmissionReason) reason;
  return FALSE;
}

void
rp_admission_set_stt_cpu (RpAdmission *self, gint64 cpu_us)
{
  self->stt_cpu_us = cpu_us;
  if (!self->learned)
    self->call_cpu = MIN (CALL_CPU + (double) cpu_us / STT_PERIOD_US, CALL_CPU_MAX);
}

guint64
rp_admission_ask (RpAdmission *self, gint64 now_us, RpAdmissionReason *out_reason,
                  guint *out_retry_after_s)
{
  RpAdmissionReason reason = RP_ADMISSION_CPU;
  if (rp_admission_is_open (self, now_us, &reason)) {
    const Unheard call = {.number = ++self->last_number, .since_us = now_us};
    g_array_append_val (self->young, now_us);
    g_array_append_val (self->unheard, call);
    self->n_since++;
    return call.number;
  }
  const Signal *signal = &self->signals[reason];
  gint64 over_s = signal->over ? (now_us - signal->since_us) / G_USEC_PER_SEC : 0;
  *out_reason = reason;
  *out_retry_after_s = (guint) CLAMP (over_s / 2, RETRY_MIN_S, RETRY_MAX_S);
  return 0;
}

void
rp_admission_heard (RpAdmission *self, guint64 number)
{
  for (guint i = 0; i < self->unheard->len; i++) {
    if (g_array_index (self->unheard, Unheard, i).number != number)
      continue;
    g_array_remove_index (self->unheard, i);
    return;
  }
}

guint
rp_admission_complexity (const RpAdmission *self)
{
  return levels[self->level].complexity;
}

void
rp_admission_state (RpAdmission *self, gint64 now_us, RpAdmissionState *out)
{
  forget_old (self, now_us);
  *out = (RpAdmissionState){
      .last = self->last,
      .cpu_smooth = self->cpu_smooth,
      .call_cpu = self->call_cpu,
      .young = self->young->len,
      .unheard = self->unheard->len,
      .stt_cpu_us = self->stt_cpu_us,
  };
}
