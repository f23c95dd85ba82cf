/* The way from the loops to the main thread. */
#include "inbox.h"

#define MANY 1000

typedef struct {
  RpInbox *inbox;
  guint n;
} Post;

/* As a loop that always has something to tell. */
static void
post_again (gpointer data)
{
  Post *post = data;
  if (++post->n < MANY)
    rp_inbox_post (post->inbox, post_again, post);
}

static void
test_others_get_their_turn (void)
{
  Post post = {.inbox = rp_inbox_new ()};
  rp_inbox_post (post.inbox, post_again, &post);
  for (guint i = 1; i <= 3; i++) {
    g_assert_true (g_main_context_iteration (NULL, FALSE));
    g_assert_cmpuint (post.n, ==, i);
  }
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (post.n, ==, MANY);
  rp_inbox_free (post.inbox);
}

static void
append (gpointer data)
{
  GString *text = data;
  g_string_append_printf (text, "%" G_GSIZE_FORMAT, text->len);
}

static void
test_in_order (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  RpInbox *inbox = rp_inbox_new ();
  g_assert_false (g_main_context_iteration (NULL, FALSE));
  for (guint i = 0; i < 5; i++)
    rp_inbox_post (inbox, append, text);
  g_assert_true (g_main_context_iteration (NULL, FALSE));
  g_assert_cmpstr (text->str, ==, "01234");
  g_assert_false (g_main_context_iteration (NULL, FALSE));
  rp_inbox_free (inbox);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/inbox/others-get-their-turn", test_others_get_their_turn);
  g_test_add_func ("/inbox/in-order", test_in_order);
  return g_test_run ();
}
