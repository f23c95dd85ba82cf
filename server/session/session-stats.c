#include "session-stats.h"

static RpTimelineEventType
tool_type (const JsonObject *object)
{
  const char *status = rp_json_string ((JsonObject *) object, "status", "");
  if (g_str_equal (status, "started"))
    return RP_TIMELINE_TOOL_STARTED;
  if (g_str_equal (status, "done"))
    return RP_TIMELINE_TOOL_DONE;
  return g_str_equal (status, "failed") ? RP_TIMELINE_TOOL_FAILED : RP_TIMELINE_TOOL_CANCELLED;
}

static void
metrics (JsonObject *object, gint64 now_us, RpTimelineEvent *out)
{
  rp_timeline_event_init (out, RP_TIMELINE_METRICS, now_us, NULL, NULL);
  for (guint i = 0; i < RP_N_TURN_PARTS; i++) {
    g_autofree char *member = g_strdup_printf ("%s_ms", rp_turn_part_name ((RpTurnPart) i));
    double ms = rp_json_double (object, member, -1);
    if (ms >= 0)
      out->parts_us[i] = (gint64) (ms * 1000);
  }
}

gboolean
rp_session_stats_event (const RpWorkerEvent *event, gint64 now_us, RpTimelineEvent *out)
{
  JsonObject *object = event->object;
  switch (event->type) {
  case RP_WORKER_EVENT_USER_STARTED_SPEAKING:
    rp_timeline_event_init (out, RP_TIMELINE_USER_STARTED, now_us, NULL, NULL);
    return TRUE;
  case RP_WORKER_EVENT_USER_STOPPED_SPEAKING:
    rp_timeline_event_init (out, RP_TIMELINE_USER_STOPPED, now_us, NULL, NULL);
    return TRUE;
  case RP_WORKER_EVENT_USER_TURN:
    rp_timeline_event_init (out, RP_TIMELINE_USER_TURN, now_us, NULL, NULL);
    return TRUE;
  case RP_WORKER_EVENT_INTERRUPTED:
    rp_timeline_event_init (out, RP_TIMELINE_INTERRUPTED, now_us, NULL, NULL);
    return TRUE;
  case RP_WORKER_EVENT_TOOL_CALL:
    rp_timeline_event_init (out, tool_type (object), now_us, rp_json_string (object, "name", ""),
                            rp_json_string (object, "id", ""));
    return TRUE;
  case RP_WORKER_EVENT_TURN_METRICS:
    metrics (object, now_us, out);
    return TRUE;
  case RP_WORKER_EVENT_SILENT:
    rp_timeline_event_init (out, RP_TIMELINE_SILENT, now_us, rp_json_string (object, "reason", ""),
                            NULL);
    return TRUE;
  case RP_WORKER_EVENT_USER_TRANSCRIPT:
  case RP_WORKER_EVENT_AGENT_THINKING:
  case RP_WORKER_EVENT_AGENT_TEXT:
  case RP_WORKER_EVENT_AGENT_THOUGHT:
  /* What was heard is known better: by the playout. */
  case RP_WORKER_EVENT_AGENT_STARTED_SPEAKING:
  case RP_WORKER_EVENT_AGENT_STOPPED_SPEAKING:
  case RP_WORKER_EVENT_OUTPUT:
  case RP_WORKER_EVENT_RESPONSE:
  case RP_WORKER_EVENT_ERROR:
  case RP_WORKER_EVENT_STT_INPUT:
  case RP_WORKER_N_EVENTS:
    break;
  }
  return FALSE;
}

gboolean
rp_session_stats_playout (const RpPlayout *playout, guint queued, gint64 now_us, gboolean *audible,
                          RpTimelineEvent *out)
{
  gboolean goes_on = playout->reason == RP_PLAYOUT_STARTED ||
                     (playout->reason == RP_PLAYOUT_PROGRESS && queued > 0);
  if (goes_on == *audible)
    return FALSE;
  *audible = goes_on;
  rp_timeline_event_init (out, goes_on ? RP_TIMELINE_AGENT_AUDIBLE : RP_TIMELINE_AGENT_QUIET,
                          playout->wire_us > 0 ? playout->wire_us : now_us, NULL, NULL);
  return TRUE;
}

