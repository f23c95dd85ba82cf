/* Telephone keys, on the virtual clock. */
#include "keypad.h"

#define S(x) ((gint64) (x) *G_USEC_PER_SEC)

typedef struct {
  const char *keys; /* '.' is a second that passes */
  RpExpect expect;
  const char *entries; /* joined by '|' */
} Row;

static const Row rows[] = {
    {"", RP_EXPECT_ANYTHING, ""},
    {"12#", RP_EXPECT_ANYTHING, "12"},
    {"12..", RP_EXPECT_ANYTHING, "12"},
    {"12.", RP_EXPECT_ANYTHING, ""},
    {"1.2..", RP_EXPECT_ANYTHING, "12"},
    {"1..2..", RP_EXPECT_ANYTHING, "1|2"},
    {"07911...123456#", RP_EXPECT_DIGITS, "07911123456"},
    {"07911....123456....", RP_EXPECT_DIGITS, "07911|123456"},
    {"13*12#", RP_EXPECT_ANYTHING, "12"},
    {"12*....", RP_EXPECT_ANYTHING, ""},
    {"*", RP_EXPECT_ANYTHING, ""},
    {"###", RP_EXPECT_ANYTHING, ""},
    {"12#34#", RP_EXPECT_ANYTHING, "12|34"},
    {"1", RP_EXPECT_YES_NO, "1"},
    {"1#", RP_EXPECT_YES_NO, "1"},
    {"2....", RP_EXPECT_YES_NO, "2"},
};

static void
test_entries (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (RpKeypad) keypad = rp_keypad_new ();
    g_autoptr (GString) entries = g_string_new (NULL);
    gint64 now_us = S (100);
    for (const char *p = rows[i].keys; *p != '\0'; p++) {
      if (*p == '.')
        now_us += S (1);
      else
        rp_keypad_press (keypad, now_us, *p, rows[i].expect);
      char *entry;
      while ((entry = rp_keypad_poll (keypad, now_us)) != NULL) {
        g_string_append_printf (entries, "%s%s", entries->len > 0 ? "|" : "", entry);
        g_free (entry);
      }
      g_assert_cmpint (rp_keypad_deadline (keypad), >, now_us);
    }
    g_test_message ("%s", rows[i].keys);
    g_assert_cmpstr (entries->str, ==, rows[i].entries);
  }
}

/* The agent is stopped by the first digit, and by nothing else. */
static void
test_begins (void)
{
  g_autoptr (RpKeypad) keypad = rp_keypad_new ();
  g_assert_false (rp_keypad_press (keypad, 0, '#', RP_EXPECT_ANYTHING));
  g_assert_false (rp_keypad_press (keypad, 0, '*', RP_EXPECT_ANYTHING));
  g_assert_true (rp_keypad_press (keypad, 0, '1', RP_EXPECT_ANYTHING));
  g_assert_false (rp_keypad_press (keypad, 0, '2', RP_EXPECT_ANYTHING));
  g_assert_false (rp_keypad_press (keypad, 0, '#', RP_EXPECT_ANYTHING));
  g_assert_true (rp_keypad_press (keypad, 0, '3', RP_EXPECT_ANYTHING));
}

static void
test_long (void)
{
  g_autoptr (RpKeypad) keypad = rp_keypad_new ();
  for (guint i = 0; i < RP_KEYPAD_MAX_DIGITS + 1; i++)
    rp_keypad_press (keypad, 0, '7', RP_EXPECT_DIGITS);
  g_autofree char *entry = rp_keypad_poll (keypad, 0);
  g_assert_cmpuint (strlen (entry), ==, RP_KEYPAD_MAX_DIGITS);
  g_assert_null (rp_keypad_poll (keypad, 0));
  g_autofree char *rest = rp_keypad_poll (keypad, S (4));
  g_assert_cmpstr (rest, ==, "7");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keypad/entries", test_entries);
  g_test_add_func ("/keypad/begins", test_begins);
  g_test_add_func ("/keypad/long", test_long);
  return g_test_run ();
}
