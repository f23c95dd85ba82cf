#include "backlog.h"

/* What was done and destroyed, in order. */
typedef struct {
  RpBacklog *backlog;
  gint64 now_us;
  gint64 step_us; /* what one item takes */
  GString *done;
  GString *destroyed;
} State;

typedef struct {
  State *state;
  char name;
} Work;

static void
work (gpointer data)
{
  Work *self = data;
  self->state->now_us += self->state->step_us;
  g_string_append_c (self->state->done, self->name);
}

static void
destroyed (gpointer data)
{
  Work *self = data;
  g_string_append_c (self->state->destroyed, self->name);
}

static void
set_up (State *state, gconstpointer data)
{
  *state = (State){.backlog = rp_backlog_new (),
                   .now_us = 1000,
                   .done = g_string_new (NULL),
                   .destroyed = g_string_new (NULL)};
}

static void
tear_down (State *state, gconstpointer data)
{
  rp_backlog_free (state->backlog);
  g_string_free (state->done, TRUE);
  g_string_free (state->destroyed, TRUE);
}

static void
push (State *state, Work *works, const char *names)
{
  for (guint i = 0; names[i] != '\0'; i++) {
    works[i] = (Work){state, names[i]};
    rp_backlog_push (state->backlog, &(RpBacklogItem){work, &works[i], destroyed, FALSE});
  }
}

static void
run_until (State *state, gint64 until_us)
{
  RpBacklogItem item;
  rp_backlog_begin (state->backlog, until_us);
  while (rp_backlog_poll (state->backlog, state->now_us, &item)) {
    item.func (item.data);
    item.destroy (item.data);
  }
}

static void
test_fits (State *state, gconstpointer data)
{
  Work works[5];

  push (state, works, "abcde");
  state->step_us = 100;
  /* Ends at 1300: none is begun less than a step's time before. */
  run_until (state, 1200 + RP_BACKLOG_STEP_US);
  g_assert_cmpstr (state->done->str, ==, "abc");
  g_assert_cmpuint (rp_backlog_length (state->backlog), ==, 2);
  run_until (state, state->now_us + 2000);
  g_assert_cmpstr (state->done->str, ==, "abcde");
  g_assert_cmpstr (state->destroyed->str, ==, "abcde");
}

/* No time at all: one for each tick. */
static void
test_starved (State *state, gconstpointer data)
{
  Work works[3];

  push (state, works, "abc");
  state->step_us = 5000;
  run_until (state, state->now_us - 1);
  g_assert_cmpstr (state->done->str, ==, "a");
  run_until (state, state->now_us - 5000);
  g_assert_cmpstr (state->done->str, ==, "ab");
  run_until (state, 0);
  g_assert_cmpstr (state->done->str, ==, "abc");
}

/* What comes while a tick's share is used up waits, and does not when there is time again. */
static void
test_between (State *state, gconstpointer data)
{
  Work works[2];
  RpBacklogItem item;

  rp_backlog_begin (state->backlog, 3000);
  g_assert_false (rp_backlog_poll (state->backlog, 1000, &item));
  push (state, works, "ab");
  g_assert_true (rp_backlog_poll (state->backlog, 2990, &item));
  g_assert_true (item.data == &works[0]);
  g_assert_false (rp_backlog_poll (state->backlog, 2991, &item));
  rp_backlog_begin (state->backlog, 5000);
  g_assert_true (rp_backlog_poll (state->backlog, 5000, &item));
  g_assert_true (item.data == &works[1]);
  g_assert_false (rp_backlog_poll (state->backlog, 5001, &item));
}

/* More time in the same tick is no second step for nothing. */
static void
test_extend (State *state, gconstpointer data)
{
  Work works[4];
  RpBacklogItem item;

  push (state, works, "abcd");
  rp_backlog_begin (state->backlog, 1000);
  g_assert_true (rp_backlog_poll (state->backlog, 1000, &item));
  g_assert_false (rp_backlog_poll (state->backlog, 1000, &item));
  rp_backlog_extend (state->backlog, 1500);
  g_assert_true (rp_backlog_poll (state->backlog, 1500 - RP_BACKLOG_STEP_US, &item));
  g_assert_false (rp_backlog_poll (state->backlog, 1501 - RP_BACKLOG_STEP_US, &item));
  rp_backlog_extend (state->backlog, 1400);
  g_assert_false (rp_backlog_poll (state->backlog, 1400, &item));
  g_clear_pointer (&state->backlog, rp_backlog_free); /* while there are works */
}

static void
test_remove (State *state, gconstpointer data)
{
  Work works[3];

  push (state, works, "abc");
  rp_backlog_push (state->backlog, &(RpBacklogItem){work, &works[1], NULL, FALSE});
  rp_backlog_remove (state->backlog, &works[1]);
  g_assert_cmpstr (state->destroyed->str, ==, "b");
  g_assert_cmpuint (rp_backlog_length (state->backlog), ==, 2);
  run_until (state, G_MAXINT64);
  g_assert_cmpstr (state->done->str, ==, "ac");
}

static void
test_free (State *state, gconstpointer data)
{
  Work works[2];

  push (state, works, "ab");
  g_clear_pointer (&state->backlog, rp_backlog_free);
  g_assert_cmpstr (state->done->str, ==, "");
  g_assert_cmpstr (state->destroyed->str, ==, "ab");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/backlog/fits", State, NULL, set_up, test_fits, tear_down);
  g_test_add ("/backlog/starved", State, NULL, set_up, test_starved, tear_down);
  g_test_add ("/backlog/between", State, NULL, set_up, test_between, tear_down);
  g_test_add ("/backlog/extend", State, NULL, set_up, test_extend, tear_down);
  g_test_add ("/backlog/remove", State, NULL, set_up, test_remove, tear_down);
  g_test_add ("/backlog/free", State, NULL, set_up, test_free, tear_down);
  return g_test_run ();
}
