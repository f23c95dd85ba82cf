/* Packets in a stream, each behind its length in two bytes (RFC 4571), as ICE over TCP has them
 * (RFC 6544 section 3). Sans-IO. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Longest packet that is taken: DTLS, SRTP and STUN stay below what Ethernet carries. */
#define RP_FRAMING_MAX_BYTES 2048
#define RP_FRAMING_HEADER_BYTES 2

typedef struct {
  guint8 buffer[RP_FRAMING_HEADER_BYTES + RP_FRAMING_MAX_BYTES];
  gsize len;  /* bytes in it */
  gsize used; /* of them: returned already */
} RpFraming;

/* Where to read to. @out_room: at least 1 when everything was polled. Pointers of earlier polls are
 * no longer good. */
guint8 *rp_framing_room (RpFraming *framing, gsize *out_room);
/* That many bytes were read there. */
void rp_framing_filled (RpFraming *framing, gsize n);

typedef enum {
  RP_FRAMING_MORE,   /* read on */
  RP_FRAMING_PACKET, /* @out, @out_len: writable, good until the next rp_framing_room (); may be
                        empty */
  RP_FRAMING_BROKEN, /* one is too long: nothing of the rest can be told apart */
} RpFramingResult;
RpFramingResult rp_framing_poll (RpFraming *framing, guint8 **out, gsize *out_len);

G_END_DECLS
