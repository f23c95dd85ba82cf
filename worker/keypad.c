#include "keypad.h"

/* As telephone menus do. Numbers are read off something, in groups. */
#define PAUSE_US (2 * G_USEC_PER_SEC)
#define DIGITS_PAUSE_US (4 * G_USEC_PER_SEC)

struct _RpKeypad {
  GString *entry;
  gint64 due_us;
  GQueue done; /* of char * */
};

RpKeypad *
rp_keypad_new (void)
{
  RpKeypad *keypad = g_new0 (RpKeypad, 1);
  keypad->entry = g_string_new (NULL);
  keypad->due_us = G_MAXINT64;
  g_queue_init (&keypad->done);
  return keypad;
}

void
rp_keypad_free (RpKeypad *keypad)
{
  if (keypad == NULL)
    return;
  g_string_free (keypad->entry, TRUE);
  g_queue_clear_full (&keypad->done, g_free);
  g_free (keypad);
}

static void
end_entry (RpKeypad *keypad)
{
  if (keypad->entry->len > 0)
    g_queue_push_tail (&keypad->done, g_strdup (keypad->entry->str));
  g_string_truncate (keypad->entry, 0);
  keypad->due_us = G_MAXINT64;
}

gboolean
rp_keypad_press (RpKeypad *keypad, gint64 now_us, char button, RpExpect expect)
{
  gboolean begins = keypad->entry->len == 0 && g_ascii_isdigit (button);
  if (button == '*') {
    g_string_truncate (keypad->entry, 0);
    keypad->due_us = G_MAXINT64;
  } else if (button == '#') {
    end_entry (keypad);
  } else {
    g_string_append_c (keypad->entry, button);
    keypad->due_us = now_us + (expect == RP_EXPECT_DIGITS ? DIGITS_PAUSE_US : PAUSE_US);
    if (expect == RP_EXPECT_YES_NO || keypad->entry->len >= RP_KEYPAD_MAX_DIGITS)
      end_entry (keypad);
  }
  return begins;
}

char *
rp_keypad_poll (RpKeypad *keypad, gint64 now_us)
{
  if (now_us >= keypad->due_us)
    end_entry (keypad);
  return g_queue_pop_head (&keypad->done);
}

gint64
rp_keypad_deadline (const RpKeypad *keypad)
{
  return keypad->due_us;
}
