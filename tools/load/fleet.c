#include "fleet.h"

#include <math.h>
#include <string.h>
#include <sys/resource.h>

#define HTTP_THREADS 8
#define DEFAULT_RATE 20.0 /* calls a second */
/* Calls that are being set up at most: a server that is slow must not be buried. */
#define MAX_PENDING 64
/* After the last call of a phase has connected, and before its steady part. */
#define SETTLE_US (2 * G_USEC_PER_SEC)
/* Calls that have not connected so long after the ramp are left behind. */
#define RAMP_PATIENCE_US (20 * G_USEC_PER_SEC)
/* Before one that ended is replaced, and before the next caller comes after one was turned away. */
#define REPLACE_US 100000
#define REFUSED_US G_USEC_PER_SEC
#define MAX_KILL_AFTER_MS 3000
#define MAX_HESITATE_US 1000000
#define LAND_US (3 * G_USEC_PER_SEC)
/* For goodbyes and for SCTP's thread. */
#define FAREWELL_US 300000
/* Callers are other machines as a rule: what a server's processes leave of ours must not decide
 * when they speak. */
#define NICENESS (-10)
/* A tick that comes so late was no tick: the process was stopped, and whoever it talks to perhaps,
 * too. */
#define STALL_US G_USEC_PER_SEC

typedef enum {
  STATE_RAMP,
  STATE_SETTLE,
  STATE_HOLD,
  STATE_ASK,  /* the server's statistics */
  STATE_LAND, /* for those that are being set up: broken off, they would burden the server */
  STATE_FAREWELL,
  STATE_DONE,
} State;

typedef struct {
  RpLoadFleet *fleet;
  RpLoadCall *call; /* (nullable) */
  gboolean connected;
  gboolean ended; /* to be freed by the next tick */
  gboolean orderly;
  gint64 start_us; /* without a call: when the next one begins; G_MAXINT64 = never */
} Slot;

struct _RpLoadFleet {
  RpLoop *loop;
  const RpLoadOptions *options;
  void (*done) (gpointer);
  gpointer data;

  RpLoadSockets *sockets;
  RpLoadHttp *http;
  RpDtlsCertificate *certificate;
  RpLoadCommon common;
  RpLoadTally between; /* of the time before the first phase and after the last */
  GRand *random;
  guint ticker;

  State state;
  gint64 due_us;
  gint64 last_tick_us;
  guint step;
  GPtrArray *slots; /* of Slot */
  guint pending;
  guint next_kill;
  guint number;
  guint asking;
  GThreadPool *usage_pool; /* one thread; (nullable) */
  GPtrArray *phases;       /* of RpLoadPhase */
  RpLoadPhase *phase;
  RpLoadOutcome outcome;
};

static gint64
own_cpu_us (void)
{
  struct rusage usage;
  getrusage (RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC + usage.ru_utime.tv_usec +
         usage.ru_stime.tv_usec;
}

static RpLoadPhase *
phase_new (guint calls)
{
  RpLoadPhase *phase = g_new0 (RpLoadPhase, 1);
  phase->calls = calls;
  rp_load_tally_init (&phase->tally);
  return phase;
}

static void
phase_free (gpointer data)
{
  RpLoadPhase *phase = data;
  rp_load_tally_clear (&phase->tally);
  g_free (phase->stats);
  g_free (phase->history);
  g_free (phase);
}

static gboolean
churns (const RpLoadFleet *fleet)
{
  return fleet->options->call_length_s > 0 || fleet->options->n_kills > 0 ||
         fleet->options->total > 0;
}

static gboolean
may_start (const RpLoadFleet *fleet)
{
  return fleet->state <= STATE_HOLD &&
         (fleet->options->total == 0 || fleet->outcome.attempted < fleet->options->total);
}

static void
on_connected (RpLoadCall *call, gpointer user_data)
{
  Slot *slot = user_data;
  slot->connected = TRUE;
  slot->fleet->pending--;
  slot->fleet->outcome.connected++;
}

static void
count_failure (RpLoadFleet *fleet, const char *reason)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (fleet->outcome.reasons, reason));
  fleet->outcome.failed++;
  g_hash_table_insert (fleet->outcome.reasons, g_strdup (reason), GUINT_TO_POINTER (n + 1));
}

