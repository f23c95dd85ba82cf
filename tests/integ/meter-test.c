/* The caller's pure parts: what it measures and what it does next. Times in ms, from 1. */
#include "script.h"

#define MS 1000

/* An agent that is audible in [from, to), in frames of 20 ms. */
typedef struct {
  guint from;
  guint to;
} Talk;

typedef struct {
  const char *what;
  Talk talks[4];
  guint speech_start; /* of the caller */
  guint speech_end;
  gboolean barged_in;
  guint stop; /* 0 = none */
  guint answer;
  gboolean premature;
} Case;

static const Case cases[] = {
    {"answered", {{100, 600}, {2300, 3000}}, 1000, 2000, FALSE, 0, 2300, FALSE},
    {"never answered", {{100, 600}}, 1000, 2000, FALSE, 0, 0, FALSE},
    {"nothing ever heard", {{0, 0}}, 1000, 2000, FALSE, 0, 0, FALSE},
    {"barged in", {{100, 1200}, {2300, 3000}}, 1000, 2000, TRUE, 1180, 2300, FALSE},
    {"barged in, short word, quick answer",
     {{100, 1300}, {1560, 2000}},
     1000,
     1300,
     TRUE,
     1280,
     1560,
     FALSE},
    {"barged in, a pause between sentences is no stop",
     {{100, 1060}, {1360, 1800}, {2600, 3000}},
     1000,
     2300,
     TRUE,
     1780,
     2600,
     FALSE},
    {"barged in, never stops", {{100, 3000}}, 1000, 2000, TRUE, 2980, 0, FALSE},
    {"answered too early", {{100, 600}, {1500, 3000}}, 1000, 2000, FALSE, 0, 1500, TRUE},
    {"began too early, stopped, then answered",
     {{100, 600}, {1300, 1600}, {2300, 3000}},
     1000,
     2000,
     FALSE,
     0,
     2300,
     FALSE},
};

static void
test_meter (gconstpointer data)
{
  const Case *c = data;
  g_autoptr (RpCallMeter) meter = rp_call_meter_new ();
  guint n = 0;

  for (guint t = 20; t < 4000; t += 20) {
    gboolean audible = FALSE;
    for (guint i = 0; i < G_N_ELEMENTS (c->talks); i++)
      audible |= t >= c->talks[i].from && t < c->talks[i].to;
    if (t == c->speech_start)
      rp_call_meter_speech_start (meter, t * MS);
    rp_call_meter_agent (meter, t * MS, audible);
    if (t == c->speech_end)
      rp_call_meter_speech_end (meter, t * MS);
  }
  rp_call_meter_finish (meter);
  const RpCallTurn *turn = rp_call_meter_turns (meter, &n);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpint (turn->speech_start_us, ==, c->speech_start * MS);
  g_assert_cmpint (turn->speech_end_us, ==, c->speech_end * MS);
  g_assert_cmpint (turn->barged_in, ==, c->barged_in);
  g_assert_cmpint (turn->stop_us, ==, c->stop * MS);
  g_assert_cmpint (turn->answer_us, ==, c->answer * MS);
  g_assert_cmpint (turn->premature, ==, c->premature);
}

static void
test_script (void)
{
  const RpCallScriptConfig config = {.gap_us = 1000 * MS, .answer_us = 5000 * MS};
  const RpCallScriptConfig patient = {TRUE, 1000 * MS, 5000 * MS};
  const RpCallStep say = {.kind = RP_CALL_SAY};
  const RpCallStep say_at = {.kind = RP_CALL_SAY_AT, .seconds = 2};
  const RpCallStep barge_in = {.kind = RP_CALL_BARGE_IN, .seconds = 0.5};
  g_autoptr (RpCallMeter) meter = rp_call_meter_new ();
  const gint64 connected = 100 * MS;
#define NEXT(config, step, n, at) rp_call_script_next (config, step, n, meter, connected, (at) *MS)

  /* Nothing heard yet. */
  g_assert_cmpint (NEXT (&config, &say, 0, 100), ==, RP_CALL_START);
  g_assert_cmpint (NEXT (&patient, &say, 0, 9000), ==, RP_CALL_WAIT);
  g_assert_cmpint (NEXT (&config, &say_at, 0, 2099), ==, RP_CALL_WAIT);
  g_assert_cmpint (NEXT (&config, &say_at, 0, 2100), ==, RP_CALL_START);
  g_assert_cmpint (NEXT (&config, &barge_in, 0, 9000), ==, RP_CALL_WAIT);
  g_assert_cmpint (NEXT (&config, NULL, 0, 9000), ==, RP_CALL_WAIT);

  /* The greeting. */
  for (guint t = 200; t < 1000; t += 20)
    rp_call_meter_agent (meter, t * MS, TRUE);
  g_assert_cmpint (NEXT (&config, &barge_in, 0, 699), ==, RP_CALL_WAIT);
  g_assert_cmpint (NEXT (&config, &barge_in, 0, 700), ==, RP_CALL_START);
  g_assert_cmpint (NEXT (&patient, &say, 0, 1979), ==, RP_CALL_WAIT);
  g_assert_cmpint (NEXT (&patient, &say, 0, 1980), ==, RP_CALL_START);
  g_assert_cmpint (NEXT (&config, NULL, 0, 1980), ==, RP_CALL_DONE);

  /* A turn, at first not answered. */
  rp_call_meter_speech_start (meter, 3000 * MS);
  rp_call_meter_speech_end (meter, 4000 * MS);
  g_assert_cmpint (NEXT (&config, &say, 1, 8999), ==, RP_CALL_WAIT);
  g_assert_cmpint (NEXT (&config, &say, 1, 9000), ==, RP_CALL_START); /* given up */
  g_assert_cmpint (NEXT (&config, NULL, 1, 9000), ==, RP_CALL_DONE);
  g_assert_cmpint (NEXT (&config, &barge_in, 1, 8000), ==, RP_CALL_WAIT);
  for (guint t = 4400; t < 5000; t += 20)
    rp_call_meter_agent (meter, t * MS, TRUE);
  g_assert_cmpint (NEXT (&config, &barge_in, 1, 4899), ==, RP_CALL_WAIT);
  g_assert_cmpint (NEXT (&config, &barge_in, 1, 4900), ==, RP_CALL_START);
  g_assert_cmpint (NEXT (&config, &say, 1, 5979), ==, RP_CALL_WAIT);
  g_assert_cmpint (NEXT (&config, &say, 1, 5980), ==, RP_CALL_START);
  g_assert_cmpint (NEXT (&config, NULL, 1, 5980), ==, RP_CALL_DONE);
#undef NEXT
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strdup_printf ("/meter/%s", cases[i].what);
    g_test_add_data_func (path, &cases[i], test_meter);
  }
  g_test_add_func ("/script", test_script);
  return g_test_run ();
}
