/* STUN messages, and packets in a stream. */
#include "framing.h"
#include "stun.h"

#include <string.h>

static gboolean
parse (const guint8 *data, gsize len, RpStunMessage *out)
{
  g_autofree guint8 *copy = g_memdup2 (data, len);
  return rp_stun_parse (copy, len, out);
}

/* RFC 5769 section 2.2 and 2.3: responses to "ice". */
static const guint8 v4_response[] = {
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
    0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
    0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
};
static const guint8 v6_response[] = {
    0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
    0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9, 0x00, 0x08, 0x00, 0x14,
    0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c, 0x82, 0x92, 0xc2, 0x75,
    0xbf, 0xe3, 0xed, 0x41, 0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c,
};

static void
test_responses (void)
{
  RpStunMessage message;
  g_assert_true (parse (v4_response, sizeof v4_response, &message));
  g_assert_cmpuint (message.method, ==, RP_STUN_BINDING);
  g_assert_cmpint (message.class_, ==, RP_STUN_SUCCESS);
  g_assert_cmpmem (message.transaction, 12, v4_response + 8, 12);
  g_assert_cmpstr (message.mapped.address, ==, "192.0.2.1");
  g_assert_cmpuint (message.mapped.port, ==, 32853);
  g_assert_true (parse (v6_response, sizeof v6_response, &message));
  g_assert_cmpstr (message.mapped.address, ==, "2001:db8:1234:5678:11:2233:4455:6677");
  g_assert_cmpuint (message.mapped.port, ==, 32853);
}

static void
test_requests (void)
{
  RpStunRequest request = {.method = RP_STUN_ALLOCATE, .transaction = "abcdefghijk"};
  guint8 bytes[RP_STUN_MAX_REQUEST_BYTES];
  RpStunMessage message;
  gsize len = rp_stun_write_request (&request, bytes, sizeof bytes);
  g_assert_cmpuint (len, ==, RP_STUN_HEADER_BYTES + 8);
  g_assert_true (parse (bytes, len, &message));
  g_assert_cmpuint (message.method, ==, RP_STUN_ALLOCATE);
  g_assert_cmpint (message.class_, ==, RP_STUN_REQUEST);
  g_assert_cmpstr (message.username, ==, "");

  request.username = "user";
  request.realm = "realm";
  request.nonce = "nonce";
  request.password = "pass";
  len = rp_stun_write_request (&request, bytes, sizeof bytes);
  g_assert_cmpuint (len, ==, RP_STUN_HEADER_BYTES + 8 + 8 + 12 + 12 + 24);
  g_assert_true (parse (bytes, len, &message));
  g_assert_cmpstr (message.username, ==, "user");
  g_assert_cmpstr (message.realm, ==, "realm");
  g_assert_cmpstr (message.nonce, ==, "nonce");
  /* Key: MD5 ("user:realm:pass"), which is what RFC 5389 section 15.4 gives as its example. */
  static const guint8 key[16] = {0x84, 0x93, 0xfb, 0xc5, 0x3b, 0xa5, 0x82, 0xfb,
                                 0x4c, 0x04, 0x4c, 0x45, 0x6b, 0xdc, 0x40, 0xeb};
  guint8 mac[20];
  gsize mac_len = sizeof mac;
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA1, key, sizeof key);
  g_hmac_update (hmac, bytes, (gssize) len - 24);
  g_hmac_get_digest (hmac, mac, &mac_len);
  g_assert_cmpmem (bytes + len - 20, 20, mac, 20);

  request.method = RP_STUN_CREATE_PERMISSION;
  request.peer = (RpStunAddress){"192.0.2.1", 32853};
  g_assert_cmpuint (rp_stun_write_request (&request, bytes, sizeof bytes), ==, len + 4);
  /* The transaction is no part of an IPv4 address: as in the response above. */
  static const guint8 peer[] = {0, 0x12, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43};
  g_assert_cmpmem (bytes + RP_STUN_HEADER_BYTES, sizeof peer, peer, sizeof peer);
  request.method = RP_STUN_SEND;
  request.data = "word";
  gsize indication = rp_stun_write_request (&request, bytes, sizeof bytes);
  g_assert_cmpuint (indication, ==, RP_STUN_HEADER_BYTES + 12 + 8);
  g_assert_true (parse (bytes, indication, &message));
  g_assert_cmpint (message.class_, ==, RP_STUN_INDICATION);
  g_assert_cmpuint (message.method, ==, RP_STUN_SEND);
  request.peer = (RpStunAddress){"example.com", 1};
  g_assert_cmpuint (rp_stun_write_request (&request, bytes, sizeof bytes), ==, 0);
  request.method = RP_STUN_ALLOCATE;
  for (gsize size = 0; size < len; size++) {
    g_autofree guint8 *small = g_malloc (size + 1);
    g_assert_cmpuint (rp_stun_write_request (&request, small, size), ==, 0);
  }
  g_autofree char *long_name = g_strnfill (RP_STUN_MAX_USERNAME_BYTES + 1, 'x');
  request.username = long_name;
  g_assert_cmpuint (rp_stun_write_request (&request, bytes, sizeof bytes), ==, 0);
}

