#include "vad-gate.h"

#include <string.h>

typedef struct {
  const char *what;
  /* One character a chunk of 32 ms. S: speech, loud; q: speech for the VAD, but quiet; w: weak,
   * between the thresholds, loud; .: silence; n: silence for the VAD, but loud; P: invented. */
  const char *chunks;
  /* b(egin) p(ause) r(esume) e(nd), its position in chunks, and the chunk at which it came. */
  const char *events;
} Row;

static const Row rows[] = {
    {"a word", "..SSSSSSSS.......", "b2@7 p10@11 e10@15 "},
    {"the VAD lags by two chunks", "..SSSSSSSSqq.......", "b2@7 p10@12 e10@15 "},
    {"it cannot lag by more than three", "..SSSSSSSSqqqqqqq.....", "b2@7 p14@17 e14@19 "},
    {"noise is as loud as speech", "..SSSSSSSSnnnnnnnn", "b2@7 p10@11 e10@15 "},
    {"a click is no speech", "..SS.....SS....", ""},
    {"weak chunks hold speech", "..SSSSSSwwwwSS......", "b2@7 p14@15 e14@19 "},
    {"weak chunks start nothing", "..wwwwwwwwwwww....", ""},
    {"one gap while rising", "..SSS.SSS......", "b2@8 p9@10 e9@14 "},
    {"a pause that resumes", "..SSSSSS...SSSS......", "b2@7 p8@9 r11@11 p15@16 e15@20 "},
    {"loss ends nothing", "..SSSSSSPPPPPPPPPPPP", "b2@7 "},
    {"loss starts nothing", "..PPPPPPPPPPPP", ""},
    {"silence after loss ends it", "..SSSSSSPPPP......", "b2@7 p12@13 e12@17 "},
};

static void
run_row (gconstpointer data)
{
  const Row *row = data;
  RpVadGateConfig config;
  rp_vad_gate_config_init (&config);
  g_autoptr (RpVadGate) gate = rp_vad_gate_new (&config);
  g_autoptr (GString) events = g_string_new (NULL);
  for (guint i = 0; row->chunks[i] != '\0'; i++) {
    char c = row->chunks[i];
    float probability = c == 'S' || c == 'q' ? 0.9f : c == 'w' ? 0.4f : 0.05f;
    float pcm[RP_VAD_CHUNK_SAMPLES];
    for (guint j = 0; j < RP_VAD_CHUNK_SAMPLES; j++)
      pcm[j] = (j % 2 == 0 ? 1.0f : -1.0f) * (c == 'S' || c == 'w' || c == 'n' ? 0.1f : 0.0005f);
    rp_vad_gate_input (gate, (gint64) i * RP_VAD_CHUNK_SAMPLES, probability, c == 'P', pcm);
    RpVadGateEvent event;
    while (rp_vad_gate_poll (gate, &event))
      g_string_append_printf (events, "%c%d@%u ", "bpre"[event.type],
                              (int) (event.pos_samples / RP_VAD_CHUNK_SAMPLES), i);
  }
  g_assert_cmpstr (events->str, ==, row->events);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *path = g_strdelimit (g_strconcat ("/vad-gate/", rows[i].what, NULL), " ", '-');
    g_test_add_data_func (path, &rows[i], run_row);
  }
  return g_test_run ();
}
