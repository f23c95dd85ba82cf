/* What a browser sends: speech as Opus, with the redundancy that browsers make, as RTP. */
#pragma once

#include <glib.h>

#define RP_MOUTH_OPUS 111
#define RP_MOUTH_RED 63
#define RP_MOUTH_RATE_HZ 48000
#define RP_MOUTH_FRAME_SAMPLES 960

typedef struct _RpMouth RpMouth;

/* @red: each packet carries the frame before it, too (RFC 2198). */
RpMouth *rp_mouth_new (gboolean red, int bitrate);
void rp_mouth_free (RpMouth *mouth);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (RpMouth, rp_mouth_free)

/* The next packet of 20 ms. Returns: its bytes, of @size at most. */
gsize rp_mouth_packet (RpMouth *mouth, const float *pcm, guint8 *out, gsize size);

/* A receiver report: the encoder makes its in-band FEC for the loss told, as libwebrtc does. */
void rp_mouth_rtcp (RpMouth *mouth, gint64 now_us, const guint8 *data, gsize len);
/* Percent that the encoder is told now. */
guint rp_mouth_expected_loss (const RpMouth *mouth);
