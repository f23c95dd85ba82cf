#include "reservations.h"

#define IDLE_US ((gint64) 60 * G_USEC_PER_SEC)

static RpReservations *
make (guint max_idle)
{
  const RpReservationsConfig config = {.max_idle = max_idle};
  return rp_reservations_new (&config);
}

static void
test_kept (void)
{
  g_autoptr (RpReservations) self = make (2);
  char id[] = "a", agent[] = "tutor", data[] = "{\"x\":1}";
  g_assert_cmpint (rp_reservations_deadline (self), ==, G_MAXINT64);
  g_assert_true (rp_reservations_add (self, 1000, id, agent, data));
  id[0] = agent[0] = data[0] = '?'; /* it has copies */
  const RpReservation *found = rp_reservations_find (self, 1000, "a");
  g_assert_nonnull (found);
  g_assert_cmpstr (found->id, ==, "a");
  g_assert_cmpstr (found->agent, ==, "tutor");
  g_assert_cmpstr (found->request_data, ==, "{\"x\":1}");
  g_assert_null (found->call);
  g_assert_null (rp_reservations_find (self, 1000, "b"));
  g_assert_cmpint (rp_reservations_deadline (self), ==, 1000 + IDLE_US);
}

static void
test_runs_out (void)
{
  g_autoptr (RpReservations) self = make (4);
  g_assert_true (rp_reservations_add (self, 0, "a", NULL, NULL));
  g_assert_true (rp_reservations_add (self, 10, "b", NULL, NULL));
  g_assert_nonnull (rp_reservations_find (self, IDLE_US - 1, "a"));
  g_assert_null (rp_reservations_find (self, IDLE_US, "a"));
  g_assert_cmpuint (rp_reservations_count (self), ==, 1);
  g_assert_cmpint (rp_reservations_deadline (self), ==, IDLE_US + 10);
  rp_reservations_expire (self, IDLE_US + 10);
  g_assert_cmpuint (rp_reservations_count (self), ==, 0);
  g_assert_cmpint (rp_reservations_deadline (self), ==, G_MAXINT64);
}

static void
test_bound (void)
{
  g_autoptr (RpReservations) self = make (2);
  g_assert_true (rp_reservations_add (self, 0, "a", NULL, NULL));
  g_assert_true (rp_reservations_add (self, 1, "b", NULL, NULL));
  g_assert_false (rp_reservations_add (self, 2, "c", NULL, NULL));
  /* One in a call does not wait; one that has run out is not there. */
  rp_reservations_begin (self, 3, "a", "call");
  g_assert_true (rp_reservations_add (self, 4, "c", NULL, NULL));
  g_assert_false (rp_reservations_add (self, IDLE_US, "d", NULL, NULL));
  g_assert_true (rp_reservations_add (self, IDLE_US + 1, "d", NULL, NULL));
  g_assert_cmpuint (rp_reservations_count (self), ==, 3);
}

static void
test_calls (void)
{
  g_autoptr (RpReservations) self = make (2);
  g_assert_true (rp_reservations_add (self, 0, "a", NULL, NULL));
  rp_reservations_begin (self, 5, "a", "first");
  g_assert_cmpint (rp_reservations_deadline (self), ==, G_MAXINT64);
  /* As long as the call. */
  g_assert_cmpstr (rp_reservations_find (self, 1000 * IDLE_US, "a")->call, ==, "first");
  /* Another call takes its place; the end of the former means nothing then. */
  rp_reservations_begin (self, 1000 * IDLE_US, "a", "second");
  rp_reservations_end (self, 1000 * IDLE_US, "first");
  g_assert_cmpstr (rp_reservations_find (self, 1001 * IDLE_US, "a")->call, ==, "second");
  rp_reservations_end (self, 1001 * IDLE_US, "second");
  g_assert_null (rp_reservations_find (self, 1002 * IDLE_US - 1, "a")->call);
  g_assert_null (rp_reservations_find (self, 1002 * IDLE_US, "a"));
  /* Of calls and sessions that nobody knows, nothing comes. */
  rp_reservations_begin (self, 1002 * IDLE_US, "a", "third");
  rp_reservations_end (self, 1002 * IDLE_US, "third");
  g_assert_cmpuint (rp_reservations_count (self), ==, 0);
}

static void
test_renewed (void)
{
  g_autoptr (RpReservations) self = make (3);
  g_assert_true (rp_reservations_add (self, 0, "a", NULL, NULL));
  g_assert_true (rp_reservations_add (self, 1, "b", NULL, NULL));
  rp_reservations_renew (self, 50, "a");
  rp_reservations_renew (self, 50, "nobody");
  g_assert_cmpint (rp_reservations_deadline (self), ==, 1 + IDLE_US);
  g_assert_null (rp_reservations_find (self, 49 + IDLE_US, "b"));
  g_assert_nonnull (rp_reservations_find (self, 49 + IDLE_US, "a"));
  rp_reservations_begin (self, 49 + IDLE_US, "a", "call");
  rp_reservations_renew (self, 49 + IDLE_US, "a"); /* one in a call does not wait */
  g_assert_cmpint (rp_reservations_deadline (self), ==, G_MAXINT64);
}

enum { N_SESSIONS = 8, MAX_IDLE = 3 };

static guint
count_idle (RpReservations *self, gint64 now_us)
{
  guint idle = 0, found = 0;
  for (guint i = 0; i < N_SESSIONS; i++) {
    char id[8];
    g_snprintf (id, sizeof id, "s%u", i);
    const RpReservation *reservation = rp_reservations_find (self, now_us, id);
    found += reservation != NULL ? 1 : 0;
    idle += reservation != NULL && reservation->call == NULL ? 1 : 0;
  }
  g_assert_cmpuint (found, ==, rp_reservations_count (self));
  return idle;
}

/* Whatever happens, those that wait have a deadline, and no more are added than may wait. */
static void
test_any_order (void)
{
  g_autoptr (RpReservations) self = make (MAX_IDLE);
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  gint64 now_us = 0;
  for (guint i = 0; i < 20000; i++) {
    gint session = g_rand_int_range (rand, 0, N_SESSIONS);
    char id[8], call[8];
    now_us += g_rand_int_range (rand, 0, (gint32) (IDLE_US / 4));
    g_snprintf (id, sizeof id, "s%d", session);
    /* A call belongs to one session. */
    g_snprintf (call, sizeof call, "c%d-%d", session, g_rand_int_range (rand, 0, 3));
    guint idle = count_idle (self, now_us);
    switch (g_rand_int_range (rand, 0, 5)) {
    case 0:
      if (rp_reservations_find (self, now_us, id) == NULL)
        g_assert_true (rp_reservations_add (self, now_us, id, "agent", NULL) == (idle < MAX_IDLE));
      break;
    case 1:
      rp_reservations_begin (self, now_us, id, call);
      break;
    case 2:
      rp_reservations_end (self, now_us, call);
      break;
    case 3:
      rp_reservations_renew (self, now_us, id);
      break;
    default:
      rp_reservations_expire (self, now_us);
      g_assert_cmpint (rp_reservations_deadline (self), >, now_us);
      break;
    }
    idle = count_idle (self, now_us);
    g_assert_true ((idle == 0) == (rp_reservations_deadline (self) == G_MAXINT64));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reservations/kept", test_kept);
  g_test_add_func ("/reservations/runs-out", test_runs_out);
  g_test_add_func ("/reservations/bound", test_bound);
  g_test_add_func ("/reservations/calls", test_calls);
  g_test_add_func ("/reservations/renewed", test_renewed);
  g_test_add_func ("/reservations/any-order", test_any_order);
  return g_test_run ();
}