RpCallState
rp_session_stats_state (RpCallState state, const RpWorkerEvent *event)
{
  switch (event->type) {
  case RP_WORKER_EVENT_AGENT_THINKING:
    return RP_CALL_THINKING;
  case RP_WORKER_EVENT_AGENT_STARTED_SPEAKING:
    return RP_CALL_SPEAKING;
  case RP_WORKER_EVENT_USER_STARTED_SPEAKING:
  case RP_WORKER_EVENT_AGENT_STOPPED_SPEAKING:
    return RP_CALL_LISTENING;
  case RP_WORKER_EVENT_USER_TURN:
  case RP_WORKER_EVENT_TURN_METRICS:
  case RP_WORKER_EVENT_USER_STOPPED_SPEAKING:
  case RP_WORKER_EVENT_USER_TRANSCRIPT:
  case RP_WORKER_EVENT_AGENT_TEXT:
  case RP_WORKER_EVENT_AGENT_THOUGHT:
  case RP_WORKER_EVENT_OUTPUT:
  case RP_WORKER_EVENT_INTERRUPTED:
  case RP_WORKER_EVENT_TOOL_CALL:
  case RP_WORKER_EVENT_SILENT:
  case RP_WORKER_EVENT_RESPONSE:
  case RP_WORKER_EVENT_ERROR:
  case RP_WORKER_EVENT_STT_INPUT:
  case RP_WORKER_N_EVENTS:
    break;
  }
  return state;
}

void
rp_session_stats_latencies (JsonObject *metrics, RpLatencies *out)
{
  rp_latencies_init (out);
  for (guint i = 0; i < RP_N_LATENCIES; i++) {
    if (i == RP_LATENCY_SETUP) /* the session's own */
      continue;
    g_autofree char *member = g_strdup_printf ("%s_ms", rp_latency_name ((RpLatency) i));
    double ms = rp_json_double (metrics, member, -1);
    if (ms >= 0)
      out->us[i] = (gint64) (ms * 1000);
  }
}

void
rp_session_stats_stt_input (JsonObject *event, gint64 *given_ms)
{
  for (guint i = 0; i < RP_AUDIO_N_KINDS; i++)
    given_ms[i] += (gint64) rp_json_double (event, rp_audio_kind_name (i), 0);
}

void
rp_session_stats_media (const RpMediaStats *media, RpCallSnapshot *out)
{
  const RpRtcpStats *rtcp = &media->rtcp;
  double lost = (double) MAX (rtcp->packets_lost, 0);
  double expected = (double) rtcp->packets_received + lost;
  out->packets_in = rtcp->packets_received;
  out->packets_lost = rtcp->packets_lost;
  out->loss_in = expected > 0 ? lost / expected : 0;
  out->loss_out = rtcp->remote_fraction_lost / 256.0;
  out->jitter_in_ms = (double) rtcp->jitter_us / 1000;
  out->jitter_out_ms = rtcp->remote_jitter_us >= 0 ? (double) rtcp->remote_jitter_us / 1000 : -1;
  out->rtt_ms = rtcp->rtt_us >= 0 ? (double) rtcp->rtt_us / 1000 : -1;
  out->concealed_ms = (double) (media->jbuf.plc_samples + media->jbuf.silence_samples) / 48;
  out->recovered_ms = (double) (media->jbuf.fec_samples + media->jbuf.copy_samples) / 48;
  out->redundant_out = media->redundant_sent;
  for (guint i = 0; i < RP_AUDIO_N_KINDS; i++)
    out->input_ms[i] = (gint64) (media->given_samples[i] / 16);
  out->packets_out = rtcp->packets_sent;
  out->underruns = media->pacer.underruns;
}
