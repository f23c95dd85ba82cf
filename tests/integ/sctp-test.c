/* Two associations back to back on one loop, over a bad network. */
#include "netem.h"
#include "sctp.h"

#include <string.h>

#define WATCHDOG_S 60
#define MESSAGES 200

typedef struct _Fixture Fixture;

typedef struct {
  Fixture *fixture;
  RpSctp *sctp;
  RpNetem *out;
  gint stream;
  guint n_open;
  guint n_closed;
  guint n_messages;
  gsize last_len;
  gboolean lost;
} End;

struct _Fixture {
  RpLoop *loop;
  GMutex lock;
  GCond cond;
  End a;
  End b;
  guint ticker;
  GRand *rand;
  gint mutate; /* one in so many packets of a is damaged in a few bytes; 0 = none */
};

static void
changed (Fixture *f)
{
  g_cond_broadcast (&f->cond);
  g_mutex_unlock (&f->lock);
}

static void
on_send (const guint8 *data, gsize len, gpointer user_data)
{
  End *end = user_data;
  Fixture *f = end->fixture;
  g_autofree guint8 *copy = g_memdup2 (data, len);

  g_assert_cmpuint (len, <=, RP_SCTP_PATH_MTU + 12);
  if (f->mutate > 0 && end == &f->a && g_rand_int_range (f->rand, 0, f->mutate) == 0)
    for (guint i = 0; i < 3; i++)
      copy[g_rand_int_range (f->rand, 0, (gint) len)] ^=
          (guint8) g_rand_int_range (f->rand, 1, 256);
  rp_netem_input (end->out, rp_loop_now_us (), copy, len);
}

static void
on_open (guint16 stream, const char *label, const char *protocol, gpointer user_data)
{
  End *end = user_data;
  g_assert_cmpstr (label, ==, "test");
  g_mutex_lock (&end->fixture->lock);
  end->n_open++;
  changed (end->fixture);
}

static void
on_message (guint16 stream, gboolean binary, const guint8 *data, gsize len, gpointer user_data)
{
  End *end = user_data;
  guint n = 0;
  g_assert_cmpuint (len, >=, sizeof n);
  memcpy (&n, data, sizeof n);
  g_mutex_lock (&end->fixture->lock);
  g_assert_cmpuint (n, ==, end->n_messages); /* all of them, in order */
  end->n_messages++;
  end->last_len = len;
  changed (end->fixture);
}

static void
on_closed (guint16 stream, gpointer user_data)
{
  End *end = user_data;
  g_mutex_lock (&end->fixture->lock);
  end->n_closed++;
  changed (end->fixture);
}

static void
on_lost (gboolean was_up, const char *reason, gpointer user_data)
{
  End *end = user_data;
  g_mutex_lock (&end->fixture->lock);
  end->lost = TRUE;
  changed (end->fixture);
}

static void
transfer (End *from, End *to, gint64 now_us)
{
  GBytes *packet;
  while ((packet = rp_netem_poll (from->out, now_us))) {
    gsize len = 0;
    const guint8 *data = g_bytes_get_data (packet, &len);
    rp_sctp_input (to->sctp, data, len);
    g_bytes_unref (packet);
  }
}

static void
tick (gint64 now_us, gpointer data)
{
  Fixture *f = data;
  transfer (&f->a, &f->b, now_us);
  transfer (&f->b, &f->a, now_us);
}

static void
create (gpointer data)
{
  static const RpSctpEvents events = {.send = on_send,
                                      .channel_open = on_open,
                                      .message = on_message,
                                      .channel_closed = on_closed,
                                      .lost = on_lost};
  Fixture *f = data;
  g_autoptr (GError) error = NULL;
  RpSctpConfig config = {
      .remote_port = 5000, .max_send_bytes = 262144, .max_receive_bytes = 100000};
  f->b.sctp = rp_sctp_new (f->loop, &config, &events, &f->b, &error);
  g_assert_no_error (error);
  config.dtls_client = TRUE;
  f->a.sctp = rp_sctp_new (f->loop, &config, &events, &f->a, &error);
  g_assert_no_error (error);
  f->ticker = rp_loop_add_ticker (f->loop, tick, f);
  f->a.stream = rp_sctp_open_channel (f->a.sctp, "test", "", &error); /* before it is up */
  g_assert_cmpint (f->a.stream, ==, 0);
}

