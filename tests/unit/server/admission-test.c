#include "admission.h"

#include <glib.h>

#define SECOND ((gint64) G_USEC_PER_SEC)
#define MIB (1024 * 1024)

typedef struct {
  RpAdmission *admission;
  gint64 now_us;
  RpAdmissionSample sample;
} Machine;

/* Two processors, twenty calls, nothing to complain of. */
static void
machine_init (Machine *machine)
{
  RpAdmissionConfig config;
  rp_admission_config_init (&config);
  config.cpus = 2;
  machine->admission = rp_admission_new (&config);
  machine->now_us = 1000 * SECOND;
  machine->sample = (RpAdmissionSample){
      .calls = 20,
      .cpu = 0.2,
      .cpu_own = 0.15,
      .tick_late_us = 500,
      .stt_us = 100 * 1000,
      .memory_bytes = (gint64) 4096 * MIB,
  };
}

static void
machine_clear (Machine *machine)
{
  rp_admission_free (machine->admission);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Machine, machine_clear)

/* @n seconds as the sample says. */
static void
pass (Machine *machine, guint n)
{
  for (guint i = 0; i < n; i++) {
    machine->now_us += SECOND;
    rp_admission_input (machine->admission, machine->now_us, &machine->sample);
  }
}

/* "" when a call is let in, otherwise the reason. */
static const char *
refusal (Machine *machine)
{
  RpAdmissionReason reason = RP_ADMISSION_N_REASONS;
  return rp_admission_is_open (machine->admission, machine->now_us, &reason)
             ? ""
             : rp_admission_reason_name (reason);
}

/* One signal over its limit: from the second sample on nobody is let in, between the limits it
 * stays so, below the lower one it is over after three. */
static void
test_signals (void)
{
  static const struct {
    const char *reason;
    RpAdmissionSample bad, between, good;
    guint samples_in;
  } rows[] = {
      {"ticks", {.tick_late_us = 12000}, {.tick_late_us = 7000}, {.tick_late_us = 4000}, 2},
      {"stt", {.stt_us = 500000}, {.stt_us = 300000}, {.stt_us = 150000}, 2},
      {"memory",
       {.memory_bytes = 200 * MIB},
       {.memory_bytes = 300 * MIB},
       {.memory_bytes = 500 * MIB},
       1},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_auto (Machine) machine = {0};
    machine_init (&machine);
    pass (&machine, 10);
    g_assert_cmpstr (refusal (&machine), ==, "");
    const RpAdmissionSample *steps[] = {&rows[i].bad, &rows[i].between, &rows[i].good};
    for (guint step = 0; step < 3; step++) {
      const RpAdmissionSample *s = steps[step];
      if (s->tick_late_us > 0)
        machine.sample.tick_late_us = s->tick_late_us;
      if (s->stt_us > 0)
        machine.sample.stt_us = s->stt_us;
      if (s->memory_bytes > 0)
        machine.sample.memory_bytes = s->memory_bytes;
      if (step == 0) {
        pass (&machine, rows[i].samples_in - 1);
        g_assert_cmpstr (refusal (&machine), ==, "");
        pass (&machine, 1);
      } else if (step == 1) {
        pass (&machine, 20);
      } else {
        pass (&machine, 2);
        g_assert_cmpstr (refusal (&machine), ==, rows[i].reason);
        pass (&machine, 1);
      }
      g_assert_cmpstr (refusal (&machine), ==, step < 2 ? rows[i].reason : "");
    }
  }
}

static void
test_cpu (void)
{
  g_auto (Machine) machine = {0};
  machine_init (&machine);
  machine.sample.cpu = 0.87;
  machine.sample.cpu_own = 0.8;
  pass (&machine, 3);
  g_assert_cmpstr (refusal (&machine), ==, "cpu");
  machine.sample.cpu = 0.75;
  pass (&machine, 20);
  g_assert_cmpstr (refusal (&machine), ==, "cpu");
  machine.sample.cpu = 0.6;
  pass (&machine, 8);
  g_assert_cmpstr (refusal (&machine), ==, "");
}

