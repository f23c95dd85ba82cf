#include "impair.h"

#include <stddef.h>
#include <string.h>

/* A datagram that is held back lets the next two of a 20 ms stream pass. */
#define REORDER_US 50000
#define INCOMING_PREFIX "--in-"

typedef enum {
  AS_DOUBLE,
  AS_TIME_US,
  AS_SIZE,
  AS_RATE,
} Kind;

typedef struct {
  const char *name;
  Kind kind;
  gsize offset; /* in RpImpairPath */
  double max;
  double factor; /* of the number given, for the member */
} Option;

static const Option options[] = {
    {"--loss", AS_DOUBLE, offsetof (RpImpairPath, loss), 100, 0.01},
    {"--burst", AS_DOUBLE, offsetof (RpImpairPath, burst), 1000, 1},
    {"--reorder", AS_DOUBLE, offsetof (RpImpairPath, reorder), 100, 0.01},
    {"--duplicate", AS_DOUBLE, offsetof (RpImpairPath, duplicate), 100, 0.01},
    {"--delay", AS_TIME_US, offsetof (RpImpairPath, delay_us), 10000, 1000},
    {"--jitter", AS_TIME_US, offsetof (RpImpairPath, jitter_us), 10000, 1000},
    {"--rate", AS_RATE, offsetof (RpImpairPath, rate_bps), 1e6, 1000},
    {"--queue", AS_SIZE, offsetof (RpImpairPath, queue_bytes), 1e6, 1},
    {"--mtu", AS_SIZE, offsetof (RpImpairPath, mtu_bytes), 65535, 1},
};

const char *
rp_impair_help (void)
{
  return "  --loss PERCENT       of the packets it sends\n"
         "  --burst PACKETS      mean length of the runs in which they are lost (1: independent)\n"
         "  --reorder PERCENT    held back by 50 ms\n"
         "  --duplicate PERCENT\n"
         "  --delay MS           one way\n"
         "  --jitter MS          0 to so much more, keeping the order\n"
         "  --rate KBIT          kbit/s of the link, headers counted\n"
         "  --queue BYTES        in front of it, then packets are lost (250 ms of the rate)\n"
         "  --mtu BYTES          larger IP packets are lost\n"
         "  --outage AT:FOR[:EVERY]  nothing passes from AT seconds after the call is connected\n"
         "                       for FOR seconds, and again after every EVERY\n"
         "  --in-loss, --in-burst … the same of the packets it is sent\n"
         "  --skew PPM           its microphone's clock is so much too fast (-1000 to 1000)\n"
         "  --seed N             another run of the same luck\n";
}

static gboolean
parse (const char *name, const char *text, double min, double max, double *out, GError **error)
{
  char *end = NULL;
  double value = text != NULL ? g_ascii_strtod (text, &end) : 0;
  if (text != NULL && end != text && *end == '\0' && value >= min && value <= max) {
    *out = value;
    return TRUE;
  }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "%s wants a number from %g to %g, got \"%s\"", name, min, max,
               text != NULL ? text : "nothing");
  return FALSE;
}

static gboolean
parse_outage (RpImpairPath *path, const char *name, const char *text, GError **error)
{
  double seconds[3] = {0};
  g_auto (GStrv) parts = g_strsplit (text != NULL ? text : "", ":", 4);
  guint n = g_strv_length (parts);
  gboolean good = n == 2 || n == 3;
  for (guint i = 0; i < n && good; i++)
    good = parse (name, parts[i], 0, 86400, &seconds[i], NULL);
  if (!good || seconds[1] <= 0 || (n == 3 && seconds[2] <= seconds[1])) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 "%s wants AT:FOR or AT:FOR:EVERY in seconds, got \"%s\"", name,
                 text != NULL ? text : "nothing");
    return FALSE;
  }
  path->outage_at_us = (gint64) (seconds[0] * G_USEC_PER_SEC);
  path->outage_us = (gint64) (seconds[1] * G_USEC_PER_SEC);
  path->outage_every_us = (gint64) (seconds[2] * G_USEC_PER_SEC);
  return TRUE;
}

static void
store (RpImpairPath *path, const Option *option, double value)
{
  guint8 *member = (guint8 *) path + option->offset;
  value *= option->factor;
  switch (option->kind) {
  case AS_DOUBLE:
    *(double *) (gpointer) member = value;
    break;
  case AS_TIME_US:
  case AS_RATE:
    *(gint64 *) (gpointer) member = (gint64) value;
    break;
  case AS_SIZE:
    *(gsize *) (gpointer) member = (gsize) value;
    break;
  }
}

static gboolean
path_option (RpImpairPath *path, const char *name, const char *plain, const char *value,
             GError **error)
{
  double number = 0;
  if (g_str_equal (plain, "--outage"))
    return parse_outage (path, name, value, error);
  for (gsize i = 0; i < G_N_ELEMENTS (options); i++) {
    if (!g_str_equal (plain, options[i].name))
      continue;
    if (!parse (name, value, 0, options[i].max, &number, error))
      return FALSE;
    store (path, &options[i], number);
    return TRUE;
  }
  return FALSE;
}

gboolean
rp_impair_option (RpImpair *impair, const char *name, const char *value, GError **error)
{
  double number = 0;
  if (g_str_equal (name, "--seed")) {
    if (!parse (name, value, 0, G_MAXUINT32, &number, error))
      return FALSE;
    impair->seed = (guint32) number;
    return TRUE;
  }
  if (g_str_equal (name, "--skew"))
    return parse (name, value, -1000, 1000, &impair->skew_ppm, error);
  if (!g_str_has_prefix (name, INCOMING_PREFIX))
    return path_option (&impair->out, name, name, value, error);
  g_autofree char *plain = g_strconcat ("--", name + strlen (INCOMING_PREFIX), NULL);
  return path_option (&impair->in, name, plain, value, error);
}

gboolean
rp_impair_netem (const RpImpair *impair, gboolean incoming, guint32 seed_offset, gint64 origin_us,
                 RpNetemConfig *out_config)
{
  static const RpImpairPath perfect;
  const RpImpairPath *path = incoming ? &impair->in : &impair->out;
  RpNetemConfig config = {
      .seed = 2 * (impair->seed + seed_offset) + (incoming ? 1 : 0),
      .reorder = path->reorder,
      .reorder_us = REORDER_US,
      .duplicate = path->duplicate,
      .delay_us = path->delay_us,
      .jitter_us = path->jitter_us,
      .keep_order = TRUE,
      .rate_bps = path->rate_bps,
      .queue_bytes = path->queue_bytes,
      .mtu_bytes = path->mtu_bytes,
      .outage_from_us = origin_us + path->outage_at_us,
      .outage_to_us = origin_us + path->outage_at_us + path->outage_us,
      .outage_every_us = path->outage_every_us,
  };
  if (path->burst > 1 && path->loss > 0 && path->loss < 1) {
    /* In the bad state everything is lost; it is left with 1 / burst and entered as often as makes
     * the share of time in it the loss. */
    config.p_leave_bad = 1 / path->burst;
    config.p_enter_bad = MIN (path->loss * config.p_leave_bad / (1 - path->loss), 1);
    config.loss_bad = 1;
  } else {
    config.loss = path->loss;
  }
  *out_config = config;
  return memcmp (path, &perfect, sizeof perfect) != 0;
}