static void
set_up (Fixture *f, const RpNetemConfig *net)
{
  g_autoptr (GError) error = NULL;
  memset (f, 0, sizeof *f);
  g_mutex_init (&f->lock);
  g_cond_init (&f->cond);
  f->rand = g_rand_new_with_seed (5);
  f->a.fixture = f->b.fixture = f;
  f->a.out = rp_netem_new (net);
  f->b.out = rp_netem_new (net);
  f->loop = rp_loop_new ("sctp-test", &error);
  g_assert_no_error (error);
}

static void
stop (gpointer data)
{
  Fixture *f = data;
  rp_loop_remove_ticker (f->loop, f->ticker);
  rp_sctp_free (f->a.sctp);
  rp_sctp_free (f->b.sctp);
}

static void
tear_down (Fixture *f)
{
  rp_loop_call_sync (f->loop, stop, f);
  rp_loop_free (f->loop);
  rp_netem_free (f->a.out);
  rp_netem_free (f->b.out);
  g_rand_free (f->rand);
  g_mutex_clear (&f->lock);
  g_cond_clear (&f->cond);
}

static void
wait_until (Fixture *f, const guint *counter, guint n)
{
  gint64 deadline_us = g_get_monotonic_time () + WATCHDOG_S * G_USEC_PER_SEC;
  g_mutex_lock (&f->lock);
  while (*counter < n)
    if (!g_cond_wait_until (&f->cond, &f->lock, deadline_us))
      g_error ("waited too long: %u of %u%s", *counter, n, f->a.lost || f->b.lost ? ", lost" : "");
  g_mutex_unlock (&f->lock);
}

static void
send_all (gpointer data)
{
  Fixture *f = data;
  guint8 message[3000] = {0};
  g_autoptr (GError) error = NULL;
  for (guint i = 0; i < MESSAGES; i++) {
    memcpy (message, &i, sizeof i);
    g_assert_true (rp_sctp_send (f->a.sctp, (guint16) f->a.stream, i % 2, message,
                                 sizeof i + (i * 37) % 2900, &error));
  }
}

/* Reliable and in order, whatever the network does. */
static void
test_bad_network (void)
{
  const RpNetemConfig net = {.seed = 11,
                             .loss = 0.1,
                             .delay_us = 5000,
                             .jitter_us = 10000,
                             .reorder = 0.05,
                             .reorder_us = 20000,
                             .duplicate = 0.05};
  Fixture f;
  set_up (&f, &net);
  rp_loop_call_sync (f.loop, create, &f);
  rp_loop_call_sync (f.loop, send_all, &f); /* not even the association is up */
  wait_until (&f, &f.b.n_messages, MESSAGES);
  g_assert_cmpuint (f.b.n_open, ==, 1);
  wait_until (&f, &f.a.n_open, 1);
  RpSctpCounters counters;
  rp_sctp_counters (f.b.sctp, &counters);
  g_assert_cmpuint (counters.messages_in, ==, MESSAGES);
  g_assert_cmpuint (counters.message_errors, ==, 0);
  tear_down (&f);
}

static void
send_large (gpointer data)
{
  Fixture *f = data;
  g_autofree guint8 *message = g_malloc0 (100001);
  g_assert_true (rp_sctp_send (f->a.sctp, (guint16) f->a.stream, TRUE, message, 100000, NULL));
  g_assert_true (rp_sctp_send (f->a.sctp, (guint16) f->a.stream, TRUE, message, 100001, NULL));
}

/* A message longer than we announced closes its channel, on both sides; one of just that length
 * does not. */
static void
test_too_long (void)
{
  const RpNetemConfig net = {.seed = 1};
  Fixture f;
  set_up (&f, &net);
  rp_loop_call_sync (f.loop, create, &f);
  rp_loop_call_sync (f.loop, send_large, &f);
  wait_until (&f, &f.b.n_closed, 1);
  wait_until (&f, &f.a.n_closed, 1);
  g_assert_cmpuint (f.b.n_messages, ==, 1);
  g_assert_cmpuint (f.b.last_len, ==, 100000);
  tear_down (&f);
}

/* Damaged packets are as good as lost ones: the checksum sees them. */
static void
test_damaged (void)
{
  const RpNetemConfig net = {.seed = 2};
  Fixture f;
  set_up (&f, &net);
  f.mutate = 5;
  rp_loop_call_sync (f.loop, create, &f);
  rp_loop_call_sync (f.loop, send_all, &f);
  wait_until (&f, &f.b.n_messages, MESSAGES);
  tear_down (&f);
}

/* What one side may open of its own: every other stream. */
#define HALF (RP_SCTP_STREAMS / 2)