/* An idle server on a machine that others keep busy, and one whose figures jump. */
static void
test_noise (void)
{
  static const struct {
    guint calls;
    double cpu_own;
    double cpu;
    gint64 tick_late_us;
    gint64 stt_us;
  } rows[] = {
      {0, 0.01, 1, 500, -1},       /* others compile */
      {40, 0.2, 1, 500, -1},       /* beside forty calls, which are on time */
      {3, 0.5, 1, 300000, 900000}, /* with three, nobody would be any the worse for a fourth */
      {0, 0.01, 0.1, 300000, -1},  /* a virtual machine that was stopped */
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_auto (Machine) machine = {0};
    machine_init (&machine);
    machine.sample.calls = rows[i].calls;
    machine.sample.cpu = rows[i].cpu;
    machine.sample.cpu_own = rows[i].cpu_own;
    machine.sample.tick_late_us = rows[i].tick_late_us;
    machine.sample.stt_us = rows[i].stt_us;
    pass (&machine, 30);
    g_assert_cmpstr (refusal (&machine), ==, "");
  }
}

/* A few are always let in, whether they come at once or one a second, but no more. */
static void
test_first_calls (void)
{
  for (guint at_once = 0; at_once < 2; at_once++) {
    g_auto (Machine) machine = {0};
    RpAdmissionReason reason;
    guint retry_after_s;
    machine_init (&machine);
    machine.sample.calls = 0;
    machine.sample.cpu = machine.sample.cpu_own = 1;
    machine.sample.tick_late_us = 50000;
    pass (&machine, 10);
    for (guint i = 0; i < 4; i++) {
      g_assert_true (rp_admission_ask (machine.admission, machine.now_us, &reason, &retry_after_s));
      machine.sample.calls++;
      if (!at_once)
        pass (&machine, 1);
    }
    g_assert_false (rp_admission_ask (machine.admission, machine.now_us, &reason, &retry_after_s));
  }
}

static void
test_hiccups (void)
{
  g_auto (Machine) machine = {0};
  machine_init (&machine);
  for (guint i = 0; i < 50; i++) {
    gboolean hiccup = i % 2 == 0;
    machine.sample.tick_late_us = hiccup ? 90000 : 500;
    machine.sample.stt_us = hiccup ? 900000 : -1;
    pass (&machine, 1);
    g_assert_cmpstr (refusal (&machine), ==, "");
  }
}

/* Nothing is known: nothing is held against anybody. */
static void
test_unknown (void)
{
  g_auto (Machine) machine = {0};
  machine_init (&machine);
  g_assert_cmpstr (refusal (&machine), ==, "");
  machine.sample = (RpAdmissionSample){
      .calls = 50, .cpu = -1, .cpu_own = -1, .tick_late_us = -1, .stt_us = -1, .memory_bytes = -1};
  pass (&machine, 20);
  g_assert_cmpstr (refusal (&machine), ==, "");
  g_assert_cmpuint (rp_admission_complexity (machine.admission), ==, 5);
}

/* A crowd between two samples: as many as fit by what one costs. */
static void
test_crowd (void)
{
  g_auto (Machine) machine = {0};
  RpAdmissionReason reason;
  guint retry_after_s = 0;
  guint n = 0;
  machine_init (&machine);
  machine.sample.calls = 100;
  machine.sample.cpu = 0.55;
  machine.sample.cpu_own = 0.5; /* 10 ms a second each */
  pass (&machine, 60);
  while (rp_admission_ask (machine.admission, machine.now_us, &reason, &retry_after_s))
    n++;
  g_assert_cmpuint (n, >=, 44);
  g_assert_cmpuint (n, <=, 56);
  g_assert_cmpint (reason, ==, RP_ADMISSION_CPU);
  g_assert_cmpuint (retry_after_s, ==, 5);
  /* They show now. */
  machine.sample.calls += n;
  machine.sample.cpu = 0.78;
  machine.sample.cpu_own = 0.73;
  pass (&machine, 8);
  n = 0;
  while (rp_admission_ask (machine.admission, machine.now_us, &reason, &retry_after_s))
    n++;
  g_assert_cmpuint (n, <=, 6);
}

