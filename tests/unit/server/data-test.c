/* The way of messages between dialect, channel and worker. */
#include "session-data.h"

#include <string.h>

typedef struct {
  RpSessionData *data;
  GPtrArray *sent;      /* of char *: "stream text" */
  GPtrArray *to_worker; /* of char * */
  guint n_ready;
  guint n_hang_up;
  gboolean full;
} Fixture;

static gboolean
on_send (guint16 stream, const char *text, gsize len, gpointer user_data)
{
  Fixture *f = user_data;
  g_assert_cmpuint (strlen (text), ==, len);
  if (!f->full)
    g_ptr_array_add (f->sent, g_strdup_printf ("%u %s", stream, text));
  return !f->full;
}

static void
on_to_worker (const char *json, gpointer user_data)
{
  Fixture *f = user_data;
  g_ptr_array_add (f->to_worker, g_strdup (json));
}

static void
on_ready (gpointer user_data)
{
  ((Fixture *) user_data)->n_ready++;
}

static void
on_hang_up (gpointer user_data)
{
  Fixture *f = user_data;
  f->n_hang_up++;
  /* As the session does: a message out of the middle of one. */
  rp_session_data_ended (f->data);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const RpSessionDataEvents events = {on_send, on_to_worker, on_ready, on_hang_up};
  memset (f, 0, sizeof *f);
  f->sent = g_ptr_array_new_with_free_func (g_free);
  f->to_worker = g_ptr_array_new_with_free_func (g_free);
  f->data = rp_session_data_new (rp_rtvi_dialect_new (), &events, f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  rp_session_data_free (f->data);
  g_ptr_array_unref (f->sent);
  g_ptr_array_unref (f->to_worker);
}

static void
event (Fixture *f, const char *json)
{
  g_auto (RpWorkerEvent) parsed = {0};
  g_assert_true (rp_worker_event_parse (json, strlen (json), &parsed, NULL));
  rp_session_data_event (f->data, &parsed, 0);
}

static void
turn (Fixture *f, guint i)
{
  g_autofree char *json = g_strdup_printf ("{\"event\":\"user_turn\",\"text\":\"turn %u.\"}", i);
  event (f, json);
}

static void
message (Fixture *f, guint16 stream, const char *text)
{
  rp_session_data_message (f->data, stream, text, strlen (text), 0);
}

static const char *
sent (Fixture *f, guint i)
{
  g_assert_cmpuint (i, <, f->sent->len);
  return g_ptr_array_index (f->sent, i);
}

static void
test_waits_for_channel (Fixture *f, gconstpointer data)
{
  turn (f, 1);
  turn (f, 2);
  g_assert_cmpuint (f->sent->len, ==, 0);
  rp_session_data_channel_open (f->data, 3, "chat");
  g_assert_cmpuint (f->sent->len, ==, 2);
  g_assert_nonnull (strstr (sent (f, 0), "turn 1."));
  g_assert_true (g_str_has_prefix (sent (f, 1), "3 "));
  turn (f, 3);
  g_assert_cmpuint (f->sent->len, ==, 3);
}

static void
test_oldest_is_dropped (Fixture *f, gconstpointer data)
{
  RpSessionDataStats stats;
  for (guint i = 0; i < 60; i++)
    turn (f, i);
  rp_session_data_channel_open (f->data, 0, "chat");
  rp_session_data_stats (f->data, &stats);
  g_assert_cmpuint (f->sent->len, ==, RP_SESSION_DATA_MAX_QUEUE);
  g_assert_cmpuint (stats.dropped, ==, 10);
  g_assert_cmpuint (stats.sent, ==, RP_SESSION_DATA_MAX_QUEUE);
  g_assert_nonnull (strstr (sent (f, 0), "turn 10."));
}

static void
test_full_channel (Fixture *f, gconstpointer data)
{
  RpSessionDataStats stats;
  rp_session_data_channel_open (f->data, 0, "chat");
  f->full = TRUE;
  turn (f, 1);
  f->full = FALSE;
  turn (f, 2);
  rp_session_data_stats (f->data, &stats);
  g_assert_cmpuint (stats.dropped, ==, 1);
  g_assert_nonnull (strstr (sent (f, 0), "turn 2."));
}

/* A client may open other channels; "chat" is the one that counts, another only without it. */
static void
test_labels (Fixture *f, gconstpointer data)
{
  static const char ping[] = "{\"label\":\"rtvi-ai\",\"type\":\"send-text\",\"id\":\"1\","
                             "\"data\":{\"content\":\"x\"}}";
  rp_session_data_channel_open (f->data, 1, "files");
  message (f, 1, ping);
  g_assert_cmpuint (f->to_worker->len, ==, 1);
  rp_session_data_channel_open (f->data, 2, "chat");
  rp_session_data_channel_open (f->data, 3, "chat");
  message (f, 1, ping);
  message (f, 3, ping);
  g_assert_cmpuint (f->to_worker->len, ==, 1);
  message (f, 2, ping);
  g_assert_cmpuint (f->to_worker->len, ==, 2);
  rp_session_data_channel_closed (f->data, 1);
  turn (f, 1);
  g_assert_true (g_str_has_prefix (sent (f, 0), "2 "));
}

static void
test_reconnect (Fixture *f, gconstpointer data)
{
  rp_session_data_channel_open (f->data, 1, "chat");
  rp_session_data_disconnected (f->data);
  turn (f, 1);
  g_assert_cmpuint (f->sent->len, ==, 0);
  rp_session_data_channel_open (f->data, 1, "chat");
  g_assert_cmpuint (f->sent->len, ==, 1);
}

static void
test_ready_and_hang_up (Fixture *f, gconstpointer data)
{
  rp_session_data_channel_open (f->data, 1, "chat");
  message (f, 1,
           "{\"label\":\"rtvi-ai\",\"type\":\"client-ready\",\"id\":\"r\",\"data\":"
           "{\"version\":\"2.1.0\",\"about\":{\"library\":\"x\"}}}");
  g_assert_cmpuint (f->n_ready, ==, 1);
  g_assert_nonnull (strstr (sent (f, 0), "bot-ready"));
  message (f, 1, "{\"label\":\"rtvi-ai\",\"type\":\"disconnect-bot\",\"id\":\"d\",\"data\":{}}");
  g_assert_cmpuint (f->n_hang_up, ==, 1);
  g_assert_nonnull (strstr (sent (f, 1), "peerLeft"));
}

/* A function of the page, called while the client is away: asked once it is back, and answered. */
static void
test_function (Fixture *f, gconstpointer data)
{
  rp_session_data_channel_open (f->data, 1, "chat");
  message (f, 1,
           "{\"label\":\"rtvi-ai\",\"type\":\"client-ready\",\"id\":\"r\",\"data\":"
           "{\"version\":\"2.1.0\",\"about\":{\"library\":\"x\"}}}");
  guint before = f->sent->len;
  rp_session_data_disconnected (f->data);
  event (f, "{\"event\":\"tool_call\",\"id\":\"t\",\"name\":\"show\",\"status\":\"started\","
            "\"arguments\":\"{}\",\"where\":\"client\"}");
  g_assert_cmpuint (f->sent->len, ==, before);
  g_assert_cmpuint (f->to_worker->len, ==, 0);
  rp_session_data_channel_open (f->data, 1, "chat");
  g_assert_nonnull (strstr (sent (f, f->sent->len - 1), "llm-function-call-in-progress"));
  message (f, 1,
           "{\"label\":\"rtvi-ai\",\"type\":\"llm-function-call-result\",\"id\":\"m\",\"data\":"
           "{\"function_name\":\"show\",\"tool_call_id\":\"t\",\"arguments\":{},\"result\":1}}");
  g_assert_cmpuint (f->to_worker->len, ==, 1);
  g_assert_cmpstr (f->to_worker->pdata[0], ==,
                   "{\"type\":\"tool_result\",\"id\":\"t\",\"result\":\"1\"}");
}

/* A client that floods its channel is not heard out; one that stopped is heard again. */
static void
test_floods (Fixture *f, gconstpointer data)
{
  static const char text[] = "{\"label\":\"rtvi-ai\",\"type\":\"send-text\",\"id\":\"1\","
                             "\"data\":{\"content\":\"more\"}}";
  RpSessionDataStats stats;
  rp_session_data_channel_open (f->data, 3, "chat");
  for (guint i = 0; i < 3 * RP_SESSION_DATA_MESSAGES; i++)
    message (f, 3, text);
  g_assert_cmpuint (f->to_worker->len, ==, RP_SESSION_DATA_MESSAGES);
  rp_session_data_stats (f->data, &stats);
  g_assert_cmpuint (stats.refused, ==, 2 * RP_SESSION_DATA_MESSAGES);
  rp_session_data_message (f->data, 3, text, strlen (text), 2 * RP_SESSION_DATA_MESSAGE_US);
  g_assert_cmpuint (f->to_worker->len, ==, RP_SESSION_DATA_MESSAGES + 1);
}

/* The same in bytes. */
static void
test_floods_with_bytes (Fixture *f, gconstpointer data)
{
  g_autofree char *large = g_strnfill (RP_SESSION_DATA_BYTES / 4, ' ');
  RpSessionDataStats stats;
  rp_session_data_channel_open (f->data, 3, "chat");
  for (guint i = 0; i < 8; i++)
    message (f, 3, large);
  rp_session_data_stats (f->data, &stats);
  g_assert_cmpuint (stats.refused, ==, 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/data/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("floods", test_floods);
  ADD ("floods-with-bytes", test_floods_with_bytes);
  ADD ("waits-for-channel", test_waits_for_channel);
  ADD ("oldest-is-dropped", test_oldest_is_dropped);
  ADD ("full-channel", test_full_channel);
  ADD ("labels", test_labels);
  ADD ("reconnect", test_reconnect);
  ADD ("ready-and-hang-up", test_ready_and_hang_up);
  ADD ("function", test_function);
  return g_test_run ();
}
