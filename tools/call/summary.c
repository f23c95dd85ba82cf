/* What a call tells when it is over. */
#include "call-priv.h"

static void
add_number (JsonBuilder *builder, const char *name, double value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_double_value (builder, value);
}

static void
add_int (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  if (value)
    json_builder_add_string_value (builder, value);
  else
    json_builder_add_null_value (builder);
}

static void
add_bool (JsonBuilder *builder, const char *name, gboolean value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_boolean_value (builder, value);
}

/* The time from one moment to another in ms, null while either has not come. */
static void
add_ms (JsonBuilder *builder, const char *name, gint64 from_us, gint64 to_us)
{
  json_builder_set_member_name (builder, name);
  if (from_us > 0 && to_us > 0)
    json_builder_add_double_value (builder, (double) (to_us - from_us) / 1000);
  else
    json_builder_add_null_value (builder);
}

static void
begin (JsonBuilder *builder, const char *name)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_object (builder);
}

static void
add_setup (RpCall *call, JsonBuilder *builder)
{
  RpPeerTimes times;
  rp_peer_times (call->peer, &times);
  begin (builder, "setup_ms");
  add_ms (builder, "answer", call->start_us, call->answer_us);
  add_ms (builder, "ice", call->start_us, times.ice_ready_us);
  add_ms (builder, "dtls", call->start_us, times.dtls_done_us);
  add_ms (builder, "bot_ready", call->start_us, call->bot_ready_us);
  add_ms (builder, "first_rtp", call->start_us, call->first_rtp_us);
  add_ms (builder, "first_audible", call->start_us, rp_call_meter_first_audible_us (call->meter));
  json_builder_end_object (builder);
}

static void
add_turn (RpCall *call, JsonBuilder *builder, const RpCallStep *step, const RpCallTurn *turn)
{
  json_builder_begin_object (builder);
  add_string (builder, "kind", rp_call_step_name (step->kind));
  add_string (builder, step->clip ? "file" : "text", step->clip ? step->clip->path : step->text);
  add_ms (builder, "speech_start_ms", call->start_us, turn->speech_start_us);
  add_ms (builder, "speech_end_ms", call->start_us, turn->speech_end_us);
  add_ms (builder, "answer_ms", call->start_us, turn->answer_us);
  add_ms (builder, "voice_to_voice_ms", turn->speech_end_us, turn->answer_us);
  add_bool (builder, "premature", turn->premature);
  add_bool (builder, "barged_in", turn->barged_in);
  add_ms (builder, "barge_in_stop_ms", turn->speech_start_us, turn->stop_us);
  json_builder_end_object (builder);
}

static void
add_turns (RpCall *call, JsonBuilder *builder)
{
  guint n = 0;
  const RpCallTurn *turns = rp_call_meter_turns (call->meter, &n);
  json_builder_set_member_name (builder, "turns");
  json_builder_begin_array (builder);
  for (guint i = 0; i < n && i < call->config.steps->len; i++)
    add_turn (call, builder, g_ptr_array_index (call->config.steps, i), &turns[i]);
  json_builder_end_array (builder);
}

static void
add_media (RpCall *call, JsonBuilder *builder)
{
  RpRtcpStats rtcp;
  RpJbufStats jbuf;
  RpPeerCounters peer;

  rp_rtcp_session_stats (call->rtcp, &rtcp);
  rp_call_ear_stats (call->ear, &jbuf);
  rp_peer_counters (call->peer, &peer);
  begin (builder, "media");
  add_int (builder, "packets_sent", (gint64) call->sent_packets);
  add_number (builder, "mic_late_max_ms", (double) call->max_mic_late_us / 1000);
  add_int (builder, "packets_received", (gint64) rtcp.packets_received);
  add_int (builder, "packets_lost", rtcp.packets_lost);
  add_number (builder, "jitter_ms", (double) rtcp.jitter_us / 1000);
  add_number (builder, "rtt_ms", rtcp.rtt_us >= 0 ? (double) rtcp.rtt_us / 1000 : -1);
  add_int (builder, "remote_lost", rtcp.remote_lost);
  add_number (builder, "remote_jitter_ms",
              rtcp.remote_jitter_us >= 0 ? (double) rtcp.remote_jitter_us / 1000 : -1);
  add_number (builder, "concealed_ms", (double) (jbuf.plc_samples + jbuf.silence_samples) / 48);
  add_number (builder, "recovered_ms", (double) (jbuf.fec_samples + jbuf.copy_samples) / 48);
  add_int (builder, "redundant_received", (gint64) call->red_received);
  add_int (builder, "late", (gint64) jbuf.late);
  add_int (builder, "srtp_auth_failures", (gint64) peer.srtp.auth_fail);
  json_builder_end_object (builder);
}