/* Callers who come evenly; the machine has nothing else to say against them. */
typedef struct {
  gint64 stt_cpu_us;
  guint callers;
  gint64 within_us;
  gint64 heard_us; /* after they were let in; 0 = they say nothing */
} Crowd;

/* Returns: how many may begin. */
static guint
come (Machine *machine, const Crowd *crowd)
{
  guint64 numbers[200];
  gint64 let_in_us[G_N_ELEMENTS (numbers)];
  gint64 sampled_us = machine->now_us;
  gint64 begun_us = machine->now_us;
  guint n = 0;
  guint n_heard = 0;
  g_assert_cmpuint (crowd->callers, <=, G_N_ELEMENTS (numbers));
  rp_admission_set_stt_cpu (machine->admission, crowd->stt_cpu_us);
  for (guint i = 0; i < crowd->callers; i++) {
    RpAdmissionReason reason;
    guint retry_after_s;
    machine->now_us = begun_us + i * crowd->within_us / crowd->callers;
    for (; machine->now_us - sampled_us >= SECOND; sampled_us += SECOND)
      rp_admission_input (machine->admission, sampled_us + SECOND, &machine->sample);
    while (crowd->heard_us > 0 && n_heard < n &&
           machine->now_us - let_in_us[n_heard] >= crowd->heard_us)
      rp_admission_heard (machine->admission, numbers[n_heard++]);
    let_in_us[n] = machine->now_us;
    numbers[n] = rp_admission_ask (machine->admission, machine->now_us, &reason, &retry_after_s);
    if (numbers[n] == 0) {
      g_assert_cmpint (reason, ==, RP_ADMISSION_STT);
      g_assert_cmpuint (retry_after_s, ==, 5);
    } else {
      machine->sample.calls++;
      n++;
    }
  }
  return n;
}

static void
test_unheard (void)
{
  static const struct {
    const char *what;
    Crowd crowd;
    guint from, to;
  } rows[] = {
      {"within seconds", {60000, 80, 4 * SECOND, 12 * SECOND}, 28, 30},
      {"at once", {60000, 80, 0, 12 * SECOND}, 6, 6},
      {"within half a second", {60000, 80, SECOND / 2, 12 * SECOND}, 8, 9},
      {"a slower machine", {120000, 80, 4 * SECOND, 12 * SECOND}, 14, 15},
      {"two a second", {60000, 160, 80 * SECOND, 12 * SECOND}, 160, 160},
      {"two a second, who say nothing", {60000, 160, 80 * SECOND, 0}, 160, 160},
      {"who are heard sooner than others come", {60000, 200, 20 * SECOND, SECOND}, 200, 200},
      {"scripted", {0, 200, 10 * SECOND, 12 * SECOND}, 200, 200},
      {"scripted, at once", {0, 100, 0, 0}, 100, 100},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_auto (Machine) machine = {0};
    machine_init (&machine);
    g_test_message ("%s", rows[i].what);
    guint n = come (&machine, &rows[i].crowd);
    g_assert_cmpuint (n, >=, rows[i].from);
    g_assert_cmpuint (n, <=, rows[i].to);
  }
}

/* It makes no difference to those who come together who came before them. */
static void
test_unheard_before (void)
{
  static const Crowd crowd = {60000, 80, 0, 0};
  for (guint n_before = 1; n_before <= 20; n_before += 19) {
    const Crowd before = {60000, n_before, n_before * SECOND / 2, 0};
    g_auto (Machine) machine = {0};
    machine_init (&machine);
    g_assert_cmpuint (come (&machine, &before), ==, n_before);
    machine.now_us += SECOND;
    guint n = come (&machine, &crowd);
    g_assert_cmpuint (n, >=, 5);
    g_assert_cmpuint (n, <=, 6);
  }
}

/* However dear a transcript is: nobody is alone with three others and too many. */
static void
test_unheard_few (void)
{
  static const Crowd crowd = {10 * SECOND, 10, 0, 0};
  g_auto (Machine) machine = {0};
  machine_init (&machine);
  machine.sample.calls = 0;
  pass (&machine, 1);
  g_assert_cmpuint (come (&machine, &crowd), ==, 4);
}