static void
test_errors (void)
{
  static const guint8 unauthorised[] = {0x01, 0x13, 0x00, 0x1c, 0x21, 0x12, 0xa4, 0x42, 1,   2,
                                        3,    4,    5,    6,    7,    8,    9,    10,   11,  12,
                                        0x00, 0x09, 0x00, 0x08, 0x00, 0x00, 0x04, 0x01, 'N', 'o',
                                        '!',  '?',  0x00, 0x14, 0x00, 0x05, 'r',  'e',  'a', 'l',
                                        'm',  0,    0,    0,    0x7f, 0x01, 0x00, 0x00};
  RpStunMessage message;
  g_assert_true (parse (unauthorised, sizeof unauthorised, &message));
  g_assert_cmpint (message.class_, ==, RP_STUN_ERROR);
  g_assert_cmpuint (message.method, ==, RP_STUN_ALLOCATE);
  g_assert_cmpuint (message.error_code, ==, 401);
  g_assert_cmpstr (message.reason, ==, "No!?");
  g_assert_cmpstr (message.realm, ==, "realm");
}

static void
test_bad (void)
{
  RpStunMessage message = {.method = 77};
  for (gsize len = 0; len < sizeof v4_response; len++)
    g_assert_false (parse (v4_response, len, &message));
  for (gsize at = 0; at < sizeof v4_response; at++) {
    g_autofree guint8 *copy = g_memdup2 (v4_response, sizeof v4_response);
    copy[at] ^= 0xff;
    gboolean ok = rp_stun_parse (copy, sizeof v4_response, &message);
    if (at == 0 || (at >= 2 && at < 8))
      g_assert_false (ok);
  }
  guint8 zeros[RP_STUN_HEADER_BYTES] = {0};
  message.method = 77;
  g_assert_false (parse (zeros, sizeof zeros, &message));
  g_assert_cmpuint (message.method, ==, 77);
}

/* A packet of 0, 1, 5 and the most bytes, in pieces of any size. */
static void
test_framing (void)
{
  static const gsize sizes[] = {0, 1, 5, RP_FRAMING_MAX_BYTES, 3};
  g_autoptr (GByteArray) stream = g_byte_array_new ();
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
    const guint8 head[] = {(guint8) (sizes[i] >> 8), (guint8) sizes[i]};
    g_autofree guint8 *body = g_malloc (sizes[i] + 1);
    memset (body, (gint) i + 1, sizes[i]);
    g_byte_array_append (stream, head, sizeof head);
    g_byte_array_append (stream, body, (guint) sizes[i]);
  }
  for (gsize piece = 1; piece <= stream->len; piece += piece < 16 ? 1 : 97) {
    g_autofree RpFraming *framing = g_new0 (RpFraming, 1);
    gsize seen = 0, room, len;
    guint8 *packet;
    for (gsize at = 0; at < stream->len;) {
      guint8 *to = rp_framing_room (framing, &room);
      g_assert_cmpuint (room, >, 0);
      gsize n = MIN (MIN (piece, room), stream->len - at);
      memcpy (to, stream->data + at, n);
      rp_framing_filled (framing, n);
      at += n;
      while (rp_framing_poll (framing, &packet, &len) == RP_FRAMING_PACKET) {
        g_assert_cmpuint (len, ==, sizes[seen++]);
        for (gsize i = 0; i < len; i++)
          g_assert_cmpuint (packet[i], ==, seen);
      }
    }
    g_assert_cmpuint (seen, ==, G_N_ELEMENTS (sizes));
    g_assert_cmpint (rp_framing_poll (framing, &packet, &len), ==, RP_FRAMING_MORE);
  }
}

static void
test_framing_too_long (void)
{
  g_autofree RpFraming *framing = g_new0 (RpFraming, 1);
  gsize room, len;
  guint8 *packet;
  guint8 *to = rp_framing_room (framing, &room);
  to[0] = (RP_FRAMING_MAX_BYTES + 1) >> 8;
  to[1] = (RP_FRAMING_MAX_BYTES + 1) & 0xff;
  rp_framing_filled (framing, 2);
  g_assert_cmpint (rp_framing_poll (framing, &packet, &len), ==, RP_FRAMING_BROKEN);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stun/responses", test_responses);
  g_test_add_func ("/stun/requests", test_requests);
  g_test_add_func ("/stun/errors", test_errors);
  g_test_add_func ("/stun/bad", test_bad);
  g_test_add_func ("/framing/pieces", test_framing);
  g_test_add_func ("/framing/too-long", test_framing_too_long);
  return g_test_run ();
}
