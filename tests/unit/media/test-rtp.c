#include "rtp.h"

#include <string.h>

#define HEADER "\x80\x6f\x12\x34\x00\x00\x03\xc0\xde\xad\xbe\xef"

typedef struct {
  const char *name;
  const char *bytes;
  gsize length;
  gboolean ok;
  gsize header_bytes;
  gsize payload_bytes;
  guint padding_bytes;
} Row;

#define BYTES(s) s, sizeof s - 1

static const Row rows[] = {
    {"plain", BYTES (HEADER "abc"), TRUE, 12, 3, 0},
    {"no-payload", BYTES (HEADER), TRUE, 12, 0, 0},
    {"empty", BYTES (""), FALSE},
    {"short-by-one", HEADER, 11, FALSE},
    {"version-1", BYTES ("\x40\x6f\0\1\0\0\0\0\0\0\0\1"), FALSE},
    {"version-3", BYTES ("\xc0\x6f\0\1\0\0\0\0\0\0\0\1"), FALSE},
    {"csrc", BYTES ("\x82\x6f\0\1\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0\3x"), TRUE, 20, 1, 0},
    {"csrc-cut", BYTES ("\x82\x6f\0\1\0\0\0\0\0\0\0\1\0\0\0\2\0\0\0"), FALSE},
    {"extension", BYTES ("\x90\x6f\0\1\0\0\0\0\0\0\0\1\xbe\xde\0\1\x10\x85\0\0xy"), TRUE, 20, 2, 0},
    {"extension-empty", BYTES ("\x90\x6f\0\1\0\0\0\0\0\0\0\1\xbe\xde\0\0"), TRUE, 16, 0, 0},
    {"extension-header-cut", BYTES ("\x90\x6f\0\1\0\0\0\0\0\0\0\1\xbe\xde\0"), FALSE},
    {"extension-too-long", BYTES ("\x90\x6f\0\1\0\0\0\0\0\0\0\1\xbe\xde\0\2\0\0\0\0"), FALSE},
    {"extension-huge", BYTES ("\x90\x6f\0\1\0\0\0\0\0\0\0\1\xbe\xde\xff\xff\0\0\0\0"), FALSE},
    {"padding", BYTES ("\xa0\x6f\0\1\0\0\0\0\0\0\0\1x\0\0\3"), TRUE, 12, 1, 3},
    {"padding-only", BYTES ("\xa0\x6f\0\1\0\0\0\0\0\0\0\1\0\0\0\4"), TRUE, 12, 0, 4},
    {"padding-zero", BYTES ("\xa0\x6f\0\1\0\0\0\0\0\0\0\1x\0\0\0"), FALSE},
    {"padding-too-long", BYTES ("\xa0\x6f\0\1\0\0\0\0\0\0\0\1x\0\0\5"), FALSE},
    {"padding-in-no-payload", BYTES ("\xa0\x6f\0\1\0\0\0\0\0\0\0\1"), FALSE},
};

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autofree guint8 *exact = g_memdup2 (row->bytes, row->length);
  RpRtpPacket packet;
  g_assert_cmpint (rp_rtp_parse (exact, row->length, &packet), ==, row->ok);
  if (!row->ok)
    return;
  g_assert_cmpuint (packet.header_bytes, ==, row->header_bytes);
  g_assert_cmpuint (packet.payload_bytes, ==, row->payload_bytes);
  g_assert_cmpuint (packet.padding_bytes, ==, row->padding_bytes);
  g_assert_true (packet.payload == exact + row->header_bytes);
}

static void
test_fields (void)
{
  RpRtpPacket packet;
  g_assert_true (rp_rtp_parse ((const guint8 *) HEADER, 12, &packet));
  g_assert_false (packet.marker);
  g_assert_cmpuint (packet.payload_type, ==, 111);
  g_assert_cmphex (packet.sequence, ==, 0x1234);
  g_assert_cmpuint (packet.timestamp, ==, 960);
  g_assert_cmphex (packet.ssrc, ==, 0xdeadbeef);
}