/* When the slot's next call begins. */
static gint64
replacement (const RpLoadFleet *fleet, const RpLoadCall *call, RpLoadEnd end)
{
  gint64 now_us = rp_loop_now_us ();
  gint64 jitter_us = g_rand_int_range (fleet->random, 0, REPLACE_US);

  if (end == RP_LOAD_END_REFUSED && fleet->options->retry)
    return now_us + MAX (rp_load_call_retry_after_s (call), 1) * G_USEC_PER_SEC + jitter_us;
  if (!churns (fleet))
    return G_MAXINT64;
  if (end == RP_LOAD_END_REFUSED || end == RP_LOAD_END_FAILED)
    return now_us + REFUSED_US + jitter_us;
  return now_us + REPLACE_US + jitter_us;
}

static void
on_ended (RpLoadCall *call, RpLoadEnd end, const char *reason, gpointer user_data)
{
  Slot *slot = user_data;
  RpLoadFleet *fleet = slot->fleet;

  if (!slot->connected)
    fleet->pending--;
  slot->connected = FALSE;
  slot->ended = TRUE;
  slot->orderly = end == RP_LOAD_END_HUNG_UP;
  slot->start_us = replacement (fleet, call, end);
  switch (end) {
  case RP_LOAD_END_HUNG_UP:
    break;
  case RP_LOAD_END_KILLED:
    fleet->outcome.killed[rp_load_call_killed_at (call)]++;
    break;
  case RP_LOAD_END_REFUSED:
    fleet->outcome.refused++;
    fleet->outcome.retry_after_s =
        MAX (fleet->outcome.retry_after_s, rp_load_call_retry_after_s (call));
    break;
  case RP_LOAD_END_FAILED:
    count_failure (fleet, reason);
    break;
  }
}

/* Exponential around the mean, without the extremes that would make the load something else. */
static gint64
draw_length_us (RpLoadFleet *fleet)
{
  double mean = fleet->options->call_length_s;
  if (mean <= 0)
    return 0;
  double length = -log (1 - g_rand_double (fleet->random)) * mean;
  return (gint64) (CLAMP (length, mean / 5, mean * 5) * G_USEC_PER_SEC);
}

static void
start_call (RpLoadFleet *fleet, Slot *slot)
{
  static const RpLoadCallEvents events = {.connected = on_connected, .ended = on_ended};
  g_autoptr (GError) error = NULL;
  RpLoadCallConfig config = {.number = fleet->number++,
                             .hang_up_us = draw_length_us (fleet),
                             .hesitate_us = g_rand_int_range (fleet->random, 0, MAX_HESITATE_US)};

  if (fleet->options->n_kills > 0 && g_rand_double (fleet->random) < fleet->options->kill_share) {
    config.kill = fleet->options->kills[fleet->next_kill++ % fleet->options->n_kills];
    config.kill_after_us = g_rand_int_range (fleet->random, 0, MAX_KILL_AFTER_MS) * 1000;
  }
  fleet->outcome.attempted++;
  slot->start_us = G_MAXINT64;
  slot->call = rp_load_call_new (&fleet->common, &config, &events, slot, &error);
  if (slot->call)
    fleet->pending++;
  else
    count_failure (fleet, error->message);
}

static void
run_slots (RpLoadFleet *fleet, gint64 now_us)
{
  for (guint i = 0; i < fleet->slots->len; i++) {
    Slot *slot = g_ptr_array_index (fleet->slots, i);
    if (slot->ended) {
      rp_load_call_free (slot->call, slot->orderly);
      slot->call = NULL;
      slot->ended = FALSE;
    }
    if (slot->call)
      rp_load_call_tick (slot->call, now_us);
    else if (now_us >= slot->start_us && fleet->pending < MAX_PENDING && may_start (fleet))
      start_call (fleet, slot);
  }
}

static guint
count_up (const RpLoadFleet *fleet)
{
  guint n = 0;
  for (guint i = 0; i < fleet->slots->len; i++)
    n += ((Slot *) g_ptr_array_index (fleet->slots, i))->connected;
  return n;
}