/* Each that was heard, or is over, makes room for one, once. */
static void
test_heard (void)
{
  g_auto (Machine) machine = {0};
  RpAdmissionReason reason;
  RpAdmissionState state;
  guint retry_after_s;
  guint64 number;
  guint64 first = 0;
  guint n = 0;
  machine_init (&machine);
  rp_admission_set_stt_cpu (machine.admission, 100000);
  for (; (number = rp_admission_ask (machine.admission, machine.now_us, &reason, &retry_after_s)) !=
         0;
       n++)
    first = first == 0 ? number : first;
  rp_admission_state (machine.admission, machine.now_us, &state);
  g_assert_cmpuint (state.unheard, ==, n);
  g_assert_cmpint (state.stt_cpu_us, ==, 100000);
  g_assert_cmpstr (refusal (&machine), ==, "stt");
  rp_admission_heard (machine.admission, 0);
  rp_admission_heard (machine.admission, first + 1000);
  g_assert_cmpstr (refusal (&machine), ==, "stt");
  rp_admission_heard (machine.admission, first + 3);
  g_assert_cmpstr (refusal (&machine), ==, "");
  g_assert_cmpuint (rp_admission_ask (machine.admission, machine.now_us, &reason, &retry_after_s),
                    !=, 0);
  rp_admission_heard (machine.admission, first + 3);
  g_assert_cmpstr (refusal (&machine), ==, "stt");
  /* Those who say nothing at all. */
  machine.now_us += RP_ADMISSION_UNHEARD_US - 1;
  rp_admission_state (machine.admission, machine.now_us, &state);
  g_assert_cmpuint (state.unheard, ==, n);
  machine.now_us++;
  rp_admission_state (machine.admission, machine.now_us, &state);
  g_assert_cmpuint (state.unheard, ==, 0);
  rp_admission_heard (machine.admission, first);
}

/* A zygote that was started again may know it otherwise, or not at all. */
static void
test_stt_cpu (void)
{
  static const Crowd crowd = {50000, 6, 0, 0};
  g_auto (Machine) machine = {0};
  RpAdmissionState state;
  machine_init (&machine);
  g_assert_cmpuint (come (&machine, &crowd), ==, 6);
  rp_admission_set_stt_cpu (machine.admission, 100000);
  g_assert_cmpstr (refusal (&machine), ==, "stt");
  rp_admission_set_stt_cpu (machine.admission, 50000);
  g_assert_cmpstr (refusal (&machine), ==, "");
  rp_admission_set_stt_cpu (machine.admission, 100000);
  g_assert_cmpstr (refusal (&machine), ==, "stt");
  rp_admission_set_stt_cpu (machine.admission, 0);
  g_assert_cmpstr (refusal (&machine), ==, "");

  /* What a call costs is told from it until calls have told it. */
  rp_admission_state (machine.admission, machine.now_us, &state);
  double scripted = state.call_cpu;
  rp_admission_set_stt_cpu (machine.admission, 70000);
  rp_admission_state (machine.admission, machine.now_us, &state);
  g_assert_cmpfloat_with_epsilon (state.call_cpu, scripted + 0.01, 0.001);
  machine.sample.calls = 20;
  pass (&machine, 100);
  rp_admission_set_stt_cpu (machine.admission, 10 * SECOND);
  rp_admission_state (machine.admission, machine.now_us, &state);
  g_assert_cmpfloat_with_epsilon (state.call_cpu, 0.015, 0.001);
}

/* Who asks again and again is told to wait longer. */
static void
test_retry_after (void)
{
  g_auto (Machine) machine = {0};
  RpAdmissionReason reason;
  guint retry_after_s = 0;
  machine_init (&machine);
  machine.sample.tick_late_us = 50000;
  pass (&machine, 32);
  g_assert_false (rp_admission_ask (machine.admission, machine.now_us, &reason, &retry_after_s));
  g_assert_cmpuint (retry_after_s, ==, 15);
  pass (&machine, 600);
  g_assert_false (rp_admission_ask (machine.admission, machine.now_us, &reason, &retry_after_s));
  g_assert_cmpuint (retry_after_s, ==, 30);
}