static void
test_round_trip (void)
{
  static const guint8 extension[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  RpRtpPacket in = {
      .marker = TRUE,
      .payload_type = 111,
      .sequence = 65535,
      .timestamp = 0xfffffff0,
      .ssrc = 0x01020304,
      .n_csrc = 2,
      .csrc = {5, 0xffffffff},
      .has_extension = TRUE,
      .extension_profile = 0xbede,
      .extension = extension,
      .extension_bytes = sizeof extension,
  };
  guint8 buffer[12 + 8 + 12];
  g_assert_cmpuint (rp_rtp_write_header (&in, buffer, sizeof buffer - 1), ==, 0);
  g_assert_cmpuint (rp_rtp_write_header (&in, buffer, sizeof buffer), ==, sizeof buffer);
  RpRtpPacket out;
  g_assert_true (rp_rtp_parse (buffer, sizeof buffer, &out));
  g_assert_true (out.marker && out.has_extension);
  g_assert_cmpuint (out.payload_type, ==, 111);
  g_assert_cmpuint (out.sequence, ==, 65535);
  g_assert_cmphex (out.timestamp, ==, 0xfffffff0);
  g_assert_cmphex (out.ssrc, ==, 0x01020304);
  g_assert_cmpuint (out.n_csrc, ==, 2);
  g_assert_cmphex (out.csrc[1], ==, 0xffffffff);
  g_assert_cmphex (out.extension_profile, ==, 0xbede);
  g_assert_cmpmem (out.extension, out.extension_bytes, extension, sizeof extension);
  g_assert_cmpuint (out.payload_bytes, ==, 0);

  in.payload_type = 128;
  g_assert_cmpuint (rp_rtp_write_header (&in, buffer, sizeof buffer), ==, 0);
  in.payload_type = 0;
  in.n_csrc = 16;
  g_assert_cmpuint (rp_rtp_write_header (&in, buffer, sizeof buffer), ==, 0);
  in.n_csrc = 0;
  in.extension_bytes = 3;
  g_assert_cmpuint (rp_rtp_write_header (&in, buffer, sizeof buffer), ==, 0);
}

static void
test_demux (void)
{
  static const struct {
    guint8 b0, b1;
    gsize length;
    RpDemux kind;
  } table[] = {
      {0, 1, 20, RP_DEMUX_STUN},       {3, 1, 20, RP_DEMUX_STUN},
      {0, 1, 19, RP_DEMUX_OTHER},      {4, 0, 100, RP_DEMUX_OTHER},
      {16, 0, 100, RP_DEMUX_OTHER},    {19, 0, 100, RP_DEMUX_OTHER},
      {20, 254, 13, RP_DEMUX_DTLS},    {63, 254, 100, RP_DEMUX_DTLS},
      {22, 254, 12, RP_DEMUX_OTHER},   {64, 0, 100, RP_DEMUX_OTHER},
      {79, 0, 100, RP_DEMUX_OTHER},    {127, 0, 100, RP_DEMUX_OTHER},
      {128, 111, 12, RP_DEMUX_RTP},    {128, 111 | 0x80, 12, RP_DEMUX_RTP},
      {128, 63, 12, RP_DEMUX_RTP},     {128, 96, 12, RP_DEMUX_RTP},
      {191, 0, 12, RP_DEMUX_RTP},      {128, 111, 11, RP_DEMUX_OTHER},
      {128, 200, 8, RP_DEMUX_RTCP},    {129, 201, 32, RP_DEMUX_RTCP},
      {128, 192, 8, RP_DEMUX_RTCP},    {128, 223, 8, RP_DEMUX_RTCP},
      {128, 64, 8, RP_DEMUX_RTCP},     {128, 200, 7, RP_DEMUX_OTHER},
      {192, 200, 100, RP_DEMUX_OTHER}, {255, 200, 100, RP_DEMUX_OTHER},
  };
  guint8 buffer[100] = {0};
  for (guint i = 0; i < G_N_ELEMENTS (table); i++) {
    buffer[0] = table[i].b0;
    buffer[1] = table[i].b1;
    g_autofree guint8 *exact = g_memdup2 (buffer, table[i].length);
    g_assert_cmpint (rp_demux (exact, table[i].length), ==, table[i].kind);
  }
  g_assert_cmpint (rp_demux (buffer, 0), ==, RP_DEMUX_OTHER);
  g_assert_cmpint (rp_demux (buffer, 1), ==, RP_DEMUX_OTHER);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *path = g_strdup_printf ("/rtp/parse/%s", rows[i].name);
    g_test_add_data_func (path, &rows[i], test_row);
  }
  g_test_add_func ("/rtp/fields", test_fields);
  g_test_add_func ("/rtp/round-trip", test_round_trip);
  g_test_add_func ("/rtp/demux", test_demux);
  return g_test_run ();
}
