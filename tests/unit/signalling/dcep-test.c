#include "dcep.h"

#include <string.h>

static gboolean
parse (const void *data, gsize len, RpDcepMessage *out, GError **error)
{
  g_autofree guint8 *copy = g_memdup2 (data, len);
  return rp_dcep_parse (copy, len, out, error);
}

/* A string literal as bytes, with the NULs in it. */
#define BYTES(literal) literal, sizeof literal - 1

static const struct {
  const char *data;
  gsize len;
  RpDcepMessage expected;
} good[] = {
    {BYTES ("\x02"), {.type = RP_DCEP_ACK}},
    /* The Pipecat client's channel: ordered and reliable. */
    {BYTES ("\x03\x00\x01\x00\x00\x00\x00\x00\x00\x04\x00\x00"
            "chat"),
     {RP_DCEP_OPEN, TRUE, RP_DCEP_RELIABLE, 0, 256, "chat", ""}},
    {BYTES ("\x03\x81\x02\x00\x00\x00\x00\x05\x00\x00\x00\x02"
            "pr"),
     {RP_DCEP_OPEN, FALSE, RP_DCEP_PARTIAL_REXMIT, 5, 512, "", "pr"}},
    {BYTES ("\x03\x02\x00\x80\xff\xff\xff\xff\x00\x02\x00\x01"
            "\xc3\xa9x"),
     {RP_DCEP_OPEN, TRUE, RP_DCEP_PARTIAL_TIMED, G_MAXUINT32, 128, "\xc3\xa9", "x"}},
    {BYTES ("\x03\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
     {RP_DCEP_OPEN, FALSE, RP_DCEP_RELIABLE, 0, 0, "", ""}},
};

static void
test_good (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (good); i++) {
    RpDcepMessage message;
    const RpDcepMessage *expected = &good[i].expected;
    guint8 wire[RP_DCEP_MAX_BYTES];
    g_autoptr (GError) error = NULL;
    parse (good[i].data, good[i].len, &message, &error);
    g_assert_no_error (error);
    g_assert_cmpint (message.type, ==, expected->type);
    g_assert_cmpint (message.ordered, ==, expected->ordered);
    g_assert_cmpint (message.reliability_type, ==, expected->reliability_type);
    g_assert_cmpuint (message.reliability, ==, expected->reliability);
    g_assert_cmpuint (message.priority, ==, expected->priority);
    g_assert_cmpstr (message.label, ==, expected->label);
    g_assert_cmpstr (message.protocol, ==, expected->protocol);
    gsize len = rp_dcep_write (&message, wire, sizeof wire);
    g_assert_cmpmem (wire, len, good[i].data, good[i].len);
    g_assert_cmpuint (rp_dcep_write (&message, wire, good[i].len - 1), ==, 0);
  }
}

static const struct {
  const char *data;
  gsize len;
  const char *message;
} bad[] = {
    {BYTES (""), "message is empty"},
    {BYTES ("\x00"), "message type 0x00 is unknown"},
    {BYTES ("\x04"), "message type 0x04 is unknown"},
    {BYTES ("\x02\x00"), "ACK has 2 bytes instead of one"},
    {BYTES ("\x03"), "OPEN of 1 bytes is cut short"},
    {BYTES ("\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "OPEN of 11 bytes is cut short"},
    {BYTES ("\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "channel type 0x03 is unknown"},
    {BYTES ("\x03\x83\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), "channel type 0x83 is unknown"},
    {BYTES ("\x03\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x00"
            "chat"),
     "OPEN has 16 bytes, its lengths say 17"},
    {BYTES ("\x03\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00"
            "chat"),
     "OPEN has 16 bytes, its lengths say 15"},
    {BYTES ("\x03\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff"),
     "OPEN has 12 bytes, its lengths say 131082"},
    {BYTES ("\x03\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00"
            "a\0"),
     "label is not UTF-8"},
    {BYTES ("\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
            "\xff"),
     "protocol is not UTF-8"},
};

static void
test_bad (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    RpDcepMessage message = {.priority = 4711};
    g_autoptr (GError) error = NULL;
    g_assert_false (parse (bad[i].data, bad[i].len, &message, &error));
    g_assert_error (error, RP_DCEP_ERROR, RP_DCEP_ERROR_INVALID);
    g_assert_cmpstr (error->message, ==, bad[i].message);
    g_assert_cmpuint (message.priority, ==, 4711);
  }
}

static void
test_long_names (void)
{
  RpDcepMessage message = {.type = RP_DCEP_OPEN, .ordered = TRUE}, again;
  guint8 wire[RP_DCEP_MAX_BYTES];
  g_autoptr (GError) error = NULL;
  memset (message.label, 'l', RP_DCEP_MAX_NAME_BYTES);
  memset (message.protocol, 'p', RP_DCEP_MAX_NAME_BYTES);
  gsize len = rp_dcep_write (&message, wire, sizeof wire);
  g_assert_cmpuint (len, ==, RP_DCEP_MAX_BYTES);
  g_assert_true (parse (wire, len, &again, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (again.label, ==, message.label);
  g_assert_cmpstr (again.protocol, ==, message.protocol);

  /* One byte moved from the protocol to the label. */
  wire[9] = 1;
  wire[10] = 0;
  wire[11] = 255;
  g_assert_false (parse (wire, len, &again, &error));
  g_assert_error (error, RP_DCEP_ERROR, RP_DCEP_ERROR_TOO_LONG);
  g_assert_cmpstr (error->message, ==, "label has 257 bytes, at most 256 are taken");
}

static void
test_ppids (void)
{
  for (guint32 ppid = 0; ppid < 64; ppid++) {
    g_assert_cmpint (rp_ppid_is_string (ppid), ==, ppid == 51 || ppid == 54 || ppid == 56);
    g_assert_cmpint (rp_ppid_is_binary (ppid), ==, ppid == 52 || ppid == 53 || ppid == 57);
    g_assert_cmpint (rp_ppid_is_empty (ppid), ==, ppid == 56 || ppid == 57);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dcep/good", test_good);
  g_test_add_func ("/dcep/bad", test_bad);
  g_test_add_func ("/dcep/long-names", test_long_names);
  g_test_add_func ("/dcep/ppids", test_ppids);
  return g_test_run ();
}