/* Calls are running or will be. */
static gboolean
has_calls (const RpLoadFleet *fleet)
{
  for (guint i = 0; i < fleet->slots->len; i++) {
    const Slot *slot = g_ptr_array_index (fleet->slots, i);
    if (slot->call || (slot->start_us != G_MAXINT64 && may_start (fleet)))
      return TRUE;
  }
  return FALSE;
}

static gboolean
ramped (const RpLoadFleet *fleet)
{
  for (guint i = 0; i < fleet->slots->len; i++) {
    const Slot *slot = g_ptr_array_index (fleet->slots, i);
    if (slot->call ? !slot->connected : slot->start_us != G_MAXINT64)
      return FALSE;
  }
  return TRUE;
}

static void
hang_up (RpLoadFleet *fleet, guint from)
{
  for (guint i = from; i < fleet->slots->len; i++) {
    Slot *slot = g_ptr_array_index (fleet->slots, i);
    if (slot->call && !slot->connected && !slot->ended)
      fleet->pending--;
    rp_load_call_free (slot->call, !slot->ended || slot->orderly);
    slot->call = NULL;
    slot->connected = FALSE;
    slot->ended = FALSE;
    slot->start_us = G_MAXINT64;
  }
}

static void
begin_step (RpLoadFleet *fleet, gint64 now_us)
{
  guint calls = fleet->options->steps[fleet->step];
  guint present = fleet->slots->len;

  if (calls < present) {
    hang_up (fleet, calls);
    g_ptr_array_set_size (fleet->slots, (gint) calls);
  }
  guint n_new = calls > present ? calls - present : 0;
  double ramp_s = fleet->options->ramp_s >= 0 ? fleet->options->ramp_s : n_new / DEFAULT_RATE;
  gint64 ramp_us = (gint64) (ramp_s * G_USEC_PER_SEC);
  for (guint i = 0; i < n_new; i++) {
    Slot *slot = g_new0 (Slot, 1);
    slot->fleet = fleet;
    slot->start_us = now_us + ramp_us * i / n_new;
    g_ptr_array_add (fleet->slots, slot);
  }
  fleet->phase = phase_new (calls);
  fleet->common.tally = &fleet->phase->tally;
  fleet->state = STATE_RAMP;
  fleet->due_us = now_us + ramp_us + RAMP_PATIENCE_US;
}

typedef struct {
  RpLoadFleet *fleet;
  RpLoadUsage *out;
  gboolean at_end;
} UsageJob;

static void
on_usage (gpointer data)
{
  UsageJob *job = data;
  job->fleet->asking--;
}

/* On the pool's thread, whose jobs come one after the other. */
static void
look_at_usage (gpointer data, gpointer user_data)
{
  UsageJob *job = data;
  rp_load_usage (job->fleet->options->watched, job->at_end, job->out);
  while (!rp_loop_post (job->fleet->loop, on_usage, job, g_free))
    g_usleep (RP_LOOP_TICK_US);
}

static void
ask_usage (RpLoadFleet *fleet, RpLoadUsage *out, gboolean at_end)
{
  if (!fleet->usage_pool)
    return;
  UsageJob *job = g_new0 (UsageJob, 1);
  *job = (UsageJob){fleet, out, at_end};
  fleet->asking++;
  g_thread_pool_push (fleet->usage_pool, job, NULL);
}

static void
begin_hold (RpLoadFleet *fleet)
{
  RpLoadPhase *phase = fleet->phase;

  g_ptr_array_add (fleet->phases, phase);
  phase->up = count_up (fleet);
  ask_usage (fleet, &phase->before, FALSE);
  phase->own_cpu_us = own_cpu_us ();
  phase->begun_us = rp_loop_now_us ();
  phase->begun_unix_s = g_get_real_time () / G_USEC_PER_SEC;
  phase->tally.measuring = TRUE;
  fleet->state = STATE_HOLD;
  fleet->due_us = phase->begun_us + (gint64) (fleet->options->hold_s * G_USEC_PER_SEC);
}

static void
take_json (RpLoadFleet *fleet, const RpLoadHttpReply *reply, char **out)
{
  fleet->asking--;
  if (reply->status == 200)
    *out = g_strdup (reply->body);
}

