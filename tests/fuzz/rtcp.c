/* RTCP: a compound that is accepted can be read to its end, and a session takes anything. */
#include "rtcp-session.h"

#include <stdint.h>

#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_reader (const uint8_t *data, size_t size)
{
  RpRtcpReader reader;
  RpRtcpPacket packet;
  gsize n = 0;
  gboolean ok = rp_rtcp_reader_init (&reader, data, size);
  while (rp_rtcp_reader_next (&reader, &packet)) {
    n++;
    g_assert (packet.n_blocks <= RP_RTCP_MAX_BLOCKS && packet.n_bye <= RP_RTCP_MAX_BLOCKS);
    g_assert (packet.cname == NULL ||
              (packet.cname >= data && packet.cname + packet.cname_bytes <= data + size));
  }
  g_assert (ok ? n > 0 && reader.offset == size : n == 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  check_reader (data, size);

  /* The SSRCs 1 (ours) and 2 (theirs) are in the seeds. */
  RpRtcpSessionConfig config = {.ssrc = 1, .cname = "fuzz", .random_seed = (guint32) size};
  g_autoptr (RpRtcpSession) session = rp_rtcp_session_new (&config, 1000);
  RpRtcpStats stats;
  RpRtcpOut out;
  for (gsize i = 0; i + 6 <= size && i < 600; i += 6)
    rp_rtcp_session_received (session, 1000 + (gint64) i * 3000, data[i] & 1 ? 2 : 3,
                              (guint16) (data[i + 1] << 8 | data[i + 2]),
                              (guint32) data[i + 3] << 24 | data[i + 4]);
  rp_rtcp_session_received (session, 400000, 2, 1, 1);
  rp_rtcp_session_sent (session, 400000, 960, size);
  g_assert (rp_rtcp_session_poll (session, 600000, &out));
  rp_rtcp_session_input (session, 700000, data, size);
  rp_rtcp_session_stats (session, &stats);
  g_assert (stats.malformed + stats.reports_received == 1);
  g_assert (stats.rtt_us >= -1 && stats.rtt_us <= 60000000);
  gint64 due_us = rp_rtcp_session_deadline (session);
  g_assert (rp_rtcp_session_poll (session, due_us, &out));
  g_assert (rp_rtcp_session_deadline (session) > due_us);
  check_reader (out.data, out.length);
  rp_rtcp_session_bye (session, due_us, &out);
  check_reader (out.data, out.length);
  return 0;
}
