/* ICE restarts of the caller, and what they do to the agent's audio. */
#include "call-priv.h"

/* The gaps between packets count as the restart's for so long after it has begun. */
#define WATCH_US (5 * G_USEC_PER_SEC)

typedef struct {
  gboolean moved;
  gint64 begun_us;
  gint64 answered_us;
  gint64 switched_us;
  gint64 max_gap_us;
} Restart;

struct _RpCallRestarts {
  GArray *done; /* of Restart: begun, the last one may still be under way */
  gint64 last_rtp_us;
  guint64 n_switches;
};

RpCallRestarts *
rp_call_restarts_new (void)
{
  RpCallRestarts *restarts = g_new0 (RpCallRestarts, 1);
  restarts->done = g_array_new (FALSE, FALSE, sizeof (Restart));
  return restarts;
}

void
rp_call_restarts_free (RpCallRestarts *restarts)
{
  if (!restarts)
    return;
  g_array_unref (restarts->done);
  g_free (restarts);
}

static Restart *
latest (RpCall *call)
{
  GArray *done = call->restarts->done;
  return done->len > 0 ? &g_array_index (done, Restart, done->len - 1) : NULL;
}

static void
begin (RpCall *call, const RpCallRestart *due, gint64 now_us)
{
  g_autoptr (GError) error = NULL;
  const char *const addresses[] = {due->address, NULL};
  const Restart restart = {.moved = due->address != NULL, .begun_us = now_us};

  gboolean begun = due->address ? rp_peer_move (call->peer, addresses, &error)
                                : rp_peer_begin_ice_restart (call->peer, &error);
  if (!begun) {
    rp_call_fail (call, error->message);
    return;
  }
  g_array_append_val (call->restarts->done, restart);
  rp_call_journal_add (call->journal, now_us, due->address ? "new-address" : "ice-restart", NULL);
  call->config.renegotiate (call->user_data);
}

void
rp_call_restarts_tick (RpCall *call, gint64 now_us)
{
  RpPeerCounters counters;
  GArray *plan = call->config.restarts;
  guint n = call->restarts->done->len;
  Restart *last = latest (call);

  if (last) {
    rp_peer_counters (call->peer, &counters);
    if (counters.ice_switches != call->restarts->n_switches) {
      call->restarts->n_switches = counters.ice_switches;
      last->switched_us = now_us;
      rp_call_journal_add (call->journal, now_us, "new-pair", NULL);
    }
  }
  if (n == plan->len || (last && last->answered_us == 0))
    return;
  const RpCallRestart *due = &g_array_index (plan, RpCallRestart, n);
  if (now_us - call->connected_us >= due->after_us)
    begin (call, due, now_us);
}

void
rp_call_restarts_rtp (RpCall *call, gint64 arrival_us)
{
  RpCallRestarts *restarts = call->restarts;
  Restart *last = latest (call);

  if (last && restarts->last_rtp_us > 0 && arrival_us - last->begun_us < WATCH_US)
    last->max_gap_us = MAX (last->max_gap_us, arrival_us - restarts->last_rtp_us);
  restarts->last_rtp_us = arrival_us;
}

gboolean
rp_call_restarts_answer (RpCall *call, const RpPeerIceRemote *remote, GError **error)
{
  Restart *last = latest (call);

  last->answered_us = rp_loop_now_us ();
  rp_call_journal_add (call->journal, last->answered_us, "answer", "\"candidates\":%u",
                       (guint) remote->n_candidates);
  return rp_peer_set_ice_remote (call->peer, remote, error);
}

static void
add_ms (JsonBuilder *builder, const char *name, gint64 from_us, gint64 to_us)
{
  json_builder_set_member_name (builder, name);
  if (to_us > 0)
    json_builder_add_double_value (builder, (double) (to_us - from_us) / 1000);
  else
    json_builder_add_null_value (builder);
}

void
rp_call_restarts_summary (RpCall *call, JsonBuilder *builder)
{
  GArray *done = call->restarts->done;

  if (call->config.restarts->len == 0)
    return;
  json_builder_set_member_name (builder, "ice_restarts");
  json_builder_begin_array (builder);
  for (guint i = 0; i < done->len; i++) {
    const Restart *restart = &g_array_index (done, Restart, i);
    json_builder_begin_object (builder);
    json_builder_set_member_name (builder, "kind");
    json_builder_add_string_value (builder, restart->moved ? "new-address" : "ice-restart");
    add_ms (builder, "at_ms", call->start_us, restart->begun_us);
    add_ms (builder, "answer_ms", restart->begun_us, restart->answered_us);
    add_ms (builder, "new_pair_ms", restart->begun_us, restart->switched_us);
    add_ms (builder, "max_gap_ms", 0, restart->max_gap_us);
    json_builder_end_object (builder);
  }
  json_builder_end_array (builder);
}

/* Of those that were asked for, how many did not come through. */
guint
rp_call_restarts_missing (RpCall *call)
{
  guint n = call->config.restarts->len;
  for (guint i = 0; i < call->restarts->done->len; i++)
    if (g_array_index (call->restarts->done, Restart, i).switched_us > 0)
      n--;
  return n;
}
