#include "monitor.h"

static const char *const refusal_names[RP_N_REFUSALS] = {
    [RP_REFUSED_FULL] = "full",        [RP_REFUSED_BUSY] = "busy",
    [RP_REFUSED_ADDRESS] = "address",  [RP_REFUSED_DRAINING] = "draining",
    [RP_REFUSED_WORKER] = "no_worker",
};

const char *
rp_refusal_name (RpRefusal refusal)
{
  return refusal_names[refusal];
}

static void
record_free (gpointer data)
{
  RpCallRecord *record = data;
  rp_call_unref (record->call);
  g_free (record);
}

RpMonitor *
rp_monitor_new (void)
{
  RpMonitor *self = g_new0 (RpMonitor, 1);
  self->history = rp_history_new (RP_HISTORY_POINTS);
  g_queue_init (&self->recent);
  self->voice_to_voice = rp_histogram_new ();
  self->barge_in = rp_histogram_new ();
  self->late = g_ptr_array_new_with_free_func ((GDestroyNotify) rp_histogram_free);
  return self;
}

void
rp_monitor_free (RpMonitor *self)
{
  if (self == NULL)
    return;
  rp_history_free (self->history);
  g_queue_clear_full (&self->recent, record_free);
  rp_histogram_free (self->voice_to_voice);
  rp_histogram_free (self->barge_in);
  g_ptr_array_unref (self->late);
  g_free (self);
}

void
rp_monitor_began (RpMonitor *self, guint active)
{
  self->began++;
  self->peak = MAX (self->peak, active);
}

void
rp_monitor_refused (RpMonitor *self, RpRefusal refusal)
{
  self->refused[refusal]++;
}

guint64
rp_monitor_all_refused (const RpMonitor *self)
{
  guint64 n = 0;
  for (guint i = 0; i < RP_N_REFUSALS; i++)
    n += self->refused[i];
  return n;
}

void
rp_monitor_latencies (RpMonitor *self, const RpLatencies *latencies)
{
  gint64 voice_to_voice_us = latencies->us[RP_LATENCY_VOICE_TO_VOICE];
  gint64 barge_in_us = latencies->us[RP_LATENCY_BARGE_IN_STOP];
  if (voice_to_voice_us >= 0)
    rp_histogram_record (self->voice_to_voice, voice_to_voice_us);
  if (barge_in_us >= 0)
    rp_histogram_record (self->barge_in, barge_in_us);
}

void
rp_monitor_timeline (RpMonitor *self, const RpTimelineEvent *event)
{
  if (event->type == RP_TIMELINE_ENDED)
    self->ended[event->end]++;
}

void
rp_monitor_tools (RpMonitor *self, const guint64 *now, guint64 *counted)
{
  for (guint i = 0; i < RP_TIMELINE_TOOL_N_STATUSES; i++) {
    self->tools[i] += now[i] - counted[i];
    counted[i] = now[i];
  }
}

/* A counter that is lower than before has begun anew: with another source of the client's. */
static guint64
risen (guint64 now, guint64 before)
{
  return now >= before ? now - before : now;
}

static double
risen_ms (double now, double before)
{
  return now >= before ? now - before : now;
}

void
rp_monitor_count (RpMonitor *self, const RpCallSnapshot *now, RpCallSnapshot *counted)
{
  RpTraffic *traffic = &self->traffic;
  gboolean anew = now->packets_in < counted->packets_in;
  gint64 lost_before = anew ? 0 : counted->packets_lost;
  traffic->packets_in += risen (now->packets_in, counted->packets_in);
  traffic->packets_out += risen (now->packets_out, counted->packets_out);
  traffic->concealed_ms += risen_ms (now->concealed_ms, counted->concealed_ms);
  traffic->recovered_ms += risen_ms (now->recovered_ms, counted->recovered_ms);
  traffic->underruns += risen (now->underruns, counted->underruns);
  traffic->messages_dropped += risen (now->messages_dropped, counted->messages_dropped);
  traffic->messages_invalid += risen (now->messages_invalid, counted->messages_invalid);
  traffic->results_late += risen (now->results_late, counted->results_late);
  traffic->audio_dropped += risen (now->audio_dropped, counted->audio_dropped);
  traffic->worker_restarts += risen (now->worker_restarts, counted->worker_restarts);
  traffic->turns += risen (now->turns, counted->turns);
  traffic->packets_lost += (guint64) MAX (now->packets_lost - lost_before, 0);
  *counted = *now;
  /* What came late after all is lost no more; it is not counted again when something else is. */
  counted->packets_lost = MAX (now->packets_lost, lost_before);
}

void
rp_monitor_ended (RpMonitor *self, RpCall *call, gboolean whip, gboolean failed)
{
  RpCallRecord *record = g_new (RpCallRecord, 1);
  *record = (RpCallRecord){rp_call_ref (call), whip, rp_loop_now_us ()};
  g_queue_push_head (&self->recent, record);
  if (self->recent.length > RP_RECENT_CALLS)
    record_free (g_queue_pop_tail (&self->recent));
  self->failed += failed ? 1 : 0;
}

/* --- the history --- */

/* How late the ticks of the interval were on the loop that was worst. Negative: there was none. */
static gint64
late_p99_us (RpMonitor *self, RpLoop *const *loops, guint n_loops)
{
  gint64 worst_us = -1;
  while (self->late->len < n_loops)
    g_ptr_array_add (self->late, rp_histogram_new ());
  for (guint i = 0; i < n_loops; i++) {
    RpHistogram *before = self->late->pdata[i];
    RpHistogram *now = rp_loop_lateness (loops[i]);
    self->late->pdata[i] = now;
    g_autoptr (RpHistogram) since = rp_histogram_new ();
    rp_histogram_merge (since, now);
    rp_histogram_subtract (since, before);
    rp_histogram_free (before);
    if (rp_histogram_count (since) > 0)
      worst_us = MAX (worst_us, rp_histogram_percentile_us (since, 99));
  }
  return worst_us;
}

void
rp_monitor_sample (RpMonitor *self, const RpMonitorNow *now, RpLoop *const *loops, guint n_loops)
{
  guint64 received = self->traffic.packets_in - self->traffic_before.packets_in;
  guint64 lost = self->traffic.packets_lost - self->traffic_before.packets_lost;
  guint64 refused = rp_monitor_all_refused (self);
  RpHistoryPoint point = {
      .unix_s = now->unix_s,
      .active = MAX (self->peak, now->active),
      .idle = now->idle,
      .busy = now->busy,
      .tick_late_p99_us = late_p99_us (self, loops, n_loops),
      .loss = received + lost > 0 ? (double) lost / (double) (received + lost) : -1,
      .jitter_us = now->jitter_us,
      .started = (guint) (self->began - self->began_before),
      .failed = (guint) (self->failed - self->failed_before),
      .refused = (guint) (refused - self->refused_before),
  };
  rp_history_latency (self->voice_to_voice, &point.voice_to_voice);
  rp_history_latency (self->barge_in, &point.barge_in);
  rp_history_add (self->history, &point);

  rp_histogram_reset (self->voice_to_voice);
  rp_histogram_reset (self->barge_in);
  self->peak = now->active;
  self->traffic_before = self->traffic;
  self->began_before = self->began;
  self->failed_before = self->failed;
  self->refused_before = refused;
}
