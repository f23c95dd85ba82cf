/* RTP: what parses lies inside the input, and is written back the same. */
#include "rtp.h"

#include <stdint.h>

#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  RpRtpPacket packet, again;
  rp_demux (data, size);
  if (!rp_rtp_parse (data, size, &packet))
    return 0;
  g_assert (packet.header_bytes + packet.payload_bytes + packet.padding_bytes == size);
  g_assert (packet.payload == data + packet.header_bytes);

  g_autofree guint8 *header = g_malloc (packet.header_bytes);
  g_assert (rp_rtp_write_header (&packet, header, packet.header_bytes - 1) == 0);
  g_assert (rp_rtp_write_header (&packet, header, packet.header_bytes) == packet.header_bytes);
  g_assert (rp_rtp_parse (header, packet.header_bytes, &again));
  /* All but the padding bit, which belongs to the payload. */
  g_assert ((header[0] | 0x20) == (data[0] | 0x20));
  g_assert (memcmp (header + 1, data + 1, packet.header_bytes - 1) == 0);
  return 0;
}