static void
on_stats (const RpLoadHttpReply *reply, gpointer user_data)
{
  RpLoadFleet *fleet = user_data;
  take_json (fleet, reply, &fleet->phase->stats);
}

static void
on_history (const RpLoadHttpReply *reply, gpointer user_data)
{
  RpLoadFleet *fleet = user_data;
  take_json (fleet, reply, &fleet->phase->history);
}

static void
end_hold (RpLoadFleet *fleet)
{
  RpLoadPhase *phase = fleet->phase;

  phase->tally.measuring = FALSE;
  phase->ended_us = rp_loop_now_us ();
  phase->own_cpu_us = own_cpu_us () - phase->own_cpu_us;
  ask_usage (fleet, &phase->after, TRUE);
  fleet->asking += 2;
  rp_load_http_send (fleet->http, "/stats", NULL, RP_LOAD_HTTP_WHOLE, on_stats, fleet);
  rp_load_http_send (fleet->http, "/stats/history", NULL, RP_LOAD_HTTP_WHOLE, on_history, fleet);
  fleet->state = STATE_ASK;
}

static void
land (RpLoadFleet *fleet, gint64 now_us)
{
  fleet->state = STATE_LAND;
  fleet->due_us = now_us + LAND_US;
}

static void
say_goodbye (RpLoadFleet *fleet, gint64 now_us)
{
  fleet->common.tally = &fleet->between;
  hang_up (fleet, 0);
  fleet->state = STATE_FAREWELL;
  fleet->due_us = now_us + FAREWELL_US;
}

static void
run_phases (RpLoadFleet *fleet, gint64 now_us)
{
  gboolean nobody = !has_calls (fleet);

  switch (fleet->state) {
  case STATE_RAMP:
    if (!ramped (fleet) && now_us < fleet->due_us && fleet->options->total == 0)
      break;
    fleet->state = STATE_SETTLE;
    fleet->due_us = now_us + (fleet->options->total > 0 ? 0 : SETTLE_US);
    break;
  case STATE_SETTLE:
    if (now_us >= fleet->due_us)
      begin_hold (fleet);
    break;
  case STATE_HOLD:
    if (now_us >= fleet->due_us || nobody)
      end_hold (fleet);
    break;
  case STATE_ASK:
    if (fleet->asking > 0)
      break;
    if (++fleet->step < fleet->options->n_steps && !fleet->outcome.interrupted)
      begin_step (fleet, now_us);
    else
      land (fleet, now_us);
    break;
  case STATE_LAND:
    if (fleet->pending == 0 || now_us >= fleet->due_us)
      say_goodbye (fleet, now_us);
    break;
  case STATE_FAREWELL:
    if (now_us < fleet->due_us)
      break;
    fleet->state = STATE_DONE;
    fleet->done (fleet->data);
    break;
  case STATE_DONE:
    break;
  }
}

static void
on_tick (gint64 now_us, gpointer data)
{
  RpLoadFleet *fleet = data;

  if (fleet->last_tick_us > 0 && now_us - fleet->last_tick_us > STALL_US) {
    fleet->common.awake_us = now_us;
    fleet->common.tally->stalls++;
  }
  fleet->last_tick_us = now_us;
  rp_load_sockets_drain (fleet->sockets);
  run_slots (fleet, now_us);
  run_phases (fleet, now_us);
}

typedef struct {
  RpLoadFleet *fleet;
  GError **error;
  gboolean ok;
} Sync;

static void
start (gpointer data)
{
  Sync *sync = data;
  RpLoadFleet *fleet = sync->fleet;

  fleet->sockets = rp_load_sockets_new (fleet->loop, sync->error);
  if (!fleet->sockets)
    return;
  /* Of this thread alone (Linux). Without the right to it, they are later, and say so. */
  (void) setpriority (PRIO_PROCESS, 0, NICENESS);
  fleet->common.sockets = fleet->sockets;
  begin_step (fleet, rp_loop_now_us ());
  fleet->ticker = rp_loop_add_ticker (fleet->loop, on_tick, fleet);
  sync->ok = TRUE;
}