static void
test_off (void)
{
  RpAdmissionConfig config;
  g_auto (Machine) machine = {0};
  machine_init (&machine);
  rp_admission_free (machine.admission);
  rp_admission_config_init (&config);
  config.enabled = FALSE;
  machine.admission = rp_admission_new (&config);
  g_assert_cmpuint (come (&machine, &(const Crowd){10 * SECOND, 100, 0, 0}), ==, 100);
  machine.sample.cpu = machine.sample.cpu_own = 1;
  machine.sample.tick_late_us = 100000;
  machine.sample.memory_bytes = 0;
  pass (&machine, 20);
  g_assert_cmpstr (refusal (&machine), ==, "");
  g_assert_cmpuint (rp_admission_complexity (machine.admission), ==, 0);
}

/* Work is shed at once and taken up again slowly, never to and fro. */
static void
test_complexity (void)
{
  static const struct {
    double cpu;
    guint seconds;
    guint complexity;
  } rows[] = {
      {0.50, 10, 5}, {0.70, 10, 3}, {0.80, 10, 1}, {0.95, 10, 0}, {0.80, 30, 0},
      {0.65, 10, 1}, {0.65, 30, 1}, {0.47, 12, 3}, {0.47, 30, 3}, {0.40, 12, 5},
  };
  g_auto (Machine) machine = {0};
  machine_init (&machine);
  g_assert_cmpuint (rp_admission_complexity (machine.admission), ==, 5);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    machine.sample.cpu = rows[i].cpu;
    pass (&machine, rows[i].seconds);
    g_test_message ("row %u", (guint) i);
    g_assert_cmpuint (rp_admission_complexity (machine.admission), ==, rows[i].complexity);
  }
}

static void
test_state (void)
{
  g_auto (Machine) machine = {0};
  RpAdmissionState state;
  RpAdmissionReason reason;
  guint retry_after_s;
  machine_init (&machine);
  pass (&machine, 100);
  rp_admission_ask (machine.admission, machine.now_us, &reason, &retry_after_s);
  rp_admission_state (machine.admission, machine.now_us, &state);
  g_assert_cmpuint (state.young, ==, 1);
  g_assert_cmpfloat_with_epsilon (state.cpu_smooth, 0.2, 0.001);
  g_assert_cmpfloat_with_epsilon (state.call_cpu, 0.015, 0.001);
  rp_admission_state (machine.admission, machine.now_us + RP_ADMISSION_YOUNG_US, &state);
  g_assert_cmpuint (state.young, ==, 0);
  for (guint i = 0; i < RP_ADMISSION_N_REASONS; i++) {
    g_assert_nonnull (rp_admission_reason_name ((RpAdmissionReason) i));
    g_assert_nonnull (rp_admission_reason_text ((RpAdmissionReason) i));
  }
  rp_admission_free (NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/admission/signals", test_signals);
  g_test_add_func ("/admission/cpu", test_cpu);
  g_test_add_func ("/admission/noise", test_noise);
  g_test_add_func ("/admission/first-calls", test_first_calls);
  g_test_add_func ("/admission/hiccups", test_hiccups);
  g_test_add_func ("/admission/unknown", test_unknown);
  g_test_add_func ("/admission/crowd", test_crowd);
  g_test_add_func ("/admission/unheard", test_unheard);
  g_test_add_func ("/admission/unheard-before", test_unheard_before);
  g_test_add_func ("/admission/unheard-few", test_unheard_few);
  g_test_add_func ("/admission/heard", test_heard);
  g_test_add_func ("/admission/stt-cpu", test_stt_cpu);
  g_test_add_func ("/admission/retry-after", test_retry_after);
  g_test_add_func ("/admission/off", test_off);
  g_test_add_func ("/admission/complexity", test_complexity);
  g_test_add_func ("/admission/state", test_state);
  return g_test_run ();
}
