/* worker/speech-out: order, holding back, cancelling, and staying within the server's queue. */
#include "speech-out.h"

#include <string.h>

static void
push (RpSpeechOut *out, guint32 utterance, guint n, gboolean complete)
{
  for (guint i = 0; i < n; i++)
    rp_speech_out_push (out, utterance, g_bytes_new ("abc", 3), complete && i + 1 == n);
}

/* Everything that may be sent, as "1.0 1.1! 2.0": utterance, frame, ! for the last. */
static char *
drain (RpSpeechOut *out)
{
  GString *text = g_string_new (NULL);
  RpAudioOut audio;
  GBytes *opus = NULL;
  while (rp_speech_out_poll (out, &audio, &opus)) {
    g_assert_cmpmem (audio.opus, audio.len, "abc", 3);
    g_string_append_printf (text, "%s%u.%u%s", text->len > 0 ? " " : "", audio.utterance,
                            audio.frame, (audio.flags & RP_AUDIO_OUT_LAST) != 0 ? "!" : "");
    g_bytes_unref (opus);
  }
  return g_string_free (text, FALSE);
}

static void
assert_sent (RpSpeechOut *out, const char *expected)
{
  g_autofree char *sent = drain (out);
  g_assert_cmpstr (sent, ==, expected);
}

static void
test_order (void)
{
  g_autoptr (RpSpeechOut) out = rp_speech_out_new ();
  assert_sent (out, "");
  rp_speech_out_begin (out, 1, FALSE);
  rp_speech_out_begin (out, 2, FALSE);
  push (out, 1, 2, FALSE);
  assert_sent (out, "1.0 1.1");
  push (out, 2, 1, TRUE);
  assert_sent (out, ""); /* the first is not complete */
  push (out, 1, 1, TRUE);
  assert_sent (out, "1.2! 2.0!");
}

static void
test_empty_utterance (void)
{
  g_autoptr (RpSpeechOut) out = rp_speech_out_new ();
  rp_speech_out_begin (out, 1, FALSE);
  rp_speech_out_begin (out, 2, FALSE);
  push (out, 2, 1, TRUE);
  assert_sent (out, "");
  rp_speech_out_finish (out, 1);
  assert_sent (out, "2.0!");
}

static void
test_held (void)
{
  g_autoptr (RpSpeechOut) out = rp_speech_out_new ();
  rp_speech_out_begin (out, 1, TRUE);
  rp_speech_out_begin (out, 2, TRUE);
  rp_speech_out_begin (out, 3, TRUE);
  push (out, 1, 1, TRUE);
  push (out, 2, 1, TRUE);
  push (out, 3, 1, TRUE);
  assert_sent (out, "");
  rp_speech_out_release (out, 2);
  assert_sent (out, "1.0! 2.0!");
  rp_speech_out_release (out, 3);
  assert_sent (out, "3.0!");
}

static void
test_cancel (void)
{
  g_autoptr (RpSpeechOut) out = rp_speech_out_new ();
  rp_speech_out_begin (out, 1, FALSE);
  rp_speech_out_begin (out, 2, TRUE);
  push (out, 1, 2, FALSE);
  assert_sent (out, "1.0 1.1");
  push (out, 2, 2, TRUE);
  push (out, 1, 1, FALSE);
  rp_speech_out_cancel (out, 0, 2);
  push (out, 1, 3, TRUE); /* made before the thread knew */
  rp_speech_out_release (out, 2);
  assert_sent (out, "");
  rp_speech_out_begin (out, 3, FALSE);
  push (out, 3, 1, TRUE);
  assert_sent (out, "3.0!");
  push (out, 99, 1, TRUE); /* one that nobody began */
  assert_sent (out, "");
}

static void
count (RpSpeechOut *out, guint expected)
{
  RpAudioOut audio;
  GBytes *opus = NULL;
  guint n = 0;
  for (; rp_speech_out_poll (out, &audio, &opus); n++)
    g_bytes_unref (opus);
  g_assert_cmpuint (n, ==, expected);
}

static void
test_ahead (void)
{
  g_autoptr (RpSpeechOut) out = rp_speech_out_new ();
  guint half = RP_SPEECH_OUT_MAX_AHEAD / 2;
  rp_speech_out_begin (out, 1, FALSE);
  push (out, 1, half, TRUE);
  rp_speech_out_begin (out, 2, FALSE);
  push (out, 2, 6 * half, FALSE);
  count (out, RP_SPEECH_OUT_MAX_AHEAD);
  rp_speech_out_played (out, 1, 10, FALSE);
  count (out, 10);
  rp_speech_out_played (out, 1, 10, FALSE);
  count (out, 0);
  rp_speech_out_played (out, 1, half, TRUE);
  count (out, half - 10);
  /* A report for the second says that the first is over; one of too much is not believed. */
  rp_speech_out_played (out, 2, 100, FALSE);
  count (out, 100);
  rp_speech_out_played (out, 2, G_MAXUINT, FALSE);
  count (out, RP_SPEECH_OUT_MAX_AHEAD);
  /* A flush: what the server had is gone, the next one starts from nothing. */
  rp_speech_out_cancel (out, 0, 2);
  rp_speech_out_begin (out, 3, FALSE);
  push (out, 3, 4 * half, TRUE);
  count (out, 0);
  rp_speech_out_played (out, 2, 100, TRUE);
  count (out, RP_SPEECH_OUT_MAX_AHEAD);
}

/* Cut before its first frame was on the wire, as much as the server takes: the answer to the flush
 * names an older one, and the next one must not wait for what was dropped. */
static void
test_flush_before_the_wire (void)
{
  g_autoptr (RpSpeechOut) out = rp_speech_out_new ();
  rp_speech_out_begin (out, 1, FALSE);
  push (out, 1, 2 * RP_SPEECH_OUT_MAX_AHEAD, TRUE);
  count (out, RP_SPEECH_OUT_MAX_AHEAD);
  rp_speech_out_cancel (out, 0, 1);
  rp_speech_out_begin (out, 2, FALSE);
  push (out, 2, 1, TRUE);
  assert_sent (out, "");
  rp_speech_out_played (out, 0, 0, TRUE);
  rp_speech_out_flushed (out);
  assert_sent (out, "2.0!");
}

/* One in the middle is given up, what is around it is said. */
static void
test_cancel_one (void)
{
  g_autoptr (RpSpeechOut) out = rp_speech_out_new ();
  for (guint32 id = 1; id <= 3; id++)
    rp_speech_out_begin (out, id, FALSE);
  push (out, 3, 1, TRUE);
  push (out, 1, 1, FALSE);
  assert_sent (out, "1.0");
  rp_speech_out_cancel (out, 2, 2);
  push (out, 1, 1, TRUE);
  assert_sent (out, "1.1! 3.0!");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/speech-out/order", test_order);
  g_test_add_func ("/speech-out/empty-utterance", test_empty_utterance);
  g_test_add_func ("/speech-out/held", test_held);
  g_test_add_func ("/speech-out/cancel", test_cancel);
  g_test_add_func ("/speech-out/cancel-one", test_cancel_one);
  g_test_add_func ("/speech-out/ahead", test_ahead);
  g_test_add_func ("/speech-out/flush-before-the-wire", test_flush_before_the_wire);
  return g_test_run ();
}