static void
add_rtvi (RpCall *call, JsonBuilder *builder)
{
  g_autoptr (GList) types =
      g_list_sort (g_hash_table_get_keys (call->rtvi), (GCompareFunc) g_strcmp0);
  begin (builder, "rtvi");
  for (GList *i = types; i; i = i->next)
    add_int (builder, i->data, GPOINTER_TO_UINT (g_hash_table_lookup (call->rtvi, i->data)));
  json_builder_end_object (builder);
  json_builder_set_member_name (builder, "transcripts");
  json_builder_begin_array (builder);
  for (guint i = 0; i < call->transcripts->len; i++)
    json_builder_add_string_value (builder, g_ptr_array_index (call->transcripts, i));
  json_builder_end_array (builder);
}

static guint
unanswered (RpCall *call)
{
  guint n = 0;
  guint answered = 0;
  const RpCallTurn *turns = rp_call_meter_turns (call->meter, &n);
  for (guint i = 0; i < n; i++)
    if (turns[i].answer_us > 0)
      answered++;
  return call->config.steps->len > answered ? call->config.steps->len - answered : 0;
}

static void
check_ok (gpointer data)
{
  gpointer *pair = data;
  RpCall *call = pair[0];
  gboolean *ok = pair[1];
  if (!call->failure && unanswered (call) > 0)
    call->failure = g_strdup_printf ("%u of %u turns were not answered", unanswered (call),
                                     call->config.steps->len);
  else if (!call->failure && rp_call_meter_first_audible_us (call->meter) == 0)
    call->failure = g_strdup ("the agent was not heard");
  else if (!call->failure && rp_call_restarts_missing (call) > 0)
    call->failure = g_strdup_printf ("%u of %u ICE restarts have led to no new pair",
                                     rp_call_restarts_missing (call), call->config.restarts->len);
  *ok = !call->failure;
}

gboolean
rp_call_ok (RpCall *call)
{
  gboolean ok = FALSE;
  gpointer pair[] = {call, &ok};
  rp_loop_call_sync (call->loop, check_ok, pair);
  return ok;
}

static void
build (gpointer data)
{
  gpointer *pair = data;
  RpCall *call = pair[0];
  JsonBuilder *builder = pair[1];

  add_string (builder, "error", call->failure);
  add_string (builder, "ended_by_agent", call->ended_by);
  add_ms (builder, "duration_ms", call->start_us, call->end_us);
  add_setup (call, builder);
  add_turns (call, builder);
  add_media (call, builder);
  rp_call_restarts_summary (call, builder);
  if (call->network)
    rp_call_network_summary (call->network, builder);
  add_rtvi (call, builder);
}

void
rp_call_summary (RpCall *call, JsonBuilder *builder)
{
  gpointer pair[] = {call, builder};
  rp_loop_call_sync (call->loop, build, pair);
}

typedef struct {
  RpCall *call;
  const char *path;
  gboolean ok;
  GError **error;
} Write;

static void
write_recording (gpointer data)
{
  Write *write = data;
  write->ok = rp_call_ear_write (write->call->ear, write->call->end_us, write->path, write->error);
}

gboolean
rp_call_write_recording (RpCall *call, const char *path, GError **error)
{
  Write write = {.call = call, .path = path, .error = error};
  rp_loop_call_sync (call->loop, write_recording, &write);
  return write.ok;
}
