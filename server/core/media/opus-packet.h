#pragma once

/* What can be known of an Opus packet without decoding it (RFC 6716 section 3). Pure functions, no
 * libopus. */

#include <glib.h>

#define RP_OPUS_MAX_FRAMES 48
#define RP_OPUS_MAX_FRAME_BYTES 1275    /* RFC 6716 3.2.1 */
#define RP_OPUS_MAX_PACKET_SAMPLES 5760 /* 120 ms at 48 kHz, RFC 6716 3.2.5 */

typedef enum {
  RP_OPUS_MODE_SILK,
  RP_OPUS_MODE_HYBRID,
  RP_OPUS_MODE_CELT,
} RpOpusMode;

typedef struct {
  RpOpusMode mode;
  gboolean stereo;
  guint n_frames;       /* 1..48 */
  guint frame_samples;  /* per channel at 48 kHz: 120, 240, 480, 960, 1920 or 2880 */
  guint packet_samples; /* n_frames * frame_samples, at most 5760 */
  gsize frame_bytes[RP_OPUS_MAX_FRAMES]; /* 0 = DTX or lost frame */
  const guint8 *first_frame;             /* points into the packet */
} RpOpusPacket;

/*
 * rp_opus_packet_parse:
 *
 * Applies every rule R1..R7 of RFC 6716 3.4. A packet accepted here has a well-formed framing:
 * opus_packet_parse () accepts it too.
 *
 * Returns: FALSE for a malformed packet; @out_packet is then undefined.
 */
gboolean rp_opus_packet_parse (const guint8 *data, gsize length, RpOpusPacket *out_packet);

/* rp_opus_packet_samples: Returns: the duration in samples at 48 kHz, or 0 for a malformed packet.
 */
guint rp_opus_packet_samples (const guint8 *data, gsize length);

/*
 * rp_opus_packet_has_lbrr:
 *
 * Returns: TRUE when the packet carries redundancy for the frame before it, so that opus_decode (…,
 * decode_fec = 1) gives more than concealment (RFC 6716 4.2.3, 4.2.4). libopus 1.3 has no such
 * function. FALSE for a malformed packet.
 */
gboolean rp_opus_packet_has_lbrr (const guint8 *data, gsize length);

/* rp_opus_packet_info_has_lbrr: the same of a packet already parsed, whose bytes are still there.
 */
gboolean rp_opus_packet_info_has_lbrr (const RpOpusPacket *packet);