typedef struct {
  Fixture *fixture;
  End *end;
  gint streams[HALF];
  guint n;
} Batch;

static void
open_batch (gpointer data)
{
  Batch *batch = data;
  for (guint i = 0; i < batch->n; i++) {
    g_autoptr (GError) error = NULL;
    batch->streams[i] = rp_sctp_open_channel (batch->end->sctp, "test", "", &error);
    g_assert_no_error (error);
    g_assert_cmpint (batch->streams[i], >=, 0);
  }
}

static void
close_batch (gpointer data)
{
  Batch *batch = data;
  for (guint i = 0; i < batch->n; i++)
    rp_sctp_close_channel (batch->end->sctp, (guint16) batch->streams[i]);
}

static void
send_on_last (gpointer data)
{
  const Batch *batch = data;
  const guint n = batch->end->n_messages;
  g_assert_true (rp_sctp_send (batch->end->sctp, (guint16) batch->streams[batch->n - 1], TRUE,
                               (const guint8 *) &n, sizeof n, NULL));
}

/* A client that opens channels and closes them without end: from one on they are not opened, and
 * not answered either. What is open stays, and our own side can still open some. */
static void
test_too_many_opens (void)
{
  const RpNetemConfig net = {.seed = 4};
  Fixture f;
  guint n_opened = 1;
  RpSctpCounters counters;
  set_up (&f, &net);
  rp_loop_call_sync (f.loop, create, &f);
  wait_until (&f, &f.b.n_open, 1);
  Batch batch = {.fixture = &f, .end = &f.a, .n = HALF - 1};
  while (n_opened < RP_SCTP_MAX_OPENS) {
    batch.n = MIN (HALF - 1, RP_SCTP_MAX_OPENS - n_opened);
    n_opened += batch.n;
    rp_loop_call_sync (f.loop, open_batch, &batch);
    wait_until (&f, &f.a.n_open, n_opened);
    rp_loop_call_sync (f.loop, close_batch, &batch);
    wait_until (&f, &f.a.n_closed, n_opened - 1);
    wait_until (&f, &f.b.n_closed, n_opened - 1);
  }
  g_assert_cmpuint (f.b.n_open, ==, RP_SCTP_MAX_OPENS);

  batch.n = 3;
  rp_loop_call_sync (f.loop, open_batch, &batch);
  /* Behind them on the same association, and so a sign that they have been looked at. */
  Batch ours = {.fixture = &f, .end = &f.b, .n = 1};
  rp_loop_call_sync (f.loop, open_batch, &ours);
  wait_until (&f, &f.b.n_open, RP_SCTP_MAX_OPENS + 1);
  batch.n = 1;
  batch.streams[0] = f.a.stream;
  rp_loop_call_sync (f.loop, send_on_last, &batch);
  wait_until (&f, &f.b.n_messages, 1);
  rp_sctp_counters (f.b.sctp, &counters);
  g_assert_cmpuint (counters.message_errors, ==, 3);
  g_assert_cmpuint (f.b.n_open, ==, RP_SCTP_MAX_OPENS + 1);
  g_assert_cmpuint (f.a.n_open, ==, RP_SCTP_MAX_OPENS + 1); /* of its own all but those three */
  g_assert_false (f.a.lost || f.b.lost);
  tear_down (&f);
}

/* Freed at every stage, again and again. */
static void
test_early_end (void)
{
  const RpNetemConfig net = {.seed = 3};
  for (guint i = 0; i < 30; i++) {
    Fixture f;
    set_up (&f, &net);
    rp_loop_call_sync (f.loop, create, &f);
    if (i % 3 > 0)
      rp_loop_call_sync (f.loop, send_all, &f);
    if (i % 3 > 1)
      wait_until (&f, &f.b.n_messages, i);
    tear_down (&f);
  }
}

static void
test_shutdown (void)
{
  g_assert_true (rp_sctp_shutdown ());
  g_assert_true (rp_sctp_shutdown ()); /* nothing there */
  test_too_long ();                    /* starts it again */
  g_assert_true (rp_sctp_shutdown ());
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sctp/bad-network", test_bad_network);
  g_test_add_func ("/sctp/too-long", test_too_long);
  g_test_add_func ("/sctp/damaged", test_damaged);
  g_test_add_func ("/sctp/too-many-opens", test_too_many_opens);
  g_test_add_func ("/sctp/early-end", test_early_end);
  g_test_add_func ("/sctp/shutdown", test_shutdown);
  return g_test_run ();
}