static gboolean
prepare (RpLoadFleet *fleet, const RpLoadSpeech *speech, GError **error)
{
  const RpLoadOptions *o = fleet->options;

  fleet->http = rp_load_http_new (fleet->loop, o->url, o->token, HTTP_THREADS, error);
  if (!fleet->http)
    return FALSE;
  fleet->certificate = rp_dtls_certificate_new (error);
  if (!fleet->certificate)
    return FALSE;
  if (o->watched > 0)
    fleet->usage_pool = g_thread_pool_new (look_at_usage, NULL, 1, FALSE, NULL);
  fleet->common = (RpLoadCommon){.loop = fleet->loop,
                                 .http = fleet->http,
                                 .certificate = fleet->certificate,
                                 .speech = speech,
                                 .agent = o->agent,
                                 .with_data = o->with_data,
                                 .with_red = o->with_red,
                                 .with_answers = o->with_answers,
                                 .talk = o->talk,
                                 .impair = o->impair,
                                 .tally = &fleet->between};
  return TRUE;
}

RpLoadFleet *
rp_load_fleet_new (RpLoop *loop, const RpLoadOptions *options, const RpLoadSpeech *speech,
                   void (*done) (gpointer), gpointer data, GError **error)
{
  RpLoadFleet *fleet = g_new0 (RpLoadFleet, 1);
  Sync sync = {.fleet = fleet, .error = error};

  fleet->loop = loop;
  fleet->options = options;
  fleet->done = done;
  fleet->data = data;
  fleet->random = g_rand_new_with_seed (options->seed);
  fleet->slots = g_ptr_array_new_with_free_func (g_free);
  fleet->phases = g_ptr_array_new_with_free_func (phase_free);
  fleet->outcome.retry_after_s = -1;
  fleet->outcome.reasons = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  rp_load_tally_init (&fleet->between);
  if (prepare (fleet, speech, error))
    rp_loop_call_sync (loop, start, &sync);
  if (!sync.ok)
    g_clear_pointer (&fleet, rp_load_fleet_free);
  return fleet;
}

static void
stop (gpointer data)
{
  RpLoadFleet *fleet = data;
  if (fleet->ticker)
    rp_loop_remove_ticker (fleet->loop, fleet->ticker);
  hang_up (fleet, 0);
}

static void
drop_sockets (gpointer data)
{
  RpLoadFleet *fleet = data;
  g_clear_pointer (&fleet->sockets, rp_load_sockets_free);
}

void
rp_load_fleet_free (RpLoadFleet *fleet)
{
  if (!fleet)
    return;
  rp_loop_call_sync (fleet->loop, stop, fleet);
  /* Its jobs still post to calls that wait for them: one more turn of the loop delivers. */
  rp_load_http_free (fleet->http);
  if (fleet->usage_pool)
    g_thread_pool_free (fleet->usage_pool, FALSE, TRUE);
  rp_loop_call_sync (fleet->loop, drop_sockets, fleet);
  rp_loop_call_sync (fleet->loop, drop_sockets, fleet);
  if (fleet->phase && !g_ptr_array_find (fleet->phases, fleet->phase, NULL))
    phase_free (fleet->phase);
  g_ptr_array_unref (fleet->phases);
  g_ptr_array_unref (fleet->slots);
  g_hash_table_unref (fleet->outcome.reasons);
  rp_load_tally_clear (&fleet->between);
  if (fleet->certificate)
    rp_dtls_certificate_unref (fleet->certificate);
  g_rand_free (fleet->random);
  g_free (fleet);
}

static void
interrupt (gpointer data)
{
  RpLoadFleet *fleet = data;

  if (fleet->state >= STATE_LAND)
    return;
  fleet->outcome.interrupted = TRUE;
  if (fleet->state == STATE_HOLD)
    end_hold (fleet);
  else if (fleet->state < STATE_HOLD)
    land (fleet, rp_loop_now_us ());
}

void
rp_load_fleet_interrupt (RpLoadFleet *fleet)
{
  rp_loop_call_sync (fleet->loop, interrupt, fleet);
}

const RpLoadOutcome *
rp_load_fleet_outcome (const RpLoadFleet *fleet)
{
  return &fleet->outcome;
}

GPtrArray *
rp_load_fleet_phases (const RpLoadFleet *fleet)
{
  return fleet->phases;
}
